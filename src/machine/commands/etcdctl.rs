//! `etcdctl`, API v3 (and what v2 says of itself).

use super::options::{Options, Spec, parse};
use super::{int, row};
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::etcd::{Snapshot, host_of};
use crate::machine::program::{Command, Flow, Io};

pub static ETCDCTL: Command =
    Command { startup_ms: 20, ..row("etcdctl", ["read and write etcd", "etcd를 읽고 씁니다"], run) };

/// Since 3.6 what works on files is a program of its own.
pub static ETCDUTL: Command =
    Command { startup_ms: 20, ..row("etcdutl", ["work on etcd's files", "etcd의 파일을 다룹니다"], files) };

/// Letters of long options that take a value, `=VALUE` or the next word; v2's names stand for v3's.
const VALUED: &str = "ECTKLwDMNUR";

const SPEC: Spec = Spec::new(
    "w:",
    &[
        ("endpoints", 'E'),
        ("cacert", 'C'),
        ("cert", 'T'),
        ("key", 'K'),
        ("ca-file", 'C'),
        ("cert-file", 'T'),
        ("key-file", 'K'),
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
        ("user", 'M'),
        ("rev", 'R'),
        ("lease", 'M'),
        ("debug", 'B'),
        ("name", 'N'),
        ("initial-cluster", 'N'),
        ("initial-cluster-token", 'N'),
        ("initial-advertise-peer-urls", 'N'),
        ("skip-hash-check", 'H'),
        ("peer-urls", 'U'),
        ("learner", 'l'),
    ],
    128,
);

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).map_or(&[], Value::items)
}

/// What a run of the command works with.
struct Client {
    options: Options,
    /// As given: `https://192.168.1.10:2379`.
    endpoints: Vec<Str>,
    book: bool,
    /// Whether it shows a certificate.
    allowed: bool,
}

impl Client {
    fn table(&self) -> bool {
        self.options.value('w').is_some_and(|w| w == "table")
    }
    fn version(&self) -> &'static str {
        if self.book { "3.4.3" } else { "3.6.4" }
    }

    fn ask_one(&self, io: &mut Io<'_>, endpoint: &str, mut question: crate::api::Map) -> Flow<Result<Value, Str>> {
        if !self.allowed {
            return Ok(Err("connection closed".into()));
        }
        question.insert("endpoint", host_of(endpoint));
        let answer = io.call("etcd", question.into())?;
        Ok(match answer.str("error") {
            "" => Ok(answer),
            "refused" => {
                Err("connection error: desc = \"transport: Error while dialing dial tcp: connect: connection refused\""
                    .into())
            }
            "timeout" => Err("context deadline exceeded".into()),
            other => Err(other.into()),
        })
    }

    /// Asks the endpoints until one answers; else ends the command as etcdctl does.
    fn ask(&self, io: &mut Io<'_>, question: crate::api::Map) -> Flow<Value> {
        let mut why = Str::new();
        for endpoint in &self.endpoints {
            match self.ask_one(io, endpoint, question.clone())? {
                Ok(answer) => return Ok(answer),
                Err(said) if said.starts_with("etcdserver:") => return io.fail(1, format!("Error: {said}")),
                Err(said) => why = said,
            }
        }
        io.sleep(Duration::secs(5))?;
        // A member without a leader holds the request for as long as the client waits.
        let why = if why == "leader" { "context deadline exceeded".into() } else { why.replace("\"", "\\\"") };
        let first = self.endpoints.first().map_or("", Str::as_str);
        let at = if self.book {
            format!("endpoint://client/{first}")
        } else {
            format!("etcd-endpoints://0xc000022000/{first}")
        };
        io.errln(format!("{{\"level\":\"warn\",\"msg\":\"retrying of unary invoker failed\",\"target\":\"{at}\",\"attempt\":0,\"error\":\"rpc error: code = DeadlineExceeded desc = latest connection error: {why}\"}}"));
        io.fail(1, "Error: context deadline exceeded")
    }
}

/// The options and the other words.
fn read(io: &mut Io<'_>, args: &[Str]) -> Flow<Options> {
    let mut words: Vec<Str> = Vec::new();
    let mut rest = args.iter();
    while let Some(w) = rest.next() {
        match w.strip_prefix("--").filter(|n| SPEC.long.iter().any(|(name, c)| name == n && VALUED.contains(*c))) {
            Some(_) => words.push(ecow::eco_format!("{w}={}", rest.next().cloned().unwrap_or_default())),
            None => words.push(w.clone()),
        }
    }
    parse(io, &words, &SPEC)
}

fn files(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let options = read(io, args)?;
    let words = options.rest.clone();
    let wide = options.value('w').is_some_and(|w| w == "table");
    match words.iter().map(Str::as_str).collect::<Vec<_>>()[..] {
        ["snapshot", "status", file] => snapshot_status(io, file, wide),
        ["snapshot", "restore", file] => snapshot_restore(io, &options, file),
        ["version"] => {
            io.outln("etcdutl version: 3.6.4\nAPI version: 3.6");
            Ok(0)
        }
        [] => {
            io.outln("An administrative command line tool for etcd3.\n\nUsage:\n  etcdutl [command]");
            Ok(0)
        }
        _ => io.fail(
            1,
            format!("Error: unknown command {:?} for \"etcdutl\"\nRun 'etcdutl --help' for usage.", words.join(" ")),
        ),
    }
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let options = read(io, args)?;
    let api = io.call("env", "ETCDCTL_API".into())?;
    let book = io.call("profile", Value::Null)?.as_str() == "book";
    let words = options.rest.clone();
    let verb: Vec<&str> = words.iter().map(Str::as_str).collect();
    let env = io.call("env", "ETCDCTL_ENDPOINTS".into())?;
    let given = options.value('E').cloned().unwrap_or_else(|| env.as_str().into());
    let given: Str = if given.is_empty() { "127.0.0.1:2379".into() } else { given };
    let endpoints = given.split(',').map(|e| e.trim().into()).collect();
    let mut client = Client { options, endpoints, book, allowed: false };
    match verb[..] {
        ["version"] => {
            let api = client.version().rsplit_once('.').map_or("", |(minor, _)| minor);
            io.outln(format!("etcdctl version: {}\nAPI version: {api}", client.version()));
            return Ok(0);
        }
        ["snapshot", "status", file] if book => return snapshot_status(io, file, client.table()),
        ["snapshot", "restore", file] if book => return snapshot_restore(io, &client.options, file),
        _ => {}
    }
    client.allowed = certificate(io, &client.options)?;
    // 3.6 has no v2 any more.
    if api.as_str() == "2" && book {
        return version_two(io, &client, &verb);
    }
    version_three(io, &mut client, &verb)
}

/// Whether the client shows a certificate that the cluster's authority has signed: kubeadm's etcd talks
/// to nobody else.
fn certificate(io: &mut Io<'_>, o: &Options) -> Flow<bool> {
    for (letter, name) in [('C', "ETCDCTL_CACERT"), ('T', "ETCDCTL_CERT"), ('K', "ETCDCTL_KEY")] {
        let path = match o.value(letter) {
            Some(path) => path.to_string(),
            None => io.call("env", name.into())?.as_str().to_owned(),
        };
        if path.is_empty() && letter == 'C' && o.has('I') {
            continue;
        }
        if path.is_empty() {
            return Ok(false);
        }
        if io.read_file(&path)?.is_err() {
            return io.fail(128, format!("Error: open {path}: no such file or directory"));
        }
    }
    Ok(true)
}

/// The old API: a store of its own, which servers from 3.4 on do not serve.
fn version_two(io: &mut Io<'_>, client: &Client, verb: &[&str]) -> Flow<i32> {
    let why = if client.allowed {
        "client: response is invalid json. The endpoint is probably not valid etcd cluster endpoint."
    } else {
        "client: etcd cluster is unavailable or misconfigured; error #0: malformed HTTP response \"\\x15\\x03\\x01\\x00\\x02\\x02\"\n; error #1: dial tcp 127.0.0.1:4001: connect: connection refused\n"
    };
    match verb {
        [] => {
            io.outln("NAME:\n   etcdctl - A simple command line client for etcd.\n\nWARNING:\n   Environment variable ETCDCTL_API is not set; defaults to etcdctl v2.\n   Set environment variable ETCDCTL_API=3 to use v3 API or ETCDCTL_API=2 to use v2 API.");
            Ok(0)
        }
        ["cluster-health"] => {
            io.outln("cluster may be unhealthy: failed to list members");
            io.fail(1, format!("Error:  {why}"))
        }
        ["ls" | "get" | "set" | "mk" | "mkdir" | "rm" | "rmdir" | "update" | "member", ..] => {
            io.fail(1, format!("Error:  {why}"))
        }
        [other, ..] => io.fail(3, format!("No help topic for '{other}'")),
    }
}

fn version_three(io: &mut Io<'_>, client: &mut Client, verb: &[&str]) -> Flow<i32> {
    match *verb {
        ["get", key] => get(io, client, key, ""),
        ["get", key, end] => get(io, client, key, end),
        ["put", key, value] => {
            client.ask(io, map! { "verb" => "put", "key" => key, "value" => value })?;
            io.outln("OK");
            Ok(0)
        }
        ["del", key] => {
            let keys: Vec<Str> = match client.options.has('P') {
                false => vec![key.into()],
                true => {
                    let all = client.ask(io, map! { "verb" => "all" })?;
                    items(&all, "rows").iter().map(|r| Str::from(r.str("key"))).filter(|k| k.starts_with(key)).collect()
                }
            };
            let mut gone = 0;
            for key in keys {
                let answer = client.ask(io, map! { "verb" => "del", "key" => key })?;
                gone += i32::from(answer.get("had").and_then(Value::as_bool) == Some(true));
            }
            io.outln(gone.to_string());
            Ok(0)
        }
        ["member", ref rest @ ..] => member(io, client, rest),
        ["move-leader", id] => {
            let answer = client.ask(io, map! { "verb" => "move", "id" => id })?;
            io.outln(format!("Leadership transferred from {} to {id}", answer.str("from")));
            Ok(0)
        }
        ["endpoint", what @ ("health" | "status")] => {
            if client.options.has('A') {
                let all = client.ask(io, map! { "verb" => "members" })?;
                let url = |m: &Value| ecow::eco_format!("https://{}:2379", m.str("ip"));
                client.endpoints = items(&all, "members").iter().map(url).collect();
            }
            if what == "health" { health(io, client) } else { status(io, client) }
        }
        ["snapshot", "save", file] => {
            let answer = client.ask(io, map! { "verb" => "snapshot" })?;
            if let Err(why) = io.write_file(file, answer.str("text").to_owned())? {
                return io
                    .fail(1, format!("Error: could not open {file}.part (open {file}.part: {})", why.to_lowercase()));
            }
            let first = &client.endpoints[0];
            for msg in [
                format!("\"msg\":\"created temporary db file\",\"path\":\"{file}.part\""),
                format!("\"msg\":\"fetching snapshot\",\"endpoint\":\"{first}\""),
                format!("\"msg\":\"saved\",\"path\":\"{file}\""),
            ] {
                io.errln(format!("{{\"level\":\"info\",{msg}}}"));
            }
            io.outln(format!("Snapshot saved at {file}"));
            Ok(0)
        }
        ["compact" | "compaction", n] => {
            let Ok(revision) = n.parse::<i64>() else {
                return io.fail(128, format!("Error: strconv.ParseInt: parsing {n:?}: invalid syntax"));
            };
            client.ask(io, map! { "verb" => "compact", "revision" => revision })?;
            io.outln(format!("compacted revision {n}"));
            Ok(0)
        }
        ["defrag"] => {
            for endpoint in client.endpoints.clone() {
                match client.ask_one(io, &endpoint, map! { "verb" => "defrag" })? {
                    Ok(_) => io.outln(format!("Finished defragmenting etcd member[{endpoint}]")),
                    Err(why) => {
                        return io.fail(1, format!("Failed to defragment etcd member[{endpoint}] ({why})"));
                    }
                }
            }
            Ok(0)
        }
        [] => {
            io.outln("NAME:\n\tetcdctl - A simple command line client for etcd3.\n\nUSAGE:\n\tetcdctl [flags]");
            Ok(0)
        }
        ["get" | "put" | "del" | "compact" | "move-leader", ..] => {
            io.fail(128, format!("Error: {} command: wrong number of arguments", verb[0]))
        }
        _ => io.fail(
            128,
            format!("Error: unknown command \"{}\" for \"etcdctl\"\nRun 'etcdctl --help' for usage.", verb.join(" ")),
        ),
    }
}

fn member(io: &mut Io<'_>, client: &Client, rest: &[&str]) -> Flow<i32> {
    let urls = |m: &Value, port: u16| format!("https://{}:{port}", m.str("ip"));
    match *rest {
        ["list"] => {
            let answer = client.ask(io, map! { "verb" => "members" })?;
            let rows: Vec<Vec<String>> = (items(&answer, "members").iter())
                .map(|m| {
                    let started = !m.str("name").is_empty();
                    vec![
                        m.str("id").to_owned(),
                        if started { "started" } else { "unstarted" }.to_owned(),
                        m.str("name").to_owned(),
                        urls(m, 2380),
                        if started { urls(m, 2379) } else { String::new() },
                        (m.get("learner").and_then(Value::as_bool) == Some(true)).to_string(),
                    ]
                })
                .collect();
            if client.table() {
                table(io, &["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"], &rows);
            } else {
                rows.iter().for_each(|r| io.outln(r.join(", ")));
            }
            Ok(0)
        }
        ["add", name] => {
            let Some(url) = client.options.value('U').cloned() else {
                return io.fail(128, "Error: member peer urls not provided");
            };
            let question = map! { "verb" => "add", "ip" => host_of(&url), "learner" => client.options.has('l') };
            let answer = client.ask(io, question)?;
            let as_what = if client.options.has('l') { "as learner " } else { "" };
            let all = items(&answer, "members").iter().map(|m| {
                let own = if m.str("name").is_empty() { name } else { m.str("name") };
                format!("{own}={}", urls(m, 2380))
            });
            let all: Vec<String> = all.collect();
            io.outln(format!(
                "Member {} added {as_what}to cluster {}\n\nETCD_NAME=\"{name}\"\nETCD_INITIAL_CLUSTER=\"{}\"\nETCD_INITIAL_ADVERTISE_PEER_URLS=\"{url}\"\nETCD_INITIAL_CLUSTER_STATE=\"existing\"",
                answer.str("id"),
                answer.str("cluster"),
                all.join(",")
            ));
            Ok(0)
        }
        [what @ ("remove" | "promote"), id] => {
            if u64::from_str_radix(id, 16).is_err() {
                return io.fail(
                    128,
                    format!("Error: bad member ID arg (strconv.ParseUint: parsing {id:?}: invalid syntax), expecting ID in Hex"),
                );
            }
            let answer = client.ask(io, map! { "verb" => what, "id" => id })?;
            let done = if what == "remove" { "removed from" } else { "promoted in" };
            io.outln(format!("Member {id} {done} cluster {}", answer.str("cluster")));
            Ok(0)
        }
        _ => io.fail(128, "Error: member command: unknown or incomplete subcommand"),
    }
}

/// A proposal of each member, and how long it took.
fn health(io: &mut Io<'_>, client: &Client) -> Flow<i32> {
    let mut rows = Vec::new();
    let mut sick = false;
    for endpoint in &client.endpoints {
        let began = io.now()?;
        let answer = client.ask_one(io, endpoint, map! { "verb" => "health" })?;
        match answer {
            Ok(_) => {
                io.sleep(Duration::micros(2_700))?;
                let took = io.now()?.since(began).0;
                let took = format!("{}.{:03}ms", took / 1000, took % 1000);
                rows.push(vec![endpoint.to_string(), "true".into(), took.clone(), String::new()]);
                if !client.table() {
                    io.outln(format!("{endpoint} is healthy: successfully committed proposal: took = {took}"));
                }
            }
            Err(_) => {
                sick = true;
                io.sleep(Duration::secs(5))?;
                rows.push(vec![
                    endpoint.to_string(),
                    "false".into(),
                    "5.000412s".into(),
                    "context deadline exceeded".into(),
                ]);
                if !client.table() {
                    io.errln(format!("{endpoint} is unhealthy: failed to commit proposal: context deadline exceeded"));
                }
            }
        }
    }
    if client.table() {
        table(io, &["ENDPOINT", "HEALTH", "TOOK", "ERROR"], &rows);
    }
    if sick { io.fail(1, "Error: unhealthy cluster") } else { Ok(0) }
}

fn status(io: &mut Io<'_>, client: &Client) -> Flow<i32> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut failed = false;
    for endpoint in &client.endpoints {
        let s = match client.ask_one(io, endpoint, map! { "verb" => "status" })? {
            Ok(s) => s,
            Err(why) => {
                failed = true;
                io.sleep(Duration::secs(5))?;
                let why = why.replace("\"", "\\\"");
                io.errln(format!("{{\"level\":\"warn\",\"msg\":\"retrying of unary invoker failed\",\"target\":\"{endpoint}\",\"attempt\":0,\"error\":\"rpc error: code = DeadlineExceeded desc = latest connection error: {why}\"}}"));
                io.errln(format!("Failed to get the status of endpoint {endpoint} (context deadline exceeded)"));
                continue;
            }
        };
        let yes = |key: &str| (s.get(key).and_then(Value::as_bool) == Some(true)).to_string();
        let (used, size, index) = (int(&s, "used") as u64, int(&s, "size") as u64, int(&s, "index").to_string());
        let errors = if yes("leaderless") == "true" { "etcdserver: no leader" } else { "" };
        let mut row = vec![endpoint.to_string(), s.str("id").to_owned(), client.version().to_owned()];
        if !client.book {
            let free = (size - used) * 100 / size.max(1);
            row.extend(["3.6.0".into(), bytes(size), bytes(used), format!("{free}%"), "0 B".into()]);
        } else {
            row.push(bytes(size));
        }
        row.extend([yes("leader"), yes("learner"), int(&s, "term").to_string(), index.clone(), index, errors.into()]);
        if !client.book {
            row.extend([String::new(), "false".into()]);
        }
        rows.push(row);
    }
    if client.table() {
        let old = ["DB SIZE"].as_slice();
        let new = ["STORAGE VERSION", "DB SIZE", "IN USE", "PERCENTAGE NOT IN USE", "QUOTA"].as_slice();
        let after = ["DOWNGRADE TARGET VERSION", "DOWNGRADE ENABLED"].as_slice();
        let (sizes, after) = if client.book { (old, [].as_slice()) } else { (new, after) };
        let first = ["ENDPOINT", "ID", "VERSION"];
        let middle = ["IS LEADER", "IS LEARNER", "RAFT TERM", "RAFT INDEX", "RAFT APPLIED INDEX", "ERRORS"];
        let heads: Vec<&str> = first.iter().chain(sizes).chain(&middle).chain(after).copied().collect();
        table(io, &heads, &rows);
    } else {
        rows.iter().for_each(|r| io.outln(r.join(", ")));
    }
    Ok(i32::from(failed))
}

/// `2.6 MB`, as go-humanize prints it.
fn bytes(n: u64) -> String {
    let (unit, name) = match n {
        0..1_000 => return format!("{n} B"),
        1_000..1_000_000 => (1_000, "kB"),
        _ => (1_000_000, "MB"),
    };
    let tenths = (n * 10 + unit / 2) / unit;
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", (n + unit / 2) / unit)
    }
}

fn get(io: &mut Io<'_>, client: &Client, key: &str, end: &str) -> Flow<i32> {
    let o = &client.options;
    let answer = client.ask(io, map! { "verb" => "all" })?;
    let limit = o.value('L').and_then(|l| l.parse().ok()).filter(|n| *n > 0).unwrap_or(usize::MAX);
    let wanted = |k: &str| match (o.has('P'), o.has('F'), end) {
        (true, ..) => k.starts_with(key),
        (_, true, _) => k >= key,
        (.., "") => k == key,
        (.., end) => k >= key && k < end,
    };
    let found: Vec<&Value> = items(&answer, "rows").iter().filter(|r| wanted(r.str("key"))).take(limit).collect();
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
    let Some(snapshot) = Snapshot::parse(&text) else {
        return io.fail(1, "Error: snapshot file integrity check failed: invalid database");
    };
    let hash = crate::runtime::images::digest(&text)[..8].to_owned();
    let row = vec![hash, snapshot.revision.to_string(), snapshot.rows.len().to_string(), bytes(text.len() as u64)];
    if wide {
        table(io, &["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"], &[row]);
    } else {
        io.outln(row.join(", "));
    }
    Ok(0)
}

/// Makes a data folder of a snapshot: what etcd finds there when it starts.
fn snapshot_restore(io: &mut Io<'_>, options: &Options, file: &str) -> Flow<i32> {
    let Ok(text) = io.read_file(file)? else {
        return io.fail(1, format!("Error: open {file}: no such file or directory"));
    };
    if Snapshot::parse(&text).is_none() {
        return io.fail(1, "Error: snapshot file integrity check failed: invalid database");
    }
    let folder = options.value('D').map_or("default.etcd", Str::as_str).trim_end_matches('/').to_owned();
    let db = format!("{folder}/member/snap/db");
    if io.read_file(&db)?.is_ok() {
        return io.fail(1, format!("Error: data-dir {folder:?} not empty or could not be read"));
    }
    let mut at = String::new();
    for part in format!("{folder}/member/snap").split('/') {
        at += part;
        if !at.is_empty() {
            io.call("make-dir", at.as_str().into())?;
        }
        at.push('/');
    }
    io.errln(format!(
        "{{\"level\":\"info\",\"msg\":\"restoring snapshot\",\"path\":\"{file}\",\"wal-dir\":\"{folder}/member/wal\",\"data-dir\":\"{folder}\",\"snap-dir\":\"{folder}/member/snap\"}}"
    ));
    io.write_file(&db, text)?.ok();
    io.errln(format!(
        "{{\"level\":\"info\",\"msg\":\"restored snapshot\",\"path\":\"{file}\",\"wal-dir\":\"{folder}/member/wal\",\"data-dir\":\"{folder}\",\"snap-dir\":\"{folder}/member/snap\"}}"
    ));
    Ok(0)
}

/// A table with borders, as etcdctl draws it.
fn table(io: &mut Io<'_>, heads: &[&str], rows: &[Vec<String>]) {
    let width = |i: usize| rows.iter().map(|r| r[i].len()).chain([heads[i].len()]).max().unwrap_or(0);
    let line: String = (0..heads.len()).map(|i| format!("+{}", "-".repeat(width(i) + 2))).collect::<String>() + "+";
    let cells = |row: &mut dyn Iterator<Item = (usize, &str)>, centred: bool| -> String {
        let one = |(i, c): (usize, &str)| {
            let space = width(i) - c.len();
            let left = if centred { space / 2 } else { 0 };
            format!("| {}{c}{} ", " ".repeat(left), " ".repeat(space - left))
        };
        row.map(one).collect::<String>() + "|"
    };
    io.outln(&line);
    io.outln(cells(&mut heads.iter().copied().enumerate(), true));
    io.outln(&line);
    for r in rows {
        // Numbers stand right in etcdctl's tables, text left.
        io.outln(cells(&mut r.iter().map(String::as_str).enumerate(), false));
    }
    io.outln(&line);
}
