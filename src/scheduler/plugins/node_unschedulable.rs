//! NodeUnschedulable: cordoned nodes take only pods that tolerate it.

use super::{Cycle, tolerates};
use crate::base::Str;
use crate::scheduler::node_info::{NodeInfo, Taint};

const REASON: &str = "node(s) were unschedulable";

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    if !node.unschedulable {
        return None;
    }
    let taint =
        Taint { key: "node.kubernetes.io/unschedulable".into(), value: Str::new(), effect: "NoSchedule".into() };
    (!tolerates(&cycle.pod.pod, &taint)).then(|| (vec![REASON.into()], true))
}
