//! Security contexts of pods and containers.

use super::super::{Value, names};
use super::container::{descending_path, given, list};
use super::error::{Errors, Path};

const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

fn id(e: &mut Errors, n: i64, path: &Path<'_>) {
    if !(0..=i64::from(i32::MAX)).contains(&n) {
        e.invalid(path, n, format!("must be between 0 and {}, inclusive", i32::MAX));
    }
}

fn id_of(e: &mut Errors, context: &Value, key: &'static str, path: &Path<'_>) {
    if let Some(n) = context.get(key).and_then(Value::as_int) {
        id(e, n, &path.child(key));
    }
}

fn truth(v: &Value, key: &str) -> bool {
    v.get(key).and_then(Value::as_bool) == Some(true)
}

pub(super) fn container(e: &mut Errors, s: &Value, path: &Path<'_>, host_users: bool) {
    id_of(e, s, "runAsUser", path);
    id_of(e, s, "runAsGroup", path);
    if e.modern() {
        e.one_of(s, "procMount", path, &["Default", "Unmasked"]);
        if host_users && s.str("procMount") == "Unmasked" {
            e.invalid(&path.child("procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(e, s, path);
    if s.get("allowPrivilegeEscalation").and_then(Value::as_bool) == Some(false) {
        let words = "cannot set `allowPrivilegeEscalation` to false and";
        if truth(s, "privileged") {
            e.invalid_go(path, s.clone(), "core.SecurityContext", &format!("{words} `privileged` to true"));
        }
        let added = s.at(&["capabilities", "add"]).map_or(&[][..], Value::items);
        for _ in added.iter().filter(|c| c.as_str() == "CAP_SYS_ADMIN") {
            let detail = format!("{words} `capabilities.Add` CAP_SYS_ADMIN");
            e.invalid_go(path, s.clone(), "core.SecurityContext", &detail);
        }
    }
    windows(e, s, path);
    app_armor(e, s, path);
}

fn seccomp(e: &mut Errors, context: &Value, path: &Path<'_>) {
    let Some(profile) = given(context, "seccompProfile") else { return };
    let path = path.child("seccompProfile");
    let (kind, local) = (profile.str("type"), given(profile, "localhostProfile"));
    if kind.is_empty() {
        return e.required(&path.child("type"), "type is required when seccompProfile is set");
    }
    if kind == "Localhost" {
        match local {
            Some(file) => descending_path(e, file.as_str(), &path.child("localhostProfile")),
            None => e.required(&path.child("localhostProfile"), "must be set when seccomp type is Localhost"),
        }
    } else if local.is_some() {
        let detail = "can only be set when seccomp type is Localhost";
        e.invalid_go(&path.child("localhostProfile"), profile.clone(), "core.SeccompProfile", detail);
    }
    e.one_of(profile, "type", &path, &PROFILES);
}

fn app_armor(e: &mut Errors, context: &Value, path: &Path<'_>) {
    let Some(profile) = given(context, "appArmorProfile").filter(|_| e.modern()) else { return };
    let path = path.child("appArmorProfile");
    let (kind, local) = (profile.str("type"), given(profile, "localhostProfile"));
    match kind {
        "Localhost" if local.is_none() => {
            e.required(&path.child("localhostProfile"), "must be set when AppArmor type is Localhost");
        }
        "" => e.required(&path.child("type"), "type is required when appArmorProfile is set"),
        _ => e.one_of(profile, "type", &path, &PROFILES),
    }
}

fn windows(e: &mut Errors, context: &Value, path: &Path<'_>) {
    let Some(options) = given(context, "windowsOptions") else { return };
    let path = path.child("windowsOptions");
    let name = options.str("gmsaCredentialSpecName");
    if given(options, "gmsaCredentialSpecName").is_some() {
        e.complaints(&path.child("gmsaCredentialSpecName"), name, names::dns1123_subdomain(name));
    }
    if given(options, "runAsUserName").is_some_and(|u| u.as_str().is_empty()) {
        e.invalid(&path.child("runAsUserName"), "", "runAsUserName cannot be an empty string");
    }
}

/// A pod's context, with the fields of `spec` that upstream keeps in it.
pub(super) fn pod(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let Some(s) = given(spec, "securityContext") else { return };
    let (host_network, host_ipc) = (truth(spec, "hostNetwork"), truth(spec, "hostIPC"));
    if host_network && !e.modern() {
        super::pod::host_network_ports(e, spec, path);
    }
    let path = path.child("securityContext");
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        id_of(e, s, key, &path);
    }
    for (i, group) in list(s, "supplementalGroups").iter().enumerate() {
        let path = path.child("supplementalGroups");
        id(e, group.as_int().unwrap_or(0), &path.index(i));
    }
    if truth(spec, "shareProcessNamespace") && truth(spec, "hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        e.invalid(&path.child("shareProcessNamespace"), true, detail);
    }
    sysctls(e, list(s, "sysctls"), host_network, host_ipc, &path.child("sysctls"));
    e.one_of(s, "fsGroupChangePolicy", &path, &["Always", "OnRootMismatch"]);
    seccomp(e, s, &path);
    windows(e, s, &path);
    app_armor(e, s, &path);
    if e.modern() {
        e.one_of(s, "supplementalGroupsPolicy", &path, &["Merge", "Strict"]);
        e.one_of(s, "seLinuxChangePolicy", &path, &["Recursive", "MountOption"]);
    }
}

fn sysctls(e: &mut Errors, sysctls: &[Value], host_network: bool, host_ipc: bool, path: &Path<'_>) {
    let mut taken: Vec<&str> = Vec::new();
    for (i, s) in sysctls.iter().enumerate() {
        let path = path.index(i);
        let name = s.str("name");
        let part = |p: &str| {
            let b = p.as_bytes();
            let ends =
                [b.first(), b.last()].iter().all(|c| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
            ends && b.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_'))
        };
        let separators: &[char] = if e.modern() { &['.', '/'] } else { &['.'] };
        if name.is_empty() {
            e.required(&path.child("name"), "");
        } else if name.len() > 253 || !name.split(separators).all(part) {
            let shape = match e.modern() {
                true => r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
                false => r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-_a-z0-9]*[a-z0-9])?",
            };
            let detail = format!("must have at most 253 characters and match regex {shape}");
            e.invalid(&path.child("name"), name, detail);
        } else if taken.contains(&name) {
            e.duplicate(&path.child("name"), name);
        } else {
            taken.push(name);
        }
        if e.modern() {
            let ipc = ["kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue."].iter().any(|p| name.starts_with(p));
            if host_network && name.starts_with("net.") {
                e.invalid(&path.child("name"), name, "may not be specified when 'hostNetwork' is true");
            }
            if host_ipc && ipc {
                e.invalid(&path.child("name"), name, "may not be specified when 'hostIPC' is true");
            }
        }
    }
}
