//! What the API server refuses, in upstream's words. Pure: names that are taken, quotas, allocated
//! addresses and missing namespaces are admission's and the registry's.
//!
//! Models pkg/apis/*/validation. Paths are built only when something is wrong, and parts that an
//! update shares with the old object are not looked at again.

mod autoscaling;
mod cluster;
mod container;
mod cron;
mod env;
mod error;
mod limits;
mod metadata;
mod pod;
mod schedule;
mod security;
mod service;
mod storage;
mod update;
mod volume;
mod workload;

use super::{Kind, Object, ObjectKey, Profile, Reason, Status, Value};
use error::{Errors, Path};

pub use error::{ErrorKind, FieldError};

/// What is wrong with a new object, defaults already filled in.
pub fn create(object: &Object, profile: Profile) -> Vec<FieldError> {
    let mut e = Errors::new(profile);
    metadata::create(&mut e, object);
    spec(&mut e, object, None);
    e.done()
}

/// What is wrong with an object that is to replace `old`.
pub fn update(object: &Object, old: &Object, profile: Profile) -> Vec<FieldError> {
    let mut e = Errors::new(profile);
    metadata::update(&mut e, object, old);
    if unchanged(object, old, "spec") && !checked_beside_spec(object.kind()) {
        return e.done();
    }
    spec(&mut e, object, Some(old));
    update::check(&mut e, object, old);
    e.done()
}

/// Kinds whose content is not in `spec`.
fn checked_beside_spec(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CONFIG_MAP
            | Kind::SECRET
            | Kind::ROLE
            | Kind::CLUSTER_ROLE
            | Kind::ROLE_BINDING
            | Kind::CLUSTER_ROLE_BINDING
            | Kind::PRIORITY_CLASS
            | Kind::STORAGE_CLASS
    )
}

/// Whether both share one tree at `key`.
fn unchanged(new: &Object, old: &Object, key: &str) -> bool {
    match (new.body.get(key), old.body.get(key)) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    }
}

fn spec(e: &mut Errors, o: &Object, old: Option<&Object>) {
    let path = Path::Field("spec");
    let empty = Value::Map(super::Map::new());
    let spec = o.body.get("spec").unwrap_or(&empty);
    match o.kind() {
        Kind::POD => pod::pod(e, spec, &path, old.is_none()),
        Kind::NODE => cluster::node(e, spec, &path),
        Kind::ENDPOINTS => cluster::endpoints(e, o),
        Kind::LEASE => cluster::lease(e, spec, &path),
        Kind::LIMIT_RANGE => limits::limit_range(e, spec, &path),
        Kind::PRIORITY_CLASS if old.is_none() => cluster::priority_class(e, o),
        Kind::REPLICATION_CONTROLLER => workload::replication_controller(e, spec, &path),
        Kind::DEPLOYMENT => workload::deployment(e, spec, &path, old),
        Kind::REPLICA_SET => workload::replica_set(e, spec, &path, old),
        Kind::DAEMON_SET => workload::daemon_set(e, spec, &path, old),
        Kind::STATEFUL_SET => workload::stateful_set(e, spec, &path, old),
        Kind::JOB => workload::whole_job(e, spec, &path, old),
        Kind::CRON_JOB => workload::cron_job(e, spec, &path),
        Kind::HORIZONTAL_POD_AUTOSCALER => autoscaling::horizontal_pod_autoscaler(e, spec, &path),
        Kind::POD_DISRUPTION_BUDGET => workload::pod_disruption_budget(e, spec, &path),
        Kind::SERVICE => service::service(e, spec, &path),
        Kind::INGRESS => service::ingress(e, spec, &path),
        Kind::NETWORK_POLICY => service::network_policy(e, spec, &path),
        Kind::PERSISTENT_VOLUME => storage::volume(e, spec, &path),
        Kind::PERSISTENT_VOLUME_CLAIM => storage::claim(e, spec, &path),
        Kind::STORAGE_CLASS => storage::class(e, o),
        Kind::CONFIG_MAP => cluster::config_map(e, o),
        Kind::SECRET => cluster::secret(e, o),
        Kind::RESOURCE_QUOTA => limits::resource_quota(e, spec, &path),
        Kind::ROLE | Kind::CLUSTER_ROLE => cluster::role(e, o),
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => cluster::role_binding(e, o),
        _ => {}
    }
}

/// The Status that carries `errors`; there must be at least one.
pub fn to_status(key: &ObjectKey, errors: &[FieldError], profile: Profile) -> Status {
    let info = key.kind.info();
    // Internally these two were of the old group still.
    let old = profile == Profile::Book && matches!(key.kind, Kind::INGRESS | Kind::NETWORK_POLICY);
    let group = if old { "extensions" } else { info.group };
    let kind = if group.is_empty() { info.kind.to_owned() } else { format!("{}.{group}", info.kind) };
    let mut texts: Vec<String> = Vec::new();
    for e in errors {
        // What is said already is not said again, but for the list of causes.
        let field = if e.field.is_empty() { "[]" } else { &e.field };
        let text = format!("{field}: {}", e.body(profile));
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let text = if let [only] = &texts[..] { only.clone() } else { format!("[{}]", texts.join(", ")) };
    let mut status = Status::about(key, Reason::Invalid, format!("{kind} \"{}\" is invalid: {text}", key.name));
    let cause = |e: &FieldError| (e.kind.cause().into(), e.body(profile).into(), e.field.clone());
    status.causes = errors.iter().map(cause).collect();
    status
}

/// [`create`], as the answer to a request.
pub fn check_create(object: &Object, profile: Profile) -> Result<(), Status> {
    let errors = create(object, profile);
    if errors.is_empty() { Ok(()) } else { Err(to_status(&object.key, &errors, profile)) }
}

/// [`update`], as the answer to a request.
pub fn check_update(object: &Object, old: &Object, profile: Profile) -> Result<(), Status> {
    let errors = update(object, old, profile);
    if errors.is_empty() { Ok(()) } else { Err(to_status(&object.key, &errors, profile)) }
}

#[cfg(test)]
mod tests;
