//! The scheduling plugins: one file each, one table. A filter says why a node cannot take the pod; a
//! score says how well each remaining node would, 0 to 100.
//! Models pkg/scheduler/framework/plugins and apis/config/v1/default_plugins.go.

pub mod image_locality;
mod inter_pod_affinity;
mod node_affinity;
mod node_ports;
mod node_resources;
mod node_unschedulable;
mod pod_topology_spread;
mod taint_toleration;
pub mod volume_binding;

use std::sync::Arc;

use super::cache::Cache;
use super::node_info::{NodeInfo, PodInfo};
use crate::base::Str;
use crate::sim::Profile;

pub use inter_pod_affinity::Affinity;
pub use pod_topology_spread::Spread;
pub use taint_toleration::tolerates;

/// Highest score of one plugin.
pub const MAX_SCORE: i64 = 100;

/// What one scheduling cycle knows: the pod, and what was computed once for all nodes.
pub struct Cycle<'c> {
    pub profile: Profile,
    pub pod: &'c PodInfo,
    pub cache: &'c Cache,
    pub spread: Spread,
    pub affinity: Affinity,
    /// Node affinity terms of the volumes the pod uses.
    pub volumes: volume_binding::Volumes,
    /// For each container its image: on how many nodes it is, and its bytes on each.
    pub images: Vec<(i64, Arc<Vec<i64>>)>,
    /// The plugins whose filters concern this pod.
    pub filters: Vec<&'static Plugin>,
}

impl Cycle<'_> {
    /// Leaves out the filters that have nothing to say about the pod, as upstream's PreFilter does.
    pub fn prepared(mut self) -> Self {
        self.filters = PLUGINS.iter().filter(|p| p.filter.is_some() && (p.concerns)(&self)).collect();
        self
    }
    pub fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
}

/// Why a node does not fit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    pub plugin: &'static str,
    pub reasons: Vec<Str>,
    /// Removing pods from the node would not help.
    pub unresolvable: bool,
}

pub type Filter = fn(&Cycle<'_>, &NodeInfo) -> Option<(Vec<Str>, bool)>;
pub type Score = fn(&Cycle<'_>, &[&NodeInfo]) -> Option<Vec<i64>>;

fn always(_: &Cycle<'_>) -> bool {
    true
}

pub struct Plugin {
    pub name: &'static str,
    pub filter: Option<Filter>,
    /// Whether the filter can say anything about the cycle's pod.
    pub concerns: fn(&Cycle<'_>) -> bool,
    pub score: Option<Score>,
    /// Weights of the score in `book` and `modern`; 0: not used.
    pub weights: (i64, i64),
}

/// In the order in which filters run.
pub static PLUGINS: &[Plugin] = &[
    Plugin {
        name: "NodeUnschedulable",
        filter: Some(node_unschedulable::filter),
        concerns: always,
        score: None,
        weights: (0, 0),
    },
    Plugin {
        name: "TaintToleration",
        filter: Some(taint_toleration::filter),
        concerns: always,
        score: Some(taint_toleration::score),
        weights: (1, 3),
    },
    Plugin {
        name: "NodeAffinity",
        filter: Some(node_affinity::filter),
        concerns: node_affinity::concerns,
        score: Some(node_affinity::score),
        weights: (1, 2),
    },
    Plugin {
        name: "NodePorts",
        filter: Some(node_ports::filter),
        concerns: node_ports::concerns,
        score: None,
        weights: (0, 0),
    },
    Plugin {
        name: "NodeResourcesFit",
        filter: Some(node_resources::filter),
        concerns: always,
        score: Some(node_resources::least_allocated),
        weights: (1, 1),
    },
    Plugin {
        name: "VolumeBinding",
        filter: Some(volume_binding::filter),
        concerns: volume_binding::concerns,
        score: None,
        weights: (0, 0),
    },
    Plugin {
        name: "PodTopologySpread",
        filter: Some(pod_topology_spread::filter),
        concerns: pod_topology_spread::concerns,
        score: Some(pod_topology_spread::score),
        weights: (2, 2),
    },
    Plugin {
        name: "InterPodAffinity",
        filter: Some(inter_pod_affinity::filter),
        concerns: inter_pod_affinity::concerns,
        score: Some(inter_pod_affinity::score),
        weights: (1, 2),
    },
    Plugin {
        name: "NodeResourcesBalancedAllocation",
        filter: None,
        concerns: always,
        score: Some(node_resources::balanced),
        weights: (1, 1),
    },
    Plugin {
        name: "ImageLocality",
        filter: None,
        concerns: always,
        score: Some(image_locality::score),
        weights: (1, 1),
    },
];

impl Plugin {
    pub fn weight(&self, profile: Profile) -> i64 {
        match profile {
            Profile::Book => self.weights.0,
            Profile::Modern => self.weights.1,
        }
    }
}

/// Runs the filters on a node; the first that objects decides.
pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<Misfit> {
    cycle.filters.iter().find_map(|p| {
        let (reasons, unresolvable) = p.filter?(cycle, node)?;
        Some(Misfit { plugin: p.name, reasons, unresolvable })
    })
}

/// Weighted scores of each plugin that has something to say: (plugin, a score per node).
pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Vec<(&'static str, Vec<i64>)> {
    PLUGINS
        .iter()
        .filter(|p| p.weight(cycle.profile) > 0)
        .filter_map(|p| {
            let weight = p.weight(cycle.profile);
            let mut scores = p.score?(cycle, nodes)?;
            scores.iter_mut().for_each(|s| *s *= weight);
            Some((p.name, scores))
        })
        .collect()
}

/// Scales so that the highest becomes 100; `reverse`: the lowest does.
/// Models framework/plugins/helper DefaultNormalizeScore.
pub fn normalize(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0);
    for s in scores {
        *s = match (max, reverse) {
            (0, true) => MAX_SCORE,
            (0, false) => 0,
            (_, true) => MAX_SCORE - *s * MAX_SCORE / max,
            (_, false) => *s * MAX_SCORE / max,
        };
    }
}
