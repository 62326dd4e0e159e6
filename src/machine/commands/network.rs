//! Looking at the network: `ip`, `ss`, `netstat`, `ping`.

use super::options::{Spec, parse};
use super::{admin, row};
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static IP: Command = admin("ip", ["show addresses and routes", "주소와 경로를 보여 줍니다"], ip);
pub static SS: Command = admin("ss", ["show listening ports", "열린 포트를 보여 줍니다"], ss);
pub static NETSTAT: Command = row("netstat", ["show listening ports", "열린 포트를 보여 줍니다"], netstat);
pub static PING: Command = row("ping", ["see whether a machine answers", "머신이 응답하는지 봅니다"], ping);

fn ip(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<&str> = args[1..].iter().map(Str::as_str).filter(|w| !w.starts_with('-')).collect();
    let brief = args[1..].iter().any(|a| a == "-br" || a == "-brief");
    let machine = io.call("machine", Value::Null)?;
    let address = machine.str("ip");
    match words.first().copied() {
        None => {
            io.errln("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }");
            Ok(255)
        }
        Some(w) if "address".starts_with(w) => {
            if brief {
                io.outln(format!(
                    "lo               UNKNOWN        127.0.0.1/8 \neth1             UP             {address}/24 "
                ));
                return Ok(0);
            }
            io.outln("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever");
            io.outln(format!("2: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state UP group default qlen 1000\n    link/ether {} brd ff:ff:ff:ff:ff:ff\n    inet {address}/24 brd 192.168.1.255 scope global eth1\n       valid_lft forever preferred_lft forever", mac(address)));
            for (i, (name, at)) in tunnels(io)?.iter().enumerate() {
                io.outln(format!("{}: {name}: <NOARP,UP,LOWER_UP> mtu 1440 qdisc noqueue state UNKNOWN group default qlen 1000\n    inet {at}/32 scope global {name}\n       valid_lft forever preferred_lft forever", i + 3));
            }
            Ok(0)
        }
        Some(w) if "route".starts_with(w) => {
            io.outln(format!("192.168.1.0/24 dev eth1 proto kernel scope link src {address} metric 100 "));
            let routes = io.call("pod-routes", Value::Null)?;
            for route in routes.items() {
                io.outln(route.as_str());
            }
            Ok(0)
        }
        Some(w) if "link".starts_with(w) => {
            io.outln("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00");
            io.outln(format!("2: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state UP mode DEFAULT group default qlen 1000\n    link/ether {} brd ff:ff:ff:ff:ff:ff", mac(address)));
            Ok(0)
        }
        Some(w) => io.fail(1, format!("Object \"{w}\" is unknown, try \"ip help\".")),
    }
}

/// VirtualBox's prefix and an end from the address.
fn mac(ip: &str) -> String {
    let last: u8 = ip.rsplit('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    format!("08:00:27:3c:5a:{last:02x}")
}

/// Tunnel interfaces that the pod network made: name and address.
fn tunnels(io: &mut Io<'_>) -> Flow<Vec<(String, String)>> {
    let found = io.call("tunnels", Value::Null)?;
    Ok(found.items().iter().map(|t| (t.str("name").to_owned(), t.str("ip").to_owned())).collect())
}

fn ss(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new(
        "tlnpua",
        &[("tcp", 't'), ("listening", 'l'), ("numeric", 'n'), ("processes", 'p'), ("all", 'a')],
        255,
    );
    let o = parse(io, args, &SPEC)?;
    io.outln("State      Recv-Q Send-Q Local Address:Port               Peer Address:Port");
    for l in io.call("listeners", Value::Null)?.items() {
        let any = l.str("address").is_empty();
        let at = format!("{}:{}", if any { "*" } else { l.str("address") }, super::int(l, "port"));
        let peer = if any { "*:*" } else { "0.0.0.0:*" };
        let users = format!("users:((\"{}\",pid={},fd=7))", l.str("process"), super::int(l, "pid"));
        let users = if o.has('p') { users } else { String::new() };
        io.outln(format!("LISTEN     0      128    {at:<36} {peer:<21} {users}").trim_end());
    }
    Ok(0)
}

fn netstat(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec =
        Spec::new("tlnpuar", &[("tcp", 't'), ("listening", 'l'), ("numeric", 'n'), ("programs", 'p')], 4);
    let o = parse(io, args, &SPEC)?;
    io.outln("Active Internet connections (only servers)");
    let title = "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
    io.outln(if o.has('p') { format!("{title} PID/Program name    ") } else { title.to_owned() });
    for l in io.call("listeners", Value::Null)?.items() {
        let any = l.str("address").is_empty();
        let at = format!("{}:{}", if any { "::" } else { l.str("address") }, super::int(l, "port"));
        let (tcp, peer) = if any { ("tcp6", ":::*") } else { ("tcp ", "0.0.0.0:*") };
        let program = format!("{}/{}", super::int(l, "pid"), l.str("process"));
        let program = if o.has('p') { format!(" {program:<20}") } else { String::new() };
        io.outln(format!("{tcp}       0      0 {at:<23} {peer:<23} LISTEN     {program}"));
    }
    Ok(0)
}

fn ping(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("c:i:W:w:qn4I:s:", &[], 2);
    let o = parse(io, args, &SPEC)?;
    let Some(host) = o.rest.first().cloned() else {
        return io.fail(2, "Usage: ping [-aAbBdDfhLnOqrRUvV64] [-c count] [-i interval] [-W timeout] destination");
    };
    let count = match o.value('c').map(|c| c.parse::<u64>()) {
        None => u64::MAX,
        Some(Ok(n)) if n > 0 => n,
        Some(_) => return io.fail(2, "ping: bad number of packets to transmit."),
    };
    let mut state = io.state();
    if state.is_null() {
        let found = io.call("resolve", (&host).into())?;
        let Some(ip) = found.items().first().map(|v| v.as_str().to_owned()) else {
            return io.fail(2, format!("ping: {host}: Name or service not known"));
        };
        io.outln(format!("PING {host} ({ip}) 56(84) bytes of data."));
        let now = io.now()?;
        state = map! { "ip" => ip, "sent" => 0, "got" => 0, "micros" => 0, "began" => now.0 }.into();
        io.checkpoint(state.clone());
    }
    let ip = state.str("ip").to_owned();
    let mut sent = super::int(&state, "sent");
    let (mut got, mut total) = (super::int(&state, "got"), super::int(&state, "micros"));
    while (sent as u64) < count {
        let route = io.call("reachable", ip.as_str().into())?;
        sent += 1;
        if let Some(micros) = route.as_int() {
            got += 1;
            total += micros;
            io.sleep(Duration(micros.unsigned_abs()))?;
            io.outln(format!(
                "64 bytes from {ip}: icmp_seq={sent} ttl=64 time={}.{:03} ms",
                micros / 1000,
                micros % 1000
            ));
        }
        let last = sent as u64 == count;
        if !last || route.is_null() {
            io.sleep(Duration::secs(if last { 10 } else { 1 }))?;
        }
        *state.entry(&["sent"]) = sent.into();
        *state.entry(&["got"]) = got.into();
        *state.entry(&["micros"]) = total.into();
        io.checkpoint(state.clone());
    }
    let took = io.now()?.0.saturating_sub(u64::try_from(super::int(&state, "began")).unwrap_or(0)) / 1000;
    let loss = (sent - got) * 100 / sent.max(1);
    io.outln(format!("\n--- {host} ping statistics ---\n{sent} packets transmitted, {got} received, {loss}% packet loss, time {took}ms"));
    if got > 0 {
        let mean = total / got;
        let text = format!("{}.{:03}", mean / 1000, mean % 1000);
        io.outln(format!("rtt min/avg/max/mdev = {text}/{text}/{text}/0.000 ms"));
    }
    Ok(i32::from(got == 0))
}
