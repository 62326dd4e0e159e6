//! Tab completion of a kubectl command line.

use super::{discovery, find};
use crate::api::Kind;
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::sim::Profile;

/// Candidates for the word `current` after `words` (of which the first is `kubectl`). `lookup` gives
/// the names of a kind's objects in a namespace (empty: the default one).
pub fn complete(profile: Profile, words: &[Str], current: &str, lookup: &dyn Fn(Kind, &str) -> Vec<Str>) -> Vec<Str> {
    let (verb, _, rest) = find(profile, words.get(1..).unwrap_or_default());
    let known = verb.known(profile);
    let namespace = flag_value(words, "-n", "--namespace").unwrap_or_default();
    let last = words.last().map_or("", Str::as_str);
    let mut out: Vec<Str> = Vec::new();
    if let Some(value) = current.strip_prefix("--namespace=") {
        let names = lookup(Kind::NAMESPACE, "");
        return names
            .into_iter()
            .filter(|n| n.starts_with(value))
            .map(|n| ecow::eco_format!("--namespace={n}"))
            .collect();
    }
    if current.starts_with('-') {
        out.extend(known.iter().map(|f| ecow::eco_format!("--{}", f.name)));
    } else if matches!(last, "-n" | "--namespace") {
        out.extend(lookup(Kind::NAMESPACE, ""));
    } else if matches!(last, "-o" | "--output") {
        let all = ["json", "yaml", "wide", "name", "jsonpath=", "custom-columns=", "go-template="];
        out.extend(all.map(Str::from));
    } else if !verb.sub.is_empty() && positional(&rest, &known).is_empty() {
        out.extend(verb.children(profile).map(|v| Str::from(v.name)));
        if verb.run.is_none() || verb.name == "kubectl" {
            return matching(out, current);
        }
    } else {
        out.extend(arguments(profile, verb.name, &positional(&rest, &known), current, &namespace, lookup));
    }
    matching(out, current)
}

fn matching(mut all: Vec<Str>, current: &str) -> Vec<Str> {
    all.retain(|c| c.starts_with(current));
    all.arrange();
    all.dedup();
    all
}

fn flag_value(words: &[Str], short: &str, long: &str) -> Option<Str> {
    let at = words.iter().position(|w| w == short || w == long);
    let inline = words.iter().find_map(|w| w.strip_prefix(long)?.strip_prefix('=').map(Str::from));
    inline.or_else(|| at.and_then(|i| words.get(i + 1).cloned()))
}

/// Words that are neither flags nor their values.
fn positional(rest: &[Str], known: &[super::flags::Flag]) -> Vec<Str> {
    let mut out = Vec::new();
    let mut i = 0;
    while i < rest.len() {
        if rest[i].starts_with('-') {
            i += if super::takes_next(&rest[i], known) { 2 } else { 1 };
        } else {
            out.push(rest[i].clone());
            i += 1;
        }
    }
    out
}

fn arguments(
    profile: Profile,
    verb: &str,
    given: &[Str],
    current: &str,
    namespace: &str,
    lookup: &dyn Fn(Kind, &str) -> Vec<Str>,
) -> Vec<Str> {
    let pods = || lookup(Kind::POD, namespace);
    match (verb, given) {
        ("logs" | "exec" | "attach" | "port-forward", []) => pods(),
        ("cordon" | "uncordon" | "drain", _) => lookup(Kind::NODE, ""),
        ("use-context" | "kubectl", _) => Vec::new(),
        ("taint", []) => vec!["node".into()],
        (
            "get" | "describe" | "delete" | "edit" | "label" | "annotate" | "patch" | "scale" | "expose" | "autoscale"
            | "wait" | "status" | "history" | "undo" | "restart" | "pause" | "resume" | "image" | "env" | "resources"
            | "explain",
            [],
        ) => {
            if let Some((kind, _)) = current.split_once('/') {
                return names(profile, kind, namespace, lookup)
                    .into_iter()
                    .map(|n| ecow::eco_format!("{kind}/{n}"))
                    .collect();
            }
            discovery::resources(profile).iter().filter(|r| r.modelled.is_some()).map(|r| Str::from(r.name)).collect()
        }
        (_, [kind, ..]) => names(profile, kind, namespace, lookup),
        _ => Vec::new(),
    }
}

fn names(profile: Profile, word: &str, namespace: &str, lookup: &dyn Fn(Kind, &str) -> Vec<Str>) -> Vec<Str> {
    match discovery::resolve(profile, word).and_then(|r| r.modelled) {
        Some(kind) => lookup(kind, if kind.namespaced() { namespace } else { "" }),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, current: &str, want: &[&str]) {
        let words: Vec<Str> = line.split(' ').map(Str::from).collect();
        let lookup = |kind: Kind, _: &str| match kind {
            Kind::POD => vec![Str::from("web-1"), Str::from("web-2"), Str::from("db")],
            Kind::NAMESPACE => vec![Str::from("default"), Str::from("kube-system")],
            _ => Vec::new(),
        };
        let got = complete(Profile::Book, &words, current, &lookup);
        assert_eq!(got, want, "{line} {current}");
    }

    #[test]
    fn candidates() {
        check("kubectl", "des", &["describe"]);
        check("kubectl get", "deploy", &["deployments"]);
        check("kubectl get pods", "web", &["web-1", "web-2"]);
        check("kubectl logs", "d", &["db"]);
        check("kubectl get pods -n", "ku", &["kube-system"]);
        check("kubectl get pods", "--all", &["--all-namespaces", "--allow-missing-template-keys"]);
        check("kubectl create", "deploy", &["deployment"]);
        check("kubectl describe", "pod/d", &["pod/db"]);
    }
}
