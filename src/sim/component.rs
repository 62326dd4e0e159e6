//! What runs in the world: components, the messages they get, the context they act through.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::trace::{TraceId, What};
use super::world::World;
use crate::api::{Request, Response, Value, WatchEvent};
use crate::base::{Duration, Rng, Str, Time};
use crate::machine::Machine;

/// Identifies one run of one process; never used again after it ends. 0 is "the outside".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct ActorId(pub u32);

/// Where a server listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// An IPv4 address of a machine.
    pub ip: Str,
    pub port: u16,
}

/// Who waits for an answer: the client and its own number for the request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Caller {
    pub actor: ActorId,
    pub token: u64,
}

/// Why no answer came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NetError {
    /// Nobody listens on that port.
    Refused,
    /// No answer within the client's time-out: machine off, link down, packets lost.
    Timeout,
    /// The server ended while it held the request.
    Reset,
    /// No such host.
    NoRoute,
}

impl NetError {
    /// What Go's HTTP client says of it; `at`: the address and port.
    pub fn told(self, at: &str) -> String {
        match self {
            NetError::Refused => format!("dial tcp {at}: connect: connection refused"),
            NetError::Reset => format!("read tcp {at}: read: connection reset by peer"),
            NetError::NoRoute => format!("dial tcp {at}: connect: no route to host"),
            NetError::Timeout => {
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"
                    .to_owned()
            }
        }
    }
}

pub type Reply = Result<Response, NetError>;

/// Everything that can reach a component. Plain data: a world can be saved with any of these pending.
#[derive(Clone, PartialEq, Debug)]
pub enum Msg {
    /// First message after spawning.
    Start,
    /// A timer set through [`Ctx::timer`]: the component's own number and argument.
    Timer(u16, Str),
    /// To a server: a request that arrived.
    Request(Caller, Arc<Request>),
    /// To a client: the answer to its request `token`.
    Response(u64, Reply),
    /// To a client: an event of its watch `token`.
    Watch(u64, WatchEvent),
    /// To a client: its watch `token` ended; list and watch again.
    WatchClosed(u64),
    /// To a server: the client gave up on this request or watch.
    Cancel(Caller),
    /// Between processes of one machine, and from the outside: a topic and its data.
    Notify(Str, Value),
}

/// Where an event goes.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    Actor(ActorId),
    /// Whoever listens on this port of this machine when it arrives.
    Port(u32, u16),
}

/// A pending message.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub target: Target,
    pub msg: Msg,
    pub cause: TraceId,
}

/// A simulated process with behaviour: the API server, a kubelet, a terminal.
/// State must be plain data: `Clone` makes checkpoints and forks.
pub trait Component: Any + Debug + Send + Sync {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg);

    /// The process was ended in an orderly machine (not by power loss): close what others hold open.
    fn stopped(&mut self, _ctx: &mut Ctx<'_>) {}

    /// The process is gone without a word (power loss): others find out by their own time-outs.
    fn vanished(&mut self, _ctx: &mut Ctx<'_>) {}

    fn clone_arc(&self) -> Arc<dyn Component>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// Implements the three mechanical methods of [`Component`]; put it inside the impl block.
#[macro_export]
macro_rules! component_boilerplate {
    () => {
        fn clone_arc(&self) -> ::std::sync::Arc<dyn $crate::sim::Component> {
            ::std::sync::Arc::new(self.clone())
        }
        fn as_any(&self) -> &dyn ::std::any::Any {
            self
        }
        fn as_any_mut(&mut self) -> &mut dyn ::std::any::Any {
            self
        }
    };
}

/// What a component acts through while it handles one message.
pub struct Ctx<'w> {
    pub world: &'w mut World,
    /// The component itself.
    pub me: ActorId,
    /// The machine it runs on.
    pub machine: u32,
    pub rng: &'w mut Rng,
    /// Cause given to whatever is sent or traced from here on. Starts as the cause of the message;
    /// set it when one message leads to several unrelated actions.
    pub cause: TraceId,
}

impl Ctx<'_> {
    pub fn now(&self) -> Time {
        self.world.now
    }
    pub fn host(&self) -> &Machine {
        self.world.machine(self.machine)
    }
    pub fn host_mut(&mut self) -> &mut Machine {
        self.world.machine_mut(self.machine)
    }

    /// Sends `msg` to a component after `delay`, past all links: for processes of one machine.
    pub fn send(&mut self, to: ActorId, delay: Duration, msg: Msg) {
        let event = Event { target: Target::Actor(to), msg, cause: self.cause };
        self.world.schedule(self.world.now + delay, event);
    }

    /// Wakes this component after `delay` with `Msg::Timer(kind, arg)`. Timers cannot be cancelled:
    /// a component that no longer cares ignores them (put a generation into `arg`).
    pub fn timer(&mut self, delay: Duration, kind: u16, arg: impl Into<Str>) {
        self.send(self.me, delay, Msg::Timer(kind, arg.into()));
    }

    /// Sends a request over the network; the answer comes as `Msg::Response(token, …)`, exactly once.
    pub fn request(&mut self, to: &Endpoint, token: u64, request: Request) {
        let caller = Caller { actor: self.me, token };
        let (at, cause) = (self.world.now, self.cause);
        let key = crate::api::ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone());
        let Some((machine, delay)) = self.world.route(self.machine, &to.ip) else {
            let wait = if request.timeout == Duration::ZERO { Duration::secs(30) } else { request.timeout };
            let error = if self.world.machine_by_ip(&to.ip).is_some() { NetError::Timeout } else { NetError::NoRoute };
            let what =
                What::Refused { to: ecow::eco_format!("{}:{}", to.ip, to.port), error: ecow::eco_format!("{error:?}") };
            let cause = self.world.trace.push(at, at, cause, self.me, self.me, what);
            let event = Event { target: Target::Actor(self.me), msg: Msg::Response(token, Err(error)), cause };
            return self.world.schedule(at + wait, event);
        };
        let delay = delay + self.rng.between(Duration::ZERO, Duration(delay.0 / 4));
        let server = self.world.machine(machine).listeners.get(&to.port).copied().unwrap_or_default();
        let what = What::Request { verb: request.verb, key, subresource: request.subresource.clone() };
        let cause = self.world.trace.push(at, at + delay, cause, self.me, server, what);
        let event =
            Event { target: Target::Port(machine, to.port), msg: Msg::Request(caller, Arc::new(request)), cause };
        self.world.schedule(at + delay, event);
    }

    /// Time a message takes from this machine to where `to` runs; `None` if it cannot get there.
    pub fn link_to(&mut self, to: ActorId) -> Option<Duration> {
        let delay = self.world.link(self.machine, self.world.machine_of(to)?)?;
        Some(delay + self.rng.between(Duration::ZERO, Duration(delay.0 / 4)))
    }

    /// Server: answers a request, `after` from now plus the way back.
    pub fn respond(&mut self, caller: Caller, after: Duration, reply: Reply) {
        // An answer that cannot travel is lost; the client's own time-out stands in for it.
        let way = self.link_to(caller.actor).unwrap_or(Duration::secs(30));
        self.send(caller.actor, after + way, Msg::Response(caller.token, reply));
    }

    /// Appends a trace record about something inside this component and returns its number.
    pub fn trace(&mut self, what: What) -> TraceId {
        self.trace_to(self.me, Duration::ZERO, what)
    }
    /// Appends a trace record of something that goes from this component to `to` and takes `delay`.
    pub fn trace_to(&mut self, to: ActorId, delay: Duration, what: What) -> TraceId {
        let now = self.world.now;
        self.world.trace.push(now, now + delay, self.cause, self.me, to, what)
    }

    /// Calls into another component of type `T` at once, as processes of one machine may.
    /// `None` if it does not live or is of another type. Never call back into the caller.
    pub fn with<T: Component, R>(&mut self, actor: ActorId, f: impl FnOnce(&mut T, &mut Ctx<'_>) -> R) -> Option<R> {
        self.world.with_component(actor, self.cause, |component, ctx| {
            component.as_any_mut().downcast_mut::<T>().map(|t| f(t, ctx))
        })?
    }
}
