//! Trace records as things that travel in the picture.

use crate::api::{Kind, ObjectKey, Verb, WatchType};
use crate::base::{Str, Time};
use crate::sim::trace::{Record, Stage, TraceId, What, WriteOp};
use crate::sim::{ActorId, World};

use super::Scene;
use super::geometry::{Path, Point};
use super::place::{Part, Place};

/// How a traveller looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HopKind {
    Request,
    Answer,
    Error,
    /// A delivery of a watch: unlike a request.
    Watch,
    /// To etcd.
    Write,
    /// Between processes of one machine: CRI, containers.
    Local,
    /// The data plane.
    Packet,
    /// Typed by the learner.
    Input,
    /// Made on the spot.
    Decision,
}

impl HopKind {
    pub fn class(self) -> &'static str {
        match self {
            HopKind::Request => "request",
            HopKind::Answer => "answer",
            HopKind::Error => "error",
            HopKind::Watch => "watch",
            HopKind::Write => "write",
            HopKind::Local => "local",
            HopKind::Packet => "data",
            HopKind::Input => "input",
            HopKind::Decision => "decision",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Hop {
    pub id: TraceId,
    pub at: Time,
    pub from: Place,
    pub to: Place,
    pub kind: HopKind,
    /// Verb and object: `POST pods`.
    pub label: Str,
    /// Number of the station it reaches, as the course's figure counts.
    pub number: Option<u8>,
    /// Housekeeping (leases, node status): drawn as a mere dot, never followed.
    pub quiet: bool,
    /// What it means, where that is not what its record's caption says.
    pub say: Option<Str>,
}

fn housekeeping(key: &ObjectKey) -> bool {
    matches!(key.kind, Kind::LEASE | Kind::EVENT | Kind::NODE) || key.namespace == "kube-node-lease"
}

fn verb_label(verb: Verb, key: &ObjectKey, subresource: &str) -> Str {
    match (verb, subresource) {
        (Verb::Watch, _) => ecow::eco_format!("watch {}", key.kind.plural()),
        (Verb::Create, "binding") => "bind".into(),
        (_, "") => ecow::eco_format!("{} {}", verb.method(), key.kind.plural()),
        (_, sub) => ecow::eco_format!("{} {}/{sub}", verb.method(), key.kind.plural()),
    }
}

/// The traveller that stands for a record; `None` for what stays in one place, and for packets, which have
/// a [`way`](super::way).
pub fn hop(record: &Record, world: &World) -> Option<Hop> {
    let place = |actor: ActorId| Place::of_actor(world, actor);
    let (from, to) = (place(record.from), place(record.to));
    let (from, to, kind, label, quiet) = match &record.what {
        What::Request { verb, key, subresource } => {
            let quiet = housekeeping(key) || matches!(verb, Verb::Watch);
            (from?, to?, HopKind::Request, verb_label(*verb, key, subresource), quiet)
        }
        What::Response { key, code, verb, .. } if *code >= 400 => {
            let quiet = housekeeping(key) && *verb == Verb::Get;
            (from?, to?, HopKind::Error, ecow::eco_format!("{code}"), quiet)
        }
        What::Response { key, code, verb, .. } => {
            let quiet = housekeeping(key) || *verb == Verb::Watch;
            (from?, to?, HopKind::Answer, ecow::eco_format!("{code}"), quiet)
        }
        What::Write { op, key, .. } => {
            let op = match op {
                WriteOp::Create => "create",
                WriteOp::Update => "put",
                WriteOp::Delete => "delete",
            };
            let (from, to) = (from?, etcd_beside(world, record)?);
            (from, to, HopKind::Write, ecow::eco_format!("{op} {}", singular(key)), housekeeping(key))
        }
        What::Deliver { kind, key, .. } => {
            let what = match kind {
                WatchType::Added => "ADDED",
                WatchType::Modified => "MODIFIED",
                WatchType::Deleted => "DELETED",
                WatchType::Bookmark => return None,
            };
            (from?, to?, HopKind::Watch, ecow::eco_format!("{what} {}", singular(key)), housekeeping(key))
        }
        What::Container { call, pod, .. } => (from?, Place::Pod(pod.clone()), HopKind::Local, (*call).into(), false),
        What::Input { machine, text } => {
            let host = world.machines().position(|m| m.role == crate::machine::Role::Host)? as u32;
            let short = match text.char_indices().nth(24) {
                Some((end, _)) => ecow::eco_format!("{}…", &text[..end]),
                None => text.clone(),
            };
            (Place::Machine(host), Place::Part(*machine, Part::Shell), HopKind::Input, short, false)
        }
        What::Refused { error, .. } => {
            let client = from.or(to)?;
            let api = world.actors().find(|a| a.2 == "kube-apiserver").map(|a| Place::Part(a.1, Part::ApiServer));
            let api = api.or_else(|| control_plane(world).map(|m| Place::Part(m, Part::ApiServer)))?;
            (api, client, HopKind::Error, error.to_ascii_lowercase().as_str().into(), false)
        }
        _ => return None,
    };
    if from == to {
        return None;
    }
    let number = match &to {
        Place::Part(_, part) => part.number(),
        Place::Pod(_) if kind == HopKind::Local => Some(7),
        _ => None,
    };
    Some(Hop { id: record.id, at: record.at, from, to, kind, label, number, quiet, say: None })
}

fn singular(key: &ObjectKey) -> String {
    key.kind.name().to_ascii_lowercase()
}

fn control_plane(world: &World) -> Option<u32> {
    world.machines().position(|m| m.role == crate::machine::Role::ControlPlane).map(|i| i as u32)
}

fn etcd_beside(world: &World, record: &Record) -> Option<Place> {
    let machine = world.machine_of(record.to).or_else(|| world.machine_of(record.from))?;
    Some(Place::Part(machine, Part::Etcd))
}

/// A decision as something that stands still where it is made; only followed flows show it.
pub fn decision(record: &Record, world: &World) -> Option<Hop> {
    let What::Decide { key, verdict, .. } = &record.what else { return None };
    let place = Place::of_actor(world, record.from)?;
    let number = if let Place::Part(_, part) = &place { part.number() } else { None };
    let (from, to) = (place.clone(), place);
    let label = (*verdict).into();
    let quiet = housekeeping(key);
    Some(Hop { id: record.id, at: record.at, from, to, kind: HopKind::Decision, label, number, quiet, say: None })
}

/// Whether following a flow should stop at this record: it matters to a learner.
pub fn worth_following(record: &Record) -> bool {
    match &record.what {
        What::Request { verb, key, .. } => !housekeeping(key) && !matches!(verb, Verb::Watch),
        What::Response { key, code, stage, .. } => *code >= 400 && !(housekeeping(key) && *stage == Stage::Done),
        What::Write { key, .. } | What::Deliver { key, .. } => !housekeeping(key),
        What::Decide { key, .. } => !housekeeping(key),
        What::Container { .. } | What::Packet { .. } | What::Input { .. } | What::Refused { .. } => true,
        _ => false,
    }
}

/// The way of a traveller through the picture.
pub fn path(scene: &Scene, from: &Place, to: &Place) -> Option<Path> {
    let spoke = |client: &Place, server: &Place| match (client, server) {
        (Place::Part(m, part), Place::Part(api, Part::ApiServer)) => scene.layout.spoke(*m, *part, *api),
        _ => None,
    };
    if let Some(path) = spoke(from, to) {
        return Some(path);
    }
    if let Some(path) = spoke(to, from) {
        return Some(path.reversed());
    }
    if let (Place::Part(m, Part::Kubelet), Place::Pod(_)) = (from, to) {
        let (kubelet, runtime) = (scene.layout.part(*m, Part::Kubelet)?, scene.layout.part(*m, Part::Runtime)?);
        return Some(Path(vec![kubelet.right(), runtime.left(), runtime.bottom(), scene.point(to)?]));
    }
    let (a, b) = (scene.point(from)?, scene.point(to)?);
    if a == b {
        // What is decided stands above its part.
        let above = Point { x: a.x, y: a.y - 26 };
        return Some(Path(vec![above, above]));
    }
    // Between machines packets take the tunnel, beneath the rails.
    if let (Place::Part(m, Part::Cni), Place::Part(n, Part::Cni)) = (from, to)
        && let Some(path) = scene.layout.tunnel(*m, *n)
    {
        return Some(path);
    }
    Some(elbow(a, b))
}

fn elbow(a: Point, b: Point) -> Path {
    if a.x == b.x || a.y == b.y {
        return Path(vec![a, b]);
    }
    let mid = (a.y + b.y) / 2;
    Path(vec![a, Point { x: a.x, y: mid }, Point { x: b.x, y: mid }, b])
}
