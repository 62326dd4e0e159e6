//! What the API server itself puts into an empty store: system namespaces, its own Service and
//! priority classes. Models the post-start hooks.

use crate::api::{Kind, Object};
use crate::machine::Machine;
use crate::sim::Profile;

/// In the order of creation; those that exist already are left alone.
pub fn objects(host: &Machine, profile: Profile) -> Vec<Object> {
    let mut all: Vec<Object> = ["kube-system", "kube-public", "kube-node-lease", "default"]
        .iter()
        .map(|n| Object::new(Kind::NAMESPACE, "", n))
        .collect();
    for (name, value, about) in [
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        (
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
    ] {
        let mut class = Object::new(Kind::PRIORITY_CLASS, "", name);
        class.set(&["value"], value as i64);
        class.set(&["description"], about);
        class.set(&["preemptionPolicy"], "PreemptLowerPriority");
        all.push(class);
    }
    all.extend(super::rbac::bootstrap::objects(profile));
    all.push(kubernetes_service());
    all.extend(kubernetes_endpoints(host, profile));
    all
}

fn kubernetes_service() -> Object {
    let mut service = Object::new(Kind::SERVICE, "default", "kubernetes");
    service.set(&["metadata", "labels"], map! { "component" => "apiserver", "provider" => "kubernetes" });
    service.set(
        &["spec"],
        map! {
            "clusterIP" => "10.96.0.1",
            "ports" => list![map! { "name" => "https", "port" => 443, "protocol" => "TCP", "targetPort" => 6443 }],
            "sessionAffinity" => "None",
            "type" => "ClusterIP",
        },
    );
    service
}

/// Models pkg/controlplane/reconcilers.
fn kubernetes_endpoints(host: &Machine, profile: Profile) -> Vec<Object> {
    let port = || map! { "name" => "https", "port" => 6443, "protocol" => "TCP" };
    let mut endpoints = Object::new(Kind::ENDPOINTS, "default", "kubernetes");
    endpoints
        .set(&["subsets"], list![map! { "addresses" => list![map! { "ip" => &host.ip }], "ports" => list![port()] }]);
    endpoints.set(&["metadata", "labels"], map! { "endpointslice.kubernetes.io/skip-mirror" => "true" });
    let mut slice = Object::new(Kind::ENDPOINT_SLICE, "default", "kubernetes");
    slice.set(&["metadata", "labels"], map! { "kubernetes.io/service-name" => "kubernetes" });
    slice.set(&["addressType"], "IPv4");
    let conditions = map! { "ready" => true };
    slice.set(&["endpoints"], list![map! { "addresses" => list![host.ip.as_str()], "conditions" => conditions }]);
    slice.set(&["ports"], list![port()]);
    match profile {
        // 1.36 still serves Endpoints, but its own entry is a slice (golden/1.36/etcd-keys.txt).
        Profile::Modern => vec![endpoints, slice],
        Profile::Book => vec![endpoints, slice],
    }
}
