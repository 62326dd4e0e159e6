//! One round of work on one pod: what does it need next?
//! Models kuberuntime computePodActions and SyncPod.

use std::sync::Arc;

use super::worker::Worker;
use super::{Kubelet, Pending, TIMER_SYNC, daemon, environment, volumes};
use crate::api::pod;
use crate::base::{Duration, Str};
use crate::network::cni;
use crate::runtime::{ContainerState, SandboxSpec};
use crate::sim::{Ctx, Profile};

impl Kubelet {
    /// Works on the pod `uid` until a runtime call is under way or nothing is left to do.
    /// `report`: its status may have changed.
    pub(super) fn sync(&mut self, ctx: &mut Ctx<'_>, uid: &Str, report: bool) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        w.report |= report;
        let outer = std::mem::replace(&mut ctx.cause, w.cause);
        let first = w.sandbox.is_none() && w.sandboxes == 0;
        if !w.busy {
            if first && w.report && !w.gone && !crate::api::meta::deleting(&w.pod) {
                // The first round tells the API that the pod has arrived.
                w.report = false;
                self.update_status(ctx, w);
            }
            self.work(ctx, w);
        }
        if w.report && (!w.busy || w.killing.is_some()) {
            w.report = false;
            self.update_status(ctx, w);
        }
        w.cause = ctx.cause;
        ctx.cause = outer;
        let over = w.ended && (w.gone || w.is_orphan) && !w.is_static;
        if over {
            let now = ctx.now();
            volumes::clean_up(ctx.host_mut(), uid, now);
        } else {
            self.workers.insert(uid.clone(), arc);
        }
    }

    fn work(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        if w.gone || crate::api::meta::deleting(&w.pod) || w.killing.is_some() && w.failed.is_none() {
            return self.kill_step(ctx, w);
        }
        if w.ended || w.rejected.is_some() {
            w.ended = true;
            return;
        }
        if daemon(ctx).is_none() {
            // Nothing can be seen or done; what the API says stays.
            w.report = false;
            self.runtime_down = self.runtime_down.or(Some(ctx.now()));
            return;
        }
        if w.failed.is_none() && (pod::terminal(&w.pod) || self.finished(ctx, w)) {
            return self.wind_up(ctx, w);
        }
        if w.failed.is_some() || self.overdue(ctx, w) {
            return self.fail_step(ctx, w);
        }
        if !self.volumes_ready(ctx, w) {
            return;
        }
        if !sandbox_ready(ctx, w) {
            return self.make_sandbox(ctx, w);
        }
        self.next_container(ctx, w);
    }

    /// Whether no container will ever run again.
    fn finished(&self, ctx: &Ctx<'_>, w: &Worker) -> bool {
        let policy = w.restart_policy();
        if policy == "Always" {
            return false;
        }
        let data = &ctx.host().runtime;
        let done = |i: usize| {
            let run = w.run(i, data);
            run.is_some_and(|c| c.state == ContainerState::Exited && (policy == "Never" || c.exit_code == 0))
        };
        let init_failed =
            policy == "Never" && (0..w.inits).any(|i| done(i) && w.run(i, data).is_some_and(|c| c.exit_code != 0));
        init_failed || (w.inits..w.mains).all(done)
    }

    /// A pod that completed keeps its containers' records; its sandbox goes.
    fn wind_up(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        w.report = true;
        w.ended = true;
        if let Some(sandbox) = w.sandbox.clone() {
            self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_pod_sandbox(ctx, caller, &sandbox));
        }
    }

    /// Whether the pod has been active for longer than it may; arms the look at that time.
    /// Models pkg/kubelet/active_deadline.go.
    fn overdue(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) -> bool {
        let Some(seconds) = w.pod.int(&["spec", "activeDeadlineSeconds"]) else { return false };
        let end = w.started + Duration::secs(seconds.unsigned_abs());
        if ctx.now() < end {
            let first = w.sandboxes == 0;
            if first {
                ctx.timer(end.since(ctx.now()), TIMER_SYNC, w.uid.clone());
            }
            return false;
        }
        let message = Str::from("Pod was active on the node longer than the specified deadline");
        self.event(ctx, w, None, "Normal", "DeadlineExceeded", message.clone());
        w.failed = Some(("DeadlineExceeded".into(), message));
        true
    }

    fn make_sandbox(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        let host_network = pod::host_network(&w.pod);
        if !host_network && !cni::configured(ctx.host()) {
            let message = network_not_ready(self.profile);
            self.event(ctx, w, None, "Warning", "NetworkNotReady", message);
            return self.retry_later(ctx, w);
        }
        if let Some(old) = w.sandbox.take() {
            let message = "Pod sandbox changed, it will be killed and re-created.".into();
            self.event(ctx, w, None, "Normal", "SandboxChanged", message);
            self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_pod_sandbox(ctx, caller, &old));
            if let Some(older) = w.old_sandbox.replace(old) {
                self.runtime(ctx, Pending::Nothing, |r, ctx, _| r.remove_pod_sandbox(ctx, &older));
            }
        }
        let spec = SandboxSpec {
            pod: w.pod.key.clone(),
            uid: w.uid.clone(),
            attempt: w.sandboxes,
            host_network,
            resolv: environment::resolv_conf(&w.pod, ctx.host()),
            hosts: environment::host_aliases(&w.pod),
            host_ports: if host_network { Vec::new() } else { environment::host_ports(&w.pod) },
        };
        w.busy = self.runtime(ctx, Pending::Sandbox(w.uid.clone()), |r, ctx, caller| {
            r.run_pod_sandbox(ctx, caller, spec);
        });
    }

    pub(super) fn sandbox_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, outcome: Result<Str, Str>) {
        let Some(arc) = self.workers.get_mut(uid) else { return };
        let w = Arc::make_mut(arc);
        w.busy = false;
        w.cause = ctx.cause;
        w.sandboxes += 1;
        match outcome {
            Ok(id) => {
                w.sandbox = Some(id);
                self.sync(ctx, uid, false);
            }
            Err(error) => {
                let mut w = arc.clone();
                let message = match self.profile {
                    Profile::Book => ecow::eco_format!("Failed create pod sandbox: {error}"),
                    Profile::Modern => ecow::eco_format!("Failed to create pod sandbox: {error}"),
                };
                self.event(ctx, &w, None, "Warning", "FailedCreatePodSandBox", message);
                self.retry_later(ctx, Arc::make_mut(&mut w));
                self.workers.insert(uid.clone(), w);
            }
        }
    }

    /// Starts the container whose turn it is, if any.
    fn next_container(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        for i in 0..w.containers.len() {
            let state = w.run(i, &ctx.host().runtime).map(|c| (c.state, c.exit_code));
            let is_init = i < w.inits;
            // A container added for debugging runs once.
            if i >= w.mains && state.is_some() {
                continue;
            }
            let sidecar = is_init && w.spec(i).str("restartPolicy") == "Always";
            match state {
                Some((ContainerState::Running, _)) if is_init && !sidecar => return,
                // What comes after a sidecar waits until it has started.
                Some((ContainerState::Running, _))
                    if is_init && !super::probes::started(w.spec(i), &w.containers[i]) =>
                {
                    return;
                }
                Some((ContainerState::Running, _)) => {
                    if !is_init && self.image_changed(ctx, w, i) {
                        return;
                    }
                }
                Some((ContainerState::Exited, 0)) if is_init && !sidecar => {}
                Some((ContainerState::Exited, code)) if !self.restarts(w, i, sidecar, code) => {
                    if is_init {
                        return;
                    }
                }
                _ => {
                    self.start_container(ctx, w, i);
                    if w.busy || is_init {
                        return;
                    }
                }
            }
        }
    }

    fn restarts(&self, w: &Worker, _index: usize, sidecar: bool, code: i32) -> bool {
        sidecar
            || match w.restart_policy() {
                "Never" => false,
                "OnFailure" => code != 0,
                _ => true,
            }
    }

    /// Replaces a container whose image the pod no longer names.
    fn image_changed(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize) -> bool {
        let wanted = Str::from(w.spec(i).str("image"));
        let Some(run) = w.run(i, &ctx.host().runtime) else { return false };
        if run.image == wanted || wanted.is_empty() {
            return false;
        }
        let id = run.id.clone();
        let name = w.containers[i].name.clone();
        let message = ecow::eco_format!("Container {name} definition changed, will be restarted");
        self.event(ctx, w, Some(i as u32), "Normal", "Killing", message);
        let grace = w.pod.int(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30);
        let grace = Duration::secs(grace.max(2) as u64);
        self.runtime(ctx, Pending::Nothing, |r, ctx, caller| r.stop_container(ctx, caller, &id, grace));
        true
    }

    /// Looks at the pod again as a failed sync is: after 10 s, somewhat spread.
    pub(super) fn retry_later(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        let wait = ctx.rng.jitter(Duration::secs(10), 50);
        self.retry_after(ctx, w, wait);
    }

    pub(super) fn retry_after(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, wait: Duration) {
        if !w.retry_armed {
            w.retry_armed = true;
            ctx.timer(wait, TIMER_SYNC, w.uid.clone());
        }
    }
}

fn sandbox_ready(ctx: &Ctx<'_>, w: &Worker) -> bool {
    let sandbox = w.sandbox.as_ref().and_then(|id| ctx.host().runtime.sandboxes.get(id));
    sandbox.is_some_and(|s| s.ready)
}

/// What a node without CNI configuration says.
pub(super) fn network_not_ready(profile: Profile) -> Str {
    match profile {
        Profile::Book => "network is not ready: runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized".into(),
        Profile::Modern => "network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized".into(),
    }
}
