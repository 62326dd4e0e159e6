//! NodeAffinity: nodeSelector and node affinity terms.

use super::{Cycle, normalize};
use crate::api::Value;
use crate::api::placement::{allows, term};
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;

pub fn concerns(cycle: &Cycle<'_>) -> bool {
    let required = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
    cycle.pod.pod.get(&["spec", "nodeSelector"]).is_some() || cycle.pod.pod.get(&required).is_some()
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let reason = if cycle.modern() {
        "node(s) didn't match Pod's node affinity/selector"
    } else {
        "node(s) didn't match Pod's node affinity"
    };
    (!allows(&cycle.pod.pod, &node.node)).then(|| (vec![reason.into()], true))
}

pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let path = ["spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"];
    let preferred = cycle.pod.pod.items(&path);
    if preferred.is_empty() {
        return None;
    }
    let sum = |n: &&NodeInfo| -> i64 {
        let matches = |p: &&Value| p.get("preference").is_some_and(|t| term(t, &n.node));
        preferred.iter().filter(matches).filter_map(|p| p.get("weight")?.as_int()).sum()
    };
    let mut scores: Vec<i64> = nodes.iter().map(sum).collect();
    normalize(&mut scores, false);
    Some(scores)
}
