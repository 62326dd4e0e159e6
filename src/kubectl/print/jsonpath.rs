//! JSONPath templates: text with `{…}` in which fields, indices, filters and ranges stand.
//! Models client-go/util/jsonpath, with missing keys allowed, as kubectl sets it.

use super::json;
use crate::api::Value;

#[derive(Clone, PartialEq, Debug)]
enum Node {
    Text(String),
    Field(String),
    Wildcard,
    Recursive,
    /// start, end, step; `one`: a single index.
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: Option<i64>,
        one: bool,
    },
    /// left, operator (empty: exists), right.
    Filter(Vec<Node>, String, Vec<Node>),
    Union(Vec<Vec<Node>>),
    Int(i64),
    Num(String),
    Bool(bool),
    /// What is found wrong only when it is reached.
    Bad(String),
    /// One `{…}`.
    Action(Vec<Node>),
    Range(Vec<Node>, Vec<Node>),
}

/// A parsed template.
#[derive(Clone, PartialEq, Debug)]
pub struct Path {
    pub text: String,
    nodes: Vec<Node>,
}

pub fn parse(text: &str) -> Result<Path, String> {
    let mut p = Parser { chars: text.chars().collect(), at: 0 };
    let (nodes, ended) = p.template(false)?;
    debug_assert!(!ended || nodes.len() < usize::MAX);
    Ok(Path { text: text.to_owned(), nodes })
}

/// `metadata.name`, `.metadata.name` and `{.metadata.name}` all mean the same in `--sort-by` and
/// custom columns.
pub fn relaxed(text: &str) -> Result<String, String> {
    let fail = || {
        "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
            .to_owned()
    };
    if text.is_empty() {
        return Ok(String::new());
    }
    let body = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    if body.contains(['{', '}']) || body.is_empty() {
        return Err(fail());
    }
    let body = body.strip_prefix('.').unwrap_or(body);
    Ok(format!("{{.{body}}}"))
}

struct Parser {
    chars: Vec<char>,
    at: usize,
}

enum Word {
    Node(Node),
    Nodes(Vec<Node>),
    Range,
    End,
    Skip,
    Close,
}

impl Parser {
    fn rest_starts(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c
    }

    /// Nodes up to the end, or to `{end}` inside a range.
    fn template(&mut self, inside: bool) -> Result<(Vec<Node>, bool), String> {
        let mut nodes = Vec::new();
        while self.at < self.chars.len() {
            let open = self.chars[self.at..].iter().position(|c| *c == '{');
            let end = open.map_or(self.chars.len(), |n| self.at + n);
            if end > self.at {
                nodes.push(Node::Text(self.chars[self.at..end].iter().collect()));
            }
            self.at = end;
            if open.is_none() {
                break;
            }
            self.at += 1;
            let (words, range, ended) = self.action()?;
            if ended {
                if inside {
                    return Ok((nodes, true));
                }
                nodes.push(Node::Action(vec![Node::Bad("not in range, nothing to end".to_owned())]));
                continue;
            }
            if range {
                let (body, _) = self.template(true)?;
                nodes.push(Node::Range(words, body));
            } else {
                nodes.push(Node::Action(words));
            }
        }
        Ok((nodes, false))
    }

    /// One `{…}` after its brace: nodes, whether it opens a range, whether it ends one.
    fn action(&mut self) -> Result<(Vec<Node>, bool, bool), String> {
        let (mut nodes, mut range, mut ended) = (Vec::new(), false, false);
        loop {
            match self.word()? {
                Word::Close => return Ok((nodes, range, ended)),
                Word::Node(n) => nodes.push(n),
                Word::Nodes(all) => nodes.extend(all),
                Word::Range => range = true,
                Word::End => ended = true,
                Word::Skip => {}
            }
        }
    }

    fn word(&mut self) -> Result<Word, String> {
        if self.rest_starts("}") {
            self.at += 1;
            return Ok(Word::Close);
        }
        if self.rest_starts("[?(") {
            self.at += 3;
            return self.filter().map(Word::Node);
        }
        if self.rest_starts("..") {
            self.at += 2;
            if self.chars.get(self.at).is_some_and(|c| c.is_alphanumeric() || *c == '*') {
                self.at -= 1; // the field's dot
            }
            return Ok(Word::Node(Node::Recursive));
        }
        match self.next() {
            None | Some('\n' | '\r') => Err("unclosed action".to_owned()),
            Some(' ' | '@' | '$') => Ok(Word::Skip),
            Some('[') => self.array().map(Word::Nodes),
            Some(q @ ('"' | '\'')) => self.quoted(q).map(Word::Node),
            Some('.') => Ok(Word::Node(self.field())),
            Some(c) if c == '+' || c == '-' || c.is_ascii_digit() => {
                self.at -= 1;
                self.number().map(Word::Node)
            }
            Some(c) if c.is_alphanumeric() || c == '_' => {
                self.at -= 1;
                let start = self.at;
                while self.chars.get(self.at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    self.at += 1;
                }
                let word: String = self.chars[start..self.at].iter().collect();
                match word.as_str() {
                    "range" => Ok(Word::Range),
                    "end" => Ok(Word::End),
                    "true" | "false" => Ok(Word::Node(Node::Bool(word == "true"))),
                    _ => Ok(Word::Node(Node::Bad(format!("unrecognized identifier {word}")))),
                }
            }
            Some(c) => Err(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)),
        }
    }

    fn field(&mut self) -> Node {
        let mut name = String::new();
        while let Some(&c) = self.chars.get(self.at) {
            match c {
                '\\' => {
                    self.at += 1;
                    name.extend(self.chars.get(self.at));
                }
                ' ' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' | '\n' => break,
                c => name.push(c),
            }
            self.at += 1;
        }
        if name == "*" { Node::Wildcard } else { Node::Field(name) }
    }

    fn quoted(&mut self, quote: char) -> Result<Node, String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) => text.push(c),
                    None => return Err("unterminated quoted string".to_owned()),
                },
                Some(c) if c == quote => return Ok(Node::Text(text)),
                Some(c) => text.push(c),
            }
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        let start = self.at;
        self.at += 1;
        while self.chars.get(self.at).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        match text.parse() {
            Ok(n) => Ok(Node::Int(n)),
            Err(_) if text.contains('.') => Ok(Node::Num(text)),
            Err(_) => Err(format!("cannot parse number {text}")),
        }
    }

    fn array(&mut self) -> Result<Vec<Node>, String> {
        let start = self.at;
        let mut quote = None;
        loop {
            match self.next() {
                None | Some('\n' | '\r') => return Err("unterminated array".to_owned()),
                Some(c @ ('"' | '\'')) => match quote {
                    None => quote = Some(c),
                    Some(q) if q == c => quote = None,
                    _ => {}
                },
                Some(']') if quote.is_none() => break,
                _ => {}
            }
        }
        let text: String = self.chars[start..self.at - 1].iter().collect();
        bracket(&text)
    }

    fn filter(&mut self) -> Result<Node, String> {
        let start = self.at;
        let (mut quote, mut pairs) = (None, 0);
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".to_owned()),
                Some(c @ ('"' | '\'')) => match quote {
                    None => quote = Some(c),
                    Some(q) if q == c => quote = None,
                    _ => {}
                },
                Some('(') if quote.is_none() => pairs += 1,
                Some(')') if quote.is_none() && pairs > 0 => pairs -= 1,
                Some(')') if quote.is_none() => break,
                _ => {}
            }
        }
        let text: String = self.chars[start..self.at - 1].iter().collect();
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".to_owned());
        }
        let sub = |text: &str| -> Result<Vec<Node>, String> {
            let mut p = Parser { chars: format!("{}}}", text.trim()).chars().collect(), at: 0 };
            Ok(p.action()?.0)
        };
        let Some(start) = text.find(['!', '<', '>', '=']) else {
            return Ok(Node::Filter(sub(&text)?, String::new(), Vec::new()));
        };
        let end = text[start..].find(|c| !matches!(c, '!' | '<' | '>' | '=')).map_or(text.len(), |n| start + n);
        let op = &text[start..end];
        let (left, right) = (sub(&text[..start])?, sub(&text[end..])?);
        if !matches!(op, "<" | ">" | "==" | "!=" | "<=" | ">=") {
            return Ok(Node::Bad(format!("unrecognized filter operator {op}")));
        }
        Ok(Node::Filter(left, op.to_owned(), right))
    }
}

/// What stands between `[` and `]`: an index, a slice, a quoted path, or several of them.
fn bracket(text: &str) -> Result<Vec<Node>, String> {
    let text = if text == "*" { ":" } else { text };
    if text.contains(',') {
        let parts = text.split(',').map(|part| bracket(part.trim_matches(' ')));
        return Ok(vec![Node::Union(parts.collect::<Result<_, String>>()?)]);
    }
    // A key in quotes is read as a path: `['status.phase']` goes two steps.
    if let Some(key) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''))
        && !key.contains('\'')
    {
        let mut p = Parser { chars: format!(".{key}}}").chars().collect(), at: 0 };
        return Ok(p.action()?.0);
    }
    let bad = || format!("invalid array index {text}");
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || text.is_empty() {
        return Err(bad());
    }
    let number = |t: Option<&&str>| -> Result<Option<i64>, String> {
        match t {
            None => Ok(None),
            Some(&"") => Ok(None),
            Some(t) => t.parse().map(Some).map_err(|_| bad()),
        }
    };
    let (start, end, step) = (number(parts.first())?, number(parts.get(1))?, number(parts.get(2))?);
    Ok(vec![Node::Slice { start, end, step, one: parts.len() == 1 }])
}

impl Path {
    /// The template's text for `value`.
    pub fn print(&self, value: &Value) -> Result<String, String> {
        let mut out = String::new();
        run(&self.nodes, value, &mut |found: &[Value]| {
            let texts: Vec<String> = found.iter().map(text_of).collect();
            out += &texts.join(" ");
        })?;
        Ok(out)
    }
    /// The values found.
    pub fn values(&self, value: &Value) -> Result<Vec<Value>, String> {
        let mut out = Vec::new();
        run(&self.nodes, value, &mut |found: &[Value]| out.extend_from_slice(found))?;
        Ok(out)
    }
}

fn run(nodes: &[Node], value: &Value, sink: &mut dyn FnMut(&[Value])) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(t) => sink(&[Value::from(t.as_str())]),
            Node::Action(steps) => sink(&walk(steps, vec![value.clone()])?),
            Node::Range(steps, body) => {
                for item in walk(steps, vec![value.clone()])? {
                    run(body, &item, sink)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn walk(steps: &[Node], mut values: Vec<Value>) -> Result<Vec<Value>, String> {
    for step in steps {
        values = walk_one(step, values)?;
    }
    Ok(values)
}

fn walk_one(step: &Node, values: Vec<Value>) -> Result<Vec<Value>, String> {
    let mut out = Vec::new();
    match step {
        Node::Text(t) => out.push(Value::from(t.as_str())),
        Node::Int(n) => out.push(Value::Int(*n)),
        Node::Num(n) => out.push(Value::Num(n.as_str().into())),
        Node::Bool(b) => out.push(Value::Bool(*b)),
        Node::Field(name) if name.is_empty() => return Ok(values),
        Node::Field(name) => out.extend(values.iter().filter_map(|v| v.get(name).cloned())),
        Node::Wildcard => {
            for v in &values {
                match v {
                    Value::Map(m) => out.extend(m.iter().map(|(_, v)| v.clone())),
                    other => out.extend_from_slice(other.items()),
                }
            }
        }
        Node::Recursive => values.iter().for_each(|v| below(v, &mut out)),
        Node::Slice { start, end, step, one } => {
            for v in &values {
                slice(v, *start, *end, *step, *one, &mut out)?;
            }
        }
        Node::Union(parts) => {
            for part in parts {
                out.extend(walk(part, values.clone())?);
            }
        }
        Node::Filter(left, op, right) => {
            for v in &values {
                let Value::List(list) = v else { continue };
                for item in list {
                    if holds(item, left, op, right)? {
                        out.push(item.clone());
                    }
                }
            }
        }
        Node::Bad(why) => return Err(why.clone()),
        Node::Action(steps) => return walk(steps, values),
        Node::Range(..) => {}
    }
    Ok(out)
}

fn below(value: &Value, out: &mut Vec<Value>) {
    if !matches!(value, Value::Map(_) | Value::List(_)) {
        return;
    }
    out.push(value.clone());
    match value {
        Value::Map(m) => m.iter().for_each(|(_, v)| below(v, out)),
        other => other.items().iter().for_each(|v| below(v, out)),
    }
}

fn slice(
    value: &Value,
    start: Option<i64>,
    end: Option<i64>,
    step: Option<i64>,
    one: bool,
    out: &mut Vec<Value>,
) -> Result<(), String> {
    let Value::List(list) = value else {
        if value.is_null() {
            return Ok(());
        }
        return Err(format!("{} is not array or slice", value.to_json()));
    };
    let len = list.len() as i64;
    let from_end = |n: i64| if n < 0 { n + len } else { n };
    let start = from_end(start.unwrap_or(0));
    if one {
        return match usize::try_from(start).ok().and_then(|i| list.as_slice().get(i)) {
            Some(item) => {
                out.push(item.clone());
                Ok(())
            }
            None => Err(format!("array index out of bounds: index {start}, length {len}")),
        };
    }
    let end = from_end(end.unwrap_or(len)).min(len);
    if start >= len && len > 0 {
        return Err(format!("array index out of bounds: index {start}, length {len}"));
    }
    let step = step.unwrap_or(1);
    if step <= 0 {
        return Err("step must be > 0".to_owned());
    }
    let mut i = start.max(0);
    while i < end {
        out.push(list.as_slice()[i as usize].clone());
        i += step;
    }
    Ok(())
}

fn holds(item: &Value, left: &[Node], op: &str, right: &[Node]) -> Result<bool, String> {
    let found = walk(left, vec![item.clone()])?;
    if op.is_empty() {
        return Ok(!found.is_empty());
    }
    let Some(a) = found.first() else { return Ok(false) };
    if found.len() > 1 {
        return Err("can only compare one element at a time".to_owned());
    }
    let other = walk(right, vec![item.clone()])?;
    let Some(b) = other.first() else { return Ok(false) };
    let order = match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Bool(a), Value::Str(b)) => a.to_string().as_str().cmp(b.as_str()),
        (Value::Null, _) | (_, Value::Null) => return Ok(op == "!="),
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    Ok(match op {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        _ => order.is_ge(),
    })
}

/// A value as the template prints it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Str(s) => s.to_string(),
        Value::Null => String::new(),
        other => json::compact(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> Value {
        serde_yaml::from_str(
            "items:\n- metadata: {name: a, labels: {app: x}}\n  n: 1\n- metadata: {name: b}\n  n: 2\nempty: []\n",
        )
        .unwrap()
    }

    fn check(template: &str, want: &str) {
        let got = parse(template).and_then(|p| p.print(&pods())).unwrap_or_else(|e| format!("! {e}"));
        assert_eq!(got, want, "{template}");
    }

    #[test]
    fn templates() {
        for (template, want) in [
            ("{.items[*].metadata.name}", "a b"),
            ("{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{\"\\n\"}{end}", "a\t1\nb\t2\n"),
            ("{.items[0].metadata}", r#"{"labels":{"app":"x"},"name":"a"}"#),
            ("{.items[-1:].metadata.name}", "b"),
            ("{.items[?(@.n>1)].metadata.name}", "b"),
            ("{.items[?(@.metadata.name==\"a\")].n}", "1"),
            ("{.items[?(@.metadata.labels)].n}", "1"),
            ("{..name}", "a b"),
            ("{.items[*]['metadata.name','n']}", "a b 1 2"),
            ("{.items[0].nosuch}", ""),
            ("name: {$.items[1].metadata.name}!", "name: b!"),
            ("{.items[0", "! unterminated array"),
            ("{.items[9]}", "! array index out of bounds: index 9, length 2"),
            ("{.items", "! unclosed action"),
            ("{range .empty[*]}x{end}done", "done"),
        ] {
            check(template, want);
        }
    }
}
