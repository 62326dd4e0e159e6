//! What a member of etcd keeps: a revisioned store and the log of its changes.
//! Models etcd's mvcc as far as the API server uses it: one revision per write, compare-and-swap by
//! revision, history for watches until compaction. Objects stand for their encoded bytes.

use std::sync::Arc;

use super::raft::Ballot;
use crate::api::{Kind, Object, ObjectKey};
use crate::base::Str;
use crate::base::persistent::{OrdMap, Vector};
use crate::sim::trace::WriteOp;

/// One committed change.
#[derive(Clone, Debug)]
pub struct Change {
    pub revision: u64,
    pub op: WriteOp,
    /// State before; `None` for a create.
    pub old: Option<Arc<Object>>,
    /// State after; for a delete the last state, carrying the delete's revision.
    pub new: Arc<Object>,
}

/// The content of an etcd data folder.
#[derive(Clone, Debug, Default)]
pub struct EtcdData {
    revision: u64,
    objects: OrdMap<ObjectKey, Arc<Object>>,
    log: Vector<Change>,
    /// Changes up to this revision are forgotten.
    compacted: u64,
    /// The latest change of a role or binding.
    rules: u64,
    /// Keys that are no objects of the API: `etcdctl put`, leases of API servers.
    keys: OrdMap<Str, Str>,
    /// Bytes that nothing uses since a compaction.
    freed: u64,
    /// Says which data a folder holds: what is written in its `member/snap/db`.
    pub folder: Str,
    /// What the member remembers of its cluster.
    pub ballot: Ballot,
}

/// Changes kept for watches that start in the past.
const LOG_LIMIT: usize = 4096;

impl EtcdData {
    pub fn revision(&self) -> u64 {
        self.revision
    }
    /// Oldest revision a watch may start after.
    pub fn compacted(&self) -> u64 {
        self.compacted
    }
    /// The revision of the rules of access.
    pub fn rules_revision(&self) -> u64 {
        self.rules
    }
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }
    pub fn len(&self) -> usize {
        self.objects.len()
    }
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }
    /// Objects of `kind` in one namespace (all if empty), by namespace and name, after `after`.
    pub fn list<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a str,
        after: Option<&ObjectKey>,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        let from = after.cloned().unwrap_or_else(|| ObjectKey::new(kind, namespace, ""));
        let skip = after.cloned();
        self.objects
            .range(from..)
            .map(|(_, o)| o)
            .take_while(move |o| o.key.kind == kind && (namespace.is_empty() || o.key.namespace == namespace))
            .filter(move |o| skip.as_ref() != Some(&o.key))
    }
    /// Every object, in key order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }
    /// Keys that are no objects of the API, in order, with their values.
    pub fn keys(&self) -> &OrdMap<Str, Str> {
        &self.keys
    }
    /// Sets such a key; `None` removes it. Whether it was there.
    pub fn set_key(&mut self, key: &str, value: Option<&str>) -> bool {
        let had = match value {
            Some(value) => self.keys.insert(key.into(), value.into()).is_some(),
            None => self.keys.remove(key).is_some(),
        };
        if had || value.is_some() {
            self.revision += 1;
            self.ballot.index += 1;
        }
        had
    }
    /// Puts back an object of a snapshot, as it was.
    pub fn restore(&mut self, object: Object) {
        let object = Arc::new(object);
        self.objects.insert(object.key.clone(), object);
    }
    /// Everything of a snapshot is there: this was its revision, and nothing before it is known.
    pub fn restored(&mut self, revision: u64) {
        (self.revision, self.compacted, self.rules) = (revision, revision, revision);
    }
    /// Forgets the changes up to `revision`; the space stays taken.
    pub fn compact(&mut self, revision: u64) {
        while self.log.front().is_some_and(|c| c.revision <= revision) {
            self.freed += self.log.pop_front().map_or(0, |c| size(&c.new));
        }
        self.compacted = self.compacted.max(revision);
        self.ballot.index += 1;
    }
    /// Gives back the space that compactions left.
    pub fn defragment(&mut self) {
        self.freed = 0;
    }
    /// Bytes in use, and bytes of the file: what is stored, once more for each change that history
    /// still holds, and what compactions left.
    pub fn sizes(&self) -> (u64, u64) {
        let used = self.objects.values().chain(self.log.iter().map(|c| &c.new)).map(|o| size(o)).sum::<u64>();
        let used = used + self.keys.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum::<u64>() + 20_480;
        (used, used + self.freed)
    }
    /// Stores `object` at a new revision. The caller has checked what must hold.
    pub fn put(&mut self, mut object: Object) -> Change {
        self.revision += 1;
        object.resource_version = self.revision;
        let new = Arc::new(object);
        let old = self.objects.insert(new.key.clone(), new.clone());
        let op = if old.is_some() { WriteOp::Update } else { WriteOp::Create };
        self.log(Change { revision: self.revision, op, old, new })
    }
    /// Removes the object at `key`; `None` if there is none.
    pub fn delete(&mut self, key: &ObjectKey) -> Option<Change> {
        let old = self.objects.remove(key)?;
        self.revision += 1;
        let mut last = (*old).clone();
        last.resource_version = self.revision;
        let change = Change { revision: self.revision, op: WriteOp::Delete, old: Some(old), new: Arc::new(last) };
        Some(self.log(change))
    }
    fn log(&mut self, change: Change) -> Change {
        let kind = change.new.key.kind;
        if matches!(kind, Kind::ROLE | Kind::ROLE_BINDING | Kind::CLUSTER_ROLE | Kind::CLUSTER_ROLE_BINDING) {
            self.rules = change.revision;
        }
        if self.log.len() == LOG_LIMIT
            && let Some(oldest) = self.log.pop_front()
        {
            self.compacted = oldest.revision;
        }
        self.log.push_back(change.clone());
        self.ballot.index += 1;
        change
    }
    /// Changes after `revision`, oldest first.
    pub fn changes_since(&self, revision: u64) -> impl Iterator<Item = &Change> {
        // Revisions in the log ascend, with gaps where other keys were written.
        let (mut low, mut high) = (0, self.log.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.log[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        self.log.iter().skip(low)
    }
}

/// About what an object takes encoded: protobuf needs some two thirds of JSON.
fn size(object: &Object) -> u64 {
    object.to_wire().to_json().len() as u64 * 2 / 3
}

/// The path the API server stores an object under.
/// Models registry/generic/registry's KeyFunc with `--etcd-prefix=/registry`.
pub fn registry_path(key: &ObjectKey) -> String {
    let folder = match key.kind {
        Kind::NODE => "minions",
        Kind::SERVICE => "services/specs",
        Kind::ENDPOINTS => "services/endpoints",
        Kind::INGRESS => "ingress",
        other => other.plural(),
    };
    let group = key.kind.info().group;
    let folder = match key.kind {
        Kind::CUSTOM_RESOURCE_DEFINITION | Kind::API_SERVICE => format!("{group}/{folder}"),
        kind if kind.is_custom() => format!("{group}/{folder}"),
        _ => folder.to_owned(),
    };
    match key.namespace.as_str() {
        "" => format!("/registry/{folder}/{}", key.name),
        ns => format!("/registry/{folder}/{ns}/{}", key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_and_history() {
        let mut data = EtcdData::default();
        for name in ["b", "a"] {
            data.put(Object::new(Kind::POD, "default", name));
        }
        data.put(Object::new(Kind::POD, "other", "c"));
        let key = ObjectKey::new(Kind::POD, "default", "a");
        data.delete(&key).unwrap();
        assert_eq!(data.revision(), 4);
        let names = |ns| data.list(Kind::POD, ns, None).map(|o| o.name().to_string()).collect::<Vec<_>>();
        assert_eq!(names("default"), ["b"]);
        assert_eq!(names(""), ["b", "c"]);
        let ops: Vec<_> = data.changes_since(2).map(|c| (c.revision, c.op)).collect();
        assert_eq!(ops, [(3, WriteOp::Create), (4, WriteOp::Delete)]);
    }
}
