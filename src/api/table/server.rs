//! Columns of the kinds by which the API server runs itself.

use super::{Object, Print, Text, int, or};
use crate::api::Value;
use crate::base::Str;

fn condition<'a>(o: &'a Object, kind: &str) -> Option<&'a Value> {
    o.items(&["status", "conditions"]).iter().find(|c| c.str("type") == kind)
}

pub(super) fn flow_schema(o: &Object, p: &Print) -> Vec<Str> {
    vec![
        o.name().clone(),
        o.str(&["spec", "priorityLevelConfiguration", "name"]).into(),
        int(o, &["spec", "matchingPrecedence"]).text(),
        or(o.str(&["spec", "distinguisherMethod", "type"]), "<none>"),
        p.age(o),
        condition(o, "Dangling").map_or("?", |c| c.str("status")).into(),
    ]
}

pub(super) fn priority_level(o: &Object, p: &Print) -> Vec<Str> {
    let limits = ["limited", "exempt"].iter().find_map(|k| o.get(&["spec", k]));
    let number = |v: Option<&Value>| v.and_then(Value::as_int).map_or_else(|| "<none>".into(), |n| n.text());
    let queuing = |key: &str| number(limits.and_then(|l| l.at(&["limitResponse", "queuing", key])));
    let shares = limits.and_then(|l| l.get("nominalConcurrencyShares").or_else(|| l.get("assuredConcurrencyShares")));
    vec![
        o.name().clone(),
        o.str(&["spec", "type"]).into(),
        number(shares),
        queuing("queues"),
        queuing("handSize"),
        queuing("queueLengthLimit"),
        p.age(o),
    ]
}

pub(super) fn api_service(o: &Object, p: &Print) -> Vec<Str> {
    let of = |key: &str| o.str(&["spec", "service", key]);
    let service =
        if of("name").is_empty() { "Local".into() } else { ecow::eco_format!("{}/{}", of("namespace"), of("name")) };
    let available = match condition(o, "Available") {
        Some(c) if c.str("status") == "True" => "True".into(),
        Some(c) => ecow::eco_format!("{} ({})", c.str("status"), c.str("reason")),
        None => "Unknown".into(),
    };
    vec![o.name().clone(), service, available, p.age(o)]
}
