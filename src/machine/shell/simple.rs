//! One simple command: assignments, a function, a built-in, or a program.

use std::sync::Arc;

use super::ast::{Node, Simple};
use super::eval::{Eval, Frame, Plan, Step};
use super::expand::{Expander, Halt};
use super::redirect;
use super::state::{Content, Var};
use super::{builtins, exec};
use crate::base::Str;
use crate::machine::program::Stream;
use crate::machine::terminal::Birth;

/// A simple command with its words expanded. Its assignments are already in the scope.
pub struct Planned {
    args: Vec<Str>,
    redirects: Vec<redirect::Planned>,
    /// What the assigned names held before.
    before: Vec<(Str, Option<Var>)>,
    /// Lists that `declare` and the like assign, expanded.
    lists: Vec<(Str, Content)>,
}

impl Eval<'_, '_> {
    pub(super) fn plan_simple(&self, simple: &Simple, x: &mut Expander<'_>) -> Result<Plan, Halt> {
        let args = x.words(&simple.words)?;
        let redirects = self.plan_redirects(&simple.redirects, x)?;
        let mut before = Vec::new();
        for assign in &simple.assigns {
            before.push((assign.name.clone(), x.scope.vars.get(&assign.name).cloned()));
            x.assign(assign)?;
        }
        let map = args.iter().any(|a| a.starts_with('-') && a.contains('A'));
        let mut lists = Vec::new();
        for assign in &simple.lists {
            let kept = x.scope.vars.get(&assign.name).cloned();
            if map && !matches!(kept, Some(Var { content: Content::Map(_), .. })) {
                let content = Content::Map(crate::base::persistent::OrdMap::new());
                x.scope.vars.insert(assign.name.clone(), Var { content, exported: false, readonly: false });
            }
            x.assign(assign)?;
            let made = match kept {
                Some(var) => x.scope.vars.insert(assign.name.clone(), var),
                None => x.scope.vars.remove(&assign.name),
            };
            lists.extend(made.map(|var| (assign.name.clone(), var.content)));
        }
        Ok(Plan::Simple(Planned { args, redirects, before, lists }))
    }

    pub(super) fn simple(&mut self, node: &Arc<Node>, planned: Planned, sub_status: Option<i32>) -> Step {
        let Node::Simple(simple) = &**node else { return Step::Go };
        let Planned { args, redirects, before, lists } = planned;
        self.sh.line = simple.line;
        self.sh.busy += 1;
        if self.sh.scope.options.xtrace && !(args.is_empty() && before.is_empty()) {
            let assigned =
                simple.assigns.iter().map(|a| format!("{}={}", a.name, self.sh.scope.get(&a.name).unwrap_or_default()));
            let line: Vec<String> = assigned.chain(args.iter().map(|a| quoted(a))).collect();
            self.write(Stream::Err, &format!("+ {}\n", line.join(" ")));
        }
        let fds = self.task.fds.clone();
        if let Err(message) = self.redirect(&redirects) {
            self.task.fds = fds;
            self.forget(before);
            self.error(&message);
            return self.done(1);
        }
        if args.is_empty() {
            self.task.fds = fds;
            return self.done(sub_status.unwrap_or(0));
        }
        if args[0] == "exec" && args.len() == 1 {
            // The redirections stay, and what process substitutions opened for them.
            if matches!(self.sh.frames.last(), Some(Frame::Restore(_))) && self.opened_processes(&fds) {
                self.sh.frames.pop();
            }
            return self.done(0);
        }
        if !redirects.is_empty() {
            self.sh.frames.push(Frame::Restore(fds));
        }
        let step = self.call(args, before);
        for (name, content) in lists {
            self.sh.scope.set(&name, "");
            if let Some(var) = self.sh.scope.vars.get_mut(&name) {
                var.content = content;
            }
        }
        step
    }

    fn opened_processes(&self, fds: &crate::machine::task::Fds) -> bool {
        fds.contains_key(&super::expand::Process::descriptor(0))
    }

    /// Puts back variables that were set for one command only.
    fn forget(&mut self, before: Vec<(Str, Option<Var>)>) {
        self.undo(Frame::Unset(before));
    }

    fn call(&mut self, args: Vec<Str>, before: Vec<(Str, Option<Var>)>) -> Step {
        let name = args[0].clone();
        if let Some(body) = self.sh.functions.get(&name).cloned() {
            if !before.is_empty() {
                self.sh.frames.push(Frame::Unset(before));
            }
            let params = std::mem::replace(&mut self.sh.scope.params, Arc::new(args[1..].to_vec()));
            self.sh.frames.push(Frame::Call { params, locals: Vec::new() });
            self.sh.frames.push(Frame::Run(body));
            return Step::Go;
        }
        if builtins::find(&name).is_some() {
            if !before.is_empty() {
                self.sh.frames.push(Frame::Unset(before));
            }
            return self.builtin(args);
        }
        let mut env = self.sh.scope.environment();
        for (name, _) in &before {
            env.insert(name.clone(), self.sh.scope.get(name).unwrap_or_default());
        }
        self.forget(before);
        self.program(args, env)
    }

    /// Starts a program and waits for it.
    pub(super) fn program(&mut self, args: Vec<Str>, env: crate::base::persistent::OrdMap<Str, Str>) -> Step {
        let birth = Birth { env, cwd: self.sh.scope.cwd.clone(), ..Birth::of(self.task) };
        match exec::spawn(self.term, self.ctx, birth, &args) {
            Ok(child) => {
                self.sh.frames.push(Frame::Child(child));
                Step::Wait
            }
            Err((code, message)) => {
                // dash and busybox say it shorter than bash.
                let plain = !self.task.container.is_empty() && !self.sh.name.contains("bash");
                self.error(&if plain { message.replace(": command not found", ": not found") } else { message });
                self.done(code)
            }
        }
    }

    /// Calls a built-in (again).
    pub(super) fn builtin(&mut self, args: Vec<Str>) -> Step {
        match builtins::find(&args[0]) {
            Some(run) => run(self, args),
            None => Step::Go,
        }
    }

    /// `source`, `eval`: runs text in this shell.
    pub(super) fn run_text(&mut self, text: &str, name: Option<&str>) -> Step {
        match super::parse(text, &self.sh.aliases) {
            Ok(block) => {
                self.sh.scope.status = 0;
                self.sh.frames.push(Frame::List(block, 0));
                Step::Go
            }
            Err(error) => {
                for (line, text) in error.lines() {
                    let message = match name {
                        Some(name) => format!("{name}: line {line}: {text}"),
                        None => text,
                    };
                    self.error(&message);
                }
                self.done(if name.is_some() { 1 } else { 2 })
            }
        }
    }
}

/// A word as `set -x` prints it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
