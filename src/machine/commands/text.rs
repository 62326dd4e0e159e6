//! Small filters: `wc`, `cut`, `tr`, `tee`, `tac`.

use super::options::{Spec, parse};
use super::{inputs, row};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static WC: Command = row("wc", ["count lines, words and bytes", "줄, 단어, 바이트 수를 셉니다"], wc);
pub static CUT: Command = row("cut", ["print parts of lines", "줄의 일부를 출력합니다"], cut);
pub static TR: Command = row("tr", ["replace or delete characters", "글자를 바꾸거나 지웁니다"], tr);
pub static TEE: Command = row("tee", ["copy input to files and output", "입력을 파일과 화면에 함께 씁니다"], tee);
pub static TAC: Command = row("tac", ["print lines in reverse order", "줄을 거꾸로 출력합니다"], tac);

const WC_SPEC: Spec =
    Spec::new("lwcmL", &[("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm'), ("max-line-length", 'L')], 1);

fn wc(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &WC_SPEC)?;
    let mut code = 0;
    let texts = inputs(io, "wc", &o.rest, &mut code)?;
    let wanted: Vec<char> = "lwmcL".chars().filter(|c| o.has(*c)).collect();
    let wanted = if wanted.is_empty() { vec!['l', 'w', 'c'] } else { wanted };
    let count = |text: &str, what: char| match what {
        'l' => text.matches('\n').count(),
        'w' => text.split_whitespace().count(),
        'm' => text.chars().count(),
        'L' => text.lines().map(|l| l.chars().count()).max().unwrap_or(0),
        _ => text.len(),
    };
    let mut rows: Vec<(Vec<usize>, String)> = (texts.iter())
        .map(|(name, text)| {
            let name = if name == "-" && o.rest.is_empty() { String::new() } else { format!(" {name}") };
            (wanted.iter().map(|w| count(text, *w)).collect(), name)
        })
        .collect();
    let sum = |i: usize| rows.iter().map(|(n, _)| n[i]).sum::<usize>();
    let totals: Vec<usize> = (0..wanted.len()).map(sum).collect();
    if o.rest.len() > 1 {
        rows.push((totals, " total".to_owned()));
    }
    // GNU's width: that of the files' size together; 7 for a pipe with several counts.
    let bytes: usize = texts.iter().map(|(_, t)| t.len()).sum();
    let width = match (o.rest.is_empty(), wanted.len(), o.rest.len()) {
        (_, 1, 0 | 1) => 1,
        (true, ..) => 7,
        _ => bytes.to_string().len(),
    };
    for (numbers, name) in rows {
        let line: Vec<String> = numbers.iter().map(|n| format!("{n:width$}")).collect();
        io.outln(format!("{}{name}", line.join(" ")));
    }
    Ok(code)
}

const CUT_SPEC: Spec = Spec::new(
    "d:f:c:b:sz",
    &[
        ("delimiter", 'd'),
        ("fields", 'f'),
        ("characters", 'c'),
        ("bytes", 'b'),
        ("only-delimited", 's'),
        ("output-delimiter", 'O'),
    ],
    1,
);

fn cut(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &CUT_SPEC)?;
    let Some((by_field, list)) = o.value('f').map(|l| (true, l)).or(o.value('c').or(o.value('b')).map(|l| (false, l)))
    else {
        io.errln("cut: you must specify a list of bytes, characters, or fields");
        return io.fail(1, "Try 'cut --help' for more information.");
    };
    let Some(ranges) = ranges(list) else {
        io.errln(format!(
            "cut: invalid {} value '{list}'",
            if by_field { "field" } else { "byte or character position" }
        ));
        return io.fail(1, "Try 'cut --help' for more information.");
    };
    let delimiter = o.value('d').map_or("\t", Str::as_str);
    if delimiter.chars().count() != 1 {
        io.errln("cut: the delimiter must be a single character");
        return io.fail(1, "Try 'cut --help' for more information.");
    }
    let wanted = |i: usize| ranges.iter().any(|(a, b)| (*a..=*b).contains(&i));
    let mut code = 0;
    if o.rest.is_empty() {
        while let Some(line) = io.read_line()? {
            cut_line(io, &line, by_field, delimiter, o.has('s'), &wanted);
            io.checkpoint(true.into());
        }
        return Ok(0);
    }
    for (_, text) in inputs(io, "cut", &o.rest, &mut code)? {
        for line in text.lines() {
            cut_line(io, line, by_field, delimiter, o.has('s'), &wanted);
        }
    }
    Ok(code)
}

fn cut_line(
    io: &mut Io<'_>,
    line: &str,
    by_field: bool,
    delimiter: &str,
    strict: bool,
    wanted: &dyn Fn(usize) -> bool,
) {
    if !by_field {
        let kept: String = line.chars().enumerate().filter(|(i, _)| wanted(i + 1)).map(|(_, c)| c).collect();
        io.outln(kept);
    } else if !line.contains(delimiter) {
        if !strict {
            io.outln(line);
        }
    } else {
        let fields: Vec<&str> =
            line.split(delimiter).enumerate().filter(|(i, _)| wanted(i + 1)).map(|(_, f)| f).collect();
        io.outln(fields.join(delimiter));
    }
}

/// `1,3-5,7-`
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    let number = |t: &str, empty| if t.is_empty() { Some(empty) } else { t.parse().ok().filter(|n| *n > 0) };
    list.split(',')
        .map(|part| match part.split_once('-') {
            Some(("", "")) => None,
            Some((a, b)) => Some((number(a, 1)?, number(b, usize::MAX)?)),
            None => number(part, 0).filter(|n| *n > 0).map(|n| (n, n)),
        })
        .collect()
}

const TR_SPEC: Spec = Spec::new("dscCt", &[("delete", 'd'), ("squeeze-repeats", 's'), ("complement", 'c')], 1);

fn tr(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &TR_SPEC)?;
    let need = if o.has('d') && !o.has('s') || (o.has('s') && !o.has('d') && o.rest.len() == 1) { 1 } else { 2 };
    if o.rest.len() < need {
        match o.rest.last() {
            None => io.errln("tr: missing operand"),
            Some(last) => io.errln(format!("tr: missing operand after '{last}'")),
        }
        return io.fail(1, "Try 'tr --help' for more information.");
    }
    let from = set(&o.rest[0]);
    let to = o.rest.get(1).map(|t| set(t)).unwrap_or_default();
    let complement = o.has('c') || o.has('C');
    let has = |c: char| from.contains(&c) != complement;
    let squeezed = |c: char| if to.is_empty() { has(c) } else { to.contains(&c) };
    let map = |c: char| match from.iter().position(|f| *f == c) {
        _ if complement && has(c) => to.last().copied().unwrap_or(c),
        Some(i) if !complement => to.get(i).or(to.last()).copied().unwrap_or(c),
        _ => c,
    };
    let text = io.read_all()?;
    let mut out = String::new();
    for c in text.chars() {
        if o.has('d') && has(c) {
            continue;
        }
        let c = if o.has('d') || to.is_empty() { c } else { map(c) };
        if o.has('s') && squeezed(c) && out.ends_with(c) {
            continue;
        }
        out.push(c);
    }
    io.out(out);
    Ok(0)
}

/// `a-z`, `[:upper:]`, `\n`.
fn set(text: &str) -> Vec<char> {
    let classes = [("[:upper:]", 'A'..='Z'), ("[:lower:]", 'a'..='z'), ("[:digit:]", '0'..='9')];
    let mut text = text.to_owned();
    for (name, range) in classes {
        text = text.replace(name, &range.collect::<String>());
    }
    text = text.replace("[:space:]", " \t\n\r").replace("[:blank:]", " \t");
    text = text.replace("[:alpha:]", "A-Za-z").replace("[:alnum:]", "A-Za-z0-9").replace("[:punct:]", "!-/:-@[-`{-~");
    let chars: Vec<char> = super::echo::unescape(&text).0.chars().collect();
    let (mut out, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        if chars.get(i + 1) == Some(&'-') && chars.get(i + 2).is_some_and(|h| *h >= chars[i]) {
            out.extend(chars[i]..=chars[i + 2]);
            i += 3;
        } else {
            out.push(chars[i]);
            i += 1;
        }
    }
    out
}

const TEE_SPEC: Spec = Spec::new("ai", &[("append", 'a'), ("ignore-interrupts", 'i')], 1);

fn tee(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &TEE_SPEC)?;
    let mut code = 0;
    let begun = !io.state().is_null();
    if !begun && !o.has('a') {
        for file in &o.rest {
            if let Err(why) = io.write_file(file, "")? {
                io.errln(format!("tee: {file}: {why}"));
                code = 1;
            }
        }
    }
    while let Some(line) = io.read_line()? {
        for file in &o.rest {
            let before = io.read_file(file)?.unwrap_or_default();
            io.write_file(file, ecow::eco_format!("{before}{line}\n"))?.ok();
        }
        io.outln(line);
        io.checkpoint(true.into());
    }
    Ok(code)
}

fn tac(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut code = 0;
    for (_, text) in inputs(io, "tac", &args[1..], &mut code)? {
        for line in text.lines().rev() {
            io.outln(line);
        }
    }
    Ok(code)
}
