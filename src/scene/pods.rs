//! Pods as cells: state by colour and shape, a short name, stable places.

use std::collections::BTreeMap;

use crate::api::{Object, ObjectKey, Value, meta, pod};
use crate::base::Str;
use crate::base::hash::fnv32a;

use crate::machine::Role;

use super::geometry::Rect;
use super::layout::{Layout, MachineBox};

/// State of a pod as the picture tells it: a colour and a shape each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Look {
    Pending,
    Creating,
    Running,
    /// Runs but does not pass its readiness.
    Unready,
    Terminating,
    Failed,
    Completed,
    /// Containers run although the API knows no such pod (any more).
    Ghost,
}

impl Look {
    pub fn class(self) -> &'static str {
        match self {
            Look::Pending => "pending",
            Look::Creating => "creating",
            Look::Running => "running",
            Look::Unready => "unready",
            Look::Terminating => "terminating",
            Look::Failed => "failed",
            Look::Completed => "completed",
            Look::Ghost => "ghost",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct PodView {
    pub key: ObjectKey,
    pub label: Str,
    pub rect: Rect,
    pub look: Look,
    /// kubectl's STATUS word.
    pub status: Str,
    /// Part of the system: drawn quieter.
    pub quiet: bool,
    pub restarts: i64,
    pub ip: Str,
    /// Colour family of its owner; `None` for a bare pod.
    pub hue: Option<u8>,
    /// Second shade: another replica set of the same deployment.
    pub shade: bool,
    /// Whether a container of it runs on the machine, whatever the API says.
    pub alive: bool,
    /// Without room for a name: a dot.
    pub dot: bool,
}

impl PodView {
    /// Its containers still run although it should be gone: a mark of its own.
    pub fn marked(&self) -> bool {
        self.alive && matches!(self.look, Look::Terminating | Look::Ghost)
    }
    /// The API says that it runs, and nothing of it does.
    pub fn hollow(&self) -> bool {
        !self.alive && matches!(self.look, Look::Running | Look::Unready)
    }
}

/// STATUS as `kubectl get pods` prints it.
/// Models pkg/printers/internalversion printPod, as far as the picture needs it.
pub fn status_word(p: &Object) -> Str {
    let reason = p.str(&["status", "reason"]);
    let mut word = if reason.is_empty() { pod::phase(p) } else { reason };
    let mut running = false;
    for c in pod::container_statuses(p) {
        let state = |name: &str| c.at(&["state", name]).map_or("", |s| s.str("reason"));
        running |= c.at(&["state", "running"]).is_some();
        for name in ["waiting", "terminated"] {
            if !state(name).is_empty() {
                word = state(name);
            }
        }
    }
    if word == "Completed" && running {
        word = "Running";
    }
    if meta::deleting(p) {
        word = if reason == "NodeLost" { "Unknown" } else { "Terminating" };
    }
    if word.is_empty() { "Pending".into() } else { word.into() }
}

pub fn look(p: &Object, status: &str) -> Look {
    match status {
        "Terminating" | "Unknown" => Look::Terminating,
        "Running" if pod::ready(p) => Look::Running,
        "Running" => Look::Unready,
        "Completed" | "Succeeded" => Look::Completed,
        "Pending" if pod::node_name(p).is_empty() => Look::Pending,
        "Pending" | "ContainerCreating" | "PodInitializing" => Look::Creating,
        s if s.starts_with("Init:") && !s.contains("Err") && !s.contains("BackOff") => Look::Creating,
        _ => Look::Failed,
    }
}

pub fn restarts(p: &Object) -> i64 {
    pod::container_statuses(p).iter().filter_map(|c| c.get("restartCount")?.as_int()).sum()
}

/// The distinctive end of a name in at most `limit` characters: `echo-hname-7894b67f-4jx2k` → `echo…4jx2k`.
pub fn short_name(name: &str, limit: usize) -> Str {
    if name.chars().count() <= limit {
        return name.into();
    }
    let parts: Vec<&str> = name.split('-').collect();
    let last = parts.last().copied().unwrap_or_default();
    if parts.len() > 1 && last.len() + 2 < limit {
        let head: String = name.chars().take(limit - last.len() - 1).collect();
        return ecow::eco_format!("{}…{last}", head.trim_end_matches('-'));
    }
    let tail: Vec<char> = name.chars().rev().take(limit - 1).collect();
    ecow::eco_format!("…{}", tail.into_iter().rev().collect::<String>())
}

/// Letters of a name that a cell of this width holds: at most 12.
pub fn letters(width: i32, dense: bool) -> usize {
    ((width - 18) / if dense { 6 } else { 7 }).clamp(3, 12) as usize
}

/// Colour family (0 to 5) and shade of a pod's owner.
fn family(p: &Object) -> (Option<u8>, bool) {
    let Some(owner) = p.items(&["metadata", "ownerReferences"]).first() else { return (None, false) };
    let hash = p.get(&["metadata", "labels", "pod-template-hash"]).map_or("", Value::as_str);
    let name = owner.str("name");
    let base = name.strip_suffix(hash).unwrap_or(name);
    let shade = !hash.is_empty() && fnv32a(hash.as_bytes()) % 2 == 1;
    (Some((fnv32a(base.as_bytes()) % 6) as u8), shade)
}

/// A pod without its place.
pub fn view(p: &Object, alive: bool) -> PodView {
    let status = status_word(p);
    let (hue, shade) = family(p);
    PodView {
        key: p.key.clone(),
        label: short_name(p.name(), 12),
        rect: Rect::default(),
        look: look(p, &status),
        status,
        quiet: p.namespace() == "kube-system",
        restarts: restarts(p),
        ip: pod::pod_ip(p).into(),
        hue,
        shade,
        alive,
        dot: false,
    }
}

/// A pod of which only containers are left.
pub fn ghost(key: &ObjectKey) -> PodView {
    PodView {
        key: key.clone(),
        label: short_name(&key.name, 12),
        rect: Rect::default(),
        look: Look::Ghost,
        status: "Unknown".into(),
        quiet: false,
        restarts: 0,
        ip: Str::new(),
        hue: None,
        shade: false,
        alive: true,
        dot: false,
    }
}

/// Which cell each pod of a machine holds. A pod keeps its cell while it exists; a freed cell is
/// given to the next newcomer, so nothing else moves.
#[derive(Clone, Default, Debug)]
pub struct Slots {
    taken: BTreeMap<u32, Vec<Option<Str>>>,
}

impl Slots {
    /// Cells of `machine` for pods with these UIDs, in their order.
    pub fn assign(&mut self, machine: u32, uids: &[Str]) -> Vec<usize> {
        let cells = self.taken.entry(machine).or_default();
        let here: std::collections::BTreeSet<&Str> = uids.iter().collect();
        for cell in cells.iter_mut() {
            if cell.as_ref().is_some_and(|uid| !here.contains(uid)) {
                *cell = None;
            }
        }
        let mut at: BTreeMap<Str, usize> =
            cells.iter().enumerate().filter_map(|(i, c)| Some((c.clone()?, i))).collect();
        let mut free = 0;
        for uid in uids {
            if at.contains_key(uid) {
                continue;
            }
            while cells.get(free).is_some_and(Option::is_some) {
                free += 1;
            }
            if free == cells.len() {
                cells.push(None);
            }
            cells[free] = Some(uid.clone());
            at.insert(uid.clone(), free);
        }
        uids.iter().map(|uid| at[uid]).collect()
    }
    /// Highest cell in use plus one.
    pub fn used(&self, machine: u32) -> usize {
        self.taken.get(&machine).map_or(0, |cells| cells.iter().rposition(Option::is_some).map_or(0, |i| i + 1))
    }
}

/// Size of the cells that hold `count` pods in `area`: named ones while they fit, then dots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    area: Rect,
    pub cell: (i32, i32),
    gap: i32,
    columns: i32,
    pub dots: bool,
}

/// How much room a machine's box has: decides the sizes of cells to try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    Large,
    Roomy,
    Dense,
    Tile,
}

impl Room {
    pub fn of(layout: &Layout, machine: &MachineBox) -> Room {
        match () {
            () if machine.tile => Room::Tile,
            () if machine.small => Room::Dense,
            // The master's own few pods stand in a narrow column.
            () if layout.large && machine.role == Role::Worker => Room::Large,
            () => Room::Roomy,
        }
    }
}

pub fn grid(area: Rect, count: usize, room: Room) -> Grid {
    let count = count.max(1) as i32;
    let sizes: &[(i32, i32)] = match room {
        Room::Tile if area.w >= 130 => &[(64, 18), (12, 12), (8, 8), (6, 6), (4, 4), (3, 3), (2, 2)],
        Room::Tile => &[(12, 12), (8, 8), (6, 6), (4, 4), (3, 3), (2, 2)],
        Room::Dense => &[(84, 20), (72, 18), (12, 12), (8, 8), (6, 6), (4, 4), (2, 2)],
        Room::Roomy => &[(104, 32), (96, 28), (92, 22), (16, 16), (12, 12), (8, 8), (6, 6), (4, 4), (2, 2)],
        Room::Large => &[(104, 40), (104, 32), (96, 28), (92, 22), (16, 16), (12, 12), (8, 8), (6, 6), (4, 4), (2, 2)],
    };
    let mut last = Grid { area, cell: (2, 2), gap: 1, columns: (area.w / 3).max(1), dots: true };
    for &cell in sizes {
        let gap = if cell.0 >= 60 { 6 } else { 2.min(cell.0 / 2).max(1) };
        let columns = ((area.w + gap) / (cell.0 + gap)).max(0);
        let rows = ((area.h + gap) / (cell.1 + gap)).max(0);
        // Named cells share the width that is left.
        let wide = if cell.0 >= 60 && columns > 0 { (area.w - (columns - 1) * gap) / columns } else { cell.0 };
        last = Grid { area, cell: (wide.min(132), cell.1), gap, columns: columns.max(1), dots: cell.0 < 60 };
        if columns * rows >= count {
            return last;
        }
    }
    last
}

impl Grid {
    pub fn rect(&self, slot: usize) -> Rect {
        let (row, column) = (slot as i32 / self.columns, slot as i32 % self.columns);
        let (w, h) = self.cell;
        Rect::new(self.area.x + column * (w + self.gap), self.area.y + row * (h + self.gap), w, h)
    }
    /// Whether a cell lies in the area; past it there are more pods than can be drawn.
    pub fn fits(&self, slot: usize) -> bool {
        self.area.contains(self.rect(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_distinctive_end() {
        let cases = [
            ("nginx-pod", "nginx-pod"),
            ("echo-hname-7894b67f-4jx2k", "echo-h…4jx2k"),
            ("calico-kube-controllers-99c9b6f64-p6dkb", "calico…p6dkb"),
            ("averylongnamewithoutdashes", "…thoutdashes"),
        ];
        for (name, short) in cases {
            assert_eq!(short_name(name, 12), short);
            assert!(short.chars().count() <= 12);
        }
    }

    #[test]
    fn pods_keep_their_cells() {
        let mut slots = Slots::default();
        let uid = |s: &str| Str::from(s);
        assert_eq!(slots.assign(2, &[uid("a"), uid("b"), uid("c")]), [0, 1, 2]);
        assert_eq!(slots.assign(2, &[uid("a"), uid("c")]), [0, 2]);
        assert_eq!(slots.assign(2, &[uid("a"), uid("c"), uid("d"), uid("e")]), [0, 2, 1, 3]);
        assert_eq!(slots.used(2), 4);
    }

    #[test]
    fn cells_shrink_until_all_fit() {
        let area = Rect::new(0, 0, 340, 240);
        for count in [1, 6, 20, 110, 500] {
            let g = grid(area, count, Room::Roomy);
            assert!(g.fits(count - 1), "{count}: {g:?}");
        }
        assert!(!grid(area, 6, Room::Roomy).dots);
        assert!(grid(area, 110, Room::Roomy).dots);
    }
}
