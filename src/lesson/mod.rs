//! Drills: their format, the catalogue of those that ship, how far a learner has got, and session
//! files. Pure data and functions on a world; knows nothing of the browser or of files on disk.

pub mod check;
pub mod format;
pub mod glob;
pub mod play;
pub mod probe;
pub mod progress;
pub mod prove;
pub mod script;
pub mod span;

pub use check::Check;
pub use format::{Lesson, Text, Topic};
pub use progress::Progress;

use std::sync::OnceLock;

use crate::api::{Value, yaml};
use crate::base::Str;
use crate::sim::Profile;

struct Shipped {
    name: &'static str,
    /// How it begins: lists show no more.
    head: &'static [u8],
    /// The whole text, and what is printed, as functions: the page loads those that are opened.
    yaml: fn() -> &'static str,
    /// What its steps printed in the simulation with seed 1, in profile book and in modern. Written by
    /// the tests, see `tests/it/drills.rs`.
    printed: fn(Profile) -> &'static str,
}

/// Where a drill's text goes on behind what a list shows of it.
const fn head_length(yaml: &str) -> usize {
    let files = length_before(yaml, "\nfiles:");
    let fresh = length_before(yaml, "\nfresh:");
    let steps = length_before(yaml, "\nsteps:");
    let least = if files < fresh { files } else { fresh };
    if least < steps { least } else { steps }
}

/// The length of a text's lines before one that begins so, or of all.
const fn length_before(text: &str, line: &str) -> usize {
    let (text, line) = (text.as_bytes(), line.as_bytes());
    let mut at = 0;
    while at + line.len() <= text.len() {
        let mut same = 0;
        while same < line.len() && text[at + same] == line[same] {
            same += 1;
        }
        if same == line.len() {
            return at + 1;
        }
        at += 1;
    }
    text.len()
}

/// A copy, so that a part does not bring the whole text along.
const fn part<const N: usize>(yaml: &str, from: usize) -> [u8; N] {
    let mut part = [0; N];
    let mut at = 0;
    while at < N {
        part[at] = yaml.as_bytes()[from + at];
        at += 1;
    }
    part
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$(Shipped {
            name: $name,
            head: &{
                const YAML: &str = include_str!(concat!("../../lessons/", $name, ".yaml"));
                part::<{ head_length(YAML) }>(YAML, 0)
            },
            yaml: || include_str!(concat!("../../lessons/", $name, ".yaml")),
            printed: |profile| match profile {
                Profile::Book => include_str!(concat!("../../lessons/expected/", $name, ".book.txt")),
                Profile::Modern => include_str!(concat!("../../lessons/expected/", $name, ".modern.txt")),
            },
        }),*]
    };
}

/// The drills that ship. Adding one is adding a file to `lessons/` and its name here; a test holds the
/// two to each other.
static SHIPPED: &[Shipped] = shipped![
    "pod-or-deployment",
    "nginx-killed",
    "scale-bare-pod",
    "create-or-apply",
    "rollout",
    "hpa",
    "bad-image",
    "multi-container",
    "daemonset",
    "statefulset",
    "job",
    "hooks",
    "namespaces",
    "labels",
    "configmap",
    "secret",
    "service",
    "metallb",
    "dns",
    "network-policy",
    "ingress",
    "br-netfilter",
    "kubelet-stopped",
    "kubelet-pending",
    "node-lost",
    "docker-stopped",
    "containerd-stopped",
    "taints",
    "node-selector",
    "resources",
    "disk-pressure",
    "drain",
    "scheduler-deleted",
    "master-kubelet-stopped",
    "master-docker-stopped",
    "etcd-backup",
    "kubectl-anywhere",
    "vagrant-up",
    "swap-left-on",
    "no-pod-network",
    "kubeadm-join",
    "expired-token",
    "kubeadm-upgrade",
    "kubeadm-upgrade-new",
    "persistent-volume",
];

/// Names of the drills that ship, in the order in which they are shown.
pub fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|s| s.name)
}

/// What a list of drills shows of one.
#[derive(Clone, PartialEq, Debug)]
pub struct Card {
    pub name: String,
    pub title: Text,
    pub summary: Text,
    pub topic: Topic,
    pub profiles: Vec<Profile>,
}

/// The drills that ship, for showing a list. Only their heads are read, and only once.
pub fn cards() -> &'static [Card] {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    CARDS.get_or_init(|| SHIPPED.iter().map(|s| Card::of(&s.read_head())).collect())
}

impl Shipped {
    /// As a plain value: a page that opens reads heads, and no whole drill.
    fn read_head(&self) -> Value {
        yaml::read(std::str::from_utf8(self.head).unwrap_or_default()).unwrap_or_default()
    }
}

impl Card {
    fn of(head: &Value) -> Card {
        let part = |field, lang| head.at(&[field, lang]).map(Value::as_str).unwrap_or_default().into();
        let text = |field| Text { ko: part(field, "ko"), en: part(field, "en") };
        let profiles = head.get("profiles").map(Value::items).unwrap_or_default().iter();
        let profiles = profiles.map(|name| if name.as_str() == "modern" { Profile::Modern } else { Profile::Book });
        Card {
            name: head.str("name").into(),
            title: text("title"),
            summary: text("summary"),
            topic: Topic::of(head.str("topic")).unwrap_or(Topic::Workloads),
            profiles: profiles.collect(),
        }
    }
}

/// The files of a shipped drill: name and content.
pub fn files(name: &str) -> Vec<(Str, Str)> {
    let Some(yaml) = source(name) else { return Vec::new() };
    let head = yaml::read(&yaml[..length_before(yaml, "\nsteps:")]).unwrap_or_default();
    let Some(files) = head.get("files").and_then(Value::as_map) else { return Vec::new() };
    files.iter().map(|(name, content)| (name.clone(), content.as_str().into())).collect()
}

/// The YAML text of a shipped drill.
pub fn source(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|s| s.name == name).map(|s| (s.yaml)())
}

/// What the steps of a shipped drill printed in the simulation: a line `== STEP` before each.
pub fn printed(name: &str, profile: Profile) -> Option<&'static str> {
    SHIPPED.iter().find(|s| s.name == name).map(|s| (s.printed)(profile))
}

/// The part of [`printed`] that belongs to one step.
pub fn printed_step<'a>(printed: &'a str, step: &str) -> Option<&'a str> {
    let heading = format!("== {step}\n");
    let at = printed.find(&heading).filter(|at| *at == 0 || printed[..*at].ends_with('\n'))? + heading.len();
    Some(printed[at..].find("\n== ").map_or(&printed[at..], |end| &printed[at..at + end + 1]))
}

/// A shipped drill, read. `None` if there is none of that name.
pub fn shipped(name: &str) -> Option<Lesson> {
    let parsed = Lesson::parse(source(name)?);
    Some(parsed.unwrap_or_else(|e| panic!("the shipped drill {name} does not parse: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drill_has_its_card() {
        for (card, name) in cards().iter().zip(names()) {
            let lesson = shipped(name).expect("shipped");
            let whole = (lesson.name, lesson.title, lesson.summary, lesson.topic, lesson.profiles);
            let card = card.clone();
            assert_eq!((card.name, card.title, card.summary, card.topic, card.profiles), whole);
            let text = |text: &String| Str::from(text.as_str());
            let all: Vec<_> = lesson.files.iter().map(|(name, content)| (text(name), text(content))).collect();
            assert_eq!(files(name), all);
        }
        assert_eq!(cards().len(), names().count());
    }
}
