//! kube-proxy in iptables mode: keeps the machine's rules equal to Services and their backends.
//! The rules are kept as the objects they are made from ([`NetState`](super::NetState)); a packet
//! walks them in [`lookup`], and `iptables-save` can print them.
//! Models pkg/proxy/iptables.

use std::sync::Arc;

use super::NetState;
use crate::api::{Kind, Object, Value, meta};
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::sim::informer::{Delta, Informer};
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile};

#[derive(Clone, Debug)]
pub struct KubeProxy {
    services: Informer,
    backends: Informer,
}

impl KubeProxy {
    /// 1.18 watches Endpoints, later ones EndpointSlices.
    pub fn new(profile: Profile, server: Endpoint) -> KubeProxy {
        let user = "system:serviceaccount:kube-system:kube-proxy";
        let kind = if profile == Profile::Book { Kind::ENDPOINTS } else { Kind::ENDPOINT_SLICE };
        KubeProxy {
            services: Informer::new(Kind::SERVICE, server.clone(), user, 1),
            backends: Informer::new(kind, server, user, 3),
        }
    }

    pub fn synced(&self) -> bool {
        self.services.synced() && self.backends.synced()
    }

    fn apply(ctx: &mut Ctx<'_>, delta: Delta) {
        let net = &mut ctx.host_mut().net;
        let table = if delta.key.kind == Kind::SERVICE { &mut net.services } else { &mut net.backends };
        match delta.new {
            Some(object) => table.insert(delta.key, object),
            None => table.remove(&delta.key),
        };
    }
}

impl Component for KubeProxy {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        if msg == Msg::Start {
            // A fresh proxy replaces whatever rules an earlier one left.
            let net = &mut ctx.host_mut().net;
            net.services.clear();
            net.backends.clear();
            self.services.start(ctx);
            self.backends.start(ctx);
            return;
        }
        let deltas = match self.services.handle(ctx, msg) {
            Ok(deltas) => deltas,
            Err(msg) => self.backends.handle(ctx, msg).unwrap_or_default(),
        };
        for delta in deltas {
            Self::apply(ctx, delta);
        }
    }

    component_boilerplate!();
}

/// Where a destination's packets may be sent instead.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    pub service: Str,
    /// Address and port of each backend.
    pub backends: Vec<(Str, u16)>,
    /// How long one client goes to one backend after its last connection.
    pub sticky: Option<Duration>,
    /// Connections from within go to backends of the machine they start on.
    pub inner: bool,
    /// Connections from outside go to backends of the machine they reach, and to no others.
    pub local: bool,
}

/// The rule for a packet to `ip:port`, or to node port `port` of this machine (`local`).
pub fn lookup(net: &NetState, ip: &str, port: u16, local: bool) -> Option<Rule> {
    for service in net.services.values() {
        let entry = service.items(&["spec", "ports"]).iter().find(|p| {
            let number = |key: &str| p.get(key).and_then(Value::as_int) == Some(i64::from(port));
            number("port") && owns(service, ip) || local && number("nodePort")
        });
        let Some(entry) = entry else { continue };
        let key = &service.key;
        return Some(Rule {
            service: ecow::eco_format!("{}/{}", key.namespace, key.name),
            backends: backends_of(net, service, entry.str("name")),
            sticky: sticky(service),
            inner: service.str(&["spec", "internalTrafficPolicy"]) == "Local"
                && service.str(&["spec", "clusterIP"]) == ip,
            local: service.str(&["spec", "externalTrafficPolicy"]) == "Local",
        });
    }
    None
}

fn sticky(service: &Object) -> Option<Duration> {
    const USUAL: i64 = 10_800;
    let seconds = service.int(&["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"]).unwrap_or(USUAL);
    (service.str(&["spec", "sessionAffinity"]) == "ClientIP").then(|| Duration::secs(seconds.unsigned_abs()))
}

/// Whether `ip` is the service's cluster address, an external one or its load balancer's.
fn owns(service: &Object, ip: &str) -> bool {
    service.str(&["spec", "clusterIP"]) == ip
        || service.items(&["spec", "externalIPs"]).iter().any(|x| x.as_str() == ip)
        || service.items(&["status", "loadBalancer", "ingress"]).iter().any(|x| x.str("ip") == ip)
}

fn backends_of(net: &NetState, service: &Object, port_name: &str) -> Vec<(Str, u16)> {
    let key = &service.key;
    let mut out = Vec::new();
    let port_of = |ports: &[Value]| {
        let port = ports.iter().find(|p| p.str("name") == port_name)?;
        u16::try_from(port.get("port").and_then(Value::as_int)?).ok()
    };
    for object in net.backends.values().filter(|b| belongs(b, service)) {
        if object.kind() == Kind::ENDPOINTS && object.key.name == key.name {
            for subset in object.items(&["subsets"]) {
                let Some(port) = port_of(subset.get("ports").map_or(&[], Value::items)) else { continue };
                let addresses = subset.get("addresses").map_or(&[][..], Value::items);
                out.extend(addresses.iter().map(|a| (Str::from(a.str("ip")), port)));
            }
        } else if object.kind() == Kind::ENDPOINT_SLICE {
            let Some(port) = port_of(object.items(&["ports"])) else { continue };
            for endpoint in object.items(&["endpoints"]) {
                let ready = endpoint.at(&["conditions", "ready"]).and_then(Value::as_bool).unwrap_or(true);
                let addresses = endpoint.get("addresses").map_or(&[][..], Value::items);
                out.extend(addresses.iter().filter(|_| ready).map(|a| (Str::from(a.as_str()), port)));
            }
        }
    }
    out
}

fn belongs(backend: &Arc<Object>, service: &Object) -> bool {
    backend.key.namespace == service.key.namespace
        && match backend.kind() {
            Kind::ENDPOINTS => backend.key.name == service.key.name,
            _ => meta::label(backend, "kubernetes.io/service-name") == Some(&service.key.name),
        }
}
