//! Static pods and objects as kubeadm and the lab's scripts write them, per profile.

use super::cluster::{Cluster, minor};
use super::files;
use crate::api::{Kind, Map, Object, Value};
use crate::base::{Str, Time, base64};
use crate::sim::Profile;

/// The control plane's static pods: file name and text.
pub fn static_pods(cluster: &Cluster) -> [(&'static str, String); 4] {
    let texts = match cluster.profile {
        Profile::Book => [
            ("etcd.yaml", include_str!("manifests/book/etcd.yaml")),
            ("kube-apiserver.yaml", include_str!("manifests/book/kube-apiserver.yaml")),
            ("kube-controller-manager.yaml", include_str!("manifests/book/kube-controller-manager.yaml")),
            ("kube-scheduler.yaml", include_str!("manifests/book/kube-scheduler.yaml")),
        ],
        Profile::Modern => [
            ("etcd.yaml", include_str!("manifests/modern/etcd.yaml")),
            ("kube-apiserver.yaml", include_str!("manifests/modern/kube-apiserver.yaml")),
            ("kube-controller-manager.yaml", include_str!("manifests/modern/kube-controller-manager.yaml")),
            ("kube-scheduler.yaml", include_str!("manifests/modern/kube-scheduler.yaml")),
        ],
    };
    texts.map(|(file, text)| {
        let mut text = cluster.fill(text);
        if !cluster.shared.is_empty() {
            let line = format!("    controlPlaneEndpoint: {}\n    controllerManager:", cluster.endpoint());
            text = text.replacen("    controllerManager:", &line, 1);
        }
        if cluster.pods.is_empty() {
            let gone = ["--allocate-node-cidrs", "--cluster-cidr", "--node-cidr-mask-size"];
            let lines = text.lines().filter(|l| !gone.iter().any(|g| l.contains(g)));
            text = lines.fold(String::new(), |out, line| out + line + "\n");
        }
        (file, text)
    })
}

/// Key of the taint that keeps ordinary pods off the control plane.
pub fn taint(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "node-role.kubernetes.io/master",
        Profile::Modern => "node-role.kubernetes.io/control-plane",
    }
}

/// Where the lab's scripts fetch the pod network's manifest from, and the manifest.
pub fn pod_network(profile: Profile) -> (&'static str, String) {
    let url = match profile {
        Profile::Book => "https://raw.githubusercontent.com/sysnet4admin/IaC/master/manifests/172.16_net_calico.yaml",
        Profile::Modern => "https://raw.githubusercontent.com/projectcalico/calico/v3.31.2/manifests/calico.yaml",
    };
    let mut text = include_str!("manifests/calico.yaml").to_owned();
    if profile == Profile::Modern {
        // Newer ones leave the range to kubeadm's configuration, which they read.
        text = text.replace("        - name: CALICO_IPV4POOL_CIDR\n          value: 172.16.0.0/16\n", "");
        text = text.replace(
            "- apiGroups: [\"\"]\n  resources: [nodes/status]",
            "- apiGroups: [\"\"]\n  resources: [configmaps]\n  verbs: [get]\n- apiGroups: [\"\"]\n  resources: [nodes/status]",
        );
    }
    (url, Cluster::new(profile, "", "").fill(&text))
}

/// Objects of the phases `upload-config` and `upload-config kubelet`.
pub fn upload(cluster: &Cluster) -> Vec<Object> {
    let kubelet: String = files::kubelet_config(cluster).lines().map(|l| format!("    {l}\n")).collect();
    let mut text = include_str!("manifests/upload.yaml").replace("{{kubeletyaml}}\n", &kubelet);
    if cluster.pods.is_empty() {
        text = text.replace("      podSubnet: {{pods}}\n", "");
    }
    parse(&cluster.fill(&text))
}

/// Objects that let nodes join. `ca`: the authority's PEM.
pub fn tokens(cluster: &Cluster, ca: &str) -> Vec<Object> {
    let text = include_str!("manifests/tokens.yaml").replace("{{cadata}}", &base64::encode(ca.as_bytes()));
    parse(&cluster.fill(&text))
}

/// Since 1.29 admin.conf has its rights from a binding.
pub fn admins(cluster: &Cluster) -> Vec<Object> {
    if minor(&cluster.version) < 29 { Vec::new() } else { parse(include_str!("manifests/admins.yaml")) }
}

pub fn coredns(cluster: &Cluster) -> Vec<Object> {
    parse(&cluster.fill(include_str!("manifests/coredns.yaml")))
}

pub fn kube_proxy(cluster: &Cluster) -> Vec<Object> {
    parse(&cluster.fill(include_str!("manifests/kube-proxy.yaml")))
}

/// A bootstrap token as its Secret. `expires`: `None`, never.
pub fn token_secret(
    id: &str,
    secret: &str,
    expires: Option<Time>,
    usages: &[&str],
    groups: &str,
    about: &str,
) -> Object {
    let mut object = Object::new(Kind::SECRET, "kube-system", &format!("bootstrap-token-{id}"));
    let data = object.entry(&["data"]).make_map();
    let mut put = |key: &str, text: &str| data.insert(key, base64::encode(text.as_bytes()));
    if !groups.is_empty() {
        put("auth-extra-groups", groups);
    }
    if !about.is_empty() {
        put("description", about);
    }
    if let Some(at) = expires {
        put("expiration", &at.rfc3339());
    }
    put("token-id", id);
    put("token-secret", secret);
    for usage in usages {
        put(&format!("usage-bootstrap-{usage}"), "true");
    }
    object.set(&["type"], "bootstrap.kubernetes.io/token");
    object
}

pub const TOKEN_GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";
pub const TOKEN_ABOUT: &str = "The default bootstrap token generated by 'kubeadm init'.";

/// The pod network's objects as `kubectl apply` leaves them: with what was applied in an annotation.
pub fn applied_network(profile: Profile) -> Vec<Object> {
    let mut all = parse(&pod_network(profile).1);
    for object in &mut all {
        let text = crate::kubectl::print::json::compact(&{
            let mut value = object.to_value();
            value.entry(&["metadata", "annotations"]).make_map();
            value
        });
        let key = crate::kubectl::apply::LAST_APPLIED;
        object.entry(&["metadata", "annotations"]).make_map().insert(key, Str::from(text + "\n"));
        if profile == Profile::Modern && object.kind() == Kind::DAEMON_SET {
            detect_by_node(object);
        }
    }
    all
}

/// What `kubectl set env … IP_AUTODETECTION_METHOD=kubernetes-internal-ip` of the lab's script does.
fn detect_by_node(daemons: &mut Object) {
    for field in ["containers", "initContainers"] {
        let containers = daemons.entry(&["spec", "template", "spec", field]);
        for container in containers.make_list().items_mut() {
            let mut variable = Map::new();
            variable.insert("name", "IP_AUTODETECTION_METHOD");
            variable.insert("value", "kubernetes-internal-ip");
            container.entry(&["env"]).make_list().push(Value::Map(variable));
        }
    }
}

/// The objects of a file of our own; a test holds that every document is one.
fn parse(text: &str) -> Vec<Object> {
    let document = |text: &str| {
        let value: Value = crate::api::yaml::read(text).ok()?;
        let kind = Kind::of_manifest(value.str("apiVersion"), value.str("kind"))?;
        Some(Object::from_value(kind, &value))
    };
    text.split("---\n").filter_map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_an_object() {
        for profile in [Profile::Book, Profile::Modern] {
            let cluster = Cluster::new(profile, "m-k8s", "192.168.1.10");
            for (count, objects) in [
                (6, upload(&cluster)),
                (8, tokens(&cluster, "ca")),
                (6, coredns(&cluster)),
                (6, kube_proxy(&cluster)),
                (7, applied_network(profile)),
            ] {
                assert_eq!(objects.len(), count, "{:?}", objects.iter().map(|o| o.key.to_string()).collect::<Vec<_>>());
                assert!(objects.iter().all(|o| !o.to_value().to_json().contains("{{")));
            }
            for (file, text) in static_pods(&cluster) {
                let value: Value = serde_yaml::from_str(&text).unwrap();
                assert_eq!(value.str("kind"), "Pod", "{file}");
                assert!(!text.contains("{{"), "{file}");
            }
        }
    }
}
