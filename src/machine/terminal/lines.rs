//! Typed lines: from the keyboard to the login shell, and what becomes of their results.

use super::run::Birth;
use super::screen::Shown;
use super::{Ran, Terminal, Typing};
use crate::api::Value;
use crate::base::Str;
use crate::base::persistent::OrdMap;
use crate::machine::shell::{self, Shell};
use crate::machine::task::{Body, Line, Owner, Wait};
use crate::machine::{Machine, Role, files, users};
use crate::sim::{Ctx, Profile, TraceId, What};

/// Results of `run` lines kept.
const RESULTS: usize = 64;
/// Finished lines kept.
const HISTORY: usize = 2_000;

impl Terminal {
    /// Starts a login shell where none runs.
    pub(super) fn log_in(&mut self, ctx: &mut Ctx<'_>) {
        if self.login != 0 || !ctx.host().powered_on {
            return;
        }
        let shell = login_shell(ctx);
        let birth = self.birth(ctx, 0, 0, true);
        self.login = self.spawn_shell(ctx, birth, shell, "-bash");
        self.set_prompt(ctx);
    }

    pub(super) fn birth(&self, ctx: &Ctx<'_>, parent: u32, line: u32, keyboard: bool) -> Birth {
        let home = files::home(ctx.host().role);
        let (env, cwd) = (environment(ctx), Str::from(home));
        let (container, user) = (Str::new(), Str::from(first_user(ctx.host())));
        Birth { parent, line, fds: Terminal::line_fds(line, keyboard), container, cwd, env, user, cause: ctx.cause }
    }

    /// A line was typed.
    pub(super) fn line(&mut self, ctx: &mut Ctx<'_>, text: &str) {
        let now = ctx.now();
        if self.login == 0 {
            self.show(now, Shown::Typed, &format!("{text}\n"));
            let ip = ctx.host().ip.clone();
            let error = format!("ssh: connect to host {ip} port 22: Connection timed out\n");
            self.show(now, Shown::Err, &error);
            let (line, stderr) = (Str::from(text), Str::from(error));
            self.remember(Ran { line, code: 255, stdout: Str::new(), stderr, started: now, ended: now });
            return;
        }
        if self.reads_keys() {
            return self.keys(ctx, &format!("{text}\r"));
        }
        if self.foreground.is_some() {
            let mut hidden = false;
            if self.asking() {
                let asked = std::mem::take(&mut self.remote_prompt);
                self.show(now, Shown::Prompt, &asked);
                hidden = std::mem::take(&mut self.secret);
                let of = self.foreground.and_then(|l| self.lines.get(&l));
                let (out, err) = of.map_or((0, 0), |l| (l.stdout.len(), l.stderr.len()));
                let text = if hidden { "" } else { text };
                self.typing = Some(Typing { text: text.into(), started: now, out, err });
            }
            self.show(now, Shown::Typed, &format!("{}\n", if hidden { "" } else { text }));
            self.typed.push_back(Some(text.into()));
            self.stir();
            return;
        }
        self.begin(ctx, text);
    }

    /// Keys were typed: a program that reads them gets them as they are, a shell whole lines.
    pub(super) fn keys(&mut self, ctx: &mut Ctx<'_>, text: &str) {
        if self.foreground.is_some() {
            self.typed.push_back(Some(text.into()));
            return self.stir();
        }
        for line in text.split_inclusive('\r').filter_map(|l| l.strip_suffix('\r')) {
            self.line(ctx, line);
        }
    }

    /// Gives a line to the login shell.
    fn begin(&mut self, ctx: &mut Ctx<'_>, text: &str) {
        let now = ctx.now();
        let prompt = self.prompt();
        self.show(now, Shown::Prompt, &prompt);
        self.show(now, Shown::Typed, &format!("{text}\n"));
        let whole = if self.partial.is_empty() { text.to_owned() } else { format!("{}\n{text}", self.partial) };
        self.partial.clear();
        let Some(Body::Shell(shell)) = self.tasks.get(&self.login).map(|t| &t.body) else { return };
        let joined = whole.len() - whole.trim_end_matches('\\').len();
        if joined % 2 == 1 {
            self.partial = whole; // the line goes on
            return;
        }
        match shell::parse(&whole, &shell.aliases) {
            Err(shell::SyntaxError::Incomplete { .. }) => self.partial = whole,
            Ok(block) if block.is_empty() => {}
            parsed => {
                let line = self.open_line(ctx, &whole, Owner::Typed);
                self.typing = Some(Typing { text: whole.as_str().into(), started: now, out: 0, err: 0 });
                self.foreground = Some(line);
                let keyboard = self.keyboard;
                let cause = self.lines.get(&line).map_or(TraceId::NONE, |l| l.cause);
                let Some(task) = self.tasks.get_mut(&self.login) else { return };
                task.fds = Terminal::line_fds(line, keyboard);
                (task.line, task.cause, task.wait) = (line, cause, Wait::Nothing);
                if let Body::Shell(shell) = &mut task.body {
                    shell.typed.push_back(whole.into());
                    shell.begin(parsed);
                }
                self.ready.push_back(self.login);
            }
        }
    }

    pub(super) fn open_line(&mut self, ctx: &mut Ctx<'_>, text: &str, owner: Owner) -> u32 {
        self.next_line += 1;
        let cause = ctx.trace(What::Command { machine: ctx.machine, line: text.into() });
        let line = Line { text: text.into(), stdout: "".into(), stderr: "".into(), started: ctx.now(), cause, owner };
        self.lines.insert(self.next_line, line);
        self.next_line
    }

    /// Goes on with what was typed ahead; whether there was anything to start.
    pub(super) fn next_line(&mut self, ctx: &mut Ctx<'_>) -> bool {
        if self.foreground.is_some() || self.login == 0 {
            return false;
        }
        match self.typed.pop_front() {
            Some(Some(text)) => self.begin(ctx, &text),
            Some(None) => {}
            None => return false,
        }
        true
    }

    /// The login shell has nothing more to do.
    pub(in crate::machine) fn login_idle(&mut self, ctx: &mut Ctx<'_>, shell: &mut Shell) {
        self.prompt = prompt(ctx, first_user(ctx.host()), &shell.scope.cwd);
        if let Some(line) = self.foreground {
            self.line_ended(ctx, line, shell.scope.status);
            let told = |j: &&shell::Job| self.keyboard && !self.tasks.contains_key(&j.task);
            let ended: Vec<_> = shell.jobs.iter().filter(told).cloned().collect();
            shell.jobs.retain(|j| self.tasks.contains_key(&j.task));
            for job in ended {
                let how = match self.exit_code(job.task).unwrap_or(0) {
                    0 => "Done".to_owned(),
                    143 => "Terminated".to_owned(),
                    137 => "Killed".to_owned(),
                    code => format!("Exit {code}"),
                };
                let text = format!("[{}]+  {how:<22}  {}\n", job.number, job.text);
                self.show(ctx.now(), Shown::Out, &text);
            }
        }
    }

    fn set_prompt(&mut self, ctx: &Ctx<'_>) {
        self.prompt = prompt(ctx, first_user(ctx.host()), &self.cwd());
    }

    /// A line was carried out.
    pub(super) fn line_ended(&mut self, ctx: &mut Ctx<'_>, line: u32, code: i32) {
        let Some(ended) = self.lines.remove(&line) else { return };
        ctx.cause = ended.cause;
        ctx.trace(What::Exit { machine: ctx.machine, line: ended.text.clone(), code });
        let Line { text, stdout, stderr, started, owner, .. } = ended;
        let ran = Ran { line: text, code, stdout, stderr, started, ended: ctx.now() };
        match owner {
            Owner::Typed => {
                self.typed_ended(&ran);
                self.foreground = None;
                self.frame = None;
                self.leave_full_screen();
                self.remote_prompt = Str::new();
            }
            Owner::Run { id, .. } => {
                self.kept.retain(|k| *k != id);
                self.kept.push_back(id.clone());
                self.results.insert(id, ran);
                if self.kept.len() > RESULTS
                    && let Some(oldest) = self.kept.pop_front()
                {
                    self.results.remove(&oldest);
                }
            }
            Owner::Remote { terminal, token, .. } => {
                self.sessions.remove(&line);
                self.send_back(ctx, terminal, map! { "token" => token, "code" => code }.into());
            }
            Owner::Main { container } => {
                self.sessions.remove(&line);
                self.watchers_end(ctx, line, code);
                crate::runtime::process::task_ended(ctx, &container, code);
            }
        }
    }

    /// The line typed last has had its effect: output since then and a code make its result.
    fn typed_ended(&mut self, whole: &Ran) {
        let Some(Typing { text, started, out, err }) = self.typing.take() else { return };
        let rest = |text: &Str, from: usize| Str::from(text.get(from..).unwrap_or(""));
        let (stdout, stderr) = (rest(&whole.stdout, out), rest(&whole.stderr, err));
        self.remember(Ran { line: text, stdout, stderr, started, ..whole.clone() });
    }

    /// The shell of a session asks for its next line.
    pub(super) fn asked(&mut self, ctx: &Ctx<'_>, line: u32, prompt: &str, code: i32) {
        // Lines of a file have nobody who could answer.
        if self.foreground != Some(line) || !self.keyboard {
            return;
        }
        self.remote_prompt = prompt.into();
        if let Some(l) = self.lines.get(&line) {
            let (stdout, stderr) = (l.stdout.clone(), l.stderr.clone());
            self.typed_ended(&Ran { line: Str::new(), code, stdout, stderr, started: l.started, ended: ctx.now() });
        }
        // What was typed ahead is taken at once.
        self.stir();
    }

    fn remember(&mut self, ran: Ran) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(ran);
    }

    /// `run`: a line in a fresh shell.
    pub(super) fn run_line(&mut self, ctx: &mut Ctx<'_>, data: &Value) {
        let quiet = data.get("quiet").and_then(Value::as_bool).unwrap_or(false);
        let owner = Owner::Run { id: data.str("id").into(), quiet };
        self.fresh_shell(ctx, data.str("line"), owner, None, data.str("user"));
    }

    /// `user`: who runs it; empty: who sits at the terminal.
    pub(super) fn fresh_shell(&mut self, ctx: &mut Ctx<'_>, text: &str, owner: Owner, input: Option<&str>, user: &str) {
        let line = self.open_line(ctx, text, owner);
        if self.login == 0 {
            return self.line_ended(ctx, line, 255);
        }
        ctx.cause = self.lines.get(&line).map_or(ctx.cause, |l| l.cause);
        let mut birth = self.birth(ctx, 0, line, false);
        if !user.is_empty() {
            let host = ctx.host();
            (birth.env, birth.cwd, birth.user) = (environment_of(host, user), home(host, user), user.into());
        }
        if let Some(input) = input {
            let pipe = self.new_pipe(input);
            birth.fds.insert(0, crate::machine::task::Fd::Read(pipe));
        }
        let mut shell = Shell::new("bash", &birth.env, birth.cwd.clone(), 0, ctx.now());
        shell.script = ctx.world.config.profile == Profile::Modern;
        shell.inline = shell.script;
        shell.begin(shell::parse(text, &OrdMap::new()));
        self.spawn_shell(ctx, birth, shell, "bash -c");
    }

    /// Ctrl-C: ends what runs in the foreground.
    pub(super) fn interrupt(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        if self.reads_keys() {
            return self.keys(ctx, "\u{3}");
        }
        self.typed.clear();
        if self.login == 0 {
            return;
        }
        self.remote_prompt = Str::new();
        if self.foreground.is_none() {
            let text = format!("{}^C\n", self.prompt());
            self.partial.clear();
            self.show(now, Shown::Prompt, &text);
            return;
        }
        self.show(now, Shown::Typed, "^C\n");
        self.interrupt_shell(ctx, self.login);
    }

    /// Ctrl-D: the end of what a command reads, or of the shell.
    pub(super) fn end_of_input(&mut self, ctx: &mut Ctx<'_>) {
        if self.login == 0 {
        } else if self.reads_keys() {
            self.keys(ctx, "\u{4}");
        } else if self.foreground.is_some() {
            self.typed.push_back(None);
            self.stir();
        } else if self.partial.is_empty() {
            self.begin(ctx, "exit");
        }
    }

    /// `exit`: a new login shell takes its place, as the learner's window stays.
    pub(super) fn logged_out(&mut self, ctx: &mut Ctx<'_>) {
        self.show(ctx.now(), Shown::Out, "logout\n");
        self.login = 0;
        if let Some(line) = self.foreground {
            self.line_ended(ctx, line, 0);
        }
        self.log_in(ctx);
    }

    /// The machine is off: all that ran here is gone.
    pub(super) fn power_lost(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        let name = ctx.host().name.clone();
        self.login = 0;
        self.foreground = None;
        (self.frame, self.drawing) = (None, 0);
        self.partial.clear();
        self.typed.clear();
        self.leave_full_screen();
        self.remote_prompt = Str::new();
        for task in std::mem::take(&mut self.tasks).into_values() {
            self.tokens.remove(&task.token);
        }
        (self.pipes, self.exits, self.ready, self.sessions) = Default::default();
        self.watchers.clear();
        let mut lost = Vec::new();
        for line in std::mem::take(&mut self.lines).into_values() {
            let Line { text, stdout, stderr, started, owner, .. } = line;
            let ran = Ran { line: text, code: 255, stdout, stderr, started, ended: now };
            match owner {
                Owner::Typed => self.typed_ended(&ran),
                Owner::Run { id, .. } => drop(self.results.insert(id, ran)),
                Owner::Remote { terminal, token, .. } => lost.push((terminal, token)),
                Owner::Main { .. } => {}
            }
        }
        for (terminal, token) in lost {
            self.send_back(ctx, terminal, map! { "token" => token, "lost" => true }.into());
        }
        self.show(now, Shown::Err, &format!("Connection to {name} closed by remote host.\n"));
        self.prompt = Str::new();
    }
}

/// `[root@m-k8s ~]# `
pub(super) fn prompt(ctx: &Ctx<'_>, user: &str, cwd: &str) -> Str {
    let host = ctx.host();
    let home = home(host, user);
    let folder = match cwd {
        "/" => "/",
        cwd if cwd == home => "~",
        cwd => cwd.rsplit('/').next().unwrap_or(cwd),
    };
    let sign = if user == "root" { '#' } else { '$' };
    ecow::eco_format!("[{user}@{} {folder}]{sign} ", host.name)
}

/// Who sits at the machine's terminal.
pub(super) fn first_user(host: &Machine) -> &'static str {
    if host.role == Role::Host { "learner" } else { "root" }
}

fn home(host: &Machine, user: &str) -> Str {
    if user == first_user(host) {
        return files::home(host.role).into();
    }
    users::find(host, user).map_or("/".into(), |u| u.home)
}

/// What a login gives its programs.
pub(super) fn environment(ctx: &Ctx<'_>) -> OrdMap<Str, Str> {
    environment_of(ctx.host(), first_user(ctx.host()))
}

pub(in crate::machine) fn environment_of(host: &Machine, user: &str) -> OrdMap<Str, Str> {
    let home = home(host, user);
    let path = match user {
        "root" | "learner" => "/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin:/root/bin".into(),
        _ => format!("/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:{home}/.local/bin:{home}/bin"),
    };
    [
        ("HOME", home.as_str()),
        ("HOSTNAME", host.name.as_str()),
        ("LANG", "en_US.UTF-8"),
        ("LOGNAME", user),
        ("PATH", path.as_str()),
        ("SHELL", "/bin/bash"),
        ("TERM", "xterm-256color"),
        ("USER", user),
    ]
    .into_iter()
    .map(|(name, text)| (Str::from(name), Str::from(text)))
    .collect()
}

pub(super) fn login_shell(ctx: &Ctx<'_>) -> Shell {
    login_of(ctx, first_user(ctx.host()))
}

pub(super) fn login_of(ctx: &Ctx<'_>, user: &str) -> Shell {
    let host = ctx.host();
    let mut shell = Shell::new("-bash", &environment_of(host, user), home(host, user), 0, ctx.now());
    shell.interactive = true;
    for (name, text) in shell::exec::ALIASES {
        shell.aliases.insert(name.into(), text.into());
    }
    shell
}
