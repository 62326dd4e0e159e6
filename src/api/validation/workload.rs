//! Controllers' kinds. Models pkg/apis/{apps,batch,autoscaling,policy}/validation.

use super::super::selector::LabelSelector;
use super::super::{Object, Value, names};
use super::error::{Errors, Path};
use super::pod;

fn replicas(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    e.non_negative(spec, "replicas", path);
    e.non_negative(spec, "minReadySeconds", path);
}

/// A `LabelSelector`.
pub(super) fn label_selector(e: &mut Errors, selector: &Value, path: &Path<'_>) {
    e.labels(selector.get("matchLabels").and_then(Value::as_map), &path.child("matchLabels"));
    for (i, r) in selector.get("matchExpressions").map_or(&[][..], Value::items).iter().enumerate() {
        let path = path.child("matchExpressions");
        let path = path.index(i);
        let values = r.get("values").map_or(&[][..], Value::items);
        match r.str("operator") {
            "In" | "NotIn" if values.is_empty() => {
                e.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                e.forbidden(&path.child("values"), detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => e.invalid(&path.child("operator"), other, "not a valid selector operator"),
        }
        e.complaints(&path.child("key"), r.str("key"), names::qualified_name(r.str("key")));
    }
}

/// Whether the old object has the very same template and selector tree.
fn same_template(spec: &Value, old: Option<&Object>) -> bool {
    let same = |key: &str| match (spec.get(key), old.and_then(|o| o.get(&["spec", key]))) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    };
    same("template") && same("selector")
}

/// Selector and template as all kinds of apps/v1 require them; `kind` is `deployment`, `daemonset` …
fn selected_template(e: &mut Errors, spec: &Value, path: &Path<'_>, kind: &str, old: Option<&Object>) {
    if same_template(spec, old) {
        return;
    }
    let selector_path = path.child("selector");
    let selector = spec.get("selector").filter(|s| !s.is_null());
    match selector {
        None => e.required(&selector_path, ""),
        Some(s) => {
            label_selector(e, s, &selector_path);
            if LabelSelector::of_value(s).is_empty() {
                let detail = format!("empty selector is invalid for {kind}");
                e.invalid_go(&selector_path, s.clone(), "v1.LabelSelector", &detail);
            }
        }
    }
    let path = path.child("template");
    let empty = Value::Null;
    let template = spec.get("template").unwrap_or(&empty);
    let labels = template.at(&["metadata", "labels"]);
    let matches = |s: &Value| LabelSelector::of_value(s).matches(labels.and_then(Value::as_map));
    // A missing selector selects nothing, so it does not match either.
    if !selector.is_some_and(matches) {
        let metadata = path.child("metadata");
        let labels = labels.cloned().unwrap_or_default();
        let detail = "`selector` does not match template `labels`";
        e.invalid_go(&metadata.child("labels"), labels, "map[string]string", detail);
    }
    pod::template(e, template, &path);
    let policy = template.at(&["spec", "restartPolicy"]).map_or("", Value::as_str);
    let spec_path = path.child("spec");
    if !matches!(policy, "Always" | "") {
        e.not_supported(&spec_path.child("restartPolicy"), policy, &["Always"]);
    }
    if template.at(&["spec", "activeDeadlineSeconds"]).is_some_and(|v| !v.is_null()) {
        let name = if kind == "statefulset" { "StatefulSet" } else { "ReplicaSet" };
        let detail = if e.modern() {
            format!("activeDeadlineSeconds in {name} is not Supported")
        } else {
            "activeDeadlineSeconds in ReplicaSet is not Supported".to_owned()
        };
        e.forbidden(&spec_path.child("activeDeadlineSeconds"), detail);
    }
}

pub(super) fn replication_controller(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    replicas(e, spec, path);
    let selector = spec.get("selector").and_then(Value::as_map);
    if selector.is_none_or(super::super::Map::is_empty) {
        e.required(&path.child("selector"), "");
    }
    let path = path.child("template");
    let Some(template) = spec.get("template") else {
        e.required(&path, "");
        return;
    };
    let labels = template.at(&["metadata", "labels"]);
    if selector.is_some_and(|s| !LabelSelector::of_map(s).matches(labels.and_then(Value::as_map))) {
        let metadata = path.child("metadata");
        let detail = "`selector` does not match template `labels`";
        e.invalid_go(&metadata.child("labels"), labels.cloned().unwrap_or_default(), "map[string]string", detail);
    }
    pod::template(e, template, &path);
}

pub(super) fn deployment(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    e.non_negative(spec, "replicas", path);
    selected_template(e, spec, path, "deployment", old);
    if let Some(strategy) = spec.get("strategy") {
        rolling(e, strategy, &path.child("strategy"));
    }
    for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        e.non_negative(spec, key, path);
    }
    let n = |key: &str| spec.get(key).and_then(Value::as_int);
    if let Some(deadline) = n("progressDeadlineSeconds")
        && deadline <= n("minReadySeconds").unwrap_or(0)
    {
        e.invalid(&path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
    }
}

fn rolling(e: &mut Errors, strategy: &Value, path: &Path<'_>) {
    let rolling = strategy.get("rollingUpdate").filter(|r| !r.is_null());
    match strategy.str("type") {
        "Recreate" if rolling.is_some() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            e.forbidden(&path.child("rollingUpdate"), detail);
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let path = path.child("rollingUpdate");
            let Some(rolling) = rolling else {
                e.required(&path, "this should be defaulted and never be nil");
                return;
            };
            for key in ["maxUnavailable", "maxSurge"] {
                int_or_percent(e, rolling.get(key), &path.child(key));
            }
            let zero = |key: &str| matches!(rolling.get(key), None | Some(Value::Int(0))) || rolling.str(key) == "0%";
            if zero("maxUnavailable") && zero("maxSurge") {
                let value = rolling.get("maxUnavailable").cloned().unwrap_or(Value::Int(0));
                let value = if e.modern() { value } else { as_text(&value) };
                e.invalid_go(&path.child("maxUnavailable"), value, "", "may not be 0 when `maxSurge` is 0");
            }
            at_most_100_percent(e, rolling.get("maxUnavailable"), &path.child("maxUnavailable"));
        }
        other => e.not_supported(&path.child("type"), other, &["Recreate", "RollingUpdate"]),
    }
}

fn as_text(v: &Value) -> Value {
    // Old versions print an IntOrString through its String method, without quotes.
    Value::Num(v.as_int().map_or_else(|| v.as_str().into(), |n| ecow::eco_format!("{n}")))
}

fn int_or_percent(e: &mut Errors, v: Option<&Value>, path: &Path<'_>) {
    match v {
        Some(Value::Int(n)) if *n < 0 => e.invalid(path, *n, "must be greater than or equal to 0"),
        Some(Value::Str(s)) => {
            let digits = s.strip_suffix('%').unwrap_or("");
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                e.invalid(path, s, detail);
            }
        }
        _ => {}
    }
}

fn at_most_100_percent(e: &mut Errors, v: Option<&Value>, path: &Path<'_>) {
    let Some(text) = v.map(Value::as_str) else { return };
    if text.strip_suffix('%').and_then(|p| p.parse::<i64>().ok()).is_some_and(|p| p > 100) {
        e.invalid(path, text, "must not be greater than 100%");
    }
}

pub(super) fn replica_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    replicas(e, spec, path);
    selected_template(e, spec, path, "replicaset", old);
}

pub(super) fn daemon_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    selected_template(e, spec, path, "daemonset", old);
    e.non_negative(spec, "minReadySeconds", path);
    if let Some(strategy) = spec.get("updateStrategy") {
        let path = path.child("updateStrategy");
        match strategy.str("type") {
            "OnDelete" => {}
            "RollingUpdate" => {
                let path = path.child("rollingUpdate");
                for key in ["maxUnavailable", "maxSurge"] {
                    int_or_percent(e, strategy.at(&["rollingUpdate", key]), &path.child(key));
                }
            }
            other => e.not_supported(&path.child("type"), other, &["OnDelete", "RollingUpdate"]),
        }
    }
    e.non_negative(spec, "revisionHistoryLimit", path);
}

pub(super) fn stateful_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    let policy = spec.str("podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        e.invalid(&path.child("podManagementPolicy"), policy, detail);
    }
    let strategy = spec.get("updateStrategy").map_or("", |s| s.str("type"));
    if !matches!(strategy, "RollingUpdate" | "OnDelete") {
        let detail = "must be 'RollingUpdate' or 'OnDelete'";
        e.invalid(&path.child("updateStrategy"), strategy, detail);
    }
    e.non_negative(spec, "replicas", path);
    selected_template(e, spec, path, "statefulset", old);
}

pub(super) fn job(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    for key in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        e.non_negative(spec, key, path);
    }
    let same = match (spec.get("template"), old.and_then(|o| o.get(&["spec", "template"]))) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    };
    if !same {
        job_template(e, spec, path);
    }
}

fn job_template(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("template");
    let empty = Value::Null;
    let template = spec.get("template").unwrap_or(&empty);
    pod::template(e, template, &path);
    let policy = template.at(&["spec", "restartPolicy"]).map_or("", Value::as_str);
    let spec_path = path.child("spec");
    match policy {
        "OnFailure" | "Never" => {}
        "Always" if e.modern() => {
            e.required(&spec_path.child("restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
        }
        other => e.not_supported(&spec_path.child("restartPolicy"), other, &["OnFailure", "Never"]),
    }
}

pub(super) fn cron_job(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let schedule = spec.str("schedule");
    if schedule.is_empty() {
        e.required(&path.child("schedule"), "");
    } else if !schedule.starts_with('@') {
        let fields: Vec<&str> = schedule.split_whitespace().filter(|f| !f.contains('=')).collect();
        if fields.len() != 5 {
            let list = fields.join(" ");
            let detail = match e.modern() {
                true => format!("expected exactly 5 fields, found {}: [{list}]", fields.len()),
                false => format!("Expected exactly 5 fields, found {}: {schedule}", fields.len()),
            };
            e.invalid(&path.child("schedule"), schedule, detail);
        }
    }
    e.non_negative(spec, "startingDeadlineSeconds", path);
    e.one_of(spec, "concurrencyPolicy", path, &["Allow", "Forbid", "Replace"]);
    if let Some(job_spec) = spec.at(&["jobTemplate", "spec"]) {
        let path = path.child("jobTemplate");
        job(e, job_spec, &path.child("spec"), None);
    }
    for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        e.non_negative(spec, key, path);
    }
}

pub(super) fn horizontal_pod_autoscaler(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let n = |key: &str| spec.get(key).and_then(Value::as_int);
    let (min, max) = (n("minReplicas"), n("maxReplicas").unwrap_or(0));
    if let Some(min) = min.filter(|m| *m < 1) {
        e.invalid(&path.child("minReplicas"), min, "must be greater than or equal to 1");
    }
    if max < 1 {
        e.invalid(&path.child("maxReplicas"), max, "must be greater than 0");
    }
    if min.is_some_and(|min| max < min) {
        e.invalid(&path.child("maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.get("scaleTargetRef").cloned().unwrap_or_default();
    for key in ["kind", "name"] {
        if target.str(key).is_empty() {
            let path = path.child("scaleTargetRef");
            e.required(&path.child(key), "");
        }
    }
}

pub(super) fn pod_disruption_budget(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let has = |key: &str| spec.get(key).is_some_and(|v| !v.is_null());
    if has("minAvailable") && has("maxUnavailable") {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        e.invalid_go(path, spec.clone(), "policy.PodDisruptionBudgetSpec", detail);
    }
    for key in ["minAvailable", "maxUnavailable"] {
        int_or_percent(e, spec.get(key), &path.child(key));
    }
    if let Some(s) = spec.get("selector") {
        label_selector(e, s, &path.child("selector"));
    }
}
