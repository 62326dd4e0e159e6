//! Small commands: cluster-info, plugin, completion, kustomize, proxy, debug, certificate, `get --raw`.

use super::commands::{Verb, sub};
use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use super::flags::{text, yes};
use super::print::json;
use super::{builder, discovery, get};
use crate::api::request::{PatchType, Request};
use crate::api::{Kind, Object, ObjectKey, Response, Value, codec, meta};
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
    let text = list_json(cx, kind, &listed.items, listed.revision);
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

/// A list as the server sends it, in the order of the Go structs.
fn list_json(cx: &Cx<'_, '_>, kind: Kind, objects: &[std::sync::Arc<Object>], revision: u64) -> String {
    let profile = cx.profile;
    let items: Vec<String> = objects
        .iter()
        .map(|o| {
            let mut value = get::value_of(cx, o);
            value.make_map().remove("apiVersion");
            value.make_map().remove("kind");
            codec::to_json(kind, &value, profile)
        })
        .collect();
    format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{{\"resourceVersion\":\"{revision}\"}},\"items\":[{}]}}",
        kind.name(),
        kind.api_version_in(profile),
        items.join(",")
    )
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
        let body = map! { "status" => map! { "conditions" => conditions } };
        let mut request = Request::patch(&key, PatchType::Merge, Value::Map(body));
        request.subresource = "approval".into();
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

/// `get --raw URL`: lists and single objects, as the server's JSON.
pub fn raw(cx: &mut Cx<'_, '_>, url: &str) -> Run {
    let path = url.split('?').next().unwrap_or("");
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    match path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => {
            discovery::probe(cx)?;
            cx.io.out("ok");
            return Ok(());
        }
        _ => {}
    }
    let (group, rest) = match &parts[..] {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return fail_raw("Error from server (NotFound): the server could not find the requested resource"),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let kind = rest.first().and_then(|p| Kind::all().find(|k| k.plural() == *p && k.info().group == group));
    let Some(kind) = kind else {
        return fail_raw("Error from server (NotFound): the server could not find the requested resource");
    };
    let name: Str = rest.get(1).copied().unwrap_or("").into();
    let profile = cx.profile;
    if !name.is_empty() {
        let mut request = Request::get(&ObjectKey::new(kind, namespace, name));
        request.subresource = rest.get(2).copied().unwrap_or("").into();
        let scale = request.subresource == "scale";
        let text = match cx.send(request)? {
            Response::Object(o) if scale => scale_json(&o),
            Response::Object(o) => codec::to_json(kind, &get::value_of(cx, &o), profile) + "\n",
            Response::Text(text) => text.to_string(),
            _ => String::new(),
        };
        cx.io.out(text);
        return Ok(());
    }
    let listed = cx.list(Request::list(kind, namespace))?;
    let text = list_json(cx, kind, &listed.items, listed.revision) + "\n";
    cx.io.out(text);
    Ok(())
}

/// A Scale in the order of its Go struct.
fn scale_json(o: &Object) -> String {
    let meta = |key: &str| o.str(&["metadata", key]).to_owned();
    let n = |path: &[&str]| o.int(path).unwrap_or(0);
    format!(
        "{{\"kind\":\"Scale\",\"apiVersion\":\"autoscaling/v1\",\"metadata\":{{\"name\":\"{}\",\"namespace\":\"{}\",\"uid\":\"{}\",\"resourceVersion\":\"{}\",\"creationTimestamp\":\"{}\"}},\"spec\":{{\"replicas\":{}}},\"status\":{{\"replicas\":{},\"selector\":\"{}\"}}}}\n",
        meta("name"),
        meta("namespace"),
        meta("uid"),
        o.resource_version,
        meta("creationTimestamp"),
        n(&["spec", "replicas"]),
        n(&["status", "replicas"]),
        o.str(&["status", "selector"])
    )
}
