//! A Job's status: counters, conditions, and which pods are being counted.

use std::sync::Arc;

use super::pods::Tally;
use crate::api::{Map, Object, Value, meta};
use crate::base::{Duration, Str, Time};
use crate::controllers::{Kit, Note};

/// UIDs in `status.uncountedTerminatedPods`.
pub fn uncounted_list(job: &Object, which: &str) -> Vec<Str> {
    job.items(&["status", "uncountedTerminatedPods", which]).iter().map(|u| u.as_str().into()).collect()
}
pub fn uncounted_uids(job: &Object) -> Vec<Str> {
    let mut all = uncounted_list(job, "succeeded");
    all.extend(uncounted_list(job, "failed"));
    all
}
pub fn uncounted(job: &Object) -> bool {
    !uncounted_uids(job).is_empty()
}

/// `0-2,4` as numbers.
pub fn parse_indexes(text: &str) -> Vec<i64> {
    let number = |s: &str| s.parse::<i64>().unwrap_or(0);
    let range = |part: &str| match part.split_once('-') {
        Some((from, to)) => (number(from), number(to)),
        None => (number(part), number(part)),
    };
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts.flat_map(|part| range(part).0..=range(part).1).collect()
}

/// The same back: runs of three and more as `from-to`.
fn print_indexes(all: &[i64]) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut rest = all;
    while let [first, ..] = rest {
        let run = rest.iter().zip(*first..).take_while(|(a, b)| **a == *b).count();
        match run {
            1 => out.push(first.to_string()),
            2 => out.push(format!("{first},{}", first + 1)),
            n => out.push(format!("{first}-{}", first + n as i64 - 1)),
        }
        rest = &rest[run..];
    }
    out.join(",")
}

/// The Job with the status that its pods come to.
pub fn begin(kit: &mut Kit<'_, '_>, job: &Arc<Object>, t: &Tally) -> Object {
    let mut next = (**job).clone();
    let now = kit.now().rfc3339();
    let suspend = job.get(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if kit.modern() {
        let was = meta::condition(job, "Suspended").map(|(status, ..)| status == "True");
        if suspend && was != Some(true) {
            condition(kit.now(), &mut next, "Suspended", "True", "JobSuspended", "Job suspended");
            kit.event(Note {
                about: job.clone(),
                kind: "Normal",
                reason: "Suspended",
                message: "Job suspended".into(),
            });
        } else if !suspend && was == Some(true) {
            condition(kit.now(), &mut next, "Suspended", "False", "JobResumed", "Job resumed");
            kit.event(Note { about: job.clone(), kind: "Normal", reason: "Resumed", message: "Job resumed".into() });
            next.set(&["status", "startTime"], &now);
        }
    }
    if job.str(&["status", "startTime"]).is_empty() && !(kit.modern() && suspend) {
        next.set(&["status", "startTime"], now);
        if let Some(deadline) = deadline(job) {
            kit.enqueue_after(job.key.clone(), deadline);
        }
    }
    number(&mut next, "active", t.active.len() as i64);
    if !kit.modern() {
        number(&mut next, "succeeded", t.succeeded);
        number(&mut next, "failed", t.failed);
        return next;
    }
    next.set(&["status", "ready"], t.ready);
    next.set(&["status", "terminating"], t.terminating);
    let had = |field: &str| job.int(&["status", field]).unwrap_or(0);
    number(&mut next, "succeeded", had("succeeded") + t.settled_succeeded);
    number(&mut next, "failed", had("failed") + t.settled_failed);
    let mut uncounted = Map::new();
    let groups = [("succeeded", &t.held_succeeded, &t.new_succeeded), ("failed", &t.held_failed, &t.new_failed)];
    for (field, held, new) in groups {
        let all: Vec<&Str> = held.iter().chain(new).collect();
        if !all.is_empty() {
            uncounted.insert(field, all);
        }
    }
    next.set(&["status", "uncountedTerminatedPods"], uncounted);
    if job.str(&["spec", "completionMode"]) == "Indexed" && !t.done.is_empty() {
        next.set(&["status", "completedIndexes"], print_indexes(&t.done));
    }
    next
}

fn deadline(job: &Object) -> Option<Duration> {
    job.int(&["spec", "activeDeadlineSeconds"]).map(|s| Duration::secs(s.max(0) as u64))
}

fn number(o: &mut Object, field: &str, n: i64) {
    match n {
        0 => o.unset(&["status", field]),
        n => o.set(&["status", field], n),
    }
}

/// One pod fewer is active: it was told to end.
pub fn less_active(kit: &Kit<'_, '_>, next: &mut Object) {
    let active = next.int(&["status", "active"]).unwrap_or(0);
    number(next, "active", active - 1);
    if kit.modern() {
        let terminating = next.int(&["status", "terminating"]).unwrap_or(0);
        next.set(&["status", "terminating"], terminating + 1);
    }
}

fn condition(now: Time, next: &mut Object, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = next.entry(&["status", "conditions"]).make_list().make_mut();
    conditions.retain(|c| c.str("type") != kind);
    conditions.push(Value::Map(map! {
        "lastProbeTime" => now.rfc3339(), "lastTransitionTime" => now.rfc3339(),
        "message" => message, "reason" => reason, "status" => status, "type" => kind,
    }));
}

const LIMIT: &str = "BackoffLimitExceeded";
const DEADLINE: &str = "DeadlineExceeded";

/// As a reason with a name of its own.
pub fn reason(text: &str) -> &'static str {
    if text == DEADLINE { DEADLINE } else { LIMIT }
}

/// Why the Job has failed, if it has.
pub fn failure(kit: &mut Kit<'_, '_>, job: &Object, t: &Tally) -> Option<(&'static str, &'static str)> {
    if let Some((_, why, _)) = meta::condition(job, "FailureTarget") {
        return Some(match reason(why) {
            DEADLINE => (DEADLINE, "Job was active longer than specified deadline"),
            _ => (LIMIT, "Job has reached the specified backoff limit"),
        });
    }
    let limit = job.int(&["spec", "backoffLimit"]).unwrap_or(6);
    let in_place = job.str(&["spec", "template", "spec", "restartPolicy"]) == "OnFailure";
    let restarted = in_place && if limit == 0 { t.restarts > 0 } else { t.restarts >= limit };
    if t.failed > limit || restarted {
        return Some((LIMIT, "Job has reached the specified backoff limit"));
    }
    let started = Time::parse_rfc3339(job.str(&["status", "startTime"]))?;
    let due = started + deadline(job)?;
    let suspended = job.get(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if due <= kit.now() && !suspended {
        return Some((DEADLINE, "Job was active longer than specified deadline"));
    }
    kit.enqueue_after(job.key.clone(), due.since(kit.now()).max(Duration::millis(1)));
    None
}

/// The Job is to fail: [modern] the failure is announced, and final once its pods are gone.
pub fn fail(kit: &Kit<'_, '_>, job: &Object, next: &mut Object, t: &Tally, reason: &str, message: &str) {
    if !kit.modern() {
        number(next, "active", 0);
        number(next, "failed", t.failed + t.active.len() as i64);
        return condition(kit.now(), next, "Failed", "True", reason, message);
    }
    if meta::condition(job, "FailureTarget").is_none() {
        condition(kit.now(), next, "FailureTarget", "True", reason, message);
    }
}

/// Whether the Job has done what it was to do, and says so.
pub fn complete(kit: &mut Kit<'_, '_>, job: &Arc<Object>, next: &mut Object, t: &Tally) {
    let active = t.active.len();
    let done = match job.int(&["spec", "completions"]) {
        None => t.succeeded > 0 && active == 0,
        Some(n) => t.succeeded >= n,
    };
    let suspended = job.get(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if !done || kit.modern() && suspended {
        return;
    }
    if kit.modern() {
        if meta::condition(job, "SuccessCriteriaMet").is_none() {
            let message = "Reached expected number of succeeded pods";
            condition(kit.now(), next, "SuccessCriteriaMet", "True", "CompletionsReached", message);
        }
        return;
    }
    if active > 0 {
        let message = "Too many active pods running after completion count reached".into();
        kit.event(Note { about: job.clone(), kind: "Warning", reason: "TooManyActivePods", message });
    }
    condition(kit.now(), next, "Complete", "True", "", "");
    let now = kit.now().rfc3339();
    if let Some(c) = next.entry(&["status", "conditions"]).make_list().items_mut().last_mut() {
        c.make_map().remove("reason");
        c.make_map().remove("message");
    }
    next.set(&["status", "completionTime"], now);
}

/// [modern] whether the Job's end is announced.
pub fn ending(job: &Object) -> bool {
    let has = |kind| meta::condition(job, kind).is_some_and(|(status, ..)| status == "True");
    has("SuccessCriteriaMet") || has("FailureTarget") || has("Complete") || has("Failed")
}

/// [modern] those being counted count, and the end is final once no pod is left that runs.
pub fn finish(kit: &Kit<'_, '_>, next: &mut Object) {
    if !kit.modern() {
        return;
    }
    for field in ["succeeded", "failed"] {
        let sum = next.int(&["status", field]).unwrap_or(0) + uncounted_list(next, field).len() as i64;
        number(next, field, sum);
    }
    next.set(&["status", "uncountedTerminatedPods"], Map::new());
    let n = |field: &str| next.int(&["status", field]).unwrap_or(0);
    if n("active") > 0 || n("terminating") > 0 {
        return;
    }
    let now = kit.now();
    for (target, kind) in [("SuccessCriteriaMet", "Complete"), ("FailureTarget", "Failed")] {
        let Some((_, reason, message)) = meta::condition(next, target) else { continue };
        let (reason, message) = (Str::from(reason), Str::from(message));
        if meta::condition(next, kind).is_none() {
            condition(now, next, kind, "True", &reason, &message);
            if kind == "Complete" {
                next.set(&["status", "completionTime"], now.rfc3339());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_printed_as_ranges() {
        for (all, text) in [(&[0, 1, 2, 4][..], "0-2,4"), (&[1, 2], "1,2"), (&[], ""), (&[3], "3")] {
            assert_eq!(print_indexes(all), text);
            assert_eq!(parse_indexes(text), all);
        }
    }
}
