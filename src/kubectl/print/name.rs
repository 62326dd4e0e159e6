//! `-o name`, and how confirmations name what they are about.

use super::super::discovery;
use crate::api::{Kind, Value};
use crate::sim::Profile;

/// `deployment.apps/web`
pub fn of(_profile: Profile, object: &Value) -> String {
    let (api_version, kind) = (object.str("apiVersion"), object.str("kind").to_lowercase());
    let name = object.at(&["metadata", "name"]).map_or("", Value::as_str);
    match api_version.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

/// `deployment.apps/web` for a kind of the table.
pub fn of_kind(profile: Profile, kind: Kind, name: &str) -> String {
    format!("{}/{name}", prefix(profile, kind))
}

/// `deployment.apps`
pub fn prefix(profile: Profile, kind: Kind) -> String {
    let group = discovery::of_kind(profile, kind).map_or(kind.info().group, |r| r.group());
    let lower = kind.name().to_lowercase();
    if group.is_empty() { lower } else { format!("{lower}.{group}") }
}
