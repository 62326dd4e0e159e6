//! The lab boots, and the drill of the kubelet holds, on many seeds and both profiles.

use super::lab;
use crate::api::{Kind, Object, ObjectKey, Request, Response, meta, node, pod};
use crate::base::{Duration, Str};
use crate::machine::{power, systemd};
use crate::network::{self, Outcome};
use crate::runtime::ContainerState;
use crate::sim::{ActorId, Component, Config, Ctx, Msg, Profile, Reply, TraceId, World};
use crate::{list, map};
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
struct Client {
    last: Option<Reply>,
}
impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, msg: Msg) {
        if let Msg::Response(_, reply) = msg {
            self.last = Some(reply);
        }
    }
    crate::component_boilerplate!();
}

struct Lab {
    world: World,
    client: ActorId,
}

impl Lab {
    fn new(profile: Profile, seed: u64) -> Lab {
        let mut world = lab::ready(&Config { profile, seed, ..Config::default() });
        let client = world.spawn(lab::MASTER, "client", Arc::new(Client::default()), TraceId::NONE);
        Lab { world, client }
    }
    fn send(&mut self, request: Request) {
        let request = Request { user: "kubernetes-admin".into(), ..request };
        let to = crate::sim::Endpoint { ip: "192.168.1.10".into(), port: 6443 };
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.request(&to, 1, request));
    }
    fn last(&self) -> Option<Reply> {
        self.world.component::<Client>(self.client)?.last.clone()
    }
    fn pods(&self, namespace: &str) -> Vec<Arc<Object>> {
        let data = self.world.machine(lab::MASTER).etcd_data.as_ref().unwrap();
        data.list(Kind::POD, namespace, None).cloned().collect()
    }
    fn get(&self, key: &ObjectKey) -> Option<Arc<Object>> {
        self.world.machine(lab::MASTER).etcd_data.as_ref()?.get(key).cloned()
    }
    fn run(&mut self, time: Duration) {
        let until = self.world.now + time;
        self.world.run_until(until);
    }
    fn pod(&self, name: &str) -> Option<Arc<Object>> {
        self.pods("default").into_iter().find(|p| p.name() == name)
    }
    /// Runs until `done` or `most` passed; whether it was done.
    fn until(&mut self, most: Duration, done: impl Fn(&Lab) -> bool) -> bool {
        let end = self.world.now + most;
        while !done(self) {
            if self.world.now >= end {
                return false;
            }
            let next = self.world.now + Duration::millis(100);
            self.world.run_until(next);
        }
        true
    }
    fn describe(&self) -> String {
        let data = self.world.machine(lab::MASTER).etcd_data.as_ref();
        let mut out = format!("at {}\n", self.world.now);
        for n in data.iter().flat_map(|d| d.list(Kind::NODE, "", None)) {
            out += &format!("{} ready={} taints={:?}\n", n.name(), node::ready(n), node::taints(n));
        }
        for p in data.iter().flat_map(|d| d.list(Kind::POD, "", None)) {
            let (node, ready) = (pod::node_name(p), pod::ready(p));
            out += &format!("{} {} ready={ready} on {node} ip={}\n", p.key, pod::phase(p), pod::pod_ip(p));
        }
        out
    }
}

fn nginx() -> Object {
    let mut o = Object::new(Kind::POD, "default", "nginx-pod");
    o.set(&["spec", "containers"], list![map! { "name" => "container-name", "image" => "nginx" }]);
    o
}

fn each(test: impl Fn(&mut Lab)) {
    for profile in [Profile::Book, Profile::Modern] {
        for seed in 1..=3 {
            test(&mut Lab::new(profile, seed));
        }
    }
}

fn deployment(replicas: i64) -> Object {
    let mut d = Object::new(Kind::DEPLOYMENT, "default", "web");
    let labels = || map! { "app" => "web" };
    let spec = map! { "containers" => list![map! { "name" => "nginx", "image" => "nginx" }] };
    let template = map! { "metadata" => map! { "labels" => labels() }, "spec" => spec };
    let selector = map! { "matchLabels" => labels() };
    d.set(&["spec"], map! { "replicas" => replicas, "selector" => selector, "template" => template });
    d
}

fn seeds() -> u64 {
    20
}

#[test]

fn the_lab_becomes_ready() {
    for profile in [Profile::Book, Profile::Modern] {
        for seed in 1..=seeds() {
            let lab = Lab::new(profile, seed);
            let data = lab.world.machine(lab::MASTER).etcd_data.as_ref().unwrap();
            let ready = data.list(Kind::NODE, "", None).filter(|n| node::ready(n)).count();
            assert_eq!(ready, 4, "{profile:?} {seed}: {}", lab.describe());
            let running = lab.pods("kube-system").iter().filter(|p| pod::ready(p)).count();
            assert!(running == 15, "{profile:?} {seed}: {}", lab.describe());
        }
    }
}

#[test]

fn a_pod_outlives_its_kubelet_and_goes_when_it_returns() {
    for profile in [Profile::Book, Profile::Modern] {
        for seed in 1..=seeds() {
            let mut lab = Lab::new(profile, seed);
            lab.send(Request::create(nginx()));
            assert!(
                lab.until(Duration::secs(30), |l| l.pod("nginx-pod").is_some_and(|p| pod::ready(&p))),
                "{profile:?} {seed}: {}",
                lab.describe()
            );
            let node = Str::from(pod::node_name(&lab.pod("nginx-pod").unwrap()));
            let machine = lab.world.machine_named(&node).unwrap();
            systemd::stop(&mut lab.world, machine, "kubelet", TraceId::NONE).unwrap();
            lab.send(Request::delete(&ObjectKey::new(Kind::POD, "default", "nginx-pod")));
            assert!(!lab.until(Duration::secs(35), |l| l.pod("nginx-pod").is_none()));
            assert!(meta::deleting(&lab.pod("nginx-pod").unwrap()));
            let runs = |l: &Lab| {
                let data = &l.world.machine(machine).runtime;
                data.containers.values().any(|c| c.pod.name == "nginx-pod" && c.state == ContainerState::Running)
            };
            assert!(runs(&lab), "the container goes on without its kubelet");
            systemd::start(&mut lab.world, machine, "kubelet", TraceId::NONE).unwrap();
            assert!(
                lab.until(Duration::secs(6), |l| l.pod("nginx-pod").is_none()),
                "{profile:?} {seed}: {}",
                lab.describe()
            );
        }
    }
}

#[test]
fn a_deployment_replaces_at_once_what_stays_terminating() {
    for profile in [Profile::Book, Profile::Modern] {
        for seed in 1..=seeds() {
            let mut lab = Lab::new(profile, seed);
            lab.send(Request::create(deployment(1)));
            let one_ready = |l: &Lab| l.pods("default").iter().filter(|p| pod::ready(p)).count() == 1;
            assert!(lab.until(Duration::secs(30), one_ready), "{profile:?} {seed}: {}", lab.describe());
            let first = lab.pods("default")[0].clone();
            let machine = lab.world.machine_named(pod::node_name(&first)).unwrap();
            systemd::stop(&mut lab.world, machine, "kubelet", TraceId::NONE).unwrap();
            lab.send(Request::delete(&first.key));
            let two = |l: &Lab| l.pods("default").len() == 2;
            assert!(lab.until(Duration::secs(3), two), "{profile:?} {seed}: {}", lab.describe());
            // The new pod may land on the same node, which is still thought to be ready.
            lab.until(Duration::secs(20), |l| l.pods("default").iter().filter(|p| pod::ready(p)).count() == 2);
            assert!(meta::deleting(&lab.pod(first.name()).unwrap()));
            systemd::start(&mut lab.world, machine, "kubelet", TraceId::NONE).unwrap();
            let gone =
                |l: &Lab| l.pod(l.pods("default")[0].name()).is_some() && l.pods("default").len() == 1 && one_ready(l);
            assert!(lab.until(Duration::secs(20), gone), "{profile:?} {seed}: {}", lab.describe());
        }
    }
}

#[test]
fn a_deleted_scheduler_pod_is_back_at_once_and_never_stopped() {
    each(|lab| {
        let key = ObjectKey::new(Kind::POD, "kube-system", "kube-scheduler-m-k8s");
        let uid = |l: &Lab| l.get(&key).map(|p| Str::from(meta::uid(&p)));
        let (before, actor) = (uid(lab), lab.world.actor_named(lab::MASTER, "kube-scheduler"));
        lab.send(Request::delete(&key));
        let back = |l: &Lab| uid(l).is_some_and(|u| Some(u) != before) && l.get(&key).is_some_and(|p| pod::ready(&p));
        assert!(lab.until(Duration::secs(5), back), "{}", lab.describe());
        assert_eq!(lab.world.actor_named(lab::MASTER, "kube-scheduler"), actor);
    });
}

#[test]
fn a_removed_manifest_stops_its_component_and_a_returned_one_starts_it() {
    each(|lab| {
        let path = "/etc/kubernetes/manifests/kube-scheduler.yaml";
        let now = lab.world.now;
        let text = lab.world.machine(lab::MASTER).read(path).cloned().unwrap();
        lab.world.machine_mut(lab::MASTER).remove(path);
        let gone = |l: &Lab| {
            l.world.actor_named(lab::MASTER, "kube-scheduler").is_none()
                && l.get(&ObjectKey::new(Kind::POD, "kube-system", "kube-scheduler-m-k8s")).is_none()
        };
        assert!(lab.until(Duration::secs(25), gone), "{}", lab.describe());
        lab.world.machine_mut(lab::MASTER).write(path, text, now);
        assert!(lab.until(Duration::secs(40), |l| !gone(l)), "{}", lab.describe());
    });
}

#[test]
fn stopping_the_masters_docker_takes_the_api_away_until_it_returns() {
    let mut lab = Lab::new(Profile::Book, 1);
    systemd::stop(&mut lab.world, lab::MASTER, "docker", TraceId::NONE).unwrap();
    lab.run(Duration::secs(10));
    for program in ["etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"] {
        assert!(lab.world.actor_named(lab::MASTER, program).is_none(), "{program}");
    }
    assert!(!lab.world.machine(lab::MASTER).listeners.contains_key(&6443));
    systemd::start(&mut lab.world, lab::MASTER, "docker", TraceId::NONE).unwrap();
    let all_back = |l: &Lab| {
        l.pods("kube-system").iter().all(|p| pod::ready(p))
            && ["etcd", "kube-apiserver"].iter().all(|p| l.world.actor_named(lab::MASTER, p).is_some())
            && l.world.machine(lab::MASTER).listeners.contains_key(&6443)
    };
    assert!(lab.until(Duration::secs(90), all_back), "{}", lab.describe());
    lab.send(Request::create(nginx()));
    assert!(
        lab.until(Duration::secs(30), |l| l.pod("nginx-pod").is_some_and(|p| pod::ready(&p))),
        "{}",
        lab.describe()
    );
}

/// The drill of the source documents: module gone, interfaces rebuilt, packets lost; reboot heals.
#[test]
fn packets_are_lost_without_br_netfilter_until_a_reboot() {
    let mut lab = Lab::new(Profile::Book, 1);
    lab.send(Request::create(nginx()));
    assert!(lab.until(Duration::secs(30), |l| l.pod("nginx-pod").is_some_and(|p| pod::ready(&p))));
    let p = lab.pod("nginx-pod").unwrap();
    let machine = lab.world.machine_named(pod::node_name(&p)).unwrap();
    let ip = Str::from(pod::pod_ip(&p));
    let curl = |l: &mut Lab, ip: &str| network::connect(&mut l.world, lab::MASTER, None, ip, 80, TraceId::NONE).outcome;
    let Outcome::Ok(peer) = curl(&mut lab, &ip) else { panic!("no connection") };
    let answer = network::http::get(&mut lab.world, &peer, &network::http::Ask::default(), TraceId::NONE);
    assert!(answer.is_some_and(|a| a.body.contains("Welcome to nginx")));
    lab.world.machine_mut(machine).modules.remove("br_netfilter");
    systemd::restart(&mut lab.world, machine, "network", TraceId::NONE).unwrap();
    assert_eq!(curl(&mut lab, &ip), Outcome::Timeout);
    lab.run(Duration::secs(120));
    assert!(pod::ready(&lab.pod("nginx-pod").unwrap()), "the pod knows nothing of it");
    power::reboot(&mut lab.world, machine, true, TraceId::NONE);
    let again = |l: &Lab| {
        let p = l.pod("nginx-pod").unwrap();
        pod::ready(&p) && pod::container_statuses(&p)[0].get("restartCount") == Some(&1.into())
    };
    assert!(lab.until(Duration::secs(120), again), "{}", lab.describe());
    lab.run(Duration::secs(30));
    let new_ip = Str::from(pod::pod_ip(&lab.pod("nginx-pod").unwrap()));
    assert_ne!(new_ip, ip);
    assert!(matches!(curl(&mut lab, &new_ip), Outcome::Ok(_)), "{}", lab.describe());
}

#[test]
fn logs_come_from_the_kubelet() {
    each(|lab| {
        let mut o = Object::new(Kind::POD, "default", "talker");
        let command = list!["sh", "-c", "while true; do echo hello; sleep 1; done"];
        o.set(&["spec", "containers"], list![map! { "name" => "c", "image" => "busybox", "command" => command }]);
        lab.send(Request::create(o));
        assert!(lab.until(Duration::secs(30), |l| l.pod("talker").is_some_and(|p| pod::ready(&p))));
        let log =
            Request { subresource: "log".into(), ..Request::get(&ObjectKey::new(Kind::POD, "default", "talker")) };
        lab.send(log.clone());
        lab.run(Duration::secs(1));
        assert!(matches!(lab.last(), Some(Ok(Response::Text(t))) if t.contains("Z hello\n")), "{:?}", lab.last());
        let machine = lab.world.machine_named(pod::node_name(&lab.pod("talker").unwrap())).unwrap();
        systemd::stop(&mut lab.world, machine, "kubelet", TraceId::NONE).unwrap();
        lab.send(log);
        lab.run(Duration::secs(1));
        let refused = "10250: connect: connection refused";
        assert!(matches!(lab.last(), Some(Ok(Response::Error(s))) if s.message.ends_with(refused)), "{:?}", lab.last());
    });
}
