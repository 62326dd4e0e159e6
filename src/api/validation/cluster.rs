//! Configuration, RBAC, nodes and quotas.

use super::super::{Kind, Object, Value, names};
use super::container::list;
use super::error::{Errors, Path};
use crate::base::base64;

pub(super) fn config_map(e: &mut Errors, o: &Object) {
    let path = Path::Field("data");
    for key in o.get(&["data"]).and_then(Value::as_map).iter().flat_map(|m| m.keys()) {
        e.complaints(&path.key(key), key, names::config_map_key(key));
        if o.get(&["binaryData", key]).is_some() {
            e.invalid(&path.key(key), key, "duplicate of key present in binaryData");
        }
    }
    keys(e, o, "binaryData");
    let total: usize = ["data", "binaryData"].iter().map(|f| size(o, f)).sum();
    too_long(e, total);
}

pub(super) fn secret(e: &mut Errors, o: &Object) {
    keys(e, o, "data");
    too_long(e, size(o, "data") / 4 * 3);
    let kind = o.str(&["type"]);
    let has = |key: &str| o.get(&["data", key]).is_some();
    let data = Path::Field("data");
    // Old versions forgot to fill in a part of these paths.
    let odd = Path::Raw(if e.modern() { "data".to_owned() } else { "data[%s]".to_owned() });
    match kind {
        "kubernetes.io/tls" => {
            for key in ["tls.crt", "tls.key"].iter().filter(|k| !has(k)) {
                e.required(&data.key(key), "");
            }
        }
        "kubernetes.io/dockerconfigjson" => json(e, o, ".dockerconfigjson"),
        "kubernetes.io/dockercfg" => json(e, o, ".dockercfg"),
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => {
            for key in ["username", "password"] {
                e.required(&odd.key(key), "");
            }
        }
        "kubernetes.io/ssh-auth" if o.str(&["data", "ssh-privatekey"]).is_empty() => {
            e.required(&odd.key("ssh-privatekey"), "");
        }
        _ => {}
    }
    if kind == "kubernetes.io/service-account-token"
        && super::super::meta::annotation(o, "kubernetes.io/service-account.name").unwrap_or_default().is_empty()
    {
        let annotations = Path::Field("metadata");
        let annotations = annotations.child("annotations");
        e.required(&annotations.key("kubernetes.io/service-account.name"), "");
    }
}

/// An entry that must be there and hold JSON.
fn json(e: &mut Errors, o: &Object, key: &str) {
    let data = Path::Field("data");
    let Some(value) = o.get(&["data", key]) else { return e.required(&data.key(key), "") };
    let text = base64::decode(value.as_str()).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
    if Value::from_json(&text).is_ok() {
        return;
    }
    let detail = match text.trim_start().chars().next() {
        None => "unexpected end of JSON input".to_owned(),
        Some('{' | '[' | '"') => "unexpected end of JSON input".to_owned(),
        Some(c) => format!("invalid character '{c}' looking for beginning of value"),
    };
    e.invalid(&data.key(key), "<secret contents redacted>", detail);
}

const MAX_BYTES: usize = 1024 * 1024;

fn too_long(e: &mut Errors, total: usize) {
    if total > MAX_BYTES {
        e.too_long(&Path::Field(""), MAX_BYTES);
    }
}

fn size(o: &Object, field: &str) -> usize {
    let data = o.get(&[field]).and_then(Value::as_map);
    data.map_or(0, |m| m.iter().map(|(_, v)| v.as_str().len()).sum())
}

fn keys(e: &mut Errors, o: &Object, field: &'static str) {
    let path = Path::Field(field);
    for key in o.get(&[field]).and_then(Value::as_map).iter().flat_map(|m| m.keys()) {
        e.complaints(&path.key(key), key, names::config_map_key(key));
    }
}

pub(super) fn node(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    for (i, taint) in spec.get("taints").map_or(&[][..], Value::items).iter().enumerate() {
        let meta = Path::Field("metadata");
        let meta = meta.child("taints");
        let path = meta.index(i);
        e.complaints(&path.child("key"), taint.str("key"), names::label_key(taint.str("key"), e.profile));
        let complaints = names::label_value(taint.str("value"), e.profile);
        e.complaints(&path.child("value"), taint.str("value"), complaints);
        let effect = taint.str("effect");
        if effect.is_empty() {
            e.required(&path.child("effect"), "");
        }
        e.one_of(taint, "effect", &path, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
    for (i, cidr) in list(spec, "podCIDRs").iter().enumerate() {
        let path = path.child("podCIDRs");
        super::service::cidr(e, cidr.as_str(), &path.index(i));
    }
}

/// New classes: the system's names are its own, and so are its values.
pub(super) fn priority_class(e: &mut Errors, o: &Object) {
    let (name, value) = (o.name(), o.int(&["value"]).unwrap_or(0));
    if name.starts_with("system-") {
        let known = match name.as_str() {
            "system-node-critical" => Some(2_000_001_000),
            "system-cluster-critical" => Some(2_000_000_000),
            _ => None,
        };
        let why = match known {
            Some(n) if n == value => return,
            Some(n) => format!("value of {name} PriorityClass must be {n}"),
            None => format!("{name} is not a known system priority class"),
        };
        let words = "priority class names with 'system-' prefix are reserved for system use only. error:";
        let path = Path::Field("metadata");
        e.forbidden(&path.child("name"), format!("{words} {why}"));
    } else if value > 1_000_000_000 {
        e.forbidden(&Path::Field("value"), "maximum allowed value of a user defined priority is 1000000000");
    }
    let policy = o.str(&["preemptionPolicy"]);
    if !policy.is_empty() && !matches!(policy, "PreemptLowerPriority" | "Never") {
        e.not_supported(&Path::Field("preemptionPolicy"), policy, &["PreemptLowerPriority", "Never"]);
    }
}

pub(super) fn lease(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    if let Some(n) = spec.get("leaseDurationSeconds").and_then(Value::as_int).filter(|n| *n <= 0) {
        e.invalid(&path.child("leaseDurationSeconds"), n, "must be greater than 0");
    }
    if let Some(n) = spec.get("leaseTransitions").and_then(Value::as_int).filter(|n| *n < 0) {
        let words = if e.modern() { "be greater than or equal to 0" } else { "to greater or equal than 0" };
        e.invalid(&path.child("leaseTransitions"), n, format!("must {words}"));
    }
}

pub(super) fn endpoints(e: &mut Errors, o: &Object) {
    let path = Path::Field("subsets");
    for (i, subset) in o.items(&["subsets"]).iter().enumerate() {
        let path = path.index(i);
        let kinds = ["addresses", "notReadyAddresses"];
        if kinds.iter().all(|k| list(subset, k).is_empty()) {
            e.required(&path, "must specify `addresses` or `notReadyAddresses`");
        }
        for kind in kinds {
            for (j, a) in list(subset, kind).iter().enumerate() {
                let path = path.child(kind);
                let path = path.index(j);
                let ip = a.str("ip");
                let complaints = names::ip(ip);
                if complaints.is_empty() {
                    super::service::special_address(e, ip, &path.child("ip"));
                } else {
                    e.complaints(&path.child("ip"), ip, complaints);
                    e.invalid(&path.child("ip"), ip, "must be a valid IP address");
                }
                let host = a.str("hostname");
                if !host.is_empty() {
                    e.dns_label(&path.child("hostname"), host);
                }
            }
        }
        let ports = list(subset, "ports");
        for (j, p) in ports.iter().enumerate() {
            let path = path.child("ports");
            let path = path.index(j);
            let name = p.str("name");
            if !name.is_empty() {
                e.dns_label(&path.child("name"), name);
            } else if ports.len() > 1 {
                e.required(&path.child("name"), "");
            }
            super::container::port_number(e, p.get("port").and_then(Value::as_int).unwrap_or(0), &path.child("port"));
            e.one_of(p, "protocol", &path, &["SCTP", "TCP", "UDP"]);
        }
    }
}

pub(super) fn role(e: &mut Errors, o: &Object) {
    if o.kind() == Kind::CLUSTER_ROLE {
        aggregation(e, o);
    }
    let path = Path::Field("rules");
    for (i, rule) in o.items(&["rules"]).iter().enumerate() {
        let path = path.index(i);
        let has = |key: &str| !rule.get(key).map_or(&[][..], Value::items).is_empty();
        if !has("verbs") {
            e.required(&path.child("verbs"), "verbs must contain at least one value");
        }
        if has("nonResourceURLs") {
            if o.kind() == Kind::ROLE {
                e.invalid_go(
                    &path.child("nonResourceURLs"),
                    rule.get("nonResourceURLs").cloned().unwrap_or_default(),
                    "[]string",
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if has("apiGroups") || has("resources") || has("resourceNames") {
                e.invalid_go(
                    &path.child("nonResourceURLs"),
                    rule.get("nonResourceURLs").cloned().unwrap_or_default(),
                    "[]string",
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if !has("apiGroups") {
            e.required(&path.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if !has("resources") {
            e.required(&path.child("resources"), "resource rules must supply at least one resource");
        }
    }
}

/// What a cluster role gathers.
fn aggregation(e: &mut Errors, o: &Object) {
    let Some(rule) = o.get(&["aggregationRule"]).filter(|r| !r.is_null()) else { return };
    let path = Path::Field("aggregationRule");
    let path = path.child("clusterRoleSelectors");
    let selectors = list(rule, "clusterRoleSelectors");
    if selectors.is_empty() {
        e.required(&path, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    for (i, s) in selectors.iter().enumerate() {
        let before = e.len();
        super::workload::label_selector(e, s, &path.index(i));
        if e.len() > before {
            e.invalid_go(&path.index(i), Value::Null, "", "invalid label selector.");
        }
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn role_binding(e: &mut Errors, o: &Object) {
    let path = Path::Field("roleRef");
    let group = o.str(&["roleRef", "apiGroup"]);
    if group != RBAC {
        e.not_supported(&path.child("apiGroup"), group, &[RBAC]);
    }
    let kind = o.str(&["roleRef", "kind"]);
    let known: &[&str] =
        if o.kind() == Kind::CLUSTER_ROLE_BINDING { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    if !known.contains(&kind) {
        e.not_supported(&path.child("kind"), kind, known);
    }
    let name = o.str(&["roleRef", "name"]);
    if name.is_empty() {
        e.required(&path.child("name"), "");
    } else {
        e.complaints(&path.child("name"), name, names::path_segment(name));
    }
    let path = Path::Field("subjects");
    for (i, subject) in o.items(&["subjects"]).iter().enumerate() {
        let path = path.index(i);
        if subject.str("name").is_empty() {
            e.required(&path.child("name"), "");
        }
        match subject.str("kind") {
            "ServiceAccount" => {
                if !subject.str("apiGroup").is_empty() {
                    e.not_supported(&path.child("apiGroup"), subject.str("apiGroup"), &[""]);
                }
                let name = subject.str("name");
                if !name.is_empty() {
                    e.complaints(&path.child("name"), name, names::dns1123_subdomain(name));
                }
                // Within a namespace it is the binding's own unless named.
                if o.kind() == Kind::CLUSTER_ROLE_BINDING && subject.str("namespace").is_empty() {
                    e.required(&path.child("namespace"), "");
                }
            }
            "User" | "Group" => {
                let group = subject.str("apiGroup");
                if group != RBAC {
                    e.not_supported(&path.child("apiGroup"), group, &[RBAC]);
                }
            }
            other => e.not_supported(&path.child("kind"), other, &["ServiceAccount", "User", "Group"]),
        }
    }
}
