//! Jobs: pods that run to their end, as many as asked for, retried with a growing delay.
//! [modern] each pod carries a finalizer until it is counted.
//! Models pkg/controller/job. Not modelled: pod failure policies, success policies, back-off limits
//! per index.

mod pods;
mod status;

use std::sync::Arc;

use self::pods::Tally;
use super::expectations::Expectations;
use super::kit::{error_text, object, refusal, succeeded};
use super::{Controller, Kit, Next, Note, Op, Step};
use crate::api::request::PatchType;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta, pod};
use crate::base::arrange::Arrange;
use crate::base::persistent::OrdSet;
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

/// [modern] changes of pods are gathered this long.
const BATCH: Duration = Duration::secs(1);

#[derive(Clone, Debug, Default)]
pub struct Jobs {
    expectations: Expectations,
    /// UIDs of pods whose finalizer is taken away, until the cache shows it.
    released: OrdSet<Str>,
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::JOB, Kind::POD]
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind == Kind::POD {
            return self.pod_changed(kit, delta);
        }
        if let (None, Some(old)) = (&delta.new, &delta.old) {
            self.expectations.forget(&delta.key);
            let left: Vec<ObjectKey> = kit.controlled_by(old, Kind::POD).map(|p| p.key.clone()).collect();
            left.into_iter().for_each(|key| kit.enqueue(key));
        }
        kit.enqueue(delta.key.clone());
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        if key.kind == Kind::POD {
            return free_orphan(kit, key);
        }
        let Some(job) = kit.get(key).cloned() else {
            self.expectations.forget(key);
            return Next::Done;
        };
        match step.stage {
            "" => self.start(kit, &job),
            "create" => self.created(kit, &job, step),
            "delete" => self.deleted(kit, &job, step),
            "counted" => self.counted(kit, step),
            "released" => self.flush(kit, &job, step),
            "status" => written(kit, &step),
            _ => Next::Done,
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Takes the finalizer off a pod whose Job is gone.
fn free_orphan(kit: &mut Kit<'_, '_>, key: &ObjectKey) -> Next {
    let Some(p) = kit.get(key).cloned() else { return Next::Done };
    if !pods::tracked(&p) || kit.controller(&p, Kind::JOB).is_some() {
        return Next::Done;
    }
    Next::run([Op::new(release(&p), kit.ctx.cause).tolerate(&[Reason::NotFound])])
}

fn release(p: &Object) -> Request {
    let kept: Vec<Value> = meta::finalizers(p).iter().filter(|f| f.as_str() != pods::FINALIZER).cloned().collect();
    let kept = if kept.is_empty() { Value::Null } else { kept.into() };
    let metadata = map! { "finalizers" => kept, "uid" => meta::uid(p) };
    Request::patch(&p.key, PatchType::Merge, Value::Map(map! { "metadata" => metadata }))
}

/// Whether it has ended, and when.
pub fn finished(job: &Object) -> Option<&str> {
    let conditions = job.items(&["status", "conditions"]).iter();
    let mut ended = conditions.filter(|c| matches!(c.str("type"), "Complete" | "Failed") && c.str("status") == "True");
    ended.next().map(|c| c.str("type"))
}

impl Jobs {
    fn pod_changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        let Some(p) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
        if delta.new.is_none() || !pods::tracked(p) {
            self.released.remove(meta::uid(p));
        }
        let Some(job) = kit.controller(p, Kind::JOB).map(|j| j.key.clone()) else {
            let orphan = delta.new.is_some() && pods::tracked(p);
            if orphan && meta::controller_of(p).is_none_or(|r| r.str("kind") == "Job") {
                kit.enqueue(delta.key.clone());
            }
            return;
        };
        if delta.new.is_none() || meta::deleting(p) {
            self.expectations.deletion_observed(&job, &delta.key);
        } else if delta.old.is_none() {
            self.expectations.creation_observed(&job);
        }
        let wait = if kit.modern() { BATCH } else { Duration::ZERO };
        kit.enqueue_after(job, wait);
    }

    fn start(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>) -> Next {
        let tally = Tally::of(kit, job, &self.released);
        if finished(job).is_some() || meta::deleting(job) {
            // What was left over when it ended is let go.
            let left = tally.tracked.iter().filter(|p| pod::terminal(p) || meta::deleting(p));
            let ops: Vec<Op> = left.map(|p| Op::new(release(p), kit.ctx.cause).tolerate(&[Reason::NotFound])).collect();
            return Next::run(ops);
        }
        let needs_sync = self.expectations.satisfied(&job.key, kit.now());
        let mut next = status::begin(kit, job, &tally);
        let failure = status::failure(kit, job, &tally);
        let suspended = kit.modern() && job.get(&["spec", "suspend"]).and_then(Value::as_bool) == Some(true);
        if let Some((reason, message)) = failure {
            status::fail(kit, job, &mut next, &tally, reason, message);
            return self.delete(kit, job, next, tally.active);
        }
        if !needs_sync {
            return self.flush(kit, job, Step { objects: vec![Arc::new(next)], ..Step::at("released") }.restart());
        }
        let parallelism = job.int(&["spec", "parallelism"]).unwrap_or(1);
        let active = tally.active.len() as i64;
        let want = match job.int(&["spec", "completions"]) {
            _ if suspended => 0,
            None if tally.succeeded > 0 => active,
            None => parallelism,
            Some(n) => (n - tally.succeeded).max(0).min(parallelism),
        };
        status::complete(kit, job, &mut next, &tally);
        if active > want {
            let mut doomed = tally.active;
            doomed.arrange_by_key(|p| (pod::phase(p) != "Pending", pod::ready(p), std::cmp::Reverse(meta::created(p))));
            doomed.truncate((active - want) as usize);
            return self.delete(kit, job, next, doomed);
        }
        // [modern] a pod that still ends keeps its place.
        let room = if kit.modern() && tally.replace_failed_only { tally.terminating } else { 0 };
        let missing = (want - active - room).min(500);
        if missing <= 0 || status::ending(&next) {
            return self.settle(kit, job, next);
        }
        if let Some(wait) = tally.back_off(kit) {
            kit.enqueue_after(job.key.clone(), wait);
            return self.settle(kit, job, next);
        }
        self.expectations.expect_creations(&job.key, missing, kit.now());
        kit.decide(&job.key, "CreatePods", map! { "have" => active, "want" => want, "create" => missing });
        let indexes: Vec<Str> = tally.free_indexes(job, missing).iter().map(|i| ecow::eco_format!("{i}")).collect();
        let step = Step {
            objects: vec![Arc::new(next)],
            number: missing,
            text: indexes.join(" ").into(),
            ..Step::at("create")
        };
        batch(kit, job, 1, step)
    }

    /// A batch of creations was answered: the next one is twice as big, unless one failed.
    fn created(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>, mut step: Step) -> Next {
        let replies = std::mem::take(&mut step.replies);
        let mut next = (*step.objects[0]).clone();
        let mut failed = false;
        for reply in &replies {
            if let Some(p) = object(reply) {
                let active = next.int(&["status", "active"]).unwrap_or(0);
                next.set(&["status", "active"], active + 1);
                let message = ecow::eco_format!("Created pod: {}", p.name());
                kit.event(Note { about: job.clone(), kind: "Normal", reason: "SuccessfulCreate", message });
                continue;
            }
            self.expectations.creation_observed(&job.key);
            failed = true;
            let ends = refusal(reply).is_some_and(|s| s.message.contains("because it is being terminated"));
            if !ends {
                let message = ecow::eco_format!("Error creating: {}", error_text(reply));
                kit.event(Note { about: job.clone(), kind: "Warning", reason: "FailedCreate", message });
            }
        }
        step.number -= replies.len() as i64;
        step.objects[0] = Arc::new(next);
        if !failed && step.number > 0 {
            return batch(kit, job, replies.len() as i64 * 2, step);
        }
        for _ in 0..step.number {
            self.expectations.creation_observed(&job.key);
        }
        if failed {
            kit.enqueue_after(job.key.clone(), Duration::secs(10));
        }
        let next = (*step.objects[0]).clone();
        self.settle(kit, job, next)
    }

    fn delete(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>, next: Object, doomed: Vec<Arc<Object>>) -> Next {
        if doomed.is_empty() {
            return self.settle(kit, job, next);
        }
        let keys: OrdSet<ObjectKey> = doomed.iter().map(|p| p.key.clone()).collect();
        self.expectations.expect_deletions(&job.key, keys, kit.now());
        let names: Vec<&Str> = doomed.iter().map(|p| p.name()).collect();
        kit.decide(&job.key, "DeletePods", map! { "delete" => names });
        let requests = doomed.iter().map(|p| Request::delete(&p.key)).collect();
        let mut objects = vec![Arc::new(next)];
        objects.extend(doomed);
        Next::Ask(requests, Step { objects, ..Step::at("delete") })
    }

    fn deleted(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>, step: Step) -> Next {
        let mut next = (*step.objects[0]).clone();
        for (p, reply) in step.objects[1..].iter().zip(&step.replies) {
            if succeeded(reply) {
                status::less_active(kit, &mut next);
                let message = ecow::eco_format!("Deleted pod: {}", p.name());
                kit.event(Note { about: job.clone(), kind: "Normal", reason: "SuccessfulDelete", message });
            } else {
                self.expectations.deletion_observed(&job.key, &p.key);
            }
        }
        self.settle(kit, job, next)
    }

    /// Writes what the sync came to: [modern] first which pods are being counted, then, their
    /// finalizers gone, the sums.
    fn settle(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>, next: Object) -> Next {
        let uncounted = kit.modern() && status::uncounted(&next);
        let interim = kit.modern() && status::ending(&next) && !status::ending(job);
        let step = Step { objects: vec![Arc::new(next)], ..Step::at("released") };
        if !uncounted && !interim {
            return self.flush(kit, job, step.restart());
        }
        let request = Request::update_status((*step.objects[0]).clone());
        Next::Ask(vec![request], Step { stage: "counted", ..step })
    }

    fn counted(&mut self, kit: &mut Kit<'_, '_>, step: Step) -> Next {
        let Some(job) = step.replies.first().and_then(object).cloned() else { return Next::Retry };
        let tally = Tally::of(kit, &job, &self.released);
        let listed = status::uncounted_uids(&job);
        let free: Vec<Arc<Object>> =
            tally.tracked.iter().filter(|p| listed.iter().any(|u| u == meta::uid(p))).cloned().collect();
        let requests = free.iter().map(|p| release(p)).collect();
        let mut objects = vec![job];
        objects.extend(free);
        Next::Ask(requests, Step { objects, ..Step::at("released") })
    }

    /// The finalizers are gone: the sums, and the end if this is it.
    fn flush(&mut self, kit: &mut Kit<'_, '_>, job: &Arc<Object>, step: Step) -> Next {
        let mut failed = false;
        for (p, reply) in step.objects[1..].iter().zip(&step.replies) {
            let gone = refusal(reply).is_some_and(|s| s.reason == Reason::NotFound);
            if succeeded(reply) || gone {
                self.released.insert(meta::uid(p).into());
            }
            failed |= !succeeded(reply) && !gone;
        }
        if failed {
            return Next::Retry;
        }
        let begun = &step.objects[0];
        let mut next = (**begun).clone();
        status::finish(kit, &mut next);
        // `begun` is what the server has, unless nothing was written yet.
        let unchanged = next.get(&["status"]) == job.get(&["status"]);
        if unchanged && begun.resource_version == job.resource_version {
            return Next::Done;
        }
        let ends = finished(&next).is_some() && finished(job).is_none();
        Next::Ask(vec![Request::update_status(next)], Step { number: i64::from(ends), ..Step::at("status") })
    }
}

impl Step {
    /// The same without answers.
    fn restart(mut self) -> Step {
        self.replies.clear();
        self
    }
}

/// The last write: if the Job ended with it, an event says so.
fn written(kit: &mut Kit<'_, '_>, step: &Step) -> Next {
    let Some(new) = step.replies.first().and_then(object) else { return Next::Retry };
    if step.number == 1
        && let Some(kind) = finished(new)
    {
        let (_, reason, message) = meta::condition(new, kind).unwrap_or_default();
        let note = match kind {
            "Complete" => {
                Note { about: new.clone(), kind: "Normal", reason: "Completed", message: "Job completed".into() }
            }
            _ => {
                let reason = status::reason(reason);
                Note { about: new.clone(), kind: "Warning", reason, message: message.into() }
            }
        };
        kit.event(note);
    }
    Next::Done
}

/// The next requests to create pods: `size` of them, or what is left.
fn batch(kit: &Kit<'_, '_>, job: &Object, size: i64, step: Step) -> Next {
    let blank = Value::Map(Map::new());
    let template = job.get(&["spec", "template"]).unwrap_or(&blank);
    let number = size.min(step.number) as usize;
    let done = step.text.split_whitespace().count() as i64 - step.number;
    let indexes = step.text.split_whitespace().skip(done.max(0) as usize);
    let requests: Vec<Request> = match step.text.is_empty() {
        true => vec![Request::create(pods::make(job, template, None, kit.modern())); number],
        false => indexes.take(number).map(|i| Request::create(pods::make(job, template, Some(i), true))).collect(),
    };
    Next::Ask(requests, step)
}
