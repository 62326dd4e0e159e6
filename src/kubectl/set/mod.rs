//! `kubectl set`.
//! Models kubectl/pkg/cmd/set.

mod env;

pub use env::env;

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{command_line, confirm};
use super::error::{self, Error, Fail, Run, fail};
use super::rollout::send_changes;
use super::{get, print};
use crate::api::{Kind, Map, Value};
use crate::base::Str;

/// Where a kind keeps its pod spec.
fn pod_spec(kind: Kind) -> Option<&'static [&'static str]> {
    Some(match kind {
        Kind::POD => &["spec"],
        Kind::CRON_JOB => &["spec", "jobTemplate", "spec", "template", "spec"],
        Kind::DEPLOYMENT
        | Kind::REPLICA_SET
        | Kind::DAEMON_SET
        | Kind::STATEFUL_SET
        | Kind::REPLICATION_CONTROLLER
        | Kind::JOB => &["spec", "template", "spec"],
        _ => return None,
    })
}

/// What one of the verbs below `set` says, and when.
struct Words {
    done: &'static str,
    /// Before the server's refusal; empty: as it is.
    refused: &'static str,
    /// Also confirmed where nothing changes.
    always: bool,
}

/// Changes an object; what it notes as errors does not keep the change from being sent.
type Change<'c> = &'c dyn Fn(&mut Cx<'_, '_>, &Info, &mut Value, &mut Vec<Error>) -> Run;

/// Changes each object and confirms it.
fn each(cx: &mut Cx<'_, '_>, resources: &[Str], words: &Words, change: Change<'_>) -> Run {
    let (found, format, errors) = targets(cx, resources)?;
    change_all(cx, found, format.as_ref(), errors, words, change)
}

/// The objects that are to be changed.
fn targets(cx: &mut Cx<'_, '_>, resources: &[Str]) -> Run<(Vec<Info>, Option<print::Format>, Vec<Error>)> {
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let all = cx.flags.yes("all");
    let options = Options { all, selectable: true, types_alone: false, lenient: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, resources, options)?;
    let found = builder::fetch(cx, items, &mut errors)?;
    Ok((found, format, errors))
}

fn change_all(
    cx: &mut Cx<'_, '_>,
    found: Vec<Info>,
    format: Option<&print::Format>,
    mut errors: Vec<Error>,
    words: &Words,
    change: Change<'_>,
) -> Run {
    for info in found {
        let mut noted = Vec::new();
        let outcome = change_one(cx, &info, words, change, format, &mut noted);
        errors.append(&mut noted);
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn change_one(
    cx: &mut Cx<'_, '_>,
    info: &Info,
    words: &Words,
    change: Change<'_>,
    format: Option<&print::Format>,
    noted: &mut Vec<Error>,
) -> Run {
    let Words { done, refused, always } = *words;
    let mut value = get::value_of(cx, &info.object);
    let before = value.clone();
    match change(cx, info, &mut value, noted) {
        // `set selector` visits, and says only what is wrong.
        Err(Fail::Error(Error::Text(why))) if !refused.is_empty() => {
            return fail(format!("error: {}/{} {why}\n", info.resource.name, info.key.name));
        }
        other => other?,
    }
    if value == before && !always {
        return Ok(());
    }
    if cx.flags.yes("record") {
        let line = command_line(cx);
        value.entry(&["metadata", "annotations"]).make_map().insert("kubernetes.io/change-cause", line);
    }
    if cx.flags.yes("local") {
        // A Go struct came of it.
        value = crate::api::codec::normalize(info.kind, &value, cx.profile);
    }
    if cx.dry_run() == DryRun::Client || cx.flags.yes("local") {
        return confirm(cx, format, &value, done);
    }
    let after = send_changes(cx, info, &value, "kubectl-set").map_err(|e| match e {
        Fail::Error(e @ Error::Status(_)) if !refused.is_empty() => {
            Fail::Error(Error::Text(format!("{refused} {}", e.plain())))
        }
        other => other,
    })?;
    let shown = after.map_or(value, |o| get::value_of(cx, &o));
    confirm(cx, format, &shown, done)
}

/// Whether `-c` names the container: `*` stands for any text.
fn selected(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else { return false };
            (0..=rest.len()).any(|i| rest.is_char_boundary(i) && selected(tail, &rest[i..]))
        }
    }
}

fn no_template(info: &Info) -> Run {
    let (version, kind) = (info.resource.version(), info.resource.kind);
    fail(format!("the object is not a pod or does not have a pod template: *{version}.{kind}"))
}

/// Containers and init containers of the object's pod spec, for change.
fn containers(info: &Info, value: &mut Value, touch: &mut dyn FnMut(&mut Value)) -> Run {
    let Some(path) = pod_spec(info.kind) else { return no_template(info) };
    let spec = value.entry(path).make_map();
    for list in ["initContainers", "containers"] {
        if spec.has(list) {
            for c in spec.entry(list).make_list().items_mut() {
                touch(c);
            }
        }
    }
    Ok(())
}

pub fn image(cx: &mut Cx<'_, '_>) -> Run {
    let (resources, pairs) = super::label::split(&cx.args, "image")?;
    if resources.is_empty() && pairs.is_empty() && !super::manifest::given(cx) {
        return fail(builder::MISSING);
    }
    let mut images: Vec<(Str, Str)> = Vec::new();
    for pair in &pairs {
        match pair.split_once('=') {
            Some((container, image)) => images.push((container.into(), image.into())),
            None => return fail(format!("invalid image spec: {pair}")),
        }
    }
    let mut resources = resources;
    resources.retain(|r| !r.is_empty());
    // The objects are fetched before anything is checked.
    let (found, format, errors) = targets(cx, &resources)?;
    error::all(errors)?;
    if images.is_empty() {
        return fail("at least one image update is required");
    }
    if images.iter().any(|(c, _)| c == "*") && images.len() > 1 {
        return fail(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        );
    }
    let words =
        Words { done: "image updated", refused: "failed to patch image update to pod template:", always: false };
    change_all(cx, found, format.as_ref(), Vec::new(), &words, &|_, info, value, errors| {
        let mut missing: Vec<&Str> = images.iter().map(|(c, _)| c).collect();
        containers(info, value, &mut |c| {
            for (name, image) in &images {
                if name == "*" || name == c.str("name") {
                    missing.retain(|m| *m != name);
                    c.make_map().insert("image", image);
                }
            }
        })?;
        for name in missing.iter().filter(|n| n.as_str() != "*") {
            errors.push(Error::Text(format!("error: unable to find container named \"{name}\"")));
        }
        Ok(())
    })
}

pub const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

pub fn resources(cx: &mut Cx<'_, '_>) -> Run {
    let (limits, requests) = (cx.flags.text("limits").to_owned(), cx.flags.text("requests").to_owned());
    if limits.is_empty() && requests.is_empty() {
        return fail("you must specify an update to requests or limits (in the form of --requests/--limits)");
    }
    let mut wanted: Vec<(&str, Map)> = Vec::new();
    for (field, text) in [("limits", &limits), ("requests", &requests)] {
        let mut map = Map::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            match part.split_once('=') {
                Some((_, v)) if crate::api::quantity::Quantity::parse(v).is_err() => return fail(QUANTITY),
                Some((k, v)) => map.insert(k, v),
                None => return fail(format!("Invalid argument syntax {part}, expected <resource>=<value>")),
            }
        }
        if !map.is_empty() {
            wanted.push((field, map));
        }
    }
    let only = cx.flags.text("containers").to_owned();
    let args = cx.args.clone();
    let words = Words {
        done: "resource requirements updated",
        refused: "failed to patch resources update to pod template",
        always: false,
    };
    each(cx, &args, &words, &|_, info, value, errors| {
        let mut found = false;
        containers(info, value, &mut |c| {
            if !selected(&only, c.str("name")) {
                return;
            }
            found = true;
            for (field, map) in &wanted {
                let old = c.entry(&["resources", field]).make_map();
                for (k, v) in map.iter() {
                    old.insert(k.clone(), v.clone());
                }
            }
        })?;
        if !found {
            errors.push(Error::Text(format!("error: unable to find container named {only}")));
        }
        Ok(())
    })
}

pub fn selector(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(text) = args.pop().filter(|_| !args.is_empty() || super::manifest::given(cx)) else {
        return fail("one selector is required");
    };
    let parsed = super::label::parse_selector(&text).or_else(fail)?;
    let object = super::label::selector_object(&parsed);
    let labels = object.get("matchLabels").cloned().unwrap_or_default();
    let words = Words { done: "selector updated", refused: "", always: true };
    each(cx, &args, &words, &|_, info, value, _| {
        if info.kind != Kind::SERVICE {
            return fail("setting a selector is only supported for Services");
        }
        if let Some(all) = object.get("matchExpressions") {
            let one = |e: &Value| {
                let values: Vec<&str> =
                    e.get("values").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
                format!("{{{} {} [{}]}}", e.str("key"), e.str("operator"), values.join(" "))
            };
            let all: Vec<String> = all.items().iter().map(one).collect();
            return fail(format!("match expression [{}] not supported on this object", all.join(" ")));
        }
        value.entry(&["spec"]).make_map().insert("selector", labels.clone());
        Ok(())
    })
}

pub fn service_account(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(account) = args.pop() else { return fail("serviceaccount is required") };
    let words = Words { done: "serviceaccount updated", refused: "failed to patch ServiceAccountName", always: true };
    each(cx, &args, &words, &|_, info, value, _| {
        let Some(path) = pod_spec(info.kind) else { return no_template(info) };
        let spec = value.entry(path).make_map();
        spec.insert("serviceAccountName", &account);
        spec.insert("serviceAccount", &account);
        Ok(())
    })
}

pub fn subject(cx: &mut Cx<'_, '_>) -> Run {
    let mut wanted: Vec<Map> = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        for name in sorted(cx, flag) {
            wanted.push(map! { "apiGroup" => "rbac.authorization.k8s.io", "kind" => kind, "name" => name });
        }
    }
    let namespace = cx.namespace()?;
    for account in sorted(cx, "serviceaccount") {
        let Some((ns, name)) = account.split_once(':').filter(|(_, a)| !a.is_empty() && !a.contains(':')) else {
            return fail("serviceaccount must be <namespace>:<name>");
        };
        let ns = if ns.is_empty() { namespace.as_str() } else { ns };
        wanted.push(map! { "kind" => "ServiceAccount", "name" => name, "namespace" => ns });
    }
    if wanted.is_empty() {
        return fail("you must specify at least one value of user, group or serviceaccount");
    }
    let args = cx.args.clone();
    let words = Words { done: "subjects updated", refused: "failed to patch subjects to rolebinding:", always: false };
    each(cx, &args, &words, &|_, info, value, _| {
        if !matches!(info.kind, Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING) {
            return fail("setting subjects is only supported for RoleBinding/ClusterRoleBinding");
        }
        let subjects = value.entry(&["subjects"]).make_list();
        for one in &wanted {
            let one = Value::Map(one.clone());
            if !subjects.as_slice().contains(&one) {
                subjects.push(one);
            }
        }
        Ok(())
    })
}

fn sorted(cx: &Cx<'_, '_>, flag: &str) -> std::collections::BTreeSet<Str> {
    cx.flags.all(flag).iter().flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).map(Str::from).collect()
}
