//! What the inspector tells of whatever is selected: facts, YAML, events, why, history.

use crate::api::{Kind, Object, ObjectKey, Value, meta, node, pod};
use crate::base::{Str, Time};
use crate::machine::Role;
use crate::sim::World;
use crate::sim::trace::{Record, TraceId, What};

use super::lang::{Lang, kind_name};
use super::machines::part_runs;
use super::objects::{last_seen, objects};
use super::place::{Part, Place, Target};
use super::placing::{self, Placing};
use super::text::{Text, t};
use super::{caption, pods, yaml};

/// One line of a chain or history: a moment and what happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Moment {
    pub id: TraceId,
    pub at: Time,
    pub text: String,
}

#[derive(Clone, PartialEq, Debug)]
pub struct EventLine {
    pub kind: Str,
    pub reason: Str,
    pub message: Str,
    pub at: Time,
    pub count: i64,
}

/// A labelled fact, maybe leading to something else.
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    pub label: Str,
    pub value: Str,
    pub link: Option<Target>,
    /// What is told on request: the rest of a long command line.
    pub more: Str,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inspection {
    pub title: Str,
    /// What sort of thing it is.
    pub sort: Str,
    pub facts: Vec<Fact>,
    pub yaml: Vec<Vec<yaml::Token>>,
    pub events: Vec<EventLine>,
    /// The chain of causes, the effect first.
    pub why: Vec<Moment>,
    pub history: Vec<Moment>,
    /// How the scheduler placed a pod.
    pub placing: Option<Placing>,
    /// Whether it still exists.
    pub gone: bool,
}

/// How many records back the history looks, and how many lines it shows.
const LOOK_BACK: usize = 20_000;
const LINES: usize = 60;

pub fn inspect(world: &World, target: &Target, lang: Lang) -> Inspection {
    let mut out = Inspection { title: target.title(world, lang), ..Inspection::default() };
    match target {
        Target::Machine(m) => machine(&mut out, world, *m, lang),
        Target::Part(m, p) => part(&mut out, world, *m, *p, lang),
        Target::Object(key) => object(&mut out, world, key, lang),
    }
    let about: Vec<&Record> =
        world.trace.iter().rev().take(LOOK_BACK).filter(|r| concerns(r, world, target)).take(LINES).collect();
    let telling = about.iter().find(|r| !matches!(r.what, What::Request { .. } | What::Deliver { .. }));
    if let Some(last) = telling.or(about.first()) {
        out.why = world.trace.chain(last.id).into_iter().map(|r| moment(r, world, lang)).collect();
        out.why.dedup_by(|a, b| a.text == b.text);
    }
    out.history = about.into_iter().map(|r| moment(r, world, lang)).collect();
    out.history.dedup_by(|a, b| a.text == b.text);
    out
}

fn moment(r: &Record, world: &World, lang: Lang) -> Moment {
    Moment { id: r.id, at: r.at, text: caption::caption(r, world, lang) }
}

fn concerns(r: &Record, world: &World, target: &Target) -> bool {
    match (target, &r.what) {
        (
            Target::Object(key),
            What::Write { key: k, .. } | What::Decide { key: k, .. } | What::Deliver { key: k, .. },
        ) => k == key,
        (Target::Object(key), What::Response { key: k, code, .. }) => *code >= 400 && k == key,
        (Target::Object(key), What::Request { key: k, verb, .. }) => verb.writes() && k == key,
        (Target::Object(key), What::Container { pod, .. }) => pod == key,
        (
            Target::Machine(m),
            What::Machine { machine, .. } | What::Process { machine, .. } | What::Command { machine, .. },
        ) => machine == m,
        (Target::Machine(m), What::Decide { key, .. }) => key.kind == Kind::NODE && key.name == world.machine(*m).name,
        (Target::Part(m, p), What::Process { machine, name, .. }) => {
            machine == m && Part::of_component(name) == Some(*p)
        }
        (Target::Part(m, p), What::Machine { machine, detail, .. }) => {
            machine == m && detail.split(' ').next().and_then(Part::of_component) == Some(*p)
        }
        (Target::Part(m, p), What::Decide { .. } | What::Container { .. } | What::Request { .. }) => {
            Place::of_actor(world, r.from) == Some(Place::Part(*m, *p))
        }
        _ => false,
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Programs of a machine, each once, without the kernel's own threads and the containers' pauses.
fn program_names<'a>(commands: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for command in commands.filter(|c| !c.starts_with('[')).take(40) {
        let name = base_name(command.split(' ').next().unwrap_or_default());
        if !name.is_empty() && name != "pause" && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn fact(label: Text, value: impl Into<Str>, lang: Lang) -> Fact {
    Fact { label: t(lang, label).into(), value: value.into(), link: None, more: Str::new() }
}

fn machine(out: &mut Inspection, world: &World, index: u32, lang: Lang) {
    let m = world.machine(index);
    out.sort = m.ip.clone();
    let state = if m.powered_on { Text::Alive } else { Text::PoweredOff };
    out.facts.push(fact(Text::Status, t(lang, state), lang));
    out.facts.push(fact(Text::Hardware, ecow::eco_format!("{} CPU · {} MiB", m.cpus, m.memory_mib), lang));
    let names = program_names(m.processes.values().map(|p| p.command.as_str()));
    if !names.is_empty() {
        out.facts.push(fact(Text::Processes, names.join(", "), lang));
    }
    let key = ObjectKey::new(Kind::NODE, "", m.name.clone());
    if let Some(node) = objects(world).get(&key) {
        let word = if node::ready(node) { Text::Ready } else { Text::NotReady };
        out.facts.push(fact(Text::Node, t(lang, word), lang));
        fill(out, world, &key, node);
    }
}

fn part(out: &mut Inspection, world: &World, machine: u32, part: Part, lang: Lang) {
    let m = world.machine(machine);
    out.sort = m.name.clone();
    let of_part = |command: &str| {
        let program = command.split(' ').next().unwrap_or_default();
        Part::of_component(program.rsplit('/').next().unwrap_or_default()) == Some(part)
    };
    let process = m.processes.values().find(|p| of_part(&p.command));
    let live = world.actors().any(|(_, at, name)| at == machine && Part::of_component(name) == Some(part));
    let up = m.powered_on && (process.is_some() || live);
    out.facts.push(fact(Text::Status, t(lang, if up { Text::Alive } else { Text::Dead }), lang));
    if let Some(p) = process {
        let (program, flags) = p.command.split_once(' ').unwrap_or((&p.command, ""));
        let value = ecow::eco_format!("{} · {}", p.pid, base_name(program));
        out.facts.push(Fact { more: flags.into(), ..fact(Text::Process, value, lang) });
    }
    // The pod it runs in, where it does: static pods and daemons of kube-system.
    let is_its_pod = |p: &&std::sync::Arc<Object>| {
        pod::node_name(p) == m.name && Part::of_pod(p.namespace(), p.name()) == Some(part)
    };
    if let Some(p) = objects(world).of_kind(Kind::POD).find(is_its_pod) {
        let link = Some(Target::Object(p.key.clone()));
        out.facts.push(Fact { link, ..fact(Text::Pods, p.name().clone(), lang) });
        fill(out, world, &p.key, p);
    }
}

fn object(out: &mut Inspection, world: &World, key: &ObjectKey, lang: Lang) {
    out.sort = match key.namespace.as_str() {
        "" | "default" => kind_name(key.kind, lang).into(),
        ns => ecow::eco_format!("{} · {ns}", kind_name(key.kind, lang)),
    };
    let Some(o) = objects(world).get(key) else {
        out.gone = true;
        return;
    };
    if key.kind == Kind::POD {
        out.placing = placing::of_pod(world, key);
        pod_facts(out, world, o, lang);
    } else if let (Some(want), have) = (o.int(&["spec", "replicas"]), o.int(&["status", "readyReplicas"])) {
        out.facts.push(fact(Text::Ready, ecow::eco_format!("{}/{want}", have.unwrap_or(0)), lang));
    }
    for owner in meta::owner_references(o) {
        let link = Kind::of_manifest(owner.str("apiVersion"), owner.str("kind"))
            .map(|kind| Target::Object(ObjectKey::new(kind, key.namespace.clone(), owner.str("name"))));
        let text = ecow::eco_format!("{}/{}", owner.str("kind"), owner.str("name"));
        out.facts.push(Fact { link, ..fact(Text::Owner, text, lang) });
    }
    out.facts.push(fact(Text::Age, world.now.since(meta::created(o)).human(), lang));
    fill(out, world, key, o);
}

fn pod_facts(out: &mut Inspection, world: &World, o: &Object, lang: Lang) {
    out.facts.push(fact(Text::Status, pods::status_word(o), lang));
    let at = pod::node_name(o);
    if !at.is_empty() {
        let link = world.machine_named(at).map(Target::Machine);
        out.facts.push(Fact { link, ..fact(Text::Node, at, lang) });
    }
    out.facts.extend(waits_for(world, o, lang));
    if !pod::pod_ip(o).is_empty() {
        out.facts.push(fact(Text::Ip, pod::pod_ip(o), lang));
    }
    out.facts.push(fact(Text::Restarts, ecow::eco_format!("{}", pods::restarts(o)), lang));
    let images: Vec<&str> = pod::containers(o).iter().map(|c| c.str("image")).collect();
    out.facts.push(fact(Text::Image, images.join(", "), lang));
}

/// Whom a pod waits for in vain: the kubelet that should end or start it, the scheduler that should
/// place it.
fn waits_for(world: &World, o: &Object, lang: Lang) -> Option<Fact> {
    let (machine, part) = match pod::node_name(o) {
        "" => (world.machines().position(|m| m.role == Role::ControlPlane)? as u32, Part::Scheduler),
        _ if !meta::deleting(o) && pod::phase(o) != "Pending" => return None,
        node => (world.machine_named(node)?, Part::Kubelet),
    };
    if part_runs(world, machine, part) {
        return None;
    }
    let name = &world.machine(machine).name;
    let value = ecow::eco_format!("{} · {name} ({})", part.label(lang), t(lang, Text::Dead));
    Some(Fact { link: Some(Target::Part(machine, part)), ..fact(Text::WaitsFor, value, lang) })
}

fn fill(out: &mut Inspection, world: &World, key: &ObjectKey, o: &Object) {
    out.yaml = yaml::lines(o);
    let line = |e: &std::sync::Arc<Object>| EventLine {
        kind: e.str(&["type"]).into(),
        reason: e.str(&["reason"]).into(),
        message: e.str(&["message"]).into(),
        at: Time::parse_rfc3339(&last_seen(e)).unwrap_or_default(),
        count: e.get(&["count"]).and_then(Value::as_int).unwrap_or(1),
    };
    out.events = objects(world).events_of(key).into_iter().rev().map(line).collect();
}
