//! awk's values: text, numbers, and input that is both. Numbers are millionths, so that no floating
//! point is needed.

use std::cmp::Ordering;

/// Millionths.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Num(i128);

const ONE: i128 = 1_000_000;

impl Num {
    pub fn int(n: i64) -> Num {
        Num(i128::from(n) * ONE)
    }
    /// The number that a text begins with; 0 where it does not.
    pub fn parse(text: &str) -> Num {
        Num::prefix(text.trim_start()).0
    }
    fn prefix(text: &str) -> (Num, &str) {
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'-') => (-1, &text[1..]),
            Some(b'+') => (1, &text[1..]),
            _ => (1, text),
        };
        let whole_end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let mut rest = &digits[whole_end..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            (fraction, rest) = after.split_at(end);
        }
        let whole: i128 = digits[..whole_end.min(18)].parse().unwrap_or(0);
        let millionths: String = fraction.chars().chain("000000".chars()).take(6).collect();
        (Num(sign * (whole * ONE + millionths.parse::<i128>().unwrap_or(0))), rest)
    }
    pub fn whole(self) -> i64 {
        i64::try_from(self.0 / ONE).unwrap_or(0)
    }
    pub fn apply(self, op: char, b: Num) -> Result<Num, String> {
        let (a, b) = (self.0, b.0);
        Ok(Num(match op {
            '+' => a.saturating_add(b),
            '-' => a.saturating_sub(b),
            '*' => a.saturating_mul(b) / ONE,
            '/' | '%' if b == 0 => {
                return Err(if op == '/' { "division by zero attempted" } else { "division by zero attempted in `%'" }
                    .to_owned());
            }
            '/' => a.saturating_mul(ONE) / b,
            '%' => a % b,
            _ => {
                let mut out = ONE;
                for _ in 0..(b / ONE).clamp(0, 200) {
                    out = out.saturating_mul(a) / ONE;
                }
                out
            }
        }))
    }
    /// As `%.6g` prints it, near enough: six significant digits.
    fn to_text(self) -> String {
        let (sign, n) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, mut fraction) = (n / ONE as u128, n % ONE as u128);
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        let keep = 6usize.saturating_sub(if whole == 0 { 0 } else { whole.to_string().len() });
        let cut = 10u128.pow(6 - keep as u32);
        fraction = (fraction + cut / 2) / cut * cut;
        let whole = whole + fraction / ONE as u128;
        let text = format!("{:06}", fraction % ONE as u128);
        let text = text.trim_end_matches('0');
        if text.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{text}") }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Val {
    Num(Num),
    Text(String),
    /// From input and looking like a number: compares as one.
    Input(String, Num),
}

impl Default for Val {
    fn default() -> Val {
        Val::Input(String::new(), Num(0))
    }
}

impl From<bool> for Val {
    fn from(yes: bool) -> Val {
        Val::int(i64::from(yes))
    }
}

impl Val {
    pub fn int(n: i64) -> Val {
        Val::Num(Num::int(n))
    }
    pub fn text(text: impl Into<String>) -> Val {
        Val::Text(text.into())
    }
    /// A field or other input.
    pub fn input(text: &str) -> Val {
        let (number, rest) = Num::prefix(text.trim());
        let digits = text.contains(|c: char| c.is_ascii_digit());
        if digits && rest.is_empty() { Val::Input(text.to_owned(), number) } else { Val::Text(text.to_owned()) }
    }
    pub fn num(&self) -> Num {
        match self {
            Val::Num(n) | Val::Input(_, n) => *n,
            Val::Text(text) => Num::parse(text),
        }
    }
    pub fn to_text(&self) -> String {
        match self {
            Val::Num(n) => n.to_text(),
            Val::Text(text) | Val::Input(text, _) => text.clone(),
        }
    }
    pub fn truth(&self) -> bool {
        match self {
            Val::Num(n) | Val::Input(_, n) => *n != Num(0),
            Val::Text(text) => !text.is_empty(),
        }
    }
    pub fn compare(&self, other: &Val) -> Ordering {
        match (self, other) {
            (Val::Text(_), _) | (_, Val::Text(_)) => self.to_text().cmp(&other.to_text()),
            _ => self.num().cmp(&other.num()),
        }
    }
}
