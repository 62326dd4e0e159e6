//! What a container is started with: command line, environment, folder.
//! Models kubelet_pods.go makeEnvironmentVariables and container.ExpandContainerCommandAndArgs.

use super::worker::Worker;
use crate::api::{Value, meta, pod};
use crate::base::Str;
use crate::machine::Machine;

/// Name and value of each variable, in the order the container gets them.
pub fn variables(w: &Worker, spec: &Value, host: &Machine, ip: &str) -> Vec<(Str, Str)> {
    let mut out: Vec<(Str, Str)> = vec![
        ("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into()),
        ("KUBERNETES_SERVICE_PORT".into(), "443".into()),
        ("KUBERNETES_SERVICE_PORT_HTTPS".into(), "443".into()),
        ("KUBERNETES_PORT".into(), "tcp://10.96.0.1:443".into()),
    ];
    for entry in spec.get("env").map_or(&[][..], Value::items) {
        let value = match entry.at(&["valueFrom", "fieldRef", "fieldPath"]) {
            Some(path) => field(w, path.as_str(), host, ip),
            None => expand(entry.str("value"), &out),
        };
        out.push((entry.str("name").into(), value));
    }
    out
}

/// The downward API.
fn field(w: &Worker, path: &str, host: &Machine, ip: &str) -> Str {
    let p = &w.pod;
    let keyed = |list: &str| path.strip_prefix(list)?.strip_prefix("['")?.strip_suffix("']").map(Str::from);
    match path {
        "metadata.name" => p.key.name.clone(),
        "metadata.namespace" => p.key.namespace.clone(),
        "metadata.uid" => meta::uid(p).into(),
        "spec.nodeName" => pod::node_name(p).into(),
        "spec.serviceAccountName" => p.str(&["spec", "serviceAccountName"]).into(),
        "status.hostIP" | "status.hostIPs" => host.ip.clone(),
        "status.podIP" | "status.podIPs" => ip.into(),
        _ => match (keyed("metadata.labels"), keyed("metadata.annotations")) {
            (Some(key), _) => meta::label(p, &key).unwrap_or_default().into(),
            (_, Some(key)) => meta::annotation(p, &key).unwrap_or_default().into(),
            _ => Str::new(),
        },
    }
}

/// `$(NAME)` → its value; `$$` → `$`; unknown names stay as they are.
pub fn expand(text: &str, env: &[(Str, Str)]) -> Str {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at..];
        let name = rest.strip_prefix("$(").and_then(|r| r.split_once(')'));
        let value = name.and_then(|(name, after)| {
            env.iter().rev().find(|(n, _)| n == name).map(|(_, value)| (value.as_str(), after))
        });
        match (rest.strip_prefix("$$"), value) {
            (Some(after), _) => (out, rest) = (out + "$", after),
            (None, Some((value, after))) => (out, rest) = (out + value, after),
            (None, None) => (out, rest) = (out + "$", &rest[1..]),
        }
    }
    (out + rest).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_in_parentheses_are_replaced() {
        let env = [("A".into(), "1".into()), ("B".into(), "x y".into())];
        for (text, expected) in
            [("$(A)$(B)", "1x y"), ("$$(A)", "$(A)"), ("$(C) $A $", "$(C) $A $"), ("plain", "plain")]
        {
            assert_eq!(super::expand(text, &env), expected);
        }
    }
}
