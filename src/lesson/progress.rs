//! How far a learner has got in a drill. Plain data; the checks run in a copy of the world.

use super::format::{Lesson, Step};
use super::play::{Entry, Player};
use super::script::{Action, Line, Place};
use super::{Check, probe};
use crate::api::Kind;
use crate::base::{Duration, Time};
use crate::sim::{Input, Session, TraceId, What, World};

/// Checks run at most this often, in simulated time.
const EVERY: Duration = Duration::millis(300);

/// Which checks of a drill held, and when first. Steps are done in order: a step's checks count only
/// once all steps before it are done, so that "the pod is gone" is not true before there was one.
#[derive(Clone, PartialEq, Debug)]
pub struct Progress {
    /// Per step, per check.
    done: Vec<Vec<Option<Time>>>,
    /// Last record of the trace that was looked at.
    seen: TraceId,
    looked_at: Option<Time>,
    /// Something happened since the checks last ran.
    due: bool,
}

impl Progress {
    pub fn new(lesson: &Lesson) -> Progress {
        let done = lesson.steps.iter().map(|s| vec![None; s.checks.len()]).collect();
        Progress { done, seen: TraceId::NONE, looked_at: None, due: true }
    }

    /// When a check first held.
    pub fn done_at(&self, step: usize, check: usize) -> Option<Time> {
        self.done.get(step)?.get(check).copied().flatten()
    }
    /// Whether all checks of a step hold at `now`; a rewound clock undoes nothing, it only hides.
    pub fn step_done(&self, step: usize, now: Time) -> bool {
        self.done.get(step).is_some_and(|s| s.iter().all(|d| d.is_some_and(|at| at <= now)))
    }
    /// The first step that is not done at `now`; `None` when the drill is finished.
    pub fn current(&self, now: Time) -> Option<usize> {
        (0..self.done.len()).find(|i| !self.step_done(*i, now))
    }

    /// Forgets what happened after `now`. To be called when an input comes after a rewind, which makes
    /// another future.
    pub fn forget_after(&mut self, now: Time) {
        let later = |d: &&mut Option<Time>| d.is_some_and(|at| at > now);
        self.done.iter_mut().flatten().filter(later).for_each(|d| *d = None);
        (self.seen, self.looked_at, self.due) = (TraceId::NONE, None, true);
    }

    /// Runs the checks of the current step if anything happened that could matter to them; whether
    /// anything came to hold.
    pub fn observe(&mut self, lesson: &Lesson, world: &World) -> bool {
        let rewound = self.looked_at.is_some_and(|at| at > world.now);
        self.due |= rewound || world.trace.iter().rev().take_while(|r| r.id > self.seen).any(|r| matters(&r.what));
        self.seen = world.trace.last_id();
        let early = !rewound && self.looked_at.is_some_and(|at| world.now < at + EVERY);
        if !self.due || early {
            return false;
        }
        (self.due, self.looked_at) = (false, Some(world.now));
        self.evaluate(lesson, world)
    }

    fn evaluate(&mut self, lesson: &Lesson, world: &World) -> bool {
        let mut any = false;
        let mut copy = None;
        while let Some(i) = self.current(world.now).filter(|i| *i < lesson.steps.len()) {
            for (check, done) in lesson.steps[i].checks.iter().zip(&mut self.done[i]) {
                let open = done.is_none_or(|at| at > world.now);
                if open && holds(copy.get_or_insert_with(|| world.clone()), check) {
                    (*done, any) = (Some(world.now), true);
                }
            }
            if !self.step_done(i, world.now) {
                break;
            }
        }
        any
    }
}

/// Whether a record may change what a command prints. Heartbeats and events do not matter.
fn matters(what: &What) -> bool {
    match what {
        What::Write { key, .. } => key.kind != Kind::LEASE && key.kind != Kind::EVENT,
        What::Exit { .. } | What::Process { .. } | What::Machine { .. } | What::Fault { .. } => true,
        _ => false,
    }
}

/// Whether a check holds in a world, which is a copy that may move on.
pub fn holds(copy: &mut World, check: &Check) -> bool {
    let Ok(machine) = probe::machine(copy, &Place::parse(&check.machine)) else { return false };
    let ran = probe::run_in(copy, &machine, &check.command);
    ran.is_some_and(|r| check.holds(r.code, &r.stdout, &r.stderr))
}

/// Puts a drill's files where it expects them: the home folder of root on m-k8s.
pub fn prepare(lesson: &Lesson, session: &mut Session) {
    for (name, content) in &lesson.files {
        let path = ecow::eco_format!("/root/{name}");
        session.input(Input::File { machine: super::format::MASTER.into(), path, content: content.as_str().into() });
    }
}

/// Plays one step by its own commands, as its button does, and waits until its checks hold.
/// The error names the check that never did.
pub fn solve(step: &Step, session: &mut Session) -> Result<Vec<Entry>, String> {
    let mut player = Player::default();
    player.play(session, &lines(step)).map_err(|e| format!("{}: {}", step.id, e.message))?;
    for check in &step.checks {
        let deadline = session.now() + check.within;
        while !holds(&mut session.world.clone(), check) {
            if session.now() >= deadline {
                let machine = probe::machine(&session.world, &Place::parse(&check.machine));
                let ran = machine.map(|m| probe::run(&session.world, &m, &check.command));
                return Err(format!("{}: `{}` is not as it should be: {ran:?}", step.id, check.command));
            }
            session.advance(session.now() + Duration::millis(500), u64::MAX);
        }
    }
    Ok(player.entries)
}

/// A step's commands as lines of a session file.
pub fn lines(step: &Step) -> Vec<Line> {
    let mut actions = Vec::new();
    for command in &step.commands {
        let machine = Place::parse(&command.machine);
        actions.push(Action::Run { machine: machine.clone(), command: command.command.clone(), quiet: false });
        if let Some(after) = command.interrupt_after {
            actions.push(Action::Wait(after));
            actions.push(Action::Interrupt { machine: None });
        }
        actions.extend(command.wait.map(Action::Wait));
    }
    actions.into_iter().map(|action| Line { number: 0, action }).collect()
}
