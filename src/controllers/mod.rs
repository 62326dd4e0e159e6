//! The controllers of kube-controller-manager: one file each, all hosted by one component.
//! They see the cluster through shared informers and change it through the API server only.
//!
//! - [`manager`]: the component: informers, work queues, requests in flight, leader election
//! - [`kit`]: what a controller sees and acts through; [`Controller`] is what it implements
//! - [`registry`]: the list of controllers
//! - the rest: one controller, or what several share ([`owner`], [`expectations`], [`template`])
//!
//! Models cmd/kube-controller-manager and pkg/controller.

pub mod bootstrap;
pub mod clusterrole_aggregation;
mod cronjob;
pub mod daemonset;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod endpointslice;
pub mod endpointslice_mirroring;
pub mod expectations;
pub mod garbage_collector;
pub mod hpa;
pub mod job;
pub mod kit;
#[cfg(test)]
pub mod lab;
pub mod manager;
pub mod namespace;
pub mod node_ipam;
pub mod node_lifecycle;
pub mod owner;
pub mod pod_gc;
pub mod protection;
pub mod registry;
pub mod replicaset;
pub mod resource_quota;
pub mod revision;
pub mod root_ca;
pub mod service;
pub mod service_account;
pub mod statefulset;
pub mod taint_eviction;
pub mod template;
#[cfg(test)]
mod tests;
pub mod ttl;
pub mod ttl_after_finished;
pub mod volume_binder;
#[cfg(test)]
mod workload_tests;

pub use kit::{Controller, Kit, Next, Note, Op, Step};
pub use manager::ControllerManager;
