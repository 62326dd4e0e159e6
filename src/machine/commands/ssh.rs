//! `ssh`: a command on another machine of the lab, or a session there.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io, Stream};

pub static SSH: Command =
    Command { startup_ms: 120, ..row("ssh", ["log in to another machine", "다른 머신에 접속합니다"], run) };

const SPEC: Spec = Spec { in_order: true, ..Spec::new("p:l:i:o:tTqvnFf46AX", &[], 255) };

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let Some((target, words)) = o.rest.split_first() else {
        return io.fail(255, "usage: ssh [-p port] [-l login_name] [-i identity_file] [user@]hostname [command]");
    };
    let name = target.rsplit('@').next().unwrap_or(target);
    if !io.state().is_null() {
        let session = io.state().as_bool() == Some(true);
        return relay(io, name, session);
    }
    let machines = io.call("machines", Value::Null)?;
    let found = machines.items().iter().find(|m| m.str("name") == name || m.str("ip") == name);
    let Some(machine) = found else {
        return io.fail(255, format!("ssh: Could not resolve hostname {name}: Name or service not known"));
    };
    let ip = machine.str("ip").to_owned();
    let machine = Str::from(machine.str("name"));
    if o.value('p').is_some_and(|p| p != "22") {
        let port = o.value('p').map_or("", Str::as_str);
        return io.fail(255, format!("ssh: connect to host {name} port {port}: Connection refused"));
    }
    let unreachable = io.call("route", ip.into())?.is_null();
    if unreachable {
        io.sleep(Duration::secs(if o.values('o').any(|v| v.starts_with("ConnectTimeout")) { 5 } else { 127 }))?;
        return io.fail(255, format!("ssh: connect to host {name} port 22: Connection timed out"));
    }
    let piped = !o.has('n') && !io.call("tty", 0.into())?.as_bool().unwrap_or(false);
    let mut data = map! { "host" => &machine };
    // Without a command: a session, or what the input says.
    if !words.is_empty() || piped {
        data.insert("line", if words.is_empty() { "bash".to_owned() } else { words.join(" ") });
    }
    if piped {
        let input = io.read_all()?;
        data.insert("input", input);
    }
    let why = io.call("remote-open", data.into())?;
    if !why.as_str().is_empty() {
        return io.fail(255, format!("ssh: connect to host {name} port 22: {}", why.as_str()));
    }
    let session = words.is_empty() && !piped;
    io.checkpoint(session.into());
    relay(io, name, session)
}

/// Prints what comes back until the command there has ended; its code.
fn relay(io: &mut Io<'_>, name: &str, session: bool) -> Flow<i32> {
    loop {
        let event = io.call("remote-next", Value::Null)?;
        if event.is_null() {
            return io.fail(255, format!("Connection to {name} closed by remote host."));
        }
        if let Some(code) = event.get("code").and_then(Value::as_int) {
            if session {
                io.errln(format!("Connection to {name} closed."));
            }
            return Ok(code as i32);
        }
        let stream = if event.str("stream") == "err" { Stream::Err } else { Stream::Out };
        io.print(stream, event.str("text"));
        io.checkpoint(session.into());
    }
}
