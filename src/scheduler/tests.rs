//! Placements and messages, held to recordings of real schedulers.

use std::collections::BTreeMap;

use crate::api::{Kind, Object, Value};
use crate::base::{Duration, Str};
use crate::controllers::lab::Lab;
use crate::sim::{Profile, What};

const BOTH: [Profile; 2] = [Profile::Book, Profile::Modern];

fn pod(name: &str, spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, labels: {{app: {name}}}}}, spec: {spec}}}")
}

/// The FailedScheduling message of a pod with this spec, on four nodes prepared by `prepare`.
fn check_message(profile: Profile, spec: &str, prepare: impl FnOnce(&mut Lab), expect: &str) {
    let mut lab = Lab::new(profile);
    prepare(&mut lab);
    lab.run(Duration::secs(1));
    lab.apply(&pod("p", spec));
    lab.run(Duration::secs(2));
    // 1.20 tries once more when it sees its own note in the pod.
    let times = if profile == Profile::Book { 2 } else { 1 };
    assert_eq!(lab.events("FailedScheduling"), vec![expect; times], "{profile:?} {spec}");
}

const HELPLESS: &str =
    " no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.";

#[test]
fn messages_say_why_no_node_fits() {
    const MASTER: &str = "1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate";
    let cases = [
        (
            "{containers: [{name: c, image: nginx, resources: {requests: {cpu: 4}}}]}",
            format!("{MASTER}, 3 Insufficient cpu."),
            "1 node(s) had untolerated taint(s), 3 Insufficient cpu.",
        ),
        (
            "{containers: [{name: c, image: nginx, resources: {requests: {cpu: 4, memory: 8Gi}}}]}",
            format!("{MASTER}, 3 Insufficient cpu, 3 Insufficient memory."),
            "1 node(s) had untolerated taint(s), 3 Insufficient cpu, 3 Insufficient memory.",
        ),
        (
            "{nodeSelector: {disktype: ssd}, containers: [{name: c, image: nginx}]}",
            format!("{MASTER}, 3 node(s) didn't match Pod's node affinity."),
            "1 node(s) had untolerated taint(s), 3 node(s) didn't match Pod's node affinity/selector.",
        ),
    ];
    for (spec, book, modern) in cases {
        check_message(Profile::Book, spec, |_| {}, &format!("0/4 nodes are available: {book}"));
        check_message(Profile::Modern, spec, |_| {}, &format!("0/4 nodes are available: {modern}{HELPLESS}"));
    }
    let cordon = |lab: &mut Lab| {
        for node in ["w1-k8s", "w2-k8s", "w3-k8s"] {
            lab.edit(Kind::NODE, "", node, |n| n.set(&["spec", "unschedulable"], true));
        }
    };
    let spec = "{containers: [{name: c, image: nginx}]}";
    let book = format!("0/4 nodes are available: {MASTER}, 3 node(s) were unschedulable.");
    check_message(Profile::Book, spec, cordon, &book);
    let claim =
        "{volumes: [{name: v, persistentVolumeClaim: {claimName: nosuch}}], containers: [{name: c, image: nginx}]}";
    let book = "0/4 nodes are available: 4 persistentvolumeclaim \"nosuch\" not found.";
    check_message(Profile::Book, claim, |_| {}, book);
    let modern = "0/4 nodes are available: persistentvolumeclaim \"nosuch\" not found. not found";
    check_message(Profile::Modern, claim, |_| {}, modern);
}

/// Scores of the last decision: node → plugin → score.
fn scores(lab: &Lab) -> BTreeMap<Str, BTreeMap<Str, i64>> {
    let last = lab.world.trace.iter().rev().find_map(|r| match &r.what {
        What::Decide { verdict: "Bind", detail, .. } => detail.get("scores").cloned(),
        _ => None,
    });
    let plugins = |v: &Value| -> BTreeMap<Str, i64> {
        let all = v.get("plugins").and_then(Value::as_map).cloned().unwrap_or_default();
        all.iter().filter_map(|(k, n)| Some((k.clone(), n.as_int()?))).collect()
    };
    last.and_then(|v| v.as_map().cloned()).unwrap_or_default().iter().map(|(n, v)| (n.clone(), plugins(v))).collect()
}

/// golden: 1.36/scheduler-scores-v10.txt, the second replica of `six`.
#[test]
fn scores_are_those_of_the_real_scheduler() {
    let mut lab = Lab::new(Profile::Modern);
    lab.deployment("six", 1);
    lab.run(Duration::secs(2));
    lab.scale("six", 2);
    lab.run(Duration::secs(2));
    let all = scores(&lab);
    let rows: Vec<Vec<i64>> = all
        .values()
        .map(|p| ["TaintToleration", "NodeResourcesFit", "PodTopologySpread", "ImageLocality"].map(|n| p[n]).to_vec())
        .collect();
    assert_eq!(rows, [[300, 81, 100, 0], [300, 90, 200, 0], [300, 90, 200, 0]]);
    assert!(!all["w1-k8s"].contains_key("NodeResourcesBalancedAllocation"), "skipped for pods that ask for nothing");
}

#[test]
fn equal_workers_never_differ_by_more_than_one_pod() {
    for profile in BOTH {
        for (seed, replicas) in [(1, 4), (2, 6), (3, 7), (4, 9)] {
            let mut lab = Lab::with(profile, seed, &crate::controllers::lab::NODES);
            lab.deployment("web", replicas);
            lab.run(Duration::secs(4));
            let placed = lab.placement();
            let counts: Vec<u32> = ["w1-k8s", "w2-k8s", "w3-k8s"].map(|n| placed[n]).to_vec();
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{profile:?} {placed:?}");
        }
    }
}

#[test]
fn a_node_that_comes_back_gets_what_it_missed() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.edit(Kind::NODE, "", "w3-k8s", |n| n.set(&["spec", "unschedulable"], true));
        lab.deployment("web", 3);
        lab.run(Duration::secs(3));
        lab.edit(Kind::NODE, "", "w3-k8s", |n| n.set(&["spec", "unschedulable"], false));
        lab.scale("web", 9);
        lab.run(Duration::secs(4));
        assert_eq!(lab.placement().values().copied().collect::<Vec<_>>(), [3, 3, 3], "{profile:?}");
    }
}

#[test]
fn a_pending_pod_is_placed_when_room_appears() {
    let mut lab = Lab::new(Profile::Book);
    lab.apply(&pod("p", "{nodeSelector: {disktype: ssd}, containers: [{name: c, image: nginx}]}"));
    lab.run(Duration::secs(3));
    assert_eq!(lab.placement()[""], 1);
    lab.edit(Kind::NODE, "", "w2-k8s", |n: &mut Object| n.set(&["metadata", "labels", "disktype"], "ssd"));
    lab.run(Duration::secs(3));
    assert_eq!(lab.placement()["w2-k8s"], 1);
}

#[test]
fn a_pod_of_higher_priority_makes_room() {
    let mut lab = Lab::new(Profile::Modern);
    lab.apply("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}");
    for i in 0..6 {
        let spec = "{containers: [{name: c, image: nginx, resources: {requests: {cpu: 500m}}}]}";
        lab.apply(&pod(&format!("low{i}"), spec));
    }
    lab.run(Duration::secs(3));
    let spec = "{priorityClassName: high, priority: 1000, containers: [{name: c, image: nginx, resources: {requests: {cpu: 500m}}}]}";
    lab.apply(&pod("high", spec));
    lab.run(Duration::secs(5));
    let high = lab.get(Kind::POD, "default", "high").unwrap();
    assert!(!crate::api::pod::node_name(&high).is_empty());
    assert_eq!(lab.events("Preempted").len(), 1);
    assert_eq!(lab.events("FailedScheduling").len(), 1);
}

#[test]
fn placed_pods_draw_others_near_or_keep_them_off() {
    for profile in [Profile::Book, Profile::Modern] {
        let mut lab = Lab::new(profile);
        let term = |weight: i64| {
            format!(
                "[{{weight: {weight}, podAffinityTerm: {{topologyKey: kubernetes.io/hostname, labelSelector: {{matchLabels: {{app: b}}}}}}}}]"
            )
        };
        let first = format!(
            "{{nodeName: w3-k8s, affinity: {{podAffinity: {{preferredDuringSchedulingIgnoredDuringExecution: {}}}}}, containers: [{{name: c, image: nginx}}]}}",
            term(100)
        );
        lab.apply(&pod("a", &first));
        lab.run(Duration::secs(3));
        lab.apply(&pod("b", "{containers: [{name: c, image: nginx}]}"));
        lab.run(Duration::secs(3));
        let b = lab.get(Kind::POD, "default", "b").unwrap();
        assert_eq!(crate::api::pod::node_name(&b), "w3-k8s", "{profile:?}");
    }
}

#[test]
fn a_claim_that_waits_gets_a_volume_where_its_pod_goes() {
    for profile in [Profile::Book, Profile::Modern] {
        let mut lab = Lab::new(profile);
        lab.apply(
            "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: local}, provisioner: kubernetes.io/no-provisioner, \
             volumeBindingMode: WaitForFirstConsumer}",
        );
        lab.apply(
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
             storageClassName: local, resources: {requests: {storage: 1Gi}}}}",
        );
        lab.run(Duration::secs(2));
        assert!(!lab.events("WaitForFirstConsumer").is_empty());
        lab.apply(&pod(
            "p",
            "{containers: [{name: c, image: nginx}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}",
        ));
        lab.run(Duration::secs(2));
        let why = lab.events("FailedScheduling");
        assert!(why[0].contains("3 node(s) didn't find available persistent volumes to bind"), "{profile:?} {why:?}");
        lab.apply(
            "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], \
             storageClassName: local, local: {path: /data}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: \
             [{key: kubernetes.io/hostname, operator: In, values: [w2-k8s]}]}]}}}}",
        );
        lab.run(Duration::secs(15));
        let p = lab.get(Kind::POD, "default", "p").unwrap();
        let claim = lab.get(Kind::PERSISTENT_VOLUME_CLAIM, "default", "data").unwrap();
        let volume = lab.get(Kind::PERSISTENT_VOLUME, "", "pv").map(|v| v.to_value().to_json());
        let verdicts = lab.verdicts();
        assert_eq!(
            crate::api::pod::node_name(&p),
            "w2-k8s",
            "{profile:?} {volume:?} {} {verdicts:?}",
            claim.to_value().to_json()
        );
        let claim = lab.get(Kind::PERSISTENT_VOLUME_CLAIM, "default", "data").unwrap();
        assert_eq!(claim.str(&["spec", "volumeName"]), "pv");
    }
}

#[test]
fn preemption_spares_what_a_budget_protects() {
    let mut lab = Lab::new(Profile::Modern);
    lab.apply("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}");
    for i in 0..6 {
        let spec = "{containers: [{name: c, image: nginx, resources: {requests: {cpu: 500m}}}]}";
        let name = format!("low{i}");
        // All but one are protected.
        let label = if i == 4 { "free" } else { "kept" };
        let yaml = pod(&name, spec).replace(&format!("app: {name}"), &format!("app: {label}"));
        lab.apply(&yaml);
    }
    lab.apply(
        "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {minAvailable: 5, selector: {matchLabels: {app: kept}}}}",
    );
    lab.run(Duration::secs(4));
    lab.apply(&pod("high", "{priorityClassName: high, priority: 1000, containers: [{name: c, image: nginx, resources: {requests: {cpu: 500m}}}]}"));
    lab.run(Duration::secs(5));
    assert!(lab.get(Kind::POD, "default", "low4").is_none_or(|p| crate::api::meta::deleting(&p)));
    assert_eq!(lab.events("Preempted").len(), 1);
}
