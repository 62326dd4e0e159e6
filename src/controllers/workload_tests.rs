//! Stateful sets, jobs, cron jobs, budgets, quotas and volumes on a control plane with stand-in kubelets.

use super::lab::Lab;
use crate::api::{Kind, Object, ObjectKey, Request, Response, meta, pod};
use crate::base::Duration;
use crate::sim::Profile;

const BOTH: [Profile; 2] = [Profile::Book, Profile::Modern];

fn apply(lab: &mut Lab, yaml: &str) {
    if let Response::Error(status) = lab.apply(yaml) {
        panic!("{}", status.message);
    }
}

fn names(lab: &mut Lab, kind: Kind) -> Vec<String> {
    lab.list(kind, "default").iter().map(|o| o.name().to_string()).collect()
}

fn stateful_set(extra: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: StatefulSet, metadata: {{name: web}}, spec: {{serviceName: web, replicas: 3, {extra} \
         selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: {{app: web}}}}, \
         spec: {{containers: [{{name: nginx, image: nginx}}]}}}}}}}}"
    )
}

#[test]
fn a_stateful_set_comes_and_goes_in_order() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(&mut lab, &stateful_set(""));
        lab.run(Duration::millis(1000));
        assert_eq!(names(&mut lab, Kind::POD), ["web-0"], "{profile:?}");
        lab.run(Duration::secs(6));
        assert_eq!(names(&mut lab, Kind::POD), ["web-0", "web-1", "web-2"]);
        let verb = if profile == Profile::Modern { "Create" } else { "create" };
        assert_eq!(lab.events("SuccessfulCreate")[2], format!("{verb} Pod web-2 in StatefulSet web successful"));
        let p = lab.get(Kind::POD, "default", "web-1").unwrap();
        // The revision's name in the recordings, of the same template with another label, has this shape.
        let revision = lab.list(Kind::CONTROLLER_REVISION, "default")[0].name().clone();
        assert_eq!(meta::label(&p, "controller-revision-hash"), Some(revision.as_str()));
        assert_eq!((p.str(&["spec", "hostname"]), p.str(&["spec", "subdomain"])), ("web-1", "web"));
        let set = lab.get(Kind::STATEFUL_SET, "default", "web").unwrap();
        for field in ["replicas", "readyReplicas", "currentReplicas", "updatedReplicas"] {
            assert_eq!(set.int(&["status", field]), Some(3), "{field}");
        }
        lab.edit(Kind::STATEFUL_SET, "default", "web", |s| s.set(&["spec", "replicas"], 1));
        lab.run(Duration::millis(500));
        let going: Vec<String> =
            lab.list(Kind::POD, "default").iter().filter(|p| meta::deleting(p)).map(|p| p.name().to_string()).collect();
        assert_eq!(going, ["web-2"]);
        lab.run(Duration::secs(5));
        assert_eq!(names(&mut lab, Kind::POD), ["web-0"]);
    }
}

#[test]
fn a_stateful_set_rolls_from_the_top_down_to_its_partition() {
    let image = |o: &Object| pod::containers(o)[0].str("image").to_owned();
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(&mut lab, &stateful_set("podManagementPolicy: Parallel,"));
        lab.run(Duration::secs(2));
        assert_eq!(names(&mut lab, Kind::POD).len(), 3, "all at once");
        lab.run(Duration::secs(2));
        lab.edit(Kind::STATEFUL_SET, "default", "web", |s| {
            let containers = s.entry(&["spec", "template", "spec", "containers"]).make_list().items_mut();
            *containers[0].entry(&["image"]) = "nginx:1.17".into();
            s.set(&["spec", "updateStrategy", "rollingUpdate", "partition"], 1);
        });
        lab.run(Duration::secs(15));
        let images: Vec<String> = lab.list(Kind::POD, "default").iter().map(|p| image(p)).collect();
        assert_eq!(images, ["nginx", "nginx:1.17", "nginx:1.17"], "{profile:?}");
        let set = lab.get(Kind::STATEFUL_SET, "default", "web").unwrap();
        assert_ne!(set.str(&["status", "currentRevision"]), set.str(&["status", "updateRevision"]));
        // The one below the partition comes back as it was.
        lab.ask(Request::delete(&ObjectKey::new(Kind::POD, "default", "web-0")));
        lab.run(Duration::secs(5));
        assert_eq!(image(&lab.get(Kind::POD, "default", "web-0").unwrap()), "nginx");
        lab.edit(Kind::STATEFUL_SET, "default", "web", |s| {
            s.set(&["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
        });
        lab.run(Duration::secs(8));
        assert!(lab.list(Kind::POD, "default").iter().all(|p| image(p) == "nginx:1.17"));
        let set = lab.get(Kind::STATEFUL_SET, "default", "web").unwrap();
        assert_eq!(set.str(&["status", "currentRevision"]), set.str(&["status", "updateRevision"]));
        assert_eq!(names(&mut lab, Kind::CONTROLLER_REVISION).len(), 2);
    }
}

#[test]
fn a_stateful_sets_claims_stay_and_are_found_again() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        for i in 0..3 {
            apply(
                &mut lab,
                &format!(
                    "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: pv{i}}}, spec: {{capacity: {{storage: 1Gi}}, \
                     accessModes: [ReadWriteOnce], hostPath: {{path: /data/{i}}}}}}}"
                ),
            );
        }
        let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], \
                      resources: {requests: {storage: 1Gi}}}}],";
        apply(&mut lab, &stateful_set(claims));
        lab.run(Duration::secs(8));
        assert_eq!(names(&mut lab, Kind::POD).len(), 3, "{profile:?} {:?}", lab.events("FailedScheduling"));
        let all = lab.list(Kind::PERSISTENT_VOLUME_CLAIM, "default");
        let bound: Vec<&str> = all.iter().map(|c| c.str(&["status", "phase"])).collect();
        assert_eq!(bound, ["Bound"; 3], "{:?}", all[0].to_value().to_json());
        assert_eq!(all[1].name(), "data-web-1");
        let volume = all[1].str(&["spec", "volumeName"]).to_owned();
        let event = lab.events("SuccessfulCreate")[0].clone();
        let verb = if profile == Profile::Modern { "Create" } else { "create" };
        assert_eq!(event, format!("{verb} Claim data-web-0 Pod web-0 in StatefulSet web success"));
        lab.ask(Request::delete(&ObjectKey::new(Kind::POD, "default", "web-1")));
        lab.run(Duration::secs(5));
        let c = lab.get(Kind::PERSISTENT_VOLUME_CLAIM, "default", "data-web-1").unwrap();
        assert_eq!(c.str(&["spec", "volumeName"]), volume);
    }
}

fn job(name: &str, spec: &str, ends: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}}}, spec: {{{spec} template: {{metadata: {{labels: {{ends: {ends}}}}}, \
         spec: {{restartPolicy: Never, containers: [{{name: c, image: busybox}}]}}}}}}}}"
    )
}

#[test]
fn a_job_runs_to_its_completions() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(&mut lab, &job("pi", "completions: 3, parallelism: 2,", "Succeeded"));
        lab.run(Duration::secs(1));
        assert_eq!(names(&mut lab, Kind::POD).len(), 2, "{profile:?}");
        lab.run(Duration::secs(12));
        let j = lab.get(Kind::JOB, "default", "pi").unwrap();
        assert_eq!(j.int(&["status", "succeeded"]), Some(3), "{profile:?} {}", j.get(&["status"]).unwrap().to_json());
        let types: Vec<&str> = j.items(&["status", "conditions"]).iter().map(|c| c.str("type")).collect();
        match profile {
            Profile::Book => assert_eq!(types, ["Complete"]),
            Profile::Modern => assert_eq!(types, ["SuccessCriteriaMet", "Complete"]),
        }
        assert!(j.int(&["status", "active"]).is_none());
        assert_eq!(lab.events("Completed"), ["Job completed"]);
        assert_eq!(lab.events("SuccessfulCreate").len(), 3);
        assert!(lab.list(Kind::POD, "default").iter().all(|p| meta::finalizers(p).is_empty()));
        lab.ask(Request {
            propagation: Some(crate::api::request::Propagation::Background),
            ..Request::delete(&ObjectKey::new(Kind::JOB, "default", "pi"))
        });
        lab.run(Duration::secs(4));
        assert!(names(&mut lab, Kind::POD).is_empty(), "{profile:?}");
    }
}

#[test]
fn a_failing_job_gives_up_after_its_limit() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(&mut lab, &job("bad", "backoffLimit: 2,", "Failed"));
        lab.run(Duration::secs(8));
        let early = names(&mut lab, Kind::POD).len();
        // [book] the first failure is answered at once, later ones wait 10 s, 20 s …
        assert_eq!(early, if profile == Profile::Book { 2 } else { 1 }, "{profile:?}");
        lab.run(Duration::secs(60));
        let j = lab.get(Kind::JOB, "default", "bad").unwrap();
        assert_eq!(meta::condition(&j, "Failed").map(|c| c.1), Some("BackoffLimitExceeded"), "{profile:?}");
        assert_eq!(j.int(&["status", "failed"]), Some(3));
        assert_eq!(lab.events("BackoffLimitExceeded"), ["Job has reached the specified backoff limit"]);
        assert_eq!(names(&mut lab, Kind::POD).len(), 3);
    }
}

#[test]
fn a_job_past_its_deadline_ends_and_a_finished_one_is_cleared_away() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(&mut lab, &job("slow", "activeDeadlineSeconds: 10, ttlSecondsAfterFinished: 20,", "never"));
        lab.run(Duration::secs(15));
        let j = lab.get(Kind::JOB, "default", "slow").unwrap();
        assert_eq!(meta::condition(&j, "Failed").map(|c| c.1), Some("DeadlineExceeded"), "{profile:?}");
        assert_eq!(lab.events("SuccessfulDelete").len(), 1);
        lab.run(Duration::secs(25));
        // Time to live after the end is beta since 1.21.
        assert_eq!(lab.get(Kind::JOB, "default", "slow").is_some(), profile == Profile::Book);
    }
}

#[test]
fn an_indexed_job_gives_each_pod_its_number_and_a_suspended_one_none() {
    let mut lab = Lab::new(Profile::Modern);
    apply(
        &mut lab,
        &job("idx", "completions: 3, parallelism: 3, completionMode: Indexed, suspend: true,", "Succeeded"),
    );
    lab.run(Duration::secs(3));
    assert!(names(&mut lab, Kind::POD).is_empty());
    assert_eq!(lab.events("Suspended"), ["Job suspended"]);
    lab.edit(Kind::JOB, "default", "idx", |j| j.set(&["spec", "suspend"], false));
    lab.run(Duration::secs(10));
    let j = lab.get(Kind::JOB, "default", "idx").unwrap();
    assert_eq!(j.str(&["status", "completedIndexes"]), "0-2");
    assert_eq!(lab.events("Resumed"), ["Job resumed"]);
    let hosts: Vec<String> =
        lab.list(Kind::POD, "default").iter().map(|p| p.str(&["spec", "hostname"]).to_owned()).collect();
    assert_eq!(hosts, ["idx-0", "idx-1", "idx-2"]);
}

#[test]
fn a_cron_job_starts_jobs_and_keeps_three() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        let version = if profile == Profile::Book { "batch/v1beta1" } else { "batch/v1" };
        let yaml = format!(
            "{{apiVersion: {version}, kind: CronJob, metadata: {{name: tick}}, spec: {{schedule: '*/1 * * * *', jobTemplate: {{spec: {{template: \
             {{metadata: {{labels: {{ends: Succeeded}}}}, spec: {{restartPolicy: OnFailure, containers: [{{name: c, image: busybox}}]}}}}}}}}}}}}"
        );
        apply(&mut lab, &yaml);
        lab.run(Duration::secs(100));
        let jobs = names(&mut lab, Kind::JOB);
        assert!(!jobs.is_empty() && jobs.len() <= 2, "{profile:?} {jobs:?}");
        // 2026-01-05 09:01, in seconds or in minutes.
        let first = if profile == Profile::Book { "tick-1767603660" } else { "tick-29460061" };
        assert_eq!(jobs[0], first);
        assert_eq!(lab.events("SuccessfulCreate")[0], format!("Created job {first}"));
        lab.run(Duration::secs(330));
        assert_eq!(names(&mut lab, Kind::JOB).len(), 3, "{profile:?}");
        let done = if profile == Profile::Book { "status: Complete" } else { "condition: Complete" };
        assert!(lab.events("SawCompletedJob")[0].ends_with(done), "{:?}", lab.events("SawCompletedJob"));
        let cron = lab.get(Kind::CRON_JOB, "default", "tick").unwrap();
        assert!(cron.items(&["status", "active"]).is_empty());
    }
}

#[test]
fn a_replication_controller_works_as_a_replica_set() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        apply(
            &mut lab,
            "{apiVersion: v1, kind: ReplicationController, metadata: {name: rc}, spec: {replicas: 2, selector: {app: rc}, \
             template: {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: nginx}]}}}}",
        );
        lab.run(Duration::secs(4));
        let rc = lab.get(Kind::REPLICATION_CONTROLLER, "default", "rc").unwrap();
        assert_eq!(rc.int(&["status", "readyReplicas"]), Some(2), "{profile:?}");
        lab.edit(Kind::REPLICATION_CONTROLLER, "default", "rc", |r| r.set(&["spec", "replicas"], 1));
        lab.run(Duration::secs(3));
        assert_eq!(names(&mut lab, Kind::POD).len(), 1);
    }
}

#[test]
fn a_budget_says_how_many_pods_may_go() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        lab.deployment("nginx", 3);
        let version = if profile == Profile::Book { "policy/v1beta1" } else { "policy/v1" };
        let yaml = |name: &str, what: &str| {
            format!(
                "{{apiVersion: {version}, kind: PodDisruptionBudget, metadata: {{name: {name}}}, spec: {{{what}, selector: {{matchLabels: {{app: nginx}}}}}}}}"
            )
        };
        apply(&mut lab, &yaml("a", "minAvailable: 2"));
        lab.run(Duration::secs(4));
        let status = |lab: &mut Lab, name: &str, field: &str| {
            lab.get(Kind::POD_DISRUPTION_BUDGET, "default", name).unwrap().int(&["status", field]).unwrap()
        };
        assert_eq!((status(&mut lab, "a", "disruptionsAllowed"), status(&mut lab, "a", "expectedPods")), (1, 3));
        let evict = |lab: &mut Lab, n: usize| {
            let all = lab.list(Kind::POD, "default");
            let p = all.iter().filter(|p| pod::ready(p) && !meta::deleting(p)).nth(n).unwrap().key.clone();
            let body = map! { "metadata" => map! { "name" => &p.name, "namespace" => &p.namespace } };
            let request = Request {
                subresource: "eviction".into(),
                body: Some(crate::api::Value::Map(body)),
                ..Request::new(crate::api::Verb::Create, Kind::POD, "default", p.name.clone())
            };
            match lab.ask(request) {
                Response::Error(status) => Some((status.code(), status.message.to_string())),
                _ => None,
            }
        };
        assert_eq!(evict(&mut lab, 0), None);
        let refused = "Cannot evict pod as it would violate the pod's disruption budget.".to_owned();
        assert_eq!(evict(&mut lab, 1), Some((429, refused)), "{profile:?}");
        lab.run(Duration::secs(5));
        assert_eq!(status(&mut lab, "a", "disruptionsAllowed"), 1, "its successor is ready");
        apply(&mut lab, &yaml("b", "maxUnavailable: 50%"));
        lab.run(Duration::secs(1));
        assert_eq!((status(&mut lab, "b", "desiredHealthy"), status(&mut lab, "b", "disruptionsAllowed")), (1, 2));
        assert_eq!(evict(&mut lab, 0).unwrap().0, 500, "two budgets");
    }
}

#[test]
fn a_quotas_use_falls_when_pods_go() {
    let mut lab = Lab::new(Profile::Book);
    lab.deployment("nginx", 2);
    lab.run(Duration::secs(3));
    apply(
        &mut lab,
        "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '4', count/deployments.apps: '2', requests.cpu: '1'}}}",
    );
    lab.run(Duration::secs(1));
    let used = |lab: &mut Lab| {
        lab.get(Kind::RESOURCE_QUOTA, "default", "q").unwrap().get(&["status", "used"]).unwrap().to_json()
    };
    assert_eq!(used(&mut lab), r#"{"count/deployments.apps":"1","pods":"2","requests.cpu":"0"}"#);
    lab.scale("nginx", 1);
    lab.run(Duration::secs(4));
    assert_eq!(used(&mut lab), r#"{"count/deployments.apps":"1","pods":"1","requests.cpu":"0"}"#);
}

#[test]
fn claims_find_the_smallest_volume_and_volumes_outlive_them() {
    for profile in BOTH {
        let mut lab = Lab::new(profile);
        for (name, size) in [("big", "10Gi"), ("small", "100Mi")] {
            apply(
                &mut lab,
                &format!(
                    "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {name}}}, spec: {{capacity: {{storage: {size}}}, \
                     accessModes: [ReadWriteMany], persistentVolumeReclaimPolicy: Retain, nfs: {{server: 192.168.1.10, path: /nfs}}}}}}"
                ),
            );
        }
        let claim = |name: &str, class: &str| {
            format!(
                "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {name}}}, spec: {{accessModes: [ReadWriteMany], \
                 resources: {{requests: {{storage: 10Mi}}}}, storageClassName: '{class}'}}}}"
            )
        };
        // Volumes that nobody has called available yet are passed over until the next round.
        lab.run(Duration::secs(1));
        apply(&mut lab, &claim("c", ""));
        apply(&mut lab, &claim("lost", "nosuch"));
        lab.run(Duration::secs(2));
        let c = lab.get(Kind::PERSISTENT_VOLUME_CLAIM, "default", "c").unwrap();
        assert_eq!(c.str(&["spec", "volumeName"]), "small", "{profile:?}");
        assert_eq!(c.str(&["status", "capacity", "storage"]), "100Mi");
        assert_eq!(meta::annotation(&c, "pv.kubernetes.io/bind-completed"), Some("yes"));
        let phase = |lab: &mut Lab, name: &str| {
            lab.get(Kind::PERSISTENT_VOLUME, "", name).unwrap().str(&["status", "phase"]).to_owned()
        };
        assert_eq!((phase(&mut lab, "small"), phase(&mut lab, "big")), ("Bound".into(), "Available".into()));
        assert_eq!(lab.events("ProvisioningFailed"), [r#"storageclass.storage.k8s.io "nosuch" not found"#]);
        lab.ask(Request::delete(&c.key));
        lab.run(Duration::secs(2));
        assert!(lab.get(Kind::PERSISTENT_VOLUME_CLAIM, "default", "c").is_none());
        assert_eq!(phase(&mut lab, "small"), "Released");
    }
}
