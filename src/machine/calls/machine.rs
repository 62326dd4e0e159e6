//! Calls about the machine itself: identity, environment, processes, kernel, power.

use crate::api::{List, Value};
use crate::base::{Duration, Str};
use crate::machine::program::Stream;
use crate::machine::task::Fd;
use crate::machine::terminal::CommandHost;
use crate::machine::{Role, commands, files, kill as signals, systemd};
use crate::runtime::{process as containers, rootfs};
use crate::sim::component::Target;
use crate::sim::{Event, Msg, Profile, What};

pub fn env(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let env = &host.task.env;
    match input {
        Value::Str(name) => env.get(name).cloned().unwrap_or_default().into(),
        _ => Value::Map(env.iter().map(|(k, v)| (k.clone(), Value::from(v))).collect()),
    }
}

pub fn profile(host: &CommandHost<'_, '_>) -> Value {
    if host.ctx.world.config.profile == Profile::Modern { "modern" } else { "book" }.into()
}

pub fn about(host: &CommandHost<'_, '_>) -> Value {
    let m = host.ctx.host();
    let role = match m.role {
        Role::Host => "host",
        Role::ControlPlane => "control-plane",
        Role::Worker => "worker",
    };
    let container = &host.task.container;
    let usual = Str::from(files::home(m.role));
    let home = match host.task.user.as_str() {
        "root" | "learner" => usual,
        user => crate::machine::users::find(m, user).map_or(usual, |u| u.home),
    };
    let sandbox = m.runtime.containers.get(container).and_then(|c| m.runtime.sandboxes.get(&c.sandbox));
    map! {
        "name" => if container.is_empty() { m.name.clone() } else { containers::hostname(m, container) },
        "ip" => sandbox.map_or(&m.ip, |s| &s.ip),
        "role" => role,
        "cpus" => m.cpus,
        "memoryMib" => m.memory_mib,
        "bootedAt" => m.booted_at.0,
        "user" => &host.task.user,
        "home" => home,
        "pid" => host.task.pid,
        "image" => m.runtime.containers.get(container).map_or("", |c| c.image.as_str()),
    }
    .into()
}

pub fn all(host: &CommandHost<'_, '_>) -> Value {
    let one = |m: &crate::machine::Machine| map! { "name" => &m.name, "ip" => &m.ip, "on" => m.powered_on }.into();
    Value::List(host.ctx.world.machines().map(one).collect())
}

pub fn tty(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let fd = u8::try_from(input.as_int().unwrap_or(1)).unwrap_or(1);
    let wanted = if fd == 2 { Stream::Err } else { Stream::Out };
    match host.task.fds.get(&fd) {
        Some(Fd::Tty(_)) => true,
        Some(Fd::Out(line, stream)) => *stream == wanted && host.terminal.shown(*line),
        _ => false,
    }
    .into()
}

pub fn screen(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (task, line) = (host.task.id, host.task.line);
    host.terminal.draw(host.ctx, task, line, input);
    Value::Null
}

pub fn commands(host: &CommandHost<'_, '_>) -> Value {
    let all = commands::all(host.ctx.host(), &host.task.container, host.ctx.world.config.profile);
    Value::List(all.map(|c| c.name.into()).collect())
}

pub fn which(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let (m, container, name) = (host.ctx.host(), &host.task.container, input.as_str());
    let found = commands::find(m, container, host.ctx.world.config.profile, name);
    let shell = matches!(name, "bash" | "sh") && (container.is_empty() || rootfs::has_tool(m, container, name));
    match found {
        Some(command) => command.path().into(),
        None if shell => format!("/usr/bin/{name}").into(),
        None => "".into(),
    }
}

/// In a container only its own, by their numbers there.
pub fn processes(host: &CommandHost<'_, '_>) -> Value {
    let container = &host.task.container;
    let inside = !container.is_empty();
    let all = &host.ctx.host().processes;
    let parent = |pid: u32| if inside { all.get(&pid).map_or(0, |p| p.inner) } else { pid };
    let one = |p: &crate::machine::Process| -> Value {
        map! {
            "pid" => if inside { p.inner } else { p.pid },
            "parent" => parent(p.parent),
            "user" => &p.user,
            "command" => &p.command,
            "started" => p.started.0,
            "container" => &p.container,
        }
        .into()
    };
    Value::List(all.values().filter(|p| !inside || p.container == *container).map(one).collect())
}

pub fn kill(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let number = |key: &str| input.get(key).and_then(Value::as_int).unwrap_or(0);
    let (pid, signal) = (u32::try_from(number("pid")).unwrap_or(0), number("signal") as i32);
    let container = &host.task.container;
    let inside = !container.is_empty();
    let wanted = |p: &&crate::machine::Process| {
        if inside { p.container == *container && p.inner == pid } else { p.pid == pid }
    };
    let Some(process) = host.ctx.host().processes.values().find(wanted) else { return false.into() };
    let (pid, first) = (process.pid, process.inner == 1);
    if signal == 0 {
        return true.into();
    }
    // The kernel hands the first process of a container only those signals that it waits for, and
    // from inside not even KILL.
    let handles = signals::main_of(host.ctx.host(), pid).is_none_or(|c| c.program.on_terminate().is_some());
    if first && ((inside && signal == 9) || (signal != 9 && !handles)) {
        return true.into();
    }
    if let Some(task) = host.terminal.task_of(pid) {
        let ends = matches!(signal, 1 | 2 | 3 | 6 | 9 | 13 | 14 | 15);
        // The login shell ignores what would end it, but for HUP and KILL.
        if ends && (task != host.terminal.login || matches!(signal, 1 | 9)) {
            host.terminal.signal(host.ctx, task, signal);
        }
        return true.into();
    }
    let (machine, cause) = (host.ctx.machine, host.ctx.cause);
    signals::kill(host.ctx.world, machine, pid, signal, cause).into()
}

pub fn modules(host: &CommandHost<'_, '_>) -> Value {
    Value::List(host.ctx.host().modules.iter().map(Value::from).collect())
}

/// Modules a kernel of the lab could load.
const KNOWN: [&str; 16] = [
    "br_netfilter",
    "bridge",
    "overlay",
    "ip_vs",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_sh",
    "nf_conntrack",
    "ip_tables",
    "iptable_nat",
    "iptable_filter",
    "veth",
    "ipip",
    "vxlan",
    "xfs",
    "ext4",
];
/// Modules that something uses all the time.
const IN_USE: [&str; 6] = ["xfs", "ext4", "overlay", "nf_conntrack", "ip_tables", "veth"];

pub fn modprobe(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let name = Str::from(input.str("name").replace('-', "_"));
    let remove = input.get("remove").and_then(Value::as_bool).unwrap_or(false);
    let loaded = host.ctx.host().modules.contains(&name);
    if remove && loaded && IN_USE.contains(&name.as_str()) {
        return ecow::eco_format!("FATAL: Module {name} is in use.").into();
    }
    if !loaded && !KNOWN.contains(&name.as_str()) {
        let release = files::release(host.ctx.world.config.profile);
        return match remove {
            true => ecow::eco_format!("FATAL: Module {name} not found."),
            false => ecow::eco_format!("FATAL: Module {name} not found in directory /lib/modules/{release}"),
        }
        .into();
    }
    if remove != loaded {
        return Str::new().into();
    }
    let machine = host.ctx.machine;
    let now = host.ctx.now();
    let m = host.ctx.host_mut();
    if remove {
        files::unload_module(m, &name);
    } else {
        files::load_module(m, &name, now);
    }
    let detail = ecow::eco_format!("{name} {}", if remove { "removed" } else { "loaded" });
    host.ctx.trace(What::Machine { machine, what: "module", detail });
    Str::new().into()
}

pub fn ask(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let line = host.task.line;
    host.terminal.ask_for(
        host.ctx,
        line,
        input.str("prompt"),
        input.get("secret").and_then(Value::as_bool) == Some(true),
    );
    Value::Null
}

pub fn swaps(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let now = host.ctx.now();
    let devices = match input {
        Value::List(list) => list.iter().map(|v| v.as_str().into()).collect(),
        _ => files::swap_devices(host.ctx.host()),
    };
    files::set_swaps(host.ctx.host_mut(), &devices, now);
    Value::from(devices)
}

pub fn sysctl_apply(host: &mut CommandHost<'_, '_>) -> Value {
    let now = host.ctx.now();
    let applied = files::apply_sysctl_files(host.ctx.host_mut(), now);
    let one = |(file, set): (Str, Vec<(Str, Str)>)| -> Value {
        let set: List = set.into_iter().map(|(k, v)| Value::from(vec![k, v])).collect();
        map! { "file" => file, "set" => set }.into()
    };
    Value::List(applied.into_iter().map(one).collect())
}

/// Going down is systemd's work, not the command's, which ends with the machine.
pub fn power(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (machine, cause, now) = (host.ctx.machine, host.ctx.cause, host.ctx.now());
    let manager = systemd::manager::ensure(host.ctx.world, machine, cause);
    let msg = Msg::Notify("power".into(), input.clone());
    let event = Event { target: Target::Actor(manager), msg, cause };
    host.ctx.world.schedule(now + Duration::millis(500), event);
    Str::new().into()
}
