//! Reading arguments, and failing in a way that tells what to do about it.

use std::fmt::Display;
use std::io::Write;

use kubedrill::sim::Profile;
use lexopt::prelude::*;

/// Why the program ends without having done what was asked.
pub enum Failure {
    /// `--help` was given.
    Help,
    /// The arguments make no sense.
    Usage(String),
    /// They do, but it went wrong.
    Failed(String),
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::Usage(error.to_string())
    }
}

pub fn usage(message: impl Display) -> Failure {
    Failure::Usage(message.to_string())
}

pub fn failed(message: impl Display) -> Failure {
    Failure::Failed(message.to_string())
}

/// The next argument, which must be a word and no option.
pub fn word(parser: &mut lexopt::Parser) -> Result<Option<String>, Failure> {
    match parser.next()? {
        None => Ok(None),
        Some(Long("help") | Short('h')) => Err(Failure::Help),
        Some(Value(value)) => Ok(Some(value.string()?)),
        Some(other) => Err(other.unexpected().into()),
    }
}

/// `book` or `modern`, the value of `--profile`.
pub fn profile(parser: &mut lexopt::Parser) -> Result<Profile, Failure> {
    match parser.value()?.string()?.as_str() {
        "book" => Ok(Profile::Book),
        "modern" => Ok(Profile::Modern),
        other => Err(usage(format!("--profile: expected book or modern, got `{other}`"))),
    }
}

/// A number that is the value of `option`.
pub fn number<T: std::str::FromStr>(parser: &mut lexopt::Parser, option: &str) -> Result<T, Failure> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|_| usage(format!("{option}: expected a number, got `{text}`")))
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(failed(format!("standard output: {e}"))),
        _ => Ok(()),
    }
}
