//! Making room: which pods of lower priority would have to go, on which node.
//! Models framework/preemption and plugins/defaultpreemption. Affinity and spreading are judged as
//! before the victims go.

use std::cmp::Reverse;
use std::sync::Arc;

use super::cycle::histogram;
use super::node_info::{NodeInfo, PodInfo};
use super::plugins::{self, Cycle, Misfit};
use crate::api::{Object, ObjectKey, budget, meta};
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::base::persistent::OrdMap;
use crate::sim::informer::Informer;

#[derive(Clone, Debug)]
pub struct Candidate {
    pub node: Str,
    pub victims: Vec<Arc<Object>>,
}

/// The node where the fewest and least important pods would go; otherwise why there is none.
pub fn find(
    cycle: &Cycle<'_>,
    misfits: &[(Str, Misfit)],
    nominated: &OrdMap<ObjectKey, (Str, Arc<PodInfo>)>,
    budgets: Option<&Informer>,
) -> (Option<Candidate>, Str) {
    let told = |why: Str| ecow::eco_format!("no new claims to deallocate, preemption: {why}");
    let pod = cycle.pod;
    if pod.pod.str(&["spec", "preemptionPolicy"]) == "Never" {
        return (None, told("not eligible due to preemptionPolicy=Never.".into()));
    }
    if let Some((node, _)) = nominated.get(pod.key())
        && cycle
            .cache
            .node(node)
            .is_some_and(|n| n.pods.values().any(|p| meta::deleting(&p.pod) && p.priority < pod.priority))
    {
        return (None, told("not eligible due to a terminating pod on the nominated node.".into()));
    }
    let mut reasons: Vec<Str> = Vec::new();
    let mut candidates: Vec<((Vec<Arc<PodInfo>>, usize), Str)> = Vec::new();
    for (name, misfit) in misfits {
        let Some(node) = cycle.cache.node(name).filter(|_| !misfit.unresolvable) else {
            reasons.push("Preemption is not helpful for scheduling".into());
            continue;
        };
        match victims(cycle, node, budgets) {
            Some(victims) => candidates.push((victims, name.clone())),
            None => reasons.push("No preemption victims found for incoming pod".into()),
        }
    }
    let cost = |(victims, violations): &(Vec<Arc<PodInfo>>, usize)| {
        let priorities = || victims.iter().map(|v| v.priority);
        let youngest = victims.iter().map(|v| meta::created(&v.pod)).min();
        (*violations, priorities().max(), priorities().sum::<i64>(), victims.len(), Reverse(youngest))
    };
    match candidates.into_iter().min_by_key(|(v, _)| cost(v)) {
        Some(((victims, _), node)) => {
            let victims = victims.iter().map(|v| v.pod.clone()).collect();
            (Some(Candidate { node, victims }), Str::new())
        }
        None => {
            let all = cycle.cache.nodes().len();
            (None, told(ecow::eco_format!("0/{all} nodes are available: {}.", histogram(reasons.into_iter()))))
        }
    }
}

/// Those of `pods` whose eviction their budgets do not allow, counted in order.
fn violating(cycle: &Cycle<'_>, pods: &[Arc<PodInfo>], budgets: Option<&Informer>) -> Vec<ObjectKey> {
    let mut left: Vec<(&Arc<Object>, i64)> = budgets
        .into_iter()
        .flat_map(|i| i.iter())
        .map(|b| (b, b.int(&["status", "disruptionsAllowed"]).unwrap_or(0)))
        .collect();
    let mut out = Vec::new();
    for p in pods {
        let mut over = false;
        for (budget, allowed) in left.iter_mut().filter(|(b, _)| budget::covers(b, &p.pod, cycle.modern())) {
            // One that is being evicted already was counted.
            if budget.get(&["status", "disruptedPods", p.pod.name()]).is_none() {
                *allowed -= 1;
                over |= *allowed < 0;
            }
        }
        if over {
            out.push(p.key().clone());
        }
    }
    out
}

/// The pods that must go so that the pod fits on `node`, and how many of them against their budgets;
/// `None` if that is none or not enough.
fn victims(cycle: &Cycle<'_>, node: &NodeInfo, budgets: Option<&Informer>) -> Option<(Vec<Arc<PodInfo>>, usize)> {
    let mut lower: Vec<Arc<PodInfo>> =
        node.pods.values().filter(|p| p.priority < cycle.pod.priority).cloned().collect();
    if lower.is_empty() {
        return None;
    }
    let mut room = node.clone();
    for p in &lower {
        room.remove(p.key());
    }
    if plugins::filter(cycle, &room).is_some() {
        return None;
    }
    // The more important and the older are spared first, if there is room for them.
    lower.arrange_by_key(|p| (Reverse(p.priority), meta::created(&p.pod)));
    // Before them those that a budget protects.
    let protected = violating(cycle, &lower, budgets);
    lower.arrange_by_key(|p| !protected.contains(p.key()));
    lower.retain(|p| {
        room.add(p.clone());
        let evicted = plugins::filter(cycle, &room).is_some();
        if evicted {
            room.remove(p.key());
        }
        evicted
    });
    let violations = lower.iter().filter(|p| protected.contains(p.key())).count();
    (!lower.is_empty()).then_some((lower, violations))
}
