//! What a machine is and who is on it: `lsblk`, `blkid`, `lscpu`, `dmidecode`, `timedatectl`, `chronyc`, `locale`,
//! `who`, `w`, `last`, `loginctl`, `crontab`, `vmstat`, `pidof`, `systemd-analyze`.

use super::{admin, row};
use crate::api::Value;
use crate::base::{Str, Time, time::MONTHS};
use crate::machine::files;
use crate::machine::program::{Command, Flow, Io};

pub static LSBLK: Command = row("lsblk", ["list disks and partitions", "디스크와 파티션을 보여 줍니다"], lsblk);
pub static BLKID: Command = admin("blkid", ["file systems of partitions", "파티션의 파일 시스템을 보여 줍니다"], blkid);
pub static LSCPU: Command = row("lscpu", ["about the processors", "프로세서 정보를 보여 줍니다"], lscpu);
pub static DMIDECODE: Command = admin(
    "dmidecode",
    ["about the hardware, as its firmware tells", "펌웨어가 알려 주는 하드웨어 정보입니다"],
    dmidecode,
);
pub static TIMEDATECTL: Command =
    row("timedatectl", ["time and time zone", "시각과 시간대를 보여 줍니다"], timedatectl);
pub static CHRONYC: Command = row("chronyc", ["ask the time daemon", "시각 동기화 데몬의 상태를 봅니다"], chronyc);
pub static LOCALE: Command = row("locale", ["language settings", "언어 설정을 보여 줍니다"], locale);
pub static WHO: Command = row("who", ["who is logged in", "로그인한 사용자를 보여 줍니다"], who);
pub static W: Command = row("w", ["who is logged in, and what they do", "로그인한 사용자와 하는 일을 보여 줍니다"], w);
pub static LAST: Command = row("last", ["logins and boots", "로그인과 부팅 기록을 보여 줍니다"], last);
pub static LOGINCTL: Command = row("loginctl", ["sessions of users", "사용자 세션을 보여 줍니다"], loginctl);
pub static CRONTAB: Command = row("crontab", ["jobs of cron", "cron 작업을 다룹니다"], crontab);
pub static VMSTAT: Command =
    row("vmstat", ["memory and processor at a glance", "메모리와 프로세서 상태를 봅니다"], vmstat);
pub static PIDOF: Command =
    admin("pidof", ["numbers of a program's processes", "프로그램의 프로세스 번호를 찾습니다"], pidof);
pub static ANALYZE: Command =
    row("systemd-analyze", ["how long the boot took", "부팅에 걸린 시간을 보여 줍니다"], analyze);

fn book(io: &mut Io<'_>) -> Flow<bool> {
    Ok(io.call("profile", Value::Null)?.as_str() == "book")
}

fn at(io: &mut Io<'_>, key: &str) -> Flow<Time> {
    let machine = io.call("machine", Value::Null)?;
    Ok(Time(u64::try_from(super::int(&machine, key)).unwrap_or(0)))
}

fn lsblk(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if let Some(option) = args[1..].iter().find(|a| !matches!(a.as_str(), "-a" | "-p" | "-i" | "-l" | "-m")) {
        return io.fail(1, format!("lsblk: {option}: not modelled in this lab"));
    }
    let book = book(io)?;
    let swap = io.read_file(files::SWAPS)?.unwrap_or_default().lines().count() > 1;
    let (vg, head) = if book { ("centos", "MOUNTPOINT") } else { ("rl", "MOUNTPOINTS") };
    let (root, other) = (format!("{vg}-root"), format!("{vg}-swap"));
    let on = if swap { "[SWAP]" } else { "" };
    io.outln(format!("NAME            MAJ:MIN RM  SIZE RO TYPE {head}"));
    for line in [
        "sda               8:0    0   43G  0 disk ".to_owned(),
        "├─sda1            8:1    0    1G  0 part /boot".to_owned(),
        "└─sda2            8:2    0   42G  0 part ".to_owned(),
        format!("  ├─{root:<11} 253:0    0   40G  0 lvm  /"),
        format!("  └─{other:<11} 253:1    0    2G  0 lvm  {on}"),
    ] {
        io.outln(line);
    }
    Ok(0)
}

fn blkid(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let vg = if book(io)? { "centos" } else { "rl" };
    let machine = io.call("machine", Value::Null)?;
    let uuid = |of: &str| {
        let d = crate::runtime::images::digest(&format!("{} {of}", machine.str("name")));
        format!("{}-{}-{}-{}-{}", &d[..8], &d[8..12], &d[12..16], &d[16..20], &d[20..32])
    };
    for (device, kind) in [
        ("/dev/sda1".to_owned(), "xfs"),
        ("/dev/sda2".to_owned(), "LVM2_member"),
        (format!("/dev/mapper/{vg}-root"), "xfs"),
        (format!("/dev/mapper/{vg}-swap"), "swap"),
    ] {
        io.outln(format!("{device}: UUID=\"{}\" TYPE=\"{kind}\"", uuid(&device)));
    }
    Ok(0)
}

fn lscpu(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let cpus = super::int(&machine, "cpus");
    let range = if cpus > 1 { format!("0-{}", cpus - 1) } else { "0".to_owned() };
    for (name, value) in [
        ("Architecture", "x86_64".to_owned()),
        ("CPU op-mode(s)", "32-bit, 64-bit".to_owned()),
        ("Byte Order", "Little Endian".to_owned()),
        ("CPU(s)", cpus.to_string()),
        ("On-line CPU(s) list", range),
        ("Thread(s) per core", "1".to_owned()),
        ("Core(s) per socket", cpus.to_string()),
        ("Socket(s)", "1".to_owned()),
        ("Vendor ID", "GenuineIntel".to_owned()),
        ("Model name", "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz".to_owned()),
        ("Hypervisor vendor", "KVM".to_owned()),
        ("Virtualization type", "full".to_owned()),
    ] {
        io.outln(format!("{:<23}{value}", format!("{name}:")));
    }
    Ok(0)
}

fn dmidecode(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    if machine.str("user") != "root" {
        return io.fail(1, "# dmidecode 3.2\nScanning /dev/mem for entry point.\n/dev/mem: Permission denied");
    }
    let d = crate::runtime::images::digest(machine.str("name"));
    let uuid = format!("{}-{}-{}-{}-{}", &d[..8], &d[8..12], &d[12..16], &d[16..20], &d[20..32]);
    let words: Vec<&str> = args[1..].iter().map(Str::as_str).collect();
    let one = match words[..] {
        ["-s", "system-uuid"] => uuid,
        ["-s", "system-product-name"] => "VirtualBox".to_owned(),
        ["-s", "system-manufacturer"] => "innotek GmbH".to_owned(),
        ["-s", "system-serial-number"] => "0".to_owned(),
        _ => format!(
            "# dmidecode 3.2\nGetting SMBIOS data from sysfs.\nSMBIOS 2.5 present.\n\nHandle 0x0001, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: innotek GmbH\n\tProduct Name: VirtualBox\n\tVersion: 1.2\n\tSerial Number: 0\n\tUUID: {uuid}\n\tWake-up Type: Power Switch\n\tFamily: Virtual Machine\n"
        ),
    };
    io.outln(one);
    Ok(0)
}

fn timedatectl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        None | Some("status") => {}
        Some(verb) => return io.fail(1, format!("timedatectl: {verb}: the lab's clock is UTC and is not set by hand")),
    }
    let book = book(io)?;
    let unit = io.call("unit", "chronyd".into())?;
    let synced = if unit.str("state") == "active" { "yes" } else { "no" };
    let (y, mo, d, h, mi, s) = io.now()?.civil();
    let when = format!("{y}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}");
    if book {
        io.outln(format!("      Local time: {when} UTC\n  Universal time: {when} UTC\n        RTC time: {when}\n       Time zone: UTC (UTC, +0000)\n     NTP enabled: {synced}\nNTP synchronized: {synced}\n RTC in local TZ: no\n      DST active: n/a"));
    } else {
        let active = if synced == "yes" { "active" } else { "inactive" };
        io.outln(format!("               Local time: {when} UTC\n           Universal time: {when} UTC\n                 RTC time: {when}\n                Time zone: UTC (UTC, +0000)\nSystem clock synchronized: {synced}\n              NTP service: {active}\n          RTC in local TZ: no"));
    }
    Ok(0)
}

fn chronyc(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let unit = io.call("unit", "chronyd".into())?;
    if unit.str("state") != "active" {
        return io.fail(1, "506 Cannot talk to daemon");
    }
    match args.iter().skip(1).map(Str::as_str).find(|a| !a.starts_with('-')) {
        Some("tracking") => io.outln("Reference ID    : A29FC801 (time.cloudflare.com)\nStratum         : 4\nSystem time     : 0.000012418 seconds fast of NTP time\nLast offset     : +0.000008221 seconds\nRMS offset      : 0.000041250 seconds\nFrequency       : 12.503 ppm slow\nResidual freq   : +0.001 ppm\nSkew            : 0.084 ppm\nRoot delay      : 0.004151276 seconds\nRoot dispersion : 0.000512345 seconds\nUpdate interval : 64.4 seconds\nLeap status     : Normal"),
        Some("sources") => io.outln("210 Number of sources = 1\nMS Name/IP address         Stratum Poll Reach LastRx Last sample               \n===============================================================================\n^* time.cloudflare.com           3   6   377    24    +12us[  +20us] +/- 2588us"),
        Some(other) => return io.fail(1, format!("Unrecognized command: {other}")),
        None => return io.fail(1, "chronyc: the prompt is not modelled; use chronyc tracking or chronyc sources"),
    }
    Ok(0)
}

fn locale(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let lang = io.call("env", "LANG".into())?;
    io.outln(format!("LANG={}", lang.as_str()));
    for name in [
        "CTYPE",
        "NUMERIC",
        "TIME",
        "COLLATE",
        "MONETARY",
        "MESSAGES",
        "PAPER",
        "NAME",
        "ADDRESS",
        "TELEPHONE",
        "MEASUREMENT",
        "IDENTIFICATION",
    ] {
        io.outln(format!("LC_{name}=\"{}\"", lang.as_str()));
    }
    io.outln("LC_ALL=");
    Ok(0)
}

fn who(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let (y, mo, d, h, mi, _) = at(io, "bootedAt")?.civil();
    io.outln(format!("{:<8} pts/0        {y}-{mo:02}-{d:02} {h:02}:{mi:02} (192.168.1.1)", machine.str("user")));
    Ok(0)
}

fn w(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let (_, _, _, h, mi, s) = io.now()?.civil();
    let (_, _, _, bh, bm, _) = at(io, "bootedAt")?.civil();
    io.outln(format!(" {h:02}:{mi:02}:{s:02} up  1 user,  load average: 0.08, 0.12, 0.09\nUSER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n{:<8} pts/0    192.168.1.1      {bh:02}:{bm:02}    1.00s  0.05s  0.01s w", machine.str("user")));
    Ok(0)
}

fn last(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let (_, mo, d, h, mi, _) = at(io, "bootedAt")?.civil();
    let month = MONTHS[mo as usize - 1];
    let release = io.read_file("/proc/sys/kernel/osrelease")?.unwrap_or_default();
    let kernel: String = release.trim().chars().take(16).collect();
    io.outln(format!("{:<8} pts/0        192.168.1.1      {month} {d:2} {h:02}:{mi:02}   still logged in   \nreboot   system boot  {kernel:<16} {month} {d:2} {h:02}:{mi:02} - now", machine.str("user")));
    Ok(0)
}

fn loginctl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let user = io.call("user", Value::Null)?;
    match args.get(1).map(Str::as_str) {
        None | Some("list-sessions") => io.outln(format!("   SESSION        UID USER             SEAT            \n         1 {:>10} {:<16}                 \n\n1 sessions listed.", super::int(&user, "uid"), user.str("name"))),
        Some("list-users") => io.outln(format!("       UID USER            \n{:>10} {:<16}\n\n1 users listed.", super::int(&user, "uid"), user.str("name"))),
        Some(other) => return io.fail(1, format!("Unknown operation '{other}'.")),
    }
    Ok(0)
}

fn crontab(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let user = io.call("machine", Value::Null)?.str("user").to_owned();
    let path = format!("/var/spool/cron/{user}");
    match args.get(1).map(Str::as_str) {
        Some("-l") => match io.read_file(&path)? {
            Ok(text) => io.out(text),
            Err(_) => return io.fail(1, format!("no crontab for {user}")),
        },
        _ => return io.fail(1, "crontab: only -l is modelled in this lab; nothing runs cron's jobs"),
    }
    Ok(0)
}

fn vmstat(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let machine = io.call("machine", Value::Null)?;
    let kib = super::int(&machine, "memoryMib") * 1024;
    io.outln("procs -----------memory---------- ---swap-- -----io---- -system-- ------cpu-----\n r  b   swpd   free   buff  cache   si   so    bi    bo   in   cs us sy id wa st");
    io.outln(format!(
        " 1  0      0 {:>6}   2108 {:>6}    0    0    12    41  310  680  2  1 97  0  0",
        kib / 3,
        kib / 3
    ));
    Ok(0)
}

fn pidof(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let all = io.call("processes", Value::Null)?;
    let mut found: Vec<String> = Vec::new();
    for name in args[1..].iter().filter(|a| !a.starts_with('-')) {
        let ours = all.items().iter().filter(|p| super::kill::name(p.str("command")) == name.as_str());
        found.extend(ours.map(|p| super::int(p, "pid").to_string()));
    }
    found.reverse();
    if found.is_empty() {
        return Ok(1);
    }
    if args.iter().any(|a| a == "-s") {
        found.truncate(1);
    }
    io.outln(found.join(" "));
    Ok(0)
}

fn analyze(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    match args.get(1).map(Str::as_str) {
        None | Some("time") => {
            io.outln("Startup finished in 802ms (kernel) + 2.114s (initrd) + 17.084s (userspace) = 20.001s");
            Ok(0)
        }
        Some(other) => io.fail(1, format!("Unknown operation '{other}'.")),
    }
}
