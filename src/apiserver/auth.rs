//! Authentication and authorisation: who asks, and whether the node authorizer or RBAC lets them.
//! Models the users that kubeadm's certificates carry.

use super::node;
use super::rbac::{self, Attributes, User, verb_name};
use crate::api::{Kind, ObjectKey, Profile, Reason, Request, Status};
use crate::base::persistent::OrdSet;
use crate::base::{Str, Time};
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

/// Decisions in favour of users, kept while the rules stay as they are: components ask the same
/// things all the time.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    rules: u64,
    allowed: OrdSet<(Str, &'static str, Kind, Str, Str)>,
}

/// Whether the request may go on; otherwise the stage that refused it and how.
pub fn check(
    request: &Request,
    data: Option<&EtcdData>,
    profile: Profile,
    decisions: &mut Decisions,
) -> Result<(), (Stage, Status)> {
    // The server itself asks past its own rules.
    if request.user == "system:apiserver" {
        return Ok(());
    }
    let empty = EtcdData::default();
    let data = data.unwrap_or(&empty);
    if decisions.rules != data.rules_revision() {
        *decisions = Decisions { rules: data.rules_revision(), ..Decisions::default() };
    }
    if !request.impersonator.is_empty() {
        impersonate(request, data, profile)?;
    }
    let user = user_of(request, profile);
    let plain = request.impersonator.is_empty() && !user.name.starts_with("system:node:");
    let place = if request.kind == Kind::NAMESPACE { &request.name } else { &request.namespace };
    let sub = if request.url.is_empty() { &request.subresource } else { &request.url };
    let key = (request.user.clone(), verb_name(request.verb), request.kind, sub.clone(), place.clone());
    if plain && decisions.allowed.contains(&key) {
        return Ok(());
    }
    let a = Attributes::of(request);
    match authorize(data, &user, &a, request) {
        Ok(()) => {
            // A rule for one name says nothing about others.
            let nameless = Attributes { name: Str::new(), ..a };
            if plain && rbac::allowed(data, &user, &nameless).is_ok() {
                decisions.allowed.insert(key);
            }
            Ok(())
        }
        Err(why) => Err((Stage::Authorization, forbidden(&user.name, request, &a, &why))),
    }
}

/// The user a request is made as.
pub fn user_of(request: &Request, profile: Profile) -> User {
    let mut user = User::named(&request.user, profile);
    if !request.groups.is_empty() {
        user.groups = request.groups.clone();
        user.groups.push("system:authenticated".into());
    } else if !request.impersonator.is_empty() {
        // Impersonating a name does not bring what a certificate would.
        user.groups.retain(|g| g.starts_with("system:serviceaccounts") || g == "system:authenticated");
    }
    user
}

/// Node, then RBAC: kubeadm's `--authorization-mode`. The reason is why not, if there is one to say.
pub fn authorize(data: &EtcdData, user: &User, a: &Attributes, request: &Request) -> Result<(), String> {
    let mut reason = String::new();
    if let Some(node) = user.name.strip_prefix("system:node:")
        && user.in_group("system:nodes")
    {
        match node::decide(data, node, a, request) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(why) => reason = why,
        }
    }
    rbac::allowed(data, user, a).map_err(|errors| match &errors[..] {
        [] => reason,
        [one] => format!("RBAC: {one}"),
        many => format!("RBAC: [{}]", many.join(", ")),
    })
}

/// Whether the asker may act as the user and in the groups it names.
/// Models apiserver/pkg/endpoints/filters/impersonation.go.
fn impersonate(request: &Request, data: &EtcdData, profile: Profile) -> Result<(), (Stage, Status)> {
    let asker = User::named(&request.impersonator, profile);
    let account = request.user.strip_prefix("system:serviceaccount:").and_then(|n| n.split_once(':'));
    let mut wanted = vec![match account {
        Some((namespace, name)) => ("serviceaccounts", name, namespace),
        None => ("users", request.user.as_str(), ""),
    }];
    wanted.extend(request.groups.iter().map(|g| ("groups", g.as_str(), "")));
    for (resource, name, namespace) in wanted {
        let a = Attributes {
            verb: "impersonate".into(),
            resource: resource.into(),
            name: name.into(),
            namespace: namespace.into(),
            ..Attributes::default()
        };
        if let Err(errors) = rbac::allowed(data, &asker, &a) {
            let why = if errors.is_empty() { String::new() } else { format!(": RBAC: {}", errors.join(", ")) };
            let scope = scope(namespace);
            let text = format!(
                "{resource} \"{name}\" is forbidden: User \"{}\" cannot impersonate resource \"{resource}\" in API group \"\" {scope}{why}",
                asker.name
            );
            return Err((Stage::Authorization, Status::new(Reason::Forbidden, text)));
        }
    }
    Ok(())
}

fn scope(namespace: &str) -> String {
    match namespace {
        "" => "at the cluster scope".to_owned(),
        ns => format!("in the namespace \"{ns}\""),
    }
}

/// Models apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
fn forbidden(user: &str, r: &Request, a: &Attributes, why: &str) -> Status {
    if !a.path.is_empty() {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        let text = format!("forbidden: User \"{user}\" cannot get path \"{}\"{why}", a.path);
        return Status::new(Reason::Forbidden, text);
    }
    let about = if r.is_review() { format!("{}.{}", a.resource, a.group) } else { r.kind.group_resource() };
    let target = if r.name.is_empty() { String::new() } else { format!(" \"{}\"", r.name) };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    let message = format!(
        "{about}{target} is forbidden: User \"{user}\" cannot {} resource \"{}\" in API group \"{}\" {}{why}",
        a.verb,
        a.resource,
        a.group,
        scope(&a.namespace)
    );
    let mut status = Status::new(Reason::Forbidden, message);
    status.details = Some((r.kind.plural().into(), r.name.clone()));
    status
}
