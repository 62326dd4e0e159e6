//! VolumeBinding: the claims a pod uses must exist and be bound, on volumes its node can reach; those
//! that wait for their first consumer find a volume there.
//! Models framework/plugins/volumebinding.

use std::sync::Arc;

use super::Cycle;
use crate::api::{Object, Value, placement, storage};
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;
use crate::sim::informer::Informer;

/// A claim that waits for its first consumer.
#[derive(Clone, Debug)]
struct Waiting {
    claim: Arc<Object>,
    /// Somebody makes volumes of its class on demand.
    provisioned: bool,
    candidates: Vec<Arc<Object>>,
}

/// The bound volumes of a pod, and the claims still to be bound.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    bound: Vec<Arc<Object>>,
    waiting: Vec<Waiting>,
}

/// What a scheduler knows of storage.
pub struct Stores<'s> {
    pub claims: Option<&'s Informer>,
    pub volumes: Option<&'s Informer>,
    pub classes: Option<&'s Informer>,
}

/// Names of the claims that a pod uses.
pub fn claims(pod: &Object) -> impl Iterator<Item = Str> {
    pod.items(&["spec", "volumes"]).iter().filter_map(|v| match (v.get("persistentVolumeClaim"), v.get("ephemeral")) {
        (Some(claim), _) => Some(claim.str("claimName").into()),
        (None, Some(_)) => Some(ecow::eco_format!("{}-{}", pod.name(), v.str("name"))),
        (None, None) => None,
    })
}

/// The pod's volumes, or why it cannot be scheduled anywhere.
pub fn prepare(pod: &Object, stores: &Stores<'_>) -> Result<Volumes, Str> {
    let mut out = Volumes::default();
    for name in claims(pod) {
        let claim = stores.claims.and_then(|i| i.named(pod.namespace(), &name));
        let Some(claim) = claim else {
            return Err(ecow::eco_format!("persistentvolumeclaim \"{name}\" not found"));
        };
        let volume = claim.str(&["spec", "volumeName"]);
        if !volume.is_empty() {
            out.bound.extend(stores.volumes.and_then(|i| i.named("", volume)).cloned());
            continue;
        }
        let class = stores.classes.and_then(|i| i.named("", storage::class_of(claim)));
        let Some(class) = class.filter(|c| c.str(&["volumeBindingMode"]) == "WaitForFirstConsumer") else {
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        };
        let all = stores.volumes.into_iter().flat_map(|i| i.iter());
        let candidates = all.filter(|v| storage::kept_for(v, claim) || storage::free(v) && storage::fits(v, claim));
        out.waiting.push(Waiting {
            claim: claim.clone(),
            provisioned: class.str(&["provisioner"]) != "kubernetes.io/no-provisioner",
            candidates: candidates.cloned().collect(),
        });
    }
    Ok(out)
}

fn reachable(volume: &Object, node: &NodeInfo) -> bool {
    let terms = volume.get(&["spec", "nodeAffinity", "required", "nodeSelectorTerms"]).map(Value::items);
    terms.is_none_or(|t| placement::any_term(t, &node.node))
}

/// The volumes that the waiting claims would get on this node; `None`: one would get none.
fn chosen(volumes: &Volumes, node: &NodeInfo) -> Option<Vec<(Arc<Object>, Option<Arc<Object>>)>> {
    let mut out: Vec<(Arc<Object>, Option<Arc<Object>>)> = Vec::new();
    for w in &volumes.waiting {
        let taken = |v: &Arc<Object>| out.iter().any(|(_, o)| o.as_ref().is_some_and(|o| o.key == v.key));
        let here = w.candidates.iter().filter(|v| reachable(v, node) && !taken(v));
        match storage::best_match(here, &w.claim) {
            None if !w.provisioned => return None,
            found => out.push((w.claim.clone(), found)),
        }
    }
    Some(out)
}

pub fn concerns(cycle: &Cycle<'_>) -> bool {
    !(cycle.volumes.bound.is_empty() && cycle.volumes.waiting.is_empty())
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let mut reasons: Vec<Str> = Vec::new();
    if !cycle.volumes.bound.iter().all(|v| reachable(v, node)) {
        reasons.push("node(s) had volume node affinity conflict".into());
    }
    if !cycle.volumes.waiting.is_empty() && chosen(&cycle.volumes, node).is_none() {
        reasons.push("node(s) didn't find available persistent volumes to bind".into());
    }
    (!reasons.is_empty()).then_some((reasons, true))
}

/// Each waiting claim with the volume it gets on the chosen node; without one, somebody makes it.
pub fn assign(cycle: &Cycle<'_>, node: &NodeInfo) -> Vec<(Arc<Object>, Option<Arc<Object>>)> {
    chosen(&cycle.volumes, node).unwrap_or_default()
}
