//! What a cluster is built with: kubeadm's configuration as far as its texts depend on it.

use crate::base::Str;
use crate::kubelet;
use crate::sim::Profile;

#[derive(Clone, PartialEq, Debug)]
pub struct Cluster {
    pub profile: Profile,
    /// `v1.18.4`
    pub version: Str,
    /// Name of the node being set up.
    pub node: Str,
    /// Where the API server says it can be reached.
    pub ip: Str,
    /// Address that several control planes share (`--control-plane-endpoint`); empty: there is one.
    pub shared: Str,
    pub port: u16,
    /// Members of etcd when this control plane joins: names and addresses, itself last; empty: it is the first.
    pub members: Vec<(Str, Str)>,
    /// Empty: no addresses are given to nodes.
    pub pods: Str,
    pub services: Str,
    pub domain: Str,
    pub registry: Str,
    /// Flags of this machine's kubelet beside kubeadm's own.
    pub kubelet_args: Vec<(Str, Str)>,
    /// `systemd` or `cgroupfs`.
    pub cgroup_driver: Str,
}

/// What goes with a version from that minor and patch number on: etcd, CoreDNS, pause.
type Parts = ((u32, u32), &'static str, &'static str, &'static str);
const PARTS: [Parts; 21] = [
    ((18, 0), "3.4.3-0", "coredns:1.6.7", "3.2"),
    ((19, 0), "3.4.13-0", "coredns:1.7.0", "3.2"),
    ((20, 0), "3.4.13-0", "coredns:1.7.0", "3.2"),
    ((21, 0), "3.4.13-0", "coredns/coredns:v1.8.0", "3.4.1"),
    ((22, 0), "3.5.0-0", "coredns/coredns:v1.8.4", "3.5"),
    ((23, 0), "3.5.1-0", "coredns/coredns:v1.8.6", "3.6"),
    ((24, 0), "3.5.3-0", "coredns/coredns:v1.8.6", "3.7"),
    ((25, 0), "3.5.4-0", "coredns/coredns:v1.9.3", "3.8"),
    ((26, 0), "3.5.6-0", "coredns/coredns:v1.9.3", "3.9"),
    ((27, 0), "3.5.7-0", "coredns/coredns:v1.10.1", "3.9"),
    ((28, 0), "3.5.9-0", "coredns/coredns:v1.10.1", "3.9"),
    ((28, 14), "3.5.15-0", "coredns/coredns:v1.10.1", "3.9"),
    ((29, 0), "3.5.10-0", "coredns/coredns:v1.11.1", "3.9"),
    ((29, 10), "3.5.16-0", "coredns/coredns:v1.11.1", "3.9"),
    ((30, 0), "3.5.12-0", "coredns/coredns:v1.11.1", "3.9"),
    ((31, 0), "3.5.15-0", "coredns/coredns:v1.11.3", "3.10"),
    ((32, 0), "3.5.16-0", "coredns/coredns:v1.11.3", "3.10"),
    ((33, 0), "3.5.21-0", "coredns/coredns:v1.12.0", "3.10"),
    ((34, 0), "3.6.4-0", "coredns/coredns:v1.12.1", "3.10.1"),
    ((35, 0), "3.6.6-0", "coredns/coredns:v1.13.1", "3.10.1"),
    ((36, 0), "3.6.6-0", "coredns/coredns:v1.13.1", "3.10.1"),
];

/// The minor number of `v1.18.4`.
pub fn minor(version: &str) -> u32 {
    version.trim_start_matches('v').split('.').nth(1).and_then(|m| m.parse().ok()).unwrap_or(0)
}

/// Minor and patch number.
pub fn number(version: &str) -> (u32, u32) {
    let patch = version.split('.').nth(2).and_then(|p| p.split('-').next()?.parse().ok()).unwrap_or(0);
    (minor(version), patch)
}

impl Cluster {
    /// As the lab's scripts build it.
    pub fn new(profile: Profile, node: &str, ip: &str) -> Cluster {
        let modern = profile == Profile::Modern;
        let mut cluster = Cluster {
            profile,
            version: kubelet::version(profile).into(),
            node: node.into(),
            ip: ip.into(),
            shared: Str::new(),
            members: Vec::new(),
            port: crate::apiserver::PORT,
            pods: "172.16.0.0/16".into(),
            services: "10.96.0.0/12".into(),
            domain: "cluster.local".into(),
            registry: if modern { "registry.k8s.io" } else { "k8s.gcr.io" }.into(),
            kubelet_args: Vec::new(),
            cgroup_driver: if modern { "systemd" } else { "cgroupfs" }.into(),
        };
        if modern {
            cluster.kubelet_args.push(("node-ip".into(), ip.into()));
        }
        cluster
    }

    pub fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
    fn parts(&self) -> &'static Parts {
        let number = number(&self.version);
        PARTS.iter().rev().find(|(from, ..)| *from <= number).unwrap_or(&PARTS[0])
    }
    pub fn etcd(&self) -> &'static str {
        self.parts().1
    }
    pub fn coredns(&self) -> &'static str {
        self.parts().2
    }
    pub fn pause(&self) -> Str {
        ecow::eco_format!("{}/pause:{}", self.registry, self.parts().3)
    }
    /// `192.168.1.10:6443`
    pub fn endpoint(&self) -> Str {
        let address = if self.shared.is_empty() { &self.ip } else { &self.shared };
        ecow::eco_format!("{address}:{}", self.port)
    }
    /// Value of etcd's `--initial-cluster`, and what follows for one that joins.
    fn initial_cluster(&self) -> Str {
        let one = |name: &str, ip: &str| format!("{name}=https://{ip}:2380");
        if self.members.is_empty() {
            return one(&self.node, &self.ip).into();
        }
        let all: Vec<String> = self.members.iter().map(|(name, ip)| one(name, ip)).collect();
        ecow::eco_format!("{}\n    - --initial-cluster-state=existing", all.join(","))
    }
    /// The `nth` address of the services' network.
    pub fn service_ip(&self, nth: u32) -> Str {
        let base = self.services.split('/').next().unwrap_or("");
        let (head, last) = base.rsplit_once('.').unwrap_or((base, "0"));
        ecow::eco_format!("{head}.{}", last.parse::<u32>().unwrap_or(0) + nth)
    }
    pub fn socket(&self) -> &'static str {
        if self.modern() { "unix:///run/containerd/containerd.sock" } else { "/var/run/dockershim.sock" }
    }
    /// The version of kubeadm's own documents that this release writes.
    pub fn kubeadm_api(&self) -> &'static str {
        match minor(&self.version) {
            0..22 => "kubeadm.k8s.io/v1beta2",
            22..31 => "kubeadm.k8s.io/v1beta3",
            _ => "kubeadm.k8s.io/v1beta4",
        }
    }
    /// Name of the ConfigMap with the kubelets' configuration.
    pub fn kubelet_config_map(&self) -> Str {
        match minor(&self.version) {
            24.. => "kubelet-config".into(),
            minor => ecow::eco_format!("kubelet-config-1.{minor}"),
        }
    }
    /// Images of the control plane, in the order in which kubeadm names them.
    pub fn images(&self) -> Vec<Str> {
        let (registry, version) = (&self.registry, &self.version);
        let of = |name: &str| ecow::eco_format!("{registry}/kube-{name}:{version}");
        let mut all = vec![of("apiserver"), of("controller-manager"), of("scheduler"), of("proxy")];
        let (etcd, dns) =
            (ecow::eco_format!("{registry}/etcd:{}", self.etcd()), ecow::eco_format!("{registry}/{}", self.coredns()));
        // Since 1.30 CoreDNS comes before pause and etcd.
        if minor(&self.version) >= 24 {
            all.extend([dns, self.pause(), etcd]);
        } else {
            all.extend([self.pause(), etcd, dns]);
        }
        all
    }

    /// Fills the `{{name}}`s of a text of ours.
    pub fn fill(&self, text: &str) -> String {
        let pick = |of_book: &'static str, of_modern: &'static str| if self.modern() { of_modern } else { of_book };
        let mut out = text.to_owned();
        for (key, value) in [
            ("{{initialcluster}}", self.initial_cluster().as_str()),
            ("{{endpoint}}", &self.endpoint()),
            ("{{ip}}", self.ip.as_str()),
            ("{{name}}", &self.node),
            ("{{version}}", &self.version),
            ("{{pods}}", &self.pods),
            ("{{services}}", &self.services),
            ("{{domain}}", &self.domain),
            ("{{registry}}", &self.registry),
            ("{{etcd}}", self.etcd()),
            ("{{dnsimage}}", self.coredns()),
            ("{{dns}}", &self.service_ip(10)),
            ("{{taint}}", super::manifests::taint(self.profile)),
            ("{{dnsname}}", pick("KubeDNS", "CoreDNS")),
            ("{{calico}}", pick("calico", "quay.io/calico")),
            ("{{calicoversion}}", pick("v3.17.1", "v3.31.2")),
            ("{{kubeadmapi}}", self.kubeadm_api()),
            ("{{kubeletconfig}}", &self.kubelet_config_map()),
            ("{{cgroup}}", &self.cgroup_driver),
        ] {
            if out.contains(key) {
                out = out.replace(key, value);
            }
        }
        out
    }
}
