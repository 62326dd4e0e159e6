//! `diff` in its normal and its unified form, `cmp`.

use super::options::{Spec, parse};
use super::row;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static DIFF: Command = row("diff", ["what differs between two files", "두 파일의 다른 점을 보여 줍니다"], diff);
pub static CMP: Command = row("cmp", ["whether two files are equal", "두 파일이 같은지 봅니다"], cmp);

const SPEC: Spec = Spec::new("uqsrNbwi", &[("unified", 'u'), ("brief", 'q'), ("silent", 's')], 1);

fn two(io: &mut Io<'_>, name: &str, files: &[Str]) -> Flow<Option<[Str; 2]>> {
    let [a, b] = files else {
        io.errln(format!("{name}: missing operand after '{}'", files.last().map_or(name, Str::as_str)));
        return Ok(None);
    };
    let mut texts = [Str::new(), Str::new()];
    for (file, text) in [a, b].into_iter().zip(&mut texts) {
        match if file == "-" { Ok(io.read_all()?) } else { io.read_file(file)? } {
            Ok(read) => *text = read,
            Err(why) => {
                io.errln(format!("{name}: {file}: {why}"));
                return Ok(None);
            }
        }
    }
    Ok(Some(texts))
}

fn diff(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let Some([before, after]) = two(io, "diff", &o.rest)? else { return Ok(2) };
    if before == after {
        return Ok(0);
    }
    if o.has('q') {
        io.outln(format!("Files {} and {} differ", o.rest[0], o.rest[1]));
    } else if o.has('u') {
        io.out(format!("--- {}\n+++ {}\n", o.rest[0], o.rest[1]));
        io.out(crate::kubectl::diff::unified(&before, &after));
    } else {
        io.out(normal(&before, &after));
    }
    Ok(1)
}

/// Places of lines that stay, in pairs: a longest common subsequence.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let mut best = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i][j] = if a[i] == b[j] { best[i + 1][j + 1] + 1 } else { best[i + 1][j].max(best[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            out.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[i + 1][j] >= best[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

fn normal(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let range = |from: usize, to: usize| match to - from {
        0 => from.to_string(),
        1 => (from + 1).to_string(),
        _ => format!("{},{to}", from + 1),
    };
    let (mut out, mut i, mut j) = (String::new(), 0, 0);
    for (x, y) in common(&a, &b).into_iter().chain([(a.len(), b.len())]) {
        if x > i || y > j {
            let kind = if x == i {
                'a'
            } else if y == j {
                'd'
            } else {
                'c'
            };
            out += &format!("{}{kind}{}\n", range(i, x), range(j, y));
            a[i..x].iter().for_each(|l| out += &format!("< {l}\n"));
            if kind == 'c' {
                out += "---\n";
            }
            b[j..y].iter().for_each(|l| out += &format!("> {l}\n"));
        }
        (i, j) = (x + 1, y + 1);
    }
    out
}

fn cmp(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let Some([a, b]) = two(io, "cmp", &o.rest)? else { return Ok(2) };
    if a == b {
        return Ok(0);
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if !o.has('s') {
        let line = a.as_bytes()[..same].iter().filter(|c| **c == b'\n').count() + 1;
        let (x, y) = (&o.rest[0], &o.rest[1]);
        if same == a.len().min(b.len()) {
            let shorter = if a.len() < b.len() { x } else { y };
            io.errln(format!("cmp: EOF on {shorter} after byte {same}"));
        } else {
            io.outln(format!("{x} {y} differ: byte {}, line {line}", same + 1));
        }
    }
    Ok(1)
}
