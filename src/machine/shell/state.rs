//! What a shell remembers. Plain data: a shell can be saved at any instant, in the middle of
//! anything.

use std::sync::Arc;

use super::ast::{Block, Node};
use super::eval::Frame;
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Str, Time};

#[derive(Clone, PartialEq, Debug)]
pub enum Content {
    Text(Str),
    List(Vector<Str>),
    /// `declare -A`
    Map(OrdMap<Str, Str>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Var {
    pub content: Content,
    pub exported: bool,
    pub readonly: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    pub errexit: bool,
    pub nounset: bool,
    pub pipefail: bool,
    pub xtrace: bool,
    pub noglob: bool,
    pub noclobber: bool,
    pub nullglob: bool,
}

/// What expansion reads and may change. Cloned before each expansion and kept when it succeeded.
#[derive(Clone, PartialEq, Debug)]
pub struct Scope {
    pub vars: OrdMap<Str, Var>,
    /// `$1` and on.
    pub params: Arc<Vec<Str>>,
    /// `$0`
    pub zero: Str,
    /// `$?`
    pub status: i32,
    /// `$$`
    pub pid: u32,
    /// `$!`; 0: none yet.
    pub last_background: u32,
    pub options: Options,
    pub cwd: Str,
    /// Who runs it, and its number.
    pub user: Str,
    pub uid: u16,
    /// For `$RANDOM`.
    pub seed: u64,
    pub started: Time,
    pub now: Time,
}

impl Scope {
    pub fn get(&self, name: &str) -> Option<Str> {
        match name {
            "RANDOM" => return Some(ecow::eco_format!("{}", self.seed >> 33 & 0x7fff)),
            "SECONDS" => return Some(ecow::eco_format!("{}", self.now.since(self.started).as_secs())),
            "PWD" => return Some(self.cwd.clone()),
            "UID" | "EUID" => return Some(ecow::eco_format!("{}", self.uid)),
            "BASHPID" => return Some(ecow::eco_format!("{}", self.pid)),
            "BASH_VERSION" => return Some("4.2.46(2)-release".into()),
            _ => {}
        }
        match &self.vars.get(name)?.content {
            Content::Text(text) => Some(text.clone()),
            Content::List(items) => items.front().cloned(),
            Content::Map(items) => items.get("0").cloned(),
        }
    }
    pub fn set(&mut self, name: &str, text: impl Into<Str>) {
        let content = Content::Text(text.into());
        match self.vars.get_mut(name) {
            Some(var) => var.content = content,
            None => drop(self.vars.insert(name.into(), Var { content, exported: false, readonly: false })),
        }
    }
    pub fn export(&mut self, name: &str, text: impl Into<Str>) {
        self.set(name, text);
        if let Some(var) = self.vars.get_mut(name) {
            var.exported = true;
        }
    }
    /// What programs inherit.
    pub fn environment(&self) -> OrdMap<Str, Str> {
        let exported = self.vars.iter().filter(|(_, v)| v.exported);
        let mut env: OrdMap<Str, Str> =
            exported.filter_map(|(name, _)| Some((name.clone(), self.get(name)?))).collect();
        env.insert("PWD".into(), self.cwd.clone());
        env
    }
}

/// A background job of an interactive shell.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    pub number: u32,
    /// Task that runs it.
    pub task: u32,
    pub pid: u32,
    pub text: Str,
}

#[derive(Clone, Debug)]
pub struct Shell {
    pub scope: Scope,
    pub functions: OrdMap<Str, Arc<Node>>,
    pub aliases: OrdMap<Str, Str>,
    /// What is being carried out, innermost last.
    pub frames: Vec<Frame>,
    /// Signal name → what to run.
    pub traps: OrdMap<Str, Block>,
    /// How messages name it: `-bash`, `bash`, `./up.sh`.
    pub name: Str,
    pub interactive: bool,
    /// It has asked for the line it waits for.
    pub prompted: bool,
    /// Lines typed so far of a command that is not complete yet.
    pub partial: String,
    /// Messages tell line numbers.
    pub script: bool,
    /// Runs the text after `-c`.
    pub inline: bool,
    /// A subshell.
    pub forked: bool,
    /// Word and place in it where `getopts` goes on.
    pub getopts: (usize, usize),
    pub line: u32,
    pub jobs: Vec<Job>,
    /// Runs where a failure must not end it (`set -e`): in a condition of its parent.
    pub tested: bool,
    /// Typed lines, for `history`.
    pub typed: Vector<Str>,
    /// Simple commands run since it last let others run.
    pub busy: u32,
}

impl Shell {
    /// A shell that inherits `env`.
    pub fn new(name: &str, env: &OrdMap<Str, Str>, cwd: Str, pid: u32, now: Time) -> Shell {
        let var = |text: &Str| Var { content: Content::Text(text.clone()), exported: true, readonly: false };
        let mut vars: OrdMap<Str, Var> = env.iter().map(|(name, text)| (name.clone(), var(text))).collect();
        vars.remove("PWD");
        let scope = Scope {
            vars,
            params: Arc::default(),
            zero: name.into(),
            status: 0,
            pid,
            last_background: 0,
            options: Options::default(),
            cwd,
            user: Str::new(),
            uid: 0,
            seed: u64::from(pid).wrapping_mul(0x5851_f42d_4c95_7f2d),
            started: now,
            now,
        };
        Shell {
            scope,
            functions: OrdMap::new(),
            aliases: OrdMap::new(),
            frames: Vec::new(),
            traps: OrdMap::new(),
            name: name.into(),
            interactive: false,
            prompted: false,
            partial: String::new(),
            script: false,
            inline: false,
            forked: false,
            getopts: (0, 0),
            line: 0,
            jobs: Vec::new(),
            tested: false,
            typed: Vector::new(),
            busy: 0,
        }
    }

    /// The copy that runs `frame` in a subshell.
    pub fn fork(&self, scope: Scope, tested: bool, frame: Frame) -> Shell {
        Shell {
            scope,
            frames: vec![frame],
            forked: true,
            traps: OrdMap::new(),
            jobs: Vec::new(),
            interactive: false,
            tested,
            typed: Vector::new(),
            ..self.clone_without_frames()
        }
    }
    fn clone_without_frames(&self) -> Shell {
        Shell {
            scope: self.scope.clone(),
            functions: self.functions.clone(),
            aliases: self.aliases.clone(),
            frames: Vec::new(),
            traps: self.traps.clone(),
            name: self.name.clone(),
            jobs: Vec::new(),
            partial: String::new(),
            typed: Vector::new(),
            ..*self
        }
    }

    /// What stands before a message: `-bash: `, `up.sh: line 3: `.
    pub fn prefix(&self) -> String {
        if self.script { format!("{}: line {}: ", self.name, self.line.max(1)) } else { format!("{}: ", self.name) }
    }
}
