//! `kubectl get`.
//! Models kubectl/pkg/cmd/get get.go.

use super::builder::{self, Item, Options};
use super::context::Cx;
use super::discovery::Resource;
use super::error::{self, Error, Run, fail};
use super::print::table::{self, Layout};
use super::print::{self, Format, jsonpath};
use crate::api::{Kind, Map, Object, Request, Value, WatchEvent, WatchType, convert};
use crate::base::Str;
use std::sync::Arc;

/// What was asked of one resource, and what came.
struct Group {
    resource: &'static Resource,
    objects: Vec<Arc<Object>>,
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let raw = cx.flags.text("raw").to_owned();
    if !raw.is_empty() {
        return super::raw::run(cx, &raw);
    }
    if cx.args.is_empty() && !super::manifest::given(cx) {
        cx.io.errln("You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n");
        let text = "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples";
        return fail(text);
    }
    let format = print::format(cx, true)?;
    if let Value::Map(state) = cx.io.state() {
        return watch_on(cx, WatchState::from(&state), format.as_ref());
    }
    if cx.flags.yes("output-watch-events") && !watching(cx) {
        let text = "--output-watch-events option can only be used with --watch or --watch-only";
        return if cx.modern() { fail(text) } else { cx.usage(text) };
    }
    let output = cx.flags.text("output").to_owned();
    if cx.flags.yes("show-labels") && !matches!(output.as_str(), "" | "wide") {
        return fail(format!("--show-labels option cannot be used with {output} printer"));
    }
    let sort = sort_path(cx)?;
    let all_namespaces = cx.flags.yes("all-namespaces");
    let options = Options { types_alone: true, all_namespaces, selectable: true, lenient: true, ..Options::default() };
    let args = cx.args.clone();
    let mut errors = Vec::new();
    if watching(cx) && sort.is_some() {
        let only = cx.flags.yes("watch-only");
        cx.io.errln(match (cx.modern(), only) {
            (false, _) => "warning: --watch or --watch-only requested, --sort-by will be ignored",
            (true, false) => "warning: --watch requested, --sort-by will be ignored for watch events received",
            (true, true) => "warning: --watch-only requested, --sort-by will be ignored",
        });
    }
    if watching(cx) {
        let (items, _) = builder::items(cx, &args, options)?;
        return watch(cx, &items, format.as_ref());
    }
    let (items, refused) = builder::items(cx, &args, options)?;
    let subresource = cx.flags.text("subresource").to_owned();
    if !subresource.is_empty() {
        return of_subresource(cx, &items, &subresource, format.as_ref());
    }
    if let [Item::Kind { resource, .. }] = &items[..]
        && resource.name == "componentstatuses"
    {
        return super::component_status::get(cx);
    }
    errors.extend(refused);
    let single = matches!(&items[..], [Item::One { .. } | Item::Doc(_)]);
    let namespaced = items.iter().all(|i| resource_of(i).namespaced);
    let groups = fetch(cx, items, &mut errors)?;
    if cx.flags.yes("ignore-not-found") {
        errors.retain(|e| !e.not_found());
    }
    if let Some(format) = format {
        whole(cx, &format, groups, single, sort.as_ref(), &errors)?;
    } else {
        let wrote = human(cx, groups, &args, sort.as_ref())?;
        if !wrote && errors.is_empty() && !cx.flags.yes("ignore-not-found") {
            nothing(cx, all_namespaces || !namespaced)?;
        }
    }
    error::all(errors)
}

/// `--subresource`: the part of each named object that the server keeps under that path.
fn of_subresource(cx: &mut Cx<'_, '_>, items: &[Item], name: &str, format: Option<&Format>) -> Run {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for item in items {
        let Item::One { resource, namespace, name: object } = item else {
            return fail("subresource cannot be used when bulk resources are specified");
        };
        let Some(kind) = resource.modelled else { continue };
        let mut request = Request::get(&crate::api::ObjectKey::new(kind, namespace.clone(), object.clone()));
        // The status comes with the whole object.
        request.subresource = if name == "status" { Str::new() } else { name.into() };
        let Some(found) = error::note(cx.send_object(request), &mut errors)? else { continue };
        let mut value = value_of(cx, &found);
        if name == "scale" {
            value.make_map().insert("apiVersion", "autoscaling/v1");
            value.make_map().insert("kind", "Scale");
        }
        if let Some(format) = format {
            print::object(cx, format, &value)?;
            continue;
        }
        let (now, profile) = (cx.now()?, cx.profile);
        let mut layout = Layout::of(cx);
        layout.with_kind = cx.flags.yes("show-kind");
        if name == "scale" {
            if rows.is_empty() && !layout.no_headers {
                rows.push(["NAME", "DESIRED", "AVAILABLE", "AGE"].map(String::from).into());
            }
            let n = |path: &[&str]| found.int(path).unwrap_or(0).to_string();
            let age = crate::api::table::row(&found, now, profile, false);
            rows.push(vec![
                found.name().to_string(),
                n(&["spec", "replicas"]),
                n(&["status", "replicas"]),
                age.last().map_or_else(String::new, Str::to_string),
            ]);
            continue;
        }
        if rows.is_empty() && !layout.no_headers {
            rows.push(layout.header(resource, kind, profile));
        }
        rows.push(layout.row(&found, resource, now, profile, ""));
    }
    if !rows.is_empty() {
        cx.io.out(table::write(&rows, &mut Vec::new()));
    }
    error::all(errors)
}

fn watching(cx: &Cx<'_, '_>) -> bool {
    cx.flags.yes("watch") || cx.flags.yes("watch-only")
}

fn resource_of(item: &Item) -> &'static Resource {
    match item {
        Item::One { resource, .. } | Item::Kind { resource, .. } => resource,
        Item::Doc(doc) => doc.resource,
    }
}

fn nothing(cx: &mut Cx<'_, '_>, everywhere: bool) -> Run {
    if everywhere {
        cx.io.errln("No resources found");
    } else {
        let text = format!("No resources found in {} namespace.", cx.namespace()?);
        cx.io.errln(text);
    }
    Ok(())
}

fn sort_path(cx: &Cx<'_, '_>) -> Run<Option<jsonpath::Path>> {
    let text = cx.flags.text("sort-by");
    if text.is_empty() {
        return Ok(None);
    }
    let path = jsonpath::relaxed(text).and_then(|t| jsonpath::parse(&t));
    path.map(Some).or_else(fail)
}

/// One group for each resource, in the order asked; a named object joins the group before it.
fn fetch(cx: &mut Cx<'_, '_>, items: Vec<Item>, errors: &mut Vec<Error>) -> Run<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for item in items {
        let resource = resource_of(&item);
        let listing = matches!(item, Item::Kind { .. });
        let before = errors.len();
        let infos = builder::fetch(cx, vec![item], errors)?;
        // A refused list says so and shows no table; an unknown name neither.
        if errors.len() > before || !listing && infos.is_empty() {
            continue;
        }
        let objects = infos.into_iter().map(|i| i.object);
        match groups.last_mut() {
            Some(last) if std::ptr::eq(last.resource, resource) => last.objects.extend(objects),
            _ => groups.push(Group { resource, objects: objects.collect() }),
        }
    }
    Ok(groups)
}

/// As the server of this profile hands it out.
pub fn value_of(cx: &Cx<'_, '_>, object: &Object) -> Value {
    convert::to_preferred(object, cx.profile)
}

/// `-o json` and the like.
fn whole(
    cx: &mut Cx<'_, '_>,
    format: &Format,
    groups: Vec<Group>,
    single: bool,
    sort: Option<&jsonpath::Path>,
    errors: &[Error],
) -> Run {
    let mut values: Vec<Value> = groups.iter().flat_map(|g| g.objects.iter()).map(|o| value_of(cx, o)).collect();
    if single {
        return match values.pop() {
            Some(value) => print::object(cx, format, &value),
            None => Ok(()),
        };
    }
    if let Some(path) = sort
        && let Ok(order) = print::sort::order(path, &values, cx.modern())
    {
        values = order.into_iter().map(|i| values[i].clone()).collect();
    }
    if matches!(format, Format::Name) {
        for value in &values {
            let line = print::name::of(cx.profile, value);
            cx.io.outln(line);
        }
        return Ok(());
    }
    // Nothing to show beside the errors: kubectl prints no empty list then.
    if values.is_empty() && !errors.is_empty() {
        return Ok(());
    }
    let list = print::list(cx.modern(), values);
    print::object(cx, format, &list)
}

/// Tables; whether anything was printed.
fn human(cx: &mut Cx<'_, '_>, groups: Vec<Group>, args: &[Str], sort: Option<&jsonpath::Path>) -> Run<bool> {
    let mut layout = Layout::of(cx);
    layout.with_namespace = cx.flags.yes("all-namespaces");
    let kinds: std::collections::BTreeSet<&str> = groups.iter().map(|g| g.resource.name).collect();
    let category = args.first().is_some_and(|a| super::discovery::category(cx.profile, a).is_some());
    layout.with_kind = kinds.len() > 1 || cx.flags.yes("show-kind") || category;
    let (now, profile) = (cx.now()?, cx.profile);
    let mut wrote = false;
    // Several tables are sorted as if they were objects, which have no such field.
    if let Some(path) = sort.filter(|_| groups.len() > 1) {
        return fail(format!(
            "couldn't find any field with path {} in the list of objects",
            super::flags::quote(&path.text)
        ));
    }
    for group in groups {
        let mut objects = group.objects;
        if group.resource.modelled == Some(Kind::FLOW_SCHEMA) {
            // The server's printer puts them in the order in which they are tried.
            objects.sort_by_key(|o| o.int(&["spec", "matchingPrecedence"]));
        }
        if let Some(path) = sort {
            let values: Vec<Value> = objects.iter().map(|o| o.to_wire()).collect();
            match print::sort::order(path, &values, cx.modern()) {
                Ok(order) => objects = order.into_iter().map(|i| objects[i].clone()).collect(),
                // kubectl logs the failure out of sight and prints nothing.
                Err(_) => continue,
            }
        }
        let Some(kind) = group.resource.modelled.filter(|_| !objects.is_empty()) else { continue };
        let mut rows = Vec::new();
        if !layout.no_headers {
            rows.push(layout.header(group.resource, kind, profile));
        }
        rows.extend(objects.iter().map(|o| layout.row(o, group.resource, now, profile, "")));
        if wrote && !layout.no_headers {
            cx.io.out("\n");
        }
        cx.io.out(table::write(&rows, &mut Vec::new()));
        wrote = true;
    }
    Ok(wrote)
}

/// `-w`: what is there, then every change until interrupted.
fn watch(cx: &mut Cx<'_, '_>, items: &[Item], format: Option<&Format>) -> Run {
    let (resource, kind, namespace, name) = match items {
        [Item::One { resource, namespace, name }] => (*resource, resource.modelled, namespace.clone(), name.clone()),
        [Item::Kind { resource, namespace }] => (*resource, resource.modelled, namespace.clone(), Str::new()),
        [Item::Doc(doc)] => (doc.resource, Some(doc.kind), doc.namespace.clone(), doc.name().into()),
        _ => {
            return fail("you may only specify a single resource type");
        }
    };
    let Some(kind) = kind else { return Ok(()) };
    let mut state = WatchState { kind, header: false, widths: Vec::new() };
    let layout = watch_layout(cx);
    begin(cx, &mut state, &layout, resource, kind, &namespace, &name, format)?;
    cx.checkpoint(state.to_map());
    watch_on(cx, state, format)
}

fn watch_layout(cx: &Cx<'_, '_>) -> Layout {
    let mut layout = Layout::of(cx);
    layout.with_namespace = cx.flags.yes("all-namespaces");
    layout.with_kind = cx.flags.yes("show-kind");
    layout.events = cx.flags.yes("output-watch-events");
    layout
}

/// One event after another.
fn watch_on(cx: &mut Cx<'_, '_>, mut state: WatchState, format: Option<&Format>) -> Run {
    let known = super::discovery::of_kind(cx.profile, state.kind);
    let own = if known.is_none() { super::discovery::customs(cx)? } else { Vec::new() };
    let known = known.or_else(|| own.into_iter().find(|r| r.modelled == Some(state.kind)));
    let Some(resource) = known else { return Ok(()) };
    let layout = watch_layout(cx);
    loop {
        let Some(event) = cx.io.watch_next()? else { return Ok(()) };
        show(cx, &mut state, &layout, resource, &event, format)?;
        cx.checkpoint(state.to_map());
    }
}

/// What goes over from one event to the next.
struct WatchState {
    kind: Kind,
    header: bool,
    widths: Vec<usize>,
}

impl WatchState {
    fn from(value: &Map) -> WatchState {
        let widths = value.get("widths").map_or(&[][..], Value::items);
        let kind = value.get("kind").and_then(Value::as_int).and_then(|k| u32::try_from(k).ok()).unwrap_or(0);
        WatchState {
            kind: Kind(kind),
            header: value.get("header").and_then(Value::as_bool).unwrap_or(false),
            widths: widths.iter().filter_map(|w| usize::try_from(w.as_int()?).ok()).collect(),
        }
    }
    fn to_map(&self) -> Map {
        let widths: Vec<Value> = self.widths.iter().map(|w| Value::Int(*w as i64)).collect();
        map! { "header" => self.header, "kind" => i64::from(self.kind.0), "widths" => widths }
    }
}

#[allow(clippy::too_many_arguments)]
fn begin(
    cx: &mut Cx<'_, '_>,
    state: &mut WatchState,
    layout: &Layout,
    resource: &'static Resource,
    kind: Kind,
    namespace: &str,
    name: &str,
    format: Option<&Format>,
) -> Run {
    let mut request = builder::selected(cx, kind, namespace)?;
    let mut revision = 0;
    if !name.is_empty() {
        // A name that is not there is an error before any watching.
        let key = crate::api::ObjectKey::new(kind, namespace, name);
        let object = cx.get(&key)?;
        request.fields.0.push(("metadata.name".into(), name.into(), true));
        revision = object.resource_version;
        first(cx, state, layout, resource, vec![object], format)?;
    } else {
        let listed = cx.list(request.clone())?;
        revision = revision.max(listed.revision);
        first(cx, state, layout, resource, listed.items, format)?;
    }
    let watch = Request { resource_version: revision, limit: 0, ..request };
    cx.open_watch(watch)
}

/// The objects that were there before.
fn first(
    cx: &mut Cx<'_, '_>,
    state: &mut WatchState,
    layout: &Layout,
    resource: &'static Resource,
    objects: Vec<Arc<Object>>,
    format: Option<&Format>,
) -> Run {
    if cx.flags.yes("watch-only") || objects.is_empty() {
        return Ok(());
    }
    if format.is_some() {
        for object in objects {
            show(cx, state, layout, resource, &WatchEvent { kind: WatchType::Added, object }, format)?;
        }
        return Ok(());
    }
    let (now, profile) = (cx.now()?, cx.profile);
    let mut rows = Vec::new();
    if !layout.no_headers {
        rows.push(layout.header(resource, objects[0].kind(), profile));
        state.header = true;
    }
    rows.extend(objects.iter().map(|o| layout.row(o, resource, now, profile, "ADDED")));
    cx.io.out(table::write(&rows, &mut state.widths));
    Ok(())
}

fn show(
    cx: &mut Cx<'_, '_>,
    state: &mut WatchState,
    layout: &Layout,
    resource: &'static Resource,
    event: &WatchEvent,
    format: Option<&Format>,
) -> Run {
    let word = match event.kind {
        WatchType::Added => "ADDED",
        WatchType::Modified => "MODIFIED",
        WatchType::Deleted => "DELETED",
        WatchType::Bookmark => return Ok(()),
    };
    if let Some(format) = format {
        let value = value_of(cx, &event.object);
        if matches!(format, Format::Yaml) {
            if state.header {
                cx.io.out("---\n");
            }
            state.header = true;
        }
        return print::object(cx, format, &value);
    }
    let (now, profile) = (cx.now()?, cx.profile);
    let mut rows = Vec::new();
    if !state.header && !layout.no_headers {
        rows.push(layout.header(resource, event.object.kind(), profile));
        state.header = true;
    }
    rows.push(layout.row(&event.object, resource, now, profile, word));
    cx.io.out(table::write(&rows, &mut state.widths));
    Ok(())
}
