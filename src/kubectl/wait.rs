//! `kubectl wait`.
//! Models kubectl/pkg/cmd/wait.

use super::builder::{self, Item, Options};
use super::context::Cx;
use super::create::confirm;
use super::error::{self, Fail, Run, fail};
use super::print::jsonpath;
use super::{delete, get};
use crate::api::{Object, ObjectKey, Value, meta};
use crate::base::{Duration, Str, Time};

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
    let mut visited = 0;
    for item in items {
        for key in keys(cx, item)? {
            visited += 1;
            let outcome = wait_for(cx, &key, &wanted, deadline);
            error::note(outcome, &mut errors)?;
        }
    }
    if visited == 0 && errors.is_empty() && !matches!(wanted, For::Delete) {
        return fail("no matching resources found");
    }
    error::all(errors)
}

fn parse(cx: &Cx<'_, '_>) -> Run<For> {
    let text = cx.flags.text("for").to_owned();
    let lower = text.to_lowercase();
    if lower == "delete" {
        return Ok(For::Delete);
    }
    if lower == "create" && cx.modern() {
        return Ok(For::Create);
    }
    if let Some(rest) = text.strip_prefix("condition=") {
        let (name, value) = rest.split_once('=').unwrap_or((rest, "true"));
        return Ok(For::Condition(name.to_owned(), value.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("jsonpath=").filter(|_| cx.modern()) {
        let rest = rest.trim_matches('\'');
        let (path, value) = match rest.rsplit_once("}=") {
            Some((path, value)) => (format!("{path}}}"), Some(value.to_owned())),
            None => (rest.to_owned(), None),
        };
        let path = jsonpath::relaxed(&path).and_then(|p| jsonpath::parse(&p)).or_else(fail)?;
        return Ok(For::Jsonpath(path, value));
    }
    let shown = if cx.modern() {
        let all: Vec<&str> = cx.flags.all("for").iter().map(Str::as_str).collect();
        format!("[{}]", all.join(" "))
    } else {
        super::flags::quote(&text)
    };
    fail(format!("unrecognized condition: {shown}"))
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

fn wait_for(cx: &mut Cx<'_, '_>, key: &ObjectKey, wanted: &For, deadline: Time) -> Run {
    loop {
        let object = match cx.get(key) {
            Ok(object) => object,
            Err(Fail::Error(e)) if e.not_found() => match wanted {
                For::Delete => return Ok(()),
                For::Create if cx.now()? < deadline => {
                    cx.io.sleep(Duration::millis(500))?;
                    continue;
                }
                _ => return Err(Fail::Error(e)),
            },
            Err(e) => return Err(e),
        };
        if met(&object, wanted) {
            let value = get::value_of(cx, &object);
            return confirm(cx, None, &value, "condition met");
        }
        let gone = matches!(wanted, For::Delete);
        let mut last = None;
        let done = delete::watch_until(cx, key, object.resource_version, Some(deadline), |kind, o| {
            let deleted = kind == crate::api::WatchType::Deleted;
            if deleted && gone || !deleted && met(o, wanted) {
                last = Some(o.clone());
                return true;
            }
            false
        })?;
        if let (true, Some(o)) = (done, last) {
            let value = get::value_of(cx, &o);
            return confirm(cx, None, &value, "condition met");
        }
    }
}

fn met(o: &Object, wanted: &For) -> bool {
    match wanted {
        For::Delete => false,
        For::Create => true,
        For::Condition(name, value) => {
            let all = o.items(&["status", "conditions"]);
            let generation = meta::generation(o);
            let stale = |c: &Value| c.get("observedGeneration").and_then(Value::as_int).is_some_and(|g| g < generation);
            all.iter().any(|c| {
                c.str("type").eq_ignore_ascii_case(name) && c.str("status").eq_ignore_ascii_case(value) && !stale(c)
            })
        }
        For::Jsonpath(path, value) => {
            let found = path.values(&o.to_value()).unwrap_or_default();
            match (&found[..], value) {
                ([one], Some(value)) => jsonpath::text_of(one).trim() == value.trim(),
                ([one], None) => !one.is_null(),
                _ => false,
            }
        }
    }
}
