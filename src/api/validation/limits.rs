//! Limit ranges and quotas.

use super::super::quantity::Quantity;
use super::super::{Value, gofmt, names};
use super::container::{list, quantity, resource_amount, resource_name, resource_type};
use super::error::{Errors, Path};
use crate::base::Str;

pub(super) fn limit_range(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("limits");
    let mut taken: Vec<&str> = Vec::new();
    for (i, limit) in list(spec, "limits").iter().enumerate() {
        let path = path.index(i);
        let kind = limit.str("type");
        let complaints = names::label_key(kind, e.profile);
        let named = complaints.is_empty();
        e.complaints(&path.child("type"), kind, complaints);
        if named && !kind.contains('/') && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim") {
            e.invalid(&path.child("type"), kind, "must be a standard limit type or fully qualified");
        }
        if taken.contains(&kind) {
            e.duplicate(&path.child("type"), kind);
        }
        taken.push(kind);
        of_item(e, limit, kind, &path);
    }
}

fn of_item(e: &mut Errors, limit: &Value, kind: &str, path: &Path<'_>) {
    let mut keys: Vec<Str> = Vec::new();
    let mut gather = |e: &mut Errors, field: &'static str| {
        let path = path.child(field);
        for name in limit.get(field).and_then(Value::as_map).iter().flat_map(|m| m.keys()) {
            if kind == "Container" {
                resource_name(e, name, &path.key(name));
            } else {
                resource_type(e, name, &path.key(name));
            }
            if !keys.contains(name) {
                keys.push(name.clone());
            }
        }
    };
    gather(e, "max");
    gather(e, "min");
    if kind == "Pod" {
        for field in ["default", "defaultRequest"] {
            if limit.get(field).and_then(Value::as_map).is_some_and(|m| !m.is_empty()) {
                e.forbidden(&path.child(field), "may not be specified when `type` is 'Pod'");
            }
        }
    } else {
        gather(e, "default");
        gather(e, "defaultRequest");
    }
    if kind == "PersistentVolumeClaim" {
        let has = |field: &str| limit.at(&[field, "storage"]).is_some();
        if !has("min") && !has("max") {
            let detail = "either minimum or maximum storage value is required, but neither was provided";
            e.required(&path.child("limits"), detail);
        }
    }
    gather(e, "maxLimitRequestRatio");
    for key in &keys {
        relations(e, limit, key, path);
    }
}

/// `min ≤ defaultRequest ≤ default ≤ max`, and a ratio that these allow.
fn relations(e: &mut Errors, limit: &Value, key: &Str, path: &Path<'_>) {
    let q = |field: &str| limit.at(&[field, key]).and_then(Quantity::of);
    let (min, max, default, request) = (q("min"), q("max"), q("default"), q("defaultRequest"));
    let wrong = |e: &mut Errors, field: &'static str, shown: Option<Quantity>, detail: String| {
        let Some(shown) = shown else { return };
        let value =
            if e.modern() { Str::from(shown.to_string()).into() } else { Value::Num(gofmt::quantity(shown).into()) };
        e.invalid(&path.child(field).key(key), value, detail);
    };
    let above = |a: Option<Quantity>, b: Option<Quantity>| matches!((a, b), (Some(a), Some(b)) if a > b);
    let show = |q: Option<Quantity>| q.map_or(String::new(), |q| q.to_string());
    let (lo, hi, d, r) = (show(min), show(max), show(default), show(request));
    if above(min, max) {
        wrong(e, "min", min, format!("min value {lo} is greater than max value {hi}"));
    }
    if above(min, request) {
        wrong(e, "defaultRequest", request, format!("min value {lo} is greater than default request value {r}"));
    }
    if above(request, max) {
        wrong(e, "defaultRequest", request, format!("default request value {r} is greater than max value {hi}"));
    }
    if above(request, default) {
        let detail = format!("default request value {r} is greater than default limit value {d}");
        wrong(e, "defaultRequest", request, detail);
    }
    if above(min, default) {
        wrong(e, "default", min, format!("min value {lo} is greater than default value {d}"));
    }
    if above(default, max) {
        wrong(e, "default", max, format!("default value {d} is greater than max value {hi}"));
    }
    let Some(ratio) = q("maxLimitRequestRatio") else { return };
    if ratio.millis() < 1000 {
        wrong(e, "maxLimitRequestRatio", Some(ratio), format!("ratio {ratio} is less than 1"));
    }
    if let (Some(min), Some(max)) = (min.filter(|q| !q.is_zero()), max) {
        // Millionths, as upstream prints them.
        let most = i128::from(max.millis()) * 1_000_000 / i128::from(min.millis());
        if i128::from(ratio.millis()) * 1000 > most {
            let detail =
                format!("ratio {ratio} is greater than max/min = {}.{:06}", most / 1_000_000, most % 1_000_000);
            wrong(e, "maxLimitRequestRatio", Some(ratio), detail);
        }
    }
}

const QUOTAS: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];

pub(super) fn resource_quota(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let hard = path.child("hard");
    for (name, amount) in spec.get("hard").and_then(Value::as_map).iter().flat_map(|m| m.iter()) {
        let path = hard.key(name);
        resource_type(e, name, &path);
        let sized = name.starts_with("hugepages-") || name.starts_with("requests.hugepages-");
        if !name.contains('/') && !QUOTAS.contains(&name.as_str()) && !sized {
            e.invalid(&path, name, "must be a standard resource for quota");
        }
        if name.contains('/') {
            quantity(e, amount, &path);
        } else {
            resource_amount(e, name, amount, &path);
        }
    }
    scopes(e, spec, path);
}

fn scopes(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let scopes = list(spec, "scopes");
    let path = path.child("scopes");
    let known: &[&str] = if e.modern() {
        &[
            "BestEffort",
            "CrossNamespacePodAffinity",
            "NotBestEffort",
            "NotTerminating",
            "PriorityClass",
            "Terminating",
            "VolumeAttributesClass",
        ]
    } else {
        &["BestEffort", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating"]
    };
    let shown = || Value::from(scopes.to_vec());
    let go = "[]core.ResourceQuotaScope";
    for scope in scopes {
        if !known.contains(&scope.as_str()) {
            e.invalid_go(&path, shown(), go, "unsupported scope");
        }
        let names = spec.get("hard").and_then(Value::as_map);
        for name in names.iter().flat_map(|m| m.keys()) {
            let compute = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
            let fits = match scope.as_str() {
                "BestEffort" => name == "pods",
                "NotBestEffort" | "Terminating" | "NotTerminating" | "PriorityClass" => {
                    name == "pods" || compute.contains(&name.as_str())
                }
                _ => true,
            };
            if !fits {
                e.invalid_go(&path, shown(), go, "unsupported scope applied to resource");
            }
        }
    }
    let has = |s: &str| scopes.iter().any(|x| x.as_str() == s);
    if has("BestEffort") && has("NotBestEffort") || has("Terminating") && has("NotTerminating") {
        e.invalid_go(&path, shown(), go, "conflicting scopes");
    }
}
