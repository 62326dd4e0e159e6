//! `kubectl top`: what nodes and pods use, as metrics-server tells.
//! Models kubectl/pkg/cmd/top and metricsutil.

use std::sync::Arc;

use super::context::Cx;
use super::error::{Fail, Run, fail};
use super::print::tabwriter::columns;
use crate::api::quantity::Quantity;
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, Request, Response, Value, Verb, meta};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// Name cells, thousandths of a CPU, bytes.
type Row = (Vec<String>, i64, i64);

fn ask(cx: &mut Cx<'_, '_>, kind: Kind, namespace: &str) -> Run<Vec<Arc<Object>>> {
    let name = Str::from(cx.arg(0));
    let verb = if name.is_empty() { Verb::List } else { Verb::Get };
    let request = Request { subresource: "metrics".into(), ..Request::new(verb, kind, namespace, name) };
    match cx.send(request) {
        Ok(Response::List { items, .. }) => Ok(items),
        Ok(Response::Object(o)) => Ok(vec![o]),
        Ok(_) => Ok(Vec::new()),
        Err(Fail::Error(super::error::Error::Status(s))) if s.message.starts_with("the server could not find") => {
            fail("Metrics API not available")
        }
        Err(other) => Err(other),
    }
}

fn usage(v: Option<&Value>) -> (i64, i64) {
    let q = |what: &str| v.and_then(|u| u.get(what)).and_then(Quantity::of).unwrap_or_default();
    (q("cpu").millis(), q("memory").value())
}

fn cells((mut row, cpu, memory): Row) -> Vec<String> {
    row.push(format!("{cpu}m"));
    row.push(format!("{}Mi", memory >> 20));
    row
}

fn sort(cx: &Cx<'_, '_>, rows: &mut [Row]) -> Run {
    match cx.flags.text("sort-by") {
        "" => rows.arrange_by(|a, b| a.0.cmp(&b.0)),
        "cpu" => rows.arrange_by_key(|r| (-r.1, r.0.clone())),
        "memory" => rows.arrange_by_key(|r| (-r.2, r.0.clone())),
        _ => return fail("--sort-by accepts only cpu or memory"),
    }
    Ok(())
}

fn print(cx: &mut Cx<'_, '_>, header: &[&str], rows: Vec<Vec<String>>) {
    let mut all = Vec::with_capacity(rows.len() + 1);
    if !cx.flags.yes("no-headers") {
        all.push(header.iter().map(|h| (*h).to_owned()).collect());
    }
    all.extend(rows);
    cx.io.out(columns(&all));
}

pub fn nodes(cx: &mut Cx<'_, '_>) -> Run {
    let metrics = ask(cx, Kind::NODE, "")?;
    let nodes = cx.list_all(Kind::NODE, "")?;
    let mut rows: Vec<Row> = metrics
        .iter()
        .map(|m| (vec![m.name().to_string()], usage(m.get(&["usage"]))))
        .map(|(n, (c, b))| (n, c, b))
        .collect();
    sort(cx, &mut rows)?;
    let mut out = Vec::new();
    for (name, cpu, memory) in rows {
        let node = nodes.iter().find(|n| *n.name() == name[0]);
        let whole = if cx.flags.yes("show-capacity") { "capacity" } else { "allocatable" };
        let (cpus, bytes) = usage(node.and_then(|n| n.get(&["status", whole])));
        out.push(vec![
            name[0].clone(),
            format!("{cpu}m"),
            format!("{}%", cpu * 100 / cpus.max(1)),
            format!("{}Mi", memory >> 20),
            format!("{}%", memory * 100 / bytes.max(1)),
        ]);
    }
    // A node without an answer is named all the same.
    for n in nodes.iter().filter(|n| cx.arg(0).is_empty() && !metrics.iter().any(|m| m.name() == n.name())) {
        let unknown = || "<unknown>".to_owned();
        out.push(vec![n.name().to_string(), unknown(), unknown(), unknown(), unknown()]);
    }
    let header = match cx.modern() {
        true => ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
        false => ["NAME", "CPU(cores)", "CPU%", "MEMORY(bytes)", "MEMORY%"],
    };
    print(cx, &header, out);
    Ok(())
}

pub fn pods(cx: &mut Cx<'_, '_>) -> Run {
    let everywhere = cx.flags.yes("all-namespaces");
    let namespace = if everywhere { Str::new() } else { cx.namespace()? };
    let mut metrics = ask(cx, Kind::POD, &namespace)?;
    let selector = Str::from(cx.flags.text("selector"));
    if !selector.is_empty() || metrics.is_empty() {
        let pods = cx.list_all(Kind::POD, &namespace)?;
        if let Ok(wanted) = LabelSelector::parse(&selector, cx.profile) {
            let fits = |m: &Arc<Object>| pods.iter().any(|p| p.key == m.key && wanted.matches(meta::labels(p)));
            metrics.retain(fits);
        }
        let now = cx.now()?;
        if let Some(p) = pods.iter().find(|_| metrics.is_empty()).filter(|_| selector.is_empty()) {
            let age = now.since(meta::created(p));
            return fail(format!(
                "Metrics not available for pod {}/{}, age: {}",
                p.namespace(),
                p.name(),
                go(age.as_secs())
            ));
        }
    }
    if metrics.is_empty() {
        let where_ = if everywhere {
            "No resources found".into()
        } else {
            format!("No resources found in {namespace} namespace.")
        };
        cx.io.errln(&where_);
        return Ok(());
    }
    let containers = cx.flags.yes("containers");
    let mut rows: Vec<Row> = Vec::new();
    for m in &metrics {
        let mut name: Vec<String> = if everywhere { vec![m.namespace().to_string()] } else { Vec::new() };
        name.push(m.name().to_string());
        let (mut cpu, mut memory) = (0, 0);
        for c in m.items(&["containers"]) {
            let (x, y) = usage(c.get("usage"));
            (cpu, memory) = (cpu + x, memory + y);
            if containers {
                let mut full = name.clone();
                full.push(c.str("name").to_owned());
                rows.push((full, x, y));
            }
        }
        if !containers {
            rows.push((name, cpu, memory));
        }
    }
    sort(cx, &mut rows)?;
    let mut header: Vec<&str> = if everywhere { vec!["NAMESPACE"] } else { Vec::new() };
    header.extend(if containers { &["POD", "NAME"][..] } else { &["NAME"] });
    header.extend(["CPU(cores)", "MEMORY(bytes)"]);
    let out = rows.into_iter().map(cells).collect();
    print(cx, &header, out);
    Ok(())
}

/// As Go prints a duration of whole seconds.
fn go(s: u64) -> String {
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{}s", s / 60, s % 60),
        _ => format!("{}h{}m{}s", s / 3600, s / 60 % 60, s % 60),
    }
}
