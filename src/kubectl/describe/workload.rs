//! `kubectl describe` of deployments, replica sets, daemon sets, stateful sets, autoscalers, budgets.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, or_none, selector_text, template, text_of, when};
use crate::api::selector::LabelSelector;
use crate::api::{Kind, Object, Request, Value, meta, pod};
use crate::base::arrange::Arrange;
use std::sync::Arc;

fn number(o: &Object, path: &[&str]) -> i64 {
    o.int(path).unwrap_or(0)
}

fn conditions(o: &Object, p: &mut Page) {
    let all = o.items(&["status", "conditions"]);
    if all.is_empty() {
        return;
    }
    p.put("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
    for c in all {
        p.line(1, format!("{} \t{}\t{}", c.str("type"), c.str("status"), c.str("reason")));
    }
}

/// How many of a workload's pods are in which phase.
fn pods_status(cx: &mut Cx<'_, '_>, o: &Object) -> Run<String> {
    let mut request = Request::list(Kind::POD, o.namespace().clone());
    request.labels = match o.kind() {
        Kind::REPLICATION_CONTROLLER => {
            o.get(&["spec", "selector"]).and_then(Value::as_map).map(LabelSelector::of_map).unwrap_or_default()
        }
        _ => o.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default(),
    };
    let all = cx.list(request)?.items;
    let own: Vec<_> =
        all.iter().filter(|x| meta::controller_of(x).is_some_and(|c| c.str("uid") == meta::uid(o))).collect();
    let count = |phase: &str| own.iter().filter(|x| pod::phase(x) == phase).count();
    Ok(format!(
        "{} Running / {} Waiting / {} Succeeded / {} Failed",
        count("Running"),
        count("Pending"),
        count("Succeeded"),
        count("Failed")
    ))
}

fn controlled_by(o: &Object, p: &mut Page) {
    if let Some(owner) = meta::controller_of(o) {
        p.field(0, "Controlled By", format!("{}/{}", owner.str("kind"), owner.str("name")));
    }
}

/// Replica sets of before, and the current one.
pub type OldAndNew = (Vec<Arc<Object>>, Option<Arc<Object>>);

/// The replica sets of a deployment.
pub fn replica_sets(cx: &mut Cx<'_, '_>, o: &Object) -> Run<OldAndNew> {
    let mut request = Request::list(Kind::REPLICA_SET, o.namespace().clone());
    request.labels = o.get(&["spec", "selector"]).map(LabelSelector::of_value).unwrap_or_default();
    let mut own: Vec<Arc<Object>> = cx
        .list(request)?
        .items
        .into_iter()
        .filter(|r| meta::controller_of(r).is_some_and(|c| c.str("uid") == meta::uid(o)))
        .collect();
    own.arrange_by_key(|r| (meta::created(r), r.name().clone()));
    let template = |x: &Object| {
        let mut t = x.get(&["spec", "template"]).cloned().unwrap_or_default();
        if t.at(&["metadata", "labels", "pod-template-hash"]).is_some() {
            t.entry(&["metadata", "labels"]).make_map().remove("pod-template-hash");
        }
        t
    };
    let wanted = template(o);
    let at = own.iter().position(|r| template(r) == wanted);
    let current = at.map(|i| own.remove(i));
    Ok((own, current))
}

pub fn deployment(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    let events = events::fetch(cx, o)?;
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    p.field(0, "CreationTimestamp", when(o.str(&["metadata", "creationTimestamp"])));
    p.marks(o);
    p.field(0, "Selector", selector_text(o.get(&["spec", "selector"])));
    let s = |field: &str| number(o, &["status", field]);
    p.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            number(o, &["spec", "replicas"]),
            s("updatedReplicas"),
            s("replicas"),
            s("availableReplicas"),
            s("unavailableReplicas")
        ),
    );
    p.field(0, "StrategyType", o.str(&["spec", "strategy", "type"]));
    p.field(0, "MinReadySeconds", number(o, &["spec", "minReadySeconds"]));
    if let Some(r) = o.get(&["spec", "strategy", "rollingUpdate"]).filter(|r| !r.is_null()) {
        let text =
            format!("{} max unavailable, {} max surge", text_of(r.get("maxUnavailable")), text_of(r.get("maxSurge")));
        p.field(0, "RollingUpdateStrategy", text);
    }
    template::pod_template(o.get(&["spec", "template"]), cx.profile, p);
    conditions(o, p);
    let (old, new) = replica_sets(cx, o)?;
    let text = |r: &Object| {
        format!(
            "{} ({}/{} replicas created)",
            r.name(),
            number(r, &["status", "replicas"]),
            number(r, &["spec", "replicas"])
        )
    };
    // 1.20 names only those that still have pods to have.
    let old: Vec<String> =
        old.iter().filter(|r| cx.modern() || number(r, &["spec", "replicas"]) != 0).map(|r| text(r)).collect();
    p.field(0, "OldReplicaSets", or_none(&old.join(", ")));
    p.field(0, "NewReplicaSet", new.map_or_else(|| "<none>".to_owned(), |r| text(&r)));
    events.map_or(Ok(()), |mut all| events::table(cx, &mut all, p))
}

pub fn replica_set(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    let selector = match o.kind() {
        Kind::REPLICATION_CONTROLLER => {
            let labels = crate::api::selector::format_labels(o.get(&["spec", "selector"]).and_then(Value::as_map));
            labels.to_string()
        }
        _ => selector_text(o.get(&["spec", "selector"])),
    };
    p.field(0, "Selector", selector);
    p.marks(o);
    controlled_by(o, p);
    let (current, wanted) = (number(o, &["status", "replicas"]), number(o, &["spec", "replicas"]));
    p.field(0, "Replicas", format!("{current} current / {wanted} desired"));
    p.field(0, "Pods Status", pods_status(cx, o)?);
    template::pod_template(o.get(&["spec", "template"]), cx.profile, p);
    conditions(o, p);
    events::about(cx, o, p)
}

pub fn daemon_set(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    if cx.modern() {
        p.field(0, "Namespace", o.namespace());
    }
    p.field(0, "Selector", selector_text(o.get(&["spec", "selector"])));
    p.labels("Node-Selector", o.get(&["spec", "template", "spec", "nodeSelector"]).and_then(Value::as_map));
    p.marks(o);
    for (title, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        p.line(0, format!("{title}: {}", number(o, &["status", field])));
    }
    p.field(0, "Pods Status", pods_status(cx, o)?);
    template::pod_template(o.get(&["spec", "template"]), cx.profile, p);
    events::about(cx, o, p)
}

pub fn stateful_set(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    p.field(0, "CreationTimestamp", when(o.str(&["metadata", "creationTimestamp"])));
    p.field(0, "Selector", selector_text(o.get(&["spec", "selector"])));
    p.marks(o);
    let (wanted, has) = (number(o, &["spec", "replicas"]), number(o, &["status", "replicas"]));
    p.field(0, "Replicas", format!("{wanted} desired | {has} total"));
    p.field(0, "Update Strategy", o.str(&["spec", "updateStrategy", "type"]));
    if let Some(partition) = o.int(&["spec", "updateStrategy", "rollingUpdate", "partition"]) {
        p.field(1, "Partition", partition);
    }
    p.field(0, "Pods Status", pods_status(cx, o)?);
    template::pod_template(o.get(&["spec", "template"]), cx.profile, p);
    let claims = o.items(&["spec", "volumeClaimTemplates"]);
    if claims.is_empty() {
        p.field(0, "Volume Claims", "<none>");
    } else {
        p.line(0, "Volume Claims:");
        for c in claims {
            let meta = |field: &str| c.at(&["metadata", field]);
            p.field(1, "Name", meta("name").map_or("", Value::as_str));
            p.field(1, "StorageClass", c.at(&["spec", "storageClassName"]).map_or("", Value::as_str));
            p.labels("  Labels", meta("labels").and_then(Value::as_map));
            p.annotations("  Annotations", meta("annotations").and_then(Value::as_map));
            p.field(1, "Capacity", text_of(c.at(&["spec", "resources", "requests", "storage"])));
            let modes: Vec<&str> =
                c.at(&["spec", "accessModes"]).map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
            p.field(1, "Access Modes", format!("[{}]", modes.join(" ")));
        }
    }
    events::about(cx, o, p)
}

pub fn autoscaler(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.field(0, "CreationTimestamp", when(o.str(&["metadata", "creationTimestamp"])));
    let target = |field: &str| o.str(&["spec", "scaleTargetRef", field]);
    p.field(0, "Reference", format!("{}/{}", target("kind"), target("name")));
    p.line(0, "Metrics:\t( current / target )");
    for (i, m) in o.items(&["spec", "metrics"]).iter().enumerate() {
        metric(m, o.items(&["status", "currentMetrics"]).get(i), p);
    }
    p.field(0, "Min replicas", o.int(&["spec", "minReplicas"]).map_or("<unset>".to_owned(), |n| n.to_string()));
    p.field(0, "Max replicas", number(o, &["spec", "maxReplicas"]));
    let s = |field: &str| number(o, &["status", field]);
    let text = format!("{} current / {} desired", s("currentReplicas"), s("desiredReplicas"));
    p.field(0, &format!("{} pods", target("kind")), text);
    let all = o.items(&["status", "conditions"]);
    if !all.is_empty() {
        p.put("Conditions:\n  Type\tStatus\tReason\tMessage\n  ----\t------\t------\t-------\n");
        for c in all {
            let text = format!("{}\t{}\t{}\t{}", c.str("type"), c.str("status"), c.str("reason"), c.str("message"));
            p.line(1, text);
        }
    }
    events::about(cx, o, p)
}

fn metric(m: &Value, current: Option<&Value>, p: &mut Page) {
    if m.str("type") != "Resource" {
        return p.line(1, format!("<unknown metric type {}>", super::super::flags::quote(m.str("type"))));
    }
    let name = m.at(&["resource", "name"]).map_or("", Value::as_str);
    let now = |field: &str| current.and_then(|c| c.at(&["resource", "current", field]));
    let target = |field: &str| m.at(&["resource", "target", field]);
    if let Some(average) = target("averageValue") {
        let has = now("averageValue").map_or("<unknown>".to_owned(), |v| text_of(Some(v)));
        return p.line(1, format!("resource {name} on pods:\t{has} / {}", text_of(Some(average))));
    }
    let has = match (now("averageUtilization").and_then(Value::as_int), now("averageValue")) {
        (Some(n), Some(v)) => format!("{n}% ({})", text_of(Some(v))),
        _ => "<unknown>".to_owned(),
    };
    let wanted = target("averageUtilization").and_then(Value::as_int).map_or("<auto>".to_owned(), |n| format!("{n}%"));
    p.line(1, format!("resource {name} on pods  (as a percentage of request):\t{has} / {wanted}"));
}

pub fn disruption_budget(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    for (field, title) in [("minAvailable", "Min available"), ("maxUnavailable", "Max unavailable")] {
        if let Some(v) = o.get(&["spec", field]) {
            p.field(0, title, text_of(Some(v)));
        }
    }
    p.field(0, "Selector", selector_text(o.get(&["spec", "selector"])));
    p.line(0, "Status:");
    for (title, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        p.field(2, title, number(o, &["status", field]));
    }
    events::about(cx, o, p)
}
