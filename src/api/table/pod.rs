//! A pod's row, and above all its STATUS.

use super::super::{Object, Profile, Value, meta, pod};
use super::{Print, Text, or};
use crate::base::{Str, Time};

/// What READY, STATUS and RESTARTS are computed from in one pass.
struct Summary {
    reason: Str,
    ready: usize,
    restarts: i64,
    last_restart: Option<Time>,
    total: usize,
}

pub(super) fn row(o: &Object, p: &Print) -> Vec<Str> {
    let s = summary(o, p.profile);
    let restarts = match s.last_restart {
        Some(t) if p.modern() && s.restarts != 0 => {
            ecow::eco_format!("{} ({} ago)", s.restarts, p.now.since(t).human())
        }
        _ => s.restarts.text(),
    };
    let mut cells = vec![o.name().clone(), ecow::eco_format!("{}/{}", s.ready, s.total), s.reason, restarts, p.age(o)];
    if p.wide {
        cells.extend([
            or(pod::pod_ip(o), "<none>"),
            or(pod::node_name(o), "<none>"),
            or(o.str(&["status", "nominatedNodeName"]), "<none>"),
            readiness_gates(o),
        ]);
    } else {
        cells.extend(std::iter::repeat_n(Str::new(), 4));
    }
    cells
}

/// STATUS as `kubectl get pods` shows it.
pub fn reason(o: &Object, profile: Profile) -> Str {
    summary(o, profile).reason
}

fn summary(o: &Object, profile: Profile) -> Summary {
    let modern = profile == Profile::Modern;
    let phase = pod::phase(o);
    let mut s = Summary {
        reason: or(o.str(&["status", "reason"]), phase),
        ready: 0,
        restarts: 0,
        last_restart: None,
        total: pod::containers(o).len() + pod::init_containers(o).iter().filter(|c| modern && is_sidecar(c)).count(),
    };
    if modern && meta::condition(o, "PodScheduled").is_some_and(|(_, reason, _)| reason == "SchedulingGated") {
        s.reason = "SchedulingGated".into();
    }
    let sidecar_restarts = init_statuses(o, modern, &mut s);
    let initialized = meta::condition(o, "Initialized").is_some_and(|(status, ..)| status == "True");
    let initializing = sidecar_restarts.is_none();
    if !initializing || (modern && initialized) {
        let (restarts, last) = sidecar_restarts.unwrap_or_default();
        s.restarts = restarts;
        s.last_restart = last;
        container_statuses(o, &mut s);
    }
    if meta::deleting(o) {
        if o.str(&["status", "reason"]) == "NodeLost" {
            s.reason = "Unknown".into();
        } else if !(modern && pod::terminal(o)) {
            s.reason = "Terminating".into();
        }
    }
    s
}

/// An init container that goes on running beside the others.
fn is_sidecar(container: &Value) -> bool {
    container.str("restartPolicy") == "Always"
}

/// Counts the init containers; returns the restarts of sidecars, or `None` while the pod initialises.
fn init_statuses(o: &Object, modern: bool, s: &mut Summary) -> Option<(i64, Option<Time>)> {
    let specs = pod::init_containers(o);
    let mut sidecars = (0, None);
    for (i, status) in o.items(&["status", "initContainerStatuses"]).iter().enumerate() {
        count_restart(status, &mut s.restarts, &mut s.last_restart);
        let sidecar = modern && specs.iter().any(|c| c.str("name") == status.str("name") && is_sidecar(c));
        if sidecar {
            count_restart(status, &mut sidecars.0, &mut sidecars.1);
        }
        if let Some(t) = status.at(&["state", "terminated"]) {
            if exit_code(t) == 0 {
                continue;
            }
            s.reason = ecow::eco_format!("Init:{}", terminated(t));
        } else if sidecar && is_true(status, "started") {
            s.ready += usize::from(is_true(status, "ready"));
            continue;
        } else {
            let waiting = status.at(&["state", "waiting"]).map_or("", |w| w.str("reason"));
            s.reason = match waiting {
                "" | "PodInitializing" => ecow::eco_format!("Init:{i}/{}", specs.len()),
                other => ecow::eco_format!("Init:{other}"),
            };
        }
        return None;
    }
    Some(sidecars)
}

fn container_statuses(o: &Object, s: &mut Summary) {
    let mut running = false;
    for status in pod::container_statuses(o).iter().rev() {
        count_restart(status, &mut s.restarts, &mut s.last_restart);
        let waiting = status.at(&["state", "waiting"]).map_or("", |w| w.str("reason"));
        if !waiting.is_empty() {
            s.reason = waiting.into();
        } else if let Some(t) = status.at(&["state", "terminated"]) {
            s.reason = terminated(t);
        } else if is_true(status, "ready") && status.at(&["state", "running"]).is_some() {
            running = true;
            s.ready += 1;
        }
    }
    if s.reason == "Completed" && running {
        s.reason = if pod::ready(o) { "Running".into() } else { "NotReady".into() };
    }
}

fn count_restart(status: &Value, restarts: &mut i64, last: &mut Option<Time>) {
    *restarts += status.get("restartCount").and_then(Value::as_int).unwrap_or(0);
    let ended = status.at(&["lastState", "terminated", "finishedAt"]).and_then(|t| Time::parse_rfc3339(t.as_str()));
    *last = (*last).max(ended);
}

fn is_true(v: &Value, key: &str) -> bool {
    v.get(key).and_then(Value::as_bool) == Some(true)
}

fn exit_code(terminated: &Value) -> i64 {
    terminated.get("exitCode").and_then(Value::as_int).unwrap_or(0)
}

/// The reason, else the signal, else the exit code.
fn terminated(t: &Value) -> Str {
    let signal = t.get("signal").and_then(Value::as_int).unwrap_or(0);
    match (t.str("reason"), signal) {
        ("", 0) => ecow::eco_format!("ExitCode:{}", exit_code(t)),
        ("", n) => ecow::eco_format!("Signal:{n}"),
        (reason, _) => reason.into(),
    }
}

fn readiness_gates(o: &Object) -> Str {
    let gates = o.items(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let met = |g: &&Value| meta::condition(o, g.str("conditionType")).is_some_and(|(status, ..)| status == "True");
    ecow::eco_format!("{}/{}", gates.iter().filter(met).count(), gates.len())
}
