//! YAML as manifests are mostly written, read without the general reader: block maps and lists, scalars of
//! one line, `|` and `>` texts, flow collections on one line. What else there is goes to the general reader
//! (`serde_yaml`), as does everything wrong: its errors are what users see. The page's first load does
//! without that one.

use super::{Map, Value};
use crate::base::Str;

/// # Errors
/// What the general reader says of a text that is no YAML document.
pub fn read(text: &str) -> Result<Value, serde_yaml::Error> {
    match plain(text) {
        Some(value) => Ok(value),
        None => serde_yaml::from_str(text),
    }
}

/// `None`: something that only the general reader knows.
fn plain(text: &str) -> Option<Value> {
    if text.contains(['\t', '\r']) {
        return None;
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let content = line.trim_start_matches(' ');
        lines.push(Line { indent: line.len() - content.len(), content });
    }
    let mut reader = Reader { lines, at: 0 };
    let first = reader.peek()?;
    let value = reader.block(first.indent, 0)?;
    reader.peek().is_none().then_some(value)
}

#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    content: &'a str,
}

impl Line<'_> {
    fn is_item(&self) -> bool {
        self.content == "-" || self.content.starts_with("- ")
    }
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

/// Deeper than any manifest.
const DEPTH: usize = 60;

impl<'a> Reader<'a> {
    /// The next line that says something.
    fn peek(&mut self) -> Option<Line<'a>> {
        loop {
            let line = *self.lines.get(self.at)?;
            if !line.content.is_empty() && !line.content.starts_with('#') {
                return Some(line);
            }
            self.at += 1;
        }
    }

    /// The collection or scalar that begins at the next line, which is indented so far.
    fn block(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let line = self.peek()?;
        if depth > DEPTH || (line.indent == 0 && line.content.starts_with(['-', '.', '%']) && !line.is_item()) {
            return None;
        }
        if line.is_item() {
            return self.list(indent, depth);
        }
        if split_key(line.content).is_some() {
            return self.map(indent, depth);
        }
        self.at += 1;
        self.value(line.content, indent, depth, false)
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some(line) = self.peek() {
            if line.indent < indent || (line.indent == indent && !line.is_item()) {
                break;
            }
            if line.indent > indent {
                return None;
            }
            let content = line.content[1..].trim_start_matches(' ');
            if content.is_empty() || content.starts_with('#') {
                self.at += 1;
                items.push(self.below(indent + 1, depth)?);
                continue;
            }
            let inner = Line { indent: indent + line.content.len() - content.len(), content };
            if inner.is_item() || split_key(content).is_some() {
                self.lines[self.at] = inner;
                items.push(self.block(inner.indent, depth + 1)?);
            } else {
                self.at += 1;
                items.push(self.value(content, indent, depth, true)?);
            }
        }
        Some(Value::List(items.into_iter().collect()))
    }

    fn map(&mut self, indent: usize, depth: usize) -> Option<Value> {
        let mut entries = Vec::new();
        while let Some(line) = self.peek() {
            if line.indent < indent {
                break;
            }
            if line.indent > indent || line.is_item() {
                return None;
            }
            let (key, rest) = split_key(line.content)?;
            self.at += 1;
            let value = if rest.is_empty() || rest.starts_with('#') {
                match self.peek() {
                    Some(next) if next.indent == indent && next.is_item() => self.list(indent, depth + 1)?,
                    _ => self.below(indent + 1, depth)?,
                }
            } else {
                self.value(rest, indent, depth, true)?
            };
            entries.push((key, value));
        }
        Some(Value::Map(map_of(entries)))
    }

    /// What is indented at least so far, or null.
    fn below(&mut self, least: usize, depth: usize) -> Option<Value> {
        match self.peek() {
            Some(next) if next.indent >= least => self.block(next.indent, depth + 1),
            _ => Some(Value::Null),
        }
    }

    /// A value that begins on the line before the next one, in a collection indented so far.
    fn value(&mut self, text: &str, indent: usize, depth: usize, inside: bool) -> Option<Value> {
        if text.starts_with(['|', '>']) {
            return if inside { self.text(text, indent) } else { None };
        }
        // Scalars of several lines are not ours.
        if self.peek().is_some_and(|next| next.indent > indent || !inside) {
            return None;
        }
        let (value, rest) = inline(text, false, depth)?;
        (rest.is_empty() || rest.starts_with(" #") && rest.trim_start().starts_with('#')).then_some(value)
    }

    /// A text below its `|` or `>`.
    fn text(&mut self, header: &str, parent: usize) -> Option<Value> {
        let (folded, strip) = match header {
            "|" => (false, false),
            "|-" => (false, true),
            ">" => (true, false),
            ">-" => (true, true),
            _ => return None,
        };
        let first = *self.lines.get(self.at)?;
        let indent = first.indent;
        if first.content.is_empty() || indent <= parent {
            return None;
        }
        let mut out = String::new();
        let mut breaks = 0;
        while let Some(line) = self.lines.get(self.at) {
            if line.content.is_empty() {
                if line.indent > indent {
                    return None;
                }
                breaks += 1;
            } else {
                if line.indent < indent {
                    break;
                }
                if folded && line.indent > indent {
                    return None;
                }
                if !out.is_empty() {
                    match (folded, breaks) {
                        (true, 0) => out.push(' '),
                        (true, _) => out.extend(std::iter::repeat_n('\n', breaks)),
                        (false, _) => out.extend(std::iter::repeat_n('\n', breaks + 1)),
                    }
                }
                out.extend(std::iter::repeat_n(' ', line.indent - indent));
                out.push_str(line.content);
                breaks = 0;
            }
            self.at += 1;
        }
        if !strip {
            out.push('\n');
        }
        Some(Value::Str(out.into()))
    }
}

fn map_of(entries: Vec<(Str, Value)>) -> Map {
    entries.into_iter().collect()
}

/// `key: rest`, if the line is that.
fn split_key(line: &str) -> Option<(Str, &str)> {
    let (key, rest) = if line.starts_with(['"', '\'']) {
        let (key, rest) = quoted(line)?;
        (key, rest.strip_prefix(':')?)
    } else {
        let mut from = 0;
        let end = loop {
            let colon = from + line[from..].find(':')?;
            if line[colon + 1..].is_empty() || line[colon + 1..].starts_with(' ') {
                break colon;
            }
            from = colon + 1;
        };
        let key = &line[..end];
        if key.starts_with(SPECIAL) || key.contains(" #") || key.ends_with(' ') {
            return None;
        }
        let Value::Str(key) = scalar(key)? else { return None };
        (key, &line[end + 1..])
    };
    (rest.is_empty() || rest.starts_with(' ')).then(|| (key, rest.trim()))
}

/// What a plain scalar does not begin with, or does not always.
const SPECIAL: [char; 18] = ['!', '&', '*', '|', '>', '%', '@', '`', '"', '\'', '[', ']', '{', '}', ',', '#', '?', ':'];

/// A value on one line, and what follows it there.
fn inline(text: &str, flow: bool, depth: usize) -> Option<(Value, &str)> {
    if depth > DEPTH {
        return None;
    }
    match text.as_bytes().first()? {
        b'"' | b'\'' => {
            let (text, rest) = quoted(text)?;
            Some((Value::Str(text), rest))
        }
        b'[' => {
            let mut rest = text[1..].trim_start();
            let mut items = Vec::new();
            while !rest.starts_with(']') {
                let (item, after) = inline(rest, true, depth + 1)?;
                items.push(item);
                rest = next(after, ']')?;
            }
            Some((Value::List(items.into_iter().collect()), &rest[1..]))
        }
        b'{' => {
            let mut rest = text[1..].trim_start();
            let mut entries = Vec::new();
            while !rest.starts_with('}') {
                let (Value::Str(key), after) = inline(rest, true, depth + 1)? else { return None };
                let (value, after) = inline(after.strip_prefix(": ")?.trim_start(), true, depth + 1)?;
                entries.push((key, value));
                rest = next(after, '}')?;
            }
            Some((Value::Map(map_of(entries)), &rest[1..]))
        }
        b'-' if text[1..].is_empty() || text[1..].starts_with(' ') => None,
        _ if text.starts_with(SPECIAL) => None,
        _ => {
            let end = match flow {
                true => text.find([',', '[', ']', '{', '}', ':'])?,
                false => text.find(" #").unwrap_or(text.len()),
            };
            let word = text[..end].trim_end();
            let doubtful = word.contains(": ") || word.ends_with(':') || (flow && word.contains('#'));
            if doubtful || (flow && text[end..].starts_with(':') && !text[end..].starts_with(": ")) {
                return None;
            }
            Some((scalar(word)?, &text[if flow { end } else { word.len() }..]))
        }
    }
}

/// The next item of a flow collection, or its end.
fn next(rest: &str, end: char) -> Option<&str> {
    let rest = rest.trim_start();
    if rest.starts_with(end) {
        return Some(rest);
    }
    let rest = rest.strip_prefix(',')?.trim_start();
    (!rest.is_empty()).then_some(rest)
}

/// A quoted text of one line, and what follows it.
fn quoted(text: &str) -> Option<(Str, &str)> {
    let quote = text.chars().next()?;
    let mut out = Str::new();
    let mut chars = text[1..].chars();
    while let Some(c) = chars.next() {
        let rest = chars.as_str();
        match c {
            '\'' if quote == '\'' && rest.starts_with('\'') => {
                chars.next();
                out.push('\'');
            }
            '\\' if quote == '"' => out.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                same @ ('"' | '\\' | '/') => same,
                _ => return None,
            }),
            c if c == quote => return Some((out, rest)),
            c => out.push(c),
        }
    }
    None
}

/// A plain scalar: what it means without quotes.
fn scalar(word: &str) -> Option<Value> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let text = || Some(Value::Str(word.into()));
    match digits.as_bytes() {
        _ if matches!(word, "" | "~" | "null" | "Null" | "NULL") => Some(Value::Null),
        _ if matches!(word, "true" | "True" | "TRUE") => Some(Value::Bool(true)),
        _ if matches!(word, "false" | "False" | "FALSE") => Some(Value::Bool(false)),
        [b'0'] if digits.len() == word.len() => Some(Value::Int(0)),
        [b'1'..=b'9', more @ ..] if more.len() < 17 && more.iter().all(u8::is_ascii_digit) => {
            word.parse().ok().map(Value::Int)
        }
        // A fraction, another base, or a text that only looks like one.
        [b'0', b'x' | b'o' | b'b' | b'X' | b'O' | b'B', ..] => None,
        [b'0'..=b'9', more @ ..] => {
            let number = |byte: &u8| byte.is_ascii_digit() || b".eE+-_".contains(byte);
            if more.iter().all(number) && digits.matches('.').count() < 2 { None } else { text() }
        }
        [b'.', b'0'..=b'9' | b'i' | b'I' | b'n' | b'N', ..] | [b'+', ..] => None,
        _ => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is read without the general reader is read alike by it.
    fn same(text: &str) -> bool {
        let quick = plain(text);
        if let Some(value) = &quick {
            assert_eq!(serde_yaml::from_str::<Value>(text).as_ref().ok(), Some(value), "{text}");
        }
        quick.is_some()
    }

    #[test]
    fn what_is_common_is_read_alike() {
        for text in [
            "a: 1\nb:\n  c: x y # z\n  d: \"q\\\"\\n\"\n  e: 'it''s'\n",
            "a:\n- b: 1\n  c: 2\n-   d: 3\n    e: [x, \"y\", {k: v, n: 1}]\nf: {}\ng: []\n",
            "- a\n- - b\n  - c\n-\n  d: e\n- \n",
            "t: |\n  x\n    y: z\n\n  # no comment\nu: |-\n  x\n\n\nv: >\n  a\n  b\n\n  c\nw: >-\n  d\n",
            "a: 10.96.0.0/12\nb: 1.18.4\nc: 300Mi\nd: -5\ne: --flag=x:y\nf: http://a:80/b\ng: 2020-01-01T00:00:00Z\n",
            "a:\nb: ~\nc: true\nd: null\ne: 한글: no\n".trim_end_matches("e: 한글: no\n"),
            "# comment\n\nfoo.io/x: y\n\"q\": 0\n",
            "name: x\nlist:\n  # first\n  - 1\n  # second\n  - 2\nend: it's\n",
            "scalar",
        ] {
            assert!(same(text), "{text}");
        }
    }

    #[test]
    fn what_is_rare_is_left_to_the_general_reader() {
        for text in [
            "",
            "a: 1.5",
            "a: 0x1f",
            "a: 007",
            "a: .5",
            "a: 1e3",
            "a: +1",
            "a: &x 1",
            "a: *x",
            "a: !t x",
            "a: x\n  y",
            "a: \"x\n  y\"",
            "a: |2\n   x",
            "a: |+\n  x\n\n",
            "--- \na: 1",
            "a: 1\n---\nb: 2",
            "1: x",
            "true: x",
            "? a\n: b",
            "a: b: c",
            "a:\n   b: 1\n  c: 2",
            "a: [1,\n2]",
            "{\"a\": 1,\n\"b\": 2}",
            "a: \"\\u00e9\"",
            "a:\tb",
            "a: @x",
            "a: [x:y]",
            "x\ny",
            "a: 1\n- b",
        ] {
            assert!(!same(text), "{text}");
        }
    }

    const MANIFESTS: [&str; 17] = [
        include_str!("../addons/manifests/admins.yaml"),
        include_str!("../addons/manifests/calico.yaml"),
        include_str!("../addons/manifests/coredns.yaml"),
        include_str!("../addons/manifests/ingress-0.30-nodeport.yaml"),
        include_str!("../addons/manifests/ingress-0.30.yaml"),
        include_str!("../addons/manifests/ingress-1.14.yaml"),
        include_str!("../addons/manifests/kube-proxy.yaml"),
        include_str!("../addons/manifests/metallb-0.8.yaml"),
        include_str!("../addons/manifests/tokens.yaml"),
        include_str!("../addons/manifests/upload.yaml"),
        include_str!("../addons/manifests/book/etcd.yaml"),
        include_str!("../addons/manifests/book/kube-apiserver.yaml"),
        include_str!("../addons/manifests/book/kube-controller-manager.yaml"),
        include_str!("../addons/manifests/book/kube-scheduler.yaml"),
        include_str!("../addons/manifests/modern/etcd.yaml"),
        include_str!("../addons/manifests/modern/kube-apiserver.yaml"),
        include_str!("../addons/manifests/modern/kube-scheduler.yaml"),
    ];

    #[test]
    fn every_text_that_ships_is_read_alike() {
        let lessons = crate::lesson::names().filter_map(crate::lesson::source);
        let texts = MANIFESTS.into_iter().chain(lessons).flat_map(|text| text.split("---\n"));
        let quick = texts.filter(|text| same(text)).count();
        assert!(quick > 60, "{quick}");
    }

    #[test]
    fn a_changed_text_is_read_alike() {
        let text = include_str!("../addons/manifests/kube-proxy.yaml");
        for (at, _) in text.char_indices() {
            for put in ["", " ", "\n", ":", "- ", "#", "'", "\"", "[", "x"] {
                same(&format!("{}{put}{}", &text[..at], &text[at + 1..]));
            }
        }
    }
}
