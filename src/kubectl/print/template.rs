//! Go templates, as far as `-o go-template` is used: actions, `if`, `range`, `with`, variables,
//! pipelines and the common functions.
//! Models text/template.

use super::custom_columns::go_value;
use crate::api::Value;

#[derive(Clone, Debug)]
pub struct Template {
    pub text: String,
    body: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Text(String),
    Print(Pipe),
    Assign(String, Pipe),
    If(Pipe, Vec<Node>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    /// Names of the index and the item, if given.
    Range(Option<String>, Option<String>, Pipe, Vec<Node>, Vec<Node>),
}

/// Commands joined by `|`; each a list of operands.
type Pipe = Vec<Vec<Operand>>;

#[derive(Clone, Debug)]
enum Operand {
    Constant(Value),
    /// Fields below the dot.
    Dot(Vec<String>),
    Variable(String, Vec<String>),
    Function(String),
    Group(Pipe, Vec<String>),
}

enum Piece {
    Text(String),
    Action(String),
}

pub fn parse(text: &str) -> Result<Template, String> {
    let mut pieces = split(text)?.into_iter().peekable();
    let mut all: Vec<Piece> = Vec::new();
    all.extend(&mut pieces);
    all.reverse();
    let (body, end) = block(&mut all)?;
    match end {
        None => Ok(Template { text: text.to_owned(), body }),
        Some(word) => Err(format!("unexpected {{{{{word}}}}}")),
    }
}

fn split(text: &str) -> Result<Vec<Piece>, String> {
    let (mut out, mut rest) = (Vec::new(), text);
    let mut trim = false;
    while let Some(open) = rest.find("{{") {
        let mut before = &rest[..open];
        if trim {
            before = before.trim_start();
        }
        let mut action = &rest[open + 2..];
        if let Some(after) = action.strip_prefix("- ") {
            before = before.trim_end();
            action = after;
        }
        if !before.is_empty() {
            out.push(Piece::Text(before.to_owned()));
        }
        let close = closing(action).ok_or("unclosed action")?;
        let mut inner = &action[..close];
        rest = &action[close + 2..];
        trim = inner.ends_with(" -");
        if trim {
            inner = &inner[..inner.len() - 2];
        }
        if !inner.trim().starts_with("/*") {
            out.push(Piece::Action(inner.trim().to_owned()));
        }
    }
    let rest = if trim { rest.trim_start() } else { rest };
    if !rest.is_empty() {
        out.push(Piece::Text(rest.to_owned()));
    }
    Ok(out)
}

/// Where `}}` stands outside quotes.
fn closing(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(q), c) if c == q && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '}') if text[i..].starts_with("}}") => return Some(i),
            _ => {}
        }
        escaped = false;
    }
    None
}

/// Nodes up to `end` or `else` (taken from the back of `pieces`), and which of them it was.
fn block(pieces: &mut Vec<Piece>) -> Result<(Vec<Node>, Option<String>), String> {
    let mut out = Vec::new();
    while let Some(piece) = pieces.pop() {
        let action = match piece {
            Piece::Text(t) => {
                out.push(Node::Text(t));
                continue;
            }
            Piece::Action(a) => a,
        };
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((action.as_str(), ""));
        match word {
            "end" | "else" => return Ok((out, Some(action))),
            "if" | "with" => {
                let pipe = pipeline(rest)?;
                let (then, otherwise) = branches(pieces, word)?;
                out.push(if word == "if" {
                    Node::If(pipe, then, otherwise)
                } else {
                    Node::With(pipe, then, otherwise)
                });
            }
            "range" => {
                let (names, expression) = rest.split_once(":=").map_or(("", rest), |(n, e)| (n, e));
                let names: Vec<String> =
                    names.split(',').map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect();
                let pipe = pipeline(expression)?;
                let (then, otherwise) = branches(pieces, word)?;
                let (index, item) = match &names[..] {
                    [] => (None, None),
                    [item] => (None, Some(item.clone())),
                    [index, item, ..] => (Some(index.clone()), Some(item.clone())),
                };
                out.push(Node::Range(index, item, pipe, then, otherwise));
            }
            _ => match action.split_once(":=").or_else(|| action.split_once(" = ")) {
                Some((name, expression)) if name.trim().starts_with('$') => {
                    out.push(Node::Assign(name.trim().to_owned(), pipeline(expression)?));
                }
                _ => out.push(Node::Print(pipeline(&action)?)),
            },
        }
    }
    Ok((out, None))
}

fn branches(pieces: &mut Vec<Piece>, word: &str) -> Result<(Vec<Node>, Vec<Node>), String> {
    let (then, end) = block(pieces)?;
    let otherwise = match end.as_deref() {
        None => return Err("unexpected EOF".to_owned()),
        Some("end") => Vec::new(),
        Some("else") => block(pieces)?.0,
        Some(chained) => {
            let condition = chained.trim_start_matches("else").trim();
            let pipe = pipeline(condition.strip_prefix(word).unwrap_or(condition))?;
            let (a, b) = branches(pieces, word)?;
            vec![Node::If(pipe, a, b)]
        }
    };
    Ok((then, otherwise))
}

fn pipeline(text: &str) -> Result<Pipe, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let pipe = commands(&chars, &mut at, false)?;
    if pipe.iter().all(Vec::is_empty) {
        return Err("missing value for command".to_owned());
    }
    Ok(pipe)
}

fn commands(chars: &[char], at: &mut usize, inside: bool) -> Result<Pipe, String> {
    let mut pipe: Pipe = vec![Vec::new()];
    while let Some(&c) = chars.get(*at) {
        match c {
            ' ' | '\t' | '\n' => *at += 1,
            ')' if inside => {
                *at += 1;
                return Ok(pipe);
            }
            '|' => {
                *at += 1;
                pipe.push(Vec::new());
            }
            _ => {
                let operand = operand(chars, at)?;
                if let Some(last) = pipe.last_mut() {
                    last.push(operand);
                }
            }
        }
    }
    if inside { Err("unclosed left paren".to_owned()) } else { Ok(pipe) }
}

fn operand(chars: &[char], at: &mut usize) -> Result<Operand, String> {
    let c = chars[*at];
    if c == '"' || c == '`' {
        let start = *at;
        *at += 1;
        while chars.get(*at).is_some_and(|x| *x != c) {
            if c == '"' && chars[*at] == '\\' {
                *at += 1;
            }
            *at += 1;
        }
        *at += 1;
        let raw: String = chars.get(start..*at).ok_or("unterminated quoted string")?.iter().collect();
        let text = if c == '`' { raw[1..raw.len() - 1].to_owned() } else { unquote(&raw[1..raw.len() - 1]) };
        return Ok(Operand::Constant(Value::from(text)));
    }
    if c == '(' {
        *at += 1;
        let pipe = commands(chars, at, true)?;
        let fields = if chars.get(*at) == Some(&'.') { fields(chars, at) } else { Vec::new() };
        return Ok(Operand::Group(pipe, fields));
    }
    if c == '.' {
        return Ok(Operand::Dot(fields(chars, at)));
    }
    let start = *at;
    while chars.get(*at).is_some_and(|x| x.is_alphanumeric() || matches!(x, '_' | '$' | '-' | '+')) {
        *at += 1;
    }
    let word: String = chars[start..*at].iter().collect();
    if word.is_empty() {
        return Err(format!("unexpected {} in operand", super::super::flags::quote(&c.to_string())));
    }
    if word.starts_with('$') {
        return Ok(Operand::Variable(word, if chars.get(*at) == Some(&'.') { fields(chars, at) } else { Vec::new() }));
    }
    if let Ok(n) = word.parse::<i64>() {
        return Ok(Operand::Constant(Value::Int(n)));
    }
    const FUNCTIONS: [&str; 21] = [
        "eq",
        "ne",
        "lt",
        "le",
        "gt",
        "ge",
        "and",
        "or",
        "not",
        "len",
        "index",
        "printf",
        "print",
        "println",
        "exists",
        "base64decode",
        "html",
        "js",
        "urlquery",
        "slice",
        "call",
    ];
    match word.as_str() {
        "true" | "false" => Ok(Operand::Constant(Value::Bool(word == "true"))),
        "nil" => Ok(Operand::Constant(Value::Null)),
        w if FUNCTIONS.contains(&w) => Ok(Operand::Function(word)),
        _ => Err(format!("function \"{word}\" not defined")),
    }
}

fn fields(chars: &[char], at: &mut usize) -> Vec<String> {
    let mut out = Vec::new();
    while chars.get(*at) == Some(&'.') {
        *at += 1;
        let start = *at;
        while chars.get(*at).is_some_and(|x| x.is_alphanumeric() || *x == '_') {
            *at += 1;
        }
        if *at > start {
            out.push(chars[start..*at].iter().collect());
        }
    }
    out
}

fn unquote(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c) => out.push(c),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// Variables in scope, innermost last.
type Scope = Vec<(String, Value)>;

impl Template {
    pub fn run(&self, value: &Value) -> Result<String, String> {
        let mut out = String::new();
        let mut scope = vec![("$".to_owned(), value.clone())];
        exec(&self.body, value, &mut scope, &mut out)?;
        Ok(out)
    }
}

fn exec(nodes: &[Node], dot: &Value, scope: &mut Scope, out: &mut String) -> Result<(), String> {
    let depth = scope.len();
    for node in nodes {
        match node {
            Node::Text(t) => *out += t,
            Node::Print(pipe) => match eval(pipe, dot, scope)? {
                Value::Null => *out += "<no value>",
                other => *out += &go_value(&other),
            },
            Node::Assign(name, pipe) => {
                let value = eval(pipe, dot, scope)?;
                match scope.iter_mut().rev().find(|(n, _)| n == name) {
                    Some(known) => known.1 = value,
                    None => scope.push((name.clone(), value)),
                }
            }
            Node::If(pipe, then, otherwise) => {
                let branch = if truth(&eval(pipe, dot, scope)?) { then } else { otherwise };
                exec(branch, dot, scope, out)?;
            }
            Node::With(pipe, then, otherwise) => {
                let value = eval(pipe, dot, scope)?;
                if truth(&value) { exec(then, &value, scope, out)? } else { exec(otherwise, dot, scope, out)? }
            }
            Node::Range(index, item, pipe, body, otherwise) => {
                let entries: Vec<(Value, Value)> = match eval(pipe, dot, scope)? {
                    Value::Map(m) => m.iter().map(|(k, v)| (Value::from(k), v.clone())).collect(),
                    Value::List(l) => l.iter().enumerate().map(|(i, v)| (Value::Int(i as i64), v.clone())).collect(),
                    Value::Null => Vec::new(),
                    other => {
                        return Err(format!(
                            "1:1: executing \"output\" at <>: range can't iterate over {}",
                            go_value(&other)
                        ));
                    }
                };
                if entries.is_empty() {
                    exec(otherwise, dot, scope, out)?;
                }
                for (key, value) in entries {
                    let inner = scope.len();
                    scope.extend(index.iter().map(|n| (n.clone(), key.clone())));
                    scope.extend(item.iter().map(|n| (n.clone(), value.clone())));
                    exec(body, &value, scope, out)?;
                    scope.truncate(inner);
                }
            }
        }
    }
    scope.truncate(depth.max(1));
    Ok(())
}

fn eval(pipe: &Pipe, dot: &Value, scope: &Scope) -> Result<Value, String> {
    let mut piped: Option<Value> = None;
    for command in pipe {
        let Some((first, rest)) = command.split_first() else {
            return Err("1:1: missing value for command".to_owned());
        };
        let value = match first {
            Operand::Function(name) => {
                let mut args = rest.iter().map(|o| operand_value(o, dot, scope)).collect::<Result<Vec<_>, _>>()?;
                args.extend(piped.take());
                call(name, &args)?
            }
            other => operand_value(other, dot, scope)?,
        };
        piped = Some(value);
    }
    Ok(piped.unwrap_or_default())
}

fn operand_value(operand: &Operand, dot: &Value, scope: &Scope) -> Result<Value, String> {
    let follow = |start: &Value, fields: &[String]| -> Value {
        fields.iter().try_fold(start.clone(), |v, f| v.get(f).cloned()).unwrap_or_default()
    };
    Ok(match operand {
        Operand::Constant(v) => v.clone(),
        Operand::Dot(fields) => follow(dot, fields),
        Operand::Variable(name, fields) => match scope.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => follow(value, fields),
            None => return Err(format!("1:1: undefined variable \"{name}\"")),
        },
        Operand::Function(name) => call(name, &[])?,
        Operand::Group(pipe, fields) => follow(&eval(pipe, dot, scope)?, fields),
    })
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Num(n) => n != "0",
        Value::Str(s) => !s.is_empty(),
        Value::List(l) => !l.is_empty(),
        Value::Map(m) => !m.is_empty(),
    }
}

/// Go's fmt.Sprint: a space between two operands where neither is text.
fn print_words(args: &[Value]) -> String {
    let mut out = String::new();
    for (i, arg) in args.iter().enumerate() {
        if i > 0 && !matches!((&args[i - 1], arg), (Value::Str(_), _) | (_, Value::Str(_))) {
            out.push(' ');
        }
        out += &go_value(arg);
    }
    out
}

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    let first = args.first().cloned().unwrap_or_default();
    let second = args.get(1).cloned().unwrap_or_default();
    let order = || match (&first, &second) {
        (Value::Int(a), Value::Int(b)) => Ok(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Ok(a.cmp(b)),
        _ => Err(format!(
            "1:1: executing \"output\" at <{name}>: error calling {name}: incompatible types for comparison"
        )),
    };
    Ok(match name {
        "eq" => Value::Bool(args[1..].contains(&first)),
        "ne" => Value::Bool(first != second),
        "lt" => Value::Bool(order()?.is_lt()),
        "le" => Value::Bool(order()?.is_le()),
        "gt" => Value::Bool(order()?.is_gt()),
        "ge" => Value::Bool(order()?.is_ge()),
        "and" => args.iter().find(|v| !truth(v)).or(args.last()).cloned().unwrap_or_default(),
        "or" => args.iter().find(|v| truth(v)).or(args.last()).cloned().unwrap_or_default(),
        "not" => Value::Bool(!truth(&first)),
        "len" => Value::Int(match &first {
            Value::Str(s) => s.len() as i64,
            Value::List(l) => l.len() as i64,
            Value::Map(m) => m.len() as i64,
            _ => return Err("1:1: executing \"output\" at <len>: error calling len: len of nil pointer".to_owned()),
        }),
        "index" => args[1..].iter().try_fold(first, |v, key| match (&v, key) {
            (Value::List(l), Value::Int(n)) => match usize::try_from(*n).ok().and_then(|i| l.as_slice().get(i)) {
                Some(item) => Ok(item.clone()),
                None => {
                    Err(format!("1:1: executing \"output\" at <index>: error calling index: index out of range: {n}"))
                }
            },
            (v, key) => Ok(v.get(key.as_str()).cloned().unwrap_or_default()),
        })?,
        "exists" => Value::Bool(args[1..].iter().try_fold(first, |v, key| v.get(key.as_str()).cloned()).is_some()),
        "printf" => Value::from(printf(first.as_str(), &args[1..])),
        "print" => Value::from(print_words(args)),
        "println" => Value::from(args.iter().map(go_value).collect::<Vec<_>>().join(" ") + "\n"),
        "html" => Value::from(escape(
            &plain(args),
            &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;")],
        )),
        "js" => Value::from(escape(
            &plain(args),
            &[
                ('\\', "\\\\"),
                ('\'', "\\'"),
                ('"', "\\\""),
                ('<', "\\u003C"),
                ('>', "\\u003E"),
                ('&', "\\u0026"),
                ('=', "\\u003D"),
            ],
        )),
        "urlquery" => Value::from(url_query(&plain(args))),
        "slice" => {
            let at =
                |i: usize, default: usize| args.get(i).and_then(Value::as_int).map_or(default, |n| n.max(0) as usize);
            match &first {
                Value::Str(s) => Value::from(s.get(at(1, 0)..at(2, s.len())).unwrap_or("")),
                other => {
                    let items = other.items();
                    Value::from(items.get(at(1, 0)..at(2, items.len())).unwrap_or(&[]).to_vec())
                }
            }
        }
        "base64decode" => Value::from(super::super::create::base64_decode(first.as_str())),
        _ => first,
    })
}

fn plain(args: &[Value]) -> String {
    args.iter().map(go_value).collect()
}

fn escape(text: &str, table: &[(char, &str)]) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match table.iter().find(|(from, _)| *from == c) {
            Some((_, to)) => out += to,
            None => out.push(c),
        }
    }
    out
}

fn url_query(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b' ' => out.push('+'),
            b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => out.push(char::from(b)),
            b => out += &format!("%{b:02X}"),
        }
    }
    out
}

fn printf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(&c) = chars.peek() {
            spec.push(c);
            chars.next();
            if c.is_alphabetic() || c == '%' {
                break;
            }
        }
        let verb = spec.pop().unwrap_or('%');
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(arg) = args.next() else {
            out += &format!("%!{verb}(MISSING)");
            continue;
        };
        let text = if verb == 'q' { super::super::flags::quote(&go_value(arg)) } else { go_value(arg) };
        let left = spec.starts_with('-');
        let width: usize = spec.trim_start_matches('-').split('.').next().and_then(|w| w.parse().ok()).unwrap_or(0);
        out += &if left { format!("{text:<width$}") } else { format!("{text:>width$}") };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let value: Value = serde_yaml::from_str("items:\n- {name: a, n: 1}\n- {name: b}\n").unwrap();
        for (text, want) in [
            ("{{range .items}}{{.name}}{{\"\\n\"}}{{end}}", "a\nb\n"),
            ("{{range $i, $x := .items}}{{$i}}={{$x.name}} {{end}}", "0=a 1=b "),
            ("{{range .items}}{{if .n}}{{.n}}{{else}}-{{end}}{{end}}", "1-"),
            ("{{(index .items 1).name}} {{len .items}}", "b 2"),
            ("{{printf \"%-3s|\" .items}}", "[map[n:1 name:a] map[name:b]]|"),
            ("{{.nope}}", "<no value>"),
            ("{{range .items}}{{if eq .name \"b\"}}yes{{end}}{{end}}", "yes"),
            ("{{nope}}", "! function \"nope\" not defined"),
            ("{{range .items}}", "! unexpected EOF"),
        ] {
            let got = parse(text).and_then(|t| t.run(&value)).unwrap_or_else(|e| format!("! {e}"));
            assert_eq!(got, want, "{text}");
        }
    }
}
