//! Calls that run a line on another machine: its terminal does the work and sends the output back.

use super::Called;
use crate::api::Value;
use crate::machine::program::Effect;
use crate::machine::terminal::CommandHost;
use crate::sim::Msg;

pub fn open(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let Some(machine) = host.ctx.world.machine_named(input.str("host")) else { return "no such machine".into() };
    let Some(way) = host.ctx.world.link(host.ctx.machine, machine) else { return "Connection timed out".into() };
    let Some(terminal) = host.ctx.world.actor_named(machine, "terminal") else { return "Connection refused".into() };
    let mut data = map! {
        "terminal" => host.ctx.me.0,
        "token" => host.task.id,
        "line" => input.str("line"),
    };
    if let Some(text) = input.get("input") {
        data.insert("input", text.clone());
    }
    host.ctx.send(terminal, way, Msg::Notify("remote-run".into(), data.into()));
    "".into()
}

pub fn next(host: &mut CommandHost<'_, '_>) -> Called {
    match host.running().and_then(|r| r.remote.pop_front()) {
        Some(event) => Called::Now(event),
        None => Called::Later(Effect::Call("remote-next".into(), Value::Null)),
    }
}
