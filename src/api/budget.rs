//! Which pods a PodDisruptionBudget is about.

use super::selector::LabelSelector;
use super::{Object, meta};

/// Whether the budget is about the pod. An empty selector takes all pods in policy/v1 (`modern`) and
/// none in v1beta1.
pub fn covers(budget: &Object, p: &Object, modern: bool) -> bool {
    let Some(selector) = budget.get(&["spec", "selector"]).filter(|s| !s.is_null()) else { return false };
    let selector = LabelSelector::of_value(selector);
    budget.namespace() == p.namespace() && (modern || !selector.0.is_empty()) && selector.matches(meta::labels(p))
}
