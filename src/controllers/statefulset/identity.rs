//! What stays of a pod when it is replaced: its name, its host name, its claims.
//! Models pkg/controller/statefulset/stateful_set_utils.go.

use crate::api::{Kind, Map, Object, Value, meta};
use crate::base::Str;
use crate::controllers::{revision, template};

/// The number at the end of the pod's name, if the rest is the set's name.
pub fn ordinal(set: &Object, pod: &Object) -> Option<i64> {
    let (parent, number) = pod.name().rsplit_once('-')?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (parent == set.name() && digits).then(|| number.parse().ok())?
}

/// The pod with this number, made from the template that `revision` holds.
pub fn pod(set: &Object, revision: &Object, ordinal: i64, modern: bool) -> Object {
    let blank = Value::Map(Map::new());
    let mut template = revision.get(&["data", "spec", "template"]).cloned().unwrap_or(blank);
    template.make_map().remove("$patch");
    let mut p = template::pod_from(set, &template);
    let name = ecow::eco_format!("{}-{ordinal}", set.name());
    p.key.name = name.clone();
    p.set(&["metadata", "name"], &name);
    p.set(&["metadata", "labels", revision::HASH], revision.name());
    p.set(&["metadata", "labels", "statefulset.kubernetes.io/pod-name"], &name);
    if modern {
        p.set(&["metadata", "labels", "apps.kubernetes.io/pod-index"], ecow::eco_format!("{ordinal}"));
    }
    p.set(&["spec", "hostname"], &name);
    let service = set.str(&["spec", "serviceName"]);
    if !service.is_empty() {
        p.set(&["spec", "subdomain"], service);
    }
    let templates = set.items(&["spec", "volumeClaimTemplates"]);
    if !templates.is_empty() {
        // A claim takes the place of a volume with its name.
        let volumes = p.entry(&["spec", "volumes"]).make_list().make_mut();
        volumes.retain(|v| !templates.iter().any(|t| name_of(t) == v.str("name")));
        let mut all = ecow::EcoVec::new();
        for t in templates {
            let claim = map! { "claimName" => claim_name(set, t, ordinal) };
            all.push(Value::Map(map! { "name" => name_of(t), "persistentVolumeClaim" => claim }));
        }
        all.extend(volumes.iter().cloned());
        *volumes = all;
    }
    p
}

fn name_of(claim_template: &Value) -> &str {
    claim_template.at(&["metadata", "name"]).map_or("", Value::as_str)
}
fn claim_name(set: &Object, claim_template: &Value, ordinal: i64) -> Str {
    ecow::eco_format!("{}-{}-{ordinal}", name_of(claim_template), set.name())
}

/// The claims of the pod with this number.
pub fn claims(set: &Object, ordinal: i64) -> Vec<Object> {
    let templates = set.items(&["spec", "volumeClaimTemplates"]).iter();
    let claim = |t: &Value| {
        let mut c = Object::new(Kind::PERSISTENT_VOLUME_CLAIM, set.namespace(), &claim_name(set, t, ordinal));
        for field in ["annotations", "labels"] {
            if let Some(v) = t.at(&["metadata", field]) {
                c.set(&["metadata", field], v.clone());
            }
        }
        if let Some(labels) = set.get(&["spec", "selector", "matchLabels"]).and_then(Value::as_map) {
            for (k, v) in labels.iter() {
                c.set(&["metadata", "labels", k], v.clone());
            }
        }
        c.set(&["spec"], t.get("spec").cloned().unwrap_or_default());
        c
    };
    let mut all: Vec<Object> = templates.map(claim).collect();
    // Retained claims belong to nobody; those that go with their set belong to it.
    if set.str(&["spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"]) == "Delete" {
        let mut reference = meta::controller_ref(set);
        reference.make_map().remove("controller");
        reference.make_map().remove("blockOwnerDeletion");
        all.iter_mut().for_each(|c| c.set(&["metadata", "ownerReferences"], list![reference.clone()]));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_are_numbers_after_the_sets_own_name() {
        let set = Object::new(Kind::STATEFUL_SET, "default", "web");
        for (name, expected) in
            [("web-0", Some(0)), ("web-12", Some(12)), ("web-x", None), ("web-a-1", None), ("web", None)]
        {
            assert_eq!(ordinal(&set, &Object::new(Kind::POD, "default", name)), expected, "{name}");
        }
    }
}
