//! Defaults of services, storage, policies and the rest.

use super::super::{Map, Profile, Value};
use super::edit::Edit;

pub(super) fn service(o: &mut Edit, profile: Profile) {
    let modern = profile == Profile::Modern;
    o.with("spec", |s| {
        s.or_text("sessionAffinity", "None");
        if s.str("sessionAffinity") == "ClientIP" {
            s.with("sessionAffinityConfig", |c| c.with("clientIP", |i| i.or("timeoutSeconds", 10_800)));
        }
        s.or_text("type", "ClusterIP");
        s.items("ports", |p| {
            p.or_text("protocol", "TCP");
            let port = p.get("port").cloned().unwrap_or_default();
            if matches!(p.get("targetPort"), None | Some(Value::Int(0))) || p.get("targetPort") == Some(&"".into()) {
                p.set("targetPort", port);
            }
        });
        let kind = s.str("type").to_owned();
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
            s.or_text("externalTrafficPolicy", "Cluster");
        }
        if modern && kind != "ExternalName" {
            s.or_text("internalTrafficPolicy", "Cluster");
        }
        if modern && kind == "LoadBalancer" {
            s.or("allocateLoadBalancerNodePorts", true);
        }
    });
    o.with("status", |s| s.with("loadBalancer", |_| {}));
}

pub(super) fn namespace(o: &mut Edit, profile: Profile) {
    if profile == Profile::Modern {
        let name = o.get("metadata").map_or("", |m| m.str("name")).to_owned();
        if !name.is_empty() {
            o.with("metadata", |m| m.with("labels", |l| l.or("kubernetes.io/metadata.name", name)));
        }
    }
    o.with("status", |s| s.or_text("phase", "Active"));
}

pub(super) fn node(o: &mut Edit) {
    o.with("spec", |s| {
        let cidr = s.str("podCIDR").to_owned();
        if !cidr.is_empty() {
            s.or("podCIDRs", list![cidr]);
        }
    });
    o.with("status", |s| {
        s.with("daemonEndpoints", |d| d.with("kubeletEndpoint", |k| k.or("Port", 0)));
        let keys = [
            "machineID",
            "systemUUID",
            "bootID",
            "kernelVersion",
            "osImage",
            "containerRuntimeVersion",
            "kubeletVersion",
            "kubeProxyVersion",
            "operatingSystem",
            "architecture",
        ];
        s.with("nodeInfo", |n| keys.iter().for_each(|k| n.or(k, "")));
    });
}

pub(super) fn persistent_volume(o: &mut Edit) {
    o.with("spec", |s| {
        s.or_text("persistentVolumeReclaimPolicy", "Retain");
        s.or_text("volumeMode", "Filesystem");
        s.child("hostPath", |h| h.or("type", ""));
    });
    o.with("status", |s| s.or_text("phase", "Pending"));
}

pub(super) fn persistent_volume_claim(o: &mut Edit) {
    o.with("spec", |s| {
        s.or_text("volumeMode", "Filesystem");
        s.or("resources", Map::new());
    });
    o.with("status", |s| s.or_text("phase", "Pending"));
}

pub(super) fn horizontal_pod_autoscaler(o: &mut Edit) {
    o.with("spec", |s| {
        s.or("minReplicas", 1);
        if s.get("metrics").is_none_or(|m| m.items().is_empty()) {
            let target = map! { "type" => "Utilization", "averageUtilization" => 80 };
            let resource = map! { "name" => "cpu", "target" => target };
            s.set("metrics", list![map! { "type" => "Resource", "resource" => resource }]);
        }
        s.child("behavior", |b| {
            b.with("scaleUp", |u| scaling_rules(u, Some(0), &[("Pods", 4), ("Percent", 100)]));
            b.with("scaleDown", |d| scaling_rules(d, None, &[("Percent", 100)]));
        });
    });
    o.with("status", |s| {
        s.or("currentMetrics", Value::Null);
        s.or("desiredReplicas", 0);
    });
}

fn scaling_rules(rules: &mut Edit, window: Option<i64>, policies: &[(&str, i64)]) {
    if let Some(window) = window {
        rules.or("stabilizationWindowSeconds", window);
    }
    rules.or("selectPolicy", "Max");
    if rules.get("policies").is_none_or(|p| p.items().is_empty()) {
        let policy = |&(kind, value): &(&str, i64)| map! { "type" => kind, "value" => value, "periodSeconds" => 15 };
        rules.set("policies", policies.iter().map(policy).collect::<Vec<Map>>());
    }
}

pub(super) fn storage_class(o: &mut Edit) {
    o.or("reclaimPolicy", "Delete");
    o.or("volumeBindingMode", "Immediate");
}

pub(super) fn priority_class(o: &mut Edit) {
    o.or("preemptionPolicy", "PreemptLowerPriority");
    o.or("value", 0);
}

/// Nothing to default, but these are printed even when empty.
pub(super) fn event(o: &mut Edit) {
    o.or("eventTime", Value::Null);
    o.or("reportingComponent", "");
    o.or("reportingInstance", "");
}

pub(super) fn endpoints(o: &mut Edit) {
    o.items("subsets", |s| s.items("ports", |p| p.or_text("protocol", "TCP")));
}

pub(super) fn endpoint_slice(o: &mut Edit) {
    o.items("ports", |p| {
        p.or("name", "");
        p.or("protocol", "TCP");
    });
    o.or("endpoints", Value::Null);
    o.or("ports", Value::Null);
}

pub(super) fn network_policy(o: &mut Edit) {
    o.with("spec", |s| {
        for rules in ["ingress", "egress"] {
            s.items(rules, |r| r.items("ports", |p| p.or("protocol", "TCP")));
        }
        s.or("podSelector", Map::new());
        if s.get("policyTypes").is_none_or(|t| t.items().is_empty()) {
            let egress = s.get("egress").is_some_and(|e| !e.items().is_empty());
            s.set("policyTypes", if egress { list!["Ingress", "Egress"] } else { list!["Ingress"] });
        }
    });
}

pub(super) fn limit_range(o: &mut Edit) {
    o.with("spec", |s| {
        s.items("limits", |l| {
            if l.str("type") != "Container" {
                return;
            }
            // A default limit comes from the maximum, a default request from the default limit or the minimum.
            for (into, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
                let Some(values) = l.get(from).and_then(Value::as_map).cloned() else { continue };
                l.with(into, |d| values.iter().for_each(|(k, v)| d.or(k, v.clone())));
            }
        });
    });
}

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn role_binding(o: &mut Edit) {
    o.with("roleRef", |r| r.or_text("apiGroup", RBAC));
    o.items("subjects", |s| {
        if matches!(s.str("kind"), "User" | "Group") {
            s.or_text("apiGroup", RBAC);
        }
    });
}
