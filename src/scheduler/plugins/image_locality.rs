//! ImageLocality: nodes that hold the pod's (big, widespread) images already score higher.

use std::sync::Arc;

use super::{Cycle, MAX_SCORE};
use crate::api::pod;
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;

const MB: i64 = 1 << 20;
const MIN: i64 = 23 * MB;
/// Per container.
const MAX: i64 = 1000 * MB;

pub fn score(cycle: &Cycle<'_>, nodes: &[Arc<NodeInfo>]) -> Option<Vec<i64>> {
    let containers = pod::containers(&cycle.pod.pod);
    let images: Vec<Str> = containers.iter().map(|c| full_name(c.str("image"))).collect();
    let all = cycle.cache.nodes();
    let spread: Vec<i64> =
        images.iter().map(|i| all.iter().filter(|n| n.images.contains_key(i)).count() as i64).collect();
    let total = all.len().max(1) as i64;
    let max = MAX * (containers.len().max(1) as i64);
    let score = |n: &Arc<NodeInfo>| {
        let sum: i64 = images.iter().zip(&spread).filter_map(|(i, on)| Some(n.images.get(i)? * on / total)).sum();
        MAX_SCORE * (sum.clamp(MIN, max) - MIN) / (max - MIN)
    };
    Some(nodes.iter().map(score).collect())
}

/// With `:latest` where no tag is given.
fn full_name(image: &str) -> Str {
    let tagged = image.rfind(':') > image.rfind('/') && image.contains(':');
    if tagged { image.into() } else { ecow::eco_format!("{image}:latest") }
}
