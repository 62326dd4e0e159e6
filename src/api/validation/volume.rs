//! Volumes of pods.

use super::super::quantity::Quantity;
use super::super::{Value, names};
use super::container::{descending_path, given, list};
use super::env;
use super::error::{Errors, Path};

/// Checks the volumes and returns those that are all right.
pub(super) fn volumes<'v>(e: &mut Errors, volumes: &'v [Value], path: &Path<'_>) -> Vec<&'v Value> {
    let mut good: Vec<&Value> = Vec::new();
    for (i, v) in volumes.iter().enumerate() {
        let path = path.index(i);
        let name = v.str("name");
        let before = e.len();
        source(e, v, &path);
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else if !names::is_plain(name) {
            e.complaints(&path.child("name"), name, names::dns1123_label(name));
        }
        if good.iter().any(|g| g.str("name") == name) {
            e.duplicate(&path.child("name"), name);
        }
        if e.len() == before {
            good.push(v);
        }
    }
    good
}

/// What a volume can come from, in the order in which they are looked at.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

fn source(e: &mut Errors, v: &Value, path: &Path<'_>) {
    let known = if e.modern() { &SOURCES[..] } else { &SOURCES[..28] };
    let mut first = true;
    for &kind in known {
        let Some(s) = given(v, kind) else { continue };
        let child = path.child(kind);
        if std::mem::take(&mut first) {
            of_kind(e, kind, s, path, &child);
        } else {
            e.forbidden(&child, "may not specify more than 1 volume type");
        }
    }
    if first {
        e.required(path, "must specify a volume type");
    }
}

fn required(e: &mut Errors, s: &Value, path: &Path<'_>, keys: &[&'static str]) {
    for &key in keys {
        let empty = match s.get(key) {
            None | Some(Value::Null) => true,
            Some(Value::Str(text)) => text.is_empty(),
            Some(Value::List(list)) => list.is_empty(),
            _ => false,
        };
        if empty {
            e.required(&path.child(key), "");
        }
    }
}

/// One source; persistent volumes have some of them too.
pub(super) fn of_kind(e: &mut Errors, kind: &str, s: &Value, whole: &Path<'_>, path: &Path<'_>) {
    match kind {
        "emptyDir" if s.get("sizeLimit").and_then(Quantity::of).is_some_and(Quantity::is_negative) => {
            e.forbidden(&path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
        }
        "hostPath" => host_path(e, s, path),
        "gitRepo" => {
            required(e, s, path, &["repository"]);
            descending_path(e, s.str("directory"), &path.child("directory"));
        }
        "gcePersistentDisk" => {
            let path = whole.child("persistentDisk");
            required(e, s, &path, &["pdName"]);
            partition(e, s, &path);
        }
        "awsElasticBlockStore" => {
            required(e, s, path, &["volumeID"]);
            partition(e, s, path);
        }
        "secret" => {
            required(e, s, path, &["secretName"]);
            mode(e, s, "defaultMode", path);
            items(e, s, path);
        }
        "configMap" => {
            required(e, s, path, &["name"]);
            mode(e, s, "defaultMode", path);
            items(e, s, path);
        }
        "nfs" => {
            required(e, s, path, &["server", "path"]);
            if !s.str("path").starts_with('/') {
                e.invalid(&path.child("path"), s.str("path"), "must be an absolute path");
            }
        }
        "iscsi" => {
            required(e, s, path, &["targetPortal", "iqn"]);
            let lun = s.get("lun").and_then(Value::as_int).unwrap_or(0);
            if !(0..=255).contains(&lun) {
                e.invalid(&path.child("lun"), lun, "must be between 0 and 255, inclusive");
            }
        }
        "glusterfs" => required(e, s, path, &["endpoints", "path"]),
        "persistentVolumeClaim" => required(e, s, path, &["claimName"]),
        "rbd" => required(e, s, path, &["monitors", "image"]),
        "cinder" | "portworxVolume" => required(e, s, path, &["volumeID"]),
        "cephfs" => required(e, s, path, &["monitors"]),
        "flexVolume" => required(e, s, path, &["driver"]),
        "downwardAPI" => {
            mode(e, s, "defaultMode", path);
            env::downward_items(e, s, path);
        }
        "azureFile" => required(e, s, path, &["secretName", "shareName"]),
        "azureDisk" => required(e, s, path, &["diskName", "diskURI"]),
        "vsphereVolume" => required(e, s, path, &["volumePath"]),
        "photonPersistentDisk" => required(e, s, path, &["pdID"]),
        "projected" => projected(e, s, path),
        "csi" => driver(e, s, path),
        "ephemeral" => match given(s, "volumeClaimTemplate") {
            None => e.required(&path.child("volumeClaimTemplate"), ""),
            Some(t) => {
                let path = path.child("volumeClaimTemplate");
                let empty = Value::Null;
                super::storage::claim(e, t.get("spec").unwrap_or(&empty), &path.child("spec"));
            }
        },
        "image" => {
            required(e, s, path, &["reference"]);
            e.one_of(s, "pullPolicy", path, &["Always", "IfNotPresent", "Never"]);
        }
        "local" => {
            required(e, s, path, &["path"]);
            back_steps(e, s.str("path"), &path.child("path"));
        }
        _ => {}
    }
}

fn driver(e: &mut Errors, s: &Value, path: &Path<'_>) {
    let name = s.str("driver");
    required(e, s, path, &["driver"]);
    if name.is_empty() && e.modern() {
        return;
    }
    if name.len() > 63 {
        e.too_long(&path.child("driver"), 63);
    }
    e.complaints(&path.child("driver"), name, names::dns1123_subdomain(&name.to_lowercase()));
}

fn back_steps(e: &mut Errors, text: &str, path: &Path<'_>) {
    if text.split('/').any(|part| part == "..") {
        e.invalid(path, text, "must not contain '..'");
    }
}

fn host_path(e: &mut Errors, s: &Value, path: &Path<'_>) {
    if s.str("path").is_empty() {
        return e.required(&path.child("path"), "");
    }
    back_steps(e, s.str("path"), &path.child("path"));
    let kinds = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    e.one_of(s, "type", path, &kinds);
}

fn partition(e: &mut Errors, s: &Value, path: &Path<'_>) {
    let n = s.get("partition").and_then(Value::as_int).unwrap_or(0);
    if !(0..=255).contains(&n) {
        e.invalid(&path.child("partition"), n, "must be between 1 and 255, inclusive");
    }
}

pub(super) fn mode(e: &mut Errors, s: &Value, key: &'static str, path: &Path<'_>) {
    if let Some(mode) = s.get(key).and_then(Value::as_int)
        && !(0..=0o777).contains(&mode)
    {
        e.invalid(&path.child(key), mode, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

/// A file within a volume: relative, without steps back, and no name that volumes use themselves.
pub(super) fn file_path(e: &mut Errors, text: &str, path: &Path<'_>) {
    descending_path(e, text, path);
    if text.starts_with("..") && !text.starts_with("../") && text != ".." {
        e.invalid(path, text, "must not start with '..'");
    }
}

fn items(e: &mut Errors, s: &Value, path: &Path<'_>) {
    let path = path.child("items");
    for (i, item) in list(s, "items").iter().enumerate() {
        let path = path.index(i);
        required(e, item, &path, &["key", "path"]);
        file_path(e, item.str("path"), &path.child("path"));
        mode(e, item, "mode", &path);
    }
}

fn projected(e: &mut Errors, s: &Value, path: &Path<'_>) {
    mode(e, s, "defaultMode", path);
    let mut taken: Vec<&str> = Vec::new();
    for (i, source) in list(s, "sources").iter().enumerate() {
        let whole = path;
        let path = path.child("sources");
        let path = path.index(i);
        let mut count = 0;
        for kind in ["secret", "configMap", "downwardAPI"] {
            let Some(inner) = given(source, kind) else { continue };
            count += 1;
            let path = path.child(kind);
            if kind == "downwardAPI" {
                env::downward_items(e, inner, &path);
            } else {
                required(e, inner, &path, &["name"]);
                items(e, inner, &path);
            }
            for item in list(inner, "items") {
                let at = item.str("path");
                if taken.contains(&at) && !at.is_empty() {
                    let named = if kind == "downwardAPI" { at } else { inner.str("name") };
                    e.invalid(whole, named, "conflicting duplicate paths");
                }
                taken.push(at);
            }
        }
        if let Some(token) = given(source, "serviceAccountToken") {
            count += 1;
            let path = path.child("serviceAccountToken");
            let path = path.child("expirationSeconds");
            let seconds = token.get("expirationSeconds").and_then(Value::as_int).unwrap_or(3600);
            if seconds < 600 {
                e.invalid(&path, seconds, "may not specify a duration less than 10 minutes");
            }
            if seconds > 1 << 32 {
                e.invalid(&path, seconds, "may not specify a duration larger than 2^32 seconds");
            }
            if token.str("path").is_empty() {
                e.required(&whole.child("path"), "");
            }
        }
        if count > 1 {
            let end = if e.modern() { " per source" } else { "" };
            e.forbidden(&path, format!("may not specify more than 1 volume type{end}"));
        }
    }
}
