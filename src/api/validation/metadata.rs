//! Names, labels, annotations and what may not change in metadata.
//! Models apimachinery/pkg/api/validation.

use super::super::{Kind, Object, Profile, Value, meta, names};
use super::error::{Errors, Path};

const METADATA: Path<'static> = Path::Field("metadata");

/// The rule for names of a kind.
fn name_complaints(kind: Kind, name: &str, profile: Profile) -> Vec<String> {
    let modern = profile == Profile::Modern;
    match kind {
        Kind::NAMESPACE => names::label(name, profile),
        Kind::SERVICE if !modern => names::dns1035_label(name),
        Kind::STATEFUL_SET | Kind::SERVICE if modern => names::label(name, profile),
        Kind::ROLE | Kind::ROLE_BINDING | Kind::CLUSTER_ROLE | Kind::CLUSTER_ROLE_BINDING | Kind::API_SERVICE => {
            names::path_segment(name)
        }
        _ => names::dns1123_subdomain(name),
    }
}

pub(super) fn create(e: &mut Errors, o: &Object) {
    let generate = o.str(&["metadata", "generateName"]);
    if !generate.is_empty() && !names::is_plain(generate.trim_end_matches('-')) {
        // A prefix may end with a dash.
        let masked = format!("{}a", generate.strip_suffix('-').unwrap_or(generate));
        let complaints = name_complaints(o.kind(), &masked, e.profile);
        e.complaints(&METADATA.child("generateName"), generate, complaints);
    }
    let name = o.name();
    if name.is_empty() {
        e.required(&METADATA.child("name"), "name or generateName is required");
    } else if !names::is_plain(name) || o.kind() == Kind::SERVICE {
        let complaints = name_complaints(o.kind(), name, e.profile);
        e.complaints(&METADATA.child("name"), name, complaints);
    }
    if o.kind() == Kind::CRON_JOB && name.len() > 52 {
        e.invalid(&METADATA.child("name"), name, "must be no more than 52 characters");
    }
    common(e, o);
}

fn common(e: &mut Errors, o: &Object) {
    e.labels(meta::labels(o), &METADATA.child("labels"));
    annotations(e, o.get(&["metadata", "annotations"]), &METADATA.child("annotations"));
    owners(e, o);
    let path = METADATA.child("finalizers");
    for (i, finalizer) in meta::finalizers(o).iter().enumerate() {
        let text = finalizer.as_str();
        let complaints = names::label_key(text, e.profile);
        // Definitions and their objects are judged by the general rule alone.
        let general = o.kind() == Kind::CUSTOM_RESOURCE_DEFINITION || o.kind().is_custom();
        let known = general || text.contains('/') || matches!(text, "kubernetes" | "orphan" | "foregroundDeletion");
        if complaints.is_empty() && !known {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            e.invalid(&path.index(i), text, detail);
        }
        e.complaints(&path, text, complaints);
    }
}

fn owners(e: &mut Errors, o: &Object) {
    let path = METADATA.child("ownerReferences");
    let owners = o.items(&["metadata", "ownerReferences"]);
    let mut controller: Option<&Value> = None;
    for owner in owners {
        let version = owner.str("apiVersion");
        if version.is_empty() {
            e.invalid(&path.child("apiVersion"), version, "version must not be empty");
        }
        for key in ["kind", "name", "uid"] {
            if owner.str(key).is_empty() {
                let detail =
                    if e.modern() { "must not be empty".to_owned() } else { format!("{key} must not be empty") };
                e.invalid(&path.child(key), "", detail);
            }
        }
        if owner.str("kind") == "Event" && matches!(version, "v1" | "events.k8s.io/v1") {
            let group = version.split_once('/').map_or("", |(g, _)| g);
            let detail = format!("{group}/v1, Kind=Event is disallowed from being an owner");
            e.invalid_go(&path, owner.clone(), "v1.OwnerReference", &detail);
        }
        if owner.get("controller").and_then(Value::as_bool) != Some(true) {
            continue;
        }
        if let Some(first) = controller {
            let name = |o: &Value| match e.profile {
                Profile::Book => o.str("name").to_owned(),
                Profile::Modern => format!("{}/{}", o.str("kind"), o.str("name")),
            };
            let detail = format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
                name(first),
                name(owner)
            );
            e.invalid_go(&path, Value::from(owners.to_vec()), "[]v1.OwnerReference", &detail);
        } else {
            controller = Some(owner);
        }
    }
}

pub(super) fn annotations(e: &mut Errors, annotations: Option<&Value>, path: &Path<'_>) {
    const LIMIT: usize = 256 * 1024;
    let mut size = 0;
    for (key, value) in annotations.and_then(Value::as_map).iter().flat_map(|a| a.iter()) {
        size += key.len() + value.as_str().len();
        // Keys are case-insensitive here.
        let lower = key.to_ascii_lowercase();
        if !names::is_plain(&lower) {
            e.complaints(path, key, names::label_key(&lower, e.profile));
        }
    }
    if size > LIMIT {
        e.invalid(path, "", format!("annotations size {size} is larger than limit {LIMIT}"));
    }
}

pub(super) fn update(e: &mut Errors, o: &Object, old: &Object) {
    let same = |key: &str| match (o.get(&["metadata", key]), old.get(&["metadata", key])) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    };
    if meta::deleting(old) {
        let before = meta::finalizers(old);
        let extra: Vec<String> =
            meta::finalizers(o).iter().filter(|f| !before.contains(f)).map(|f| format!("{:?}", f.as_str())).collect();
        if !extra.is_empty() {
            let list = extra.join(", ");
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}"
            );
            e.forbidden(&METADATA.child("finalizers"), detail);
        }
    }
    if o.name() != old.name() {
        e.invalid(&METADATA.child("name"), o.name(), "field is immutable");
    }
    for key in ["namespace", "uid", "creationTimestamp"] {
        let (new, before) = (o.str(&["metadata", key]), old.str(&["metadata", key]));
        if !before.is_empty() && new != before {
            e.invalid(&METADATA.child(key), new, "field is immutable");
        }
    }
    if !(same("labels") && same("annotations")) {
        common(e, o);
    }
}
