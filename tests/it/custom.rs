//! Custom resources, from their definition to its end, as people type it.

use std::process::Command;

use crate::tools::Folder;

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, kind: CronTab, shortNames: [ct], categories: [timers]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Image, type: string, priority: 1, jsonPath: .spec.image}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: {type: string, pattern: '^[a-z]+$'}
              image: {type: string, default: busybox}
              replicas: {type: integer, minimum: 1}
          status: {type: object, properties: {replicas: {type: integer}}}
";

const TAB: &str = "
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: tab}
spec: {cronSpec: daily, replicas: 2, odd: field}
status: {replicas: 9}
";

/// (command, exit code, a part of what it prints)
const PLAYED: &[(&str, i64, &str)] = &[
    ("kubectl get crontabs", 1, "error: the server doesn't have a resource type \"crontabs\""),
    (
        "kubectl apply -f tab.yaml --validate=false",
        1,
        "no matches for kind \"CronTab\" in version \"stable.example.com/v1\"",
    ),
    (
        "kubectl apply -f crd.yaml",
        0,
        "customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created",
    ),
    ("kubectl wait --for=condition=established crd/crontabs.stable.example.com --timeout=10s", 0, "condition met"),
    ("kubectl api-resources --api-group=stable.example.com --no-headers", 0, "crontabs"),
    ("kubectl get apiservice v1.stable.example.com --no-headers", 0, "Local"),
    ("kubectl apply -f tab.yaml --validate=false", 0, "crontab.stable.example.com/tab created"),
    ("kubectl get ct", 0, "NAME   SPEC\ntab    daily\n"),
    ("kubectl get timers -o wide", 0, "NAME   SPEC    IMAGE\ntab    daily   busybox\n"),
    (
        "kubectl get crontab tab -o jsonpath={.spec}{.status}",
        0,
        "{\"cronSpec\":\"daily\",\"image\":\"busybox\",\"replicas\":2}",
    ),
    (
        "kubectl patch ct tab --type merge -p '{\"spec\":{\"replicas\":0}}'",
        1,
        "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
    ),
    (
        "kubectl patch ct tab --type merge -p '{\"spec\":{\"cronSpec\":\"A\"}}'",
        1,
        "spec.cronSpec in body should match '^[a-z]+$'",
    ),
    ("kubectl patch ct tab -p '{}'", 1, "the body of the request was in an unknown format"),
    ("kubectl scale ct tab --replicas=5", 0, "crontab.stable.example.com/tab scaled"),
    ("kubectl get ct tab -o jsonpath={.spec.replicas},{.metadata.generation}", 0, "5,2"),
    ("kubectl explain ct.spec", 0, "cronSpec"),
    ("kubectl create namespace dev", 0, ""),
    ("kubectl apply -f tab.yaml --validate=false -n dev", 0, "created"),
    ("kubectl delete namespace dev", 0, ""),
    ("kubectl get ct -A --no-headers", 0, "default   tab   daily\n"),
    (
        "kubectl get ct --as=bob",
        1,
        "User \"bob\" cannot list resource \"crontabs\" in API group \"stable.example.com\"",
    ),
    ("kubectl delete crd crontabs.stable.example.com", 0, "deleted"),
    ("kubectl get ct", 1, "the server doesn't have a resource type"),
    ("kubectl get apiservice v1.stable.example.com", 1, "not found"),
    // With the definition went its objects.
    ("kubectl apply -f crd.yaml", 0, "created"),
    ("kubectl wait --for=condition=established crd/crontabs.stable.example.com", 0, ""),
    ("kubectl get ct", 0, "No resources found in default namespace."),
];

fn played(profile: &str) {
    let folder = Folder::new(&format!("custom-{profile}"));
    let files = folder.0.join("files");
    std::fs::create_dir_all(&files).expect("a folder");
    std::fs::write(files.join("crd.yaml"), DEFINITION).expect("a file");
    std::fs::write(files.join("tab.yaml"), TAB).expect("a file");
    let session = folder.0.join("custom.session");
    let lines: String = PLAYED.iter().map(|(command, ..)| format!("{command}\n")).collect();
    std::fs::write(&session, lines).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubedrill"));
    let command = command.args(["session", "--json", "--profile", profile, "--dir"]).arg(&files).arg(&session);
    let out = command.output().expect("kubedrill");
    let entries: serde_json::Value = serde_json::from_slice(&out.stdout).expect("a JSON transcript");
    for (n, (command, code, part)) in PLAYED.iter().enumerate() {
        let entry = &entries[n];
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let said = text("stdout") + &text("stderr");
        assert_eq!(entry["rc"].as_i64(), Some(*code), "{profile}: {command}\n{said}");
        assert!(said.contains(part), "{profile}: {command}\n{said}");
    }
}

#[test]
fn custom_resources_of_the_book_cluster() {
    played("book");
}

#[test]
fn custom_resources_of_the_modern_cluster() {
    played("modern");
}
