//! Getting a pod's status to the API server: one request at a time per pod, the newest wins.
//! Models pkg/kubelet/status Manager; a PUT of the status stands for its GET and PATCH.

use std::sync::Arc;

use super::worker::Worker;
use super::{Kubelet, Pending, TIMER_POST, status};
use crate::api::{Reason, Request, Response, Value};
use crate::base::{Duration, Str};
use crate::sim::{Ctx, Reply};

impl Kubelet {
    /// Posts the pod's status if the API has another one; whether it did or will.
    pub(super) fn update_status(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) -> bool {
        if w.gone || w.is_orphan || (w.is_static && w.mirror.is_none()) {
            return false;
        }
        if w.posting {
            w.post_due = true;
            return true;
        }
        let generated = status::generate(self.profile, ctx.host(), w, ctx.now());
        let known = w.posted_pod().clone();
        if known.get(&["status"]).and_then(Value::as_map) == Some(&generated) {
            return false;
        }
        let mut object = (*known).clone();
        object.resource_version = 0; // not locked: the status is the kubelet's
        object.set(&["status"], generated);
        w.posting = true;
        self.ask(ctx, Pending::Post(w.uid.clone()), Request::update_status(object));
        true
    }

    pub(super) fn post_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, reply: Reply) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        w.posting = false;
        match reply {
            Ok(Response::Object(object)) => {
                let known = if w.mirror.is_some() { w.mirror.as_mut() } else { Some(&mut w.pod) };
                if let Some(known) = known
                    && object.resource_version > known.resource_version
                {
                    *known = object;
                }
                self.posted(ctx, w);
            }
            Ok(Response::Error(status)) if matches!(status.reason, Reason::NotFound | Reason::Conflict) => {}
            _ => ctx.timer(Duration::secs(10), TIMER_POST, uid.clone()),
        }
        self.workers.insert(uid.clone(), arc);
    }

    fn posted(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        let due = std::mem::take(&mut w.post_due);
        if due && self.update_status(ctx, w) {
            return;
        }
        // A pod that had completed before it was deleted was never killed.
        let leaves = w.killing.is_some() && w.failed.is_none() || crate::api::meta::deleting(&w.pod);
        if w.ended && leaves && !w.is_static && !w.gone {
            self.delete_from_api(ctx, w);
        }
    }

    /// Tries again after a failed post.
    pub(super) fn post(&mut self, ctx: &mut Ctx<'_>, uid: &Str) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        if !self.update_status(ctx, w) {
            self.posted(ctx, w);
        }
        self.workers.insert(uid.clone(), arc);
    }
}
