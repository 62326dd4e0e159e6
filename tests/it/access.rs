//! Nothing that the cluster's own components ask for is refused by the roles they run under.

use std::collections::BTreeSet;
use std::sync::Arc;

use kubedrill::addons::lab;
use kubedrill::api::request::{PatchType, Propagation};
use kubedrill::api::{Kind, Object, ObjectKey, Request, Value, Verb};
use kubedrill::base::Duration;
use kubedrill::component_boilerplate;
use kubedrill::sim::trace::{Stage, TraceId};
use kubedrill::sim::{ActorId, Component, Config, Ctx, Endpoint, Msg, Profile, What, World};
use serde::Deserialize;

/// One object or more of each kind that people make, for controllers to act on.
const WORKLOAD: &str = include_str!("access.yaml");

#[derive(Clone, Debug)]
struct Client;

impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _msg: Msg) {}
    component_boilerplate!();
}

struct Lab {
    world: World,
    client: ActorId,
    seen: TraceId,
    refused: BTreeSet<String>,
}

impl Lab {
    fn new(profile: Profile) -> Lab {
        let mut world = lab::ready(&Config { profile, ..Config::default() });
        let client = world.spawn(lab::MASTER, "client", Arc::new(Client), TraceId::NONE);
        // Until the server has made its roles nobody may do anything.
        let seen = world.trace.last_id();
        Lab { world, client, seen, refused: BTreeSet::new() }
    }

    fn ask(&mut self, request: Request) {
        let to = Endpoint { ip: "192.168.1.10".into(), port: 6443 };
        let request = Request { user: "kubernetes-admin".into(), ..request };
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.request(&to, 1, request));
        self.run(Duration::millis(50));
    }

    fn run(&mut self, time: Duration) {
        let until = self.world.now + time;
        self.world.run_until(until);
        for record in self.world.trace.since(self.seen) {
            if let What::Response { verb, key, code: 401 | 403, stage } = &record.what {
                // What races with a namespace's end is refused by its admission, as upstream's is.
                if key.namespace == "dev" && *stage == Stage::MutatingAdmission {
                    continue;
                }
                self.refused.insert(format!("{} {verb:?} {key} {stage:?}", self.world.name_of(record.to)));
            }
        }
        self.seen = self.world.trace.last_id();
    }

    fn objects(&self) -> Vec<Arc<Object>> {
        let data = self.world.machine(lab::MASTER).etcd_data.as_ref().expect("etcd's folder");
        data.iter().cloned().collect()
    }
}

fn workload(profile: Profile) -> Vec<Request> {
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(WORKLOAD) {
        let value = Value::deserialize(document).expect("YAML");
        let kind = Kind::of_manifest_in(value.str("apiVersion"), value.str("kind"), profile);
        let Some(kind) = kind else { continue };
        let given = value.at(&["metadata", "namespace"]).map_or("default", Value::as_str);
        let namespace = if kind.namespaced() { given.to_owned() } else { String::new() };
        all.push(Request { body: Some(value), ..Request::new(Verb::Create, kind, namespace, "") });
    }
    all
}

fn nothing_is_refused(profile: Profile) {
    let mut lab = Lab::new(profile);
    let requests = workload(profile);
    for request in &requests {
        lab.ask(request.clone());
    }
    lab.run(Duration::secs(90));
    let there: BTreeSet<&str> = lab.objects().iter().map(|o| o.kind().name()).collect();
    let missing: Vec<&str> = Kind::all().map(Kind::name).filter(|k| !there.contains(k)).collect();
    assert!(missing.is_empty(), "the workload has no {missing:?}");
    let changed = |path: &str, value: Value| {
        let mut patch = Value::default();
        *patch.entry(&path.split('.').collect::<Vec<_>>()) = value;
        patch
    };
    for (kind, name, patch) in [
        (Kind::DEPLOYMENT, "web", changed("spec.replicas", 5.into())),
        (Kind::DEPLOYMENT, "web", changed("spec.paused", true.into())),
        (Kind::STATEFUL_SET, "db", changed("spec.replicas", 1.into())),
        (Kind::DAEMON_SET, "agent", changed("spec.template.metadata.labels.v", "2".into())),
        (Kind::JOB, "fails", changed("spec.parallelism", 2.into())),
    ] {
        lab.ask(Request::patch(&ObjectKey::new(kind, "default", name), PatchType::Merge, patch));
    }
    // A worker falls silent, is tainted, loses its pods and comes back.
    let worker = lab.world.machine_named("w1-k8s").expect("a worker");
    lab.world.set_link(lab::MASTER, worker, false);
    lab.run(Duration::mins(8));
    lab.world.set_link(lab::MASTER, worker, true);
    lab.run(Duration::mins(2));
    for request in &requests {
        let body = request.body.clone().unwrap_or_default();
        let name = body.at(&["metadata", "name"]).map(Value::as_str).unwrap_or_default().to_owned();
        let key = ObjectKey::new(request.kind, request.namespace.clone(), name);
        let propagation = if key.kind == Kind::DEPLOYMENT { Propagation::Foreground } else { Propagation::Background };
        if key.kind != Kind::NAMESPACE {
            lab.ask(Request { propagation: Some(propagation), ..Request::delete(&key) });
        }
    }
    lab.ask(Request::delete(&ObjectKey::new(Kind::NAMESPACE, "", "dev")));
    lab.run(Duration::mins(2));
    let left: Vec<String> = lab
        .objects()
        .iter()
        .filter(|o| requests.iter().any(|r| r.kind == o.kind() && r.kind != Kind::EVENT))
        .filter(|o| matches!(o.namespace().as_str(), "default" | "dev"))
        .map(|o| o.key.to_string())
        .filter(|k| !k.ends_with("/kubernetes") && !k.contains("default-token") && !k.ends_with("/default"))
        .filter(|k| !k.ends_with("kube-root-ca.crt"))
        .collect();
    assert!(left.is_empty(), "still there: {left:?}");
    assert!(lab.refused.is_empty(), "refused: {:#?}", lab.refused);
}

#[test]
fn nothing_of_the_book_cluster_is_refused() {
    nothing_is_refused(Profile::Book);
}

#[test]
fn nothing_of_the_modern_cluster_is_refused() {
    nothing_is_refused(Profile::Modern);
}
