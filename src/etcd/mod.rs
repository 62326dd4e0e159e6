//! etcd: the cluster's store, as one member or several.
//!
//! The data folder belongs to the machine ([`EtcdData`] in `Machine::etcd_data`), so it outlives the
//! process; the [`Etcd`] component is the process that must run for the data to be reachable.

mod member;
mod raft;
mod snapshot;
mod store;

#[cfg(test)]
mod tests;

pub use member::{
    Etcd, Flags, change_members, commit_lag, host_of, leader_of, newest, of_container, process, replicate, transfer,
};
pub use raft::{Ballot, Member, member_id};
pub use snapshot::{Snapshot, write as write_snapshot};
pub use store::{Change, EtcdData, registry_path};

/// Client port.
pub const PORT: u16 = 2379;
/// Port for the other members.
pub const PEER_PORT: u16 = 2380;
