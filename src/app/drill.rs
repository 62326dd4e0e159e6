//! A drill under way: which step is open, which checks hold since when, and the hand that types a
//! step's commands where the learner can see it.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::base::{Duration, Str, Time};
use crate::lesson::format::{Command, Topic};
use crate::lesson::script::Place;
use crate::lesson::{Card, Lesson, Progress, cards, probe};
use crate::machine::terminal::Terminal;
use crate::sim::{Profile, World};

#[derive(Clone, Debug)]
pub struct Drill {
    pub lesson: Rc<Lesson>,
    progress: Progress,
    /// The clock when the progress was last looked at: what came true later is open.
    now: Time,
    pub open: usize,
    /// Option chosen in a step's prediction.
    pub chosen: BTreeMap<usize, usize>,
    checked_ms: u64,
}

/// The drill to offer: the first in the catalogue's order, after `current` if there is one, that is for
/// this profile and not `done`.
pub fn next<'c>(current: &str, profile: Profile, done: &[String]) -> Option<&'c Card> {
    let order = || Topic::ALL.into_iter().flat_map(|t| cards().iter().filter(move |c| c.topic == t));
    let open = |c: &&Card| c.profiles.contains(&profile) && c.name != current && !done.contains(&c.name);
    order().skip_while(|c| c.name != current).find(open).or_else(|| order().find(open))
}

/// Real time between two rounds of checks.
const CHECK_EVERY_MS: u64 = 250;
/// Events that a frame may spend on checks.
const CHECK_EVENTS: u64 = 1500;

/// Equal is what looks equal: the clock alone changes nothing.
impl PartialEq for Drill {
    fn eq(&self, other: &Drill) -> bool {
        Rc::ptr_eq(&self.lesson, &other.lesson)
            && self.progress == other.progress
            && (self.open, &self.chosen) == (other.open, &other.chosen)
            && self.reached() == other.reached()
    }
}

impl Drill {
    pub fn new(lesson: Lesson) -> Drill {
        let progress = Progress::new(&lesson);
        Drill { lesson: Rc::new(lesson), progress, now: Time::ZERO, open: 0, chosen: BTreeMap::new(), checked_ms: 0 }
    }
    /// The wished profile, or else the drill's own.
    pub fn profile(&self, wish: Profile) -> Profile {
        let own = &self.lesson.profiles;
        if own.contains(&wish) { wish } else { own.first().copied().unwrap_or(wish) }
    }
    pub fn step_done(&self, step: usize) -> bool {
        self.progress.step_done(step, self.now)
    }
    /// The first step that is not done.
    pub fn current(&self) -> Option<usize> {
        self.progress.current(self.now)
    }
    /// When a check first held.
    pub fn check_done_at(&self, step: usize, check: usize) -> Option<Time> {
        self.progress.done_at(step, check).filter(|at| *at <= self.now)
    }
    /// When a step's last check came true.
    pub fn done_at(&self, step: usize) -> Option<Time> {
        let checks = self.lesson.steps[step].checks.len();
        (0..checks).map(|c| self.check_done_at(step, c)).collect::<Option<Vec<_>>>()?.into_iter().max()
    }
    /// When each goal was reached.
    pub fn goals(&self) -> Vec<Time> {
        let all =
            self.lesson.steps.iter().enumerate().flat_map(|(s, step)| (0..step.checks.len()).map(move |c| (s, c)));
        all.filter_map(|(s, c)| self.progress.done_at(s, c)).collect()
    }

    /// How many goals lie before the clock.
    fn reached(&self) -> usize {
        self.goals().into_iter().filter(|at| *at <= self.now).count()
    }

    /// Runs the current step's checks on a copy of the world; whether anything changed.
    pub fn check(&mut self, world: &World, now_ms: u64) -> bool {
        let before = self.current();
        self.now = world.now;
        if !self.progress.asking() {
            if now_ms < self.checked_ms + CHECK_EVERY_MS {
                return false;
            }
            self.checked_ms = now_ms;
        }
        let lesson = self.lesson.clone();
        let changed = self.progress.observe(&lesson, world, CHECK_EVENTS);
        // The learner moves on with the drill, unless they look at another step.
        if let Some(next) = self.current()
            && before.is_some_and(|b| b < next && self.open == b)
        {
            self.open = next;
        }
        changed
    }

    /// Whether every step is done.
    pub fn finished(&self) -> bool {
        self.current().is_none()
    }

    /// The clock was moved.
    pub fn moved(&mut self, now: Time) {
        self.now = now;
        self.open = self.current().unwrap_or(self.open).min(self.lesson.steps.len() - 1);
    }
    /// An input came after a rewind: another future.
    pub fn forked(&mut self, now: Time) {
        self.progress.forget_after(now);
    }
}

/// The machine a drill means: a name, or what `$(COMMAND)` prints on the master.
fn resolve(world: &World, machine: &str) -> Option<Str> {
    probe::machine(world, &Place::parse(machine)).ok().map(Into::into)
}

/// What the typing hand asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Gesture {
    Nothing,
    /// Show this much of a line in this machine's terminal.
    Draft(Str, String),
    Submit(Str, String),
    Interrupt(Str),
}

/// The hand that types a step's commands.
#[derive(Clone, Debug)]
pub struct Hand {
    todo: VecDeque<Command>,
    phase: Phase,
}

#[derive(Clone, Debug)]
enum Phase {
    Next,
    Typing { machine: Str, shown: usize },
    Running { machine: Str, before: usize, since: Time, interrupted: bool },
    Waiting(Time),
}

/// Characters that appear per frame.
const PER_FRAME: usize = 2;

impl Hand {
    pub fn new(commands: &[Command]) -> Hand {
        Hand { todo: commands.iter().cloned().collect(), phase: Phase::Next }
    }

    /// One frame of work; `None` when all is typed and run. `still`: lines appear whole.
    pub fn frame(&mut self, world: &World, still: bool) -> Option<Gesture> {
        match &mut self.phase {
            Phase::Waiting(until) if world.now < *until => return Some(Gesture::Nothing),
            Phase::Waiting(_) => {
                self.todo.pop_front();
                self.phase = Phase::Next;
                return Some(Gesture::Nothing);
            }
            _ => {}
        }
        let command = self.todo.front()?;
        let gesture = match &mut self.phase {
            Phase::Next => {
                let machine = resolve(world, &command.machine)?;
                self.phase = Phase::Typing { machine, shown: 0 };
                Gesture::Nothing
            }
            Phase::Typing { machine, shown } => {
                let all = command.command.chars().count();
                if *shown < all {
                    *shown = if still { all } else { (*shown + PER_FRAME).min(all) };
                    Gesture::Draft(machine.clone(), command.command.chars().take(*shown).collect())
                } else {
                    let machine = machine.clone();
                    let before = finished(world, &machine);
                    self.phase =
                        Phase::Running { machine: machine.clone(), before, since: world.now, interrupted: false };
                    Gesture::Submit(machine, command.command.clone())
                }
            }
            Phase::Running { machine, before, since, interrupted } => {
                let late = command.interrupt_after.is_some_and(|after| world.now >= *since + after);
                if finished(world, machine) > *before {
                    self.phase = Phase::Waiting(world.now + command.wait.unwrap_or(Duration::ZERO));
                    Gesture::Nothing
                } else if late && !*interrupted {
                    *interrupted = true;
                    Gesture::Interrupt(machine.clone())
                } else {
                    Gesture::Nothing
                }
            }
            Phase::Waiting(_) => Gesture::Nothing,
        };
        Some(gesture)
    }
}

/// Lines finished so far at a machine's terminal.
fn finished(world: &World, machine: &str) -> usize {
    let terminal = world.machine_named(machine).and_then(|m| world.actor_named(m, "terminal"));
    terminal.and_then(|t| world.component::<Terminal>(t)).map_or(0, |t| t.history.len())
}
