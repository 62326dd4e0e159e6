//! Process name → the component that behaves for it.

use std::sync::Arc;

use super::metallb::MetalLb;
use crate::machine::Role;
use crate::runtime::Container;
use crate::sim::{Component, Endpoint, World};
use crate::{apiserver, controllers, etcd, kubelet, machine, network, runtime, scheduler};

/// Where the API server of the machine's cluster listens: what kubeadm wrote into kubelet.conf.
pub fn api_server(world: &World, machine: u32) -> Option<Endpoint> {
    let m = world.machine(machine);
    let conf = m.read(super::files::KUBELET_CONF).or_else(|| m.read(super::files::BOOTSTRAP_CONF));
    let of_file = conf.and_then(|text| {
        let line = text.lines().find_map(|l| l.trim().strip_prefix("server: https://"))?;
        let (ip, port) = line.rsplit_once(':')?;
        Some(Endpoint { ip: ip.into(), port: port.parse().ok()? })
    });
    of_file.or_else(|| {
        let master = world.machines().find(|m| m.role == Role::ControlPlane)?;
        Some(Endpoint { ip: master.ip.clone(), port: apiserver::PORT })
    })
}

/// The component of a program; `None` where a program has no behaviour of its own.
pub fn component(world: &World, machine: u32, program: &str) -> Option<Arc<dyn Component>> {
    let profile = world.config.profile;
    let server = || api_server(world, machine);
    let node = || world.machine(machine).name.clone();
    Some(match program {
        "etcd" => Arc::new(etcd::Etcd::new(etcd::Flags::default())),
        "kube-apiserver" => Arc::new(apiserver::ApiServer::new(profile)),
        "kube-controller-manager" => Arc::new(controllers::ControllerManager::new(profile, server()?)),
        "kube-scheduler" => Arc::new(scheduler::Scheduler::new(profile, server()?)),
        "kubelet" => Arc::new(kubelet::Kubelet::new(profile, server()?, &node())),
        "dockerd" | "containerd" => Arc::new(runtime::Runtime::new(profile)),
        "kube-proxy" => Arc::new(network::KubeProxy::new(profile, server()?)),
        "calico-node" => Arc::new(network::Calico::new(server()?, &node())),
        "keepalived" => Arc::new(network::Keepalived::new()),
        "coredns" => Arc::new(network::CoreDns::new(server()?)),
        "metrics-server" => Arc::new(super::metrics_server::MetricsServer::new(profile, server()?)),
        "terminal" => Arc::new(machine::terminal::Terminal::new()),
        _ => return None,
    })
}

/// The component of a container's program.
pub fn contained(world: &World, machine: u32, program: &str, of: &Container) -> Option<Arc<dyn Component>> {
    let namespace = &of.pod.namespace;
    let node = &world.machine(machine).name;
    let metallb = |speaker| -> Option<Arc<dyn Component>> {
        Some(Arc::new(MetalLb::new(speaker, node, namespace, api_server(world, machine)?)))
    };
    match program {
        "etcd" => Some(etcd::of_container(of)),
        "kube-apiserver" => Some(Arc::new(apiserver::ApiServer::of_image(world.config.profile, &of.image))),
        "coredns" => Some(Arc::new(network::CoreDns::of(api_server(world, machine)?, of))),
        "metallb-controller" => metallb(false),
        "metallb-speaker" => metallb(true),
        "nginx-ingress-controller" => {
            let server = api_server(world, machine)?;
            Some(Arc::new(network::ingress::IngressNginx::new(world.config.profile, server, node, of)))
        }
        _ => component(world, machine, program),
    }
}

/// TCP ports of the host that a program opens beside those it opens itself.
pub fn ports(program: &str) -> &'static [u16] {
    match program {
        "etcd" => &[2381],
        "kube-controller-manager" => &[10252, 10257],
        "kube-scheduler" => &[10251, 10259],
        "kube-proxy" => &[10249, 10256],
        "calico-node" => &[179, 9099],
        _ => &[],
    }
}
