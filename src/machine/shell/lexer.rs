//! Words: quotes, `$…`, backquotes. The half of the parser that looks inside words.

use super::ast::*;
use super::parser::{Parsed, Parser, SyntaxError, is_name};
use crate::base::Str;

impl Parser<'_> {
    /// The word that stands next; `None` before an operator, a newline or the end.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        self.word_until(|c| " \t\r\n;|&()<>".contains(c))
    }
    /// The right side of `=~`: parentheses and bars belong to it.
    pub(super) fn regex_word(&mut self) -> Parsed<Option<Word>> {
        self.word_until(|c| " \t\r\n".contains(c))
    }

    fn word_until(&mut self, ends: impl Fn(char) -> bool) -> Parsed<Option<Word>> {
        let start = self.pos;
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            if parts.is_empty() && (self.at("<(") || self.at(">(")) && ends('<') {
                parts.push(self.process()?);
                continue;
            }
            if ends(c) {
                break;
            }
            self.part(c, &mut parts)?;
        }
        Ok(if self.pos == start { None } else { Some(Word(parts)) })
    }

    /// One part of an unquoted word.
    fn part(&mut self, c: char, parts: &mut Vec<Part>) -> Parsed<()> {
        match c {
            '\'' => {
                self.pos += 1;
                parts.push(Part::Quoted(self.take_until('\'')?));
            }
            '"' => {
                self.pos += 1;
                let inner = self.double(Some('"'))?;
                parts.push(Part::Double(inner));
            }
            '\\' => {
                self.pos += 1;
                match self.peek() {
                    None => return self.incomplete(None),
                    Some('\n') => {
                        self.pos += 1;
                        self.line += 1;
                    }
                    Some(next) => {
                        self.pos += next.len_utf8();
                        parts.push(Part::Quoted(Str::from(next.to_string())));
                    }
                }
            }
            '$' if self.at("$'") => {
                self.pos += 2;
                parts.push(Part::Quoted(self.ansi_c()?));
            }
            '$' if self.at("$\"") => self.pos += 1,
            '$' | '`' => {
                let part = self.dollar()?;
                push(parts, part.unwrap_or_else(|| Part::Lit("$".into())));
            }
            c => {
                self.pos += c.len_utf8();
                push(parts, Part::Lit(Str::from(c.to_string())));
            }
        }
        Ok(())
    }

    /// Text up to `quote`, which is taken too.
    fn take_until(&mut self, quote: char) -> Parsed<Str> {
        let Some(end) = self.rest().find(quote) else { return self.incomplete(Some(quote)) };
        let text = Str::from(&self.rest()[..end]);
        self.line += text.matches('\n').count() as u32;
        self.pos += end + 1;
        Ok(text)
    }

    /// `$'…'`
    fn ansi_c(&mut self) -> Parsed<Str> {
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else { return self.incomplete(Some('\'')) };
            self.pos += c.len_utf8();
            match c {
                '\'' => return Ok(out.into()),
                '\\' => {
                    let Some(e) = self.peek() else { return self.incomplete(Some('\'')) };
                    self.pos += e.len_utf8();
                    match e {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        'r' => out.push('\r'),
                        'e' => out.push('\u{1b}'),
                        'x' | 'u' => {
                            let most = if e == 'x' { 2 } else { 4 };
                            let rest = self.rest();
                            let hex: String = rest.chars().take(most).take_while(char::is_ascii_hexdigit).collect();
                            self.pos += hex.len();
                            let code = u32::from_str_radix(&hex, 16).unwrap_or(0);
                            out.extend(char::from_u32(code).filter(|_| !hex.is_empty()));
                        }
                        '\\' | '\'' | '"' => out.push(e),
                        other => {
                            out.push('\\');
                            out.push(other);
                        }
                    }
                }
                c => out.push(c),
            }
        }
    }

    /// The whole source as the inside of double quotes (a here-document, an arithmetic expression).
    pub(super) fn double_text(&mut self) -> Parsed<Word> {
        Ok(Word(self.double(None)?))
    }

    /// The inside of double quotes, up to `end`, which is taken too.
    fn double(&mut self, end: Option<char>) -> Parsed<Vec<Part>> {
        self.deeper()?;
        let mut parts = Vec::new();
        loop {
            let Some(c) = self.peek() else {
                if end.is_some() {
                    return self.incomplete(end);
                }
                break;
            };
            if Some(c) == end {
                self.pos += 1;
                break;
            }
            match c {
                '\\' => {
                    self.pos += 1;
                    match self.peek() {
                        Some('\n') => {
                            self.pos += 1;
                            self.line += 1;
                        }
                        Some(c @ ('$' | '`' | '\\')) => {
                            self.pos += 1;
                            push(&mut parts, Part::Quoted(Str::from(c.to_string())));
                        }
                        Some('"') if end.is_some() => {
                            self.pos += 1;
                            push(&mut parts, Part::Quoted("\"".into()));
                        }
                        _ => push(&mut parts, Part::Quoted("\\".into())),
                    }
                }
                '$' | '`' => {
                    let part = self.dollar()?;
                    push(&mut parts, part.unwrap_or_else(|| Part::Quoted("$".into())));
                }
                c => {
                    self.pos += c.len_utf8();
                    self.line += u32::from(c == '\n');
                    push(&mut parts, Part::Quoted(Str::from(c.to_string())));
                }
            }
        }
        self.depth -= 1;
        Ok(parts)
    }

    /// An expansion that begins with `$` or a backquote; `None`: the `$` stands for itself.
    fn dollar(&mut self) -> Parsed<Option<Part>> {
        if self.eat("`") {
            return self.backquote().map(Some);
        }
        self.pos += 1;
        if self.eat("((") {
            let start = self.pos;
            match self.arith_until("))") {
                Ok(word) => return Ok(Some(Part::Arith(word))),
                // `$((a); b)` is a subshell in a substitution.
                Err(e @ SyntaxError::Incomplete { .. }) => return Err(e),
                Err(_) => self.pos = start - 1,
            }
            return self.substitution();
        }
        if self.eat("(") {
            return self.substitution();
        }
        if self.eat("{") {
            return self.braced().map(Some);
        }
        let rest = self.rest();
        let name = match rest.chars().next() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())]
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => &rest[..1],
            _ => return Ok(None),
        };
        let name = Str::from(name);
        self.pos += name.len();
        Ok(Some(Part::Param(Box::new(Param { name, index: None, op: ParamOp::Plain }))))
    }

    fn substitution(&mut self) -> Parsed<Option<Part>> {
        let block = self.list(&[])?;
        if !self.eat(")") {
            return if self.peek().is_none() { self.incomplete(Some(')')) } else { Err(self.unexpected()) };
        }
        Ok(Some(Part::Sub(block)))
    }

    /// `<(…)`, `>(…)`
    fn process(&mut self) -> Parsed<Part> {
        let out = self.at(">");
        self.pos += 2;
        let block = self.list(&[])?;
        if !self.eat(")") {
            return if self.peek().is_none() { self.incomplete(Some(')')) } else { Err(self.unexpected()) };
        }
        Ok(Part::Process(block, out))
    }

    fn backquote(&mut self) -> Parsed<Part> {
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else { return self.incomplete(Some('`')) };
            self.pos += c.len_utf8();
            match c {
                '`' => break,
                '\\' if self.peek().is_some_and(|n| "`\\$".contains(n)) => {
                    text.extend(self.peek());
                    self.pos += 1;
                }
                c => text.push(c),
            }
        }
        let mut inner = self.inner(&text);
        inner.deeper()?;
        let block = inner.list(&[])?;
        inner.space();
        if inner.peek().is_some() { Err(inner.unexpected()) } else { Ok(Part::Sub(block)) }
    }

    /// An arithmetic expression up to `end` outside parentheses; `end` is taken too.
    pub(super) fn arith_until(&mut self, end: &str) -> Parsed<Word> {
        let (start, mut depth) = (self.pos, 0);
        let bytes = self.src.as_bytes();
        let mut at = start;
        loop {
            let Some(&b) = bytes.get(at) else { return self.incomplete(Some(')')) };
            if depth == 0 && bytes[at..].starts_with(end.as_bytes()) {
                break;
            }
            match b {
                b'(' => depth += 1,
                b')' if depth == 0 => return Err(self.unexpected()),
                b')' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        let text = self.src[start..at].to_owned();
        self.pos = at + end.len();
        self.inner(&text).double_text()
    }

    /// `${…}` after its brace.
    fn braced(&mut self) -> Parsed<Part> {
        let close = self.closing_brace()?;
        let text = self.src[self.pos..close].to_owned();
        let bad =
            || SyntaxError::Other { message: ecow::eco_format!("${{{text}}}: bad substitution"), line: self.line };
        let (length, rest) = match text.strip_prefix('#') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, text.as_str()),
        };
        let (indirect, rest) = match rest.strip_prefix('!') {
            Some(rest) if !length && !rest.is_empty() => (true, rest),
            _ => (false, rest),
        };
        let name_end = match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
            Some(c) if "@*#?$!-".contains(c) => 1,
            _ => rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len()),
        };
        let name = &rest[..name_end];
        if name.is_empty() {
            return Err(bad());
        }
        let mut after = &rest[name_end..];
        let mut index = None;
        if let Some(inside) = after.strip_prefix('[')
            && is_name(name)
        {
            let end = inside.find(']').ok_or_else(bad)?;
            index = Some(match &inside[..end] {
                all @ ("@" | "*") => Word(vec![Part::Lit(all.into())]),
                text => self.inner(text).double_text()?,
            });
            after = &inside[end + 1..];
        }
        let op = if length && after.is_empty() {
            ParamOp::Length
        } else if indirect && after.is_empty() {
            ParamOp::Indirect
        } else {
            self.param_op(after)?.ok_or_else(bad)?
        };
        let name = Str::from(name);
        self.line += text.matches('\n').count() as u32;
        self.pos = close + 1;
        Ok(Part::Param(Box::new(Param { name, index, op })))
    }

    /// Where the brace that was just opened closes.
    fn closing_brace(&self) -> Parsed<usize> {
        let bytes = self.src.as_bytes();
        let (mut at, mut depth, mut quote) = (self.pos, 0, 0u8);
        while let Some(&b) = bytes.get(at) {
            match b {
                b'\\' => at += 1,
                b'\'' | b'"' if quote == b => quote = 0,
                b'\'' | b'"' if quote == 0 => quote = b,
                b'{' if quote != b'\'' => depth += 1,
                b'}' if quote == 0 && depth == 0 => return Ok(at),
                b'}' if quote != b'\'' && depth > 0 => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        self.incomplete(Some('}'))
    }

    /// What follows the name inside `${…}`.
    fn param_op(&self, text: &str) -> Parsed<Option<ParamOp>> {
        let word = |text: &str| self.operand(text);
        let mut chars = text.chars();
        let Some(first) = chars.next() else { return Ok(Some(ParamOp::Plain)) };
        let rest = chars.as_str();
        Ok(Some(match first {
            '-' | '=' | '?' | '+' => ParamOp::Test(first, false, word(rest)?),
            ':' => match rest.chars().next() {
                Some(sign @ ('-' | '=' | '?' | '+')) => ParamOp::Test(sign, true, word(&rest[1..])?),
                _ => {
                    let (offset, length) = match rest.split_once(':') {
                        Some((offset, length)) => (offset, Some(word(length)?)),
                        None => (rest, None),
                    };
                    ParamOp::Slice(word(offset)?, length)
                }
            },
            '#' | '%' => {
                let longest = rest.starts_with(first);
                let pattern = word(if longest { &rest[1..] } else { rest })?;
                ParamOp::Trim { prefix: first == '#', longest, pattern }
            }
            '/' => {
                let all = rest.starts_with('/');
                let rest = if all { &rest[1..] } else { rest };
                let anchor = rest.chars().next().filter(|c| !all && "#%".contains(*c));
                let rest = if anchor.is_some() { &rest[1..] } else { rest };
                let (pattern, with) = split_slash(rest);
                ParamOp::Replace { all, anchor, pattern: word(pattern)?, with: word(with)? }
            }
            '^' | ',' => ParamOp::Case { upper: first == '^', all: rest.starts_with(first) },
            _ => return Ok(None),
        }))
    }

    /// A word inside `${…}`: blanks do not end it.
    fn operand(&self, text: &str) -> Parsed<Word> {
        let mut inner = self.inner(text);
        inner.deeper()?;
        Ok(inner.word_until(|_| false)?.unwrap_or_default())
    }
}

/// Splits `pattern/with` at the first slash that is not escaped.
fn split_slash(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'/' if at > 0 => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
        at += 1;
    }
    (text, "")
}

/// Appends a part, joining text with text.
fn push(parts: &mut Vec<Part>, part: Part) {
    match (parts.last_mut(), &part) {
        (Some(Part::Lit(last)), Part::Lit(text)) | (Some(Part::Quoted(last)), Part::Quoted(text)) => {
            last.push_str(text);
        }
        _ => parts.push(part),
    }
}
