//! Machines as boxes: their parts, what really runs there, and what the control plane believes.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{Kind, ObjectKey, meta, node, pod};
use crate::base::Str;
use crate::machine::Role;
use crate::runtime::ContainerState;
use crate::sim::{Profile, World};

use super::geometry::Rect;
use super::lang::Lang;
use super::layout::{Layout, MachineBox};
use super::objects::{Objects, objects};
use super::place::Part;
use super::pods::{self, PodView, Room, Slots};
use super::text::{Text, t};

/// What the API says of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Belief {
    Ready,
    NotReady,
    Cordoned,
    /// No Node object.
    Absent,
}

impl Belief {
    pub fn class(self) -> &'static str {
        match self {
            Belief::Ready => "ready",
            Belief::NotReady => "notready",
            Belief::Cordoned => "cordoned",
            Belief::Absent => "absent",
        }
    }
    pub fn text(self) -> Text {
        match self {
            Belief::Ready => Text::Ready,
            Belief::NotReady => Text::NotReady,
            Belief::Cordoned => Text::Cordoned,
            Belief::Absent => Text::NotJoined,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct PartView {
    pub part: Part,
    pub label: Str,
    pub rect: Rect,
    /// Its process runs.
    pub alive: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct MachineView {
    pub index: u32,
    pub name: Str,
    pub ip: Str,
    pub role: Role,
    pub rect: Rect,
    pub head: Rect,
    pub on: bool,
    /// Power is on, services are not yet.
    pub booting: bool,
    /// vagrant has not made it, or has destroyed it.
    pub missing: bool,
    /// The script that vagrant runs on it now; empty: none.
    pub provisioning: Str,
    /// No other machine can reach it, although it runs.
    pub cut_off: bool,
    pub belief: Belief,
    /// Believed dead while its containers run: both truths are shown.
    pub two_truths: bool,
    pub parts: Vec<PartView>,
    pub pods: Vec<PodView>,
    /// Pods that found no cell.
    pub more: usize,
    /// All pods here, and how many of them are not as they should be.
    pub count: usize,
    pub troubled: usize,
    pub small: bool,
    pub tile: bool,
}

fn belief(store: Objects<'_>, name: &str) -> Belief {
    match store.get(&ObjectKey::new(Kind::NODE, "", name)) {
        None => Belief::Absent,
        Some(n) if !node::ready(n) => Belief::NotReady,
        Some(n) if node::unschedulable(n) => Belief::Cordoned,
        Some(_) => Belief::Ready,
    }
}

/// Whether the process behind a part of a machine runs.
pub fn part_runs(world: &World, machine: u32, part: Part) -> bool {
    running(world, machine, &live(world), part)
}

/// Parts whose components live.
fn live(world: &World) -> BTreeSet<(u32, Part)> {
    world.actors().filter_map(|(_, m, name)| Some((m, Part::of_component(name)?))).collect()
}

/// Whether the process behind a part runs: a live component of that name, or else a process.
fn running(world: &World, machine: u32, live: &BTreeSet<(u32, Part)>, part: Part) -> bool {
    let m = world.machine(machine);
    if !m.powered_on {
        return false;
    }
    part == Part::Shell
        || live.contains(&(machine, part))
        || m.processes.values().any(|p| {
            let program = p.command.split(' ').next().unwrap_or_default();
            Part::of_component(program.rsplit('/').next().unwrap_or_default()) == Some(part)
        })
}

/// The container runtime that a profile's machines have.
pub fn runtime_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "docker",
        Profile::Modern => "containerd",
    }
}

/// A rough width of text in a chip.
fn text_width(text: &str) -> i32 {
    text.chars().map(|c| if c.is_ascii() { 7 } else { 12 }).sum()
}

fn label(world: &World, part: Part, role: Role, dense: bool, width: i32, lang: Lang) -> Str {
    let name = match part {
        Part::Runtime => runtime_name(world.config.profile),
        _ => part.label(lang),
    };
    // A worker's chips are lettered smaller; of small ones some have room for the long name.
    let needs = match role {
        Role::Worker => name.chars().count() as i32 * 6 + 4,
        _ => text_width(name) + 8,
    };
    let dense = needs > width || (dense && role != Role::Worker);
    if part == Part::Shell {
        return match role {
            _ if dense || width < 60 => ">_".into(),
            Role::ControlPlane => ">_ kubectl".into(),
            Role::Host => ">_ vagrant".into(),
            Role::Worker => ">_".into(),
        };
    }
    if dense {
        return part.short().into();
    }
    name.into()
}

/// Machine's name → UID → pod, for every pod of which a container runs there.
fn running_pods(world: &World) -> BTreeMap<&str, BTreeMap<&str, &ObjectKey>> {
    let on = world.machines().filter(|m| m.powered_on);
    let pods = on.map(|m| {
        let running = m.runtime.containers.values().filter(|c| c.state == ContainerState::Running);
        (m.name.as_str(), running.map(|c| (c.uid.as_str(), &c.pod)).collect())
    });
    pods.collect()
}

/// The machine's boxes with everything in them.
pub fn views(world: &World, layout: &Layout, slots: &mut Slots, lang: Lang) -> Vec<MachineView> {
    let store = objects(world);
    let live = live(world);
    let running = running_pods(world);
    let mut by_node: BTreeMap<&str, Vec<PodView>> = BTreeMap::new();
    let mut uids: BTreeMap<&str, Vec<Str>> = BTreeMap::new();
    for p in store.of_kind(Kind::POD) {
        let at = pod::node_name(p);
        if at.is_empty() || Part::of_pod(p.namespace(), p.name()).is_some() {
            continue;
        }
        let alive = running.get(at).is_some_and(|uids| uids.contains_key(meta::uid(p)));
        by_node.entry(at).or_default().push(pods::view(p, alive));
        uids.entry(at).or_default().push(meta::uid(p).into());
    }
    for (at, mine) in &running {
        let known: BTreeSet<&Str> = uids.get(at).into_iter().flatten().collect();
        // Containers that outlived their pod's object.
        let orphan = |(uid, key): &(&&str, &&ObjectKey)| {
            Part::of_pod(&key.namespace, &key.name).is_none() && !known.contains(&Str::from(**uid))
        };
        let ghosts: Vec<(Str, PodView)> =
            mine.iter().filter(orphan).map(|(uid, key)| (Str::from(*uid), pods::ghost(key))).collect();
        for (uid, ghost) in ghosts {
            by_node.entry(at).or_default().push(ghost);
            uids.entry(at).or_default().push(uid);
        }
    }
    let view = |b: &MachineBox| {
        let m = world.machine(b.index);
        let mine = by_node.remove(m.name.as_str()).unwrap_or_default();
        let ids = uids.remove(m.name.as_str()).unwrap_or_default();
        machine(world, b, layout, store, &live, (mine, ids), slots, lang)
    };
    layout.machines.iter().map(view).collect()
}

#[allow(clippy::too_many_arguments)]
fn machine(
    world: &World,
    b: &MachineBox,
    layout: &Layout,
    store: Objects<'_>,
    live: &BTreeSet<(u32, Part)>,
    (mut pods, uids): (Vec<PodView>, Vec<Str>),
    slots: &mut Slots,
    lang: Lang,
) -> MachineView {
    let m = world.machine(b.index);
    let belief = if b.role == Role::Host { Belief::Ready } else { belief(store, &m.name) };
    let cells = slots.assign(b.index, &uids);
    let grid = pods::grid(b.pods, slots.used(b.index), Room::of(layout, b));
    for (pod, slot) in pods.iter_mut().zip(&cells) {
        pod.rect = grid.rect(*slot);
        pod.dot = grid.dots;
        // What stands at the cell's right end takes its room from the name.
        let mark = if pod.marked() { 12 } else { 0 };
        pod.label = pods::short_name(&pod.key.name, pods::letters(pod.rect.w - mark, b.small));
    }
    let count = pods.len();
    let troubled = pods.iter().filter(|p| p.look as u8 >= pods::Look::Unready as u8 && p.look != pods::Look::Completed);
    let troubled = troubled.count();
    let any_alive = pods.iter().any(|p| p.alive);
    pods.retain(|p| b.pods.contains(p.rect));
    let parts = b.parts.iter().map(|p| PartView {
        part: p.part,
        label: label(world, p.part, b.role, b.small, p.rect.w, lang),
        rect: p.rect,
        alive: running(world, b.index, live, p.part),
    });
    MachineView {
        index: b.index,
        name: match (b.role, layout.dense) {
            (Role::Host, false) => t(lang, Text::HostPc).into(),
            (Role::Host, true) => "PC".into(),
            _ => m.name.clone(),
        },
        ip: m.ip.clone(),
        role: b.role,
        rect: b.rect,
        head: b.head,
        on: m.powered_on,
        booting: !m.powered_on && world.actor_named(b.index, crate::machine::systemd::manager::NAME).is_some(),
        missing: b.role != Role::Host && m.files.is_empty(),
        provisioning: m.provisioning.clone(),
        cut_off: m.powered_on && b.role != Role::Host && alone(world, b.index),
        belief,
        two_truths: belief == Belief::NotReady && m.powered_on && any_alive,
        parts: parts.collect(),
        more: count - pods.len(),
        pods,
        count,
        troubled,
        small: b.small && !layout.dense,
        tile: b.tile,
    }
}

/// Names that the terminal turns into links.
pub fn names(world: &World) -> super::ansi::Names {
    use super::place::Target;
    let mut names = super::ansi::Names::new();
    let store = objects(world);
    for kind in [Kind::SERVICE, Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::DAEMON_SET, Kind::STATEFUL_SET, Kind::POD] {
        for o in store.of_kind(kind) {
            names.insert(o.name().clone(), Target::Object(o.key.clone()));
        }
    }
    for (i, m) in world.machines().enumerate().skip(1) {
        names.insert(m.name.clone(), Target::Machine(i as u32));
    }
    names
}

/// Whether every link of a machine is down while others run.
fn alone(world: &World, index: u32) -> bool {
    let others = world.machines().enumerate().map(|(i, m)| (i as u32, m)).filter(|(i, m)| *i != index && m.powered_on);
    let mut links = others.map(|(i, _)| world.link(i, index)).peekable();
    links.peek().is_some() && links.all(|link| link.is_none())
}
