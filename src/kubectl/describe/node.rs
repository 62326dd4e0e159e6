//! `kubectl describe node`.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, text_of, when};
use crate::api::quantity::Quantity;
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, meta, node, pod};
use crate::base::arrange::Arrange;
use std::collections::BTreeMap;
use std::sync::Arc;

pub fn describe(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Roles", roles(o));
    p.marks(o);
    p.field(0, "CreationTimestamp", when(o.str(&["metadata", "creationTimestamp"])));
    let mut taints: Vec<String> = node::taints(o).iter().map(taint_text).collect();
    taints.arrange();
    p.several("Taints", &taints);
    p.field(0, "Unschedulable", node::unschedulable(o));
    lease(cx, o, p)?;
    conditions(o, p);
    p.line(0, "Addresses:");
    for a in o.items(&["status", "addresses"]) {
        p.field(1, a.str("type"), a.str("address"));
    }
    for (field, title) in [("capacity", "Capacity"), ("allocatable", "Allocatable")] {
        let Some(map) = o.get(&["status", field]).and_then(Value::as_map).filter(|m| !m.is_empty()) else { continue };
        p.line(0, format!("{title}:"));
        for (name, amount) in map.iter() {
            p.field(1, name, text_of(Some(amount)));
        }
    }
    system_info(cx, o, p);
    let cidr = o.str(&["spec", "podCIDR"]);
    if !cidr.is_empty() {
        p.field(0, "PodCIDR", cidr);
    }
    let cidrs: Vec<&str> = o.items(&["spec", "podCIDRs"]).iter().map(Value::as_str).collect();
    if !cidrs.is_empty() {
        p.field(0, "PodCIDRs", cidrs.join(","));
    }
    if !o.str(&["spec", "providerID"]).is_empty() {
        p.field(0, "ProviderID", o.str(&["spec", "providerID"]));
    }
    pods(cx, o, p)?;
    events::about(cx, o, p)
}

/// `control-plane,master`, or `<none>`.
fn roles(o: &Object) -> String {
    let labels = meta::labels(o);
    let mut roles: Vec<&str> = Vec::new();
    for (key, value) in labels.into_iter().flat_map(Map::iter) {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/") {
            roles.push(role);
        } else if key == "kubernetes.io/role" {
            roles.push(value.as_str());
        }
    }
    roles.arrange();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

/// `key=value:effect`
pub fn taint_text(t: &Value) -> String {
    match t.str("value") {
        "" => format!("{}:{}", t.str("key"), t.str("effect")),
        value => format!("{}={value}:{}", t.str("key"), t.str("effect")),
    }
}

fn lease(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    let key = ObjectKey::new(Kind::LEASE, "kube-node-lease", o.name().clone());
    let lease = cx.find(&key)?;
    let get = |field: &str| lease.as_ref().map_or("", |l| l.str(&["spec", field])).to_owned();
    p.line(0, "Lease:");
    let holder = get("holderIdentity");
    p.field(1, "HolderIdentity", if holder.is_empty() { "<unset>" } else { &holder });
    p.field(1, "AcquireTime", when(&get("acquireTime")));
    p.field(1, "RenewTime", when(&get("renewTime")));
    Ok(())
}

fn conditions(o: &Object, p: &mut Page) {
    let all = o.items(&["status", "conditions"]);
    if all.is_empty() {
        return;
    }
    p.put("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n");
    p.put("  ----\t------\t-----------------\t------------------\t------\t-------\n");
    for c in all {
        p.line(
            1,
            format!(
                "{} \t{} \t{} \t{} \t{} \t{} ",
                c.str("type"),
                c.str("status"),
                when(c.str("lastHeartbeatTime")),
                when(c.str("lastTransitionTime")),
                c.str("reason"),
                c.str("message")
            )
            .trim_end(),
        );
    }
}

fn system_info(cx: &Cx<'_, '_>, o: &Object, p: &mut Page) {
    p.line(0, "System Info:");
    let mut rows = vec![
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ];
    if !cx.modern() {
        rows.push(("Kube-Proxy Version", "kubeProxyVersion"));
    }
    for (title, field) in rows {
        p.field(1, title, o.str(&["status", "nodeInfo", field]));
    }
}

/// Requests or limits of a pod: the sum of its containers, or more where an init container needs it.
fn pod_total(o: &Object, what: &str) -> BTreeMap<String, i64> {
    let amounts = |c: &Value| -> Vec<(String, i64)> {
        let map = c.at(&["resources", what]).and_then(Value::as_map).cloned().unwrap_or_default();
        map.iter().filter_map(|(k, v)| Some((k.to_string(), Quantity::of(v)?.millis()))).collect()
    };
    let mut total: BTreeMap<String, i64> = BTreeMap::new();
    for (name, n) in pod::containers(o).iter().flat_map(amounts) {
        *total.entry(name).or_default() += n;
    }
    for (name, n) in pod::init_containers(o).iter().flat_map(amounts) {
        let has = total.entry(name).or_default();
        *has = (*has).max(n);
    }
    total
}

fn pods(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    let mut request = Request::list(Kind::POD, "");
    for (path, value, equal) in [
        ("spec.nodeName", o.name().as_str(), true),
        ("status.phase", "Succeeded", false),
        ("status.phase", "Failed", false),
    ] {
        request.fields.0.push((path.into(), value.into(), equal));
    }
    let all: Vec<Arc<Object>> = cx.list(request)?.items;
    let now = cx.now()?;
    p.line(0, format!("Non-terminated Pods:\t({} in total)", all.len()));
    let age = cx.by("AGE", "Age");
    p.line(1, format!("Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\t{age}"));
    p.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let allocatable = |name: &str| {
        let amount = o.get(&["status", "allocatable", name]).or_else(|| o.get(&["status", "capacity", name]));
        amount.and_then(Quantity::of).unwrap_or_default().millis()
    };
    let share = |name: &str, n: i64| {
        let of = allocatable(name);
        format!("{} ({}%)", amount_text(name, n), if of > 0 { i128::from(n) * 100 / i128::from(of) } else { 0 })
    };
    let (mut requests, mut limits): (BTreeMap<String, i64>, BTreeMap<String, i64>) = Default::default();
    for pod in &all {
        let (req, lim) = (pod_total(pod, "requests"), pod_total(pod, "limits"));
        let cell = |map: &BTreeMap<String, i64>, name: &str| share(name, map.get(name).copied().unwrap_or(0));
        p.line(
            1,
            format!(
                "{}\t{}\t\t{}\t{}\t{}\t{}\t{}",
                pod.namespace(),
                pod.name(),
                cell(&req, "cpu"),
                cell(&lim, "cpu"),
                cell(&req, "memory"),
                cell(&lim, "memory"),
                now.since(meta::created(pod)).human()
            ),
        );
        for (from, to) in [(req, &mut requests), (lim, &mut limits)] {
            for (name, n) in from {
                *to.entry(name).or_default() += n;
            }
        }
    }
    p.put("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
    p.line(1, "Resource\tRequests\tLimits");
    p.line(1, "--------\t--------\t------");
    let capacity = o.get(&["status", "allocatable"]).and_then(Value::as_map).cloned().unwrap_or_default();
    let standard = ["cpu", "memory", "ephemeral-storage"];
    let others = capacity.keys().map(|k| k.as_str()).filter(|k| !standard.contains(k) && *k != "pods");
    for name in standard.into_iter().chain(others) {
        let (req, lim) = (requests.get(name).copied().unwrap_or(0), limits.get(name).copied().unwrap_or(0));
        if standard.contains(&name) || name.starts_with("hugepages-") {
            p.line(1, format!("{name}\t{}\t{}", share(name, req), share(name, lim)));
        } else {
            p.line(1, format!("{name}\t{}\t{}", amount_text(name, req), amount_text(name, lim)));
        }
    }
    Ok(())
}

/// A sum of quantities, given in thousandths, in the suffix that fits.
fn amount_text(name: &str, millis: i64) -> String {
    if millis == 0 {
        return "0".to_owned();
    }
    if name == "cpu" {
        return if millis % 1000 == 0 { (millis / 1000).to_string() } else { format!("{millis}m") };
    }
    let n = millis / 1000;
    for (suffix, shift) in [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)] {
        if n % (1_i64 << shift) == 0 {
            return format!("{}{suffix}", n >> shift);
        }
    }
    n.to_string()
}
