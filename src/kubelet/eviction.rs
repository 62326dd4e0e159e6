//! Eviction under pressure: every ten seconds what is left of memory and disk is compared with the
//! thresholds; the node's conditions follow, and pods end one at a time, those first that use more
//! than they asked for. Also what keeps images from filling the disk.
//! Models pkg/kubelet/eviction and pkg/kubelet/images/image_gc_manager.go. Not here: inodes, process
//! numbers, minimum reclaim, file systems of the runtime's own.

use std::cmp::Reverse;
use std::sync::Arc;

use super::worker::{Killing, Worker};
use super::{EXTRA_ARGS, Kubelet};
use crate::addons::files::KUBELET_CONFIG;
use crate::api::quantity::Quantity;
use crate::api::{Object, Value, placement, pod};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time, hash};
use crate::machine::{Machine, load};
use crate::runtime::{ContainerState, images, usage};
use crate::sim::{Ctx, Profile};

const SIGNALS: [&str; 3] = ["memory.available", "nodefs.available", "imagefs.available"];
/// Rounds between two looks at the images: five minutes.
const GC_ROUNDS: u32 = 30;
const CLEANUP: Duration = Duration::secs(30);
/// A container's writable layer and its log before it has written anything.
const LAYER: u64 = 24 << 10;
/// Priorities from here on are the system's own.
const CRITICAL: i64 = 2_000_000_000;

#[derive(Clone, Copy, PartialEq, Debug)]
struct Threshold {
    /// Index into [`SIGNALS`].
    signal: usize,
    amount: Amount,
    /// `None`: a hard one.
    grace: Option<Duration>,
    since: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Amount {
    Bytes(u64),
    /// Ten-thousandths of the capacity.
    Share(u64),
}

impl Amount {
    fn parse(text: &str) -> Option<Amount> {
        let text = text.trim();
        if let Some(percent) = text.strip_suffix('%') {
            return Some(Amount::Share(Quantity::parse(percent).ok()?.millis().max(0) as u64 / 10));
        }
        Some(Amount::Bytes(Quantity::parse(text).ok()?.value().max(0) as u64))
    }
    fn of(self, capacity: u64) -> u64 {
        match self {
            Amount::Bytes(n) => n,
            Amount::Share(s) => (u128::from(capacity) * u128::from(s) / 10_000) as u64,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct EvictionState {
    thresholds: Vec<Threshold>,
    transition: Duration,
    max_grace: Duration,
    /// When a threshold of memory, and one of disk, was last met.
    seen: [Option<Time>; 2],
    /// The pod that is being ended, since when.
    waits_for: Option<(Str, Time)>,
    rounds: u32,
    gc_failed: bool,
}

/// Available and capacity of each signal, in bytes.
fn observe(host: &Machine) -> [(u64, u64); 3] {
    let total = load::memory_total(host);
    let disk = (load::DISK.saturating_sub(load::disk_used(host)), load::DISK);
    [(total.saturating_sub(load::memory_used(host)), total), disk, disk]
}

/// `memory.available<500Mi,nodefs.available<10%`
fn flag(host: &Machine, name: &str) -> Option<Vec<(Str, Str)>> {
    let text = host.read(EXTRA_ARGS)?;
    let rest = text.split(&format!("--{name}=")).nth(1)?;
    let list = rest.split([' ', '"', '\'', '\n']).next().unwrap_or("");
    let pair = |p: &str| p.split_once(['<', '=']).map(|(a, b)| (Str::from(a), Str::from(b)));
    Some(list.split(',').filter_map(pair).collect())
}

fn seconds(text: &str) -> Option<Duration> {
    let mut total = 0;
    let mut number = 0u64;
    for c in text.chars() {
        match c {
            '0'..='9' => number = number * 10 + u64::from(c as u8 - b'0'),
            'h' | 'm' | 's' => {
                total += number * [3600, 60, 1]["hms".find(c)?];
                number = 0;
            }
            _ => return None,
        }
    }
    Some(Duration::secs(total))
}

impl EvictionState {
    /// As the kubelet's configuration and flags say.
    fn read(host: &Machine) -> EvictionState {
        let config: Value =
            host.read(KUBELET_CONFIG).and_then(|text| serde_yaml::from_str(text).ok()).unwrap_or_default();
        let pairs = |key: &str, name: &str| -> Option<Vec<(Str, Str)>> {
            flag(host, name).or_else(|| {
                let map = config.get(key).and_then(Value::as_map)?;
                Some(map.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect())
            })
        };
        let hard = pairs("evictionHard", "eviction-hard").unwrap_or_else(|| {
            let defaults = ["100Mi", "10%", "15%"];
            SIGNALS.iter().zip(defaults).map(|(s, v)| ((*s).into(), v.into())).collect()
        });
        let soft = pairs("evictionSoft", "eviction-soft").unwrap_or_default();
        let graces = pairs("evictionSoftGracePeriod", "eviction-soft-grace-period").unwrap_or_default();
        let grace = |signal: &str| {
            let text = graces.iter().find(|(s, _)| s == signal).map_or("0s", |(_, g)| g);
            seconds(text).unwrap_or_default()
        };
        let mut thresholds = Vec::new();
        for (list, is_soft) in [(hard, false), (soft, true)] {
            for (name, text) in list {
                let Some(signal) = SIGNALS.iter().position(|s| *s == name) else { continue };
                let Some(amount) = Amount::parse(&text) else { continue };
                thresholds.push(Threshold { signal, amount, grace: is_soft.then(|| grace(&name)), since: None });
            }
        }
        thresholds.arrange_by_key(|t| t.signal);
        let span = |key: &str| config.get(key).and_then(|v| seconds(v.as_str())).filter(|d| *d > Duration::ZERO);
        EvictionState {
            thresholds,
            transition: span("evictionPressureTransitionPeriod").unwrap_or(Duration::mins(5)),
            max_grace: Duration::secs(
                config.get("evictionMaxPodGracePeriod").and_then(Value::as_int).unwrap_or(0).max(0) as u64,
            ),
            ..EvictionState::default()
        }
    }

    /// Whether there is too little memory, and too little disk.
    pub fn pressure(&self) -> [bool; 2] {
        self.seen.map(|s| s.is_some())
    }
}

/// Bytes that a container has written: its layer and its log.
fn disk_of(host: &Machine, id: &str) -> u64 {
    let Some(c) = host.runtime.containers.get(id) else { return 0 };
    let files = if c.root.is_empty() { 0 } else { load::below(host, &c.root) };
    let log: u64 = c.log.iter().map(|(_, line)| line.len() as u64 + 1).sum();
    let spread = u64::from(hash::fnv32a(c.id.as_bytes()) % 8) << 12;
    LAYER + spread + files + log
}

fn empty_dir(host: &Machine, uid: &str, volume: &str) -> u64 {
    load::below(host, &format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/{volume}"))
}

fn amount(of: &Value, list: &str, what: &str) -> Option<Quantity> {
    of.at(&["resources", list, what]).and_then(Quantity::of)
}

/// Models kubetypes.IsCriticalPod.
fn critical(w: &Worker) -> bool {
    w.is_static || w.mirror.is_some() || w.pod.int(&["spec", "priority"]).unwrap_or(0) >= CRITICAL
}

/// What the kubelet adds to a container's score when memory runs out.
/// Models pkg/kubelet/qos/policy.go.
pub(super) fn oom_score_adj(pod: &Object, container: &Value, memory: u64) -> i16 {
    if pod.int(&["spec", "priority"]).unwrap_or(0) >= CRITICAL {
        return -997;
    }
    match pod::qos_class(pod) {
        "Guaranteed" => -997,
        "BestEffort" => 1000,
        _ => {
            let request = amount(container, "requests", "memory").unwrap_or_default().value().max(0) as u64;
            (1000 - (1000 * request / memory.max(1)).min(1000) as i16).clamp(3, 999)
        }
    }
}

impl Kubelet {
    pub(super) fn begin_eviction(&mut self, ctx: &Ctx<'_>) {
        self.eviction = EvictionState::read(ctx.host());
    }

    /// One round of the eviction manager.
    pub(super) fn evict(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        self.eviction.rounds += 1;
        let mut observed = observe(ctx.host());
        if self.eviction.rounds.is_multiple_of(GC_ROUNDS) {
            self.collect_images(ctx, observed[2].0);
            observed = observe(ctx.host());
        }
        let state = &mut self.eviction;
        for t in &mut state.thresholds {
            let (available, capacity) = observed[t.signal];
            let met = available < t.amount.of(capacity);
            t.since = if met { t.since.or(Some(now)) } else { None };
            if met {
                state.seen[usize::from(t.signal > 0)] = Some(now);
            }
        }
        for seen in &mut state.seen {
            *seen = seen.filter(|at| now.since(*at) < state.transition);
        }
        if self.evict_over_limits(ctx) {
            return;
        }
        let Some(first) = self.due(now) else { return };
        if let Some((uid, since)) = &self.eviction.waits_for
            && now.since(*since) < CLEANUP
            && self.workers.get(uid).is_some_and(|w| !w.ended)
        {
            return;
        }
        self.eviction.waits_for = None;
        let memory = first.signal == 0;
        let resource = if memory { "memory" } else { "ephemeral-storage" };
        self.announce(ctx, "Warning", "EvictionThresholdMet", ecow::eco_format!("Attempting to reclaim {resource}"));
        if !memory {
            self.delete_images(ctx, u64::MAX);
            observed = observe(ctx.host());
            if !self.eviction.thresholds.iter().any(|t| observed[t.signal].0 < t.amount.of(observed[t.signal].1)) {
                return;
            }
        }
        let (available, capacity) = observed[first.signal];
        let mut message = format!("The node was low on resource: {resource}. ");
        if self.profile == Profile::Modern {
            message +=
                &format!("Threshold quantity: {}, available: {}. ", bytes(first.amount.of(capacity)), bytes(available));
        }
        let grace = if first.grace.is_some() { self.eviction.max_grace } else { self.at_once() };
        for uid in self.ranked(ctx.host(), resource) {
            let Some(w) = self.workers.get(&uid) else { continue };
            if critical(w) {
                continue;
            }
            message += &self.offenders(ctx.host(), w, resource);
            self.evict_pod(ctx, &uid, message.into(), grace);
            return;
        }
    }

    /// The threshold to act on: met for long enough, memory before disk.
    fn due(&self, now: Time) -> Option<Threshold> {
        let over = |t: &&Threshold| t.since.is_some_and(|s| now.since(s) >= t.grace.unwrap_or(Duration::ZERO));
        self.eviction.thresholds.iter().find(over).copied()
    }

    /// The grace period of those who must go at once.
    fn at_once(&self) -> Duration {
        if self.profile == Profile::Book { Duration::ZERO } else { Duration::secs(1) }
    }

    /// Pods that run here, those to end first in front: beyond their request, of low priority, far above it.
    fn ranked(&self, host: &Machine, resource: &str) -> Vec<Str> {
        let mut all: Vec<((bool, i64, Reverse<i64>), Str)> = Vec::new();
        for w in self.workers.values().filter(|w| !w.ended && !w.gone && w.failed.is_none() && w.rejected.is_none()) {
            let used = used_by(host, w, resource) as i64;
            let specs = pod::containers(&w.pod).iter();
            let asked: i64 = specs.filter_map(|c| amount(c, "requests", resource)).map(Quantity::value).sum();
            let priority = w.pod.int(&["spec", "priority"]).unwrap_or(0);
            all.push(((used <= asked, priority, Reverse(used - asked)), w.uid.clone()));
        }
        all.arrange_by(|a, b| a.0.cmp(&b.0));
        all.into_iter().map(|(_, uid)| uid).collect()
    }

    /// Which containers used more than they asked for.
    fn offenders(&self, host: &Machine, w: &Worker, resource: &str) -> String {
        let mut text = String::new();
        for (i, slot) in w.containers.iter().enumerate().take(w.mains).skip(w.inits) {
            let Some(run) = w.run(i, &host.runtime).filter(|c| c.state == ContainerState::Running) else { continue };
            let used = if resource == "memory" { usage::memory(run) } else { disk_of(host, &run.id) };
            let asked = amount(w.spec(i), "requests", resource).unwrap_or_default();
            if used as i64 <= asked.value() {
                continue;
            }
            let (name, used) = (&slot.name, bytes(used));
            text += &match self.profile {
                Profile::Book => format!("Container {name} was using {used}, which exceeds its request of {asked}. "),
                Profile::Modern => {
                    format!(
                        "Container {name} was using {used}, request is {asked}, has larger consumption of {resource}. "
                    )
                }
            };
        }
        text
    }

    fn evict_pod(&mut self, ctx: &mut Ctx<'_>, uid: &Str, message: Str, grace: Duration) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let now = ctx.now();
        let w = Arc::make_mut(&mut arc);
        self.event(ctx, w, None, "Warning", "Evicted", message.clone());
        w.cause = ctx.cause;
        w.failed = Some(("Evicted".into(), message));
        w.killing = Some(Killing { since: now, grace, signalled: false, sidecars: false });
        self.eviction.waits_for = Some((uid.clone(), now));
        self.workers.insert(uid.clone(), arc);
        self.sync(ctx, uid, true);
    }

    /// Pods that outgrew the limits of their own storage.
    fn evict_over_limits(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let host = ctx.host();
        let limited = self.workers.values().filter(|w| w.storage_limits && !w.ended && w.failed.is_none());
        let found: Vec<(Str, Str)> = limited.filter_map(|w| Some((w.uid.clone(), over_limit(host, w)?))).collect();
        for (uid, message) in &found {
            let grace = self.at_once();
            self.evict_pod(ctx, uid, message.clone(), grace);
        }
        !found.is_empty()
    }

    /// Whether the pressure on this node keeps the pod out; why.
    pub(super) fn pressed(&self, pod: &Object) -> Option<Str> {
        let [memory, disk] = self.eviction.pressure();
        if !memory && !disk || pod.int(&["spec", "priority"]).unwrap_or(0) >= CRITICAL {
            return None;
        }
        if memory && !disk {
            let taint = map! { "key" => "node.kubernetes.io/memory-pressure", "effect" => "NoSchedule" };
            if pod::qos_class(pod) != "BestEffort" || placement::tolerates(pod, &taint.into()) {
                return None;
            }
        }
        let names: Vec<&str> = [(memory, "MemoryPressure"), (disk, "DiskPressure")]
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, n)| *n)
            .collect();
        Some(ecow::eco_format!("The node had condition: [{}]. ", names.join(" ")))
    }

    /// A process was ended because the machine had no memory left. `victim`: name and number.
    pub(super) fn out_of_memory(&mut self, ctx: &mut Ctx<'_>, victim: &str) {
        let (name, pid) = victim.split_once(' ').unwrap_or((victim, ""));
        let text = ecow::eco_format!("System OOM encountered, victim process: {name}, pid: {pid}");
        self.announce(ctx, "Warning", "SystemOOM", text);
    }

    /// Frees disk once 85 % are in use, down to 80 %.
    fn collect_images(&mut self, ctx: &mut Ctx<'_>, available: u64) {
        if (load::DISK - available) * 100 / load::DISK < 85 {
            self.eviction.gc_failed = false;
            return;
        }
        let wanted = (load::DISK / 5).saturating_sub(available);
        let freed = self.delete_images(ctx, wanted);
        if freed >= wanted {
            self.eviction.gc_failed = false;
            return;
        }
        let text = match self.profile {
            Profile::Book => ecow::eco_format!(
                "failed to garbage collect required amount of images. Wanted to free {wanted} bytes, but freed {freed} bytes"
            ),
            Profile::Modern => ecow::eco_format!(
                "Failed to garbage collect required amount of images. Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
            ),
        };
        self.announce(ctx, "Warning", "FreeDiskSpaceFailed", text.clone());
        if std::mem::replace(&mut self.eviction.gc_failed, true) {
            self.announce(ctx, "Warning", "ImageGCFailed", text);
        }
    }

    /// Removes images that no container uses, until so many bytes are free; how many became free.
    fn delete_images(&self, ctx: &mut Ctx<'_>, wanted: u64) -> u64 {
        let data = &mut ctx.host_mut().runtime;
        let used: Vec<Str> = data.containers.values().filter_map(|c| images::normalize(&c.image).ok()).collect();
        let idle: Vec<(Str, u64)> = data
            .images
            .iter()
            .filter(|(name, _)| !used.contains(name) && !name.contains("/pause:"))
            .map(|(name, i)| (name.clone(), i.size))
            .collect();
        let mut freed = 0;
        for (name, size) in idle {
            if freed >= wanted {
                break;
            }
            data.images.remove(&name);
            freed += size;
        }
        freed
    }
}

/// What a pod uses of a resource, in bytes.
fn used_by(host: &Machine, w: &Worker, resource: &str) -> u64 {
    let runs = (0..w.containers.len()).filter_map(|i| w.run(i, &host.runtime));
    if resource == "memory" {
        return runs.filter(|c| c.state == ContainerState::Running).map(usage::memory).sum();
    }
    let layers: u64 = runs.map(|c| disk_of(host, &c.id)).sum();
    let volumes = w.pod.items(&["spec", "volumes"]).iter().filter(|v| v.get("emptyDir").is_some());
    layers + volumes.map(|v| empty_dir(host, &w.uid, v.str("name"))).sum::<u64>()
}

/// Whether a pod says how much storage it may use.
pub(super) fn limits_storage(pod: &Object) -> bool {
    pod.items(&["spec", "volumes"]).iter().any(|v| v.at(&["emptyDir", "sizeLimit"]).is_some())
        || pod::containers(pod).iter().any(|c| c.at(&["resources", "limits", "ephemeral-storage"]).is_some())
}

/// Models localStorageEviction.
fn over_limit(host: &Machine, w: &Worker) -> Option<Str> {
    for v in w.pod.items(&["spec", "volumes"]) {
        let Some(limit) = v.at(&["emptyDir", "sizeLimit"]).and_then(Quantity::of) else { continue };
        if limit.value() > 0 && empty_dir(host, &w.uid, v.str("name")) as i64 > limit.value() {
            return Some(ecow::eco_format!(
                "Usage of EmptyDir volume \"{}\" exceeds the limit \"{limit}\". ",
                v.str("name")
            ));
        }
    }
    let limits = pod::containers(&w.pod).iter().filter_map(|c| amount(c, "limits", "ephemeral-storage"));
    let total: Quantity = limits.sum();
    if total.value() > 0 && used_by(host, w, "ephemeral-storage") as i64 > total.value() {
        return Some(ecow::eco_format!(
            "Pod ephemeral local storage usage exceeds the total limit of containers {total}. "
        ));
    }
    for i in w.inits..w.mains {
        let Some(limit) = amount(w.spec(i), "limits", "ephemeral-storage").filter(|l| l.value() > 0) else { continue };
        let used = w.run(i, &host.runtime).map_or(0, |c| disk_of(host, &c.id));
        if used as i64 > limit.value() {
            return Some(ecow::eco_format!(
                "Container {} exceeded its local ephemeral storage limit \"{limit}\". ",
                w.containers[i].name
            ));
        }
    }
    None
}

fn bytes(n: u64) -> Quantity {
    Quantity::from_bytes(n as i64)
}
