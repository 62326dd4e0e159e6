//! The events below a description.
//! Models kubectl/pkg/describe `DescribeEvents`.

use super::super::context::Cx;
use super::super::error::Run;
use super::Page;
use crate::api::{Kind, Object, Request, Value, meta};
use crate::base::Time;
use crate::base::arrange::Arrange;
use std::sync::Arc;

/// The events about an object, oldest first, as a table.
pub fn about(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    match fetch(cx, o)? {
        Some(mut all) => table(cx, &mut all, p),
        None => Ok(()),
    }
}

/// The events about an object; `None`: they are not wanted.
pub fn fetch(cx: &mut Cx<'_, '_>, o: &Object) -> Run<Option<Vec<Arc<Object>>>> {
    if !cx.flags.yes("show-events") {
        return Ok(None);
    }
    let uid = if o.kind() == Kind::NODE { o.name().as_str() } else { meta::uid(o) };
    let mut request = Request::list(Kind::EVENT, o.namespace().clone());
    // Upstream keeps the terms in a map: their order is by chance.
    let mut add = |path: &str, value: &str| request.fields.0.push((path.into(), value.into(), true));
    add("involvedObject.name", o.name());
    if !o.namespace().is_empty() {
        add("involvedObject.namespace", o.namespace());
    }
    if o.kind() != Kind::POD {
        add("involvedObject.kind", o.kind().name());
    }
    add("involvedObject.uid", uid);
    if cx.modern() {
        request.limit = 500;
    }
    Ok(Some(cx.list(request)?.items))
}

pub fn table(cx: &mut Cx<'_, '_>, all: &mut [Arc<Object>], p: &mut Page) -> Run {
    if all.is_empty() {
        p.field(0, "Events", "<none>");
        return Ok(());
    }
    all.arrange_by_key(|e| last(e));
    let now = cx.now()?;
    p.put("Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n");
    for e in all.iter() {
        let from = match e.str(&["source", "component"]) {
            "" => e.str(&["reportingComponent"]),
            component => component,
        };
        let message = e.str(&["message"]).trim();
        let field = e.str(&["involvedObject", "fieldPath"]);
        // 1.36 says which container an event is about.
        let message = if cx.modern() && !field.is_empty() { format!("{field}: {message}") } else { message.to_owned() };
        p.line(1, format!("{}\t{}\t{}\t{from}\t{message}", e.str(&["type"]), e.str(&["reason"]), age(e, now)));
    }
    Ok(())
}

fn last(e: &Object) -> Time {
    // Events of the new API have none, and so come first.
    Time::parse_rfc3339(e.str(&["lastTimestamp"])).unwrap_or_default()
}

/// `3s (x2 over 10s)`
pub fn age(e: &Object, now: Time) -> String {
    let human = |path: &[&str]| {
        let text = e.str(path);
        Time::parse_rfc3339(text).map_or_else(|| "<unknown>".to_owned(), |t| now.since(t).human())
    };
    let first = if e.str(&["firstTimestamp"]).is_empty() { human(&["eventTime"]) } else { human(&["firstTimestamp"]) };
    let series = e.get(&["series"]).filter(|s| !s.is_null());
    if let Some(series) = series {
        let count = series.get("count").and_then(Value::as_int).unwrap_or(0);
        return format!("{} (x{count} over {first})", human(&["series", "lastObservedTime"]));
    }
    let count = e.int(&["count"]).unwrap_or(0);
    if count > 1 { format!("{} (x{count} over {first})", human(&["lastTimestamp"])) } else { first }
}
