//! Options as GNU's getopt reads them: bundled letters, `--long`, `--long=value`, anywhere among the
//! operands until `--`. What is unknown is refused in getopt's words.

use crate::base::Str;
use crate::machine::program::{Flow, Io};

/// Options found, in order, and the operands.
#[derive(Debug, Default)]
pub struct Options {
    found: Vec<(char, Str)>,
    pub rest: Vec<Str>,
}

impl Options {
    pub fn has(&self, letter: char) -> bool {
        self.found.iter().any(|(c, _)| *c == letter)
    }
    /// The last value given.
    pub fn value(&self, letter: char) -> Option<&Str> {
        self.found.iter().rev().find(|(c, _)| *c == letter).map(|(_, v)| v)
    }
    pub fn values(&self, letter: char) -> impl Iterator<Item = &Str> {
        self.found.iter().filter(move |(c, _)| *c == letter).map(|(_, v)| v)
    }
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (char, &Str)> {
        self.found.iter().map(|(c, v)| (*c, v))
    }
}

/// What a command accepts.
pub struct Spec {
    /// Letters; a colon after one: it takes a value.
    pub short: &'static str,
    /// Long names and the letter each stands for (which decides about a value).
    pub long: &'static [(&'static str, char)],
    /// Operands end the options (`env`, `xargs`, `watch`).
    pub in_order: bool,
    /// Exit code when refused.
    pub code: i32,
}

impl Spec {
    pub const fn new(short: &'static str, long: &'static [(&'static str, char)], code: i32) -> Spec {
        Spec { short, long, in_order: false, code }
    }
    fn takes_value(&self, letter: char) -> Option<bool> {
        let at = self.short.find(letter).filter(|_| letter != ':')?;
        Some(self.short[at + letter.len_utf8()..].starts_with(':'))
    }
}

/// Reads `args[1..]`; prints why and ends the command where an option is unknown.
pub fn parse(io: &mut Io<'_>, args: &[Str], spec: &Spec) -> Flow<Options> {
    match read(args, spec) {
        Ok(options) => Ok(options),
        Err(message) => {
            let name = &args[0];
            io.errln(format!("{name}: {message}"));
            io.errln(format!("Try '{name} --help' for more information."));
            io.fail_quietly(spec.code)
        }
    }
}

/// The same without a terminal: `Err` is getopt's message.
pub fn read(args: &[Str], spec: &Spec) -> Result<Options, String> {
    let mut out = Options::default();
    let mut words = args[1..].iter();
    while let Some(word) = words.next() {
        if word == "--" {
            out.rest.extend(words.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(Str::from(value))),
                None => (long, None),
            };
            let exact = spec.long.iter().find(|(n, _)| *n == name);
            let mut starts = spec.long.iter().filter(|(n, _)| n.starts_with(name));
            let found = exact.or_else(|| starts.next().filter(|_| starts.next().is_none()));
            let Some((name, letter)) = found else { return Err(format!("unrecognized option '--{name}'")) };
            let value = match (spec.takes_value(*letter).unwrap_or(false), value) {
                (true, None) => words.next().cloned().ok_or(format!("option '--{name}' requires an argument"))?,
                (false, Some(_)) if !optional(*letter, spec) => {
                    return Err(format!("option '--{name}' doesn't allow an argument"));
                }
                (_, value) => value.unwrap_or_default(),
            };
            out.found.push((*letter, value));
        } else if word.len() > 1 && word.starts_with('-') {
            letters(&word[1..], spec, &mut words, &mut out)?;
        } else {
            out.rest.push(word.clone());
            if spec.in_order {
                out.rest.extend(words.cloned());
                break;
            }
        }
    }
    Ok(out)
}

/// Letters that only long names stand for may carry a value or not: `--color[=WHEN]`.
fn optional(letter: char, spec: &Spec) -> bool {
    letter.is_ascii_uppercase() && spec.takes_value(letter).is_none()
}

fn letters<'a>(
    text: &str,
    spec: &Spec,
    words: &mut impl Iterator<Item = &'a Str>,
    out: &mut Options,
) -> Result<(), String> {
    for (i, letter) in text.char_indices() {
        match spec.takes_value(letter) {
            None => return Err(format!("invalid option -- '{letter}'")),
            Some(false) => out.found.push((letter, Str::new())),
            Some(true) => {
                let after = &text[i + letter.len_utf8()..];
                let value = if after.is_empty() { words.next().cloned() } else { Some(after.into()) };
                let value = value.ok_or(format!("option requires an argument -- '{letter}'"))?;
                out.found.push((letter, value));
                return Ok(());
            }
        }
    }
    Ok(())
}
