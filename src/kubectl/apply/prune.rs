//! `apply --prune`: deletes what was applied once and is not among what is applied now.
//! Models kubectl/pkg/cmd/apply prune.go.

use std::collections::BTreeSet;

use super::LAST_APPLIED;
use crate::api::request::Propagation;
use crate::api::{Kind, Request, Value, meta};
use crate::base::Str;
use crate::kubectl::builder;
use crate::kubectl::context::{Cx, DryRun};
use crate::kubectl::create::confirm;
use crate::kubectl::error::{Run, fail};
use crate::kubectl::manifest::Doc;
use crate::kubectl::{discovery, get, print};

/// What this run has applied.
#[derive(Default)]
pub struct Seen {
    uids: BTreeSet<Str>,
    namespaces: BTreeSet<Str>,
}

impl Seen {
    pub fn note(&mut self, doc: &Doc, value: &Value) {
        self.uids.extend(value.at(&["metadata", "uid"]).map(|u| Str::from(u.as_str())));
        if !doc.namespace.is_empty() {
            self.namespaces.insert(doc.namespace.clone());
        }
    }
}

/// The kinds that are looked through unless a list of them is given.
const NAMESPACED: &[Kind] = &[
    Kind::CONFIG_MAP,
    Kind::ENDPOINTS,
    Kind::PERSISTENT_VOLUME_CLAIM,
    Kind::POD,
    Kind::REPLICATION_CONTROLLER,
    Kind::SECRET,
    Kind::SERVICE,
    Kind::JOB,
    Kind::CRON_JOB,
    Kind::INGRESS,
    Kind::DAEMON_SET,
    Kind::DEPLOYMENT,
    Kind::REPLICA_SET,
    Kind::STATEFUL_SET,
];
const CLUSTER: &[Kind] = &[Kind::NAMESPACE, Kind::PERSISTENT_VOLUME];

pub fn run(cx: &mut Cx<'_, '_>, seen: &Seen, format: Option<&print::Format>) -> Run {
    let (namespaced, cluster) = kinds(cx)?;
    for namespace in &seen.namespaces {
        for kind in &namespaced {
            prune(cx, seen, *kind, namespace, format)?;
        }
    }
    // 1.36 leaves cluster-wide objects alone when a namespace was named.
    if !(cx.modern() && cx.flags.changed("namespace")) {
        for kind in cluster {
            prune(cx, seen, kind, "", format)?;
        }
    }
    Ok(())
}

/// `--prune-whitelist`, `--prune-allowlist`: group/version/Kind each, `core` for the nameless group.
fn kinds(cx: &Cx<'_, '_>) -> Run<(Vec<Kind>, Vec<Kind>)> {
    let given = cx.flags.all(cx.by("prune-whitelist", "prune-allowlist"));
    if given.is_empty() {
        return Ok((NAMESPACED.to_vec(), CLUSTER.to_vec()));
    }
    let (mut namespaced, mut cluster) = (Vec::new(), Vec::new());
    for text in given {
        let parts: Vec<&str> = text.split('/').collect();
        let [group, version, kind] = &parts[..] else {
            return fail(format!("invalid GroupVersionKind format: {text}, please follow <group/version/kind>"));
        };
        let api_version = if *group == "core" { (*version).to_owned() } else { format!("{group}/{version}") };
        match discovery::of_manifest(cx.profile, &api_version, kind).and_then(|r| r.modelled) {
            Some(kind) if kind.namespaced() => namespaced.push(kind),
            Some(kind) => cluster.push(kind),
            None => {
                return fail(format!(
                    "error retrieving RESTMappings to prune: no matches for kind \"{kind}\" in version \"{api_version}\""
                ));
            }
        }
    }
    Ok((namespaced, cluster))
}

fn prune(cx: &mut Cx<'_, '_>, seen: &Seen, kind: Kind, namespace: &str, format: Option<&print::Format>) -> Run {
    let mut request = Request::list(kind, namespace);
    request.labels = builder::parse_labels(cx.flags.text("selector"), cx).or_else(fail)?;
    for object in cx.list(request)?.items {
        if meta::annotation(&object, LAST_APPLIED).is_none() || seen.uids.contains(object.str(&["metadata", "uid"])) {
            continue;
        }
        if cx.dry_run() != DryRun::Client {
            let mut request = Request::delete(&object.key);
            request.propagation = Some(Propagation::Background);
            request.dry_run = cx.dry_run() == DryRun::Server;
            cx.send(request)?;
        }
        let shown = get::value_of(cx, &object);
        confirm(cx, format.filter(|f| matches!(f, print::Format::Name)), &shown, "pruned")?;
    }
    Ok(())
}
