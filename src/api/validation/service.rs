//! Services, ingresses and network policies.

use super::super::{Value, names};
use super::container::{port_number, target_port};
use super::error::{Errors, Path};
use super::workload::label_selector;

fn list<'a>(v: &'a Value, key: &str) -> &'a [Value] {
    v.get(key).map_or(&[], Value::items)
}

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
    e.labels(spec.get("selector").and_then(Value::as_map), &path.child("selector"));
    e.one_of(spec, "sessionAffinity", path, &["ClientIP", "None"]);
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        e.not_supported(&path.child("type"), kind, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    e.one_of(spec, "externalTrafficPolicy", path, &["Cluster", "Local"]);
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
}

/// The same port and protocol twice, or the same node port.
fn duplicates(e: &mut Errors, ports: &[Value], path: &Path<'_>) {
    for (i, p) in ports.iter().enumerate() {
        let key = |p: &Value| (p.get("port").cloned(), p.str("protocol").to_owned());
        if ports[..i].iter().any(|q| key(q) == key(p)) {
            let mut value = super::super::Map::new();
            value.insert("protocol", p.str("protocol"));
            value.insert("port", p.get("port").cloned().unwrap_or_default());
            e.duplicate(&path.index(i), value);
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
    if rules.is_empty() && spec.get("defaultBackend").is_none() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        e.invalid_go(path, Value::from(rules.to_vec()), "[]networking.IngressRule", detail);
    }
    for (i, rule) in rules.iter().enumerate() {
        let path = path.child("rules");
        let path = path.index(i);
        let host = rule.str("host");
        if !host.is_empty() && !host.starts_with("*.") {
            e.complaints(&path.child("host"), host, names::dns1123_subdomain(host));
        }
        for (j, p) in rule.at(&["http", "paths"]).map_or(&[][..], Value::items).iter().enumerate() {
            let path = path.child("http");
            let path = path.child("paths");
            let path = path.index(j);
            let kind = p.str("pathType");
            if kind.is_empty() {
                e.required(&path.child("pathType"), "pathType must be specified");
            } else {
                e.one_of(p, "pathType", &path, &["Exact", "ImplementationSpecific", "Prefix"]);
            }
            let url = p.str("path");
            if matches!(kind, "Exact" | "Prefix") && !url.starts_with('/') {
                e.invalid(&path.child("path"), url, "must be an absolute path");
            }
            if p.at(&["backend", "service", "name"]).is_none_or(|n| n.as_str().is_empty())
                && p.at(&["backend", "resource"]).is_none()
            {
                let path = path.child("backend");
                let path = path.child("service");
                e.required(&path.child("name"), "");
            }
        }
    }
}

pub(super) fn network_policy(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    if let Some(s) = spec.get("podSelector") {
        label_selector(e, s, &path.child("podSelector"));
    }
    for (i, kind) in list(spec, "policyTypes").iter().enumerate() {
        if !matches!(kind.as_str(), "Ingress" | "Egress") {
            let path = path.child("policyTypes");
            e.not_supported(&path.index(i), kind.as_str(), &["Egress", "Ingress"]);
        }
    }
}
