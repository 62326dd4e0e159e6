//! `kubectl delete`: asks for deletion, then waits until everything is really gone.
//! Models kubectl/pkg/cmd/delete delete.go and kubectl/pkg/cmd/wait.

use super::builder::{self, Item, Options};
use super::context::{Cx, DryRun};
use super::error::{self, Error, Fail, Run, fail};
use super::manifest;
use crate::api::request::Propagation;
use crate::api::selector::FieldSelector;
use crate::api::{Kind, Object, ObjectKey, Request, Response, WatchType, meta};
use crate::base::{Duration, Str, Time};
use std::sync::Arc;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "" | "name") {
        return fail(format!("unexpected -o output mode: {output}. We only support '-o name'"));
    }
    cx.check_dry_run()?;
    let grace = check(cx)?;
    let all = cx.flags.yes("all");
    let options = Options {
        all,
        all_namespaces: cx.flags.yes("all-namespaces"),
        selectable: true,
        lenient: true,
        ..Options::default()
    };
    let args = cx.args.clone();
    let (items, refused) = builder::items(cx, &args, options)?;
    let mut errors = refused;
    warn(cx, grace)?;
    let from_files = manifest::given(cx);
    let items = listed(cx, items, &mut errors)?;
    if items.is_empty() && errors.is_empty() {
        if !cx.flags.yes("ignore-not-found") || from_files {
            cx.io.outln("No resources found");
        }
        return Ok(());
    }
    if cx.flags.yes("interactive") && cx.flags.has("interactive") && !confirmed(cx, &items)? {
        cx.io.outln("deletion is cancelled");
        return Ok(());
    }
    let (mut gone, mut unsaid) = (Vec::new(), cx.flags.changed("namespace") && !cx.flags.yes("all-namespaces"));
    for (key, source) in items {
        if unsaid && !key.kind.namespaced() {
            unsaid = false;
            let first = cx.by("w", "W");
            let text = "arning: deleting cluster-scoped resources, not scoped to the provided namespace";
            cx.io.errln(format!("{first}{text}"));
        }
        match delete(cx, &key, grace) {
            Ok(uid) => gone.push((key, uid)),
            Err(Fail::Error(e)) if e.not_found() && cx.flags.yes("ignore-not-found") => {}
            Err(Fail::Error(e)) => errors.push(match source {
                Some(source) => e.prefixed(&format!("error when deleting \"{source}\": ")),
                None => e,
            }),
            Err(stop) => return Err(stop),
        }
    }
    let wait = cx.flags.yes("wait") && !(cx.flags.yes("force") && grace == Some(0)) && cx.dry_run() == DryRun::No;
    if wait && errors.is_empty() {
        wait_all(cx, &gone)?;
    } else if wait {
        error::note(wait_all(cx, &gone), &mut errors)?;
    }
    error::all(errors)
}

/// `-i`: lists what would go and asks.
fn confirmed(cx: &mut Cx<'_, '_>, items: &[(ObjectKey, Option<String>)]) -> Run<bool> {
    let mut text = format!("You are about to delete the following {} resource(s):\n", items.len());
    for (key, _) in items {
        text += &format!("{}/{}\n", super::print::name::prefix(cx.profile, key.kind), key.name);
    }
    cx.io.out(text + "Do you want to continue? (y/N): ");
    Ok(cx.io.read_line()?.is_some_and(|line| line.trim().eq_ignore_ascii_case("y")))
}

/// The grace period to ask for.
fn check(cx: &mut Cx<'_, '_>) -> Run<Option<i64>> {
    let flags = &cx.flags;
    let mut grace = flags.int("grace-period");
    if flags.yes("now") {
        if grace != -1 {
            return fail("--now and --grace-period cannot be specified together");
        }
        grace = 1;
    }
    let force = flags.yes("force");
    if grace == 0 && !force {
        // Without --force the object is only hurried, and its end is waited for.
        grace = 1;
    } else if force && grace < 0 {
        grace = 0;
    } else if force && grace > 0 {
        return fail("--force and --grace-period greater than 0 cannot be specified together");
    }
    Ok((grace >= 0).then_some(grace))
}

fn warn(cx: &mut Cx<'_, '_>, grace: Option<i64>) -> Run {
    let cascade = cx.flags.text("cascade").to_owned();
    if let Some(on) = super::flags::parse_bool(&cascade) {
        let instead = if on { "background" } else { "orphan" };
        let line = format!(
            "warning: --cascade={cascade} is deprecated (boolean value) and can be replaced with --cascade={instead}."
        );
        cx.io.errln(line);
    }
    if cx.flags.yes("force") && grace == Some(0) {
        let text = "arning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.";
        let first = cx.by("w", "W");
        let line = format!("{first}{text}");
        cx.io.errln(line);
    }
    Ok(())
}

/// Keys to delete, with the manifest they came from.
fn listed(cx: &mut Cx<'_, '_>, items: Vec<Item>, errors: &mut Vec<Error>) -> Run<Vec<(ObjectKey, Option<String>)>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Item::One { resource, namespace, name } => match resource.modelled {
                Some(kind) => out.push((ObjectKey::new(kind, namespace, name), None)),
                None => errors.push(builder::unmodelled(resource, &name)),
            },
            Item::Doc(doc) => out.push((doc.key(), Some(doc.source.clone()))),
            Item::Kind { resource, namespace } => {
                let Some(kind) = resource.modelled else { continue };
                let request = builder::selected(cx, kind, &namespace)?;
                if let Some(found) = error::note(cx.list(request), errors)? {
                    out.extend(found.items.iter().map(|o| (o.key.clone(), None)));
                }
            }
        }
    }
    Ok(out)
}

/// Sends the request and says so; the uid of what goes.
pub fn delete(cx: &mut Cx<'_, '_>, key: &ObjectKey, grace: Option<i64>) -> Run<Str> {
    let mut request = Request::delete(key);
    request.grace_period_s = grace;
    request.propagation = Some(cascade(cx)?);
    request.dry_run = cx.dry_run() == DryRun::Server;
    let uid = if cx.dry_run() == DryRun::Client {
        cx.get(key)?;
        Str::new()
    } else {
        match cx.send(request)? {
            Response::Object(object) => meta::uid(&object).into(),
            _ => Str::new(),
        }
    };
    say(cx, key, grace);
    Ok(uid)
}

/// The same for `replace --force`, whose confirmation is that of `delete`.
pub fn delete_quietly(cx: &mut Cx<'_, '_>, key: &ObjectKey, grace: Option<i64>) -> Run<Str> {
    delete(cx, key, grace)
}

fn cascade(cx: &Cx<'_, '_>) -> Run<Propagation> {
    Ok(match cx.flags.text("cascade") {
        "" | "background" | "true" => Propagation::Background,
        "foreground" => Propagation::Foreground,
        "orphan" | "false" => Propagation::Orphan,
        other => {
            return fail(format!(
                "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
            ));
        }
    })
}

fn say(cx: &mut Cx<'_, '_>, key: &ObjectKey, grace: Option<i64>) {
    let prefix = super::print::name::prefix(cx.profile, key.kind);
    if cx.flags.text("output") == "name" {
        let line = format!("{prefix}/{}", key.name);
        return cx.io.outln(line);
    }
    let hurried = cx.path == "kubectl delete" && cx.flags.yes("force") && grace == Some(0);
    let done = if hurried { "force deleted" } else { "deleted" };
    let place = if cx.modern() && !key.namespace.is_empty() {
        format!(" from {} namespace", key.namespace)
    } else {
        String::new()
    };
    let line = format!("{prefix} \"{}\" {done}{place}{}", key.name, cx.dry_run().suffix());
    cx.io.outln(line);
}

/// Waits until each object is gone, or is another one by the same name.
fn wait_all(cx: &mut Cx<'_, '_>, gone: &[(ObjectKey, Str)]) -> Run {
    let timeout = cx.flags.time("timeout");
    let deadline = if timeout == Duration::ZERO { None } else { Some(cx.now()? + timeout) };
    let mut errors = Vec::new();
    for (key, uid) in gone {
        error::note(wait_gone(cx, key, uid, deadline), &mut errors)?;
    }
    error::all(errors)
}

pub fn wait_gone(cx: &mut Cx<'_, '_>, key: &ObjectKey, uid: &str, deadline: Option<Time>) -> Run {
    loop {
        let Some(object) = look(cx, key)? else { return Ok(()) };
        if !uid.is_empty() && meta::uid(&object) != uid {
            return Ok(());
        }
        if !watch_until(cx, key, object.resource_version, deadline, |kind, o| {
            kind == WatchType::Deleted || !uid.is_empty() && meta::uid(o) != uid
        })? {
            continue;
        }
        return Ok(());
    }
}

/// The object, if it is still there: 1.20 lists by name, 1.36 gets.
fn look(cx: &mut Cx<'_, '_>, key: &ObjectKey) -> Run<Option<Arc<Object>>> {
    if cx.modern() {
        return cx.find(key);
    }
    let mut request = Request::list(key.kind, key.namespace.clone());
    request.fields = FieldSelector::one("metadata.name", &key.name);
    Ok(cx.list(request)?.items.into_iter().next())
}

/// Watches one object until `done`; `false` if the watch ended first. Fails when time is up.
pub fn watch_until(
    cx: &mut Cx<'_, '_>,
    key: &ObjectKey,
    revision: u64,
    deadline: Option<Time>,
    mut done: impl FnMut(WatchType, &crate::api::Object) -> bool,
) -> Run<bool> {
    let mut request = Request::list(key.kind, key.namespace.clone());
    request.fields = FieldSelector::one("metadata.name", &key.name);
    request.resource_version = revision;
    if let Some(deadline) = deadline {
        let left = deadline.since(cx.now()?);
        if left == Duration::ZERO {
            return timed_out(key);
        }
        request.timeout = left;
    }
    cx.open_watch(request)?;
    loop {
        let Some(event) = cx.io.watch_next()? else {
            return match deadline {
                Some(deadline) if cx.now()? >= deadline => timed_out(key),
                _ => Ok(false),
            };
        };
        if event.object.key == *key && done(event.kind, &event.object) {
            return Ok(true);
        }
    }
}

fn timed_out<T>(key: &ObjectKey) -> Run<T> {
    fail(format!("timed out waiting for the condition on {}/{}", plural(key.kind), key.name))
}

fn plural(kind: Kind) -> &'static str {
    kind.plural()
}
