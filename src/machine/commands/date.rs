//! `date`: the simulated wall clock, in UTC. Models GNU date in the locale en_US.UTF-8.

use super::row;
use crate::api::Value;
use crate::base::{Duration, Str, Time, time};
use crate::machine::program::{Command, Flow, Io};

pub static DATE: Command = row("date", ["print the time", "현재 시각을 보여 줍니다"], run);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let now = io.now()?;
    let mut at = now;
    let mut format: Option<Str> = None;
    let mut words = args[1..].iter();
    while let Some(word) = words.next() {
        let (option, attached) = split(word);
        let mut value = || attached.map(Str::from).or_else(|| words.next().cloned()).unwrap_or_default();
        match option {
            "-u" | "--utc" | "--universal" => {}
            "-R" | "--rfc-email" | "--rfc-2822" => format = Some("%a, %d %b %Y %H:%M:%S %z".into()),
            "-I" | "--iso-8601" => match iso(attached.unwrap_or("date"), "T", "%z") {
                Some(f) => format = Some(f),
                None => return invalid(io, attached.unwrap_or(""), "--iso-8601"),
            },
            "--rfc-3339" => {
                let precision = value();
                match iso(&precision, " ", "%:z").filter(|_| !matches!(precision.as_str(), "hours" | "minutes")) {
                    Some(f) => format = Some(f),
                    None => return invalid(io, &precision, "--rfc-3339"),
                }
            }
            "-d" | "--date" => {
                let text = value();
                match when(&text, now) {
                    Some(time) => at = time,
                    None => return io.fail(1, format!("date: invalid date '{text}'")),
                }
            }
            "-s" | "--set" => return io.fail(1, "date: cannot set date: Operation not permitted"),
            _ if word.starts_with('+') && format.is_none() => format = Some(word[1..].into()),
            _ if word.starts_with('+') => return io.fail(1, "date: multiple output formats specified"),
            _ if word.starts_with("--") => {
                io.errln(format!("date: unrecognized option '{word}'"));
                return io.fail(1, "Try 'date --help' for more information.");
            }
            _ if word.starts_with('-') => {
                io.errln(format!("date: invalid option -- '{}'", word.trim_start_matches('-')));
                return io.fail(1, "Try 'date --help' for more information.");
            }
            word => return io.fail(1, format!("date: invalid date '{word}'")),
        }
    }
    let format = match format {
        Some(format) => format,
        // The locale's way of writing dates changed with glibc 2.29.
        None if io.call("profile", Value::Null)?.as_str() == "modern" => "%a %b %e %r %Z %Y".into(),
        None => "%a %b %e %H:%M:%S %Z %Y".into(),
    };
    io.outln(formatted(at, &format));
    Ok(0)
}

/// `--date=X`, `-dX` and `-Iseconds` as option and value.
fn split(word: &str) -> (&str, Option<&str>) {
    if word.starts_with("--") {
        return word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
    }
    match word.get(..2) {
        Some(option @ ("-d" | "-I" | "-s")) if word.len() > 2 => (option, Some(&word[2..])),
        _ => (word, None),
    }
}

fn invalid(io: &mut Io<'_>, value: &str, option: &str) -> Flow<i32> {
    io.errln(format!("date: invalid argument '{value}' for '{option}'"));
    io.fail(1, "Try 'date --help' for more information.")
}

fn iso(precision: &str, between: &str, zone: &str) -> Option<Str> {
    let clock = match precision {
        "date" => return Some("%F".into()),
        "hours" => "%H",
        "minutes" => "%H:%M",
        "seconds" => "%T",
        "ns" if between == "T" => "%T,%N",
        "ns" => "%T.%N",
        _ => return None,
    };
    // Newer ones write the zone with a colon; in UTC nobody minds.
    Some(ecow::eco_format!("%F{between}{clock}{zone}"))
}

/// The instant that a text names: `@1767603600`, `2026-01-05 10:00`, `10:00 tomorrow`, `2 days ago`, `next week`.
fn when(text: &str, now: Time) -> Option<Time> {
    let text = text.trim();
    if let Some(unix) = text.strip_prefix('@') {
        let (seconds, rest) = unix.split_once('.').unwrap_or((unix, ""));
        let micros: u64 = format!("{rest:0<6}").get(..6)?.parse().ok()?;
        let seconds: u64 = seconds.parse().ok()?;
        return Some(Time(seconds.checked_sub(time::EPOCH_UNIX_S)?.checked_mul(1_000_000)? + micros));
    }
    if let Some(time) = Time::parse_rfc3339(&text.replace(' ', "T")) {
        return Some(time);
    }
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let (mut at, mut i) = (now, 0);
    while i < words.len() {
        let word = words[i].as_str();
        i += 1;
        let count = match word {
            "now" | "today" | "utc" | "z" => continue,
            "yesterday" => {
                at = moved(at, -86_400)?;
                continue;
            }
            "tomorrow" => {
                at = moved(at, 86_400)?;
                continue;
            }
            "next" => 1,
            "last" => -1,
            _ if word.contains(':') => {
                at = on_day(at, clock(word)?)?;
                continue;
            }
            _ if word.matches('-').count() == 2 && !word.starts_with('-') => {
                at = Time::parse_rfc3339(&format!("{word}T00:00:00Z"))?;
                continue;
            }
            _ => match word.parse::<i64>() {
                Ok(n) => n,
                Err(_) => {
                    // `+2days`, `day`
                    let split = word.find(|c: char| c.is_ascii_alphabetic())?;
                    let (n, unit) = word.split_at(split);
                    let n = if n.is_empty() { 1 } else { n.parse().ok()? };
                    let back = words.get(i).is_some_and(|w| w == "ago");
                    i += usize::from(back);
                    at = shifted(at, if back { -n } else { n }, unit)?;
                    continue;
                }
            },
        };
        let unit = words.get(i)?;
        i += 1;
        let back = words.get(i).is_some_and(|w| w == "ago");
        i += usize::from(back);
        at = shifted(at, if back { -count } else { count }, unit)?;
    }
    (!words.is_empty()).then_some(at)
}

/// `10:30`, `10:30:05` as seconds of the day.
fn clock(word: &str) -> Option<u64> {
    let parts: Vec<u64> = word.split(':').map(|p| p.parse().ok()).collect::<Option<_>>()?;
    match parts[..] {
        [h @ 0..24, m @ 0..60] => Some(h * 3600 + m * 60),
        [h @ 0..24, m @ 0..60, s @ 0..61] => Some(h * 3600 + m * 60 + s),
        _ => None,
    }
}

fn on_day(at: Time, seconds: u64) -> Option<Time> {
    let midnight = at.unix_s() / 86_400 * 86_400;
    Some(Time((midnight + seconds).checked_sub(time::EPOCH_UNIX_S)?.checked_mul(1_000_000)?))
}

fn moved(at: Time, seconds: i64) -> Option<Time> {
    let micros = seconds.checked_mul(1_000_000)?;
    Some(Time(at.0.checked_add_signed(micros)?))
}

fn shifted(at: Time, count: i64, unit: &str) -> Option<Time> {
    let seconds = match unit.trim_end_matches('s') {
        "second" | "sec" => 1,
        "minute" | "min" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        "fortnight" => 14 * 86_400,
        "month" | "year" => {
            let months = if unit.starts_with('m') { count } else { count.checked_mul(12)? };
            let (y, mo, d, h, mi, s) = at.civil();
            let whole = y.checked_mul(12)?.checked_add(i64::from(mo) - 1)?.checked_add(months)?;
            let (y, mo) = (whole.div_euclid(12), whole.rem_euclid(12) + 1);
            let first = Time::parse_rfc3339(&format!("{y:04}-{mo:02}-01T{h:02}:{mi:02}:{s:02}Z"))?;
            // A day that the month does not have runs over into the next.
            return Some(first + Duration::secs(u64::from(d - 1) * 86_400));
        }
        _ => return None,
    };
    moved(at, count.checked_mul(seconds)?)
}

/// Day of the year from 0, day of the week from Sunday.
fn days(at: Time) -> (i64, i64) {
    let (y, ..) = at.civil();
    let day = (at.unix_s() / 86_400) as i64;
    let (mut first, mut year) = (0i64, 1970);
    while year < y {
        first += if leap(year) { 366 } else { 365 };
        year += 1;
    }
    (day - first, (day + 4).rem_euclid(7))
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && year % 100 != 0 || year % 400 == 0
}

/// ISO 8601's year and week.
fn iso_week(year: i64, yday: i64, wday: i64) -> (i64, i64) {
    let from_monday = (wday + 6) % 7;
    let week = (yday - from_monday + 10) / 7;
    let weeks_of = |year: i64| {
        // The weekday of 1 January decides, with leap years.
        let first = |y: i64| (y + y / 4 - y / 100 + y / 400) % 7;
        if first(year) == 4 || first(year - 1) == 3 { 53 } else { 52 }
    };
    match week {
        0 => (year - 1, weeks_of(year - 1)),
        w if w > weeks_of(year) => (year + 1, 1),
        w => (year, w),
    }
}

fn formatted(at: Time, format: &str) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(i) = rest.find('%') {
        out += &rest[..i];
        let spec = &rest[i + 1..];
        let flags = spec.len() - spec.trim_start_matches(['-', '_', '0', '^', '#', '+']).len();
        let digits = spec[flags..].len() - spec[flags..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let colons = spec[flags + digits..].len() - spec[flags + digits..].trim_start_matches(':').len();
        let letter = spec[flags + digits + colons..].chars().next();
        let end = flags + digits + colons + letter.map_or(0, char::len_utf8);
        let width = spec[flags..flags + digits].parse::<usize>().ok();
        match letter.and_then(|l| field(at, l, colons, width)) {
            Some(text) => out += &padded(text, &spec[..flags], width),
            None => out += &rest[i..=i + end],
        }
        rest = &spec[end..];
    }
    out + rest
}

/// A field's text, its usual width, and what fills it.
type Text = (String, usize, char);

fn field(at: Time, letter: char, colons: usize, width: Option<usize>) -> Option<Text> {
    let (y, mo, d, h, mi, s) = at.civil();
    let (yday, wday) = days(at);
    let number = |n: i64, width: usize| Some((n.to_string(), width, '0'));
    let spaced = |n: i64, width: usize| Some((n.to_string(), width, ' '));
    let text = |t: &str| Some((t.to_owned(), 0, ' '));
    let whole = |f: &str| Some((formatted(at, f), 0, ' '));
    let twelve = i64::from((h + 11) % 12 + 1);
    let half = if h < 12 { "AM" } else { "PM" };
    let month = MONTHS[mo as usize - 1];
    let day = DAYS[wday as usize];
    if colons > 0 {
        let zone = ["", "+00:00", "+00:00:00", "+00"].get(colons).filter(|_| letter == 'z')?;
        return text(zone);
    }
    match letter {
        '%' => text("%"),
        'n' => text("\n"),
        't' => text("\t"),
        'a' => text(&day[..3]),
        'A' => text(day),
        'b' | 'h' => text(&month[..3]),
        'B' => text(month),
        'c' => whole("%a %d %b %Y %r %Z"),
        'C' => number(y / 100, 2),
        'd' => number(d.into(), 2),
        'D' | 'x' => whole(if letter == 'x' { "%m/%d/%Y" } else { "%m/%d/%y" }),
        'e' => spaced(d.into(), 2),
        'F' => whole("%Y-%m-%d"),
        'g' => number(iso_week(y, yday, wday).0 % 100, 2),
        'G' => number(iso_week(y, yday, wday).0, 4),
        'H' => number(h.into(), 2),
        'I' => number(twelve, 2),
        'j' => number(yday + 1, 3),
        'k' => spaced(h.into(), 2),
        'l' => spaced(twelve, 2),
        'm' => number(mo.into(), 2),
        'M' => number(mi.into(), 2),
        'N' => {
            let nanos = format!("{:09}", at.0 % 1_000_000 * 1000);
            Some((nanos[..width.unwrap_or(9).min(9)].to_owned(), 0, '0'))
        }
        'p' => text(half),
        'P' => text(&half.to_lowercase()),
        'q' => number((i64::from(mo) + 2) / 3, 1),
        'r' | 'X' => whole("%I:%M:%S %p"),
        'R' => whole("%H:%M"),
        's' => number(at.unix_s() as i64, 1),
        'S' => number(s.into(), 2),
        'T' => whole("%H:%M:%S"),
        'u' => number((wday + 6) % 7 + 1, 1),
        'U' => number((yday + 7 - wday) / 7, 2),
        'V' => number(iso_week(y, yday, wday).1, 2),
        'w' => number(wday, 1),
        'W' => number((yday + 7 - (wday + 6) % 7) / 7, 2),
        'y' => number(y % 100, 2),
        'Y' => number(y, 4),
        'z' => text("+0000"),
        'Z' => text("UTC"),
        _ => None,
    }
}

fn padded((text, usual, fill): Text, flags: &str, width: Option<usize>) -> String {
    let mut fill = fill;
    let mut width = width.unwrap_or(usual);
    let mut text = text;
    for flag in flags.chars() {
        match flag {
            '-' => width = 0,
            '_' => fill = ' ',
            '0' | '+' => fill = '0',
            '^' => text = text.to_uppercase(),
            '#' => {
                let upper = text.chars().any(|c| c.is_ascii_lowercase());
                text = if upper { text.to_uppercase() } else { text.to_lowercase() };
            }
            _ => {}
        }
    }
    let missing = width.saturating_sub(text.len());
    fill.to_string().repeat(missing) + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 5 January 2026, 09:00:01.25
    const AT: Time = Time(1_250_000);

    #[test]
    fn formats_as_gnu_date_writes_them() {
        for (format, want) in [
            ("%s.%3N", "1767603601.250"),
            ("%N|%6N|%-N", "250000000|250000|250000000"),
            ("%A %B %d|%-d|%_d|%e", "Monday January 05|5| 5| 5"),
            ("%Y-%m-%dT%H:%M:%S%:z", "2026-01-05T09:00:01+00:00"),
            ("%c", "Mon 05 Jan 2026 09:00:01 AM UTC"),
            ("%x %X", "01/05/2026 09:00:01 AM"),
            ("%D %T %R %r", "01/05/26 09:00:01 09:00 09:00:01 AM"),
            ("%j %U %W %V %G %g %u %w %q %C", "005 01 01 02 2026 26 1 1 1 20"),
            ("%I %l %k %p %P", "09  9  9 AM am"),
            ("%^a %#Z %5S %_5S %%%t|%Q", "MON utc 00001     1 %\t|%Q"),
            ("100%", "100%"),
        ] {
            assert_eq!(formatted(AT, format), want, "{format}");
        }
    }

    #[test]
    fn dates_that_are_named() {
        for (text, want) in [
            ("@1767603605", "2026-01-05 09:00:05"),
            ("tomorrow", "2026-01-06 09:00:01"),
            ("+2 days", "2026-01-07 09:00:01"),
            ("2 hours", "2026-01-05 11:00:01"),
            ("next week", "2026-01-12 09:00:01"),
            ("1 month", "2026-02-05 09:00:01"),
            ("1 year", "2027-01-05 09:00:01"),
            ("2026-03-01", "2026-03-01 00:00:00"),
            ("2026-03-01 10:30", "2026-03-01 10:30:00"),
            ("10:30 tomorrow", "2026-01-06 10:30:00"),
            ("+90min", "2026-01-05 10:30:01"),
        ] {
            let at = when(text, AT).map(|t| formatted(t, "%F %T"));
            assert_eq!(at.as_deref(), Some(want), "{text}");
        }
        assert_eq!(when("nonsense", AT), None);
    }
}
