//! Tasks: how they start, take turns, wait and end. All that can go on goes on within one event;
//! time passes only where a task sleeps or waits for an answer.

use std::collections::VecDeque;

use super::host::CommandHost;
use super::{TIMER, Terminal};
use crate::api::WatchEvent;
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str};
use crate::machine::program::{self, Answer, Command, Host, Journal};
use crate::machine::shell::{self, Shell, Turn};
use crate::machine::task::{Body, Fd, Fds, Running, Task, Wait};
use crate::machine::users;
use crate::sim::component::Target;
use crate::sim::{Caller, Ctx, Endpoint, Event, Msg};

/// What a new task inherits.
pub(in crate::machine) struct Birth {
    pub parent: u32,
    pub line: u32,
    pub fds: Fds,
    pub container: Str,
    pub cwd: Str,
    pub env: OrdMap<Str, Str>,
    pub user: Str,
    pub cause: crate::sim::TraceId,
}

impl Birth {
    /// What a child of `task` inherits.
    pub fn of(task: &Task) -> Birth {
        let Task { id, line, fds, container, cwd, env, user, cause, .. } = task;
        Birth {
            parent: *id,
            line: *line,
            fds: fds.clone(),
            container: container.clone(),
            cwd: cwd.clone(),
            env: env.clone(),
            user: user.clone(),
            cause: *cause,
        }
    }
}

/// The process of a new task.
fn process(ctx: &mut Ctx<'_>, command: &str, birth: &Birth) -> u32 {
    let now = ctx.now();
    let host = ctx.host_mut();
    let pid = host.add_process(command, None, &birth.container, now);
    if birth.user != "root"
        && let Some(process) = host.processes.get_mut(&pid)
    {
        process.user = birth.user.clone();
    }
    pid
}

impl Terminal {
    fn new_task(&mut self, birth: Birth, body: Body, pid: u32, wait: Wait) -> u32 {
        self.next_task += 1;
        let id = self.next_task;
        let Birth { parent, line, fds, container, cwd, env, user, cause } = birth;
        let task =
            Task { id, pid, parent, line, body, fds, container, cwd, env, user, wait, token: 0, asked: None, cause };
        self.tasks.insert(id, task);
        id
    }

    /// Starts a shell; `command` is how `ps` shows it, empty for a mere subshell.
    pub(in crate::machine) fn spawn_shell(
        &mut self,
        ctx: &mut Ctx<'_>,
        birth: Birth,
        mut shell: Shell,
        command: &str,
    ) -> u32 {
        let now = ctx.now();
        let shown = if command.is_empty() { shell.name.as_str() } else { command };
        let pid = process(ctx, shown, &birth);
        if !command.is_empty() {
            shell.scope.pid = pid;
        }
        shell.scope.user = birth.user.clone();
        shell.scope.uid = match birth.container.is_empty() && birth.user != "root" {
            true => users::find(ctx.host(), &birth.user).map_or(0, |u| u.uid),
            false => 0,
        };
        shell.scope.now = now;
        let id = self.new_task(birth, Body::Shell(Box::new(shell)), pid, Wait::Nothing);
        self.ready.push_back(id);
        id
    }

    /// Starts a command.
    pub(in crate::machine) fn spawn_command(
        &mut self,
        ctx: &mut Ctx<'_>,
        birth: Birth,
        command: &'static Command,
        args: Vec<Str>,
    ) -> u32 {
        let builtin = command.folder.is_empty();
        let pid = if builtin { 0 } else { process(ctx, &args.join(" "), &birth) };
        let journal = Journal::default();
        let (watches, events, remote) = (Vec::new(), VecDeque::new(), VecDeque::new());
        let running =
            Running { command, args, begun: false, journal, watches, events, remote, peer: None, session: false };
        let id = self.new_task(birth, Body::Command(Box::new(running)), pid, Wait::Nothing);
        if command.startup_ms == 0 {
            self.ready.push_back(id);
            return id;
        }
        let startup = ctx.rng.jitter(Duration::millis(u64::from(command.startup_ms)), 40);
        let token = self.new_token(id);
        ctx.timer(startup, TIMER, ecow::eco_format!("{token}"));
        if let Some(task) = self.tasks.get_mut(&id) {
            task.wait = Wait::Token;
            task.token = token;
        }
        id
    }

    pub(in crate::machine) fn new_token(&mut self, task: u32) -> u64 {
        self.next_token += 1;
        self.tokens.insert(self.next_token, task);
        self.next_token
    }

    /// A timer went off or an answer came.
    pub(super) fn answered(&mut self, ctx: &mut Ctx<'_>, token: u64, answer: Answer) {
        let Some(id) = self.tokens.remove(&token) else { return };
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.token != token {
            return self.ready.push_back(id); // a deadline it set beside what it waits for
        }
        (task.wait, task.token, task.asked) = (Wait::Nothing, 0, None);
        task.cause = if matches!(answer, Answer::Reply(_)) { ctx.cause } else { task.cause };
        if let Body::Command(running) = &mut task.body {
            // The timer of its start answers nothing.
            if running.begun {
                running.journal.answers.push(answer);
            }
        }
        self.ready.push_back(id);
    }

    pub(super) fn watched(&mut self, ctx: &mut Ctx<'_>, token: u64, event: Option<WatchEvent>) {
        let cause = ctx.cause;
        for task in self.tasks.values_mut() {
            if let Body::Command(running) = &mut task.body
                && running.watches.iter().any(|(t, _)| *t == token)
            {
                if event.is_none() {
                    running.watches.retain(|(t, _)| *t != token);
                }
                running.events.push_back(event);
                task.cause = cause;
                self.ready.push_back(task.id);
                return;
            }
        }
    }

    /// Gives every ready task its turn until none is left.
    pub(super) fn run(&mut self, ctx: &mut Ctx<'_>) {
        loop {
            while let Some(id) = self.ready.pop_front() {
                if let Some(task) = self.tasks.remove(&id) {
                    self.turn(ctx, task);
                }
            }
            if !self.next_line(ctx) {
                break;
            }
        }
        self.sweep();
    }

    fn turn(&mut self, ctx: &mut Ctx<'_>, mut task: Task) {
        if task.wait == Wait::Token {
            self.tasks.insert(task.id, task);
            return;
        }
        ctx.cause = task.cause;
        let (id, wait) = (task.id, std::mem::replace(&mut task.wait, Wait::Nothing));
        let ended = match &task.body {
            Body::Command(_) => self.command_turn(ctx, &mut task, wait),
            Body::Shell(_) => match shell::turn(self, ctx, &mut task) {
                Turn::Ended(code) => Some(code),
                Turn::Waits => None,
                Turn::Yields => {
                    let token = self.new_token(id);
                    ctx.timer(Duration::millis(1), TIMER, ecow::eco_format!("{token}"));
                    (task.wait, task.token) = (Wait::Token, token);
                    None
                }
            },
        };
        self.tasks.insert(id, task);
        if let Some(code) = ended {
            self.finish(ctx, id, code);
        }
    }

    /// Runs a command until it waits or ends.
    fn command_turn(&mut self, ctx: &mut Ctx<'_>, task: &mut Task, wait: Wait) -> Option<i32> {
        let Body::Command(running) = &mut task.body else { return None };
        running.begun = true;
        let (command, args) = (running.command, running.args.clone());
        let mut journal = std::mem::take(&mut running.journal);
        let mut host = CommandHost { terminal: self, ctx, task, broken: false };
        if let Wait::Retry(effect) = wait {
            match host.perform(effect) {
                Some(answer) => journal.answers.push(answer),
                None => {
                    host.keep(journal);
                    return None;
                }
            }
        }
        let out = program::run(|io| (command.run)(io, &args), &mut journal, &mut host);
        let broken = host.broken;
        host.keep(journal);
        match out {
            _ if broken => Some(141),
            Ok(code) => Some(code & 0xff),
            Err(_) => None,
        }
    }

    /// Ends a task: its parent learns the code, its pipes close, its requests are given up.
    pub(in crate::machine) fn finish(&mut self, ctx: &mut Ctx<'_>, id: u32, code: i32) {
        let Some(task) = self.tasks.remove(&id) else { return };
        if task.pid != 0 {
            ctx.host_mut().processes.remove(&task.pid);
        }
        self.give_up(ctx, &task);
        self.drawn_no_more(ctx, id, task.line);
        self.exits.retain(|_, (parent, _)| *parent != id);
        if task.parent != 0 {
            self.exits.insert(id, (task.parent, code));
        }
        self.stir();
        if id == self.login {
            self.logged_out(ctx);
        } else if task.parent == 0 {
            self.line_ended(ctx, task.line, code);
        }
    }

    /// The exit code of a task that ended; told once.
    pub(in crate::machine) fn exit_code(&mut self, task: u32) -> Option<i32> {
        self.exits.remove(&task).map(|(_, code)| code)
    }

    /// Tells servers that the task no longer wants their answers.
    fn give_up(&mut self, ctx: &mut Ctx<'_>, task: &Task) {
        let mut open: Vec<(u64, Endpoint)> = Vec::new();
        if let Some(to) = task.asked.clone().filter(|_| task.wait == Wait::Token) {
            open.push((task.token, to));
        }
        if let Body::Command(running) = &task.body {
            open.extend(running.watches.iter().cloned());
            if let Some(peer) = running.peer {
                self.hang_up(ctx, peer, task.id);
            }
        }
        self.tokens.remove(&task.token);
        let me = (ctx.me, task.id);
        if ctx.host().forwards.values().any(|f| (f.terminal, f.task) == me) {
            let kept = ctx.host().forwards.iter().filter(|(_, f)| (f.terminal, f.task) != me);
            let kept = kept.map(|(port, f)| (*port, f.clone())).collect();
            ctx.host_mut().forwards = kept;
        }
        for (token, to) in open {
            let Some((machine, delay)) = ctx.world.route(ctx.machine, &to.ip) else { continue };
            let msg = Msg::Cancel(Caller { actor: ctx.me, token });
            let event = Event { target: Target::Port(machine, to.port), msg, cause: ctx.cause };
            let at = ctx.now() + delay;
            ctx.world.schedule(at, event);
        }
    }

    /// Ends a task and all below it with a signal.
    pub(in crate::machine) fn signal(&mut self, ctx: &mut Ctx<'_>, id: u32, signal: i32) {
        let children: Vec<u32> = self.tasks.values().filter(|t| t.parent == id).map(|t| t.id).collect();
        for child in children {
            self.signal(ctx, child, signal);
        }
        self.finish(ctx, id, 128 + signal);
    }

    /// The task that runs as this process.
    pub(in crate::machine) fn task_of(&self, pid: u32) -> Option<u32> {
        self.tasks.values().find(|t| t.pid == pid && pid != 0).map(|t| t.id)
    }

    /// Descriptors of a line: keyboard or nothing, and the line's output.
    pub(super) fn line_fds(line: u32, keyboard: bool) -> Fds {
        use crate::machine::program::Stream::{Err, Out};
        let input = if keyboard { Fd::Tty(0) } else { Fd::Null };
        [(0, input), (1, Fd::Out(line, Out)), (2, Fd::Out(line, Err))].into_iter().collect()
    }
}
