//! What Endpoints and EndpointSlices have in common: which pods stand behind a Service, and how its
//! ports map to theirs.
//! Models pkg/controller/util/endpoint and staging/.../endpointslice/util.

use std::sync::Arc;

use super::Kit;
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Value, meta, pod};
use crate::base::{Str, Time};
use crate::sim::informer::Delta;

pub fn selector(service: &Object) -> Option<LabelSelector> {
    let labels = service.get(&["spec", "selector"])?.as_map().filter(|m| !m.is_empty())?;
    Some(LabelSelector::of_map(labels))
}
pub fn headless(service: &Object) -> bool {
    service.str(&["spec", "clusterIP"]) == "None"
}
pub fn publishes_not_ready(service: &Object) -> bool {
    service.get(&["spec", "publishNotReadyAddresses"]).and_then(Value::as_bool).unwrap_or(false)
}

/// Services whose endpoints a pod's change may touch.
pub fn touched(kit: &Kit<'_, '_>, delta: &Delta) -> Vec<ObjectKey> {
    let relevant = match (&delta.old, &delta.new) {
        (Some(old), Some(new)) => {
            let facts = |p: &Object| {
                (
                    pod::ready(p),
                    meta::deleting(p),
                    pod::terminal(p),
                    Str::from(pod::pod_ip(p)),
                    Str::from(pod::node_name(p)),
                    meta::labels(p).cloned(),
                )
            };
            facts(old) != facts(new)
        }
        _ => true,
    };
    if !relevant {
        return Vec::new();
    }
    let matches = |s: &Object| {
        let Some(selector) = selector(s) else { return false };
        [&delta.old, &delta.new].into_iter().flatten().any(|p| selector.matches(meta::labels(p)))
    };
    kit.in_namespace(Kind::SERVICE, &delta.key.namespace).filter(|s| matches(s)).map(|s| s.key.clone()).collect()
}

/// Pods that may be listed behind the service, each with an address.
pub fn pods(kit: &Kit<'_, '_>, service: &Object, selector: &LabelSelector) -> Vec<Arc<Object>> {
    let listed = |p: &&Arc<Object>| !pod::pod_ip(p).is_empty() && selector.matches(meta::labels(p)) && alive(p);
    kit.in_namespace(Kind::POD, service.namespace()).filter(listed).cloned().collect()
}

fn alive(p: &Object) -> bool {
    match p.str(&["spec", "restartPolicy"]) {
        "Never" => !pod::terminal(p),
        "OnFailure" => pod::phase(p) != "Succeeded",
        _ => !pod::terminal(p),
    }
}

/// The container port a service port leads to on this pod; `None` if the pod has no port of that name.
pub fn target_port(p: &Object, port: &Value) -> Option<i64> {
    let target = port.get("targetPort").filter(|t| !t.is_null());
    match target {
        None => port.get("port")?.as_int(),
        Some(Value::Int(0)) => port.get("port")?.as_int(),
        Some(Value::Int(n)) => Some(*n),
        Some(name) => pod::containers(p)
            .iter()
            .flat_map(|c| c.get("ports").map_or(&[][..], Value::items))
            .find(|c| c.str("name") == name.as_str() && protocol(c) == protocol(port))
            .and_then(|c| c.get("containerPort")?.as_int()),
    }
}

pub fn protocol(port: &Value) -> &str {
    match port.str("protocol") {
        "" => "TCP",
        given => given,
    }
}

pub fn target_ref(p: &Object, with_version: bool) -> Map {
    let mut r = map! { "kind" => "Pod", "name" => p.name(), "namespace" => p.namespace(), "uid" => meta::uid(p) };
    if with_version {
        r.insert("resourceVersion", ecow::eco_format!("{}", p.resource_version));
    }
    r
}

/// The pod's name within a headless service.
pub fn hostname<'p>(p: &'p Object, service: &Object) -> Option<&'p str> {
    let host = p.str(&["spec", "hostname"]);
    (!host.is_empty() && p.str(&["spec", "subdomain"]) == service.name()).then_some(host)
}

/// The newest change among the service and its pods: what the trigger-time annotation says.
pub fn trigger_time(service: &Object, pods: &[Arc<Object>]) -> Time {
    let ready_since = |p: &Arc<Object>| {
        let all = p.items(&["status", "conditions"]);
        all.iter().find(|c| c.str("type") == "Ready").and_then(|c| Time::parse_rfc3339(c.str("lastTransitionTime")))
    };
    pods.iter().filter_map(ready_since).max().unwrap_or_default().max(meta::created(service))
}
