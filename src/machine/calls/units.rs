//! Calls about services and their journal.

use crate::api::Value;
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::systemd::{self, LogLine, Unit};
use crate::machine::terminal::CommandHost;

fn shown(unit: &Unit) -> Value {
    map! {
        "name" => &unit.name,
        "description" => &unit.description,
        "file" => unit.file(),
        "command" => &unit.command,
        "process" => unit.process(),
        "docs" => &unit.docs,
        "dropIn" => &unit.drop_in,
        "oneShot" => unit.one_shot,
        "enabled" => unit.enabled,
        "preset" => unit.preset,
        "state" => unit.state.word(),
        "since" => unit.since.0,
        "pid" => unit.main_pid,
        "lastPid" => unit.last_pid,
        "exit" => unit.exit,
        "starts" => unit.starts,
    }
    .into()
}

pub fn all(host: &CommandHost<'_, '_>) -> Value {
    Value::List(host.ctx.host().units.values().map(shown).collect())
}

pub fn one(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    host.ctx.host().units.get(systemd::plain_name(input.as_str())).map_or(Value::Null, shown)
}

pub fn control(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (unit, machine, cause) = (input.str("unit"), host.ctx.machine, host.ctx.cause);
    let world = &mut *host.ctx.world;
    let done = match input.str("verb") {
        "start" => systemd::start(world, machine, unit, cause),
        "stop" => systemd::stop(world, machine, unit, cause),
        "restart" => systemd::restart(world, machine, unit, cause),
        "enable" => systemd::enable(world, machine, unit).map(drop),
        "disable" => systemd::disable(world, machine, unit).map(drop),
        verb => Err(ecow::eco_format!("Unknown operation '{verb}'.")),
    };
    done.err().unwrap_or_default().into()
}

pub fn journal(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let wanted = systemd::plain_name(input.as_str());
    let m = host.ctx.host();
    let units = m.units.values().filter(|u| wanted.is_empty() || u.name == wanted);
    let mut lines: Vec<&LogLine> = units.flat_map(|u| u.journal.iter()).collect();
    lines.arrange_by_key(|l| l.at);
    let one = |l: &LogLine| -> Value {
        let text: Str = l.text.clone();
        map! { "at" => l.at.0, "ident" => &l.ident, "pid" => l.pid, "text" => text }.into()
    };
    Value::List(lines.into_iter().map(one).collect())
}
