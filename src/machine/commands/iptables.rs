//! `iptables`: the rules that `iptables-save` prints, in the listing people read.
//!
//! Rules are kube-proxy's and docker's; by hand none is added or taken away.

use super::admin;
use super::options::{Options, Spec, read};
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static IPTABLES: Command = admin("iptables", ["list the packet rules", "패킷 규칙을 보여 줍니다"], run);
pub static IP6TABLES: Command =
    admin("ip6tables", ["list the packet rules of IPv6", "IPv6 패킷 규칙을 보여 줍니다"], run);
pub static IPVSADM: Command = admin(
    "ipvsadm",
    ["virtual servers of kube-proxy's IPVS mode", "kube-proxy IPVS 모드의 가상 서버를 보여 줍니다"],
    ipvsadm,
);

const SPEC: Spec = Spec::new(
    "t:LSnvxADIRFPNXZEp:s:d:j:i:o:m:wVC",
    &[
        ("table", 't'),
        ("list", 'L'),
        ("list-rules", 'S'),
        ("numeric", 'n'),
        ("verbose", 'v'),
        ("line-numbers", 'l'),
        ("exact", 'x'),
        ("append", 'A'),
        ("delete", 'D'),
        ("insert", 'I'),
        ("flush", 'F'),
        ("policy", 'P'),
        ("new-chain", 'N'),
        ("delete-chain", 'X'),
        ("zero", 'Z'),
        ("wait", 'w'),
        ("version", 'V'),
    ],
    2,
);

struct Chain<'t> {
    name: &'t str,
    /// `-`: made by somebody, without a policy.
    policy: &'t str,
    rules: Vec<Vec<String>>,
}

/// Words of a rule; a quoted comment is one.
fn words(line: &str) -> Vec<String> {
    let (mut out, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            c => out.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

fn chains<'t>(text: &'t str, table: &str) -> Vec<Chain<'t>> {
    let mut out: Vec<Chain<'_>> = Vec::new();
    let mut here = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            here = name == table;
        } else if let (Some(rest), true) = (line.strip_prefix(':'), here) {
            let mut parts = rest.split(' ');
            let (name, policy) = (parts.next().unwrap_or(""), parts.next().unwrap_or("-"));
            out.push(Chain { name, policy, rules: Vec::new() });
        } else if let (Some(rest), true) = (line.strip_prefix("-A "), here) {
            let (name, rule) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Some(chain) = out.iter_mut().find(|c| c.name == name) {
                chain.rules.push(words(rule));
            }
        }
    }
    if out.is_empty() {
        let names: &[&str] = match table {
            "filter" => &["INPUT", "FORWARD", "OUTPUT"],
            "nat" => &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
            "mangle" => &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
            _ => &["PREROUTING", "OUTPUT"],
        };
        out.extend(names.iter().copied().map(|name| Chain { name, policy: "ACCEPT", rules: Vec::new() }));
    }
    out
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let name = args[0].as_str();
    let o = match read(args, &SPEC) {
        Ok(o) => o,
        Err(why) => {
            io.errln(format!("{name} v1.4.21: {why}"));
            return io.fail(2, format!("Try `{name} -h' or '{name} --help' for more information."));
        }
    };
    if o.has('V') {
        io.outln(format!("{name} v1.4.21"));
        return Ok(0);
    }
    let table = o.value('t').map_or("filter", Str::as_str);
    if !matches!(table, "filter" | "nat" | "mangle" | "raw" | "security") {
        return io.fail(3, format!("{name} v1.4.21: can't initialize {name} table `{table}': Table does not exist (do you need to insmod?)\nPerhaps {name} or your kernel needs to be upgraded."));
    }
    if io.call("machine", Value::Null)?.str("user") != "root" {
        return io.fail(3, format!("{name} v1.4.21: can't initialize {name} table `{table}': Permission denied (you must be root)\nPerhaps {name} or your kernel needs to be upgraded."));
    }
    if "ADIRFPNXZE".chars().any(|c| o.has(c)) {
        return io.fail(1, format!("{name}: this lab's rules are kube-proxy's; changing them by hand is not modelled"));
    }
    if !o.has('L') && !o.has('S') {
        io.errln(format!("{name} v1.4.21: no command specified"));
        return io.fail(2, format!("Try `{name} -h' or '{name} --help' for more information."));
    }
    let text = if name == "ip6tables" { Str::new() } else { Str::from(io.call("iptables", Value::Null)?.as_str()) };
    let all = chains(&text, table);
    let wanted = o.rest.first();
    if wanted.is_some_and(|w| all.iter().all(|c| c.name != w.as_str())) {
        io.errln(format!("{name}: No chain/target/match by that name."));
        return Ok(1);
    }
    let shown: Vec<&Chain<'_>> = all.iter().filter(|c| wanted.is_none_or(|w| c.name == w.as_str())).collect();
    if o.has('S') {
        list_rules(io, &shown);
        return Ok(0);
    }
    for (i, chain) in shown.iter().enumerate() {
        if i > 0 {
            io.outln("");
        }
        let references =
            all.iter().flat_map(|c| &c.rules).filter(|r| value(r, "-j").is_some_and(|t| t == chain.name)).count();
        let counts = if o.has('v') { " 0 packets, 0 bytes" } else { "" };
        match chain.policy {
            "-" => io.outln(format!("Chain {} ({references} references)", chain.name)),
            policy => io.outln(format!("Chain {} (policy {policy}{counts})", chain.name)),
        }
        let number = if o.has('l') { "num  " } else { "" };
        let pkts = if o.has('v') { " pkts bytes " } else { "" };
        let via = if o.has('v') { " in     out    " } else { "" };
        io.outln(format!("{number}{pkts}{:<9}  prot opt{via} {:<19}  {:<19} ", "target", "source", "destination"));
        for (at, rule) in chain.rules.iter().enumerate() {
            io.outln(one(rule, at + 1, &o));
        }
    }
    Ok(0)
}

fn list_rules(io: &mut Io<'_>, shown: &[&Chain<'_>]) {
    for c in shown {
        match c.policy {
            "-" => io.outln(format!("-N {}", c.name)),
            policy => io.outln(format!("-P {} {policy}", c.name)),
        }
    }
    for c in shown {
        for rule in &c.rules {
            let quoted = |w: &String| if w.contains(' ') { format!("\"{w}\"") } else { w.clone() };
            let words: Vec<String> = rule.iter().map(quoted).collect();
            io.outln(format!("-A {} {}", c.name, words.join(" ")));
        }
    }
}

fn value<'r>(rule: &'r [String], option: &str) -> Option<&'r str> {
    let at = rule.iter().position(|w| w == option)?;
    rule.get(at + 1).map(String::as_str)
}

/// One rule of `-L`.
fn one(rule: &[String], number: usize, o: &Options) -> String {
    let numeric = o.has('n');
    let place = |option: &str| match value(rule, option) {
        None if numeric => "0.0.0.0/0".to_owned(),
        None => "anywhere".to_owned(),
        Some(ip) => ip.trim_end_matches("/32").to_owned(),
    };
    let mut more = String::new();
    if let Some(text) = value(rule, "--comment") {
        more += &format!(" /* {text} */");
    }
    let protocol = value(rule, "-p").unwrap_or("all");
    if let Some(port) = value(rule, "--dport") {
        let port = match port {
            "443" if !numeric => "https",
            "80" if !numeric => "http",
            "53" if !numeric => "domain",
            port => port,
        };
        more += &format!(" {protocol} dpt:{port}");
    }
    if let Some(mark) = value(rule, "--mark") {
        more += &format!(" mark match {mark}");
    }
    if let Some(chance) = value(rule, "--probability") {
        more += &format!(" statistic mode random probability {chance}");
    }
    if let Some(kind) = value(rule, "--dst-type") {
        more += &format!(" ADDRTYPE match dst-type {kind}");
    }
    if let Some(mark) = value(rule, "--set-xmark") {
        more += &format!(" MARK or {}", mark.split('/').next().unwrap_or(mark));
    }
    if let Some(why) = value(rule, "--reject-with") {
        more += &format!(" reject-with {why}");
    }
    if let Some(to) = value(rule, "--to-destination") {
        more += &format!(" to:{to}");
    }
    let number = if o.has('l') { format!("{number:<4} ") } else { String::new() };
    let counts = if o.has('v') { "    0     0 " } else { "" };
    let via = if o.has('v') { if numeric { "  *      *      " } else { "  any    any    " } } else { " " };
    format!(
        "{number}{counts}{:<9}  {protocol:<4} --{via} {:<19}  {:<19} {more}",
        value(rule, "-j").unwrap_or(""),
        place("-s"),
        place("-d")
    )
}

fn ipvsadm(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        None | Some("-l" | "-L" | "-ln" | "-Ln" | "--list") => {
            io.outln("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn");
            Ok(0)
        }
        Some(other) => io.fail(1, format!("ipvsadm: {other}: kube-proxy of this lab uses iptables, not IPVS")),
    }
}
