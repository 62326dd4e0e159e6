//! The leader lease: who of several replicas of a component works.
//! Models client-go/tools/leaderelection with a Lease lock.

use std::sync::Arc;

use super::recorder::EventRecorder;
use super::{Ctx, Endpoint, Reply};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response};
use crate::base::{Duration, Str, Time};

/// A lease that was not renewed for this long may be taken.
const LEASE: Duration = Duration::secs(15);
const RETRY: Duration = Duration::secs(2);
/// A leader that could not renew for this long gives up.
const RENEW_DEADLINE: Duration = Duration::secs(10);

#[derive(Clone, Debug)]
pub struct Election {
    /// `kube-scheduler`: the lease's name in kube-system.
    name: Str,
    user: Str,
    server: Endpoint,
    token: u64,
    /// The timer number of its owner that it may use.
    timer: u16,
    identity: Str,
    lease: Option<Arc<Object>>,
    /// When the lease of another was last seen to change.
    observed: Time,
    renewed: Time,
    leading: bool,
}

/// What an answer or a timer led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Nothing,
    Elected,
    Lost,
}

impl Election {
    pub fn new(name: &str, server: Endpoint, token: u64, timer: u16) -> Election {
        Election {
            name: name.into(),
            user: ecow::eco_format!("system:{name}"),
            server,
            token,
            timer,
            identity: Str::new(),
            lease: None,
            observed: Time::ZERO,
            renewed: Time::ZERO,
            leading: false,
        }
    }
    pub fn leading(&self) -> bool {
        self.leading
    }
    pub fn owns(&self, token: u64) -> bool {
        token == self.token
    }
    fn key(&self) -> ObjectKey {
        ObjectKey::new(Kind::LEASE, "kube-system", self.name.clone())
    }
    fn send(&self, ctx: &mut Ctx<'_>, request: Request) {
        let request =
            Request { user: self.user.clone(), user_agent: self.name.clone(), timeout: Duration::secs(5), ..request };
        ctx.request(&self.server, self.token, request);
    }

    pub fn start(&mut self, ctx: &mut Ctx<'_>) {
        let uuid = ctx.rng.uuid();
        self.identity = ecow::eco_format!("{}_{uuid}", ctx.host().name);
        let request = Request::get(&self.key());
        self.send(ctx, request);
    }

    /// The timer given to [`Election::new`] went off.
    pub fn tick(&mut self, ctx: &mut Ctx<'_>) -> Outcome {
        if self.leading && ctx.now().since(self.renewed) > RENEW_DEADLINE {
            self.leading = false;
            self.lease = None;
            self.send(ctx, Request::get(&self.key()));
            return Outcome::Lost;
        }
        match &self.lease {
            Some(lease) if self.leading => {
                let request = self.renewal(ctx.now(), lease);
                self.send(ctx, request);
            }
            _ => self.send(ctx, Request::get(&self.key())),
        }
        Outcome::Nothing
    }

    pub fn answer(&mut self, ctx: &mut Ctx<'_>, reply: Reply, recorder: &mut EventRecorder) -> Outcome {
        match reply {
            Ok(Response::Object(lease)) => {
                let holder: Str = lease.str(&["spec", "holderIdentity"]).into();
                let changed = self.lease.as_ref().is_none_or(|l| l.resource_version != lease.resource_version);
                self.lease = Some(lease.clone());
                if holder == self.identity {
                    self.renewed = ctx.now();
                    ctx.timer(RETRY, self.timer, "");
                    if self.leading {
                        return Outcome::Nothing;
                    }
                    self.leading = true;
                    let message = ecow::eco_format!("{} became leader", self.identity);
                    recorder.record(ctx, &lease, "Normal", "LeaderElection", message);
                    return Outcome::Elected;
                }
                if changed {
                    self.observed = ctx.now();
                }
                // By its own clock only: the holder's may be wrong.
                let expired = ctx.now().since(self.observed) > LEASE;
                if holder.is_empty() || expired {
                    let request = self.renewal(ctx.now(), &lease);
                    self.send(ctx, request);
                } else {
                    let wait = ctx.rng.jitter(RETRY, 20);
                    ctx.timer(wait, self.timer, "");
                }
            }
            Ok(Response::Error(status)) if status.reason == Reason::NotFound => {
                let mut lease = Object::new(Kind::LEASE, "kube-system", &self.name);
                self.fill(ctx.now(), &mut lease, 0);
                self.send(ctx, Request::create(lease));
            }
            other => {
                if matches!(&other, Ok(Response::Error(status)) if status.reason == Reason::Conflict) {
                    self.leading = false;
                }
                ctx.timer(RETRY, self.timer, "");
            }
        }
        Outcome::Nothing
    }

    fn renewal(&self, now: Time, lease: &Object) -> Request {
        let mut lease = lease.clone();
        let transitions = lease.int(&["spec", "leaseTransitions"]).unwrap_or(0);
        if lease.str(&["spec", "holderIdentity"]) == self.identity {
            lease.set(&["spec", "renewTime"], now.rfc3339_micro());
        } else {
            self.fill(now, &mut lease, transitions + 1);
        }
        Request::update(lease)
    }

    fn fill(&self, now: Time, lease: &mut Object, transitions: i64) {
        let spec = crate::map! {
            "acquireTime" => now.rfc3339_micro(),
            "holderIdentity" => &self.identity,
            "leaseDurationSeconds" => LEASE.as_secs(),
            "leaseTransitions" => transitions,
            "renewTime" => now.rfc3339_micro(),
        };
        lease.set(&["spec"], spec);
    }
}
