//! The component: feeds the controllers from shared informers, runs their syncs, sends their
//! requests at their rate.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::kit::{Cache, Collected, Controller, Kit, Next, Op, Step, refusal, succeeded};
use super::registry;
use crate::api::selector::FieldSelector;
use crate::api::{Kind, ObjectKey, Request};
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::sim::election::{Election, Outcome};
use crate::sim::flowcontrol::Client;
use crate::sim::informer::{Delta, Informer, RETRY_TIMER};
use crate::sim::recorder::EventRecorder;
use crate::sim::workqueue::WorkQueue;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile, Reply, TraceId};

const USER: &str = "system:kube-controller-manager";
const AGENT: &str = "kube-controller-manager";

/// Requests a second of each controller's client, and how many at once.
const QPS: u64 = 20;
const BURST: u64 = 30;

// Timers.
const ELECTION: u16 = 1;
/// A controller's client may send again; argument: its number.
const CLIENT: u16 = 2;
/// A key comes back; argument: number of the delayed item.
const DELAYED: u16 = 3;
/// A controller's own timer; argument: `number:its argument`.
const WAKE: u16 = 4;

// Tokens below this are fixed: the election's, the recorders', the informers'.
const ELECTION_TOKEN: u64 = 1;
const EVENT_TOKEN: u64 = 2;
const IGNORED_TOKEN: u64 = 3;
const INFORMER_TOKENS: u64 = 100;
const UNIT_EVENT_TOKENS: u64 = 10_000;
const REQUEST_TOKENS: u64 = 1 << 32;

/// A sync that waits for answers.
#[derive(Clone, Debug)]
struct Running {
    cause: TraceId,
    work: Work,
    /// The key changed meanwhile: queue it again afterwards.
    dirty: Option<TraceId>,
}

#[derive(Clone, Debug)]
enum Work {
    /// Answers still missing, and those that came, by position.
    Ask { missing: u32, step: Step },
    /// The first is under way.
    Plan(VecDeque<Op>),
}

/// A controller and its machinery.
#[derive(Debug)]
struct Unit {
    controller: Box<dyn Controller>,
    /// Who its requests come from.
    user: Str,
    queue: WorkQueue,
    running: OrdMap<ObjectKey, Running>,
    client: Client,
    /// The CLIENT timer is set.
    client_waits: bool,
    /// Events wait for each other's answers.
    events: Vector<(Request, TraceId)>,
    event_under_way: bool,
    recorder: EventRecorder,
}

impl Clone for Unit {
    fn clone(&self) -> Unit {
        Unit {
            controller: self.controller.clone_box(),
            user: self.user.clone(),
            queue: self.queue.clone(),
            running: self.running.clone(),
            client: self.client.clone(),
            client_waits: self.client_waits,
            events: self.events.clone(),
            event_under_way: self.event_under_way,
            recorder: self.recorder.clone(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct ControllerManager {
    profile: Profile,
    server: Endpoint,
    /// Requests a second each controller's client may make; raise it for benchmarks.
    pub qps: u64,
    election: Election,
    /// Posts the election's event.
    recorder: EventRecorder,
    units: Vec<Unit>,
    cache: Cache,
    /// Which units hear of a kind.
    listeners: OrdMap<Kind, Vector<u16>>,
    /// Leads, and all caches are filled.
    running: bool,
    next_token: u64,
    /// Token → unit, key and position of the answer.
    in_flight: OrdMap<u64, (u16, ObjectKey, u32)>,
    /// Keys that come back later, the earliest time each, and their timers' numbers.
    delayed: OrdMap<(u16, ObjectKey), (u64, Time)>,
    delayed_by_number: OrdMap<u64, (u16, ObjectKey, TraceId)>,
    next_delayed: u64,
}

impl ControllerManager {
    pub fn new(profile: Profile, server: Endpoint) -> ControllerManager {
        let units: Vec<Unit> = registry::controllers(profile)
            .into_iter()
            .map(|controller| Unit {
                client: Client::new(BURST * controller.rate()),
                recorder: EventRecorder::new(
                    registry::event_source(controller.name()),
                    "",
                    USER,
                    server.clone(),
                    EVENT_TOKEN,
                )
                .with_agent(AGENT),
                user: registry::account(controller.name()).map_or(USER.into(), account_user),
                controller,
                queue: WorkQueue::default(),
                running: OrdMap::new(),
                client_waits: false,
                events: Vector::new(),
                event_under_way: false,
            })
            .collect();
        let mut listeners: OrdMap<Kind, Vector<u16>> = OrdMap::new();
        for (i, unit) in units.iter().enumerate() {
            for kind in unit.controller.watches() {
                listeners.entry(*kind).or_default().push_back(i as u16);
            }
        }
        let mut cache = Cache::default();
        for (n, kind) in listeners.keys().enumerate() {
            let mut informer = Informer::new(*kind, server.clone(), USER, INFORMER_TOKENS + 2 * n as u64);
            if *kind == Kind::LEASE {
                // Only the nodes' heartbeats matter here; our own lease would come back every 2 s.
                informer = informer.with_fields(FieldSelector::one("metadata.namespace", "kube-node-lease"));
            }
            cache.informers.insert(*kind, informer);
        }
        ControllerManager {
            profile,
            election: Election::new(AGENT, server.clone(), ELECTION_TOKEN, ELECTION),
            recorder: EventRecorder::new(AGENT, "", USER, server.clone(), EVENT_TOKEN).with_agent(AGENT),
            server,
            qps: QPS,
            units,
            cache,
            listeners,
            running: false,
            next_token: REQUEST_TOKENS,
            in_flight: OrdMap::new(),
            delayed: OrdMap::new(),
            delayed_by_number: OrdMap::new(),
            next_delayed: 0,
        }
    }

    /// Whether it leads and its caches are filled.
    pub fn ready(&self) -> bool {
        self.running
    }

    /// Runs `f` with a controller and its kit, then does what the call collected.
    fn call<R>(
        &mut self,
        ctx: &mut Ctx<'_>,
        unit: u16,
        f: impl FnOnce(&mut dyn Controller, &mut Kit<'_, '_>) -> R,
    ) -> R {
        let mut out = Collected::default();
        let u = &mut self.units[usize::from(unit)];
        let mut kit = Kit {
            ctx: &mut *ctx,
            cache: &self.cache,
            profile: self.profile,
            recorder: &mut u.recorder,
            client: &mut u.client,
            out: &mut out,
        };
        let result = f(&mut *u.controller, &mut kit);
        for (key, cause, after) in out.enqueue {
            self.enqueue(ctx, unit, key, cause, after);
        }
        for (arg, after) in out.wake {
            ctx.timer(after, WAKE, ecow::eco_format!("{unit}:{arg}"));
        }
        let u = &mut self.units[usize::from(unit)];
        for (request, cause) in out.send {
            u.client.push((IGNORED_TOKEN, dress(request, &u.user), cause));
        }
        u.events.extend(out.events);
        self.next_event(unit);
        result
    }

    /// Posts the next event of a unit, if none is under way.
    fn next_event(&mut self, unit: u16) {
        let u = &mut self.units[usize::from(unit)];
        if u.event_under_way {
            return;
        }
        if let Some((request, cause)) = u.events.pop_front() {
            u.event_under_way = true;
            u.client.push((UNIT_EVENT_TOKENS + u64::from(unit), dress(request, &u.user), cause));
        }
    }

    fn enqueue(&mut self, ctx: &mut Ctx<'_>, unit: u16, key: ObjectKey, cause: TraceId, after: Duration) {
        if after > Duration::ZERO {
            return self.delay(ctx, unit, key, cause, after);
        }
        let u = &mut self.units[usize::from(unit)];
        if let Some(running) = u.running.get_mut(&key) {
            running.dirty.get_or_insert(cause);
        } else {
            u.queue.add(key, cause);
        }
    }

    /// Queues `key` again after a while; of several such wishes the earliest counts.
    fn delay(&mut self, ctx: &mut Ctx<'_>, unit: u16, key: ObjectKey, cause: TraceId, after: Duration) {
        let due = ctx.now() + after;
        let at = (unit, key);
        if let Some((number, earlier)) = self.delayed.get(&at) {
            if *earlier <= due {
                return;
            }
            self.delayed_by_number.remove(number);
        }
        self.next_delayed += 1;
        self.delayed.insert(at.clone(), (self.next_delayed, due));
        self.delayed_by_number.insert(self.next_delayed, (unit, at.1, cause));
        ctx.timer(after, DELAYED, ecow::eco_format!("{}", self.next_delayed));
    }

    /// Starts syncs while there are keys and idle workers, and sends what may be sent.
    fn pump(&mut self, ctx: &mut Ctx<'_>) {
        for i in 0..self.units.len() {
            let workers = self.units[i].controller.workers() as usize;
            while self.running && self.units[i].running.len() < workers {
                let Some((key, cause)) = self.units[i].queue.pop() else { break };
                ctx.cause = cause;
                self.step(ctx, i as u16, key, cause, None, Step::default());
            }
            self.flush(ctx, i as u16);
        }
    }

    /// Calls a controller's sync and arranges what it wants next.
    fn step(
        &mut self,
        ctx: &mut Ctx<'_>,
        unit: u16,
        key: ObjectKey,
        cause: TraceId,
        dirty: Option<TraceId>,
        step: Step,
    ) {
        let next = self.call(ctx, unit, |c, kit| c.sync(kit, &key, step));
        match next {
            Next::Ask(requests, step) if requests.is_empty() => self.step(ctx, unit, key, cause, dirty, step),
            Next::Ask(requests, mut step) => {
                let missing = requests.len() as u32;
                step.replies = vec![Err(crate::sim::NetError::Reset); requests.len()];
                let from = ctx.cause;
                for (n, request) in requests.into_iter().enumerate() {
                    self.push(unit, &key, n as u32, request, from);
                }
                let work = Work::Ask { missing, step };
                self.units[usize::from(unit)].running.insert(key, Running { cause, work, dirty });
            }
            Next::Run(ops) => self.plan(ctx, unit, key, cause, dirty, ops),
            Next::Done => self.finish(ctx, unit, key, dirty, true, Duration::ZERO),
            Next::Retry => self.finish(ctx, unit, key, dirty, false, Duration::ZERO),
            Next::After(wait) => self.finish(ctx, unit, key, dirty, true, wait),
        }
    }

    /// Sends the first request of a plan; an empty plan is done.
    fn plan(
        &mut self,
        ctx: &mut Ctx<'_>,
        unit: u16,
        key: ObjectKey,
        cause: TraceId,
        dirty: Option<TraceId>,
        ops: VecDeque<Op>,
    ) {
        let Some(op) = ops.front() else { return self.finish(ctx, unit, key, dirty, true, Duration::ZERO) };
        self.push(unit, &key, 0, op.request.clone(), op.cause);
        let work = Work::Plan(ops);
        self.units[usize::from(unit)].running.insert(key, Running { cause, work, dirty });
    }

    fn finish(
        &mut self,
        ctx: &mut Ctx<'_>,
        unit: u16,
        key: ObjectKey,
        dirty: Option<TraceId>,
        well: bool,
        after: Duration,
    ) {
        let queue = &mut self.units[usize::from(unit)].queue;
        let wait = if well { after } else { queue.back_off(&key) };
        if well {
            queue.forget(&key);
        }
        let cause = ctx.cause;
        if wait > Duration::ZERO {
            self.enqueue(ctx, unit, key.clone(), cause, wait);
        }
        if let Some(cause) = dirty {
            self.enqueue(ctx, unit, key, cause, Duration::ZERO);
        }
    }

    fn push(&mut self, unit: u16, key: &ObjectKey, position: u32, request: Request, cause: TraceId) {
        self.next_token += 1;
        self.in_flight.insert(self.next_token, (unit, key.clone(), position));
        let u = &mut self.units[usize::from(unit)];
        u.client.push((self.next_token, dress(request, &u.user), cause));
    }

    fn flush(&mut self, ctx: &mut Ctx<'_>, unit: u16) {
        let u = &mut self.units[usize::from(unit)];
        let (due, wait) = u.client.due(ctx.now(), self.qps * u.controller.rate());
        for (token, request, cause) in due {
            ctx.cause = cause;
            ctx.request(&self.server, token, request);
        }
        if let Some(wait) = wait
            && !u.client_waits
        {
            u.client_waits = true;
            ctx.timer(wait, CLIENT, ecow::eco_format!("{unit}"));
        }
    }

    fn answered(&mut self, ctx: &mut Ctx<'_>, token: u64, reply: Reply) {
        let Some((unit, key, position)) = self.in_flight.remove(&token) else { return };
        let Some(mut running) = self.units[usize::from(unit)].running.remove(&key) else { return };
        let (cause, dirty) = (running.cause, running.dirty);
        match &mut running.work {
            Work::Ask { missing, step } => {
                step.replies[position as usize] = reply;
                *missing -= 1;
                if *missing > 0 {
                    self.units[usize::from(unit)].running.insert(key, running);
                    return;
                }
                let step = std::mem::take(step);
                self.step(ctx, unit, key, cause, dirty, step);
            }
            Work::Plan(ops) => {
                let mut ops = std::mem::take(ops);
                let Some(op) = ops.pop_front() else { return };
                let tolerated = refusal(&reply).is_some_and(|s| op.tolerate.contains(&s.reason));
                if !succeeded(&reply) && !tolerated {
                    return self.finish(ctx, unit, key, dirty, false, Duration::ZERO);
                }
                if let Some(note) = op.note.filter(|_| succeeded(&reply)) {
                    self.call(ctx, unit, |_, kit| kit.event(note));
                }
                self.plan(ctx, unit, key, cause, dirty, ops);
            }
        }
    }

    fn changed(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        self.cache.index(delta);
        if !self.running {
            return;
        }
        self.tell(ctx, delta);
    }

    fn tell(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        let Some(listeners) = self.listeners.get(&delta.key.kind).cloned() else { return };
        let cause = ctx.cause;
        for unit in listeners {
            ctx.cause = cause;
            self.call(ctx, unit, |c, kit| c.changed(kit, delta));
        }
    }

    /// Begins to work once it leads and every cache is filled: each controller hears of all there is.
    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        let synced = self.cache.informers.values().all(Informer::synced);
        if self.running || !self.election.leading() || !synced {
            return;
        }
        self.running = true;
        for unit in 0..self.units.len() as u16 {
            self.call(ctx, unit, |c, kit| c.started(kit));
        }
        let kinds: BTreeSet<Kind> = self.listeners.keys().copied().collect();
        for kind in kinds {
            let all: Vec<Arc<_>> = self.cache.informers[&kind].iter().cloned().collect();
            for o in all {
                self.tell(ctx, &Delta { key: o.key.clone(), old: None, new: Some(o) });
            }
        }
    }

    fn elected(&mut self, ctx: &mut Ctx<'_>, outcome: Outcome) {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Lost => self.running = false,
            Outcome::Elected => {
                let kinds: Vec<Kind> = self.cache.informers.keys().copied().collect();
                for kind in kinds {
                    let informer = &mut self.cache.informers[&kind];
                    if !informer.synced() {
                        informer.start(ctx);
                    }
                }
                self.begin(ctx);
            }
        }
    }

    /// Hands a message to the informer whose it is.
    fn informer(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let token = match &msg {
            Msg::Response(t, _) | Msg::Watch(t, _) | Msg::WatchClosed(t) => *t,
            Msg::Timer(_, arg) => arg.parse().unwrap_or(0),
            _ => return,
        };
        let n = token.saturating_sub(INFORMER_TOKENS) as usize / 2;
        let Some(kind) = self.listeners.keys().nth(n).copied() else { return };
        let cause = ctx.cause;
        let Ok(deltas) = self.cache.informers[&kind].handle(ctx, msg) else { return };
        for delta in &deltas {
            ctx.cause = cause;
            self.changed(ctx, delta);
        }
        self.begin(ctx);
    }
}

fn account_user(account: &str) -> Str {
    ecow::eco_format!("system:serviceaccount:kube-system:{account}")
}

/// A request in the name of a controller. One of ours stands for two of upstream's, for claims and for
/// volumes.
fn dress(request: Request, user: &Str) -> Request {
    let volumes = request.kind == Kind::PERSISTENT_VOLUME && user.ends_with(":pvc-protection-controller");
    let user = if volumes { account_user("pv-protection-controller") } else { user.clone() };
    Request { user, user_agent: AGENT.into(), timeout: Duration::secs(30), ..request }
}

impl Component for ControllerManager {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => self.election.start(ctx),
            Msg::Timer(ELECTION, _) => {
                let outcome = self.election.tick(ctx);
                self.elected(ctx, outcome);
            }
            Msg::Timer(CLIENT, arg) => {
                if let Some(u) = arg.parse::<usize>().ok().and_then(|n| self.units.get_mut(n)) {
                    u.client_waits = false;
                }
            }
            Msg::Timer(DELAYED, arg) => {
                if let Some((unit, key, cause)) = self.delayed_by_number.remove(&arg.parse().unwrap_or(0)) {
                    self.delayed.remove(&(unit, key.clone()));
                    self.enqueue(ctx, unit, key, cause, Duration::ZERO);
                }
            }
            Msg::Timer(WAKE, arg) => {
                if let Some((unit, arg)) = arg.split_once(':')
                    && self.running
                {
                    let (unit, arg): (u16, Str) = (unit.parse().unwrap_or(0), arg.into());
                    self.call(ctx, unit, |c, kit| c.woken(kit, &arg));
                }
            }
            Msg::Timer(RETRY_TIMER, _) | Msg::Watch(..) | Msg::WatchClosed(_) => self.informer(ctx, msg),
            Msg::Response(token, reply) if self.election.owns(token) => {
                let outcome = self.election.answer(ctx, reply, &mut self.recorder);
                self.elected(ctx, outcome);
            }
            Msg::Response(EVENT_TOKEN, _) => self.recorder.answered(ctx),
            Msg::Response(IGNORED_TOKEN, _) => return,
            Msg::Response(token @ UNIT_EVENT_TOKENS..REQUEST_TOKENS, _) => {
                let unit = (token - UNIT_EVENT_TOKENS) as u16;
                self.units[usize::from(unit)].event_under_way = false;
                self.next_event(unit);
            }
            Msg::Response(token, reply) if token >= REQUEST_TOKENS => self.answered(ctx, token, reply),
            Msg::Response(..) => self.informer(ctx, msg),
            _ => {}
        }
        self.pump(ctx);
    }

    component_boilerplate!();
}
