//! Garbage collector: what nobody owns any more goes; foreground deletion waits for dependents;
//! orphaning sets them free.
//! Models pkg/controller/garbagecollector. Its graph is the shared caches and their owner index.

use std::collections::VecDeque;
use std::sync::Arc;

use super::kit::{object, refusal};
use super::{Controller, Kit, Next, Op, Step, owner};
use crate::api::request::Propagation;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, meta};
use crate::sim::informer::Delta;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Kinds that own or are owned. Events are left to their expiry.
const KINDS: &[Kind] = &[
    Kind::POD,
    Kind::NODE,
    Kind::NAMESPACE,
    Kind::SERVICE,
    Kind::ENDPOINTS,
    Kind::ENDPOINT_SLICE,
    Kind::CONFIG_MAP,
    Kind::SECRET,
    Kind::SERVICE_ACCOUNT,
    Kind::PERSISTENT_VOLUME_CLAIM,
    Kind::REPLICATION_CONTROLLER,
    Kind::DEPLOYMENT,
    Kind::REPLICA_SET,
    Kind::DAEMON_SET,
    Kind::STATEFUL_SET,
    Kind::CONTROLLER_REVISION,
    Kind::JOB,
    Kind::CRON_JOB,
    Kind::HORIZONTAL_POD_AUTOSCALER,
    Kind::LEASE,
    Kind::INGRESS,
    Kind::NETWORK_POLICY,
    Kind::POD_DISRUPTION_BUDGET,
];

#[derive(Clone, Debug, Default)]
pub struct GarbageCollector;

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        KINDS
    }
    fn workers(&self) -> u32 {
        20
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        let Some(new) = &delta.new else {
            let Some(old) = &delta.old else { return };
            enqueue_dependents(kit, old);
            // An owner that waits for this one may go now.
            for r in meta::owner_references(old) {
                if let Some(owner) = cached_owner(kit, old, r)
                    && has_finalizer(&owner, FOREGROUND)
                {
                    kit.enqueue(owner.key.clone());
                }
            }
            return;
        };
        let first_time = delta.old.is_none();
        if meta::deleting(new) && !meta::finalizers(new).is_empty() {
            return kit.enqueue(delta.key.clone());
        }
        let owners_changed =
            delta.old.as_ref().is_some_and(|o| meta::owner_references(o) != meta::owner_references(new));
        if (first_time || owners_changed)
            && meta::owner_references(new).iter().any(|r| cached_owner(kit, new, r).is_none())
        {
            kit.enqueue(delta.key.clone());
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(o) = kit.get(key).cloned() else { return Next::Done };
        if meta::deleting(&o) && has_finalizer(&o, ORPHAN) {
            return orphan(kit, &o);
        }
        if meta::deleting(&o) && has_finalizer(&o, FOREGROUND) {
            return foreground(kit, &o);
        }
        if meta::deleting(&o) || meta::owner_references(&o).is_empty() {
            return Next::Done;
        }
        match step.stage {
            "" => look_up(kit, &o),
            _ => judge(kit, &o, step),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn has_finalizer(o: &Object, name: &str) -> bool {
    meta::finalizers(o).iter().any(|f| f.as_str() == name)
}

fn owner_key(o: &Object, r: &Value) -> Option<ObjectKey> {
    let kind = Kind::of_manifest(r.str("apiVersion"), r.str("kind"))?;
    let namespace = if kind.namespaced() { o.namespace().as_str() } else { "" };
    Some(ObjectKey::new(kind, namespace, r.str("name")))
}

/// The owner a reference means, as the cache has it.
fn cached_owner(kit: &Kit<'_, '_>, o: &Object, r: &Value) -> Option<Arc<Object>> {
    kit.get(&owner_key(o, r)?).filter(|owner| meta::uid(owner) == r.str("uid")).cloned()
}

fn enqueue_dependents(kit: &mut Kit<'_, '_>, owner: &Object) {
    let keys: Vec<ObjectKey> = kit.cache.dependents.get(meta::uid(owner)).into_iter().flatten().cloned().collect();
    keys.into_iter().for_each(|key| kit.enqueue(key));
}

/// Asks the API server for the owners that the cache does not know.
fn look_up(kit: &Kit<'_, '_>, o: &Object) -> Next {
    let absent = |r: &&Value| cached_owner(kit, o, r).is_none();
    let keys = meta::owner_references(o).iter().filter(absent).filter_map(|r| owner_key(o, r));
    Next::Ask(keys.map(|k| Request::get(&k)).collect(), Step::at("owners"))
}

/// Decides with the owners' real state: they exist, wait for their dependents, or are gone.
fn judge(kit: &mut Kit<'_, '_>, o: &Arc<Object>, step: Step) -> Next {
    let mut live = Vec::new();
    for reply in &step.replies {
        match object(reply) {
            Some(found) => live.push(found.clone()),
            None if refusal(reply).is_some_and(|s| s.reason == Reason::NotFound) => {}
            None => return Next::Retry,
        }
    }
    let (mut solid, mut waiting) = (0, Vec::new());
    let mut gone = Vec::new();
    for r in meta::owner_references(o) {
        let owner = cached_owner(kit, o, r).or_else(|| live.iter().find(|l| meta::uid(l) == r.str("uid")).cloned());
        match owner {
            Some(owner) if meta::deleting(&owner) && has_finalizer(&owner, FOREGROUND) => waiting.push(r.clone()),
            Some(_) => solid += 1,
            // Kinds we do not know of are not judged.
            None if owner_key(o, r).is_none() => solid += 1,
            None => gone.push(r.clone()),
        }
    }
    if solid > 0 {
        if gone.is_empty() && waiting.is_empty() {
            return Next::Done;
        }
        let refs = gone.iter().chain(&waiting).map(|r| r.str("uid"));
        let cause = kit.ctx.cause;
        return Next::run(refs.map(|uid| Op::new(owner::release_uid(uid, o), cause).tolerate(&[Reason::NotFound])));
    }
    let dependents = kit.cache.dependents.get(meta::uid(o)).is_some_and(|d| !d.is_empty());
    let policy = match waiting.is_empty() {
        false if dependents => Propagation::Foreground,
        _ if has_finalizer(o, ORPHAN) => Propagation::Orphan,
        _ if has_finalizer(o, FOREGROUND) => Propagation::Foreground,
        _ => Propagation::Background,
    };
    let owner = gone.first().or(waiting.first()).map_or("", |r| r.str("name"));
    let cause = kit.decide(&o.key, "CollectGarbage", map! { "owner" => owner });
    let request = Request { propagation: Some(policy), uid: meta::uid(o).into(), ..Request::delete(&o.key) };
    Next::run([Op::new(request, cause).tolerate(&[Reason::NotFound, Reason::Conflict])])
}

/// Foreground: dependents first, then the finalizer.
fn foreground(kit: &mut Kit<'_, '_>, o: &Arc<Object>) -> Next {
    let keys: Vec<ObjectKey> = kit.cache.dependents.get(meta::uid(o)).into_iter().flatten().cloned().collect();
    let blocks = |key: &ObjectKey| {
        kit.get(key).is_some_and(|d| {
            meta::owner_references(d).iter().any(|r| {
                r.str("uid") == meta::uid(o) && r.get("blockOwnerDeletion").and_then(Value::as_bool) == Some(true)
            })
        })
    };
    if !keys.iter().any(blocks) {
        return drop_finalizer(kit, o, FOREGROUND, VecDeque::new());
    }
    keys.into_iter().for_each(|key| kit.enqueue(key));
    Next::Done
}

/// Orphan: dependents lose their reference, then the owner goes alone.
fn orphan(kit: &mut Kit<'_, '_>, o: &Arc<Object>) -> Next {
    let keys: Vec<ObjectKey> = kit.cache.dependents.get(meta::uid(o)).into_iter().flatten().cloned().collect();
    let cause = kit.decide(&o.key, "OrphanDependents", map! { "dependents" => keys.len() as u64 });
    let patches = keys.iter().filter_map(|k| kit.get(k)).map(|d| owner::release(o, d));
    let ops = patches.map(|r| Op::new(r, cause).tolerate(&[Reason::NotFound])).collect();
    drop_finalizer(kit, o, ORPHAN, ops)
}

fn drop_finalizer(kit: &Kit<'_, '_>, o: &Arc<Object>, name: &str, mut ops: VecDeque<Op>) -> Next {
    let mut updated = (**o).clone();
    let left: Vec<Value> = meta::finalizers(o).iter().filter(|f| f.as_str() != name).cloned().collect();
    if left.is_empty() {
        updated.unset(&["metadata", "finalizers"]);
    } else {
        updated.set(&["metadata", "finalizers"], left);
    }
    ops.push_back(Op::new(Request::update(updated), kit.ctx.cause).tolerate(&[Reason::NotFound]));
    Next::Run(ops)
}
