//! Whether a pod may be on a node: tolerations against taints, node selectors and affinity.
//! Models component-helpers/scheduling/corev1.

use super::{Object, Value, meta};

/// Whether a toleration covers a taint.
pub fn covers(toleration: &Value, key: &str, value: &str, effect: &str) -> bool {
    let (t_effect, t_key) = (toleration.str("effect"), toleration.str("key"));
    if !t_effect.is_empty() && t_effect != effect || !t_key.is_empty() && t_key != key {
        return false;
    }
    match toleration.str("operator") {
        "Exists" => true,
        _ => !t_key.is_empty() && toleration.str("value") == value,
    }
}

/// Whether one of the pod's tolerations covers the taint.
pub fn tolerates(pod: &Object, taint: &Value) -> bool {
    let tolerations = pod.items(&["spec", "tolerations"]);
    tolerations.iter().any(|t| covers(t, taint.str("key"), taint.str("value"), taint.str("effect")))
}

/// Whether the pod's nodeSelector and required node affinity allow the node.
pub fn allows(pod: &Object, node: &Object) -> bool {
    selected(pod, node)
        && pod.get(&REQUIRED).is_none_or(|r| any_term(r.get("nodeSelectorTerms").map_or(&[], Value::items), node))
}

const REQUIRED: [&str; 4] = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];

fn selected(pod: &Object, node: &Object) -> bool {
    let selector = pod.get(&["spec", "nodeSelector"]).and_then(Value::as_map);
    selector.is_none_or(|s| s.iter().all(|(k, v)| meta::label(node, k).is_some_and(|have| have == v.as_str())))
}

/// [`allows`] without the terms' fields: as for a pod that is tied to this very node.
pub fn allows_but_fields(pod: &Object, node: &Object) -> bool {
    let terms = pod.get(&REQUIRED).and_then(|r| r.get("nodeSelectorTerms")).map_or(&[][..], Value::items);
    let expressions = |t: &Value| {
        let all = t.get("matchExpressions").map_or(&[][..], Value::items);
        all.iter().all(|r| requirement(r, meta::label(node, r.str("key"))))
    };
    selected(pod, node) && (terms.is_empty() || terms.iter().any(expressions))
}

/// Node selector terms: one must match as a whole.
pub fn any_term(terms: &[Value], node: &Object) -> bool {
    terms.iter().any(|t| term(t, node))
}

/// One term: all its expressions must hold; an empty one matches nothing.
pub fn term(term: &Value, node: &Object) -> bool {
    let items = |field| term.get(field).map_or(&[][..], Value::items);
    let (expressions, fields) = (items("matchExpressions"), items("matchFields"));
    let name = |r: &Value| requirement(r, (r.str("key") == "metadata.name").then(|| node.name().as_str()));
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|r| requirement(r, meta::label(node, r.str("key"))))
        && fields.iter().all(name)
}

fn requirement(r: &Value, have: Option<&str>) -> bool {
    let values = r.get("values").map_or(&[][..], Value::items);
    let listed = || have.is_some_and(|h| values.iter().any(|v| v.as_str() == h));
    let number = |s: &str| s.parse::<i64>().ok();
    let compare = |f: fn(&i64, &i64) -> bool| {
        let bound = values.first().and_then(|v| number(v.as_str()));
        have.and_then(number).zip(bound).is_some_and(|(h, b)| f(&h, &b))
    };
    match r.str("operator") {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => have.is_some(),
        "DoesNotExist" => have.is_none(),
        "Gt" => compare(i64::gt),
        "Lt" => compare(i64::lt),
        _ => false,
    }
}
