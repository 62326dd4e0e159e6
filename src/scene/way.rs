//! The way of a connection as hops: whoever asks → kube-proxy's rules → CNI → the pod, and where it ends
//! if it does not arrive. Read from two records that stand together: the translation, if there was one,
//! and the outcome.

use crate::base::Str;
use crate::machine::Role;
use crate::network::{RULES, Why};
use crate::sim::World;
use crate::sim::trace::{Record, TraceId, What};

use super::hops::{Hop, HopKind};
use super::lang::Lang;
use super::objects::objects;
use super::place::{Part, Place};

struct Way<'w> {
    world: &'w World,
    record: &'w Record,
    lang: Lang,
    at: Place,
    legs: Vec<Hop>,
}

impl Way<'_> {
    fn go(&mut self, to: Place, kind: HopKind, label: Str, en: String, ko: String) {
        if self.at == to && kind != HopKind::Error {
            return;
        }
        let from = std::mem::replace(&mut self.at, to.clone());
        let say = Some(self.lang.pick(en, ko).into());
        let (id, at) = (self.record.id, self.record.at);
        self.legs.push(Hop { id, at, from, to, kind, label, number: None, quiet: false, say });
    }
}

/// Where a client sits: a machine's terminal, or a pod as `namespace/name`.
fn client(world: &World, name: &str) -> Option<Place> {
    if let Some(machine) = world.machine_named(name) {
        // Whoever comes from the host comes from outside, as users do.
        if world.machine(machine).role == Role::Host {
            return Some(Place::Users);
        }
        return Some(Place::Part(machine, Part::Shell));
    }
    let (namespace, name) = name.split_once('/')?;
    Some(Place::Pod(crate::api::ObjectKey::new(crate::api::Kind::POD, namespace, name)))
}

/// The machine that a place belongs to.
fn machine_of(world: &World, place: &Place) -> Option<u32> {
    match place {
        Place::Part(m, _) | Place::Machine(m) => Some(*m),
        Place::Pod(key) => {
            let pod = objects(world).get(key)?;
            world.machine_named(crate::api::pod::node_name(pod))
        }
        Place::Users => world.machines().position(|m| m.role == Role::Host).map(|i| i as u32),
    }
}

/// The translation that stands before an outcome: the machine whose rules did it, and the new address.
fn translated<'w>(world: &'w World, record: &Record) -> Option<(u32, &'w str)> {
    let What::Packet { from, to, port, .. } = &record.what else { return None };
    let before = world.trace.get(TraceId(record.id.0.checked_sub(1)?))?;
    let What::Packet { from: f, to: t, port: p, outcome } = &before.what else { return None };
    let (backend, machine) = outcome.strip_prefix(RULES)?.split_once(' ')?;
    let same = before.cause == record.cause && (f, t, p) == (from, to, port);
    Some((world.machine_named(machine)?, backend)).filter(|_| same)
}

/// The legs of the connection that a record tells the outcome of; none for a translation alone.
pub fn legs(record: &Record, world: &World, lang: Lang) -> Vec<Hop> {
    let What::Packet { from, to, port, outcome } = &record.what else { return Vec::new() };
    if outcome.starts_with(RULES) {
        return Vec::new();
    }
    let Some(start) = client(world, from) else { return Vec::new() };
    let Some(source) = machine_of(world, &start) else { return Vec::new() };
    let (word, drop) = outcome.split_once(": ").unwrap_or((outcome, ""));
    let (why, at) = drop.split_once(' ').unwrap_or(("", ""));
    let dropped = world.machine_named(at);
    let name = |m: u32| world.machine(m).name.clone();
    let mut way = Way { world, record, lang, at: start, legs: Vec::new() };

    let mut here = source;
    let mut address: Str = ecow::eco_format!("{to}:{port}");
    let rejected = why == Why::NoEndpoints.code();
    let translation = translated(world, record);
    if let Some(machine) = translation.map(|(m, _)| m).or(dropped.filter(|_| rejected)) {
        here = machine;
        let on = name(machine);
        let (en, ko) = match translation {
            Some((_, backend)) => (
                format!("kube-proxy's rules on {on} turn {address} into {backend}"),
                format!("{on}의 kube-proxy 규칙이 {address}를 {backend}로 바꿉니다"),
            ),
            None => (
                format!("kube-proxy's rules on {on} hold no pod for {address}"),
                format!("{on}의 kube-proxy 규칙에 {address}를 받을 파드가 없습니다"),
            ),
        };
        way.go(Place::Part(machine, Part::KubeProxy), HopKind::Packet, ecow::eco_format!(":{port}"), en, ko);
        address = translation.map_or(address, |(_, backend)| backend.into());
    }
    let ip = address.split(':').next().unwrap_or_default().to_owned();
    let pod = objects(world).pod_by_ip(&ip).filter(|p| !crate::api::pod::host_network(p));
    let home = match pod {
        Some(p) => world.machine_named(crate::api::pod::node_name(p)),
        None => world.machine_by_ip(&ip),
    };
    if !rejected {
        route(&mut way, here, home, pod.is_some(), dropped, &address);
    }
    if let (Some(p), "ok" | "refused") = (pod, word) {
        let (en, ko) = (format!("It reaches pod {}", p.name()), format!("{} 파드에 닿습니다", p.name()));
        way.go(Place::Pod(p.key.clone()), HopKind::Packet, ecow::eco_format!(":{port}"), en, ko);
    }
    if word != "ok" {
        let (en, ko) = reason(why, at, &address, word);
        let end = way.at.clone();
        way.go(end, HopKind::Error, word.into(), en, ko);
    }
    way.legs
}

/// From the machine that sends to the one that holds the address, as far as the packet comes.
fn route(way: &mut Way<'_>, here: u32, home: Option<u32>, to_pod: bool, dropped: Option<u32>, address: &str) {
    let world = way.world;
    let label: Str = ecow::eco_format!(":{}", address.rsplit(':').next().unwrap_or_default());
    let name = |m: u32| world.machine(m).name.clone();
    let network = |m: u32| if to_pod { Place::Part(m, Part::Cni) } else { Place::Machine(m) };
    if to_pod {
        let (en, ko) = (
            format!("The pod network on {} takes it", name(here)),
            format!("{}의 파드 네트워크로 들어갑니다", name(here)),
        );
        way.go(network(here), HopKind::Packet, label.clone(), en, ko);
        if dropped == Some(here) {
            return;
        }
    }
    if let Some(home) = home.filter(|m| *m != here) {
        let (en, ko) = (format!("It crosses to {}", name(home)), format!("{}로 건너갑니다", name(home)));
        way.go(network(home), HopKind::Packet, label, en, ko);
    }
}

/// Why it ended there.
fn reason(why: &str, at: &str, address: &str, word: &str) -> (String, String) {
    let is = |w: Why| why == w.code();
    if is(Why::NoEndpoints) {
        (
            format!("Refused by kube-proxy's rules on {at}: no ready pod stands behind the Service"),
            format!("{at}의 kube-proxy 규칙이 거절합니다. 서비스 뒤에 준비된 파드가 없습니다"),
        )
    } else if is(Why::NoLink) {
        (format!("Lost: {at} is off or cut off"), format!("사라집니다. {at}가 꺼졌거나 연결이 끊겼습니다"))
    } else if is(Why::NoRouteToPods) {
        (
            format!("Lost: {at} has no route into the pod network"),
            format!("사라집니다. {at}에는 파드 네트워크로 가는 경로가 없습니다"),
        )
    } else if is(Why::NotForwarded) {
        (
            format!("Dropped on {at}: br_netfilter is not loaded, so bridged packets are not passed on"),
            format!("{at}에서 버려집니다. br_netfilter가 없어 브리지의 패킷을 넘기지 않습니다"),
        )
    } else if is(Why::NoPod) {
        (format!("No pod on {at} has the address {address}"), format!("{at}에 {address} 주소의 파드가 없습니다"))
    } else if is(Why::NobodyListens) {
        (
            format!("Refused: nothing on {at} listens at {address}"),
            format!("거절됩니다. {at}에서 {address}를 듣는 프로세스가 없습니다"),
        )
    } else if is(Why::Policy) {
        (
            format!("Dropped on {at}: no NetworkPolicy of the pod allows it"),
            format!("{at}에서 버려집니다. 파드의 네트워크폴리시가 허락하지 않습니다"),
        )
    } else if is(Why::NoLocalEndpoints) {
        (
            format!("Dropped on {at}: the Service keeps to pods on this machine, and there is none"),
            format!("{at}에서 버려집니다. 서비스가 이 머신의 파드로만 보내는데 파드가 없습니다"),
        )
    } else {
        (format!("{address}: {word}"), format!("{address} 연결 실패: {word}"))
    }
}

/// The last of its sentences: what became of the connection, for lists.
pub fn outcome(from: &str, to: &str, port: u16, outcome: &str, lang: Lang) -> String {
    if let Some((backend, machine)) = outcome.strip_prefix(RULES).and_then(|rest| rest.split_once(' ')) {
        return lang.pick(
            format!("kube-proxy's rules on {machine} send {from} to {backend} instead of {to}:{port}"),
            format!("{machine}의 kube-proxy 규칙이 {from}의 {to}:{port} 연결을 {backend}로 보냅니다"),
        );
    }
    if outcome == "ok" {
        return lang.pick(format!("{from} connects to {to}:{port}"), format!("{from}에서 {to}:{port}로 연결됩니다"));
    }
    let (word, drop) = outcome.split_once(": ").unwrap_or((outcome, ""));
    let (why, at) = drop.split_once(' ').unwrap_or(("", ""));
    let (en, ko) = reason(why, at, &format!("{to}:{port}"), word);
    lang.pick(format!("{from} → {to}:{port}. {en}"), format!("{from} → {to}:{port}. {ko}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addons::lab;
    use crate::base::Duration;
    use crate::sim::{Config, Input, Session};

    /// Places and last sentence of the way that a curl on the master takes.
    fn check(before: &[(&str, &str)], target: &str, places: &[&str], says: &str) {
        let mut s = Session::new(&Config::default(), lab::ready);
        let mut line = |machine: &str, text: &str, wait: u64| {
            s.input(Input::Line { machine: machine.into(), text: text.into() });
            s.advance(s.now() + Duration::secs(wait), u64::MAX);
        };
        line("m-k8s", "kubectl create deployment web --image=nginx", 20);
        line("m-k8s", "kubectl expose deployment web --port=80", 2);
        for (machine, text) in before {
            line(machine, text, 15);
        }
        line("m-k8s", &format!("curl -m 3 $(kubectl get {target})"), 8);
        let world = &s.world;
        let record = world.trace.iter().rev().find(|r| !legs(r, world, Lang::En).is_empty()).unwrap();
        let way = legs(record, world, Lang::En);
        let place = |p: &Place| match p {
            Place::Part(m, part) => format!("{} {}", world.machine(*m).name, part.short()),
            Place::Pod(_) => "pod".into(),
            Place::Machine(m) => world.machine(*m).name.to_string(),
            Place::Users => "users".into(),
        };
        let home = crate::scene::objects(world).of_kind(crate::api::Kind::POD).find(|p| p.name().starts_with("web-"));
        let home = home.map_or("none".to_owned(), |p| crate::api::pod::node_name(p).to_owned());
        let seen: Vec<String> = way.iter().map(|h| place(&h.to).replace(&home, "NODE")).collect();
        assert_eq!(seen, places, "{record:?}");
        let last = way.last().and_then(|h| h.say.clone()).unwrap_or_default();
        assert!(last.contains(says), "{last}");
        assert!(legs(record, world, Lang::Ko).iter().all(|h| h.say.is_some()));
    }

    const SERVICE: &str = "service web -o jsonpath={.spec.clusterIP}";
    const POD: &str = "pods -o jsonpath={.items[0].status.podIP}";

    #[test]
    fn a_service_s_packet_is_translated_tunnelled_and_arrives() {
        check(&[], SERVICE, &["m-k8s proxy", "m-k8s CNI", "NODE CNI", "pod"], "It reaches pod web-");
        check(&[], POD, &["m-k8s CNI", "NODE CNI", "pod"], "It reaches pod web-");
    }

    #[test]
    fn a_lost_packet_says_where_and_why() {
        let no_pods = [("m-k8s", "kubectl scale deployment web --replicas=0")];
        check(&no_pods, SERVICE, &["m-k8s proxy", "m-k8s proxy"], "no ready pod stands behind the Service");
        let master = [("m-k8s", "modprobe -r br_netfilter; systemctl restart network")];
        check(&master, POD, &["m-k8s CNI", "m-k8s CNI"], "Dropped on m-k8s: br_netfilter");
    }
}
