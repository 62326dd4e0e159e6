//! The scheduler's picture of the cluster: nodes with their pods, those assumed included.
//! Models pkg/scheduler/internal/cache (AssumePod, ForgetPod).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::node_info::{NodeInfo, PodInfo};
use crate::api::selector::LabelSelector;
use crate::api::{Object, ObjectKey, meta, pod};
use crate::base::Str;
use crate::base::persistent::{OrdMap, OrdSet};

/// The values of one label among the nodes: spreading asks for them for every pod.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// By the node's index: the number of its value, counted from 1; 0 without the label.
    of_node: Vec<u32>,
    domains: usize,
}

impl Topology {
    fn new(key: &str, nodes: &[Arc<NodeInfo>]) -> Topology {
        let mut values: BTreeMap<&str, u32> = BTreeMap::new();
        let mut of_node = Vec::with_capacity(nodes.len());
        for node in nodes {
            let next = values.len() as u32 + 1;
            of_node.push(node.label(key).map_or(0, |value| *values.entry(value).or_insert(next)));
        }
        Topology { of_node, domains: values.len() }
    }
    /// How many values there are.
    pub fn domains(&self) -> usize {
        self.domains
    }
    /// The number of a node's value.
    pub fn of(&self, node: &NodeInfo) -> Option<usize> {
        (*self.of_node.get(node.index as usize)? as usize).checked_sub(1)
    }
}

/// Pods per node that a selector matches, kept up to date: spreading asks for it for every pod.
#[derive(Clone, Debug)]
struct Matching {
    namespace: Str,
    selector: Arc<LabelSelector>,
    /// By the node's index.
    per_node: Arc<Vec<i64>>,
}

/// An image that pods asked for: on how many nodes it is, and its bytes on each.
type OnNodes = (i64, Arc<Vec<i64>>);

/// Selectors remembered; the oldest goes.
const SELECTORS: usize = 128;
/// Images remembered.
const IMAGES: usize = 128;
/// Labels of nodes remembered.
const TOPOLOGIES: usize = 32;

#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// In the order in which they joined.
    nodes: Vec<Arc<NodeInfo>>,
    index: OrdMap<Str, u32>,
    /// Where each scheduled pod is, nodes unknown to us included.
    placed: OrdMap<ObjectKey, Arc<PodInfo>>,
    /// Bound by us, not yet seen so.
    assumed: OrdSet<ObjectKey>,
    /// Scheduled pods with required anti-affinity.
    anti_affinity: OrdSet<ObjectKey>,
    /// Scheduled pods with preferences about others.
    soft_affinity: OrdSet<ObjectKey>,
    matching: VecDeque<Matching>,
    images: BTreeMap<Str, OnNodes>,
    topologies: BTreeMap<Str, Arc<Topology>>,
}

impl Cache {
    pub fn nodes(&self) -> &[Arc<NodeInfo>] {
        &self.nodes
    }
    pub fn node(&self, name: &str) -> Option<&Arc<NodeInfo>> {
        self.nodes.get(*self.index.get(name)? as usize)
    }
    fn node_mut(&mut self, name: &str) -> Option<&mut NodeInfo> {
        let i = *self.index.get(name)?;
        self.nodes.get_mut(i as usize).map(Arc::make_mut)
    }
    pub fn set_node(&mut self, node: Arc<Object>) {
        if let Some(info) = self.node_mut(node.name()) {
            let same_images = info.node.get(&["status", "images"]) == node.get(&["status", "images"]);
            let same_labels = meta::labels(&info.node) == meta::labels(&node);
            info.set_node(node);
            let index = info.index;
            if !same_images {
                self.count_images(index);
            }
            if !same_labels {
                self.topologies.clear();
            }
            return;
        }
        let name = node.name().clone();
        let mut info = NodeInfo::new(node);
        info.index = self.nodes.len() as u32;
        for pod in self.placed.values().filter(|p| pod::node_name(&p.pod) == name) {
            info.add(pod.clone());
        }
        self.index.insert(name, info.index);
        self.nodes.push(Arc::new(info));
        self.forget_counts();
    }
    pub fn remove_node(&mut self, name: &str) {
        self.nodes.retain(|n| n.name() != name);
        self.index = self.nodes.iter().enumerate().map(|(i, n)| (n.name().clone(), i as u32)).collect();
        for (i, node) in self.nodes.iter_mut().enumerate().filter(|(i, n)| n.index != *i as u32) {
            Arc::make_mut(node).index = i as u32;
        }
        self.forget_counts();
    }
    /// The nodes are others: what is counted by their indexes is counted anew when it is asked for.
    fn forget_counts(&mut self) {
        self.matching.clear();
        self.images.clear();
        self.topologies.clear();
    }
    fn count_images(&mut self, index: u32) {
        let node = &self.nodes[index as usize];
        for (name, (on, sizes)) in &mut self.images {
            let (had, has) = (sizes[index as usize], node.images.get(name).copied().unwrap_or(0));
            if had != has {
                *on += i64::from(has != 0) - i64::from(had != 0);
                Arc::make_mut(sizes)[index as usize] = has;
            }
        }
    }
    /// Where an image is.
    pub fn image(&mut self, name: Str) -> OnNodes {
        if let Some(known) = self.images.get(&name) {
            return known.clone();
        }
        let sizes: Vec<i64> = self.nodes.iter().map(|n| n.images.get(&name).copied().unwrap_or(0)).collect();
        let found = (sizes.iter().filter(|s| **s != 0).count() as i64, Arc::new(sizes));
        if self.images.len() >= IMAGES {
            self.images.clear();
        }
        self.images.insert(name, found.clone());
        found
    }

    pub fn assumed(&self, key: &ObjectKey) -> bool {
        self.assumed.contains(key)
    }
    /// Takes a pod as bound to `node` before the API server says so.
    pub fn assume(&mut self, info: &PodInfo, node: &str) {
        let mut pod = (*info.pod).clone();
        pod.set(&["spec", "nodeName"], node);
        self.assumed.insert(pod.key.clone());
        self.place(Arc::new(PodInfo { pod: Arc::new(pod), ..info.clone() }));
    }
    /// Binding failed.
    pub fn forget(&mut self, key: &ObjectKey) {
        if self.assumed.remove(key).is_some() {
            self.displace(key);
        }
    }
    /// A scheduled pod as the API server has it.
    pub fn set_pod(&mut self, pod: Arc<Object>) {
        self.assumed.remove(&pod.key);
        if let Some(known) = self.placed.get(&pod.key)
            && pod::node_name(&known.pod) == pod::node_name(&pod)
            && same_demand(&known.pod, &pod)
        {
            // Only its status changed: keep the sums, refresh the object.
            let info = Arc::new(PodInfo { pod: pod.clone(), ..(**known).clone() });
            self.placed.insert(pod.key.clone(), info.clone());
            if let Some(node) = self.node_mut(pod::node_name(&pod)) {
                node.pods.insert(pod.key.clone(), info);
            }
            return;
        }
        self.place(Arc::new(PodInfo::new(pod)));
    }
    fn place(&mut self, info: Arc<PodInfo>) {
        let key = info.pod.key.clone();
        self.displace(&key);
        if info.anti_affinity {
            self.anti_affinity.insert(key.clone());
        }
        if info.soft_affinity {
            self.soft_affinity.insert(key.clone());
        }
        self.match_up(&info.pod, 1);
        if let Some(node) = self.node_mut(pod::node_name(&info.pod)) {
            node.add(info.clone());
        }
        self.placed.insert(key, info);
    }
    pub fn displace(&mut self, key: &ObjectKey) {
        self.assumed.remove(key);
        let Some(info) = self.placed.remove(key) else { return };
        self.anti_affinity.remove(key);
        self.soft_affinity.remove(key);
        self.match_up(&info.pod, -1);
        if let Some(node) = self.node_mut(pod::node_name(&info.pod)) {
            node.remove(key);
        }
    }
    pub fn scheduled_pods(&self) -> impl Iterator<Item = &Arc<PodInfo>> {
        self.placed.values()
    }
    pub fn with_soft_affinity(&self) -> impl Iterator<Item = &Arc<PodInfo>> {
        self.soft_affinity.iter().filter_map(|k| self.placed.get(k))
    }
    pub fn with_anti_affinity(&self) -> impl Iterator<Item = &Arc<PodInfo>> {
        self.anti_affinity.iter().filter_map(|k| self.placed.get(k))
    }

    fn match_up(&mut self, pod: &Object, sign: i64) {
        if self.matching.is_empty() || meta::deleting(pod) {
            return;
        }
        let Some(node) = self.index.get(pod::node_name(pod)).map(|i| *i as usize) else { return };
        for m in &mut self.matching {
            if m.namespace == pod.key.namespace && m.selector.matches(meta::labels(pod)) {
                Arc::make_mut(&mut m.per_node)[node] += sign;
            }
        }
    }
    /// Scheduled pods of a namespace, not being deleted, that `selector` matches: how many on each node, by its index.
    pub fn matching(&mut self, namespace: &str, selector: &LabelSelector) -> Arc<Vec<i64>> {
        if let Some(m) = self.matching.iter().find(|m| m.namespace == namespace && *m.selector == *selector) {
            return m.per_node.clone();
        }
        let mut per_node = vec![0; self.nodes.len()];
        for p in self.placed.values().filter(|p| p.pod.key.namespace == namespace && !meta::deleting(&p.pod)) {
            if let Some(i) = self.index.get(pod::node_name(&p.pod)).filter(|_| selector.matches(p.labels())) {
                per_node[*i as usize] += 1;
            }
        }
        if self.matching.len() >= SELECTORS {
            self.matching.pop_front();
        }
        let per_node = Arc::new(per_node);
        let selector = Arc::new(selector.clone());
        self.matching.push_back(Matching { namespace: namespace.into(), selector, per_node: per_node.clone() });
        per_node
    }
    /// The values that the nodes have of a label.
    pub fn topology(&mut self, key: &str) -> Arc<Topology> {
        if let Some(known) = self.topologies.get(key) {
            return known.clone();
        }
        let topology = Arc::new(Topology::new(key, &self.nodes));
        if self.topologies.len() >= TOPOLOGIES {
            self.topologies.clear();
        }
        self.topologies.insert(key.into(), topology.clone());
        topology
    }
}

/// Whether two states of a pod weigh the same on their node.
fn same_demand(a: &Object, b: &Object) -> bool {
    let spec = |o: &Object| o.get(&["spec"]).and_then(crate::api::Value::as_map).cloned();
    let same = |a: Option<crate::api::Map>, b: Option<crate::api::Map>| match (a, b) {
        (Some(a), Some(b)) => a.same(&b) || a == b,
        (a, b) => a.is_none() && b.is_none(),
    };
    meta::deleting(a) == meta::deleting(b)
        && meta::uid(a) == meta::uid(b)
        && same(meta::labels(a).cloned(), meta::labels(b).cloned())
        && same(spec(a), spec(b))
}
