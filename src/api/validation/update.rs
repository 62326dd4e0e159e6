//! What may not change once an object exists.

use super::super::{Kind, Map, Object, Profile, Value};
use super::error::{Errors, Path};

const SPEC: Path<'static> = Path::Field("spec");

pub(super) fn check(e: &mut Errors, o: &Object, old: &Object) {
    match o.kind() {
        Kind::DEPLOYMENT | Kind::REPLICA_SET | Kind::DAEMON_SET => selector(e, o, old),
        Kind::STATEFUL_SET => stateful_set(e, o, old),
        Kind::JOB => job(e, o, old),
        Kind::POD => pod(e, o, old),
        Kind::SERVICE => service(e, o, old),
        Kind::PERSISTENT_VOLUME_CLAIM => claim(e, o, old),
        Kind::CONFIG_MAP | Kind::SECRET => immutable_data(e, o, old),
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => role_ref(e, o, old),
        Kind::PRIORITY_CLASS if o.int(&["value"]) != old.int(&["value"]) => {
            e.forbidden(&Path::Field("value"), "may not be changed in an update.");
        }
        Kind::STORAGE_CLASS => {
            for key in ["parameters", "provisioner", "reclaimPolicy"] {
                if o.body.get(key) != old.body.get(key) {
                    e.forbidden(&Path::Field(key), format!("updates to {key} are forbidden."));
                }
            }
        }
        _ => {}
    }
}

/// The field `key` of spec must stay as it is.
fn immutable(e: &mut Errors, o: &Object, old: &Object, key: &'static str, go_type: &'static str) {
    let (new, before) = (o.get(&["spec", key]), old.get(&["spec", key]));
    if new != before {
        e.invalid_go(&SPEC.child(key), new.cloned().unwrap_or_default(), go_type, "field is immutable");
    }
}

fn selector(e: &mut Errors, o: &Object, old: &Object) {
    immutable(e, o, old, "selector", "v1.LabelSelector");
}

fn job(e: &mut Errors, o: &Object, old: &Object) {
    if o.get(&["spec", "completionMode"]).map(Value::as_str) != Some("Indexed") {
        immutable(e, o, old, "completions", "int32");
    }
    immutable(e, o, old, "selector", "v1.LabelSelector");
    immutable(e, o, old, "template", "core.PodTemplateSpec");
}

/// `spec` without `keys`.
fn without(o: &Object, keys: &[&str]) -> Map {
    let mut spec = o.body.get("spec").and_then(Value::as_map).cloned().unwrap_or_default();
    keys.iter().for_each(|k| {
        spec.remove(k);
    });
    spec
}

fn stateful_set(e: &mut Errors, o: &Object, old: &Object) {
    let (free, words): (&[&str], &str) = match e.profile {
        Profile::Book => (&["replicas", "template", "updateStrategy"], "'replicas', 'template', and 'updateStrategy'"),
        Profile::Modern => (
            &[
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ],
            "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'",
        ),
    };
    if without(o, free) != without(old, free) {
        e.forbidden(&SPEC, format!("updates to statefulset spec for fields other than {words} are forbidden"));
    }
}

/// A pod's spec with what may change masked.
fn masked(o: &Object) -> Map {
    let mut spec = without(o, &["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"]);
    for containers in ["containers", "initContainers"] {
        let Some(Value::List(list)) = spec.get(containers) else { continue };
        let mask = |c: &Value| {
            let mut c = c.clone();
            c.make_map().remove("image");
            c
        };
        let list: Vec<Value> = list.iter().map(mask).collect();
        spec.insert(containers, list);
    }
    spec
}

fn pod(e: &mut Errors, o: &Object, old: &Object) {
    for containers in ["containers", "initContainers"] {
        let count = |o: &Object| o.items(&["spec", containers]).len();
        if count(o) != count(old) {
            e.forbidden(&SPEC.child(containers), "pod updates may not add or remove containers");
            return;
        }
    }
    let tolerations = o.items(&["spec", "tolerations"]);
    let lost = old.items(&["spec", "tolerations"]).iter().any(|t| !tolerations.contains(t));
    if lost || masked(o) != masked(old) {
        let words = "pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`";
        let tail = match e.profile {
            Profile::Book => " or `spec.tolerations` (only additions to existing tolerations)",
            Profile::Modern => {
                ",`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
            }
        };
        e.forbidden(&SPEC, format!("{words}{tail}"));
    }
}

fn service(e: &mut Errors, o: &Object, old: &Object) {
    let ip = |o: &Object| o.str(&["spec", "clusterIP"]).to_owned();
    let external = |o: &Object| o.str(&["spec", "type"]) == "ExternalName";
    if external(o) || external(old) || ip(old).is_empty() || ip(o) == ip(old) {
        return;
    }
    let path = SPEC.child("clusterIPs");
    let ips = o.get(&["spec", "clusterIPs"]).cloned().unwrap_or_else(|| vec![ip(o)].into());
    let detail = "may not change once set";
    e.invalid_go(&path.index(0), ips, "[]string", detail);
}

fn claim(e: &mut Errors, o: &Object, old: &Object) {
    // A controller binds a claim by setting its volume; expansion changes the request.
    let mut free = vec!["resources"];
    if old.str(&["spec", "volumeName"]).is_empty() {
        free.extend(["volumeName", "storageClassName"]);
    }
    if without(o, &free) != without(old, &free) {
        let words = match e.profile {
            Profile::Book => "spec is immutable after creation except resources.requests for bound claims",
            Profile::Modern => {
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            }
        };
        e.forbidden(&SPEC, words);
    }
}

fn immutable_data(e: &mut Errors, o: &Object, old: &Object) {
    let frozen = |o: &Object| o.get(&["immutable"]).and_then(Value::as_bool) == Some(true);
    if !frozen(old) {
        if o.kind() == Kind::SECRET && o.str(&["type"]) != old.str(&["type"]) {
            e.invalid(&Path::Field("type"), o.str(&["type"]), "field is immutable");
        }
        return;
    }
    let words = "field is immutable when `immutable` is set";
    if !frozen(o) {
        e.forbidden(&Path::Field("immutable"), words);
    }
    for key in ["data", "binaryData"] {
        if o.body.get(key) != old.body.get(key) {
            e.forbidden(&Path::Field(key), words);
        }
    }
}

fn role_ref(e: &mut Errors, o: &Object, old: &Object) {
    if o.get(&["roleRef"]) != old.get(&["roleRef"]) {
        let value = o.get(&["roleRef"]).cloned().unwrap_or_default();
        e.invalid_go(&Path::Field("roleRef"), value, "rbac.RoleRef", "cannot change roleRef");
    }
}
