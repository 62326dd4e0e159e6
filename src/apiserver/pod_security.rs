//! PodSecurity: what a namespace's `pod-security.kubernetes.io/enforce` label lets pods be.
//! Models k8s.io/pod-security-admission: the checks that course manifests meet, not AppArmor, SELinux,
//! sysctls, proc mounts, Windows or volume types other than hostPath.

use super::Call;
use crate::api::{Kind, Object, ObjectKey, Profile, Reason, Status, Value, meta, pod};
use crate::base::arrange::Arrange;

pub fn check(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    if call.profile == Profile::Book || object.kind() != Kind::POD {
        return Ok(());
    }
    let key = ObjectKey::new(Kind::NAMESPACE, "", object.key.namespace.clone());
    let label = |name: &str| {
        let namespace = call.data().get(&key)?;
        meta::label(namespace, &format!("pod-security.kubernetes.io/{name}")).map(str::to_owned)
    };
    let Some(level) = label("enforce") else { return Ok(()) };
    let found = violations(object, &level);
    if found.is_empty() {
        return Ok(());
    }
    let version = label("enforce-version").unwrap_or_else(|| "latest".to_owned());
    let text = format!(
        "pods \"{}\" is forbidden: violates PodSecurity \"{level}:{version}\": {}",
        object.key.name,
        found.join(", ")
    );
    Err(Status::about(&object.key, Reason::Forbidden, text))
}

fn quoted(names: &[&str], one: &str, many: &str) -> String {
    let each: Vec<String> = names.iter().map(|n| format!("{n:?}")).collect();
    format!("{} {}", if names.len() == 1 { one } else { many }, each.join(", "))
}

/// What the pod has that the level forbids, in the order of the checks' ids.
pub fn violations(p: &Object, level: &str) -> Vec<String> {
    let mut out = Vec::new();
    if !matches!(level, "baseline" | "restricted") {
        return out;
    }
    let all: Vec<&Value> = pod::init_containers(p).iter().chain(pod::containers(p)).collect();
    let restricted = level == "restricted";
    let having = |test: &dyn Fn(&Value) -> bool| -> Vec<&str> {
        all.iter().filter(|c| test(c)).map(|c| c.str("name")).collect()
    };
    let context = |c: &Value, field: &str| c.at(&["securityContext", field]).cloned().unwrap_or_default();
    let is = |c: &Value, field: &str, wanted: bool| context(c, field).as_bool() == Some(wanted);
    let mut say = |text: String| out.push(text);
    if restricted {
        let bad = having(&|c| !is(c, "allowPrivilegeEscalation", false));
        if !bad.is_empty() {
            let who = quoted(&bad, "container", "containers");
            say(format!(
                "allowPrivilegeEscalation != false ({who} must set securityContext.allowPrivilegeEscalation=false)"
            ));
        }
        let drops_all = |c: &Value| {
            let drop = c.at(&["securityContext", "capabilities", "drop"]).map_or(&[][..], Value::items);
            drop.iter().any(|d| d.as_str() == "ALL")
        };
        let adds = |c: &Value| {
            let add = c.at(&["securityContext", "capabilities", "add"]).map_or(&[][..], Value::items);
            add.iter().any(|a| a.as_str() != "NET_BIND_SERVICE")
        };
        let (missing, adding) = (having(&|c| !drops_all(c)), having(&adds));
        let mut why = Vec::new();
        if !missing.is_empty() {
            let who = quoted(&missing, "container", "containers");
            why.push(format!("{who} must set securityContext.capabilities.drop=[\"ALL\"]"));
        }
        if !adding.is_empty() {
            let who = quoted(&adding, "container", "containers");
            why.push(format!("{who} must not include other capabilities in securityContext.capabilities.add"));
        }
        if !why.is_empty() {
            say(format!("unrestricted capabilities ({})", why.join("; ")));
        }
    } else {
        const FINE: &[&str] = &[
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
        ];
        let mut extra: Vec<String> = Vec::new();
        let bad = having(&|c| {
            let add = c.at(&["securityContext", "capabilities", "add"]).map_or(&[][..], Value::items);
            add.iter().any(|a| !FINE.contains(&a.as_str()))
        });
        for c in all.iter().filter(|c| bad.contains(&c.str("name"))) {
            let add = c.at(&["securityContext", "capabilities", "add"]).map_or(&[][..], Value::items);
            extra.extend(add.iter().filter(|a| !FINE.contains(&a.as_str())).map(|a| format!("{:?}", a.as_str())));
        }
        extra.arrange();
        extra.dedup();
        if !bad.is_empty() {
            let who = quoted(&bad, "container", "containers");
            say(format!(
                "non-default capabilities ({who} must not include {} in securityContext.capabilities.add)",
                extra.join(", ")
            ));
        }
    }
    let hosts: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .filter(|f| p.get(&["spec", f]).and_then(Value::as_bool) == Some(true))
        .map(|f| format!("{f}=true"))
        .collect();
    if !hosts.is_empty() {
        say(format!("host namespaces ({})", hosts.join(", ")));
    }
    let volumes: Vec<&str> =
        p.items(&["spec", "volumes"]).iter().filter(|v| v.get("hostPath").is_some()).map(|v| v.str("name")).collect();
    if !volumes.is_empty() && !restricted {
        say(format!("hostPath volumes ({})", quoted(&volumes, "volume", "volumes")));
    }
    let mut ports: Vec<String> = Vec::new();
    let bad = having(&|c| c.get("ports").map_or(&[][..], Value::items).iter().any(|p| host_port(p) != 0));
    for c in &all {
        let of = c.get("ports").map_or(&[][..], Value::items).iter().map(host_port).filter(|p| *p != 0);
        ports.extend(of.map(|p| p.to_string()));
    }
    if !bad.is_empty() {
        let word = if ports.len() == 1 { "hostPort" } else { "hostPorts" };
        say(format!("hostPort ({} uses {word} {})", quoted(&bad, "container", "containers"), ports.join(", ")));
    }
    let bad = having(&|c| is(c, "privileged", true));
    if !bad.is_empty() {
        let who = quoted(&bad, "container", "containers");
        say(format!("privileged ({who} must not set securityContext.privileged=true)"));
    }
    if !restricted {
        return out;
    }
    if !volumes.is_empty() {
        let who = quoted(&volumes, "volume", "volumes");
        let uses = if volumes.len() == 1 { "uses" } else { "use" };
        say(format!("restricted volume types ({who} {uses} restricted volume type \"hostPath\")"));
    }
    let of_pod = |field: &str| p.get(&["spec", "securityContext", field]).cloned().unwrap_or_default();
    if of_pod("runAsNonRoot").as_bool() != Some(true) {
        let bad = having(&|c| !is(c, "runAsNonRoot", true));
        if !bad.is_empty() {
            let who = quoted(&bad, "container", "containers");
            say(format!("runAsNonRoot != true (pod or {who} must set securityContext.runAsNonRoot=true)"));
        }
    }
    if of_pod("runAsUser").as_int() == Some(0) {
        say("runAsUser=0 (pod must not set runAsUser=0)".to_owned());
    }
    let profiled = |v: Value| matches!(v.str("type"), "RuntimeDefault" | "Localhost");
    if !profiled(of_pod("seccompProfile")) {
        let bad = having(&|c| !profiled(context(c, "seccompProfile")));
        if !bad.is_empty() {
            let who = quoted(&bad, "container", "containers");
            say(format!(
                "seccompProfile (pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
            ));
        }
    }
    out
}

fn host_port(port: &Value) -> i64 {
    port.get("hostPort").and_then(Value::as_int).unwrap_or(0)
}
