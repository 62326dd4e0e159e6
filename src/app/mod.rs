//! The app as data: its state, the actions that change it, and the effects they ask of the browser.
//! Knows nothing of the DOM.

pub mod action;
mod complete;
pub mod drill;
pub mod editor;
pub mod export;
pub mod link;
pub mod player;
pub mod reduce;
pub mod settings;
pub mod terminals;
pub mod visit;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::base::{Str, Time};
use crate::machine::Role;
use crate::scene::pods::Slots;
use crate::scene::ticks::Tick;
use crate::scene::{Lang, Target, Text, t};
use crate::sim::history::Saved;
use crate::sim::{Config, Session, World};

pub use action::{Action, Effect, Facet, Sheet};
use drill::{Drill, Hand};
use editor::Editor;
use export::Export;
use link::{BadParam, Params};
use player::Player;
pub use reduce::reduce;
use settings::Settings;
pub use terminals::Draft;

/// A branch that was left: its session and its marks.
#[derive(Clone, Debug)]
pub struct Lane {
    pub session: Session,
    pub ticks: Vec<Tick>,
    /// Where the branches part.
    pub fork: Time,
}

/// A message that stays until it is closed: a title, the reason, what was done instead.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    pub title: Str,
    pub reason: Str,
    pub comfort: Str,
    pub error: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Dialog {
    Help,
    Share { fragment: String },
}

#[derive(Clone, Debug)]
pub struct State {
    pub session: Session,
    pub settings: Settings,
    pub player: Player,
    pub lanes: Vec<Lane>,
    pub embed: bool,
    pub reduced_motion: bool,
    pub stage: (i32, i32),
    pub slots: Slots,
    pub selected: Option<Target>,
    pub hovered: Option<Target>,
    pub facet: Facet,
    pub zoom: Option<u32>,
    pub sheet: Sheet,
    pub tab: u32,
    pub drafts: BTreeMap<u32, Draft>,
    pub drill: Option<Drill>,
    pub hand: Option<Hand>,
    pub notice: Option<Notice>,
    /// A short word of success, with the display time it appeared.
    pub toast: Option<(Str, u64)>,
    pub dialog: Option<Dialog>,
    pub export: Option<Rc<Export>>,
    pub editor: Option<Rc<Editor>>,
    pub menu: bool,
    /// A saved session on its way to where it was saved.
    replay: Option<Saved>,
    /// See [`Params::panic`].
    panic_on: Option<String>,
    panicking: bool,
    build: fn(&Config) -> World,
}

/// Events of a saved session that are replayed before the first picture.
const AT_ONCE: u64 = 60_000;

/// A fresh lab with files to work with: the drill's, or in free play those of all drills.
fn fresh(config: &Config, drill: Option<&Drill>, build: fn(&Config) -> World) -> Session {
    let mut session = Session::new(config, build);
    match drill {
        Some(drill) => crate::lesson::progress::prepare(&drill.lesson, &mut session),
        None => crate::lesson::progress::prepare_free(&mut session),
    }
    session
}

/// Branches kept beside the current one.
const MAX_LANES: usize = 3;

impl State {
    /// The app as it opens. Whatever of the address cannot be honoured is said in a notice.
    pub fn open(params: &Params, settings: Settings, build: fn(&Config) -> World) -> State {
        let lang = settings.lang;
        let mut notice = None;
        let mut config = link::config(params).unwrap_or_else(|bad| {
            let (title, value) = match bad {
                BadParam::Profile(v) => (Text::UnknownProfile, v),
                BadParam::Seed(v) => (Text::BadSeed, v),
                BadParam::Workers(v) => (Text::BadWorkers, v),
                BadParam::Masters(v) => (Text::BadMasters, v),
            };
            notice = Some(Notice::error(t(lang, title), &value, t(lang, Text::PlainLab)));
            Config::default()
        });
        let drill = params.lesson.as_ref().and_then(|name| {
            let found = crate::lesson::shipped(name);
            if found.is_none() {
                notice = Some(Notice::error(t(lang, Text::UnknownLesson), name, t(lang, Text::PlainLab)));
            }
            found.map(Drill::new)
        });
        if let Some(drill) = &drill {
            let profile = drill.profile(config.profile);
            if params.profile.is_some() && profile != config.profile && notice.is_none() {
                notice = Some(Notice::elsewhere(&drill.lesson, Text::OtherOpened, lang));
            }
            config.profile = profile;
        }
        let mut replay = None;
        let session = match params.session.as_deref().map(link::read_link) {
            Some(Ok(saved)) => {
                let session = Session::reopen(&saved, build);
                replay = Some(saved);
                session
            }
            Some(Err(reason)) => {
                notice = Some(Notice::error(t(lang, Text::BadLink), &reason, t(lang, Text::PlainLab)));
                fresh(&config, drill.as_ref(), build)
            }
            None => fresh(&config, drill.as_ref(), build),
        };
        let mut state = State::of(session, settings, build);
        state.embed = params.embed;
        if params.embed {
            state.sheet = Sheet::Terminal;
        }
        state.drill = drill;
        state.notice = notice;
        state.panic_on = params.panic.clone();
        state.replay = replay;
        state.replay(AT_ONCE);
        state
    }

    /// An app around a session.
    pub fn of(session: Session, settings: Settings, build: fn(&Config) -> World) -> State {
        let mut player = Player::new(&session);
        player.caption_lang = settings.lang;
        let master = session.world.machines().position(|m| m.role == Role::ControlPlane).unwrap_or(0) as u32;
        State {
            player,
            session,
            settings,
            lanes: Vec::new(),
            embed: false,
            reduced_motion: false,
            stage: (1100, 560),
            slots: Slots::default(),
            selected: None,
            hovered: None,
            facet: Facet::default(),
            zoom: None,
            sheet: Sheet::default(),
            tab: master,
            drafts: BTreeMap::new(),
            drill: None,
            hand: None,
            notice: None,
            toast: None,
            dialog: None,
            export: None,
            editor: None,
            menu: false,
            replay: None,
            panic_on: None,
            panicking: false,
            build,
        }
    }

    /// Goes on with a replay, for at most `events`.
    pub fn replay(&mut self, events: u64) {
        let Some(saved) = &self.replay else { return };
        let there = self.session.catch_up(saved, events);
        self.player.skip(&self.session);
        if there {
            self.replay = None;
            let now = self.session.now();
            if let Some(drill) = &mut self.drill {
                drill.moved(now);
            }
        }
    }
    /// How much of a replay is done, in percent of its time.
    pub fn replayed(&self) -> Option<u32> {
        let saved = self.replay.as_ref()?;
        Some(crate::scene::ticks::permille(self.session.now(), self.session.start(), saved.until) / 10)
    }
    /// Whether something covers the page.
    pub fn covered(&self) -> bool {
        self.dialog.is_some() || self.export.is_some() || self.editor.is_some()
    }
    /// Whether there is simulating to do.
    pub fn behind(&self) -> bool {
        self.replay.is_some() || self.player.behind(&self.session)
    }

    pub fn world(&self) -> &World {
        &self.session.world
    }
    pub fn saved(&self) -> Saved {
        self.session.save()
    }
    /// Whether the clock stands before the end of this branch and a new input would fork it.
    pub fn in_past(&self) -> bool {
        let (now, steps) = (self.session.now(), self.world().steps);
        self.session.inputs().last().is_some_and(|i| i.at > now || i.steps > steps)
    }
    fn replace(&mut self, session: Session) {
        self.player = self.player.anew(&session);
        self.session = session;
        self.replay = None;
        self.lanes.clear();
        self.slots = Slots::default();
        (self.selected, self.hovered, self.zoom, self.hand) = (None, None, None, None);
        self.drafts.clear();
    }
}

impl Notice {
    /// A drill was asked for in a profile that it is not for.
    fn elsewhere(lesson: &crate::lesson::Lesson, comfort: Text, lang: Lang) -> Notice {
        let profiles: Vec<&str> = lesson.profiles.iter().map(|p| link::profile_name(*p)).collect();
        let reason = format!("{}: {}", lang.pick(&lesson.title.en, &lesson.title.ko), profiles.join(", "));
        Notice::error(t(lang, Text::OtherProfile), &reason, t(lang, comfort))
    }
    fn error(title: &str, reason: &str, comfort: &str) -> Notice {
        Notice { title: title.into(), reason: reason.into(), comfort: comfort.into(), error: true }
    }
}

#[cfg(test)]
mod tests;
