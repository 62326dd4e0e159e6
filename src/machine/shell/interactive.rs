//! A shell that asks for its lines and is not the login's: `bash` typed at a prompt, a session of
//! ssh, a shell in a container.

use super::SyntaxError;
use super::eval::{Eval, Step};
use crate::base::Str;
use crate::machine::program::Stream;
use crate::machine::terminal::Input;

impl Eval<'_, '_> {
    /// Goes on with the next line from where the shell was started.
    pub(super) fn next_typed(&mut self) -> Step {
        if !self.sh.prompted {
            self.sh.prompted = true;
            let prompt = self.prompt();
            self.term.ask(self.ctx, self.task.line, &prompt, self.sh.scope.status);
        }
        let fd = self.task.fds.get(&0).cloned();
        let text = match self.term.read_line(fd.as_ref()) {
            Input::Later => return Step::Wait,
            Input::End => {
                self.say_goodbye();
                return self.exit(self.sh.scope.status);
            }
            Input::Text(text) => text,
        };
        self.sh.prompted = false;
        let before = std::mem::take(&mut self.sh.partial);
        let whole = format!("{before}{}", text.trim_end_matches('\n'));
        let joined = whole.len() - whole.trim_end_matches('\\').len();
        let parsed = super::parse(&whole, &self.sh.aliases);
        if joined % 2 == 1 || matches!(parsed, Err(SyntaxError::Incomplete { .. })) {
            self.sh.partial = whole + "\n";
            return Step::Go;
        }
        if parsed.as_ref().map_or(true, |block| !block.is_empty()) {
            self.sh.typed.push_back(whole.into());
            self.sh.begin(parsed);
        }
        Step::Go
    }

    /// What an interactive shell prints at its end.
    pub(super) fn say_goodbye(&mut self) {
        let login = self.sh.name.starts_with('-');
        if self.sh.interactive && (login || &*self.sh.name == "bash") {
            self.write(Stream::Err, if login { "logout\n" } else { "exit\n" });
        }
    }

    fn prompt(&self) -> Str {
        if !self.sh.partial.is_empty() {
            return "> ".into();
        }
        self.term.prompt_of(self.ctx, &self.task.container, &self.sh)
    }
}
