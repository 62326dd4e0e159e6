//! The round trip through upstream's structs. Copies only what changes.

use super::super::quantity::Quantity;
use super::super::schema::{self, Field, Ty, Type};
use super::super::{Kind, Map, Profile, Value};
use crate::base::Str;

/// `value` as it comes back from upstream's decoder and encoder.
pub fn normalize(kind: Kind, value: &Value, profile: Profile) -> Value {
    normalize_since(kind, value, None, profile)
}

/// The same for a change of `old`, which went through this already: shared parts are not looked at.
pub fn normalize_since(kind: Kind, value: &Value, old: Option<&Value>, profile: Profile) -> Value {
    let Value::Map(map) = value else { return value.clone() };
    let mut out = object(schema::of(kind), map, old.and_then(Value::as_map), profile);
    for key in ["apiVersion", "kind"] {
        if let Some(v) = map.get(key) {
            out.insert(key, v.clone());
        }
    }
    if profile == Profile::Book
        && let Some(meta) = out.get("metadata").and_then(Value::as_map)
        && meta.get("creationTimestamp").is_some_and(Value::is_null)
    {
        // The server sets it before anyone sees the object.
        out.entry("metadata").make_map().remove("creationTimestamp");
    }
    Value::Map(out)
}

fn object(t: &'static Type, map: &Map, old: Option<&Map>, profile: Profile) -> Map {
    let mut out = map.clone();
    if old.is_some_and(|o| o.same(map)) {
        return out;
    }
    let unknown: Vec<Str> = map.keys().filter(|k| t.field(k, profile).is_none()).cloned().collect();
    unknown.iter().for_each(|k| {
        out.remove(k);
    });
    for field in t.all(profile) {
        let given = map.get(field.name).unwrap_or(&Value::Null);
        match convert(field, given, old.and_then(|o| o.get(field.name)), profile) {
            Some(new) if map.get(field.name) == Some(&new) => {}
            Some(new) => out.insert(field.name, new),
            None if map.has(field.name) => {
                out.remove(field.name);
            }
            None => {}
        }
    }
    out
}

/// What the field holds afterwards; `None`: it is not printed.
fn convert(field: &Field, given: &Value, old: Option<&Value>, profile: Profile) -> Option<Value> {
    let new = element(&field.ty, given, old, profile);
    if empty(&field.ty, &new) {
        if field.always {
            let absent = matches!(field.ty, Ty::Struct(_)) && new.is_null();
            return Some(if absent { zero_struct(&field.ty, profile) } else { zero(&field.ty, new) });
        }
        // omitempty does not drop structs; times print as null, except where newer types say omitzero.
        return match &field.ty {
            Ty::Struct(_) => Some(if new.is_null() { zero_struct(&field.ty, profile) } else { new }),
            Ty::Time if profile == Profile::Modern && field.name == "creationTimestamp" => None,
            Ty::Time | Ty::MicroTime => Some(Value::Null),
            Ty::Ptr(t) if !new.is_null() && !matches!(**t, Ty::Time | Ty::MicroTime) => Some(new),
            _ => None,
        };
    }
    Some(new)
}

fn zero_struct(ty: &Ty, profile: Profile) -> Value {
    ty.as_struct().map_or(Value::Null, |t| Value::Map(object(t, &Map::new(), None, profile)))
}

/// Whether Go's encoder would count it as empty.
fn empty(ty: &Ty, v: &Value) -> bool {
    match (ty, v) {
        (_, Value::Null) => true,
        // A pointer that points somewhere is not empty, whatever it points to.
        (Ty::Ptr(_), _) => false,
        (Ty::Named(_, t), v) => empty(t, v),
        (Ty::Struct(_) | Ty::Quantity | Ty::IntOrString | Ty::Any, _) => false,
        (_, Value::Bool(b)) => !b,
        (_, Value::Int(n)) => *n == 0,
        (_, Value::Str(s)) => s.is_empty(),
        (_, Value::List(l)) => l.is_empty(),
        (_, Value::Map(m)) => m.is_empty(),
        (_, Value::Num(_)) => false,
    }
}

/// The zero value of a field that is printed always.
fn zero(ty: &Ty, current: Value) -> Value {
    match ty {
        Ty::Named(_, t) => zero(t, current),
        Ty::Str(_) => "".into(),
        Ty::Int32 | Ty::Int64 => Value::Int(0),
        Ty::Bool => Value::Bool(false),
        Ty::Quantity => "0".into(),
        Ty::IntOrString => Value::Int(0),
        // Lists and maps keep the difference between nil and empty.
        _ => current,
    }
}

fn element(ty: &Ty, v: &Value, old: Option<&Value>, profile: Profile) -> Value {
    match (ty, v) {
        (_, Value::Null) => Value::Null,
        (Ty::Ptr(t) | Ty::Named(_, t), v) => element(t, v, old, profile),
        (Ty::Struct(_), Value::Map(m)) => match ty.as_struct() {
            Some(t) => Value::Map(object(t, m, old.and_then(Value::as_map), profile)),
            None => v.clone(),
        },
        (Ty::List(t), Value::List(l)) => {
            let before = old.map_or(&[][..], Value::items);
            let new: Vec<Value> = l.iter().enumerate().map(|(i, v)| item(t, v, before.get(i), profile)).collect();
            if new == l.as_slice() { v.clone() } else { Value::from(new) }
        }
        (Ty::Map(_, t), Value::Map(m)) => {
            let new: Map = m.iter().map(|(k, i)| (k.clone(), item(t, i, None, profile))).collect();
            if new == *m { v.clone() } else { Value::Map(new) }
        }
        (Ty::Quantity, Value::Str(_) | Value::Int(_) | Value::Num(_)) => {
            Quantity::of(v).map_or_else(|| v.clone(), Value::from)
        }
        _ => v.clone(),
    }
}

/// A null in a list or map is the zero value of its type.
fn item(ty: &Ty, v: &Value, old: Option<&Value>, profile: Profile) -> Value {
    let new = element(ty, v, old, profile);
    match (ty, &new) {
        (Ty::Str(_), Value::Null) => "".into(),
        (Ty::Struct(_), Value::Null) => zero_struct(ty, profile),
        _ => new,
    }
}
