//! `kubectl cordon`, `uncordon`, `drain`.
//! Models kubectl/pkg/drain, kubectl/pkg/cmd/drain.

use super::context::{Cx, DryRun};
use super::error::{self, Error, Fail, Run, fail};
use super::{builder, discovery};
use crate::api::request::PatchType;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, Verb, meta, node, pod};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use std::sync::Arc;

pub fn cordon(cx: &mut Cx<'_, '_>) -> Run {
    each(cx, "cordon", true)
}
pub fn uncordon(cx: &mut Cx<'_, '_>) -> Run {
    each(cx, "uncordon", false)
}

fn each(cx: &mut Cx<'_, '_>, word: &str, wanted: bool) -> Run {
    let (nodes, errors) = nodes(cx, word)?;
    error::all(errors)?;
    for o in nodes {
        mark(cx, &o, wanted)?;
    }
    Ok(())
}

/// The nodes a command is about.
fn nodes(cx: &mut Cx<'_, '_>, word: &str) -> Run<(Vec<Arc<Object>>, Vec<Error>)> {
    let selector = cx.flags.text("selector").to_owned();
    if cx.args.is_empty() && selector.is_empty() {
        return cx.usage(format!("USAGE: {word} NODE [flags]"));
    }
    if !cx.args.is_empty() && !selector.is_empty() {
        return cx.usage("error: cannot specify both a node name and a --selector option");
    }
    cx.check_dry_run()?;
    let mut errors = Vec::new();
    if !selector.is_empty() {
        let request = builder::selected(cx, Kind::NODE, "")?;
        return Ok((cx.list(request)?.items, errors));
    }
    let mut out = Vec::new();
    for arg in cx.args.clone() {
        let name: Str = match arg.split_once('/') {
            Some((word, name)) => {
                let resource = builder::one_type(cx, word)?;
                if resource.modelled != Some(Kind::NODE) {
                    return fail(format!("expected resource of type node, got {:?}", resource.name));
                }
                name.into()
            }
            None => arg,
        };
        let found = cx.get(&ObjectKey::new(Kind::NODE, "", name));
        out.extend(error::note(found, &mut errors)?);
    }
    Ok((out, errors))
}

/// Sets `spec.unschedulable` and says so.
fn mark(cx: &mut Cx<'_, '_>, o: &Object, wanted: bool) -> Run {
    let done = if wanted { "cordoned" } else { "uncordoned" };
    if node::unschedulable(o) == wanted {
        let line = format!("node/{} already {done}{}", o.name(), cx.dry_run().suffix());
        cx.io.outln(line);
        return Ok(());
    }
    if cx.dry_run() != DryRun::Client {
        let value = if wanted { Value::Bool(true) } else { Value::Null };
        let body = map! { "spec" => map! { "unschedulable" => value } };
        let request = Request::patch(&o.key, PatchType::StrategicMerge, Value::Map(body));
        let request = cx.write(request, "");
        cx.send(request)?;
    }
    let line = format!("node/{} {done}{}", o.name(), cx.dry_run().suffix());
    cx.io.outln(line);
    Ok(())
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let (nodes, errors) = nodes(cx, "drain")?;
    error::all(errors)?;
    for o in &nodes {
        mark(cx, o, true)?;
    }
    let (mut fatal, mut left) = (Vec::new(), Vec::new());
    for (i, o) in nodes.iter().enumerate() {
        let (gone, errors) = drain(cx, o)?;
        if errors.is_empty() {
            // 1.20 says of a node what it said of its last pod.
            let done = if gone > 0 && !cx.modern() { done(cx) } else { "drained" };
            let line = format!("node/{} {done}{}", o.name(), cx.dry_run().suffix());
            cx.io.outln(line);
            continue;
        }
        if !cx.modern() {
            cx.io.errln(format!("error: unable to drain node \"{}\", aborting command...\n", o.name()));
            left.extend(&nodes[i..]);
            fatal = errors;
            break;
        }
        let why = Error::Many(errors).plain();
        cx.io.errln(format!("error: unable to drain node \"{}\" due to error: {why}, continuing command...", o.name()));
        left.push(o);
        // A sum of sums is printed without "error: ".
        fatal.push(Error::Raw(why));
    }
    if left.is_empty() {
        return Ok(());
    }
    let names: String = left.iter().map(|n| format!("\n {}", n.name())).collect();
    cx.io.errln(format!("There are pending nodes to be drained:{names}"));
    error::all(fatal)
}

/// What becomes of pods.
fn done(cx: &Cx<'_, '_>) -> &'static str {
    if cx.flags.yes("disable-eviction") { "deleted" } else { "evicted" }
}

/// Pods to evict, and what is said about those that are deleted with force or left alone.
struct Plan {
    pods: Vec<Arc<Object>>,
    warnings: Vec<(String, Vec<String>)>,
    errors: Vec<(String, Vec<String>)>,
}

fn note(list: &mut Vec<(String, Vec<String>)>, why: &str, o: &Object) {
    let name = format!("{}/{}", o.namespace(), o.name());
    match list.iter_mut().find(|(w, _)| w == why) {
        Some((_, names)) => names.push(name),
        None => list.push((why.to_owned(), vec![name])),
    }
}

fn plan(cx: &mut Cx<'_, '_>, node_name: &str) -> Run<Plan> {
    let mut request = Request::list(Kind::POD, "");
    request.fields.0.push(("spec.nodeName".into(), node_name.into(), true));
    if !cx.flags.text("pod-selector").is_empty() {
        request.labels = builder::parse_labels(cx.flags.text("pod-selector"), cx).or_else(fail)?;
    }
    request.limit = if cx.modern() { 500 } else { 0 };
    let all = cx.list(request)?.items;
    let mut plan = Plan { pods: Vec::new(), warnings: Vec::new(), errors: Vec::new() };
    let (force, ignore) = (cx.flags.yes("force"), cx.flags.yes("ignore-daemonsets"));
    let empty = cx.flags.yes("delete-emptydir-data") || cx.flags.yes("delete-local-data");
    let modern = cx.modern();
    for o in all {
        if pod::is_mirror(&o) {
            continue;
        }
        let owner = meta::controller_of(&o).map(|c| c.str("kind").to_owned());
        let finished = pod::terminal(&o);
        match owner.as_deref() {
            Some("DaemonSet") if !finished => {
                if ignore {
                    note(&mut plan.warnings, "ignoring DaemonSet-managed Pods", &o);
                } else {
                    note(
                        &mut plan.errors,
                        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)",
                        &o,
                    );
                }
                continue;
            }
            None if !finished => {
                let (error, warning) = if modern {
                    (
                        "cannot delete Pods that declare no controller (use --force to override)",
                        "deleting Pods that declare no controller",
                    )
                } else {
                    (
                        "cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet (use --force to override)",
                        "deleting Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet",
                    )
                };
                if !force {
                    note(&mut plan.errors, error, &o);
                    continue;
                }
                note(&mut plan.warnings, warning, &o);
            }
            _ => {}
        }
        let local = o.items(&["spec", "volumes"]).iter().any(|v| v.get("emptyDir").is_some());
        if local && !finished {
            if !empty {
                let text = "cannot delete Pods with local storage (use --delete-emptydir-data to override)";
                note(&mut plan.errors, text, &o);
                continue;
            }
            note(&mut plan.warnings, "deleting Pods with local storage", &o);
        }
        plan.pods.push(o);
    }
    // 1.20 keeps them in a map: its order is by chance there, and by words here.
    if modern {
        plan.errors.reverse()
    } else {
        plan.errors.arrange()
    }
    plan.warnings.arrange_by_key(|w| if modern { !w.0.starts_with("deleting") } else { !w.0.starts_with("ignoring") });
    Ok(plan)
}

/// How many pods went, and what stood in the way.
fn drain(cx: &mut Cx<'_, '_>, o: &Object) -> Run<(usize, Vec<Error>)> {
    let plan = plan(cx, o.name())?;
    let sentences = |all: &[(String, Vec<String>)]| -> Vec<String> {
        all.iter().map(|(why, names)| format!("{why}: {}", names.join(", "))).collect()
    };
    if !plan.errors.is_empty() {
        return Ok((0, sentences(&plan.errors).into_iter().map(Error::Text).collect()));
    }
    if !plan.warnings.is_empty() {
        let line = format!("{}: {}", cx.by("WARNING", "Warning"), sentences(&plan.warnings).join("; "));
        cx.io.errln(line);
    }
    if cx.dry_run() == DryRun::Client {
        for p in &plan.pods {
            cx.io.outln(format!("evicting pod {}/{} (dry run)", p.namespace(), p.name()));
        }
        return Ok((0, Vec::new()));
    }
    let (gone, errors) = remove(cx, &plan.pods)?;
    if !errors.is_empty() {
        let why = Error::Many(errors.clone()).plain();
        let left = self::plan(cx, o.name())?.pods;
        if !left.is_empty() {
            let names: String = left.iter().map(|p| format!("\npod/{}", p.name())).collect();
            let line = format!("There are pending pods in node \"{}\" when an error occurred: {why}{names}", o.name());
            cx.io.errln(line);
        }
    }
    Ok((gone, errors))
}

/// Where a pod's removal stands: to be asked for (again) at a time, waited for, or over.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Ask(Time),
    Wait,
    Over,
}

/// Evicts or deletes the pods side by side and waits until they are gone.
/// Models evictPods, deletePods and waitForDelete.
fn remove(cx: &mut Cx<'_, '_>, pods: &[Arc<Object>]) -> Run<(usize, Vec<Error>)> {
    const AGAIN: Duration = Duration::secs(5);
    let evicts = !cx.flags.yes("disable-eviction");
    // Whether the server knows of evictions.
    if evicts && !pods.is_empty() {
        if !cx.modern() {
            discovery::probe(cx)?;
        }
        let url = cx.by("/api/v1?timeout=32s", "/api/v1").to_owned();
        cx.url(&url)?;
    }
    let limit = cx.flags.time("timeout");
    let start = cx.now()?;
    let mut stages = vec![Stage::Ask(start); pods.len()];
    let (mut gone, mut errors) = (0, Vec::new());
    let dry = cx.dry_run() == DryRun::Server;
    loop {
        let now = cx.now()?;
        let late = limit != Duration::ZERO && now.since(start) >= limit;
        let due: Vec<usize> = (0..pods.len()).filter(|i| matches!(stages[*i], Stage::Ask(at) if at <= now)).collect();
        for i in due.iter().filter(|_| evicts) {
            let suffix = if dry { " (server dry run)" } else { "" };
            cx.io.outln(format!("evicting pod {}/{}{suffix}", pods[*i].namespace(), pods[*i].name()));
        }
        for i in due {
            let p = &pods[i];
            let about = format!("error when evicting pods/\"{}\" -n \"{}\"", p.name(), p.namespace());
            if late && evicts {
                stages[i] = Stage::Over;
                errors.push(Error::Text(format!("{about}: global timeout reached: {}", go(limit))));
                continue;
            }
            stages[i] = match ask(cx, p, evicts) {
                Ok(()) if dry => Stage::Over,
                Ok(()) => Stage::Wait,
                Err(Fail::Error(e)) if e.not_found() => {
                    if evicts {
                        Stage::Over
                    } else {
                        Stage::Wait
                    }
                }
                Err(Fail::Error(e)) if evicts && e.is(Reason::TooManyRequests) => {
                    cx.io.errln(format!("{about} (will retry after 5s): {}", e.plain()));
                    Stage::Ask(cx.now()? + AGAIN)
                }
                Err(Fail::Error(e)) => {
                    errors.push(if evicts { Error::Text(format!("{about}: {}", e.plain())) } else { e });
                    Stage::Over
                }
                Err(e) => return Err(e),
            };
        }
        for (p, stage) in pods.iter().zip(&mut stages).filter(|(_, s)| **s == Stage::Wait) {
            let found = cx.find(&p.key)?;
            if found.is_none_or(|f| meta::uid(&f) != meta::uid(p)) {
                *stage = Stage::Over;
                gone += 1;
                let line = format!("pod/{} {}", p.name(), done(cx));
                cx.io.outln(line);
            } else if late {
                *stage = Stage::Over;
                let (name, namespace) = (p.name(), p.namespace());
                let text = match (cx.modern(), evicts) {
                    (false, true) => format!(
                        "error when waiting for pod \"{name}\" terminating: global timeout reached: {}",
                        go(limit)
                    ),
                    (true, true) => format!(
                        "error when waiting for pod \"{name}\" in namespace \"{namespace}\" to terminate: global timeout reached: {}",
                        go(limit)
                    ),
                    (false, false) => "timed out waiting for the condition".to_owned(),
                    (true, false) => "context deadline exceeded".to_owned(),
                };
                errors.push(Error::Text(text));
            }
        }
        if stages.iter().all(|s| *s == Stage::Over) {
            return Ok((gone, errors));
        }
        cx.io.sleep(Duration::secs(1))?;
    }
}

/// Asks for a pod's eviction or deletion.
fn ask(cx: &mut Cx<'_, '_>, p: &Object, evicts: bool) -> Run {
    let mut request = if evicts {
        Request::new(Verb::Create, Kind::POD, p.namespace().clone(), p.name().clone())
    } else {
        Request::delete(&p.key)
    };
    let grace = cx.flags.int("grace-period");
    let mut options = Map::new();
    if grace >= 0 {
        options.insert("gracePeriodSeconds", grace);
        request.grace_period_s = Some(grace);
    }
    if cx.dry_run() == DryRun::Server {
        options.insert("dryRun", list!["All"]);
        request.dry_run = true;
    }
    if evicts {
        request.subresource = "eviction".into();
        let body = map! {
            "apiVersion" => cx.by("policy/v1beta1", "policy/v1"),
            "deleteOptions" => options,
            "kind" => "Eviction",
            "metadata" => map! { "name" => p.name(), "namespace" => p.namespace() },
        };
        request.body = Some(Value::Map(body));
    }
    cx.send(request).map(drop)
}

/// As Go prints a time span: `7s`, `1m30s`, `1h0m0s`.
fn go(d: Duration) -> String {
    let all = d.as_millis() / 1000;
    let (h, m, s) = (all / 3600, all / 60 % 60, all % 60);
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m{s}s"),
        _ => format!("{h}h{m}m{s}s"),
    }
}
