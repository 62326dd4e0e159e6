//! Persistent volumes, claims and storage classes.

use super::super::quantity::Quantity;
use super::super::{Object, Value};
use super::error::{Errors, Path};
use crate::base::Str;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn access_modes(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let modes = spec.get("accessModes").map_or(&[][..], Value::items);
    if modes.is_empty() {
        let detail = if path.text() == "spec" { "at least 1 access mode is required" } else { "" };
        e.required(&path.child("accessModes"), detail);
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

pub(super) fn volume(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    access_modes_of_volume(e, spec, path);
    match spec.at(&["capacity", "storage"]) {
        None => {
            let empty = spec.get("capacity").and_then(Value::as_map).is_none_or(super::super::Map::is_empty);
            if empty {
                e.required(&path.child("capacity"), "");
            } else {
                let known = ["storage"];
                let first = spec.get("capacity").and_then(Value::as_map).and_then(|m| m.keys().next().cloned());
                e.not_supported(&path.child("capacity"), &first.unwrap_or_default(), &known);
            }
        }
        amount => {
            let path = path.child("capacity");
            positive(e, amount, &path.key("storage"));
        }
    }
    e.one_of(spec, "persistentVolumeReclaimPolicy", path, &["Delete", "Recycle", "Retain"]);
    let plain = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeMode",
        "volumeAttributesClassName",
    ];
    let sources = spec.as_map().map_or(0, |m| m.keys().filter(|k| !plain.contains(&k.as_str())).count());
    match sources {
        0 => e.required(path, "must specify a volume type"),
        1 => {}
        _ => e.forbidden(path, "may not specify more than 1 volume type"),
    }
    e.one_of(spec, "volumeMode", path, &["Block", "Filesystem"]);
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
    let path = path.child("resources");
    let amount = spec.at(&["resources", "requests", "storage"]);
    if amount.is_none() {
        e.required(&path.key("storage"), "");
    } else {
        let path = path.child("requests");
        positive(e, amount, &path.key("storage"));
    }
}

pub(super) fn class(e: &mut Errors, o: &Object) {
    if o.str(&["provisioner"]).is_empty() {
        e.required(&Path::Field("provisioner"), "");
    }
}
