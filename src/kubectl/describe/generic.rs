//! `kubectl describe` of kinds without a describer of their own: the tree in words.
//! Models kubectl/pkg/describe genericDescriber.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, text_of};
use crate::api::{Object, Value};

pub fn describe(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    let value = super::super::get::value_of(cx, o);
    print(
        &value,
        0,
        &["metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.managedFields"],
        "",
        p,
    );
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
                p.line(level, format!("{}:", title(key)));
                print(v, level + 1, skip, &here, p);
            }
            Value::List(items) => {
                p.line(level, format!("{}:", title(key)));
                for item in items {
                    match item {
                        Value::Map(_) => print(item, level + 1, skip, &here, p),
                        other => p.line(level + 1, text_of(Some(other))),
                    }
                }
            }
            other => p.field(level, &title(key), text_of(Some(other))),
        }
    }
}

/// `apiVersion` as `API Version`.
fn title(key: &str) -> String {
    if key == "apiVersion" {
        return "API Version".to_owned();
    }
    if !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return key.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let chars: Vec<char> = key.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        let upper = c.is_ascii_uppercase();
        let before_upper = i > 0 && chars[i - 1].is_ascii_uppercase();
        let after_lower = chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if words.is_empty() || upper && (!before_upper || after_lower) {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut() {
            if last.is_empty() { last.extend(c.to_uppercase()) } else { last.push(*c) }
        }
    }
    let acronyms = ["Uid", "Ip", "Url", "Api"];
    words
        .iter()
        .map(|w| if acronyms.contains(&w.as_str()) { w.to_uppercase() } else { w.clone() })
        .collect::<Vec<_>>()
        .join(" ")
}
