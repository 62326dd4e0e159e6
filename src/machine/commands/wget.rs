//! `wget`: GNU's on machines, busybox's in small images.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static WGET: Command = row("wget", ["fetch a URL", "URL의 내용을 받습니다"], run);

const SPEC: Spec = Spec::new(
    "qO:T:t:SP:c",
    &[
        ("quiet", 'q'),
        ("output-document", 'O'),
        ("timeout", 'T'),
        ("tries", 't'),
        ("spider", 's'),
        ("no-check-certificate", 'k'),
        ("server-response", 'S'),
    ],
    1,
);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // `-qO-` means `-q -O -`.
    let o = parse(io, args, &SPEC)?;
    let Some(url) = o.rest.first() else {
        return io
            .fail(1, "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.");
    };
    let quiet = o.has('q');
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) =
        authority.split_once(':').unwrap_or((authority, if url.starts_with("https") { "443" } else { "80" }));
    let small = io.call("which", "bash".into())?.as_str().is_empty();
    let found = io.call("resolve", name.into())?;
    let Some(ip) = found.items().first().map(|v| Str::from(v.as_str())) else {
        return io.fail(if small { 1 } else { 4 }, if small {
            format!("wget: bad address '{authority}'")
        } else {
            format!("Resolving {name}... failed: Name or service not known.\nwget: unable to resolve host address ‘{name}’")
        });
    };
    if !quiet {
        io.errln(format!("Connecting to {authority} ({ip}:{port})"));
    }
    let number: u32 = port.parse().unwrap_or(0);
    let answer = io.call(
        "connect",
        map! { "ip" => &ip, "port" => number, "host" => name, "path" => format!("/{path}"), "agent" => "Wget" }.into(),
    )?;
    let micros = answer.get("micros").and_then(Value::as_int).unwrap_or(0);
    let patience = o.value('T').and_then(|t| t.parse().ok()).map_or(Duration::secs(127), Duration::secs);
    match answer.str("outcome") {
        "ok" => io.sleep(Duration(micros.unsigned_abs()))?,
        "timeout" => {
            io.sleep(patience)?;
            return io.fail(
                if small { 1 } else { 4 },
                if o.has('T') {
                    "wget: download timed out".to_owned()
                } else {
                    format!("wget: can't connect to remote host ({ip}): Connection timed out")
                },
            );
        }
        outcome => {
            let why = if outcome == "refused" { "Connection refused" } else { "No route to host" };
            return io.fail(if small { 1 } else { 4 }, format!("wget: can't connect to remote host ({ip}): {why}"));
        }
    }
    let Some(Value::Str(body)) = answer.get("body") else {
        return io.fail(1, "wget: error getting response: Connection reset by peer");
    };
    let code = answer.get("code").and_then(Value::as_int).unwrap_or(200);
    if code >= 400 {
        let reason = answer.str("reason");
        return io.fail(if small { 1 } else { 8 }, format!("wget: server returned error: HTTP/1.1 {code} {reason}"));
    }
    if o.has('s') {
        return Ok(0);
    }
    let file = match o.value('O').map(Str::as_str) {
        Some("-") => {
            io.out(body);
            return Ok(0);
        }
        Some(file) => file.to_owned(),
        None if path.is_empty() || path.ends_with('/') => "index.html".to_owned(),
        None => path.rsplit('/').next().unwrap_or("index.html").to_owned(),
    };
    if let Err(why) = io.write_file(&file, body.clone())? {
        return io.fail(1, format!("wget: can't open '{file}': {why}"));
    }
    if !quiet {
        io.errln(format!(
            "saving to '{file}'\n{file:<20} 100% |********************************|{:>6}  0:00:00 ETA\n'{file}' saved",
            body.len()
        ));
    }
    Ok(0)
}
