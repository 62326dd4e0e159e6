//! Services, ingresses and network policies.

use super::super::{Value, names};
use super::container::{given, list, port_number, target_port};
use super::error::{Errors, Path};
use super::workload::label_selector;

pub(super) fn service(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let kind = spec.str("type");
    let ports = list(spec, "ports");
    let headless = spec.str("clusterIP") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        e.required(&path.child("ports"), "");
    }
    if headless && matches!(kind, "NodePort" | "LoadBalancer") {
        let detail = format!("may not be set to 'None' for {kind} services");
        let path = path.child("clusterIPs");
        e.invalid(&path.index(0), "None", detail);
    }
    if kind == "ExternalName" {
        let name = spec.str("externalName");
        if name.is_empty() {
            e.required(&path.child("externalName"), "");
        } else {
            let complaints = names::dns1123_subdomain(name.strip_suffix('.').unwrap_or(name));
            e.complaints(&path.child("externalName"), name, complaints);
        }
    }
    let mut taken = Vec::new();
    for (i, p) in ports.iter().enumerate() {
        let path = path.child("ports");
        port(e, p, &path.index(i), ports.len() > 1, &mut taken);
    }
    duplicates(e, ports, &path.child("ports"));
    if matches!(kind, "ClusterIP" | "ExternalName") {
        for (i, p) in ports.iter().enumerate() {
            if p.get("nodePort").and_then(Value::as_int).unwrap_or(0) != 0 {
                let path = path.child("ports");
                let detail = format!("may not be used when `type` is '{kind}'");
                e.forbidden(&path.index(i).child("nodePort"), detail);
            }
        }
    }
    e.labels(spec.get("selector").and_then(Value::as_map), &path.child("selector"));
    e.one_of(spec, "sessionAffinity", path, &["ClientIP", "None"]);
    let timeout = spec.at(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"]).and_then(Value::as_int);
    if let Some(n) = timeout.filter(|n| !(1..=86_400).contains(n) && spec.str("sessionAffinity") == "ClientIP") {
        let path = path.child("sessionAffinityConfig");
        let path = path.child("clientIP");
        e.invalid(&path.child("timeoutSeconds"), n, "must be greater than 0 and less than 86400");
    }
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        e.not_supported(&path.child("type"), kind, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    outside(e, spec, kind, path);
}

/// What concerns traffic from outside the cluster, and newer fields.
fn outside(e: &mut Errors, spec: &Value, kind: &str, path: &Path<'_>) {
    let address = spec.str("clusterIP");
    if !e.modern() && !matches!(address, "" | "None") && kind != "ExternalName" {
        let path = path.child("clusterIPs");
        e.complaints(&path.index(0), address, names::ip(address));
    }
    if !e.modern() && kind == "ExternalName" && !matches!(address, "" | "None") {
        e.forbidden(&path.child("clusterIPs"), "may not be set for ExternalName services");
    }
    for (i, ip) in list(spec, "externalIPs").iter().enumerate() {
        let path = path.child("externalIPs");
        let complaints = names::ip(ip.as_str());
        if complaints.is_empty() {
            special_address(e, ip.as_str(), &path.index(i));
        }
        e.complaints(&path.index(i), ip.as_str(), complaints);
    }
    let ranges = list(spec, "loadBalancerSourceRanges");
    if !ranges.is_empty() {
        let path = path.child("LoadBalancerSourceRanges");
        if kind != "LoadBalancer" {
            e.forbidden(&path, "may only be used when `type` is 'LoadBalancer'");
        }
        for (i, r) in ranges.iter().enumerate() {
            if !e.modern() {
                break;
            }
            cidr(e, r.as_str(), &path.index(i));
        }
    }
    let policy = spec.str("externalTrafficPolicy");
    if !matches!(policy, "" | "Cluster" | "Local") {
        match e.modern() {
            true => e.not_supported(&path.child("externalTrafficPolicy"), policy, &["Cluster", "Local"]),
            false => {
                let detail = "ExternalTrafficPolicy must be empty, Cluster or Local";
                e.invalid(&path.child("externalTrafficPolicy"), policy, detail);
            }
        }
    } else if e.modern() && !policy.is_empty() && !matches!(kind, "NodePort" | "LoadBalancer") {
        let external = !list(spec, "externalIPs").is_empty();
        if !external {
            let detail = "may only be set for externally-accessible services";
            e.invalid(&path.child("externalTrafficPolicy"), policy, detail);
        }
    }
    if !e.modern() {
        return;
    }
    if let Some(n) = spec.get("healthCheckNodePort").and_then(Value::as_int).filter(|n| *n != 0)
        && !(kind == "LoadBalancer" && policy == "Local")
    {
        let detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        e.invalid(&path.child("healthCheckNodePort"), n, detail);
    }
    for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
        if kind != "LoadBalancer" && spec.get(key).is_some_and(|v| !v.is_null()) {
            e.forbidden(&path.child(key), "may only be used when `type` is 'LoadBalancer'");
        }
    }
    let class = spec.str("loadBalancerClass");
    if kind == "LoadBalancer" && !class.is_empty() {
        e.complaints(&path.child("loadBalancerClass"), class, names::label_key(class, e.profile));
    }
    e.one_of(spec, "internalTrafficPolicy", path, &["Cluster", "Local"]);
    e.one_of(spec, "ipFamilyPolicy", path, &["PreferDualStack", "RequireDualStack", "SingleStack"]);
    for (i, family) in list(spec, "ipFamilies").iter().enumerate() {
        if !matches!(family.as_str(), "IPv4" | "IPv6") {
            let path = path.child("ipFamilies");
            e.not_supported(&path.index(i), family.as_str(), &["IPv4", "IPv6"]);
        }
    }
    e.one_of(spec, "trafficDistribution", path, &["PreferClose", "PreferSameZone", "PreferSameNode"]);
}

/// Addresses that lead nowhere from outside.
pub(super) fn special_address(e: &mut Errors, text: &str, path: &Path<'_>) {
    let Ok(ip) = text.parse::<core::net::IpAddr>() else { return };
    let modern = e.modern();
    if ip.is_unspecified() {
        e.invalid(path, text, format!("may not be unspecified ({text})"));
    }
    if ip.is_loopback() {
        let all = if modern { "127.0.0.0/8, ::1/128" } else { "127.0.0.0/8" };
        e.invalid(path, text, format!("may not be in the loopback range ({all})"));
    }
}

/// `10.0.0.0/8`, as address and length.
fn parse_cidr(text: &str) -> Option<(u32, u32)> {
    let (ip, bits) = text.split_once('/')?;
    let ip: core::net::Ipv4Addr = ip.parse().ok()?;
    let bits: u32 = bits.parse().ok().filter(|b| *b <= 32)?;
    Some((ip.into(), bits))
}

fn mask(bits: u32) -> u32 {
    u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}

pub(super) fn cidr(e: &mut Errors, text: &str, path: &Path<'_>) {
    match parse_cidr(text) {
        None if text.contains(':') => {}
        None if e.modern() => {
            e.invalid(path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
        }
        None => e.invalid(path, text, "not a valid CIDR"),
        Some((ip, bits)) if e.modern() && ip & !mask(bits) != 0 => {
            e.invalid(path, text, "must not have bits set beyond the prefix length");
        }
        Some(_) => {}
    }
}

fn port<'v>(e: &mut Errors, p: &'v Value, path: &Path<'_>, need_name: bool, taken: &mut Vec<&'v str>) {
    let name = p.str("name");
    if name.is_empty() {
        if need_name {
            e.required(&path.child("name"), "");
        }
    } else {
        e.complaints(&path.child("name"), name, names::dns1123_label(name));
        if taken.contains(&name) {
            e.duplicate(&path.child("name"), name);
        } else {
            taken.push(name);
        }
    }
    port_number(e, p.get("port").and_then(Value::as_int).unwrap_or(0), &path.child("port"));
    if p.str("protocol").is_empty() {
        e.required(&path.child("protocol"), "");
    }
    e.one_of(p, "protocol", path, &["SCTP", "TCP", "UDP"]);
    target_port(e, p.get("targetPort"), &path.child("targetPort"));
    let app = p.str("appProtocol");
    if !app.is_empty() {
        e.complaints(&path.child("appProtocol"), app, names::label_key(app, e.profile));
    }
}

/// The same port and protocol twice, or the same node port.
fn duplicates(e: &mut Errors, ports: &[Value], path: &Path<'_>) {
    for (i, p) in ports.iter().enumerate() {
        let key = |p: &Value| (p.get("port").cloned(), p.str("protocol").to_owned());
        if ports[..i].iter().any(|q| key(q) == key(p)) {
            let (protocol, port) = (p.str("protocol"), p.get("port").and_then(Value::as_int).unwrap_or(0));
            let text = match e.modern() {
                true => format!(
                    "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{port},\"TargetPort\":0,\"NodePort\":0}}"
                ),
                false => format!(
                    "core.ServicePort{{Name:\"\", Protocol:\"{protocol}\", AppProtocol:(*string)(nil), Port:{port}, TargetPort:intstr.IntOrString{{Type:0, IntVal:0, StrVal:\"\"}}, NodePort:0}}"
                ),
            };
            e.duplicate(&path.index(i), Value::Num(text.into()));
        }
        let node = p.get("nodePort").and_then(Value::as_int).unwrap_or(0);
        let same_node = |q: &Value| q.get("nodePort").and_then(Value::as_int) == Some(node);
        if node != 0 && ports[..i].iter().any(|q| same_node(q) && q.str("protocol") == p.str("protocol")) {
            let path = path.index(i);
            e.duplicate(&path.child("nodePort"), node);
        }
    }
}

pub(super) fn ingress(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let rules = list(spec, "rules");
    if rules.is_empty() && given(spec, "defaultBackend").is_none() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        let shown = if rules.is_empty() { Value::Null } else { Value::from(rules.to_vec()) };
        e.invalid_go(path, shown, "[]networking.IngressRule", detail);
    }
    if let Some(b) = given(spec, "defaultBackend") {
        backend(e, b, &path.child("defaultBackend"));
    }
    for (i, rule) in rules.iter().enumerate() {
        let path = path.child("rules");
        let path = path.index(i);
        host(e, rule.str("host"), &path.child("host"));
        let Some(http) = given(rule, "http") else { continue };
        let path = path.child("http");
        let path = path.child("paths");
        let paths = list(http, "paths");
        if paths.is_empty() {
            e.required(&path, "");
        }
        for (j, p) in paths.iter().enumerate() {
            ingress_path(e, p, &path.index(j));
        }
    }
    for (i, tls) in list(spec, "tls").iter().enumerate() {
        let path = path.child("tls");
        let path = path.index(i);
        for (j, name) in list(tls, "hosts").iter().enumerate() {
            let path = path.child("hosts");
            let name = name.as_str();
            let complaints =
                if name.contains('*') { names::wildcard_subdomain(name) } else { names::dns1123_subdomain(name) };
            e.complaints(&path.index(j), name, complaints);
        }
        let secret = tls.str("secretName");
        if !secret.is_empty() {
            e.complaints(&path.child("secretName"), secret, names::dns1123_subdomain(secret));
        }
    }
    let class = spec.str("ingressClassName");
    if !class.is_empty() {
        e.complaints(&path.child("ingressClassName"), class, names::dns1123_subdomain(class));
    }
}

fn host(e: &mut Errors, name: &str, path: &Path<'_>) {
    if name.parse::<core::net::IpAddr>().is_ok() {
        e.invalid(path, name, "must be a DNS name, not an IP address");
    } else if name.contains('*') {
        e.complaints(path, name, names::wildcard_subdomain(name));
    } else if !name.is_empty() {
        e.complaints(path, name, names::dns1123_subdomain(name));
    }
}

fn ingress_path(e: &mut Errors, p: &Value, path: &Path<'_>) {
    let (kind, url) = (p.str("pathType"), p.str("path"));
    let missing = p.get("pathType").is_none_or(Value::is_null);
    if missing {
        return e.required(&path.child("pathType"), "pathType must be specified");
    }
    match kind {
        "Exact" | "Prefix" => {
            let at = path.child("path");
            if !url.starts_with('/') {
                e.invalid(&at, url, "must be an absolute path");
            }
            if !url.is_empty() {
                for part in ["//", "/./", "/../", "%2f", "%2F"] {
                    if url.contains(part) {
                        e.invalid(&at, url, format!("must not contain '{part}'"));
                    }
                }
                for end in ["/..", "/."] {
                    if url.ends_with(end) {
                        e.invalid(&at, url, format!("cannot end with '{end}'"));
                    }
                }
            }
        }
        "ImplementationSpecific" => {
            if !url.is_empty() && !url.starts_with('/') {
                e.invalid(&path.child("path"), url, "must be an absolute path");
            }
        }
        other => {
            e.not_supported(&path.child("pathType"), other, &["Exact", "ImplementationSpecific", "Prefix"]);
        }
    }
    let empty = Value::Null;
    backend(e, p.get("backend").unwrap_or(&empty), &path.child("backend"));
}

fn backend(e: &mut Errors, b: &Value, path: &Path<'_>) {
    let (resource, service) = (given(b, "resource"), given(b, "service"));
    match (resource, service) {
        (Some(_), Some(_)) => e.invalid(path, "", "cannot set both resource and service backends"),
        (Some(r), None) => {
            let path = path.child("resource");
            for key in ["kind", "name"] {
                if r.str(key).is_empty() {
                    let detail = if e.modern() { String::new() } else { format!("{key} is required") };
                    e.required(&path.child(key), &detail);
                }
            }
        }
        (None, Some(s)) => {
            let at = path.child("service");
            let name = s.str("name");
            if name.is_empty() {
                e.required(&at.child("name"), "");
            } else {
                let complaints = if e.modern() { names::label(name, e.profile) } else { names::dns1035_label(name) };
                e.complaints(&at.child("name"), name, complaints);
            }
            let number = s.at(&["port", "number"]).and_then(Value::as_int).unwrap_or(0);
            let port = s.at(&["port", "name"]).map_or("", Value::as_str);
            let at = at.child("port");
            match (port.is_empty(), number) {
                (true, 0) => e.required(path, "port name or number is required"),
                (true, n) => port_number(e, n, &at.child("number")),
                (false, 0) => {
                    let complaints = names::port_name(port, e.profile);
                    e.complaints(&at.child("name"), port, complaints);
                }
                (false, _) => e.invalid(path, "", "cannot set both port name & port number"),
            }
        }
        (None, None) => e.invalid(path, "", "resource or service backend is required"),
    }
}

pub(super) fn network_policy(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    if let Some(s) = spec.get("podSelector") {
        label_selector(e, s, &path.child("podSelector"));
    }
    for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
        for (i, rule) in list(spec, rules).iter().enumerate() {
            let path = path.child(rules);
            let path = path.index(i);
            for (j, port) in list(rule, "ports").iter().enumerate() {
                let path = path.child("ports");
                policy_port(e, port, &path.index(j));
            }
            for (j, peer) in list(rule, peers).iter().enumerate() {
                let path = path.child(peers);
                policy_peer(e, peer, &path.index(j));
            }
        }
    }
    let types = list(spec, "policyTypes");
    let path = path.child("policyTypes");
    if types.len() > 2 {
        let detail = "may not specify more than two policyTypes";
        return e.invalid_go(&path, Value::from(types.to_vec()), "[]networking.PolicyType", detail);
    }
    for (i, kind) in types.iter().enumerate() {
        if !matches!(kind.as_str(), "Ingress" | "Egress") {
            e.not_supported(&path.index(i), kind.as_str(), &["Ingress", "Egress"]);
        }
    }
}

fn policy_port(e: &mut Errors, p: &Value, path: &Path<'_>) {
    e.one_of(p, "protocol", path, &["TCP", "UDP", "SCTP"]);
    let end = p.get("endPort").and_then(Value::as_int).filter(|_| e.modern());
    match given(p, "port") {
        Some(port) => {
            target_port(e, Some(port), &path.child("port"));
            match (port.as_int(), end) {
                (Some(port), Some(end)) if end < port => {
                    e.invalid(&path.child("endPort"), port, "must be greater than or equal to `port`");
                }
                (Some(_), Some(end)) => port_number(e, end, &path.child("endPort")),
                (None, Some(end)) => {
                    e.invalid(&path.child("endPort"), end, "may not be specified when `port` is non-numeric");
                }
                _ => {}
            }
        }
        None => {
            if let Some(end) = end {
                e.invalid(&path.child("endPort"), end, "may not be specified when `port` is not specified");
            }
        }
    }
}

fn policy_peer(e: &mut Errors, peer: &Value, path: &Path<'_>) {
    let mut count = 0;
    for key in ["podSelector", "namespaceSelector"] {
        if let Some(s) = given(peer, key) {
            count += 1;
            label_selector(e, s, &path.child(key));
        }
    }
    let block = given(peer, "ipBlock");
    if let Some(block) = block {
        let at = path.child("ipBlock");
        let whole = block.str("cidr");
        if whole.is_empty() {
            e.required(&at.child("cidr"), "");
        } else {
            cidr(e, whole, &at.child("cidr"));
            for (i, except) in list(block, "except").iter().enumerate() {
                let at = at.child("except");
                let at = at.index(i);
                cidr(e, except.as_str(), &at);
                if let (Some((net, bits)), Some((ip, inner))) = (parse_cidr(whole), parse_cidr(except.as_str()))
                    && (inner <= bits || ip & mask(bits) != net & mask(bits))
                {
                    e.invalid(&at, except.as_str(), "must be a strict subset of `cidr`");
                }
            }
        }
    }
    if block.is_some() && count > 0 {
        e.forbidden(path, "may not specify both ipBlock and another peer");
    } else if block.is_none() && count == 0 {
        e.required(path, "must specify a peer");
    }
}
