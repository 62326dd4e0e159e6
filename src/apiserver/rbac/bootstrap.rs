//! The roles and bindings that every API server makes sure of, from `roles.txt`.
//! Models plugin/pkg/auth/authorizer/rbac/bootstrappolicy policy.go, controller_policy.go,
//! namespace_policy.go.

use crate::api::{Kind, List, Map, Object, Profile, Value};
use crate::base::Str;
use crate::base::arrange::Arrange;

const TABLE: &str = include_str!("roles.txt");
const GROUP: &str = "rbac.authorization.k8s.io";

/// ClusterRoles, their bindings, roles, their bindings: the order in which the server creates them.
pub fn objects(profile: Profile) -> Vec<Object> {
    let mut found: [Vec<Object>; 4] = Default::default();
    let mut role: Option<Object> = None;
    for line in TABLE.lines().filter(|l| !l.starts_with('#')) {
        let (wanted, line) = match line.as_bytes().first() {
            Some(b'+') => (profile == Profile::Modern, &line[1..]),
            Some(b'-') => (profile == Profile::Book, &line[1..]),
            _ => (true, line),
        };
        if let Some(rest) = line.strip_prefix('=') {
            found[if role.as_ref().is_some_and(|r| r.kind() == Kind::ROLE) { 2 } else { 0 }].extend(role.take());
            if wanted {
                let (object, binding) = role_of(rest);
                role = Some(object);
                found[if binding.as_ref().is_some_and(|b| b.kind() == Kind::ROLE_BINDING) { 3 } else { 1 }]
                    .extend(binding);
            }
        } else if let Some(rest) = line.strip_prefix('@') {
            found[2].extend(role.take());
            let binding = binding_of(rest);
            found[if binding.kind() == Kind::ROLE_BINDING { 3 } else { 1 }].push(binding);
        } else if let (true, Some(role)) = (wanted, &mut role) {
            role.entry(&["rules"]).make_list().push(Value::Map(rule_of(line)));
        }
    }
    found.into_iter().flatten().collect()
}

fn new(kinds: [Kind; 2], namespace: &str, name: &str) -> Object {
    let kind = if namespace.is_empty() { kinds[0] } else { kinds[1] };
    let mut object = Object::new(kind, namespace, name);
    object.set(&["metadata", "annotations"], map! { "rbac.authorization.kubernetes.io/autoupdate" => "true" });
    object.set(&["metadata", "labels"], map! { "kubernetes.io/bootstrapping" => "rbac-defaults" });
    object
}

const ROLES: [Kind; 2] = [Kind::CLUSTER_ROLE, Kind::ROLE];
const BINDINGS: [Kind; 2] = [Kind::CLUSTER_ROLE_BINDING, Kind::ROLE_BINDING];

/// A head line without its `=`: the role, and the binding of a controller's.
fn role_of(line: &str) -> (Object, Option<Object>) {
    let mut words = line.split(' ');
    let namespace = words.next().unwrap_or_default().trim_end_matches('/');
    let name = words.next().unwrap_or_default();
    let mut role = new(ROLES, namespace, name);
    let mut binding = None;
    for flag in words {
        let selector = |to: &str| map! { format!("{GROUP}/aggregate-to-{to}") => "true" };
        if let Some(to) = flag.strip_prefix('>') {
            role.set(&["metadata", "labels", &format!("{GROUP}/aggregate-to-{to}")], "true");
        } else if let Some(from) = flag.strip_prefix('<') {
            let rule = map! { "clusterRoleSelectors" => list![map! { "matchLabels" => selector(from) }] };
            role.set(&["aggregationRule"], rule);
        } else {
            let account = name.trim_start_matches("system:controller:");
            binding = Some(bind(namespace, name, name, &[subject('s', account)]));
        }
    }
    (role, binding)
}

fn binding_of(line: &str) -> Object {
    let words: Vec<&str> = line.split(' ').collect();
    let (namespace, name, role) = (words[0].trim_end_matches('/'), words[1], words[2]);
    let subjects: Vec<Map> = words[3..]
        .iter()
        .filter_map(|w| w.split_once(':'))
        .map(|(c, n)| subject(c.chars().next().unwrap_or('u'), n))
        .collect();
    bind(namespace, name, role, &subjects)
}

fn bind(namespace: &str, name: &str, role: &str, subjects: &[Map]) -> Object {
    let mut binding = new(BINDINGS, namespace, name);
    let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
    binding.set(&["roleRef"], map! { "apiGroup" => GROUP, "kind" => kind, "name" => role });
    if !subjects.is_empty() {
        binding.set(&["subjects"], subjects.to_vec());
    }
    binding
}

fn subject(class: char, name: &str) -> Map {
    match class {
        'g' => map! { "apiGroup" => GROUP, "kind" => "Group", "name" => name },
        's' => map! { "kind" => "ServiceAccount", "name" => name, "namespace" => "kube-system" },
        _ => map! { "apiGroup" => GROUP, "kind" => "User", "name" => name },
    }
}

fn words(text: &str) -> List {
    text.split(',').map(|w| Value::from(if w == "-" { "" } else { w })).collect()
}

fn rule_of(line: &str) -> Map {
    let line = if line == "E" { "cpu -,events.k8s.io events" } else { line };
    let mut parts = line.split(' ');
    let verbs = verbs(parts.next().unwrap_or_default());
    let second = parts.next().unwrap_or_default();
    if let Some(paths) = second.strip_prefix('!') {
        return map! { "nonResourceURLs" => words(paths), "verbs" => verbs };
    }
    let mut rule =
        map! { "apiGroups" => words(second), "resources" => words(parts.next().unwrap_or_default()), "verbs" => verbs };
    if let Some(names) = parts.next().and_then(|n| n.strip_prefix('@')) {
        rule.insert("resourceNames", words(names));
    }
    rule
}

fn verbs(text: &str) -> List {
    let mut all: Vec<Str> = Vec::new();
    for word in text.split(',') {
        if matches!(word, "approve" | "escalate" | "impersonate" | "proxy" | "sign" | "*") {
            all.push(word.into());
            continue;
        }
        all.extend(word.chars().map(|c| {
            Str::from(match c {
                'c' => "create",
                'd' => "delete",
                'D' => "deletecollection",
                'g' => "get",
                'l' => "list",
                'p' => "patch",
                'u' => "update",
                _ => "watch",
            })
        }));
    }
    all.arrange();
    all.into_iter().map(Value::from).collect()
}
