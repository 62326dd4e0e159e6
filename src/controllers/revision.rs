//! ControllerRevisions: the templates a DaemonSet or StatefulSet had.
//! Models pkg/controller/history.

use std::sync::Arc;

use super::{Kit, Op};
use crate::api::{Kind, Object, Profile, Reason, Request, Value, hash, meta};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// Label of pods and revisions.
pub const HASH: &str = "controller-revision-hash";

/// The revision object for the owner's template.
pub fn build(owner: &Object, number: i64, profile: Profile) -> Object {
    let spec_template = owner.get(&["spec", "template"]).cloned().unwrap_or_default();
    let mut patched = spec_template.clone();
    *patched.entry(&["$patch"]) = "replace".into();
    let data = map! { "spec" => map! { "template" => patched } };
    let collisions = owner.int(&["status", "collisionCount"]);
    // A DaemonSet hashes its template as a Deployment does, a StatefulSet what the revision holds.
    let hash = match owner.kind() {
        Kind::DAEMON_SET => hash::pod_template_hash(&spec_template, profile, collisions),
        _ => hash::revision_hash(&Value::Map(data.clone()), Some(collisions.unwrap_or(0))),
    };
    let mut r =
        Object::new(Kind::CONTROLLER_REVISION, owner.namespace(), &ecow::eco_format!("{}-{hash}", owner.name()));
    let mut labels = spec_template.at(&["metadata", "labels"]).and_then(Value::as_map).cloned().unwrap_or_default();
    labels.insert(HASH, hash);
    r.set(&["metadata", "labels"], labels);
    if let Some(annotations) = owner.get(&["metadata", "annotations"]) {
        r.set(&["metadata", "annotations"], annotations.clone());
    }
    r.set(&["metadata", "ownerReferences"], list![meta::controller_ref(owner)]);
    r.set(&["data"], data);
    r.set(&["revision"], number);
    r
}

pub fn number(r: &Object) -> i64 {
    r.int(&["revision"]).unwrap_or(0)
}

/// The owner's revisions, the oldest first.
pub fn list(kit: &Kit<'_, '_>, owner: &Object) -> Vec<Arc<Object>> {
    let mut all: Vec<Arc<Object>> = kit.controlled_by(owner, Kind::CONTROLLER_REVISION).cloned().collect();
    all.arrange_by_key(|r| (number(r), r.name().clone()));
    all
}

/// Whether the revision is of the owner's template: nearly always, and then nothing has to be hashed.
fn holds(revision: &Object, owner: &Object) -> bool {
    let kept = revision.get(&["data", "spec", "template"]).and_then(Value::as_map);
    let template = owner.get(&["spec", "template"]).and_then(Value::as_map);
    kept.zip(template).is_some_and(|(kept, template)| {
        kept.len() == template.len() + 1
            && kept.str("$patch") == "replace"
            && template.iter().all(|(key, value)| kept.get(key) == Some(value))
    })
}

/// The revision of the owner's template, and the request that makes or renews it if needed.
pub fn current(kit: &mut Kit<'_, '_>, owner: &Object) -> (Arc<Object>, Option<Op>) {
    let all = list(kit, owner);
    if let Some(latest) = all.last().filter(|r| holds(r, owner)) {
        return (latest.clone(), None);
    }
    let last = all.last().map_or(0, |r| number(r));
    let wanted = build(owner, last + 1, kit.profile);
    let cause = kit.ctx.cause;
    match all.iter().find(|r| r.get(&["data"]) == wanted.get(&["data"])) {
        Some(r) if number(r) == last => (r.clone(), None),
        Some(r) => {
            // A template that returns becomes the latest revision again.
            let mut renewed = (**r).clone();
            renewed.set(&["revision"], last + 1);
            (Arc::new(renewed.clone()), Some(Op::new(Request::update(renewed), cause)))
        }
        None => {
            let wanted = Arc::new(wanted);
            let request = Request::create((*wanted).clone());
            (wanted, Some(Op::new(request, cause).tolerate(&[Reason::AlreadyExists])))
        }
    }
}

/// The hash a revision's pods carry.
pub fn hash(r: &Object) -> Str {
    meta::label(r, HASH).unwrap_or("").into()
}

/// Deletes revisions beyond the limit that no pod uses.
pub fn truncate(kit: &Kit<'_, '_>, owner: &Object, live: &[Str]) -> Vec<Op> {
    let limit = owner.int(&["spec", "revisionHistoryLimit"]).unwrap_or(10).max(0) as usize;
    let unused: Vec<Arc<Object>> = list(kit, owner).into_iter().filter(|r| !live.contains(&hash(r))).collect();
    let surplus = unused.len().saturating_sub(limit);
    let delete = |r: &Arc<Object>| Op::new(Request::delete(&r.key), kit.ctx.cause).tolerate(&[Reason::NotFound]);
    unused[..surplus].iter().map(delete).collect()
}
