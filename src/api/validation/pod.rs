//! Pod specs and templates.

use super::super::{Value, names};
use super::error::{Errors, Path};
use super::{container, metadata, volume};

fn list<'a>(v: &'a Value, key: &str) -> &'a [Value] {
    v.get(key).map_or(&[], Value::items)
}

/// A template: labels, annotations and spec.
pub(super) fn template(e: &mut Errors, template: &Value, path: &Path<'_>) {
    let meta_path = path.child("metadata");
    e.labels(template.at(&["metadata", "labels"]).and_then(Value::as_map), &meta_path.child("labels"));
    metadata::annotations(e, template.at(&["metadata", "annotations"]), &meta_path.child("annotations"));
    let empty = Value::Null;
    spec(e, template.get("spec").unwrap_or(&empty), &path.child("spec"), true);
}

pub(super) fn spec(e: &mut Errors, spec: &Value, path: &Path<'_>, in_template: bool) {
    let volumes = volume::volumes(e, list(spec, "volumes"), &path.child("volumes"));
    let context = container::Context { volumes: &volumes, in_template };
    let containers = list(spec, "containers");
    if containers.is_empty() {
        e.required(&path.child("containers"), "");
    }
    let mut taken = Vec::new();
    container::containers(e, containers, &path.child("containers"), &context, &mut taken);
    container::containers(e, list(spec, "initContainers"), &path.child("initContainers"), &context, &mut taken);
    e.one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"]);
    let dns: &[&str] = if e.modern() {
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]
    } else {
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]
    };
    e.one_of(spec, "dnsPolicy", path, dns);
    if spec.str("dnsPolicy") == "None" && spec.at(&["dnsConfig", "nameservers"]).is_none_or(|n| n.items().is_empty()) {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        e.required(&path.child("dnsConfig").child("nameservers"), detail);
    }
    e.labels(spec.get("nodeSelector").and_then(Value::as_map), &path.child("nodeSelector"));
    for (i, secret) in list(spec, "imagePullSecrets").iter().enumerate() {
        if secret.str("name").is_empty() && !e.modern() {
            e.required(&path.child("imagePullSecrets").index(i).child("name"), "");
        }
    }
    affinity(e, spec, path);
    topology_spread(e, list(spec, "topologySpreadConstraints"), &path.child("topologySpreadConstraints"));
    for key in ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] {
        subdomain(e, spec, key, path);
    }
    if let Some(n) = spec.get("activeDeadlineSeconds").and_then(Value::as_int)
        && !(1..=i64::from(i32::MAX)).contains(&n)
    {
        let detail = format!("must be between 1 and {}, inclusive", i32::MAX);
        e.invalid(&path.child("activeDeadlineSeconds"), n, detail);
    }
    e.non_negative(spec, "terminationGracePeriodSeconds", path);
    for key in ["hostname", "subdomain"] {
        let text = spec.str(key);
        if !text.is_empty() {
            e.complaints(&path.child(key), text, names::dns1123_label(text));
        }
    }
    tolerations(e, list(spec, "tolerations"), &path.child("tolerations"));
    e.one_of(spec, "preemptionPolicy", path, &["Never", "PreemptLowerPriority"]);
}

fn subdomain(e: &mut Errors, v: &Value, key: &'static str, path: &Path<'_>) {
    let text = v.str(key);
    if !text.is_empty() && !names::is_plain(text) {
        e.complaints(&path.child(key), text, names::dns1123_subdomain(text));
    }
}

fn tolerations(e: &mut Errors, tolerations: &[Value], path: &Path<'_>) {
    for (i, t) in tolerations.iter().enumerate() {
        let path = path.index(i);
        let key = t.str("key");
        if !key.is_empty() {
            e.complaints(&path.child("key"), key, names::qualified_name(key));
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
                e.invalid(&path.child("operator"), t.str("value"), "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            other => e.not_supported(&path.child("operator"), other, &["Equal", "Exists"]),
        }
        e.one_of(t, "effect", &path, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
}

fn affinity(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let Some(affinity) = spec.get("affinity") else { return };
    let path = path.child("affinity");
    if let Some(required) = affinity.at(&["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]) {
        let path = path.child("nodeAffinity");
        let path = path.child("requiredDuringSchedulingIgnoredDuringExecution");
        let terms = list(required, "nodeSelectorTerms");
        if terms.is_empty() {
            e.required(&path.child("nodeSelectorTerms"), "must have at least one node selector term");
        }
        for (i, term) in terms.iter().enumerate() {
            let path = path.child("nodeSelectorTerms");
            let path = path.index(i);
            for (j, r) in list(term, "matchExpressions").iter().enumerate() {
                let path = path.child("matchExpressions");
                node_requirement(e, r, &path.index(j));
            }
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let terms =
            affinity.at(&[kind, "requiredDuringSchedulingIgnoredDuringExecution"]).map_or(&[][..], Value::items);
        for (i, term) in terms.iter().enumerate() {
            if term.str("topologyKey").is_empty() {
                let path = path.child(kind);
                let path = path.child("requiredDuringSchedulingIgnoredDuringExecution");
                e.required(&path.index(i).child("topologyKey"), "can not be empty");
            }
        }
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
    e.complaints(&path.child("key"), r.str("key"), names::qualified_name(r.str("key")));
}

fn topology_spread(e: &mut Errors, constraints: &[Value], path: &Path<'_>) {
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
    }
}
