//! Environment variables, and the fields of a pod that they and volumes can show.

use super::super::quantity::Quantity;
use super::super::{Value, names};
use super::container::{given, list};
use super::error::{Errors, Path};

pub(super) fn env(e: &mut Errors, env: &[Value], path: &Path<'_>) {
    for (i, v) in env.iter().enumerate() {
        let path = path.index(i);
        let name = v.str("name");
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else {
            let complaints = names::env_var_name(name, e.profile);
            e.complaints(&path.child("name"), name, complaints);
        }
        if let Some(from) = given(v, "valueFrom") {
            value_from(e, from, v.str("value"), &path.child("valueFrom"));
        }
    }
}

fn value_from(e: &mut Errors, from: &Value, value: &str, path: &Path<'_>) {
    let old = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"];
    let mut sources = old.iter().filter(|k| given(from, k).is_some()).count();
    if e.modern() && given(from, "fileKeyRef").is_some() {
        sources += 1;
    }
    if let Some(f) = given(from, "fieldRef") {
        let known: &[&str] = if e.modern() {
            &[
                "metadata.name",
                "metadata.namespace",
                "metadata.uid",
                "spec.nodeName",
                "spec.serviceAccountName",
                "status.hostIP",
                "status.hostIPs",
                "status.podIP",
                "status.podIPs",
            ]
        } else {
            &[
                "metadata.name",
                "metadata.namespace",
                "metadata.uid",
                "spec.nodeName",
                "spec.serviceAccountName",
                "status.hostIP",
                "status.podIP",
                "status.podIPs",
            ]
        };
        field_ref(e, f, known, &path.child("fieldRef"));
    }
    if let Some(r) = given(from, "resourceFieldRef") {
        resource_field_ref(e, r, false, &path.child("resourceFieldRef"));
    }
    for source in ["configMapKeyRef", "secretKeyRef"] {
        let Some(r) = given(from, source) else { continue };
        let path = path.child(source);
        let name = r.str("name");
        e.complaints(&path.child("name"), name, names::dns1123_subdomain(name));
        let key = r.str("key");
        if key.is_empty() {
            e.required(&path.child("key"), "");
        } else {
            e.complaints(&path.child("key"), key, names::config_map_key(key));
        }
    }
    if sources == 0 {
        let known = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`";
        let last = if e.modern() { ", `secretKeyRef` or `fileKeyRef`" } else { " or `secretKeyRef`" };
        e.invalid(path, "", format!("{known}{last}"));
    } else if !value.is_empty() {
        e.invalid(path, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        e.invalid(path, "", "may not have more than one field specified at a time");
    }
}

pub(super) fn env_from(e: &mut Errors, sources: &[Value], path: &Path<'_>) {
    for (i, s) in sources.iter().enumerate() {
        let whole = path;
        let path = path.index(i);
        let prefix = s.str("prefix");
        if !prefix.is_empty() {
            let complaints = names::env_var_name(prefix, e.profile);
            e.complaints(&path.child("prefix"), prefix, complaints);
        }
        let mut count = 0;
        for kind in ["configMapRef", "secretRef"] {
            let Some(r) = given(s, kind) else { continue };
            count += 1;
            let path = path.child(kind);
            let name = r.str("name");
            if name.is_empty() {
                e.required(&path.child("name"), "");
            } else {
                e.complaints(&path.child("name"), name, names::dns1123_subdomain(name));
            }
        }
        match count {
            0 => e.invalid(whole, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => e.invalid(whole, "", "may not have more than one field specified at a time"),
        }
    }
}

/// Whether pods have a field by that name that can be shown at all.
fn convertible(path: &str) -> bool {
    matches!(
        path,
        "metadata.annotations"
            | "metadata.labels"
            | "metadata.name"
            | "metadata.namespace"
            | "metadata.uid"
            | "spec.nodeName"
            | "spec.restartPolicy"
            | "spec.serviceAccountName"
            | "spec.schedulerName"
            | "status.phase"
            | "status.hostIP"
            | "status.hostIPs"
            | "status.podIP"
            | "status.podIPs"
    )
}

/// A field of the pod, one of `known`, or a label or annotation by its key.
pub(super) fn field_ref(e: &mut Errors, f: &Value, known: &[&str], path: &Path<'_>) {
    let (version, field) = (f.str("apiVersion"), f.str("fieldPath"));
    if field.is_empty() {
        return e.required(&path.child("fieldPath"), "");
    }
    let failed = |why: String| format!("error converting fieldPath: {why}");
    if !matches!(version, "v1" | "") {
        return e.invalid(&path.child("fieldPath"), field, failed(format!("unsupported pod version: {version}")));
    }
    let subscript = field.strip_suffix("']").and_then(|f| f.split_once("['"));
    if let Some((map, key)) = subscript {
        return match map {
            "metadata.annotations" => {
                e.complaints(path, key, names::label_key(&key.to_lowercase(), e.profile));
            }
            "metadata.labels" => e.complaints(path, key, names::label_key(key, e.profile)),
            _ => {
                let why = format!("field label does not support subscript: {field}");
                e.invalid(&path.child("fieldPath"), field, failed(why));
            }
        };
    }
    if !convertible(field) {
        return e.invalid(&path.child("fieldPath"), field, failed(format!("field label not supported: {field}")));
    }
    if !known.contains(&field) {
        e.not_supported(&path.child("fieldPath"), field, known);
    }
}

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

pub(super) fn resource_field_ref(e: &mut Errors, r: &Value, in_volume: bool, path: &Path<'_>) {
    let resource = r.str("resource");
    if in_volume && r.str("containerName").is_empty() {
        e.required(&path.child("containerName"), "");
    } else if resource.is_empty() {
        e.required(&path.child("resource"), "");
    } else if !RESOURCES.contains(&resource) && !resource.contains(".hugepages-") {
        e.not_supported(&path.child("resource"), resource, &RESOURCES);
    }
    let Some(divisor) = r.get("divisor").and_then(Quantity::of).filter(|d| !d.is_zero()) else { return };
    let millis = divisor.millis();
    let bytes: Vec<i64> = (1..=6).flat_map(|n| [1000i64.pow(n), 1024i64.pow(n)]).chain([1]).collect();
    let wrong = match resource.split_once('.').map(|(_, r)| r) {
        Some("cpu") if millis != 1 && millis != 1000 => {
            "only divisor's values 1m and 1 are supported with the cpu resource"
        }
        Some("memory") if !bytes.contains(&divisor.value()) => {
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource"
        }
        Some("ephemeral-storage") if !bytes.contains(&divisor.value()) => {
            "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource"
        }
        _ => return,
    };
    e.invalid(&path.child("divisor"), resource, wrong);
}

/// The fields that a volume can show.
pub(super) const OF_VOLUMES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// A file of the downward API. Its errors name the volume's path, not the item's.
pub(super) fn downward_file(e: &mut Errors, file: &Value, path: &Path<'_>) {
    let at = file.str("path");
    if at.is_empty() {
        e.required(&path.child("path"), "");
    }
    super::volume::file_path(e, at, &path.child("path"));
    match (given(file, "fieldRef"), given(file, "resourceFieldRef")) {
        (Some(f), other) => {
            field_ref(e, f, &OF_VOLUMES, &path.child("fieldRef"));
            if other.is_some() {
                e.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        }
        (None, Some(r)) => resource_field_ref(e, r, true, &path.child("resourceFieldRef")),
        (None, None) => e.required(path, "one of fieldRef and resourceFieldRef is required"),
    }
    super::volume::mode(e, file, "mode", path);
}

pub(super) fn downward_items(e: &mut Errors, source: &Value, path: &Path<'_>) {
    for file in list(source, "items") {
        downward_file(e, file, path);
    }
}
