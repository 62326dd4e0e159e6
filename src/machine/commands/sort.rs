//! `sort` and `uniq`.

use std::cmp::Ordering;

use super::options::{Options, Spec, parse};
use super::{inputs, row};
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::program::{Command, Flow, Io};

pub static SORT: Command = row("sort", ["sort lines", "줄을 정렬합니다"], sort);
pub static UNIQ: Command = row("uniq", ["drop repeated lines", "반복되는 줄을 줄입니다"], uniq);

const SPEC: Spec = Spec::new(
    "rnuk:t:fbhVo:csd",
    &[
        ("reverse", 'r'),
        ("numeric-sort", 'n'),
        ("unique", 'u'),
        ("key", 'k'),
        ("field-separator", 't'),
        ("ignore-case", 'f'),
        ("human-numeric-sort", 'h'),
        ("version-sort", 'V'),
        ("output", 'o'),
        ("stable", 's'),
    ],
    2,
);

/// `-k 2,3nr`: fields from and to, and letters of its own.
struct Key {
    from: usize,
    to: usize,
    flags: String,
}

fn sort(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let mut keys = Vec::new();
    for text in o.values('k') {
        match key(text) {
            Some(key) => keys.push(key),
            None => {
                return io.fail(2, format!("sort: invalid number at field start: invalid count at start of '{text}'"));
            }
        }
    }
    let mut code = 0;
    let mut texts = Vec::new();
    if o.rest.is_empty() {
        texts.push(io.read_all()?);
    }
    for file in &o.rest {
        match if file == "-" { Ok(io.read_all()?) } else { io.read_file(file)? } {
            Ok(text) => texts.push(text),
            Err(why) => {
                io.errln(format!("sort: cannot read: {file}: {why}"));
                code = 2;
            }
        }
    }
    let mut lines: Vec<&str> = texts.iter().flat_map(|t| t.lines()).collect();
    let compare = |a: &&str, b: &&str| compare(&o, &keys, a, b);
    lines.arrange_by(compare);
    if o.has('u') {
        lines.dedup_by(|a, b| by_keys(&o, &keys, a, b) == Ordering::Equal);
    }
    let out: String = lines.iter().map(|l| format!("{l}\n")).collect();
    match o.value('o') {
        Some(file) => drop(io.write_file(file, out)?),
        None => io.out(out),
    }
    Ok(code)
}

fn key(text: &str) -> Option<Key> {
    let (from, to) = text.split_once(',').unwrap_or((text, ""));
    let number = |t: &str| t.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok();
    let flags = text.chars().filter(char::is_ascii_alphabetic).collect();
    let to = if to.is_empty() { usize::MAX } else { number(to)? };
    Some(Key { from: number(from).filter(|n| *n > 0)?, to, flags })
}

fn field(line: &str, key: &Key, separator: Option<&Str>) -> String {
    let parts: Vec<&str> = match separator {
        Some(s) => line.split(s.as_str()).collect(),
        None => line.split_whitespace().collect(),
    };
    let to = key.to.min(parts.len());
    if key.from > to { String::new() } else { parts[key.from - 1..to].join(separator.map_or(" ", Str::as_str)) }
}

fn by_keys(o: &Options, keys: &[Key], a: &str, b: &str) -> Ordering {
    if keys.is_empty() {
        let flags: String = "rnfhV".chars().filter(|c| o.has(*c)).collect();
        return one(&flags, a, b);
    }
    let global: String = "rnfhV".chars().filter(|c| o.has(*c)).collect();
    let orders = keys.iter().map(|key| {
        let flags = if key.flags.is_empty() { &global } else { &key.flags };
        one(flags, &field(a, key, o.value('t')), &field(b, key, o.value('t')))
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

fn compare(o: &Options, keys: &[Key], a: &str, b: &str) -> Ordering {
    let last = if o.has('r') { locale(b, a) } else { locale(a, b) };
    by_keys(o, keys, a, b).then(if o.has('s') || o.has('u') { Ordering::Equal } else { last })
}

fn one(flags: &str, a: &str, b: &str) -> Ordering {
    let order = if flags.contains('n') {
        number(a).cmp(&number(b))
    } else if flags.contains('h') {
        human(a).cmp(&human(b))
    } else if flags.contains('V') {
        version(a).cmp(&version(b))
    } else if flags.contains('f') {
        a.to_lowercase().cmp(&b.to_lowercase())
    } else {
        locale(a, b)
    };
    if flags.contains('r') { order.reverse() } else { order }
}

/// As en_US.UTF-8 sorts: letters and digits first, case last.
fn locale(a: &str, b: &str) -> Ordering {
    let letters = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let case = |t: &str| {
        t.chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect::<String>()
    };
    letters(a).cmp(&letters(b)).then_with(|| case(a).cmp(&case(b)))
}

/// A leading number in thousandths, so that fractions count without floating point.
fn number(text: &str) -> i128 {
    let text = text.trim_start();
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (whole, fraction) = text[..end].split_once('.').unwrap_or((&text[..end], ""));
    let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
    let value = whole.parse::<i128>().unwrap_or(0) * 1000 + thousandths.parse::<i128>().unwrap_or(0);
    sign * value
}

fn human(text: &str) -> i128 {
    let unit = text.trim().chars().find(|c| c.is_ascii_alphabetic()).map_or(' ', |c| c.to_ascii_uppercase());
    let power = " KMGTPE".find(unit).unwrap_or(0) as u32;
    number(text) * 1024i128.pow(power)
}

/// Digits as numbers, everything else as text.
fn version(text: &str) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(word_end);
        let number_end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        out.push((word.to_owned(), after[..number_end].parse().unwrap_or(0)));
        rest = &after[number_end..];
    }
    out
}

const UNIQ_SPEC: Spec =
    Spec::new("cdui", &[("count", 'c'), ("repeated", 'd'), ("unique", 'u'), ("ignore-case", 'i')], 1);

fn uniq(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &UNIQ_SPEC)?;
    let mut code = 0;
    let texts = inputs(io, "uniq", &o.rest[..o.rest.len().min(1)], &mut code)?;
    let mut groups: Vec<(usize, &str)> = Vec::new();
    for line in texts.iter().flat_map(|(_, t)| t.lines()) {
        let same = |last: &str| last == line || (o.has('i') && last.to_lowercase() == line.to_lowercase());
        match groups.last_mut() {
            Some((count, last)) if same(last) => *count += 1,
            _ => groups.push((1, line)),
        }
    }
    for (count, line) in groups {
        if (o.has('d') && count == 1) || (o.has('u') && count > 1) {
            continue;
        }
        io.outln(if o.has('c') { format!("{count:7} {line}") } else { line.to_owned() });
    }
    Ok(code)
}
