//! Autoscalers. Models pkg/apis/autoscaling/validation.

use super::super::quantity::Quantity;
use super::super::{Value, gofmt, names};
use super::container::{given, list};
use super::error::{Errors, Path};
use crate::base::Str;

pub(super) fn horizontal_pod_autoscaler(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let n = |key: &str| spec.get(key).and_then(Value::as_int);
    let (min, max) = (n("minReplicas"), n("maxReplicas").unwrap_or(0));
    if let Some(min) = min.filter(|m| *m < 1) {
        e.invalid(&path.child("minReplicas"), min, "must be greater than or equal to 1");
    }
    if max < 1 {
        if e.modern() {
            e.required(&path.child("maxReplicas"), "must be set and greater than 0");
        } else {
            e.invalid(&path.child("maxReplicas"), max, "must be greater than 0");
        }
    }
    if min.is_some_and(|min| max < min) {
        e.invalid(&path.child("maxReplicas"), max, "must be greater than or equal to `minReplicas`");
    }
    let empty = Value::Null;
    target(e, spec.get("scaleTargetRef").unwrap_or(&empty), &path.child("scaleTargetRef"));
    let metrics = list(spec, "metrics");
    for (i, metric) in metrics.iter().enumerate() {
        let path = path.child("metrics");
        self::metric(e, metric, &path.index(i));
    }
    if min == Some(0) && !metrics.iter().any(|m| matches!(m.str("type"), "Object" | "External")) {
        let detail = "must specify at least one Object or External metric to support scaling to zero replicas";
        e.forbidden(&path.child("metrics"), detail);
    }
    if let Some(behavior) = given(spec, "behavior") {
        for side in ["scaleUp", "scaleDown"] {
            if let Some(rules) = given(behavior, side) {
                let path = path.child("behavior");
                rules_of(e, rules, &path.child(side));
            }
        }
    }
}

fn target(e: &mut Errors, r: &Value, path: &Path<'_>) {
    for key in ["kind", "name"] {
        let text = r.str(key);
        if text.is_empty() {
            e.required(&path.child(key), "");
        } else {
            e.complaints(&path.child(key), text, names::path_segment(text));
        }
    }
    if e.modern() && !r.str("apiVersion").contains('/') && r.str("kind") != "ReplicationController" {
        e.invalid(&path.child("apiVersion"), r.str("apiVersion"), "apiVersion must specify API group");
    }
}

const KINDS: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

fn metric(e: &mut Errors, m: &Value, path: &Path<'_>) {
    let kind = m.str("type");
    if kind.is_empty() {
        e.required(&path.child("type"), "must specify a metric source type");
    }
    let Some((_, key)) = KINDS.into_iter().find(|(k, _)| *k == kind) else {
        return e.not_supported(&path.child("type"), kind, &KINDS.map(|(k, _)| k));
    };
    let missing = "must populate information for the given metric source";
    let path = path.child(key);
    let source = given(m, key);
    if kind == "ContainerResource" && !e.modern() {
        let only = "(only allowed when HPAContainerMetrics feature is enabled)";
        return e.required(&path, &format!("{missing} {only}"));
    }
    let Some(source) = source else { return e.required(&path, missing) };
    let empty = Value::Null;
    let goal = source.get("target").unwrap_or(&empty);
    if matches!(kind, "Pods" | "Object" | "External") {
        if kind == "Object" {
            target(e, source.get("describedObject").unwrap_or(&empty), &path.child("describedObject"));
        }
        let name = source.at(&["metric", "name"]).map_or("", Value::as_str);
        let at = path.child("metric");
        if name.is_empty() {
            e.required(&at.child("name"), "must specify a metric name");
        } else {
            e.complaints(&at.child("name"), name, names::path_segment(name));
        }
    } else {
        if source.str("name").is_empty() {
            e.required(&path.child("name"), "must specify a resource name");
        }
        if kind == "ContainerResource" && source.str("container").is_empty() {
            e.required(&path.child("container"), "must specify a container");
        }
    }
    let path = path.child("target");
    goal_of(e, goal, &path);
    let (average, use_) = (given(goal, "averageValue"), given(goal, "averageUtilization"));
    match kind {
        "Pods" => {
            if average.and_then(Quantity::of).is_none_or(|q| !positive(q)) {
                e.required(&path.child("averageValue"), "must specify a positive target averageValue");
            }
        }
        "Object" | "External" => {
            let value = given(goal, "value");
            if value.is_none() && average.is_none() {
                let detail = "must set either a target value for metric or a per-pod target";
                e.required(&path.child("averageValue"), detail);
            } else if value.is_some() && average.is_some() && kind == "External" {
                e.forbidden(&path.child("value"), "may not set both a target value for metric and a per-pod target");
            }
        }
        _ => {
            if use_.is_none() && average.is_none() {
                let detail = "must set either a target raw value or a target utilization";
                e.required(&path.child("averageUtilization"), detail);
            }
            if use_.is_some() && average.is_some() {
                let detail = "may not set both a target raw value and a target utilization";
                e.forbidden(&path.child("averageValue"), detail);
            }
        }
    }
}

fn positive(q: Quantity) -> bool {
    !q.is_zero() && !q.is_negative()
}

fn goal_of(e: &mut Errors, goal: &Value, path: &Path<'_>) {
    let kind = goal.str("type");
    if kind.is_empty() {
        e.required(&path.child("type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        e.invalid(&path.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for key in ["value", "averageValue"] {
        let Some(q) = goal.get(key).and_then(Quantity::of).filter(|q| !positive(*q)) else { continue };
        let shown =
            if e.modern() { Value::from(Str::from(q.to_string())) } else { Value::Num(gofmt::quantity(q).into()) };
        e.invalid(&path.child(key), shown, "must be positive");
    }
    if let Some(n) = goal.get("averageUtilization").and_then(Value::as_int).filter(|n| *n < 1) {
        e.invalid(&path.child("averageUtilization"), n, "must be greater than 0");
    }
}

fn rules_of(e: &mut Errors, rules: &Value, path: &Path<'_>) {
    let window = path.child("stabilizationWindowSeconds");
    match rules.get("stabilizationWindowSeconds").and_then(Value::as_int) {
        Some(n) if n < 0 => e.invalid(&window, n, "must be greater than or equal to zero"),
        Some(n) if n > 3600 => e.invalid(&window, n, "must be less than or equal to 3600"),
        _ => {}
    }
    e.one_of(rules, "selectPolicy", path, &["Disabled", "Max", "Min"]);
    let policies = list(rules, "policies");
    if policies.is_empty() {
        e.required(&path.child("policies"), "must specify at least one Policy");
    }
    for (i, policy) in policies.iter().enumerate() {
        let path = path.child("policies");
        let path = path.index(i);
        e.one_of(policy, "type", &path, &["Percent", "Pods"]);
        for (key, limit) in [("value", i64::MAX), ("periodSeconds", 1800)] {
            let n = policy.get(key).and_then(Value::as_int).unwrap_or(0);
            if n <= 0 {
                e.invalid(&path.child(key), n, "must be greater than zero");
            } else if n > limit {
                e.invalid(&path.child(key), n, format!("must be less than or equal to {limit}"));
            }
        }
    }
}
