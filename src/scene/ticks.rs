//! The timeline: which records leave a mark on it, and the clock's face.

use crate::api::Kind;
use crate::base::Time;
use crate::sim::trace::{Record, What, WriteOp};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TickKind {
    Command,
    Fault,
    /// Something became worse: a node lost, a request refused, a process died.
    Trouble,
    /// A pod appeared or went.
    Pod,
    /// Something recovered.
    Good,
    /// A goal of the lesson was reached.
    Goal,
}

impl TickKind {
    pub fn class(self) -> &'static str {
        match self {
            TickKind::Command => "command",
            TickKind::Fault => "fault",
            TickKind::Trouble => "trouble",
            TickKind::Pod => "pod",
            TickKind::Good => "good",
            TickKind::Goal => "goal",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Tick {
    pub at: Time,
    pub kind: TickKind,
    pub id: crate::sim::TraceId,
}

/// The mark a record leaves, if any.
pub fn tick(record: &Record) -> Option<Tick> {
    let kind = match &record.what {
        What::Input { .. } => TickKind::Command,
        What::Fault { .. } => TickKind::Fault,
        What::Write { op: WriteOp::Create | WriteOp::Delete, key, .. } if key.kind == Kind::POD => TickKind::Pod,
        What::Decide { verdict: "NodeNotReady" | "Unschedulable" | "FailedScheduling", .. } => TickKind::Trouble,
        What::Decide { verdict: "NodeReady", .. } => TickKind::Good,
        What::Machine { what: "vm", detail, .. } if detail == "provisioned" => TickKind::Good,
        What::Machine { what: "vm", detail, .. } if detail.starts_with("failed") => TickKind::Trouble,
        What::Machine { what: "power" | "unit" | "module" | "interface", .. } => TickKind::Trouble,
        What::Exit { code, .. } if *code != 0 => TickKind::Trouble,
        _ => return None,
    };
    Some(Tick { at: record.at, kind, id: record.id })
}

/// `0:05`, `12:34`, `1:02:03` since `start`; tenths while under ten minutes.
pub fn clock(now: Time, start: Time) -> String {
    let ms = now.since(start).as_millis();
    let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}.{}", ms / 100 % 10) }
}

/// The same in whole seconds: for what Kubernetes itself knows to the second only.
pub fn clock_seconds(at: Time, start: Time) -> String {
    let face = clock(at, start);
    face.split('.').next().unwrap_or_default().to_owned()
}

/// Where `at` stands between `start` and `end`, in permille.
pub fn permille(at: Time, start: Time, end: Time) -> u32 {
    let whole = end.since(start).0.max(1);
    (at.since(start).0.min(whole) * 1000 / whole) as u32
}

/// The instant at `permille` between `start` and `end`.
pub fn at(permille: u32, start: Time, end: Time) -> Time {
    Time(start.0 + end.since(start).0 / 1000 * u64::from(permille.min(1000)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;

    #[test]
    fn faces_and_places() {
        let start = Time(1_000_000);
        assert_eq!(clock(start + Duration::millis(65_250), start), "1:05.2");
        assert_eq!(clock_seconds(start + Duration::millis(65_950), start), "1:05");
        assert_eq!(clock(start + Duration::secs(3_723), start), "1:02:03");
        let end = start + Duration::secs(10);
        assert_eq!(permille(start + Duration::secs(5), start, end), 500);
        assert_eq!(at(500, start, end), start + Duration::secs(5));
        assert_eq!(permille(end, start, start), 1000);
    }
}
