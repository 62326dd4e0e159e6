//! Where things happen in the picture: parts of machines, pods, people.

use crate::api::ObjectKey;
use crate::base::Str;
use crate::sim::{ActorId, World};

use super::Lang;
use super::text::{Text, t};

/// A component of a machine, as the picture draws it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// The machine's terminal: where kubectl runs.
    Shell,
    ApiServer,
    Etcd,
    ControllerManager,
    Scheduler,
    Kubelet,
    Runtime,
    KubeProxy,
    Cni,
}

impl Part {
    /// The part that a component (a process with behaviour) is drawn as.
    pub fn of_component(name: &str) -> Option<Part> {
        Some(match name {
            "terminal" => Part::Shell,
            "kube-apiserver" => Part::ApiServer,
            "etcd" => Part::Etcd,
            "kube-controller-manager" => Part::ControllerManager,
            "kube-scheduler" => Part::Scheduler,
            "kubelet" => Part::Kubelet,
            "dockerd" | "containerd" | "docker" => Part::Runtime,
            "kube-proxy" => Part::KubeProxy,
            "calico-node" => Part::Cni,
            _ => return None,
        })
    }

    /// The pod names that are drawn as this part rather than as a cell start so.
    pub fn of_pod(namespace: &str, name: &str) -> Option<Part> {
        if namespace != "kube-system" {
            return None;
        }
        let starts = [
            ("kube-apiserver-", Part::ApiServer),
            ("etcd-", Part::Etcd),
            ("kube-controller-manager-", Part::ControllerManager),
            ("kube-scheduler-", Part::Scheduler),
            ("kube-proxy-", Part::KubeProxy),
            ("calico-node-", Part::Cni),
        ];
        starts.iter().find(|(start, _)| name.starts_with(start)).map(|(_, part)| *part)
    }

    /// Its number in the pod's journey, as the course's figure counts: ⓪ kubectl … ⑥ runtime.
    pub fn number(self) -> Option<u8> {
        Some(match self {
            Part::Shell => 0,
            Part::ApiServer => 1,
            Part::Etcd => 2,
            Part::ControllerManager => 3,
            Part::Scheduler => 4,
            Part::Kubelet => 5,
            Part::Runtime => 6,
            Part::KubeProxy | Part::Cni => return None,
        })
    }

    pub fn text(self) -> Text {
        match self {
            Part::Shell => Text::Shell,
            Part::ApiServer => Text::ApiServer,
            Part::Etcd => Text::Etcd,
            Part::ControllerManager => Text::ControllerManager,
            Part::Scheduler => Text::Scheduler,
            Part::Kubelet => Text::Kubelet,
            Part::Runtime => Text::Runtime,
            Part::KubeProxy => Text::KubeProxy,
            Part::Cni => Text::Cni,
        }
    }

    pub fn label(self, lang: Lang) -> &'static str {
        t(lang, self.text())
    }

    /// For places with little room.
    pub fn short(self) -> &'static str {
        match self {
            Part::Shell => ">_",
            Part::ApiServer => "API",
            Part::Etcd => "etcd",
            Part::ControllerManager => "CM",
            Part::Scheduler => "sched",
            Part::Kubelet => "kubelet",
            Part::Runtime => "CRI",
            Part::KubeProxy => "proxy",
            Part::Cni => "CNI",
        }
    }
}

/// One end of something that travels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    Part(u32, Part),
    Pod(ObjectKey),
    Machine(u32),
    /// The people who use what runs in the cluster.
    Users,
}

impl Place {
    /// Where a component runs or ran.
    pub fn of_actor(world: &World, actor: ActorId) -> Option<Place> {
        let machine = world.machine_of(actor)?;
        Some(Part::of_component(world.name_of(actor)).map_or(Place::Machine(machine), |p| Place::Part(machine, p)))
    }
}

/// What the learner selected or points at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Target {
    Machine(u32),
    Part(u32, Part),
    Object(ObjectKey),
}

impl Target {
    /// A heading for it.
    pub fn title(&self, world: &World, lang: Lang) -> Str {
        match self {
            Target::Machine(m) => world.machine(*m).name.clone(),
            Target::Part(m, part) => ecow::eco_format!("{} · {}", part.label(lang), world.machine(*m).name),
            Target::Object(key) => key.name.clone(),
        }
    }
}
