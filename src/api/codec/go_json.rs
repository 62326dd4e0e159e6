//! JSON as the API server writes it: fields in the order of the Go structs.

use super::super::schema::{self, Ty, Type};
use super::super::{Kind, Map, Profile, Value};

/// The object as the API server sends it: `{"kind":…,"apiVersion":…,"metadata":{"name":…`.
pub fn to_json(kind: Kind, value: &Value, profile: Profile) -> String {
    let empty = Map::new();
    let map = value.as_map().unwrap_or(&empty);
    let mut out = String::from("{");
    for key in ["kind", "apiVersion"] {
        if let Some(v) = map.get(key) {
            entry(&mut out, key);
            out.push_str(&v.to_json());
        }
    }
    fields(&mut out, schema::of_version(kind, value.str("apiVersion")), map, profile);
    out.push('}');
    out
}

/// As [`to_json`], but where `patch` reached into a map its keys are sorted: the patch went through
/// Go maps there.
pub fn touched(kind: Kind, value: &Value, profile: Profile, patch: &Value) -> String {
    let mut out = String::new();
    sorted(&mut out, Some(schema::of(kind)), value, profile, &reached(patch));
    out
}

/// The maps that a patch names: a merge patch itself, or the parents of a JSON patch's paths.
fn reached(patch: &Value) -> Value {
    let Value::List(operations) = patch else { return patch.clone() };
    let mut root = Value::Map(Map::new());
    for operation in operations {
        let path = operation.str("path").trim_start_matches('/').replace("~1", "/").replace("~0", "~");
        let mut at = &mut root;
        let keys: Vec<&str> = path.split('/').collect();
        for key in &keys[..keys.len() - 1] {
            at = at.make_map().entry(key);
        }
        at.make_map();
    }
    root
}

fn sorted(out: &mut String, t: Option<&'static Type>, v: &Value, profile: Profile, patch: &Value) {
    out.push('{');
    for (key, v) in v.as_map().into_iter().flat_map(Map::iter) {
        entry(out, key);
        let field = t.and_then(|t| t.field(key, profile));
        match (v, patch.get(key)) {
            (Value::Map(_), Some(Value::Map(deeper))) => {
                let inner = field.and_then(|f| f.ty.as_struct());
                sorted(out, inner, v, profile, &Value::Map(deeper.clone()));
            }
            _ => value(out, field.map_or(&Ty::Any, |f| &f.ty), v, profile),
        }
    }
    out.push('}');
}

fn entry(out: &mut String, key: &str) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
    out.push_str(&Value::from(key).to_json());
    out.push(':');
}

fn fields(out: &mut String, t: &Type, map: &Map, profile: Profile) {
    for field in &t.fields {
        if field.embedded {
            if let Some(inner) = field.ty.as_struct().filter(|_| field.exists_in(profile)) {
                fields(out, inner, map, profile);
            }
        } else if let Some(v) = map.get(field.name).filter(|_| field.exists_in(profile)) {
            entry(out, field.name);
            value(out, &field.ty, v, profile);
        }
    }
    let others = map.iter().filter(|(k, _)| t.open() && !matches!(k.as_str(), "apiVersion" | "kind" | "metadata"));
    for (key, v) in others {
        entry(out, key);
        value(out, &Ty::Any, v, profile);
    }
}

fn value(out: &mut String, ty: &Ty, v: &Value, profile: Profile) {
    match (ty.inner(), v) {
        (Ty::Struct(_), Value::Map(m)) => {
            out.push('{');
            if let Some(t) = ty.as_struct() {
                fields(out, t, m, profile);
            }
            out.push('}');
        }
        (Ty::List(item), Value::List(l)) => {
            out.push('[');
            for (i, v) in l.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                value(out, item, v, profile);
            }
            out.push(']');
        }
        _ => out.push_str(&v.to_json()),
    }
}
