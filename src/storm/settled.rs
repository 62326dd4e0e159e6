//! What holds of a cluster that has been left alone: every spec is met, nothing is left over.

use std::collections::BTreeSet;

use super::watch::data;
use crate::api::{Kind, Object, Value, meta, node, pod};
use crate::etcd::EtcdData;
use crate::runtime::ContainerState;
use crate::sim::World;

/// `Err`: what is not yet as it should be.
pub fn check(world: &World) -> Result<(), String> {
    let data = data(world).ok_or("etcd's data are gone")?;
    for n in data.list(Kind::NODE, "", None) {
        wish(node::ready(n), || format!("node {} is not ready", n.name()))?;
    }
    for d in data.list(Kind::DEPLOYMENT, "", None) {
        let want = d.int(&["spec", "replicas"]).unwrap_or(1);
        for field in ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"] {
            let is = d.int(&["status", field]).unwrap_or(0);
            wish(is == want, || format!("deployment {}: {field} {is} of {want}", d.name()))?;
        }
    }
    for d in data.list(Kind::DAEMON_SET, "", None) {
        let int = |field: &str| d.int(&["status", field]).unwrap_or(0);
        let (want, ready) = (int("desiredNumberScheduled"), int("numberReady"));
        wish(want == ready, || format!("daemon set {}: {ready} of {want}", d.name()))?;
    }
    for s in data.list(Kind::STATEFUL_SET, "", None) {
        let want = s.int(&["spec", "replicas"]).unwrap_or(1);
        let ready = s.int(&["status", "readyReplicas"]).unwrap_or(0);
        wish(want == ready, || format!("stateful set {}: {ready} of {want}", s.name()))?;
    }
    for j in data.list(Kind::JOB, "", None) {
        let ended = ["Complete", "Failed"].iter().any(|c| meta::condition(j, c).is_some_and(|(s, ..)| s == "True"));
        wish(ended, || format!("job {} has not ended", j.name()))?;
    }
    let mut addresses = BTreeSet::new();
    for p in data.list(Kind::POD, "", None) {
        let name = p.name();
        wish(!meta::deleting(p), || format!("pod {name} is Terminating"))?;
        if pod::terminal(p) {
            continue;
        }
        wish(pod::ready(p), || format!("pod {name} is {} and not ready", pod::phase(p)))?;
        let own = !pod::host_network(p);
        wish(!own || addresses.insert(pod::pod_ip(p)), || format!("two pods say {}", pod::pod_ip(p)))?;
        runs(world, p)?;
    }
    owners(data)?;
    data.list(Kind::SERVICE, "", None).try_for_each(|s| endpoints(data, s))?;
    leftovers(world, data)
}

fn wish(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// What the API says of a pod is so on its node: address and running containers.
fn runs(world: &World, p: &Object) -> Result<(), String> {
    let what = |why: &str| format!("pod {} on {}: {why}", p.name(), pod::node_name(p));
    let index = world.machine_named(pod::node_name(p)).ok_or_else(|| what("no such machine"))?;
    // A static pod's mirror has a uid of its own; its containers carry the manifest's.
    let runtime = &world.machine(index).runtime;
    let mut sandboxes = runtime.sandboxes.values().filter(|s| s.ready && s.pod == p.key);
    let sandbox = sandboxes.next().ok_or_else(|| what("has no sandbox"))?;
    wish(sandboxes.next().is_none(), || what("has two sandboxes"))?;
    wish(sandbox.ip == pod::pod_ip(p), || what(&format!("has {} and says {}", sandbox.ip, pod::pod_ip(p))))?;
    let (want, is) = (pod::containers(p).len(), runtime.running_in(&sandbox.id).count());
    wish(want == is, || what(&format!("{is} of {want} containers run")))
}

/// Nothing belongs to an owner that is gone.
fn owners(data: &EtcdData) -> Result<(), String> {
    let uids: BTreeSet<&str> = data.iter().map(|o| meta::uid(o)).collect();
    for o in data.iter().filter(|o| o.kind() != Kind::EVENT) {
        for owner in meta::owner_references(o) {
            let known = uids.contains(owner.str("uid"));
            wish(known, || format!("{} {} outlived its owner {}", o.kind().name(), o.name(), owner.str("name")))?;
        }
    }
    Ok(())
}

/// A service's endpoints are its ready pods.
fn endpoints(data: &EtcdData, service: &Object) -> Result<(), String> {
    let Some(selector) = service.get(&["spec", "selector"]).and_then(|s| s.as_map()) else { return Ok(()) };
    let chosen = |p: &Object| selector.iter().all(|(k, v)| meta::label(p, k) == Some(v.as_str()));
    let pods = data.list(Kind::POD, service.namespace(), None).filter(|p| chosen(p) && pod::ready(p));
    let want: BTreeSet<&str> = pods.map(|p| pod::pod_ip(p)).collect();
    let key = crate::api::ObjectKey::new(Kind::ENDPOINTS, service.namespace().clone(), service.name().clone());
    let object = data.get(&key).ok_or_else(|| format!("service {} has no endpoints", service.name()))?;
    let subsets = object.items(&["subsets"]).iter();
    let is: BTreeSet<&str> =
        subsets.flat_map(|s| s.get("addresses").map_or(&[][..], Value::items)).map(|a| a.str("ip")).collect();
    wish(want == is, || format!("endpoints of {}: {is:?} instead of {want:?}", service.name()))
}

/// No container runs for a pod that is gone.
fn leftovers(world: &World, data: &EtcdData) -> Result<(), String> {
    for machine in world.machines() {
        for c in machine.runtime.containers.values().filter(|c| c.state == ContainerState::Running) {
            wish(data.get(&c.pod).is_some(), || format!("{} runs for pod {} which is gone", c.name, c.pod.name))?;
        }
    }
    Ok(())
}
