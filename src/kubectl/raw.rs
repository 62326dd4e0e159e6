//! `get --raw URL`: the server's answer as it sends it.

use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use super::wire;
use crate::api::selector::{FieldSelector, LabelSelector};
use crate::api::{Kind, Request, Response, Verb};
use crate::base::{Duration, Str};

const NO_SUCH: &str = "Error from server (NotFound): the server could not find the requested resource";

pub fn run(cx: &mut Cx<'_, '_>, url: &str) -> Run {
    let Some((kind, mut request)) = request(cx, url)? else {
        let text = cx.url(url)?;
        cx.io.out(text);
        return Ok(());
    };
    if request.verb == Verb::Watch {
        return watch(cx, request);
    }
    request.resource_version = 0;
    let scale = request.subresource == "scale";
    let text = match cx.send(request)? {
        Response::Object(o) if scale => wire::scale(&o) + "\n",
        Response::Object(o) => wire::object(cx.profile, &o) + "\n",
        Response::List { items, resource_version, continue_token, remaining } => {
            let meta = wire::list_meta(resource_version, &continue_token, remaining);
            wire::list(cx.profile, kind, &items, &meta) + "\n"
        }
        Response::Text(text) => text.to_string(),
        _ => String::new(),
    };
    cx.io.out(text);
    Ok(())
}

/// The request for an object's URL; `None`: it is no object's.
fn request(cx: &mut Cx<'_, '_>, url: &str) -> Run<Option<(Kind, Request)>> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    if !path.starts_with('/') {
        let quoted = super::flags::quote(url);
        let why = format!("--raw must be a valid URL path: parse {quoted}: invalid URI for request");
        return if cx.modern() { fail(why) } else { cx.usage(why) };
    }
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let (group, version, rest) = match &parts[..] {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(None),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !matches!(rest[0], "status" | "finalize") => {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    let served = |k: &Kind| {
        let full = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        k.api_version_in(cx.profile) == full || k.served(cx.profile).contains(&full.as_str())
    };
    let metrics = group == "metrics.k8s.io";
    let found = Kind::all().find(|k| k.plural() == rest[0] && (metrics || served(k)));
    let Some(kind) = found else { return fail_raw(NO_SUCH) };
    let name: Str = rest.get(1).copied().unwrap_or("").into();
    let mut request = match name.is_empty() {
        true => Request::list(kind, namespace),
        false => Request::new(Verb::Get, kind, namespace, name),
    };
    request.subresource = if metrics { "metrics".into() } else { rest.get(2).copied().unwrap_or("").into() };
    for pair in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let value = decoded(value);
        match key {
            "limit" => request.limit = value.parse().unwrap_or(0),
            "continue" => request.continue_token = value.into(),
            "watch" if matches!(value.as_str(), "1" | "true") => request.verb = Verb::Watch,
            "resourceVersion" => request.resource_version = value.parse().unwrap_or(0),
            "timeoutSeconds" => request.timeout = Duration::secs(value.parse().unwrap_or(0)),
            "labelSelector" => request.labels = LabelSelector::parse(&value, cx.profile).or_else(|e| fail(e.0))?,
            "fieldSelector" => request.fields = FieldSelector::parse(&value).or_else(|e| fail(e.0))?,
            _ => {}
        }
    }
    Ok(Some((kind, request)))
}

/// A watch prints each event as it comes, those that are there first, until its time is over.
fn watch(cx: &mut Cx<'_, '_>, mut request: Request) -> Run {
    let timeout = request.timeout;
    if request.resource_version == 0 {
        let listing = Request { verb: Verb::List, timeout: Duration::ZERO, ..request.clone() };
        let found = cx.list(listing)?;
        for o in &found.items {
            let line = wire::event("ADDED", &wire::object(cx.profile, o));
            cx.io.out(line);
        }
        request.resource_version = found.revision;
    }
    request.timeout = timeout;
    cx.open_watch(request)?;
    while let Some(event) = cx.io.watch_next()? {
        let line = wire::event(wire::event_type(event.kind), &wire::object(cx.profile, &event.object));
        cx.io.out(line);
    }
    Ok(())
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                i += 1;
            }
            (byte, _) => {
                out.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
