//! `nslookup`, `dig`, `host`: asking name servers.

use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static NSLOOKUP: Command = row("nslookup", ["ask a name server", "이름을 조회합니다"], nslookup);
pub static DIG: Command = row("dig", ["ask a name server, in detail", "이름을 자세히 조회합니다"], dig);

/// The first name server of /etc/resolv.conf, and its search list.
fn config(io: &mut Io<'_>) -> Flow<(String, Vec<String>)> {
    let text = io.read_file("/etc/resolv.conf")?.unwrap_or_default();
    let line = |key: &str| {
        text.lines().find_map(|l| l.strip_prefix(key)).map(|l| l.split('#').next().unwrap_or("").trim().to_owned())
    };
    let search = line("search ").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Ok((line("nameserver ").unwrap_or_else(|| "127.0.0.1".to_owned()), search))
}

/// Addresses of the name, and the full name they were found under.
fn ask(io: &mut Io<'_>, name: &str, search: &[String], server: &str) -> Flow<Result<(String, Vec<Str>), &'static str>> {
    let found = io.call("resolve", name.into())?;
    io.sleep(Duration::millis(2))?;
    let Value::List(_) = &found else {
        if found.as_str() == "Timeout" {
            io.sleep(Duration::secs(10))?;
            return Ok(Err("timeout"));
        }
        return Ok(Err("NXDOMAIN"));
    };
    let ips: Vec<Str> = found.items().iter().map(|v| v.as_str().into()).collect();
    // Names of the cluster are found by the search list: the one that fits is the full name.
    let cluster = server.starts_with("10.96.") && !name.trim_end_matches('.').ends_with("cluster.local");
    let dots = name.matches('.').count();
    let full = match search.get(if dots == 0 { 0 } else { dots.min(2) }) {
        Some(domain) if cluster && dots < 3 => format!("{name}.{domain}"),
        _ => name.trim_end_matches('.').to_owned(),
    };
    Ok(Ok((full, ips)))
}

fn nslookup(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<&Str> = args[1..].iter().filter(|a| !a.starts_with('-')).collect();
    let Some(name) = words.first() else { return io.fail(1, "Usage: nslookup [HOST] [SERVER]") };
    let (server, search) = config(io)?;
    let server = words.get(1).map_or(server, |s| s.to_string());
    let outcome = ask(io, name, &search, &server)?;
    if outcome == Err("timeout") {
        return io.fail(1, ";; connection timed out; no servers could be reached\n");
    }
    io.outln(format!("Server:\t\t{server}\nAddress:\t{server}#53\n"));
    match outcome {
        Ok((full, ips)) => {
            for ip in ips {
                io.outln(format!("Name:\t{full}\nAddress: {ip}"));
            }
            io.outln("");
            Ok(0)
        }
        Err(why) => {
            io.outln(format!("** server can't find {name}: {why}\n"));
            Ok(1)
        }
    }
}

fn dig(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let (conf, _) = config(io)?;
    let (mut server, mut name, mut short) = (conf, String::new(), false);
    for word in &args[1..] {
        match word.as_str() {
            "+short" => short = true,
            w if w.starts_with('@') => server = w[1..].to_owned(),
            "A" | "AAAA" | "ANY" | "SRV" => {}
            w if w.starts_with(['+', '-']) => {}
            w => name = w.to_owned(),
        }
    }
    // dig does not use the search list.
    let asked = format!("{}.", name.trim_end_matches('.'));
    let outcome = ask(io, &asked, &[], &server)?;
    if short {
        if let Ok((_, ips)) = &outcome {
            ips.iter().for_each(|ip| io.outln(ip));
        }
        return Ok(if outcome == Err("timeout") { 9 } else { 0 });
    }
    io.outln(format!("\n; <<>> DiG 9.11.4 <<>> {}\n;; global options: +cmd", args[1..].join(" ")));
    if outcome == Err("timeout") {
        io.outln(";; connection timed out; no servers could be reached");
        return Ok(9);
    }
    let count = outcome.as_ref().map_or(0, |(_, ips)| ips.len());
    let status = if outcome.is_ok() { "NOERROR" } else { "NXDOMAIN" };
    io.outln(format!(";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {status}, id: 4242\n;; flags: qr aa rd ra; QUERY: 1, ANSWER: {count}, AUTHORITY: 0, ADDITIONAL: 1\n\n;; QUESTION SECTION:\n;{asked}\t\tIN\tA\n"));
    if let Ok((_, ips)) = outcome {
        io.outln(";; ANSWER SECTION:");
        ips.iter().for_each(|ip| io.outln(format!("{asked}\t30\tIN\tA\t{ip}")));
        io.outln("");
    }
    io.outln(format!(";; Query time: 2 msec\n;; SERVER: {server}#53({server})\n"));
    Ok(0)
}
