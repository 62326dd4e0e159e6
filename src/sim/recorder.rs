//! Event recording: what a component posts about objects, and how repeats are folded.
//!
//! An owner keeps one [`EventRecorder`] per client and calls [`EventRecorder::record`]. Events are
//! posted one after the other: for each answer under the recorder's token the owner calls
//! [`EventRecorder::answered`]. An owner with a rate limit of its own takes the request from
//! [`EventRecorder::make`] and sends it itself.
//! Models client-go/tools/record (events_cache.go) and client-go/tools/events (the scheduler's).

use std::collections::VecDeque;

use ecow::EcoVec;

use super::{Ctx, Endpoint, TraceId};
use crate::api::request::PatchType;
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, meta};
use crate::base::hash::Fnv;
use crate::base::persistent::{OrdMap, Vector};
use crate::base::rng::hex;
use crate::base::{Duration, Str, Time, concat};

/// Similar events (same object, reason and type) with different messages before they are combined.
const MAX_SIMILAR: usize = 10;
const SIMILAR_WINDOW: Duration = Duration::secs(600);
/// Spam filter: this many events about one object at once, then one more every 300 s.
const SPAM_BURST: u64 = 25;
const SPAM_REFILL: Duration = Duration::secs(300);
/// What the caches remember, each.
const CACHE: usize = 4096;
/// The API server forgets events after this; a repeat later than it is a new event.
const EVENT_TTL: Duration = Duration::secs(3600);

/// One fact to post.
#[derive(Clone, Debug)]
pub struct Fact<'a> {
    /// The `involvedObject`, as [`meta::object_reference`] makes it (kubelet adds `fieldPath`).
    pub about: Map,
    /// `Normal` or `Warning`.
    pub kind: &'a str,
    pub reason: &'a str,
    pub message: Str,
    /// `Binding`, `Scheduling` …: only in events.k8s.io style.
    pub action: &'a str,
}

/// An event that was posted and may be counted up.
#[derive(Clone, Debug)]
struct Posted {
    key: ObjectKey,
    count: i64,
    last: Time,
}

#[derive(Clone, Debug, Default)]
struct Similar {
    /// Their hashes in order, at most ten.
    messages: EcoVec<u64>,
    last: Time,
}

/// A map that forgets its oldest entries.
#[derive(Clone, Debug)]
struct Cache<T: Clone> {
    entries: OrdMap<u64, T>,
    order: Vector<u64>,
}

impl<T: Clone> Default for Cache<T> {
    fn default() -> Self {
        Cache { entries: OrdMap::new(), order: Vector::new() }
    }
}

impl<T: Clone> Cache<T> {
    fn put(&mut self, key: u64, value: T) {
        if self.entries.insert(key, value).is_none() {
            self.order.push_back(key);
            if self.order.len() > CACHE
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct EventRecorder {
    /// `source.component` (or `reportingController`).
    component: Str,
    /// `source.host`: the node for kubelet, empty for most.
    host: Str,
    user: Str,
    pub user_agent: Str,
    server: Endpoint,
    token: u64,
    /// Posts in the style of events.k8s.io: eventTime, action, series.
    new_style: bool,
    posted: Cache<Posted>,
    similar: Cache<Similar>,
    /// Per object: tokens used of the spam filter's bucket, and when that was.
    spam: Cache<(u64, Time)>,
    /// Nanoseconds of the last event's name, so that names differ.
    stamp: u64,
    /// Events that wait for the answer to the one before.
    outbox: VecDeque<(Request, TraceId)>,
    /// When the one that is under way was sent.
    sent: Option<Time>,
}

/// An answer that takes longer is not waited for.
const PATIENCE: Duration = Duration::secs(30);

impl EventRecorder {
    /// `token` is the number its requests carry; the owner must not use it for others.
    pub fn new(component: &str, host: &str, user: &str, server: Endpoint, token: u64) -> EventRecorder {
        EventRecorder {
            component: component.into(),
            host: host.into(),
            user: user.into(),
            user_agent: Str::new(),
            server,
            token,
            new_style: false,
            posted: Cache::default(),
            similar: Cache::default(),
            spam: Cache::default(),
            stamp: 0,
            outbox: VecDeque::new(),
            sent: None,
        }
    }
    /// As the scheduler does since 1.19: `component` becomes reportingController, and its instance
    /// is named after `host`.
    pub fn events_v1(mut self) -> EventRecorder {
        self.new_style = true;
        self
    }
    pub fn with_agent(mut self, user_agent: &str) -> EventRecorder {
        self.user_agent = user_agent.into();
        self
    }

    /// Whether a `Msg::Response` of this token is an answer to the recorder.
    pub fn owns(&self, token: u64) -> bool {
        token == self.token
    }

    /// Posts an event about `object`. `kind` is `Normal` or `Warning`.
    pub fn record(&mut self, ctx: &mut Ctx<'_>, object: &Object, kind: &str, reason: &str, message: impl Into<Str>) {
        let about = meta::object_reference(object);
        self.send(ctx, Fact { about, kind, reason, message: message.into(), action: "" });
    }

    pub fn send(&mut self, ctx: &mut Ctx<'_>, fact: Fact<'_>) {
        let Some(request) = self.make(ctx.now(), fact) else { return };
        self.outbox.push_back((request, ctx.cause));
        if self.sent.is_none_or(|at| ctx.now().since(at) > PATIENCE) {
            self.next(ctx);
        }
    }

    /// The event under way was answered, well or not: posts the next one.
    pub fn answered(&mut self, ctx: &mut Ctx<'_>) {
        self.next(ctx);
    }

    fn next(&mut self, ctx: &mut Ctx<'_>) {
        self.sent = None;
        let Some((request, cause)) = self.outbox.pop_front() else { return };
        self.sent = Some(ctx.now());
        let before = std::mem::replace(&mut ctx.cause, cause);
        ctx.request(&self.server, self.token, request);
        ctx.cause = before;
    }

    /// The request that posts `fact` or counts up an earlier event; `None` if the spam filter drops it.
    pub fn make(&mut self, now: Time, fact: Fact<'_>) -> Option<Request> {
        let request = if self.new_style { self.make_v1(now, fact)? } else { self.make_core(now, fact)? };
        Some(Request { user: self.user.clone(), user_agent: self.user_agent.clone(), ..request })
    }

    fn make_core(&mut self, now: Time, fact: Fact<'_>) -> Option<Request> {
        let similar_key = self.hash(&fact, "");
        let combined = self.combine(now, similar_key, &fact.message);
        let message = match combined {
            true => ecow::eco_format!("(combined from similar events): {}", fact.message),
            false => fact.message.clone(),
        };
        let key = if combined { similar_key } else { self.hash(&fact, &fact.message) };
        let earlier = self.posted.entries.get(&key).filter(|p| now.since(p.last) < EVENT_TTL).cloned();
        let posted = match &earlier {
            Some(p) => Posted { count: p.count + 1, last: now, ..p.clone() },
            None => Posted { key: self.name(now, &fact.about), count: 1, last: now },
        };
        self.posted.put(key, posted.clone());
        if self.spams(now, &fact) {
            return None;
        }
        let at = now.rfc3339();
        if earlier.is_some() {
            let body = map! { "count" => posted.count, "lastTimestamp" => at, "message" => message };
            return Some(Request::patch(&posted.key, PatchType::StrategicMerge, Value::Map(body)));
        }
        let mut source = map! { "component" => &self.component };
        if !self.host.is_empty() {
            source.insert("host", &self.host);
        }
        Some(self.post(
            map! {
                "count" => 1i64,
                "eventTime" => Value::Null,
                "firstTimestamp" => at.clone(),
                "involvedObject" => fact.about,
                "lastTimestamp" => at,
                "message" => message,
                "metadata" => map! { "name" => &posted.key.name, "namespace" => &posted.key.namespace },
                "reason" => fact.reason,
                "reportingComponent" => &self.component,
                "reportingInstance" => &self.host,
                "source" => source,
                "type" => fact.kind,
            },
            posted.key,
        ))
    }

    fn make_v1(&mut self, now: Time, fact: Fact<'_>) -> Option<Request> {
        // Unlike the old one it tells versions of an object apart, and messages not.
        let key = self.hash(&fact, fact.about.str("resourceVersion"));
        let earlier = self.posted.entries.get(&key).filter(|p| now.since(p.last) < EVENT_TTL).cloned();
        if let Some(p) = earlier {
            let posted = Posted { count: p.count + 1, last: now, ..p };
            self.posted.put(key, posted.clone());
            let series = map! { "count" => posted.count, "lastObservedTime" => now.rfc3339_micro() };
            // Upstream posts the start of a series at once and its further counts only every 6 minutes.
            let body = Value::Map(map! { "series" => series });
            return (posted.count == 2).then(|| Request::patch(&posted.key, PatchType::StrategicMerge, body));
        }
        let posted = Posted { key: self.name(now, &fact.about), count: 1, last: now };
        self.posted.put(key, posted.clone());
        Some(self.post(
            map! {
                "action" => fact.action,
                "eventTime" => now.rfc3339_micro(),
                "firstTimestamp" => Value::Null,
                "involvedObject" => fact.about,
                "lastTimestamp" => Value::Null,
                "message" => fact.message,
                "metadata" => map! { "name" => &posted.key.name, "namespace" => &posted.key.namespace },
                "reason" => fact.reason,
                "reportingComponent" => &self.component,
                "reportingInstance" => ecow::eco_format!("{}-{}", self.component, self.host),
                "source" => Map::new(),
                "type" => fact.kind,
            },
            posted.key,
        ))
    }

    fn post(&self, body: Map, key: ObjectKey) -> Request {
        Request::create(Object { key, resource_version: 0, body, managed: Default::default() })
    }

    /// `nginx.18e9dc3addae0dbc`: the object's name and the instant in hexadecimal nanoseconds.
    fn name(&mut self, now: Time, about: &Map) -> ObjectKey {
        let nanos = now.unix_s() * 1_000_000_000 + now.0 % 1_000_000 * 1000;
        self.stamp = nanos.max(self.stamp + 1);
        let namespace = match about.str("namespace") {
            "" => "default",
            ns => ns,
        };
        let digits = hex(self.stamp);
        let digits = std::str::from_utf8(&digits).unwrap_or_default().trim_start_matches('0');
        ObjectKey::new(Kind::EVENT, namespace, concat(&[about.str("name"), ".", digits]))
    }

    /// Whether this is the tenth or later message of its sort within ten minutes.
    fn combine(&mut self, now: Time, key: u64, message: &str) -> bool {
        let mut record = self.similar.entries.get(&key).cloned().unwrap_or_default();
        if now.since(record.last) > SIMILAR_WINDOW {
            record = Similar::default();
        }
        record.last = now;
        let message = Fnv::of(message.as_bytes());
        if let Err(at) = record.messages.binary_search(&message) {
            record.messages.insert(at, message);
        }
        let combined = record.messages.len() >= MAX_SIMILAR;
        if combined {
            // Upstream forgets any one of them, so an old message may become new again.
            let any = (Fnv::of(&(now.0 ^ message).to_le_bytes()) % MAX_SIMILAR as u64) as usize;
            record.messages.remove(any);
        }
        self.similar.put(key, record);
        combined
    }

    fn spams(&mut self, now: Time, fact: &Fact<'_>) -> bool {
        let mut h = Fnv::default();
        h.write(fact.about.str("uid").as_bytes());
        h.write(fact.about.str("name").as_bytes());
        let (used, since) = self.spam.entries.get(&h.0).copied().unwrap_or((0, now));
        let refilled = now.since(since).0 / SPAM_REFILL.0;
        let used = used.saturating_sub(refilled);
        let since = if used == 0 { now } else { since + Duration(refilled * SPAM_REFILL.0) };
        let drop = used >= SPAM_BURST;
        self.spam.put(h.0, (if drop { used } else { used + 1 }, since));
        drop
    }

    fn hash(&self, fact: &Fact<'_>, message: &str) -> u64 {
        let about = &fact.about;
        let mut h = Fnv::default();
        for part in [
            about.str("kind"),
            about.str("namespace"),
            about.str("name"),
            about.str("uid"),
            about.str("fieldPath"),
            fact.kind,
            fact.reason,
            message,
        ] {
            h.write(part.as_bytes());
            h.write(&[0]);
        }
        h.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Verb;

    fn recorder() -> EventRecorder {
        let server = Endpoint { ip: "10.0.0.1".into(), port: 6443 };
        EventRecorder::new("replicaset-controller", "", "system:kube-controller-manager", server, 9)
    }

    fn post(r: &mut EventRecorder, at: u64, message: &str) -> Option<(Verb, Str)> {
        let about = map! { "kind" => "ReplicaSet", "namespace" => "default", "name" => "web", "uid" => "u" };
        let fact = Fact { about, kind: "Normal", reason: "SuccessfulCreate", message: message.into(), action: "" };
        let request = r.make(Time(at * 1_000_000), fact)?;
        let text = request.object.as_ref().map(|o| o.str(&["message"]).into());
        Some((request.verb, text.unwrap_or_else(|| request.body.as_ref().map_or("", |b| b.str("message")).into())))
    }

    #[test]
    fn repeats_are_counted() {
        let mut r = recorder();
        assert_eq!(post(&mut r, 0, "a").unwrap().0, Verb::Create);
        assert_eq!(post(&mut r, 1, "a").unwrap().0, Verb::Patch);
        assert_eq!(post(&mut r, 5000, "a").unwrap().0, Verb::Create);
    }

    /// golden/04-rollout: of messages that come again some are counted up, others combined.
    #[test]
    fn a_combined_event_makes_room_for_one_that_was_known() {
        let mut r = recorder();
        for i in 0..9 {
            post(&mut r, i, &format!("m{i}")).unwrap();
        }
        let again: Vec<_> = (0..9).map(|i| post(&mut r, 20 + i, &format!("m{i}")).unwrap()).collect();
        assert!(again.iter().all(|(verb, text)| *verb == Verb::Patch && !text.contains("combined")), "{again:?}");
        post(&mut r, 30, "m10").unwrap();
        let again: Vec<_> = (0..9).filter_map(|i| post(&mut r, 40 + i, &format!("m{i}"))).collect();
        let combined = again.iter().filter(|(_, text)| text.contains("combined")).count();
        assert!((1..9).contains(&combined), "{again:?}");
    }

    #[test]
    fn the_tenth_similar_event_is_combined_and_the_26th_dropped() {
        let mut r = recorder();
        let posts: Vec<_> = (0..30).map(|i| post(&mut r, 1, &format!("Created pod: p{i}"))).collect();
        assert_eq!(posts[8], Some((Verb::Create, "Created pod: p8".into())));
        assert_eq!(posts[9], Some((Verb::Create, "(combined from similar events): Created pod: p9".into())));
        assert_eq!(posts[10].as_ref().unwrap().0, Verb::Patch);
        assert!(posts[24].is_some() && posts[25].is_none());
    }
}
