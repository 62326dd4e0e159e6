//! Authentication and authorisation.
//! Models the users that kubeadm's certificates carry; RBAC rules are not evaluated yet: a known
//! user may do what its role needs, an unknown one nothing (docs/FIDELITY.md).

use crate::api::{Reason, Request, Status, Verb};
use crate::sim::trace::Stage;

/// Whether the request may go on; otherwise the stage that refused it and how.
pub fn check(request: &Request) -> Result<(), (Stage, Status)> {
    let user = request.user.as_str();
    let known = matches!(
        user,
        "kubernetes-admin"
            | "kubernetes-super-admin"
            | "system:apiserver"
            | "system:kube-scheduler"
            | "system:kube-controller-manager"
            | "system:kube-proxy"
    ) || user.starts_with("system:node:")
        || user.starts_with("system:serviceaccount:kube-system:");
    if known {
        return Ok(());
    }
    let user = if user.is_empty() { "system:anonymous" } else { user };
    Err((Stage::Authorization, forbidden(user, request)))
}

fn forbidden(user: &str, r: &Request) -> Status {
    let verb = match r.verb {
        Verb::Get => "get",
        Verb::List => "list",
        Verb::Watch => "watch",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
        Verb::DeleteCollection => "deletecollection",
    };
    let info = r.kind.info();
    let sub = if r.subresource.is_empty() { String::new() } else { format!("/{}", r.subresource) };
    let target = if r.name.is_empty() { String::new() } else { format!(" \"{}\"", r.name) };
    let scope = match r.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        ns => format!("in the namespace \"{ns}\""),
    };
    let message = format!(
        "{}{target} is forbidden: User \"{user}\" cannot {verb} resource \"{}{sub}\" in API group \"{}\" {scope}",
        r.kind.group_resource(),
        info.plural,
        info.group
    );
    Status::new(Reason::Forbidden, message)
}
