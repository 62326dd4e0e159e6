//! What the kubelet writes to its journal: how it starts, and what does not work, in each version's
//! words (klog's text in 1.18, structured since).

use super::Kubelet;
use super::worker::Worker;
use crate::base::Str;
use crate::machine::systemd;
use crate::sim::{Ctx, NetError, Profile, Reply};

impl Kubelet {
    /// One line of klog: `E0105 09:00:12.345678     616 kubelet.go:2187] TEXT`.
    pub(super) fn log(&self, ctx: &mut Ctx<'_>, level: char, place: &str, text: &str) {
        let (machine, me) = (ctx.machine, ctx.me);
        let (_, month, day, h, m, s) = ctx.now().civil();
        let micros = ctx.now().0 % 1_000_000;
        let pid = ctx.host().processes.values().find(|p| p.actor == Some(me)).map_or(0, |p| p.pid);
        let line =
            ecow::eco_format!("{level}{month:02}{day:02} {h:02}:{m:02}:{s:02}.{micros:06} {pid:>7} {place}] {text}");
        systemd::log(ctx.world, machine, "kubelet", line);
    }
    fn book(&self) -> bool {
        self.profile == Profile::Book
    }

    pub(super) fn log_start(&self, ctx: &mut Ctx<'_>) {
        let version = ctx.host().version_of("kubelet").unwrap_or_default();
        let version = format!("v{}", version.split('-').next().unwrap_or_default());
        let node = &self.node_name;
        if self.book() {
            self.log(ctx, 'I', "server.go:417", &format!("Version: {version}"));
            self.log(ctx, 'I', "kubelet.go:292", "Adding pod path: /etc/kubernetes/manifests");
            self.log(ctx, 'I', "kubelet.go:317", "Watching apiserver");
            self.log(ctx, 'I', "kubelet_node_status.go:70", &format!("Attempting to register node {node}"));
        } else {
            self.log(ctx, 'I', "server.go:525", &format!("\"Kubelet version\" kubeletVersion=\"{version}\""));
            self.log(ctx, 'I', "kubelet.go:394", "\"Adding static pod path\" path=\"/etc/kubernetes/manifests\"");
            self.log(ctx, 'I', "kubelet.go:387", "\"Adding apiserver pod source\"");
            self.log(ctx, 'I', "kubelet_node_status.go:75", &format!("\"Attempting to register node\" node={node:?}"));
        }
    }

    pub(super) fn log_registered(&self, ctx: &mut Ctx<'_>) {
        let node = &self.node_name;
        if self.book() {
            self.log(ctx, 'I', "kubelet_node_status.go:73", &format!("Successfully registered node {node}"));
        } else {
            self.log(ctx, 'I', "kubelet_node_status.go:78", &format!("\"Successfully registered node\" node={node:?}"));
        }
    }

    /// `Put "https://…": dial tcp …`, if the reply tells of the network.
    fn unreached(&self, method: &str, path: &str, reply: &Reply) -> Option<String> {
        let at = format!("{}:{}", self.server.ip, self.server.port);
        let url = format!("https://{at}{path}?timeout=10s");
        let url = if self.book() { url } else { format!("{url:?}") };
        Some(match reply {
            Err(NetError::Timeout) => format!("{method} {url}: context deadline exceeded"),
            Err(e) => format!("{method} {url}: {}", e.told(&at)),
            Ok(crate::api::Response::Error(status)) => status.message.to_string(),
            Ok(_) => return None,
        })
    }

    pub(super) fn log_lease_failed(&self, ctx: &mut Ctx<'_>, writing: bool, reply: &Reply) {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{}", self.node_name);
        let Some(why) = self.unreached(if writing { "Put" } else { "Get" }, &path, reply) else { return };
        match (self.book(), writing) {
            (true, true) => {
                self.log(ctx, 'E', "controller.go:178", &format!("failed to update node lease, error: {why}"))
            }
            (true, false) => self.log(
                ctx,
                'E',
                "controller.go:136",
                &format!("failed to ensure node lease exists, will retry in 7s, error: {why}"),
            ),
            (false, true) => {
                self.log(ctx, 'E', "controller.go:195", &format!("\"Failed to update lease\" err={why:?}"))
            }
            (false, false) => self.log(
                ctx,
                'E',
                "controller.go:145",
                &format!("\"Failed to ensure lease exists, will retry\" err={why:?} interval=\"7s\""),
            ),
        }
    }

    pub(super) fn log_node_failed(&self, ctx: &mut Ctx<'_>, reply: &Reply) {
        let node = &self.node_name;
        let Some(why) = self.unreached("Get", &format!("/api/v1/nodes/{node}"), reply) else { return };
        let why = format!("error getting node \"{node}\": {why}");
        if self.book() {
            self.log(ctx, 'E', "kubelet_node_status.go:402", &format!("Error updating node status, will retry: {why}"));
        } else {
            let text = format!("\"Error updating node status, will retry\" err={why:?}");
            self.log(ctx, 'E', "kubelet_node_status.go:549", &text);
        }
    }

    pub(super) fn log_register_failed(&self, ctx: &mut Ctx<'_>, reply: &Reply) {
        let node = &self.node_name;
        let Some(why) = self.unreached("Post", "/api/v1/nodes", reply) else { return };
        let why = why.replace("?timeout=10s", "");
        if self.book() {
            let text = format!("Unable to register node \"{node}\" with API server: {why}");
            self.log(ctx, 'E', "kubelet_node_status.go:92", &text);
            self.log(ctx, 'E', "kubelet.go:2267", &format!("node \"{node}\" not found"));
        } else {
            let text = format!("\"Unable to register node with API server\" err={why:?} node={node:?}");
            self.log(ctx, 'E', "kubelet_node_status.go:107", &text);
        }
    }

    /// What the round over the runtime's state finds wrong.
    pub(super) fn log_runtime(&self, ctx: &mut Ctx<'_>, network: bool) {
        if let Some(since) = self.runtime_down {
            let ago = ctx.now().since(since).as_secs();
            let why = crate::runtime::unreachable(self.profile);
            if self.book() {
                let text = format!("ListPodSandbox with filter nil from runtime service failed: {why}");
                self.log(ctx, 'E', "remote_runtime.go:182", &text);
                let text = format!(
                    "skipping pod synchronization - PLEG is not healthy: pleg was last seen active {ago}s ago; threshold is 3m0s"
                );
                return self.log(ctx, 'E', "kubelet.go:1845", &text);
            }
            let text = format!("\"Container runtime sanity check failed\" err={:?}", why);
            return self.log(ctx, 'E', "kubelet.go:3011", &text);
        }
        if network {
            return;
        }
        if self.book() {
            self.log(ctx, 'W', "cni.go:237", "Unable to update cni config: no networks found in /etc/cni/net.d");
            self.log(ctx, 'E', "kubelet.go:2187", "Container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized");
        } else {
            self.log(ctx, 'E', "kubelet.go:3130", "\"Container runtime network not ready\" networkReady=\"NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized\"");
        }
    }

    /// A container that has to wait: back-off of its restarts or pulls.
    pub(super) fn log_waiting(&self, ctx: &mut Ctx<'_>, w: &Worker, container: &str, reason: &str, why: &Str) {
        let key = &w.pod.key;
        if self.book() {
            let text = format!(
                "Error syncing pod {uid} (\"{}_{}({uid})\"), skipping: failed to \"StartContainer\" for {container:?} with {reason}: {why:?}",
                key.name,
                key.namespace,
                uid = w.uid
            );
            self.log(ctx, 'E', "pod_workers.go:191", &text);
        } else {
            let inner = format!("failed to \"StartContainer\" for {container:?} with {reason}: {why:?}");
            let pod = format!("{}/{}", key.namespace, key.name);
            let text = format!("\"Error syncing pod, skipping\" err={inner:?} pod={pod:?} podUID={:?}", w.uid);
            self.log(ctx, 'E', "pod_workers.go:1324", &text);
        }
    }

    pub(super) fn log_probe(&self, ctx: &mut Ctx<'_>, w: &Worker, container: &str, kind: &str, why: &str) {
        let key = &w.pod.key;
        if self.book() {
            let text = format!(
                "{kind} probe for \"{}_{}({}):{container}\" failed (failure): {why}",
                key.name, key.namespace, w.uid
            );
            self.log(ctx, 'I', "prober.go:117", &text);
        } else {
            let pod = format!("{}/{}", key.namespace, key.name);
            let text = format!(
                "\"Probe failed\" probeType={kind:?} pod={pod:?} podUID={:?} containerName={container:?} probeResult=\"failure\" output={why:?}",
                w.uid
            );
            self.log(ctx, 'I', "prober.go:120", &text);
        }
    }
}
