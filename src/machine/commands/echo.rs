//! `echo`: as bash's own.

use super::row;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static ECHO: Command = row("echo", ["print its arguments", "인자를 출력합니다"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    io.out(text(&args[1..]));
    Ok(0)
}

/// What `echo` prints for these arguments.
pub fn text(args: &[Str]) -> String {
    let (mut newline, mut escapes, mut at) = (true, false, 0);
    while let Some(flags) = args.get(at).and_then(|a| a.strip_prefix('-')) {
        if flags.is_empty() || !flags.chars().all(|c| "neE".contains(c)) {
            break;
        }
        newline &= !flags.contains('n');
        escapes = if flags.contains('e') { true } else { escapes && !flags.contains('E') };
        at += 1;
    }
    let mut out = args[at..].join(" ");
    if escapes {
        let (text, stopped) = unescape(&out);
        out = text;
        newline &= !stopped;
    }
    if newline {
        out.push('\n');
    }
    out
}

/// Backslash escapes as `echo -e` and `printf` know them; whether `\c` ended the output.
pub fn unescape(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(e) = chars.next() else {
            out.push('\\');
            break;
        };
        match e {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'e' | 'E' => out.push('\u{1b}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '\\' => out.push('\\'),
            'c' => return (out, true),
            '0'..='7' | 'x' => {
                let base = if e == 'x' { 16 } else { 8 };
                let mut digits = if e == 'x' { String::new() } else { e.to_string() };
                while digits.len() < if e == 'x' { 2 } else { 4 }
                    && let Some(d) = chars.next_if(|d| d.is_digit(base))
                {
                    digits.push(d);
                }
                let code = u32::from_str_radix(&digits, base).unwrap_or(0);
                out.extend(char::from_u32(code & 0xff));
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    (out, false)
}
