//! `date`: the simulated wall clock, in UTC.

use super::row;
use crate::base::{Duration, Str, Time, time::MONTHS};
use crate::machine::program::{Command, Flow, Io};

pub static DATE: Command = row("date", ["print the time", "현재 시각을 보여 줍니다"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut at = io.now()?;
    let mut format = Str::from("%a %b %e %H:%M:%S UTC %Y");
    let mut words = args[1..].iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-u" | "--utc" => {}
            "-R" => format = "%a, %d %b %Y %H:%M:%S +0000".into(),
            "-Iseconds" | "--iso-8601=seconds" => format = "%Y-%m-%dT%H:%M:%S+0000".into(),
            "-I" => format = "%F".into(),
            "-d" | "--date" => {
                let text = words.next().cloned().unwrap_or_default();
                match when(&text, at) {
                    Some(time) => at = time,
                    None => return io.fail(1, format!("date: invalid date '{text}'")),
                }
            }
            word if word.starts_with('+') => format = word[1..].into(),
            word if word.starts_with('-') => {
                io.errln(format!("date: invalid option -- '{}'", word.trim_start_matches('-')));
                return io.fail(1, "Try 'date --help' for more information.");
            }
            word => return io.fail(1, format!("date: invalid date '{word}'")),
        }
    }
    io.outln(formatted(at, &format));
    Ok(0)
}

fn when(text: &str, now: Time) -> Option<Time> {
    if text == "now" {
        return Some(now);
    }
    if let Some(unix) = text.strip_prefix('@') {
        let seconds: u64 = unix.parse().ok()?;
        return Some(Time(seconds.checked_sub(crate::base::time::EPOCH_UNIX_S)?.checked_mul(1_000_000)?));
    }
    if let Some((count, rest)) = text.split_once(' ')
        && let Ok(n) = count.parse::<i64>()
    {
        let unit = match rest.trim_end_matches(" ago").trim_end_matches('s') {
            "second" | "sec" => 1,
            "minute" | "min" => 60,
            "hour" => 3600,
            "day" => 86_400,
            _ => return None,
        };
        let span = Duration::secs(n.unsigned_abs().checked_mul(unit)?);
        return Some(if rest.ends_with(" ago") || n < 0 { now - span } else { now + span });
    }
    Time::parse_rfc3339(&text.replace(' ', "T"))
}

fn formatted(at: Time, format: &str) -> String {
    let (y, mo, d, h, mi, s) = at.civil();
    let month = MONTHS[mo as usize - 1];
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        out += &match chars.next() {
            Some('Y') => y.to_string(),
            Some('y') => format!("{:02}", y % 100),
            Some('m') => format!("{mo:02}"),
            Some('d') => format!("{d:02}"),
            Some('e') => format!("{d:2}"),
            Some('H') => format!("{h:02}"),
            Some('M') => format!("{mi:02}"),
            Some('S') => format!("{s:02}"),
            Some('F') => format!("{y}-{mo:02}-{d:02}"),
            Some('T') => format!("{h:02}:{mi:02}:{s:02}"),
            Some('R') => format!("{h:02}:{mi:02}"),
            Some('a') => at.weekday().to_owned(),
            Some('b' | 'h') => month.to_owned(),
            Some('s') => at.unix_s().to_string(),
            Some('N') => format!("{:09}", at.0 % 1_000_000 * 1000),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('n') => "\n".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{other}"),
            None => "%".to_owned(),
        };
    }
    out
}
