//! The trace: an append-only log of what happened, each record with its cause.

use serde::{Deserialize, Serialize};

use super::ActorId;
use crate::api::{ObjectKey, Value, Verb, WatchType};
use crate::base::hash::Fnv;
use crate::base::persistent::Vector;
use crate::base::{Str, Time};

/// Number of a record, counted from 1; 0 is "no cause".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TraceId(pub u64);

impl TraceId {
    pub const NONE: TraceId = TraceId(0);
}

/// One thing that happened: at `at`, something went from `from` to `to` because of `cause`.
/// For what happens inside one component, `from` and `to` are equal.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    pub id: TraceId,
    pub at: Time,
    /// When it arrives at `to`; equal to `at` for what takes no time.
    pub until: Time,
    pub cause: TraceId,
    pub from: ActorId,
    pub to: ActorId,
    pub what: What,
}

/// How far a request got in the API server before it was answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Stage {
    Authentication,
    Authorization,
    MutatingAdmission,
    Validation,
    ValidatingAdmission,
    Storage,
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WriteOp {
    Create,
    Update,
    Delete,
}

#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// Somebody typed, clicked or scripted something at a machine.
    Input { machine: u32, text: Str },
    /// A command began in a terminal.
    Command { machine: u32, line: Str },
    /// It ended with this exit code.
    Exit { machine: u32, line: Str, code: i32 },
    /// Client → API server. A List or Watch has an empty name in `key`.
    Request { verb: Verb, key: ObjectKey, subresource: Str },
    /// API server → client: HTTP code and the last stage passed.
    Response { verb: Verb, key: ObjectKey, code: u16, stage: Stage },
    /// API server → etcd: a committed write.
    Write { op: WriteOp, key: ObjectKey, revision: u64, subresource: Str },
    /// API server → watcher.
    Deliver { kind: WatchType, key: ObjectKey, revision: u64 },
    /// A component decided something about an object: `verdict` is a stable CamelCase code
    /// (`ScaleUp`, `Bind`, `NodeNotReady`, `StopContainer` …), `detail` its data.
    Decide { key: ObjectKey, verdict: &'static str, detail: Value },
    /// kubelet → runtime, runtime → container, CNI: `call` as in CRI (`RunPodSandbox`,
    /// `PullImage`, `CreateContainer`, `StartContainer`, `StopContainer` …). `pod` is the pod's key.
    Container { call: &'static str, pod: ObjectKey, container: Str, detail: Str },
    /// A process of a machine started or ended (`code`: `None` while it runs).
    Process { machine: u32, name: Str, pid: u32, code: Option<i32> },
    /// State of a machine changed: a unit, a kernel module, power, an interface. `what` is a stable
    /// code (`unit`, `module`, `power`, `file`), `detail` says which and how (`kubelet stopped`).
    Machine { machine: u32, what: &'static str, detail: Str },
    /// A packet of the data plane: who to whom, and what became of it.
    Packet { from: Str, to: Str, port: u16, outcome: Str },
    /// A fault that no command could cause.
    Fault { text: Str },
    /// A connection failed: nobody listens, or no answer.
    Refused { to: Str, error: Str },
}

/// The last `limit` records and the hash of all.
#[derive(Clone, Debug)]
pub struct Trace {
    records: Vector<Record>,
    /// Records dropped at the old end.
    dropped: u64,
    limit: usize,
    hash: Fnv,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { records: Vector::new(), dropped: 0, limit: 200_000, hash: Fnv::default() }
    }
}

impl Trace {
    pub fn push(&mut self, at: Time, until: Time, cause: TraceId, from: ActorId, to: ActorId, what: What) -> TraceId {
        let id = TraceId(self.dropped + self.records.len() as u64 + 1);
        self.hash_in(at, from, to, &what);
        if self.records.len() == self.limit {
            self.records.pop_front();
            self.dropped += 1;
        }
        self.records.push_back(Record { id, at, until, cause, from, to, what });
        id
    }

    fn hash_in(&mut self, at: Time, from: ActorId, to: ActorId, what: &What) {
        let h = &mut self.hash;
        h.write_u64(at.0);
        h.write_u64(u64::from(from.0) << 32 | u64::from(to.0));
        let mut key = |tag: u64, key: &ObjectKey, n: u64| {
            h.write_u64(tag << 56 | u64::from(key.kind.0) << 40 | n);
            h.write(key.name.as_bytes());
        };
        match what {
            What::Request { verb, key: k, .. } => key(1, k, *verb as u64),
            What::Response { key: k, code, .. } => key(2, k, u64::from(*code)),
            What::Write { key: k, revision, .. } => key(3, k, *revision),
            What::Deliver { key: k, revision, .. } => key(4, k, *revision),
            What::Decide { key: k, verdict, .. } => {
                key(5, k, 0);
                h.write(verdict.as_bytes());
            }
            What::Container { call, pod, container, .. } => {
                key(6, pod, 0);
                h.write(call.as_bytes());
                h.write(container.as_bytes());
            }
            // The rare ones: their whole text.
            rest => h.write(format!("{rest:?}").as_bytes()),
        }
    }

    pub fn get(&self, id: TraceId) -> Option<&Record> {
        self.records.get(id.0.checked_sub(self.dropped + 1)? as usize)
    }
    /// Hash of every record ever pushed: equal hashes mean equal runs.
    pub fn hash(&self) -> u64 {
        self.hash.0
    }
    pub fn last_id(&self) -> TraceId {
        TraceId(self.dropped + self.records.len() as u64)
    }
    /// Kept records, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> + ExactSizeIterator {
        self.records.iter()
    }
    /// Kept records after `id`, oldest first.
    pub fn since(&self, id: TraceId) -> impl Iterator<Item = &Record> {
        let skip = id.0.saturating_sub(self.dropped) as usize;
        self.records.iter_from(skip)
    }
    /// The chain of causes that led to `id`, the effect first.
    pub fn chain(&self, id: TraceId) -> Vec<&Record> {
        let mut chain = Vec::new();
        let mut next = self.get(id);
        while let Some(record) = next {
            chain.push(record);
            next = self.get(record.cause).filter(|c| c.id < record.id);
        }
        chain
    }
}
