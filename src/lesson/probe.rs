//! Asking without disturbing: a command is run in a copy of the world, which is then dropped. The
//! session, its trace and its hash know nothing of it.

use super::script::Place;
use crate::api::Value;
use crate::base::Duration;
use crate::machine::terminal::{Ran, Terminal};
use crate::sim::component::Target;
use crate::sim::{Event, Msg, TraceId, World};

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
    let index = copy.machine_named(machine)?;
    let terminal = copy.actor_named(index, "terminal")?;
    let id = "probe";
    // An earlier answer in the same copy must not be taken for this one.
    let asked = copy.now;
    let before = copy.steps;
    let data = Value::Map(map! { "line" => line, "id" => id, "quiet" => true });
    let msg = Msg::Notify("run".into(), data);
    copy.schedule(asked, Event { target: Target::Actor(terminal), msg, cause: TraceId::NONE });
    while copy.now <= asked + PATIENCE && copy.steps - before < BUDGET && copy.step() {
        let result = copy.component::<Terminal>(terminal).and_then(|t| t.results.get(id));
        if let Some(ran) = result.filter(|r| r.line == line && r.started >= asked) {
            return Some(ran.clone());
        }
    }
    None
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
