use super::*;
use crate::api::{Object, codec, defaults, request::FieldValidation};

fn by<'a>(manager: &'a Str, at: u64) -> Writer<'a> {
    static NONE: Str = Str::new();
    Writer { manager, subresource: &NONE, status: false, now: Time(at * 1_000_000), profile: Profile::Book }
}

fn yaml(text: &str) -> Object {
    let value: Value = serde_yaml::from_str(text).unwrap();
    let kind = Kind::of_manifest(value.str("apiVersion"), value.str("kind")).unwrap();
    let (value, _) = codec::decode(kind, &value, Profile::Book, FieldValidation::Ignore).unwrap();
    let mut object = Object::from_value(kind, &value);
    defaults::apply(&mut object, Profile::Book);
    object
}

const SERVICE: &str = "
apiVersion: v1
kind: Service
metadata: {name: nginx, labels: {app: nginx}}
spec: {ports: [{port: 80}], selector: {app: nginx}}
";

/// golden/1.20/05-service: what `kubectl expose` comes to own.
#[test]
fn a_create_owns_what_it_says_and_what_is_filled_in() {
    let service = yaml(SERVICE);
    let managed = Managed::default().update(Kind::SERVICE, &Map::new(), &service.body, by(&"kubectl-expose".into(), 1));
    let wanted = r#"[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:ports":{".":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:protocol":{},"f:targetPort":{}}},"f:selector":{".":{},"f:app":{}},"f:sessionAffinity":{},"f:type":{}}},"manager":"kubectl-expose","operation":"Update","time":"1970-01-01T00:00:01Z"}]"#;
    let encoded = managed.encode();
    assert_eq!(encoded.to_json().replace(&Time(1_000_000).rfc3339().to_string(), "1970-01-01T00:00:01Z"), wanted);
    assert_eq!(Managed::decode(&encoded), managed);
}

/// golden/1.20/10-workloads: containers whose resources LimitRanger filled in.
#[test]
fn owners_of_an_empty_struct_come_to_own_what_fills_it() {
    let pod = |resources: &str| {
        yaml(&format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: n, image: nginx, resources: {resources}}}]}}"
        ))
    };
    let empty = Managed::default().update(Kind::POD, &Map::new(), &pod("{}").body, by(&"kubectl".into(), 1));
    let live = pod("{limits: {cpu: 1}}");
    assert!(empty.encode().to_json().contains(r#""f:resources":{},"#));
    let text = empty.reconciled(Kind::POD, &live.body, Profile::Book).encode().to_json();
    assert!(text.contains(r#""f:resources":{".":{},"f:limits":{"f:cpu":{}},"f:requests":{"f:cpu":{}}}"#), "{text}");
}

#[test]
fn a_change_takes_fields_over() {
    let (first, second): (Str, Str) = ("a".into(), "b".into());
    let old = yaml(SERVICE);
    let mut new = old.clone();
    new.set(&["spec", "sessionAffinity"], "ClientIP");
    new.unset(&["metadata", "labels"]);
    let managed = Managed::default().update(Kind::SERVICE, &Map::new(), &old.body, by(&first, 1));
    let managed = managed.update(Kind::SERVICE, &old.body, &new.body, by(&second, 2));
    let [a, b] = managed.entries() else { panic!("{managed:?}") };
    assert!(!a.set.paths().iter().any(|p| p == ".spec.sessionAffinity" || p.starts_with(".metadata")));
    assert_eq!(b.set.paths(), [".spec.sessionAffinity"]);
}

#[test]
fn an_apply_conflicts_with_other_managers_and_removes_what_it_no_longer_names() {
    let (creator, applier): (Str, Str) = ("kubectl-scale".into(), "kubectl".into());
    let live = yaml(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: nginx}]}}}}",
    );
    let managed = Managed::default().update(Kind::DEPLOYMENT, &Map::new(), &live.body, by(&creator, 1));
    let config = |text: &str| Object::from_value(Kind::DEPLOYMENT, &serde_yaml::from_str(text).unwrap()).body;
    let wanted = config(
        "{metadata: {name: web, annotations: {note: x}}, spec: {replicas: 3, template: {spec: {containers: [{name: c, env: [{name: A, value: b}]}]}}}}",
    );
    let refused = managed.apply(Kind::DEPLOYMENT, &live.body, &wanted, by(&applier, 2), false).err().unwrap();
    assert_eq!(
        conflict_message(&refused),
        "Apply failed with 1 conflict: conflict with \"kubectl-scale\" using apps/v1: .spec.replicas"
    );
    let (body, managed) = managed.apply(Kind::DEPLOYMENT, &live.body, &wanted, by(&applier, 2), true).ok().unwrap();
    let body = Value::Map(body);
    assert_eq!(body.at(&["spec", "replicas"]), Some(&Value::Int(3)));
    assert_eq!(managed.entries()[0].manager, "kubectl");
    let less = config("{metadata: {name: web}, spec: {replicas: 3, template: {spec: {containers: [{name: c}]}}}}");
    let (after, _) =
        managed.apply(Kind::DEPLOYMENT, body.as_map().unwrap(), &less, by(&applier, 3), false).ok().unwrap();
    let after = Value::Map(after);
    assert!(after.at(&["metadata", "annotations"]).is_none());
    let container = &after.at(&["spec", "template", "spec", "containers"]).unwrap().items()[0];
    assert!(container.get("env").is_none() && container.str("image") == "nginx");
}
