//! What the kubelet remembers of one pod.

use std::sync::Arc;

use crate::api::{Kind, Object, ObjectKey, Value, meta, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::runtime::{Container, ContainerState, RuntimeData};
use crate::sim::{Ctx, TraceId};

/// A pod on its way out.
#[derive(Clone, PartialEq, Debug)]
pub struct Killing {
    pub since: Time,
    pub grace: Duration,
    /// Stop signals were sent: to the containers, then to its sidecars.
    pub signalled: bool,
    pub sidecars: bool,
}

/// A delay that doubles. Models client-go/util/flowcontrol Backoff.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Backoff {
    pub delay: Duration,
    pub updated: Time,
}

const BACKOFF_FIRST: Duration = Duration::secs(10);
const BACKOFF_MOST: Duration = Duration::secs(300);

impl Backoff {
    pub fn next(&mut self, now: Time) {
        let stale = now.since(self.updated) > Duration::secs(2 * BACKOFF_MOST.as_secs());
        let first = self.delay == Duration::ZERO || stale;
        self.delay = if first { BACKOFF_FIRST } else { Duration(self.delay.0 * 2).min(BACKOFF_MOST) };
        self.updated = now;
    }
    /// When it ends, counted from `since`.
    pub fn until(&self, since: Time) -> Time {
        since + self.delay
    }
}

/// Counters of one probe of one container.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Tally {
    pub successes: u32,
    pub failures: u32,
    pub passed: bool,
}

/// One container of the pod, over all its runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Slot {
    pub name: Str,
    /// The newest run.
    pub id: Option<Str>,
    /// The run before.
    pub previous: Option<Str>,
    /// Why it does not run: reason and message.
    pub waiting: Option<(Str, Str)>,
    pub image_error: Str,
    pub pulls: Backoff,
    pub crashes: Backoff,
    /// The image was made sure of for the next run.
    pub image_ready: bool,
    /// Startup, liveness, readiness.
    pub probes: [Tally; 3],
}

#[derive(Clone, Debug)]
pub struct Worker {
    pub uid: Str,
    /// The pod as its source says; for API pods with the status as the API has it.
    pub pod: Arc<Object>,
    pub is_static: bool,
    /// The API's copy of a static pod.
    pub mirror: Option<Arc<Object>>,
    pub sandbox: Option<Str>,
    /// A dead sandbox kept for its containers' states.
    pub old_sandbox: Option<Str>,
    /// ConfigMaps, Secrets and claims that it names.
    pub sources: OrdMap<(Kind, Str), super::volumes::Source>,
    /// Those mounted that have changed since.
    pub mounted_now: OrdMap<(Kind, Str), super::volumes::Source>,
    /// Its volumes lie on the machine.
    pub mounted: bool,
    pub mount_tries: u32,
    /// Sandboxes made so far.
    pub sandboxes: u32,
    /// Init containers first.
    pub containers: Vec<Slot>,
    pub inits: usize,
    /// Where the ephemeral ones begin.
    pub mains: usize,
    /// A runtime call is unanswered.
    pub busy: bool,
    /// The status is to be looked at when the current round ends.
    pub report: bool,
    pub killing: Option<Killing>,
    /// Everything of it has ended here.
    pub ended: bool,
    /// It is gone from its source.
    pub gone: bool,
    /// No source ever named it: found in the runtime at start.
    pub is_orphan: bool,
    /// The kubelet refused it: reason and message.
    pub rejected: Option<(Str, Str)>,
    /// It is to end as Failed though nobody deleted it: reason and message.
    pub failed: Option<(Str, Str)>,
    /// When this kubelet, or the one before, first saw it.
    pub started: Time,
    /// A post is unanswered; another one is due.
    pub posting: bool,
    pub post_due: bool,
    pub retry_armed: bool,
    /// It says how much storage it may use.
    pub storage_limits: bool,
    /// What made the kubelet act on it last.
    pub cause: TraceId,
}

/// What the runtime holds of one pod.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Recovered {
    pub pod: Option<ObjectKey>,
    /// Newest sandbox and its attempt.
    pub sandbox: Option<(Str, u32)>,
    pub older: Option<Str>,
    /// Newest run and the one before, by container name.
    pub runs: OrdMap<Str, (Str, u32, Option<Str>)>,
}

/// Sorts what a runtime holds by pod.
pub fn recover(data: &RuntimeData) -> OrdMap<Str, Recovered> {
    let mut all: OrdMap<Str, Recovered> = OrdMap::new();
    for sandbox in data.sandboxes.values() {
        let found = all.entry(sandbox.uid.clone()).or_default();
        found.pod = Some(sandbox.pod.clone());
        match &found.sandbox {
            Some((_, attempt)) if *attempt > sandbox.attempt => found.older = Some(sandbox.id.clone()),
            _ => {
                let before = found.sandbox.replace((sandbox.id.clone(), sandbox.attempt));
                found.older = before.map(|(id, _)| id);
            }
        }
    }
    for container in data.containers.values() {
        let found = all.entry(container.uid.clone()).or_default();
        let newest = found.runs.get(&container.name).cloned();
        let run = match newest {
            Some((id, attempt, _)) if attempt > container.attempt => (id, attempt, Some(container.id.clone())),
            Some((id, ..)) => (container.id.clone(), container.attempt, Some(id)),
            None => (container.id.clone(), container.attempt, None),
        };
        found.runs.insert(container.name.clone(), run);
    }
    all
}

impl Worker {
    pub fn new(object: Arc<Object>, is_static: bool, found: Option<Recovered>, ctx: &Ctx<'_>) -> Worker {
        let found = found.unwrap_or_default();
        let inits = pod::init_containers(&object).len();
        let mains = inits + pod::containers(&object).len();
        let specs = pod::init_containers(&object).iter().chain(pod::containers(&object)).chain(ephemeral(&object));
        let containers = specs.map(|c| slot(c.str("name"), &found)).collect();
        let started = Time::parse_rfc3339(object.str(&["status", "startTime"])).unwrap_or(ctx.now());
        Worker {
            uid: meta::uid(&object).into(),
            storage_limits: super::eviction::limits_storage(&object),
            pod: object,
            is_static,
            mirror: None,
            sources: OrdMap::new(),
            mounted: false,
            mounted_now: OrdMap::new(),
            mount_tries: 0,
            sandboxes: found.sandbox.as_ref().map_or(0, |(_, attempt)| attempt + 1),
            sandbox: found.sandbox.map(|(id, _)| id),
            old_sandbox: found.older,
            containers,
            inits,
            mains,
            busy: false,
            report: false,
            killing: None,
            ended: false,
            gone: false,
            is_orphan: false,
            rejected: None,
            failed: None,
            started,
            posting: false,
            post_due: false,
            retry_armed: false,
            cause: ctx.cause,
        }
    }

    /// A worker for what runs without a pod.
    pub fn orphan(uid: &Str, found: Recovered, ctx: &Ctx<'_>) -> Worker {
        let key = found.pod.clone().unwrap_or_else(|| ObjectKey::new(Kind::POD, "", uid.clone()));
        let mut object = Object::new(Kind::POD, &key.namespace, &key.name);
        object.set(&["metadata", "uid"], uid);
        let names: Vec<Value> = found.runs.keys().map(|n| Value::Map(map! { "name" => n })).collect();
        object.set(&["spec", "containers"], names);
        let worker = Worker::new(Arc::new(object), false, Some(found), ctx);
        Worker { gone: true, is_orphan: true, ..worker }
    }

    /// Takes note of containers that were added to the running pod.
    pub fn extend(&mut self) {
        let known = self.containers.len() - self.mains;
        let added: Vec<Slot> = ephemeral(&self.pod)
            .iter()
            .skip(known)
            .map(|c| Slot { name: c.str("name").into(), ..Slot::default() })
            .collect();
        self.containers.extend(added);
    }

    /// The pod as the API knows it.
    pub fn posted_pod(&self) -> &Arc<Object> {
        self.mirror.as_ref().unwrap_or(&self.pod)
    }
    /// Spec of the container at `index`, init containers first.
    pub fn spec(&self, index: usize) -> &Value {
        static NONE: Value = Value::Null;
        let specs = match index.checked_sub(self.inits) {
            None => pod::init_containers(&self.pod).get(index),
            Some(_) if index >= self.mains => ephemeral(&self.pod).get(index - self.mains),
            Some(i) => pod::containers(&self.pod).get(i),
        };
        specs.unwrap_or(&NONE)
    }
    /// Whether the container is an init container that runs beside the others.
    pub fn sidecar(&self, index: usize) -> bool {
        index < self.inits && self.spec(index).str("restartPolicy") == "Always"
    }
    pub fn restart_policy(&self) -> &str {
        match self.pod.str(&["spec", "restartPolicy"]) {
            "" => "Always",
            policy => policy,
        }
    }
    /// The newest run of a container.
    pub fn run<'d>(&self, index: usize, data: &'d RuntimeData) -> Option<&'d Container> {
        data.containers.get(self.containers[index].id.as_ref()?)
    }
    pub fn any_running(&self, data: &RuntimeData) -> bool {
        (0..self.containers.len()).any(|i| self.run(i, data).is_some_and(|c| c.state == ContainerState::Running))
    }
    /// Whether the API says of its readiness what this kubelet did not (the node controller does
    /// that to pods of a silent node).
    pub fn ready_disputed(&self) -> bool {
        !self.posting && self.killing.is_none() && {
            let known = self.posted_pod();
            let ready = meta::condition(known, "Ready").map(|(s, ..)| s == "True");
            let containers = meta::condition(known, "ContainersReady").map(|(s, ..)| s == "True");
            ready == Some(false) && containers == Some(true)
        }
    }
}

/// Containers that were added for debugging.
pub fn ephemeral(object: &Object) -> &[Value] {
    object.items(&["spec", "ephemeralContainers"])
}

fn slot(name: &str, found: &Recovered) -> Slot {
    let run = found.runs.get(name).cloned();
    let (id, previous) = run.map_or((None, None), |(id, _, previous)| (Some(id), previous));
    // Readiness survives a kubelet's restart until the probe says otherwise.
    let passed = Tally { passed: id.is_some(), ..Tally::default() };
    Slot { name: name.into(), id, previous, probes: [passed; 3], ..Slot::default() }
}
