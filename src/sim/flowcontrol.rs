//! The client-side rate limit: a token bucket and the requests that wait for it.
//! Models client-go/util/flowcontrol.

use super::TraceId;
use crate::api::Request;
use crate::base::persistent::Vector;
use crate::base::{Duration, Time};

/// A request on its way: its token, itself and what caused it.
pub type Outgoing = (u64, Request, TraceId);

#[derive(Clone, Debug)]
pub struct Client {
    /// Requests that may go at once.
    burst: u64,
    /// Millionths of a request that may go out now.
    budget: u64,
    refilled: Time,
    waiting: Vector<Outgoing>,
}

impl Client {
    pub fn new(burst: u64) -> Client {
        Client { burst, budget: burst * 1_000_000, refilled: Time::ZERO, waiting: Vector::new() }
    }
    fn refill(&mut self, now: Time, qps: u64) {
        // `qps` requests a second are `qps` millionths a microsecond.
        // A raised rate raises what may go at once, too.
        let burst = self.burst.max(qps) * 1_000_000;
        self.budget = (self.budget.saturating_add(now.since(self.refilled).0.saturating_mul(qps))).min(burst);
        self.refilled = now;
    }

    /// Queues a request; [`Client::due`] gives it back when it may go.
    pub fn push(&mut self, request: Outgoing) {
        self.waiting.push_back(request);
    }

    /// The requests that may go now, and the wait until the next one may.
    pub fn due(&mut self, now: Time, qps: u64) -> (Vec<Outgoing>, Option<Duration>) {
        if self.waiting.is_empty() {
            return (Vec::new(), None);
        }
        self.refill(now, qps);
        let mut out = Vec::new();
        while self.budget >= 1_000_000 {
            let Some(next) = self.waiting.pop_front() else { break };
            self.budget -= 1_000_000;
            out.push(next);
        }
        let wait = (!self.waiting.is_empty()).then(|| Duration((1_000_000 - self.budget).div_ceil(qps.max(1))));
        (out, wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Kind, Verb};

    #[test]
    fn thirty_at_once_then_twenty_a_second() {
        let mut client = Client::new(30);
        for token in 0..40 {
            client.push((token, Request::new(Verb::Get, Kind::POD, "", "p"), TraceId::NONE));
        }
        let (sent, wait) = client.due(Time::ZERO, 20);
        assert_eq!((sent.len(), wait), (30, Some(Duration::millis(50))));
        let (sent, _) = client.due(Time(100_000), 20);
        assert_eq!(sent.len(), 2);
        let (sent, wait) = client.due(Time(10_000_000), 20);
        assert_eq!((sent.len(), wait), (8, None));
    }
}
