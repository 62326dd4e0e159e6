//! Rows of storage kinds.

use super::super::{Object, Value, meta};
use super::{Print, Text, or};
use crate::base::Str;

fn access_modes(o: &Object, path: &[&str]) -> Str {
    let mut modes: Vec<&str> = Vec::new();
    // Upstream's fixed order, without repeats.
    for (mode, short) in
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")]
    {
        if o.items(path).iter().any(|m| m.as_str() == mode) {
            modes.push(short);
        }
    }
    modes.join(",").into()
}

fn phase(o: &Object) -> Str {
    if meta::deleting(o) { "Terminating".into() } else { o.str(&["status", "phase"]).into() }
}

fn class_name(o: &Object) -> Str {
    let old = meta::annotation(o, "volume.beta.kubernetes.io/storage-class");
    old.unwrap_or_else(|| o.str(&["spec", "storageClassName"])).into()
}

fn quantity(o: &Object, path: &[&str]) -> Str {
    o.get(path).map_or_else(|| "0".into(), super::plain)
}

pub(super) fn volume(o: &Object, p: &Print) -> Vec<Str> {
    let claim = o.get(&["spec", "claimRef"]);
    let claim = claim.map_or(Str::new(), |c| ecow::eco_format!("{}/{}", c.str("namespace"), c.str("name")));
    let mut cells = vec![
        o.name().clone(),
        quantity(o, &["spec", "capacity", "storage"]),
        access_modes(o, &["spec", "accessModes"]),
        o.str(&["spec", "persistentVolumeReclaimPolicy"]).into(),
        phase(o),
        claim,
        class_name(o),
    ];
    if p.modern() {
        cells.push(or(o.str(&["spec", "volumeAttributesClassName"]), "<unset>"));
    }
    cells.extend([o.str(&["status", "reason"]).into(), p.age(o), or(o.str(&["spec", "volumeMode"]), "<unset>")]);
    cells
}

pub(super) fn claim(o: &Object, p: &Print) -> Vec<Str> {
    let volume = o.str(&["spec", "volumeName"]);
    let (capacity, modes) = if volume.is_empty() {
        (Str::new(), Str::new())
    } else {
        (quantity(o, &["status", "capacity", "storage"]), access_modes(o, &["status", "accessModes"]))
    };
    let mut cells = vec![o.name().clone(), phase(o), volume.into(), capacity, modes, class_name(o)];
    if p.modern() {
        cells.push(or(o.str(&["spec", "volumeAttributesClassName"]), "<unset>"));
    }
    cells.extend([p.age(o), or(o.str(&["spec", "volumeMode"]), "<unset>")]);
    cells
}

pub(super) fn class(o: &Object, p: &Print) -> Vec<Str> {
    let default = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
    let is_default = default.iter().any(|key| meta::annotation(o, key) == Some("true"));
    let name = if is_default { ecow::eco_format!("{} (default)", o.name()) } else { o.name().clone() };
    vec![
        name,
        o.str(&["provisioner"]).into(),
        or(o.str(&["reclaimPolicy"]), "Delete"),
        or(o.str(&["volumeBindingMode"]), "Immediate"),
        o.get(&["allowVolumeExpansion"]).and_then(Value::as_bool).unwrap_or(false).text(),
        p.age(o),
    ]
}
