use super::*;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: d, labels: {}}
spec: {replicas: REPLICAS, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i, foo: 1, resources: {limits: {cpu: 0.5}}}]}}}";

fn check(profile: Profile, validation: FieldValidation, text: &str) -> Result<(Value, Vec<Str>), String> {
    decode(Kind::DEPLOYMENT, &yaml(text), profile, validation).map_err(|s| s.message.to_string())
}

#[test]
fn wrong_types_as_recorded() {
    let text = DEPLOYMENT.replace("REPLICAS", "three");
    let lead = "Deployment in version \"v1\" cannot be handled as a Deployment: ";
    let modern = "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
    assert_eq!(check(Profile::Modern, FieldValidation::Strict, &text), Err(format!("{lead}{modern}")));
    let book = check(Profile::Book, FieldValidation::Ignore, &text).unwrap_err();
    let want = "v1.Deployment.Spec: v1.DeploymentSpec.Replicas: readUint32: unexpected character: \u{fffd}, error found in #10 byte of ...|eplicas\":\"three\",\"se|..., bigger context ...|";
    assert!(book.starts_with(&format!("{lead}{want}")), "{book}");
}

#[test]
fn unknown_fields_are_errors_warnings_or_nothing() {
    let text = DEPLOYMENT.replace("REPLICAS", "3").replace("replicas", "replicaz");
    let unknown = ["unknown field \"spec.replicaz\"", "unknown field \"spec.template.spec.containers[0].foo\""];
    let strict = check(Profile::Modern, FieldValidation::Strict, &text).unwrap_err();
    assert!(strict.ends_with(&format!("strict decoding error: {}", unknown.join(", "))), "{strict}");
    let (value, warnings) = check(Profile::Modern, FieldValidation::Warn, &text).unwrap();
    assert_eq!(warnings, unknown);
    assert!(value.at(&["spec", "replicaz"]).is_none());
}

#[test]
fn round_trips() {
    let text = DEPLOYMENT.replace("REPLICAS", "3");
    let (book, _) = check(Profile::Book, FieldValidation::Ignore, &text).unwrap();
    let container = "containers: [{name: c, image: i, resources: {limits: {cpu: 500m}}}]";
    let want = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: d}}
spec: {{replicas: 3, strategy: {{}}, selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{creationTimestamp: null, labels: {{a: b}}}}, spec: {{{container}}}}}}}
status: {{}}"
    );
    assert_eq!(book.to_json(), yaml(&want).to_json());
    let (modern, _) = check(Profile::Modern, FieldValidation::Ignore, &text).unwrap();
    assert_eq!(modern.to_json(), yaml(&want.replace("creationTimestamp: null, ", "")).to_json());
    assert_eq!(normalize(Kind::DEPLOYMENT, &book, Profile::Book), book);
    let json = to_json(Kind::DEPLOYMENT, &book, Profile::Book);
    assert!(json.starts_with("{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"d\"},\"spec\":{\"replicas\":3,\"selector\":"), "{json}");
    let pod = yaml(
        "metadata: {name: p}\nspec: {containers: [{name: c, ports: [], args: []}], volumes: [{name: v, emptyDir: {}}], hostNetwork: false}\nstatus: {conditions: [{type: Ready, status: 'True'}]}",
    );
    let want = yaml(
        "metadata: {name: p}\nspec: {containers: [{name: c, resources: {}}], volumes: [{name: v, emptyDir: {}}]}\nstatus: {conditions: [{type: Ready, status: 'True', lastProbeTime: null, lastTransitionTime: null}]}",
    );
    assert_eq!(normalize(Kind::POD, &pod, Profile::Modern).to_json(), want.to_json());
}
