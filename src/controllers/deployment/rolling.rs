//! How many replicas each ReplicaSet may have: surge, unavailability, proportional scaling.
//! Models pkg/controller/deployment/rolling.go and sync.go (scale).

use std::sync::Arc;

use super::replica_sets::{self, DESIRED, Family};
use super::{Plan, replicas};
use crate::api::{Object, Reason, Request, Value, meta};
use crate::base::arrange::Arrange;
use crate::controllers::{Note, Op};

/// A count, or a percentage of `total` rounded up or down.
pub fn resolve(value: Option<&Value>, total: i64, up: bool) -> i64 {
    match value {
        Some(Value::Int(n)) => *n,
        Some(Value::Str(s)) => match s.strip_suffix('%').and_then(|p| p.parse::<i64>().ok()) {
            Some(percent) if up => (percent * total + 99).div_euclid(100),
            Some(percent) => percent * total / 100,
            None => s.parse().unwrap_or(0),
        },
        _ => 0,
    }
}

/// (maxSurge, maxUnavailable) as numbers; never both zero.
fn fenceposts(d: &Object) -> (i64, i64) {
    let at = |field| d.get(&["spec", "strategy", "rollingUpdate", field]);
    let surge = resolve(at("maxSurge"), replicas(d), true);
    let unavailable = resolve(at("maxUnavailable"), replicas(d), false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}
fn rolling(d: &Object) -> bool {
    d.str(&["spec", "strategy", "type"]) != "Recreate"
}
fn max_surge(d: &Object) -> i64 {
    if rolling(d) { fenceposts(d).0 } else { 0 }
}
pub fn max_unavailable(d: &Object) -> i64 {
    if rolling(d) && replicas(d) > 0 { fenceposts(d).1.min(replicas(d)) } else { 0 }
}
/// As many pods as there may be at any time.
pub fn max_total(d: &Object) -> i64 {
    replicas(d) + max_surge(d)
}

/// How many replicas the new ReplicaSet, now at `current`, may have.
pub fn new_replicas(d: &Object, family: &Family, current: i64) -> i64 {
    if !rolling(d) {
        return replicas(d);
    }
    let total: i64 = family.old.iter().map(|rs| replicas(rs)).sum::<i64>() + current;
    let room = max_total(d) - total;
    if room <= 0 { current } else { current + room.min(replicas(d) - current) }
}

/// Whether the Deployment's replicas were changed since its ReplicaSets were last scaled.
pub fn is_scaling_event(d: &Object, family: &Family) -> bool {
    family
        .all()
        .filter(|rs| replicas(rs) > 0)
        .any(|rs| meta::annotation(rs, DESIRED).and_then(|n| n.parse::<i64>().ok()).is_some_and(|n| n != replicas(d)))
}

fn available(rs: &Object) -> i64 {
    rs.int(&["status", "availableReplicas"]).unwrap_or(0)
}

impl Plan<'_, '_, '_> {
    /// Adds the update that gives `rs` this size, with its event, unless it has it.
    pub fn scale_to(&mut self, rs: &Arc<Object>, to: i64) -> bool {
        replicas(rs) != to && self.set_size(rs, to)
    }

    fn set_size(&mut self, rs: &Arc<Object>, to: i64) -> bool {
        let from = replicas(rs);
        let mut updated = (**rs).clone();
        let annotations = replica_sets::set_replicas_annotations(&mut updated, replicas(&self.d), max_total(&self.d));
        if from == to && !annotations {
            return false;
        }
        updated.set(&["spec", "replicas"], to);
        let (way, verdict) = if to > from { ("up", "ScaleUp") } else { ("down", "ScaleDown") };
        if from == to {
            self.ops.push_back(Op::new(Request::update(updated), self.kit.ctx.cause));
            return false;
        }
        let detail = map! { "replicaSet" => rs.name(), "from" => from, "to" => to };
        let cause = self.kit.decide(&self.d.key, verdict, detail);
        let message = replica_sets::scaled_message(self.kit.modern(), way, rs, from, to);
        let about = Arc::new(self.d.clone());
        let note = Note { about, kind: "Normal", reason: "ScalingReplicaSet", message };
        self.ops.push_back(Op::new(Request::update(updated), cause).note(note));
        true
    }

    /// Grows (or shrinks) the new ReplicaSet as far as it may; whether that took a request.
    pub fn scale_new(&mut self, family: &Family) -> bool {
        let Some(rs) = &family.new else { return false };
        let (current, wanted) = (replicas(rs), replicas(&self.d));
        let to = if current > wanted { wanted } else { new_replicas(&self.d, family, current) };
        self.scale_to(rs, to)
    }

    /// Shrinks the old ReplicaSets as far as availability allows: unhealthy replicas first.
    pub fn scale_old(&mut self, family: &Family) -> bool {
        let Some(new) = &family.new else { return false };
        let mut old: Vec<(Arc<Object>, i64)> =
            family.old.iter().filter(|rs| replicas(rs) > 0).map(|rs| (rs.clone(), replicas(rs))).collect();
        let all: i64 = old.iter().map(|(_, n)| n).sum::<i64>() + replicas(new);
        let min_available = replicas(&self.d) - max_unavailable(&self.d);
        let mut room = all - min_available - (replicas(new) - available(new));
        if old.is_empty() || room <= 0 {
            return false;
        }
        for (rs, size) in &mut old {
            let unhealthy = (*size - available(rs)).clamp(0, room);
            *size -= unhealthy;
            room -= unhealthy;
        }
        let up: i64 = old.iter().map(|(rs, _)| available(rs)).sum::<i64>() + available(new);
        let mut spare = up - min_available;
        for (_, size) in &mut old {
            let n = (*size).min(spare.max(0));
            *size -= n;
            spare -= n;
        }
        // One update per ReplicaSet; upstream makes two where both reasons apply.
        let mut scaled = false;
        for (rs, size) in old {
            scaled |= self.scale_to(&rs, size);
        }
        scaled
    }

    /// Deletes ReplicaSets beyond revisionHistoryLimit.
    pub fn clean_up(&mut self, family: &Family) {
        for rs in replica_sets::superfluous(&self.d, &family.old) {
            let cause = self.kit.decide(&self.d.key, "DeleteOldReplicaSet", map! { "name" => rs.name() });
            self.ops.push_back(Op::new(Request::delete(&rs.key), cause).tolerate(&[Reason::NotFound]));
        }
    }

    /// After a change of replicas: all to the active one, or in proportion to several.
    pub fn scale(&mut self, family: &Family) {
        let mut active: Vec<Arc<Object>> = family.all().filter(|rs| replicas(rs) > 0).cloned().collect();
        let wanted = replicas(&self.d);
        let latest = || family.new.clone().or_else(|| family.old.last().cloned());
        let only = match active.len() {
            0 => latest(),
            1 => active.first().cloned(),
            _ => None,
        };
        if let Some(rs) = only {
            self.scale_to(&rs, wanted);
            return;
        }
        if family.new.as_ref().is_some_and(|rs| saturated(&self.d, rs)) {
            for rs in family.old.iter().filter(|rs| replicas(rs) > 0) {
                self.scale_to(rs, 0);
            }
            return;
        }
        if !rolling(&self.d) || active.is_empty() {
            return;
        }
        let total: i64 = active.iter().map(|rs| replicas(rs)).sum();
        let allowed = if wanted > 0 { max_total(&self.d) } else { 0 };
        let to_add = allowed - total;
        // The bigger first; among equals the newer when growing, the older when shrinking.
        active.arrange_by(|a, b| {
            let by_age = meta::created(a).cmp(&meta::created(b));
            replicas(b).cmp(&replicas(a)).then(if to_add > 0 { by_age.reverse() } else { by_age })
        });
        let mut added = 0;
        let mut sizes = Vec::new();
        for rs in &active {
            let share = if to_add == 0 { 0 } else { share(&self.d, rs, to_add, added) };
            sizes.push(replicas(rs) + share);
            added += share;
        }
        if let Some(first) = sizes.first_mut() {
            *first = (*first + to_add - added).max(0);
        }
        for (rs, size) in active.iter().zip(sizes) {
            self.set_size(rs, size);
        }
    }
}

fn saturated(d: &Object, rs: &Object) -> bool {
    let desired = meta::annotation(rs, DESIRED).and_then(|n| n.parse().ok());
    replicas(rs) == replicas(d) && desired == Some(replicas(d)) && available(rs) == replicas(d)
}

/// A ReplicaSet's part of `to_add`, of which `added` are given away already.
fn share(d: &Object, rs: &Object, to_add: i64, added: i64) -> i64 {
    let allowed = to_add - added;
    let size = replicas(rs);
    let fraction = if replicas(d) == 0 {
        -size
    } else {
        let max = meta::annotation(rs, replica_sets::MAX).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
        let max = if max == 0 { d.int(&["status", "replicas"]).unwrap_or(0) } else { max }.max(1);
        let scaled = size * max_total(d);
        // Rounded to the nearest, halves away from zero.
        (2 * scaled + max).div_euclid(2 * max) - size
    };
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_surge_up_and_unavailable_down() {
        for (value, total, up, want) in [
            (Value::from("25%"), 3, true, 1),
            (Value::from("25%"), 3, false, 0),
            (Value::from("25%"), 30, true, 8),
            (Value::from("100%"), 4, false, 4),
            (Value::from(2i64), 4, false, 2),
        ] {
            assert_eq!(resolve(Some(&value), total, up), want, "{value:?} of {total}");
        }
    }
}
