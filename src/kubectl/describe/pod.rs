//! `kubectl describe pod`.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, template, when};
use crate::api::{Object, Value, meta, pod};

pub fn describe(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    if let Some(priority) = o.int(&["spec", "priority"]) {
        p.field(0, "Priority", priority);
        let class = o.str(&["spec", "priorityClassName"]);
        if !class.is_empty() {
            p.field(0, "Priority Class Name", class);
        }
    }
    if cx.modern() && !o.str(&["spec", "serviceAccountName"]).is_empty() {
        p.field(0, "Service Account", o.str(&["spec", "serviceAccountName"]));
    }
    match pod::node_name(o) {
        "" => p.field(0, "Node", "<none>"),
        node => p.field(0, "Node", format!("{node}/{}", o.str(&["status", "hostIP"]))),
    }
    if !o.str(&["status", "startTime"]).is_empty() {
        p.field(0, "Start Time", when(o.str(&["status", "startTime"])));
    }
    p.marks(o);
    status(cx, o, p)?;
    p.field(0, "IP", pod::pod_ip(o));
    ips(o, p);
    if let Some(owner) = meta::controller_of(o) {
        p.field(0, "Controlled By", format!("{}/{}", owner.str("kind"), owner.str("name")));
    }
    let nominated = o.str(&["status", "nominatedNodeName"]);
    if !nominated.is_empty() {
        p.field(0, "NominatedNodeName", nominated);
    }
    containers(o, p);
    conditions(o, p);
    template::volumes(o.items(&["spec", "volumes"]), "", p);
    let qos = o.str(&["status", "qosClass"]);
    if !qos.is_empty() {
        p.field(0, "QoS Class", qos);
    }
    p.labels("Node-Selectors", o.get(&["spec", "nodeSelector"]).and_then(Value::as_map));
    template::tolerations("Tolerations", o.items(&["spec", "tolerations"]), p);
    if let Some(spec) = o.get(&["spec"]) {
        template::spread_constraints(spec, "", p);
    }
    events::about(cx, o, p)
}

fn status(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    if let Some(end) = meta::deletion_timestamp(o) {
        let now = cx.now()?;
        // Until the period is over the time lies ahead, which upstream calls invalid.
        let lasts = if end.0 > now.0 + 1_000_000 { "<invalid>".to_owned() } else { now.since(end).human() };
        p.field(0, "Status", format!("Terminating (lasts {lasts})"));
        let grace = o.int(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        p.field(0, "Termination Grace Period", format!("{grace}s"));
    } else {
        p.field(0, "Status", pod::phase(o));
    }
    for (path, title) in [("reason", "Reason"), ("message", "Message")] {
        let text = o.str(&["status", path]);
        if !text.is_empty() {
            p.field(0, title, text);
        }
    }
    Ok(())
}

fn ips(o: &Object, p: &mut Page) {
    let all = o.items(&["status", "podIPs"]);
    if all.is_empty() {
        return p.field(0, "IPs", "<none>");
    }
    p.line(0, "IPs:");
    for ip in all {
        p.field(1, "IP", ip.str("ip"));
    }
}

fn containers(o: &Object, p: &mut Page) {
    let init = pod::init_containers(o);
    if !init.is_empty() {
        let statuses = o.items(&["status", "initContainerStatuses"]);
        template::containers("Init Containers", init, Some(statuses), Some(o), "", p);
    }
    template::containers("Containers", pod::containers(o), Some(pod::container_statuses(o)), Some(o), "", p);
}

fn conditions(o: &Object, p: &mut Page) {
    let all = o.items(&["status", "conditions"]);
    if all.is_empty() {
        return;
    }
    p.put("Conditions:\n  Type\tStatus\n");
    for c in all {
        p.line(1, format!("{} \t{} ", c.str("type"), c.str("status")));
    }
}
