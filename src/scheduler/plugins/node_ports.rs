//! NodePorts: the host ports a pod asks for must be free on the node.

use super::Cycle;
use crate::base::Str;
use crate::scheduler::node_info::{HostPort, NodeInfo};

const REASON: &str = "node(s) didn't have free ports for the requested pod ports";

pub fn concerns(cycle: &Cycle<'_>) -> bool {
    !cycle.pod.ports.is_empty()
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let wanted = &cycle.pod.ports;
    let taken = |have: &HostPort| wanted.iter().any(|want| clash(want, have));
    node.pods.values().any(|p| p.ports.iter().any(taken)).then(|| (vec![REASON.into()], false))
}

/// The same port and protocol, on one address or on all.
fn clash(a: &HostPort, b: &HostPort) -> bool {
    let any = |ip: &str| ip == "0.0.0.0";
    a.0 == b.0 && a.2 == b.2 && (a.1 == b.1 || any(&a.1) || any(&b.1))
}
