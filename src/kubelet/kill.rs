//! Ending a pod: stop signals, the grace period, the sandbox, the last status, the last DELETE.
//! Models syncTerminatingPod, killContainersWithSyncResult and the status manager's final delete.

use std::sync::Arc;

use super::worker::{Killing, Worker};
use super::{Kubelet, Pending, TIMER_SYNC, daemon};
use crate::api::{Request, meta};
use crate::base::{Duration, Str, Time};
use crate::runtime::ContainerState;
use crate::sim::{Ctx, Reply};

/// Upstream gives every container at least this long.
pub(super) const LEAST_GRACE: i64 = 2;

impl Kubelet {
    pub(super) fn kill_step(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        if w.ended {
            return self.finish_deletion(ctx, w);
        }
        if daemon(ctx).is_none() {
            if w.sandbox.is_some() {
                self.runtime_down = self.runtime_down.or(Some(ctx.now()));
                return; // the runtime's return brings the pod back here
            }
            w.ended = true;
            return self.finish_deletion(ctx, w);
        }
        if w.killing.is_none() {
            let own = w.pod.int(&["metadata", "deletionGracePeriodSeconds"]);
            let grace = own.or(w.pod.int(&["spec", "terminationGracePeriodSeconds"])).unwrap_or(30);
            let grace = Duration::secs(grace.max(LEAST_GRACE) as u64);
            w.killing = Some(Killing { since: ctx.now(), grace, signalled: false, sidecars: false });
        }
        self.signal(ctx, w);
        if w.any_running(&ctx.host().runtime) {
            return;
        }
        for sandbox in [w.sandbox.clone(), w.old_sandbox.clone()].into_iter().flatten() {
            self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_pod_sandbox(ctx, caller, &sandbox));
        }
        w.ended = true;
        self.finish_deletion(ctx, w);
    }

    /// A pod that is to end without being deleted: its containers stop, its record stays.
    pub(super) fn fail_step(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        if w.killing.is_none() {
            let grace = w.pod.int(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
            let grace = Duration::secs(grace.max(LEAST_GRACE) as u64);
            w.killing = Some(Killing { since: ctx.now(), grace, signalled: false, sidecars: false });
            w.report = true;
        }
        self.signal(ctx, w);
        if w.any_running(&ctx.host().runtime) {
            return;
        }
        for sandbox in [w.sandbox.clone(), w.old_sandbox.clone()].into_iter().flatten() {
            self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_pod_sandbox(ctx, caller, &sandbox));
        }
        (w.ended, w.report) = (true, true);
    }

    /// Tells the running containers to stop, once; sidecars after all others have.
    fn signal(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        let running = |w: &Worker, ctx: &Ctx<'_>, i: usize| {
            w.run(i, &ctx.host().runtime).is_some_and(|c| c.state == ContainerState::Running)
        };
        let Some(killing) = w.killing.clone() else { return };
        let all = 0..w.containers.len();
        let now: Vec<usize> = if !killing.signalled {
            all.filter(|i| !w.sidecar(*i)).collect()
        } else if !killing.sidecars && !all.clone().any(|i| !w.sidecar(i) && running(w, ctx, i)) {
            all.rev().filter(|i| w.sidecar(*i)).collect()
        } else {
            return;
        };
        let others = now.iter().any(|i| running(w, ctx, *i));
        let had = killing.signalled;
        if let Some(k) = w.killing.as_mut() {
            (k.signalled, k.sidecars) = (true, had);
        }
        for i in now.into_iter().filter(|i| running(w, ctx, *i)).collect::<Vec<_>>() {
            let message = ecow::eco_format!("Stopping container {}", w.containers[i].name);
            self.event(ctx, w, Some(i as u32), "Normal", "Killing", message);
            self.stop(ctx, w, i, killing.since);
        }
        if !had && !others {
            self.signal(ctx, w);
        }
    }

    /// Stops one container: its hook first, within the same grace period.
    fn stop(&mut self, ctx: &mut Ctx<'_>, w: &Worker, i: usize, since: Time) {
        let grace = w.killing.as_ref().map_or(Duration::secs(30), |k| k.grace);
        let Some(id) = w.containers[i].id.clone() else { return };
        let hook = w.spec(i).at(&["lifecycle", "preStop"]).cloned().unwrap_or_default();
        let left = Duration(grace.0.saturating_sub(ctx.now().since(since).0))
            .max(grace.min(Duration::secs(LEAST_GRACE as u64)));
        if hook.is_null() || grace <= Duration::secs(LEAST_GRACE as u64) {
            return self.stop_now(ctx, &id, left);
        }
        let end = ctx.now() + left;
        match self.hook(
            ctx,
            w,
            i,
            &id,
            &hook,
            super::ExecFor::PreStop { uid: w.uid.clone(), container: i as u32, id: id.clone(), end },
        ) {
            None => {}
            Some(Ok(())) => self.stop_now(ctx, &id, left),
            Some(Err(why)) => {
                self.hook_failed(ctx, w, i, "FailedPreStopHook", "PreStopHook failed", why);
                self.stop_now(ctx, &id, left);
            }
        }
    }

    pub(super) fn stop_now(&mut self, ctx: &mut Ctx<'_>, id: &Str, grace: Duration) {
        self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_container(ctx, caller, id, grace));
    }

    /// Nothing of the pod runs any more: its last status, then its records go.
    fn finish_deletion(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        if w.gone || w.is_orphan {
            return self.forget(ctx, w);
        }
        if w.posting {
            w.post_due = true;
            return;
        }
        if !self.update_status(ctx, w) {
            self.delete_from_api(ctx, w);
        }
    }

    /// The API has the last status: the pod may go.
    pub(super) fn delete_from_api(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        let request = Request { grace_period_s: Some(0), uid: meta::uid(&w.pod).into(), ..Request::delete(&w.pod.key) };
        w.posting = true;
        self.ask(ctx, Pending::Delete(w.uid.clone()), request);
    }

    pub(super) fn delete_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, reply: Reply) {
        let Some(arc) = self.workers.get_mut(uid) else { return };
        let w = Arc::make_mut(arc);
        w.posting = false;
        if reply.is_err() {
            let wait = ctx.rng.jitter(Duration::secs(10), 20);
            ctx.timer(wait, TIMER_SYNC, uid.clone());
        }
    }

    /// Removes what the runtime keeps of the pod.
    fn forget(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        for sandbox in [w.sandbox.take(), w.old_sandbox.take()].into_iter().flatten() {
            self.runtime(ctx, Pending::Nothing, |r, ctx, _| r.remove_pod_sandbox(ctx, &sandbox));
        }
    }
}
