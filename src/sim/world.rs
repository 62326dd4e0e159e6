//! The world: everything simulated, owned by one struct, and the loop that moves it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::component::{ActorId, Component, Ctx, Event, Msg, NetError, Target};
use super::trace::{Trace, TraceId, What};
pub use crate::api::Profile;
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Rng, Str, Time};
use crate::machine::Machine;

/// What a session starts from, beside its inputs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Config {
    pub profile: Profile,
    pub seed: u64,
    /// Worker machines; 1 to 9 in the lab, more in benchmarks.
    pub workers: u32,
    /// Control planes: 1, 3 or 5.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub masters: u32,
}

fn one() -> u32 {
    1
}
fn is_one(n: &u32) -> bool {
    *n == 1
}

impl Default for Config {
    fn default() -> Config {
        Config { profile: Profile::Book, seed: 1, workers: 3, masters: 1 }
    }
}

/// A component that runs or ran, and what identifies it in the picture.
#[derive(Clone, Debug)]
struct Slot {
    /// Taken out while it handles a message; `None` for good once it ended.
    component: Option<Arc<dyn Component>>,
    rng: Rng,
    machine: u32,
    /// `kube-scheduler`, `kubelet`, `terminal` …
    name: Str,
    alive: bool,
}

#[derive(Clone, Debug)]
struct Entry {
    at: Time,
    seq: u64,
    event: Box<Event>,
}
impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        (self.at, self.seq) == (other.at, other.seq)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (self.at, self.seq).cmp(&(other.at, other.seq))
    }
}

/// One-way time between two processes of one machine, and between two machines of the lab.
const LOOPBACK: Duration = Duration(100);
const LAN: Duration = Duration(400);

/// The address that every virtual machine has for itself, behind its provider's NAT: the interface
/// with the default route. Nobody else can be reached at it.
pub const NAT: &str = "10.0.2.15";

#[derive(Clone, Debug)]
pub struct World {
    pub config: Config,
    pub now: Time,
    /// Events handled so far: the exact position of a replay.
    pub steps: u64,
    pub trace: Trace,
    queue: BinaryHeap<Reverse<Entry>>,
    next_seq: u64,
    slots: Vec<Slot>,
    machines: Vec<Arc<Machine>>,
    /// Pairs of machines (lower number first) whose link is down.
    cut_links: OrdSet<(u32, u32)>,
    /// Pairs of machines with a slow link: what it takes longer, and until when earlier packets are on
    /// their way: later ones do not overtake them.
    slow_links: OrdMap<(u32, u32), (Duration, Time)>,
    /// Addresses that move between machines, and who holds each.
    held: OrdMap<Str, Vec<u32>>,
}

impl World {
    /// An empty world: no machines, nothing pending.
    pub fn new(config: Config) -> World {
        // Slot 0 is the outside: inputs come from it.
        let outside = Slot {
            component: None,
            rng: Rng::labelled(config.seed, "outside"),
            machine: u32::MAX,
            name: "outside".into(),
            alive: false,
        };
        World {
            config,
            now: Time::ZERO,
            steps: 0,
            trace: Trace::default(),
            queue: BinaryHeap::new(),
            next_seq: 0,
            slots: vec![outside],
            machines: Vec::new(),
            cut_links: OrdSet::new(),
            slow_links: OrdMap::new(),
            held: OrdMap::new(),
        }
    }

    // --- machines and links ---

    pub fn add_machine(&mut self, machine: Machine) -> u32 {
        self.machines.push(Arc::new(machine));
        self.machines.len() as u32 - 1
    }
    pub fn machine(&self, index: u32) -> &Machine {
        &self.machines[index as usize]
    }
    pub fn machine_mut(&mut self, index: u32) -> &mut Machine {
        Arc::make_mut(&mut self.machines[index as usize])
    }
    /// All machines, in the order they were added; the position is the machine's index.
    pub fn machines(&self) -> impl ExactSizeIterator<Item = &Machine> {
        self.machines.iter().map(|m| &**m)
    }
    pub fn machine_named(&self, name: &str) -> Option<u32> {
        self.machines.iter().position(|m| m.name == name).map(|i| i as u32)
    }
    pub fn machine_by_ip(&self, ip: &str) -> Option<u32> {
        let own = self.machines.iter().position(|m| m.ip == ip).map(|i| i as u32);
        own.or_else(|| self.held.get(ip)?.last().copied())
    }
    /// A machine takes an address beside its own, or gives it up. Machines that do not reach each other
    /// may both hold it: each is found by those that reach it, the last to take it first.
    pub fn hold(&mut self, ip: &str, machine: u32, holds: bool) {
        let holders = self.held.entry(ip.into()).or_default();
        holders.retain(|m| *m != machine);
        if holds {
            holders.push(machine);
        }
    }
    /// One-way delay between two machines; `None` while either is off or the link is cut.
    pub fn link(&self, from: u32, to: u32) -> Option<Duration> {
        let pair = (from.min(to), from.max(to));
        if !self.machine(to).powered_on || self.cut_links.contains(&pair) {
            return None;
        }
        let sound = if from == to { LOOPBACK } else { LAN };
        let Some((longer, before)) = self.slow_links.get(&pair) else { return Some(sound) };
        Some((sound + *longer).max(before.since(self.now)))
    }
    /// The machine that owns `ip` and the delay to it; `None` if it cannot be reached.
    pub fn route(&self, from: u32, ip: &str) -> Option<(u32, Duration)> {
        let to = if matches!(ip, "127.0.0.1" | NAT) || self.machine(from).ip == ip {
            from
        } else {
            let near = || self.held.get(ip)?.iter().rev().copied().find(|m| self.link(from, *m).is_some());
            near().or_else(|| self.machine_by_ip(ip))?
        };
        Some((to, self.link(from, to)?))
    }
    /// Cuts or heals the link between two machines.
    pub fn set_link(&mut self, a: u32, b: u32, up: bool) {
        let pair = (a.min(b), a.max(b));
        if up {
            self.cut_links.remove(&pair)
        } else {
            self.cut_links.insert(pair)
        };
    }

    /// Packets between two machines, or within one, take `by` longer from now on.
    pub fn slow_link(&mut self, a: u32, b: u32, by: Duration) {
        let pair = (a.min(b), a.max(b));
        let before = self.slow_links.get(&pair).map_or(self.now, |(old, before)| (self.now + LAN + *old).max(*before));
        self.slow_links.insert(pair, (by, before));
    }

    // --- components ---

    /// Starts a component on a machine; its `Msg::Start` comes at once.
    pub fn spawn(&mut self, machine: u32, name: &str, component: Arc<dyn Component>, cause: TraceId) -> ActorId {
        let id = ActorId(self.slots.len() as u32);
        // The stream's label holds the place and the run, so no two runs share draws.
        let label = format!("{name}@{machine}#{}", id.0);
        let rng = Rng::labelled(self.config.seed, &label);
        self.slots.push(Slot { component: Some(component), rng, machine, name: name.into(), alive: true });
        self.schedule(self.now, Event { target: Target::Actor(id), msg: Msg::Start, cause });
        id
    }
    /// Ends a component. `orderly`: the machine closes its connections; otherwise it is just gone.
    pub fn kill(&mut self, id: ActorId, orderly: bool, cause: TraceId) {
        if !self.alive(id) {
            return;
        }
        self.with_component(
            id,
            cause,
            |component, ctx| {
                if orderly { component.stopped(ctx) } else { component.vanished(ctx) }
            },
        );
        let slot = &mut self.slots[id.0 as usize];
        slot.alive = false;
        slot.component = None;
        let machine = slot.machine;
        let ports: Vec<u16> =
            self.machine(machine).listeners.iter().filter(|(_, owner)| **owner == id).map(|(p, _)| *p).collect();
        for port in ports {
            self.machine_mut(machine).listeners.remove(&port);
        }
    }
    pub fn alive(&self, id: ActorId) -> bool {
        self.slots.get(id.0 as usize).is_some_and(|s| s.alive)
    }
    pub fn machine_of(&self, id: ActorId) -> Option<u32> {
        self.slots.get(id.0 as usize).map(|s| s.machine).filter(|m| *m != u32::MAX)
    }
    /// The name a component was spawned with, also after it ended.
    pub fn name_of(&self, id: ActorId) -> &str {
        self.slots.get(id.0 as usize).map_or("", |s| &s.name)
    }
    /// Live components: (id, machine, name).
    pub fn actors(&self) -> impl Iterator<Item = (ActorId, u32, &str)> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, s)| s.alive)
            .map(|(i, s)| (ActorId(i as u32), s.machine, s.name.as_str()))
    }
    /// The live component `name` of `machine`.
    pub fn actor_named(&self, machine: u32, name: &str) -> Option<ActorId> {
        self.actors().find(|(_, m, n)| *m == machine && *n == name).map(|(id, ..)| id)
    }
    /// Reads a live component's state as its type.
    pub fn component<T: Component>(&self, id: ActorId) -> Option<&T> {
        self.slots.get(id.0 as usize)?.component.as_ref()?.as_any().downcast_ref::<T>()
    }
    /// Runs `f` on a live component with a context of its own; `None` if it is gone or busy.
    pub fn with_component<R>(
        &mut self,
        id: ActorId,
        cause: TraceId,
        f: impl FnOnce(&mut dyn Component, &mut Ctx<'_>) -> R,
    ) -> Option<R> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        let mut component = slot.component.take()?;
        let machine = slot.machine;
        let mut rng = slot.rng.clone();
        if Arc::get_mut(&mut component).is_none() {
            component = component.clone_arc(); // a checkpoint shares it
        }
        let mut ctx = Ctx { world: self, me: id, machine, rng: &mut rng, cause };
        let out = f(Arc::get_mut(&mut component)?, &mut ctx);
        let slot = &mut self.slots[id.0 as usize];
        slot.rng = rng;
        if slot.alive {
            slot.component = Some(component);
        }
        Some(out)
    }

    // --- time ---

    pub fn schedule(&mut self, at: Time, event: Event) {
        self.next_seq += 1;
        self.queue.push(Reverse(Entry { at: at.max(self.now), seq: self.next_seq, event: Box::new(event) }));
    }
    /// When the next event is due.
    pub fn next_event_at(&self) -> Option<Time> {
        self.queue.peek().map(|Reverse(e)| e.at)
    }
    /// Handles one event; `false` if none is pending.
    pub fn step(&mut self) -> bool {
        let Some(Reverse(entry)) = self.queue.pop() else { return false };
        self.now = entry.at;
        self.steps += 1;
        self.dispatch(*entry.event);
        true
    }
    /// Handles everything due up to and including `until`, and sets the clock there.
    pub fn run_until(&mut self, until: Time) {
        while self.next_event_at().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    fn dispatch(&mut self, event: Event) {
        let Event { target, msg, cause } = event;
        let to = match target {
            Target::Actor(id) => id,
            Target::Port(machine, port) => match self.machine(machine).listeners.get(&port) {
                Some(id) if self.machine(machine).powered_on => *id,
                _ => return self.refuse(machine, port, msg, cause),
            },
        };
        if self.alive(to) {
            self.with_component(to, cause, |component, ctx| component.handle(ctx, msg));
        }
    }

    /// Nobody listens: tells the client, who is one link away.
    fn refuse(&mut self, machine: u32, port: u16, msg: Msg, cause: TraceId) {
        let Msg::Request(caller, request) = msg else { return };
        let on = self.machine(machine).powered_on;
        let error = if on { NetError::Refused } else { NetError::Timeout };
        let timeout = if request.timeout == Duration::ZERO { Duration::secs(30) } else { request.timeout };
        let delay = if on { LAN } else { timeout };
        let to = ecow::eco_format!("{}:{port}", self.machine(machine).ip);
        let what = What::Refused { to, error: ecow::eco_format!("{error:?}") };
        let cause = self.trace.push(self.now, self.now + delay, cause, ActorId::default(), caller.actor, what);
        let msg = Msg::Response(caller.token, Err(error));
        self.schedule(self.now + delay, Event { target: Target::Actor(caller.actor), msg, cause });
    }
}
