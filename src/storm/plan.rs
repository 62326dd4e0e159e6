//! A random session: work for the cluster, faults in between, and a time of healing. It is text in
//! the session files' own format, so that whatever goes wrong is replayed by `kubedrill session`.

use crate::base::Rng;
use crate::sim::{Config, Profile};

/// What a seed plays.
#[derive(Clone, Debug)]
pub struct Plan {
    pub config: Config,
    /// Lines of a session file, in parts that belong together (a heredoc is one part).
    pub parts: Vec<String>,
    /// Where healing begins: an index into `parts`.
    pub heal: usize,
}

impl Plan {
    /// The whole as one session file.
    pub fn session(&self) -> String {
        let Config { profile, seed, workers, masters } = &self.config;
        let name = if *profile == Profile::Book { "book" } else { "modern" };
        format!(
            "# kubedrill session --profile {name} --seed {seed} --workers {workers} --masters {masters} FILE\n{}\n",
            self.parts.join("\n")
        )
    }
}

const IMAGES: [&str; 4] = ["nginx", "nginx:1.21", "httpd", "redis"];
const PARTS: [&str; 8] = [
    "kubelet",
    "kube-proxy",
    "coredns",
    "kube-apiserver",
    "kube-scheduler",
    "kube-controller-manager",
    "etcd",
    "calico-node",
];

/// The session of `seed`.
pub fn plan(seed: u64) -> Plan {
    let mut rng = Rng::labelled(seed, "storm");
    let profile = if rng.chance(50) { Profile::Book } else { Profile::Modern };
    let workers = 2 + rng.below(3) as u32;
    let masters = if rng.chance(25) { 3 } else { 1 };
    let mut storm = Storm { rng, workers, masters, profile, parts: Vec::new() };
    storm.workloads();
    for _ in 0..6 + storm.rng.below(20) {
        storm.act();
        // Some things happen at once, some long after each other: beyond a grace period, a lease, a toleration.
        let longest = match storm.rng.below(10) {
            0..4 => 1_500,
            4..8 => 15_000,
            8 => 90_000,
            _ => 400_000,
        };
        let pause = storm.rng.below(longest);
        storm.parts.push(format!("!wait {pause}ms"));
    }
    let heal = storm.parts.len();
    storm.heal();
    Plan { config: Config { profile, seed, workers, masters }, parts: storm.parts, heal }
}

/// Names of the control planes.
fn masters(n: u32) -> Vec<String> {
    (1..=n).map(|i| if i == 1 { "m-k8s".into() } else { format!("m{i}-k8s") }).collect()
}

struct Storm {
    rng: Rng,
    workers: u32,
    masters: u32,
    profile: Profile,
    parts: Vec<String>,
}

impl Storm {
    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.rng.below(of.len() as u64) as usize]
    }
    fn worker(&mut self) -> String {
        format!("w{}-k8s", 1 + self.rng.below(u64::from(self.workers)))
    }
    fn master(&mut self) -> String {
        masters(self.masters).swap_remove(self.rng.below(u64::from(self.masters)) as usize)
    }
    fn machine(&mut self) -> String {
        if self.rng.chance(25) { self.master() } else { self.worker() }
    }
    /// One that may go for good: a worker, or one of several masters.
    fn spare(&mut self) -> String {
        if self.masters > 1 && self.rng.chance(40) { self.master() } else { self.worker() }
    }
    fn kubectl(&mut self, rest: &str) {
        self.parts.push(format!("kubectl --request-timeout=8s {rest}"));
    }
    fn runtime(&self) -> &'static str {
        if self.profile == Profile::Book { "docker" } else { "containerd" }
    }

    /// What every storm starts with: two deployments, a service, a bare pod, a job, a stateful set,
    /// a daemon set.
    fn workloads(&mut self) {
        for name in ["web", "api"] {
            let image = self.pick(&IMAGES);
            self.kubectl(&format!("create deployment {name} --image={image}"));
            let n = 1 + self.rng.below(5);
            self.kubectl(&format!("scale deployment {name} --replicas={n}"));
        }
        self.kubectl("expose deployment web --port=80");
        self.kubectl("run bare --image=nginx");
        self.kubectl("create job count --image=busybox -- sleep 5");
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  serviceName: db\n  replicas: 2\n  selector: {matchLabels: {app: db}}\n  template:\n    metadata: {labels: {app: db}}\n    spec: {containers: [{name: a, image: redis}]}";
        self.parts.push(format!("kubectl apply -f - <<END\n{set}\nEND"));
        let daemon = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent}\nspec:\n  selector: {matchLabels: {app: agent}}\n  template:\n    metadata: {labels: {app: agent}}\n    spec: {containers: [{name: a, image: nginx}]}";
        self.parts.push(format!("kubectl apply -f - <<END\n{daemon}\nEND"));
        let wait = self.rng.below(20);
        self.parts.push(format!("!wait {wait}s"));
    }

    /// One thing that a user does or that goes wrong.
    fn act(&mut self) {
        let name = self.pick(&["web", "api"]);
        match self.rng.below(25) {
            0..3 => {
                let n = self.rng.below(8);
                self.kubectl(&format!("scale deployment {name} --replicas={n}"));
            }
            3..5 => {
                let image = self.pick(&IMAGES);
                self.kubectl(&format!("set image deployment {name} '*={image}'"));
            }
            5 => self.kubectl(&format!("rollout undo deployment {name}")),
            6 => self.kubectl(&format!("set image deployment {name} '*=nginx:no-such-tag'")),
            7 => self.kubectl(&format!("delete pod -l app={name} --wait=false")),
            8 => self.kubectl("delete pod bare --wait=false"),
            9 => {
                let node = self.worker();
                self.kubectl(&format!("cordon {node}"));
            }
            10 => {
                let (machine, part) = (self.machine(), self.pick(&PARTS));
                self.parts.push(format!("@{machine} pkill -9 {part}"));
            }
            11 => {
                let machine = self.machine();
                self.parts.push(format!("!fault reboot {machine}"));
            }
            12 => {
                let machine = self.spare();
                self.parts.push(format!("!fault power-off {machine}"));
            }
            13 => {
                let machine = self.spare();
                self.parts.push(format!("!fault isolate {machine}"));
            }
            14 => {
                let (machine, verb) = (self.machine(), self.pick(&["stop", "restart"]));
                self.parts.push(format!("@{machine} systemctl {verb} kubelet"));
            }
            15 => {
                let (machine, verb) = (self.machine(), self.pick(&["stop", "restart"]));
                self.parts.push(format!("@{machine} systemctl {verb} {}", self.runtime()));
            }
            16 => {
                let part = self.pick(&["kube-scheduler", "kube-controller-manager", "etcd"]);
                self.kubectl(&format!("-n kube-system delete pod {part}-m-k8s --wait=false"));
            }
            17 => {
                let machine = self.spare();
                self.parts.push(format!("!fault rejoin {machine}"));
                self.parts.push(format!("!fault power-on {machine}"));
            }
            // Not the stateful set's: its promise of one pod per name ends with --force.
            18 => self.kubectl(&format!("delete pod -l app={name} --force --wait=false")),
            19 => {
                let n = self.rng.below(4);
                self.kubectl(&format!("scale statefulset db --replicas={n}"));
            }
            20 => self.kubectl("delete pod -l app=db --wait=false"),
            21 => {
                let worker = self.worker();
                self.kubectl(&format!("drain {worker} --ignore-daemonsets --force --timeout=20s"));
            }
            22 => {
                let (a, b) = (self.master(), self.machine());
                let ms = self.rng.below(3_000);
                self.parts.push(format!("!fault slow-link {a} {b} {ms}"));
            }
            23 => {
                let (master, ms) = (self.master(), self.rng.below(2_000));
                self.parts.push(format!("!fault slow-disk {master} {ms}"));
            }
            _ => self.kubectl(&format!("rollout restart deployment {name}")),
        }
    }

    /// Everything runs again, and every spec can be met.
    fn heal(&mut self) {
        let mut machines = masters(self.masters);
        machines.extend((1..=self.workers).map(|i| format!("w{i}-k8s")));
        for machine in &machines {
            self.parts.push(format!("!fault rejoin {machine}"));
            self.parts.push(format!("!fault power-on {machine}"));
            self.parts.push(format!("!fault slow-disk {machine} 0"));
            for master in masters(self.masters) {
                self.parts.push(format!("!fault slow-link {master} {machine} 0"));
            }
        }
        self.parts.push("!wait 90s".into());
        for machine in &machines {
            self.parts.push(format!("@{machine} systemctl start {} kubelet", self.runtime()));
        }
        self.parts.push("!wait 60s".into());
        for machine in &machines[self.masters as usize..] {
            self.kubectl(&format!("uncordon {machine}"));
        }
        for name in ["web", "api"] {
            self.kubectl(&format!("set image deployment {name} '*=nginx'"));
            self.kubectl(&format!("scale deployment {name} --replicas=3"));
        }
        self.kubectl("scale statefulset db --replicas=3");
    }
}
