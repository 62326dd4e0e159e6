//! The kubelet's own server on port 10250: the logs of its containers.
//! Models pkg/kubelet/server (containerLogs).

use super::Kubelet;
use crate::api::{Kind, Map, Reason, Request, Response, Status, Value, pod};
use crate::base::Duration;
use crate::runtime::{Container, ContainerState, process};
use crate::sim::{Caller, Ctx};

impl Kubelet {
    pub(super) fn serve(&mut self, ctx: &mut Ctx<'_>, caller: Caller, request: &Request) {
        let answer = match (request.kind, request.subresource.as_str()) {
            (Kind::POD, "log") => self.logs(ctx, request),
            _ => Err(Status::new(Reason::NotFound, "the server could not find the requested resource")),
        };
        let response = answer.unwrap_or_else(|status| Response::Error(status.into()));
        ctx.respond(caller, Duration::millis(2), Ok(response));
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
