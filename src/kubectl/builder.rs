//! What the arguments are about: resource types, names, selectors.
//! Models cli-runtime/pkg/resource builder.go.

use super::context::Cx;
use super::discovery::{self, Resource};
use super::error::{Error, Fail, Run, fail};
use super::manifest::{self, Doc};
use crate::api::request::Request;
use crate::api::selector::{FieldSelector, LabelSelector};
use crate::api::{Kind, Object, ObjectKey, Reason, Status};
use crate::base::Str;
use std::sync::Arc;

/// What a command is asked to act on.
#[derive(Clone, Debug)]
pub enum Item {
    One {
        resource: &'static Resource,
        namespace: Str,
        name: Str,
    },
    /// Everything of a resource that the selectors let through.
    Kind {
        resource: &'static Resource,
        namespace: Str,
    },
    Doc(Box<Doc>),
}

/// An object with what it came from.
#[derive(Clone, Debug)]
pub struct Info {
    pub resource: &'static Resource,
    pub kind: Kind,
    pub key: ObjectKey,
    pub object: Arc<Object>,
    pub doc: Option<Box<Doc>>,
}

#[derive(Clone, Copy, Default)]
pub struct Options {
    /// A type alone means all of it (`get`, `describe`).
    pub types_alone: bool,
    /// The command has `--all`, and it was given.
    pub all: bool,
    /// The command has a selector flag or `--all` at all: the words of an error depend on it.
    pub selectable: bool,
    /// Ask in every namespace.
    pub all_namespaces: bool,
    /// Read `-f` without checking it.
    pub lenient: bool,
    /// `--selector` is the command's own and chooses no objects.
    pub own_selector: bool,
}

pub const MISSING: &str = "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'";

/// The items, and the errors of manifests that could not be used.
pub fn items(cx: &mut Cx<'_, '_>, args: &[Str], options: Options) -> Run<(Vec<Item>, Vec<Error>)> {
    if manifest::given(cx) {
        if !args.is_empty() {
            return fail(match args {
                [one] if !one.contains('/') => {
                    "when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well"
                }
                _ => {
                    "when paths, URLs, or stdin is provided as input, you may not specify a resource by arguments as well"
                }
            });
        }
        let (docs, errors) = manifest::read(cx, !options.lenient)?;
        return Ok((docs.into_iter().map(|d| Item::Doc(Box::new(d))).collect(), errors));
    }
    if args.is_empty() {
        let selecting = !cx.flags.text("selector").is_empty() || options.all;
        if selecting && options.selectable {
            return fail("at least one resource must be specified to use a selector");
        }
        return fail(MISSING);
    }
    let found = of_args(cx, args, options)?;
    Ok((found, Vec::new()))
}

fn of_args(cx: &mut Cx<'_, '_>, args: &[Str], options: Options) -> Run<Vec<Item>> {
    let args = spread(args);
    let slashes = args.iter().filter(|a| a.contains('/')).count();
    let tool = "kubectl";
    if slashes > 0 && slashes != args.len() {
        return fail(format!(
            "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. '{tool} get resource/<resource_name>' instead of '{tool} get resource resource/<resource_name>'"
        ));
    }
    if slashes > 0 {
        let tuples = args.iter().map(|a| tuple(a)).collect::<Run<Vec<_>>>()?;
        if !cx.flags.text("selector").is_empty() {
            return fail("selectors and the all flag cannot be used when passing resource/name arguments");
        }
        let mut out = Vec::new();
        for (word, name) in tuples {
            let resource = one_type(cx, word)?;
            out.push(named(cx, resource, name, options)?);
        }
        return Ok(out);
    }
    let Some((types, names)) = args.split_first() else { return fail(MISSING) };
    let mut resources: Vec<&'static Resource> = Vec::new();
    for word in types.split(',') {
        resources.extend(types_of(cx, word)?);
    }
    let selector = if options.own_selector { String::new() } else { cx.flags.text("selector").to_owned() };
    let selecting =
        !selector.is_empty() || options.all || !cx.flags.text("field-selector").is_empty() && options.selectable;
    if !names.is_empty() {
        if !selector.is_empty() || options.all && options.selectable {
            return fail("name cannot be provided when a selector is specified");
        }
        let mut out = Vec::new();
        for resource in &resources {
            for name in names {
                out.push(named(cx, resource, name, options)?);
            }
        }
        return Ok(out);
    }
    if !selecting && !options.types_alone {
        let book = "resource(s) were provided, but no name, label selector, or --all flag specified";
        return fail(cx.by(book, "resource(s) were provided, but no name was specified"));
    }
    let mut out = Vec::new();
    for resource in resources {
        let namespace = scope(cx, resource, options)?;
        out.push(Item::Kind { resource, namespace });
    }
    Ok(out)
}

fn scope(cx: &mut Cx<'_, '_>, resource: &Resource, options: Options) -> Run<Str> {
    if !resource.namespaced || options.all_namespaces { Ok(Str::new()) } else { cx.namespace() }
}

fn named(cx: &mut Cx<'_, '_>, resource: &'static Resource, name: &str, options: Options) -> Run<Item> {
    if resource.namespaced && options.all_namespaces {
        return fail("a resource cannot be retrieved by name across all namespaces");
    }
    let namespace = scope(cx, resource, options)?;
    Ok(Item::One { resource, namespace, name: name.into() })
}

/// `pod,svc a b` as `pod/a pod/b svc/a svc/b`.
fn spread(args: &[Str]) -> Vec<Str> {
    match args.split_first() {
        Some((types, names)) if !names.is_empty() && types.contains(',') && !types.contains('/') => {
            types.split(',').flat_map(|t| names.iter().map(move |n| ecow::eco_format!("{t}/{n}"))).collect()
        }
        _ => args.to_vec(),
    }
}

/// (type, name) of `type/name`.
pub fn tuple(word: &str) -> Run<(&str, &str)> {
    let parts: Vec<&str> = word.split('/').collect();
    match &parts[..] {
        [resource, name] if !resource.is_empty() && !name.is_empty() && !resource.contains(',') => Ok((resource, name)),
        [_, _] => fail("arguments in resource/name form must have a single resource and name"),
        _ => fail("arguments in resource/name form may not have more than one slash"),
    }
}

/// The resources that a word means: several for a category.
fn types_of(cx: &mut Cx<'_, '_>, word: &str) -> Run<Vec<&'static Resource>> {
    if let Some(members) = discovery::category(cx.profile, word) {
        return Ok(members);
    }
    if discovery::resolve(cx.profile, word).is_none() {
        let own = declared(cx, word)?;
        if !own.is_empty() {
            return Ok(own);
        }
        return unknown(word);
    }
    Ok(vec![one_type(cx, word)?])
}

/// The custom resources that a word means, from discovery asked anew.
fn declared(cx: &mut Cx<'_, '_>, word: &str) -> Run<Vec<&'static Resource>> {
    super::verbose::invalidated(cx)?;
    discovery::probe(cx)?;
    discovery::customs_named(cx, word)
}

fn unknown<T>(word: &str) -> Run<T> {
    let name = word.split('.').next().unwrap_or(word);
    fail(format!("the server doesn't have a resource type \"{name}\""))
}

/// The resource of this name. An unknown one makes kubectl ask the server for what it has.
pub fn one_type(cx: &mut Cx<'_, '_>, word: &str) -> Run<&'static Resource> {
    if let Some(resource) = discovery::resolve(cx.profile, word) {
        if cx.modern() && !cx.warned {
            for other in discovery::shadowed(cx.profile, word, resource) {
                cx.warned = true;
                let name = other.full_name();
                cx.io.errln(format!("Warning: short name \"{word}\" could also match lower priority resource {name}"));
            }
        }
        return Ok(resource);
    }
    match declared(cx, word)?.first() {
        Some(resource) => Ok(resource),
        None => unknown(word),
    }
}

/// The objects behind items; what is missing or refused is noted in `errors`.
pub fn fetch(cx: &mut Cx<'_, '_>, items: Vec<Item>, errors: &mut Vec<Error>) -> Run<Vec<Info>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Item::One { resource, namespace, name } => {
                let Some(kind) = resource.modelled else {
                    errors.push(unmodelled(resource, &name));
                    continue;
                };
                let key = ObjectKey::new(kind, namespace, name);
                if let Some(object) = super::error::note(cx.get(&key), errors)? {
                    out.push(Info { resource, kind, key: object.key.clone(), object, doc: None });
                }
            }
            Item::Doc(doc) => {
                let key = doc.key();
                if cx.flags.yes("local") {
                    let object = Arc::new(Object::from_value(doc.kind, &doc.value));
                    out.push(Info { resource: doc.resource, kind: doc.kind, key, object, doc: Some(doc) });
                    continue;
                }
                if let Some(object) = super::error::note(cx.get(&key), errors)? {
                    out.push(Info { resource: doc.resource, kind: doc.kind, key, object, doc: Some(doc) });
                }
            }
            Item::Kind { resource, namespace } => {
                let Some(kind) = resource.modelled else { continue };
                let request = selected(cx, kind, &namespace)?;
                if let Some(listed) = super::error::note(cx.list(request), errors)? {
                    let info =
                        |object: Arc<Object>| Info { resource, kind, key: object.key.clone(), object, doc: None };
                    out.extend(listed.items.into_iter().map(info));
                }
            }
        }
    }
    Ok(out)
}

/// No object of a resource that the simulation does not keep is ever found.
pub fn unmodelled(resource: &Resource, name: &str) -> Error {
    let message = format!("{} \"{name}\" not found", resource.full_name());
    Error::from(Status::new(Reason::NotFound, message))
}

/// A list request with the selectors of the command line.
pub fn selected(cx: &Cx<'_, '_>, kind: Kind, namespace: &str) -> Run<Request> {
    let mut request = Request::list(kind, namespace);
    let chunked = cx.flags.has("chunk-size") && (cx.modern() || cx.path == "kubectl get");
    request.limit = match chunked {
        true => u32::try_from(cx.flags.int("chunk-size")).unwrap_or(0),
        false if cx.modern() => 500,
        false => 0,
    };
    request.labels = labels(cx, kind)?;
    request.fields = fields(cx, kind)?;
    Ok(request)
}

fn unable(kind: Kind, cx: &Cx<'_, '_>, why: &str) -> Fail {
    let info = kind.info();
    let (labels, fields) = (cx.flags.text("selector"), cx.flags.text("field-selector"));
    let message = format!(
        "Unable to find \"{}/{}, Resource={}\" that match label selector \"{labels}\", field selector \"{fields}\": {why}",
        info.group, info.version, info.plural
    );
    Fail::Error(Error::from(Status::new(Reason::BadRequest, message)))
}

fn labels(cx: &Cx<'_, '_>, kind: Kind) -> Run<LabelSelector> {
    parse_labels(cx.flags.text("selector"), cx).map_err(|why| unable(kind, cx, &why))
}

fn fields(cx: &Cx<'_, '_>, kind: Kind) -> Run<FieldSelector> {
    let text = cx.flags.text("field-selector");
    let parsed = FieldSelector::parse(text).map_err(|e| unable(kind, cx, &e.0))?;
    parsed.check(kind).map_err(|why| unable(kind, cx, &why))?;
    Ok(parsed)
}

/// Parses a label selector as typed: `a=b,c!=d,e in (f,g),!h`.
pub fn parse_labels(text: &str, cx: &Cx<'_, '_>) -> Result<LabelSelector, String> {
    LabelSelector::parse(text, cx.profile).map_err(|e| e.0)
}
