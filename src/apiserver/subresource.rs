//! Subresources other than status: binding, eviction, scale, finalize.

use std::sync::Arc;

use super::rest::{self, find};
use super::{Call, strategy};
use crate::api::managed::Managed;
use crate::api::{Kind, Object, ObjectKey, Reason, Response, Status, Value, Verb, meta, pod};
use crate::base::Str;

pub fn execute(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    match (request.kind, request.subresource.as_str(), request.verb) {
        (Kind::POD, "binding", Verb::Create) => bind(call),
        (Kind::POD, "eviction", Verb::Create) => evict(call),
        (_, "scale", Verb::Get) => Ok(Response::Object(Arc::new(scale_of(&*find(call, &rest::key_of(request))?)))),
        (_, "scale", Verb::Update | Verb::Patch) => scale(call),
        (Kind::NAMESPACE, "finalize", Verb::Update) => finalize(call),
        (Kind::CERTIFICATE_SIGNING_REQUEST, "approval", Verb::Update) => {
            let object = rest::request_object(call.request, call.profile)?;
            rest::update(call, object).map(Response::Object)
        }
        _ => Err(Status::new(Reason::NotFound, "the server could not find the requested resource")),
    }
}

/// Assigns a pod to a node, once.
/// Models registry/core/pod/storage BindingREST.
fn bind(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let key = rest::key_of(call.request);
    let old = find(call, &key)?;
    let target =
        call.request.body.as_ref().and_then(|b| b.at(&["target", "name"])).map(Value::as_str).unwrap_or_default();
    let conflict = |why: Str| {
        let message = ecow::eco_format!("Operation cannot be fulfilled on pods/binding \"{}\": {why}", key.name);
        Err(Status::about(&key, Reason::Conflict, message))
    };
    if meta::deleting(&old) {
        return conflict(ecow::eco_format!("pod {} is being deleted, cannot be assigned to a host", key.name));
    }
    let node = pod::node_name(&old);
    if !node.is_empty() {
        return conflict(ecow::eco_format!("pod {} is already assigned to node \"{node}\"", key.name));
    }
    let mut object = (*old).clone();
    object.set(&["spec", "nodeName"], target);
    let mut condition = map! {
        "lastProbeTime" => Value::Null,
        "lastTransitionTime" => call.now().rfc3339(),
        "status" => "True",
        "type" => "PodScheduled",
    };
    if let Some(generation) = object.int(&["metadata", "generation"]) {
        condition.insert("observedGeneration", generation);
    }
    let conditions = object.entry(&["status", "conditions"]).make_list().make_mut();
    conditions.retain(|c| c.str("type") != "PodScheduled");
    conditions.push(Value::Map(condition));
    call.put(object);
    Ok(Response::Done)
}

/// Deletes a pod on behalf of drain. Disruption budgets do not hold it back yet.
fn evict(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let old = find(call, &rest::key_of(call.request))?;
    rest::delete_object(call, &old)?;
    Ok(Response::Done)
}

/// The Scale that stands for a workload.
fn scale_of(object: &Object) -> Object {
    let selector = object.get(&["spec", "selector"]).cloned().unwrap_or_default();
    let labels = selector.get("matchLabels").unwrap_or(&selector).clone();
    let terms: Vec<String> =
        labels.as_map().into_iter().flat_map(|m| m.iter()).map(|(k, v)| format!("{k}={}", v.as_str())).collect();
    let metadata = ["name", "namespace", "uid", "creationTimestamp"]
        .into_iter()
        .filter_map(|field| Some((Str::from(field), object.get(&["metadata", field])?.clone())));
    let body = map! {
        "metadata" => Value::Map(metadata.collect()),
        "spec" => map! { "replicas" => object.int(&["spec", "replicas"]).unwrap_or(0) },
        "status" => map! {
            "replicas" => object.int(&["status", "replicas"]).unwrap_or(0),
            "selector" => terms.join(","),
        },
    };
    Object { key: object.key.clone(), resource_version: object.resource_version, body, managed: Managed::default() }
}

fn scale(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    let key = rest::key_of(request);
    let old = find(call, &key)?;
    let wanted = match (&request.object, &request.body) {
        (Some(object), _) => object.to_value(),
        (None, Some(body)) => body.clone(),
        (None, None) => return Err(Status::new(Reason::BadRequest, "the request has no Scale")),
    };
    let sent = wanted.at(&["metadata", "resourceVersion"]).map(Value::as_str).unwrap_or_default();
    if !sent.is_empty() && sent != old.resource_version.to_string() {
        return Err(Status::conflict(&key));
    }
    let mut object = (*old).clone();
    if let Some(replicas) = wanted.at(&["spec", "replicas"]).and_then(Value::as_int) {
        object.set(&["spec", "replicas"], replicas);
    }
    rest::finish_update(call, &old, object).map(|o| Response::Object(Arc::new(scale_of(&o))))
}

/// The namespace controller says that a namespace is empty.
fn finalize(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let key = ObjectKey::new(Kind::NAMESPACE, "", call.request.name.clone());
    let old = find(call, &key)?;
    let mut object = (*old).clone();
    object.set(&["spec", "finalizers"], list![]);
    strategy::bump_generation(call.profile, &mut object);
    if meta::deleting(&old) && meta::finalizers(&old).is_empty() {
        call.remove(&key);
        return Ok(Response::Object(Arc::new(object)));
    }
    Ok(Response::Object(call.put(object)))
}
