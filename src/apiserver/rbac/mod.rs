//! Role-based access control: which rules reach a user, and whether they let a request through.
//! Models plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation.

pub mod bootstrap;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::api::{Kind, Object, ObjectKey, Profile, Request, Value, Verb};
use crate::base::Str;
use crate::etcd::EtcdData;

/// Who asks.
#[derive(Clone, PartialEq, Debug)]
pub struct User {
    pub name: Str,
    pub groups: Vec<Str>,
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    pub verb: Str,
    pub group: Str,
    /// With its subresource: `pods/log`.
    pub resource: Str,
    pub name: Str,
    pub namespace: Str,
    /// Of a request for no resource: `/healthz`.
    pub path: Str,
}

impl User {
    /// The user that a client is known as, with the groups of its certificate or account.
    pub fn named(name: &str, profile: Profile) -> User {
        let mut groups: Vec<Str> = match name {
            "" | "system:anonymous" => {
                return User { name: "system:anonymous".into(), groups: vec!["system:unauthenticated".into()] };
            }
            // kubeadm's certificates: since 1.29 the administrator is one by a binding.
            "kubernetes-admin" if profile == Profile::Modern => {
                vec![CLUSTER_ADMINS.into()]
            }
            "kubernetes-admin" | "kubernetes-super-admin" | "system:apiserver" | "kube-apiserver-kubelet-client" => {
                vec!["system:masters".into()]
            }
            _ => Vec::new(),
        };
        if name.starts_with("system:node:") {
            groups.push("system:nodes".into());
        }
        if name.starts_with("system:bootstrap:") {
            groups.push("system:bootstrappers".into());
            groups.push("system:bootstrappers:kubeadm:default-node-token".into());
        }
        if let Some((namespace, _)) = name.strip_prefix("system:serviceaccount:").and_then(|n| n.split_once(':')) {
            groups.push("system:serviceaccounts".into());
            groups.push(ecow::eco_format!("system:serviceaccounts:{namespace}"));
        }
        groups.push("system:authenticated".into());
        User { name: name.into(), groups }
    }
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }
}

/// kubeadm's group and binding of administrators since 1.29.
const CLUSTER_ADMINS: &str = "kubeadm:cluster-admins";

/// The verb as rules name it.
pub fn verb_name(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::DeleteCollection => "deletecollection",
    }
}

impl Attributes {
    pub fn of(r: &Request) -> Attributes {
        if !r.url.is_empty() {
            let path = r.url.split('?').next().unwrap_or_default();
            return Attributes { verb: "get".into(), path: path.into(), ..Attributes::default() };
        }
        if r.subresource == "discovery" {
            return Attributes { verb: "get".into(), path: "/apis".into(), ..Attributes::default() };
        }
        let info = r.kind.info();
        let (group, resource) = match r.subresource.as_str() {
            "" => (info.group, info.plural.into()),
            review if review.starts_with("selfsubject") => ("authorization.k8s.io", review.into()),
            "metrics" => ("metrics.k8s.io", info.plural.into()),
            sub => (info.group, ecow::eco_format!("{}/{sub}", info.plural)),
        };
        Attributes {
            verb: verb_name(r.verb).into(),
            group: group.into(),
            resource,
            name: r.name.clone(),
            // A request for a namespace itself is within it.
            namespace: if r.kind == Kind::NAMESPACE { r.name.clone() } else { r.namespace.clone() },
            path: Str::new(),
        }
    }
}

/// Whether rules allow it; otherwise what went wrong while looking for them.
pub fn allowed(data: &EtcdData, user: &User, a: &Attributes) -> Result<(), Vec<String>> {
    if user.in_group("system:masters") {
        return Ok(());
    }
    // kubeadm init binds its administrators with the credentials of super-admin.conf, which are not
    // told apart here.
    let bound = || data.get(&ObjectKey::new(Kind::CLUSTER_ROLE_BINDING, "", CLUSTER_ADMINS)).is_some();
    if user.in_group(CLUSTER_ADMINS) && !bound() {
        return Ok(());
    }
    let mut errors = Vec::new();
    let mut found = false;
    each_rule(data, user, &a.namespace, &mut |rule| match rule {
        Ok(rule) => {
            found = permits(rule, a);
            !found
        }
        Err(why) => {
            errors.push(why);
            true
        }
    });
    if found { Ok(()) } else { Err(errors) }
}

/// Hands every rule that reaches the user to `visit`, until it returns false.
pub fn each_rule(data: &EtcdData, user: &User, namespace: &str, visit: &mut dyn FnMut(Result<&Value, String>) -> bool) {
    let through = |binding: &Arc<Object>, visit: &mut dyn FnMut(Result<&Value, String>) -> bool| {
        if !binding.items(&["subjects"]).iter().any(|s| is_subject(s, user, namespace)) {
            return true;
        }
        let (kind, name) = (binding.str(&["roleRef", "kind"]), binding.str(&["roleRef", "name"]));
        let key = match kind {
            "Role" => ObjectKey::new(Kind::ROLE, namespace, name),
            _ => ObjectKey::new(Kind::CLUSTER_ROLE, "", name),
        };
        match data.get(&key) {
            Some(role) => role.items(&["rules"]).iter().all(|rule| visit(Ok(rule))),
            None => visit(Err(format!("{} \"{name}\" not found", key.kind.singular_group()))),
        }
    };
    for binding in data.list(Kind::CLUSTER_ROLE_BINDING, "", None) {
        if !through(binding, visit) {
            return;
        }
    }
    if namespace.is_empty() {
        return;
    }
    for binding in data.list(Kind::ROLE_BINDING, namespace, None) {
        if !through(binding, visit) {
            return;
        }
    }
}

fn is_subject(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = subject.str("name");
    match subject.str("kind") {
        "User" => name == user.name,
        "Group" => user.in_group(name),
        "ServiceAccount" => {
            let of = match subject.str("namespace") {
                "" => namespace,
                given => given,
            };
            let account = user.name.strip_prefix("system:serviceaccount:").and_then(|n| n.split_once(':'));
            account == Some((of, name))
        }
        _ => false,
    }
}

/// Models pkg/apis/rbac/v1/evaluation_helpers.go.
pub fn permits(rule: &Value, a: &Attributes) -> bool {
    let items = |key: &str| rule.get(key).map_or(&[][..], Value::items);
    let has = |key: &str, what: &str| items(key).iter().any(|v| v.as_str() == "*" || v.as_str() == what);
    if !has("verbs", &a.verb) {
        return false;
    }
    if !a.path.is_empty() {
        return items("nonResourceURLs").iter().any(|u| {
            let u = u.as_str();
            u == "*" || u == a.path || u.strip_suffix('*').is_some_and(|prefix| a.path.starts_with(prefix))
        });
    }
    let subresource = a.resource.split_once('/').map(|(_, sub)| sub);
    let resource = has("resources", &a.resource)
        || subresource.is_some_and(|sub| items("resources").iter().any(|r| r.as_str().strip_prefix("*/") == Some(sub)));
    let names = items("resourceNames");
    has("apiGroups", &a.group) && resource && (names.is_empty() || names.iter().any(|n| n.as_str() == a.name))
}
