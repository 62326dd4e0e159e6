//! The lab: a host PC, m-k8s and the workers, as `vagrant up` leaves them, and clusters for
//! benchmarks.

use std::sync::Arc;

use super::cluster::Cluster;
use super::kubeadm::Kubeadm;
use super::pki::Pki;
use super::{daemons, files};
use crate::api::{Kind, node, pod};
use crate::base::{Duration, Str, Time};
use crate::etcd;
use crate::machine::{self, Content, File, Machine, Role, systemd};
use crate::network::{cni, ipam};
use crate::runtime::{Image, images};
use crate::sim::{ActorId, Component, Config, Endpoint, Profile, TraceId, World};

/// Index of the control plane's machine.
pub const MASTER: u32 = 1;
/// A boot that takes longer than this is a bug; the world is returned as it is then.
const PATIENCE: Duration = Duration::mins(10);

/// The default cluster after its boot: all nodes Ready, all pods of kube-system Running.
pub fn ready(config: &Config) -> World {
    let mut world = World::new(config.clone());
    add_machines(&mut world);
    for index in MASTER..count(&world) {
        set_up(&mut world, index);
    }
    init(&mut world);
    // The first master is done before the other machines are made: CoreDNS finds no other node.
    run_while(&mut world, |world| !placed(world));
    join_masters(&mut world);
    join(&mut world);
    run_while(&mut world, |world| !settled(world));
    host_files(&mut world);
    for index in 0..count(&world) {
        if let Some(terminal) = daemons::component(&world, index, "terminal") {
            world.spawn(index, "terminal", terminal, TraceId::NONE);
        }
    }
    let until = world.now + Duration::secs(1);
    world.run_until(until);
    world
}

/// The lab before anything was built: the host PC with the files of the lab, and no machine.
pub fn empty(config: &Config) -> World {
    let mut world = World::new(config.clone());
    add_machines(&mut world);
    host_files(&mut world);
    for index in 0..count(&world) {
        if index > 0 {
            let old = world.machine(index);
            let mut machine = Machine::new(&old.name.clone(), &old.ip.clone(), old.role);
            machine.powered_on = false;
            *world.machine_mut(index) = machine;
        } else {
            world.machine_mut(0).remove_below(&format!("{LAB}/.vagrant"));
        }
        if let Some(terminal) = daemons::component(&world, index, "terminal") {
            world.spawn(index, "terminal", terminal, TraceId::NONE);
        }
    }
    let until = world.now + Duration::secs(1);
    world.run_until(until);
    world
}

/// Folder of the lab on the host PC.
pub const LAB: &str = "/home/learner/lab";

/// What `vagrant up` is run on, and what it left.
fn host_files(world: &mut World) {
    use crate::bundle::{Knobs, machine_files, machine_paths};
    let knobs = Knobs { workers: world.config.workers, ..Knobs::of(world.config.profile) };
    let Ok(paths) = machine_paths(&knobs) else { return };
    let now = world.now;
    let names: Vec<Str> = world.machines().skip(1).map(|m| m.name.clone()).collect();
    let host = world.machine_mut(0);
    machine::files::make_folder(host, LAB, now);
    machine::files::make_folder(host, &format!("{LAB}/manifests"), now);
    let text = "This lab needs no manifests.\n".to_owned();
    let mut all = vec![files::Made { path: format!("{LAB}/manifests/README"), text, mode: 0o644 }];
    for (at, (path, mode)) in paths.into_iter().enumerate() {
        let knobs = knobs.clone();
        let content = Content::late(move || {
            let made = machine_files(&knobs).unwrap_or_default();
            made.get(at).map(|file| String::from_utf8_lossy(&file.content).into()).unwrap_or_default()
        });
        host.files.insert(ecow::eco_format!("{LAB}/{path}"), File { content, ..File::new("", mode, now) });
    }
    let image = if world.config.profile == Profile::Book { "sysnet4admin/CentOS-k8s" } else { "bento/rockylinux-9" };
    let folder = format!("{}/{}", crate::vagrant::BOXES, image.replace('/', "-VAGRANTSLASH-"));
    all.push(files::Made { path: format!("{folder}/metadata.json"), text: "{}".into(), mode: 0o644 });
    for name in names {
        let kept = format!("{LAB}/.vagrant/machines/{name}/virtualbox");
        all.push(files::Made { path: format!("{kept}/id"), text: images::digest(&name).to_string(), mode: 0o644 });
        all.push(files::Made { path: format!("{kept}/action_provision"), text: "1.5:provisioned".into(), mode: 0o644 });
    }
    files::put(world.machine_mut(0), all, now);
}

fn count(world: &World) -> u32 {
    world.machines().len() as u32
}

fn add_machines(world: &mut World) {
    let mut host = Machine::new("host", "192.168.1.1", Role::Host);
    (host.cpus, host.memory_mib) = (8, 16_384);
    world.add_machine(host);
    let mut master = Machine::new("m-k8s", "192.168.1.10", Role::ControlPlane);
    (master.cpus, master.memory_mib) = (2, 3072);
    world.add_machine(master);
    for i in 2..=world.config.masters {
        let mut other = Machine::new(&format!("m{i}-k8s"), &format!("192.168.1.{}", 9 + i), Role::ControlPlane);
        (other.cpus, other.memory_mib) = (2, 3072);
        world.add_machine(other);
    }
    for i in 1..=world.config.workers {
        let (third, fourth) = (1 + (i + 100) / 250, (i + 100) % 250);
        world.add_machine(Machine::new(&format!("w{i}-k8s"), &format!("192.168.{third}.{fourth}"), Role::Worker));
    }
    let (profile, now) = (world.config.profile, world.now);
    let all: Vec<(Str, Str)> =
        world.machines().filter(|m| m.role != Role::Host).map(|m| (m.name.clone(), m.ip.clone())).collect();
    // Benchmarks do without five thousand hosts files of five thousand lines.
    let all = if all.len() > 20 { Vec::new() } else { all };
    for index in 0..count(world) {
        machine::files::install(world.machine_mut(index), profile, &all, now);
    }
}

/// Installs Kubernetes on a machine: units, files, the images that kubeadm pulls ahead.
fn set_up(world: &mut World, index: u32) {
    let (profile, now) = (world.config.profile, world.now);
    let masters = masters(world);
    systemd::install(world, index, systemd::unit::standard(profile));
    let mut cluster = cluster(world, if masters.contains(&index) { index } else { MASTER });
    cluster.node = world.machine(index).name.clone();
    if masters.len() > 1 && masters.contains(&index) {
        keepalived(world, index);
    }
    let machine = world.machine_mut(index);
    let pki = pki(now);
    files::folders(machine, now);
    if machine.role == Role::ControlPlane {
        files::put(machine, files::control_plane(&cluster, &pki), now);
        for image in cluster.images() {
            preload(machine, &image);
        }
        let admin = machine.read(files::ADMIN).cloned().unwrap_or_default();
        let path = "/root/.kube/config".to_owned();
        files::put(machine, vec![files::Made { path, text: admin.into(), mode: 0o600 }], now);
    } else {
        if let Some(arg) = cluster.kubelet_args.first_mut() {
            arg.1 = machine.ip.clone();
        }
        files::put(machine, files::joining(&cluster, &pki.authority(), TOKEN), now);
    }
}

/// What a control plane, or the cluster of a worker, is built with.
fn cluster(world: &World, master: u32) -> Cluster {
    let all = masters(world);
    let machine = world.machine(master);
    let mut cluster = Cluster::new(world.config.profile, &machine.name, &machine.ip);
    if all.len() > 1 {
        cluster.shared = SHARED.into();
        let before = all.iter().filter(|m| **m <= master && master != MASTER).map(|m| world.machine(*m));
        cluster.members = before.map(|m| (m.name.clone(), m.ip.clone())).collect();
    }
    cluster
}

/// Address that several control planes share.
pub const SHARED: &str = "192.168.1.9";

/// The machines of the control planes.
fn masters(world: &World) -> Vec<u32> {
    (MASTER..count(world)).filter(|i| world.machine(*i).role == Role::ControlPlane).collect()
}

/// One address in front of several control planes.
fn keepalived(world: &mut World, index: u32) {
    let now = world.now;
    let conf = crate::network::keepalived::conf(SHARED, 101 - (index - MASTER));
    let machine = world.machine_mut(index);
    machine.write(crate::network::keepalived::CONF, conf, now);
    if let Some(unit) = systemd::unit::packaged(world.config.profile, "keepalived") {
        systemd::install(world, index, vec![systemd::Unit { enabled: true, ..unit }]);
    }
}

/// Puts an image on a machine as if it had been pulled before.
pub fn preload(machine: &mut Machine, image: &str) {
    let Ok(full) = images::normalize(image) else { return };
    let Ok(row) = images::find(&full) else { return };
    let image = Image { reference: full.clone(), digest: images::digest(&full), size: row.size() };
    machine.runtime.images.insert(full, image);
}

/// The token of the lab's own bootstrap.
pub const TOKEN: &str = "123456.1234567890123456";

fn pki(now: Time) -> Pki {
    Pki { nonce: "lab".into(), now }
}

fn server(world: &World) -> Endpoint {
    let ip = if world.config.masters > 1 { SHARED.into() } else { world.machine(MASTER).ip.clone() };
    Endpoint { ip, port: crate::apiserver::PORT }
}

/// Boots the control plane and lets kubeadm create its objects.
fn init(world: &mut World) {
    systemd::boot(world, MASTER, TraceId::NONE);
    let cluster = cluster(world, MASTER);
    let kubeadm = Kubeadm::init(&cluster, &pki(Time::ZERO).authority(), TOKEN);
    let id = world.spawn(MASTER, "kubeadm", Arc::new(kubeadm), TraceId::NONE);
    run_while(world, |world| world.alive(id));
}

/// Adds the other control planes, one after the other: a member of etcd first, as a learner where
/// kubeadm knows learners, then the machine.
fn join_masters(world: &mut World) {
    for index in masters(world).into_iter().skip(1) {
        let machine = world.machine(index);
        let (name, ip) = (machine.name.clone(), machine.ip.clone());
        let id = etcd::member_id(&ip);
        let learner = world.config.profile == Profile::Modern;
        let member = etcd::Member { id, name: Str::new(), ip, learner };
        let change = |world: &mut World, f: &dyn Fn(&mut etcd::Ballot)| {
            run_while(world, |world| etcd::leader_of(world, MASTER).is_none());
            if let Some(leader) = etcd::leader_of(world, MASTER) {
                etcd::change_members(world, leader, f, TraceId::NONE);
            }
        };
        change(world, &|b| b.members.push_back(member.clone()));
        systemd::boot(world, index, TraceId::NONE);
        run_while(world, |world| etcd::leader_of(world, index).is_none());
        change(world, &|b| b.members.iter_mut().filter(|m| m.id == id).for_each(|m| m.learner = false));
        let kubeadm = Kubeadm::join(world.config.profile, server(world), &name, true);
        let actor = world.spawn(index, "kubeadm", Arc::new(kubeadm), TraceId::NONE);
        run_while(world, |world| world.alive(actor));
    }
}

/// Boots the workers, one after the other, and marks their nodes.
fn join(world: &mut World) {
    for index in MASTER + world.config.masters..count(world) {
        systemd::boot(world, index, TraceId::NONE);
        let name = world.machine(index).name.clone();
        let kubeadm = Kubeadm::join(world.config.profile, server(world), &name, false);
        world.spawn(index, "kubeadm", Arc::new(kubeadm), TraceId::NONE);
        let until = world.now + Duration::millis(700);
        world.run_until(until);
    }
}

/// Runs until `going` is false, looked at four times a second.
fn run_while(world: &mut World, going: impl Fn(&World) -> bool) {
    let end = world.now + PATIENCE;
    while going(world) && world.now < end {
        let until = world.now + Duration::millis(250);
        world.run_until(until);
    }
}

/// Whether every pod of kube-system that is to be there has its node.
fn placed(world: &World) -> bool {
    let Some(data) = world.machine(MASTER).etcd_data.as_ref() else { return false };
    let pods: Vec<_> = data.list(Kind::POD, "kube-system", None).collect();
    pods.len() == 4 + 2 + 3 && pods.iter().all(|p| !pod::node_name(p).is_empty())
}

/// Whether every node and every pod of kube-system is ready, and none is missing.
fn settled(world: &World) -> bool {
    let Some(data) = world.machine(MASTER).etcd_data.as_ref() else { return false };
    let nodes = world.machines().len() - 1;
    let mut ready = data.list(Kind::NODE, "", None).filter(|n| node::ready(n));
    if ready.by_ref().count() != nodes {
        return false;
    }
    // Four of each control plane, kube-proxy and calico-node on each node, 2 coredns, 1 controller.
    let mut pods = data.list(Kind::POD, "kube-system", None);
    let masters = world.config.masters as usize;
    pods.by_ref().filter(|p| pod::ready(p)).count() == 4 * masters + 2 * nodes + 3
}

/// A cluster for benchmarks: a control plane without static pods or client limits, `workers` nodes
/// that are ready at once, no pods.
pub fn bench(profile: Profile, workers: u32, seed: u64) -> World {
    let mut world = World::new(Config { profile, seed, workers, masters: 1 });
    add_machines(&mut world);
    let none = TraceId::NONE;
    for program in ["etcd", "kube-apiserver"] {
        if let Some(component) = daemons::component(&world, MASTER, program) {
            world.spawn(MASTER, program, component, none);
        }
    }
    let mut scheduler = crate::scheduler::Scheduler::new(profile, server(&world));
    scheduler.qps = 1_000_000;
    world.spawn(MASTER, "kube-scheduler", Arc::new(scheduler), none);
    let mut manager = crate::controllers::ControllerManager::new(profile, server(&world));
    manager.qps = 1_000_000;
    world.spawn(MASTER, "kube-controller-manager", Arc::new(manager), none);
    let until = world.now + Duration::secs(2);
    world.run_until(until);
    for index in MASTER + 1..count(&world) {
        join_bare(&mut world, index);
    }
    let nodes = workers as usize;
    run_while(&mut world, |world| {
        let data = world.machine(MASTER).etcd_data.as_ref();
        data.is_none_or(|d| d.list(Kind::NODE, "", None).filter(|n| schedulable(n)).count() < nodes)
    });
    world
}

fn schedulable(n: &crate::api::Object) -> bool {
    node::ready(n) && node::taints(n).is_empty()
}

/// A worker of a benchmark: runtime, kubelet, and a network that is there already.
fn join_bare(world: &mut World, index: u32) {
    let (now, machines) = (world.now, world.machines().len() as u32);
    let machine = world.machine_mut(index);
    (machine.cpus, machine.memory_mib) = (32, 262_144);
    machine.write(cni::CONF, "{}", Time::ZERO);
    machine.write(files::KUBELET_CONFIG, "cgroupDriver: systemd\n", Time::ZERO);
    machine.write(files::KUBELET_CONF, "server: https://192.168.1.10:6443", Time::ZERO);
    machine.write(cni::NODENAME, machine.name.clone(), now);
    machine.net.routes = true;
    machine.net.pool = ipam::pool(machines);
    machine.net.blocks.push_back(ipam::block_of(machine.net.pool, index, machines, 0));
    let own = format!("KUBELET_EXTRA_ARGS=--node-ip={}\n", machine.ip);
    machine.write(crate::kubelet::EXTRA_ARGS, own, Time::ZERO);
    let runtime = if world.config.profile == Profile::Book { "dockerd" } else { "containerd" };
    for program in [runtime, "kubelet"] {
        if let Some(component) = daemons::component(world, index, program) {
            spawn_named(world, index, program, component);
        }
    }
}

fn spawn_named(world: &mut World, index: u32, program: &str, component: Arc<dyn Component>) -> ActorId {
    let id = world.spawn(index, program, component, TraceId::NONE);
    let now = world.now;
    world.machine_mut(index).add_process(program, Some(id), "", now);
    id
}
