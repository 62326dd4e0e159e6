//! `kubectl wait`.
//! Models kubectl/pkg/cmd/wait.

use super::builder::{self, Item, Options};
use super::context::Cx;
use super::create::confirm;
use super::error::{self, Fail, Run, fail};
use super::print::jsonpath;
use super::{delete, get};
use crate::api::{Object, ObjectKey, Value, meta};
use crate::base::{Duration, Time};

enum For {
    Delete,
    Create,
    Condition(String, String),
    Jsonpath(jsonpath::Path, Option<String>),
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let wanted = parse(cx)?;
    let args = cx.args.clone();
    let options = Options {
        all: cx.flags.yes("all"),
        selectable: true,
        all_namespaces: cx.flags.yes("all-namespaces"),
        lenient: true,
        ..Options::default()
    };
    let timeout = match cx.flags.micros("timeout") {
        n if n < 0 => Duration::secs(7 * 24 * 3600),
        n => Duration(n.unsigned_abs()),
    };
    let (items, mut errors) = builder::items(cx, &args, options)?;
    let deadline = cx.now()? + timeout;
    let delete = wanted.iter().any(|w| matches!(w, For::Delete));
    let mut visited = 0;
    for item in items {
        if wanted.iter().any(|w| matches!(w, For::Create)) {
            wait_created(cx, &item, deadline)?;
        }
        for key in keys(cx, item)? {
            // 1.20 counts what is there, also when it waits for the end of it.
            if delete && !cx.modern() && cx.find(&key)?.is_none() {
                continue;
            }
            visited += 1;
            for one in &wanted {
                let outcome = wait_for(cx, &key, one, deadline, timeout == Duration::ZERO);
                error::note(outcome, &mut errors)?;
            }
        }
    }
    if visited == 0 && errors.is_empty() && !(delete && cx.modern()) {
        return fail("no matching resources found");
    }
    error::all(errors)
}

fn parse(cx: &Cx<'_, '_>) -> Run<Vec<For>> {
    let texts = cx.flags.all("for");
    if texts.is_empty() {
        return fail(format!("unrecognized condition: {}", cx.by("\"\"", "[]")));
    }
    let mut out = Vec::new();
    for text in texts {
        let lower = text.to_lowercase();
        if lower == "delete" {
            out.push(For::Delete);
        } else if lower == "create" && cx.modern() {
            out.push(For::Create);
        } else if let Some(rest) = text.strip_prefix("condition=") {
            let (name, value) = rest.split_once('=').unwrap_or((rest, "true"));
            out.push(For::Condition(name.to_owned(), value.to_owned()));
        } else if let Some(rest) = text.strip_prefix("jsonpath=").filter(|_| cx.modern()) {
            out.push(of_jsonpath(rest)?);
        } else {
            return fail(format!("unrecognized condition: {}", super::flags::quote(text)));
        }
    }
    Ok(out)
}

/// `{.a.b}=value`, or a path alone for any value.
fn of_jsonpath(text: &str) -> Run<For> {
    // A single `=` parts path and value; `==` belongs to a filter.
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let double = c == '=' && chars.next_if_eq(&'=').is_some();
        match parts.last_mut() {
            Some(part) if double => *part += "==",
            Some(part) if c != '=' => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    let value = match &parts[..] {
        [_] => None,
        [_, value] if value.is_empty() => {
            return fail(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
            );
        }
        [_, value] => Some(value.trim_matches(['\'', '"']).to_owned()),
        _ => {
            return fail(
                "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
            );
        }
    };
    let path = parts[0].trim_matches(['\'', '"']);
    if path.is_empty() {
        return fail("jsonpath expression cannot be empty");
    }
    let path = jsonpath::relaxed(path).and_then(|p| jsonpath::parse(&p)).or_else(fail)?;
    Ok(For::Jsonpath(path, value))
}

/// Looks every half second until there is something of that name.
fn wait_created(cx: &mut Cx<'_, '_>, item: &Item, deadline: Time) -> Run {
    loop {
        let mut errors = Vec::new();
        let found = builder::fetch(cx, vec![item.clone()], &mut errors)?;
        match errors.into_iter().find(|e| !e.not_found()) {
            Some(error) => return Err(Fail::Error(error)),
            None if !found.is_empty() => return Ok(()),
            None if cx.now()? >= deadline => return fail("timed out waiting for the condition"),
            None => cx.io.sleep(Duration::millis(500))?,
        }
    }
}

fn keys(cx: &mut Cx<'_, '_>, item: Item) -> Run<Vec<ObjectKey>> {
    Ok(match item {
        Item::One { resource, namespace, name } => match resource.modelled {
            Some(kind) => vec![ObjectKey::new(kind, namespace, name)],
            None => return Err(Fail::Error(builder::unmodelled(resource, &name))),
        },
        Item::Doc(doc) => vec![doc.key()],
        Item::Kind { resource, namespace } => match resource.modelled {
            Some(kind) => {
                let request = builder::selected(cx, kind, &namespace)?;
                cx.list(request)?.items.iter().map(|o| o.key.clone()).collect()
            }
            None => Vec::new(),
        },
    })
}

/// `pod/web condition met`, or what `-o` asks for.
fn said(cx: &mut Cx<'_, '_>, value: &Value) -> Run {
    let format = super::print::format(cx, false)?;
    confirm(cx, format.as_ref(), value, "condition met")
}

fn wait_for(cx: &mut Cx<'_, '_>, key: &ObjectKey, wanted: &For, deadline: Time, once: bool) -> Run {
    loop {
        let object = match cx.get(key) {
            Ok(object) => object,
            Err(Fail::Error(e)) if e.not_found() => match wanted {
                For::Delete => return Ok(()),
                _ => return Err(Fail::Error(e)),
            },
            Err(e) => return Err(e),
        };
        if met(&object, wanted)? {
            let value = get::value_of(cx, &object);
            return said(cx, &value);
        }
        if once && cx.modern() {
            let name = super::print::name::of(cx.profile, &get::value_of(cx, &object));
            return fail(format!("condition not met for {name}"));
        }
        let gone = matches!(wanted, For::Delete);
        let mut last = None;
        let done = delete::watch_until(cx, key, object.resource_version, Some(deadline), |kind, o| {
            let deleted = kind == crate::api::WatchType::Deleted;
            if deleted && gone || !deleted && met(o, wanted).unwrap_or(true) {
                last = Some(o.clone());
                return true;
            }
            false
        })?;
        if let (true, Some(o)) = (done, last) {
            if !gone {
                met(&o, wanted)?;
            }
            let value = get::value_of(cx, &o);
            return said(cx, &value);
        }
    }
}

fn met(o: &Object, wanted: &For) -> Run<bool> {
    match wanted {
        For::Delete => Ok(false),
        For::Create => Ok(true),
        For::Condition(name, value) => {
            let all = o.items(&["status", "conditions"]);
            let generation = meta::generation(o);
            let stale = |c: &Value| c.get("observedGeneration").and_then(Value::as_int).is_some_and(|g| g < generation);
            Ok(all.iter().any(|c| {
                c.str("type").eq_ignore_ascii_case(name) && c.str("status").eq_ignore_ascii_case(value) && !stale(c)
            }))
        }
        For::Jsonpath(path, value) => {
            let found = path.values(&o.to_value()).unwrap_or_default();
            match (&found[..], value) {
                ([], _) => Ok(false),
                ([_, _, ..], _) => fail("given jsonpath expression matches more than one value"),
                ([_], None) => Ok(true),
                ([Value::Map(_) | Value::List(_)], Some(_)) => {
                    fail("jsonpath leads to a nested object or list which is not supported")
                }
                ([one], Some(value)) => Ok(jsonpath::text_of(one).trim() == value.trim()),
            }
        }
    }
}
