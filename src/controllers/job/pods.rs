//! A Job's pods: what they count as, and how they are made.

use std::sync::Arc;

use super::status::uncounted_list;
use crate::api::{Kind, Object, Value, meta, pod};
use crate::base::arrange::Arrange;
use crate::base::persistent::OrdSet;
use crate::base::{Duration, Str, Time};
use crate::controllers::{Kit, template};

pub const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The first delay after a failure, and the longest.
const BACK_OFF: Duration = Duration::secs(10);

pub fn tracked(p: &Object) -> bool {
    meta::finalizers(p).iter().any(|f| f.as_str() == FINALIZER)
}

/// A pod of the Job; `index`: of an Indexed one.
pub fn make(job: &Object, template: &Value, index: Option<&str>, modern: bool) -> Object {
    let mut p = template::pod_from(job, template);
    if modern {
        p.entry(&["metadata", "finalizers"]).make_list().push(FINALIZER);
    }
    let Some(index) = index else { return p };
    p.set(&["metadata", "generateName"], ecow::eco_format!("{}-{index}-", job.name()));
    p.set(&["metadata", "annotations", INDEX], index);
    p.set(&["metadata", "labels", INDEX], index);
    p.set(&["spec", "hostname"], ecow::eco_format!("{}-{index}", job.name()));
    for list in ["initContainers", "containers"] {
        if p.items(&["spec", list]).is_empty() {
            continue;
        }
        for c in p.entry(&["spec", list]).make_list().items_mut() {
            let field = map! { "fieldPath" => ecow::eco_format!("metadata.labels['{INDEX}']") };
            let from = map! { "fieldRef" => field };
            c.entry(&["env"]).make_list().push(map! { "name" => "JOB_COMPLETION_INDEX", "valueFrom" => from });
        }
    }
    p
}

/// What a Job's pods come to.
#[derive(Default)]
pub struct Tally {
    pub active: Vec<Arc<Object>>,
    pub ready: i64,
    pub terminating: i64,
    /// Of the pods that ended, with those already counted in the status.
    pub succeeded: i64,
    pub failed: i64,
    /// Ended, not yet in the status.
    pub new_succeeded: Vec<Str>,
    pub new_failed: Vec<Str>,
    /// In the status as being counted, and freed since: now they count.
    pub settled_succeeded: i64,
    pub settled_failed: i64,
    /// In the status as being counted, with their finalizers.
    pub held_succeeded: Vec<Str>,
    pub held_failed: Vec<Str>,
    /// Pods with the finalizer.
    pub tracked: Vec<Arc<Object>>,
    /// Indexes that are done, in order.
    pub done: Vec<i64>,
    busy: Vec<i64>,
    pub replace_failed_only: bool,
    /// Failures since the last success, and when the last one was.
    failures: u32,
    last_failure: Time,
    /// Restarts of containers in running pods.
    pub restarts: i64,
}

fn index(p: &Object) -> Option<i64> {
    meta::annotation(p, INDEX)?.parse().ok()
}

/// When the pod ended: its last container's end.
fn ended(p: &Object) -> Time {
    let finished = |c: &Value| Time::parse_rfc3339(c.at(&["state", "terminated", "finishedAt"])?.as_str());
    let last = pod::container_statuses(p).iter().filter_map(finished).max();
    last.or_else(|| meta::deletion_timestamp(p)).unwrap_or_else(|| meta::created(p))
}

impl Tally {
    pub fn of(kit: &Kit<'_, '_>, job: &Object, released: &OrdSet<Str>) -> Tally {
        let modern = kit.modern();
        let mut t = Tally {
            replace_failed_only: job.str(&["spec", "podReplacementPolicy"]) == "Failed",
            done: super::status::parse_indexes(job.str(&["status", "completedIndexes"])),
            ..Tally::default()
        };
        let listed = [uncounted_list(job, "succeeded"), uncounted_list(job, "failed")];
        let (mut last_success, mut failures) = (Time::ZERO, Vec::new());
        for p in kit.controlled_by(job, Kind::POD) {
            let has_finalizer = tracked(p) && !released.contains(meta::uid(p));
            let phase = pod::phase(p);
            let mut bad = phase == "Failed";
            if !pod::terminal(p) {
                t.terminating += i64::from(meta::deleting(p));
                bad = modern && meta::deleting(p) && !t.replace_failed_only;
            }
            if !pod::terminal(p) && !meta::deleting(p) {
                t.ready += i64::from(pod::ready(p));
                t.busy.extend(index(p));
                let count = |c: &Value| c.get("restartCount").and_then(Value::as_int).unwrap_or(0);
                t.restarts += pod::container_statuses(p).iter().map(count).sum::<i64>();
                t.active.push(p.clone());
            }
            if phase == "Succeeded" {
                last_success = last_success.max(ended(p));
            } else if bad {
                failures.push(ended(p));
            }
            if !modern {
                t.succeeded += i64::from(phase == "Succeeded");
                t.failed += i64::from(phase == "Failed");
                continue;
            }
            if !has_finalizer {
                continue;
            }
            t.tracked.push(p.clone());
            let uid = Str::from(meta::uid(p));
            let is_listed = |n: usize| listed[n].contains(&uid);
            if is_listed(0) {
                t.held_succeeded.push(uid);
            } else if is_listed(1) {
                t.held_failed.push(uid);
            } else if phase == "Succeeded" {
                t.done.extend(index(p));
                t.new_succeeded.push(uid);
            } else if bad {
                t.new_failed.push(uid);
            }
        }
        t.done.arrange();
        t.done.dedup();
        failures.retain(|at| *at >= last_success);
        t.failures = failures.len() as u32;
        t.last_failure = failures.into_iter().max().unwrap_or_default();
        if modern {
            t.settled_succeeded = listed[0].len() as i64 - t.held_succeeded.len() as i64;
            t.settled_failed = listed[1].len() as i64 - t.held_failed.len() as i64;
            let had = |field: &str| job.int(&["status", field]).unwrap_or(0);
            t.succeeded = had("succeeded") + (listed[0].len() + t.new_succeeded.len()) as i64;
            t.failed = had("failed") + (listed[1].len() + t.new_failed.len()) as i64;
            if job.str(&["spec", "completionMode"]) == "Indexed" {
                t.succeeded = t.done.len() as i64;
            }
        }
        t
    }

    /// How long still to wait after the last failure before the next pod.
    pub fn back_off(&self, kit: &Kit<'_, '_>) -> Option<Duration> {
        // [book] the first one is replaced at once.
        let n = if kit.modern() { self.failures } else { self.failures.saturating_sub(1) };
        let longest = if kit.modern() { Duration::mins(10) } else { Duration::mins(6) };
        let wait = match n {
            0 => return None,
            n => Duration(BACK_OFF.0 << (n - 1).min(10)).min(longest),
        };
        let due = self.last_failure + wait;
        (due > kit.now()).then(|| due.since(kit.now()))
    }

    /// The lowest indexes without a pod; none where the Job is not Indexed.
    pub fn free_indexes(&self, job: &Object, number: i64) -> Vec<i64> {
        if job.str(&["spec", "completionMode"]) != "Indexed" {
            return Vec::new();
        }
        let all = 0..job.int(&["spec", "completions"]).unwrap_or(0);
        let free = all.filter(|i| self.done.binary_search(i).is_err() && !self.busy.contains(i));
        free.take(number as usize).collect()
    }
}
