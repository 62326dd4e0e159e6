//! Open watches and what is delivered to them. Each watch is one connection: its events arrive in
//! revision order. Watches by one node name or one object name are indexed, so that a write costs
//! time only for those it concerns.
//! Models apiserver/pkg/storage/cacher.

use crate::api::selector::{FieldSelector, LabelSelector};
use crate::api::{Kind, Object, Reason, Request, Status, WatchEvent, WatchType, meta, pod};
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Str, Time};
use crate::etcd::Change;
use crate::sim::trace::WriteOp;
use crate::sim::{Caller, Ctx, Msg, What};

/// What a watch is found by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Index {
    Nothing,
    Name(Str),
    Node(Str),
}

#[derive(Clone, Debug)]
struct Watcher {
    kind: Kind,
    namespace: Str,
    fields: FieldSelector,
    labels: LabelSelector,
    bucket: (Kind, Index),
    /// When its last event arrives: the connection is first in, first out.
    last: Time,
}

impl Watcher {
    fn wants(&self, object: &Object) -> bool {
        (self.namespace.is_empty() || self.namespace == object.key.namespace)
            && self.fields.matches(object)
            && (self.labels.is_empty() || self.labels.matches(meta::labels(object)))
    }
    /// How `change` looks through this watch's selectors; `None`: not at all.
    fn view(&self, change: &Change) -> Option<WatchType> {
        let before = change.old.as_ref().is_some_and(|o| self.wants(o));
        let after = change.op != WriteOp::Delete && self.wants(&change.new);
        match (before, after) {
            (false, true) => Some(WatchType::Added),
            (true, true) => Some(WatchType::Modified),
            (true, false) => Some(WatchType::Deleted),
            (false, false) => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Watchers {
    all: OrdMap<Caller, Watcher>,
    buckets: OrdMap<(Kind, Index), OrdSet<Caller>>,
    /// Connections that lost data on a dead link: closed as soon as the client can be reached.
    broken: OrdSet<Caller>,
}

/// A client notices a silent server by its HTTP/2 ping: 30 s of silence, 15 s without an answer.
/// Models apimachinery/pkg/util/net ReadIdleTimeout and PingTimeout.
const PING_TIMEOUT: Duration = Duration::secs(45);

fn bucket_of(request: &Request) -> (Kind, Index) {
    let term = |path: &str| {
        let term = request.fields.0.iter().find(|(p, _, equal)| p == path && *equal)?;
        Some(Str::from(term.1.as_str()))
    };
    let name = || term("metadata.name").map(Index::Name);
    let index = match request.kind {
        Kind::POD => term("spec.nodeName").map(Index::Node).or_else(name),
        _ => name(),
    };
    (request.kind, index.unwrap_or(Index::Nothing))
}

impl Watchers {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Registers a watch, or says why it cannot start at its revision.
    pub fn open(
        &mut self,
        ctx: &Ctx<'_>,
        caller: Caller,
        request: &Request,
        etcd: u32,
        visible: Time,
    ) -> Result<(), Status> {
        let compacted = ctx.world.machine(etcd).etcd_data.as_ref().map_or(0, |d| d.compacted());
        if request.resource_version != 0 && request.resource_version < compacted {
            let message = ecow::eco_format!("too old resource version: {} ({compacted})", request.resource_version);
            return Err(Status::new(Reason::Expired, message));
        }
        let bucket = bucket_of(request);
        let watcher = Watcher {
            kind: request.kind,
            namespace: request.namespace.clone(),
            fields: request.fields.clone(),
            labels: request.labels.clone(),
            bucket: bucket.clone(),
            last: visible,
        };
        self.all.insert(caller, watcher);
        self.buckets.entry(bucket).or_default().insert(caller);
        Ok(())
    }

    /// Sends what happened between the revision asked for and now.
    pub fn replay(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request, etcd: u32) {
        let Some(watcher) = self.all.get(&caller) else { return };
        let Some(data) = ctx.world.machine(etcd).etcd_data.as_ref() else { return };
        let mut events = Vec::new();
        if request.resource_version == 0 {
            let listed = data.list(watcher.kind, &request.namespace, None);
            events.extend(listed.filter(|o| watcher.wants(o)).map(|o| (WatchType::Added, o.clone())));
        } else {
            for change in data.changes_since(request.resource_version).filter(|c| c.new.key.kind == watcher.kind) {
                if let Some(kind) = watcher.view(change) {
                    events.push((kind, change.new.clone()));
                }
            }
        }
        for (kind, object) in events {
            self.deliver(ctx, caller, WatchEvent { kind, object }, Duration::millis(1));
        }
    }

    /// Tells every watch that sees `change`, which becomes visible after `delay`.
    pub fn publish(&mut self, ctx: &mut Ctx<'_>, change: &Change, delay: Duration) {
        let key = &change.new.key;
        let mut callers: Vec<Caller> = Vec::new();
        let mut collect = |index: Index| {
            if let Some(found) = self.buckets.get(&(key.kind, index)) {
                callers.extend(found.iter().copied());
            }
        };
        collect(Index::Nothing);
        collect(Index::Name(key.name.clone()));
        if key.kind == Kind::POD {
            let node = pod::node_name(&change.new);
            collect(Index::Node(node.into()));
            if let Some(before) = change.old.as_ref().map(|o| pod::node_name(o)).filter(|n| *n != node) {
                collect(Index::Node(before.into()));
            }
        }
        for caller in callers {
            let Some(kind) = self.all.get(&caller).and_then(|w| w.view(change)) else { continue };
            self.deliver(ctx, caller, WatchEvent { kind, object: change.new.clone() }, delay);
        }
    }

    fn deliver(&mut self, ctx: &mut Ctx<'_>, caller: Caller, event: WatchEvent, delay: Duration) {
        if !ctx.world.alive(caller.actor) {
            return self.close(caller);
        }
        let Some(way) = ctx.link_to(caller.actor) else {
            self.close(caller);
            self.broken.insert(caller);
            return;
        };
        let Some(watcher) = self.all.get_mut(&caller) else { return };
        let now = ctx.world.now;
        let arrives = (now + delay + way).max(watcher.last);
        watcher.last = arrives;
        let what =
            What::Deliver { kind: event.kind, key: event.object.key.clone(), revision: event.object.resource_version };
        let cause = ctx.cause;
        ctx.cause = ctx.world.trace.push(now + delay, arrives, cause, ctx.me, caller.actor, what);
        ctx.send(caller.actor, arrives.since(now), Msg::Watch(caller.token, event));
        ctx.cause = cause;
    }

    pub fn close(&mut self, caller: Caller) {
        let Some(watcher) = self.all.remove(&caller) else { return };
        if let Some(bucket) = self.buckets.get_mut(&watcher.bucket) {
            bucket.remove(&caller);
            if bucket.is_empty() {
                self.buckets.remove(&watcher.bucket);
            }
        }
    }

    /// Whether connections wait for their clients to be reachable again.
    pub fn has_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Resets the broken connections whose clients can be reached again: they list and watch anew.
    pub fn reset_broken(&mut self, ctx: &mut Ctx<'_>) {
        for caller in self.broken.clone() {
            if !ctx.world.alive(caller.actor) {
                self.broken.remove(&caller);
            } else if let Some(way) = ctx.link_to(caller.actor) {
                self.broken.remove(&caller);
                ctx.send(caller.actor, way, Msg::WatchClosed(caller.token));
            }
        }
    }

    /// The server goes: every connection is closed.
    pub fn close_all(&mut self, ctx: &mut Ctx<'_>) {
        let callers: Vec<Caller> = self.all.keys().chain(self.broken.iter()).copied().collect();
        for caller in callers {
            let way = ctx.link_to(caller.actor).unwrap_or(PING_TIMEOUT);
            ctx.send(caller.actor, way, Msg::WatchClosed(caller.token));
        }
        *self = Watchers::default();
    }

    /// The server's machine lost power: clients find out by themselves.
    pub fn abandon(&mut self, ctx: &mut Ctx<'_>) {
        for caller in self.all.keys().chain(self.broken.iter()) {
            ctx.send(caller.actor, PING_TIMEOUT, Msg::WatchClosed(caller.token));
        }
        *self = Watchers::default();
    }
}
