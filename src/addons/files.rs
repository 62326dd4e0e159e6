//! The files that kubeadm writes: kubeconfigs, the kubelet's configuration, certificates, manifests.

use super::cluster::{Cluster, minor};
use super::manifests;
use super::pki::{self, Cert, Pki};
use crate::base::{Str, Time, base64};
use crate::machine::{File, Machine};

pub const PKI: &str = "/etc/kubernetes/pki";
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
pub const ADMIN: &str = "/etc/kubernetes/admin.conf";
pub const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";
pub const BOOTSTRAP_CONF: &str = "/etc/kubernetes/bootstrap-kubelet.conf";
pub const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";
pub const KUBELET_FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
/// The kubelet's own certificate and key, renewed by itself.
pub const KUBELET_CLIENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";

/// A file to be written.
pub struct Made {
    pub path: String,
    pub text: String,
    pub mode: u16,
}

fn made(path: String, text: String, mode: u16) -> Made {
    Made { path, text, mode }
}

/// Certificates and keys of a control plane.
pub fn certificates(cluster: &Cluster, pki: &Pki) -> Vec<Made> {
    let mut out = Vec::new();
    for (name, crt, key) in pki.pairs(&cluster.node, &|file| names(cluster, file)) {
        out.push(made(format!("{PKI}/{name}.crt"), crt, 0o644));
        out.push(made(format!("{PKI}/{name}.key"), key, 0o600));
    }
    out.push(made(format!("{PKI}/sa.key"), pki::key(&pki.nonce), 0o600));
    out.push(made(format!("{PKI}/sa.pub"), pki::public_key(&pki.nonce), 0o600));
    out
}

/// What a server's certificate is good for. Models cmd/kubeadm/app/util/pkiutil.GetAPIServerAltNames.
fn names(cluster: &Cluster, file: &str) -> Str {
    let (node, ip) = (&cluster.node, &cluster.ip);
    match file {
        "apiserver" => {
            let own = "DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, DNS:kubernetes.default.svc.cluster.local";
            let service = cluster.service_ip(1);
            let shared = cluster.endpoint();
            let shared = shared.rsplit_once(':').map_or("", |(host, _)| host);
            let more = if shared == ip.as_str() { String::new() } else { format!(", IP Address:{shared}") };
            ecow::eco_format!("{own}, DNS:{node}, IP Address:{service}, IP Address:{ip}{more}")
        }
        "etcd/server" | "etcd/peer" => ecow::eco_format!(
            "DNS:localhost, DNS:{node}, IP Address:{ip}, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"
        ),
        _ => Str::new(),
    }
}

/// Kubeconfigs of a control plane, in kubeadm's order: file name, and what is in it.
pub fn kubeconfigs(cluster: &Cluster, pki: &Pki) -> Vec<Made> {
    let node = ecow::eco_format!("system:node:{}", cluster.node);
    let admins = if minor(&cluster.version) >= 29 { "kubeadm:cluster-admins" } else { "system:masters" };
    let mut users = vec![("admin", "kubernetes-admin", admins)];
    if minor(&cluster.version) >= 29 {
        users.push(("super-admin", "kubernetes-super-admin", "system:masters"));
    }
    users.extend([
        ("kubelet", node.as_str(), "system:nodes"),
        ("controller-manager", "system:kube-controller-manager", ""),
        ("scheduler", "system:kube-scheduler", ""),
    ]);
    let ca = &pki.authority();
    let one = |(file, user, group): &(&str, &str, &str)| {
        let (crt, key) = pki.client(user, group);
        let data = |pem: &str| base64::encode(pem.as_bytes());
        let credentials = format!("client-certificate-data: {}\n    client-key-data: {}", data(&crt), data(&key));
        let text = kubeconfig(ca, &cluster.endpoint(), "kubernetes", user, &credentials);
        made(format!("/etc/kubernetes/{file}.conf"), text, 0o600)
    };
    users.iter().map(one).collect()
}

/// `ca`: the authority's PEM. `credentials`: lines below `user:`.
pub fn kubeconfig(ca: &str, endpoint: &str, cluster: &str, user: &str, credentials: &str) -> String {
    let context = match cluster {
        "kubernetes" if user == "tls-bootstrap-token-user" => "tls-bootstrap-token-user@kubernetes".to_owned(),
        "default-cluster" => "default-context".to_owned(),
        _ => format!("{user}@{cluster}"),
    };
    let ca = base64::encode(ca.as_bytes());
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: https://{endpoint}\n  name: {cluster}\ncontexts:\n- context:\n    cluster: {cluster}\n    user: {user}\n  name: {context}\ncurrent-context: {context}\nkind: Config\npreferences: {{}}\nusers:\n- name: {user}\n  user:\n    {credentials}\n"
    )
}

/// kubelet.conf after its certificate is a file that the kubelet renews.
pub fn kubelet_conf(ca: &str, endpoint: &str, cluster: &str, user: &str) -> String {
    let credentials = format!("client-certificate: {KUBELET_CLIENT}\n    client-key: {KUBELET_CLIENT}");
    kubeconfig(ca, endpoint, cluster, user, &credentials)
}

/// The kubeconfig with which a joining kubelet asks for its certificate.
pub fn bootstrap_conf(ca: &str, endpoint: &str, token: &str) -> String {
    kubeconfig(ca, endpoint, "kubernetes", "tls-bootstrap-token-user", &format!("token: {token}"))
}

pub fn kubelet_config(cluster: &Cluster) -> String {
    let mut text = String::from(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nauthentication:\n  anonymous:\n    enabled: false\n  webhook:\n    cacheTTL: 0s\n    enabled: true\n  x509:\n    clientCAFile: /etc/kubernetes/pki/ca.crt\nauthorization:\n  mode: Webhook\n  webhook:\n    cacheAuthorizedTTL: 0s\n    cacheUnauthorizedTTL: 0s\n",
    );
    if cluster.modern() {
        text += &format!("cgroupDriver: {}\n", cluster.cgroup_driver);
    }
    text += &format!("clusterDNS:\n- {}\nclusterDomain: {}\n", cluster.service_ip(10), cluster.domain);
    text + "cpuManagerReconcilePeriod: 0s\nevictionPressureTransitionPeriod: 0s\nfileCheckFrequency: 0s\nhealthzBindAddress: 127.0.0.1\nhealthzPort: 10248\nhttpCheckFrequency: 0s\nimageMinimumGCAge: 0s\nkind: KubeletConfiguration\nnodeStatusReportFrequency: 0s\nnodeStatusUpdateFrequency: 0s\nrotateCertificates: true\nruntimeRequestTimeout: 0s\nstaticPodPath: /etc/kubernetes/manifests\nstreamingConnectionIdleTimeout: 0s\nsyncFrequency: 0s\nvolumeStatsAggPeriod: 0s\n"
}

pub fn kubelet_flags(cluster: &Cluster) -> String {
    let mut flags = match cluster.modern() {
        false => format!("--cgroup-driver={} --network-plugin=cni", cluster.cgroup_driver),
        true => format!("--container-runtime-endpoint={}", cluster.socket()),
    };
    for (name, value) in &cluster.kubelet_args {
        flags += &format!(" --{name}={value}");
    }
    flags += &format!(" --pod-infra-container-image={}", cluster.pause());
    format!("KUBELET_KUBEADM_ARGS=\"{flags}\"\n")
}

/// The static pods' manifests.
pub fn static_pods(cluster: &Cluster) -> Vec<Made> {
    let one = |(file, text): (&str, String)| made(format!("{MANIFESTS}/{file}"), text, 0o600);
    manifests::static_pods(cluster).into_iter().map(one).collect()
}

/// Everything that `kubeadm init` leaves on the control plane.
pub fn control_plane(cluster: &Cluster, pki: &Pki) -> Vec<Made> {
    let mut all = vec![
        made(KUBELET_FLAGS.into(), kubelet_flags(cluster), 0o644),
        made(KUBELET_CONFIG.into(), kubelet_config(cluster), 0o644),
    ];
    all.extend(certificates(cluster, pki));
    all.extend(kubeconfigs(cluster, pki));
    all.retain(|f| f.path != KUBELET_CONF);
    all.extend(finalized(cluster, pki));
    all.extend(static_pods(cluster));
    all
}

/// What the last phase of an init makes of the control plane's own kubelet.conf.
pub fn finalized(cluster: &Cluster, pki: &Pki) -> Vec<Made> {
    let user = format!("system:node:{}", cluster.node);
    let (crt, key) = pki.client(&user, "system:nodes");
    let conf = kubelet_conf(&pki.authority(), &cluster.endpoint(), "kubernetes", &user);
    vec![made(KUBELET_CLIENT.into(), crt + &key, 0o600), made(KUBELET_CONF.into(), conf, 0o600)]
}

/// What `kubeadm join` leaves before the kubelet has its certificate.
pub fn joining(cluster: &Cluster, ca: &str, token: &str) -> Vec<Made> {
    vec![
        made(BOOTSTRAP_CONF.into(), bootstrap_conf(ca, &cluster.endpoint(), token), 0o600),
        made(format!("{PKI}/ca.crt"), ca.to_owned(), 0o644),
        made(KUBELET_CONFIG.into(), kubelet_config(cluster), 0o644),
        made(KUBELET_FLAGS.into(), kubelet_flags(cluster), 0o644),
    ]
}

/// What the kubelet keeps when the control plane signed its certificate.
pub fn bootstrapped(ca: &str, endpoint: &str, cert: &str, key: &str) -> Vec<Made> {
    let conf = kubelet_conf(ca, endpoint, "default-cluster", "default-auth");
    vec![made(KUBELET_CLIENT.into(), format!("{cert}{key}"), 0o600), made(KUBELET_CONF.into(), conf, 0o600)]
}

pub fn put(machine: &mut Machine, files: Vec<Made>, now: Time) {
    for Made { path, text, mode } in files {
        machine.files.insert(path.into(), File::new(text, mode, now));
    }
}

/// Folders that the packages bring.
pub fn folders(machine: &mut Machine, now: Time) {
    for path in ["/etc/kubernetes/manifests", "/var/lib/kubelet", "/etc/cni/net.d"] {
        crate::machine::files::make_folder(machine, path, now);
    }
}

/// The value of the first line `key: value` of a YAML text, as kubeconfigs have them.
pub fn line<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines()
        .find_map(|l| l.trim_start().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(':'))
        .map(str::trim)
}

/// The authority that a kubeconfig trusts.
pub fn authority(conf: &str) -> Option<String> {
    String::from_utf8(base64::decode(line(conf, "certificate-authority-data")?)?).ok()
}

/// Who a PEM text says its bearer is.
pub fn subject(pem: &str) -> Option<Str> {
    Cert::parse(pem).map(|c| c.name)
}
