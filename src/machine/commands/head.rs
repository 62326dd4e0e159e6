//! `head` and `tail`.

use super::options::{Options, Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};

pub static HEAD: Command = row("head", ["print the first lines", "앞부분을 출력합니다"], head);
pub static TAIL: Command = row("tail", ["print the last lines, and what is added", "끝부분을 출력합니다"], tail);

const SPEC: Spec = Spec::new(
    "n:c:qvfFs:",
    &[("lines", 'n'), ("bytes", 'c'), ("quiet", 'q'), ("verbose", 'v'), ("follow", 'f'), ("retry", 'R')],
    1,
);

/// `-5` means `-n 5`.
fn modern(args: &[Str]) -> Vec<Str> {
    let old = |a: &Str| a.strip_prefix('-').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let value = |i: usize| i > 0 && (args[i - 1] == "-n" || args[i - 1] == "-c");
    let all = args.iter().enumerate();
    all.map(|(i, a)| if old(a) && !value(i) { ecow::eco_format!("-n{}", &a[1..]) } else { a.clone() }).collect()
}

/// The wanted count: its sign as written, and the number.
fn count(io: &mut Io<'_>, name: &str, o: &Options) -> Flow<(char, usize)> {
    let Some(text) = o.value('n').or(o.value('c')) else { return Ok((' ', 10)) };
    let sign = text.chars().next().filter(|c| "+-".contains(*c)).unwrap_or(' ');
    match text.trim_start_matches(['+', '-']).parse() {
        Ok(n) => Ok((sign, n)),
        Err(_) => {
            let what = if o.has('n') { "lines" } else { "bytes" };
            io.fail(1, format!("{name}: invalid number of {what}: '{text}'"))
        }
    }
}

fn title(io: &mut Io<'_>, o: &Options, i: usize, name: &str) {
    if (o.rest.len() > 1 && !o.has('q')) || o.has('v') {
        let gap = if i > 0 { "\n" } else { "" };
        let name = if name == "-" { "standard input" } else { name };
        io.outln(format!("{gap}==> {name} <=="));
    }
}

fn head(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, &modern(args), &SPEC)?;
    let (sign, n) = count(io, "head", &o)?;
    if o.rest.is_empty() && !o.has('c') && sign != '-' {
        let mut seen = usize::try_from(io.state().as_int().unwrap_or(0)).unwrap_or(0);
        while seen < n {
            let Some(line) = io.read_line()? else { break };
            io.outln(line);
            seen += 1;
            io.checkpoint((seen as u64).into());
        }
        return Ok(0);
    }
    let mut code = 0;
    for (i, (name, text)) in open(io, "head", &o.rest, &mut code)?.iter().enumerate() {
        title(io, &o, i, name);
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let keep = if sign == '-' { all.len().saturating_sub(n) } else { n.min(all.len()) };
        match o.has('c') {
            true => io.out(String::from_utf8_lossy(&text.as_bytes()[..n.min(text.len())])),
            false => io.out(all[..keep].concat()),
        }
    }
    Ok(code)
}

fn open(io: &mut Io<'_>, name: &str, files: &[Str], code: &mut i32) -> Flow<Vec<(Str, Str)>> {
    if files.is_empty() {
        return Ok(vec![("-".into(), io.read_all()?)]);
    }
    let mut out = Vec::new();
    for file in files {
        match if file == "-" { Ok(io.read_all()?) } else { io.read_file(file)? } {
            Ok(text) => out.push((file.clone(), text)),
            Err(why) if why == "Is a directory" => {
                io.errln(format!("{name}: error reading '{file}': {why}"));
                *code = 1;
            }
            Err(why) => {
                io.errln(format!("{name}: cannot open '{file}' for reading: {why}"));
                *code = 1;
            }
        }
    }
    Ok(out)
}

fn tail(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, &modern(args), &SPEC)?;
    let follow = (o.has('f') || o.has('F')) && !o.rest.is_empty();
    let state = io.state();
    if !state.is_null() {
        return follow_on(io, &o, state);
    }
    let (sign, n) = count(io, "tail", &o)?;
    let mut code = 0;
    let texts = open(io, "tail", &o.rest, &mut code)?;
    for (i, (name, text)) in texts.iter().enumerate() {
        title(io, &o, i, name);
        let all: Vec<&str> = text.split_inclusive('\n').collect();
        let skip = if sign == '+' { n.saturating_sub(1).min(all.len()) } else { all.len().saturating_sub(n) };
        match (o.has('c'), sign) {
            (true, '+') => io.out(String::from_utf8_lossy(&text.as_bytes()[n.saturating_sub(1).min(text.len())..])),
            (true, _) => io.out(String::from_utf8_lossy(&text.as_bytes()[text.len().saturating_sub(n)..])),
            _ => io.out(all[skip..].concat()),
        }
    }
    if !follow {
        return Ok(code);
    }
    let sizes: Value =
        Value::Map(texts.iter().map(|(name, text)| (name.clone(), Value::from(text.len() as u64))).collect());
    let state =
        map! { "sizes" => sizes.as_map().cloned().unwrap_or_default(), "last" => texts.last().map(|(n, _)| n.clone()) };
    io.checkpoint(state.clone().into());
    follow_on(io, &o, state.into())
}

/// Prints what is added to the files, looking once a second.
fn follow_on(io: &mut Io<'_>, o: &Options, mut state: Value) -> Flow<i32> {
    loop {
        io.sleep(Duration::secs(1))?;
        for file in &o.rest {
            let Ok(text) = io.read_file(file)? else { continue };
            let before = usize::try_from(state.get("sizes").map_or(0, |s| super::int(s, file))).unwrap_or(0);
            if text.len() < before {
                io.errln(format!("tail: {file}: file truncated"));
            } else if text.len() > before {
                if state.str("last") != file.as_str() {
                    io.outln(format!("\n==> {file} <=="));
                }
                io.out(&text[before..]);
                *state.entry(&["last"]) = file.into();
            }
            *state.entry(&["sizes", file]) = (text.len() as u64).into();
        }
        io.checkpoint(state.clone());
    }
}
