//! `kubectl create role|rolebinding|clusterrole|clusterrolebinding`.

use super::super::context::Cx;
use super::super::discovery;
use super::super::error::{Run, fail, fail_raw};
use super::{finish, object, one_name};
use crate::api::{Kind, List, Map, Value};
use crate::base::Str;
use std::collections::BTreeMap;

pub fn role(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let rules = rules(cx)?;
    let mut value = object(cx, Kind::ROLE, &name);
    value.make_map().insert("rules", rules);
    finish(cx, Kind::ROLE, value, "")
}

pub fn cluster_role(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let mut value = object(cx, Kind::CLUSTER_ROLE, &name);
    let aggregation = cx.flags.text("aggregation-rule").to_owned();
    if aggregation.is_empty() {
        let rules = rules(cx)?;
        value.make_map().insert("rules", rules);
    } else {
        let labels: Map =
            aggregation.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), Value::from(v))).collect();
        let rule = map! { "clusterRoleSelectors" => list![map! { "matchLabels" => labels }] };
        value.make_map().insert("aggregationRule", rule);
        value.make_map().insert("rules", Value::Null);
    }
    finish(cx, Kind::CLUSTER_ROLE, value, "")
}

fn commas(cx: &Cx<'_, '_>, flag: &str) -> Vec<Str> {
    cx.flags.all(flag).iter().flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).map(Str::from).collect()
}

/// One rule for each API group of the resources.
fn rules(cx: &mut Cx<'_, '_>) -> Run<List> {
    let verbs: List = commas(cx, "verb").into_iter().map(Value::from).collect();
    if verbs.is_empty() {
        return fail("at least one verb must be specified");
    }
    let urls: List = commas(cx, "non-resource-url").into_iter().map(Value::from).collect();
    let names: List = commas(cx, "resource-name").into_iter().map(Value::from).collect();
    let resources = commas(cx, "resource");
    check_verbs(cx, &verbs, !resources.is_empty(), &urls)?;
    let mut groups: BTreeMap<&'static str, List> = BTreeMap::new();
    for word in resources {
        let (resource, subresource) = word.split_once('/').map_or((word.as_str(), ""), |(r, s)| (r, s));
        if resource.is_empty() || resource.starts_with('.') {
            return fail("resource must be specified if apiGroup/subresource specified");
        }
        if resource == "*" {
            groups.entry("").or_default().push("*");
            continue;
        }
        let mut known = discovery::resolve(cx.profile, resource);
        if known.is_none() {
            known = discovery::customs_named(cx, resource)?.first().copied();
        }
        let Some(found) = known else {
            let (name, group) = resource.split_once('.').map_or((resource, ""), |(r, g)| (r, g));
            let place = if group.is_empty() { String::new() } else { format!(" in group \"{group}\"") };
            return fail_raw(format!("the server doesn't have a resource type \"{name}\"{place}"));
        };
        for verb in verbs.iter().map(Value::as_str) {
            let special: &[&str] = match verb {
                "use" => &["podsecuritypolicies"],
                "bind" | "escalate" => &["roles", "clusterroles"],
                "impersonate" => &["users", "serviceaccounts", "groups", "userextras"],
                _ => continue,
            };
            if !special.contains(&found.name) {
                let (name, group) = (found.name, found.group());
                return fail(format!("can not perform '{verb}' on '{name}' in group '{group}'"));
            }
        }
        let full = if subresource.is_empty() { found.name.to_owned() } else { format!("{}/{subresource}", found.name) };
        groups.entry(found.group()).or_default().push(full);
    }
    if groups.is_empty() && urls.is_empty() {
        return fail("at least one resource must be specified");
    }
    let mut out: List = groups
        .into_iter()
        .map(|(group, resources)| {
            let mut rule = map! { "apiGroups" => list![group], "resources" => resources, "verbs" => verbs.clone() };
            if !names.is_empty() {
                rule.insert("resourceNames", names.clone());
            }
            Value::Map(rule)
        })
        .collect();
    if !urls.is_empty() {
        out.push(map! { "nonResourceURLs" => urls, "verbs" => verbs });
    }
    Ok(out)
}

/// Verbs that no resource has are warned of; URLs have verbs of their own.
fn check_verbs(cx: &mut Cx<'_, '_>, verbs: &List, resources: bool, urls: &List) -> Run {
    const KNOWN: &str =
        "* get delete list create update patch watch proxy deletecollection use bind escalate impersonate";
    for verb in verbs.iter().map(Value::as_str) {
        if resources && !KNOWN.split(' ').any(|k| k == verb) {
            cx.io.errln(format!("Warning: '{verb}' is not a standard resource verb"));
        }
        if !urls.is_empty() && !matches!(verb, "*" | "get" | "post" | "put" | "delete" | "patch" | "head" | "options") {
            return fail(format!("invalid verb: '{verb}' for nonResourceURL"));
        }
    }
    for url in urls.iter().map(Value::as_str).filter(|u| *u != "*") {
        if !url.starts_with('/') {
            return fail("nonResourceURL should start with /");
        }
        if url[..url.len() - 1].contains('*') {
            return fail("nonResourceURL only supports wildcard matches when '*' is at the end");
        }
    }
    Ok(())
}

pub fn role_binding(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let (role, cluster_role) = (cx.flags.text("role").to_owned(), cx.flags.text("clusterrole").to_owned());
    if role.is_empty() == cluster_role.is_empty() {
        return fail("exactly one of clusterrole or role must be specified");
    }
    let (kind, target) = if role.is_empty() { ("ClusterRole", cluster_role) } else { ("Role", role) };
    binding(cx, Kind::ROLE_BINDING, &name, kind, &target, "rolebinding")
}

pub fn cluster_role_binding(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let target = cx.flags.text("clusterrole").to_owned();
    binding(cx, Kind::CLUSTER_ROLE_BINDING, &name, "ClusterRole", &target, "clusterrolebinding")
}

fn binding(cx: &mut Cx<'_, '_>, kind: Kind, name: &str, role_kind: &str, role: &str, failed: &str) -> Run {
    let mut subjects = List::new();
    for (flag, subject) in [("user", "User"), ("group", "Group")] {
        for who in commas(cx, flag) {
            subjects.push(map! { "apiGroup" => "rbac.authorization.k8s.io", "kind" => subject, "name" => who });
        }
    }
    for account in commas(cx, "serviceaccount") {
        let Some((namespace, account)) = account.split_once(':').filter(|(n, a)| !n.is_empty() && !a.is_empty()) else {
            return fail("serviceaccount must be <namespace>:<name>");
        };
        subjects.push(map! { "kind" => "ServiceAccount", "name" => account, "namespace" => namespace });
    }
    let mut value = object(cx, kind, name);
    let root = value.make_map();
    root.insert("roleRef", map! { "apiGroup" => "rbac.authorization.k8s.io", "kind" => role_kind, "name" => role });
    if !subjects.is_empty() {
        root.insert("subjects", subjects);
    }
    finish(cx, kind, value, failed)
}
