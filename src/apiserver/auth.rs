//! Authentication and authorisation: who asks, and whether the node authorizer or RBAC lets them.
//! Models the users that kubeadm's certificates carry.

use super::node;
use super::rbac::{self, Attributes, User, verb_name};
use crate::addons::pki::Cert;
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

/// The request of a client that shows a certificate (`x509:PEM` in place of a user), as its subject in
/// the groups of its organization. `ca`: the server's authority. `None`: it shows none.
/// Models apiserver/pkg/authentication/request/x509.
pub fn certificate(request: &Request, ca: Option<&Cert>, now: Time) -> Option<Result<Request, Status>> {
    let read = |user: &str| Some(Cert::parse(user.strip_prefix("x509:")?));
    let good = |c: &Cert| ca.is_none_or(|ca| c.is_of(ca)) && c.from <= now && now < c.to;
    let refused = || Some(Err(Status::new(Reason::Unauthorized, "Unauthorized")));
    let mut known = request.clone();
    // Who acts as another shows its own certificate.
    if let Some(cert) = read(&request.impersonator) {
        let Some(cert) = cert.filter(good) else { return refused() };
        known.impersonator = cert.name;
    } else {
        let Some(cert) = read(&request.user)?.filter(good) else { return refused() };
        known.groups =
            if cert.organization.is_empty() { vec!["system:authenticated".into()] } else { vec![cert.organization] };
        known.user = cert.name;
    }
    Some(Ok(known))
}

/// Decisions in favour of users, kept while the rules stay as they are: components ask the same
/// things all the time.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    rules: u64,
    /// User, verb, kind, subresource or path, namespace; the name where only a rule for it allows it.
    allowed: OrdSet<(Str, &'static str, Kind, Str, Str, Str)>,
}

/// Stands for all nodes among the users: what their role says is the same for each.
const NODES: &str = "system:node:";

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
    let node = request.groups.is_empty() && request.user.starts_with(NODES);
    let plain = request.impersonator.is_empty() && request.groups.is_empty() && !node;
    let place = if request.kind == Kind::NAMESPACE { &request.name } else { &request.namespace };
    let sub = if request.url.is_empty() { &request.subresource } else { &request.url };
    let key = |user: Str, place: &Str, name: &Str| {
        (user, verb_name(request.verb), request.kind, sub.clone(), place.clone(), name.clone())
    };
    let any = Str::new();
    let general = if node { key(NODES.into(), &any, &any) } else { key(request.user.clone(), place, &any) };
    let known = (plain || node) && decisions.allowed.contains(&general);
    let named = || key(request.user.clone(), place, &request.name);
    if plain && (known || !request.name.is_empty() && decisions.allowed.contains(&named())) {
        return Ok(());
    }
    let user = user_of(request, profile);
    let a = Attributes::of(request);
    match authorize(data, &user, &a, request, known) {
        Ok(()) => {
            // A rule for one name says nothing about others.
            let nameless = Attributes { name: Str::new(), ..a };
            if node {
                if !known && node::ruled(data, &nameless) {
                    decisions.allowed.insert(general);
                }
            } else if plain {
                let all = rbac::allowed(data, &user, &nameless).is_ok();
                decisions.allowed.insert(if all { general } else { named() });
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
/// `ruled`: the nodes' role is known to permit it.
pub fn authorize(data: &EtcdData, user: &User, a: &Attributes, request: &Request, ruled: bool) -> Result<(), String> {
    let mut reason = String::new();
    if let Some(node) = user.name.strip_prefix(NODES)
        && user.in_group("system:nodes")
        && (ruled || node::ruled(data, a))
    {
        match node::decide(data, node, a, request) {
            Ok(()) => return Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Object;

    /// What a rule allows for one name is remembered, and says nothing about other names.
    #[test]
    fn decisions_for_one_name_stay_with_it() {
        let object = |kind: Kind, text: &str| {
            let value = serde_yaml::from_str(text).unwrap();
            Object::from_value(kind, &value)
        };
        let mut data = EtcdData::default();
        data.put(object(
            Kind::CLUSTER_ROLE,
            "{metadata: {name: locks}, rules: [{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [update], \
             resourceNames: [mine]}]}",
        ));
        data.put(object(
            Kind::CLUSTER_ROLE_BINDING,
            "{metadata: {name: locks}, roleRef: {kind: ClusterRole, name: locks}, subjects: [{kind: User, name: jane}]}",
        ));
        let mut decisions = Decisions::default();
        let mut allowed = |name: &str, data: &EtcdData| {
            let lease = Object::new(Kind::LEASE, "kube-system", name);
            let request = Request { user: "jane".into(), ..Request::update(lease) };
            check(&request, Some(data), Profile::Book, &mut decisions).is_ok()
        };
        for _ in 0..2 {
            assert!(allowed("mine", &data));
            assert!(!allowed("yours", &data));
        }
        data.delete(&ObjectKey::new(Kind::CLUSTER_ROLE_BINDING, "", "locks"));
        assert!(!allowed("mine", &data));
    }
}
