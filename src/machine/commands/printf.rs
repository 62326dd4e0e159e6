//! `printf`: formats as bash's own.

use super::echo::unescape;
use super::row;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static PRINTF: Command = row("printf", ["print with a format", "형식에 맞추어 출력합니다"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Some(first) = args.get(1) else {
        io.errln("printf: missing operand");
        return io.fail(1, "Try 'printf --help' for more information.");
    };
    let (text, errors) = format(first, &args[2..]);
    io.out(text);
    for error in &errors {
        io.errln(format!("printf: {error}"));
    }
    Ok(i32::from(!errors.is_empty()))
}

/// The text, and what was wrong with the arguments. The format is used again while arguments are left.
pub fn format(format: &str, args: &[Str]) -> (String, Vec<String>) {
    let (mut out, mut errors, mut next) = (String::new(), Vec::new(), 0);
    loop {
        let before = next;
        if !once(format, args, &mut next, &mut out, &mut errors) || next >= args.len() || next == before {
            return (out, errors);
        }
    }
}

/// One pass over the format; `false`: `\c` or an error ended it.
fn once(format: &str, args: &[Str], next: &mut usize, out: &mut String, errors: &mut Vec<String>) -> bool {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (text, stop) = unescape(&rest[..at]);
        *out += &text;
        if stop {
            return false;
        }
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let spec_end = rest.find(|c: char| !"-+ #0123456789.*".contains(c)).unwrap_or(rest.len());
        let (spec, after) = rest.split_at(spec_end);
        let Some(kind) = after.chars().next() else {
            errors.push(format!("`{rest}': missing format character"));
            return false;
        };
        rest = &after[kind.len_utf8()..];
        let mut take = || {
            *next += 1;
            args.get(*next - 1).cloned().unwrap_or_default()
        };
        let mut spec = spec.to_owned();
        while spec.contains('*') {
            spec = spec.replacen('*', &take(), 1);
        }
        let arg = take();
        match kind {
            's' => *out += &pad(&cut(&arg, &spec), &spec),
            'b' => *out += &pad(&unescape(&arg).0, &spec),
            'q' => *out += &pad(&quoted(&arg), &spec),
            'c' => *out += &pad(&arg.chars().take(1).collect::<String>(), &spec),
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => *out += &integer(&arg, kind, &spec, errors),
            'f' | 'g' | 'e' => *out += &pad(&decimal(&arg, &spec, errors), &spec),
            other => {
                errors.push(format!("`{other}': invalid format character"));
                return false;
            }
        }
    }
    let (text, stop) = unescape(rest);
    *out += &text;
    !stop
}

fn flags(spec: &str) -> (&str, usize, Option<usize>) {
    let start = spec.find(|c: char| c.is_ascii_digit() && c != '0' || c == '.').unwrap_or(spec.len());
    let (flags, numbers) = spec.split_at(start);
    let (width, precision) = match numbers.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse().unwrap_or(0))),
        None => (numbers, None),
    };
    (flags, width.parse::<usize>().unwrap_or(0).min(10_000), precision.map(|p: usize| p.min(10_000)))
}

fn cut(text: &str, spec: &str) -> String {
    text.chars().take(flags(spec).2.unwrap_or(usize::MAX)).collect()
}

/// A text in the width of its specification.
pub fn pad(text: &str, spec: &str) -> String {
    let (flags, width, _) = flags(spec);
    if flags.contains('-') { format!("{text:<width$}") } else { format!("{text:>width$}") }
}

fn integer(arg: &str, kind: char, spec: &str, errors: &mut Vec<String>) -> String {
    let value = number(arg).unwrap_or_else(|| {
        errors.push(format!("{arg}: invalid number"));
        let digits = arg.find(|c: char| !c.is_ascii_digit()).unwrap_or(arg.len());
        arg[..digits].parse().unwrap_or(0)
    });
    let (flags, width, precision) = flags(spec);
    let digits = match kind {
        'x' => format!("{value:x}"),
        'X' => format!("{value:X}"),
        'o' => format!("{value:o}"),
        _ => value.unsigned_abs().to_string(),
    };
    let signed = matches!(kind, 'd' | 'i');
    let sign = match (signed && value < 0, flags.contains('+'), flags.contains(' ')) {
        (true, ..) => "-",
        (_, true, _) if signed => "+",
        (_, _, true) if signed => " ",
        _ => "",
    };
    let mut digits = format!("{digits:0>0$}", precision.unwrap_or(1));
    if flags.contains('0') && !flags.contains('-') && precision.is_none() {
        digits = format!("{digits:0>0$}", width.saturating_sub(sign.len()));
    }
    pad(&format!("{sign}{digits}"), spec)
}

fn number(arg: &str) -> Option<i64> {
    let text = arg.trim();
    if text.is_empty() {
        return Some(0);
    }
    if let Some(c) = text.strip_prefix(['"', '\'']) {
        return c.chars().next().map(|c| i64::from(u32::from(c)));
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok()?,
        None => digits.parse().ok()?,
    };
    Some(if negative { -value } else { value })
}

/// `%.2f` of a decimal text, without floating point: cut or filled, rounded half up.
pub fn decimal(arg: &str, spec: &str, errors: &mut Vec<String>) -> String {
    let precision = flags(spec).2.unwrap_or(6);
    let text = if arg.is_empty() { "0" } else { arg };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let valid = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if !valid(whole) || !valid(fraction) || whole.len() > 15 {
        errors.push(format!("{arg}: invalid number"));
        return "0".to_owned();
    }
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(precision.min(18)).collect();
    let mut value: u128 = format!("0{whole}{kept}").parse().unwrap_or(0);
    if fraction.as_bytes().get(precision).is_some_and(|b| *b >= b'5') {
        value += 1;
    }
    let text = format!("{value:0>0$}", precision + 1);
    let (whole, fraction) = text.split_at(text.len() - precision);
    let sign = if negative { "-" } else { "" };
    if precision == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A word that a shell reads as this text.
fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        for (f, args, out) in [
            ("%s-%s\\n", "a b c", "a-b\nc-\n"),
            ("%5d|%-5d|%05d", "42 42 42", "   42|42   |00042"),
            ("%x %o %X", "255 8 255", "ff 10 FF"),
            ("%.2f", "3.14159", "3.14"),
            ("%.1f", "2.25", "2.3"),
            ("%5s|%-5s|%.2s", "ab ab abc", "   ab|ab   |ab"),
            ("%%", "", "%"),
            ("100%% %s", "x", "100% x"),
        ] {
            let args: Vec<Str> = args.split_whitespace().map(Str::from).collect();
            assert_eq!(format(f, &args).0, out, "{f}");
        }
        assert_eq!(format("%d", &["x1".into()]).1, ["x1: invalid number"]);
    }
}
