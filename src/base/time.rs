//! Simulated time: integer microseconds since the session began, and its calendar.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

use super::Str;

/// An instant: microseconds of simulated time since the session's epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Time(pub u64);

/// A span of simulated time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
pub struct Duration(pub u64);

/// What the wall clocks of the simulated machines show at `Time(0)`: 2026-01-05 09:00:00 UTC.
pub const EPOCH_UNIX_S: u64 = 1_767_603_600;

impl Duration {
    pub const ZERO: Duration = Duration(0);

    pub const fn micros(n: u64) -> Duration {
        Duration(n)
    }
    pub const fn millis(n: u64) -> Duration {
        Duration(n * 1_000)
    }
    pub const fn secs(n: u64) -> Duration {
        Duration(n * 1_000_000)
    }
    pub const fn mins(n: u64) -> Duration {
        Duration::secs(n * 60)
    }
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// As kubectl's AGE column prints it.
    /// Models apimachinery/pkg/util/duration HumanDuration.
    pub fn human(self) -> String {
        let s = self.as_secs();
        let (m, h, d) = (s / 60, s / 3600, s / 86_400);
        let pair = |big: u64, big_unit: char, small: u64, small_unit: char| {
            if small == 0 { format!("{big}{big_unit}") } else { format!("{big}{big_unit}{small}{small_unit}") }
        };
        match s {
            0..120 => format!("{s}s"),
            120..600 => pair(m, 'm', s % 60, 's'),
            600..10_800 => format!("{m}m"),
            10_800..28_800 => pair(h, 'h', m % 60, 'm'),
            28_800..172_800 => format!("{h}h"),
            172_800..691_200 => pair(d, 'd', h % 24, 'h'),
            691_200..63_072_000 => format!("{d}d"),
            63_072_000..252_288_000 => pair(d / 365, 'y', d % 365, 'd'),
            _ => format!("{}y", d / 365),
        }
    }
}

impl Time {
    pub const ZERO: Time = Time(0);

    pub fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since 1970 on the simulated wall clock.
    pub fn unix_s(self) -> u64 {
        EPOCH_UNIX_S + self.0 / 1_000_000
    }

    /// The inverse of [`Time::rfc3339`] and [`Time::rfc3339_micro`]; times before the epoch clamp to it.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        let b = text.as_bytes();
        if b.len() < 20 || b[4] != b'-' || b[10] != b'T' {
            return None;
        }
        let n = |r: std::ops::Range<usize>| text.get(r)?.parse::<u64>().ok();
        let days = days_from_civil(n(0..4)? as i64, n(5..7)? as i64, n(8..10)? as i64);
        let secs = days as u64 * 86_400 + n(11..13)? * 3600 + n(14..16)? * 60 + n(17..19)?;
        let fraction = text[19..].strip_prefix('.').map_or("", |f| f.trim_end_matches('Z'));
        let mut micros = 0;
        for i in 0..6 {
            micros = micros * 10 + fraction.as_bytes().get(i).map_or(0, |c| u64::from(c.wrapping_sub(b'0')));
        }
        Some(Time(secs.saturating_sub(EPOCH_UNIX_S) * 1_000_000 + micros))
    }

    /// `2026-01-05T09:00:00Z`, as metadata.creationTimestamp prints it.
    pub fn rfc3339(self) -> Str {
        self.stamped(false)
    }

    /// `2026-01-05T09:00:00.000000Z`, as MicroTime fields (leases, events) print it.
    pub fn rfc3339_micro(self) -> Str {
        self.stamped(true)
    }

    /// Digit by digit: nearly every write has such a time, and `format!` takes ten times as long.
    fn stamped(self, micros: bool) -> Str {
        let (y, mo, d, h, mi, s) = self.civil();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let mut put = |end: usize, digits: usize, mut n: u64| {
            for place in text[end - digits..end].iter_mut().rev() {
                *place = b'0' + (n % 10) as u8;
                n /= 10;
            }
        };
        put(4, 4, y as u64);
        for (end, n) in [(7, mo), (10, d), (13, h), (16, mi), (19, s)] {
            put(end, 2, u64::from(n));
        }
        put(26, 6, self.0 % 1_000_000);
        let length = if micros { 27 } else { 20 };
        text[length - 1] = b'Z';
        std::str::from_utf8(&text[..length]).unwrap_or_default().into()
    }

    /// `Mon, 05 Jan 2026 09:00:00 +0000`, as `kubectl describe` prints it.
    pub fn rfc1123z(self) -> String {
        let (y, mo, d, h, mi, s) = self.civil();
        format!("{}, {d:02} {} {y:04} {h:02}:{mi:02}:{s:02} +0000", self.weekday(), MONTHS[mo as usize - 1])
    }

    /// Three-letter English weekday.
    pub fn weekday(self) -> &'static str {
        // 1970-01-01 was a Thursday.
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(self.unix_s() / 86_400 % 7) as usize]
    }

    /// (year, month 1-12, day, hour, minute, second), UTC.
    pub fn civil(self) -> (i64, u32, u32, u32, u32, u32) {
        let unix = self.unix_s();
        let (y, m, d) = civil_from_days((unix / 86_400) as i64);
        let t = unix % 86_400;
        (y, m, d, (t / 3600) as u32, (t / 60 % 60) as u32, (t % 60) as u32)
    }
}

/// Three-letter English month names, January first.
pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Howard Hinnant's civil calendar algorithms.
fn days_from_civil(y: i64, m: i64, d: i64) -> i64 {
    let y = if m <= 2 { y - 1 } else { y };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * (if m > 2 { m - 3 } else { m + 9 }) + 2) / 5 + d - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

fn civil_from_days(z: i64) -> (i64, u32, u32) {
    let z = z + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let m = (if mp < 10 { mp + 3 } else { mp - 9 }) as u32;
    (yoe + era * 400 + i64::from(m <= 2), m, d)
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, d: Duration) -> Time {
        Time(self.0 + d.0)
    }
}
impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, d: Duration) {
        self.0 += d.0;
    }
}
impl Add for Duration {
    type Output = Duration;
    fn add(self, d: Duration) -> Duration {
        Duration(self.0 + d.0)
    }
}
impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(d.0))
    }
}
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_round_trips() {
        assert_eq!(Time(0).rfc3339(), "2026-01-05T09:00:00Z");
        assert_eq!(Time(0).rfc1123z(), "Mon, 05 Jan 2026 09:00:00 +0000");
        let t = Time(86_400_000_000 * 60 + 123_456);
        assert_eq!(Time::parse_rfc3339(&t.rfc3339_micro()), Some(t));
        assert_eq!(t.rfc3339(), "2026-03-06T09:00:00Z");
    }

    #[test]
    fn ages_as_kubectl_prints_them() {
        let age = |s| Duration::secs(s).human();
        assert_eq!(
            [age(5), age(119), age(120), age(185), age(600), age(11_000), age(200_000)],
            ["5s", "119s", "2m", "3m5s", "10m", "3h3m", "2d7h"]
        );
    }
}
