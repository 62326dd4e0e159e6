//! A pod's status from its spec and what the runtime holds.
//! Models kubelet_pods.go generateAPIPodStatus, convertToAPIContainerStatuses, getPhase, and
//! status/generate.go. Pure.

use super::worker::Worker;
use crate::api::{List, Map, Object, Value, meta, pod};
use crate::base::arrange::Arrange;
use crate::base::{Str, Time};
use crate::machine::Machine;
use crate::runtime::{Container, ContainerState, images};
use crate::sim::Profile;

pub fn generate(profile: Profile, host: &Machine, w: &Worker, now: Time) -> Map {
    let known = w.posted_pod();
    let old = known.get(&["status"]).and_then(Value::as_map).cloned().unwrap_or_default();
    if let Some((reason, message)) = &w.rejected {
        return map! {
            "message" => message, "phase" => "Failed", "reason" => reason, "startTime" => w.started.rfc3339(),
            "qosClass" => qos_class(&w.pod),
        };
    }
    let failing = w.failed.as_ref().filter(|_| profile == Profile::Book || w.ended);
    let nothing_ran = w.containers.iter().all(|s| s.id.is_none());
    if pod::terminal(known) && (nothing_ran || (profile == Profile::Book && old.str("reason") == "Evicted")) {
        return old;
    }
    if let Some((reason, message)) = w.failed.as_ref().filter(|(r, _)| r == "Evicted" && profile == Profile::Book) {
        // Nothing else was kept of an evicted pod.
        return map! {
            "message" => message, "phase" => "Failed", "reason" => reason, "startTime" => w.started.rfc3339(),
        };
    }
    let make = |range: std::ops::Range<usize>| -> List {
        range.map(|i| Value::Map(container_status(profile, host, w, i))).collect()
    };
    let (inits, mains) = (make(0..w.inits), make(w.inits..w.mains));
    let ephemeral = make(w.mains..w.containers.len());
    let phase = if failing.is_some() { "Failed" } else { phase(w, inits.as_slice(), mains.as_slice(), profile) };
    let mut status = map! {
        "conditions" => conditions(profile, host, w, phase, inits.as_slice(), mains.as_slice(), now),
        "containerStatuses" => sorted(mains),
        "hostIP" => &host.ip,
        "phase" => phase,
        "qosClass" => qos_class(&w.pod),
        "startTime" => w.started.rfc3339(),
    };
    if let Some((reason, message)) = failing {
        status.insert("reason", reason);
        status.insert("message", message);
        let disrupted = meta::condition(known, "DisruptionTarget").is_some();
        if reason == "Evicted" && !disrupted {
            let mut list: Vec<Value> = status.get("conditions").map_or(&[][..], Value::items).to_vec();
            list.push(Value::Map(map! {
                "lastProbeTime" => Value::Null,
                "lastTransitionTime" => now.rfc3339(),
                "message" => message,
                "observedGeneration" => meta::generation(known).max(1),
                "reason" => "TerminationByKubelet",
                "status" => "True",
                "type" => "DisruptionTarget",
            }));
            status.insert("conditions", list);
        }
    }
    if !ephemeral.is_empty() {
        status.insert("ephemeralContainerStatuses", ephemeral);
    }
    if !inits.is_empty() {
        status.insert("initContainerStatuses", inits);
    }
    let ip = address(host, w, &old);
    if !ip.is_empty() {
        status.insert("podIP", &ip);
        status.insert("podIPs", list![map! { "ip" => &ip }]);
    }
    if profile == Profile::Modern {
        status.insert("hostIPs", list![map! { "ip" => &host.ip }]);
        status.insert("observedGeneration", meta::generation(known).max(1));
    }
    status
}

/// The kubelet posts container statuses in the order of their names.
fn sorted(statuses: List) -> List {
    let mut all: Vec<Value> = statuses.iter().cloned().collect();
    all.arrange_by(|a, b| a.str("name").cmp(b.str("name")));
    all.into_iter().collect()
}

/// The sandbox's address; one that is gone keeps the last.
fn address(host: &Machine, w: &Worker, old: &Map) -> Str {
    if pod::host_network(&w.pod) {
        return host.ip.clone();
    }
    let sandbox = w.sandbox.as_ref().and_then(|id| host.runtime.sandboxes.get(id));
    sandbox.map_or_else(|| old.str("podIP").into(), |s| s.ip.clone())
}

fn container_status(profile: Profile, host: &Machine, w: &Worker, i: usize) -> Map {
    let data = &host.runtime;
    let slot = &w.containers[i];
    let spec = w.spec(i);
    let run = w.run(i, data);
    let previous = slot.previous.as_ref().and_then(|id| data.containers.get(id));
    let over = w.killing.is_some() || w.ended;
    let waiting = |reason: &str, message: &str| {
        let mut inner = map! { "reason" => reason };
        if !message.is_empty() {
            inner.insert("message", message);
        }
        map! { "waiting" => inner }
    };
    let (state, last) = match (run, &slot.waiting) {
        (Some(c), _) if c.state == ContainerState::Running => {
            let running = map! { "running" => map! { "startedAt" => c.started.rfc3339() } };
            (running, previous.map(|p| terminated(profile, p)))
        }
        (Some(c), Some((reason, message))) if c.state == ContainerState::Exited && !over => {
            (waiting(reason, message), Some(terminated(profile, c)))
        }
        (Some(c), _) if c.state == ContainerState::Exited => {
            (terminated(profile, c), previous.map(|p| terminated(profile, p)))
        }
        (_, Some((reason, message))) => (waiting(reason, message), previous.map(|p| terminated(profile, p))),
        _ => {
            let main_waits = i >= w.inits && w.inits > 0 && !inits_done(w, host);
            let reason = if main_waits || i < w.inits && i > 0 { "PodInitializing" } else { "ContainerCreating" };
            let reason = if w.inits > 0 { "PodInitializing" } else { reason };
            (waiting(reason, ""), previous.map(|p| terminated(profile, p)))
        }
    };
    let running = run.is_some_and(|c| c.state == ContainerState::Running);
    let is_init = i < w.inits;
    let ready = match run {
        Some(c) if is_init => c.state == ContainerState::Exited && c.exit_code == 0,
        _ => running && i < w.mains && super::probes::ready(spec, slot),
    };
    let mut out = map! {
        "image" => spec.str("image"),
        "imageID" => "",
        "lastState" => last.unwrap_or_default(),
        "name" => &slot.name,
        "ready" => ready,
        "restartCount" => run.map_or(0, |c| c.attempt),
        "started" => running && super::probes::started(spec, slot),
        "state" => state,
    };
    if let Some(c) = run {
        let full = images::normalize(&c.image).unwrap_or_default();
        let (image, id) = names(profile, host, &full);
        let scheme = if profile == Profile::Book { "docker" } else { "containerd" };
        out.insert("containerID", ecow::eco_format!("{scheme}://{}", c.id));
        out.insert("image", image);
        out.insert("imageID", id);
        if profile == Profile::Modern {
            out.insert("resources", spec.get("resources").cloned().unwrap_or_else(|| Map::new().into()));
        }
    }
    out
}

fn inits_done(w: &Worker, host: &Machine) -> bool {
    (0..w.inits).all(|i| {
        let sidecar = w.spec(i).str("restartPolicy") == "Always";
        w.run(i, &host.runtime).is_some_and(|c| match c.state {
            ContainerState::Exited => c.exit_code == 0,
            ContainerState::Running => sidecar,
            ContainerState::Created => false,
        })
    })
}

/// How a runtime names an image and its content.
fn names(profile: Profile, host: &Machine, full: &str) -> (Str, Str) {
    let digest = host.runtime.images.get(full).map(|i| i.digest.clone()).unwrap_or_default();
    let repository = full.rsplit_once(':').map_or(full, |(name, _)| name);
    match profile {
        Profile::Book => {
            let short = |name: &str| -> Str {
                name.strip_prefix("docker.io/library/").or(name.strip_prefix("docker.io/")).unwrap_or(name).into()
            };
            (short(full), ecow::eco_format!("docker-pullable://{}@sha256:{digest}", short(repository)))
        }
        Profile::Modern => (full.into(), ecow::eco_format!("{repository}@sha256:{digest}")),
    }
}

fn terminated(profile: Profile, c: &Container) -> Map {
    let scheme = if profile == Profile::Book { "docker" } else { "containerd" };
    let reason = match (profile, c.reason.as_str()) {
        (Profile::Modern, "ContainerCannotRun") => "StartError",
        (_, reason) => reason,
    };
    let mut inner = map! {
        "containerID" => ecow::eco_format!("{scheme}://{}", c.id),
        "exitCode" => c.exit_code,
        "finishedAt" => c.finished.rfc3339(),
        "reason" => reason,
        "startedAt" => c.started.rfc3339(),
    };
    if !c.message.is_empty() {
        inner.insert("message", &c.message);
    }
    map! { "terminated" => inner }
}

fn phase(w: &Worker, inits: &[Value], mains: &[Value], profile: Profile) -> &'static str {
    let exit = |s: &Value, key: &str| s.at(&[key, "terminated", "exitCode"]).and_then(Value::as_int);
    let policy = w.restart_policy();
    let all_over = w.ended && profile == Profile::Modern && w.killing.is_some();
    if all_over && mains.iter().all(|s| exit(s, "state").is_some()) {
        // Since 1.27 a deleted pod reaches a last phase before it goes.
        let failed = mains.iter().chain(inits).any(|s| exit(s, "state").is_some_and(|c| c != 0));
        return if failed { "Failed" } else { "Succeeded" };
    }
    for (i, s) in inits.iter().enumerate() {
        let sidecar = w.spec(i).str("restartPolicy") == "Always";
        match exit(s, "state") {
            Some(0) => {}
            Some(_) if policy == "Never" => return "Failed",
            _ if sidecar && s.at(&["state", "running"]).is_some() => {}
            _ => return "Pending",
        }
    }
    let (mut running, mut waiting, mut stopped, mut succeeded) = (0, 0, 0, 0);
    for s in mains {
        if s.at(&["state", "running"]).is_some() {
            running += 1;
        } else if let Some(code) = exit(s, "state") {
            stopped += 1;
            succeeded += usize::from(code == 0);
        } else if exit(s, "lastState").is_some() {
            stopped += 1;
        } else {
            waiting += 1;
        }
    }
    match () {
        () if waiting > 0 => "Pending",
        () if running > 0 => "Running",
        () if stopped == 0 => "Pending",
        () if policy == "Always" => "Running",
        () if stopped == succeeded => "Succeeded",
        () if policy == "Never" => "Failed",
        () => "Running",
    }
}

struct Verdict {
    kind: &'static str,
    ok: bool,
    reason: &'static str,
    message: Str,
}

fn conditions(
    profile: Profile,
    host: &Machine,
    w: &Worker,
    phase: &str,
    inits: &[Value],
    mains: &[Value],
    now: Time,
) -> List {
    let plain = |kind, ok| Verdict { kind, ok, reason: "", message: Str::new() };
    let mut verdicts = Vec::with_capacity(5);
    if profile == Profile::Modern {
        let sandbox = w.sandbox.as_ref().and_then(|id| host.runtime.sandboxes.get(id));
        verdicts.push(plain("PodReadyToStartContainers", sandbox.is_some_and(|s| s.ready)));
    }
    verdicts.push(initialized(w, phase, inits));
    let ready = containers_ready(profile, phase, mains);
    let gates = w.pod.items(&["spec", "readinessGates"]);
    let known = w.posted_pod();
    let open = gates.iter().find(|g| meta::condition(known, g.str("conditionType")).is_none_or(|(s, ..)| s != "True"));
    verdicts.push(match open {
        Some(gate) if ready.ok => Verdict {
            kind: "Ready",
            ok: false,
            reason: "ReadinessGatesNotReady",
            message: ecow::eco_format!(
                "corresponding condition of pod readiness gate \"{}\" does not exist.",
                gate.str("conditionType")
            ),
        },
        _ => Verdict { kind: "Ready", message: ready.message.clone(), ..ready },
    });
    verdicts.push(ready);
    verdicts.push(plain("PodScheduled", true));
    let mut out: List = verdicts.into_iter().map(|v| Value::Map(condition(profile, known, v, now))).collect();
    for foreign in known.items(&["status", "conditions"]) {
        const OWN: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
        if !OWN.contains(&foreign.str("type")) {
            out.push(foreign.clone());
        }
    }
    out
}

fn condition(profile: Profile, known: &Object, v: Verdict, now: Time) -> Map {
    let status = if v.ok { "True" } else { "False" };
    let before = known.items(&["status", "conditions"]).iter().find(|c| c.str("type") == v.kind);
    let since = match before.filter(|c| c.str("status") == status) {
        Some(c) => Str::from(c.str("lastTransitionTime")),
        None => now.rfc3339(),
    };
    let mut out = map! {
        "lastProbeTime" => Value::Null,
        "lastTransitionTime" => since,
        "status" => status,
        "type" => v.kind,
    };
    if profile == Profile::Modern {
        out.insert("observedGeneration", meta::generation(known).max(1));
    }
    if !v.reason.is_empty() {
        out.insert("reason", v.reason);
    }
    if !v.message.is_empty() {
        out.insert("message", v.message);
    }
    out
}

fn initialized(w: &Worker, phase: &str, inits: &[Value]) -> Verdict {
    let undone: Vec<&str> = inits
        .iter()
        .enumerate()
        .filter(|(i, s)| {
            let sidecar = w.spec(*i).str("restartPolicy") == "Always" && s.at(&["state", "running"]).is_some();
            !sidecar && s.get("ready").and_then(Value::as_bool) != Some(true)
        })
        .map(|(_, s)| s.str("name"))
        .collect();
    let kind = "Initialized";
    if phase == "Succeeded" {
        return Verdict { kind, ok: true, reason: "PodCompleted", message: Str::new() };
    }
    if undone.is_empty() {
        return Verdict { kind, ok: true, reason: "", message: Str::new() };
    }
    let message = ecow::eco_format!("containers with incomplete status: [{}]", undone.join(" "));
    Verdict { kind, ok: false, reason: "ContainersNotInitialized", message }
}

fn containers_ready(profile: Profile, phase: &str, mains: &[Value]) -> Verdict {
    let kind = "ContainersReady";
    let reason = match (phase, profile) {
        ("Succeeded", _) => "PodCompleted",
        ("Failed", Profile::Modern) => "PodFailed",
        _ => "",
    };
    if !reason.is_empty() {
        return Verdict { kind, ok: false, reason, message: Str::new() };
    }
    let unready: Vec<&str> =
        mains.iter().filter(|s| s.get("ready").and_then(Value::as_bool) != Some(true)).map(|s| s.str("name")).collect();
    if unready.is_empty() {
        return Verdict { kind, ok: true, reason: "", message: Str::new() };
    }
    let message = ecow::eco_format!("containers with unready status: [{}]", unready.join(" "));
    Verdict { kind, ok: false, reason: "ContainersNotReady", message }
}

/// Models pkg/apis/core/v1/helper/qos GetPodQOS.
pub fn qos_class(pod: &Object) -> &'static str {
    let all = pod::init_containers(pod).iter().chain(pod::containers(pod));
    let (mut any, mut guaranteed) = (false, true);
    for c in all {
        let get = |list: &str, what: &str| c.at(&["resources", list, what]).filter(|v| !v.is_null());
        for what in ["cpu", "memory"] {
            let (request, limit) = (get("requests", what), get("limits", what));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|r| Some(r) == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
