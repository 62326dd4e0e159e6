//! `kubectl rollout`.
//! Models kubectl/pkg/cmd/rollout, kubectl/pkg/polymorphichelpers.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::confirm;
use super::describe::{Page, template};
use super::error::{self, Error, Fail, Run, fail};
use super::print::{self, name, tabwriter};
use super::{describe, get, manifest, verbose};
use crate::api::request::PatchType;
use crate::api::selector::{FieldSelector, LabelSelector};
use crate::api::{Kind, Map, Object, Request, Value, meta, patch, schema};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use std::sync::Arc;

const REVISION: &str = "deployment.kubernetes.io/revision";
const CAUSE: &str = "kubernetes.io/change-cause";

fn infos(cx: &mut Cx<'_, '_>) -> Run<(Vec<Info>, Vec<Error>)> {
    if cx.args.is_empty() && !manifest::given(cx) {
        return fail("required resource not specified");
    }
    let args = cx.args.clone();
    let options = Options { types_alone: true, lenient: true, selectable: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, &args, options)?;
    let found = builder::fetch(cx, items, &mut errors)?;
    Ok((found, errors))
}

// --- status ---

pub fn status(cx: &mut Cx<'_, '_>) -> Run {
    let (found, errors) = infos(cx)?;
    error::all(errors)?;
    for info in found {
        status_of(cx, &info)?;
    }
    Ok(())
}

fn status_of(cx: &mut Cx<'_, '_>, info: &Info) -> Run {
    viewer(cx, info.kind)?;
    let wanted = cx.flags.int("revision");
    let timeout = cx.flags.time("timeout");
    let deadline = if timeout == Duration::ZERO { None } else { Some(cx.now()? + timeout) };
    loop {
        let object = current(cx, info)?;
        // 1.36 has what is there from the watch itself.
        if cx.modern() {
            open(cx, info, object.resource_version, deadline)?;
            verbose::reflector_synced(cx)?;
        }
        let (text, done) = progress(&object, wanted)?;
        cx.io.out(text);
        if done || !cx.flags.yes("watch") {
            return verbose::reflector_ends(cx);
        }
        if !cx.modern() {
            open(cx, info, object.resource_version, deadline)?;
        }
        while let Some(event) = cx.io.watch_next()? {
            if event.object.key != info.key {
                continue;
            }
            if event.kind == crate::api::WatchType::Deleted {
                return fail("object has been deleted");
            }
            let (text, done) = progress(&event.object, wanted)?;
            cx.io.out(text);
            if done {
                return verbose::reflector_ends(cx);
            }
        }
        if let Some(deadline) = deadline
            && cx.now()? >= deadline
        {
            return fail("timed out waiting for the condition");
        }
    }
}

fn open(cx: &mut Cx<'_, '_>, info: &Info, revision: u64, deadline: Option<Time>) -> Run {
    let mut request = Request::list(info.kind, info.key.namespace.clone());
    request.fields = FieldSelector::one("metadata.name", &info.key.name);
    request.resource_version = revision;
    if let Some(deadline) = deadline {
        let left = deadline.since(cx.now()?);
        if left == Duration::ZERO {
            return fail("timed out waiting for the condition");
        }
        request.timeout = left;
    }
    cx.open_watch(request)
}

/// What the reflector lists first.
fn current(cx: &mut Cx<'_, '_>, info: &Info) -> Run<std::sync::Arc<Object>> {
    verbose::reflector_begins(cx)?;
    let mut request = Request::list(info.kind, info.key.namespace.clone());
    request.fields = FieldSelector::one("metadata.name", &info.key.name);
    request.limit = 500;
    cx.unlogged = cx.modern();
    let listed = cx.list(request);
    cx.unlogged = false;
    let found = listed?.items.into_iter().next();
    found.map_or_else(|| Err(crate::api::Status::not_found(&info.key).into()), Ok)
}

fn viewer(_cx: &Cx<'_, '_>, kind: Kind) -> Run {
    if matches!(kind, Kind::DEPLOYMENT | Kind::DAEMON_SET | Kind::STATEFUL_SET) {
        return Ok(());
    }
    fail(format!("no status viewer has been implemented for {}", group_kind(kind)))
}

/// What is to say about how far it has got, and whether that is all the way.
fn progress(o: &Object, revision: i64) -> Run<(String, bool)> {
    let n = |path: &[&str]| o.int(path).unwrap_or(0);
    let s = |field: &str| n(&["status", field]);
    let name = o.name();
    if revision > 0 {
        let current: i64 = meta::annotation(o, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0);
        if current != revision {
            return fail(format!("desired revision ({revision}) is different from the running revision ({current})"));
        }
    }
    let observed = n(&["metadata", "generation"]) <= s("observedGeneration");
    let waiting =
        |what: &str, rest: String| Ok((format!("Waiting for {what} \"{name}\" rollout to finish: {rest}\n"), false));
    match o.kind() {
        Kind::DEPLOYMENT => {
            if !observed {
                return Ok(("Waiting for deployment spec update to be observed...\n".into(), false));
            }
            if meta::condition(o, "Progressing").is_some_and(|(_, reason, _)| reason == "ProgressDeadlineExceeded") {
                return fail(format!("deployment \"{name}\" exceeded its progress deadline"));
            }
            let (wanted, updated, total, available) =
                (n(&["spec", "replicas"]), s("updatedReplicas"), s("replicas"), s("availableReplicas"));
            if updated < wanted {
                return waiting("deployment", format!("{updated} out of {wanted} new replicas have been updated..."));
            }
            if total > updated {
                return waiting("deployment", format!("{} old replicas are pending termination...", total - updated));
            }
            if available < updated {
                return waiting("deployment", format!("{available} of {updated} updated replicas are available..."));
            }
            Ok((format!("deployment \"{name}\" successfully rolled out\n"), true))
        }
        Kind::DAEMON_SET => {
            if o.str(&["spec", "updateStrategy", "type"]) != "RollingUpdate" {
                return fail("rollout status is only available for RollingUpdate strategy type");
            }
            if !observed {
                return Ok(("Waiting for daemon set spec update to be observed...\n".into(), false));
            }
            let (wanted, updated, available) =
                (s("desiredNumberScheduled"), s("updatedNumberScheduled"), s("numberAvailable"));
            if updated < wanted {
                return waiting("daemon set", format!("{updated} out of {wanted} new pods have been updated..."));
            }
            if available < wanted {
                return waiting("daemon set", format!("{available} of {wanted} updated pods are available..."));
            }
            Ok((format!("daemon set \"{name}\" successfully rolled out\n"), true))
        }
        _ => stateful_progress(o, observed),
    }
}

fn stateful_progress(o: &Object, observed: bool) -> Run<(String, bool)> {
    let n = |path: &[&str]| o.int(path).unwrap_or(0);
    let s = |field: &str| n(&["status", field]);
    if o.str(&["spec", "updateStrategy", "type"]) != "RollingUpdate" {
        return fail("rollout status is only available for RollingUpdate strategy type");
    }
    if !observed || s("observedGeneration") == 0 {
        return Ok(("Waiting for statefulset spec update to be observed...\n".into(), false));
    }
    let wanted = n(&["spec", "replicas"]);
    if s("readyReplicas") < wanted {
        return Ok((format!("Waiting for {} pods to be ready...\n", wanted - s("readyReplicas")), false));
    }
    let partition = n(&["spec", "updateStrategy", "rollingUpdate", "partition"]);
    if partition > 0 {
        if s("updatedReplicas") < wanted - partition {
            let text = format!(
                "Waiting for partitioned roll out to finish: {} out of {} new pods have been updated...\n",
                s("updatedReplicas"),
                wanted - partition
            );
            return Ok((text, false));
        }
        return Ok((
            format!("partitioned roll out complete: {} new pods have been updated...\n", s("updatedReplicas")),
            true,
        ));
    }
    let (current, update) = (o.str(&["status", "currentRevision"]), o.str(&["status", "updateRevision"]));
    if current != update {
        let text = format!(
            "waiting for statefulset rolling update to complete {} pods at revision {update}...\n",
            s("updatedReplicas")
        );
        return Ok((text, false));
    }
    Ok((format!("statefulset rolling update complete {} pods at revision {current}...\n", s("currentReplicas")), true))
}

// --- history and undo ---

/// One revision: number, cause, pod template, and the annotations its holder carries.
struct Revision {
    number: i64,
    cause: Str,
    template: Value,
    annotations: Map,
}

/// Revisions of a workload, oldest first.
fn revisions(cx: &mut Cx<'_, '_>, info: &Info) -> Run<Vec<Revision>> {
    // The history viewer reads the object again through its own client.
    let o = &cx.get(&info.key)?;
    let holders: Vec<Arc<Object>> = match info.kind {
        Kind::DEPLOYMENT => {
            let (mut all, new) = describe::replica_sets(cx, o)?;
            all.extend(new);
            all
        }
        Kind::DAEMON_SET | Kind::STATEFUL_SET => {
            let mut request = Request::list(Kind::CONTROLLER_REVISION, o.namespace().clone());
            request.labels = o.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default();
            let owned = |r: &Arc<Object>| meta::controller_of(r).is_some_and(|c| c.str("uid") == meta::uid(o));
            cx.list(request)?.items.into_iter().filter(owned).collect()
        }
        other => return fail(unvisited(other, "history", "history viewer")),
    };
    let mut out: Vec<Revision> = holders
        .iter()
        .map(|h| {
            let number = match h.kind() {
                Kind::REPLICA_SET => meta::annotation(h, REVISION).and_then(|r| r.parse().ok()).unwrap_or(0),
                _ => h.int(&["revision"]).unwrap_or(0),
            };
            let mut template = match h.kind() {
                Kind::REPLICA_SET => h.get(&["spec", "template"]),
                _ => h.get(&["data", "spec", "template"]),
            }
            .cloned()
            .unwrap_or_default();
            if let Value::Map(m) = &mut template {
                m.remove("$patch");
            }
            let annotations = h.get(&["metadata", "annotations"]).and_then(Value::as_map).cloned().unwrap_or_default();
            Revision { number, cause: meta::annotation(h, CAUSE).unwrap_or("").into(), template, annotations }
        })
        .collect();
    out.arrange_by_key(|r| r.number);
    Ok(out)
}

/// `ReplicaSet.apps`
fn group_kind(kind: Kind) -> String {
    let info = kind.info();
    if info.group.is_empty() { info.kind.to_owned() } else { format!("{}.{}", info.kind, info.group) }
}

/// Kinds that kubectl's visitor does not know fail before those that have no viewer.
fn unvisited(kind: Kind, about: &str, viewer: &str) -> String {
    let visited =
        matches!(kind, Kind::JOB | Kind::POD | Kind::REPLICA_SET | Kind::REPLICATION_CONTROLLER | Kind::CRON_JOB);
    let name = group_kind(kind);
    if visited {
        return format!("no {viewer} has been implemented for \"{name}\"");
    }
    let info = kind.info();
    format!("error retrieving {about} for \"{name}\", no visitor method exists for {{{} {}}}", info.group, info.kind)
}

pub fn history(cx: &mut Cx<'_, '_>) -> Run {
    let wanted = cx.flags.int("revision");
    if wanted < 0 {
        return fail(format!("revision must be a positive integer: {wanted}"));
    }
    let (found, mut errors) = infos(cx)?;
    for info in found {
        let outcome = history_of(cx, &info, wanted);
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn history_of(cx: &mut Cx<'_, '_>, info: &Info, wanted: i64) -> Run {
    let all = revisions(cx, info)?;
    let title = name::of_kind(cx.profile, info.kind, &info.key.name);
    if wanted > 0 {
        let Some(r) = all.iter().find(|r| r.number == wanted) else {
            return fail("unable to find the specified revision");
        };
        let text = format!("{title} with revision #{wanted}\n{}\n", template_text(cx, r));
        cx.io.out(text);
        return Ok(());
    }
    if all.is_empty() {
        let text = format!("{title} \nNo rollout history found.\n");
        cx.io.out(text);
        return Ok(());
    }
    let mut table = String::from("REVISION\tCHANGE-CAUSE\n");
    for r in &all {
        table += &format!("{}\t{}\n", r.number, describe::or_none(&r.cause));
    }
    let text = format!("{title} \n{}\n", tabwriter::describe(&table));
    cx.io.out(text);
    Ok(())
}

/// A pod template as history prints it: with its tabs left as they are.
fn template_text(cx: &Cx<'_, '_>, r: &Revision) -> String {
    let mut t = r.template.clone();
    if !r.cause.is_empty() {
        t.entry(&["metadata", "annotations"]).make_map().insert(CAUSE, &r.cause);
    }
    let mut page = Page { book: !cx.modern(), ..Page::default() };
    template::pod_template(Some(&t), cx.profile, &mut page);
    page.text
}

pub fn undo(cx: &mut Cx<'_, '_>) -> Run {
    let to = cx.flags.int("to-revision");
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let (found, mut errors) = infos(cx)?;
    for info in found {
        let outcome = undo_one(cx, &info, to, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn undo_one(cx: &mut Cx<'_, '_>, info: &Info, to: i64, format: Option<&print::Format>) -> Run {
    if !matches!(info.kind, Kind::DEPLOYMENT | Kind::DAEMON_SET | Kind::STATEFUL_SET) {
        return fail(unvisited(info.kind, "rollbacker", "rollbacker"));
    }
    if info.object.get(&["spec", "paused"]).and_then(Value::as_bool) == Some(true) {
        let place = cx.by("rollout resume deployment/NAME", "rollout resume").replace("NAME", &info.key.name);
        return fail(format!(
            "you cannot rollback a paused deployment; resume it first with 'kubectl {place}' and try again"
        ));
    }
    let all = revisions(cx, info)?;
    let what = info.kind.name().to_lowercase();
    let target = if to != 0 {
        match all.iter().find(|r| r.number == to) {
            Some(r) => r,
            None => return fail(format!("unable to find specified revision {to} in history")),
        }
    } else {
        match all.len().checked_sub(2).and_then(|i| all.get(i)) {
            Some(r) => r,
            None => return fail(format!("no rollout history found for {what} \"{}\"", info.key.name)),
        }
    };
    let mut wanted = target.template.clone();
    if wanted.at(&["metadata", "labels", "pod-template-hash"]).is_some() {
        wanted.entry(&["metadata", "labels"]).make_map().remove("pod-template-hash");
    }
    if cx.dry_run() == DryRun::Client {
        let text = template_text(
            cx,
            &Revision { cause: Str::new(), template: target.template.clone(), annotations: Map::new(), ..*target },
        );
        let line = format!("{} {text} (dry run)", name::of_kind(cx.profile, info.kind, &info.key.name));
        cx.io.outln(line);
        return Ok(());
    }
    let shown = get::value_of(cx, &info.object);
    if info.object.get(&["spec", "template"]) == Some(&wanted) {
        let text = format!("skipped rollback (current template already matches revision {})", target.number);
        return confirm(cx, format, &shown, &text);
    }
    let mut operations = vec![replace("/spec/template", wanted)];
    if info.kind == Kind::DEPLOYMENT {
        operations.push(replace("/metadata/annotations", Value::Map(annotations(&info.object, target))));
    }
    let request = Request::patch(&info.key, PatchType::Json, Value::from(operations));
    let request = cx.write(request, "");
    let after = cx.send_object(request)?;
    let shown = get::value_of(cx, &after);
    confirm(cx, format, &shown, "rolled back")
}

fn replace(path: &str, value: Value) -> Value {
    Value::Map(map! { "op" => "replace", "path" => path, "value" => value })
}

/// The deployment's own annotations with those of the revision's replica set.
fn annotations(o: &Object, r: &Revision) -> Map {
    // These stay with the deployment whatever it is rolled back to.
    const OWN: [&str; 6] = [
        super::apply::LAST_APPLIED,
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    let mut out = Map::new();
    let old = o.get(&["metadata", "annotations"]).and_then(Value::as_map).cloned().unwrap_or_default();
    for (k, v) in old.iter().filter(|(k, _)| OWN.contains(&k.as_str())) {
        out.insert(k.clone(), v.clone());
    }
    for (k, v) in r.annotations.iter().filter(|(k, _)| !OWN.contains(&k.as_str())) {
        out.insert(k.clone(), v.clone());
    }
    out
}

// --- pause, resume, restart ---

pub fn pause(cx: &mut Cx<'_, '_>) -> Run {
    each(cx, |cx, info| {
        deployments_only(info, "pausing")?;
        if paused(&info.object) {
            return fail(format!("{} \"{}\" is already paused", info.resource.full_name(), info.key.name));
        }
        let mut o = get::value_of(cx, &info.object);
        o.entry(&["spec"]).make_map().insert("paused", true);
        Ok((o, "paused"))
    })
}

pub fn resume(cx: &mut Cx<'_, '_>) -> Run {
    each(cx, |cx, info| {
        deployments_only(info, "resuming")?;
        if !paused(&info.object) {
            return fail(format!("{} \"{}\" is not paused", info.resource.full_name(), info.key.name));
        }
        let mut o = get::value_of(cx, &info.object);
        o.entry(&["spec"]).make_map().remove("paused");
        Ok((o, "resumed"))
    })
}

pub fn restart(cx: &mut Cx<'_, '_>) -> Run {
    each(cx, |cx, info| {
        if !matches!(info.kind, Kind::DEPLOYMENT | Kind::DAEMON_SET | Kind::STATEFUL_SET) {
            return fail(format!("{} \"{}\" restarting is not supported", info.resource.full_name(), info.key.name));
        }
        if paused(&info.object) {
            return fail(format!(
                "{} \"{}\" can't restart paused deployment (run rollout resume first)",
                info.resource.full_name(),
                info.key.name
            ));
        }
        let now = cx.now()?.rfc3339();
        let mut o = get::value_of(cx, &info.object);
        o.entry(&["spec", "template", "metadata", "annotations"])
            .make_map()
            .insert("kubectl.kubernetes.io/restartedAt", now);
        Ok((o, "restarted"))
    })
}

fn paused(o: &Object) -> bool {
    o.get(&["spec", "paused"]).and_then(Value::as_bool) == Some(true)
}

fn deployments_only(info: &Info, what: &str) -> Run {
    if info.kind == Kind::DEPLOYMENT {
        return Ok(());
    }
    fail(format!("{} \"{}\" {what} is not supported", info.resource.full_name(), info.key.name))
}

/// Changes each object as `change` says and confirms it.
fn each(cx: &mut Cx<'_, '_>, change: fn(&mut Cx<'_, '_>, &Info) -> Run<(Value, &'static str)>) -> Run {
    let format = print::format(cx, false)?;
    let (found, mut errors) = infos(cx)?;
    for info in found {
        let outcome = change_one(cx, &info, change, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn change_one(
    cx: &mut Cx<'_, '_>,
    info: &Info,
    change: fn(&mut Cx<'_, '_>, &Info) -> Run<(Value, &'static str)>,
    format: Option<&print::Format>,
) -> Run {
    let (wanted, done) = change(cx, info)?;
    let after = send_changes(cx, info, &wanted, "kubectl-rollout")?;
    let Some(after) = after else {
        let book = "empty patch";
        let modern = "if restart has already been triggered within the past second, please wait before attempting to trigger another";
        return fail(format!("failed to create patch for {}: {}", info.key.name, cx.by(book, modern)));
    };
    let shown = get::value_of(cx, &after);
    confirm(cx, format, &shown, done)
}

/// PATCHes an object to what is wanted; `None` where nothing differs.
pub fn send_changes(cx: &mut Cx<'_, '_>, info: &Info, wanted: &Value, manager: &str) -> Run<Option<Arc<Object>>> {
    let old = get::value_of(cx, &info.object);
    let (Some(from), Some(to)) = (old.as_map(), wanted.as_map()) else { return Ok(None) };
    let body = match patch::two_way(Some(schema::of(info.kind)), from, to, cx.profile) {
        Ok(body) => body,
        Err(why) => return Err(Fail::Error(Error::Text(why))),
    };
    if body.is_empty() {
        return Ok(None);
    }
    let request = cx.write(Request::patch(&info.key, PatchType::StrategicMerge, Value::Map(body)), manager);
    cx.send_object(request).map(Some)
}
