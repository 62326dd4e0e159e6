//! Accessors for Nodes.

use super::{Object, Value, meta};

pub fn ready(node: &Object) -> bool {
    meta::condition(node, "Ready").is_some_and(|(status, ..)| status == "True")
}
pub fn unschedulable(node: &Object) -> bool {
    node.get(&["spec", "unschedulable"]).and_then(Value::as_bool).unwrap_or(false)
}
pub fn taints(node: &Object) -> &[Value] {
    node.items(&["spec", "taints"])
}
pub fn internal_ip(node: &Object) -> &str {
    let all = node.items(&["status", "addresses"]);
    all.iter().find(|a| a.str("type") == "InternalIP").map_or("", |a| a.str("address"))
}
