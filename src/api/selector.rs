//! Label and field selectors: parsing, matching, printing.
//! Models apimachinery/pkg/labels and pkg/fields.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Map, Object, Value};
use crate::base::Str;
use crate::base::arrange::Arrange;

mod fields;
mod parse;

pub use parse::ParseError;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Op {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    /// `=` and `==`: `In` of one value, printed otherwise.
    Equals,
    NotEquals,
    GreaterThan,
    LessThan,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Requirement {
    pub key: Str,
    pub op: Op,
    pub values: Vec<Str>,
}

/// Requirements that must all hold; empty matches everything.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct LabelSelector(pub Vec<Requirement>);

impl LabelSelector {
    /// `matchLabels` only, as in a Service's spec.selector.
    pub fn of_map(labels: &Map) -> LabelSelector {
        let requirement =
            |(k, v): (&Str, &Value)| Requirement { key: k.clone(), op: Op::Equals, values: vec![v.as_str().into()] };
        LabelSelector(labels.iter().map(requirement).collect())
    }
    /// A `LabelSelector` object: matchLabels and matchExpressions.
    pub fn of_value(selector: &Value) -> LabelSelector {
        let mut all =
            selector.get("matchLabels").and_then(Value::as_map).map(LabelSelector::of_map).unwrap_or_default();
        for e in selector.get("matchExpressions").map_or(&[][..], Value::items) {
            let op = match e.str("operator") {
                "In" => Op::In,
                "NotIn" => Op::NotIn,
                "Exists" => Op::Exists,
                _ => Op::DoesNotExist,
            };
            let values = e.get("values").map_or(&[][..], Value::items).iter().map(|v| v.as_str().into()).collect();
            all.0.push(Requirement { key: e.str("key").into(), op, values });
        }
        all.0.arrange_by(|a, b| a.key.cmp(&b.key)); // stable: matchLabels first
        all
    }
    pub fn matches(&self, labels: Option<&Map>) -> bool {
        self.0.iter().all(|r| {
            let value = labels.and_then(|l| l.get(&r.key)).map(Value::as_str);
            match r.op {
                Op::In | Op::Equals => value.is_some_and(|v| r.values.iter().any(|x| x == v)),
                Op::NotIn | Op::NotEquals => value.is_none_or(|v| r.values.iter().all(|x| x != v)),
                Op::GreaterThan => {
                    number(value).zip(number(r.values.first().map(Str::as_str))).is_some_and(|(a, b)| a > b)
                }
                Op::LessThan => {
                    number(value).zip(number(r.values.first().map(Str::as_str))).is_some_and(|(a, b)| a < b)
                }
                Op::Exists => value.is_some(),
                Op::DoesNotExist => value.is_none(),
            }
        })
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn number(text: Option<&str>) -> Option<i64> {
    text?.parse().ok()
}

impl fmt::Display for Requirement {
    /// `a=b`, `a in (b,c)`, `!a`, as `labels.Requirement` prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values: Vec<&str> = self.values.iter().map(Str::as_str).collect();
        values.arrange();
        let (key, values) = (&self.key, values.join(","));
        match self.op {
            Op::In => write!(f, "{key} in ({values})"),
            Op::NotIn => write!(f, "{key} notin ({values})"),
            Op::Exists => write!(f, "{key}"),
            Op::DoesNotExist => write!(f, "!{key}"),
            Op::Equals => write!(f, "{key}={values}"),
            Op::NotEquals => write!(f, "{key}!={values}"),
            Op::GreaterThan => write!(f, "{key}>{values}"),
            Op::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{r}")?;
        }
        Ok(())
    }
}

/// `a=b,c=d`, or `<none>`.
pub fn format_labels(labels: Option<&Map>) -> String {
    match labels {
        Some(l) if !l.is_empty() => l.iter().map(|(k, v)| format!("{k}={}", v.as_str())).collect::<Vec<_>>().join(","),
        _ => "<none>".to_owned(),
    }
}

/// `path=value` terms, all of which must hold: (path, value, equal).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FieldSelector(pub Vec<(Str, Str, bool)>);

impl FieldSelector {
    pub fn one(path: &str, value: &str) -> FieldSelector {
        FieldSelector(vec![(path.into(), value.into(), true)])
    }
    pub fn matches(&self, object: &Object) -> bool {
        self.0.iter().all(|(path, value, equal)| {
            let keys: Vec<&str> = path.split('.').collect();
            (object.str(&keys) == value) == *equal
        })
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
