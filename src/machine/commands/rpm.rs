//! `rpm`: what is installed.

use super::options::{Spec, parse};
use super::row;
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static RPM: Command = row("rpm", ["ask about installed packages", "설치된 패키지를 조회합니다"], run);

const SPEC: Spec = Spec::new(
    "qailevhUF",
    &[
        ("query", 'q'),
        ("all", 'a'),
        ("info", 'i'),
        ("list", 'l'),
        ("erase", 'e'),
        ("install", 'i'),
        ("import", 'I'),
        ("version", 'V'),
    ],
    1,
);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    if o.has('V') {
        io.outln("RPM version 4.11.3");
        return Ok(0);
    }
    if o.has('I') {
        return Ok(0); // keys are taken as they are
    }
    let here = io.call("packages", Value::Null)?;
    let full = |p: &Value| format!("{}-{}.x86_64", p.str("name"), p.str("version"));
    if o.has('e') {
        let mut code = 0;
        for name in &o.rest {
            if here.items().iter().any(|p| p.str("name") == name.as_str()) {
                io.call("package-apply", map! { "remove" => vec![Value::from(name)] }.into())?;
            } else {
                io.errln(format!("error: package {name} is not installed"));
                code = 1;
            }
        }
        return Ok(code);
    }
    if !o.has('q') {
        return io.fail(1, "RPM version 4.11.3\nrpm: no arguments given for query");
    }
    if o.has('a') {
        for p in here.items() {
            let wanted = o.rest.is_empty() || o.rest.iter().any(|w| p.str("name").starts_with(w.trim_end_matches('*')));
            if wanted {
                io.outln(full(p));
            }
        }
        return Ok(0);
    }
    if o.rest.is_empty() {
        return io.fail(1, "rpm: no arguments given for query");
    }
    let mut code = 0;
    for name in &o.rest {
        let Some(p) =
            here.items().iter().find(|p| p.str("name") == name.as_str() || full(p).starts_with(name.as_str()))
        else {
            io.outln(format!("package {name} is not installed"));
            code = 1;
            continue;
        };
        if o.has('i') {
            let (version, release) = p.str("version").rsplit_once('-').unwrap_or((p.str("version"), ""));
            io.outln(format!(
                "Name        : {}\nVersion     : {version}\nRelease     : {release}\nArchitecture: x86_64",
                p.str("name")
            ));
        } else {
            io.outln(full(p));
        }
    }
    Ok(code)
}
