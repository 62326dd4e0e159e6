//! How a process finds a name: its hosts file, then the servers and the search list of its resolv.conf.
//! Models glibc's resolver.

use super::{Answer, Answered, Code, CoreDns, Type};
use crate::api::ObjectKey;
use crate::base::Str;
use crate::network::ipam;
use crate::network::path::{self, Outcome};
use crate::sim::{TraceId, World};

/// Why a name has no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DnsError {
    /// No such name.
    NxDomain,
    /// No name server answered.
    Timeout,
}

/// What a resolv.conf says.
#[derive(Clone, PartialEq, Debug)]
pub struct Conf {
    pub servers: Vec<Str>,
    pub search: Vec<Str>,
    pub ndots: usize,
}

impl Conf {
    pub fn parse(text: &str) -> Conf {
        let mut out = Conf { servers: Vec::new(), search: Vec::new(), ndots: 1 };
        for line in text.lines() {
            let mut words = line.split(['#', ';']).next().unwrap_or("").split_whitespace();
            match words.next() {
                Some("nameserver") => out.servers.extend(words.next().map(Str::from)),
                Some("search" | "domain") => out.search = words.map(Str::from).collect(),
                Some("options") => {
                    let ndots = words.find_map(|w| w.strip_prefix("ndots:")).and_then(|n| n.parse().ok());
                    out.ndots = ndots.unwrap_or(out.ndots);
                }
                _ => {}
            }
        }
        out
    }

    /// Full names to try, in order, without the last dot.
    pub fn candidates(&self, name: &str) -> Vec<Str> {
        let own = Str::from(name.trim_end_matches('.'));
        if name.ends_with('.') {
            return vec![own];
        }
        let searched = self.search.iter().map(|s| ecow::eco_format!("{own}.{}", s.trim_end_matches('.')));
        if own.matches('.').count() >= self.ndots {
            std::iter::once(own.clone()).chain(searched).collect()
        } else {
            searched.chain([own.clone()]).collect()
        }
    }
}

/// Servers of the internet that answer.
const INTERNET: [&str; 10] = [
    "1.1.1.1",
    "1.0.0.1",
    "8.8.8.8",
    "8.8.4.4",
    "9.9.9.9",
    "168.126.63.1",
    "168.126.63.2",
    "164.124.101.2",
    "10.0.2.2",
    "10.0.2.3",
];

/// Names of the world outside the cluster.
fn outside(name: &str, kind: Type) -> Answer {
    const KNOWN: [&str; 12] = [
        "google.com",
        "www.google.com",
        "github.com",
        "raw.githubusercontent.com",
        "docker.io",
        "registry-1.docker.io",
        "kubernetes.io",
        "dl.k8s.io",
        "registry.k8s.io",
        "naver.com",
        "www.naver.com",
        "example.com",
    ];
    if !KNOWN.contains(&name) {
        return Answer { code: Code::NxDomain, ..Answer::default() };
    }
    let ip = ecow::eco_format!("203.0.113.{}", 10 + name.len());
    let record = Answered { name: name.into(), ttl: 30, kind: Type::A, data: ip };
    Answer { records: if kind == Type::A { vec![record] } else { Vec::new() }, ..Answer::default() }
}

/// One question to one server; `None`: no answer comes.
pub fn ask(
    world: &mut World,
    machine: u32,
    pod: Option<&ObjectKey>,
    server: &str,
    name: &str,
    kind: Type,
    cause: TraceId,
) -> Option<Answer> {
    if INTERNET.contains(&server) {
        return Some(outside(name, kind));
    }
    let sender = path::Sender { machine, pod, udp: true, cause: Some(cause) };
    let Outcome::Ok(peer) = path::connect_as(world, &sender, server, 53).outcome else { return None };
    let dns = world.component::<CoreDns>(peer.actor?)?;
    let own = world.machine(peer.machine).read("/etc/resolv.conf").cloned().unwrap_or_default();
    let upstream = move |servers: &[Str], name: &str, kind: Type| {
        let own = Conf::parse(&own).servers;
        let mut all = servers.iter().flat_map(|s| if s.starts_with('/') { own.clone() } else { vec![s.clone()] });
        let reached = all.any(|s| INTERNET.contains(&s.split(':').next().unwrap_or(&s)));
        if reached { outside(name, kind) } else { Answer { code: Code::ServFail, ..Answer::default() } }
    };
    Some(dns.answer(name, kind, &upstream))
}

/// The answer to a name, walked along the search list; with the name that it is for and the server.
pub fn walk(
    world: &mut World,
    machine: u32,
    pod: Option<&ObjectKey>,
    conf: &Conf,
    name: &str,
    kind: Type,
    cause: TraceId,
) -> Option<(Str, Answer)> {
    let server = conf.servers.first()?.clone();
    let mut last = None;
    for full in conf.candidates(name) {
        let answer = ask(world, machine, pod, &server, &full, kind, cause)?;
        let found = !answer.records.is_empty();
        // A name without records of this kind is remembered before one that is not there at all.
        let better = last.as_ref().is_none_or(|(_, a): &(Str, Answer)| a.code != Code::NoError);
        if found || better {
            last = Some((full, answer));
        }
        if found {
            break;
        }
    }
    last
}

/// Addresses of a name. `hosts`, `conf`: the texts of the process's /etc/hosts and /etc/resolv.conf.
pub fn resolve(
    world: &mut World,
    machine: u32,
    pod: Option<&ObjectKey>,
    (hosts, conf): (&str, &str),
    name: &str,
    cause: TraceId,
) -> Result<Vec<Str>, DnsError> {
    if ipam::parse(name).is_some() {
        return Ok(vec![name.into()]);
    }
    let named = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let ip = words.next().filter(|ip| !ip.contains(':'))?;
        words.any(|n| n == name).then(|| Str::from(ip))
    };
    if let Some(ip) = hosts.lines().find_map(named) {
        return Ok(vec![ip]);
    }
    let conf = Conf::parse(conf);
    let Some((_, answer)) = walk(world, machine, pod, &conf, name, Type::A, cause) else {
        return Err(DnsError::Timeout);
    };
    let ips: Vec<Str> = answer.records.into_iter().filter(|r| r.kind == Type::A).map(|r| r.data).collect();
    if ips.is_empty() { Err(DnsError::NxDomain) } else { Ok(ips) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_lists() {
        let conf = Conf::parse("nameserver 10.96.0.10\nsearch a.svc.x svc.x x\noptions ndots:5\n");
        assert_eq!(conf.candidates("web"), ["web.a.svc.x", "web.svc.x", "web.x", "web"]);
        assert_eq!(conf.candidates("web."), ["web"]);
        let few = Conf { ndots: 1, ..conf };
        assert_eq!(few.candidates("web.b")[0], "web.b");
    }
}
