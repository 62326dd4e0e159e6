//! InterPodAffinity: required and preferred terms of the pod, and of those already placed.
//! Models framework/plugins/interpodaffinity.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cycle, MAX_SCORE};
use crate::api::selector::LabelSelector;
use crate::api::{Object, Value, meta, pod};
use crate::base::Str;
use crate::scheduler::cache::Cache;
use crate::scheduler::node_info::{NodeInfo, PodInfo};
use crate::sim::informer::Informer;

const BASE: &str = "node(s) didn't match pod affinity/anti-affinity";
const AFFINITY: &str = "node(s) didn't match pod affinity rules";
const ANTI: &str = "node(s) didn't match pod anti-affinity rules";
const EXISTING: &str = "node(s) didn't satisfy existing pods anti-affinity rules";

#[derive(Clone, Debug)]
struct Term {
    selector: LabelSelector,
    namespaces: Vec<Str>,
    topology: Str,
    weight: i64,
    /// Topology value → matching pods there.
    counts: BTreeMap<Str, i64>,
    self_match: bool,
}

impl Term {
    fn new(owner: &Object, term: &Value, weight: i64, spaces: Option<&Informer>) -> Term {
        let mut namespaces: Vec<Str> =
            term.get("namespaces").map_or(&[][..], Value::items).iter().map(|n| n.as_str().into()).collect();
        let chosen = term.get("namespaceSelector").filter(|s| !s.is_null());
        if let Some(selector) = chosen.map(LabelSelector::of_value) {
            let all = spaces.into_iter().flat_map(|i| i.iter());
            namespaces.extend(all.filter(|n| selector.matches(meta::labels(n))).map(|n| n.name().clone()));
        } else if namespaces.is_empty() {
            namespaces.push(owner.namespace().clone());
        }
        Term {
            selector: term.get("labelSelector").map(LabelSelector::of_value).unwrap_or_default(),
            namespaces,
            topology: term.str("topologyKey").into(),
            weight,
            counts: BTreeMap::new(),
            self_match: false,
        }
    }
    fn matches(&self, p: &PodInfo) -> bool {
        self.namespaces.contains(&p.key().namespace) && self.selector.matches(p.labels())
    }
}

#[derive(Clone, Debug, Default)]
pub struct Affinity {
    required: Vec<Term>,
    anti: Vec<Term>,
    preferred: Vec<Term>,
    /// (topology key, value) that placed pods want to themselves.
    closed: BTreeSet<(Str, Str)>,
    /// (topology key, value) → how much placed pods want this one there.
    drawn: BTreeMap<(Str, Str), i64>,
}

/// What a placed pod's required affinity weighs for those it matches.
const HARD_WEIGHT: i64 = 1;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

impl Affinity {
    pub fn new(info: &PodInfo, cache: &Cache, spaces: Option<&Informer>) -> Affinity {
        let p = &info.pod;
        let items = |side, when| p.items(&["spec", "affinity", side, when]);
        let hard = |side| items(side, REQUIRED).iter().map(|t| Term::new(p, t, 1, spaces)).collect::<Vec<_>>();
        let soft = |side, sign: i64| {
            let one = |t: &Value| {
                let weight = t.get("weight").and_then(Value::as_int).unwrap_or(0);
                Some(Term::new(p, t.get("podAffinityTerm")?, sign * weight, spaces))
            };
            items(side, PREFERRED).iter().filter_map(one).collect::<Vec<_>>()
        };
        let mut out = Affinity { required: hard("podAffinity"), anti: hard("podAntiAffinity"), ..Affinity::default() };
        out.preferred = soft("podAffinity", 1);
        out.preferred.extend(soft("podAntiAffinity", -1));
        for placed in cache.with_anti_affinity() {
            out.close(info, placed, cache, spaces);
        }
        for placed in cache.with_soft_affinity() {
            out.draw(info, placed, cache, spaces);
        }
        let terms = || out.required.len() + out.anti.len() + out.preferred.len();
        if terms() > 0 {
            out.count(info, cache);
        }
        out
    }

    /// What a placed pod's terms say about this one.
    fn draw(&mut self, info: &PodInfo, placed: &PodInfo, cache: &Cache, spaces: Option<&Informer>) {
        let Some(node) = cache.node(pod::node_name(&placed.pod)) else { return };
        let items = |side, when| placed.pod.items(&["spec", "affinity", side, when]).iter();
        let hard = items("podAffinity", REQUIRED).map(|t| (t, HARD_WEIGHT));
        let soft = |side, sign: i64| {
            items(side, PREFERRED).filter_map(move |t| {
                let weight = t.get("weight").and_then(Value::as_int).unwrap_or(0);
                Some((t.get("podAffinityTerm")?, sign * weight))
            })
        };
        for (t, weight) in hard.chain(soft("podAffinity", 1)).chain(soft("podAntiAffinity", -1)) {
            let term = Term::new(&placed.pod, t, weight, spaces);
            if term.matches(info)
                && let Some(value) = node.label(&term.topology)
            {
                *self.drawn.entry((term.topology, value.into())).or_default() += weight;
            }
        }
    }

    fn close(&mut self, info: &PodInfo, placed: &PodInfo, cache: &Cache, spaces: Option<&Informer>) {
        let Some(node) = cache.node(pod::node_name(&placed.pod)) else { return };
        for t in placed.pod.items(&["spec", "affinity", "podAntiAffinity", REQUIRED]) {
            let term = Term::new(&placed.pod, t, 1, spaces);
            if term.matches(info)
                && let Some(value) = node.label(&term.topology)
            {
                self.closed.insert((term.topology, value.into()));
            }
        }
    }

    fn count(&mut self, info: &PodInfo, cache: &Cache) {
        for term in self.required.iter_mut().chain(&mut self.anti).chain(&mut self.preferred) {
            term.self_match = term.matches(info);
            for placed in cache.scheduled_pods() {
                if !term.matches(placed) {
                    continue;
                }
                let node = cache.node(pod::node_name(&placed.pod));
                if let Some(value) = node.and_then(|n| n.label(&term.topology)) {
                    *term.counts.entry(value.into()).or_default() += 1;
                }
            }
        }
    }
}

fn here(term: &Term, node: &NodeInfo) -> i64 {
    node.label(&term.topology).and_then(|v| term.counts.get(v)).copied().unwrap_or(0)
}

pub fn concerns(cycle: &Cycle<'_>) -> bool {
    let a = &cycle.affinity;
    !(a.required.is_empty() && a.anti.is_empty() && a.closed.is_empty())
}

pub fn filter(cycle: &Cycle<'_>, node: &NodeInfo) -> Option<(Vec<Str>, bool)> {
    let a = &cycle.affinity;
    let because = |reason: &str, unresolvable| {
        let mut reasons: Vec<Str> = vec![reason.into()];
        if !cycle.modern() {
            reasons.insert(0, BASE.into());
        }
        Some((reasons, unresolvable))
    };
    if !a.required.is_empty() {
        let met = a.required.iter().all(|t| here(t, node) > 0);
        // The first pod of a group may match only itself.
        let first = a.required.iter().all(|t| t.counts.is_empty() && t.self_match)
            && a.required.iter().all(|t| node.label(&t.topology).is_some());
        if !met && !first {
            return because(AFFINITY, true);
        }
    }
    if a.anti.iter().any(|t| here(t, node) > 0) {
        return because(ANTI, false);
    }
    let closed = |(topology, value): &(Str, Str)| node.label(topology) == Some(value.as_str());
    if a.closed.iter().any(closed) {
        return because(EXISTING, false);
    }
    None
}

pub fn score(cycle: &Cycle<'_>, nodes: &[&NodeInfo]) -> Option<Vec<i64>> {
    let Affinity { preferred, drawn, .. } = &cycle.affinity;
    if preferred.is_empty() && drawn.is_empty() {
        return None;
    }
    let raw = |n: &&NodeInfo| {
        let own: i64 = preferred.iter().map(|t| t.weight * here(t, n)).sum();
        let others = drawn.iter().filter(|((topology, value), _)| n.label(topology) == Some(value.as_str()));
        own + others.map(|(_, weight)| weight).sum::<i64>()
    };
    let raw: Vec<i64> = nodes.iter().map(raw).collect();
    let (max, min) = (raw.iter().max().copied().unwrap_or(0), raw.iter().min().copied().unwrap_or(0));
    Some(raw.iter().map(|s| if max == min { 0 } else { MAX_SCORE * (s - min) / (max - min) }).collect())
}
