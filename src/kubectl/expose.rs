//! `kubectl expose`.
//! Models kubectl/pkg/cmd/expose expose.go.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{confirm, record};
use super::error::{self, Error, Fail, Run, fail};
use super::{get, print};
use crate::api::{Kind, List, Map, Request, Value, patch};
use crate::base::Str;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let args = cx.args.clone();
    let options = Options { lenient: true, own_selector: true, ..Options::default() };
    let (items, mut errors) = match builder::items(cx, &args, options) {
        // 1.20 says where to find help.
        Err(Fail::Error(Error::Text(text))) if !cx.modern() => return cx.usage(text),
        other => other?,
    };
    for info in builder::fetch(cx, items, &mut errors)? {
        let outcome = expose(cx, &info, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn expose(cx: &mut Cx<'_, '_>, info: &Info, format: Option<&print::Format>) -> Run {
    let exposable = [Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::REPLICATION_CONTROLLER, Kind::SERVICE, Kind::POD];
    if !exposable.contains(&info.kind) {
        return fail(format!("cannot expose a {}", group_kind(info)));
    }
    let selector = selector(cx, info)?;
    let mut ports = ports(cx, info)?;
    let name: Str = match cx.flags.text("name") {
        "" => info.key.name.clone(),
        given => given.into(),
    };
    // Names of services are shorter than those of what they stand before.
    let name: Str = name.chars().take(63).collect::<String>().into();
    let mut spec = map! { "selector" => selector };
    let target = cx.flags.text("target-port").to_owned();
    for port in ports.items_mut() {
        let own = port.get("port").cloned().unwrap_or_default();
        let to = if target.is_empty() { own } else { super::create::int_or_string(&target) };
        port.make_map().insert("targetPort", to);
    }
    spec.insert("ports", ports);
    for (flag, field) in [
        ("type", "type"),
        ("cluster-ip", "clusterIP"),
        ("load-balancer-ip", "loadBalancerIP"),
        ("session-affinity", "sessionAffinity"),
    ] {
        if !cx.flags.text(flag).is_empty() {
            spec.insert(field, cx.flags.text(flag));
        }
    }
    if !cx.flags.text("external-ip").is_empty() {
        spec.insert("externalIPs", list![cx.flags.text("external-ip")]);
    }
    let mut meta = map! { "name" => &name };
    let labels = labels(cx, info)?;
    if !labels.is_empty() {
        meta.insert("labels", labels);
    }
    if !cx.modern() {
        meta.insert("creationTimestamp", Value::Null);
    }
    let mut value = Value::Map(map! {
        "apiVersion" => "v1",
        "kind" => "Service",
        "metadata" => meta,
        "spec" => spec,
        "status" => map! { "loadBalancer" => map! {} },
    });
    if !cx.flags.text("overrides").is_empty() {
        match Value::from_json(cx.flags.text("overrides")) {
            Ok(over) => value = patch::json_merge(&value, &over),
            Err(_) => return fail("Invalid JSON Patch"),
        }
    }
    if cx.flags.yes("save-config") {
        super::apply::annotate(cx, &mut value);
    }
    record(cx, &mut value);
    let namespace = info.key.namespace.clone();
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, format, &value, "exposed");
    }
    let mut request = Request::new(crate::api::Verb::Create, Kind::SERVICE, namespace, "");
    request.body = Some(value);
    let request = cx.write(request, "kubectl-expose");
    let made = cx.send_object(request)?;
    let shown = get::value_of(cx, &made);
    confirm(cx, format, &shown, "exposed")
}

fn group_kind(info: &Info) -> String {
    let group = info.resource.group();
    if group.is_empty() { info.resource.kind.to_owned() } else { format!("{}.{group}", info.resource.kind) }
}

fn labels(cx: &Cx<'_, '_>, info: &Info) -> Run<Map> {
    let given = cx.flags.text("labels");
    if given.is_empty() {
        return Ok(crate::api::meta::labels(&info.object).cloned().unwrap_or_default());
    }
    pairs(given)
}

fn pairs(text: &str) -> Run<Map> {
    let mut out = Map::new();
    for pair in text.split(',').filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some((k, v)) => out.insert(k, v),
            None => return fail(format!("unexpected label spec: {pair}")),
        }
    }
    Ok(out)
}

/// Which pods: `--selector`, or the selector of what is exposed.
fn selector(cx: &Cx<'_, '_>, info: &Info) -> Run<Map> {
    let given = cx.flags.text("selector");
    if !given.is_empty() {
        return pairs(given);
    }
    let o = &info.object;
    let map = |v: Option<&Value>| v.and_then(Value::as_map).cloned().unwrap_or_default();
    let found = match info.kind {
        Kind::POD => map(o.get(&["metadata", "labels"])),
        Kind::SERVICE | Kind::REPLICATION_CONTROLLER => map(o.get(&["spec", "selector"])),
        _ => {
            if !o.items(&["spec", "selector", "matchExpressions"]).is_empty() {
                return fail(
                    "couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - \"matchExpressions\" to map-based selector format",
                );
            }
            map(o.get(&["spec", "selector", "matchLabels"]))
        }
    };
    if found.is_empty() {
        let why = match info.kind {
            Kind::POD => "the pod has no labels and cannot be exposed",
            Kind::SERVICE => "the service has no pod selector set",
            _ => "invalid deployment: no selectors, therefore cannot be exposed",
        };
        let text = format!("couldn't retrieve selectors via --selector flag or introspection: {why}");
        return if cx.modern() { fail(text) } else { cx.usage(text) };
    }
    Ok(found)
}

/// Ports from `--port`, or from the containers.
fn ports(cx: &Cx<'_, '_>, info: &Info) -> Run<List> {
    let given = cx.flags.text("port");
    let protocol = cx.flags.text("protocol");
    let mut found: Vec<(String, String)> = Vec::new();
    if given.is_empty() {
        let o = &info.object;
        if info.kind == Kind::SERVICE {
            for p in o.items(&["spec", "ports"]) {
                found.push((p.get("port").map_or_else(String::new, Value::to_json), p.str("protocol").to_owned()));
            }
        }
        let containers = match info.kind {
            Kind::POD => o.items(&["spec", "containers"]),
            _ => o.items(&["spec", "template", "spec", "containers"]),
        };
        for p in containers.iter().flat_map(|c| c.get("ports").map_or(&[][..], Value::items)) {
            found.push((p.get("containerPort").map_or_else(String::new, Value::to_json), p.str("protocol").to_owned()));
        }
        if found.is_empty() {
            let text = "couldn't find port via --port flag or introspection";
            return if cx.modern() { fail(text) } else { cx.usage(text) };
        }
    } else {
        found.extend(given.split(',').map(|p| (p.to_owned(), String::new())));
    }
    let many = found.len() > 1;
    let mut out = List::new();
    for (i, (port, own)) in found.into_iter().enumerate() {
        let Ok(number) = port.parse::<i64>() else {
            return fail(format!("strconv.Atoi: parsing {}: invalid syntax", super::flags::quote(&port)));
        };
        let protocol = [protocol, own.as_str(), "TCP"].into_iter().find(|p| !p.is_empty()).unwrap_or("TCP").to_owned();
        let mut p = map! { "port" => number, "protocol" => protocol };
        if many {
            p.insert("name", format!("port-{}", i + 1));
        }
        out.push(p);
    }
    Ok(out)
}
