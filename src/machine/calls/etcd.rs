//! What a client of etcd sees: objects of the API under `/registry`, keys that people put themselves
//! (kept as files of etcd's data folder), and the state of the member.

use crate::api::{List, Object, Value};
use crate::base::Str;
use crate::etcd;
use crate::machine::Role;
use crate::machine::terminal::CommandHost;

/// Where keys that are no API objects are kept.
const OWN: &str = "/var/lib/etcd/member/keys";

/// The key of an object: `/registry/pods/default/nginx`.
fn key_of(o: &Object) -> Str {
    let info = o.kind().info();
    let group = match info.group {
        "apiextensions.k8s.io" | "apiregistration.k8s.io" => format!("{}/", info.group),
        _ => String::new(),
    };
    let plural = match info.plural {
        "nodes" => "minions",
        "endpoints" => "services/endpoints",
        "services" => "services/specs",
        other => other,
    };
    let namespace = if o.namespace().is_empty() { String::new() } else { format!("{}/", o.namespace()) };
    ecow::eco_format!("/registry/{group}{plural}/{namespace}{}", o.name())
}

/// `{verb: all | put | del | status, key, value, endpoint}`.
pub fn ask(host: &mut CommandHost<'_, '_>, input: &Value) -> Value {
    let ip = match input.str("endpoint") {
        "" | "127.0.0.1" | "localhost" => host.ctx.host().ip.clone(),
        ip => ip.into(),
    };
    let Some((machine, _)) = host.ctx.world.route(host.ctx.machine, &ip) else {
        return map! { "error" => "timeout" }.into();
    };
    let m = host.ctx.world.machine(machine);
    let up = m.listeners.get(&etcd::PORT).is_some_and(|id| host.ctx.world.alive(*id));
    if !up || m.role != Role::ControlPlane {
        return map! { "error" => "refused" }.into();
    }
    let now = host.ctx.now();
    let file = |key: &str| format!("{OWN}/{}", key.replace('/', "\u{1}"));
    match input.str("verb") {
        "put" => {
            host.ctx.world.machine_mut(machine).write(&file(input.str("key")), input.str("value"), now);
            Value::Bool(true)
        }
        "del" => host.ctx.world.machine_mut(machine).remove(&file(input.str("key"))).into(),
        "status" => {
            let data = m.etcd_data.as_ref();
            map! {
                "name" => &m.name, "ip" => &m.ip,
                "revision" => data.map_or(0, |d| d.revision() as i64), "keys" => data.map_or(0, |d| d.len() as i64),
            }
            .into()
        }
        _ => {
            let mut out: Vec<(Str, Value)> = Vec::new();
            for o in m.etcd_data.iter().flat_map(|d| d.iter()) {
                let text = serde_json::to_string(&o.to_value()).unwrap_or_default();
                out.push((key_of(o), text.into()));
            }
            for path in m.below(OWN) {
                let key = path[OWN.len() + 1..].replace('\u{1}', "/");
                out.push((key.into(), m.read(path).cloned().unwrap_or_default().into()));
            }
            out.sort_by(|a, b| a.0.cmp(&b.0));
            let rows: List = out.into_iter().map(|(k, v)| Value::from(map! { "key" => k, "value" => v })).collect();
            rows.into()
        }
    }
}
