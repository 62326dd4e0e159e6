//! How a command's effects are carried out.

use super::pipes::Input;
use super::{TIMER, TIMER_WATCH, Terminal};
use crate::base::{Duration, Str};
use crate::machine::program::{Answer, Effect, Host, Journal, Stream};
use crate::machine::task::{Body, Fd, Running, Task, Wait};
use crate::machine::users::{self, Who};
use crate::machine::{calls, files, load};
use crate::sim::{Ctx, Endpoint};

/// The terminal as one running command sees it.
pub(in crate::machine) struct CommandHost<'a, 'w> {
    pub terminal: &'a mut Terminal,
    pub ctx: &'a mut Ctx<'w>,
    /// The command itself, taken out of the terminal's table for its turn.
    pub task: &'a mut Task,
    /// It wrote into a pipe that nobody reads.
    pub broken: bool,
}

impl CommandHost<'_, '_> {
    pub(super) fn keep(&mut self, journal: Journal) {
        if let Some(running) = self.running() {
            running.journal = journal;
        }
    }
    pub(in crate::machine) fn running(&mut self) -> Option<&mut Running> {
        match &mut self.task.body {
            Body::Command(running) => Some(running),
            Body::Shell(_) => None,
        }
    }
    /// Waits for the answer to a new token.
    pub(in crate::machine) fn wait_token(&mut self) -> u64 {
        let token = self.terminal.new_token(self.task.id);
        (self.task.wait, self.task.token) = (Wait::Token, token);
        token
    }
    pub(in crate::machine) fn sleep(&mut self, time: Duration) {
        let token = self.wait_token();
        self.ctx.timer(time, TIMER, ecow::eco_format!("{token}"));
    }
    fn ask(&mut self, to: Endpoint, request: crate::api::Request) -> u64 {
        let token = self.wait_token();
        self.ctx.request(&to, token, request);
        self.task.asked = Some(to);
        token
    }
    /// Tries again when something changed.
    fn later(&mut self, effect: Effect) -> Option<Answer> {
        self.task.wait = Wait::Retry(effect);
        None
    }
    /// Where on the machine lies what this command calls `path`.
    pub(in crate::machine) fn path(&self, path: &str) -> Str {
        let path = files::absolute(&self.task.cwd, path);
        self.ctx.host().real_path(&self.task.container, &path)
    }
    /// The same, but a link at the end stands for itself.
    pub(in crate::machine) fn link_path(&self, path: &str) -> Str {
        let path = files::absolute(&self.task.cwd, path);
        self.ctx.host().link_path(&self.task.container, &path)
    }
    /// What this command calls `path`, without links and relative parts.
    pub(in crate::machine) fn whole_path(&self, path: &str) -> Str {
        if self.task.container.is_empty() { self.path(path) } else { files::absolute(&self.task.cwd, path) }
    }
    /// Who runs the command, as the kernel knows it.
    pub(in crate::machine) fn who(&self) -> Who {
        let user = if self.task.container.is_empty() { self.task.user.as_str() } else { "root" };
        Who::of(self.ctx.host(), user)
    }
    /// The open descriptor that `/dev/fd/N` or `/dev/stdin` names.
    pub(in crate::machine) fn open_file(&self, path: &str) -> Option<Fd> {
        self.task.fds.get(&files::descriptor(path)?).cloned()
    }
    fn read_path(&self, path: &str) -> Result<Str, Str> {
        let text = files::read(self.ctx.host(), path)?;
        if users::may(self.ctx.host(), &self.who(), path, users::READ) { Ok(text) } else { Err(users::DENIED.into()) }
    }
    /// Writes a file that the user may write; a new one is its own.
    pub(in crate::machine) fn write_path(&mut self, path: &str, text: Str) -> Result<(), Str> {
        let (now, who) = (self.ctx.now(), self.who());
        files::write_as(self.ctx.host_mut(), &who, path, text, now)
    }
    fn input(&self) -> Option<Fd> {
        self.task.fds.get(&0).cloned()
    }
}

impl Host for CommandHost<'_, '_> {
    fn perform(&mut self, effect: Effect) -> Option<Answer> {
        if self.broken {
            self.task.wait = Wait::Change;
            return None;
        }
        match effect {
            Effect::Request(to, request) => {
                self.ask(to, *request);
                None
            }
            Effect::Watch(to, request) => {
                let limit = request.timeout;
                let token = self.ask(to.clone(), *request);
                if limit != Duration::ZERO {
                    self.ctx.timer(limit, TIMER_WATCH, ecow::eco_format!("{token}"));
                }
                self.running()?.watches.push((token, to));
                None
            }
            Effect::WatchNext => match self.running()?.events.pop_front() {
                Some(event) => Some(Answer::Event(event)),
                None if self.running()?.watches.is_empty() => Some(Answer::Event(None)),
                None => self.later(Effect::WatchNext),
            },
            Effect::ReadFile(path) => {
                if let Some(fd) = self.open_file(&path) {
                    return match self.terminal.read_all(Some(&fd)) {
                        Input::Text(text) => Some(Answer::Text(Ok(text))),
                        Input::End => Some(Answer::Text(Ok("".into()))),
                        Input::Later => self.later(Effect::ReadFile(path)),
                    };
                }
                let path = self.path(&path);
                Some(Answer::Text(self.read_path(&path)))
            }
            Effect::WriteFile(path, text) => {
                if let Some(fd) = self.open_file(&path) {
                    self.broken = self.terminal.write(self.ctx, Some(&fd), &text).is_err();
                    return Some(Answer::Text(Ok("".into())));
                }
                let path = self.path(&path);
                if load::disk_used(self.ctx.host()) >= load::DISK && !load::in_memory(&path) && !text.is_empty() {
                    return Some(Answer::Text(Err("No space left on device".into())));
                }
                Some(Answer::Text(self.write_path(&path, text).map(|()| "".into())))
            }
            Effect::ReadLine => match self.terminal.read_line(self.input().as_ref()) {
                Input::Text(text) => Some(Answer::Line(Some(text.strip_suffix('\n').unwrap_or(&text).into()))),
                Input::End => Some(Answer::Line(None)),
                Input::Later => self.later(Effect::ReadLine),
            },
            Effect::ReadAll => match self.terminal.read_all(self.input().as_ref()) {
                Input::Text(text) => Some(Answer::Text(Ok(text))),
                Input::End => Some(Answer::Text(Ok("".into()))),
                Input::Later => self.later(Effect::ReadAll),
            },
            Effect::Sleep(time) => {
                self.sleep(time);
                None
            }
            Effect::Now => Some(Answer::Time(self.ctx.now())),
            Effect::Random => Some(Answer::Number(self.ctx.rng.next_u64())),
            Effect::Trace(what) => {
                let id = self.ctx.trace(what);
                (self.ctx.cause, self.task.cause) = (id, id);
                Some(Answer::Done)
            }
            Effect::Call(name, input) => match calls::call(self, &name, &input) {
                calls::Called::Now(value) => Some(Answer::Value(value)),
                calls::Called::Later(effect) => self.later(effect),
                calls::Called::Timed => None,
            },
        }
    }

    fn write(&mut self, stream: Stream, text: &str) {
        if self.broken {
            return;
        }
        let fd = self.task.fds.get(&if stream == Stream::Out { 1 } else { 2 }).cloned();
        self.broken = self.terminal.write(self.ctx, fd.as_ref(), text).is_err();
    }
}
