//! EndpointSlices: the addresses behind a Service in slices of at most 100.
//! Models pkg/controller/endpointslice. Not modelled: topology hints; several address families.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::service::{hostname, pods, protocol, publishes_not_ready, selector, target_port, target_ref};
use super::{Controller, Kit, Next, Op, Step, service};
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta, pod};
use crate::base::Str;
use crate::sim::informer::Delta;

const PER_SLICE: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

#[derive(Clone, Debug, Default)]
pub struct EndpointSlices;

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "endpoint-slice-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::SERVICE, Kind::POD, Kind::ENDPOINT_SLICE]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::POD => service::touched(kit, delta).into_iter().for_each(|key| kit.enqueue(key)),
            Kind::SERVICE => kit.enqueue(delta.key.clone()),
            _ => {
                let Some(slice) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
                // Also for one that a sync wrote and the next one did not see yet.
                if meta::label(slice, MANAGED_BY) == Some(MANAGER) {
                    let name = meta::label(slice, SERVICE_NAME).unwrap_or("");
                    kit.enqueue(ObjectKey::new(Kind::SERVICE, slice.namespace().clone(), name));
                }
            }
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        // A deleted service's slices are garbage: they are owned by it.
        let Some(service) = kit.get(key).filter(|s| !meta::deleting(s)).cloned() else { return Next::Done };
        let Some(selector) = selector(&service) else { return Next::Done };
        if service.str(&["spec", "type"]) == "ExternalName" {
            return Next::Done;
        }
        let pods = pods(kit, &service, &selector);
        let wanted = grouped(kit, &service, &pods);
        let mine: Vec<Arc<Object>> = kit
            .dependents(meta::uid(&service), Kind::ENDPOINT_SLICE)
            .filter(|s| meta::label(s, MANAGED_BY) == Some(MANAGER) && !meta::deleting(s))
            .cloned()
            .collect();
        let ops = reconcile(kit, &service, &pods, wanted, mine);
        Next::Run(ops)
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Endpoints by the ports they serve.
type Groups = BTreeMap<String, (Vec<Value>, Vec<Value>)>;

fn grouped(kit: &Kit<'_, '_>, service: &Object, pods: &[Arc<Object>]) -> Groups {
    let mut groups = Groups::new();
    for p in pods {
        if meta::deleting(p) && !kit.modern() && !publishes_not_ready(service) {
            continue;
        }
        let ports: Vec<Value> = service
            .items(&["spec", "ports"])
            .iter()
            .filter_map(|port| {
                let number = target_port(p, port)?;
                let mut m = map! { "name" => port.str("name"), "port" => number, "protocol" => protocol(port) };
                if !port.str("appProtocol").is_empty() {
                    m.insert("appProtocol", port.str("appProtocol"));
                }
                Some(Value::Map(m))
            })
            .collect();
        let key = Value::from(ports.clone()).to_json();
        groups.entry(key).or_insert_with(|| (ports, Vec::new())).1.push(endpoint(kit, service, p));
    }
    if groups.is_empty() {
        // An empty slice says that the service was looked at.
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    groups
}

fn endpoint(kit: &Kit<'_, '_>, service: &Object, p: &Object) -> Value {
    let (ready, deleting) = (pod::ready(p), meta::deleting(p));
    let mut conditions = map! { "ready" => publishes_not_ready(service) || ready && !deleting };
    let mut e = map! { "addresses" => list![pod::pod_ip(p)], "targetRef" => target_ref(p, !kit.modern()) };
    if kit.modern() {
        conditions.insert("serving", ready);
        conditions.insert("terminating", deleting);
        e.insert("nodeName", pod::node_name(p));
    } else {
        e.insert("topology", map! { "kubernetes.io/hostname" => pod::node_name(p) });
    }
    if let Some(host) = hostname(p, service) {
        e.insert("hostname", host);
    }
    e.insert("conditions", conditions);
    Value::Map(e)
}

fn address(e: &Value) -> &str {
    e.get("addresses").and_then(|a| a.items().first()).map_or("", Value::as_str)
}

/// Keeps endpoints in the slices they are in, fills what is free, makes and deletes slices.
fn reconcile(
    kit: &mut Kit<'_, '_>,
    service: &Arc<Object>,
    pods: &[Arc<Object>],
    wanted: Groups,
    mine: Vec<Arc<Object>>,
) -> VecDeque<Op> {
    let mut ops = VecDeque::new();
    let trigger = service::trigger_time(service, pods).rfc3339();
    let empty_service = wanted.values().all(|(_, endpoints)| endpoints.is_empty());
    let mut left = mine;
    for (ports_text, (ports, endpoints)) in wanted {
        let fits = |s: &Arc<Object>| {
            empty_service
                || Value::from(s.items(&["ports"]).to_vec()).to_json() == ports_text
                || s.items(&["endpoints"]).is_empty()
        };
        let (have, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(fits);
        left = rest;
        let mut by_address: BTreeMap<Str, Value> =
            endpoints.iter().map(|e| (Str::from(address(e)), e.clone())).collect();
        let mut slices: Vec<(Option<Arc<Object>>, Vec<Value>)> = Vec::new();
        for s in have {
            let kept = s.items(&["endpoints"]).iter().filter_map(|e| by_address.remove(address(e))).collect();
            slices.push((Some(s), kept));
        }
        // New ones in the order of the pods, into the first slice with room.
        for e in endpoints.iter().filter(|e| by_address.contains_key(address(e))) {
            match slices.iter_mut().find(|(_, list)| list.len() < PER_SLICE) {
                Some((_, list)) => list.push(e.clone()),
                None => slices.push((None, vec![e.clone()])),
            }
        }
        if slices.is_empty() {
            slices.push((None, Vec::new()));
        }
        // One slice may be empty, if it is the only one.
        let mut others = slices.len();
        for (slice, list) in slices {
            if list.is_empty() && others > 1 {
                others -= 1;
                let cause = kit.ctx.cause;
                let delete = slice.map(|s| Op::new(Request::delete(&s.key), cause).tolerate(&[Reason::NotFound]));
                ops.extend(delete);
            } else {
                write(kit, service, slice, (&ports, list), &trigger, &mut ops);
            }
        }
    }
    for s in left {
        ops.push_back(Op::new(Request::delete(&s.key), kit.ctx.cause).tolerate(&[Reason::NotFound]));
    }
    ops
}

fn write(
    kit: &mut Kit<'_, '_>,
    service: &Arc<Object>,
    slice: Option<Arc<Object>>,
    (ports, endpoints): (&[Value], Vec<Value>),
    trigger: &Str,
    ops: &mut VecDeque<Op>,
) {
    let Some(slice) = slice else {
        let cause = kit.decide(&service.key, "CreateEndpointSlice", map! { "endpoints" => endpoints.len() as u64 });
        let mut new = blank(service);
        new.set(&["metadata", "annotations", TRIGGER], trigger.clone());
        set(&mut new, ports, endpoints);
        ops.push_back(Op::new(Request::create(new), cause));
        return;
    };
    let mut updated = (*slice).clone();
    set(&mut updated, ports, endpoints);
    let same = |o: &Object| (o.get(&["endpoints"]).cloned(), o.get(&["ports"]).cloned());
    if same(&updated) == same(&slice) {
        return;
    }
    updated.set(&["metadata", "annotations", TRIGGER], trigger.clone());
    let count = updated.items(&["endpoints"]).len() as u64;
    let cause = kit.decide(&service.key, "UpdateEndpointSlice", map! { "slice" => slice.name(), "endpoints" => count });
    ops.push_back(Op::new(Request::update(updated), cause));
}

fn set(slice: &mut Object, ports: &[Value], endpoints: Vec<Value>) {
    let list = |items: Vec<Value>| if items.is_empty() { Value::Null } else { Value::from(items) };
    if !(endpoints.is_empty() && slice.get(&["ports"]).is_some()) {
        slice.set(&["ports"], list(ports.to_vec()));
    }
    slice.set(&["endpoints"], list(endpoints));
}

fn blank(service: &Object) -> Object {
    let mut s = Object::new(Kind::ENDPOINT_SLICE, service.namespace(), "");
    s.unset(&["metadata", "name"]);
    s.set(&["metadata", "generateName"], ecow::eco_format!("{}-", service.name()));
    let mut labels: Map = meta::labels(service).cloned().unwrap_or_default();
    labels.insert(SERVICE_NAME, service.name());
    labels.insert(MANAGED_BY, MANAGER);
    if service::headless(service) {
        labels.insert("service.kubernetes.io/headless", "");
    }
    s.set(&["metadata", "labels"], labels);
    s.set(&["metadata", "ownerReferences"], list![meta::controller_ref(service)]);
    s.set(&["addressType"], "IPv4");
    s
}
