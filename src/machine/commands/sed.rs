//! `sed`: addresses, `s`, `d`, `p`, `q`, `a`, `i`, `c`, `y`, `n`, `=`, groups; `-n`, `-i`, `-r`, `-e`.

use super::options::{Spec, parse};
use super::regex::{Match, Regex};
use super::{inputs, row};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static SED: Command = row("sed", ["edit text line by line", "글을 줄 단위로 편집합니다"], run);

/// `I` stands for `-i`, whose suffix is attached or absent.
const SPEC: Spec = Spec::new(
    "nrEse:f:Iuz",
    &[
        ("quiet", 'n'),
        ("silent", 'n'),
        ("regexp-extended", 'r'),
        ("expression", 'e'),
        ("in-place", 'I'),
        ("separate", 's'),
    ],
    1,
);

#[derive(Clone, Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
    /// `first~step`
    Step(usize, usize),
}

#[derive(Clone, Debug)]
enum Act {
    Substitute {
        regex: Regex,
        with: Vec<Piece>,
        global: bool,
        print: bool,
        nth: usize,
    },
    Delete,
    Print,
    Quit,
    Next,
    /// `N`: the next line joins.
    Join,
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Translate(Vec<char>, Vec<char>),
    Group(Vec<Step>),
}

/// A part of a replacement.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

#[derive(Clone, Debug)]
struct Step {
    from: Option<Address>,
    to: Option<Address>,
    negate: bool,
    act: Act,
    /// The line at which an open range began.
    open: Option<usize>,
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<Str> = args.iter().map(attached_suffix).collect();
    let o = parse(io, &words, &SPEC)?;
    let extended = o.has('r') || o.has('E');
    let mut files = o.rest.clone();
    let mut script = o.values('e').map(Str::as_str).collect::<Vec<_>>().join("\n");
    for file in o.values('f') {
        match io.read_file(file)? {
            Ok(text) => script = format!("{script}\n{text}"),
            Err(why) => return io.fail(1, format!("sed: couldn't open file {file}: {why}")),
        }
    }
    if !o.has('e') && !o.has('f') {
        if files.is_empty() {
            io.errln("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...");
            return Ok(1);
        }
        script = files.remove(0).to_string();
    }
    let mut reader = Reader { chars: script.chars().collect(), at: 0, extended };
    let steps = match reader.steps(false) {
        Ok(steps) => steps,
        Err(why) => return io.fail(1, format!("sed: -e expression #1, char {}: {why}", reader.at)),
    };
    let mut code = 0;
    // `-i.bak`: what stands behind the letter.
    let backup = args.iter().find_map(|a| match a.strip_prefix("--in-place=") {
        Some(suffix) => Some(suffix),
        None if attached_suffix(a) != *a => a.split_once('i').map(|(_, suffix)| suffix),
        None => None,
    });
    let backup = backup.filter(|s| !s.is_empty()).map(str::to_owned);
    if o.has('I') {
        for file in &files {
            match io.read_file(file)? {
                Ok(text) => {
                    if let Some(suffix) = &backup {
                        io.write_file(&format!("{file}{suffix}"), text.as_str())?.ok();
                    }
                    let out = edit(&mut steps.clone(), &text, o.has('n'));
                    io.write_file(file, out)?.ok();
                }
                Err(why) if why == "Is a directory" => {
                    io.errln(format!("sed: couldn't edit {file}: not a regular file"));
                    code = 4;
                }
                Err(why) => {
                    io.errln(format!("sed: can't read {file}: {why}"));
                    code = 2;
                }
            }
        }
        return Ok(code);
    }
    let texts = inputs(io, "sed", &[], &mut code);
    let texts = if files.is_empty() { texts? } else { read_files(io, &files, &mut code)? };
    let mut whole = String::new();
    for (_, text) in &texts {
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole += text;
    }
    io.out(edit(&mut steps.clone(), &whole, o.has('n')));
    Ok(code)
}

fn read_files(io: &mut Io<'_>, files: &[Str], code: &mut i32) -> Flow<Vec<(Str, Str)>> {
    let mut out = Vec::new();
    for file in files {
        match if file == "-" { Ok(io.read_all()?) } else { io.read_file(file)? } {
            Ok(text) => out.push((file.clone(), text)),
            Err(why) if why == "Is a directory" => {
                io.errln(format!("sed: couldn't read {file}: {why}"));
                *code = 2;
            }
            Err(why) => {
                io.errln(format!("sed: can't read {file}: {why}"));
                *code = 2;
            }
        }
    }
    Ok(out)
}

/// `-i`, `-i.bak`, `-ri` → letters that getopt can read.
fn attached_suffix(word: &Str) -> Str {
    match word.strip_prefix('-') {
        Some(letters) if !letters.starts_with('-') && letters.contains('i') => {
            let before = letters.split('i').next().unwrap_or("");
            if before.chars().all(|c| "nrEsuz".contains(c)) { ecow::eco_format!("-{before}I") } else { word.clone() }
        }
        _ => word.clone(),
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    extended: bool,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }
    fn next(&mut self) -> Option<char> {
        self.at += 1;
        self.chars.get(self.at - 1).copied()
    }
    fn skip(&mut self, set: &str) {
        while self.peek().is_some_and(|c| set.contains(c)) {
            self.at += 1;
        }
    }
    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect::<String>().parse().ok()
    }

    fn steps(&mut self, inside: bool) -> Result<Vec<Step>, String> {
        let mut out = Vec::new();
        loop {
            self.skip(" \t\n;");
            match self.peek() {
                None if inside => return Err("unmatched `{'".to_owned()),
                None => return Ok(out),
                Some('}') if inside => {
                    self.at += 1;
                    return Ok(out);
                }
                Some('}') => return Err("unexpected `}'".to_owned()),
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => out.push(self.step()?),
            }
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        let from = self.address()?;
        let mut to = None;
        self.skip(" \t");
        if from.is_some() && self.peek() == Some(',') {
            self.at += 1;
            self.skip(" \t");
            to = self.address()?;
            if to.is_none() {
                return Err("unexpected `,'".to_owned());
            }
        }
        self.skip(" \t");
        let mut negate = false;
        while self.peek() == Some('!') {
            negate = true;
            self.at += 1;
            self.skip(" \t");
        }
        let act = match self.next() {
            Some('s') => self.substitute()?,
            Some('d') => Act::Delete,
            Some('p') => Act::Print,
            Some('q') => Act::Quit,
            Some('n') => Act::Next,
            Some('N') => Act::Join,
            Some('=') => Act::Number,
            Some('a') => Act::Append(self.text()),
            Some('i') => Act::Insert(self.text()),
            Some('c') => Act::Change(self.text()),
            Some('y') => self.translate()?,
            Some('{') => Act::Group(self.steps(true)?),
            Some(c) => return Err(format!("unknown command: `{c}'")),
            None => return Err("missing command".to_owned()),
        };
        if !matches!(act, Act::Group(_) | Act::Append(_) | Act::Insert(_) | Act::Change(_)) {
            self.skip(" \t");
            if self.peek().is_some_and(|c| !"\n;}#".contains(c)) {
                self.at += 1;
                return Err(match act {
                    Act::Substitute { .. } => "unknown option to `s'".to_owned(),
                    _ => "extra characters after command".to_owned(),
                });
            }
        }
        Ok(Step { from, to, negate, act, open: None })
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('$') => {
                self.at += 1;
                Some(Address::Last)
            }
            Some(c) if c.is_ascii_digit() => {
                let first = self.number().unwrap_or(0);
                if self.peek() == Some('~') {
                    self.at += 1;
                    return Ok(Some(Address::Step(first, self.number().unwrap_or(0))));
                }
                Some(Address::Line(first))
            }
            Some(c @ ('/' | '\\')) => {
                self.at += 1;
                let end = if c == '\\' { self.next().unwrap_or('/') } else { '/' };
                let text = self.until(end).ok_or("unterminated address regex")?;
                let fold = self.peek() == Some('I');
                self.at += usize::from(fold);
                Some(Address::Match(Regex::new(&text, self.extended, fold)?))
            }
            _ => None,
        })
    }

    /// Text up to an unescaped `end`; the escape of `end` itself is dropped.
    fn until(&mut self, end: char) -> Option<String> {
        let mut out = String::new();
        loop {
            match self.next()? {
                c if c == end => return Some(out),
                '\\' => match self.next()? {
                    c if c == end => out.push(c),
                    c => {
                        out.push('\\');
                        out.push(c);
                    }
                },
                '[' => {
                    // A bracket expression may hold the delimiter only in GNU's reading; take it whole.
                    out.push('[');
                }
                c => out.push(c),
            }
        }
    }

    fn substitute(&mut self) -> Result<Act, String> {
        let unterminated = "unterminated `s' command";
        let end = self.next().ok_or(unterminated)?;
        let pattern = self.until(end).ok_or(unterminated)?;
        let with = self.until(end).ok_or(unterminated)?;
        let (mut global, mut print, mut fold, mut nth) = (false, false, false, 0);
        loop {
            match self.peek() {
                Some('g') => global = true,
                Some('p') => print = true,
                Some('i' | 'I') => fold = true,
                Some(c) if c.is_ascii_digit() => {
                    nth = self.number().unwrap_or(0);
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
        let regex = Regex::new(&pattern, self.extended, fold)?;
        Ok(Act::Substitute { regex, with: pieces(&with)?, global, print, nth })
    }

    fn translate(&mut self) -> Result<Act, String> {
        let end = self.next().ok_or("unterminated `y' command")?;
        let from = self.until(end).ok_or("unterminated `y' command")?;
        let to = self.until(end).ok_or("unterminated `y' command")?;
        let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
        if from.len() != to.len() {
            return Err("strings for `y' command are different lengths".to_owned());
        }
        Ok(Act::Translate(from, to))
    }

    /// Text of `a`, `i`, `c`: to the end of the line, `\` joining lines.
    fn text(&mut self) -> String {
        self.skip(" \t");
        if self.peek() == Some('\\') {
            self.at += 1;
            self.skip(" \t");
            if self.peek() == Some('\n') {
                self.at += 1;
            }
        }
        let mut out = String::new();
        while let Some(c) = self.next() {
            match c {
                '\n' => break,
                '\\' => out.extend(self.next()),
                c => out.push(c),
            }
        }
        out
    }
}

fn pieces(with: &str) -> Result<Vec<Piece>, String> {
    let mut out = vec![Piece::Text(String::new())];
    let add = |out: &mut Vec<Piece>, c: char| match out.last_mut() {
        Some(Piece::Text(text)) => text.push(c),
        _ => out.push(Piece::Text(c.to_string())),
    };
    let mut chars = with.chars();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push(Piece::Group(0)),
            '\\' => match chars.next() {
                Some(d) if d.is_ascii_digit() => out.push(Piece::Group(d as usize - '0' as usize)),
                Some('n') => add(&mut out, '\n'),
                Some('t') => add(&mut out, '\t'),
                Some(other) => add(&mut out, other),
                None => add(&mut out, '\\'),
            },
            c => add(&mut out, c),
        }
    }
    Ok(out)
}

/// What goes on with the line after a step.
#[derive(PartialEq)]
enum Then {
    Go,
    /// The line is dropped.
    Drop,
    Quit,
}

struct Editor<'t> {
    lines: Vec<&'t str>,
    /// Number of the current line, from 1.
    number: usize,
    out: String,
    after: Vec<String>,
    quiet: bool,
}

fn edit(steps: &mut [Step], text: &str, quiet: bool) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut e = Editor { lines, number: 0, out: String::new(), after: Vec::new(), quiet };
    while e.number < e.lines.len() {
        e.number += 1;
        let mut line = e.lines[e.number - 1].to_owned();
        let then = e.steps(steps, &mut line);
        if then != Then::Drop && !quiet {
            e.put(&line);
        }
        for text in std::mem::take(&mut e.after) {
            e.put(&text);
        }
        if then == Then::Quit {
            break;
        }
    }
    if !text.ends_with('\n') && e.number == e.lines.len() && e.out.ends_with('\n') && !text.is_empty() {
        e.out.pop();
    }
    e.out
}

impl Editor<'_> {
    fn put(&mut self, line: &str) {
        self.out += line;
        self.out.push('\n');
    }
    fn hits(&self, address: &Address, line: &str) -> bool {
        match address {
            Address::Line(n) => *n == self.number,
            Address::Last => self.number == self.lines.len(),
            Address::Match(regex) => regex.is_match(line),
            Address::Step(first, 0) => *first == self.number,
            Address::Step(first, step) => self.number >= *first && (self.number - first).is_multiple_of(*step),
        }
    }
    fn selected(&self, step: &mut Step, line: &str) -> bool {
        let hit = match (&step.from, &step.to) {
            (None, _) => true,
            (Some(from), None) => self.hits(from, line),
            (Some(from), Some(to)) => match step.open {
                Some(_) => {
                    let past = matches!(to, Address::Line(n) if *n <= self.number);
                    if past || self.hits(to, line) {
                        step.open = None;
                    }
                    !matches!(to, Address::Line(n) if *n < self.number)
                }
                None if self.hits(from, line) => {
                    let single = matches!(to, Address::Line(n) if *n <= self.number);
                    step.open = (!single).then_some(self.number);
                    true
                }
                None => false,
            },
        };
        hit != step.negate
    }
    fn steps(&mut self, steps: &mut [Step], line: &mut String) -> Then {
        for step in steps {
            if !self.selected(step, line) {
                continue;
            }
            let then = self.act(&mut step.act, line);
            if then != Then::Go {
                return then;
            }
        }
        Then::Go
    }
    fn act(&mut self, act: &mut Act, line: &mut String) -> Then {
        match act {
            Act::Substitute { regex, with, global, print, nth } => {
                if let Some(changed) = substituted(line, regex, with, *global, *nth) {
                    *line = changed;
                    if *print {
                        self.put(&line.clone());
                    }
                }
            }
            Act::Delete => return Then::Drop,
            Act::Print => self.put(&line.clone()),
            Act::Quit => return Then::Quit,
            Act::Next => {
                if !self.quiet {
                    self.put(&line.clone());
                }
                match self.lines.get(self.number) {
                    Some(next) => {
                        *line = (*next).to_owned();
                        self.number += 1;
                    }
                    None => return Then::Drop,
                }
            }
            Act::Join => match self.lines.get(self.number) {
                Some(next) => {
                    *line = format!("{line}\n{next}");
                    self.number += 1;
                }
                None => return Then::Quit,
            },
            Act::Number => self.put(&self.number.to_string()),
            Act::Append(text) => self.after.push(text.clone()),
            Act::Insert(text) => self.put(&text.clone()),
            Act::Change(text) => {
                self.put(&text.clone());
                return Then::Drop;
            }
            Act::Translate(from, to) => {
                let map = |c: char| from.iter().position(|f| *f == c).map_or(c, |i| to[i]);
                *line = line.chars().map(map).collect();
            }
            Act::Group(steps) => return self.steps(steps, line),
        }
        Then::Go
    }
}

fn substituted(line: &str, regex: &Regex, with: &[Piece], global: bool, nth: usize) -> Option<String> {
    let (mut out, mut at, mut count, mut changed) = (String::new(), 0, 0, false);
    while let Some(m) = regex.find(line, at) {
        count += 1;
        out += &line[at..m.start];
        if count >= nth.max(1) {
            fill(&mut out, with, line, &m);
            changed = true;
        } else {
            out += &line[m.start..m.end];
        }
        at = m.end;
        if m.end == m.start {
            let Some(c) = line[at..].chars().next() else {
                return changed.then_some(out);
            };
            out.push(c);
            at += c.len_utf8();
        }
        if (changed && !global) || at > line.len() {
            break;
        }
    }
    out += line.get(at..).unwrap_or("");
    changed.then_some(out)
}

/// `s/PATTERN/WITH/` on one line, for editors; `None`: nothing fits.
pub(super) fn replaced(line: &str, regex: &Regex, with: &str, global: bool) -> Option<String> {
    substituted(line, regex, &pieces(with).ok()?, global, 0)
}

fn fill(out: &mut String, with: &[Piece], line: &str, m: &Match) {
    for piece in with {
        match piece {
            Piece::Text(text) => *out += text,
            Piece::Group(n) => {
                if let Some((a, b)) = m.groups.get(*n).copied().flatten() {
                    *out += &line[a..b];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        for (script, extended, quiet, text, out) in [
            ("s/a/b/", false, false, "aa\n", "ba\n"),
            ("s/a/b/g", false, false, "aa\nca\n", "bb\ncb\n"),
            ("s/a/b/2", false, false, "aaa\n", "aba\n"),
            ("s/\\(x\\)\\(y\\)/\\2\\1&/", false, false, "xy\n", "yxxy\n"),
            ("s|/etc|/opt|; s/o/0/", false, false, "/etc\n", "/0pt\n"),
            ("2d", false, false, "1\n2\n3\n", "1\n3\n"),
            ("2,3p", false, true, "1\n2\n3\n4\n", "2\n3\n"),
            ("/b/,/d/d", false, false, "a\nb\nc\nd\ne\n", "a\ne\n"),
            ("$d", false, false, "1\n2\n", "1\n"),
            ("/2/!d", false, false, "1\n2\n", "2\n"),
            ("s/[0-9]+/<&>/", true, false, "ab12\n", "ab<12>\n"),
            ("/a/{s/a/b/;p}", false, true, "a\nc\n", "b\n"),
            ("1a\\\nnew", false, false, "1\n2\n", "1\nnew\n2\n"),
            ("i top", false, false, "1\n", "top\n1\n"),
            ("/swap/s/^/#/", false, false, "/dev/swap x\n", "#/dev/swap x\n"),
            ("s/replicas:.4/replicas: 5/", false, false, "  replicas: 4\n", "  replicas: 5\n"),
            ("s/x*/-/g", false, false, "abc", "-a-b-c-"),
            ("y/abc/xyz/", false, false, "aabc", "xxyz"),
            ("2q", false, false, "1\n2\n3\n", "1\n2\n"),
        ] {
            let mut reader = Reader { chars: script.chars().collect(), at: 0, extended };
            let mut steps = reader.steps(false).unwrap_or_else(|e| panic!("{script}: {e}"));
            assert_eq!(edit(&mut steps, text, quiet), out, "{script}");
        }
        for (script, why) in
            [("s/a/b", "unterminated `s' command"), ("k", "unknown command: `k'"), ("s/a/b/k", "unknown option to `s'")]
        {
            let mut reader = Reader { chars: script.chars().collect(), at: 0, extended: false };
            assert_eq!(reader.steps(false).unwrap_err(), why, "{script}");
        }
    }
}
