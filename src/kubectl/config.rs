//! `kubectl config`: reads and changes the kubeconfig file.
//! Models kubectl/pkg/cmd/config.

use super::commands::{Verb, sub};
use super::context::Cx;
use super::error::{self, Run, fail};
use super::flags::{text, yes};
use super::kubeconfig::{self, Kubeconfig};
use super::print::{self, json, tabwriter::columns, yaml};
use crate::api::{List, Value};
use crate::base::arrange::Arrange;

pub static SUB: &[Verb] = &[
    sub("current-context", &[], current_context, "", "Displays the current-context"),
    sub("delete-cluster", &[], delete_cluster, "NAME", "Delete the specified cluster from the kubeconfig"),
    sub("delete-context", &[], delete_context, "NAME", "Delete the specified context from the kubeconfig"),
    sub("delete-user", &[], delete_user, "NAME", "Delete the specified user from the kubeconfig"),
    sub("get-clusters", &[], get_clusters, "", "Display clusters defined in the kubeconfig"),
    sub(
        "get-contexts",
        &[&[text("output", "o", ""), yes("no-headers", "")]],
        get_contexts,
        "[(-o|--output=)name)]",
        "Describe one or many contexts",
    ),
    sub("get-users", &[], get_users, "", "Display users defined in the kubeconfig"),
    sub("rename-context", &[], rename_context, "CONTEXT_NAME NEW_NAME", "Renames a context from the kubeconfig file."),
    sub(
        "set",
        &[&[yes("set-raw-bytes", "")]],
        set,
        "PROPERTY_NAME PROPERTY_VALUE",
        "Sets an individual value in a kubeconfig file",
    ),
    sub(
        "set-cluster",
        &[&[
            text("server", "", ""),
            text("certificate-authority", "", ""),
            yes("embed-certs", ""),
            yes("insecure-skip-tls-verify", ""),
            text("tls-server-name", "", ""),
        ]],
        set_cluster,
        "NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]",
        "Sets a cluster entry in kubeconfig",
    ),
    sub(
        "set-context",
        &[&[yes("current", ""), text("cluster", "", ""), text("user", "", ""), text("namespace", "", "")]],
        set_context,
        "[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
        "Sets a context entry in kubeconfig",
    ),
    sub(
        "set-credentials",
        &[&[
            text("client-certificate", "", ""),
            text("client-key", "", ""),
            text("token", "", ""),
            text("username", "", ""),
            text("password", "", ""),
            yes("embed-certs", ""),
        ]],
        set_credentials,
        "NAME",
        "Sets a user entry in kubeconfig",
    ),
    sub("unset", &[], unset, "PROPERTY_NAME", "Unsets an individual value in a kubeconfig file"),
    sub("use-context", &[], use_context, "CONTEXT_NAME", "Sets the current-context in a kubeconfig file")
        .aliases(&["use"]),
    sub(
        "view",
        &[&[
            text("output", "o", ""),
            text("template", "", ""),
            yes("raw", ""),
            yes("flatten", ""),
            yes("minify", ""),
            yes("merge", ""),
        ]],
        view,
        "[flags]",
        "Display merged kubeconfig settings or a specified kubeconfig file",
    ),
];

fn entries(config: &Kubeconfig, list: &str) -> Vec<Value> {
    config.root.get(list).map_or(&[][..], Value::items).to_vec()
}

/// JSON in the order of the Go structs of client-go/tools/clientcmd/api/v1.
fn ordered(value: &Value) -> String {
    const ORDER: &[&str] = &[
        "kind",
        "apiVersion",
        "preferences",
        "clusters",
        "users",
        "contexts",
        "current-context",
        "name",
        "server",
        "tls-server-name",
        "insecure-skip-tls-verify",
        "certificate-authority",
        "certificate-authority-data",
        "cluster",
        "user",
        "namespace",
        "context",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
        "token",
        "tokenFile",
        "username",
        "password",
    ];
    match value {
        Value::Map(m) => {
            let mut keys: Vec<&crate::base::Str> = m.keys().collect();
            keys.arrange_by_key(|k| ORDER.iter().position(|o| *o == k.as_str()).unwrap_or(ORDER.len()));
            let each: Vec<String> = keys
                .iter()
                .map(|k| format!("{}:{}", json::string(k), m.get(k).map_or_else(String::new, ordered)))
                .collect();
            format!("{{{}}}", each.join(","))
        }
        Value::List(l) => format!("[{}]", l.iter().map(ordered).collect::<Vec<_>>().join(",")),
        other => json::compact(other),
    }
}

fn view(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        let words: Vec<&str> = cx.args.iter().map(crate::base::Str::as_str).collect();
        return cx.usage(format!("unexpected arguments: [{}]", words.join(" ")));
    }
    let mut config = kubeconfig::load(cx)?;
    if !config.found {
        config.root = Value::Map(map! { "apiVersion" => "v1", "kind" => "Config" });
    }
    let root = config.root.make_map();
    for list in ["clusters", "contexts", "users"] {
        if root.get(list).is_none_or(|v| v.items().is_empty()) {
            root.insert(list, if config.found { Value::from(List::new()) } else { Value::Null });
        }
    }
    if root.get("current-context").is_none() {
        root.insert("current-context", "");
    }
    if cx.modern() {
        root.remove("preferences");
    } else if root.get("preferences").is_none() {
        root.insert("preferences", map! {});
    }
    if !cx.flags.yes("raw") && !cx.flags.yes("flatten") {
        hide(cx, &mut config.root);
    }
    if cx.flags.yes("minify") {
        let context = cx.flags.text("context").to_owned();
        if !context.is_empty() {
            config.root.make_map().insert("current-context", context);
        }
        minify(&mut config)?;
    }
    let value = config.root;
    match cx.flags.text("output") {
        "" | "yaml" => cx.io.out(yaml::document(&value)),
        "json" => cx.io.out(json::indent(&ordered(&value))),
        "name" => cx.io.outln("config/<unknown>"),
        _ => {
            if let Some(format) = print::format(cx, false)? {
                print::object(cx, &format, &value)?;
            }
        }
    }
    Ok(())
}

/// Certificates and keys are not shown.
fn hide(cx: &Cx<'_, '_>, root: &mut Value) {
    let user = cx.by("REDACTED", "DATA+OMITTED");
    for (list, inner, fields, text) in [
        ("clusters", "cluster", &["certificate-authority-data"][..], "DATA+OMITTED"),
        ("users", "user", &["client-certificate-data", "client-key-data"][..], user),
        ("users", "user", if cx.modern() { &["token", "password"][..] } else { &["token"] }, "REDACTED"),
    ] {
        let map = root.make_map();
        if !map.get(list).is_some_and(|v| matches!(v, Value::List(_))) {
            continue;
        }
        for e in map.entry(list).make_list().items_mut() {
            for field in fields {
                if e.at(&[inner, field]).is_some_and(|v| !v.as_str().is_empty()) {
                    e.entry(&[inner]).make_map().insert(*field, text);
                }
            }
        }
    }
}

/// Only what the current context uses.
fn minify(config: &mut Kubeconfig) -> Run {
    let current = config.current_context().to_owned();
    let Some(context) = config.entry("contexts", &current).and_then(|c| c.get("context")).cloned() else {
        return fail("current-context must exist in order to minify");
    };
    for (list, name) in
        [("contexts", current.as_str()), ("clusters", context.str("cluster")), ("users", context.str("user"))]
    {
        let kept: Vec<Value> = entries(config, list).into_iter().filter(|e| e.str("name") == name).collect();
        config.root.make_map().insert(list, kept);
    }
    Ok(())
}

fn current_context(cx: &mut Cx<'_, '_>) -> Run {
    let config = kubeconfig::load(cx)?;
    if config.current_context().is_empty() {
        return fail("current-context is not set");
    }
    let line = config.current_context().to_owned();
    cx.io.outln(line);
    Ok(())
}

fn get_contexts(cx: &mut Cx<'_, '_>) -> Run {
    let config = kubeconfig::load(cx)?;
    let mut all = entries(&config, "contexts");
    all.arrange_by(|a, b| a.str("name").cmp(b.str("name")));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let name_only = cx.flags.text("output") == "name";
    if !name_only && !cx.flags.yes("no-headers") {
        rows.push(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"].map(String::from).into());
    }
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "" | "name") {
        return fail(format!(
            "--output {output} is not available in kubectl config get-contexts; resetting to default output format"
        ));
    }
    let missing = |a: &&crate::base::Str| !all.iter().any(|c| c.str("name") == a.as_str());
    let missing: Vec<error::Error> =
        cx.args.iter().filter(missing).map(|a| error::Error::Text(format!("context {a} not found"))).collect();
    for c in all.iter().filter(|c| cx.args.is_empty() || cx.args.iter().any(|a| a == c.str("name"))) {
        if name_only {
            cx.io.outln(c.str("name"));
            continue;
        }
        let inner = |field: &str| c.at(&["context", field]).map_or("", Value::as_str).to_owned();
        let mark = if c.str("name") == config.current_context() { "*" } else { "" };
        rows.push(vec![mark.to_owned(), c.str("name").to_owned(), inner("cluster"), inner("user"), inner("namespace")]);
    }
    cx.io.out(columns(&rows));
    error::all(missing)
}

fn names(cx: &mut Cx<'_, '_>, list: &str) -> Run {
    let config = kubeconfig::load(cx)?;
    cx.io.outln("NAME");
    let mut all = entries(&config, list);
    all.arrange_by(|a, b| a.str("name").cmp(b.str("name")));
    for e in all {
        cx.io.outln(e.str("name"));
    }
    Ok(())
}
fn get_clusters(cx: &mut Cx<'_, '_>) -> Run {
    names(cx, "clusters")
}
fn get_users(cx: &mut Cx<'_, '_>) -> Run {
    names(cx, "users")
}

/// Writes the changed file back.
fn save(cx: &mut Cx<'_, '_>, mut config: Kubeconfig) -> Run {
    let root = config.root.make_map();
    for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
        root.insert(key, value);
    }
    if root.get("current-context").is_none() {
        root.insert("current-context", "");
    }
    // They are maps to clientcmd, written in the order of their names.
    for list in ["clusters", "contexts", "users"] {
        let mut all = root.get(list).map_or(&[][..], Value::items).to_vec();
        all.arrange_by(|a, b| a.str("name").cmp(b.str("name")));
        root.insert(list, if all.is_empty() { Value::Null } else { Value::from(all) });
    }
    let text = yaml::document(&config.root);
    match cx.io.write_file(&config.path, text)? {
        Ok(_) => Ok(()),
        Err(why) => fail(format!("open {}: {why}", config.path)),
    }
}

fn use_context(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() != 1 {
        return super::help::this(cx);
    }
    let name = cx.arg(0).to_owned();
    let mut config = kubeconfig::load(cx)?;
    if config.entry("contexts", &name).is_none() {
        return fail(format!("no context exists with the name: \"{name}\""));
    }
    config.root.make_map().insert("current-context", name.as_str());
    save(cx, config)?;
    let line = format!("Switched to context \"{name}\".");
    cx.io.outln(line);
    Ok(())
}

/// The entry `name` of a list for change, made where there is none; whether it was there.
fn edit<'c>(config: &'c mut Kubeconfig, list: &str, inner: &str, name: &str) -> (&'c mut Value, bool) {
    let items = config.root.make_map().entry(list).make_list().make_mut();
    let at = items.iter().position(|e| e.str("name") == name);
    let index = at.unwrap_or_else(|| {
        let mut e = map! { "name" => name };
        e.insert(inner, map! {});
        items.push(Value::Map(e));
        items.len() - 1
    });
    (items.make_mut()[index].entry(&[inner]), at.is_some())
}

/// Sets what was given as flags; an empty value removes the field.
fn set_fields(cx: &Cx<'_, '_>, entry: &mut Value, fields: &[&str]) {
    for field in fields {
        if !cx.flags.changed(field) {
            continue;
        }
        match cx.flags.text(field) {
            "" => {
                entry.make_map().remove(field);
            }
            value => entry.make_map().insert(*field, value),
        }
    }
}

/// `--embed-certs`: the files themselves instead of their names.
fn embed(cx: &mut Cx<'_, '_>, entry: &mut Value, fields: &[&str]) -> Run {
    for field in fields {
        let path = cx.flags.text(field).to_owned();
        if path.is_empty() || !cx.flags.yes("embed-certs") {
            continue;
        }
        match cx.io.read_file(&path)? {
            Ok(text) => {
                entry.make_map().remove(field);
                let data = super::create::base64_encode(text.as_bytes());
                entry.make_map().insert(format!("{field}-data"), data);
            }
            Err(_) => {
                return fail(format!("could not stat {field} file {path}: stat {path}: no such file or directory"));
            }
        }
    }
    Ok(())
}

fn said(cx: &mut Cx<'_, '_>, what: &str, name: &str, done: &str) {
    let line = format!("{what} \"{name}\" {done}.");
    cx.io.outln(line);
}

fn set_context(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() > 1 {
        return super::help::this(cx);
    }
    if cx.flags.yes("current") && !cx.args.is_empty() {
        return fail("you cannot specify both a context name and --current");
    }
    if !cx.flags.yes("current") && cx.arg(0).is_empty() {
        return fail("you must specify a non-empty context name or --current");
    }
    let mut config = kubeconfig::load(cx)?;
    let name = if cx.flags.yes("current") { config.current_context().to_owned() } else { cx.arg(0).to_owned() };
    if name.is_empty() {
        return fail("no current context is set");
    }
    let (entry, existed) = edit(&mut config, "contexts", "context", &name);
    set_fields(cx, entry, &["cluster", "user", "namespace"]);
    save(cx, config)?;
    said(cx, "Context", &name, if existed { "modified" } else { "created" });
    Ok(())
}

fn set_cluster(cx: &mut Cx<'_, '_>) -> Run {
    let name = cx.arg(0).to_owned();
    if name.is_empty() {
        return super::help::this(cx);
    }
    let mut config = kubeconfig::load(cx)?;
    let (entry, _) = edit(&mut config, "clusters", "cluster", &name);
    set_fields(cx, entry, &["server", "certificate-authority", "insecure-skip-tls-verify", "tls-server-name"]);
    embed(cx, entry, &["certificate-authority"])?;
    save(cx, config)?;
    said(cx, "Cluster", &name, "set");
    Ok(())
}

fn set_credentials(cx: &mut Cx<'_, '_>) -> Run {
    let name = cx.arg(0).to_owned();
    if name.is_empty() {
        return super::help::this(cx);
    }
    let given = |flag| !cx.flags.text(flag).is_empty();
    if given("token") && (given("username") || given("password")) {
        return fail(
            "you cannot specify more than one authentication method at the same time: --token, --username/--password",
        );
    }
    let mut config = kubeconfig::load(cx)?;
    let (entry, _) = edit(&mut config, "users", "user", &name);
    set_fields(cx, entry, &["client-certificate", "client-key", "token", "username", "password"]);
    embed(cx, entry, &["client-certificate", "client-key"])?;
    // A new kind of proof takes the place of the old.
    for (given, gone) in
        [("token", &["username", "password"][..]), ("username", &["token"][..]), ("password", &["token"][..])]
    {
        if cx.flags.changed(given) {
            gone.iter().for_each(|field| drop(entry.make_map().remove(field)));
        }
    }
    save(cx, config)?;
    said(cx, "User", &name, "set");
    Ok(())
}

fn remove(cx: &mut Cx<'_, '_>, list: &str, what: &str) -> Run {
    let name = cx.arg(0).to_owned();
    if name.is_empty() {
        return super::help::this(cx);
    }
    let mut config = kubeconfig::load(cx)?;
    if config.entry(list, &name).is_none() {
        return fail(format!("cannot delete {what} {name}, not in {}", config.path));
    }
    let kept: Vec<Value> = entries(&config, list).into_iter().filter(|e| e.str("name") != name).collect();
    config.root.make_map().insert(list, kept);
    let path = config.path.clone();
    if what == "context" && config.current_context() == name {
        cx.io.errln(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one",
        );
    }
    save(cx, config)?;
    let line = format!("deleted {what} {name} from {path}");
    cx.io.outln(line);
    Ok(())
}
fn delete_context(cx: &mut Cx<'_, '_>) -> Run {
    remove(cx, "contexts", "context")
}
fn delete_cluster(cx: &mut Cx<'_, '_>) -> Run {
    remove(cx, "clusters", "cluster")
}
fn delete_user(cx: &mut Cx<'_, '_>) -> Run {
    remove(cx, "users", "user")
}

fn rename_context(cx: &mut Cx<'_, '_>) -> Run {
    let (old, new) = (cx.arg(0).to_owned(), cx.arg(1).to_owned());
    if new.is_empty() {
        return super::help::this(cx);
    }
    let mut config = kubeconfig::load(cx)?;
    if config.entry("contexts", &old).is_none() {
        return fail(format!("cannot rename the context \"{old}\", it's not in {}", config.path));
    }
    if config.entry("contexts", &new).is_some() {
        return fail(format!(
            "cannot rename the context \"{old}\", the context \"{new}\" already exists in {}",
            config.path
        ));
    }
    let current = config.current_context() == old;
    let root = config.root.make_map();
    for e in root.entry("contexts").make_list().items_mut() {
        if e.str("name") == old {
            e.make_map().insert("name", new.as_str());
        }
    }
    if current {
        root.insert("current-context", new.as_str());
    }
    save(cx, config)?;
    let line = format!("Context \"{old}\" renamed to \"{new}\".");
    cx.io.outln(line);
    Ok(())
}

/// `contexts.NAME.namespace`, or `current-context`.
fn property(config: &mut Kubeconfig, path: &str) -> Option<(Vec<String>, Value)> {
    let parts: Vec<String> = path.split('.').map(String::from).collect();
    if parts.len() == 1 {
        return Some((parts, Value::Null));
    }
    let inner = match parts[0].as_str() {
        "contexts" => "context",
        "clusters" => "cluster",
        "users" => "user",
        _ => return Some((parts, Value::Null)),
    };
    // Names may hold dots: the field is the last part.
    let field = parts.last()?.clone();
    let name = parts[1..parts.len() - 1].join(".");
    let _ = edit(config, &parts[0], inner, &name);
    Some((vec![parts[0].clone(), name, inner.to_owned(), field], Value::Null))
}

fn change(cx: &mut Cx<'_, '_>, value: Option<&str>) -> Run {
    let path = cx.arg(0).to_owned();
    let mut config = kubeconfig::load(cx)?;
    let first = path.split('.').next().unwrap_or("");
    if !matches!(first, "clusters" | "contexts" | "users" | "current-context" | "preferences" | "extensions") {
        return fail(format!("unable to parse {path} after [] at api.Config"));
    }
    let words: Vec<&str> = path.split('.').collect();
    if let (None, [list @ ("clusters" | "contexts" | "users"), name]) = (value, &words[..]) {
        let kept: Vec<Value> = entries(&config, list).into_iter().filter(|e| e.str("name") != *name).collect();
        config.root.make_map().insert(*list, kept);
        save(cx, config)?;
        cx.io.outln(format!("Property \"{path}\" unset."));
        return Ok(());
    }
    let Some((parts, _)) = property(&mut config, &path) else { return fail("unable to parse the path") };
    let place = match &parts[..] {
        [list, name, inner, field] => {
            let (entry, _) = edit(&mut config, list, inner, name);
            (entry.make_map(), field.clone())
        }
        [key, ..] => (config.root.make_map(), key.clone()),
        [] => return fail("you cannot specify an empty path"),
    };
    match value {
        Some(value) => place.0.insert(place.1, value),
        None => {
            place.0.remove(&place.1);
        }
    }
    save(cx, config)?;
    let line = format!("Property \"{path}\" {}.", if value.is_some() { "set" } else { "unset" });
    cx.io.outln(line);
    Ok(())
}
fn set(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() != 2 {
        return super::help::this(cx);
    }
    let value = cx.arg(1).to_owned();
    change(cx, Some(&value))
}
fn unset(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() != 1 {
        return super::help::this(cx);
    }
    change(cx, None)
}
