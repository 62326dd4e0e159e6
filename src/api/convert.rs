//! Versions of a kind beside the one that is stored: what an older one spells differently.
//! autoscaling/v1 knows one CPU target instead of a list of metrics; Ingresses of v1beta1 have flatter
//! backends. The other old versions served differ in nothing but their name.
//!
//! Models pkg/apis/autoscaling/v1/conversion.go, without metrics other than CPU utilisation.

use super::{Kind, Object, Profile, Value};

const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";

/// A manifest in any served version as the tree that is stored.
pub fn to_stored(kind: Kind, manifest: &Value) -> Value {
    let mut out = manifest.clone();
    if kind == Kind::INGRESS && manifest.str("apiVersion").ends_with("/v1beta1") {
        ingress_to_stored(out.entry(&["spec"]));
        return out;
    }
    if kind == Kind::SECRET {
        string_data(&mut out);
        return out;
    }
    if kind == Kind::CUSTOM_RESOURCE_DEFINITION && manifest.str("apiVersion") == "apiextensions.k8s.io/v1beta1" {
        definition(&mut out);
        return out;
    }
    if kind != Kind::HORIZONTAL_POD_AUTOSCALER || manifest.str("apiVersion") != "autoscaling/v1" {
        return out;
    }
    let spec = out.entry(&["spec"]).make_map();
    if let Some(percent) = spec.remove("targetCPUUtilizationPercentage").filter(|p| !p.is_null()) {
        let target = map! { "type" => "Utilization", "averageUtilization" => percent };
        let resource = map! { "name" => "cpu", "target" => target };
        spec.insert("metrics", list![map! { "type" => "Resource", "resource" => resource }]);
    }
    out
}

/// A Secret's `stringData` is written only: it goes over `data`.
fn string_data(secret: &mut Value) {
    let Some(plain) = secret.get("stringData").and_then(Value::as_map).cloned() else { return };
    secret.make_map().remove("stringData");
    let data = secret.entry(&["data"]).make_map();
    for (key, text) in plain.iter() {
        data.insert(key.clone(), crate::base::base64::encode(text.as_str().as_bytes()));
    }
}

/// An Ingress of v1beta1: backends were one level flatter, and a path's type could be left out.
fn ingress_to_stored(spec: &mut Value) {
    let backend = |old: &Value| -> Value {
        let port = match old.get("servicePort") {
            Some(Value::Int(n)) => map! { "number" => *n },
            Some(name) => map! { "name" => name.clone() },
            None => map! {},
        };
        match old.get("serviceName") {
            Some(name) => map! { "service" => map! { "name" => name.clone(), "port" => port } }.into(),
            None => old.clone(),
        }
    };
    if let Some(old) = spec.make_map().remove("backend") {
        spec.make_map().insert("defaultBackend", backend(&old));
    }
    each_path(spec, |path| {
        let old = path.get("backend").cloned().unwrap_or_default();
        path.make_map().insert("backend", backend(&old));
        if path.str("pathType").is_empty() {
            path.make_map().insert("pathType", "ImplementationSpecific");
        }
    });
}

fn ingress_to_old(spec: &mut Value) {
    let backend = |new: &Value| -> Value {
        let Some(service) = new.get("service") else { return new.clone() };
        let port = service.at(&["port", "number"]).or(service.at(&["port", "name"])).cloned().unwrap_or_default();
        map! { "serviceName" => service.get("name").cloned().unwrap_or_default(), "servicePort" => port }.into()
    };
    if let Some(new) = spec.make_map().remove("defaultBackend") {
        spec.make_map().insert("backend", backend(&new));
    }
    each_path(spec, |path| {
        let new = path.get("backend").cloned().unwrap_or_default();
        path.make_map().insert("backend", backend(&new));
    });
}

fn each_path(spec: &mut Value, change: impl Fn(&mut Value)) {
    let mut rules = spec.get("rules").cloned().unwrap_or_default();
    for rule in rules.make_list().items_mut() {
        if rule.at(&["http", "paths"]).is_some() {
            rule.entry(&["http", "paths"]).make_list().items_mut().iter_mut().for_each(&change);
        }
    }
    if !rules.items().is_empty() {
        spec.make_map().insert("rules", rules);
    }
}

/// A definition of v1beta1: one schema, one set of columns and subresources for all versions.
/// Models apiextensions/v1beta1/conversion.go and defaults.go.
fn definition(out: &mut Value) {
    let spec = out.entry(&["spec"]).make_map();
    let version = spec.remove("version").unwrap_or_default();
    if spec.get("versions").is_none_or(|v| v.items().is_empty()) {
        spec.insert("versions", list![map! { "name" => version, "served" => true, "storage" => true }]);
    }
    if spec.get("preserveUnknownFields").is_none() {
        spec.insert("preserveUnknownFields", true);
    }
    if spec.str("scope").is_empty() {
        spec.insert("scope", "Namespaced");
    }
    let all = [
        ("validation", "schema"),
        ("subresources", "subresources"),
        ("additionalPrinterColumns", "additionalPrinterColumns"),
    ];
    for (key, in_version) in all {
        let Some(value) = spec.remove(key) else { continue };
        for v in spec.entry("versions").make_list().items_mut() {
            v.make_map().insert(in_version, value.clone());
        }
    }
    for v in spec.entry("versions").make_list().items_mut() {
        if v.get("additionalPrinterColumns").is_none() {
            continue;
        }
        for column in v.entry(&["additionalPrinterColumns"]).make_list().items_mut() {
            if let Some(path) = column.make_map().remove("JSONPath") {
                column.make_map().insert("jsonPath", path);
            }
        }
    }
}

/// The object as clients of `api_version` see it.
pub fn to_version(object: &Object, api_version: &str) -> Value {
    let mut out = object.to_wire();
    out.make_map().insert("apiVersion", api_version);
    if object.kind() == Kind::INGRESS && api_version.ends_with("/v1beta1") {
        ingress_to_old(out.entry(&["spec"]));
        return out;
    }
    if object.kind() != Kind::HORIZONTAL_POD_AUTOSCALER || api_version != "autoscaling/v1" {
        return out;
    }
    let spec = out.entry(&["spec"]).make_map();
    let metrics = spec.remove("metrics").unwrap_or_default();
    if let Some(percent) = metrics.items().iter().find_map(|m| cpu(m, "target")) {
        spec.insert("targetCPUUtilizationPercentage", percent);
    }
    if object.body.has("status") {
        let status = out.entry(&["status"]).make_map();
        let current = status.remove("currentMetrics").unwrap_or_default();
        if let Some(percent) = current.items().iter().find_map(|m| cpu(m, "current")) {
            status.insert("currentCPUUtilizationPercentage", percent);
        }
        let conditions = status.remove("conditions").unwrap_or_default();
        status.insert("currentReplicas", status.get("currentReplicas").cloned().unwrap_or(Value::Int(0)));
        if !conditions.items().is_empty() {
            let text: Vec<String> = conditions.items().iter().map(condition).collect();
            let annotations = out.entry(&["metadata", "annotations"]).make_map();
            annotations.insert(CONDITIONS, format!("[{}]", text.join(",")));
        }
    }
    out
}

/// The object as the server of `profile` answers with by default.
pub fn to_preferred(object: &Object, profile: Profile) -> Value {
    to_version(object, object.kind().api_version_in(profile))
}

fn cpu(metric: &Value, side: &str) -> Option<Value> {
    let resource = metric.get("resource").filter(|r| r.str("name") == "cpu")?;
    resource.at(&[side, "averageUtilization"]).cloned()
}

/// JSON with the fields in the order of the Go struct.
fn condition(c: &Value) -> String {
    let keys = ["type", "status", "lastTransitionTime", "reason", "message"];
    let present = keys.iter().filter_map(|k| Some((k, c.get(k)?)));
    let fields: Vec<String> = present.map(|(k, v)| format!("{}:{}", Value::from(*k).to_json(), v.to_json())).collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autoscalers_of_v1() {
        let text = "{apiVersion: autoscaling/v1, kind: HorizontalPodAutoscaler, metadata: {name: h}, spec: {maxReplicas: 5, targetCPUUtilizationPercentage: 50}}";
        let manifest: Value = serde_yaml::from_str(text).unwrap();
        let stored = to_stored(Kind::HORIZONTAL_POD_AUTOSCALER, &manifest);
        assert!(stored.at(&["spec", "targetCPUUtilizationPercentage"]).is_none());
        let object = Object::from_value(Kind::HORIZONTAL_POD_AUTOSCALER, &stored);
        assert_eq!(to_preferred(&object, Profile::Book).to_json(), manifest.to_json());
        assert_eq!(to_preferred(&object, Profile::Modern).str("apiVersion"), "autoscaling/v2");
        let cron = Object::new(Kind::CRON_JOB, "default", "c");
        assert_eq!(to_preferred(&cron, Profile::Book).str("apiVersion"), "batch/v1beta1");
    }
}
