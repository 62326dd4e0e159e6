//! What fills memory and disk: `dd`, `fallocate`, `stress`; and `du`, `sync`.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::load;
use crate::machine::program::{Command, Flow, Io};

pub static DD: Command = row("dd", ["copy blocks", "블록 단위로 복사합니다"], dd);
pub static DU: Command = row("du", ["space that folders take", "폴더가 차지하는 공간을 보여 줍니다"], du);
pub static FALLOCATE: Command =
    row("fallocate", ["reserve space for a file", "파일의 공간을 미리 잡습니다"], fallocate);
pub static STRESS: Command = row("stress", ["keep processors and memory busy", "CPU와 메모리에 부하를 줍니다"], stress);
pub static SYNC: Command =
    row("sync", ["write caches to disk", "캐시를 디스크에 기록합니다"], |_, _| Ok(0));

/// Bytes a second of the lab's disk.
const SPEED: u64 = 400_000_000;

/// `512`, `1M`, `10MB`, `20GiB` in bytes.
fn amount(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let shift = |n: u32| Some(1u64 << n);
    let factor = match unit {
        "" | "c" => Some(1),
        "k" | "K" | "KiB" => shift(10),
        "m" | "M" | "MiB" => shift(20),
        "g" | "G" | "GiB" => shift(30),
        "KB" | "kB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "b" => Some(512),
        _ => None,
    }?;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn took(bytes: u64) -> Duration {
    Duration::millis(2) + Duration(bytes.saturating_mul(1_000_000) / SPEED)
}

fn dd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let (mut from, mut to, mut block, mut count) = ("", "", 512, None);
    for arg in &args[1..] {
        let Some((key, value)) = arg.split_once('=') else {
            io.errln(format!("dd: unrecognized operand '{arg}'"));
            return io.fail(1, "Try 'dd --help' for more information.");
        };
        let number = || amount(value);
        match key {
            "if" => from = value,
            "of" => to = value,
            "bs" | "ibs" | "obs" if number().is_some() => block = number().unwrap_or(512).max(1),
            "count" if number().is_some() => count = number(),
            "status" | "oflag" | "iflag" | "conv" => {}
            "bs" | "ibs" | "obs" | "count" => return io.fail(1, format!("dd: invalid number: '{value}'")),
            _ => {
                io.errln(format!("dd: unrecognized operand '{arg}'"));
                return io.fail(1, "Try 'dd --help' for more information.");
            }
        }
    }
    let endless = matches!(from, "/dev/zero" | "/dev/urandom" | "/dev/random");
    let limit = count.map_or(u64::MAX >> 1, |n| n.saturating_mul(block));
    if !endless {
        let text = match from {
            "" => io.read_all()?,
            path => match io.read_file(path)? {
                Ok(text) => text,
                Err(why) => return io.fail(1, format!("dd: failed to open '{path}': {why}")),
            },
        };
        let text: String = text.chars().take(limit.min(1 << 24) as usize).collect();
        let size = text.len() as u64;
        match to {
            "" => io.out(&text),
            path => {
                if let Err(why) = io.write_file(path, text)? {
                    return io.fail(1, format!("dd: failed to open '{path}': {why}"));
                }
            }
        }
        return told(io, size, block);
    }
    if matches!(to, "" | "/dev/null") {
        io.sleep(took(limit.min(SPEED * 3600)))?;
        return told(io, limit.min(SPEED * 3600), block);
    }
    let load = io.call("load", Value::Null)?;
    let room = super::int(&load, "disk") - super::int(&load, "diskUsed");
    let ram = to.starts_with("/dev/shm/");
    let size = if ram { limit.min(1_467_000 << 10) } else { limit.min(room.max(0) as u64 + 1) };
    io.sleep(took(size))?;
    let why = io.call("allocate", map! { "path" => to, "bytes" => size }.into())?;
    let full = !why.as_str().is_empty() || size < limit;
    if full {
        let why = if why.as_str().is_empty() { "No space left on device" } else { why.as_str() };
        io.errln(format!("dd: error writing '{to}': {why}"));
    }
    told(io, size, block)?;
    Ok(i32::from(full))
}

fn told(io: &mut Io<'_>, size: u64, block: u64) -> Flow<i32> {
    let (whole, part) = (size / block, u64::from(!size.is_multiple_of(block)));
    for way in ["in", "out"] {
        io.errln(format!("{whole}+{part} records {way}"));
    }
    let time = took(size).0.max(1);
    let human = |n: u64| super::ls::human(n as i64);
    let speed = (u128::from(size) * 1_000_000 / u128::from(time)) as u64;
    let seconds = format!("{}.{:05}", time / 1_000_000, time % 1_000_000 / 10);
    let (size_h, speed_h) = (human(size), human(speed));
    io.errln(format!("{size} bytes ({size_h}B) copied, {seconds} s, {speed_h}B/s"));
    Ok(0)
}

const FALLOCATE_SPEC: Spec = Spec::new("l:o:nxz", &[("length", 'l'), ("offset", 'o')], 1);

fn fallocate(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &FALLOCATE_SPEC)?;
    let Some(length) = o.value('l') else { return io.fail(1, "fallocate: no length argument specified") };
    let Some(bytes) = amount(length) else {
        return io.fail(1, format!("fallocate: failed to parse length: '{length}'"));
    };
    let [path] = &o.rest[..] else { return io.fail(1, "fallocate: no filename specified") };
    let why = io.call("allocate", map! { "path" => path, "bytes" => bytes, "keep" => true }.into())?;
    match why.as_str() {
        "" => Ok(0),
        "No space left on device" => io.fail(1, "fallocate: fallocate failed: No space left on device"),
        why => io.fail(1, format!("fallocate: cannot open {path}: {why}")),
    }
}

const DU_SPEC: Spec =
    Spec::new("shkmabcxd:", &[("summarize", 's'), ("human-readable", 'h'), ("max-depth", 'd'), ("all", 'a')], 1);

fn du(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &DU_SPEC)?;
    let here = [Str::from(".")];
    let depth = if o.has('s') { 0 } else { o.value('d').and_then(|d| d.parse().ok()).unwrap_or(usize::MAX) };
    let shown = |bytes: u64| match () {
        () if o.has('h') => super::ls::human(bytes as i64),
        () if o.has('m') => bytes.div_ceil(1 << 20).to_string(),
        () if o.has('b') => bytes.to_string(),
        () => bytes.div_ceil(1024).to_string(),
    };
    let cwd = io.call("cwd", Value::Null)?;
    let mut code = 0;
    for path in if o.rest.is_empty() { &here[..] } else { &o.rest } {
        let sizes = io.call("sizes", path.into())?;
        if sizes.is_null() {
            io.errln(format!("du: cannot access '{path}': No such file or directory"));
            code = 1;
            continue;
        }
        let root = crate::machine::files::absolute(cwd.as_str(), path);
        let name = |below: &str| match below {
            "" => path.to_string(),
            below => format!("{}/{below}", path.trim_end_matches('/')),
        };
        let mut totals = std::collections::BTreeMap::<&str, u64>::new();
        let all: Vec<(Str, u64)> = sizes
            .items()
            .iter()
            .map(|pair| (pair.items()[0].as_str().into(), pair.items()[1].as_int().unwrap_or(0) as u64))
            .collect();
        for (file, size) in &all {
            let below = file.strip_prefix(root.trim_end_matches('/')).unwrap_or("").trim_start_matches('/');
            let size = size.div_ceil(4096) * 4096;
            *totals.entry("").or_default() += size;
            let folders = below.match_indices('/').map(|(i, _)| &below[..i]);
            for folder in folders.filter(|f| f.matches('/').count() < depth) {
                *totals.entry(folder).or_default() += size;
            }
        }
        let total = totals.remove("").unwrap_or(4096);
        for (folder, size) in totals {
            io.outln(format!("{}\t{}", shown(size), name(folder)));
        }
        io.outln(format!("{}\t{path}", shown(total)));
    }
    Ok(code)
}

fn stress(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut hogs = [0u64; 4];
    let mut timeout = None;
    let mut words = args[1..].iter();
    while let Some(word) = words.next() {
        let (name, own) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v)));
        let kind = ["--cpu", "--io", "--vm", "--hdd"].iter().position(|n| *n == name);
        let kind = kind.or_else(|| ["-c", "-i", "-m", "-d"].iter().position(|n| *n == name));
        match (name, kind) {
            ("--vm-keep" | "--verbose" | "-v" | "--quiet" | "-q", _) => {}
            (_, Some(i)) => {
                let value = own.or_else(|| words.next().map(Str::as_str));
                hogs[i] = value.and_then(|v| v.parse().ok()).unwrap_or(0);
            }
            ("--timeout" | "-t", _) => {
                let value = own.or_else(|| words.next().map(Str::as_str)).unwrap_or("");
                timeout = super::run::span(value);
            }
            (name, _) if name.starts_with('-') => {
                if own.is_none() {
                    words.next();
                }
            }
            (name, _) => return io.fail(1, format!("stress: FAIL: [1] (244) unrecognized option: {name}")),
        }
    }
    let pid = super::int(&io.call("machine", Value::Null)?, "pid").max(1);
    let [cpu, i, vm, hdd] = hogs;
    io.outln(format!("stress: info: [{pid}] dispatching hogs: {cpu} cpu, {i} io, {vm} vm, {hdd} hdd"));
    io.sleep(Duration::millis(load::GROWING_MS + 1))?;
    if vm > 0 && io.call("grown", Value::Null)?.as_bool() == Some(false) {
        io.errln(format!("stress: FAIL: [{pid}] (415) <-- worker {} got signal 9", pid + 1));
        io.errln(format!("stress: WARN: [{pid}] (417) now reaping child worker processes"));
        return io.fail(1, format!("stress: FAIL: [{pid}] (451) failed run completed in 1s"));
    }
    let Some(time) = timeout else {
        loop {
            io.sleep(Duration::secs(86_400))?;
            io.checkpoint(Value::Null);
        }
    };
    io.sleep(time)?;
    io.outln(format!("stress: info: [{pid}] successful run completed in {}s", time.as_secs()));
    Ok(0)
}
