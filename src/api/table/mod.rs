//! The columns and cells the API server prints of each kind: what `kubectl get` shows.
//! Not the layout: kubectl aligns, prefixes and filters.
//!
//! Models pkg/printers/internalversion/printers.go.

mod cluster;
mod pod;
mod server;
mod storage;
mod workload;

use super::selector::{LabelSelector, format_labels};
use super::{Kind, Object, Profile, Value};
use crate::base::{Str, Time};

pub use pod::reason as pod_reason;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// As the server names it; kubectl prints it in capitals.
    pub name: &'static str,
    /// Shown only with `-o wide`.
    pub wide: bool,
}

impl Column {
    pub fn title(&self) -> String {
        self.name.to_ascii_uppercase()
    }
}

/// The columns of `kind`, wide ones included and marked.
pub fn columns(kind: Kind, profile: Profile) -> Vec<Column> {
    let text = names(kind, profile);
    text.split('|').map(|c| Column { name: c.trim_start_matches('*'), wide: c.starts_with('*') }).collect()
}

/// Names separated by `|`, wide ones marked with `*`.
fn names(kind: Kind, profile: Profile) -> &'static str {
    let modern = profile == Profile::Modern;
    match kind {
        Kind::POD => "Name|Ready|Status|Restarts|Age|*IP|*Node|*Nominated Node|*Readiness Gates",
        Kind::NODE => {
            "Name|Status|Roles|Age|Version|*Internal-IP|*External-IP|*OS-Image|*Kernel-Version|*Container-Runtime"
        }
        Kind::NAMESPACE => "Name|Status|Age",
        Kind::EVENT => "Last Seen|Type|Reason|Object|*Subobject|*Source|Message|*First Seen|*Count|*Name",
        Kind::SERVICE => "Name|Type|Cluster-IP|External-IP|Port(s)|Age|*Selector",
        Kind::ENDPOINTS => "Name|Endpoints|Age",
        Kind::ENDPOINT_SLICE => "Name|AddressType|Ports|Endpoints|Age",
        Kind::CONFIG_MAP => "Name|Data|Age",
        Kind::SECRET => "Name|Type|Data|Age",
        Kind::SERVICE_ACCOUNT if modern => "Name|Age",
        Kind::SERVICE_ACCOUNT => "Name|Secrets|Age",
        Kind::PERSISTENT_VOLUME if modern => {
            "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|VolumeAttributesClass|Reason|Age|*VolumeMode"
        }
        Kind::PERSISTENT_VOLUME => {
            "Name|Capacity|Access Modes|Reclaim Policy|Status|Claim|StorageClass|Reason|Age|*VolumeMode"
        }
        Kind::PERSISTENT_VOLUME_CLAIM if modern => {
            "Name|Status|Volume|Capacity|Access Modes|StorageClass|VolumeAttributesClass|Age|*VolumeMode"
        }
        Kind::PERSISTENT_VOLUME_CLAIM => "Name|Status|Volume|Capacity|Access Modes|StorageClass|Age|*VolumeMode",
        Kind::REPLICATION_CONTROLLER | Kind::REPLICA_SET => {
            "Name|Desired|Current|Ready|Age|*Containers|*Images|*Selector"
        }
        Kind::RESOURCE_QUOTA if modern => "Name|Request|Limit|Age",
        Kind::RESOURCE_QUOTA => "Name|Age|Request|Limit",
        Kind::DEPLOYMENT => "Name|Ready|Up-to-date|Available|Age|*Containers|*Images|*Selector",
        Kind::DAEMON_SET => {
            "Name|Desired|Current|Ready|Up-to-date|Available|Node Selector|Age|*Containers|*Images|*Selector"
        }
        Kind::STATEFUL_SET => "Name|Ready|Age|*Containers|*Images",
        Kind::CONTROLLER_REVISION => "Name|Controller|Revision|Age",
        Kind::JOB if modern => "Name|Status|Completions|Duration|Age|*Containers|*Images|*Selector",
        Kind::JOB => "Name|Completions|Duration|Age|*Containers|*Images|*Selector",
        Kind::CRON_JOB if modern => {
            "Name|Schedule|Timezone|Suspend|Active|Last Schedule|Age|*Containers|*Images|*Selector"
        }
        Kind::CRON_JOB => "Name|Schedule|Suspend|Active|Last Schedule|Age|*Containers|*Images|*Selector",
        Kind::HORIZONTAL_POD_AUTOSCALER => "Name|Reference|Targets|MinPods|MaxPods|Replicas|Age",
        Kind::LEASE => "Name|Holder|Age",
        Kind::PRIORITY_CLASS if modern => "Name|Value|Global-Default|Age|PreemptionPolicy",
        Kind::PRIORITY_CLASS => "Name|Value|Global-Default|Age",
        Kind::STORAGE_CLASS => "Name|Provisioner|ReclaimPolicy|VolumeBindingMode|AllowVolumeExpansion|Age",
        Kind::INGRESS => "Name|Class|Hosts|Address|Ports|Age",
        Kind::NETWORK_POLICY => "Name|Pod-Selector|Age",
        Kind::POD_DISRUPTION_BUDGET => "Name|Min Available|Max Unavailable|Allowed Disruptions|Age",
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => "Name|Role|Age|*Users|*Groups|*ServiceAccounts",
        Kind::CERTIFICATE_SIGNING_REQUEST if modern => "Name|Age|SignerName|Requestor|RequestedDuration|Condition",
        Kind::CERTIFICATE_SIGNING_REQUEST => "Name|Age|SignerName|Requestor|Condition",
        Kind::FLOW_SCHEMA => "Name|PriorityLevel|MatchingPrecedence|DistinguisherMethod|Age|MissingPL",
        Kind::PRIORITY_LEVEL_CONFIGURATION if modern => {
            "Name|Type|NominalConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age"
        }
        Kind::PRIORITY_LEVEL_CONFIGURATION => "Name|Type|AssuredConcurrencyShares|Queues|HandSize|QueueLengthLimit|Age",
        Kind::API_SERVICE => "Name|Service|Available|Age",
        // Kinds without a printer of their own.
        _ => "Name|Created At",
    }
}

/// The cells of one object, in the order of [`columns`]; the wide ones only if `wide`.
pub fn row(o: &Object, now: Time, profile: Profile, wide: bool) -> Vec<Str> {
    let print = Print { now, profile, wide };
    let cells = cells(o, &print);
    if wide {
        return cells;
    }
    let text = names(o.kind(), profile);
    cells.into_iter().zip(text.split('|')).filter(|(_, c)| !c.starts_with('*')).map(|(cell, _)| cell).collect()
}

fn cells(o: &Object, p: &Print) -> Vec<Str> {
    match o.kind() {
        Kind::POD => pod::row(o, p),
        Kind::NODE => cluster::node(o, p),
        Kind::NAMESPACE => vec![o.name().clone(), o.str(&["status", "phase"]).into(), p.age(o)],
        Kind::EVENT => cluster::event(o, p),
        Kind::SERVICE => cluster::service(o, p),
        Kind::ENDPOINTS => cluster::endpoints(o, p),
        Kind::ENDPOINT_SLICE => cluster::endpoint_slice(o, p),
        Kind::CONFIG_MAP => vec![o.name().clone(), (entries(o, "data") + entries(o, "binaryData")).text(), p.age(o)],
        Kind::SECRET => vec![o.name().clone(), o.str(&["type"]).into(), entries(o, "data").text(), p.age(o)],
        Kind::SERVICE_ACCOUNT if p.modern() => vec![o.name().clone(), p.age(o)],
        Kind::SERVICE_ACCOUNT => vec![o.name().clone(), o.items(&["secrets"]).len().text(), p.age(o)],
        Kind::PERSISTENT_VOLUME => storage::volume(o, p),
        Kind::PERSISTENT_VOLUME_CLAIM => storage::claim(o, p),
        Kind::STORAGE_CLASS => storage::class(o, p),
        Kind::REPLICATION_CONTROLLER | Kind::REPLICA_SET => workload::replica_set(o, p),
        Kind::DEPLOYMENT => workload::deployment(o, p),
        Kind::DAEMON_SET => workload::daemon_set(o, p),
        Kind::STATEFUL_SET => workload::stateful_set(o, p),
        Kind::CONTROLLER_REVISION => workload::controller_revision(o, p),
        Kind::JOB => workload::job(o, p),
        Kind::CRON_JOB => workload::cron_job(o, p),
        Kind::HORIZONTAL_POD_AUTOSCALER => workload::horizontal_pod_autoscaler(o, p),
        Kind::POD_DISRUPTION_BUDGET => workload::pod_disruption_budget(o, p),
        Kind::RESOURCE_QUOTA => cluster::resource_quota(o, p),
        Kind::LEASE => vec![o.name().clone(), o.str(&["spec", "holderIdentity"]).into(), p.age(o)],
        Kind::PRIORITY_CLASS => cluster::priority_class(o, p),
        Kind::INGRESS => cluster::ingress(o, p),
        Kind::NETWORK_POLICY => {
            let selector = o.get(&["spec", "podSelector"]).map_or_else(|| "<none>".into(), selector_text);
            vec![o.name().clone(), selector, p.age(o)]
        }
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => cluster::role_binding(o, p),
        Kind::CERTIFICATE_SIGNING_REQUEST => cluster::certificate_signing_request(o, p),
        Kind::FLOW_SCHEMA => server::flow_schema(o, p),
        Kind::PRIORITY_LEVEL_CONFIGURATION => server::priority_level(o, p),
        Kind::API_SERVICE => server::api_service(o, p),
        _ => vec![o.name().clone(), o.str(&["metadata", "creationTimestamp"]).into()],
    }
}

/// What rows depend on beside the object.
struct Print {
    now: Time,
    profile: Profile,
    wide: bool,
}

impl Print {
    fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
    fn age(&self, o: &Object) -> Str {
        self.since(o.str(&["metadata", "creationTimestamp"]))
    }
    /// How long ago `timestamp` was.
    fn since(&self, timestamp: &str) -> Str {
        match Time::parse_rfc3339(timestamp) {
            Some(t) => self.now.since(t).human().into(),
            None => "<unknown>".into(),
        }
    }
}

/// How old the object is.
pub fn age(o: &Object, now: Time) -> String {
    Print { now, profile: Profile::Modern, wide: false }.age(o).to_string()
}

trait Text {
    fn text(&self) -> Str;
}
impl<T: std::fmt::Display> Text for T {
    fn text(&self) -> Str {
        ecow::eco_format!("{self}")
    }
}

fn entries(o: &Object, key: &str) -> usize {
    o.get(&[key]).and_then(Value::as_map).map_or(0, super::Map::len)
}

/// The integer at `path`, 0 where there is none.
fn int(o: &Object, path: &[&str]) -> i64 {
    o.int(path).unwrap_or(0)
}

fn or<'a>(text: &'a str, default: &'a str) -> Str {
    if text.is_empty() { default.into() } else { text.into() }
}

/// `<none>` for an empty selector.
fn selector_text(selector: &Value) -> Str {
    or(&LabelSelector::of_value(selector).to_string(), "<none>")
}

fn labels_text(labels: Option<&Value>) -> Str {
    format_labels(labels.and_then(Value::as_map)).into()
}

/// Names and images of a template's containers.
fn containers_text(containers: &[Value]) -> (Str, Str) {
    let join = |key: &str| containers.iter().map(|c| c.str(key)).collect::<Vec<_>>().join(",").into();
    (join("name"), join("image"))
}

/// An integer or a string as printed.
fn plain(v: &Value) -> Str {
    match v {
        Value::Str(s) => s.clone(),
        Value::Bool(b) => b.text(),
        Value::Int(n) => n.text(),
        _ => Str::new(),
    }
}

#[cfg(test)]
mod tests;
