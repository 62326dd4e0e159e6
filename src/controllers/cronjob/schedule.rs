//! Cron schedules: five fields, or `@hourly` and the like, in UTC or a zone without summer time.
//! Models github.com/robfig/cron.

use crate::base::time::{EPOCH_UNIX_S, Time};

/// Minutes, hours, days of the month, months, days of the week, each as a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Either day field was `*`: both must fit; otherwise one suffices.
    any_day: bool,
    /// `@every`, in seconds.
    every: Option<u64>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    pub fn parse(text: &str) -> Option<Schedule> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("@every ") {
            let (n, unit) = rest.trim().split_at(rest.trim().find(|c: char| c.is_ascii_alphabetic())?);
            let factor = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3600,
                _ => return None,
            };
            let every = Some(n.parse::<u64>().ok()?.max(1) * factor);
            return Some(Schedule { minutes: 0, hours: 0, days: 0, months: 0, weekdays: 0, any_day: true, every });
        }
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().filter(|f| !f.contains('=')).collect();
        let [minute, hour, day, month, weekday] = fields[..] else { return None };
        let star = |f: &str| f.starts_with('*') || f.starts_with('?');
        Some(Schedule {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, &MONTHS)?,
            weekdays: field(weekday, 0, 6, &DAYS)?,
            any_day: star(day) || star(weekday),
            every: None,
        })
    }

    /// The first time after `t` that fits in a zone that many seconds east of UTC.
    pub fn next_in(&self, t: Time, offset_s: i64) -> Option<Time> {
        let micros = offset_s * 1_000_000;
        let local = self.next(Time(t.0.checked_add_signed(micros)?))?;
        Some(Time(local.0.checked_add_signed(-micros)?))
    }

    /// The first time after `t` that fits, within five years.
    pub fn next(&self, t: Time) -> Option<Time> {
        let at = |unix: u64| Some(Time(unix.checked_sub(EPOCH_UNIX_S)? * 1_000_000));
        if let Some(every) = self.every {
            return at(t.unix_s() + every);
        }
        let mut unix = (t.unix_s() / 60 + 1) * 60;
        let end = unix + 5 * 366 * 86_400;
        while unix < end {
            let (_, month, day, hour, minute, _) = at(unix)?.civil();
            if !self.day_fits(month, day, unix / 86_400) {
                unix = (unix / 86_400 + 1) * 86_400;
            } else if self.hours >> hour & 1 == 0 {
                unix = (unix / 3600 + 1) * 3600;
            } else if self.minutes >> minute & 1 == 0 {
                unix += 60;
            } else {
                return at(unix);
            }
        }
        None
    }

    fn day_fits(&self, month: u32, day: u32, since_1970: u64) -> bool {
        // 1970-01-01 was a Thursday.
        let (by_day, by_weekday) = (self.days >> day & 1 == 1, self.weekdays >> ((since_1970 + 4) % 7) & 1 == 1);
        self.months >> month & 1 == 1 && if self.any_day { by_day && by_weekday } else { by_day || by_weekday }
    }
}

/// Seconds east of UTC of a time zone; `None`: one that is not known here.
pub fn offset_s(zone: &str) -> Option<i64> {
    const ZONES: [(&str, i64); 18] = [
        ("", 0),
        ("UTC", 0),
        ("Etc/UTC", 0),
        ("Etc/GMT", 0),
        ("GMT", 0),
        ("Africa/Lagos", 60),
        ("Africa/Johannesburg", 120),
        ("Europe/Istanbul", 180),
        ("Europe/Moscow", 180),
        ("Asia/Dubai", 240),
        ("Asia/Kolkata", 330),
        ("Asia/Bangkok", 420),
        ("Asia/Ho_Chi_Minh", 420),
        ("Asia/Shanghai", 480),
        ("Asia/Singapore", 480),
        ("Asia/Seoul", 540),
        ("Asia/Tokyo", 540),
        ("America/Sao_Paulo", -180),
    ];
    ZONES.iter().find(|(name, _)| *name == zone).map(|(_, minutes)| minutes * 60)
}

/// `*`, `*/15`, `1-5`, `1-9/2`, `mon,wed`.
fn field(text: &str, min: u64, max: u64, names: &[&str]) -> Option<u64> {
    let number = |s: &str| {
        let named = names.iter().position(|n| n.eq_ignore_ascii_case(s)).map(|i| i as u64 + min);
        named.or_else(|| s.parse().ok())
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(r, s)| (r, Some(s)));
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (min, max),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step.is_some() => (number(range)?, max),
            None => (number(range)?, number(range)?),
        };
        let step = step.map_or(Some(1), |s| s.parse::<usize>().ok()).filter(|s| *s > 0)?;
        // Sunday may be 7 nowhere: upstream refuses it.
        if from < min || to > max || from > to {
            return None;
        }
        (from..=to).step_by(step).for_each(|n| bits |= 1 << n);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first three times after the epoch, 2026-01-05 (a Monday) 09:00.
    fn three(text: &str) -> Vec<String> {
        let schedule = Schedule::parse(text).unwrap();
        let mut t = Time(0);
        (0..3)
            .map(|_| {
                t = schedule.next(t).unwrap();
                t.rfc3339()[5..16].to_owned()
            })
            .collect()
    }

    #[test]
    fn schedules_name_the_times_they_should() {
        for (text, times) in [
            ("*/1 * * * *", ["01-05T09:01", "01-05T09:02", "01-05T09:03"]),
            ("*/20 * * * *", ["01-05T09:20", "01-05T09:40", "01-05T10:00"]),
            ("30 8 * * *", ["01-06T08:30", "01-07T08:30", "01-08T08:30"]),
            ("0 0 1 * *", ["02-01T00:00", "03-01T00:00", "04-01T00:00"]),
            ("0 12 * * MON-WED", ["01-05T12:00", "01-06T12:00", "01-07T12:00"]),
            ("0 0 13 * fri", ["01-09T00:00", "01-13T00:00", "01-16T00:00"]),
            ("@hourly", ["01-05T10:00", "01-05T11:00", "01-05T12:00"]),
        ] {
            assert_eq!(three(text), times, "{text}");
        }
        for bad in ["", "nope", "60 * * * *", "* * * * 8", "*/0 * * * *"] {
            assert_eq!(Schedule::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nine_in_seoul_is_midnight_in_utc() {
        let daily = Schedule::parse("0 9 * * *").unwrap();
        let begin = Time(86_400_000_000);
        let next = daily.next_in(begin, offset_s("Asia/Seoul").unwrap()).unwrap();
        assert_eq!(next + crate::base::Duration::secs(9 * 3600), daily.next(begin).unwrap());
        assert_eq!(offset_s("Mars/Olympus"), None);
    }
}
