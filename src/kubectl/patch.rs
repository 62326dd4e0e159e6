//! `kubectl patch`.
//! Models kubectl/pkg/cmd/patch patch.go.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::confirm;
use super::error::{self, Run, fail};
use super::{get, json_error, print};
use crate::api::request::PatchType;
use crate::api::{Map, Reason, Request, Status, Value, patch};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let kind = match cx.flags.text("type").to_lowercase().as_str() {
        "json" => PatchType::Json,
        "merge" => PatchType::Merge,
        "strategic" => PatchType::StrategicMerge,
        other => {
            let why = format!("--type must be one of [json merge strategic], not {}", super::flags::quote(other));
            return fail(why);
        }
    };
    let text = text(cx)?;
    // What begins as JSON is sent as it is.
    let broken = if text.trim_start().starts_with('{') { json_error::of(&text) } else { None };
    let body: Value = match serde_yaml::from_str(&text) {
        Ok(body) => body,
        Err(_) if broken.is_some() => Value::Null,
        Err(_) => {
            let why = super::yaml_error::go_words(&text).unwrap_or_default();
            return fail(format!("unable to parse {}: {why}", super::flags::quote(&text)));
        }
    };
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let args = cx.args.clone();
    let (items, mut errors) = builder::items(cx, &args, Options { lenient: true, ..Options::default() })?;
    for info in builder::fetch(cx, items, &mut errors)? {
        if let Some(why) = &broken {
            error::note(refused(cx, kind, why), &mut errors)?;
            continue;
        }
        let outcome = patch_one(cx, &info, kind, &body, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn text(cx: &mut Cx<'_, '_>) -> Run<String> {
    let file = cx.flags.text("patch-file").to_owned();
    let inline = cx.flags.text("patch").to_owned();
    if !file.is_empty() && !inline.is_empty() {
        return fail("cannot specify --patch and --patch-file together");
    }
    if !file.is_empty() {
        return match cx.io.read_file(&file)? {
            Ok(text) => Ok(text.to_string()),
            Err(_) => fail(format!("unable to read patch file: open {file}: no such file or directory")),
        };
    }
    if inline.is_empty() {
        return fail("must specify --patch or --patch-file containing the contents of the patch");
    }
    Ok(inline)
}

/// The server's answer to a patch that is no JSON.
/// Models apiserver/pkg/endpoints/handlers patch.go.
fn refused(cx: &Cx<'_, '_>, kind: PatchType, why: &str) -> Run {
    let status = match kind {
        PatchType::StrategicMerge => Status::new(Reason::BadRequest, why),
        _ if cx.modern() => Status::new(Reason::BadRequest, format!("error decoding patch: {why}")),
        PatchType::Json => Status::new(Reason::BadRequest, why),
        _ => Status::new(Reason::Unknown, "Invalid JSON Patch"),
    };
    Err(status.into())
}

fn patch_one(cx: &mut Cx<'_, '_>, info: &Info, kind: PatchType, body: &Value, format: Option<&print::Format>) -> Run {
    if cx.dry_run() == DryRun::Client || cx.flags.yes("local") {
        let old = get::value_of(cx, &info.object);
        let new = patch::apply(info.kind, &old, kind, body, cx.profile)?;
        let done = if new == old { "patched (no change)" } else { "patched" };
        return confirm(cx, format, &new, done);
    }
    let mut body = body.clone();
    if cx.flags.yes("record") && kind != PatchType::Json {
        let line = super::create::command_line(cx);
        body.entry(&["metadata", "annotations"]).make_map().insert("kubernetes.io/change-cause", line);
    }
    let mut request = cx.write(Request::patch(&info.key, kind, body), "kubectl-patch");
    request.subresource = cx.flags.text("subresource").into();
    let after = cx.send_object(request)?;
    let same = after.body == info.object.body || without_fields(&after.body) == without_fields(&info.object.body);
    let done = if same { "patched (no change)" } else { "patched" };
    let shown = get::value_of(cx, &after);
    confirm(cx, format, &shown, done)
}

/// What changed by itself in between does not count.
fn without_fields(body: &Map) -> Map {
    let mut body = body.clone();
    body.remove("status");
    body.entry("metadata").make_map().remove("managedFields");
    body
}
