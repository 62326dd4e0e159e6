//! CoreDNS: names of Services, answered from its own cache of the API.
//! Models coredns' kubernetes plugin (A records) with the Corefile that kubeadm writes.

use super::path::{self, Outcome};
use crate::api::{Kind, ObjectKey, Value};
use crate::base::Str;
use crate::base::persistent::OrdMap;
use crate::component_boilerplate;
use crate::sim::informer::Informer;
use crate::sim::{Component, Ctx, Endpoint, Msg, TraceId, World};

pub const DNS_IP: &str = "10.96.0.10";
const DOMAIN: &str = "cluster.local";

#[derive(Clone, Debug)]
pub struct CoreDns {
    services: Informer,
    endpoints: Informer,
}

/// Why a name has no address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DnsError {
    /// No such name.
    NxDomain,
    /// No name server answered.
    Timeout,
}

impl CoreDns {
    pub fn new(server: Endpoint) -> CoreDns {
        let user = "system:serviceaccount:kube-system:coredns";
        CoreDns {
            services: Informer::new(Kind::SERVICE, server.clone(), user, 1),
            endpoints: Informer::new(Kind::ENDPOINTS, server, user, 3),
        }
    }

    /// Whether it serves: its `ready` plugin.
    pub fn ready(&self) -> bool {
        self.services.synced() && self.endpoints.synced()
    }

    /// Addresses of a full name below `cluster.local`.
    pub fn answer(&self, name: &str) -> Option<Vec<Str>> {
        let rest = name.trim_end_matches('.').strip_suffix(DOMAIN)?.strip_suffix(".svc.")?;
        let labels: Vec<&str> = rest.split('.').collect();
        let (&namespace, host) = labels.split_last()?;
        let (&service, pod) = host.split_last()?;
        let object = self.services.named(namespace, service)?;
        match object.str(&["spec", "clusterIP"]) {
            "None" => self.headless(namespace, service, pod.first().copied()),
            "" => None,
            ip => pod.is_empty().then(|| vec![ip.into()]),
        }
    }

    /// A service without an address: those of its pods, or of one of them by host name.
    fn headless(&self, namespace: &str, service: &str, pod: Option<&str>) -> Option<Vec<Str>> {
        let endpoints = self.endpoints.named(namespace, service)?;
        let addresses =
            endpoints.items(&["subsets"]).iter().flat_map(|s| s.get("addresses").map_or(&[][..], Value::items));
        let all: Vec<Str> =
            addresses.filter(|a| pod.is_none_or(|p| a.str("hostname") == p)).map(|a| a.str("ip").into()).collect();
        (!all.is_empty()).then_some(all)
    }
}

impl Component for CoreDns {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        if msg == Msg::Start {
            self.services.start(ctx);
            self.endpoints.start(ctx);
            return;
        }
        if let Err(msg) = self.services.handle(ctx, msg) {
            // What neither knows is not for this server.
            let _ = self.endpoints.handle(ctx, msg);
        }
    }

    component_boilerplate!();
}

/// Names of the world outside the cluster.
fn outside(name: &str) -> Option<Vec<Str>> {
    const KNOWN: [&str; 10] = [
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
    ];
    let name = name.trim_end_matches('.');
    KNOWN.contains(&name).then(|| vec![ecow::eco_format!("203.0.113.{}", 10 + name.len())])
}

/// Resolves a name as a process of the machine (`pod`: `None`) or of a pod would.
pub fn resolve(
    world: &mut World,
    machine: u32,
    pod: Option<&ObjectKey>,
    name: &str,
    cause: TraceId,
) -> Result<Vec<Str>, DnsError> {
    if super::ipam::parse(name).is_some() {
        return Ok(vec![name.into()]);
    }
    let Some(pod) = pod else {
        let hosts = world.machine(machine).read("/etc/hosts").cloned().unwrap_or_default();
        let of_file = from_hosts(&hosts).get(name).cloned();
        return of_file.map(|ip| vec![ip]).or_else(|| outside(name)).ok_or(DnsError::NxDomain);
    };
    let sender = path::Sender { machine, pod: Some(pod), udp: true, cause: Some(cause) };
    let server = match path::connect_as(world, &sender, DNS_IP, 53).outcome {
        Outcome::Ok(peer) => peer.actor,
        _ => return Err(DnsError::Timeout),
    };
    let Some(dns) = server.and_then(|id| world.component::<CoreDns>(id)) else { return Err(DnsError::Timeout) };
    let namespace = &pod.namespace;
    let search = [format!("{namespace}.svc.{DOMAIN}"), format!("svc.{DOMAIN}"), DOMAIN.to_owned()];
    let dots = name.trim_end_matches('.').matches('.').count();
    let searched = search.iter().map(|s| format!("{name}.{s}"));
    // ndots:5 tries the search list first.
    let candidates: Vec<String> = if dots >= 5 || name.ends_with('.') {
        vec![name.to_owned()]
    } else {
        searched.chain([name.to_owned()]).collect()
    };
    let found = candidates.iter().find_map(|n| dns.answer(n));
    found.or_else(|| outside(name)).ok_or(DnsError::NxDomain)
}

fn from_hosts(text: &str) -> OrdMap<Str, Str> {
    let mut out = OrdMap::new();
    for line in text.lines().map(|l| l.split('#').next().unwrap_or_default()) {
        let mut words = line.split_whitespace();
        let Some(ip) = words.next() else { continue };
        for name in words {
            out.entry(name.into()).or_insert_with(|| ip.into());
        }
    }
    out
}
