//! Persistent volumes, claims and storage classes.

use super::super::quantity::Quantity;
use super::super::{Object, Value, gofmt, names};
use super::container::given;
use super::error::{Errors, Path};
use crate::base::Str;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn access_modes(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let modes = spec.get("accessModes").map_or(&[][..], Value::items);
    if modes.is_empty() {
        let detail = if path.text() == "spec" { "at least 1 access mode is required" } else { "" };
        e.required(&path.child("accessModes"), detail);
    }
    if e.modern() && modes.len() > 1 && modes.iter().any(|m| m.as_str() == "ReadWriteOncePod") {
        e.forbidden(&path.child("accessModes"), "may not use ReadWriteOncePod with other access modes");
    }
    let known = if e.modern() { &MODES[..] } else { &MODES[..3] };
    for mode in modes.iter().filter(|m| !known.contains(&m.as_str())) {
        e.not_supported(&path.child("accessModes"), mode.as_str(), known);
    }
}

fn positive(e: &mut Errors, amount: Option<&Value>, path: &Path<'_>) {
    if let Some(q) = amount.and_then(Quantity::of)
        && (q.is_zero() || q.is_negative())
    {
        e.invalid(path, Str::from(q.to_string()), "must be greater than zero");
    }
}

/// What a persistent volume can be, in the order in which upstream looks.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn volume(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    access_modes_of_volume(e, spec, path);
    capacity(e, spec, &path.child("capacity"));
    e.one_of(spec, "persistentVolumeReclaimPolicy", path, &["Delete", "Recycle", "Retain"]);
    if let Some(affinity) = given(spec, "nodeAffinity") {
        let path = path.child("nodeAffinity");
        match given(affinity, "required") {
            Some(r) => super::schedule::node_selector(e, r, &path.child("required")),
            None => e.required(&path.child("required"), "must specify required node constraints"),
        }
    }
    let mut first = true;
    for kind in SOURCES {
        let Some(s) = given(spec, kind) else { continue };
        let child = path.child(kind);
        if !std::mem::take(&mut first) {
            e.forbidden(&child, "may not specify more than 1 volume type");
            continue;
        }
        super::volume::of_kind(e, kind, s, path, &child);
        if kind == "csi" && s.str("volumeHandle").is_empty() {
            e.required(&child.child("volumeHandle"), "");
        }
        if kind == "local" && given(spec, "nodeAffinity").is_none() {
            e.required(&path.child("nodeAffinity"), "Local volume requires node affinity");
        }
    }
    if first {
        e.required(path, "must specify a volume type");
    }
    if spec.at(&["hostPath", "path"]).is_some_and(|p| p.as_str() == "/")
        && spec.str("persistentVolumeReclaimPolicy") == "Recycle"
    {
        let detail = "may not be 'recycle' for a hostPath mount of '/'";
        e.forbidden(&path.child("persistentVolumeReclaimPolicy"), detail);
    }
    class_name(e, spec, path);
    e.one_of(spec, "volumeMode", path, &["Block", "Filesystem"]);
}

fn class_name(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let class = spec.str("storageClassName");
    if !class.is_empty() {
        e.complaints(&path.child("storageClassName"), class, names::dns1123_subdomain(class));
    }
}

/// Storage, and nothing else.
fn capacity(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let amounts = spec.get("capacity").and_then(Value::as_map).filter(|m| !m.is_empty());
    if amounts.is_none() {
        e.required(path, "");
    }
    if amounts.is_none_or(|m| m.len() > 1 || m.get("storage").is_none()) {
        let text = match (amounts, e.modern()) {
            (None, true) => "null".to_owned(),
            (None, false) => "core.ResourceList(nil)".to_owned(),
            (Some(m), true) => Value::from(m.clone()).to_json(),
            (Some(m), false) => {
                let each = |(k, v): (&Str, &Value)| {
                    let q = Quantity::of(v).map_or(String::new(), gofmt::quantity);
                    format!("{}:{q}", gofmt::quote(k))
                };
                format!("core.ResourceList{{{}}}", m.iter().map(each).collect::<Vec<_>>().join(", "))
            }
        };
        e.not_supported_go(path, Value::Num(text.into()), "", &["storage"]);
    }
    for (name, amount) in amounts.iter().flat_map(|m| m.iter()) {
        let Some(q) = Quantity::of(amount) else { continue };
        if q.is_negative() {
            e.invalid(&path.key(name), q.value(), "must be a valid resource quantity");
        }
        positive(e, Some(amount), &path.key(name));
    }
}

fn access_modes_of_volume(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    if spec.get("accessModes").is_none_or(|m| m.items().is_empty()) {
        e.required(&path.child("accessModes"), "");
        return;
    }
    access_modes(e, spec, path);
}

pub(super) fn claim(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    access_modes(e, spec, path);
    if let Some(s) = given(spec, "selector") {
        super::workload::label_selector(e, s, &path.child("selector"));
    }
    let amount = spec.at(&["resources", "requests", "storage"]);
    let at = path.child("resources");
    if amount.is_none() {
        e.required(&at.key("storage"), "");
    } else {
        positive(e, amount, &at.key("storage"));
    }
    class_name(e, spec, path);
    e.one_of(spec, "volumeMode", path, &["Block", "Filesystem"]);
}

pub(super) fn class(e: &mut Errors, o: &Object) {
    let provisioner = o.str(&["provisioner"]);
    if provisioner.is_empty() {
        e.required(&Path::Field("provisioner"), "");
    } else {
        let lower = provisioner.to_lowercase();
        e.complaints(&Path::Field("provisioner"), provisioner, names::label_key(&lower, e.profile));
    }
    for key in o.get(&["parameters"]).and_then(Value::as_map).iter().flat_map(|m| m.keys()) {
        if key.is_empty() {
            e.invalid(&Path::Field("parameters"), "", "field can not be empty.");
        }
    }
    let known: [(&'static str, [&str; 2]); 2] =
        [("reclaimPolicy", ["Delete", "Retain"]), ("volumeBindingMode", ["Immediate", "WaitForFirstConsumer"])];
    for (key, values) in known {
        let text = o.str(&[key]);
        if !text.is_empty() && !values.contains(&text) {
            e.not_supported(&Path::Field(key), text, &values);
        }
    }
}
