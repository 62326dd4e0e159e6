//! Rows of controllers' kinds.

use super::super::{Kind, Object, Value, meta};
use super::{Print, Text, containers_text, int, labels_text, or, plain, selector_text};
use crate::base::{Str, Time};

const TEMPLATE: [&str; 4] = ["spec", "template", "spec", "containers"];

/// Appends CONTAINERS, IMAGES and SELECTOR.
fn wide(cells: &mut Vec<Str>, o: &Object, containers: &[&str], selector: Option<Str>) {
    let (names, images) = containers_text(o.items(containers));
    cells.extend([names, images]);
    cells.extend(selector);
}

fn selector(o: &Object) -> Str {
    o.get(&["spec", "selector"]).map_or_else(|| "<none>".into(), selector_text)
}

pub(super) fn replica_set(o: &Object, p: &Print) -> Vec<Str> {
    let mut cells = vec![
        o.name().clone(),
        int(o, &["spec", "replicas"]).text(),
        int(o, &["status", "replicas"]).text(),
        int(o, &["status", "readyReplicas"]).text(),
        p.age(o),
    ];
    let plain_map = o.kind() == Kind::REPLICATION_CONTROLLER;
    let selector = if plain_map { labels_text(o.get(&["spec", "selector"])) } else { selector(o) };
    wide(&mut cells, o, &TEMPLATE, Some(selector));
    cells
}

pub(super) fn deployment(o: &Object, p: &Print) -> Vec<Str> {
    let mut cells = vec![
        o.name().clone(),
        ecow::eco_format!("{}/{}", int(o, &["status", "readyReplicas"]), int(o, &["spec", "replicas"])),
        int(o, &["status", "updatedReplicas"]).text(),
        int(o, &["status", "availableReplicas"]).text(),
        p.age(o),
    ];
    wide(&mut cells, o, &TEMPLATE, Some(selector(o)));
    cells
}

pub(super) fn daemon_set(o: &Object, p: &Print) -> Vec<Str> {
    let mut cells = vec![o.name().clone()];
    let counts = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ];
    cells.extend(counts.map(|key| int(o, &["status", key]).text()));
    cells.push(labels_text(o.get(&["spec", "template", "spec", "nodeSelector"])));
    cells.push(p.age(o));
    wide(&mut cells, o, &TEMPLATE, Some(selector(o)));
    cells
}

pub(super) fn stateful_set(o: &Object, p: &Print) -> Vec<Str> {
    let ready = ecow::eco_format!("{}/{}", int(o, &["status", "readyReplicas"]), int(o, &["spec", "replicas"]));
    let mut cells = vec![o.name().clone(), ready, p.age(o)];
    wide(&mut cells, o, &TEMPLATE, None);
    cells
}

pub(super) fn controller_revision(o: &Object, p: &Print) -> Vec<Str> {
    let controller = meta::controller_of(o).map_or_else(
        || "<none>".into(),
        |c| {
            let group = c.str("apiVersion").split_once('/').map_or(String::new(), |(g, _)| format!(".{g}"));
            ecow::eco_format!("{}{group}/{}", c.str("kind").to_ascii_lowercase(), c.str("name"))
        },
    );
    vec![o.name().clone(), controller, int(o, &["revision"]).text(), p.age(o)]
}

pub(super) fn job(o: &Object, p: &Print) -> Vec<Str> {
    let succeeded = int(o, &["status", "succeeded"]);
    let completions = match (o.int(&["spec", "completions"]), int(o, &["spec", "parallelism"])) {
        (Some(n), _) => ecow::eco_format!("{succeeded}/{n}"),
        (None, n) if n > 1 => ecow::eco_format!("{succeeded}/1 of {n}"),
        _ => ecow::eco_format!("{succeeded}/1"),
    };
    let time = |key: &str| Time::parse_rfc3339(o.str(&["status", key]));
    let duration = match (time("startTime"), time("completionTime")) {
        (None, _) => Str::new(),
        (Some(start), end) => end.unwrap_or(p.now).since(start).human().into(),
    };
    let mut cells = vec![o.name().clone()];
    if p.modern() {
        cells.push(job_status(o));
    }
    cells.extend([completions, duration, p.age(o)]);
    wide(&mut cells, o, &TEMPLATE, Some(selector(o)));
    cells
}

fn job_status(o: &Object) -> Str {
    let has = |kind: &str| meta::condition(o, kind).is_some_and(|(status, ..)| status == "True");
    let known = ["Complete", "Failed", "SuccessCriteriaMet", "Suspended", "FailureTarget"];
    match known.into_iter().find(|kind| has(kind)) {
        Some("Complete" | "Failed") => known.into_iter().find(|kind| has(kind)).unwrap_or_default().into(),
        _ if meta::deleting(o) => "Terminating".into(),
        Some(kind) => kind.into(),
        None => "Running".into(),
    }
}

pub(super) fn cron_job(o: &Object, p: &Print) -> Vec<Str> {
    let last = o.str(&["status", "lastScheduleTime"]);
    let suspend = match o.get(&["spec", "suspend"]).and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let mut cells = vec![o.name().clone(), o.str(&["spec", "schedule"]).into()];
    if p.modern() {
        cells.push(or(o.str(&["spec", "timeZone"]), "<none>"));
    }
    cells.extend([
        suspend.into(),
        o.items(&["status", "active"]).len().text(),
        if last.is_empty() { "<none>".into() } else { p.since(last) },
        p.age(o),
    ]);
    let containers = ["spec", "jobTemplate", "spec", "template", "spec", "containers"];
    let selector = o.get(&["spec", "jobTemplate", "spec", "selector"]).map_or_else(|| "<none>".into(), selector_text);
    wide(&mut cells, o, &containers, Some(selector));
    cells
}

pub(super) fn pod_disruption_budget(o: &Object, p: &Print) -> Vec<Str> {
    let bound = |key: &str| o.get(&["spec", key]).map_or_else(|| "N/A".into(), plain);
    let allowed = int(o, &["status", "disruptionsAllowed"]).text();
    vec![o.name().clone(), bound("minAvailable"), bound("maxUnavailable"), allowed, p.age(o)]
}

pub(super) fn horizontal_pod_autoscaler(o: &Object, p: &Print) -> Vec<Str> {
    let target = |key: &str| o.str(&["spec", "scaleTargetRef", key]);
    vec![
        o.name().clone(),
        ecow::eco_format!("{}/{}", target("kind"), target("name")),
        metrics(o, p.modern()),
        o.int(&["spec", "minReplicas"]).map_or_else(|| "<unset>".into(), |n| n.text()),
        int(o, &["spec", "maxReplicas"]).text(),
        int(o, &["status", "currentReplicas"]).text(),
        p.age(o),
    ]
}

/// `cpu: 12%/50%`; the name only in newer versions.
fn metrics(o: &Object, modern: bool) -> Str {
    const SHOWN: usize = 2;
    let specs = o.items(&["spec", "metrics"]);
    if specs.is_empty() {
        return "<none>".into();
    }
    let current = o.items(&["status", "currentMetrics"]);
    let texts: Vec<String> =
        specs.iter().take(SHOWN).enumerate().map(|(i, spec)| metric(spec, current.get(i), modern)).collect();
    let more = specs.len().saturating_sub(SHOWN);
    let mut text = texts.join(", ");
    if more > 0 {
        text += &format!(" + {more} more...");
    }
    text.into()
}

fn metric(spec: &Value, current: Option<&Value>, modern: bool) -> String {
    let (source, average) = match spec.str("type") {
        "Resource" => ("resource", ""),
        "ContainerResource" => ("containerResource", ""),
        "Pods" => ("pods", ""),
        "Object" => ("object", " (avg)"),
        "External" => ("external", " (avg)"),
        _ => return "<unknown type>".to_owned(),
    };
    let target = spec.at(&[source, "target"]).cloned().unwrap_or_default();
    let now = current.and_then(|c| c.at(&[source, "current"])).cloned().unwrap_or_default();
    let read = |v: &Value, key: &str| v.get(key).map(plain).filter(|t| !t.is_empty());
    let unknown = || Str::from("<unknown>");
    let resource = source.ends_with("esource");
    if let Some(value) = read(&target, "averageValue") {
        let text = format!("{}/{value}{average}", read(&now, "averageValue").unwrap_or_else(unknown));
        return named(spec, source, text, modern && resource);
    }
    let text = if resource {
        let wanted = read(&target, "averageUtilization").map_or_else(|| "<auto>".into(), |n| ecow::eco_format!("{n}%"));
        let got = read(&now, "averageUtilization").map_or_else(unknown, |n| ecow::eco_format!("{n}%"));
        format!("{got}/{wanted}")
    } else {
        let wanted = read(&target, "value").unwrap_or_default();
        format!("{}/{wanted}", read(&now, "value").unwrap_or_else(unknown))
    };
    named(spec, source, text, modern && resource)
}

fn named(spec: &Value, source: &str, text: String, show: bool) -> String {
    let name = spec.at(&[source, "name"]).map_or("", Value::as_str);
    if show { format!("{name}: {text}") } else { text }
}
