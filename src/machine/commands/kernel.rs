//! The kernel: modules, parameters, swap, SELinux, its messages.

use super::options::{Spec, parse};
use super::{admin, row};
use crate::api::Value;
use crate::base::Str;
use crate::machine::files;
use crate::machine::program::{Command, Flow, Io};

pub static LSMOD: Command = admin("lsmod", ["list kernel modules", "커널 모듈을 보여 줍니다"], lsmod);
pub static MODPROBE: Command =
    admin("modprobe", ["load or remove a kernel module", "커널 모듈을 넣거나 뺍니다"], modprobe);
pub static SYSCTL: Command =
    admin("sysctl", ["read and set kernel parameters", "커널 매개변수를 읽고 바꿉니다"], sysctl);
pub static SWAPOFF: Command = admin("swapoff", ["stop using swap", "스왑을 끕니다"], swapoff);
pub static SWAPON: Command = admin("swapon", ["use swap", "스왑을 켭니다"], swapon);
pub static SESTATUS: Command = admin("sestatus", ["state of SELinux", "SELinux 상태를 자세히 보여 줍니다"], sestatus);
pub static GETENFORCE: Command = admin("getenforce", ["mode of SELinux", "SELinux 상태를 보여 줍니다"], getenforce);
pub static SETENFORCE: Command =
    admin("setenforce", ["set the mode of SELinux", "SELinux 상태를 바꿉니다"], setenforce);
pub static DMESG: Command = row("dmesg", ["messages of the kernel", "커널 메시지를 보여 줍니다"], dmesg);

fn lsmod(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let loaded = io.call("modules", Value::Null)?;
    let names: Vec<&str> = loaded.items().iter().map(Value::as_str).collect();
    io.outln("Module                  Size  Used by");
    for name in names.iter().rev() {
        let used: Vec<&str> = match *name {
            "bridge" => vec!["br_netfilter"],
            "nf_conntrack" => vec!["iptable_nat"],
            "ip_tables" => vec!["iptable_filter", "iptable_nat"],
            _ => Vec::new(),
        };
        let used: Vec<&str> = used.into_iter().filter(|u| names.contains(u)).collect();
        let size = 16_384 + (name.len() * 2_731) % 150_000;
        let by = if used.is_empty() { String::new() } else { format!(" {}", used.join(",")) };
        io.outln(format!("{name:<19} {size:>8}  {}{by}", used.len()));
    }
    Ok(0)
}

fn modprobe(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("rvqa", &[("remove", 'r'), ("verbose", 'v'), ("quiet", 'q'), ("all", 'a')], 1);
    let o = parse(io, args, &SPEC)?;
    if o.rest.is_empty() {
        return io.fail(1, "modprobe: ERROR: missing parameters. See -h.");
    }
    for name in &o.rest {
        let why = io.call("modprobe", map! { "name" => name, "remove" => o.has('r') }.into())?;
        if !why.as_str().is_empty() && !o.has('q') {
            return io.fail(1, format!("modprobe: {}", why.as_str()));
        }
    }
    Ok(0)
}

fn sysctl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new(
        "awnpeq",
        &[
            ("all", 'a'),
            ("write", 'w'),
            ("values", 'n'),
            ("system", 'S'),
            ("load", 'p'),
            ("ignore", 'e'),
            ("quiet", 'q'),
        ],
        1,
    );
    let o = parse(io, args, &SPEC)?;
    if o.has('S') || o.has('p') {
        let applied = io.call("sysctl-apply", Value::Null)?;
        for file in applied.items() {
            if o.has('S') {
                io.outln(format!("* Applying {} ...", file.str("file")));
            }
            for pair in file.get("set").map(Value::items).unwrap_or_default() {
                let text = |i: usize| pair.items().get(i).map_or("", Value::as_str);
                io.outln(format!("{} = {}", text(0), text(1)));
            }
        }
        return Ok(0);
    }
    if o.has('a') {
        return all(io, "/proc/sys", "");
    }
    if o.rest.is_empty() {
        io.errln("\nUsage:\n sysctl [options] [variable[=value] ...]\n\nFor more details see sysctl(8).");
        return Ok(1);
    }
    let mut code = 0;
    for word in &o.rest {
        let (key, value) = match word.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim().trim_matches('"'))),
            None if o.has('w') => {
                io.errln(format!("sysctl: \"{word}\" must be of the form name=value"));
                code = 1;
                continue;
            }
            None => (word.as_str(), None),
        };
        let key = key.replace('/', ".");
        let path = files::sysctl_path(&key);
        let Ok(before) = io.read_file(&path)? else {
            io.errln(format!("sysctl: cannot stat {path}: No such file or directory"));
            code = 255;
            continue;
        };
        if let Some(value) = value {
            io.write_file(&path, format!("{value}\n"))?.ok();
        }
        let shown = value.unwrap_or(before.trim_end());
        io.outln(if o.has('n') { shown.to_owned() } else { format!("{key} = {shown}") });
    }
    Ok(code)
}

fn all(io: &mut Io<'_>, folder: &str, prefix: &str) -> Flow<i32> {
    let names = io.call("list-dir", folder.into())?;
    for name in names.items() {
        let name = name.as_str();
        match name.strip_suffix('/') {
            Some(sub) => drop(all(io, &format!("{folder}/{sub}"), &format!("{prefix}{sub}."))?),
            None => {
                let value = io.read_file(&format!("{folder}/{name}"))?.unwrap_or_default();
                io.outln(format!("{prefix}{name} = {}", value.trim_end()));
            }
        }
    }
    Ok(0)
}

fn swapoff(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        Some("-a" | "--all") => {
            io.call("swaps", Value::List(Default::default()))?;
            Ok(0)
        }
        Some(path) => {
            let text = io.read_file(files::SWAPS)?.unwrap_or_default();
            let dm = if path.starts_with("/dev/mapper/") { "/dev/dm-1" } else { path };
            if text.lines().skip(1).any(|l| l.split_whitespace().next() == Some(dm)) {
                io.call("swaps", Value::List(Default::default()))?;
                return Ok(0);
            }
            io.fail(255, format!("swapoff: {path}: swapoff failed: Invalid argument"))
        }
        None => io.fail(16, "swapoff: bad usage\nTry 'swapoff --help' for more information."),
    }
}

fn swapon(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        Some("-a" | "--all") => {
            io.call("swaps", Value::Null)?;
            Ok(0)
        }
        None | Some("-s" | "--show" | "--summary") => {
            let text = io.read_file(files::SWAPS)?.unwrap_or_default();
            if args.get(1).is_some_and(|a| a == "-s") {
                if text.lines().count() > 1 {
                    io.out(text);
                }
                return Ok(0);
            }
            for (i, line) in text.lines().skip(1).enumerate() {
                if i == 0 {
                    io.outln("NAME      TYPE      SIZE USED PRIO");
                }
                let name = line.split_whitespace().next().unwrap_or("");
                io.outln(format!("{name:<9} partition   2G   0B   -{}", i + 2));
            }
            Ok(0)
        }
        Some(path) if path.starts_with("/dev/") => {
            io.call("swaps", Value::from(vec![Str::from(path)]))?;
            Ok(0)
        }
        Some(path) => io.fail(255, format!("swapon: cannot open {path}: No such file or directory")),
    }
}

fn getenforce(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let now = io.read_file(files::SELINUX_NOW)?;
    io.outln(match now.as_deref() {
        Ok("1") => "Enforcing",
        Ok(_) => "Permissive",
        Err(_) => "Disabled",
    });
    Ok(0)
}

fn setenforce(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mode = match args.get(1).map(|a| a.to_lowercase()).as_deref() {
        Some("0" | "permissive") => "0",
        Some("1" | "enforcing") => "1",
        _ => return io.fail(1, "usage:  setenforce [ Enforcing | Permissive | 1 | 0 ]"),
    };
    if io.read_file(files::SELINUX_NOW)?.is_err() {
        return io.fail(1, "setenforce: SELinux is disabled");
    }
    io.write_file(files::SELINUX_NOW, mode)?.ok();
    Ok(0)
}

fn sestatus(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let now = io.read_file(files::SELINUX_NOW)?;
    let config = io.read_file(files::SELINUX_CONFIG)?.unwrap_or_default();
    let configured = config.lines().find_map(|l| l.strip_prefix("SELINUX=")).unwrap_or("enforcing");
    match now.as_deref() {
        Err(_) => io.outln("SELinux status:                 disabled"),
        Ok(mode) => io.outln(format!(
            "SELinux status:                 enabled\nSELinuxfs mount:                /sys/fs/selinux\nSELinux root directory:         /etc/selinux\nLoaded policy name:             targeted\nCurrent mode:                   {}\nMode from config file:          {configured}",
            if mode == "1" { "enforcing" } else { "permissive" }
        )),
    }
    Ok(0)
}

fn dmesg(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let book = io.call("profile", Value::Null)?.as_str() == "book";
    let profile = if book { crate::sim::Profile::Book } else { crate::sim::Profile::Modern };
    io.outln(format!("[    0.000000] Linux version {} (gcc) #1 SMP", files::release(profile)));
    io.outln(format!("[    0.000000] Memory: {}K available", super::int(&machine, "memoryMib") * 1024));
    io.outln(format!("[    0.012000] smp: Brought up 1 node, {} CPUs", super::int(&machine, "cpus")));
    let loaded = io.call("modules", Value::Null)?;
    if loaded.items().iter().any(|m| m.as_str() == "br_netfilter") {
        io.outln("[   21.408311] Bridge firewalling registered");
    }
    for line in io.call("load", Value::Null)?.get("oom").map_or(&[][..], Value::items) {
        io.outln(line.as_str());
    }
    Ok(0)
}
