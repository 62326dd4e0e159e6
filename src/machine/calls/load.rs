//! Calls about what memory and disk hold.

use crate::api::{List, Value};
use crate::machine::terminal::CommandHost;
use crate::machine::{File, files, load};
use crate::runtime::usage;

pub const NO_SPACE: &str = "No space left on device";

pub fn load(host: &CommandHost<'_, '_>) -> Value {
    let m = host.ctx.host();
    let oom = m.oom_kills.iter().map(|(at, who)| {
        let since = at.since(m.booted_at).0;
        format!("[{:5}.{:06}] Out of memory: Killed process {who}", since / 1_000_000, since % 1_000_000).into()
    });
    map! {
        "memory" => load::memory_used(m),
        "disk" => load::DISK,
        "diskUsed" => load::disk_used(m).min(load::DISK),
        "shm" => load::below(m, "/dev/shm"),
        "oom" => oom.collect::<Vec<Value>>(),
        "inside" => i64::from(!host.task.container.is_empty()),
    }
    .into()
}

pub fn allocate(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let path = host.path(input.str("path"));
    let number = input.get("bytes").and_then(Value::as_int).unwrap_or(0).max(0) as u64;
    let keep = input.get("keep").and_then(Value::as_bool) == Some(true);
    let (now, machine, cause) = (host.ctx.now(), host.ctx.machine, host.ctx.cause);
    let m = host.ctx.host_mut();
    let old = m.files.get(&path).cloned();
    let before = old.as_ref().map_or(0, File::size);
    let content = old.filter(|_| keep).map(|f| f.content.text().clone()).unwrap_or_default();
    let size = if keep { number.max(before) } else { number };
    let room = load::DISK.saturating_sub(load::disk_used(m)) + before;
    let fits = load::in_memory(&path) || size <= room;
    // What is written before the disk is full stays; a reservation is all or nothing.
    let size = if fits {
        size
    } else if keep {
        before
    } else {
        room
    };
    if let Err(why) = files::write(m, &path, content, now) {
        return why.into();
    }
    if let Some(file) = m.files.get_mut(&path) {
        file.hole = size.saturating_sub(file.content.text().len() as u64);
    }
    if load::in_memory(&path) {
        load::relieve(host.ctx.world, machine, cause);
    }
    if fits { "" } else { NO_SPACE }.into()
}

pub fn sizes(host: &CommandHost<'_, '_>, input: &Value) -> Value {
    let path = host.path(input.as_str());
    let m = host.ctx.host();
    if files::stat(m, &path).is_none() {
        return Value::Null;
    }
    let own = m.files.get(&path).map(|f| (path.clone(), f.size()));
    let mut all: Vec<_> = m.below(&path).filter_map(|p| Some((p.clone(), m.files.get(p)?.size()))).chain(own).collect();
    let (store, images) = (store(host), m.runtime.images.values().map(|i| i.size).sum::<u64>());
    if host.task.container.is_empty() && (path == "/" || store.starts_with(path.as_str())) {
        all.push((store.into(), images));
    }
    let one = |(path, size): (crate::base::Str, u64)| Value::from(vec![Value::from(path), Value::from(size)]);
    all.into_iter().map(one).collect::<List>().into()
}

/// Where the runtime keeps its images' layers.
fn store(host: &CommandHost<'_, '_>) -> &'static str {
    match host.ctx.world.config.profile {
        crate::sim::Profile::Book => "/var/lib/docker/overlay2/layers",
        crate::sim::Profile::Modern => "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots",
    }
}

pub fn grown(host: &mut CommandHost<'_, '_>) -> Value {
    let (machine, cause, container) = (host.ctx.machine, host.ctx.cause, host.task.container.clone());
    let m = host.ctx.host();
    if let Some(c) = m.runtime.containers.get(&container).filter(|c| c.memory_limit > 0) {
        let others = m.processes.values().filter(|p| p.container == container && p.pid != c.pid);
        let claimed: u64 = others.map(|p| load::claims_mib(&p.command) << 20).sum();
        if usage::memory(c) + claimed > c.memory_limit {
            return false.into();
        }
    }
    load::relieve(host.ctx.world, machine, cause);
    let m = host.ctx.host();
    (load::memory_used(m) <= load::memory_total(m)).into()
}
