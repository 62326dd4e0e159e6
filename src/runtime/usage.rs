//! What containers use: processor time that grows as they work, and memory. A load model in place of
//! cgroups: what an image's program takes when idle, what a busy script takes, what each request costs;
//! a CPU limit stretches work over time.

use super::data::{Container, ContainerState};
use super::program::Program;
use crate::base::{Duration, Time};

/// Processor time of one HTTP request.
const REQUEST: Duration = Duration::millis(4);

/// A container's CPU in thousandths, when nothing is asked of it, and its memory in MiB.
fn idle(program: &Program) -> (u64, u64) {
    match program {
        Program::Component(name) => match name.as_str() {
            "kube-apiserver" => (42, 290),
            "etcd" => (18, 48),
            "kube-controller-manager" => (16, 46),
            "kube-scheduler" => (4, 18),
            "coredns" => (3, 13),
            "calico-node" => (24, 68),
            "metrics-server" => (4, 16),
            _ => (1, 14),
        },
        Program::Http { .. } => (0, 3),
        Program::Server(_) => (2, 40),
        Program::Script(_) | Program::NotFound(_) => (0, 1),
    }
}

/// Whether the script computes without pause.
fn spins(program: &Program) -> bool {
    let Program::Script(script) = program else { return false };
    let text = script.command.as_str();
    let looped = text.contains("while") && !text.contains("sleep") && script.end.is_none();
    looped || text.trim_start().starts_with("yes") || text.contains("stress")
}

/// Takes note of a request that the container serves now. `limit`: its CPU limit in thousandths, 0: none.
pub fn serve(c: &mut Container, now: Time) {
    let speed = if c.cpu_limit == 0 { 1000 } else { c.cpu_limit };
    // Who asks waits for the answer: what queues up has an end.
    if c.busy_until > now + Duration::secs(1) {
        return;
    }
    let begin = c.busy_until.max(now);
    c.busy_until = begin + Duration(REQUEST.0 * 1000 / speed);
    c.work = c.work + REQUEST;
}

/// Processor time since the container started.
pub fn cpu(c: &Container, now: Time) -> Duration {
    let until = if c.state == ContainerState::Running { now } else { c.finished };
    let ran = until.since(c.started);
    let speed = if c.cpu_limit == 0 { 1000 } else { c.cpu_limit };
    let share = if spins(&c.program) { speed } else { idle(&c.program).0 };
    // Work that still waits for its turn was not done yet.
    let ahead = Duration(c.busy_until.since(until).0 * speed / 1000);
    Duration((ran.0 * share / 1000 + c.work.0).saturating_sub(ahead.0))
}

/// Bytes of its working set.
pub fn memory(c: &Container) -> u64 {
    let mib = idle(&c.program).1.max(c.program.claims_mib());
    // No two processes are of quite the same size.
    let spread = u64::from(crate::base::hash::fnv32a(c.id.as_bytes()) % 512);
    (mib << 20) + (spread << 10)
}
