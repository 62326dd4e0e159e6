//! The terminal of a machine: the screen, the login shell, and all that runs in it.
//!
//! It gets `Msg::Notify` with a topic: `line` (text typed), `command` (a line of a file: nothing can be
//! typed to what it runs), `keys` (as a terminal sends them, for a program that draws its own screen),
//! `interrupt` (Ctrl-C), `eof` (Ctrl-D),
//! `power` (from the machine: `off`, `on`) and `run` (`{line, id, quiet}`: a line in a fresh shell,
//! its result kept in [`Terminal::results`] under `id`). `remote-*` topics come from terminals of
//! other machines (ssh, `kubectl exec`): see [`sessions`].
//!
//! - [`screen`]: what is shown
//! - [`run`]: tasks start, take turns, end
//! - [`pipes`]: reading and writing
//! - [`host`]: how a command's effects are carried out
//! - [`lines`]: typed lines
//! - [`sessions`]: lines that run here for another machine's terminal, or in a container

mod host;
mod lines;
mod pipes;
mod run;
mod screen;
mod sessions;

use std::collections::{BTreeMap, VecDeque};

pub(in crate::machine) use host::CommandHost;
pub(in crate::machine) use lines::environment_of;
pub(in crate::machine) use pipes::{Broken, Input};
pub(in crate::machine) use run::Birth;
pub use screen::{CLEAR, Chunk, FULL, Frame, Shown};

use crate::api::Value;
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Str, Time};
use crate::component_boilerplate;
use crate::machine::program::Answer;
use crate::machine::task::{Body, Line, Pipe, Task};
use crate::sim::{ActorId, Component, Ctx, Msg};

/// A line typed at a prompt, and how much had been printed before.
#[derive(Clone, Debug)]
struct Typing {
    text: Str,
    started: Time,
    out: usize,
    err: usize,
}

/// A finished command line. In a session each line typed there is one.
#[derive(Clone, PartialEq, Debug)]
pub struct Ran {
    pub line: Str,
    pub code: i32,
    pub stdout: Str,
    pub stderr: Str,
    pub started: Time,
    pub ended: Time,
}

#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Pieces in the order they appeared; the oldest go when there are too many.
    pub screen: Vector<Chunk>,
    /// Finished lines, oldest first.
    pub history: Vector<Ran>,
    /// Results of `run` lines by their id; the newest 64 stay.
    pub results: OrdMap<Str, Ran>,
    /// Ids of `results`, oldest first.
    kept: VecDeque<Str>,
    pub(in crate::machine) tasks: BTreeMap<u32, Task>,
    pub(in crate::machine) lines: BTreeMap<u32, Line>,
    pipes: BTreeMap<u32, Pipe>,
    /// Exit codes of tasks whose parent has not asked yet: child → (parent, code).
    exits: BTreeMap<u32, (u32, i32)>,
    /// Tasks whose turn it is.
    ready: VecDeque<u32>,
    /// Answers and timers on their way: token → task.
    tokens: BTreeMap<u64, u32>,
    next_task: u32,
    next_line: u32,
    next_pipe: u32,
    next_token: u64,
    /// The task that reads typed lines; 0 while the machine is off.
    pub(in crate::machine) login: u32,
    /// The typed line being carried out.
    foreground: Option<u32>,
    /// The typed line whose result is not in the history yet.
    typing: Option<Typing>,
    /// What other machines' terminals typed for lines they run here.
    sessions: BTreeMap<u32, VecDeque<Option<Str>>>,
    /// Who watches main processes: line, terminal and its number there.
    watchers: Vec<(u32, ActorId, u64)>,
    /// Typed while a command ran; `None`: Ctrl-D.
    typed: VecDeque<Option<Str>>,
    /// Whether somebody sits at the keyboard, or lines come from a file.
    keyboard: bool,
    /// What is typed now is not to be seen: a password.
    secret: bool,
    /// Lines of a command that is not complete yet.
    partial: String,
    /// What a program that reads keys has drawn.
    pub frame: Option<Frame>,
    /// The task that draws, here or for another machine's terminal.
    drawing: u32,
    /// What the screen showed before a full-screen program began.
    behind: Option<Vector<Chunk>>,
    /// Prompt of another machine's shell while ssh runs it.
    pub(in crate::machine) remote_prompt: Str,
    prompt: Str,
}

/// `Msg::Timer` number of all timers here but one; the argument is the token.
pub(in crate::machine) const TIMER: u16 = 1;
/// The client's time for a watch is over; the argument is the watch's token.
pub(in crate::machine) const TIMER_WATCH: u16 = 2;

impl Terminal {
    pub fn new() -> Terminal {
        Terminal::default()
    }
    /// Whether somebody types; else the lines are a file's.
    pub(in crate::machine) fn attended(&self) -> bool {
        self.keyboard
    }
    /// Whether what is typed goes to a program key by key.
    pub fn reads_keys(&self) -> bool {
        self.frame.is_some()
    }
    /// Whether a typed line is still being carried out.
    pub fn running(&self) -> bool {
        self.foreground.is_some() && !self.asking()
    }
    /// Whether a session or shell in the foreground waits for its next line.
    pub fn asking(&self) -> bool {
        self.foreground.is_some() && !self.remote_prompt.is_empty()
    }
    /// `[root@m-k8s ~]# `; `> ` where a command goes on; empty while a command runs.
    pub fn prompt(&self) -> String {
        match self.foreground {
            Some(_) => self.remote_prompt.to_string(),
            None if !self.partial.is_empty() => "> ".to_owned(),
            None => self.prompt.to_string(),
        }
    }
    /// Typed lines, oldest first: for the up arrow.
    pub fn typed_lines(&self) -> Vec<Str> {
        match self.tasks.get(&self.login).map(|t| &t.body) {
            Some(Body::Shell(shell)) => shell.typed.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
    /// Folder the login shell is in.
    pub fn cwd(&self) -> Str {
        match self.tasks.get(&self.login).map(|t| &t.body) {
            Some(Body::Shell(shell)) => shell.scope.cwd.clone(),
            _ => "/".into(),
        }
    }

    fn notified(&mut self, ctx: &mut Ctx<'_>, topic: &str, data: &Value) {
        match topic {
            "line" | "command" => {
                self.keyboard = topic == "line";
                self.line(ctx, data.as_str());
            }
            "interrupt" => self.interrupt(ctx),
            "eof" => self.end_of_input(ctx),
            "keys" => self.keys(ctx, data.as_str()),
            "power" if data.as_str() == "off" => self.power_lost(ctx),
            "power" => self.log_in(ctx),
            "run" => self.run_line(ctx, data),
            "remote-run" => self.remote_run(ctx, data),
            "remote-end" => self.remote_end(ctx, data),
            "remote-input" => self.remote_input(data),
            "remote-interrupt" => self.remote_interrupt(ctx, data),
            "remote" => self.remote_event(ctx, data),
            "exec" => self.exec(ctx, data),
            "attach" => self.attach(data),
            "forwarded" => self.forwarded(data),
            "main" => self.start_main(ctx, data.as_str()),
            "container-end" => self.end_container(ctx, data.as_str()),
            _ => {}
        }
    }
}

impl Component for Terminal {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => self.log_in(ctx),
            Msg::Notify(topic, data) => self.notified(ctx, &topic, &data),
            Msg::Timer(TIMER, token) => self.answered(ctx, token.parse().unwrap_or(0), Answer::Done),
            Msg::Timer(TIMER_WATCH, token) => self.watched(ctx, token.parse().unwrap_or(0), None),
            Msg::Response(token, reply) => self.answered(ctx, token, Answer::Reply(reply)),
            Msg::Watch(token, event) => self.watched(ctx, token, Some(event)),
            Msg::WatchClosed(token) => self.watched(ctx, token, None),
            _ => {}
        }
        self.run(ctx);
    }
    component_boilerplate!();
}
