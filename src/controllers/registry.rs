//! The controllers that run, in the order they are told of changes.
//! Models cmd/kube-controller-manager/app/controllermanager.go (NewControllerInitializers).

use super::kit::Controller;
use super::{
    bootstrap, clusterrole_aggregation, cronjob, daemonset, deployment, disruption, endpoints, endpointslice,
    endpointslice_mirroring, garbage_collector, hpa, job, namespace, node_ipam, node_lifecycle, pod_gc, protection,
    replicaset, resource_quota, root_ca, service_account, statefulset, taint_eviction, ttl, ttl_after_finished,
    volume_binder,
};
use crate::api::Kind;
use crate::sim::Profile;

pub fn controllers(profile: Profile) -> Vec<Box<dyn Controller>> {
    let mut all = all(profile);
    if profile == Profile::Modern {
        all.push(Box::new(endpointslice_mirroring::Mirroring));
    }
    all
}

fn all(profile: Profile) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(deployment::Deployments),
        Box::new(replicaset::ReplicaSets::of(Kind::REPLICA_SET)),
        Box::new(replicaset::ReplicaSets::of(Kind::REPLICATION_CONTROLLER)),
        Box::new(daemonset::DaemonSets::default()),
        Box::new(statefulset::StatefulSets),
        Box::new(job::Jobs::default()),
        Box::new(cronjob::CronJobs),
        Box::new(ttl_after_finished::TtlAfterFinished),
        Box::new(hpa::Autoscalers::default()),
        Box::new(endpoints::EndpointsController::default()),
        Box::new(endpointslice::EndpointSlices),
        Box::new(node_ipam::NodeIpam::default()),
        Box::new(node_lifecycle::NodeLifecycle::default()),
        Box::new(taint_eviction::TaintEviction::new(profile)),
        Box::new(garbage_collector::GarbageCollector),
        Box::new(namespace::Namespaces),
        Box::new(service_account::ServiceAccounts),
        Box::new(service_account::Tokens),
        Box::new(root_ca::RootCa),
        Box::new(pod_gc::PodGc::default()),
        Box::new(ttl::Ttl),
        Box::new(bootstrap::BootstrapSigner),
        Box::new(bootstrap::TokenCleaner),
        Box::new(bootstrap::Certificates),
        Box::new(disruption::Disruption),
        Box::new(resource_quota::ResourceQuotas),
        Box::new(volume_binder::VolumeBinder),
        Box::new(protection::Protection),
        Box::new(clusterrole_aggregation::ClusterRoleAggregation),
    ]
}

/// The `source.component` of a controller's events, where it is not its own name.
pub fn event_source(name: &'static str) -> &'static str {
    match name {
        "node-lifecycle-controller" => "node-controller",
        other => other,
    }
}

/// The account of kube-system that a controller acts as; `None`: the manager's own user.
/// Models ClientBuilder.ClientOrDie with `--use-service-account-credentials`.
pub fn account(name: &'static str) -> Option<&'static str> {
    Some(match name {
        "serviceaccount-token-controller" => return None,
        "bootstrap-signer-controller" => "bootstrap-signer",
        "token-cleaner-controller" => "token-cleaner",
        "certificatesigningrequest-signing-controller" => "certificate-controller",
        "persistentvolume-controller" => "persistent-volume-binder",
        "endpoint-slice-controller" => "endpointslice-controller",
        "daemonset-controller" => "daemon-set-controller",
        "garbage-collector-controller" => "generic-garbage-collector",
        "root-ca-certificate-publisher-controller" => "root-ca-cert-publisher",
        "cidrAllocator" | "node-lifecycle-controller" | "taint-controller" | "taint-eviction-controller" => {
            "node-controller"
        }
        other => other,
    })
}
