//! ReplicaSets: as many pods as asked for, created in batches of 1, 2, 4, 8 …; the least useful
//! ones deleted first.
//! Models pkg/controller/replicaset.

mod ranking;
mod tally;

use std::sync::Arc;

pub use self::tally::ready_since;
use self::tally::{Counts, Tallies};
use super::expectations::Expectations;
use super::kit::{error_text, object, refusal, succeeded};
use super::{Controller, Kit, Next, Note, Op, Step, owner, template};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta, pod};
use crate::base::persistent::OrdSet;
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

/// At most this many pods are created or deleted in one sync.
const BURST: i64 = 500;

/// ReplicationControllers work the same way: `kind` says which of the two this is.
#[derive(Clone, Debug)]
pub struct ReplicaSets {
    kind: Kind,
    expectations: Expectations,
    tallies: Tallies,
}

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        if self.kind == Kind::REPLICA_SET { "replicaset-controller" } else { "replication-controller" }
    }
    fn watches(&self) -> &'static [Kind] {
        match self.kind {
            Kind::REPLICA_SET => &[Kind::REPLICA_SET, Kind::POD],
            _ => &[Kind::REPLICATION_CONTROLLER, Kind::POD],
        }
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind == Kind::POD {
            return self.pod_changed(kit, delta);
        }
        match &delta.new {
            Some(new) => self.tallies.replica_set_changed(delta.old.as_deref(), new),
            None => {
                self.expectations.forget(&delta.key);
                if let Some(old) = &delta.old {
                    self.tallies.forget(meta::uid(old));
                }
            }
        }
        kit.enqueue(delta.key.clone());
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        match step.stage {
            "" => self.start(kit, key),
            "create" => self.created(kit, key, step),
            "delete" => self.deleted(kit, key, step),
            "status" => status_written(kit, step),
            _ => Next::Done,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

pub(super) fn selector(rs: &Object) -> LabelSelector {
    let selector = rs.get(&["spec", "selector"]);
    match rs.kind() {
        Kind::REPLICATION_CONTROLLER => selector.and_then(Value::as_map).map(LabelSelector::of_map).unwrap_or_default(),
        _ => selector.map(LabelSelector::of_value).unwrap_or_default(),
    }
}
fn replicas(rs: &Object) -> i64 {
    rs.int(&["spec", "replicas"]).unwrap_or(1)
}
fn min_ready(rs: &Object) -> Duration {
    Duration::secs(rs.int(&["spec", "minReadySeconds"]).unwrap_or(0).max(0) as u64)
}

impl ReplicaSets {
    pub fn of(kind: Kind) -> ReplicaSets {
        ReplicaSets { kind, expectations: Expectations::default(), tallies: Tallies::default() }
    }
    fn pod_changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        self.tallies.pod_changed(delta);
        let old_owner = delta.old.as_ref().and_then(|o| meta::controller_of(o));
        let Some(new) = &delta.new else {
            let Some(old) = &delta.old else { return };
            if let Some(rs) = kit.controller(old, self.kind) {
                let key = rs.key.clone();
                self.expectations.deletion_observed(&key, &delta.key);
                kit.enqueue(key);
            }
            return;
        };
        if let Some(old) = &delta.old
            && old_owner != meta::controller_of(new)
            && let Some(rs) = kit.controller(old, self.kind)
        {
            let key = rs.key.clone();
            kit.enqueue(key);
        }
        if meta::controller_of(new).is_none() {
            let keys: Vec<ObjectKey> = if delta.old.is_none() || labels_changed(delta) {
                let all = kit.in_namespace(self.kind, new.namespace());
                all.filter(|rs| selector(rs).matches(meta::labels(new))).map(|rs| rs.key.clone()).collect()
            } else {
                Vec::new()
            };
            return keys.into_iter().for_each(|key| kit.enqueue(key));
        }
        let Some(rs) = kit.controller(new, self.kind).cloned() else { return };
        if meta::deleting(new) {
            self.expectations.deletion_observed(&rs.key, &delta.key);
        } else if delta.old.is_none() {
            self.expectations.creation_observed(&rs.key);
        }
        let became_ready = pod::ready(new) && delta.old.as_ref().is_some_and(|o| !pod::ready(o));
        kit.enqueue(rs.key.clone());
        if became_ready && min_ready(&rs) > Duration::ZERO {
            kit.enqueue_after(rs.key.clone(), min_ready(&rs) + Duration::secs(1));
        }
    }

    fn start(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey) -> Next {
        let Some(rs) = kit.get(key).cloned() else {
            self.expectations.forget(key);
            return Next::Done;
        };
        let needs_sync = self.expectations.satisfied(key, kit.now());
        let counts = self.tallies.of(kit, &rs);
        let selector = selector(&rs);
        let orphans: Vec<Arc<Object>> = match meta::deleting(&rs) {
            true => Vec::new(),
            false => kit
                .orphans(Kind::POD, rs.namespace())
                .filter(|p| !meta::deleting(p) && !pod::terminal(p) && selector.matches(meta::labels(p)))
                .cloned()
                .collect(),
        };
        if !orphans.is_empty() || counts.strangers > 0 && !meta::deleting(&rs) {
            let claim = owner::claim(kit, &rs, &selector, Kind::POD, |p| !pod::terminal(p));
            let verdict = if claim.adopt.is_empty() { "ReleasePods" } else { "AdoptPods" };
            let cause = kit.decide(
                key,
                verdict,
                map! { "adopt" => claim.adopt.len() as u64, "release" => claim.release.len() as u64 },
            );
            let requests = claim.adopt.into_iter().chain(claim.release);
            // What comes of it arrives through the watch and queues the ReplicaSet again.
            return Next::run(requests.map(|r| Op::new(r, cause).tolerate(&[Reason::NotFound, Reason::Invalid])));
        }
        let missing = replicas(&rs) - counts.active;
        if needs_sync && !meta::deleting(&rs) && missing != 0 {
            return if missing > 0 {
                let number = missing.min(BURST);
                self.expectations.expect_creations(key, number, kit.now());
                kit.decide(
                    key,
                    "CreatePods",
                    map! { "have" => counts.active, "want" => replicas(&rs), "create" => number },
                );
                let step = Step { objects: vec![rs.clone(), counts.keep(&rs)], number, ..Step::at("create") };
                batch(&rs, 1, step)
            } else {
                self.delete(kit, rs, counts, (-missing).min(BURST))
            };
        }
        write_status(kit, &rs, &counts, None)
    }

    /// A batch of creations was answered: the next one is twice as big, unless this one failed.
    fn created(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, mut step: Step) -> Next {
        let replies = std::mem::take(&mut step.replies);
        let [rs, kept] = &step.objects[..] else { return Next::Retry };
        let (rs, counts) = (rs.clone(), Counts::kept(kept));
        let size = replies.len() as i64;
        let mut failed: Option<Str> = None;
        for reply in &replies {
            if let Some(pod) = object(reply) {
                let message = ecow::eco_format!("Created pod: {}", pod.name());
                kit.event(Note { about: rs.clone(), kind: "Normal", reason: "SuccessfulCreate", message });
                continue;
            }
            self.expectations.creation_observed(key);
            let namespace_ends = refusal(reply)
                .is_some_and(|s| s.reason == Reason::Forbidden && s.message.contains("because it is being terminated"));
            if namespace_ends {
                failed.get_or_insert_default();
                continue;
            }
            let error = error_text(reply);
            let message = ecow::eco_format!("Error creating: {error}");
            kit.event(Note { about: rs.clone(), kind: "Warning", reason: "FailedCreate", message });
            failed.get_or_insert(error);
        }
        step.number -= size;
        if let Some(error) = failed {
            for _ in 0..step.number {
                self.expectations.creation_observed(key);
            }
            return write_status(kit, &rs, &counts, Some(("FailedCreate", error)));
        }
        if step.number > 0 {
            return batch(&rs, size * 2, step);
        }
        write_status(kit, &rs, &counts, None)
    }

    fn delete(&mut self, kit: &mut Kit<'_, '_>, rs: Arc<Object>, counts: Counts, number: i64) -> Next {
        let active: Vec<Arc<Object>> =
            kit.controlled_by(&rs, Kind::POD).filter(|p| tally::active(p)).cloned().collect();
        let doomed = ranking::to_delete(kit, &rs, active, number as usize);
        let keys: OrdSet<ObjectKey> = doomed.iter().map(|p| p.key.clone()).collect();
        self.expectations.expect_deletions(&rs.key, keys, kit.now());
        let names: Vec<&Str> = doomed.iter().map(|p| p.name()).collect();
        kit.decide(&rs.key, "DeletePods", map! { "have" => counts.active, "want" => replicas(&rs), "delete" => names });
        let requests = doomed.iter().map(|p| Request::delete(&p.key)).collect();
        let mut objects = vec![rs.clone(), counts.keep(&rs)];
        objects.extend(doomed);
        Next::Ask(requests, Step { objects, ..Step::at("delete") })
    }

    fn deleted(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let [rs, kept, pods @ ..] = &step.objects[..] else { return Next::Retry };
        let mut failed = None;
        for (pod, reply) in pods.iter().zip(&step.replies) {
            if succeeded(reply) {
                let message = ecow::eco_format!("Deleted pod: {}", pod.name());
                kit.event(Note { about: rs.clone(), kind: "Normal", reason: "SuccessfulDelete", message });
                continue;
            }
            self.expectations.deletion_observed(key, &pod.key);
            if refusal(reply).is_some_and(|s| s.reason == Reason::NotFound) {
                continue;
            }
            let error = error_text(reply);
            let message = ecow::eco_format!("Error deleting: {error}");
            kit.event(Note { about: rs.clone(), kind: "Warning", reason: "FailedDelete", message });
            failed.get_or_insert(("FailedDelete", error));
        }
        write_status(kit, rs, &Counts::kept(kept), failed)
    }
}

fn labels_changed(delta: &Delta) -> bool {
    let labels = |o: &Option<Arc<Object>>| o.as_ref().and_then(|o| meta::labels(o).cloned());
    labels(&delta.old) != labels(&delta.new) || delta.old.as_ref().is_some_and(|o| meta::controller_of(o).is_some())
}

/// The next requests to create pods: `size` of them, or what is left.
fn batch(rs: &Object, size: i64, step: Step) -> Next {
    let blank = Value::Map(Map::new());
    let pod = template::pod_from(rs, rs.get(&["spec", "template"]).unwrap_or(&blank));
    let request = Request::create(pod);
    Next::Ask(vec![request; size.min(step.number) as usize], step)
}

/// Writes the status if it changed. `failure`: the sync failed so, and is to be repeated.
fn write_status(kit: &mut Kit<'_, '_>, rs: &Arc<Object>, counts: &Counts, failure: Option<(&str, Str)>) -> Next {
    // An empty text: the namespace goes away, which is no failure worth telling.
    let failure = failure.filter(|(_, error)| !error.is_empty() || counts.active > replicas(rs));
    let mut updated = (**rs).clone();
    let mut status = Map::new();
    for (field, n) in [
        ("availableReplicas", counts.available),
        ("fullyLabeledReplicas", counts.labelled),
        ("observedGeneration", meta::generation(rs)),
        ("readyReplicas", counts.ready),
    ] {
        if n != 0 {
            status.insert(field, n);
        }
    }
    status.insert("replicas", counts.active);
    if kit.modern() && rs.kind() == Kind::REPLICA_SET {
        status.insert("terminatingReplicas", counts.terminating);
    }
    let had = meta::condition(rs, "ReplicaFailure").is_some();
    match &failure {
        Some((reason, error)) if !had => {
            let condition = map! {
                "lastTransitionTime" => kit.now().rfc3339(), "message" => error,
                "reason" => *reason, "status" => "True", "type" => "ReplicaFailure",
            };
            status.insert("conditions", list![condition]);
        }
        Some(_) => status.insert("conditions", rs.get(&["status", "conditions"]).cloned().unwrap_or_default()),
        None => {}
    }
    updated.set(&["status"], status);
    let again = min_ready(rs);
    let settle = again > Duration::ZERO && counts.ready == replicas(rs) && counts.available != replicas(rs);
    let outcome = match (failure.is_some(), settle) {
        (true, _) => -1,
        (_, true) => again.as_secs() as i64,
        _ => 0,
    };
    if updated.get(&["status"]) == rs.get(&["status"]) {
        return after_status(outcome);
    }
    Next::Ask(
        vec![Request::update_status(updated)],
        Step { number: outcome, objects: vec![rs.clone()], ..Step::at("status") },
    )
}

fn status_written(_kit: &mut Kit<'_, '_>, step: Step) -> Next {
    match step.replies.first() {
        Some(reply) if succeeded(reply) => after_status(step.number),
        _ => Next::Retry,
    }
}

fn after_status(outcome: i64) -> Next {
    match outcome {
        0 => Next::Done,
        -1 => Next::Retry,
        seconds => Next::After(Duration::secs(seconds as u64)),
    }
}
