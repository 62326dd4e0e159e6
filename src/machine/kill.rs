//! Signals: what becomes of a machine's process when it gets one.

use super::Machine;
use crate::machine::systemd;
use crate::runtime::{Container, process as containers};
use crate::sim::{TraceId, World};

/// The container whose main process this is.
pub fn main_of(machine: &Machine, pid: u32) -> Option<&Container> {
    machine.runtime.of_pid(machine, pid).filter(|c| c.pid == pid)
}

/// Sends a signal that ends a process of the machine: a unit's, a container's, or any other.
/// Commands of terminals are ended by their terminal. Whether there was such a process.
pub fn kill(world: &mut World, machine: u32, pid: u32, signal: i32, cause: TraceId) -> bool {
    let Some(process) = world.machine(machine).processes.get(&pid).cloned() else { return false };
    if !matches!(signal, 1 | 2 | 3 | 6 | 9 | 13 | 14 | 15) || pid == 1 || process.command.starts_with('[') {
        return true; // it lives on
    }
    let orderly = signal != 9;
    if !process.container.is_empty() {
        let main = world.machine(machine).runtime.containers.get(&process.container).map(|c| c.pid);
        if main == Some(pid) {
            // A server that gets TERM or QUIT ends as asked; KILL and the like show as 128 + signal.
            let code = if matches!(signal, 3 | 15) { 0 } else { 128 + signal };
            containers::exit(world, machine, &process.container, code, orderly, cause);
        } else {
            world.machine_mut(machine).processes.remove(&pid);
        }
        return true;
    }
    systemd::end_process(world, machine, pid, 128 + signal, orderly, cause);
    systemd::exited(world, machine, pid, 128 + signal, cause);
    true
}
