//! Carries a tree out, one small step at a time. What is under way lies in [`Frame`]s, so a shell
//! can be saved anywhere: in a `sleep` inside a loop inside `$( )`.

use std::sync::Arc;

use super::ast::*;
use super::expand::{Expander, Halt, Process};
use super::parser::SyntaxError;
use super::pattern;
use super::state::{Content, Scope, Shell, Var};
use crate::base::Str;
use crate::machine::program::Stream;
use crate::machine::task::{Body, Fd, Fds, Task, Wait};
use crate::machine::terminal::{Birth, Broken, Terminal};
use crate::runtime::rootfs;
use crate::sim::Ctx;

/// Something under way.
#[derive(Clone, Debug)]
pub enum Frame {
    Run(Arc<Node>),
    List(Block, usize),
    /// `at`: how many of the rest have begun.
    AndOr(Arc<Node>, usize),
    Not,
    /// Members of a pipeline in order, with the codes of those that ended.
    Pipeline {
        tasks: Vec<(u32, Option<i32>)>,
        negate: bool,
    },
    /// Words of a node being expanded, with the outputs of its substitutions so far.
    Expand {
        what: Expanding,
        node: Arc<Node>,
        subs: Vec<Str>,
        sub_status: Option<i32>,
    },
    /// A command substitution; its output goes to the `Expand` frame below.
    Sub {
        task: u32,
        pipe: u32,
    },
    If(Arc<Node>, usize, bool),
    While {
        node: Arc<Node>,
        testing: bool,
        last: i32,
    },
    For {
        node: Arc<Node>,
        values: Arc<Vec<Str>>,
        at: usize,
    },
    ForArith(Arc<Node>),
    /// Descriptors as they were before a redirection.
    Restore(Fds),
    /// A function's call: what it hid.
    Call {
        params: Arc<Vec<Str>>,
        locals: Vec<(Str, Option<Var>)>,
    },
    /// `source`: parameters it hid.
    Source(Option<Arc<Vec<Str>>>),
    /// Variables set for one built-in or function only.
    Unset(Vec<(Str, Option<Var>)>),
    /// A built-in that waits and is called again.
    Builtin(Vec<Str>),
    /// A child in the foreground.
    Child(u32),
    /// Ends the shell with this code: after the EXIT trap.
    Exit(i32),
    /// Sets `$?`: after a trap.
    Status(i32),
    /// A message to print first: a syntax error.
    Error(Vec<String>),
}

/// What an `Expand` frame expands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expanding {
    Simple,
    Redirects,
    ForWords,
    ForInit,
    ForTest,
    ForStep,
    Case,
    Arith,
    Cond,
}

/// How a shell's turn ended.
pub enum Turn {
    Ended(i32),
    Waits,
    /// It was busy for long and goes on in a moment.
    Yields,
}

/// What one step led to.
pub(super) enum Step {
    Go,
    Wait,
    Exit(i32),
}

/// Simple commands a shell runs before simulated time passes.
const BUSY: u32 = 300;
/// Frames beyond this: a function calls itself without end.
const MAX_FRAMES: usize = 5_000;

pub(super) struct Eval<'a, 'w> {
    pub term: &'a mut Terminal,
    pub ctx: &'a mut Ctx<'w>,
    pub task: &'a mut Task,
    pub sh: Box<Shell>,
}

/// Lets a shell run until it waits or ends.
pub fn turn(term: &mut Terminal, ctx: &mut Ctx<'_>, task: &mut Task) -> Turn {
    let Body::Shell(shell) = &mut task.body else { return Turn::Waits };
    let empty = Shell::new("", &crate::base::persistent::OrdMap::new(), Str::new(), 0, ctx.now());
    let sh = Box::new(std::mem::replace(&mut **shell, empty));
    let mut eval = Eval { term, ctx, task, sh };
    eval.sh.scope.now = eval.ctx.now();
    let turn = eval.run();
    let Eval { task, sh, .. } = eval;
    task.cwd = sh.scope.cwd.clone();
    task.body = Body::Shell(sh);
    turn
}

impl Eval<'_, '_> {
    fn run(&mut self) -> Turn {
        loop {
            match self.step() {
                Step::Go if self.sh.busy > BUSY => {
                    self.sh.busy = 0;
                    return Turn::Yields;
                }
                Step::Go => {}
                Step::Wait => {
                    self.task.wait = Wait::Change;
                    self.sh.busy = 0;
                    return Turn::Waits;
                }
                Step::Exit(code) => return Turn::Ended(code & 0xff),
            }
        }
    }

    fn step(&mut self) -> Step {
        let Some(frame) = self.sh.frames.pop() else {
            if self.task.id == self.term.login {
                self.term.login_idle(self.ctx, &mut self.sh);
                return Step::Wait;
            }
            return if self.sh.interactive { self.next_typed() } else { self.exit(self.sh.scope.status) };
        };
        if self.sh.frames.len() > MAX_FRAMES {
            self.error("maximum function nesting level exceeded");
            self.sh.frames.clear();
            return self.done(1);
        }
        match frame {
            Frame::Run(node) => self.enter(node),
            Frame::List(block, at) => self.list(block, at),
            Frame::AndOr(node, at) => self.and_or(node, at),
            Frame::Not => {
                self.sh.scope.status = i32::from(self.sh.scope.status == 0);
                Step::Go
            }
            Frame::Pipeline { tasks, negate } => self.pipeline_wait(tasks, negate),
            Frame::Expand { what, node, subs, sub_status } => self.expand(what, node, subs, sub_status),
            Frame::Sub { task, pipe } => self.substituted(task, pipe),
            Frame::If(node, arm, testing) => self.if_next(node, arm, testing),
            Frame::While { node, testing, last } => self.while_next(node, testing, last),
            Frame::For { node, values, at } => self.for_next(node, values, at),
            Frame::ForArith(node) => self.push_expand(Expanding::ForStep, node),
            Frame::Restore(fds) => {
                self.task.fds = fds;
                self.term.stir(); // whoever reads what was closed now
                Step::Go
            }
            Frame::Call { params, locals } => {
                self.sh.scope.params = params;
                self.restore_vars(locals);
                Step::Go
            }
            Frame::Source(params) => {
                if let Some(params) = params {
                    self.sh.scope.params = params;
                }
                Step::Go
            }
            Frame::Unset(vars) => {
                self.restore_vars(vars);
                Step::Go
            }
            Frame::Builtin(args) => self.builtin(args),
            Frame::Child(child) => match self.term.exit_code(child) {
                Some(code) => self.child_ended(code),
                None => {
                    self.sh.frames.push(Frame::Child(child));
                    Step::Wait
                }
            },
            Frame::Exit(code) => Step::Exit(code),
            Frame::Status(code) => {
                self.sh.scope.status = code;
                Step::Go
            }
            Frame::Error(lines) => {
                for line in lines {
                    self.write(Stream::Err, &format!("{line}\n"));
                }
                self.sh.scope.status = 2;
                if self.sh.script { self.exit(2) } else { Step::Go }
            }
        }
    }

    // --- output and results ---

    /// Writes to the shell's own standard output or error.
    pub(super) fn write(&mut self, stream: Stream, text: &str) {
        let fd = self.task.fds.get(&if stream == Stream::Out { 1 } else { 2 }).cloned();
        if let Err(Broken) = self.term.write(self.ctx, fd.as_ref(), text) {
            self.sh.frames.clear();
            self.sh.frames.push(Frame::Exit(141));
        }
    }
    /// What stands before a message, in the words of bash, dash or busybox.
    fn prefix(&self) -> String {
        let (sh, container) = (&self.sh, self.task.container.as_str());
        if container.is_empty() || sh.name.contains("bash") {
            return sh.prefix();
        }
        match rootfs::family(self.ctx.host(), container) {
            rootfs::Family::Debian | rootfs::Family::Ubuntu => format!("{}: {}: ", sh.name, sh.line.max(1)),
            _ => format!("{}: ", sh.name),
        }
    }
    pub(super) fn error(&mut self, message: &str) {
        let text = format!("{}{message}\n", self.prefix());
        self.write(Stream::Err, &text);
    }
    /// A command ended with this code; `set -e` may end the shell.
    pub(super) fn done(&mut self, code: i32) -> Step {
        self.sh.scope.status = code;
        if code != 0 && self.sh.scope.options.errexit && !self.tested() { self.exit(code) } else { Step::Go }
    }
    /// Whether a failure here is being looked at, so that `set -e` lets it pass.
    fn tested(&self) -> bool {
        self.sh.tested
            || self.sh.frames.iter().any(|frame| match frame {
                Frame::AndOr(node, at) => matches!(&**node, Node::AndOr { rest, .. } if *at < rest.len()),
                Frame::Not | Frame::If(_, _, true) | Frame::While { testing: true, .. } => true,
                _ => false,
            })
    }
    /// Ends the shell, after its EXIT trap.
    pub(super) fn exit(&mut self, code: i32) -> Step {
        match self.sh.traps.remove("EXIT") {
            Some(trap) => {
                self.unwind_all();
                self.sh.scope.status = code;
                self.sh.frames.extend([Frame::Exit(code), Frame::List(trap, 0)]);
                Step::Go
            }
            None => Step::Exit(code),
        }
    }
    fn unwind_all(&mut self) {
        while let Some(frame) = self.sh.frames.pop() {
            self.undo(frame);
        }
    }
    /// Puts back what a frame that is left early had changed.
    pub(super) fn undo(&mut self, frame: Frame) {
        match frame {
            Frame::Restore(fds) => self.task.fds = fds,
            Frame::Call { params, locals } => {
                self.sh.scope.params = params;
                self.restore_vars(locals);
            }
            Frame::Source(Some(params)) => self.sh.scope.params = params,
            Frame::Unset(vars) => self.restore_vars(vars),
            _ => {}
        }
    }
    fn restore_vars(&mut self, vars: Vec<(Str, Option<Var>)>) {
        for (name, var) in vars.into_iter().rev() {
            match var {
                Some(var) => drop(self.sh.scope.vars.insert(name, var)),
                None => drop(self.sh.scope.vars.remove(&name)),
            }
        }
    }
    fn child_ended(&mut self, code: i32) -> Step {
        if code > 128 && self.sh.interactive {
            let text = match code - 128 {
                9 => "Killed",
                15 => "Terminated",
                11 => "Segmentation fault",
                _ => "",
            };
            if !text.is_empty() {
                self.write(Stream::Err, &format!("{text}\n"));
            }
        }
        self.done(code)
    }

    // --- nodes ---

    fn enter(&mut self, node: Arc<Node>) -> Step {
        match &*node {
            Node::Simple(_) => self.push_expand(Expanding::Simple, node),
            Node::Pipeline { negate, parts } if parts.len() == 1 => {
                if *negate {
                    self.sh.frames.push(Frame::Not);
                }
                self.sh.frames.push(Frame::Run(parts[0].clone()));
                Step::Go
            }
            Node::Pipeline { negate, parts } => self.pipeline(*negate, parts),
            Node::AndOr { first, .. } => {
                self.sh.frames.push(Frame::AndOr(node.clone(), 0));
                self.sh.frames.push(Frame::Run(first.clone()));
                Step::Go
            }
            Node::Compound { redirects, .. } if !redirects.is_empty() => self.push_expand(Expanding::Redirects, node),
            Node::Compound { .. } => self.compound(node),
            Node::Function { name, body } => {
                self.sh.functions.insert(name.clone(), body.clone());
                self.sh.scope.status = 0;
                Step::Go
            }
        }
    }

    pub(super) fn push_expand(&mut self, what: Expanding, node: Arc<Node>) -> Step {
        self.sh.frames.push(Frame::Expand { what, node, subs: Vec::new(), sub_status: None });
        Step::Go
    }

    fn compound(&mut self, node: Arc<Node>) -> Step {
        let Node::Compound { kind, .. } = &*node else { return Step::Go };
        match kind {
            Compound::Group(block) => self.sh.frames.push(Frame::List(block.clone(), 0)),
            Compound::Subshell(block) => {
                let child = self.fork(self.sh.scope.clone(), Frame::List(block.clone(), 0), self.task.fds.clone());
                self.sh.frames.push(Frame::Child(child));
            }
            Compound::If { arms, .. } => {
                let test = arms[0].0.clone();
                self.sh.frames.extend([Frame::If(node.clone(), 0, true), Frame::List(test, 0)]);
            }
            Compound::While { test, .. } => {
                let test = test.clone();
                self.sh.frames.push(Frame::While { node: node.clone(), testing: true, last: 0 });
                self.sh.frames.push(Frame::List(test, 0));
            }
            Compound::For { words: None, .. } => {
                let values = self.sh.scope.params.clone();
                self.sh.frames.push(Frame::For { node: node.clone(), values, at: 0 });
            }
            Compound::For { .. } => return self.push_expand(Expanding::ForWords, node.clone()),
            Compound::ForArith { .. } => return self.push_expand(Expanding::ForInit, node.clone()),
            Compound::Case { .. } => return self.push_expand(Expanding::Case, node.clone()),
            Compound::Arith(_) => return self.push_expand(Expanding::Arith, node.clone()),
            Compound::Cond(_) => return self.push_expand(Expanding::Cond, node.clone()),
        }
        Step::Go
    }

    fn list(&mut self, block: Block, at: usize) -> Step {
        let Some(item) = block.get(at) else { return Step::Go };
        if at + 1 < block.len() {
            self.sh.frames.push(Frame::List(block.clone(), at + 1));
        }
        if !item.background {
            self.sh.frames.push(Frame::Run(item.node.clone()));
            return Step::Go;
        }
        let mut fds = self.task.fds.clone();
        fds.insert(0, Fd::Null);
        let child = self.fork(self.sh.scope.clone(), Frame::Run(item.node.clone()), fds);
        let pid = self.term.tasks.get(&child).map_or(0, |t| t.pid);
        self.sh.scope.last_background = pid;
        self.sh.scope.status = 0;
        let number = self.sh.jobs.iter().map(|j| j.number).max().unwrap_or(0) + 1;
        self.sh.jobs.push(super::Job { number, task: child, pid, text: item.text.clone() });
        if self.sh.interactive && self.term.attended() {
            self.write(Stream::Err, &format!("[{number}] {pid}\n"));
        }
        Step::Go
    }

    fn and_or(&mut self, node: Arc<Node>, at: usize) -> Step {
        let Node::AndOr { rest, .. } = &*node else { return Step::Go };
        let Some((op, next)) = rest.get(at) else { return Step::Go };
        self.sh.frames.push(Frame::AndOr(node.clone(), at + 1));
        if (self.sh.scope.status == 0) == (*op == AndOr::And) {
            self.sh.frames.push(Frame::Run(next.clone()));
        }
        Step::Go
    }

    /// A subshell that begins with `frame`; its task.
    pub(super) fn fork(&mut self, scope: Scope, frame: Frame, fds: Fds) -> u32 {
        let shell = self.sh.fork(scope, self.tested(), frame);
        let birth = Birth { fds, cwd: self.sh.scope.cwd.clone(), ..Birth::of(self.task) };
        self.term.spawn_shell(self.ctx, birth, shell, "")
    }

    fn pipeline(&mut self, negate: bool, parts: &[Arc<Node>]) -> Step {
        let mut tasks = Vec::new();
        let mut input = self.task.fds.get(&0).cloned();
        for (i, part) in parts.iter().enumerate() {
            let mut fds = self.task.fds.clone();
            if let Some(fd) = input.take() {
                fds.insert(0, fd);
            }
            if i + 1 < parts.len() {
                let pipe = self.term.new_pipe("");
                fds.insert(1, Fd::Write(pipe));
                input = Some(Fd::Read(pipe));
            }
            tasks.push((self.fork(self.sh.scope.clone(), Frame::Run(part.clone()), fds), None));
        }
        self.sh.frames.push(Frame::Pipeline { tasks, negate });
        Step::Wait
    }
    fn pipeline_wait(&mut self, mut tasks: Vec<(u32, Option<i32>)>, negate: bool) -> Step {
        for (task, code) in &mut tasks {
            if code.is_none() {
                *code = self.term.exit_code(*task);
            }
        }
        let codes: Option<Vec<i32>> = tasks.iter().map(|(_, code)| *code).collect();
        let Some(codes) = codes else {
            self.sh.frames.push(Frame::Pipeline { tasks, negate });
            return Step::Wait;
        };
        let items = codes.iter().map(|c| ecow::eco_format!("{c}")).collect();
        let all = Var { content: Content::List(items), exported: false, readonly: false };
        self.sh.scope.vars.insert("PIPESTATUS".into(), all);
        let last = codes.last().copied().unwrap_or(0);
        let failed = codes.iter().rev().find(|c| **c != 0).copied().unwrap_or(0);
        let code = if self.sh.scope.options.pipefail { failed } else { last };
        if negate {
            self.sh.scope.status = i32::from(code == 0);
            return Step::Go;
        }
        self.done(code)
    }

    fn if_next(&mut self, node: Arc<Node>, arm: usize, testing: bool) -> Step {
        let Node::Compound { kind: Compound::If { arms, otherwise }, .. } = &*node else { return Step::Go };
        if !testing {
            return Step::Go;
        }
        let frames = &mut self.sh.frames;
        if self.sh.scope.status == 0 {
            frames.extend([Frame::If(node.clone(), arm, false), Frame::List(arms[arm].1.clone(), 0)]);
        } else if let Some((test, _)) = arms.get(arm + 1) {
            frames.extend([Frame::If(node.clone(), arm + 1, true), Frame::List(test.clone(), 0)]);
        } else {
            self.sh.scope.status = 0;
            if let Some(block) = otherwise {
                frames.push(Frame::List(block.clone(), 0));
            }
        }
        Step::Go
    }

    fn while_next(&mut self, node: Arc<Node>, testing: bool, last: i32) -> Step {
        let Node::Compound { kind: Compound::While { until, test, body }, .. } = &*node else { return Step::Go };
        let status = self.sh.scope.status;
        if !testing {
            self.sh.busy += 1;
            self.sh.frames.push(Frame::While { node: node.clone(), testing: true, last: status });
            self.sh.frames.push(Frame::List(test.clone(), 0));
        } else if (status == 0) != *until {
            self.sh.frames.push(Frame::While { node: node.clone(), testing: false, last });
            self.sh.frames.push(Frame::List(body.clone(), 0));
        } else {
            self.sh.scope.status = last;
        }
        Step::Go
    }

    fn for_next(&mut self, node: Arc<Node>, values: Arc<Vec<Str>>, at: usize) -> Step {
        let Node::Compound { kind: Compound::For { name, body, .. }, .. } = &*node else { return Step::Go };
        match values.get(at) {
            Some(value) => {
                self.sh.scope.set(name, value.clone());
                self.sh.frames.push(Frame::For { node: node.clone(), values, at: at + 1 });
                self.sh.frames.push(Frame::List(body.clone(), 0));
            }
            None if at == 0 => self.sh.scope.status = 0,
            None => {}
        }
        Step::Go
    }

    // --- expansion ---

    fn expand(&mut self, what: Expanding, node: Arc<Node>, subs: Vec<Str>, sub_status: Option<i32>) -> Step {
        let (machine, container) = (self.ctx.host(), self.task.container.as_str());
        let processes = Vec::new();
        let scope = self.sh.scope.clone();
        let mut x = Expander { scope, machine, container, subs: &subs, next_sub: 0, processes };
        let plan = match self.plan(what, &node, &mut x) {
            Ok(plan) => plan,
            Err(Halt::Sub(block)) => {
                let scope = x.scope;
                self.sh.frames.push(Frame::Expand { what, node, subs, sub_status });
                return self.substitute(&block, scope);
            }
            Err(Halt::Fail(message)) => return self.expansion_failed(what, &message),
        };
        let processes = x.processes;
        self.sh.scope = x.scope;
        if !processes.is_empty() {
            self.open_processes(processes);
        }
        self.act(plan, node, sub_status)
    }

    /// Opens the descriptors of process substitutions for the command that names them.
    fn open_processes(&mut self, all: Vec<Process>) {
        self.sh.frames.push(Frame::Restore(self.task.fds.clone()));
        for (i, process) in all.into_iter().enumerate() {
            let fd = match process {
                Process::In(text) => Fd::Read(self.term.new_pipe(text.as_str())),
                Process::Out(block) => {
                    let pipe = self.term.new_pipe("");
                    let mut fds = self.task.fds.clone();
                    fds.insert(0, Fd::Read(pipe));
                    self.fork(self.sh.scope.clone(), Frame::List(block, 0), fds);
                    Fd::Write(pipe)
                }
            };
            self.task.fds.insert(Process::descriptor(i), fd);
        }
    }

    /// An expansion error ends a script, and the whole line of an interactive shell.
    fn expansion_failed(&mut self, what: Expanding, message: &str) -> Step {
        if matches!(what, Expanding::Arith | Expanding::ForInit | Expanding::ForTest | Expanding::ForStep) {
            self.error(&format!("((: {message}"));
            return self.done(1);
        }
        self.error(message);
        if !self.sh.interactive {
            return self.exit(if self.sh.inline && !self.sh.forked { 127 } else { 1 });
        }
        self.unwind_all();
        self.sh.scope.status = 1;
        Step::Go
    }

    fn substitute(&mut self, block: &Block, scope: Scope) -> Step {
        let pipe = self.term.new_pipe("");
        let mut fds = self.task.fds.clone();
        fds.insert(1, Fd::Write(pipe));
        // Held open by the parent, so that the output waits for it.
        self.task.fds.insert(HELD, Fd::Read(pipe));
        let child = self.fork(scope, Frame::List(block.clone(), 0), fds);
        self.sh.frames.push(Frame::Sub { task: child, pipe });
        Step::Wait
    }

    fn substituted(&mut self, task: u32, pipe: u32) -> Step {
        use crate::machine::terminal::Input;
        let ended = !self.term.tasks.contains_key(&task);
        let read = if ended { self.term.read_all(Some(&Fd::Read(pipe))) } else { Input::Later };
        let text = match read {
            Input::Later => {
                self.sh.frames.push(Frame::Sub { task, pipe });
                return Step::Wait;
            }
            Input::Text(text) => text,
            Input::End => Str::new(),
        };
        self.task.fds.remove(&HELD);
        let code = self.term.exit_code(task).unwrap_or(0);
        if let Some(Frame::Expand { subs, sub_status, .. }) = self.sh.frames.last_mut() {
            subs.push(text);
            *sub_status = Some(code);
        }
        Step::Go
    }

    /// What a node's words come to.
    fn plan(&self, what: Expanding, node: &Node, x: &mut Expander<'_>) -> Result<Plan, Halt> {
        let Node::Compound { kind, redirects } = node else {
            let Node::Simple(simple) = node else { return Ok(Plan::Nothing) };
            return self.plan_simple(simple, x);
        };
        Ok(match (what, kind) {
            (Expanding::Redirects, _) => Plan::Redirects(self.plan_redirects(redirects, x)?),
            (_, Compound::For { words: Some(words), .. }) => Plan::For(x.words(words)?),
            (Expanding::ForInit, Compound::ForArith { init, .. }) => {
                x.arith(init)?;
                Plan::ForTest
            }
            (Expanding::ForStep, Compound::ForArith { step, .. }) => {
                x.arith(step)?;
                Plan::ForTest
            }
            (Expanding::ForTest, Compound::ForArith { test, .. }) => {
                Plan::ForBody(test.0.is_empty() || x.single(test)?.trim().is_empty() || x.arith(test)? != 0)
            }
            (_, Compound::Case { word, arms }) => {
                let text = x.single(word)?;
                let mut bodies = Vec::new();
                let mut falls = false;
                for arm in arms {
                    let mut hit = falls;
                    for p in arm.patterns.iter().take_while(|_| !falls) {
                        let p = x.pattern(p)?;
                        hit |= pattern::matches(&p, &text);
                    }
                    if hit {
                        bodies.push(arm.body.clone());
                        if arm.next == CaseNext::End {
                            break;
                        }
                    }
                    falls = hit && arm.next == CaseNext::Fall;
                }
                Plan::Case(bodies)
            }
            (_, Compound::Arith(word)) => Plan::Status(i32::from(x.arith(word)? == 0)),
            (_, Compound::Cond(cond)) => Plan::Status(i32::from(!super::cond::holds(cond, x)?)),
            _ => Plan::Nothing,
        })
    }

    fn act(&mut self, plan: Plan, node: Arc<Node>, sub_status: Option<i32>) -> Step {
        match plan {
            Plan::Nothing => {}
            Plan::Simple(planned) => return self.simple(&node, planned, sub_status),
            Plan::Redirects(redirects) => {
                let before = self.task.fds.clone();
                if let Err(message) = self.redirect(&redirects) {
                    self.task.fds = before;
                    self.error(&message);
                    return self.done(1);
                }
                self.sh.frames.push(Frame::Restore(before));
                return self.compound(node);
            }
            Plan::For(values) => {
                self.sh.frames.push(Frame::For { node, values: Arc::new(values), at: 0 });
            }
            Plan::ForTest => return self.push_expand(Expanding::ForTest, node),
            Plan::ForBody(true) => {
                self.sh.busy += 1;
                let Node::Compound { kind: Compound::ForArith { body, .. }, .. } = &*node else { return Step::Go };
                let body = body.clone();
                self.sh.frames.extend([Frame::ForArith(node), Frame::List(body, 0)]);
            }
            Plan::ForBody(false) => {}
            Plan::Case(bodies) => {
                self.sh.scope.status = 0;
                self.sh.frames.extend(bodies.into_iter().rev().map(|b| Frame::List(b, 0)));
            }
            Plan::Status(code) => return self.done(code),
        }
        Step::Go
    }
}

/// Descriptor under which a shell holds the pipe of a substitution it waits for.
const HELD: u8 = 255;

/// What expansion came to, to be acted on.
pub(super) enum Plan {
    Nothing,
    Simple(super::simple::Planned),
    Redirects(Vec<super::redirect::Planned>),
    For(Vec<Str>),
    ForTest,
    ForBody(bool),
    Case(Vec<Block>),
    Status(i32),
}

impl Shell {
    /// Begins a parsed line or script.
    pub fn begin(&mut self, parsed: Result<Block, SyntaxError>) {
        let frame = match parsed {
            Ok(block) => Frame::List(block, 0),
            Err(error) => {
                let name = &self.name;
                let line = |(n, text): (u32, String)| {
                    if self.script { format!("{name}: line {n}: {text}") } else { format!("{name}: {text}") }
                };
                Frame::Error(error.lines().into_iter().map(line).collect())
            }
        };
        self.frames.push(frame);
    }
    /// Ctrl-C: leaves whatever is under way.
    pub fn interrupted(&mut self) {
        // Descriptors are set anew with the next line; variables and parameters go back here.
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Call { params, locals } => {
                    self.scope.params = params;
                    for (name, var) in locals.into_iter().rev() {
                        match var {
                            Some(var) => drop(self.scope.vars.insert(name, var)),
                            None => drop(self.scope.vars.remove(&name)),
                        }
                    }
                }
                Frame::Source(Some(params)) => self.scope.params = params,
                _ => {}
            }
        }
        self.scope.status = 130;
    }
    /// Descriptors put aside by redirections.
    pub fn saved_fds(&self) -> impl Iterator<Item = &Fds> {
        self.frames.iter().filter_map(|f| if let Frame::Restore(fds) = f { Some(fds) } else { None })
    }
}
