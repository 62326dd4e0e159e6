//! The controllers that run, in the order they are told of changes.
//! Models cmd/kube-controller-manager/app/controllermanager.go (NewControllerInitializers).

use super::kit::Controller;
use super::{
    bootstrap, daemonset, deployment, endpoints, endpointslice, garbage_collector, namespace, node_lifecycle, pod_gc,
    replicaset, root_ca, service_account, taint_eviction, ttl,
};
use crate::sim::Profile;

pub fn controllers(profile: Profile) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(deployment::Deployments),
        Box::new(replicaset::ReplicaSets::default()),
        Box::new(daemonset::DaemonSets::default()),
        Box::new(endpoints::EndpointsController),
        Box::new(endpointslice::EndpointSlices),
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
    ]
}

/// The `source.component` of a controller's events, where it is not its own name.
pub fn event_source(name: &'static str) -> &'static str {
    match name {
        "node-lifecycle-controller" => "node-controller",
        other => other,
    }
}
