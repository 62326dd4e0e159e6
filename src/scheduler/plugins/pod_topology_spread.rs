//! PodTopologySpread: pods of one workload apart from each other.
//! Models framework/plugins/podtopologyspread.

use std::sync::Arc;

use super::{Cycle, MAX_SCORE};
use crate::api::selector::{LabelSelector, Op, Requirement};
use crate::api::{Value, meta, placement};
use crate::base::Str;
use crate::scheduler::cache::{Cache, Topology};
use crate::scheduler::node_info::{NodeInfo, PodInfo};
use crate::sim::Profile;

const REASON: &str = "node(s) didn't match pod topology spread constraints";
const MISSING: &str = "node(s) didn't match pod topology spread constraints (missing required label)";
const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// What is counted for a node.
fn on(counts: &[i64], node: &NodeInfo) -> i64 {
    counts.get(node.index as usize).copied().unwrap_or(0)
}

#[derive(Clone, Debug)]
struct Constraint {
    topology: Arc<Topology>,
    by_host: bool,
    max_skew: i64,
    min_domains: i64,
    self_match: bool,
    /// Matching pods per node, by its index.
    per_node: Arc<Vec<i64>>,
    /// Matching pods per domain, over the nodes the pod may use; `None` where there is no such node.
    per_domain: Vec<Option<i64>>,
    /// The least of them.
    least: i64,
}

/// The pod's spreading, computed once per cycle.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    hard: Vec<Constraint>,
    soft: Vec<Constraint>,
    /// `soft` are the system's defaults: nodes may lack the labels. 1.20 had them, but took no notice of
    /// nodes without zones.
    defaults: bool,
}

impl Spread {
    /// `workload`: the selector of the services and the controller that the pod belongs to.
    pub fn new(profile: Profile, pod: &PodInfo, cache: &mut Cache, workload: &LabelSelector) -> Spread {
        let mut spread = Spread::default();
        let namespace = pod.key().namespace.clone();
        for c in pod.pod.items(&["spec", "topologySpreadConstraints"]) {
            let mut selector = c.get("labelSelector").map(LabelSelector::of_value).unwrap_or_default();
            for key in c.get("matchLabelKeys").map_or(&[][..], Value::items) {
                if let Some(value) = meta::label(&pod.pod, key.as_str()) {
                    let values = vec![value.into()];
                    selector.0.push(Requirement { key: key.as_str().into(), op: Op::In, values });
                }
            }
            let int = |field| c.get(field).and_then(Value::as_int).unwrap_or(1);
            let constraint = Constraint {
                topology: cache.topology(c.str("topologyKey")),
                by_host: c.str("topologyKey") == HOSTNAME,
                max_skew: int("maxSkew"),
                min_domains: int("minDomains"),
                self_match: selector.matches(pod.labels()),
                per_node: cache.matching(&namespace, &selector),
                per_domain: Vec::new(),
                least: 0,
            };
            if c.str("whenUnsatisfiable") == "ScheduleAnyway" {
                spread.soft.push(constraint);
            } else {
                spread.hard.push(constraint);
            }
        }
        if !workload.is_empty() && spread.hard.is_empty() && spread.soft.is_empty() {
            let per_node = cache.matching(&namespace, workload);
            spread.defaults = profile == Profile::Modern;
            for (topology, max_skew) in [(HOSTNAME, 3), (ZONE, 5)] {
                spread.soft.push(Constraint {
                    topology: cache.topology(topology),
                    by_host: topology == HOSTNAME,
                    max_skew,
                    min_domains: 1,
                    self_match: true,
                    per_node: per_node.clone(),
                    per_domain: Vec::new(),
                    least: 0,
                });
            }
        }
        if !spread.hard.is_empty() {
            spread.count_domains(pod, cache);
        }
        spread
    }

    fn count_domains(&mut self, pod: &PodInfo, cache: &Cache) {
        self.hard.iter_mut().for_each(|c| c.per_domain = vec![None; c.topology.domains()]);
        for node in cache.nodes() {
            if self.hard.iter().any(|c| c.topology.of(node).is_none()) || !placement::allows(&pod.pod, &node.node) {
                continue;
            }
            for c in &mut self.hard {
                if let Some(domain) = c.topology.of(node) {
                    *c.per_domain[domain].get_or_insert(0) += on(&c.per_node, node);
                }
            }
        }
        for c in &mut self.hard {
            let enough = c.per_domain.iter().flatten().count() as i64 >= c.min_domains;
            c.least = if enough { c.per_domain.iter().flatten().copied().min().unwrap_or(0) } else { 0 };
        }
    }
}

pub fn concerns(cycle: &Cycle<'_>) -> bool {
    !cycle.spread.hard.is_empty()
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    for c in &cycle.spread.hard {
        let Some(domain) = c.topology.of(node) else { return Some((vec![MISSING.into()], true)) };
        let here = c.per_domain[domain].unwrap_or(0) + i64::from(c.self_match);
        if here - c.least > c.max_skew {
            return Some((vec![REASON.into()], false));
        }
    }
    None
}

pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let spread = &cycle.spread;
    if spread.soft.is_empty() {
        return None;
    }
    let ignored: Vec<bool> =
        nodes.iter().map(|n| !spread.defaults && spread.soft.iter().any(|c| c.topology.of(n).is_none())).collect();
    let mut raw = vec![0i128; nodes.len()];
    for c in &spread.soft {
        add_constraint(c, cycle, nodes, &ignored, &mut raw);
    }
    // In billionths; whole scores are normalised. 1.20 cut off what follows the point.
    let round = if cycle.modern() { 500_000_000 } else { 0 };
    let raw: Vec<i64> = raw.iter().map(|s| ((s + round) / 1_000_000_000) as i64).collect();
    let kept = || raw.iter().zip(&ignored).filter(|(_, i)| !**i).map(|(s, _)| *s);
    let (max, min) = (kept().max().unwrap_or(0), kept().min().unwrap_or(0));
    let normal = |s: i64| if max == 0 { MAX_SCORE } else { MAX_SCORE * (max + min - s) / max };
    Some(raw.iter().zip(&ignored).map(|(s, i)| if *i { 0 } else { normal(*s) }).collect())
}

fn add_constraint(c: &Constraint, cycle: &Cycle<'_>, nodes: &[&NodeInfo], ignored: &[bool], raw: &mut [i128]) {
    if c.topology.domains() == 0 {
        return;
    }
    let considered = || nodes.iter().enumerate().filter(|(i, _)| !ignored[*i]);
    let mut domains: Vec<Option<i64>> = Vec::new();
    if !c.by_host {
        domains.resize(c.topology.domains(), None);
        considered().filter_map(|(_, n)| c.topology.of(n)).for_each(|domain| domains[domain] = Some(0));
        for n in cycle.cache.nodes() {
            if let Some(count) = c.topology.of(n).and_then(|domain| domains[domain].as_mut())
                && placement::allows(&cycle.pod.pod, &n.node)
            {
                *count += on(&c.per_node, n);
            }
        }
    }
    let size = if c.by_host { considered().count() } else { domains.iter().flatten().count() };
    let weight = i128::from(ln_nano(size as u64 + 2));
    for (i, n) in considered() {
        let Some(domain) = c.topology.of(n) else { continue };
        let count = if c.by_host { on(&c.per_node, n) } else { domains[domain].unwrap_or(0) };
        raw[i] += i128::from(count) * weight + i128::from(c.max_skew - 1) * 1_000_000_000;
    }
}

/// Natural logarithm in billionths, by squaring: no floats.
fn ln_nano(n: u64) -> i64 {
    const LN2_NANO: u128 = 693_147_181;
    let n = n.max(1);
    let whole = n.ilog2();
    let mut mantissa = (u128::from(n) << 32) >> whole;
    let mut fraction = 0u128;
    for _ in 0..32 {
        mantissa = (mantissa * mantissa) >> 32;
        fraction <<= 1;
        if mantissa >= 2 << 32 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    let log2 = (u128::from(whole) << 32) | fraction;
    ((log2 * LN2_NANO) >> 32) as i64
}

#[cfg(test)]
mod tests {
    use super::ln_nano;

    #[test]
    fn logarithms() {
        for (n, want) in [(1, 0), (2, 693_147_181), (3, 1_098_612_289), (5, 1_609_437_912), (100, 4_605_170_186)] {
            assert!((ln_nano(n) - want).abs() < 5, "{n}");
        }
    }
}
