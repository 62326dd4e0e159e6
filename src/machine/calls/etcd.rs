//! What a client of etcd sees: objects of the API under `/registry`, keys that people put themselves,
//! and the members.

use crate::api::{List, Object, Value};
use crate::base::Str;
use crate::etcd::{self, Ballot, EtcdData};
use crate::machine::terminal::CommandHost;
use crate::sim::World;

/// All keys with their values, in order.
fn rows(data: &EtcdData) -> Vec<(Str, Str)> {
    let text = |o: &Object| serde_json::to_string(&o.to_wire()).unwrap_or_default().into();
    let mut out: Vec<(Str, Str)> = data.iter().map(|o| (etcd::registry_path(&o.key).into(), text(o))).collect();
    out.extend(data.keys().iter().map(|(k, v)| (k.clone(), v.clone())));
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

fn failed(why: &str) -> Value {
    map! { "error" => why }.into()
}

/// Asks the member at `endpoint`: `{verb, endpoint, key, value, id, ip, learner}`. The answer has
/// `error` where none came: `refused`, `timeout`, `leader` (no majority), or etcd's own words.
///
/// `status`, `defrag` and `snapshot` are the member's own; `all`, `put`, `del`, `compact`, `health`,
/// `members`, `add`, `remove`, `promote` and `move` need a leader.
pub fn ask(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let ip = match input.str("endpoint") {
        "" | "127.0.0.1" | "localhost" => host.ctx.host().ip.clone(),
        ip => ip.into(),
    };
    let Some((machine, _)) = host.ctx.world.route(host.ctx.machine, &ip) else { return failed("timeout") };
    let cause = host.ctx.cause;
    let world = &mut *host.ctx.world;
    let Some(own) = data_of(world, machine) else { return failed("refused") };
    match input.str("verb") {
        "status" => return status(world, machine),
        "snapshot" => return map! { "text" => etcd::write_snapshot(own, &rows(own)) }.into(),
        "defrag" => {
            change(world, machine, EtcdData::defragment);
            return map! {}.into();
        }
        _ => {}
    }
    let Some(leader) = etcd::leader_of(world, machine) else { return failed("leader") };
    let Some(data) = data_of(world, leader) else { return failed("leader") };
    match input.str("verb") {
        "all" => {
            let all: List = rows(data).into_iter().map(|(k, v)| map! { "key" => k, "value" => v }.into()).collect();
            map! { "rows" => all }.into()
        }
        "members" => {
            let cluster = ecow::eco_format!("{:x}", data.ballot.cluster);
            map! { "cluster" => cluster, "members" => members(&data.ballot) }.into()
        }
        "add" | "remove" | "promote" => change_members(host, leader, input),
        "move" => {
            let id = u64::from_str_radix(input.str("id"), 16).unwrap_or(0);
            let Some(to) = data.ballot.member(id).and_then(|m| world.machine_by_ip(&m.ip)) else {
                return failed("etcdserver: leader transferee does not exist");
            };
            let from = ecow::eco_format!("{:x}", data.ballot.id);
            etcd::transfer(world, to, cause);
            map! { "from" => from }.into()
        }
        "compact" => {
            let revision = input.get("revision").and_then(Value::as_int).unwrap_or(0) as u64;
            if revision > data.revision() {
                return failed("etcdserver: mvcc: required revision is a future revision");
            }
            if revision <= data.compacted() {
                return failed("etcdserver: mvcc: required revision has been compacted");
            }
            change(world, leader, |d| d.compact(revision));
            etcd::replicate(world, leader, cause);
            map! {}.into()
        }
        verb @ ("put" | "del") => {
            let value = (verb == "put").then(|| input.str("value"));
            let had = change(world, leader, |d| d.set_key(input.str("key"), value)).unwrap_or(false);
            etcd::replicate(world, leader, cause);
            map! { "had" => had }.into()
        }
        _ => map! {}.into(),
    }
}

fn data_of(world: &World, machine: u32) -> Option<&EtcdData> {
    etcd::process(world, machine)?;
    world.machine(machine).etcd_data.as_ref()
}
fn change<R>(world: &mut World, machine: u32, f: impl FnOnce(&mut EtcdData) -> R) -> Option<R> {
    world.machine_mut(machine).etcd_data.as_mut().map(f)
}

fn members(ballot: &Ballot) -> List {
    let one = |m: &etcd::Member| {
        let id = ecow::eco_format!("{:x}", m.id);
        map! { "id" => id, "name" => &m.name, "ip" => &m.ip, "learner" => m.learner }.into()
    };
    ballot.members.iter().map(one).collect()
}

fn status(world: &World, machine: u32) -> Value {
    let m = world.machine(machine);
    let (Some(data), Some(process)) = (&m.etcd_data, etcd::process(world, machine)) else { return failed("refused") };
    let b = &data.ballot;
    let (used, size) = data.sizes();
    map! {
        "id" => ecow::eco_format!("{:x}", b.id),
        "leader" => process.is_leader(),
        "leaderless" => process.leader() == 0,
        "learner" => b.member(b.id).is_some_and(|m| m.learner),
        "term" => b.term as i64, "index" => b.index as i64, "revision" => data.revision() as i64,
        "used" => used as i64, "size" => size as i64,
    }
    .into()
}

fn change_members(host: &mut CommandHost<'_, '_>, leader: u32, input: &Value) -> Value {
    let cause = host.ctx.cause;
    let world = &mut *host.ctx.world;
    let Some(ballot) = data_of(world, leader).map(|d| d.ballot.clone()) else { return failed("leader") };
    let cluster = ecow::eco_format!("{:x}", ballot.cluster);
    let id = u64::from_str_radix(input.str("id"), 16).unwrap_or(0);
    let ip = Str::from(input.str("ip"));
    let learner = input.get("learner").and_then(Value::as_bool) == Some(true);
    match (input.str("verb"), ballot.member(id)) {
        ("add", _) if ballot.members.iter().any(|m| m.ip == ip) => failed("etcdserver: Peer URLs already exists"),
        ("add", _) if learner && ballot.members.iter().any(|m| m.learner) => {
            failed("etcdserver: too many learner members in cluster")
        }
        ("add", _) => {
            let id = etcd::member_id(&ip);
            let member = etcd::Member { id, name: Str::new(), ip, learner };
            etcd::change_members(world, leader, |b| b.members.push_back(member), cause);
            let after = data_of(world, leader).map(|d| members(&d.ballot)).unwrap_or_default();
            map! { "id" => ecow::eco_format!("{id:x}"), "cluster" => cluster, "members" => after }.into()
        }
        (_, None) => failed("etcdserver: member not found"),
        ("remove", Some(_)) => {
            etcd::change_members(world, leader, |b| b.members.retain(|m| m.id != id), cause);
            map! { "cluster" => cluster }.into()
        }
        (_, Some(m)) if !m.learner => failed("etcdserver: can only promote a learner member"),
        (_, Some(m)) => {
            let behind = world.machine_by_ip(&m.ip).and_then(|at| data_of(world, at));
            if behind.is_none_or(|d| d.ballot.index < ballot.index) {
                return failed("etcdserver: can only promote a learner member which is in sync with leader");
            }
            let promote = |b: &mut Ballot| b.members.iter_mut().filter(|m| m.id == id).for_each(|m| m.learner = false);
            etcd::change_members(world, leader, promote, cause);
            map! { "cluster" => cluster }.into()
        }
    }
}
