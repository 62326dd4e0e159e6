//! `kubeadm upgrade plan`, `apply`, `node`.
//! Models cmd/kubeadm/app/cmd/upgrade and phases/upgrade.

use super::client::{self, Client, config_map};
use super::{CONFIG, Cx, IGNORE, Run, config, fail, preflight};
use crate::addons::cluster::{Cluster, minor, number};
use crate::addons::{files, manifests};
use crate::api::request::Verb;
use crate::api::{Kind, Object, ObjectKey, Request, Response, node, pod};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str};
use crate::kubectl::flags::{self, Flag};
use std::sync::Arc;

pub const FLAGS: &[Flag] = &[
    CONFIG,
    IGNORE,
    flags::text("kubeconfig", "", "/etc/kubernetes/admin.conf"),
    flags::yes("yes", "y"),
    flags::yes("force", "f"),
    flags::yes("dry-run", ""),
    flags::on("certificate-renewal", ""),
    flags::on("etcd-upgrade", ""),
    flags::yes("allow-experimental-upgrades", ""),
    flags::yes("allow-release-candidate-upgrades", ""),
];

const PATIENCE: Duration = Duration::mins(5);

/// The last release of a minor version, as the internet has it.
fn last_of(minor: u32, own: &str) -> Str {
    match minor {
        18 => "v1.18.20".into(),
        28 => "v1.28.15".into(),
        29 => "v1.29.15".into(),
        m if m == super::minor(own) => own.into(),
        m => ecow::eco_format!("v1.{m}.0"),
    }
}

/// Reads the cluster; prints what `plan` and `apply` say while they do.
fn current(cx: &mut Cx<'_, '_>) -> Run<(Client, Cluster)> {
    let new = cx.minor() >= 32;
    let tag = if new { "upgrade" } else { "upgrade/config" };
    let kubeconfig = cx.flags.text("kubeconfig").to_owned();
    let admin = Client::of(cx, &kubeconfig)?;
    let prelude = |cx: &mut Cx<'_, '_>| {
        if new {
            cx.out(format!(
                "[{tag}] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"..."
            ));
            cx.out(format!(
                "[{tag}] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it."
            ));
        } else {
            cx.out(format!("[{tag}] Making sure the configuration is correct:"));
            cx.out(format!("[{tag}] Reading configuration from the cluster..."));
            cx.out(format!("[{tag}] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config -o yaml'"));
        }
    };
    prelude(cx);
    cx.out(if new { "[upgrade/preflight] Running preflight checks" } else { "[preflight] Running pre-flight checks." });
    preflight::root(cx)?;
    let map = match config_map(cx, &admin, "kube-system", "kubeadm-config") {
        Err(super::Fail::Error(why)) => {
            return fail(format!("[upgrade/config] FATAL: failed to get config map: {why}"));
        }
        other => other?,
    };
    let mut cluster = config::of_cluster(cx, map.str(&["data", "ClusterConfiguration"]), &admin.server.ip);
    cluster.port = admin.server.port;
    Ok((admin, cluster))
}

fn nodes(cx: &mut Cx<'_, '_>, admin: &Client) -> Run<Vec<Arc<Object>>> {
    match admin.send(cx, Request::new(Verb::List, Kind::NODE, "", ""))? {
        Ok(Response::List { items, .. }) => Ok(items),
        Ok(_) => Ok(Vec::new()),
        Err((_, why)) => fail(format!("[upgrade/health] FATAL: {why}")),
    }
}

/// The cluster is fit to be upgraded.
fn health(cx: &mut Cx<'_, '_>, admin: &Client) -> Run {
    cx.out("[upgrade] Running cluster health checks");
    let unready: Vec<Str> = nodes(cx, admin)?
        .iter()
        .filter(|n| n.get(&["metadata", "labels", manifests::taint(cx.profile)]).is_some() && !node::ready(n))
        .map(|n| n.name().clone())
        .collect();
    if !unready.is_empty() {
        return fail(format!(
            "[upgrade/health] FATAL: [preflight] Some fatal errors occurred:\n\t[ERROR ControlPlaneNodesReady]: there are NotReady control-planes in the cluster: [{}]\n[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`",
            unready.join(" ")
        ));
    }
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let path = format!("/etc/kubernetes/manifests/{name}.yaml");
        if !client::exists(cx, &path)? {
            return fail(format!(
                "[upgrade/health] FATAL: [preflight] Some fatal errors occurred:\n\t[ERROR StaticPodManifest]: couldn't find manifest file {path}"
            ));
        }
    }
    Ok(())
}

pub fn plan(cx: &mut Cx<'_, '_>) -> Run {
    let (admin, cluster) = current(cx)?;
    health(cx, &admin)?;
    let own = cx.version.clone();
    let newest = "v1.36.2";
    cx.out("[upgrade] Fetching available versions to upgrade to");
    cx.out(format!(
        "[upgrade/versions] Cluster version: {}",
        if cx.minor() >= 30 { cluster.version.trim_start_matches('v') } else { &cluster.version }
    ));
    cx.out(format!("[upgrade/versions] kubeadm version: {own}"));
    if minor(newest) > cx.minor() {
        cx.klog(
            'I',
            "version.go:256",
            &format!("remote version is much newer: {newest}; falling back to: stable-1.{}", cx.minor()),
        )?;
    }
    let stable = last_of(cx.minor(), &own);
    cx.out(format!("[upgrade/versions] Target version: {stable}"));
    let same = last_of(minor(&cluster.version), &own);
    cx.out(format!("[upgrade/versions] Latest version in the v1.{} series: {same}\n", minor(&cluster.version)));
    let mut targets = Vec::new();
    if newer(&same, &cluster.version) {
        targets.push((same.clone(), format!("version in the v1.{} series", minor(&cluster.version))));
    }
    if newer(&stable, &cluster.version) && stable != same {
        targets.push((stable, "stable version".to_owned()));
    }
    if targets.is_empty() {
        cx.out("Awesome, you're up-to-date! Enjoy!");
        return Ok(());
    }
    let all = nodes(cx, &admin)?;
    for (target, what) in targets {
        table(cx, &cluster, &target, &what, &all);
        if newer(&target, &own) {
            cx.out(format!("Note: Before you can perform this upgrade, you have to update kubeadm to {target}.\n"));
        }
        cx.out("_____________________________________________________________________\n");
    }
    cx.out("\nThe table below shows the current state of component configs as understood by this version of kubeadm.\nConfigs that have a \"yes\" mark in the \"MANUAL UPGRADE REQUIRED\" column require manual config upgrade or\nresetting to kubeadm defaults before a successful upgrade can be performed. The version to manually\nupgrade to is denoted in the \"PREFERRED VERSION\" column.\n\nAPI GROUP                 CURRENT VERSION   PREFERRED VERSION   MANUAL UPGRADE REQUIRED\nkubeproxy.config.k8s.io   v1alpha1          v1alpha1            no\nkubelet.config.k8s.io     v1beta1           v1beta1             no\n_____________________________________________________________________\n");
    Ok(())
}

fn table(cx: &mut Cx<'_, '_>, cluster: &Cluster, target: &str, what: &str, all: &[Arc<Object>]) {
    let with_node = cx.minor() >= 31;
    cx.out("Components that must be upgraded manually after you have upgraded the control plane with 'kubeadm upgrade apply':");
    let mut rows: Vec<Vec<String>> = Vec::new();
    let header = |with_node: bool| -> Vec<String> {
        let words: &[&str] =
            if with_node { &["COMPONENT", "NODE", "CURRENT", "TARGET"] } else { &["COMPONENT", "CURRENT", "TARGET"] };
        words.iter().map(|w| (*w).to_owned()).collect()
    };
    rows.push(header(with_node));
    let version = |n: &Object| n.str(&["status", "nodeInfo", "kubeletVersion"]).to_owned();
    if with_node {
        for n in all {
            rows.push(vec!["kubelet".into(), n.name().to_string(), version(n), target.into()]);
        }
    } else {
        let mut versions: Vec<String> = all.iter().map(|n| version(n)).collect();
        versions.arrange();
        versions.dedup();
        for (i, v) in versions.iter().enumerate() {
            let count = all.iter().filter(|n| version(n) == *v).count();
            rows.push(vec![
                if i == 0 { "kubelet".into() } else { String::new() },
                format!("{count} x {v}"),
                target.into(),
            ]);
        }
    }
    columns(cx, &rows);
    cx.out(format!("\nUpgrade to the latest {what}:\n"));
    let after = Cluster { version: target.into(), ..cluster.clone() };
    let mut rows = vec![header(with_node)];
    let mut row = |name: &str, node: &str, before: &str, after: &str| {
        let mut cells = vec![name.to_owned()];
        if with_node {
            cells.push(node.to_owned());
        }
        cells.extend([before.to_owned(), after.to_owned()]);
        rows.push(cells);
    };
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        row(name, &cluster.node, &cluster.version, target);
    }
    row("kube-proxy", "", &cluster.version, target);
    let dns = |c: &Cluster| c.coredns().rsplit(':').next().unwrap_or_default().to_owned();
    row("CoreDNS", "", &dns(cluster), &dns(&after));
    row("etcd", &cluster.node, cluster.etcd(), after.etcd());
    columns(cx, &rows);
    cx.out(format!(
        "\nYou can now apply the upgrade by executing the following command:\n\n\tkubeadm upgrade apply {target}\n"
    ));
}

fn columns(cx: &mut Cx<'_, '_>, rows: &[Vec<String>]) {
    let width = |i: usize| rows.iter().map(|r| r[i].len() + 3).max().unwrap_or(0).max(10);
    for row in rows {
        let last = row.len() - 1;
        let line: String = row
            .iter()
            .enumerate()
            .map(|(i, c)| if i == last { c.clone() } else { format!("{c:<0$}", width(i)) })
            .collect();
        cx.out(line);
    }
}

fn newer(a: &str, b: &str) -> bool {
    number(a) > number(b)
}

pub fn apply(cx: &mut Cx<'_, '_>) -> Run {
    let Some(target) = cx.args.first().cloned() else {
        return fail("missing one or more required arguments. Required arguments: [version]");
    };
    let target = ecow::eco_format!("v{}", target.trim_start_matches('v'));
    let (admin, cluster) = current(cx)?;
    health(cx, &admin)?;
    let (tag, chosen) = if cx.minor() >= 32 { ("upgrade/preflight", "upgrade") } else { ("upgrade/version", "change") };
    cx.out(format!("[{tag}] You have chosen to {chosen} the cluster version to {:?}", target.as_str()));
    cx.out(format!("[upgrade/versions] Cluster version: {}", cluster.version));
    cx.out(format!("[upgrade/versions] kubeadm version: {}", cx.version));
    policy(cx, &cluster, &target, &admin)?;
    if !cx.flags.yes("yes") {
        cx.io.out("[upgrade] Are you sure you want to proceed? [y/N]: ");
        let answer = cx.io.read_line()?.unwrap_or_default();
        if !matches!(answer.trim(), "y" | "Y") {
            return fail("won't proceed; the user didn't answer (Y|y) in order to continue");
        }
    }
    let after = Cluster { version: target.clone(), ..cluster.clone() };
    pull_all(cx, &after, if cx.minor() >= 32 { "upgrade/preflight" } else { "upgrade/prepull" })?;
    static_pods(cx, &admin, &cluster, &after)?;
    let steps = cx.minor() >= 32;
    if steps {
        cx.out("[upgrade/control-plane] The control plane instance for this node was successfully upgraded!");
    }
    cx.out("[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace");
    cx.out(format!("[kubelet] Creating a ConfigMap {:?} in namespace kube-system with the configuration for the kubelets in the cluster", after.kubelet_config_map().as_str()));
    admin.put_all(cx, manifests::upload(&after))?;
    if steps {
        cx.out("[upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!");
    }
    kubelet_config(cx, &after)?;
    if steps {
        cx.out("[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!");
        cx.out("[upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules");
    }
    if minor(&after.version) == 29 {
        super_admin(cx, &admin, &after)?;
    }
    for what in [
        "Node Bootstrap tokens to get nodes",
        "Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials",
        "the csrapprover controller automatically approve CSRs from a Node Bootstrap Token",
        "certificate rotation for all node client certificates in the cluster",
    ] {
        cx.out(format!(
            "[bootstrap-token] {} RBAC rules to allow {what}",
            if cx.minor() >= 23 { "Configured" } else { "configured" }
        ));
    }
    if minor(&cluster.version) >= 29 || minor(&after.version) > 29 {
        admin.put_all(cx, manifests::admins(&after))?;
    }
    for (object, image) in [
        (
            ObjectKey::new(Kind::DEPLOYMENT, "kube-system", "coredns"),
            ecow::eco_format!("{}/{}", after.registry, after.coredns()),
        ),
        (
            ObjectKey::new(Kind::DAEMON_SET, "kube-system", "kube-proxy"),
            ecow::eco_format!("{}/kube-proxy:{target}", after.registry),
        ),
    ] {
        admin.change(cx, &object, |o| {
            if let Some(container) =
                o.entry(&["spec", "template", "spec", "containers"]).make_list().items_mut().first_mut()
            {
                container.make_map().insert("image", image.clone());
            }
        })?;
        cx.out(format!(
            "[addons] Applied essential addon: {}",
            if object.kind == Kind::DEPLOYMENT { "CoreDNS" } else { "kube-proxy" }
        ));
    }
    if cx.minor() >= 32 {
        cx.out(format!("\n[upgrade] SUCCESS! A control plane node of your cluster was upgraded to {:?}.\n\n[upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.", target.as_str()));
    } else {
        cx.out(format!("\n[upgrade/successful] SUCCESS! Your cluster was upgraded to {:?}. Enjoy!\n\n[upgrade/kubelet] Now that your control plane is upgraded, please proceed with upgrading your kubelets if you haven't already done so.", target.as_str()));
    }
    Ok(())
}

/// Since 1.29 admin.conf has its rights from a binding, and super-admin.conf is there for emergencies.
/// Models phases/upgrade/postupgrade.go of that version.
fn super_admin(cx: &mut Cx<'_, '_>, admin: &Client, after: &Cluster) -> Run {
    if client::exists(cx, "/etc/kubernetes/super-admin.conf")? {
        return Ok(());
    }
    // The binding first: the new admin.conf is worth nothing without it.
    admin.put_all(cx, manifests::admins(after))?;
    for (name, user, group) in [
        ("admin.conf", "kubernetes-admin", "kubeadm:cluster-admins"),
        ("super-admin.conf", "kubernetes-super-admin", "system:masters"),
    ] {
        let Some(text) = super::certs::kubeconfig(cx, after, user, group)? else { return Ok(()) };
        cx.out(format!("[kubeconfig] Writing {name:?} kubeconfig file"));
        client::put(cx, files::Made { path: format!("/etc/kubernetes/{name}"), text, mode: 0o600 })?;
    }
    Ok(())
}

/// What may be upgraded to what. Models phases/upgrade/policy.go.
fn policy(cx: &mut Cx<'_, '_>, cluster: &Cluster, target: &str, admin: &Client) -> Run {
    let (from, to, own) = (number(&cluster.version), number(target), number(&cx.version));
    let (mut fatal, mut skippable) = (Vec::new(), Vec::new());
    if to.0 > from.0 + 1 {
        fatal.push(format!(
            "Specified version to upgrade to {target:?} is too high; kubeadm can upgrade only 1 minor version at a time"
        ));
    } else if to.0 + 1 < from.0 {
        fatal.push(format!("Specified version to downgrade to {target:?} is too low; kubeadm can downgrade only 1 minor version at a time"));
    }
    if to > own {
        if to.0 > own.0 {
            fatal.push(format!("Specified version to upgrade to {target:?} is at least one minor release higher than the kubeadm minor release ({} > {}). Such an upgrade is not supported", to.0, own.0));
        } else {
            skippable.push(format!("Specified version to upgrade to {target:?} is higher than the kubeadm version {:?}. Upgrade kubeadm first using the tool you used to install kubeadm", cx.version.as_str()));
        }
    }
    let old: Vec<String> = nodes(cx, admin)?
        .iter()
        .map(|n| n.str(&["status", "nodeInfo", "kubeletVersion"]).to_owned())
        .filter(|v| minor(v) + 3 < to.0)
        .collect();
    if !old.is_empty() {
        skippable.push(format!(
            "There are kubelets in this cluster that are too old that have these versions [{}]",
            old.join(" ")
        ));
    }
    let list = |errors: &[String]| errors.iter().map(|e| format!("\t- {e}\n")).collect::<String>();
    if !fatal.is_empty() {
        let all: Vec<String> = fatal.into_iter().chain(skippable).collect();
        return fail(format!(
            "[upgrade/version] FATAL: the --version argument is invalid due to these fatal errors:\n\n{}\nPlease fix the misalignments highlighted above and try upgrading again",
            list(&all)
        ));
    }
    if !skippable.is_empty() && !cx.flags.yes("force") {
        return fail(format!(
            "[upgrade/version] FATAL: the --version argument is invalid due to these errors:\n\n{}\nCan be bypassed if you pass the --force flag",
            list(&skippable)
        ));
    }
    Ok(())
}

/// Replaces the manifests one after the other and waits until the kubelet has restarted each.
fn static_pods(cx: &mut Cx<'_, '_>, admin: &Client, before: &Cluster, after: &Cluster) -> Run {
    let (tag, word) = if cx.minor() >= 32 { ("upgrade/control-plane", "static") } else { ("upgrade/apply", "Static") };
    cx.out(format!(
        "[{tag}] Upgrading your {word} Pod-hosted control plane to version {:?} (timeout: 5m0s)...",
        after.version.as_str()
    ));
    let stamp = cx.io.now()?;
    let (y, mo, d, h, mi, s) = stamp.civil();
    let folder = format!("/etc/kubernetes/tmp/kubeadm-backup-manifests-{y:04}-{mo:02}-{d:02}-{h:02}-{mi:02}-{s:02}");
    let fresh = format!("/etc/kubernetes/tmp/kubeadm-upgraded-manifests{}", cx.io.random()? % 1_000_000_000);
    let made = files::static_pods(after);
    let (etcd, others): (Vec<_>, Vec<_>) = made.into_iter().partition(|f| f.path.ends_with("etcd.yaml"));
    let writing = format!("[upgrade/staticpods] Writing new Static Pod manifests to {fresh:?}");
    let first = cx.minor() >= 31;
    if first {
        cx.out(&writing);
    } else {
        cx.out("[upgrade/etcd] Upgrading to TLS for etcd");
    }
    // An etcd of that version already is left alone.
    if before.etcd() != after.etcd() {
        cx.out("[upgrade/staticpods] Preparing for \"etcd\" upgrade");
        renew(cx, &["etcd-server", "etcd-peer", "etcd-healthcheck-client"])?;
        replace(cx, admin, etcd, "etcd", &folder)?;
        cx.out("[upgrade/etcd] Waiting for etcd to become available");
    }
    if !first {
        cx.out(&writing);
    }
    for file in others {
        let name = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".yaml").to_owned();
        cx.out(format!("[upgrade/staticpods] Preparing for {name:?} upgrade"));
        renew(
            cx,
            match name.as_str() {
                "kube-apiserver" => {
                    &["apiserver", "apiserver-kubelet-client", "front-proxy-client", "apiserver-etcd-client"]
                }
                "kube-controller-manager" => &["controller-manager.conf"],
                _ => &["scheduler.conf"],
            },
        )?;
        replace(cx, admin, vec![file], &name, &folder)?;
    }
    if cx.flags.yes("certificate-renewal") {
        for name in ["admin.conf", "super-admin.conf"] {
            super::certs::renew_one(cx, name)?;
        }
    }
    Ok(())
}

/// Renews certificates of a component that is about to be replaced.
fn renew(cx: &mut Cx<'_, '_>, names: &[&str]) -> Run {
    if !cx.flags.yes("certificate-renewal") {
        return Ok(());
    }
    for name in names {
        cx.out(format!("[upgrade/staticpods] Renewing {name} certificate"));
        super::certs::renew_one(cx, name)?;
    }
    Ok(())
}

fn replace(cx: &mut Cx<'_, '_>, admin: &Client, made: Vec<files::Made>, name: &str, folder: &str) -> Run {
    let key = ObjectKey::new(Kind::POD, "kube-system", ecow::eco_format!("{name}-{}", cx.node));
    let hash = |o: &Object| Str::from(o.str(&["metadata", "annotations", "kubernetes.io/config.hash"]));
    let before = admin.get(cx, &key)?.map(|o| hash(&o)).unwrap_or_default();
    for file in made {
        let old = cx.io.read_file(&file.path)?.unwrap_or_default();
        if old == file.text.as_str() {
            cx.out(format!("[upgrade/staticpods] Current and new manifests of {name} are equal, skipping upgrade"));
            return Ok(());
        }
        let backup = format!("{folder}/{name}.yaml");
        client::put(cx, files::Made { path: backup.clone(), text: old.to_string(), mode: 0o600 })?;
        let path = file.path.clone();
        client::put(cx, file)?;
        let moved = if cx.minor() >= 31 { "Moving new manifest" } else { "Moved new manifest" };
        let backed = if cx.minor() >= 31 { "backing up old manifest" } else { "backed up old manifest" };
        cx.out(format!("[upgrade/staticpods] {moved} to {path:?} and {backed} to {backup:?}"));
    }
    cx.out("[upgrade/staticpods] Waiting for the kubelet to restart the component");
    cx.out(format!(
        "[upgrade/staticpods] This {} take a minute or longer depending on the component/version gap (timeout 5m0s)",
        if cx.minor() >= 30 { "can" } else { "might" }
    ));
    let began = cx.io.now()?;
    loop {
        cx.io.sleep(Duration::secs(1))?;
        if let Ok(new) = admin.get(cx, &key)?
            && hash(&new) != before
            && pod::phase(&new) == "Running"
            && (name != "kube-apiserver" || client::healthy(cx, admin)?)
        {
            break;
        }
        if cx.io.now()?.since(began) >= PATIENCE {
            return fail(
                "[upgrade/apply] FATAL: couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: timed out waiting for the condition",
            );
        }
    }
    let label = format!("component={name}");
    cx.out(format!("[apiclient] Found 1 Pods for label selector {label}"));
    cx.out(format!("[upgrade/staticpods] Component {name:?} upgraded successfully!"));
    Ok(())
}

fn kubelet_config(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run {
    let old = cx.io.read_file(files::KUBELET_CONFIG)?.unwrap_or_default();
    let folder = format!("/etc/kubernetes/tmp/kubeadm-kubelet-config{}", cx.io.random()? % 1_000_000_000);
    client::put(cx, files::Made { path: format!("{folder}/config.yaml"), text: old.to_string(), mode: 0o644 })?;
    cx.out(format!("[upgrade] Backing up kubelet config file to {folder}/config.yaml"));
    cx.out(format!("[kubelet-start] Writing kubelet configuration to file {:?}", files::KUBELET_CONFIG));
    client::put(
        cx,
        files::Made { path: files::KUBELET_CONFIG.into(), text: files::kubelet_config(cluster), mode: 0o644 },
    )
}

/// On the other nodes: their kubelet's configuration, from the cluster.
pub fn node(cx: &mut Cx<'_, '_>) -> Run {
    let control_plane = client::exists(cx, "/etc/kubernetes/manifests/kube-apiserver.yaml")?;
    let path = if control_plane { files::ADMIN } else { files::KUBELET_CONF };
    if cx.minor() >= 32 {
        cx.out("[upgrade] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...");
        cx.out("[upgrade] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.");
    } else {
        cx.out("[upgrade] Reading configuration from the cluster...");
        cx.out("[upgrade] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config -o yaml'");
    }
    let client = match Client::of(cx, path) {
        Err(super::Fail::Error(_)) => {
            return fail(format!(
                "couldn't create a Kubernetes client from file {path:?}: failed to load admin kubeconfig: open {path}: no such file or directory"
            ));
        }
        other => other?,
    };
    let map = match config_map(cx, &client, "kube-system", "kubeadm-config") {
        Err(super::Fail::Error(why)) => {
            return fail(format!("unable to fetch the kubeadm-config ConfigMap: failed to get config map: {why}"));
        }
        other => other?,
    };
    let mut cluster = config::of_cluster(cx, map.str(&["data", "ClusterConfiguration"]), &client.server.ip);
    cluster.port = client.server.port;
    let steps = cx.minor() >= 32;
    let tag = |step: &str| if steps { format!("upgrade/{step}") } else { "upgrade".to_owned() };
    let check = if steps { "upgrade/preflight" } else { "preflight" };
    cx.out(format!("[{check}] Running pre-flight checks"));
    let skip = |cx: &mut Cx<'_, '_>, step: &str| {
        cx.out(format!("[{}] Skipping phase. Not a control plane node.", tag(step)));
    };
    if !control_plane {
        cx.out(format!("[{check}] Skipping prepull. Not a control plane node."));
        skip(cx, "control-plane");
        if steps {
            skip(cx, "kubeconfig");
        }
    } else {
        pull_all(cx, &cluster, if steps { "upgrade/preflight" } else { "preflight" })?;
        let own = on_this_node(cx, &cluster)?;
        static_pods(cx, &client, &own, &cluster)?;
        cx.out(format!(
            "[{}] The control plane instance for this node was successfully {}!",
            tag("control-plane"),
            if steps { "upgraded" } else { "updated" }
        ));
    }
    kubelet_config(cx, &cluster)?;
    if steps {
        cx.out("[upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!");
        for addon in ["coredns", "kube-proxy"] {
            let why = if control_plane { "" } else { " Not a control plane node." };
            cx.out(format!("[upgrade/addon] Skipping the addon/{addon} phase.{why}"));
        }
    } else {
        cx.out("[upgrade] The configuration for this node was successfully updated!");
        cx.out("[upgrade] Now you should go ahead and upgrade the kubelet package using your package manager.");
    }
    Ok(())
}

fn pull_all(cx: &mut Cx<'_, '_>, cluster: &Cluster, tag: &str) -> Run {
    cx.out(format!("[{tag}] Pulling images required for setting up a Kubernetes cluster"));
    cx.out(format!("[{tag}] This might take a minute or two, depending on the speed of your internet connection"));
    let word = if cx.minor() >= 30 { "beforehand" } else { "in beforehand" };
    cx.out(format!("[{tag}] You can also perform this action {word} using 'kubeadm config images pull'"));
    preflight::sandbox_image(cx, cluster)?;
    for image in cluster.images() {
        if let Err(why) = client::pull(cx, &image)? {
            return fail(format!(
                "[preflight] Some fatal errors occurred:\n\t[ERROR ImagePull]: failed to pull image {image}: {why}"
            ));
        }
    }
    Ok(())
}

/// The cluster as this machine's manifests still have it: a second control plane is upgraded after the first.
fn on_this_node(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run<Cluster> {
    let text = cx.io.read_file("/etc/kubernetes/manifests/kube-apiserver.yaml")?.unwrap_or_default();
    let tag = files::line(&text, "image").and_then(|i| i.rsplit_once(':')).map(|(_, tag)| Str::from(tag));
    Ok(Cluster { version: tag.unwrap_or_else(|| cluster.version.clone()), ..cluster.clone() })
}
