//! `scp`: files between machines, over ssh.

use super::options::{Spec, parse};
use super::row;
use super::ssh::{self, Target};
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static SCP: Command = Command {
    startup_ms: 100,
    ..row("scp", ["copy files between machines", "머신 사이에서 파일을 복사합니다"], run)
};

const SPEC: Spec = Spec::new("rpqP:i:o:vC", &[], 1);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let [sources @ .., to] = &o.rest[..] else {
        return io.fail(1, "usage: scp [-346BCpqrTv] [-c cipher] [-F ssh_config] [-i identity_file]\n           [-o ssh_option] [-P port] source ... target");
    };
    if sources.is_empty() {
        return io.fail(1, "usage: scp [-346BCpqrTv] [-c cipher] [-F ssh_config] [-i identity_file]\n           [-o ssh_option] [-P port] source ... target");
    }
    let trust = o.values('o').any(|v| v.replace(" ", "=").eq_ignore_ascii_case("StrictHostKeyChecking=no"));
    let mut code = 0;
    for from in sources {
        let (local, far, up) = match (remote(from), remote(to)) {
            (Some(far), None) => (to.as_str(), far, false),
            (None, Some(far)) => (from.as_str(), far, true),
            (None, None) => {
                io.errln(format!("cp: {from}: use cp for files of one machine"));
                return Ok(1);
            }
            (Some(_), Some(_)) => return io.fail(1, "scp: copying between two other machines is not modelled"),
        };
        let target = ssh::connect(io, far.0, trust, None)?;
        let path = if far.1.is_empty() { "." } else { far.1 };
        code |= if up { send(io, &target, local, path)? } else { fetch(io, &target, path, local)? };
    }
    Ok(code)
}

/// `[user@]host:path`
fn remote(spec: &str) -> Option<(&str, &str)> {
    spec.split_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'))
}

fn quote(path: &str) -> String {
    let home = path.strip_prefix("~/");
    let quoted = format!("'{}'", home.unwrap_or(path).replace('\'', "'\\''"));
    if home.is_some() {
        format!("~/{quoted}")
    } else if path == "~" {
        "~".to_owned()
    } else {
        quoted
    }
}

/// A line there: code, output, errors.
fn there(io: &mut Io<'_>, target: &Target, line: String, input: Option<Str>) -> Flow<(i32, String, String)> {
    let mut data = map! { "host" => &target.machine, "line" => line };
    if let Some(text) = input {
        data.insert("input", text);
    }
    let why = io.call("remote-open", data.into())?;
    if !why.as_str().is_empty() {
        return io
            .fail(255, format!("ssh: connect to host {} port 22: {}\nlost connection", target.name, why.as_str()));
    }
    let (mut out, mut err) = (String::new(), String::new());
    loop {
        let event = io.call("remote-next", Value::Null)?;
        if event.is_null() {
            return io.fail(255, "lost connection");
        }
        if let Some(code) = event.get("code").and_then(Value::as_int) {
            return Ok((code as i32, out, err));
        }
        if event.str("stream") == "err" { err += event.str("text") } else { out += event.str("text") }
    }
}

fn progress(io: &mut Io<'_>, name: &str, size: usize) -> Flow<()> {
    if io.call("tty", 1.into())?.as_bool() == Some(true) {
        io.outln(format!("{name:<44} 100% {size:>5}     1.2MB/s   00:00    "));
    }
    Ok(())
}

fn send(io: &mut Io<'_>, target: &Target, local: &str, path: &str) -> Flow<i32> {
    let text = match io.read_file(local)? {
        Ok(text) => text,
        Err(why) if why.contains("directory") && !why.contains("No such") => {
            io.errln(format!("{local}: not a regular file"));
            return Ok(1);
        }
        Err(why) => {
            io.errln(format!("{local}: {why}"));
            return Ok(1);
        }
    };
    let name = local.rsplit('/').next().unwrap_or(local);
    let at = quote(path);
    let line = format!("t={at}; [ -d \"$t\" ] && t=\"$t\"/{}; cat > \"$t\"", quote(name));
    let size = text.len();
    let (code, _, err) = there(io, target, line, Some(text))?;
    if code != 0 {
        let why = err.rsplit(": ").next().unwrap_or("").trim_end();
        io.errln(format!("scp: {path}: {why}"));
        return Ok(1);
    }
    progress(io, name, size)?;
    Ok(0)
}

fn fetch(io: &mut Io<'_>, target: &Target, path: &str, local: &str) -> Flow<i32> {
    let (code, text, _) = there(io, target, format!("cat {}", quote(path)), None)?;
    if code != 0 {
        io.errln(format!("scp: {path}: No such file or directory"));
        return Ok(1);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let folder = io.call("stat", local.into())?.get("folder").and_then(Value::as_bool) == Some(true);
    let whole = if folder { format!("{}/{name}", local.trim_end_matches('/')) } else { local.to_owned() };
    let size = text.len();
    if let Err(why) = io.write_file(&whole, text)? {
        io.errln(format!("{whole}: {why}"));
        return Ok(1);
    }
    progress(io, name, size)?;
    Ok(0)
}
