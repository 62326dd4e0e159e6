use super::*;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn map_of(text: &str) -> Map {
    yaml(text).as_map().cloned().unwrap_or_default()
}

fn check_strategic(kind: Kind, original: &str, patch: &str, want: &str) {
    let got = apply(kind, &yaml(original), PatchType::StrategicMerge, &yaml(patch), Profile::Book);
    assert_eq!(got.map(|v| v.to_json()).map_err(|s| s.message), Ok(yaml(want).to_json()), "{patch}");
}

#[test]
fn strategic_patches() {
    let pod = "spec: {containers: [{name: a, image: x, args: [p, q]}, {name: b, image: y}], tolerations: [{key: k}]}";
    let cases = [
        (
            "spec: {containers: [{name: b, image: z}]}",
            "spec: {containers: [{name: a, image: x, args: [p, q]}, {name: b, image: z}], tolerations: [{key: k}]}",
        ),
        (
            "spec: {containers: [{name: a, args: [r], image: null}, {name: c, image: w}]}",
            "spec: {containers: [{name: a, args: [r]}, {name: c, image: w}, {name: b, image: y}], tolerations: [{key: k}]}",
        ),
        (
            "spec: {containers: [{name: a, $patch: delete}], tolerations: []}",
            "spec: {containers: [{name: b, image: y}], tolerations: []}",
        ),
        (
            "spec: {$setElementOrder/containers: [{name: b}, {name: a}], containers: [{name: b, image: z}]}",
            "spec: {containers: [{name: b, image: z}, {name: a, image: x, args: [p, q]}], tolerations: [{key: k}]}",
        ),
        ("spec: {$patch: replace, hostNetwork: true}", "spec: {hostNetwork: true}"),
    ];
    for (patch, want) in cases {
        check_strategic(Kind::POD, pod, patch, want);
    }
    let finalizers = "metadata: {finalizers: [a, b]}";
    check_strategic(Kind::POD, finalizers, "metadata: {finalizers: [c]}", "metadata: {finalizers: [c, a, b]}");
    let delete = "metadata: {$deleteFromPrimitiveList/finalizers: [a]}";
    check_strategic(Kind::POD, finalizers, delete, "metadata: {finalizers: [b]}");
    let strategy = "spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}";
    let recreate = "spec: {strategy: {$retainKeys: [type], type: Recreate}}";
    check_strategic(Kind::DEPLOYMENT, strategy, recreate, "spec: {strategy: {type: Recreate}}");
}

#[test]
fn three_way_deletes_only_what_was_applied() {
    let original = "spec: {replicas: 3, template: {spec: {containers: [{name: a, image: x}, {name: gone, image: y}]}}}";
    let modified = "spec: {template: {spec: {containers: [{name: a, image: z}]}}}";
    let current = "spec: {replicas: 3, paused: true, template: {spec: {dnsPolicy: Default, containers: [{name: a, image: x, tty: true}, {name: gone, image: y}]}}}";
    let schema = Some(schema::of(Kind::DEPLOYMENT));
    let patch = three_way(schema, &map_of(original), &map_of(modified), &map_of(current), Profile::Book).unwrap();
    let want = "spec: {replicas: null, template: {spec: {$setElementOrder/containers: [{name: a}], containers: [{image: z, name: a}, {$patch: delete, name: gone}]}}}";
    assert_eq!(Value::from(patch.clone()).to_json(), yaml(want).to_json());
    let result = strategic_merge(schema, &map_of(current), &patch, Profile::Book).unwrap();
    let want =
        "spec: {paused: true, template: {spec: {dnsPolicy: Default, containers: [{name: a, image: z, tty: true}]}}}";
    assert_eq!(Value::from(result).to_json(), yaml(want).to_json());
    let same = three_way(schema, &map_of(modified), &map_of(modified), &map_of(modified), Profile::Book).unwrap();
    assert!(same.is_empty());
}

#[test]
fn two_way_replaces_a_strategy_whole() {
    let a = map_of("spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}");
    let b = map_of("spec: {strategy: {type: Recreate}}");
    let schema = Some(schema::of(Kind::DEPLOYMENT));
    let patch = two_way(schema, &a, &b, Profile::Book).unwrap();
    assert_eq!(strategic_merge(schema, &a, &patch, Profile::Book).unwrap(), b);
}

#[test]
fn json_patches() {
    let doc = yaml("{spec: {replicas: 3, list: [a, b]}}");
    let run = |patch: &str| json_patch(&doc, &yaml(patch)).map(|v| v.to_json()).map_err(|s| s.code());
    assert_eq!(
        run("[{op: replace, path: /spec/replicas, value: 4}]"),
        Ok(yaml("{spec: {replicas: 4, list: [a, b]}}").to_json())
    );
    assert_eq!(
        run("[{op: add, path: /spec/list/1, value: x}, {op: remove, path: /spec/replicas}]"),
        Ok(yaml("{spec: {list: [a, x, b]}}").to_json())
    );
    assert_eq!(run("[{op: remove, path: /spec/nosuch}]"), Err(422));
    assert_eq!(run("[{op: test, path: /spec/replicas, value: 9}]"), Err(422));
    let merged = json_merge(&doc, &yaml("{spec: {replicas: null, list: [c]}}"));
    assert_eq!(merged.to_json(), yaml("{spec: {list: [c]}}").to_json());
}
