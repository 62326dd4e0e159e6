//! Runs session files in a session, and keeps what each command printed. What is typed here is an
//! input like any other, so a played session can be saved, replayed and rewound.

use super::script::{Action, Error, Line, Place};
use super::{probe, span};
use crate::base::{Duration, Str, Time};
use crate::machine::fault;
use crate::machine::terminal::{Ran, Terminal};
use crate::sim::{ActorId, Input, Session};

/// A command that has not ended by then is interrupted.
const PATIENCE: Duration = Duration::mins(10);
/// How long a command runs when `!interrupt` follows it directly.
const BEFORE_INTERRUPT: Duration = Duration::secs(5);
/// How long an interrupted command may take to end.
const AFTER_INTERRUPT: Duration = Duration::secs(30);
/// How long a program may work on keys before the next ones come.
const BETWEEN_KEYS: Duration = Duration::millis(200);
/// Between two tries of `!until`.
const POLL: Duration = Duration::millis(500);

/// A command and what came of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// Of the session file.
    pub line: u32,
    pub machine: String,
    /// What stood before it: `[root@m-k8s ~]# `.
    pub prompt: String,
    pub command: String,
    pub code: i32,
    pub stdout: Str,
    pub stderr: Str,
    pub started: Time,
    pub ended: Time,
    pub quiet: bool,
}

/// A command that still runs.
#[derive(Clone, Debug)]
struct Running {
    entry: usize,
    machine: String,
    terminal: ActorId,
    /// Finished lines of its terminal before it was typed.
    before: usize,
}

/// Plays one file, or a drill step by step.
#[derive(Clone, Debug, Default)]
pub struct Player {
    /// In the order in which they were typed.
    pub entries: Vec<Entry>,
    running: Vec<Running>,
    /// The line being played.
    line: u32,
}

impl Player {
    /// Plays `lines` to the end. On an error the entries so far stay.
    pub fn play(&mut self, session: &mut Session, lines: &[Line]) -> Result<(), Error> {
        for (i, line) in lines.iter().enumerate() {
            self.line = line.number;
            let error = |message| Error { line: line.number, message };
            self.perform(session, &line.action, &lines[i + 1..]).map_err(error)?;
        }
        self.finish(session);
        Ok(())
    }

    /// Waits for what still runs.
    pub fn finish(&mut self, session: &mut Session) {
        while let Some(running) = self.running.pop() {
            self.wait(session, running);
        }
    }

    fn perform(&mut self, session: &mut Session, action: &Action, rest: &[Line]) -> Result<(), String> {
        match action {
            Action::Type { machine, text } => {
                let name = probe::machine(&session.world, machine)?;
                self.await_machine(session, &name);
                if let Some(running) = self.start(session, &name, text, false, true)? {
                    match interruption(machine, rest) {
                        Interruption::Next => self.running.push(running),
                        _ => self.wait(session, running),
                    }
                }
                Ok(())
            }
            Action::Keys { machine, text } => {
                let name = probe::machine(&session.world, machine)?;
                session.input(Input::Keys { machine: name.as_str().into(), text: text.as_str().into() });
                session.advance(session.now() + BETWEEN_KEYS, u64::MAX);
                self.collect(session);
                // The last keys have ended the program, or nothing will.
                if !matches!(interruption(machine, rest), Interruption::Next) {
                    self.await_machine(session, &name);
                }
                Ok(())
            }
            Action::Run { machine, command, quiet } => {
                let name = probe::machine(&session.world, machine)?;
                self.await_machine(session, &name);
                let running = self.start(session, &name, command, *quiet, false)?;
                let Some(running) = running else { return Ok(()) };
                let left_running = match interruption(machine, rest) {
                    Interruption::Next => true,
                    // Other commands come before it. Is it this one that waits for ever?
                    Interruption::Later => !ends(&mut session.clone(), &running),
                    Interruption::Never => false,
                };
                if left_running {
                    self.running.push(running)
                } else {
                    self.wait(session, running)
                }
                Ok(())
            }
            Action::Wait(time) => {
                session.advance(session.now() + *time, u64::MAX);
                self.collect(session);
                Ok(())
            }
            Action::Until { within, machine, command, text } => {
                let name = probe::machine(&session.world, machine)?;
                self.until(session, *within, &name, command, text.as_deref())
            }
            Action::Interrupt { machine } => {
                let name = machine.as_ref().map(|m| probe::machine(&session.world, m)).transpose()?;
                self.interrupt(session, name);
                Ok(())
            }
            Action::Fault(text) => {
                fault::parse(&session.world, text).map_err(|why| format!("!fault {text}: {why}"))?;
                session.input(Input::Fault { text: text.as_str().into() });
                Ok(())
            }
        }
    }

    /// Types a line. `None`: it needs no waiting, since the machine is off or the line is not complete.
    fn start(
        &mut self,
        session: &mut Session,
        machine: &str,
        command: &str,
        quiet: bool,
        keyboard: bool,
    ) -> Result<Option<Running>, String> {
        let now = session.now();
        let index = session.world.machine_named(machine).ok_or_else(|| format!("no machine is called `{machine}`"))?;
        let terminal = session.world.actor_named(index, "terminal");
        let state = terminal.and_then(|id| session.world.component::<Terminal>(id));
        let (Some(terminal), Some(state), true) = (terminal, state, session.world.machine(index).powered_on) else {
            let entry = unreachable_machine(self.line, machine, command, quiet, now);
            self.entries.push(entry);
            return Ok(None);
        };
        let (before, prompt) = (state.history.len(), state.prompt());
        let (to, text) = (machine.into(), command.into());
        session.input(match keyboard {
            true => Input::Line { machine: to, text },
            false => Input::Command { machine: to, text },
        });
        session.advance(now, u64::MAX);
        let entry = match self.entries.last_mut() {
            // The shell asked for more: the line belongs to the one before it.
            Some(last) if prompt == CONTINUATION && last.machine == machine => {
                last.command = format!("{}\n{command}", last.command);
                self.entries.len() - 1
            }
            _ => {
                self.entries.push(Entry {
                    line: self.line,
                    machine: machine.into(),
                    prompt,
                    command: command.into(),
                    code: 0,
                    stdout: Str::new(),
                    stderr: Str::new(),
                    started: now,
                    ended: now,
                    quiet,
                });
                self.entries.len() - 1
            }
        };
        let running = Running { entry, machine: machine.into(), terminal, before };
        let more = |t: &Terminal| t.history.len() == before && !t.running() && t.prompt() == CONTINUATION;
        Ok(if session.world.component::<Terminal>(terminal).is_some_and(more) { None } else { Some(running) })
    }

    /// Lets a command run to its end, or to the end of all patience.
    fn wait(&mut self, session: &mut Session, running: Running) {
        let limit = self.entries[running.entry].started + PATIENCE;
        if settled(session, &running, limit) {
            return self.done(session, &running);
        }
        session.input(Input::Interrupt { machine: running.machine.as_str().into() });
        settled(session, &running, limit + AFTER_INTERRUPT);
        self.done(session, &running);
        self.entries[running.entry].code = INTERRUPTED;
    }

    /// Keeps the result of a command that ended.
    fn done(&mut self, session: &Session, running: &Running) {
        let entry = &mut self.entries[running.entry];
        match finished(session, running) {
            Some(ran) => {
                (entry.code, entry.ended) = (ran.code, ran.ended);
                (entry.stdout, entry.stderr) = (ran.stdout.clone(), ran.stderr.clone());
            }
            // Its machine went off under it, or it does not even react to Ctrl-C.
            None => (entry.code, entry.ended) = (INTERRUPTED, session.now()),
        }
    }

    /// Keeps the results of all that ended meanwhile.
    fn collect(&mut self, session: &Session) {
        let (done, still): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.running).into_iter().partition(|r| finished(session, r).is_some());
        done.iter().for_each(|r| self.done(session, r));
        self.running = still;
    }

    /// A terminal takes one line after the other: waits for the one before.
    fn await_machine(&mut self, session: &mut Session, machine: &str) {
        while let Some(i) = self.running.iter().position(|r| r.machine == machine) {
            let running = self.running.remove(i);
            self.wait(session, running);
        }
    }

    fn interrupt(&mut self, session: &mut Session, machine: Option<String>) {
        let position = self.running.iter().rposition(|r| machine.as_ref().is_none_or(|m| *m == r.machine));
        let Some(position) = position else {
            let machine = machine.unwrap_or_else(|| super::format::MASTER.into());
            session.input(Input::Interrupt { machine: machine.into() });
            session.advance(session.now(), u64::MAX);
            return;
        };
        let running = self.running.remove(position);
        if self.entries[running.entry].started == session.now() {
            settled(session, &running, session.now() + BEFORE_INTERRUPT);
        }
        if finished(session, &running).is_none() {
            session.input(Input::Interrupt { machine: running.machine.as_str().into() });
            settled(session, &running, session.now() + AFTER_INTERRUPT);
        }
        self.done(session, &running);
    }

    /// Tries a command again and again. It is typed like any other, unless something else runs there.
    fn until(
        &mut self,
        session: &mut Session,
        within: Duration,
        machine: &str,
        command: &str,
        text: Option<&str>,
    ) -> Result<(), String> {
        let deadline = session.now() + within;
        loop {
            let (code, output) = self.try_once(session, machine, command)?;
            if text.map_or(code == 0, |t| output.contains(t)) {
                return Ok(());
            }
            if session.now() + POLL > deadline {
                let wanted = text.map_or("exit code 0".to_owned(), |t| format!("`{t}` in its output"));
                let output = if output.is_empty() { "nothing".into() } else { format!("\n{}", output.trim_end()) };
                let time = span::print(within);
                return Err(format!(
                    "!until: gave up after {time}: `{command}` never had {wanted}; at last exit code {code} and {output}"
                ));
            }
            session.advance(session.now() + POLL, u64::MAX);
            self.collect(session);
        }
    }

    fn try_once(&mut self, session: &mut Session, machine: &str, command: &str) -> Result<(i32, String), String> {
        if self.running.iter().any(|r| r.machine == machine) {
            let ran = probe::run(&session.world, machine, command);
            return Ok(ran.map_or((INTERRUPTED, String::new()), |r| (r.code, format!("{}{}", r.stdout, r.stderr))));
        }
        if let Some(running) = self.start(session, machine, command, true, false)? {
            self.wait(session, running);
        }
        let entry = self.entries.pop().ok_or("the line is not complete")?;
        Ok((entry.code, format!("{}{}", entry.stdout, entry.stderr)))
    }
}

/// What was typed and printed, as on a terminal; standard error after standard output.
pub fn transcript<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    let mut out = String::new();
    for entry in entries {
        out += &format!("{}{}\n", entry.prompt, entry.command);
        for text in [&entry.stdout, &entry.stderr] {
            out += text;
            if !text.is_empty() && !text.ends_with('\n') {
                out.push('\n');
            }
        }
    }
    out
}

/// Exit code of what Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// The shell's prompt inside an unfinished command.
const CONTINUATION: &str = "> ";

/// What the file has in store for a command that has just been typed.
enum Interruption {
    /// `!interrupt` comes before any other command.
    Next,
    /// It comes after commands of other machines, and may mean one of those.
    Later,
    Never,
}

fn interruption(machine: &Place, rest: &[Line]) -> Interruption {
    let mut others = false;
    for line in rest {
        match &line.action {
            Action::Keys { machine: m, .. } if m == machine => return Interruption::Next,
            Action::Interrupt { machine: Some(m) } if m != machine => {}
            Action::Interrupt { .. } if others => return Interruption::Later,
            Action::Interrupt { .. } => return Interruption::Next,
            Action::Run { machine: m, .. } if m == machine => return Interruption::Never,
            Action::Run { .. } => others = true,
            _ => {}
        }
    }
    Interruption::Never
}

/// Whether the command ends by itself, tried out in a copy of the session.
fn ends(copy: &mut Session, running: &Running) -> bool {
    let limit = copy.now() + PATIENCE;
    settled(copy, running, limit)
}

/// Runs until the command ends; `false` if it has not by `limit`.
fn settled(session: &mut Session, running: &Running, limit: Time) -> bool {
    while finished(session, running).is_none() {
        if !session.world.alive(running.terminal) || session.world.next_event_at().is_none_or(|at| at > limit) {
            session.advance(limit, u64::MAX);
            return false;
        }
        session.step();
    }
    true
}

fn finished<'a>(session: &'a Session, running: &Running) -> Option<&'a Ran> {
    session.world.component::<Terminal>(running.terminal)?.history.get(running.before)
}

/// What one sees of a machine that is off.
fn unreachable_machine(line: u32, machine: &str, command: &str, quiet: bool, now: Time) -> Entry {
    Entry {
        line,
        machine: machine.into(),
        prompt: format!("[root@{machine} ~]# "),
        command: command.into(),
        code: 255,
        stdout: Str::new(),
        stderr: ecow::eco_format!("ssh: connect to host {machine} port 22: No route to host\n"),
        started: now,
        ended: now,
        quiet,
    }
}
