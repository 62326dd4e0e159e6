//! The FlowSchemas and PriorityLevelConfigurations that the API server makes for itself. Requests are
//! not queued by them here.
//! Models apiserver/pkg/apis/flowcontrol/bootstrap/default.go.

use crate::api::{Kind, Map, Object, Value};
use crate::base::Time;
use crate::sim::Profile;

/// Name, shares, per cent that others may borrow, queues, hand size. No shares: exempt; no queues: refused.
type Level = (&'static str, i64, i64, i64, i64);

const LEVELS: [Level; 8] = [
    ("catch-all", 5, 0, 0, 0),
    ("exempt", 0, 0, 0, 0),
    ("system", 30, 33, 64, 6),
    ("node-high", 40, 25, 64, 6),
    ("leader-election", 10, 0, 16, 4),
    ("workload-high", 40, 50, 128, 6),
    ("workload-low", 100, 90, 128, 6),
    ("global-default", 20, 50, 128, 6),
];

/// Name, level, precedence, how requests are told apart, whose, which.
type Schema = (&'static str, &'static str, i64, &'static str, &'static str, &'static str);

const ANYBODY: &str = "g:system:unauthenticated g:system:authenticated";
const LEADERS: &str = "u:system:kube-controller-manager u:system:kube-scheduler s:*";

const SCHEMAS: [Schema; 13] = [
    ("exempt", "exempt", 1, "", "g:system:masters", "*"),
    ("probes", "exempt", 2, "", ANYBODY, "probes"),
    ("system-leader-election", "leader-election", 100, "ByUser", LEADERS, "leases"),
    ("system-leader-election", "leader-election", 100, "ByUser", LEADERS, "locks kube-system"),
    ("workload-leader-election", "leader-election", 200, "ByUser", "s:*", "locks *"),
    ("system-node-high", "node-high", 400, "ByUser", "g:system:nodes", "nodes"),
    ("system-nodes", "system", 500, "ByUser", "g:system:nodes", "*"),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", "u:system:kube-controller-manager", "*"),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", "u:system:kube-scheduler", "*"),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", "s:*", "*"),
    ("service-accounts", "workload-low", 9000, "ByUser", "g:system:serviceaccounts", "*"),
    ("global-default", "global-default", 9900, "ByUser", ANYBODY, "*"),
    ("catch-all", "catch-all", 10_000, "ByUser", ANYBODY, "*"),
];

pub fn objects(profile: Profile, now: Time) -> Vec<Object> {
    let modern = profile == Profile::Modern;
    let levels = LEVELS.iter().filter(|l| modern || l.0 != "node-high").map(|l| level(l, modern));
    let served = |s: &&Schema| match s.0 {
        "probes" | "system-node-high" => modern,
        "workload-leader-election" => !modern,
        "system-leader-election" => modern == (s.5 == "leases"),
        _ => true,
    };
    levels.chain(SCHEMAS.iter().filter(served).map(|s| schema(s, modern, now))).collect()
}

fn new(kind: Kind, name: &str, modern: bool) -> Object {
    let mut object = Object::new(kind, "", name);
    if modern {
        object.set(&["metadata", "annotations"], map! { "apf.kubernetes.io/autoupdate-spec" => "true" });
    }
    object
}

fn level(&(name, shares, lendable, queues, hand): &Level, modern: bool) -> Object {
    let mut object = new(Kind::PRIORITY_LEVEL_CONFIGURATION, name, modern);
    let exempt = shares == 0;
    let mut limits = Map::new();
    if modern {
        limits.insert("lendablePercent", lendable);
    }
    if !exempt {
        let mut response = map! { "type" => if queues == 0 { "Reject" } else { "Queue" } };
        if queues > 0 {
            response.insert("queuing", map! { "handSize" => hand, "queueLengthLimit" => 50, "queues" => queues });
        }
        limits.insert("limitResponse", response);
    }
    limits.insert(if modern { "nominalConcurrencyShares" } else { "assuredConcurrencyShares" }, shares);
    let mut spec = map! { "type" => if exempt { "Exempt" } else { "Limited" } };
    if modern || !exempt {
        spec.insert(if exempt { "exempt" } else { "limited" }, limits);
    }
    object.set(&["spec"], spec);
    object
}

fn schema(&(name, level, precedence, method, subjects, rules): &Schema, modern: bool, now: Time) -> Object {
    let mut object = new(Kind::FLOW_SCHEMA, name, modern);
    let mut spec = Map::new();
    if !method.is_empty() {
        spec.insert("distinguisherMethod", map! { "type" => method });
    }
    spec.insert("matchingPrecedence", precedence);
    spec.insert("priorityLevelConfiguration", map! { "name" => level });
    let mut rule = Map::new();
    let paths = |verb: &str, urls: Vec<Value>| list![map! { "nonResourceURLs" => urls, "verbs" => list![verb] }];
    let leases = || resources(&["get", "create", "update"], "coordination.k8s.io", &["leases"], "*", false);
    match rules.split_once(' ').unwrap_or((rules, "")) {
        ("probes", _) => {
            rule.insert("nonResourceRules", paths("get", vec!["/healthz".into(), "/readyz".into(), "/livez".into()]));
        }
        ("leases", _) => rule.insert("resourceRules", list![leases()]),
        ("locks", of) => {
            let old = resources(&["get", "create", "update"], "", &["endpoints", "configmaps"], of, false);
            rule.insert("resourceRules", list![old, leases()]);
        }
        ("nodes", _) => {
            let nodes = resources(&["*"], "", &["nodes", "nodes/status"], "*", true);
            let leases = resources(&["*"], "coordination.k8s.io", &["leases"], "*", false);
            rule.insert("resourceRules", list![nodes, leases]);
        }
        _ => {
            rule.insert("nonResourceRules", paths("*", vec!["*".into()]));
            rule.insert("resourceRules", list![resources(&["*"], "*", &["*"], "*", true)]);
        }
    }
    rule.insert("subjects", subjects.split(' ').map(subject).collect::<Vec<Value>>());
    spec.insert("rules", list![rule]);
    object.set(&["spec"], spec);
    let message =
        format!("This FlowSchema references the PriorityLevelConfiguration object named {level:?} and it exists");
    let dangling = map! {
        "lastTransitionTime" => now.rfc3339(), "message" => message, "reason" => "Found",
        "status" => "False", "type" => "Dangling",
    };
    object.set(&["status", "conditions"], list![dangling]);
    object
}

fn resources(verbs: &[&str], group: &str, names: &[&str], namespace: &str, cluster: bool) -> Map {
    let all = |words: &[&str]| words.iter().map(|w| Value::from(*w)).collect::<Vec<Value>>();
    let mut rule = map! { "apiGroups" => list![group] };
    if cluster {
        rule.insert("clusterScope", true);
    }
    rule.insert("namespaces", list![namespace]);
    rule.insert("resources", all(names));
    rule.insert("verbs", all(verbs));
    rule
}

fn subject(text: &str) -> Value {
    let (kind, name) = text.split_once(':').unwrap_or_default();
    Value::Map(match kind {
        "g" => map! { "group" => map! { "name" => name }, "kind" => "Group" },
        "u" => map! { "kind" => "User", "user" => map! { "name" => name } },
        _ => {
            map! { "kind" => "ServiceAccount", "serviceAccount" => map! { "name" => name, "namespace" => "kube-system" } }
        }
    })
}
