//! `kubectl describe` of services, endpoints, ingresses, network policies.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, or_none, text_of};
use crate::api::selector::{LabelSelector, format_labels};
use crate::api::{Kind, Object, ObjectKey, Request, Value};
use std::sync::Arc;

pub fn service(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.field(0, "Selector", format_labels(o.get(&["spec", "selector"]).and_then(Value::as_map)));
    p.field(0, "Type", o.str(&["spec", "type"]));
    let joined = |path: &[&str]| o.items(path).iter().map(Value::as_str).collect::<Vec<_>>().join(",");
    let policy = o.str(&["spec", "ipFamilyPolicy"]);
    if !policy.is_empty() {
        p.field(0, "IP Family Policy", policy);
    }
    let families = joined(&["spec", "ipFamilies"]);
    p.field(0, "IP Families", or_none(&families));
    p.field(0, "IP", o.str(&["spec", "clusterIP"]));
    let ips = joined(&["spec", "clusterIPs"]);
    p.field(0, "IPs", if ips.is_empty() { or_none(o.str(&["spec", "clusterIP"])) } else { &ips });
    let external = joined(&["spec", "externalIPs"]);
    if !external.is_empty() {
        p.field(0, "External IPs", external);
    }
    if !o.str(&["spec", "loadBalancerIP"]).is_empty() {
        p.field(0, cx.by("IP", "Desired LoadBalancer IP"), o.str(&["spec", "loadBalancerIP"]));
    }
    if !o.str(&["spec", "externalName"]).is_empty() {
        p.field(0, "External Name", o.str(&["spec", "externalName"]));
    }
    let ingress: Vec<String> = o
        .items(&["status", "loadBalancer", "ingress"])
        .iter()
        .map(|i| {
            let ip = if i.str("ip").is_empty() { i.str("hostname") } else { i.str("ip") };
            let mode = i.str("ipMode");
            if mode.is_empty() { ip.to_owned() } else { format!("{ip} ({mode})") }
        })
        .collect();
    if !ingress.is_empty() {
        p.field(0, "LoadBalancer Ingress", ingress.join(", "));
    }
    for port in o.items(&["spec", "ports"]) {
        service_port(cx, o, port, p)?;
    }
    p.field(0, "Session Affinity", o.str(&["spec", "sessionAffinity"]));
    for (field, title) in
        [("externalTrafficPolicy", "External Traffic Policy"), ("internalTrafficPolicy", "Internal Traffic Policy")]
    {
        if !o.str(&["spec", field]).is_empty() {
            p.field(0, title, o.str(&["spec", field]));
        }
    }
    if let Some(n) = o.int(&["spec", "healthCheckNodePort"]).filter(|n| *n != 0) {
        p.field(0, "HealthCheck NodePort", n);
    }
    let ranges = joined(&["spec", "loadBalancerSourceRanges"]);
    if !ranges.is_empty() {
        p.field(0, "LoadBalancer Source Ranges", ranges);
    }
    events::about(cx, o, p)
}

fn service_port(cx: &mut Cx<'_, '_>, o: &Object, port: &Value, p: &mut Page) -> Run {
    let name = if port.str("name").is_empty() { "<unset>" } else { port.str("name") };
    let protocol = port.str("protocol");
    p.field(0, "Port", format!("{name}\t{}/{protocol}", text_of(port.get("port"))));
    let target = text_of(port.get("targetPort"));
    p.field(0, "TargetPort", format!("{target}/{protocol}"));
    if let Some(n) = port.get("nodePort").and_then(Value::as_int).filter(|n| *n != 0) {
        p.field(0, "NodePort", format!("{name}\t{n}/{protocol}"));
    }
    let ends = if cx.modern() { slice_ends(cx, o, port.str("name"))? } else { endpoint_ends(cx, o, port.str("name"))? };
    // Endpoints without this port are no text at all.
    let text = if ends.is_empty() && any_ends(cx, o)? { String::new() } else { first_three(&ends) };
    p.field(0, "Endpoints", text);
    Ok(())
}

/// `a, b, c + 2 more...`
fn first_three(ends: &[String]) -> String {
    let shown = ends.iter().take(3).cloned().collect::<Vec<_>>().join(",");
    match ends.len() {
        0 => "<none>".to_owned(),
        n if n > 3 => format!("{shown} + {} more...", n - 3),
        _ => shown,
    }
}

fn endpoint_ends(cx: &mut Cx<'_, '_>, o: &Object, port_name: &str) -> Run<Vec<String>> {
    let key = ObjectKey::new(Kind::ENDPOINTS, o.namespace().clone(), o.name().clone());
    let Some(found) = cx.find(&key)? else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    for subset in found.items(&["subsets"]) {
        let list = |field: &str| subset.get(field).map_or(&[][..], Value::items);
        for port in list("ports").iter().filter(|q| q.str("name") == port_name) {
            for a in list("addresses") {
                out.push(format!("{}:{}", a.str("ip"), text_of(port.get("port"))));
            }
        }
    }
    Ok(out)
}

fn slice_ends(cx: &mut Cx<'_, '_>, o: &Object, port_name: &str) -> Run<Vec<String>> {
    let mut request = Request::list(Kind::ENDPOINT_SLICE, o.namespace().clone());
    request.labels = LabelSelector::of_map(&map! { "kubernetes.io/service-name" => o.name() });
    let mut out = Vec::new();
    for slice in cx.list(request)?.items {
        for port in slice.items(&["ports"]).iter().filter(|q| q.str("name") == port_name) {
            for e in slice.items(&["endpoints"]) {
                if e.at(&["conditions", "ready"]).and_then(Value::as_bool) == Some(false) {
                    continue;
                }
                for a in e.get("addresses").map_or(&[][..], Value::items) {
                    out.push(format!("{}:{}", a.as_str(), text_of(port.get("port"))));
                }
            }
        }
    }
    Ok(out)
}

pub fn endpoints(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.line(0, "Subsets:");
    for subset in o.items(&["subsets"]) {
        let list = |field: &str| subset.get(field).map_or(&[][..], Value::items);
        let ips = |field: &str| list(field).iter().map(|a| a.str("ip")).collect::<Vec<_>>().join(",");
        p.field(1, "Addresses", or_none(&ips("addresses")));
        p.field(1, "NotReadyAddresses", or_none(&ips("notReadyAddresses")));
        if list("ports").is_empty() {
            p.field(1, "Ports", "<unset>");
        } else {
            p.line(1, "Ports:");
            p.line(2, "Name\tPort\tProtocol");
            p.line(2, "----\t----\t--------");
            for q in list("ports") {
                let name = if q.str("name").is_empty() { "<unset>" } else { q.str("name") };
                p.line(2, format!("{name}\t{}\t{}", text_of(q.get("port")), q.str("protocol")));
            }
        }
        p.put("\n");
    }
    events::about(cx, o, p)
}

pub fn endpoint_slice(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.field(0, "AddressType", o.str(&["addressType"]));
    let ports = o.items(&["ports"]);
    if ports.is_empty() {
        p.line(0, "Ports: <unset>");
    } else {
        p.line(0, "Ports:");
        p.line(1, "Name\tPort\tProtocol");
        p.line(1, "----\t----\t--------");
        for q in ports {
            let name = if q.str("name").is_empty() { "<unset>" } else { q.str("name") };
            p.line(1, format!("{name}\t{}\t{}", text_of(q.get("port")), q.str("protocol")));
        }
    }
    let ends = o.items(&["endpoints"]);
    if ends.is_empty() {
        p.line(0, "Endpoints: <none>");
    } else {
        p.line(0, "Endpoints:");
    }
    for e in ends {
        let addresses: Vec<&str> = e.get("addresses").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
        p.line(1, format!("- Addresses:\t{}", addresses.join(cx.by(",", ", "))));
        p.line(2, "Conditions:");
        p.field(3, "Ready", text_of(e.at(&["conditions", "ready"])));
        p.field(2, "Hostname", if e.str("hostname").is_empty() { "<unset>" } else { e.str("hostname") });
        if let Some(t) = e.get("targetRef") {
            p.field(2, "TargetRef", format!("{}/{}", t.str("kind"), t.str("name")));
        }
        if !cx.modern() {
            let topology = e.get("topology").and_then(Value::as_map).into_iter().flat_map(|m| m.iter());
            let lines: Vec<String> = topology.map(|(k, v)| format!("{k}={}", v.as_str())).collect();
            p.field(2, "Topology", lines.first().map_or("<none>", String::as_str));
            lines.iter().skip(1).for_each(|l| p.line(2, format!("\t{l}")));
            continue;
        }
        p.field(2, "NodeName", if e.str("nodeName").is_empty() { "<unset>" } else { e.str("nodeName") });
        p.field(2, "Zone", if e.str("zone").is_empty() { "<unset>" } else { e.str("zone") });
    }
    events::about(cx, o, p)
}

pub fn ingress(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    if cx.modern() {
        p.labels("Labels", crate::api::meta::labels(o));
    }
    p.field(0, "Namespace", o.namespace());
    let addresses: Vec<&str> = o
        .items(&["status", "loadBalancer", "ingress"])
        .iter()
        .map(|i| if i.str("ip").is_empty() { i.str("hostname") } else { i.str("ip") })
        .collect();
    p.field(0, "Address", addresses.join(","));
    if cx.modern() {
        p.field(0, "Ingress Class", or_none(o.str(&["spec", "ingressClassName"])));
    }
    match o.get(&["spec", "defaultBackend"]) {
        Some(b) => {
            let text = backend(cx, o, b)?;
            p.field(0, "Default backend", text);
        }
        None if cx.modern() => p.field(0, "Default backend", "<default>"),
        None => p.field(
            0,
            "Default backend",
            "default-http-backend:80 (<error: endpoints \"default-http-backend\" not found>)",
        ),
    }
    let tls = o.items(&["spec", "tls"]);
    if !tls.is_empty() {
        p.line(0, "TLS:");
        for t in tls {
            let hosts: Vec<&str> = t.get("hosts").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
            let how = if t.str("secretName").is_empty() {
                format!("SNI routes {}", hosts.join(","))
            } else {
                format!("{} terminates {}", t.str("secretName"), hosts.join(","))
            };
            p.line(1, how);
        }
    }
    p.put("Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------\n");
    let rules = o.items(&["spec", "rules"]);
    for rule in rules {
        let host = if rule.str("host").is_empty() { "*" } else { rule.str("host") };
        p.line(1, format!("{host}\t"));
        for path in rule.at(&["http", "paths"]).map_or(&[][..], Value::items) {
            let to = match path.get("backend") {
                Some(b) => backend(cx, o, b)?,
                None => String::new(),
            };
            p.line(2, format!("\t{} \t{to}", path.str("path")).replacen("\t", "  \t", 0));
        }
    }
    if rules.is_empty() {
        p.line(1, "*\t* \t<default>");
    }
    p.annotations("Annotations", o.get(&["metadata", "annotations"]).and_then(Value::as_map));
    events::about(cx, o, p)
}

/// `svc:80 (10.0.0.1:80)`
fn backend(cx: &mut Cx<'_, '_>, o: &Object, b: &Value) -> Run<String> {
    let name = b.at(&["service", "name"]).map_or("", Value::as_str);
    let port = match text_of(b.at(&["service", "port", "number"])) {
        text if text.is_empty() => text_of(b.at(&["service", "port", "name"])),
        text => text,
    };
    let key = ObjectKey::new(Kind::SERVICE, o.namespace().clone(), name);
    let found: Option<Arc<Object>> = cx.find(&key)?;
    let ends = match found {
        None if cx.modern() => format!("<error: services \"{name}\" not found>"),
        None => format!("<error: endpoints \"{name}\" not found>"),
        Some(service) => {
            let ports = service.items(&["spec", "ports"]);
            let chosen = ports.iter().find(|q| text_of(q.get("port")) == port || q.str("name") == port);
            let port_name = chosen.map_or("", |q| q.str("name")).to_owned();
            let ends = if cx.modern() {
                slice_ends(cx, &service, &port_name)?
            } else {
                endpoint_ends(cx, &service, &port_name)?
            };
            // Endpoints without the backend's port are no text at all.
            if ends.is_empty() && any_ends(cx, &service)? { String::new() } else { first_three(&ends) }
        }
    };
    Ok(format!("{name}:{port} ({ends})"))
}

/// Whether the service has endpoints on any port.
fn any_ends(cx: &mut Cx<'_, '_>, service: &Object) -> Run<bool> {
    if !cx.modern() {
        let key = ObjectKey::new(Kind::ENDPOINTS, service.namespace().clone(), service.name().clone());
        return Ok(cx.find(&key)?.is_some_and(|e| !e.items(&["subsets"]).is_empty()));
    }
    let mut request = Request::list(Kind::ENDPOINT_SLICE, service.namespace().clone());
    request.labels = LabelSelector::of_map(&map! { "kubernetes.io/service-name" => service.name() });
    Ok(!cx.list(request)?.items.is_empty())
}

pub fn policy(o: &Object, p: &mut Page) {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    p.line(
        0,
        format!(
            "Created on:\t{}",
            o.str(&["metadata", "creationTimestamp"]).replace('T', " ").replace('Z', " +0000 UTC")
        ),
    );
    p.marks(o);
    p.line(0, "Spec:");
    let selector = super::selector_text(o.get(&["spec", "podSelector"]));
    let text = if selector == "<none>" {
        "<none> (Allowing the specific traffic to all pods in this namespace)".to_owned()
    } else {
        selector
    };
    p.line(1, format!("PodSelector:     {text}"));
    let types: Vec<&str> = o.items(&["spec", "policyTypes"]).iter().map(Value::as_str).collect();
    for (direction, title, from) in [("ingress", "Ingress", "From"), ("egress", "Egress", "To")] {
        let on = if direction == "ingress" { "ingress" } else { "egress" };
        if !types.contains(&title) {
            p.line(1, format!("Not affecting {on} traffic"));
            continue;
        }
        p.line(1, format!("Allowing {on} traffic:"));
        let rules = o.items(&["spec", direction]);
        if rules.is_empty() {
            p.line(2, format!("<none> (Selected pods are isolated for {on} connectivity)"));
        }
        for (i, rule) in rules.iter().enumerate() {
            if i > 0 {
                p.line(2, "----------");
            }
            policy_rule(rule, from, if direction == "ingress" { "from" } else { "to" }, p);
        }
    }
    p.line(1, format!("Policy Types: {}", types.join(", ")));
}

fn policy_rule(rule: &Value, title: &str, key: &str, p: &mut Page) {
    let ports = rule.get("ports").map_or(&[][..], Value::items);
    if ports.is_empty() {
        p.line(2, "To Port: <any> (traffic allowed to all ports)");
    }
    for q in ports {
        let protocol = if q.str("protocol").is_empty() { "TCP" } else { q.str("protocol") };
        p.line(2, format!("To Port: {}/{protocol}", text_of(q.get("port"))));
    }
    let peers = rule.get(key).map_or(&[][..], Value::items);
    if peers.is_empty() {
        p.line(
            2,
            format!(
                "{title}: <any> (traffic not restricted by {})",
                if key == "from" { "source" } else { "destination" }
            ),
        );
    }
    for peer in peers {
        p.line(2, format!("{title}:"));
        if let Some(block) = peer.get("ipBlock") {
            let except: Vec<&str> =
                block.get("except").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
            p.line(3, "IPBlock:");
            p.line(4, format!("CIDR: {}", block.str("cidr")));
            p.line(4, format!("Except: {}", except.join(", ")));
        }
        for (field, name) in [("namespaceSelector", "NamespaceSelector"), ("podSelector", "PodSelector")] {
            if let Some(s) = peer.get(field) {
                p.line(3, format!("{name}: {}", super::selector_text(Some(s))));
            }
        }
    }
}
