//! The way of a connection: the sender's rules, routes and tunnels between machines, and who listens
//! at its end. Walks the state of the machines as it is at that instant; nothing is scripted.

use super::ipam;
use super::proxy::{self, Rule};
use crate::api::{Kind, ObjectKey};
use crate::base::hash::Fnv;
use crate::base::{Duration, Str};
use crate::runtime::{ContainerState, Sandbox};
use crate::sim::component::Target;
use crate::sim::{ActorId, Event, Msg, TraceId, What, World};

/// Who accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Peer {
    pub machine: u32,
    pub pod: Option<ObjectKey>,
    /// The component behind the port, if it has one.
    pub actor: Option<ActorId>,
    /// Address and port it was reached at, after translation.
    pub ip: Str,
    pub port: u16,
    /// What its HTTP server says to `GET /`; `None`: it does not speak HTTP.
    pub body: Option<Str>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    Ok(Peer),
    Refused,
    /// Packets are lost: the client waits as long as it cares to.
    Timeout,
    NoRoute,
}

/// Where on its way a packet ended, and why.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drop {
    pub machine: u32,
    pub why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// kube-proxy's rules reject what no pod serves.
    NoEndpoints,
    /// The machine is off or cut off.
    NoLink,
    /// It has no route into the pod network.
    NoRouteToPods,
    /// It does not pass packets on between bridge and tunnel: br_netfilter is missing.
    NotForwarded,
    /// No pod has that address (any more).
    NoPod,
    /// No process listens on that port.
    NobodyListens,
}

impl Why {
    /// Its code in the trace.
    pub fn code(self) -> &'static str {
        match self {
            Why::NoEndpoints => "no-endpoints",
            Why::NoLink => "no-link",
            Why::NoRouteToPods => "no-route-to-pods",
            Why::NotForwarded => "not-forwarded",
            Why::NoPod => "no-pod",
            Why::NobodyListens => "nobody-listens",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Connection {
    pub outcome: Outcome,
    /// There and back.
    pub delay: Duration,
    /// Where it failed, if it is known.
    pub drop: Option<Drop>,
}

impl Connection {
    fn dropped(self, machine: u32, why: Why) -> Connection {
        Connection { drop: Some(Drop { machine, why }), ..self }
    }
}

/// Connects from a machine, or from a pod on it, to `ip:port`.
pub fn connect(
    world: &mut World,
    from_machine: u32,
    from_pod: Option<&ObjectKey>,
    ip: &str,
    port: u16,
    cause: TraceId,
) -> Connection {
    let client = from_pod
        .map_or_else(|| world.machine(from_machine).name.clone(), |p| ecow::eco_format!("{}/{}", p.namespace, p.name));
    let local = ip == "127.0.0.1" || ip == "localhost";
    let connection = match (local, from_pod) {
        (true, Some(pod)) => within(world, from_machine, pod, port),
        (true, None) if world.machine(from_machine).forwards.contains_key(&port) => {
            forwarded(world, from_machine, port, cause)
        }
        _ => walk(world, from_machine, &client, ip, port, Some(cause)),
    };
    access_log(world, &connection, from_machine, from_pod);
    let outcome = match &connection.outcome {
        Outcome::Ok(_) => "ok",
        Outcome::Refused => "refused",
        Outcome::Timeout => "timeout",
        Outcome::NoRoute => "no route",
    };
    let outcome = match connection.drop {
        Some(d) => ecow::eco_format!("{outcome}: {} {}", d.why.code(), world.machine(d.machine).name),
        None => outcome.into(),
    };
    packet(world, connection.delay, Some(cause), &client, ip, port, outcome);
    if let Outcome::Ok(peer) = &connection.outcome
        && peer.body.is_some()
    {
        served(world, peer);
    }
    connection
}

/// The request is work for the container behind the port.
fn served(world: &mut World, peer: &Peer) {
    let now = world.now;
    let data = &mut world.machine_mut(peer.machine).runtime;
    let Some(sandbox) = data.by_ip.get(&peer.ip).and_then(|id| data.sandboxes.get(id)) else { return };
    let mut ids = sandbox.containers.iter().rev();
    let serves = |id: &&Str| data.containers.get(*id).is_some_and(|c| c.program.ports().contains(&peer.port));
    let Some(id) = ids.find(serves).cloned() else { return };
    if let Some(c) = data.containers.get_mut(&id) {
        crate::runtime::usage::serve(c, now);
    }
}

/// The same without a trace: the kubelet's probes, which nobody wants to see.
pub fn reach(world: &mut World, from_machine: u32, ip: &str, port: u16) -> Connection {
    walk(world, from_machine, "kubelet", ip, port, None)
}

fn packet(world: &mut World, delay: Duration, cause: Option<TraceId>, from: &str, to: &str, port: u16, outcome: Str) {
    let Some(cause) = cause else { return };
    let (now, none) = (world.now, ActorId::default());
    let what = What::Packet { from: from.into(), to: to.into(), port, outcome };
    world.trace.push(now, now + delay, cause, none, none, what);
}

/// A pod's own loopback.
fn within(world: &World, machine: u32, pod: &ObjectKey, port: u16) -> Connection {
    let data = &world.machine(machine).runtime;
    let sandbox = data.sandboxes.values().find(|s| s.ready && s.pod == *pod);
    let peer = sandbox.and_then(|s| listening(world, machine, s, "127.0.0.1", "127.0.0.1", port));
    peer.map_or(REFUSED, |peer| Connection { outcome: Outcome::Ok(peer), delay: Duration::micros(200), drop: None })
}

/// A port that `kubectl port-forward` holds: over API server and kubelet to the pod's loopback.
fn forwarded(world: &mut World, machine: u32, port: u16, cause: TraceId) -> Connection {
    let Some(f) = world.machine(machine).forwards.get(&port).cloned() else { return REFUSED };
    let msg = Msg::Notify("forwarded".into(), map! { "task" => f.task, "port" => u32::from(port) }.into());
    world.schedule(world.now, Event { target: Target::Actor(f.terminal), msg, cause });
    let Some(way) = world.link(machine, f.machine) else { return LOST };
    let sandbox = world.machine(f.machine).runtime.sandboxes.get(&f.sandbox).filter(|s| s.ready).cloned();
    let peer = sandbox.and_then(|s| listening(world, f.machine, &s, "127.0.0.1", "127.0.0.1", f.port));
    let delay = way + way + way + way;
    peer.map_or(REFUSED, |peer| Connection { outcome: Outcome::Ok(peer), delay, drop: None })
}

/// Web servers write down who asked.
fn access_log(world: &mut World, connection: &Connection, from: u32, from_pod: Option<&ObjectKey>) {
    let Outcome::Ok(Peer { machine, pod: Some(pod), body: Some(body), .. }) = &connection.outcome else { return };
    let sandbox_ip = |m: u32, key: &ObjectKey| {
        world.machine(m).runtime.sandboxes.values().find(|s| s.ready && s.pod == *key).map(|s| s.ip.clone())
    };
    let client = from_pod.and_then(|p| sandbox_ip(from, p)).unwrap_or_else(|| world.machine(from).ip.clone());
    let (y, mo, d, h, mi, s) = world.now.civil();
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = month.get((mo as usize).wrapping_sub(1)).unwrap_or(&"");
    let line = ecow::eco_format!(
        "{client} - - [{d:02}/{month}/{y:04}:{h:02}:{mi:02}:{s:02} +0000] \"GET / HTTP/1.1\" 200 {} \"-\" \"curl/7.29.0\" \"-\"",
        body.len()
    );
    let (machine, now, key) = (*machine, world.now, pod.clone());
    let data = &mut world.machine_mut(machine).runtime;
    let of_pod = |c: &&mut crate::runtime::Container| c.pod == key && c.state == ContainerState::Running;
    let server = data.sandboxes.values().find(|s| s.ready && s.pod == key).map(|s| s.containers.clone());
    for id in server.unwrap_or_default() {
        let server = data.containers.get_mut(&id).filter(of_pod);
        if let Some(c) = server.filter(|c| !c.program.ports().is_empty()) {
            if c.log.len() >= 1_000 {
                c.log.pop_front();
            }
            c.log.push_back((now, line));
            return;
        }
    }
}

const LOST: Connection = Connection { outcome: Outcome::Timeout, delay: Duration::ZERO, drop: None };
const REFUSED: Connection = Connection { outcome: Outcome::Refused, delay: Duration::micros(400), drop: None };

fn walk(world: &mut World, from: u32, client: &str, ip: &str, port: u16, cause: Option<TraceId>) -> Connection {
    let here = ip == "127.0.0.1" || ip == "localhost" || world.machine(from).ip == ip;
    if let Some(rule) = proxy::lookup(&world.machine(from).net, ip, port, here) {
        let Some((to, to_port)) = pick(world, &rule, client) else { return REFUSED.dropped(from, Why::NoEndpoints) };
        packet(world, Duration::micros(50), cause, client, ip, port, translation(world, from, &to, to_port));
        return deliver(world, from, client, &to, to_port);
    }
    let announcer = announcer(world, ip);
    let Some(machine) = (if here { Some(from) } else { world.machine_by_ip(ip).or(announcer) }) else {
        return deliver(world, from, client, ip, port);
    };
    let Some(way) = world.link(from, machine) else { return LOST.dropped(machine, Why::NoLink) };
    // A node port is translated by the machine that the packet reaches.
    if let Some(rule) = proxy::lookup(&world.machine(machine).net, ip, port, true) {
        let Some((to, to_port)) = pick(world, &rule, client) else { return REFUSED.dropped(machine, Why::NoEndpoints) };
        packet(world, way, cause, client, ip, port, translation(world, machine, &to, to_port));
        let rest = deliver(world, machine, client, &to, to_port);
        return Connection { delay: rest.delay + way + way, ..rest };
    }
    if announcer.is_some() {
        return LOST;
    }
    let listener = world.machine(machine).listeners.get(&port).copied();
    match listener.filter(|id| world.alive(*id)).map(Some).or_else(|| host_port(world, machine, port).map(|_| None)) {
        Some(actor) => {
            let pod = host_port(world, machine, port);
            let body = pod.as_ref().and_then(|(_, body)| body.clone());
            let peer = Peer { machine, pod: pod.map(|(key, _)| key), actor, ip: ip.into(), port, body };
            Connection { outcome: Outcome::Ok(peer), delay: way + way + Duration::micros(300), drop: None }
        }
        None => Connection { delay: way + way, ..REFUSED.dropped(machine, Why::NobodyListens) },
    }
}

/// The machine that answers ARP for an address that is no machine's own.
fn announcer(world: &World, ip: &str) -> Option<u32> {
    let answers = |m: &crate::machine::Machine| m.net.announced.get(ip).is_some_and(|id| world.alive(*id));
    world.machines().position(answers).map(|i| i as u32)
}

/// How the outcome of a packet begins that kube-proxy's rules send elsewhere.
pub const RULES: &str = "dnat ";

/// `dnat BACKEND MACHINE`.
fn translation(world: &World, machine: u32, to: &str, port: u16) -> Str {
    ecow::eco_format!("{RULES}{to}:{port} {}", world.machine(machine).name)
}

/// One of a rule's backends: by chance, or always the same for a sticky service.
fn pick(world: &World, rule: &Rule, client: &str) -> Option<(Str, u16)> {
    let mut h = Fnv::default();
    if rule.sticky {
        h.write(client.as_bytes());
    } else {
        // The kernel's statistic match draws at random; this draw depends on all that happened so far.
        h.write_u64(world.trace.hash());
        h.write_u64(world.trace.last_id().0);
    }
    let n = rule.backends.len() as u64;
    (n > 0).then(|| rule.backends[((h.0 >> 16) % n) as usize].clone())
}

/// A pod of the host's network that listens on the machine's own port.
fn host_port(world: &World, machine: u32, port: u16) -> Option<(ObjectKey, Option<Str>)> {
    let data = &world.machine(machine).runtime;
    let sandboxes = data.sandboxes.values().filter(|s| s.host_network && s.ready);
    sandboxes.into_iter().find_map(|s| {
        let container = data.running_in(&s.id).find(|c| c.program.ports().contains(&port))?;
        Some((s.pod.clone(), container.program.page(&world.machine(machine).name, "")))
    })
}

/// Carries packets to a pod's address: over the tunnel if it is on another machine.
fn deliver(world: &World, from: u32, client: &str, ip: &str, port: u16) -> Connection {
    if let Some(machine) = world.machine_by_ip(ip) {
        return to_machine(world, from, machine, ip, port);
    }
    let Some(number) = ipam::parse(ip) else { return Connection { outcome: Outcome::NoRoute, ..LOST } };
    let owner = world.machines().position(|m| m.net.blocks.iter().any(|b| b.holds(number))).map(|i| i as u32);
    let Some(machine) = owner else {
        // In the lab's own network nobody answers ARP for it.
        let near = ip.starts_with("192.168.1.");
        return if near {
            Connection { outcome: Outcome::NoRoute, delay: Duration::secs(3), drop: None }
        } else {
            LOST
        };
    };
    let sender = world.machine(from);
    // The learner's own computer has no route into the pod network.
    if sender.net.blocks.is_empty() {
        return LOST.dropped(from, Why::NoRouteToPods);
    }
    let Some(way) = world.link(from, machine) else { return LOST.dropped(machine, Why::NoLink) };
    let stuck = [from, machine].into_iter().find(|m| machine != from && !world.machine(*m).net.routes);
    if let Some(stuck) = stuck {
        return LOST.dropped(stuck, Why::NotForwarded);
    }
    let data = &world.machine(machine).runtime;
    let sandbox = data.by_ip.get(ip).and_then(|id| data.sandboxes.get(id)).filter(|s| s.ready);
    let Some(sandbox) = sandbox else {
        let none = Connection { outcome: Outcome::NoRoute, delay: Duration::secs(3), drop: None };
        return none.dropped(machine, Why::NoPod);
    };
    let (outcome, drop) = match listening(world, machine, sandbox, client, ip, port) {
        Some(peer) => (Outcome::Ok(peer), None),
        None => (Outcome::Refused, Some(Drop { machine, why: Why::NobodyListens })),
    };
    Connection { outcome, delay: way + way + Duration::micros(350), drop }
}

fn to_machine(world: &World, from: u32, machine: u32, ip: &str, port: u16) -> Connection {
    let Some(way) = world.link(from, machine) else { return LOST.dropped(machine, Why::NoLink) };
    let listener = world.machine(machine).listeners.get(&port).copied().filter(|id| world.alive(*id));
    let pod = host_port(world, machine, port);
    if listener.is_none() && pod.is_none() {
        return Connection { delay: way + way, ..REFUSED.dropped(machine, Why::NobodyListens) };
    }
    let body = pod.as_ref().and_then(|(_, body)| body.clone());
    let peer = Peer { machine, pod: pod.map(|(key, _)| key), actor: listener, ip: ip.into(), port, body };
    Connection { outcome: Outcome::Ok(peer), delay: way + way + Duration::micros(300), drop: None }
}

fn listening(world: &World, machine: u32, sandbox: &Sandbox, client: &str, ip: &str, port: u16) -> Option<Peer> {
    let data = &world.machine(machine).runtime;
    let container = data
        .in_sandbox(&sandbox.id)
        .find(|c| c.state == ContainerState::Running && c.program.ports().contains(&port))?;
    // A pod's host name is its own name unless the pod says otherwise.
    let body = match crate::runtime::rootfs::page(world.machine(machine), container) {
        Some(Ok(text)) => Some(text),
        Some(Err(())) => Some(FORBIDDEN.into()),
        None => container.program.page(&sandbox.pod.name, client),
    };
    debug_assert_eq!(sandbox.pod.kind, Kind::POD);
    Some(Peer { machine, pod: Some(sandbox.pod.clone()), actor: container.actor, ip: ip.into(), port, body })
}

/// What nginx answers where there is no index page.
const FORBIDDEN: &str = "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";
