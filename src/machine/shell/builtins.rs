//! Commands that act on the shell itself, and the small ones bash has built in.

use std::sync::Arc;

use super::eval::{Eval, Frame, Step};
use super::state::Options;
use super::{cond, input, variables};
use crate::base::Str;
use crate::machine::commands::{self, echo, printf};
use crate::machine::files::{self, Node};
use crate::machine::program::Stream;
use crate::machine::users::{self, Who};

pub(super) type Builtin = fn(&mut Eval<'_, '_>, Vec<Str>) -> Step;

/// Name and function of each built-in.
const TABLE: &[(&str, Builtin)] = &[
    (".", source),
    (":", |e, _| e.done(0)),
    ("[", test),
    ("alias", alias),
    ("bg", |e, _| e.fail(1, "bg: no job control in this terminal")),
    ("break", leave_loop),
    ("builtin", command),
    ("cd", cd),
    ("command", command),
    ("complete", |e, _| e.done(0)),
    ("compopt", |e, _| e.done(0)),
    ("continue", leave_loop),
    ("declare", variables::declare),
    ("dirs", |e, _| {
        let cwd = e.sh.scope.cwd.clone();
        e.printed(format!("{cwd}\n"))
    }),
    ("disown", disown),
    ("echo", |e, args| e.printed(echo::text(&args[1..]))),
    ("eval", |e, args| e.run_text(&args[1..].join(" "), None)),
    ("exec", exec),
    ("exit", exit),
    ("export", variables::declare),
    ("false", |e, _| e.done(1)),
    ("fg", fg),
    ("getopts", input::getopts),
    ("hash", |e, _| e.done(0)),
    ("history", history),
    ("jobs", jobs),
    ("let", let_),
    ("local", variables::declare),
    ("logout", exit),
    ("mapfile", input::mapfile),
    ("popd", popd),
    ("printf", print_format),
    ("pushd", pushd),
    ("pwd", |e, _| {
        let cwd = e.sh.scope.cwd.clone();
        e.printed(format!("{cwd}\n"))
    }),
    ("read", input::read),
    ("readarray", input::mapfile),
    ("readonly", variables::declare),
    ("return", return_),
    ("set", variables::set),
    ("shift", variables::shift),
    ("shopt", variables::shopt),
    ("source", source),
    ("test", test),
    ("times", |e, _| e.printed("0m0.010s 0m0.012s\n0m0.000s 0m0.000s\n".to_owned())),
    ("trap", trap),
    ("true", |e, _| e.done(0)),
    ("type", type_),
    ("typeset", variables::declare),
    ("ulimit", ulimit),
    ("umask", |e, _| e.printed("0022\n".to_owned())),
    ("unalias", unalias),
    ("unset", variables::unset),
    ("wait", wait),
];

pub(super) fn find(name: &str) -> Option<Builtin> {
    TABLE.binary_search_by(|(n, _)| (*n).cmp(name)).ok().map(|i| TABLE[i].1)
}

/// Names of all built-ins, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|(name, _)| *name)
}

/// Sets the option of a letter; whether there is one.
pub fn set_flag(options: &mut Options, flag: char, on: bool) -> bool {
    match flag {
        'e' => options.errexit = on,
        'u' => options.nounset = on,
        'x' => options.xtrace = on,
        'f' => options.noglob = on,
        'C' => options.noclobber = on,
        'h' | 'B' | 'm' | 'b' | 'a' | 'v' | 'E' | 'T' => {}
        _ => return false,
    }
    true
}

impl Eval<'_, '_> {
    /// Where on the machine lies what this shell calls `path`.
    pub(super) fn real(&self, path: &str) -> Str {
        self.ctx.host().real_path(&self.task.container, path)
    }
    /// The text of a file this shell's user may read.
    pub(super) fn read_text(&self, path: &str) -> Result<Str, Str> {
        let path = self.real(path);
        let text = files::read(self.ctx.host(), &path)?;
        if self.may(&path, users::READ) { Ok(text) } else { Err(users::DENIED.into()) }
    }
    pub(super) fn who(&self) -> Who {
        let user = if self.task.container.is_empty() { self.task.user.as_str() } else { "root" };
        Who::of(self.ctx.host(), user)
    }
    fn may(&self, path: &str, want: u16) -> bool {
        users::may(self.ctx.host(), &self.who(), path, want)
    }
    pub(super) fn printed(&mut self, text: String) -> Step {
        self.write(Stream::Out, &text);
        self.done(0)
    }
    pub(super) fn fail(&mut self, code: i32, message: &str) -> Step {
        self.error(message);
        self.done(code)
    }
}

fn cd(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let scope = &e.sh.scope;
    let (target, show) = match args.get(1).map(Str::as_str).filter(|a| *a != "--") {
        None | Some("~") => (scope.get("HOME").unwrap_or("/".into()), false),
        Some("-") => match scope.get("OLDPWD") {
            Some(old) => (old, true),
            None => return e.fail(1, "cd: OLDPWD not set"),
        },
        Some(path) => (path.into(), false),
    };
    if args.len() > 2 && args[1] != "--" {
        return e.fail(1, "cd: too many arguments");
    }
    let path = files::absolute(&scope.cwd, &target);
    match files::stat(e.ctx.host(), &e.real(&path)) {
        Some(Node::Folder) if e.may(&e.real(&path), users::ENTER) => {}
        Some(Node::Folder) => return e.fail(1, &format!("cd: {target}: {}", users::DENIED)),
        Some(Node::File) => return e.fail(1, &format!("cd: {target}: {}", files::NOT_FOLDER)),
        None => return e.fail(1, &format!("cd: {target}: {}", files::NO_SUCH)),
    }
    let old = std::mem::replace(&mut e.sh.scope.cwd, path.clone());
    e.sh.scope.set("OLDPWD", old);
    e.task.cwd = path.clone();
    if show { e.printed(format!("{path}\n")) } else { e.done(0) }
}

/// `pushd DIR`: the folders left behind lie in a variable, the last first.
fn pushd(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let Some(target) = args.get(1) else { return e.fail(1, "pushd: no other directory") };
    let path = files::absolute(&e.sh.scope.cwd, target);
    if files::stat(e.ctx.host(), &e.real(&path)) != Some(Node::Folder) {
        return e.fail(1, &format!("pushd: {target}: {}", files::NO_SUCH));
    }
    let stack = e.sh.scope.get(STACK).unwrap_or_default();
    let stack = format!("{}\n{stack}", e.sh.scope.cwd);
    move_to(e, path, &stack)
}

fn popd(e: &mut Eval<'_, '_>, _: Vec<Str>) -> Step {
    let stack = e.sh.scope.get(STACK).unwrap_or_default();
    match stack.split_once('\n') {
        Some((top, rest)) => move_to(e, top.into(), rest),
        None => e.fail(1, "popd: directory stack empty"),
    }
}

const STACK: &str = "DIRSTACK";

fn move_to(e: &mut Eval<'_, '_>, path: Str, stack: &str) -> Step {
    let old = std::mem::replace(&mut e.sh.scope.cwd, path.clone());
    e.sh.scope.set("OLDPWD", old);
    e.task.cwd = path.clone();
    e.sh.scope.set(STACK, stack);
    let home = e.sh.scope.get("HOME").unwrap_or_default();
    let all = format!("{path}\n{stack}");
    let short = |p: &str| p.strip_prefix(home.as_str()).map_or(p.to_owned(), |rest| format!("~{rest}"));
    let shown: Vec<String> = all.lines().map(short).collect();
    e.printed(format!("{}\n", shown.join(" ")))
}

fn test(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let cwd = e.sh.scope.cwd.clone();
    if let [_, v, name, ..] = &args[..]
        && v == "-v"
    {
        return e.done(i32::from(e.sh.scope.get(name).is_none()));
    }
    let (host, container, user) = (e.ctx.host(), e.task.container.as_str(), e.task.user.as_str());
    let look = |p: &str, follow: bool| match files::descriptor(p).filter(|n| e.task.fds.contains_key(n)) {
        Some(_) => cond::look_at(host, "", "/", "root", "/dev/null", true),
        None => cond::look_at(host, container, &cwd, user, p, follow),
    };
    let out = cond::test(&args[0], &args[1..], &look);
    match out {
        Ok(value) => e.done(i32::from(!value)),
        Err(message) => e.fail(2, &message),
    }
}

fn print_format(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.get(1).is_some_and(|a| a == "-v") && args.len() > 3 {
        let (text, _) = printf::format(&args[3], &args[4..]);
        e.sh.scope.set(&args[2], text);
        return e.done(0);
    }
    let Some(format) = args.get(1) else {
        return e.fail(2, "printf: usage: printf [-v var] format [arguments]");
    };
    let (text, errors) = printf::format(format, &args[2..]);
    e.write(Stream::Out, &text);
    for error in &errors {
        e.error(&format!("printf: {error}"));
    }
    e.done(i32::from(!errors.is_empty()))
}

fn exit(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let code = match args.get(1).map(|a| a.parse::<i32>()) {
        None => e.sh.scope.status,
        Some(Ok(code)) => code & 0xff,
        Some(Err(_)) => {
            e.error(&format!("exit: {}: numeric argument required", args[1]));
            2
        }
    };
    if e.task.id != e.term.login {
        e.say_goodbye();
    }
    e.exit(code)
}

fn return_(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let inside = e.sh.frames.iter().any(|f| matches!(f, Frame::Call { .. } | Frame::Source(_)));
    if !inside {
        return e.fail(2, "return: can only `return' from a function or sourced script");
    }
    let code = args.get(1).and_then(|a| a.parse::<i32>().ok()).unwrap_or(e.sh.scope.status);
    while let Some(frame) = e.sh.frames.pop() {
        let last = matches!(frame, Frame::Call { .. } | Frame::Source(_));
        e.undo(frame);
        if last {
            break;
        }
    }
    e.done(code & 0xff)
}

fn leave_loop(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let is_loop = |f: &Frame| matches!(f, Frame::While { .. } | Frame::For { .. } | Frame::ForArith(_));
    let here = e.sh.frames.iter().rev().take_while(|f| !matches!(f, Frame::Call { .. } | Frame::Source(_)));
    let loops = here.filter(|f| is_loop(f)).count();
    if loops == 0 {
        let message = format!("{}: only meaningful in a `for', `while', or `until' loop", args[0]);
        e.error(&message);
        return e.done(0);
    }
    let wanted = args.get(1).and_then(|a| a.parse::<usize>().ok()).unwrap_or(1).clamp(1, loops);
    let mut left = wanted;
    e.sh.scope.status = 0;
    while let Some(frame) = e.sh.frames.pop() {
        left -= usize::from(is_loop(&frame));
        if left == 0 {
            if args[0] == "continue" {
                e.sh.frames.push(frame);
            }
            break;
        }
        e.undo(frame);
    }
    Step::Go
}

fn source(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let Some(name) = args.get(1) else {
        return e.fail(2, &format!("{}: filename argument required", args[0]));
    };
    let path = files::absolute(&e.sh.scope.cwd, name);
    let text = match e.open_descriptor(&path) {
        Some(text) => text,
        None => match e.read_text(&path) {
            Ok(text) => text,
            Err(error) => return e.fail(1, &format!("{name}: {error}")),
        },
    };
    let hidden = (args.len() > 2).then(|| std::mem::replace(&mut e.sh.scope.params, Arc::new(args[2..].to_vec())));
    e.sh.frames.push(Frame::Source(hidden));
    e.run_text(&text, Some(name))
}

fn exec(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    // The program takes the shell's place: the shell ends with it.
    let env = e.sh.scope.environment();
    if !e.sh.interactive {
        e.sh.frames.clear();
    }
    e.program(args[1..].to_vec(), env)
}

fn command(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    match args.get(1).map(Str::as_str) {
        None => e.done(0),
        Some("-v") => {
            let lines: Vec<String> = args[2..].iter().filter_map(|n| location(e, n)).collect();
            for line in &lines {
                e.write(Stream::Out, &format!("{line}\n"));
            }
            e.done(i32::from(lines.is_empty()))
        }
        Some(name) => match find(name) {
            Some(run) => run(e, args[1..].to_vec()),
            None => {
                let env = e.sh.scope.environment();
                e.program(args[1..].to_vec(), env)
            }
        },
    }
}

/// What a name would run, as `command -v` prints it.
fn location(e: &Eval<'_, '_>, name: &str) -> Option<String> {
    if let Some(text) = e.sh.aliases.get(name).filter(|_| e.sh.interactive) {
        return Some(format!("alias {name}='{text}'"));
    }
    if e.sh.functions.contains_key(name) || find(name).is_some() {
        return Some(name.to_owned());
    }
    let command = commands::find(e.ctx.host(), &e.task.container, e.ctx.world.config.profile, name)?;
    Some(command.path())
}

fn type_(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let mut code = 0;
    if args.get(1).is_some_and(|a| a == "-t") {
        for name in &args[2..] {
            let kind = match () {
                () if e.sh.aliases.contains_key(name) && e.sh.interactive => "alias",
                () if KEYWORDS.contains(&name.as_str()) => "keyword",
                () if e.sh.functions.contains_key(name) => "function",
                () if find(name).is_some() => "builtin",
                () if location(e, name).is_some() => "file",
                () => {
                    code = 1;
                    continue;
                }
            };
            e.write(Stream::Out, &format!("{kind}\n"));
        }
        return e.done(code);
    }
    for name in &args[1..] {
        let line = if let Some(text) = e.sh.aliases.get(name) {
            format!("{name} is aliased to `{text}'\n")
        } else if e.sh.functions.contains_key(name) {
            format!("{name} is a function\n")
        } else if find(name).is_some() {
            format!("{name} is a shell builtin\n")
        } else if let Some(path) = location(e, name) {
            format!("{name} is {path}\n")
        } else {
            e.error(&format!("type: {name}: not found"));
            code = 1;
            continue;
        };
        e.write(Stream::Out, &line);
    }
    e.done(code)
}

const KEYWORDS: [&str; 20] = [
    "!", "[[", "]]", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select",
    "then", "time", "until", "while", "{",
];

fn alias(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let mut code = 0;
    if args.len() == 1 {
        let lines: String = e.sh.aliases.iter().map(|(n, t)| format!("alias {n}='{t}'\n")).collect();
        return e.printed(lines);
    }
    for word in &args[1..] {
        match word.split_once('=') {
            Some((name, text)) => drop(e.sh.aliases.insert(name.into(), text.into())),
            None => match e.sh.aliases.get(word).cloned() {
                Some(text) => e.write(Stream::Out, &format!("alias {word}='{text}'\n")),
                None => {
                    e.error(&format!("alias: {word}: not found"));
                    code = 1;
                }
            },
        }
    }
    e.done(code)
}

fn unalias(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.get(1).is_some_and(|a| a == "-a") {
        e.sh.aliases.clear();
        return e.done(0);
    }
    for name in &args[1..] {
        if e.sh.aliases.remove(name).is_none() {
            return e.fail(1, &format!("unalias: {name}: not found"));
        }
    }
    e.done(0)
}

fn let_(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let mut value = 0;
    for text in &args[1..] {
        match super::arith::evaluate(text, &mut e.sh.scope) {
            Ok(n) => value = n,
            Err(message) => return e.fail(1, &format!("let: {message}")),
        }
    }
    e.done(i32::from(value == 0))
}

fn trap(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let Some(action) = args.get(1).filter(|_| args.len() > 2) else { return e.done(0) };
    for signal in &args[2..] {
        let signal = Str::from(signal.strip_prefix("SIG").unwrap_or(signal));
        let signal = if signal == "0" { "EXIT".into() } else { signal };
        if action == "-" || action.is_empty() {
            e.sh.traps.remove(&signal);
            continue;
        }
        match super::parse(action, &crate::base::persistent::OrdMap::new()) {
            Ok(block) => drop(e.sh.traps.insert(signal, block)),
            Err(_) => return e.fail(1, &format!("trap: {action}: syntax error")),
        }
    }
    e.done(0)
}

fn wait(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let wanted: Vec<u32> = match &args[1..] {
        [] => e.sh.jobs.iter().map(|j| j.task).collect(),
        some => {
            let of = |a: &Str| {
                let job = a.strip_prefix('%').and_then(|n| n.parse::<u32>().ok());
                let pid = a.parse::<u32>().ok();
                e.sh.jobs.iter().find(|j| Some(j.number) == job || Some(j.pid) == pid).map(|j| j.task)
            };
            match some.iter().map(of).collect::<Option<Vec<u32>>>() {
                Some(tasks) => tasks,
                None => return e.fail(127, &format!("wait: pid {} is not a child of this shell", some[0])),
            }
        }
    };
    if wanted.iter().any(|t| e.term.tasks.contains_key(t)) {
        e.sh.frames.push(Frame::Builtin(args));
        return Step::Wait;
    }
    let codes: Vec<i32> = wanted.iter().filter_map(|t| e.term.exit_code(*t)).collect();
    e.sh.jobs.retain(|j| !wanted.contains(&j.task));
    let code = if args.len() > 1 { codes.last().copied().unwrap_or(0) } else { 0 };
    e.done(code)
}

fn jobs(e: &mut Eval<'_, '_>, _: Vec<Str>) -> Step {
    let last = e.sh.jobs.last().map(|j| j.number);
    let lines: String = (e.sh.jobs.iter())
        .map(|j| {
            let state = if e.term.tasks.contains_key(&j.task) { "Running" } else { "Done" };
            let mark = if Some(j.number) == last { '+' } else { '-' };
            format!("[{}]{mark}  {state:<22}  {} &\n", j.number, j.text)
        })
        .collect();
    e.printed(lines)
}

fn fg(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let number = args.get(1).and_then(|a| a.trim_start_matches('%').parse::<u32>().ok());
    let at = match number {
        Some(n) => e.sh.jobs.iter().position(|j| j.number == n),
        None => e.sh.jobs.len().checked_sub(1),
    };
    let Some(at) = at else {
        let name = args.get(1).map_or("current", Str::as_str);
        return e.fail(1, &format!("fg: {name}: no such job"));
    };
    let job = e.sh.jobs.remove(at);
    e.write(Stream::Out, &format!("{}\n", job.text));
    e.sh.frames.push(Frame::Child(job.task));
    Step::Wait
}

fn disown(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let words: Vec<&Str> = args[1..].iter().filter(|a| !a.starts_with('-')).collect();
    let Some(last) = e.sh.jobs.last().map(|j| j.number) else {
        return e.fail(1, "disown: current: no such job");
    };
    let number = |w: &&Str| w.trim_start_matches('%').parse::<u32>().ok();
    let wanted: Vec<u32> = if words.is_empty() { vec![last] } else { words.iter().filter_map(number).collect() };
    if let Some(word) = words.iter().find(|w| {
        let n = w.trim_start_matches('%');
        !e.sh.jobs.iter().any(|j| n == j.number.to_string() || n == j.pid.to_string())
    }) {
        let message = format!("disown: {word}: no such job");
        return e.fail(1, &message);
    }
    let all = args.iter().any(|a| a == "-a");
    e.sh.jobs.retain(|j| !(all || wanted.contains(&j.number) || wanted.contains(&j.pid)));
    e.done(0)
}

/// What CentOS and Rocky set for a login of root.
const LIMITS: [(char, &str, &str); 9] = [
    ('c', "core file size          (blocks, -c)", "0"),
    ('d', "data seg size           (kbytes, -d)", "unlimited"),
    ('f', "file size               (blocks, -f)", "unlimited"),
    ('l', "max locked memory       (kbytes, -l)", "64"),
    ('n', "open files                      (-n)", "1024"),
    ('s', "stack size              (kbytes, -s)", "8192"),
    ('t', "cpu time               (seconds, -t)", "unlimited"),
    ('u', "max user processes              (-u)", "9987"),
    ('v', "virtual memory          (kbytes, -v)", "unlimited"),
];

/// Shows limits; setting one changes nothing.
fn ulimit(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let flags: String = args[1..].iter().filter_map(|a| a.strip_prefix('-')).collect();
    if flags.contains('a') {
        return e.printed(LIMITS.iter().map(|(_, text, value)| format!("{text} {value}\n")).collect());
    }
    let letter = flags.chars().find(|c| !"SH".contains(*c)).unwrap_or('f');
    let Some((_, _, value)) = LIMITS.iter().find(|(c, ..)| *c == letter) else {
        return e.fail(2, &format!("ulimit: -{letter}: invalid option"));
    };
    match args[1..].iter().any(|a| !a.starts_with('-')) {
        true => e.done(0),
        false => e.printed(format!("{value}\n")),
    }
}

fn history(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.get(1).is_some_and(|a| a == "-c") {
        e.sh.typed.clear();
        return e.done(0);
    }
    let all = e.sh.typed.len();
    let count = args.get(1).and_then(|a| a.parse::<usize>().ok()).unwrap_or(all);
    let skip = all.saturating_sub(count);
    let lines: String = e.sh.typed.iter().enumerate().skip(skip).map(|(i, t)| format!("{:5}  {t}\n", i + 1)).collect();
    e.printed(lines)
}
