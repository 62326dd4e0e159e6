//! What an object takes of a ResourceQuota.
//! Models pkg/quota/v1/evaluator/core and apiserver's generic object counts.

use std::collections::BTreeMap;

use super::quantity::Quantity;
use super::{Kind, Object, Value, pod};
use crate::base::Str;

/// Resource names as in `spec.hard`.
pub type Usage = BTreeMap<Str, Quantity>;

/// What `object` counts for, under every name that a quota may limit.
pub fn usage(object: &Object) -> Usage {
    let mut out = Usage::new();
    let kind = object.kind();
    if !kind.namespaced() || kind == Kind::EVENT || kind == Kind::LEASE {
        return out;
    }
    out.insert(ecow::eco_format!("count/{}", kind.group_resource()), Quantity::from_int(1));
    match kind {
        Kind::POD => pod_usage(object, &mut out),
        Kind::SERVICE => service_usage(object, &mut out),
        Kind::PERSISTENT_VOLUME_CLAIM => claim_usage(object, &mut out),
        Kind::CONFIG_MAP | Kind::SECRET | Kind::RESOURCE_QUOTA | Kind::REPLICATION_CONTROLLER => {
            out.insert(kind.plural().into(), Quantity::from_int(1));
        }
        _ => {}
    }
    out
}

fn add(out: &mut Usage, name: Str, amount: Quantity) {
    let sum = out.get(&name).copied();
    out.insert(name, sum.map_or(amount, |s| s + amount));
}

/// Adds up usages.
pub fn add_all(out: &mut Usage, more: &Usage) {
    more.iter().for_each(|(name, amount)| add(out, name.clone(), *amount));
}

/// A finished pod takes nothing but its place in `count/pods`.
fn pod_usage(p: &Object, out: &mut Usage) {
    if pod::terminal(p) {
        return;
    }
    out.insert("pods".into(), Quantity::from_int(1));
    for (list, prefix) in [("requests", "requests."), ("limits", "limits.")] {
        let mut sum = Usage::new();
        for c in pod::containers(p) {
            amounts(c, list).for_each(|(name, q)| add(&mut sum, name, q));
        }
        // Init containers run one at a time: the largest counts.
        for c in pod::init_containers(p) {
            for (name, q) in amounts(c, list) {
                let have = sum.get(&name).copied().unwrap_or_default();
                if (q - have).millis() > 0 {
                    sum.insert(name, q);
                }
            }
        }
        for (name, q) in sum {
            if list == "requests" {
                out.insert(name.clone(), q);
            }
            out.insert(ecow::eco_format!("{prefix}{name}"), q);
        }
    }
}

fn amounts<'a>(container: &'a Value, list: &str) -> impl Iterator<Item = (Str, Quantity)> + use<'a> {
    let all = container.at(&["resources", list]).and_then(Value::as_map);
    all.into_iter().flat_map(|m| m.iter()).filter_map(|(name, v)| Some((name.clone(), Quantity::of(v)?)))
}

fn service_usage(s: &Object, out: &mut Usage) {
    out.insert("services".into(), Quantity::from_int(1));
    let ports = s.items(&["spec", "ports"]).len() as i64;
    let (balancers, node_ports) = match s.str(&["spec", "type"]) {
        "LoadBalancer" => (1, ports),
        "NodePort" => (0, ports),
        _ => (0, 0),
    };
    out.insert("services.loadbalancers".into(), Quantity::from_int(balancers));
    out.insert("services.nodeports".into(), Quantity::from_int(node_ports));
}

fn claim_usage(c: &Object, out: &mut Usage) {
    out.insert("persistentvolumeclaims".into(), Quantity::from_int(1));
    let storage = c.get(&["spec", "resources", "requests", "storage"]).and_then(Quantity::of);
    out.insert("requests.storage".into(), storage.unwrap_or_default());
    let class = c.str(&["spec", "storageClassName"]);
    if !class.is_empty() {
        let of_class = |what: &str| ecow::eco_format!("{class}.storageclass.storage.k8s.io/{what}");
        out.insert(of_class("persistentvolumeclaims"), Quantity::from_int(1));
        out.insert(of_class("requests.storage"), storage.unwrap_or_default());
    }
}

/// Whether the quota is about the object: its scopes, of which only pods have any.
pub fn covers(quota: &Object, object: &Object) -> bool {
    let scopes = quota.items(&["spec", "scopes"]);
    let terms = quota.items(&["spec", "scopeSelector", "matchExpressions"]);
    if scopes.is_empty() && terms.is_empty() {
        return true;
    }
    let within = |scope: &str| match scope {
        "BestEffort" => pod::qos_class(object) == "BestEffort",
        "NotBestEffort" => pod::qos_class(object) != "BestEffort",
        "Terminating" => object.int(&["spec", "activeDeadlineSeconds"]).is_some(),
        "NotTerminating" => object.int(&["spec", "activeDeadlineSeconds"]).is_none(),
        _ => true,
    };
    let fits = |t: &Value| {
        let class = object.str(&["spec", "priorityClassName"]);
        let listed = t.get("values").map_or(&[][..], Value::items).iter().any(|v| v.as_str() == class);
        match (t.str("scopeName"), t.str("operator")) {
            ("PriorityClass", "In") => listed,
            ("PriorityClass", "NotIn") => !listed,
            ("PriorityClass", "Exists") => !class.is_empty(),
            ("PriorityClass", "DoesNotExist") => class.is_empty(),
            (scope, _) => within(scope),
        }
    };
    object.kind() == Kind::POD && scopes.iter().all(|s| within(s.as_str())) && terms.iter().all(fits)
}

/// What `objects` use of a quota: every name in `spec.hard`, zero where nothing counts.
pub fn used<'a>(quota: &Object, objects: impl Iterator<Item = &'a Object>) -> Usage {
    let mut sum = Usage::new();
    for o in objects.filter(|o| covers(quota, o)) {
        add_all(&mut sum, &usage(o));
    }
    let hard = quota.get(&["spec", "hard"]).and_then(Value::as_map);
    let names = hard.into_iter().flat_map(|m| m.keys());
    names.map(|name| (name.clone(), sum.get(name).copied().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_counts_its_containers_and_its_largest_init_container() {
        let yaml = "{metadata: {name: p, namespace: d}, spec: {initContainers: [{name: i, resources: {requests: {cpu: '1'}}}], \
                    containers: [{name: a, resources: {requests: {cpu: 200m}, limits: {memory: 64Mi}}}, {name: b, resources: {requests: {cpu: 300m}}}]}}";
        let value: Value = serde_yaml::from_str(yaml).unwrap();
        let p = Object::from_value(Kind::POD, &value);
        let text: Vec<String> = usage(&p).iter().map(|(k, q)| format!("{k}={q}")).collect();
        assert_eq!(text, ["count/pods=1", "cpu=1", "limits.memory=64Mi", "pods=1", "requests.cpu=1"]);
    }
}
