//! The picture as data: a pure function of the world's state, its trace, an instant and a language.
//! Knows nothing of the DOM; what draws it lives in `ui`.
//!
//! - [`layout`] where everything stands; [`geometry`] points and paths
//! - [`machines`], [`pods`] boxes and cells; [`objects`] the store they read
//! - [`hops`] what travels, [`way`] through the pod network; [`caption`] what it means, in words
//! - [`ticks`] the timeline; [`inspect`] whatever is selected; [`placing`] the scheduler's choice; [`screen`], [`ansi`] terminal output
//! - [`lang`], [`text`] the two languages

pub mod ansi;
pub mod caption;
pub mod geometry;
pub mod hops;
pub mod inspect;
pub mod lang;
pub mod layout;
pub mod machines;
pub mod objects;
pub mod place;
pub mod placing;
pub mod pods;
pub mod screen;
pub mod text;
pub mod ticks;
pub mod way;
pub mod yaml;

use crate::api::{Kind, pod};
use crate::machine::Role;
use crate::sim::World;

use geometry::{Path, Point, Rect};
pub use lang::Lang;
use layout::{Layout, Seat};
use machines::MachineView;
pub use objects::objects;
use place::Place;
pub use place::{Part, Target};
use pods::{PodView, Slots};
pub use text::{Text, t};

/// Everything that is drawn and does not travel.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scene {
    pub layout: Layout,
    pub machines: Vec<MachineView>,
    pub rails: Vec<Rail>,
    /// Pods that no node was chosen for yet, and how many more of them there are.
    pub waiting: Vec<PodView>,
    pub more_waiting: usize,
    /// More pods than elements of their own are good for: painted, not drawn.
    pub crowd: Vec<PodView>,
    pub zoomed: bool,
}

/// A line between a part and the API server.
#[derive(Clone, PartialEq, Debug)]
pub struct Rail {
    pub machine: u32,
    pub part: Part,
    pub path: Path,
    pub alive: bool,
}

/// At most this many waiting pods are drawn.
const WAITING: usize = 8;
/// With more pods than this in the machines they are painted on one canvas.
const CROWD: usize = 250;

/// Draws the world on a stage of this size.
pub fn build(world: &World, (width, height): (i32, i32), zoom: Option<u32>, slots: &mut Slots, lang: Lang) -> Scene {
    let holds = |m: &crate::machine::Machine| {
        let cell = |p: &std::sync::Arc<crate::api::Object>| {
            pod::node_name(p) == m.name && Part::of_pod(p.namespace(), p.name()).is_none()
        };
        m.role == Role::ControlPlane && objects(world).of_kind(Kind::POD).any(cell)
    };
    let runtime = machines::runtime_name(world.config.profile).len() as i32;
    let holder = world.machine_by_ip(crate::addons::lab::SHARED);
    let seat = |(i, m): (usize, &crate::machine::Machine)| {
        let index = i as u32;
        Seat { index, role: m.role, pods: holds(m), runtime, shared: holder == Some(index) }
    };
    let seats: Vec<Seat> = world.machines().enumerate().map(seat).collect();
    let layout = layout::layout(width, height, &seats, zoom);
    let mut machines = machines::views(world, &layout, slots, lang);
    let rails = rails(&layout, &machines);
    let (waiting, more_waiting) = waiting(world, &layout);
    let mut crowd = Vec::new();
    if machines.iter().flat_map(|m| &m.pods).filter(|p| p.dot).count() > CROWD {
        for m in machines.iter_mut().filter(|m| m.pods.iter().any(|p| p.dot)) {
            crowd.append(&mut m.pods);
        }
    }
    Scene {
        zoomed: layout.machines.len() == 1 && seats.len() > 1,
        layout,
        machines,
        rails,
        waiting,
        more_waiting,
        crowd,
    }
}

fn rails(layout: &Layout, machines: &[MachineView]) -> Vec<Rail> {
    let mut rails = Vec::new();
    for m in machines {
        for p in m.parts.iter().filter(|p| !matches!(p.part, Part::Runtime)) {
            // A worker's shell talks to the API server only when somebody runs kubectl there.
            if p.part == Part::Shell && m.role != Role::ControlPlane {
                continue;
            }
            if let Some(path) = layout.rail(m.index, p.part) {
                rails.push(Rail { machine: m.index, part: p.part, path, alive: p.alive });
            }
        }
        if m.tile
            && let Some(path) = layout.rail(m.index, Part::Kubelet)
        {
            rails.push(Rail { machine: m.index, part: Part::Kubelet, path, alive: m.on });
        }
        if layout.home() == Some(m.index)
            && let Some(path) = layout.riser(m.index)
        {
            rails.push(Rail { machine: m.index, part: Part::ApiServer, path, alive: m.on });
        }
    }
    rails
}

/// Pods without a node stand beneath the scheduler's side of the master, in the gap above the workers.
fn waiting(world: &World, layout: &Layout) -> (Vec<PodView>, usize) {
    let unscheduled = objects(world).of_kind(Kind::POD).filter(|p| pod::node_name(p).is_empty() && !pod::terminal(p));
    let unscheduled: Vec<_> = unscheduled.collect();
    let Some(scheduler) = layout.machines.iter().find(|m| m.role == Role::ControlPlane) else {
        return (Vec::new(), 0);
    };
    let (w, h) = if layout.dense { (84, 16) } else { (104, 22) };
    let y = scheduler.rect.y + scheduler.rect.h + 4;
    let right = scheduler.rect.x + scheduler.rect.w;
    let place = |(i, p): (usize, &std::sync::Arc<crate::api::Object>)| {
        let x = right - (i as i32 + 1) * (w + 4);
        let label = pods::short_name(p.name(), pods::letters(w, layout.dense));
        PodView { rect: Rect::new(x, y, w, h), label, ..pods::view(p, false) }
    };
    let all = unscheduled.len();
    let shown: Vec<PodView> =
        unscheduled.into_iter().take(WAITING).enumerate().map(place).filter(|p| p.rect.x >= scheduler.rect.x).collect();
    let more = all - shown.len();
    (shown, more)
}

impl Scene {
    pub fn machine(&self, index: u32) -> Option<&MachineView> {
        self.machines.iter().find(|m| m.index == index)
    }
    pub fn pods(&self) -> impl Iterator<Item = &PodView> {
        self.machines.iter().flat_map(|m| &m.pods).chain(&self.waiting).chain(&self.crowd)
    }
    /// The painted pod at a point of the stage.
    pub fn crowd_at(&self, x: i32, y: i32) -> Option<&PodView> {
        self.crowd.iter().find(|p| p.rect.overlaps(Rect::new(x, y, 1, 1)))
    }
    /// Where a place is drawn; a machine stands in for a part or pod that is not.
    pub fn point(&self, place: &Place) -> Option<Point> {
        match place {
            Place::Part(m, part) => match self.layout.part(*m, *part) {
                Some(rect) => Some(rect.center()),
                None => self.machine(*m).map(|m| m.rect.top()),
            },
            Place::Pod(key) => {
                if let Some(part) = Part::of_pod(&key.namespace, &key.name) {
                    let m = self.machines.iter().find(|m| key.name.ends_with(m.name.as_str()))?;
                    return self.layout.part(m.index, part).map(Rect::center);
                }
                self.pods().find(|p| p.key == *key).map(|p| p.rect.center())
            }
            Place::Machine(m) => {
                self.machine(*m).map(|m| if m.role == Role::Host { m.rect.right() } else { m.rect.top() })
            }
            Place::Users => Some(self.layout.users.top()).filter(|_| self.layout.users.w > 0),
        }
    }
    /// What stands at a target's place, for the ring around the selection.
    pub fn rect(&self, target: &Target) -> Option<Rect> {
        match target {
            Target::Machine(m) => self.machine(*m).map(|m| m.rect),
            Target::Part(m, part) => self.layout.part(*m, *part),
            Target::Object(key) if key.kind == Kind::POD => self.pods().find(|p| p.key == *key).map(|p| p.rect),
            Target::Object(key) if key.kind == Kind::NODE => {
                self.machines.iter().find(|m| m.name == key.name).map(|m| m.rect)
            }
            Target::Object(_) => None,
        }
    }
}
