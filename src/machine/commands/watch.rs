//! `watch`: a command again and again, on a screen of its own.

use super::options::{Spec, parse};
use super::row;
use crate::api::{List, Value};
use crate::base::{Str, time::MONTHS};
use crate::machine::program::{Command, Flow, Io};
use crate::machine::terminal::{CLEAR, FULL};

pub static WATCH: Command = row("watch", ["run a command every two seconds", "명령을 2초마다 실행합니다"], run);

const SPEC: Spec = Spec {
    in_order: true,
    ..Spec::new(
        "n:dtgexcp",
        &[("interval", 'n'), ("differences", 'd'), ("no-title", 't'), ("exec", 'x'), ("chgexit", 'g'), ("color", 'c')],
        1,
    )
};

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &SPEC)?;
    if o.rest.is_empty() {
        io.errln("Usage:\n watch [options] command");
        return Ok(1);
    }
    let every = o.value('n').map_or("2", Str::as_str);
    let Some(interval) = super::run::span(every) else {
        return io.fail(1, format!("watch: failed to parse argument: '{every}'"));
    };
    let interval = interval.max(crate::base::Duration::millis(100));
    let line = o.rest.join(" ");
    let command: List = match o.has('x') {
        true => o.rest.iter().map(Value::from).collect(),
        false => ["sh", "-c", &line].into_iter().map(Value::from).collect(),
    };
    let mut state = io.state();
    if state.is_null() {
        io.out(FULL);
        let name = io.call("machine", Value::Null)?.str("name").to_owned();
        state = map! { "machine" => name, "before" => Value::Null }.into();
        io.checkpoint(state.clone());
    }
    // A round begins here, whether it is run for the first time or again.
    loop {
        let done = io.call("spawn", map! { "args" => command.clone(), "capture" => true }.into())?;
        let at = io.now()?;
        let (y, mo, d, h, mi, s) = at.civil();
        let shown = format!("{}{}", done.str("stdout"), done.str("stderr"));
        io.out(CLEAR);
        if !o.has('t') {
            let tenths = interval.as_millis() / 100;
            let left = format!("Every {}.{}s: {line}", tenths / 10, tenths % 10);
            let when = format!("{} {} {d:2} {h:02}:{mi:02}:{s:02} {y}", at.weekday(), MONTHS[mo as usize - 1]);
            let right = format!("{}: {when}", state.str("machine"));
            let width = 80usize.saturating_sub(left.chars().count()).max(right.len() + 2);
            io.outln(format!("{left}{right:>width$}\n"));
        }
        io.out(&shown);
        let before = state.get("before").cloned().unwrap_or_default();
        if o.has('g') && before.as_str() != shown && !before.is_null() {
            return Ok(0);
        }
        *state.entry(&["before"]) = shown.into();
        io.sleep(interval)?;
        io.checkpoint(state.clone());
    }
}
