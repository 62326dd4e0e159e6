//! The pod network: Calico-like address blocks and routes, kube-proxy's rules, CoreDNS, and the path
//! a packet walks through them. What the kernel of a machine holds lies in [`NetState`] and outlives
//! the processes that programmed it.
//!
//! Not here: IPv6, UDP beyond name service, bandwidth.

pub mod calico;
pub mod cni;
pub mod dns;
pub mod http;
pub mod ingress;
pub mod ipam;
pub mod keepalived;
pub mod path;
pub mod policy;
pub mod proxy;

use std::sync::Arc;

use crate::api::{Object, ObjectKey};
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Str, Time};
use crate::sim::{ActorId, TraceId, World};

pub use calico::Calico;
pub use cni::{cni_add, cni_del};
pub use dns::{CoreDns, resolve};
pub use keepalived::Keepalived;
pub use path::{Connection, Outcome, Peer, RULES, Why, connect, loopback_only};
pub use proxy::KubeProxy;

/// What a machine's kernel knows of the pod network.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NetState {
    /// Address blocks this machine has claimed. Claims lie in Calico's store, so a reboot keeps them.
    pub blocks: Vector<ipam::Block>,
    /// Where blocks are claimed.
    pub pool: ipam::Pool,
    /// The address that the pod network uses for this machine; empty: it has not come up yet.
    pub address: Str,
    /// Tunnel and routes to the other machines' blocks are in place.
    pub routes: bool,
    /// kube-proxy's rules: the services and the backends they were made from.
    pub services: OrdMap<ObjectKey, Arc<Object>>,
    pub backends: OrdMap<ObjectKey, Arc<Object>>,
    /// Which backend a client of a sticky service had last, and when: (service, address) → address.
    pub affinity: OrdMap<(Str, Str), (Str, Time)>,
    /// Felix's rules.
    pub policy: policy::Policies,
    /// Addresses beside its own that it answers ARP for, each while that process lives.
    pub announced: OrdMap<Str, ActorId>,
}

impl NetState {
    /// What a reboot leaves: claims, but no rules and no routes.
    pub fn after_boot(&self) -> NetState {
        NetState { blocks: self.blocks.clone(), pool: self.pool, ..NetState::default() }
    }
}

/// `systemctl restart network`: interfaces go down and up again, which takes Calico's tunnel and
/// routes along. Felix puts them back at once, unless bridged packets no longer reach iptables.
pub fn restarted(world: &mut World, machine: u32, _cause: TraceId) {
    let felix = world.actor_named(machine, "calico-node").is_some();
    let m = world.machine_mut(machine);
    m.net.routes = felix && calico::kernel_ready(m);
}
