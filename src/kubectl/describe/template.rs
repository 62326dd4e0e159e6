//! Containers, volumes, tolerations: what pods and pod templates have in common.
//! Models kubectl/pkg/describe `describeContainers`, `describeVolumes`, `DescribePodTemplate`.

use super::{Page, or_none, text_of, when};
use crate::api::quantity::Quantity;
use crate::api::{Object, Value};
use crate::base::arrange::Arrange;
use crate::sim::Profile;

/// A pod template inside a workload's description.
pub fn pod_template(template: Option<&Value>, profile: Profile, p: &mut Page) {
    p.put("Pod Template:\n");
    let Some(template) = template else { return p.put("  <unset>") };
    let map = |path: &[&str]| template.at(path).and_then(Value::as_map);
    p.labels("  Labels", map(&["metadata", "labels"]));
    if map(&["metadata", "annotations"]).is_some_and(|m| !m.is_empty()) {
        p.annotations("  Annotations", map(&["metadata", "annotations"]));
    }
    let Some(spec) = template.get("spec") else { return };
    if !spec.str("serviceAccountName").is_empty() {
        p.field(0, "  Service Account", spec.str("serviceAccountName"));
    }
    let list = |key: &str| spec.get(key).map_or(&[][..], Value::items);
    if !list("initContainers").is_empty() {
        containers("Init Containers", list("initContainers"), None, None, "  ", p);
    }
    containers("Containers", list("containers"), None, None, "  ", p);
    volumes(list("volumes"), "  ", p);
    spread_constraints(spec, "  ", p);
    if !spec.str("priorityClassName").is_empty() {
        p.field(0, "  Priority Class Name", spec.str("priorityClassName"));
    }
    if profile == Profile::Modern {
        p.labels("  Node-Selectors", spec.get("nodeSelector").and_then(Value::as_map));
        tolerations("  Tolerations", list("tolerations"), p);
    }
}

pub fn spread_constraints(spec: &Value, space: &str, p: &mut Page) {
    let all = spec.get("topologySpreadConstraints").map_or(&[][..], Value::items);
    for (i, c) in all.iter().enumerate() {
        let text = format!(
            "{}:{} when max skew {} is exceeded for selector {}",
            c.str("topologyKey"),
            c.str("whenUnsatisfiable"),
            text_of(c.get("maxSkew")),
            super::selector_text(c.get("labelSelector"))
        );
        if i == 0 {
            p.field(0, &format!("{space}Topology Spread Constraints"), text);
        } else {
            p.line(0, format!("{space}\t{text}"));
        }
    }
}

/// Containers under a title, with their states if there are any. `pod` resolves field references.
pub fn containers(
    title: &str,
    all: &[Value],
    statuses: Option<&[Value]>,
    pod: Option<&Object>,
    space: &str,
    p: &mut Page,
) {
    if all.is_empty() {
        return p.line(0, format!("{space}{title}: <none>"));
    }
    p.line(0, format!("{space}{title}:"));
    let indent = if space.is_empty() { "" } else { " " };
    for c in all {
        let status = statuses.and_then(|s| s.iter().find(|s| s.str("name") == c.str("name")));
        p.line(1, format!("{indent}{}:", c.str("name")));
        basics(c, status, p);
        command(c, p);
        if let Some(status) = status {
            state("State", status.get("state"), p);
            if status.at(&["lastState", "terminated"]).is_some_and(|t| !t.is_null()) {
                state("Last State", status.get("lastState"), p);
            }
            p.field(2, "Ready", super::capital(status.get("ready").and_then(Value::as_bool).unwrap_or(false)));
            p.field(2, "Restart Count", status.get("restartCount").and_then(Value::as_int).unwrap_or(0));
        }
        resources(c, p);
        for (key, title) in
            [("livenessProbe", "Liveness"), ("readinessProbe", "Readiness"), ("startupProbe", "Startup")]
        {
            if let Some(probe) = c.get(key).filter(|v| !v.is_null()) {
                p.field(2, title, probe_text(probe));
            }
        }
        environment(c, pod, p);
        mounts(c, p);
    }
}

fn basics(c: &Value, status: Option<&Value>, p: &mut Page) {
    if let Some(s) = status {
        p.field(2, "Container ID", s.str("containerID"));
    }
    p.field(2, "Image", c.str("image"));
    if let Some(s) = status {
        p.field(2, "Image ID", s.str("imageID"));
    }
    let ports = |key: &str| {
        let all = c.get("ports").map_or(&[][..], Value::items);
        let each: Vec<String> = all
            .iter()
            .map(|q| {
                let protocol = if q.str("protocol").is_empty() { "TCP" } else { q.str("protocol") };
                let port = format!("{}/{protocol}", q.get(key).and_then(Value::as_int).unwrap_or(0));
                // 1.20 leaves the names out.
                match q.str("name") {
                    name if !p.book && !name.is_empty() => format!("{port} ({name})"),
                    _ => port,
                }
            })
            .collect();
        each.join(", ")
    };
    for (title, many, text) in
        [("Port", "Ports", ports("containerPort")), ("Host Port", "Host Ports", ports("hostPort"))]
    {
        p.field(2, if text.contains(',') { many } else { title }, or_none(&text));
    }
    if let Some(kind) = c.at(&["securityContext", "seccompProfile", "type"]) {
        p.field(2, "SeccompProfile", kind.as_str());
    }
}

fn command(c: &Value, p: &mut Page) {
    for (key, title) in [("command", "Command"), ("args", "Args")] {
        let words = c.get(key).map_or(&[][..], Value::items);
        if !words.is_empty() {
            p.line(2, format!("{title}:"));
        }
        for line in words.iter().flat_map(|w| w.as_str().split('\n')) {
            p.line(3, line);
        }
    }
}

fn state(title: &str, state: Option<&Value>, p: &mut Page) {
    let part = |name: &str| state.and_then(|s| s.get(name)).filter(|v| !v.is_null());
    if let Some(running) = part("running") {
        p.field(2, title, "Running");
        p.field(3, "Started", when(running.str("startedAt")));
    } else if let Some(t) = part("terminated") {
        p.field(2, title, "Terminated");
        for (key, name) in [("reason", "Reason"), ("message", "Message")] {
            if !t.str(key).is_empty() {
                p.field(3, name, t.str(key));
            }
        }
        p.field(3, "Exit Code", t.get("exitCode").and_then(Value::as_int).unwrap_or(0));
        if let Some(signal) = t.get("signal").and_then(Value::as_int).filter(|s| *s > 0) {
            p.field(3, "Signal", signal);
        }
        p.field(3, "Started", when(t.str("startedAt")));
        p.field(3, "Finished", when(t.str("finishedAt")));
    } else {
        p.field(2, title, "Waiting");
        if let Some(reason) = part("waiting").map(|w| w.str("reason")).filter(|r| !r.is_empty()) {
            p.field(3, "Reason", reason);
        }
    }
}

fn resources(c: &Value, p: &mut Page) {
    for (key, title) in [("limits", "Limits"), ("requests", "Requests")] {
        let Some(map) = c.at(&["resources", key]).and_then(Value::as_map).filter(|m| !m.is_empty()) else { continue };
        p.line(2, format!("{title}:"));
        for (name, amount) in map.iter() {
            p.field(3, name, text_of(Some(amount)));
        }
    }
}

/// `http-get http://:80/ delay=0s timeout=1s period=10s #success=1 #failure=3`
pub fn probe_text(probe: &Value) -> String {
    let n = |key: &str| probe.get(key).and_then(Value::as_int).unwrap_or(0);
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        n("initialDelaySeconds"),
        n("timeoutSeconds"),
        n("periodSeconds"),
        n("successThreshold"),
        n("failureThreshold")
    );
    if let Some(exec) = probe.get("exec") {
        let words: Vec<&str> = exec.get("command").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
        return format!("exec [{}] {attributes}", words.join(" "));
    }
    if let Some(http) = probe.get("httpGet") {
        let scheme = if http.str("scheme").is_empty() { "HTTP" } else { http.str("scheme") };
        let port = text_of(http.get("port"));
        let colon = if port.is_empty() { "" } else { ":" };
        return format!(
            "http-get {}://{}{colon}{port}{} {attributes}",
            scheme.to_lowercase(),
            http.str("host"),
            http.str("path")
        );
    }
    if let Some(tcp) = probe.get("tcpSocket") {
        return format!("tcp-socket {}:{} {attributes}", tcp.str("host"), text_of(tcp.get("port")));
    }
    if let Some(grpc) = probe.get("grpc") {
        return format!("grpc <pod>:{} {} {attributes}", text_of(grpc.get("port")), grpc.str("service"));
    }
    format!("unknown {attributes}")
}

fn environment(c: &Value, pod: Option<&Object>, p: &mut Page) {
    let from = c.get("envFrom").map_or(&[][..], Value::items);
    if !from.is_empty() {
        p.line(2, "Environment Variables from:");
    }
    for source in from {
        let (key, what) =
            if source.get("configMapRef").is_some() { ("configMapRef", "ConfigMap") } else { ("secretRef", "Secret") };
        let r = source.get(key);
        let name = r.map_or("", |r| r.str("name"));
        let optional = r.and_then(|r| r.get("optional")).and_then(Value::as_bool).unwrap_or(false);
        let prefix = source.str("prefix");
        let what = if prefix.is_empty() { what.to_owned() } else { format!("{what} with prefix '{prefix}'") };
        p.line(3, format!("{name}\t{what}\tOptional: {optional}"));
    }
    let env = c.get("env").map_or(&[][..], Value::items);
    if env.is_empty() {
        return p.line(2, "Environment:\t<none>");
    }
    p.line(2, "Environment:");
    for e in env {
        let name = e.str("name");
        let Some(source) = e.get("valueFrom") else {
            for (i, part) in e.str("value").split('\n').enumerate() {
                if i == 0 { p.field(3, name, part) } else { p.line(3, format!("\t{part}")) }
            }
            continue;
        };
        p.field(3, name, source_text(source, c, pod));
    }
}

/// Models kubectl/pkg/util/resource ExtractContainerResourceValue: rounded up to the divisor.
fn of_resource(c: &Value, r: &Value) -> String {
    let name = r.str("resource");
    let Some((field, resource)) = name.split_once('.') else { return String::new() };
    let millis = |v: Option<&Value>| v.and_then(Quantity::of).map_or(0, Quantity::millis);
    let divisor = match millis(r.get("divisor")) {
        0 => 1_000,
        n => n,
    };
    let amount = millis(c.at(&["resources", field, resource]));
    match (amount + divisor - 1) / divisor {
        0 if matches!(name, "limits.cpu" | "limits.memory") => "node allocatable".to_owned(),
        n => n.to_string(),
    }
}

fn source_text(source: &Value, c: &Value, pod: Option<&Object>) -> String {
    let optional = |r: &Value| r.get("optional").and_then(Value::as_bool).unwrap_or(false);
    if let Some(r) = source.get("fieldRef") {
        let path = r.str("fieldPath");
        let keys: Vec<&str> = path.split('.').collect();
        let value = pod.map_or("", |o| o.str(&keys));
        let version = if r.str("apiVersion").is_empty() { "v1" } else { r.str("apiVersion") };
        return format!("{value} ({version}:{path})");
    }
    if let Some(r) = source.get("resourceFieldRef") {
        return format!("{} ({})", of_resource(c, r), r.str("resource"));
    }
    if let Some(r) = source.get("secretKeyRef") {
        return format!("<set to the key '{}' in secret '{}'>\tOptional: {}", r.str("key"), r.str("name"), optional(r));
    }
    if let Some(r) = source.get("configMapKeyRef") {
        return format!(
            "<set to the key '{}' of config map '{}'>\tOptional: {}",
            r.str("key"),
            r.str("name"),
            optional(r)
        );
    }
    String::new()
}

fn mounts(c: &Value, p: &mut Page) {
    let mut all: Vec<&Value> = c.get("volumeMounts").map_or(&[][..], Value::items).iter().collect();
    if all.is_empty() {
        return p.line(2, "Mounts:\t<none>");
    }
    p.line(2, "Mounts:");
    all.arrange_by_key(|m| m.str("mountPath"));
    for m in all {
        let mut how =
            String::from(if m.get("readOnly").and_then(Value::as_bool).unwrap_or(false) { "ro" } else { "rw" });
        if !m.str("subPath").is_empty() {
            how += &format!(",path={}", super::super::flags::quote(m.str("subPath")));
        }
        p.line(3, format!("{} from {} ({how})", m.str("mountPath"), m.str("name")));
    }
}

pub fn volumes(all: &[Value], space: &str, p: &mut Page) {
    if all.is_empty() {
        return p.line(0, format!("{space}Volumes:\t<none>"));
    }
    p.line(0, format!("{space}Volumes:"));
    let indent = if space.is_empty() { "" } else { " " };
    for v in all {
        p.line(1, format!("{indent}{}:", v.str("name")));
        volume(v, p);
    }
}

/// The lines of one volume's source.
pub fn volume(v: &Value, p: &mut Page) {
    let yes = |s: &Value, key: &str| s.get(key).and_then(Value::as_bool).unwrap_or(false);
    let kind = |p: &mut Page, text: &str| p.field(2, "Type", text);
    if let Some(s) = v.get("hostPath") {
        kind(p, "HostPath (bare host directory volume)");
        p.field(2, "Path", s.str("path"));
        p.field(2, "HostPathType", s.str("type"));
    } else if let Some(s) = v.get("emptyDir") {
        kind(p, "EmptyDir (a temporary directory that shares a pod's lifetime)");
        p.field(2, "Medium", s.str("medium"));
        let limit = text_of(s.get("sizeLimit"));
        p.field(2, "SizeLimit", if limit.is_empty() { "<unset>" } else { &limit });
    } else if let Some(s) = v.get("secret") {
        kind(p, "Secret (a volume populated by a Secret)");
        p.field(2, "SecretName", s.str("secretName"));
        p.field(2, "Optional", yes(s, "optional"));
    } else if let Some(s) = v.get("configMap") {
        kind(p, "ConfigMap (a volume populated by a ConfigMap)");
        p.field(2, "Name", s.str("name"));
        p.field(2, "Optional", yes(s, "optional"));
    } else if let Some(s) = v.get("nfs") {
        kind(p, "NFS (an NFS mount that lasts the lifetime of a pod)");
        p.field(2, "Server", s.str("server"));
        p.field(2, "Path", s.str("path"));
        p.field(2, "ReadOnly", yes(s, "readOnly"));
    } else if let Some(s) = v.get("persistentVolumeClaim") {
        kind(p, "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)");
        p.field(2, "ClaimName", s.str("claimName"));
        p.field(2, "ReadOnly", yes(s, "readOnly"));
    } else if let Some(s) = v.get("local") {
        kind(p, "LocalVolume (a persistent volume backed by local storage on a node)");
        p.field(2, "Path", s.str("path"));
    } else if let Some(s) = v.get("downwardAPI") {
        kind(p, "DownwardAPI (a volume populated by information about the pod)");
        p.line(2, "Items:");
        for item in s.get("items").map_or(&[][..], Value::items) {
            let path = item.at(&["fieldRef", "fieldPath"]).map_or("", Value::as_str);
            p.line(3, format!("{path} -> {}", item.str("path")));
        }
    } else if let Some(s) = v.get("projected") {
        kind(p, "Projected (a volume that contains injected data from multiple sources)");
        for source in s.get("sources").map_or(&[][..], Value::items) {
            projected(source, p);
        }
    } else {
        kind(p, "<unknown>");
    }
}

/// 1.20 prints the pointer rather than what it points to.
fn optional(source: &Value, book: &str, p: &mut Page) {
    match source.get("optional").and_then(Value::as_bool) {
        given if !p.book => p.field(2, "Optional", given.unwrap_or(false)),
        Some(_) => p.field(2, book, "0xc0007d4a38"),
        None => p.field(2, book, "<nil>"),
    }
}

fn projected(source: &Value, p: &mut Page) {
    if let Some(s) = source.get("secret") {
        p.field(2, "SecretName", s.str("name"));
        optional(s, "SecretOptionalName", p);
    } else if source.get("downwardAPI").is_some() {
        p.field(2, "DownwardAPI", true);
    } else if let Some(s) = source.get("configMap") {
        p.field(2, "ConfigMapName", s.str("name"));
        optional(s, "ConfigMapOptional", p);
    } else if let Some(s) = source.get("serviceAccountToken") {
        p.field(2, "TokenExpirationSeconds", text_of(s.get("expirationSeconds")));
    }
}

pub fn tolerations(title: &str, all: &[Value], p: &mut Page) {
    let mut sorted: Vec<&Value> = all.iter().collect();
    sorted.arrange_by_key(|t| t.str("key"));
    let lines: Vec<String> = sorted.iter().map(|t| toleration(t)).collect();
    p.several(title, &lines);
}

fn toleration(t: &Value) -> String {
    let mut text = t.str("key").to_owned();
    if !t.str("value").is_empty() {
        text += &format!("={}", t.str("value"));
    }
    if !t.str("effect").is_empty() {
        text += &format!(":{}", t.str("effect"));
    }
    if t.str("operator") == "Exists" && t.str("value").is_empty() {
        text += if text.is_empty() { "op=Exists" } else { " op=Exists" };
    }
    if let Some(seconds) = t.get("tolerationSeconds").and_then(Value::as_int) {
        text += &format!(" for {seconds}s");
    }
    text
}
