//! `ssh`: a command on another machine of the lab, or a session there.
//!
//! A host whose key is not in `~/.ssh/known_hosts` is asked about; machines let in who knows the
//! password (`vagrant`) or has a key in `~/.ssh/authorized_keys`. The learner's computer has vagrant's.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io, Stream};

pub static SSH: Command =
    Command { startup_ms: 120, ..row("ssh", ["log in to another machine", "다른 머신에 접속합니다"], run) };

const SPEC: Spec = Spec { in_order: true, ..Spec::new("p:l:i:o:tTqvnFf46AX", &[], 255) };

/// A machine that has let us in.
pub struct Target {
    pub machine: Str,
    /// Who logs in; empty: who the machine's terminal belongs to.
    pub user: String,
    /// As the command line calls it.
    pub name: String,
}

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
    if o.value('p').is_some_and(|p| p != "22") {
        let port = o.value('p').map_or("", Str::as_str);
        return io.fail(255, format!("ssh: connect to host {name} port {port}: Connection refused"));
    }
    let trust = o.values('o').any(|v| v.replace(" ", "=").eq_ignore_ascii_case("StrictHostKeyChecking=no"));
    let patience = o.values('o').any(|v| v.starts_with("ConnectTimeout")).then_some(Duration::secs(5));
    let reached = connect(io, target, trust, patience)?;
    let piped = !o.has('n') && !io.call("tty", 0.into())?.as_bool().unwrap_or(false);
    let mut data = map! { "host" => &reached.machine, "user" => reached.user };
    // Without a command: a session, or what the input says.
    if !words.is_empty() || piped {
        data.insert("line", if words.is_empty() { "bash".to_owned() } else { words.join(" ") });
    }
    if piped && words.is_empty() {
        io.errln("Pseudo-terminal will not be allocated because stdin is not a terminal.");
    }
    if piped {
        let input = io.read_all()?;
        data.insert("input", input);
    }
    let why = io.call("remote-open", data.into())?;
    if why.as_str() == "denied" {
        return io.fail(255, "Permission denied (publickey,gssapi-keyex,gssapi-with-mic,password).");
    }
    if !why.as_str().is_empty() {
        return io.fail(255, format!("ssh: connect to host {name} port 22: {}", why.as_str()));
    }
    let session = words.is_empty() && !piped;
    io.checkpoint(session.into());
    relay(io, name, session)
}

/// Reaches a machine's sshd and is let in, or ends the command.
pub(super) fn connect(io: &mut Io<'_>, target: &str, trust: bool, patience: Option<Duration>) -> Flow<Target> {
    let (user, name) = target.split_once('@').unwrap_or(("", target));
    let machines = io.call("machines", Value::Null)?;
    let found = machines.items().iter().find(|m| m.str("name") == name || m.str("ip") == name);
    let Some(machine) = found else {
        return io.fail(255, format!("ssh: Could not resolve hostname {name}: Name or service not known"));
    };
    let (ip, machine) = (machine.str("ip").to_owned(), Str::from(machine.str("name")));
    if io.call("route", ip.as_str().into())?.is_null() {
        io.sleep(patience.unwrap_or(Duration::secs(127)))?;
        return io.fail(255, format!("ssh: connect to host {name} port 22: Connection timed out"));
    }
    let me = io.call("machine", Value::Null)?;
    let keyboard = io.call("tty", 0.into())?.as_bool().unwrap_or(false);
    host_key(io, me.str("home"), name, &ip, trust || me.str("role") == "host", keyboard)?;
    // Vagrant's key opens its machines to the learner's computer; a machine is known to itself.
    let own = me.str("name") == machine.as_str();
    let allowed = me.str("role") == "host" || own || !keyboard || has_key(io, me.str("home"))?;
    let user = match (user, me.str("role")) {
        ("", "host") => "",
        ("", _) => me.str("user"),
        (user, _) => user,
    };
    if !allowed {
        password(io, user, name)?;
    }
    Ok(Target { machine, user: user.to_owned(), name: name.to_owned() })
}

fn has_key(io: &mut Io<'_>, home: &str) -> Flow<bool> {
    Ok(io.read_file(&format!("{home}/.ssh/id_rsa"))?.is_ok())
}

fn fingerprint(ip: &str) -> String {
    crate::runtime::images::digest(ip)[..43].to_owned()
}

/// A host that is not known yet: asks, or takes it as it is.
fn host_key(io: &mut Io<'_>, home: &str, name: &str, ip: &str, trust: bool, keyboard: bool) -> Flow<()> {
    let file = format!("{home}/.ssh/known_hosts");
    let known = io.read_file(&file)?.unwrap_or_default();
    let listed = |l: &str| l.split(' ').next().is_some_and(|hosts| hosts.split(',').any(|h| h == name || h == ip));
    if known.lines().any(listed) {
        return Ok(());
    }
    // Nobody can answer: tools of the lab take new hosts as they are.
    if !trust && keyboard {
        let shown = if name == ip { name.to_owned() } else { format!("{name} ({ip})") };
        io.outln(format!(
            "The authenticity of host '{shown}' can't be established.\nECDSA key fingerprint is SHA256:{}.",
            fingerprint(ip)
        ));
        let mut question = "Are you sure you want to continue connecting (yes/no)? ";
        loop {
            io.call("ask", map! { "prompt" => question }.into())?;
            match io.read_line()?.as_deref().map(str::trim) {
                Some("yes") => break,
                Some("no") | None => return io.fail(255, "Host key verification failed."),
                Some(_) => question = "Please type 'yes' or 'no': ",
            }
        }
    }
    let hosts = if name == ip { name.to_owned() } else { format!("{name},{ip}") };
    if keyboard {
        io.errln(format!("Warning: Permanently added '{hosts}' (ECDSA) to the list of known hosts."));
    }
    io.call("make-dir", format!("{home}/.ssh").into())?;
    let line = format!("{known}{hosts} ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAI{}\n", fingerprint(ip));
    io.write_file(&file, line)?.ok();
    Ok(())
}

fn password(io: &mut Io<'_>, user: &str, name: &str) -> Flow<()> {
    for tries in 1..=3 {
        io.call("ask", map! { "prompt" => format!("{user}@{name}'s password: "), "secret" => true }.into())?;
        let Some(text) = io.read_line()? else { break };
        if text == "vagrant" {
            return Ok(());
        }
        io.sleep(Duration::secs(2))?;
        if tries < 3 {
            io.errln("Permission denied, please try again.");
        }
    }
    io.fail(255, "Permission denied (publickey,gssapi-keyex,gssapi-with-mic,password).")
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
