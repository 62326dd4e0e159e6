use super::*;
use crate::api::defaults;

fn object(kind: Kind, text: &str, profile: Profile) -> Object {
    let value: Value = serde_yaml::from_str(text).unwrap();
    let mut o = Object::from_value(kind, &value);
    defaults::apply(&mut o, profile);
    o
}

fn check(kind: Kind, profile: Profile, text: &str, want: &[&str]) {
    let errors = create(&object(kind, text, profile), profile);
    let got: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.field, e.body(profile))).collect();
    assert_eq!(got, want, "{text}");
}

const DEPLOYMENT: &str = "metadata: {name: d}
spec: {replicas: 1, selector: {matchLabels: {app: nginx}}, template: {metadata: {labels: {app: nginx}}, spec: {containers: [{name: c, image: i}]}}}";

#[test]
fn deployments_as_recorded() {
    use Profile::{Book, Modern};
    let d = |from: &str, to: &str| DEPLOYMENT.replacen(from, to, 1);
    check(Kind::DEPLOYMENT, Book, DEPLOYMENT, &[]);
    let negative = d("replicas: 1", "replicas: -1");
    check(Kind::DEPLOYMENT, Book, &negative, &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]);
    let selector = d("matchLabels: {app: nginx}", "matchLabels: {app: other}");
    let mismatch = "`selector` does not match template `labels`";
    let book =
        format!("spec.template.metadata.labels: Invalid value: map[string]string{{\"app\":\"nginx\"}}: {mismatch}");
    check(Kind::DEPLOYMENT, Book, &selector, &[&book]);
    let modern = format!("spec.template.metadata.labels: Invalid value: {{\"app\":\"nginx\"}}: {mismatch}");
    check(Kind::DEPLOYMENT, Modern, &selector, &[&modern]);
    let none = d("selector: {matchLabels: {app: nginx}}, ", "");
    check(Kind::DEPLOYMENT, Modern, &none, &["spec.selector: Required value", &modern]);
    let image = d(", image: i", "");
    check(Kind::DEPLOYMENT, Book, &image, &["spec.template.spec.containers[0].image: Required value"]);
    let name = d("name: d", "name: ''");
    check(Kind::DEPLOYMENT, Book, &name, &["metadata.name: Required value: name or generateName is required"]);
}

#[test]
fn immutable_selectors_as_recorded() {
    for (profile, value) in [
        (
            Profile::Book,
            "v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"z\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}",
        ),
        (Profile::Modern, "{\"matchLabels\":{\"app\":\"z\"}}"),
    ] {
        let old = object(Kind::DEPLOYMENT, DEPLOYMENT, profile);
        let new = object(Kind::DEPLOYMENT, &DEPLOYMENT.replacen("app: nginx", "app: z", 1), profile);
        let status = check_update(&new, &old, profile).unwrap_err();
        assert_eq!(status.causes.len(), 2);
        assert_eq!(status.causes[1].2, "spec.selector");
        assert_eq!(status.causes[1].1, format!("Invalid value: {value}: field is immutable"));
        assert!(status.message.starts_with("Deployment.apps \"d\" is invalid: [spec.template.metadata.labels: "));
    }
}

#[test]
fn pods_and_services() {
    use Profile::Book;
    let pod = "metadata: {name: p}
spec: {restartPolicy: Maybe, containers: [{name: c, image: i, ports: [{containerPort: 99999}], volumeMounts: [{name: v, mountPath: /x}]}, {name: c, image: i, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}]}";
    check(
        Kind::POD,
        Book,
        pod,
        &[
            "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
            "spec.containers[1].name: Duplicate value: \"c\"",
            "spec.containers[1].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit",
            "spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\"",
        ],
    );
    check(Kind::SERVICE, Book, "metadata: {name: s}\nspec: {selector: {a: b}}", &["spec.ports: Required value"]);
    let port = "metadata: {name: s}\nspec: {ports: [{port: 99999, targetPort: 80}]}";
    let want = "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive";
    check(Kind::SERVICE, Book, port, &[want]);
}

#[test]
fn a_pods_spec_is_nearly_frozen() {
    let text = "metadata: {name: p}\nspec: {containers: [{name: c, image: i}]}";
    let old = object(Kind::POD, text, Profile::Book);
    let image = object(Kind::POD, &text.replace("image: i", "image: j"), Profile::Book);
    assert!(update(&image, &old, Profile::Book).iter().all(|e| e.field != "spec"));
    let named = object(Kind::POD, &text.replace("name: c", "name: x"), Profile::Book);
    let errors = update(&named, &old, Profile::Book);
    assert!(errors.iter().any(|e| e.field == "spec" && e.detail.starts_with("pod updates may not change fields")));
}
