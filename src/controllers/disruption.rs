//! PodDisruptionBudgets: how many of their pods may be evicted now.
//! Models pkg/controller/disruption.

use std::sync::Arc;

use super::deployment::resolve;
use super::kit::succeeded;
use super::{Controller, Kit, Next, Note, Step};
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, budget, meta, pod};
use crate::base::{Duration, Str, Time};
use crate::sim::informer::Delta;

/// An eviction that came to nothing is forgotten after this.
const DELETION_TIMEOUT: Duration = Duration::mins(2);

#[derive(Clone, Debug, Default)]
pub struct Disruption;

impl Controller for Disruption {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[
            Kind::POD_DISRUPTION_BUDGET,
            Kind::POD,
            Kind::REPLICATION_CONTROLLER,
            Kind::DEPLOYMENT,
            Kind::REPLICA_SET,
            Kind::STATEFUL_SET,
        ]
    }
    fn workers(&self) -> u32 {
        1
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::POD_DISRUPTION_BUDGET => kit.enqueue(delta.key.clone()),
            Kind::POD => {
                let both: Vec<&Arc<Object>> = delta.old.iter().chain(&delta.new).collect();
                let all = kit.in_namespace(Kind::POD_DISRUPTION_BUDGET, &delta.key.namespace);
                let touched = all.filter(|b| both.iter().any(|p| budget::covers(b, p, kit.modern())));
                let keys: Vec<ObjectKey> = touched.map(|b| b.key.clone()).collect();
                keys.into_iter().for_each(|key| kit.enqueue(key));
            }
            _ => {}
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        match (step.stage, kit.get(key).cloned()) {
            ("", Some(budget)) => start(kit, &budget),
            ("status", _) if !step.replies.iter().all(succeeded) => Next::Retry,
            _ => Next::Done,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// The scale that the pods' controllers want, each counted once.
fn expected_scale(kit: &Kit<'_, '_>, pods: &[Arc<Object>]) -> Result<i64, Str> {
    let mut seen: Vec<(Str, i64)> = Vec::new();
    for p in pods {
        let Some(owner) = meta::controller_of(p) else {
            if kit.modern() {
                continue;
            }
            return Err(ecow::eco_format!("found no controller ref for pod \"{}\"", p.name()));
        };
        let kinds = [Kind::REPLICA_SET, Kind::STATEFUL_SET, Kind::REPLICATION_CONTROLLER];
        let found = kinds.into_iter().find_map(|kind| kit.controller(p, kind));
        let Some(mut scaled) = found else {
            if kit.modern() {
                continue;
            }
            return Err(ecow::eco_format!("found no controllers for pod \"{}\" ({})", p.name(), owner.str("kind")));
        };
        if let Some(deployment) = kit.controller(scaled, Kind::DEPLOYMENT) {
            scaled = deployment;
        }
        let uid = Str::from(meta::uid(scaled));
        if !seen.iter().any(|(u, _)| *u == uid) {
            seen.push((uid, scaled.int(&["spec", "replicas"]).unwrap_or(1)));
        }
    }
    Ok(seen.iter().map(|(_, n)| n).sum())
}

fn start(kit: &mut Kit<'_, '_>, pdb: &Arc<Object>) -> Next {
    let modern = kit.modern();
    let pods: Vec<Arc<Object>> = kit
        .in_namespace(Kind::POD, pdb.namespace())
        .filter(|p| budget::covers(pdb, p, modern) && !pod::terminal(p))
        .cloned()
        .collect();
    if pods.is_empty() {
        let message = "No matching pods found".into();
        kit.event(Note { about: pdb.clone(), kind: "Normal", reason: "NoPods", message });
    }
    let at = |field| pdb.get(&["spec", field]).filter(|v| !v.is_null());
    let (min, max) = (at("minAvailable"), at("maxUnavailable"));
    let counted = match (min.and_then(Value::as_int), min, max) {
        (Some(n), ..) => Ok((pods.len() as i64, n)),
        (None, Some(min), _) => expected_scale(kit, &pods).map(|n| (n, resolve(Some(min), n, true))),
        (None, None, Some(max)) => expected_scale(kit, &pods).map(|n| (n, (n - resolve(Some(max), n, true)).max(0))),
        _ => Ok((0, 0)),
    };
    let (expected, desired) = match counted {
        Ok(counted) => counted,
        Err(why) => {
            let message = ecow::eco_format!("Failed to calculate the number of expected pods: {why}");
            let reason = "CalculateExpectedPodCountFailed";
            kit.event(Note { about: pdb.clone(), kind: "Warning", reason, message });
            return write(kit, pdb, (0, 0, 0, 0), Map::new());
        }
    };
    let mut disrupted = Map::new();
    let mut again: Option<Duration> = None;
    for (name, at) in pdb.get(&["status", "disruptedPods"]).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        let since = Time::parse_rfc3339(at.as_str()).unwrap_or_default();
        let alive = pods.iter().any(|p| p.name() == name && !meta::deleting(p));
        if alive && since + DELETION_TIMEOUT > kit.now() {
            disrupted.insert(name.clone(), at.clone());
            let left = (since + DELETION_TIMEOUT).since(kit.now());
            again = Some(again.map_or(left, |a| a.min(left)));
        }
    }
    let healthy =
        pods.iter().filter(|p| pod::ready(p) && !meta::deleting(p) && !disrupted.has(p.name())).count() as i64;
    let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
    if let Some(wait) = again {
        kit.enqueue_after(pdb.key.clone(), wait);
    }
    write(kit, pdb, (healthy, desired, expected, allowed), disrupted)
}

fn write(
    kit: &Kit<'_, '_>,
    pdb: &Object,
    (healthy, desired, expected, allowed): (i64, i64, i64, i64),
    disrupted: Map,
) -> Next {
    let mut next = pdb.clone();
    let mut status = map! {
        "currentHealthy" => healthy, "desiredHealthy" => desired, "disruptionsAllowed" => allowed,
        "expectedPods" => expected, "observedGeneration" => meta::generation(pdb),
    };
    if !disrupted.is_empty() {
        status.insert("disruptedPods", disrupted);
    }
    if kit.modern() {
        let (verdict, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let generation = meta::generation(pdb);
        let had = pdb.items(&["status", "conditions"]).iter().find(|c| c.str("status") == verdict);
        let since = had.map_or_else(|| kit.now().rfc3339(), |c| c.str("lastTransitionTime").into());
        status.insert(
            "conditions",
            list![map! {
                "lastTransitionTime" => since, "message" => "", "observedGeneration" => generation,
                "reason" => reason, "status" => verdict, "type" => "DisruptionAllowed",
            }],
        );
    }
    next.set(&["status"], status);
    if next.get(&["status"]) == pdb.get(&["status"]) {
        return Next::Done;
    }
    Next::Ask(vec![Request::update_status(next)], Step::at("status"))
}
