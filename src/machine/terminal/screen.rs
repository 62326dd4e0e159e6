//! What a terminal shows: pieces of text. The few control sequences our programs print are carried
//! out here, so that whoever draws the screen meets only text.

use super::Terminal;
use crate::api::Value;
use crate::base::{Str, Time};
use crate::machine::task::Owner;
use crate::sim::Ctx;

/// What a piece of the screen is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    Prompt,
    /// What the user typed.
    Typed,
    Out,
    Err,
}

/// A piece of the screen.
#[derive(Clone, PartialEq, Debug)]
pub struct Chunk {
    pub stream: Shown,
    pub text: Str,
    pub at: Time,
}

/// The screen of a program that reads keys: its rows, and the cursor's row and character there.
#[derive(Clone, PartialEq, Debug)]
pub struct Frame {
    pub text: Str,
    pub row: u32,
    pub col: u32,
}

/// Pieces kept.
const LIMIT: usize = 5_000;

/// Clears the screen (`clear`).
pub const CLEAR: &str = "\u{1b}[H\u{1b}[2J";
/// A full-screen program begins (`watch`), and ends.
pub const FULL: &str = "\u{1b}[?1049h";
pub const BACK: &str = "\u{1b}[?1049l";

impl Terminal {
    pub(super) fn show(&mut self, at: Time, stream: Shown, text: &str) {
        let Some(escape) = text.find('\u{1b}') else { return self.append(at, stream, text) };
        self.append(at, stream, &text[..escape]);
        let rest = &text[escape..];
        if let Some(rest) = rest.strip_prefix(CLEAR) {
            self.screen.clear();
            self.show(at, stream, rest);
        } else if let Some(rest) = rest.strip_prefix(FULL) {
            self.behind = Some(std::mem::take(&mut self.screen));
            self.show(at, stream, rest);
        } else if let Some(rest) = rest.strip_prefix(BACK) {
            self.leave_full_screen();
            self.show(at, stream, rest);
        } else {
            self.append(at, stream, "\u{1b}");
            self.show(at, stream, &rest[1..]);
        }
    }

    /// Shows again what was there before a full-screen program.
    pub(super) fn leave_full_screen(&mut self) {
        if let Some(behind) = self.behind.take() {
            self.screen = behind;
        }
    }

    /// Shows what a program has drawn for a line, here or where the line came from; `Null`: it draws no more.
    pub(in crate::machine) fn draw(&mut self, ctx: &mut Ctx<'_>, task: u32, line: u32, picture: &Value) {
        self.drawing = if picture.is_null() { 0 } else { task };
        match self.lines.get(&line).map(|l| l.owner.clone()) {
            Some(Owner::Typed) => {
                let number = |key| picture.get(key).and_then(Value::as_int).and_then(|n| u32::try_from(n).ok());
                let [row, col] = ["row", "col"].map(|key| number(key).unwrap_or(0));
                let text = Str::from(picture.str("text"));
                self.frame = (!picture.is_null()).then_some(Frame { text, row, col });
            }
            Some(Owner::Remote { terminal, token, .. }) => {
                self.send_back(ctx, terminal, map! { "token" => token, "screen" => picture.clone() }.into());
            }
            _ => {}
        }
    }

    /// A task has ended: what it drew goes with it.
    pub(super) fn drawn_no_more(&mut self, ctx: &mut Ctx<'_>, task: u32, line: u32) {
        if self.drawing == task {
            self.draw(ctx, task, line, &Value::Null);
        }
    }

    fn append(&mut self, at: Time, stream: Shown, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(last) = self.screen.back_mut()
            && last.stream == stream
            && last.at == at
        {
            last.text.push_str(text);
            return;
        }
        if self.screen.len() == LIMIT {
            self.screen.pop_front();
        }
        self.screen.push_back(Chunk { stream, text: text.into(), at });
    }
}

/// The text without the control sequences above, as a pipe or a record of the output holds it.
pub(super) fn plain(text: &str) -> Str {
    if text.contains('\u{1b}') {
        text.replace(CLEAR, "").replace(FULL, "").replace(BACK, "").into()
    } else {
        text.into()
    }
}
