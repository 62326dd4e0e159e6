//! `test` as a program of its own, for `xargs`, `timeout` and the like.

use super::row;
use crate::api::Value;
use crate::base::{Str, Time};
use crate::machine::program::{Command, Flow, Io};
use crate::machine::shell::cond::{self, Facts};

pub static TEST: Command = row("test", ["check files and compare values", "파일과 값을 검사합니다"], run);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut known: Vec<(Str, bool, Option<Facts>)> = Vec::new();
    for word in &args[1..] {
        let own = io.call("lstat", word.into())?;
        let link = own.get("link").is_some();
        let stat = io.call("stat", word.into())?;
        let number = |key| u64::try_from(super::int(&stat, key)).unwrap_or(0);
        let mut facts = (!stat.is_null()).then(|| Facts {
            folder: stat.get("folder").and_then(Value::as_bool).unwrap_or(false),
            size: number("size"),
            mode: number("mode") as u16,
            modified: Time(number("modified")),
            owner: (number("uid") as u16, number("gid") as u16),
            access: number("access") as u16,
            link: false,
        });
        known.push((word.clone(), true, facts));
        if let Some(f) = facts.as_mut().filter(|_| link) {
            f.link = true;
        }
        known.push((word.clone(), false, facts));
    }
    let look =
        |path: &str, follow: bool| known.iter().find(|(p, f, _)| p == path && *f == follow).and_then(|(.., f)| *f);
    match cond::test(&args[0], &args[1..], &look) {
        Ok(value) => Ok(i32::from(!value)),
        Err(message) => io.fail(2, message),
    }
}
