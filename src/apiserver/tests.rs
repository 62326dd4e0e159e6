//! A client against the API server over simulated links.

use std::sync::Arc;

use super::*;
use crate::api::request::PatchType;
use crate::api::{Kind, Object, Value, WatchType, pod};
use crate::base::Str;
use crate::machine::{Machine, Role};
use crate::sim::{ActorId, Config, Endpoint, World};

/// Sends what it is told to and remembers what comes back.
#[derive(Clone, Debug, Default)]
struct Client {
    replies: Vec<(u64, Reply)>,
    watched: Vec<(WatchType, Str, u64)>,
}

impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Response(token, reply) => self.replies.push((token, reply)),
            Msg::Watch(_, event) => {
                self.watched.push((event.kind, event.object.key.name.clone(), event.object.resource_version));
            }
            _ => {}
        }
    }
    component_boilerplate!();
}

struct Lab {
    world: World,
    client: ActorId,
    tokens: u64,
}

impl Lab {
    fn new() -> Lab {
        Lab::of(Profile::Book)
    }
    fn of(profile: Profile) -> Lab {
        let mut world = World::new(Config::default());
        let m = world.add_machine(Machine::new("m-k8s", "192.168.1.10", Role::ControlPlane));
        world.spawn(m, "etcd", Arc::new(crate::etcd::Etcd::new(crate::etcd::Flags::default())), TraceId::NONE);
        world.spawn(m, "kube-apiserver", Arc::new(ApiServer::new(profile)), TraceId::NONE);
        let client = world.spawn(m, "client", Arc::new(Client::default()), TraceId::NONE);
        world.run_until(Time(1_000_000));
        let mut lab = Lab { world, client, tokens: 0 };
        lab.ask(Request::create(Object::new(Kind::SERVICE_ACCOUNT, "default", "default"))).unwrap();
        lab
    }
    fn send(&mut self, request: Request) -> u64 {
        self.tokens += 1;
        let token = self.tokens;
        let request = Request { user: "kubernetes-admin".into(), ..request };
        let to = Endpoint { ip: "192.168.1.10".into(), port: PORT };
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.request(&to, token, request));
        token
    }
    /// Sends, waits a second, and returns the object or the error's message.
    fn ask(&mut self, request: Request) -> Result<Option<Arc<Object>>, String> {
        let token = self.send(request);
        let until = self.world.now + Duration::secs(1);
        self.world.run_until(until);
        let client = self.world.component::<Client>(self.client).unwrap();
        match client.replies.iter().find(|(t, _)| *t == token).map(|(_, r)| r.clone()) {
            Some(Ok(Response::Object(o))) => Ok(Some(o)),
            Some(Ok(Response::Error(status))) => Err(status.message.to_string()),
            Some(Ok(_)) => Ok(None),
            other => Err(format!("{other:?}")),
        }
    }
}

fn nginx() -> Object {
    let mut o = Object::new(Kind::POD, "default", "nginx-pod");
    o.set(&["spec", "containers"], list![map! { "name" => "c", "image" => "nginx" }]);
    o
}

#[test]
fn a_pod_is_created_bound_and_deleted_gracefully() {
    let mut lab = Lab::new();
    lab.send(Request { namespace: "default".into(), ..Request::new(Verb::Watch, Kind::POD, "", "") });
    let created = lab.ask(Request::create(nginx())).unwrap().unwrap();
    assert_eq!(pod::phase(&created), "Pending");
    assert_eq!(created.items(&["spec", "tolerations"]).len(), 2);
    assert_eq!(lab.ask(Request::create(nginx())).unwrap_err(), "pods \"nginx-pod\" already exists");

    let bind = Request {
        subresource: "binding".into(),
        body: Some(Value::Map(map! { "target" => map! { "kind" => "Node", "name" => "w1-k8s" } })),
        ..Request::new(Verb::Create, Kind::POD, "default", "nginx-pod")
    };
    lab.ask(bind.clone()).unwrap();
    assert!(lab.ask(bind).unwrap_err().contains("already assigned to node \"w1-k8s\""));

    let key = created.key.clone();
    let terminating = lab.ask(Request::delete(&key)).unwrap().unwrap();
    assert_eq!(terminating.int(&["metadata", "deletionGracePeriodSeconds"]), Some(30));
    lab.ask(Request { grace_period_s: Some(0), ..Request::delete(&key) }).unwrap();
    assert_eq!(lab.ask(Request::get(&key)).unwrap_err(), "pods \"nginx-pod\" not found");

    let client = lab.world.component::<Client>(lab.client).unwrap();
    let kinds: Vec<WatchType> = client.watched.iter().map(|w| w.0).collect();
    use WatchType::{Added, Deleted, Modified};
    // The second one gives back the time that was left.
    assert_eq!(kinds, [Added, Modified, Modified, Modified, Deleted]);
    assert!(client.watched.is_sorted_by_key(|w| w.2));
}

#[test]
fn stale_updates_conflict_and_no_change_writes_nothing() {
    let mut lab = Lab::new();
    let created = lab.ask(Request::create(nginx())).unwrap().unwrap();
    let same = lab.ask(Request::update((*created).clone())).unwrap().unwrap();
    assert_eq!(same.resource_version, created.resource_version);
    let label = Value::Map(map! { "metadata" => map! { "labels" => map! { "a" => "b" } } });
    lab.ask(Request::patch(&created.key, PatchType::Merge, label)).unwrap();
    assert!(lab.ask(Request::update((*created).clone())).unwrap_err().contains("the object has been modified"));
}

/// golden/05-service: ports are taken before names are compared; before validation only in newer servers.
#[test]
fn a_service_takes_its_ports_before_its_name() {
    let service = |name: &str, port: i64, node_port: i64| {
        let mut o = Object::new(Kind::SERVICE, "default", name);
        let port = map! { "nodePort" => node_port, "port" => port };
        o.set(&["spec"], map! { "ports" => list![port], "type" => "NodePort" });
        Request::create(o)
    };
    for (profile, both_wrong) in [
        (Profile::Book, "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive"),
        (Profile::Modern, "spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated"),
    ] {
        let mut lab = Lab::of(profile);
        lab.ask(service("a", 80, 30_000)).unwrap();
        assert!(lab.ask(service("a", 80, 80)).unwrap_err().contains("not in the valid range"));
        assert!(lab.ask(service("b", 99_999, 30_000)).unwrap_err().contains(both_wrong));
        assert_eq!(lab.ask(service("a", 80, 30_001)).unwrap_err(), "services \"a\" already exists");
    }
}

#[test]
fn the_servers_own_service_comes_back() {
    let mut lab = Lab::new();
    let key = ObjectKey::new(Kind::SERVICE, "default", "kubernetes");
    let first = lab.ask(Request::get(&key)).unwrap().unwrap();
    lab.ask(Request::delete(&key)).unwrap();
    lab.world.run_until(lab.world.now + Duration::secs(10));
    let second = lab.ask(Request::get(&key)).unwrap().unwrap();
    assert_ne!(crate::api::meta::uid(&first), crate::api::meta::uid(&second));
}

#[test]
fn strangers_are_refused() {
    let mut lab = Lab::new();
    let token = lab.tokens + 1;
    lab.tokens = token;
    let to = Endpoint { ip: "192.168.1.10".into(), port: PORT };
    lab.world.with_component(lab.client, TraceId::NONE, |_, ctx| {
        ctx.request(&to, token, Request::list(Kind::POD, "default"))
    });
    lab.world.run_until(lab.world.now + Duration::secs(1));
    let client = lab.world.component::<Client>(lab.client).unwrap();
    let Some((_, Ok(Response::Error(status)))) = client.replies.last() else { panic!("{:?}", client.replies) };
    assert_eq!(
        status.message,
        "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
    );
}
