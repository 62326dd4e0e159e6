//! `awk`: patterns and actions over fields, enough for the usual one-liners: `BEGIN`, `END`, ranges,
//! `print`, `printf`, variables, arrays, `if`, `for`, `while`, the common functions. Numbers have six
//! decimals; there is no `getline`, no user function, no output redirection.

mod parse;
mod value;

use std::collections::BTreeMap;

use super::options::{Spec, parse as options};
use super::regex::Regex;
use super::{echo, inputs, printf, row};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};
use parse::{Expr, Pattern, Rule, Stmt, Target};
use value::{Num, Val};

pub static AWK: Command = row("awk", ["pick and compute from fields", "필드를 골라 계산합니다"], run);
pub static GAWK: Command = row("gawk", ["the same as awk", "awk와 같습니다"], run);

const SPEC: Spec =
    Spec { in_order: true, ..Spec::new("F:v:f:", &[("field-separator", 'F'), ("assign", 'v'), ("file", 'f')], 2) };

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = options(io, args, &SPEC)?;
    let mut files = o.rest.clone();
    let script = match o.value('f') {
        Some(file) => match io.read_file(file)? {
            Ok(text) => text,
            Err(why) => return io.fail(2, format!("awk: fatal: can't open source file `{file}' for reading ({why})")),
        },
        None if files.is_empty() => {
            io.errln("Usage: awk [POSIX or GNU style options] -f progfile [--] file ...");
            return io.fail(1, "Usage: awk [POSIX or GNU style options] [--] 'program' file ...");
        }
        None => files.remove(0),
    };
    let rules = match parse::program(&script) {
        Ok(rules) => rules,
        Err(why) => {
            io.errln(format!("awk: cmd. line:1: {script}"));
            return io.fail(1, format!("awk: cmd. line:1: {why}"));
        }
    };
    let mut awk = Awk {
        vars: BTreeMap::new(),
        arrays: BTreeMap::new(),
        fields: Vec::new(),
        line: String::new(),
        out: String::new(),
        steps: 0,
        regexes: BTreeMap::new(),
    };
    for (name, text) in [("FS", " "), ("OFS", " "), ("ORS", "\n"), ("SUBSEP", "\u{1c}")] {
        awk.vars.insert(name.to_owned(), Val::text(text));
    }
    if let Some(separator) = o.value('F') {
        let text = if separator == "t" { "\t".to_owned() } else { echo::unescape(separator).0 };
        awk.vars.insert("FS".to_owned(), Val::text(text));
    }
    for assign in o.values('v') {
        let (name, text) = assign.split_once('=').unwrap_or((assign, ""));
        awk.vars.insert(name.to_owned(), Val::input(&echo::unescape(text).0));
    }
    let mut code = 0;
    let ended = awk.whole(io, &rules, &files, &mut code)?;
    io.out(std::mem::take(&mut awk.out));
    match ended {
        Ok(()) => Ok(code),
        Err(Halt::Exit(n)) => Ok(n),
        Err(Halt::Fail(why)) => io.fail(2, format!("awk: cmd. line:1: fatal: {why}")),
        Err(_) => Ok(code),
    }
}

/// Why a statement does not lead to the next one.
enum Halt {
    Next,
    Break,
    Continue,
    Exit(i32),
    Fail(String),
}

type Done<T> = Result<T, Halt>;

struct Awk {
    vars: BTreeMap<String, Val>,
    arrays: BTreeMap<String, BTreeMap<String, Val>>,
    fields: Vec<String>,
    line: String,
    out: String,
    steps: u32,
    regexes: BTreeMap<String, Regex>,
}

/// More steps than this are a loop without end.
const MAX_STEPS: u32 = 5_000_000;

impl Awk {
    fn whole(&mut self, io: &mut Io<'_>, rules: &[Rule], files: &[Str], code: &mut i32) -> Flow<Done<()>> {
        for rule in rules.iter().filter(|r| matches!(r.pattern, Pattern::Begin)) {
            if let Err(halt) = self.block(&rule.body) {
                return Ok(Err(halt));
            }
        }
        if rules.iter().all(|r| matches!(r.pattern, Pattern::Begin)) {
            return Ok(Ok(()));
        }
        let texts = inputs(io, "awk", files, code)?;
        let mut open = vec![false; rules.len()];
        let mut number = 0;
        'files: for (name, text) in &texts {
            self.vars.insert("FILENAME".to_owned(), Val::text(name.as_str()));
            for (i, line) in text.lines().enumerate() {
                number += 1;
                self.vars.insert("NR".to_owned(), Val::int(number));
                self.vars.insert("FNR".to_owned(), Val::int(i as i64 + 1));
                self.record(line);
                match self.line_rules(rules, &mut open) {
                    Ok(()) | Err(Halt::Next) => {}
                    Err(Halt::Exit(n)) => {
                        *code = n;
                        break 'files;
                    }
                    Err(halt) => return Ok(Err(halt)),
                }
            }
        }
        for rule in rules.iter().filter(|r| matches!(r.pattern, Pattern::End)) {
            if let Err(halt) = self.block(&rule.body) {
                return Ok(Err(halt));
            }
        }
        Ok(Ok(()))
    }

    fn line_rules(&mut self, rules: &[Rule], open: &mut [bool]) -> Done<()> {
        for (rule, open) in rules.iter().zip(open) {
            let hit = match &rule.pattern {
                Pattern::Begin | Pattern::End => false,
                Pattern::Always => true,
                Pattern::When(e) => self.eval(e)?.truth(),
                Pattern::Range(from, to) => {
                    let inside = *open || self.eval(from)?.truth();
                    *open = inside && !self.eval(to)?.truth();
                    inside
                }
            };
            if hit {
                self.block(&rule.body)?;
            }
        }
        Ok(())
    }

    fn var(&self, name: &str) -> Val {
        match name {
            "NF" => Val::int(self.fields.len() as i64),
            _ => self.vars.get(name).cloned().unwrap_or_default(),
        }
    }
    fn text_of(&self, name: &str) -> String {
        self.var(name).to_text()
    }
    fn regex(&mut self, text: &str) -> Done<Regex> {
        if let Some(regex) = self.regexes.get(text) {
            return Ok(regex.clone());
        }
        let regex = Regex::extended(text, false).map_err(|why| Halt::Fail(format!("{why}: /{text}/")))?;
        self.regexes.insert(text.to_owned(), regex.clone());
        Ok(regex)
    }
    /// Pieces of a text as FS splits it.
    fn split(&mut self, text: &str, separator: &str) -> Done<Vec<String>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match separator {
            " " => text.split_whitespace().map(str::to_owned).collect(),
            "" => text.chars().map(String::from).collect(),
            s if s.chars().count() == 1 && s != "." && s != "|" => text.split(s).map(str::to_owned).collect(),
            "." | "|" => text.split(separator).map(str::to_owned).collect(),
            s => {
                let regex = self.regex(s)?;
                let (mut out, mut at) = (Vec::new(), 0);
                while let Some(m) = regex.find(text, at).filter(|m| m.end > m.start) {
                    out.push(text[at..m.start].to_owned());
                    at = m.end;
                }
                out.push(text[at..].to_owned());
                out
            }
        })
    }
    fn record(&mut self, line: &str) {
        self.line = line.to_owned();
        let separator = self.text_of("FS");
        self.fields = self.split(line, &separator).unwrap_or_default();
    }
    fn rebuild(&mut self) {
        self.line = self.fields.join(&self.text_of("OFS"));
    }

    // --- statements ---

    fn block(&mut self, body: &[Stmt]) -> Done<()> {
        body.iter().try_for_each(|s| self.stmt(s))
    }
    fn looped(&mut self, body: &Stmt) -> Done<bool> {
        match self.stmt(body) {
            Ok(()) | Err(Halt::Continue) => Ok(true),
            Err(Halt::Break) => Ok(false),
            Err(halt) => Err(halt),
        }
    }
    fn step(&mut self) -> Done<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(Halt::Fail("the program does not end".to_owned())) } else { Ok(()) }
    }
    fn stmt(&mut self, s: &Stmt) -> Done<()> {
        self.step()?;
        match s {
            Stmt::Block(body) => self.block(body)?,
            Stmt::Expr(e) => drop(self.eval(e)?),
            Stmt::Print(items) if items.is_empty() => {
                self.out += &self.line.clone();
                self.out += &self.text_of("ORS");
            }
            Stmt::Print(items) => {
                let texts: Vec<String> = items.iter().map(|e| Ok(self.eval(e)?.to_text())).collect::<Done<_>>()?;
                self.out += &texts.join(&self.text_of("OFS"));
                self.out += &self.text_of("ORS");
            }
            Stmt::Printf(items) => {
                let text = self.formatted(items)?;
                self.out += &text;
            }
            Stmt::If(test, yes, no) => {
                if self.eval(test)?.truth() {
                    self.stmt(yes)?;
                } else if let Some(no) = no {
                    self.stmt(no)?;
                }
            }
            Stmt::While(test, body) => {
                while self.eval(test)?.truth() {
                    self.step()?;
                    if !self.looped(body)? {
                        break;
                    }
                }
            }
            Stmt::For(init, test, step, body) => {
                self.stmt(init)?;
                while match test {
                    Some(test) => self.eval(test)?.truth(),
                    None => true,
                } {
                    self.step()?;
                    if !self.looped(body)? {
                        break;
                    }
                    self.stmt(step)?;
                }
            }
            Stmt::ForIn(name, array, body) => {
                let keys: Vec<String> = self.arrays.get(array).map(|a| a.keys().cloned().collect()).unwrap_or_default();
                for key in keys {
                    self.vars.insert(name.clone(), Val::input(&key));
                    if !self.looped(body)? {
                        break;
                    }
                }
            }
            Stmt::Delete(array, index) => match index {
                Some(index) => {
                    let key = self.eval(index)?.to_text();
                    if let Some(a) = self.arrays.get_mut(array) {
                        a.remove(&key);
                    }
                }
                None => drop(self.arrays.remove(array)),
            },
            Stmt::Next => return Err(Halt::Next),
            Stmt::Break => return Err(Halt::Break),
            Stmt::Continue => return Err(Halt::Continue),
            Stmt::Exit(code) => {
                let code = code.as_ref().map_or(Ok(0), |e| self.eval(e).map(|v| v.num().whole()))?;
                return Err(Halt::Exit((code & 0xff) as i32));
            }
        }
        Ok(())
    }
    fn formatted(&mut self, items: &[Expr]) -> Done<String> {
        let mut texts: Vec<Str> = Vec::new();
        for item in items {
            texts.push(self.eval(item)?.to_text().into());
        }
        let Some((format, rest)) = texts.split_first() else { return Ok(String::new()) };
        // `%d` of `3.7` is 3 here, which the shell's printf refuses.
        let rest: Vec<Str> = rest.to_vec();
        let mut at = 0;
        let mut parts = format.split('%').skip(1).peekable();
        let mut args = rest.clone();
        while let Some(part) = parts.next() {
            if part.is_empty() {
                parts.next();
                continue;
            }
            let kind = part.chars().find(|c| c.is_ascii_alphabetic()).unwrap_or('s');
            if "diuxXoc".contains(kind)
                && kind != 'c'
                && let Some(arg) = args.get_mut(at)
            {
                *arg = ecow::eco_format!("{}", Num::parse(arg).whole());
            }
            at += 1;
        }
        args.truncate(at);
        Ok(printf::format(format, &args).0)
    }

    // --- expressions ---

    fn get(&mut self, target: &Target) -> Done<Val> {
        Ok(match target {
            Target::Var(name) => self.var(name),
            Target::Field(e) => match self.eval(e)?.num().whole() {
                0 => Val::input(&self.line),
                n => usize::try_from(n - 1)
                    .ok()
                    .and_then(|i| self.fields.get(i))
                    .map_or(Val::default(), |f| Val::input(f)),
            },
            Target::Item(array, index) => {
                let key = self.key(index)?;
                self.arrays.get(array).and_then(|a| a.get(&key)).cloned().unwrap_or_default()
            }
        })
    }
    fn key(&mut self, index: &[Expr]) -> Done<String> {
        let parts: Vec<String> = index.iter().map(|e| Ok(self.eval(e)?.to_text())).collect::<Done<_>>()?;
        Ok(parts.join("\u{1c}"))
    }
    fn set(&mut self, target: &Target, value: Val) -> Done<()> {
        match target {
            Target::Var(name) if name == "NF" => {
                self.fields.resize(usize::try_from(value.num().whole()).unwrap_or(0).min(10_000), String::new());
                self.rebuild();
            }
            Target::Var(name) => drop(self.vars.insert(name.clone(), value)),
            Target::Field(e) => match self.eval(e)?.num().whole() {
                0 => self.record(&value.to_text()),
                n => {
                    let at = usize::try_from(n - 1).unwrap_or(0).min(10_000);
                    if self.fields.len() <= at {
                        self.fields.resize(at + 1, String::new());
                    }
                    self.fields[at] = value.to_text();
                    self.rebuild();
                }
            },
            Target::Item(array, index) => {
                let key = self.key(index)?;
                self.arrays.entry(array.clone()).or_default().insert(key, value);
            }
        }
        Ok(())
    }

    fn eval(&mut self, e: &Expr) -> Done<Val> {
        self.step()?;
        Ok(match e {
            Expr::Num(n) => Val::Num(*n),
            Expr::Text(text) => Val::text(text.as_str()),
            Expr::Regex(text) => {
                let line = self.line.clone();
                Val::from(self.regex(text)?.is_match(&line))
            }
            Expr::Get(target) => self.get(target)?,
            Expr::Assign(target, op, value) => {
                let value = self.eval(value)?;
                let value = match op {
                    '=' => value,
                    op => Val::Num(self.get(target)?.num().apply(*op, value.num()).map_err(Halt::Fail)?),
                };
                self.set(target, value.clone())?;
                value
            }
            Expr::Step(target, by, before) => {
                let old = self.get(target)?.num();
                let new = old.apply('+', Num::int(*by)).map_err(Halt::Fail)?;
                self.set(target, Val::Num(new))?;
                Val::Num(if *before { new } else { old })
            }
            Expr::Binary(a, op, b) => {
                let (a, b) = (self.eval(a)?, self.eval(b)?);
                Val::Num(a.num().apply(*op, b.num()).map_err(Halt::Fail)?)
            }
            Expr::Compare(a, op, b) => {
                let order = self.eval(a)?.compare(&self.eval(b)?);
                Val::from(match op.as_str() {
                    "==" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Expr::Match(text, pattern, yes) => {
                let text = self.eval(text)?.to_text();
                let regex = self.pattern(pattern)?;
                Val::from(regex.is_match(&text) == *yes)
            }
            Expr::And(a, b) => Val::from(self.eval(a)?.truth() && self.eval(b)?.truth()),
            Expr::Or(a, b) => Val::from(self.eval(a)?.truth() || self.eval(b)?.truth()),
            Expr::Not(a) => Val::from(!self.eval(a)?.truth()),
            Expr::Negate(a) => Val::Num(Num::int(0).apply('-', self.eval(a)?.num()).map_err(Halt::Fail)?),
            Expr::Join(a, b) => Val::text(self.eval(a)?.to_text() + &self.eval(b)?.to_text()),
            Expr::Choose(test, yes, no) => {
                if self.eval(test)?.truth() {
                    self.eval(yes)?
                } else {
                    self.eval(no)?
                }
            }
            Expr::In(key, array) => {
                let key = self.key(key)?;
                Val::from(self.arrays.get(array).is_some_and(|a| a.contains_key(&key)))
            }
            Expr::Call(name, args) => self.call(name, args)?,
        })
    }
    fn pattern(&mut self, e: &Expr) -> Done<Regex> {
        let text = match e {
            Expr::Regex(text) => text.clone(),
            e => self.eval(e)?.to_text(),
        };
        self.regex(&text)
    }

    fn call(&mut self, name: &str, args: &[Expr]) -> Done<Val> {
        let text = |awk: &mut Awk, i: usize| match args.get(i) {
            Some(e) => Ok(awk.eval(e)?.to_text()),
            None => Ok(awk.line.clone()),
        };
        Ok(match name {
            "length" => match args.first() {
                Some(Expr::Get(Target::Var(array))) if self.arrays.contains_key(array) => {
                    Val::int(self.arrays[array].len() as i64)
                }
                _ => Val::int(text(self, 0)?.chars().count() as i64),
            },
            "toupper" => Val::text(text(self, 0)?.to_uppercase()),
            "tolower" => Val::text(text(self, 0)?.to_lowercase()),
            "int" => Val::int(Num::parse(&text(self, 0)?).whole()),
            "index" => {
                let (all, part) = (text(self, 0)?, text(self, 1)?);
                Val::int(all.find(&part).map_or(0, |i| all[..i].chars().count() as i64 + 1))
            }
            "substr" => {
                let all = text(self, 0)?;
                let from = args.get(1).map_or(Ok(1), |e| self.eval(e).map(|v| v.num().whole()))?;
                let size = match args.get(2) {
                    Some(e) => self.eval(e)?.num().whole(),
                    None => i64::from(i32::MAX),
                };
                let wanted = from..from.saturating_add(size);
                let kept = all.chars().enumerate().filter(|(i, _)| wanted.contains(&(*i as i64 + 1))).map(|(_, c)| c);
                Val::text(kept.collect::<String>())
            }
            "split" => {
                let all = text(self, 0)?;
                let separator = match args.get(2) {
                    Some(Expr::Regex(r)) => r.clone(),
                    Some(e) => self.eval(e)?.to_text(),
                    None => self.text_of("FS"),
                };
                let parts = self.split(&all, &separator)?;
                let count = parts.len() as i64;
                if let Some(Expr::Get(Target::Var(array))) = args.get(1) {
                    let items = parts.iter().enumerate().map(|(i, p)| ((i + 1).to_string(), Val::input(p)));
                    self.arrays.insert(array.clone(), items.collect());
                }
                Val::int(count)
            }
            "sub" | "gsub" => {
                let Some(pattern) = args.first() else { return Err(Halt::Fail("sub: no pattern".to_owned())) };
                let regex = self.pattern(pattern)?;
                let with = text(self, 1)?;
                let whole = Target::Field(Box::new(Expr::Num(Num::int(0))));
                let target = match args.get(2) {
                    Some(Expr::Get(target)) => target.clone(),
                    _ => whole,
                };
                let before = self.get(&target)?.to_text();
                let (after, count) = replaced(&before, &regex, &with, name == "gsub");
                if count > 0 {
                    self.set(&target, Val::text(after))?;
                }
                Val::int(count)
            }
            "match" => {
                let all = text(self, 0)?;
                let found = match args.get(1) {
                    Some(pattern) => self.pattern(pattern)?.find(&all, 0),
                    None => None,
                };
                let (start, size) = match found {
                    Some(m) => (all[..m.start].chars().count() as i64 + 1, all[m.start..m.end].chars().count() as i64),
                    None => (0, -1),
                };
                self.vars.insert("RSTART".to_owned(), Val::int(start));
                self.vars.insert("RLENGTH".to_owned(), Val::int(size));
                Val::int(start)
            }
            "sprintf" => Val::text(self.formatted(args)?),
            name => return Err(Halt::Fail(format!("function `{name}' not defined"))),
        })
    }
}

fn replaced(text: &str, regex: &Regex, with: &str, all: bool) -> (String, i64) {
    let (mut out, mut at, mut count) = (String::new(), 0, 0);
    while let Some(m) = regex.find(text, at) {
        out += &text[at..m.start];
        out += &with.replace("\\&", "\u{0}").replace('&', &text[m.start..m.end]).replace('\u{0}', "&");
        count += 1;
        at = m.end;
        if m.end == m.start {
            let Some(c) = text[at..].chars().next() else { return (out, count) };
            out.push(c);
            at += c.len_utf8();
        }
        if !all {
            break;
        }
    }
    (out + text.get(at..).unwrap_or(""), count)
}
