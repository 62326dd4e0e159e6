//! Containers: names, images, ports, mounts, probes and resources.

use super::super::quantity::Quantity;
use super::super::{Value, names};
use super::env;
use super::error::{Errors, Path};
use super::security;
use crate::base::Str;

/// What containers are checked against.
pub(super) struct Context<'a> {
    /// The pod's volumes that have nothing wrong with them.
    pub volumes: &'a [&'a Value],
    /// Seconds that the pod has to end.
    pub grace: i64,
    /// Whether the pod shares the machine's users.
    pub host_users: bool,
}

pub(super) fn list<'a>(v: &'a Value, key: &str) -> &'a [Value] {
    v.get(key).map_or(&[], Value::items)
}

/// The value at `key` unless it is null.
pub(super) fn given<'a>(v: &'a Value, key: &str) -> Option<&'a Value> {
    v.get(key).filter(|x| !x.is_null())
}

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

pub(super) fn containers(e: &mut Errors, containers: &[Value], path: &Path<'_>, context: &Context<'_>) {
    let mut taken: Vec<&str> = Vec::new();
    for (i, c) in containers.iter().enumerate() {
        let path = path.index(i);
        let name = c.str("name");
        if e.modern() {
            common(e, c, &path, context, None);
            if taken.contains(&name) {
                e.duplicate(&path.child("name"), name);
            }
            hooks(e, c, &path, context);
        } else {
            common(e, c, &path, context, Some(taken.contains(&name)));
        }
        taken.push(name);
    }
    host_ports(e, containers, path);
}

/// Init containers: names are unique among `others` too; hooks and probes are for sidecars alone.
pub(super) fn init_containers(
    e: &mut Errors,
    containers: &[Value],
    others: &[Value],
    path: &Path<'_>,
    context: &Context<'_>,
) {
    let mut taken: Vec<&str> = Vec::new();
    if !e.modern() {
        for (i, c) in containers.iter().enumerate() {
            common(e, c, &path.index(i), context, Some(taken.contains(&c.str("name"))));
            taken.push(c.str("name"));
        }
        for (i, c) in containers.iter().enumerate() {
            host_port_conflicts(e, std::slice::from_ref(c), path, i);
        }
    }
    let mut taken: Vec<&str> = others.iter().map(|c| c.str("name")).collect();
    for (i, c) in containers.iter().enumerate() {
        let whole = path;
        let path = path.index(i);
        let name = c.str("name");
        if e.modern() {
            common(e, c, &path, context, None);
            e.one_of(c, "restartPolicy", &path, &["Always", "Never", "OnFailure"]);
        }
        if taken.contains(&name) {
            e.duplicate(&path.child("name"), name);
        }
        taken.push(name);
        let sidecar = e.modern() && c.str("restartPolicy") == "Always";
        if sidecar {
            hooks(e, c, &path, context);
        } else {
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(value) = given(c, key) else { continue };
                if e.modern() {
                    e.forbidden(&path.child(key), "may not be set for init containers without restartPolicy=Always");
                } else {
                    let go = if key == "lifecycle" { "core.Lifecycle" } else { "core.Probe" };
                    e.invalid_go(&path.child(key), value.clone(), go, "must not be set for init containers");
                }
            }
        }
        if e.modern() {
            host_port_conflicts(e, std::slice::from_ref(c), whole, i);
        }
    }
}

/// `duplicate`: whether another container has the name, where that is said among the rest.
fn common(e: &mut Errors, c: &Value, path: &Path<'_>, context: &Context<'_>, duplicate: Option<bool>) {
    let name = c.str("name");
    if name.is_empty() {
        e.required(&path.child("name"), "");
    } else if !names::is_plain(name) {
        e.complaints(&path.child("name"), name, names::dns1123_label(name));
    }
    if duplicate == Some(true) {
        e.duplicate(&path.child("name"), name);
    }
    if c.str("image").is_empty() {
        e.required(&path.child("image"), "");
    }
    if !e.modern() && duplicate.is_some() {
        lifecycle(e, c, path, context);
        probe(e, c, "livenessProbe", path, context);
        probe(e, c, "startupProbe", path, context);
    }
    let policies = ["File", "FallbackToLogsOnError"];
    let policy = c.str("terminationMessagePolicy");
    if !policy.is_empty() && !policies.contains(&policy) {
        let path = path.child("terminationMessagePolicy");
        match e.modern() {
            true => e.not_supported(&path, policy, &policies),
            false => e.invalid(&path, policy, "must be 'File' or 'FallbackToLogsOnError'"),
        }
    }
    if !e.modern() && duplicate.is_some() {
        probe(e, c, "readinessProbe", path, context);
    }
    ports(e, list(c, "ports"), &path.child("ports"));
    env::env(e, list(c, "env"), &path.child("env"));
    env::env_from(e, list(c, "envFrom"), &path.child("envFrom"));
    mounts(e, c, &path.child("volumeMounts"), context.volumes);
    devices(e, c, &path.child("volumeDevices"), context.volumes);
    e.one_of(c, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"]);
    if let Some(r) = c.get("resources") {
        resources(e, r, &path.child("resources"));
    }
    if let Some(s) = given(c, "securityContext") {
        security::container(e, s, &path.child("securityContext"), context.host_users);
    }
}

/// Lifecycle and probes, which newer versions check after all else.
fn hooks(e: &mut Errors, c: &Value, path: &Path<'_>, context: &Context<'_>) {
    lifecycle(e, c, path, context);
    for key in PROBES {
        probe(e, c, key, path, context);
    }
}

fn lifecycle(e: &mut Errors, c: &Value, path: &Path<'_>, context: &Context<'_>) {
    let path = path.child("lifecycle");
    for hook in ["postStart", "preStop"] {
        if let Some(h) = c.at(&["lifecycle", hook]).filter(|h| !h.is_null()) {
            handler(e, h, &path.child(hook), context);
        }
    }
}

fn ports(e: &mut Errors, ports: &[Value], path: &Path<'_>) {
    let mut taken = Vec::new();
    for (i, p) in ports.iter().enumerate() {
        let path = path.index(i);
        let name = p.str("name");
        if !name.is_empty() {
            let complaints = names::port_name(name, e.profile);
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

/// The same port of the machine asked for twice.
fn host_ports(e: &mut Errors, containers: &[Value], path: &Path<'_>) {
    host_port_conflicts(e, containers, path, 0);
}

fn host_port_conflicts(e: &mut Errors, containers: &[Value], path: &Path<'_>, first: usize) {
    let mut taken: Vec<String> = Vec::new();
    for (i, c) in containers.iter().enumerate() {
        let path = path.index(first + i);
        let path = path.child("ports");
        for (j, p) in list(c, "ports").iter().enumerate() {
            let port = p.get("hostPort").and_then(Value::as_int).unwrap_or(0);
            if port == 0 {
                continue;
            }
            let key = format!("{}/{}/{port}", p.str("protocol"), p.str("hostIP"));
            if taken.contains(&key) {
                e.duplicate(&path.index(j).child("hostPort"), Str::from(key.as_str()));
            }
            taken.push(key);
        }
    }
}

pub(super) fn port_number(e: &mut Errors, n: i64, path: &Path<'_>) {
    if let Some(complaint) = names::port_number(n) {
        e.invalid(path, n, complaint);
    }
}

/// A path below something: relative, without steps back.
pub(super) fn descending_path(e: &mut Errors, text: &str, path: &Path<'_>) {
    if text.starts_with('/') {
        e.invalid(path, text, "must be a relative path");
    }
    if text.split('/').any(|part| part == "..") {
        e.invalid(path, text, "must not contain '..'");
    }
}

fn mounts(e: &mut Errors, c: &Value, path: &Path<'_>, volumes: &[&Value]) {
    let devices = list(c, "volumeDevices");
    let mut taken: Vec<&str> = Vec::new();
    for (i, m) in list(c, "volumeMounts").iter().enumerate() {
        let whole = path;
        let path = path.index(i);
        let (name, at) = (m.str("name"), m.str("mountPath"));
        if name.is_empty() {
            e.required(&path.child("name"), "");
        }
        if !volumes.iter().any(|v| v.str("name") == name) {
            e.not_found(&path.child("name"), name);
        }
        if at.is_empty() {
            e.required(&path.child("mountPath"), "");
        }
        if taken.contains(&at) {
            e.invalid(&path.child("mountPath"), at, "must be unique");
        }
        taken.push(at);
        if devices.iter().any(|d| d.str("name") == name) {
            e.invalid(&path.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|d| d.str("devicePath") == at) {
            e.invalid(&path.child("mountPath"), at, "must not already exist as a path in volumeDevices");
        }
        let (sub, expr) = (m.str("subPath"), m.str("subPathExpr"));
        descending_path(e, sub, &whole.child("subPath"));
        if !expr.is_empty() && !sub.is_empty() {
            e.invalid(&path.child("subPathExpr"), expr, "subPathExpr and subPath are mutually exclusive");
        }
        descending_path(e, expr, &whole.child("subPathExpr"));
        propagation(e, c, m, &whole.child("mountPropagation"));
        let recursive = m.str("recursiveReadOnly");
        if e.modern()
            && matches!(recursive, "Enabled" | "IfPossible")
            && m.get("readOnly").and_then(Value::as_bool) != Some(true)
        {
            e.forbidden(&whole.child("recursiveReadOnly"), "may only be specified when readOnly is true");
        }
    }
}

fn propagation(e: &mut Errors, c: &Value, m: &Value, path: &Path<'_>) {
    let how = m.str("mountPropagation");
    if !how.is_empty() && !["Bidirectional", "HostToContainer", "None"].contains(&how) {
        e.not_supported(path, how, &["Bidirectional", "HostToContainer", "None"]);
    }
    let privileged = c.at(&["securityContext", "privileged"]).and_then(Value::as_bool) == Some(true);
    if how == "Bidirectional" && !privileged {
        e.forbidden(path, "Bidirectional mount propagation is available only to privileged containers");
    }
}

fn devices(e: &mut Errors, c: &Value, path: &Path<'_>, volumes: &[&Value]) {
    let mounts = list(c, "volumeMounts");
    let (mut names, mut paths): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (i, d) in list(c, "volumeDevices").iter().enumerate() {
        let path = path.index(i);
        let (name, at) = (d.str("name"), d.str("devicePath"));
        if name.is_empty() {
            e.required(&path.child("name"), "");
        }
        if names.contains(&name) {
            e.invalid(&path.child("name"), name, "must be unique");
        }
        let volume = volumes.iter().find(|v| v.str("name") == name);
        let claims = |v: &&&Value| given(v, "persistentVolumeClaim").or(given(v, "ephemeral")).is_some();
        if volume.is_some() && volume.filter(claims).is_none() {
            let kinds = if e.modern() { "PersistentVolumeClaim or Ephemeral" } else { "PersistentVolumeClaim" };
            let detail = format!("can only use volume source type of {kinds} for block mode");
            e.invalid(&path.child("name"), name, detail);
        }
        if volume.is_none() {
            e.not_found(&path.child("name"), name);
        }
        if at.is_empty() {
            e.required(&path.child("devicePath"), "");
        }
        if paths.contains(&at) {
            e.invalid(&path.child("devicePath"), at, "must be unique");
        }
        if at.split('/').any(|part| part == "..") {
            e.invalid(&path.child("devicePath"), at, "can not contain backsteps ('..')");
        } else {
            paths.push(at);
        }
        if mounts.iter().any(|m| m.str("name") == name) {
            e.invalid(&path.child("name"), name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|m| m.str("mountPath") == at) {
            e.invalid(&path.child("devicePath"), at, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.push(name);
        }
    }
}

fn probe(e: &mut Errors, c: &Value, key: &'static str, path: &Path<'_>, context: &Context<'_>) {
    let Some(p) = given(c, key) else { return };
    let path = path.child(key);
    handler(e, p, &path, context);
    for key in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        e.non_negative(p, key, &path);
    }
    if e.modern()
        && let Some(grace) = p.get("terminationGracePeriodSeconds").and_then(Value::as_int)
    {
        let path = path.child("terminationGracePeriodSeconds");
        if grace <= 0 {
            e.invalid(&path, grace, "must be greater than 0");
        }
        if key == "readinessProbe" {
            e.invalid(&path, grace, "must not be set for readinessProbes");
        }
    }
    let success = p.get("successThreshold").and_then(Value::as_int).unwrap_or(1);
    if key != "readinessProbe" && success != 1 {
        e.invalid(&path.child("successThreshold"), success, "must be 1");
    }
}

/// Only the first kind of handler is looked at.
fn handler(e: &mut Errors, h: &Value, path: &Path<'_>, context: &Context<'_>) {
    let kinds: &[&'static str] =
        if e.modern() { &["exec", "httpGet", "tcpSocket", "grpc", "sleep"] } else { &["exec", "httpGet", "tcpSocket"] };
    let mut first = true;
    for &kind in kinds {
        let Some(action) = given(h, kind) else { continue };
        let path = path.child(kind);
        if !std::mem::take(&mut first) {
            e.forbidden(&path, "may not specify more than 1 handler type");
            continue;
        }
        match kind {
            "exec" if list(action, "command").is_empty() => e.required(&path.child("command"), ""),
            "exec" => {}
            "sleep" => {
                let n = action.get("seconds").and_then(Value::as_int).unwrap_or(0);
                if n < 0 || n > context.grace {
                    let limit = context.grace;
                    let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({limit})");
                    e.invalid(&path, n, detail);
                }
            }
            "httpGet" => {
                if action.str("path").is_empty() {
                    e.required(&path.child("path"), "");
                }
                target_port(e, action.get("port"), &path.child("port"));
                e.one_of(action, "scheme", &path, &["HTTP", "HTTPS"]);
                for header in list(action, "httpHeaders") {
                    let name = header.str("name");
                    e.complaints(&path.child("httpHeaders"), name, names::http_header(name));
                }
            }
            _ => target_port(e, action.get("port"), &path.child("port")),
        }
    }
    if first {
        e.required(path, "must specify a handler type");
    }
}

/// A port given by number or by name.
pub(super) fn target_port(e: &mut Errors, port: Option<&Value>, path: &Path<'_>) {
    match port {
        Some(Value::Str(name)) => e.complaints(path, name, names::port_name(name, e.profile)),
        other => port_number(e, other.and_then(Value::as_int).unwrap_or(0), path),
    }
}

/// Resources of which one may ask for less than the limit.
fn overcommits(name: &str) -> bool {
    !name.starts_with("hugepages-") && (!name.contains('/') || name.contains("kubernetes.io/"))
}

fn resources(e: &mut Errors, r: &Value, path: &Path<'_>) {
    let has = |test: &dyn Fn(&str) -> bool| {
        let keys = |kind: &str| r.get(kind).and_then(Value::as_map).is_some_and(|m| m.keys().any(|k| test(k)));
        keys("limits") || keys("requests")
    };
    for kind in ["limits", "requests"] {
        let Some(amounts) = r.get(kind).and_then(Value::as_map) else { continue };
        for (name, amount) in amounts.iter() {
            let path = path.child(kind);
            resource_name(e, name, &path.key(name));
            let amount = resource_amount(e, name, amount, &path.key(name));
            if let (Some(amount), "requests") = (amount, kind) {
                within_limit(e, r, name, amount, &path);
            }
        }
    }
    if has(&|k| k.starts_with("hugepages-")) && !has(&|k| matches!(k, "cpu" | "memory")) {
        e.forbidden(path, "HugePages require cpu or memory");
    }
    if let Some(claim) = r.get("claims").and_then(|c| c.items().first()).filter(|_| e.modern()) {
        let path = path.child("claims");
        e.not_found(&path.index(0), claim.str("name"));
        e.add_detail("must be one of the names in pod.spec.resourceClaims which is empty");
    }
}

fn within_limit(e: &mut Errors, r: &Value, name: &str, amount: Quantity, path: &Path<'_>) {
    let Some(limit) = r.at(&["limits", name]).and_then(Quantity::of) else {
        if !overcommits(name) {
            let limits = Path::Raw(path.text().replace(".requests", ".limits"));
            e.required(&limits, "Limit must be set for non overcommitable resources");
        }
        return;
    };
    let words = match (overcommits(name), amount == limit, amount > limit) {
        (false, false, _) => "equal to",
        (true, _, true) => "less than or equal to",
        _ => return,
    };
    let of = if e.modern() { format!(" of {limit}") } else { String::new() };
    let text = Str::from(amount.to_string());
    e.invalid(path, text, format!("must be {words} {name} limit{of}"));
}

/// Whether resource names may be used in a container.
pub(super) fn resource_name(e: &mut Errors, name: &str, path: &Path<'_>) {
    resource_type(e, name, path);
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if !name.contains('/') {
        if !standard {
            e.invalid(path, name, "must be a standard resource for containers");
        }
        return;
    }
    let native = name.contains("kubernetes.io/");
    let asked = format!("requests.{name}");
    if !native && (name.starts_with("requests.") || !names::label_key(&asked, e.profile).is_empty()) {
        e.invalid(path, name, "doesn't follow extended resource name standard");
    }
}

/// A resource that is known or has a group. Models validateResourceName.
pub(super) fn resource_type(e: &mut Errors, name: &str, path: &Path<'_>) {
    e.complaints(path, name, names::label_key(name, e.profile));
    if !name.contains('/') && e.count_at(path) == 0 && !standard_resource(name) {
        e.invalid(path, name, "must be a standard resource type or fully qualified");
    }
}

const STANDARD: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

fn standard_resource(name: &str) -> bool {
    STANDARD.contains(&name) || name.starts_with("hugepages-") || name.starts_with("requests.hugepages-")
}

/// A quantity that may not be negative; of what cannot be split, a whole number.
pub(super) fn resource_amount(e: &mut Errors, name: &str, amount: &Value, path: &Path<'_>) -> Option<Quantity> {
    let quantity = quantity(e, amount, path)?;
    let counted = ["pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps"];
    let counted = counted.contains(&name)
        || matches!(name, "persistentvolumeclaims" | "services.nodeports" | "services.loadbalancers")
        || !overcommits(name) && name.contains('/');
    if counted && quantity.millis() % 1000 != 0 {
        let text = Str::from(quantity.to_string());
        if e.modern() {
            e.invalid(path, text, "must be an integer");
        } else {
            e.invalid(path, Value::Num(super::super::gofmt::quantity(quantity).into()), "must be an integer");
        }
    }
    Some(quantity)
}

/// A quantity that may not be negative.
pub(super) fn quantity(e: &mut Errors, amount: &Value, path: &Path<'_>) -> Option<Quantity> {
    let quantity = Quantity::of(amount)?;
    if quantity.is_negative() {
        e.invalid(path, Str::from(quantity.to_string()), "must be greater than or equal to 0");
    }
    Some(quantity)
}
