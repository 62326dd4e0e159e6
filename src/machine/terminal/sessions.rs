//! Lines that run here for another machine's terminal (ssh, `kubectl exec`), and what runs in
//! containers: commands of `exec`, main processes that are scripts.
//!
//! The other side opens a line with `remote-run` or `exec`; output, prompts and the exit code go back
//! as `remote` events; what is typed there comes as `remote-input`. The stream itself is not routed
//! through the servers between the two (docs/FIDELITY.md).

use super::Terminal;
use super::lines::{environment, login_of, login_shell, prompt};
use super::run::Birth;
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::Stream;
use crate::machine::shell::{Shell, exec};
use crate::machine::task::{Body, Fd, Owner, Wait};
use crate::runtime::{process, rootfs};
use crate::sim::{ActorId, Ctx, Msg};

fn number(data: &Value, key: &str) -> u64 {
    data.get(key).and_then(Value::as_int).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

fn flag(data: &Value, key: &str) -> bool {
    data.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn owner(data: &Value, tty: bool) -> Owner {
    Owner::Remote { terminal: ActorId(number(data, "terminal") as u32), token: number(data, "token"), tty }
}

impl Terminal {
    // --- the side that asked ---

    /// Output, prompt or result of what runs on another machine.
    pub(super) fn remote_event(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let token = number(data, "token") as u32;
        let Some(task) = self.tasks.get_mut(&token) else { return };
        let line = task.line;
        if let Some(picture) = data.get("screen") {
            return self.draw(ctx, token, line, picture);
        }
        if let Some(prompt) = data.get("prompt") {
            let prompt = Str::from(prompt.as_str());
            return self.ask(ctx, line, &prompt, number(data, "status") as i32);
        }
        if let Body::Command(running) = &mut task.body {
            running.remote.push_back(if data.get("lost").is_some() { Value::Null } else { data.clone() });
            self.ready.push_back(token);
        }
    }

    /// The task no longer cares for what another terminal does for it.
    pub(super) fn hang_up(&self, ctx: &mut Ctx<'_>, peer: ActorId, task: u32) {
        self.tell(ctx, peer, task, "remote-end", Value::Null);
    }

    /// Sends something about what `task` has running at another terminal.
    pub(in crate::machine) fn tell(&self, ctx: &mut Ctx<'_>, peer: ActorId, task: u32, topic: &str, text: Value) {
        let way = ctx.world.machine_of(peer).and_then(|m| ctx.world.link(ctx.machine, m));
        if let Some(way) = way {
            let data = map! { "terminal" => ctx.me.0, "token" => task, "text" => text };
            ctx.send(peer, way, Msg::Notify(topic.into(), data.into()));
        }
    }

    /// Shows the prompt of a shell that runs for a line: here, or where the line came from.
    pub(in crate::machine) fn ask(&mut self, ctx: &mut Ctx<'_>, line: u32, prompt: &str, status: i32) {
        match self.lines.get(&line).map(|l| l.owner.clone()) {
            Some(Owner::Typed) => self.asked(ctx, line, prompt, status),
            Some(Owner::Remote { terminal, token, tty: true }) => {
                self.send_back(ctx, terminal, map! { "token" => token, "prompt" => prompt, "status" => status }.into());
            }
            Some(Owner::Main { .. }) => {
                for (_, terminal, token) in self.watchers.clone().into_iter().filter(|(l, ..)| *l == line) {
                    self.send_back(
                        ctx,
                        terminal,
                        map! { "token" => token, "prompt" => prompt, "status" => status }.into(),
                    );
                }
            }
            _ => {}
        }
    }

    /// A command asks something of whoever types.
    pub(in crate::machine) fn ask_for(&mut self, ctx: &mut Ctx<'_>, line: u32, prompt: &str, secret: bool) {
        self.secret = secret;
        self.ask(ctx, line, prompt, 0);
    }

    /// Always after the same time, so that nothing overtakes what was sent before.
    pub(super) fn send_back(&mut self, ctx: &mut Ctx<'_>, to: ActorId, data: Value) {
        let way = ctx.world.machine_of(to).and_then(|m| ctx.world.link(ctx.machine, m));
        if let Some(way) = way {
            ctx.send(to, way, Msg::Notify("remote".into(), data));
        }
    }

    // --- the side that runs it ---

    /// ssh on another machine wants a line run here, or a session.
    pub(super) fn remote_run(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let tty = flag(data, "tty");
        let owner = owner(data, tty);
        if data.get("line").is_some() {
            return self.fresh_shell(
                ctx,
                data.str("line"),
                owner,
                data.get("input").map(Value::as_str),
                data.str("user"),
            );
        }
        let line = self.open_line(ctx, "-bash", owner);
        if self.login == 0 {
            return self.line_ended(ctx, line, 255);
        }
        self.sessions.insert(line, Default::default());
        let mut birth = self.birth(ctx, 0, line, false);
        birth.fds.insert(0, Fd::Tty(line));
        let user = data.str("user");
        let shell = if user.is_empty() { login_shell(ctx) } else { login_of(ctx, user) };
        if !user.is_empty() {
            (birth.user, birth.cwd) = (user.into(), shell.scope.cwd.clone());
        }
        self.spawn_shell(ctx, birth, shell, "-bash");
    }

    fn line_of(&self, data: &Value) -> Option<u32> {
        let (terminal, token) = (ActorId(number(data, "terminal") as u32), number(data, "token"));
        let ours =
            |o: &Owner| matches!(o, Owner::Remote { terminal: t, token: n, .. } if (*t, *n) == (terminal, token));
        let attached = self.watchers.iter().find(|(_, t, n)| (*t, *n) == (terminal, token)).map(|(line, ..)| *line);
        self.lines.iter().find(|(_, l)| ours(&l.owner)).map(|(id, _)| *id).or(attached)
    }

    /// A line typed there, or the end of input (`Null`).
    pub(super) fn remote_input(&mut self, data: &Value) {
        let Some(line) = self.line_of(data) else { return };
        let typed = data.get("text").filter(|t| !t.is_null()).map(|t| Str::from(t.as_str()));
        if let Some(queue) = self.sessions.get_mut(&line) {
            queue.push_back(typed);
            self.stir();
        }
    }

    fn heads(&self, line: u32) -> Vec<u32> {
        self.tasks.values().filter(|t| t.line == line && t.parent == 0).map(|t| t.id).collect()
    }

    /// Ctrl-C typed there.
    pub(super) fn remote_interrupt(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let Some(line) = self.line_of(data) else { return };
        for head in self.heads(line) {
            match self.tasks.get(&head).map(|t| &t.body) {
                Some(Body::Shell(shell)) if shell.interactive => self.interrupt_shell(ctx, head),
                _ => self.signal(ctx, head, 2),
            }
        }
    }

    /// Who asked is gone: its command gets a hang-up.
    pub(super) fn remote_end(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let (terminal, token) = (ActorId(number(data, "terminal") as u32), number(data, "token"));
        let before = self.watchers.len();
        self.watchers.retain(|(_, t, n)| (*t, *n) != (terminal, token));
        if self.watchers.len() < before {
            return; // detached: the main process goes on
        }
        let Some(line) = self.line_of(data) else { return };
        for task in self.heads(line) {
            self.signal(ctx, task, 1);
        }
    }

    /// Ends what a shell runs in the foreground. A shell or session below it takes the signal itself.
    pub(super) fn interrupt_shell(&mut self, ctx: &mut Ctx<'_>, id: u32) {
        let Some(Body::Shell(shell)) = self.tasks.get(&id).map(|t| &t.body) else { return };
        let background: Vec<u32> = shell.jobs.iter().map(|j| j.task).collect();
        let children = self.tasks.values().filter(|t| t.parent == id && !background.contains(&t.id));
        let children: Vec<u32> = children.map(|t| t.id).collect();
        for child in &children {
            if let Some(lower) = self.takes_interrupt(*child) {
                return match self.tasks.get(&lower).map(|t| &t.body) {
                    Some(Body::Command(running)) => {
                        if let Some(peer) = running.peer {
                            self.tell(ctx, peer, lower, "remote-interrupt", Value::Null);
                        }
                    }
                    _ => self.interrupt_shell(ctx, lower),
                };
            }
        }
        for child in children {
            self.signal(ctx, child, 2);
        }
        if let Some(task) = self.tasks.get_mut(&id)
            && let Body::Shell(shell) = &mut task.body
        {
            shell.interrupted();
            task.wait = Wait::Nothing;
        }
        self.ready.push_back(id);
    }

    /// The task at or below `id` that handles Ctrl-C by itself.
    fn takes_interrupt(&self, id: u32) -> Option<u32> {
        let own = match &self.tasks.get(&id)?.body {
            Body::Shell(shell) => shell.interactive,
            Body::Command(running) => running.session,
        };
        if own {
            return Some(id);
        }
        self.tasks.values().filter(|t| t.parent == id).find_map(|t| self.takes_interrupt(t.id))
    }

    // --- containers ---

    /// The runtime runs a command in a container: `{container, args, stdin, tty, terminal, token}`.
    pub(super) fn exec(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let container = Str::from(data.str("container"));
        let args: Vec<Str> = data.get("args").map_or(&[][..], Value::items).iter().map(|v| v.as_str().into()).collect();
        let (tty, stdin) = (flag(data, "tty"), flag(data, "stdin"));
        let line = self.open_line(ctx, &args.join(" "), owner(data, tty));
        let mut birth = birth_in(ctx, &container, line, tty);
        if let Some(text) = data.get("input") {
            let pipe = self.new_pipe(text.as_str());
            birth.fds.insert(0, Fd::Read(pipe));
        } else if stdin {
            self.sessions.insert(line, Default::default());
            birth.fds.insert(0, Fd::Tty(line));
        }
        if tty {
            // One stream, as a terminal has.
            birth.fds.insert(2, Fd::Out(line, Stream::Out));
        }
        let profile = ctx.world.config.profile;
        if let Some(missing) = exec::missing(ctx, &birth, &args) {
            let text = process::exec_failed(profile, &missing);
            self.print(ctx, line, Stream::Out, &text);
            return self.line_ended(ctx, line, process::EXEC_FAILED);
        }
        if let Err((code, message)) = exec::spawn(self, ctx, birth, &args) {
            self.print(ctx, line, Stream::Err, &format!("{message}\n"));
            self.line_ended(ctx, line, code);
        }
    }

    /// Somebody watches a main process and types to it.
    pub(super) fn attach(&mut self, data: &Value) {
        let (terminal, token) = (ActorId(number(data, "terminal") as u32), number(data, "token"));
        let main = |o: &Owner| matches!(o, Owner::Main { container } if container == data.str("container"));
        let Some(line) = self.lines.iter().find(|(_, l)| main(&l.owner)).map(|(id, _)| *id) else {
            return; // a server without a terminal: nothing comes from it
        };
        self.watchers.push((line, terminal, token));
        if let (Some(text), Some(queue)) = (data.get("input"), self.sessions.get_mut(&line)) {
            queue.extend(text.as_str().lines().map(|l| Some(l.into())));
            queue.push_back(None);
            self.stir();
        }
        // A shell that waits asks again, as it does when somebody presses enter.
        let asking = self.tasks.values().filter(|t| t.line == line);
        let waiting: Vec<u32> =
            asking.filter(|t| matches!(&t.body, Body::Shell(s) if s.prompted)).map(|t| t.id).collect();
        for id in waiting {
            if let Some(Body::Shell(shell)) = self.tasks.get_mut(&id).map(|t| &mut t.body) {
                shell.prompted = false;
            }
            self.ready.push_back(id);
        }
    }

    pub(super) fn show_watchers(&mut self, ctx: &mut Ctx<'_>, line: u32, text: &str) {
        for (_, terminal, token) in self.watchers.clone().into_iter().filter(|(l, ..)| *l == line) {
            self.send_back(ctx, terminal, map! { "token" => token, "stream" => "out", "text" => text }.into());
        }
    }

    pub(super) fn watchers_end(&mut self, ctx: &mut Ctx<'_>, line: u32, code: i32) {
        for (of, terminal, token) in std::mem::take(&mut self.watchers) {
            if of == line {
                self.send_back(ctx, terminal, map! { "token" => token, "code" => code }.into());
            } else {
                self.watchers.push((of, terminal, token));
            }
        }
    }

    /// A connection came to a port that a command here forwards.
    pub(super) fn forwarded(&mut self, data: &Value) {
        let id = number(data, "task") as u32;
        if let Some(Body::Command(running)) = self.tasks.get_mut(&id).map(|t| &mut t.body) {
            running.remote.push_back(data.clone());
            self.ready.push_back(id);
        }
    }

    /// The main process of a container that is a script begins.
    pub(super) fn start_main(&mut self, ctx: &mut Ctx<'_>, container: &str) {
        let Some(c) = ctx.host().runtime.containers.get(container) else { return };
        let (args, pid, stdin, tty) = (c.args.clone(), c.pid, c.stdin, c.tty);
        let line = self.open_line(ctx, &args.join(" "), Owner::Main { container: container.into() });
        let mut birth = birth_in(ctx, &container.into(), line, tty);
        if stdin {
            self.sessions.insert(line, Default::default());
            birth.fds.insert(0, Fd::Tty(line));
        }
        match exec::spawn(self, ctx, birth, &args) {
            Ok(task) => {
                // It is the process that the runtime has made.
                if let Some(task) = self.tasks.get_mut(&task) {
                    ctx.host_mut().processes.remove(&task.pid);
                    task.pid = pid;
                    if let Body::Shell(shell) = &mut task.body {
                        shell.scope.pid = 1;
                    }
                }
            }
            Err((code, message)) => {
                self.print(ctx, line, Stream::Err, &format!("{message}\n"));
                self.line_ended(ctx, line, code);
            }
        }
    }

    /// A container's main process has ended: the kernel kills all that is left in it.
    pub(super) fn end_container(&mut self, ctx: &mut Ctx<'_>, container: &str) {
        let all: Vec<u32> = self.tasks.values().filter(|t| t.container == container).map(|t| t.id).collect();
        for id in all {
            if self.tasks.contains_key(&id) {
                self.finish(ctx, id, 137);
            }
        }
    }

    /// How a shell asks for its next line.
    pub(in crate::machine) fn prompt_of(&self, ctx: &Ctx<'_>, container: &str, shell: &Shell) -> Str {
        if container.is_empty() {
            return prompt(ctx, &shell.scope.user, &shell.scope.cwd);
        }
        let bash = shell.name.ends_with("bash");
        let cwd = shell.scope.cwd.as_str();
        let host = process::hostname(ctx.host(), container);
        let shown = if cwd == "/root" { "~" } else { cwd };
        match rootfs::family(ctx.host(), container) {
            rootfs::Family::RedHat if bash => ecow::eco_format!(
                "[root@{host} {}]# ",
                shown.rsplit('/').next().filter(|p| !p.is_empty()).unwrap_or("/")
            ),
            rootfs::Family::Alpine if !bash => ecow::eco_format!("{shown} # "),
            _ if bash => ecow::eco_format!("root@{host}:{shown}# "),
            _ => "# ".into(),
        }
    }
}

/// What a process of a container starts with.
fn birth_in(ctx: &mut Ctx<'_>, container: &Str, line: u32, tty: bool) -> Birth {
    let machine = ctx.machine;
    rootfs::ensure(ctx.world, machine, container);
    let mut env = environment(ctx);
    env.clear();
    let host = ctx.host();
    env.insert("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
    env.insert("HOSTNAME".into(), process::hostname(host, container));
    env.insert("HOME".into(), "/root".into());
    if tty {
        env.insert("TERM".into(), "xterm".into());
    }
    let mut cwd = Str::from("/");
    if let Some(c) = host.runtime.containers.get(container) {
        env.extend(c.env.iter().cloned());
        if !c.workdir.is_empty() {
            cwd = c.workdir.clone();
        }
    }
    let fds = Terminal::line_fds(line, false);
    Birth { parent: 0, line, fds, container: container.clone(), cwd, env, user: "root".into(), cause: ctx.cause }
}
