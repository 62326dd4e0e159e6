//! What the scheduler keeps of nodes and their pods: parsed once, so that filters and scores only
//! compare numbers.
//! Models pkg/scheduler/framework/types.go (NodeInfo, PodInfo).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::quantity::Quantity;
use crate::api::{Map, Object, ObjectKey, Value, meta, pod};
use crate::base::Str;
use crate::base::persistent::OrdMap;

/// A pod that asks for nothing counts as this much when nodes are scored.
const DEFAULT_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 << 20;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resources {
    /// Thousandths of a CPU.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
    pub storage: i64,
    /// Extended resources.
    pub other: BTreeMap<Str, i64>,
}

impl Resources {
    pub fn of(list: Option<&Value>) -> Resources {
        let mut r = Resources::default();
        for (name, v) in list.and_then(Value::as_map).into_iter().flat_map(|m| m.iter()) {
            let amount = Quantity::of(v).unwrap_or_default();
            match name.as_str() {
                "cpu" => r.cpu = amount.millis(),
                "memory" => r.memory = amount.value(),
                "ephemeral-storage" => r.storage = amount.value(),
                "pods" => {}
                _ => {
                    r.other.insert(name.clone(), amount.value());
                }
            }
        }
        r
    }
    pub fn add(&mut self, other: &Resources, sign: i64) {
        self.cpu += sign * other.cpu;
        self.memory += sign * other.memory;
        self.storage += sign * other.storage;
        for (name, n) in &other.other {
            *self.other.entry(name.clone()).or_default() += sign * n;
        }
    }
    fn raise_to(&mut self, other: &Resources) {
        self.cpu = self.cpu.max(other.cpu);
        self.memory = self.memory.max(other.memory);
        self.storage = self.storage.max(other.storage);
        for (name, n) in &other.other {
            let mine = self.other.entry(name.clone()).or_default();
            *mine = (*mine).max(*n);
        }
    }
    pub fn is_zero(&self) -> bool {
        self.cpu == 0 && self.memory == 0 && self.storage == 0 && self.other.values().all(|n| *n == 0)
    }
}

/// (protocol, host IP, port)
pub type HostPort = (Str, Str, i64);

#[derive(Clone, Debug)]
pub struct PodInfo {
    pub pod: Arc<Object>,
    pub request: Resources,
    /// CPU and memory for scoring: defaults where nothing is asked for.
    pub nonzero: (i64, i64),
    pub ports: Vec<HostPort>,
    pub priority: i64,
    /// Has required anti-affinity terms.
    pub anti_affinity: bool,
    /// Has terms that draw others near or keep them off without forbidding.
    pub soft_affinity: bool,
}

impl PodInfo {
    pub fn new(pod: Arc<Object>) -> PodInfo {
        let mut request = Resources::default();
        let mut nonzero = (0, 0);
        for c in pod::containers(&pod) {
            let r = Resources::of(c.at(&["resources", "requests"]));
            let asks = |name| c.at(&["resources", "requests", name]).is_some();
            nonzero.0 += if asks("cpu") { r.cpu } else { DEFAULT_CPU };
            nonzero.1 += if asks("memory") { r.memory } else { DEFAULT_MEMORY };
            request.add(&r, 1);
        }
        // Sidecars run beside all that follows; other init containers run alone.
        let mut sidecars = Resources::default();
        let mut peak = Resources::default();
        for c in pod::init_containers(&pod) {
            let r = Resources::of(c.at(&["resources", "requests"]));
            if c.str("restartPolicy") == "Always" {
                sidecars.add(&r, 1);
            } else {
                let mut together = sidecars.clone();
                together.add(&r, 1);
                peak.raise_to(&together);
            }
        }
        request.add(&sidecars, 1);
        request.raise_to(&peak);
        request.add(&Resources::of(pod.get(&["spec", "overhead"])), 1);
        nonzero = (nonzero.0.max(request.cpu), nonzero.1.max(request.memory));
        let anti = ["spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
        let soft = [["podAffinity", anti[3]], ["podAffinity", preferred], ["podAntiAffinity", preferred]];
        PodInfo {
            soft_affinity: soft.iter().any(|[side, when]| !pod.items(&["spec", "affinity", side, when]).is_empty()),
            ports: host_ports(&pod),
            priority: pod.int(&["spec", "priority"]).unwrap_or(0),
            anti_affinity: !pod.items(&anti).is_empty(),
            request,
            nonzero,
            pod,
        }
    }
    pub fn key(&self) -> &ObjectKey {
        &self.pod.key
    }
    pub fn labels(&self) -> Option<&Map> {
        meta::labels(&self.pod)
    }
}

fn host_ports(pod: &Object) -> Vec<HostPort> {
    let host_network = pod::host_network(pod);
    let mut ports = Vec::new();
    for p in pod::containers(pod).iter().flat_map(|c| c.get("ports").map_or(&[][..], Value::items)) {
        let n = p.get("hostPort").and_then(Value::as_int).unwrap_or(0);
        let n = if n == 0 && host_network { p.get("containerPort").and_then(Value::as_int).unwrap_or(0) } else { n };
        if n > 0 {
            let or = |field, default: &str| match p.str(field) {
                "" => Str::from(default),
                given => given.into(),
            };
            ports.push((or("protocol", "TCP"), or("hostIP", "0.0.0.0"), n));
        }
    }
    ports
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taint {
    pub key: Str,
    pub value: Str,
    pub effect: Str,
}

#[derive(Clone, Debug)]
pub struct NodeInfo {
    pub node: Arc<Object>,
    /// Its place among the cache's nodes.
    pub index: u32,
    pub unschedulable: bool,
    pub allocatable: Resources,
    pub max_pods: i64,
    pub requested: Resources,
    pub nonzero: (i64, i64),
    pub pods: OrdMap<ObjectKey, Arc<PodInfo>>,
    pub taints: Vec<Taint>,
    /// Image name → bytes.
    pub images: BTreeMap<Str, i64>,
}

impl NodeInfo {
    pub fn new(node: Arc<Object>) -> NodeInfo {
        let mut info = NodeInfo {
            node: node.clone(),
            index: 0,
            unschedulable: false,
            allocatable: Resources::default(),
            max_pods: 0,
            requested: Resources::default(),
            nonzero: (0, 0),
            pods: OrdMap::new(),
            taints: Vec::new(),
            images: BTreeMap::new(),
        };
        info.set_node(node);
        info
    }
    pub fn name(&self) -> &Str {
        self.node.name()
    }
    pub fn label(&self, key: &str) -> Option<&str> {
        meta::label(&self.node, key)
    }
    pub fn set_node(&mut self, node: Arc<Object>) {
        self.allocatable = Resources::of(node.get(&["status", "allocatable"]));
        self.max_pods = node.get(&["status", "allocatable", "pods"]).and_then(Quantity::of).unwrap_or_default().value();
        let taint = |t: &Value| Taint {
            key: t.str("key").into(),
            value: t.str("value").into(),
            effect: t.str("effect").into(),
        };
        self.taints = crate::api::node::taints(&node).iter().map(taint).collect();
        self.unschedulable = crate::api::node::unschedulable(&node);
        self.images = BTreeMap::new();
        for image in node.items(&["status", "images"]) {
            let size = image.get("sizeBytes").and_then(Value::as_int).unwrap_or(0);
            for name in image.get("names").map_or(&[][..], Value::items) {
                self.images.insert(name.as_str().into(), size);
            }
        }
        self.node = node;
    }
    pub fn add(&mut self, pod: Arc<PodInfo>) {
        self.remove(&pod.pod.key);
        self.count(&pod, 1);
        self.pods.insert(pod.pod.key.clone(), pod);
    }
    pub fn remove(&mut self, key: &ObjectKey) -> Option<Arc<PodInfo>> {
        let pod = self.pods.remove(key)?;
        self.count(&pod, -1);
        Some(pod)
    }
    fn count(&mut self, pod: &PodInfo, sign: i64) {
        self.requested.add(&pod.request, sign);
        self.nonzero.0 += sign * pod.nonzero.0;
        self.nonzero.1 += sign * pod.nonzero.1;
    }
}
