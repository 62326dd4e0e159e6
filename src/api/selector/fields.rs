//! Field selectors: parsing, and which fields each kind supports.
//! Models apimachinery/pkg/fields and the field label conversions of pkg/apis/*/v1.

use std::fmt;

use super::{FieldSelector, ParseError};
use crate::api::Kind;
use crate::base::Str;
use crate::base::arrange::Arrange;

impl FieldSelector {
    /// `a=b,c!=d`; a backslash escapes `,`, `=` and itself.
    pub fn parse(text: &str) -> Result<FieldSelector, ParseError> {
        let mut all = Vec::new();
        for part in split(text).into_iter().filter(|p| !p.is_empty()) {
            let bad = || ParseError(format!("invalid selector: '{text}'; can't understand '{part}'"));
            let (path, op, value) = operator(&part).ok_or_else(bad)?;
            all.push((Str::from(path), unescape(value), op != "!="));
        }
        all.arrange_by(|a, b| a.0.cmp(&b.0));
        Ok(FieldSelector(all))
    }

    /// The first path that cannot be selected by, as upstream complains of it.
    pub fn check(&self, kind: Kind) -> Result<(), String> {
        let known = |path: &str| {
            path == "metadata.name"
                || (path == "metadata.namespace" && kind.namespaced())
                || supported(kind).contains(&path)
        };
        match self.0.iter().find(|(path, ..)| !known(path)) {
            None => Ok(()),
            Some((path, ..)) if supported(kind).is_empty() => {
                Err(format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""))
            }
            Some((path, ..)) => Err(format!("field label not supported: {path}")),
        }
    }
}

fn supported(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::POD => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        Kind::NODE => &["spec.unschedulable"],
        Kind::NAMESPACE => &["status.phase"],
        Kind::SECRET => &["type"],
        Kind::SERVICE => &["spec.clusterIP", "spec.type"],
        Kind::REPLICATION_CONTROLLER | Kind::REPLICA_SET => &["status.replicas"],
        Kind::JOB => &["status.successful"],
        Kind::CERTIFICATE_SIGNING_REQUEST => &["spec.signerName"],
        Kind::EVENT => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        _ => &[],
    }
}

/// At commas that are not escaped.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        match c {
            ',' if !escaped => parts.push(String::new()),
            _ => parts.last_mut().expect("there is always one").push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

fn operator(part: &str) -> Option<(&str, &str, &str)> {
    for (i, _) in part.char_indices() {
        for op in ["!=", "==", "="] {
            if part[i..].starts_with(op) {
                return Some((&part[..i], op, &part[i + op.len()..]));
            }
        }
    }
    None
}

fn unescape(value: &str) -> Str {
    let mut out = Str::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, value, equal)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let op = if *equal { "=" } else { "!=" };
            let value = value.as_str().replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            write!(f, "{comma}{path}{op}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let s = FieldSelector::parse("status.phase!=Running,metadata.name=a\\,b").unwrap();
        assert_eq!(s.to_string(), "metadata.name=a\\,b,status.phase!=Running");
        assert_eq!(s.check(Kind::POD), Ok(()));
        let bad = FieldSelector::parse("status.foo=bar").unwrap();
        assert_eq!(bad.check(Kind::POD).unwrap_err(), "field label not supported: status.foo");
        assert!(FieldSelector::parse("nonsense").is_err());
    }
}
