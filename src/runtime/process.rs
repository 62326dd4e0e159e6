//! Main processes of containers: how they start, end, and what their end leaves.
//! Functions on the world, so that a crash, a signal from a shell and a power cut share them.

use super::data::{Container, ContainerState};
use super::program::Program;
use super::{images, rootfs};
use crate::base::{Duration, Str, Time};
use crate::machine::Machine;
use crate::sim::component::Target;
use crate::sim::{ActorId, Ctx, Event, Msg, Profile, TraceId, What, World};

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

/// Exit code of an `exec` whose program does not exist.
pub const EXEC_FAILED: i32 = 126;

/// What the runtime says of it: docker as output of the command, containerd as an error.
pub fn exec_failed(profile: Profile, name: &str) -> Str {
    let path = name.contains('/');
    match profile {
        Profile::Book => {
            let why = if path { "stat NAME: no such file or directory" } else { "executable file not found in $PATH" };
            let why = why.replace("NAME", name);
            ecow::eco_format!(
                "OCI runtime exec failed: exec failed: container_linux.go:348: starting container process caused \"exec: \\\"{name}\\\": {why}\": unknown\n"
            )
        }
        Profile::Modern => {
            let why = if path { "stat NAME: no such file or directory" } else { "executable file not found in $PATH" };
            let id = images::digest(name);
            ecow::eco_format!(
                "Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": {}: unknown\n",
                why.replace("NAME", name)
            )
        }
    }
}

/// The name a container's processes see as their host's.
pub fn hostname(machine: &Machine, container: &str) -> Str {
    let data = &machine.runtime;
    let sandbox = data.containers.get(container).and_then(|c| data.sandboxes.get(&c.sandbox));
    sandbox.filter(|s| !s.host_network).map_or_else(|| machine.name.clone(), |s| s.pod.name.clone())
}

/// The terminal that carries out what runs in the machine's containers.
pub fn shell_of(world: &World, machine: u32) -> Option<ActorId> {
    world.actor_named(machine, "terminal")
}

fn notify_shell(world: &mut World, machine: u32, topic: &str, id: &str, cause: TraceId) {
    if let Some(terminal) = shell_of(world, machine) {
        let msg = Msg::Notify(topic.into(), id.into());
        world.schedule(world.now, Event { target: Target::Actor(terminal), msg, cause });
    }
}

/// Whether the machine's shell can carry out the main process: a script, or a tool it knows.
fn runs_in_shell(container: &Container) -> bool {
    let Program::Script(script) = &container.program else { return false };
    let first = container.args.first().map_or("", |w| w.rsplit('/').next().unwrap_or(w));
    let known = matches!(first, "sh" | "bash") || crate::machine::commands::named(first).is_some();
    known && (!script.command.is_empty() || container.stdin)
}

/// A main process that ran as a script has ended.
pub fn task_ended(ctx: &mut Ctx<'_>, container: &str, code: i32) {
    let (machine, cause) = (ctx.machine, ctx.cause);
    exit(ctx.world, machine, container, code, true, cause);
}

/// Lines kept of a container's log.
const LOG_LINES: usize = 2_000;

/// Output of a main process.
pub fn write_log(ctx: &mut Ctx<'_>, container: &str, text: &str) {
    let now = ctx.now();
    let Some(c) = ctx.host_mut().runtime.containers.get_mut(container) else { return };
    for line in text.split_inclusive('\n') {
        let (line, whole) = line.strip_suffix('\n').map_or((line, false), |l| (l, true));
        match c.log.back_mut().filter(|_| c.log_open) {
            Some((_, last)) => last.push_str(line),
            None => c.log.push_back((now, line.into())),
        }
        c.log_open = !whole;
        if c.log.len() > LOG_LINES {
            c.log.pop_front();
        }
    }
}

/// When and how a container's program ends by itself, after its start.
pub fn own_end(container: &Container) -> Option<(Duration, i32)> {
    if out_of_memory(container) {
        return Some((Duration::millis(crate::machine::load::GROWING_MS), 137));
    }
    match &container.program {
        // A script that its machine's shell carries out ends when it ends.
        Program::Script(_) if runs_in_shell(container) && !container.root.is_empty() => None,
        Program::Script(script) => script.end,
        _ => None,
    }
}

/// Whether its program wants more memory than its limit: the kernel will kill it.
fn out_of_memory(container: &Container) -> bool {
    container.memory_limit > 0 && container.program.claims_mib() << 20 > container.memory_limit
}

/// Starts the main process; returns when, how and with which pid it will end by itself.
pub fn start(world: &mut World, machine: u32, id: &str, cause: TraceId) -> Option<(Time, i32, u32)> {
    let now = world.now;
    let container = world.machine(machine).runtime.containers.get(id)?.clone();
    let actor = match &container.program {
        Program::Component(name) => {
            let component = crate::addons::daemons::contained(world, machine, name, &container);
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
    if runs_in_shell(&container) && shell_of(world, machine).is_some() {
        rootfs::ensure(world, machine, id);
        notify_shell(world, machine, "main", id, cause);
    }
    let container = world.machine(machine).runtime.containers.get(id)?.clone();
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
    let full = images::normalize(&container.image).unwrap_or_default();
    let own = images::find(&full).map_or("app", |row| row.command());
    match container.args.first() {
        None => own.to_owned(),
        // Arguments alone go to the image's entry point.
        Some(first) if first.starts_with('-') => format!("{own} {}", container.args.join(" ")),
        Some(_) => container.args.join(" "),
    }
}

/// Ends a running container's main process and tells the kubelet. Ids that do not run are ignored.
pub fn exit(world: &mut World, machine: u32, id: &str, code: i32, orderly: bool, cause: TraceId) {
    let now = world.now;
    let Some(c) = world.machine(machine).runtime.containers.get(id) else { return };
    if c.state != ContainerState::Running {
        return;
    }
    let (actor, pid, name, uid, entered) = (c.actor, c.pid, c.name.clone(), c.uid.clone(), !c.root.is_empty());
    if let Some(actor) = actor {
        world.kill(actor, orderly, cause);
    }
    let m = world.machine_mut(machine);
    if lives(m, id, pid) {
        m.processes.remove(&pid);
    }
    let message = last_words(m, id, code, now);
    if let Some(c) = m.runtime.containers.get_mut(id) {
        c.state = ContainerState::Exited;
        let oom = code == 137 && c.ends_at == Some(now) && out_of_memory(c);
        (c.finished, c.exit_code, c.actor, c.ends_at) = (now, code, None, None);
        c.message = message;
        c.reason = match code {
            0 => "Completed",
            _ if oom => "OOMKilled",
            _ => "Error",
        }
        .into();
    }
    let who = actor.unwrap_or_default();
    let cause = world.trace.push(now, now, cause, who, who, What::Process { machine, name, pid, code: Some(code) });
    if entered {
        notify_shell(world, machine, "container-end", id, cause);
    }
    tell_kubelet(world, machine, "pleg", uid, cause);
}

/// What a container says of its end: its termination log, or the end of its log if it failed without a word.
/// Models kuberuntime getTerminationMessage.
fn last_words(m: &Machine, id: &str, code: i32, now: Time) -> Str {
    const MOST: usize = 4096;
    const LINES: usize = 80;
    let Some(c) = m.runtime.containers.get(id).filter(|c| !c.root.is_empty()) else { return Str::new() };
    let (path, fallback) = &c.termination;
    let text = m.read(&m.real_path(id, path)).cloned().unwrap_or_default();
    if text.is_empty() && *fallback && code != 0 {
        let lines = log(c, now);
        let last = lines.iter().skip(lines.len().saturating_sub(LINES));
        return last.map(|(_, l)| format!("{l}\n")).collect::<String>().chars().take(MOST / 2).collect();
    }
    text.chars().take(MOST).collect()
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
        Program::Script(_) if runs_in_shell(container) && !container.root.is_empty() => {
            container.log.iter().cloned().collect()
        }
        Program::Script(script) => {
            let ran = until.since(container.started);
            script.written(ran).into_iter().map(|(after, line)| (container.started + after, line)).collect()
        }
        _ => container.log.iter().cloned().collect(),
    }
}
