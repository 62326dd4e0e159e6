//! What kubectl itself checks of a manifest before it sends it.
//! Models kubectl/pkg/validation (the OpenAPI check of 1.20; 1.36 leaves it to the server).

use super::context::Cx;
use super::error::{Error, Fail, Run};
use crate::api::{Value, validate_client};
use crate::base::hash::sha256;
use crate::sim::NetError;

pub fn check(cx: &mut Cx<'_, '_>, value: &Value) -> Run<Result<(), String>> {
    if matches!(cx.flags.text("validate"), "false" | "ignore") {
        return Ok(Ok(()));
    }
    if let Err(why) = schema(cx, value)? {
        return Ok(Err(why));
    }
    Ok(validate_client::check(value, cx.profile))
}

/// Fetches the server's schema, once a run: 1.20 to check with it, 1.36 to see whether the server checks.
fn schema(cx: &mut Cx<'_, '_>, value: &Value) -> Run<Result<(), String>> {
    if cx.schema {
        return Ok(Ok(()));
    }
    cx.schema = true;
    let url = cx.by("/openapi/v2?timeout=32s", "/openapi/v3?timeout=32s").to_owned();
    let got = cx.url(&url);
    if let Err(Fail::Error(Error::Net(NetError::Refused, host))) = &got {
        let failed = cx.by("", "failed to download openapi: ").to_owned();
        let server = cx.target()?.server;
        return Ok(Err(format!("{failed}Get \"{server}{url}\": dial tcp {host}: connect: connection refused")));
    }
    got?;
    if cx.modern() {
        let version = value.str("apiVersion");
        let path = if version.contains('/') { format!("apis/{version}") } else { format!("api/{version}") };
        let half = |salt: &str| -> String {
            sha256(format!("{salt}{path}").as_bytes()).iter().map(|b| format!("{b:02X}")).collect()
        };
        cx.url(&format!("/openapi/v3/{path}?hash={}{}&timeout=32s", half("a"), half("b")))?;
    }
    Ok(Ok(()))
}
