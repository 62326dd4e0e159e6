//! calico-node: installs the CNI configuration, programs tunnel, routes and policies, and tells the API that
//! the node's network is up. Felix, BIRD and the install-cni container in one.
//! Models projectcalico/node as far as a learner sees it.

use super::{cni, ipam};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response};
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::kubelet;
use crate::machine::Machine;
use crate::runtime::process;
use crate::sim::informer::Informer;
use crate::sim::world::NAT;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile};

#[derive(Clone, Debug)]
pub struct Calico {
    server: Endpoint,
    node: Str,
    ready: bool,
    /// NetworkPolicies; pods and namespaces only once there is a policy.
    watches: [Informer; 3],
    watching: bool,
}

const TIMER_READY: u16 = 1;
const TIMER_RETRY: u16 = 2;
const TIMER_REFRESH: u16 = 3;
/// Felix looks at the routes this often.
const REFRESH: Duration = Duration::secs(90);
const USER: &str = "system:serviceaccount:kube-system:calico-node";
const TOKEN_GET: u64 = 1;
const TOKEN_UPDATE: u64 = 2;
const TOKEN_POOL: u64 = 3;
/// Where nobody names one.
const DEFAULT_POOL: &str = "192.168.0.0/16";

/// Packets between the pods of two machines are lost where bridged traffic is hidden from iptables
/// once the interfaces were rebuilt (the lab's finding, see docs/FIDELITY.md).
pub fn kernel_ready(machine: &Machine) -> bool {
    machine.modules.contains("br_netfilter")
}

impl Calico {
    pub fn new(server: Endpoint, node: &str) -> Calico {
        let watch = |kind, token| Informer::new(kind, server.clone(), USER, token);
        let watches = [watch(Kind::NETWORK_POLICY, 10), watch(Kind::POD, 12), watch(Kind::NAMESPACE, 14)];
        Calico { server, node: node.into(), ready: false, watches, watching: false }
    }

    /// Whether Felix and BIRD report ready.
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// A setting of the container that this is the main process of.
    fn setting(ctx: &Ctx<'_>, name: &str) -> Option<Str> {
        let mine = ctx.host().runtime.containers.values().find(|c| c.actor == Some(ctx.me))?;
        mine.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// The node's address, as the pod network uses it. Models node/pkg/lifecycle/startup/autodetection:
    /// `kubernetes-internal-ip`, else the first interface, which is that of the provider's NAT.
    fn detect(&self, ctx: &Ctx<'_>) -> Str {
        // The book's box lists the lab's interface first.
        if ctx.world.config.profile == Profile::Book {
            return ctx.host().ip.clone();
        }
        match Calico::setting(ctx, "IP_AUTODETECTION_METHOD").as_deref() {
            Some("kubernetes-internal-ip") => kubelet::node_address(ctx.host(), &self.node),
            Some(m) if m.starts_with("interface=") || m.starts_with("cidr=") || m.starts_with("can-reach=") => {
                ctx.host().ip.clone()
            }
            _ => NAT.into(),
        }
    }

    /// Another node has this address already: calico-node gives up, to be started again.
    fn conflict(&self, ctx: &mut Ctx<'_>, address: &str) -> bool {
        let machine = ctx.machine;
        let other = ctx.world.machines().enumerate().find(|(i, m)| *i as u32 != machine && m.net.address == address);
        let Some(other) = other.map(|(_, m)| m.name.clone()) else { return false };
        let Some(id) = ctx.host().runtime.containers.values().find(|c| c.actor == Some(ctx.me)).map(|c| c.id.clone())
        else {
            return false;
        };
        let text = format!(
            "startup/startup.go: Calico node '{other}' is already using the IPv4 address {address}.\nstartup/startup.go: Terminating\nCalico node failed to start\n"
        );
        process::write_log(ctx, &id, &text);
        process::exit(ctx.world, machine, &id, 1, true, ctx.cause);
        true
    }

    /// The pool is the manifest's, or what kubeadm was told. Models extractKubeadmCIDRs.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        match Calico::setting(ctx, "CALICO_IPV4POOL_CIDR") {
            Some(pool) => self.come_up(ctx, &pool),
            None => {
                let key = ObjectKey::new(Kind::CONFIG_MAP, "kube-system", "kubeadm-config");
                let request = self.sign(Request::get(&key));
                ctx.request(&self.server, TOKEN_POOL, request);
            }
        }
    }

    fn come_up(&mut self, ctx: &mut Ctx<'_>, pool: &str) {
        let (now, machine, machines) = (ctx.now(), ctx.machine, ctx.world.machines().len() as u32);
        let node = self.node.clone();
        let address = self.detect(ctx);
        if self.conflict(ctx, &address) {
            return;
        }
        ctx.host_mut().net.address = address;
        // A pool is made once; machines that have blocks keep theirs.
        if let Some(pool) = ipam::Pool::parse(pool).filter(|_| ctx.host().net.blocks.is_empty()) {
            ctx.host_mut().net.pool = pool;
        }
        let host = ctx.host_mut();
        if host.read(cni::CONF).is_none() {
            host.write(cni::CONF, CONFLIST, now);
        }
        host.write(cni::NODENAME, node, now);
        host.modules.insert("ipip".into());
        host.modules.insert("tunnel4".into());
        host.net.routes = kernel_ready(host);
        if host.net.blocks.is_empty() {
            // The first address of a machine is its tunnel's.
            let tunnel = ipam::allocate(&mut host.net.blocks, host.net.pool, machine, machines);
            debug_assert!(tunnel.is_some());
        }
        self.ready = true;
        self.watches[0].start(ctx);
        self.ask(ctx);
        ctx.timer(REFRESH, TIMER_REFRESH, "");
    }

    /// Felix: brings the kernel's rules to what the API says. What the one before left stays until all is known.
    fn felix(&mut self, ctx: &mut Ctx<'_>, mut msg: Msg) {
        let before = self.watches.iter().all(Informer::synced);
        for i in 0..self.watches.len() {
            let deltas = match self.watches[i].handle(ctx, msg) {
                Ok(deltas) => deltas,
                Err(other) => {
                    msg = other;
                    continue;
                }
            };
            if i == 0 && !self.watches[0].is_empty() && !self.watching {
                self.watching = true;
                self.watches[1].start(ctx);
                self.watches[2].start(ctx);
            }
            let synced = self.watches.iter().all(Informer::synced);
            let policy = &mut ctx.host_mut().net.policy;
            if synced && !before {
                for watch in &self.watches {
                    *policy.table(watch.kind) = watch.iter().map(|o| (o.key.clone(), o.clone())).collect();
                }
            } else if synced {
                for delta in deltas {
                    let table = policy.table(delta.key.kind);
                    match delta.new {
                        Some(object) => table.insert(delta.key, object),
                        None => table.remove(&delta.key),
                    };
                }
            }
            return;
        }
    }

    fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::NODE, "", self.node.clone())
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        let request = self.sign(Request::get(&self.key()));
        ctx.request(&self.server, TOKEN_GET, request);
    }

    fn sign(&self, request: Request) -> Request {
        let user = USER.into();
        Request { user, user_agent: "calico-node".into(), ..request }
    }

    /// Posts `NetworkUnavailable=False`, `CalicoIsUp`.
    fn announce(&mut self, ctx: &mut Ctx<'_>, node: &Object) {
        let mut node = node.clone();
        let at = ctx.now().rfc3339();
        let condition = map! {
            "lastHeartbeatTime" => &at,
            "lastTransitionTime" => &at,
            "message" => "Calico is running on this node",
            "reason" => "CalicoIsUp",
            "status" => "False",
            "type" => "NetworkUnavailable",
        };
        let conditions = node.entry(&["status", "conditions"]).make_list().make_mut();
        conditions.retain(|c| c.str("type") != "NetworkUnavailable");
        conditions.insert(0, condition.into());
        let request = self.sign(Request::update_status(node));
        ctx.request(&self.server, TOKEN_UPDATE, request);
    }
}

impl Component for Calico {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                let wait = ctx.rng.between(Duration::millis(900), Duration::millis(2_500));
                ctx.timer(wait, TIMER_READY, "");
            }
            Msg::Timer(TIMER_READY, _) => self.begin(ctx),
            Msg::Response(TOKEN_POOL, Ok(Response::Object(map))) => {
                let text = map.str(&["data", "ClusterConfiguration"]);
                let range = text.lines().find_map(|l| l.trim().strip_prefix("podSubnet:"));
                self.come_up(ctx, range.map_or(DEFAULT_POOL, str::trim));
            }
            Msg::Response(TOKEN_POOL, Ok(Response::Error(e))) if e.reason == Reason::NotFound => {
                self.come_up(ctx, DEFAULT_POOL);
            }
            Msg::Response(TOKEN_POOL, _) => ctx.timer(Duration::secs(2), TIMER_READY, ""),
            Msg::Timer(TIMER_RETRY, _) => self.ask(ctx),
            Msg::Timer(TIMER_REFRESH, _) => {
                if !ctx.host().net.routes && kernel_ready(ctx.host()) {
                    ctx.host_mut().net.routes = true;
                }
                ctx.timer(REFRESH, TIMER_REFRESH, "");
            }
            Msg::Response(TOKEN_GET, Ok(Response::Object(node))) => self.announce(ctx, &node),
            Msg::Response(TOKEN_UPDATE, Ok(Response::Object(_))) => {}
            Msg::Response(TOKEN_GET | TOKEN_UPDATE, _) => ctx.timer(Duration::secs(2), TIMER_RETRY, ""),
            other => self.felix(ctx, other),
        }
    }

    component_boilerplate!();
}

/// What the install-cni container of calico 3.x writes.
const CONFLIST: &str = r#"{
  "name": "k8s-pod-network",
  "cniVersion": "0.3.1",
  "plugins": [
    {
      "type": "calico",
      "log_level": "info",
      "datastore_type": "kubernetes",
      "mtu": 1440,
      "ipam": {
          "type": "calico-ipam"
      },
      "policy": {
          "type": "k8s"
      },
      "kubernetes": {
          "kubeconfig": "/etc/cni/net.d/calico-kubeconfig"
      }
    },
    {
      "type": "portmap",
      "snat": true,
      "capabilities": {"portMappings": true}
    },
    {
      "type": "bandwidth",
      "capabilities": {"bandwidth": true}
    }
  ]
}
"#;
