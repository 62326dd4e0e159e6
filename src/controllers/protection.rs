//! Storage in use is not deleted: the finalizers on claims and volumes, taken off when nothing uses
//! them any more.
//! Models pkg/controller/volume/pvcprotection and pvprotection.

use std::sync::Arc;

use super::{Controller, Kit, Next, Op, Step};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, meta, pod};
use crate::sim::informer::Delta;

pub fn finalizer(kind: Kind) -> &'static str {
    match kind {
        Kind::PERSISTENT_VOLUME => "kubernetes.io/pv-protection",
        _ => "kubernetes.io/pvc-protection",
    }
}

/// Whether the pod mounts the claim and has not ended.
pub fn uses(p: &Object, claim: &str) -> bool {
    let volumes = p.items(&["spec", "volumes"]).iter();
    !pod::terminal(p) && volumes.filter_map(|v| v.get("persistentVolumeClaim")).any(|c| c.str("claimName") == claim)
}

#[derive(Clone, Debug, Default)]
pub struct Protection;

impl Controller for Protection {
    fn name(&self) -> &'static str {
        "pvc-protection-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::PERSISTENT_VOLUME, Kind::PERSISTENT_VOLUME_CLAIM, Kind::POD]
    }
    fn workers(&self) -> u32 {
        1
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind != Kind::POD {
            return kit.enqueue(delta.key.clone());
        }
        let ended = delta.new.as_ref().is_none_or(|p| pod::terminal(p));
        let Some(old) = delta.old.as_ref().filter(|_| ended) else { return };
        let claims = old.items(&["spec", "volumes"]).iter().filter_map(|v| v.get("persistentVolumeClaim"));
        let keys: Vec<ObjectKey> = claims
            .map(|c| ObjectKey::new(Kind::PERSISTENT_VOLUME_CLAIM, old.namespace().clone(), c.str("claimName")))
            .collect();
        keys.into_iter().for_each(|key| kit.enqueue(key));
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(o) = kit.get(key).cloned() else { return Next::Done };
        let name = finalizer(key.kind);
        let has = meta::finalizers(&o).iter().any(|f| f.as_str() == name);
        let mut kept: Vec<Value> = meta::finalizers(&o).iter().filter(|f| f.as_str() != name).cloned().collect();
        let mut next = (*o).clone();
        match (meta::deleting(&o), has) {
            (false, false) => kept.push(name.into()),
            (true, true) => {
                let used = match key.kind {
                    Kind::PERSISTENT_VOLUME => o.str(&["status", "phase"]) == "Bound",
                    _ => kit.in_namespace(Kind::POD, o.namespace()).any(|p: &Arc<Object>| uses(p, o.name())),
                };
                if used {
                    return Next::Done;
                }
            }
            _ => return Next::Done,
        }
        match kept.is_empty() {
            true => next.unset(&["metadata", "finalizers"]),
            false => next.set(&["metadata", "finalizers"], kept),
        }
        Next::run([Op::new(Request::update(next), kit.ctx.cause).tolerate(&[Reason::NotFound])])
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
