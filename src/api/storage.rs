//! Which volume suits which claim.
//! Models pkg/volume/util FindMatchingVolume and checkVolumeSatisfyClaim.

use std::sync::Arc;

use super::quantity::Quantity;
use super::selector::LabelSelector;
use super::{Object, Value, meta};

/// The storage class that a volume or a claim names.
pub fn class_of(o: &Object) -> &str {
    meta::annotation(o, "volume.beta.kubernetes.io/storage-class")
        .unwrap_or_else(|| o.str(&["spec", "storageClassName"]))
}

fn size(o: &Object, path: &[&str]) -> i64 {
    o.get(path).and_then(Quantity::of).map_or(0, Quantity::value)
}

/// Whether the volume is nobody's.
pub fn free(volume: &Object) -> bool {
    volume.get(&["spec", "claimRef"]).is_none_or(Value::is_null)
}

/// Whether the volume is kept for the claim, by name or by UID.
pub fn kept_for(volume: &Object, claim: &Object) -> bool {
    let Some(r) = volume.get(&["spec", "claimRef"]).filter(|r| !r.is_null()) else { return false };
    let uid = r.str("uid");
    r.str("name") == claim.name()
        && r.str("namespace") == claim.namespace()
        && (uid.is_empty() || uid == meta::uid(claim))
}

/// Whether the volume is what the claim asks for.
pub fn fits(volume: &Object, claim: &Object) -> bool {
    let modes = volume.items(&["spec", "accessModes"]);
    let mode = |o: &'_ Object| o.str(&["spec", "volumeMode"]) == "Block";
    let selector = claim.get(&["spec", "selector"]).filter(|s| !s.is_null()).map(LabelSelector::of_value);
    size(volume, &["spec", "capacity", "storage"]) >= size(claim, &["spec", "resources", "requests", "storage"])
        && claim.items(&["spec", "accessModes"]).iter().all(|m| modes.contains(m))
        && class_of(volume) == class_of(claim)
        && mode(volume) == mode(claim)
        && selector.is_none_or(|s| s.matches(meta::labels(volume)))
}

/// The smallest free volume that fits; one kept for the claim goes first.
pub fn best_match<'a>(volumes: impl Iterator<Item = &'a Arc<Object>>, claim: &Object) -> Option<Arc<Object>> {
    let mut best: Option<(i64, Arc<Object>)> = None;
    for v in volumes.filter(|v| !meta::deleting(v)) {
        if kept_for(v, claim) {
            return Some(v.clone());
        }
        // One that its controller has not looked at yet would make for conflicts.
        let usable = v.str(&["status", "phase"]) == "Available";
        if !free(v) || !usable || !fits(v, claim) {
            continue;
        }
        let size = size(v, &["spec", "capacity", "storage"]);
        if best.as_ref().is_none_or(|(least, _)| size < *least) {
            best = Some((size, v.clone()));
        }
    }
    best.map(|(_, v)| v)
}
