//! The part of Ruby that Vagrantfiles of the lab are written in: constants, strings with `#{}`,
//! numbers, arrays, ranges, `each`, `if`, and blocks. What is beyond it is refused with its line.

use std::collections::BTreeMap;

/// What is wrong, and in which line.
#[derive(Clone, PartialEq, Debug)]
pub struct Error {
    pub line: usize,
    /// Ruby could not even read the file.
    pub syntax: bool,
    pub message: String,
}

pub type Out<T> = Result<T, Error>;

#[derive(Clone, PartialEq, Debug)]
pub enum Val {
    Nil,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Val>),
    Range(i64, i64),
    /// Something of Vagrant's, by its role: `config`, `vm`, `provider`, `trigger`, `env` …
    Object(&'static str),
    /// A machine that a trigger asked for.
    Machine(String),
    /// What a command prints when the trigger runs.
    Captured(usize),
}

impl Val {
    pub fn text(&self) -> String {
        match self {
            Val::Text(t) => t.clone(),
            Val::Int(n) => n.to_string(),
            Val::Bool(b) => b.to_string(),
            Val::Captured(n) => format!("\u{1}{n}\u{1}"),
            Val::List(all) => all.iter().map(Val::text).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        }
    }
    fn truthy(&self) -> bool {
        !matches!(self, Val::Nil | Val::Bool(false))
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Tok {
    Name(String),
    /// `key:` in a call.
    Key(String),
    Text(Vec<Piece>),
    Int(i64),
    Op(&'static str),
    Line,
}

#[derive(Clone, PartialEq, Debug)]
enum Piece {
    Plain(String),
    /// Source of `#{…}`.
    Code(String),
}

const OPS: [&str; 28] = [
    "...", "..", "=>", "==", "!=", "<=", ">=", "<<", "&&", "||", "=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[",
    "]", "{", "}", "|", ",", "?", "!",
];

fn lex(text: &str, first: usize) -> Out<Vec<(Tok, usize)>> {
    let (chars, mut i, mut line) = (text.chars().collect::<Vec<char>>(), 0, first);
    let mut out: Vec<(Tok, usize)> = Vec::new();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    while i < chars.len() {
        let c = chars[i];
        match c {
            '\n' | ';' => {
                out.push((Tok::Line, line));
                line += usize::from(c == '\n');
                i += 1;
            }
            '#' => {
                while i < chars.len() && chars[i] != '\n' {
                    i += 1;
                }
            }
            '\\' if chars.get(i + 1) == Some(&'\n') => {
                (i, line) = (i + 2, line + 1);
            }
            c if c.is_whitespace() => i += 1,
            '\'' | '"' => {
                let (pieces, next, lines) = string(&chars, i, line)?;
                // `"key": value`
                i = next;
                out.push((Tok::Text(pieces), line));
                line += lines;
            }
            ':' if chars.get(i + 1).is_some_and(|c| *c == '\'' || *c == '"') => {
                let (pieces, next, _) = string(&chars, i + 1, line)?;
                i = next;
                out.push((Tok::Text(pieces), line));
            }
            ':' if chars.get(i + 1) == Some(&':') => {
                out.push((Tok::Op("."), line));
                i += 2;
            }
            ':' if chars.get(i + 1).is_some_and(|c| word(*c)) => {
                let end = (i + 1..chars.len()).find(|j| !word(chars[*j])).unwrap_or(chars.len());
                out.push((Tok::Text(vec![Piece::Plain(chars[i + 1..end].iter().collect())]), line));
                i = end;
            }
            c if c.is_ascii_digit() => {
                let end = (i..chars.len()).find(|j| !word(chars[*j])).unwrap_or(chars.len());
                let digits: String = chars[i..end].iter().filter(|c| **c != '_').collect();
                let n = digits.parse().map_err(|_| bad(line, format!("numeric literal without digits: {digits}")))?;
                out.push((Tok::Int(n), line));
                i = end;
            }
            c if word(c) || c == '@' || c == '$' => {
                let mut end = (i + 1..chars.len()).find(|j| !word(chars[*j])).unwrap_or(chars.len());
                let name: String = chars[i..end].iter().collect();
                let key = chars.get(end) == Some(&':') && chars.get(end + 1) != Some(&':');
                if key && chars.get(end + 1).is_none_or(|c| c.is_whitespace()) {
                    out.push((Tok::Key(name), line));
                    i = end + 1;
                    continue;
                }
                if matches!(chars.get(end), Some('?' | '!')) && chars.get(end + 1) != Some(&'=') {
                    end += 1;
                }
                out.push((Tok::Name(chars[i..end].iter().collect()), line));
                i = end;
            }
            '.' if chars.get(i + 1) != Some(&'.') => {
                out.push((Tok::Op("."), line));
                i += 1;
            }
            _ => {
                let rest: String = chars[i..chars.len().min(i + 3)].iter().collect();
                let Some(op) = OPS.iter().find(|op| rest.starts_with(**op)) else {
                    return Err(bad(line, format!("unexpected '{c}'")));
                };
                out.push((Tok::Op(op), line));
                i += op.len();
            }
        }
    }
    out.push((Tok::Line, line));
    Ok(out)
}

fn bad(line: usize, message: impl Into<String>) -> Error {
    Error { line, syntax: true, message: format!("syntax error, {}", message.into()) }
}

/// A quoted text: its pieces, where it ends, and how many lines it spans.
fn string(chars: &[char], start: usize, line: usize) -> Out<(Vec<Piece>, usize, usize)> {
    let quote = chars[start];
    let (mut pieces, mut plain, mut i, mut lines) = (Vec::new(), String::new(), start + 1, 0);
    loop {
        let Some(&c) = chars.get(i) else { return Err(bad(line, "unterminated string meets end of file")) };
        lines += usize::from(c == '\n');
        match c {
            c if c == quote => break,
            '\\' => {
                let next = chars.get(i + 1).copied().unwrap_or('\\');
                match (quote, next) {
                    ('\'', '\\' | '\'') => plain.push(next),
                    ('\'', _) => plain.extend(['\\', next]),
                    (_, 'n') => plain.push('\n'),
                    (_, 't') => plain.push('\t'),
                    _ => plain.push(next),
                }
                i += 1;
            }
            '#' if quote == '"' && chars.get(i + 1) == Some(&'{') => {
                let Some(end) = (i..chars.len()).find(|j| chars[*j] == '}') else {
                    return Err(bad(line, "unterminated string meets end of file"));
                };
                if !plain.is_empty() {
                    pieces.push(Piece::Plain(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Code(chars[i + 2..end].iter().collect()));
                i = end;
            }
            c => plain.push(c),
        }
        i += 1;
    }
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Plain(plain));
    }
    Ok((pieces, i + 1, lines))
}

/// What a call is made with.
#[derive(Clone, Debug, Default)]
pub struct Args {
    pub list: Vec<Val>,
    pub keys: BTreeMap<String, Val>,
}

impl Args {
    pub fn text(&self, i: usize) -> String {
        self.list.get(i).map(Val::text).unwrap_or_default()
    }
    pub fn key(&self, name: &str) -> Option<&Val> {
        self.keys.get(name)
    }
}

/// Vagrant's side: what its objects do.
pub trait Objects {
    /// `object.a.b = value`; `path` without the object.
    fn assign(&mut self, object: &Val, path: &[String], value: &Val, line: usize) -> Out<()>;
    /// A call. The value, and what the block's parameters are bound to (`None`: the block is not run).
    fn call(&mut self, object: &Val, path: &[String], args: &Args, line: usize) -> Out<(Val, Option<Vec<Val>>)>;
    /// The block of the last call ended.
    fn leave(&mut self, object: &Val, path: &[String]);
}

pub struct Interp<'o> {
    toks: Vec<(Tok, usize)>,
    at: usize,
    vars: BTreeMap<String, Val>,
    objects: &'o mut dyn Objects,
}

pub fn run(text: &str, objects: &mut dyn Objects) -> Out<()> {
    let toks = lex(text, 1)?;
    let end = toks.len();
    let mut vars = BTreeMap::new();
    vars.insert("Vagrant".to_owned(), Val::Object("vagrant"));
    let mut interp = Interp { toks, at: 0, vars, objects };
    interp.balanced()?;
    interp.block(end)
}

impl Interp<'_> {
    fn line(&self) -> usize {
        self.toks.get(self.at).or(self.toks.last()).map_or(1, |t| t.1)
    }
    fn peek(&self) -> &Tok {
        self.toks.get(self.at).map_or(&Tok::Line, |t| &t.0)
    }
    fn op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Tok::Op(o) if *o == op);
        self.at += usize::from(found);
        found
    }
    fn name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Tok::Name(n) if n == name);
        self.at += usize::from(found);
        found
    }
    fn expect(&mut self, op: &str) -> Out<()> {
        if self.op(op) {
            return Ok(());
        }
        Err(bad(self.line(), format!("unexpected {}, expecting '{op}'", self.shown())))
    }
    fn shown(&self) -> String {
        match self.peek() {
            Tok::Name(n) => format!("'{n}'"),
            Tok::Key(k) => format!("label '{k}:'"),
            Tok::Text(_) => "string literal".into(),
            Tok::Int(n) => format!("integer literal {n}"),
            Tok::Op(o) => format!("'{o}'"),
            Tok::Line => "end-of-line".into(),
        }
    }
    fn refuse<T>(&self, what: impl Into<String>) -> Out<T> {
        Err(Error { line: self.line(), syntax: false, message: what.into() })
    }

    /// Whether every block is closed.
    fn balanced(&self) -> Out<()> {
        let mut depth = 0usize;
        for i in 0..self.toks.len() {
            if self.opens(i) {
                depth += 1;
            } else if matches!(&self.toks[i].0, Tok::Name(n) if n == "end") {
                let Some(less) = depth.checked_sub(1) else {
                    return Err(bad(self.toks[i].1, "unexpected `end'"));
                };
                depth = less;
            }
        }
        if depth > 0 {
            let line = self.toks.last().map_or(1, |t| t.1);
            return Err(bad(line, "unexpected end-of-input, expecting `end'"));
        }
        Ok(())
    }
    /// Whether this token opens what an `end` closes.
    fn opens(&self, i: usize) -> bool {
        let Tok::Name(name) = &self.toks[i].0 else { return false };
        let first = i == 0 || self.toks[i - 1].0 == Tok::Line;
        match name.as_str() {
            "do" | "begin" | "def" | "class" | "module" | "case" => true,
            "if" | "unless" | "while" | "until" | "for" => first,
            _ => false,
        }
    }
    /// Index of the `end` (or of a word of `middle`) that belongs to the block we are in.
    fn close(&self, middle: &[&str]) -> usize {
        let mut depth = 0;
        for i in self.at..self.toks.len() {
            if let Tok::Name(n) = &self.toks[i].0 {
                if depth == 0 && (n == "end" || middle.contains(&n.as_str())) {
                    return i;
                }
                if n == "end" {
                    depth -= 1;
                }
            }
            if self.opens(i) {
                depth += 1;
            }
        }
        self.toks.len()
    }

    fn block(&mut self, end: usize) -> Out<()> {
        while self.at < end {
            if matches!(self.peek(), Tok::Line) {
                self.at += 1;
                continue;
            }
            self.statement()?;
            if self.at < end && !matches!(self.peek(), Tok::Line) {
                return Err(bad(self.line(), format!("unexpected {}, expecting end-of-input", self.shown())));
            }
        }
        self.at = end;
        Ok(())
    }

    fn statement(&mut self) -> Out<()> {
        if let Tok::Name(name) = self.peek().clone() {
            match name.as_str() {
                "if" | "unless" => return self.condition(name == "unless"),
                "require" | "require_relative" => {
                    self.at += 1;
                    return self.expression().map(drop);
                }
                "def" | "class" | "module" | "while" | "until" | "for" | "case" | "begin" => {
                    return self.refuse(format!("`{name}` is beyond the part of Ruby that is read here"));
                }
                _ => {}
            }
            let assigns = matches!(self.toks.get(self.at + 1), Some((Tok::Op("="), _)));
            if assigns {
                self.at += 2;
                let value = self.expression()?;
                self.vars.insert(name, value);
                return Ok(());
            }
        }
        let value = self.expression()?;
        // A statement's modifier.
        let negate = matches!(self.peek(), Tok::Name(n) if n == "unless");
        if negate || matches!(self.peek(), Tok::Name(n) if n == "if") {
            return self.refuse("put `if` on a line of its own");
        }
        let _ = value;
        Ok(())
    }

    fn condition(&mut self, negate: bool) -> Out<()> {
        self.at += 1;
        let mut value = self.expression()?.truthy() != negate;
        loop {
            let end = self.close(&["else", "elsif"]);
            if value {
                self.block(end)?
            } else {
                self.at = end
            }
            if self.name("end") {
                return Ok(());
            }
            let elsif = self.name("elsif");
            if !elsif {
                self.at += 1; // else
            }
            let next = if elsif { self.expression()?.truthy() } else { true };
            if value {
                // One branch was taken: pass over the others.
                while !self.name("end") {
                    self.at = self.close(&["else", "elsif"]);
                    if !matches!(self.peek(), Tok::Name(n) if n == "end") {
                        self.at += 1;
                    }
                }
                return Ok(());
            }
            value = next;
        }
    }

    fn expression(&mut self) -> Out<Val> {
        let mut left = self.comparison()?;
        loop {
            if self.op("||") {
                let right = self.comparison()?;
                left = if left.truthy() { left } else { right };
            } else if self.op("&&") {
                let right = self.comparison()?;
                left = if left.truthy() { right } else { left };
            } else if self.op("?") {
                let yes = self.expression()?;
                // `a ? b : c`: the colon was read as a key's or stands alone.
                let _ = yes;
                return self.refuse("`? :` is beyond the part of Ruby that is read here");
            } else {
                return Ok(left);
            }
        }
    }

    fn comparison(&mut self) -> Out<Val> {
        let left = self.sum()?;
        for op in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.op(op) {
                let right = self.sum()?;
                let order = match (&left, &right) {
                    (Val::Int(a), Val::Int(b)) => a.cmp(b),
                    _ => left.text().cmp(&right.text()),
                };
                return Ok(Val::Bool(match op {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => order.is_lt(),
                    ">" => order.is_gt(),
                    "<=" => order.is_le(),
                    _ => order.is_ge(),
                }));
            }
        }
        if self.op("..") || self.op("...") {
            let exclusive = matches!(self.toks[self.at - 1].0, Tok::Op("..."));
            let right = self.sum()?;
            return match (&left, &right) {
                (Val::Int(a), Val::Int(b)) => Ok(Val::Range(*a, b - i64::from(exclusive))),
                _ => self.refuse("bad value for range (ArgumentError)"),
            };
        }
        Ok(left)
    }

    fn sum(&mut self) -> Out<Val> {
        let mut left = self.product()?;
        loop {
            if self.op("+") {
                let right = self.product()?;
                left = match (left, right) {
                    (Val::Int(a), Val::Int(b)) => Val::Int(a.saturating_add(b)),
                    (Val::Text(a), Val::Text(b)) => Val::Text(a + &b),
                    (Val::List(mut a), Val::List(b)) => {
                        a.extend(b);
                        Val::List(a)
                    }
                    (Val::Text(_), b) => {
                        return self.refuse(format!("no implicit conversion of {} into String (TypeError)", class(&b)));
                    }
                    (a, b) => {
                        return self.refuse(format!("{} can't be coerced into {} (TypeError)", class(&b), class(&a)));
                    }
                };
            } else if self.op("-") {
                let right = self.product()?;
                left = match (&left, &right) {
                    (Val::Int(a), Val::Int(b)) => Val::Int(a.saturating_sub(*b)),
                    _ => return self.refuse(format!("undefined method `-' for {}", class(&left))),
                };
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Out<Val> {
        let mut left = self.postfix()?;
        while self.op("*") {
            let right = self.postfix()?;
            left = match (&left, &right) {
                (Val::Int(a), Val::Int(b)) => Val::Int(a.saturating_mul(*b)),
                _ => return self.refuse(format!("undefined method `*' for {}", class(&left))),
            };
        }
        Ok(left)
    }

    fn atom(&mut self) -> Out<Val> {
        let line = self.line();
        let tok = self.peek().clone();
        self.at += 1;
        Ok(match tok {
            Tok::Int(n) => Val::Int(n),
            Tok::Text(pieces) => Val::Text(self.interpolate(&pieces, line)?),
            Tok::Op("-") => match self.atom()? {
                Val::Int(n) => Val::Int(-n),
                _ => return self.refuse("undefined method `-@'"),
            },
            Tok::Op("!") => Val::Bool(!self.postfix()?.truthy()),
            Tok::Op("(") => {
                let value = self.expression()?;
                self.expect(")")?;
                value
            }
            Tok::Op("[") => Val::List(self.items("]")?),
            Tok::Name(name) => match name.as_str() {
                "nil" => Val::Nil,
                "true" => Val::Bool(true),
                "false" => Val::Bool(false),
                "puts" | "print" => {
                    self.arguments()?;
                    Val::Nil
                }
                "String" if self.op(".") && self.name("new") => Val::Text(String::new()),
                "ENV" => {
                    self.expect("[")?;
                    self.items("]")?;
                    Val::Nil
                }
                _ => match self.vars.get(&name) {
                    Some(value) => value.clone(),
                    None if name.starts_with(char::is_uppercase) => {
                        return Err(Error { line, syntax: false, message: format!("uninitialized constant {name}") });
                    }
                    None => {
                        let message = format!("undefined local variable or method `{name}' for main:Object");
                        return Err(Error { line, syntax: false, message });
                    }
                },
            },
            _ => {
                self.at -= 1;
                return Err(bad(line, format!("unexpected {}", self.shown())));
            }
        })
    }

    fn interpolate(&mut self, pieces: &[Piece], line: usize) -> Out<String> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(text) => out += text,
                Piece::Code(code) => {
                    let toks = lex(code, line)?;
                    let mut inner = Interp { toks, at: 0, vars: self.vars.clone(), objects: self.objects };
                    out += &inner.expression()?.text();
                }
            }
        }
        Ok(out)
    }

    fn items(&mut self, end: &'static str) -> Out<Vec<Val>> {
        let mut out = Vec::new();
        loop {
            while matches!(self.peek(), Tok::Line) {
                self.at += 1;
            }
            if self.op(end) {
                return Ok(out);
            }
            out.push(self.expression()?);
            while matches!(self.peek(), Tok::Line) {
                self.at += 1;
            }
            if !self.op(",") {
                self.expect(end)?;
                return Ok(out);
            }
        }
    }

    /// Arguments of a call, in parentheses or not.
    fn arguments(&mut self) -> Out<Args> {
        let mut args = Args::default();
        let open = self.op("(");
        loop {
            while open && matches!(self.peek(), Tok::Line) {
                self.at += 1;
            }
            match self.peek().clone() {
                Tok::Op(")") if open => break,
                Tok::Key(key) => {
                    self.at += 1;
                    let value = self.expression()?;
                    args.keys.insert(key, value);
                }
                Tok::Line => return Ok(args),
                Tok::Op(op) if !open && !matches!(op, "[" | "!") => return Ok(args),
                Tok::Name(n) if !open && matches!(n.as_str(), "do" | "if" | "unless") => return Ok(args),
                _ => {
                    let value = self.expression()?;
                    if self.op("=>") {
                        let right = self.expression()?;
                        args.keys.insert(value.text(), right);
                    } else {
                        args.list.push(value);
                    }
                }
            }
            if !self.op(",") {
                break;
            }
            while matches!(self.peek(), Tok::Line) {
                self.at += 1;
            }
        }
        if open {
            while matches!(self.peek(), Tok::Line) {
                self.at += 1;
            }
            self.expect(")")?;
        }
        Ok(args)
    }

    /// A value and the calls that follow it.
    fn postfix(&mut self) -> Out<Val> {
        let mut value = self.atom()?;
        let mut path: Vec<String> = Vec::new();
        loop {
            let line = self.line();
            if self.op(".") {
                while matches!(self.peek(), Tok::Line) {
                    self.at += 1;
                }
                let name = match self.peek().clone() {
                    Tok::Name(name) | Tok::Key(name) => name,
                    _ => return Err(bad(line, format!("unexpected {}", self.shown()))),
                };
                self.at += 1;
                path.push(name);
                if is_object(&value) && matches!(self.peek(), Tok::Op(".")) && !self.ends_call(&value, &path) {
                    continue;
                }
            } else if !path.is_empty() || !matches!(self.peek(), Tok::Op("[")) {
                if path.is_empty() {
                    return Ok(value);
                }
            } else if is_object(&value) {
                return Ok(value);
            } else {
                self.at += 1;
                let index = self.items("]")?;
                value = match (&value, index.first()) {
                    (Val::List(all), Some(Val::Int(i))) => {
                        usize::try_from(*i).ok().and_then(|i| all.get(i)).cloned().unwrap_or(Val::Nil)
                    }
                    _ => return self.refuse(format!("undefined method `[]' for {}", class(&value))),
                };
                continue;
            }
            // `object.a.b = value`, `object.a['k'] = value`
            if is_object(&value) && self.op("[") {
                for key in self.items("]")? {
                    path.push(key.text());
                }
            }
            if is_object(&value) && self.op("=") {
                let right = self.expression()?;
                self.objects.assign(&value, &path, &right, line)?;
                return Ok(right);
            }
            let args = self.arguments()?;
            value = self.call(value, &path, args, line)?;
            path.clear();
        }
    }

    /// Methods whose value is called further.
    fn ends_call(&self, value: &Val, path: &[String]) -> bool {
        matches!(value, Val::Object("env")) && path.len() == 1 && path[0] == "machine"
    }

    fn call(&mut self, value: Val, path: &[String], args: Args, line: usize) -> Out<Val> {
        let method = path.last().map_or("", String::as_str).to_owned();
        if is_object(&value) {
            let (out, block) = self.objects.call(&value, path, &args, line)?;
            self.run_block(block.map(|b| vec![b]).unwrap_or_default())?;
            self.objects.leave(&value, path);
            return Ok(out);
        }
        let rounds: Option<Vec<Vec<Val>>> = match (&value, method.as_str()) {
            (Val::Range(a, b), "each") => Some((*a..=*b).map(|n| vec![Val::Int(n)]).collect()),
            (Val::List(all), "each") => Some(all.iter().map(|v| vec![v.clone()]).collect()),
            (Val::Int(n), "times") => Some((0..*n).map(|n| vec![Val::Int(n)]).collect()),
            (Val::Int(a), "upto") => match args.list.first() {
                Some(Val::Int(b)) => Some((*a..=*b).map(|n| vec![Val::Int(n)]).collect()),
                _ => None,
            },
            _ => None,
        };
        if let Some(rounds) = rounds {
            if rounds.len() > 200 {
                return self.refuse("more than 200 rounds of a loop");
            }
            self.run_block(rounds)?;
            return Ok(value);
        }
        Ok(match (value, method.as_str()) {
            (v, "to_s" | "strip" | "chomp") if !matches!(v, Val::Captured(_)) => Val::Text(v.text().trim().to_owned()),
            (v @ Val::Captured(_), "strip" | "chomp" | "to_s") => v,
            (v, "to_i") => Val::Int(v.text().trim().parse().unwrap_or(0)),
            (Val::Text(t), "upcase") => Val::Text(t.to_uppercase()),
            (Val::Text(t), "downcase") => Val::Text(t.to_lowercase()),
            (v, "nil?") => Val::Bool(v == Val::Nil),
            (v, _) => {
                let message = format!("undefined method `{method}' for {}", class(&v));
                return Err(Error { line, syntax: false, message });
            }
        })
    }

    /// Runs the block that follows, once for each set of values; passes over it where there is none.
    fn run_block(&mut self, rounds: Vec<Vec<Val>>) -> Out<()> {
        let brace = self.op("{");
        if !brace && !self.name("do") {
            return Ok(());
        }
        let mut names = Vec::new();
        if self.op("|") {
            while let Tok::Name(name) = self.peek().clone() {
                names.push(name);
                self.at += 1;
                if !self.op(",") {
                    break;
                }
            }
            self.expect("|")?;
        }
        let start = self.at;
        let end = if brace {
            let Some(end) = (start..self.toks.len()).find(|i| self.toks[*i].0 == Tok::Op("}")) else {
                return Err(bad(self.line(), "unexpected end-of-input, expecting '}'"));
            };
            end
        } else {
            self.close(&[])
        };
        // What a brace holds is Vagrant's to understand (the trigger's output), not ours to run.
        for values in rounds.into_iter().filter(|_| !brace) {
            self.at = start;
            let before: Vec<(String, Option<Val>)> =
                names.iter().map(|n| (n.clone(), self.vars.get(n).cloned())).collect();
            for (name, value) in names.iter().zip(values) {
                self.vars.insert(name.clone(), value);
            }
            self.block(end)?;
            for (name, old) in before {
                match old {
                    Some(old) => self.vars.insert(name, old),
                    None => self.vars.remove(&name),
                };
            }
        }
        if brace {
            self.captures(start, end);
        }
        self.at = end + 1;
        Ok(())
    }

    /// `{ |stream, text| NAME << text … }`: NAME is what the command printed.
    fn captures(&mut self, start: usize, end: usize) {
        for i in start..end.saturating_sub(1) {
            if let (Tok::Name(name), Tok::Op("<<")) = (&self.toks[i].0, &self.toks[i + 1].0) {
                let count = self.vars.values().filter(|v| matches!(v, Val::Captured(_))).count();
                self.vars.insert(name.clone(), Val::Captured(count));
                return;
            }
        }
    }
}

fn is_object(value: &Val) -> bool {
    matches!(value, Val::Object(_) | Val::Machine(_))
}

fn class(value: &Val) -> &'static str {
    match value {
        Val::Nil => "nil:NilClass",
        Val::Bool(_) => "true:TrueClass",
        Val::Int(_) => "Integer",
        Val::Text(_) => "String",
        Val::List(_) => "Array",
        Val::Range(..) => "Range",
        _ => "Object",
    }
}
