//! Command-line flags as pflag reads them: kinds, parsing, and its words for what is wrong.
//! Models spf13/pflag.

use std::collections::BTreeMap;

use crate::base::{Duration, Str};
use crate::sim::Profile;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagKind {
    Bool,
    Text,
    Int,
    Time,
    /// Comma-separated, may be repeated.
    List,
    /// Each occurrence is one value.
    Array,
}

/// One flag of a command.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub name: &'static str,
    /// One letter, or empty.
    pub short: &'static str,
    pub kind: FlagKind,
    pub default: &'static str,
    /// The value that `--flag` alone stands for.
    pub bare: Option<&'static str>,
    /// The only profile whose kubectl has it.
    pub only: Option<Profile>,
    /// What is printed after `Flag --x has been deprecated, `.
    pub deprecated: Option<&'static str>,
}

const fn flag(name: &'static str, short: &'static str, kind: FlagKind, default: &'static str) -> Flag {
    Flag { name, short, kind, default, bare: None, only: None, deprecated: None }
}
pub const fn yes(name: &'static str, short: &'static str) -> Flag {
    Flag { bare: Some("true"), ..flag(name, short, FlagKind::Bool, "false") }
}
/// A boolean that is on unless it is turned off.
pub const fn on(name: &'static str, short: &'static str) -> Flag {
    Flag { bare: Some("true"), ..flag(name, short, FlagKind::Bool, "true") }
}
pub const fn text(name: &'static str, short: &'static str, default: &'static str) -> Flag {
    flag(name, short, FlagKind::Text, default)
}
pub const fn int(name: &'static str, short: &'static str, default: &'static str) -> Flag {
    flag(name, short, FlagKind::Int, default)
}
pub const fn time(name: &'static str, default: &'static str) -> Flag {
    flag(name, "", FlagKind::Time, default)
}
pub const fn list(name: &'static str, short: &'static str) -> Flag {
    flag(name, short, FlagKind::List, "")
}
pub const fn array(name: &'static str, short: &'static str) -> Flag {
    flag(name, short, FlagKind::Array, "")
}
impl Flag {
    pub const fn bare(self, value: &'static str) -> Flag {
        Flag { bare: Some(value), ..self }
    }
    pub const fn only(self, profile: Profile) -> Flag {
        Flag { only: Some(profile), ..self }
    }
    pub const fn deprecated(self, why: &'static str) -> Flag {
        Flag { deprecated: Some(why), ..self }
    }
    /// `-r, --replicas` as pflag names it in errors.
    fn title(&self) -> String {
        if self.short.is_empty() { format!("--{}", self.name) } else { format!("-{}, --{}", self.short, self.name) }
    }
    fn check(&self, value: &str) -> Result<(), String> {
        let why = match self.kind {
            FlagKind::Bool if parse_bool(value).is_none() => {
                format!("strconv.ParseBool: parsing {}: invalid syntax", quote(value))
            }
            FlagKind::Int => match parse_int(value) {
                Ok(_) => return Ok(()),
                Err(why) => format!("strconv.ParseInt: parsing {}: {why}", quote(value)),
            },
            FlagKind::Time => match parse_duration(value) {
                Ok(_) => return Ok(()),
                Err(why) => why,
            },
            _ => return Ok(()),
        };
        Err(format!("invalid argument {} for {} flag: {why}", quote(value), quote(&self.title())))
    }
}

/// The flags that were given and the defaults of the others.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    given: BTreeMap<&'static str, Vec<Str>>,
    defaults: BTreeMap<&'static str, &'static str>,
    /// Flags of the command itself that hide a global one of the same name.
    hiding: Vec<&'static str>,
    /// As given, for `--record`.
    order: Vec<(&'static str, Str)>,
}

impl Flags {
    /// Whether the command line set it.
    pub fn changed(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }
    /// The value of a global flag, unless the command has its own of that name
    /// (`create rolebinding --user`).
    pub fn global(&self, name: &str) -> &str {
        if self.hiding.contains(&name) { "" } else { self.text(name) }
    }
    pub fn has(&self, name: &str) -> bool {
        self.defaults.contains_key(name)
    }
    /// Names and values in the order of the command line.
    pub fn given(&self) -> &[(&'static str, Str)] {
        &self.order
    }
    /// The last value given, or the default.
    pub fn text(&self, name: &str) -> &str {
        let given = self.given.get(name).and_then(|v| v.last()).map(Str::as_str);
        given.or_else(|| self.defaults.get(name).copied()).unwrap_or("")
    }
    pub fn yes(&self, name: &str) -> bool {
        parse_bool(self.text(name)).unwrap_or(false)
    }
    pub fn int(&self, name: &str) -> i64 {
        parse_int(self.text(name)).unwrap_or(0)
    }
    /// Microseconds; negative stays negative.
    pub fn micros(&self, name: &str) -> i64 {
        parse_duration(self.text(name)).unwrap_or(0)
    }
    pub fn time(&self, name: &str) -> Duration {
        Duration(self.micros(name).max(0).unsigned_abs())
    }
    /// Every value given.
    pub fn all(&self, name: &str) -> &[Str] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }
    pub fn set(&mut self, name: &'static str, value: impl Into<Str>) {
        self.given.entry(name).or_default().push(value.into());
    }
}

/// What parsing gave.
pub struct Parsed {
    pub flags: Flags,
    pub args: Vec<Str>,
    /// Number of arguments before `--`.
    pub dash: Option<usize>,
    pub help: bool,
    /// What to print to standard error before running.
    pub notes: Vec<String>,
}

/// Reads `words` (without the command's own name) against the flags a command knows.
pub fn parse(known: &[Flag], words: &[Str], interspersed: bool) -> Result<Parsed, String> {
    let defaults = known.iter().map(|f| (f.name, f.default)).collect();
    let hiding = known.iter().enumerate().filter(|(i, f)| known[i + 1..].iter().any(|g| g.name == f.name));
    let hiding = hiding.map(|(_, f)| f.name).collect();
    let flags = Flags { given: BTreeMap::new(), defaults, hiding, order: Vec::new() };
    let mut out = Parsed { flags, args: Vec::new(), dash: None, help: false, notes: Vec::new() };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            out.dash = Some(out.args.len());
            out.args.extend(rest.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            long_flag(known, word, long, &mut rest, &mut out)?;
        } else if word.len() > 1 && word.starts_with('-') {
            short_flags(known, &word[1..], &mut rest, &mut out)?;
        } else {
            out.args.push(word.clone());
            if !interspersed {
                out.args.extend(rest.cloned());
                break;
            }
        }
    }
    Ok(out)
}

fn long_flag(
    known: &[Flag],
    word: &str,
    long: &str,
    rest: &mut std::slice::Iter<'_, Str>,
    out: &mut Parsed,
) -> Result<(), String> {
    let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v)));
    if name.is_empty() || name.starts_with('-') {
        return Err(format!("bad flag syntax: {word}"));
    }
    let Some(flag) = known.iter().find(|f| f.name == name) else {
        if name == "help" {
            out.help = true;
            return Ok(());
        }
        return Err(format!("unknown flag: --{name}"));
    };
    let value = match (value, flag.bare) {
        (Some(value), _) => value.into(),
        (None, Some(bare)) => bare.into(),
        (None, None) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
    };
    set(flag, value, out)
}

fn short_flags(
    known: &[Flag],
    letters: &str,
    rest: &mut std::slice::Iter<'_, Str>,
    out: &mut Parsed,
) -> Result<(), String> {
    let mut left = letters;
    while let Some(c) = left.chars().next() {
        let after = &left[c.len_utf8()..];
        let Some(flag) = known.iter().find(|f| f.short.starts_with(c)) else {
            if c == 'h' {
                out.help = true;
                return Ok(());
            }
            return Err(format!("unknown shorthand flag: '{c}' in -{letters}"));
        };
        if let Some(value) = after.strip_prefix('=') {
            return set(flag, value.into(), out);
        }
        match flag.bare {
            Some(bare) => set(flag, bare.into(), out)?,
            None if !after.is_empty() => return set(flag, after.into(), out),
            None => {
                let value = rest.next().cloned();
                return set(flag, value.ok_or_else(|| format!("flag needs an argument: '{c}' in -{letters}"))?, out);
            }
        }
        left = after;
    }
    Ok(())
}

fn set(flag: &Flag, value: Str, out: &mut Parsed) -> Result<(), String> {
    flag.check(&value)?;
    if let Some(why) = flag.deprecated {
        out.notes.push(format!("Flag --{} has been deprecated, {why}", flag.name));
    }
    out.flags.order.push((flag.name, value.clone()));
    let values = out.flags.given.entry(flag.name).or_default();
    match flag.kind {
        FlagKind::List => values.extend(value.split(',').filter(|v| !v.is_empty()).map(Str::from)),
        FlagKind::Array => values.push(value),
        _ => *values = vec![value],
    }
    Ok(())
}

pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Go's `strconv.ParseInt` with base 0, far enough.
fn parse_int(text: &str) -> Result<i64, &'static str> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, body) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        _ => (10, digits),
    };
    if body.is_empty() || !body.chars().all(|c| c.is_digit(radix)) {
        return Err("invalid syntax");
    }
    let signed = if text.starts_with('-') { format!("-{body}") } else { body.to_owned() };
    i64::from_str_radix(&signed, radix).map_err(|_| "value out of range")
}

/// Go's `time.ParseDuration`, in microseconds.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let bad = || format!("time: invalid duration {}", quote(text));
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if body == "0" {
        return Ok(0);
    }
    let (mut left, mut total) = (body, 0_i64);
    if left.is_empty() {
        return Err(bad());
    }
    while !left.is_empty() {
        let end = left.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(left.len());
        let (number, after) = left.split_at(end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        if number.is_empty() || number == "." {
            return Err(bad());
        }
        let scale: i64 = match unit {
            "" => return Err(format!("time: missing unit in duration {}", quote(text))),
            "ns" => 0,
            "us" | "µs" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            _ => return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text))),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| bad())? };
        let mut part = scale;
        total = total.checked_add(whole.checked_mul(scale).ok_or_else(bad)?).ok_or_else(bad)?;
        for digit in fraction.bytes() {
            part /= 10;
            total += i64::from(digit - b'0') * part;
        }
        left = next;
    }
    Ok(if text.starts_with('-') { -total } else { total })
}

/// Go's `%q` for the usual text.
pub fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            '\r' => out += "\\r",
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out += &format!("\\x{:02x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, want: &str) {
        let known = [yes("watch", "w"), text("output", "o", ""), int("replicas", "r", "1"), array("filename", "f")];
        let words: Vec<Str> = words.split(' ').filter(|w| !w.is_empty()).map(Str::from).collect();
        let got = match parse(&known, &words, true) {
            Ok(p) => format!(
                "{:?} w={} o={} r={}",
                p.args,
                p.flags.yes("watch"),
                p.flags.text("output"),
                p.flags.int("replicas")
            ),
            Err(e) => e,
        };
        assert_eq!(got, want, "{words:?}");
    }

    #[test]
    fn words_of_pflag() {
        check("pods -wo wide", r#"["pods"] w=true o=wide r=1"#);
        check("pods -ojson --replicas=3 --watch=false", r#"["pods"] w=false o=json r=3"#);
        check("pods -z", "unknown shorthand flag: 'z' in -z");
        check("pods --nope=1", "unknown flag: --nope");
        check("pods -o", "flag needs an argument: 'o' in -o");
        check("--output", "flag needs an argument: --output");
        check(
            "-r abc",
            r#"invalid argument "abc" for "-r, --replicas" flag: strconv.ParseInt: parsing "abc": invalid syntax"#,
        );
        check(
            "--watch=warn",
            r#"invalid argument "warn" for "-w, --watch" flag: strconv.ParseBool: parsing "warn": invalid syntax"#,
        );
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("1m30s"), Ok(90_000_000));
        assert_eq!(parse_duration("1.5s"), Ok(1_500_000));
        assert_eq!(parse_duration("5"), Err("time: missing unit in duration \"5\"".into()));
        assert_eq!(parse_duration("x"), Err("time: invalid duration \"x\"".into()));
    }
}
