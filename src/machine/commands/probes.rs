//! Looking for hosts and ports: `nc`, `telnet`, `getent`, `route`, `lsof`.

use super::options::{Spec, parse};
use super::{admin, row};
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};
use crate::machine::users;

pub static NC: Command = row("nc", ["see whether a port answers", "포트가 응답하는지 봅니다"], nc);
pub static NCAT: Command = row("ncat", ["see whether a port answers", "포트가 응답하는지 봅니다"], nc);
pub static TELNET: Command = row("telnet", ["connect to a port", "포트에 연결합니다"], telnet);
pub static GETENT: Command = row("getent", ["look names up", "이름을 찾아봅니다"], getent);
pub static ROUTE: Command = admin("route", ["show the routing table", "라우팅 표를 보여 줍니다"], route);
pub static LSOF: Command =
    admin("lsof", ["open ports and their processes", "열린 포트와 프로세스를 보여 줍니다"], lsof);

/// What a connection comes to: its outcome, after the time that takes. `wait`: no longer than this.
fn dial(io: &mut Io<'_>, ip: &str, port: u16, wait: Option<Duration>) -> Flow<String> {
    let found = io.call("connect", map! { "ip" => ip, "port" => u32::from(port) }.into())?;
    let took = Duration(u64::try_from(super::int(&found, "micros")).unwrap_or(0));
    let outcome = found.str("outcome").to_owned();
    match wait.filter(|w| *w < took) {
        Some(limit) => {
            io.sleep(limit)?;
            Ok("timeout".to_owned())
        }
        None => {
            io.sleep(took)?;
            Ok(outcome)
        }
    }
}

fn why(outcome: &str) -> &'static str {
    match outcome {
        "refused" => "Connection refused",
        "timeout" => "Connection timed out",
        _ => "No route to host",
    }
}

fn resolve(io: &mut Io<'_>, host: &str) -> Flow<Option<String>> {
    let numeric = host.split('.').count() == 4 && host.split('.').all(|p| p.parse::<u8>().is_ok());
    if numeric {
        return Ok(Some(host.to_owned()));
    }
    let found = io.call("resolve", host.into())?;
    Ok(found.items().first().map(|v| v.as_str().to_owned()))
}

const NC_SPEC: Spec = Spec::new("zvlw:nukp:i:4", &[("verbose", 'v'), ("listen", 'l'), ("wait", 'w'), ("udp", 'u')], 2);

fn nc(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &NC_SPEC)?;
    if o.has('l') {
        return io.fail(2, "Ncat: listening is not modelled in this lab. QUITTING.");
    }
    let [host, port] = &o.rest[..] else {
        return io.fail(2, "Ncat: You must specify a host to connect to. QUITTING.");
    };
    let Ok(port) = port.parse::<u16>() else {
        return io.fail(2, format!("Ncat: Invalid port number \"{port}\". QUITTING."));
    };
    let wait = o.value('w').and_then(|w| super::run::span(w));
    if o.has('v') {
        let book = io.call("profile", Value::Null)?.as_str() == "book";
        io.errln(format!("Ncat: Version {} ( https://nmap.org/ncat )", if book { "7.50" } else { "7.92" }));
    }
    let Some(ip) = resolve(io, host)? else {
        return io
            .fail(2, format!("Ncat: Could not resolve hostname \"{host}\": Name or service not known. QUITTING."));
    };
    let before = io.now()?;
    let outcome = dial(io, &ip, port, Some(wait.unwrap_or(Duration::secs(10))))?;
    if outcome != "ok" {
        return io.fail(1, format!("Ncat: {}.", why(&outcome)));
    }
    if o.has('v') {
        io.errln(format!("Ncat: Connected to {ip}:{port}."));
    }
    if !o.has('z') {
        io.read_all()?;
    }
    if o.has('v') {
        let hundredths = io.now()?.since(before).as_millis() / 10;
        io.errln(format!(
            "Ncat: 0 bytes sent, 0 bytes received in {}.{:02} seconds.",
            hundredths / 100,
            hundredths % 100
        ));
    }
    Ok(0)
}

fn telnet(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<&Str> = args[1..].iter().filter(|a| !a.starts_with('-')).collect();
    let Some(host) = words.first() else { return io.fail(1, "telnet> not modelled without a host") };
    let port = words.get(1).map_or("23", |p| p.as_str());
    let Ok(number) = port.parse::<u16>() else {
        return io.fail(1, format!("telnet: could not resolve {host}/{port}: Servname not supported for ai_socktype"));
    };
    let Some(ip) = resolve(io, host)? else {
        return io.fail(1, format!("telnet: {host}: Name or service not known\n{host}: Unknown host"));
    };
    io.outln(format!("Trying {ip}..."));
    let outcome = dial(io, &ip, number, None)?;
    if outcome != "ok" {
        return io.fail(1, format!("telnet: connect to address {ip}: {}", why(&outcome)));
    }
    io.outln(format!("Connected to {host}.\nEscape character is '^]'."));
    io.read_line()?;
    io.outln("Connection closed by foreign host.");
    Ok(1)
}

fn getent(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Some(base) = args.get(1) else {
        return io.fail(
            1,
            "getent: wrong number of arguments\nTry `getent --help' or `getent --usage' for more information.",
        );
    };
    let keys = &args[2..];
    let mut code = 0;
    match base.as_str() {
        "hosts" | "ahosts" | "ahostsv4" => {
            if keys.is_empty() {
                let hosts = io.read_file("/etc/hosts")?.unwrap_or_default();
                for line in hosts.lines().map(|l| l.split('#').next().unwrap_or("")) {
                    if let Some((ip, names)) = line.split_once(char::is_whitespace) {
                        io.outln(format!("{ip:<15} {}", names.trim()));
                    }
                }
            }
            for key in keys {
                match resolve(io, key)? {
                    Some(ip) if *base == "hosts" => io.outln(format!("{ip:<15} {key}")),
                    Some(ip) => io.outln(format!("{ip:<15} STREAM {key}\n{ip:<15} DGRAM  \n{ip:<15} RAW    ")),
                    None => code = 2,
                }
            }
        }
        "passwd" | "group" | "shadow" => {
            let path = match base.as_str() {
                "passwd" => users::PASSWD,
                "group" => users::GROUP,
                _ => users::SHADOW,
            };
            let text = io.read_file(path)?.unwrap_or_default();
            if keys.is_empty() {
                io.out(&text);
            }
            for key in keys {
                let fits =
                    |l: &&str| l.split(':').next() == Some(key.as_str()) || l.split(':').nth(2) == Some(key.as_str());
                match text.lines().find(fits) {
                    Some(line) => io.outln(line),
                    None => code = 2,
                }
            }
        }
        other => {
            return io.fail(
                1,
                format!("Unknown database: {other}\nTry `getent --help' or `getent --usage' for more information."),
            );
        }
    }
    Ok(code)
}

fn route(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if let Some(word) = args[1..].iter().find(|a| !matches!(a.as_str(), "-n" | "-e" | "-ee" | "-v")) {
        return io.fail(4, format!("route: {word}: changing routes is not modelled in this lab"));
    }
    let machine = io.call("machine", Value::Null)?;
    let net = machine.str("ip").rsplit_once('.').map_or(String::new(), |(net, _)| format!("{net}.0"));
    let line = |to: &str, via: &str, mask: &str, flags: &str, at: &str| {
        format!("{to:<15} {via:<15} {mask:<15} {flags:<5} 0      0        0 {at}")
    };
    io.outln("Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface");
    for r in io.call("pod-routes", Value::Null)?.items() {
        let text = r.as_str();
        let words: Vec<&str> = text.trim_start_matches("blackhole ").split(' ').collect();
        let to = words[0].trim_end_matches("/26");
        if text.starts_with("blackhole") {
            io.outln(line(to, "0.0.0.0", "255.255.255.192", "!", "*"));
        } else {
            io.outln(line(to, words.get(2).copied().unwrap_or("0.0.0.0"), "255.255.255.192", "UG", "tunl0"));
        }
    }
    io.outln(line(&net, "0.0.0.0", "255.255.255.0", "U", "eth1"));
    Ok(0)
}

/// `-i`, `-i :PORT`, `-i TCP:PORT`: who listens.
fn lsof(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let wanted = args[1..].iter().find_map(|a| a.rsplit_once(':')).and_then(|(_, p)| p.parse::<i64>().ok());
    if !args[1..].iter().any(|a| a.starts_with("-") && a.contains('i')) {
        return io.fail(1, "lsof: only -i is modelled in this lab");
    }
    let all = io.call("listeners", Value::Null)?;
    let shown: Vec<&Value> = all.items().iter().filter(|l| wanted.is_none_or(|p| super::int(l, "port") == p)).collect();
    if shown.is_empty() {
        return Ok(1);
    }
    io.outln("COMMAND    PID USER   FD   TYPE DEVICE SIZE/OFF NODE NAME");
    for l in shown {
        let name: String = l.str("process").chars().take(9).collect();
        let at = match l.str("address") {
            "" => "*",
            ip => ip,
        };
        io.outln(format!(
            "{name:<9} {:>5} root    7u  IPv6  {:<5}      0t0  TCP {at}:{} (LISTEN)",
            super::int(l, "pid"),
            20_000 + super::int(l, "pid"),
            super::int(l, "port")
        ));
    }
    Ok(0)
}
