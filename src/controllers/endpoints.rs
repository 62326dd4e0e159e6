//! Endpoints: one object per Service with the addresses of its pods.
//! Models pkg/controller/endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kit::{error_text, succeeded};
use super::service::{headless, hostname, pods, protocol, publishes_not_ready, selector, target_port, target_ref};
use super::{Controller, Kit, Next, Note, Op, Step, service};
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Response, Value, meta, pod};
use crate::base::Str;
use crate::sim::informer::Delta;

const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

#[derive(Clone, Debug, Default)]
pub struct EndpointsController {
    /// Services whose Endpoints the cache shows older than they were written, and that revision.
    /// Models endpoint_tracker.go, which came with 1.29; 1.20 waits for its resync instead.
    stale: Vec<(ObjectKey, u64)>,
}

impl Controller for EndpointsController {
    fn name(&self) -> &'static str {
        "endpoint-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::SERVICE, Kind::POD, Kind::ENDPOINTS]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::POD => service::touched(kit, delta).into_iter().for_each(|key| kit.enqueue(key)),
            Kind::SERVICE => kit.enqueue(delta.key.clone()),
            // Somebody changed or deleted them; or they are what a sync wrote that another one, just
            // after it, did not see yet. Upstream tells such stale caches by resourceVersion.
            _ => kit.enqueue(ObjectKey { kind: Kind::SERVICE, ..delta.key.clone() }),
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        if step.stage == "written" {
            return self.written(kit, key, step);
        }
        let own = ObjectKey { kind: Kind::ENDPOINTS, ..key.clone() };
        let current = kit.get(&own).cloned();
        if let Some(i) = self.stale.iter().position(|(k, _)| k == key) {
            if current.as_ref().is_some_and(|e| e.resource_version < self.stale[i].1) {
                return Next::Retry;
            }
            self.stale.swap_remove(i);
        }
        let Some(service) = kit.get(key).cloned() else {
            let cause = kit.ctx.cause;
            return match current {
                Some(_) => Next::run([Op::new(Request::delete(&own), cause).tolerate(&[Reason::NotFound])]),
                None => Next::Done,
            };
        };
        let Some(selector) = selector(&service) else { return Next::Done };
        // Names outside have no endpoints; 1.20 made an empty object for those with a selector.
        if kit.modern() && service.str(&["spec", "type"]) == "ExternalName" {
            return Next::Done;
        }
        let pods = pods(kit, &service, &selector);
        let subsets = subsets(kit, &service, &pods);
        let mut labels = meta::labels(&service).cloned().unwrap_or_default();
        if headless(&service) {
            labels.insert("service.kubernetes.io/headless", "");
        }
        if kit.modern() {
            labels.insert("endpoints.kubernetes.io/managed-by", "endpoint-controller");
        }
        let same_labels = current.as_ref().is_some_and(|e| meta::labels(e).cloned().unwrap_or_default() == labels);
        if current.as_ref().is_some_and(|e| same_subsets(e.items(&["subsets"]), &subsets)) && same_labels {
            return Next::Done;
        }
        let mut e = match &current {
            Some(e) => (**e).clone(),
            None => Object::new(Kind::ENDPOINTS, service.namespace(), service.name()),
        };
        let counted: usize = subsets.iter().map(|s| s.get("addresses").map_or(0, |a| a.items().len())).sum();
        e.unset(&["subsets"]);
        if !subsets.is_empty() {
            e.set(&["subsets"], subsets);
        }
        e.unset(&["metadata", "labels"]);
        if !labels.is_empty() {
            e.set(&["metadata", "labels"], labels);
        }
        e.set(&["metadata", "annotations", TRIGGER], service::trigger_time(&service, &pods).rfc3339());
        kit.decide(key, "UpdateEndpoints", map! { "ready" => counted as u64, "pods" => pods.len() as u64 });
        let existed = i64::from(current.is_some());
        let objects = vec![Arc::new(e.clone())];
        let request = if existed == 1 { Request::update(e) } else { Request::create(e) };
        Next::Ask(vec![request], Step { objects, number: existed, ..Step::at("written") })
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl EndpointsController {
    fn written(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let (Some(reply), Some(e)) = (step.replies.first(), step.objects.first()) else { return Next::Retry };
        if succeeded(reply) {
            if let Ok(Response::Object(new)) = reply {
                self.stale.push((key.clone(), new.resource_version));
            }
            return Next::Done;
        }
        let (reason, what) = match step.number {
            1 => ("FailedToUpdateEndpoint", "update"),
            _ => ("FailedToCreateEndpoint", "create"),
        };
        let (namespace, name) = (e.namespace(), e.name());
        let message = ecow::eco_format!("Failed to {what} endpoint {namespace}/{name}: {}", error_text(reply));
        kit.event(Note { about: e.clone(), kind: "Warning", reason, message });
        Next::Retry
    }
}

/// Addresses grouped by the ports they serve.
fn subsets(kit: &Kit<'_, '_>, service: &Object, pods: &[Arc<Object>]) -> Vec<Value> {
    // Ports as JSON → (ports, ready, not ready); the text orders them.
    let mut groups: BTreeMap<String, (Vec<Value>, [BTreeMap<Str, Value>; 2])> = BTreeMap::new();
    let unready_too = publishes_not_ready(service);
    for p in pods {
        if meta::deleting(p) && !unready_too {
            continue;
        }
        let mut address = map! {
            "ip" => pod::pod_ip(p), "nodeName" => pod::node_name(p), "targetRef" => target_ref(p, !kit.modern()),
        };
        if let Some(host) = hostname(p, service) {
            address.insert("hostname", host);
        }
        let ports: Vec<Value> = service
            .items(&["spec", "ports"])
            .iter()
            .filter_map(|port| Some(mapped(port, target_port(p, port)?)))
            .collect();
        if ports.is_empty() && !(headless(service) && service.items(&["spec", "ports"]).is_empty()) {
            continue;
        }
        let key = Value::from(ports.clone()).to_json();
        let side = usize::from(!(pod::ready(p) || unready_too));
        let group = groups.entry(key).or_insert_with(|| (ports, Default::default()));
        group.1[side].insert(pod::pod_ip(p).into(), Value::Map(address));
    }
    let subset = |(ports, [ready, unready]): (Vec<Value>, [BTreeMap<Str, Value>; 2])| {
        let mut s = Map::new();
        for (field, side) in [("addresses", ready), ("notReadyAddresses", unready)] {
            if !side.is_empty() {
                s.insert(field, side.into_values().collect::<Vec<_>>());
            }
        }
        if !ports.is_empty() {
            s.insert("ports", ports);
        }
        Value::Map(s)
    };
    groups.into_values().map(subset).collect()
}

fn mapped(port: &Value, number: i64) -> Value {
    let mut m = map! { "port" => number, "protocol" => protocol(port) };
    for field in ["name", "appProtocol"] {
        if !port.str(field).is_empty() {
            m.insert(field, port.str(field));
        }
    }
    Value::Map(m)
}

/// Equal but for the pods' resourceVersions: those alone are no reason to write.
fn same_subsets(a: &[Value], b: &[Value]) -> bool {
    let strip = |subsets: &[Value]| -> Vec<Value> {
        let mut out = subsets.to_vec();
        for s in &mut out {
            for side in ["addresses", "notReadyAddresses"] {
                if s.get(side).is_some() {
                    for address in s.entry(&[side]).make_list().items_mut() {
                        if address.get("targetRef").is_some() {
                            address.entry(&["targetRef"]).make_map().remove("resourceVersion");
                        }
                    }
                }
            }
        }
        out
    };
    strip(a) == strip(b)
}
