//! MetalLB: the controller gives Services of type LoadBalancer addresses of its pools; one machine's
//! speaker answers ARP for each.
//! Models MetalLB 0.8's controller, internal/{config,allocator} and the speaker's layer 2 mode.

use crate::api::{Kind, Object, ObjectKey, Request, Response, Value, meta};
use crate::base::hash::Fnv;
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str};
use crate::network::ipam;
use crate::sim::informer::Informer;
use crate::sim::recorder::EventRecorder;
use crate::sim::{Component, Ctx, Endpoint, Msg};
use crate::{component_boilerplate, map};

const TOKEN_SERVICES: u64 = 1;
const TOKEN_ENDPOINTS: u64 = 3;
const TOKEN_CONFIG: u64 = 5;
const TOKEN_EVENTS: u64 = 7;
const TOKEN_WRITE: u64 = 8;
const TIMER_RETRY: u16 = 1;

/// A pool of the configuration.
#[derive(Clone, PartialEq, Debug)]
struct Pool {
    name: Str,
    /// First and last address of each range.
    ranges: Vec<(u32, u32)>,
    auto_assign: bool,
    avoid_buggy: bool,
}

impl Pool {
    fn holds(&self, ip: u32) -> bool {
        let buggy = self.avoid_buggy && matches!(ip & 0xff, 0 | 0xff);
        !buggy && self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&ip))
    }
    fn addresses(&self) -> impl Iterator<Item = u32> {
        self.ranges.iter().flat_map(|(first, last)| *first..=*last).filter(|ip| self.holds(*ip))
    }
}

/// The pools of a ConfigMap's `config`; `None`: MetalLB refuses it and keeps what it has.
fn parse(text: &str) -> Option<Vec<Pool>> {
    let value: Value = crate::api::yaml::read(text).ok()?;
    let range = |text: &str| -> Option<(u32, u32)> {
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (ipam::parse(first.trim())?, ipam::parse(last.trim())?);
            return (first <= last).then_some((first, last));
        }
        let (base, bits) = text.split_once('/')?;
        let bits: u32 = bits.parse().ok().filter(|b| *b <= 32)?;
        let rest = u32::MAX.checked_shr(bits).unwrap_or(0);
        let first = ipam::parse(base.trim())? & !rest;
        Some((first, first | rest))
    };
    let one = |v: &Value| -> Option<Pool> {
        let addresses = v.get("addresses").map_or(&[][..], Value::items);
        let ranges: Vec<_> = addresses.iter().map(|a| range(a.as_str())).collect::<Option<_>>()?;
        let flag = |key: &str| v.get(key).and_then(Value::as_bool);
        let fine = !v.str("name").is_empty() && v.str("protocol") == "layer2" && !ranges.is_empty();
        fine.then(|| Pool {
            name: v.str("name").into(),
            ranges,
            auto_assign: flag("auto-assign").unwrap_or(true),
            avoid_buggy: flag("avoid-buggy-ips").unwrap_or(false),
        })
    };
    value.get("address-pools").map_or(&[][..], Value::items).iter().map(one).collect()
}

#[derive(Clone, Debug)]
pub struct MetalLb {
    speaker: bool,
    node: Str,
    user: Str,
    server: Endpoint,
    services: Informer,
    endpoints: Informer,
    config: Informer,
    recorder: EventRecorder,
    pools: Option<Vec<Pool>>,
    /// Controller: what it gave. Speaker: what it announces.
    given: OrdMap<ObjectKey, u32>,
}

fn balancer(service: &Object) -> bool {
    service.str(&["spec", "type"]) == "LoadBalancer"
}

/// The address that the service's status names.
fn address(service: &Object) -> Option<u32> {
    ipam::parse(service.items(&["status", "loadBalancer", "ingress"]).first()?.str("ip"))
}

/// `namespace/name`
fn title(key: &ObjectKey) -> Str {
    ecow::eco_format!("{}/{}", key.namespace, key.name)
}

impl MetalLb {
    pub fn new(speaker: bool, node: &str, namespace: &str, server: Endpoint) -> MetalLb {
        let account = if speaker { "speaker" } else { "controller" };
        let user = ecow::eco_format!("system:serviceaccount:{namespace}:{account}");
        let watch = |kind, token| Informer::new(kind, server.clone(), &user, token);
        let component = format!("metallb-{account}");
        MetalLb {
            speaker,
            node: node.into(),
            services: watch(Kind::SERVICE, TOKEN_SERVICES),
            endpoints: watch(Kind::ENDPOINTS, TOKEN_ENDPOINTS),
            config: watch(Kind::CONFIG_MAP, TOKEN_CONFIG).with_namespace(namespace),
            recorder: EventRecorder::new(&component, "", &user, server.clone(), TOKEN_EVENTS),
            user,
            server,
            pools: None,
            given: OrdMap::new(),
        }
    }

    /// Takes over a configuration that keeps every address in use.
    fn configure(&mut self) {
        let Some(map) = self.config.iter().find(|o| o.name() == "config") else { return };
        let Some(pools) = parse(map.str(&["data", "config"])) else { return };
        let held = |ip: &u32| pools.iter().any(|p| p.holds(*ip));
        if self.speaker || self.given.values().all(held) {
            self.pools = Some(pools);
        }
    }

    fn all(&mut self, ctx: &mut Ctx<'_>) {
        let mut keys: Vec<ObjectKey> = self.services.iter().map(|s| s.key.clone()).collect();
        // Those that have an address keep it before others get one.
        keys.sort_by_key(|k| self.services.get(k).and_then(|s| address(s)).is_none());
        for key in keys {
            self.sync(ctx, &key);
        }
    }

    fn sync(&mut self, ctx: &mut Ctx<'_>, key: &ObjectKey) {
        let synced = self.services.synced() && self.config.synced() && (!self.speaker || self.endpoints.synced());
        match (synced, self.speaker) {
            (false, _) => {}
            (true, true) => self.announce(ctx, key),
            (true, false) => self.converge(ctx, key),
        }
    }

    // --- controller ---

    fn converge(&mut self, ctx: &mut Ctx<'_>, key: &ObjectKey) {
        let Some(service) = self.services.get(key).cloned() else {
            if self.given.remove(key).is_some() {
                self.all(ctx);
            }
            return;
        };
        let now = address(&service);
        if !balancer(&service) {
            let had = self.given.remove(key).is_some();
            if now.is_some() {
                self.write(ctx, &service, None);
            }
            if had {
                self.all(ctx);
            }
            return;
        }
        if self.pools.is_none() || service.str(&["spec", "clusterIP"]).is_empty() {
            return;
        }
        let wanted = Str::from(service.str(&["spec", "loadBalancerIP"]));
        let keep =
            now.filter(|ip| self.may_have(key, *ip).is_ok() && (wanted.is_empty() || ipam::print(*ip) == wanted));
        if let Some(ip) = keep {
            self.given.insert(key.clone(), ip);
            return;
        }
        self.given.remove(key);
        let found = self.allocate(&service, &wanted);
        match &found {
            Ok(ip) => {
                self.given.insert(key.clone(), *ip);
                let message = ecow::eco_format!("Assigned IP \"{}\"", ipam::print(*ip));
                self.recorder.record(ctx, &service, "Normal", "IPAllocated", message);
            }
            Err(why) => {
                let message = ecow::eco_format!("Failed to allocate IP for \"{}\": {why}", title(key));
                self.recorder.record(ctx, &service, "Warning", "AllocationFailed", message);
            }
        }
        if now != found.as_ref().ok().copied() {
            self.write(ctx, &service, found.ok());
        }
    }

    fn may_have(&self, key: &ObjectKey, ip: u32) -> Result<(), Str> {
        let text = ipam::print(ip);
        if !self.pools.iter().flatten().any(|p| p.holds(ip)) {
            return Err(ecow::eco_format!("\"{text}\" is not allowed in config"));
        }
        match self.given.iter().find(|(k, other)| **other == ip && *k != key) {
            Some((k, _)) => Err(ecow::eco_format!(
                "can't change sharing key for \"{}\", address also in use by {}",
                title(key),
                title(k)
            )),
            None => Ok(()),
        }
    }

    fn allocate(&self, service: &Object, wanted: &str) -> Result<u32, Str> {
        if !wanted.is_empty() {
            let Some(ip) = ipam::parse(wanted) else {
                return Err(ecow::eco_format!("invalid spec.loadBalancerIP \"{wanted}\""));
            };
            return self.may_have(&service.key, ip).map(|()| ip);
        }
        let named = meta::annotation(service, "metallb.universe.tf/address-pool").unwrap_or_default();
        let pools = self.pools.iter().flatten();
        if !named.is_empty() {
            let Some(pool) = pools.clone().find(|p| p.name == named) else {
                return Err(ecow::eco_format!("unknown pool \"{named}\""));
            };
            let free = pool.addresses().find(|ip| self.may_have(&service.key, *ip).is_ok());
            return free.ok_or_else(|| ecow::eco_format!("no available IPs in pool \"{named}\""));
        }
        let free = |p: &Pool| p.addresses().find(|ip| self.may_have(&service.key, *ip).is_ok());
        pools.filter(|p| p.auto_assign).find_map(free).ok_or_else(|| "no available IPs".into())
    }

    fn write(&mut self, ctx: &mut Ctx<'_>, service: &Object, ip: Option<u32>) {
        let mut changed = service.clone();
        let mut balancer = map! {};
        if let Some(ip) = ip {
            balancer.insert("ingress", crate::list![map! { "ip" => ipam::print(ip) }]);
        }
        changed.set(&["status", "loadBalancer"], balancer);
        let request = Request { user: self.user.clone(), ..Request::update_status(changed) };
        ctx.request(&self.server, TOKEN_WRITE, request);
    }

    // --- speaker ---

    /// Answers ARP for the service's address if this machine is the one to do so.
    fn announce(&mut self, ctx: &mut Ctx<'_>, key: &ObjectKey) {
        let service = self.services.get(key).filter(|s| balancer(s)).cloned();
        let held = |ip: &u32| self.pools.iter().flatten().any(|p| p.holds(*ip));
        let ip = service.as_ref().and_then(|s| address(s)).filter(held).filter(|_| self.chosen(key));
        let before = self.given.get(key).copied();
        if let Some(old) = before.filter(|old| Some(*old) != ip) {
            self.given.remove(key);
            ctx.host_mut().net.announced.remove(&ipam::print(old));
        }
        let (Some(ip), Some(service)) = (ip, service) else { return };
        self.given.insert(key.clone(), ip);
        let me = ctx.me;
        ctx.host_mut().net.announced.insert(ipam::print(ip), me);
        let message = ecow::eco_format!("announcing from node \"{}\"", self.node);
        self.recorder.record(ctx, &service, "Normal", "nodeAssigned", message);
    }

    /// Of the nodes with a ready pod of the service one announces it: the first by a hash that all
    /// speakers reckon alike.
    fn chosen(&self, key: &ObjectKey) -> bool {
        let Some(endpoints) = self.endpoints.named(&key.namespace, &key.name) else { return false };
        let subsets = endpoints.items(&["subsets"]).iter();
        let ready = subsets.flat_map(|s| s.get("addresses").map_or(&[][..], Value::items));
        let hash = |node: &str| {
            let mut h = Fnv::default();
            h.write(node.as_bytes());
            h.write(b"#");
            h.write(key.name.as_bytes());
            h.0
        };
        let first = ready.map(|a| a.str("nodeName")).filter(|n| !n.is_empty()).min_by_key(|n| (hash(n), *n));
        first == Some(&self.node)
    }
}

impl Component for MetalLb {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let msg = match msg {
            Msg::Start => {
                self.services.start(ctx);
                self.config.start(ctx);
                if self.speaker {
                    self.endpoints.start(ctx);
                }
                return;
            }
            Msg::Timer(TIMER_RETRY, _) => return self.all(ctx),
            Msg::Response(TOKEN_EVENTS, _) => return self.recorder.answered(ctx),
            Msg::Response(TOKEN_WRITE, reply) => {
                if !matches!(reply, Ok(Response::Object(_))) {
                    ctx.timer(Duration::secs(5), TIMER_RETRY, "");
                }
                return;
            }
            other => other,
        };
        let before = self.services.synced();
        let msg = match self.services.handle(ctx, msg) {
            Ok(_) if !before => return self.all(ctx),
            Ok(deltas) => return deltas.iter().for_each(|d| self.sync(ctx, &d.key)),
            Err(msg) => msg,
        };
        let msg = match self.endpoints.handle(ctx, msg) {
            Ok(deltas) => {
                let key = |k: &ObjectKey| ObjectKey::new(Kind::SERVICE, k.namespace.clone(), k.name.clone());
                return deltas.iter().for_each(|d| self.sync(ctx, &key(&d.key)));
            }
            Err(msg) => msg,
        };
        let first = !self.config.synced();
        if let Ok(deltas) = self.config.handle(ctx, msg)
            && (first || !deltas.is_empty())
        {
            self.configure();
            self.all(ctx);
        }
    }

    component_boilerplate!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_are_read_as_the_config_says() {
        let pools = |addresses: &str| {
            parse(&format!("address-pools:\n- name: p\n  protocol: layer2\n  addresses:\n  - {addresses}\n"))
        };
        let all = |text: &str| -> Vec<Str> { pools(text).unwrap()[0].addresses().map(ipam::print).collect() };
        assert_eq!(all("192.168.1.11-192.168.1.13"), ["192.168.1.11", "192.168.1.12", "192.168.1.13"]);
        assert_eq!(all("10.0.0.5/31"), ["10.0.0.4", "10.0.0.5"]);
        for wrong in ["192.168.1.13-192.168.1.11", "192.168.1.300", "nonsense"] {
            assert_eq!(pools(wrong), None, "{wrong}");
        }
    }
}
