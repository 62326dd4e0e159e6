//! Bringing one container up: its image, its back-off, create, start.
//! Models kuberuntime startContainer and images.EnsureImageExists.

use std::sync::Arc;

use super::hooks::ExecFor;
use super::worker::Worker;
use super::{Kubelet, Pending, TIMER_PROBE, environment, probes, volumes};
use crate::api::Value;
use crate::api::quantity::Quantity;
use crate::base::{Duration, Str, Time};
use crate::runtime::{ContainerSpec, ContainerState, Program, images};
use crate::sim::{Ctx, Profile};

impl Kubelet {
    /// Takes the next step towards a running container `i`; sets `busy` when that is a call.
    pub(super) fn start_container(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize) {
        if self.held_back(ctx, w, i) {
            return;
        }
        if !w.containers[i].image_ready && !self.ensure_image(ctx, w, i) {
            return;
        }
        let Some(sandbox) = w.sandbox.clone() else { return };
        let spec = w.spec(i).clone();
        let image = Str::from(spec.str("image"));
        let full = images::normalize(&image).unwrap_or_default();
        let Ok(row) = images::find(&full) else { return };
        let ip = ctx.host().runtime.sandboxes.get(&sandbox).map_or(Str::new(), |s| s.ip.clone());
        let env = match self.variables(ctx, w, &spec, &ip) {
            Ok(Some(env)) => env,
            Ok(None) => return,
            Err(why) => {
                self.run_failed(ctx, w, i, "CreateContainerConfigError", why);
                return self.forget_missing(ctx, w);
            }
        };
        let host = ctx.host();
        let list = |key: &str| -> Vec<Value> {
            let words = spec.get(key).map_or(&[][..], |v| v.items());
            words.iter().map(|v| environment::expand(v.as_str(), &env).into()).collect()
        };
        let (command, args) = (list("command"), list("args"));
        let program = Program::of(row.program(), &command, &args);
        let flag = |key: &str| spec.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut words: Vec<Str> = command.iter().chain(&args).map(|v| v.as_str().into()).collect();
        if words.is_empty() && row.is_shell() {
            words.push("sh".into());
        }
        let limit = |what: &str| spec.at(&["resources", "limits", what]).and_then(Quantity::of).unwrap_or_default();
        let (cpu_limit, memory_limit) = (limit("cpu").millis().max(0) as u64, limit("memory").value().max(0) as u64);
        let oom_score_adj = super::eviction::oom_score_adj(&w.pod, &spec, crate::machine::load::memory_total(host));
        let attempt = w.run(i, &host.runtime).map_or(0, |c| c.attempt + 1);
        let spec = ContainerSpec {
            sandbox,
            name: w.containers[i].name.clone(),
            image,
            attempt,
            program,
            args: words,
            env,
            mounts: volumes::mounts(ctx, w, i, &spec),
            workdir: spec.str("workingDir").into(),
            stdin: flag("stdin"),
            tty: flag("tty"),
            cpu_limit,
            memory_limit,
            oom_score_adj,
            termination: (
                match spec.str("terminationMessagePath") {
                    "" => "/dev/termination-log".into(),
                    path => path.into(),
                },
                spec.str("terminationMessagePolicy") == "FallbackToLogsOnError",
            ),
        };
        let key = w.pod.key.clone();
        let pending = Pending::Create { uid: w.uid.clone(), container: i as u32 };
        w.busy = self.runtime(ctx, pending, |r, ctx, caller| r.create_container(ctx, caller, &key, spec));
    }

    /// Whether a crashed container must wait; if so, says it.
    fn held_back(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize) -> bool {
        let now = ctx.now();
        let Some(run) = w.run(i, &ctx.host().runtime) else { return false };
        if run.state != ContainerState::Exited {
            return false;
        }
        let slot = &mut w.containers[i];
        let until = slot.crashes.until(run.finished);
        if slot.crashes.delay == Duration::ZERO || now >= until {
            return false;
        }
        let (name, pod) = (slot.name.clone(), w.pod.key.clone());
        let who = ecow::eco_format!("{}_{}({})", pod.name, pod.namespace, w.uid);
        let text = ecow::eco_format!(
            "back-off {} restarting failed container={name} pod={who}",
            go_seconds(slot.crashes.delay)
        );
        slot.waiting = Some(("CrashLoopBackOff".into(), text.clone()));
        self.log_waiting(ctx, w, &name, "CrashLoopBackOff", &text);
        let message = match self.profile {
            Profile::Book => "Back-off restarting failed container".into(),
            Profile::Modern => ecow::eco_format!("Back-off restarting failed container {name} in pod {who}"),
        };
        self.event(ctx, w, Some(i as u32), "Warning", "BackOff", message);
        self.wait_for(ctx, w, until);
        true
    }

    /// Syncs again when a back-off ends, and in between as a failing pod is.
    fn wait_for(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, until: Time) {
        w.report = true;
        let round = ctx.rng.jitter(Duration::secs(11), 30);
        let wait = until.since(ctx.now()).min(round);
        self.retry_after(ctx, w, wait.max(Duration::millis(10)));
    }

    /// Whether the image is there; otherwise begins to get it, or says why not.
    fn ensure_image(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize) -> bool {
        let spec = w.spec(i);
        let image = Str::from(spec.str("image"));
        let policy = match spec.str("imagePullPolicy") {
            "" if images::normalize(&image).is_ok_and(|f| f.ends_with(":latest")) => "Always",
            "" => "IfNotPresent",
            policy => policy,
        };
        let full = match images::normalize(&image) {
            Ok(full) => full,
            Err(why) => {
                let text = ecow::eco_format!(
                    "Failed to apply default image tag \"{image}\": couldn't parse image {} \"{image}\": {why}",
                    if self.profile == Profile::Book { "reference" } else { "name" }
                );
                self.image_failed(ctx, w, i, "InspectFailed", "InvalidImageName", text);
                return false;
            }
        };
        let present = ctx.host().runtime.images.contains_key(&full);
        match (policy, present) {
            ("Never", false) => {
                let text = ecow::eco_format!("Container image \"{image}\" is not present with pull policy of Never");
                self.image_failed(ctx, w, i, "ErrImageNeverPull", "ErrImageNeverPull", text);
                false
            }
            ("Always", _) | (_, false) => {
                self.pull(ctx, w, i, &image);
                false
            }
            _ => {
                let message = match self.profile {
                    Profile::Book => ecow::eco_format!("Container image \"{image}\" already present on machine"),
                    Profile::Modern => ecow::eco_format!(
                        "Container image \"{image}\" already present on machine and can be accessed by the pod"
                    ),
                };
                self.event(ctx, w, Some(i as u32), "Normal", "Pulled", message);
                w.containers[i].image_ready = true;
                true
            }
        }
    }

    fn image_failed(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize, event: &str, reason: &str, text: Str) {
        let container = Some(i as u32);
        self.event(ctx, w, container, "Warning", event, text.clone());
        self.event(ctx, w, container, "Warning", "Failed", ecow::eco_format!("Error: {reason}"));
        w.containers[i].waiting = Some((reason.into(), text));
        w.report = true;
        self.retry_later(ctx, w);
    }

    fn pull(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize, image: &Str) {
        let now = ctx.now();
        let container = Some(i as u32);
        let backoff = w.containers[i].pulls;
        let until = backoff.until(backoff.updated);
        if backoff.delay > Duration::ZERO && now < until {
            let short = ecow::eco_format!("Back-off pulling image \"{image}\"");
            self.event(ctx, w, container, "Normal", "BackOff", short.clone());
            self.event(ctx, w, container, "Warning", "Failed", "Error: ImagePullBackOff".into());
            let text = match self.profile {
                Profile::Book => short,
                Profile::Modern => ecow::eco_format!("{short}: ErrImagePull: {}", w.containers[i].image_error),
            };
            let name = w.containers[i].name.clone();
            self.log_waiting(ctx, w, &name, "ImagePullBackOff", &text);
            w.containers[i].waiting = Some(("ImagePullBackOff".into(), text));
            return self.wait_for(ctx, w, until);
        }
        self.event(ctx, w, container, "Normal", "Pulling", ecow::eco_format!("Pulling image \"{image}\""));
        let key = w.pod.key.clone();
        let pending = Pending::Pull { uid: w.uid.clone(), container: i as u32, began: now };
        w.busy = self.runtime(ctx, pending, |r, ctx, caller| r.pull_image(ctx, caller, &key, image));
    }

    pub(super) fn pull_answered(
        &mut self,
        ctx: &mut Ctx<'_>,
        uid: &Str,
        container: u32,
        began: Time,
        outcome: Result<Str, Str>,
    ) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        w.busy = false;
        w.cause = ctx.cause;
        let i = container as usize;
        let image = Str::from(w.spec(i).str("image"));
        let now = ctx.now();
        match outcome {
            Ok(full) => {
                let size = ctx.host().runtime.images.get(&full).map_or(0, |img| img.size);
                let message = pulled(self.profile, &image, now.since(began), size);
                self.event(ctx, w, Some(container), "Normal", "Pulled", message);
                let slot = &mut w.containers[i];
                (slot.image_ready, slot.pulls.delay) = (true, Duration::ZERO);
            }
            Err(error) => {
                let message = ecow::eco_format!("Failed to pull image \"{image}\": {error}");
                self.event(ctx, w, Some(container), "Warning", "Failed", message);
                self.event(ctx, w, Some(container), "Warning", "Failed", "Error: ErrImagePull".into());
                let slot = &mut w.containers[i];
                slot.pulls.next(now);
                slot.image_error = error.clone();
                slot.waiting = Some(("ErrImagePull".into(), error));
                w.report = true;
                // PLEG has the sandbox to tell of, which syncs the pod again soon.
                self.mark_dirty(ctx, uid);
                let report = w.killing.is_none();
                if report {
                    self.update_status(ctx, w);
                }
                w.report = false;
                let again = w.killing.is_some();
                self.workers.insert(uid.clone(), arc);
                if again {
                    self.sync(ctx, uid, false);
                }
                return;
            }
        }
        self.workers.insert(uid.clone(), arc);
        self.sync(ctx, uid, false);
    }

    pub(super) fn create_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, container: u32, outcome: Result<Str, Str>) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        w.cause = ctx.cause;
        let i = container as usize;
        match outcome {
            Ok(id) => {
                let name = w.containers[i].name.clone();
                let message = match self.profile {
                    Profile::Book => ecow::eco_format!("Created container {name}"),
                    Profile::Modern => "Container created".into(),
                };
                self.event(ctx, w, Some(container), "Normal", "Created", message);
                self.new_run(ctx, w, i, id.clone());
                // The next run reads its variables anew.
                let kept =
                    |kind: crate::api::Kind| kind != crate::api::Kind::CONFIG_MAP && kind != crate::api::Kind::SECRET;
                w.sources =
                    w.sources.iter().filter(|((k, _), _)| kept(*k)).map(|(k, s)| (k.clone(), s.clone())).collect();
                let key = w.pod.key.clone();
                let pending = Pending::Start { uid: uid.clone(), container };
                w.busy = self.runtime(ctx, pending, |r, ctx, caller| r.start_container(ctx, caller, &key, &name, id));
            }
            Err(error) => {
                w.busy = false;
                self.run_failed(ctx, w, i, "CreateContainerError", error);
            }
        }
        self.workers.insert(uid.clone(), arc);
    }

    /// Remembers a new run of a container; of the dead ones only the last is kept.
    fn new_run(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize, id: Str) {
        let slot = &mut w.containers[i];
        let last = slot.id.replace(id);
        let oldest = std::mem::replace(&mut slot.previous, last);
        if slot.previous.is_some() {
            slot.crashes.next(ctx.now());
        }
        slot.image_ready = false;
        slot.waiting = None;
        slot.probes = Default::default();
        if let Some(oldest) = oldest {
            self.runtime(ctx, Pending::Nothing, |r, ctx, _| r.remove_container(ctx, &oldest));
        }
    }

    fn run_failed(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, i: usize, reason: &str, error: Str) {
        let message = ecow::eco_format!("Error: {error}");
        self.event(ctx, w, Some(i as u32), "Warning", "Failed", message);
        w.containers[i].waiting = Some((reason.into(), error));
        w.report = false;
        self.update_status(ctx, w);
        self.retry_later(ctx, w);
    }

    pub(super) fn start_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, container: u32, outcome: Result<Str, Str>) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        w.busy = false;
        w.cause = ctx.cause;
        let i = container as usize;
        match outcome {
            Ok(id) => {
                let name = w.containers[i].name.clone();
                let message = match self.profile {
                    Profile::Book => ecow::eco_format!("Started container {name}"),
                    Profile::Modern => "Container started".into(),
                };
                self.event(ctx, w, Some(container), "Normal", "Started", message);
                let hook = w.spec(i).at(&["lifecycle", "postStart"]).cloned().unwrap_or_default();
                if hook.is_null() {
                    self.arm_probes(ctx, w, i, &id);
                } else {
                    let what = ExecFor::PostStart { uid: uid.clone(), container, id: id.clone() };
                    w.busy = true;
                    if let Some(result) = self.hook(ctx, w, i, &id, &hook, what) {
                        self.post_started(ctx, w, i, &id, result);
                    }
                }
                self.mark_dirty(ctx, uid);
            }
            Err(error) => self.run_failed(ctx, w, i, "RunContainerError", error),
        }
        self.workers.insert(uid.clone(), arc);
        self.sync(ctx, uid, false);
    }

    pub(super) fn arm_probes(&mut self, ctx: &mut Ctx<'_>, w: &Worker, i: usize, id: &Str) {
        let Some(pid) = ctx.host().runtime.containers.get(id).map(|c| c.pid) else { return };
        for (kind, probe) in probes::of(w.spec(i)) {
            let first = probes::seconds(probe, "initialDelaySeconds", 0);
            let wait = ctx.rng.jitter(Duration::secs(first) + Duration::millis(300), 50);
            ctx.timer(wait, TIMER_PROBE, probes::argument(kind, i, pid, &w.uid));
        }
    }
}

fn pulled(profile: Profile, image: &str, took: Duration, size: u64) -> Str {
    match profile {
        Profile::Book => {
            ecow::eco_format!("Successfully pulled image \"{image}\" in {}", go_duration(took))
        }
        Profile::Modern => {
            let took = go_millis(took);
            ecow::eco_format!(
                "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size} bytes."
            )
        }
    }
}

/// `1.024069s`, as Go prints a duration of up to a minute in full.
fn go_duration(d: Duration) -> String {
    match d.0 {
        0..1_000 => format!("{}µs", d.0),
        1_000..1_000_000 => trim(format!("{}.{:03}", d.0 / 1000, d.0 % 1000)) + "ms",
        1_000_000..60_000_000 => trim(format!("{}.{:06}", d.0 / 1_000_000, d.0 % 1_000_000)) + "s",
        _ => format!("{}m", d.as_secs() / 60) + &trim(format!("{}.{:06}", d.as_secs() % 60, d.0 % 1_000_000)) + "s",
    }
}

/// The same to the millisecond.
fn go_millis(d: Duration) -> String {
    go_duration(Duration(d.0 / 1000 * 1000))
}

fn trim(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `10s`, `1m20s`, `5m0s`.
fn go_seconds(d: Duration) -> String {
    let s = d.as_secs();
    if s < 60 { format!("{s}s") } else { format!("{}m{}s", s / 60, s % 60) }
}
