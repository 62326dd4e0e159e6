//! What each kind does to an object before it is stored: status and generation are the server's.
//! Models the strategies in pkg/registry.

use super::Call;
use crate::api::{Kind, Map, Object, Value, defaults, meta, pod};
use crate::sim::Profile;

/// Kinds whose status is reset on create and kept apart on update: those with a status subresource.
fn has_status(kind: Kind) -> bool {
    !kind.is_custom() && kind.info().subresources.contains(&"status")
}

/// Kinds that count their spec's changes in `metadata.generation`.
fn has_generation(kind: Kind, profile: Profile) -> bool {
    match kind {
        Kind::POD => profile == Profile::Modern,
        Kind::DEPLOYMENT
        | Kind::REPLICA_SET
        | Kind::DAEMON_SET
        | Kind::STATEFUL_SET
        | Kind::REPLICATION_CONTROLLER
        | Kind::JOB
        | Kind::CRON_JOB
        | Kind::INGRESS
        | Kind::NETWORK_POLICY
        | Kind::POD_DISRUPTION_BUDGET
        | Kind::PRIORITY_CLASS
        | Kind::CUSTOM_RESOURCE_DEFINITION
        | Kind::ENDPOINT_SLICE => true,
        _ => false,
    }
}

pub fn bump_generation(profile: Profile, object: &mut Object) {
    if has_generation(object.kind(), profile) {
        let next = object.int(&["metadata", "generation"]).unwrap_or(0) + 1;
        object.set(&["metadata", "generation"], next);
    }
}

pub fn prepare_create(call: &Call<'_, '_>, object: &mut Object) {
    let kind = object.kind();
    if has_generation(kind, call.profile) {
        object.set(&["metadata", "generation"], 1);
    } else {
        object.unset(&["metadata", "generation"]);
    }
    if has_status(kind) && kind != Kind::NODE {
        object.set(&["status"], initial_status(kind));
    }
    if kind.is_custom() {
        super::custom::keep_apart(call, None, object);
    }
    if kind == Kind::CERTIFICATE_SIGNING_REQUEST {
        object.set(&["spec", "username"], &call.request.user);
        if call.request.user.starts_with("system:bootstrap:") {
            let groups = list!["system:bootstrappers", crate::addons::manifests::TOKEN_GROUP, "system:authenticated"];
            object.set(&["spec", "groups"], groups);
        }
    }
    if kind == Kind::POD {
        let qos = pod::qos_class(object);
        object.set(&["status", "qosClass"], qos);
        if call.profile == Profile::Modern && !object.items(&["spec", "schedulingGates"]).is_empty() {
            let condition = map! {
                "lastProbeTime" => Value::Null, "lastTransitionTime" => call.now().rfc3339(),
                "message" => "Scheduling is blocked due to non-empty scheduling gates",
                "observedGeneration" => 1, "reason" => "SchedulingGated", "status" => "False", "type" => "PodScheduled",
            };
            object.set(&["status", "conditions"], list![condition]);
        }
    }
    if kind == Kind::JOB {
        // A Job without labels of its own has its pods'.
        let pods = |o: &Object| o.get(&["spec", "template", "metadata", "labels"]).cloned();
        let own = object.get(&["metadata", "labels"]).cloned();
        let bare = own.as_ref().and_then(Value::as_map).is_none_or(Map::is_empty) || own == pods(object);
        defaults::job_selector(object, call.profile);
        if bare {
            let labels = pods(object).unwrap_or_default();
            object.set(&["metadata", "labels"], labels);
        }
    }
    if kind == Kind::DAEMON_SET && meta::annotation(object, TEMPLATE_GENERATION).is_none() {
        object.set(&["metadata", "annotations", TEMPLATE_GENERATION], "1");
    }
    if kind == Kind::NAMESPACE {
        object.set(&["spec", "finalizers"], list!["kubernetes"]);
        if call.profile == Profile::Modern {
            let name = object.key.name.clone();
            object.set(&["metadata", "labels", "kubernetes.io/metadata.name"], name);
        }
    }
}

/// What is left of a field that DaemonSets had.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn initial_status(kind: Kind) -> Map {
    match kind {
        Kind::POD => map! { "phase" => "Pending" },
        Kind::NAMESPACE => map! { "phase" => "Active" },
        Kind::SERVICE | Kind::INGRESS => map! { "loadBalancer" => Map::new() },
        Kind::REPLICA_SET | Kind::REPLICATION_CONTROLLER => map! { "replicas" => 0 },
        Kind::DAEMON_SET => map! {
            "currentNumberScheduled" => 0, "desiredNumberScheduled" => 0, "numberMisscheduled" => 0, "numberReady" => 0,
        },
        Kind::PERSISTENT_VOLUME | Kind::PERSISTENT_VOLUME_CLAIM => map! { "phase" => "Pending" },
        Kind::CUSTOM_RESOURCE_DEFINITION => {
            let names = map! { "kind" => "", "plural" => "" };
            map! { "acceptedNames" => names, "conditions" => list![], "storedVersions" => list![] }
        }
        _ => Map::new(),
    }
}

/// Keeps what this kind of update may not change.
pub fn prepare_update(call: &Call<'_, '_>, old: &Object, object: &mut Object, status_only: bool) {
    if status_only {
        let status = object.get(&["status"]).cloned();
        // Controllers keep bookkeeping in annotations and write them with the status.
        let annotations = object.get(&["metadata", "annotations"]).cloned();
        object.body = old.body.clone();
        if let Some(annotations) = annotations
            && old.get(&["metadata", "annotations"]) != Some(&annotations)
        {
            object.set(&["metadata", "annotations"], annotations);
        }
        match status {
            Some(status) => object.set(&["status"], status),
            None => object.unset(&["status"]),
        }
        return;
    }
    if has_status(object.kind()) && object.kind() != Kind::NODE {
        match old.get(&["status"]) {
            Some(status) => object.set(&["status"], status.clone()),
            None => object.unset(&["status"]),
        }
    }
    for field in
        ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"]
    {
        let path = ["metadata", field];
        match old.get(&path) {
            Some(value) if object.get(&path) == Some(value) => {}
            Some(value) => object.set(&path, value.clone()),
            None => object.unset(&path),
        }
    }
    if object.kind().is_custom() {
        return super::custom::keep_apart(call, Some(old), object);
    }
    let same = match (object.body.get("spec"), old.body.get("spec")) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b) || a == b,
        (a, b) => a == b,
    };
    if object.kind() == Kind::DAEMON_SET {
        let had = meta::annotation(old, TEMPLATE_GENERATION).and_then(|n| n.parse::<i64>().ok()).unwrap_or(1);
        let template = ["spec", "template"];
        let next = had + i64::from(object.get(&template) != old.get(&template));
        object.set(&["metadata", "annotations", TEMPLATE_GENERATION], ecow::eco_format!("{next}"));
    }
    // A deployment's revisions carry its annotations, so these count as its specification.
    let notes = |o: &Object| o.get(&["metadata", "annotations"]).cloned();
    if !same || object.kind() == Kind::DEPLOYMENT && notes(object) != notes(old) {
        bump_generation(call.profile, object);
    }
}
