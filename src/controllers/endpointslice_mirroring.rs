//! EndpointSlices for Endpoints that nobody but a person or a program of its own writes: those of
//! services without a selector. [modern]
//! Models pkg/controller/endpointslicemirroring. Simplified: one slice per subset, without a limit.

use std::sync::Arc;

use super::{Controller, Kit, Next, Op, Step};
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta};
use crate::sim::informer::Delta;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";

#[derive(Clone, Debug, Default)]
pub struct Mirroring;

impl Controller for Mirroring {
    fn name(&self) -> &'static str {
        "endpointslicemirroring-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::ENDPOINTS, Kind::SERVICE, Kind::ENDPOINT_SLICE]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        let Some(o) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
        let name = match delta.key.kind {
            Kind::ENDPOINT_SLICE if meta::label(o, MANAGED_BY) != Some(MANAGER) => return,
            Kind::ENDPOINT_SLICE => meta::label(o, SERVICE_NAME).unwrap_or("").into(),
            // The controller of services with a selector writes those.
            Kind::ENDPOINTS if !mirrored(o) => return,
            _ => o.name().clone(),
        };
        if selected(kit, o.namespace(), &name) {
            return;
        }
        kit.enqueue(ObjectKey::new(Kind::ENDPOINTS, o.namespace().clone(), name));
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let slices: Vec<Arc<Object>> = kit
            .in_namespace(Kind::ENDPOINT_SLICE, &key.namespace)
            .filter(|s| meta::label(s, MANAGED_BY) == Some(MANAGER) && meta::label(s, SERVICE_NAME) == Some(&key.name))
            .filter(|s| !meta::deleting(s))
            .cloned()
            .collect();
        let service = kit.named(Kind::SERVICE, &key.namespace, &key.name).is_some();
        let endpoints = kit.get(key).filter(|e| service && mirrored(e) && !meta::deleting(e)).cloned();
        let cause = kit.ctx.cause;
        let mut left = slices;
        let mut ops = Vec::new();
        for subset in endpoints.iter().flat_map(|e| e.items(&["subsets"])) {
            let Some(e) = endpoints.as_ref() else { break };
            let (ports, addresses) = (ports(subset), addresses(subset));
            let at = left.iter().position(|s| s.items(&["ports"]) == &ports[..]);
            match at.map(|i| left.remove(i)) {
                Some(slice) if slice.items(&["endpoints"]) == &addresses[..] => {}
                Some(slice) => {
                    let mut updated = (*slice).clone();
                    updated.set(&["endpoints"], addresses);
                    ops.push(Op::new(Request::update(updated), cause));
                }
                None => {
                    let mut new = blank(e);
                    new.set(&["endpoints"], addresses);
                    new.set(&["ports"], ports);
                    let cause = kit.decide(key, "MirrorEndpoints", e.name().as_str());
                    ops.push(Op::new(Request::create(new), cause));
                }
            }
        }
        ops.extend(left.iter().map(|s| Op::new(Request::delete(&s.key), cause).tolerate(&[Reason::NotFound])));
        Next::run(ops)
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Whether Endpoints are to be mirrored at all: leases of old leader elections and those that say so are not.
fn mirrored(e: &Object) -> bool {
    meta::label(e, SKIP) != Some("true")
        && meta::annotation(e, "control-plane.alpha.kubernetes.io/leader").is_none()
        && meta::label(e, "endpoints.kubernetes.io/managed-by").is_none()
}

fn selected(kit: &Kit<'_, '_>, namespace: &str, name: &str) -> bool {
    let service = kit.named(Kind::SERVICE, namespace, name);
    service.is_some_and(|s| s.get(&["spec", "selector"]).and_then(Value::as_map).is_some_and(|m| !m.is_empty()))
}

fn ports(subset: &Value) -> Vec<Value> {
    let all = subset.get("ports").map_or(&[][..], Value::items);
    all.iter()
        .map(|p| {
            let protocol = if p.str("protocol").is_empty() { "TCP" } else { p.str("protocol") };
            let mut port = map! { "name" => p.str("name"), "protocol" => protocol };
            port.insert("port", p.get("port").cloned().unwrap_or_default());
            Value::Map(port)
        })
        .collect()
}

fn addresses(subset: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for (field, ready) in [("addresses", true), ("notReadyAddresses", false)] {
        for a in subset.get(field).map_or(&[][..], Value::items) {
            let mut e = map! { "addresses" => list![a.str("ip")], "conditions" => map! { "ready" => ready } };
            for field in ["hostname", "nodeName", "targetRef"] {
                if let Some(value) = a.get(field) {
                    e.insert(field, value.clone());
                }
            }
            out.push(Value::Map(e));
        }
    }
    out
}

fn blank(endpoints: &Object) -> Object {
    let mut s = Object::new(Kind::ENDPOINT_SLICE, endpoints.namespace(), "");
    s.unset(&["metadata", "name"]);
    s.set(&["metadata", "generateName"], ecow::eco_format!("{}-", endpoints.name()));
    let mut labels: Map = meta::labels(endpoints).cloned().unwrap_or_default();
    labels.insert(SERVICE_NAME, endpoints.name());
    labels.insert(MANAGED_BY, MANAGER);
    s.set(&["metadata", "labels"], labels);
    s.set(&["metadata", "ownerReferences"], list![meta::controller_ref(endpoints)]);
    s.set(&["addressType"], "IPv4");
    s
}
