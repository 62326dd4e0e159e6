//! How far a learner has got in a drill. Plain data; the checks run in a copy of the world,
//! a slice at a time where somebody waits for the next frame.

use super::format::{Lesson, MASTER, Step};
use super::play::{Entry, Player};
use super::probe::{Answer, Question};
use super::script::{Action, Line, Place};
use super::{Check, probe};
use crate::api::Kind;
use crate::base::{Duration, Str, Time};
use crate::machine::terminal::Ran;
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
    round: Option<Round>,
}

impl Progress {
    pub fn new(lesson: &Lesson) -> Progress {
        let done = lesson.steps.iter().map(|s| vec![None; s.checks.len()]).collect();
        Progress { done, seen: TraceId::NONE, looked_at: None, due: true, round: None }
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
        (self.seen, self.looked_at, self.due, self.round) = (TraceId::NONE, None, true, None);
    }

    /// Runs the checks of the current step if anything happened that could matter to them, for at most
    /// `budget` events: what is not answered by then goes on at the next call. Whether anything came
    /// to hold.
    pub fn observe(&mut self, lesson: &Lesson, world: &World, budget: u64) -> bool {
        let rewound = self.looked_at.is_some_and(|at| at > world.now);
        if rewound {
            self.round = None;
        }
        self.due |= rewound || world.trace.iter().rev().take_while(|r| r.id > self.seen).any(|r| matters(&r.what));
        self.seen = world.trace.last_id();
        if self.round.is_none() {
            let early = !rewound && self.looked_at.is_some_and(|at| world.now < at + EVERY);
            let Some(step) = self.current(world.now).filter(|_| self.due && !early) else { return false };
            (self.due, self.looked_at) = (false, Some(world.now));
            self.round = Some(Round::new(world, step));
        }
        self.work(lesson, budget)
    }

    /// Whether questions are under way.
    pub fn asking(&self) -> bool {
        self.round.is_some()
    }

    fn work(&mut self, lesson: &Lesson, mut budget: u64) -> bool {
        let mut any = false;
        let Some(mut round) = self.round.take() else { return false };
        loop {
            let Some(check) = lesson.steps.get(round.step).and_then(|s| s.checks.get(round.check)) else {
                // All of this step is asked; the next one's turn comes when it holds.
                match self.current(round.at).filter(|next| *next > round.step) {
                    Some(next) => (round.step, round.check) = (next, 0),
                    None => return any,
                }
                continue;
            };
            let done = &mut self.done[round.step][round.check];
            if done.is_none_or(|at| at > round.at) {
                match round.ask(check, &mut budget) {
                    None => {
                        self.round = Some(round);
                        return any;
                    }
                    Some(true) => (*done, any) = (Some(round.at), true),
                    Some(false) => {}
                }
            }
            (round.check, round.machine) = (round.check + 1, None);
        }
    }
}

/// Checks being asked one after another, in a copy of the world as it was at `at`.
#[derive(Clone, Debug)]
struct Round {
    at: Time,
    copy: World,
    step: usize,
    check: usize,
    /// The machine that the check means, once that is known.
    machine: Option<String>,
    question: Option<Question>,
}

/// What is being asked is no part of what is known.
impl PartialEq for Round {
    fn eq(&self, _: &Round) -> bool {
        true
    }
}

impl Round {
    fn new(world: &World, step: usize) -> Round {
        Round { at: world.now, copy: world.clone(), step, check: 0, machine: None, question: None }
    }

    /// Whether a check holds; `None`: not known within the budget.
    fn ask(&mut self, check: &Check, budget: &mut u64) -> Option<bool> {
        let machine = match (&self.machine, Place::parse(&check.machine)) {
            (Some(known), _) => known.clone(),
            (None, Place::Machine(name)) => name,
            (None, Place::Asked(command)) => match self.answer(MASTER, &command, budget)? {
                Some(ran) => ran.stdout.trim().to_owned(),
                None => return Some(false),
            },
        };
        self.machine = Some(machine.clone());
        let ran = self.answer(&machine, &check.command, budget)?;
        Some(ran.is_some_and(|r| check.holds(r.code, &r.stdout, &r.stderr)))
    }

    fn answer(&mut self, machine: &str, line: &str, budget: &mut u64) -> Option<Option<Ran>> {
        if self.question.is_none() {
            self.question = Question::ask(&mut self.copy, machine, line);
        }
        let Some(question) = &mut self.question else { return Some(None) };
        let ran = match question.work(&mut self.copy, budget) {
            Answer::Pending => return None,
            Answer::Ran(ran) => Some(ran),
            Answer::Never => None,
        };
        self.question = None;
        Some(ran)
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

/// Puts a drill's files where it expects them, the home folder of root on m-k8s; or takes all machines
/// away.
pub fn prepare(lesson: &Lesson, session: &mut Session) {
    if lesson.fresh {
        session.input(Input::Fault { text: "empty-lab".into() });
    }
    lesson.files.iter().for_each(|(name, content)| put(name, content.as_str().into(), session));
}

fn put(name: &str, content: Str, session: &mut Session) {
    let path = ecow::eco_format!("/root/{name}");
    session.input(Input::File { machine: MASTER.into(), path, content });
}

/// Drills whose manifests free play has at hand: a pod, a Deployment, one to update, a DaemonSet.
const FREE_PLAY: [&str; 4] = ["kubelet-stopped", "create-or-apply", "rollout", "daemonset"];

/// Files for free play. They are inputs and so part of every link: a few, not all.
pub fn prepare_free(session: &mut Session) {
    for (name, content) in FREE_PLAY.into_iter().flat_map(super::files) {
        put(&name, content, session);
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
