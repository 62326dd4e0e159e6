//! One API object: its kind, its key, its resourceVersion and its tree of values.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::managed::Managed;
use super::{Kind, Map, Value};
use crate::base::Str;

/// What names an object within a cluster: kind, namespace (empty for cluster-scoped kinds), name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ObjectKey {
    pub kind: Kind,
    pub namespace: Str,
    pub name: Str,
}

impl ObjectKey {
    pub fn new(kind: Kind, namespace: impl Into<Str>, name: impl Into<Str>) -> ObjectKey {
        ObjectKey { kind, namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for ObjectKey {
    /// `Pod default/web`, or `Node w1-k8s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => write!(f, "{} {}", self.kind.name(), self.name),
            ns => write!(f, "{} {ns}/{}", self.kind.name(), self.name),
        }
    }
}

/// An object as the store keeps it. Always behind an `Arc`; changed by cloning (cheap: the tree is
/// shared) and writing back through the API server.
/// `body` holds everything but `apiVersion`, `kind`, `metadata.resourceVersion` and
/// `metadata.managedFields`.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    pub key: ObjectKey,
    /// etcd's revision of the last write; 0 before the first.
    pub resource_version: u64,
    pub body: Map,
    /// Who owns which fields; the API server's to keep.
    pub managed: Managed,
}

impl Object {
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Object {
        let key = ObjectKey::new(kind, namespace, name);
        let mut o = Object { key, resource_version: 0, body: Map::new(), managed: Managed::default() };
        o.set(&["metadata", "name"], name);
        if !namespace.is_empty() {
            o.set(&["metadata", "namespace"], namespace);
        }
        o
    }

    /// Splits a manifest's tree into key and body. The kind is the caller's to have looked up.
    pub fn from_value(kind: Kind, value: &Value) -> Object {
        let mut body = value.as_map().cloned().unwrap_or_default();
        body.remove("apiVersion");
        body.remove("kind");
        let meta = body.entry("metadata").make_map();
        let resource_version = meta.remove("resourceVersion").and_then(|v| v.as_str().parse().ok()).unwrap_or(0);
        let managed = meta.remove("managedFields").map(|v| Managed::decode(&v)).unwrap_or_default();
        let key = ObjectKey::new(kind, meta.str("namespace"), meta.str("name"));
        Object { key, resource_version, body, managed }
    }

    /// The whole tree with apiVersion, kind and resourceVersion, as clients see it but for managedFields.
    pub fn to_value(&self) -> Value {
        let mut root = self.body.clone();
        root.insert("apiVersion", self.key.kind.api_version());
        root.insert("kind", self.key.kind.name());
        if self.resource_version != 0 {
            root.entry("metadata").make_map().insert("resourceVersion", ecow::eco_format!("{}", self.resource_version));
        }
        Value::Map(root)
    }

    /// The whole tree as the API server sends it.
    pub fn to_wire(&self) -> Value {
        let mut root = self.to_value();
        if !self.managed.is_empty() {
            root.entry(&["metadata"]).make_map().insert("managedFields", self.managed.encode());
        }
        root
    }

    pub fn kind(&self) -> Kind {
        self.key.kind
    }
    pub fn name(&self) -> &Str {
        &self.key.name
    }
    pub fn namespace(&self) -> &Str {
        &self.key.namespace
    }
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.body.get(first)?, |v, key| v.get(key))
    }
    /// The string at `path`, empty where there is none.
    pub fn str(&self, path: &[&str]) -> &str {
        self.get(path).map_or("", Value::as_str)
    }
    pub fn int(&self, path: &[&str]) -> Option<i64> {
        self.get(path)?.as_int()
    }
    /// The items of the list at `path`; none where there is no list.
    pub fn items(&self, path: &[&str]) -> &[Value] {
        self.get(path).map_or(&[], Value::items)
    }
    /// Sets the value at `path` (at least one key), maps made on the way.
    pub fn set(&mut self, path: &[&str], value: impl Into<Value>) {
        *self.entry(path) = value.into();
    }
    /// The value at `path` for change, maps made on the way.
    pub fn entry(&mut self, path: &[&str]) -> &mut Value {
        let (first, rest) = path.split_first().expect("a path has at least one key");
        self.body.entry(first).entry(rest)
    }
    /// Removes the value at `path`, if it is there.
    pub fn unset(&mut self, path: &[&str]) {
        if self.get(path).is_none() {
            return;
        }
        match path {
            [] => {}
            [only] => {
                self.body.remove(only);
            }
            [parents @ .., last] => {
                self.entry(parents).make_map().remove(last);
            }
        }
    }
}
