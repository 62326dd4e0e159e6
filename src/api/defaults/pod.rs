//! Defaults of pods, pod templates and containers.

use super::super::{Map, Profile, Value};
use super::edit::Edit;

pub(super) fn pod(o: &mut Edit) {
    o.with("spec", |spec| {
        pod_spec(spec);
        spec.or("enableServiceLinks", true);
        for containers in ["containers", "initContainers"] {
            spec.items(containers, requests_from_limits);
        }
    });
    o.with("status", |_| {});
}

/// A template in a workload's spec. Unlike a pod's, its spec gets no `enableServiceLinks`.
pub(super) fn template(t: &mut Edit, profile: Profile) {
    t.with("metadata", |m| {
        // Old API servers print the zero time of a Go struct.
        if profile == Profile::Book {
            creation_null(m);
        }
    });
    t.with("spec", pod_spec);
}

/// `creationTimestamp: null`, once.
pub(super) fn creation_null(meta: &mut Edit) {
    if meta.is_missing("creationTimestamp") {
        meta.set("creationTimestamp", Value::Null);
    }
}

fn pod_spec(spec: &mut Edit) {
    spec.or("containers", Value::Null); // printed even when there are none
    spec.or_text("dnsPolicy", "ClusterFirst");
    spec.or_text("restartPolicy", "Always");
    spec.or_text("schedulerName", "default-scheduler");
    spec.or("securityContext", Map::new());
    spec.or("terminationGracePeriodSeconds", 30);
    // Since the two names mean one thing.
    let account = spec.str("serviceAccountName").to_owned();
    if !account.is_empty() && spec.str("serviceAccount") != account {
        spec.set("serviceAccount", account);
    } else if account.is_empty() && !spec.str("serviceAccount").is_empty() {
        let old = spec.str("serviceAccount").to_owned();
        spec.set("serviceAccountName", old);
    }
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool) == Some(true);
    for containers in ["containers", "initContainers", "ephemeralContainers"] {
        spec.items(containers, |c| container(c, host_network));
    }
    spec.items("volumes", volume);
}

fn container(c: &mut Edit, host_network: bool) {
    if c.str("imagePullPolicy").is_empty() {
        let policy = if latest(c.str("image")) { "Always" } else { "IfNotPresent" };
        c.set("imagePullPolicy", policy);
    }
    c.or("resources", Map::new());
    c.or_text("terminationMessagePath", "/dev/termination-log");
    c.or_text("terminationMessagePolicy", "File");
    c.items("ports", |p| {
        p.or_text("protocol", "TCP");
        if host_network && !p.has("hostPort") {
            let port = p.get("containerPort").cloned().unwrap_or_default();
            p.set("hostPort", port);
        }
    });
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        c.child(name, probe);
    }
    c.child("lifecycle", |l| {
        for name in ["postStart", "preStop"] {
            l.child(name, handler);
        }
    });
    c.items("env", |e| e.child("valueFrom", |v| v.child("fieldRef", |f| f.or_text("apiVersion", "v1"))));
}

/// No tag and no digest, or the tag `latest`.
fn latest(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(n, d)| (n, Some(d)));
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => digest.is_none(),
    }
}

fn zero(v: Option<&Value>) -> bool {
    v.and_then(Value::as_int).unwrap_or(0) == 0
}

fn probe(p: &mut Edit) {
    for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        if zero(p.get(key)) {
            p.set(key, value);
        }
    }
    handler(p);
    p.child("grpc", |g| g.or("service", ""));
}

fn handler(h: &mut Edit) {
    h.child("httpGet", |g| {
        g.or_text("path", "/");
        g.or_text("scheme", "HTTP");
    });
}

fn requests_from_limits(c: &mut Edit) {
    c.child("resources", |r| {
        let Some(limits) = r.get("limits").and_then(Value::as_map).cloned() else { return };
        r.with("requests", |q| {
            for (name, value) in limits.iter() {
                q.or(name, value.clone());
            }
        });
    });
}

fn volume(v: &mut Edit) {
    if v.is_only("name") {
        v.set("emptyDir", Map::new());
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        v.child(source, |s| {
            s.or("defaultMode", 0o644);
            s.items("items", field_ref);
        });
    }
    v.child("hostPath", |h| h.or("type", ""));
    v.child("projected", |p| {
        p.items("sources", |s| {
            s.child("serviceAccountToken", |t| t.or("expirationSeconds", 3600));
            s.child("downwardAPI", |d| d.items("items", field_ref));
        });
    });
    v.child("iscsi", |i| i.or_text("iscsiInterface", "default"));
    v.child("ephemeral", |e| {
        e.child("volumeClaimTemplate", |t| t.child("spec", |s| s.or_text("volumeMode", "Filesystem")));
    });
}

fn field_ref(item: &mut Edit) {
    item.child("fieldRef", |f| f.or_text("apiVersion", "v1"));
}
