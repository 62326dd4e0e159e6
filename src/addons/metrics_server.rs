//! metrics-server: asks every kubelet what its pods use, and serves the difference of the last two
//! answers as metrics.k8s.io.
//! Models kubernetes-sigs/metrics-server: scraping, storage, API.

use std::sync::Arc;

use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Status, Value, Verb, node};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::sim::informer::Informer;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile, Reply};
use crate::{component_boilerplate, map};

const USER: &str = "system:serviceaccount:kube-system:metrics-server";
const TOKEN_NODES: u64 = 1;
const TOKEN_FIRST: u64 = 100;
const TIMER_SCRAPE: u16 = 1;

/// One scrape of a container: when, its processor time in microseconds, its memory in bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Point {
    at: Time,
    cpu: u64,
    memory: u64,
}

/// The last two points.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Pair {
    last: Point,
    before: Option<Point>,
}

impl Pair {
    /// Millionths of a CPU.
    fn rate(&self) -> Option<u64> {
        let before = self.before?;
        let span = self.last.at.since(before.at).0.max(1);
        Some(self.last.cpu.saturating_sub(before.cpu) * 1_000_000 / span)
    }
}

#[derive(Clone, Debug)]
pub struct MetricsServer {
    period: Duration,
    nodes: Informer,
    /// Containers of pods: (pod, container, when that run began).
    containers: OrdMap<(ObjectKey, Str), Pair>,
    by_node: OrdMap<Str, Pair>,
    asked: OrdMap<u64, Str>,
    next: u64,
}

impl MetricsServer {
    pub fn new(profile: Profile, server: Endpoint) -> MetricsServer {
        // 0.3 looks once a minute, later versions four times.
        let period = if profile == Profile::Book { Duration::secs(60) } else { Duration::secs(15) };
        MetricsServer {
            nodes: Informer::new(Kind::NODE, server, USER, TOKEN_NODES),
            period,
            containers: OrdMap::new(),
            by_node: OrdMap::new(),
            asked: OrdMap::new(),
            next: TOKEN_FIRST,
        }
    }

    fn scrape(&mut self, ctx: &mut Ctx<'_>) {
        ctx.timer(self.period, TIMER_SCRAPE, "");
        let all: Vec<(Str, Str)> = self.nodes.iter().map(|n| (n.name().clone(), node::internal_ip(n).into())).collect();
        for (name, ip) in all {
            self.next += 1;
            self.asked.insert(self.next, name.clone());
            let request = Request { subresource: "metrics".into(), ..Request::new(Verb::Get, Kind::NODE, "", name) };
            let request = Request { user: USER.into(), timeout: Duration::secs(10), ..request };
            ctx.request(&Endpoint { ip, port: crate::kubelet::PORT }, self.next, request);
        }
    }

    fn scraped(&mut self, ctx: &Ctx<'_>, node: &Str, reply: Reply) {
        let Ok(Response::Object(stats)) = reply else {
            self.by_node.remove(node);
            return;
        };
        let at = ctx.now();
        let point = |v: &Value| {
            let n = |field: &str| v.get(field).and_then(Value::as_int).unwrap_or(0).max(0) as u64;
            Point { at, cpu: n("cpu"), memory: n("memory") }
        };
        let push = |had: Option<&Pair>, last: Point| {
            // A restarted container begins to count anew.
            let before = had.map(|p| p.last).filter(|p| p.cpu <= last.cpu);
            Pair { last, before }
        };
        let pair = push(self.by_node.get(node), point(&stats.get(&["node"]).cloned().unwrap_or_default()));
        self.by_node.insert(node.clone(), pair);
        for p in stats.items(&["pods"]) {
            let key = ObjectKey::new(Kind::POD, p.str("namespace"), p.str("name"));
            for c in p.get("containers").map_or(&[][..], Value::items) {
                let at = (key.clone(), Str::from(c.str("name")));
                let pair = push(self.containers.get(&at), point(c));
                self.containers.insert(at, pair);
            }
        }
        // What no kubelet told of for two rounds is gone.
        let old = at - Duration(2 * self.period.0);
        self.containers =
            self.containers.iter().filter(|(_, p)| p.last.at >= old).map(|(k, p)| (k.clone(), *p)).collect();
    }

    fn usage(pair: &Pair) -> Option<Value> {
        let micro = pair.rate()?;
        let usage = map! {
            "cpu" => ecow::eco_format!("{}n", micro * 1000), "memory" => ecow::eco_format!("{}Ki", pair.last.memory >> 10),
        };
        Some(Value::Map(usage))
    }

    fn pods(&self, namespace: &str) -> Vec<Arc<Object>> {
        let mut out: Vec<Object> = Vec::new();
        for ((key, name), pair) in &self.containers {
            let Some(usage) = MetricsServer::usage(pair) else { continue };
            if !namespace.is_empty() && key.namespace != namespace {
                continue;
            }
            if out.last().is_none_or(|o| o.key != *key) {
                let mut o = Object::new(Kind::POD, &key.namespace, &key.name);
                o.set(&["timestamp"], pair.last.at.rfc3339());
                o.set(&["window"], ecow::eco_format!("{}s", self.period.as_secs()));
                out.push(o);
            }
            let Some(o) = out.last_mut() else { continue };
            o.entry(&["containers"]).make_list().push(map! { "name" => name, "usage" => usage });
        }
        out.into_iter().map(Arc::new).collect()
    }

    fn nodes(&self) -> Vec<Arc<Object>> {
        let one = |(name, pair): (&Str, &Pair)| {
            let mut o = Object::new(Kind::NODE, "", name);
            o.set(&["timestamp"], pair.last.at.rfc3339());
            o.set(&["usage"], MetricsServer::usage(pair)?);
            Some(Arc::new(o))
        };
        self.by_node.iter().filter_map(one).collect()
    }

    fn answer(&self, request: &Request) -> Response {
        let all = if request.kind == Kind::NODE { self.nodes() } else { self.pods(&request.namespace) };
        if request.name.is_empty() {
            return Response::List { items: all, resource_version: 0, continue_token: Str::new(), remaining: 0 };
        }
        match all.into_iter().find(|o| *o.name() == request.name) {
            Some(o) => Response::Object(o),
            None => {
                let kind = if request.kind == Kind::NODE { "nodemetrics" } else { "podmetrics" };
                let full = match request.namespace.as_str() {
                    "" => request.name.clone(),
                    ns => ecow::eco_format!("{ns}/{}", request.name),
                };
                let text = ecow::eco_format!("{kind}.metrics.k8s.io \"{full}\" not found");
                Response::Error(Status::new(Reason::NotFound, text).into())
            }
        }
    }
}

impl Component for MetricsServer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                self.nodes.start(ctx);
                ctx.timer(Duration::secs(2), TIMER_SCRAPE, "");
            }
            Msg::Timer(TIMER_SCRAPE, _) => self.scrape(ctx),
            Msg::Request(caller, request) => {
                let response = self.answer(&request);
                ctx.respond(caller, Duration::millis(2), Ok(response));
            }
            Msg::Response(token, reply) if token >= TOKEN_FIRST => {
                if let Some(node) = self.asked.remove(&token) {
                    self.scraped(ctx, &node, reply);
                }
            }
            other => {
                // Only the list of nodes matters, whatever changed in it.
                let _ = self.nodes.handle(ctx, other);
            }
        }
    }
    component_boilerplate!();
}
