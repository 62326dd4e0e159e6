//! Users: `su`, `sudo`, `id`, `whoami`, `groups`, `useradd`, `usermod`, `userdel`, `groupadd`, `passwd`.

use super::options::{Options, Spec, parse};
use super::{admin, row};
use crate::api::{List, Map, Value};
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};
use crate::machine::users as table;

pub static SU: Command = row("su", ["become another user", "다른 사용자로 바꿉니다"], su);
pub static SUDO: Command = row("sudo", ["run a command as root", "root 권한으로 명령을 실행합니다"], sudo);
pub static ID: Command = row("id", ["who you are, with groups", "사용자와 그룹을 보여 줍니다"], id);
pub static WHOAMI: Command = row("whoami", ["who you are", "사용자 이름을 보여 줍니다"], whoami);
pub static GROUPS: Command = row("groups", ["groups of a user", "사용자의 그룹을 보여 줍니다"], groups);
pub static USERADD: Command = admin("useradd", ["add a user", "사용자를 추가합니다"], useradd);
pub static USERMOD: Command = admin("usermod", ["change a user", "사용자를 바꿉니다"], usermod);
pub static USERDEL: Command = admin("userdel", ["remove a user", "사용자를 지웁니다"], userdel);
pub static GROUPADD: Command = admin("groupadd", ["add a group", "그룹을 추가합니다"], groupadd);
pub static PASSWD: Command = row("passwd", ["change a password", "암호를 바꿉니다"], passwd);

/// Asks for a password; an empty one where nobody can type.
fn secret(io: &mut Io<'_>, prompt: &str) -> Flow<Str> {
    if io.call("tty", 0.into())?.as_bool().unwrap_or(false) {
        io.call("ask", map! { "prompt" => prompt, "secret" => true }.into())?;
    }
    Ok(io.read_line()?.unwrap_or_default())
}

fn fits(io: &mut Io<'_>, user: &str, password: &str) -> Flow<bool> {
    Ok(io.call("user-check", map! { "user" => user, "password" => password }.into())?.as_bool() == Some(true))
}

fn me(io: &mut Io<'_>) -> Flow<String> {
    Ok(io.call("machine", Value::Null)?.str("user").to_owned())
}

/// Runs words as a user; `env`: their environment.
fn run_as(io: &mut Io<'_>, user: &str, words: Vec<Str>, env: Value, cwd: Option<&str>) -> Flow<i32> {
    let args: List = words.iter().map(Value::from).collect();
    let mut input = map! { "args" => args, "user" => user };
    if !env.is_null() {
        input.insert("env", env);
    }
    if let Some(cwd) = cwd {
        input.insert("cwd", cwd);
    }
    let done = io.call("spawn", input.into())?;
    Ok(super::int(&done, "code") as i32)
}

const SU_SPEC: Spec =
    Spec::new("lc:s:mpf", &[("login", 'l'), ("command", 'c'), ("shell", 's'), ("preserve-environment", 'm')], 1);

fn su(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // A lone dash is `-l`.
    let words: Vec<Str> = args.iter().map(|a| if a == "-" { "-l".into() } else { a.clone() }).collect();
    let o = parse(io, &words, &SU_SPEC)?;
    let name = o.rest.first().cloned().unwrap_or("root".into());
    let user = io.call("user", (&name).into())?;
    if user.str("name") != name.as_str() {
        return io.fail(1, format!("su: user {name} does not exist"));
    }
    let from = me(io)?;
    if from != "root" {
        let given = secret(io, "Password: ")?;
        if !fits(io, &name, &given)? {
            io.sleep(Duration::secs(2))?;
            return io.fail(1, "su: Authentication failure");
        }
    }
    if user.str("shell").ends_with("nologin") && !o.has('s') {
        io.outln("This account is currently not available.");
        return Ok(1);
    }
    let login = o.has('l');
    let (env, home) = (io.call("user-env", (&name).into())?, user.str("home").to_owned());
    let env = if login { env } else { changed(io, &env, o.has('m'))? };
    let shell = if login { "-bash" } else { "bash" };
    let words: Vec<Str> = match o.value('c') {
        Some(line) => vec![shell.into(), "-c".into(), line.clone()],
        None => vec![shell.into()],
    };
    run_as(io, &name, words, env, login.then_some(home.as_str()))
}

/// This command's environment with another user's names in it.
fn changed(io: &mut Io<'_>, of: &Value, keep: bool) -> Flow<Value> {
    let Value::Map(mut env) = io.call("env", Value::Null)? else { return Ok(of.clone()) };
    if !keep {
        for name in ["HOME", "SHELL", "USER", "LOGNAME"] {
            env.insert(name, of.str(name));
        }
    }
    Ok(env.into())
}

const SUDO_SPEC: Spec = Spec {
    in_order: true,
    ..Spec::new(
        "iESHnu:slkvKbg:",
        &[
            ("user", 'u'),
            ("login", 'i'),
            ("shell", 's'),
            ("list", 'l'),
            ("preserve-env", 'E'),
            ("non-interactive", 'n'),
        ],
        1,
    )
};

fn sudo(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SUDO_SPEC)?;
    let host = io.call("machine", Value::Null)?.str("role") == "host";
    let from = me(io)?;
    let name = o.value('u').cloned().unwrap_or("root".into());
    let assigned = o.rest.iter().take_while(|w| w.contains('=')).count();
    let command = o.rest[assigned..].to_vec();
    if command.is_empty() && !(o.has('i') || o.has('s') || o.has('l') || o.has('k') || o.has('v') || o.has('K')) {
        return io.fail(1, "usage: sudo -h | -K | -k | -V\nusage: sudo -v [-AknS] [-g group] [-h host] [-p prompt] [-u user]\nusage: sudo -l [-AknS] [-g group] [-h host] [-p prompt] [-U user] [-u user] [command]\nusage: sudo [-AbEHknPS] [-u user] [VAR=value] [-i|-s] [<command>]");
    }
    if host || (from == "root" && name == "root" && !o.has('i') && !o.has('l')) {
        // Nothing changes but what is assigned.
        let env = with_assigned(io, &o, assigned, None)?;
        let words = if command.is_empty() { vec!["bash".into()] } else { command };
        return run_as(io, &from, words, env, None);
    }
    if let Some(code) = admitted(io, &o, &from)? {
        return Ok(code);
    }
    if o.has('k') || o.has('K') || o.has('v') {
        return Ok(0);
    }
    let user = io.call("user", (&name).into())?;
    if user.is_null() {
        return io.fail(1, format!("sudo: unknown user: {name}\nsudo: unable to initialize policy plugin"));
    }
    let machine = io.call("machine", Value::Null)?.str("name").to_owned();
    if o.has('l') {
        let free = if allowed(io, &from)?.is_empty() && from != "root" { "NOPASSWD: " } else { "" };
        io.outln(format!("Matching Defaults entries for {from} on {machine}:\n    env_reset, secure_path=/sbin\\:/bin\\:/usr/sbin\\:/usr/bin\n\nUser {from} may run the following commands on {machine}:\n    (ALL) {free}ALL"));
        return Ok(0);
    }
    let name = Str::from(user.str("name"));
    let fresh = io.call("user-env", (&name).into())?;
    let env = with_assigned(io, &o, assigned, Some((&fresh, &from)))?;
    let home = user.str("home").to_owned();
    let words: Vec<Str> = match (o.has('i'), command.is_empty()) {
        (true, true) => vec!["-bash".into()],
        (true, false) => vec!["-bash".into(), "-c".into(), command.join(" ").into()],
        (false, true) => vec!["bash".into()],
        (false, false) => command,
    };
    run_as(io, &name, words, env, o.has('i').then_some(home.as_str()))
}

fn allowed(io: &mut Io<'_>, user: &str) -> Flow<String> {
    Ok(io.call("user-check", map! { "user" => user }.into())?.as_str().to_owned())
}

/// Asks what sudoers wants; the code where it refuses.
fn admitted(io: &mut Io<'_>, o: &Options, from: &str) -> Flow<Option<i32>> {
    let rule = allowed(io, from)?;
    if rule.is_empty() {
        return Ok(None);
    }
    if o.has('n') {
        io.errln("sudo: a password is required");
        return Ok(Some(1));
    }
    for tries in 1..=3 {
        let given = secret(io, &format!("[sudo] password for {from}: "))?;
        if fits(io, from, &given)? {
            if rule == "password" {
                return Ok(None);
            }
            io.errln(format!("{from} is not in the sudoers file.  This incident will be reported."));
            return Ok(Some(1));
        }
        io.sleep(Duration::secs(2))?;
        if tries < 3 {
            io.errln("Sorry, try again.");
        }
    }
    io.errln("sudo: 3 incorrect password attempts");
    Ok(Some(1))
}

/// The environment that sudo gives, with `VAR=value` of the command line.
fn with_assigned(io: &mut Io<'_>, o: &Options, count: usize, fresh: Option<(&Value, &str)>) -> Flow<Value> {
    let mut env = match io.call("env", Value::Null)? {
        Value::Map(env) => env,
        _ => Map::new(),
    };
    if let Some((of, from)) = fresh {
        if !o.has('E') {
            env = of.as_map().cloned().unwrap_or_default();
        }
        for name in ["HOME", "USER", "LOGNAME"] {
            env.insert(name, of.str(name));
        }
        env.insert("SUDO_USER", from);
        env.insert("PATH", "/sbin:/bin:/usr/sbin:/usr/bin");
    }
    for (name, value) in o.rest[..count].iter().filter_map(|w| w.split_once('=')) {
        env.insert(name, value);
    }
    Ok(env.into())
}

const ID_SPEC: Spec =
    Spec::new("ugGnrzZ", &[("user", 'u'), ("group", 'g'), ("groups", 'G'), ("name", 'n'), ("real", 'r')], 1);

fn id(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &ID_SPEC)?;
    let wanted = o.rest.first().map_or(Value::Null, Value::from);
    let user = io.call("user", wanted)?;
    if user.is_null() {
        return match o.rest.first() {
            Some(name) => io.fail(1, format!("id: {name}: no such user")),
            None => {
                io.outln("uid=0(root) gid=0(root) groups=0(root)");
                Ok(0)
            }
        };
    }
    let (uid, gid) = (super::int(&user, "uid"), super::int(&user, "gid"));
    let groups = user.get("groups").map_or(&[][..], Value::items);
    let one = |number: i64, name: &str| if o.has('n') { name.to_owned() } else { number.to_string() };
    let own = groups.first().map_or("", |g| g.str("name"));
    if o.has('u') {
        io.outln(one(uid, user.str("name")));
    } else if o.has('g') {
        io.outln(one(gid, own));
    } else if o.has('G') {
        let all: Vec<String> = groups.iter().map(|g| one(super::int(g, "gid"), g.str("name"))).collect();
        io.outln(all.join(" "));
    } else {
        let all: Vec<String> = groups.iter().map(|g| format!("{}({})", super::int(g, "gid"), g.str("name"))).collect();
        io.outln(format!("uid={uid}({}) gid={gid}({own}) groups={}", user.str("name"), all.join(",")));
    }
    Ok(0)
}

fn whoami(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let user = me(io)?;
    io.outln(user);
    Ok(0)
}

fn groups(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let user = io.call("user", args.get(1).map_or(Value::Null, Value::from))?;
    if user.is_null() {
        return io.fail(1, format!("groups: {}: no such user", args.get(1).map_or("", Str::as_str)));
    }
    let names: Vec<&str> = user.get("groups").map_or(&[][..], Value::items).iter().map(|g| g.str("name")).collect();
    let before = args.get(1).map_or(String::new(), |name| format!("{name} : "));
    io.outln(format!("{before}{}", names.join(" ")));
    Ok(0)
}

/// The lines of a table of users, or the refusal for those who may not write it.
fn open(io: &mut Io<'_>, command: &str, path: &str) -> Flow<String> {
    if me(io)? != "root" {
        return io.fail(
            1,
            format!("{command}: Permission denied.\n{command}: cannot lock {}; try again later.", table::PASSWD),
        );
    }
    Ok(io.read_file(path)?.unwrap_or_default().to_string())
}

fn numbers(text: &str) -> impl Iterator<Item = u16> {
    text.lines().filter_map(|l| l.split(':').nth(2)?.parse().ok())
}

/// Adds a user to groups, or puts it into these only.
fn join(io: &mut Io<'_>, command: &str, user: &str, wanted: &str, add: bool) -> Flow<i32> {
    let text = open(io, command, table::GROUP)?;
    let wanted: Vec<&str> = wanted.split(',').filter(|g| !g.is_empty()).collect();
    if let Some(group) = wanted.iter().find(|g| !text.lines().any(|l| l.split(':').next() == Some(**g))) {
        return io.fail(6, format!("{command}: group '{group}' does not exist"));
    }
    let mut out = String::new();
    for line in text.lines() {
        let (head, members) = line.rsplit_once(':').unwrap_or((line, ""));
        let name = head.split(':').next().unwrap_or("");
        let mut all: Vec<&str> = members.split(',').filter(|m| !m.is_empty()).collect();
        let (there, asked) = (all.contains(&user), wanted.contains(&name));
        if asked && !there {
            all.push(user);
        } else if there && !asked && !add {
            all.retain(|m| *m != user);
        }
        out += &format!("{head}:{}\n", all.join(","));
    }
    io.write_file(table::GROUP, out)?.ok();
    Ok(0)
}

const USERADD_SPEC: Spec = Spec::new(
    "mMG:g:s:d:u:c:rNU",
    &[("create-home", 'm'), ("groups", 'G'), ("gid", 'g'), ("shell", 's'), ("home-dir", 'd'), ("uid", 'u')],
    2,
);

fn useradd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &USERADD_SPEC)?;
    let [name] = &o.rest[..] else { return io.fail(2, "Usage: useradd [options] LOGIN") };
    let text = open(io, "useradd", table::PASSWD)?;
    if text.lines().any(|l| l.split(':').next() == Some(name.as_str())) {
        return io.fail(9, format!("useradd: user '{name}' already exists"));
    }
    let valid = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b));
    if !valid || !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
        return io.fail(3, format!("useradd: invalid user name '{name}'"));
    }
    let free = numbers(&text).filter(|n| (1000..60_000).contains(n)).max().unwrap_or(999) + 1;
    let uid = match o.value('u').map(|u| u.parse::<u16>()) {
        None => free,
        Some(Ok(n)) if numbers(&text).any(|u| u == n) => return io.fail(4, format!("useradd: UID {n} is not unique")),
        Some(Ok(n)) => n,
        Some(Err(_)) => {
            return io.fail(3, format!("useradd: invalid user ID '{}'", o.value('u').map_or("", Str::as_str)));
        }
    };
    let home = o.value('d').cloned().unwrap_or_else(|| ecow::eco_format!("/home/{name}"));
    let shell = o.value('s').map_or("/bin/bash", Str::as_str);
    let about = o.value('c').map_or("", Str::as_str);
    let group = io.read_file(table::GROUP)?.unwrap_or_default();
    let gid = match o.value('g') {
        None => {
            io.write_file(table::GROUP, format!("{group}{name}:x:{uid}:\n"))?.ok();
            uid
        }
        Some(g) => {
            let line = group
                .lines()
                .find(|l| l.split(':').next() == Some(g.as_str()) || l.split(':').nth(2) == Some(g.as_str()));
            match line.and_then(|l| l.split(':').nth(2)?.parse().ok()) {
                Some(gid) => gid,
                None => return io.fail(6, format!("useradd: group '{g}' does not exist")),
            }
        }
    };
    io.write_file(table::PASSWD, format!("{text}{name}:x:{uid}:{gid}:{about}:{home}:{shell}\n"))?.ok();
    io.call("user-set", map! { "user" => name }.into())?;
    if let Some(wanted) = o.value('G') {
        join(io, "useradd", name, wanted, true)?;
    }
    if !o.has('M') && !o.has('r') {
        io.call("make-dir", (&home).into())?;
        io.call("chmod", map! { "path" => &home, "mode" => 0o700 }.into())?;
        for (file, text) in [(".bash_profile", "# .bash_profile\n"), (".bashrc", "# .bashrc\n")] {
            io.write_file(&format!("{home}/{file}"), text)?.ok();
        }
        for path in [home.to_string(), format!("{home}/.bash_profile"), format!("{home}/.bashrc")] {
            let owner = map! { "path" => path, "user" => uid.to_string(), "group" => gid.to_string() };
            io.call("chown", owner.into())?;
        }
    }
    Ok(0)
}

fn usermod(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("aG:s:d:LU", &[("append", 'a'), ("groups", 'G'), ("shell", 's')], 2);
    let o = parse(io, args, &SPEC)?;
    let [name] = &o.rest[..] else { return io.fail(2, "Usage: usermod [options] LOGIN") };
    let text = open(io, "usermod", table::PASSWD)?;
    if !text.lines().any(|l| l.split(':').next() == Some(name.as_str())) {
        return io.fail(6, format!("usermod: user '{name}' does not exist"));
    }
    for (letter, at) in [('d', 5), ('s', 6)] {
        let Some(value) = o.value(letter) else { continue };
        let mut out = String::new();
        for line in text.lines() {
            let mut parts: Vec<&str> = line.split(':').collect();
            if parts[0] == name.as_str() && parts.len() > at {
                parts[at] = value;
            }
            out += &format!("{}\n", parts.join(":"));
        }
        io.write_file(table::PASSWD, out)?.ok();
    }
    match o.value('G') {
        Some(wanted) => join(io, "usermod", name, wanted, o.has('a')),
        None => Ok(0),
    }
}

fn userdel(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("rf", &[("remove", 'r'), ("force", 'f')], 2);
    let o = parse(io, args, &SPEC)?;
    let [name] = &o.rest[..] else { return io.fail(2, "Usage: userdel [options] LOGIN") };
    let text = open(io, "userdel", table::PASSWD)?;
    let ours = |l: &&str| l.split(':').next() == Some(name.as_str());
    let Some(line) = text.lines().find(ours) else {
        return io.fail(6, format!("userdel: user '{name}' does not exist"));
    };
    let home = line.split(':').nth(5).unwrap_or("").to_owned();
    let rest: String = text.lines().filter(|l| !ours(l)).map(|l| format!("{l}\n")).collect();
    io.write_file(table::PASSWD, rest)?.ok();
    join(io, "userdel", name, "", false)?;
    let group = io.read_file(table::GROUP)?.unwrap_or_default();
    let own = |l: &&str| l.split(':').next() == Some(name.as_str()) && l.ends_with(':');
    let rest: String = group.lines().filter(|l| !own(l)).map(|l| format!("{l}\n")).collect();
    io.write_file(table::GROUP, rest)?.ok();
    io.call("user-set", map! { "user" => name, "gone" => true }.into())?;
    if o.has('r') && home.starts_with("/home/") {
        io.call("remove", home.into())?;
    }
    Ok(0)
}

fn groupadd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("fg:r", &[("force", 'f'), ("gid", 'g'), ("system", 'r')], 2);
    let o = parse(io, args, &SPEC)?;
    let [name] = &o.rest[..] else { return io.fail(2, "Usage: groupadd [options] GROUP") };
    let text = open(io, "groupadd", table::GROUP)?;
    if text.lines().any(|l| l.split(':').next() == Some(name.as_str())) {
        return if o.has('f') { Ok(0) } else { io.fail(9, format!("groupadd: group '{name}' already exists")) };
    }
    let next = numbers(&text).filter(|n| (1000..60_000).contains(n)).max().unwrap_or(999) + 1;
    let gid = o.value('g').map_or(next.to_string(), Str::to_string);
    io.write_file(table::GROUP, format!("{text}{name}:x:{gid}:\n"))?.ok();
    Ok(0)
}

fn passwd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("Sldu", &[("stdin", 'I'), ("status", 'S'), ("lock", 'l'), ("delete", 'd')], 2);
    let o = parse(io, args, &SPEC)?;
    let from = me(io)?;
    let name = o.rest.first().cloned().unwrap_or(from.as_str().into());
    if *name != *from && from != "root" {
        return io.fail(1, "passwd: Only root can specify a user name.");
    }
    if (o.has('I') || o.has('S') || o.has('l') || o.has('d')) && from != "root" {
        return io.fail(1, "passwd: Only root can do that.");
    }
    if io.call("user", (&name).into())?.is_null() {
        return io.fail(1, format!("passwd: Unknown user name '{name}'."));
    }
    if o.has('S') {
        io.outln(format!("{name} PS 2020-08-25 0 99999 7 -1 (Password set, SHA512 crypt.)"));
        return Ok(0);
    }
    if o.has('l') || o.has('d') {
        io.call("user-set", map! { "user" => &name }.into())?;
        let what = if o.has('l') { "Locking" } else { "Removing" };
        io.outln(format!("{what} password for user {name}.\npasswd: Success"));
        return Ok(0);
    }
    io.outln(format!("Changing password for user {name}."));
    if from != "root" {
        io.outln(format!("Changing password for {name}."));
        let old = secret(io, "(current) UNIX password: ")?;
        if !fits(io, &name, &old)? {
            return io.fail(1, "passwd: Authentication token manipulation error");
        }
    }
    let first = if o.has('I') { io.read_line()?.unwrap_or_default() } else { secret(io, "New password: ")? };
    if first.chars().count() < 8 {
        io.errln("BAD PASSWORD: The password is shorter than 8 characters");
        if from != "root" {
            return io.fail(1, "passwd: Have exhausted maximum number of retries for service");
        }
    }
    if !o.has('I') && secret(io, "Retype new password: ")? != first {
        io.errln("Sorry, passwords do not match.");
        return io.fail(1, "passwd: Authentication token manipulation error");
    }
    io.call("user-set", map! { "user" => &name, "password" => &first }.into())?;
    io.outln("passwd: all authentication tokens updated successfully.");
    Ok(0)
}
