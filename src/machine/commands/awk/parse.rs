//! awk's grammar.

use super::value::Num;
use crate::machine::commands::echo::unescape;

#[derive(Clone, Debug)]
pub struct Rule {
    pub pattern: Pattern,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub enum Pattern {
    Begin,
    End,
    Always,
    When(Expr),
    Range(Expr, Expr),
}

#[derive(Clone, Debug)]
pub enum Stmt {
    Block(Vec<Stmt>),
    Expr(Expr),
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    If(Expr, Box<Stmt>, Option<Box<Stmt>>),
    While(Expr, Box<Stmt>),
    For(Box<Stmt>, Option<Expr>, Box<Stmt>, Box<Stmt>),
    ForIn(String, String, Box<Stmt>),
    Delete(String, Option<Expr>),
    Next,
    Break,
    Continue,
    Exit(Option<Expr>),
}

#[derive(Clone, Debug)]
pub enum Target {
    Var(String),
    Field(Box<Expr>),
    Item(String, Vec<Expr>),
}

#[derive(Clone, Debug)]
pub enum Expr {
    Num(Num),
    Text(String),
    /// Alone it is matched against the line.
    Regex(String),
    Get(Target),
    Assign(Target, char, Box<Expr>),
    /// `++`, `--`: how much, whether before.
    Step(Target, i64, bool),
    Binary(Box<Expr>, char, Box<Expr>),
    Compare(Box<Expr>, String, Box<Expr>),
    Match(Box<Expr>, Box<Expr>, bool),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Join(Box<Expr>, Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Vec<Expr>, String),
    Call(String, Vec<Expr>),
}

type Parsed<T> = Result<T, String>;

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
    /// Inside `print` without parentheses `>` would redirect.
    no_greater: bool,
}

pub fn program(text: &str) -> Parsed<Vec<Rule>> {
    let mut p = Parser { rest: text, depth: 0, no_greater: false };
    let mut rules = Vec::new();
    loop {
        p.lines();
        if p.rest.is_empty() {
            return Ok(rules);
        }
        let pattern = if p.word("BEGIN") {
            Pattern::Begin
        } else if p.word("END") {
            Pattern::End
        } else if p.at("{") {
            Pattern::Always
        } else {
            let first = p.expr()?;
            if p.eat(",") {
                p.lines();
                Pattern::Range(first, p.expr()?)
            } else {
                Pattern::When(first)
            }
        };
        p.space();
        let body = if p.eat("{") { p.block()? } else { vec![Stmt::Print(Vec::new())] };
        rules.push(Rule { pattern, body });
    }
}

const WORDS: [&str; 14] = [
    "if", "else", "while", "for", "in", "print", "printf", "next", "exit", "break", "continue", "delete", "getline",
    "do",
];
const FUNCTIONS: [&str; 11] =
    ["length", "toupper", "tolower", "int", "index", "substr", "split", "sub", "gsub", "match", "sprintf"];

impl Parser<'_> {
    fn fail<T>(&self) -> Parsed<T> {
        let what = if self.rest.is_empty() { "unexpected newline or end of string" } else { "syntax error" };
        Err(format!("^ {what}"))
    }
    fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            if let Some(rest) = self.rest.strip_prefix("\\\n") {
                self.rest = rest;
            } else if self.rest.starts_with('#') {
                self.rest = &self.rest[self.rest.find('\n').unwrap_or(self.rest.len())..];
            } else {
                return;
            }
        }
    }
    /// Also newlines and semicolons.
    fn lines(&mut self) {
        loop {
            self.space();
            match self.rest.strip_prefix(['\n', ';']) {
                Some(rest) => self.rest = rest,
                None => return,
            }
        }
    }
    fn newlines(&mut self) {
        loop {
            self.space();
            match self.rest.strip_prefix('\n') {
                Some(rest) => self.rest = rest,
                None => return,
            }
        }
    }
    fn at(&mut self, text: &str) -> bool {
        self.space();
        self.rest.starts_with(text)
    }
    fn eat(&mut self, text: &str) -> bool {
        let found = self.at(text);
        if found {
            self.rest = &self.rest[text.len()..];
        }
        found
    }
    fn need(&mut self, text: &str) -> Parsed<()> {
        if self.eat(text) { Ok(()) } else { self.fail() }
    }
    fn name(&mut self) -> Option<&str> {
        self.space();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
    }
    fn word(&mut self, word: &str) -> bool {
        let found = self.name() == Some(word);
        if found {
            self.rest = &self.rest[word.len()..];
        }
        found
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        let mut out = Vec::new();
        loop {
            self.lines();
            if self.eat("}") {
                return Ok(out);
            }
            out.push(self.stmt()?);
            self.space();
            if !self.rest.starts_with(['\n', ';', '}'])
                && !matches!(
                    out.last(),
                    Some(Stmt::Block(_) | Stmt::If(..) | Stmt::While(..) | Stmt::For(..) | Stmt::ForIn(..))
                )
            {
                return self.fail();
            }
        }
    }
    fn inner(&mut self) -> Parsed<Box<Stmt>> {
        self.newlines();
        if self.eat(";") {
            return Ok(Box::new(Stmt::Block(Vec::new())));
        }
        self.stmt().map(Box::new)
    }

    fn stmt(&mut self) -> Parsed<Stmt> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("program nested too deeply".to_owned());
        }
        let s = self.statement();
        self.depth -= 1;
        s
    }
    fn statement(&mut self) -> Parsed<Stmt> {
        if self.eat("{") {
            return self.block().map(Stmt::Block);
        }
        if self.word("if") {
            self.need("(")?;
            let test = self.expr()?;
            self.need(")")?;
            let yes = self.inner()?;
            let here = self.rest;
            self.lines();
            if self.word("else") {
                return Ok(Stmt::If(test, yes, Some(self.inner()?)));
            }
            self.rest = here;
            return Ok(Stmt::If(test, yes, None));
        }
        if self.word("while") {
            self.need("(")?;
            let test = self.expr()?;
            self.need(")")?;
            return Ok(Stmt::While(test, self.inner()?));
        }
        if self.word("for") {
            return self.for_statement();
        }
        self.simple()
    }
    fn for_statement(&mut self) -> Parsed<Stmt> {
        self.need("(")?;
        let here = self.rest;
        if let Some(name) = self.name().map(str::to_owned) {
            self.rest = &self.rest[name.len()..];
            if self.word("in")
                && let Some(array) = self.name().map(str::to_owned)
            {
                self.rest = &self.rest[array.len()..];
                if self.eat(")") {
                    return Ok(Stmt::ForIn(name, array, self.inner()?));
                }
            }
        }
        self.rest = here;
        let nothing = || Stmt::Block(Vec::new());
        let init = if self.at(";") { nothing() } else { self.simple()? };
        self.need(";")?;
        let test = if self.at(";") { None } else { Some(self.expr()?) };
        self.need(";")?;
        let step = if self.at(")") { nothing() } else { self.simple()? };
        self.need(")")?;
        Ok(Stmt::For(Box::new(init), test, Box::new(step), self.inner()?))
    }
    fn simple(&mut self) -> Parsed<Stmt> {
        for (word, stmt) in [("next", Stmt::Next), ("break", Stmt::Break), ("continue", Stmt::Continue)] {
            if self.word(word) {
                return Ok(stmt);
            }
        }
        if self.word("exit") {
            self.space();
            let bare = self.rest.is_empty() || self.rest.starts_with(['\n', ';', '}']);
            return Ok(Stmt::Exit(if bare { None } else { Some(self.expr()?) }));
        }
        if self.word("delete") {
            let Some(array) = self.name().map(str::to_owned) else { return self.fail() };
            self.rest = &self.rest[array.len()..];
            let index = if self.eat("[") {
                let index = self.expr()?;
                self.need("]")?;
                Some(index)
            } else {
                None
            };
            return Ok(Stmt::Delete(array, index));
        }
        if self.word("printf") {
            return self.print_list().map(Stmt::Printf);
        }
        if self.word("print") {
            return self.print_list().map(Stmt::Print);
        }
        self.expr().map(Stmt::Expr)
    }
    fn print_list(&mut self) -> Parsed<Vec<Expr>> {
        self.space();
        if self.rest.is_empty() || self.rest.starts_with(['\n', ';', '}']) {
            return Ok(Vec::new());
        }
        if self.rest.starts_with('(') {
            // `print (a, b)`, but `print (a) b` is one expression.
            let here = self.rest;
            self.rest = &self.rest[1..];
            let items = self.exprs(")");
            if let Ok(items) = items
                && self.eat(")")
            {
                self.space();
                if self.rest.is_empty() || self.rest.starts_with(['\n', ';', '}', '>', '|']) {
                    return self.no_redirect(items);
                }
            }
            self.rest = here;
        }
        let before = std::mem::replace(&mut self.no_greater, true);
        let items = self.exprs("}");
        self.no_greater = before;
        self.no_redirect(items?)
    }
    fn no_redirect(&mut self, items: Vec<Expr>) -> Parsed<Vec<Expr>> {
        if self.at(">") || self.at("|") {
            return Err("^ output redirection inside awk is not available here; use the shell's".to_owned());
        }
        Ok(items)
    }
    fn exprs(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut out = Vec::new();
        if self.at(end) {
            return Ok(out);
        }
        loop {
            out.push(self.expr()?);
            if !self.eat(",") {
                return Ok(out);
            }
            self.newlines();
        }
    }

    fn expr(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("expression nested too deeply".to_owned());
        }
        let e = self.ternary();
        self.depth -= 1;
        e
    }
    fn ternary(&mut self) -> Parsed<Expr> {
        let test = self.or()?;
        if self.eat("?") {
            let yes = self.expr()?;
            self.need(":")?;
            return Ok(Expr::Choose(Box::new(test), Box::new(yes), Box::new(self.expr()?)));
        }
        let Expr::Get(target) = &test else { return Ok(test) };
        self.space();
        for (sign, op) in [("+=", '+'), ("-=", '-'), ("*=", '*'), ("/=", '/'), ("%=", '%'), ("^=", '^')] {
            if self.eat(sign) {
                return Ok(Expr::Assign(target.clone(), op, Box::new(self.expr()?)));
            }
        }
        if self.rest.starts_with('=') && !self.rest.starts_with("==") {
            self.rest = &self.rest[1..];
            return Ok(Expr::Assign(target.clone(), '=', Box::new(self.expr()?)));
        }
        Ok(test)
    }
    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }
    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }
    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while self.word("in") {
            let Some(array) = self.name().map(str::to_owned) else { return self.fail() };
            self.rest = &self.rest[array.len()..];
            left = Expr::In(vec![left], array);
        }
        Ok(left)
    }
    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        loop {
            let yes = if self.at("!~") {
                self.rest = &self.rest[2..];
                false
            } else if self.eat("~") {
                true
            } else {
                return Ok(left);
            };
            left = Expr::Match(Box::new(left), Box::new(self.comparison()?), yes);
        }
    }
    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.join()?;
        for op in ["==", "!=", "<=", ">=", "<", ">"] {
            if op == ">" && self.no_greater {
                continue;
            }
            if self.eat(op) {
                return Ok(Expr::Compare(Box::new(left), op.to_owned(), Box::new(self.join()?)));
            }
        }
        Ok(left)
    }
    fn join(&mut self) -> Parsed<Expr> {
        let mut left = self.sum()?;
        loop {
            self.space();
            let begins = match self.rest.chars().next() {
                Some('"' | '$' | '(' | '!' | '-') => !self.rest.starts_with("!=") && !self.rest.starts_with("!~"),
                Some(c) if c.is_ascii_digit() => true,
                Some(_) => self.name().is_some_and(|n| !WORDS.contains(&n)),
                None => false,
            };
            if !begins {
                return Ok(left);
            }
            left = Expr::Join(Box::new(left), Box::new(self.sum()?));
        }
    }
    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        loop {
            self.space();
            let op = match self.rest.chars().next() {
                Some(op @ ('+' | '-')) if !self.rest[1..].starts_with('=') => op,
                _ => return Ok(left),
            };
            self.rest = &self.rest[1..];
            left = Expr::Binary(Box::new(left), op, Box::new(self.product()?));
        }
    }
    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            self.space();
            let op = match self.rest.chars().next() {
                Some(op @ ('*' | '/' | '%')) if !self.rest[1..].starts_with('=') => op,
                _ => return Ok(left),
            };
            self.rest = &self.rest[1..];
            left = Expr::Binary(Box::new(left), op, Box::new(self.unary()?));
        }
    }
    fn unary(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > 100 {
            return Err("expression nested too deeply".to_owned());
        }
        let e = if self.at("++") || self.at("--") {
            let by = if self.rest.starts_with('+') { 1 } else { -1 };
            self.rest = &self.rest[2..];
            match self.primary()? {
                Expr::Get(target) => Expr::Step(target, by, true),
                _ => return self.fail(),
            }
        } else if self.at("!") && !self.at("!~") && !self.at("!=") {
            self.rest = &self.rest[1..];
            Expr::Not(Box::new(self.unary()?))
        } else if self.eat("-") {
            Expr::Negate(Box::new(self.unary()?))
        } else if self.eat("+") {
            self.unary()?
        } else {
            self.power()?
        };
        self.depth -= 1;
        Ok(e)
    }
    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if (self.at("^") && !self.at("^=")) || self.at("**") {
            self.rest = &self.rest[if self.rest.starts_with('^') { 1 } else { 2 }..];
            return Ok(Expr::Binary(Box::new(base), '^', Box::new(self.unary()?)));
        }
        Ok(base)
    }
    fn postfix(&mut self) -> Parsed<Expr> {
        let e = self.primary()?;
        if let Expr::Get(target) = &e {
            // No space before: `a ++b` joins.
            for (sign, by) in [("++", 1), ("--", -1)] {
                if let Some(rest) = self.rest.strip_prefix(sign) {
                    self.rest = rest;
                    return Ok(Expr::Step(target.clone(), by, false));
                }
            }
        }
        Ok(e)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        self.space();
        let Some(c) = self.rest.chars().next() else { return self.fail() };
        match c {
            '(' => {
                self.rest = &self.rest[1..];
                let before = std::mem::replace(&mut self.no_greater, false);
                let items = self.exprs(")");
                self.no_greater = before;
                let mut items = items?;
                self.need(")")?;
                if items.len() > 1 && self.word("in") {
                    let Some(array) = self.name().map(str::to_owned) else { return self.fail() };
                    self.rest = &self.rest[array.len()..];
                    return Ok(Expr::In(items, array));
                }
                match items.len() {
                    1 => Ok(items.remove(0)),
                    _ => self.fail(),
                }
            }
            '$' => {
                self.rest = &self.rest[1..];
                let index = if self.at("++") || self.at("--") { self.unary()? } else { self.primary()? };
                Ok(Expr::Get(Target::Field(Box::new(index))))
            }
            '"' => self.quoted('"').map(|t| Expr::Text(unescape(&t).0)),
            '/' => self.quoted('/').map(|t| Expr::Regex(t.replace("\\/", "/"))),
            c if c.is_ascii_digit() || c == '.' => {
                let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(self.rest.len());
                let (digits, rest) = self.rest.split_at(end);
                let number = Num::parse(digits);
                self.rest = rest;
                Ok(Expr::Num(number))
            }
            _ => self.named(),
        }
    }
    fn named(&mut self) -> Parsed<Expr> {
        let Some(name) = self.name().map(str::to_owned) else { return self.fail() };
        if WORDS.contains(&name.as_str()) {
            return self.fail();
        }
        self.rest = &self.rest[name.len()..];
        if FUNCTIONS.contains(&name.as_str()) || self.rest.starts_with('(') {
            if !self.eat("(") {
                return if name == "length" { Ok(Expr::Call(name, Vec::new())) } else { self.fail() };
            }
            let before = std::mem::replace(&mut self.no_greater, false);
            let args = self.exprs(")");
            self.no_greater = before;
            let args = args?;
            self.need(")")?;
            return Ok(Expr::Call(name, args));
        }
        if self.rest.starts_with('[') {
            self.rest = &self.rest[1..];
            let index = self.exprs("]")?;
            self.need("]")?;
            return Ok(Expr::Get(Target::Item(name, index)));
        }
        Ok(Expr::Get(Target::Var(name)))
    }
    /// Text up to the closing sign; escapes stay as they are.
    fn quoted(&mut self, end: char) -> Parsed<String> {
        let mut escaped = false;
        for (i, c) in self.rest.char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == end {
                let text = self.rest[1..i].to_owned();
                self.rest = &self.rest[i + 1..];
                return Ok(text);
            } else if c == '\n' {
                break;
            }
        }
        Err(if end == '"' { "^ unterminated string" } else { "^ unterminated regexp" }.to_owned())
    }
}
