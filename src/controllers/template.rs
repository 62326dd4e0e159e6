//! Pods from templates.
//! Models pkg/controller/controller_utils.go (GetPodFromTemplate). Their hashes: [`crate::api::hash`].

use crate::api::{Kind, Map, Object, Value, meta};
use crate::base::Str;

/// A pod as `owner` creates it from a PodTemplateSpec: named by the server after the owner.
pub fn pod_from(owner: &Object, template: &Value) -> Object {
    let mut pod = Object::new(Kind::POD, owner.namespace(), "");
    let mut metadata = Map::new();
    for field in ["annotations", "finalizers", "labels"] {
        if let Some(v) = template.at(&["metadata", field]) {
            metadata.insert(field, v.clone());
        }
    }
    metadata.insert("generateName", generate_name(owner.name()));
    metadata.insert("namespace", owner.namespace());
    metadata.insert("ownerReferences", list![meta::controller_ref(owner)]);
    pod.body.insert("metadata", metadata);
    pod.body.insert("spec", template.get("spec").cloned().unwrap_or_default());
    pod
}

/// The owner's name and a dash, unless that would be no valid name.
pub fn generate_name(owner: &str) -> Str {
    ecow::eco_format!("{owner}-")
}

/// Whether two templates are equal but for the `pod-template-hash` label.
pub fn same(a: &Value, b: &Value) -> bool {
    let strip = |t: &Value| {
        let mut t = t.clone();
        if t.at(&["metadata", "labels", HASH_LABEL]).is_some() {
            t.entry(&["metadata", "labels"]).make_map().remove(HASH_LABEL);
        }
        // Absent and null creationTimestamp, and absent and empty labels, are one.
        if let Some(m) = t.get("metadata").and_then(Value::as_map).cloned() {
            let kept: Map = m
                .iter()
                .filter(|(_, v)| !v.is_null() && v.as_map().is_none_or(|m| !m.is_empty()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            *t.entry(&["metadata"]) = Value::Map(kept);
        }
        t
    };
    strip(a) == strip(b)
}

pub const HASH_LABEL: &str = "pod-template-hash";
