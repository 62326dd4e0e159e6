//! The REST verbs on stored objects.
//! Models apiserver/pkg/registry/generic/registry Store.

use std::sync::Arc;

use super::{Call, admission, allocate, custom, limits, managed, strategy, subresource};
use crate::api::request::Propagation;
use crate::api::{
    Kind, Object, ObjectKey, Profile, Reason, Request, Response, Status, Value, Verb, codec, defaults, meta, patch,
    pod, validation,
};
use crate::base::{Duration, Str, Time, base64, concat};
use crate::sim::trace::Stage;

pub fn execute(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    if !request.subresource.is_empty() && request.subresource != "status" {
        return subresource::execute(call);
    }
    match request.verb {
        Verb::Get => Ok(Response::Object(find(call, &key_of(request))?)),
        Verb::List => list(call),
        Verb::Create => create(call, request_object(request, call.profile)?).map(Response::Object),
        Verb::Update => update(call, request_object(request, call.profile)?).map(Response::Object),
        Verb::Patch => patch_object(call),
        Verb::Delete => delete(call, &key_of(request)),
        Verb::DeleteCollection => delete_collection(call),
        Verb::Watch => Err(Status::new(Reason::MethodNotAllowed, "watches are opened apart")),
    }
}

pub fn key_of(request: &Request) -> ObjectKey {
    ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone())
}

pub fn find(call: &Call<'_, '_>, key: &ObjectKey) -> Result<Arc<Object>, Status> {
    call.data().get(key).cloned().ok_or_else(|| Status::not_found(key))
}

/// The object a Create or Update carries.
pub fn request_object(request: &Request, profile: Profile) -> Result<Object, Status> {
    if let Some(object) = &request.object {
        return Ok((**object).clone());
    }
    match &request.body {
        Some(body @ Value::Map(_)) => {
            let (value, _) = codec::decode(request.kind, body, profile, request.field_validation)?;
            Ok(Object::from_value(request.kind, &value))
        }
        _ => Err(Status::new(Reason::BadRequest, "the request has no object")),
    }
}

pub fn list(call: &Call<'_, '_>) -> Result<Response, Status> {
    let r = call.request;
    let (mut resource_version, mut after) = (call.data().revision(), None);
    if !r.continue_token.is_empty() {
        let (revision, key) = continued(r, call.profile)?;
        (resource_version, after) = (revision, Some(key));
    }
    let mut items: Vec<Arc<Object>> = Vec::new();
    let wanted = |o: &Object| r.fields.matches(o) && (r.labels.is_empty() || r.labels.matches(meta::labels(o)));
    let mut found = call.data().list(r.kind, &r.namespace, after.as_ref()).filter(|o| wanted(o));
    let mut more = 0;
    for object in found.by_ref() {
        if r.limit > 0 && items.len() == r.limit as usize {
            more = 1;
            break;
        }
        items.push(object.clone());
    }
    let mut continue_token = Str::new();
    if more > 0 {
        let selects = !r.fields.is_empty() || !r.labels.is_empty();
        more = if selects { 0 } else { 1 + found.count() };
        let last = items.last().map(|o| o.key.clone());
        continue_token = last.map_or(Str::new(), |key| token(&key, r, resource_version, call.profile));
    }
    Ok(Response::List { items, resource_version, continue_token, remaining: more })
}

/// Where the next page begins. Models apiserver/pkg/storage/continue.go.
fn token(last: &ObjectKey, r: &Request, revision: u64, profile: Profile) -> Str {
    // A list of everything begins behind the kind's folder, one of a namespace behind the namespace's.
    let place = match last.namespace.is_empty() || !r.namespace.is_empty() {
        true => last.name.to_string(),
        false => format!("{}/{}", last.namespace, last.name),
    };
    let slash = if profile == Profile::Modern { "/" } else { "" };
    let text = format!("{{\"v\":\"meta.k8s.io/v1\",\"rv\":{revision},\"start\":\"{slash}{place}\\u0000\"}}");
    let encoded = base64::encode(text.as_bytes()).replace('+', "-").replace('/', "_");
    encoded.trim_end_matches('=').into()
}

/// The revision of the first page, and the last object of the one before.
fn continued(r: &Request, profile: Profile) -> Result<(u64, ObjectKey), Status> {
    let refused = || Status::new(Reason::BadRequest, "continue key is not valid: illegal base64 data at input byte 0");
    let mut text = r.continue_token.as_str().replace('-', "+").replace('_', "/");
    text += &"=".repeat((4 - text.len() % 4) % 4);
    let json = base64::decode(&text).and_then(|b| String::from_utf8(b).ok()).ok_or_else(refused)?;
    let token = Value::from_json(&json).map_err(|_| refused())?;
    let revision = token.get("rv").and_then(Value::as_int).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let slash = if profile == Profile::Modern { "/" } else { "" };
    let start = token.str("start").trim_end_matches('\0').strip_prefix(slash).unwrap_or_default().to_owned();
    let key = match start.split_once('/').filter(|_| r.namespace.is_empty()) {
        Some((namespace, name)) => ObjectKey::new(r.kind, namespace, name),
        None => ObjectKey::new(r.kind, r.namespace.clone(), start),
    };
    Ok((revision, key))
}

pub fn create(call: &mut Call<'_, '_>, mut object: Object) -> Result<Arc<Object>, Status> {
    let request = call.request;
    let namespace_given = object.key.namespace.clone();
    if object.kind().namespaced() {
        if !namespace_given.is_empty() && !request.namespace.is_empty() && namespace_given != request.namespace {
            let message = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Status::new(Reason::BadRequest, message));
        }
        if namespace_given.is_empty() {
            object.key.namespace = request.namespace.clone();
            object.set(&["metadata", "namespace"], &request.namespace);
        }
    } else {
        object.key.namespace = Str::new();
        object.unset(&["metadata", "namespace"]);
    }
    custom::arrange(call, &mut object)?;
    if object.kind() == Kind::CUSTOM_RESOURCE_DEFINITION {
        custom::default_names(&mut object);
    }
    name_object(call, &mut object);
    defaults::apply(&mut object, call.profile);
    managed::created(call, &mut object);
    strategy::prepare_create(call, &mut object);
    admission::create(call, &mut object)?;
    call.stage = Stage::Validation;
    // A Service's addresses and ports: before validation now, after it in 1.20, before the name is looked up in both.
    let early = call.profile == Profile::Modern;
    if early {
        allocate::create(call, &mut object)?;
    }
    validation::check_create(&object, call.profile)?;
    custom::judge(call, &object)?;
    if !early {
        allocate::create(call, &mut object)?;
    }
    call.stage = Stage::ValidatingAdmission;
    admission::validate_create(call, &object)?;
    call.stage = Stage::Storage;
    if call.data().get(&object.key).is_some() {
        return Err(Status::already_exists(&object.key));
    }
    limits::charge(call, None, &object)?;
    Ok(call.put(object))
}

/// Fills a generated name, uid and creation time.
fn name_object(call: &mut Call<'_, '_>, object: &mut Object) {
    let base = Str::from(object.str(&["metadata", "generateName"]));
    if object.key.name.is_empty() && !base.is_empty() {
        // Upstream cuts the base so that the whole stays within 63 characters.
        let base: String = base.chars().take(58).collect();
        object.key.name = concat(&[&base, &call.ctx.rng.name_suffix(5)]);
        let name = object.key.name.clone();
        object.set(&["metadata", "name"], name);
    }
    object.resource_version = 0;
    let uid = call.ctx.rng.uuid();
    let created = call.now().rfc3339();
    let metadata = object.entry(&["metadata"]).make_map();
    metadata.insert("uid", uid);
    metadata.insert("creationTimestamp", created);
    for owned_by_server in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        metadata.remove(owned_by_server);
    }
}

/// Replaces an object; the part that the request may not touch (status, or all but status) stays.
pub fn update(call: &mut Call<'_, '_>, mut object: Object) -> Result<Arc<Object>, Status> {
    if object.kind().namespaced() && object.key.namespace.is_empty() {
        object.key.namespace = call.request.namespace.clone();
        object.set(&["metadata", "namespace"], &call.request.namespace);
    }
    let old = find(call, &object.key)?;
    if object.resource_version != 0 && object.resource_version != old.resource_version {
        return Err(Status::conflict(&object.key));
    }
    let sent_uid = meta::uid(&object);
    if !sent_uid.is_empty() && sent_uid != meta::uid(&old) {
        let message = ecow::eco_format!(
            "Operation cannot be fulfilled on {} \"{}\": StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {sent_uid}, UID in object meta: {}",
            object.kind().group_resource(),
            object.key.name,
            crate::etcd::registry_path(&object.key),
            meta::uid(&old)
        );
        return Err(Status::about(&object.key, Reason::Conflict, message));
    }
    finish_update(call, &old, object)
}

/// The common end of updates and patches.
pub fn finish_update(call: &mut Call<'_, '_>, old: &Arc<Object>, mut object: Object) -> Result<Arc<Object>, Status> {
    object.resource_version = old.resource_version;
    let status_only = matches!(call.request.subresource.as_str(), "status" | "approval");
    if !status_only {
        defaults::apply(&mut object, call.profile);
        if object.kind() == Kind::CUSTOM_RESOURCE_DEFINITION {
            custom::default_names(&mut object);
        }
    }
    custom::arrange(call, &mut object)?;
    managed::updated(call, old, &mut object);
    strategy::prepare_update(call, old, &mut object, status_only);
    admission::update(call, old, &mut object)?;
    call.stage = Stage::Validation;
    if !status_only {
        validation::check_update(&object, old, call.profile)?;
        custom::judge(call, &object)?;
        allocate::update(call, old, &mut object)?;
    }
    call.stage = Stage::Storage;
    if !status_only && matches!(object.kind(), Kind::SERVICE | Kind::PERSISTENT_VOLUME_CLAIM) {
        limits::charge(call, Some(old), &object)?;
    }
    if object.body == old.body && object.managed.same_owners(&old.managed) {
        return Ok(old.clone()); // upstream writes nothing when nothing changes
    }
    if meta::deleting(&object) && meta::finalizers(&object).is_empty() && !waits_for_grace(&object) {
        // The last finalizer went: the object goes with it.
        let last = call.remove(&object.key);
        allocate::deleted(call, &object);
        return Ok(last.unwrap_or_else(|| Arc::new(object)));
    }
    Ok(call.put(object))
}

/// Whether graceful deletion is still running: only pods with a period left, and namespaces that
/// are not finalized.
fn waits_for_grace(object: &Object) -> bool {
    match object.kind() {
        Kind::NAMESPACE => !object.items(&["spec", "finalizers"]).is_empty(),
        _ => object.int(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0) > 0,
    }
}

fn patch_object(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    let key = key_of(request);
    let body = request.body.clone().unwrap_or_default();
    if request.patch == crate::api::request::PatchType::Apply {
        return managed::apply(call, &key, &body).map(Response::Object);
    }
    let old = find(call, &key)?;
    if key.kind.is_custom() && request.patch == crate::api::request::PatchType::StrategicMerge {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        return Err(Status::new(Reason::UnsupportedMediaType, message));
    }
    // Clients may change the record of owners itself.
    let current = if managed::named_in(&body) { old.to_wire() } else { old.to_value() };
    let patched = patch::apply(key.kind, &current, request.patch, &body, call.profile)?;
    let patched = codec::decode_patched(key.kind, &patched, &current, call.profile).map_err(|error| {
        // The error quotes the whole object, owners included.
        let mut whole = patched.clone();
        whole.entry(&["metadata"]).make_map().insert("managedFields", old.managed.encode());
        codec::patch_error(key.kind, &whole, &body, request.patch, call.profile, error)
    })?;
    let mut object = Object::from_value(key.kind, &patched);
    if object.resource_version != 0 && object.resource_version != old.resource_version {
        return Err(Status::conflict(&key));
    }
    object.key = key;
    finish_update(call, &old, object).map(Response::Object)
}

fn delete(call: &mut Call<'_, '_>, key: &ObjectKey) -> Result<Response, Status> {
    let old = find(call, key)?;
    let r = call.request;
    let uid = meta::uid(&old);
    if !r.uid.is_empty() && r.uid != uid {
        let message = ecow::eco_format!(
            "Operation cannot be fulfilled on {} \"{}\": the UID in the precondition ({}) does not match the UID in record ({uid}). The object might have been deleted and then recreated",
            key.kind.group_resource(),
            key.name,
            r.uid
        );
        return Err(Status::about(key, Reason::Conflict, message));
    }
    admission::validate_delete(call, &old)?;
    call.stage = Stage::Storage;
    delete_object(call, &old).map(Response::Object)
}

/// Begins or finishes the deletion of one object and returns its last state.
/// Models rest.BeforeDelete and Store.Delete.
pub fn delete_object(call: &mut Call<'_, '_>, old: &Arc<Object>) -> Result<Arc<Object>, Status> {
    let request = call.request;
    let grace = grace_period(request, old);
    let finalizers = finalizers_after(request, old);
    let blocked = !finalizers.is_empty() || old.kind() == Kind::NAMESPACE && waits_for_grace(old);
    if grace == 0 && !blocked {
        if old.kind() == Kind::POD && old.int(&["metadata", "deletionGracePeriodSeconds"]) != Some(0) {
            mark_at_once(call, old);
        }
        allocate::deleted(call, old);
        return Ok(call.remove(&old.key).unwrap_or_else(|| old.clone()));
    }
    let mut object = (**old).clone();
    let running = old.int(&["metadata", "deletionGracePeriodSeconds"]);
    if meta::deleting(old)
        && running.is_some_and(|left| grace >= left)
        && finalizers.len() == meta::finalizers(old).len()
    {
        return Ok(old.clone()); // already on its way, and not to be hurried
    }
    let at = call.now() + Duration::secs(grace as u64);
    if !meta::deleting(old) || grace < running.unwrap_or(0) {
        object.set(&["metadata", "deletionTimestamp"], at.rfc3339());
        object.set(&["metadata", "deletionGracePeriodSeconds"], grace);
        strategy::bump_generation(call.profile, &mut object);
    }
    if finalizers.is_empty() {
        object.unset(&["metadata", "finalizers"]);
    } else {
        object.set(&["metadata", "finalizers"], finalizers);
    }
    if old.kind() == Kind::NAMESPACE {
        object.set(&["status", "phase"], "Terminating");
    }
    Ok(call.put(object))
}

/// Kinds that can wait are told first that the wait is over: watchers see one more change.
/// Models updateForGracefulDeletionAndFinalizers.
fn mark_at_once(call: &mut Call<'_, '_>, old: &Arc<Object>) {
    let mut object = (**old).clone();
    let begun = Time::parse_rfc3339(old.str(&["metadata", "deletionTimestamp"]));
    let waited = old.int(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0).max(0) as u64;
    let at = begun.map_or_else(|| call.now(), |at| Time(at.0.saturating_sub(Duration::secs(waited).0)));
    object.set(&["metadata", "deletionTimestamp"], at.rfc3339());
    object.set(&["metadata", "deletionGracePeriodSeconds"], 0i64);
    if begun.is_none() {
        strategy::bump_generation(call.profile, &mut object);
    }
    call.put(object);
}

/// Seconds that a deletion waits for the node: only for pods that run on one.
fn grace_period(request: &Request, object: &Object) -> i64 {
    if object.kind() != Kind::POD {
        return 0;
    }
    if pod::node_name(object).is_empty() || pod::terminal(object) {
        return 0;
    }
    let own = object.int(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
    request.grace_period_s.unwrap_or(own).max(0)
}

/// The object's finalizers with what the propagation policy adds or takes away.
fn finalizers_after(request: &Request, object: &Object) -> Vec<Value> {
    const FOREGROUND: &str = "foregroundDeletion";
    const ORPHAN: &str = "orphan";
    let mut finalizers: Vec<Value> = meta::finalizers(object).to_vec();
    let wanted = match request.propagation {
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Orphan) => Some(ORPHAN),
        Some(Propagation::Background) => None,
        None => return finalizers,
    };
    finalizers.retain(|f| !matches!(f.as_str(), FOREGROUND | ORPHAN));
    finalizers.extend(wanted.map(Value::from));
    finalizers
}

fn delete_collection(call: &mut Call<'_, '_>) -> Result<Response, Status> {
    let Response::List { items, .. } = list(call)? else { return Ok(Response::Done) };
    let mut last = Vec::new();
    for object in &items {
        last.push(delete_object(call, object)?);
    }
    Ok(Response::List {
        items: last,
        resource_version: call.data().revision(),
        continue_token: Str::new(),
        remaining: 0,
    })
}
