//! DaemonSets: one pod on every node that takes it.
//! Models pkg/controller/daemon.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deployment::resolve;
use super::expectations::Expectations;
use super::kit::{error_text, object, succeeded};
use super::{Controller, Kit, Next, Note, Step, owner, revision, template};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, meta, node, placement, pod};
use crate::base::arrange::Arrange;
use crate::base::persistent::OrdSet;
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

const GENERATION: &str = "pod-template-generation";
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

#[derive(Clone, Debug, Default)]
pub struct DaemonSets {
    expectations: Expectations,
}

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::DAEMON_SET, Kind::POD, Kind::NODE, Kind::CONTROLLER_REVISION]
    }
    fn workers(&self) -> u32 {
        2
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::DAEMON_SET => {
                if delta.new.is_none() {
                    self.expectations.forget(&delta.key);
                }
                kit.enqueue(delta.key.clone());
            }
            Kind::NODE => {
                if delta.old.as_ref().zip(delta.new.as_ref()).is_some_and(|(old, new)| same_place(old, new)) {
                    return;
                }
                let keys: Vec<ObjectKey> = kit.all(Kind::DAEMON_SET).map(|d| d.key.clone()).collect();
                keys.into_iter().for_each(|key| kit.enqueue(key));
            }
            Kind::POD => self.pod_changed(kit, delta),
            _ => {}
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(ds) = kit.get(key).cloned() else {
            self.expectations.forget(key);
            return Next::Done;
        };
        match step.stage {
            "" => self.start(kit, &ds),
            "managed" => self.managed(kit, &ds, &step),
            "revised" if step.replies.iter().all(succeeded) => self.start(kit, &ds),
            "status" if step.replies.iter().all(succeeded) => Next::Done,
            _ => Next::Retry,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn selector(ds: &Object) -> LabelSelector {
    ds.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default()
}

/// Whether a node's change cannot matter to any DaemonSet.
fn same_place(old: &Object, new: &Object) -> bool {
    let facts = |n: &Object| (node::taints(n).to_vec(), meta::labels(n).cloned(), node::unschedulable(n));
    facts(old) == facts(new)
}

/// A DaemonSet's pods, sorted by node.
type Placed = BTreeMap<Str, Vec<Arc<Object>>>;

impl DaemonSets {
    fn pod_changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        let Some(p) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
        let Some(ds) = kit.controller(p, Kind::DAEMON_SET).map(|d| d.key.clone()) else {
            if delta.new.is_some() && meta::controller_of(p).is_none() {
                let all = kit.in_namespace(Kind::DAEMON_SET, p.namespace());
                let keys: Vec<ObjectKey> =
                    all.filter(|d| selector(d).matches(meta::labels(p))).map(|d| d.key.clone()).collect();
                keys.into_iter().for_each(|key| kit.enqueue(key));
            }
            return;
        };
        if delta.new.is_none() || meta::deleting(p) {
            self.expectations.deletion_observed(&ds, &delta.key);
        } else if delta.old.is_none() {
            self.expectations.creation_observed(&ds);
        }
        kit.enqueue(ds);
    }

    fn start(&mut self, kit: &mut Kit<'_, '_>, ds: &Arc<Object>) -> Next {
        if meta::deleting(ds) || selector(ds).is_empty() {
            return Next::Done;
        }
        let (current, revise) = revision::current(kit, ds);
        if let Some(op) = revise {
            return Next::Ask(vec![op.request], Step::at("revised"));
        }
        let hash = revision::hash(&current);
        let claim = owner::claim(kit, ds, &selector(ds), Kind::POD, |p| !pod::terminal(p));
        let requests: Vec<Request> = claim.adopt.into_iter().chain(claim.release).collect();
        if !requests.is_empty() {
            return Next::run(requests.into_iter().map(|r| super::Op::new(r, kit.ctx.cause)));
        }
        let mut placed = Placed::new();
        for p in claim.claimed {
            placed.entry(target_node(&p)).or_default().push(p);
        }
        if !self.expectations.satisfied(&ds.key, kit.now()) {
            return self.status(kit, ds, &placed, &hash);
        }
        let (mut create, mut delete) = self.plan(kit, ds, &placed, &hash);
        if create.is_empty() && delete.is_empty() {
            (create, delete) = match surge(kit, ds) {
                Some(_) => self.surge(kit, ds, &placed, &hash),
                None => (Vec::new(), self.roll(kit, ds, &placed, &hash)),
            };
        }
        if create.is_empty() && delete.is_empty() {
            return self.status(kit, ds, &placed, &hash);
        }
        self.expectations.expect_creations(&ds.key, create.len() as i64, kit.now());
        if create.is_empty() {
            let keys: OrdSet<ObjectKey> = delete.iter().map(|p| p.key.clone()).collect();
            self.expectations.expect_deletions(&ds.key, keys, kit.now());
        }
        let nodes: Vec<&Str> = create.iter().collect();
        let gone: Vec<&Str> = delete.iter().map(|p| p.name()).collect();
        kit.decide(&ds.key, "ManageDaemonPods", map! { "create" => nodes, "delete" => gone });
        let mut requests: Vec<Request> = create.iter().map(|n| Request::create(daemon_pod(ds, n, &hash))).collect();
        requests.extend(delete.iter().map(|p| Request::delete(&p.key)));
        let number = create.len() as i64;
        Next::Ask(requests, Step { objects: delete, number, text: hash, ..Step::at("managed") })
    }

    /// Nodes that lack a pod, and pods that should not be where they are.
    fn plan(
        &self,
        kit: &mut Kit<'_, '_>,
        ds: &Arc<Object>,
        placed: &Placed,
        hash: &str,
    ) -> (Vec<Str>, Vec<Arc<Object>>) {
        let surging = surge(kit, ds).is_some();
        let (mut create, mut delete) = (Vec::new(), Vec::new());
        let nodes: Vec<Arc<Object>> = kit.all(Kind::NODE).cloned().collect();
        let judge = Judge::of(ds);
        for n in &nodes {
            let (should, may_stay) = judge.node(n);
            let pods = placed.get(n.name()).map_or(&[][..], |v| v);
            let mut alive: Vec<&Arc<Object>> = Vec::new();
            for p in pods.iter().filter(|p| !meta::deleting(p)) {
                if pod::phase(p) == "Failed" {
                    let message = ecow::eco_format!(
                        "Found failed daemon pod {}/{} on node {}, will try to kill it",
                        p.namespace(),
                        p.name(),
                        n.name()
                    );
                    kit.event(Note { about: ds.clone(), kind: "Warning", reason: "FailedDaemonPod", message });
                    delete.push(p.clone());
                } else {
                    alive.push(p);
                }
            }
            if should && pods.iter().all(|p| pod::phase(p) == "Failed") {
                create.push(n.name().clone());
            }
            if may_stay && alive.len() > 1 {
                // Keep the oldest.
                alive.arrange_by_key(|p| meta::created(p));
                if !surging {
                    delete.extend(alive[1..].iter().map(|p| (*p).clone()));
                    continue;
                }
                // A surge leaves one of each kind until the new one can take over.
                let is_new = |p: &Arc<Object>| meta::label(p, revision::HASH) == Some(hash);
                let newest = alive.iter().position(|p| is_new(p));
                let oldest = alive.iter().position(|p| !is_new(p));
                let extra = alive.iter().enumerate().filter(|(i, _)| Some(*i) != newest && Some(*i) != oldest);
                delete.extend(extra.map(|(_, p)| (*p).clone()));
                if let (Some(new), Some(old)) = (newest, oldest)
                    && (!pod::ready(alive[old]) || available(kit, ds, alive[new]))
                {
                    delete.push(alive[old].clone());
                }
            } else if !may_stay {
                delete.extend(alive.into_iter().cloned());
            }
        }
        // Pods of nodes that are gone and that were never scheduled go, too.
        for (name, pods) in placed {
            if kit.named(Kind::NODE, "", name).is_none() {
                let unplaced = |p: &&Arc<Object>| pod::node_name(p).is_empty() && !meta::deleting(p);
                delete.extend(pods.iter().filter(unplaced).cloned());
            }
        }
        (create, delete)
    }

    /// Old pods that may go now, within maxUnavailable.
    fn roll(&self, kit: &mut Kit<'_, '_>, ds: &Object, placed: &Placed, hash: &str) -> Vec<Arc<Object>> {
        if ds.str(&["spec", "updateStrategy", "type"]) == "OnDelete" {
            return Vec::new();
        }
        let judge = Judge::of(ds);
        let wanted: Vec<Arc<Object>> = kit.all(Kind::NODE).filter(|n| judge.node(n).0).cloned().collect();
        let max = ds.get(&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
        let max = max.map_or(1, |m| resolve(Some(m), wanted.len() as i64, true)).max(1);
        let (mut old_up, mut old_down, mut down) = (Vec::new(), Vec::new(), 0);
        for n in &wanted {
            let pods = placed.get(n.name()).map_or(&[][..], |v| v);
            match pods.iter().find(|p| !meta::deleting(p)) {
                None => down += 1,
                Some(p) => {
                    let up = pod::ready(p);
                    down += i64::from(!up);
                    if meta::label(p, revision::HASH) != Some(hash) {
                        if up { &mut old_up } else { &mut old_down }.push(p.clone());
                    }
                }
            }
        }
        let room = (max - down).max(0) as usize;
        old_down.extend(old_up.into_iter().take(room));
        old_down
    }

    /// Nodes that may have a new pod beside their old one, and old pods whose new one is available.
    fn surge(&self, kit: &mut Kit<'_, '_>, ds: &Object, placed: &Placed, hash: &str) -> (Vec<Str>, Vec<Arc<Object>>) {
        let judge = Judge::of(ds);
        let nodes: Vec<Str> = kit.all(Kind::NODE).filter(|n| judge.node(n).0).map(|n| n.name().clone()).collect();
        let max = resolve(ds.get(&SURGE), nodes.len() as i64, true);
        let (mut at_once, mut candidates, mut delete, mut surging) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for name in nodes {
            let pods = placed.get(&name).map_or(&[][..], |v| v);
            let find = |new: bool| {
                let mine =
                    |p: &&Arc<Object>| (meta::label(p, revision::HASH) == Some(hash)) == new && !meta::deleting(p);
                pods.iter().find(mine)
            };
            match (find(true), find(false)) {
                (_, None) => {}
                (None, Some(old)) if available(kit, ds, old) => candidates.push(name),
                (None, Some(_)) => at_once.push(name),
                (Some(new), Some(old)) if available(kit, ds, new) => delete.push(old.clone()),
                _ => surging += 1,
            }
        }
        let room = (max - surging).max(0) as usize;
        at_once.extend(candidates.into_iter().take(room));
        (at_once, delete)
    }

    fn managed(&mut self, kit: &mut Kit<'_, '_>, ds: &Arc<Object>, step: &Step) -> Next {
        let mut failed = false;
        for (i, reply) in step.replies.iter().enumerate() {
            let creation = (i as i64) < step.number;
            match (creation, succeeded(reply)) {
                (true, true) => {
                    let name = object(reply).map(|p| p.name().clone()).unwrap_or_default();
                    let message = ecow::eco_format!("Created pod: {name}");
                    kit.event(Note { about: ds.clone(), kind: "Normal", reason: "SuccessfulCreate", message });
                }
                (true, false) => {
                    failed = true;
                    self.expectations.creation_observed(&ds.key);
                    let message = ecow::eco_format!("Error creating: {}", error_text(reply));
                    kit.event(Note { about: ds.clone(), kind: "Warning", reason: "FailedCreate", message });
                }
                (false, well) => {
                    let Some(p) = step.objects.get(i - step.number as usize) else { continue };
                    if well {
                        let message = ecow::eco_format!("Deleted pod: {}", p.name());
                        kit.event(Note { about: ds.clone(), kind: "Normal", reason: "SuccessfulDelete", message });
                    } else {
                        self.expectations.deletion_observed(&ds.key, &p.key);
                    }
                }
            }
        }
        if failed {
            return Next::Retry;
        }
        let mut placed = Placed::new();
        for p in kit.controlled_by(ds, Kind::POD) {
            placed.entry(target_node(p)).or_default().push(p.clone());
        }
        self.status(kit, ds, &placed, &step.text)
    }

    fn status(&self, kit: &mut Kit<'_, '_>, ds: &Arc<Object>, placed: &Placed, hash: &str) -> Next {
        let mut n: BTreeMap<&str, i64> = BTreeMap::new();
        let wait = Duration::secs(ds.int(&["spec", "minReadySeconds"]).unwrap_or(0).max(0) as u64);
        let mut again = false;
        let judge = Judge::of(ds);
        for node in kit.all(Kind::NODE) {
            let pods = placed.get(node.name()).map_or(&[][..], |v| v);
            let should = judge.node(node).0;
            if !should {
                *n.entry("numberMisscheduled").or_default() += i64::from(!pods.is_empty());
                continue;
            }
            *n.entry("desiredNumberScheduled").or_default() += 1;
            let Some(p) = pods.iter().min_by_key(|p| (meta::deleting(p), meta::created(p))) else { continue };
            *n.entry("currentNumberScheduled").or_default() += 1;
            if let Some(since) = super::replicaset::ready_since(p) {
                *n.entry("numberReady").or_default() += 1;
                let available = since + wait <= kit.now();
                *n.entry("numberAvailable").or_default() += i64::from(available);
                again |= !available;
            }
            *n.entry("updatedNumberScheduled").or_default() += i64::from(meta::label(p, revision::HASH) == Some(hash));
        }
        let count = |field: &str| n.get(field).copied().unwrap_or(0);
        let mut status = map! { "observedGeneration" => meta::generation(ds) };
        for always in ["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"] {
            status.insert(always, count(always));
        }
        let missing = count("desiredNumberScheduled") - count("numberAvailable");
        let optional = [
            ("updatedNumberScheduled", count("updatedNumberScheduled")),
            ("numberAvailable", count("numberAvailable")),
            ("numberUnavailable", missing),
        ];
        for (field, value) in optional {
            if value != 0 {
                status.insert(field, value);
            }
        }
        if let Some(collisions) = ds.get(&["status", "collisionCount"]) {
            status.insert("collisionCount", collisions.clone());
        }
        if again {
            kit.enqueue_after(ds.key.clone(), wait);
        }
        if ds.get(&["status"]).and_then(Value::as_map) == Some(&status) {
            let live: Vec<Str> = placed
                .values()
                .flatten()
                .filter_map(|p| meta::label(p, revision::HASH).map(Str::from))
                .chain([hash.into()])
                .collect();
            return Next::run(revision::truncate(kit, ds, &live));
        }
        let mut updated = (**ds).clone();
        updated.set(&["status"], status);
        Next::Ask(vec![Request::update_status(updated)], Step::at("status"))
    }
}

const SURGE: [&str; 4] = ["spec", "updateStrategy", "rollingUpdate", "maxSurge"];

/// How many nodes may have two pods while the set is updated; `None`: none.
fn surge(kit: &Kit<'_, '_>, ds: &Object) -> Option<i64> {
    let rolling = ds.str(&["spec", "updateStrategy", "type"]) != "OnDelete";
    Some(resolve(ds.get(&SURGE), 100, true)).filter(|n| kit.modern() && rolling && *n > 0)
}

/// Whether a pod has been ready for long enough; if not yet, the set is looked at again then.
fn available(kit: &mut Kit<'_, '_>, ds: &Object, p: &Object) -> bool {
    let wait = Duration::secs(ds.int(&["spec", "minReadySeconds"]).unwrap_or(0).max(0) as u64);
    match super::replicaset::ready_since(p) {
        Some(since) if since + wait <= kit.now() => true,
        Some(_) => {
            kit.enqueue_after(ds.key.clone(), wait);
            false
        }
        None => false,
    }
}

/// The node a daemon pod is for: where it is, or the one its affinity names.
fn target_node(p: &Object) -> Str {
    if !pod::node_name(p).is_empty() {
        return pod::node_name(p).into();
    }
    let required = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = p.get(&required).and_then(|r| r.get("nodeSelectorTerms")).map_or(&[][..], Value::items);
    let fields = terms.iter().flat_map(|t| t.get("matchFields").map_or(&[][..], Value::items));
    fields
        .filter(|f| f.str("key") == "metadata.name")
        .find_map(|f| f.get("values")?.items().first())
        .map_or("", Value::as_str)
        .into()
}

/// Judges nodes for the pods of one DaemonSet.
struct Judge(Object);

impl Judge {
    fn of(ds: &Object) -> Judge {
        Judge(daemon_pod(ds, "", ""))
    }
    /// Whether a pod should run on the node, and whether one that runs may stay.
    fn node(&self, n: &Object) -> (bool, bool) {
        // What ties a pod to its own node always holds.
        if !placement::allows_but_fields(&self.0, n) {
            return (false, false);
        }
        let untolerated =
            |effect| node::taints(n).iter().any(|t| t.str("effect") == effect && !placement::tolerates(&self.0, t));
        let evicted = untolerated("NoExecute");
        (!evicted && !untolerated("NoSchedule"), !evicted)
    }
}

fn daemon_pod(ds: &Object, node: &str, hash: &str) -> Object {
    let blank = Value::Map(Map::new());
    let mut p = template::pod_from(ds, ds.get(&["spec", "template"]).unwrap_or(&blank));
    p.set(&["metadata", "labels", revision::HASH], hash);
    let generation = meta::annotation(ds, TEMPLATE_GENERATION).unwrap_or("1").to_owned();
    p.set(&["metadata", "labels", GENERATION], generation);
    pin(&mut p, node);
    let host_network = pod::host_network(&p);
    let tolerations = p.entry(&["spec", "tolerations"]).make_list();
    for (key, effect) in [
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    ] {
        tolerations.push(map! { "effect" => effect, "key" => key, "operator" => "Exists" });
    }
    if host_network {
        let key = "node.kubernetes.io/network-unavailable";
        tolerations.push(map! { "effect" => "NoSchedule", "key" => key, "operator" => "Exists" });
    }
    p
}

/// Ties the pod to one node; the scheduler does the rest.
fn pin(p: &mut Object, node: &str) {
    let field = || map! { "key" => "metadata.name", "operator" => "In", "values" => list![node] };
    let required = p.entry(&["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let terms = required.entry(&["nodeSelectorTerms"]).make_list().make_mut();
    if terms.is_empty() {
        terms.push(Value::Map(Map::new()));
    }
    for term in terms.make_mut() {
        *term.entry(&["matchFields"]) = list![field()].into();
    }
}
