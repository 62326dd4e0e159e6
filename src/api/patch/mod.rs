//! The patches of the API: JSON patch, JSON merge patch, strategic merge patch; and how clients
//! compute the last two. Server-side apply is apart: it needs field ownership.
//!
//! Models apimachinery/pkg/util/{strategicpatch,jsonmergepatch} and evanphx/json-patch.

mod diff;
mod json;
mod strategic;

use super::request::PatchType;
use super::schema::{self, Type};
use super::{Kind, Map, Profile, Reason, Status, Value};

pub use diff::{three_way, two_way};
pub use json::{json_merge, json_patch, merge_diff};
pub use strategic::merge as strategic_merge;

/// Keys of strategic patches that steer and are no fields.
const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// What a strategic patch knows of the value at some place; `None` where the schema says nothing.
type Schema = Option<&'static Type>;

/// How the field `key` is patched.
#[derive(Clone, Copy, Default)]
struct Meta {
    /// The type of the map, or of the list's items.
    inner: Schema,
    /// Lists merge: by this key, or as sets if it is empty.
    merge_key: Option<&'static str>,
    retain_keys: bool,
}

fn meta(schema: Schema, key: &str, profile: Profile) -> Meta {
    let Some(field) = schema.and_then(|t| t.field(key, profile)) else { return Meta::default() };
    let inner = field.ty.as_struct().or_else(|| field.ty.element().and_then(schema::Ty::as_struct));
    Meta { inner, merge_key: field.merge_key, retain_keys: field.retain_keys }
}

/// `current` with `patch` applied, as the API server answers PATCH.
pub fn apply(
    kind: Kind,
    current: &Value,
    patch_type: PatchType,
    patch: &Value,
    profile: Profile,
) -> Result<Value, Status> {
    match patch_type {
        PatchType::Json => json_patch(current, patch),
        PatchType::Merge => match patch {
            Value::Map(_) => Ok(json_merge(current, patch)),
            other => Err(not_a_map(other)),
        },
        PatchType::StrategicMerge => {
            let Value::Map(patch) = patch else { return Err(not_a_map(patch)) };
            let empty = Map::new();
            let current = current.as_map().unwrap_or(&empty);
            strategic_merge(Some(schema::of(kind)), current, patch, profile)
                .map(Value::Map)
                .map_err(|e| Status::new(Reason::InternalError, e))
        }
        PatchType::Apply => {
            Err(Status::new(Reason::InternalError, "an apply patch is merged by its manager's field set"))
        }
    }
}

/// What Go's JSON decoder says of a patch that is no object.
fn not_a_map(patch: &Value) -> Status {
    let got = match patch {
        Value::Int(_) | Value::Num(_) => "number",
        Value::Bool(_) => "bool",
        other => other.type_name(),
    };
    let message = format!("json: cannot unmarshal {got} into Go value of type map[string]interface {{}}");
    Status::new(Reason::BadRequest, message)
}

#[cfg(test)]
mod tests;
