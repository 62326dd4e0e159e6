//! Spans of time as drills and session files write them: `500ms`, `5s`, `2m`, `1h`, `1m30s`.

use serde::{Deserialize, Deserializer, de};

use crate::base::Duration;

/// Reads a span; the error says what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let bad = || format!("expected a time such as 500ms, 40s or 2m, got `{text}`");
    let (mut rest, mut total) = (text, 0u64);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let n: u64 = rest[..digits].parse().map_err(|_| bad())?;
        let (factor, unit) = unit_of(&rest[digits..]).ok_or_else(bad)?;
        total = n.checked_mul(factor).and_then(|n| n.checked_add(total)).ok_or_else(bad)?;
        rest = &rest[digits + unit..];
    }
    if text.is_empty() { Err(bad()) } else { Ok(Duration::micros(total)) }
}

/// Microseconds of the unit that `text` begins with, and the unit's length.
fn unit_of(text: &str) -> Option<(u64, usize)> {
    let units = [("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];
    units.iter().find(|(unit, _)| text.starts_with(unit)).map(|(unit, factor)| (*factor, unit.len()))
}

/// For serde's `deserialize_with`.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(d)?).map_err(de::Error::custom)
}

/// The same where the field may be missing.
pub fn deserialize_option<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    deserialize(d).map(Some)
}

/// Whole seconds, rounded up: for `sleep` and `timeout` in exported scripts.
pub fn seconds(span: Duration) -> u64 {
    span.0.div_ceil(1_000_000)
}

/// As [`parse`] reads it.
pub fn print(span: Duration) -> String {
    match span.0 {
        n if n % 60_000_000 == 0 && n > 0 => format!("{}m", n / 60_000_000),
        n if n % 1_000_000 == 0 => format!("{}s", n / 1_000_000),
        n => format!("{}ms", n.div_ceil(1_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_printed() {
        for (text, ms) in [("500ms", 500), ("40s", 40_000), ("2m", 120_000), ("1m30s", 90_000), ("1h", 3_600_000)] {
            assert_eq!(parse(text), Ok(Duration::millis(ms)), "{text}");
            assert_eq!(parse(&print(Duration::millis(ms))), Ok(Duration::millis(ms)), "{text}");
        }
        for bad in ["", "5", "s", "5 s", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
