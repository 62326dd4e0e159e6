//! Calls with which vagrant drives its provider: virtual machines are made, booted, halted, destroyed.

use std::sync::Arc;

use crate::api::Value;
use crate::base::Str;
use crate::machine::files::{self, Node};
use crate::machine::terminal::{CommandHost, Terminal};
use crate::machine::{Machine, Role, power};
use crate::sim::{ActorId, TraceId, What, World};

/// `not_created`, `poweroff`, `booting`, `running`.
pub fn state(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let world = &*host.ctx.world;
    let Some(index) = world.machine_named(input.as_str()) else { return "not_created".into() };
    let m = world.machine(index);
    if m.role == Role::Host || m.files.is_empty() {
        return "not_created".into();
    }
    let booting = !m.powered_on && world.actor_named(index, "systemd").is_some();
    (if m.powered_on {
        "running"
    } else if booting {
        "booting"
    } else {
        "poweroff"
    })
    .into()
}

/// Makes a machine out of a box: `{name, ip, cpus, memory, first}`.
pub fn create(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let number = |key: &str| input.get(key).and_then(Value::as_int).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    let (name, ip, cause) = (input.str("name"), input.str("ip"), host.ctx.cause);
    let world = &mut *host.ctx.world;
    let (profile, now) = (world.config.profile, world.now);
    let taken = world.machines().find(|m| m.ip == ip && m.name != name && !m.files.is_empty()).map(|m| m.name.clone());
    if let Some(other) = taken {
        return ecow::eco_format!("The address {ip} belongs to the machine '{other}' already.").into();
    }
    let role = if name == "m-k8s" { Role::ControlPlane } else { Role::Worker };
    let mut machine = Machine::new(name, ip, role);
    (machine.cpus, machine.memory_mib, machine.powered_on) = (number("cpus"), number("memory"), false);
    files::fresh_box(&mut machine, profile, now);
    machine.processes.clear();
    let index = match world.machine_named(name) {
        Some(index) => {
            *world.machine_mut(index) = machine;
            index
        }
        None => world.add_machine(machine),
    };
    if world.actor_named(index, "terminal").is_none() {
        world.spawn(index, "terminal", Arc::new(Terminal::new()), cause);
    }
    note(host, index, "creating", "");
    Value::Null
}

pub fn boot(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let cause = host.ctx.cause;
    if let Some(index) = host.ctx.world.machine_named(input.as_str()) {
        power::on(host.ctx.world, index, cause);
    }
    Value::Null
}

pub fn halt(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let cause = host.ctx.cause;
    if let Some(index) = host.ctx.world.machine_named(input.as_str()) {
        power::off(host.ctx.world, index, true, cause);
    }
    Value::Null
}

/// The machine and its disk are gone.
pub fn destroy(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let cause = host.ctx.cause;
    if let Some(index) = host.ctx.world.machine_named(input.as_str()) {
        remove(host.ctx.world, index, cause);
    }
    Value::Null
}

/// Takes a machine away; what is left is its name and address.
pub fn remove(world: &mut World, machine: u32, cause: TraceId) {
    power::off(world, machine, false, cause);
    let old = world.machine(machine);
    let mut fresh = Machine::new(&old.name.clone(), &old.ip.clone(), old.role);
    (fresh.cpus, fresh.memory_mib, fresh.powered_on) = (old.cpus, old.memory_mib, false);
    *world.machine_mut(machine) = fresh;
    let (now, none) = (world.now, ActorId::default());
    let what = What::Machine { machine, what: "vm", detail: "destroyed".into() };
    world.trace.push(now, now, cause, none, none, what);
}

/// What is being done to the machine: `{name, what, failed}`; an empty `what`: it is done, or `failed` has.
pub fn stage(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    if let Some(index) = host.ctx.world.machine_named(input.str("name")) {
        match input.str("what") {
            "" => match input.str("failed") {
                "" => note(host, index, "provisioned", ""),
                what => note(host, index, &format!("failed {what}"), ""),
            },
            what => note(host, index, &format!("provisioning {what}"), what),
        }
    }
    Value::Null
}

fn note(host: &mut CommandHost<'_, '_>, machine: u32, detail: &str, provisioning: &str) {
    host.ctx.world.machine_mut(machine).provisioning = provisioning.into();
    host.ctx.trace(What::Machine { machine, what: "vm", detail: detail.into() });
}

/// Copies a file or folder of the host onto a machine: `{name, from, to}`; why not.
pub fn upload(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let from = files::absolute(&host.task.cwd, input.str("from"));
    let (to, now) = (Str::from(input.str("to")), host.ctx.now());
    let Some(index) = host.ctx.world.machine_named(input.str("name")) else { return "no such machine".into() };
    let here = host.ctx.host();
    let mut all: Vec<(Str, crate::machine::File)> = Vec::new();
    match files::stat(here, &from) {
        None => return "missing".into(),
        Some(Node::File) => all.extend(here.files.get(&from).map(|f| (to.clone(), f.clone()))),
        Some(Node::Folder) => {
            for path in here.below(&from).cloned().collect::<Vec<_>>() {
                if let Some(file) = here.files.get(&path) {
                    all.push((ecow::eco_format!("{to}{}", &path[from.len()..]), file.clone()));
                }
            }
        }
    }
    let machine = host.ctx.world.machine_mut(index);
    for (path, mut file) in all {
        file.modified = now;
        machine.files.insert(path, file);
    }
    Value::Null
}

/// Writes a text on a machine: `{name, to, text}`.
pub fn put(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let now = host.ctx.now();
    if let Some(index) = host.ctx.world.machine_named(input.str("name")) {
        host.ctx.world.machine_mut(index).write(input.str("to"), input.str("text"), now);
    }
    Value::Null
}
