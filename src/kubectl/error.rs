//! What goes wrong in kubectl, and the words it says it in.
//! Models kubectl/pkg/cmd/util helpers.go (`CheckErr`, `StandardErrorMessage`).

use crate::api::{Reason, Status};
use crate::base::Str;
use crate::machine::program::Stop;
use crate::sim::NetError;

#[derive(Clone, PartialEq, Debug)]
pub enum Error {
    /// Printed after `error: `.
    Text(String),
    /// Printed as it is.
    Raw(String),
    /// The API server refused.
    Status(Box<Status>),
    /// The API server was not reached: why, and where it was looked for.
    Net(NetError, Str),
    /// Several at once, each on its own line.
    Many(Vec<Error>),
    /// Everything has been said.
    Exit(i32),
}

/// Why a verb ends early.
#[derive(Clone, PartialEq, Debug)]
pub enum Fail {
    Stop(Stop),
    Error(Error),
}

pub type Run<T = ()> = Result<T, Fail>;

impl From<Stop> for Fail {
    fn from(stop: Stop) -> Fail {
        Fail::Stop(stop)
    }
}
impl From<Error> for Fail {
    fn from(error: Error) -> Fail {
        Fail::Error(error)
    }
}
impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::Status(Box::new(status))
    }
}
impl From<Status> for Fail {
    fn from(status: Status) -> Fail {
        Fail::Error(status.into())
    }
}

/// Fails with `error: text`.
pub fn fail<T>(text: impl Into<String>) -> Run<T> {
    Err(Fail::Error(Error::Text(text.into())))
}
/// Fails with exactly these words.
pub fn fail_raw<T>(text: impl Into<String>) -> Run<T> {
    Err(Fail::Error(Error::Raw(text.into())))
}

/// Lets one target fail and goes on with the next: `Ok(None)` after noting the error.
pub fn note<T>(outcome: Run<T>, errors: &mut Vec<Error>) -> Run<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(Fail::Error(error)) => {
            match error {
                Error::Many(all) => errors.extend(all),
                one => errors.push(one),
            }
            Ok(None)
        }
        Err(stop) => Err(stop),
    }
}

/// All errors of a run over several targets as one, without repetitions.
pub fn all(errors: Vec<Error>) -> Run {
    let mut unique: Vec<Error> = Vec::new();
    for e in errors {
        if !unique.contains(&e) {
            unique.push(e);
        }
    }
    match unique.len() {
        0 => Ok(()),
        1 => Err(Fail::Error(unique.remove(0))),
        _ => Err(Fail::Error(Error::Many(unique))),
    }
}

impl Error {
    pub fn is(&self, reason: Reason) -> bool {
        matches!(self, Error::Status(s) if s.reason == reason)
    }
    pub fn not_found(&self) -> bool {
        self.is(Reason::NotFound)
    }

    /// Puts `prefix` before the message, as `AddSourceToErr` and `fmt.Errorf("%v: %w")` do.
    pub fn prefixed(self, prefix: &str) -> Error {
        match self {
            Error::Text(t) => Error::Text(format!("{prefix}{t}")),
            Error::Status(mut s) => {
                s.message = ecow::eco_format!("{prefix}{}", s.message);
                Error::Status(s)
            }
            other => other,
        }
    }

    /// The message inside another sentence: Go's `%v`.
    pub fn plain(&self) -> String {
        match self {
            Error::Text(t) | Error::Raw(t) => t.clone(),
            Error::Status(s) => s.message.to_string(),
            Error::Net(e, host) => net(*e, host),
            Error::Many(all) => {
                let each: Vec<String> = all.iter().map(Error::plain).collect();
                if each.len() == 1 { each[0].clone() } else { format!("[{}]", each.join(", ")) }
            }
            Error::Exit(_) => String::new(),
        }
    }

    /// What is printed to standard error, and the exit code.
    pub fn report(&self, modern: bool) -> (String, i32) {
        match self {
            Error::Exit(code) => (String::new(), *code),
            Error::Text(t) => (if t.starts_with("error: ") { t.clone() } else { format!("error: {t}") }, 1),
            Error::Many(all) => (all.iter().map(|e| e.standard() + "\n").collect(), 1),
            Error::Status(s) if s.reason == Reason::Invalid => (invalid(s, modern), 1),
            other => (other.standard(), 1),
        }
    }

    /// `StandardErrorMessage`, or the bare text where there is none.
    fn standard(&self) -> String {
        match self {
            // The variants are named as the reasons are spelled.
            Error::Status(s) if s.reason == crate::api::Reason::Unauthorized => {
                format!("error: You must be logged in to the server ({})", s.message)
            }
            Error::Status(s) if s.reason == crate::api::Reason::Unknown => format!("Error from server: {}", s.message),
            Error::Status(s) => format!("Error from server ({:?}): {}", s.reason, s.message),
            other => other.plain(),
        }
    }
}

fn net(error: NetError, host: &str) -> String {
    match error {
        NetError::Refused => {
            format!("The connection to the server {host} was refused - did you specify the right host or port?")
        }
        NetError::Timeout => format!("Unable to connect to the server: dial tcp {host}: i/o timeout"),
        NetError::NoRoute => format!("Unable to connect to the server: dial tcp {host}: connect: no route to host"),
        NetError::Reset => "Unable to connect to the server: EOF".to_owned(),
    }
}

/// `The Deployment "web" is invalid: …`
fn invalid(s: &Status, modern: bool) -> String {
    let head = match &s.details {
        Some((kind, name)) if !kind.is_empty() || !name.is_empty() => {
            format!("The {kind} {} is invalid", super::flags::quote(name))
        }
        // Without details 1.20 has nothing more to say.
        _ if !s.message.is_empty() && s.causes.is_empty() && modern => {
            return format!("The request is invalid: {}", s.message);
        }
        _ => "The request is invalid".to_owned(),
    };
    let mut causes: Vec<String> = Vec::new();
    for (_, message, field) in &s.causes {
        let line = if field.is_empty() { message.to_string() } else { format!("{field}: {message}") };
        if !causes.contains(&line) {
            causes.push(line);
        }
    }
    match &causes[..] {
        [] => head,
        [one] => format!("{head}: {one}"),
        many => format!("{head}: \n{}", many.iter().map(|c| format!("* {c}\n")).collect::<String>()),
    }
}
