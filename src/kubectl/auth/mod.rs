//! `kubectl auth`.
//! Models kubectl/pkg/cmd/auth.

mod reconcile;

use super::commands::{Verb, flags as sets, sub};
use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use super::flags::{text, yes};
use super::print::tabwriter::columns;
use super::{discovery, exit};
use crate::api::{Map, Request, Value};
use crate::base::Str;
use crate::base::arrange::Arrange;

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
        &[sets::FILE, sets::PRINT, sets::DRY, &[yes("remove-extra-permissions", ""), yes("remove-extra-subjects", "")]],
        reconcile::run,
        "-f FILENAME",
        "Reconciles rules for RBAC role, role binding, cluster role, and cluster role binding objects",
    ),
];

fn whoami(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.modern() {
        cx.path = "kubectl auth".to_owned();
        return cx.usage("unknown command \"whoami\"");
    }
    let status = review(cx, "selfsubjectreviews", Map::new())?;
    let none = Value::Null;
    let info = status.get("userInfo").unwrap_or(&none);
    let groups: Vec<&str> = info.get("groups").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
    let mut rows = vec![
        vec!["ATTRIBUTE".to_owned(), "VALUE".to_owned()],
        vec!["Username".to_owned(), info.str("username").to_owned()],
        vec!["Groups".to_owned(), format!("[{}]", groups.join(" "))],
    ];
    for (key, values) in info.get("extra").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        let values: Vec<&str> = values.items().iter().map(Value::as_str).collect();
        rows.push(vec![format!("Extra: {key}"), format!("[{}]", values.join(" "))]);
    }
    cx.io.out(columns(&rows));
    Ok(())
}

fn can_i(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.yes("list") {
        return list(cx);
    }
    if cx.args.len() != 2 {
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
    let mut known = discovery::resolve(cx.profile, &word);
    if known.is_none() && word != "*" && !word.starts_with('/') {
        known = discovery::customs_named(cx, &word)?.first().copied();
    }
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
    let (verbs, url) = if word.starts_with('/') {
        ("* get put post head options delete patch", true)
    } else {
        (
            "* get list watch create update patch delete deletecollection use bind impersonate escalate approve sign attest",
            false,
        )
    };
    if url && !cx.flags.text("subresource").is_empty() {
        return fail("--subresource can not be used with NonResourceURL");
    }
    if url && !name.is_empty() {
        return fail("NonResourceURL and ResourceName can not specified together");
    }
    let asks = url || known.is_some() && !cx.flags.yes("all-namespaces");
    if asks && !verbs.split(' ').any(|v| v == verb) {
        let line = format!("Warning: verb '{verb}' is not a known verb{}", cx.by("", "\n"));
        cx.io.errln(line);
    }
    let resource = known.map_or(word.as_str(), |r| r.name).to_owned();
    let group = known.map_or("", |r| r.group()).to_owned();
    let (allowed, reason) = allowed(cx, &verb, &group, &resource, &name)?;
    if !cx.flags.yes("quiet") {
        match (allowed, reason.as_str()) {
            (true, _) => cx.io.outln("yes"),
            (false, "") => cx.io.outln("no"),
            (false, why) => cx.io.outln(format!("no - {why}")),
        }
    }
    if allowed { Ok(()) } else { exit(1) }
}

/// The server's answer to a review: its status.
fn review(cx: &mut Cx<'_, '_>, resource: &'static str, spec: Map) -> Run<Value> {
    let answer = cx.send_object(Request::review(resource, spec))?;
    Ok(answer.get(&["status"]).cloned().unwrap_or_default())
}

fn allowed(cx: &mut Cx<'_, '_>, verb: &str, group: &str, resource: &str, name: &str) -> Run<(bool, String)> {
    let spec = if resource.starts_with('/') {
        map! { "nonResourceAttributes" => map! { "path" => resource, "verb" => verb } }
    } else {
        let namespace = if cx.flags.yes("all-namespaces") { Str::new() } else { cx.namespace()? };
        let subresource = cx.flags.text("subresource").to_owned();
        map! { "resourceAttributes" => map! {
            "group" => group,
            "name" => name,
            "namespace" => namespace,
            "resource" => resource,
            "subresource" => subresource,
            "verb" => verb,
        } }
    };
    let status = review(cx, "selfsubjectaccessreviews", spec)?;
    Ok((status.get("allowed").and_then(Value::as_bool) == Some(true), status.str("reason").to_owned()))
}

/// `--list`: the rules one by one, those of one resource together.
/// Models kubectl/pkg/cmd/auth/cani.go printAccess and component-helpers/auth/rbac/validation.
fn list(cx: &mut Cx<'_, '_>) -> Run {
    let namespace = cx.namespace()?;
    let status = review(cx, "selfsubjectrulesreviews", map! { "namespace" => namespace })?;
    if status.get("incomplete").and_then(Value::as_bool) == Some(true) {
        cx.io.errln(format!("warning: the list may be incomplete: {}", status.str("evaluationError")));
    }
    // (verbs, groups, resources, names, paths)
    let mut rules: Vec<[Vec<Str>; 5]> = Vec::new();
    let texts = |r: &Value, key: &str| -> Vec<Str> {
        r.get(key).map_or(&[][..], Value::items).iter().map(|v| v.as_str().into()).collect()
    };
    for r in status.get("resourceRules").map_or(&[][..], Value::items) {
        let mut names: Vec<Vec<Str>> = texts(r, "resourceNames").into_iter().map(|n| vec![n]).collect();
        if names.is_empty() {
            names.push(Vec::new());
        }
        for group in texts(r, "apiGroups") {
            for resource in texts(r, "resources") {
                for name in &names {
                    for verb in texts(r, "verbs") {
                        let same = |x: &&mut [Vec<Str>; 5]| {
                            x[1] == [group.clone()] && x[2] == [resource.clone()] && x[3] == *name && x[4].is_empty()
                        };
                        match rules.iter_mut().find(same) {
                            Some(known) if known[0].contains(&verb) => {}
                            Some(known) => known[0].push(verb),
                            None => rules.push([
                                vec![verb],
                                vec![group.clone()],
                                vec![resource.clone()],
                                name.clone(),
                                Vec::new(),
                            ]),
                        }
                    }
                }
            }
        }
    }
    for r in status.get("nonResourceRules").map_or(&[][..], Value::items) {
        for path in texts(r, "nonResourceURLs") {
            for verb in texts(r, "verbs") {
                rules.push([vec![verb], Vec::new(), Vec::new(), Vec::new(), vec![path.clone()]]);
            }
        }
    }
    let shown = |l: &[Str]| format!("[{}]", l.join(" "));
    rules.arrange_by_key(|[v, g, r, n, p]| {
        let (verbs, groups, resources, names, paths) = (shown(v), shown(g), shown(r), shown(n), shown(p));
        format!("Verbs:{verbs},APIGroups:{groups},Resources:{resources},ResourceNames:{names},NonResourceURLs:{paths},")
    });
    let mut table: Vec<Vec<String>> = Vec::new();
    if !cx.flags.yes("no-headers") {
        table.push(["Resources", "Non-Resource URLs", "Resource Names", "Verbs"].map(String::from).into());
    }
    for [verbs, groups, resources, names, paths] in &rules {
        let resource = resources.first().map(Str::as_str).unwrap_or_default();
        let group = groups.first().map(Str::as_str).unwrap_or_default();
        let both = match (group, resource.split_once('/')) {
            ("", _) => resource.to_owned(),
            (group, Some((plain, sub))) => format!("{plain}.{group}/{sub}"),
            (group, None) => format!("{resource}.{group}"),
        };
        table.push(vec![both, shown(paths), shown(names), shown(verbs)]);
    }
    cx.io.out(columns(&table));
    Ok(())
}
