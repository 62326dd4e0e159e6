//! Resource quantities such as `500m` and `64Mi`: exact integers, printed canonically.
//! Models apimachinery/pkg/api/resource; what is smaller than a billionth is rounded up, as there.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

use super::Value;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Format {
    #[default]
    DecimalSi,
    BinarySi,
    DecimalExponent,
}

/// An amount in billionths, and the family of suffixes it is printed with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

const NANO: i128 = 1_000_000_000;

/// What upstream says of text that is no quantity.
pub const SYNTAX: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/// What upstream says of a suffix it does not know.
pub const SUFFIX: &str = "unable to parse quantity's suffix";

const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

impl Quantity {
    pub const ZERO: Quantity = Quantity { nanos: 0, format: Format::DecimalSi };

    pub fn parse(text: &str) -> Result<Quantity, &'static str> {
        let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
        let negative = text.starts_with('-');
        let split = signed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(signed.len());
        let (number, suffix) = signed.split_at(split);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(SYNTAX);
        }
        let (numerator, denominator, format) = scale(suffix)?;
        let digits = format!("{whole}{fraction}");
        // Beyond what fits, upstream caps as well.
        let mantissa: i128 = digits.parse().unwrap_or(if digits.is_empty() { 0 } else { i128::MAX >> 40 });
        let below = 10i128.checked_pow(fraction.len() as u32).ok_or(SYNTAX)?.saturating_mul(denominator);
        let above = mantissa.saturating_mul(numerator).saturating_mul(NANO);
        let nanos = above / below + i128::from(above % below != 0);
        Ok(Quantity { nanos: if negative { -nanos } else { nanos }, format })
    }
    /// A quantity in an object: a string or a number.
    pub fn of(value: &Value) -> Option<Quantity> {
        match value {
            Value::Str(s) | Value::Num(s) => Quantity::parse(s).ok(),
            Value::Int(n) => Some(Quantity { nanos: i128::from(*n) * NANO, format: Format::DecimalSi }),
            _ => None,
        }
    }
    pub fn from_millis(n: i64) -> Quantity {
        Quantity { nanos: i128::from(n) * (NANO / 1000), format: Format::DecimalSi }
    }
    pub fn from_int(n: i64) -> Quantity {
        Quantity { nanos: i128::from(n) * NANO, format: Format::DecimalSi }
    }
    /// Bytes, printed with `Ki`, `Mi` …
    pub fn from_bytes(n: i64) -> Quantity {
        Quantity { nanos: i128::from(n) * NANO, format: Format::BinarySi }
    }
    /// Thousandths, rounded up: a CPU's `MilliValue`.
    pub fn millis(self) -> i64 {
        div_up(self.nanos, NANO / 1000)
    }
    /// Whole units, rounded up: `Value`.
    pub fn value(self) -> i64 {
        div_up(self.nanos, NANO)
    }
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }
}

fn div_up(n: i128, by: i128) -> i64 {
    let up = n.div_euclid(by) + i128::from(n.rem_euclid(by) != 0);
    i64::try_from(up).unwrap_or(if up > 0 { i64::MAX } else { i64::MIN })
}

/// What a suffix multiplies by, as a fraction, and its family.
fn scale(suffix: &str) -> Result<(i128, i128, Format), &'static str> {
    if let Some((_, bits)) = BINARY.iter().find(|(s, _)| *s == suffix) {
        return Ok((1 << bits, 1, Format::BinarySi));
    }
    if let Some((_, exponent)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Ok(power(*exponent, Format::DecimalSi));
    }
    let exponent = suffix.strip_prefix(['e', 'E']).ok_or(if suffix_letters(suffix) { SUFFIX } else { SYNTAX })?;
    let exponent: i32 = exponent.parse().map_err(|_| SYNTAX)?;
    Ok(power(exponent.clamp(-18, 18), Format::DecimalExponent))
}

fn suffix_letters(suffix: &str) -> bool {
    let letters = suffix.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['+', '-']);
    letters.chars().all(|c| "eEinumkKMGTP".contains(c))
}

fn power(exponent: i32, format: Format) -> (i128, i128, Format) {
    let ten = 10i128.pow(exponent.unsigned_abs());
    if exponent < 0 { (1, ten, format) } else { (ten, 1, format) }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut n = self.nanos;
        if n == 0 {
            return f.write_str("0");
        }
        if self.format == Format::BinarySi && n.abs() >= 1024 * NANO && n % NANO == 0 {
            let mut n = n / NANO;
            let mut suffix = "";
            for (s, _) in BINARY {
                if n % 1024 != 0 {
                    break;
                }
                n /= 1024;
                suffix = s;
            }
            return write!(f, "{n}{suffix}");
        }
        let mut at = 0;
        while n % 1000 == 0 && at + 1 < DECIMAL.len() {
            n /= 1000;
            at += 1;
        }
        match self.format {
            Format::DecimalExponent if DECIMAL[at].1 != 0 => write!(f, "{n}e{}", DECIMAL[at].1),
            _ => write!(f, "{n}{}", DECIMAL[at].0),
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.nanos == other.nanos
    }
}
impl Eq for Quantity {}
impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> std::cmp::Ordering {
        self.nanos.cmp(&other.nanos)
    }
}
impl Add for Quantity {
    type Output = Quantity;
    /// Keeps the left side's family of suffixes, unless it is zero.
    fn add(self, other: Quantity) -> Quantity {
        let format = if self.nanos == 0 { other.format } else { self.format };
        Quantity { nanos: self.nanos + other.nanos, format }
    }
}
impl Sub for Quantity {
    type Output = Quantity;
    fn sub(self, other: Quantity) -> Quantity {
        let format = if self.nanos == 0 { other.format } else { self.format };
        Quantity { nanos: self.nanos - other.nanos, format }
    }
}
impl Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(all: I) -> Quantity {
        all.fold(Quantity::ZERO, Add::add)
    }
}
impl From<Quantity> for Value {
    fn from(q: Quantity) -> Value {
        Value::Str(ecow::eco_format!("{q}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms() {
        let cases = [
            ("1", "1"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("100Mi", "100Mi"),
            ("1024Mi", "1Gi"),
            ("1500Ki", "1500Ki"),
            ("512", "512"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1e3"),
            ("2000000", "2M"),
            ("0", "0"),
            ("-1", "-1"),
            ("3072Mi", "3Gi"),
            ("0.1n", "1n"),
        ];
        for (text, want) in cases {
            assert_eq!(Quantity::parse(text).map(|q| q.to_string()), Ok(want.to_owned()), "{text}");
        }
        assert_eq!(Quantity::parse("abc"), Err(SYNTAX));
        assert_eq!(Quantity::parse("1mi"), Err(SUFFIX));
        assert_eq!(Quantity::parse("1.5").map(|q| (q.millis(), q.value())), Ok((1500, 2)));
        let sum: Quantity = ["100m", "1"].iter().filter_map(|t| Quantity::parse(t).ok()).sum();
        assert_eq!(sum.to_string(), "1100m");
    }
}
