//! What a kubelet may do: its own node, its own pods, and what those refer to.
//! Models plugin/pkg/auth/authorizer/node and plugin/pkg/admission/noderestriction.

use super::Call;
use super::rbac::{Attributes, permits};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Status, Value, meta, pod};
use crate::base::arrange::Arrange;
use crate::etcd::EtcdData;

/// Whether the nodes' role permits it at all.
pub fn ruled(data: &EtcdData, a: &Attributes) -> bool {
    let key = ObjectKey::new(Kind::CLUSTER_ROLE, "", "system:node");
    data.get(&key).is_some_and(|r| r.items(&["rules"]).iter().any(|rule| permits(rule, a)))
}

/// Whether the node may do what its role permits; an error: not to this object.
pub fn decide(data: &EtcdData, node: &str, a: &Attributes, request: &Request) -> Result<(), String> {
    match request.kind {
        Kind::SECRET | Kind::CONFIG_MAP | Kind::PERSISTENT_VOLUME_CLAIM => related(data, node, a, request),
        Kind::LEASE => {
            if a.namespace != "kube-node-lease" {
                return Err("can only access leases in the \"kube-node-lease\" system namespace".to_owned());
            }
            let named = if a.verb == "create" { true } else { a.name == node };
            if named {
                Ok(())
            } else {
                Err("can only access node lease with the same name as the requesting node".to_owned())
            }
        }
        _ => Ok(()),
    }
}

fn related(data: &EtcdData, node: &str, a: &Attributes, request: &Request) -> Result<(), String> {
    if !matches!(a.verb.as_str(), "get" | "list" | "watch") {
        return if request.kind == Kind::PERSISTENT_VOLUME_CLAIM {
            Ok(())
        } else {
            Err("can only read resources of this type".to_owned())
        };
    }
    // A list of one name is as good as a GET.
    let field = request.fields.0.iter().find(|(path, _, equal)| path == "metadata.name" && *equal);
    let name = if a.name.is_empty() { field.map(|(_, v, _)| v.as_str()).unwrap_or_default() } else { &a.name };
    if a.namespace.is_empty() {
        return Err("can only read namespaced object of this type".to_owned());
    }
    if name.is_empty() {
        return Err("No Object name found".to_owned());
    }
    let mine = data.list(Kind::POD, &a.namespace, None).filter(|p| pod::node_name(p) == node);
    let uses = |p: &Object| p.get(&["spec"]).is_some_and(|spec| mentions(spec, request.kind, name));
    if mine.into_iter().any(|p| uses(p)) {
        return Ok(());
    }
    Err(format!("no relationship found between node '{node}' and this object"))
}

/// Whether the pod's spec refers to the object.
fn mentions(value: &Value, kind: Kind, name: &str) -> bool {
    let keys: &[(&str, &str)] = match kind {
        Kind::SECRET => &[("secretName", ""), ("secretRef", "name"), ("secretKeyRef", "name"), ("secret", "name")],
        Kind::CONFIG_MAP => &[("configMap", "name"), ("configMapRef", "name"), ("configMapKeyRef", "name")],
        _ => &[("claimName", "")],
    };
    match value {
        Value::Map(m) => m.iter().any(|(k, v)| {
            keys.iter().any(|(key, inner)| {
                k == key && if inner.is_empty() { v.as_str() == name } else { v.str(inner) == name }
            }) || kind == Kind::SECRET && k == "imagePullSecrets" && v.items().iter().any(|s| s.str("name") == name)
                || mentions(v, kind, name)
        }),
        Value::List(l) => l.iter().any(|v| mentions(v, kind, name)),
        _ => false,
    }
}

/// The admission plugin: a node writes only its own.
pub fn restrict(call: &Call<'_, '_>, old: Option<&Object>, new: Option<&Object>) -> Result<(), Status> {
    let Some(node) = call.request.user.strip_prefix("system:node:") else { return Ok(()) };
    let Some(object) = new.or(old) else { return Ok(()) };
    let refuse = |why: String| {
        let text = format!("{} \"{}\" is forbidden: {why}", object.kind().group_resource(), object.name());
        Err(Status::about(&object.key, Reason::Forbidden, text))
    };
    match object.kind() {
        Kind::NODE if *object.name() != node => {
            refuse(format!("node \"{node}\" is not allowed to modify node \"{}\"", object.name()))
        }
        Kind::NODE => {
            let none = crate::api::Map::new();
            let before = old.and_then(|o| meta::labels(o)).unwrap_or(&none);
            let after = new.and_then(|o| meta::labels(o)).unwrap_or(&none);
            if new.is_none() {
                return Ok(());
            }
            let changed = before.keys().chain(after.keys()).filter(|k| before.get(k) != after.get(k));
            let mut bad: Vec<&str> = changed.map(|k| k.as_str()).filter(|k| kept_from_nodes(k)).collect();
            bad.arrange();
            bad.dedup();
            if bad.is_empty() {
                return Ok(());
            }
            refuse(format!("is not allowed to modify labels: {}", bad.join(", ")))
        }
        Kind::POD => {
            let own = pod::node_name(old.unwrap_or(object)) == node;
            match (old, new, call.request.subresource.as_str()) {
                _ if own && (old.is_some() || pod::is_mirror(object)) => Ok(()),
                (None, Some(p), _) if !pod::is_mirror(p) => refuse(format!(
                    "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"{node}\" can only create mirror pods"
                )),
                (None, ..) => refuse(format!("node \"{node}\" can only create pods with spec.nodeName set to itself")),
                (Some(_), None, _) => {
                    refuse(format!("node \"{node}\" can only delete pods with spec.nodeName set to itself"))
                }
                _ => refuse(format!(
                    "node \"{node}\" can only update pod status for pods with spec.nodeName set to itself"
                )),
            }
        }
        _ => Ok(()),
    }
}

/// Labels below kubernetes.io that are not the kubelet's own.
/// Models plugin/pkg/admission/noderestriction and pkg/apis/node labels.
fn kept_from_nodes(label: &str) -> bool {
    let Some((domain, name)) = label.split_once('/') else { return false };
    let ours = |d: &str| domain == d || domain.ends_with(&format!(".{d}"));
    if !ours("kubernetes.io") && !ours("k8s.io") {
        return false;
    }
    let prefix = |d: &str| domain == d || domain.ends_with(&format!(".{d}"));
    let own = prefix("kubelet.kubernetes.io")
        || prefix("node.kubernetes.io")
        || matches!(
            (domain, name),
            ("kubernetes.io", "hostname" | "arch" | "os")
                | ("beta.kubernetes.io", "instance-type" | "arch" | "os")
                | ("topology.kubernetes.io", "zone" | "region")
                | ("failure-domain.beta.kubernetes.io" | "failure-domain.kubernetes.io", "zone" | "region")
        );
    !own
}
