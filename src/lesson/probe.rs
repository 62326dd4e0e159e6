//! Asking without disturbing: a command is run in a copy of the world, which is then dropped. The
//! session, its trace and its hash know nothing of it.

use super::script::Place;
use crate::api::Value;
use crate::base::{Duration, Time};
use crate::machine::terminal::{Ran, Terminal};
use crate::sim::component::Target;
use crate::sim::{ActorId, Event, Msg, TraceId, World};

/// A command that takes longer has no answer.
const PATIENCE: Duration = Duration::mins(10);
/// Nor has one that keeps the world busier than this, in events.
const BUDGET: u64 = 2_000_000;

/// Runs `line` in a fresh shell of `machine`. `None`: no such machine, or no end within bounds.
pub fn run(world: &World, machine: &str, line: &str) -> Option<Ran> {
    run_in(&mut world.clone(), machine, line)
}

/// The same in a copy that the caller made already, for several questions in a row. The copy moves
/// on by the time that the command takes.
pub fn run_in(copy: &mut World, machine: &str, line: &str) -> Option<Ran> {
    let mut unlimited = u64::MAX;
    match Question::ask(copy, machine, line)?.work(copy, &mut unlimited) {
        Answer::Ran(ran) => Some(ran),
        Answer::Pending | Answer::Never => None,
    }
}

/// A command under way in a copy of the world, for callers that have other things to do meanwhile.
#[derive(Clone, Debug)]
pub struct Question {
    terminal: ActorId,
    line: String,
    asked: Time,
    /// Events until we give up.
    left: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Pending,
    Ran(Ran),
    Never,
}

const ID: &str = "probe";

impl Question {
    /// Starts `line` in a fresh shell of `machine`; `None`: no such machine.
    pub fn ask(copy: &mut World, machine: &str, line: &str) -> Option<Question> {
        let index = copy.machine_named(machine)?;
        let terminal = copy.actor_named(index, "terminal")?;
        // An earlier answer in the same copy must not be taken for this one.
        let asked = copy.now;
        let data = Value::Map(map! { "line" => line, "id" => ID, "quiet" => true });
        let msg = Msg::Notify("run".into(), data);
        copy.schedule(asked, Event { target: Target::Actor(terminal), msg, cause: TraceId::NONE });
        Some(Question { terminal, line: line.into(), asked, left: BUDGET })
    }

    /// Runs the copy until the command has ended or `budget` events are used up.
    pub fn work(&mut self, copy: &mut World, budget: &mut u64) -> Answer {
        while copy.now <= self.asked + PATIENCE && self.left > 0 {
            if *budget == 0 {
                return Answer::Pending;
            }
            (self.left, *budget) = (self.left - 1, *budget - 1);
            if !copy.step() {
                break;
            }
            let result = copy.component::<Terminal>(self.terminal).and_then(|t| t.results.get(ID));
            if let Some(ran) = result.filter(|r| r.line == self.line && r.started >= self.asked) {
                return Answer::Ran(ran.clone());
            }
        }
        Answer::Never
    }
}

/// The machine that a place names. The error says why there is none.
pub fn machine(world: &World, place: &Place) -> Result<String, String> {
    let known = |name: &str| world.machine_named(name).is_some();
    match place {
        Place::Machine(name) if known(name) => Ok(name.clone()),
        Place::Machine(name) => {
            let all: Vec<&str> = world.machines().map(|m| m.name.as_str()).collect();
            Err(format!("no machine is called `{name}`; there are {}", all.join(", ")))
        }
        Place::Asked(command) => {
            let ran = run(world, super::format::MASTER, command);
            let ran = ran.ok_or_else(|| format!("`{command}` does not end"))?;
            let name = ran.stdout.trim();
            if known(name) {
                return Ok(name.to_owned());
            }
            let said = if name.is_empty() { ran.stderr.trim() } else { name };
            Err(format!("`{command}` should print a machine's name, but printed `{said}`"))
        }
    }
}
