//! Volumes of pods.

use super::super::{Value, names};
use super::error::{Errors, Path};

/// Checks the volumes and returns their names.
pub(super) fn volumes<'v>(e: &mut Errors, volumes: &'v [Value], path: &Path<'_>) -> Vec<&'v str> {
    let mut taken: Vec<&str> = Vec::new();
    for (i, v) in volumes.iter().enumerate() {
        let path = path.index(i);
        let name = v.str("name");
        source(e, v, &path);
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else if !names::is_plain(name) {
            e.complaints(&path.child("name"), name, names::dns1123_label(name));
        }
        if taken.contains(&name) {
            e.duplicate(&path.child("name"), name);
        } else {
            taken.push(name);
        }
    }
    taken
}

fn source(e: &mut Errors, v: &Value, path: &Path<'_>) {
    let given = v.as_map().map_or(0, |m| m.iter().filter(|(k, v)| *k != "name" && !v.is_null()).count());
    if given == 0 {
        e.required(path, "must specify a volume type");
        return;
    }
    if given > 1 {
        e.forbidden(path, "may not specify more than 1 volume type");
    }
    let required: [(&'static str, &'static str); 6] = [
        ("hostPath", "path"),
        ("secret", "secretName"),
        ("configMap", "name"),
        ("persistentVolumeClaim", "claimName"),
        ("nfs", "server"),
        ("nfs", "path"),
    ];
    for (kind, field) in required {
        if let Some(s) = v.get(kind).filter(|s| !s.is_null())
            && s.str(field).is_empty()
        {
            e.required(&path.child(kind).child(field), "");
        }
    }
    for kind in ["secret", "configMap"] {
        let Some(s) = v.get(kind) else { continue };
        let path = path.child(kind);
        if let Some(mode) = s.get("defaultMode").and_then(Value::as_int)
            && !(0..=0o777).contains(&mode)
        {
            let detail = "must be a number between 0 and 0777 (octal), both inclusive";
            e.invalid(&path.child("defaultMode"), mode, detail);
        }
        for (i, item) in s.get("items").map_or(&[][..], Value::items).iter().enumerate() {
            for field in ["key", "path"] {
                if item.str(field).is_empty() {
                    let path = path.child("items");
                    e.required(&path.index(i).child(field), "");
                }
            }
        }
    }
    if let Some(h) = v.get("hostPath") {
        let kinds =
            ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
        e.one_of(h, "type", &path.child("hostPath"), &kinds);
        if h.str("path").split('/').any(|part| part == "..") {
            e.invalid(&path.child("hostPath").child("path"), h.str("path"), "must not contain '..'");
        }
    }
}
