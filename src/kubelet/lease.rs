//! The node's heartbeat: a Lease in kube-node-lease, renewed every 10 s.
//! Models component-helpers/apimachinery/lease.

use std::sync::Arc;

use super::{Kubelet, TIMER_LEASE, TOKEN_LEASE};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response};
use crate::base::Duration;
use crate::sim::{Ctx, Reply};

const RENEW: Duration = Duration::secs(10);
const DURATION_S: i64 = 40;

#[derive(Clone, Debug, Default)]
pub struct LeaseState {
    /// As the API server last gave it; `None`: to be asked for.
    known: Option<Arc<Object>>,
    asked: Asked,
    backoff: u32,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
enum Asked {
    #[default]
    Nothing,
    Get,
    Write,
}

impl Kubelet {
    pub(super) fn renew_lease(&mut self, ctx: &mut Ctx<'_>) {
        ctx.timer(RENEW, TIMER_LEASE, "");
        if self.lease.asked == Asked::Nothing {
            self.push_lease(ctx);
        }
    }

    fn push_lease(&mut self, ctx: &mut Ctx<'_>) {
        let request = match &self.lease.known {
            None => {
                self.lease.asked = Asked::Get;
                Request::get(&ObjectKey::new(Kind::LEASE, "kube-node-lease", self.node_name.clone()))
            }
            Some(known) => {
                self.lease.asked = Asked::Write;
                let mut lease = (**known).clone();
                lease.set(&["spec", "renewTime"], ctx.now().rfc3339_micro());
                Request::update(lease)
            }
        };
        let request = self.sign(request);
        ctx.request(&self.server, TOKEN_LEASE, request);
    }

    pub(super) fn lease_answered(&mut self, ctx: &mut Ctx<'_>, reply: Reply) {
        let asked = std::mem::take(&mut self.lease.asked);
        match (asked, reply) {
            (Asked::Write, Ok(Response::Object(lease))) => {
                self.lease.known = Some(lease);
                self.lease.backoff = 0;
            }
            (Asked::Get, Ok(Response::Object(lease))) => {
                self.lease.known = Some(lease);
                self.push_lease(ctx);
            }
            (Asked::Get, Ok(Response::Error(s))) if s.reason == Reason::NotFound && self.lease.backoff < 5 => {
                self.lease.backoff += 1;
                self.create_lease(ctx);
            }
            // Anything else: fresh from the start at the next round.
            (asked, reply) => {
                self.log_lease_failed(ctx, asked == Asked::Write, &reply);
                self.lease.known = None;
                self.lease.backoff = 0;
            }
        }
    }

    fn create_lease(&mut self, ctx: &mut Ctx<'_>) {
        let mut lease = Object::new(Kind::LEASE, "kube-node-lease", &self.node_name);
        lease.set(
            &["spec"],
            map! {
                "holderIdentity" => &self.node_name,
                "leaseDurationSeconds" => DURATION_S,
                "renewTime" => ctx.now().rfc3339_micro(),
            },
        );
        if let Some(owner) = self.node_owner() {
            lease.set(&["metadata", "ownerReferences"], list![owner]);
        }
        self.lease.asked = Asked::Write;
        let request = self.sign(Request::create(lease));
        ctx.request(&self.server, TOKEN_LEASE, request);
    }
}
