//! The player: how simulated time follows real time, and what travels on the stage meanwhile.
//!
//! Messages take some hundred simulated microseconds; to be seen they glide in *display* time. With
//! `follow` on, each hop of what the learner started glides alone, captioned, while the clock is
//! held. Otherwise hops appear as brief glides that do not stop the clock, and bursts merge.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use crate::base::{Duration, Str, Time};
use crate::scene::caption::{caption, fan_out, narrated, news};
use crate::scene::geometry::Point;
use crate::scene::hops::{self, Hop, HopKind};
use crate::scene::place::Place;
use crate::scene::placing::{Placing, placing};
use crate::scene::ticks::{Tick, tick};
use crate::scene::{Lang, Part, Scene, way};
use crate::sim::trace::{Record, TraceId, What};
use crate::sim::{Session, World};

/// Speeds offered, in thousandths of real time.
pub const SPEEDS: [u32; 6] = [100, 500, 1000, 5000, 20_000, 60_000];

/// A hop on its way across the stage, in display time.
#[derive(Clone, PartialEq, Debug)]
pub struct Glide {
    pub hop: Hop,
    pub start_ms: u64,
    pub length_ms: u32,
    /// How many equal hops it stands for.
    pub count: u32,
}

impl Glide {
    /// How far it has come at `now_ms`, eased, in permille.
    pub fn progress(&self, now_ms: u64) -> i32 {
        let t = (now_ms.saturating_sub(self.start_ms) * 1000 / u64::from(self.length_ms.max(1))).min(1000);
        ease(t as i64)
    }
    fn over(&self, now_ms: u64) -> bool {
        now_ms >= self.start_ms + u64::from(self.length_ms)
    }
}

/// Smooth start and stop: 3t² - 2t³.
fn ease(t: i64) -> i32 {
    ((3 * t * t * 1000 - 2 * t * t * t) / 1_000_000) as i32
}

/// A glide as it is drawn at one instant.
#[derive(Clone, PartialEq, Debug)]
pub struct Traveller {
    pub id: u64,
    pub at: Point,
    /// Its whole way, for the trail.
    pub d: String,
    pub class: &'static str,
    pub label: Str,
    pub number: Option<u8>,
    pub quiet: bool,
}

/// What is said about the newest thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Caption {
    pub number: Option<u8>,
    pub text: Str,
    pub error: bool,
    pub at: Time,
    /// Display time when it appeared.
    pub shown_ms: u64,
}

/// When fast-forward stops.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Until {
    deadline: Time,
}

#[derive(Clone, Debug)]
pub struct Player {
    pub playing: bool,
    /// Thousandths of real time.
    pub speed: u32,
    pub follow: bool,
    pub glides: Vec<Glide>,
    pub caption: Option<Caption>,
    /// The scheduler's latest choice, while it is worth seeing, and until when in display time.
    pub placing: Option<(Rc<Placing>, u64)>,
    /// Sentences for screen readers since they were last taken.
    pub narration: VecDeque<String>,
    said_last: String,
    pub ticks: Vec<Tick>,
    /// Where the simulation should be by now.
    due: Time,
    last_ms: Option<u64>,
    until: Option<Until>,
    queue: VecDeque<Hop>,
    /// Records up to this one have been looked at.
    seen: TraceId,
    /// Records that belong to what is followed.
    flow: BTreeSet<TraceId>,
    pub now_ms: u64,
    /// Language of captions made while gliding.
    pub caption_lang: Lang,
}

/// A caption of something that went wrong gives way to no other for so long.
const ERROR_MS: u64 = 1500;
const GLIDE_MS: u32 = 420;
const FOLLOW_MS: u32 = 620;
/// Short way to etcd and back, inside one machine.
const FOLLOW_SHORT_MS: u32 = 420;
/// How long the nodes' scores stay.
const PLACING_MS: u64 = 3000;
/// A leg of a packet's way, and its end if it does not arrive: long enough to read the caption.
const LEG_MS: u32 = 800;
const LEG_END_MS: u32 = 2400;
/// Between two that set out from one part.
const SAME_RAIL_MS: u64 = 160;
/// A way is not shown if it would have to wait so long for earlier ones.
const MAX_WALK_MS: u64 = 2400;
const MAX_GLIDES: usize = 24;
const MAX_QUEUE: usize = 400;
const MERGE_MS: u64 = 160;
/// A frame never asks for more simulated time than this many milliseconds of real time would.
const MAX_FRAME_MS: u64 = 100;
/// How far fast-forward goes when nothing happens.
const NOTHING_HAPPENS: Duration = Duration::mins(10);

impl Player {
    pub fn new(session: &Session) -> Player {
        Player {
            playing: true,
            speed: 1000,
            follow: false,
            glides: Vec::new(),
            caption: None,
            placing: None,
            narration: VecDeque::new(),
            said_last: String::new(),
            ticks: Vec::new(),
            due: session.now(),
            last_ms: None,
            until: None,
            queue: VecDeque::new(),
            seen: session.world.trace.last_id(),
            flow: BTreeSet::new(),
            now_ms: 0,
            caption_lang: Lang::En,
        }
    }

    /// A player of another session with the same speed and language.
    pub fn anew(&self, session: &Session) -> Player {
        let keep =
            Player { speed: self.speed, follow: self.follow, caption_lang: self.caption_lang, ..Player::new(session) };
        Player { now_ms: self.now_ms, last_ms: self.last_ms, ..keep }
    }

    /// Display time moves on.
    pub fn frame(&mut self, session: &Session, now_ms: u64) {
        let dt = self.last_ms.map_or(0, |last| now_ms.saturating_sub(last)).min(MAX_FRAME_MS);
        self.last_ms = Some(now_ms);
        self.now_ms = now_ms;
        self.glides.retain(|g| !g.over(now_ms));
        let walking = self.glides.iter().find(|g| g.hop.say.is_some() && g.start_ms <= now_ms);
        if let Some(hop) = walking.map(|g| g.hop.clone())
            && !self.follow
            && self.caption.as_ref().is_none_or(|c| Some(&c.text) != hop.say.as_ref())
        {
            self.caption = Some(self.said(&hop));
        }
        if self.caption.as_ref().is_some_and(|c| now_ms > c.shown_ms + 6000) {
            self.caption = None;
        }
        if self.placing.as_ref().is_some_and(|(_, until)| now_ms > *until) {
            self.placing = None;
        }
        if self.held() {
            if self.glides.is_empty() {
                self.next_hop(session);
            }
            return;
        }
        if self.playing && self.until.is_none() {
            let behind = self.due.since(session.now()).0;
            let step = dt * u64::from(self.speed);
            // Falling behind: let the simulation catch up before asking for more.
            if behind < 2 * step.max(1) {
                self.due = self.due.max(session.now()) + Duration::micros(step);
            }
        }
    }

    /// Whether the clock is held while something followed travels.
    pub fn held(&self) -> bool {
        self.follow && (!self.queue.is_empty() || !self.glides.is_empty())
    }
    pub fn forwarding(&self) -> bool {
        self.until.is_some()
    }
    /// Whether there is work for [`Player::work`].
    pub fn behind(&self, session: &Session) -> bool {
        !self.held() && (self.until.is_some() || session.now() < self.due)
    }

    /// Runs at most `events` events towards where the simulation should be.
    pub fn work(&mut self, session: &mut Session, events: u64, lang: Lang) {
        let goal = self.until.map_or(self.due, |u| u.deadline);
        if self.follow || self.until.is_some() {
            for _ in 0..events {
                let before = session.now();
                let next = session.world.next_event_at();
                if next.is_none_or(|at| at > goal) {
                    session.advance(goal, u64::MAX);
                    self.until = None;
                    break;
                }
                if !session.step() {
                    break;
                }
                let stop = self.absorb(&session.world, lang);
                if self.until.is_some() && stop {
                    (self.until, self.due) = (None, session.now());
                    break;
                }
                if self.held() {
                    self.due = session.now();
                    break;
                }
                debug_assert!(session.now() >= before);
            }
            return;
        }
        session.advance(goal, events);
        self.absorb(&session.world, lang);
    }

    /// The session moved on unseen: only marks are left of it.
    pub fn skip(&mut self, session: &Session) {
        self.ticks.extend(session.world.trace.since(self.seen).filter_map(tick));
        self.seen = session.world.trace.last_id();
        self.due = session.now();
    }

    /// Looks at the records since last time; whether something a learner would notice happened.
    pub fn absorb(&mut self, world: &World, lang: Lang) -> bool {
        let mut noticed = false;
        let fast = self.until.is_some() || self.speed > 5000;
        let news: Vec<&Record> = world.trace.since(self.seen).collect();
        // After a long leap only the end of it is worth showing.
        let skip = news.len().saturating_sub(600);
        for (i, record) in news.into_iter().enumerate() {
            self.seen = record.id;
            if let Some(t) = tick(record)
                && self.ticks.last().is_none_or(|last| last.id < t.id)
            {
                self.ticks.push(t);
            }
            if i < skip {
                continue;
            }
            self.note_flow(record);
            noticed |= self.show(record, world, fast, lang);
        }
        noticed
    }

    fn note_flow(&mut self, record: &Record) {
        if matches!(record.what, What::Input { .. } | What::Fault { .. }) || self.flow.contains(&record.cause) {
            self.flow.insert(record.id);
            if self.flow.len() > 20_000 {
                self.flow.pop_first();
            }
        }
    }

    fn show(&mut self, record: &Record, world: &World, fast: bool, lang: Lang) -> bool {
        let told = narrated(record);
        if !self.follow && !fast {
            self.show_placing(record);
        }
        let text = if told { news(record, world, lang).filter(|text| *text != self.said_last) } else { None };
        if let Some(text) = text {
            self.said_last.clone_from(&text);
            if self.narration.len() < 20 {
                self.narration.push_back(text.clone());
            }
            // A packet that is shown on its way says so when it gets there.
            let later = matches!(record.what, What::Packet { .. }) && !fast;
            // What went wrong stays long enough to be read: what follows from it comes after.
            let holds = |c: &Caption| c.error && self.now_ms < c.shown_ms + ERROR_MS;
            if !self.follow && !later && !self.caption.as_ref().is_some_and(holds) {
                self.caption = Some(self.caption_of(record, None, text));
            }
        }
        if self.follow {
            let ours = self.flow.contains(&record.id) && hops::worth_following(record);
            if ours && self.queue.len() < MAX_QUEUE {
                self.queue.extend(hops::hop(record, world).or_else(|| hops::decision(record, world)));
                self.queue.extend(way::legs(record, world, lang));
            }
            return told;
        }
        if !fast {
            self.walk(way::legs(record, world, lang));
        }
        let Some(hop) = hops::hop(record, world) else { return told };
        // Quiet answers only make noise: the request was seen.
        let plain_answer = hop.kind == HopKind::Answer && !matches!(hop.to, Place::Part(_, Part::Shell));
        let too_fast = fast && hop.quiet;
        if !plain_answer && !too_fast {
            self.glide(hop, GLIDE_MS);
        }
        told
    }

    fn show_placing(&mut self, record: &Record) {
        if let Some(p) = placing(record) {
            self.placing = Some((Rc::new(p), self.now_ms + PLACING_MS));
        }
    }

    fn caption_of(&self, record: &Record, number: Option<u8>, text: String) -> Caption {
        let error = match &record.what {
            What::Refused { .. } | What::Fault { .. } => true,
            What::Response { code, .. } => *code >= 400,
            What::Exit { code, .. } => *code != 0,
            What::Machine { what: "vm", detail, .. } => detail.starts_with("failed"),
            What::Decide { verdict, .. } => matches!(*verdict, "NodeNotReady" | "Unschedulable"),
            _ => false,
        };
        Caption { number, text: text.into(), error, at: record.at, shown_ms: self.now_ms }
    }

    /// A caption that a hop brings along.
    fn said(&self, hop: &Hop) -> Caption {
        let text = hop.say.clone().unwrap_or_default();
        Caption { number: None, text, error: hop.kind == HopKind::Error, at: hop.at, shown_ms: self.now_ms }
    }

    /// The legs of one way, one after another, after those of an earlier one.
    fn walk(&mut self, legs: Vec<Hop>) {
        let walking = self.glides.iter().filter(|g| g.hop.say.is_some());
        let free = walking.map(|g| g.start_ms + u64::from(g.length_ms)).max().unwrap_or(0);
        // A burst of connections: the first few are shown.
        if free > self.now_ms + MAX_WALK_MS {
            return;
        }
        let mut start_ms = free.max(self.now_ms);
        for hop in legs {
            let length_ms = if hop.kind == HopKind::Error { LEG_END_MS } else { LEG_MS };
            self.glides.push(Glide { hop, start_ms, length_ms, count: 1 });
            start_ms += u64::from(length_ms);
        }
    }

    fn glide(&mut self, hop: Hop, length_ms: u32) {
        let same = |g: &&mut Glide| {
            g.hop.from == hop.from
                && g.hop.to == hop.to
                && g.hop.label == hop.label
                && self.now_ms < g.start_ms + MERGE_MS
        };
        if let Some(g) = self.glides.iter_mut().find(same) {
            g.count += 1;
            return;
        }
        if self.glides.len() < MAX_GLIDES {
            // Hops of one moment leave one after another, so that cause and effect can be told apart.
            let stagger = self.glides.iter().filter(|g| g.start_ms >= self.now_ms).count() as u64 * 40;
            // On one rail a label must not cover the one before it.
            let rail =
                |g: &&Glide| !g.hop.quiet && (g.hop.from == hop.from || g.hop.to == hop.from && g.hop.from == hop.to);
            let before = self.glides.iter().filter(rail).map(|g| g.start_ms + SAME_RAIL_MS).max().unwrap_or(0);
            let apart = if hop.quiet { 0 } else { before.saturating_sub(self.now_ms) };
            let start_ms = self.now_ms + stagger.max(apart).min(800);
            self.glides.push(Glide { hop, start_ms, length_ms, count: 1 });
        }
    }

    /// Follow mode: the next hop sets out.
    fn next_hop(&mut self, session: &Session) {
        let Some(hop) = self.queue.pop_front() else { return };
        let world = &session.world;
        // A run of equal deliveries (one watch event to many) goes out together.
        let together = |a: &Hop, b: &Hop| {
            a.kind == HopKind::Watch && b.kind == HopKind::Watch && a.from == b.from && a.label == b.label
        };
        let mut batch = vec![hop];
        while self.queue.front().is_some_and(|next| together(&batch[0], next)) {
            batch.extend(self.queue.pop_front());
        }
        let near = matches!((&batch[0].from, &batch[0].to), (Place::Part(a, _), Place::Part(b, Part::Etcd)) if a == b);
        let plain = if near { FOLLOW_SHORT_MS } else { FOLLOW_MS };
        for hop in batch.iter().rev() {
            let length_ms = match (&hop.say, hop.kind) {
                (Some(_), HopKind::Error) => LEG_END_MS,
                (Some(_), _) => LEG_MS,
                (None, _) => plain,
            };
            let length_ms = length_ms * 1000 / self.speed.clamp(250, 4000);
            self.glides.push(Glide { hop: hop.clone(), start_ms: self.now_ms, length_ms, count: 1 });
        }
        if batch[0].say.is_some() {
            self.caption = Some(self.said(&batch[0]));
        } else if let Some(record) = world.trace.get(batch[0].id) {
            self.show_placing(record);
            let lang = self.caption_lang;
            let many = if batch.len() > 1 { fan_out(record, batch.len(), lang) } else { None };
            let number = if many.is_some() { Some(1) } else { batch[0].number };
            let text = many.unwrap_or_else(|| caption(record, world, lang));
            self.caption = Some(self.caption_of(record, number, text));
        }
    }

    /// What travels now, where it is drawn.
    pub fn travellers(&self, scene: &Scene, still: bool) -> Vec<Traveller> {
        let draw = |g: &Glide| {
            let path = hops::path(scene, &g.hop.from, &g.hop.to)?;
            // Standing still, a request and its answer must not cover each other: each is near its end.
            let progress = if still { 720 } else { g.progress(self.now_ms) };
            let d = path.d();
            let label =
                if g.count > 1 { ecow::eco_format!("{} ×{}", g.hop.label, g.count) } else { g.hop.label.clone() };
            Some(Traveller {
                id: g.hop.id.0,
                at: path.at(progress),
                d,
                class: g.hop.kind.class(),
                label: if g.hop.quiet { Str::new() } else { label },
                number: if self.follow { g.hop.number } else { None },
                quiet: g.hop.quiet,
            })
        };
        self.glides.iter().filter(|g| g.start_ms <= self.now_ms).filter_map(draw).collect()
    }

    /// Runs ahead until something a learner would notice happens.
    pub fn run_until_something(&mut self, session: &Session) {
        self.until = Some(Until { deadline: session.now() + NOTHING_HAPPENS });
        self.playing = true;
    }

    /// The session jumped: forget what was under way.
    pub fn jumped(&mut self, session: &Session) {
        self.glides.clear();
        self.placing = None;
        self.queue.clear();
        self.until = None;
        self.due = session.now();
        self.seen = session.world.trace.last_id();
        self.caption = None;
    }

    /// The future after now was forked away.
    pub fn forked(&mut self, session: &Session) {
        let now = session.now();
        self.ticks.retain(|t| t.at <= now);
        self.flow = self.flow.iter().copied().filter(|id| *id <= session.world.trace.last_id()).collect();
    }
}
