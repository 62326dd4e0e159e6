//! kubectl's own check of a manifest against the server's OpenAPI document, before it sends anything.
//! Not the server's validation: only shapes, unknown fields and missing required ones.
//!
//! Models kubectl/pkg/util/openapi/validation of 1.20; newer kubectl leaves all but the object's kind
//! to the server.

use super::schema::{self, Ty, Type};
use super::{Kind, Map, Profile, Value};

/// What is wrong with `manifest`, as kubectl words it; several complaints are joined.
pub fn check(manifest: &Value, profile: Profile) -> Result<(), String> {
    let Value::Map(map) = manifest else { return Err("invalid object to validate".to_owned()) };
    let (version, kind) = (object_kind(map, "apiVersion")?, object_kind(map, "kind")?);
    if profile == Profile::Modern {
        return Ok(());
    }
    let mut walk = Walk { profile, errors: Vec::new() };
    if version == "v1" && kind == "List" {
        let items = map.get("items").map_or(&[][..], Value::items);
        items.iter().for_each(|item| walk.resource(item));
    } else {
        walk.resource(manifest);
    }
    match &walk.errors[..] {
        [] => Ok(()),
        [only] => Err(only.clone()),
        many => Err(format!("[{}]", many.join(", "))),
    }
}

fn object_kind<'a>(map: &'a Map, key: &str) -> Result<&'a str, String> {
    match map.get(key) {
        None => Err(format!("{key} not set")),
        Some(Value::Str(s)) => Ok(s),
        Some(_) => Err(format!("{key} isn't string type")),
    }
}

struct Walk {
    profile: Profile,
    errors: Vec<String>,
}

impl Walk {
    /// One object. Kinds that the server does not know are left to it.
    fn resource(&mut self, manifest: &Value) {
        let Some(kind) = Kind::of_manifest_in(manifest.str("apiVersion"), manifest.str("kind"), self.profile) else {
            return;
        };
        if let Value::Map(map) = manifest {
            self.object(schema::of_version(kind, manifest.str("apiVersion")), map, kind.name());
        }
    }

    fn error(&mut self, path: &str, text: &str) {
        self.errors.push(format!("ValidationError({path}): {text}"));
    }

    fn object(&mut self, t: &'static Type, map: &Map, path: &str) {
        let root = !path.contains(['.', '[']);
        for (key, value) in map.iter().filter(|(_, v)| !v.is_null()) {
            if root && matches!(key.as_str(), "apiVersion" | "kind") {
                continue;
            }
            match t.field(key, self.profile) {
                None => self.error(path, &format!("unknown field {key:?} in {}", t.openapi_name(self.profile))),
                Some(field) => {
                    let name = format!("{}.{}", t.openapi_name(self.profile), field.name);
                    self.value(&field.ty, value, &format!("{path}.{key}"), &name);
                }
            }
        }
        for field in t.all(self.profile).filter(|f| f.required) {
            if map.get(field.name).is_none_or(Value::is_null) {
                let text = format!("missing required field {:?} in {}", field.name, t.openapi_name(self.profile));
                self.error(path, &text);
            }
        }
    }

    /// `name` is how OpenAPI calls the place: type and field.
    fn value(&mut self, ty: &'static Ty, value: &Value, path: &str, name: &str) {
        let expected = ty.openapi();
        match (ty.inner(), value) {
            (Ty::Any, _) => {}
            (Ty::Struct(_), Value::Map(m)) => {
                if let Some(t) = ty.as_struct() {
                    self.object(t, m, path);
                }
            }
            (Ty::List(item), Value::List(l)) => {
                for (i, v) in l.iter().enumerate() {
                    self.item(item, v, &format!("{path}[{i}]"), name);
                }
            }
            (Ty::Map(_, entry), Value::Map(m)) => {
                for (key, v) in m.iter() {
                    self.item(entry, v, &format!("{path}.{key}"), name);
                }
            }
            // A number passes for a string, not the other way round.
            (_, Value::List(_) | Value::Map(_)) => self.mismatch(path, name, value, expected),
            _ if expected == "string" => {}
            (Ty::Bool, Value::Bool(_)) | (Ty::Int32 | Ty::Int64, Value::Int(_) | Value::Num(_)) => {}
            (Ty::Struct(_), _) => {
                let name = ty.as_struct().map_or(String::new(), |t| t.openapi_name(self.profile));
                self.mismatch(path, &name, value, expected);
            }
            _ => self.mismatch(path, name, value, expected),
        }
    }

    fn item(&mut self, ty: &'static Ty, value: &Value, path: &str, name: &str) {
        if value.is_null() {
            self.errors.push(format!("unknown object type \"nil\" in {path}"));
        } else {
            self.value(ty, value, path, name);
        }
    }

    fn mismatch(&mut self, path: &str, name: &str, value: &Value, expected: &str) {
        let got = value.type_name();
        self.error(path, &format!("invalid type for {name}: got {got:?}, expected {expected:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_as_recorded() {
        let good = "apiVersion: apps/v1
kind: Deployment
metadata: {name: d}
spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {spec: {containers: [{name: c}]}}}";
        let cases = [
            ("replicas: 3", "replicas: 3", Ok(())),
            (
                "replicas: 3",
                "replicaz: 3",
                Err(
                    "ValidationError(Deployment.spec): unknown field \"replicaz\" in io.k8s.api.apps.v1.DeploymentSpec",
                ),
            ),
            (
                "replicas: 3",
                "replicas: three",
                Err(
                    "ValidationError(Deployment.spec.replicas): invalid type for io.k8s.api.apps.v1.DeploymentSpec.replicas: got \"string\", expected \"integer\"",
                ),
            ),
            (
                "selector: {matchLabels: {a: b}}, ",
                "",
                Err(
                    "ValidationError(Deployment.spec): missing required field \"selector\" in io.k8s.api.apps.v1.DeploymentSpec",
                ),
            ),
            (
                "[{name: c}]",
                "[{name: c, foo: 1}, {image: i}]",
                Err(
                    "[ValidationError(Deployment.spec.template.spec.containers[0]): unknown field \"foo\" in io.k8s.api.core.v1.Container, ValidationError(Deployment.spec.template.spec.containers[1]): missing required field \"name\" in io.k8s.api.core.v1.Container]",
                ),
            ),
            (
                "[{name: c}]",
                "{name: c}",
                Err(
                    "ValidationError(Deployment.spec.template.spec.containers): invalid type for io.k8s.api.core.v1.PodSpec.containers: got \"map\", expected \"array\"",
                ),
            ),
            ("kind: Deployment\n", "", Err("kind not set")),
            ("apiVersion: apps/v1\n", "", Err("apiVersion not set")),
        ];
        for (from, to, want) in cases {
            let manifest: Value = serde_yaml::from_str(&good.replace(from, to)).unwrap();
            assert_eq!(check(&manifest, Profile::Book).as_ref().map_err(String::as_str), want.as_ref().map_err(|e| *e));
        }
        assert_eq!(check(&"not yaml at all".into(), Profile::Book), Err("invalid object to validate".to_owned()));
    }
}
