//! Main processes of containers: how they start, end, and what their end leaves.
//! Functions on the world, so that a crash, a signal from a shell and a power cut share them.

use super::data::{Container, ContainerState};
use super::images;
use super::program::Program;
use crate::base::{Duration, Str, Time};
use crate::machine::Machine;
use crate::sim::component::Target;
use crate::sim::{ActorId, Event, Msg, Profile, TraceId, What, World};

/// Whether the process `pid` of a container or sandbox still runs.
pub fn lives(machine: &Machine, id: &str, pid: u32) -> bool {
    machine.processes.get(&pid).is_some_and(|p| p.container == id)
}

/// The executable that a container names and its image lacks.
pub fn missing_executable(machine: &Machine, id: &str) -> Option<Str> {
    match &machine.runtime.containers.get(id)?.program {
        Program::NotFound(name) => Some(name.clone()),
        _ => None,
    }
}

/// What runc says of it.
pub fn not_found(profile: Profile, name: &str) -> Str {
    match profile {
        Profile::Book => ecow::eco_format!(
            "failed to start container: Error response from daemon: OCI runtime create failed: container_linux.go:348: starting container process caused \"exec: \\\"{name}\\\": executable file not found in $PATH\": unknown"
        ),
        Profile::Modern => ecow::eco_format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"{name}\": executable file not found in $PATH"
        ),
    }
}

pub fn failed_to_start(machine: &mut Machine, id: &str, message: &str) {
    if let Some(c) = machine.runtime.containers.get_mut(id) {
        c.state = ContainerState::Exited;
        c.exit_code = if message.contains("executable file not found") { 127 } else { 128 };
        c.reason = "ContainerCannotRun".into();
        c.message = message.into();
    }
}

/// When and how a container's program ends by itself, after its start.
pub fn own_end(container: &Container) -> Option<(Duration, i32)> {
    match &container.program {
        Program::Script(script) => script.end,
        _ => None,
    }
}

/// Starts the main process; returns when, how and with which pid it will end by itself.
pub fn start(world: &mut World, machine: u32, id: &str, cause: TraceId) -> Option<(Time, i32, u32)> {
    let now = world.now;
    let container = world.machine(machine).runtime.containers.get(id)?.clone();
    let actor = match &container.program {
        Program::Component(name) => {
            let component = crate::addons::daemons::component(world, machine, name);
            component.map(|c| {
                let id = world.spawn(machine, name, c, cause);
                for port in crate::addons::daemons::ports(name) {
                    world.machine_mut(machine).listeners.insert(*port, id);
                }
                id
            })
        }
        _ => None,
    };
    let command = command_line(&container);
    let m = world.machine_mut(machine);
    let pid = m.add_process(&command, actor, id, now);
    let end = own_end(&container).map(|(after, code)| (now + after, code, pid));
    if let Some(c) = m.runtime.containers.get_mut(id) {
        c.state = ContainerState::Running;
        (c.started, c.pid, c.actor) = (now, pid, actor);
        c.ends_at = end.map(|(at, ..)| at);
    }
    let who = actor.unwrap_or_default();
    let what = What::Process { machine, name: container.name, pid, code: None };
    world.trace.push(now, now, cause, who, who, what);
    end
}

/// As `ps` shows it.
fn command_line(container: &Container) -> String {
    if let Program::Script(script) = &container.program
        && !script.command.is_empty()
    {
        return format!("sh -c {}", script.command);
    }
    let full = images::normalize(&container.image).unwrap_or_default();
    images::find(&full).map_or("app", |row| row.command()).to_owned()
}

/// Ends a running container's main process and tells the kubelet. Ids that do not run are ignored.
pub fn exit(world: &mut World, machine: u32, id: &str, code: i32, orderly: bool, cause: TraceId) {
    let now = world.now;
    let Some(c) = world.machine(machine).runtime.containers.get(id) else { return };
    if c.state != ContainerState::Running {
        return;
    }
    let (actor, pid, name, uid) = (c.actor, c.pid, c.name.clone(), c.uid.clone());
    if let Some(actor) = actor {
        world.kill(actor, orderly, cause);
    }
    let m = world.machine_mut(machine);
    if lives(m, id, pid) {
        m.processes.remove(&pid);
    }
    if let Some(c) = m.runtime.containers.get_mut(id) {
        c.state = ContainerState::Exited;
        (c.finished, c.exit_code, c.actor, c.ends_at) = (now, code, None, None);
        c.reason = if code == 0 { "Completed" } else { "Error" }.into();
    }
    let who = actor.unwrap_or_default();
    let cause = world.trace.push(now, now, cause, who, who, What::Process { machine, name, pid, code: Some(code) });
    tell_kubelet(world, machine, "pleg", uid, cause);
}

/// The pause container ends: the pod's network namespace goes.
pub fn end_sandbox(world: &mut World, machine: u32, id: &str, cause: TraceId) {
    let m = world.machine_mut(machine);
    let Some(sandbox) = m.runtime.sandboxes.get_mut(id).filter(|s| s.ready) else { return };
    sandbox.ready = false;
    let (pid, uid) = (sandbox.pid, sandbox.uid.clone());
    if lives(m, id, pid) {
        m.processes.remove(&pid);
    }
    tell_kubelet(world, machine, "pleg", uid, cause);
}

fn tell_kubelet(world: &mut World, machine: u32, topic: &str, uid: Str, cause: TraceId) {
    let kubelet: Option<ActorId> = world.machine(machine).runtime.kubelet;
    if let Some(kubelet) = kubelet {
        let msg = Msg::Notify(topic.into(), uid.into());
        world.schedule(world.now, Event { target: Target::Actor(kubelet), msg, cause });
    }
}

/// What a container has written so far.
pub fn log(container: &Container, now: Time) -> Vec<(Time, Str)> {
    let until = if container.state == ContainerState::Running { now } else { container.finished };
    match &container.program {
        Program::Script(script) => {
            let ran = until.since(container.started);
            script.written(ran).into_iter().map(|(after, line)| (container.started + after, line)).collect()
        }
        _ => Vec::new(),
    }
}
