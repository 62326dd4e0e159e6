//! Invariants that hold at every instant, faults or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{Kind, Object, meta, pod};
use crate::base::{Duration, Str, Time};
use crate::etcd::{Change, EtcdData};
use crate::runtime::{ContainerState, RuntimeData};
use crate::sim::World;
use crate::sim::trace::WriteOp;

/// How long a controller may act on what it knew: a write that crossed a change of its spec.
const STALE: Duration = Duration::secs(30);

/// Looks at everything that etcd took since it looked last.
#[derive(Clone, Debug, Default)]
pub struct Watcher {
    revision: u64,
    /// One control plane: every revision is an object's.
    alone: bool,
    pub writes: u64,
    /// ReplicaSet's uid → (when, replicas) of its spec lately.
    wanted: BTreeMap<Str, Vec<(Time, i64)>>,
    /// Its pods that are there and not on their way out.
    owned: BTreeMap<Str, BTreeSet<Str>>,
}

pub fn data(world: &World) -> Option<&EtcdData> {
    crate::etcd::newest(world)
}

impl Watcher {
    pub fn new(world: &World) -> Watcher {
        Watcher {
            revision: data(world).map_or(0, EtcdData::revision),
            alone: world.config.masters == 1,
            ..Watcher::default()
        }
    }

    /// `Err`: what is broken.
    pub fn look(&mut self, world: &World) -> Result<(), String> {
        let data = data(world).ok_or("etcd's data are gone")?;
        if data.revision() < self.revision {
            return Err(format!("the revision went back from {} to {}", self.revision, data.revision()));
        }
        if data.compacted() > self.revision {
            return Err("more changes than the log holds between two looks".into());
        }
        let changes: Vec<&Change> = data.changes_since(self.revision).collect();
        for change in changes {
            self.change(change, world.now)?;
        }
        machines(world)
    }

    fn change(&mut self, change: &Change, now: Time) -> Result<(), String> {
        let new = &change.new;
        let name = || format!("{} {}/{}", new.kind().name(), new.namespace(), new.name());
        // Among several API servers each renews its place by keys that are no objects.
        let gap = self.alone && change.revision != self.revision + 1;
        if gap || change.revision <= self.revision {
            return Err(format!("revision {} follows {}", change.revision, self.revision));
        }
        self.revision = change.revision;
        self.writes += 1;
        if new.resource_version != change.revision {
            return Err(format!("{} says revision {}, not {}", name(), new.resource_version, change.revision));
        }
        if let Some(old) = &change.old {
            if meta::uid(old) != meta::uid(new) {
                return Err(format!("{} changed its uid in an update", name()));
            }
            if meta::deleting(old) && !meta::deleting(new) {
                return Err(format!("{} was being deleted and no longer is", name()));
            }
            let (was, is) = (pod::node_name(old), pod::node_name(new));
            if new.kind() == Kind::POD && !was.is_empty() && was != is {
                return Err(format!("{} moved from {was} to {is}", name()));
            }
            // The update that takes the last finalizer off deletes at once; what was not even being
            // deleted had no such update.
            let held = !meta::finalizers(old).is_empty() && !meta::deleting(old);
            if change.op == WriteOp::Delete && held {
                return Err(format!("{} went while finalizers held it", name()));
            }
        }
        match new.kind() {
            Kind::REPLICA_SET => self.replica_set(change, now),
            Kind::POD => self.pod(change, now).map_err(|what| format!("{}: {what}", name()))?,
            _ => {}
        }
        Ok(())
    }

    fn replica_set(&mut self, change: &Change, now: Time) {
        let uid = Str::from(meta::uid(&change.new));
        if change.op == WriteOp::Delete {
            self.wanted.remove(&uid);
            return;
        }
        let recent = self.wanted.entry(uid).or_default();
        // The last one before the window still held when the window began.
        while recent.len() > 1 && recent[1].0 + STALE < now {
            recent.remove(0);
        }
        recent.push((now, change.new.int(&["spec", "replicas"]).unwrap_or(1)));
    }

    fn pod(&mut self, change: &Change, _now: Time) -> Result<(), String> {
        let new: &Object = &change.new;
        let Some(owner) = meta::controller_of(new) else { return Ok(()) };
        if owner.str("kind") != "ReplicaSet" {
            return Ok(());
        }
        let owner = Str::from(owner.str("uid"));
        let uid = Str::from(meta::uid(new));
        let owned = self.owned.entry(owner.clone()).or_default();
        if change.op == WriteOp::Delete || meta::deleting(new) || pod::terminal(new) {
            owned.remove(&uid);
            return Ok(());
        }
        let added = owned.insert(uid);
        let most = self.wanted.get(&owner).and_then(|w| w.iter().map(|(_, n)| *n).max());
        match most {
            // Leader election does not fence: of two controller managers the one that lost its lease may
            // still finish what it began. What is too much goes later.
            Some(most) if self.alone && added && owned.len() as i64 > most => {
                Err(format!("is pod number {} of a ReplicaSet that never wanted more than {most}", owned.len()))
            }
            _ => Ok(()),
        }
    }

    /// A command that reported success has done what it says: no update is lost.
    pub fn promised(&self, world: &World, command: &str, code: i32) -> Result<(), String> {
        let words: Vec<&str> = command.split(' ').collect();
        let ["kubectl", _, "scale", "deployment", name, replicas] = words[..] else { return Ok(()) };
        let (Some(data), 0) = (data(world), code) else { return Ok(()) };
        let wanted: i64 = replicas.trim_start_matches("--replicas=").parse().unwrap_or(-1);
        let key = crate::api::ObjectKey::new(Kind::DEPLOYMENT, "default", name);
        let is = data.get(&key).and_then(|d| d.int(&["spec", "replicas"]));
        if is == Some(wanted) {
            return Ok(());
        }
        Err(format!("`{command}` succeeded, yet the deployment wants {is:?}"))
    }
}

/// What really runs: one address has one owner, a pod runs on one machine.
fn machines(world: &World) -> Result<(), String> {
    let mut by_ip: BTreeMap<&str, &str> = BTreeMap::new();
    let mut by_pod: BTreeMap<&str, &str> = BTreeMap::new();
    let mut by_name: BTreeMap<&Str, &str> = BTreeMap::new();
    for machine in world.machines().filter(|m| m.powered_on) {
        let runtime: &RuntimeData = &machine.runtime;
        for sandbox in runtime.sandboxes.values().filter(|s| s.ready) {
            if !sandbox.host_network && !sandbox.ip.is_empty() && by_ip.insert(&sandbox.ip, &sandbox.uid).is_some() {
                return Err(format!("two pods own {}", sandbox.ip));
            }
        }
        for container in runtime.containers.values().filter(|c| c.state == ContainerState::Running) {
            let on = by_pod.entry(&container.uid).or_insert(&machine.name);
            if *on != machine.name {
                return Err(format!("pod {} runs on {on} and on {}", container.pod.name, machine.name));
            }
            // A stateful set's pod of one name never runs twice.
            let on = by_name.entry(&container.pod.name).or_insert(&container.uid);
            if container.pod.name.starts_with("db-") && *on != container.uid {
                return Err(format!("{} runs twice", container.pod.name));
            }
        }
    }
    Ok(())
}
