//! `kill`, `pkill`, `killall`, `pgrep`.

use super::row;
use crate::api::Value;
use crate::base::Str;
use crate::machine::commands::regex::Regex;
use crate::machine::program::{Command, Flow, Io};

pub static KILL: Command = row("kill", ["send a signal to processes", "프로세스에 시그널을 보냅니다"], kill);
pub static PKILL: Command = row("pkill", ["send a signal by name", "이름으로 시그널을 보냅니다"], pkill);
pub static PGREP: Command = row("pgrep", ["find processes by name", "이름으로 프로세스를 찾습니다"], pkill);
pub static KILLALL: Command =
    row("killall", ["send a signal by exact name", "같은 이름의 프로세스에 시그널을 보냅니다"], killall);

/// Name of the program in a command line.
pub(super) fn name(command: &str) -> &str {
    let program = command.split(' ').next().unwrap_or("");
    program.rsplit('/').next().unwrap_or(program).trim_end_matches(':')
}

/// `-9`, `-KILL`, `-SIGKILL`
fn signal(text: &str) -> Option<i32> {
    let names = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("KILL", 9),
        ("USR1", 10),
        ("USR2", 12),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
        ("CONT", 18),
        ("STOP", 19),
    ];
    let plain = text.strip_prefix("SIG").unwrap_or(text);
    let by_name = names.iter().find(|(n, _)| n.eq_ignore_ascii_case(plain)).map(|(_, n)| *n);
    by_name.or_else(|| text.parse().ok().filter(|n| (0..=64).contains(n)))
}

/// Takes the signal out of the arguments: `-9`, `-s KILL`.
fn take_signal(io: &mut Io<'_>, args: &[Str]) -> Flow<(i32, Vec<Str>)> {
    let (mut wanted, mut rest, mut at) = (15, Vec::new(), 1);
    while let Some(word) = args.get(at) {
        at += 1;
        let text = match word.strip_prefix('-') {
            Some("s" | "n" | "-signal") => {
                at += 1;
                args.get(at - 1).cloned().unwrap_or_default()
            }
            Some(text) if signal(text).is_some() => text.into(),
            _ => {
                rest.push(word.clone());
                continue;
            }
        };
        match signal(&text) {
            Some(n) => wanted = n,
            None => return io.fail(1, format!("{}: {text}: invalid signal specification", args[0])),
        }
    }
    Ok((wanted, rest))
}

fn send(io: &mut Io<'_>, pid: i64, signal: i32) -> Flow<bool> {
    let sent = io.call("kill", map! { "pid" => pid, "signal" => signal }.into())?;
    Ok(sent.as_bool().unwrap_or(false))
}

fn kill(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if let [_, flag, number] = args
        && flag == "-l"
    {
        let wanted = number.parse::<i32>().unwrap_or(0) & 0x7f;
        let name = ["HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "PIPE", "ALRM", "TERM", "CONT", "STOP"];
        let found = name.into_iter().find(|n| signal(n) == Some(wanted));
        return match found {
            Some(name) => {
                io.outln(name);
                Ok(0)
            }
            None => io.fail(1, format!("kill: {number}: invalid signal specification")),
        };
    }
    if args.get(1).is_some_and(|a| a == "-l") {
        io.outln(" 1) SIGHUP\t 2) SIGINT\t 3) SIGQUIT\t 9) SIGKILL\t15) SIGTERM");
        return Ok(0);
    }
    let (signal, pids) = take_signal(io, args)?;
    if pids.is_empty() {
        return io
            .fail(2, "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]");
    }
    let mut code = 0;
    for text in pids {
        let why = match text.parse::<i64>() {
            Err(_) if text.starts_with('%') => format!("{text}: no such job"),
            Err(_) => format!("{text}: arguments must be process or job IDs"),
            Ok(pid) if send(io, pid, signal)? => continue,
            Ok(pid) => format!("({pid}) - No such process"),
        };
        io.errln(format!("-bash: kill: {why}"));
        code = 1;
    }
    Ok(code)
}

fn pkill(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let only_find = args[0] == "pgrep";
    let (signal, rest) = take_signal(io, args)?;
    let (mut whole, mut exact, mut list, mut pattern) = (false, false, false, None);
    for word in &rest {
        match word.strip_prefix('-') {
            Some(letters) => {
                for letter in letters.chars() {
                    match letter {
                        'f' => whole = true,
                        'x' => exact = true,
                        'l' | 'a' => list = true,
                        _ => {
                            io.errln(format!("{}: invalid option -- '{letter}'", args[0]));
                            return io.fail(2, format!("Try `{} --help' for more information.", args[0]));
                        }
                    }
                }
            }
            None => pattern = Some(word.clone()),
        }
    }
    let Some(pattern) = pattern else {
        return io
            .fail(2, format!("{0}: no matching criteria specified\nTry `{0} --help' for more information.", args[0]));
    };
    let Ok(regex) = Regex::extended(&pattern, false) else {
        return io.fail(2, format!("{}: invalid regular expression", args[0]));
    };
    let me = super::int(&io.call("machine", Value::Null)?, "pid");
    let processes = io.call("processes", Value::Null)?;
    let mut found = false;
    for p in processes.items() {
        let text = if whole { p.str("command") } else { name(p.str("command")) };
        let pid = super::int(p, "pid");
        let hit = regex.find(text, 0).is_some_and(|m| !exact || (m.start == 0 && m.end == text.len()));
        if pid == me || !hit {
            continue;
        }
        found = true;
        if only_find {
            io.outln(if list { format!("{pid} {}", p.str("command")) } else { pid.to_string() });
        } else {
            send(io, pid, signal)?;
        }
    }
    Ok(i32::from(!found))
}

fn killall(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let (signal, names) = take_signal(io, args)?;
    if names.is_empty() {
        return io.fail(1, "Usage: killall [OPTION]... [--] NAME...");
    }
    let processes = io.call("processes", Value::Null)?;
    let mut code = 0;
    for wanted in &names {
        let mut found = false;
        for p in processes.items().iter().filter(|p| name(p.str("command")) == wanted.as_str()) {
            found |= send(io, super::int(p, "pid"), signal)?;
        }
        if !found {
            io.errln(format!("{wanted}: no process found"));
            code = 1;
        }
    }
    Ok(code)
}
