//! Small tools of scripts: `expr`, `nl`, `rev`.

use super::regex::Regex;
use super::row;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static EXPR: Command = row("expr", ["reckon and compare", "식을 계산합니다"], expr);
pub static NL: Command = row("nl", ["number lines", "줄 번호를 붙입니다"], nl);
pub static REV: Command = row("rev", ["turn each line around", "줄마다 글자를 뒤집습니다"], rev);

/// `A OP B`, from left to right; the operators that scripts use.
fn expr(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut words = args[1..].iter();
    let Some(mut value) = words.next().cloned() else { return io.fail(2, "expr: missing operand") };
    while let Some(op) = words.next() {
        let Some(right) = words.next() else {
            return io.fail(2, format!("expr: syntax error: missing argument after '{op}'"));
        };
        if op == ":" {
            let regex = match Regex::basic(&format!("^{right}"), false) {
                Ok(regex) => regex,
                Err(why) => return io.fail(2, format!("expr: {why}")),
            };
            let found = regex.find(&value, 0);
            let grouped = right.contains("\\(");
            value = match found {
                Some(m) if grouped => m.groups.get(1).copied().flatten().map_or("", |(a, b)| &value[a..b]).into(),
                Some(m) => ecow::eco_format!("{}", value[m.start..m.end].chars().count()),
                None if grouped => Str::new(),
                None => "0".into(),
            };
            continue;
        }
        let numbers = value.parse::<i64>().ok().zip(right.parse::<i64>().ok());
        let order = numbers.map_or_else(|| value.as_str().cmp(right), |(a, b)| a.cmp(&b));
        let truth = |yes: bool| Str::from(if yes { "1" } else { "0" });
        value = match (op.as_str(), numbers) {
            ("=" | "==", _) => truth(order.is_eq()),
            ("!=", _) => truth(order.is_ne()),
            ("<", _) => truth(order.is_lt()),
            ("<=", _) => truth(order.is_le()),
            (">", _) => truth(order.is_gt()),
            (">=", _) => truth(order.is_ge()),
            ("|", _) => {
                if matches!(value.as_str(), "" | "0") {
                    right.clone()
                } else {
                    value
                }
            }
            ("&", _) => {
                if matches!(value.as_str(), "" | "0") || matches!(right.as_str(), "" | "0") {
                    "0".into()
                } else {
                    value
                }
            }
            ("/" | "%", Some((_, 0))) => return io.fail(2, "expr: division by zero"),
            ("+", Some((a, b))) => ecow::eco_format!("{}", a.wrapping_add(b)),
            ("-", Some((a, b))) => ecow::eco_format!("{}", a.wrapping_sub(b)),
            ("*", Some((a, b))) => ecow::eco_format!("{}", a.wrapping_mul(b)),
            ("/", Some((a, b))) => ecow::eco_format!("{}", a / b),
            ("%", Some((a, b))) => ecow::eco_format!("{}", a % b),
            ("+" | "-" | "*" | "/" | "%", None) => return io.fail(2, "expr: non-integer argument"),
            _ => return io.fail(2, format!("expr: syntax error: unexpected argument '{op}'")),
        };
    }
    io.outln(&value);
    Ok(i32::from(matches!(value.as_str(), "" | "0")))
}

fn nl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let (all, files): (Vec<Str>, Vec<Str>) = args[1..].iter().cloned().partition(|a| a.starts_with('-') && a.len() > 1);
    let all = all.iter().any(|a| a == "-ba");
    let mut code = 0;
    let mut number = 0;
    for (_, text) in super::inputs(io, "nl", &files, &mut code)? {
        for line in text.lines() {
            if line.is_empty() && !all {
                io.outln("       ");
                continue;
            }
            number += 1;
            io.outln(format!("{number:>6}\t{line}"));
        }
    }
    Ok(code)
}

fn rev(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut code = 0;
    for (_, text) in super::inputs(io, "rev", &args[1..], &mut code)? {
        text.lines().for_each(|l| io.outln(l.chars().rev().collect::<String>()));
    }
    Ok(code)
}
