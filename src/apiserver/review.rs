//! Reviews: what the asker may do, and who it is. Computed, never stored.
//! Models pkg/registry/authorization and pkg/registry/authentication/selfsubjectreview.

use std::sync::Arc;

use super::{Call, auth, rbac};
use crate::api::{Kind, List, Object, Request, Response, Status, Value, Verb};
use crate::base::Str;

pub fn execute(call: &Call<'_, '_>) -> Result<Response, Status> {
    let request = call.request;
    let spec = request.body.as_ref().and_then(|b| b.get("spec")).cloned().unwrap_or_default();
    let user = auth::user_of(request, call.profile);
    let status = match request.subresource.as_str() {
        "selfsubjectaccessreviews" => {
            let a = asked(&spec);
            let kind = Kind::all().find(|k| k.plural() == a.resource && k.info().group == a.group);
            let like = Request::new(Verb::Get, kind.unwrap_or(Kind::CLUSTER_ROLE), a.namespace.clone(), a.name.clone());
            match auth::authorize(call.data(), &user, &a, &like, false) {
                Ok(()) => map! { "allowed" => true },
                Err(why) if why.is_empty() => map! { "allowed" => false },
                Err(why) => map! { "allowed" => false, "reason" => why },
            }
        }
        "selfsubjectrulesreviews" => {
            let (mut resource, mut other) = (List::new(), List::new());
            let mut errors: Vec<String> = Vec::new();
            rbac::each_rule(call.data(), &user, spec.str("namespace"), &mut |rule| {
                match rule {
                    // Two bindings of one role say the same.
                    Ok(rule) if other.iter().chain(&resource).any(|r| r == rule) => {}
                    Ok(rule) if rule.get("nonResourceURLs").is_some() => other.push(rule.clone()),
                    Ok(rule) => resource.push(rule.clone()),
                    Err(why) => errors.push(why),
                }
                true
            });
            map! { "incomplete" => !errors.is_empty(), "nonResourceRules" => other, "resourceRules" => resource }
        }
        _ => {
            let groups: Vec<Value> = user.groups.iter().map(Value::from).collect();
            let mut info = map! { "groups" => groups, "username" => &user.name };
            // Who came with a certificate is known by it.
            if request.impersonator.is_empty() && !user.name.starts_with("system:serviceaccount:") {
                let id = ecow::eco_format!("X509SHA256={}", crate::runtime::images::digest(&user.name));
                info.insert("extra", map! { "authentication.kubernetes.io/credential-id" => list![id] });
            }
            map! { "userInfo" => info }
        }
    };
    let mut object = Object::new(Kind::CLUSTER_ROLE, "", "");
    object.set(&["spec"], spec);
    object.set(&["status"], status);
    Ok(Response::Object(Arc::new(object)))
}

fn asked(spec: &Value) -> rbac::Attributes {
    let text = |v: &str| Str::from(v);
    if let Some(path) = spec.get("nonResourceAttributes") {
        return rbac::Attributes { verb: text(path.str("verb")), path: text(path.str("path")), ..Default::default() };
    }
    let none = Value::Null;
    let r = spec.get("resourceAttributes").unwrap_or(&none);
    let resource = match r.str("subresource") {
        "" => text(r.str("resource")),
        sub => ecow::eco_format!("{}/{sub}", r.str("resource")),
    };
    rbac::Attributes {
        verb: text(r.str("verb")),
        group: text(r.str("group")),
        resource,
        name: text(r.str("name")),
        namespace: text(r.str("namespace")),
        path: Str::new(),
    }
}
