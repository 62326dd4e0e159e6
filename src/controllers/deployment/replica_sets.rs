//! The ReplicaSets of a Deployment: which is new, revisions, annotations.
//! Models pkg/controller/deployment/util/deployment_util.go.

use std::sync::Arc;

use super::super::template::{self, HASH_LABEL};
use super::{replicas, rolling};
use crate::api::hash::pod_template_hash;
use crate::api::{Kind, Object, Profile, Value, meta};
use crate::base::Str;
use crate::base::arrange::Arrange;

pub const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of the Deployment that its ReplicaSets do not get.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "deprecated.deployment.rollback.to",
];

/// The ReplicaSets of one Deployment.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// The one whose template is the Deployment's.
    pub new: Option<Arc<Object>>,
    pub old: Vec<Arc<Object>>,
}

impl Family {
    pub fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.old.iter().chain(&self.new)
    }
    pub fn set_new(&mut self, rs: Arc<Object>) {
        self.old.retain(|o| o.key != rs.key);
        self.new = Some(rs);
    }
}

pub fn find_family(d: &Object, mut all: Vec<Arc<Object>>) -> Family {
    all.arrange_by(|a, b| (meta::created(a), a.name()).cmp(&(meta::created(b), b.name())));
    let wanted = d.get(&["spec", "template"]).cloned().unwrap_or_default();
    let is_new = |rs: &Arc<Object>| rs.get(&["spec", "template"]).is_some_and(|t| template::same(t, &wanted));
    let new = all.iter().position(is_new).map(|i| all.remove(i));
    Family { new, old: all }
}

pub fn revision(o: &Object) -> i64 {
    meta::annotation(o, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// One more than the highest of the old ones.
fn next_revision(family: &Family) -> i64 {
    family.old.iter().map(|rs| revision(rs)).max().unwrap_or(0) + 1
}

/// The Deployment's own revision annotation; whether it changed.
pub fn set_revision(d: &mut Object, revision: &str) -> bool {
    if meta::annotation(d, REVISION) == Some(revision) {
        return false;
    }
    d.set(&["metadata", "annotations", REVISION], revision);
    true
}

/// The new ReplicaSet with its annotations and minReadySeconds brought up to date; `None` if they are.
pub fn annotated(d: &Object, rs: &Object, family: &Family) -> Option<Object> {
    let mut updated = rs.clone();
    let mut changed = set_annotations(d, &mut updated, next_revision(family), true);
    let ready = |o: &Object| o.int(&["spec", "minReadySeconds"]).unwrap_or(0);
    if ready(d) != ready(rs) {
        updated.set(&["spec", "minReadySeconds"], ready(d));
        changed = true;
    }
    changed.then_some(updated)
}

fn set_annotations(d: &Object, rs: &mut Object, new_revision: i64, exists: bool) -> bool {
    let mut changed = false;
    for (key, value) in d.get(&["metadata", "annotations"]).and_then(Value::as_map).iter().flat_map(|m| m.iter()) {
        if !NOT_COPIED.contains(&key.as_str()) && meta::annotation(rs, key) != Some(value.as_str()) {
            rs.set(&["metadata", "annotations", key], value.clone());
            changed = true;
        }
    }
    let old_revision: Option<Str> = meta::annotation(rs, REVISION).map(Str::from);
    if old_revision.as_deref().and_then(|r| r.parse().ok()).unwrap_or(0) < new_revision {
        rs.set(&["metadata", "annotations", REVISION], ecow::eco_format!("{new_revision}"));
        changed = true;
        // A template that returns keeps the revisions it had.
        if let Some(old) = old_revision.filter(|r| !r.is_empty()) {
            let history = match meta::annotation(rs, HISTORY).unwrap_or("") {
                "" => old,
                earlier => ecow::eco_format!("{earlier},{old}"),
            };
            rs.set(&["metadata", "annotations", HISTORY], history);
        }
    }
    if !exists {
        changed |= set_replicas_annotations(rs, replicas(d), rolling::max_total(d));
    }
    changed
}

pub fn set_replicas_annotations(rs: &mut Object, desired: i64, max: i64) -> bool {
    let mut changed = false;
    for (key, n) in [(DESIRED, desired), (MAX, max)] {
        let text = ecow::eco_format!("{n}");
        if meta::annotation(rs, key) != Some(text.as_str()) {
            rs.set(&["metadata", "annotations", key], text);
            changed = true;
        }
    }
    changed
}

/// The ReplicaSet for the Deployment's template.
pub fn build(d: &Object, family: &Family, profile: Profile) -> Object {
    let spec_template = d.get(&["spec", "template"]).cloned().unwrap_or_default();
    let hash = pod_template_hash(&spec_template, profile, d.int(&["status", "collisionCount"]));
    let mut rs = Object::new(Kind::REPLICA_SET, d.namespace(), &ecow::eco_format!("{}-{hash}", d.name()));
    let mut labelled = spec_template;
    *labelled.entry(&["metadata", "labels", HASH_LABEL]) = Value::from(hash.clone());
    rs.set(&["metadata", "labels"], labelled.at(&["metadata", "labels"]).cloned().unwrap_or_default());
    rs.set(&["metadata", "ownerReferences"], list![meta::controller_ref(d)]);
    let mut selector = d.get(&["spec", "selector"]).cloned().unwrap_or_default();
    *selector.entry(&["matchLabels", HASH_LABEL]) = Value::from(hash);
    rs.set(&["spec", "selector"], selector);
    rs.set(&["spec", "template"], labelled);
    if let Some(seconds) = d.int(&["spec", "minReadySeconds"]).filter(|s| *s > 0) {
        rs.set(&["spec", "minReadySeconds"], seconds);
    }
    rs.set(&["spec", "replicas"], rolling::new_replicas(d, family, 0));
    set_annotations(d, &mut rs, next_revision(family), false);
    rs
}

/// The message of a ScalingReplicaSet event.
pub fn scaled_message(modern: bool, way: &str, rs: &Object, from: i64, to: i64) -> Str {
    if modern {
        ecow::eco_format!("Scaled {way} replica set {} from {from} to {to}", rs.name())
    } else {
        ecow::eco_format!("Scaled {way} replica set {} to {to}", rs.name())
    }
}

/// Which old ReplicaSets history no longer needs: beyond the limit, the lowest revisions first.
pub fn superfluous(d: &Object, old: &[Arc<Object>]) -> Vec<Arc<Object>> {
    let Some(limit) = d.int(&["spec", "revisionHistoryLimit"]) else { return Vec::new() };
    let mut alive: Vec<_> = old.iter().filter(|rs| !meta::deleting(rs)).cloned().collect();
    let surplus = alive.len().saturating_sub(limit.max(0) as usize);
    alive.arrange_by_key(|rs| revision(rs));
    alive.truncate(surplus);
    alive.retain(|rs| {
        let status = |field| rs.int(&["status", field]).unwrap_or(0);
        status("replicas") == 0 && replicas(rs) == 0 && meta::generation(rs) <= status("observedGeneration")
    });
    alive
}
