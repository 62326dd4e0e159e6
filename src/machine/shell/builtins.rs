//! Commands that act on the shell itself, and the small ones bash has built in.

use std::sync::Arc;

use super::eval::{Eval, Frame, Step};
use super::state::{Content, Options, Var};
use super::{cond, is_name};
use crate::base::Str;
use crate::machine::commands::{self, echo, printf};
use crate::machine::files::{self, Node};
use crate::machine::program::Stream;
use crate::machine::terminal::Input;

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
    ("continue", leave_loop),
    ("declare", declare),
    ("echo", |e, args| e.printed(echo::text(&args[1..]))),
    ("eval", |e, args| e.run_text(&args[1..].join(" "), None)),
    ("exec", exec),
    ("exit", exit),
    ("export", declare),
    ("false", |e, _| e.done(1)),
    ("fg", fg),
    ("getopts", |e, _| e.fail(2, "getopts: not modelled")),
    ("history", history),
    ("jobs", jobs),
    ("let", let_),
    ("local", declare),
    ("logout", exit),
    ("printf", print_format),
    ("pwd", |e, _| {
        let cwd = e.sh.scope.cwd.clone();
        e.printed(format!("{cwd}\n"))
    }),
    ("read", read),
    ("readonly", declare),
    ("return", return_),
    ("set", set),
    ("shift", shift),
    ("shopt", |e, _| e.done(0)),
    ("source", source),
    ("test", test),
    ("times", |e, _| e.printed("0m0.010s 0m0.012s\n0m0.000s 0m0.000s\n".to_owned())),
    ("trap", trap),
    ("true", |e, _| e.done(0)),
    ("type", type_),
    ("typeset", declare),
    ("ulimit", |e, _| e.printed("unlimited\n".to_owned())),
    ("umask", |e, _| e.printed("0022\n".to_owned())),
    ("unalias", unalias),
    ("unset", unset),
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
    fn printed(&mut self, text: String) -> Step {
        self.write(Stream::Out, &text);
        self.done(0)
    }
    fn fail(&mut self, code: i32, message: &str) -> Step {
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
        Some(Node::Folder) => {}
        Some(Node::File) => return e.fail(1, &format!("cd: {target}: {}", files::NOT_FOLDER)),
        None => return e.fail(1, &format!("cd: {target}: {}", files::NO_SUCH)),
    }
    let old = std::mem::replace(&mut e.sh.scope.cwd, path.clone());
    e.sh.scope.set("OLDPWD", old);
    e.task.cwd = path.clone();
    if show { e.printed(format!("{path}\n")) } else { e.done(0) }
}

fn test(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let cwd = e.sh.scope.cwd.clone();
    let out = cond::test(&args[0], &args[1..], &|p| cond::facts(e.ctx.host(), &e.real(&files::absolute(&cwd, p))));
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
        return e.fail(1, "return: can only `return' from a function or sourced script");
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

/// `export`, `local`, `readonly`, `declare`.
fn declare(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let (mut name, mut export, mut readonly, mut drop_export) = (args[0].as_str(), false, false, false);
    let mut rest = &args[1..];
    if name == "typeset" {
        name = "declare";
    }
    while let Some(flags) = rest.first().filter(|a| a.starts_with('-') && a.len() > 1) {
        for flag in flags[1..].chars() {
            match flag {
                'x' => export = true,
                'r' => readonly = true,
                'n' if name == "export" => drop_export = true,
                'p' | 'a' | 'g' | 'i' | 'f' => {}
                _ => return e.fail(2, &format!("{}: -{flag}: invalid option", args[0])),
            }
        }
        rest = &rest[1..];
    }
    export |= name == "export" && !drop_export;
    readonly |= name == "readonly";
    if rest.is_empty() {
        let shown = e.sh.scope.vars.iter().filter(|(_, v)| (v.exported || !export) && (v.readonly || !readonly));
        let lines: String = shown
            .map(|(n, v)| format!("declare -{} {n}=\"{}\"\n", if v.exported { "x" } else { "-" }, text_of(v)))
            .collect();
        return e.printed(lines);
    }
    let local = name == "local" || name == "declare";
    let call = e.sh.frames.iter().rposition(|f| matches!(f, Frame::Call { .. }));
    if name == "local" && call.is_none() {
        return e.fail(1, "local: can only be used in a function");
    }
    let mut code = 0;
    for word in rest {
        let (variable, value) = match word.split_once('=') {
            Some((n, v)) => (n, Some(v)),
            None => (word.as_str(), None),
        };
        if !is_name(variable) {
            e.error(&format!("{}: `{word}': not a valid identifier", args[0]));
            code = 1;
            continue;
        }
        let before = e.sh.scope.vars.get(variable).cloned();
        if before.as_ref().is_some_and(|v| v.readonly) && value.is_some() {
            e.error(&format!("{variable}: readonly variable"));
            code = 1;
            continue;
        }
        if let (true, Some(call)) = (local, call)
            && let Frame::Call { locals, .. } = &mut e.sh.frames[call]
        {
            locals.push((variable.into(), before.clone()));
        }
        let value = value.map(Str::from).or_else(|| (local && call.is_some()).then(Str::new));
        match value {
            Some(value) => e.sh.scope.set(variable, value),
            None if before.is_none() && (export || readonly) => e.sh.scope.set(variable, ""),
            None => {}
        }
        if let Some(var) = e.sh.scope.vars.get_mut(variable) {
            var.exported = (var.exported || export) && !drop_export;
            var.readonly |= readonly;
        }
    }
    e.done(code)
}

fn text_of(var: &Var) -> Str {
    match &var.content {
        Content::Text(text) => text.clone(),
        Content::List(items) => items.iter().cloned().collect::<Vec<_>>().join(" ").into(),
    }
}

fn unset(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    for name in args[1..].iter().filter(|a| !a.starts_with('-')) {
        if e.sh.scope.vars.get(name).is_some_and(|v| v.readonly) {
            return e.fail(1, &format!("unset: {name}: cannot unset: readonly variable"));
        }
        if e.sh.scope.vars.remove(name).is_none() {
            e.sh.functions.remove(name);
        }
    }
    e.done(0)
}

fn set(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    if args.len() == 1 {
        let lines: String = e.sh.scope.vars.iter().map(|(n, v)| format!("{n}={}\n", text_of(v))).collect();
        return e.printed(lines);
    }
    let mut at = 1;
    while let Some(word) = args.get(at) {
        let on = word.starts_with('-');
        if word == "--" {
            at += 1;
            e.sh.scope.params = Arc::new(args[at..].to_vec());
            return e.done(0);
        }
        if !(on || word.starts_with('+')) || word.len() < 2 {
            e.sh.scope.params = Arc::new(args[at..].to_vec());
            return e.done(0);
        }
        at += 1;
        for flag in word[1..].chars() {
            if flag == 'o' {
                let options = &mut e.sh.scope.options;
                match args.get(at).map(Str::as_str) {
                    Some("pipefail") => options.pipefail = on,
                    Some("errexit") => options.errexit = on,
                    Some("nounset") => options.nounset = on,
                    Some("xtrace") => options.xtrace = on,
                    Some("noglob") => options.noglob = on,
                    Some("noclobber") => options.noclobber = on,
                    Some("vi" | "emacs" | "posix" | "history" | "monitor") => {}
                    Some(name) => {
                        let message = format!("set: {name}: invalid option name");
                        return e.fail(1, &message);
                    }
                    None => return e.done(0),
                }
                at += 1;
            } else if !set_flag(&mut e.sh.scope.options, flag, on) {
                return e.fail(2, &format!("set: -{flag}: invalid option"));
            }
        }
    }
    e.done(0)
}

fn shift(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let by = args.get(1).and_then(|a| a.parse::<usize>().ok()).unwrap_or(1);
    if by > e.sh.scope.params.len() {
        return e.done(1);
    }
    e.sh.scope.params = Arc::new(e.sh.scope.params[by..].to_vec());
    e.done(0)
}

fn source(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let Some(name) = args.get(1) else {
        return e.fail(2, &format!("{}: filename argument required", args[0]));
    };
    let path = e.real(&files::absolute(&e.sh.scope.cwd, name));
    let text = match files::read(e.ctx.host(), &path) {
        Ok(text) => text,
        Err(error) => return e.fail(1, &format!("{name}: {error}")),
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

fn read(e: &mut Eval<'_, '_>, args: Vec<Str>) -> Step {
    let (mut raw, mut prompt, mut names) = (false, None, Vec::new());
    let mut at = 1;
    while let Some(word) = args.get(at) {
        at += 1;
        match word.as_str() {
            "-r" => raw = true,
            "-p" | "-rp" => {
                raw |= word == "-rp";
                prompt = args.get(at).cloned();
                at += 1;
            }
            "-s" | "-e" => {}
            "-t" | "-n" | "-d" | "-u" => at += 1,
            word if word.starts_with('-') && word.len() > 1 => {
                return e.fail(2, &format!("read: {word}: invalid option"));
            }
            name => names.push(Str::from(name)),
        }
    }
    let text = match e.term.read_line(e.task.fds.get(&0).cloned().as_ref()) {
        Input::Text(text) => text,
        Input::End => {
            for name in &names {
                e.sh.scope.set(name, "");
            }
            return e.done(1);
        }
        Input::Later => {
            if let Some(prompt) = &prompt {
                e.write(Stream::Err, prompt);
            }
            // Without its prompt, which is printed once.
            let again = args.iter().filter(|a| Some(*a) != prompt.as_ref() && *a != "-p").cloned();
            let again = again.map(|a| if a == "-rp" { "-r".into() } else { a }).collect();
            e.sh.frames.push(Frame::Builtin(again));
            return Step::Wait;
        }
    };
    let complete = text.ends_with('\n');
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = if raw { line.to_owned() } else { line.replace('\\', "") };
    if names.is_empty() {
        e.sh.scope.set("REPLY", line);
        return e.done(i32::from(!complete));
    }
    let ifs = e.sh.scope.get("IFS").unwrap_or(" \t\n".into());
    let is_end = |c: char| ifs.contains(c);
    let blank = |c: char| is_end(c) && c.is_whitespace();
    let mut rest = line.trim_start_matches(blank).to_owned();
    for (i, name) in names.iter().enumerate() {
        if i + 1 == names.len() {
            e.sh.scope.set(name, rest.trim_end_matches(blank));
            break;
        }
        let end = rest.find(is_end).unwrap_or(rest.len());
        e.sh.scope.set(name, &rest[..end]);
        let after = rest[end..].trim_start_matches(blank);
        let after = after.strip_prefix(|c| is_end(c) && !c.is_whitespace()).unwrap_or(after);
        rest = after.trim_start_matches(blank).to_owned();
    }
    e.done(i32::from(!complete))
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
