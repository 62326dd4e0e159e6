//! Calls about the network.

use crate::addons::pages;
use crate::api::{ObjectKey, Value};
use crate::base::Str;
use crate::machine::Forward;
use crate::machine::terminal::CommandHost;
use crate::network::http::{self, Ask};
use crate::network::{self, Outcome, dns};

/// The pod whose network this command has; `None`: the machine's.
pub fn pod_of(host: &CommandHost<'_, '_>) -> Option<ObjectKey> {
    let data = &host.ctx.host().runtime;
    let sandbox = data.sandboxes.get(&data.containers.get(&host.task.container)?.sandbox)?;
    (!sandbox.host_network).then(|| sandbox.pod.clone())
}

pub fn listeners(host: &CommandHost<'_, '_>) -> Value {
    let m = host.ctx.host();
    let book = host.ctx.world.config.profile == crate::sim::Profile::Book;
    let mut out: Vec<Value> = Vec::new();
    let sshd = m.units.get("sshd").filter(|u| u.main_pid != 0);
    out.extend(
        sshd.map(|u| {
            Value::from(map! { "port" => 22, "process" => "sshd", "pid" => u.main_pid, "address" => "0.0.0.0" })
        }),
    );
    for (port, actor) in m.listeners.iter() {
        // The insecure ports went with 1.20.
        if !book && matches!(port, 10251 | 10252) {
            continue;
        }
        let process = m.processes.values().find(|p| p.actor == Some(*actor));
        let name = process.map_or_else(|| Str::from(host.ctx.world.name_of(*actor)), |p| p.name().into());
        let addresses = match port {
            2379 => vec![Str::from("127.0.0.1"), m.ip.clone()],
            2380 => vec![m.ip.clone()],
            179 => vec!["0.0.0.0".into()],
            port if network::loopback_only(*port) => vec!["127.0.0.1".into()],
            _ => vec![Str::new()],
        };
        let pid = process.map_or(0, |p| p.pid);
        for address in addresses {
            let one = map! { "port" => u32::from(*port), "process" => &name, "pid" => pid, "address" => address };
            out.push(one.into());
        }
    }
    for port in m.forwards.keys() {
        out.push(
            map! { "port" => u32::from(*port), "process" => "kubectl", "pid" => 0, "address" => "127.0.0.1" }.into(),
        );
    }
    Value::from(out)
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
    let (hosts, conf) = texts(host);
    match network::resolve(host.ctx.world, machine, pod.as_ref(), (&hosts, &conf), input.as_str(), cause) {
        Ok(ips) => Value::from(ips),
        Err(error) => Value::from(format!("{error:?}")),
    }
}

/// /etc/hosts and /etc/resolv.conf as this command sees them.
fn texts(host: &CommandHost<'_, '_>) -> (Str, Str) {
    let m = host.ctx.host();
    let read = |path| m.read(&m.real_path(&host.task.container, path)).cloned().unwrap_or_default();
    (read("/etc/hosts"), read("/etc/resolv.conf"))
}

/// One question to a name server; `Null`: no answer came.
pub fn dns(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let kind = dns::TYPES.iter().find(|(n, _)| *n == input.str("type")).map_or(dns::Type::A, |(_, t)| *t);
    let mut conf = dns::Conf::parse(&texts(host).1);
    if !input.str("server").is_empty() {
        conf.servers = vec![input.str("server").into()];
    }
    if input.get("search").and_then(Value::as_bool) != Some(true) {
        conf.search.clear();
    }
    let (machine, cause, pod) = (host.ctx.machine, host.ctx.cause, pod_of(host));
    // A server that is named by its name.
    if let Some(server) = conf.servers.first().filter(|s| network::ipam::parse(s).is_none()).cloned() {
        let found = resolve(host, &server.into());
        let Some(ip) = found.items().first() else { return Value::Null };
        conf.servers = vec![ip.as_str().into()];
    }
    let world = &mut *host.ctx.world;
    let Some((name, answer)) = dns::walk(world, machine, pod.as_ref(), &conf, input.str("name"), kind, cause) else {
        return Value::Null;
    };
    let one = |r: &dns::Answered| -> Value {
        map! { "name" => &r.name, "ttl" => r.ttl, "type" => r.kind.name(), "data" => &r.data }.into()
    };
    let code = match answer.code {
        dns::Code::NoError => "NOERROR",
        dns::Code::NxDomain => "NXDOMAIN",
        dns::Code::ServFail => "SERVFAIL",
        dns::Code::Refused => "REFUSED",
    };
    map! {
        "name" => name,
        "code" => code,
        "soa" => answer.authority.as_deref().map(dns::soa).unwrap_or_default(),
        "zone" => answer.authority.unwrap_or_default(),
        "records" => answer.records.iter().map(one).collect::<Vec<Value>>(),
    }
    .into()
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
        Outcome::Ok(peer) => {
            let given = |key: &str, usual: &'static str| match input.str(key) {
                "" => Str::from(usual),
                text => text.into(),
            };
            let (method, path, agent) = (given("method", "GET"), given("path", "/"), given("agent", "curl/7.29.0"));
            let tls = input.get("tls").and_then(Value::as_bool).unwrap_or(port == 443);
            let ask = Ask { method: &method, host: input.str("host"), path: &path, tls, agent: &agent };
            let answer = http::get(host.ctx.world, &peer, &ask, cause);
            let mut out = map! {
                "outcome" => "ok",
                "micros" => micros,
                "ip" => peer.ip,
                "pod" => peer.pod.map(|key| key.name),
                "component" => peer.actor.map(|id| Str::from(host.ctx.world.name_of(id))),
            };
            if let Some(a) = answer {
                out.insert("code", u32::from(a.code));
                out.insert("reason", http::reason(a.code));
                out.insert("server", a.server);
                out.insert("kind", a.kind);
                out.insert("secure", a.secure);
                out.insert("micros", micros + a.took.0);
                out.insert("location", a.location);
                out.insert("body", a.body);
            }
            out
        }
        Outcome::Refused => map! { "outcome" => "refused", "micros" => micros },
        Outcome::Timeout => map! { "outcome" => "timeout", "micros" => micros },
        Outcome::NoRoute => map! { "outcome" => "noRoute", "micros" => micros },
    }
    .into()
}

/// kube-proxy's rules in the order and shape of iptables-save.
pub fn iptables(host: &CommandHost<'_, '_>) -> Value {
    let net = &host.ctx.host().net;
    let chain = |kind: &str, of: &str| {
        let digest = crate::runtime::images::digest(of).to_uppercase();
        format!("KUBE-{kind}-{}", &digest[..16])
    };
    let (mut chains, mut rules) = (String::new(), String::new());
    for service in net.services.values() {
        let key = &service.key;
        let ip = service.str(&["spec", "clusterIP"]);
        if ip.is_empty() || ip == "None" {
            continue;
        }
        for port in service.items(&["spec", "ports"]) {
            let number = |name: &str| port.get(name).and_then(Value::as_int).unwrap_or(0);
            let protocol = if port.str("protocol") == "UDP" { "udp" } else { "tcp" };
            let named = port.str("name");
            let full = format!("{}/{}{}{named}", key.namespace, key.name, if named.is_empty() { "" } else { ":" });
            let svc = chain("SVC", &format!("{full}{protocol}"));
            let rule = network::proxy::lookup(net, ip, number("port") as u16, false);
            let backends = rule.map(|r| r.backends).unwrap_or_default();
            let to = format!(
                "-d {ip}/32 -p {protocol} -m comment --comment \"{full} cluster IP\" -m {protocol} --dport {}",
                number("port")
            );
            if backends.is_empty() {
                rules += &format!(
                    "-A KUBE-SERVICES {} -j REJECT --reject-with icmp-port-unreachable\n",
                    to.replace(" cluster IP", " has no endpoints")
                );
                continue;
            }
            chains += &format!(":{svc} - [0:0]\n");
            rules += &format!("-A KUBE-SERVICES {to} -j {svc}\n");
            if number("nodePort") > 0 {
                rules += &format!(
                    "-A KUBE-NODEPORTS -p {protocol} -m comment --comment \"{full}\" -m {protocol} --dport {} -j {svc}\n",
                    number("nodePort")
                );
            }
            for (i, (ip, to_port)) in backends.iter().enumerate() {
                let sep = chain("SEP", &format!("{full}{ip}:{to_port}"));
                chains += &format!(":{sep} - [0:0]\n");
                let left = (backends.len() - i) as u64;
                let chance = if left > 1 {
                    format!("-m statistic --mode random --probability 0.{:011} ", 100_000_000_000 / left)
                } else {
                    String::new()
                };
                rules += &format!("-A {svc} -m comment --comment \"{full}\" {chance}-j {sep}\n");
                rules += &format!(
                    "-A {sep} -s {ip}/32 -m comment --comment \"{full}\" -j KUBE-MARK-MASQ\n-A {sep} -p {protocol} -m comment --comment \"{full}\" -m {protocol} -j DNAT --to-destination {ip}:{to_port}\n"
                );
            }
        }
    }
    format!("*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-POSTROUTING - [0:0]\n{chains}:KUBE-SERVICES - [0:0]\n-A PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n-A OUTPUT -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES\n-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING\n-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -m mark --mark 0x4000/0x4000 -j MASQUERADE\n{rules}-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\nCOMMIT\n").into()
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
    if let Some(body) = pages::page(host.ctx.world.config.profile, url) {
        return map! { "status" => 200, "body" => body }.into();
    }
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

/// The pages of the internet that the lab's scripts read; `Null`: any other.
pub fn web(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    pages::page(host.ctx.world.config.profile, input.as_str()).map_or(Value::Null, Value::from)
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
    let pod = pod_of(host);
    let found = network::connect(host.ctx.world, machine, pod.as_ref(), input.as_str(), 0, cause);
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
