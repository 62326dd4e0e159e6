//! The control plane as a whole, held to recordings of real ones.

use super::lab::Lab;
use crate::api::{Kind, Value, WatchType, meta};
use crate::base::Duration;
use crate::sim::Profile;

const BOTH: [Profile; 2] = [Profile::Book, Profile::Modern];

/// One word per write: `+ReplicaSet`, `~Deployment NewReplicaSetCreated` …
fn short(lab: &Lab) -> Vec<String> {
    lab.recorded()
        .iter()
        .map(|(_, kind, o)| {
            let sign = match kind {
                WatchType::Added => '+',
                WatchType::Deleted => '-',
                _ => '~',
            };
            let n = |field| o.int(&["status", field]).unwrap_or(0);
            let more = match o.kind() {
                Kind::DEPLOYMENT => format!(
                    " obs={} updated={} ready={} {}",
                    n("observedGeneration"),
                    n("updatedReplicas"),
                    n("readyReplicas"),
                    meta::condition(o, "Progressing").map_or("", |(_, reason, _)| reason)
                ),
                Kind::REPLICA_SET => format!(
                    " want={} have={} ready={}",
                    o.int(&["spec", "replicas"]).unwrap_or(0),
                    n("replicas"),
                    n("readyReplicas")
                ),
                _ => String::new(),
            };
            format!("{sign}{}{more}", o.kind().name())
        })
        .collect()
}

#[test]
fn a_deployment_is_created_in_the_order_of_the_recordings() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.record(&[Kind::DEPLOYMENT, Kind::REPLICA_SET]);
        lab.deployment("nginx", 3);
        lab.run(Duration::secs(5));
        let writes = short(&lab);
        assert_eq!(
            writes[..3],
            [
                "+Deployment obs=0 updated=0 ready=0 ",
                "+ReplicaSet want=3 have=0 ready=0",
                "~Deployment obs=0 updated=0 ready=0 NewReplicaSetCreated",
            ],
            "{profile:?}"
        );
        assert_eq!(writes[3], "~Deployment obs=1 updated=0 ready=0 NewReplicaSetCreated", "{profile:?} {writes:#?}");
        assert_eq!(writes.last().unwrap(), "~Deployment obs=1 updated=3 ready=3 NewReplicaSetAvailable");
        let d = lab.get(Kind::DEPLOYMENT, "default", "nginx").unwrap();
        assert_eq!(meta::annotation(&d, "deployment.kubernetes.io/revision"), Some("1"));
        let conditions: Vec<&str> = d.items(&["status", "conditions"]).iter().map(|c| c.str("type")).collect();
        assert_eq!(conditions, ["Available", "Progressing"]);
        let scaled = match profile {
            Profile::Book => "to 3",
            Profile::Modern => "from 0 to 3",
        };
        assert!(lab.events("ScalingReplicaSet")[0].ends_with(scaled));
        assert_eq!(lab.events("SuccessfulCreate").len(), 3);
        assert_eq!(lab.events("Scheduled").len(), 3);
    }
}

#[test]
fn pods_are_created_in_doubling_batches_and_events_are_combined() {
    let mut lab = Lab::new(Profile::Book);
    lab.record(&[Kind::POD]);
    lab.deployment("nginx", 30);
    lab.run(Duration::secs(8));
    let events = lab.events("SuccessfulCreate");
    assert_eq!(events.len(), 10, "{events:#?}");
    assert!(events[9].starts_with("(combined from similar events): Created pod: nginx-"), "{events:#?}");
    let d = lab.get(Kind::DEPLOYMENT, "default", "nginx").unwrap();
    assert_eq!(d.int(&["status", "readyReplicas"]), Some(30));
    let times: Vec<_> =
        lab.recorded().iter().filter(|(_, kind, _)| *kind == WatchType::Added).map(|(at, ..)| *at).collect();
    assert_eq!(times.len(), 30);
    // The client's burst carries most of the pods; the last ones wait for tokens with the events.
    assert!(times[29].since(times[0]) > Duration::millis(100));
    lab.scale("nginx", 3);
    lab.run(Duration::secs(5));
    assert_eq!(lab.placement().values().sum::<u32>(), 3);
}

#[test]
fn a_rolling_update_keeps_availability_and_counts_revisions() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.deployment("nginx", 3);
        lab.run(Duration::secs(4));
        lab.record(&[Kind::REPLICA_SET, Kind::DEPLOYMENT]);
        lab.edit(Kind::DEPLOYMENT, "default", "nginx", |d| {
            let containers = d.entry(&["spec", "template", "spec", "containers"]).make_list().items_mut();
            *containers[0].entry(&["image"]) = Value::from("nginx:1.17.0");
        });
        lab.run(Duration::secs(12));
        let scaled = lab.events("ScalingReplicaSet");
        let ways: Vec<&str> = scaled.iter().filter_map(|m| m.split(' ').nth(1)).collect();
        assert_eq!(ways, ["up", "up", "down", "up", "down", "up", "down"], "{scaled:#?}");
        for (_, _, o) in lab.recorded().iter().filter(|(_, _, o)| o.kind() == Kind::DEPLOYMENT) {
            assert!(o.int(&["status", "availableReplicas"]).unwrap_or(0) >= 3);
        }
        let d = lab.get(Kind::DEPLOYMENT, "default", "nginx").unwrap();
        assert_eq!(meta::annotation(&d, "deployment.kubernetes.io/revision"), Some("2"), "{profile:?}");
        assert_eq!(meta::condition(&d, "Progressing").unwrap().1, "NewReplicaSetAvailable");
        assert_eq!(lab.list(Kind::REPLICA_SET, "default").len(), 2);
    }
}

#[test]
fn a_deleted_pod_is_replaced() {
    let mut lab = Lab::new(Profile::Book);
    lab.deployment("nginx", 2);
    lab.run(Duration::secs(4));
    let p = lab.list(Kind::POD, "default")[0].key.clone();
    lab.ask(crate::api::Request::delete(&p));
    lab.run(Duration::secs(4));
    assert_eq!(lab.placement().values().sum::<u32>(), 2);
    assert!(lab.get(Kind::POD, "default", &p.name).is_none());
}

/// Seconds from `start` until a node write for which `f` holds.
fn when(lab: &Lab, start: crate::base::Time, f: impl Fn(&crate::api::Object) -> bool) -> Option<u64> {
    lab.recorded().iter().find(|(at, _, o)| *at > start && f(o)).map(|(at, ..)| at.since(start).as_millis())
}

/// golden: node-lifecycle.txt of both versions.
#[test]
fn a_silent_node_becomes_not_ready_is_tainted_and_loses_its_pods() {
    for (profile, grace, no_execute_after) in [(Profile::Book, 40, 5000), (Profile::Modern, 50, 100)] {
        let mut lab = Lab::new(profile);
        lab.deployment("nginx", 6);
        lab.run(Duration::secs(4));
        lab.record(&[Kind::NODE, Kind::POD]);
        lab.kill_node("w3-k8s", true);
        let start = lab.world.now;
        lab.run(Duration::secs(70));
        let w3 = |o: &crate::api::Object| o.kind() == Kind::NODE && o.name() == "w3-k8s";
        let unknown = when(&lab, start, |o| w3(o) && meta::condition(o, "Ready").unwrap().0 == "Unknown").unwrap();
        // At most one lease period before, and two rounds of the monitor after.
        assert!(unknown / 1000 >= grace - 10 && unknown / 1000 <= grace + 10, "{profile:?} {unknown}");
        let tainted = |o: &crate::api::Object, effect: &str| {
            w3(o) && crate::api::node::taints(o).iter().any(|t| t.str("effect") == effect)
        };
        let no_schedule = when(&lab, start, |o| tainted(o, "NoSchedule")).unwrap();
        let no_execute = when(&lab, start, |o| tainted(o, "NoExecute")).unwrap();
        assert!(no_schedule - unknown < 100);
        assert!(no_execute - unknown <= no_execute_after + 100, "{profile:?}");
        assert!(profile == Profile::Modern || no_execute - unknown >= 4900);
        let not_ready = lab.list(Kind::POD, "default").iter().filter(|p| !crate::api::pod::ready(p)).count();
        assert_eq!(not_ready, 2);
        assert!(lab.events("NodeNotReady").contains(&"Node w3-k8s status is now: NodeNotReady".to_owned()));
        assert_eq!(lab.events("NodeNotReady").iter().filter(|m| *m == "Node is not ready").count(), 2);
        lab.run(Duration::secs(300));
        let deleted = when(&lab, start, |o| o.kind() == Kind::POD && meta::deleting(o)).unwrap();
        assert!((deleted - no_execute).abs_diff(300_000) < 200, "{profile:?} {}", deleted - no_execute);
        assert_eq!(lab.events("TaintManagerEviction").len(), 2);
        assert_eq!(lab.placement().values().copied().collect::<Vec<_>>(), [3, 3]);
        let terminating = lab.list(Kind::POD, "default").iter().filter(|p| meta::deleting(p)).count();
        assert_eq!(terminating, 2, "they stay until the kubelet is back");
    }
}

#[test]
fn a_cordoned_node_is_tainted() {
    let mut lab = Lab::new(Profile::Book);
    lab.edit(Kind::NODE, "", "w1-k8s", |n| n.set(&["spec", "unschedulable"], true));
    lab.run(Duration::secs(1));
    let n = lab.get(Kind::NODE, "", "w1-k8s").unwrap();
    assert_eq!(crate::api::node::taints(&n)[0].str("key"), "node.kubernetes.io/unschedulable");
    lab.edit(Kind::NODE, "", "w1-k8s", |n| n.unset(&["spec", "unschedulable"]));
    lab.run(Duration::secs(1));
    assert!(crate::api::node::taints(&lab.get(Kind::NODE, "", "w1-k8s").unwrap()).is_empty());
}

#[test]
fn endpoints_follow_their_pods() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.deployment("nginx", 3);
        lab.apply(
            "{apiVersion: v1, kind: Service, metadata: {name: nginx, labels: {app: nginx}}, \
             spec: {selector: {app: nginx}, ports: [{port: 80, protocol: TCP, targetPort: 80}]}}",
        );
        lab.run(Duration::secs(4));
        let e = lab.get(Kind::ENDPOINTS, "default", "nginx").unwrap();
        let subset = &e.items(&["subsets"])[0];
        assert_eq!(subset.get("addresses").unwrap().items().len(), 3, "{profile:?}");
        assert_eq!(subset.get("ports").unwrap().to_json(), r#"[{"port":80,"protocol":"TCP"}]"#);
        let slices = lab.list(Kind::ENDPOINT_SLICE, "default");
        let slice = slices.iter().find(|s| s.name().starts_with("nginx-")).unwrap();
        assert_eq!(slice.items(&["endpoints"]).len(), 3);
        let p = lab.list(Kind::POD, "default")[0].key.clone();
        lab.ask(crate::api::Request::delete(&p));
        lab.run(Duration::millis(300));
        let e = lab.get(Kind::ENDPOINTS, "default", "nginx").unwrap();
        assert_eq!(e.items(&["subsets"])[0].get("addresses").unwrap().items().len(), 2);
        lab.ask(crate::api::Request::delete(&crate::api::ObjectKey::new(Kind::SERVICE, "default", "nginx")));
        lab.run(Duration::secs(2));
        assert!(lab.get(Kind::ENDPOINTS, "default", "nginx").is_none());
        assert_eq!(lab.list(Kind::ENDPOINT_SLICE, "default").len(), 1, "only the API server's own is left");
    }
}

#[test]
fn deletion_cascades_in_the_background_in_the_foreground_or_not_at_all() {
    use crate::api::request::Propagation::{Background, Foreground, Orphan};
    for (policy, sets, pods) in [(Background, 0, 0), (Foreground, 0, 0), (Orphan, 1, 3)] {
        let mut lab = Lab::new(Profile::Book);
        lab.deployment("nginx", 3);
        lab.run(Duration::secs(4));
        let key = crate::api::ObjectKey::new(Kind::DEPLOYMENT, "default", "nginx");
        lab.record(&[Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::POD]);
        lab.ask(crate::api::Request { propagation: Some(policy), ..crate::api::Request::delete(&key) });
        lab.run(Duration::secs(6));
        assert!(lab.get(Kind::DEPLOYMENT, "default", "nginx").is_none(), "{policy:?}");
        assert_eq!(lab.list(Kind::REPLICA_SET, "default").len(), sets, "{policy:?}");
        assert_eq!(lab.list(Kind::POD, "default").len(), pods, "{policy:?}");
        let gone: Vec<Kind> =
            lab.recorded().iter().filter(|(_, k, _)| *k == WatchType::Deleted).map(|(_, _, o)| o.kind()).collect();
        match policy {
            Background => assert_eq!(gone[..2], [Kind::DEPLOYMENT, Kind::REPLICA_SET]),
            Foreground => assert_eq!(gone.last(), Some(&Kind::DEPLOYMENT)),
            Orphan => assert_eq!(gone, [Kind::DEPLOYMENT]),
        }
    }
}

#[test]
fn a_deleted_namespace_is_emptied_first() {
    let mut lab = Lab::new(Profile::Book);
    lab.create(crate::api::Object::new(Kind::NAMESPACE, "", "dev"));
    lab.run(Duration::secs(1));
    assert!(lab.get(Kind::SERVICE_ACCOUNT, "dev", "default").is_some());
    assert!(lab.get(Kind::CONFIG_MAP, "dev", "kube-root-ca.crt").is_some());
    assert_eq!(lab.list(Kind::SECRET, "dev").len(), 1);
    let yaml = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: dev}, spec: {containers: [{name: c, image: nginx}]}}";
    lab.apply(yaml);
    lab.run(Duration::secs(3));
    lab.ask(crate::api::Request::delete(&crate::api::ObjectKey::new(Kind::NAMESPACE, "", "dev")));
    lab.run(Duration::secs(8));
    assert!(lab.get(Kind::NAMESPACE, "", "dev").is_some(), "content goes after 5 s, the rest 5 s later");
    lab.run(Duration::secs(4));
    assert!(
        lab.get(Kind::NAMESPACE, "", "dev").is_none(),
        "{:?}",
        lab.get(Kind::NAMESPACE, "", "dev").unwrap().to_value().to_json()
    );
    assert!(lab.list(Kind::SECRET, "dev").is_empty());
}

#[test]
fn a_daemon_set_runs_on_every_node_that_takes_it() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        let yaml = |image: &str, tolerations: &str| {
            format!(
                "{{apiVersion: apps/v1, kind: DaemonSet, metadata: {{name: fluentd}}, spec: {{selector: {{matchLabels: {{app: fluentd}}}}, \
                 template: {{metadata: {{labels: {{app: fluentd}}}}, spec: {{{tolerations}containers: [{{name: fluentd, image: '{image}'}}]}}}}}}}}"
            )
        };
        lab.apply(&yaml("fluentd:v1.16", ""));
        lab.run(Duration::secs(4));
        assert_eq!(lab.placement().into_values().collect::<Vec<_>>(), [1, 1, 1], "{profile:?}");
        let ds = lab.get(Kind::DAEMON_SET, "default", "fluentd").unwrap();
        assert_eq!(ds.int(&["status", "numberReady"]), Some(3));
        assert_eq!(lab.events("SuccessfulCreate").len(), 3);
        assert_eq!(lab.list(Kind::CONTROLLER_REVISION, "default").len(), 1);
        lab.edit(Kind::DAEMON_SET, "default", "fluentd", |d| {
            let spec = d.entry(&["spec", "template", "spec"]);
            *spec.entry(&["containers"]).make_list().items_mut()[0].entry(&["image"]) = "fluentd:v1.17".into();
            *spec.entry(&["tolerations"]) = list![map! { "operator" => "Exists", "effect" => "NoSchedule" }].into();
        });
        lab.run(Duration::secs(15));
        assert_eq!(lab.placement().into_values().collect::<Vec<_>>(), [1, 1, 1, 1], "{profile:?}");
        let all = lab.list(Kind::POD, "default");
        assert!(all.iter().all(|p| crate::api::pod::containers(p)[0].str("image") == "fluentd:v1.17"));
        assert_eq!(lab.list(Kind::CONTROLLER_REVISION, "default").len(), 2);
    }
}
