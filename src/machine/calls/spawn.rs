//! Calls that run another command and wait for it.

use super::Called;
use crate::api::Value;
use crate::base::{Duration, Str, Time};
use crate::machine::program::{Effect, Host, Stream};
use crate::machine::shell::exec;
use crate::machine::task::Fd;
use crate::machine::terminal::{Birth, CommandHost, Input};

pub fn start(host: &mut CommandHost<'_, '_>, input: &Value) -> Called {
    let args: Vec<Str> =
        input.get("args").map(Value::items).unwrap_or_default().iter().map(|v| v.as_str().into()).collect();
    let capture = input.get("capture").and_then(Value::as_bool).unwrap_or(false);
    let mut birth = Birth::of(host.task);
    let mut pipes = [0, 0];
    if capture {
        for (i, fd) in [1u8, 2].into_iter().enumerate() {
            pipes[i] = host.terminal.new_pipe("");
            birth.fds.insert(fd, Fd::Write(pipes[i]));
            // Held here, so that what is written is kept until it is read.
            host.task.fds.insert(HELD[i], Fd::Read(pipes[i]));
        }
    }
    if let Some(text) = input.get("stdin") {
        let pipe = host.terminal.new_pipe(text.as_str());
        birth.fds.insert(0, Fd::Read(pipe));
    }
    if let Some(env) = input.get("env").and_then(Value::as_map) {
        birth.env = env.iter().map(|(k, v)| (k.clone(), Str::from(v.as_str()))).collect();
    }
    // Only sudo and su ask for another user, after they have checked.
    if let Some(user) = input.get("user") {
        birth.user = user.as_str().into();
    }
    if let Some(cwd) = input.get("cwd") {
        birth.cwd = cwd.as_str().into();
    }
    let name = args.first().cloned().unwrap_or_default();
    let child = match exec::spawn(host.terminal, host.ctx, birth, &args) {
        Ok(child) => child,
        Err((code, _)) => {
            let caller = host.running().map_or("", |r| r.command.name);
            let why = if code == 127 { "No such file or directory" } else { "Permission denied" };
            let message = match caller {
                "timeout" | "env" | "nohup" => format!("{caller}: failed to run command '{name}': {why}\n"),
                "sudo" => format!("sudo: {name}: command not found\n"),
                _ => format!("{caller}: {name}: {why}\n"),
            };
            if capture {
                return Called::Now(map! { "code" => code, "stdout" => "", "stderr" => message }.into());
            }
            host.write(Stream::Err, &message);
            return Called::Now(map! { "code" => code, "stdout" => "", "stderr" => "" }.into());
        }
    };
    let mut deadline = 0;
    if let Some(micros) = input.get("timeout").and_then(Value::as_int) {
        let time = Duration(u64::try_from(micros).unwrap_or(0));
        deadline = (host.ctx.now() + time).0;
        let token = host.terminal.new_token(host.task.id);
        host.ctx.timer(time, crate::machine::terminal::TIMER, ecow::eco_format!("{token}"));
    }
    let state = map! { "child" => child, "out" => pipes[0], "err" => pipes[1], "deadline" => deadline };
    Called::Later(Effect::Call("spawned".into(), state.into()))
}

/// Descriptors under which the caller holds the pipes of what it captures.
const HELD: [u8; 2] = [253, 254];

pub fn wait(host: &mut CommandHost<'_, '_>, state: &Value) -> Called {
    let number = |key: &str| state.get(key).and_then(Value::as_int).unwrap_or(0);
    let child = number("child") as u32;
    let mut code = host.terminal.exit_code(child);
    let deadline = Time(number("deadline") as u64);
    if code.is_none() && deadline > Time::ZERO && host.ctx.now() >= deadline {
        host.terminal.signal(host.ctx, child, 15);
        host.terminal.exit_code(child);
        code = Some(124);
    }
    let Some(code) = code else { return Called::Later(Effect::Call("spawned".into(), state.clone())) };
    let mut texts = ["out", "err"].map(|key| {
        let pipe = number(key) as u32;
        match host.terminal.read_all(Some(&Fd::Read(pipe))) {
            Input::Text(text) if pipe != 0 => text,
            _ => Str::new(),
        }
    });
    for fd in HELD {
        host.task.fds.remove(&fd);
    }
    let [out, err] = [std::mem::take(&mut texts[0]), std::mem::take(&mut texts[1])];
    Called::Now(map! { "code" => code, "stdout" => out, "stderr" => err }.into())
}
