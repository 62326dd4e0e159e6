//! Files that a kubeadm installation leaves on a machine, beyond those that every machine has.

use super::manifests;
use crate::base::Time;
use crate::machine::{Machine, Role};
use crate::runtime::images;
use crate::sim::Profile;

/// `server_ip`: the control plane's address.
pub fn install(machine: &mut Machine, profile: Profile, server_ip: &str, now: Time) {
    let name = machine.name.clone();
    machine.write("/var/lib/kubelet/config.yaml", KUBELET_CONFIG, now);
    machine.write("/var/lib/kubelet/kubeadm-flags.env", flags(profile), now);
    machine.write("/etc/kubernetes/kubelet.conf", kubeconfig(server_ip, &format!("system:node:{name}")), now);
    machine.write("/etc/kubernetes/pki/ca.crt", certificate("kubernetes CA"), now);
    if machine.role == Role::ControlPlane {
        control_plane(machine, profile, server_ip, now);
    }
    let empty = crate::machine::File { content: "".into(), mode: 0o755, modified: now };
    machine.files.insert("/etc/kubernetes/manifests/".into(), empty.clone());
    machine.files.insert("/etc/cni/net.d/".into(), empty);
}

fn control_plane(machine: &mut Machine, profile: Profile, ip: &str, now: Time) {
    let name = machine.name.clone();
    for (file, text) in manifests::static_pods(profile, &name, ip) {
        machine.write(&format!("/etc/kubernetes/manifests/{file}"), text, now);
    }
    let admin = kubeconfig(ip, "kubernetes-admin");
    machine.write("/etc/kubernetes/admin.conf", admin.clone(), now);
    machine.write("/root/.kube/config", admin, now);
    if profile == Profile::Modern {
        machine.write("/etc/kubernetes/super-admin.conf", kubeconfig(ip, "kubernetes-super-admin"), now);
    }
    for (file, user) in
        [("controller-manager.conf", "system:kube-controller-manager"), ("scheduler.conf", "system:kube-scheduler")]
    {
        machine.write(&format!("/etc/kubernetes/{file}"), kubeconfig(ip, user), now);
    }
    for pair in [
        "apiserver",
        "apiserver-etcd-client",
        "apiserver-kubelet-client",
        "ca",
        "front-proxy-ca",
        "front-proxy-client",
        "etcd/ca",
        "etcd/healthcheck-client",
        "etcd/peer",
        "etcd/server",
    ] {
        machine.write(&format!("/etc/kubernetes/pki/{pair}.crt"), certificate(pair), now);
        machine.write(&format!("/etc/kubernetes/pki/{pair}.key"), key(pair), now);
    }
    machine.write("/etc/kubernetes/pki/sa.pub", certificate("sa"), now);
    machine.write("/etc/kubernetes/pki/sa.key", key("sa"), now);
}

/// A kubeconfig whose `user` is named as its certificate's subject.
pub fn kubeconfig(ip: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: https://{ip}:6443\n  name: kubernetes\ncontexts:\n- context:\n    cluster: kubernetes\n    user: {user}\n  name: {user}@kubernetes\ncurrent-context: {user}@kubernetes\nkind: Config\npreferences: {{}}\nusers:\n- name: {user}\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
        blob("ca"),
        blob(user),
        blob(&format!("{user} key"))
    )
}

/// Stands for base64 of a certificate: no real key material is made.
fn blob(what: &str) -> String {
    format!("LS0tLS1CRUdJTi{}", images::digest(what))
}
fn certificate(what: &str) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", images::digest(what))
}
fn key(what: &str) -> String {
    format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n",
        images::digest(&format!("{what} key"))
    )
}

fn flags(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => {
            "KUBELET_KUBEADM_ARGS=\"--cgroup-driver=cgroupfs --network-plugin=cni --pod-infra-container-image=k8s.gcr.io/pause:3.2\"\n"
        }
        Profile::Modern => {
            "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/containerd/containerd.sock --pod-infra-container-image=registry.k8s.io/pause:3.10.1\"\n"
        }
    }
}

const KUBELET_CONFIG: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    cacheTTL: 0s\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: Webhook\nclusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\nfileCheckFrequency: 0s\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\nkind: KubeletConfiguration\nrotateCertificates: true\nstaticPodPath: /etc/kubernetes/manifests\n";
