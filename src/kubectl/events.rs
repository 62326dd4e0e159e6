//! `kubectl events` (1.36).
//! Models kubectl/pkg/cmd/events.

use super::builder;
use super::context::Cx;
use super::describe::event_age;
use super::error::{Run, fail};
use super::get;
use super::print::{self, table};
use crate::api::{Kind, Map, Object, Request};
use crate::base::Time;
use crate::base::arrange::Arrange;
use std::sync::Arc;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.io.state().is_null() {
        return watch_on(cx);
    }
    let everywhere = cx.flags.yes("all-namespaces");
    let namespace = if everywhere { crate::base::Str::new() } else { cx.namespace()? };
    let format = print::format(cx, true)?;
    let mut request = Request::list(Kind::EVENT, namespace.clone());
    let about = cx.flags.text("for").to_owned();
    if !about.is_empty() && !about.contains('/') {
        return fail("--for must be in resource/name form");
    }
    if !about.is_empty() {
        let (word, name) = builder::tuple(&about)?;
        let resource = builder::one_type(cx, word)?;
        for (path, value) in [
            ("involvedObject.kind", resource.kind),
            ("involvedObject.apiVersion", resource.api_version),
            ("involvedObject.name", name),
        ] {
            request.fields.0.push((path.into(), value.into(), true));
        }
    }
    let types = cx.flags.all("types").to_vec();
    if types.iter().any(|t| !t.eq_ignore_ascii_case("normal") && !t.eq_ignore_ascii_case("warning")) {
        return fail("valid --types are Normal or Warning");
    }
    let listed = cx.list(request.clone())?;
    let mut all: Vec<Arc<Object>> = listed.items.into_iter().filter(|e| wanted(cx, e)).collect();
    if all.is_empty() && !cx.flags.yes("watch") {
        let text = if everywhere {
            "No events found.".to_owned()
        } else {
            format!("No events found in {namespace} namespace.")
        };
        cx.io.errln(text);
        return Ok(());
    }
    all.arrange_by_key(|e| last(e));
    if let Some(format) = format {
        let values = all.iter().map(|o| get::value_of(cx, o)).collect();
        let mut list = print::list(cx.modern(), values);
        list.make_map().insert("kind", "EventList");
        return print::object(cx, &format, &list);
    }
    let mut widths = Vec::new();
    let now = cx.now()?;
    let mut rows = Vec::new();
    if !cx.flags.yes("no-headers") {
        let mut head: Vec<String> = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"].map(String::from).into();
        if everywhere {
            head.insert(0, "NAMESPACE".to_owned());
        }
        rows.push(head);
    }
    rows.extend(all.iter().map(|e| row(e, now, everywhere)));
    cx.io.out(table::write(&rows, &mut widths));
    if !cx.flags.yes("watch") {
        return Ok(());
    }
    request.resource_version = listed.revision;
    cx.open_watch(request)?;
    cx.checkpoint(Map::new());
    watch_on(cx)
}

fn wanted(cx: &Cx<'_, '_>, e: &Object) -> bool {
    let types = cx.flags.all("types");
    types.is_empty() || types.iter().any(|t| t.eq_ignore_ascii_case(e.str(&["type"])))
}

fn watch_on(cx: &mut Cx<'_, '_>) -> Run {
    let everywhere = cx.flags.yes("all-namespaces");
    loop {
        let Some(event) = cx.io.watch_next()? else { return Ok(()) };
        if wanted(cx, &event.object) {
            let now = cx.now()?;
            let rows = [row(&event.object, now, everywhere)];
            cx.io.out(table::write(&rows, &mut Vec::new()));
        }
        cx.checkpoint(Map::new());
    }
}

fn last(e: &Object) -> Time {
    ["lastTimestamp", "eventTime"].iter().find_map(|f| Time::parse_rfc3339(e.str(&[f]))).unwrap_or_default()
}

fn row(e: &Object, now: Time, everywhere: bool) -> Vec<String> {
    let about = |f: &str| e.str(&["involvedObject", f]);
    let mut cells = vec![
        event_age(e, now),
        e.str(&["type"]).to_owned(),
        e.str(&["reason"]).to_owned(),
        format!("{}/{}", about("kind"), about("name")),
        e.str(&["message"]).trim().to_owned(),
    ];
    if everywhere {
        cells.insert(0, e.namespace().to_string());
    }
    cells
}
