//! kubectl: one file per verb, printers apart. Knows `api` and `machine::program`, nothing else.
//! Models kubectl 1.20 (profile `book`) and 1.36 (profile `modern`).
//!
//! A verb is a function of its context ([`context::Cx`]); what it may print wrong is an
//! [`error::Error`], printed at one place. Effects go through `Io` only, so a verb can be run again
//! from its start at any time.
//!
//! Calls it asks of the machine besides files and requests: `profile` (`book` or `modern`), `env`
//! (a variable's name → its value), `list-dir` (a folder → the names in it, or null), `exec` and
//! `logs` (see those verbs), `tty` (whether standard input is a terminal).

pub mod apply;
pub mod auth;
pub mod autoscale;
pub mod builder;
pub mod commands;
pub mod complete;
pub mod component_status;
pub mod config;
pub mod context;
pub mod create;
pub mod debug;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod discovery;
pub mod drain;
pub mod edit;
pub mod error;
pub mod events;
pub mod exec;
pub mod explain;
pub mod expose;
pub mod flags;
pub mod get;
pub mod help;
mod json_error;
pub mod kubeconfig;
pub mod label;
pub mod logs;
pub mod manifest;
pub mod misc;
pub mod patch;
pub mod print;
pub mod raw;
pub mod replace;
pub mod rollout;
pub mod rules;
pub mod run_pod;
pub mod scale;
pub mod set;
pub mod taint;
pub mod top;
pub mod validation;
pub mod verbose;
pub mod version;
pub mod wait;
pub mod wire;
pub mod yaml_error;

pub use complete::complete;

use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io, Stop};
use crate::sim::Profile;
use commands::{ROOT, Verb};
use context::Cx;
use error::{Error, Fail, Run};

pub static COMMAND: Command = Command {
    name: "kubectl",
    run: main,
    about: ["control the Kubernetes cluster", "쿠버네티스 클러스터를 다룹니다"],
    folder: "/usr/bin",
    startup_ms: 50,
};

fn main(io: &mut Io<'_>, words: &[Str]) -> Flow<i32> {
    // After a checkpoint the first effect must be the one that was waited for: what was asked before
    // it is in the state.
    let word = match io.state() {
        Value::Map(state) => Value::from(state.str("profile")),
        _ => io.call("profile", Value::Null)?,
    };
    let profile = if word.as_str() == "modern" { Profile::Modern } else { Profile::Book };
    match dispatch(io, profile, words) {
        Ok(()) => Ok(0),
        Err(Fail::Stop(stop)) => Err(stop),
        Err(Fail::Error(error)) => {
            let (text, code) = error.report(profile == Profile::Modern);
            if !text.is_empty() {
                io.print(crate::machine::program::Stream::Err, &text);
                if !text.ends_with('\n') {
                    io.errln("");
                }
            }
            Err(Stop::Exit(code))
        }
    }
}

/// The command that the words name, its path, and the words left for it.
/// Models cobra's `Find`: flags before the verb are passed over, with their values.
pub fn find(profile: Profile, words: &[Str]) -> (&'static Verb, String, Vec<Str>) {
    let (mut verb, mut path) = (&ROOT, String::from("kubectl"));
    let mut rest: Vec<Str> = words.to_vec();
    let mut i = 0;
    while i < rest.len() {
        let word = rest[i].clone();
        if word == "--" {
            break;
        }
        if word.starts_with('-') {
            i += if takes_next(&word, &verb.known(profile)) { 2 } else { 1 };
            continue;
        }
        let Some(child) = verb.child(&word, profile) else { break };
        path = format!("{path} {}", child.name);
        verb = child;
        rest.remove(i);
    }
    (verb, path, rest)
}

fn takes_next(word: &str, known: &[flags::Flag]) -> bool {
    if word.contains('=') {
        return false;
    }
    match word.strip_prefix("--") {
        Some(long) => known.iter().find(|f| f.name == long).is_none_or(|f| f.bare.is_none()) && long != "help",
        None => word.len() == 2 && known.iter().any(|f| f.short == &word[1..] && f.bare.is_none()),
    }
}

fn dispatch(io: &mut Io<'_>, profile: Profile, words: &[Str]) -> Run {
    let (verb, path, rest) = find(profile, &words[1..]);
    let label = if profile == Profile::Modern { "error" } else { "Error" };
    let known = verb.known(profile);
    let parsed = match flags::parse(&known, &rest, verb.name != "kubectl" || rest.is_empty()) {
        Ok(parsed) => parsed,
        Err(why) => return error::fail_raw(format!("{label}: {why}\nSee '{path} --help' for usage.")),
    };
    if io.state().is_null() {
        parsed.notes.iter().for_each(|note| io.errln(note));
    }
    let line = words.to_vec();
    let (flags, args, dash) = (parsed.flags, parsed.args, parsed.dash);
    let mut cx = Cx {
        io,
        profile,
        path,
        flags,
        args,
        dash,
        line,
        target: None,
        discovered: false,
        warned: false,
        refused: None,
        unlogged: false,
        schema: false,
        documents: 0,
    };
    if verb.name == "kubectl" && !cx.args.is_empty() {
        return unknown_command(&cx);
    }
    if parsed.help {
        return help::command(&mut cx, verb);
    }
    let missing: Vec<String> =
        verb.required.iter().filter(|n| !cx.flags.changed(n)).map(|n| format!("\"{n}\"")).collect();
    if !missing.is_empty() {
        return error::fail_raw(format!("{label}: required flag(s) {} not set", missing.join(", ")));
    }
    rules::check(&cx)?;
    match verb.run {
        Some(run) => {
            let outcome = run(&mut cx);
            match (&outcome, cx.refused.take()) {
                (Err(Fail::Error(Error::Status(_))), Some((status, about))) => {
                    verbose::refused(&mut cx, &status, &about)?;
                    outcome
                }
                _ => outcome,
            }
        }
        None if cx.args.is_empty() => help::group(&mut cx, verb),
        None => {
            let words: Vec<&str> = cx.args.iter().map(Str::as_str).collect();
            let text = format!("unknown command {}", flags::quote(&words.join(" ")));
            cx.usage(text)
        }
    }
}

/// `unknown command "gt" for "kubectl"`, and what it may have meant.
fn unknown_command(cx: &Cx<'_, '_>) -> Run {
    let word = cx.arg(0);
    let near: Vec<&str> = ROOT
        .children(cx.profile)
        .map(|v| v.name)
        .filter(|name| *name != "alpha")
        .filter(|name| distance(&word.to_lowercase(), name) <= 2 || name.starts_with(&word.to_lowercase()))
        .collect();
    let mut text = format!("unknown command {} for \"kubectl\"", flags::quote(word));
    if !near.is_empty() {
        text += "\n\nDid you mean this?\n";
        for name in &near {
            text += &format!("\t{name}\n");
        }
    }
    error::fail_raw(if cx.modern() {
        format!("error: {text}")
    } else {
        format!("Error: {text}\nRun 'kubectl --help' for usage.")
    })
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let next = (diagonal + usize::from(ca != *cb)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// Ends quietly with this exit code.
fn exit<T>(code: i32) -> Run<T> {
    Err(Fail::Error(Error::Exit(code)))
}
