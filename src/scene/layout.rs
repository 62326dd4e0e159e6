//! Where everything stands. A function of the stage's size and of which machines there are, so that
//! nothing moves when a pod comes or goes: the host at the left edge, the master above with the API
//! server in its centre, the workers in rows below, the users at the bottom.

use super::geometry::{Path, Point, Rect, pt};
use super::place::Part;
use crate::machine::Role;

/// What the layout needs to know of a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seat {
    pub index: u32,
    pub role: Role,
    /// Pods are drawn in it: only a control plane asks, which mostly has none.
    pub pods: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartBox {
    pub part: Part,
    pub rect: Rect,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineBox {
    pub index: u32,
    pub role: Role,
    pub rect: Rect,
    pub parts: Vec<PartBox>,
    /// The line with its name.
    pub head: Rect,
    /// Room for pods.
    pub pods: Rect,
    /// Short labels and small cells, although the stage is large.
    pub small: bool,
    /// Too small for parts and names: a tile.
    pub tile: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    pub width: i32,
    pub height: i32,
    /// Little room: short labels.
    pub dense: bool,
    /// Plenty of room: larger cells.
    pub large: bool,
    pub machines: Vec<MachineBox>,
    pub users: Rect,
    /// Height of the line between master and workers on which their rails meet.
    bus: i32,
}

/// Sizes of one density.
struct Metrics {
    pad: i32,
    head: i32,
    chip: i32,
    api: (i32, i32),
    side: i32,
    host: i32,
    users: i32,
}

const LARGE: Metrics = Metrics { pad: 12, head: 32, chip: 34, api: (200, 60), side: 152, host: 116, users: 28 };
const ROOMY: Metrics = Metrics { pad: 12, head: 28, chip: 28, api: (168, 48), side: 136, host: 104, users: 28 };
const DENSE: Metrics = Metrics { pad: 8, head: 20, chip: 20, api: (64, 28), side: 48, host: 52, users: 20 };

/// One of several control planes is drawn in full from this width on, with small parts from that.
const FULL_MASTER: i32 = 540;
const SMALL_MASTER: i32 = 240;
/// The least that its parts need beside tiles.
const LEAST_MASTER: i32 = 190;

/// The parts of a node, in the order they stand.
const NODE_PARTS: [Part; 5] = [Part::Shell, Part::Kubelet, Part::Runtime, Part::KubeProxy, Part::Cni];

/// Lays the machines out on a stage. `zoom`: only this machine, in full.
pub fn layout(width: i32, height: i32, seats: &[Seat], zoom: Option<u32>) -> Layout {
    let (width, height) = (width.max(280), height.max(200));
    let dense = width < 720 || height < 400;
    let large = width >= 1000 && height >= 520;
    let m = if dense {
        DENSE
    } else if large {
        LARGE
    } else {
        ROOMY
    };
    let mut out = Layout { width, height, dense, large, ..Layout::default() };
    if let Some(seat) = seats.iter().find(|s| Some(s.index) == zoom && s.role == Role::Worker) {
        let rect = Rect::new(m.pad, m.pad, width - 2 * m.pad, height - 2 * m.pad - m.users);
        out.machines.push(worker(seat.index, rect, &m, dense));
        return out;
    }
    let workers: Vec<u32> = seats.iter().filter(|s| s.role == Role::Worker).map(|s| s.index).collect();
    let masters: Vec<u32> = seats.iter().filter(|s| s.role == Role::ControlPlane).map(|s| s.index).collect();
    let host = seats.iter().find(|s| s.role == Role::Host);

    let slack = (height - if dense { 240 } else { 440 }).max(0);
    let inner_gap = ((if dense { 12 } else { 24 }) + slack / 5).min(64);
    let bus_gap = ((if dense { 24 } else { 40 }) + slack / 7).min(72);
    let left = if host.is_some() { m.pad * 2 + m.host } else { m.pad };
    if let Some(host) = host {
        // As high as the API server's row, beside which it stands.
        let row = m.pad + m.head + m.pad / 2 + (m.api.1 - m.chip) / 2;
        let rect = Rect::new(m.pad, m.pad, m.host, row + m.chip + m.pad - m.pad);
        let shell = Rect::new(m.pad * 2, row, m.host - 2 * m.pad, m.chip);
        out.machines.push(MachineBox {
            index: host.index,
            role: Role::Host,
            rect,
            parts: vec![PartBox { part: Part::Shell, rect: shell }],
            head: Rect::new(rect.x, rect.y, rect.w, m.head),
            pods: Rect::default(),
            small: dense,
            tile: false,
        });
    }
    let n = masters.len().max(1) as i32;
    let share = (width - left - m.pad - (n - 1) * m.pad) / n;
    // Several control planes share the row; where even small ones do not fit, all but the first are tiles.
    let style = if n > 1 && share < FULL_MASTER { &DENSE } else { &m };
    let tiled = n > 1 && share < SMALL_MASTER;
    let row = width - left - m.pad;
    let tile_w = ((row - LEAST_MASTER) / (n - 1).max(1) - m.pad).clamp(12, 44);
    let master_w = if tiled { row - (n - 1) * (tile_w + m.pad) } else { share };
    let mut master_h = style.head + style.api.1 + inner_gap + style.chip + style.pad * 2;
    let pods = seats.iter().any(|s| s.role == Role::ControlPlane && s.pods);
    if pods && beside(master_w, style) < POD_COLUMN {
        master_h += style.chip + style.pad / 2;
    }
    let mut x = left;
    for (i, index) in masters.iter().enumerate() {
        let w = if tiled && i > 0 { tile_w } else { master_w };
        let rect = Rect::new(x, m.pad, w, master_h);
        out.machines.push(match tiled && i > 0 {
            true => MachineBox { role: Role::ControlPlane, ..tile(*index, rect) },
            false => master(*index, rect, style, inner_gap),
        });
        x += w + m.pad;
    }
    out.bus = m.pad + master_h + bus_gap / 2;
    let top = m.pad + master_h + bus_gap;
    let area = Rect::new(m.pad, top, width - 2 * m.pad, height - top - m.users - 14);
    place_workers(&mut out, &workers, area, &m);
    // The rest of this strip belongs to the caption.
    let users_w = if dense { 56 } else { 84 };
    out.users = Rect::new(m.pad, height - m.users - 6, users_w, m.users);
    out
}

/// Workers in rows of equal boxes; tiles once the boxes would be too small for their parts.
fn place_workers(out: &mut Layout, workers: &[u32], area: Rect, m: &Metrics) {
    let n = workers.len() as i32;
    if n == 0 {
        return;
    }
    // Full boxes, or smaller ones, while the parts of all fit; then tiles.
    let fitted = [(m, out.dense), (&DENSE, true)].into_iter().find_map(|(m, small)| {
        let min_w = match (out.dense, small) {
            (true, _) => 104,
            (false, true) => 190,
            (false, false) => 220,
        };
        let per_row = ((area.w + m.pad) / (min_w + m.pad)).clamp(1, n);
        let rows = (n + per_row - 1) / per_row;
        let wide = (area.w - (per_row - 1) * m.pad) / per_row;
        let min_h = m.head + m.chip * chip_rows(wide, small) + 32;
        (rows * (min_h + m.pad) <= area.h + m.pad).then_some((m, small, rows))
    });
    let tiles = fitted.is_none();
    let (m, small, per_row, rows) = match fitted {
        Some((m, small, rows)) => (m, small, (n + rows - 1) / rows, rows),
        None => {
            let (per_row, rows) = tile_grid(n, area);
            (m, true, per_row, rows)
        }
    };
    let gap = if tiles { 4 } else { m.pad };
    let (w, h) = ((area.w - (per_row - 1) * gap) / per_row, (area.h - (rows - 1) * gap) / rows);
    for (i, index) in workers.iter().enumerate() {
        let (row, column) = (i as i32 / per_row, i as i32 % per_row);
        let rect = Rect::new(area.x + column * (w + gap), area.y + row * (h + gap), w, h);
        out.machines.push(if tiles { tile(*index, rect) } else { worker(*index, rect, m, small) });
    }
}

/// Columns and rows of `n` tiles about as wide as high.
fn tile_grid(n: i32, area: Rect) -> (i32, i32) {
    let fits = |columns: i32| {
        let rows = (n + columns - 1) / columns;
        area.w / columns <= 2 * area.h / rows.max(1)
    };
    let columns = (1..=n).find(|c| fits(*c)).unwrap_or(n);
    (columns, (n + columns - 1) / columns)
}

fn tile(index: u32, rect: Rect) -> MachineBox {
    let top = if rect.h >= 40 { 14 } else { 0 };
    let pods = Rect::new(rect.x + 2, rect.y + top + 2, (rect.w - 4).max(1), (rect.h - top - 4).max(1));
    let head = Rect::new(rect.x, rect.y, rect.w, rect.h.min(14));
    MachineBox { index, role: Role::Worker, rect, parts: Vec::new(), head, pods, small: true, tile: true }
}

/// Beside the API server on each side: a gap, the side chip, a gap, and on the left the shell. Widths of
/// the shell, the side chip and the gap.
fn sides(width: i32, m: &Metrics) -> (i32, i32, i32) {
    let half = (width - m.api.0) / 2;
    let (icon, wide) = if m.side > 100 { (26, 84) } else { (22, 22) };
    let shell = if half >= m.pad + wide + m.side + 24 { wide } else { icon };
    let side = m.side.min(half - m.pad - shell - 20);
    (shell, side, ((half - m.pad - shell - side) / 2).clamp(8, 72))
}

/// Width of a part on the master's lower edge.
fn lower(width: i32, m: &Metrics) -> i32 {
    let half = (width - m.api.0 * 2 / 3) / 2 - 2 * m.pad - 16;
    ((half - 8) / 2).min(if m.side > 100 { 92 } else { 44 })
}

/// A column of pods is at least so wide that a name can be read.
const POD_COLUMN: i32 = 92;

/// What is left for pods right of a master's parts.
fn beside(width: i32, m: &Metrics) -> i32 {
    let (_, side, gap) = sides(width, m);
    let upper = m.api.0 / 2 + gap + side;
    let below = m.api.0 / 3 + 16 + m.pad / 2 + 2 * lower(width, m) + 8;
    width / 2 - upper.max(below) - 2 * m.pad
}

fn master(index: u32, rect: Rect, m: &Metrics, gap: i32) -> MachineBox {
    let cx = rect.x + rect.w / 2;
    let row1 = rect.y + m.head + m.pad / 2;
    let row2 = row1 + m.api.1 + gap;
    let api = Rect::new(cx - m.api.0 / 2, row1, m.api.0, m.api.1);
    let etcd_w = m.api.0 * 2 / 3;
    let (shell_w, side, side_gap) = sides(rect.w, m);
    let side_y = row1 + (m.api.1 - m.chip) / 2;
    let mut parts = vec![
        PartBox { part: Part::ApiServer, rect: api },
        PartBox { part: Part::Etcd, rect: Rect::new(cx - etcd_w / 2, row2, etcd_w, m.chip) },
        PartBox { part: Part::ControllerManager, rect: Rect::new(api.x - side_gap - side, side_y, side, m.chip) },
        PartBox { part: Part::Scheduler, rect: Rect::new(api.x + m.api.0 + side_gap, side_y, side, m.chip) },
    ];
    parts.push(PartBox { part: Part::Shell, rect: Rect::new(rect.x + m.pad, side_y, shell_w, m.chip) });
    // Lower edge: kubelet and runtime left of etcd, kube-proxy and CNI right of it.
    let w = lower(rect.w, m);
    let left_end = cx - etcd_w / 2 - 16 - m.pad / 2;
    let right = cx + etcd_w / 2 + 16 + m.pad / 2;
    for (part, x) in [
        (Part::Kubelet, left_end - 2 * w - 8),
        (Part::Runtime, left_end - w),
        (Part::KubeProxy, right),
        (Part::Cni, right + w + 8),
    ] {
        parts.push(PartBox { part, rect: Rect::new(x, row2, w, m.chip) });
    }
    // The machine's own pods: right of everything, or in a row beneath where that is too narrow.
    let pods = match beside(rect.w, m) {
        w if w >= POD_COLUMN => Rect::new(rect.x + rect.w - m.pad - w, rect.y + m.head, w, rect.h - m.head - m.pad),
        _ => Rect::new(rect.x + m.pad, row2 + m.chip + m.pad / 2, rect.w - 2 * m.pad, m.chip),
    };
    let head = Rect::new(rect.x, rect.y, rect.w, m.head);
    MachineBox { index, role: Role::ControlPlane, rect, parts, head, pods, small: m.side <= 100, tile: false }
}

/// Room a part's label needs. `tight`: with as little air around it as can be.
fn chip_width(part: Part, dense: bool, tight: bool) -> i32 {
    let chars = |text: &str| text.chars().count() as i32;
    let air = if tight { 7 } else { 16 };
    match (part, dense) {
        (Part::Shell, _) => 26,
        (Part::Runtime, true) => 28,
        // containerd
        (Part::Runtime, false) => 10 * 6 + air,
        (_, true) => chars(part.short()) * 5 + 8,
        (_, false) => chars(part.label(super::Lang::En)) * 6 + air,
    }
}

/// Width of a worker's parts in one row.
fn chip_row(dense: bool, tight: bool) -> i32 {
    NODE_PARTS.iter().map(|p| chip_width(*p, dense, tight) + CHIP_GAP).sum::<i32>() - CHIP_GAP
}

/// The parts stand on the upper edge, where their rails arrive; the name comes beneath.
fn worker(index: u32, rect: Rect, m: &Metrics, dense: bool) -> MachineBox {
    let inner = rect.w - 2 * EDGE;
    let tight = chip_row(dense, false) > inner && chip_row(dense, true) <= inner;
    let mut parts = Vec::new();
    let (mut x, mut y) = (rect.x + EDGE, rect.y + EDGE);
    // What a tight row leaves over is air for those with a name.
    let air = if tight { (inner - chip_row(dense, true)) / 4 } else { 0 };
    for part in NODE_PARTS {
        let air = if part == Part::Shell { 0 } else { air };
        let w = (chip_width(part, dense, tight) + air).min(inner);
        if x + w > rect.x + EDGE + inner {
            (x, y) = (rect.x + EDGE, y + m.chip);
        }
        parts.push(PartBox { part, rect: Rect::new(x, y, w, m.chip - CHIP_GAP) });
        x += w + CHIP_GAP;
    }
    let head = Rect::new(rect.x, y + m.chip - CHIP_GAP, rect.w, m.head);
    let top = head.y + head.h + 2;
    let pods = Rect::new(rect.x + EDGE, top, inner, (rect.y + rect.h - top - EDGE).max(0));
    MachineBox { index, role: Role::Worker, rect, parts, head, pods, small: dense, tile: false }
}

/// Space inside a worker's box, and between its parts.
const EDGE: i32 = 8;
const CHIP_GAP: i32 = 4;

/// Rows that a worker's parts take at a width.
fn chip_rows(width: i32, dense: bool) -> i32 {
    if chip_row(dense, true) <= width - 2 * EDGE { 1 } else { 2 }
}

impl Layout {
    pub fn machine(&self, index: u32) -> Option<&MachineBox> {
        self.machines.iter().find(|m| m.index == index)
    }
    pub fn part(&self, machine: u32, part: Part) -> Option<Rect> {
        self.machine(machine)?.parts.iter().find(|p| p.part == part).map(|p| p.rect)
    }
    /// The API server that the rails lead to.
    fn api(&self) -> Option<(u32, Rect)> {
        self.machines.iter().find_map(|m| m.parts.iter().find(|p| p.part == Part::ApiServer).map(|p| (m.index, p.rect)))
    }

    /// The rail from a part to the API server; `None` where none is drawn.
    pub fn spoke(&self, machine: u32, part: Part) -> Option<Path> {
        let (home, api) = self.api()?;
        if (machine, part) == (home, Part::ApiServer) {
            return None;
        }
        let m = self.machine(machine)?;
        if m.role == Role::Host {
            return None;
        }
        let Some(rect) = m.parts.iter().find(|p| p.part == part).map(|p| p.rect) else {
            // Down the gap beside the tiles, so that it crosses none.
            let (side, y) = (m.rect.x - 2, m.rect.y + 7);
            let start = Path(vec![pt(m.rect.x, y), pt(side, y)]);
            return m.tile.then(|| start.then(self.rail_below(pt(side, y), api)));
        };
        if m.role != Role::ControlPlane || machine != home {
            return Some(self.rail_around(m.rect, rect.top(), api));
        }
        let gutter = api.y + api.h + (self.part(home, Part::Etcd)?.y - api.y - api.h) / 2;
        Some(Path(match part {
            Part::Etcd => vec![rect.top(), pt(rect.top().x, api.y + api.h)],
            Part::ControllerManager => vec![rect.right(), api.left()],
            Part::Scheduler => vec![rect.left(), api.right()],
            Part::Shell => {
                let over = m.rect.y + (api.y - m.rect.y) * 3 / 4;
                vec![rect.top(), pt(rect.top().x, over), pt(api.x + api.w / 4, over), pt(api.x + api.w / 4, api.y)]
            }
            _ => {
                let port = self.port(rect.center(), api);
                vec![rect.top(), pt(rect.top().x, gutter), pt(port, gutter), pt(port, api.y + api.h)]
            }
        }))
    }

    /// The way of packets between the networks of two machines: through the gap above the workers.
    pub fn tunnel(&self, a: u32, b: u32) -> Option<Path> {
        let y = self.bus + 6;
        let end = |machine: u32| {
            let m = self.machine(machine)?;
            let cni = self.part(machine, Part::Cni)?;
            Some(if m.rect.y < y { cni.bottom() } else { cni.top() })
        };
        let (a, b) = (end(a)?, end(b)?);
        Some(Path(vec![a, pt(a.x, y), pt(b.x, y), b]))
    }

    /// x of the API server's lower port on the side of `from`.
    fn port(&self, from: Point, api: Rect) -> i32 {
        let inset = (api.w / 12).max(6);
        if from.x < api.center().x { api.x + inset } else { api.x + api.w - inset }
    }
    /// From a worker's part; from the lower rows up the gap beside the boxes above, so that it crosses none.
    fn rail_around(&self, home: Rect, top: Point, api: Rect) -> Path {
        let first = self.machines.iter().filter(|m| m.role == Role::Worker).map(|m| m.rect.y).min();
        if first.is_none_or(|y| home.y <= y) {
            return self.rail_below(top, api);
        }
        let (side, over) = (home.x - 4, home.y - 4);
        Path(vec![top, pt(top.x, over), pt(side, over)]).then(self.rail_below(pt(side, over), api))
    }
    fn rail_below(&self, top: Point, api: Rect) -> Path {
        let port = self.port(top, api);
        Path(vec![top, pt(top.x, self.bus), pt(port, self.bus), pt(port, api.y + api.h)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(index: u32, role: Role) -> Seat {
        Seat { index, role, pods: true }
    }

    fn seats(workers: u32) -> Vec<Seat> {
        let mut all = vec![seat(0, Role::Host), seat(1, Role::ControlPlane)];
        all.extend((0..workers).map(|i| seat(i + 2, Role::Worker)));
        all
    }

    #[test]
    fn nothing_overlaps_or_sticks_out() {
        for (w, h) in [
            (1120, 586),
            (960, 440),
            (1440, 900),
            (760, 580),
            (730, 410),
            (720, 260),
            (600, 400),
            (390, 380),
            (360, 300),
        ] {
            for (workers, more) in [(1, 0), (3, 0), (4, 0), (9, 0), (30, 0), (3, 2), (3, 4)] {
                let mut all = seats(workers);
                all.extend((0..more).map(|i| seat(workers + 2 + i, Role::ControlPlane)));
                let l = layout(w, h, &all, None);
                let stage = Rect::new(0, 0, w, h);
                for (i, m) in l.machines.iter().enumerate() {
                    assert!(stage.contains(m.rect), "{w}x{h} {workers}: {m:?}");
                    assert!(l.machines[i + 1..].iter().all(|o| !o.rect.overlaps(m.rect)), "{w}x{h} {workers}: {m:?}");
                    for (j, p) in m.parts.iter().enumerate() {
                        assert!(p.rect.w > 8, "{w}x{h} {workers}: {p:?}");
                        assert!(m.rect.contains(p.rect), "{w}x{h} {workers}: {p:?} in {:?}", m.rect);
                        assert!(m.parts[j + 1..].iter().all(|o| !o.rect.overlaps(p.rect)), "{w}x{h} {workers}: {m:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn on_a_laptop_a_worker_s_parts_stand_in_one_row() {
        let l = layout(959, 395, &seats(3), None);
        let rows = |m: &MachineBox| m.parts.iter().map(|p| p.rect.y).collect::<std::collections::BTreeSet<_>>().len();
        assert!(l.machines.iter().filter(|m| m.role == Role::Worker).all(|m| rows(m) == 1));
    }

    #[test]
    fn nine_workers_keep_their_parts() {
        for (w, h) in [(1120, 586), (760, 586)] {
            let l = layout(w, h, &seats(9), None);
            assert!(l.machines.iter().all(|m| !m.tile && !m.parts.is_empty()), "{w}x{h}");
        }
    }

    #[test]
    fn every_part_reaches_the_api_server() {
        let l = layout(1120, 586, &seats(3), None);
        let (_, api) = l.api().unwrap();
        for m in &l.machines {
            for p in m.parts.iter().filter(|p| p.part != Part::ApiServer && m.role != Role::Host) {
                let end = *l.spoke(m.index, p.part).unwrap().0.last().unwrap();
                assert!(end.x >= api.x && end.x <= api.x + api.w, "{:?}", p.part);
            }
        }
    }
}
