//! `$(( … ))`: C's integer expressions over shell variables. Parsed and evaluated in one pass;
//! branches not taken are evaluated with side effects off.

use crate::base::Str;

/// The variables an expression may read and set.
pub trait Vars {
    fn get(&self, name: &str) -> Option<Str>;
    fn set(&mut self, name: &str, value: i64);
    /// An element of a list.
    fn item(&self, name: &str, at: usize) -> Option<Str>;
}

/// Evaluates an expression; `Err` is the message after `bash: `.
pub fn evaluate(text: &str, vars: &mut dyn Vars) -> Result<i64, String> {
    evaluate_deep(text, vars, 0)
}

fn evaluate_deep(text: &str, vars: &mut dyn Vars, depth: u32) -> Result<i64, String> {
    if text.trim().is_empty() {
        return Ok(0);
    }
    let mut e = Eval { whole: text, rest: text, vars, live: true, depth };
    let value = e.comma()?;
    e.space();
    if e.rest.is_empty() { Ok(value) } else { Err(e.error("syntax error in expression")) }
}

struct Eval<'a> {
    whole: &'a str,
    rest: &'a str,
    vars: &'a mut dyn Vars,
    /// Whether side effects count.
    live: bool,
    depth: u32,
}

/// Binary operators by rising precedence; longer ones first in each row.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];
const ASSIGN: [&str; 11] = ["<<=", ">>=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "="];
const MAX_DEPTH: u32 = 60;

impl<'a> Eval<'a> {
    fn error(&self, what: &str) -> String {
        let token = if self.rest.is_empty() { self.whole.trim_start() } else { self.rest };
        format!("{}: {what} (error token is \"{token}\")", self.whole)
    }
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
    fn eat(&mut self, op: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(op) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.ternary()?;
        while self.eat(",") {
            value = self.ternary()?;
        }
        Ok(value)
    }

    fn ternary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("expression recursion level exceeded"));
        }
        let test = self.binary(0)?;
        let value = if self.eat("?") {
            let yes = self.when(test != 0, Self::comma)?;
            if !self.eat(":") {
                return Err(self.error("`:' expected for conditional expression"));
            }
            let no = self.when(test == 0, Self::ternary)?;
            if test != 0 { yes } else { no }
        } else {
            test
        };
        self.depth -= 1;
        Ok(value)
    }
    /// Evaluates `f` with side effects only where `taken`.
    fn when(&mut self, taken: bool, f: fn(&mut Self) -> Result<i64, String>) -> Result<i64, String> {
        let before = self.live;
        self.live &= taken;
        let value = f(self);
        self.live = before;
        value
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(ops) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        loop {
            self.space();
            let Some(op) = ops.iter().find(|op| self.operator(op)) else { return Ok(left) };
            self.rest = &self.rest[op.len()..];
            let taken = match *op {
                "||" => left == 0,
                "&&" => left != 0,
                _ => true,
            };
            let before = self.live;
            self.live &= taken;
            let right = self.binary(level + 1)?;
            self.live = before;
            left = self.apply(op, left, right)?;
        }
    }
    /// Whether exactly this operator stands next, not a longer one or an assignment.
    fn operator(&self, op: &str) -> bool {
        let Some(after) = self.rest.strip_prefix(op) else { return false };
        let next = after.chars().next().unwrap_or(' ');
        let assigns = next == '=' && !matches!(op, "==" | "!=" | "<=" | ">=" | "||" | "&&");
        let longer = matches!(op, "|" | "&" | "<" | ">") && op.starts_with(next);
        let power = op == "*" && next == '*';
        !assigns && !longer && !power
    }
    fn apply(&self, op: &str, a: i64, b: i64) -> Result<i64, String> {
        if matches!(op, "/" | "%") && b == 0 {
            return if self.live { Err(self.error("division by 0")) } else { Ok(0) };
        }
        let shift = (b & 63) as u32;
        Ok(match op {
            "||" => i64::from(a != 0 || b != 0),
            "&&" => i64::from(a != 0 && b != 0),
            "|" => a | b,
            "^" => a ^ b,
            "&" => a & b,
            "==" => i64::from(a == b),
            "!=" => i64::from(a != b),
            "<=" => i64::from(a <= b),
            ">=" => i64::from(a >= b),
            "<" => i64::from(a < b),
            ">" => i64::from(a > b),
            "<<" => a.wrapping_shl(shift),
            ">>" => a.wrapping_shr(shift),
            "+" => a.wrapping_add(b),
            "-" => a.wrapping_sub(b),
            "*" => a.wrapping_mul(b),
            "/" => a.wrapping_div(b),
            _ => a.wrapping_rem(b),
        })
    }

    fn power(&mut self) -> Result<i64, String> {
        let base = self.unary()?;
        if !self.eat("**") {
            return Ok(base);
        }
        let exponent = self.power()?;
        let exponent = u32::try_from(exponent).map_err(|_| self.error("exponent less than 0"))?;
        Ok(base.wrapping_pow(exponent))
    }
    fn unary(&mut self) -> Result<i64, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("expression recursion level exceeded"));
        }
        let value = if self.eat("++") {
            self.step_before(1)?
        } else if self.eat("--") {
            self.step_before(-1)?
        } else if self.eat("!") {
            i64::from(self.unary()? == 0)
        } else if self.eat("~") {
            !self.unary()?
        } else if self.eat("-") {
            self.unary()?.wrapping_neg()
        } else if self.eat("+") {
            self.unary()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }
    fn step_before(&mut self, by: i64) -> Result<i64, String> {
        self.space();
        let name = self.name();
        if name.is_empty() {
            return Err(self.error("syntax error: operand expected"));
        }
        let value = self.value_of(name)?.wrapping_add(by);
        self.store(name, value);
        Ok(value)
    }

    fn primary(&mut self) -> Result<i64, String> {
        if self.eat("(") {
            let value = self.comma()?;
            return if self.eat(")") { Ok(value) } else { Err(self.error("missing `)'")) };
        }
        self.space();
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.number();
        }
        let name = self.name();
        if name.is_empty() {
            return Err(self.error("syntax error: operand expected"));
        }
        self.space();
        if !self.rest.starts_with("==")
            && let Some(op) = ASSIGN.iter().find(|op| self.rest.starts_with(**op))
        {
            self.rest = &self.rest[op.len()..];
            let right = self.ternary()?;
            let value = match op.strip_suffix('=') {
                Some("") | None => right,
                Some(op) => {
                    let left = self.value_of(name)?;
                    self.apply(op, left, right)?
                }
            };
            self.store(name, value);
            return Ok(value);
        }
        if self.rest.starts_with('[') {
            self.rest = &self.rest[1..];
            let at = self.comma()?;
            if !self.eat("]") {
                return Err(self.error("missing `]'"));
            }
            let text = usize::try_from(at).ok().and_then(|at| self.vars.item(name, at)).unwrap_or_default();
            return if text.trim().is_empty() { Ok(0) } else { evaluate_deep(&text, self.vars, self.depth + 1) };
        }
        let value = self.value_of(name)?;
        if self.eat("++") {
            self.store(name, value.wrapping_add(1));
        } else if self.eat("--") {
            self.store(name, value.wrapping_sub(1));
        }
        Ok(value)
    }
    fn name(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return "";
        }
        self.rest = rest;
        name
    }
    fn number(&mut self) -> Result<i64, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '#').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        let (base, text) = if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            (16, hex)
        } else if let Some((base, text)) = digits.split_once('#') {
            (base.parse().unwrap_or(0), text)
        } else if digits.len() > 1 && digits.starts_with('0') {
            (8, &digits[1..])
        } else {
            (10, digits)
        };
        if !(2..=36).contains(&base) {
            return Err(self.error("invalid arithmetic base"));
        }
        let value = i64::from_str_radix(text, base).map_err(|_| self.error("value too great for base"))?;
        self.rest = rest;
        Ok(value)
    }
    /// A variable's value is an expression itself.
    fn value_of(&mut self, name: &str) -> Result<i64, String> {
        let text = self.vars.get(name).unwrap_or_default();
        match text.trim().parse() {
            Ok(n) if !text.trim().starts_with('0') || text.trim().len() == 1 => Ok(n),
            _ if text.trim().is_empty() => Ok(0),
            _ if self.depth >= MAX_DEPTH => Err(self.error("expression recursion level exceeded")),
            _ => evaluate_deep(&text, self.vars, self.depth + 1),
        }
    }
    fn store(&mut self, name: &str, value: i64) {
        if self.live {
            self.vars.set(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    impl Vars for BTreeMap<String, Str> {
        fn get(&self, name: &str) -> Option<Str> {
            BTreeMap::get(self, name).cloned()
        }
        fn set(&mut self, name: &str, value: i64) {
            self.insert(name.to_owned(), ecow::eco_format!("{value}"));
        }
        fn item(&self, name: &str, at: usize) -> Option<Str> {
            BTreeMap::get(self, name).filter(|_| at == 0).cloned()
        }
    }

    #[test]
    fn expressions() {
        for (text, result) in [
            ("1 + 2 * 3", "7"),
            ("(1+2)*3 % 4", "1"),
            ("x = 5, x++ + ++x", "12"),
            ("1 ? 2 : (y = 9)", "2"),
            ("y", "0"),
            ("0 && (y = 1)", "0"),
            ("2**10", "1024"),
            ("0x1f | 0100", "95"),
            ("1 << 4 >> 1", "8"),
            ("!0 + ~0", "0"),
            ("3 >= 2 && 2 != 1", "1"),
            ("-7 / 2", "-3"),
            ("x += 3", "10"),
            ("1 / 0", "1 / 0: division by 0 (error token is \"1 / 0\")"),
            ("1 +", "1 +: syntax error: operand expected (error token is \"1 +\")"),
            ("", "0"),
        ] {
            let mut vars = BTreeMap::new();
            vars.insert("x".to_owned(), Str::from("7"));
            let out = evaluate(text, &mut vars).map_or_else(|e| e, |n| n.to_string());
            assert_eq!(out, result, "{text}");
        }
    }
}
