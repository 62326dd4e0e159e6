//! Taint eviction: pods leave nodes whose NoExecute taints they do not tolerate, at once or when
//! their tolerationSeconds have passed.
//! Models pkg/controller/tainteviction (before 1.29 a part of nodelifecycle/scheduler).

use std::sync::Arc;

use super::kit::Next;
use super::{Controller, Kit, Note, Op, Step};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, meta, node, placement, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Time};
use crate::sim::informer::Delta;

#[derive(Clone, Debug)]
pub struct TaintEviction {
    name: &'static str,
    /// Pods that are to go, and when that was decided.
    scheduled: OrdMap<ObjectKey, (Time, Time)>,
}

impl TaintEviction {
    pub fn new(profile: crate::sim::Profile) -> TaintEviction {
        let name = match profile {
            crate::sim::Profile::Book => "taint-controller",
            crate::sim::Profile::Modern => "taint-eviction-controller",
        };
        TaintEviction { name, scheduled: OrdMap::new() }
    }
}

fn no_execute(n: &Object) -> impl Iterator<Item = &Value> {
    node::taints(n).iter().filter(|t| t.str("effect") == "NoExecute")
}

/// How long the pod may stay under the node's NoExecute taints; `None`: for ever.
fn stay(p: &Object, n: &Object) -> Option<Duration> {
    let mut least: Option<Duration> = None;
    for taint in no_execute(n) {
        let covering: Vec<&Value> = p
            .items(&["spec", "tolerations"])
            .iter()
            .filter(|t| placement::covers(t, taint.str("key"), taint.str("value"), "NoExecute"))
            .collect();
        if covering.is_empty() {
            return Some(Duration::ZERO);
        }
        for seconds in covering.iter().filter_map(|t| t.get("tolerationSeconds")?.as_int()) {
            let stay = Duration::secs(seconds.max(0) as u64);
            least = Some(least.map_or(stay, |l| l.min(stay)));
        }
    }
    least
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        self.name
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NODE, Kind::POD]
    }
    fn workers(&self) -> u32 {
        8
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind == Kind::POD {
            match &delta.new {
                None => {
                    self.scheduled.remove(&delta.key);
                }
                Some(p) if !pod::node_name(p).is_empty() => {
                    let moved = delta.old.as_ref().is_none_or(|o| {
                        pod::node_name(o) != pod::node_name(p)
                            || o.get(&["spec", "tolerations"]) != p.get(&["spec", "tolerations"])
                    });
                    let tainted = kit.named(Kind::NODE, "", pod::node_name(p)).cloned();
                    if moved && let Some(n) = tainted.filter(|n| no_execute(n).next().is_some()) {
                        self.judge(kit, p, &n);
                    }
                }
                Some(_) => {}
            }
            return;
        }
        let Some(n) = &delta.new else { return };
        let before: Vec<Value> = delta.old.as_ref().map(|o| no_execute(o).cloned().collect()).unwrap_or_default();
        if before.iter().ne(no_execute(n)) {
            let pods: Vec<Arc<Object>> = kit.pods_on(n.name()).cloned().collect();
            for p in pods {
                self.judge(kit, &p, n);
            }
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(due) = self.scheduled.get(key).map(|(due, _)| *due) else { return Next::Done };
        if due > kit.now() {
            return Next::After(due.since(kit.now()));
        }
        self.scheduled.remove(key);
        let Some(p) = kit.get(key).filter(|p| !meta::deleting(p)).cloned() else { return Next::Done };
        let cause = kit.decide(key, "Evict", map! { "node" => pod::node_name(&p) });
        kit.event(note(&p, "Marking for deletion Pod"));
        let mut ops = Vec::new();
        if kit.modern() {
            let mut updated = (*p).clone();
            let condition = map! {
                "lastProbeTime" => Value::Null, "lastTransitionTime" => kit.now().rfc3339(),
                "message" => "Taint manager: deleting due to NoExecute taint",
                "observedGeneration" => meta::generation(&p),
                "reason" => "DeletionByTaintManager", "status" => "True", "type" => "DisruptionTarget",
            };
            updated.entry(&["status", "conditions"]).make_list().push(condition);
            ops.push(Op::new(Request::update_status(updated), cause).tolerate(&[Reason::NotFound, Reason::Conflict]));
        }
        ops.push(Op::new(Request::delete(key), cause).tolerate(&[Reason::NotFound]));
        Next::run(ops)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl TaintEviction {
    fn judge(&mut self, kit: &mut Kit<'_, '_>, p: &Arc<Object>, n: &Object) {
        if meta::deleting(p) {
            return;
        }
        let Some(wait) = stay(p, n) else {
            if self.scheduled.remove(&p.key).is_some() {
                kit.event(note(p, "Cancelling deletion of Pod"));
            }
            return;
        };
        let now = kit.now();
        // A later taint does not restart the clock of an earlier one.
        let since = self.scheduled.get(&p.key).map_or(now, |(_, since)| *since);
        let due = if wait == Duration::ZERO { now } else { since + wait };
        self.scheduled.insert(p.key.clone(), (due, since));
        kit.decide(&p.key, "ScheduleEviction", map! { "node" => n.name(), "afterSeconds" => due.since(now).as_secs() });
        kit.enqueue_after(p.key.clone(), due.since(now));
    }
}

fn note(p: &Arc<Object>, what: &str) -> Note {
    let message = ecow::eco_format!("{what} {}/{}", p.namespace(), p.name());
    Note { about: p.clone(), kind: "Normal", reason: "TaintManagerEviction", message }
}
