//! The JSON-shaped value every object is made of. Cloning is cheap: strings, lists and maps are
//! shared and copied only when changed. Maps keep their keys sorted, which is also the order in
//! which kubectl prints them. No floats: a number that is not an integer is kept as written.

use std::fmt;
use std::sync::LazyLock;

use ecow::EcoVec;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::Str;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no integer, as text (`0.5`). Not modelled, only kept.
    Num(Str),
    Str(Str),
    List(List),
    Map(Map),
}

/// A shared list.
#[derive(Clone, Eq, Debug, Default)]
pub struct List(EcoVec<Value>);

/// A shared map, sorted by key.
#[derive(Clone, Eq, Debug, Default)]
pub struct Map(EcoVec<(Str, Value)>);

impl Map {
    pub fn new() -> Map {
        Map::default()
    }
    /// Where `key` is, or where it would go. Objects' maps are short: comparing lengths one after the
    /// other is quicker than a search that compares texts.
    fn find(&self, key: &str) -> Result<usize, usize> {
        let search = || self.0.binary_search_by(|(k, _)| k.as_str().cmp(key));
        if self.0.len() > 24 {
            return search();
        }
        self.0.iter().position(|(k, _)| k.as_str() == key).ok_or(()).or_else(|()| search())
    }
    pub fn get(&self, key: &str) -> Option<&Value> {
        let i =
            if self.0.len() > 24 { self.find(key).ok() } else { self.0.iter().position(|(k, _)| k.as_str() == key) };
        Some(&self.0[i?].1)
    }
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }
    /// The value at `key`, made `Null` first where there is none.
    pub fn entry(&mut self, key: &str) -> &mut Value {
        let i = self.find(key).unwrap_or_else(|i| {
            self.0.insert(i, (key.into_key(), Value::Null));
            i
        });
        &mut self.0.make_mut()[i].1
    }
    pub fn insert(&mut self, key: impl IntoKey, value: impl Into<Value>) {
        self.put(key.into_key(), value.into());
    }
    fn put(&mut self, key: Str, value: Value) {
        match self.find(&key) {
            Ok(i) => self.0.make_mut()[i].1 = value,
            Err(i) => self.0.insert(i, (key, value)),
        }
    }
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let i = self.find(key).ok()?;
        Some(self.0.remove(i).1)
    }
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Str, &Value)> + DoubleEndedIterator {
        self.0.iter().map(|(k, v)| (k, v))
    }
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Str> {
        self.0.iter().map(|(k, _)| k)
    }
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Str, &mut Value)> {
        self.0.make_mut().iter_mut().map(|(k, v)| (&*k, v))
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The string at `key`, empty where there is none.
    pub fn str(&self, key: &str) -> &str {
        self.get(key).map_or("", Value::as_str)
    }
    /// Whether both are one shared tree: a quick "unchanged".
    pub fn same(&self, other: &Map) -> bool {
        self.0.as_ptr() == other.0.as_ptr() && self.0.len() == other.0.len()
    }
    /// An equal map that is one tree with `model` wherever they are equal, and takes no more memory than it
    /// needs: replicas, their events and a state and its next differ in little.
    pub fn shared(&self, model: &Map) -> Map {
        if self == model {
            return model.clone();
        }
        let mut out = EcoVec::with_capacity(self.0.len());
        for (i, (key, value)) in self.0.iter().enumerate() {
            let there = model.0.get(i).filter(|(k, _)| k == key);
            out.push(match there.or_else(|| model.0.get(model.find(key).ok()?)) {
                Some((k, v)) => (k.clone(), value.shared(v)),
                None => (key.clone(), value.clone()),
            });
        }
        Map(out)
    }
    /// An address that identifies the shared tree while it lives, for memo tables.
    pub fn addr(&self) -> usize {
        self.0.as_ptr() as usize
    }
}

/// Long keys that very many objects have: kept once. (Up to 15 bytes are kept in place anyway.)
const COMMON: [&str; 15] = [
    "blockOwnerDeletion",
    "containerStatuses",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "deprecatedFirstTimestamp",
    "lastHeartbeatTime",
    "lastTransitionTime",
    "observedGeneration",
    "pod-template-generation",
    "pod-template-hash",
    "reportingComponent",
    "reportingInstance",
    "serviceAccountName",
    "terminationGracePeriodSeconds",
];
static KEYS: LazyLock<[Str; 15]> = LazyLock::new(|| COMMON.map(Str::from));

/// What can be a map's key.
pub trait IntoKey {
    fn into_key(self) -> Str;
}
impl IntoKey for &str {
    fn into_key(self) -> Str {
        match if self.len() > 15 { COMMON.binary_search(&self) } else { Err(0) } {
            Ok(i) => KEYS[i].clone(),
            Err(_) => Str::from(self),
        }
    }
}
impl IntoKey for Str {
    fn into_key(self) -> Str {
        self
    }
}
impl IntoKey for &Str {
    fn into_key(self) -> Str {
        self.clone()
    }
}
impl IntoKey for String {
    fn into_key(self) -> Str {
        Str::from(self)
    }
}
impl IntoKey for &String {
    fn into_key(self) -> Str {
        self.as_str().into_key()
    }
}

impl FromIterator<(Str, Value)> for Map {
    /// Later entries win over earlier ones of the same key.
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Map {
        Map::sorted(entries.into_iter().collect())
    }
}

impl Map {
    fn sorted(mut all: EcoVec<(Str, Value)>) -> Map {
        if !all.is_sorted_by(|a, b| a.0 < b.0) {
            all.make_mut().sort_by(|a, b| a.0.cmp(&b.0)); // stable: equal keys stay in order
            for i in (1..all.len()).rev().filter(|i| *i > 0) {
                if all[i].0 == all[i - 1].0 {
                    all.remove(i - 1);
                }
            }
        }
        Map(all)
    }
}

// What is one shared tree is equal without a look.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        self.same(other) || self.0 == other.0
    }
}
impl PartialEq for List {
    fn eq(&self, other: &List) -> bool {
        self.0.as_ptr() == other.0.as_ptr() && self.0.len() == other.0.len() || self.0 == other.0
    }
}

impl List {
    pub fn new() -> List {
        List::default()
    }
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }
    pub fn as_slice(&self) -> &[Value] {
        &self.0
    }
    /// The list for change of its length; copied first if it is shared.
    pub fn make_mut(&mut self) -> &mut EcoVec<Value> {
        &mut self.0
    }
    /// The items for change; copies them first if they are shared.
    pub fn items_mut(&mut self) -> &mut [Value] {
        self.0.make_mut()
    }
    pub fn push(&mut self, value: impl Into<Value>) {
        self.0.push(value.into());
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> List {
        List(items.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
    /// The text of a string; empty for anything else.
    pub fn as_str(&self) -> &str {
        if let Value::Str(s) = self { s } else { "" }
    }
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Int(n) = self { Some(*n) } else { None }
    }
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(b) = self { Some(*b) } else { None }
    }
    pub fn as_map(&self) -> Option<&Map> {
        if let Value::Map(m) = self { Some(m) } else { None }
    }
    pub fn as_list(&self) -> Option<&List> {
        if let Value::List(l) = self { Some(l) } else { None }
    }
    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Value] {
        if let Value::List(l) = self { l.as_slice() } else { &[] }
    }
    /// The entry `key` of a map, if this is one and has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }
    /// The string at `key` of a map, empty where there is none.
    pub fn str(&self, key: &str) -> &str {
        self.get(key).map_or("", Value::as_str)
    }
    /// Follows map keys; `None` as soon as one is missing.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |v, key| v.get(key))
    }
    /// This as a map for change; anything else becomes an empty map first.
    pub fn make_map(&mut self) -> &mut Map {
        if !matches!(self, Value::Map(_)) {
            *self = Value::Map(Map::new());
        }
        let Value::Map(m) = self else { unreachable!() };
        m
    }
    /// This as a list for change; anything else becomes an empty list first.
    pub fn make_list(&mut self) -> &mut List {
        if !matches!(self, Value::List(_)) {
            *self = Value::List(List::new());
        }
        let Value::List(l) = self else { unreachable!() };
        l
    }
    /// The value at `path`, maps made on the way.
    pub fn entry(&mut self, path: &[&str]) -> &mut Value {
        path.iter().fold(self, |v, key| v.make_map().entry(key))
    }
    fn shared(&self, model: &Value) -> Value {
        match (self, model) {
            (Value::Map(a), Value::Map(b)) => Value::Map(a.shared(b)),
            (Value::List(a), Value::List(b)) if a == b => model.clone(),
            (Value::List(a), Value::List(b)) => {
                let mut out = EcoVec::with_capacity(a.len());
                out.extend(a.iter().enumerate().map(|(i, v)| b.0.get(i).map_or_else(|| v.clone(), |m| v.shared(m))));
                Value::List(List(out))
            }
            (Value::Str(a), Value::Str(b)) if a == b => model.clone(),
            _ => self.clone(),
        }
    }
    /// `integer`, `string`, … as validation messages name it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "nil",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Num(_) => "number",
            Value::Str(_) => "string",
            Value::List(_) => "array",
            Value::Map(_) => "map",
        }
    }
    /// Compact JSON, keys sorted.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
    /// Parses one JSON document.
    pub fn from_json(text: &str) -> Result<Value, serde_json::Error> {
        serde_json::from_str(text)
    }
}

macro_rules! into_value {
    ($($t:ty => |$x:ident| $e:expr),* $(,)?) => {
        $(impl From<$t> for Value { fn from($x: $t) -> Value { $e } })*
    };
}
into_value! {
    bool => |x| Value::Bool(x),
    i64 => |x| Value::Int(x),
    i32 => |x| Value::Int(i64::from(x)),
    u32 => |x| Value::Int(i64::from(x)),
    u64 => |x| Value::Int(i64::try_from(x).unwrap_or(i64::MAX)),
    &str => |x| Value::Str(Str::from(x)),
    String => |x| Value::Str(Str::from(x)),
    Str => |x| Value::Str(x),
    &Str => |x| Value::Str(x.clone()),
    Map => |x| Value::Map(x),
    List => |x| Value::List(x),
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::List(items.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(item: Option<T>) -> Value {
        item.map_or(Value::Null, Into::into)
    }
}

/// Builds a [`Map`](crate::api::Map): `map! { "name" => "web", "ports" => list![80] }`.
#[macro_export]
macro_rules! map {
    ($($key:expr => $value:expr),* $(,)?) => {
        <$crate::api::Map as ::std::iter::FromIterator<_>>::from_iter([
            $(($crate::api::IntoKey::into_key($key), $crate::api::Value::from($value))),*
        ] as [($crate::base::Str, $crate::api::Value); _])
    };
}

/// Builds a [`List`](crate::api::List) of values.
#[macro_export]
macro_rules! list {
    ($($value:expr),* $(,)?) => {
        <$crate::api::List as ::std::iter::FromIterator<_>>::from_iter([$($crate::api::Value::from($value)),*] as [$crate::api::Value; _])
    };
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => s.serialize_unit(),
            Value::Bool(b) => s.serialize_bool(*b),
            Value::Int(n) => s.serialize_i64(*n),
            // The text came from a number, so it parses; the value is only passed through.
            Value::Num(text) => s.serialize_f64(text.parse().unwrap_or_default()),
            Value::Str(text) => s.serialize_str(text),
            Value::List(list) => {
                let mut seq = s.serialize_seq(Some(list.len()))?;
                for item in list {
                    seq.serialize_element(item)?;
                }
                seq.end()
            }
            Value::Map(map) => map.serialize(s),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut out = s.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            out.serialize_entry(key.as_str(), value)?;
        }
        out.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Value, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_none<E: de::Error>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
                Value::deserialize(d)
            }
            fn visit_bool<E: de::Error>(self, b: bool) -> Result<Value, E> {
                Ok(Value::Bool(b))
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
                Ok(Value::Int(n))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
                Ok(i64::try_from(n).map_or_else(|_| Value::Num(ecow::eco_format!("{n}")), Value::Int))
            }
            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
                Ok(Value::Num(ecow::eco_format!("{n}")))
            }
            fn visit_str<E: de::Error>(self, s: &str) -> Result<Value, E> {
                Ok(Value::Str(Str::from(s)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::List(items.into_iter().collect()))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                // YAML allows keys that are numbers or booleans; Kubernetes reads them as text.
                let mut entries = Vec::new();
                while let Some((key, value)) = map.next_entry::<Value, Value>()? {
                    let key = match key {
                        Value::Str(s) => s,
                        Value::Null => Str::from("null"),
                        other => Str::from(other.to_json()),
                    };
                    entries.push((key, value));
                }
                Ok(Value::Map(entries.into_iter().collect()))
            }
        }
        d.deserialize_any(V)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Map, D::Error> {
        match Value::deserialize(d)? {
            Value::Map(m) => Ok(m),
            other => Err(de::Error::custom(format_args!("expected a map, got {}", other.type_name()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_stay_sorted_and_shared() {
        let mut a = map! { "b" => 1, "a" => "x", "b" => 2 };
        assert_eq!(Value::Map(a.clone()).to_json(), r#"{"a":"x","b":2}"#);
        let b = a.clone();
        assert!(a.same(&b));
        a.insert("c", list!["y", true]);
        assert!(!b.has("c"));
        assert_eq!(Value::from(a).at(&["c"]).unwrap().items().len(), 2);
    }

    #[test]
    fn equal_parts_become_one() {
        let a = map! { "a" => map! { "x" => 1 }, "b" => list![map! { "y" => 2 }, 3], "c" => "one" };
        let b = map! { "a" => map! { "x" => 1 }, "b" => list![map! { "y" => 2 }, 4], "d" => "two" };
        let c = b.shared(&a);
        assert_eq!(c, b);
        let part = |m: &Map, key| m.get(key).and_then(Value::as_map).cloned().unwrap();
        assert!(part(&c, "a").same(&part(&a, "a")));
        let item = |m: &Map| m.get("b").unwrap().items()[0].as_map().cloned().unwrap();
        assert!(item(&c).same(&item(&a)) && !c.same(&a));
    }

    #[test]
    fn common_keys_are_in_order_and_kept_once() {
        assert!(COMMON.is_sorted());
        let (a, b) = ("creationTimestamp".into_key(), "creationTimestamp".into_key());
        assert_eq!(a.as_ptr(), b.as_ptr());
    }

    #[test]
    fn yaml_round_trip() {
        let v: Value = serde_yaml::from_str("spec:\n  replicas: 3\n  1: yes\n").unwrap();
        assert_eq!(v.at(&["spec", "replicas"]), Some(&Value::Int(3)));
        assert_eq!(v.at(&["spec", "1"]).map(Value::type_name), Some("string"));
    }
}
