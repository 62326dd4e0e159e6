//! Containers: names, images, ports, environment, mounts, probes and resources.

use super::super::quantity::Quantity;
use super::super::{Value, names};
use super::error::{Errors, Path};
use crate::base::Str;

/// What containers are checked against.
pub(super) struct Context<'a> {
    /// Names of the pod's volumes.
    pub volumes: &'a [&'a str],
    pub in_template: bool,
}

fn list<'a>(v: &'a Value, key: &str) -> &'a [Value] {
    v.get(key).map_or(&[], Value::items)
}

/// `taken` gathers names, which must be unique over init and plain containers.
pub(super) fn containers<'v>(
    e: &mut Errors,
    containers: &'v [Value],
    path: &Path<'_>,
    context: &Context<'_>,
    taken: &mut Vec<&'v str>,
) {
    for (i, c) in containers.iter().enumerate() {
        let path = path.index(i);
        let name = c.str("name");
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else if !names::is_plain(name) {
            e.complaints(&path.child("name"), name, names::dns1123_label(name));
        }
        if taken.contains(&name) {
            e.duplicate(&path.child("name"), name);
        } else {
            taken.push(name);
        }
        container(e, c, &path, context);
    }
}

fn container(e: &mut Errors, c: &Value, path: &Path<'_>, context: &Context<'_>) {
    let image = c.str("image");
    if image.is_empty() {
        e.required(&path.child("image"), "");
    } else if !context.in_template && image.trim() != image {
        e.invalid(&path.child("image"), image, "must not have leading or trailing whitespace");
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(p) = c.get(name).filter(|p| !p.is_null()) {
            probe(e, p, &path.child(name), name != "readinessProbe");
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(h) = c.at(&["lifecycle", hook]).filter(|h| !h.is_null()) {
            let path = path.child("lifecycle");
            handler(e, h, &path.child(hook));
        }
    }
    e.one_of(c, "terminationMessagePolicy", path, &["File", "FallbackToLogsOnError"]);
    ports(e, list(c, "ports"), &path.child("ports"));
    env(e, list(c, "env"), &path.child("env"));
    mounts(e, list(c, "volumeMounts"), &path.child("volumeMounts"), context.volumes);
    e.one_of(c, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"]);
    if let Some(r) = c.get("resources") {
        resources(e, r, &path.child("resources"));
    }
}

fn ports(e: &mut Errors, ports: &[Value], path: &Path<'_>) {
    let mut taken = Vec::new();
    for (i, p) in ports.iter().enumerate() {
        let path = path.index(i);
        let name = p.str("name");
        if !name.is_empty() {
            let complaints = names::port_name(name);
            if !complaints.is_empty() {
                e.complaints(&path.child("name"), name, complaints);
            } else if taken.contains(&name) {
                e.duplicate(&path.child("name"), name);
            } else {
                taken.push(name);
            }
        }
        match p.get("containerPort").and_then(Value::as_int).unwrap_or(0) {
            0 => e.required(&path.child("containerPort"), ""),
            n => port_number(e, n, &path.child("containerPort")),
        }
        match p.get("hostPort").and_then(Value::as_int).unwrap_or(0) {
            0 => {}
            n => port_number(e, n, &path.child("hostPort")),
        }
        let protocol = p.str("protocol");
        if protocol.is_empty() {
            e.required(&path.child("protocol"), "");
        }
        e.one_of(p, "protocol", &path, &["SCTP", "TCP", "UDP"]);
    }
}

pub(super) fn port_number(e: &mut Errors, n: i64, path: &Path<'_>) {
    if let Some(complaint) = names::port_number(n) {
        e.invalid(path, n, complaint);
    }
}

fn env(e: &mut Errors, env: &[Value], path: &Path<'_>) {
    for (i, v) in env.iter().enumerate() {
        let path = path.index(i);
        let name = v.str("name");
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else {
            let complaints = names::env_var_name(name, e.profile);
            e.complaints(&path.child("name"), name, complaints);
        }
        let Some(from) = v.get("valueFrom").filter(|f| !f.is_null()) else { continue };
        let path = path.child("valueFrom");
        if !v.str("value").is_empty() {
            e.invalid(&path, "", "may not be specified when `value` is not empty");
        }
        let sources = from.as_map().map_or(0, |m| m.iter().filter(|(_, v)| !v.is_null()).count());
        if sources == 0 {
            let known = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef`";
            let known = if e.modern() {
                format!("{known} or `fileKeyRef`")
            } else {
                known.replace("`configMapKeyRef`, ", "`configMapKeyRef` or ")
            };
            e.invalid(&path, "", known);
        } else if sources > 1 {
            e.invalid(&path, "", "may not have more than one field specified at a time");
        }
        for source in ["configMapKeyRef", "secretKeyRef"] {
            if let Some(r) = from.get(source)
                && r.str("key").is_empty()
            {
                e.required(&path.child(source).child("key"), "");
            }
        }
    }
}

fn mounts(e: &mut Errors, mounts: &[Value], path: &Path<'_>, volumes: &[&str]) {
    let mut taken: Vec<&str> = Vec::new();
    for (i, m) in mounts.iter().enumerate() {
        let path = path.index(i);
        let name = m.str("name");
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else if !volumes.contains(&name) {
            e.not_found(&path.child("name"), name);
        }
        let at = m.str("mountPath");
        if at.is_empty() {
            e.required(&path.child("mountPath"), "");
        } else if taken.contains(&at) {
            e.invalid(&path.child("mountPath"), at, "must be unique");
        } else {
            taken.push(at);
        }
        for key in ["subPath", "subPathExpr"] {
            let sub = m.str(key);
            if sub.starts_with('/') {
                e.invalid(&path.child(key), sub, "must be a relative path");
            }
            if sub.split('/').any(|part| part == "..") {
                e.invalid(&path.child(key), sub, "must not contain '..'");
            }
        }
    }
}

fn probe(e: &mut Errors, p: &Value, path: &Path<'_>, success_is_one: bool) {
    handler(e, p, path);
    for key in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        e.non_negative(p, key, path);
    }
    let success = p.get("successThreshold").and_then(Value::as_int).unwrap_or(1);
    if success_is_one && success != 1 {
        e.invalid(&path.child("successThreshold"), success, "must be 1");
    }
}

fn handler(e: &mut Errors, h: &Value, path: &Path<'_>) {
    let kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
    let given: Vec<&'static str> = kinds.into_iter().filter(|k| h.get(k).is_some_and(|v| !v.is_null())).collect();
    if given.is_empty() {
        e.required(path, "must specify a handler type");
    }
    for extra in given.iter().skip(1) {
        e.forbidden(&path.child(extra), "may not specify more than 1 handler type");
    }
    if let Some(x) = h.get("exec")
        && list(x, "command").is_empty()
    {
        e.required(&path.child("exec").child("command"), "");
    }
    for kind in ["httpGet", "tcpSocket"] {
        let Some(action) = h.get(kind) else { continue };
        let path = path.child(kind);
        if kind == "httpGet" {
            if action.str("path").is_empty() {
                e.required(&path.child("path"), "");
            }
            e.one_of(action, "scheme", &path, &["HTTP", "HTTPS"]);
        }
        target_port(e, action.get("port"), &path.child("port"));
    }
}

/// A port given by number or by name.
pub(super) fn target_port(e: &mut Errors, port: Option<&Value>, path: &Path<'_>) {
    match port {
        Some(Value::Str(name)) => e.complaints(path, name, names::port_name(name)),
        other => port_number(e, other.and_then(Value::as_int).unwrap_or(0), path),
    }
}

fn resources(e: &mut Errors, r: &Value, path: &Path<'_>) {
    for kind in ["limits", "requests"] {
        let Some(amounts) = r.get(kind).and_then(Value::as_map) else { continue };
        let path = path.child(kind);
        for (name, amount) in amounts.iter() {
            resource_name(e, name, &path);
            let amount = quantity(e, amount, &path.key(name));
            let limit = r.at(&["limits", name]).and_then(Quantity::of);
            if let (Some(amount), Some(limit), "requests") = (amount, limit, kind)
                && amount > limit
            {
                let text = Str::from(amount.to_string());
                if e.modern() {
                    e.invalid(&path, text, format!("must be less than or equal to {name} limit of {limit}"));
                } else {
                    e.invalid(&path, text, format!("must be less than or equal to {name} limit"));
                }
            }
        }
    }
}

fn resource_name(e: &mut Errors, name: &str, path: &Path<'_>) {
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if standard || name.contains('/') {
        let path = path.key(name);
        if name.contains('/') {
            e.complaints(&path, name, names::qualified_name(name));
        }
        return;
    }
    let path = path.key(name);
    e.invalid(&path, name, "must be a standard resource type or fully qualified");
    e.invalid(&path, name, "must be a standard resource for containers");
}

/// A quantity that may not be negative.
pub(super) fn quantity(e: &mut Errors, amount: &Value, path: &Path<'_>) -> Option<Quantity> {
    let quantity = Quantity::of(amount)?;
    if quantity.is_negative() {
        e.invalid(path, Str::from(quantity.to_string()), "must be greater than or equal to 0");
    }
    Some(quantity)
}
