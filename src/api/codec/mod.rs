//! From what a client sent to what the API server keeps: decoding with its errors and warnings, and
//! the round trip through upstream's structs (unknown fields go, empty ones too, quantities become
//! canonical, what has no `omitempty` is printed even when empty).
//!
//! Models apimachinery/pkg/runtime/serializer/json and apiserver/pkg/endpoints/handlers.

mod decode;
mod go_json;
mod normalize;
mod unstructured;

use super::request::{FieldValidation, PatchType};
use super::{Kind, Profile, Reason, Status, Value, convert, schema};
use crate::base::Str;

pub use go_json::to_json;
pub use normalize::normalize;

/// Decodes a manifest of any served version: the tree as the server keeps it, and warnings for the
/// client.
pub fn decode(
    kind: Kind,
    value: &Value,
    profile: Profile,
    validation: FieldValidation,
) -> Result<(Value, Vec<Str>), Status> {
    let api_version = value.str("apiVersion");
    let found = decode::check(schema::of_version(kind, api_version), value, None, profile);
    let version = api_version.rsplit('/').next().filter(|v| !v.is_empty()).unwrap_or(kind.info().version);
    if let Some(error) = found.error {
        return Err(cannot_be_handled(kind, version, &error));
    }
    let mut warnings = Vec::new();
    // Old servers ignore unknown fields.
    if profile == Profile::Modern {
        match validation {
            FieldValidation::Strict if !found.unknown.is_empty() => {
                let text = found.unknown.join(", ");
                return Err(cannot_be_handled(kind, version, &format!("strict decoding error: {text}")));
            }
            FieldValidation::Warn => warnings = found.unknown.into_iter().map(Str::from).collect(),
            _ => {}
        }
    }
    Ok((normalize(kind, &convert::to_stored(kind, value), profile), warnings))
}

fn cannot_be_handled(kind: Kind, version: &str, error: &str) -> Status {
    let name = kind.name();
    let message = format!("{name} in version {version:?} cannot be handled as a {name}: {error}");
    Status::new(Reason::BadRequest, message)
}

/// Decodes the outcome of a patch of `old`.
pub fn decode_patched(kind: Kind, value: &Value, old: &Value, profile: Profile) -> Result<Value, Status> {
    let found = decode::check(schema::of(kind), value, Some(old), profile);
    match found.error {
        None if kind == Kind::SECRET => Ok(normalize(kind, &convert::to_stored(kind, value), profile)),
        None => Ok(normalize::normalize_since(kind, value, Some(old), profile)),
        Some(error) => Err(bad_patch(&to_json(kind, value, profile), &error)),
    }
}

/// Why `patched`, the outcome of `patch`, is no object of its kind: what the server quotes depends on
/// how it patches. Models applyPatchToCurrentObject of jsonPatcher and smpPatcher.
pub fn patch_error(
    kind: Kind,
    patched: &Value,
    patch: &Value,
    how: PatchType,
    profile: Profile,
    error: Status,
) -> Status {
    if how == PatchType::StrategicMerge {
        let why = unstructured::error(schema::of(kind), patched, profile);
        return why.map_or(error, |why| bad_patch(&super::gofmt::any(patch), &why));
    }
    let why = decode::check(schema::of(kind), patched, None, profile).error;
    why.map_or(error, |why| bad_patch(&go_json::touched(kind, patched, profile, patch), &why))
}

fn bad_patch(shown: &str, error: &str) -> Status {
    let body = format!("Invalid value: {}: {error}", super::gofmt::quote(shown));
    let mut status = Status::new(Reason::Invalid, format!("\"\" is invalid: patch: {body}"));
    status.causes.push(("FieldValueInvalid".into(), body.into(), "patch".into()));
    status
}

#[cfg(test)]
mod tests;
