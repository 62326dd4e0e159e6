//! Authentication and authorisation.
//! Models the users that kubeadm's certificates carry; RBAC rules are not evaluated yet: a known
//! user may do what its role needs, an unknown one nothing (docs/FIDELITY.md).

use crate::api::{Kind, ObjectKey, Reason, Request, Status, Verb};
use crate::base::Time;
use crate::controllers::bootstrap::{expiry, field};
use crate::etcd::EtcdData;
use crate::sim::trace::Stage;

/// The request of a client that shows a bootstrap token (`bearer:ID.SECRET` in place of a user), as
/// the user that the token stands for. `None`: it shows none.
/// Models plugin/pkg/auth/authenticator/token/bootstrap.
pub fn bearer(request: &Request, data: Option<&EtcdData>, now: Time) -> Option<Result<Request, Status>> {
    let token = request.user.strip_prefix("bearer:")?;
    let (id, secret) = token.split_once('.').unwrap_or((token, ""));
    let key = ObjectKey::new(Kind::SECRET, "kube-system", ecow::eco_format!("bootstrap-token-{id}"));
    let known = data.and_then(|d| d.get(&key)).is_some_and(|s| {
        field(s, "token-secret") == secret
            && field(s, "usage-bootstrap-authentication") == "true"
            && expiry(s).is_none_or(|at| at > now)
    });
    Some(if known {
        Ok(Request { user: ecow::eco_format!("system:bootstrap:{id}"), ..request.clone() })
    } else {
        Err(Status::new(Reason::Unauthorized, "Unauthorized"))
    })
}

/// What RBAC lets bootstrap tokens do, and everybody.
fn bootstrapping(request: &Request) -> bool {
    let read = request.verb == Verb::Get;
    match (request.kind, request.namespace.as_str()) {
        (Kind::CONFIG_MAP, "kube-public") => read && request.name == "cluster-info",
        _ if !request.user.starts_with("system:bootstrap:") => false,
        (Kind::CERTIFICATE_SIGNING_REQUEST, _) => {
            read || matches!(request.verb, Verb::Create | Verb::List | Verb::Watch)
        }
        (Kind::NODE, _) => read,
        (Kind::CONFIG_MAP, "kube-system") => {
            read && ["kubeadm-config", "kubelet-config", "kube-proxy"].iter().any(|n| request.name.starts_with(n))
        }
        _ => false,
    }
}

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
        || user.starts_with("system:serviceaccount:kube-system:")
        || bootstrapping(request);
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
