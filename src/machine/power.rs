//! Power: what ends when a machine goes off, what comes back when it boots.

use crate::base::Duration;
use crate::base::arrange::Arrange;
use crate::machine::systemd::{self, State, manager};
use crate::machine::{Role, files};
use crate::sim::component::Target;
use crate::sim::{ActorId, Event, Msg, TraceId, What, World};

/// From power-on until services start: firmware, kernel, early boot.
pub const BOOT: Duration = Duration::secs(20);

/// Takes the power from a machine: everything on it is just gone. `orderly`: services were stopped
/// and connections closed first, as `poweroff` does.
pub fn off(world: &mut World, machine: u32, orderly: bool, cause: TraceId) {
    if !world.machine(machine).powered_on {
        return;
    }
    if orderly {
        let mut units: Vec<_> = world.machine(machine).units.values().map(|u| (u.order, u.name.clone())).collect();
        units.arrange();
        for (_, name) in units.iter().rev() {
            let _ = systemd::stop(world, machine, name, cause);
        }
    }
    let terminal = world.actor_named(machine, "terminal");
    let ids: Vec<ActorId> = world.actors().filter(|(_, m, _)| *m == machine).map(|(id, ..)| id).collect();
    for id in ids {
        // The terminal is the learner's window, not a process of the machine.
        if Some(id) != terminal {
            world.kill(id, orderly, cause);
        }
    }
    let now = world.now;
    let m = world.machine_mut(machine);
    m.powered_on = false;
    m.processes.clear();
    m.listeners.clear();
    m.forwards.clear();
    let names: Vec<_> = m.units.keys().cloned().collect();
    for name in names {
        if let Some(unit) = m.units.get_mut(&name) {
            (unit.state, unit.since, unit.main_pid, unit.starts) = (State::Inactive, now, 0, 0);
        }
    }
    announce(world, machine, "off", terminal, cause);
}

/// Gives power back; services start when it has booted.
pub fn on(world: &mut World, machine: u32, cause: TraceId) {
    let booting = world.actor_named(machine, manager::NAME).is_some();
    if !world.machine(machine).powered_on && !booting {
        announce(world, machine, "boot", None, cause);
        manager::boot_later(world, machine, BOOT, cause);
    }
}

pub fn reboot(world: &mut World, machine: u32, orderly: bool, cause: TraceId) {
    off(world, machine, orderly, cause);
    on(world, machine, cause);
}

/// The kernel is up: memory is fresh, files are as they were left.
pub(in crate::machine) fn booted(world: &mut World, machine: u32, cause: TraceId) {
    let (now, profile) = (world.now, world.config.profile);
    let m = world.machine_mut(machine);
    m.powered_on = true;
    m.booted_at = now;
    m.next_pid = 1;
    files::fresh_kernel(m, profile, now);
    m.net = m.net.after_boot();
    if m.role != Role::Host {
        files::first_processes(m, now);
    }
    let terminal = world.actor_named(machine, "terminal");
    announce(world, machine, "on", terminal, cause);
}

fn announce(world: &mut World, machine: u32, state: &'static str, terminal: Option<ActorId>, cause: TraceId) {
    let (now, none) = (world.now, ActorId::default());
    let what = What::Machine { machine, what: "power", detail: state.into() };
    let cause = world.trace.push(now, now, cause, none, none, what);
    if let Some(terminal) = terminal {
        let msg = Msg::Notify("power".into(), state.into());
        world.schedule(now, Event { target: Target::Actor(terminal), msg, cause });
    }
}
