//! The Node object: registration, status every 10 s, posted when it changed or every 5 minutes.
//! Models kubelet_node_status.go and nodestatus/setters.go.

use std::sync::Arc;

use crate::base::persistent::OrdMap;

use super::{Kubelet, TIMER_NODE_STATUS, TIMER_REGISTER, TOKEN_NODE, daemon, sync};
use crate::addons::files::KUBELET_FLAGS;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Response, Value, meta};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use crate::machine::{Machine, files};
use crate::network::cni;
use crate::runtime::{Image, images};
use crate::sim::world::NAT;
use crate::sim::{Ctx, Profile, Reply};

const CHECK: Duration = Duration::secs(10);
const REPORT: Duration = Duration::mins(5);
/// Without an answer for this long the runtime counts as down.
const RUNTIME_PATIENCE: Duration = Duration::secs(30);

#[derive(Clone, Copy, PartialEq, Debug, Default)]
enum Asked {
    #[default]
    Nothing,
    Create,
    /// The node exists already: its labels are to be reconciled.
    Existing,
    Get,
    Status,
}

#[derive(Clone, Debug, Default)]
pub struct NodeState {
    known: Option<Arc<Object>>,
    asked: Asked,
    registered: bool,
    reported: Time,
    failures: u32,
    /// Condition states this run has announced by events.
    announced: Vec<(Str, bool)>,
    /// The parts of the status that seldom change, with what they were made of.
    fixed: Option<(Facts, Map)>,
    images: Option<(OrdMap<Str, Image>, Value)>,
}

/// What the fixed parts of a node's status are made of: files, version, boot, name, CPUs, memory.
type Facts = ([Option<Str>; 4], Str, Time, Str, u32, u32);

/// Kubelet's version, per profile.
pub fn version(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "v1.18.4",
        Profile::Modern => "v1.36.2",
    }
}

impl Kubelet {
    pub(super) fn registered(&self) -> bool {
        self.node.registered
    }

    fn node_key(&self) -> ObjectKey {
        ObjectKey::new(Kind::NODE, "", self.node_name.clone())
    }

    /// An owner reference to this node, as mirror pods and the lease carry it.
    pub(super) fn node_owner(&self) -> Option<Map> {
        let node = self.node.known.as_ref()?;
        Some(map! { "apiVersion" => "v1", "kind" => "Node", "name" => node.name(), "uid" => meta::uid(node) })
    }

    fn ask_node(&mut self, ctx: &mut Ctx<'_>, asked: Asked, request: Request) {
        self.node.asked = asked;
        let request = self.sign(request);
        ctx.request(&self.server, TOKEN_NODE, request);
    }

    pub(super) fn register(&mut self, ctx: &mut Ctx<'_>) {
        let mut node = Object::new(Kind::NODE, "", &self.node_name);
        node.set(&["metadata", "labels"], labels(&self.node_name));
        node.set(
            &["metadata", "annotations"],
            map! { "volumes.kubernetes.io/controller-managed-attach-detach" => "true" },
        );
        let status = self.node_status(ctx, &node);
        node.set(&["status"], status);
        self.ask_node(ctx, Asked::Create, Request::create(node));
    }

    pub(super) fn check_node(&mut self, ctx: &mut Ctx<'_>) {
        ctx.timer(CHECK, TIMER_NODE_STATUS, "");
        self.evict(ctx);
        let network = cni::configured(ctx.host());
        self.log_runtime(ctx, network);
        if self.node.asked == Asked::Nothing {
            let key = self.node_key();
            self.ask_node(ctx, Asked::Get, Request::get(&key));
        }
    }

    pub(super) fn node_answered(&mut self, ctx: &mut Ctx<'_>, reply: Reply) {
        let asked = std::mem::take(&mut self.node.asked);
        match (asked, reply) {
            (Asked::Create, Ok(Response::Object(node))) => self.on_registered(ctx, node),
            (Asked::Create, Ok(Response::Error(s))) if s.reason == Reason::AlreadyExists => {
                let key = self.node_key();
                self.ask_node(ctx, Asked::Existing, Request::get(&key));
            }
            (Asked::Existing, Ok(Response::Object(node))) => self.on_registered(ctx, node),
            (Asked::Create | Asked::Existing, reply) => {
                self.log_register_failed(ctx, &reply);
                // 100 ms doubling to 7 s.
                let wait = Duration::millis(100u64 << self.node.failures.min(6)).min(Duration::secs(7));
                self.node.failures += 1;
                ctx.timer(wait, TIMER_REGISTER, "");
            }
            (Asked::Get, Ok(Response::Object(node))) => self.report_node(ctx, node),
            (Asked::Get, Ok(Response::Error(s))) if s.reason == Reason::NotFound => self.register(ctx),
            (Asked::Status, Ok(Response::Object(node))) => {
                self.node.reported = ctx.now();
                self.node.known = Some(node);
            }
            (_, reply) => self.log_node_failed(ctx, &reply),
        }
    }

    fn on_registered(&mut self, ctx: &mut Ctx<'_>, node: Arc<Object>) {
        let first = !self.node.registered;
        self.node.registered = true;
        let rebooted = {
            let before = node.str(&["status", "nodeInfo", "bootID"]);
            !before.is_empty() && before != boot_id(ctx.host())
        };
        self.node.known = Some(node.clone());
        if first {
            self.log_registered(ctx);
            self.announce(ctx, "Normal", "Starting", "Starting kubelet.".into());
            if rebooted {
                let text =
                    ecow::eco_format!("Node {} has been rebooted, boot id: {}", self.node_name, boot_id(ctx.host()));
                self.announce(ctx, "Warning", "Rebooted", text);
            }
            self.announce_conditions(ctx, &node);
            self.announce(
                ctx,
                "Normal",
                "NodeAllocatableEnforced",
                "Updated Node Allocatable limit across pods".into(),
            );
            self.make_mirrors(ctx);
            let wait = ctx.rng.between(Duration::millis(200), Duration::secs(2));
            ctx.timer(wait, TIMER_NODE_STATUS, "");
        }
    }

    pub(super) fn announce(&mut self, ctx: &mut Ctx<'_>, kind: &str, reason: &str, message: Str) {
        if let Some(node) = self.node.known.clone() {
            self.recorder.record(ctx, &node, kind, reason, message);
        }
    }

    /// Events for conditions whose state this kubelet has not announced yet.
    fn announce_conditions(&mut self, ctx: &mut Ctx<'_>, node: &Object) {
        for (kind, good, bad) in [
            ("MemoryPressure", "NodeHasSufficientMemory", "NodeHasInsufficientMemory"),
            ("DiskPressure", "NodeHasNoDiskPressure", "NodeHasDiskPressure"),
            ("PIDPressure", "NodeHasSufficientPID", "NodeHasInsufficientPID"),
            ("Ready", "NodeReady", "NodeNotReady"),
        ] {
            let Some((status, ..)) = meta::condition(node, kind) else { continue };
            let fine = (status == "True") == (kind == "Ready");
            let before = self.node.announced.iter().find(|(k, _)| k == kind).map(|(_, f)| *f);
            if before == Some(fine) || (before.is_none() && kind == "Ready" && !fine) {
                continue;
            }
            self.node.announced.retain(|(k, _)| k != kind);
            self.node.announced.push((kind.into(), fine));
            let reason = if fine { good } else { bad };
            let text = ecow::eco_format!("Node {} status is now: {reason}", self.node_name);
            self.announce(ctx, "Normal", reason, text);
        }
    }

    /// Compares the node as the API has it with what is true, and posts if need be.
    fn report_node(&mut self, ctx: &mut Ctx<'_>, node: Arc<Object>) {
        let status = self.node_status(ctx, &node);
        self.node.known = Some(node.clone());
        let due = ctx.now().since(self.node.reported) >= REPORT;
        let old = node.get(&["status"]).and_then(Value::as_map);
        if !due && old.is_some_and(|old| equal_but(old, &status, "conditions", same_conditions)) {
            return;
        }
        let mut node = (*node).clone();
        node.set(&["status"], status);
        self.announce_conditions(ctx, &node);
        self.ask_node(ctx, Asked::Status, Request::update_status(node));
    }

    fn node_status(&mut self, ctx: &Ctx<'_>, node: &Object) -> Map {
        let host = ctx.host();
        let mut status = node.get(&["status"]).and_then(Value::as_map).cloned().unwrap_or_default();
        let mut put = |field: &str, value: Value| {
            // What is equal stays shared.
            if status.get(field) != Some(&value) {
                status.insert(field, value);
            }
        };
        let files = [KUBELET_FLAGS, super::EXTRA_ARGS, "/etc/hosts", "/etc/os-release"];
        let facts: Facts = (
            files.map(|path| host.read(path).cloned()),
            installed(self.profile, host),
            host.booted_at,
            host.name.clone(),
            host.cpus,
            host.memory_mib,
        );
        if self.node.fixed.as_ref().is_none_or(|(made_of, _)| *made_of != facts) {
            let fixed = map! {
                "addresses" => list![
                    map! { "address" => address(host, &self.node_name), "type" => "InternalIP" },
                    map! { "address" => &host.name, "type" => "Hostname" },
                ],
                "allocatable" => resources(host, 100),
                "capacity" => resources(host, 0),
                "daemonEndpoints" => map! { "kubeletEndpoint" => map! { "Port" => 10250 } },
                "nodeInfo" => node_info(self.profile, host),
            };
            self.node.fixed = Some((facts, fixed));
        }
        for (field, value) in self.node.fixed.iter().flat_map(|(_, fixed)| fixed.iter()) {
            put(field, value.clone());
        }
        let here = &host.runtime.images;
        if self.node.images.as_ref().is_none_or(|(made_of, _)| !same_images(made_of, here)) {
            self.node.images = Some((here.clone(), image_list(host).into()));
        }
        if let Some((_, images)) = self.node.images.as_ref().filter(|_| !here.is_empty()) {
            put("images", images.clone());
        }
        status.insert("conditions", self.conditions(ctx, node));
        status
    }

    fn conditions(&self, ctx: &Ctx<'_>, node: &Object) -> Vec<Value> {
        let beat = ctx.now().rfc3339();
        let old = node.items(&["status", "conditions"]);
        let foreign =
            |c: &&Value| !matches!(c.str("type"), "MemoryPressure" | "DiskPressure" | "PIDPressure" | "Ready");
        let mut out: Vec<Value> = old.iter().filter(foreign).cloned().collect();
        let mut put = |kind: &str, status: &str, reason: &str, message: &str| {
            let before = old.iter().find(|c| c.str("type") == kind && c.str("status") == status);
            if let Some(same) = before.and_then(Value::as_map)
                && same.len() == 6
                && same.has("lastTransitionTime")
                && same.has("lastHeartbeatTime")
                && (same.str("reason"), same.str("message")) == (reason, message)
            {
                let mut same = same.clone();
                same.insert("lastHeartbeatTime", beat.clone());
                return out.push(Value::Map(same));
            }
            let since = before.map_or_else(|| beat.clone(), |c| c.str("lastTransitionTime").into());
            out.push(Value::Map(map! {
                "lastHeartbeatTime" => beat.clone(),
                "lastTransitionTime" => since,
                "message" => message,
                "reason" => reason,
                "status" => status,
                "type" => kind,
            }));
        };
        let [memory, disk] = self.eviction.pressure();
        let (status, reason, message) = match memory {
            true => ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            false => ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        };
        put("MemoryPressure", status, reason, message);
        let (status, reason, message) = match disk {
            true => ("True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
            false => ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        };
        put("DiskPressure", status, reason, message);
        put("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available");
        match self.not_ready(ctx) {
            None => put("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            Some(why) => put("Ready", "False", "KubeletNotReady", &why),
        }
        out
    }

    /// What keeps the node from being ready.
    fn not_ready(&self, ctx: &Ctx<'_>) -> Option<Str> {
        if daemon(ctx).is_none() {
            let since = self.runtime_down.unwrap_or(ctx.now());
            let fresh = self.node.known.is_none() && self.runtime_down.is_none();
            return (fresh || ctx.now().since(since) >= RUNTIME_PATIENCE).then(|| "container runtime is down".into());
        }
        if !cni::configured(ctx.host()) {
            let text = sync::network_not_ready(self.profile);
            return Some(text.strip_prefix("network is not ready: ").unwrap_or(&text).into());
        }
        None
    }
}

/// The address that a kubelet reports: its flag's, that of the node's name in /etc/hosts, or that of the
/// interface with the default route. Models pkg/kubelet/nodestatus.NodeAddress.
pub fn address(host: &Machine, name: &str) -> Str {
    let flags = [KUBELET_FLAGS, super::EXTRA_ARGS].map(|path| host.read(path).cloned().unwrap_or_default());
    let flag = flags.iter().rev().find_map(|text| text.split("--node-ip=").nth(1));
    let flag = flag.and_then(|rest| rest.split([' ', '"', '\n']).next()).filter(|ip| !ip.is_empty());
    if let Some(ip) = flag {
        return ip.into();
    }
    let hosts = host.read("/etc/hosts").cloned().unwrap_or_default();
    let named = hosts.lines().filter(|l| l.split_whitespace().skip(1).any(|n| n == name));
    let own = named.filter_map(|l| l.split_whitespace().next()).find(|ip| !ip.starts_with("127.") && !ip.contains(':'));
    own.unwrap_or(NAT).into()
}

fn labels(name: &str) -> Map {
    map! {
        "beta.kubernetes.io/arch" => "amd64",
        "beta.kubernetes.io/os" => "linux",
        "kubernetes.io/arch" => "amd64",
        "kubernetes.io/hostname" => name,
        "kubernetes.io/os" => "linux",
    }
}

/// Capacity, or what is left of it when `reserved_mib` of memory are kept for eviction.
fn resources(host: &Machine, reserved_mib: u32) -> Map {
    let memory = host.memory_mib - reserved_mib.min(host.memory_mib);
    let memory = if memory.is_multiple_of(1024) { format!("{}Gi", memory / 1024) } else { format!("{memory}Mi") };
    map! {
        "cpu" => host.cpus.to_string(),
        "ephemeral-storage" => if reserved_mib == 0 { "36805060Ki" } else { "33919543240" },
        "hugepages-2Mi" => "0",
        "memory" => memory,
        "pods" => "110",
    }
}

/// A value that stays the same for one boot of one machine.
fn boot_id(host: &Machine) -> Str {
    let d = images::digest(&format!("boot {} {}", host.name, host.booted_at.0));
    ecow::eco_format!("{}-{}-4{}-8{}-{}", &d[..8], &d[8..12], &d[13..16], &d[17..20], &d[20..32])
}

/// The version that is installed.
fn installed(profile: Profile, host: &Machine) -> Str {
    host.version_of("kubelet").map_or_else(|| version(profile).into(), |v| ecow::eco_format!("v{v}"))
}

fn node_info(profile: Profile, host: &Machine) -> Map {
    let id = images::digest(&host.name);
    let os = host.read("/etc/os-release").and_then(|text| {
        let line = text.lines().find_map(|l| l.strip_prefix("PRETTY_NAME="))?;
        Some(Str::from(line.trim_matches('"')))
    });
    let (runtime, os) = match profile {
        Profile::Book => ("docker://18.6.0", os.unwrap_or("CentOS Linux 7 (Core)".into())),
        Profile::Modern => ("containerd://2.1.3", os.unwrap_or("Rocky Linux 9.6 (Blue Onyx)".into())),
    };
    map! {
        "architecture" => "amd64",
        "bootID" => boot_id(host),
        "containerRuntimeVersion" => runtime,
        "kernelVersion" => files::release(profile),
        "kubeProxyVersion" => if profile == Profile::Book { installed(profile, host) } else { Str::new() },
        "kubeletVersion" => installed(profile, host),
        "machineID" => &id[..32],
        "operatingSystem" => "linux",
        "osImage" => os,
        "systemUUID" => id[..32].to_ascii_uppercase(),
    }
}

/// The 50 largest images, as ImageLocality reads them.
fn image_list(host: &Machine) -> Vec<Value> {
    let mut all: Vec<_> = host.runtime.images.values().collect();
    all.arrange_by(|a, b| b.size.cmp(&a.size).then_with(|| a.reference.cmp(&b.reference)));
    let entry = |i: &&crate::runtime::Image| {
        let repository = i.reference.rsplit_once(':').map_or(i.reference.as_str(), |(name, _)| name);
        Value::Map(map! {
            "names" => list![ecow::eco_format!("{repository}@sha256:{}", i.digest), &i.reference],
            "sizeBytes" => i.size,
        })
    };
    all.iter().take(50).map(entry).collect()
}

fn same_images(a: &OrdMap<Str, Image>, b: &OrdMap<Str, Image>) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|((_, x), (_, y))| x == y)
}

/// Whether two maps are equal, their entries at `key` by a rule of their own.
fn equal_but(a: &Map, b: &Map, key: &str, rule: fn(&Value, &Value) -> bool) -> bool {
    a.len() == b.len()
        && a.iter().zip(b.iter()).all(|((k, x), (l, y))| k == l && if k == key { rule(x, y) } else { x == y })
}

/// Conditions that differ in their heartbeats at most.
fn same_conditions(a: &Value, b: &Value) -> bool {
    let same = |(x, y): (&Value, &Value)| match (x, y) {
        (Value::Map(x), Value::Map(y)) => equal_but(x, y, "lastHeartbeatTime", |_, _| true),
        _ => x == y,
    };
    a.items().len() == b.items().len() && a.items().iter().zip(b.items()).all(same)
}
