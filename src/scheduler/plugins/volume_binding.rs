//! VolumeBinding: the claims a pod uses must exist and be bound, on volumes its node can reach.
//! Not modelled: choosing volumes for claims that wait for their first consumer.

use std::sync::Arc;

use super::Cycle;
use crate::api::{Object, Value, placement};
use crate::base::Str;
use crate::scheduler::node_info::NodeInfo;
use crate::sim::informer::Informer;

/// The bound volumes of a pod.
#[derive(Clone, Debug, Default)]
pub struct Volumes(Vec<Arc<Object>>);

/// What a scheduler knows of storage.
pub struct Stores<'s> {
    pub claims: Option<&'s Informer>,
    pub volumes: Option<&'s Informer>,
    pub classes: Option<&'s Informer>,
}

/// The pod's volumes, or why it cannot be scheduled anywhere.
pub fn prepare(pod: &Object, stores: &Stores<'_>) -> Result<Volumes, Str> {
    let mut out = Volumes::default();
    for v in pod.items(&["spec", "volumes"]) {
        let name: Str = match (v.get("persistentVolumeClaim"), v.get("ephemeral")) {
            (Some(claim), _) => claim.str("claimName").into(),
            (None, Some(_)) => ecow::eco_format!("{}-{}", pod.name(), v.str("name")),
            (None, None) => continue,
        };
        let claim = stores.claims.and_then(|i| i.named(pod.namespace(), &name));
        let Some(claim) = claim else {
            return Err(ecow::eco_format!("persistentvolumeclaim \"{name}\" not found"));
        };
        let volume = claim.str(&["spec", "volumeName"]);
        if !volume.is_empty() {
            out.0.extend(stores.volumes.and_then(|i| i.named("", volume)).cloned());
            continue;
        }
        let class = stores.classes.and_then(|i| i.named("", claim.str(&["spec", "storageClassName"])));
        if class.is_none_or(|c| c.str(&["volumeBindingMode"]) != "WaitForFirstConsumer") {
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        }
    }
    Ok(out)
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let reachable = |volume: &Arc<Object>| {
        let terms = volume.get(&["spec", "nodeAffinity", "required", "nodeSelectorTerms"]).map(Value::items);
        terms.is_none_or(|t| placement::any_term(t, &node.node))
    };
    (!cycle.volumes.0.iter().all(reachable)).then(|| (vec!["node(s) had volume node affinity conflict".into()], true))
}
