//! `ls`.

use super::options::{Options, Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::arrange::Arrange;
use crate::base::{Str, Time, time::MONTHS};
use crate::machine::program::{Command, Flow, Io};

pub static LS: Command = row("ls", ["list a folder", "폴더의 내용을 보여 줍니다"], run);

const SPEC: Spec = Spec::new(
    "laA1dhrtSRFCiGgnoUpxs",
    &[
        ("all", 'a'),
        ("almost-all", 'A'),
        ("directory", 'd'),
        ("human-readable", 'h'),
        ("reverse", 'r'),
        ("recursive", 'R'),
        ("color", 'Z'),
        ("classify", 'F'),
    ],
    2,
);

/// A name and what `stat` says of it.
type Entry = (String, Value);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let book = io.call("profile", Value::Null)?.as_str() == "book";
    let targets = if o.rest.is_empty() { vec![Str::from(".")] } else { o.rest.clone() };
    let (mut code, mut files, mut folders) = (0, Vec::new(), Vec::new());
    for target in targets {
        let own = io.call("lstat", (&target).into())?;
        let whole = o.has('l') && !target.ends_with('/');
        let stat = if own.get("link").is_some() && !whole { io.call("stat", (&target).into())? } else { own };
        if stat.is_null() {
            // GNU quotes names since 8.25, which CentOS 7 does not have yet.
            let shown = if book { target.to_string() } else { format!("'{target}'") };
            io.errln(format!("ls: cannot access {shown}: No such file or directory"));
            code = 2;
        } else if is_folder(&stat) && !o.has('d') {
            folders.push(target);
        } else {
            files.push((target.to_string(), stat));
        }
    }
    let many = files.len() + folders.len() > 1 || code != 0 && !folders.is_empty();
    let mut gap = !files.is_empty();
    print(io, &o, files)?;
    let mut queue: std::collections::VecDeque<Str> = folders.into();
    while let Some(folder) = queue.pop_front() {
        if many || o.has('R') {
            io.out(format!("{}{folder}:\n", if gap { "\n" } else { "" }));
        }
        gap = true;
        if io.call("list-dir", (&folder).into())?.as_str() == crate::machine::users::DENIED {
            let shown = if book { folder.to_string() } else { format!("'{folder}'") };
            io.errln(format!("ls: cannot open directory {shown}: Permission denied"));
            code = 2;
            continue;
        }
        let entries = read(io, &o, &folder)?;
        if o.has('R') {
            for (name, _) in entries.iter().filter(|(n, s)| is_folder(s) && n != "." && n != "..").rev() {
                queue.push_front(ecow::eco_format!("{}/{name}", folder.trim_end_matches('/')));
            }
        }
        if o.has('l') {
            let blocks: i64 = entries.iter().map(|(_, s)| (super::int(s, "size") + 4095) / 4096 * 4).sum();
            io.outln(format!("total {blocks}"));
        }
        print(io, &o, entries)?;
    }
    Ok(code)
}

fn is_folder(stat: &Value) -> bool {
    stat.get("folder").and_then(Value::as_bool).unwrap_or(false)
}

fn read(io: &mut Io<'_>, o: &Options, folder: &str) -> Flow<Vec<Entry>> {
    let names = io.call("list-dir", folder.into())?;
    let mut out = Vec::new();
    if o.has('a') {
        for name in [".", ".."] {
            out.push((name.to_owned(), io.call("stat", format!("{folder}/{name}").into())?));
        }
    }
    for name in names.items() {
        let name = name.as_str().trim_end_matches('/');
        if !name.starts_with('.') || o.has('a') || o.has('A') {
            out.push((name.to_owned(), io.call("lstat", format!("{folder}/{name}").into())?));
        }
    }
    Ok(out)
}

fn print(io: &mut Io<'_>, o: &Options, mut entries: Vec<Entry>) -> Flow<()> {
    // As the locale sorts: leading dots do not count.
    let key = |n: &str| n.trim_start_matches('.').to_lowercase();
    entries.arrange_by_key(|(n, _)| (key(n), n.clone()));
    if o.has('t') {
        entries.arrange_by_key(|(_, s)| std::cmp::Reverse(super::int(s, "modified")));
    } else if o.has('S') {
        entries.arrange_by_key(|(_, s)| std::cmp::Reverse(super::int(s, "size")));
    }
    if o.has('r') {
        entries.reverse();
    }
    let mark = |name: &str, stat: &Value| {
        let sign = match (o.has('F') || o.has('p'), is_folder(stat), super::int(stat, "mode") & 0o111 != 0) {
            (_, _, _) if stat.get("link").is_some() && (o.has('l') || o.has('n')) => "",
            (true, true, _) => "/",
            (true, false, true) if o.has('F') => "*",
            _ => "",
        };
        format!("{name}{sign}")
    };
    if o.has('l') || o.has('n') || o.has('o') || o.has('g') {
        let size = |s: &Value| match super::int(s, "size") {
            n if o.has('h') => human(n),
            n => n.to_string(),
        };
        let width = entries.iter().map(|(_, s)| size(s).len()).max().unwrap_or(1);
        let user = |s: &Value, name: &str, number: &str| match o.has('n') {
            true => super::int(s, number).to_string(),
            false => s.str(name).to_owned(),
        };
        let longest =
            |name: &str, number: &str| entries.iter().map(|(_, s)| user(s, name, number).len()).max().unwrap_or(0);
        let (owners, groups) = (longest("owner", "uid"), longest("group", "gid"));
        for (name, stat) in &entries {
            let owner = format!("{:owners$}", user(stat, "owner", "uid"));
            let group = format!("{:groups$}", user(stat, "group", "gid"));
            let who = match (o.has('g'), o.has('o')) {
                (false, false) => format!("{owner} {group}"),
                (true, false) => group,
                (false, true) => owner,
                (true, true) => String::new(),
            };
            let arrow = stat.get("link").map(|l| format!(" -> {}", l.as_str())).unwrap_or_default();
            let links = if is_folder(stat) { 2 } else { 1 };
            let (mode, when) = (mode(stat), stamp(stat));
            io.outln(format!("{mode} {links} {who} {:>width$} {when} {}{arrow}", size(stat), mark(name, stat)));
        }
        return Ok(());
    }
    let names: Vec<String> = entries.iter().map(|(n, s)| mark(n, s)).collect();
    let columns = !o.has('1') && io.call("tty", 1.into())?.as_bool().unwrap_or(false);
    if columns {
        io.out(in_columns(&names))
    } else {
        names.iter().for_each(|n| io.outln(n))
    }
    Ok(())
}

/// Down the columns, in 80 characters.
fn in_columns(names: &[String]) -> String {
    let width = |n: &String| n.chars().count();
    for rows in 1..=names.len() {
        let widths: Vec<usize> = names.chunks(rows).map(|c| c.iter().map(width).max().unwrap_or(0) + 2).collect();
        if widths.iter().sum::<usize>() > 82 && rows < names.len() {
            continue;
        }
        let mut out = String::new();
        for row in 0..rows {
            let line: String = (0..widths.len())
                .filter_map(|c| names.get(c * rows + row).map(|n| format!("{n}{}", " ".repeat(widths[c] - width(n)))))
                .collect();
            out += line.trim_end();
            out.push('\n');
        }
        return out;
    }
    String::new()
}

/// `-rw-r--r--`
pub(super) fn mode(stat: &Value) -> String {
    let bits = super::int(stat, "mode");
    let kind = if stat.get("link").is_some() { "l" } else { "-" };
    let mut out = String::from(if is_folder(stat) { "d" } else { kind });
    for shift in [6, 3, 0] {
        for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            out.push(if bits >> shift & bit != 0 { letter } else { '-' });
        }
    }
    if bits & 0o1000 != 0 {
        out.pop();
        out.push(if bits & 1 != 0 { 't' } else { 'T' });
    }
    out
}

fn stamp(stat: &Value) -> String {
    let (_, mo, d, h, mi, _) = Time(u64::try_from(super::int(stat, "modified")).unwrap_or(0)).civil();
    format!("{} {d:2} {h:02}:{mi:02}", MONTHS[mo as usize - 1])
}

/// `4.0K`, as `ls -h`, `df -h` and `free -h` print sizes.
pub(super) fn human(bytes: i64) -> String {
    let mut tenths = bytes * 10;
    for unit in ["", "K", "M", "G", "T"] {
        if tenths < 10_240 {
            return match unit {
                "" => format!("{}", tenths / 10),
                unit if tenths < 100 => format!("{}.{}{unit}", tenths / 10, tenths % 10),
                unit => format!("{}{unit}", (tenths + 9) / 10),
            };
        }
        tenths = (tenths + 1023) / 1024;
    }
    format!("{}P", tenths / 10)
}
