//! Which pods go first when there are too many.
//! Models pkg/controller/controller_utils.go (ActivePodsWithRanks).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::tally::{active, ready_since};
use super::{Kit, selector};
use crate::api::{Kind, Object, meta, pod};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// The `number` least useful of `pods`: not yet scheduled, pending, not ready, lower deletion cost
/// (where the profile knows it), on nodes with more replicas, ready for a shorter time, restarted
/// more often, younger.
pub fn to_delete(kit: &Kit<'_, '_>, rs: &Object, mut pods: Vec<Arc<Object>>, number: usize) -> Vec<Arc<Object>> {
    if number >= pods.len() {
        return pods;
    }
    let ranks = ranks(kit, rs);
    let modern = kit.modern();
    // Upstream compares ages of different magnitude only, in the modern profile: ages in powers of two.
    let age = |t: Option<crate::base::Time>| {
        let seconds = t.map_or(0, |t| kit.now().since(t).as_secs());
        if modern { u64::from(64 - seconds.leading_zeros()) } else { seconds }
    };
    pods.arrange_by_key(|p| {
        let phase = match pod::phase(p) {
            "Pending" => 0,
            "Unknown" => 1,
            _ => 2,
        };
        let cost: i64 = match modern {
            true => meta::annotation(p, "controller.kubernetes.io/pod-deletion-cost")
                .and_then(|c| c.parse().ok())
                .unwrap_or(0),
            false => 0,
        };
        let rank = ranks.get(pod::node_name(p)).copied().unwrap_or(0);
        let restarts = pod::container_statuses(p)
            .iter()
            .map(|c| c.get("restartCount").and_then(crate::api::Value::as_int).unwrap_or(0))
            .max();
        let key = (!pod::node_name(p).is_empty(), phase, pod::ready(p), cost, Reverse(rank));
        (key, age(ready_since(p)), Reverse(restarts), age(Some(meta::created(p))), meta::uid(p).to_owned())
    });
    pods.truncate(number);
    pods
}

/// Per node, the active pods of this ReplicaSet and of those with the same owner.
fn ranks(kit: &Kit<'_, '_>, rs: &Object) -> BTreeMap<Str, i64> {
    let mut count: BTreeMap<Str, i64> = BTreeMap::new();
    let owner = meta::controller_of(rs).map(|r| r.str("uid"));
    let siblings: Vec<Arc<Object>> = match owner {
        Some(uid) => kit.dependents(uid, Kind::REPLICA_SET).cloned().collect(),
        None => kit.named(rs.kind(), rs.namespace(), rs.name()).cloned().into_iter().collect(),
    };
    for sibling in siblings {
        let selector = selector(&sibling);
        for p in kit.controlled_by(&sibling, Kind::POD) {
            if active(p) && selector.matches(meta::labels(p)) {
                *count.entry(pod::node_name(p).into()).or_default() += 1;
            }
        }
    }
    count
}
