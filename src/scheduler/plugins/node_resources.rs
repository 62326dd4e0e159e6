//! NodeResourcesFit and NodeResourcesBalancedAllocation: requests against what nodes have left.

use super::{Cycle, MAX_SCORE};
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let (want, have, used) = (&cycle.pod.request, &node.allocatable, &node.requested);
    let mut reasons: Vec<Str> = Vec::new();
    // More than the node has at all: no eviction would help (the modern scheduler knows).
    let mut never = false;
    if node.pods.len() as i64 + 1 > node.max_pods {
        reasons.push("Too many pods".into());
    }
    let mut check = |name: &str, want: i64, have: i64, used: i64| {
        if want > 0 && want > have - used {
            reasons.push(ecow::eco_format!("Insufficient {name}"));
            never |= want > have;
        }
    };
    check("cpu", want.cpu, have.cpu, used.cpu);
    check("memory", want.memory, have.memory, used.memory);
    check("ephemeral-storage", want.storage, have.storage, used.storage);
    for (name, n) in &want.other {
        let of = |r: &crate::scheduler::node_info::Resources| r.other.get(name).copied().unwrap_or(0);
        check(name, *n, of(have), of(used));
    }
    (!reasons.is_empty()).then_some((reasons, never && cycle.modern()))
}

/// The more is left, the better: mean over CPU and memory.
pub fn least_allocated(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let left = |have: i64, want: i64| if have == 0 || want > have { 0 } else { (have - want) * MAX_SCORE / have };
    let (cpu, memory) = cycle.pod.nonzero;
    let score = |n: &&NodeInfo| {
        let of_cpu = left(n.allocatable.cpu, n.nonzero.0 + cpu);
        let of_memory = left(n.allocatable.memory, n.nonzero.1 + memory);
        (of_cpu + of_memory) / 2
    };
    Some(nodes.iter().map(score).collect())
}

/// The closer the used shares of CPU and memory, the better.
pub fn balanced(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let modern = cycle.modern();
    if modern && cycle.pod.request.is_zero() {
        return None; // skipped for pods that ask for nothing
    }
    Some(nodes.iter().map(|n| balance(cycle, n, modern)).collect())
}

fn balance(cycle: &Cycle<'_>, n: &NodeInfo, modern: bool) -> i64 {
    const ONE: i128 = 1_000_000_000;
    let (used, want) = if modern {
        ((n.requested.cpu, n.requested.memory), (cycle.pod.request.cpu, cycle.pod.request.memory))
    } else {
        (n.nonzero, cycle.pod.nonzero)
    };
    let fraction = |used: i64, have: i64| if have == 0 { ONE } else { i128::from(used) * ONE / i128::from(have) };
    let cpu = fraction(used.0 + want.0, n.allocatable.cpu);
    let memory = fraction(used.1 + want.1, n.allocatable.memory);
    let score = |distance: i128| ((ONE - distance) * i128::from(MAX_SCORE) / ONE) as i64;
    if modern {
        // The standard deviation of two values is half their distance.
        score((cpu.min(ONE) - memory.min(ONE)).abs() / 2)
    } else if cpu >= ONE || memory >= ONE {
        0
    } else {
        score((cpu - memory).abs())
    }
}
