//! Accessors for Pods.

use super::{Object, Value, meta};

pub fn node_name(pod: &Object) -> &str {
    pod.str(&["spec", "nodeName"])
}
/// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`; empty before the API server defaults it.
pub fn phase(pod: &Object) -> &str {
    pod.str(&["status", "phase"])
}
pub fn containers(pod: &Object) -> &[Value] {
    pod.items(&["spec", "containers"])
}
pub fn init_containers(pod: &Object) -> &[Value] {
    pod.items(&["spec", "initContainers"])
}
pub fn container_statuses(pod: &Object) -> &[Value] {
    pod.items(&["status", "containerStatuses"])
}
pub fn pod_ip(pod: &Object) -> &str {
    pod.str(&["status", "podIP"])
}
pub fn host_network(pod: &Object) -> bool {
    pod.get(&["spec", "hostNetwork"]).and_then(Value::as_bool).unwrap_or(false)
}
pub fn ready(pod: &Object) -> bool {
    meta::condition(pod, "Ready").is_some_and(|(status, ..)| status == "True")
}
/// Succeeded or Failed: it will not run again.
pub fn terminal(pod: &Object) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}
/// The API server's copy of a static pod.
pub fn is_mirror(pod: &Object) -> bool {
    meta::annotation(pod, "kubernetes.io/config.mirror").is_some()
}

/// `Guaranteed`, `Burstable` or `BestEffort`, from the containers' requests and limits (defaulted:
/// a limit without a request is its own request).
/// Models pkg/apis/core/v1/helper/qos.
pub fn qos_class(pod: &Object) -> &'static str {
    let mut any = false;
    let mut all_equal = true;
    for container in init_containers(pod).iter().chain(containers(pod)) {
        for resource in ["cpu", "memory"] {
            let amount = |list| container.at(&["resources", list, resource]).filter(|v| v.as_str() != "0");
            let (request, limit) = (amount("requests"), amount("limits"));
            any |= request.is_some() || limit.is_some();
            all_equal &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, all_equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
