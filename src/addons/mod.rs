//! What kubeadm and the lab put in place: manifests, Calico, CoreDNS, the machines themselves.
//!
//! - [`daemons`]: program name → the component that behaves for it
//! - [`cluster`]: what a cluster is built with
//! - [`files`], [`pki`]: the files that a kubeadm installation leaves
//! - [`manifests`]: the objects and static pods it makes, per profile
//! - [`kubeadm`]: init and join as clients of the API
//! - [`lab`]: the ready cluster

pub mod cluster;
pub mod daemons;
pub mod files;
pub mod kubeadm;
pub mod lab;
pub mod manifests;
pub mod metallb;
pub mod metrics_server;
pub mod pages;
pub mod pki;

#[cfg(test)]
mod tests;
