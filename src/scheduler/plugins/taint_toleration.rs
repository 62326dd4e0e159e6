//! TaintToleration: a node's NoSchedule and NoExecute taints must be tolerated; fewer untolerated
//! PreferNoSchedule taints score higher.

use super::{Cycle, normalize};
use crate::api::Object;
use crate::api::placement::covers;
use crate::base::Str;
use crate::scheduler::node_info::{NodeInfo, Taint};

/// Whether a toleration of the pod covers `taint`.
pub fn tolerates(pod: &Object, taint: &Taint) -> bool {
    pod.items(&["spec", "tolerations"]).iter().any(|t| covers(t, &taint.key, &taint.value, &taint.effect))
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let hard = |t: &&Taint| t.effect == "NoSchedule" || t.effect == "NoExecute";
    let taint = node.taints.iter().filter(hard).find(|t| !tolerates(&cycle.pod.pod, t))?;
    let reason = if cycle.modern() {
        "node(s) had untolerated taint(s)".into()
    } else {
        ecow::eco_format!("node(s) had taint {{{}: {}}}, that the pod didn't tolerate", taint.key, taint.value)
    };
    Some((vec![reason], true))
}

pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let soft = |n: &&NodeInfo| {
        let untolerated = |t: &&Taint| t.effect == "PreferNoSchedule" && !tolerates(&cycle.pod.pod, t);
        n.taints.iter().filter(untolerated).count() as i64
    };
    let mut scores: Vec<i64> = nodes.iter().map(soft).collect();
    normalize(&mut scores, true);
    Some(scores)
}
