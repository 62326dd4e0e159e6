//! ImageLocality: nodes that hold the pod's (big, widespread) images already score higher.

use super::{Cycle, MAX_SCORE};
use crate::api::{Object, pod};
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;

const MB: i64 = 1 << 20;
const MIN: i64 = 23 * MB;
/// Per container.
const MAX: i64 = 1000 * MB;

pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let total = cycle.cache.nodes().len().max(1) as i64;
    let max = MAX * (cycle.images.len().max(1) as i64);
    let score = |n: &&NodeInfo| {
        let sum: i64 = cycle.images.iter().map(|(on, sizes)| sizes[n.index as usize] * on / total).sum();
        MAX_SCORE * (sum.clamp(MIN, max) - MIN) / (max - MIN)
    };
    Some(nodes.iter().map(score).collect())
}

/// The full names of the pod's images.
pub fn images(pod: &Object) -> impl Iterator<Item = Str> {
    pod::containers(pod).iter().map(|c| full_name(c.str("image")))
}

/// With `:latest` where no tag is given.
fn full_name(image: &str) -> Str {
    let tagged = image.rfind(':') > image.rfind('/') && image.contains(':');
    if tagged { image.into() } else { ecow::eco_format!("{image}:latest") }
}
