//! What a controller implements, and what it sees and acts through.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Status, Value, meta};
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Str, Time};
use crate::sim::flowcontrol::Client;
use crate::sim::informer::{Delta, Informer};
use crate::sim::recorder::{EventRecorder, Fact};
use crate::sim::{Ctx, Profile, Reply, TraceId, What};

/// A control loop over keys. It holds only what it cannot read from the cache.
pub trait Controller: Debug + Send + Sync {
    /// `deployment-controller`: the source of its events and the name of its client.
    fn name(&self) -> &'static str;
    /// The kinds whose changes it wants to hear of.
    fn watches(&self) -> &'static [Kind];
    /// Keys it works on at the same time.
    fn workers(&self) -> u32 {
        5
    }
    /// How many times the usual rate its client is allowed.
    fn rate(&self) -> u64 {
        1
    }
    /// Something changed in the cache: enqueue what has to be looked at.
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta);
    /// Brings one key closer to what it should be. First called with [`Step::start`], then with each
    /// stage it asked to continue at.
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next;
    /// All caches are filled and this manager leads.
    fn started(&mut self, _kit: &mut Kit<'_, '_>) {}
    /// A timer set through [`Kit::wake`].
    fn woken(&mut self, _kit: &mut Kit<'_, '_>, _arg: &str) {}
    fn clone_box(&self) -> Box<dyn Controller>;
}

/// Where in a sync a controller is called: plain data between two answers.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Empty at the start.
    pub stage: &'static str,
    /// What the earlier stage wanted to keep.
    pub objects: Vec<Arc<Object>>,
    pub number: i64,
    pub text: Str,
    /// The answers to its requests, in their order.
    pub replies: Vec<Reply>,
}

impl Step {
    pub fn at(stage: &'static str) -> Step {
        Step { stage, ..Step::default() }
    }
}

/// An event to post about `about`.
#[derive(Clone, Debug)]
pub struct Note {
    pub about: Arc<Object>,
    /// `Normal` or `Warning`.
    pub kind: &'static str,
    pub reason: &'static str,
    pub message: Str,
}

/// One request of a plan.
#[derive(Clone, Debug)]
pub struct Op {
    pub request: Request,
    /// The decision that led to it.
    pub cause: TraceId,
    /// Posted when it succeeded.
    pub note: Option<Note>,
    /// These failures count as success.
    pub tolerate: &'static [Reason],
}

impl Op {
    pub fn new(request: Request, cause: TraceId) -> Op {
        Op { request, cause, note: None, tolerate: &[] }
    }
    pub fn note(mut self, note: Note) -> Op {
        self.note = Some(note);
        self
    }
    pub fn tolerate(mut self, reasons: &'static [Reason]) -> Op {
        self.tolerate = reasons;
        self
    }
}

/// What a sync wants next.
#[derive(Clone, Debug)]
pub enum Next {
    Done,
    /// It failed: again after the queue's back-off.
    Retry,
    /// Again after this long.
    After(Duration),
    /// Requests one after the other; the first that fails ends the sync with a retry.
    Run(VecDeque<Op>),
    /// Requests all at once; when all are answered, `sync` is called with the step and their replies.
    Ask(Vec<Request>, Step),
}

impl Next {
    pub fn run(ops: impl IntoIterator<Item = Op>) -> Next {
        Next::Run(ops.into_iter().collect())
    }
}

/// The object of an answer.
pub fn object(reply: &Reply) -> Option<&Arc<Object>> {
    match reply {
        Ok(Response::Object(o)) => Some(o),
        _ => None,
    }
}
/// Whether the request did what it was to do.
pub fn succeeded(reply: &Reply) -> bool {
    !matches!(reply, Err(_) | Ok(Response::Error(_)))
}
/// The Status of a refusal.
pub fn refusal(reply: &Reply) -> Option<&Status> {
    match reply {
        Ok(Response::Error(status)) => Some(status),
        _ => None,
    }
}
/// The error's text, as Go's `err.Error()`.
pub fn error_text(reply: &Reply) -> Str {
    match reply {
        Ok(Response::Error(status)) => status.message.clone(),
        Err(e) => ecow::eco_format!("{e:?}").to_ascii_lowercase(),
        _ => Str::new(),
    }
}

/// The shared caches and their indexes.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    pub informers: OrdMap<Kind, Informer>,
    /// UID of an owner → what names it in ownerReferences.
    pub dependents: OrdMap<Str, OrdSet<ObjectKey>>,
    /// Objects without a managing controller, of the kinds that are adopted.
    pub orphans: OrdSet<ObjectKey>,
    /// Node name → its pods.
    pub pods_on: OrdMap<Str, OrdSet<ObjectKey>>,
}

impl Cache {
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.informers.get(&key.kind)?.get(key)
    }
    /// Keeps the indexes in step with a change.
    pub fn index(&mut self, delta: &Delta) {
        if let (Some(old), Some(new)) = (&delta.old, &delta.new)
            && same_place(old, new)
        {
            return;
        }
        if let Some(old) = &delta.old {
            for uid in owner_uids(old) {
                remove(&mut self.dependents, uid, &delta.key);
            }
            self.orphans.remove(&delta.key);
            if delta.key.kind == Kind::POD {
                remove(&mut self.pods_on, crate::api::pod::node_name(old), &delta.key);
            }
        }
        let Some(new) = &delta.new else { return };
        for uid in owner_uids(new) {
            self.dependents.entry(uid.into()).or_default().insert(delta.key.clone());
        }
        if matches!(delta.key.kind, Kind::POD | Kind::REPLICA_SET | Kind::CONTROLLER_REVISION)
            && meta::controller_of(new).is_none()
        {
            self.orphans.insert(delta.key.clone());
        }
        if delta.key.kind == Kind::POD {
            let node = crate::api::pod::node_name(new);
            if !node.is_empty() {
                self.pods_on.entry(node.into()).or_default().insert(delta.key.clone());
            }
        }
    }
}

/// Whether owners and node are unchanged.
fn same_place(old: &Object, new: &Object) -> bool {
    let node = |o: &Object| -> Str { crate::api::pod::node_name(o).into() };
    meta::owner_references(old) == meta::owner_references(new) && (old.kind() != Kind::POD || node(old) == node(new))
}

fn owner_uids(o: &Object) -> impl Iterator<Item = &str> {
    meta::owner_references(o).iter().map(|r| r.str("uid"))
}

fn remove(index: &mut OrdMap<Str, OrdSet<ObjectKey>>, at: &str, key: &ObjectKey) {
    if let Some(set) = index.get_mut(at) {
        set.remove(key);
        if set.is_empty() {
            index.remove(at);
        }
    }
}

/// What the manager collects from a controller's call.
#[derive(Debug, Default)]
pub struct Collected {
    pub enqueue: Vec<(ObjectKey, TraceId, Duration)>,
    pub wake: Vec<(Str, Duration)>,
    /// Requests whose answers nobody needs.
    pub send: Vec<(Request, TraceId)>,
    /// Events to post, one after the other.
    pub events: Vec<(Request, TraceId)>,
}

/// What a controller sees and acts through while it is called.
pub struct Kit<'a, 'w> {
    pub ctx: &'a mut Ctx<'w>,
    pub cache: &'a Cache,
    pub profile: Profile,
    pub recorder: &'a mut EventRecorder,
    pub client: &'a mut Client,
    pub out: &'a mut Collected,
}

impl Kit<'_, '_> {
    pub fn now(&self) -> Time {
        self.ctx.now()
    }
    pub fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.cache.get(key)
    }
    pub fn named(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.cache.informers.get(&kind)?.named(namespace, name)
    }
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.cache.informers.get(&kind).into_iter().flat_map(|i| i.iter())
    }
    pub fn in_namespace(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.cache.informers.get(&kind).into_iter().flat_map(|i| i.in_namespace(namespace))
    }
    /// Objects of `kind` that name `uid` in their ownerReferences.
    pub fn dependents(&self, uid: &str, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let keys = self.cache.dependents.get(uid).into_iter().flatten();
        keys.filter(move |k| k.kind == kind).filter_map(|k| self.cache.get(k))
    }
    /// Objects of `kind` whose managing controller is `owner`.
    pub fn controlled_by(&self, owner: &Object, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let uid: Str = meta::uid(owner).into();
        self.dependents(meta::uid(owner), kind)
            .filter(move |o| meta::controller_of(o).is_some_and(|r| r.str("uid") == uid))
    }
    /// Objects of `kind` in a namespace that no controller manages.
    pub fn orphans(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let from = ObjectKey::new(kind, namespace, "");
        let namespace = from.namespace.clone();
        let keys = self.cache.orphans.range(from..);
        keys.take_while(move |k| k.kind == kind && k.namespace == namespace).filter_map(|k| self.cache.get(k))
    }
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.cache.pods_on.get(node).into_iter().flatten().filter_map(|k| self.cache.get(k))
    }
    /// The object that a controller reference of `o` points at, if it is the one meant (by UID).
    pub fn controller(&self, o: &Object, kind: Kind) -> Option<&Arc<Object>> {
        let r = meta::controller_of(o)?;
        if r.str("kind") != kind.name() {
            return None;
        }
        self.named(kind, o.namespace(), r.str("name")).filter(|owner| meta::uid(owner) == r.str("uid"))
    }

    pub fn enqueue(&mut self, key: ObjectKey) {
        self.enqueue_after(key, Duration::ZERO);
    }
    pub fn enqueue_after(&mut self, key: ObjectKey, after: Duration) {
        self.out.enqueue.push((key, self.ctx.cause, after));
    }
    /// Calls [`Controller::woken`] after a while.
    pub fn wake(&mut self, after: Duration, arg: impl Into<Str>) {
        self.out.wake.push((arg.into(), after));
    }
    /// Traces a decision; what follows is caused by it.
    pub fn decide(&mut self, key: &ObjectKey, verdict: &'static str, detail: impl Into<Value>) -> TraceId {
        let what = What::Decide { key: key.clone(), verdict, detail: detail.into() };
        self.ctx.cause = self.ctx.trace(what);
        self.ctx.cause
    }
    /// Posts an event.
    pub fn event(&mut self, note: Note) {
        let about = meta::object_reference(&note.about);
        self.event_about(about, note.kind, note.reason, note.message);
    }
    pub fn event_about(&mut self, about: crate::api::Map, kind: &str, reason: &str, message: impl Into<Str>) {
        let fact = Fact { about, kind, reason, message: message.into(), action: "" };
        if let Some(request) = self.recorder.make(self.ctx.now(), fact) {
            self.out.events.push((request, self.ctx.cause));
        }
    }
    /// Sends a request whose answer does not matter to the sync.
    pub fn send(&mut self, request: Request) {
        self.out.send.push((request, self.ctx.cause));
    }
}
