//! Pod specs and templates. Where a pod may run is [`super::schedule`]'s.

use super::super::{Value, names};
use super::container::{self, given, list};
use super::error::{Errors, Path};
use super::{metadata, schedule, security, volume};

/// A template: labels, annotations and spec. Upstream leaves `metadata` out of their paths.
pub(super) fn template(e: &mut Errors, template: &Value, path: &Path<'_>) {
    e.labels(template.at(&["metadata", "labels"]).and_then(Value::as_map), &path.child("labels"));
    metadata::annotations(e, template.at(&["metadata", "annotations"]), &path.child("annotations"));
    let empty = Value::Null;
    let path = path.child("spec");
    let pods = template.get("spec").unwrap_or(&empty);
    spec(e, pods, &path);
    if e.modern() && !list(pods, "ephemeralContainers").is_empty() {
        e.forbidden(&path.child("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// A template of old stateful sets, whose spec nobody looks at.
pub(super) fn old_template(e: &mut Errors, template: &Value, path: &Path<'_>) {
    e.labels(template.at(&["metadata", "labels"]).and_then(Value::as_map), &path.child("labels"));
    metadata::annotations(e, template.at(&["metadata", "annotations"]), &path.child("annotations"));
}

/// A pod itself, which is judged more strictly than a template.
pub(super) fn pod(e: &mut Errors, pods: &Value, path: &Path<'_>, new: bool) {
    spec(e, pods, path);
    for containers in ["containers", "initContainers"] {
        for (i, c) in list(pods, containers).iter().enumerate() {
            let image = c.str("image");
            if image.trim() != image {
                let path = path.child(containers);
                e.invalid(&path.index(i).child("image"), image, "must not have leading or trailing whitespace");
            }
        }
    }
    if new && e.modern() && !list(pods, "ephemeralContainers").is_empty() {
        e.forbidden(&path.child("ephemeralContainers"), "cannot be set on create");
    }
    if new && e.modern() && !pods.str("nodeName").is_empty() && !list(pods, "schedulingGates").is_empty() {
        e.forbidden(&path.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
}

fn truth(v: &Value, key: &str) -> bool {
    v.get(key).and_then(Value::as_bool) == Some(true)
}

pub(super) fn spec(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let volumes = volume::volumes(e, list(spec, "volumes"), &path.child("volumes"));
    let grace = spec.get("terminationGracePeriodSeconds").and_then(Value::as_int).unwrap_or(30);
    let host_users = spec.get("hostUsers").and_then(Value::as_bool) != Some(false);
    let context = container::Context { volumes: &volumes, grace, host_users };
    if e.modern() {
        resource_claims(e, spec, path);
    }
    let containers = list(spec, "containers");
    if containers.is_empty() {
        e.required(&path.child("containers"), "");
    }
    container::containers(e, containers, &path.child("containers"), &context);
    let init = list(spec, "initContainers");
    container::init_containers(e, init, containers, &path.child("initContainers"), &context);
    if e.modern() && truth(spec, "hostNetwork") {
        host_network_ports(e, spec, path);
    }
    e.one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"]);
    e.one_of(spec, "dnsPolicy", path, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]);
    e.labels(spec.get("nodeSelector").and_then(Value::as_map), &path.child("nodeSelector"));
    security::pod(e, spec, path);
    schedule::affinity(e, spec, path);
    dns_config(e, spec, path);
    for (i, gate) in list(spec, "readinessGates").iter().enumerate() {
        let path = path.child("readinessGates");
        let kind = gate.str("conditionType");
        e.complaints(&path.index(i).child("conditionType"), kind, names::label_key(kind, e.profile));
    }
    if e.modern() {
        scheduling_gates(e, spec, path);
    }
    schedule::topology_spread(e, list(spec, "topologySpreadConstraints"), &path.child("topologySpreadConstraints"));
    if e.modern() && !host_users {
        for (key, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
            if truth(spec, key) {
                e.forbidden(&path.child(shown), "when `hostUsers` is false");
            }
        }
    }
    for key in ["serviceAccountName", "nodeName"] {
        subdomain(e, spec, key, path);
    }
    if let Some(n) = spec.get("activeDeadlineSeconds").and_then(Value::as_int)
        && !(1..=i64::from(i32::MAX)).contains(&n)
    {
        let detail = format!("must be between 1 and {}, inclusive", i32::MAX);
        e.invalid(&path.child("activeDeadlineSeconds"), n, detail);
    }
    for key in ["hostname", "subdomain"] {
        let text = spec.str(key);
        if !text.is_empty() {
            e.dns_label(&path.child(key), text);
        }
    }
    schedule::tolerations(e, list(spec, "tolerations"), &path.child("tolerations"));
    host_aliases(e, list(spec, "hostAliases"), &path.child("hostAliases"));
    for key in ["priorityClassName", "runtimeClassName"] {
        subdomain(e, spec, key, path);
    }
    e.one_of(spec, "preemptionPolicy", path, &["PreemptLowerPriority", "Never"]);
    let overhead = path.child("overhead");
    for (name, amount) in spec.get("overhead").and_then(Value::as_map).iter().flat_map(|m| m.iter()) {
        let path = overhead.child("limits");
        container::resource_name(e, name, &path.key(name));
        container::resource_amount(e, name, amount, &path.key(name));
    }
    if let Some(os) = given(spec, "os").filter(|_| e.modern()) {
        system(e, spec, os.str("name"), path);
    }
}

fn subdomain(e: &mut Errors, v: &Value, key: &'static str, path: &Path<'_>) {
    let text = v.str(key);
    if !text.is_empty() && !names::is_plain(text) {
        e.complaints(&path.child(key), text, names::dns1123_subdomain(text));
    }
}

/// On the machine's own network a container's port is the machine's.
pub(super) fn host_network_ports(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let mut lists = vec!["containers"];
    if e.modern() {
        lists.push("initContainers");
    }
    for containers in lists {
        for (i, c) in list(spec, containers).iter().enumerate() {
            for (j, p) in list(c, "ports").iter().enumerate() {
                let n = |key: &str| p.get(key).and_then(Value::as_int).unwrap_or(0);
                if n("hostPort") == n("containerPort") {
                    continue;
                }
                let (wrong, other) =
                    if e.modern() { ("hostPort", "containerPort") } else { ("containerPort", "hostPort") };
                let path = path.child(containers);
                let path = path.index(i);
                let path = path.child("ports");
                let detail = format!("must match `{other}` when `hostNetwork` is true");
                e.invalid(&path.index(j).child(wrong), n(wrong), detail);
            }
        }
    }
}

fn dns_config(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("dnsConfig");
    let config = given(spec, "dnsConfig");
    if spec.str("dnsPolicy") == "None" {
        let Some(config) = config else {
            return e.required(&path, "must provide `dnsConfig` when `dnsPolicy` is None");
        };
        if list(config, "nameservers").is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return e.required(&path.child("nameservers"), detail);
        }
    }
    let Some(config) = config else { return };
    let servers = list(config, "nameservers");
    let at = path.child("nameservers");
    if servers.len() > 3 {
        e.invalid_go(&at, Value::from(servers.to_vec()), "[]string", "must not have more than 3 nameservers");
    }
    for (i, s) in servers.iter().enumerate() {
        e.ip(&at.index(i), s.as_str());
    }
    let searches = list(config, "searches");
    let (limit, letters) = if e.modern() { (32, 2048) } else { (6, 256) };
    let at = path.child("searches");
    let total: usize = searches.iter().map(|s| s.as_str().len() + 1).sum();
    if searches.len() > limit {
        let detail = format!("must not have more than {limit} search paths");
        e.invalid_go(&at, Value::from(searches.to_vec()), "[]string", &detail);
    }
    if total > letters + 1 {
        let detail = format!("must not have more than {letters} characters (including spaces) in the search list");
        e.invalid_go(&at, Value::from(searches.to_vec()), "[]string", &detail);
    }
    for (i, s) in searches.iter().enumerate() {
        let text = s.as_str();
        let bare = text.strip_suffix('.').unwrap_or(text);
        let complaints = match e.modern() {
            true if text == "." => Vec::new(),
            true => names::relaxed_subdomain(bare),
            false => names::dns1123_subdomain(bare),
        };
        e.complaints(&at.index(i), bare, complaints);
    }
    for (i, option) in list(config, "options").iter().enumerate() {
        if option.str("name").is_empty() {
            let path = path.child("options");
            e.required(&path.index(i), "must not be empty");
        }
    }
}

fn host_aliases(e: &mut Errors, aliases: &[Value], path: &Path<'_>) {
    for (i, alias) in aliases.iter().enumerate() {
        let item = path.index(i);
        // Older versions do not say which alias it is.
        let path = if e.modern() { &item } else { path };
        e.ip(&path.child("ip"), alias.str("ip"));
        for (j, host) in list(alias, "hostnames").iter().enumerate() {
            let all = path.child("hostnames");
            let complaints = names::dns1123_subdomain(host.as_str());
            match e.modern() {
                true => e.complaints(&all.index(j), host.as_str(), complaints),
                false => e.complaints(&all, host.as_str(), complaints),
            }
        }
    }
}

fn scheduling_gates(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("schedulingGates");
    let mut taken: Vec<&str> = Vec::new();
    for (i, gate) in list(spec, "schedulingGates").iter().enumerate() {
        let name = gate.str("name");
        e.complaints(&path.index(i), name, names::label_key(name, e.profile));
        if taken.contains(&name) {
            e.duplicate(&path.index(i), name);
        }
        taken.push(name);
    }
}

fn resource_claims(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("resourceClaims");
    for (i, claim) in list(spec, "resourceClaims").iter().enumerate() {
        let (name, template) = (given(claim, "resourceClaimName"), given(claim, "resourceClaimTemplateName"));
        if name.is_none() && template.is_none() {
            let shown = format!(
                "{{\"Name\":{},\"ResourceClaimName\":null,\"ResourceClaimTemplateName\":null}}",
                super::super::gofmt::quote(claim.str("name"))
            );
            let detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`";
            e.invalid(&path.index(i), Value::Num(shown.into()), detail);
        }
    }
}

fn system(e: &mut Errors, spec: &Value, name: &str, path: &Path<'_>) {
    match name {
        "" => e.required(&path.child("os").child("name"), ""),
        "linux" => {}
        "windows" => {
            for key in ["hostPID", "hostIPC", "shareProcessNamespace"] {
                if truth(spec, key) {
                    e.forbidden(&path.child(key), "cannot be set for a windows pod");
                }
            }
        }
        other => e.not_supported(&path.child("os"), other, &["linux", "windows"]),
    }
}
