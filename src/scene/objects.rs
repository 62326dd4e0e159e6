//! What the cluster's store holds, as the picture reads it: etcd's data folder, also while etcd is down.

use std::sync::Arc;

use crate::api::{Kind, Object, ObjectKey, meta, pod};
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::etcd::EtcdData;
use crate::sim::World;

/// A view of the first data folder there is; empty before the cluster is built.
#[derive(Clone, Copy)]
pub struct Objects<'w>(Option<&'w EtcdData>);

pub fn objects(world: &World) -> Objects<'_> {
    Objects(crate::etcd::newest(world))
}

impl<'w> Objects<'w> {
    pub fn get(self, key: &ObjectKey) -> Option<&'w Arc<Object>> {
        self.0?.get(key)
    }
    pub fn of_kind(self, kind: Kind) -> impl Iterator<Item = &'w Arc<Object>> {
        self.0.into_iter().flat_map(move |data| data.list(kind, "", None))
    }
    pub fn pod_by_ip(self, ip: &str) -> Option<&'w Arc<Object>> {
        self.of_kind(Kind::POD).find(|p| pod::pod_ip(p) == ip && !pod::terminal(p))
    }
    /// Revision of the store: changes whenever an object does.
    pub fn revision(self) -> u64 {
        self.0.map_or(0, EtcdData::revision)
    }
    /// Events about an object, oldest first.
    pub fn events_of(self, key: &ObjectKey) -> Vec<&'w Arc<Object>> {
        let about = |e: &Object| {
            let is = |field: &str, value: &str| e.str(&["involvedObject", field]) == value;
            is("kind", key.kind.name())
                && is("name", &key.name)
                && (key.namespace.is_empty() || is("namespace", &key.namespace))
        };
        let mut events: Vec<_> = self.of_kind(Kind::EVENT).filter(|e| about(e)).collect();
        events.arrange_by_key(|e| last_seen(e));
        events
    }
}

/// When an event was last seen, as its RFC 3339 text.
pub fn last_seen(event: &Object) -> Str {
    let last = event.str(&["lastTimestamp"]);
    if !last.is_empty() {
        return last.into();
    }
    let micro = event.str(&["eventTime"]);
    if micro.is_empty() { meta::created(event).rfc3339() } else { micro.into() }
}
