//! Elections, majorities, and what a member brings back from its folder.

use std::sync::Arc;

use super::*;
use crate::api::{Kind, Object, ObjectKey};
use crate::base::{Duration, Str};
use crate::machine::{Machine, Role};
use crate::sim::{Config, TraceId, World};

struct Cluster {
    world: World,
    members: u32,
}

impl Cluster {
    fn new(members: u32, seed: u64) -> Cluster {
        let mut world = World::new(Config { seed, ..Config::default() });
        for i in 1..=members {
            world.add_machine(Machine::new(&format!("m{i}"), &format!("192.168.1.{i}"), Role::ControlPlane));
        }
        let mut cluster = Cluster { world, members };
        for i in 0..members {
            cluster.start(i);
        }
        cluster
    }
    fn start(&mut self, machine: u32) {
        let peer = |i| (ecow::eco_format!("m{i}"), ecow::eco_format!("192.168.1.{i}"));
        let peers: Vec<(Str, Str)> = (1..=self.members).map(peer).collect();
        let flags = Flags { name: peers[machine as usize].0.clone(), peers, ..Flags::default() };
        self.world.spawn(machine, "etcd", Arc::new(Etcd::new(flags)), TraceId::NONE);
    }
    fn stop(&mut self, machine: u32) {
        let actor = self.world.actor_named(machine, "etcd").unwrap();
        self.world.kill(actor, false, TraceId::NONE);
    }
    fn wait(&mut self, seconds: u64) {
        let until = self.world.now + Duration::secs(seconds);
        self.world.run_until(until);
    }
    fn leaders(&self) -> Vec<u32> {
        let leads = |i: &u32| {
            let actor = self.world.actor_named(*i, "etcd");
            actor.and_then(|a| self.world.component::<Etcd>(a)).is_some_and(Etcd::is_leader)
        };
        (0..self.members).filter(leads).collect()
    }
    /// Writes through the member on `machine`, as an API server does.
    fn put(&mut self, machine: u32, name: &str) -> bool {
        let Some(leader) = leader_of(&self.world, machine) else { return false };
        let data = self.world.machine_mut(leader).etcd_data.as_mut().unwrap();
        data.put(Object::new(Kind::POD, "default", name));
        replicate(&mut self.world, leader, TraceId::NONE);
        true
    }
    fn has(&self, machine: u32, name: &str) -> bool {
        let key = ObjectKey::new(Kind::POD, "default", name);
        self.world.machine(machine).etcd_data.as_ref().is_some_and(|d| d.get(&key).is_some())
    }
}

#[test]
fn one_of_several_leads_and_another_follows_it() {
    for seed in 1..=10 {
        let mut c = Cluster::new(3, seed);
        c.wait(5);
        let [first] = c.leaders()[..] else { panic!("seed {seed}: leaders {:?}", c.leaders()) };
        assert!(c.put((first + 1) % 3, "a"), "seed {seed}");
        assert!((0..3).all(|m| c.has(m, "a")), "seed {seed}");
        c.stop(first);
        assert!(!c.put((first + 1) % 3, "too soon"), "seed {seed}: nobody leads yet");
        c.wait(5);
        let [second] = c.leaders()[..] else { panic!("seed {seed}: leaders {:?}", c.leaders()) };
        assert_ne!(first, second);
        assert!(c.put(second, "b"), "seed {seed}");
        // The old leader comes back, follows, and gets what it missed.
        c.start(first);
        c.wait(3);
        assert_eq!(c.leaders(), [second], "seed {seed}");
        assert!(c.has(first, "b"), "seed {seed}");
    }
}

#[test]
fn without_a_majority_nothing_is_written() {
    let mut c = Cluster::new(5, 3);
    c.wait(5);
    let leader = c.leaders()[0];
    let others: Vec<u32> = (0..5).filter(|m| *m != leader).collect();
    c.stop(others[0]);
    c.stop(others[1]);
    assert!(c.put(leader, "three of five"));
    c.stop(others[2]);
    assert!(!c.put(leader, "two of five"));
    c.wait(5);
    assert_eq!(c.leaders(), [0u32; 0], "a leader without a majority steps down");
    c.start(others[0]);
    c.wait(5);
    let new = c.leaders()[0];
    assert!(c.put(new, "three again"));
}

#[test]
fn a_leader_cut_off_commits_nothing_and_follows_the_new_one() {
    let mut c = Cluster::new(3, 7);
    c.wait(5);
    let old = c.leaders()[0];
    for other in (0..3).filter(|m| *m != old) {
        c.world.set_link(old, other, false);
    }
    assert!(!c.put(old, "lost"));
    c.wait(5);
    let [new] = c.leaders()[..] else { panic!("leaders {:?}", c.leaders()) };
    assert_ne!(new, old);
    assert!(c.put(new, "kept"));
    for other in (0..3).filter(|m| *m != old) {
        c.world.set_link(old, other, true);
    }
    c.wait(3);
    assert_eq!(c.leaders(), [new], "a vote before the vote keeps the one that returns from disturbing");
    assert!(c.has(old, "kept") && !c.has(new, "lost"));
}

#[test]
fn a_folder_moved_away_takes_its_data_along() {
    let mut c = Cluster::new(1, 1);
    c.wait(1);
    assert!(c.put(0, "a"));
    let db = |folder: &str| format!("{folder}/member/snap/db");
    c.stop(0);
    let now = c.world.now;
    let text = c.world.machine(0).read(&db("/var/lib/etcd")).cloned().unwrap();
    c.world.machine_mut(0).remove(&db("/var/lib/etcd"));
    c.start(0);
    c.wait(1);
    assert!(!c.has(0, "a"), "an empty folder is an empty cluster");
    c.stop(0);
    c.world.machine_mut(0).write(&db("/var/lib/etcd"), text, now);
    c.start(0);
    c.wait(1);
    assert!(c.has(0, "a"));
}

#[test]
fn a_snapshot_brings_back_what_was() {
    let mut c = Cluster::new(1, 1);
    c.wait(1);
    assert!(c.put(0, "a"));
    let data = c.world.machine(0).etcd_data.clone().unwrap();
    let rows: Vec<(Str, Str)> =
        data.iter().map(|o| (registry_path(&o.key).into(), o.to_value().to_json().into())).collect();
    let text = write_snapshot(&data, &rows);
    assert!(c.put(0, "b"));
    c.stop(0);
    let now = c.world.now;
    c.world.machine_mut(0).write("/var/lib/etcd/member/snap/db", text, now);
    c.start(0);
    c.wait(1);
    assert!(c.has(0, "a") && !c.has(0, "b"));
    assert_eq!(c.world.machine(0).etcd_data.as_ref().unwrap().revision(), data.revision());
    assert!(Snapshot::parse("not a snapshot").is_none());
}

#[test]
fn a_majority_on_disk_is_enough() {
    let mut cluster = Cluster::new(3, 1);
    cluster.wait(5);
    let leader = cluster.leaders()[0];
    cluster.world.machine_mut(leader).disk_lag = Duration::secs(2);
    assert_eq!(commit_lag(&cluster.world, leader), Duration::ZERO);
    cluster.world.machine_mut((leader + 1) % 3).disk_lag = Duration::secs(1);
    assert_eq!(commit_lag(&cluster.world, leader), Duration::secs(1));
}

#[test]
fn a_slow_link_is_late_and_keeps_the_order() {
    let mut cluster = Cluster::new(3, 1);
    let world = &mut cluster.world;
    let sound = world.link(0, 1).unwrap();
    world.slow_link(1, 0, Duration::secs(1));
    assert_eq!(world.link(0, 1).unwrap(), sound + Duration::secs(1));
    world.slow_link(0, 1, Duration::ZERO);
    // What was sent before arrives within a second: what is sent now does not overtake it.
    assert!(world.link(0, 1).unwrap() >= sound + Duration::secs(1));
    cluster.wait(2);
    assert_eq!(cluster.world.link(0, 1).unwrap(), sound);
    // Heartbeats that come too late make no leader keep its place; once they are in time, one leads.
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        cluster.world.slow_link(a, b, Duration::secs(3));
    }
    cluster.wait(20);
    assert!((0..3).all(|m| leader_of(&cluster.world, m).is_none()));
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        cluster.world.slow_link(a, b, Duration::ZERO);
    }
    cluster.wait(20);
    assert_eq!(cluster.leaders().len(), 1);
}
