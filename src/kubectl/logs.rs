//! `kubectl logs`.
//! Models kubectl/pkg/cmd/logs.

use super::builder;
use super::context::Cx;
use super::error::{Error, Fail, Run, fail};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Response, Status, Value, Verb, meta, pod};
use crate::base::arrange::Arrange;
use crate::base::{Duration, Str, Time};
use std::sync::Arc;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if let Value::Map(state) = cx.io.state() {
        return follow(cx, state);
    }
    let selector = cx.flags.text("selector").to_owned();
    if cx.args.is_empty() && selector.is_empty() {
        let text = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";
        return cx.usage(text);
    }
    if !cx.args.is_empty() && !selector.is_empty() {
        return cx.usage("only a selector (-l) or a POD name is allowed");
    }
    if cx.args.len() > 2 {
        return cx.usage("expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command");
    }
    let flags = &cx.flags;
    if cx.args.len() == 2 && !flags.text("container").is_empty() {
        return cx.usage("only one of -c or an inline [CONTAINER] arg is allowed");
    }
    let named: Str = if cx.args.len() == 2 { cx.args[1].clone() } else { flags.text("container").into() };
    if flags.yes("all-containers") && !named.is_empty() {
        return fail(format!("--all-containers=true should not be specified with container name {named}"));
    }
    if flags.changed("tail") && flags.int("tail") < -1 {
        return fail("--tail must be greater than or equal to -1");
    }
    let since = flags.text("since-time");
    if !since.is_empty() && Time::parse_rfc3339(since).is_none() {
        return fail(since_time_error(since));
    }
    if flags.int("limit-bytes") < 0 {
        return fail("--limit-bytes must be greater than 0");
    }
    if flags.changed("since") && flags.micros("since") < 0 {
        return fail("--since must be greater than 0");
    }
    let pods: Vec<Arc<Object>> = if selector.is_empty() {
        let word = cx.args[0].clone();
        vec![one_pod(cx, &word, true)?]
    } else {
        let namespace = cx.namespace()?;
        let mut request = Request::list(Kind::POD, namespace);
        request.labels = builder::parse_labels(&selector, cx).or_else(fail)?;
        cx.list(request)?.items
    };
    for p in &pods {
        for container in containers(cx, p)? {
            print(cx, p, &container)?;
        }
    }
    Ok(())
}

/// What Go's time.Parse says of a text that is no time of RFC 3339.
fn since_time_error(text: &str) -> String {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    const PARTS: [(&str, usize); 11] = [
        ("2006", 4),
        ("-", 1),
        ("01", 2),
        ("-", 1),
        ("02", 2),
        ("T", 1),
        ("15", 2),
        (":", 1),
        ("04", 2),
        (":", 1),
        ("05", 2),
    ];
    let mut rest = text;
    let mut missing = "Z07:00";
    for (part, len) in PARTS {
        let digits = part.len() > 1;
        let fits =
            rest.get(..len).is_some_and(|t| if digits { t.bytes().all(|b| b.is_ascii_digit()) } else { t == part });
        if !fits {
            missing = part;
            break;
        }
        rest = &rest[len..];
    }
    let quote = super::flags::quote;
    format!("parsing time {} as {}: cannot parse {} as {}", quote(text), quote(LAYOUT), quote(rest), quote(missing))
}

/// The pod that `POD` or `TYPE/NAME` means: of a workload, one that is ready rather than not.
pub fn one_pod(cx: &mut Cx<'_, '_>, word: &str, logs: bool) -> Run<Arc<Object>> {
    let namespace = cx.namespace()?;
    let (kind, name) = match word.split_once('/') {
        None => (Kind::POD, word.to_owned()),
        Some(_) => {
            let (kind, name) = builder::tuple(word)?;
            let resource = builder::one_type(cx, kind)?;
            match resource.modelled {
                Some(kind) => (kind, name.to_owned()),
                None => return fail(format!("cannot get the logs from {}", resource.kind)),
            }
        }
    };
    let object = match cx.get(&ObjectKey::new(kind, namespace.clone(), name)) {
        Ok(object) => object,
        Err(Fail::Error(e)) if logs && cx.modern() && e.not_found() => {
            return fail(format!("error from server (NotFound): {} in namespace \"{namespace}\"", e.plain()));
        }
        Err(e) => return Err(e),
    };
    if kind == Kind::POD {
        return Ok(object);
    }
    let selector = match kind {
        Kind::SERVICE | Kind::REPLICATION_CONTROLLER => {
            object.get(&["spec", "selector"]).and_then(Value::as_map).map(LabelSelector::of_map)
        }
        _ => object.get(&["spec", "selector"]).map(LabelSelector::of_value),
    };
    let Some(selector) = selector else {
        return fail(format!("cannot get the logs from {}: selector missing", object.kind().name()));
    };
    let mut request = Request::list(Kind::POD, namespace);
    request.labels = selector;
    let mut all = cx.list(request)?.items;
    if all.is_empty() {
        return fail("timed out waiting for the condition");
    }
    all.arrange_by_key(|p| (!pod::ready(p), std::cmp::Reverse(meta::created(p))));
    let count = all.len();
    let first = all.remove(0);
    if logs && count > 1 {
        let line = format!("Found {count} pods, using pod/{}", first.name());
        cx.io.errln(line);
    }
    Ok(first)
}

fn containers(cx: &mut Cx<'_, '_>, p: &Object) -> Run<Vec<Str>> {
    let asked: Str = if cx.args.len() == 2 { cx.args[1].clone() } else { cx.flags.text("container").into() };
    let names: Vec<Str> = pod::containers(p).iter().map(|c| c.str("name").into()).collect();
    let init: Vec<Str> = pod::init_containers(p).iter().map(|c| c.str("name").into()).collect();
    if cx.flags.yes("all-containers") {
        return Ok(init.into_iter().chain(names).collect());
    }
    if !asked.is_empty() {
        if names.contains(&asked) || init.contains(&asked) {
            return Ok(vec![asked]);
        }
        return fail(format!("container {asked} is not valid for pod {}", p.name()));
    }
    if let Some(default) = meta::annotation(p, "kubectl.kubernetes.io/default-container") {
        return Ok(vec![default.into()]);
    }
    match &names[..] {
        [one] => Ok(vec![one.clone()]),
        many if cx.modern() => {
            let first = many.first().cloned().unwrap_or_default();
            let all: Vec<String> =
                many.iter().map(Str::to_string).chain(init.iter().map(|i| format!("{i} (init)"))).collect();
            let line = format!("Defaulted container \"{first}\" out of: {}", all.join(", "));
            cx.io.errln(line);
            Ok(vec![first])
        }
        many => {
            let list = |names: &[Str]| names.iter().map(Str::as_str).collect::<Vec<_>>().join(" ");
            let init = if init.is_empty() {
                String::new()
            } else {
                format!(" or one of the init containers: [{}]", list(&init))
            };
            let message = format!(
                "a container name must be specified for pod {}, choose one of: [{}]{init}",
                p.name(),
                list(many)
            );
            Err(Fail::Error(Error::from(Status::new(Reason::BadRequest, message))))
        }
    }
}

/// Asks the API server, which asks the pod's kubelet; with `-f` again and again.
fn print(cx: &mut Cx<'_, '_>, p: &Object, container: &str) -> Run {
    let text = fetch(cx, &p.key, container)?;
    let lines: Vec<&str> = text.lines().collect();
    let shown = select(cx, &lines)?;
    show(cx, &p.key, container, &shown);
    if !cx.flags.yes("follow") || pod::terminal(p) {
        return Ok(());
    }
    let state = map! {
        "container" => container,
        "name" => p.name(),
        "namespace" => p.namespace(),
        "seen" => lines.len() as i64,
    };
    cx.checkpoint(state.clone());
    follow(cx, state)
}

fn show(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str, lines: &[&str]) {
    let prefix = if cx.flags.yes("prefix") { format!("[pod/{}/{container}] ", key.name) } else { String::new() };
    let times = cx.flags.yes("timestamps");
    let out: String = lines.iter().map(|l| format!("{prefix}{}\n", strip(l, times))).collect();
    let limit = usize::try_from(cx.flags.int("limit-bytes")).unwrap_or(0);
    let end = (0..=limit.min(out.len())).rev().find(|i| out.is_char_boundary(*i)).unwrap_or(0);
    cx.io.out(if limit > 0 { &out[..end] } else { out.as_str() });
}

/// Looks again every second, until the pod is over or gone.
fn follow(cx: &mut Cx<'_, '_>, mut state: Map) -> Run {
    let key = ObjectKey::new(Kind::POD, state.str("namespace"), state.str("name"));
    let container = state.str("container").to_owned();
    loop {
        cx.io.sleep(Duration::secs(1))?;
        let text = match fetch(cx, &key, &container) {
            Ok(text) => text,
            Err(Fail::Error(_)) => return Ok(()),
            Err(stop) => return Err(stop),
        };
        let lines: Vec<&str> = text.lines().collect();
        let seen = usize::try_from(state.get("seen").and_then(Value::as_int).unwrap_or(0)).unwrap_or(0);
        show(cx, &key, &container, lines.get(seen..).unwrap_or_default());
        if cx.find(&key)?.is_none_or(|o| pod::terminal(&o)) {
            return Ok(());
        }
        state.insert("seen", lines.len() as i64);
        cx.checkpoint(state.clone());
    }
}

pub fn fetch(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str) -> Run<Str> {
    let mut request = Request::new(Verb::Get, Kind::POD, key.namespace.clone(), key.name.clone());
    request.subresource = "log".into();
    request.body = Some(Value::Map(map! { "container" => container, "previous" => cx.flags.yes("previous") }));
    match cx.send(request)? {
        Response::Text(text) => Ok(text),
        _ => Ok(Str::new()),
    }
}

/// `--tail`, `--since`.
fn select<'t>(cx: &mut Cx<'_, '_>, lines: &[&'t str]) -> Run<Vec<&'t str>> {
    let mut out = lines.to_vec();
    let since = cx.flags.time("since");
    if since != Duration::ZERO {
        let from = cx.now()? - since;
        out.retain(|l| l.split(' ').next().and_then(Time::parse_rfc3339).is_none_or(|t| t >= from));
    }
    let tail = cx.flags.int("tail");
    let tail = if tail < 0 && !cx.flags.text("selector").is_empty() { 10 } else { tail };
    if let Ok(n) = usize::try_from(tail) {
        let skip = out.len().saturating_sub(n);
        out.drain(..skip);
    }
    Ok(out)
}

/// The log without the times of its lines.
pub fn plain(text: &str) -> String {
    text.lines().map(|l| format!("{}\n", strip(l, false))).collect()
}

/// Lines come with their time; it is shown with `--timestamps` only.
fn strip(line: &str, keep: bool) -> &str {
    match line.split_once(' ') {
        Some((time, rest)) if !keep && Time::parse_rfc3339(time).is_some() => rest,
        _ => line,
    }
}
