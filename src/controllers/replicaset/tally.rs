//! Counts of each ReplicaSet's pods, kept up to date pod by pod: a sync must not cost a walk over
//! all of them.

use std::sync::Arc;

use super::{min_ready, selector};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, Value, meta, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::controllers::Kit;
use crate::sim::informer::Delta;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Neither finished nor being deleted.
    pub active: i64,
    pub ready: i64,
    pub available: i64,
    /// Active with all labels of the template.
    pub labelled: i64,
    pub terminating: i64,
    /// Owned, but no longer matching the selector.
    pub strangers: i64,
}

#[derive(Clone, Debug)]
struct Tally {
    counts: Counts,
    selector: Arc<LabelSelector>,
    template: Arc<LabelSelector>,
}

/// Tallies by the ReplicaSet's UID; made when first asked for.
#[derive(Clone, Debug, Default)]
pub struct Tallies(OrdMap<Str, Tally>);

/// A pod that counts as a replica.
pub fn active(p: &Object) -> bool {
    !pod::terminal(p) && !meta::deleting(p)
}

impl Tally {
    fn of(rs: &Object) -> Tally {
        let labels = rs.get(&["spec", "template", "metadata", "labels"]).and_then(Value::as_map);
        let template = labels.map(LabelSelector::of_map).unwrap_or_default();
        Tally { counts: Counts::default(), selector: Arc::new(selector(rs)), template: Arc::new(template) }
    }

    /// Counts `p` in (`sign` 1) or out (-1).
    fn add(&mut self, p: &Object, sign: i64) {
        let c = &mut self.counts;
        if !self.selector.matches(meta::labels(p)) {
            c.strangers += sign;
            return;
        }
        if !active(p) {
            c.terminating += if meta::deleting(p) && !pod::terminal(p) { sign } else { 0 };
            return;
        }
        c.active += sign;
        if self.template.matches(meta::labels(p)) {
            c.labelled += sign;
        }
        if pod::ready(p) {
            c.ready += sign;
        }
    }
}

impl Tallies {
    pub fn forget(&mut self, uid: &str) {
        self.0.remove(uid);
    }
    /// Another selector or template counts differently.
    pub fn replica_set_changed(&mut self, old: Option<&Object>, new: &Object) {
        if old.is_none_or(|o| {
            o.get(&["spec", "selector"]) != new.get(&["spec", "selector"])
                || o.get(&["spec", "template", "metadata"]) != new.get(&["spec", "template", "metadata"])
        }) {
            self.forget(meta::uid(new));
        }
    }
    pub fn pod_changed(&mut self, delta: &Delta) {
        for (pod, sign) in [(&delta.old, -1), (&delta.new, 1)] {
            if let Some(pod) = pod
                && let Some(owner) = meta::controller_of(pod)
                && let Some(tally) = self.0.get_mut(owner.str("uid"))
            {
                tally.add(pod, sign);
            }
        }
    }
    pub fn of(&mut self, kit: &Kit<'_, '_>, rs: &Object) -> Counts {
        let uid = meta::uid(rs);
        if !self.0.contains_key(uid) {
            let mut tally = Tally::of(rs);
            kit.controlled_by(rs, Kind::POD).for_each(|p| tally.add(p, 1));
            self.0.insert(uid.into(), tally);
        }
        let mut counts = self.0.get(uid).map(|t| t.counts).unwrap_or_default();
        let wait = min_ready(rs);
        counts.available = match wait {
            Duration::ZERO => counts.ready,
            _ => kit
                .controlled_by(rs, Kind::POD)
                .filter(|p| active(p) && ready_since(p).is_some_and(|t| t + wait <= kit.now()))
                .count() as i64,
        };
        counts
    }
}

/// When the pod last became ready, if it is.
pub fn ready_since(p: &Object) -> Option<Time> {
    let conditions = p.items(&["status", "conditions"]);
    let c = conditions.iter().find(|c| c.str("type") == "Ready" && c.str("status") == "True")?;
    Time::parse_rfc3339(c.str("lastTransitionTime"))
}

impl Counts {
    /// As an object, to be carried between two steps of a sync.
    pub fn keep(&self, rs: &Object) -> Arc<Object> {
        let mut o = Object::new(Kind::REPLICA_SET, rs.namespace(), rs.name());
        let counts = map! {
            "active" => self.active, "ready" => self.ready, "available" => self.available,
            "labelled" => self.labelled, "terminating" => self.terminating, "strangers" => self.strangers,
        };
        o.set(&["counts"], counts);
        Arc::new(o)
    }
    pub fn kept(o: &Object) -> Counts {
        let n = |field| o.int(&["counts", field]).unwrap_or(0);
        Counts {
            active: n("active"),
            ready: n("ready"),
            available: n("available"),
            labelled: n("labelled"),
            terminating: n("terminating"),
            strangers: n("strangers"),
        }
    }
}
