//! `kubectl set`.
//! Models kubectl/pkg/cmd/set.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{command_line, confirm};
use super::error::{self, Run, fail};
use super::rollout::send_changes;
use super::{get, print};
use crate::api::{Kind, Map, Value};
use crate::base::Str;

/// Where a kind keeps its pod spec.
fn pod_spec(kind: Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        Kind::POD => &["spec"],
        Kind::CRON_JOB => &["spec", "jobTemplate", "spec", "template", "spec"],
        Kind::DEPLOYMENT
        | Kind::REPLICA_SET
        | Kind::DAEMON_SET
        | Kind::STATEFUL_SET
        | Kind::REPLICATION_CONTROLLER
        | Kind::JOB => &["spec", "template", "spec"],
        _ => return None,
    })
}

/// Changes the pod spec of each object and confirms it.
fn each(
    cx: &mut Cx<'_, '_>,
    resources: &[Str],
    done: &str,
    change: &dyn Fn(&mut Cx<'_, '_>, &Info, &mut Value) -> Run,
) -> Run {
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let all = cx.flags.yes("all");
    let options = Options { all, selectable: true, types_alone: false, lenient: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, resources, options)?;
    for info in builder::fetch(cx, items, &mut errors)? {
        let outcome = change_one(cx, &info, done, change, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn change_one(
    cx: &mut Cx<'_, '_>,
    info: &Info,
    done: &str,
    change: &dyn Fn(&mut Cx<'_, '_>, &Info, &mut Value) -> Run,
    format: Option<&print::Format>,
) -> Run {
    let mut value = get::value_of(cx, &info.object);
    let before = value.clone();
    change(cx, info, &mut value)?;
    if value == before {
        return Ok(());
    }
    if cx.flags.yes("record") {
        let line = command_line(cx);
        value.entry(&["metadata", "annotations"]).make_map().insert("kubernetes.io/change-cause", line);
    }
    if cx.dry_run() == DryRun::Client || cx.flags.yes("local") {
        return confirm(cx, format, &value, done);
    }
    let after = send_changes(cx, info, &value, "kubectl-set")?;
    let shown = after.map_or(value, |o| get::value_of(cx, &o));
    confirm(cx, format, &shown, done)
}

/// Containers and init containers of the object's pod spec, for change.
fn containers(info: &Info, value: &mut Value, touch: &mut dyn FnMut(&mut Value)) -> Run {
    let Some(path) = pod_spec(info.kind) else {
        return fail(format!("the object is not a pod or does not have a pod template: *{}", info.resource.kind));
    };
    let spec = value.entry(path).make_map();
    for list in ["initContainers", "containers"] {
        if spec.has(list) {
            for c in spec.entry(list).make_list().make_mut() {
                touch(c);
            }
        }
    }
    Ok(())
}

pub fn image(cx: &mut Cx<'_, '_>) -> Run {
    let (resources, pairs) = super::label::split(&cx.args, "image")?;
    if resources.is_empty() && pairs.is_empty() && !super::manifest::given(cx) {
        return fail(builder::MISSING);
    }
    let mut images: Vec<(Str, Str)> = Vec::new();
    for pair in &pairs {
        match pair.split_once('=') {
            Some((container, image)) => images.push((container.into(), image.into())),
            None => return fail(format!("invalid image spec: {pair}")),
        }
    }
    let mut resources = resources;
    if images.is_empty() && !super::manifest::given(cx) {
        return fail("at least one image update is required");
    }
    if images.iter().any(|(c, _)| c == "*") && images.len() > 1 {
        return fail(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        );
    }
    resources.retain(|r| !r.is_empty());
    each(cx, &resources, "image updated", &|_, info, value| {
        let mut missing: Vec<&Str> = images.iter().map(|(c, _)| c).collect();
        containers(info, value, &mut |c| {
            for (name, image) in &images {
                if name == "*" || name == c.str("name") {
                    missing.retain(|m| *m != name);
                    c.make_map().insert("image", image);
                }
            }
        })?;
        match missing.first() {
            Some(name) if name.as_str() != "*" => fail(format!("unable to find container named \"{name}\"")),
            _ => Ok(()),
        }
    })
}

pub fn env(cx: &mut Cx<'_, '_>) -> Run {
    let (resources, mut pairs) = super::label::split(&cx.args, "environment variable")?;
    pairs.extend(cx.flags.all("env").iter().cloned());
    if resources.is_empty() && !super::manifest::given(cx) {
        return cx.usage("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    if cx.flags.yes("list") {
        return list_env(cx, &resources);
    }
    let from = cx.flags.text("from").to_owned();
    let only = cx.flags.text("containers").to_owned();
    let mut sourced: Vec<(Str, Value)> = Vec::new();
    if !from.is_empty() {
        sourced = env_from(cx, &from)?;
    }
    if pairs.is_empty() && sourced.is_empty() {
        return fail("at least one environment variable must be provided");
    }
    each(cx, &resources, "env updated", &|_, info, value| {
        containers(info, value, &mut |c| {
            if only != "*" && only != c.str("name") {
                return;
            }
            let list = c.make_map().entry("env").make_list().make_mut();
            for pair in &pairs {
                match pair.split_once('=') {
                    Some((k, v)) => put_env(list, map! { "name" => k, "value" => v }),
                    None => list.retain(|e| e.str("name") != pair.trim_end_matches('-')),
                }
            }
            for (name, source) in &sourced {
                put_env(list, map! { "name" => name, "valueFrom" => source.clone() });
            }
            if list.is_empty() {
                c.make_map().remove("env");
            }
        })
    })
}

fn put_env(list: &mut Vec<Value>, entry: Map) {
    let name = entry.str("name").to_owned();
    match list.iter_mut().find(|e| e.str("name") == name) {
        Some(old) => *old = Value::Map(entry),
        None => list.push(Value::Map(entry)),
    }
}

/// The keys of a config map or secret as variables.
fn env_from(cx: &mut Cx<'_, '_>, from: &str) -> Run<Vec<(Str, Value)>> {
    let (word, name) = builder::tuple(from)?;
    let resource = builder::one_type(cx, word)?;
    let (kind, field) = match resource.modelled {
        Some(Kind::CONFIG_MAP) => (Kind::CONFIG_MAP, "configMapKeyRef"),
        Some(Kind::SECRET) => (Kind::SECRET, "secretKeyRef"),
        _ => return fail(format!("unsupported resource specified in --from: {from}")),
    };
    let key = crate::api::ObjectKey::new(kind, cx.namespace()?, name);
    let object = cx.get(&key)?;
    let prefix = cx.flags.text("prefix").to_owned();
    let data = object.get(&["data"]).and_then(Value::as_map).cloned().unwrap_or_default();
    Ok(data
        .keys()
        .map(|k| {
            let variable: String =
                k.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
            let mut reference = Map::new();
            reference.insert(field, map! { "key" => k, "name" => name });
            (ecow::eco_format!("{prefix}{variable}"), Value::Map(reference))
        })
        .collect())
}

fn list_env(cx: &mut Cx<'_, '_>, resources: &[Str]) -> Run {
    let options = Options { types_alone: true, lenient: true, selectable: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, resources, options)?;
    for info in builder::fetch(cx, items, &mut errors)? {
        let mut value = get::value_of(cx, &info.object);
        let what = info.resource.name.to_owned();
        let mut lines = Vec::new();
        containers(&info, &mut value, &mut |c| {
            lines.push(format!("# {what} {}, container {}", info.key.name, c.str("name")));
            for e in c.get("env").map_or(&[][..], Value::items) {
                lines.push(match e.get("valueFrom") {
                    None => format!("{}={}", e.str("name"), e.str("value")),
                    Some(_) => format!("# {} from {}", e.str("name"), "a reference"),
                });
            }
        })?;
        for line in lines {
            cx.io.outln(line);
        }
    }
    error::all(errors)
}

pub fn resources(cx: &mut Cx<'_, '_>) -> Run {
    let (limits, requests) = (cx.flags.text("limits").to_owned(), cx.flags.text("requests").to_owned());
    if limits.is_empty() && requests.is_empty() {
        return fail("you must specify an update to requests or limits (in the form of --requests/--limits)");
    }
    let mut wanted: Vec<(&str, Map)> = Vec::new();
    for (field, text) in [("limits", &limits), ("requests", &requests)] {
        let mut map = Map::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            match part.split_once('=') {
                Some((k, v)) => map.insert(k, v),
                None => return fail(format!("invalid argument syntax {part}, expected <resource>=<value>")),
            }
        }
        if !map.is_empty() {
            wanted.push((field, map));
        }
    }
    let only = cx.flags.text("containers").to_owned();
    let args = cx.args.clone();
    each(cx, &args, "resource requirements updated", &|_, info, value| {
        containers(info, value, &mut |c| {
            if only != "*" && only != c.str("name") {
                return;
            }
            for (field, map) in &wanted {
                let old = c.entry(&["resources", field]).make_map();
                for (k, v) in map.iter() {
                    old.insert(k.clone(), v.clone());
                }
            }
        })
    })
}

pub fn selector(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(text) = args.pop().filter(|t| t.contains('=') || args.len() > 1) else {
        return fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    };
    let parsed = super::label::parse_selector(&text).or_else(fail)?;
    let labels = super::label::selector_object(&parsed).get("matchLabels").cloned().unwrap_or_default();
    each(cx, &args, "selector updated", &|_, info, value| {
        if info.kind != Kind::SERVICE {
            return fail(format!("setting a selector is only supported for Services, not {}", info.resource.kind));
        }
        value.entry(&["spec"]).make_map().insert("selector", labels.clone());
        Ok(())
    })
}

pub fn service_account(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(account) = args.pop() else { return fail("serviceaccount is required") };
    each(cx, &args, "serviceaccount updated", &|_, info, value| {
        let Some(path) = pod_spec(info.kind) else { return fail("the object has no pod template") };
        let spec = value.entry(path).make_map();
        spec.insert("serviceAccountName", &account);
        spec.insert("serviceAccount", &account);
        Ok(())
    })
}
