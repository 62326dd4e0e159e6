//! The root: holds the state, feeds it actions, carries out effects, and lays out the regions.

use kubedrill::addons::lab::MASTER;
use kubedrill::app::settings::Region;
use kubedrill::app::{Action, Sheet, State, reduce};
use kubedrill::base::hash::fnv32a;
use kubedrill::machine::Role;
use kubedrill::scene::inspect::inspect;
use kubedrill::scene::lang::Lang;
use kubedrill::scene::ticks::{clock, permille};
use kubedrill::scene::{Part, Scene, Target, Text, machines, objects, screen, t};
use kubedrill::sim::Profile;
use yew::prelude::*;

use super::chrome::Chrome;
use super::dialog::Dialogs;
use super::editor::Editor;
use super::export::Export;
use super::inspector::Inspector;
use super::keyrow::KeyRow;
use super::lesson::Lesson;
use super::shared::{Emit, Shared, on};
use super::splitter::Splitter;
use super::stage::Stage;
use super::terminal::{TabView, Terminal};
use super::timeline::{LaneMark, Timeline, marks};
use crate::web::{dom, effects, frame, place};

/// Real time a frame may spend on simulating, and events between two looks at the clock.
const BUDGET_MS: u64 = 8;
/// The same while time runs ahead, and while a session is replayed: nothing glides then.
const HURRY_MS: u64 = 30;
const REPLAY_MS: u64 = 45;
/// How often a replay shows how far it is, in milliseconds: a picture costs as much as a slice of it.
const REPLAY_EVERY: u64 = 200;
const SLICE: u64 = 400;

pub struct App {
    state: State,
    emit: Emit,
    cache: Cache,
    narration: String,
    narrated_ms: u64,
    drawn_ms: u64,
    _frames: frame::Frames,
    _help: Option<dom::HelpKey>,
}

/// What is built anew only when what it shows has changed.
#[derive(Default)]
struct Cache {
    scene: Option<(SceneKey, Shared<Scene>)>,
    lines: Option<(LinesKey, Shared<Vec<screen::Line>>)>,
    inspection: Option<(InspectKey, Shared<kubedrill::scene::inspect::Inspection>)>,
    drill: Option<Shared<kubedrill::app::drill::Drill>>,
    marks: Option<((usize, u32, u64), Shared<Vec<super::timeline::Mark>>)>,
    /// When the costly ones were built last, and when one that waits is to be built.
    built: [u64; 3],
    late: Option<u64>,
}

/// Sentences that a screen reader is given at once; of the others only the number.
const SENTENCES: usize = 4;

/// What costs much is built at most this often while only details change, in milliseconds: the
/// inspector's search of the trace; with a crowd on the stage also the scene and the terminal's links.
const INSPECT_EVERY: u64 = 250;
const CROWD_EVERY: [u64; 2] = [100, 500];

impl Cache {
    /// Whether something built last at `built[which]` may be built again now.
    fn may(&mut self, which: usize, every: u64, now: u64) -> bool {
        let at = self.built[which] + every;
        if now < at {
            self.late = Some(self.late.map_or(at, |late| late.min(at)));
            return false;
        }
        self.built[which] = now;
        true
    }
}

type SceneKey = (u64, u64, (i32, i32), Option<u32>, Lang);
type LinesKey = (u32, u64, usize, u64, u64);
type InspectKey = (Target, u64, u64, Lang);

impl Component for App {
    type Message = Action;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> App {
        let params = place::params();
        let mut state = State::open(&params, place::settings(&params), kubedrill::addons::lab::ready);
        reduce(&mut state, Action::ReducedMotion(place::reduced_motion()));
        for effect in reduce::opening(&state) {
            effects::run(effect);
        }
        let emit = ctx.link().callback(|action| action);
        let frames = frame::Frames::start(ctx.link().callback(Action::Frame));
        let (cache, narration) = (Cache::default(), String::new());
        let help = dom::HelpKey::new(ctx.link().callback(|()| Action::Help));
        let mut app = App { state, emit, cache, narration, narrated_ms: 0, drawn_ms: 0, _frames: frames, _help: help };
        app.refresh();
        app
    }

    fn update(&mut self, _ctx: &Context<Self>, action: Action) -> bool {
        let frame = matches!(action, Action::Frame(_));
        let before = (self.state.session.now(), self.state.world().steps);
        let moving = !self.state.player.glides.is_empty();
        for effect in reduce(&mut self.state, action) {
            effects::run(effect);
        }
        if frame {
            self.simulate();
            self.narrate();
        }
        let redraw = !frame
            || moving
            || before != (self.state.session.now(), self.state.world().steps)
            || !self.state.player.glides.is_empty()
            || self.state.hand.is_some()
            || self.state.player.placing.is_some()
            || self.state.toast.is_some()
            || self.cache.late.is_some_and(|at| self.state.player.now_ms >= at)
            || self.cache.drill.as_deref() != self.state.drill.as_ref();
        let now = frame::now_ms();
        let soon = frame && self.state.replayed().is_some() && now < self.drawn_ms + REPLAY_EVERY;
        if redraw && !soon {
            self.drawn_ms = now;
            self.refresh();
        }
        redraw && !soon
    }

    fn view(&self, _ctx: &Context<Self>) -> Html {
        let s = &self.state;
        let lang = s.settings.lang;
        let class = classes!(
            "app",
            s.embed.then_some("embed"),
            s.selected.is_some().then_some("inspecting"),
            (!s.settings.lesson_open || s.embed).then_some("no-lesson"),
            s.reduced_motion.then_some("still"),
            match s.sheet {
                Sheet::Lesson => "sheet-lesson",
                Sheet::Terminal => "sheet-terminal",
                Sheet::Inspector => "sheet-inspector",
            },
        );
        html! {
            <div {class}>
                <nav class="skip-links" aria-label={t(lang, Text::Menu)}>
                    <a href="#cli">{ t(lang, Text::SkipToTerminal) }</a>
                    if !s.embed && s.settings.lesson_open { <a href="#lesson">{ t(lang, Text::SkipToLesson) }</a> }
                </nav>
                { self.chrome() }
                <main class="work" inert={s.dialog.is_some() || s.export.is_some()}>
                    if !s.embed && s.settings.lesson_open {
                        { self.lesson() }
                        { self.splitter(Region::Lesson) }
                    }
                    <div class="centre">
                        { self.stage() }
                        { self.timeline() }
                        { self.splitter(Region::Terminal) }
                        { self.sheet_tabs() }
                        { self.terminal() }
                    </div>
                    if s.selected.is_some() {
                        { self.splitter(Region::Inspector) }
                        { self.inspector() }
                    }
                </main>
                <p class="visually-hidden" role="status" aria-live="polite" aria-label={t(lang, Text::NarrationRegion)}>{ self.narration.clone() }</p>
                if let Some(bundle) = &s.export {
                    <Export bundle={Shared::of(bundle.clone())} {lang} emit={self.emit.clone()} />
                }
                <Dialogs dialog={s.dialog.clone()} notice={s.notice.clone()} toast={s.toast.as_ref().map(|(w, _)| w.to_string())} {lang} emit={self.emit.clone()} />
            </div>
        }
    }
}

impl App {
    /// Runs what is due, within the frame's budget.
    fn simulate(&mut self) {
        let began = frame::now_ms();
        let budget = match self.state.player.forwarding() {
            _ if self.state.replayed().is_some() => REPLAY_MS,
            true => HURRY_MS,
            false => BUDGET_MS,
        };
        while self.state.behind() {
            reduce(&mut self.state, Action::Work(SLICE));
            if frame::now_ms().saturating_sub(began) >= budget {
                break;
            }
        }
    }

    /// Hands sentences to the live region, at most one batch every two seconds.
    fn narrate(&mut self) {
        let now = self.state.player.now_ms;
        if self.state.player.narration.is_empty() || now < self.narrated_ms + 2000 {
            return;
        }
        let mut all: Vec<String> = self.state.player.narration.drain(..).collect();
        all.dedup();
        let more = all.len().saturating_sub(SENTENCES);
        all.truncate(SENTENCES);
        if more > 0 {
            all.push(format!("{} {more}", t(self.state.settings.lang, Text::AndMore)));
        }
        self.narration = all.join(". ");
        self.narrated_ms = now;
    }

    fn chrome(&self) -> Html {
        let s = &self.state;
        let lesson = s.drill.as_ref().map(|d| d.lesson.name.clone()).unwrap_or_default();
        html! {
            <Chrome {lesson} profile={s.world().config.profile} theme={s.settings.theme} lang={s.settings.lang}
                lesson_open={s.settings.lesson_open} menu={s.menu} embed={s.embed} emit={self.emit.clone()} />
        }
    }

    fn splitter(&self, region: Region) -> Html {
        let s = &self.state.settings;
        html! { <Splitter {region} size={s.size(region)} lang={s.lang} emit={self.emit.clone()} /> }
    }

    fn lesson(&self) -> Html {
        let s = &self.state;
        html! {
            <Lesson drill={self.cache.drill.clone()} profile={s.world().config.profile} done={s.settings.done.clone()} typing={s.hand.is_some()} start={s.session.start()} lang={s.settings.lang} emit={self.emit.clone()} />
        }
    }

    fn stage(&self) -> Html {
        let s = &self.state;
        let Some((_, scene)) = &self.cache.scene else { return html! { <section class="stage" /> } };
        html! {
            <Stage scene={scene.clone()} travellers={s.player.travellers(scene, s.reduced_motion)} caption={s.player.caption.clone()} placing={s.player.placing.as_ref().map(|(p, _)| Shared::of(p.clone()))}
                selected={s.selected.clone()} hovered={s.hovered.clone()} lang={s.settings.lang} follow={s.player.follow} past={s.in_past()}
                replayed={s.replayed()} theme={s.settings.theme} emit={self.emit.clone()} />
        }
    }

    fn timeline(&self) -> Html {
        let s = &self.state;
        let (start, end, now) = (s.session.start(), s.session.end(), s.session.now());
        let lanes = s.lanes.iter().map(|l| LaneMark { fork: permille(l.fork, start, end) }).collect::<Vec<_>>();
        let marks = self.cache.marks.as_ref().map(|(_, m)| m.clone()).unwrap_or_default();
        html! {
            <Timeline clock={clock(now, start)} at={permille(now, start, end)} {marks} {lanes}
                playing={s.player.playing} speed={s.player.speed} follow={s.player.follow} forwarding={s.player.forwarding()}
                past={now < end} lang={s.settings.lang} emit={self.emit.clone()} />
        }
    }

    fn sheet_tabs(&self) -> Html {
        let s = &self.state;
        let lang = s.settings.lang;
        let tab = |sheet: Sheet, text: Text| {
            html! { <button class={classes!((s.sheet == sheet).then_some("chosen"))} aria-pressed={(s.sheet == sheet).to_string()} onclick={on(&self.emit, Action::Sheet(sheet))}>{ t(lang, text) }</button> }
        };
        html! {
            <nav class="sheet-tabs" aria-label={t(lang, Text::More)}>
                { tab(Sheet::Lesson, Text::Lesson) }
                { tab(Sheet::Terminal, Text::Terminal) }
                { tab(Sheet::Inspector, Text::Inspector) }
            </nav>
        }
    }

    fn terminal(&self) -> Html {
        let s = &self.state;
        let busy = |i: u32| s.terminal(i).is_some_and(|t| t.running());
        let tabs = s.world().machines().enumerate().map(|(i, m)| TabView {
            index: i as u32,
            name: m.name.clone(),
            busy: busy(i as u32),
        });
        let prompt = s.terminal(s.tab).map(|t| t.prompt()).unwrap_or_default();
        let keys = s.terminal(s.tab).is_some_and(|t| t.reads_keys());
        let lines = self.cache.lines.as_ref().map(|(_, l)| l.clone()).unwrap_or_default();
        html! {
            <>
                <Terminal tabs={tabs.collect::<Vec<_>>()} tab={s.tab} {lines} {prompt} busy={busy(s.tab)} {keys} draft={s.draft()} lang={s.settings.lang} emit={self.emit.clone()} />
                if let Some(file) = &s.editor {
                    <Editor file={Shared::of(file.clone())} lang={s.settings.lang} emit={self.emit.clone()} />
                }
                <KeyRow {keys} lang={s.settings.lang} emit={self.emit.clone()} />
            </>
        }
    }

    fn inspector(&self) -> Html {
        let s = &self.state;
        let (Some(target), Some((_, inspection))) = (&s.selected, &self.cache.inspection) else {
            return Html::default();
        };
        html! {
            <Inspector inspection={inspection.clone()} target={target.clone()} facet={s.facet} start={s.session.start()} deeds={self.deeds(target)}
                lang={s.settings.lang} emit={self.emit.clone()} />
        }
    }

    /// What can be done to a target with one click: commands as one would type them, and faults.
    fn deeds(&self, target: &Target) -> Vec<(Text, Action)> {
        let world = self.state.world();
        let name = |m: u32| world.machine(m).name.clone();
        let typed = |text, machine: u32, line: String| (text, Action::Type(name(machine), line));
        match target {
            Target::Machine(m) if world.machine(*m).role != Role::Host => self.machine_deeds(*m),
            Target::Part(m, part @ (Part::Kubelet | Part::Runtime)) => {
                let unit = match (part, world.config.profile) {
                    (Part::Kubelet, _) => "kubelet",
                    (_, Profile::Book) => "docker",
                    (_, Profile::Modern) => "containerd",
                };
                let scene = self.cache.scene.as_ref().and_then(|(_, s)| s.machine(*m));
                let alive = scene.is_some_and(|v| v.parts.iter().any(|p| p.part == *part && p.alive));
                let (text, verb) = match (part, alive) {
                    (Part::Kubelet, true) => (Text::StopKubelet, "stop"),
                    (Part::Kubelet, false) => (Text::StartKubelet, "start"),
                    (_, true) => (Text::StopRuntime, "stop"),
                    (_, false) => (Text::StartRuntime, "start"),
                };
                vec![typed(text, *m, format!("systemctl {verb} {unit}"))]
            }
            Target::Object(key) => {
                let kind = key.kind.name().to_ascii_lowercase();
                let namespace = match key.namespace.as_str() {
                    "" | "default" => String::new(),
                    ns => format!(" -n {ns}"),
                };
                vec![
                    typed(Text::Describe, MASTER, format!("kubectl describe {kind} {}{namespace}", key.name)),
                    typed(Text::DeleteIt, MASTER, format!("kubectl delete {kind} {}{namespace}", key.name)),
                ]
            }
            _ => Vec::new(),
        }
    }
}

impl App {
    fn machine_deeds(&self, m: u32) -> Vec<(Text, Action)> {
        let machine = self.state.world().machine(m);
        let fault = |text, verb: &str| (text, Action::Fault(format!("{verb} {}", machine.name)));
        let mut deeds = Vec::new();
        if machine.role == Role::Worker {
            deeds.push((Text::ZoomIn, Action::Zoom(Some(m))));
        }
        if !machine.powered_on {
            deeds.push(fault(Text::FaultBoot, "power-on"));
            return deeds;
        }
        deeds.push(fault(Text::FaultPower, "power-off"));
        let cut = self.cache.scene.as_ref().and_then(|(_, s)| s.machine(m)).is_some_and(|v| v.cut_off);
        deeds.push(if cut { fault(Text::FaultHeal, "rejoin") } else { fault(Text::FaultCut, "isolate") });
        deeds
    }

    /// Builds what the next view shows and the last one did not.
    fn refresh(&mut self) {
        if self.cache.drill.as_deref() != self.state.drill.as_ref() {
            self.cache.drill = self.state.drill.clone().map(Shared::new);
        }
        let s = &mut self.state;
        let cache = &mut self.cache;
        cache.late = None;
        let display = s.player.now_ms;
        let crowded = cache.scene.as_ref().is_some_and(|(_, scene)| !scene.crowd.is_empty());
        let [scene_every, lines_every] = if crowded { CROWD_EVERY } else { [0, 0] };
        let (steps, revision) = (s.world().steps, objects(s.world()).revision());
        let key: SceneKey = (steps, s.world().trace.last_id().0, s.stage, s.zoom, s.settings.lang);
        let (new, moved) = match &cache.scene {
            None => (true, true),
            Some((k, _)) => (*k != key, (k.2, k.3, k.4) != (key.2, key.3, key.4)),
        };
        if new && (moved || cache.may(0, scene_every, display)) {
            let scene = kubedrill::scene::build(&s.session.world, s.stage, s.zoom, &mut s.slots, s.settings.lang);
            cache.scene = Some((key, Shared::new(scene)));
        }
        let draft = s.draft();
        let shown = s.terminal(s.tab).map_or((0, 0), |t| match &t.frame {
            // Every picture of a program that reads keys is another screen.
            Some(f) => (usize::MAX, u64::from(fnv32a(f.text.as_bytes())) << 24 | u64::from(f.row * 100 + f.col)),
            None => (t.screen.len(), t.screen.last().map_or(0, |c| c.at.0 + c.text.len() as u64)),
        });
        let key: LinesKey = (s.tab, shown.1, shown.0, draft.cleared as u64, revision);
        let (new, moved) = match &cache.lines {
            None => (true, true),
            Some((k, _)) => (*k != key, (k.0, k.1, k.2, k.3) != (key.0, key.1, key.2, key.3)),
        };
        if new && (moved || cache.may(1, lines_every, display)) {
            let names = machines::names(s.world());
            let lines = s.terminal(s.tab).map(|t| match &t.frame {
                Some(frame) => screen::frame(frame),
                None => screen::lines(&t.screen, draft.cleared, &names),
            });
            let lines = lines.unwrap_or_default();
            cache.lines = Some((key, Shared::new(lines)));
        }
        if let Some(target) = &s.selected {
            let key: InspectKey = (target.clone(), revision, s.world().trace.last_id().0, s.settings.lang);
            let (new, moved) = match &cache.inspection {
                None => (true, true),
                Some((k, _)) => (*k != key, k.0 != key.0 || k.3 != key.3),
            };
            let every = if s.player.playing { INSPECT_EVERY } else { 0 };
            if new && (moved || cache.may(2, every, display)) {
                cache.inspection = Some((key, Shared::new(inspect(s.world(), target, s.settings.lang))));
            }
        }
        let (start, end, now) = (s.session.start(), s.session.end(), s.session.now());
        let at = permille(now, start, end);
        let key = (s.player.ticks.len(), at, end.0 / 200_000);
        if self.cache.marks.as_ref().is_none_or(|(k, _)| *k != key) {
            let list = marks(&s.player.ticks, |t| permille(t.at, start, end), at);
            if self.cache.marks.as_ref().is_none_or(|(_, old)| **old != list) {
                self.cache.marks = Some((key, Shared::new(list)));
            }
        }
    }
}
