//! Deployments: a ReplicaSet per template, rolled from old to new within maxSurge and
//! maxUnavailable, with revisions, conditions and history.
//! Models pkg/controller/deployment. Not modelled: the long deprecated spec.rollbackTo.

mod replica_sets;
mod rolling;
mod status;

use std::collections::VecDeque;
use std::sync::Arc;

use self::replica_sets::{Family, find_family};
pub use self::rolling::resolve;
use super::kit::{object, refusal};
use super::{Controller, Kit, Next, Note, Op, Step, owner, template};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, meta};
use crate::sim::informer::Delta;

#[derive(Clone, Debug, Default)]
pub struct Deployments;

/// A sync while it is decided: the Deployment as it changes, and the requests so far.
pub(super) struct Plan<'k, 'a, 'w> {
    pub kit: &'k mut Kit<'a, 'w>,
    pub d: Object,
    pub ops: VecDeque<Op>,
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::POD]
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::DEPLOYMENT => kit.enqueue(delta.key.clone()),
            Kind::REPLICA_SET => replica_set_changed(kit, delta),
            _ => pod_changed(kit, delta),
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(d) = kit.get(key).cloned() else { return Next::Done };
        match step.stage {
            "" => start(kit, d),
            // The Deployment as it was when the sync began, and the new ReplicaSet.
            "created" => created(kit, step),
            "annotated" => annotated(kit, step),
            _ => Next::Done,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn replica_set_changed(kit: &mut Kit<'_, '_>, delta: &Delta) {
    let Some(rs) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
    if let (Some(old), Some(new)) = (&delta.old, &delta.new)
        && meta::controller_of(old) != meta::controller_of(new)
        && let Some(d) = kit.controller(old, Kind::DEPLOYMENT)
    {
        let key = d.key.clone();
        kit.enqueue(key);
    }
    if meta::controller_of(rs).is_some() {
        if let Some(d) = kit.controller(rs, Kind::DEPLOYMENT) {
            let key = d.key.clone();
            kit.enqueue(key);
        }
        return;
    }
    if delta.new.is_some() {
        for key in matching_deployments(kit, rs) {
            kit.enqueue(key);
        }
    }
}

fn matching_deployments(kit: &Kit<'_, '_>, rs: &Object) -> Vec<ObjectKey> {
    let all = kit.in_namespace(Kind::DEPLOYMENT, rs.namespace());
    all.filter(|d| selector(d).matches(meta::labels(rs))).map(|d| d.key.clone()).collect()
}

/// A Recreate rollout waits for the last old pod to go.
fn pod_changed(kit: &mut Kit<'_, '_>, delta: &Delta) {
    let (Some(pod), None) = (&delta.old, &delta.new) else { return };
    let Some(rs) = kit.controller(pod, Kind::REPLICA_SET) else { return };
    let Some(d) = kit.controller(rs, Kind::DEPLOYMENT) else { return };
    if d.str(&["spec", "strategy", "type"]) != "Recreate" {
        return;
    }
    let left = kit.controlled_by(d, Kind::REPLICA_SET).any(|rs| kit.controlled_by(rs, Kind::POD).next().is_some());
    if !left {
        let key = d.key.clone();
        kit.enqueue(key);
    }
}

pub(super) fn selector(d: &Object) -> LabelSelector {
    d.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default()
}
pub(super) fn replicas(o: &Object) -> i64 {
    o.int(&["spec", "replicas"]).unwrap_or(1)
}

fn start(kit: &mut Kit<'_, '_>, d: Arc<Object>) -> Next {
    let selector = selector(&d);
    if selector.is_empty() {
        return Next::Done;
    }
    let claim = owner::claim(kit, &d, &selector, Kind::REPLICA_SET, |_| true);
    if !(claim.adopt.is_empty() && claim.release.is_empty()) {
        // What comes of it arrives through the watch and queues the Deployment again.
        let requests = claim.adopt.into_iter().chain(claim.release);
        let cause = kit.decide(&d.key, "AdoptReplicaSets", map! {});
        return Next::run(requests.map(|r| Op::new(r, cause).tolerate(&[Reason::NotFound, Reason::Invalid])));
    }
    let family = find_family(&d, claim.claimed);
    let mut plan = Plan { kit, d: (*d).clone(), ops: VecDeque::new() };
    if meta::deleting(&d) {
        plan.sync_status(&family);
        return Next::Run(plan.ops);
    }
    plan.check_paused();
    let paused = d.get(&["spec", "paused"]).and_then(crate::api::Value::as_bool).unwrap_or(false);
    if paused || rolling::is_scaling_event(&d, &family) {
        if let Some(next) = plan.sync_revision(&family, false) {
            return next;
        }
        plan.scale(&family);
        if paused {
            plan.clean_up(&family);
        }
        plan.sync_status(&family);
        return Next::Run(plan.ops);
    }
    plan.roll_out(family)
}

impl Plan<'_, '_, '_> {
    fn roll_out(mut self, family: Family) -> Next {
        if self.d.str(&["spec", "strategy", "type"]) == "Recreate" {
            return self.recreate(family);
        }
        if let Some(next) = self.sync_revision(&family, true) {
            return next;
        }
        self.go_on(family)
    }

    /// The rollout once the new ReplicaSet exists.
    fn go_on(mut self, family: Family) -> Next {
        if self.d.str(&["spec", "strategy", "type"]) == "Recreate" {
            self.scale_new(&family);
        } else if !self.scale_new(&family) {
            self.scale_old(&family);
        }
        if status::complete(&self.d, &status::of(&self.d)) {
            self.clean_up(&family);
        }
        if let Some(wait) = self.sync_rollout_status(&family) {
            let key = self.d.key.clone();
            self.kit.enqueue_after(key, wait);
        }
        Next::Run(self.ops)
    }

    /// All old pods go before the first new one comes.
    /// Models pkg/controller/deployment/recreate.go.
    fn recreate(mut self, family: Family) -> Next {
        if let Some(next) = self.sync_revision(&family, false) {
            return next;
        }
        let mut scaled = false;
        for rs in family.old.iter().filter(|rs| replicas(rs) > 0) {
            self.scale_to(rs, 0);
            scaled = true;
        }
        let running = family.old.iter().any(|rs| {
            rs.int(&["status", "replicas"]).unwrap_or(0) > 0
                || self.kit.controlled_by(rs, Kind::POD).any(|p| !crate::api::pod::terminal(p))
        });
        if scaled || running {
            self.sync_rollout_status(&family);
            return Next::Run(self.ops);
        }
        if let Some(next) = self.sync_revision(&family, true) {
            return next;
        }
        self.go_on(family)
    }

    /// Brings revision annotations up to date. `Some`: the sync goes on when that is answered.
    fn sync_revision(&mut self, family: &Family, create: bool) -> Option<Next> {
        match &family.new {
            Some(rs) => {
                if let Some(updated) = replica_sets::annotated(&self.d, rs, family) {
                    let stage = Step { objects: vec![Arc::new(self.d.clone())], ..Step::at("annotated") };
                    return Some(Next::Ask(vec![Request::update(updated)], stage));
                }
                let revision = meta::annotation(rs, replica_sets::REVISION).unwrap_or("").to_owned();
                let mut update = replica_sets::set_revision(&mut self.d, &revision);
                if status::has_deadline(&self.d) && meta::condition(&self.d, "Progressing").is_none() {
                    let message = ecow::eco_format!("Found new replica set \"{}\"", rs.name());
                    let now = self.kit.now();
                    status::set_condition(&mut self.d, now, "Progressing", "True", "FoundNewReplicaSet", &message);
                    update = true;
                }
                if update {
                    self.update_status();
                }
                None
            }
            None if create => {
                let rs = replica_sets::build(&self.d, family, self.kit.profile);
                let detail = map! { "name" => rs.name(), "replicas" => replicas(&rs) };
                self.kit.decide(&self.d.key, "CreateReplicaSet", detail);
                let objects = vec![Arc::new(self.d.clone()), Arc::new(rs.clone())];
                Some(Next::Ask(vec![Request::create(rs)], Step { objects, ..Step::at("created") }))
            }
            None => None,
        }
    }

    pub(super) fn update_status(&mut self) {
        let cause = self.kit.ctx.cause;
        // The answer is not taken up: a second update in the same sync meets a conflict, as upstream.
        self.ops.push_back(Op::new(Request::update_status(self.d.clone()), cause));
    }
}

/// The new ReplicaSet was created, or could not be.
fn created(kit: &mut Kit<'_, '_>, mut step: Step) -> Next {
    let (Some(reply), [d, wanted]) = (step.replies.pop(), &step.objects[..]) else { return Next::Retry };
    let mut d = (**d).clone();
    let (rs, existed) = match object(&reply) {
        Some(rs) => (rs.clone(), false),
        None if refusal(&reply).is_some_and(|s| s.reason == Reason::AlreadyExists) => {
            let Some(rs) = kit.get(&wanted.key).cloned() else { return Next::Retry };
            let same = |a: &Object, b: &Object| {
                let t = |o: &Object| o.get(&["spec", "template"]).cloned().unwrap_or_default();
                template::same(&t(a), &t(b))
            };
            let ours = meta::controller_of(&rs).is_some_and(|r| r.str("uid") == meta::uid(&d));
            if !(ours && same(&rs, &d)) {
                // Another template has the same hash: count it into the next one.
                let n = d.int(&["status", "collisionCount"]).unwrap_or(0);
                d.set(&["status", "collisionCount"], n + 1);
                let op = Op::new(Request::update_status(d), kit.ctx.cause);
                return Next::run([op]);
            }
            (rs, true)
        }
        None => {
            let message = ecow::eco_format!(
                "Failed to create new replica set \"{}\": {}",
                wanted.name(),
                super::kit::error_text(&reply)
            );
            let now = kit.now();
            kit.event(Note {
                about: Arc::new(d.clone()),
                kind: "Warning",
                reason: "FailedCreate",
                message: message.clone(),
            });
            status::set_condition(&mut d, now, "Progressing", "False", "ReplicaSetCreateError", &message);
            kit.send(Request::update_status(d));
            return Next::Retry;
        }
    };
    let count = replicas(&rs);
    if !existed && count > 0 {
        let message = replica_sets::scaled_message(kit.modern(), "up", &rs, 0, count);
        kit.event(Note { about: Arc::new(d.clone()), kind: "Normal", reason: "ScalingReplicaSet", message });
    }
    let all: Vec<Arc<Object>> = kit.controlled_by(&d, Kind::REPLICA_SET).cloned().collect();
    let mut family = find_family(&d, all);
    family.set_new(rs.clone());
    let revision = meta::annotation(&rs, replica_sets::REVISION).unwrap_or("").to_owned();
    let mut update = replica_sets::set_revision(&mut d, &revision);
    if !existed && status::has_deadline(&d) {
        let message = ecow::eco_format!("Created new replica set \"{}\"", rs.name());
        status::set_condition(&mut d, kit.now(), "Progressing", "True", "NewReplicaSetCreated", &message);
        update = true;
    }
    let mut plan = Plan { kit, d, ops: VecDeque::new() };
    if update {
        plan.update_status();
    }
    plan.go_on(family)
}

/// The new ReplicaSet's annotations were written: go on with it as it is now.
fn annotated(kit: &mut Kit<'_, '_>, mut step: Step) -> Next {
    let (Some(reply), Some(d)) = (step.replies.pop(), step.objects.first().cloned()) else { return Next::Retry };
    let Some(rs) = object(&reply) else { return Next::Retry };
    let all: Vec<Arc<Object>> = kit.controlled_by(&d, Kind::REPLICA_SET).cloned().collect();
    let mut family = find_family(&d, all);
    family.set_new(rs.clone());
    let scaling = rolling::is_scaling_event(&d, &family);
    let mut plan = Plan { kit, d: (*d).clone(), ops: VecDeque::new() };
    if scaling {
        plan.scale(&family);
        plan.sync_status(&family);
        return Next::Run(plan.ops);
    }
    plan.go_on(family)
}
