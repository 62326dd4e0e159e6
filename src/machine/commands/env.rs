//! `env` and `printenv`.

use super::options::{Spec, parse};
use super::row;
use crate::api::{List, Map, Value};
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};

pub static ENV: Command = row(
    "env",
    ["print the environment, or run a command in a changed one", "환경 변수를 출력하거나 바꾸어 실행합니다"],
    env,
);
pub static PRINTENV: Command = row("printenv", ["print environment variables", "환경 변수를 출력합니다"], printenv);

const SPEC: Spec = Spec { in_order: true, ..Spec::new("iu:", &[("ignore-environment", 'i'), ("unset", 'u')], 125) };

fn env(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    let mut env = match io.call("env", Value::Null)? {
        Value::Map(all) if !o.has('i') => all,
        _ => Map::new(),
    };
    for name in o.values('u') {
        env.remove(name);
    }
    let mut at = 0;
    while let Some((name, value)) = o.rest.get(at).and_then(|w| w.split_once('=')) {
        env.insert(name, value);
        at += 1;
    }
    if at == o.rest.len() {
        print_all(io, &env);
        return Ok(0);
    }
    let list: List = o.rest[at..].iter().map(Value::from).collect();
    let done = io.call("spawn", map! { "args" => list, "env" => env }.into())?;
    Ok(super::int(&done, "code") as i32)
}

fn print_all(io: &mut Io<'_>, env: &Map) {
    for (name, value) in env.iter() {
        io.outln(format!("{name}={}", value.as_str()));
    }
}

fn printenv(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Value::Map(env) = io.call("env", Value::Null)? else { return Ok(1) };
    if args.len() == 1 {
        print_all(io, &env);
        return Ok(0);
    }
    let mut code = 0;
    for name in &args[1..] {
        match env.get(name) {
            Some(value) => io.outln(value.as_str()),
            None => code = 1,
        }
    }
    Ok(code)
}
