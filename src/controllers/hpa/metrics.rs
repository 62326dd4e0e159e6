//! From what pods use to how many there should be.
//! Models pkg/controller/podautoscaler/replica_calculator.go.

use std::sync::Arc;

use super::{Kit, pods_of};
use crate::api::quantity::Quantity;
use crate::api::{Object, Value, meta, pod};
use crate::base::Str;

pub struct Measured {
    pub replicas: i64,
    /// `status.currentMetrics`.
    pub current: Vec<Value>,
    /// `cpu resource utilization (percentage of request)`.
    pub name: Str,
}

/// The largest proposal of all metrics, or the resource and why it cannot be had.
pub fn propose(
    kit: &Kit<'_, '_>,
    hpa: &Object,
    scale: &Object,
    current: i64,
    usage: Result<Vec<Arc<Object>>, Str>,
) -> Result<Measured, (Str, Str)> {
    let mut best: Option<(i64, Str)> = None;
    let mut shown = Vec::new();
    for m in hpa.items(&["spec", "metrics"]).iter().filter(|m| m.str("type") == "Resource") {
        let resource = Str::from(m.at(&["resource", "name"]).map_or("cpu", Value::as_str));
        let fail = |why: String| (resource.clone(), ecow::eco_format!("failed to get {resource} utilization: {why}"));
        let of = match &usage {
            Ok(all) => all,
            Err(error) => {
                let why = format!(
                    "unable to get metrics for resource {resource}: unable to fetch metrics from resource metrics API: {error}"
                );
                return Err(fail(why));
            }
        };
        let target = |field: &str| m.at(&["resource", "target", field]);
        let ready: Vec<Arc<Object>> = pods_of(kit, hpa, scale)
            .into_iter()
            .filter(|p| pod::ready(p) && !meta::deleting(p) && !pod::terminal(p))
            .collect();
        let (mut used, mut asked, mut n) = (0, 0, 0);
        for p in &ready {
            let Some(metric) = of.iter().find(|o| o.name() == p.name()) else { continue };
            n += 1;
            used += sum(metric.items(&["containers"]), &["usage"], &resource).unwrap_or(0);
            if target("averageUtilization").is_none() {
                continue;
            }
            match sum(pod::containers(p), &["resources", "requests"], &resource) {
                Some(request) => asked += request,
                None if kit.modern() => {
                    let name = pod::containers(p).first().map_or("", |c| c.str("name"));
                    return Err(fail(format!(
                        "missing request for {resource} in container {name} of Pod {}",
                        p.name()
                    )));
                }
                None => return Err(fail(format!("missing request for {resource}"))),
            }
        }
        if n == 0 {
            let why =
                format!("unable to get metrics for resource {resource}: no metrics returned from resource metrics API");
            return Err(fail(why));
        }
        let average = show(&resource, used / n);
        let mut now = map! { "averageValue" => average };
        let (have, want, name): (i64, i64, Str) = match target("averageUtilization").and_then(Value::as_int) {
            Some(percent) => {
                let have = used * 100 / asked.max(1);
                now.insert("averageUtilization", have);
                (have, percent, ecow::eco_format!("{resource} resource utilization (percentage of request)"))
            }
            None => {
                let want = target("averageValue").and_then(Quantity::of).map_or(1, |q| amount(&resource, q));
                (used / n, want.max(1), ecow::eco_format!("{resource} resource"))
            }
        };
        // Within a tenth nothing is done.
        let near = (have - want).abs() * 10 <= want;
        let count = if near { current } else { (have * n + want - 1).div_euclid(want.max(1)) };
        if best.as_ref().is_none_or(|(most, _)| count > *most) {
            best = Some((count, name));
        }
        shown.push(Value::Map(
            map! { "resource" => map! { "current" => now, "name" => &resource }, "type" => "Resource" },
        ));
    }
    let (replicas, name) = best.unwrap_or((current, "cpu resource utilization (percentage of request)".into()));
    Ok(Measured { replicas, current: shown, name })
}

/// CPU in thousandths, anything else in units.
fn amount(resource: &str, q: Quantity) -> i64 {
    if resource == "cpu" { q.millis() } else { q.value() }
}
fn show(resource: &str, n: i64) -> Str {
    let q = if resource == "cpu" { Quantity::from_millis(n) } else { Quantity::from_int(n) };
    Str::from(q.to_string())
}

/// The sum over containers; `None` if one does not say.
fn sum(containers: &[Value], list: &[&str], resource: &str) -> Option<i64> {
    let one = |c: &Value| Some(amount(resource, c.at(list)?.get(resource).and_then(Quantity::of)?));
    containers.iter().map(one).sum()
}
