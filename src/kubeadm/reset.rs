//! `kubeadm reset`: takes back what init or join made.
//! Models cmd/kubeadm/app/cmd/reset.go.

use super::client::{self, Client, exists};
use super::{Cx, IGNORE, Run, SOCKET, fail, preflight};
use crate::addons::files;
use crate::kubectl::flags::{self, Flag};

pub const FLAGS: &[Flag] = &[
    IGNORE,
    SOCKET,
    flags::text("cert-dir", "", "/etc/kubernetes/pki"),
    flags::yes("force", "f"),
    flags::yes("cleanup-tmp-dir", ""),
];

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let book = cx.minor() < 20;
    if exists(cx, files::ADMIN)? {
        cx.out("[reset] Reading configuration from the cluster...");
        cx.out(format!(
            "[reset] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config {}'",
            if book { "-oyaml" } else { "-o yaml" }
        ));
        let admin = Client::of(cx, files::ADMIN)?;
        if let Err(super::Fail::Error(why)) = client::config_map(cx, &admin, "kube-system", "kubeadm-config") {
            let text = format!(
                "[reset] Unable to fetch the kubeadm-config ConfigMap from cluster: failed to get config map: {why}"
            );
            cx.klog('W', if book { "reset.go:99" } else { "reset.go:124" }, &text)?;
        }
    }
    if !cx.flags.yes("force") {
        let warning =
            "[reset] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted.";
        if book {
            cx.out(warning)
        } else {
            cx.klog('W', "preflight.go:56", warning)?
        }
        cx.io.out("[reset] Are you sure you want to proceed? [y/N]: ");
        let answer = cx.io.read_line()?.unwrap_or_default();
        if !matches!(answer.trim(), "y" | "Y") {
            let why = if book {
                "Aborted reset operation"
            } else {
                "won't proceed; the user didn't answer (Y|y) in order to continue"
            };
            return fail(format!("error execution phase preflight: {why}"));
        }
    }
    cx.out("[preflight] Running pre-flight checks");
    preflight::root(cx)?;
    let etcd = exists(cx, "/etc/kubernetes/manifests/etcd.yaml")?;
    if book {
        cx.klog('W', "removeetcdmember.go:79", "[reset] No kubeadm config, using etcd pod spec to get data directory")?;
    } else {
        cx.klog(
            'W',
            "removeetcdmember.go:106",
            "[reset] No kubeadm config, using etcd pod spec to get data directory",
        )?;
    }
    if !etcd {
        cx.out("[reset] No etcd config found. Assuming external etcd");
        cx.out("[reset] Please, manually reset etcd to prevent further issues");
    } else if !book {
        cx.out("[reset] Deleted contents of the etcd data directory: /var/lib/etcd");
    }
    cx.out("[reset] Stopping the kubelet service");
    client::systemctl(cx, "stop", "kubelet")?;
    cx.out("[reset] Unmounting mounted directories in \"/var/lib/kubelet\"");
    cx.io.call("remove-containers", crate::api::Value::Null)?;
    if etcd {
        cx.io.call("etcd-wipe", crate::api::Value::Null)?;
    }
    let folders: Vec<&str> = match (book, etcd) {
        (true, true) => {
            vec!["/var/lib/etcd", "/var/lib/kubelet", "/var/lib/dockershim", "/var/run/kubernetes", "/var/lib/cni"]
        }
        (true, false) => vec!["/var/lib/kubelet", "/var/lib/dockershim", "/var/run/kubernetes", "/var/lib/cni"],
        _ => Vec::new(),
    };
    let config = ["/etc/kubernetes/manifests", "/etc/kubernetes/pki"];
    if book {
        cx.out(format!("[reset] Deleting contents of config directories: [{}]", config.join(" ")));
    } else {
        cx.out("[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki]");
    }
    let mut confs =
        vec!["admin.conf", "kubelet.conf", "bootstrap-kubelet.conf", "controller-manager.conf", "scheduler.conf"];
    if cx.minor() >= 29 {
        confs.insert(1, "super-admin.conf");
    }
    let confs: Vec<String> = confs.into_iter().map(|f| format!("/etc/kubernetes/{f}")).collect();
    cx.out(format!("[reset] Deleting files: [{}]", confs.join(" ")));
    if book {
        cx.out(format!("[reset] Deleting contents of stateful directories: [{}]", folders.join(" ")));
    }
    for folder in config.iter().copied().chain(["/var/lib/kubelet"]) {
        empty(cx, folder)?;
    }
    for file in confs {
        cx.io.call("remove", file.into())?;
    }
    let cni = "The reset process does not clean CNI configuration. To do so, you must remove /etc/cni/net.d";
    let tables = "The reset process does not reset or clean up iptables rules or IPVS tables.\nIf you wish to reset iptables, you must do so manually by using the \"iptables\" command.\n\nIf your cluster was setup to utilize IPVS, run ipvsadm --clear (or similar)\nto reset your system's IPVS tables.\n\nThe reset process does not clean your kubeconfig files and you must remove them manually.\nPlease, check the contents of the $HOME/.kube/config file.";
    cx.out(if cx.minor() >= 34 {
        "\nThe reset process does not perform cleanup of CNI plugin configuration,\nnetwork filtering rules and kubeconfig files.\n\nFor information on how to perform this cleanup manually, please see:\n    https://k8s.io/docs/reference/setup-tools/kubeadm/kubeadm-reset/\n".to_owned()
    } else {
        format!("\n{cni}\n\n{tables}")
    });
    Ok(())
}

/// Removes what is in a folder, but not the folder.
fn empty(cx: &mut Cx<'_, '_>, folder: &str) -> Run {
    let names = cx.io.call("list-dir", folder.into())?;
    for name in names.items() {
        let name = name.as_str().trim_end_matches('/');
        cx.io.call("remove", format!("{folder}/{name}").into())?;
    }
    Ok(())
}
