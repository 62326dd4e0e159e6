//! Node lifecycle: a node whose kubelet is silent becomes NotReady, its pods too; conditions become
//! taints. What the taints do to pods is [`super::taint_eviction`]'s.
//! Models pkg/controller/nodelifecycle. One zone; no rate limit on tainting several nodes at once.

use std::sync::Arc;

use super::kit::succeeded;
use super::{Controller, Kit, Next, Note, Op, Step};
use crate::api::request::PatchType;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta, node};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::sim::Profile;
use crate::sim::informer::Delta;

const PERIOD: Duration = Duration::secs(5);
/// For a node that never reported.
const STARTUP_GRACE: Duration = Duration::secs(60);
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Conditions that go Unknown with Ready.
const KUBELETS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

fn grace(profile: Profile) -> Duration {
    match profile {
        Profile::Book => Duration::secs(40),
        Profile::Modern => Duration::secs(50),
    }
}

/// What was last seen of a node, by this controller's own clock.
#[derive(Clone, Debug, Default)]
struct Health {
    seen: Time,
    renewed: Str,
    heartbeat: Str,
}

#[derive(Clone, Debug, Default)]
pub struct NodeLifecycle {
    health: OrdMap<Str, Health>,
    /// The NoExecute taint each unhealthy node should have.
    no_execute: OrdMap<Str, Option<&'static str>>,
}

/// The key under which a node's health is worked on; its taints go under the node's own key.
fn health_key(node: &str) -> ObjectKey {
    ObjectKey::new(Kind::LEASE, "", node)
}

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NODE, Kind::LEASE, Kind::POD]
    }
    fn workers(&self) -> u32 {
        8
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        kit.wake(PERIOD, "monitor");
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind == Kind::NODE && delta.new.is_some() {
            kit.enqueue(delta.key.clone());
        }
    }
    fn woken(&mut self, kit: &mut Kit<'_, '_>, _arg: &str) {
        self.monitor(kit);
        kit.wake(PERIOD, "monitor");
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        match (key.kind, step.stage) {
            (Kind::NODE, _) => self.taint(kit, key),
            (_, "") => self.mark(kit, &key.name),
            (_, "marked") => marked(kit, step),
            _ => Next::Done,
        }
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl NodeLifecycle {
    /// Looks at every node's heartbeat.
    fn monitor(&mut self, kit: &mut Kit<'_, '_>) {
        let nodes: Vec<Arc<Object>> = kit.all(Kind::NODE).cloned().collect();
        let gone: Vec<Str> =
            self.health.keys().filter(|n| !nodes.iter().any(|node| node.name() == *n)).cloned().collect();
        for name in gone {
            self.health.remove(&name);
            self.no_execute.remove(&name);
            let message = ecow::eco_format!("Node {name} event: Removing Node {name} from Controller");
            let about = map! { "apiVersion" => "v1", "kind" => "Node", "name" => &name };
            kit.event_about(about, "Normal", "RemovingNode", message);
        }
        for n in &nodes {
            if !self.health.contains_key(n.name()) {
                let message = ecow::eco_format!("Node {0} event: Registered Node {0} in Controller", n.name());
                kit.event_about(reference(n), "Normal", "RegisteredNode", message);
            }
        }
        let disrupted = disrupted(&nodes);
        for n in nodes {
            self.observe(kit, &n);
            // What the node's condition was before this round: `book` acts on it one round late.
            let ready = condition_status(&n, "Ready");
            let wanted = match ready.as_str() {
                "Unknown" if !disrupted => Some(UNREACHABLE),
                "False" if !disrupted => Some(NOT_READY),
                _ => None,
            };
            let before = self.no_execute.insert(n.name().clone(), wanted);
            if before != Some(wanted) && !(before.is_none() && wanted.is_none()) {
                kit.enqueue(n.key.clone());
            }
            if self.silent(kit, &n) && ready != "Unknown" {
                kit.enqueue(health_key(n.name()));
            }
        }
    }

    fn observe(&mut self, kit: &Kit<'_, '_>, n: &Object) {
        let lease = kit.named(Kind::LEASE, "kube-node-lease", n.name());
        let renewed = lease.map_or("", |l| l.str(&["spec", "renewTime"]));
        let conditions = n.items(&["status", "conditions"]);
        let heartbeat = conditions.iter().find(|c| c.str("type") == "Ready").map_or("", |c| c.str("lastHeartbeatTime"));
        let known = self.health.get(n.name());
        if known.is_none_or(|h| h.renewed != renewed || h.heartbeat != heartbeat) {
            let seen = if known.is_none() && heartbeat.is_empty() { meta::created(n) } else { kit.now() };
            let health = Health { seen, renewed: renewed.into(), heartbeat: heartbeat.into() };
            self.health.insert(n.name().clone(), health);
        }
    }

    fn silent(&self, kit: &Kit<'_, '_>, n: &Object) -> bool {
        let Some(h) = self.health.get(n.name()) else { return false };
        let grace = if h.heartbeat.is_empty() { STARTUP_GRACE } else { grace(kit.profile) };
        h.seen + grace < kit.now()
    }

    /// Marks a silent node's conditions Unknown.
    fn mark(&mut self, kit: &mut Kit<'_, '_>, name: &str) -> Next {
        let Some(n) = kit.named(Kind::NODE, "", name).cloned() else { return Next::Done };
        if !self.silent(kit, &n) {
            return Next::Done;
        }
        let now = kit.now().rfc3339();
        let mut updated = (*n).clone();
        let conditions = updated.entry(&["status", "conditions"]).make_list().make_mut();
        let mut changed = false;
        for kind in KUBELETS {
            let (reason, message) = match conditions.iter().any(|c| c.str("type") == kind) {
                true => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
                false => ("NodeStatusNeverUpdated", "Kubelet never posted node status."),
            };
            let old = conditions.iter().find(|c| c.str("type") == kind);
            if old.is_some_and(|c| c.str("status") == "Unknown") {
                continue;
            }
            changed = true;
            let heartbeat = old.map_or_else(|| meta::created(&n).rfc3339(), |c| c.str("lastHeartbeatTime").into());
            let condition = map! {
                "lastHeartbeatTime" => heartbeat, "lastTransitionTime" => &now, "message" => message,
                "reason" => reason, "status" => "Unknown", "type" => kind,
            };
            match conditions.make_mut().iter_mut().find(|c| c.str("type") == kind) {
                Some(c) => *c = condition.into(),
                None => conditions.push(condition.into()),
            }
        }
        if !changed {
            return Next::Done;
        }
        let silent = self.health.get(name).map(|h| kit.now().since(h.seen).as_secs()).unwrap_or(0);
        kit.decide(&n.key, "NodeNotReady", map! { "silentSeconds" => silent });
        if kit.modern() {
            // The modern controller taints in the same round.
            self.no_execute.insert(name.into(), Some(UNREACHABLE));
        }
        Next::Ask(vec![Request::update_status(updated)], Step { objects: vec![n], ..Step::at("marked") })
    }

    /// Brings a node's condition taints in line.
    fn taint(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey) -> Next {
        let Some(n) = kit.get(key).cloned() else { return Next::Done };
        let mut wanted: Vec<(&str, &str)> = Vec::new();
        match condition_status(&n, "Ready").as_str() {
            "Unknown" => wanted.push((UNREACHABLE, "NoSchedule")),
            "False" => wanted.push((NOT_READY, "NoSchedule")),
            _ => {}
        }
        for (condition, taint) in [
            ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
            ("DiskPressure", "node.kubernetes.io/disk-pressure"),
            ("PIDPressure", "node.kubernetes.io/pid-pressure"),
            ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
        ] {
            if condition_status(&n, condition) == "True" {
                wanted.push((taint, "NoSchedule"));
            }
        }
        if node::unschedulable(&n) {
            wanted.push((UNSCHEDULABLE, "NoSchedule"));
        }
        if let Some(Some(taint)) = self.no_execute.get(key.name.as_str()) {
            wanted.push((taint, "NoExecute"));
        }
        let mut taints: Vec<Value> = Vec::new();
        let mut changed = Vec::<Str>::new();
        for t in node::taints(&n) {
            let this = (t.str("key"), t.str("effect"));
            if !managed(this) || wanted.contains(&this) {
                taints.push(t.clone());
            } else {
                changed.push(ecow::eco_format!("-{}:{}", this.0, this.1));
            }
        }
        for (taint, effect) in wanted {
            if !taints.iter().any(|t| t.str("key") == taint && t.str("effect") == effect) {
                changed.push(ecow::eco_format!("+{taint}:{effect}"));
                let new = map! { "effect" => effect, "key" => taint, "timeAdded" => kit.now().rfc3339() };
                taints.push(new.into());
            }
        }
        if changed.is_empty() {
            return Next::Done;
        }
        let cause = kit.decide(key, "TaintNode", map! { "changes" => changed });
        let list = if taints.is_empty() { Value::Null } else { taints.into() };
        let patch = map! { "spec" => map! { "taints" => list } };
        let request = Request::patch(key, PatchType::Merge, Value::Map(patch));
        Next::run([Op::new(request, cause).tolerate(&[Reason::NotFound])])
    }
}

/// Taints that belong to this controller.
fn managed((key, effect): (&str, &str)) -> bool {
    match effect {
        "NoExecute" => key == UNREACHABLE || key == NOT_READY,
        "NoSchedule" => {
            key == UNREACHABLE
                || key == NOT_READY
                || key == UNSCHEDULABLE
                || matches!(
                    key,
                    "node.kubernetes.io/memory-pressure"
                        | "node.kubernetes.io/disk-pressure"
                        | "node.kubernetes.io/pid-pressure"
                        | "node.kubernetes.io/network-unavailable"
                )
        }
        _ => false,
    }
}

/// So many nodes are down that the fault is probably not theirs: nobody is evicted.
fn disrupted(nodes: &[Arc<Object>]) -> bool {
    let down = nodes.iter().filter(|n| !node::ready(n)).count();
    down > 0 && down == nodes.len() || down > 2 && down * 100 >= nodes.len() * 55
}

fn condition_status(n: &Object, kind: &str) -> Str {
    meta::condition(n, kind).map_or("", |(status, ..)| status).into()
}

/// Here a node's events carry its real UID.
fn reference(n: &Object) -> Map {
    map! { "apiVersion" => "v1", "kind" => "Node", "name" => n.name(), "uid" => meta::uid(n) }
}

/// The node is Unknown now: tell, and mark its pods.
fn marked(kit: &mut Kit<'_, '_>, step: Step) -> Next {
    if !step.replies.first().is_some_and(succeeded) {
        return Next::Retry;
    }
    let Some(n) = step.objects.first().cloned() else { return Next::Done };
    let message = ecow::eco_format!("Node {} status is now: NodeNotReady", n.name());
    kit.event_about(reference(&n), "Normal", "NodeNotReady", message);
    kit.enqueue(n.key.clone());
    mark_pods(kit, &n)
}

/// Pods of a node that fell silent are not ready. (A kubelet that says NotReady itself keeps reporting
/// its pods.)
fn mark_pods(kit: &mut Kit<'_, '_>, n: &Object) -> Next {
    let pods: Vec<Arc<Object>> =
        kit.pods_on(n.name()).filter(|p| condition_status(p, "Ready") == "True").cloned().collect();
    let cause = kit.ctx.cause;
    let now = kit.now().rfc3339();
    let ops: Vec<Op> = pods
        .into_iter()
        .map(|p| {
            let mut updated = (*p).clone();
            for c in updated.entry(&["status", "conditions"]).make_list().items_mut() {
                if c.str("type") == "Ready" {
                    *c.entry(&["status"]) = "False".into();
                    *c.entry(&["lastTransitionTime"]) = now.clone().into();
                }
            }
            let note = Note { about: p, kind: "Warning", reason: "NodeNotReady", message: "Node is not ready".into() };
            Op::new(Request::update_status(updated), cause).note(note).tolerate(&[Reason::NotFound, Reason::Conflict])
        })
        .collect();
    Next::run(ops)
}
