//! Pods that wait for a node: ready to be tried, backing off, or hopeless until something changes.
//! Models pkg/scheduler/internal/queue/scheduling_queue.go.

use std::cmp::Reverse;

use crate::api::ObjectKey;
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Time};
use crate::sim::{Profile, TraceId};

const FIRST_BACKOFF: Duration = Duration::secs(1);
const MAX_BACKOFF: Duration = Duration::secs(10);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Active,
    Backoff,
    Unschedulable,
}

#[derive(Clone, Debug)]
struct Entry {
    place: Place,
    priority: i64,
    /// When it was queued first since its last success.
    since: Time,
    /// When it got where it is.
    moved: Time,
    attempts: u32,
    cause: TraceId,
    number: u64,
}

type Rank = (Reverse<i64>, Time, u64, ObjectKey);

#[derive(Clone, Debug, Default)]
pub struct Queue {
    entries: OrdMap<ObjectKey, Entry>,
    active: OrdSet<Rank>,
    /// Those that back off, by when they are done.
    backoff: OrdSet<(Time, ObjectKey)>,
    /// The unschedulable ones, by when they became so.
    hopeless: OrdSet<(Time, ObjectKey)>,
    next: u64,
    /// Moves so far: a pod whose attempt overlapped one goes to back-off, not to unschedulable.
    pub moves: u64,
}

impl Queue {
    fn rank(key: &ObjectKey, e: &Entry) -> Rank {
        (Reverse(e.priority), e.since, e.number, key.clone())
    }
    fn put(&mut self, key: ObjectKey, entry: Entry) {
        self.remove(&key);
        match entry.place {
            Place::Active => drop(self.active.insert(Queue::rank(&key, &entry))),
            Place::Backoff => drop(self.backoff.insert((entry.moved + Queue::backoff(&entry), key.clone()))),
            Place::Unschedulable => drop(self.hopeless.insert((entry.moved, key.clone()))),
        }
        self.entries.insert(key, entry);
    }
    /// A pod without a node appeared.
    pub fn add(&mut self, key: ObjectKey, priority: i64, now: Time, cause: TraceId) {
        self.next += 1;
        let entry =
            Entry { place: Place::Active, priority, since: now, moved: now, attempts: 0, cause, number: self.next };
        self.put(key, entry);
    }
    pub fn remove(&mut self, key: &ObjectKey) {
        if let Some(e) = self.entries.remove(key) {
            match e.place {
                Place::Active => drop(self.active.remove(&Queue::rank(key, &e))),
                Place::Backoff => drop(self.backoff.remove(&(e.moved + Queue::backoff(&e), key.clone()))),
                Place::Unschedulable => drop(self.hopeless.remove(&(e.moved, key.clone()))),
            }
        }
    }
    pub fn contains(&self, key: &ObjectKey) -> bool {
        self.entries.contains_key(key)
    }
    /// Takes the pod to try next; [`Queue::failed`] or [`Queue::remove`] must follow.
    pub fn pop(&mut self) -> Option<(ObjectKey, TraceId)> {
        let rank = self.active.get_min()?.clone();
        self.active.remove(&rank);
        let key = rank.3;
        let e = self.entries.get_mut(&key)?;
        e.attempts += 1;
        Some((key.clone(), e.cause))
    }
    pub fn has_active(&self) -> bool {
        !self.active.is_empty()
    }
    /// (active, backing off, unschedulable)
    pub fn lengths(&self) -> (u64, u64, u64) {
        let count = |place| self.entries.values().filter(|e| e.place == place).count() as u64;
        (count(Place::Active), count(Place::Backoff), count(Place::Unschedulable))
    }

    /// An attempt found no node. `moves_before`: [`Queue::moves`] when it began; `retry`: it failed for
    /// another reason than the pod's own (a conflict), so back-off will do.
    pub fn failed(&mut self, key: &ObjectKey, moves_before: u64, retry: bool, now: Time) {
        let Some(mut e) = self.entries.get(key).cloned() else { return };
        let moved = self.moves > moves_before || retry;
        e.place = if moved { Place::Backoff } else { Place::Unschedulable };
        e.moved = now;
        self.put(key.clone(), e);
    }
    fn backoff(e: &Entry) -> Duration {
        Duration(FIRST_BACKOFF.0 << e.attempts.saturating_sub(1).min(8)).min(MAX_BACKOFF)
    }
    /// Something changed in the cluster: unschedulable pods get another chance.
    pub fn move_all(&mut self, now: Time, cause: TraceId) {
        self.moves += 1;
        let waiting: Vec<ObjectKey> = self.hopeless.iter().map(|(_, k)| k.clone()).collect();
        for key in waiting {
            self.retry(&key, now, cause);
        }
    }
    fn retry(&mut self, key: &ObjectKey, now: Time, cause: TraceId) {
        let Some(mut e) = self.entries.get(key).cloned() else { return };
        e.cause = cause;
        e.place = if e.moved + Queue::backoff(&e) > now { Place::Backoff } else { Place::Active };
        self.put(key.clone(), e);
    }
    /// A pod was changed while it waited: worth another try, in 1.20 at once.
    pub fn updated(&mut self, key: &ObjectKey, now: Time, cause: TraceId, profile: Profile) {
        let Some(e) = self.entries.get(key).filter(|e| e.place == Place::Unschedulable).cloned() else { return };
        match profile {
            Profile::Book => self.put(key.clone(), Entry { place: Place::Active, cause, ..e }),
            Profile::Modern => self.retry(key, now, cause),
        }
    }
    /// Moves what has backed off, or waited too long, to active; when to look again.
    pub fn tick(&mut self, now: Time, profile: Profile) -> Option<Time> {
        let leftover = match profile {
            Profile::Book => Duration::secs(60),
            Profile::Modern => Duration::mins(5),
        };
        let backed_off = self.backoff.iter().take_while(|(due, _)| *due <= now);
        let left = self.hopeless.iter().take_while(|(since, _)| *since + leftover <= now);
        let ready: Vec<ObjectKey> = backed_off.chain(left).map(|(_, k)| k.clone()).collect();
        for key in ready {
            if let Some(mut e) = self.entries.get(&key).cloned() {
                e.place = Place::Active;
                self.put(key, e);
            }
        }
        let next = self.backoff.get_min().map(|(due, _)| *due);
        let last = self.hopeless.get_min().map(|(since, _)| *since + leftover);
        next.into_iter().chain(last).min()
    }
}
