//! kube-scheduler: finds a node for each pod that has none, and binds it.
//!
//! - [`queue`]: pods that wait; [`cache`] and [`node_info`]: the cluster as it will be
//! - [`plugins`]: filters and scores; [`cycle`]: one pod's attempt; [`preemption`]: making room
//!
//! Models pkg/scheduler. Not modelled: several profiles, extenders, permit and reserve plugins.

pub mod cache;
pub mod cycle;
pub mod node_info;
pub mod plugins;
pub mod preemption;
pub mod queue;

#[cfg(test)]
mod placement_tests;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::cache::Cache;
use self::node_info::PodInfo;
use self::queue::Queue;
use crate::api::{Kind, Object, ObjectKey, Request, Value, meta, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time, concat};
use crate::component_boilerplate;
use crate::sim::election::{Election, Outcome};
use crate::sim::flowcontrol::Client;
use crate::sim::informer::{Delta, Informer, RETRY_TIMER};
use crate::sim::recorder::{EventRecorder, Fact};
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile, Reply};

const USER: &str = "system:kube-scheduler";
const AGENT: &str = "kube-scheduler";
/// `spec.schedulerName` of the pods it cares for, and the name in its events.
const NAME: &str = "default-scheduler";
const QPS: u64 = 50;
const BURST: u64 = 100;
/// Time one attempt takes.
const CYCLE: Duration = Duration::micros(800);

// Timers.
const ELECTION: u16 = 1;
const CYCLE_DONE: u16 = 2;
const CLIENT: u16 = 3;
const QUEUE: u16 = 4;

// Tokens.
const ELECTION_TOKEN: u64 = 1;
const EVENT_TOKEN: u64 = 2;
const IGNORED_TOKEN: u64 = 3;
const INFORMER_TOKENS: u64 = 100;
const BIND_TOKENS: u64 = 1 << 32;

/// What it watches.
const KINDS: [Kind; 11] = [
    Kind::NODE,
    Kind::POD,
    Kind::SERVICE,
    Kind::REPLICA_SET,
    Kind::STATEFUL_SET,
    Kind::REPLICATION_CONTROLLER,
    Kind::PERSISTENT_VOLUME_CLAIM,
    Kind::PERSISTENT_VOLUME,
    Kind::STORAGE_CLASS,
    Kind::POD_DISRUPTION_BUDGET,
    // For the namespaceSelector of affinity terms, which came with 1.21: last, and left out before.
    Kind::NAMESPACE,
];

#[derive(Clone, Debug)]
pub struct Scheduler {
    profile: Profile,
    server: Endpoint,
    /// Requests a second; raise it for benchmarks.
    pub qps: u64,
    election: Election,
    recorder: EventRecorder,
    informers: Vec<Informer>,
    cache: Cache,
    queue: Queue,
    client: Client,
    client_waits: bool,
    running: bool,
    /// An attempt is under way.
    busy: bool,
    /// When the queue is looked at next, if nothing happens before.
    queue_timer: Option<Time>,
    /// Where the search for nodes begins.
    next_start: u32,
    next_token: u64,
    /// Bindings under way; without a node those of a pod's claims.
    binding: OrdMap<u64, (ObjectKey, Str)>,
    /// Pods that made room for themselves: node and demand.
    nominated: OrdMap<ObjectKey, (Str, Arc<PodInfo>)>,
    /// Pods whose claims are being bound: their UID and the node chosen.
    binding_volumes: OrdMap<ObjectKey, (Str, Str)>,
}

impl Scheduler {
    pub fn new(profile: Profile, server: Endpoint) -> Scheduler {
        let informer =
            |(n, kind): (usize, &Kind)| Informer::new(*kind, server.clone(), USER, INFORMER_TOKENS + 2 * n as u64);
        Scheduler {
            profile,
            qps: QPS,
            election: Election::new(AGENT, server.clone(), ELECTION_TOKEN, ELECTION),
            recorder: EventRecorder::new(NAME, "", USER, server.clone(), EVENT_TOKEN),
            informers: KINDS
                .iter()
                .enumerate()
                .take(KINDS.len() - usize::from(profile == Profile::Book))
                .map(informer)
                .collect(),
            server,
            cache: Cache::default(),
            queue: Queue::default(),
            client: Client::new(BURST),
            client_waits: false,
            running: false,
            busy: false,
            queue_timer: None,
            next_start: 0,
            next_token: BIND_TOKENS,
            binding: OrdMap::new(),
            nominated: OrdMap::new(),
            binding_volumes: OrdMap::new(),
        }
    }

    /// Whether it leads and its caches are filled.
    pub fn ready(&self) -> bool {
        self.running
    }
    /// Waiting pods: (to be tried, backing off, unschedulable).
    pub fn waiting(&self) -> (u64, u64, u64) {
        self.queue.lengths()
    }

    fn informer(&self, kind: Kind) -> Option<&Informer> {
        self.informers.get(KINDS.iter().position(|k| *k == kind)?)
    }

    // --- what changes in the cluster ---

    fn changed(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        match delta.key.kind {
            Kind::POD => self.pod_changed(ctx, delta),
            Kind::NODE => self.node_changed(ctx, delta),
            Kind::REPLICA_SET
            | Kind::STATEFUL_SET
            | Kind::REPLICATION_CONTROLLER
            | Kind::NAMESPACE
            | Kind::POD_DISRUPTION_BUDGET => {}
            _ => {
                self.queue.move_all(ctx.now(), ctx.cause);
                self.bind_with_volumes(ctx);
            }
        }
    }

    /// Binds the pods whose claims are all bound by now.
    fn bind_with_volumes(&mut self, ctx: &mut Ctx<'_>) {
        for (key, (uid, node)) in self.binding_volumes.clone() {
            let bound = |name: Str| {
                let claim = self.informer(Kind::PERSISTENT_VOLUME_CLAIM).and_then(|i| i.named(&key.namespace, &name));
                claim.is_some_and(|c| c.str(&["status", "phase"]) == "Bound")
            };
            let pod = self.informer(Kind::POD).and_then(|i| i.get(&key)).cloned();
            let ready = pod.as_ref().is_some_and(|p| plugins::volume_binding::claims(p).all(bound));
            if ready || pod.is_none() {
                self.binding_volumes.remove(&key);
            }
            if ready {
                self.bind(ctx, &key, &uid, &node);
            }
        }
    }

    fn pod_changed(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        let key = &delta.key;
        // Finished pods count as gone.
        let Some(new) = delta.new.as_ref().filter(|p| !pod::terminal(p)) else {
            self.queue.remove(key);
            self.nominated.remove(key);
            let had_node = delta.old.as_ref().is_some_and(|o| !pod::node_name(o).is_empty());
            self.cache.displace(key);
            if had_node {
                self.queue.move_all(ctx.now(), ctx.cause);
            }
            return;
        };
        if !pod::node_name(new).is_empty() {
            self.queue.remove(key);
            self.nominated.remove(key);
            self.cache.set_pod(new.clone());
            return;
        }
        if new.str(&["spec", "schedulerName"]) != NAME || self.cache.assumed(key) {
            return;
        }
        let fresh = delta.old.as_ref().is_none_or(|o| meta::uid(o) != meta::uid(new));
        if fresh || !self.queue.contains(key) {
            if new.items(&["spec", "schedulingGates"]).is_empty() {
                let priority = new.int(&["spec", "priority"]).unwrap_or(0);
                self.queue.add(key.clone(), priority, ctx.now(), ctx.cause);
            }
        } else if delta.old.as_ref().is_some_and(|o| asks_anew(o, new, self.profile)) {
            self.queue.updated(key, ctx.now(), ctx.cause, self.profile);
        }
    }

    fn node_changed(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        match &delta.new {
            None => self.cache.remove_node(&delta.key.name),
            Some(new) => {
                self.cache.set_node(new.clone());
                if delta.old.as_ref().is_none_or(|old| offers_more(old, new)) {
                    self.queue.move_all(ctx.now(), ctx.cause);
                }
            }
        }
    }

    // --- requests ---

    fn send(&mut self, ctx: &Ctx<'_>, token: u64, request: Request) {
        let request = Request { user: USER.into(), user_agent: AGENT.into(), timeout: Duration::secs(30), ..request };
        self.client.push((token, request, ctx.cause));
    }

    fn event(&mut self, ctx: &Ctx<'_>, about: &Object, kind: &str, reason: &str, action: &str, message: Str) {
        let fact = Fact { about: meta::object_reference(about), kind, reason, message, action };
        if let Some(request) = self.recorder.make(ctx.now(), fact) {
            self.send(ctx, EVENT_TOKEN, request);
        }
    }

    fn bind(&mut self, ctx: &Ctx<'_>, key: &ObjectKey, uid: &str, node: &str) {
        let body = map! {
            "apiVersion" => "v1",
            "kind" => "Binding",
            "metadata" => map! { "name" => &key.name, "namespace" => &key.namespace, "uid" => uid },
            "target" => map! { "kind" => "Node", "name" => node },
        };
        let request = Request {
            subresource: "binding".into(),
            body: Some(Value::Map(body)),
            ..Request::new(crate::api::Verb::Create, Kind::POD, key.namespace.clone(), key.name.clone())
        };
        self.next_token += 1;
        self.binding.insert(self.next_token, (key.clone(), node.into()));
        self.send(ctx, self.next_token, request);
    }

    fn bound(&mut self, ctx: &mut Ctx<'_>, token: u64, reply: Reply) {
        let Some((key, node)) = self.binding.remove(&token) else { return };
        let refused = matches!(&reply, Err(_) | Ok(crate::api::Response::Error(_)));
        if node.is_empty() && !refused {
            return; // a volume is kept for its claim; the pod is bound when the claim is
        }
        self.binding_volumes.remove(&key);
        if !refused {
            self.queue.remove(&key);
            self.nominated.remove(&key);
            let message = concat(&["Successfully assigned ", &key.namespace, "/", &key.name, " to ", &node]);
            if let Some(pod) = self.informer(Kind::POD).and_then(|i| i.get(&key)).cloned() {
                self.event(ctx, &pod, "Normal", "Scheduled", "Binding", message);
            }
            return;
        }
        self.cache.forget(&key);
        let moves = self.queue.moves;
        self.queue.failed(&key, moves, true, ctx.now());
        self.queue.move_all(ctx.now(), ctx.cause);
    }

    fn flush(&mut self, ctx: &mut Ctx<'_>) {
        let (due, wait) = self.client.due(ctx.now(), self.qps);
        for (token, request, cause) in due {
            ctx.cause = cause;
            ctx.request(&self.server, token, request);
        }
        if let Some(wait) = wait
            && !self.client_waits
        {
            self.client_waits = true;
            ctx.timer(wait, CLIENT, "");
        }
    }

    // --- the loop ---

    fn pump(&mut self, ctx: &mut Ctx<'_>) {
        while self.running && !self.busy {
            let Some((key, cause)) = self.queue.pop() else { break };
            ctx.cause = cause;
            if self.attempt(ctx, &key) {
                self.busy = true;
                ctx.timer(CYCLE, CYCLE_DONE, "");
            }
        }
        self.flush(ctx);
    }

    /// Looks at the queue's clocks, and sets the timer for the next look.
    fn look(&mut self, ctx: &mut Ctx<'_>) {
        let Some(due) = self.queue.tick(ctx.now(), self.profile) else { return };
        if self.queue_timer.is_none_or(|t| t > due || t <= ctx.now()) {
            self.queue_timer = Some(due);
            ctx.timer(due.since(ctx.now()), QUEUE, "");
        }
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        if self.running || !self.election.leading() || !self.informers.iter().all(Informer::synced) {
            return;
        }
        self.running = true;
        for kind in [Kind::NODE, Kind::POD] {
            let all: Vec<Arc<Object>> = self.informer(kind).into_iter().flat_map(|i| i.iter()).cloned().collect();
            for o in all {
                self.changed(ctx, &Delta { key: o.key.clone(), old: None, new: Some(o) });
            }
        }
    }

    fn elected(&mut self, ctx: &mut Ctx<'_>, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Lost => self.running = false,
            Outcome::Elected => {
                self.informers.iter_mut().filter(|i| !i.synced()).for_each(|i| i.start(ctx));
                self.begin(ctx);
            }
        }
    }

    fn informed(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let token = match &msg {
            Msg::Response(t, _) | Msg::Watch(t, _) | Msg::WatchClosed(t) => *t,
            Msg::Timer(_, arg) => arg.parse().unwrap_or(0),
            _ => return,
        };
        let n = token.saturating_sub(INFORMER_TOKENS) as usize / 2;
        let cause = ctx.cause;
        let Some(Ok(deltas)) = self.informers.get_mut(n).map(|i| i.handle(ctx, msg)) else { return };
        if self.running {
            for delta in &deltas {
                ctx.cause = cause;
                self.changed(ctx, delta);
            }
            self.look(ctx);
        }
        self.begin(ctx);
    }
}

/// Whether a waiting pod's change may make it schedulable: anything but its status.
/// 1.20 compares managed fields too: the scheduler's own note of why the pod waits makes it try again.
fn asks_anew(old: &Object, new: &Object, profile: Profile) -> bool {
    let same = |path: &[&str]| old.get(path) == new.get(path);
    !(same(&["spec"]) && same(&["metadata", "labels"]) && same(&["metadata", "annotations"]))
        || profile == Profile::Book && old.managed != new.managed
}

/// Whether a node's change may let a pod in; heartbeats do not.
fn offers_more(old: &Object, new: &Object) -> bool {
    let differs = |path: &[&str]| old.get(path) != new.get(path);
    let conditions = |o: &Object| -> Vec<(Str, Str)> {
        let all = o.items(&["status", "conditions"]).iter();
        all.map(|c| (c.str("type").into(), c.str("status").into())).collect()
    };
    differs(&["spec"])
        || differs(&["status", "allocatable"])
        || differs(&["metadata", "labels"])
        || conditions(old) != conditions(new)
}

impl Component for Scheduler {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                let host = ctx.host().name.clone();
                self.recorder = EventRecorder::new(NAME, &host, USER, self.server.clone(), EVENT_TOKEN)
                    .with_agent(AGENT)
                    .events_v1();
                self.election.start(ctx);
            }
            Msg::Timer(ELECTION, _) => {
                let outcome = self.election.tick(ctx);
                self.elected(ctx, outcome);
            }
            Msg::Timer(CYCLE_DONE, _) => self.busy = false,
            Msg::Timer(CLIENT, _) => self.client_waits = false,
            Msg::Timer(QUEUE, _) => {
                self.queue_timer = None;
                self.look(ctx);
            }
            Msg::Timer(RETRY_TIMER, _) | Msg::Watch(..) | Msg::WatchClosed(_) => self.informed(ctx, msg),
            Msg::Response(token, reply) if self.election.owns(token) => {
                let outcome = self.election.answer(ctx, reply, &mut self.recorder);
                self.elected(ctx, outcome);
            }
            Msg::Response(EVENT_TOKEN, _) => self.recorder.answered(ctx),
            Msg::Response(IGNORED_TOKEN, _) => return,
            Msg::Response(token, reply) if token >= BIND_TOKENS => {
                self.bound(ctx, token, reply);
                self.look(ctx);
            }
            Msg::Response(..) => self.informed(ctx, msg),
            _ => {}
        }
        self.pump(ctx);
    }

    component_boilerplate!();
}
