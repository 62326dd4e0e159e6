//! The daemon: serves CRI calls. A call takes effect when its time has passed, and answers as a local
//! gRPC server does: `Msg::Response(token, Text(id))` or an error with the runtime's words.
//! Models the CRI as pkg/kubelet/dockershim and containerd's cri plugin serve it.

use super::data::{Container, ContainerState, Image, Sandbox};
use super::images;
use super::process;
use super::program::Program;
use super::rootfs;
use crate::addons::files::KUBELET_CONFIG;
use crate::api::{ObjectKey, Reason, Response, Status};
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::machine::{Machine, load};
use crate::network;
use crate::sim::{Caller, Component, Ctx, Msg, Profile, TraceId, What};

/// What a sandbox is made for.
#[derive(Clone, PartialEq, Debug)]
pub struct SandboxSpec {
    pub pod: ObjectKey,
    pub uid: Str,
    pub attempt: u32,
    pub host_network: bool,
    /// See [`Sandbox`].
    pub resolv: Str,
    pub hosts: Str,
    pub host_ports: Vec<(u16, u16)>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ContainerSpec {
    pub sandbox: Str,
    pub name: Str,
    pub image: Str,
    pub attempt: u32,
    pub program: Program,
    pub args: Vec<Str>,
    pub env: Vec<(Str, Str)>,
    pub mounts: Vec<(Str, Str)>,
    pub workdir: Str,
    pub stdin: bool,
    pub tty: bool,
    /// Thousandths of a CPU and bytes; 0: no limit.
    pub cpu_limit: u64,
    pub memory_limit: u64,
    pub oom_score_adj: i16,
    /// See [`Container::termination`].
    pub termination: (Str, bool),
}

/// A CRI call that takes time.
#[derive(Clone, PartialEq, Debug)]
enum Call {
    RunPodSandbox(SandboxSpec),
    PullImage(Str),
    CreateContainer(Box<ContainerSpec>),
    StartContainer(Str),
}

#[derive(Clone, Debug)]
pub struct Runtime {
    profile: Profile,
    calls: OrdMap<u64, (Caller, Call)>,
    next: u64,
    /// The kubelet asks for one image at a time.
    pulling_until: Time,
    /// Whether containerd leaves cgroups to systemd, as its configuration said when it started.
    systemd_cgroup: Option<bool>,
}

const TIMER_CALL: u16 = 1;
/// A main process ends: by itself, on its signal, or killed. Argument: `pid code`.
const TIMER_EXIT: u16 = 2;
/// systemd cleans a cgroup away that it has not made. Argument: the sandbox.
const TIMER_CGROUP: u16 = 3;
/// A program has touched the memory it wanted.
const TIMER_GROWN: u16 = 4;

impl Runtime {
    pub fn new(profile: Profile) -> Runtime {
        Runtime { profile, calls: OrdMap::new(), next: 0, pulling_until: Time::ZERO, systemd_cgroup: None }
    }

    pub fn run_pod_sandbox(&mut self, ctx: &mut Ctx<'_>, caller: Caller, spec: SandboxSpec) {
        let (low, high) = if spec.host_network { (120, 260) } else { (280, 620) };
        let time = ctx.rng.between(Duration::millis(low), Duration::millis(high));
        let pod = spec.pod.clone();
        self.begin(ctx, caller, time, "RunPodSandbox", pod, "", "", Call::RunPodSandbox(spec));
    }

    /// `image` as the pod names it.
    pub fn pull_image(&mut self, ctx: &mut Ctx<'_>, caller: Caller, pod: &ObjectKey, image: &str) {
        let now = ctx.now();
        let full = images::normalize(image).unwrap_or_default();
        let here = ctx.host().runtime.images.contains_key(&full);
        let time = match images::find(&full) {
            Ok(row) => images::pull_time(row.size(), here),
            Err(_) => Duration::millis(1_400),
        };
        let time = ctx.rng.jitter(time, 60);
        let begin = self.pulling_until.max(now);
        self.pulling_until = begin + time;
        let wait = (begin + time).since(now);
        self.begin(ctx, caller, wait, "PullImage", pod.clone(), "", image, Call::PullImage(image.into()));
    }

    pub fn create_container(&mut self, ctx: &mut Ctx<'_>, caller: Caller, pod: &ObjectKey, spec: ContainerSpec) {
        let time = ctx.rng.between(Duration::millis(25), Duration::millis(70));
        let name = spec.name.clone();
        self.begin(ctx, caller, time, "CreateContainer", pod.clone(), &name, "", Call::CreateContainer(spec.into()));
    }

    pub fn start_container(&mut self, ctx: &mut Ctx<'_>, caller: Caller, pod: &ObjectKey, name: &str, id: Str) {
        let time = ctx.rng.between(Duration::millis(90), Duration::millis(240));
        self.begin(ctx, caller, time, "StartContainer", pod.clone(), name, &id.clone(), Call::StartContainer(id));
    }

    /// Sends the stop signal and, after the grace period, SIGKILL. The kubelet learns of the end by
    /// the container's event.
    pub fn stop_container(&mut self, ctx: &mut Ctx<'_>, caller: Caller, id: &Str, grace: Duration) {
        let Some(container) = ctx.host().runtime.containers.get(id).cloned() else { return };
        if container.state != ContainerState::Running {
            return;
        }
        let what = What::Container {
            call: "StopContainer",
            pod: container.pod.clone(),
            container: container.name.clone(),
            detail: id.clone(),
        };
        let (now, me) = (ctx.now(), ctx.me);
        ctx.cause = ctx.world.trace.push(now, now + Duration::millis(2), ctx.cause, caller.actor, me, what);
        let (after, code) = match container.program.on_terminate() {
            Some((time, code)) if time < grace => (ctx.rng.jitter(time, 100), code),
            _ => (grace, 137),
        };
        ctx.timer(after, TIMER_EXIT, ecow::eco_format!("{} {code}", container.pid));
    }

    /// Ends what still runs in a sandbox and gives its address back.
    pub fn stop_pod_sandbox(&mut self, ctx: &mut Ctx<'_>, caller: Caller, id: &Str) {
        let Some(sandbox) = ctx.host().runtime.sandboxes.get(id).cloned() else { return };
        let what = What::Container {
            call: "StopPodSandbox",
            pod: sandbox.pod.clone(),
            container: Str::new(),
            detail: id.clone(),
        };
        let (now, me, machine) = (ctx.now(), ctx.me, ctx.machine);
        ctx.cause = ctx.world.trace.push(now, now + Duration::millis(2), ctx.cause, caller.actor, me, what);
        for container in &sandbox.containers {
            process::exit(ctx.world, machine, container, 137, true, ctx.cause);
        }
        process::end_sandbox(ctx.world, machine, id, ctx.cause);
        network::cni_del(ctx, id);
    }

    /// Forgets a stopped sandbox and its containers.
    pub fn remove_pod_sandbox(&mut self, ctx: &mut Ctx<'_>, id: &Str) {
        let data = &mut ctx.host_mut().runtime;
        let Some(sandbox) = data.sandboxes.remove(id) else { return };
        let gone: Vec<Container> = sandbox.containers.iter().filter_map(|c| data.containers.remove(c)).collect();
        for container in &gone {
            rootfs::remove(ctx.host_mut(), container);
        }
    }

    /// Forgets a dead container.
    pub fn remove_container(&mut self, ctx: &mut Ctx<'_>, id: &Str) {
        let data = &mut ctx.host_mut().runtime;
        let Some(container) = data.containers.remove(id) else { return };
        if let Some(sandbox) = data.sandboxes.get_mut(&container.sandbox) {
            sandbox.containers.retain(|c| c != id);
        }
        rootfs::remove(ctx.host_mut(), &container);
    }

    #[allow(clippy::too_many_arguments)]
    fn begin(
        &mut self,
        ctx: &mut Ctx<'_>,
        caller: Caller,
        time: Duration,
        call: &'static str,
        pod: ObjectKey,
        container: &str,
        detail: &str,
        work: Call,
    ) {
        let (now, me) = (ctx.now(), ctx.me);
        let what = What::Container { call, pod, container: container.into(), detail: detail.into() };
        ctx.cause = ctx.world.trace.push(now, now + time, ctx.cause, caller.actor, me, what);
        self.next += 1;
        self.calls.insert(self.next, (caller, work));
        ctx.timer(time, TIMER_CALL, ecow::eco_format!("{}", self.next));
    }

    fn finish(&mut self, ctx: &mut Ctx<'_>, number: u64) {
        let Some((caller, call)) = self.calls.remove(&number) else { return };
        let outcome = match call {
            Call::RunPodSandbox(spec) => self.make_sandbox(ctx, &spec),
            Call::PullImage(image) => self.store_image(ctx, &image),
            Call::CreateContainer(spec) => self.make_container(ctx, *spec),
            Call::StartContainer(id) => self.start(ctx, &id),
        };
        answer(ctx, caller, outcome);
    }

    fn make_sandbox(&mut self, ctx: &mut Ctx<'_>, spec: &SandboxSpec) -> Result<Str, Str> {
        let id = Str::from(ctx.rng.hex(64));
        let ip =
            if spec.host_network { ctx.host().ip.clone() } else { network::cni_add(ctx, self.profile, spec, &id)? };
        let now = ctx.now();
        if self.systemd_cgroup.is_some_and(|systemd| systemd != kubelet_uses_systemd(ctx.host())) {
            let until = ctx.rng.between(Duration::secs(60), Duration::secs(200));
            ctx.timer(until, TIMER_CGROUP, id.clone());
        }
        let host = ctx.host_mut();
        let pid = host.add_process("/pause", None, &id, now);
        let sandbox = Sandbox {
            id: id.clone(),
            pod: spec.pod.clone(),
            uid: spec.uid.clone(),
            attempt: spec.attempt,
            ip: ip.clone(),
            host_network: spec.host_network,
            ready: true,
            created: now,
            pid,
            resolv: spec.resolv.clone(),
            hosts: spec.hosts.clone(),
            host_ports: spec.host_ports.clone(),
            containers: Vec::new(),
        };
        if !spec.host_network {
            host.runtime.by_ip.insert(ip, id.clone());
        }
        host.runtime.sandboxes.insert(id.clone(), sandbox);
        Ok(id)
    }

    fn store_image(&mut self, ctx: &mut Ctx<'_>, image: &str) -> Result<Str, Str> {
        let full = images::normalize(image).unwrap_or_default();
        let row = images::find(&full).map_err(|e| images::pull_error(self.profile, image, e))?;
        let (machine, here) = (ctx.machine, ctx.host().runtime.images.contains_key(&full));
        if !here && images::hub_refuses(ctx.world, machine, &full) {
            return Err(images::pull_error(self.profile, image, images::PullError::RateLimit));
        }
        let digest = images::digest(&full);
        let stored = Image { reference: full.clone(), digest, size: row.size() };
        ctx.host_mut().runtime.images.insert(full.clone(), stored);
        Ok(full)
    }

    fn make_container(&mut self, ctx: &mut Ctx<'_>, spec: ContainerSpec) -> Result<Str, Str> {
        let now = ctx.now();
        let id = Str::from(ctx.rng.hex(64));
        let data = &mut ctx.host_mut().runtime;
        let Some(sandbox) = data.sandboxes.get_mut(&spec.sandbox).filter(|s| s.ready) else {
            return Err(ecow::eco_format!("rpc error: code = NotFound desc = sandbox \"{}\" not found", spec.sandbox));
        };
        sandbox.containers.push(id.clone());
        let container = Container {
            id: id.clone(),
            sandbox: spec.sandbox,
            pod: sandbox.pod.clone(),
            uid: sandbox.uid.clone(),
            name: spec.name,
            image: spec.image,
            attempt: spec.attempt,
            state: ContainerState::Created,
            created: now,
            started: now,
            finished: now,
            exit_code: 0,
            reason: Str::new(),
            message: Str::new(),
            termination: spec.termination,
            pid: 0,
            actor: None,
            program: spec.program,
            ends_at: None,
            args: spec.args.into(),
            env: spec.env.into(),
            mounts: spec.mounts.into(),
            workdir: spec.workdir,
            stdin: spec.stdin,
            tty: spec.tty,
            root: Str::new(),
            last_pid: 0,
            log: Vector::new(),
            log_open: false,
            cpu_limit: spec.cpu_limit,
            memory_limit: spec.memory_limit,
            oom_score_adj: spec.oom_score_adj,
            work: Duration::ZERO,
            busy_until: Time::ZERO,
        };
        data.containers.insert(id.clone(), container);
        Ok(id)
    }

    fn start(&mut self, ctx: &mut Ctx<'_>, id: &Str) -> Result<Str, Str> {
        let machine = ctx.machine;
        if let Some(missing) = process::missing_executable(ctx.host(), id) {
            let text = process::not_found(self.profile, &missing);
            process::failed_to_start(ctx.host_mut(), id, &text);
            return Err(text);
        }
        let now = ctx.now();
        let end = process::start(ctx.world, machine, id, ctx.cause);
        if let Some((at, code, pid)) = end {
            ctx.timer(at.since(now), TIMER_EXIT, ecow::eco_format!("{pid} {code}"));
        }
        if ctx.host().runtime.containers.get(id).is_some_and(|c| c.program.claims_mib() > 0) {
            ctx.timer(Duration::millis(load::GROWING_MS), TIMER_GROWN, "");
        }
        Ok(id.clone())
    }

    /// The daemon begins to serve: finds what still runs, and what no longer does.
    fn open(&mut self, ctx: &mut Ctx<'_>) {
        let (me, machine, now) = (ctx.me, ctx.machine, ctx.now());
        ctx.host_mut().runtime.daemon = Some(me);
        let config = ctx.host().read("/etc/containerd/config.toml");
        self.systemd_cgroup = config.map(|text| text.contains("SystemdCgroup = true"));
        let running: Vec<Container> =
            ctx.host().runtime.containers.values().filter(|c| c.state == ContainerState::Running).cloned().collect();
        for container in running {
            if !process::lives(ctx.host(), &container.id, container.pid) {
                process::exit(ctx.world, machine, &container.id, 255, false, ctx.cause);
            } else if let Some(at) = container.ends_at {
                let code = process::own_end(&container).map_or(0, |(_, code)| code);
                ctx.timer(at.since(now), TIMER_EXIT, ecow::eco_format!("{} {code}", container.pid));
            }
        }
        let sandboxes: Vec<(Str, u32)> =
            ctx.host().runtime.sandboxes.values().filter(|s| s.ready).map(|s| (s.id.clone(), s.pid)).collect();
        for (id, pid) in sandboxes {
            if !process::lives(ctx.host(), &id, pid) {
                process::end_sandbox(ctx.world, machine, &id, ctx.cause);
            }
        }
        notify(ctx, "runtime", "up");
    }

    /// Where kubelet and containerd use different drivers, pods do not live long.
    fn cgroup_lost(&mut self, ctx: &mut Ctx<'_>, id: &Str) {
        let machine = ctx.machine;
        let containers = ctx.host().runtime.sandboxes.get(id).filter(|s| s.ready).map(|s| s.containers.clone());
        let Some(containers) = containers else { return };
        for container in &containers {
            process::exit(ctx.world, machine, container, 137, true, ctx.cause);
        }
        network::cni_del(ctx, id);
        process::end_sandbox(ctx.world, machine, id, ctx.cause);
    }

    /// docker 18.06 without live-restore takes all containers down with it.
    fn kill_all(&mut self, ctx: &mut Ctx<'_>) {
        let machine = ctx.machine;
        let containers: Vec<Container> =
            ctx.host().runtime.containers.values().filter(|c| c.state == ContainerState::Running).cloned().collect();
        for container in containers {
            let code = container.program.on_terminate().map_or(137, |(_, code)| code);
            process::exit(ctx.world, machine, &container.id, code, true, ctx.cause);
        }
        let sandboxes: Vec<Str> = ctx.host().runtime.sandboxes.keys().cloned().collect();
        for id in sandboxes {
            process::end_sandbox(ctx.world, machine, &id, ctx.cause);
        }
    }

    fn exited(&mut self, ctx: &mut Ctx<'_>, arg: &str) {
        let mut parts = arg.split(' ');
        let pid = parts.next().and_then(|p| p.parse::<u32>().ok()).unwrap_or(0);
        let code = parts.next().and_then(|c| c.parse::<i32>().ok()).unwrap_or(0);
        let Some(id) = ctx.host().processes.get(&pid).map(|p| p.container.clone()) else { return };
        let machine = ctx.machine;
        process::exit(ctx.world, machine, &id, code, true, ctx.cause);
    }
}

fn kubelet_uses_systemd(host: &Machine) -> bool {
    host.read(KUBELET_CONFIG).is_some_and(|text| text.contains("cgroupDriver: systemd"))
}

/// What a client sees when no daemon listens on the socket.
pub fn unreachable(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => {
            "rpc error: code = Unknown desc = Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
        }
        Profile::Modern => {
            "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\""
        }
    }
}

fn answer(ctx: &mut Ctx<'_>, caller: Caller, outcome: Result<Str, Str>) {
    let response = match outcome {
        Ok(text) => Response::Text(text),
        Err(text) => Response::Error(Status::new(Reason::InternalError, text).into()),
    };
    ctx.send(caller.actor, Duration::ZERO, Msg::Response(caller.token, Ok(response)));
}

fn notify(ctx: &mut Ctx<'_>, topic: &str, text: &str) {
    if let Some(kubelet) = ctx.host().runtime.kubelet {
        ctx.send(kubelet, Duration::ZERO, Msg::Notify(topic.into(), text.into()));
    }
}

impl Component for Runtime {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => self.open(ctx),
            Msg::Timer(TIMER_CALL, number) => self.finish(ctx, number.parse().unwrap_or(0)),
            Msg::Timer(TIMER_EXIT, arg) => self.exited(ctx, &arg),
            Msg::Timer(TIMER_CGROUP, id) => self.cgroup_lost(ctx, &id),
            Msg::Timer(TIMER_GROWN, _) => {
                let (machine, cause) = (ctx.machine, ctx.cause);
                load::relieve(ctx.world, machine, cause);
            }
            _ => {}
        }
    }

    fn stopped(&mut self, ctx: &mut Ctx<'_>) {
        ctx.host_mut().runtime.daemon = None;
        let calls: Vec<Caller> = self.calls.values().map(|(caller, _)| *caller).collect();
        for caller in calls {
            answer(ctx, caller, Err(unreachable(self.profile).into()));
        }
        if self.profile == Profile::Book {
            self.kill_all(ctx);
        }
        notify(ctx, "runtime", "down");
        ctx.cause = TraceId::NONE;
    }

    component_boilerplate!();
}
