//! `etcdctl`, API v3 (and what v2 says of itself).

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static ETCDCTL: Command =
    Command { startup_ms: 20, ..row("etcdctl", ["read and write etcd", "etcd를 읽고 씁니다"], run) };

const SPEC: Spec = Spec::new(
    "w:",
    &[
        ("endpoints", 'E'),
        ("cacert", 'C'),
        ("cert", 'T'),
        ("key", 'K'),
        ("prefix", 'P'),
        ("keys-only", 'k'),
        ("print-value-only", 'v'),
        ("count-only", 'n'),
        ("from-key", 'F'),
        ("limit", 'L'),
        ("write-out", 'w'),
        ("data-dir", 'D'),
        ("cluster", 'A'),
        ("insecure-skip-tls-verify", 'I'),
        ("command-timeout", 'M'),
        ("dial-timeout", 'M'),
        ("debug", 'B'),
        ("name", 'N'),
        ("initial-cluster", 'N'),
        ("initial-cluster-token", 'N'),
        ("initial-advertise-peer-urls", 'N'),
        ("skip-hash-check", 'H'),
    ],
    128,
);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // Long options take `=VALUE` or the next word: those with a value are joined first.
    let takes = [
        "endpoints",
        "cacert",
        "cert",
        "key",
        "limit",
        "write-out",
        "data-dir",
        "command-timeout",
        "dial-timeout",
        "name",
        "initial-cluster",
        "initial-cluster-token",
        "initial-advertise-peer-urls",
    ];
    let mut words: Vec<Str> = Vec::new();
    let mut rest = args.iter();
    while let Some(w) = rest.next() {
        match w.strip_prefix("--").filter(|n| takes.contains(n)) {
            Some(_) => words.push(ecow::eco_format!("{w}={}", rest.next().cloned().unwrap_or_default())),
            None => words.push(w.clone()),
        }
    }
    let o = parse(io, &words, &SPEC)?;
    let api = io.call("env", "ETCDCTL_API".into())?;
    let book = io.call("profile", Value::Null)?.as_str() == "book";
    let verb: Vec<&str> = o.rest.iter().map(Str::as_str).collect();
    if verb == ["version"] {
        io.outln(if book {
            "etcdctl version: 3.4.3\nAPI version: 3.4"
        } else {
            "etcdctl version: 3.6.4\nAPI version: 3.6"
        });
        return Ok(0);
    }
    let v2 = api.as_str() == "2";
    if v2 {
        return match verb[..] {
            // The API of Kubernetes lies in v3's store, which v2 does not see.
            ["ls", ..] | ["get", ..] => {
                io.fail(4, format!("Error:  100: Key not found ({}) [8]", verb.get(1).unwrap_or(&"/")))
            }
            _ => io.fail(1, "Error:  client: etcd cluster is unavailable or misconfigured"),
        };
    }
    if let ["snapshot", "status", file] = verb[..] {
        return snapshot_status(io, file, o.value('w').is_some_and(|w| w == "table"));
    }
    if let ["snapshot", "restore", file] = verb[..] {
        let Ok(text) = io.read_file(file)? else {
            return io.fail(1, format!("Error: open {file}: no such file or directory"));
        };
        let folder = o.value('D').map_or("default.etcd", Str::as_str).trim_end_matches('/').to_owned();
        io.call("make-dir", folder.as_str().into())?;
        io.call("make-dir", format!("{folder}/member").into())?;
        io.write_file(&format!("{folder}/member/snap.db"), text)?.ok();
        io.outln(format!(
            "{{\"level\":\"info\",\"msg\":\"restored snapshot\",\"path\":\"{file}\",\"data-dir\":\"{folder}\"}}"
        ));
        return Ok(0);
    }
    let env = io.call("env", "ETCDCTL_ENDPOINTS".into())?;
    let all = o
        .value('E')
        .cloned()
        .unwrap_or_else(|| if env.as_str().is_empty() { "127.0.0.1:2379".into() } else { env.as_str().into() });
    let first = all.split(',').next().unwrap_or("");
    let address = first.split("://").last().unwrap_or(first);
    let host = address.split(':').next().unwrap_or(address);
    // kubeadm's etcd only talks to those whose certificate its CA has signed.
    let certificate = |io: &mut Io<'_>| -> Flow<bool> {
        for (letter, name) in [('C', "ETCDCTL_CACERT"), ('T', "ETCDCTL_CERT"), ('K', "ETCDCTL_KEY")] {
            let path = match o.value(letter) {
                Some(path) => path.to_string(),
                None => io.call("env", name.into())?.as_str().to_owned(),
            };
            if path.is_empty() {
                return Ok(false);
            }
            if io.read_file(&path)?.is_err() {
                return io.fail(128, format!("Error: open {path}: no such file or directory"));
            }
        }
        Ok(true)
    };
    let allowed = certificate(io)? || o.has('I') && o.has('T');
    let status = io.call("etcd", map! { "verb" => "status", "endpoint" => host }.into())?;
    let error = status.str("error").to_owned();
    if !error.is_empty() || !allowed {
        io.sleep(Duration::secs(5))?;
        let why = if error.is_empty() {
            "connection closed"
        } else if error == "refused" {
            "connection error: desc = \"transport: Error while dialing dial tcp: connect: connection refused\""
        } else {
            "context deadline exceeded"
        };
        if let ["endpoint", "health"] = verb[..] {
            io.errln(format!("{address} is unhealthy: failed to commit proposal: context deadline exceeded"));
            return io.fail(1, "Error: unhealthy cluster");
        }
        io.errln(format!("{{\"level\":\"warn\",\"msg\":\"retrying of unary invoker failed\",\"target\":\"endpoint://client/{address}\",\"attempt\":0,\"error\":\"rpc error: code = DeadlineExceeded desc = latest connection error: {}\"}}", why.replace('"', "\\\"")));
        return io.fail(1, "Error: context deadline exceeded");
    }
    match verb[..] {
        ["get", key] => get(io, &o, host, key, ""),
        ["get", key, end] => get(io, &o, host, key, end),
        ["put", key, value] => {
            io.call("etcd", map! { "verb" => "put", "endpoint" => host, "key" => key, "value" => value }.into())?;
            io.outln("OK");
            Ok(0)
        }
        ["del", key] => {
            let gone = io.call("etcd", map! { "verb" => "del", "endpoint" => host, "key" => key }.into())?;
            io.outln(if gone.as_bool() == Some(true) { "1" } else { "0" });
            Ok(0)
        }
        ["member", "list"] => {
            let (name, ip) = (status.str("name"), status.str("ip"));
            let id = &crate::runtime::images::digest(name)[..16];
            if o.value('w').is_some_and(|w| w == "table") {
                table(
                    io,
                    &["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"],
                    &[&[id, "started", name, &format!("https://{ip}:2380"), &format!("https://{ip}:2379"), "false"]],
                );
            } else {
                io.outln(format!("{id}, started, {name}, https://{ip}:2380, https://{ip}:2379, false"));
            }
            Ok(0)
        }
        ["endpoint", "health"] => {
            io.outln(format!("{first} is healthy: successfully committed proposal: took = 9.412231ms"));
            Ok(0)
        }
        ["endpoint", "status"] => {
            let id = &crate::runtime::images::digest(status.str("name"))[..16];
            let revision = super::int(&status, "revision").to_string();
            let version = if book { "3.4.3" } else { "3.6.4" };
            if o.value('w').is_some_and(|w| w == "table") {
                table(
                    io,
                    &[
                        "ENDPOINT",
                        "ID",
                        "VERSION",
                        "DB SIZE",
                        "IS LEADER",
                        "IS LEARNER",
                        "RAFT TERM",
                        "RAFT INDEX",
                        "RAFT APPLIED INDEX",
                        "ERRORS",
                    ],
                    &[&[first, id, version, "2.6 MB", "true", "false", "2", &revision, &revision, ""]],
                );
            } else {
                io.outln(format!("{first}, {id}, {version}, 2.6 MB, true, false, 2, {revision}, {revision}, "));
            }
            Ok(0)
        }
        ["snapshot", "save", file] => {
            let rows = io.call("etcd", map! { "verb" => "all", "endpoint" => host }.into())?;
            let mut text = format!("etcd-snapshot {} {}\n", super::int(&status, "revision"), rows.items().len());
            for r in rows.items() {
                text += &format!("{}\n{}\n", r.str("key"), r.str("value"));
            }
            if let Err(why) = io.write_file(file, text)? {
                return io
                    .fail(1, format!("Error: could not open {file}.part (open {file}.part: {})", why.to_lowercase()));
            }
            io.outln(format!("{{\"level\":\"info\",\"msg\":\"created temporary db file\",\"path\":\"{file}.part\"}}\n{{\"level\":\"info\",\"msg\":\"fetching snapshot\",\"endpoint\":\"{first}\"}}\n{{\"level\":\"info\",\"msg\":\"saved\",\"path\":\"{file}\"}}\nSnapshot saved at {file}"));
            Ok(0)
        }
        ["compact", n] => {
            io.outln(format!("compacted revision {n}"));
            Ok(0)
        }
        ["defrag"] => {
            io.outln(format!("Finished defragmenting etcd member[{first}]"));
            Ok(0)
        }
        [] => {
            io.outln("NAME:\n\tetcdctl - A simple command line client for etcd3.\n\nUSAGE:\n\tetcdctl [flags]");
            Ok(0)
        }
        _ => io.fail(
            128,
            format!("Error: unknown command \"{}\" for \"etcdctl\"\nRun 'etcdctl --help' for usage.", verb[0]),
        ),
    }
}

fn get(io: &mut Io<'_>, o: &super::options::Options, host: &str, key: &str, end: &str) -> Flow<i32> {
    let rows = io.call("etcd", map! { "verb" => "all", "endpoint" => host }.into())?;
    let limit = o.value('L').and_then(|l| l.parse().ok()).filter(|n| *n > 0).unwrap_or(usize::MAX);
    let wanted = |k: &str| match (o.has('P'), o.has('F'), end) {
        (true, ..) => k.starts_with(key),
        (_, true, _) => k >= key,
        (.., "") => k == key,
        (.., end) => k >= key && k < end,
    };
    let found: Vec<&Value> = rows.items().iter().filter(|r| wanted(r.str("key"))).take(limit).collect();
    if o.has('n') {
        io.outln(format!("\n\n{}", found.len()));
        return Ok(0);
    }
    for r in found {
        if !o.has('v') {
            io.outln(r.str("key"));
        }
        // Keys stand apart by an empty line, where the value would be.
        io.outln(if o.has('k') { "" } else { r.str("value") });
    }
    Ok(0)
}

fn snapshot_status(io: &mut Io<'_>, file: &str, wide: bool) -> Flow<i32> {
    let Ok(text) = io.read_file(file)? else {
        return io.fail(1, format!("Error: stat {file}: no such file or directory"));
    };
    let head: Vec<&str> = text.lines().next().unwrap_or("").split(' ').collect();
    let ["etcd-snapshot", revision, keys] = head[..] else {
        return io.fail(1, "Error: snapshot file integrity check failed: invalid database");
    };
    let hash = &crate::runtime::images::digest(&text)[..8];
    if wide {
        table(io, &["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"], &[&[hash, revision, keys, "2.6 MB"]]);
    } else {
        io.outln(format!("{hash}, {revision}, {keys}, 2.6 MB"));
    }
    Ok(0)
}

/// A table with borders, as etcdctl draws it.
fn table(io: &mut Io<'_>, heads: &[&str], rows: &[&[&str]]) {
    let width = |i: usize| rows.iter().map(|r| r[i].len()).chain([heads[i].len()]).max().unwrap_or(0);
    let line: String = (0..heads.len()).map(|i| format!("+{}", "-".repeat(width(i) + 2))).collect::<String>() + "+";
    let cells = |r: &[&str]| -> String {
        r.iter()
            .enumerate()
            .map(|(i, c)| {
                let w = width(i);
                let left = (w - c.len()) / 2;
                format!("| {}{c}{} ", " ".repeat(left), " ".repeat(w - c.len() - left))
            })
            .collect::<String>()
            + "|"
    };
    io.outln(&line);
    io.outln(cells(heads));
    io.outln(&line);
    for r in rows {
        io.outln(cells(r));
    }
    io.outln(&line);
}
