//! Requests that the API server passes on: logs, exec, attach, port-forward to a pod's kubelet,
//! metrics.k8s.io to metrics-server.
//! Models pkg/registry/core/pod/rest, apimachinery/pkg/util/proxy and kube-aggregator.

use std::sync::Arc;

use super::{ApiServer, auth};
use crate::api::{Kind, ObjectKey, Reason, Request, Response, Status, Value, Verb, node, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str};
use crate::network::{self, Outcome};
use crate::sim::trace::Stage;
use crate::sim::{Caller, Ctx, Endpoint, Msg, NetError, Reply};

/// Marks a request to the API group that metrics-server serves.
const METRICS: &str = "metrics";

/// Requests that wait for a kubelet.
#[derive(Clone, Debug, Default)]
pub struct Proxied {
    waiting: OrdMap<u64, (Caller, Request, Str)>,
    next: u64,
}

/// Whether somebody else answers it.
pub fn concerns(request: &Request) -> bool {
    let of_pod = request.kind == Kind::POD
        && match request.verb {
            Verb::Get => request.subresource == "log",
            Verb::Create => matches!(request.subresource.as_str(), "exec" | "attach" | "portforward"),
            _ => false,
        };
    request.subresource == METRICS || of_pod
}

impl ApiServer {
    pub(super) fn pass_on(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request, etcd: u32) {
        let data = ctx.world.machine(etcd).etcd_data.as_ref();
        let checked = auth::check(request, data, self.profile, &mut self.decisions);
        if request.subresource == METRICS && checked.is_ok() {
            return self.aggregate(ctx, caller, request, etcd);
        }
        let target = checked.and_then(|()| locate(ctx, request, etcd).map_err(|s| (Stage::Storage, s)));
        let (to, url) = match target {
            Ok(target) => target,
            Err((stage, status)) => {
                return self.answer(ctx, caller, request, stage, super::SERVE, Ok(Response::Error(status.into())));
            }
        };
        self.proxied.next += 1;
        let token = self.proxied.next;
        self.proxied.waiting.insert(token, (caller, request.clone(), url));
        let request = Request { user: "kube-apiserver-kubelet-client".into(), ..request.clone() };
        ctx.request(&to, token, request);
    }

    /// Hands the request to the pod behind the Service metrics-server, over the pod network.
    fn aggregate(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request, etcd: u32) {
        let what = ecow::eco_format!("({} {}.metrics.k8s.io)", "get", request.kind.plural());
        let key = ObjectKey::new(Kind::SERVICE, "kube-system", "metrics-server");
        let service = ctx.world.machine(etcd).etcd_data.as_ref().and_then(|d| d.get(&key).cloned());
        let Some(service) = service else {
            let text = ecow::eco_format!("the server could not find the requested resource {what}");
            let status = Status::new(Reason::NotFound, text);
            return self.answer(ctx, caller, request, Stage::Storage, super::SERVE, Ok(Response::Error(status.into())));
        };
        let (machine, cause) = (ctx.machine, ctx.cause);
        let found = network::connect(ctx.world, machine, None, service.str(&["spec", "clusterIP"]), 443, cause);
        let peer = match found.outcome {
            Outcome::Ok(peer) => peer.actor,
            _ => None,
        };
        let Some(actor) = peer else {
            let text = ecow::eco_format!("the server is currently unable to handle the request {what}");
            let status = Status::new(Reason::ServiceUnavailable, text);
            return self.answer(ctx, caller, request, Stage::Storage, super::SERVE, Ok(Response::Error(status.into())));
        };
        self.proxied.next += 1;
        let token = self.proxied.next;
        self.proxied.waiting.insert(token, (caller, request.clone(), "https://metrics-server".into()));
        let msg = Msg::Request(Caller { actor: ctx.me, token }, Arc::new(request.clone()));
        ctx.send(actor, found.delay, msg);
    }

    pub(super) fn passed_on(&mut self, ctx: &mut Ctx<'_>, token: u64, reply: Reply) {
        let Some((caller, request, url)) = self.proxied.waiting.remove(&token) else { return };
        let response = reply.unwrap_or_else(|error| {
            let host = url.split('/').nth(2).unwrap_or_default();
            let why = match error {
                NetError::Refused => "connect: connection refused",
                NetError::NoRoute => "connect: no route to host",
                NetError::Timeout | NetError::Reset => "i/o timeout",
            };
            let text = match request.verb {
                Verb::Get => format!("Get \"{url}\": dial tcp {host}: {why}"),
                _ => format!("error dialing backend: dial tcp {host}: {why}"),
            };
            Response::Error(Status::new(Reason::InternalError, text).into())
        });
        self.answer(ctx, caller, &request, Stage::Done, Duration::millis(1), Ok(response));
    }
}

/// The kubelet of the request's pod, and the URL that is asked of it.
fn locate(ctx: &Ctx<'_>, request: &Request, etcd: u32) -> Result<(Endpoint, Str), Status> {
    let key = ObjectKey::new(Kind::POD, request.namespace.clone(), request.name.clone());
    let data = ctx.world.machine(etcd).etcd_data.as_ref();
    let found = data.and_then(|d| d.get(&key)).ok_or_else(|| Status::not_found(&key))?;
    let node_name = pod::node_name(found);
    let container = match request.body.as_ref().map(|b| b.str("container")).unwrap_or_default() {
        "" => pod::containers(found).first().map_or("", |c| c.str("name")),
        name => name,
    };
    let known = pod::containers(found).iter().chain(pod::init_containers(found));
    if !known.into_iter().any(|c: &Value| c.str("name") == container) {
        let text = format!("container {container} is not valid for pod {}", request.name);
        return Err(Status::new(Reason::BadRequest, text));
    }
    if node_name.is_empty() {
        let text = format!("pod {} does not have a host assigned", request.name);
        return Err(Status::new(Reason::BadRequest, text));
    }
    let node_key = ObjectKey::new(Kind::NODE, "", node_name);
    let node = data.and_then(|d| d.get(&node_key)).ok_or_else(|| Status::not_found(&node_key))?;
    let to = Endpoint { ip: node::internal_ip(node).into(), port: crate::kubelet::PORT };
    let path = match request.subresource.as_str() {
        "log" => "containerLogs",
        "portforward" => "portForward",
        other => other,
    };
    let url = ecow::eco_format!("https://{}:{}/{path}/{}/{}/{container}", to.ip, to.port, key.namespace, key.name);
    Ok((to, url))
}
