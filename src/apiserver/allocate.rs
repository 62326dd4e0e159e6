//! Cluster IPs and node ports of Services.
//! Models pkg/registry/core/service/{ipallocator,portallocator}; what is taken is read from the
//! stored Services, so there is no allocator state of its own to repair.

use super::Call;
use crate::api::{Kind, Object, Profile, Reason, Status, Value};

/// Addresses of 10.96.0.0/12 beyond the network address.
const SERVICE_ADDRESSES: u64 = (1 << 20) - 2;
const NODE_PORTS: (i64, i64) = (30_000, 32_767);

pub fn create(call: &mut Call<'_, '_>, object: &mut Object) -> Result<(), Status> {
    if object.kind() != Kind::SERVICE {
        return Ok(());
    }
    let kind = object.str(&["spec", "type"]).to_owned();
    if kind == "ExternalName" {
        return Ok(());
    }
    if object.str(&["spec", "clusterIP"]).is_empty() {
        let ip = free_cluster_ip(call);
        object.set(&["spec", "clusterIP"], ip.as_str());
        object.set(&["spec", "clusterIPs"], list![ip.as_str()]);
    } else {
        let ip = object.str(&["spec", "clusterIP"]).to_owned();
        if ip != "None" {
            claim_cluster_ip(call, object, &ip)?;
        }
        if object.get(&["spec", "clusterIPs"]).is_none() {
            object.set(&["spec", "clusterIPs"], list![ip]);
        }
    }
    // 1.18 serves these fields to dual-stack clusters only.
    if call.profile == Profile::Modern {
        if object.get(&["spec", "ipFamilies"]).is_none() {
            object.set(&["spec", "ipFamilies"], list!["IPv4"]);
        }
        if object.str(&["spec", "ipFamilyPolicy"]).is_empty() {
            object.set(&["spec", "ipFamilyPolicy"], "SingleStack");
        }
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
        node_ports(call, object, &[])?;
    }
    Ok(())
}

/// A Service that becomes reachable from outside gets its node ports; one that no longer is gives back
/// those that it had.
pub fn update(call: &mut Call<'_, '_>, old: &Object, object: &mut Object) -> Result<(), Status> {
    if object.kind() != Kind::SERVICE {
        return Ok(());
    }
    let had: Vec<i64> = ports(old).collect();
    if matches!(object.str(&["spec", "type"]), "NodePort" | "LoadBalancer") {
        return node_ports(call, object, &had);
    }
    for i in 0..object.items(&["spec", "ports"]).len() {
        let port = object.entry(&["spec", "ports"]).make_list().items_mut()[i].make_map();
        if port.get("nodePort").and_then(Value::as_int).is_some_and(|p| had.contains(&p)) {
            port.remove("nodePort");
        }
    }
    Ok(())
}

fn ports(object: &Object) -> impl Iterator<Item = i64> {
    object.items(&["spec", "ports"]).iter().filter_map(|p| p.get("nodePort").and_then(Value::as_int))
}

/// Nothing to give back: allocations are read from what is stored.
pub fn deleted(_call: &mut Call<'_, '_>, _object: &Object) {}

fn taken(call: &Call<'_, '_>, address: &str) -> bool {
    call.data().list(Kind::SERVICE, "", None).any(|s| s.str(&["spec", "clusterIP"]) == address)
}

/// An address that the Service asks for must be free and one of the cluster's.
fn claim_cluster_ip(call: &Call<'_, '_>, object: &Object, ip: &str) -> Result<(), Status> {
    let numbers: Vec<u32> = ip.split('.').filter_map(|n| n.parse().ok()).collect();
    let why = match numbers[..] {
        [10, 96..=111, _, _] if taken(call, ip) => "provided IP is already allocated",
        [_, _, _, _] if !matches!(numbers[..], [10, 96..=111, _, _]) => {
            "provided IP is not in the valid range. The range of valid IPs is 10.96.0.0/12"
        }
        _ => return Ok(()), // not an address: validation says so
    };
    let detail = match call.profile {
        Profile::Book => {
            format!("Invalid value: []string{{{ip:?}}}: failed to allocated ip:{ip} with error:{why}")
        }
        Profile::Modern => format!("Invalid value: [{ip:?}]: failed to allocate IP {ip}: {why}"),
    };
    Err(invalid(object, "spec.clusterIPs".to_owned(), detail))
}

fn free_cluster_ip(call: &mut Call<'_, '_>) -> String {
    loop {
        // The first addresses are kept for fixed services (10.96.0.1, 10.96.0.10).
        let n = 256 + call.ctx.rng.below(SERVICE_ADDRESSES - 256);
        let ip = format!("10.{}.{}.{}", 96 + (n >> 16), n >> 8 & 255, n & 255);
        if !taken(call, &ip) {
            return ip;
        }
    }
}

fn port_taken(call: &Call<'_, '_>, port: i64) -> bool {
    call.data()
        .list(Kind::SERVICE, "", None)
        .any(|s| s.items(&["spec", "ports"]).iter().any(|p| p.get("nodePort").and_then(Value::as_int) == Some(port)))
}

/// Ports that the object `had` before are its own.
fn node_ports(call: &mut Call<'_, '_>, object: &mut Object, had: &[i64]) -> Result<(), Status> {
    let count = object.items(&["spec", "ports"]).len();
    for i in 0..count {
        let asked = object.items(&["spec", "ports"])[i].get("nodePort").and_then(Value::as_int).unwrap_or(0);
        let port = if had.contains(&asked) {
            asked
        } else if asked == 0 {
            let mut port = 0;
            while port == 0 || port_taken(call, port) {
                port = NODE_PORTS.0 + call.ctx.rng.below((NODE_PORTS.1 - NODE_PORTS.0 + 1) as u64) as i64;
            }
            port
        } else if !(NODE_PORTS.0..=NODE_PORTS.1).contains(&asked) {
            return Err(invalid_port(
                object,
                i,
                asked,
                "provided port is not in the valid range. The range of valid ports is 30000-32767",
            ));
        } else if port_taken(call, asked) {
            return Err(invalid_port(object, i, asked, "provided port is already allocated"));
        } else {
            asked
        };
        object.entry(&["spec", "ports"]).make_list().items_mut()[i].make_map().insert("nodePort", port);
    }
    Ok(())
}

fn invalid_port(object: &Object, index: usize, port: i64, why: &str) -> Status {
    invalid(object, format!("spec.ports[{index}].nodePort"), format!("Invalid value: {port}: {why}"))
}

fn invalid(object: &Object, field: String, detail: String) -> Status {
    let message = format!("Service \"{}\" is invalid: {field}: {detail}", object.key.name);
    let mut status = Status::about(&object.key, Reason::Invalid, message);
    status.causes.push(("FieldValueInvalid".into(), detail.into(), field.into()));
    status
}
