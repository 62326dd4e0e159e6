//! `kubectl apply`: client-side with the last applied configuration kept in an annotation, and
//! server-side.
//! Models kubectl/pkg/cmd/apply apply.go, patcher.go.

mod prune;

use super::commands::{Verb, flags as sets, sub};
use super::context::{Cx, DryRun};
use super::create::{at_source, confirm, record};
use super::error::{self, Run, fail};
use super::manifest::{self, Doc};
use super::{builder, get, print};
use crate::api::request::PatchType;
use crate::api::{Map, Object, Request, Value, meta, patch, schema};

use std::sync::Arc;

pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const MANAGER: &str = "kubectl-client-side-apply";

pub static SUB: &[Verb] = &[
    sub(
        "view-last-applied",
        &[sets::FILE, sets::SELECT, &[super::flags::text("output", "o", "yaml"), super::flags::yes("all", "")]],
        view_last_applied,
        "(TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)",
        "View latest last-applied-configuration annotations of a resource/object",
    ),
    sub(
        "set-last-applied",
        &[sets::FILE, sets::PRINT, sets::DRY, &[super::flags::yes("create-annotation", "")]],
        set_last_applied,
        "-f FILENAME",
        "Set the last-applied-configuration annotation on a live object to match the contents of a file.",
    ),
    sub(
        "edit-last-applied",
        &[sets::FILE, sets::PRINT],
        super::edit::last_applied,
        "(RESOURCE/NAME | -f FILENAME)",
        "Edit latest last-applied-configuration annotations of a resource/object",
    ),
];

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        let words: Vec<&str> = cx.args.iter().map(|a| a.as_str()).collect();
        if !manifest::given(cx) {
            return fail("must specify one of -f and -k");
        }
        return cx.usage(format!("Unexpected args: [{}]", words.join(" ")));
    }
    if !manifest::given(cx) {
        return fail("must specify one of -f and -k");
    }
    if cx.flags.yes("force-conflicts") && !cx.flags.yes("server-side") {
        return fail("--force-conflicts only works with --server-side");
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let (docs, mut errors) = manifest::read(cx, true)?;
    if docs.is_empty() && errors.is_empty() {
        return fail("no objects passed to apply");
    }
    let (mut applied, mut seen) = (Vec::new(), prune::Seen::default());
    for doc in docs {
        if let Some(one) = error::note(apply(cx, &doc), &mut errors)? {
            seen.note(&doc, &one.0);
            match &format {
                None => confirm(cx, None, &one.0, one.1)?,
                Some(print::Format::Name) => print::object(cx, &print::Format::Name, &one.0)?,
                Some(_) => applied.push(one.0),
            }
        }
    }
    if let Some(format) = &format {
        match applied.len() {
            0 => {}
            1 => print::object(cx, format, &applied[0])?,
            _ => {
                let list = print::list(cx.modern(), applied);
                print::object(cx, format, &list)?;
            }
        }
    }
    if cx.flags.yes("prune") && errors.is_empty() {
        prune::run(cx, &seen, format.as_ref())?;
    }
    super::verbose::applied(cx)?;
    error::all(errors)
}

/// The object after it, and what happened to it.
fn apply(cx: &mut Cx<'_, '_>, doc: &Doc) -> Run<(Value, &'static str)> {
    if cx.flags.yes("server-side") {
        return server_side(cx, doc);
    }
    let mut modified = doc.value.clone();
    strip_last_applied(&mut modified);
    record(cx, &mut modified);
    annotate(cx, &mut modified);
    let generated = doc.value.at(&["metadata", "generateName"]).map_or("", Value::as_str);
    if doc.name().is_empty() && !generated.is_empty() {
        return fail(format!("from {generated}: cannot use generate name with apply"));
    }
    if doc.name().is_empty() {
        let why = format!(
            "error when retrieving current configuration of:\n{}\nfrom server for: \"{}\": resource name may not be empty",
            about(doc),
            doc.source
        );
        return fail(why);
    }
    let Some(current) =
        cx.find(&doc.key()).map_err(|e| at_source(e, "retrieving current configuration of", &doc.source))?
    else {
        if cx.dry_run() == DryRun::Client {
            return Ok((modified, "created"));
        }
        let mut request = super::create::post(cx, doc.kind, &doc.namespace, modified);
        request.field_manager = manager(cx, MANAGER);
        let made = cx.send_object(request).map_err(|e| at_source(e, "creating", &doc.source))?;
        return Ok((get::value_of(cx, &made), "created"));
    };
    let missing = meta::annotation(&current, LAST_APPLIED).is_none();
    if missing {
        warn_missing(cx, doc);
    }
    if cx.dry_run() == DryRun::Client {
        let shown = get::value_of(cx, &current);
        return Ok((shown, "configured"));
    }
    let patch = three_way(cx, &current, &modified)?;
    if patch.is_empty() {
        return Ok((get::value_of(cx, &current), "unchanged"));
    }
    let mut request = Request::patch(&doc.key(), PatchType::StrategicMerge, Value::Map(patch));
    request = cx.write(request, MANAGER);
    request.field_manager = manager(cx, MANAGER);
    let after = cx.send_object(request).map_err(|e| patch_error(e, doc))?;
    let same = cx.modern() && after.body == current.body && cx.dry_run() == DryRun::No;
    let done = if same { "unchanged" } else { "configured" };
    Ok((get::value_of(cx, &after), done))
}

fn patch_error(e: error::Fail, doc: &Doc) -> error::Fail {
    match e {
        error::Fail::Error(inner @ error::Error::Status(_)) if !inner.is(crate::api::Reason::Invalid) => {
            let text = format!("error when applying patch:\nto:\n{}\nfor: \"{}\": ", about(doc), doc.source);
            error::Fail::Error(inner.prefixed(&text))
        }
        other => other,
    }
}

fn about(doc: &Doc) -> String {
    let (group, version) = (doc.resource.group(), doc.resource.version());
    format!(
        "Resource: \"{group}/{version}, Resource={}\", GroupVersionKind: \"{group}/{version}, Kind={}\"\nName: \"{}\", Namespace: \"{}\"",
        doc.resource.name,
        doc.resource.kind,
        doc.name(),
        doc.namespace
    )
    .replace("\"/v1", "\"/v1")
}

fn manager(cx: &Cx<'_, '_>, default: &str) -> crate::base::Str {
    match cx.flags.text("field-manager") {
        "" => default.into(),
        given => given.into(),
    }
}

/// What to send so that the live object gets what is applied and loses what no longer is.
pub fn three_way(cx: &Cx<'_, '_>, current: &Object, modified: &Value) -> Run<Map> {
    let last = meta::annotation(current, LAST_APPLIED).and_then(|text| Value::from_json(text).ok());
    // What was applied in an older version is compared in the one that the server answers with.
    let same = |v: &Value| -> Value {
        if current.kind() != crate::api::Kind::INGRESS {
            return v.clone();
        }
        let mut out = crate::api::convert::to_stored(current.kind(), v);
        out.make_map().insert("apiVersion", current.kind().api_version_in(cx.profile));
        out
    };
    let original = last.and_then(|v| same(&v).as_map().cloned()).unwrap_or_default();
    let modified = &same(modified);
    let live = get::value_of(cx, current);
    let (Some(modified), Some(live)) = (modified.as_map(), live.as_map()) else { return Ok(Map::new()) };
    let schema = Some(schema::of(current.kind()));
    patch::three_way(schema, &original, modified, live, cx.profile).or_else(fail)
}

/// Keeps the whole configuration in its own annotation.
pub fn annotate(cx: &Cx<'_, '_>, value: &mut Value) {
    let mut kept = value.clone();
    strip_last_applied(&mut kept);
    if !cx.flags.yes("server-side") {
        // The encoder goes through an accessor that leaves an empty map behind.
        kept.entry(&["metadata", "annotations"]).make_map();
    }
    let text = match print::typed(cx, value) {
        // A Go struct leaves an empty map out.
        Some(text) => text + "\n",
        None => print::json::compact(&kept) + "\n",
    };
    value.entry(&["metadata", "annotations"]).make_map().insert(LAST_APPLIED, text);
}

fn strip_last_applied(value: &mut Value) {
    if value.at(&["metadata", "annotations", LAST_APPLIED]).is_some() {
        value.entry(&["metadata", "annotations"]).make_map().remove(LAST_APPLIED);
    }
}

fn warn_missing(cx: &mut Cx<'_, '_>, doc: &Doc) {
    let tool = "kubectl";
    let text = format!(
        "Warning: resource {}/{} is missing the {LAST_APPLIED} annotation which is required by {tool} apply. {tool} apply should only be used on resources created declaratively by either {tool} create --save-config or {tool} apply. The missing annotation will be patched automatically.",
        doc.resource.name,
        doc.name()
    );
    cx.io.errln(text);
}

fn server_side(cx: &mut Cx<'_, '_>, doc: &Doc) -> Run<(Value, &'static str)> {
    let mut body = doc.value.clone();
    strip_last_applied(&mut body);
    let mut request = Request::patch(&doc.key(), PatchType::Apply, body);
    request = cx.write(request, "kubectl");
    request.force = cx.flags.yes("force-conflicts");
    let again = request.clone();
    let after = match cx.send_object(request) {
        Ok(after) => after,
        Err(error::Fail::Error(error::Error::Status(s))) if s.reason == crate::api::Reason::Conflict => {
            let text = format!(
                "{}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
                s.message
            );
            return fail(text);
        }
        Err(e) => return Err(e),
    };
    let after = if cx.modern() { migrate(cx, doc, after, again)? } else { after };
    Ok((get::value_of(cx, &after), "serverside-applied"))
}

/// What client-side apply owned passes over to server-side apply.
/// Models ApplyOptions.saveLastApplyAnnotationIfNecessary and migrateToSSAIfNecessary.
fn migrate(cx: &mut Cx<'_, '_>, doc: &Doc, after: Arc<Object>, again: Request) -> Run<Arc<Object>> {
    let mut object = after;
    let annotation = meta::annotation(&object, LAST_APPLIED).map(crate::base::Str::from);
    if let Some(text) = annotation.filter(|_| again.field_manager == "kubectl")
        && !object.managed.applied_annotation(LAST_APPLIED)
    {
        let mut annotations = Map::new();
        annotations.insert(LAST_APPLIED, text);
        let body = map! {
            "apiVersion" => doc.value.str("apiVersion"),
            "kind" => doc.value.str("kind"),
            "metadata" => map! { "annotations" => annotations, "name" => object.name(), "namespace" => object.namespace() },
        };
        let mut request = Request::patch(&object.key, PatchType::Apply, Value::Map(body));
        request.field_manager = "kubectl-last-applied".into();
        request.dry_run = again.dry_run;
        object = cx.send_object(request)?;
    }
    let Some(owners) = object.managed.upgraded(LAST_APPLIED, &again.field_manager) else { return Ok(object) };
    let replace = |path: &str, value: Value| Value::Map(map! { "op" => "replace", "path" => path, "value" => value });
    let operations = vec![
        replace("/metadata/managedFields", owners.encode()),
        replace("/metadata/resourceVersion", object.resource_version.to_string().into()),
    ];
    let mut request = Request::patch(&object.key, PatchType::Json, operations.into());
    request.field_manager = again.field_manager.clone();
    request.dry_run = again.dry_run;
    cx.send_object(request)?;
    // Once more, so that fields which are no longer wanted go.
    cx.send_object(again)
}

fn view_last_applied(cx: &mut Cx<'_, '_>) -> Run {
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "yaml" | "json") {
        return cx.usage(format!("Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json"));
    }
    let args = cx.args.clone();
    let (items, mut errors) =
        builder::items(cx, &args, builder::Options { types_alone: true, lenient: true, ..Default::default() })?;
    for info in builder::fetch(cx, items, &mut errors)? {
        match meta::annotation(&info.object, LAST_APPLIED) {
            Some(text) => {
                let value = Value::from_json(text).unwrap_or_default();
                cx.io.out(if output == "json" { two_spaces(&value) } else { print::yaml::document(&value) });
            }
            None => {
                return fail(format!("no last-applied-configuration annotation found on resource: {}", info.key.name));
            }
        }
    }
    error::all(errors)
}

/// JSON indented by two.
pub fn two_spaces(value: &Value) -> String {
    print::json::pretty(value)
        .lines()
        .map(|l| {
            let depth = (l.len() - l.trim_start().len()) / 4;
            format!("{}{}\n", "  ".repeat(depth), l.trim_start())
        })
        .collect()
}

fn set_last_applied(cx: &mut Cx<'_, '_>) -> Run {
    if !manifest::given(cx) {
        return fail("must specify --filename");
    }
    let (docs, mut errors) = manifest::read(cx, false)?;
    for doc in docs {
        let outcome = set_one(cx, &doc);
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn set_one(cx: &mut Cx<'_, '_>, doc: &Doc) -> Run {
    let current = cx.get(&doc.key())?;
    if meta::annotation(&current, LAST_APPLIED).is_none() && !cx.flags.yes("create-annotation") {
        return fail(format!(
            "no last-applied-configuration annotation found on resource: {}, to create the annotation, run the command with --create-annotation",
            doc.name()
        ));
    }
    let mut value = doc.value.clone();
    annotate(cx, &mut value);
    let same = |o: &Object| {
        value.at(&["metadata", "annotations", LAST_APPLIED]).map(Value::as_str) == meta::annotation(o, LAST_APPLIED)
    };
    if same(&current) {
        let line = format!("set-last-applied {}: no changes required.", doc.name());
        cx.io.outln(line);
        return Ok(());
    }
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, None, &value, "configured");
    }
    let text = value.at(&["metadata", "annotations", LAST_APPLIED]).cloned().unwrap_or_default();
    let mut annotations = Map::new();
    annotations.insert(LAST_APPLIED, text);
    let body = map! { "metadata" => map! { "annotations" => annotations } };
    let request = cx.write(Request::patch(&doc.key(), PatchType::Merge, Value::Map(body)), "kubectl-apply");
    let after = cx.send_object(request)?;
    let shown = get::value_of(cx, &after);
    confirm(cx, None, &shown, "configured")
}
