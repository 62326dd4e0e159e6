//! etcd: a revisioned store of objects and the log of their changes.
//! Models etcd's mvcc as far as the API server uses it: one revision per write, compare-and-swap by
//! revision, history for watches until compaction. Objects stand for their encoded bytes.
//!
//! The data folder belongs to the machine ([`EtcdData`] in `Machine::etcd_data`), so it outlives the
//! process; the [`Etcd`] component is the process that must run for the data to be reachable.

use std::sync::Arc;

use imbl::{OrdMap, Vector};

use crate::api::{Kind, Object, ObjectKey};
use crate::component_boilerplate;
use crate::sim::trace::WriteOp;
use crate::sim::{Component, Ctx, Msg};

/// Client port.
pub const PORT: u16 = 2379;

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
        change
    }
    /// Changes after `revision`, oldest first.
    pub fn changes_since(&self, revision: u64) -> impl Iterator<Item = &Change> {
        // Revisions in the log are consecutive.
        let first = self.log.front().map_or(0, |c| c.revision);
        let skip = (revision + 1).saturating_sub(first).min(self.log.len() as u64);
        self.log.iter().skip(skip as usize)
    }
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
    match key.namespace.as_str() {
        "" => format!("/registry/{folder}/{}", key.name),
        ns => format!("/registry/{folder}/{ns}/{}", key.name),
    }
}

/// The etcd process: opens its data folder and listens.
#[derive(Clone, Debug, Default)]
pub struct Etcd;

impl Etcd {
    pub fn new() -> Etcd {
        Etcd
    }
}

impl Component for Etcd {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        if msg == Msg::Start {
            let me = ctx.me;
            let host = ctx.host_mut();
            host.etcd_data.get_or_insert_default();
            host.listeners.insert(PORT, me);
        }
    }
    component_boilerplate!();
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
