//! The admission plugins that kubeadm leaves on.
//! Models plugin/pkg/admission: NamespaceLifecycle, ServiceAccount, Priority, LimitRanger,
//! DefaultTolerationSeconds, DefaultStorageClass, StorageObjectInUseProtection, ResourceQuota,
//! NodeRestriction, TaintNodesByCondition, PodSecurity. Webhooks and admission policies are absent.

use super::{Call, limits, pod_security};
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Status, Value, meta, pod};
use crate::base::Str;
use crate::sim::Profile;

pub fn create(call: &mut Call<'_, '_>, object: &mut Object) -> Result<(), Status> {
    super::node::restrict(call, None, Some(object))?;
    namespace_lifecycle(call, object)?;
    if object.kind() == Kind::POD && !pod::is_mirror(object) {
        service_account(call, object)?;
        default_tolerations(object);
    }
    if object.kind() == Kind::POD {
        priority(call, object)?;
        if !pod::is_mirror(object) {
            limits::defaults(call, object);
        }
    }
    if object.kind() == Kind::NODE {
        not_ready(object);
    }
    storage(call, object);
    Ok(())
}

/// A new node takes no pods before it has said that it is ready. Models nodetaint (TaintNodesByCondition).
fn not_ready(node: &mut Object) {
    const KEY: &str = "node.kubernetes.io/not-ready";
    let taints = node.entry(&["spec", "taints"]).make_list().make_mut();
    if !taints.iter().any(|t| t.str("key") == KEY && t.str("effect") == "NoSchedule") {
        taints.push(Value::Map(map! { "effect" => "NoSchedule", "key" => KEY }));
    }
}

pub fn update(call: &mut Call<'_, '_>, old: &Object, object: &mut Object) -> Result<(), Status> {
    super::node::restrict(call, Some(old), Some(object))
}

pub fn validate_create(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    if pod::is_mirror(object) {
        return Ok(());
    }
    limits::check(call, object)?;
    pod_security::check(call, object)
}

/// Claims get the default class and, like volumes, the finalizer that protects them while in use.
/// Models storageclass/setdefault and storage/storageobjectinuseprotection.
fn storage(call: &Call<'_, '_>, object: &mut Object) {
    let finalizer = match object.kind() {
        Kind::PERSISTENT_VOLUME_CLAIM => "kubernetes.io/pvc-protection",
        Kind::PERSISTENT_VOLUME => "kubernetes.io/pv-protection",
        _ => return,
    };
    if !meta::finalizers(object).iter().any(|f| f.as_str() == finalizer) {
        object.entry(&["metadata", "finalizers"]).make_list().push(finalizer);
    }
    let chosen = object.get(&["spec", "storageClassName"]).is_some()
        || meta::annotation(object, "volume.beta.kubernetes.io/storage-class").is_some();
    if object.kind() == Kind::PERSISTENT_VOLUME_CLAIM && !chosen {
        let default = |c: &&std::sync::Arc<Object>| {
            meta::annotation(c, "storageclass.kubernetes.io/is-default-class") == Some("true")
        };
        // Of several the newest counts, then the first by name.
        let classes = call.data().list(Kind::STORAGE_CLASS, "", None).filter(default);
        let newest = classes.max_by(|a, b| meta::created(a).cmp(&meta::created(b)).then(b.name().cmp(a.name())));
        if let Some(name) = newest.map(|c| c.name().clone()) {
            object.set(&["spec", "storageClassName"], name);
        }
    }
}

/// NamespaceLifecycle protects the three namespaces that a cluster cannot be without.
pub fn validate_delete(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    super::node::restrict(call, Some(object), None)?;
    let name = object.key.name.as_str();
    if object.kind() == Kind::NAMESPACE && matches!(name, "default" | "kube-system" | "kube-public") {
        let message = ecow::eco_format!("namespaces \"{name}\" is forbidden: this namespace may not be deleted");
        return Err(Status::about(&object.key, Reason::Forbidden, message));
    }
    Ok(())
}

fn namespace_lifecycle(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    if !object.kind().namespaced() {
        return Ok(());
    }
    let key = ObjectKey::new(Kind::NAMESPACE, "", object.key.namespace.clone());
    let Some(namespace) = call.data().get(&key) else { return Err(Status::not_found(&key)) };
    if meta::deleting(namespace) && object.kind() != Kind::EVENT {
        let message = ecow::eco_format!(
            "{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
            object.kind().group_resource(),
            object.key.name,
            key.name
        );
        return Err(Status::about(&object.key, Reason::Forbidden, message));
    }
    Ok(())
}

/// Names the service account and mounts its token.
fn service_account(call: &mut Call<'_, '_>, object: &mut Object) -> Result<(), Status> {
    if object.str(&["spec", "serviceAccountName"]).is_empty() {
        object.set(&["spec", "serviceAccountName"], "default");
        object.set(&["spec", "serviceAccount"], "default");
    }
    let name = Str::from(object.str(&["spec", "serviceAccountName"]));
    let key = ObjectKey::new(Kind::SERVICE_ACCOUNT, object.key.namespace.clone(), name.clone());
    let Some(account) = call.data().get(&key).cloned() else {
        let message = ecow::eco_format!(
            "pods \"{}\" is forbidden: error looking up service account {}/{name}: serviceaccount \"{name}\" not found",
            object.key.name,
            key.namespace
        );
        return Err(Status::about(&object.key, Reason::Forbidden, message));
    };
    let automount = |o: &Object, path: &[&str]| o.get(path).and_then(Value::as_bool);
    let wanted = automount(object, &["spec", "automountServiceAccountToken"])
        .or_else(|| automount(&account, &["automountServiceAccountToken"]))
        .unwrap_or(true);
    if wanted {
        mount_token(call, &account, object);
    }
    Ok(())
}

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn mount_token(call: &mut Call<'_, '_>, account: &Object, object: &mut Object) {
    let (volume_name, volume) = match call.profile {
        Profile::Book => {
            // The token controller makes the secret and names it in the account. A pod that comes
            // before it goes without a token.
            let Some(secret) = account.items(&["secrets"]).first().map(|s| Str::from(s.str("name"))) else { return };
            let source = map! { "defaultMode" => 420, "secretName" => &secret };
            (secret.clone(), map! { "name" => secret, "secret" => source })
        }
        Profile::Modern => {
            let name = ecow::eco_format!("kube-api-access-{}", call.ctx.rng.name_suffix(5));
            (name.clone(), map! { "name" => name, "projected" => projected_token() })
        }
    };
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        if object.items(&["spec", list]).is_empty() {
            continue;
        }
        for container in object.entry(&["spec", list]).make_list().items_mut() {
            let mounts = container.get("volumeMounts").map_or(&[][..], Value::items);
            if mounts.iter().any(|m| m.str("mountPath") == TOKEN_PATH) {
                continue;
            }
            let mount = map! { "mountPath" => TOKEN_PATH, "name" => &volume_name, "readOnly" => true };
            container.make_map().entry("volumeMounts").make_list().push(mount);
            mounted = true;
        }
    }
    if mounted {
        object.entry(&["spec", "volumes"]).make_list().push(volume);
    }
}

/// Models serviceaccount.TokenVolumeSource.
fn projected_token() -> Map {
    map! {
        "defaultMode" => 420,
        "sources" => list![
            map! { "serviceAccountToken" => map! { "expirationSeconds" => 3607, "path" => "token" } },
            map! { "configMap" => map! {
                "items" => list![map! { "key" => "ca.crt", "path" => "ca.crt" }],
                "name" => "kube-root-ca.crt",
            } },
            map! { "downwardAPI" => map! { "items" => list![map! {
                "fieldRef" => map! { "apiVersion" => "v1", "fieldPath" => "metadata.namespace" },
                "path" => "namespace",
            }] } },
        ],
    }
}

/// Five minutes' patience with a node that is not ready or not reachable.
/// Models plugin/pkg/admission/defaulttolerationseconds.
fn default_tolerations(object: &mut Object) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = object.items(&["spec", "tolerations"]).iter().any(|t| {
            let effect = t.str("effect");
            (t.str("key") == key || t.str("key").is_empty() && t.str("operator") == "Exists")
                && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            let toleration =
                map! { "effect" => "NoExecute", "key" => key, "operator" => "Exists", "tolerationSeconds" => 300 };
            object.entry(&["spec", "tolerations"]).make_list().push(toleration);
        }
    }
}

/// Resolves the priority class into a number.
/// Models plugin/pkg/admission/priority.
fn priority(call: &Call<'_, '_>, object: &mut Object) -> Result<(), Status> {
    let class = Str::from(object.str(&["spec", "priorityClassName"]));
    let (value, policy) = if class.is_empty() {
        let default = call
            .data()
            .list(Kind::PRIORITY_CLASS, "", None)
            .find(|c| c.get(&["globalDefault"]) == Some(&Value::Bool(true)));
        default.map_or((0, Str::new()), |c| (c.int(&["value"]).unwrap_or(0), Str::from(c.str(&["preemptionPolicy"]))))
    } else {
        let key = ObjectKey::new(Kind::PRIORITY_CLASS, "", class.clone());
        match call.data().get(&key) {
            Some(c) => (c.int(&["value"]).unwrap_or(0), Str::from(c.str(&["preemptionPolicy"]))),
            None => {
                let message = ecow::eco_format!(
                    "pods \"{}\" is forbidden: no PriorityClass with name {class} was found",
                    object.key.name
                );
                return Err(Status::about(&object.key, Reason::Forbidden, message));
            }
        }
    };
    let policy = if policy.is_empty() { "PreemptLowerPriority".into() } else { policy };
    object.set(&["spec", "priority"], value);
    object.set(&["spec", "preemptionPolicy"], policy);
    Ok(())
}
