//! Small commands: cluster-info, plugin, completion, kustomize, proxy, debug, certificate, `get --raw`.

use super::commands::{Verb, sub};
use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use super::flags::{text, yes};
use super::print::json;
use super::{builder, wire};
use crate::api::request::Request;
use crate::api::{Kind, Object, ObjectKey, Value, meta};
use crate::base::Str;

pub static CLUSTER_INFO: &[Verb] = &[sub(
    "dump",
    &[&[
        yes("all-namespaces", "A"),
        text("namespaces", "", ""),
        text("output-directory", "", ""),
        text("output", "o", "json"),
    ]],
    dump,
    "[flags]",
    "Dump lots of relevant info for debugging and diagnosis",
)];
pub static PLUGIN: &[Verb] =
    &[sub("list", &[&[yes("name-only", "")]], plugin_list, "", "List all visible plugin executables on a user's PATH")];
pub static CERTIFICATE: &[Verb] = &[
    sub("approve", &[&[yes("force", "")]], approve, "(-f FILENAME | NAME)", "Approve a certificate signing request"),
    sub("deny", &[&[yes("force", "")]], deny, "(-f FILENAME | NAME)", "Deny a certificate signing request"),
];

pub fn cluster_info(cx: &mut Cx<'_, '_>) -> Run {
    let server = cx.target()?.server;
    let mut request = Request::list(Kind::SERVICE, "kube-system");
    request.labels = builder::parse_labels("kubernetes.io/cluster-service=true", cx).or_else(fail)?;
    let services = cx.list(request)?.items;
    // Colours as 1.20 prints them always and 1.36 on a terminal only.
    let (name, link, off) = if cx.modern() { ("", "", "") } else { ("\x1b[0;32m", "\x1b[0;33m", "\x1b[0m") };
    let line = format!("{name}Kubernetes control plane{off} is running at {link}{server}{off}");
    cx.io.outln(line);
    for s in services {
        let title = meta::label(&s, "kubernetes.io/name").unwrap_or(s.name()).to_owned();
        let port = s.items(&["spec", "ports"]).first().map_or("", |p| p.str("name"));
        let colon = if port.is_empty() { "" } else { ":" };
        let url = format!("{server}/api/v1/namespaces/kube-system/services/{}{colon}{port}/proxy", s.name());
        let line = format!("{name}{title}{off} is running at {link}{url}{off}");
        cx.io.outln(line);
    }
    cx.io.outln("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.");
    Ok(())
}

/// What `dump` prints of each namespace: the file's name and the kind.
const DUMPED: &[(&str, Kind)] = &[
    ("events", Kind::EVENT),
    ("replication-controllers", Kind::REPLICATION_CONTROLLER),
    ("services", Kind::SERVICE),
    ("daemonsets", Kind::DAEMON_SET),
    ("deployments", Kind::DEPLOYMENT),
    ("replicasets", Kind::REPLICA_SET),
    ("pods", Kind::POD),
];

fn dump(cx: &mut Cx<'_, '_>) -> Run {
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "json" | "yaml") {
        return fail(format!("unsupported output format: {output}"));
    }
    dump_list(cx, Kind::NODE, "", "nodes")?;
    let mut namespaces: Vec<Str> =
        cx.flags.text("namespaces").split(',').filter(|n| !n.is_empty()).map(Str::from).collect();
    if cx.flags.yes("all-namespaces") {
        namespaces = cx.list_all(Kind::NAMESPACE, "")?.iter().map(|o| o.name().clone()).collect();
    } else if namespaces.is_empty() {
        namespaces = vec!["kube-system".into(), cx.namespace()?];
    }
    for namespace in &namespaces {
        for (file, kind) in DUMPED {
            dump_list(cx, *kind, namespace, &format!("{namespace}/{file}"))?;
        }
        for p in cx.list_all(Kind::POD, namespace)? {
            dump_logs(cx, &p)?;
        }
    }
    let folder = cx.flags.text("output-directory").to_owned();
    if !matches!(folder.as_str(), "" | "-") {
        cx.io.outln(format!("Cluster info dumped to {folder}"));
    }
    Ok(())
}

/// To the terminal, or to its file.
fn dump_text(cx: &mut Cx<'_, '_>, file: &str, text: &str) -> Run {
    let folder = cx.flags.text("output-directory").to_owned();
    if matches!(folder.as_str(), "" | "-") {
        cx.io.out(text);
        return Ok(());
    }
    let path = format!("{}/{file}", folder.trim_end_matches('/'));
    for (i, _) in path.match_indices('/').filter(|(i, _)| *i > 0) {
        cx.io.call("make-dir", Value::from(&path[..i]))?;
    }
    match cx.io.write_file(&path, text)? {
        Ok(_) => Ok(()),
        Err(why) => fail(format!("open {path}: {why}")),
    }
}

fn dump_list(cx: &mut Cx<'_, '_>, kind: Kind, namespace: &str, file: &str) -> Run {
    let listed = cx.list(Request::list(kind, namespace))?;
    let text = wire::list(cx.profile, kind, &listed.items, &wire::list_meta(listed.revision, "", 0));
    if cx.flags.text("output") == "yaml" {
        let value = Value::from_json(&text).unwrap_or_default();
        return dump_text(cx, &format!("{file}.yaml"), &super::print::yaml::document(&value));
    }
    dump_text(cx, &format!("{file}.json"), &json::indent(&text))
}

fn dump_logs(cx: &mut Cx<'_, '_>, p: &Object) -> Run {
    let mut text = String::new();
    for c in crate::api::pod::containers(p) {
        let (name, key) = (c.str("name"), &p.key);
        text += &format!("==== START logs for container {name} of pod {}/{} ====\n", key.namespace, key.name);
        match super::logs::fetch(cx, key, name) {
            Ok(log) => text += &super::logs::plain(&log),
            Err(super::error::Fail::Error(e)) => text += &format!("Request log error: {}\n", e.plain()),
            Err(stop) => return Err(stop),
        }
        text += &format!("==== END logs for container {name} of pod {}/{} ====\n", key.namespace, key.name);
    }
    dump_text(cx, &format!("{}/{}/logs.txt", p.namespace(), p.name()), &text)
}

fn plugin_list(_: &mut Cx<'_, '_>) -> Run {
    fail("unable to find any kubectl plugins in your PATH")
}

fn approve(cx: &mut Cx<'_, '_>) -> Run {
    sign(cx, "Approved", "approved")
}
fn deny(cx: &mut Cx<'_, '_>) -> Run {
    sign(cx, "Denied", "denied")
}
fn sign(cx: &mut Cx<'_, '_>, condition: &str, done: &str) -> Run {
    if cx.args.is_empty() {
        return fail("one or more CSRs must be specified as <name> or -f <filename>");
    }
    for name in cx.args.clone() {
        let key = ObjectKey::new(Kind::CERTIFICATE_SIGNING_REQUEST, "", name.clone());
        let o = cx.get(&key)?;
        let mut conditions: Vec<Value> = o.items(&["status", "conditions"]).to_vec();
        let now = cx.now()?.rfc3339();
        conditions.push(Value::Map(map! {
            "lastTransitionTime" => &now,
            "lastUpdateTime" => &now,
            "message" => format!("This CSR was {done} by kubectl certificate {}.", if done == "approved" { "approve" } else { "deny" }),
            "reason" => format!("Kubectl{}", if done == "approved" { "Approve" } else { "Deny" }),
            "status" => "True",
            "type" => condition,
        }));
        let mut o = (*o).clone();
        o.set(&["status", "conditions"], conditions);
        let request = Request { subresource: "approval".into(), ..Request::update(o) };
        cx.send(request)?;
        let line = format!("certificatesigningrequest.certificates.k8s.io/{name} {done}");
        cx.io.outln(line);
    }
    Ok(())
}

pub fn proxy(cx: &mut Cx<'_, '_>) -> Run {
    let line = format!("Starting to serve on {}:{}", cx.flags.text("address"), cx.flags.int("port"));
    cx.io.outln(line);
    loop {
        cx.io.sleep(crate::base::Duration::secs(3600))?;
    }
}

pub fn no_kustomization(folder: &str) -> String {
    let shown = if folder == "." { "/root" } else { folder.trim_end_matches('/') };
    format!("unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{shown}'")
}

pub fn kustomize(cx: &mut Cx<'_, '_>) -> Run {
    let folder = if cx.args.is_empty() { ".".to_owned() } else { cx.arg(0).to_owned() };
    let why = no_kustomization(&folder);
    // 1.20 hands the library's own command through.
    if cx.modern() { fail(why) } else { fail_raw(format!("Error: {why}")) }
}

pub fn completion(cx: &mut Cx<'_, '_>) -> Run {
    match cx.arg(0) {
        "" => cx.usage("Shell not specified."),
        "bash" | "zsh" | "fish" | "powershell" => {
            let line = format!("# {} completion for kubectl: this terminal completes by itself", cx.arg(0));
            cx.io.outln(line);
            Ok(())
        }
        other => {
            let text = format!("Unsupported shell type {}.", super::flags::quote(other));
            cx.usage(text)
        }
    }
}
