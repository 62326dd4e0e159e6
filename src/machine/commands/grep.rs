//! `grep` and `egrep`: line by line, so that it works at the end of an endless pipe.

use super::options::{Options, Spec, parse};
use super::regex::{Match, Regex};
use super::row;
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static GREP: Command = row("grep", ["print lines that match a pattern", "패턴과 맞는 줄을 출력합니다"], run);
pub static EGREP: Command = row("egrep", ["grep -E", "grep -E와 같습니다"], run);

const SPEC: Spec = Spec::new(
    "ivcnEFGPoqswxlLhHrRm:A:B:C:e:f:a",
    &[
        ("ignore-case", 'i'),
        ("invert-match", 'v'),
        ("count", 'c'),
        ("line-number", 'n'),
        ("extended-regexp", 'E'),
        ("fixed-strings", 'F'),
        ("perl-regexp", 'P'),
        ("only-matching", 'o'),
        ("quiet", 'q'),
        ("silent", 'q'),
        ("no-messages", 's'),
        ("word-regexp", 'w'),
        ("line-regexp", 'x'),
        ("files-with-matches", 'l'),
        ("files-without-match", 'L'),
        ("no-filename", 'h'),
        ("with-filename", 'H'),
        ("recursive", 'r'),
        ("max-count", 'm'),
        ("after-context", 'A'),
        ("before-context", 'B'),
        ("context", 'C'),
        ("regexp", 'e'),
        ("color", 'Z'),
        ("colour", 'Z'),
        ("line-buffered", 'Y'),
    ],
    2,
);

struct Grep {
    patterns: Vec<Regex>,
    words: bool,
    lines: bool,
    invert: bool,
}

impl Grep {
    /// The first match in a line, at or after `from`.
    fn find(&self, line: &str, from: usize) -> Option<Match> {
        let fits = |m: &Match| {
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let apart = !word(line[..m.start].chars().next_back()) && !word(line[m.end..].chars().next());
            (!self.words || apart) && (!self.lines || (m.start == 0 && m.end == line.len()))
        };
        let first = |re: &Regex| {
            let mut at = from;
            while let Some(m) = re.find(line, at) {
                if fits(&m) {
                    return Some(m);
                }
                at = m.start + line[m.start..].chars().next()?.len_utf8();
            }
            None
        };
        let found = self.patterns.iter().filter_map(first);
        found.min_by_key(|m| (m.start, std::cmp::Reverse(m.end)))
    }
    fn selects(&self, line: &str) -> bool {
        self.find(line, 0).is_some() != self.invert
    }
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut o = parse(io, args, &SPEC)?;
    let mut texts: Vec<Str> = o.values('e').flat_map(|v| v.split('\n').map(Str::from).collect::<Vec<_>>()).collect();
    if !o.has('e') {
        if o.rest.is_empty() {
            io.errln("Usage: grep [OPTION]... PATTERN [FILE]...");
            return io.fail(2, "Try 'grep --help' for more information.");
        }
        texts = o.rest.remove(0).split('\n').map(Str::from).collect();
    }
    let (fold, extended) = (o.has('i'), o.has('E') || o.has('P') || args[0] == "egrep");
    let mut patterns = Vec::new();
    for text in &texts {
        let re = if o.has('F') { Ok(Regex::fixed(text, fold)) } else { Regex::new(text, extended, fold) };
        match re {
            Ok(re) => patterns.push(re),
            Err(why) => return io.fail(2, format!("grep: {why}")),
        }
    }
    let (words, lines) = (o.has('w'), o.has('x'));
    let grep = Grep { patterns, words, lines, invert: o.has('v') };
    if o.has('r') || o.has('R') {
        let roots = if o.rest.is_empty() { vec![".".into()] } else { o.rest.clone() };
        o.rest.clear();
        for root in roots {
            collect(io, &root, &mut o.rest)?;
        }
        return files(io, &grep, &o, !o.has('h'));
    }
    let stdin = o.rest.is_empty() || o.rest == ["-"];
    if stdin { stream(io, &grep, &o) } else { files(io, &grep, &o, (o.rest.len() > 1 && !o.has('h')) || o.has('H')) }
}

/// Regular files at and below a path.
fn collect(io: &mut Io<'_>, path: &str, out: &mut Vec<Str>) -> Flow<()> {
    let names = io.call("list-dir", path.into())?;
    if names.is_null() {
        out.push(path.into());
        return Ok(());
    }
    for name in names.items() {
        let below = format!("{}/{}", path.trim_end_matches('/'), name.as_str().trim_end_matches('/'));
        if name.as_str().ends_with('/') { collect(io, &below, out)? } else { out.push(below.into()) }
    }
    Ok(())
}

/// Lines around a match, and how much was found: what goes from line to line.
#[derive(Default)]
struct Progress {
    number: i64,
    found: i64,
    /// Lines still to print after a match.
    after: i64,
    /// Lines that may turn out to stand before a match.
    before: Vec<Str>,
    /// Number of the last line printed.
    printed: i64,
}

fn context(o: &Options) -> (i64, i64) {
    let n = |c| o.value(c).and_then(|v| v.parse::<i64>().ok());
    let both = n('C').unwrap_or(0);
    (n('B').unwrap_or(both), n('A').unwrap_or(both))
}

fn line(io: &mut Io<'_>, grep: &Grep, o: &Options, p: &mut Progress, name: Option<&str>, text: &str) {
    p.number += 1;
    let (before, after) = context(o);
    let prefix = |number: i64, sign: char| {
        let file = name.map_or(String::new(), |n| format!("{n}{sign}"));
        if o.has('n') { format!("{file}{number}{sign}") } else { file }
    };
    let quiet = o.has('q') || o.has('c') || o.has('l') || o.has('L');
    if grep.selects(text) {
        p.found += 1;
        if quiet {
            return;
        }
        let first = p.number - p.before.len() as i64;
        if (before > 0 || after > 0) && p.printed > 0 && first > p.printed + 1 {
            io.outln("--");
        }
        for (i, earlier) in std::mem::take(&mut p.before).iter().enumerate() {
            io.outln(format!("{}{earlier}", prefix(first + i as i64, '-')));
        }
        if o.has('o') && !grep.invert {
            let mut at = 0;
            while let Some(m) = grep.find(text, at) {
                if m.end > m.start {
                    io.outln(format!("{}{}", prefix(p.number, ':'), &text[m.start..m.end]));
                    at = m.end;
                } else {
                    at = m.end + text[m.end..].chars().next().map_or(1, char::len_utf8);
                }
                if at > text.len() {
                    break;
                }
            }
        } else if !o.has('o') {
            io.outln(format!("{}{text}", prefix(p.number, ':')));
        }
        (p.after, p.printed) = (after, p.number);
    } else if p.after > 0 && !quiet {
        io.outln(format!("{}{text}", prefix(p.number, '-')));
        (p.after, p.printed) = (p.after - 1, p.number);
    } else if before > 0 {
        p.before.push(text.into());
        if p.before.len() as i64 > before {
            p.before.remove(0);
        }
    }
}

fn enough(o: &Options, p: &Progress) -> bool {
    let max = o.value('m').and_then(|v| v.parse::<i64>().ok());
    (o.has('q') && p.found > 0) || max.is_some_and(|m| p.found >= m && p.after == 0)
}

/// Standard input, a line at a time.
fn stream(io: &mut Io<'_>, grep: &Grep, o: &Options) -> Flow<i32> {
    let state = io.state();
    let before = state.get("before").map(Value::items).unwrap_or_default().iter().map(|v| v.as_str().into()).collect();
    let int = |key| super::int(&state, key);
    let mut p =
        Progress { number: int("number"), found: int("found"), after: int("after"), before, printed: int("printed") };
    while !enough(o, &p) {
        let Some(text) = io.read_line()? else { break };
        line(io, grep, o, &mut p, o.has('H').then_some("(standard input)"), &text);
        let state = map! {
            "number" => p.number,
            "found" => p.found,
            "after" => p.after,
            "before" => p.before.clone(),
            "printed" => p.printed,
        };
        io.checkpoint(state.into());
    }
    total(io, o, &p, o.has('H').then_some("(standard input)"), "(standard input)");
    Ok(i32::from(p.found == 0))
}

fn total(io: &mut Io<'_>, o: &Options, p: &Progress, name: Option<&str>, file: &str) {
    if o.has('q') {
    } else if o.has('l') || o.has('L') {
        if (p.found > 0) == o.has('l') {
            io.outln(file);
        }
    } else if o.has('c') {
        io.outln(format!("{}{}", name.map_or(String::new(), |n| format!("{n}:")), p.found));
    }
}

fn files(io: &mut Io<'_>, grep: &Grep, o: &Options, named: bool) -> Flow<i32> {
    let (mut found, mut failed) = (false, false);
    for file in &o.rest {
        let text = match if file == "-" { Ok(io.read_all()?) } else { io.read_file(file)? } {
            Ok(text) => text,
            Err(why) => {
                if !o.has('s') {
                    io.errln(format!("grep: {file}: {why}"));
                }
                failed |= why != "Is a directory";
                continue;
            }
        };
        let mut p = Progress::default();
        let name = named.then_some(file.as_str());
        for text in text.lines() {
            line(io, grep, o, &mut p, name, text);
            if enough(o, &p) {
                break;
            }
        }
        total(io, o, &p, name, file);
        found |= p.found > 0;
    }
    Ok(if failed && !(found && o.has('q')) { 2 } else { i32::from(!found) })
}
