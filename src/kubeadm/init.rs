//! `kubeadm init`: a control plane on this machine.
//! Models cmd/kubeadm/app/cmd/init.go and its phases; the order is each version's.

use super::client::{self, Client};
use super::config::{self, Init};
use super::{CONFIG, Cx, IGNORE, Run, SOCKET, expiry, fail, go_time, preflight, token};
use crate::addons::cluster::{Cluster, minor};
use crate::addons::pki::Pki;
use crate::addons::{files, manifests};
use crate::api::{Kind, Object, ObjectKey, Value};
use crate::base::Duration;
use crate::kubectl::flags::{self, Flag};

pub const FLAGS: &[Flag] = &[
    CONFIG,
    IGNORE,
    SOCKET,
    flags::text("apiserver-advertise-address", "", ""),
    flags::int("apiserver-bind-port", "", "6443"),
    flags::list("apiserver-cert-extra-sans", ""),
    flags::text("cert-dir", "", "/etc/kubernetes/pki"),
    flags::text("control-plane-endpoint", "", ""),
    flags::yes("dry-run", ""),
    flags::text("image-repository", "", ""),
    flags::text("kubernetes-version", "", ""),
    flags::text("node-name", "", ""),
    flags::text("pod-network-cidr", "", ""),
    flags::text("service-cidr", "", ""),
    flags::text("service-dns-domain", "", ""),
    flags::yes("skip-token-print", ""),
    flags::list("skip-phases", ""),
    flags::text("token", "", ""),
    flags::text("token-ttl", "", "24h0m0s"),
    flags::yes("upload-certs", ""),
];

const PATIENCE: Duration = Duration::mins(4);

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if let Some(arg) = cx.args.first() {
        return fail(format!("unknown command {:?} for \"kubeadm init\"", arg.as_str()));
    }
    let init = config::init(cx)?;
    let cluster = &init.cluster;
    if cx.minor() < 19 {
        cx.klog('W', "configset.go:202", "WARNING: kubeadm cannot validate component configs for API groups [kubelet.config.k8s.io kubeproxy.config.k8s.io]")?;
    }
    cx.out(format!("[init] Using Kubernetes version: {}", cluster.version));
    if cx.flags.yes("dry-run") {
        return fail("--dry-run is not supported here: nothing was done");
    }
    if !init.skip.iter().any(|s| s == "preflight") {
        preflight::init(cx, cluster, &init.ignored)?;
    }
    let (now, nonce) = (cx.io.now()?, cx.io.random()?);
    let pki = Pki { nonce: ecow::eco_format!("{nonce:x}"), now };
    // Before 1.29 the kubelet was started first and waited for its configuration's sake.
    let first = cx.minor() < 29;
    if first {
        start_kubelet(cx, cluster)?;
    }
    certificates(cx, cluster, &pki)?;
    kubeconfigs(cx, cluster, &pki)?;
    static_pods(cx, cluster)?;
    if !first {
        start_kubelet(cx, cluster)?;
    }
    let admin = Client::of(cx, files::ADMIN)?;
    wait(cx, cluster, &admin)?;
    finish(cx, &init, &pki, &admin)
}

fn start_kubelet(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run {
    client::systemctl(cx, "stop", "kubelet")?;
    let (flags, config) = (files::kubelet_flags(cluster), files::kubelet_config(cluster));
    for (path, text, what) in [
        (files::KUBELET_FLAGS, flags, "kubelet environment file with flags"),
        (files::KUBELET_CONFIG, config, "kubelet configuration"),
    ] {
        cx.out(format!("[kubelet-start] Writing {what} to file {path:?}"));
        client::put(cx, files::Made { path: path.into(), text, mode: 0o644 })?;
    }
    cx.out("[kubelet-start] Starting the kubelet");
    client::systemctl(cx, "start", "kubelet")?;
    Ok(())
}

fn certificates(cx: &mut Cx<'_, '_>, cluster: &Cluster, pki: &Pki) -> Run {
    cx.out("[certs] Using certificateDir folder \"/etc/kubernetes/pki\"");
    for file in files::certificates(cluster, pki) {
        let name = file.path.strip_prefix("/etc/kubernetes/pki/").unwrap_or_default().to_owned();
        client::put(cx, file)?;
        let Some(name) = name.strip_suffix(".crt") else { continue };
        cx.out(format!("[certs] Generating {name:?} certificate and key"));
        let (node, ip, domain) = (&cluster.node, &cluster.ip, &cluster.domain);
        let names = match name {
            "apiserver" if cx.minor() >= 19 => format!(
                "DNS names [kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.{domain} {node}] and IPs [{} {ip}]",
                cluster.service_ip(1)
            ),
            "apiserver" => format!(
                "DNS names [{node} kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.{domain}] and IPs [{} {ip}]",
                cluster.service_ip(1)
            ),
            "etcd/server" | "etcd/peer" if cx.minor() >= 19 => {
                format!("DNS names [localhost {node}] and IPs [{ip} 127.0.0.1 ::1]")
            }
            "etcd/server" | "etcd/peer" => format!("DNS names [{node} localhost] and IPs [{ip} 127.0.0.1 ::1]"),
            _ => continue,
        };
        cx.out(format!("[certs] {name} serving cert is signed for {names}"));
    }
    cx.out("[certs] Generating \"sa\" key and public key");
    Ok(())
}

fn kubeconfigs(cx: &mut Cx<'_, '_>, cluster: &Cluster, pki: &Pki) -> Run {
    cx.out("[kubeconfig] Using kubeconfig folder \"/etc/kubernetes\"");
    for file in files::kubeconfigs(cluster, pki) {
        let name = file.path.strip_prefix("/etc/kubernetes/").unwrap_or_default().to_owned();
        cx.out(format!("[kubeconfig] Writing {name:?} kubeconfig file"));
        client::put(cx, file)?;
    }
    Ok(())
}

fn static_pods(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run {
    const FOLDER: &str = "/etc/kubernetes/manifests";
    let etcd_first = cx.minor() >= 29;
    let etcd = format!("[etcd] Creating static Pod manifest for local etcd in {FOLDER:?}");
    if etcd_first {
        cx.out(&etcd);
    }
    cx.out(format!("[control-plane] Using manifest folder {FOLDER:?}"));
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        cx.out(format!("[control-plane] Creating static Pod manifest for {name:?}"));
        if cx.minor() < 19 && name != "kube-scheduler" {
            cx.klog(
                'W',
                "manifests.go:225",
                "the default kube-apiserver authorization-mode is \"Node,RBAC\"; using \"Node,RBAC\"",
            )?;
        }
    }
    if !etcd_first {
        cx.out(&etcd);
    }
    client::put_all(cx, files::static_pods(cluster))
}

/// Waits for the kubelet, and for the control plane that it is to start.
fn wait(cx: &mut Cx<'_, '_>, cluster: &Cluster, admin: &Client) -> Run {
    let began = cx.io.now()?;
    let upto = if cx.minor() >= 31 { "" } else { ". This can take up to 4m0s" };
    cx.out(format!("[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory \"/etc/kubernetes/manifests\"{upto}"));
    if cx.minor() >= 30 {
        cx.out(
            "[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s",
        );
        let Some(took) = client::wait_port(cx, 10_248, PATIENCE)? else {
            cx.out("[kubelet-check] The kubelet is not healthy after 4m0.000205s");
            cx.out("\nUnfortunately, an error has occurred, likely caused by:\n\t- The kubelet is not running\n\t- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)\n\nIf you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:\n\t- 'systemctl status kubelet'\n\t- 'journalctl -xeu kubelet'\n");
            return fail(
                "error execution phase wait-control-plane: failed while waiting for the kubelet to start: The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned error: Get \"http://127.0.0.1:10248/healthz\": dial tcp 127.0.0.1:10248: connect: connection refused\n",
            );
        };
        cx.out(format!("[kubelet-check] The kubelet is healthy after {}", go_time(took)));
        return wait_components(cx, cluster, admin);
    }
    let mut checks = [40u64, 45, 55, 75, 115].into_iter().peekable();
    let mut failures = 0;
    loop {
        if client::healthy(cx, admin)? {
            let took = cx.io.now()?.since(began).0;
            cx.out(format!(
                "[apiclient] All control plane components are healthy after {}.{:06} seconds",
                took / 1_000_000,
                took % 1_000_000
            ));
            return Ok(());
        }
        cx.io.sleep(Duration::millis(500))?;
        let waited = cx.io.now()?.since(began).as_secs();
        while checks.peek().is_some_and(|at| waited >= *at) {
            let first = checks.next() == Some(40);
            if first {
                cx.out("[kubelet-check] Initial timeout of 40s passed.");
            }
            if !client::accepts(cx, 10_248)? {
                failures += 1;
                cx.out("[kubelet-check] It seems like the kubelet isn't running or healthy.");
                let quoted = if cx.minor() >= 20 {
                    "Get \"http://localhost:10248/healthz\""
                } else {
                    "Get http://localhost:10248/healthz"
                };
                cx.out(format!("[kubelet-check] The HTTP call equal to 'curl -sSL http://localhost:10248/healthz' failed with error: {quoted}: dial tcp [::1]:10248: connect: connection refused."));
            }
        }
        if failures >= 5 || waited >= 240 {
            cx.out("\n\tUnfortunately, an error has occurred:\n\t\ttimed out waiting for the condition\n\n\tThis error is likely caused by:\n\t\t- The kubelet is not running\n\t\t- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)\n\n\tIf you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:\n\t\t- 'systemctl status kubelet'\n\t\t- 'journalctl -xeu kubelet'\n\n\tAdditionally, a control plane component may have crashed or exited when started by the container runtime.\n\tTo troubleshoot, list all containers using your preferred container runtimes CLI.\n");
            return fail("error execution phase wait-control-plane: couldn't initialize a Kubernetes cluster");
        }
    }
}

/// Since 1.31 every component is asked for its health.
fn wait_components(cx: &mut Cx<'_, '_>, cluster: &Cluster, admin: &Client) -> Run {
    let began = cx.io.now()?;
    let by_all = cx.minor() >= 32;
    let title = if by_all {
        "[control-plane-check] Waiting for healthy control plane components"
    } else {
        "[api-check] Waiting for a healthy API server"
    };
    cx.out(format!("{title}. This can take up to 4m0s"));
    let endpoint = cluster.endpoint();
    let mut left = vec![("kube-controller-manager", 10_257), ("kube-scheduler", 10_259), ("kube-apiserver", 0)];
    if by_all {
        for (name, at) in [
            ("kube-apiserver", format!("{endpoint}/livez")),
            ("kube-controller-manager", "127.0.0.1:10257/healthz".to_owned()),
            ("kube-scheduler", "127.0.0.1:10259/livez".to_owned()),
        ] {
            cx.out(format!("[control-plane-check] Checking {name} at https://{at}"));
        }
    }
    while !left.is_empty() {
        let mut still = Vec::new();
        for (name, port) in left {
            let well = if port == 0 { client::healthy(cx, admin)? } else { client::accepts(cx, port)? };
            let took = cx.io.now()?.since(began).0;
            match (well, by_all) {
                (false, _) => still.push((name, port)),
                (true, true) => cx.out(format!("[control-plane-check] {name} is healthy after {}", go_time(took))),
                (true, false) if port == 0 => {
                    cx.out(format!("[api-check] The API server is healthy after {}", go_time(took)))
                }
                _ => {}
            }
        }
        left = still;
        if cx.io.now()?.since(began) >= PATIENCE {
            for (name, _) in &left {
                cx.out(format!("[control-plane-check] {name} is not healthy after 4m0.000205s"));
            }
            cx.out("\nA control plane component may have crashed or exited when started by the container runtime.\nTo troubleshoot, list all containers using your preferred container runtimes CLI.\nHere is one example how you may list all running Kubernetes containers by using crictl:\n\t- 'crictl --runtime-endpoint unix:///run/containerd/containerd.sock ps -a | grep kube | grep -v pause'\n\tOnce you have found the failing container, you can inspect its logs with:\n\t- 'crictl --runtime-endpoint unix:///run/containerd/containerd.sock logs CONTAINERID'\n");
            return fail(
                "error execution phase wait-control-plane: failed while waiting for the control plane to start: context deadline exceeded",
            );
        }
        if !left.is_empty() {
            cx.io.sleep(Duration::millis(500))?;
        }
    }
    Ok(())
}

/// What is done through the API.
fn finish(cx: &mut Cx<'_, '_>, init: &Init, pki: &Pki, admin: &Client) -> Run {
    let cluster = &init.cluster;
    admin.put_all(cx, manifests::admins(cluster))?;
    cx.out("[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace");
    cx.out(format!("[kubelet] Creating a ConfigMap {:?} in namespace kube-system with the configuration for the kubelets in the cluster", cluster.kubelet_config_map().as_str()));
    admin.put_all(cx, manifests::upload(cluster))?;
    cx.out("[upload-certs] Skipping phase. Please see --upload-certs");
    mark(cx, cluster, admin)?;
    cx.out(format!(
        "[bootstrap-token] Using token: {}",
        if cx.flags.yes("skip-token-print") { "<value withheld>" } else { &init.token }
    ));
    let now = cx.io.now()?;
    let (id, secret) = init.token.split_once('.').unwrap_or_default();
    let expires = expiry(now, &init.ttl)?;
    let usages = ["authentication", "signing"];
    let (groups, about) =
        (manifests::TOKEN_GROUP, if init.ttl == "24h0m0s" || expires.is_none() { manifests::TOKEN_ABOUT } else { "" });
    admin.put(cx, manifests::token_secret(id, secret, expires, &usages, groups, about))?;
    cx.out("[bootstrap-token] Configuring bootstrap tokens, cluster-info ConfigMap, RBAC Roles");
    let configured = if cx.minor() >= 23 { "Configured" } else { "configured" };
    for what in [
        "Node Bootstrap tokens to get nodes",
        "Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials",
        "the csrapprover controller automatically approve CSRs from a Node Bootstrap Token",
        "certificate rotation for all node client certificates in the cluster",
    ] {
        cx.out(format!("[bootstrap-token] {configured} RBAC rules to allow {what}"));
    }
    cx.out("[bootstrap-token] Creating the \"cluster-info\" ConfigMap in the \"kube-public\" namespace");
    admin.put_all(cx, manifests::tokens(cluster, &pki.authority()))?;
    cx.out("[kubelet-finalize] Updating \"/etc/kubernetes/kubelet.conf\" to point to a rotatable kubelet client certificate and key");
    client::put_all(cx, files::finalized(cluster, pki))?;
    let skips = |name: &str| init.skip.iter().any(|s| s == name || s == "addon");
    if !skips("addon/coredns") {
        admin.put_all(cx, manifests::coredns(cluster))?;
        cx.out("[addons] Applied essential addon: CoreDNS");
    }
    if !skips("addon/kube-proxy") {
        admin.put_all(cx, manifests::kube_proxy(cluster))?;
        cx.out("[addons] Applied essential addon: kube-proxy");
    }
    goodbye(cx, cluster, &init.token)
}

/// The labels of a control plane.
fn labels(cluster: &Cluster) -> Vec<&'static str> {
    match minor(&cluster.version) {
        0..20 => vec!["node-role.kubernetes.io/master"],
        20..24 => vec!["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"],
        _ => vec!["node-role.kubernetes.io/control-plane", "node.kubernetes.io/exclude-from-external-load-balancers"],
    }
}

fn mark(cx: &mut Cx<'_, '_>, cluster: &Cluster, admin: &Client) -> Run {
    let node = &cluster.node;
    let labels = labels(cluster);
    let taint = manifests::taint(cluster.profile);
    if labels.len() == 1 {
        cx.out(format!(
            "[mark-control-plane] Marking the node {node} as control-plane by adding the label \"{}=''\"",
            labels[0]
        ));
    } else {
        cx.out(format!(
            "[mark-control-plane] Marking the node {node} as control-plane by adding the labels: [{}]",
            labels.join(" ")
        ));
    }
    cx.out(format!(
        "[mark-control-plane] Marking the node {node} as control-plane by adding the taints [{taint}:NoSchedule]"
    ));
    let key = ObjectKey::new(Kind::NODE, "", node.clone());
    admin.change(cx, &key, |object| mark_node(object, cluster, &labels, Some(taint)))
}

/// What kubeadm writes on a node: socket, and labels and taint of a control plane.
pub fn mark_node(node: &mut Object, cluster: &Cluster, labels: &[&str], taint: Option<&str>) {
    let annotations = node.entry(&["metadata", "annotations"]).make_map();
    annotations.insert("kubeadm.alpha.kubernetes.io/cri-socket", cluster.socket());
    for label in labels {
        node.entry(&["metadata", "labels"]).make_map().insert(*label, "");
    }
    if let Some(key) = taint {
        let taints = node.entry(&["spec", "taints"]).make_list().make_mut();
        if !taints.iter().any(|t| t.str("key") == key) {
            taints.push(Value::Map(map! { "effect" => "NoSchedule", "key" => key }));
        }
    }
}

fn goodbye(cx: &mut Cx<'_, '_>, cluster: &Cluster, token: &str) -> Run {
    let root = if cx.minor() >= 20 {
        "Alternatively, if you are the root user, you can run:\n\n  export KUBECONFIG=/etc/kubernetes/admin.conf\n\n"
    } else {
        ""
    };
    let line = token::join_command(cx, &cluster.endpoint(), token, true)?;
    cx.out(format!("\nYour Kubernetes control-plane has initialized successfully!\n\nTo start using your cluster, you need to run the following as a regular user:\n\n  mkdir -p $HOME/.kube\n  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config\n  sudo chown $(id -u):$(id -g) $HOME/.kube/config\n\n{root}You should now deploy a pod network to the cluster.\nRun \"kubectl apply -f [podnetwork].yaml\" with one of the options listed at:\n  https://kubernetes.io/docs/concepts/cluster-administration/addons/\n\nThen you can join any number of worker nodes by running the following on each as root:\n\n{line}"));
    Ok(())
}
