//! Kubelets of a bare cluster: pods are bound by hand, kubelets stopped and started.

use std::sync::Arc;

use crate::addons::{daemons, lab};
use crate::api::request::PatchType;
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, Verb, meta, pod};
use crate::base::{Duration, Str};
use crate::sim::{ActorId, Component, Ctx, Endpoint, Msg, Profile, Record, TraceId, What, World};

const PROFILES: [Profile; 2] = [Profile::Book, Profile::Modern];
const NODE: &str = "w1-k8s";
const MACHINE: u32 = 2;

#[derive(Clone, Debug, Default)]
struct Client;
impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _msg: Msg) {}
    crate::component_boilerplate!();
}

struct Lab {
    world: World,
    client: ActorId,
    profile: Profile,
}

impl Lab {
    fn new(profile: Profile, seed: u64) -> Lab {
        let mut world = lab::bench(profile, 2, seed);
        let client = world.spawn(lab::MASTER, "client", Arc::new(Client), TraceId::NONE);
        let mut lab = Lab { world, client, profile };
        // The service account controller is not what is tested here.
        lab.send(Request::create(Object::new(Kind::SERVICE_ACCOUNT, "default", "default")));
        lab.run(Duration::secs(1));
        lab
    }
    fn send(&mut self, request: Request) {
        let request = Request { user: "kubernetes-admin".into(), ..request };
        let to = Endpoint { ip: "192.168.1.10".into(), port: 6443 };
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.request(&to, 1, request));
    }
    fn create(&mut self, name: &str, container: Map) {
        self.create_pod(name, map! { "containers" => list![container] });
    }
    fn create_pod(&mut self, name: &str, spec: Map) {
        let mut o = Object::new(Kind::POD, "default", name);
        o.set(&["spec"], spec);
        o.set(&["spec", "nodeName"], NODE);
        self.send(Request::create(o));
    }
    fn delete(&mut self, name: &str) {
        self.send(Request::delete(&ObjectKey::new(Kind::POD, "default", name)));
    }
    fn run(&mut self, time: Duration) {
        let until = self.world.now + time;
        self.world.run_until(until);
    }
    fn all(&self, kind: Kind) -> Vec<Arc<Object>> {
        let data = self.world.machine(lab::MASTER).etcd_data.as_ref();
        data.map(|d| d.list(kind, "default", None).cloned().collect()).unwrap_or_default()
    }
    fn pod(&self, name: &str) -> Option<Arc<Object>> {
        self.all(Kind::POD).into_iter().find(|p| p.name() == name)
    }
    fn reasons(&self, name: &str) -> Vec<Str> {
        let about = |e: &&Arc<Object>| e.str(&["involvedObject", "name"]) == name;
        self.all(Kind::EVENT).iter().filter(about).map(|e| e.str(&["reason"]).into()).collect()
    }
    fn messages(&self, name: &str) -> Vec<Str> {
        let about = |e: &&Arc<Object>| e.str(&["involvedObject", "name"]) == name;
        self.all(Kind::EVENT).iter().filter(about).map(|e| e.str(&["message"]).into()).collect()
    }
    /// Seconds until `done`, at most `most`.
    fn until(&mut self, most: u64, done: impl Fn(&Lab) -> bool) -> Option<u64> {
        let begin = self.world.now;
        while !done(self) {
            if self.world.now.since(begin) >= Duration::secs(most) {
                return None;
            }
            self.run(Duration::millis(100));
        }
        Some(self.world.now.since(begin).as_secs())
    }
    fn until_ready(&mut self, name: &str) {
        let ready = self.until(30, |l| l.pod(name).is_some_and(|p| pod::ready(&p)));
        assert!(ready.is_some(), "{name} is not ready: {:?}", self.pod(name).map(|p| p.to_value().to_json()));
    }
    fn stop(&mut self, program: &str) {
        let id = self.world.actor_named(MACHINE, program).expect("it runs");
        self.world.kill(id, true, TraceId::NONE);
    }
    fn start(&mut self, program: &str) {
        let component = daemons::component(&self.world, MACHINE, program).expect("a component");
        self.world.spawn(MACHINE, program, component, TraceId::NONE);
    }
    fn daemon(&self) -> &'static str {
        if self.profile == Profile::Book { "dockerd" } else { "containerd" }
    }
    fn waiting(&self, name: &str) -> Str {
        let p = self.pod(name).expect("the pod");
        let c = pod::container_statuses(&p).first().cloned().unwrap_or_default();
        c.at(&["state", "waiting", "reason"]).map(Value::as_str).unwrap_or_default().into()
    }
}

fn each(test: impl Fn(&mut Lab)) {
    for profile in PROFILES {
        for seed in 1..=10 {
            test(&mut Lab::new(profile, seed));
        }
    }
}

#[test]
fn a_pod_runs_and_says_so() {
    each(|lab| {
        lab.create("web", map! { "name" => "nginx", "image" => "nginx" });
        lab.until_ready("web");
        let p = lab.pod("web").unwrap();
        assert_eq!(pod::phase(&p), "Running");
        assert!(pod::pod_ip(&p).starts_with("172.16.221."), "{}", pod::pod_ip(&p));
        assert_eq!(lab.reasons("web"), ["Pulling", "Pulled", "Created", "Started"]);
        assert_eq!(p.items(&["status", "conditions"]).len(), if lab.profile == Profile::Book { 4 } else { 5 });
        lab.delete("web");
        assert!(lab.until(6, |l| l.pod("web").is_none()).is_some());
        assert_eq!(lab.reasons("web").last().map(Str::as_str), Some("Killing"));
        lab.run(Duration::secs(1)); // the watch tells the kubelet that the pod is gone
        let data = &lab.world.machine(MACHINE).runtime;
        assert!(data.sandboxes.is_empty() && data.containers.is_empty() && data.by_ip.is_empty());
    });
}

#[test]
fn a_deleted_pod_stays_while_its_kubelet_is_stopped() {
    each(|lab| {
        lab.create("web", map! { "name" => "nginx", "image" => "nginx" });
        lab.until_ready("web");
        lab.stop("kubelet");
        lab.delete("web");
        lab.run(Duration::secs(60));
        assert!(meta::deleting(&lab.pod("web").unwrap()));
        let data = &lab.world.machine(MACHINE).runtime;
        assert_eq!(data.sandboxes.keys().filter(|s| data.running_in(s).count() == 1).count(), 1, "it runs on");
        lab.start("kubelet");
        assert!(lab.until(5, |l| l.pod("web").is_none()).is_some());
    });
}

#[test]
fn a_process_that_ignores_sigterm_takes_its_grace_period() {
    each(|lab| {
        lab.create("lazy", map! { "name" => "c", "image" => "busybox", "command" => list!["sleep", "3600"] });
        lab.until_ready("lazy");
        lab.delete("lazy");
        let took = lab.until(40, |l| l.pod("lazy").is_none()).expect("gone");
        assert!((30..=33).contains(&took), "{took}");
    });
}

#[test]
fn images_that_do_not_exist_back_off() {
    each(|lab| {
        lab.create("bad", map! { "name" => "c", "image" => "nginx:1.17.23" });
        assert!(lab.until(10, |l| l.pod("bad").is_some_and(|_| l.waiting("bad") == "ErrImagePull")).is_some());
        assert!(lab.until(10, |l| l.waiting("bad") == "ImagePullBackOff").is_some());
        assert!(
            lab.messages("bad").iter().any(|m| m.contains("nginx:1.17.23 not found") || m.ends_with(": not found"))
        );
        assert!(lab.until(60, |l| l.waiting("bad") == "ErrImagePull").is_some(), "it tries again");
    });
}

#[test]
fn containers_that_crash_back_off() {
    each(|lab| {
        lab.create("crash", map! { "name" => "c", "image" => "busybox", "command" => list!["sh", "-c", "exit 1"] });
        assert!(lab.until(30, |l| l.pod("crash").is_some() && l.waiting("crash") == "CrashLoopBackOff").is_some());
        lab.run(Duration::secs(60));
        let p = lab.pod("crash").unwrap();
        let restarts = pod::container_statuses(&p)[0].get("restartCount").and_then(Value::as_int);
        assert!(matches!(restarts, Some(3 | 4)), "{restarts:?}");
    });
}

#[test]
fn jobs_complete_and_init_containers_come_first() {
    each(|lab| {
        let step = |name: &str, script: &str| map! { "name" => name, "image" => "busybox", "command" => list!["sh", "-c", script] };
        lab.create_pod(
            "task",
            map! {
                "restartPolicy" => "Never",
                "initContainers" => list![step("first", "sleep 2")],
                "containers" => list![step("main", "echo done")],
            },
        );
        assert!(lab.until(10, |l| l.reasons("task").iter().any(|r| r == "Started")).is_some());
        assert!(lab.until(30, |l| pod::phase(&l.pod("task").unwrap()) == "Succeeded").is_some());
        lab.create_pod("fails", map! { "restartPolicy" => "Never", "containers" => list![step("main", "exit 3")] });
        assert!(lab.until(30, |l| l.pod("fails").is_some_and(|p| pod::phase(&p) == "Failed")).is_some());
    });
}

#[test]
fn stopping_docker_kills_and_stopping_containerd_does_not() {
    each(|lab| {
        lab.create("web", map! { "name" => "nginx", "image" => "nginx" });
        lab.until_ready("web");
        let ip = Str::from(pod::pod_ip(&lab.pod("web").unwrap()));
        let daemon = lab.daemon();
        lab.stop(daemon);
        lab.run(Duration::secs(20));
        assert_eq!(pod::phase(&lab.pod("web").unwrap()), "Running", "nobody can tell");
        lab.start(daemon);
        lab.run(Duration::secs(20));
        let p = lab.pod("web").unwrap();
        let restarts = pod::container_statuses(&p)[0].get("restartCount").and_then(Value::as_int);
        let (expected, same_ip) = if lab.profile == Profile::Book { (1, false) } else { (0, true) };
        assert_eq!((restarts, pod::ready(&p)), (Some(expected), true));
        assert_eq!(pod::pod_ip(&p) == ip, same_ip);
    });
}

#[test]
fn unready_containers_are_not_ready_and_unhealthy_ones_restart() {
    each(|lab| {
        let probe = map! { "httpGet" => map! { "path" => "/", "port" => 81 }, "periodSeconds" => 2 };
        lab.create("unready", map! { "name" => "c", "image" => "nginx", "readinessProbe" => probe.clone() });
        // What carries out the probe's command, and the container's.
        lab.start("terminal");
        let exec = map! { "exec" => map! { "command" => list!["cat", "/tmp/healthy"] }, "periodSeconds" => 5 };
        let script = "touch /tmp/healthy; sleep 10; rm -f /tmp/healthy; sleep 600";
        let c = map! { "name" => "c", "image" => "busybox", "args" => list!["/bin/sh", "-c", script], "livenessProbe" => exec };
        lab.create("sick", c);
        lab.run(Duration::secs(90));
        let p = lab.pod("unready").unwrap();
        assert_eq!((pod::phase(&p), pod::ready(&p)), ("Running", false));
        let sick = lab.pod("sick").unwrap();
        let restarts = pod::container_statuses(&sick)[0].get("restartCount").and_then(Value::as_int);
        assert_eq!(restarts, Some(1), "{:?}", lab.messages("sick"));
    });
}

#[test]
fn pods_that_do_not_fit_fail() {
    each(|lab| {
        let resources = map! { "requests" => map! { "cpu" => "40" } };
        lab.create("big", map! { "name" => "c", "image" => "nginx", "resources" => resources });
        assert!(lab.until(5, |l| l.pod("big").is_some_and(|p| pod::phase(&p) == "Failed")).is_some());
        assert_eq!(lab.pod("big").unwrap().str(&["status", "reason"]), "OutOfcpu");
        lab.delete("big");
        assert!(lab.until(5, |l| l.pod("big").is_none()).is_some());
    });
}

/// "Why does it run?" leads from the process back to the request that asked for the pod.
#[test]
fn every_hop_has_its_cause() {
    each(|lab| {
        lab.create("web", map! { "name" => "nginx", "image" => "nginx" });
        lab.until_ready("web");
        let trace = &lab.world.trace;
        let started = |r: &&Record| matches!(&r.what, What::Process { name, code: None, .. } if name == "nginx");
        let started = trace.iter().find(started).expect("a process");
        let chain: Vec<&str> = trace.chain(started.id).iter().map(|r| hop(&r.what)).collect();
        let expected = [
            "process",
            "StartContainer",
            "CreateContainer",
            "PullImage",
            "CniAdd",
            "RunPodSandbox",
            "deliver",
            "write",
            "create",
        ];
        assert_eq!(chain, expected);
        let last = trace.iter().rfind(|r| matches!(&r.what, What::Write { key, .. } if key.kind == Kind::POD)).unwrap();
        let chain: Vec<&str> = trace.chain(last.id).iter().map(|r| hop(&r.what)).collect();
        assert_eq!(chain[..3], ["write", "status", "StartContainer"], "{chain:?}");
    });
}

fn hop(what: &What) -> &'static str {
    match what {
        What::Process { .. } => "process",
        What::Container { call, .. } => call,
        What::Deliver { .. } => "deliver",
        What::Write { .. } => "write",
        What::Request { subresource, .. } if subresource == "status" => "status",
        What::Request { verb, .. } if *verb == Verb::Create => "create",
        _ => "?",
    }
}

#[test]
fn a_container_beyond_its_memory_limit_is_killed() {
    let mut lab = Lab::new(Profile::Modern, 1);
    let resources = map! { "limits" => map! { "memory" => "100Mi" } };
    let command = list!["stress", "--vm", "1", "--vm-bytes", "250M"];
    lab.create(
        "p",
        map! { "name" => "c", "image" => "polinux/stress", "command" => command, "resources" => resources },
    );
    lab.run(Duration::secs(2));
    lab.until(60, |l| l.waiting("p") == "CrashLoopBackOff").expect("it is killed again and again");
    let p = lab.pod("p").unwrap();
    let last = pod::container_statuses(&p)[0].at(&["lastState", "terminated"]).unwrap().clone();
    assert_eq!((last.str("reason"), last.get("exitCode").and_then(Value::as_int)), ("OOMKilled", Some(137)));
}

fn hog(lab: &mut Lab, name: &str, mib: u32, request: Option<&str>) {
    let bytes = format!("{mib}M");
    let mut container = map! { "name" => "c", "image" => "polinux/stress", "command" => list!["stress", "--vm", "1", "--vm-bytes", bytes] };
    if let Some(request) = request {
        container.insert("resources", map! { "requests" => map! { "memory" => request } });
    }
    lab.create(name, container);
}

fn pressure(lab: &Lab, kind: &str) -> Str {
    let data = lab.world.machine(lab::MASTER).etcd_data.as_ref().unwrap();
    let node = data.get(&ObjectKey::new(Kind::NODE, "", NODE)).unwrap();
    meta::condition(node, kind).map_or("", |(status, ..)| status).into()
}

#[test]
fn memory_pressure_ends_who_outgrew_its_request() {
    for profile in PROFILES {
        let mut lab = Lab::new(profile, 1);
        lab.world.machine_mut(MACHINE).memory_mib = 2560;
        hog(&mut lab, "modest", 900, Some("1Gi"));
        lab.run(Duration::secs(20));
        let left = {
            let m = lab.world.machine(MACHINE);
            crate::machine::load::memory_total(m) - crate::machine::load::memory_used(m)
        };
        // 50 MiB stay free: less than the threshold, more than nothing.
        hog(&mut lab, "greedy", (left >> 20) as u32 - 50, None);
        lab.until(60, |l| l.pod("greedy").is_some_and(|p| pod::phase(&p) == "Failed")).expect("it is evicted");
        let p = lab.pod("greedy").unwrap();
        assert_eq!(p.str(&["status", "reason"]), "Evicted");
        let message = p.str(&["status", "message"]);
        assert!(message.starts_with("The node was low on resource: memory. "), "{message}");
        assert!(message.contains("Container c was using "), "{message}");
        assert_eq!(pod::phase(&lab.pod("modest").unwrap()), "Running");
        lab.run(Duration::secs(11));
        assert_eq!(pressure(&lab, "MemoryPressure"), "True");
        assert!(lab.reasons(NODE).iter().any(|r| r == "EvictionThresholdMet"));
        // Best effort pods stay out, others may come.
        lab.create("late", map! { "name" => "c", "image" => "busybox", "command" => list!["sleep", "60"] });
        lab.run(Duration::secs(3));
        let late = lab.pod("late").unwrap();
        assert_eq!((pod::phase(&late), late.str(&["status", "reason"])), ("Failed", "Evicted"));
        assert!(late.str(&["status", "message"]).ends_with("The node had condition: [MemoryPressure]. "));
        lab.run(Duration::mins(6));
        assert_eq!(pressure(&lab, "MemoryPressure"), "False");
    }
}

#[test]
fn a_full_disk_removes_images_then_pods_but_not_critical_ones() {
    for profile in PROFILES {
        let mut lab = Lab::new(profile, 1);
        for (name, class) in [("plain", ""), ("critical", "system-node-critical")] {
            let c = map! { "name" => "c", "image" => "nginx" };
            lab.create_pod(name, map! { "containers" => list![c], "priorityClassName" => class });
        }
        lab.run(Duration::secs(30));
        let m = lab.world.machine_mut(MACHINE);
        let size = crate::machine::load::DISK * 9 / 10;
        m.write("/var/fill", "", crate::base::Time::ZERO);
        m.files.get_mut("/var/fill").unwrap().hole = size;
        lab.until(60, |l| l.pod("plain").is_some_and(|p| pod::phase(&p) == "Failed")).expect("it is evicted");
        let message = Str::from(lab.pod("plain").unwrap().str(&["status", "message"]));
        assert!(message.starts_with("The node was low on resource: ephemeral-storage. "), "{message}");
        lab.run(Duration::secs(60));
        assert_eq!(pod::phase(&lab.pod("critical").unwrap()), "Running");
        assert_eq!(pressure(&lab, "DiskPressure"), "True");
        lab.world.machine_mut(MACHINE).remove("/var/fill");
        lab.run(Duration::mins(6));
        assert_eq!(pressure(&lab, "DiskPressure"), "False");
    }
}

#[test]
fn a_machine_without_memory_ends_the_largest_best_effort_process() {
    let mut lab = Lab::new(Profile::Modern, 1);
    lab.world.machine_mut(MACHINE).memory_mib = 2560;
    hog(&mut lab, "asked", 900, Some("1Gi"));
    lab.run(Duration::secs(20));
    hog(&mut lab, "greedy", 2000, None);
    lab.run(Duration::secs(2));
    lab.until(60, |l| l.waiting("greedy") == "CrashLoopBackOff").expect("it is killed again and again");
    let greedy = lab.pod("greedy").unwrap();
    let last = pod::container_statuses(&greedy)[0].at(&["lastState", "terminated", "reason"]).unwrap().clone();
    assert_eq!(last.as_str(), "OOMKilled");
    assert_eq!(pod::phase(&lab.pod("asked").unwrap()), "Running");
    assert!(lab.messages(NODE).iter().any(|m| m.starts_with("System OOM encountered, victim process: stress")));
}

#[test]
fn an_empty_dir_beyond_its_limit_ends_its_pod() {
    let mut lab = Lab::new(Profile::Book, 1);
    let c = map! { "name" => "c", "image" => "nginx" };
    let volume = map! { "name" => "cache", "emptyDir" => map! { "sizeLimit" => "1Mi" } };
    lab.create_pod("p", map! { "containers" => list![c], "volumes" => list![volume] });
    lab.run(Duration::secs(20));
    let uid = Str::from(meta::uid(&lab.pod("p").unwrap()));
    let path = format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/cache/big");
    let m = lab.world.machine_mut(MACHINE);
    m.write(&path, "", crate::base::Time::ZERO);
    m.files.get_mut(&*path).unwrap().hole = 2 << 20;
    lab.until(30, |l| l.pod("p").is_some_and(|p| pod::phase(&p) == "Failed")).expect("it is evicted");
    assert_eq!(
        lab.pod("p").unwrap().str(&["status", "message"]),
        "Usage of EmptyDir volume \"cache\" exceeds the limit \"1Mi\". "
    );
}

#[test]
fn a_container_added_for_debugging_runs_once() {
    let mut lab = Lab::new(Profile::Modern, 1);
    lab.create("p", map! { "name" => "c", "image" => "nginx" });
    lab.run(Duration::secs(20));
    let added = map! { "name" => "d", "image" => "busybox", "command" => list!["sleep", "5"] };
    let body = map! { "spec" => map! { "ephemeralContainers" => list![added] } };
    let key = ObjectKey::new(Kind::POD, "default", "p");
    let patch = Request::patch(&key, PatchType::StrategicMerge, Value::Map(body));
    lab.send(Request { subresource: "ephemeralcontainers".into(), ..patch });
    lab.run(Duration::secs(30));
    let p = lab.pod("p").unwrap();
    let status = &p.items(&["status", "ephemeralContainerStatuses"])[0];
    assert_eq!(status.at(&["state", "terminated", "exitCode"]).and_then(Value::as_int), Some(0));
    assert_eq!(pod::phase(&p), "Running");
    assert!(pod::ready(&p));
}
