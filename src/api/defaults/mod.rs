//! Upstream's defaulting: what the API server fills in before it validates and stores.
//! Copies only what it changes: a template that is already defaulted stays shared.
//!
//! Models pkg/apis/*/*/defaults.go, and the parts of registry strategies that only fill in fields.
//! Addresses, ports and names that need allocation are the API server's.

mod cluster;
mod edit;
mod pod;
mod workload;

use super::{Kind, Map, Object, Profile};
use edit::Edit;

/// Fills in the defaults of `object`'s kind.
pub fn apply(object: &mut Object, profile: Profile) {
    let mut edit = Edit::new(object.body.clone());
    kind(&mut edit, object.key.kind, profile);
    if edit.changed() {
        object.body = edit.done();
    }
}

fn kind(o: &mut Edit, kind: Kind, profile: Profile) {
    match kind {
        Kind::POD => pod::pod(o),
        Kind::REPLICATION_CONTROLLER => workload::replication_controller(o, profile),
        Kind::DEPLOYMENT => workload::deployment(o, profile),
        Kind::REPLICA_SET => workload::replica_set(o, profile),
        Kind::DAEMON_SET => workload::daemon_set(o, profile),
        Kind::STATEFUL_SET => workload::stateful_set(o, profile),
        Kind::JOB => workload::job(o, profile),
        Kind::CRON_JOB => workload::cron_job(o, profile),
        Kind::SERVICE => cluster::service(o, profile),
        Kind::NAMESPACE => cluster::namespace(o, profile),
        Kind::NODE => cluster::node(o),
        Kind::SECRET => o.or("type", "Opaque"),
        Kind::PERSISTENT_VOLUME => cluster::persistent_volume(o),
        Kind::PERSISTENT_VOLUME_CLAIM => cluster::persistent_volume_claim(o),
        Kind::HORIZONTAL_POD_AUTOSCALER => cluster::horizontal_pod_autoscaler(o),
        Kind::STORAGE_CLASS => cluster::storage_class(o),
        Kind::PRIORITY_CLASS => cluster::priority_class(o),
        Kind::EVENT => cluster::event(o),
        Kind::ENDPOINTS => cluster::endpoints(o),
        Kind::ENDPOINT_SLICE => cluster::endpoint_slice(o),
        Kind::NETWORK_POLICY => cluster::network_policy(o),
        Kind::LIMIT_RANGE => cluster::limit_range(o),
        Kind::INGRESS => o.with("status", |s| s.with("loadBalancer", |_| {})),
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => cluster::role_binding(o),
        Kind::RESOURCE_QUOTA | Kind::POD_DISRUPTION_BUDGET | Kind::CERTIFICATE_SIGNING_REQUEST => {
            o.with("status", |_| {});
        }
        _ => {}
    }
}

/// The labels and the selector that tie a new Job to its pods; needs the Job's UID.
/// Models pkg/registry/batch/job/strategy.go generateSelector.
pub fn job_selector(job: &mut Object, profile: Profile) {
    let manual = job.get(&["spec", "manualSelector"]).and_then(super::Value::as_bool) == Some(true);
    if manual || super::meta::uid(job).is_empty() {
        return;
    }
    let (uid, name) = (crate::base::Str::from(super::meta::uid(job)), job.name().clone());
    let modern = profile == Profile::Modern;
    let labels = job.entry(&["spec", "template", "metadata", "labels"]).make_map();
    for prefix in if modern { &["", "batch.kubernetes.io/"][..] } else { &[""][..] } {
        for (key, value) in [("controller-uid", &uid), ("job-name", &name)] {
            labels.entry(&format!("{prefix}{key}")).clone_from(&value.into());
        }
    }
    let key = if modern { "batch.kubernetes.io/controller-uid" } else { "controller-uid" };
    let selector: Map = [(key.into(), uid.into())].into_iter().collect();
    job.set(&["spec", "selector", "matchLabels"], selector);
}

#[cfg(test)]
mod tests;
