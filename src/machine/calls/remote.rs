//! Calls that run something at another machine's terminal, which does the work and sends the output
//! back.

use super::Called;
use crate::api::Value;
use crate::machine::program::Effect;
use crate::machine::task::Fd;
use crate::machine::terminal::CommandHost;
use crate::machine::users;
use crate::sim::{ActorId, Msg};

pub fn open(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let Some(machine) = host.ctx.world.machine_named(input.str("host")) else { return "no such machine".into() };
    let Some(way) = host.ctx.world.link(host.ctx.machine, machine) else { return "Connection timed out".into() };
    let Some(terminal) = host.ctx.world.actor_named(machine, "terminal") else { return "Connection refused".into() };
    let user = input.str("user");
    let known = matches!(user, "" | "root") || users::find(host.ctx.world.machine(machine), user).is_some();
    if !known {
        return "denied".into();
    }
    let tty = input.get("line").is_none();
    let mut data = map! { "terminal" => host.ctx.me.0, "token" => host.task.id, "tty" => tty };
    for key in ["line", "input", "user"] {
        if let Some(text) = input.get(key) {
            data.insert(key, text.clone());
        }
    }
    host.ctx.send(terminal, way, Msg::Notify("remote-run".into(), data.into()));
    join(host, terminal, tty);
    "".into()
}

/// A stream that somebody else opened for this command: `{peer, session}`.
pub fn adopt(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let peer = ActorId(input.get("peer").and_then(Value::as_int).unwrap_or(0) as u32);
    join(host, peer, input.get("session").and_then(Value::as_bool).unwrap_or(false));
    Value::Null
}

pub(super) fn join(host: &mut CommandHost<'_, '_>, peer: ActorId, session: bool) {
    if let Some(running) = host.running() {
        (running.peer, running.session) = (Some(peer), session);
    }
}

pub fn me(host: &CommandHost<'_, '_>) -> Value {
    map! { "terminal" => host.ctx.me.0, "token" => host.task.id }.into()
}

/// What came back; in a session what is typed here goes there meanwhile.
pub fn next(host: &mut CommandHost<'_, '_>) -> Called {
    let Some(running) = host.running() else { return Called::Now(Value::Null) };
    let (peer, session) = (running.peer, running.session);
    if let Some(event) = running.remote.pop_front() {
        if event.get("code").is_some() {
            running.peer = None;
        }
        return Called::Now(event);
    }
    if let (Some(peer), true, Some(Fd::Tty(of))) = (peer, session, host.task.fds.get(&0).cloned()) {
        while let Some(line) = host.terminal.take_typed(of) {
            host.terminal.tell(host.ctx, peer, host.task.id, "remote-input", line.into());
        }
    }
    Called::Later(Effect::Call("remote-next".into(), Value::Null))
}
