//! Session files: one command a line, `@machine` and `!directives` between them. This module reads
//! them; `play` runs them.

use std::fmt;

use super::format::MASTER;
use super::span;
use crate::base::Duration;

/// One line that does something.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Counted from 1.
    pub number: u32,
    pub action: Action,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// A line typed at a machine by root; `quiet`: left out of the report.
    Run { machine: Place, command: String, quiet: bool },
    /// `!type TEXT`: typed at the keyboard, also to what runs there.
    Type { machine: Place, text: String },
    /// `!keys TEXT`: keys for a program that reads them one by one, special ones as `<Esc>`.
    Keys { machine: Place, text: String },
    /// `!wait 40s`
    Wait(Duration),
    /// `!until 60s COMMAND [=> TEXT]`
    Until { within: Duration, machine: Place, command: String, text: Option<String> },
    /// `!interrupt`: Ctrl-C where a command still runs, or at the named machine.
    Interrupt { machine: Option<Place> },
    /// `!fault TEXT`
    Fault(String),
}

/// Where a line is typed.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    Machine(String),
    /// `@$(COMMAND)`: the machine that COMMAND prints on m-k8s.
    Asked(String),
}

impl Place {
    pub fn master() -> Place {
        Place::Machine(MASTER.into())
    }
    /// As drills spell it: a name, or `$(COMMAND)`.
    pub fn parse(text: &str) -> Place {
        match text.strip_prefix("$(").and_then(|t| t.strip_suffix(')')) {
            Some(command) => Place::Asked(command.into()),
            None => Place::Machine(text.into()),
        }
    }
}

/// What is wrong in a session file, and in which line.
#[derive(Clone, PartialEq, Debug)]
pub struct Error {
    pub line: u32,
    pub message: String,
}

impl fmt::Display for Error {
    /// `12: !wait: expected a time …`, so that a file name can stand before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

impl std::error::Error for Error {}

/// Reads a whole file.
pub fn parse(text: &str) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for (i, raw) in text.lines().enumerate() {
        let number = i as u32 + 1;
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The text of a heredoc keeps its indentation.
        let line = if line.starts_with(['!', '@']) { line } else { raw.trim_end() };
        let action = parse_line(line).map_err(|message| Error { line: number, message })?;
        lines.push(Line { number, action });
    }
    Ok(lines)
}

fn parse_line(line: &str) -> Result<Action, String> {
    let Some(directive) = line.strip_prefix('!') else {
        let (machine, command) = placed(line)?;
        // `@w1-k8s !interrupt` is what one types without thinking.
        if command == "!interrupt" {
            return Ok(Action::Interrupt { machine: Some(machine) });
        }
        return Ok(Action::Run { machine, command: command.into(), quiet: false });
    };
    let (word, rest) = split_word(directive);
    let rest = rest.trim();
    match word {
        "wait" => Ok(Action::Wait(span::parse(rest).map_err(|e| format!("!wait: {e}"))?)),
        "until" => parse_until(rest).map_err(|e| format!("!until: {e}")),
        "quiet" => {
            let (machine, command) = placed(rest).map_err(|e| format!("!quiet: {e}"))?;
            Ok(Action::Run { machine, command: command.into(), quiet: true })
        }
        "type" => {
            let (machine, text) = placed(rest).map_err(|e| format!("!type: {e}"))?;
            Ok(Action::Type { machine, text: text.into() })
        }
        "keys" => {
            let (machine, text) = placed(rest).map_err(|e| format!("!keys: {e}"))?;
            Ok(Action::Keys { machine, text: keys(text).map_err(|e| format!("!keys: {e}"))? })
        }
        "interrupt" if rest.is_empty() => Ok(Action::Interrupt { machine: None }),
        "interrupt" => match rest.strip_prefix('@') {
            Some(machine) => Ok(Action::Interrupt { machine: Some(Place::parse(machine)) }),
            None => Err(format!("!interrupt: takes nothing, or @MACHINE; got `{rest}`")),
        },
        "fault" if !rest.is_empty() => Ok(Action::Fault(rest.into())),
        "fault" => Err("!fault: which fault?".into()),
        _ => {
            Err(format!("unknown directive `!{word}`: one of !wait, !until, !quiet, !type, !keys, !interrupt, !fault"))
        }
    }
}

/// `ihello<Esc>:wq<Enter>` as a terminal sends it; `<lt>` is `<`.
fn keys(text: &str) -> Result<String, String> {
    const NAMES: [(&str, &str); 16] = [
        ("Esc", "\x1b"),
        ("Enter", "\r"),
        ("Tab", "\t"),
        ("Space", " "),
        ("BS", "\x7f"),
        ("Del", "\x1b[3~"),
        ("Up", "\x1b[A"),
        ("Down", "\x1b[B"),
        ("Right", "\x1b[C"),
        ("Left", "\x1b[D"),
        ("Home", "\x1b[H"),
        ("End", "\x1b[F"),
        ("PageUp", "\x1b[5~"),
        ("PageDown", "\x1b[6~"),
        ("lt", "<"),
        ("gt", ">"),
    ];
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        let (name, tail) = after.split_once('>').ok_or("`<` begins the name of a key: write <lt> for it")?;
        out += before;
        match (NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)), name.strip_prefix("C-")) {
            (Some((_, sent)), _) => out += sent,
            (None, Some(c)) if c.len() == 1 && c.as_bytes()[0].is_ascii_alphabetic() => {
                out.push(char::from(c.as_bytes()[0].to_ascii_lowercase() - b'a' + 1));
            }
            _ => return Err(format!("no key is called `{name}`")),
        }
        rest = tail;
    }
    Ok(out + rest)
}

fn parse_until(rest: &str) -> Result<Action, String> {
    let (time, rest) = split_word(rest);
    let within = span::parse(time)?;
    let (machine, command) = placed(rest.trim())?;
    // The last ` => `, so that a command may hold one too.
    let (command, text) = match command.rsplit_once(" => ") {
        Some((command, text)) => (command.trim_end(), Some(text.trim().to_owned())),
        None => (command, None),
    };
    Ok(Action::Until { within, machine, command: command.into(), text })
}

/// Splits `@machine COMMAND`; without `@` it is m-k8s.
fn placed(line: &str) -> Result<(Place, &str), String> {
    let Some(rest) = line.strip_prefix('@') else {
        return if line.is_empty() { Err("a command is missing".into()) } else { Ok((Place::master(), line)) };
    };
    let end = if rest.starts_with("$(") { closing(rest)? } else { split_word(rest).0.len() };
    let (machine, command) = (&rest[..end], rest[end..].trim());
    if machine.is_empty() || command.is_empty() {
        return Err("`@machine COMMAND`: the machine or the command is missing".into());
    }
    Ok((Place::parse(machine), command))
}

/// Byte after the `)` that closes the `$(` at the start.
fn closing(text: &str) -> Result<usize, String> {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return Ok(i + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    Err("`@$(` lacks its `)`".into())
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Action {
        parse_line(line).unwrap_or_else(|e| panic!("{line}: {e}"))
    }
    fn run(machine: Place, command: &str, quiet: bool) -> Action {
        Action::Run { machine, command: command.into(), quiet }
    }

    #[test]
    fn lines() {
        let w1 = || Place::Machine("w1-k8s".into());
        assert_eq!(check("kubectl get pods"), run(Place::master(), "kubectl get pods", false));
        assert_eq!(check("@w1-k8s systemctl stop kubelet"), run(w1(), "systemctl stop kubelet", false));
        assert_eq!(check("!quiet @w1-k8s ls"), run(w1(), "ls", true));
        assert_eq!(check("@$(echo $(echo w1)) ls"), run(Place::Asked("echo $(echo w1)".into()), "ls", false));
        assert_eq!(check("!wait 40s"), Action::Wait(Duration::secs(40)));
        assert_eq!(check("!interrupt"), Action::Interrupt { machine: None });
        assert_eq!(check("@w1-k8s !interrupt"), Action::Interrupt { machine: Some(w1()) });
        assert_eq!(check("!fault power-off w1-k8s"), Action::Fault("power-off w1-k8s".into()));
        let until = |text: Option<&str>| Action::Until {
            within: Duration::secs(60),
            machine: Place::master(),
            command: "kubectl get po".into(),
            text: text.map(Into::into),
        };
        assert_eq!(check("!until 60s kubectl get po"), until(None));
        assert_eq!(check("!until 60s kubectl get po => Running"), until(Some("Running")));
    }

    #[test]
    fn mistakes_name_their_line() {
        let cases = [
            ("a\n!wait", 2),
            ("!until 5 x", 1),
            ("\n\n!wiat 4s", 3),
            ("!quiet", 1),
            ("!fault", 1),
            ("@w1-k8s", 1),
            ("@$(x y", 1),
            ("!interrupt now", 1),
        ];
        assert_eq!(parse("  - a: b  \n").map(|l| l[0].action.clone()), Ok(run(Place::master(), "  - a: b", false)));
        for (text, line) in cases {
            let error = parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text}: {error}");
        }
    }
}
