//! CronJobs: a Job whenever the schedule says so.
//! Models pkg/controller/cronjob: [book] the polling one, every ten seconds; [modern] the one that
//! waits for the next time. Not modelled: time zones with summer time.

mod schedule;

use std::sync::Arc;

pub use self::schedule::Schedule;
use super::kit::{error_text, object, succeeded};
use super::{Controller, Kit, Next, Note, Op, Step, job};
use crate::api::request::Propagation;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use crate::sim::informer::Delta;

const PERIOD: Duration = Duration::secs(10);

#[derive(Clone, Debug, Default)]
pub struct CronJobs;

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::CRON_JOB, Kind::JOB]
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        if !kit.modern() {
            kit.wake(PERIOD, "");
        }
    }
    fn woken(&mut self, kit: &mut Kit<'_, '_>, _arg: &str) {
        kit.wake(PERIOD, "");
        let all: Vec<ObjectKey> = kit.all(Kind::CRON_JOB).map(|c| c.key.clone()).collect();
        all.into_iter().for_each(|key| kit.enqueue(key));
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if !kit.modern() {
            return;
        }
        let key = match delta.key.kind {
            Kind::CRON_JOB => delta.key.clone(),
            _ => {
                let Some(o) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
                let Some(cron) = kit.controller(o, Kind::CRON_JOB) else { return };
                cron.key.clone()
            }
        };
        kit.enqueue(key);
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        match step.stage {
            "" => match kit.get(key).cloned() {
                Some(cron) => start(kit, &cron),
                None => Next::Done,
            },
            "tidied" => match step.replies.first().and_then(object).cloned() {
                Some(cron) => due(kit, &cron),
                None => Next::Retry,
            },
            "replaced" => replaced(kit, step),
            "created" => created(kit, step),
            "status" => match step.replies.first().and_then(object).cloned() {
                Some(cron) => clean_up(kit, &cron),
                None => Next::Retry,
            },
            _ => Next::Done,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn note(kit: &mut Kit<'_, '_>, cron: &Arc<Object>, kind: &'static str, reason: &'static str, message: Str) {
    kit.event(Note { about: cron.clone(), kind, reason, message });
}

fn children(kit: &Kit<'_, '_>, cron: &Object) -> Vec<Arc<Object>> {
    kit.controlled_by(cron, Kind::JOB).cloned().collect()
}

/// Takes finished Jobs out of the list of the active ones.
fn start(kit: &mut Kit<'_, '_>, cron: &Arc<Object>) -> Next {
    let jobs = children(kit, cron);
    let mut next = (**cron).clone();
    let mut active: Vec<Value> = cron.items(&["status", "active"]).to_vec();
    for j in &jobs {
        let listed = active.iter().position(|r| r.str("uid") == meta::uid(j));
        match (listed, job::finished(j)) {
            (None, None) => {
                let message = ecow::eco_format!("Saw a job that the controller did not create or forgot: {}", j.name());
                note(kit, cron, "Warning", "UnexpectedJob", message);
            }
            (Some(at), Some(kind)) => {
                active.remove(at);
                let message = match kit.modern() {
                    true => ecow::eco_format!("Saw completed job: {}, condition: {kind}", j.name()),
                    false => ecow::eco_format!("Saw completed job: {}, status: {kind}", j.name()),
                };
                note(kit, cron, "Normal", "SawCompletedJob", message);
                let ended = j.str(&["status", "completionTime"]);
                if kit.modern() && kind == "Complete" && !ended.is_empty() {
                    next.set(&["status", "lastSuccessfulTime"], ended);
                }
            }
            _ => {}
        }
    }
    let gone: Vec<Value> =
        active.iter().filter(|r| !jobs.iter().any(|j| meta::uid(j) == r.str("uid"))).cloned().collect();
    for r in gone {
        active.retain(|a| a != &r);
        note(kit, cron, "Normal", "MissingJob", ecow::eco_format!("Active job went missing: {}", r.str("name")));
    }
    set_active(&mut next, active);
    if next.get(&["status"]) == cron.get(&["status"]) {
        return due(kit, cron);
    }
    Next::Ask(vec![Request::update_status(next)], Step::at("tidied"))
}

fn set_active(next: &mut Object, active: Vec<Value>) {
    match active.is_empty() {
        true => next.unset(&["status", "active"]),
        false => next.set(&["status", "active"], active),
    }
}

/// Starts a Job if one is due.
fn due(kit: &mut Kit<'_, '_>, cron: &Arc<Object>) -> Next {
    let suspended = cron.get(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
    if meta::deleting(cron) || suspended {
        return clean_up(kit, cron);
    }
    let text = cron.str(&["spec", "schedule"]);
    let Some(schedule) = Schedule::parse(text) else {
        let message = ecow::eco_format!("unparseable schedule: {text}");
        note(kit, cron, "Warning", if kit.modern() { "UnparseableSchedule" } else { "FailedNeedsStart" }, message);
        return Next::Done;
    };
    let zone = if kit.modern() { cron.str(&["spec", "timeZone"]) } else { "" };
    let offset = schedule::offset_s(zone).unwrap_or(0);
    let now = kit.now();
    let last = Time::parse_rfc3339(cron.str(&["status", "lastScheduleTime"]));
    let mut from = last.unwrap_or_else(|| meta::created(cron));
    let deadline = cron.int(&["spec", "startingDeadlineSeconds"]).map(|s| Duration::secs(s.max(0) as u64));
    if let Some(deadline) = deadline {
        from = from.max(now - deadline);
    }
    let (mut missed, mut scheduled) = (0, None);
    while let Some(t) = schedule.next_in(from, offset).filter(|t| *t <= now) {
        (from, scheduled, missed) = (t, Some(t), missed + 1);
        if missed > 100 && !kit.modern() {
            let message = "Cannot determine if job needs to be started: too many missed start time (> 100). Set or decrease .spec.startingDeadlineSeconds or check clock skew".into();
            note(kit, cron, "Warning", "FailedNeedsStart", message);
            return Next::Done;
        }
    }
    if missed > 100 {
        let message =
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew".into();
        note(kit, cron, "Warning", "TooManyMissedTimes", message);
    }
    if kit.modern()
        && let Some(next) = schedule.next_in(now, offset)
    {
        kit.enqueue_after(cron.key.clone(), next.since(now) + Duration::millis(100));
    }
    let Some(scheduled) = scheduled else { return clean_up(kit, cron) };
    if deadline.is_some_and(|d| scheduled + d < now) {
        let message = ecow::eco_format!("Missed scheduled time to start a job: {}", scheduled.rfc1123z());
        note(kit, cron, "Warning", "MissSchedule", message);
        return clean_up(kit, cron);
    }
    let active = cron.items(&["status", "active"]).to_vec();
    let policy = cron.str(&["spec", "concurrencyPolicy"]);
    if policy == "Forbid" && !active.is_empty() {
        if kit.modern() {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid".into();
            note(kit, cron, "Normal", "JobAlreadyActive", message);
        }
        return clean_up(kit, cron);
    }
    let step = Step { objects: vec![cron.clone()], text: scheduled.rfc3339(), ..Step::at("replaced") };
    let mut requests = Vec::new();
    if policy == "Replace" {
        requests.extend(active.iter().map(|r| {
            let key = ObjectKey::new(Kind::JOB, cron.namespace().clone(), r.str("name"));
            Request { propagation: Some(Propagation::Background), ..Request::delete(&key) }
        }));
    }
    Next::Ask(requests, step)
}

fn replaced(kit: &mut Kit<'_, '_>, step: Step) -> Next {
    let mut cron = step.objects[0].clone();
    if !step.replies.is_empty() {
        let active = cron.items(&["status", "active"]).to_vec();
        for (r, reply) in active.iter().zip(&step.replies) {
            if succeeded(reply) {
                let message = ecow::eco_format!("Deleted job {}", r.str("name"));
                note(kit, &cron, "Normal", "SuccessfulDelete", message);
            }
        }
        let mut next = (*cron).clone();
        set_active(&mut next, Vec::new());
        cron = Arc::new(next);
    }
    let scheduled = Time::parse_rfc3339(&step.text).unwrap_or_default();
    let new = job_of(&cron, scheduled, kit.modern());
    kit.decide(&cron.key, "CreateJob", new.name());
    let objects = vec![cron, Arc::new(new.clone())];
    Next::Ask(vec![Request::create(new)], Step { objects, text: step.text, ..Step::at("created") })
}

/// The Job for one scheduled time.
fn job_of(cron: &Object, scheduled: Time, modern: bool) -> Object {
    let unix = scheduled.unix_s();
    let name = ecow::eco_format!("{}-{}", cron.name(), if modern { unix / 60 } else { unix });
    let mut j = Object::new(Kind::JOB, cron.namespace(), &name);
    let template = cron.get(&["spec", "jobTemplate"]).cloned().unwrap_or_default();
    for field in ["annotations", "labels"] {
        if let Some(v) = template.at(&["metadata", field]) {
            j.set(&["metadata", field], v.clone());
        }
    }
    if modern {
        j.set(&["metadata", "annotations", "batch.kubernetes.io/cronjob-scheduled-timestamp"], scheduled.rfc3339());
    }
    j.set(&["metadata", "ownerReferences"], list![meta::controller_ref(cron)]);
    j.set(&["spec"], template.get("spec").cloned().unwrap_or_default());
    j
}

fn created(kit: &mut Kit<'_, '_>, step: Step) -> Next {
    let [cron, wanted] = &step.objects[..] else { return Next::Retry };
    let Some(reply) = step.replies.first() else { return Next::Retry };
    let mut next = (**cron).clone();
    next.set(&["status", "lastScheduleTime"], &step.text);
    if let Some(new) = object(reply) {
        note(kit, cron, "Normal", "SuccessfulCreate", ecow::eco_format!("Created job {}", new.name()));
        let mut reference: Map = meta::object_reference(new);
        reference.insert("namespace", new.namespace());
        let mut active = next.items(&["status", "active"]).to_vec();
        active.push(Value::Map(reference));
        set_active(&mut next, active);
    } else if super::kit::refusal(reply).is_some_and(|s| s.reason == Reason::AlreadyExists) {
        // Made before, and forgotten since.
        let known = kit.get(&wanted.key).is_some();
        if !known {
            return Next::Retry;
        }
    } else {
        note(kit, cron, "Warning", "FailedCreate", ecow::eco_format!("Error creating job: {}", error_text(reply)));
        return Next::Retry;
    }
    Next::Ask(vec![Request::update_status(next)], Step::at("status"))
}

/// Deletes the oldest finished Jobs beyond the limits.
fn clean_up(kit: &mut Kit<'_, '_>, cron: &Arc<Object>) -> Next {
    let mut ops = Vec::new();
    for (kind, field) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
        let Some(limit) = cron.int(&["spec", field]) else { continue };
        let mut done: Vec<Arc<Object>> =
            children(kit, cron).into_iter().filter(|j| job::finished(j) == Some(kind) && !meta::deleting(j)).collect();
        done.arrange_by_key(|j| (Str::from(j.str(&["status", "startTime"])), j.name().clone()));
        let surplus = done.len().saturating_sub(limit.max(0) as usize);
        for j in &done[..surplus] {
            let request = Request { propagation: Some(Propagation::Background), ..Request::delete(&j.key) };
            let message = ecow::eco_format!("Deleted job {}", j.name());
            let posted = Note { about: cron.clone(), kind: "Normal", reason: "SuccessfulDelete", message };
            ops.push(Op::new(request, kit.ctx.cause).note(posted).tolerate(&[Reason::NotFound]));
        }
    }
    Next::run(ops)
}
