//! NetworkPolicies as Felix keeps them in a machine's kernel, and whether they let a packet through.
//! Kept as the objects they are made from, like kube-proxy's rules.
//! Models felix's policy and endpoint managers with `policy: k8s`, and libcalico-go's conversion of
//! NetworkPolicy.

use std::sync::Arc;

use super::ipam;
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, ObjectKey, Value, meta, pod};
use crate::base::persistent::OrdMap;

/// What Felix has programmed. Empty: no policy anywhere, all traffic passes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Policies {
    pub policies: OrdMap<ObjectKey, Arc<Object>>,
    pub pods: OrdMap<ObjectKey, Arc<Object>>,
    pub namespaces: OrdMap<ObjectKey, Arc<Object>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Ingress,
    Egress,
}

/// A packet as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Address of the other end.
    pub peer: &'a str,
    /// Destination port; 0: an echo request.
    pub port: u16,
    pub udp: bool,
}

impl Policies {
    pub fn table(&mut self, kind: Kind) -> &mut OrdMap<ObjectKey, Arc<Object>> {
        match kind {
            Kind::NETWORK_POLICY => &mut self.policies,
            Kind::POD => &mut self.pods,
            _ => &mut self.namespaces,
        }
    }

    /// Whether `pod` may get or send the packet.
    pub fn allow(&self, key: &ObjectKey, direction: Direction, packet: Packet<'_>) -> bool {
        if self.policies.is_empty() {
            return true;
        }
        // An interface that Felix does not know yet is closed.
        let Some(own) = self.pods.get(key) else { return false };
        let (title, field) = match direction {
            Direction::Ingress => ("Ingress", "ingress"),
            Direction::Egress => ("Egress", "egress"),
        };
        let mut isolated = false;
        for policy in self.policies.values().filter(|p| p.key.namespace == key.namespace) {
            let here = policy.items(&["spec", "policyTypes"]).iter().any(|t| t.as_str() == title);
            if !here || !selects(policy.get(&["spec", "podSelector"]), own) {
                continue;
            }
            isolated = true;
            let fits = |rule: &Value| self.rule(rule, direction, policy, own, packet);
            if policy.items(&["spec", field]).iter().any(fits) {
                return true;
            }
        }
        !isolated
    }

    fn rule(&self, rule: &Value, direction: Direction, policy: &Object, own: &Object, packet: Packet<'_>) -> bool {
        let list = |key: &str| rule.get(key).map_or(&[][..], Value::items);
        let peers = list(if direction == Direction::Ingress { "from" } else { "to" });
        let other = self.pods.values().find(|p| pod::pod_ip(p) == packet.peer && !pod::host_network(p) && !gone(p));
        let target = if direction == Direction::Ingress { Some(own) } else { other.map(|p| &**p) };
        let ports = list("ports");
        (ports.is_empty() || ports.iter().any(|p| port(p, target, packet)))
            && (peers.is_empty() || peers.iter().any(|p| self.peer(p, policy, other.map(|p| &**p), packet.peer)))
    }

    fn peer(&self, peer: &Value, policy: &Object, other: Option<&Object>, address: &str) -> bool {
        if let Some(block) = peer.get("ipBlock") {
            let except = block.get("except").map_or(&[][..], Value::items);
            return within(address, block.str("cidr")) && !except.iter().any(|e| within(address, e.as_str()));
        }
        let Some(other) = other else { return false };
        let namespace = match peer.get("namespaceSelector") {
            None => other.key.namespace == policy.key.namespace,
            selector => {
                let key = ObjectKey::new(Kind::NAMESPACE, "", other.key.namespace.clone());
                self.namespaces.get(&key).is_some_and(|n| selects(selector, n))
            }
        };
        namespace && (peer.get("podSelector").is_none() || selects(peer.get("podSelector"), other))
    }
}

fn gone(p: &Object) -> bool {
    pod::terminal(p)
}

fn selects(selector: Option<&Value>, object: &Object) -> bool {
    selector.is_none_or(|s| LabelSelector::of_value(s).matches(meta::labels(object)))
}

fn port(of: &Value, target: Option<&Object>, packet: Packet<'_>) -> bool {
    let protocol = if packet.udp { "UDP" } else { "TCP" };
    if packet.port == 0 || !matches!(of.str("protocol"), "" if !packet.udp) && of.str("protocol") != protocol {
        return false;
    }
    let wanted = i64::from(packet.port);
    match of.get("port") {
        None | Some(Value::Null) => true,
        Some(Value::Int(first)) => {
            let last = of.get("endPort").and_then(Value::as_int).unwrap_or(*first);
            (*first..=last).contains(&wanted)
        }
        Some(name) => {
            let containers = target.map_or(&[][..], pod::containers).iter();
            let mut ports = containers.flat_map(|c| c.get("ports").map_or(&[][..], Value::items));
            ports.any(|p| {
                p.str("name") == name.as_str() && p.get("containerPort").and_then(Value::as_int) == Some(wanted)
            })
        }
    }
}

/// Whether an address lies in `10.0.0.0/8`.
fn within(address: &str, cidr: &str) -> bool {
    let (base, bits) = cidr.split_once('/').unwrap_or((cidr, "32"));
    let (Some(ip), Some(base), Ok(bits)) = (ipam::parse(address), ipam::parse(base), bits.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
    ip & mask == base & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, namespace: &str, name: &str, yaml: &str) -> Arc<Object> {
        let mut value: Value = serde_yaml::from_str(yaml).unwrap();
        *value.entry(&["metadata", "name"]) = name.into();
        *value.entry(&["metadata", "namespace"]) = namespace.into();
        Arc::new(Object::from_value(kind, &value))
    }

    /// Two namespaces with a pod `web` (10.0.0.1), `db` (10.0.0.2) and, in the other, `probe` (10.0.1.1).
    fn with(policy: &str) -> Policies {
        let mut all = Policies::default();
        let mut put = |o: Arc<Object>| {
            all.table(o.kind()).insert(o.key.clone(), o);
        };
        for (namespace, name, ip) in [("a", "web", "10.0.0.1"), ("a", "db", "10.0.0.2"), ("b", "probe", "10.0.1.1")] {
            put(object(
                Kind::POD,
                namespace,
                name,
                &format!(
                    "metadata: {{labels: {{app: {name}}}}}\nspec: {{containers: [{{ports: [{{name: http, containerPort: 80}}]}}]}}\nstatus: {{podIP: {ip}}}"
                ),
            ));
        }
        for (name, team) in [("a", "one"), ("b", "two")] {
            let mut o = Object::new(Kind::NAMESPACE, "", name);
            o.set(&["metadata", "labels"], map! { "team" => team });
            put(Arc::new(o));
        }
        put(object(Kind::NETWORK_POLICY, "a", "p", &format!("spec: {policy}")));
        all
    }

    fn ingress(policy: &str, peer: &str, port: u16) -> bool {
        let key = ObjectKey::new(Kind::POD, "a", "web");
        with(policy).allow(&key, Direction::Ingress, Packet { peer, port, udp: false })
    }

    #[test]
    fn rules_decide_by_peer_and_port() {
        let deny = "{podSelector: {}, policyTypes: [Ingress]}";
        assert!(!ingress(deny, "10.0.0.2", 80));
        let other = "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}";
        assert!(ingress(other, "10.0.0.2", 80));
        let from = |from: &str| format!("{{podSelector: {{}}, policyTypes: [Ingress], ingress: [{{from: [{from}]}}]}}");
        let db = "{podSelector: {matchLabels: {app: db}}}";
        assert!(ingress(&from(db), "10.0.0.2", 80));
        assert!(!ingress(&from(db), "10.0.1.1", 80));
        let team = "{namespaceSelector: {matchLabels: {team: two}}}";
        assert!(ingress(&from(team), "10.0.1.1", 80));
        assert!(!ingress(&from(team), "10.0.0.2", 80));
        let both = "{namespaceSelector: {matchLabels: {team: two}}, podSelector: {matchLabels: {app: db}}}";
        assert!(!ingress(&from(both), "10.0.1.1", 80));
        let block = "{ipBlock: {cidr: 10.0.0.0/16, except: [10.0.1.0/24]}}";
        assert!(ingress(&from(block), "10.0.0.2", 80));
        assert!(!ingress(&from(block), "10.0.1.1", 80));
        let port = |p: &str| format!("{{podSelector: {{}}, policyTypes: [Ingress], ingress: [{{ports: [{p}]}}]}}");
        assert!(ingress(&port("{port: http, protocol: TCP}"), "10.0.1.1", 80));
        assert!(!ingress(&port("{port: 81}"), "10.0.1.1", 80));
        assert!(ingress(&port("{port: 70, endPort: 90}"), "10.0.1.1", 80));
        assert!(!ingress(&port("{port: 80}"), "10.0.1.1", 0));
        assert!(ingress("{podSelector: {}, policyTypes: [Egress]}", "10.0.1.1", 80));
    }

    #[test]
    fn egress_is_judged_by_where_it_goes() {
        let all = with("{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}");
        let key = ObjectKey::new(Kind::POD, "a", "web");
        let may = |port, udp| all.allow(&key, Direction::Egress, Packet { peer: "10.0.1.1", port, udp });
        assert!(may(53, true));
        assert!(!may(53, false));
        assert!(!may(80, false));
    }
}
