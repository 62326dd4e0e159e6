//! The kubelet's own server on port 10250: logs of its containers, and streams into them.
//! Models pkg/kubelet/server (containerLogs, exec, attach, portForward).

use super::Kubelet;
use crate::api::{Kind, Map, Object, Reason, Request, Response, Status, Value, pod};
use crate::base::Duration;
use crate::runtime::{Container, ContainerState, process, usage};
use crate::sim::{Caller, Ctx, Msg};

impl Kubelet {
    pub(super) fn serve(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request) {
        let answer = match (request.kind, request.subresource.as_str()) {
            (Kind::POD, "log") => self.logs(ctx, request),
            (Kind::POD, "exec" | "attach" | "portforward") => self.stream(ctx, request),
            (Kind::NODE, "metrics") => Ok(self.stats(ctx)),
            _ => Err(Status::new(Reason::NotFound, "the server could not find the requested resource")),
        };
        let response = answer.unwrap_or_else(|status| Response::Error(status.into()));
        ctx.respond(caller, Duration::millis(2), Ok(response));
    }

    /// What the node and its pods used so far: processor time in microseconds, memory in bytes.
    /// Models the summary API (pkg/kubelet/server/stats).
    fn stats(&self, ctx: &Ctx<'_>) -> Response {
        let (host, now) = (ctx.host(), ctx.now());
        // The system, the runtime and the kubelet itself take something, too.
        let mut cpu = now.0 * if host.cpus > 1 { 60 } else { 35 } / 1000;
        let mut memory = 420 << 20;
        let mut pods: Vec<Value> = Vec::new();
        for w in self.workers.values() {
            let mut containers: Vec<Value> = Vec::new();
            for i in 0..w.containers.len() {
                let Some(c) = w.run(i, &host.runtime).filter(|c| c.state == ContainerState::Running) else { continue };
                let (used, size) = (usage::cpu(c, now).0, usage::memory(c));
                (cpu, memory) = (cpu + used, memory + size);
                containers.push(Value::Map(map! { "name" => &c.name, "cpu" => used, "memory" => size }));
            }
            let key = &w.posted_pod().key;
            if !containers.is_empty() {
                pods.push(Value::Map(
                    map! { "name" => &key.name, "namespace" => &key.namespace, "containers" => containers },
                ));
            }
        }
        let mut o = Object::new(Kind::NODE, "", &self.node_name);
        o.set(&["node"], map! { "cpu" => cpu, "memory" => memory });
        o.set(&["pods"], pods);
        Response::Object(std::sync::Arc::new(o))
    }

    /// Lines with their times, oldest first. Options: `container`, `previous`.
    fn logs(&self, ctx: &Ctx<'_>, request: &Request) -> Result<Response, Status> {
        let bad = |text: String| Status::new(Reason::BadRequest, text);
        let named = |w: &&std::sync::Arc<super::Worker>| {
            w.pod.key.name == request.name && w.pod.key.namespace == request.namespace
        };
        let w = self.workers.values().find(named).ok_or_else(|| {
            bad(format!("pod \"{}\" in namespace \"{}\" is not known to the kubelet", request.name, request.namespace))
        })?;
        let options = request.body.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
        let name = container_name(&options, w);
        let Some(slot) = w.containers.iter().find(|s| s.name == name) else {
            return Err(bad(format!("container {name} is not valid for pod {}", request.name)));
        };
        let previous = options.get("previous").and_then(Value::as_bool).unwrap_or(false);
        let data = &ctx.host().runtime;
        let newest = slot.id.as_ref().and_then(|id| data.containers.get(id));
        let waits = slot.waiting.as_ref().map_or("ContainerCreating", |(reason, _)| reason);
        let run = if previous {
            let ended = newest.filter(|c| c.state == ContainerState::Exited && slot.waiting.is_some());
            ended.or_else(|| data.containers.get(slot.previous.as_ref()?)).ok_or_else(|| {
                bad(format!("previous terminated container \"{name}\" in pod \"{}\" not found", request.name))
            })?
        } else {
            newest.ok_or_else(|| {
                bad(format!("container \"{name}\" in pod \"{}\" is waiting to start: {waits}", request.name))
            })?
        };
        Ok(Response::Text(text(run, ctx).into()))
    }
}

impl Kubelet {
    /// Has the runtime open a stream into a container; answers with the terminal at its other end.
    /// Options: `container`, `command`, `stdin`, `tty`, `input`, and who asked (`terminal`, `token`).
    fn stream(&mut self, ctx: &mut Ctx<'_>, request: &Request) -> Result<Response, Status> {
        let modern = self.profile == crate::sim::Profile::Modern;
        let refused = |why: String| {
            let before = if modern { "Internal error occurred: " } else { "" };
            Status::new(Reason::InternalError, format!("{before}unable to upgrade connection: {why}"))
        };
        let w = self
            .workers
            .values()
            .find(|w| w.pod.key.name == request.name && w.pod.key.namespace == request.namespace)
            .ok_or_else(|| refused("pod does not exist".to_owned()))?;
        let mut options = request.body.as_ref().and_then(Value::as_map).cloned().unwrap_or_default();
        let name = container_name(&options, w);
        let id = w.containers.iter().find(|s| s.name == name).and_then(|s| s.id.clone());
        let run =
            id.and_then(|id| ctx.host().runtime.containers.get(&id)).filter(|c| c.state == ContainerState::Running);
        let Some(run) = run else { return Err(refused(format!("container not found (\"{name}\")"))) };
        if super::daemon(ctx).is_none() {
            return Err(refused(crate::runtime::unreachable(self.profile).to_owned()));
        }
        options.insert("container", &run.id);
        let Some(shell) = process::shell_of(ctx.world, ctx.machine) else {
            return Err(refused("no shell carries out commands on this machine".to_owned()));
        };
        let topic = if request.subresource == "attach" { "attach" } else { "exec" };
        if request.subresource != "portforward" {
            // The runtime joins the namespaces and starts the process.
            let wait = ctx.rng.between(Duration::millis(30), Duration::millis(90));
            ctx.send(shell, wait, Msg::Notify(topic.into(), options.into()));
            return Ok(Response::Text(ecow::eco_format!("{}", shell.0)));
        }
        Ok(Response::Text(ecow::eco_format!("{} {}", ctx.machine, run.sandbox)))
    }
}

fn container_name(options: &Map, w: &super::Worker) -> crate::base::Str {
    match options.str("container") {
        "" => pod::containers(&w.pod).first().map(|c| c.str("name").into()).unwrap_or_default(),
        name => name.into(),
    }
}

fn text(run: &Container, ctx: &Ctx<'_>) -> String {
    let lines = process::log(run, ctx.now());
    lines.iter().map(|(at, line)| format!("{} {line}\n", at.rfc3339_micro())).collect()
}
