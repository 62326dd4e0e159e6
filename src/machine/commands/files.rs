//! What changes the file tree: `cp`, `mv`, `rm`, `mkdir`, `rmdir`, `touch`, `chmod`; and `find`.

use super::options::{Options, Spec, parse};
use super::row;
use crate::api::{List, Value};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};
use crate::machine::shell::pattern;

pub static CP: Command = row("cp", ["copy files", "파일을 복사합니다"], cp);
pub static MV: Command = row("mv", ["move or rename files", "파일을 옮기거나 이름을 바꿉니다"], mv);
pub static RM: Command = row("rm", ["remove files", "파일을 지웁니다"], rm);
pub static MKDIR: Command = row("mkdir", ["make folders", "폴더를 만듭니다"], mkdir);
pub static RMDIR: Command = row("rmdir", ["remove empty folders", "빈 폴더를 지웁니다"], rmdir);
pub static TOUCH: Command =
    row("touch", ["make an empty file or renew its time", "빈 파일을 만들거나 시각을 바꿉니다"], touch);
pub static CHMOD: Command = row("chmod", ["change a file's mode", "파일 권한을 바꿉니다"], chmod);
pub static FIND: Command = row("find", ["find files", "파일을 찾습니다"], find);

/// Whether a path is a folder; `None`: there is nothing.
pub(super) fn kind(io: &mut Io<'_>, path: &str) -> Flow<Option<bool>> {
    let stat = io.call("stat", path.into())?;
    Ok(stat.get("folder").and_then(Value::as_bool))
}

pub(super) fn complain<T>(io: &mut Io<'_>, name: &str, what: &str, code: i32) -> Flow<T> {
    io.errln(format!("{name}: {what}"));
    io.fail(code, format!("Try '{name} --help' for more information."))
}

/// Whether anything is there, a link that leads nowhere included; `true`: a folder or a link to none.
fn own_kind(io: &mut Io<'_>, path: &str) -> Flow<Option<bool>> {
    let stat = io.call("lstat", path.into())?;
    Ok(stat.get("folder").and_then(Value::as_bool))
}

pub(super) fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

const CP_SPEC: Spec = Spec::new(
    "rRafpivnut:TdPLHl",
    &[
        ("recursive", 'r'),
        ("archive", 'a'),
        ("force", 'f'),
        ("interactive", 'i'),
        ("verbose", 'v'),
        ("no-clobber", 'n'),
        ("preserve", 'Q'),
        ("no-dereference", 'P'),
        ("dereference", 'L'),
        ("update", 'u'),
        ("target-directory", 't'),
    ],
    1,
);

fn cp(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &CP_SPEC)?;
    let whole = o.has('r') || o.has('R') || o.has('a');
    if o.has('l') {
        return io.fail(1, "cp: hard links are not modelled; use cp, or ln -s");
    }
    transfer(io, &o, "cp", "copy", whole)
}

fn mv(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &CP_SPEC)?;
    transfer(io, &o, "mv", "move", true)
}

fn transfer(io: &mut Io<'_>, o: &Options, name: &str, call: &str, folders: bool) -> Flow<i32> {
    let mut from = o.rest.clone();
    let to = match o.value('t').cloned().or_else(|| from.pop()) {
        Some(to) if !from.is_empty() => to,
        Some(last) => return complain(io, name, &format!("missing destination file operand after '{last}'"), 1),
        None => return complain(io, name, "missing file operand", 1),
    };
    let target = kind(io, &to)?;
    if from.len() > 1 && target != Some(true) {
        return io.fail(1, format!("{name}: target '{to}' is not a directory"));
    }
    let mut code = 0;
    for path in from {
        let goal = if target == Some(true) {
            ecow::eco_format!("{}/{}", to.trim_end_matches('/'), base(&path))
        } else {
            to.clone()
        };
        let folder_of_goal =
            goal.trim_end_matches('/').rsplit_once('/').map_or(".", |(f, _)| if f.is_empty() { "/" } else { f });
        let links = call == "move" || ((folders || o.has('P') || o.has('d')) && !o.has('L'));
        let what = if links { own_kind(io, &path)? } else { kind(io, &path)? };
        let why = match what {
            None => Some(format!("cannot stat '{path}': {}", reason(io, &path)?)),
            Some(true) if !folders => Some(format!("omitting directory '{path}'")),
            Some(_) if path == goal => Some(format!("'{path}' and '{goal}' are the same file")),
            Some(true) if format!("{goal}/").starts_with(&format!("{path}/")) => {
                Some(format!("cannot {call} a directory, '{path}', into itself, '{goal}'"))
            }
            Some(true) if kind(io, &goal)? == Some(false) => {
                Some(format!("cannot overwrite non-directory '{goal}' with directory '{path}'"))
            }
            Some(false) if target.is_none() && kind(io, folder_of_goal)? != Some(true) => Some(match call {
                "copy" => format!("cannot create regular file '{goal}': No such file or directory"),
                _ => format!("cannot move '{path}' to '{goal}': No such file or directory"),
            }),
            Some(_) => None,
        };
        if let Some(why) = why {
            io.errln(format!("{name}: {why}"));
            code = 1;
        } else if !(o.has('n') && kind(io, &goal)?.is_some()) {
            let asks = o.has('i') && !o.has('f') && kind(io, &goal)? == Some(false);
            if asks && !agrees(io, &format!("{name}: overwrite '{goal}'? "))? {
                continue;
            }
            let keep = o.has('a') || o.has('p') || o.has('Q');
            let to = goal.trim_end_matches('/');
            let done = io.call(call, map! { "from" => &path, "to" => to, "links" => links, "keep" => keep }.into())?;
            let why = match done.as_str() {
                "" => None,
                "unreadable" => Some(format!("cannot open '{path}' for reading: Permission denied")),
                why if call == "move" => Some(format!("cannot move '{path}' to '{goal}': {why}")),
                why if what == Some(true) => Some(format!("cannot create directory '{goal}': {why}")),
                why => Some(format!("cannot create regular file '{goal}': {why}")),
            };
            if let Some(why) = why {
                io.errln(format!("{name}: {why}"));
                code = 1;
            } else if o.has('v') {
                io.outln(format!("'{path}' -> '{goal}'"));
            }
        }
    }
    Ok(code)
}

/// Why there is nothing to see at a path.
fn reason(io: &mut Io<'_>, path: &str) -> Flow<&'static str> {
    let folder = path.trim_end_matches('/').rsplit_once('/').map_or(".", |(f, _)| if f.is_empty() { "/" } else { f });
    let names = io.call("list-dir", folder.into())?;
    let closed = names.as_str() == crate::machine::users::DENIED;
    Ok(if closed { "Permission denied" } else { "No such file or directory" })
}

/// Asks; only `y` is yes.
pub(super) fn agrees(io: &mut Io<'_>, question: &str) -> Flow<bool> {
    if io.call("tty", 0.into())?.as_bool().unwrap_or(false) {
        io.call("ask", map! { "prompt" => question }.into())?;
    } else {
        io.print(crate::machine::program::Stream::Err, question);
    }
    Ok(io.read_line()?.is_some_and(|l| l.starts_with(['y', 'Y'])))
}

const RM_SPEC: Spec = Spec::new(
    "rRfivd",
    &[("recursive", 'r'), ("force", 'f'), ("verbose", 'v'), ("dir", 'd'), ("no-preserve-root", 'N')],
    1,
);

fn rm(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &RM_SPEC)?;
    if o.rest.is_empty() && !o.has('f') {
        return complain(io, "rm", "missing operand", 1);
    }
    let mut code = 0;
    for path in &o.rest {
        let why = match own_kind(io, path)? {
            None if o.has('f') => continue,
            None => "No such file or directory",
            Some(true) if !(o.has('r') || o.has('R')) => "Is a directory",
            Some(true) if path.trim_end_matches('/').is_empty() => {
                io.errln("rm: it is dangerous to operate recursively on '/'");
                io.errln("rm: use --no-preserve-root to override this failsafe");
                code = 1;
                continue;
            }
            Some(folder) => {
                let what = if folder { "directory" } else { "regular file" };
                if o.has('i') && !o.has('f') && !agrees(io, &format!("rm: remove {what} '{path}'? "))? {
                    continue;
                }
                let done = io.call("remove", path.into())?;
                if !done.as_str().is_empty() {
                    io.errln(format!("rm: cannot remove '{path}': {}", done.as_str()));
                    code = 1;
                } else if o.has('v') {
                    io.outln(format!("removed '{path}'"));
                }
                continue;
            }
        };
        io.errln(format!("rm: cannot remove '{path}': {why}"));
        code = 1;
    }
    Ok(code)
}

const MKDIR_SPEC: Spec = Spec::new("pvm:", &[("parents", 'p'), ("verbose", 'v'), ("mode", 'm')], 1);

fn mkdir(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &MKDIR_SPEC)?;
    if o.rest.is_empty() {
        return complain(io, "mkdir", "missing operand", 1);
    }
    let mut code = 0;
    for path in &o.rest {
        let mut why = Str::new();
        if o.has('p') {
            let ends = path.match_indices('/').map(|(i, _)| i).filter(|i| *i > 0).chain([path.len()]);
            for end in ends.collect::<Vec<_>>() {
                if kind(io, &path[..end])? != Some(true) {
                    why = io.call("make-dir", path[..end].into())?.as_str().into();
                }
            }
        } else {
            why = io.call("make-dir", path.into())?.as_str().into();
        }
        if !why.is_empty() {
            io.errln(format!("mkdir: cannot create directory '{path}': {why}"));
            code = 1;
        } else if o.has('v') {
            io.outln(format!("mkdir: created directory '{path}'"));
        }
    }
    Ok(code)
}

fn rmdir(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut code = 0;
    for path in &args[1..] {
        let names = io.call("list-dir", path.into())?;
        let why = match kind(io, path)? {
            None => "No such file or directory",
            Some(false) => "Not a directory",
            Some(true) if !names.items().is_empty() => "Directory not empty",
            Some(true) => {
                io.call("remove", path.into())?;
                continue;
            }
        };
        io.errln(format!("rmdir: failed to remove '{path}': {why}"));
        code = 1;
    }
    Ok(code)
}

const TOUCH_SPEC: Spec = Spec::new("acmt:d:r:", &[("no-create", 'c'), ("date", 'd')], 1);

fn touch(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &TOUCH_SPEC)?;
    if o.rest.is_empty() {
        return complain(io, "touch", "missing file operand", 1);
    }
    let mut code = 0;
    for path in &o.rest {
        if o.has('c') && kind(io, path)?.is_none() {
            continue;
        }
        let why = io.call("touch", path.into())?;
        if !why.as_str().is_empty() {
            io.errln(format!("touch: cannot touch '{path}': {}", why.as_str()));
            code = 1;
        }
    }
    Ok(code)
}

fn chmod(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let words: Vec<&Str> = args[1..].iter().filter(|a| !matches!(a.as_str(), "-R" | "-v" | "--recursive")).collect();
    let deep = args.iter().any(|a| a == "-R" || a == "--recursive");
    let [spec, paths @ ..] = &words[..] else { return complain(io, "chmod", "missing operand", 1) };
    if paths.is_empty() {
        return complain(io, "chmod", &format!("missing operand after '{spec}'"), 1);
    }
    let mut code = 0;
    let mut queue: Vec<Str> = paths.iter().rev().map(|p| (*p).clone()).collect();
    while let Some(path) = queue.pop() {
        let stat = io.call("stat", (&path).into())?;
        if stat.is_null() {
            io.errln(format!("chmod: cannot access '{path}': No such file or directory"));
            code = 1;
            continue;
        }
        let before = super::int(&stat, "mode");
        let Some(mode) = changed_mode(spec, before) else {
            return complain(io, "chmod", &format!("invalid mode: '{spec}'"), 1);
        };
        let done = io.call("chmod", map! { "path" => &path, "mode" => mode }.into())?;
        if !done.as_str().is_empty() {
            io.errln(format!("chmod: changing permissions of '{path}': {}", done.as_str()));
            code = 1;
        }
        if deep {
            let names = io.call("list-dir", (&path).into())?;
            queue
                .extend(names.items().iter().map(|n| ecow::eco_format!("{path}/{}", n.as_str().trim_end_matches('/'))));
        }
    }
    Ok(code)
}

/// `755`, `+x`, `u=rwx,go-w`
fn changed_mode(spec: &str, before: i64) -> Option<i64> {
    if spec.bytes().all(|b| b.is_ascii_digit()) {
        return i64::from_str_radix(spec, 8).ok().filter(|m| *m <= 0o7777);
    }
    let mut mode = before;
    for clause in spec.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let mut mask = 0;
        for c in who.chars() {
            mask |= match c {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                _ => return None,
            };
        }
        let mask = if who.is_empty() { 0o777 } else { mask };
        let mut bits = 0;
        for c in rest[1..].chars() {
            bits |= match c {
                'r' => 0o444,
                'w' => 0o222,
                'x' | 'X' => 0o111,
                's' | 't' => 0,
                _ => return None,
            };
        }
        match &rest[..1] {
            "+" => mode |= bits & mask,
            "-" => mode &= !(bits & mask),
            _ => mode = (mode & !mask) | (bits & mask),
        }
    }
    Some(mode)
}

fn find(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let split = args[1..].iter().position(|a| a.starts_with('-')).map_or(args.len(), |i| i + 1);
    let roots = if split > 1 { args[1..split].to_vec() } else { vec![Str::from(".")] };
    let (mut name, mut want, mut depth, mut exec, mut delete) = (None, None, usize::MAX, None, false);
    let mut at = split;
    while let Some(test) = args.get(at) {
        let value = args.get(at + 1);
        match (test.as_str(), value) {
            ("-name" | "-iname", Some(v)) => name = Some((v.clone(), test == "-iname")),
            ("-type", Some(v)) => want = Some(v.clone()),
            ("-maxdepth", Some(v)) => depth = v.parse().unwrap_or(usize::MAX),
            ("-exec", Some(_)) => {
                let end = args[at..].iter().position(|a| a == ";" || a == "+").map_or(args.len(), |i| at + i);
                exec = Some(args[at + 1..end].to_vec());
                at = end + 1;
                continue;
            }
            ("-print" | "-delete", _) => {
                delete |= test == "-delete";
                at += 1;
                continue;
            }
            ("-name" | "-iname" | "-type" | "-maxdepth" | "-exec", None) => {
                return io.fail(1, format!("find: missing argument to '{test}'"));
            }
            _ => return io.fail(1, format!("find: unknown predicate '{test}'")),
        }
        at += 2;
    }
    let mut code = 0;
    let mut queue: Vec<(Str, usize)> = roots.into_iter().rev().map(|r| (r, 0)).collect();
    while let Some((path, level)) = queue.pop() {
        let own = io.call("lstat", (&path).into())?;
        let is_link = own.get("link").is_some();
        let Some(folder) = own.get("folder").and_then(Value::as_bool) else {
            let why = reason(io, &path)?;
            io.errln(format!("find: '{path}': {why}"));
            code = 1;
            continue;
        };
        if folder && level < depth {
            let names = io.call("list-dir", (&path).into())?;
            let below = |n: &Value| {
                (ecow::eco_format!("{}/{}", path.trim_end_matches('/'), n.as_str().trim_end_matches('/')), level + 1)
            };
            queue.extend(names.items().iter().rev().map(below));
        }
        let fits = |(p, fold): &(Str, bool)| match fold {
            true => pattern::matches(&p.to_lowercase(), &base(&path).to_lowercase()),
            false => pattern::matches(p, base(&path)),
        };
        if !name.as_ref().is_none_or(fits)
            || want.as_ref().is_some_and(|w| {
                w != (if folder {
                    "d"
                } else if is_link {
                    "l"
                } else {
                    "f"
                })
            })
        {
            continue;
        }
        match &exec {
            Some(command) => {
                let words: List = command.iter().map(|w| Value::from(w.replace("{}", &path))).collect();
                io.call("spawn", map! { "args" => words }.into())?;
            }
            None if delete => drop(io.call("remove", (&path).into())?),
            None => io.outln(&path),
        }
    }
    Ok(code)
}
