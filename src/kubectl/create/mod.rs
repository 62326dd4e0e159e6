//! `kubectl create`: from manifests, and by the generators below it.
//! Models kubectl/pkg/cmd/create.

mod access;
mod config;
mod service;
mod workload;

use super::commands::{Verb, flags as sets, sub};
use super::context::{Cx, DryRun};
use super::discovery::{self, Resource};
use super::error::{self, Error, Fail, Run, fail};
use super::flags::{Flag, array, int, list, text, time, yes};
use super::manifest::{self, Doc};
use super::{get, print};
use crate::api::{Kind, Object, Request, Value};
use crate::base::Str;
use std::sync::Arc;

pub use config::{base64_decode, base64_encode, base64_len, int_or_string, quantities};

macro_rules! generator {
    ($name:literal, [$($own:expr),*], $run:path, $usage:literal, $about:literal) => {
        sub($name, &[&[$($own),*], sets::PRINT, sets::DRY, sets::SAVE, sets::VALIDATE], $run, $usage, $about)
    };
}

pub static SUB: &[Verb] = &[
    generator!("namespace", [], config::namespace, "NAME [--dry-run=server|client|none]", "Create a namespace with the specified name").aliases(&["ns"]),
    generator!("quota", [text("hard", "", ""), text("scopes", "", "")], config::quota, "NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]", "Create a quota with the specified name").aliases(&["resourcequota"]),
    Verb::group("secret", SECRETS, "", "Create a secret using specified subcommand"),
    generator!("configmap", [array("from-literal", ""), list("from-file", ""), array("from-env-file", ""), yes("append-hash", "")], config::config_map, "NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]", "Create a config map from a local file, directory or literal value").aliases(&["cm"]),
    generator!("serviceaccount", [], config::service_account, "NAME [--dry-run=server|client|none]", "Create a service account with the specified name").aliases(&["sa"]),
    Verb::group("service", SERVICES, "", "Create a service using specified subcommand").aliases(&["svc"]),
    generator!("deployment", [array("image", ""), int("port", "", "-1"), int("replicas", "r", "1")], workload::deployment, "NAME --image=image -- [COMMAND] [args...]", "Create a deployment with the specified name").aliases(&["deploy"]).required(&["image"]),
    generator!("clusterrole", [array("verb", ""), array("resource", ""), array("resource-name", ""), array("non-resource-url", ""), text("aggregation-rule", "", "")], access::cluster_role, "NAME --verb=verb --resource=resource.group [--resource-name=resourcename] [--dry-run=server|client|none]", "Create a cluster role"),
    generator!("clusterrolebinding", [text("clusterrole", "", ""), array("user", ""), array("group", ""), array("serviceaccount", "")], access::cluster_role_binding, "NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]", "Create a cluster role binding for a particular cluster role").required(&["clusterrole"]),
    generator!("role", [array("verb", ""), array("resource", ""), array("resource-name", "")], access::role, "NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename] [--dry-run=server|client|none]", "Create a role with single rule"),
    generator!("rolebinding", [text("role", "", ""), text("clusterrole", "", ""), array("user", ""), array("group", ""), array("serviceaccount", "")], access::role_binding, "NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]", "Create a role binding for a particular role or cluster role"),
    generator!("poddisruptionbudget", [text("selector", "", ""), text("min-available", "", ""), text("max-unavailable", "", "")], config::disruption_budget, "NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]", "Create a pod disruption budget with the specified name").aliases(&["pdb"]),
    generator!("priorityclass", [int("value", "", "0"), yes("global-default", ""), text("description", "", ""), text("preemption-policy", "", "PreemptLowerPriority")], config::priority_class, "NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]", "Create a priority class with the specified name").aliases(&["pc"]),
    generator!("job", [text("image", "", ""), text("from", "", "")], workload::job, "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]", "Create a job with the specified name"),
    generator!("cronjob", [text("image", "", ""), text("schedule", "", ""), text("restart", "", "")], workload::cron_job, "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]", "Create a cron job with the specified name").aliases(&["cj"]).required(&["image", "schedule"]),
    sub("token", &[sets::PRINT, TOKEN], config::token, "SERVICE_ACCOUNT_NAME", "Request a service account token").only(crate::sim::Profile::Modern),
    generator!("ingress", [text("class", "", ""), array("rule", ""), array("annotation", ""), text("default-backend", "", "")], service::ingress, "NAME --rule=host/path=service:port[,tls[=secret]] ", "Create an ingress with the specified name").aliases(&["ing"]),
];

const TOKEN: &[Flag] = &[
    array("audience", ""),
    time("duration", "0s"),
    text("bound-object-kind", "", ""),
    text("bound-object-name", "", ""),
    text("bound-object-uid", "", ""),
];

static SECRETS: &[Verb] = &[
    generator!(
        "docker-registry",
        [
            text("docker-username", "", ""),
            text("docker-password", "", ""),
            text("docker-email", "", ""),
            text("docker-server", "", "https://index.docker.io/v1/"),
            list("from-file", ""),
            yes("append-hash", "")
        ],
        config::docker_secret,
        "NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]",
        "Create a secret for use with a Docker registry"
    ),
    generator!(
        "generic",
        [
            array("from-literal", ""),
            list("from-file", ""),
            array("from-env-file", ""),
            text("type", "", ""),
            yes("append-hash", "")
        ],
        config::secret,
        "NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
        "Create a secret from a local file, directory or literal value"
    ),
    generator!(
        "tls",
        [text("cert", "", ""), text("key", "", ""), yes("append-hash", "")],
        config::tls_secret,
        "NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
        "Create a TLS secret"
    ),
];

static SERVICES: &[Verb] = &[
    generator!(
        "clusterip",
        [array("tcp", ""), text("clusterip", "", "")],
        service::cluster_ip,
        "NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
        "Create a ClusterIP service"
    ),
    generator!(
        "nodeport",
        [array("tcp", ""), int("node-port", "", "0")],
        service::node_port,
        "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
        "Create a NodePort service"
    ),
    generator!(
        "loadbalancer",
        [array("tcp", "")],
        service::load_balancer,
        "NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
        "Create a LoadBalancer service"
    ),
    generator!(
        "externalname",
        [array("tcp", ""), text("external-name", "", "")],
        service::external_name,
        "NAME --external-name external.name [--dry-run=server|client|none]",
        "Create an ExternalName service"
    )
    .required(&["external-name"]),
];

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        let words: Vec<&str> = cx.args.iter().map(Str::as_str).collect();
        if cx.modern() {
            let text = format!("Unexpected args: [{}]", words.join(" "));
            return cx.usage(text);
        }
        if !manifest::given(cx) {
            cx.io.errln("Error: must specify one of -f and -k\n");
            let text = format!("unknown command {}", super::flags::quote(&words.join(" ")));
            return cx.usage(text);
        }
        let text = format!("Unexpected args: [{}]", words.join(" "));
        return cx.usage(text);
    }
    if !manifest::given(cx) && cx.modern() {
        return fail("must specify one of -f and -k");
    }
    if !manifest::given(cx) {
        cx.io.errln("Error: must specify one of -f and -k\n");
        return super::help::group_by_path(cx, "create");
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let (docs, mut errors) = manifest::read(cx, true)?;
    if docs.is_empty() && errors.is_empty() {
        return fail("no objects passed to create");
    }
    for doc in docs {
        error::note(create(cx, &doc, format.as_ref()), &mut errors)?;
    }
    error::all(errors)
}

fn create(cx: &mut Cx<'_, '_>, doc: &Doc, format: Option<&print::Format>) -> Run {
    let mut value = doc.value.clone();
    if cx.flags.yes("save-config") {
        super::apply::annotate(cx, &mut value);
    }
    record(cx, &mut value);
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, format, &value, "created");
    }
    let request = post(cx, doc.kind, &doc.namespace, value);
    let made = cx.send_object(request).map_err(|e| at_source(e, "creating", &doc.source))?;
    let value = get::value_of(cx, &made);
    confirm(cx, format, &value, "created")
}

/// Puts the source of a manifest before an error.
pub fn at_source(e: Fail, doing: &str, source: &str) -> Fail {
    match e {
        Fail::Error(error @ (Error::Status(_) | Error::Text(_))) => {
            Fail::Error(error.prefixed(&format!("error when {doing} \"{source}\": ")))
        }
        other => other,
    }
}

/// A POST of a manifest's tree.
pub fn post(cx: &Cx<'_, '_>, kind: Kind, namespace: &str, value: Value) -> Request {
    let mut request = Request::new(crate::api::Verb::Create, kind, namespace, "");
    request.body = Some(value);
    cx.write(request, "kubectl-create")
}

/// `--record`: the command line as an annotation.
pub fn record(cx: &Cx<'_, '_>, value: &mut Value) {
    if cx.flags.yes("record") {
        let line = command_line(cx);
        value.entry(&["metadata", "annotations"]).make_map().insert("kubernetes.io/change-cause", line);
    }
}

/// The command as `--record` keeps it, with its flags spelled out.
pub fn command_line(cx: &Cx<'_, '_>) -> String {
    let mut words: Vec<String> = cx.path.split(' ').map(String::from).collect();
    words.extend(cx.args.iter().map(Str::to_string));
    words.extend(cx.flags.given().iter().map(|(name, value)| format!("--{name}={value}")));
    words.join(" ")
}

/// `pod/web created`, or the object in the format asked for.
pub fn confirm(cx: &mut Cx<'_, '_>, format: Option<&print::Format>, value: &Value, done: &str) -> Run {
    match format {
        Some(print::Format::Name) | None if format.is_none() => {
            // These printers forget the dry run.
            let path = cx.path.as_str();
            let forgets = path == "kubectl taint" || !cx.modern() && path == "kubectl label";
            let suffix = if forgets { "" } else { cx.dry_run().suffix() };
            let line = format!("{} {done}{suffix}", print::name::of(cx.profile, value));
            cx.io.outln(line);
            Ok(())
        }
        Some(format) => {
            // These make a printer for each object, and so no line between two of them.
            let apart =
                !matches!(cx.path.as_str(), "kubectl label" | "kubectl taint" | "kubectl patch" | "kubectl rollout");
            if matches!(format, print::Format::Yaml) && apart {
                if cx.documents > 0 {
                    cx.io.out("---\n");
                }
                cx.documents += 1;
            }
            print::object(cx, format, value)
        }
        None => Ok(()),
    }
}

// --- what the generators share ---

/// The one NAME a generator takes.
fn one_name(cx: &Cx<'_, '_>) -> Run<Str> {
    let count = cx.dash.unwrap_or(cx.args.len());
    match (count, cx.args.first()) {
        (1, Some(name)) => Ok(name.clone()),
        _ => cx.usage(format!("exactly one NAME is required, got {count}")),
    }
}

/// Metadata as the generators make it: 1.20's carry a null creationTimestamp.
fn metadata(cx: &Cx<'_, '_>, name: &str) -> Value {
    let mut m = map! { "name" => name };
    if !cx.modern() {
        m.insert("creationTimestamp", Value::Null);
    }
    Value::Map(m)
}

/// A new object of a kind, as the profile's generator makes it.
fn object(cx: &Cx<'_, '_>, kind: Kind, name: &str) -> Value {
    let resource = discovery::of_kind(cx.profile, kind);
    Value::Map(map! {
        "apiVersion" => resource.map_or_else(|| kind.api_version(), |r| r.api_version.to_owned()),
        "kind" => kind.name(),
        "metadata" => metadata(cx, name),
    })
}

/// Sends what a generator made, or shows it.
fn finish(cx: &mut Cx<'_, '_>, kind: Kind, mut value: Value, failed: &str) -> Run {
    let resource: Option<&'static Resource> = discovery::of_kind(cx.profile, kind);
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let namespace = cx.namespace_of(kind)?;
    if cx.flags.yes("save-config") {
        super::apply::annotate(cx, &mut value);
    }
    let explicit = cx.flags.changed("namespace");
    if kind.namespaced()
        && (explicit || cx.dry_run() != DryRun::Client || namespace != "default")
        && wants_namespace(cx, explicit)
    {
        value.entry(&["metadata"]).make_map().insert("namespace", &namespace);
    }
    let _ = resource;
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, format.as_ref(), &value, "created");
    }
    let request = post(cx, kind, &namespace, value);
    let made: Arc<Object> = cx.send_object(request).map_err(|e| match e {
        Fail::Error(error @ Error::Status(_)) if !failed.is_empty() => {
            // One of the texts lacks its colon upstream.
            let colon = if failed == "secret" { "" } else { ":" };
            Fail::Error(Error::Text(format!("failed to create {failed}{colon} {}", error.plain())))
        }
        other => other,
    })?;
    let value = get::value_of(cx, &made);
    confirm(cx, format.as_ref(), &value, "created")
}

/// A generated object shows its namespace only if it was named.
fn wants_namespace(cx: &Cx<'_, '_>, explicit: bool) -> bool {
    explicit || cx.dry_run() != DryRun::Client
}
