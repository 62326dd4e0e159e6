//! The queue a controller works off: keys wait once each, with the cause that queued them first,
//! and failures back off. Models client-go/util/workqueue.

use super::trace::TraceId;
use crate::api::ObjectKey;
use crate::base::Duration;
use crate::base::persistent::{OrdMap, Vector};

#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    order: Vector<ObjectKey>,
    waiting: OrdMap<ObjectKey, TraceId>,
    failures: OrdMap<ObjectKey, u32>,
}

impl WorkQueue {
    /// Queues `key` unless it waits already. Returns whether the queue was empty: then the owner
    /// must arrange to be woken.
    pub fn add(&mut self, key: ObjectKey, cause: TraceId) -> bool {
        if self.waiting.contains_key(&key) {
            return false;
        }
        self.waiting.insert(key.clone(), cause);
        self.order.push_back(key);
        self.order.len() == 1
    }
    pub fn pop(&mut self) -> Option<(ObjectKey, TraceId)> {
        let key = self.order.pop_front()?;
        let cause = self.waiting.remove(&key).unwrap_or_default();
        Some((key, cause))
    }
    pub fn len(&self) -> usize {
        self.order.len()
    }
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
    /// Counts a failure of `key` and says how long to wait before adding it again: 5 ms doubling to
    /// 1000 s, client-go's default item limiter.
    pub fn back_off(&mut self, key: &ObjectKey) -> Duration {
        let n = self.failures.get(key).copied().unwrap_or(0);
        self.failures.insert(key.clone(), n + 1);
        Duration::millis(5u64 << n.min(18)).min(Duration::secs(1000))
    }
    /// The key went well: its next failure starts from the beginning.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.failures.remove(key);
    }
}
