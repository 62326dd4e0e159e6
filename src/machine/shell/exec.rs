//! Finds what a name means and starts it: a command of the table, a script, another shell.

use std::sync::Arc;

use super::Shell;
use crate::base::Str;
use crate::machine::commands;
use crate::machine::files::{self, Node};
use crate::machine::program::Command;
use crate::machine::task::Fd;
use crate::machine::terminal::{Birth, Input, Terminal};
use crate::machine::users::{self, Who};
use crate::runtime::rootfs;
use crate::sim::Ctx;

/// Starts `args` as a child; its task. `Err`: exit code and message after `bash: `.
pub(in crate::machine) fn spawn(
    term: &mut Terminal,
    ctx: &mut Ctx<'_>,
    birth: Birth,
    args: &[Str],
) -> Result<u32, (i32, String)> {
    let Some(name) = args.first() else { return Err((0, String::new())) };
    match meaning(ctx, &birth, name) {
        Meaning::Shell => shell(term, ctx, birth, args),
        Meaning::Command(command) => Ok(term.spawn_command(ctx, birth, command, args.to_vec())),
        Meaning::Path(path) => script(term, ctx, birth, &path, args),
        Meaning::Nothing => Err((127, format!("{name}: command not found"))),
    }
}

/// What a command's first word stands for.
enum Meaning {
    Shell,
    Command(&'static Command),
    Path(Str),
    Nothing,
}

fn meaning(ctx: &Ctx<'_>, birth: &Birth, name: &str) -> Meaning {
    let base = name.rsplit('/').next().unwrap_or(name);
    let (host, container) = (ctx.host(), birth.container.as_str());
    let path = name.contains('/').then(|| files::absolute(&birth.cwd, name));
    let in_bin = path.as_deref().is_none_or(|p| files::parent(p).ends_with("bin"));
    let there = container.is_empty() || rootfs::has_tool(host, container, base);
    if matches!(base, "bash" | "sh" | "-bash") && there && in_bin {
        return Meaning::Shell;
    }
    // Every shell has `kill` built in, whatever the image lacks.
    let built_in = (name == "kill" && birth.parent != 0).then(|| commands::named(name)).flatten();
    let command = commands::find(host, container, ctx.world.config.profile, base).or(built_in);
    match (command.filter(|c| path.as_ref().is_none_or(|p| c.lives_at(p))), path) {
        (Some(command), _) => Meaning::Command(command),
        (None, Some(path)) => Meaning::Path(path),
        (None, None) => Meaning::Nothing,
    }
}

/// The program that `exec` names and the container lacks.
pub(in crate::machine) fn missing(ctx: &Ctx<'_>, birth: &Birth, args: &[Str]) -> Option<Str> {
    let name = args.first().cloned().unwrap_or_default();
    let gone = match meaning(ctx, birth, &name) {
        Meaning::Nothing => true,
        Meaning::Path(path) => ctx.host().read(&ctx.host().real_path(&birth.container, &path)).is_none(),
        Meaning::Shell | Meaning::Command(_) => false,
    };
    gone.then_some(name)
}

/// A path that is no command of ours: a script that may be run.
fn script(
    term: &mut Terminal,
    ctx: &mut Ctx<'_>,
    birth: Birth,
    path: &str,
    args: &[Str],
) -> Result<u32, (i32, String)> {
    let name = &args[0];
    let path = &*ctx.host().real_path(&birth.container, path);
    match files::stat(ctx.host(), path) {
        None => Err((127, format!("{name}: {}", files::NO_SUCH))),
        Some(Node::Folder) => Err((126, format!("{name}: {}", files::IS_FOLDER))),
        Some(Node::File) if ctx.host().files.get(path).is_none_or(|f| f.mode & 0o111 == 0) => {
            Err((126, format!("{name}: Permission denied")))
        }
        Some(Node::File) if !may_run(ctx, &birth, path) => Err((126, format!("{name}: Permission denied"))),
        Some(Node::File) => {
            let text = ctx.host().read(path).cloned().unwrap_or_default();
            let first = text.lines().next().unwrap_or("");
            if let Some(interpreter) = first.strip_prefix("#!")
                && !interpreter.contains("sh")
            {
                return Err((126, format!("{name}:{interpreter}: bad interpreter: No such file or directory")));
            }
            let shell = Start { name, text: &text, script: true, ..Start::default() };
            let command = format!("/bin/bash {}", args.join(" "));
            Ok(start(term, ctx, birth, shell, &args[1..], first, &command))
        }
    }
}

fn may_run(ctx: &Ctx<'_>, birth: &Birth, path: &str) -> bool {
    let who = Who::of(ctx.host(), if birth.container.is_empty() { &birth.user } else { "root" });
    users::may(ctx.host(), &who, path, users::READ | users::ENTER)
}

#[derive(Default)]
struct Start<'a> {
    name: &'a str,
    text: &'a str,
    script: bool,
    /// The text after `-c`.
    inline: bool,
    /// `-e`, `-x`, `-u`
    flags: &'a str,
}

/// A shell that runs a text.
fn start(
    term: &mut Terminal,
    ctx: &mut Ctx<'_>,
    birth: Birth,
    from: Start<'_>,
    params: &[Str],
    first_line: &str,
    command: &str,
) -> u32 {
    let mut shell = Shell::new(from.name, &birth.env, birth.cwd.clone(), 0, ctx.now());
    (shell.script, shell.inline) = (from.script, from.inline);
    shell.scope.params = Arc::new(params.to_vec());
    let shebang = first_line.strip_prefix("#!").and_then(|l| l.split(" -").nth(1)).unwrap_or("");
    for flag in from.flags.chars().chain(shebang.chars()) {
        super::builtins::set_flag(&mut shell.scope.options, flag, true);
    }
    shell.begin(super::parse(from.text, &crate::base::persistent::OrdMap::new()));
    term.spawn_shell(ctx, birth, shell, command)
}

/// `bash`, `sh`: `-c TEXT`, a script, or standard input.
fn shell(term: &mut Terminal, ctx: &mut Ctx<'_>, birth: Birth, args: &[Str]) -> Result<u32, (i32, String)> {
    let (mut flags, mut at) = (String::new(), 1);
    let mut text = None;
    while let Some(option) = args.get(at).filter(|a| a.starts_with('-') && a.len() > 1) {
        at += 1;
        match option.as_str() {
            "--login" | "--norc" | "--posix" => {}
            "--version" => {
                text = Some("echo 'GNU bash, version 4.2.46(2)-release (x86_64-redhat-linux-gnu)'".into());
            }
            option if option.starts_with("--") => {
                return Err((2, format!("{option}: invalid option")));
            }
            option => {
                for flag in option[1..].chars() {
                    match flag {
                        'c' => {
                            let Some(t) = args.get(at) else {
                                return Err((2, "-c: option requires an argument".to_owned()));
                            };
                            text = Some(t.clone());
                            at += 1;
                        }
                        'e' | 'x' | 'u' | 'f' => flags.push(flag),
                        'l' | 'i' | 's' => {}
                        _ => return Err((2, format!("-{flag}: invalid option"))),
                    }
                }
            }
        }
    }
    let command = args.join(" ");
    if let Some(text) = text {
        let name = args.get(at).cloned().unwrap_or_else(|| args[0].clone());
        let from = Start { name: &name, text: &text, script: true, inline: true, flags: &flags };
        return Ok(start(term, ctx, birth, from, args.get(at + 1..).unwrap_or(&[]), "", &command));
    }
    if let Some(file) = args.get(at) {
        let path = files::absolute(&birth.cwd, file);
        let path = ctx.host().real_path(&birth.container, &path);
        let text = files::read(ctx.host(), &path).map_err(|e| (127, format!("{file}: {e}")))?;
        let from = Start { name: file, text: &text, script: true, inline: false, flags: &flags };
        return Ok(start(term, ctx, birth, from, &args[at + 1..], "", &command));
    }
    match birth.fds.get(&0).cloned() {
        Some(fd @ Fd::Read(_)) => {
            // A script on standard input is read whole; one that is still being written is not run.
            let text = match term.read_all(Some(&fd)) {
                Input::Text(text) => text,
                Input::Later => return Ok(start(term, ctx, birth, stdin_script(), &[], "", &command)),
                Input::End => Str::new(),
            };
            let from = Start { name: &args[0], text: &text, script: true, inline: false, flags: &flags };
            Ok(start(term, ctx, birth, from, &[], "", &command))
        }
        Some(Fd::Tty(_)) => Ok(interactive(term, ctx, birth, &args[0], &command)),
        _ => Ok(start(term, ctx, birth, Start { name: &args[0], ..Start::default() }, &[], "", &command)),
    }
}

/// A shell that asks for its lines.
fn interactive(term: &mut Terminal, ctx: &mut Ctx<'_>, birth: Birth, name: &str, command: &str) -> u32 {
    let mut shell = Shell::new(name.rsplit('/').next().unwrap_or(name), &birth.env, birth.cwd.clone(), 0, ctx.now());
    shell.interactive = true;
    if birth.container.is_empty() {
        for (name, text) in ALIASES {
            shell.aliases.insert(name.into(), text.into());
        }
    }
    term.spawn_shell(ctx, birth, shell, command)
}

/// What root's .bashrc brings.
pub(in crate::machine) const ALIASES: [(&str, &str); 2] = [("ll", "ls -l --color=auto"), ("ls", "ls --color=auto")];

/// Reads its script line by line from a pipe that is still open.
fn stdin_script() -> Start<'static> {
    Start {
        name: "bash",
        text: "__script=; while IFS= read -r __line || [ -n \"$__line\" ]; do __script=\"$__script$__line\n\"; done; eval \"$__script\"",
        script: true,
        inline: false,
        flags: "",
    }
}
