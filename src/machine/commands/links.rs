//! Links and owners: `ln`, `readlink`, `realpath`, `stat`, `chown`, `chgrp`.

use super::files::{base, complain, kind};
use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Str, Time};
use crate::machine::files;
use crate::machine::program::{Command, Flow, Io};

pub static LN: Command = row("ln", ["make links", "링크를 만듭니다"], ln);
pub static READLINK: Command = row("readlink", ["where a link points", "링크가 가리키는 곳을 출력합니다"], readlink);
pub static REALPATH: Command = row("realpath", ["the whole path of a file", "파일의 전체 경로를 출력합니다"], realpath);
pub static STAT: Command = row("stat", ["tell about a file", "파일 정보를 보여 줍니다"], stat);
pub static CHOWN: Command = row("chown", ["change a file's owner", "파일 소유자를 바꿉니다"], chown);
pub static CHGRP: Command = row("chgrp", ["change a file's group", "파일의 그룹을 바꿉니다"], chown);

const LN_SPEC: Spec = Spec::new(
    "sfnvirTt:L",
    &[
        ("symbolic", 's'),
        ("force", 'f'),
        ("no-dereference", 'n'),
        ("verbose", 'v'),
        ("interactive", 'i'),
        ("relative", 'r'),
        ("no-target-directory", 'T'),
        ("target-directory", 't'),
    ],
    1,
);

fn ln(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &LN_SPEC)?;
    let mut targets = o.rest.clone();
    let place = match (o.value('t').cloned(), targets.len()) {
        (_, 0) => return complain(io, "ln", "missing file operand", 1),
        (Some(folder), _) => folder,
        (None, 1) => Str::from("."),
        (None, _) => targets.pop().unwrap_or_default(),
    };
    let own = io.call("lstat", (&place).into())?;
    let into = kind(io, &place)? == Some(true) && !o.has('T') && !(o.has('n') && own.get("link").is_some());
    if targets.len() > 1 && !into {
        return io.fail(1, format!("ln: target '{place}' is not a directory"));
    }
    let mut code = 0;
    for target in targets {
        let path = match into {
            true => ecow::eco_format!("{}/{}", place.trim_end_matches('/'), base(&target)),
            false => place.clone(),
        };
        let what = if o.has('s') { "symbolic" } else { "hard" };
        if !o.has('s') {
            let why = match kind(io, &target)? {
                None => format!("failed to access '{target}': No such file or directory"),
                Some(true) => format!("'{target}': hard link not allowed for directory"),
                Some(false) => format!("failed to create hard link '{path}': not modelled in this lab; use ln -s"),
            };
            io.errln(format!("ln: {why}"));
            code = 1;
            continue;
        }
        if o.has('f') && kind(io, &path)? != Some(true) || (o.has('f') && own.get("link").is_some() && !into) {
            io.call("remove", (&path).into())?;
        }
        let to = if o.has('r') { relative(io, &target, &path)? } else { target.clone() };
        let why = io.call("symlink", map! { "target" => &to, "path" => &path }.into())?;
        if !why.as_str().is_empty() {
            io.errln(format!("ln: failed to create {what} link '{path}': {}", why.as_str()));
            code = 1;
        } else if o.has('v') {
            io.outln(format!("'{path}' -> '{to}'"));
        }
    }
    Ok(code)
}

/// `target` as seen from the folder of `path`.
fn relative(io: &mut Io<'_>, target: &str, path: &str) -> Flow<Str> {
    let cwd = io.call("cwd", Value::Null)?;
    let (target, path) = (files::absolute(cwd.as_str(), target), files::absolute(cwd.as_str(), path));
    let (to, from): (Vec<&str>, Vec<&str>) = (target.split('/').collect(), path.split('/').collect());
    let same = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = from.len().saturating_sub(same + 1);
    let parts: Vec<&str> = std::iter::repeat_n("..", up).chain(to[same..].iter().copied()).collect();
    Ok(parts.join("/").into())
}

const READLINK_SPEC: Spec = Spec::new(
    "femnqsvz",
    &[("canonicalize", 'f'), ("canonicalize-existing", 'e'), ("canonicalize-missing", 'm'), ("no-newline", 'n')],
    1,
);

fn readlink(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &READLINK_SPEC)?;
    if o.rest.is_empty() {
        return complain(io, "readlink", "missing operand", 1);
    }
    let mut code = 0;
    for name in &o.rest {
        let found = if o.has('f') || o.has('e') || o.has('m') {
            whole(io, name, o.has('e'), o.has('m'))?
        } else {
            let own = io.call("lstat", name.into())?;
            own.get("link").map(|l| l.as_str().to_owned())
        };
        match found {
            Some(path) if o.has('n') => io.out(path),
            Some(path) => io.outln(path),
            None => code = 1,
        }
    }
    Ok(code)
}

fn realpath(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &READLINK_SPEC)?;
    if o.rest.is_empty() {
        return complain(io, "realpath", "missing operand", 1);
    }
    let mut code = 0;
    for name in &o.rest {
        match whole(io, name, o.has('e'), o.has('m'))? {
            Some(path) => io.outln(path),
            None => {
                io.errln(format!("realpath: {name}: No such file or directory"));
                code = 1;
            }
        }
    }
    Ok(code)
}

/// The path without links; `None`: its folder is not there (`must`: it itself; `any`: all is well).
fn whole(io: &mut Io<'_>, name: &str, must: bool, any: bool) -> Flow<Option<String>> {
    let path = io.call("real-path", name.into())?;
    let path = path.as_str();
    let there = if must { path } else { files::parent(path) };
    let found = any || !io.call("stat", there.into())?.is_null();
    Ok(found.then(|| path.to_owned()))
}

const STAT_SPEC: Spec =
    Spec::new("c:Lft", &[("format", 'c'), ("dereference", 'L'), ("file-system", 'f'), ("terse", 't')], 1);

fn stat(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &STAT_SPEC)?;
    if o.rest.is_empty() {
        return complain(io, "stat", "missing operand", 1);
    }
    let mut code = 0;
    for path in &o.rest {
        let stat = io.call(if o.has('L') { "stat" } else { "lstat" }, path.into())?;
        if stat.is_null() {
            io.errln(format!("stat: cannot stat '{path}': No such file or directory"));
            code = 1;
            continue;
        }
        let folder = stat.get("folder").and_then(Value::as_bool).unwrap_or(false);
        let link = stat.get("link").map(|l| l.as_str().to_owned());
        let size = super::int(&stat, "size");
        let mode = super::int(&stat, "mode") & 0o7777;
        let what = match (folder, &link, size) {
            (true, ..) => "directory",
            (_, Some(_), _) => "symbolic link",
            (_, _, 0) => "regular empty file",
            _ => "regular file",
        };
        let at = Time(u64::try_from(super::int(&stat, "modified")).unwrap_or(0));
        let when = at.rfc3339().replace("T", " ").replace("Z", ".000000000 +0000");
        let text = super::ls::mode(&stat);
        let (uid, gid) = (super::int(&stat, "uid"), super::int(&stat, "gid"));
        let (owner, group) = (stat.str("owner"), stat.str("group"));
        if let Some(format) = o.value('c') {
            let mut out = String::new();
            let mut chars = format.chars();
            while let Some(c) = chars.next() {
                match (c, if c == '%' { chars.next() } else { None }) {
                    ('%', Some('n')) => out += path,
                    ('%', Some('N')) => {
                        out += &link.as_ref().map_or(format!("'{path}'"), |l| format!("'{path}' -> '{l}'"))
                    }
                    ('%', Some('s')) => out += &size.to_string(),
                    ('%', Some('a')) => out += &format!("{mode:o}"),
                    ('%', Some('A')) => out += &text,
                    ('%', Some('U')) => out += owner,
                    ('%', Some('G')) => out += group,
                    ('%', Some('u')) => out += &uid.to_string(),
                    ('%', Some('g')) => out += &gid.to_string(),
                    ('%', Some('F')) => out += what,
                    ('%', Some('y')) => out += &when,
                    ('%', Some('Y')) => out += &(at.0 / 1_000_000).to_string(),
                    ('%', Some('h')) => out += if folder { "2" } else { "1" },
                    ('%', Some('%')) => out.push('%'),
                    ('%', _) => out.push('?'),
                    (c, _) => out.push(c),
                }
            }
            io.outln(out);
            continue;
        }
        let shown = link.as_ref().map_or(format!("'{path}'"), |l| format!("'{path}' -> '{l}'"));
        io.outln(format!(
            "  File: {shown}\n  Size: {size:<10}\tBlocks: {:<10} IO Block: 4096   {what}",
            (size + 511) / 512
        ));
        io.outln(format!("Access: ({mode:04o}/{text})  Uid: ({uid:5}/{owner:>8})   Gid: ({gid:5}/{group:>8})"));
        io.outln(format!("Access: {when}\nModify: {when}\nChange: {when}\n Birth: -"));
    }
    Ok(code)
}

const CHOWN_SPEC: Spec = Spec::new(
    "RvcfhHLP",
    &[("recursive", 'R'), ("verbose", 'v'), ("changes", 'c'), ("no-dereference", 'h'), ("silent", 'f')],
    1,
);

fn chown(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &CHOWN_SPEC)?;
    let name = args[0].as_str();
    let [spec, paths @ ..] = &o.rest[..] else { return complain(io, name, "missing operand", 1) };
    if paths.is_empty() {
        return complain(io, name, &format!("missing operand after '{spec}'"), 1);
    }
    let (user, group) = match (name, spec.split_once([':', '.'])) {
        ("chgrp", _) => ("", spec.as_str()),
        (_, Some((user, group))) => (user, group),
        (_, None) => (spec.as_str(), ""),
    };
    // `user:` means the user's own group.
    let own = (name == "chown" && group.is_empty() && spec.ends_with(':')).then(|| user.to_owned());
    let own = match own {
        Some(user) => {
            let found = io.call("user", user.as_str().into())?;
            if found.is_null() { String::new() } else { super::int(&found, "gid").to_string() }
        }
        None => group.to_owned(),
    };
    let mut code = 0;
    let mut queue: Vec<Str> = paths.iter().rev().cloned().collect();
    while let Some(path) = queue.pop() {
        let mut input = map! { "path" => &path, "user" => user, "group" => own.as_str() };
        if o.has('h') {
            input.insert("link", true);
        }
        match io.call("chown", input.into())?.as_str() {
            "" => {}
            "invalid user" if group.is_empty() => return io.fail(1, format!("{name}: invalid user: '{spec}'")),
            "invalid user" => return io.fail(1, format!("{name}: invalid user: '{spec}'")),
            "invalid group" => {
                let shown = if name == "chgrp" { group } else { spec };
                return io.fail(1, format!("{name}: invalid group: '{shown}'"));
            }
            files::NO_SUCH => {
                io.errln(format!("{name}: cannot access '{path}': {}", files::NO_SUCH));
                code = 1;
            }
            why => {
                let what = if name == "chgrp" || user.is_empty() { "group" } else { "ownership" };
                io.errln(format!("{name}: changing {what} of '{path}': {why}"));
                code = 1;
            }
        }
        let own = io.call("lstat", (&path).into())?;
        if o.has('R') && own.get("folder").and_then(Value::as_bool) == Some(true) {
            let names = io.call("list-dir", (&path).into())?;
            let below =
                |n: &Value| ecow::eco_format!("{}/{}", path.trim_end_matches('/'), n.as_str().trim_end_matches('/'));
            queue.extend(names.items().iter().rev().map(below));
        }
    }
    Ok(code)
}
