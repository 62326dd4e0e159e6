//! Small programs, most of which run another: `sleep`, `seq`, `xargs`, `timeout`, `time` and so on.

use super::options::{Spec, parse};
use super::row;
use crate::api::{List, Value};
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io, Stream};

pub static TRUE: Command = row("true", ["succeed", "아무 일도 하지 않고 성공합니다"], |_, _| Ok(0));
pub static FALSE: Command = row("false", ["fail", "아무 일도 하지 않고 실패합니다"], |_, _| Ok(1));
pub static SLEEP: Command = row("sleep", ["wait", "기다립니다"], sleep);
pub static SEQ: Command = row("seq", ["print numbers", "수를 차례로 출력합니다"], seq);
pub static YES: Command = row("yes", ["print a line again and again", "같은 줄을 계속 출력합니다"], yes);
pub static PWD: Command = row("pwd", ["print the current folder", "현재 폴더를 출력합니다"], pwd);
pub static WHICH: Command = row("which", ["tell where a command lives", "명령의 위치를 알려 줍니다"], which);
pub static BASENAME: Command = row("basename", ["last part of a path", "경로의 마지막 부분을 출력합니다"], basename);
pub static DIRNAME: Command = row("dirname", ["folder of a path", "경로의 폴더를 출력합니다"], dirname);
pub static XARGS: Command =
    row("xargs", ["run a command with arguments read from input", "입력을 인자로 하여 명령을 실행합니다"], xargs);
pub static TIMEOUT: Command =
    row("timeout", ["run a command for a limited time", "제한 시간 안에서 명령을 실행합니다"], timeout);
pub static TIME: Command =
    row("time", ["run a command and tell how long it took", "명령에 걸린 시간을 알려 줍니다"], time);
pub static NOHUP: Command =
    row("nohup", ["run a command that outlives the terminal", "터미널이 닫혀도 계속되는 명령을 실행합니다"], nohup);

/// `1`, `0.5`, `2m`, `1h`, `1d` in microseconds.
pub(super) fn span(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1),
        'm' => (&text[..text.len() - 1], 60),
        'h' => (&text[..text.len() - 1], 3_600),
        'd' => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let valid = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if digits.is_empty() || !valid(whole) || !valid(fraction) || digits == "." {
        return None;
    }
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let total = whole.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?.checked_mul(unit)?;
    Some(Duration(total.min(Duration::secs(86_400 * 3_650).0)))
}

fn sleep(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if args.len() < 2 {
        io.errln("sleep: missing operand");
        return io.fail(1, "Try 'sleep --help' for more information.");
    }
    let mut total = Duration::ZERO;
    for text in &args[1..] {
        match span(text) {
            Some(time) => total = total + time,
            None => {
                io.errln(format!("sleep: invalid time interval '{text}'"));
                return io.fail(1, "Try 'sleep --help' for more information.");
            }
        }
    }
    io.sleep(total)?;
    Ok(0)
}

const SEQ_SPEC: Spec = Spec { in_order: true, ..Spec::new("s:wf:", &[("separator", 's'), ("equal-width", 'w')], 1) };

fn seq(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // A negative number is no option.
    let negative = |a: &Str| a.len() > 1 && a.starts_with('-') && a[1..].bytes().all(|b| b.is_ascii_digit());
    let at = args.iter().position(negative).unwrap_or(args.len());
    let mut o = parse(io, &args[..at], &SEQ_SPEC)?;
    o.rest.extend_from_slice(&args[at..]);
    let mut numbers = Vec::new();
    for text in &o.rest {
        match text.parse::<i64>() {
            Ok(n) => numbers.push(n),
            Err(_) => {
                io.errln(format!("seq: invalid floating point argument: '{text}'"));
                return io.fail(1, "Try 'seq --help' for more information.");
            }
        }
    }
    let (from, step, to) = match numbers[..] {
        [to] => (1, 1, to),
        [from, to] => (from, 1, to),
        [from, step, to] => (from, step, to),
        [] => {
            io.errln("seq: missing operand");
            return io.fail(1, "Try 'seq --help' for more information.");
        }
        _ => {
            io.errln(format!("seq: extra operand '{}'", o.rest[3]));
            return io.fail(1, "Try 'seq --help' for more information.");
        }
    };
    if step == 0 {
        return io.fail(1, "seq: invalid Zero increment value: '0'");
    }
    let width = if o.has('w') { from.to_string().len().max(to.to_string().len()) } else { 0 };
    let separator = o.value('s').map_or("\n", Str::as_str);
    let mut n = io.state().as_int().unwrap_or(from);
    let mut left = 1_000;
    while (step > 0 && n <= to) || (step < 0 && n >= to) {
        let next = n.saturating_add(step);
        let last = (step > 0 && next > to) || (step < 0 && next < to);
        io.out(format!("{n:0width$}{}", if last { "\n" } else { separator }));
        n = next;
        left -= 1;
        if left == 0 {
            io.sleep(Duration::millis(1))?;
            io.checkpoint(n.into());
            left = 1_000;
        }
    }
    Ok(0)
}

fn yes(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let text = if args.len() > 1 { args[1..].join(" ") } else { "y".to_owned() };
    loop {
        for _ in 0..200 {
            io.outln(&text);
        }
        io.sleep(Duration::millis(20))?;
        io.checkpoint(true.into());
    }
}

fn pwd(io: &mut Io<'_>, _: &[Str]) -> Flow<i32> {
    let cwd = io.call("cwd", Value::Null)?;
    io.outln(cwd.as_str());
    Ok(0)
}

fn which(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut code = 0;
    for name in &args[1..] {
        match io.call("which", name.into())?.as_str() {
            path if !path.is_empty() => io.outln(path),
            _ => {
                let path = io.call("env", "PATH".into())?;
                io.errln(format!("/usr/bin/which: no {name} in ({})", path.as_str()));
                code = 1;
            }
        }
    }
    Ok(code)
}

fn basename(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Some(path) = args.get(1) else {
        io.errln("basename: missing operand");
        return io.fail(1, "Try 'basename --help' for more information.");
    };
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let name = if name.is_empty() { "/" } else { name };
    let name = args.get(2).and_then(|s| name.strip_suffix(s.as_str())).filter(|n| !n.is_empty()).unwrap_or(name);
    io.outln(name);
    Ok(0)
}

fn dirname(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Some(path) = args.get(1) else {
        io.errln("dirname: missing operand");
        return io.fail(1, "Try 'dirname --help' for more information.");
    };
    let folder = match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((folder, _)) => folder,
        None => ".",
    };
    io.outln(folder);
    Ok(0)
}

/// Runs a command with this command's own descriptors; its exit code.
fn spawn(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let list: List = args.iter().map(Value::from).collect();
    let done = io.call("spawn", map! { "args" => list }.into())?;
    Ok(super::int(&done, "code") as i32)
}

const XARGS_SPEC: Spec = Spec {
    in_order: true,
    ..Spec::new("n:I:0rtd:P:L:i", &[("max-args", 'n'), ("no-run-if-empty", 'r'), ("null", '0'), ("replace", 'I')], 1)
};

fn xargs(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &XARGS_SPEC)?;
    let text = io.read_all()?;
    let delimiter = o.value('d').map(|d| super::echo::unescape(d).0);
    let items: Vec<Str> = match (&delimiter, o.has('0')) {
        (_, true) => text.split('\0').filter(|t| !t.is_empty()).map(Str::from).collect(),
        (Some(d), _) => text.trim_end_matches(d.as_str()).split(d.as_str()).map(Str::from).collect(),
        _ if o.has('I') || o.has('L') => {
            text.lines().map(|l| Str::from(l.trim_start())).filter(|l| !l.is_empty()).collect()
        }
        _ => text.split_whitespace().map(|t| t.trim_matches(['\'', '"']).into()).collect(),
    };
    let command = if o.rest.is_empty() { vec![Str::from("echo")] } else { o.rest.clone() };
    if items.is_empty() && (o.has('r') || o.has('I')) {
        return Ok(0);
    }
    let size = o.value('n').or(o.value('L')).and_then(|n| n.parse().ok()).unwrap_or(usize::MAX).max(1);
    let lines: Vec<Vec<Str>> = match o.value('I') {
        Some(mark) => {
            let fill = |item: &Str| command.iter().map(|w| w.replace(mark.as_str(), item)).collect();
            items.iter().map(fill).collect()
        }
        None if items.is_empty() => vec![command],
        None => items.chunks(size.min(items.len())).map(|c| [command.as_slice(), c].concat()).collect(),
    };
    let mut code = 0;
    for line in lines {
        if o.has('t') {
            io.errln(line.join(" "));
        }
        match spawn(io, &line)? {
            0 => {}
            stop @ (126 | 127) => return Ok(stop),
            255 => return io.fail(124, format!("xargs: {}: exited with status 255; aborting", line[0])),
            _ => code = 123,
        }
    }
    Ok(code)
}

const TIMEOUT_SPEC: Spec = Spec {
    in_order: true,
    ..Spec::new("s:k:", &[("signal", 's'), ("kill-after", 'k'), ("preserve-status", 'S'), ("foreground", 'F')], 125)
};

fn timeout(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &TIMEOUT_SPEC)?;
    let [time, command @ ..] = &o.rest[..] else {
        io.errln("timeout: missing operand");
        return io.fail(125, "Try 'timeout --help' for more information.");
    };
    let Some(limit) = span(time) else {
        io.errln(format!("timeout: invalid time interval '{time}'"));
        return io.fail(125, "Try 'timeout --help' for more information.");
    };
    if command.is_empty() {
        io.errln(format!("timeout: missing operand after '{time}'"));
        return io.fail(125, "Try 'timeout --help' for more information.");
    }
    let list: List = command.iter().map(Value::from).collect();
    let mut input = map! { "args" => list };
    if limit > Duration::ZERO {
        input.insert("timeout", limit.0);
    }
    let done = io.call("spawn", input.into())?;
    Ok(super::int(&done, "code") as i32)
}

fn time(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let before = io.now()?;
    let code = if args.len() > 1 { spawn(io, &args[1..])? } else { 0 };
    let took = io.now()?.since(before).as_millis();
    let shown =
        format!("\nreal\t{}m{}.{:03}s\nuser\t0m0.004s\nsys\t0m0.003s\n", took / 60_000, took / 1000 % 60, took % 1000);
    io.print(Stream::Err, &shown);
    Ok(code)
}

fn nohup(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    if args.len() < 2 {
        io.errln("nohup: missing operand");
        return io.fail(125, "Try 'nohup --help' for more information.");
    }
    spawn(io, &args[1..])
}
