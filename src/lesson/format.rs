//! The drill format: one YAML file, Korean and English side by side. [`Lesson::parse`] checks all
//! that can be checked without running it and says where a file is wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::check::Check;
use super::span;
use crate::base::Duration;
use crate::sim::Profile;

/// Where commands are typed unless the drill says otherwise.
pub const MASTER: &str = "m-k8s";
/// The learner's own computer, and how commands there begin.
pub const HOST: &str = "host";
pub const IN_LAB: &str = "cd ~/lab && ";

/// A text in both languages of the project.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub ko: String,
    pub en: String,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lesson {
    /// Lower-case letters, digits and dashes; also the name of its file and of its folder in a bundle.
    pub name: String,
    pub title: Text,
    pub summary: Text,
    pub topic: Topic,
    pub profiles: Vec<Profile>,
    /// Why the drill cannot be played with kind's containers instead of machines, if it cannot.
    #[serde(default)]
    pub not_in_kind: Option<Text>,
    /// Begins before the machines are made: there are only the host and the lab's files.
    #[serde(default)]
    pub fresh: bool,
    /// Put into the home folder of m-k8s before the drill begins: name → content.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    pub steps: Vec<Step>,
}

/// Under which heading the catalogue shows a drill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    Workloads,
    Objects,
    Network,
    Nodes,
    ControlPlane,
    Storage,
}

impl Topic {
    pub const ALL: [Topic; 6] =
        [Topic::Workloads, Topic::Objects, Topic::Network, Topic::Nodes, Topic::ControlPlane, Topic::Storage];

    /// By the name that drills give it.
    pub fn of(name: &str) -> Option<Topic> {
        let names = ["workloads", "objects", "network", "nodes", "control-plane", "storage"];
        Some(Topic::ALL[names.iter().position(|known| *known == name)?])
    }
    /// Korean, English.
    pub fn title(self) -> (&'static str, &'static str) {
        match self {
            Topic::Workloads => ("파드와 디플로이먼트", "Pods and Deployments"),
            Topic::Objects => ("오브젝트와 설정", "Objects and settings"),
            Topic::Network => ("네트워크", "Network"),
            Topic::Nodes => ("노드와 스케줄링", "Nodes and scheduling"),
            Topic::ControlPlane => ("컨트롤 플레인", "Control plane"),
            Topic::Storage => ("저장소", "Storage"),
        }
    }
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// Unique in the drill; lower-case letters, digits and dashes.
    pub id: String,
    /// Heading above the first step of a part.
    #[serde(default)]
    pub part: Option<Text>,
    pub title: Text,
    pub text: Text,
    /// What the step's button types. None where the learner only looks or decides.
    #[serde(default)]
    pub commands: Vec<Command>,
    /// Help for who is stuck, from a nudge to nearly the answer.
    #[serde(default)]
    pub hints: Vec<Text>,
    /// What to watch in the picture meanwhile.
    #[serde(default)]
    pub look_at: Option<Text>,
    /// Asked before the commands run.
    #[serde(default)]
    pub predict: Option<Prediction>,
    /// The step is done when all of them hold.
    pub checks: Vec<Check>,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Command {
    /// A machine's name, or `$(COMMAND)` whose output on m-k8s is the name.
    #[serde(default = "master")]
    pub machine: String,
    pub command: String,
    /// Ctrl-C comes after this long, for commands that hang by design.
    #[serde(default, deserialize_with = "span::deserialize_option")]
    pub interrupt_after: Option<Duration>,
    /// Time to let pass once it has ended.
    #[serde(default, deserialize_with = "span::deserialize_option")]
    pub wait: Option<Duration>,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Prediction {
    pub question: Text,
    pub options: Vec<Answer>,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Answer {
    pub text: Text,
    #[serde(default)]
    pub right: bool,
    /// Shown once it was chosen.
    pub because: Text,
}

fn master() -> String {
    MASTER.into()
}

/// What is wrong with a drill file, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct Error {
    /// Line and column, counted from 1, where the YAML reader could tell.
    pub place: Option<(u64, u64)>,
    /// `steps[2].checks[0]: …`
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

impl Lesson {
    pub fn parse(yaml: &str) -> Result<Lesson, Error> {
        let lesson: Lesson = serde_yaml::from_str(yaml).map_err(|e| {
            let place = e.location().map(|l| (l.line() as u64, l.column() as u64));
            let message = e.to_string();
            // The place goes first, as compilers print it.
            let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
            Error { place, message }
        })?;
        lesson.validate().map_err(|message| Error { place: None, message })?;
        Ok(lesson)
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.id == id)
    }

    fn validate(&self) -> Result<(), String> {
        name(&self.name).map_err(|e| format!("name: {e}"))?;
        text("title", &self.title)?;
        text("summary", &self.summary)?;
        self.not_in_kind.as_ref().map_or(Ok(()), |t| text("notInKind", t))?;
        need(!self.fresh || self.files.is_empty(), || "files: a fresh lab has no machine to put them on".into())?;
        need(!self.profiles.is_empty(), || "profiles: at least one of book, modern".into())?;
        need(!self.steps.is_empty(), || "steps: a drill has at least one step".into())?;
        for file in self.files.keys() {
            file_name(file).map_err(|e| format!("files: {e}"))?;
        }
        for (i, step) in self.steps.iter().enumerate() {
            step.validate().map_err(|e| format!("steps[{i}].{e}"))?;
            let twice = self.steps[..i].iter().any(|s| s.id == step.id);
            need(!twice, || format!("steps[{i}].id: `{}` is taken by an earlier step", step.id))?;
        }
        Ok(())
    }
}

impl Step {
    fn validate(&self) -> Result<(), String> {
        name(&self.id).map_err(|e| format!("id: {e}"))?;
        text("title", &self.title)?;
        text("text", &self.text)?;
        for (field, value) in [("part", &self.part), ("lookAt", &self.look_at)] {
            value.as_ref().map_or(Ok(()), |v| text(field, v))?;
        }
        for (i, hint) in self.hints.iter().enumerate() {
            text(&format!("hints[{i}]"), hint)?;
        }
        need(!self.checks.is_empty(), || "checks: a step needs one, or it could never be done".into())?;
        for (i, c) in self.commands.iter().enumerate() {
            let good =
                machine(&c.machine).and_then(|()| line(&c.command)).and_then(|()| at_host(&c.machine, &c.command));
            good.map_err(|e| format!("commands[{i}].{e}"))?;
        }
        for (i, c) in self.checks.iter().enumerate() {
            let place = |e| format!("checks[{i}].{e}");
            text("title", &c.title).map_err(place)?;
            let good = machine(&c.machine).and_then(|()| line(&c.command));
            good.and_then(|()| at_host(&c.machine, &c.command)).map_err(place)?;
        }
        self.predict.as_ref().map_or(Ok(()), Prediction::validate)
    }
}

impl Prediction {
    fn validate(&self) -> Result<(), String> {
        text("predict.question", &self.question)?;
        for (i, option) in self.options.iter().enumerate() {
            text(&format!("predict.options[{i}].text"), &option.text)?;
            text(&format!("predict.options[{i}].because"), &option.because)?;
        }
        let right = self.options.iter().filter(|o| o.right).count();
        need(self.options.len() >= 2, || "predict.options: at least two".into())?;
        need(right == 1, || format!("predict.options: one of them is right, not {right}"))
    }
}

fn need(ok: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(message()) }
}

/// Names become folders, shell words and URLs.
fn name(text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ok = !text.is_empty() && text.len() <= 60 && text.chars().all(good) && !text.starts_with('-');
    need(ok, || format!("`{text}` is no name: lower-case letters, digits and dashes, 60 at most"))
}

fn file_name(text: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ok = !text.is_empty() && text.chars().all(good) && !text.starts_with(['.', '-']);
    need(ok, || format!("`{text}` is no file name: letters, digits, dots, dashes and underscores, no folders"))
}

fn text(field: &str, value: &Text) -> Result<(), String> {
    need(!value.ko.trim().is_empty(), || format!("{field}.ko: is empty"))?;
    need(!value.en.trim().is_empty(), || format!("{field}.en: is empty"))
}

fn machine(text: &str) -> Result<(), String> {
    match text.strip_prefix("$(") {
        Some(rest) => need(rest.len() > 1 && rest.ends_with(')'), || format!("machine: `{text}` lacks its `)`")),
        None => name(text).map_err(|e| format!("machine: {e}")),
    }
}

/// vagrant runs in the lab's folder, wherever that lies.
fn at_host(machine: &str, command: &str) -> Result<(), String> {
    let elsewhere = machine == HOST && command.contains("vagrant") && !command.starts_with(IN_LAB);
    need(!elsewhere, || format!("command: on the host begins with `{IN_LAB}`"))
}

fn line(command: &str) -> Result<(), String> {
    need(!command.trim().is_empty(), || "command: is empty".into())?;
    need(!command.contains(['\n', '\0']), || "command: must be one line".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
name: x
title: {ko: 제목, en: Title}
summary: {ko: 요약, en: Summary}
topic: nodes
profiles: [book]
steps:
- id: one
  title: {ko: 제목, en: Title}
  text: {ko: 글, en: Text}
  commands:
  - {command: kubectl get pods, interruptAfter: 5s}
  checks:
  - {title: {ko: 제목, en: Title}, command: echo, expect: {is: ''}}
";

    #[test]
    fn shipped_drills_parse_under_their_names() {
        for name in crate::lesson::names() {
            assert_eq!(crate::lesson::shipped(name).map(|l| l.name).as_deref(), Some(name));
        }
    }

    #[test]
    fn defaults() {
        let lesson = Lesson::parse(GOOD).expect("good");
        let step = lesson.step("one").expect("one");
        assert_eq!(step.commands[0].machine, MASTER);
        assert_eq!(step.commands[0].interrupt_after, Some(Duration::secs(5)));
        assert_eq!(step.checks[0].within, Duration::mins(1));
    }

    #[test]
    fn mistakes_say_what_and_where() {
        // What is replaced, by what, and what the message must hold.
        let cases = [
            ("name: x", "name: ../x", "name: `../x` is no name"),
            ("name: x", "nam: x", "2:1: unknown field `nam`"),
            ("en: Title}\nsummary", "fr: Titre}\nsummary", "3:"),
            ("ko: 요약", "ko: ''", "summary.ko: is empty"),
            ("[book]", "[boook]", "boook"),
            ("[book]", "[]", "profiles: at least one"),
            ("{command: kubectl get pods", "{machine: host, command: vagrant up", "command: on the host begins with"),
            ("interruptAfter: 5s", "interruptAfter: soon", "expected a time"),
            ("interruptAfter: 5s", "machine: $(x", "steps[0].commands[0].machine"),
            ("expect: {is: ''}", "expect: {was: ''}", "was"),
            ("id: one", "id: One", "steps[0].id: `One` is no name"),
            ("  checks:\n", "  checks: []\n  x:\n", "unknown field `x`"),
            ("steps:", "steps: []\nlater:", "unknown field `later`"),
            ("profiles", " profiles", "5:"),
        ];
        for (good, bad, want) in cases {
            assert!(GOOD.contains(good), "{good}");
            let error = Lesson::parse(&GOOD.replace(good, bad)).expect_err(bad).to_string();
            assert!(error.contains(want), "{bad}: {error}");
        }
    }
}
