//! `nslookup`, `dig`, `host`: asking name servers, in the words of bind-utils and of busybox.

use super::row;
use crate::api::{Map, Value};
use crate::base::time::MONTHS;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static NSLOOKUP: Command = row("nslookup", ["ask a name server", "이름을 조회합니다"], nslookup);
pub static DIG: Command = row("dig", ["ask a name server, in detail", "이름을 자세히 조회합니다"], dig);
pub static HOST: Command = row("host", ["look a name up", "이름을 간단히 조회합니다"], host);

const NOBODY: &str = ";; connection timed out; no servers could be reached";

/// The first name server of /etc/resolv.conf.
fn server(io: &mut Io<'_>) -> Flow<String> {
    let text = io.read_file("/etc/resolv.conf")?.unwrap_or_default();
    let found = text.lines().find_map(|l| l.strip_prefix("nameserver ")).and_then(|l| l.split_whitespace().next());
    Ok(found.unwrap_or("127.0.0.1").to_owned())
}

/// What a server answers; `None` after a wait: nothing.
fn ask(io: &mut Io<'_>, server: &str, name: &str, kind: &str, search: bool) -> Flow<Option<Value>> {
    let question = map! { "name" => name, "type" => kind, "server" => server, "search" => search };
    let answer = io.call("dns", question.into())?;
    io.sleep(Duration::millis(2))?;
    if answer.is_null() {
        io.sleep(Duration::secs(10))?;
        return Ok(None);
    }
    Ok(Some(answer))
}

/// The name under which an address is looked up.
fn reversed(ip: &str) -> Option<String> {
    let parts: Vec<&str> = ip.split('.').collect();
    let number = |p: &&str| p.parse::<u8>().is_ok();
    (parts.len() == 4 && parts.iter().all(number))
        .then(|| format!("{}.{}.{}.{}.in-addr.arpa", parts[3], parts[2], parts[1], parts[0]))
}

fn records(answer: &Value) -> &[Value] {
    answer.get("records").map_or(&[], Value::items)
}

/// Which busybox the container has, if its tools are busybox's: the second part of its version.
fn busybox(io: &mut Io<'_>) -> Flow<Option<u32>> {
    let machine = io.call("machine", Value::Null)?;
    let image = machine.str("image");
    let last = image.rsplit('/').next().unwrap_or("");
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    Ok(match name {
        "busybox" => Some(tag.split('.').nth(1).and_then(|m| m.split('-').next()?.parse().ok()).unwrap_or(37)),
        "alpine" | "bash" | "curl" | "sleepy" => Some(31),
        _ if tag.contains("alpine") => Some(31),
        _ => None,
    })
}

fn nslookup(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut kind = "A".to_owned();
    let mut words: Vec<&str> = Vec::new();
    for arg in &args[1..] {
        let option = arg.trim_start_matches('-');
        match option.split_once('=') {
            Some(("type" | "q" | "querytype" | "query", value)) if arg.starts_with('-') => kind = value.to_uppercase(),
            _ if arg.starts_with('-') => {}
            _ => words.push(arg),
        }
    }
    let Some(name) = words.first().copied() else { return io.fail(1, "Usage: nslookup [HOST] [SERVER]") };
    let own = server(io)?;
    let server = words.get(1).map_or(own, |s| (*s).to_owned());
    let (name, kind) = match reversed(name) {
        Some(arpa) => (arpa, "PTR".to_owned()),
        None => (name.to_owned(), kind),
    };
    match busybox(io)? {
        Some(minor) if minor < 29 => small_old(io, words[0], &name, &kind, &server),
        Some(minor) => small(io, minor, &name, &kind, &server),
        None => bind(io, &name, &kind, &server),
    }
}

/// busybox up to 1.28: the C library's resolver, each address with its own name.
fn small_old(io: &mut Io<'_>, shown: &str, name: &str, kind: &str, server: &str) -> Flow<i32> {
    let named = |io: &mut Io<'_>, ip: &str| -> Flow<String> {
        let Some(arpa) = reversed(ip) else { return Ok(String::new()) };
        let question = map! { "name" => arpa, "type" => "PTR", "server" => server, "search" => false };
        let answer = io.call("dns", question.into())?;
        let first = records(&answer).first().map(|r| format!(" {}", r.str("data").trim_end_matches('.')));
        Ok(first.unwrap_or_default())
    };
    let own = named(io, server)?;
    io.outln(format!("Server:    {server}\nAddress 1: {server}{own}\n"));
    let answer = ask(io, server, name, kind, kind == "A")?;
    let wanted = |r: &&Value| matches!(r.str("type"), "A" | "PTR");
    let found: Vec<Str> = answer.iter().flat_map(records).filter(wanted).map(|r| r.str("data").into()).collect();
    if found.is_empty() {
        return io.fail(1, format!("nslookup: can't resolve '{shown}'"));
    }
    io.outln(format!("Name:      {shown}"));
    for (i, ip) in found.iter().enumerate() {
        if kind == "PTR" {
            io.outln(format!("Address {}: {shown} {}", i + 1, ip.trim_end_matches('.')));
            continue;
        }
        let own = named(io, ip)?;
        io.outln(format!("Address {}: {ip}{own}", i + 1));
    }
    Ok(0)
}

/// busybox from 1.29 on: a resolver of its own, which asks for both kinds of address.
fn small(io: &mut Io<'_>, minor: u32, name: &str, kind: &str, server: &str) -> Flow<i32> {
    // Since 1.34 names without a dot are tried with each search domain.
    let mut names = vec![name.to_owned()];
    if minor >= 34 && !name.contains('.') {
        let text = io.read_file("/etc/resolv.conf")?.unwrap_or_default();
        let search = text.lines().find_map(|l| l.strip_prefix("search ")).unwrap_or_default();
        names = search.split_whitespace().map(|s| format!("{name}.{s}")).collect();
    }
    let (both, own) = (["A", "AAAA"], [kind]);
    let kinds: &[&str] = if kind == "A" { &both } else { &own };
    let mut head = false;
    let mut code = 0;
    for name in &names {
        for kind in kinds {
            let Some(answer) = ask(io, server, name, kind, false)? else {
                return io.fail(1, format!("{NOBODY}\n"));
            };
            if !std::mem::replace(&mut head, true) {
                io.outln(format!("Server:\t\t{server}\nAddress:\t{server}:53\n"));
            }
            if answer.str("code") != "NOERROR" {
                io.outln(format!("** server can't find {name}: {}\n", answer.str("code")));
                code = 1;
                continue;
            }
            if answer.str("zone").is_empty() {
                io.outln("Non-authoritative answer:");
            }
            if records(&answer).is_empty() && minor < 33 {
                io.outln(format!("*** Can't find {name}: No answer"));
            }
            told(io, &answer);
            io.outln("");
        }
    }
    Ok(code)
}

/// Records as both kinds of `nslookup` print them.
fn told(io: &mut Io<'_>, answer: &Value) {
    for r in records(answer) {
        let (name, data) = (r.str("name"), r.str("data"));
        match r.str("type") {
            "A" | "AAAA" => io.outln(format!("Name:\t{name}\nAddress: {data}")),
            "CNAME" => io.outln(format!("{name}\tcanonical name = {data}")),
            "PTR" => io.outln(format!("{name}\tname = {data}")),
            "SRV" => io.outln(format!("{name}\tservice = {data}")),
            "NS" => io.outln(format!("{name}\tnameserver = {data}")),
            "TXT" => io.outln(format!("{name}\ttext = {data}")),
            _ => io.outln(format!("{name}\t{data}")),
        }
    }
}

fn bind(io: &mut Io<'_>, name: &str, kind: &str, server: &str) -> Flow<i32> {
    let Some(answer) = ask(io, server, name, kind, kind == "A")? else { return io.fail(1, format!("{NOBODY}\n")) };
    if kind != "PTR" || answer.str("code") != "NOERROR" {
        io.outln(format!("Server:\t\t{server}\nAddress:\t{server}#53\n"));
    }
    let full = answer.str("name");
    if answer.str("code") != "NOERROR" {
        // The last name that was tried is the one as typed.
        io.outln(format!("** server can't find {name}: {}\n", answer.str("code")));
        return Ok(1);
    }
    if records(&answer).is_empty() {
        io.outln(format!("*** Can't find {full}: No answer\n"));
        return Ok(0);
    }
    if answer.str("zone").is_empty() {
        io.outln("Non-authoritative answer:");
    }
    told(io, &answer);
    io.outln("");
    Ok(0)
}

fn host(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut kind = "A".to_owned();
    let mut words: Vec<&str> = Vec::new();
    let mut rest = args[1..].iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-t" => kind = rest.next().map_or(String::new(), |k| k.as_str().to_uppercase()),
            a if a.starts_with('-') => {}
            a => words.push(a),
        }
    }
    let Some(name) = words.first().copied() else { return io.fail(1, "Usage: host [-aCdilrTvVw] hostname [server]") };
    let own = server(io)?;
    let server = words.get(1).map_or(own, |s| (*s).to_owned());
    let (asked, kind) = reversed(name).map_or((name.to_owned(), kind), |arpa| (arpa, "PTR".to_owned()));
    let Some(answer) = ask(io, &server, &asked, &kind, kind == "A")? else { return io.fail(1, NOBODY) };
    if answer.str("code") != "NOERROR" {
        let number = if answer.str("code") == "NXDOMAIN" { 3 } else { 2 };
        io.outln(format!("Host {asked} not found: {number}({})", answer.str("code")));
        return Ok(1);
    }
    for r in records(&answer) {
        let what = match r.str("type") {
            "A" => "has address",
            "CNAME" => "is an alias for",
            "PTR" => "domain name pointer",
            "SRV" => "has SRV record",
            _ => "has record",
        };
        io.outln(format!("{} {what} {}", r.str("name"), r.str("data")));
    }
    if records(&answer).is_empty() {
        io.outln(format!("{} has no {kind} record", answer.str("name")));
        return Ok(1);
    }
    Ok(0)
}

/// What `dig` was asked.
#[derive(Default)]
struct Question {
    server: String,
    name: String,
    kind: String,
    short: bool,
    search: bool,
    only_answer: bool,
}

fn dig(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut q = Question { server: server(io)?, kind: "A".to_owned(), ..Question::default() };
    let mut none = false;
    let mut rest = args[1..].iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "+short" => q.short = true,
            "+search" => q.search = true,
            "+noall" => none = true,
            "+answer" => q.only_answer = none,
            "-x" => {
                let ip = rest.next().map_or("", |s| s.as_str());
                (q.name, q.kind) = (reversed(ip).unwrap_or_else(|| ip.to_owned()), "PTR".to_owned());
            }
            "-t" => q.kind = rest.next().map_or(String::new(), |k| k.as_str().to_uppercase()),
            w if w.starts_with('@') => q.server = w[1..].to_owned(),
            w if w.starts_with(['+', '-']) => {}
            w if KINDS.contains(&w.to_uppercase().as_str()) => q.kind = w.to_uppercase(),
            w => q.name = w.to_owned(),
        }
    }
    if q.kind == "ANY" {
        q.kind = "A".to_owned();
    }
    let answer = ask(io, &q.server, &q.name, &q.kind, q.search)?;
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    let version = if modern { "9.16.23-RH" } else { "9.11.4-P2-RedHat-9.11.4-26.P2.el7_9.16" };
    let Some(answer) = answer else {
        if !q.short && !q.only_answer {
            io.outln(format!("\n; <<>> DiG {version} <<>> {}\n;; global options: +cmd", args[1..].join(" ")));
        }
        io.outln(NOBODY);
        return Ok(9);
    };
    if q.short {
        records(&answer).iter().for_each(|r| io.outln(r.str("data")));
        return Ok(0);
    }
    let line = |r: &Value| {
        let ttl = super::int(r, "ttl").to_string();
        columns(&[&format!("{}.", r.str("name")), &ttl, "IN", r.str("type"), r.str("data")], &[24, 32, 40, 48])
    };
    if q.only_answer {
        records(&answer).iter().for_each(|r| io.outln(line(r)));
        return Ok(0);
    }
    let own = !answer.str("zone").is_empty();
    let empty = records(&answer).is_empty();
    let time = io.now()?;
    let id = io.random()? % 65_536;
    let flags = if own { "qr aa rd" } else { "qr rd ra" };
    let (answers, authority) = (records(&answer).len(), u32::from(own && empty));
    io.outln(format!("\n; <<>> DiG {version} <<>> {}\n;; global options: +cmd\n;; Got answer:", args[1..].join(" ")));
    if q.name.trim_end_matches('.').ends_with(".local") {
        io.outln(";; WARNING: .local is reserved for Multicast DNS\n;; You are currently testing what happens when an mDNS query is leaked to DNS");
    }
    io.outln(format!(";; ->>HEADER<<- opcode: QUERY, status: {}, id: {id}\n;; flags: {flags}; QUERY: 1, ANSWER: {answers}, AUTHORITY: {authority}, ADDITIONAL: 1", answer.str("code")));
    if own {
        io.outln(";; WARNING: recursion requested but not available");
    }
    let asked = format!("{}.", answer.str("name"));
    io.outln(format!(
        "\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 4096\n;; QUESTION SECTION:\n{}\n",
        columns(&[&format!(";{asked}"), "IN", &q.kind], &[32, 40])
    ));
    if !empty {
        io.outln(";; ANSWER SECTION:");
        records(&answer).iter().for_each(|r| io.outln(line(r)));
        io.outln("");
    } else if own {
        let zone = answer.str("zone");
        let soa: Value = Map::from_iter([
            ("name".into(), Value::from(zone)),
            ("ttl".into(), Value::from(30)),
            ("type".into(), Value::from("SOA")),
            ("data".into(), Value::from(answer.str("soa"))),
        ])
        .into();
        io.outln(format!(";; AUTHORITY SECTION:\n{}\n", line(&soa)));
    }
    let (y, mo, d, h, mi, s) = time.civil();
    let (day, month) = (time.weekday(), MONTHS[mo as usize - 1]);
    io.outln(format!(
        ";; Query time: 2 msec\n;; SERVER: {0}#53({0})\n;; WHEN: {day} {month} {d:02} {h:02}:{mi:02}:{s:02} UTC {y}\n;; MSG SIZE  rcvd: {1}\n",
        q.server,
        asked.len() + 28 + answers * 16
    ));
    Ok(0)
}

const KINDS: [&str; 10] = ["A", "AAAA", "ANY", "CNAME", "NS", "PTR", "SOA", "SRV", "TXT", "MX"];

/// Words at tab stops; one that is too long is followed by a space.
fn columns(words: &[&str], stops: &[usize]) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for (i, word) in words.iter().enumerate() {
        if let Some(stop) = i.checked_sub(1).map(|i| stops[i]) {
            if at < stop {
                out += &"\t".repeat((stop - at).div_ceil(8));
                at = stop;
            } else {
                out.push(' ');
                at += 1;
            }
        }
        out += word;
        at += word.len();
    }
    out
}
