//! What a controller has asked for and not yet seen in its cache: until then it does not act again.
//! Models pkg/controller/controller_utils.go (UIDTrackingControllerExpectations).

use crate::api::ObjectKey;
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Time};

/// After this long expectations are given up.
const TIMEOUT: Duration = Duration::mins(5);

#[derive(Clone, Debug, Default)]
struct Expected {
    creations: i64,
    deletions: OrdSet<ObjectKey>,
    since: Time,
}

/// Per owner (a ReplicaSet, a DaemonSet, a Job): creations and deletions not yet observed.
#[derive(Clone, Debug, Default)]
pub struct Expectations(OrdMap<ObjectKey, Expected>);

impl Expectations {
    /// Whether everything asked for has been seen, or is overdue.
    pub fn satisfied(&self, owner: &ObjectKey, now: Time) -> bool {
        self.0.get(owner).is_none_or(|e| e.creations <= 0 && e.deletions.is_empty() || now.since(e.since) > TIMEOUT)
    }
    pub fn expect_creations(&mut self, owner: &ObjectKey, count: i64, now: Time) {
        self.0.insert(owner.clone(), Expected { creations: count, deletions: OrdSet::new(), since: now });
    }
    pub fn expect_deletions(&mut self, owner: &ObjectKey, pods: OrdSet<ObjectKey>, now: Time) {
        self.0.insert(owner.clone(), Expected { creations: 0, deletions: pods, since: now });
    }
    /// One was seen, or will never come.
    pub fn creation_observed(&mut self, owner: &ObjectKey) {
        if let Some(e) = self.0.get_mut(owner) {
            e.creations -= 1;
        }
    }
    pub fn deletion_observed(&mut self, owner: &ObjectKey, pod: &ObjectKey) {
        if let Some(e) = self.0.get_mut(owner) {
            e.deletions.remove(pod);
        }
    }
    pub fn forget(&mut self, owner: &ObjectKey) {
        self.0.remove(owner);
    }
}
