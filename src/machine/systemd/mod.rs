//! The service manager: units start and stop the components that behave for them.
//! Not here: what `systemctl` prints (`commands/systemctl.rs`).
//! Models systemd's service.c as far as a learner sees it: no dependency graph, only a boot order.

pub mod manager;
pub mod unit;

pub use unit::{LogLine, State, Unit};

use crate::base::arrange::Arrange;
use crate::base::{Str, Time};
use crate::machine::files;
use crate::sim::{ActorId, TraceId, What, World};

/// Puts units on a machine, stopped.
pub fn install(world: &mut World, machine: u32, units: impl IntoIterator<Item = Unit>) {
    let m = world.machine_mut(machine);
    for unit in units {
        m.units.insert(unit.name.clone(), unit);
    }
}

/// `kubelet.service` and `kubelet` name the same unit.
pub fn plain_name(unit: &str) -> &str {
    unit.strip_suffix(".service").unwrap_or(unit)
}

/// The unit, or the reason `systemctl status` gives.
pub fn status<'w>(world: &'w World, machine: u32, unit: &str) -> Result<&'w Unit, Str> {
    let name = plain_name(unit);
    let missing = || ecow::eco_format!("Unit {name}.service could not be found.");
    world.machine(machine).units.get(name).ok_or_else(missing)
}

pub fn is_active(world: &World, machine: u32, unit: &str) -> bool {
    status(world, machine, unit).is_ok_and(|u| u.state == State::Active)
}

/// Starts a unit; starting what runs is no error. `Err`: why, as systemd words it.
pub fn start(world: &mut World, machine: u32, unit: &str, cause: TraceId) -> Result<(), Str> {
    let name = Str::from(plain_name(unit));
    let missing = || ecow::eco_format!("Unit {name}.service not found.");
    let u = world.machine(machine).units.get(&name).ok_or_else(missing)?.clone();
    if u.state == State::Active {
        return Ok(());
    }
    let now = world.now;
    let cause = traced(world, machine, cause, ecow::eco_format!("{name} started"));
    let pid = if u.one_shot { 0 } else { launch(world, machine, &u, cause) };
    if u.program == "dockerd" {
        // For its own bridge; containerd leaves the kernel as it is.
        for module in ["bridge", "br_netfilter", "overlay"] {
            files::load_module(world.machine_mut(machine), module, now);
        }
        world.machine_mut(machine).write(&files::sysctl_path("net.ipv4.ip_forward"), "1\n", now);
    }
    if name == "network" {
        crate::network::restarted(world, machine, cause);
    }
    change(world, machine, &name, |u| {
        u.log(now, "systemd", 1, ecow::eco_format!("Started {}.", full_stop(&u.description)));
        u.state = State::Active;
        u.since = now;
        u.main_pid = pid;
        u.last_pid = pid;
        u.starts += 1;
    });
    Ok(())
}

/// Starts the unit's main process: its component where it has one.
fn launch(world: &mut World, machine: u32, unit: &Unit, cause: TraceId) -> u32 {
    let now = world.now;
    let component = crate::addons::daemons::component(world, machine, &unit.program);
    let actor = component.map(|c| world.spawn(machine, &unit.program, c, cause));
    let pid = world.machine_mut(machine).add_process(&unit.command, actor, "", now);
    let what = What::Process { machine, name: unit.process().into(), pid, code: None };
    let id = actor.unwrap_or_default();
    world.trace.push(now, now, cause, id, id, what);
    pid
}

/// Stops a unit in order. Nothing but its main process ends; what that means for others is theirs.
pub fn stop(world: &mut World, machine: u32, unit: &str, cause: TraceId) -> Result<(), Str> {
    let name = Str::from(plain_name(unit));
    let missing = || ecow::eco_format!("Unit {name}.service not loaded.");
    let u = world.machine(machine).units.get(&name).ok_or_else(missing)?.clone();
    if matches!(u.state, State::Inactive | State::Failed) {
        return Ok(());
    }
    let now = world.now;
    change(world, machine, &name, |u| {
        u.log(now, "systemd", 1, ecow::eco_format!("Stopping {}...", u.description));
    });
    let cause = traced(world, machine, cause, ecow::eco_format!("{name} stopped"));
    end_process(world, machine, u.main_pid, 0, true, cause);
    change(world, machine, &name, |u| {
        u.log(now, "systemd", 1, ecow::eco_format!("Stopped {}.", full_stop(&u.description)));
        u.state = State::Inactive;
        u.since = now;
        u.main_pid = 0;
        u.exit = 0;
    });
    Ok(())
}

pub fn restart(world: &mut World, machine: u32, unit: &str, cause: TraceId) -> Result<(), Str> {
    let name = plain_name(unit);
    if !world.machine(machine).units.contains_key(name) {
        return Err(ecow::eco_format!("Unit {name}.service not found."));
    }
    stop(world, machine, name, cause)?;
    start(world, machine, name, cause)
}

/// Enables or disables a unit for the next boot; whether that changed anything.
pub fn set_enabled(world: &mut World, machine: u32, unit: &str, on: bool) -> Result<bool, Str> {
    let name = Str::from(plain_name(unit));
    let missing = || ecow::eco_format!("Unit file {name}.service does not exist.");
    let was = world.machine(machine).units.get(&name).ok_or_else(missing)?.enabled;
    change(world, machine, &name, |u| u.enabled = on);
    Ok(was != on)
}

pub fn enable(world: &mut World, machine: u32, unit: &str) -> Result<bool, Str> {
    set_enabled(world, machine, unit, true)
}

pub fn disable(world: &mut World, machine: u32, unit: &str) -> Result<bool, Str> {
    set_enabled(world, machine, unit, false)
}

/// Starts all enabled units in boot order, and the manager that restarts what dies.
pub fn boot(world: &mut World, machine: u32, cause: TraceId) {
    manager::ensure(world, machine, cause);
    let m = world.machine(machine);
    let mut names: Vec<(u8, Str)> = m.units.values().filter(|u| u.enabled).map(|u| (u.order, u.name.clone())).collect();
    names.arrange();
    for (_, name) in names {
        // Only units of the table are started, so none is missing.
        let _ = start(world, machine, &name, cause);
    }
}

/// A line in a unit's journal, written by its main process.
pub fn log(world: &mut World, machine: u32, unit: &str, text: impl Into<Str>) {
    let now = world.now;
    change(world, machine, plain_name(unit), |u| {
        let (ident, pid) = (Str::from(u.process()), u.main_pid);
        u.log(now, &ident, pid, text);
    });
}

/// Tells systemd that a main process ended by itself (crash, kill). Units with a restart delay start
/// again after it.
pub fn exited(world: &mut World, machine: u32, pid: u32, code: i32, cause: TraceId) {
    let Some(u) = world.machine(machine).units.values().find(|u| pid != 0 && u.main_pid == pid).cloned() else {
        return;
    };
    let now = world.now;
    // 255 is kubelet's own way out.
    let signal = if code < 255 { code - 128 } else { 0 };
    let book = world.config.profile == crate::sim::Profile::Book;
    let clean = code == 0 || signal == 15;
    let restart = u.restart;
    traced(world, machine, cause, ecow::eco_format!("{} {}", u.name, if clean { "stopped" } else { "failed" }));
    change(world, machine, &u.name, |u| {
        if !clean {
            let (how, result) = match signal {
                1.. => (ecow::eco_format!("code=killed, status={signal}/{}", signal_name(signal)), "signal"),
                _ => {
                    let name = match (code, book) {
                        (1, _) => "FAILURE",
                        (255, false) => "EXCEPTION",
                        _ => "n/a",
                    };
                    (ecow::eco_format!("code=exited, status={code}/{name}"), "exit-code")
                }
            };
            let name = u.name.clone();
            if book {
                u.log(now, "systemd", 1, ecow::eco_format!("{name}.service: main process exited, {how}"));
                u.log(now, "systemd", 1, ecow::eco_format!("Unit {name}.service entered failed state."));
                u.log(now, "systemd", 1, ecow::eco_format!("{name}.service failed."));
            } else {
                u.log(now, "systemd", 1, ecow::eco_format!("{name}.service: Main process exited, {how}"));
                u.log(now, "systemd", 1, ecow::eco_format!("{name}.service: Failed with result '{result}'."));
            }
        }
        u.state = match restart {
            Some(_) => State::AutoRestart,
            None if clean => State::Inactive,
            None => State::Failed,
        };
        u.since = now;
        u.main_pid = 0;
        u.exit = code;
    });
    if let Some(wait) = restart {
        manager::restart_later(world, machine, &u.name, wait, cause);
    }
}

/// Ends a process of a machine and the component behind it.
pub fn end_process(world: &mut World, machine: u32, pid: u32, code: i32, orderly: bool, cause: TraceId) {
    let Some(process) = world.machine(machine).processes.get(&pid).cloned() else { return };
    if let Some(actor) = process.actor {
        world.kill(actor, orderly, cause);
    }
    world.machine_mut(machine).processes.remove(&pid);
    let name = process.name().into();
    let (now, id) = (world.now, process.actor.unwrap_or_default());
    world.trace.push(now, now, cause, id, id, What::Process { machine, name, pid, code: Some(code) });
}

/// Name of a signal without `SIG`, as systemd and kill print it.
pub fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        6 => "ABRT",
        9 => "KILL",
        10 => "USR1",
        12 => "USR2",
        13 => "PIPE",
        15 => "TERM",
        18 => "CONT",
        19 => "STOP",
        _ => "?",
    }
}

fn change(world: &mut World, machine: u32, unit: &str, f: impl FnOnce(&mut Unit)) {
    if let Some(u) = world.machine_mut(machine).units.get_mut(unit) {
        f(u);
    }
}

fn traced(world: &mut World, machine: u32, cause: TraceId, detail: Str) -> TraceId {
    let (now, systemd) = (world.now, world.actor_named(machine, manager::NAME).unwrap_or(ActorId(0)));
    world.trace.push(now, now, cause, systemd, systemd, What::Machine { machine, what: "unit", detail })
}

/// A description as it stands before a full stop: not with two of them.
fn full_stop(description: &str) -> &str {
    description.trim_end_matches('.')
}

/// `Mon 2026-01-05 09:00:00 UTC`, as systemctl prints instants.
pub fn stamp(at: Time) -> String {
    let (y, mo, d, h, mi, s) = at.civil();
    format!("{} {y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02} UTC", at.weekday())
}
