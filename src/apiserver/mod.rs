//! kube-apiserver: takes requests through authentication, authorisation, admission and validation to
//! storage, and tells watchers what changed. The only component that touches etcd.
//! Models staging/src/k8s.io/apiserver.
//!
//! A request is handled whole when it arrives: its etcd transaction commits in the same event, and
//! the answer and the watch deliveries leave once the write would have been durable
//! (docs/decisions/0003). Writes become visible in revision order.

mod admission;
mod allocate;
mod api_services;
mod auth;
mod bootstrap;
mod custom;
mod flow_control;
mod limits;
mod managed;
mod node;
mod pod_security;
mod proxy;
pub(crate) mod rbac;
mod rest;
mod review;
mod strategy;
mod subresource;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::addons::pki::Cert;
use crate::api::{Kind, ObjectKey, Request, Response, Status, Verb, discovery};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::etcd::{self, Change, EtcdData};
use crate::sim::trace::Stage;
use crate::sim::{Caller, Component, Ctx, Msg, Profile, Reply, TraceId, What};
use watch::Watchers;

/// Secure port.
pub const PORT: u16 = 6443;

/// Time to serve a request without storage.
const SERVE: Duration = Duration::micros(900);
/// Time for etcd to make one write durable.
const COMMIT: Duration = Duration::micros(2_500);

/// How long etcd's client waits for a leader (5 s and two election timeouts), and how often it asks.
const ETCD_TIMEOUT: Duration = Duration::secs(7);
const RETRY: Duration = Duration::millis(250);

const TIMER_BOOTSTRAP: u16 = 1;
const TIMER_RESET: u16 = 2;
const TIMER_EXPIRE: u16 = 3;
/// A definition of custom objects is looked after; the argument is its name.
const TIMER_DEFINITION: u16 = 9;
/// An API service behind a Service is tried; the argument is its name.
const TIMER_AVAILABLE: u16 = 10;
const TIMER_OWN: u16 = 4;

/// How often the server looks after its own Service and lease, and its place among several servers.
const OWN_EVERY: Duration = Duration::secs(10);

/// How long a server keeps its place. Models pkg/controlplane/reconcilers/lease.go.
const MASTER_LEASE: Duration = Duration::secs(15);
const MASTER_LEASES: &str = "/registry/masterleases/";

/// `--event-ttl`: etcd's lease on an event, renewed by each write of it.
const EVENT_TTL: Duration = Duration::mins(60);
/// How often expired leases are collected; upstream reuses a lease for at most a minute.
const EXPIRE_EVERY: Duration = Duration::mins(1);

#[derive(Clone, Debug)]
pub struct ApiServer {
    profile: Profile,
    /// `v1.28.15`; empty: the profile's.
    release: Str,
    watchers: Watchers,
    /// When the latest write becomes visible; later ones must not overtake it.
    visible: Time,
    /// Revision up to which watchers were told.
    published: u64,
    /// Requests that found etcd without a leader, and since when they wait.
    waiting: OrdMap<Caller, Time>,
    proxied: proxy::Proxied,
    decisions: auth::Decisions,
    /// Field sets that many objects share.
    models: crate::api::managed::Models,
    /// No event expires before this.
    expire_from: Time,
}

/// A request on its way through the stages.
pub(crate) struct Call<'c, 'w> {
    pub ctx: &'c mut Ctx<'w>,
    pub request: &'c Request,
    pub profile: Profile,
    pub stage: Stage,
    /// Committed writes of this request, in order.
    pub changes: Vec<Change>,
    /// Set while a server-side apply goes on: its outcome's owners are known already.
    pub applied: Option<crate::api::managed::Managed>,
    pub models: &'c mut crate::api::managed::Models,
    /// The machine whose etcd answers; `None` while none does.
    etcd: Option<u32>,
}

impl Call<'_, '_> {
    /// What etcd holds. Only called after [`ApiServer`] found etcd answering.
    pub fn data(&self) -> &EtcdData {
        static EMPTY: std::sync::LazyLock<EtcdData> = std::sync::LazyLock::new(EtcdData::default);
        self.etcd.and_then(|m| self.ctx.world.machine(m).etcd_data.as_ref()).unwrap_or(&EMPTY)
    }
    fn data_mut(&mut self) -> Option<&mut EtcdData> {
        self.ctx.world.machine_mut(self.etcd?).etcd_data.as_mut()
    }
    /// Commits a create or update; a dry run only pretends.
    pub fn put(&mut self, mut object: crate::api::Object) -> Arc<crate::api::Object> {
        if self.request.dry_run {
            return Arc::new(object);
        }
        object.body = match self.data().get(&object.key) {
            Some(old) => object.body.shared(&old.body),
            None => self.models.shared(object.key.kind, &self.request.user, &object.body),
        };
        let Some(data) = self.data_mut() else { return Arc::new(object) };
        let change = data.put(object);
        let new = change.new.clone();
        self.changes.push(change);
        new
    }
    /// Commits a delete and returns the last state.
    pub fn remove(&mut self, key: &ObjectKey) -> Option<Arc<crate::api::Object>> {
        if self.request.dry_run {
            return self.data().get(key).cloned();
        }
        let change = self.data_mut()?.delete(key)?;
        let last = change.new.clone();
        self.changes.push(change);
        Some(last)
    }
    pub fn now(&self) -> Time {
        self.ctx.now()
    }
}

impl ApiServer {
    pub fn new(profile: Profile) -> ApiServer {
        ApiServer {
            profile,
            release: Str::new(),
            proxied: proxy::Proxied::default(),
            watchers: Watchers::default(),
            visible: Time::ZERO,
            published: 0,
            waiting: OrdMap::new(),
            decisions: auth::Decisions::default(),
            models: crate::api::managed::Models::default(),
            expire_from: Time::ZERO,
        }
    }

    /// As a container's image has it.
    pub fn of_image(profile: Profile, image: &str) -> ApiServer {
        let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
        ApiServer { release: tag.into(), ..ApiServer::new(profile) }
    }

    /// Number of open watches, for inspection.
    pub fn watch_count(&self) -> usize {
        self.watchers.len()
    }

    /// The machine whose etcd answers this API server: where the leader is that the member beside it
    /// follows.
    fn etcd_machine(ctx: &Ctx<'_>) -> Option<u32> {
        etcd::leader_of(ctx.world, ctx.machine)
    }

    fn serve(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Arc<Request>) {
        let store = Self::etcd_machine(ctx);
        let ca = ctx.host().read("/etc/kubernetes/pki/ca.crt").and_then(|pem| Cert::parse(pem));
        let request = &match auth::certificate(request, ca.as_ref(), ctx.now()) {
            None => request.clone(),
            Some(Ok(known)) => Arc::new(known),
            Some(Err(status)) => {
                let reply = Ok(Response::Error(status.into()));
                return self.answer(ctx, caller, request, Stage::Authentication, SERVE, reply);
            }
        };
        if !request.url.is_empty() {
            return self.tell(ctx, caller, request, store);
        }
        let Some(etcd) = store else { return self.wait_for_etcd(ctx, caller, request) };
        self.waiting.remove(&caller);
        self.catch_up(ctx);
        let request = &**request;
        let bearer;
        let request = match auth::bearer(request, ctx.world.machine(etcd).etcd_data.as_ref(), ctx.now()) {
            None => request,
            Some(Ok(known)) => {
                bearer = known;
                &bearer
            }
            Some(Err(status)) => {
                let reply = Ok(Response::Error(status.into()));
                return self.answer(ctx, caller, request, Stage::Authentication, SERVE, reply);
            }
        };
        if request.verb == Verb::Watch {
            return self.open_watch(ctx, caller, request, etcd);
        }
        if proxy::concerns(request) {
            return self.pass_on(ctx, caller, request, etcd);
        }
        let (outcome, stage, changes) = self.run(ctx, request, etcd);
        let delay = self.publish(ctx, request, &changes);
        let response = outcome.unwrap_or_else(|status| Response::Error(status.into()));
        self.answer(ctx, caller, request, stage, delay, Ok(response));
    }

    /// Nobody takes writes: an election may change that, for a while.
    fn wait_for_etcd(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Arc<Request>) {
        let now = ctx.now();
        let since = *self.waiting.entry(caller).or_insert(now);
        if now < since + ETCD_TIMEOUT {
            let again = Msg::Request(caller, request.clone());
            return ctx.send(ctx.me, RETRY.min((since + ETCD_TIMEOUT).since(now)), again);
        }
        self.waiting.remove(&caller);
        let status = Status::new(crate::api::Reason::Unknown, "etcdserver: request timed out");
        self.answer(ctx, caller, request, Stage::Storage, Duration::ZERO, Ok(Response::Error(status.into())));
    }

    /// Tells watchers what other API servers wrote.
    fn catch_up(&mut self, ctx: &mut Ctx<'_>) {
        let Some(data) = ctx.host().etcd_data.as_ref() else { return };
        if data.revision() <= self.published {
            return;
        }
        let changes: Vec<Change> = data.changes_since(self.published).cloned().collect();
        self.published = data.revision();
        for change in &changes {
            self.deliver(ctx, change, Duration::ZERO);
        }
    }

    /// Answers what is no object: discovery, version, health.
    fn tell(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request, etcd: Option<u32>) {
        let data = etcd.and_then(|m| ctx.world.machine(m).etcd_data.as_ref());
        let host = format!("{}:{PORT}", ctx.host().ip);
        let (stage, outcome) = match auth::check(request, data, self.profile, &mut self.decisions) {
            Err((stage, status)) => (stage, Err(status)),
            Ok(()) => {
                let all = data.into_iter().flat_map(|d| d.list(Kind::CUSTOM_RESOURCE_DEFINITION, "", None));
                let own: Vec<_> =
                    all.filter(|c| crate::api::custom::established(c)).map(|c| discovery::declared(c)).collect();
                let asked = request.url.split('?').next().unwrap_or_default();
                let text = match asked.trim_matches('/') {
                    "version" => Ok(discovery::version_document(self.profile, &self.release)),
                    _ => discovery::document(&request.url, self.profile, etcd.is_some(), &host, &own),
                };
                (Stage::Done, text)
            }
        };
        let response = outcome.map_or_else(|status| Response::Error(status.into()), |text| Response::Text(text.into()));
        self.answer(ctx, caller, request, stage, SERVE, Ok(response));
    }

    /// Takes a request through all stages.
    fn run(
        &mut self,
        ctx: &mut Ctx<'_>,
        request: &Request,
        etcd: u32,
    ) -> (Result<Response, Status>, Stage, Vec<Change>) {
        let profile = self.profile;
        let mut call = Call {
            ctx,
            request,
            profile,
            stage: Stage::Authentication,
            changes: Vec::new(),
            applied: None,
            models: &mut self.models,
            etcd: Some(etcd),
        };
        let data = call.ctx.world.machine(etcd).etcd_data.as_ref();
        let outcome = auth::check(request, data, profile, &mut self.decisions)
            .map_err(|(stage, status)| {
                call.stage = stage;
                status
            })
            .and_then(|()| {
                call.stage = Stage::MutatingAdmission;
                custom::gate(&call)?;
                rest::execute(&mut call)
            });
        if outcome.is_ok() {
            call.stage = Stage::Done;
        }
        (outcome, call.stage, call.changes)
    }

    /// Traces committed writes and queues their watch deliveries; returns when they are durable.
    fn publish(&mut self, ctx: &mut Ctx<'_>, request: &Request, changes: &[Change]) -> Duration {
        let now = ctx.now();
        let Some(last) = changes.last() else { return SERVE + ctx.rng.between(Duration::ZERO, SERVE) };
        self.published = self.published.max(last.revision);
        custom::notice(ctx, changes);
        let etcd = ctx.host().listeners.get(&etcd::PORT).copied().unwrap_or_default();
        let mut commit = SERVE + COMMIT + ctx.rng.between(Duration::ZERO, COMMIT);
        if let Some(leader) = Self::etcd_machine(ctx) {
            commit = commit + etcd::commit_lag(ctx.world, leader);
            etcd::replicate(ctx.world, leader, ctx.cause);
        }
        self.visible = self.visible.max(now + commit);
        let delay = self.visible.since(now);
        for change in changes {
            if change.new.key.kind == Kind::EVENT {
                self.expire_from = self.expire_from.min(last_seen(&change.new) + EVENT_TTL);
            }
            let what = What::Write {
                op: change.op,
                key: change.new.key.clone(),
                revision: change.revision,
                subresource: request.subresource.clone(),
            };
            let cause = ctx.cause;
            ctx.cause = ctx.trace_to(etcd, delay, what);
            self.deliver(ctx, change, delay);
            ctx.cause = cause;
        }
        delay
    }

    /// Tells the watchers of a change that becomes visible after `delay`.
    fn deliver(&mut self, ctx: &mut Ctx<'_>, change: &Change, delay: Duration) {
        let had_broken = self.watchers.has_broken();
        self.watchers.publish(ctx, change, delay);
        if !had_broken && self.watchers.has_broken() {
            ctx.timer(Duration::secs(1), TIMER_RESET, "");
        }
    }

    fn answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        caller: Caller,
        request: &Request,
        stage: Stage,
        delay: Duration,
        reply: Reply,
    ) {
        let code = match &reply {
            Ok(Response::Error(status)) => status.code(),
            Ok(_) if request.verb == Verb::Create => 201,
            _ => 200,
        };
        let key = ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone());
        let what = What::Response { verb: request.verb, key, code, stage };
        ctx.cause = ctx.trace_to(caller.actor, delay, what);
        ctx.respond(caller, delay, reply);
    }

    fn open_watch(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request, etcd: u32) {
        let data = ctx.world.machine(etcd).etcd_data.as_ref();
        let outcome = match auth::check(request, data, self.profile, &mut self.decisions) {
            Err((_, status)) => Err(status),
            Ok(()) => self.watchers.open(ctx, caller, request, etcd, self.visible),
        };
        let (stage, response) = match outcome {
            Ok(()) => (Stage::Done, Response::Watching),
            Err(status) => (Stage::Storage, Response::Error(status.into())),
        };
        self.answer(ctx, caller, request, stage, SERVE, Ok(response));
        self.watchers.replay(ctx, caller, request, etcd);
    }

    /// Removes the events whose lease has run out.
    fn expire_events(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now();
        if self.expire_from > now {
            return;
        }
        let data = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref());
        let Some(data) = data else { return };
        let mut next = now + EVENT_TTL;
        let old = |o: &&Arc<crate::api::Object>| {
            let due = last_seen(o) + EVENT_TTL;
            next = next.min(due.max(now));
            due <= now
        };
        let expired: Vec<ObjectKey> = data.list(Kind::EVENT, "", None).filter(old).map(|o| o.key.clone()).collect();
        // Those that go now do not count; if one could not be deleted, the next round looks again.
        self.expire_from = if expired.is_empty() { next } else { now };
        for key in expired {
            self.own_write(ctx, Request::delete(&key));
        }
    }

    /// Puts its Service and what is behind it back, and renews its lease.
    fn own_objects(&mut self, ctx: &mut Ctx<'_>) {
        let Some(data) = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref()) else { return };
        let missing: Vec<_> =
            bootstrap::kubernetes(ctx.host()).into_iter().filter(|o| data.get(&o.key).is_none()).collect();
        let lease = bootstrap::identity_name(ctx.host());
        let lease = data.get(&ObjectKey::new(Kind::LEASE, "kube-system", lease)).cloned();
        for object in missing {
            self.own_write(ctx, Request::create(object));
        }
        if self.profile == Profile::Modern {
            let now = ctx.now();
            let request = match lease {
                None => {
                    let holder = ctx.rng.uuid();
                    Request::create(bootstrap::identity(ctx.host(), now, &holder))
                }
                Some(lease) => {
                    let mut lease = (*lease).clone();
                    lease.set(&["spec", "renewTime"], now.rfc3339_micro());
                    Request::update(lease)
                }
            };
            self.own_write(ctx, request);
        }
    }

    /// Among several API servers: renews this one's place, and makes the Endpoints of `kubernetes`
    /// those that live.
    fn renew_place(&mut self, ctx: &mut Ctx<'_>) {
        let Some(etcd) = Self::etcd_machine(ctx) else { return };
        let (ip, now) = (ctx.host().ip.clone(), ctx.now());
        let Some(data) = ctx.world.machine_mut(etcd).etcd_data.as_mut() else { return };
        if data.ballot.members.len() < 2 {
            return;
        }
        let until = now + MASTER_LEASE;
        data.set_key(&format!("{MASTER_LEASES}{ip}"), Some(&until.0.to_string()));
        let places = data.keys().iter().filter_map(|(k, v)| Some((k.strip_prefix(MASTER_LEASES)?, v.parse().ok()?)));
        let live: Vec<Str> = places.filter(|(_, end): &(_, u64)| *end > now.0).map(|(ip, _)| ip.into()).collect();
        let ips: Vec<&str> = live.iter().map(Str::as_str).collect();
        etcd::replicate(ctx.world, etcd, ctx.cause);
        for wanted in bootstrap::kubernetes_endpoints(&ips) {
            let data = ctx.world.machine(etcd).etcd_data.as_ref();
            let Some(old) = data.and_then(|d| d.get(&wanted.key)).cloned() else { continue };
            let part = if wanted.kind() == Kind::ENDPOINTS { "subsets" } else { "endpoints" };
            let addresses = |o: &crate::api::Object| o.items(&[part]).to_vec();
            if addresses(&old) != addresses(&wanted) {
                let mut new = (*old).clone();
                new.set(&[part], addresses(&wanted).into_iter().collect::<crate::api::List>());
                self.own_write(ctx, Request::update(new));
            }
        }
    }

    /// A write of the server's own, past authentication.
    fn own_write(&mut self, ctx: &mut Ctx<'_>, request: Request) {
        let Some(etcd) = Self::etcd_machine(ctx) else { return };
        let request = Request { user: "system:apiserver".into(), user_agent: "kube-apiserver".into(), ..request };
        let (_, _, changes) = self.run(ctx, &request, etcd);
        self.publish(ctx, &request, &changes);
    }
}

/// When an event was last written, as far as it says so itself.
fn last_seen(event: &crate::api::Object) -> Time {
    let stamp = event.str(&["lastTimestamp"]);
    Time::parse_rfc3339(stamp).unwrap_or_else(|| crate::api::meta::created(event))
}

impl Component for ApiServer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                let me = ctx.me;
                ctx.host_mut().listeners.insert(PORT, me);
                ctx.timer(Duration::millis(200), TIMER_BOOTSTRAP, "");
                ctx.timer(EXPIRE_EVERY, TIMER_EXPIRE, "");
            }
            Msg::Timer(TIMER_EXPIRE, _) => {
                ctx.cause = TraceId::NONE;
                self.expire_events(ctx);
                ctx.timer(EXPIRE_EVERY, TIMER_EXPIRE, "");
            }
            Msg::Timer(TIMER_BOOTSTRAP, _) => {
                ctx.cause = TraceId::NONE;
                if Self::etcd_machine(ctx).is_none() {
                    return ctx.timer(Duration::secs(1), TIMER_BOOTSTRAP, "");
                }
                for object in bootstrap::objects(ctx.host(), self.profile, ctx.now()) {
                    self.own_write(ctx, Request::create(object)); // AlreadyExists is fine
                }
                ctx.timer(OWN_EVERY, TIMER_OWN, "");
            }
            Msg::Timer(TIMER_OWN, _) => {
                ctx.cause = TraceId::NONE;
                self.own_objects(ctx);
                self.renew_place(ctx);
                ctx.timer(OWN_EVERY, TIMER_OWN, "");
            }
            Msg::Timer(TIMER_DEFINITION, name) => self.look_after(ctx, &name),
            Msg::Timer(TIMER_AVAILABLE, name) => self.try_service(ctx, &name),
            Msg::Timer(TIMER_RESET, _) => {
                ctx.cause = TraceId::NONE;
                self.watchers.reset_broken(ctx);
                if self.watchers.has_broken() {
                    ctx.timer(Duration::secs(1), TIMER_RESET, "");
                }
            }
            Msg::Request(caller, request) => self.serve(ctx, caller, &request),
            Msg::Response(token, reply) => self.passed_on(ctx, token, reply),
            Msg::Notify(topic, _) if topic == "etcd" => self.catch_up(ctx),
            Msg::Cancel(caller) => {
                // What still waits for etcd comes to its end at the next try.
                if let Some(since) = self.waiting.get_mut(&caller) {
                    *since = Time::ZERO;
                }
                self.watchers.close(caller);
            }
            _ => {}
        }
    }

    fn stopped(&mut self, ctx: &mut Ctx<'_>) {
        self.watchers.close_all(ctx);
    }

    fn vanished(&mut self, ctx: &mut Ctx<'_>) {
        self.watchers.abandon(ctx);
    }

    component_boilerplate!();
}
