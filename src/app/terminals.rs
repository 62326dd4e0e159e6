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
    /// Looking for an earlier line; the text stays as it was meanwhile.
    pub search: Option<Search>,
}

/// A search back through the history, as Ctrl-R begins it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Search {
    pub query: String,
    /// The line found last: it stays when a longer query finds none.
    pub found: Str,
    /// Whether `found` holds the query.
    pub failing: bool,
    /// Matches passed over.
    skip: usize,
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

    /// Begins a search through the history, or goes on to the next older match.
    pub(super) fn search_older(&mut self) {
        let mut search = match self.draft_mut().search.take() {
            Some(search) => Search { skip: search.skip + usize::from(!search.failing), ..search },
            None => Search::default(),
        };
        self.look(&mut search);
        self.draft_mut().search = Some(search);
    }
    fn look(&self, search: &mut Search) {
        let mut lines = self.terminal(self.tab).map(Terminal::typed_lines).unwrap_or_default();
        lines.dedup();
        let matches = lines.iter().rev().filter(|l| !search.query.is_empty() && l.contains(&search.query));
        match matches.into_iter().nth(search.skip) {
            Some(line) => (search.found, search.failing) = (line.as_str().into(), false),
            None => search.failing = !search.query.is_empty(),
        }
    }
    /// Ends a search; `keep`: with its line as the text.
    pub(super) fn search_end(&mut self, keep: bool) {
        if let Some(search) = self.draft_mut().search.take()
            && keep
        {
            self.set_draft(search.found.to_string());
        }
    }

    pub(super) fn set_draft(&mut self, text: String) {
        if let Some(mut search) = self.draft_mut().search.take() {
            search = Search { query: text, skip: 0, ..search };
            self.look(&mut search);
            self.draft_mut().search = Some(search);
            return;
        }
        let draft = self.draft_mut();
        draft.text = text;
        draft.back = 0;
        draft.candidates = Arc::default();
    }
}
