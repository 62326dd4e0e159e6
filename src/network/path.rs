//! The way of a connection: the sender's rules, routes and tunnels between machines, and who listens
//! at its end. Walks the state of the machines as it is at that instant; nothing is scripted.

use super::ipam;
use super::policy::{self, Direction};
use super::proxy::{self, Rule};
use crate::api::ObjectKey;
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
    /// The container that listens, if one does.
    pub container: Option<Str>,
    /// The component behind the port, if it has one.
    pub actor: Option<ActorId>,
    /// Address and port it was reached at, after translation.
    pub ip: Str,
    pub port: u16,
    /// The client's address as the peer sees it.
    pub source: Str,
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
    /// A NetworkPolicy drops it.
    Policy,
    /// The service keeps to this machine, and none of its pods is here.
    NoLocalEndpoints,
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
            Why::Policy => "policy",
            Why::NoLocalEndpoints => "no-local-endpoints",
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

/// Whose packets these are.
#[derive(Clone, Debug, Default)]
pub struct Sender<'a> {
    pub machine: u32,
    /// `None`: a process of the machine itself.
    pub pod: Option<&'a ObjectKey>,
    pub udp: bool,
    /// `None`: leaves no trace.
    pub cause: Option<TraceId>,
}

/// Where a packet is on its way.
struct Hop<'a> {
    sender: &'a Sender<'a>,
    /// The machine that it leaves now.
    at: u32,
    /// Of a packet that came from outside: its source, and whether it is hidden behind this machine's.
    forwarded: Option<(Str, bool)>,
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
    connect_as(world, &Sender { machine: from_machine, pod: from_pod, udp: false, cause: Some(cause) }, ip, port)
}

pub fn connect_as(world: &mut World, sender: &Sender<'_>, ip: &str, port: u16) -> Connection {
    let from = sender.machine;
    let client = match sender.pod {
        None => world.machine(from).name.clone(),
        Some(p) => ecow::eco_format!("{}/{}", p.namespace, p.name),
    };
    let local = ip == "127.0.0.1" || ip == "localhost";
    let connection = match (local, sender.pod, sender.cause) {
        (true, Some(pod), _) => within(world, from, pod, port),
        (true, None, Some(cause)) if world.machine(from).forwards.contains_key(&port) => {
            forwarded(world, from, port, cause)
        }
        _ => walk(world, sender, &client, ip, port),
    };
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
    packet(world, connection.delay, sender.cause, &client, ip, port, outcome);
    connection
}

/// The same without a trace: the kubelet's probes, which nobody wants to see.
pub fn reach(world: &mut World, from_machine: u32, ip: &str, port: u16) -> Connection {
    walk(world, &Sender { machine: from_machine, ..Sender::default() }, "kubelet", ip, port)
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

const LOST: Connection = Connection { outcome: Outcome::Timeout, delay: Duration::ZERO, drop: None };
const REFUSED: Connection = Connection { outcome: Outcome::Refused, delay: Duration::micros(400), drop: None };

/// The address that a sender's packets leave it with.
fn source(world: &World, sender: &Sender<'_>) -> Str {
    let m = world.machine(sender.machine);
    let sandbox = sender.pod.and_then(|p| m.runtime.sandboxes.values().find(|s| s.ready && s.pod == *p));
    sandbox.map_or_else(|| m.ip.clone(), |s| s.ip.clone())
}

fn walk(world: &mut World, sender: &Sender<'_>, client: &str, ip: &str, port: u16) -> Connection {
    let (from, cause) = (sender.machine, sender.cause);
    let here = ip == "127.0.0.1" || ip == "localhost" || world.machine(from).ip == ip;
    let own = source(world, sender);
    let hop = Hop { sender, at: from, forwarded: None };
    if let Some(rule) = proxy::lookup(&world.machine(from).net, ip, port, here) {
        let mut rule = rule;
        if rule.inner {
            if rule.backends.is_empty() {
                return REFUSED.dropped(from, Why::NoEndpoints);
            }
            keep_here(world, from, &mut rule);
            if rule.backends.is_empty() {
                return LOST.dropped(from, Why::NoLocalEndpoints);
            }
        }
        let Some((to, to_port)) = pick(world, from, &rule, &own) else {
            return REFUSED.dropped(from, Why::NoEndpoints);
        };
        packet(world, Duration::micros(50), cause, client, ip, port, translation(world, from, &to, to_port));
        return deliver(world, &hop, &to, to_port);
    }
    let announcer = announcer(world, ip);
    let Some(machine) = (if here { Some(from) } else { world.machine_by_ip(ip).or(announcer) }) else {
        return deliver(world, &hop, ip, port);
    };
    if !leaves(world, &hop, ip, port) {
        return LOST.dropped(from, Why::Policy);
    }
    let Some(way) = world.link(from, machine) else { return LOST.dropped(machine, Why::NoLink) };
    // A node port is translated by the machine that the packet reaches.
    if let Some(mut rule) = proxy::lookup(&world.machine(machine).net, ip, port, true) {
        if rule.local {
            keep_here(world, machine, &mut rule);
            if rule.backends.is_empty() {
                return LOST.dropped(machine, Why::NoLocalEndpoints);
            }
        }
        let Some((to, to_port)) = pick(world, machine, &rule, &own) else {
            return REFUSED.dropped(machine, Why::NoEndpoints);
        };
        packet(world, way, cause, client, ip, port, translation(world, machine, &to, to_port));
        let onward = Hop { sender, at: machine, forwarded: Some((own, !rule.local)) };
        let rest = deliver(world, &onward, &to, to_port);
        return Connection { delay: rest.delay + way + way, ..rest };
    }
    if announcer.is_some() {
        return LOST;
    }
    if let Some((to, to_port)) = mapped(world, machine, port) {
        packet(world, way, cause, client, ip, port, translation(world, machine, &to, to_port));
        let onward = Hop { sender, at: machine, forwarded: Some((own, false)) };
        let rest = deliver(world, &onward, &to, to_port);
        return Connection { delay: rest.delay + way + way, ..rest };
    }
    to_machine(world, &own, way, machine, ip, port)
}

/// Leaves the backends of this machine only.
fn keep_here(world: &World, machine: u32, rule: &mut Rule) {
    let blocks = &world.machine(machine).net.blocks;
    let here = |ip: &str| ipam::parse(ip).is_some_and(|ip| blocks.iter().any(|b| b.holds(ip)));
    rule.backends.retain(|(ip, _)| here(ip));
}

/// The pod that a port of the machine leads to (`hostPort`), as CNI's portmap plugin arranged it.
fn mapped(world: &World, machine: u32, port: u16) -> Option<(Str, u16)> {
    let pods = world.machine(machine).runtime.sandboxes.values().filter(|s| s.ready && !s.host_ports.is_empty());
    let mut found = pods.filter_map(|s| Some((s.ip.clone(), s.host_ports.iter().find(|(h, _)| *h == port)?.1)));
    found.next()
}

/// Whether the policies of the sending pod let it out.
fn leaves(world: &World, hop: &Hop<'_>, ip: &str, port: u16) -> bool {
    let Some(pod) = hop.sender.pod.filter(|_| hop.forwarded.is_none()) else { return true };
    let m = world.machine(hop.sender.machine);
    let packet = policy::Packet { peer: ip, port, udp: hop.sender.udp };
    // Pods of the host's network are no endpoints of Felix's.
    let host = m.runtime.sandboxes.values().any(|s| s.pod == *pod && s.host_network);
    host || m.net.policy.allow(pod, Direction::Egress, packet)
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

/// One of a rule's backends: by chance, or the one that this client had last from a sticky service.
fn pick(world: &mut World, machine: u32, rule: &Rule, source: &str) -> Option<(Str, u16)> {
    let key = (rule.service.clone(), Str::from(source));
    let now = world.now;
    if let Some(time) = rule.sticky
        && let Some((ip, at)) = world.machine(machine).net.affinity.get(&key).cloned()
        && now.since(at) < time
        && let Some(backend) = rule.backends.iter().find(|(b, _)| *b == ip)
    {
        world.machine_mut(machine).net.affinity.insert(key, (ip, now));
        return Some(backend.clone());
    }
    // The kernel's statistic match draws at random; this draw depends on all that happened so far.
    let mut h = Fnv::default();
    h.write_u64(world.trace.hash());
    h.write_u64(world.trace.last_id().0);
    let n = rule.backends.len() as u64;
    let chosen = (n > 0).then(|| rule.backends[((h.0 >> 16) % n) as usize].clone())?;
    if rule.sticky.is_some() {
        world.machine_mut(machine).net.affinity.insert(key, (chosen.0.clone(), now));
    }
    Some(chosen)
}

/// A pod of the host's network that listens on the machine's own port, and its container.
fn host_port(world: &World, machine: u32, port: u16) -> Option<(ObjectKey, Str)> {
    let data = &world.machine(machine).runtime;
    let sandboxes = data.sandboxes.values().filter(|s| s.host_network && s.ready);
    sandboxes.into_iter().find_map(|s| {
        let container = data.running_in(&s.id).find(|c| c.program.ports().contains(&port))?;
        Some((s.pod.clone(), container.id.clone()))
    })
}

/// Carries packets to a pod's address: over the tunnel if it is on another machine.
fn deliver(world: &World, hop: &Hop<'_>, ip: &str, port: u16) -> Connection {
    if !leaves(world, hop, ip, port) {
        return LOST.dropped(hop.sender.machine, Why::Policy);
    }
    let from = hop.at;
    if let Some(machine) = world.machine_by_ip(ip) {
        let Some(way) = world.link(from, machine) else { return LOST.dropped(machine, Why::NoLink) };
        return to_machine(world, &source(world, hop.sender), way, machine, ip, port);
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
    let (seen, judged) = sources(world, hop, machine);
    let enters = judged.is_none_or(|peer| {
        let packet = policy::Packet { peer: &peer, port, udp: hop.sender.udp };
        world.machine(machine).net.policy.allow(&sandbox.pod, Direction::Ingress, packet)
    });
    // What a pod says to itself never leaves it.
    if !enters && hop.sender.pod != Some(&sandbox.pod) {
        return LOST.dropped(machine, Why::Policy);
    }
    let delay = way + way + Duration::micros(350);
    match listening(world, machine, sandbox, &seen, ip, port) {
        Some(peer) => Connection { outcome: Outcome::Ok(peer), delay, drop: None },
        None => Connection { delay, ..REFUSED.dropped(machine, Why::NobodyListens) },
    }
}

/// The source that a pod on `machine` sees, and the one that its policies judge by (`None`: the
/// machine itself, which they never keep out). Processes of another machine come through the tunnel.
fn sources(world: &World, hop: &Hop<'_>, machine: u32) -> (Str, Option<Str>) {
    let at = world.machine(hop.at);
    let tunnel = || at.net.blocks.front().map_or_else(|| at.ip.clone(), |b| ipam::print(b.base));
    match &hop.forwarded {
        Some((client, hidden)) if hop.at == machine => {
            (if *hidden { at.ip.clone() } else { client.clone() }, Some(client.clone()))
        }
        Some(_) => (tunnel(), Some(tunnel())),
        None => {
            let own = source(world, hop.sender);
            match (own == at.ip, hop.at == machine) {
                (false, _) => (own.clone(), Some(own)),
                (true, true) => (own, None),
                (true, false) => (tunnel(), Some(tunnel())),
            }
        }
    }
}

/// Whether a component's port is bound to 127.0.0.1: health and metrics of the kubelet, kube-proxy, Felix,
/// etcd, and the secure ports of controller manager and scheduler as kubeadm configures them.
pub fn loopback_only(port: u16) -> bool {
    matches!(port, 2381 | 9099 | 10248 | 10249 | 10257 | 10259)
}

fn to_machine(world: &World, source: &str, way: Duration, machine: u32, ip: &str, port: u16) -> Connection {
    let listener = world.machine(machine).listeners.get(&port).copied().filter(|id| world.alive(*id));
    let (pod, container) = host_port(world, machine, port).unzip();
    let closed = loopback_only(port) && !ip.starts_with("127.") && ip != "localhost";
    if closed || (listener.is_none() && pod.is_none()) {
        return Connection { delay: way + way, ..REFUSED.dropped(machine, Why::NobodyListens) };
    }
    let source = source.into();
    let peer = Peer { machine, pod, container, actor: listener, ip: ip.into(), port, source };
    Connection { outcome: Outcome::Ok(peer), delay: way + way + Duration::micros(300), drop: None }
}

fn listening(world: &World, machine: u32, sandbox: &Sandbox, source: &str, ip: &str, port: u16) -> Option<Peer> {
    let data = &world.machine(machine).runtime;
    let container = data
        .in_sandbox(&sandbox.id)
        .find(|c| c.state == ContainerState::Running && c.program.ports().contains(&port))?;
    Some(Peer {
        machine,
        pod: Some(sandbox.pod.clone()),
        container: Some(container.id.clone()),
        actor: container.actor,
        ip: ip.into(),
        port,
        source: source.into(),
    })
}
