use super::*;
use crate::api::Value;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn check(kind: Kind, profile: Profile, given: &str, want: &str) {
    let mut o = Object::from_value(kind, &yaml(given));
    apply(&mut o, profile);
    let want = yaml(want);
    for (key, value) in want.as_map().unwrap().iter() {
        assert_eq!(o.body.get(key), Some(value), "{key}: got {}", Value::from(o.body.clone()).to_json());
    }
    let again = o.body.clone();
    apply(&mut o, profile);
    assert!(o.body.same(&again), "defaulting twice changes nothing and copies nothing");
}

#[test]
fn deployments_as_recorded() {
    let given = "metadata: {name: nginx}
spec: {replicas: 3, selector: {matchLabels: {app: nginx}}, template: {metadata: {labels: {app: nginx}}, spec: {containers: [{image: nginx, name: nginx}]}}}";
    let want = "spec:
  progressDeadlineSeconds: 600
  replicas: 3
  revisionHistoryLimit: 10
  selector: {matchLabels: {app: nginx}}
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}, type: RollingUpdate}
  template:
    metadata: {creationTimestamp: null, labels: {app: nginx}}
    spec:
      containers:
      - image: nginx
        imagePullPolicy: Always
        name: nginx
        resources: {}
        terminationMessagePath: /dev/termination-log
        terminationMessagePolicy: File
      dnsPolicy: ClusterFirst
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {}
      terminationGracePeriodSeconds: 30
status: {}";
    check(Kind::DEPLOYMENT, Profile::Book, given, want);
    check(Kind::DEPLOYMENT, Profile::Modern, given, &want.replace("creationTimestamp: null, ", ""));
}

#[test]
fn pods_fill_ports_probes_and_requests() {
    let given = "metadata: {name: p}
spec: {containers: [{name: c, image: 'nginx:1.19', ports: [{containerPort: 80}], readinessProbe: {httpGet: {port: 80}}, resources: {limits: {cpu: 1}}}], volumes: [{name: v}, {name: s, secret: {secretName: s}}]}";
    let mut o = Object::from_value(Kind::POD, &yaml(given));
    apply(&mut o, Profile::Book);
    let c = &o.items(&["spec", "containers"])[0];
    assert_eq!(c.str("imagePullPolicy"), "IfNotPresent");
    assert_eq!(c.at(&["readinessProbe", "httpGet", "path"]).unwrap().as_str(), "/");
    assert_eq!(c.at(&["readinessProbe", "periodSeconds"]).unwrap().as_int(), Some(10));
    assert_eq!(c.at(&["resources", "requests", "cpu"]).unwrap().as_int(), Some(1));
    assert_eq!(c.get("ports").unwrap().items()[0].str("protocol"), "TCP");
    assert!(o.items(&["spec", "volumes"])[0].get("emptyDir").is_some());
    assert_eq!(o.items(&["spec", "volumes"])[1].at(&["secret", "defaultMode"]).unwrap().as_int(), Some(420));
}

#[test]
fn services() {
    let given = "metadata: {name: s}
spec: {type: NodePort, ports: [{port: 80}]}";
    let want = "status: {loadBalancer: {}}
spec: {type: NodePort, sessionAffinity: None, externalTrafficPolicy: Cluster, ports: [{port: 80, protocol: TCP, targetPort: 80}]}";
    check(Kind::SERVICE, Profile::Book, given, want);
}
