//! `-o custom-columns=NAME:.metadata.name,…`
//! Models kubectl/pkg/cmd/get customcolumn.go.

use super::{jsonpath, tabwriter};
use crate::api::Value;

#[derive(Clone, Debug)]
pub struct Columns(Vec<(String, jsonpath::Path)>);

/// `from_file`: one line of headers, one of paths.
pub fn parse(text: &str, from_file: bool) -> Result<Columns, String> {
    let parts: Vec<(String, String)> = if from_file {
        let mut lines = text.lines();
        let (heads, paths) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
        let (heads, paths): (Vec<&str>, Vec<&str>) =
            (heads.split_whitespace().collect(), paths.split_whitespace().collect());
        if heads.len() != paths.len() {
            return Err(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                heads.len(),
                paths.len()
            ));
        }
        heads.iter().zip(paths).map(|(h, p)| ((*h).to_owned(), p.to_owned())).collect()
    } else {
        let mut parts = Vec::new();
        for part in text.split(',') {
            let Some((head, path)) = part.split_once(':') else {
                return Err(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"));
            };
            parts.push((head.to_owned(), path.to_owned()));
        }
        parts
    };
    let columns = parts.into_iter().map(|(head, path)| {
        let path = jsonpath::parse(&jsonpath::relaxed(&path)?)?;
        Ok((head, path))
    });
    Ok(Columns(columns.collect::<Result<_, String>>()?))
}

impl Columns {
    pub fn print(&self, items: &[Value], no_headers: bool) -> String {
        let mut rows: Vec<Vec<String>> = Vec::new();
        if !no_headers {
            rows.push(self.0.iter().map(|(head, _)| head.clone()).collect());
        }
        for item in items {
            rows.push(self.0.iter().map(|(_, path)| cell(path, item)).collect());
        }
        tabwriter::columns(&rows)
    }
}

fn cell(path: &jsonpath::Path, item: &Value) -> String {
    let found = path.values(item).unwrap_or_default();
    let texts: Vec<String> = found.iter().map(go_value).collect();
    if texts.is_empty() { "<none>".to_owned() } else { texts.join(",") }
}

/// Go's `%v`.
pub fn go_value(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Str(s) => s.to_string(),
        Value::Map(m) => {
            let each: Vec<String> = m.iter().map(|(k, v)| format!("{k}:{}", go_value(v))).collect();
            format!("map[{}]", each.join(" "))
        }
        Value::List(l) => format!("[{}]", l.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        other => other.to_json(),
    }
}
