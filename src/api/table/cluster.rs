//! Rows of nodes, events, services and the other kinds.

use std::collections::BTreeSet;

use super::super::{Object, Value, meta, node as nodes};
use super::{Print, Text, int, labels_text, or};
use crate::base::Str;

pub(super) fn node(o: &Object, p: &Print) -> Vec<Str> {
    let mut status = match meta::condition(o, "Ready") {
        Some(("True", ..)) => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if nodes::unschedulable(o) {
        status += ",SchedulingDisabled";
    }
    let info = |key: &str| o.str(&["status", "nodeInfo", key]);
    let address = |kind: &str| {
        let found = o.items(&["status", "addresses"]).iter().find(|a| a.str("type") == kind);
        or(found.map_or("", |a| a.str("address")), "<none>")
    };
    let mut kernel = or(info("kernelVersion"), "<unknown>");
    if p.modern() && !info("architecture").is_empty() {
        kernel = ecow::eco_format!("{kernel} ({})", info("architecture"));
    }
    vec![
        o.name().clone(),
        status.into(),
        roles(o),
        p.age(o),
        info("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or(info("osImage"), "<unknown>"),
        kernel,
        or(info("containerRuntimeVersion"), "<unknown>"),
    ]
}

fn roles(o: &Object) -> Str {
    let mut roles = BTreeSet::new();
    for (key, value) in meta::labels(o).iter().flat_map(|l| l.iter()) {
        if let Some(role) = key.strip_prefix("node-role.kubernetes.io/").filter(|r| !r.is_empty()) {
            roles.insert(role.to_owned());
        } else if key == "kubernetes.io/role" && !value.as_str().is_empty() {
            roles.insert(value.as_str().to_owned());
        }
    }
    or(&roles.into_iter().collect::<Vec<_>>().join(","), "<none>")
}

pub(super) fn event(o: &Object, p: &Print) -> Vec<Str> {
    let first_of = |keys: [&'static str; 2]| keys.into_iter().map(|k| o.str(&[k])).find(|t| !t.is_empty());
    let first = p.since(first_of(["firstTimestamp", "eventTime"]).unwrap_or_default());
    let mut last = o.str(&["lastTimestamp"]).is_empty().then(|| first.clone());
    let mut count = int(o, &["count"]);
    if let Some(series) = o.get(&["series"]).filter(|s| !s.is_null()) {
        last = Some(p.since(series.str("lastObservedTime")));
        count = series.get("count").and_then(Value::as_int).unwrap_or(0);
    } else if count == 0 {
        // Events of the newer API that happened once are not counted.
        count = 1;
    }
    let involved = |key: &str| o.str(&["involvedObject", key]);
    let kind = involved("kind").to_ascii_lowercase();
    let target = match involved("name") {
        "" => kind.into(),
        name => ecow::eco_format!("{kind}/{name}"),
    };
    let of = |source: &str, reporting: &str| or(o.str(&["source", source]), o.str(&[reporting]));
    let (component, instance) = (of("component", "reportingComponent"), of("host", "reportingInstance"));
    let source = if instance.is_empty() { component } else { ecow::eco_format!("{component}, {instance}") };
    vec![
        last.unwrap_or_else(|| p.since(o.str(&["lastTimestamp"]))),
        o.str(&["type"]).into(),
        o.str(&["reason"]).into(),
        target,
        involved("fieldPath").into(),
        source,
        o.str(&["message"]).trim().into(),
        first,
        count.text(),
        o.name().clone(),
    ]
}

pub(super) fn service(o: &Object, p: &Print) -> Vec<Str> {
    let ports: Vec<String> = o.items(&["spec", "ports"]).iter().map(port).collect();
    vec![
        o.name().clone(),
        o.str(&["spec", "type"]).into(),
        or(o.str(&["spec", "clusterIP"]), "<none>"),
        external_ip(o, p),
        or(&ports.join(","), "<none>"),
        p.age(o),
        labels_text(o.get(&["spec", "selector"])),
    ]
}

fn port(port: &Value) -> String {
    let n = |key: &str| port.get(key).and_then(Value::as_int).unwrap_or(0);
    match n("nodePort") {
        0 => format!("{}/{}", n("port"), port.str("protocol")),
        node => format!("{}:{node}/{}", n("port"), port.str("protocol")),
    }
}

fn external_ip(o: &Object, p: &Print) -> Str {
    let external: Vec<&str> = o.items(&["spec", "externalIPs"]).iter().map(Value::as_str).collect();
    match o.str(&["spec", "type"]) {
        "LoadBalancer" => {
            let balancer = load_balancer(o, p);
            let all: Vec<&str> = [balancer.as_str()].into_iter().filter(|b| !b.is_empty()).chain(external).collect();
            or(&all.join(","), "<pending>")
        }
        "ExternalName" => o.str(&["spec", "externalName"]).into(),
        "ClusterIP" | "NodePort" => or(&external.join(","), "<none>"),
        _ => "<unknown>".into(),
    }
}

/// Addresses of `status.loadBalancer`; cut to 16 characters unless wide.
fn load_balancer(o: &Object, p: &Print) -> Str {
    const WIDTH: usize = 16;
    let ingress = o.items(&["status", "loadBalancer", "ingress"]);
    let all: BTreeSet<Str> =
        ingress.iter().map(|i| or(i.str("ip"), i.str("hostname"))).filter(|a| !a.is_empty()).collect();
    let text = all.into_iter().collect::<Vec<Str>>().join(",");
    if !p.wide && text.len() > WIDTH {
        return ecow::eco_format!("{}...", text.get(..WIDTH - 3).unwrap_or(&text));
    }
    text.into()
}

/// `a,b,c + 2 more...`
fn some_of(mut all: Vec<String>, limit: usize) -> Str {
    let more = all.len().saturating_sub(limit);
    all.truncate(limit);
    let text = all.join(",");
    if more > 0 { ecow::eco_format!("{text} + {more} more...") } else { text.into() }
}

pub(super) fn endpoints(o: &Object, p: &Print) -> Vec<Str> {
    let subsets = o.items(&["subsets"]);
    let mut all = Vec::new();
    for subset in subsets {
        let (ports, addresses) = (subset.get("ports"), subset.get("addresses").map_or(&[][..], Value::items));
        let Some(ports) = ports.map(Value::items).filter(|p| !p.is_empty()) else {
            all.extend(addresses.iter().map(|a| a.str("ip").to_owned()));
            continue;
        };
        for port in ports {
            let n = port.get("port").and_then(Value::as_int).unwrap_or(0);
            all.extend(addresses.iter().map(|a| format!("{}:{n}", a.str("ip"))));
        }
    }
    let text = if subsets.is_empty() { "<none>".into() } else { some_of(all, 3) };
    vec![o.name().clone(), text, p.age(o)]
}

pub(super) fn endpoint_slice(o: &Object, p: &Print) -> Vec<Str> {
    let port = |v: &Value| match v.get("port").and_then(Value::as_int) {
        Some(n) => n.to_string(),
        None if v.str("name").is_empty() => "*".to_owned(),
        None => v.str("name").to_owned(),
    };
    let ports = o.items(&["ports"]);
    let ports = if ports.is_empty() { "<unset>".into() } else { some_of(ports.iter().map(port).collect(), 3) };
    let addresses = |e: &Value| -> Vec<String> {
        e.get("addresses").map_or(&[][..], Value::items).iter().map(|a| a.as_str().to_owned()).collect()
    };
    let slices = o.items(&["endpoints"]);
    let all =
        if slices.is_empty() { "<unset>".into() } else { some_of(slices.iter().flat_map(addresses).collect(), 3) };
    vec![o.name().clone(), o.str(&["addressType"]).into(), ports, all, p.age(o)]
}

pub(super) fn ingress(o: &Object, p: &Print) -> Vec<Str> {
    let rules = o.items(&["spec", "rules"]);
    let hosts: Vec<String> = rules.iter().map(|r| r.str("host").to_owned()).filter(|h| !h.is_empty()).collect();
    let ports = if o.items(&["spec", "tls"]).is_empty() { "80" } else { "80, 443" };
    vec![
        o.name().clone(),
        or(o.str(&["spec", "ingressClassName"]), "<none>"),
        or(&some_of(hosts, 3), "*"),
        load_balancer(o, p),
        ports.into(),
        p.age(o),
    ]
}

pub(super) fn resource_quota(o: &Object, p: &Print) -> Vec<Str> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let hard = o.get(&["status", "hard"]).and_then(Value::as_map);
    for (name, hard) in hard.iter().flat_map(|h| h.iter()) {
        let used = o.get(&["status", "used", name]).map_or_else(|| "0".into(), super::plain);
        let text = format!("{name}: {used}/{}", super::plain(hard));
        if name.starts_with("limits.") { limits.push(text) } else { requests.push(text) }
    }
    let (requests, limits) = (requests.join(", ").into(), limits.join(", ").into());
    if p.modern() {
        return vec![o.name().clone(), requests, limits, p.age(o)];
    }
    vec![o.name().clone(), p.age(o), requests, limits]
}

pub(super) fn priority_class(o: &Object, p: &Print) -> Vec<Str> {
    let global = o.get(&["globalDefault"]).and_then(Value::as_bool).unwrap_or(false);
    let mut cells = vec![o.name().clone(), int(o, &["value"]).text(), global.text(), p.age(o)];
    if p.modern() {
        cells.push(o.str(&["preemptionPolicy"]).into());
    }
    cells
}

pub(super) fn role_binding(o: &Object, p: &Print) -> Vec<Str> {
    let of = |kind: &str| -> Str {
        let subjects = o.items(&["subjects"]).iter().filter(|s| s.str("kind") == kind);
        let name = |s: &Value| match (kind, s.str("namespace")) {
            ("ServiceAccount", ns) if !ns.is_empty() => format!("{ns}/{}", s.str("name")),
            _ => s.str("name").to_owned(),
        };
        subjects.map(name).collect::<Vec<_>>().join(", ").into()
    };
    let role = ecow::eco_format!("{}/{}", o.str(&["roleRef", "kind"]), o.str(&["roleRef", "name"]));
    vec![o.name().clone(), role, p.age(o), of("User"), of("Group"), of("ServiceAccount")]
}

pub(super) fn certificate_signing_request(o: &Object, p: &Print) -> Vec<Str> {
    let has = |kind: &str| o.items(&["status", "conditions"]).iter().any(|c| c.str("type") == kind);
    let mut status = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (_, true) => "Approved",
        _ => "Pending",
    }
    .to_owned();
    if has("Failed") {
        status += ",Failed";
    }
    if !o.str(&["status", "certificate"]).is_empty() {
        status += ",Issued";
    }
    let signer = or(o.str(&["spec", "signerName"]), "<none>");
    let mut cells = vec![o.name().clone(), p.age(o), signer, o.str(&["spec", "username"]).into()];
    if p.modern() {
        let seconds = o.int(&["spec", "expirationSeconds"]).and_then(|s| u64::try_from(s).ok());
        cells.push(seconds.map_or_else(|| "<none>".into(), |s| crate::base::Duration::secs(s).human().into()));
    }
    cells.push(status.into());
    cells
}
