//! A map under change that copies nothing until something really changes.

use super::super::{List, Map, Value};

pub(super) struct Edit {
    map: Map,
    changed: bool,
}

impl Edit {
    pub fn new(map: Map) -> Edit {
        Edit { map, changed: false }
    }
    pub fn changed(&self) -> bool {
        self.changed
    }
    pub fn done(self) -> Map {
        self.map
    }
    /// The value at `key`; null counts as absent, as it does for Go's decoder.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
    /// Not even null is there.
    pub fn is_missing(&self, key: &str) -> bool {
        !self.map.has(key)
    }
    /// Whether nothing but `key` is there.
    pub fn is_only(&self, key: &str) -> bool {
        self.map.iter().all(|(k, v)| k == key || v.is_null())
    }
    pub fn str(&self, key: &str) -> &str {
        self.map.str(key)
    }
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key, value);
        self.changed = true;
    }
    /// Sets `key` unless it is there.
    pub fn or(&mut self, key: &str, value: impl Into<Value>) {
        if !self.has(key) {
            let value = value.into();
            if !value.is_null() || self.is_missing(key) {
                self.set(key, value);
            }
        }
    }
    /// Like [`Edit::or`] for strings, of which an empty one counts as absent.
    pub fn or_text(&mut self, key: &str, value: &str) {
        if self.str(key).is_empty() {
            self.set(key, value);
        }
    }
    /// Edits the map at `key`, if there is one.
    pub fn child(&mut self, key: &str, f: impl FnOnce(&mut Edit)) {
        let Some(Value::Map(map)) = self.map.get(key) else { return };
        let mut edit = Edit::new(map.clone());
        f(&mut edit);
        if edit.changed {
            self.set(key, edit.map);
        }
    }
    /// Edits the map at `key`, made first if absent.
    pub fn with(&mut self, key: &str, f: impl FnOnce(&mut Edit)) {
        self.or(key, Map::new());
        self.child(key, f);
    }
    /// Edits each map in the list at `key`.
    pub fn items(&mut self, key: &str, mut f: impl FnMut(&mut Edit)) {
        let Some(Value::List(list)) = self.map.get(key) else { return };
        let mut new: Option<List> = None;
        for (i, item) in list.iter().enumerate() {
            let Value::Map(map) = item else { continue };
            let mut edit = Edit::new(map.clone());
            f(&mut edit);
            if edit.changed {
                new.get_or_insert_with(|| list.clone()).items_mut()[i] = Value::Map(edit.map);
            }
        }
        if let Some(new) = new {
            self.set(key, new);
        }
    }
}
