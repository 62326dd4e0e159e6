//! The container runtime of a machine: dockerd (profile `book`) or containerd (`modern`), as the
//! kubelet sees it through the CRI. What it keeps lies in [`RuntimeData`] on the machine and outlives
//! the daemon; [`Runtime`] is the daemon.
//!
//! Not here: cgroups, overlay file systems, registries other than the table in [`images`].

pub mod data;
pub mod images;
pub mod process;
pub mod program;
pub mod rootfs;
mod service;
pub mod usage;

pub use data::{Container, ContainerState, Image, RuntimeData, Sandbox};
pub use program::Program;
pub use service::{ContainerSpec, Runtime, SandboxSpec, unreachable};
