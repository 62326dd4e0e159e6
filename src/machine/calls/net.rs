//! Calls about the network.

use crate::api::{ObjectKey, Value};
use crate::base::Str;
use crate::machine::Forward;
use crate::machine::terminal::CommandHost;
use crate::network::{self, Outcome};

/// The pod whose network this command has; `None`: the machine's.
pub fn pod_of(host: &CommandHost<'_, '_>) -> Option<ObjectKey> {
    let data = &host.ctx.host().runtime;
    let sandbox = data.sandboxes.get(&data.containers.get(&host.task.container)?.sandbox)?;
    (!sandbox.host_network).then(|| sandbox.pod.clone())
}

pub fn listeners(host: &CommandHost<'_, '_>) -> Value {
    let m = host.ctx.host();
    let one = |(port, actor): (&u16, &crate::sim::ActorId)| -> Value {
        let process = m.processes.values().find(|p| p.actor == Some(*actor));
        let name = process.map_or_else(|| Str::from(host.ctx.world.name_of(*actor)), |p| p.name().into());
        map! { "port" => u32::from(*port), "process" => name, "pid" => process.map_or(0, |p| p.pid) }.into()
    };
    Value::List(m.listeners.iter().map(one).collect())
}

pub fn resolve(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (machine, cause) = (host.ctx.machine, host.ctx.cause);
    if let Some(index) = host.ctx.world.machine_named(input.as_str()).filter(|_| host.task.container.is_empty()) {
        let listed = host.ctx.host().read("/etc/hosts").is_none_or(|text| text.contains(input.as_str()));
        if listed {
            return Value::from(vec![host.ctx.world.machine(index).ip.clone()]);
        }
    }
    let pod = pod_of(host);
    match network::resolve(host.ctx.world, machine, pod.as_ref(), input.as_str(), cause) {
        Ok(ips) => Value::from(ips),
        Err(error) => Value::from(format!("{error:?}")),
    }
}

pub fn route(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    match host.ctx.world.route(host.ctx.machine, input.as_str()) {
        Some((machine, delay)) => map! { "machine" => machine, "micros" => delay.0 }.into(),
        None => Value::Null,
    }
}

pub fn connect(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let port = input.get("port").and_then(Value::as_int).and_then(|p| u16::try_from(p).ok()).unwrap_or(0);
    let (machine, cause) = (host.ctx.machine, host.ctx.cause);
    let pod = pod_of(host);
    let found = network::connect(host.ctx.world, machine, pod.as_ref(), input.str("ip"), port, cause);
    let micros = found.delay.0;
    match found.outcome {
        Outcome::Ok(peer) => map! {
            "outcome" => "ok",
            "micros" => micros,
            "body" => peer.body,
            "ip" => peer.ip,
            "pod" => peer.pod.map(|key| key.name),
            "component" => peer.actor.map(|id| Str::from(host.ctx.world.name_of(id))),
        },
        Outcome::Refused => map! { "outcome" => "refused", "micros" => micros },
        Outcome::Timeout => map! { "outcome" => "timeout", "micros" => micros },
        Outcome::NoRoute => map! { "outcome" => "noRoute", "micros" => micros },
    }
    .into()
}

/// Holds a local port for this command until it ends.
pub fn forward(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (machine, sandbox) = input.str("place").split_once(' ').unwrap_or_default();
    let port = |key: &str| input.str(key).parse::<u16>().unwrap_or(0);
    let (terminal, task) = (host.ctx.me, host.task.id);
    let forward = Forward {
        terminal,
        task,
        machine: machine.parse().unwrap_or(u32::MAX),
        sandbox: sandbox.into(),
        port: port("remote"),
    };
    let local = port("local");
    let m = host.ctx.host_mut();
    if m.listeners.contains_key(&local) || m.forwards.contains_key(&local) {
        return "address already in use".into();
    }
    m.forwards.insert(local, forward);
    "".into()
}

/// The lab has no internet: only names that resolve in it answer, and none serves files.
pub fn http(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let url = input.as_str();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    let (name, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let ips = resolve(host, &name.into());
    let Some(ip) = ips.items().first() else { return map! {}.into() };
    let target = map! { "ip" => ip.as_str(), "port" => port.parse::<u32>().unwrap_or(80) };
    let found = connect(host, &target.into());
    match found.get("body") {
        Some(Value::Str(body)) => map! { "status" => 200, "body" => body }.into(),
        _ => map! {}.into(),
    }
}

/// Round trip of an echo request.
pub fn reachable(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let machine = host.ctx.machine;
    if let Some((_, way)) = host.ctx.world.route(machine, input.as_str()) {
        let jitter = host.ctx.rng.below(way.0 / 2 + 1);
        return (way.0 * 2 + jitter).into();
    }
    if host.ctx.world.machine_by_ip(input.as_str()).is_some() {
        return Value::Null;
    }
    // Pods answer whatever listens on them; that a port refuses is an answer too.
    let cause = host.ctx.cause;
    let found = network::connect(host.ctx.world, machine, None, input.as_str(), 0, cause);
    match found.outcome {
        Outcome::Ok(_) | Outcome::Refused => found.delay.0.max(100).into(),
        Outcome::Timeout | Outcome::NoRoute => Value::Null,
    }
}

fn block(base: u32) -> Str {
    let [a, b, c, d] = base.to_be_bytes();
    ecow::eco_format!("{a}.{b}.{c}.{d}")
}

pub fn tunnels(host: &CommandHost<'_, '_>) -> Value {
    let net = &host.ctx.host().net;
    let first = net.blocks.iter().filter(|_| net.routes).take(1);
    Value::List(first.map(|b| map! { "name" => "tunl0", "ip" => block(b.base) }.into()).collect())
}

/// Own blocks, and those of the machines that the tunnel reaches.
pub fn pod_routes(host: &CommandHost<'_, '_>) -> Value {
    let here = host.ctx.machine;
    let mut out: Vec<Str> = Vec::new();
    if !host.ctx.host().net.routes {
        return Value::from(out);
    }
    for (i, m) in host.ctx.world.machines().enumerate() {
        for b in &m.net.blocks {
            let base = block(b.base);
            out.push(if i as u32 == here {
                ecow::eco_format!("blackhole {base}/26 proto bird ")
            } else {
                ecow::eco_format!("{base}/26 via {} dev tunl0 proto bird onlink ", m.ip)
            });
        }
    }
    Value::from(out)
}
