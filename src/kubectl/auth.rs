//! `kubectl auth`.
//! Models kubectl/pkg/cmd/auth.

use super::commands::{Verb, sub};
use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use super::flags::{text, yes};
use super::print::tabwriter::columns;
use super::{discovery, exit};
use crate::api::{Kind, Value};

pub static SUB: &[Verb] = &[
    sub(
        "can-i",
        &[&[
            yes("all-namespaces", "A"),
            yes("quiet", "q"),
            yes("list", ""),
            yes("no-headers", ""),
            text("subresource", "", ""),
        ]],
        can_i,
        "VERB [TYPE | TYPE/NAME | NONRESOURCEURL]",
        "Check whether an action is allowed",
    ),
    sub("whoami", &[&[text("output", "o", "")]], whoami, "", "Experimental: Check self subject attributes"),
    sub(
        "reconcile",
        &[],
        reconcile,
        "-f FILENAME",
        "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    ),
];

fn reconcile(_: &mut Cx<'_, '_>) -> Run {
    fail("must specify one of -f and -k")
}

fn whoami(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.modern() {
        return cx.usage("unknown command \"whoami\"");
    }
    let user = cx.target()?.user;
    let groups = groups(&user);
    let rows = [
        vec!["ATTRIBUTE".to_owned(), "VALUE".to_owned()],
        vec!["Username".to_owned(), user.to_string()],
        vec!["Groups".to_owned(), format!("[{}]", groups.join(" "))],
    ];
    cx.io.out(columns(&rows));
    Ok(())
}

/// The groups kubeadm's certificates put a user in.
fn groups(user: &str) -> Vec<&'static str> {
    match user {
        "kubernetes-admin" => vec!["system:masters", "system:authenticated"],
        "" => vec!["system:unauthenticated"],
        u if u.starts_with("system:node:") => vec!["system:nodes", "system:authenticated"],
        _ => vec!["system:authenticated"],
    }
}

fn can_i(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.yes("list") {
        return list(cx);
    }
    if !(2..=3).contains(&cx.args.len()) {
        return if cx.modern() {
            fail_raw(
                "error: you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
            )
        } else {
            fail("you must specify two or three arguments: verb, resource, and optional resourceName")
        };
    }
    let (verb, word) = (cx.args[0].clone(), cx.args[1].clone());
    let (word, name) = match word.split_once('/') {
        Some((word, name)) if !word.is_empty() => (word.to_owned(), name.to_owned()),
        _ => (word.to_string(), cx.arg(2).to_owned()),
    };
    let known = discovery::resolve(cx.profile, &word);
    if known.is_none() && word != "*" && !word.starts_with('/') {
        let line = format!("Warning: the server doesn't have a resource type '{word}'{}", cx.by("", "\n"));
        cx.io.errln(line);
    }
    if known.is_some_and(|r| !r.namespaced) && !cx.flags.yes("all-namespaces") {
        let r = known.map_or("", |r| r.name);
        let group = known.map_or("", |r| r.group());
        let in_group = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
        let line = format!("Warning: resource '{r}' is not namespace scoped{in_group}{}", cx.by("", "\n"));
        cx.io.errln(line);
    }
    let resource = known.map_or(word.as_str(), |r| r.name).to_owned();
    let group = known.map_or("", |r| r.group()).to_owned();
    let allowed = allowed(cx, &verb, &group, &resource, &name)?;
    if !cx.flags.yes("quiet") {
        cx.io.outln(if allowed { "yes" } else { "no" });
    }
    if allowed { Ok(()) } else { exit(1) }
}

/// Whether RBAC lets the user do it: roles are read from the API.
fn allowed(cx: &mut Cx<'_, '_>, verb: &str, group: &str, resource: &str, name: &str) -> Run<bool> {
    let user = cx.target()?.user;
    let groups = groups(&user);
    if groups.contains(&"system:masters") {
        return Ok(true);
    }
    let namespace = cx.namespace()?;
    let subject = |b: &crate::api::Object| {
        b.items(&["subjects"]).iter().any(|s| match s.str("kind") {
            "User" => s.str("name") == user,
            "Group" => groups.contains(&s.str("name")),
            _ => format!("system:serviceaccount:{}:{}", s.str("namespace"), s.str("name")) == user.as_str(),
        })
    };
    let mut roles = Vec::new();
    for b in cx.as_admin(|cx| cx.list_all(Kind::CLUSTER_ROLE_BINDING, ""))? {
        if subject(&b) {
            roles.push((Kind::CLUSTER_ROLE, b.str(&["roleRef", "name"]).to_owned()));
        }
    }
    for b in cx.as_admin(|cx| cx.list_all(Kind::ROLE_BINDING, &namespace))? {
        if subject(&b) {
            let kind = if b.str(&["roleRef", "kind"]) == "Role" { Kind::ROLE } else { Kind::CLUSTER_ROLE };
            roles.push((kind, b.str(&["roleRef", "name"]).to_owned()));
        }
    }
    for (kind, role) in roles {
        let ns = if kind == Kind::ROLE { namespace.clone() } else { Default::default() };
        let key = crate::api::ObjectKey::new(kind, ns, role);
        let Some(o) = cx.as_admin(|cx| cx.find(&key))? else { continue };
        if o.items(&["rules"]).iter().any(|r| permits(r, verb, group, resource, name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn permits(rule: &Value, verb: &str, group: &str, resource: &str, name: &str) -> bool {
    let has = |key: &str, what: &str| {
        let all = rule.get(key).map_or(&[][..], Value::items);
        all.iter().any(|v| v.as_str() == what || v.as_str() == "*")
    };
    let names = rule.get("resourceNames").map_or(&[][..], Value::items);
    has("verbs", verb)
        && has("apiGroups", group)
        && has("resources", resource)
        && (names.is_empty() || names.iter().any(|n| n.as_str() == name))
}

/// What an administrator may do, and what everyone may.
fn list(cx: &mut Cx<'_, '_>) -> Run {
    let user = cx.target()?.user;
    let mut rows: Vec<[&str; 4]> = Vec::new();
    if groups(&user).contains(&"system:masters") {
        rows.push(["*.*", "[]", "[]", "[*]"]);
        rows.push(["", "[*]", "[]", "[*]"]);
    }
    if cx.modern() {
        rows.push(["selfsubjectreviews.authentication.k8s.io", "[]", "[]", "[create]"]);
    }
    rows.push(["selfsubjectaccessreviews.authorization.k8s.io", "[]", "[]", "[create]"]);
    rows.push(["selfsubjectrulesreviews.authorization.k8s.io", "[]", "[]", "[create]"]);
    for url in [
        "/api/*",
        "/api",
        "/apis/*",
        "/apis",
        "/healthz",
        "/healthz",
        "/livez",
        "/livez",
        "/openapi/*",
        "/openapi",
        "/readyz",
        "/readyz",
        "/version/",
        "/version/",
        "/version",
        "/version",
    ] {
        rows.push([
            "",
            match url {
                "/api/*" => "[/api/*]",
                "/api" => "[/api]",
                "/apis/*" => "[/apis/*]",
                "/apis" => "[/apis]",
                "/healthz" => "[/healthz]",
                "/livez" => "[/livez]",
                "/openapi/*" => "[/openapi/*]",
                "/openapi" => "[/openapi]",
                "/readyz" => "[/readyz]",
                "/version/" => "[/version/]",
                _ => "[/version]",
            },
            "[]",
            "[get]",
        ]);
    }
    let mut table: Vec<Vec<String>> = Vec::new();
    if !cx.flags.yes("no-headers") {
        table.push(["Resources", "Non-Resource URLs", "Resource Names", "Verbs"].map(String::from).into());
    }
    table.extend(rows.into_iter().map(|r| r.map(String::from).into()));
    cx.io.out(columns(&table));
    Ok(())
}
