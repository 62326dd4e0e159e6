//! The line being typed at each terminal: history, clearing, completion.

use std::sync::Arc;

use crate::base::Str;
use crate::machine::terminal::Terminal;
use crate::sim::World;

use super::State;

/// The line being typed at one machine.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Draft {
    pub text: String,
    /// How far back in the history the text came from; 0: it is new.
    back: usize,
    /// What was being typed before going back.
    kept: String,
    /// Pieces of the screen hidden by Ctrl-L.
    pub cleared: usize,
    /// Candidates of the last Tab, until the text changes.
    pub candidates: Arc<Vec<Str>>,
}

impl Draft {
    /// A line as if it had just been typed.
    pub fn of(text: &str) -> Draft {
        Draft { text: text.into(), ..Draft::default() }
    }
}

/// A machine's terminal, while its component lives.
pub fn terminal(world: &World, machine: u32) -> Option<&Terminal> {
    world.component::<Terminal>(world.actor_named(machine, "terminal")?)
}

impl State {
    pub fn terminal(&self, machine: u32) -> Option<&Terminal> {
        terminal(self.world(), machine)
    }
    pub fn draft(&self) -> Draft {
        self.drafts.get(&self.tab).cloned().unwrap_or_default()
    }
    pub(super) fn draft_mut(&mut self) -> &mut Draft {
        self.drafts.entry(self.tab).or_default()
    }
    /// Moves through the history: 1 older, -1 newer.
    pub(super) fn recall(&mut self, step: i32) {
        let mut lines = self.terminal(self.tab).map(Terminal::typed_lines).unwrap_or_default();
        lines.dedup(); // HISTCONTROL=ignoredups, as CentOS and Rocky set it
        let draft = self.draft_mut();
        let back = (draft.back as i32 + step).clamp(0, lines.len() as i32) as usize;
        if back == draft.back {
            return;
        }
        if draft.back == 0 {
            draft.kept = std::mem::take(&mut draft.text);
        }
        draft.back = back;
        draft.text = if back == 0 { std::mem::take(&mut draft.kept) } else { lines[lines.len() - back].to_string() };
    }

    pub(super) fn set_draft(&mut self, text: String) {
        let draft = self.draft_mut();
        draft.text = text;
        draft.back = 0;
        draft.candidates = Arc::default();
    }
}
