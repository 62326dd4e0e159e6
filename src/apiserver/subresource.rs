//! Subresources other than status: binding, eviction, scale, finalize.

use std::sync::Arc;

use super::rest::{self, find};
use super::{Call, strategy};
use crate::api::managed::Managed;
use crate::api::{
    Kind, Object, ObjectKey, Profile, Reason, Response, Status, Value, Verb, budget, codec, defaults, meta, patch, pod,
};
use crate::base::{Duration, Str, base64};

pub fn execute(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    if request.is_review() {
        return super::review::execute(call);
    }
    if request.subresource == "scale" && !request.kind.info().subresources.contains(&"scale") {
        return Err(super::custom::no_such());
    }
    match (request.kind, request.subresource.as_str(), request.verb) {
        (Kind::CUSTOM_RESOURCE_DEFINITION, "discovery", Verb::List) => rest::list(call),
        (Kind::POD, "binding", Verb::Create) => bind(call),
        (Kind::POD, "eviction", Verb::Create) => evict(call),
        (Kind::POD, "ephemeralcontainers", Verb::Get | Verb::Update | Verb::Patch)
            if call.profile == Profile::Modern =>
        {
            ephemeral(call)
        }
        (_, "scale", Verb::Get) => {
            Ok(Response::Object(Arc::new(scale_of(call, &*find(call, &rest::key_of(request))?))))
        }
        (_, "scale", Verb::Update | Verb::Patch) => scale(call),
        (Kind::SERVICE_ACCOUNT, "token", Verb::Create) => token(call),
        (Kind::NAMESPACE, "finalize", Verb::Update) => finalize(call),
        (Kind::CERTIFICATE_SIGNING_REQUEST, "approval", Verb::Update) => {
            let object = rest::request_object(call.request, call.profile)?;
            rest::update(call, object).map(Response::Object)
        }
        _ => Err(Status::new(Reason::NotFound, "the server could not find the requested resource")),
    }
}

/// A token of a service account, for a while. Nothing is stored, and the signature is random bytes.
/// Models registry/core/serviceaccount/storage TokenREST.
fn token(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    const HOUR: i64 = 3_600;
    let key = rest::key_of(call.request);
    let account = find(call, &key)?;
    let asked = call.request.body.clone().unwrap_or_default();
    let seconds = asked.at(&["spec", "expirationSeconds"]).and_then(Value::as_int).unwrap_or(HOUR);
    let wrong = match seconds {
        ..600 => Some("may not specify a duration less than 10 minutes"),
        4_294_967_297.. => Some("may not specify a duration larger than 2^32 seconds"),
        _ => None,
    };
    if let Some(why) = wrong {
        let message = ecow::eco_format!(
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: {seconds}: {why}"
        );
        return Err(Status::new(Reason::Invalid, message));
    }
    let audience = "https://kubernetes.default.svc.cluster.local";
    let audiences = asked.at(&["spec", "audiences"]).filter(|a| !a.items().is_empty()).cloned();
    let audiences = audiences.unwrap_or_else(|| list![audience].into());
    let (now, uid) = (call.now(), meta::uid(&account));
    let begins = now.unix_s() as i64;
    let claims = map! {
        "aud" => audiences.clone(),
        "exp" => begins + seconds,
        "iat" => begins,
        "iss" => audience,
        "jti" => call.ctx.rng.uuid(),
        "kubernetes.io" => map! {
            "namespace" => &key.namespace,
            "serviceaccount" => map! { "name" => &key.name, "uid" => uid },
        },
        "nbf" => begins,
        "sub" => ecow::eco_format!("system:serviceaccount:{}:{}", key.namespace, key.name),
    };
    let url = |bytes: &[u8]| base64::encode(bytes).replace('+', "-").replace('/', "_").replace('=', "");
    let signature: Vec<u8> = (0..32).flat_map(|_| call.ctx.rng.next_u64().to_be_bytes()).collect();
    let header = url(br#"{"alg":"RS256","kid":"kubedrill"}"#);
    let token = ecow::eco_format!("{header}.{}.{}", url(Value::Map(claims).to_json().as_bytes()), url(&signature));
    let mut answer = Object::new(Kind::SERVICE_ACCOUNT, &key.namespace, &key.name);
    answer.set(&["spec"], map! { "audiences" => audiences, "expirationSeconds" => seconds });
    let expires = (now + Duration::secs(seconds.unsigned_abs())).rfc3339();
    answer.set(&["status"], map! { "expirationTimestamp" => expires, "token" => token });
    Ok(Response::Object(Arc::new(answer)))
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

/// Adds containers to a pod that runs; those it has stay as they are.
/// Models registry/core/pod/storage EphemeralContainersREST.
fn ephemeral(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    let key = rest::key_of(request);
    let old = find(call, &key)?;
    if request.verb == Verb::Get {
        return Ok(Response::Object(old));
    }
    let current = old.to_value();
    let wanted = match (&request.object, &request.body) {
        (Some(object), _) => object.to_value(),
        (None, Some(body)) => patch::apply(key.kind, &current, request.patch, body, call.profile)?,
        (None, None) => return Err(Status::new(Reason::BadRequest, "the request has no Pod")),
    };
    let wanted = codec::decode_patched(key.kind, &wanted, &current, call.profile)?;
    let field = ["spec", "ephemeralContainers"];
    let new = wanted.at(&field).map_or(&[][..], Value::items);
    let had = old.items(&field);
    let kept = had.iter().zip(new).all(|(a, b)| a.str("name") == b.str("name")) && new.len() >= had.len();
    let names = pod::containers(&old).iter().chain(pod::init_containers(&old)).chain(had).map(|c| c.str("name"));
    let clash = new.iter().skip(had.len()).find(|c| names.clone().any(|n| n == c.str("name")));
    let why = match clash {
        _ if !kept => Some(ecow::eco_format!(
            "Forbidden: existing ephemeral containers \"{}\" may not be removed",
            had.first().map_or("", |c| c.str("name"))
        )),
        Some(c) => Some(ecow::eco_format!("Duplicate value: \"{}\"", c.str("name"))),
        None => {
            let unknown = new
                .iter()
                .skip(had.len())
                .map(|c| c.str("targetContainerName"))
                .find(|t| !t.is_empty() && !names.clone().any(|n| n == *t));
            unknown.map(|t| ecow::eco_format!("Not found: \"{t}\""))
        }
    };
    if let Some(why) = why {
        let message = ecow::eco_format!("Pod \"{}\" is invalid: spec.ephemeralContainers: {why}", key.name);
        return Err(Status::about(&key, Reason::Invalid, message));
    }
    let mut object = (*old).clone();
    object.set(&field, new.to_vec());
    defaults::apply(&mut object, call.profile);
    if object.body == old.body {
        return Ok(Response::Object(old));
    }
    strategy::bump_generation(call.profile, &mut object);
    super::managed::updated(call, &old, &mut object);
    Ok(Response::Object(call.put(object)))
}

/// Deletes a pod on behalf of drain, if its disruption budget lets it go.
/// Models registry/core/pod/storage EvictionREST.
fn evict(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let old = find(call, &rest::key_of(call.request))?;
    // One that does not run, or goes already, disrupts nothing.
    if !pod::terminal(&old) && pod::phase(&old) != "Pending" && !meta::deleting(&old) {
        disrupt(call, &old)?;
    }
    rest::delete_object(call, &old)?;
    Ok(Response::Done)
}

/// Takes one disruption from the pod's budget.
fn disrupt(call: &mut Call<'_, '_>, p: &Object) -> Result<(), Status> {
    let modern = call.profile == crate::sim::Profile::Modern;
    let all = call.data().list(Kind::POD_DISRUPTION_BUDGET, p.namespace(), None);
    let budgets: Vec<Arc<Object>> = all.filter(|b| budget::covers(b, p, modern)).cloned().collect();
    let budget = match &budgets[..] {
        [] => return Ok(()),
        [one] => one,
        _ => {
            let message =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(Reason::InternalError, message));
        }
    };
    let n = |field: &str| budget.int(&["status", field]).unwrap_or(0);
    let mut next = (**budget).clone();
    if n("observedGeneration") < meta::generation(budget) || n("disruptionsAllowed") <= 0 {
        let message = "Cannot evict pod as it would violate the pod's disruption budget.";
        return Err(Status::new(Reason::TooManyRequests, message));
    }
    next.set(&["status", "disruptionsAllowed"], n("disruptionsAllowed") - 1);
    next.set(&["status", "disruptedPods", p.name()], call.now().rfc3339());
    call.put(next);
    Ok(())
}

/// The Scale that stands for a workload.
fn scale_of(call: &Call<'_, '_>, object: &Object) -> Object {
    let custom = super::custom::scale_paths(call, object.kind());
    let n = |part: usize| {
        let own: Vec<&str> = match &custom {
            Some(paths) => paths[part].iter().map(Str::as_str).collect(),
            None => vec![["spec", "status"][part], "replicas"],
        };
        object.int(&own).unwrap_or(0)
    };
    let selector = object.get(&["spec", "selector"]).cloned().unwrap_or_default();
    let labels = selector.get("matchLabels").unwrap_or(&selector).clone();
    let terms: Vec<String> =
        labels.as_map().into_iter().flat_map(|m| m.iter()).map(|(k, v)| format!("{k}={}", v.as_str())).collect();
    let metadata = ["name", "namespace", "uid", "creationTimestamp"]
        .into_iter()
        .filter_map(|field| Some((Str::from(field), object.get(&["metadata", field])?.clone())));
    let body = map! {
        "metadata" => Value::Map(metadata.collect()),
        "spec" => map! { "replicas" => n(0) },
        "status" => map! {
            "replicas" => n(1),
            "selector" => match &custom {
                Some(paths) if !paths[2].is_empty() => {
                    object.str(&paths[2].iter().map(Str::as_str).collect::<Vec<_>>()).to_owned()
                }
                _ => terms.join(","),
            },
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
        match super::custom::scale_paths(call, key.kind) {
            Some([path, ..]) if !path.is_empty() => {
                object.set(&path.iter().map(Str::as_str).collect::<Vec<_>>(), replicas);
            }
            _ => object.set(&["spec", "replicas"], replicas),
        }
    }
    let after = rest::finish_update(call, &old, object)?;
    Ok(Response::Object(Arc::new(scale_of(call, &after))))
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
