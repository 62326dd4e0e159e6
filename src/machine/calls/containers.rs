//! Calls about the machine's container runtime, as its own clients see it.

use crate::api::{List, Value};
use crate::base::arrange::Arrange;
use crate::machine::terminal::CommandHost;
use crate::runtime::{ContainerState, Image, images, process};
use crate::sim::Msg;

/// `{containers, sandboxes, images}`; `Null`: no daemon serves.
pub fn all(host: &CommandHost<'_, '_>) -> Value {
    let m = host.ctx.host();
    let data = &m.runtime;
    if data.daemon.is_none_or(|id| !host.ctx.world.alive(id)) {
        return Value::Null;
    }
    let now = host.ctx.now();
    let book = host.ctx.world.config.profile == crate::sim::Profile::Book;
    let mut containers: Vec<(u64, Value)> = Vec::new();
    for c in data.containers.values() {
        let full = images::normalize(&c.image).unwrap_or_default();
        let digest = data.images.get(&full).map_or_else(|| images::digest(&full), |i| i.digest.clone());
        let command = m.processes.get(&c.pid).map_or_else(|| c.args.join(" "), |p| p.command.to_string());
        let log: List = process::log(c, now).into_iter().map(|(_, line)| Value::from(line)).collect();
        let value = map! {
            "id" => &c.id, "sandbox" => &c.sandbox, "pod" => &c.pod.name, "namespace" => &c.pod.namespace,
            "name" => &c.name, "image" => &full, "shortImage" => c.image.rsplit('/').next().unwrap_or(""),
            "imageId" => digest, "attempt" => c.attempt, "pid" => c.pid, "code" => c.exit_code,
            "state" => if c.state == ContainerState::Running { "running" } else { "exited" },
            "created" => c.created.0, "started" => c.started.0, "finished" => c.finished.0,
            "command" => command, "log" => log,
            "dockerName" => format!("k8s_{}_{}_{}_{}_{}", c.name, c.pod.name, c.pod.namespace, c.uid, c.attempt),
        };
        containers.push((c.created.0, value.into()));
    }
    let mut sandboxes: Vec<(u64, Value)> = Vec::new();
    for s in data.sandboxes.values() {
        let value = map! {
            "id" => &s.id, "pod" => &s.pod.name, "namespace" => &s.pod.namespace, "ready" => s.ready,
            "created" => s.created.0, "attempt" => s.attempt,
        };
        if book {
            let pause = map! {
                "id" => &s.id, "name" => "POD", "shortImage" => "pause:3.2", "image" => "k8s.gcr.io/pause:3.2",
                "state" => if s.ready { "running" } else { "exited" }, "created" => s.created.0,
                "started" => s.created.0, "command" => "/pause", "pid" => s.pid,
                "dockerName" => format!("k8s_POD_{}_{}_{}_{}", s.pod.name, s.pod.namespace, s.uid, s.attempt),
            };
            containers.push((s.created.0, pause.into()));
        }
        sandboxes.push((s.created.0, value.into()));
    }
    containers.arrange_by_key(|(at, _)| *at);
    sandboxes.arrange_by_key(|(at, _)| *at);
    let list = |v: Vec<(u64, Value)>| v.into_iter().map(|(_, v)| v).collect::<List>();
    let images: List = data
        .images
        .values()
        .map(|i| Value::from(map! { "name" => &i.reference, "digest" => &i.digest, "size" => i.size as i64 }))
        .collect();
    map! { "containers" => list(containers), "sandboxes" => list(sandboxes), "images" => images }.into()
}

/// What pulling an image comes to: `{full, digest, micros, error}`.
pub fn pull(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let profile = host.ctx.world.config.profile;
    let full = match images::normalize(input.as_str()) {
        Ok(full) => full,
        Err(why) => return map! { "error" => why }.into(),
    };
    match images::find(&full) {
        Ok(_) if images::hub_refuses(host.ctx.world, host.ctx.machine, &full) => {
            let error = images::pull_error(profile, input.as_str(), images::PullError::RateLimit);
            map! { "error" => error, "micros" => 900_000 }.into()
        }
        Ok(row) => {
            let present = host.ctx.host().runtime.images.contains_key(&full);
            let micros = images::pull_time(row.size(), present).0;
            map! { "digest" => images::digest(&full), "full" => full, "micros" => micros }.into()
        }
        Err(error) => {
            map! { "error" => images::pull_error(profile, input.as_str(), error), "micros" => 1_400_000 }.into()
        }
    }
}

/// A pulled image is there now.
pub fn keep(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let Ok(full) = images::normalize(input.as_str()) else { return Value::Null };
    let Ok(row) = images::find(&full) else { return Value::Null };
    let image = Image { reference: full.clone(), digest: images::digest(&full), size: row.size() };
    host.ctx.host_mut().runtime.images.insert(full, image);
    Value::Null
}

/// `{id, signal, remove}`
pub fn stop(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let (machine, cause, id) = (host.ctx.machine, host.ctx.cause, input.str("id"));
    let killed = input.get("signal").and_then(Value::as_int) == Some(9);
    let code =
        host.ctx.host().runtime.containers.get(id).and_then(|c| c.program.on_terminate()).map_or(137, |(_, c)| c);
    process::exit(host.ctx.world, machine, id, if killed { 137 } else { code }, true, cause);
    if input.get("remove").and_then(Value::as_bool) == Some(true) {
        let data = &mut host.ctx.host_mut().runtime;
        if let Some(c) = data.containers.remove(id)
            && let Some(s) = data.sandboxes.get_mut(&c.sandbox)
        {
            s.containers.retain(|other| other != id);
        }
    }
    Value::Null
}

/// A process in a container for this command: `{container, args, stdin, tty, input}`.
pub fn exec(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let me = host.ctx.me;
    let mut data = input.as_map().cloned().unwrap_or_default();
    data.insert("terminal", me.0);
    data.insert("token", host.task.id);
    let session = input.get("stdin").and_then(Value::as_bool) == Some(true) && input.get("input").is_none();
    let wait = host.ctx.rng.between(crate::base::Duration::millis(30), crate::base::Duration::millis(90));
    host.ctx.send(me, wait, Msg::Notify("exec".into(), data.into()));
    super::remote::join(host, me, session);
    Value::Null
}
