//! What a pod says of where it may run: affinity, tolerations, spreading.

use super::super::{Value, names};
use super::container::{given, list};
use super::error::{Errors, Path};
use super::workload::label_selector;

pub(super) fn tolerations(e: &mut Errors, tolerations: &[Value], path: &Path<'_>) {
    for (i, t) in tolerations.iter().enumerate() {
        let path = path.index(i);
        let key = t.str("key");
        if !key.is_empty() {
            e.complaints(&path.child("key"), key, names::label_key(key, e.profile));
        }
        let operator = t.str("operator");
        if key.is_empty() && operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            e.invalid(&path.child("operator"), operator, detail);
        }
        let effect = t.str("effect");
        if t.get("tolerationSeconds").is_some_and(|s| !s.is_null()) && effect != "NoExecute" {
            e.invalid(&path.child("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        match operator {
            "" | "Equal" => {
                let complaints = names::label_value(t.str("value"), e.profile);
                e.complaints(&path.child("operator"), t.str("value"), complaints);
            }
            "Exists" if !t.str("value").is_empty() => {
                let shown = if e.modern() { t.get("value").cloned().unwrap_or_default() } else { t.clone() };
                let detail = "value must be empty when `operator` is 'Exists'";
                e.invalid_go(&path.child("operator"), shown, "core.Toleration", detail);
            }
            "Exists" => {}
            other if e.modern() => {
                e.not_supported(&path.child("operator"), other, &["Equal", "Exists", "Lt", "Gt"]);
            }
            other => e.not_supported(&path.child("operator"), other, &["Equal", "Exists"]),
        }
        e.one_of(t, "effect", &path, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn affinity(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let Some(affinity) = given(spec, "affinity") else { return };
    let path = path.child("affinity");
    if let Some(nodes) = given(affinity, "nodeAffinity") {
        let path = path.child("nodeAffinity");
        if let Some(required) = given(nodes, REQUIRED) {
            node_selector(e, required, &path.child(REQUIRED));
        }
        for (i, p) in list(nodes, PREFERRED).iter().enumerate() {
            let path = path.child(PREFERRED);
            let path = path.index(i);
            weight(e, p, &path);
            if let Some(term) = given(p, "preference") {
                node_term(e, term, &path.child("preference"));
            }
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(pods) = given(affinity, kind) else { continue };
        let path = path.child(kind);
        for (i, term) in list(pods, REQUIRED).iter().enumerate() {
            let path = path.child(REQUIRED);
            pod_term(e, term, &path.index(i));
        }
        for (i, p) in list(pods, PREFERRED).iter().enumerate() {
            let path = path.child(PREFERRED);
            let path = path.index(i);
            weight(e, p, &path);
            let empty = Value::Null;
            pod_term(e, p.get("podAffinityTerm").unwrap_or(&empty), &path.child("podAffinityTerm"));
        }
    }
}

fn weight(e: &mut Errors, p: &Value, path: &Path<'_>) {
    let n = p.get("weight").and_then(Value::as_int).unwrap_or(0);
    if !(1..=100).contains(&n) {
        e.invalid(&path.child("weight"), n, "must be in the range 1-100");
    }
}

/// A `NodeSelector`.
pub(super) fn node_selector(e: &mut Errors, selector: &Value, path: &Path<'_>) {
    let terms = list(selector, "nodeSelectorTerms");
    let path = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        e.required(&path, "must have at least one node selector term");
    }
    for (i, term) in terms.iter().enumerate() {
        node_term(e, term, &path.index(i));
    }
}

fn node_term(e: &mut Errors, term: &Value, path: &Path<'_>) {
    for (j, r) in list(term, "matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions");
        node_requirement(e, r, &path.index(j));
    }
    for (j, r) in list(term, "matchFields").iter().enumerate() {
        let path = path.child("matchFields");
        node_field(e, r, &path.index(j));
    }
}

fn node_requirement(e: &mut Errors, r: &Value, path: &Path<'_>) {
    let values = list(r, "values");
    match r.str("operator") {
        "In" | "NotIn" if values.is_empty() => {
            e.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            e.forbidden(&path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Gt" | "Lt" if values.len() != 1 => {
            e.required(&path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => e.invalid(&path.child("operator"), other, "not a valid selector operator"),
    }
    e.complaints(&path.child("key"), r.str("key"), names::label_key(r.str("key"), e.profile));
    if e.modern() {
        label_values(e, values, path);
    }
}

fn label_values(e: &mut Errors, values: &[Value], path: &Path<'_>) {
    let path = path.child("values");
    for (i, v) in values.iter().enumerate() {
        let complaints = names::label_value(v.as_str(), e.profile);
        e.complaints(&path.index(i), v.as_str(), complaints);
    }
}

fn node_field(e: &mut Errors, r: &Value, path: &Path<'_>) {
    let values = list(r, "values");
    match r.str("operator") {
        "In" | "NotIn" if values.len() != 1 => {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            e.required(&path.child("values"), detail);
        }
        "In" | "NotIn" => {}
        other => e.invalid(&path.child("operator"), other, "not a valid selector operator"),
    }
    if r.str("key") != "metadata.name" {
        return e.invalid(&path.child("key"), r.str("key"), "not a valid field selector key");
    }
    let path = path.child("values");
    for (i, v) in values.iter().enumerate() {
        e.complaints(&path.index(i), v.as_str(), names::dns1123_subdomain(v.as_str()));
    }
}

fn pod_term(e: &mut Errors, term: &Value, path: &Path<'_>) {
    // Older versions name the path after the wrong field.
    let selector = if e.modern() { "labelSelector" } else { "matchExpressions" };
    if let Some(s) = given(term, "labelSelector") {
        label_selector(e, s, &path.child(selector));
    }
    if let Some(s) = given(term, "namespaceSelector").filter(|_| e.modern()) {
        label_selector(e, s, &path.child("namespaceSelector"));
    }
    for name in list(term, "namespaces") {
        e.dns_label(&path.child("namespace"), name.as_str());
    }
    let key = term.str("topologyKey");
    if key.is_empty() {
        e.required(&path.child("topologyKey"), "can not be empty");
    }
    e.complaints(&path.child("topologyKey"), key, names::label_key(key, e.profile));
}

pub(super) fn topology_spread(e: &mut Errors, constraints: &[Value], path: &Path<'_>) {
    for (i, c) in constraints.iter().enumerate() {
        let path = path.index(i);
        let skew = c.get("maxSkew").and_then(Value::as_int).unwrap_or(0);
        if skew <= 0 {
            e.invalid(&path.child("maxSkew"), skew, "must be greater than zero");
        }
        if c.str("topologyKey").is_empty() {
            e.required(&path.child("topologyKey"), "can not be empty");
        }
        let when = c.str("whenUnsatisfiable");
        if !matches!(when, "DoNotSchedule" | "ScheduleAnyway") {
            e.not_supported(&path.child("whenUnsatisfiable"), when, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        let pair = |c: &Value| (c.str("topologyKey").to_owned(), c.str("whenUnsatisfiable").to_owned());
        if constraints[i + 1..].iter().any(|other| pair(other) == pair(c)) {
            let (key, when) = pair(c);
            e.duplicate(&path.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {when}}}").as_str());
        }
        if !e.modern() {
            continue;
        }
        if let Some(n) = c.get("minDomains").and_then(Value::as_int) {
            if n <= 0 {
                e.invalid(&path.child("minDomains"), n, "must be greater than zero");
            }
            if when != "DoNotSchedule" {
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}");
                e.invalid(&path.child("minDomains"), n, detail);
            }
        }
        for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            e.one_of(c, key, &path, &["Honor", "Ignore"]);
        }
        if let Some(s) = given(c, "labelSelector") {
            label_selector(e, s, &path.child("labelSelector"));
        }
    }
}
