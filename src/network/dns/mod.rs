//! CoreDNS: names of Services and pods, answered from its own cache of the API, by the Corefile that
//! lies in its container.
//! Models coredns' kubernetes, hosts, rewrite, forward and reload plugins.
//!
//! - [`corefile`]: what the file says; [`resolve`]: how a process walks its search list

pub mod corefile;
mod resolve;

use crate::api::{Kind, Object, Value};
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::network::ipam;
use crate::runtime::Container;
use crate::sim::informer::Informer;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile};
use corefile::{Block, Corefile};

pub use resolve::{Conf, DnsError, resolve, walk};

pub const DNS_IP: &str = "10.96.0.10";

const RELOAD: Duration = Duration::secs(30);
const TIMER_RELOAD: u16 = 1;
const TIMER_FAIL: u16 = 2;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    A,
    Aaaa,
    Cname,
    Ns,
    Ptr,
    Soa,
    Srv,
    Txt,
}

pub const TYPES: [(&str, Type); 8] = [
    ("A", Type::A),
    ("AAAA", Type::Aaaa),
    ("CNAME", Type::Cname),
    ("NS", Type::Ns),
    ("PTR", Type::Ptr),
    ("SOA", Type::Soa),
    ("SRV", Type::Srv),
    ("TXT", Type::Txt),
];

impl Type {
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, t)| *t == self).map_or("A", |(n, _)| n)
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Answered {
    /// Owner, without the last dot.
    pub name: Str,
    pub ttl: u32,
    pub kind: Type,
    pub data: Str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Code {
    #[default]
    NoError,
    NxDomain,
    ServFail,
    Refused,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    pub code: Code,
    pub records: Vec<Answered>,
    /// For an answer of a zone of its own: that zone, for its SOA record.
    pub authority: Option<Str>,
}

#[derive(Clone, Debug)]
pub struct CoreDns {
    services: Informer,
    endpoints: Informer,
    namespaces: Informer,
    /// Where the Corefile lies on the machine, and its container; empty: kubeadm's, built in.
    path: Str,
    container: Str,
    text: Str,
    config: Corefile,
}

impl CoreDns {
    pub fn new(server: Endpoint) -> CoreDns {
        let user = "system:serviceaccount:kube-system:coredns";
        CoreDns {
            services: Informer::new(Kind::SERVICE, server.clone(), user, 1),
            endpoints: Informer::new(Kind::ENDPOINTS, server.clone(), user, 3),
            namespaces: Informer::new(Kind::NAMESPACE, server, user, 5),
            path: Str::new(),
            container: Str::new(),
            text: Str::new(),
            config: Corefile::default(),
        }
    }

    /// As the main process of a container.
    pub fn of(server: Endpoint, container: &Container) -> CoreDns {
        let mount = container.mounts.iter().find(|(at, _)| at == "/etc/coredns");
        let path = mount.map(|(_, source)| ecow::eco_format!("{source}/Corefile")).unwrap_or_default();
        CoreDns { path, container: container.id.clone(), ..CoreDns::new(server) }
    }

    /// Whether it serves: its `ready` plugin.
    pub fn ready(&self) -> bool {
        self.services.synced() && self.endpoints.synced() && self.config.ready()
    }

    /// What it answers to a full name, without the last dot. `outside`: what the world's servers know.
    pub fn answer(&self, name: &str, kind: Type, outside: &dyn Fn(&[Str], &str, Type) -> Answer) -> Answer {
        let lower = name.to_lowercase();
        let Some(block) = self.config.block(&lower) else {
            return Answer { code: Code::Refused, ..Answer::default() };
        };
        let rewritten = block.rewrites.iter().find_map(|r| r.apply(&lower));
        let asked = rewritten.clone().unwrap_or_else(|| lower.as_str().into());
        let mut answer = self.asked(block, &asked, kind, outside);
        if rewritten.is_some() {
            for record in &mut answer.records {
                if record.name == asked {
                    record.name = name.into();
                }
            }
        }
        answer
    }

    fn asked(&self, block: &Block, name: &str, kind: Type, outside: &dyn Fn(&[Str], &str, Type) -> Answer) -> Answer {
        let of_hosts: Vec<&(Str, Str)> = block.hosts.iter().filter(|(_, n)| n == name).collect();
        if !of_hosts.is_empty() {
            let one = |(ip, n): &&(Str, Str)| Answered { name: n.clone(), ttl: 3600, kind: Type::A, data: ip.clone() };
            let records = if kind == Type::A { of_hosts.iter().map(one).collect() } else { Vec::new() };
            return Answer { records, ..Answer::default() };
        }
        if !block.hosts.is_empty() && !block.hosts_fall {
            return Answer { code: Code::NxDomain, ..Answer::default() };
        }
        if let Some(zone) = block.cluster.iter().find(|z| corefile::within(name, z)) {
            let (found, exists) = if zone.ends_with("arpa") {
                let found = if kind == Type::Ptr { self.reverse(block, name) } else { Vec::new() };
                (found.clone(), !found.is_empty())
            } else {
                self.in_cluster(block, zone, name, kind)
            };
            if exists || !block.fallthrough.iter().any(|z| corefile::within(name, z)) {
                let mut records = found;
                // An alias is followed as far as this server can.
                if kind != Type::Cname
                    && let [Answered { kind: Type::Cname, data, .. }] = &records[..]
                {
                    let target = data.trim_end_matches('.').to_owned();
                    records.extend(self.answer(&target, kind, outside).records);
                }
                let code = if exists { Code::NoError } else { Code::NxDomain };
                return Answer { code, records, authority: Some(zone.clone()) };
            }
        }
        match block.forwards.iter().find(|(zone, _)| corefile::within(name, zone)) {
            Some((_, servers)) => outside(servers, name, kind),
            None => Answer { code: Code::Refused, ..Answer::default() },
        }
    }

    /// Records of a name below the cluster's zone, and whether there is such a name.
    fn in_cluster(&self, block: &Block, zone: &str, name: &str, kind: Type) -> (Vec<Answered>, bool) {
        let record = |of: &str, kind: Type, data: Str| Answered { name: of.into(), ttl: block.ttl, kind, data };
        let rest = name.strip_suffix(zone).unwrap_or("").trim_end_matches('.');
        let labels: Vec<&str> = rest.split('.').filter(|l| !l.is_empty()).collect();
        let none = (Vec::new(), false);
        match &labels[..] {
            [] => match kind {
                Type::Soa => (vec![record(name, Type::Soa, soa(zone))], true),
                Type::Ns => {
                    let server = ecow::eco_format!("ns.dns.{zone}.");
                    (vec![record(name, Type::Ns, server)], true)
                }
                _ => (Vec::new(), true),
            },
            ["dns-version"] if kind == Type::Txt => (vec![record(name, kind, "\"1.1.0\"".into())], true),
            ["svc" | "pod"] | [_, "svc" | "pod"] => {
                let there = labels.len() == 1 || self.namespaces.named("", labels[0]).is_some();
                (Vec::new(), there)
            }
            [address, namespace, "pod"] if block.pods => {
                let ip = address.replace('-', ".");
                if ipam::parse(&ip).is_none() || self.namespaces.named("", namespace).is_none() {
                    return none;
                }
                (if kind == Type::A { vec![record(name, Type::A, ip.into())] } else { Vec::new() }, true)
            }
            [host @ .., service, namespace, "svc"] => {
                let Some(object) = self.services.named(namespace, service) else { return none };
                self.of_service(block, zone, name, kind, host, object)
            }
            _ => none,
        }
    }

    fn of_service(
        &self,
        block: &Block,
        zone: &str,
        name: &str,
        kind: Type,
        host: &[&str],
        service: &Object,
    ) -> (Vec<Answered>, bool) {
        let record = |of: &str, kind: Type, data: Str| Answered { name: of.into(), ttl: block.ttl, kind, data };
        let base = ecow::eco_format!("{}.{}.svc.{zone}", service.key.name, service.key.namespace);
        if service.str(&["spec", "type"]) == "ExternalName" {
            let target = ecow::eco_format!("{}.", service.str(&["spec", "externalName"]).trim_end_matches('.'));
            return (vec![record(name, Type::Cname, target)], host.is_empty());
        }
        let ip = Str::from(service.str(&["spec", "clusterIP"]));
        let headless = ip == "None";
        // `_http._tcp` before the service: one of its ports.
        let (port, of_pod) = match host {
            [] => (None, None),
            [port, protocol] if port.starts_with('_') && protocol.starts_with('_') => {
                (Some((&port[1..], &protocol[1..])), None)
            }
            [pod] => (None, Some(*pod)),
            _ => return (Vec::new(), false),
        };
        let wanted = |p: &Value| {
            port.is_none_or(|(n, protocol)| {
                let own =
                    if p.str("protocol").is_empty() { "tcp".to_owned() } else { p.str("protocol").to_lowercase() };
                p.str("name") == n && own == protocol
            })
        };
        let srv =
            |n: usize, port: i64, target: &str| -> Str { ecow::eco_format!("0 {} {port} {target}.", 100 / n.max(1)) };
        let number = |p: &Value| p.get("port").and_then(Value::as_int).unwrap_or(0);
        let mut out = Vec::new();
        if !headless && of_pod.is_none() {
            let ports: Vec<&Value> = service.items(&["spec", "ports"]).iter().filter(|p| wanted(p)).collect();
            if port.is_some() && ports.is_empty() {
                return (out, false);
            }
            match kind {
                Type::A => out.push(record(name, Type::A, ip)),
                Type::Srv => {
                    let n = ports.len();
                    out.extend(ports.into_iter().map(|p| record(name, Type::Srv, srv(n, number(p), &base))));
                    out.push(record(&base, Type::A, ip));
                }
                _ => {}
            }
            return (out, true);
        }
        let Some(endpoints) = self.endpoints.named(&service.key.namespace, &service.key.name) else {
            return (out, false);
        };
        let mut found: Vec<(Str, Str, Vec<i64>)> = Vec::new();
        for subset in endpoints.items(&["subsets"]) {
            let ports: Vec<i64> =
                subset.get("ports").map_or(&[][..], Value::items).iter().filter(|p| wanted(p)).map(number).collect();
            if port.is_some() && ports.is_empty() {
                continue;
            }
            for address in subset.get("addresses").map_or(&[][..], Value::items) {
                let host = host_of(address);
                if of_pod.is_none_or(|p| p == host) {
                    found.push((host, address.str("ip").into(), ports.clone()));
                }
            }
        }
        let all: usize = found.iter().map(|(.., ports)| ports.len()).sum();
        for (host, ip, ports) in &found {
            let own = ecow::eco_format!("{host}.{base}");
            match kind {
                Type::A => out.push(record(name, Type::A, ip.clone())),
                Type::Srv => out.extend(ports.iter().map(|p| record(name, Type::Srv, srv(all, *p, &own)))),
                _ => {}
            }
        }
        (out, !found.is_empty())
    }

    /// The name of an address: its service's, or its own below a service.
    fn reverse(&self, block: &Block, name: &str) -> Vec<Answered> {
        let Some(rest) = name.strip_suffix(".in-addr.arpa") else { return Vec::new() };
        let mut bytes: Vec<&str> = rest.split('.').collect();
        bytes.reverse();
        let ip = bytes.join(".");
        let zone = block.cluster.iter().find(|z| !z.ends_with("arpa")).cloned().unwrap_or_default();
        let record = |data: Str| Answered { name: name.into(), ttl: block.ttl, kind: Type::Ptr, data };
        let place = |o: &Object| ecow::eco_format!("{}.{}.svc.{zone}.", o.key.name, o.key.namespace);
        if let Some(service) = self.services.iter().find(|s| s.str(&["spec", "clusterIP"]) == ip) {
            return vec![record(place(service))];
        }
        let mut out = Vec::new();
        for endpoints in self.endpoints.iter() {
            for subset in endpoints.items(&["subsets"]) {
                let addresses = subset.get("addresses").map_or(&[][..], Value::items);
                for address in addresses.iter().filter(|a| a.str("ip") == ip) {
                    out.push(record(ecow::eco_format!("{}.{}", host_of(address), place(endpoints))));
                }
            }
        }
        out
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let text = match self.path.as_str() {
            "" => Str::from(BUILT_IN),
            path => ctx.host().read(path).cloned().unwrap_or_default(),
        };
        match corefile::parse(&text) {
            Ok(config) if !config.blocks.is_empty() => (self.text, self.config) = (text, config),
            failed => {
                let why = failed.err().unwrap_or_else(|| {
                    "loading Caddyfile via flag: open /etc/coredns/Corefile: no such file or directory".into()
                });
                crate::runtime::process::write_log(ctx, &self.container, &format!("{why}\n"));
                return ctx.timer(Duration::millis(200), TIMER_FAIL, "");
            }
        }
        let version = if ctx.world.config.profile == Profile::Book { "1.6.7" } else { "1.12.1" };
        let hello = format!(
            ".:53\n[INFO] plugin/reload: Running configuration SHA512 = {}\nCoreDNS-{version}\nlinux/amd64\n",
            self.sum()
        );
        crate::runtime::process::write_log(ctx, &self.container, &hello);
        self.services.start(ctx);
        self.endpoints.start(ctx);
        self.namespaces.start(ctx);
        if !self.path.is_empty() && self.text.contains("reload") {
            let first = ctx.rng.between(RELOAD, RELOAD + Duration::secs(15));
            ctx.timer(first, TIMER_RELOAD, "");
        }
    }

    fn sum(&self) -> Str {
        let half = crate::runtime::images::digest(&self.text);
        ecow::eco_format!("{half}{}", crate::runtime::images::digest(&half))
    }

    /// The reload plugin's look at the file.
    fn reload(&mut self, ctx: &mut Ctx<'_>) {
        ctx.timer(RELOAD, TIMER_RELOAD, "");
        let Some(text) = ctx.host().read(&self.path).cloned().filter(|t| *t != self.text) else { return };
        let log = match corefile::parse(&text) {
            Ok(config) => {
                (self.text, self.config) = (text, config);
                format!(
                    "[INFO] Reloading\n[INFO] plugin/reload: Running configuration SHA512 = {}\n[INFO] Reloading complete\n",
                    self.sum()
                )
            }
            Err(why) => format!(
                "[INFO] Reloading\n[ERROR] Restart failed: {why}\n[ERROR] plugin/reload: Corefile changed but reload failed: {why}\n"
            ),
        };
        crate::runtime::process::write_log(ctx, &self.container, &log);
    }
}

/// The host name of an endpoint: the pod's, or its address.
fn host_of(address: &Value) -> Str {
    match address.str("hostname") {
        "" => address.str("ip").replace('.', "-").into(),
        name => name.into(),
    }
}

/// The record that says who answers for a zone.
pub fn soa(zone: &str) -> Str {
    ecow::eco_format!("ns.dns.{zone}. hostmaster.{zone}. 1577836800 7200 1800 86400 30")
}

/// Where no Corefile is mounted: a machine of a benchmark.
const BUILT_IN: &str = ".:53 {\n ready\n kubernetes cluster.local in-addr.arpa {\n pods insecure\n fallthrough in-addr.arpa\n ttl 30\n }\n forward . /etc/resolv.conf\n}\n";

impl Component for CoreDns {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => return self.begin(ctx),
            Msg::Timer(TIMER_RELOAD, _) => return self.reload(ctx),
            Msg::Timer(TIMER_FAIL, _) => {
                let (machine, cause, id) = (ctx.machine, ctx.cause, self.container.clone());
                return crate::runtime::process::exit(ctx.world, machine, &id, 1, true, cause);
            }
            _ => {}
        }
        let mut msg = msg;
        for informer in [&mut self.services, &mut self.endpoints, &mut self.namespaces] {
            match informer.handle(ctx, msg) {
                Ok(_) => return,
                Err(other) => msg = other,
            }
        }
    }

    component_boilerplate!();
}
