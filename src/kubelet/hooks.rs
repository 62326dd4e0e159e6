//! Commands that the kubelet runs in containers: hooks and exec probes. The machine's shell carries them out,
//! as for `kubectl exec`.
//! Models pkg/kubelet/lifecycle/handlers.go and prober's exec.

use std::sync::Arc;

use super::kill::LEAST_GRACE;
use super::worker::Worker;
use super::{Kubelet, Pending, TIMER_EXEC, probes};
use crate::api::Value;
use crate::base::{Duration, Str, Time};
use crate::runtime::{Program, process};
use crate::sim::{Ctx, Msg, Profile};

/// What the end of a command means.
#[derive(Clone, PartialEq, Debug)]
pub enum ExecFor {
    /// The probe's timer argument.
    Probe(Str),
    PostStart {
        uid: Str,
        container: u32,
        id: Str,
    },
    /// `end`: when the grace period is over.
    PreStop {
        uid: Str,
        container: u32,
        id: Str,
        end: Time,
    },
}

impl Kubelet {
    /// Runs `exec` in a container. `false`: nothing can carry it out here.
    pub(super) fn exec(&mut self, ctx: &mut Ctx<'_>, id: &Str, exec: &Value, what: ExecFor) -> bool {
        let component =
            ctx.host().runtime.containers.get(id).is_none_or(|c| matches!(c.program, Program::Component(_)));
        let Some(shell) = process::shell_of(ctx.world, ctx.machine).filter(|_| !component) else { return false };
        let token = self.token(Pending::Exec(what, Str::new()));
        let args = exec.get("command").cloned().unwrap_or_default();
        let data = map! { "container" => id, "args" => args, "terminal" => ctx.me.0, "token" => token };
        let wait = ctx.rng.between(Duration::millis(30), Duration::millis(90));
        ctx.send(shell, wait, Msg::Notify("exec".into(), data.into()));
        true
    }

    /// Output or end of a command.
    pub(super) fn exec_event(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let token = data.get("token").and_then(Value::as_int).unwrap_or(0).unsigned_abs();
        let Some(Pending::Exec(what, output)) = self.pending.get(&token).cloned() else { return };
        if let Some(code) = data.get("code").and_then(Value::as_int) {
            self.pending.remove(&token);
            return self.exec_ended(ctx, what, code, &output);
        }
        let output = ecow::eco_format!("{output}{}", data.str("text"));
        self.pending.insert(token, Pending::Exec(what, output));
    }

    /// Time is up for the command with this token.
    pub(super) fn exec_late(&mut self, ctx: &mut Ctx<'_>, arg: &Str) {
        let token = arg.parse().unwrap_or(0);
        let Some(Pending::Exec(what, _)) = self.pending.get(&token).cloned() else { return };
        self.pending.remove(&token);
        match what {
            ExecFor::Probe(probe) => self.probe_ended(ctx, &probe, Err("".into()), true),
            // A hook that takes too long is left behind.
            ExecFor::PreStop { id, .. } => self.stop_now(ctx, &id, Duration::secs(LEAST_GRACE as u64)),
            ExecFor::PostStart { .. } => {}
        }
    }

    fn exec_ended(&mut self, ctx: &mut Ctx<'_>, what: ExecFor, code: i64, output: &Str) {
        let result = if code == 0 { Ok(()) } else { Err((code, output.clone())) };
        match what {
            ExecFor::Probe(arg) => self.probe_ended(ctx, &arg, result.map_err(|(_, text)| text), false),
            ExecFor::PostStart { uid, container, id } => {
                let Some(mut arc) = self.workers.remove(&uid) else { return };
                let w = Arc::make_mut(&mut arc);
                self.post_started(ctx, w, container as usize, &id, result);
                self.workers.insert(uid.clone(), arc);
                self.sync(ctx, &uid, true);
            }
            ExecFor::PreStop { uid, container, id, end } => {
                let left = Duration(end.since(ctx.now()).0).max(Duration::secs(LEAST_GRACE as u64));
                if let (Err(why), Some(w)) = (result, self.workers.get(&uid).cloned()) {
                    self.hook_failed(ctx, &w, container as usize, "FailedPreStopHook", "PreStopHook failed", why);
                }
                self.stop_now(ctx, &id, left);
            }
        }
    }

    /// Begins a hook; its outcome if that is known at once.
    pub(super) fn hook(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &Worker,
        i: usize,
        id: &Str,
        hook: &Value,
        what: ExecFor,
    ) -> Option<Result<(), (i64, Str)>> {
        let until = match &what {
            ExecFor::PreStop { end, .. } => Some(end.since(ctx.now())),
            _ => None,
        };
        if let Some(exec) = hook.get("exec") {
            if !self.exec(ctx, id, exec, what) {
                return Some(Ok(()));
            }
        } else if let Some(seconds) = hook.at(&["sleep", "seconds"]).and_then(Value::as_int) {
            let token = self.token(Pending::Exec(what, Str::new()));
            let data = ecow::eco_format!("{token}");
            let time = Duration::secs(seconds.unsigned_abs());
            ctx.timer(until.map_or(time, |u| u.min(time)), TIMER_EXEC, data);
            return None;
        } else {
            let run = ctx.host().runtime.containers.get(id).cloned()?;
            let result = hook.get("httpGet").map_or(Ok(()), |http| probes::get(ctx, &run, w.spec(i), http));
            return Some(result.map_err(|why| (0, why)));
        }
        if let Some(until) = until {
            let token = self.next_token;
            ctx.timer(until, TIMER_EXEC, ecow::eco_format!("{token}"));
        }
        None
    }

    pub(super) fn post_started(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &mut Worker,
        i: usize,
        id: &Str,
        result: Result<(), (i64, Str)>,
    ) {
        w.busy = false;
        let Err(why) = result else { return self.arm_probes(ctx, w, i, id) };
        self.hook_failed(ctx, w, i, "FailedPostStartHook", "PostStartHook failed", why.clone());
        self.event(ctx, w, Some(i as u32), "Normal", "Killing", "FailedPostStartHook".into());
        w.containers[i].waiting = Some(("PostStartHookError".into(), words(w, i, "postStart", &why)));
        let grace = w.pod.int(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30).max(LEAST_GRACE) as u64;
        self.stop_now(ctx, id, Duration::secs(grace));
    }

    /// 1.18 tells what the command said; later versions keep that to their own log.
    pub(super) fn hook_failed(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &Worker,
        i: usize,
        reason: &str,
        short: &str,
        why: (i64, Str),
    ) {
        let field = if reason == "FailedPreStopHook" { "preStop" } else { "postStart" };
        let message = match self.profile {
            Profile::Book => words(w, i, field, &why),
            Profile::Modern => short.into(),
        };
        self.event(ctx, w, Some(i as u32), "Warning", reason, message);
    }
}

/// `Exec lifecycle hook ([…]) for Container "x" in Pod "y" failed - error: …`
fn words(w: &Worker, i: usize, field: &str, (code, output): &(i64, Str)) -> Str {
    let hook = w.spec(i).at(&["lifecycle", field]).cloned().unwrap_or_default();
    let (name, key) = (&w.containers[i].name, &w.pod.key);
    let pod = format!("{}_{}({})", key.name, key.namespace, w.uid);
    if let Some(http) = hook.get("httpGet") {
        let path = http.str("path");
        return ecow::eco_format!(
            "Http lifecycle hook ({path}) for Container \"{name}\" in Pod \"{pod}\" failed - error: {output}, message: \"\""
        );
    }
    let command: Vec<&str> =
        hook.at(&["exec", "command"]).map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
    let command = command.join(" ");
    let text = format!("{output:?}");
    ecow::eco_format!(
        "Exec lifecycle hook ([{command}]) for Container \"{name}\" in Pod \"{pod}\" failed - error: command '{command}' exited with {code}: {output}, message: {text}"
    )
}
