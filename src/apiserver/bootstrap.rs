//! What the API server itself puts into an empty store: system namespaces, its own Service and
//! priority classes. Models the post-start hooks.

use crate::api::{Kind, List, Object, Value};
use crate::base::Time;
use crate::base::hash::Fnv;
use crate::machine::Machine;
use crate::sim::Profile;

/// In the order of creation; those that exist already are left alone.
pub fn objects(host: &Machine, profile: Profile, now: Time) -> Vec<Object> {
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
    all.extend(super::flow_control::objects(profile, now));
    all.extend(super::api_services::objects(profile, now));
    all.extend(config_maps(host, profile, now));
    all.extend(kubernetes(host));
    all
}

/// How extension servers know the front proxy; and since when old token Secrets are watched for use.
/// Models pkg/controlplane/controller/{clusterauthenticationtrust,legacytokentracking}.
fn config_maps(host: &Machine, profile: Profile, now: Time) -> Vec<Object> {
    let file = |name: &str| host.read(&format!("/etc/kubernetes/pki/{name}.crt")).cloned().unwrap_or_default();
    let mut trust = Object::new(Kind::CONFIG_MAP, "kube-system", "extension-apiserver-authentication");
    trust.set(
        &["data"],
        map! {
            "client-ca-file" => file("ca"),
            "requestheader-allowed-names" => "[\"front-proxy-client\"]",
            "requestheader-client-ca-file" => file("front-proxy-ca"),
            "requestheader-extra-headers-prefix" => "[\"X-Remote-Extra-\"]",
            "requestheader-group-headers" => "[\"X-Remote-Group\"]",
            "requestheader-username-headers" => "[\"X-Remote-User\"]",
        },
    );
    let mut all = vec![trust];
    if profile == Profile::Modern {
        let mut since =
            Object::new(Kind::CONFIG_MAP, "kube-system", "kube-apiserver-legacy-service-account-token-tracking");
        since.set(&["data"], map! { "since" => now.rfc3339().split('T').next().unwrap_or_default() });
        all.push(since);
    }
    all
}

/// The Service through which pods find the API, and what is behind it.
/// Models pkg/controlplane/controller/kubernetesservice.
pub fn kubernetes(host: &Machine) -> [Object; 3] {
    let [endpoints, slice] = kubernetes_endpoints(&[host.ip.as_str()]);
    [kubernetes_service(), endpoints, slice]
}

/// The server's own lease: `apiserver-` and a hash of what it is (upstream's is a SHA-256).
/// Models apiserver/pkg/server/config.go APIServerID and component-helpers/apimachinery/lease.
pub fn identity(host: &Machine, now: Time, holder: &str) -> Object {
    let name = identity_name(host);
    let mut lease = Object::new(Kind::LEASE, "kube-system", &name);
    let labels =
        map! { "apiserver.kubernetes.io/identity" => "kube-apiserver", "kubernetes.io/hostname" => &host.name };
    lease.set(&["metadata", "labels"], labels);
    let spec = map! {
        "holderIdentity" => format!("{name}_{holder}"), "leaseDurationSeconds" => 3600, "renewTime" => now.rfc3339_micro(),
    };
    lease.set(&["spec"], spec);
    lease
}

pub fn identity_name(host: &Machine) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = Fnv::default();
    hash.write(b"kube-apiserver ");
    hash.write(host.name.as_bytes());
    let letters = (0..26).map(|i| {
        hash.write_u64(i);
        char::from(LETTERS[(hash.0 >> 59) as usize])
    });
    format!("apiserver-{}", letters.collect::<String>())
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

/// The API servers at `ips`. Models pkg/controlplane/reconcilers.
pub fn kubernetes_endpoints(ips: &[&str]) -> [Object; 2] {
    let port = || map! { "name" => "https", "port" => 6443, "protocol" => "TCP" };
    let mut endpoints = Object::new(Kind::ENDPOINTS, "default", "kubernetes");
    endpoints
        .set(&["subsets"], list![map! { "addresses" => ips.iter().map(|ip| Value::from(map! { "ip" => *ip })).collect::<List>(), "ports" => list![port()] }]);
    endpoints.set(&["metadata", "labels"], map! { "endpointslice.kubernetes.io/skip-mirror" => "true" });
    let mut slice = Object::new(Kind::ENDPOINT_SLICE, "default", "kubernetes");
    slice.set(&["metadata", "labels"], map! { "kubernetes.io/service-name" => "kubernetes" });
    slice.set(&["addressType"], "IPv4");
    let endpoint =
        |ip: &&str| Value::from(map! { "addresses" => list![*ip], "conditions" => map! { "ready" => true } });
    slice.set(&["endpoints"], ips.iter().map(endpoint).collect::<List>());
    slice.set(&["ports"], list![port()]);
    [endpoints, slice]
}
