//! The Deployment's status: counts, Available and Progressing, lack of progress.
//! Models pkg/controller/deployment/progress.go and sync.go (calculateStatus).

use super::replica_sets::Family;
use super::{Plan, replicas, rolling};
use crate::api::{Map, Object, Value, meta};
use crate::base::{Duration, Str, Time};

/// The counts of a status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    observed: i64,
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
    unavailable: i64,
    terminating: i64,
}

/// What the Deployment's status says now.
pub fn of(d: &Object) -> Counts {
    let n = |field| d.int(&["status", field]).unwrap_or(0);
    Counts {
        observed: n("observedGeneration"),
        replicas: n("replicas"),
        updated: n("updatedReplicas"),
        ready: n("readyReplicas"),
        available: n("availableReplicas"),
        unavailable: n("unavailableReplicas"),
        terminating: n("terminatingReplicas"),
    }
}

fn count(d: &Object, family: &Family) -> Counts {
    let sum = |field: &str| family.all().map(|rs| rs.int(&["status", field]).unwrap_or(0)).sum::<i64>();
    let available = sum("availableReplicas");
    let wanted: i64 = family.all().map(|rs| replicas(rs)).sum();
    Counts {
        observed: meta::generation(d),
        replicas: sum("replicas"),
        updated: family.new.as_ref().and_then(|rs| rs.int(&["status", "replicas"])).unwrap_or(0),
        ready: sum("readyReplicas"),
        available,
        unavailable: (wanted - available).max(0),
        terminating: sum("terminatingReplicas"),
    }
}

/// Every replica is of the new template and available.
pub fn complete(d: &Object, c: &Counts) -> bool {
    let wanted = replicas(d);
    c.updated == wanted && c.replicas == wanted && c.available == wanted && c.observed >= meta::generation(d)
}

fn progressed(old: &Counts, new: &Counts) -> bool {
    new.updated > old.updated
        || new.replicas - new.updated < old.replicas - old.updated
        || new.ready > old.ready
        || new.available > old.available
}

/// MaxInt32 means: no deadline.
pub fn has_deadline(d: &Object) -> bool {
    d.int(&["spec", "progressDeadlineSeconds"]).is_some_and(|s| s != i64::from(i32::MAX))
}

/// Sets a condition unless it is there with the same status and reason. It moves to the end.
pub fn set_condition(d: &mut Object, now: Time, kind: &str, status: &str, reason: &str, message: &str) {
    let now = now.rfc3339();
    let mut transition = now.clone();
    let mut kept = Vec::new();
    for c in d.items(&["status", "conditions"]) {
        if c.str("type") != kind {
            kept.push(c.clone());
            continue;
        }
        if c.str("status") == status && c.str("reason") == reason {
            return;
        }
        if c.str("status") == status {
            transition = c.str("lastTransitionTime").into();
        }
    }
    kept.push(Value::Map(map! {
        "lastTransitionTime" => transition, "lastUpdateTime" => now, "message" => message,
        "reason" => reason, "status" => status, "type" => kind,
    }));
    d.set(&["status", "conditions"], kept);
}

fn remove_condition(d: &mut Object, kind: &str) {
    let all = d.items(&["status", "conditions"]);
    if all.iter().any(|c| c.str("type") == kind) {
        let kept: Vec<Value> = all.iter().filter(|c| c.str("type") != kind).cloned().collect();
        d.set(&["status", "conditions"], kept);
    }
}

impl Plan<'_, '_, '_> {
    /// Notes pausing and resuming, so that a pause is not taken for a lack of progress.
    pub fn check_paused(&mut self) {
        if !has_deadline(&self.d) {
            return;
        }
        let paused = self.d.get(&["spec", "paused"]).and_then(Value::as_bool).unwrap_or(false);
        let reason: Str = meta::condition(&self.d, "Progressing").map_or("", |(_, reason, _)| reason).into();
        let (reason, message) = match (paused, reason.as_str()) {
            (_, "ProgressDeadlineExceeded") => return,
            (true, "DeploymentPaused") => return,
            (true, _) => ("DeploymentPaused", "Deployment is paused"),
            (false, "DeploymentPaused") => ("DeploymentResumed", "Deployment is resumed"),
            _ => return,
        };
        let now = self.kit.now();
        set_condition(&mut self.d, now, "Progressing", "Unknown", reason, message);
        self.update_status();
    }

    /// The status with new counts and the Available condition, before progress is judged.
    fn calculated(&self, family: &Family) -> (Object, Counts) {
        let counts = count(&self.d, family);
        let mut d = self.d.clone();
        let mut status = Map::new();
        let (ready, available) = (counts.ready, counts.available);
        for (field, n) in [
            ("availableReplicas", available),
            ("observedGeneration", counts.observed),
            ("readyReplicas", ready),
            ("replicas", counts.replicas),
            ("unavailableReplicas", counts.unavailable),
            ("updatedReplicas", counts.updated),
        ] {
            if n != 0 {
                status.insert(field, n);
            }
        }
        if self.kit.modern() {
            status.insert("terminatingReplicas", counts.terminating);
        }
        for kept in ["collisionCount", "conditions"] {
            if let Some(v) = self.d.get(&["status", kept]) {
                status.insert(kept, v.clone());
            }
        }
        d.set(&["status"], status);
        let now = self.kit.now();
        if available >= replicas(&d) - rolling::max_unavailable(&d) {
            let message = "Deployment has minimum availability.";
            set_condition(&mut d, now, "Available", "True", "MinimumReplicasAvailable", message);
        } else {
            let message = "Deployment does not have minimum availability.";
            set_condition(&mut d, now, "Available", "False", "MinimumReplicasUnavailable", message);
        }
        (d, counts)
    }

    /// Writes the status if it changed; does not judge progress.
    pub fn sync_status(&mut self, family: &Family) {
        let (d, _) = self.calculated(family);
        if d.get(&["status"]) != self.d.get(&["status"]) {
            self.d = d;
            self.update_status();
        }
    }

    /// Writes the status with the Progressing condition. `Some`: look again then whether it is stuck.
    pub fn sync_rollout_status(&mut self, family: &Family) -> Option<Duration> {
        let (mut d, counts) = self.calculated(family);
        let current = meta::condition(&self.d, "Progressing").map(|(s, r, _)| (Str::from(s), Str::from(r)));
        let reason = current.as_ref().map_or("", |(_, r)| r.as_str());
        let settled = counts.replicas == counts.updated && reason == "NewReplicaSetAvailable";
        if !has_deadline(&d) {
            remove_condition(&mut d, "Progressing");
        } else if !settled {
            self.judge(&mut d, family, &counts, current);
        }
        match failure(family) {
            Some((reason, message)) => {
                set_condition(&mut d, self.kit.now(), "ReplicaFailure", "True", &reason, &message);
            }
            None => remove_condition(&mut d, "ReplicaFailure"),
        }
        if d.get(&["status"]) == self.d.get(&["status"]) {
            return self.stuck_check(&counts);
        }
        self.d = d;
        self.update_status();
        None
    }

    fn judge(&mut self, d: &mut Object, family: &Family, counts: &Counts, current: Option<(Str, Str)>) {
        let now = self.kit.now();
        let what = match &family.new {
            Some(rs) => ecow::eco_format!("ReplicaSet \"{}\"", rs.name()),
            None => ecow::eco_format!("Deployment \"{}\"", d.name()),
        };
        if complete(d, counts) {
            let message = ecow::eco_format!("{what} has successfully progressed.");
            set_condition(d, now, "Progressing", "True", "NewReplicaSetAvailable", &message);
        } else if progressed(&of(&self.d), counts) {
            let message = ecow::eco_format!("{what} is progressing.");
            let transition: Str = progressing(&self.d).map_or("", |c| c.str("lastTransitionTime")).into();
            // Also the same reason again moves lastUpdateTime: that is what the deadline counts from.
            remove_condition(d, "Progressing");
            set_condition(d, now, "Progressing", "True", "ReplicaSetUpdated", &message);
            if current.is_some_and(|(status, _)| status == "True")
                && let Some(c) = d.entry(&["status", "conditions"]).make_list().items_mut().last_mut()
            {
                *c.entry(&["lastTransitionTime"]) = Value::from(transition);
            }
        } else if timed_out(&self.d, now) {
            let message = ecow::eco_format!("{what} has timed out progressing.");
            set_condition(d, now, "Progressing", "False", "ProgressDeadlineExceeded", &message);
            self.kit.decide(&self.d.key, "ProgressDeadlineExceeded", map! {});
        }
    }

    /// When to look again whether the rollout is stuck.
    fn stuck_check(&self, counts: &Counts) -> Option<Duration> {
        let c = progressing(&self.d)?;
        if !has_deadline(&self.d) || complete(&self.d, counts) || c.str("reason") == "ProgressDeadlineExceeded" {
            return None;
        }
        let deadline = Duration::secs(self.d.int(&["spec", "progressDeadlineSeconds"])?.max(0) as u64);
        let due = Time::parse_rfc3339(c.str("lastUpdateTime"))? + deadline;
        Some(due.since(self.kit.now()) + Duration::secs(1))
    }
}

fn progressing(d: &Object) -> Option<&Value> {
    d.items(&["status", "conditions"]).iter().find(|c| c.str("type") == "Progressing")
}

fn timed_out(d: &Object, now: Time) -> bool {
    let Some(c) = progressing(d) else { return false };
    match c.str("reason") {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => {
            let deadline = d.int(&["spec", "progressDeadlineSeconds"]).unwrap_or(600).max(0) as u64;
            let since = Time::parse_rfc3339(c.str("lastUpdateTime")).unwrap_or_default();
            since + Duration::secs(deadline) < now
        }
    }
}

/// (reason, message) of a ReplicaSet that cannot create pods, the new one's first.
fn failure(family: &Family) -> Option<(Str, Str)> {
    let of = |rs: &Object| {
        let (_, reason, message) = meta::condition(rs, "ReplicaFailure")?;
        Some((Str::from(reason), Str::from(message)))
    };
    family.new.as_ref().and_then(|rs| of(rs)).or_else(|| family.all().find_map(|rs| of(rs)))
}
