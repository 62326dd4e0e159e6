//! `kubectl describe` of kinds without a describer of their own: the tree in words.
//! Models kubectl/pkg/describe genericDescriber.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, text_of};
use crate::api::{Object, Value};

pub fn describe(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    let value = super::super::get::value_of(cx, o);
    const SKIP: [&str; 5] =
        ["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.managedFields"];
    // 1.20 shows who manages what.
    let skip = if cx.modern() { &SKIP[..] } else { &SKIP[..4] };
    print(&value, 0, skip, "", p);
    events::about(cx, o, p)
}

fn print(value: &Value, level: usize, skip: &[&str], path: &str, p: &mut Page) {
    let Value::Map(map) = value else { return };
    for (key, v) in map.iter() {
        let here = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        if skip.contains(&here.as_str()) {
            continue;
        }
        match v {
            Value::Map(_) => {
                p.line(level, format!("{}:", title(key, !p.book)));
                print(v, level + 1, skip, &here, p);
            }
            Value::List(items) => {
                p.line(level, format!("{}:", title(key, !p.book)));
                for item in items {
                    match item {
                        Value::Map(_) => print(item, level + 1, skip, &here, p),
                        other => p.line(level + 1, text_of(Some(other))),
                    }
                }
            }
            Value::Null => p.field(level, &title(key, !p.book), "<nil>"),
            other => p.field(level, &title(key, !p.book), text_of(Some(other))),
        }
    }
}

/// `apiVersion` as `API Version`.
/// Models smartLabelFor and fatih/camelcase.
fn title(key: &str, modern: bool) -> String {
    if !key.chars().all(|c| c.is_alphabetic() || c == '-') {
        return key.to_owned();
    }
    let class = |c: char| if c.is_lowercase() { 0 } else { 1 + i32::from(!c.is_uppercase()) };
    let mut words: Vec<String> = Vec::new();
    let mut last = -1;
    for c in key.chars() {
        match words.last_mut() {
            Some(word) if class(c) == last => word.push(c),
            _ => words.push(c.to_string()),
        }
        last = class(c);
    }
    // The last capital of a run begins the word after it.
    for i in 1..words.len() {
        let upper = words[i - 1].chars().all(char::is_uppercase);
        if upper && words[i].starts_with(char::is_lowercase) {
            let c = words[i - 1].pop().unwrap_or_default();
            words[i].insert(0, c);
        }
    }
    words.retain(|w| !w.is_empty());
    if modern {
        let mut i = 0;
        while i + 1 < words.len() {
            let upper = words[i].len() > 1 && words[i].chars().all(char::is_uppercase);
            if upper && words[i + 1].starts_with(char::is_uppercase) {
                let next = words.remove(i + 1);
                words[i] += &next;
            }
            i += 1;
        }
    }
    let shown = |w: &String| match w.to_uppercase() {
        upper if matches!(upper.as_str(), "API" | "URL" | "UID" | "GUID") => upper,
        _ if modern && w.to_lowercase() != *w => w.clone(),
        _ => {
            let mut chars = w.chars();
            chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
        }
    };
    words.iter().map(shown).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn keys_as_titles() {
        let cases = [
            ("apiVersion", "API Version", "API Version"),
            ("creationTimestamp", "Creation Timestamp", "Creation Timestamp"),
            ("uid", "UID", "UID"),
            ("podIP", "Pod IP", "Pod IP"),
            ("podCIDRs", "Pod CID Rs", "Pod CIDRs"),
            ("fieldsV1", "fieldsV1", "fieldsV1"),
            ("f:metadata", "f:metadata", "f:metadata"),
            ("ip", "Ip", "Ip"),
        ];
        for (key, book, modern) in cases {
            assert_eq!((title(key, false).as_str(), title(key, true).as_str()), (book, modern), "{key}");
        }
    }
}
