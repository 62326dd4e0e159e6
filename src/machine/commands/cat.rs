//! `cat`.

use super::options::{Spec, parse};
use super::row;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static CAT: Command = row("cat", ["print files", "파일 내용을 출력합니다"], run);

const SPEC: Spec = Spec::new(
    "nEAsbvTet",
    &[("number", 'n'), ("show-ends", 'E'), ("show-all", 'A'), ("squeeze-blank", 's'), ("number-nonblank", 'b')],
    1,
);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let plain = !"nEAsbTet".chars().any(|c| o.has(c));
    if o.rest.is_empty() && plain {
        // Line by line, so that `cmd -w | cat` shows what comes when it comes.
        while let Some(line) = io.read_line()? {
            io.outln(line);
            io.checkpoint(true.into());
        }
        return Ok(0);
    }
    let mut code = 0;
    let texts = super::inputs(io, "cat", &o.rest, &mut code)?;
    if plain {
        texts.iter().for_each(|(_, text)| io.out(text));
        return Ok(code);
    }
    let (mut number, mut blank) = (0, false);
    for line in texts.iter().flat_map(|(_, text)| text.split_inclusive('\n')) {
        let empty = line == "\n";
        if o.has('s') && empty && blank {
            continue;
        }
        blank = empty;
        let mut shown = line.to_owned();
        if o.has('T') || o.has('A') || o.has('t') {
            shown = shown.replace('\t', "^I");
        }
        if o.has('E') || o.has('A') || o.has('e') {
            shown = shown.replace('\n', "$\n");
        }
        if o.has('b') && !empty || o.has('n') && !o.has('b') {
            number += 1;
            shown = format!("{number:6}\t{shown}");
        }
        io.out(shown);
    }
    Ok(code)
}
