//! Tab completion: what the word at the cursor could become. A pure function of the world; knows
//! nothing of the screen.

use crate::api::Kind;
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::files::{self, Node};
use crate::machine::shell::builtins;
use crate::machine::terminal::Terminal;
use crate::machine::{Role, commands};
use crate::sim::World;

/// Where the word begins, and what may stand there. A candidate that ends in `/` or `=` goes on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Completion {
    pub start: usize,
    pub candidates: Vec<Str>,
}

impl Completion {
    /// The longest text that all candidates begin with.
    pub fn common(&self) -> Str {
        let Some(first) = self.candidates.first() else { return Str::new() };
        let mut common = first.as_str();
        for c in &self.candidates {
            while !c.starts_with(common) {
                let last = common.chars().next_back().map_or(0, char::len_utf8);
                common = &common[..common.len() - last];
            }
        }
        common.into()
    }
}

/// Completes `line` at byte `cursor` as typed at a machine's terminal.
pub fn complete(world: &World, machine: u32, line: &str, cursor: usize) -> Completion {
    let cursor = (0..=cursor.min(line.len())).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
    let typed = &line[..cursor];
    let start = typed.rfind([' ', '\t', '|', ';', '&', '(', '<', '>', '`', '\n', '=']).map_or(0, |i| i + 1);
    let word = &typed[start..];
    let words = command_words(&typed[..start]);
    let mut candidates = match words.first().map(Str::as_str) {
        None if !word.contains('/') => command_names(world, machine, word),
        Some("kubectl" | "k") if !typed[..start].ends_with(['<', '>', '=']) => kubectl(world, machine, &words, word),
        Some("systemctl") => systemctl(world, machine, &words, word),
        Some("journalctl") if words.last().is_some_and(|w| w.starts_with('-') && w.ends_with('u')) => {
            units(world, machine, word)
        }
        Some("ssh" | "ping") => machines(world, word),
        Some("help" | "man" | "which" | "type") => command_names(world, machine, word),
        _ => paths(world, machine, word),
    };
    candidates.arrange();
    candidates.dedup();
    Completion { start, candidates }
}

/// Words of the command that is being typed, before the current one.
fn command_words(before: &str) -> Vec<Str> {
    let from = before.rfind(['|', ';', '&', '(', '`', '\n']).map_or(0, |i| i + 1);
    let words = before[from..].split_whitespace();
    // Commands that run another are passed over.
    words
        .skip_while(|w| matches!(*w, "sudo" | "watch" | "time" | "!" | "do" | "then" | "if" | "while"))
        .map(Str::from)
        .collect()
}

fn command_names(world: &World, machine: u32, word: &str) -> Vec<Str> {
    let all = commands::all(world.machine(machine), "", world.config.profile).map(|c| c.name).chain(builtins::names());
    all.filter(|n| n.starts_with(word) && n.starts_with(char::is_alphabetic)).map(Str::from).collect()
}

fn cwd(world: &World, machine: u32) -> Str {
    let terminal = world.actor_named(machine, "terminal").and_then(|id| world.component::<Terminal>(id));
    terminal.map_or_else(|| files::home(world.machine(machine).role).into(), Terminal::cwd)
}

fn paths(world: &World, machine: u32, word: &str) -> Vec<Str> {
    let m = world.machine(machine);
    let (folder, name) = match word.rfind('/') {
        Some(i) => word.split_at(i + 1),
        None => ("", word),
    };
    let real = match folder.strip_prefix("~/") {
        Some(rest) => format!("{}/{rest}", files::home(m.role)),
        None => folder.to_owned(),
    };
    let entries = files::list(m, &files::absolute(&cwd(world, machine), &real));
    let fits = |n: &Str| n.starts_with(name) && (name.starts_with('.') || !n.starts_with('.'));
    let shown =
        |(n, node): (Str, Node)| ecow::eco_format!("{folder}{n}{}", if node == Node::Folder { "/" } else { "" });
    entries.into_iter().filter(|(n, _)| fits(n)).map(shown).collect()
}

fn machines(world: &World, word: &str) -> Vec<Str> {
    world.machines().filter(|m| m.role != Role::Host && m.name.starts_with(word)).map(|m| m.name.clone()).collect()
}

fn units(world: &World, machine: u32, word: &str) -> Vec<Str> {
    world.machine(machine).units.keys().filter(|u| u.starts_with(word)).cloned().collect()
}

const VERBS: [&str; 9] =
    ["start", "stop", "restart", "status", "enable", "disable", "is-active", "is-enabled", "daemon-reload"];

fn systemctl(world: &World, machine: u32, words: &[Str], word: &str) -> Vec<Str> {
    let verb = words[1..].iter().any(|w| VERBS.contains(&w.as_str()));
    if verb {
        units(world, machine, word)
    } else {
        VERBS.iter().filter(|v| v.starts_with(word)).map(|v| Str::from(*v)).collect()
    }
}

/// kubectl's own words; files where it has none to offer, or wants one.
fn kubectl(world: &World, machine: u32, words: &[Str], word: &str) -> Vec<Str> {
    let names = |kind: Kind, namespace: &str| live(world, machine, kind, namespace);
    let found = crate::kubectl::complete(world.config.profile, words, word, &names);
    let file = words.last().is_some_and(|w| matches!(w.as_str(), "-f" | "--filename" | "-k" | "--kubeconfig"));
    if found.is_empty() || file { paths(world, machine, word) } else { found }
}

/// What a LIST would return: nothing while the API server cannot be reached from here.
fn live(world: &World, machine: u32, kind: Kind, namespace: &str) -> Vec<Str> {
    let served = world.machines().find(|m| {
        let listens = m.listeners.get(&6443).is_some_and(|id| world.alive(*id));
        listens && world.route(machine, &m.ip).is_some()
    });
    let Some(data) = served.and_then(|m| m.etcd_data.as_ref()) else { return Vec::new() };
    let namespace = if kind.namespaced() && namespace.is_empty() { "default" } else { namespace };
    data.list(kind, namespace, None).map(|o| o.name().clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::complete;
    use crate::machine::testing::{typed, world};
    use crate::sim::Profile;

    #[test]
    fn words() {
        let mut w = world(Profile::Book);
        typed(&mut w, "mkdir lab; touch lab/a.yaml lab/b.yaml .hidden");
        for (line, start, words) in [
            ("sys", 0, "sysctl systemctl systemd-analyze"),
            ("systemctl sto", 10, "stop"),
            ("systemctl stop kub", 15, "kubelet"),
            ("sudo systemctl stop kub", 20, "kubelet"),
            ("echo a | hea", 9, "head"),
            ("cat la", 4, "lab/"),
            ("cat lab/", 4, "lab/a.yaml lab/b.yaml"),
            ("cat ~/lab/b", 4, "~/lab/b.yaml"),
            ("ssh w", 4, "w1-k8s"),
            ("journalctl -u doc", 14, "docker"),
            ("cat .h", 4, ".hidden"),
            ("cat nothing", 4, ""),
        ] {
            let got = complete(&w, 0, line, line.len());
            assert_eq!((got.start, got.candidates.join(" ").as_str()), (start, words), "{line}");
        }
        assert_eq!(complete(&w, 0, "cat lab/", 8).common(), "lab/");
    }
}
