//! `help` and `man`: what there is in this lab, in the learner's language.

use super::{korean, named, row};
use crate::api::Value;
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::program::{Command, Flow, Io};
use crate::machine::shell::builtins;

pub static HELP: Command = Command {
    folder: "",
    startup_ms: 0,
    ..row("help", ["list the commands of this lab", "이 실습 환경의 명령을 보여 줍니다"], help)
};
pub static MAN: Command = row("man", ["tell about a command", "명령을 설명합니다"], help);

fn help(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let korean = korean(io)?;
    let here = io.call("commands", Value::Null)?;
    let mut all: Vec<&Command> = here.items().iter().filter_map(|n| named(n.as_str())).collect();
    all.arrange_by_key(|c| c.name);
    let about = |c: &Command| c.about[usize::from(korean)];
    if let Some(name) = args.get(1) {
        return match all.iter().find(|c| c.name == name) {
            Some(command) => {
                io.outln(format!("{name}: {}", about(command)));
                Ok(0)
            }
            None if builtins::names().any(|b| b == name) => {
                io.outln(format!(
                    "{name}: {}",
                    if korean { "셸에 들어 있는 명령입니다" } else { "built into the shell" }
                ));
                Ok(0)
            }
            None if args[0] == "man" => io.fail(16, format!("No manual entry for {name}")),
            None => io.fail(1, format!("-bash: help: no help topics match `{name}'.")),
        };
    }
    if args[0] == "man" {
        return io.fail(1, "What manual page do you want?");
    }
    let width = all.iter().map(|c| c.name.len()).max().unwrap_or(0);
    io.outln(if korean {
        "이 실습 환경에 있는 명령입니다. 실제 도구와 같은 옵션을 씁니다."
    } else {
        "The commands of this lab. They take the options of the real tools."
    });
    for command in all {
        io.outln(format!("  {:width$}  {}", command.name, about(command)));
    }
    let names: Vec<&str> = builtins::names().collect();
    io.outln(format!("{} {}", if korean { "셸에 들어 있는 명령:" } else { "Built into the shell:" }, names.join(" ")));
    Ok(0)
}
