//! One attempt to find a node for one pod.
//! Models pkg/scheduler/schedule_one.go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::node_info::{NodeInfo, PodInfo};
use super::plugins::{self, Affinity, Cycle, Misfit, Spread, volume_binding};
use super::{IGNORED_TOKEN, Scheduler, preemption};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, List, Map, Object, ObjectKey, Request, Value, meta, storage};
use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::sim::{Ctx, Profile, What};

/// Nodes whose scores and reasons a trace record shows, the best first.
const SHOWN: usize = 10;

/// What the search for a node came to.
#[derive(Debug, Default)]
struct Found {
    /// Indexes of nodes.
    feasible: Vec<u32>,
    misfits: Vec<(Str, Misfit)>,
    /// The pod fits nowhere, whatever the nodes.
    nowhere: Option<Str>,
    /// Nodes looked at.
    tried: u32,
}

impl Scheduler {
    /// Tries to place a pod; whether that was an attempt at all.
    pub(super) fn attempt(&mut self, ctx: &mut Ctx<'_>, key: &ObjectKey) -> bool {
        let pod = self.informer(Kind::POD).and_then(|i| i.get(key)).cloned();
        let Some(pod) = pod.filter(|p| !meta::deleting(p) && !self.cache.assumed(key)) else {
            self.queue.remove(key);
            return false;
        };
        let moves = self.queue.moves;
        let info = PodInfo::new(pod.clone());
        let workload = self.workload_selector(&pod);
        let spread = Spread::new(self.profile, &info, &mut self.cache, &workload);
        let affinity = Affinity::new(&info, &self.cache, self.informer(Kind::NAMESPACE));
        let stores = volume_binding::Stores {
            claims: self.informer(Kind::PERSISTENT_VOLUME_CLAIM),
            volumes: self.informer(Kind::PERSISTENT_VOLUME),
            classes: self.informer(Kind::STORAGE_CLASS),
        };
        let volumes = volume_binding::prepare(&pod, &stores);
        let nowhere = volumes.as_ref().err().cloned();
        let volumes = volumes.unwrap_or_default();
        let images = plugins::image_locality::images(&pod).map(|i| self.cache.image(i)).collect();
        let cycle = Cycle {
            profile: self.profile,
            pod: &info,
            cache: &self.cache,
            spread,
            affinity,
            volumes,
            images,
            filters: Vec::new(),
        }
        .prepared();
        let found = match nowhere {
            Some(reason) => Found { nowhere: Some(reason), ..Found::default() },
            None => self.search(&cycle),
        };
        if found.feasible.is_empty() {
            let (victim, told) = match found.nowhere {
                Some(_) => (None, Str::from("not found")),
                None => {
                    let budgets = self.informer(Kind::POD_DISRUPTION_BUDGET);
                    preemption::find(&cycle, &found.misfits, &self.nominated, budgets)
                }
            };
            self.unschedulable(ctx, &info, &found, victim, told, moves);
            return true;
        }
        let feasible: Vec<&NodeInfo> = found.feasible.iter().map(|i| &*self.cache.nodes()[*i as usize]).collect();
        let scores = if feasible.len() > 1 { plugins::score(&cycle, &feasible) } else { Vec::new() };
        let total = |i: usize| scores.iter().map(|(_, s)| s[i]).sum::<i64>();
        let totals: Vec<i64> = (0..feasible.len()).map(total).collect();
        self.next_start = (self.next_start + found.tried) % self.cache.nodes().len().max(1) as u32;
        let chosen = self.choose(ctx, &totals);
        let node = feasible[chosen].name().clone();
        let detail = map! {
            "node" => &node,
            "scores" => shown_scores(&feasible, &scores, &totals),
            "filtered" => shown_misfits(&found.misfits),
        };
        ctx.cause = ctx.trace(What::Decide { key: key.clone(), verdict: "Bind", detail: detail.into() });
        let claims = volume_binding::assign(&cycle, feasible[chosen]);
        drop(cycle); // it shares the cache's counts
        self.cache.assume(&info, &node);
        if claims.is_empty() {
            self.bind(ctx, key, meta::uid(&pod), &node);
        } else {
            self.bind_claims(ctx, key, meta::uid(&pod), &node, claims);
        }
        true
    }

    /// Chooses volumes for claims that waited for this pod: keeps each for its claim, or says on which
    /// node one is to be made. The pod is bound when the claims are.
    fn bind_claims(
        &mut self,
        ctx: &mut Ctx<'_>,
        key: &ObjectKey,
        uid: &str,
        node: &str,
        claims: Vec<(Arc<Object>, Option<Arc<Object>>)>,
    ) {
        self.binding_volumes.insert(key.clone(), (uid.into(), node.into()));
        for (claim, volume) in claims {
            let mut next = match &volume {
                Some(v) if storage::kept_for(v, &claim) => continue,
                Some(v) => (**v).clone(),
                None => (*claim).clone(),
            };
            if volume.is_some() {
                next.set(&["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"], "yes");
                next.set(&["spec", "claimRef"], meta::object_reference(&claim));
            } else {
                next.set(&["metadata", "annotations", "volume.kubernetes.io/selected-node"], node);
            }
            self.next_token += 1;
            self.binding.insert(self.next_token, (key.clone(), Str::new()));
            self.send(ctx, self.next_token, Request::update(next));
        }
    }

    /// What spreads together with this pod: the selectors of its services and of its controller.
    /// Models framework/plugins/helper DefaultSelector.
    fn workload_selector(&self, pod: &Object) -> LabelSelector {
        let mut all = LabelSelector::default();
        for service in self.informer(Kind::SERVICE).into_iter().flat_map(|i| i.in_namespace(pod.namespace())) {
            if let Some(labels) = service.get(&["spec", "selector"]).and_then(Value::as_map)
                && !labels.is_empty()
            {
                let selector = LabelSelector::of_map(labels);
                if selector.matches(meta::labels(pod)) {
                    all.0.extend(selector.0);
                }
            }
        }
        let Some(owner) = meta::controller_of(pod) else { return all };
        let kind = match owner.str("kind") {
            "ReplicaSet" => Kind::REPLICA_SET,
            "StatefulSet" => Kind::STATEFUL_SET,
            "ReplicationController" => Kind::REPLICATION_CONTROLLER,
            _ => return all,
        };
        let owner = self.informer(kind).and_then(|i| i.named(pod.namespace(), owner.str("name")));
        if let Some(selector) = owner.and_then(|o| o.get(&["spec", "selector"])) {
            let selector = match (kind, selector.as_map()) {
                (Kind::REPLICATION_CONTROLLER, Some(labels)) => LabelSelector::of_map(labels),
                _ => LabelSelector::of_value(selector),
            };
            all.0.extend(selector.0);
        }
        all
    }

    /// Runs the filters over the nodes, from where the last search ended, until enough fit.
    fn search(&self, cycle: &Cycle<'_>) -> Found {
        let nodes = self.cache.nodes();
        let enough = enough_nodes(nodes.len());
        let mut found = Found::default();
        for i in 0..nodes.len() {
            let index = (self.next_start as usize + i) % nodes.len();
            let node = &nodes[index];
            found.tried += 1;
            match self.filter(cycle, node) {
                None => found.feasible.push(index as u32),
                Some(misfit) => found.misfits.push((node.name().clone(), misfit)),
            }
            if found.feasible.len() >= enough {
                break;
            }
        }
        found
    }

    /// The filters, with the demand of pods that wait for room they made on this node.
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Option<Misfit> {
        if self.nominated.is_empty() {
            return plugins::filter(cycle, node);
        }
        let waiting = |(key, (on, p)): &(&ObjectKey, &(Str, Arc<PodInfo>))| {
            on == node.name() && *key != cycle.pod.key() && p.priority >= cycle.pod.priority
        };
        let mut nominated = self.nominated.iter().filter(waiting).peekable();
        if nominated.peek().is_some() {
            let mut crowded = node.clone();
            nominated.for_each(|(_, (_, p))| crowded.add(p.clone()));
            if let Some(misfit) = plugins::filter(cycle, &crowded) {
                return Some(misfit);
            }
        }
        plugins::filter(cycle, node)
    }

    /// Position of the best total. Ties: at random in `book`; in `modern` the node that passed the filters
    /// first. These run in parallel: one thread begins with the first node, another one with the last.
    fn choose(&self, ctx: &mut Ctx<'_>, totals: &[i64]) -> usize {
        let best = totals.iter().copied().max().unwrap_or(0);
        if self.profile == Profile::Book {
            let ties: Vec<usize> = (0..totals.len()).filter(|i| totals[*i] == best).collect();
            return ties.get(ctx.rng.below(ties.len() as u64) as usize).copied().unwrap_or(0);
        }
        let (mut front, mut back) = (0, totals.len());
        let mut at_front = ctx.rng.chance(83);
        while front < back {
            let i = if at_front { front } else { back - 1 };
            if totals[i] == best {
                return i;
            }
            if at_front {
                front += 1
            } else {
                back -= 1
            }
            // Mostly by turns.
            if ctx.rng.chance(80) {
                at_front = !at_front;
            }
        }
        0
    }

    fn unschedulable(
        &mut self,
        ctx: &mut Ctx<'_>,
        info: &PodInfo,
        found: &Found,
        victims: Option<preemption::Candidate>,
        told: Str,
        moves: u64,
    ) {
        let key = info.key().clone();
        let message = self.message(found, victims.is_none().then_some(told));
        let detail = map! { "message" => &message, "filtered" => shown_misfits(&found.misfits) };
        ctx.cause = ctx.trace(What::Decide { key: key.clone(), verdict: "Unschedulable", detail: detail.into() });
        self.queue.failed(&key, moves, false, ctx.now());
        let nominee = victims.as_ref().map(|c| c.node.clone());
        if let Some(candidate) = victims {
            self.preempt(ctx, info, candidate);
        }
        self.event(ctx, &info.pod, "Warning", "FailedScheduling", "Scheduling", message.clone());
        self.write_condition(ctx, &info.pod, &message, nominee);
        self.look(ctx);
    }

    fn preempt(&mut self, ctx: &mut Ctx<'_>, info: &PodInfo, candidate: preemption::Candidate) {
        let names: Vec<&Str> = candidate.victims.iter().map(|v| v.name()).collect();
        let detail = map! { "node" => &candidate.node, "victims" => names };
        let cause = ctx.cause;
        ctx.cause = ctx.trace(What::Decide { key: info.key().clone(), verdict: "Preempt", detail: detail.into() });
        for victim in &candidate.victims {
            self.send(ctx, IGNORED_TOKEN, Request::delete(&victim.key));
            let message = match self.profile {
                Profile::Book => ecow::eco_format!(
                    "Preempted by {}/{} on node {}",
                    info.key().namespace,
                    info.key().name,
                    candidate.node
                ),
                Profile::Modern => {
                    ecow::eco_format!("Preempted by pod {} on node {}", meta::uid(&info.pod), candidate.node)
                }
            };
            self.event(ctx, victim, "Normal", "Preempted", "Preempting", message);
        }
        self.nominated.insert(info.key().clone(), (candidate.node, Arc::new(info.clone())));
        ctx.cause = cause;
    }

    /// Tells the pod why it waits.
    fn write_condition(&mut self, ctx: &Ctx<'_>, pod: &Object, message: &Str, nominee: Option<Str>) {
        let had = meta::condition(pod, "PodScheduled");
        if had == Some(("False", "Unschedulable", message)) && nominee.is_none() {
            return;
        }
        let transition = match had {
            Some(("False", ..)) => {
                let old = pod.items(&["status", "conditions"]).iter().find(|c| c.str("type") == "PodScheduled");
                old.map_or_else(|| ctx.now().rfc3339(), |c| c.str("lastTransitionTime").into())
            }
            _ => ctx.now().rfc3339(),
        };
        let mut condition = map! {
            "lastProbeTime" => Value::Null, "lastTransitionTime" => transition, "message" => message,
            "reason" => "Unschedulable", "status" => "False", "type" => "PodScheduled",
        };
        if self.profile == Profile::Modern {
            condition.insert("observedGeneration", meta::generation(pod));
        }
        let mut updated = pod.clone();
        let mut conditions: Vec<Value> = pod.items(&["status", "conditions"]).to_vec();
        conditions.retain(|c| c.str("type") != "PodScheduled");
        conditions.push(condition.into());
        updated.set(&["status", "conditions"], conditions);
        if let Some(node) = nominee {
            updated.set(&["status", "nominatedNodeName"], node);
        }
        self.send(ctx, IGNORED_TOKEN, Request::update_status(updated));
    }

    /// `0/4 nodes are available: 1 node(s) were unschedulable, 3 Insufficient cpu.` and, in `modern`,
    /// why nothing could be done about it.
    fn message(&self, found: &Found, told: Option<Str>) -> Str {
        let nodes = self.cache.nodes().len();
        if nodes == 0 {
            return "no nodes available to schedule pods".into();
        }
        let modern = self.profile == Profile::Modern;
        let why = match &found.nowhere {
            Some(reason) if modern => reason.clone(),
            Some(reason) => ecow::eco_format!("{nodes} {reason}"),
            None => histogram(found.misfits.iter().flat_map(|(_, m)| m.reasons.iter().cloned())),
        };
        match told.filter(|_| modern) {
            Some(told) => ecow::eco_format!("0/{nodes} nodes are available: {why}. {told}"),
            None => ecow::eco_format!("0/{nodes} nodes are available: {why}."),
        }
    }
}

/// `3 Insufficient cpu, …`: reasons counted, in alphabetical order of the counted texts.
pub(super) fn histogram(reasons: impl Iterator<Item = Str>) -> Str {
    let mut counts: BTreeMap<Str, u32> = BTreeMap::new();
    reasons.for_each(|r| *counts.entry(r).or_default() += 1);
    let mut texts: Vec<String> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    texts.arrange();
    texts.join(", ").into()
}

/// How many fitting nodes are enough: all of a small cluster, a share of a big one.
fn enough_nodes(all: usize) -> usize {
    if all < 100 {
        return all;
    }
    let percent = 50usize.saturating_sub(all / 125).max(5);
    (all * percent / 100).max(100)
}

fn shown_scores(nodes: &[&NodeInfo], scores: &[(&'static str, Vec<i64>)], totals: &[i64]) -> Map {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    let rank = |i: &usize| (std::cmp::Reverse(totals[*i]), *i);
    if order.len() > SHOWN {
        order.select_nth_unstable_by_key(SHOWN, rank);
        order.truncate(SHOWN);
    }
    order.sort_by_key(rank);
    let names: Vec<Str> = scores.iter().map(|(name, _)| Str::from(*name)).collect();
    let mut before: Option<(usize, Value)> = None;
    let mut of = |i: &usize| {
        // Nodes that score alike share one tree.
        let same = before.as_ref().filter(|(j, _)| scores.iter().all(|(_, s)| s[*i] == s[*j])).map(|(_, v)| v.clone());
        let shown = same.unwrap_or_else(|| {
            let plugins: Map = names.iter().zip(scores).map(|(n, (_, s))| (n.clone(), Value::Int(s[*i]))).collect();
            Value::Map(map! { "total" => totals[*i], "plugins" => plugins })
        });
        before = Some((*i, shown.clone()));
        (nodes[*i].name().clone(), shown)
    };
    order.iter().map(&mut of).collect()
}

fn shown_misfits(misfits: &[(Str, Misfit)]) -> Map {
    let of = |(node, m): &(Str, Misfit)| {
        let reasons: List = m.reasons.iter().map(Value::from).collect();
        (node.clone(), Value::Map(map! { "plugin" => m.plugin, "reasons" => reasons }))
    };
    misfits.iter().take(SHOWN).map(of).collect()
}
