//! Every statement of the lab's scripts is there for a reason: with it left out, `vagrant up` on fresh
//! machines, work on the cluster, or a restart goes wrong in the way that the explanation beside the
//! line tells. What the explanation quotes in backquotes must show up where the line is missing, and
//! nowhere otherwise.
//!
//! A few statements of each profile are tried in every run; `KUBEDRILL_ABLATE=all` tries all of them,
//! any other value those that contain it.

use std::collections::BTreeSet;
use std::fmt::Write;

use kubedrill::addons::lab::{self, LAB};
use kubedrill::base::Time;
use kubedrill::bundle::explain;
use kubedrill::bundle::explain::{Line, Note};
use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Profile, Session, World};

const SCRIPTS: [&str; 4] = ["config.sh", "install_pkg.sh", "master_node.sh", "work_nodes.sh"];

/// Builds the lab, uses it, restarts it and uses it again.
const PLAY: &str = "@host cd lab && vagrant up
!wait 60s
kubectl get nodes
kubectl get pods -A
@w1-k8s journalctl -u kubelet -n 4
journalctl -u kubelet -n 4
kubectl create deployment web --image=nginx --replicas=2
kubectl expose deployment web --port=80
!wait 45s
curl -sS -m 5 $(kubectl get pods -l app=web -o jsonpath={.items[0].status.podIP}) | head -n 4
kubectl exec deployment/web -- curl -sS -m 5 http://web | head -n 4
ping -c 1 w1-k8s
@w1-k8s ping -c 1 m-k8s
kubectl get nodes -o jsonpath={.items[*].status.addresses[0].address}
kubectl get events -A | grep -i -e sandbox -e autodet
kubectl logs -n kube-system -l k8s-app=calico-node --tail=4
kubectl get pods -o wide
kubectl get --raw /readyz
yum list kubelet --showduplicates
yum list installed
free -m
getenforce
alias
@host vagrant reload
@host vagrant up
!wait 150s
free -m
getenforce
lsmod | grep -e overlay -e br_netfilter
sysctl net.ipv4.ip_forward net.bridge.bridge-nf-call-iptables net.bridge.bridge-nf-call-ip6tables
systemctl is-active kubelet firewalld
kubectl get nodes
kubectl get pods -A
@w1-k8s journalctl -u kubelet -n 4
journalctl -u kubelet -n 4
curl -sS -m 5 $(kubectl get pods -l app=web -o jsonpath={.items[0].status.podIP}) | head -n 4
kubectl exec deployment/web -- curl -sS -m 5 http://web | head -n 4
";

/// A script without one of its statements.
struct Cut {
    script: &'static str,
    /// What was left out.
    text: String,
    rest: String,
    note: Note,
}

/// The statements of a script: a command with its continuation and its heredoc, and each line within
/// a heredoc. Words of the shell's own grammar and `set -e` stay.
fn cuts(script: &'static str, content: &str) -> Vec<Cut> {
    let lines = explain(script, content);
    let mut out = Vec::new();
    let mut cut = |from: usize, to: usize, instead: &str| {
        let part = |some: &[Line<'_>]| some.iter().map(|l| format!("{}\n", l.text)).collect::<String>();
        let rest = format!("{}{instead}{}", part(&lines[..from]), part(&lines[to..]));
        let text: Vec<&str> = lines[from..to].iter().map(|l| l.text.trim()).collect();
        let note = lines[from].note.expect("every line is explained");
        out.push(Cut { script, text: text.join("\n"), rest, note });
    };
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at].text.trim();
        let from = at;
        at += 1;
        let grammar = ["if ", "else", "fi", "set -e"].iter().any(|w| line.starts_with(w));
        if line.is_empty() || line.starts_with('#') || grammar {
            continue;
        }
        while lines[at - 1].text.ends_with('\\') {
            at += 1;
        }
        if line.contains("<<EOF") {
            let first = at;
            while lines[at].text != "EOF" {
                at += 1;
            }
            (first..at).for_each(|i| cut(i, i + 1, ""));
            at += 1;
        }
        // A branch without a command would be an error of its own.
        cut(from, at, ":\n");
    }
    out
}

fn fresh(profile: Profile) -> World {
    lab::empty(&Config { profile, workers: 1, ..Config::default() })
}

fn path(script: &str) -> String {
    format!("{LAB}/{script}")
}

/// All that one sees while the lab is built and used.
fn report(world: World) -> String {
    let mut session = Session::of_world(world);
    let lines = script::parse(PLAY).expect("a script");
    let mut player = Player::default();
    let mut out = String::new();
    if let Err(error) = player.play(&mut session, &lines) {
        let _ = writeln!(out, "{error}");
    }
    for e in &player.entries {
        let _ = write!(out, "{}{}\n{}{}[{}]\n", e.prompt, e.command, e.stdout, e.stderr, e.code);
    }
    out
}

/// What stands in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A line without its numbers and what was generated.
fn fold(line: &str) -> String {
    let words = line.split_whitespace().filter(|w| !w.contains(|c: char| c.is_ascii_digit()) || w.contains("-k8s"));
    words
        .map(|w| w.rsplit_once('-').filter(|(_, end)| end.len() == 5).map_or(w, |(stem, _)| stem))
        .collect::<Vec<_>>()
        .join(" ")
}

fn noise(line: &str) -> bool {
    line.trim().is_empty() || ["memcache.go", "did you specify the right host"].iter().any(|n| line.contains(n))
}

fn tried(cut: &Cut, number: usize) -> bool {
    match std::env::var("KUBEDRILL_ABLATE").as_deref() {
        Ok("all") => true,
        Ok(part) => cut.text.contains(part),
        // Two or three of each script.
        Err(_) => number % 9 == 4,
    }
}

fn check(profile: Profile) {
    let world = fresh(profile);
    let whole = report(world.clone());
    let known: BTreeSet<String> = whole.lines().map(fold).collect();
    assert!(whole.matches(" Ready ").count() >= 4, "{whole}");
    let mut wrong = String::new();
    let all = SCRIPTS.into_iter().flat_map(|s| {
        let content = world.machine(0).read(&path(s)).expect("the script").clone();
        // The branch of the other pod network is not this lab's.
        cuts(s, &content).into_iter().filter(|c| !c.text.contains("flannel"))
    });
    let mut failures = 0;
    let other = if profile == Profile::Book { "modern" } else { "book" };
    for cut in all.enumerate().filter(|(i, c)| tried(c, *i)).map(|(_, c)| c) {
        let mut world = world.clone();
        world.machine_mut(0).write(&path(cut.script), cut.rest.clone(), Time::ZERO);
        let seen = report(world);
        let shows = |part: &&str| seen.contains(part) && !whole.contains(part);
        let new: Vec<&str> = seen.lines().filter(|l| !known.contains(&fold(l)) && !noise(l)).collect();
        let (ko, en) = (quoted(cut.note.without.ko), quoted(cut.note.without.en));
        // Where nothing is quoted, nothing may be seen.
        let good = match en.is_empty() {
            true => new.is_empty(),
            // The text may be about the other profile only.
            false if en.contains(&other) => new.is_empty(),
            false => en.iter().any(shows) && ko.iter().any(shows),
        };
        if good {
            continue;
        }
        failures += 1;
        let _ = writeln!(wrong, "\n=== {profile:?} {} without: {}", cut.script, cut.text);
        let new = new.into_iter();
        new.take(if std::env::var_os("KUBEDRILL_ABLATE").is_some() { 40 } else { 8 }).for_each(|l| {
            let _ = writeln!(wrong, "    {l}");
        });
    }
    assert!(failures == 0, "{failures} lines do not do what is said of them:\n{wrong}");
}

#[test]
fn each_line_of_the_book_has_its_effect() {
    check(Profile::Book);
}

#[test]
fn each_line_of_the_modern_lab_has_its_effect() {
    check(Profile::Modern);
}
