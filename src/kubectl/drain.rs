//! `kubectl cordon`, `uncordon`, `drain`.
//! Models kubectl/pkg/drain, kubectl/pkg/cmd/drain.

use super::builder;
use super::context::{Cx, DryRun};
use super::error::{self, Error, Fail, Run, fail, fail_raw};
use crate::api::request::PatchType;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, Verb, meta, node, pod};
use crate::base::{Duration, Str};
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
        return fail("error: cannot specify both a node name and a --selector option");
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
    let mut left: Vec<&Arc<Object>> = nodes.iter().collect();
    for o in &nodes {
        match drain(cx, o) {
            Ok(evicted) => {
                left.remove(0);
                // 1.20 says "evicted" of a node that had pods to evict.
                let done = if evicted > 0 && !cx.modern() { "evicted" } else { "drained" };
                let line = format!("node/{} {done}{}", o.name(), cx.dry_run().suffix());
                cx.io.outln(line);
            }
            Err(Fail::Error(Error::Many(why))) => return pending(cx, o, &left, &why),
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// What stands in the way of a node, and which nodes are left.
fn pending(cx: &mut Cx<'_, '_>, o: &Object, left: &[&Arc<Object>], why: &[Error]) -> Run {
    let texts: Vec<String> = why.iter().map(Error::plain).collect();
    let names: String = left.iter().map(|n| format!(" {}\n", n.name())).collect();
    let list = if texts.len() == 1 {
        format!("error: {}\n", texts[0])
    } else {
        texts.iter().map(|t| format!("{t}\n")).collect()
    };
    if cx.modern() {
        let joined = if texts.len() == 1 { texts[0].clone() } else { format!("[{}]", texts.join(", ")) };
        let lines: String = texts.iter().map(|t| format!("{t}\n")).collect();
        return fail_raw(format!(
            "error: unable to drain node \"{}\" due to error: {joined}, continuing command...\nThere are pending nodes to be drained:\n{names}{lines}",
            o.name()
        ));
    }
    fail_raw(format!(
        "error: unable to drain node \"{}\", aborting command...\n\nThere are pending nodes to be drained:\n{names}{list}",
        o.name()
    ))
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
        plan.errors.sort()
    }
    plan.warnings.sort_by_key(|w| if modern { !w.0.starts_with("deleting") } else { !w.0.starts_with("ignoring") });
    Ok(plan)
}

/// How many pods were evicted.
fn drain(cx: &mut Cx<'_, '_>, o: &Object) -> Run<usize> {
    let plan = plan(cx, o.name())?;
    let sentences = |all: &[(String, Vec<String>)]| -> Vec<String> {
        all.iter().map(|(why, names)| format!("{why}: {}", names.join(", "))).collect()
    };
    if !plan.errors.is_empty() {
        let texts = sentences(&plan.errors);
        return Err(Fail::Error(Error::Many(texts.into_iter().map(Error::Text).collect())));
    }
    if !plan.warnings.is_empty() {
        let line = format!("{}: {}", cx.by("WARNING", "Warning"), sentences(&plan.warnings).join("; "));
        cx.io.errln(line);
    }
    if cx.dry_run() == DryRun::Client {
        for p in &plan.pods {
            let line = format!("evicting pod {}/{} (dry run)", p.namespace(), p.name());
            cx.io.outln(line);
        }
        return Ok(0);
    }
    let timeout = cx.flags.time("timeout");
    let deadline = if timeout == Duration::ZERO { None } else { Some(cx.now()? + timeout) };
    for p in &plan.pods {
        let line = format!("evicting pod {}/{}", p.namespace(), p.name());
        cx.io.outln(line);
    }
    for p in &plan.pods {
        evict(cx, p)?;
    }
    for p in &plan.pods {
        super::delete::wait_gone(cx, &p.key, meta::uid(p), deadline)?;
        let line = format!("pod/{} evicted", p.name());
        cx.io.outln(line);
    }
    Ok(plan.pods.len())
}

/// Asks for eviction, again and again while a disruption budget forbids it.
fn evict(cx: &mut Cx<'_, '_>, p: &Object) -> Run {
    loop {
        let mut request = Request::new(Verb::Create, Kind::POD, p.namespace().clone(), p.name().clone());
        request.subresource = "eviction".into();
        let grace = cx.flags.int("grace-period");
        let mut body = map! {
            "apiVersion" => cx.by("policy/v1beta1", "policy/v1"),
            "kind" => "Eviction",
            "metadata" => map! { "name" => p.name(), "namespace" => p.namespace() },
        };
        if grace >= 0 {
            body.insert("deleteOptions", map! { "gracePeriodSeconds" => grace });
            request.grace_period_s = Some(grace);
        }
        request.body = Some(Value::Map(body));
        match cx.send(request) {
            Ok(_) => return Ok(()),
            Err(Fail::Error(e)) if e.not_found() => return Ok(()),
            Err(Fail::Error(e)) if e.is(Reason::TooManyRequests) => {
                let line = format!(
                    "error when evicting {}\"{}\"{} (will retry after 5s): {}",
                    cx.by("pod ", "pods/"),
                    p.name(),
                    if cx.modern() { format!(" -n \"{}\"", p.namespace()) } else { String::new() },
                    e.plain()
                );
                cx.io.errln(line);
                cx.io.sleep(Duration::secs(5))?;
            }
            Err(e) => return Err(e),
        }
    }
}
