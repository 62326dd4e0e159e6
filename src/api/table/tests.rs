use super::*;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// What `kubectl get` prints of an object 65 s after the epoch, cells separated by `|`.
fn check(kind: Kind, profile: Profile, wide: bool, text: &str, want: &str) {
    let mut o = Object::from_value(kind, &yaml(text));
    o.set(&["metadata", "creationTimestamp"], "2026-01-05T09:00:00Z");
    let got = row(&o, Time(65_000_000), profile, wide).join("|");
    assert_eq!(got, want);
    let columns = columns(kind, profile);
    let shown = columns.iter().filter(|c| wide || !c.wide).count();
    assert_eq!(shown, got.split('|').count());
}

const POD: &str = "metadata: {name: p}
spec: {nodeName: w1-k8s, containers: [{name: a}], initContainers: [{name: i}]}
";

#[test]
fn pod_status_column() {
    use Profile::{Book, Modern};
    let running = "state: {running: {}}, ready: true, restartCount: 1, lastState: {terminated: {finishedAt: '2026-01-05T09:01:00Z'}}";
    let cases = [
        ("{phase: Pending}", "p|0/1|Pending|0|65s"),
        (
            "{phase: Pending, containerStatuses: [{state: {waiting: {reason: ContainerCreating}}}]}",
            "p|0/1|ContainerCreating|0|65s",
        ),
        ("{phase: Pending, initContainerStatuses: [{state: {running: {}}}]}", "p|0/1|Init:0/1|0|65s"),
        (
            "{phase: Pending, initContainerStatuses: [{state: {waiting: {reason: CrashLoopBackOff}}, restartCount: 2}]}",
            "p|0/1|Init:CrashLoopBackOff|2|65s",
        ),
        (
            "{phase: Succeeded, containerStatuses: [{state: {terminated: {reason: Completed}}}]}",
            "p|0/1|Completed|0|65s",
        ),
        ("{phase: Failed, reason: Evicted}", "p|0/1|Evicted|0|65s"),
        ("{phase: Failed, containerStatuses: [{state: {terminated: {exitCode: 3}}}]}", "p|0/1|ExitCode:3|0|65s"),
    ];
    for (status, want) in cases {
        check(Kind::POD, Book, false, &format!("{POD}status: {status}"), want);
        check(Kind::POD, Modern, false, &format!("{POD}status: {status}"), want);
    }
    let restarted = format!("{POD}status: {{phase: Running, containerStatuses: [{{{running}}}]}}");
    check(Kind::POD, Book, false, &restarted, "p|1/1|Running|1|65s");
    check(Kind::POD, Modern, false, &restarted, "p|1/1|Running|1 (5s ago)|65s");
    let deleted = restarted.replace("name: p", "name: p, deletionTimestamp: '2026-01-05T09:00:30Z'");
    check(Kind::POD, Book, false, &deleted, "p|1/1|Terminating|1|65s");
    check(Kind::POD, Book, true, &restarted, "p|1/1|Running|1|65s|<none>|w1-k8s|<none>|<none>");
}

#[test]
fn other_rows() {
    use Profile::{Book, Modern};
    let node = "metadata: {name: m-k8s, labels: {node-role.kubernetes.io/master: '', node-role.kubernetes.io/control-plane: ''}}
spec: {unschedulable: true}
status: {conditions: [{type: Ready, status: 'True'}], nodeInfo: {kubeletVersion: v1.20.2, kernelVersion: '3.10', architecture: amd64}, addresses: [{type: InternalIP, address: 192.168.1.10}]}";
    let want = "m-k8s|Ready,SchedulingDisabled|control-plane,master|65s|v1.20.2";
    check(Kind::NODE, Book, false, node, want);
    check(Kind::NODE, Modern, true, node, &format!("{want}|192.168.1.10|<none>|<unknown>|3.10 (amd64)|<unknown>"));
    let deployment = "metadata: {name: d}
spec: {replicas: 3, selector: {matchLabels: {app: d}}, template: {spec: {containers: [{name: a, image: x}, {name: b, image: y}]}}}
status: {readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2}";
    check(Kind::DEPLOYMENT, Book, true, deployment, "d|2/3|3|2|65s|a,b|x,y|app=d");
    let service = "metadata: {name: s}
spec: {type: NodePort, clusterIP: 10.96.0.9, ports: [{port: 80, nodePort: 30000, protocol: TCP}]}";
    check(Kind::SERVICE, Book, false, service, "s|NodePort|10.96.0.9|<none>|80:30000/TCP|65s");
    let event = "metadata: {name: e}
involvedObject: {kind: Pod, name: p}
type: Normal
reason: Pulled
message: 'hello '
count: 1
firstTimestamp: '2026-01-05T09:00:55Z'
lastTimestamp: '2026-01-05T09:01:00Z'
source: {component: kubelet, host: w1-k8s}";
    check(Kind::EVENT, Book, false, event, "5s|Normal|Pulled|pod/p|hello");
    check(Kind::EVENT, Book, true, event, "5s|Normal|Pulled|pod/p||kubelet, w1-k8s|hello|10s|1|e");
    let hpa = "metadata: {name: h}
spec: {minReplicas: 2, maxReplicas: 5, scaleTargetRef: {kind: Deployment, name: n}, metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 50}}}]}
status: {currentReplicas: 1}";
    check(Kind::HORIZONTAL_POD_AUTOSCALER, Book, false, hpa, "h|Deployment/n|<unknown>/50%|2|5|1|65s");
    check(Kind::HORIZONTAL_POD_AUTOSCALER, Modern, false, hpa, "h|Deployment/n|cpu: <unknown>/50%|2|5|1|65s");
}
