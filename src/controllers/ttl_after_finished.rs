//! Deletes finished Jobs when their time is up [modern].
//! Models pkg/controller/ttlafterfinished.

use super::{Controller, Kit, Next, Op, Step, job};
use crate::api::request::Propagation;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, meta};
use crate::base::{Duration, Time};
use crate::sim::informer::Delta;

#[derive(Clone, Debug, Default)]
pub struct TtlAfterFinished;

fn expires(o: &Object) -> Option<Time> {
    let ttl = o.int(&["spec", "ttlSecondsAfterFinished"])?;
    let kind = job::finished(o)?;
    let ended = o.items(&["status", "conditions"]).iter().find(|c| c.str("type") == kind)?;
    Some(Time::parse_rfc3339(ended.str("lastTransitionTime"))? + Duration::secs(ttl.max(0) as u64))
}

impl Controller for TtlAfterFinished {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::JOB]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.new.as_ref().is_some_and(|j| expires(j).is_some() && !meta::deleting(j)) && kit.modern() {
            kit.enqueue(delta.key.clone());
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(j) = kit.get(key).filter(|j| !meta::deleting(j)).cloned() else { return Next::Done };
        let Some(due) = expires(&j) else { return Next::Done };
        if due > kit.now() {
            return Next::After(due.since(kit.now()));
        }
        let cause = kit.decide(key, "DeleteFinishedJob", "");
        let request =
            Request { propagation: Some(Propagation::Foreground), uid: meta::uid(&j).into(), ..Request::delete(key) };
        Next::run([Op::new(request, cause).tolerate(&[Reason::NotFound])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
