//! `kubectl set`.
//! Models kubectl/pkg/cmd/set.

mod env;

pub use env::env;

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{command_line, confirm};
use super::error::{self, Run, fail};
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

/// Changes the pod spec of each object and confirms it.
fn each(
    cx: &mut Cx<'_, '_>,
    resources: &[Str],
    done: &str,
    change: &dyn Fn(&mut Cx<'_, '_>, &Info, &mut Value) -> Run,
) -> Run {
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let all = cx.flags.yes("all");
    let options = Options { all, selectable: true, types_alone: false, lenient: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, resources, options)?;
    for info in builder::fetch(cx, items, &mut errors)? {
        let outcome = change_one(cx, &info, done, change, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn change_one(
    cx: &mut Cx<'_, '_>,
    info: &Info,
    done: &str,
    change: &dyn Fn(&mut Cx<'_, '_>, &Info, &mut Value) -> Run,
    format: Option<&print::Format>,
) -> Run {
    let mut value = get::value_of(cx, &info.object);
    let before = value.clone();
    change(cx, info, &mut value)?;
    if value == before {
        return Ok(());
    }
    if cx.flags.yes("record") {
        let line = command_line(cx);
        value.entry(&["metadata", "annotations"]).make_map().insert("kubernetes.io/change-cause", line);
    }
    if cx.dry_run() == DryRun::Client || cx.flags.yes("local") {
        return confirm(cx, format, &value, done);
    }
    let after = send_changes(cx, info, &value, "kubectl-set")?;
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

/// Containers and init containers of the object's pod spec, for change.
fn containers(info: &Info, value: &mut Value, touch: &mut dyn FnMut(&mut Value)) -> Run {
    let Some(path) = pod_spec(info.kind) else {
        return fail(format!("the object is not a pod or does not have a pod template: *{}", info.resource.kind));
    };
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
    if images.is_empty() && !super::manifest::given(cx) {
        return fail("at least one image update is required");
    }
    if images.iter().any(|(c, _)| c == "*") && images.len() > 1 {
        return fail(
            "all containers are already specified by *, but saw more than one container_name=container_image pairs",
        );
    }
    resources.retain(|r| !r.is_empty());
    each(cx, &resources, "image updated", &|_, info, value| {
        let mut missing: Vec<&Str> = images.iter().map(|(c, _)| c).collect();
        containers(info, value, &mut |c| {
            for (name, image) in &images {
                if name == "*" || name == c.str("name") {
                    missing.retain(|m| *m != name);
                    c.make_map().insert("image", image);
                }
            }
        })?;
        match missing.first() {
            Some(name) if name.as_str() != "*" => fail(format!("unable to find container named \"{name}\"")),
            _ => Ok(()),
        }
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
                None => return fail(format!("invalid argument syntax {part}, expected <resource>=<value>")),
            }
        }
        if !map.is_empty() {
            wanted.push((field, map));
        }
    }
    let only = cx.flags.text("containers").to_owned();
    let args = cx.args.clone();
    each(cx, &args, "resource requirements updated", &|_, info, value| {
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
        if found { Ok(()) } else { fail(format!("unable to find container named {only}")) }
    })
}

pub fn selector(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(text) = args.pop().filter(|_| !args.is_empty() || super::manifest::given(cx)) else {
        return fail("one selector is required");
    };
    let parsed = super::label::parse_selector(&text).or_else(fail)?;
    let labels = super::label::selector_object(&parsed).get("matchLabels").cloned().unwrap_or_default();
    each(cx, &args, "selector updated", &|_, info, value| {
        if info.kind != Kind::SERVICE {
            return fail("setting a selector is only supported for Services");
        }
        value.entry(&["spec"]).make_map().insert("selector", labels.clone());
        Ok(())
    })
}

pub fn service_account(cx: &mut Cx<'_, '_>) -> Run {
    let mut args = cx.args.clone();
    let Some(account) = args.pop() else { return fail("serviceaccount is required") };
    each(cx, &args, "serviceaccount updated", &|_, info, value| {
        let Some(path) = pod_spec(info.kind) else { return fail("the object has no pod template") };
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
    each(cx, &args, "subjects updated", &|_, info, value| {
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
