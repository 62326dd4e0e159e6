//! Kubedrill's pure library: a kubeadm cluster as one deterministic value.
//!
//! Everything here is a function of (profile, seed, inputs): no clock, no I/O, no threads, no
//! globals, no browser. Modules may use those above them in this list, never those below; see
//! ARCHITECTURE.md for the map and its invariants.

pub mod addons;
#[macro_use]
pub mod api;
pub mod apiserver;
pub mod app;
pub mod base;
pub mod bundle;
pub mod controllers;
pub mod etcd;
pub mod kubeadm;
pub mod kubectl;
pub mod kubelet;
pub mod lesson;
pub mod machine;
pub mod network;
pub mod runtime;
pub mod scene;
pub mod scheduler;
pub mod sim;
#[cfg(feature = "cli")]
pub mod storm;
pub mod vagrant;
