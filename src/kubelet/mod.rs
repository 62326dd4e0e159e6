//! The kubelet: registers its node, keeps its pods running, and tells the API what it sees.
//! Models pkg/kubelet. One pod = one [`Worker`]; a worker makes one runtime call at a time and is
//! synced again when it is answered.
//!
//! - [`sync`]: what a pod needs next; [`start`]: image, container, backoff; [`kill`]: ending a pod
//! - [`status`]: the pod's status from what the runtime holds; [`post`]: getting it to the API server
//! - [`node`], [`lease`]: the Node object and its heartbeat
//! - [`server`]: logs, for the API server
//! - [`admit`]: what it refuses; [`bootstrap`]: its start and its certificate; [`environment`]: what
//!   a container starts with
//! - [`eviction`]: what ends when memory or disk run out
//! - [`files`]: static pods and their mirrors; [`probes`]: liveness, readiness, startup
//!
//! - [`volumes`]: what a pod's volumes hold
//!
//! Not here: device plugins, cgroups.

mod admit;
pub mod bootstrap;
mod environment;
mod eviction;
mod files;
mod hooks;
mod journal;
mod kill;
mod lease;
mod node;
mod post;
mod probes;
mod server;
mod start;
mod status;
mod sync;
mod volumes;
mod worker;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::api::selector::FieldSelector;
use crate::api::{Kind, Map, Object, ObjectKey, Request, Response, meta, pod};
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::runtime::Runtime;
use crate::sim::informer::{Delta, Informer};
use crate::sim::recorder::{EventRecorder, Fact};
use crate::sim::{ActorId, Caller, Component, Ctx, Endpoint, Msg, Profile, Reply};
use hooks::ExecFor;
pub use node::{address as node_address, version};
use worker::{Recovered, Worker};

/// Port of the kubelet's own server.
pub const PORT: u16 = 10250;
/// Where an administrator's own flags are.
pub const EXTRA_ARGS: &str = "/etc/sysconfig/kubelet";
/// Where it tells the machine whether it is well.
pub const HEALTHZ: u16 = 10248;

const TIMER_LEASE: u16 = 1;
const TIMER_NODE_STATUS: u16 = 2;
const TIMER_FILES: u16 = 3;
const TIMER_PLEG: u16 = 4;
/// Argument: the pod's uid.
const TIMER_SYNC: u16 = 5;
const TIMER_POST: u16 = 6;
const TIMER_PROBE: u16 = 7;
const TIMER_REGISTER: u16 = 8;
const TIMER_MIRRORS: u16 = 9;
const TIMER_CERTIFICATE: u16 = 10;
/// Argument: the command's token.
const TIMER_EXEC: u16 = 11;
/// Argument: the pod's uid, whose mounted files are to be written anew.
const TIMER_REFRESH: u16 = 12;

const TOKEN_PODS: u64 = 1;
const TOKEN_EVENTS: u64 = 3;
const TOKEN_NODE: u64 = 4;
const TOKEN_LEASE: u64 = 5;
/// Numbers from here on are given out one by one; see [`Pending`].
const TOKEN_FIRST: u64 = 100;

/// PLEG lists the runtime's containers this often.
const RELIST: Duration = Duration::secs(1);

/// What an answer is for.
#[derive(Clone, PartialEq, Debug)]
enum Pending {
    Sandbox(Str),
    Pull {
        uid: Str,
        container: u32,
        began: Time,
    },
    Create {
        uid: Str,
        container: u32,
    },
    Start {
        uid: Str,
        container: u32,
    },
    /// A pod's status on its way to the API server.
    Post(Str),
    /// The last DELETE of a pod that ended.
    Delete(Str),
    /// A mirror pod of the static pod with this uid is being made.
    Mirror(Str),
    /// Its own certificate request.
    Certificate,
    /// A ConfigMap, Secret or claim that a pod with this uid names.
    Source(Str, Kind, Str),
    /// Changes of a ConfigMap or Secret that a pod has mounted.
    Watch(Str, Kind, Str),
    /// A command in a container, and what it has printed.
    Exec(ExecFor, Str),
    /// Answered or not, nothing follows.
    Nothing,
}

#[derive(Clone, Debug)]
pub struct Kubelet {
    profile: Profile,
    server: Endpoint,
    node_name: Str,
    user: Str,
    pods: Informer,
    recorder: EventRecorder,
    node: node::NodeState,
    lease: lease::LeaseState,
    eviction: eviction::EvictionState,
    /// By uid.
    workers: OrdMap<Str, Arc<Worker>>,
    /// Static pods by the key of their mirror.
    statics: OrdMap<ObjectKey, Str>,
    /// Manifest files as last read: path → content and the pod's uid.
    manifests: OrdMap<Str, (Str, Str)>,
    /// What a kubelet that starts finds in the runtime, by uid, until a source claims it.
    recovered: OrdMap<Str, Recovered>,
    pending: OrdMap<u64, Pending>,
    next_token: u64,
    /// Pods with something for PLEG to find.
    dirty: OrdSet<Str>,
    pleg_armed: bool,
    started: Time,
    runtime_down: Option<Time>,
    /// Name of its certificate request, while it has no certificate.
    csr: Option<Str>,
}

impl Kubelet {
    pub fn new(profile: Profile, server: Endpoint, node_name: &str) -> Kubelet {
        let user = ecow::eco_format!("system:node:{node_name}");
        let fields = FieldSelector::one("spec.nodeName", node_name);
        Kubelet {
            profile,
            pods: Informer::new(Kind::POD, server.clone(), &user, TOKEN_PODS).with_fields(fields),
            recorder: EventRecorder::new("kubelet", node_name, &user, server.clone(), TOKEN_EVENTS)
                .with_agent("kubelet"),
            server,
            node_name: node_name.into(),
            user,
            node: node::NodeState::default(),
            lease: lease::LeaseState::default(),
            eviction: eviction::EvictionState::default(),
            workers: OrdMap::new(),
            statics: OrdMap::new(),
            manifests: OrdMap::new(),
            recovered: OrdMap::new(),
            pending: OrdMap::new(),
            next_token: TOKEN_FIRST,
            dirty: OrdSet::new(),
            pleg_armed: false,
            started: Time::ZERO,
            runtime_down: None,
            csr: None,
        }
    }

    /// How many pods it looks after.
    pub fn pod_count(&self) -> usize {
        self.workers.len()
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        self.started = ctx.now();
        let me = ctx.me;
        let host = ctx.host_mut();
        host.runtime.kubelet = Some(me);
        host.listeners.insert(PORT, me);
        host.listeners.insert(HEALTHZ, me);
        self.log_start(ctx);
        self.recovered = worker::recover(&ctx.host().runtime);
        self.begin_eviction(ctx);
        self.pods.start(ctx);
        self.register(ctx);
        self.scan_manifests(ctx);
        let spread = ctx.rng.between(Duration::ZERO, Duration::secs(1));
        ctx.timer(spread, TIMER_LEASE, "");
        ctx.timer(files::SCAN, TIMER_FILES, "");
    }

    // --- asking others ---

    fn token(&mut self, pending: Pending) -> u64 {
        self.next_token += 1;
        self.pending.insert(self.next_token, pending);
        self.next_token
    }

    fn sign(&self, request: Request) -> Request {
        Request { user: self.user.clone(), user_agent: "kubelet".into(), ..request }
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>, pending: Pending, request: Request) {
        let token = self.token(pending);
        let request = self.sign(request);
        ctx.request(&self.server, token, request);
    }

    /// Calls the runtime's daemon; `false` if none serves.
    fn runtime(
        &mut self,
        ctx: &mut Ctx<'_>,
        pending: Pending,
        call: impl FnOnce(&mut Runtime, &mut Ctx<'_>, Caller),
    ) -> bool {
        let Some(daemon) = daemon(ctx) else { return false };
        let token = if pending == Pending::Nothing { 0 } else { self.token(pending) };
        let caller = Caller { actor: ctx.me, token };
        ctx.with::<Runtime, ()>(daemon, |runtime, ctx| call(runtime, ctx, caller)).is_some()
    }

    /// Posts an event about a pod, or about one of its containers.
    fn event(
        &mut self,
        ctx: &mut Ctx<'_>,
        about: &Worker,
        container: Option<u32>,
        kind: &str,
        reason: &str,
        message: Str,
    ) {
        let mut reference = meta::object_reference(about.posted_pod());
        if let Some(i) = container {
            let list = match i as usize {
                i if i < about.inits => "initContainers",
                i if i < about.mains => "containers",
                _ => "ephemeralContainers",
            };
            let path = ecow::eco_format!("spec.{list}{{{}}}", about.containers[i as usize].name);
            reference.insert("fieldPath", path);
        }
        self.recorder.send(ctx, Fact { about: reference, kind, reason, message, action: "" });
    }

    // --- what comes in ---

    fn pod_changed(&mut self, ctx: &mut Ctx<'_>, delta: Delta) {
        let Delta { old, new, .. } = delta;
        if let Some(old) = &old
            && new.as_ref().is_none_or(|n| meta::uid(n) != meta::uid(old))
        {
            self.pod_removed(ctx, old);
        }
        let Some(object) = new else { return };
        if pod::is_mirror(&object) {
            return self.mirror_changed(ctx, object);
        }
        let uid = Str::from(meta::uid(&object));
        let Some(mut arc) = self.workers.remove(&uid) else {
            let found = self.recovered.remove(&uid);
            let known = found.is_some();
            let mut worker = Worker::new(object, false, found, ctx);
            if !known && !pod::terminal(&worker.pod) && !meta::deleting(&worker.pod) {
                self.admit(ctx, &mut worker);
            }
            self.workers.insert(uid.clone(), Arc::new(worker));
            return self.sync(ctx, &uid, true);
        };
        let worker = Arc::make_mut(&mut arc);
        let same_spec = unchanged(&worker.pod, &object);
        if object.resource_version > worker.pod.resource_version {
            if meta::labels(&worker.pod) != meta::labels(&object) || annotations(&worker.pod) != annotations(&object) {
                volumes::stale(ctx, &uid);
            }
            worker.pod = object;
            worker.extend();
        }
        let deleting = (worker.killing.is_none() || worker.failed.is_some()) && meta::deleting(&worker.pod);
        let disputed = same_spec && worker.ready_disputed();
        if deleting {
            worker.cause = ctx.cause;
        }
        self.workers.insert(uid.clone(), arc);
        if deleting || !same_spec || disputed {
            self.sync(ctx, &uid, disputed);
        }
    }

    /// A pod is gone from the API: whatever of it runs here must end.
    fn pod_removed(&mut self, ctx: &mut Ctx<'_>, object: &Arc<Object>) {
        if pod::is_mirror(object) {
            return self.mirror_removed(ctx, object);
        }
        let uid = Str::from(meta::uid(object));
        if let Some(arc) = self.workers.get_mut(&uid) {
            let worker = Arc::make_mut(arc);
            worker.gone = true;
            worker.cause = ctx.cause;
            self.sync(ctx, &uid, false);
        }
    }

    /// Both sources have spoken: what runs without either is to end.
    fn end_orphans(&mut self, ctx: &mut Ctx<'_>) {
        for (uid, found) in std::mem::take(&mut self.recovered) {
            let worker = Worker::orphan(&uid, found, ctx);
            self.workers.insert(uid.clone(), Arc::new(worker));
            self.sync(ctx, &uid, false);
        }
    }

    fn answered(&mut self, ctx: &mut Ctx<'_>, token: u64, reply: Reply) {
        let Some(pending) = self.pending.remove(&token) else { return };
        match pending {
            Pending::Sandbox(uid) => self.sandbox_answered(ctx, &uid, outcome(reply)),
            Pending::Pull { uid, container, began } => {
                self.pull_answered(ctx, &uid, container, began, outcome(reply));
            }
            Pending::Create { uid, container } => self.create_answered(ctx, &uid, container, outcome(reply)),
            Pending::Start { uid, container } => self.start_answered(ctx, &uid, container, outcome(reply)),
            Pending::Post(uid) => self.post_answered(ctx, &uid, reply),
            Pending::Delete(uid) => self.delete_answered(ctx, &uid, reply),
            Pending::Mirror(uid) => self.mirror_answered(ctx, &uid, reply),
            Pending::Source(uid, kind, name) => self.source_answered(ctx, &uid, kind, &name, reply),
            Pending::Certificate => self.certificate_answered(ctx, reply),
            Pending::Watch(uid, kind, name) => self.watch_answered(ctx, token, uid, kind, name, reply),
            Pending::Exec(..) | Pending::Nothing => {}
        }
    }

    /// PLEG will find what happened to this pod at its next round.
    fn mark_dirty(&mut self, ctx: &mut Ctx<'_>, uid: &Str) {
        self.dirty.insert(uid.clone());
        if !self.pleg_armed {
            self.pleg_armed = true;
            let since = ctx.now().since(self.started).0 % RELIST.0;
            ctx.timer(Duration(RELIST.0 - since), TIMER_PLEG, "");
        }
    }

    fn relist(&mut self, ctx: &mut Ctx<'_>) {
        self.pleg_armed = false;
        for uid in std::mem::take(&mut self.dirty) {
            self.sync(ctx, &uid, true);
        }
    }

    fn notified(&mut self, ctx: &mut Ctx<'_>, topic: &str, text: &Str) {
        match topic {
            "pleg" => {
                let Some(worker) = self.workers.get_mut(text) else { return };
                Arc::make_mut(worker).cause = ctx.cause;
                if worker.killing.is_some() { self.sync(ctx, text, false) } else { self.mark_dirty(ctx, text) }
            }
            "runtime" => self.runtime_changed(ctx, text == "up"),
            "files" => self.scan_manifests(ctx),
            "oom" => self.out_of_memory(ctx, text),
            _ => {}
        }
    }

    fn runtime_changed(&mut self, ctx: &mut Ctx<'_>, up: bool) {
        self.runtime_down = if up { None } else { self.runtime_down.or(Some(ctx.now())) };
        if up {
            let all: Vec<Str> = self.workers.keys().cloned().collect();
            for uid in all {
                // An order to stop was lost with the daemon that had taken it: it is given again.
                if let Some(w) = self.workers.get_mut(&uid)
                    && w.killing.as_ref().is_some_and(|k| k.signalled)
                    && let Some(killing) = &mut Arc::make_mut(w).killing
                {
                    (killing.signalled, killing.sidecars) = (false, false);
                }
                self.mark_dirty(ctx, &uid);
            }
        }
    }

    fn timer(&mut self, ctx: &mut Ctx<'_>, kind: u16, arg: &Str) {
        match kind {
            TIMER_LEASE => self.renew_lease(ctx),
            TIMER_NODE_STATUS => self.check_node(ctx),
            TIMER_REGISTER => self.register(ctx),
            TIMER_FILES => {
                self.scan_manifests(ctx);
                ctx.timer(files::SCAN, TIMER_FILES, "");
            }
            TIMER_PLEG => self.relist(ctx),
            TIMER_SYNC => {
                if let Some(worker) = self.workers.get_mut(arg) {
                    Arc::make_mut(worker).retry_armed = false;
                    self.sync(ctx, arg, true);
                }
            }
            TIMER_POST => self.post(ctx, arg),
            TIMER_PROBE => self.probe(ctx, arg),
            TIMER_MIRRORS => self.make_mirrors(ctx),
            TIMER_EXEC => self.exec_late(ctx, arg),
            TIMER_REFRESH => self.refresh(ctx, arg),
            TIMER_CERTIFICATE => self.request_certificate(ctx),
            _ => {}
        }
    }
}

fn annotations(o: &Object) -> Option<&Map> {
    o.get(&["metadata", "annotations"])?.as_map()
}

/// Whether nothing but the status differs, as far as the kubelet acts on it.
fn unchanged(a: &Object, b: &Object) -> bool {
    let spec = |o: &Object| o.get(&["spec"]).and_then(|s| s.as_map()).cloned().unwrap_or_default();
    let (x, y): (Map, Map) = (spec(a), spec(b));
    x.same(&y) || x == y
}

/// The runtime's daemon, if it serves.
fn daemon(ctx: &Ctx<'_>) -> Option<ActorId> {
    ctx.host().runtime.daemon.filter(|id| ctx.world.alive(*id))
}

/// A CRI answer: an id, or the runtime's words.
fn outcome(reply: Reply) -> Result<Str, Str> {
    match reply {
        Ok(Response::Text(text)) => Ok(text),
        Ok(Response::Error(status)) => Err(status.message.clone()),
        other => Err(ecow::eco_format!("{other:?}")),
    }
}

impl Component for Kubelet {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let was_synced = self.pods.synced();
        let msg = match self.pods.handle(ctx, msg) {
            Ok(deltas) => {
                for delta in deltas {
                    self.pod_changed(ctx, delta);
                }
                if !was_synced && self.pods.synced() {
                    self.end_orphans(ctx);
                    self.make_mirrors(ctx);
                }
                return;
            }
            Err(msg) => msg,
        };
        match msg {
            Msg::Start => self.launch(ctx),
            Msg::Timer(kind, arg) => self.timer(ctx, kind, &arg),
            Msg::Request(caller, request) => self.serve(ctx, caller, &request),
            Msg::Response(TOKEN_EVENTS, _) => self.recorder.answered(ctx),
            Msg::Response(TOKEN_NODE, reply) => self.node_answered(ctx, reply),
            Msg::Response(TOKEN_LEASE, reply) => self.lease_answered(ctx, reply),
            Msg::Response(token, reply) => self.answered(ctx, token, reply),
            Msg::Watch(token, event) => self.source_changed(ctx, token, event.object),
            Msg::WatchClosed(token) => self.watch_closed(ctx, token),
            Msg::Notify(topic, data) if topic == "remote" => self.exec_event(ctx, &data),
            Msg::Notify(topic, text) => self.notified(ctx, &topic, &Str::from(text.as_str())),
            _ => {}
        }
    }

    fn stopped(&mut self, ctx: &mut Ctx<'_>) {
        ctx.host_mut().runtime.kubelet = None;
    }

    component_boilerplate!();
}
