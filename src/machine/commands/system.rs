//! Facts about the machine: `hostname`, `uname`, `uptime`, `free`, `df`, `nproc`; and
//! `clear`.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Str, Time};
use crate::machine::files;
use crate::machine::program::{Command, Flow, Io};
use crate::sim::Profile;

pub static HOSTNAME: Command = row("hostname", ["name of the machine", "머신 이름을 보여 줍니다"], hostname);
pub static UNAME: Command = row("uname", ["name and version of the kernel", "커널 이름과 버전을 보여 줍니다"], uname);
pub static UPTIME: Command = row("uptime", ["time since boot and load", "부팅 후 시간과 부하를 보여 줍니다"], uptime);
pub static FREE: Command = row("free", ["memory in use", "메모리 사용량을 보여 줍니다"], free);
pub static DF: Command = row("df", ["disk space in use", "디스크 사용량을 보여 줍니다"], df);
pub static NPROC: Command = row("nproc", ["number of processors", "프로세서 수를 보여 줍니다"], nproc);
pub static CLEAR: Command = row("clear", ["clear the screen", "화면을 지웁니다"], clear);

fn hostname(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    match args.get(1).map(Str::as_str) {
        None | Some("-s" | "-f") => io.outln(machine.str("name")),
        Some("-i" | "-I") => io.outln(machine.str("ip")),
        Some(option) if option.starts_with('-') => {
            return io.fail(4, format!("hostname: invalid option -- '{}'", option.trim_start_matches('-')));
        }
        Some(_) => return io.fail(1, "hostname: changing the name is not modelled in this lab"),
    }
    Ok(0)
}

const UNAME_SPEC: Spec = Spec::new(
    "asnrvmpio",
    &[
        ("all", 'a'),
        ("kernel-name", 's'),
        ("nodename", 'n'),
        ("kernel-release", 'r'),
        ("machine", 'm'),
        ("operating-system", 'o'),
    ],
    1,
);

fn uname(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &UNAME_SPEC)?;
    let machine = io.call("machine", Value::Null)?;
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    let profile = if modern { Profile::Modern } else { Profile::Book };
    let version = if modern {
        "#1 SMP PREEMPT_DYNAMIC Wed May 14 12:00:00 UTC 2025"
    } else {
        "#1 SMP Tue Aug 25 17:23:54 UTC 2020"
    };
    let all = [
        ('s', "Linux"),
        ('n', machine.str("name")),
        ('r', files::release(profile)),
        ('v', version),
        ('m', "x86_64"),
        ('p', "x86_64"),
        ('i', "x86_64"),
        ('o', "GNU/Linux"),
    ];
    let none = !all.iter().any(|(c, _)| o.has(*c)) && !o.has('a');
    let words: Vec<&str> =
        all.iter().filter(|(c, _)| o.has('a') || o.has(*c) || (none && *c == 's')).map(|(_, w)| *w).collect();
    io.outln(words.join(" "));
    Ok(0)
}

fn uptime(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let now = io.now()?;
    let booted = Time(u64::try_from(super::int(&machine, "bootedAt")).unwrap_or(0));
    let minutes = now.since(booted).as_secs() / 60;
    let (_, _, _, h, mi, s) = now.civil();
    let up = match minutes {
        0..60 => format!("{minutes} min"),
        60..1440 => format!("{:2}:{:02}", minutes / 60, minutes % 60),
        _ => format!("{} days, {:2}:{:02}", minutes / 1440, minutes / 60 % 24, minutes % 60),
    };
    io.outln(format!(" {h:02}:{mi:02}:{s:02} up {up},  1 user,  load average: 0.08, 0.12, 0.09"));
    Ok(0)
}

fn nproc(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    io.outln(super::int(&machine, "cpus").to_string());
    Ok(0)
}

const FREE_SPEC: Spec = Spec::new("hmgkbtw", &[("human", 'h'), ("mebi", 'm'), ("gibi", 'g'), ("kibi", 'k')], 1);

fn free(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &FREE_SPEC)?;
    let machine = io.call("machine", Value::Null)?;
    let load = io.call("load", Value::Null)?;
    let total = super::int(&machine, "memoryMib") * 1024;
    let used = super::int(&load, "memory") / 1024;
    let rest = (total - used).max(0);
    let cache = (total / 3).min(rest * 3 / 4);
    let left = rest - cache;
    let shown = |kib: i64| match (o.has('h'), o.has('m'), o.has('g'), o.has('b')) {
        (true, ..) => super::ls::human(kib * 1024).replace('K', "Ki").replace('M', "Mi").replace('G', "Gi"),
        (_, true, ..) => (kib / 1024).to_string(),
        (_, _, true, _) => (kib / 1_048_576).to_string(),
        (.., true) => (kib * 1024).to_string(),
        _ => kib.to_string(),
    };
    let line = |name: &str, cells: &[i64]| -> String {
        let cells: String = cells.iter().map(|c| format!("{:>12}", shown(*c))).collect();
        format!("{name:<8}{}", &cells)
    };
    io.outln("              total        used        free      shared  buff/cache   available");
    io.outln(line("Mem:", &[total, used, left, 8_900, cache, left + cache * 95 / 100]));
    let swaps = io.read_file(files::SWAPS)?.unwrap_or_default();
    let swap: i64 = swaps.lines().skip(1).filter_map(|l| l.split_whitespace().nth(2)?.parse::<i64>().ok()).sum();
    io.outln(line("Swap:", &[swap, 0, swap]));
    Ok(0)
}

const DF_SPEC: Spec = Spec::new("hkmaTo:", &[("human-readable", 'h'), ("output", 'o')], 1);

fn df(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &DF_SPEC)?;
    let load = io.call("load", Value::Null)?;
    let book = io.call("profile", Value::Null)?.as_str() == "book";
    let kib = |key: &str| super::int(&load, key) / 1024;
    let root = if book { "/dev/mapper/centos-root" } else { "/dev/mapper/rl-root" };
    let inside = super::int(&load, "inside") == 1;
    let all: [(&str, i64, i64, &str); 6] = [
        ("overlay", kib("disk"), kib("diskUsed"), "/"),
        ("devtmpfs", 1_456_000, 0, "/dev"),
        ("tmpfs", 1_467_000, kib("shm"), "/dev/shm"),
        ("tmpfs", 1_467_000, 8_900, "/run"),
        (root, kib("disk"), kib("diskUsed"), if inside { "/etc/hosts" } else { "/" }),
        ("/dev/sda1", 1_038_336, 158_000, "/boot"),
    ];
    let inner = [0, 2, 4];
    let mut rows: Vec<(&str, i64, i64, &str)> = Vec::new();
    for (i, row) in all.into_iter().enumerate() {
        if (inside && inner.contains(&i)) || (!inside && i > 0) {
            rows.push(row);
        }
    }
    // Of files and folders: where they lie.
    if !o.rest.is_empty() {
        let mut wanted = Vec::new();
        for path in &o.rest {
            if io.call("stat", path.clone().into())?.is_null() {
                io.errln(format!("df: {path}: No such file or directory"));
                return io.fail_quietly(1);
            }
            let cwd = io.call("cwd", Value::Null)?;
            let at = crate::machine::files::absolute(cwd.as_str(), path);
            let holds = |r: &&(&str, i64, i64, &str)| {
                r.3 == "/" || at == r.3 || at.strip_prefix(r.3).is_some_and(|t| t.starts_with('/'))
            };
            wanted.extend(rows.iter().filter(holds).max_by_key(|r| r.3.len()).copied());
        }
        rows = wanted;
    }
    if let Some(field) = o.value('o') {
        for word in field.split(',') {
            let head = match word {
                "avail" => "Avail",
                "used" => "Used",
                "size" => "1K-blocks",
                "pcent" => "Use%",
                "target" => "Mounted on",
                _ => "Filesystem",
            };
            let cells: Vec<String> = rows
                .iter()
                .map(|(name, total, used, place)| match word {
                    "avail" => (total - used).to_string(),
                    "used" => used.to_string(),
                    "size" => total.to_string(),
                    "pcent" => format!("{}%", (used * 100 + total - 1) / total),
                    "target" => (*place).to_owned(),
                    _ => (*name).to_owned(),
                })
                .collect();
            let width = cells.iter().map(String::len).max().unwrap_or(0).max(head.len());
            io.outln(format!("{head:>width$}"));
            for cell in cells {
                io.outln(format!("{cell:>width$}"));
            }
        }
        return Ok(0);
    }
    let size = |kib: i64| if o.has('h') { super::ls::human(kib * 1024) } else { kib.to_string() };
    let heads = if o.has('h') { ["Size", "Used", "Avail"] } else { ["1K-blocks", "Used", "Available"] };
    io.outln(format!("{:<23} {:>9} {:>8} {:>9} Use% Mounted on", "Filesystem", heads[0], heads[1], heads[2]));
    for (name, total, used, place) in rows {
        let percent = (used * 100 + total - 1) / total;
        let (all, taken, left) = (size(total), size(used), size(total - used));
        io.outln(format!("{name:<23} {all:>9} {taken:>8} {left:>9} {percent:>3}% {place}"));
    }
    Ok(0)
}

fn clear(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    io.out(crate::machine::terminal::CLEAR);
    Ok(0)
}
