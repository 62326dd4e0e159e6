//! `kubectl scale`.
//! Models kubectl/pkg/cmd/scale scale.go, kubectl/pkg/scale.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{command_line, confirm};
use super::error::{self, Run, fail};
use super::{get, print};
use crate::api::request::PatchType;
use crate::api::{Object, Reason, Request, Response, Status, Value};
use std::sync::Arc;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let replicas = cx.flags.int("replicas");
    if replicas < 0 {
        return fail("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let args = cx.args.clone();
    let all = cx.flags.yes("all");
    let options = Options { all, selectable: all, lenient: true, ..Options::default() };
    let (items, refused) = builder::items(cx, &args, options)?;
    let mut errors = refused;
    let mut infos = Vec::new();
    // The builder goes on past what it cannot find, but the first error ends the flow of results.
    for item in items {
        infos.extend(builder::fetch(cx, vec![item], &mut errors)?);
    }
    let wanted = cx.flags.int("current-replicas");
    if cx.flags.changed("current-replicas") && wanted < -1 {
        return fail("The --current-replicas must specify an integer of -1 or greater");
    }
    if infos.len() > 1 && !cx.flags.text("resource-version").is_empty() {
        return fail("cannot use --resource-version with multiple resources");
    }
    if infos.is_empty() && errors.is_empty() {
        return fail("no objects passed to scale");
    }
    for info in infos {
        let outcome = scale(cx, &info, replicas, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn scale(cx: &mut Cx<'_, '_>, info: &Info, replicas: i64, format: Option<&print::Format>) -> Run {
    if !info.kind.info().subresources.contains(&"scale") {
        let message = "the server could not find the requested resource";
        return Err(Status::new(Reason::NotFound, message).into());
    }
    if cx.dry_run() == DryRun::Client {
        let mut value = get::value_of(cx, &info.object);
        if format.is_some() {
            value.entry(&["spec"]).make_map().insert("replicas", replicas);
        }
        // 1.20 does not say that it is a dry run.
        if format.is_none() && !cx.modern() {
            let line = format!("{} scaled", print::name::of(cx.profile, &value));
            cx.io.outln(line);
            return Ok(());
        }
        return confirm(cx, format, &value, "scaled");
    }
    precondition(cx, info)?;
    let body = Value::Map(map! { "spec" => map! { "replicas" => replicas } });
    let mut request = cx.write(Request::patch(&info.key, PatchType::Merge, body), "");
    request.subresource = "scale".into();
    cx.send(request).map(|_: Response| ())?;
    let timeout = cx.flags.time("timeout");
    if timeout.0 > 0 && cx.dry_run() == DryRun::No {
        wait_scaled(cx, info, replicas)?;
    }
    if cx.flags.yes("record") {
        let line = command_line(cx);
        let note = map! { "metadata" => map! { "annotations" => map! { "kubernetes.io/change-cause" => line } } };
        let request = Request::patch(&info.key, PatchType::Merge, Value::Map(note));
        let request = cx.write(request, "kubectl");
        cx.send(request)?;
    }
    let mut shown = get::value_of(cx, &info.object);
    // 1.36 shows what the object would be like.
    if cx.dry_run() == DryRun::Server && cx.modern() {
        shown.entry(&["spec"]).make_map().insert("replicas", replicas);
    }
    if format.is_none() && !cx.modern() {
        let line = format!("{} scaled", print::name::of(cx.profile, &shown));
        cx.io.outln(line);
        return Ok(());
    }
    confirm(cx, format, &shown, "scaled")
}

/// `--current-replicas` and `--resource-version`.
fn precondition(cx: &mut Cx<'_, '_>, info: &Info) -> Run {
    let wanted = cx.flags.int("current-replicas");
    let has = info.object.int(&["spec", "replicas"]).unwrap_or(0);
    if wanted != -1 && wanted != has {
        return fail(format!("Expected replicas to be {wanted}, was {has}"));
    }
    let version = cx.flags.text("resource-version").to_owned();
    let current = info.object.resource_version.to_string();
    if !version.is_empty() && version != current {
        return fail(format!("Expected resource version to be {version}, was {current}"));
    }
    Ok(())
}

fn wait_scaled(cx: &mut Cx<'_, '_>, info: &Info, replicas: i64) -> Run {
    let deadline = cx.now()? + cx.flags.time("timeout");
    let reached = |o: &Object| {
        o.int(&["status", "replicas"]).unwrap_or(0) == replicas
            && o.int(&["status", "observedGeneration"]) >= o.int(&["metadata", "generation"])
    };
    loop {
        let object: Arc<Object> = cx.get(&info.key)?;
        if reached(&object) {
            return Ok(());
        }
        let outcome =
            super::delete::watch_until(cx, &info.key, object.resource_version, Some(deadline), |_, o| reached(o));
        match outcome {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error::Fail::Error(_)) => return fail("timed out waiting for the condition"),
            Err(stop) => return Err(stop),
        }
    }
}
