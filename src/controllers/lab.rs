//! For tests: a control plane with stand-ins for the kubelets, and the log of all writes.

use std::sync::Arc;

use crate::api::{Kind, Map, Object, ObjectKey, Request, Response, Value, WatchEvent, WatchType, meta, pod};
use crate::apiserver::ApiServer;
use crate::base::arrange::Arrange;
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::machine::{Machine, Role};
use crate::sim::informer::Informer;
use crate::sim::{ActorId, Component, Config, Ctx, Endpoint, Msg, Profile, Reply, TraceId, What, World};

pub fn server() -> Endpoint {
    Endpoint { ip: "192.168.1.10".into(), port: 6443 }
}

/// Plays the kubelets of `nodes`: heartbeats, pods Running a while after they are bound, gone a while
/// after they are deleted.
#[derive(Clone, Debug)]
pub struct Kubelets {
    profile: Profile,
    pub nodes: Vec<Str>,
    /// Nodes that do nothing.
    pub dead: Vec<Str>,
    pods: Informer,
    /// What is known of the world's pods, for those that are late.
    seen: OrdMap<ObjectKey, Arc<Object>>,
    next_ip: u64,
    /// Delay until a pod runs.
    pub start: Duration,
}

const RUN: u16 = 1;
const STOP: u16 = 2;
const BEAT: u16 = 3;

impl Kubelets {
    pub fn new(profile: Profile, nodes: &[&str]) -> Kubelets {
        Kubelets {
            profile,
            nodes: nodes.iter().map(|n| Str::from(*n)).collect(),
            dead: Vec::new(),
            pods: Informer::new(Kind::POD, server(), "system:node:all", 10),
            seen: OrdMap::new(),
            next_ip: 0,
            start: Duration::millis(1300),
        }
    }

    fn send(&self, ctx: &mut Ctx<'_>, request: Request) {
        let request = Request { user: "kubernetes-admin".into(), user_agent: "kubelet".into(), ..request };
        ctx.request(&server(), 1, request);
    }

    fn beat(&self, ctx: &mut Ctx<'_>) {
        for node in self.nodes.iter().filter(|n| !self.dead.contains(n)) {
            let mut lease = Object::new(Kind::LEASE, "kube-node-lease", node);
            let spec = map! { "holderIdentity" => node, "leaseDurationSeconds" => 40, "renewTime" => ctx.now().rfc3339_micro() };
            lease.set(&["spec"], spec);
            self.send(ctx, Request::update(lease));
        }
        ctx.timer(Duration::secs(10), BEAT, "");
    }

    /// A node as it registers.
    pub fn node(&self, name: &str, now: Time) -> Object {
        let mut node = Object::new(Kind::NODE, "", name);
        node.set(&["metadata", "labels"], map! { "kubernetes.io/hostname" => name, "kubernetes.io/os" => "linux" });
        let master = name.starts_with("m-");
        if master {
            let key = match self.profile {
                Profile::Book => "node-role.kubernetes.io/master",
                Profile::Modern => "node-role.kubernetes.io/control-plane",
            };
            node.set(&["spec", "taints"], list![map! { "effect" => "NoSchedule", "key" => key }]);
        }
        let cpu = if master { "2" } else { "1" };
        let memory = if master { "2972Mi" } else { "2460Mi" };
        node.set(&["status", "allocatable"], map! { "cpu" => cpu, "memory" => memory, "pods" => "110" });
        node.set(&["status", "conditions"], list![condition(now, "Ready", "True", "KubeletReady")]);
        node
    }

    pub fn run(&mut self, ctx: &mut Ctx<'_>, p: &Object) {
        self.next_ip += 1;
        let mut p = p.clone();
        let now = ctx.now();
        let mut conditions: Vec<Value> =
            p.items(&["status", "conditions"]).iter().filter(|c| c.str("type") == "PodScheduled").cloned().collect();
        // A pod says in a label how it ends.
        let ends = meta::label(&p, "ends").filter(|e| *e != "never").map(Str::from);
        conditions.push(condition(now, "Ready", if ends.is_some() { "False" } else { "True" }, "").into());
        p.set(&["status", "conditions"], conditions);
        p.set(&["status", "phase"], ends.as_deref().unwrap_or("Running"));
        if ends.is_some() {
            let state = map! { "terminated" => map! { "finishedAt" => now.rfc3339() } };
            p.set(&["status", "containerStatuses"], list![map! { "name" => "c", "state" => state }]);
        }
        p.set(&["status", "podIP"], ecow::eco_format!("172.16.{}.{}", self.next_ip / 250, self.next_ip % 250));
        p.resource_version = 0;
        self.send(ctx, Request::update_status(p));
    }
}

fn condition(now: Time, kind: &str, status: &str, reason: &str) -> Map {
    map! {
        "lastHeartbeatTime" => now.rfc3339(), "lastTransitionTime" => now.rfc3339(),
        "reason" => reason, "status" => status, "type" => kind,
    }
}

fn arg(key: &ObjectKey) -> Str {
    ecow::eco_format!("{}/{}", key.namespace, key.name)
}

impl Component for Kubelets {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                for name in self.nodes.clone() {
                    let node = self.node(&name, ctx.now());
                    self.send(ctx, Request::create(node));
                    self.send(ctx, Request::create(Object::new(Kind::LEASE, "kube-node-lease", &name)));
                }
                self.beat(ctx);
                self.pods.start(ctx);
            }
            Msg::Timer(BEAT, _) => self.beat(ctx),
            Msg::Timer(kind @ (RUN | STOP), at) => {
                let (namespace, name) = at.split_once('/').unwrap_or_default();
                let Some(p) = self.seen.get(&ObjectKey::new(Kind::POD, namespace, name)).cloned() else { return };
                if self.dead.iter().any(|n| n == pod::node_name(&p)) {
                    return;
                }
                match kind {
                    RUN if !meta::deleting(&p) => self.run(ctx, &p),
                    STOP => self.send(ctx, Request { grace_period_s: Some(0), ..Request::delete(&p.key) }),
                    _ => {}
                }
            }
            other => {
                let Ok(deltas) = self.pods.handle(ctx, other) else { return };
                for delta in deltas {
                    let Some(new) = delta.new else {
                        self.seen.remove(&delta.key);
                        continue;
                    };
                    self.seen.insert(delta.key.clone(), new.clone());
                    let node = |o: &Object| !pod::node_name(o).is_empty();
                    if node(&new) && delta.old.as_ref().is_none_or(|o| !node(o)) {
                        ctx.timer(self.start, RUN, arg(&delta.key));
                    }
                    if meta::deleting(&new) && delta.old.as_ref().is_none_or(|o| !meta::deleting(o)) && node(&new) {
                        ctx.timer(Duration::secs(1), STOP, arg(&delta.key));
                    }
                }
            }
        }
    }
    component_boilerplate!();
}

/// Sends requests and keeps what comes back; also sees every write, in revision order.
#[derive(Clone, Debug, Default)]
struct Probe {
    replies: Vec<(u64, Reply)>,
    events: Vec<(Time, WatchType, Arc<Object>)>,
}

impl Component for Probe {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Response(token, reply) => self.replies.push((token, reply)),
            Msg::Watch(_, WatchEvent { kind, object }) => self.events.push((ctx.now(), kind, object)),
            _ => {}
        }
    }
    component_boilerplate!();
}

pub struct Lab {
    pub world: World,
    probe: ActorId,
    pub kubelets: ActorId,
    pub manager: ActorId,
    pub scheduler: ActorId,
    tokens: u64,
}

/// m-k8s and three workers.
pub const NODES: [&str; 4] = ["m-k8s", "w1-k8s", "w2-k8s", "w3-k8s"];

impl Lab {
    pub fn new(profile: Profile) -> Lab {
        Lab::with(profile, 1, &NODES)
    }
    pub fn with(profile: Profile, seed: u64, nodes: &[&str]) -> Lab {
        let mut world = World::new(Config { profile, seed, ..Config::default() });
        let m = world.add_machine(Machine::new("m-k8s", "192.168.1.10", Role::ControlPlane));
        let none = TraceId::NONE;
        world.spawn(m, "etcd", Arc::new(crate::etcd::Etcd::new(crate::etcd::Flags::default())), none);
        world.spawn(m, "kube-apiserver", Arc::new(ApiServer::new(profile)), none);
        world.run_until(Time(1_000_000));
        let manager = super::ControllerManager::new(profile, server());
        let manager = world.spawn(m, "kube-controller-manager", Arc::new(manager), none);
        let scheduler = crate::scheduler::Scheduler::new(profile, server());
        let scheduler = world.spawn(m, "kube-scheduler", Arc::new(scheduler), none);
        let kubelets = world.spawn(m, "kubelets", Arc::new(Kubelets::new(profile, nodes)), none);
        let probe = world.spawn(m, "probe", Arc::new(Probe::default()), none);
        let mut lab = Lab { world, probe, kubelets, manager, scheduler, tokens: 1000 };
        lab.run(Duration::secs(3));
        lab.create(Object::new(Kind::SERVICE_ACCOUNT, "default", "default"));
        lab.run(Duration::secs(17));
        lab
    }

    pub fn run(&mut self, span: Duration) {
        let until = self.world.now + span;
        self.world.run_until(until);
    }

    fn send(&mut self, request: Request) -> u64 {
        self.tokens += 1;
        let token = self.tokens;
        let request = Request { user: "kubernetes-admin".into(), user_agent: "kubectl".into(), ..request };
        self.world.with_component(self.probe, TraceId::NONE, |_, ctx| ctx.request(&server(), token, request));
        token
    }
    /// Sends, waits for the answer.
    pub fn ask(&mut self, request: Request) -> Response {
        let token = self.send(request);
        for _ in 0..100_000 {
            let probe = self.world.component::<Probe>(self.probe).unwrap();
            if let Some((_, reply)) = probe.replies.iter().find(|(t, _)| *t == token) {
                return reply.clone().unwrap();
            }
            self.world.step();
        }
        panic!("no answer");
    }
    pub fn create(&mut self, object: Object) -> Response {
        self.ask(Request::create(object))
    }
    /// Creates what a YAML document says.
    pub fn apply(&mut self, yaml: &str) -> Response {
        let value: Value = serde_yaml::from_str(yaml).unwrap();
        let kind = Kind::of_manifest(value.str("apiVersion"), value.str("kind")).expect("a known kind");
        let mut object = Object::from_value(kind, &value);
        if kind.namespaced() && object.key.namespace.is_empty() {
            object.key.namespace = "default".into();
            object.set(&["metadata", "namespace"], "default");
        }
        self.create(object)
    }
    pub fn get(&mut self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Object>> {
        match self.ask(Request::get(&ObjectKey::new(kind, namespace, name))) {
            Response::Object(o) => Some(o),
            _ => None,
        }
    }
    pub fn list(&mut self, kind: Kind, namespace: &str) -> Vec<Arc<Object>> {
        match self.ask(Request::list(kind, namespace)) {
            Response::List { items, .. } => items,
            other => panic!("{other:?}"),
        }
    }
    /// Reads, changes and writes back.
    pub fn edit(&mut self, kind: Kind, namespace: &str, name: &str, f: impl FnOnce(&mut Object)) {
        let mut o = (*self.get(kind, namespace, name).expect("it exists")).clone();
        f(&mut o);
        o.resource_version = 0;
        if let Response::Error(status) = self.ask(Request::update(o)) {
            panic!("{}", status.message);
        }
    }
    pub fn deployment(&mut self, name: &str, replicas: i64) {
        let yaml = format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}, labels: {{app: {name}}}}}, \
             spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: {name}}}}}, \
             template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{containers: [{{name: nginx, image: nginx}}]}}}}}}}}"
        );
        if let Response::Error(status) = self.apply(&yaml) {
            panic!("{}", status.message);
        }
    }
    pub fn scale(&mut self, name: &str, replicas: i64) {
        self.edit(Kind::DEPLOYMENT, "default", name, |d| d.set(&["spec", "replicas"], replicas));
    }

    /// Watches these kinds from now on.
    pub fn record(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            let now = match self.ask(Request::list(*kind, "")) {
                Response::List { resource_version, .. } => resource_version,
                other => panic!("{other:?}"),
            };
            let watch = Request { resource_version: now, ..Request::new(crate::api::Verb::Watch, *kind, "", "") };
            self.send(watch);
        }
        self.run(Duration::millis(20));
    }
    /// What was written since [`Lab::record`], in revision order.
    pub fn recorded(&self) -> Vec<(Time, WatchType, Arc<Object>)> {
        let mut all = self.world.component::<Probe>(self.probe).unwrap().events.clone();
        all.arrange_by_key(|(_, _, o)| o.resource_version);
        all
    }
    /// Messages of the events with this reason, in the order they were posted.
    pub fn events(&mut self, reason: &str) -> Vec<String> {
        let mut all = self.list(Kind::EVENT, "");
        all.arrange_by_key(|e| e.resource_version);
        all.iter().filter(|e| e.str(&["reason"]) == reason).map(|e| e.str(&["message"]).to_owned()).collect()
    }
    /// Pods per node, those without one under the empty name; finished and deleted ones left out.
    pub fn placement(&mut self) -> std::collections::BTreeMap<Str, u32> {
        let mut count = std::collections::BTreeMap::new();
        for p in self.list(Kind::POD, "default") {
            if !meta::deleting(&p) {
                *count.entry(pod::node_name(&p).into()).or_default() += 1;
            }
        }
        count
    }
    pub fn kill_node(&mut self, name: &str, dead: bool) {
        let name = Str::from(name);
        self.world.with_component(self.kubelets, TraceId::NONE, |c, _| {
            let k = c.as_any_mut().downcast_mut::<Kubelets>().unwrap();
            k.dead.retain(|n| *n != name);
            if dead {
                k.dead.push(name);
            }
        });
    }
    /// Prints what was recorded: for writing tests.
    pub fn dump(&self) {
        for (at, kind, o) in self.recorded() {
            println!("{at} {kind:?} {} {}", o.key, o.get(&["status"]).map(Value::to_json).unwrap_or_default());
        }
    }
    /// Verdicts traced since a record number.
    pub fn verdicts(&self) -> Vec<&'static str> {
        self.world
            .trace
            .iter()
            .filter_map(|r| match &r.what {
                What::Decide { verdict, .. } => Some(*verdict),
                _ => None,
            })
            .collect()
    }
}
