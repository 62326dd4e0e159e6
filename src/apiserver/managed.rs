//! Recording who owns which fields, and server-side apply.
//! Models apimachinery/pkg/util/managedfields fieldmanager.go, lastapplied*.go, scalehandler.go.

use std::sync::Arc;

use super::Call;
use super::rest::{create, find, finish_update};
use crate::api::managed::{Conflict, Managed, Writer, conflict_message, fields_of};
use crate::api::{Map, Object, ObjectKey, Profile, Reason, Status, Value, codec, meta, schema};
use crate::base::Str;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The name that the request's changes go under: the one it gives, or the program's.
fn manager(call: &Call<'_, '_>) -> Str {
    let r = call.request;
    let agent = if r.field_manager.is_empty() { &r.user_agent } else { &r.field_manager };
    match agent.split_once('/') {
        _ if agent.is_empty() => "unknown".into(),
        Some((program, _)) if r.field_manager.is_empty() => program.into(),
        _ => agent.clone(),
    }
}

fn with_writer<T>(call: &Call<'_, '_>, act: impl FnOnce(Writer<'_>) -> T) -> T {
    let manager = manager(call);
    // 1.20 did not tell subresources apart.
    let recorded = if call.profile == Profile::Modern { call.request.subresource.clone() } else { Str::new() };
    act(Writer {
        manager: &manager,
        subresource: &recorded,
        status: call.request.subresource == "status",
        now: call.now(),
        profile: call.profile,
    })
}

/// Whether a patch speaks of the record itself.
pub fn named_in(patch: &Value) -> bool {
    match patch {
        Value::List(operations) => operations.iter().any(|o| o.str("path").starts_with("/metadata/managedFields")),
        other => other.at(&["metadata", "managedFields"]).is_some(),
    }
}

/// A new object: its creator owns what it says and what is filled in for it.
pub fn created(call: &mut Call<'_, '_>, object: &mut Object) {
    if call.applied.is_some() {
        return;
    }
    let (kind, manager) = (object.kind(), manager(call));
    let plain = call.request.subresource.is_empty();
    let now = call.now();
    if plain && let Some(known) = call.models.of_created(kind, &manager, &object.body, now) {
        object.managed = known;
        return;
    }
    object.managed = with_writer(call, |by| Managed::default().update(kind, &Map::new(), &object.body, by));
    object.managed.share(kind, call.models);
    if plain {
        call.models.remember(kind, manager, &object.body, &object.managed);
    }
}

/// A changed object: who changed a field owns it.
pub fn updated(call: &mut Call<'_, '_>, old: &Object, object: &mut Object) {
    let r = call.request;
    if call.applied.is_some() {
        return;
    }
    let explicit = r.body.as_ref().is_some_and(named_in);
    let mut before = if explicit { object.managed.clone() } else { old.managed.clone() };
    // Who has no record yet begins one only with an apply.
    if before.is_empty() && !explicit {
        object.managed = before;
        return;
    }
    // LimitRanger fills structs that their creator left empty.
    if meta::annotation(old, "kubernetes.io/limit-ranger").is_some() {
        before = before.reconciled(old.kind(), &old.body, call.profile);
    }
    // 1.20 kept no record of scaling.
    if r.subresource == "scale" && call.profile == Profile::Book {
        object.managed = before;
        return;
    }
    object.managed = with_writer(call, |by| before.update(object.kind(), &old.body, &object.body, by));
    object.managed.share(old.kind(), call.models);
}

/// Server-side apply.
pub fn apply(call: &mut Call<'_, '_>, key: &ObjectKey, body: &Value) -> Result<Arc<Object>, Status> {
    if body.at(&["metadata", "managedFields"]).is_some_and(|v| !v.is_null()) {
        return Err(Status::new(Reason::BadRequest, "metadata.managedFields must be nil"));
    }
    let wanted = Object::from_value(key.kind, body);
    let mut config = wanted.body.clone();
    if let Some(Value::Map(metadata)) = config.get("metadata") {
        let mut metadata = metadata.clone();
        ["uid", "creationTimestamp", "selfLink"].iter().for_each(|f| {
            metadata.remove(f);
        });
        config.insert("metadata", metadata);
    }
    unknown_fields(call, key, body, &config)?;
    let old = find(call, key).ok();
    if wanted.resource_version != 0 && old.as_ref().is_some_and(|o| o.resource_version != wanted.resource_version) {
        return Err(Status::conflict(key));
    }
    let empty = Map::new();
    let live = old.as_ref().map_or(&empty, |o| &o.body);
    let mut before = old.as_ref().map(|o| o.managed.clone()).unwrap_or_default();
    if before.is_empty() {
        // What was there without a record belongs to nobody in particular.
        let nobody = Str::from("before-first-apply");
        before = with_writer(call, |by| before.update(key.kind, &empty, live, Writer { manager: &nobody, ..by }));
    }
    let run = |force| with_writer(call, |by| before.apply(key.kind, live, &config, by, force));
    let outcome = match run(call.request.force) {
        Err(conflicts) if manager(call) == "kubectl" => {
            // kubectl takes over what it applied itself, client-side.
            let own =
                old.as_ref().and_then(|o| last_applied(o)).map(|m| fields_of(schema::of(key.kind), &m, call.profile));
            let own = own.map(|s| s.paths()).unwrap_or_default();
            let left: Vec<Conflict> = conflicts.into_iter().filter(|c| !own.contains(&c.path)).collect();
            if left.is_empty() { run(true) } else { Err(left) }
        }
        other => other,
    };
    let (mut merged, owners) = outcome.map_err(|c| conflict(&c))?;
    if let Some(old) = &old
        && manager(call) == "kubectl"
        && meta::annotation(old, LAST_APPLIED).is_some()
    {
        let text = Value::Map(without_last_applied(body)).to_json() + "\n";
        merged.entry("metadata").entry(&["annotations"]).make_map().insert(LAST_APPLIED, text);
    }
    call.applied = Some(owners.clone());
    let Some(old) = old else {
        let whole = Object { key: key.clone(), resource_version: 0, body: merged, managed: Managed::default() };
        let (value, _) = codec::decode(key.kind, &whole.to_value(), call.profile, call.request.field_validation)?;
        let object = Object { managed: owners, ..Object::from_value(key.kind, &value) };
        return create(call, object);
    };
    let current = old.to_value();
    let whole = Object { body: merged, ..(*old).clone() };
    let value = codec::decode_patched(key.kind, &whole.to_value(), &current, call.profile)?;
    let object = Object { key: key.clone(), managed: owners, ..Object::from_value(key.kind, &value) };
    finish_update(call, &old, object)
}

fn last_applied(object: &Object) -> Option<Map> {
    let value = Value::from_json(meta::annotation(object, LAST_APPLIED)?).ok()?;
    let mut map = without_last_applied(&value);
    // It is kept with an empty map of annotations, and owns the annotation itself.
    map.entry("metadata").entry(&["annotations"]).make_map().insert(LAST_APPLIED, "");
    Some(map)
}

fn without_last_applied(value: &Value) -> Map {
    let mut value = value.clone();
    if value.at(&["metadata", "annotations", LAST_APPLIED]).is_some() {
        value.entry(&["metadata", "annotations"]).make_map().remove(LAST_APPLIED);
    }
    value.as_map().cloned().unwrap_or_default()
}

/// What the schema does not know cannot be owned. Models typed.ParseableType.FromUnstructured.
fn unknown_fields(call: &Call<'_, '_>, key: &ObjectKey, body: &Value, config: &Map) -> Result<(), Status> {
    let found = crate::api::managed::undeclared(schema::of(key.kind), config, call.profile);
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(|p| format!("{p}: field not declared in schema")).collect();
    let why = match &lines[..] {
        [one] => one.clone(),
        many => format!("errors:\n{}", many.iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")),
    };
    let name = if key.namespace.is_empty() { key.name.to_string() } else { format!("{}/{}", key.namespace, key.name) };
    let text = format!(
        "failed to create typed patch object ({name}; {}, Kind={}): {why}",
        body.str("apiVersion"),
        key.kind.name()
    );
    Err(Status::new(Reason::InternalError, text))
}

fn conflict(conflicts: &[Conflict]) -> Status {
    let mut status = Status::new(Reason::Conflict, conflict_message(conflicts));
    status.causes = conflicts
        .iter()
        .map(|c| {
            let message = ecow::eco_format!("conflict with {}", c.manager);
            ("FieldManagerConflict".into(), message, c.path.as_str().into())
        })
        .collect();
    status
}
