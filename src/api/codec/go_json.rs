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
    fields(&mut out, schema::of(kind), map, profile);
    out.push('}');
    out
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
