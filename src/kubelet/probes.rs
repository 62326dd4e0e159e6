//! Probes: startup, liveness, readiness, by HTTP, TCP or command.
//! Models pkg/kubelet/prober.

use std::sync::Arc;

use super::hooks::ExecFor;
use super::worker::{Slot, Tally};
use super::{Kubelet, TIMER_PROBE};
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::network::http::{self, Ask};
use crate::network::{CoreDns, Outcome, path};
use crate::runtime::{Container, ContainerState, Program};
use crate::sim::{Ctx, Profile};

const STARTUP: usize = 0;
const READINESS: usize = 2;
const FIELDS: [&str; 3] = ["startupProbe", "livenessProbe", "readinessProbe"];

/// The probes of a container: kind and spec.
pub fn of(spec: &Value) -> impl Iterator<Item = (usize, &Value)> {
    FIELDS.iter().enumerate().filter_map(|(i, f)| Some((i, spec.get(f)?)))
}

pub fn seconds(probe: &Value, key: &str, default: u64) -> u64 {
    probe.get(key).and_then(Value::as_int).and_then(|n| u64::try_from(n).ok()).unwrap_or(default)
}

/// What a probe's timer carries.
pub fn argument(kind: usize, container: usize, pid: u32, uid: &str) -> Str {
    ecow::eco_format!("{kind} {container} {pid} {uid}")
}

pub fn started(spec: &Value, slot: &Slot) -> bool {
    spec.get(FIELDS[STARTUP]).is_none() || slot.probes[STARTUP].passed
}

pub fn ready(spec: &Value, slot: &Slot) -> bool {
    started(spec, slot) && (spec.get(FIELDS[READINESS]).is_none() || slot.probes[READINESS].passed)
}

impl Kubelet {
    pub(super) fn probe(&mut self, ctx: &mut Ctx<'_>, arg: &Str) {
        let parts: Vec<&str> = arg.split(' ').collect();
        let [kind, container, pid, uid] = parts[..] else { return };
        let number = |s: &str| s.parse::<u32>().unwrap_or(0);
        let (kind, i, pid, uid) = (number(kind) as usize, number(container) as usize, number(pid), Str::from(uid));
        let Some(mut arc) = self.workers.remove(&uid) else { return };
        let w = Arc::make_mut(&mut arc);
        let run = w.run(i, &ctx.host().runtime).filter(|c| c.pid == pid && c.state == ContainerState::Running).cloned();
        let (Some(run), None) = (run, &w.killing) else {
            self.workers.insert(uid, arc);
            return; // that run is over
        };
        let spec = w.spec(i).clone();
        let Some(probe) = spec.get(FIELDS[kind]).cloned() else {
            self.workers.insert(uid, arc);
            return;
        };
        let waits_for_startup = kind != STARTUP && !started(&spec, &w.containers[i]);
        if !waits_for_startup {
            let exec = probe.get("exec").filter(|_| !matches!(run.program, Program::Component(_)));
            if exec.is_none_or(|exec| !self.exec_probe(ctx, &run, exec, &probe, arg)) {
                let result = check(ctx, &run, &spec, &probe);
                self.probed(ctx, w, i, kind, &run, &probe, result);
            }
        }
        let over = kind == STARTUP && w.containers[i].probes[STARTUP].passed;
        self.workers.insert(uid, arc);
        if !over {
            let period = Duration::secs(seconds(&probe, "periodSeconds", 10).max(1));
            ctx.timer(period, TIMER_PROBE, arg.clone());
        }
    }

    fn exec_probe(&mut self, ctx: &mut Ctx<'_>, run: &Container, exec: &Value, probe: &Value, arg: &Str) -> bool {
        if !self.exec(ctx, &run.id, exec, ExecFor::Probe(arg.clone())) {
            return false;
        }
        // Before 1.20 nobody looked at the time-out of commands.
        if self.profile == Profile::Modern {
            let limit = Duration::secs(seconds(probe, "timeoutSeconds", 1).max(1));
            ctx.timer(limit, super::TIMER_EXEC, ecow::eco_format!("{}", self.next_token));
        }
        true
    }

    /// A probe's command has ended, or was `late`.
    pub(super) fn probe_ended(&mut self, ctx: &mut Ctx<'_>, arg: &Str, result: Result<(), Str>, late: bool) {
        let parts: Vec<&str> = arg.split(' ').collect();
        let [kind, container, pid, uid] = parts[..] else { return };
        let number = |s: &str| s.parse::<u32>().unwrap_or(0);
        let (kind, i, pid, uid) = (number(kind) as usize, number(container) as usize, number(pid), Str::from(uid));
        let Some(mut arc) = self.workers.remove(&uid) else { return };
        let w = Arc::make_mut(&mut arc);
        let run = w.run(i, &ctx.host().runtime).filter(|c| c.pid == pid && c.state == ContainerState::Running).cloned();
        let probe = w.spec(i).get(FIELDS[kind]).cloned();
        if let (Some(run), Some(probe), None) = (run, probe, &w.killing) {
            let result = result.map_err(|text| match late {
                true => {
                    let words = probe.at(&["exec", "command"]).map_or(&[][..], Value::items).iter();
                    let command = words.map(Value::as_str).collect::<Vec<_>>().join(" ");
                    let limit = seconds(&probe, "timeoutSeconds", 1);
                    ecow::eco_format!("command timed out: \"{command}\" timed out after {limit}s")
                }
                false => text,
            });
            self.probed(ctx, w, i, kind, &run, &probe, result);
        }
        self.workers.insert(uid, arc);
    }

    /// Counts a probe's result and does what follows from it.
    #[allow(clippy::too_many_arguments)]
    fn probed(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &mut super::worker::Worker,
        i: usize,
        kind: usize,
        run: &Container,
        probe: &Value,
        result: Result<(), Str>,
    ) {
        let before = w.containers[i].probes[kind].passed;
        let tally = &mut w.containers[i].probes[kind];
        let failed = count(tally, probe, result.is_ok());
        let changed = before != tally.passed;
        if let Err(why) = result {
            let name = ["Startup", "Liveness", "Readiness"][kind];
            self.log_probe(ctx, w, &w.containers[i].name, name, &why);
            let message = ecow::eco_format!("{name} probe failed: {why}");
            self.event(ctx, w, Some(i as u32), "Warning", "Unhealthy", message);
        }
        if changed {
            w.cause = ctx.cause;
            self.update_status(ctx, w);
            if kind == STARTUP && i < w.inits {
                self.mark_dirty(ctx, &w.uid.clone());
            }
        }
        if failed && kind != READINESS {
            self.restart_unhealthy(ctx, w, i, kind, run);
        }
    }

    /// A liveness or startup probe failed often enough: the container is killed and starts again.
    fn restart_unhealthy(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &super::worker::Worker,
        i: usize,
        kind: usize,
        run: &Container,
    ) {
        let name = &w.containers[i].name;
        let probe = if kind == STARTUP { "startup" } else { "liveness" };
        let message = ecow::eco_format!("Container {name} failed {probe} probe, will be restarted");
        self.event(ctx, w, Some(i as u32), "Normal", "Killing", message);
        let grace = w.pod.int(&["spec", "terminationGracePeriodSeconds"]).unwrap_or(30).max(2) as u64;
        let id = run.id.clone();
        self.runtime(ctx, super::Pending::Nothing, |r, ctx, caller| {
            r.stop_container(ctx, caller, &id, Duration::secs(grace));
        });
    }
}

/// Counts a result; whether the failure threshold is reached just now.
fn count(tally: &mut Tally, probe: &Value, ok: bool) -> bool {
    if ok {
        tally.failures = 0;
        tally.successes += 1;
        tally.passed |= u64::from(tally.successes) >= seconds(probe, "successThreshold", 1);
        return false;
    }
    tally.successes = 0;
    tally.failures += 1;
    let failed = u64::from(tally.failures) >= seconds(probe, "failureThreshold", 3);
    if failed {
        tally.passed = false;
    }
    failed && u64::from(tally.failures) == seconds(probe, "failureThreshold", 3)
}

fn check(ctx: &mut Ctx<'_>, run: &Container, spec: &Value, probe: &Value) -> Result<(), Str> {
    if let Some(http) = probe.get("httpGet") {
        return get(ctx, run, spec, http);
    }
    if let Some(grpc) = probe.get("grpc") {
        // No server here speaks it, so that the client's handshake comes to nothing whether or not it connects.
        let (port, ip) = (port_of(spec, grpc), address(ctx, run, grpc));
        let limit = seconds(probe, "timeoutSeconds", 1);
        return Err(ecow::eco_format!(
            "timeout: failed to connect service \"{ip}:{port}\" within {limit}s: context deadline exceeded"
        ));
    }
    if let Some(tcp) = probe.get("tcpSocket") {
        let port = port_of(spec, tcp);
        let ip = address(ctx, run, tcp);
        return match path::reach(ctx.world, ctx.machine, &ip, port).outcome {
            Outcome::Ok(_) => Ok(()),
            Outcome::Refused => Err(ecow::eco_format!("dial tcp {ip}:{port}: connect: connection refused")),
            _ => Err(ecow::eco_format!("dial tcp {ip}:{port}: i/o timeout")),
        };
    }
    if probe.get("exec").is_some() {
        return command(ctx, run);
    }
    Ok(())
}

/// A number, or the name of one of the container's ports.
fn port_of(spec: &Value, action: &Value) -> u16 {
    let number = match action.get("port") {
        Some(Value::Str(name)) => {
            let mut ports = spec.get("ports").map_or(&[][..], Value::items).iter();
            let named = ports.find(|p| p.str("name") == name.as_str()).and_then(|p| p.get("containerPort"));
            named.and_then(Value::as_int).or_else(|| name.parse().ok())
        }
        other => other.and_then(Value::as_int),
    };
    number.and_then(|n| u16::try_from(n).ok()).unwrap_or(0)
}

fn address(ctx: &Ctx<'_>, run: &Container, action: &Value) -> Str {
    match action.str("host") {
        "" => ctx.host().runtime.sandboxes.get(&run.sandbox).map(|s| s.ip.clone()).unwrap_or_default(),
        host => host.into(),
    }
}

pub fn get(ctx: &mut Ctx<'_>, run: &Container, spec: &Value, http: &Value) -> Result<(), Str> {
    let (port, ip) = (port_of(spec, http), address(ctx, run, http));
    let path = if http.str("path").is_empty() { "/" } else { http.str("path") };
    let scheme = http.str("scheme").to_ascii_lowercase();
    let scheme = if scheme.is_empty() { "http" } else { &scheme };
    let url = format!("{scheme}://{ip}:{port}{path}");
    let peer = match path::reach(ctx.world, ctx.machine, &ip, port).outcome {
        Outcome::Ok(peer) => peer,
        Outcome::Refused => {
            return Err(ecow::eco_format!("Get \"{url}\": dial tcp {ip}:{port}: connect: connection refused"));
        }
        _ => {
            return Err(ecow::eco_format!(
                "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ));
        }
    };
    let code = match &peer.actor {
        Some(actor) => match ctx.world.component::<CoreDns>(*actor) {
            Some(dns) if path == "/ready" && !dns.ready() => 503,
            _ => 200,
        },
        None => {
            let agent = probe_agent(ctx.world.config.profile);
            let ask = Ask { host: &ip, path, agent, ..Ask::default() };
            let cause = ctx.cause;
            http::get(ctx.world, &peer, &ask, cause).map_or(404, |a| a.code)
        }
    };
    if code < 400 { Ok(()) } else { Err(ecow::eco_format!("HTTP probe failed with statuscode: {code}")) }
}

fn probe_agent(profile: Profile) -> &'static str {
    if profile == Profile::Book { "kube-probe/1.18" } else { "kube-probe/1.36" }
}

fn command(ctx: &Ctx<'_>, run: &Container) -> Result<(), Str> {
    match &run.program {
        Program::Component(name) if name == "calico-node" => {
            let ready =
                run.actor.and_then(|a| ctx.world.component::<crate::network::Calico>(a)).is_some_and(|c| c.ready());
            if ready { Ok(()) } else { Err("calico/node is not ready: felix is not ready".into()) }
        }
        Program::Component(_) => Ok(()),
        // Benchmarks have no shell that could carry it out.
        _ => Ok(()),
    }
}
