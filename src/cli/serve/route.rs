//! From an HTTP request to a request of the simulation.

use kubedrill::api::discovery::Resource;
use kubedrill::api::request::{FieldValidation, PatchType, Propagation};
use kubedrill::api::selector::{FieldSelector, LabelSelector};
use kubedrill::api::{Kind, Profile, Request, Value, Verb};
use kubedrill::map;

use super::encode::{self, How};
use super::http::{Asked, Part};

pub enum Target {
    Plain(Part),
    Request(Box<Request>, How),
}

pub fn route(asked: &Asked, profile: Profile, customs: &[&'static Resource]) -> Target {
    // A page of some other site cannot reach it by a name of its own.
    let host = asked.header("host").rsplit_once(':').map_or(asked.header("host"), |(h, _)| h);
    if !matches!(host, "127.0.0.1" | "localhost") {
        return Target::Plain(encode::status(403, "Forbidden", "only for this computer"));
    }
    // A server without the WatchList feature refuses so, and the client lists first.
    if asked.query("sendInitialEvents").is_some_and(|v| v == "true") {
        let why = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
        return Target::Plain(encode::status(422, "Invalid", why));
    }
    if asked.method == "GET"
        && let Some(part) = super::discovery::document(asked, profile, customs)
    {
        return Target::Plain(part);
    }
    match request(asked, profile, customs) {
        Ok(Some((request, how))) => Target::Request(Box::new(request), how),
        Ok(None) => Target::Plain(encode::status(404, "NotFound", "the server could not find the requested resource")),
        Err(why) => Target::Plain(encode::status(400, "BadRequest", &why)),
    }
}

fn request(asked: &Asked, profile: Profile, customs: &[&'static Resource]) -> Result<Option<(Request, How)>, String> {
    let parts: Vec<&str> = asked.path.split('/').filter(|p| !p.is_empty()).collect();
    let (api_version, rest) = match parts[..] {
        ["api", version, ref rest @ ..] => (version.to_owned(), rest),
        ["apis", group, version, ref rest @ ..] => (format!("{group}/{version}"), rest),
        _ => return Ok(None),
    };
    let (namespace, rest) = match *rest {
        ["namespaces", namespace, plural, ref rest @ ..] if !matches!(plural, "status" | "finalize") => {
            (namespace, [&[plural][..], rest].concat())
        }
        ref rest => ("", rest.to_vec()),
    };
    let (plural, name, sub) = match rest[..] {
        [plural] => (plural, "", ""),
        [plural, name] => (plural, name, ""),
        [plural, name, sub] => (plural, name, sub),
        _ => return Ok(None),
    };
    let body = body(asked)?;
    if plural.starts_with("selfsubject") && asked.method == "POST" {
        let mut request = Request::new(Verb::Create, Kind::CLUSTER_ROLE, "", "");
        request.subresource = plural.into();
        request.body = body;
        sign(asked, &mut request);
        return Ok(Some((request, How::review(api_version, plural, profile))));
    }
    let served = |k: &Kind| k.plural() == plural && k.served(profile).contains(&api_version.as_str());
    let own = customs.iter().find(|r| r.name == plural && r.api_version == api_version);
    let Some(kind) = Kind::all().find(served).or_else(|| own.and_then(|r| r.modelled)) else { return Ok(None) };
    let flag = |name: &str| matches!(asked.query(name), Some("" | "true" | "1"));
    let verb = match (asked.method.as_str(), name) {
        ("GET", _) if flag("watch") => Verb::Watch,
        ("GET", "") => Verb::List,
        ("GET", _) => Verb::Get,
        ("POST", _) => Verb::Create,
        ("PUT", _) => Verb::Update,
        ("PATCH", _) => Verb::Patch,
        ("DELETE", "") => Verb::DeleteCollection,
        ("DELETE", _) => Verb::Delete,
        _ => return Ok(None),
    };
    let mut r = Request::new(verb, kind, namespace, name);
    r.subresource = sub.into();
    r.labels = LabelSelector::parse(asked.query("labelSelector").unwrap_or(""), profile).map_err(|e| e.to_string())?;
    r.fields = FieldSelector::parse(asked.query("fieldSelector").unwrap_or("")).map_err(|e| e.to_string())?;
    if verb == Verb::Watch && !name.is_empty() {
        r.fields = FieldSelector::one("metadata.name", name);
        r.name = "".into();
    }
    r.limit = number(asked, "limit");
    r.continue_token = asked.query("continue").unwrap_or("").into();
    r.resource_version = number(asked, "resourceVersion");
    r.dry_run = asked.query("dryRun") == Some("All");
    r.force = flag("force");
    r.field_manager = asked.query("fieldManager").unwrap_or("").into();
    r.field_validation = match asked.query("fieldValidation") {
        Some("Strict") => FieldValidation::Strict,
        Some("Warn") => FieldValidation::Warn,
        _ => FieldValidation::Ignore,
    };
    let content = asked.header("content-type");
    r.patch = match content.split(';').next().unwrap_or("") {
        "application/json-patch+json" => PatchType::Json,
        "application/merge-patch+json" => PatchType::Merge,
        "application/apply-patch+yaml" => PatchType::Apply,
        _ => PatchType::StrategicMerge,
    };
    if matches!(verb, Verb::Delete | Verb::DeleteCollection) {
        delete_options(asked, body.as_ref(), &mut r);
    } else if sub == "log" {
        let text = |name: &str| asked.query(name).unwrap_or("").to_owned();
        r.body = Some(Value::Map(map! { "container" => text("container"), "previous" => flag("previous") }));
    } else {
        r.body = body;
    }
    sign(asked, &mut r);
    Ok(Some((r, How::of(asked, kind, api_version, sub, profile).with(own.and_then(|r| r.custom)))))
}

fn number<T: std::str::FromStr + Default>(asked: &Asked, name: &str) -> T {
    asked.query(name).and_then(|s| s.parse().ok()).unwrap_or_default()
}

fn body(asked: &Asked) -> Result<Option<Value>, String> {
    if asked.body.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&asked.body).map_err(|_| "the body is no text".to_owned())?;
    serde_yaml_like(text).map(Some)
}

/// JSON, or the YAML of an apply.
fn serde_yaml_like(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return Value::from_json(text).map_err(|e| e.to_string());
    }
    serde_yaml::from_str(text).map_err(|e| e.to_string())
}

fn sign(asked: &Asked, r: &mut Request) {
    r.user = "kubernetes-admin".into();
    let agent = asked.header("user-agent");
    r.user_agent = agent.split('/').next().unwrap_or("kubectl").into();
    let acting = asked.header("impersonate-user");
    if !acting.is_empty() {
        r.impersonator = std::mem::replace(&mut r.user, acting.into());
        r.groups = asked.header_all("impersonate-group").map(Into::into).collect();
    }
}

fn delete_options(asked: &Asked, body: Option<&Value>, r: &mut Request) {
    let none = Value::Null;
    let options = body.unwrap_or(&none);
    let grace = options.get("gracePeriodSeconds").and_then(Value::as_int);
    r.grace_period_s = grace.or_else(|| asked.query("gracePeriodSeconds").and_then(|s| s.parse().ok()));
    r.propagation = match asked.query("propagationPolicy").unwrap_or_else(|| options.str("propagationPolicy")) {
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        _ => None,
    };
    if options.at(&["preconditions", "uid"]).is_some() {
        r.uid = options.at(&["preconditions", "uid"]).map(Value::as_str).unwrap_or_default().into();
    }
    r.dry_run |= options.get("dryRun").is_some_and(|d| d.items().iter().any(|v| v.as_str() == "All"));
}
