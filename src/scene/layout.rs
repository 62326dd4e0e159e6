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
    /// Letters of its container runtime's name.
    pub runtime: i32,
    /// Holds the address that several control planes share.
    pub shared: bool,
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
    /// A control plane whose parts stand one under another.
    pub narrow: bool,
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
    /// The address that several control planes share; without extent where there is one alone.
    pub shared: Rect,
    /// The control plane that answers at it.
    holder: Option<u32>,
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
/// The least that its parts need one under another.
const NARROW_MASTER: i32 = 94;
/// From this width on three of them fit into a row.
const WIDE_NARROW: i32 = 160;

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
        out.machines.push(worker(seat.index, rect, &m, dense, seat.runtime));
        return out;
    }
    let workers: Vec<&Seat> = seats.iter().filter(|s| s.role == Role::Worker).collect();
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
            narrow: false,
        });
    }
    let n = masters.len().max(1) as i32;
    let share = (width - left - m.pad - (n - 1) * m.pad) / n;
    // Several control planes share the row: small, then narrow; where those do not fit, all but the first are tiles.
    let style = if n > 1 && share < FULL_MASTER { &DENSE } else { &m };
    let narrow = n > 1 && (NARROW_MASTER..SMALL_MASTER).contains(&share);
    let tiled = n > 1 && share < NARROW_MASTER;
    let row = width - left - m.pad;
    let tile_w = ((row - LEAST_MASTER) / (n - 1).max(1) - m.pad).clamp(12, 44);
    let master_w = if tiled { row - (n - 1) * (tile_w + m.pad) } else { share };
    let mut master_h = style.head + style.api.1 + inner_gap + style.chip + style.pad * 2;
    let pods = seats.iter().any(|s| s.role == Role::ControlPlane && s.pods);
    if narrow {
        master_h = style.head + narrow_rows(share).len() as i32 * style.chip + style.chip + EDGE;
    }
    if pods && (narrow || beside(master_w, style) < POD_COLUMN) {
        let rows = if narrow && share >= WIDE_NARROW { 2 } else { 1 };
        master_h += rows * (style.chip + style.pad / 2);
    }
    let mut x = left;
    for (i, index) in masters.iter().enumerate() {
        let w = if tiled && i > 0 { tile_w } else { master_w };
        let rect = Rect::new(x, m.pad, w, master_h);
        out.machines.push(match tiled && i > 0 {
            true => MachineBox { role: Role::ControlPlane, ..tile(*index, rect) },
            false if narrow => narrow_master(*index, rect, style),
            false => master(*index, rect, style, inner_gap),
        });
        x += w + m.pad;
    }
    out.bus = m.pad + master_h + bus_gap / 2;
    if n > 1 {
        let (w, h) = if dense { (78, 16) } else { (104, 20) };
        out.shared = Rect::new(left + (row - w) / 2, out.bus - h / 2, w, h);
        out.holder = seats.iter().find(|s| s.shared).map(|s| s.index);
    }
    let top = m.pad + master_h + bus_gap;
    let area = Rect::new(m.pad, top, width - 2 * m.pad, height - top - m.users - 14);
    place_workers(&mut out, &workers, area, &m);
    // The rest of this strip belongs to the caption.
    let users_w = if dense { 56 } else { 84 };
    out.users = Rect::new(m.pad, height - m.users - 6, users_w, m.users);
    out
}

/// Workers in rows of equal boxes; tiles once the boxes would be too small for their parts.
fn place_workers(out: &mut Layout, workers: &[&Seat], area: Rect, m: &Metrics) {
    let n = workers.len() as i32;
    let Some(runtime) = workers.first().map(|s| s.runtime) else { return };
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
        let lines = chip_rows(wide, small, runtime);
        // Small parts in one row are easier to read than large ones in two.
        if !small && lines > 1 && chip_rows(wide, true, runtime) == 1 {
            return None;
        }
        let min_h = m.head + m.chip * lines + 32;
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
    for (i, seat) in workers.iter().enumerate() {
        let (row, column) = (i as i32 / per_row, i as i32 % per_row);
        let rect = Rect::new(area.x + column * (w + gap), area.y + row * (h + gap), w, h);
        out.machines.push(if tiles { tile(seat.index, rect) } else { worker(seat.index, rect, m, small, runtime) });
    }
}

/// Columns and rows of `n` tiles about as wide as high.
fn tile_grid(n: i32, area: Rect) -> (i32, i32) {
    let fits = |columns: i32| {
        let rows = (n + columns - 1) / columns;
        area.w / columns <= 2 * area.h / rows.max(1)
    };
    let columns = (1..=n).find(|c| fits(*c)).unwrap_or(n);
    // No more columns than the rows need: the last row is about as full as the others.
    let rows = (n + columns - 1) / columns;
    ((n + rows - 1) / rows, rows)
}

fn tile(index: u32, rect: Rect) -> MachineBox {
    let top = if rect.h >= 40 { 14 } else { 0 };
    let pods = Rect::new(rect.x + 2, rect.y + top + 2, (rect.w - 4).max(1), (rect.h - top - 4).max(1));
    let head = Rect::new(rect.x, rect.y, rect.w, rect.h.min(14));
    MachineBox {
        index,
        role: Role::Worker,
        rect,
        parts: Vec::new(),
        head,
        pods,
        small: true,
        tile: true,
        narrow: false,
    }
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
    MachineBox {
        index,
        role: Role::ControlPlane,
        rect,
        parts,
        head,
        pods,
        small: m.side <= 100,
        tile: false,
        narrow: false,
    }
}

/// The parts beneath a narrow control plane's API server: rows with the width that each part needs.
fn narrow_rows(width: i32) -> &'static [&'static [(Part, i32)]] {
    use Part::{Cni, ControllerManager, Etcd, KubeProxy, Kubelet, Runtime, Scheduler};
    if width >= WIDE_NARROW {
        return &[
            &[(ControllerManager, 1), (Scheduler, 1), (Etcd, 1)],
            &[(Kubelet, 42), (Runtime, 26), (KubeProxy, 34), (Cni, 26)],
        ];
    }
    &[
        &[(ControllerManager, 1), (Scheduler, 1)],
        &[(Etcd, 36), (Kubelet, 44)],
        &[(Runtime, 25), (KubeProxy, 34), (Cni, 25)],
    ]
}

/// A control plane with its parts one under another: where several share little room.
fn narrow_master(index: u32, rect: Rect, m: &Metrics) -> MachineBox {
    let (x, inner) = (rect.x + CHIP_GAP, rect.w - 2 * CHIP_GAP);
    let mut y = rect.y + m.head;
    let shell = 20;
    let mut parts = vec![
        PartBox { part: Part::Shell, rect: Rect::new(x, y, shell, m.chip - CHIP_GAP) },
        PartBox {
            part: Part::ApiServer,
            rect: Rect::new(x + shell + CHIP_GAP, y, inner - shell - CHIP_GAP, m.chip - CHIP_GAP),
        },
    ];
    for row in narrow_rows(rect.w) {
        y += m.chip;
        let gaps = (row.len() as i32 - 1) * NARROW_GAP;
        let all: i32 = row.iter().map(|(_, w)| w).sum();
        let mut at = 0;
        for (i, (part, w)) in row.iter().enumerate() {
            let left = (inner - gaps) * at / all + i as i32 * NARROW_GAP;
            at += w;
            let right = (inner - gaps) * at / all + i as i32 * NARROW_GAP;
            parts.push(PartBox { part: *part, rect: Rect::new(x + left, y, right - left, m.chip - CHIP_GAP) });
        }
    }
    let pods = Rect::new(x, y + m.chip, inner, (rect.y + rect.h - y - m.chip - CHIP_GAP).max(0));
    let head = Rect::new(rect.x, rect.y, rect.w, m.head);
    MachineBox { index, role: Role::ControlPlane, rect, parts, head, pods, small: true, tile: false, narrow: true }
}

/// Space between the parts of a narrow control plane.
const NARROW_GAP: i32 = 3;

/// Room a part's label needs. `tight`: with as little air around it as can be.
fn chip_width(part: Part, dense: bool, tight: bool, runtime: i32) -> i32 {
    let chars = |text: &str| text.chars().count() as i32;
    let air = if tight { 7 } else { 16 };
    match (part, dense) {
        (Part::Shell, _) => 26,
        (Part::Runtime, true) => 28,
        (Part::Runtime, false) => runtime * 6 + air,
        (_, true) => chars(part.short()) * 5 + 8,
        (_, false) => chars(part.label(super::Lang::En)) * 6 + air,
    }
}

/// Width of a worker's parts in one row.
fn chip_row(dense: bool, tight: bool, runtime: i32) -> i32 {
    NODE_PARTS.iter().map(|p| chip_width(*p, dense, tight, runtime) + CHIP_GAP).sum::<i32>() - CHIP_GAP
}

/// The parts stand on the upper edge, where their rails arrive; the name comes beneath.
fn worker(index: u32, rect: Rect, m: &Metrics, dense: bool, runtime: i32) -> MachineBox {
    let inner = rect.w - 2 * EDGE;
    let row = |tight| chip_row(dense, tight, runtime);
    let tight = row(false) > inner && row(true) <= inner;
    let mut parts = Vec::new();
    let (mut x, mut y) = (rect.x + EDGE, rect.y + EDGE);
    // What a tight row leaves over is air for those with a name; of small ones some have room for the long name.
    let air = if tight { (inner - row(true)) / 4 } else { 0 };
    let mut spare = if dense { (inner - row(false)).max(0) } else { 0 };
    for part in NODE_PARTS {
        let mut w = chip_width(part, dense, tight, runtime) + if part == Part::Shell { 0 } else { air };
        let long = chip_width(part, false, true, runtime) - 3 - w;
        if dense && (1..=spare).contains(&long) {
            spare -= long;
            w += long;
        }
        let w = w.min(inner);
        if x + w > rect.x + EDGE + inner {
            (x, y) = (rect.x + EDGE, y + m.chip);
        }
        parts.push(PartBox { part, rect: Rect::new(x, y, w, m.chip - CHIP_GAP) });
        x += w + CHIP_GAP;
    }
    let head = Rect::new(rect.x, y + m.chip - CHIP_GAP, rect.w, m.head);
    let top = head.y + head.h + 2;
    let pods = Rect::new(rect.x + EDGE, top, inner, (rect.y + rect.h - top - EDGE).max(0));
    MachineBox { index, role: Role::Worker, rect, parts, head, pods, small: dense, tile: false, narrow: false }
}

/// Space inside a worker's box, and between its parts.
const EDGE: i32 = 8;
const CHIP_GAP: i32 = 4;

/// Rows that a worker's parts take at a width.
fn chip_rows(width: i32, dense: bool, runtime: i32) -> i32 {
    if chip_row(dense, true, runtime) <= width - 2 * EDGE { 1 } else { 2 }
}

impl Layout {
    pub fn machine(&self, index: u32) -> Option<&MachineBox> {
        self.machines.iter().find(|m| m.index == index)
    }
    pub fn part(&self, machine: u32, part: Part) -> Option<Rect> {
        self.machine(machine)?.parts.iter().find(|p| p.part == part).map(|p| p.rect)
    }
    /// The control plane that answers: the only one, or the one that holds the shared address.
    pub fn home(&self) -> Option<u32> {
        let first = || self.machines.iter().find(|m| m.role == Role::ControlPlane).map(|m| m.index);
        if self.shared.w > 0 { self.holder } else { first() }
    }
    /// Whether anybody holds the address that the control planes share.
    pub fn held(&self) -> bool {
        self.holder.is_some()
    }

    /// The rail from a part to where it finds the API server; `None` where none is drawn.
    pub fn rail(&self, machine: u32, part: Part) -> Option<Path> {
        if part == Part::Etcd || self.home() == Some(machine) {
            return self.inside(machine, part);
        }
        self.outside(machine, part)
    }

    /// The way of a message from a part to the API server of the machine `api`.
    pub fn spoke(&self, machine: u32, part: Part, api: u32) -> Option<Path> {
        if machine == api {
            return self.inside(machine, part);
        }
        let out = self.outside(machine, part)?;
        Some(match self.riser(api) {
            Some(riser) => out.then(riser),
            None => out,
        })
    }

    /// From the shared address to the API server behind it.
    pub fn riser(&self, machine: u32) -> Option<Path> {
        if self.shared.w == 0 {
            return None;
        }
        let m = self.machine(machine)?;
        let start = pt(self.shared.center().x, self.bus);
        let Some(api) = self.part(machine, Part::ApiServer) else {
            let foot = m.rect.bottom();
            return Some(Path(vec![start, pt(foot.x, self.bus), foot]));
        };
        let x = if m.narrow { m.rect.x + m.rect.w - 2 } else { self.port(pt(api.x + api.w, 0), api) };
        let end = if m.narrow { api.right() } else { pt(x, api.y + api.h) };
        Some(Path(vec![start, pt(x, self.bus), pt(x, end.y), end]))
    }

    /// From a part of a control plane to the API server beside it.
    fn inside(&self, machine: u32, part: Part) -> Option<Path> {
        let m = self.machine(machine)?;
        let (api, rect) = (self.part(machine, Part::ApiServer)?, self.part(machine, part)?);
        let foot = api.y + api.h;
        Some(Path(match part {
            Part::ApiServer => return None,
            Part::Shell if m.narrow => vec![rect.right(), api.left()],
            _ if m.narrow => {
                let x = rect.top().x.clamp(api.x + 6, api.x + api.w - 6);
                vec![rect.top(), pt(rect.top().x, foot + 2), pt(x, foot + 2), pt(x, foot)]
            }
            Part::Etcd => vec![rect.top(), pt(rect.top().x, foot)],
            Part::ControllerManager => vec![rect.right(), api.left()],
            Part::Scheduler => vec![rect.left(), api.right()],
            Part::Shell => {
                let over = m.rect.y + (api.y - m.rect.y) * 3 / 4;
                vec![rect.top(), pt(rect.top().x, over), pt(api.x + api.w / 4, over), pt(api.x + api.w / 4, api.y)]
            }
            _ => {
                let (gutter, port) = (self.gutter(machine)?, self.port(rect.center(), api));
                vec![rect.top(), pt(rect.top().x, gutter), pt(port, gutter), pt(port, foot)]
            }
        }))
    }

    /// From a part to the line above the workers, and on to the one API server or to the shared address.
    fn outside(&self, machine: u32, part: Part) -> Option<Path> {
        let m = self.machine(machine)?;
        if m.role == Role::Host || part == Part::ApiServer {
            return None;
        }
        let Some(rect) = self.part(machine, part) else {
            // Down the gap beside the tiles, so that it crosses none.
            let (side, y) = (m.rect.x - 2, m.rect.y + 7);
            let start = Path(vec![pt(m.rect.x, y), pt(side, y)]);
            return if m.tile { Some(start.then(self.enter(pt(side, y))?)) } else { None };
        };
        if m.role == Role::Worker {
            return self.rail_around(m.rect, rect.top());
        }
        // Parts of another control plane leave it on one line.
        let api = self.part(machine, Part::ApiServer)?;
        let (start, over, trunk) = match (m.narrow, rect.y <= api.y + api.h) {
            (true, true) => (rect.bottom(), rect.y + rect.h + 2, m.rect.x + 2),
            (true, false) => (rect.top(), rect.y - 2, m.rect.x + 2),
            (false, above) => {
                (if above { rect.bottom() } else { rect.top() }, self.gutter(machine)?, self.port(m.rect.left(), api))
            }
        };
        let down = Path(vec![start, pt(start.x, over), pt(trunk, over)]);
        Some(down.then(self.enter(pt(trunk, over))?))
    }

    /// Height between a control plane's API server and the row beneath.
    fn gutter(&self, machine: u32) -> Option<i32> {
        let (api, etcd) = (self.part(machine, Part::ApiServer)?, self.part(machine, Part::Etcd)?);
        Some(api.y + api.h + (etcd.y - api.y - api.h) / 2)
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
    fn rail_around(&self, home: Rect, top: Point) -> Option<Path> {
        let first = self.machines.iter().filter(|m| m.role == Role::Worker).map(|m| m.rect.y).min();
        if first.is_none_or(|y| home.y <= y) {
            return self.enter(top);
        }
        let (side, over) = (home.x - 4, home.y - 4);
        Some(Path(vec![top, pt(top.x, over), pt(side, over)]).then(self.enter(pt(side, over))?))
    }
    /// To the line above the workers and along it.
    fn enter(&self, from: Point) -> Option<Path> {
        if self.shared.w == 0 {
            let api = self.part(self.home()?, Part::ApiServer)?;
            let port = self.port(from, api);
            return Some(Path(vec![from, pt(from.x, self.bus), pt(port, self.bus), pt(port, api.y + api.h)]));
        }
        let (left, right) = (self.shared.x, self.shared.x + self.shared.w);
        let end = pt(from.x.clamp(left, right), self.bus);
        Some(Path(vec![from, pt(from.x, self.bus), end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(index: u32, role: Role) -> Seat {
        Seat { index, role, pods: true, runtime: 10, shared: index == 1 }
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
        let api = l.part(1, Part::ApiServer).unwrap();
        for m in &l.machines {
            for p in m.parts.iter().filter(|p| p.part != Part::ApiServer && m.role != Role::Host) {
                let end = *l.rail(m.index, p.part).unwrap().0.last().unwrap();
                assert!(end.x >= api.x && end.x <= api.x + api.w, "{:?}", p.part);
            }
        }
    }

    #[test]
    fn with_several_control_planes_rails_meet_at_the_shared_address() {
        for (w, h) in [(1120, 586), (960, 404), (730, 560), (390, 352)] {
            let mut all = seats(3);
            all.extend([seat(5, Role::ControlPlane), seat(6, Role::ControlPlane)]);
            let l = layout(w, h, &all, None);
            assert!(l.machines.iter().all(|m| !m.tile && !m.rect.overlaps(l.shared)), "{w}x{h}");
            let end = |path: Path| *path.0.last().unwrap();
            for m in l.machines.iter().filter(|m| m.role != Role::Host) {
                for p in m.parts.iter().filter(|p| p.part != Part::ApiServer) {
                    let at = end(l.rail(m.index, p.part).unwrap());
                    let own = p.part == Part::Etcd || m.index == 1;
                    let goal = if own { l.part(m.index, Part::ApiServer).unwrap() } else { l.shared };
                    assert!(at.x >= goal.x && at.x <= goal.x + goal.w, "{w}x{h} {} {:?}", m.index, p.part);
                    // A message goes on to whoever answers.
                    let far = l.part(6, Part::ApiServer).unwrap();
                    let at = end(l.spoke(m.index, p.part, 6).unwrap());
                    assert!(at.x >= far.x && at.y >= far.y && at.y <= far.y + far.h, "{w}x{h} {:?}", p.part);
                }
            }
        }
    }
}
