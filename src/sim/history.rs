//! A session: configuration + inputs. Replaying them gives the same world; checkpoints make that
//! quick, cloning makes forks.

use serde::{Deserialize, Serialize};

use super::component::{Event, Msg, Target};
use super::trace::What;
use super::world::{Config, World};
use crate::api::Value;
use crate::base::{Str, Time};

/// Something that came from outside: the only thing beside the configuration that decides a session.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Input {
    /// A line typed at a machine's terminal.
    Line { machine: Str, text: Str },
    /// A line given to a machine's shell without a keyboard: nothing can be typed to what it runs.
    Command { machine: Str, text: Str },
    /// Keys typed where a program reads them one by one, as a terminal sends them.
    Keys { machine: Str, text: Str },
    /// Ctrl-C at a machine's terminal.
    Interrupt { machine: Str },
    /// A fault that no command can cause, as `!fault` in session files spells it.
    Fault { text: Str },
    /// A file put onto a machine: the manifests of a drill.
    File { machine: Str, path: Str, content: Str },
}

/// An input and its exact position.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Events handled before it.
    pub steps: u64,
    /// Clock when it came, in simulated microseconds.
    pub at: Time,
    pub input: Input,
}

/// What is saved, shared by URL, attached to a report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Saved {
    pub version: u32,
    pub config: Config,
    pub inputs: Vec<Recorded>,
    /// How far it had run.
    pub until: Time,
    /// Events handled by then: not all that are due at `until` need have been.
    pub steps: u64,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub world: World,
    inputs: Vec<Recorded>,
    /// How many of `inputs` the world has seen; the rest lie ahead after a rewind.
    applied: usize,
    /// Clones of the world and their `applied`, oldest first, the first of them at the start.
    checkpoints: Vec<(World, usize)>,
    /// Furthest time reached on this line of inputs.
    end: Time,
}

/// Events between checkpoints, before thinning: what a seek has to replay at most. Counted in events
/// rather than in time, so that a seek into a busy second costs no more than into an idle hour.
const CHECKPOINT_STEPS: u64 = 4_000;
/// With more checkpoints than this, every other one of the older half goes.
const MAX_CHECKPOINTS: usize = 256;

impl Session {
    /// `build` makes the ready lab of a configuration, deterministically.
    pub fn new(config: &Config, build: fn(&Config) -> World) -> Session {
        Session::of_world(build(config))
    }

    /// A session that starts from `world` as it is.
    pub fn of_world(world: World) -> Session {
        let end = world.now;
        Session { checkpoints: vec![(world.clone(), 0)], world, inputs: Vec::new(), applied: 0, end }
    }

    /// A saved session, replayed to where it was saved.
    pub fn restore(saved: &Saved, build: fn(&Config) -> World) -> Session {
        let mut session = Session::reopen(saved, build);
        session.catch_up(saved, u64::MAX);
        session
    }

    /// A saved session at its start, everything ahead of it: for [`Session::catch_up`] in slices.
    pub fn reopen(saved: &Saved, build: fn(&Config) -> World) -> Session {
        let mut session = Session::new(&saved.config, build);
        session.inputs.clone_from(&saved.inputs);
        session
    }

    /// Replays at most `events` on the way to where `saved` ends; whether it is there.
    pub fn catch_up(&mut self, saved: &Saved, events: u64) -> bool {
        let left = saved.steps.saturating_sub(self.world.steps);
        let there = self.advance(saved.until, left.min(events)) || left <= events;
        if there {
            self.world.now = self.world.now.max(saved.until);
        }
        there
    }

    /// When the lab was handed over to its user.
    pub fn start(&self) -> Time {
        self.checkpoints[0].0.now
    }
    /// The furthest time reached; beyond the clock after a rewind.
    pub fn end(&self) -> Time {
        self.end.max(self.world.now)
    }
    pub fn now(&self) -> Time {
        self.world.now
    }
    /// All inputs, also those that lie ahead after a rewind.
    pub fn inputs(&self) -> &[Recorded] {
        &self.inputs
    }

    /// Runs up to `until`, replaying recorded inputs that lie ahead. Stops early after `budget`
    /// events; returns whether `until` was reached.
    pub fn advance(&mut self, until: Time, budget: u64) -> bool {
        let mut left = budget;
        loop {
            match self.inputs.get(self.applied) {
                Some(next) if next.steps <= self.world.steps => {
                    if next.at > until {
                        break; // nothing else is due before it
                    }
                    self.world.now = self.world.now.max(next.at);
                    let input = next.input.clone();
                    self.applied += 1;
                    apply(&mut self.world, &input);
                }
                _ => {
                    if self.world.next_event_at().is_none_or(|at| at > until) {
                        break;
                    }
                    if left == 0 {
                        return false;
                    }
                    left -= 1;
                    self.world.step();
                    self.checkpoint();
                }
            }
        }
        self.world.now = self.world.now.max(until);
        self.end = self.end.max(self.world.now);
        true
    }

    /// Handles exactly one event; `false` if nothing is pending.
    pub fn step(&mut self) -> bool {
        let Some(at) = self.world.next_event_at() else { return false };
        self.advance(at, 1);
        true
    }

    /// Applies an input now. Inputs that lay ahead are dropped: that future is forked away
    /// (clone the session first to keep it).
    pub fn input(&mut self, input: Input) {
        self.inputs.truncate(self.applied);
        let steps = self.world.steps;
        self.checkpoints.retain(|(w, _)| w.steps <= steps);
        self.end = self.world.now;
        apply(&mut self.world, &input);
        self.inputs.push(Recorded { steps, at: self.world.now, input });
        self.applied += 1;
    }

    /// Moves the world to `at`, backwards or forwards, from the nearest checkpoint.
    pub fn seek(&mut self, at: Time) {
        let at = at.max(self.start());
        self.end = self.end();
        let before = self.checkpoints.partition_point(|(w, _)| w.now <= at).max(1) - 1;
        let nearest = &self.checkpoints[before];
        if at < self.world.now || nearest.0.now > self.world.now {
            self.world = nearest.0.clone();
            self.applied = nearest.1;
        }
        self.advance(at, u64::MAX);
    }

    pub fn save(&self) -> Saved {
        let inputs = self.inputs[..self.applied].to_vec();
        Saved { version: 1, config: self.world.config.clone(), inputs, until: self.world.now, steps: self.world.steps }
    }

    fn checkpoint(&mut self) {
        let last = self.checkpoints.last().map_or(0, |(w, _)| w.steps);
        if self.world.steps < last + CHECKPOINT_STEPS {
            return;
        }
        self.checkpoints.push((self.world.clone(), self.applied));
        if self.checkpoints.len() > MAX_CHECKPOINTS {
            let half = MAX_CHECKPOINTS / 2;
            let mut i = 0;
            self.checkpoints.retain(|_| {
                i += 1;
                i == 1 || i > half || i % 2 == 0
            });
        }
    }
}

/// Hands an input to whom it is for.
fn apply(world: &mut World, input: &Input) {
    let notify = |world: &mut World, machine: &Str, topic: &str, text: &Str| {
        let Some(index) = world.machine_named(machine) else { return };
        let Some(terminal) = world.actor_named(index, "terminal") else { return };
        let what = What::Input { machine: index, text: text.clone() };
        let (now, outside) = (world.now, super::ActorId::default());
        let cause = world.trace.push(now, now, Default::default(), outside, terminal, what);
        let msg = Msg::Notify(topic.into(), Value::from(text));
        world.schedule(now, Event { target: Target::Actor(terminal), msg, cause });
    };
    match input {
        Input::Line { machine, text } => notify(world, machine, "line", text),
        Input::Command { machine, text } => notify(world, machine, "command", text),
        Input::Keys { machine, text } => notify(world, machine, "keys", text),
        Input::Interrupt { machine } => notify(world, machine, "interrupt", &"^C".into()),
        Input::Fault { text } => crate::machine::fault::apply(world, text),
        Input::File { machine, path, content } => {
            let Some(index) = world.machine_named(machine) else { return };
            let (now, outside) = (world.now, super::ActorId::default());
            let what = What::Machine { machine: index, what: "file", detail: path.clone() };
            world.trace.push(now, now, Default::default(), outside, outside, what);
            world.machine_mut(index).write(path, content.clone(), now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Duration;
    use crate::component_boilerplate;
    use crate::machine::{Machine, Role};
    use crate::sim::{Component, Ctx, TraceId};

    /// Wakes itself at random times and writes down what it is told.
    #[derive(Clone, Debug, Default)]
    struct Ticker {
        heard: Vec<Str>,
    }
    impl Component for Ticker {
        fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
            if let Msg::Notify(topic, text) = msg {
                self.heard.push(ecow::eco_format!("{topic} {} {}", text.as_str(), ctx.now()));
                return;
            }
            let detail = ecow::eco_format!("{}", ctx.rng.below(1000));
            ctx.trace(What::Machine { machine: ctx.machine, what: "tick", detail });
            let wait = ctx.rng.between(Duration::ZERO, Duration::millis(2));
            ctx.timer(wait, 1, "");
        }
        component_boilerplate!();
    }

    fn build(config: &Config) -> World {
        let mut world = World::new(config.clone());
        let m = world.add_machine(Machine::new("m-k8s", "192.168.1.10", Role::ControlPlane));
        for name in ["terminal", "ticker"] {
            world.spawn(m, name, Arc::new(Ticker::default()), TraceId::NONE);
        }
        world
    }

    fn line(text: &str) -> Input {
        Input::Line { machine: "m-k8s".into(), text: text.into() }
    }

    fn fingerprint(s: &Session) -> (u64, u64, Time) {
        (s.world.trace.hash(), s.world.steps, s.world.now)
    }

    /// Ten seconds with three inputs, one of them at an instant that lies between events, one in the
    /// middle of several events of the same instant.
    fn played() -> Session {
        let mut s = Session::new(&Config::default(), build);
        s.advance(Time(1_000_000), u64::MAX);
        s.input(line("one"));
        s.advance(Time(5_000_000), 777);
        s.input(line("two"));
        s.advance(Time(5_000_123), u64::MAX);
        s.input(line("three"));
        s.advance(Time(10_000_000), u64::MAX);
        s
    }

    #[test]
    fn seeking_back_and_forward_is_as_if_never_sought() {
        let straight = played();
        let mut sought = played();
        for at in [7_000_000, 100, 999_999, 5_000_100, 9_999_999, 10_000_000] {
            sought.seek(Time(at));
            assert_eq!(sought.now(), Time(at));
            assert_eq!(sought.end(), straight.end(), "the future stays");
        }
        assert_eq!(fingerprint(&sought), fingerprint(&straight));
    }

    #[test]
    fn saved_and_restored_is_the_same_session() {
        let mut a = played();
        let text = serde_json::to_string(&a.save()).unwrap();
        let mut b = Session::restore(&serde_json::from_str(&text).unwrap(), build);
        assert_eq!(fingerprint(&a), fingerprint(&b));
        for s in [&mut a, &mut b] {
            s.advance(Time(12_000_000), u64::MAX);
        }
        assert_eq!(fingerprint(&a), fingerprint(&b));
    }

    #[test]
    fn an_input_after_a_rewind_forks_the_future_away() {
        let mut s = played();
        s.seek(Time(1_200_000));
        s.input(line("other"));
        assert_eq!(s.inputs().len(), 2);
        assert_eq!(s.end(), Time(1_200_000));
        s.advance(Time(10_000_000), u64::MAX);
        assert_ne!(fingerprint(&s).0, fingerprint(&played()).0);
    }
}
