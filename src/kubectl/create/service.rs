//! `kubectl create service …` and `kubectl create ingress`.

use super::super::context::Cx;
use super::super::error::{Run, fail};
use super::config::int_or_string;
use super::{finish, object, one_name};
use crate::api::{Kind, List, Map, Value};
use crate::sim::Profile;

pub fn cluster_ip(cx: &mut Cx<'_, '_>) -> Run {
    let ip = cx.flags.text("clusterip").to_owned();
    if cx.flags.all("tcp").is_empty() && ip != "None" {
        one_name(cx)?;
        return fail("at least one tcp port specifier must be provided");
    }
    service(cx, "ClusterIP", &ip, "")
}
pub fn node_port(cx: &mut Cx<'_, '_>) -> Run {
    service(cx, "NodePort", "", "")
}
pub fn load_balancer(cx: &mut Cx<'_, '_>) -> Run {
    service(cx, "LoadBalancer", "", "")
}
pub fn external_name(cx: &mut Cx<'_, '_>) -> Run {
    let name = cx.flags.text("external-name").to_owned();
    service(cx, "ExternalName", "", &name)
}

fn service(cx: &mut Cx<'_, '_>, kind: &str, cluster_ip: &str, external: &str) -> Run {
    let name = one_name(cx)?;
    let mut ports = List::new();
    for tcp in cx.flags.all("tcp").to_vec() {
        ports.push(port(&tcp, cx.flags.int("node-port"), cx.profile)?);
    }
    if ports.is_empty() && external.is_empty() && cluster_ip != "None" {
        return fail("at least one tcp port specifier must be provided");
    }
    if kind == "ExternalName" && !crate::api::names::dns1123_subdomain(external).is_empty() {
        return fail(format!("invalid service external name {external}"));
    }
    let labels = map! { "app" => &name };
    let mut value = object(cx, Kind::SERVICE, &name);
    value.entry(&["metadata"]).make_map().insert("labels", labels.clone());
    let mut spec = map! { "selector" => labels, "type" => kind };
    if !ports.is_empty() {
        spec.insert("ports", ports);
    }
    if !cluster_ip.is_empty() {
        spec.insert("clusterIP", cluster_ip);
    }
    if !external.is_empty() {
        spec.insert("externalName", external);
    }
    value.make_map().insert("spec", spec);
    value.make_map().insert("status", map! { "loadBalancer" => map! {} });
    finish(cx, Kind::SERVICE, value, &format!("{kind} service"))
}

/// `port:targetPort` as a service port.
fn port(text: &str, node_port: i64, profile: Profile) -> Run<Value> {
    let (port, target) = text.split_once(':').unwrap_or((text, text));
    let parsing = |what: &str| fail(format!("strconv.ParseUint: parsing {}: {what}", super::super::flags::quote(port)));
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return parsing("invalid syntax");
    }
    let Ok(number) = port.parse::<u16>() else { return parsing("value out of range") };
    match target.parse::<i64>() {
        Ok(n) if !(1..=65535).contains(&n) && text.contains(':') => {
            return fail("must be between 1 and 65535, inclusive");
        }
        Err(_) => {
            let wrong = crate::api::names::port_name(target, profile);
            if !wrong.is_empty() {
                return fail(wrong.join(","));
            }
        }
        Ok(_) => {}
    }
    let mut out = map! {
        "name" => text.replace(':', "-"),
        "port" => i64::from(number),
        "protocol" => "TCP",
        "targetPort" => int_or_string(target),
    };
    if node_port != 0 {
        out.insert("nodePort", node_port);
    }
    Ok(Value::Map(out))
}

pub fn ingress(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let rules = cx.flags.all("rule").to_vec();
    let default = cx.flags.text("default-backend").to_owned();
    if rules.is_empty() && default.is_empty() {
        return fail(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        );
    }
    if let Some(bad) = cx.flags.all("annotation").iter().find(|a| !a.contains('=')) {
        return fail(format!("annotation {bad} is invalid and should be in format key=[value]"));
    }
    if !default.is_empty() && default.split(':').count() != 2 {
        return fail("default-backend should be in format servicename:serviceport");
    }
    let (mut by_host, mut tls): (Vec<(String, List)>, List) = (Vec::new(), List::new());
    for rule in &rules {
        let bad = || format!("rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]");
        let mut parts = rule.split(',');
        let Some((place, backend_text)) = parts.next().and_then(|p| p.split_once('=')) else { return fail(bad()) };
        let Some((host, path)) = place.split_once('/') else { return fail(bad()) };
        if backend_text.split(':').count() != 2 || backend_text.starts_with(':') || backend_text.ends_with(':') {
            return fail(bad());
        }
        let (path, path_type) = match path.strip_suffix('*') {
            Some(prefix) => (format!("/{prefix}"), "Prefix"),
            None => (format!("/{path}"), "Exact"),
        };
        let entry = map! { "backend" => backend(backend_text)?, "path" => path, "pathType" => path_type };
        match by_host.iter_mut().find(|(h, _)| h == host) {
            Some((_, paths)) => paths.push(entry),
            None => by_host.push((host.to_owned(), list![entry])),
        }
        if let Some(secret) = parts.find_map(|p| p.strip_prefix("tls")) {
            let mut t = map! { "hosts" => list![host] };
            if let Some(secret) = secret.strip_prefix('=') {
                t.insert("secretName", secret);
            }
            tls.push(t);
        }
    }
    let mut spec = Map::new();
    if !cx.flags.text("class").is_empty() {
        spec.insert("ingressClassName", cx.flags.text("class"));
    }
    if !default.is_empty() {
        spec.insert("defaultBackend", backend(&default)?);
    }
    let rules: List = by_host
        .into_iter()
        .map(|(host, paths)| {
            let mut rule = map! { "http" => map! { "paths" => paths } };
            if !host.is_empty() {
                rule.insert("host", host);
            }
            Value::Map(rule)
        })
        .collect();
    if !rules.is_empty() {
        spec.insert("rules", rules);
    }
    if !tls.is_empty() {
        spec.insert("tls", tls);
    }
    let mut value = object(cx, Kind::INGRESS, &name);
    value.make_map().insert("apiVersion", "networking.k8s.io/v1");
    let annotations: Map = cx
        .flags
        .all("annotation")
        .iter()
        .filter_map(|a| a.split_once('='))
        .map(|(k, v)| (k.into(), Value::from(v)))
        .collect();
    if !annotations.is_empty() {
        value.entry(&["metadata"]).make_map().insert("annotations", annotations);
    }
    value.make_map().insert("spec", spec);
    value.make_map().insert("status", map! { "loadBalancer" => map! {} });
    finish(cx, Kind::INGRESS, value, "ingress")
}

/// `service:port`.
fn backend(text: &str) -> Run<Value> {
    let Some((service, port)) = text.split_once(':') else {
        return fail(format!("backend {text} is invalid and should be in format svcname:svcport"));
    };
    let port = match int_or_string(port) {
        Value::Int(n) => map! { "number" => n },
        other => map! { "name" => other.as_str() },
    };
    Ok(Value::Map(map! { "service" => map! { "name" => service, "port" => port } }))
}
