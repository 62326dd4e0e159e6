//! StatefulSets: pods with names and claims that stay, made and taken away in order.
//! Models pkg/controller/statefulset. Not modelled: the claims' retention policy, `start` of ordinals
//! in [book].

mod identity;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kit::{error_text, refusal, succeeded};
use super::{Controller, Kit, Next, Note, Op, Step, owner, revision};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta, pod};
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

#[derive(Clone, Debug, Default)]
pub struct StatefulSets;

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::STATEFUL_SET, Kind::POD, Kind::CONTROLLER_REVISION, Kind::PERSISTENT_VOLUME_CLAIM]
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::STATEFUL_SET => kit.enqueue(delta.key.clone()),
            Kind::POD => pod_changed(kit, delta),
            _ => {}
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(set) = kit.get(key).cloned() else { return Next::Done };
        match step.stage {
            "" => start(kit, &set),
            "revised" => match step.replies.iter().all(done_or_there) {
                true => plan(kit, &set, &step.objects[0]),
                false => Next::Retry,
            },
            "claims" => claimed(kit, step),
            "acted" => acted(kit, &set, step),
            "status" if step.replies.iter().all(succeeded) => after_status(kit, &set, step.number),
            _ => Next::Retry,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn done_or_there(reply: &crate::sim::Reply) -> bool {
    succeeded(reply) || refusal(reply).is_some_and(|s| s.reason == Reason::AlreadyExists)
}

fn selector(set: &Object) -> LabelSelector {
    set.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default()
}

fn pod_changed(kit: &mut Kit<'_, '_>, delta: &Delta) {
    let both = [&delta.old, &delta.new];
    let owners: Vec<ObjectKey> = both
        .into_iter()
        .flatten()
        .filter_map(|p| kit.controller(p, Kind::STATEFUL_SET))
        .map(|set| set.key.clone())
        .collect();
    if let Some(key) = owners.last() {
        kit.enqueue(key.clone());
        if owners[0] != *key {
            kit.enqueue(owners[0].clone());
        }
        return;
    }
    let Some(new) = delta.new.as_ref().filter(|p| meta::controller_of(p).is_none()) else { return };
    let all = kit.in_namespace(Kind::STATEFUL_SET, new.namespace());
    let fits = |s: &&Arc<Object>| selector(s).matches(meta::labels(new)) && identity::ordinal(s, new).is_some();
    let keys: Vec<ObjectKey> = all.filter(fits).map(|s| s.key.clone()).collect();
    keys.into_iter().for_each(|key| kit.enqueue(key));
}

fn start(kit: &mut Kit<'_, '_>, set: &Arc<Object>) -> Next {
    let selector = selector(set);
    if selector.is_empty() {
        return Next::Done;
    }
    let claim = owner::claim(kit, set, &selector, Kind::POD, |p| identity::ordinal(set, p).is_some());
    let requests: Vec<Request> = claim.adopt.into_iter().chain(claim.release).collect();
    if !requests.is_empty() {
        let cause = kit.decide(&set.key, "ClaimPods", requests.len() as u64);
        return Next::run(requests.into_iter().map(|r| Op::new(r, cause).tolerate(&[Reason::NotFound])));
    }
    let (update, revise) = revision::current(kit, set);
    match revise {
        Some(op) => Next::Ask(vec![op.request], Step { objects: vec![update], ..Step::at("revised") }),
        None => plan(kit, set, &update),
    }
}

/// Running and ready, as the next pod in order waits for.
fn running_and_ready(p: &Object) -> bool {
    pod::phase(p) == "Running" && pod::ready(p)
}
fn healthy(p: &Object) -> bool {
    running_and_ready(p) && !meta::deleting(p)
}

/// What one sync does to the pods, in order.
#[derive(Default)]
struct Plan {
    create: Vec<Arc<Object>>,
    delete: Vec<Arc<Object>>,
}

/// The numbers of the status.
#[derive(Default)]
struct Tally {
    replicas: i64,
    ready: i64,
    available: i64,
    current: i64,
    updated: i64,
    /// Some ready pod is not yet available.
    settling: bool,
}

struct Set<'a> {
    set: &'a Arc<Object>,
    /// Revision names.
    current: Str,
    update: Str,
    replicas: i64,
    first: i64,
    /// One at a time and in order.
    monotonic: bool,
    rolling: bool,
    partition: i64,
}

fn plan(kit: &mut Kit<'_, '_>, set: &Arc<Object>, update: &Arc<Object>) -> Next {
    let named = set.str(&["status", "currentRevision"]);
    let revisions = revision::list(kit, set);
    let current = revisions.iter().find(|r| r.name() == named).unwrap_or(update).clone();
    let rolling_update = ["spec", "updateStrategy", "rollingUpdate", "partition"];
    let s = Set {
        set,
        current: current.name().clone(),
        update: update.name().clone(),
        replicas: set.int(&["spec", "replicas"]).unwrap_or(1),
        first: set.int(&["spec", "ordinals", "start"]).unwrap_or(0),
        monotonic: set.str(&["spec", "podManagementPolicy"]) != "Parallel",
        rolling: set.str(&["spec", "updateStrategy", "type"]) != "OnDelete",
        partition: set.int(&rolling_update).unwrap_or(0),
    };
    let mut pods: BTreeMap<i64, Arc<Object>> = BTreeMap::new();
    for p in kit.controlled_by(set, Kind::POD) {
        if let Some(ordinal) = identity::ordinal(set, p) {
            pods.insert(ordinal, p.clone());
        }
    }
    let mut tally = tally(kit, &s, &pods);
    let mut plan = Plan::default();
    if !meta::deleting(set) {
        let modern = kit.modern();
        let template = |ordinal: i64| {
            let old = s.rolling && ordinal < s.partition + s.first && current.name() != update.name();
            identity::pod(set, if old { &current } else { update }, ordinal, modern)
        };
        choose(kit, &s, &pods, &template, &mut plan);
    }
    for p in &plan.create {
        tally.replicas += 1;
        let revision = meta::label(p, revision::HASH);
        tally.current += i64::from(revision == Some(&s.current));
        tally.updated += i64::from(revision == Some(&s.update));
    }
    let mut gone = plan.delete.clone();
    gone.retain(|p| !meta::deleting(p));
    for p in &gone {
        let revision = meta::label(p, revision::HASH);
        tally.current -= i64::from(revision == Some(&s.current));
        tally.updated -= i64::from(revision == Some(&s.update));
    }
    let status = Arc::new(status_of(kit, &s, &tally));
    if plan.create.is_empty() && plan.delete.is_empty() {
        return write_status(kit, set, &status, 0);
    }
    let names = |pods: &[Arc<Object>]| pods.iter().map(|p| p.name().clone()).collect::<Vec<_>>();
    kit.decide(&set.key, "ManagePods", map! { "create" => names(&plan.create), "delete" => names(&plan.delete) });
    let number = plan.create.len() as i64;
    let claims: Vec<Arc<Object>> = plan
        .create
        .iter()
        .flat_map(|p| identity::claims(set, identity::ordinal(set, p).unwrap_or(0)))
        .filter(|c| kit.get(&c.key).is_none())
        .map(Arc::new)
        .collect();
    let mut objects = vec![status];
    objects.extend(plan.create);
    objects.extend(plan.delete);
    let requests = claims.iter().map(|c| Request::create((**c).clone())).collect();
    // Without claims to make this goes on at once.
    let text = claims.iter().map(|c| c.name().as_str()).collect::<Vec<_>>().join(" ").into();
    Next::Ask(requests, Step { objects, number, text, ..Step::at("claims") })
}

fn tally(kit: &Kit<'_, '_>, s: &Set<'_>, pods: &BTreeMap<i64, Arc<Object>>) -> Tally {
    let wait = Duration::secs(s.set.int(&["spec", "minReadySeconds"]).unwrap_or(0).max(0) as u64);
    let mut t = Tally::default();
    for p in pods.values() {
        t.replicas += 1;
        if running_and_ready(p) {
            t.ready += 1;
            let available = super::replicaset::ready_since(p).is_some_and(|since| since + wait <= kit.now());
            t.available += i64::from(available);
            t.settling |= !available;
        }
        if !meta::deleting(p) {
            let revision = meta::label(p, revision::HASH);
            t.current += i64::from(revision == Some(&s.current));
            t.updated += i64::from(revision == Some(&s.update));
        }
    }
    t
}

/// Fills the plan. In order: replace what failed, make what is missing, take away what is too much
/// (the highest first), then what has an old revision.
fn choose(
    kit: &mut Kit<'_, '_>,
    s: &Set<'_>,
    pods: &BTreeMap<i64, Arc<Object>>,
    template: &dyn Fn(i64) -> Object,
    plan: &mut Plan,
) {
    let wanted = s.first..s.first + s.replicas;
    for ordinal in wanted.clone() {
        let Some(p) = pods.get(&ordinal) else {
            plan.create.push(Arc::new(template(ordinal)));
            if s.monotonic {
                return;
            }
            continue;
        };
        let finished = pod::phase(p) == "Failed" || kit.modern() && pod::phase(p) == "Succeeded";
        if finished {
            if !meta::deleting(p) {
                let (reason, what) = match pod::phase(p) {
                    "Failed" => ("RecreatingFailedPod", "failed"),
                    _ => ("RecreatingTerminatedPod", "terminated"),
                };
                let (ns, name) = (s.set.namespace(), s.set.name());
                let message = ecow::eco_format!("StatefulSet {ns}/{name} is recreating {what} Pod {}", p.name());
                kit.event(Note { about: s.set.clone(), kind: "Warning", reason, message });
                plan.delete.push(p.clone());
            }
            // Its successor comes when it is gone.
            if s.monotonic {
                return;
            }
            continue;
        }
        if s.monotonic && (meta::deleting(p) || !running_and_ready(p)) {
            return;
        }
    }
    let first_unhealthy = pods.iter().find(|(_, p)| !healthy(p)).map(|(n, _)| *n);
    for (ordinal, p) in pods.iter().rev().filter(|(n, _)| !wanted.contains(n)) {
        if meta::deleting(p) {
            if s.monotonic {
                return;
            }
            continue;
        }
        if s.monotonic && !running_and_ready(p) && first_unhealthy != Some(*ordinal) {
            return;
        }
        plan.delete.push(p.clone());
        if s.monotonic {
            return;
        }
    }
    if !s.rolling || !plan.delete.is_empty() || !plan.create.is_empty() {
        return;
    }
    let max = s.set.get(&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
    let room = match max.filter(|_| kit.modern()) {
        Some(max) => super::deployment::resolve(Some(max), s.replicas, true).max(1),
        None => 1,
    };
    let mut unavailable = 0;
    for (_, p) in pods.range(s.first + s.partition..s.first + s.replicas.max(s.partition)).rev() {
        if unavailable >= room {
            return;
        }
        if meta::label(p, revision::HASH) != Some(&s.update) && !meta::deleting(p) {
            plan.delete.push(p.clone());
            unavailable += 1;
        } else if !healthy(p) {
            unavailable += 1;
        }
    }
}

fn status_of(kit: &Kit<'_, '_>, s: &Set<'_>, t: &Tally) -> Object {
    let mut current = s.current.clone();
    let mut in_current = t.current;
    if s.rolling && t.updated == t.replicas && t.ready == t.replicas && s.partition == 0 {
        // The update is complete.
        (current, in_current) = (s.update.clone(), t.updated);
    }
    let mut status = map! {
        "collisionCount" => s.set.int(&["status", "collisionCount"]).unwrap_or(0),
        "currentRevision" => current, "observedGeneration" => meta::generation(s.set),
        "replicas" => t.replicas, "updateRevision" => &s.update,
    };
    if kit.modern() {
        status.insert("availableReplicas", t.available);
    }
    for (field, n) in [("currentReplicas", in_current), ("readyReplicas", t.ready), ("updatedReplicas", t.updated)] {
        if n != 0 {
            status.insert(field, n);
        }
    }
    let mut updated = (**s.set).clone();
    updated.set(&["status"], status);
    updated.set(&["settling"], t.settling);
    updated
}

/// The claims are there: now the pods.
fn claimed(kit: &mut Kit<'_, '_>, mut step: Step) -> Next {
    let replies = std::mem::take(&mut step.replies);
    let set = step.objects[0].clone();
    let claims: Vec<Str> = step.text.split_whitespace().map(Str::from).collect();
    let mut failed = false;
    for (claim, reply) in claims.iter().zip(&replies) {
        let fits = |p: &&Arc<Object>| claim.ends_with(p.name().as_str());
        let name = step.objects[1..].iter().find(fits).map(|p| p.name().clone()).unwrap_or_default();
        let verb = if kit.modern() { "Create" } else { "create" };
        if succeeded(reply) {
            let message = ecow::eco_format!("{verb} Claim {claim} Pod {name} in StatefulSet {} success", set.name());
            kit.event(Note { about: set.clone(), kind: "Normal", reason: "SuccessfulCreate", message });
        } else if !done_or_there(reply) {
            failed = true;
            let message = ecow::eco_format!(
                "{verb} Claim {claim} for Pod {name} in StatefulSet {} failed error: {}",
                set.name(),
                error_text(reply)
            );
            kit.event(Note { about: set.clone(), kind: "Warning", reason: "FailedCreate", message });
        }
    }
    if failed {
        return Next::Retry;
    }
    let made = step.number as usize;
    let mut requests: Vec<Request> = step.objects[1..=made].iter().map(|p| Request::create((**p).clone())).collect();
    requests.extend(step.objects[made + 1..].iter().map(|p| Request::delete(&p.key)));
    Next::Ask(requests, Step { stage: "acted", replies: Vec::new(), ..step })
}

fn acted(kit: &mut Kit<'_, '_>, set: &Arc<Object>, step: Step) -> Next {
    let mut failed = 0;
    for (i, reply) in step.replies.iter().enumerate() {
        let Some(p) = step.objects.get(i + 1) else { continue };
        let creation = (i as i64) < step.number;
        let known = if creation { Reason::AlreadyExists } else { Reason::NotFound };
        if refusal(reply).is_some_and(|s| s.reason == known) {
            failed = 1;
            continue;
        }
        let verb = match (creation, kit.modern()) {
            (true, true) => "Create",
            (true, false) => "create",
            (false, true) => "Delete",
            (false, false) => "delete",
        };
        let what = ecow::eco_format!("{verb} Pod {} in StatefulSet {}", p.name(), set.name());
        let (kind, reason, message) = match (creation, succeeded(reply)) {
            (true, true) => ("Normal", "SuccessfulCreate", ecow::eco_format!("{what} successful")),
            (false, true) => ("Normal", "SuccessfulDelete", ecow::eco_format!("{what} successful")),
            (_, false) => {
                failed = 1;
                let reason = if creation { "FailedCreate" } else { "FailedDelete" };
                ("Warning", reason, ecow::eco_format!("{what} failed error: {}", error_text(reply)))
            }
        };
        kit.event(Note { about: set.clone(), kind, reason, message });
    }
    write_status(kit, set, &step.objects[0], failed)
}

/// Writes the status if it changed; `failed`: the sync is to be repeated afterwards.
fn write_status(kit: &mut Kit<'_, '_>, set: &Arc<Object>, status: &Object, failed: i64) -> Next {
    let mut updated = status.clone();
    if updated.body.remove("settling") == Some(Value::Bool(true)) {
        let wait = set.int(&["spec", "minReadySeconds"]).unwrap_or(0).max(1) as u64;
        kit.enqueue_after(set.key.clone(), Duration::secs(wait));
    }
    let empty = Map::new();
    let had = set.get(&["status"]).and_then(Value::as_map).unwrap_or(&empty);
    if updated.get(&["status"]).and_then(Value::as_map) == Some(had) {
        return after_status(kit, set, failed);
    }
    Next::Ask(vec![Request::update_status(updated)], Step { number: failed, ..Step::at("status") })
}

fn after_status(kit: &mut Kit<'_, '_>, set: &Arc<Object>, failed: i64) -> Next {
    if failed != 0 {
        return Next::Retry;
    }
    let named = ["currentRevision", "updateRevision"].map(|field| Str::from(set.str(&["status", field])));
    let mut live: Vec<Str> = kit
        .controlled_by(set, Kind::POD)
        .filter_map(|p| meta::label(p, revision::HASH).map(Str::from))
        .chain(named)
        .collect();
    // Pods name the revision, revisions carry its hash.
    let prefix = ecow::eco_format!("{}-", set.name());
    live.iter_mut().for_each(|name| *name = name.strip_prefix(prefix.as_str()).unwrap_or(name).into());
    Next::run(revision::truncate(kit, set, &live))
}
