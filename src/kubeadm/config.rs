//! What is to be built: flags, or the documents of `--config`.
//! Models cmd/kubeadm/app/apis/kubeadm and util/config as far as the lab's scripts and learners use them.

use super::{Cx, Run, fail};
use crate::addons::cluster::{Cluster, minor};
use crate::api::Value;
use crate::base::Str;
use crate::kubectl::yaml_error;
use crate::sim::Profile;

/// What `kubeadm init` was asked for.
pub struct Init {
    pub cluster: Cluster,
    pub token: Str,
    pub ttl: Str,
    pub ignored: Vec<Str>,
    pub skip: Vec<Str>,
}

/// Flags that say what a document would.
const IN_DOCUMENT: [&str; 9] = [
    "apiserver-advertise-address",
    "apiserver-bind-port",
    "image-repository",
    "kubernetes-version",
    "pod-network-cidr",
    "service-cidr",
    "service-dns-domain",
    "token",
    "token-ttl",
];

pub fn init(cx: &mut Cx<'_, '_>) -> Run<Init> {
    let mut cluster = Cluster::new(cx.profile, &cx.node.clone(), "");
    cluster.kubelet_args.clear();
    cluster.pods = Str::new();
    cluster.version = Str::new();
    let mut init = Init { cluster, token: Str::new(), ttl: "24h0m0s".into(), ignored: Vec::new(), skip: Vec::new() };
    let path = cx.flags.text("config").to_owned();
    if path.is_empty() {
        of_flags(cx, &mut init)?;
    } else {
        let mixed: Vec<&str> = IN_DOCUMENT.into_iter().filter(|f| cx.flags.changed(f)).collect();
        if !mixed.is_empty() {
            return fail(format!("can not mix '--config' with arguments [{}]", mixed.join(" ")));
        }
        for (kind, doc) in documents(cx, &path)? {
            of_document(&mut init, &kind, &doc);
        }
    }
    init.skip = cx.flags.all("skip-phases").iter().flat_map(|t| t.split(',')).map(Str::from).collect();
    if init.cluster.ip.is_empty() {
        init.cluster.ip = default_address(cx)?;
    }
    let asked = init.cluster.version.clone();
    init.cluster.version = resolve(cx, &asked)?;
    if init.token.is_empty() {
        init.token = super::token::random(cx)?;
    } else if !super::token::valid(&init.token) {
        return fail(format!(
            "the bootstrap token {:?} was not of the form \"\\\\A([a-z0-9]{{6}})\\\\.([a-z0-9]{{16}})\\\\z\"",
            init.token.as_str()
        ));
    }
    networks(&init.cluster)?;
    Ok(init)
}

fn of_flags(cx: &mut Cx<'_, '_>, init: &mut Init) -> Run {
    let text = |name: &str| Str::from(cx.flags.text(name));
    let cluster = &mut init.cluster;
    cluster.ip = text("apiserver-advertise-address");
    cluster.port = u16::try_from(cx.flags.int("apiserver-bind-port")).unwrap_or(6443);
    cluster.pods = text("pod-network-cidr");
    cluster.version = text("kubernetes-version");
    for (name, field) in [
        ("service-cidr", &mut cluster.services),
        ("service-dns-domain", &mut cluster.domain),
        ("image-repository", &mut cluster.registry),
        ("node-name", &mut cluster.node),
    ] {
        let value = text(name);
        if !value.is_empty() {
            *field = value;
        }
    }
    init.token = text("token");
    init.ttl = text("token-ttl");
    Ok(())
}

/// The documents of a configuration file: kind and content.
pub fn documents(cx: &mut Cx<'_, '_>, path: &str) -> Run<Vec<(Str, Value)>> {
    let Ok(text) = cx.io.read_file(path)? else {
        return fail(format!("unable to read config from {path:?} : open {path}: no such file or directory"));
    };
    let mut out = Vec::new();
    for part in text.split("\n---") {
        if part.trim().trim_start_matches('-').is_empty() {
            continue;
        }
        let doc = match serde_yaml::from_str::<Value>(part.trim_start_matches('-')) {
            Ok(doc) => doc,
            Err(e) => {
                return fail(format!("error converting YAML to JSON: {}", yaml_error::words(&e.to_string())));
            }
        };
        let (api, kind) = (doc.str("apiVersion").to_owned(), Str::from(doc.str("kind")));
        if kind.is_empty() || api.is_empty() {
            let what = if kind.is_empty() { "Kind" } else { "apiVersion" };
            return fail(format!(
                "invalid configuration for GroupVersionKind /, Kind={kind}: kind and apiVersion is mandatory information that must be specified ({what} is missing)"
            ));
        }
        if let Some(version) = api.strip_prefix("kubeadm.k8s.io/") {
            spec_version(cx, version, &api, &kind)?;
            super::fields::check(cx, version, &kind, &doc)?;
        }
        out.push((kind, doc));
    }
    Ok(out)
}

/// Whether this kubeadm reads that version of its configuration.
fn spec_version(cx: &Cx<'_, '_>, version: &str, api: &str, kind: &str) -> Run {
    let (known, old): (&[&str], &[(&str, &str)]) = match cx.minor() {
        0..22 => (&["v1beta1", "v1beta2"], &[("v1alpha3", "v1.14")]),
        22..31 => (&["v1beta2", "v1beta3"], &[("v1beta1", "v1.15")]),
        _ => (&["v1beta3", "v1beta4"], &[("v1beta1", "v1.15"), ("v1beta2", "v1.22")]),
    };
    if known.contains(&version) {
        return Ok(());
    }
    if let Some((_, last)) = old.iter().find(|(v, _)| *v == version) {
        return fail(format!(
            "your configuration file uses an old API spec: {api:?} (kind: {kind:?}). Please use kubeadm {last} instead and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version."
        ));
    }
    fail(format!(
        "no kind {kind:?} is registered for version {api:?} in scheme \"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme/scheme.go:31\""
    ))
}

fn of_document(init: &mut Init, kind: &str, doc: &Value) {
    let at = |path: &[&str]| doc.at(path).map(Value::as_str).unwrap_or_default();
    let set = |field: &mut Str, path: &[&str]| {
        let value = at(path);
        if !value.is_empty() {
            *field = value.into();
        }
    };
    match kind {
        "InitConfiguration" => {
            set(&mut init.cluster.ip, &["localAPIEndpoint", "advertiseAddress"]);
            let port = doc.at(&["localAPIEndpoint", "bindPort"]).and_then(Value::as_int);
            init.cluster.port = port.and_then(|p| u16::try_from(p).ok()).unwrap_or(init.cluster.port);
            if let Some(token) = doc.get("bootstrapTokens").and_then(|t| t.items().first()) {
                init.token = token.str("token").into();
                if !token.str("ttl").is_empty() {
                    init.ttl = token.str("ttl").into();
                }
            }
            registration(doc, &mut init.cluster, &mut init.ignored);
        }
        "ClusterConfiguration" => {
            set(&mut init.cluster.version, &["kubernetesVersion"]);
            set(&mut init.cluster.pods, &["networking", "podSubnet"]);
            set(&mut init.cluster.services, &["networking", "serviceSubnet"]);
            set(&mut init.cluster.domain, &["networking", "dnsDomain"]);
            set(&mut init.cluster.registry, &["imageRepository"]);
        }
        "KubeletConfiguration" => set(&mut init.cluster.cgroup_driver, &["cgroupDriver"]),
        _ => {}
    }
}

/// `nodeRegistration` of both kinds of document.
pub fn registration(doc: &Value, cluster: &mut Cluster, ignored: &mut Vec<Str>) {
    let Some(node) = doc.get("nodeRegistration") else { return };
    if !node.str("name").is_empty() {
        cluster.node = node.str("name").into();
    }
    match node.get("kubeletExtraArgs") {
        // v1beta4: a list; before: a map.
        Some(Value::Map(args)) => {
            cluster.kubelet_args.extend(args.iter().map(|(k, v)| (k.clone(), Str::from(v.as_str()))));
        }
        Some(list) => {
            let pair = |a: &Value| (Str::from(a.str("name")), Str::from(a.str("value")));
            cluster.kubelet_args.extend(list.items().iter().map(pair));
        }
        None => {}
    }
    let more = node.get("ignorePreflightErrors").map(Value::items).unwrap_or_default();
    ignored.extend(more.iter().map(|v| Str::from(v.as_str())));
}

/// The address of the interface with the default route.
pub fn default_address(cx: &mut Cx<'_, '_>) -> Run<Str> {
    let address = cx.io.call("default-address", Value::Null)?;
    Ok(if address.as_str().is_empty() { cx.ip.clone() } else { address.as_str().into() })
}

/// The newest release that the internet knows of, beside those of our own profiles.
const STABLE: &str = "v1.36.2";

/// The version to deploy. Models util/version.go: without one the newest is asked for, and that of
/// kubeadm's own minor version is taken where it is older.
fn resolve(cx: &mut Cx<'_, '_>, asked: &str) -> Run<Str> {
    let label = if asked.is_empty() { "stable-1" } else { asked };
    if let Some(label) = label.strip_prefix("stable-1").or(label.strip_prefix("latest-1")) {
        let own = cx.minor();
        if label.is_empty() && minor(STABLE) > own {
            cx.klog(
                'I',
                if own < 20 { "version.go:252" } else { "version.go:256" },
                &format!("remote version is much newer: {STABLE}; falling back to: stable-1.{own}"),
            )?;
        }
        let last = match own {
            18 => "v1.18.20".into(),
            28 => "v1.28.15".into(),
            29 => "v1.29.15".into(),
            _ => cx.version.clone(),
        };
        return Ok(last);
    }
    let plain = asked.trim_start_matches('v');
    let numbers: Vec<&str> = plain.split('.').collect();
    if numbers.len() != 3 || !numbers.iter().all(|n| n.bytes().all(|b| b.is_ascii_digit()) && !n.is_empty()) {
        return fail(format!(
            "version {asked:?} doesn't match patterns for neither semantic version nor labels (stable, latest, ...)"
        ));
    }
    let least = cx.minor().saturating_sub(1);
    if minor(plain) < least {
        return fail(format!(
            "this version of kubeadm only supports deploying clusters with the control plane version >= 1.{least}.0. Current version: v{plain}"
        ));
    }
    Ok(ecow::eco_format!("v{plain}"))
}

fn networks(cluster: &Cluster) -> Run {
    for (field, text) in [("networking.podSubnet", &cluster.pods), ("networking.serviceSubnet", &cluster.services)] {
        let good = text.split_once('/').is_some_and(|(ip, bits)| {
            crate::network::ipam::parse(ip).is_some() && bits.parse::<u8>().is_ok_and(|b| b <= 32)
        });
        if !text.is_empty() && !good {
            return fail(format!("{field}: Invalid value: {:?}: couldn't parse subnet", text.as_str()));
        }
    }
    if crate::network::ipam::parse(&cluster.ip).is_none() {
        return fail(format!(
            "couldn't use {:?} as \"apiserver-advertise-address\", must be ipv4 or ipv6 address",
            cluster.ip.as_str()
        ));
    }
    Ok(())
}

/// The cluster that runs, from its ConfigMap.
pub fn of_cluster(cx: &Cx<'_, '_>, text: &str, ip: &str) -> Cluster {
    let doc = crate::api::yaml::read(text).unwrap_or_default();
    let mut init = Init {
        cluster: Cluster::new(cx.profile, &cx.node, ip),
        token: Str::new(),
        ttl: Str::new(),
        ignored: Vec::new(),
        skip: Vec::new(),
    };
    init.cluster.kubelet_args.clear();
    init.cluster.pods = Str::new();
    of_document(&mut init, "ClusterConfiguration", &doc);
    init.cluster
}

pub fn print_init(cx: &mut Cx<'_, '_>) -> Run {
    let modern = cx.profile == Profile::Modern;
    let (api, version) = (if modern { "v1beta4" } else { "v1beta2" }, cx.version.trim_start_matches('v').to_owned());
    let cluster = Cluster::new(cx.profile, "node", "1.2.3.4");
    let (socket, registry) = (cluster.socket(), cluster.registry.clone());
    let socket = if modern { "unix:///var/run/containerd/containerd.sock" } else { socket };
    let taint = crate::addons::manifests::taint(cx.profile);
    cx.out(format!("apiVersion: kubeadm.k8s.io/{api}\nbootstrapTokens:\n- groups:\n  - system:bootstrappers:kubeadm:default-node-token\n  token: abcdef.0123456789abcdef\n  ttl: 24h0m0s\n  usages:\n  - signing\n  - authentication\nkind: InitConfiguration\nlocalAPIEndpoint:\n  advertiseAddress: 1.2.3.4\n  bindPort: 6443\nnodeRegistration:\n  criSocket: {socket}"));
    cx.out(if modern {
        "  imagePullPolicy: IfNotPresent\n  imagePullSerial: true\n  name: node\n  taints: null".to_owned()
    } else {
        format!("  name: {}\n  taints:\n  - effect: NoSchedule\n    key: {taint}", cx.node)
    });
    cx.out(format!("---\napiServer:{}\napiVersion: kubeadm.k8s.io/{api}\ncertificatesDir: /etc/kubernetes/pki\nclusterName: kubernetes\ncontrollerManager: {{}}\ndns:{}\netcd:\n  local:\n    dataDir: /var/lib/etcd\nimageRepository: {registry}\nkind: ClusterConfiguration\nkubernetesVersion: {}\nnetworking:\n  dnsDomain: cluster.local\n  serviceSubnet: 10.96.0.0/12\nproxy: {{}}\nscheduler: {{}}",
        if modern { " {}" } else { "\n  timeoutForControlPlane: 4m0s" },
        if modern { " {}" } else { "\n  type: CoreDNS" },
        if modern { format!("1.{}.0", minor(&version)) } else { format!("v1.{}.0", minor(&version)) }));
    Ok(())
}

pub fn print_join(cx: &mut Cx<'_, '_>) -> Run {
    let modern = cx.profile == Profile::Modern;
    let (api, socket) = if modern {
        ("v1beta4", "unix:///var/run/containerd/containerd.sock")
    } else {
        ("v1beta2", "/var/run/dockershim.sock")
    };
    cx.out(format!("apiVersion: kubeadm.k8s.io/{api}\ncaCertPath: /etc/kubernetes/pki/ca.crt\ndiscovery:\n  bootstrapToken:\n    apiServerEndpoint: kube-apiserver:6443\n    token: abcdef.0123456789abcdef\n    unsafeSkipCAVerification: true\n  timeout: 5m0s\n  tlsBootstrapToken: abcdef.0123456789abcdef\nkind: JoinConfiguration\nnodeRegistration:\n  criSocket: {socket}\n  name: {}\n  taints: null", if modern { "node" } else { &cx.node }));
    Ok(())
}
