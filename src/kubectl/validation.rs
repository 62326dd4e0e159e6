//! What kubectl itself checks of a manifest before it sends it.
//! Models kubectl/pkg/validation (the OpenAPI check of 1.20; 1.36 leaves it to the server).

use super::context::Cx;
use crate::api::{Value, validate_client};

pub fn check(cx: &Cx<'_, '_>, value: &Value) -> Result<(), String> {
    if matches!(cx.flags.text("validate"), "false" | "ignore") {
        return Ok(());
    }
    validate_client::check(value, cx.profile)
}
