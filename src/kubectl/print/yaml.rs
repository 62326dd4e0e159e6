//! YAML as sigs.k8s.io/yaml prints it: keys sorted, lists not indented, long plain text folded at 80
//! columns.
//! Models go-yaml v2's emitter, for the trees Kubernetes objects are.

use crate::api::Value;

/// One document.
pub fn document(value: &Value) -> String {
    let mut out = Emitter { out: String::new(), column: 0 };
    out.node(value, 0, false);
    if out.column > 0 {
        out.newline();
    }
    out.out
}

struct Emitter {
    out: String,
    column: usize,
}

const BEST_WIDTH: usize = 80;

impl Emitter {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }
    fn newline(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }
    fn indent(&mut self, depth: usize) {
        self.put(&" ".repeat(depth * 2));
    }

    /// `value` at `depth`; `inline`: the cursor is already where its first line begins.
    fn node(&mut self, value: &Value, depth: usize, inline: bool) {
        match value {
            Value::Map(m) if !m.is_empty() => {
                for (i, (key, value)) in m.iter().enumerate() {
                    if i > 0 || !inline {
                        if self.column > 0 {
                            self.newline();
                        }
                        self.indent(depth);
                    }
                    self.scalar_text(key, depth, true);
                    self.put(":");
                    self.child(value, depth);
                }
            }
            Value::List(l) if !l.is_empty() => {
                for (i, item) in l.iter().enumerate() {
                    if i > 0 || !inline {
                        if self.column > 0 {
                            self.newline();
                        }
                        self.indent(depth);
                    }
                    self.put("- ");
                    match item {
                        Value::Map(m) if !m.is_empty() => self.node(item, depth + 1, true),
                        Value::List(l) if !l.is_empty() => self.node(item, depth + 1, true),
                        other => self.scalar(other, depth + 1),
                    }
                }
            }
            other => self.scalar(other, depth),
        }
    }

    /// What stands after `key:`.
    fn child(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Map(m) if !m.is_empty() => self.node(value, depth + 1, false),
            // Lists stay at the key's own depth.
            Value::List(l) if !l.is_empty() => self.node(value, depth, false),
            other => {
                self.put(" ");
                self.scalar(other, depth + 1);
            }
        }
    }

    fn scalar(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(b) => self.put(if *b { "true" } else { "false" }),
            Value::Int(n) => self.put(&n.to_string()),
            Value::Num(n) => self.put(n),
            Value::Str(s) => self.scalar_text(s, depth, false),
            Value::List(_) => self.put("[]"),
            Value::Map(_) => self.put("{}"),
        }
    }

    fn scalar_text(&mut self, text: &str, depth: usize, key: bool) {
        let multiline = text.contains('\n');
        if needs_double(text) {
            return self.double(text, depth, key);
        }
        if multiline && !key {
            return self.literal(text, depth);
        }
        if multiline {
            return self.double(text, depth, key);
        }
        if is_other_type(text) {
            return self.double(text, depth, key);
        }
        if plain_allowed(text) { self.words(text, depth, key) } else { self.single(text, depth, key) }
    }

    /// Text whose spaces may become line breaks once the line is long.
    fn words(&mut self, text: &str, depth: usize, key: bool) {
        let chars: Vec<char> = text.chars().collect();
        for (i, &c) in chars.iter().enumerate() {
            let next_is_space = chars.get(i + 1) == Some(&' ');
            let after_space = i > 0 && chars[i - 1] == ' ';
            if c == ' ' && !key && !after_space && !next_is_space && self.column > BEST_WIDTH && i + 1 < chars.len() {
                self.newline();
                self.indent(depth);
            } else {
                self.out.push(c);
                self.column += 1;
            }
        }
    }

    fn single(&mut self, text: &str, depth: usize, key: bool) {
        self.put("'");
        let chars: Vec<char> = text.chars().collect();
        for (i, &c) in chars.iter().enumerate() {
            let inner = i > 0 && i + 1 < chars.len() && chars[i + 1] != ' ' && chars[i - 1] != ' ';
            if c == ' ' && !key && inner && self.column > BEST_WIDTH {
                self.newline();
                self.indent(depth);
            } else if c == '\'' {
                self.put("''");
            } else {
                self.out.push(c);
                self.column += 1;
            }
        }
        self.put("'");
    }

    fn double(&mut self, text: &str, depth: usize, key: bool) {
        self.put("\"");
        let chars: Vec<char> = text.chars().collect();
        let mut spaces = false;
        for (i, &c) in chars.iter().enumerate() {
            let escaped = match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\0' => "\\0".to_owned(),
                '\u{7}' => "\\a".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{1b}' => "\\e".to_owned(),
                '\u{85}' => "\\N".to_owned(),
                '\u{a0}' => "\\_".to_owned(),
                c if (c as u32) < 0x20 || c as u32 == 0x7f => format!("\\x{:02X}", c as u32),
                ' ' if !key && !spaces && self.column > BEST_WIDTH && i > 0 && i + 1 < chars.len() => {
                    self.newline();
                    self.indent(depth);
                    if chars[i + 1] == ' ' {
                        self.put("\\");
                    }
                    spaces = true;
                    continue;
                }
                c => c.to_string(),
            };
            spaces = c == ' ';
            self.put(&escaped);
        }
        self.put("\"");
    }

    fn literal(&mut self, text: &str, depth: usize) {
        let body = text.trim_end_matches('\n');
        let ends = text.len() - body.len();
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        match ends {
            0 => self.put("-"),
            1 if !body.is_empty() => {}
            _ => self.put("+"),
        }
        for line in text[..text.len() - ends.min(1)].split('\n') {
            self.newline();
            if !line.is_empty() {
                self.indent(depth);
                self.put(line);
            }
        }
        if ends > 1 {
            self.newline();
        }
    }
}

/// Characters that only double quotes can carry.
fn needs_double(text: &str) -> bool {
    let special = |c: char| {
        (c as u32) < 0x20 && c != '\n' || matches!(c, '\u{7f}'..='\u{a0}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
    };
    text.chars().any(special)
        || text.contains(" \n")
        || text.contains("\n") && (text.starts_with(' ') || text.trim_matches('\n').is_empty())
}

/// Whether plain text would be read as something other than a string.
fn is_other_type(text: &str) -> bool {
    const WORDS: [&str; 30] = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF", "true",
        "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "~", "", ".nan", ".inf", "<<",
    ];
    WORDS.contains(&text) || is_number(text) || is_timestamp(text)
}

fn is_number(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if body.is_empty() || !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let digits = body.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    for (prefix, radix) in [("0b", 2), ("0o", 8)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix));
        }
    }
    // Floats: digits, a point, an exponent. Sexagesimal numbers are kept apart too.
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits.as_str(), None), |(m, e)| (m, Some(e)));
    let mantissa_ok = mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && mantissa.matches('.').count() <= 1
        && mantissa.bytes().any(|b| b.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && e.bytes().all(|b| b.is_ascii_digit())
    });
    mantissa_ok && exponent_ok || is_base60(&digits)
}

/// `190:20:30` and the like, which YAML 1.1 reads as a number.
fn is_base60(text: &str) -> bool {
    let mut parts = text.split(':');
    let first_ok = parts.next().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let rest: Vec<&str> = parts.collect();
    let short = |p: &&str| {
        (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()) && (p.len() == 1 || p.as_bytes()[0] < b'6')
    };
    first_ok && !rest.is_empty() && rest.iter().all(short)
}

fn is_timestamp(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() >= 8
        && b[..4].iter().all(u8::is_ascii_digit)
        && b[4] == b'-'
        && text[5..]
            .split(['-', 'T', 't', ' '])
            .take(2)
            .all(|p| (1..=2).contains(&p.len()) && p.bytes().all(|c| c.is_ascii_digit()))
        && (b.len() == 10 || b.contains(&b':'))
}

/// Whether text may stand without quotes in block context.
fn plain_allowed(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let second_is_space = text.chars().nth(1).is_none_or(|c| c == ' ');
    let bad_start = match first {
        '-' | '?' | ':' => second_is_space,
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | ' ' => true,
        _ => false,
    };
    !(bad_start
        || text.starts_with("---")
        || text.starts_with("...")
        || text.ends_with(' ')
        || text.ends_with(':')
        || text.contains(": ")
        || text.contains(" #"))
}

/// KYAML: flow style, keys plain, strings quoted.
pub fn kyaml(value: &Value) -> String {
    let mut out = String::from("---\n");
    flow(value, 0, &mut out);
    out.push('\n');
    out
}

fn flow(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth + 1);
    match value {
        Value::Map(m) if !m.is_empty() => {
            out.push_str("{\n");
            for (k, v) in m.iter() {
                let plain = plain_allowed(k) && !is_other_type(k);
                let key = if plain { k.to_string() } else { super::json::string(k) };
                *out += &format!("{pad}{key}: ");
                flow(v, depth + 1, out);
                out.push_str(",\n");
            }
            *out += &format!("{}}}", "  ".repeat(depth));
        }
        Value::List(l) if !l.is_empty() => {
            let compound = l.iter().all(|v| matches!(v, Value::Map(m) if !m.is_empty()));
            if compound {
                out.push('[');
                for (i, v) in l.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    flow(v, depth, out);
                }
                out.push(']');
                return;
            }
            out.push_str("[\n");
            for v in l {
                *out += &pad;
                flow(v, depth + 1, out);
                out.push_str(",\n");
            }
            *out += &format!("{}]", "  ".repeat(depth));
        }
        other => *out += &super::json::compact(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Into<Value>, want: &str) {
        assert_eq!(document(&value.into()), want);
    }

    #[test]
    fn what_is_quoted() {
        let strings = [
            ("web", "web"),
            ("1", "\"1\""),
            ("true", "\"true\""),
            ("", "\"\""),
            ("25%", "25%"),
            ("0.5", "\"0.5\""),
            ("a: b", "'a: b'"),
            ("*", "'*'"),
            ("10.96.0.1", "10.96.0.1"),
            ("nginx:1.17", "nginx:1.17"),
            ("Y", "\"Y\""),
            ("{}", "'{}'"),
            ("it's", "it's"),
            ("2026-01-05T09:00:00Z", "\"2026-01-05T09:00:00Z\""),
            ("100m", "100m"),
            ("fe80::1", "fe80::1"),
            ("-1", "\"-1\""),
            ("- a", "'- a'"),
            ("1e3", "\"1e3\""),
            ("12345e6", "\"12345e6\""),
            ("k:{\"name\":\"x\"}", "k:{\"name\":\"x\"}"),
            (".", "."),
            ("f:a", "f:a"),
        ];
        for (text, want) in strings {
            check(text, &format!("{want}\n"));
        }
    }

    #[test]
    fn shapes() {
        check(
            map! { "a" => list![map! { "b" => 1, "c" => list!["x"] }, "y"], "e" => map! {}, "l" => list![], "n" => Value::Null },
            "a:\n- b: 1\n  c:\n  - x\n- \"y\"\ne: {}\nl: []\n\"n\": null\n",
        );
        check(map! { "m" => map! { "t" => "one\ntwo\n" } }, "m:\n  t: |\n    one\n    two\n");
        check(map! { "t" => "one\ntwo" }, "t: |-\n  one\n  two\n");
    }

    #[test]
    fn long_text_is_folded() {
        let text =
            "containers with unready status: [a] and many other words that go on until the line is too long to stay";
        check(
            map! { "status" => map! { "message" => text } },
            "status:\n  message: 'containers with unready status: [a] and many other words that go on until\n    the line is too long to stay'\n",
        );
    }
}
