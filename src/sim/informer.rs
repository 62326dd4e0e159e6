//! A client's cached copy of one kind, kept by LIST and WATCH. It can be stale, as in life.
//! Models client-go/tools/cache Reflector and SharedInformer (one handler: the owner).

use std::sync::Arc;

use super::component::{Ctx, Endpoint, Msg};
use crate::api::selector::{FieldSelector, LabelSelector};
use crate::api::{Kind, Object, ObjectKey, Request, Response, Verb, WatchType};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str};

#[derive(Clone, Copy, PartialEq, Debug)]
enum Phase {
    Idle,
    Listing,
    /// The watch is asked for or open.
    Watching,
}

/// What changed in the cache: the state before (`None`: added) and after (`None`: deleted).
#[derive(Clone, Debug)]
pub struct Delta {
    pub key: ObjectKey,
    pub old: Option<Arc<Object>>,
    pub new: Option<Arc<Object>>,
}

#[derive(Clone, Debug)]
pub struct Informer {
    pub kind: Kind,
    fields: FieldSelector,
    labels: LabelSelector,
    user: Str,
    /// Empty: all.
    namespace: Str,
    server: Endpoint,
    /// Tokens of its requests: list = `token`, watch = `token + 1`, retry timer argument = `token`.
    token: u64,
    phase: Phase,
    synced: bool,
    store: OrdMap<ObjectKey, Arc<Object>>,
    revision: u64,
    failures: u32,
}

/// `Msg::Timer` number that informers use; owners must not.
pub const RETRY_TIMER: u16 = u16::MAX;

impl Informer {
    /// `token` and `token + 1` must be unused by the owner.
    pub fn new(kind: Kind, server: Endpoint, user: &str, token: u64) -> Informer {
        Informer {
            kind,
            fields: FieldSelector::default(),
            labels: LabelSelector::default(),
            user: user.into(),
            namespace: Str::new(),
            server,
            token,
            phase: Phase::Idle,
            synced: false,
            store: OrdMap::new(),
            revision: 0,
            failures: 0,
        }
    }
    pub fn with_fields(mut self, fields: FieldSelector) -> Informer {
        self.fields = fields;
        self
    }

    pub fn with_namespace(mut self, namespace: &str) -> Informer {
        self.namespace = namespace.into();
        self
    }

    /// Begins (again) with a LIST.
    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.phase = Phase::Listing;
        let request = self.base(Verb::List);
        ctx.request(&self.server, self.token, request);
    }

    fn base(&self, verb: Verb) -> Request {
        Request {
            fields: self.fields.clone(),
            labels: self.labels.clone(),
            user: self.user.clone(),
            ..Request::new(verb, self.kind, self.namespace.clone(), "")
        }
    }

    /// Takes `msg` if it is this informer's and returns what changed; gives it back otherwise.
    /// The first list may return many deltas; [`Informer::synced`] turns true with it.
    pub fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) -> Result<Vec<Delta>, Msg> {
        match msg {
            Msg::Response(t, Ok(Response::List { items, resource_version, .. })) if t == self.token => {
                self.failures = 0;
                self.synced = true;
                self.revision = resource_version;
                self.phase = Phase::Watching;
                let watch = Request { resource_version, ..self.base(Verb::Watch) };
                ctx.request(&self.server, self.token + 1, watch);
                Ok(self.replace(items))
            }
            Msg::Response(t, Ok(Response::Watching)) if t == self.token + 1 => Ok(Vec::new()),
            Msg::Response(t, _) if t == self.token || t == self.token + 1 => {
                self.retry(ctx);
                Ok(Vec::new())
            }
            Msg::Watch(t, event) if t == self.token + 1 => {
                let key = event.object.key.clone();
                self.revision = event.object.resource_version;
                let delta = match event.kind {
                    WatchType::Bookmark => return Ok(Vec::new()),
                    WatchType::Deleted => Delta { old: self.store.remove(&key), new: None, key },
                    WatchType::Added | WatchType::Modified => {
                        let new = Some(event.object.clone());
                        Delta { old: self.store.insert(key.clone(), event.object), new, key }
                    }
                };
                Ok(vec![delta])
            }
            Msg::WatchClosed(t) if t == self.token + 1 => {
                self.retry(ctx);
                Ok(Vec::new())
            }
            Msg::Timer(RETRY_TIMER, arg) if arg == self.timer_arg() => {
                if self.phase == Phase::Idle {
                    self.start(ctx);
                }
                Ok(Vec::new())
            }
            other => Err(other),
        }
    }

    fn timer_arg(&self) -> Str {
        ecow::eco_format!("{}", self.token)
    }

    /// Reflector back-off: 0.8 s doubling to 30 s, with jitter.
    fn retry(&mut self, ctx: &mut Ctx<'_>) {
        self.phase = Phase::Idle;
        let wait = Duration::millis(800u64 << self.failures.min(6)).min(Duration::secs(30));
        self.failures += 1;
        let wait = ctx.rng.jitter(wait, 100);
        let arg = self.timer_arg();
        ctx.timer(wait, RETRY_TIMER, arg);
    }

    fn replace(&mut self, items: Vec<Arc<Object>>) -> Vec<Delta> {
        let fresh: OrdMap<ObjectKey, Arc<Object>> = items.into_iter().map(|o| (o.key.clone(), o)).collect();
        let mut deltas = Vec::new();
        for (key, old) in &self.store {
            if !fresh.contains_key(key) {
                deltas.push(Delta { key: key.clone(), old: Some(old.clone()), new: None });
            }
        }
        for (key, new) in &fresh {
            let old = self.store.get(key).cloned();
            if old.as_ref().is_none_or(|o| o.resource_version != new.resource_version) {
                deltas.push(Delta { key: key.clone(), old, new: Some(new.clone()) });
            }
        }
        self.store = fresh;
        deltas
    }

    /// Whether the first list has arrived.
    pub fn synced(&self) -> bool {
        self.synced
    }
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.store.get(key)
    }
    pub fn named(&self, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.store.get(&ObjectKey::new(self.kind, namespace, name))
    }
    /// Everything cached, by namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.store.values()
    }
    /// The cached objects of one namespace.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let from = ObjectKey::new(self.kind, namespace, "");
        let namespace = from.namespace.clone();
        self.store.range(from..).map(|(_, o)| o).take_while(move |o| o.key.namespace == namespace)
    }
    pub fn len(&self) -> usize {
        self.store.len()
    }
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }
}
