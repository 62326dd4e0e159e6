//! A check: a command and what it must print. The same line runs in the simulation and, through the
//! exported `verify.sh`, on real machines.

use serde::Deserialize;

use super::format::{MASTER, Text};
use super::{glob, span};
use crate::base::Duration;

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Check {
    /// What the learner reads: what must be so.
    pub title: Text,
    /// A machine's name, or `$(COMMAND)` whose output on m-k8s is the name.
    #[serde(default = "master")]
    pub machine: String,
    /// Must only look, never change anything.
    pub command: String,
    #[serde(deserialize_with = "serde_yaml::with::singleton_map::deserialize")]
    pub expect: Expect,
    /// How long it may take to become true after the step's commands.
    #[serde(default = "one_minute", deserialize_with = "span::deserialize")]
    pub within: Duration,
}

/// What the output (standard output, then standard error, without the last newline) must be.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Expect {
    /// Exactly this.
    Is(String),
    /// This somewhere.
    Has(String),
    /// This nowhere. Only true of output that says something else: an empty answer or a failed
    /// command proves nothing.
    Lacks(String),
    /// A pattern for the whole, `*` for any text.
    Like(String),
}

fn master() -> String {
    MASTER.into()
}
fn one_minute() -> Duration {
    Duration::mins(1)
}

impl Check {
    /// Whether a finished run of the command meets the expectation.
    pub fn holds(&self, code: i32, stdout: &str, stderr: &str) -> bool {
        let all = format!("{stdout}{stderr}");
        let text = all.trim_end_matches('\n');
        match &self.expect {
            Expect::Is(want) => text == want,
            Expect::Has(part) => text.contains(part.as_str()),
            Expect::Lacks(part) => code == 0 && !text.is_empty() && !text.contains(part.as_str()),
            Expect::Like(pattern) => glob::fits(pattern, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expect: Expect, code: i32, stdout: &str, stderr: &str) -> bool {
        let title = Text { ko: "제목".into(), en: "Title".into() };
        let check = Check { title, machine: master(), command: "x".into(), expect, within: one_minute() };
        check.holds(code, stdout, stderr)
    }

    #[test]
    fn expectations() {
        assert!(check(Expect::Is("Running".into()), 0, "Running\n", ""));
        assert!(!check(Expect::Is("Running".into()), 0, "Pending", ""));
        assert!(check(Expect::Has("NotFound".into()), 1, "", "Error from server (NotFound): pods \"x\" not found\n"));
        assert!(check(Expect::Lacks("nginx".into()), 0, "NAME  READY\n", ""));
        assert!(!check(Expect::Lacks("nginx".into()), 1, "", "connection refused"));
        assert!(check(Expect::Like("20*Z".into()), 0, "2026-01-05T09:00:00Z", ""));
    }
}
