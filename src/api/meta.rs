//! Accessors for `metadata`, which every kind has.

use super::{Kind, Map, Object, Value};
use crate::base::{Str, Time};

pub fn uid(o: &Object) -> &str {
    o.str(&["metadata", "uid"])
}
pub fn labels(o: &Object) -> Option<&Map> {
    o.get(&["metadata", "labels"])?.as_map()
}
pub fn label<'a>(o: &'a Object, key: &str) -> Option<&'a str> {
    Some(labels(o)?.get(key)?.as_str())
}
pub fn annotation<'a>(o: &'a Object, key: &str) -> Option<&'a str> {
    Some(o.get(&["metadata", "annotations"])?.get(key)?.as_str())
}
pub fn created(o: &Object) -> Time {
    Time::parse_rfc3339(o.str(&["metadata", "creationTimestamp"])).unwrap_or_default()
}
pub fn generation(o: &Object) -> i64 {
    o.int(&["metadata", "generation"]).unwrap_or(0)
}
/// When graceful deletion began, plus its grace period; `None` while the object is not being deleted.
pub fn deletion_timestamp(o: &Object) -> Option<Time> {
    Time::parse_rfc3339(o.str(&["metadata", "deletionTimestamp"]))
}
pub fn deleting(o: &Object) -> bool {
    o.get(&["metadata", "deletionTimestamp"]).is_some()
}
pub fn finalizers(o: &Object) -> &[Value] {
    o.items(&["metadata", "finalizers"])
}
pub fn owner_references(o: &Object) -> &[Value] {
    o.items(&["metadata", "ownerReferences"])
}
/// The owner reference with `controller: true`.
pub fn controller_of(o: &Object) -> Option<&Value> {
    owner_references(o).iter().find(|r| r.get("controller").and_then(Value::as_bool) == Some(true))
}
/// An owner reference that makes `owner` the managing controller.
pub fn controller_ref(owner: &Object) -> Value {
    Value::Map(map! {
        "apiVersion" => owner.kind().api_version(),
        "blockOwnerDeletion" => true,
        "controller" => true,
        "kind" => owner.kind().name(),
        "name" => owner.name(),
        "uid" => owner.get(&["metadata", "uid"]).cloned().unwrap_or_else(|| "".into()),
    })
}
/// The `involvedObject` of an event about `o`.
pub fn object_reference(o: &Object) -> Map {
    let mut r = map! {
        "apiVersion" => o.kind().api_version(),
        "kind" => o.kind().name(),
        "name" => o.name(),
        "resourceVersion" => ecow::eco_format!("{}", o.resource_version),
        "uid" => o.get(&["metadata", "uid"]).cloned().unwrap_or_else(|| "".into()),
    };
    if !o.namespace().is_empty() {
        r.insert("namespace", o.namespace());
    } else if o.kind() == Kind::NODE {
        // kubelet and the node controller use the node's name as its UID.
        r.insert("uid", Str::from(o.name().as_str()));
        r.remove("apiVersion");
        r.remove("resourceVersion");
    }
    r
}

/// `(status, reason, message)` of the condition `kind` in `status.conditions`.
pub fn condition<'a>(o: &'a Object, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let c = o.items(&["status", "conditions"]).iter().find(|c| c.str("type") == kind)?;
    Some((c.str("status"), c.str("reason"), c.str("message")))
}
