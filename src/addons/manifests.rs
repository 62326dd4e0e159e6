//! Static pods and objects as kubeadm and the lab's scripts write them, per profile.

use crate::api::{Kind, Object, Value};
use crate::kubelet;
use crate::sim::Profile;

/// The control plane's static pods: file name and text.
pub fn static_pods(profile: Profile, name: &str, ip: &str) -> [(&'static str, String); 4] {
    let texts = match profile {
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
    texts.map(|(file, text)| (file, text.replace("{{ip}}", ip).replace("{{name}}", name)))
}

/// Key of the taint that keeps ordinary pods off the control plane.
pub fn taint(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "node-role.kubernetes.io/master",
        Profile::Modern => "node-role.kubernetes.io/control-plane",
    }
}

/// kubeadm's own objects and the pod network's, one file each.
const TEXTS: [&str; 4] = [
    include_str!("manifests/kubeadm.yaml"),
    include_str!("manifests/coredns.yaml"),
    include_str!("manifests/kube-proxy.yaml"),
    include_str!("manifests/calico.yaml"),
];

/// What kubeadm init creates, then what `kubectl apply -f calico.yaml` does, in order.
pub fn objects(profile: Profile, ip: &str) -> Vec<Object> {
    TEXTS.iter().flat_map(|text| parse(&fill(text, profile, ip))).collect()
}

fn fill(text: &str, profile: Profile, ip: &str) -> String {
    let book = profile == Profile::Book;
    let pick = |of_book: &'static str, of_modern: &'static str| if book { of_book } else { of_modern };
    let mut out = text.replace("{{ip}}", ip);
    for (key, value) in [
        ("{{version}}", kubelet::version(profile)),
        ("{{registry}}", pick("k8s.gcr.io", "registry.k8s.io")),
        ("{{taint}}", taint(profile)),
        ("{{dnsname}}", pick("KubeDNS", "CoreDNS")),
        ("{{dnsimage}}", pick("k8s.gcr.io/coredns:1.6.7", "registry.k8s.io/coredns/coredns:v1.13.1")),
        ("{{calico}}", pick("calico", "quay.io/calico")),
        ("{{calicoversion}}", pick("v3.17.1", "v3.31.2")),
        ("{{kubeadmapi}}", pick("kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta4")),
        ("{{kubeletconfig}}", pick("kubelet-config-1.18", "kubelet-config")),
        ("{{cgroup}}", pick("cgroupfs", "systemd")),
    ] {
        out = out.replace(key, value);
    }
    out
}

/// The objects of a file of our own; a test holds that every document is one.
fn parse(text: &str) -> Vec<Object> {
    let document = |text: &str| {
        let value: Value = serde_yaml::from_str(text).ok()?;
        let kind = Kind::of_manifest(value.str("apiVersion"), value.str("kind"))?;
        Some(Object::from_value(kind, &value))
    };
    text.split("\n---\n").filter_map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_an_object() {
        for profile in [Profile::Book, Profile::Modern] {
            let all = objects(profile, "192.168.1.10");
            let documents = TEXTS.iter().flat_map(|t| t.lines()).filter(|l| l.starts_with("kind:")).count();
            assert_eq!(all.len(), documents, "{:?}", all.iter().map(|o| o.key.to_string()).collect::<Vec<_>>());
            assert!(all.iter().all(|o| !o.to_value().to_json().contains("{{")));
            for (file, text) in static_pods(profile, "m-k8s", "192.168.1.10") {
                let value: Value = serde_yaml::from_str(&text).unwrap();
                assert_eq!(value.str("kind"), "Pod", "{file}");
                assert!(!text.contains("{{"), "{file}");
            }
        }
    }
}
