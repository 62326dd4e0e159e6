//! Set-ups of golden/placement.txt and the scores of golden/1.36/scheduler-scores-v10.txt, on several seeds.

use std::collections::BTreeMap;

use crate::api::{Kind, Value, meta, pod};
use crate::base::{Duration, Str};
use crate::controllers::lab::{Lab, NODES};
use crate::sim::{Profile, What};

const BOTH: [Profile; 2] = [Profile::Book, Profile::Modern];
const WORKERS: [&str; 3] = ["w1-k8s", "w2-k8s", "w3-k8s"];

fn deployment(name: &str, replicas: u32, spec: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}}}, spec: {{replicas: {replicas}, \
         selector: {{matchLabels: {{app: {name}}}}}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {spec}}}}}}}"
    )
}

fn container(more: &str) -> String {
    format!("containers: [{{name: c, image: nginx{more}}}]")
}
fn asking(what: &str) -> String {
    container(&format!(", resources: {{requests: {{{what}}}}}"))
}

fn cordon(lab: &mut Lab, node: &str, yes: bool) {
    lab.edit(Kind::NODE, "", node, |n| match yes {
        true => n.set(&["spec", "unschedulable"], true),
        false => n.unset(&["spec", "unschedulable"]),
    });
}
fn taint(lab: &mut Lab, node: &str, effect: &str) {
    lab.edit(Kind::NODE, "", node, |n| {
        n.entry(&["spec", "taints"]).make_list().push(map! { "effect" => effect, "key" => "k", "value" => "v" });
    });
}

/// Pods on m-k8s, w1, w2 and w3, and without a node.
fn counts(lab: &mut Lab) -> [u32; 5] {
    let placed = lab.placement();
    ["m-k8s", "w1-k8s", "w2-k8s", "w3-k8s", ""].map(|n| placed.get(n).copied().unwrap_or(0))
}

/// A set-up: how nodes are prepared, replicas, their specification, where they go and what each
/// version says of those that go nowhere (without the control plane's taint and what was tried).
struct Setup {
    prepare: fn(&mut Lab),
    replicas: u32,
    spec: String,
    placed: [u32; 5],
    book: &'static str,
    modern: &'static str,
}

const TAINT_BOOK: &str = "1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate";

fn setups() -> Vec<Setup> {
    let of = |replicas, spec: String, placed, book, modern| Setup {
        prepare: (|_| {}) as fn(&mut Lab),
        replicas,
        spec: format!("{{{spec}}}"),
        placed,
        book,
        modern,
    };
    let spread = "topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: x}}}], ";
    let apart = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: x}}}]}}, ";
    let anywhere = "tolerations: [{operator: Exists}], ";
    let helpless = "4 Preemption is not helpful for scheduling.";
    let no_victims = "1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.";
    let modern = |why: &str, tried: &str| -> &'static str {
        let text = format!(
            "0/4 nodes are available: {why}. no new claims to deallocate, preemption: 0/4 nodes are available: {tried}"
        );
        Box::leak(text.into())
    };
    let taint_first = |why: &str, tried: &str| modern(&format!("1 node(s) had untolerated taint(s), {why}"), tried);
    let mut all = vec![
        of(
            9,
            asking("cpu: 500m"),
            [0, 2, 2, 2, 3],
            "3 Insufficient cpu",
            taint_first("3 Insufficient cpu", no_victims),
        ),
        of(
            1,
            asking("memory: 8Gi"),
            [0, 0, 0, 0, 1],
            "3 Insufficient memory",
            taint_first("3 Insufficient memory", helpless),
        ),
        of(
            1,
            format!("nodeSelector: {{kubernetes.io/hostname: m-k8s}}, {}", container("")),
            [0, 0, 0, 0, 1],
            "3 node(s) didn't match Pod's node affinity",
            taint_first("3 node(s) didn't match Pod's node affinity/selector", helpless),
        ),
        of(8, format!("{anywhere}{}", container("")), [2, 2, 2, 2, 0], "", ""),
        of(
            5,
            format!("{apart}{}", container("")),
            [0, 1, 1, 1, 2],
            "3 node(s) didn't match pod affinity/anti-affinity, 3 node(s) didn't match pod anti-affinity rules",
            taint_first("3 node(s) didn't match pod anti-affinity rules", no_victims),
        ),
        of(
            4,
            container(", ports: [{containerPort: 80, hostPort: 80}]"),
            [0, 1, 1, 1, 1],
            "3 node(s) didn't have free ports for the requested pod ports",
            taint_first("3 node(s) didn't have free ports for the requested pod ports", no_victims),
        ),
    ];
    let mut prepared = |prepare: fn(&mut Lab), setup: Setup| all.push(Setup { prepare, ..setup });
    prepared(|lab| taint(lab, "w1-k8s", "NoSchedule"), of(6, container(""), [0, 0, 3, 3, 0], "", ""));
    prepared(|lab| taint(lab, "w1-k8s", "PreferNoSchedule"), of(6, container(""), [0, 0, 3, 3, 0], "", ""));
    prepared(
        |lab| WORKERS.iter().for_each(|w| taint(lab, w, "NoSchedule")),
        of(
            1,
            container(""),
            [0, 0, 0, 0, 1],
            "3 node(s) had taint {k: v}, that the pod didn't tolerate",
            modern("4 node(s) had untolerated taint(s)", helpless),
        ),
    );
    prepared(
        |lab| WORKERS.iter().for_each(|w| cordon(lab, w, true)),
        of(
            1,
            container(""),
            [0, 0, 0, 0, 1],
            "3 node(s) were unschedulable",
            taint_first("3 node(s) were unschedulable", helpless),
        ),
    );
    prepared(
        |lab| cordon(lab, "w1-k8s", true),
        of(
            6,
            format!("{spread}{}", container("")),
            [0, 0, 1, 1, 4],
            "1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints",
            taint_first(
                "1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints",
                "2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
            ),
        ),
    );
    all
}

#[test]
fn every_set_up_places_and_says_what_the_recordings_do() {
    for (n, setup) in setups().iter().enumerate() {
        for profile in BOTH {
            for seed in 1..4 {
                let mut lab = Lab::with(profile, seed, &NODES);
                (setup.prepare)(&mut lab);
                lab.run(Duration::secs(1));
                lab.apply(&deployment("x", setup.replicas, &setup.spec));
                lab.run(Duration::secs(4));
                assert_eq!(counts(&mut lab), setup.placed, "set-up {n}, {profile:?}, seed {seed}");
                let said = lab.events("FailedScheduling");
                let wanted = match profile {
                    Profile::Book => format!("0/4 nodes are available: {TAINT_BOOK}, {}.", setup.book),
                    Profile::Modern => setup.modern.to_owned(),
                };
                assert_eq!(said.is_empty(), setup.placed[4] == 0, "set-up {n}, {profile:?}: {said:?}");
                assert!(said.iter().all(|m| *m == wanted), "set-up {n}, {profile:?}: {said:#?}\nwanted {wanted}");
            }
        }
    }
}

/// `one tainted, one cordoned, one full`: every reason is named.
#[test]
fn reasons_of_different_nodes_are_counted_apart() {
    let book = "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) had taint {k: v}, that the pod didn't tolerate, \
         1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 1 node(s) were unschedulable.";
    let modern = "0/4 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 node(s) had untolerated taint(s). \
         no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.";
    for (profile, wanted) in [(Profile::Book, book), (Profile::Modern, modern)] {
        let mut lab = Lab::new(profile);
        taint(&mut lab, "w1-k8s", "NoSchedule");
        cordon(&mut lab, "w2-k8s", true);
        lab.run(Duration::secs(1));
        lab.apply(&deployment("x", 1, &format!("{{{}}}", asking("cpu: 4"))));
        lab.run(Duration::secs(2));
        assert_eq!(lab.events("FailedScheduling")[0], wanted);
    }
}

#[test]
fn a_claim_that_nothing_fits_holds_its_pod_back() {
    for (profile, wanted) in [
        (Profile::Book, "0/4 nodes are available: 4 pod has unbound immediate PersistentVolumeClaims."),
        (Profile::Modern, "0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"),
    ] {
        let mut lab = Lab::new(profile);
        lab.apply(
            "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, \
             spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
        );
        lab.run(Duration::secs(1));
        let volumes = "volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]";
        lab.apply(&deployment("x", 1, &format!("{{{volumes}, {}}}", container(""))));
        lab.run(Duration::secs(2));
        assert_eq!(lab.events("FailedScheduling")[0], wanted);
    }
}

#[test]
fn a_pod_for_a_node_that_does_not_exist_is_its_node_s() {
    let mut lab = Lab::new(Profile::Modern);
    lab.apply(&deployment("x", 1, &format!("{{nodeName: w9-k8s, {}}}", container(""))));
    lab.run(Duration::secs(2));
    assert_eq!(lab.placement()["w9-k8s"], 1);
    assert!(lab.events("FailedScheduling").is_empty());
}

/// Nodes in the order in which they got pods.
fn order(lab: &mut Lab) -> Vec<Str> {
    lab.world
        .trace
        .iter()
        .filter_map(|r| match &r.what {
            What::Decide { verdict: "Bind", detail, .. } => Some(Str::from(detail.str("node"))),
            _ => None,
        })
        .collect()
}

/// 1.20 throws dice; 1.36 takes the first that its filters let through: of 39 first pods 32 went to w1,
/// 6 to w3, and after w1 came w3 in four cases of five.
#[test]
fn equal_nodes_are_chosen_as_each_version_does() {
    for profile in BOTH {
        let (mut first, mut then): (BTreeMap<Str, u32>, BTreeMap<Str, u32>) = Default::default();
        for seed in 0..60 {
            let mut lab = Lab::with(profile, seed, &NODES);
            lab.deployment("web", 2);
            lab.run(Duration::secs(2));
            let order = order(&mut lab);
            *first.entry(order[0].clone()).or_default() += 1;
            if order[0] == "w1-k8s" {
                *then.entry(order[1].clone()).or_default() += 1;
            }
        }
        match profile {
            Profile::Book => assert!(first.len() == 3 && first.values().all(|n| (8..36).contains(n)), "{first:?}"),
            Profile::Modern => {
                assert!(first["w1-k8s"] >= 40 && first["w1-k8s"] > 4 * first["w3-k8s"], "{first:?}");
                assert!(then["w3-k8s"] > 2 * then["w2-k8s"], "{then:?}");
            }
        }
    }
}

/// Of each decision: plugin → score, sorted; which of the equal workers has which differs run by run.
fn scores(lab: &Lab, skip: usize) -> Vec<Vec<[i64; 4]>> {
    let row = |v: &Value| {
        let plugins = v.get("plugins").cloned().unwrap_or_default();
        ["TaintToleration", "NodeResourcesFit", "PodTopologySpread", "ImageLocality"]
            .map(|n| plugins.get(n).and_then(Value::as_int).unwrap_or(-1))
    };
    lab.world
        .trace
        .iter()
        .filter_map(|r| match &r.what {
            What::Decide { verdict: "Bind", detail, .. } => {
                let all = detail.get("scores").and_then(Value::as_map).cloned().unwrap_or_default();
                let mut rows: Vec<[i64; 4]> = all.iter().map(|(_, v)| row(v)).collect();
                rows.sort_unstable();
                Some(rows)
            }
            _ => None,
        })
        .skip(skip)
        .collect()
}

/// `six` is created with three replicas and scaled to six; then, with w3 cordoned, `three` with three
/// replicas, scaled to nine once w3 is back.
#[test]
fn each_plugin_scores_as_the_real_scheduler_logged() {
    let all = |rows: &[(i64, i64)]| -> Vec<[i64; 4]> {
        let mut rows: Vec<[i64; 4]> = rows.iter().map(|(fit, spread)| [300, *fit, *spread, 0]).collect();
        rows.sort_unstable();
        rows
    };
    let wanted = [
        all(&[(90, 200), (90, 200), (90, 200)]),
        all(&[(81, 100), (90, 200), (90, 200)]),
        all(&[(81, 100), (81, 100), (90, 200)]),
        all(&[(81, 200), (81, 200), (81, 200)]),
        all(&[(72, 160), (81, 200), (81, 200)]),
        all(&[(72, 160), (72, 160), (81, 200)]),
        all(&[(72, 200), (72, 200)]),
        all(&[(63, 132), (72, 200)]),
        all(&[(63, 200), (63, 200)]),
        all(&[(54, 80), (63, 120), (72, 200)]),
        all(&[(54, 160), (63, 200), (63, 200)]),
        all(&[(54, 160), (54, 160), (63, 200)]),
        all(&[(54, 200), (54, 200), (54, 200)]),
        all(&[(45, 142), (54, 200), (54, 200)]),
        all(&[(45, 142), (45, 142), (54, 200)]),
    ];
    for seed in 1..6 {
        let mut lab = Lab::with(Profile::Modern, seed, &NODES);
        let before = scores(&lab, 0).len();
        let steps: [&dyn Fn(&mut Lab); 6] = [
            &|lab| lab.deployment("six", 3),
            &|lab| lab.scale("six", 6),
            &|lab| cordon(lab, "w3-k8s", true),
            &|lab| lab.deployment("three", 3),
            &|lab| cordon(lab, "w3-k8s", false),
            &|lab| lab.scale("three", 9),
        ];
        for step in steps {
            step(&mut lab);
            lab.run(Duration::secs(3));
        }
        let found = scores(&lab, before);
        for (i, rows) in wanted.iter().enumerate() {
            assert_eq!(&found[i], rows, "seed {seed}, decision {i}");
        }
    }
}

/// 9 replicas on two workers after a drain do not move back.
#[test]
fn nothing_is_moved_to_a_node_that_comes_back() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.deployment("web", 9);
        lab.run(Duration::secs(4));
        cordon(&mut lab, "w3-k8s", true);
        for p in lab.list(Kind::POD, "default").iter().filter(|p| pod::node_name(p) == "w3-k8s") {
            lab.ask(crate::api::Request::delete(&p.key));
        }
        lab.run(Duration::secs(5));
        let split = counts(&mut lab);
        assert!(split == [0, 4, 5, 0, 0] || split == [0, 5, 4, 0, 0], "{profile:?} {split:?}");
        cordon(&mut lab, "w3-k8s", false);
        lab.run(Duration::secs(5));
        assert_eq!(counts(&mut lab), split);
    }
}

/// Which pods a smaller number of replicas leaves: 1.20 takes the youngest of the fullest nodes; 1.36
/// finds pods of about the same age equal, so that a worker may be left without.
#[test]
fn scaling_down_takes_from_the_fullest_nodes() {
    for profile in BOTH {
        for seed in 1..6 {
            let mut lab = Lab::with(profile, seed, &NODES);
            for replicas in 1..=9 {
                if replicas == 1 {
                    lab.deployment("web", 1)
                } else {
                    lab.scale("web", replicas)
                }
                lab.run(Duration::secs(3));
            }
            assert_eq!(counts(&mut lab)[1..4], [3, 3, 3]);
            lab.scale("web", 6);
            lab.run(Duration::secs(4));
            let six = counts(&mut lab);
            lab.scale("web", 3);
            lab.run(Duration::secs(4));
            let three = counts(&mut lab);
            assert_eq!((six.iter().sum::<u32>(), three.iter().sum::<u32>()), (6, 3));
            if profile == Profile::Book {
                assert_eq!((&six[1..4], &three[1..4]), (&[2, 2, 2][..], &[1, 1, 1][..]), "{seed}");
            }
        }
    }
}

/// The pod of higher priority waits on its node until the victim is gone, and tries anew only then.
#[test]
fn preemption_says_what_it_did() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        for (name, value) in [("low", 1), ("high", 1000)] {
            lab.apply(&format!(
                "{{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {{name: {name}}}, value: {value}}}"
            ));
        }
        lab.apply(&deployment("low", 6, &format!("{{priorityClassName: low, {}}}", asking("cpu: 500m"))));
        lab.run(Duration::secs(4));
        lab.apply(&deployment("high", 1, &format!("{{priorityClassName: high, {}}}", asking("cpu: 500m"))));
        lab.run(Duration::secs(8));
        let placed = counts(&mut lab);
        assert_eq!(placed, [0, 2, 2, 2, 1], "{profile:?}");
        let high = lab.list(Kind::POD, "default").into_iter().find(|p| meta::label(p, "app") == Some("high")).unwrap();
        assert!(!pod::node_name(&high).is_empty());
        let preempted = lab.events("Preempted");
        let node = pod::node_name(&high).to_owned();
        let by = match profile {
            Profile::Book => format!("default/{}", high.name()),
            Profile::Modern => format!("pod {}", meta::uid(&high)),
        };
        assert_eq!(preempted, [format!("Preempted by {by} on node {node}")]);
        let said = lab.events("FailedScheduling");
        let short = match profile {
            Profile::Book => format!("0/4 nodes are available: {TAINT_BOOK}, 3 Insufficient cpu."),
            Profile::Modern => {
                "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu.".to_owned()
            }
        };
        assert_eq!(said[0], short, "the one that found victims says no more");
        if profile == Profile::Modern {
            let long = format!(
                "{short} no new claims to deallocate, preemption: 0/4 nodes are available: 1 Preemption is not helpful \
                 for scheduling, 3 No preemption victims found for incoming pod."
            );
            assert!(said[1..].iter().all(|m| *m == long), "{said:#?}");
        }
    }
}
