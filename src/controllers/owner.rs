//! Owning objects: which ones a selector claims, adopting orphans, releasing strangers.
//! Models pkg/controller/controller_ref_manager.go.

use std::sync::Arc;

use super::Kit;
use crate::api::request::PatchType;
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, Request, Value, meta};

/// What claiming comes to: the objects that stay, and the patches that adopt or release.
#[derive(Debug, Default)]
pub struct Claim {
    pub claimed: Vec<Arc<Object>>,
    pub adopt: Vec<Request>,
    pub release: Vec<Request>,
}

/// Sorts out what of `kind` belongs to `owner`. `adoptable` says which orphans may be taken.
pub fn claim(
    kit: &Kit<'_, '_>,
    owner: &Object,
    selector: &LabelSelector,
    kind: Kind,
    adoptable: impl Fn(&Object) -> bool,
) -> Claim {
    let mut out = Claim::default();
    for o in kit.controlled_by(owner, kind) {
        if selector.matches(meta::labels(o)) {
            out.claimed.push(o.clone());
        } else if !meta::deleting(owner) {
            out.release.push(release(owner, o));
        }
    }
    if !meta::deleting(owner) {
        for o in kit.orphans(kind, owner.namespace()) {
            if !meta::deleting(o) && selector.matches(meta::labels(o)) && adoptable(o) {
                out.adopt.push(adopt(owner, o));
                out.claimed.push(o.clone());
            }
        }
    }
    out
}

/// The patch that makes `owner` the controller of `o`.
pub fn adopt(owner: &Object, o: &Object) -> Request {
    let metadata = map! { "ownerReferences" => list![meta::controller_ref(owner)], "uid" => meta::uid(o) };
    Request::patch(&o.key, PatchType::StrategicMerge, Value::Map(map! { "metadata" => metadata }))
}

/// The patch that takes `owner` out of the owners of `o`.
pub fn release(owner: &Object, o: &Object) -> Request {
    release_uid(meta::uid(owner), o)
}
pub fn release_uid(uid: &str, o: &Object) -> Request {
    let gone = map! { "$patch" => "delete", "uid" => uid };
    let metadata = map! { "ownerReferences" => list![gone], "uid" => meta::uid(o) };
    Request::patch(&o.key, PatchType::StrategicMerge, Value::Map(map! { "metadata" => metadata }))
}
