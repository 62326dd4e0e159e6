//! Configuration, RBAC, nodes and quotas.

use super::super::{Kind, Object, Value, names};
use super::container::quantity;
use super::error::{Errors, Path};

pub(super) fn config_map(e: &mut Errors, o: &Object) {
    for field in ["data", "binaryData"] {
        keys(e, o, field);
    }
    let total: usize = ["data", "binaryData"].iter().map(|f| size(o, f)).sum();
    too_long(e, total);
}

pub(super) fn secret(e: &mut Errors, o: &Object) {
    keys(e, o, "data");
    too_long(e, size(o, "data") / 4 * 3);
    let required: &[&str] = match o.str(&["type"]) {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    let data = Path::Field("data");
    for key in required.iter().filter(|k| o.get(&["data", k]).is_none()) {
        e.required(&data.key(key), "");
    }
    if o.str(&["type"]) == "kubernetes.io/service-account-token"
        && super::super::meta::annotation(o, "kubernetes.io/service-account.name").unwrap_or_default().is_empty()
    {
        let annotations = Path::Field("metadata");
        let annotations = annotations.child("annotations");
        e.required(&annotations.key("kubernetes.io/service-account.name"), "");
    }
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
        let path = path.child("taints");
        let path = path.index(i);
        e.complaints(&path.child("key"), taint.str("key"), names::qualified_name(taint.str("key")));
        let complaints = names::label_value(taint.str("value"), e.profile);
        e.complaints(&path.child("value"), taint.str("value"), complaints);
        let effect = taint.str("effect");
        if effect.is_empty() {
            e.required(&path.child("effect"), "");
        }
        e.one_of(taint, "effect", &path, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    }
}

pub(super) fn resource_quota(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("hard");
    for (name, amount) in spec.get("hard").and_then(Value::as_map).iter().flat_map(|m| m.iter()) {
        let standard = [
            "cpu",
            "memory",
            "ephemeral-storage",
            "pods",
            "services",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "configmaps",
            "persistentvolumeclaims",
            "services.nodeports",
            "services.loadbalancers",
        ];
        let prefixed = ["requests.", "limits.", "count/", "hugepages-"].iter().any(|p| name.starts_with(p));
        if !standard.contains(&name.as_str()) && !prefixed && !name.contains('/') {
            e.invalid(&path.key(name), name, "must be a standard resource type or fully qualified");
            e.invalid(&path.key(name), name, "must be a standard resource for quota");
        }
        quantity(e, amount, &path.key(name));
    }
}

pub(super) fn role(e: &mut Errors, o: &Object) {
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

pub(super) fn role_binding(e: &mut Errors, o: &Object) {
    let path = Path::Field("roleRef");
    let kind = o.str(&["roleRef", "kind"]);
    let known: &[&str] =
        if o.kind() == Kind::CLUSTER_ROLE_BINDING { &["ClusterRole"] } else { &["Role", "ClusterRole"] };
    if !known.contains(&kind) {
        e.not_supported(&path.child("kind"), kind, known);
    }
    if o.str(&["roleRef", "name"]).is_empty() {
        e.required(&path.child("name"), "");
    }
    let path = Path::Field("subjects");
    for (i, subject) in o.items(&["subjects"]).iter().enumerate() {
        let path = path.index(i);
        if subject.str("name").is_empty() {
            e.required(&path.child("name"), "");
        }
        match subject.str("kind") {
            "ServiceAccount" => {
                let name = subject.str("name");
                if !name.is_empty() {
                    e.complaints(&path.child("name"), name, names::dns1123_subdomain(name));
                }
                // Within a namespace it is the binding's own unless named.
                if o.kind() == Kind::CLUSTER_ROLE_BINDING && subject.str("namespace").is_empty() {
                    e.required(&path.child("namespace"), "");
                }
            }
            "User" | "Group" => {}
            other => e.not_supported(&path.child("kind"), other, &["ServiceAccount", "User", "Group"]),
        }
    }
}
