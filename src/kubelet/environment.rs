//! What a container is started with: command line, environment, folder.
//! Models kubelet_pods.go makeEnvironmentVariables and container.ExpandContainerCommandAndArgs.

use std::sync::{Arc, LazyLock};

use super::worker::Worker;
use super::{Kubelet, volumes};
use crate::api::quantity::Quantity;
use crate::api::{Kind, Object, Value, meta, pod};
use crate::base::Str;
use crate::machine::Machine;
use crate::sim::Ctx;

impl Kubelet {
    /// Name and value of each variable, in the order the container gets them. `None`: something is being
    /// asked for; `Err`: what keeps the container from being made.
    pub(super) fn variables(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &mut Worker,
        spec: &Value,
        ip: &str,
    ) -> Result<Option<Vec<(Str, Str)>>, Str> {
        let mut out: Vec<(Str, Str)> = SERVICE.to_vec();
        if w.pod.get(&["spec", "enableServiceLinks"]).and_then(Value::as_bool) != Some(false) {
            out.extend(service_links(ctx.host(), &w.pod.key.namespace));
        }
        for from in spec.get("envFrom").map_or(&[][..], Value::items) {
            for (field, kind) in [("configMapRef", Kind::CONFIG_MAP), ("secretRef", Kind::SECRET)] {
                let Some(of) = from.get(field) else { continue };
                let Some(object) = self.named(ctx, w, kind, of)? else { return Ok(None) };
                let all = object.map(|o| volumes::data(&o)).unwrap_or_default();
                out.extend(all.into_iter().map(|(key, text)| (ecow::eco_format!("{}{key}", from.str("prefix")), text)));
            }
        }
        for entry in spec.get("env").map_or(&[][..], Value::items) {
            let name = Str::from(entry.str("name"));
            let Some(from) = entry.get("valueFrom") else {
                let value = expand(entry.str("value"), &out);
                out.push((name, value));
                continue;
            };
            if let Some(path) = from.at(&["fieldRef", "fieldPath"]) {
                out.push((name.clone(), field(w, path.as_str(), ctx.host(), ip)));
            }
            if let Some(of) = from.get("resourceFieldRef") {
                out.push((name.clone(), resource(w, of, Some(spec), ctx.host())));
            }
            for (field, kind) in [("configMapKeyRef", Kind::CONFIG_MAP), ("secretKeyRef", Kind::SECRET)] {
                let Some(of) = from.get(field) else { continue };
                let Some(object) = self.named(ctx, w, kind, of)? else { return Ok(None) };
                let key = of.str("key");
                let all = object.map(|o| volumes::data(&o)).unwrap_or_default();
                match all.into_iter().find(|(k, _)| k == key) {
                    Some((_, text)) => out.push((name.clone(), text)),
                    None if optional(of) => {}
                    None => {
                        let (kind, namespace) = (kind.name(), &w.pod.key.namespace);
                        let of = of.str("name");
                        return Err(ecow::eco_format!("couldn't find key {key} in {kind} {namespace}/{of}"));
                    }
                }
            }
        }
        Ok(Some(out))
    }

    /// An object that a variable names: `None` while it is asked for, `Some(None)` where it may be absent.
    #[allow(clippy::type_complexity)]
    fn named(
        &mut self,
        ctx: &mut Ctx<'_>,
        w: &mut Worker,
        kind: Kind,
        of: &Value,
    ) -> Result<Option<Option<Arc<Object>>>, Str> {
        match self.source(ctx, w, kind, of.str("name")) {
            None => Ok(None),
            Some(source) if source.missing && !optional(of) => Err(volumes::not_found(kind, of.str("name"))),
            Some(source) => Ok(Some(source.object)),
        }
    }
}

fn optional(of: &Value) -> bool {
    of.get("optional").and_then(Value::as_bool) == Some(true)
}

/// Variables of the services of a namespace, as far as this machine's kube-proxy knows them.
/// Models pkg/kubelet/envvars.
fn service_links(host: &Machine, namespace: &str) -> Vec<(Str, Str)> {
    let mut out = Vec::new();
    for service in host.net.services.values().filter(|s| s.key.namespace == namespace) {
        let ip = service.str(&["spec", "clusterIP"]);
        let ports = service.items(&["spec", "ports"]);
        let upper = |text: &str| text.to_uppercase().replace('-', "_");
        let name = upper(&service.key.name);
        let number = |p: &Value| p.get("port").and_then(Value::as_int).unwrap_or(0);
        let Some(first) = ports.first().filter(|_| !matches!(ip, "" | "None") && name != "KUBERNETES") else {
            continue;
        };
        let mut put = |key: String, value: String| out.push((Str::from(key), Str::from(value)));
        put(format!("{name}_SERVICE_HOST"), ip.to_owned());
        put(format!("{name}_SERVICE_PORT"), number(first).to_string());
        for p in ports.iter().filter(|p| !p.str("name").is_empty()) {
            put(format!("{name}_SERVICE_PORT_{}", upper(p.str("name"))), number(p).to_string());
        }
        for (i, p) in ports.iter().enumerate() {
            let protocol = if p.str("protocol").is_empty() { "TCP" } else { p.str("protocol") };
            let (lower, port) = (protocol.to_lowercase(), number(p));
            let url = format!("{lower}://{ip}:{port}");
            if i == 0 {
                put(format!("{name}_PORT"), url.clone());
            }
            let prefix = format!("{name}_PORT_{port}_{protocol}");
            put(prefix.clone(), url);
            put(format!("{prefix}_PROTO"), lower);
            put(format!("{prefix}_PORT"), port.to_string());
            put(format!("{prefix}_ADDR"), ip.to_owned());
        }
    }
    out
}

/// A pod's resolv.conf where it is not the usual one.
/// Models pkg/kubelet/network/dns.
pub(super) fn resolv_conf(pod: &Object, host: &Machine) -> Str {
    let config = host.read(crate::addons::files::KUBELET_CONFIG).map_or("", Str::as_str);
    let after = |key: &str, usual: &'static str| -> Str {
        config.split(key).nth(1).and_then(|rest| rest.lines().next()).unwrap_or(usual).trim().into()
    };
    let host_network = pod::host_network(pod);
    let policy = match pod.str(&["spec", "dnsPolicy"]) {
        "ClusterFirst" | "" if host_network => "Default",
        "" => "ClusterFirst",
        policy => policy,
    };
    let (mut servers, mut search, mut options): (Vec<Str>, Vec<Str>, Vec<Str>) = Default::default();
    match policy {
        "None" => {}
        "Default" => {
            let own = crate::network::dns::Conf::parse(host.read("/etc/resolv.conf").map_or("", Str::as_str));
            (servers, search) = (own.servers, own.search);
        }
        _ => {
            let (server, domain) = (after("clusterDNS:\n- ", "10.96.0.10"), after("clusterDomain: ", "cluster.local"));
            servers.push(server);
            let namespace = &pod.key.namespace;
            search = vec![ecow::eco_format!("{namespace}.svc.{domain}"), ecow::eco_format!("svc.{domain}"), domain];
            options.push("ndots:5".into());
        }
    }
    let texts = |field: &str| -> Vec<Str> {
        pod.items(&["spec", "dnsConfig", field]).iter().map(|v| v.as_str().into()).collect()
    };
    servers.extend(texts("nameservers"));
    search.extend(texts("searches"));
    for option in pod.items(&["spec", "dnsConfig", "options"]) {
        let name = option.str("name");
        options.retain(|o| o.split(':').next() != Some(name));
        options.push(match option.str("value") {
            "" => name.into(),
            value => ecow::eco_format!("{name}:{value}"),
        });
    }
    let mut text: String = servers.iter().map(|s| format!("nameserver {s}\n")).collect();
    for (key, words) in [("search", search), ("options", options)] {
        if !words.is_empty() {
            text += &format!("{key} {}\n", words.join(" "));
        }
    }
    let usual = crate::runtime::rootfs::usual_resolv(&pod.key.namespace);
    if text == usual && !host_network { Str::new() } else { text.into() }
}

/// Lines of the hosts file that the pod asks for.
pub(super) fn host_aliases(pod: &Object) -> Str {
    let aliases = pod.items(&["spec", "hostAliases"]);
    if aliases.is_empty() {
        return Str::new();
    }
    let line = |a: &Value| {
        let names: Vec<&str> = a.get("hostnames").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
        format!("{}\t{}\n", a.str("ip"), names.join("\t"))
    };
    let lines: String = aliases.iter().map(line).collect();
    ecow::eco_format!("\n# Entries added by HostAliases.\n{lines}")
}

/// Ports of the machine that lead to the pod's.
pub(super) fn host_ports(pod: &Object) -> Vec<(u16, u16)> {
    let port = |p: &Value, key: &str| p.get(key).and_then(Value::as_int).and_then(|n| u16::try_from(n).ok());
    let ports = pod::containers(pod).iter().flat_map(|c| c.get("ports").map_or(&[][..], Value::items));
    ports.filter_map(|p| Some((port(p, "hostPort").filter(|h| *h > 0)?, port(p, "containerPort")?))).collect()
}

/// Of the service `kubernetes`.
static SERVICE: LazyLock<[(Str, Str); 8]> = LazyLock::new(|| SERVICE_TEXTS.map(|(n, v)| (n.into(), v.into())));
const SERVICE_TEXTS: [(&str, &str); 8] = [
    ("KUBERNETES_PORT", "tcp://10.96.0.1:443"),
    ("KUBERNETES_PORT_443_TCP", "tcp://10.96.0.1:443"),
    ("KUBERNETES_PORT_443_TCP_ADDR", "10.96.0.1"),
    ("KUBERNETES_PORT_443_TCP_PORT", "443"),
    ("KUBERNETES_PORT_443_TCP_PROTO", "tcp"),
    ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
    ("KUBERNETES_SERVICE_PORT", "443"),
    ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
];

/// An item of a downward API volume.
pub fn downward(w: &Worker, item: &Value, host: &Machine) -> Str {
    if let Some(of) = item.get("resourceFieldRef") {
        return resource(w, of, None, host);
    }
    let path = item.at(&["fieldRef", "fieldPath"]).map_or("", Value::as_str);
    if !matches!(path, "metadata.labels" | "metadata.annotations") {
        return field(w, path, host, "");
    }
    let map = w.pod.get(&["metadata", &path[9..]]).and_then(Value::as_map);
    let mut lines: Vec<String> =
        map.into_iter().flat_map(|m| m.iter()).map(|(k, v)| format!("{k}={:?}", v.as_str())).collect();
    lines.sort();
    lines.join("\n").into()
}

/// `limits.cpu` and the like of a container, in units of the divisor, rounded up; without a limit the
/// machine's. Models pkg/api/v1/resource ExtractContainerResourceValue.
fn resource(w: &Worker, of: &Value, own: Option<&Value>, host: &Machine) -> Str {
    let named = || pod::containers(&w.pod).iter().find(|c| c.str("name") == of.str("containerName"));
    let Some((list, what)) = of.str("resource").split_once('.') else { return Str::new() };
    let given = own.or_else(named).and_then(|c| c.at(&["resources", list, what])).and_then(Quantity::of);
    let divisor = of.get("divisor").and_then(Quantity::of);
    let (amount, unit) = if what == "cpu" {
        let all = if list == "limits" { i64::from(host.cpus) * 1000 } else { 0 };
        (given.map_or(all, |q| q.millis()), divisor.map_or(1000, |q| q.millis()))
    } else {
        let all = if list == "limits" && what == "memory" { i64::from(host.memory_mib) << 20 } else { 0 };
        (given.map_or(all, Quantity::value), divisor.map_or(1, Quantity::value))
    };
    let unit = if unit > 0 {
        unit
    } else if what == "cpu" {
        1000
    } else {
        1
    };
    ecow::eco_format!("{}", (amount + unit - 1) / unit)
}

/// The downward API.
fn field(w: &Worker, path: &str, host: &Machine, ip: &str) -> Str {
    let p = &w.pod;
    let keyed = |list: &str| path.strip_prefix(list)?.strip_prefix("['")?.strip_suffix("']").map(Str::from);
    match path {
        "metadata.name" => p.key.name.clone(),
        "metadata.namespace" => p.key.namespace.clone(),
        "metadata.uid" => meta::uid(p).into(),
        "spec.nodeName" => pod::node_name(p).into(),
        "spec.serviceAccountName" => p.str(&["spec", "serviceAccountName"]).into(),
        "status.hostIP" | "status.hostIPs" => host.ip.clone(),
        "status.podIP" | "status.podIPs" => ip.into(),
        _ => match (keyed("metadata.labels"), keyed("metadata.annotations")) {
            (Some(key), _) => meta::label(p, &key).unwrap_or_default().into(),
            (_, Some(key)) => meta::annotation(p, &key).unwrap_or_default().into(),
            _ => Str::new(),
        },
    }
}

/// `$(NAME)` → its value; `$$` → `$`; unknown names stay as they are.
pub fn expand(text: &str, env: &[(Str, Str)]) -> Str {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at..];
        let name = rest.strip_prefix("$(").and_then(|r| r.split_once(')'));
        let value = name.and_then(|(name, after)| {
            env.iter().rev().find(|(n, _)| n == name).map(|(_, value)| (value.as_str(), after))
        });
        match (rest.strip_prefix("$$"), value) {
            (Some(after), _) => (out, rest) = (out + "$", after),
            (None, Some((value, after))) => (out, rest) = (out + value, after),
            (None, None) => (out, rest) = (out + "$", &rest[1..]),
        }
    }
    (out + rest).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_in_parentheses_are_replaced() {
        let env = [("A".into(), "1".into()), ("B".into(), "x y".into())];
        for (text, expected) in
            [("$(A)$(B)", "1x y"), ("$$(A)", "$(A)"), ("$(C) $A $", "$(C) $A $"), ("plain", "plain")]
        {
            assert_eq!(super::expand(text, &env), expected);
        }
    }
}
