//! Redirections.

use super::ast::{Redirect, RedirectOp};
use super::eval::Eval;
use super::expand::{Expander, Halt};
use crate::base::Str;
use crate::machine::files::{self, Node};
use crate::machine::task::Fd;
use crate::machine::terminal::Input;

/// A redirection with its target expanded.
pub struct Planned {
    pub fd: u8,
    pub op: RedirectOp,
    pub target: Str,
}

impl Eval<'_, '_> {
    pub(super) fn plan_redirects(&self, redirects: &[Redirect], x: &mut Expander<'_>) -> Result<Vec<Planned>, Halt> {
        let mut out = Vec::new();
        for r in redirects {
            let target = match r.op {
                RedirectOp::Here => x.single(&r.target)?,
                RedirectOp::HereString => x.single(&r.target)? + "\n",
                _ => {
                    let mut words = x.words(std::slice::from_ref(&r.target))?;
                    if words.len() != 1 {
                        return Err(Halt::Fail(format!("{}: ambiguous redirect", words.join(" "))));
                    }
                    words.remove(0)
                }
            };
            out.push(Planned { fd: r.fd, op: r.op, target });
        }
        Ok(out)
    }

    /// Opens what the redirections name, in order. `Err`: the message after `bash: `.
    pub(super) fn redirect(&mut self, redirects: &[Planned]) -> Result<(), String> {
        for r in redirects {
            self.redirect_one(r)?;
        }
        Ok(())
    }

    fn redirect_one(&mut self, r: &Planned) -> Result<(), String> {
        let target = &r.target;
        let path = files::absolute(&self.sh.scope.cwd, target);
        match r.op {
            RedirectOp::In => {
                let fd = self.open_input(target, &path)?;
                self.task.fds.insert(r.fd, fd);
            }
            RedirectOp::Here | RedirectOp::HereString => {
                let pipe = self.term.new_pipe(target.as_str());
                self.task.fds.insert(r.fd, Fd::Read(pipe));
            }
            RedirectOp::Dup if target == "-" => {
                self.task.fds.insert(r.fd, Fd::Null);
            }
            RedirectOp::Dup => {
                let from = target.parse::<u8>().map_err(|_| format!("{target}: ambiguous redirect"))?;
                let fd = self.task.fds.get(&from).cloned().ok_or(format!("{from}: Bad file descriptor"))?;
                self.task.fds.insert(r.fd, fd);
            }
            RedirectOp::Clobber => {
                let kept = std::mem::take(&mut self.sh.scope.options.noclobber);
                let fd = self.open_output(target, &path, false);
                self.sh.scope.options.noclobber = kept;
                self.task.fds.insert(r.fd, fd?);
            }
            RedirectOp::Out | RedirectOp::Append => {
                let fd = self.open_output(target, &path, r.op == RedirectOp::Append)?;
                self.task.fds.insert(r.fd, fd);
            }
            RedirectOp::Both | RedirectOp::BothAppend => {
                let fd = self.open_output(target, &path, r.op == RedirectOp::BothAppend)?;
                self.task.fds.insert(1, fd.clone());
                self.task.fds.insert(2, fd);
            }
        }
        Ok(())
    }

    fn open_input(&mut self, name: &str, path: &str) -> Result<Fd, String> {
        if path == "/dev/null" {
            return Ok(Fd::Null);
        }
        if path == "/dev/stdin" || path == "/dev/tty" {
            return Ok(self.task.fds.get(&0).cloned().unwrap_or(Fd::Null));
        }
        if let Some(fd) = files::descriptor(path) {
            return self.task.fds.get(&fd).cloned().ok_or(format!("{name}: {}", files::NO_SUCH));
        }
        let text = self.read_text(path).map_err(|e| format!("{name}: {e}"))?;
        Ok(Fd::Read(self.term.new_pipe(text.as_str())))
    }

    /// What can be read of the descriptor that `/dev/fd/N` names.
    pub(super) fn open_descriptor(&mut self, path: &str) -> Option<Str> {
        let fd = self.task.fds.get(&files::descriptor(path)?).cloned()?;
        match self.term.read_all(Some(&fd)) {
            Input::Text(text) => Some(text),
            Input::End | Input::Later => Some(Str::new()),
        }
    }

    fn open_output(&mut self, name: &str, path: &str, append: bool) -> Result<Fd, String> {
        let special = match path {
            "/dev/null" => Some(Fd::Null),
            "/dev/stdout" | "/dev/tty" => self.task.fds.get(&1).cloned(),
            path => files::descriptor(path).and_then(|fd| self.task.fds.get(&fd).cloned()),
        };
        if let Some(fd) = special {
            return Ok(fd);
        }
        let path = &*self.real(path);
        let exists = files::stat(self.ctx.host(), path) == Some(Node::File);
        if exists && !append && self.sh.scope.options.noclobber {
            return Err(format!("{name}: cannot overwrite existing file"));
        }
        let (now, before) = (self.ctx.now(), self.ctx.host().read(path).cloned());
        let content = if append { before.unwrap_or_default() } else { Str::new() };
        let who = self.who();
        files::write_as(self.ctx.host_mut(), &who, path, content, now).map_err(|e| format!("{name}: {e}"))?;
        Ok(Fd::File(path.into()))
    }
}
