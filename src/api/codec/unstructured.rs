//! From a tree of plain values to a struct, as the API server turns the outcome of a strategic patch.
//! Models apimachinery/pkg/runtime/converter.go.

use super::super::quantity::Quantity;
use super::super::schema::{Ty, Type};
use super::super::{Map, Profile, Value};

/// Why the tree is no `t`; `None`: it is one.
pub fn error(t: &'static Type, value: &Value, profile: Profile) -> Option<String> {
    match value {
        Value::Map(map) => fields(t, map, profile),
        other => Some(format!("cannot restore struct from: {}", kind_of(other))),
    }
}

fn fields(t: &'static Type, map: &Map, profile: Profile) -> Option<String> {
    t.fields.iter().filter(|f| f.exists_in(profile)).find_map(|field| {
        if field.embedded {
            return field.ty.as_struct().and_then(|inner| fields(inner, map, profile));
        }
        one(&field.ty, map.get(field.name)?, profile)
    })
}

fn one(ty: &Ty, value: &Value, profile: Profile) -> Option<String> {
    if value.is_null() {
        return None;
    }
    match (ty.inner(), value) {
        (Ty::Str(_), Value::Str(_)) | (Ty::Bool, Value::Bool(_)) | (Ty::Int32 | Ty::Int64, Value::Int(_)) => None,
        // Go can convert a number to a string, but not in the way that is wanted.
        (Ty::Str(name), Value::Int(_)) => Some(format!("cannot convert int64 to {}", go(name))),
        (Ty::Int32 | Ty::Int64, Value::Num(_)) => Some(format!(
            "cannot convert float64 to {}",
            if matches!(ty.inner(), Ty::Int32) { "int32" } else { "int64" }
        )),
        (Ty::Str(_), _) => Some("unrecognized type: string".to_owned()),
        (Ty::Int32, _) => Some("unrecognized type: int32".to_owned()),
        (Ty::Int64, _) => Some("unrecognized type: int64".to_owned()),
        (Ty::Bool, _) => Some("unrecognized type: bool".to_owned()),
        (Ty::Quantity, Value::Str(text)) => Quantity::parse(text).err().map(str::to_owned),
        (Ty::List(item), Value::List(list)) => list.iter().find_map(|v| one(item, v, profile)),
        (Ty::List(_), other) => Some(format!("cannot restore slice from {}", kind_of(other))),
        (Ty::Map(_, item), Value::Map(map)) => map.iter().find_map(|(_, v)| one(item, v, profile)),
        (Ty::Map(..), other) => Some(format!("cannot restore map from {}", kind_of(other))),
        (Ty::Struct(_), v) => error(ty.as_struct()?, v, profile),
        _ => None,
    }
}

fn go(name: &str) -> String {
    if name == "string" { name.to_owned() } else { format!("v1.{name}") }
}

/// The reflect.Kind of decoded JSON.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Map(_) => "map",
        Value::List(_) => "slice",
        Value::Int(_) => "int64",
        Value::Num(_) => "float64",
        Value::Bool(_) => "bool",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Kind, schema};

    #[test]
    fn what_upstream_says_of_values_of_the_wrong_type() {
        for (spec, want) in [
            (map! { "replicas" => "x" }, "unrecognized type: int32"),
            (map! { "paused" => 1i64 }, "unrecognized type: bool"),
            (map! { "strategy" => "x" }, "cannot restore struct from: string"),
            (
                map! { "template" => map! { "spec" => map! { "containers" => "x" } } },
                "cannot restore slice from string",
            ),
            (
                map! { "template" => map! { "metadata" => map! { "labels" => map! { "a" => 1i64 } } } },
                "cannot convert int64 to string",
            ),
            (map! { "selector" => map! { "matchLabels" => "x" } }, "cannot restore map from string"),
        ] {
            let value = Value::Map(map! { "spec" => spec });
            assert_eq!(error(schema::of(Kind::DEPLOYMENT), &value, Profile::Book).as_deref(), Some(want));
        }
    }
}
