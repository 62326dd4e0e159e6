//! What a runtime keeps on disk and in its shims: sandboxes, containers, images. Plain data on the
//! machine, so that a daemon that starts again finds what was there.

use std::sync::Arc;

use super::program::Program;
use crate::api::ObjectKey;
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Duration, Str, Time};
use crate::sim::ActorId;

/// A pod's network namespace and its pause container.
#[derive(Clone, PartialEq, Debug)]
pub struct Sandbox {
    pub id: Str,
    pub pod: ObjectKey,
    pub uid: Str,
    /// How many sandboxes this pod had before.
    pub attempt: u32,
    /// Pods of the host's network have the machine's.
    pub ip: Str,
    pub host_network: bool,
    pub ready: bool,
    pub created: Time,
    pub pid: u32,
    /// Its resolv.conf where that is not the usual one, and further lines of its hosts file.
    pub resolv: Str,
    pub hosts: Str,
    /// Ports of the machine that lead to ports of the pod.
    pub host_ports: Vec<(u16, u16)>,
    /// In order of creation.
    pub containers: Vec<Str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContainerState {
    Created,
    Running,
    Exited,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Container {
    pub id: Str,
    pub sandbox: Str,
    pub pod: ObjectKey,
    pub uid: Str,
    pub name: Str,
    /// The image as the pod names it.
    pub image: Str,
    /// How many containers of this name the pod had before.
    pub attempt: u32,
    pub state: ContainerState,
    pub created: Time,
    pub started: Time,
    pub finished: Time,
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`; empty while it runs.
    pub reason: Str,
    pub message: Str,
    /// The file whose text is its last message, and whether its log stands in for an empty one.
    pub termination: (Str, bool),
    pub pid: u32,
    /// The component that is its main process, if it has behaviour of its own.
    pub actor: Option<ActorId>,
    pub program: Program,
    /// When its main process ends by itself.
    pub ends_at: Option<Time>,
    /// The command line of its main process; empty: the image's.
    pub args: Arc<Vec<Str>>,
    pub env: Arc<Vec<(Str, Str)>>,
    /// Where volumes are mounted, and where each lies on the machine.
    pub mounts: Arc<Vec<(Str, Str)>>,
    pub workdir: Str,
    pub stdin: bool,
    pub tty: bool,
    /// Where its layers are mounted; empty: nobody has entered it yet.
    pub root: Str,
    /// Highest process number given out in it.
    pub last_pid: u32,
    /// What its main process wrote, as far as that is not known beforehand; the last line may go on.
    pub log: Vector<(Time, Str)>,
    pub log_open: bool,
    /// Limits: thousandths of a CPU and bytes; 0: none.
    pub cpu_limit: u64,
    pub memory_limit: u64,
    /// What the kernel adds to its score when memory runs out: -1000 to 1000.
    pub oom_score_adj: i16,
    /// Processor time of the requests it served, and when it is done with them.
    pub work: Duration,
    pub busy_until: Time,
}

/// An image that lies on the machine.
#[derive(Clone, PartialEq, Debug)]
pub struct Image {
    /// The full reference: `docker.io/library/nginx:latest`.
    pub reference: Str,
    pub digest: Str,
    pub size: u64,
}

/// Everything a machine's runtime keeps.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RuntimeData {
    /// The running daemon.
    pub daemon: Option<ActorId>,
    /// The running kubelet, which learns of container events.
    pub kubelet: Option<ActorId>,
    pub sandboxes: OrdMap<Str, Sandbox>,
    pub containers: OrdMap<Str, Container>,
    /// By full reference.
    pub images: OrdMap<Str, Image>,
    /// When images came from Docker Hub, which counts them by address.
    pub pulls: Vector<Time>,
    /// Pod address → sandbox.
    pub by_ip: OrdMap<Str, Str>,
}

impl RuntimeData {
    /// The container whose main process is `pid`.
    pub fn of_pid(&self, machine: &crate::machine::Machine, pid: u32) -> Option<&Container> {
        self.containers.get(&machine.processes.get(&pid)?.container)
    }
    /// Containers of a sandbox, in order of creation.
    pub fn in_sandbox<'a>(&'a self, sandbox: &'a str) -> impl Iterator<Item = &'a Container> {
        let ids = self.sandboxes.get(sandbox).map_or(&[][..], |s| &s.containers);
        ids.iter().filter_map(|id| self.containers.get(id))
    }
    /// Running containers of a sandbox.
    pub fn running_in<'a>(&'a self, sandbox: &'a str) -> impl Iterator<Item = &'a Container> {
        self.in_sandbox(sandbox).filter(|c| c.state == ContainerState::Running)
    }
}
