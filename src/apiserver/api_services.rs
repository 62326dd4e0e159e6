//! One APIService for each group and version that the server itself serves.
//! Models cmd/kube-apiserver/app/aggregator.go and kube-aggregator's autoregister and available controllers.

use crate::api::{Kind, Object};
use crate::base::Time;
use crate::sim::Profile;

/// Name, priority and the versions that 1.20 served of each group.
const GROUPS: [(&str, i64, &str); 21] = [
    ("", 18_000, "v1"),
    ("apps", 17_800, "v1"),
    ("events.k8s.io", 17_750, "v1 v1beta1"),
    ("authentication.k8s.io", 17_700, "v1 v1beta1"),
    ("authorization.k8s.io", 17_600, "v1 v1beta1"),
    ("autoscaling", 17_500, "v1 v2beta1 v2beta2"),
    ("batch", 17_400, "v1 v1beta1"),
    ("certificates.k8s.io", 17_300, "v1 v1beta1"),
    ("networking.k8s.io", 17_200, "v1 v1beta1"),
    ("extensions", 17_150, "v1beta1"),
    ("policy", 17_100, "v1beta1"),
    ("rbac.authorization.k8s.io", 17_000, "v1 v1beta1"),
    ("storage.k8s.io", 16_800, "v1 v1beta1"),
    ("apiextensions.k8s.io", 16_700, "v1 v1beta1"),
    ("admissionregistration.k8s.io", 16_700, "v1 v1beta1"),
    ("scheduling.k8s.io", 16_600, "v1 v1beta1"),
    ("coordination.k8s.io", 16_500, "v1 v1beta1"),
    ("node.k8s.io", 16_300, "v1 v1beta1"),
    ("discovery.k8s.io", 16_200, "v1beta1"),
    ("flowcontrol.apiserver.k8s.io", 16_100, "v1beta1"),
    ("resource.k8s.io", 15_900, ""),
];

pub fn objects(profile: Profile, now: Time) -> Vec<Object> {
    let mut all = Vec::new();
    for (group, priority, versions) in GROUPS {
        let versions = match (profile, group) {
            (Profile::Book, _) => versions,
            (Profile::Modern, "autoscaling") => "v1 v2",
            (Profile::Modern, "extensions") => "",
            (Profile::Modern, _) => "v1",
        };
        for version in versions.split(' ').filter(|v| !v.is_empty()) {
            let rank = match version {
                "v1" if group.is_empty() => 1,
                "v1" => 15,
                "v2" => 30,
                "v2beta2" | "v1beta1" if group == "extensions" || version == "v2beta2" => 1,
                "v1beta1" if matches!(group, "discovery.k8s.io" | "flowcontrol.apiserver.k8s.io") => 12,
                "v1beta1" if group == "events.k8s.io" => 5,
                _ => 9,
            };
            let mut object = Object::new(Kind::API_SERVICE, "", &format!("{version}.{group}"));
            object.set(&["metadata", "labels"], map! { "kube-aggregator.kubernetes.io/automanaged" => "onstart" });
            let mut spec = map! { "groupPriorityMinimum" => priority, "version" => version, "versionPriority" => rank };
            if !group.is_empty() {
                spec.insert("group", group);
            }
            object.set(&["spec"], spec);
            let available = map! {
                "lastTransitionTime" => now.rfc3339(), "message" => "Local APIServices are always available",
                "reason" => "Local", "status" => "True", "type" => "Available",
            };
            object.set(&["status", "conditions"], list![available]);
            all.push(object);
        }
    }
    all
}
