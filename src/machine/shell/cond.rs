//! Tests: `[[ … ]]`, and the expressions of `test` and `[`.

use super::arith;
use super::ast::{Cond, Word};
use super::expand::{Expander, Halt};
use super::pattern;
use crate::base::{Str, Time};
use crate::machine::commands::regex::Regex;
use crate::machine::files::{self, Node};
use crate::machine::users::{self, Who};
use crate::machine::{File, Machine};

/// What tests ask about a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
    pub folder: bool,
    pub size: u64,
    pub mode: u16,
    pub modified: Time,
    pub owner: (u16, u16),
    /// What who asks may do with it: 4 read, 2 write, 1 run or enter.
    pub access: u16,
    /// A symbolic link that was not followed.
    pub link: bool,
}

/// What lies at a path whose links were followed; `None` also for one that leads in a circle.
pub fn facts(machine: &Machine, path: &str, who: &Who) -> Option<Facts> {
    let folder = files::stat(machine, path)? == Node::Folder;
    if files::is_link(machine, path) || !users::may(machine, who, files::parent(path), users::ENTER) {
        return None;
    }
    let (mode, owner) = users::bits(machine, path);
    let may = |want: u16| if users::may(machine, who, path, want) { want } else { 0 };
    let run = if who.root() && !folder && mode & 0o111 == 0 { 0 } else { may(users::ENTER) };
    let access = may(users::READ) | may(users::WRITE) | run;
    let file = machine.files.get(path).or_else(|| machine.files.get(&*format!("{path}/")));
    let size = file.filter(|_| !folder).map_or(if folder { 4096 } else { 0 }, File::size);
    let modified = file.map_or(machine.booted_at, |f| f.modified);
    Some(Facts { folder, size, mode, modified, owner, access, link: false })
}

/// How a test looks at a path: its name, and whether a link at its end is followed.
pub type Look<'a> = &'a dyn Fn(&str, bool) -> Option<Facts>;

/// Looks at a machine's files as a shell's user sees them.
pub fn look_at(machine: &Machine, container: &str, cwd: &str, user: &str, path: &str, follow: bool) -> Option<Facts> {
    let path = files::absolute(cwd, path);
    if !follow {
        let at = machine.link_path(container, &path);
        let file = machine.files.get(&at).filter(|f| f.is_link())?;
        let size = file.content.text().len() as u64;
        let (modified, owner) = (file.modified, file.owner);
        return Some(Facts { folder: false, size, mode: 0o777, modified, owner, access: 7, link: true });
    }
    let who = Who::of(machine, if container.is_empty() { user } else { "root" });
    facts(machine, &machine.real_path(container, &path), &who)
}

pub(super) fn holds(cond: &Cond, x: &mut Expander<'_>) -> Result<bool, Halt> {
    Ok(match cond {
        Cond::Word(word) => !x.single(word)?.is_empty(),
        Cond::Not(inner) => !holds(inner, x)?,
        Cond::And(a, b) => holds(a, x)? && holds(b, x)?,
        Cond::Or(a, b) => holds(a, x)? || holds(b, x)?,
        Cond::Unary(op, word) => {
            let text = x.single(word)?;
            match op.as_str() {
                "-v" => x.scope.get(&text).is_some(),
                op => unary(op, &text, &|p, f| look_at(x.machine, x.container, &x.scope.cwd, &x.scope.user, p, f))
                    .unwrap_or(false),
            }
        }
        Cond::Binary(left, op, right) => binary_cond(left, op, right, x)?,
    })
}

fn binary_cond(left: &Word, op: &str, right: &Word, x: &mut Expander<'_>) -> Result<bool, Halt> {
    let a = x.single(left)?;
    match op {
        "=" | "==" | "!=" => {
            let pattern = x.pattern(right)?;
            Ok(pattern::matches(&pattern, &a) == (op != "!="))
        }
        "=~" => {
            let text = x.single(right)?;
            let regex =
                Regex::extended(&text, false).map_err(|_| Halt::Fail(format!("{text}: bad regular expression")))?;
            let found = regex.find(&a, 0);
            let groups =
                found.map(|m| m.groups.iter().map(|g| g.map_or(Str::new(), |(s, e)| a[s..e].into())).collect());
            let matched = groups.is_some();
            let content = super::state::Content::List(groups.unwrap_or_default());
            let var = super::state::Var { content, exported: false, readonly: false };
            x.scope.vars.insert("BASH_REMATCH".into(), var);
            Ok(matched)
        }
        "<" => Ok(a < x.single(right)?),
        ">" => Ok(a > x.single(right)?),
        op if op.starts_with('-') && !matches!(op, "-nt" | "-ot" | "-ef") => {
            let b = x.single(right)?;
            let a = arith::evaluate(&a, &mut x.scope).map_err(Halt::Fail)?;
            let b = arith::evaluate(&b, &mut x.scope).map_err(Halt::Fail)?;
            Ok(compare(op, a, b))
        }
        op => {
            let b = x.single(right)?;
            Ok(newer(op, &a, &b, &|p, f| look_at(x.machine, x.container, &x.scope.cwd, &x.scope.user, p, f)))
        }
    }
}

fn unary(op: &str, text: &str, look: Look<'_>) -> Option<bool> {
    Some(match op {
        "-z" => text.is_empty(),
        "-n" => !text.is_empty(),
        "-e" | "-a" | "-O" | "-G" => look(text, true).is_some(),
        "-f" => look(text, true).is_some_and(|f| !f.folder),
        "-d" => look(text, true).is_some_and(|f| f.folder),
        "-s" => look(text, true).is_some_and(|f| f.size > 0),
        "-r" => look(text, true).is_some_and(|f| f.access & users::READ != 0),
        "-w" => look(text, true).is_some_and(|f| f.access & users::WRITE != 0),
        "-x" => look(text, true).is_some_and(|f| f.access & users::ENTER != 0),
        "-h" | "-L" => look(text, false).is_some_and(|f| f.link),
        "-b" | "-c" | "-p" | "-S" | "-u" | "-g" | "-k" => false,
        "-t" => matches!(text, "0" | "1" | "2"),
        "-v" => false,
        _ => return None,
    })
}

fn compare(op: &str, a: i64, b: i64) -> bool {
    match op {
        "-eq" => a == b,
        "-ne" => a != b,
        "-lt" => a < b,
        "-le" => a <= b,
        "-gt" => a > b,
        _ => a >= b,
    }
}

fn newer(op: &str, a: &str, b: &str, look: Look<'_>) -> bool {
    let time = |p: &str| look(p, true).map(|f| f.modified);
    match op {
        "-nt" => time(a) > time(b),
        "-ot" => time(a) < time(b),
        _ => a == b && time(a).is_some(),
    }
}

/// `test` and `[`: exit code 0 or 1, or the message after `bash: `.
pub fn test(name: &str, args: &[Str], look: Look<'_>) -> Result<bool, String> {
    let args = match (name, args) {
        ("[", [inner @ .., last]) if last == "]" => inner,
        ("[", _) => return Err("[: missing `]'".to_owned()),
        (_, args) => args,
    };
    let mut t = Test { args, at: 0, name, look };
    // POSIX decides by the number of arguments first.
    match args {
        [] => return Ok(false),
        [one] => return Ok(!one.is_empty()),
        [bang, one] if bang == "!" => return Ok(one.is_empty()),
        [op, one] => {
            return unary(op, one, look).ok_or(format!("{name}: {op}: unary operator expected"));
        }
        [a, op, b] if t.is_binary(op) => return t.binary(a, op, b),
        _ => {}
    }
    let value = t.or()?;
    match args.get(t.at) {
        None => Ok(value),
        Some(_) if args.len() == 3 => Err(format!("{name}: {}: binary operator expected", args[1])),
        Some(_) => Err(format!("{name}: too many arguments")),
    }
}

struct Test<'a> {
    args: &'a [Str],
    at: usize,
    name: &'a str,
    look: Look<'a>,
}

impl Test<'_> {
    fn peek(&self) -> Option<&str> {
        self.args.get(self.at).map(Str::as_str)
    }
    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }
    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.eat("-o") {
            value |= self.and()?;
        }
        Ok(value)
    }
    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.eat("-a") {
            value &= self.not()?;
        }
        Ok(value)
    }
    fn not(&mut self) -> Result<bool, String> {
        let mut negate = false;
        while self.at + 1 < self.args.len() && self.eat("!") {
            negate = !negate;
        }
        Ok(self.primary()? != negate)
    }
    fn is_binary(&self, op: &str) -> bool {
        let ops = ["=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];
        ops.contains(&op)
    }
    fn primary(&mut self) -> Result<bool, String> {
        if let Some(op) = self.args.get(self.at + 1)
            && self.is_binary(op)
        {
            let (a, op) = (self.args[self.at].clone(), op.clone());
            let Some(b) = self.args.get(self.at + 2).cloned() else {
                return Err(format!("{}: argument expected", self.name));
            };
            self.at += 3;
            return self.binary(&a, &op, &b);
        }
        if self.eat("(") {
            let value = self.or()?;
            return if self.eat(")") { Ok(value) } else { Err(format!("{}: `)' expected", self.name)) };
        }
        let Some(word) = self.args.get(self.at).cloned() else {
            return Err(format!("{}: argument expected", self.name));
        };
        if let Some(operand) = self.args.get(self.at + 1)
            && word.len() == 2
            && let Some(value) = unary(&word, operand, self.look)
        {
            self.at += 2;
            return Ok(value);
        }
        self.at += 1;
        Ok(!word.is_empty())
    }
    fn binary(&self, a: &str, op: &str, b: &str) -> Result<bool, String> {
        let number = |text: &str| {
            text.trim().parse::<i64>().map_err(|_| format!("{}: {text}: integer expression expected", self.name))
        };
        Ok(match op {
            "=" | "==" => a == b,
            "!=" => a != b,
            "<" => a < b,
            ">" => a > b,
            "-nt" | "-ot" | "-ef" => newer(op, a, b, self.look),
            op => compare(op, number(a)?, number(b)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        for (text, out) in [
            ("[ 3 -eq 3 -a 4 -eq 4 ]", "true"),
            ("[ 3 -eq 3 -a 4 -eq 5 ]", "false"),
            ("[ ! -n x ]", "false"),
            ("[ a = a -o b = c ]", "true"),
            ("[ ( a = b -o c = c ) -a x ]", "true"),
            ("[ -f /etc ]", "false"),
            ("[ -d /etc ]", "true"),
            ("[ ]", "false"),
            ("[ x", "[: missing `]'"),
            ("[ -eq 3 ]", "[: -eq: unary operator expected"),
            ("[ x -eq 3 ]", "[: x: integer expression expected"),
            ("[ a b c d ]", "[: too many arguments"),
            ("[ -eq 3 -a 0 -eq 3 ]", "[: too many arguments"),
        ] {
            let words: Vec<Str> = text.split(' ').map(Str::from).collect();
            let (modified, owner) = (Time::ZERO, (0, 0));
            let etc = Facts { folder: true, size: 0, mode: 0o755, modified, owner, access: 7, link: false };
            let got = test("[", &words[1..], &|p, _| (p == "/etc").then_some(etc));
            assert_eq!(got.map_or_else(|e| e, |b| b.to_string()), out, "{text}");
        }
    }
}
