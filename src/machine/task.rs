//! What runs in a terminal: shells and commands, what they read from and write to. Plain data.

use std::collections::VecDeque;

use crate::api::{Value, WatchEvent};
use crate::base::persistent::OrdMap;
use crate::base::{Str, Time};
use crate::machine::program::{Command, Effect, Journal, Stream};
use crate::machine::shell::Shell;
use crate::sim::{ActorId, Endpoint, TraceId};

/// An open file descriptor.
#[derive(Clone, PartialEq, Debug)]
pub enum Fd {
    Null,
    /// A keyboard: this terminal's own (0), or what another machine's terminal types for a line.
    Tty(u32),
    /// The screen, and what is kept of a line's output.
    Out(u32, Stream),
    /// Ends of a pipe. A file opened for reading is a pipe that was filled before.
    Read(u32),
    Write(u32),
    /// Appends to a file, which was emptied when it was opened with `>`.
    File(Str),
}

pub type Fds = OrdMap<u8, Fd>;

#[derive(Clone, Debug, Default)]
pub struct Pipe {
    pub text: String,
    /// Read up to here.
    pub at: usize,
}

impl Pipe {
    pub fn rest(&self) -> &str {
        &self.text[self.at..]
    }
}

/// A running command.
#[derive(Clone, Debug)]
pub struct Running {
    pub command: &'static Command,
    pub args: Vec<Str>,
    /// Whether its function ran yet: it starts after a while.
    pub begun: bool,
    pub journal: Journal,
    /// Open watches by token, and where they are served.
    pub watches: Vec<(u64, Endpoint)>,
    /// Events that arrived; `None`: a watch was closed by its server.
    pub events: VecDeque<Option<WatchEvent>>,
    /// What a command on another machine sent back.
    pub remote: VecDeque<Value>,
    /// The terminal that runs something for it.
    pub peer: Option<ActorId>,
    /// What is typed here goes there.
    pub session: bool,
}

#[derive(Clone, Debug)]
pub enum Body {
    Shell(Box<Shell>),
    Command(Box<Running>),
}

/// What a task waits for.
#[derive(Clone, PartialEq, Debug)]
pub enum Wait {
    Nothing,
    /// The timer or answer with the task's token.
    Token,
    /// Something to change, so that this effect can be answered.
    Retry(Effect),
    /// A child to end or input to come.
    Change,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: u32,
    /// 0: it is no process of its own (a built-in command).
    pub pid: u32,
    /// Task that started it; 0: none.
    pub parent: u32,
    /// The typed line it belongs to.
    pub line: u32,
    pub body: Body,
    pub fds: Fds,
    /// Id of the container it runs in; empty: the machine itself.
    pub container: Str,
    pub cwd: Str,
    pub env: OrdMap<Str, Str>,
    /// Who runs it.
    pub user: Str,
    pub wait: Wait,
    pub token: u64,
    /// Where the request it waits for went.
    pub asked: Option<Endpoint>,
    pub cause: TraceId,
}

/// One line being carried out, and its output so far.
#[derive(Clone, Debug)]
pub struct Line {
    pub text: Str,
    pub stdout: Str,
    pub stderr: Str,
    pub started: Time,
    pub cause: TraceId,
    pub owner: Owner,
}

/// Who gets a line's output and result.
#[derive(Clone, PartialEq, Debug)]
pub enum Owner {
    /// The screen.
    Typed,
    /// `Terminal::results`, under this id; on the screen too unless quiet.
    Run { id: Str, quiet: bool },
    /// A terminal of another machine, which knows it by this number; `tty`: a session there.
    Remote { terminal: ActorId, token: u64, tty: bool },
    /// The main process of the container with this id: its log.
    Main { container: Str },
}
