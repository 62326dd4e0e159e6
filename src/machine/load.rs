//! What a machine's memory and disk hold, and what the kernel does when memory runs out.
//! Memory: a base, a share per process, what containers use and what programs claim (`stress`,
//! `tail /dev/zero`), files of a tmpfs. Disk: the system, images, files.
//! Models mm/oom_kill.c as far as it chooses its victim.

use super::Machine;
use crate::runtime::{ContainerState, process as containers, usage};
use crate::sim::{Event, Msg, Profile, TraceId, World, component::Target};

/// Size of the root file system, which also holds the images.
pub const DISK: u64 = 36_805_060 << 10;
/// What the operating system and its packages take of it.
const SYSTEM: u64 = 2_480_000 << 10;
const KERNEL: u64 = 180_000 << 10;
const PROCESS: u64 = 9_000 << 10;
/// How long a program takes to touch the memory it claims.
pub const GROWING_MS: u64 = 700;

/// Whether a path lies in memory.
pub fn in_memory(path: &str) -> bool {
    path.starts_with("/dev/shm/") || path.starts_with("/run/") && !path.starts_with("/run/containerd/")
}

/// Bytes of memory that cannot be had without ending something.
pub fn memory_used(m: &Machine) -> u64 {
    let data = &m.runtime;
    let mut used = KERNEL;
    for p in m.processes.values() {
        let main = data.containers.get(&p.container).is_some_and(|c| c.pid == p.pid);
        if p.container.is_empty() {
            used += PROCESS;
        }
        if !main {
            used += claims_mib(&p.command) << 20;
        }
    }
    used += data.containers.values().filter(|c| c.state == ContainerState::Running).map(usage::memory).sum::<u64>();
    used + m.files.iter().filter(|(path, f)| f.hole > 0 && in_memory(path)).map(|(_, f)| f.size()).sum::<u64>()
}

pub fn memory_total(m: &Machine) -> u64 {
    u64::from(m.memory_mib) << 20
}

/// Bytes of the root file system in use.
pub fn disk_used(m: &Machine) -> u64 {
    let files: u64 = m.files.iter().filter(|(path, _)| !in_memory(path)).map(|(_, f)| f.occupies()).sum();
    SYSTEM + files + m.runtime.images.values().map(|i| i.size).sum::<u64>()
}

/// Bytes of files below a folder.
pub fn below(m: &Machine, folder: &str) -> u64 {
    m.below(folder).filter_map(|path| m.files.get(path)).map(super::File::size).sum()
}

/// Memory that a command line asks for, in MiB: `stress --vm 2 --vm-bytes 250M`, or all there is.
pub fn claims_mib(command: &str) -> u64 {
    if command.contains("tail /dev/zero") {
        return 1 << 20;
    }
    if !command.contains("stress") {
        return 0;
    }
    let (mut hogs, mut each) = (0, 256);
    let mut words = command.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, words.peek().copied()),
        };
        match name {
            "--vm" | "-m" => hogs = value.and_then(|v| v.parse().ok()).unwrap_or(0),
            "--vm-bytes" => each = value.map_or(256, mib),
            _ => {}
        }
    }
    hogs * each
}

/// `250M`, `1G`, plain bytes, in MiB.
fn mib(amount: &str) -> u64 {
    let (number, unit) = amount.split_at(amount.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(amount.len()));
    let n: u64 = number.parse().unwrap_or(0);
    match unit {
        "G" | "g" => n << 10,
        "K" | "k" => n >> 10,
        "M" | "m" => n,
        _ => n >> 20,
    }
}

/// Ends containers until what is claimed fits, those first that the kubelet marked and that use most.
pub fn relieve(world: &mut World, machine: u32, cause: TraceId) {
    for _ in 0..64 {
        let m = world.machine(machine);
        let total = memory_total(m);
        if memory_used(m) <= total {
            return;
        }
        let running = m.runtime.containers.values().filter(|c| c.state == ContainerState::Running);
        let score =
            |c: &&crate::runtime::Container| (usage::memory(c) * 1000 / total) as i64 + i64::from(c.oom_score_adj);
        let Some(victim) = running.max_by_key(score).cloned() else { return };
        if victim.oom_score_adj <= -900 {
            return;
        }
        let modern = world.config.profile == Profile::Modern;
        let name = m.processes.get(&victim.pid).map_or("?", super::Process::name).to_owned();
        let kubelet = m.runtime.kubelet;
        containers::exit(world, machine, &victim.id, 137, true, cause);
        // docker counts what a cgroup's limit killed; a second version's cgroup counts every such kill.
        if modern && let Some(c) = world.machine_mut(machine).runtime.containers.get_mut(&victim.id) {
            c.reason = "OOMKilled".into();
        }
        let killed = (world.now, ecow::eco_format!("{} ({name})", victim.pid));
        world.machine_mut(machine).oom_kills.push_back(killed);
        if let Some(kubelet) = kubelet {
            let text = ecow::eco_format!("{name} {}", victim.pid);
            let msg = Msg::Notify("oom".into(), text.into());
            world.schedule(world.now, Event { target: Target::Actor(kubelet), msg, cause });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_claim_what_they_name() {
        for (command, mib) in [
            ("stress --vm 1 --vm-bytes 250M --vm-hang 1", 250),
            ("stress --vm=2 --vm-bytes=1G", 2048),
            ("stress -m 1", 256),
            ("stress --cpu 2", 0),
            ("sleep 5", 0),
        ] {
            assert_eq!(claims_mib(command), mib, "{command}");
        }
    }
}
