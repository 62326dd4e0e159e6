//! Reading and writing: pipes, files, the keyboard, the screen.

use std::collections::VecDeque;

use super::Terminal;
use super::screen::{Shown, plain};
use crate::base::Str;
use crate::machine::files;
use crate::machine::program::Stream;
use crate::machine::task::{Body, Fd, Fds, Owner, Pipe, Task, Wait};
use crate::sim::Ctx;

/// The reader of a pipe is gone.
pub struct Broken;

/// What a reader gets.
pub enum Input {
    Text(Str),
    /// Nothing more will come.
    End,
    /// Not yet.
    Later,
}

/// Output kept of one line; more is dropped.
const MAX_OUTPUT: usize = 16 << 20;

impl Terminal {
    /// A pipe that already holds `text`; its number.
    pub(in crate::machine) fn new_pipe(&mut self, text: impl Into<String>) -> u32 {
        self.next_pipe += 1;
        self.pipes.insert(self.next_pipe, Pipe { text: text.into(), at: 0 });
        self.next_pipe
    }

    pub(in crate::machine) fn write(&mut self, ctx: &mut Ctx<'_>, fd: Option<&Fd>, text: &str) -> Result<(), Broken> {
        match fd {
            None | Some(Fd::Null | Fd::Tty(_) | Fd::Read(_)) => {}
            Some(Fd::Out(line, stream)) => self.print(ctx, *line, *stream, text),
            Some(Fd::Write(pipe)) => {
                if !self.anyone(&Fd::Read(*pipe)) {
                    return Err(Broken);
                }
                if let Some(p) = self.pipes.get_mut(pipe) {
                    p.text += &plain(text);
                }
                self.stir();
            }
            Some(Fd::File(path)) => {
                let now = ctx.now();
                let host = ctx.host_mut();
                let mut content = host.read(path).cloned().unwrap_or_default();
                content.push_str(&plain(text));
                // The folder was there when it was opened; if it is gone now, the text goes nowhere.
                let _ = files::write(host, path, content, now);
            }
        }
        Ok(())
    }

    /// Output of a typed line.
    pub(in crate::machine) fn print(&mut self, ctx: &mut Ctx<'_>, line: u32, stream: Stream, text: &str) {
        let shown = if stream == Stream::Out { Shown::Out } else { Shown::Err };
        let Some(of) = self.lines.get_mut(&line) else {
            // A background job of a line that ended long ago.
            return self.show(ctx.now(), shown, text);
        };
        let kept = if stream == Stream::Out { &mut of.stdout } else { &mut of.stderr };
        if kept.len() < MAX_OUTPUT {
            kept.push_str(&plain(text));
        }
        match of.owner.clone() {
            Owner::Typed | Owner::Run { quiet: false, .. } => self.show(ctx.now(), shown, text),
            Owner::Run { .. } => {}
            Owner::Main { container } => {
                crate::runtime::process::write_log(ctx, &container, text);
                self.show_watchers(ctx, line, text);
            }
            Owner::Remote { terminal, token, .. } => {
                let stream = if stream == Stream::Out { "out" } else { "err" };
                let data = map! { "token" => token, "stream" => stream, "text" => text };
                self.send_back(ctx, terminal, data.into());
            }
        }
    }

    /// Whether output of this line is on the screen.
    pub(in crate::machine) fn shown(&self, line: u32) -> bool {
        self.lines.get(&line).is_none_or(|l| matches!(l.owner, Owner::Typed | Owner::Run { quiet: false, .. }))
    }

    /// Lets all that wait for a change look again.
    pub(in crate::machine) fn stir(&mut self) {
        let waiting = self.tasks.values().filter(|t| matches!(t.wait, Wait::Retry(_) | Wait::Change));
        self.ready.extend(waiting.map(|t| t.id));
    }

    /// Whether any task has this descriptor open.
    fn anyone(&self, fd: &Fd) -> bool {
        self.tasks.values().any(|t| holds(t, fd))
    }

    /// Lines typed ahead: here, or by another machine's terminal for a line of it.
    fn keyboard(&mut self, of: u32) -> Option<&mut VecDeque<Option<Str>>> {
        if of == 0 { Some(&mut self.typed) } else { self.sessions.get_mut(&of) }
    }

    /// The next line typed ahead, if there is one.
    pub(in crate::machine) fn take_typed(&mut self, of: u32) -> Option<Option<Str>> {
        self.keyboard(of)?.pop_front()
    }

    /// The next line, with its newline unless the input ended in the middle of it.
    pub(in crate::machine) fn read_line(&mut self, fd: Option<&Fd>) -> Input {
        match fd {
            Some(Fd::Tty(of)) => match self.keyboard(*of).and_then(VecDeque::pop_front) {
                Some(Some(text)) => Input::Text(text + "\n"),
                Some(None) => Input::End,
                None => Input::Later,
            },
            Some(Fd::Read(id)) => {
                let open = self.anyone(&Fd::Write(*id));
                let Some(pipe) = self.pipes.get_mut(id) else { return Input::End };
                let end = match pipe.rest().find('\n') {
                    Some(i) => i + 1,
                    None if open => return Input::Later,
                    None => pipe.rest().len(),
                };
                if end == 0 {
                    return Input::End;
                }
                let text = Str::from(&pipe.rest()[..end]);
                pipe.at += end;
                // What was read is dropped from time to time, not each time: that would be quadratic.
                if pipe.at > 1 << 16 && pipe.at * 2 > pipe.text.len() {
                    pipe.text.drain(..pipe.at);
                    pipe.at = 0;
                }
                Input::Text(text)
            }
            _ => Input::End,
        }
    }

    /// All that is still to come, once it is complete.
    pub(in crate::machine) fn read_all(&mut self, fd: Option<&Fd>) -> Input {
        match fd {
            Some(Fd::Tty(of)) => {
                let Some(typed) = self.keyboard(*of) else { return Input::End };
                let Some(end) = typed.iter().position(Option::is_none) else { return Input::Later };
                let lines: Vec<Option<Str>> = typed.drain(..=end).collect();
                Input::Text(lines.into_iter().flatten().map(|l| format!("{l}\n")).collect::<String>().into())
            }
            Some(Fd::Read(id)) if self.anyone(&Fd::Write(*id)) => Input::Later,
            Some(Fd::Read(id)) => match self.pipes.get_mut(id) {
                Some(pipe) => {
                    let text = Str::from(pipe.rest());
                    pipe.at = pipe.text.len();
                    Input::Text(text)
                }
                None => Input::End,
            },
            _ => Input::End,
        }
    }

    /// Drops pipes that nobody holds any more.
    pub(super) fn sweep(&mut self) {
        let unused: Vec<u32> = self
            .pipes
            .keys()
            .copied()
            .filter(|id| !self.anyone(&Fd::Read(*id)) && !self.anyone(&Fd::Write(*id)))
            .collect();
        for id in unused {
            self.pipes.remove(&id);
        }
    }
}

fn holds(task: &Task, fd: &Fd) -> bool {
    let has = |fds: &Fds| fds.values().any(|f| f == fd);
    has(&task.fds) || matches!(&task.body, Body::Shell(shell) if shell.saved_fds().any(has))
}
