//! ClusterRole aggregation: `admin`, `edit` and `view` gather the rules of the roles labelled for them.
//! Models pkg/controller/clusterroleaggregation.

use std::sync::Arc;

use super::{Controller, Kit, Next, Op, Step};
use crate::api::{Kind, Object, ObjectKey, Request, Value, meta};
use crate::sim::informer::Delta;

#[derive(Clone, Debug, Default)]
pub struct ClusterRoleAggregation;

impl Controller for ClusterRoleAggregation {
    fn name(&self) -> &'static str {
        "clusterrole-aggregation-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::CLUSTER_ROLE]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, _delta: &Delta) {
        let all = kit.all(Kind::CLUSTER_ROLE).filter(|r| r.get(&["aggregationRule"]).is_some());
        let keys: Vec<ObjectKey> = all.map(|r| r.key.clone()).collect();
        keys.into_iter().for_each(|key| kit.enqueue(key));
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(role) = kit.get(key).cloned() else { return Next::Done };
        let mut rules: Vec<Value> = Vec::new();
        for selector in role.items(&["aggregationRule", "clusterRoleSelectors"]) {
            let wanted = selector.get("matchLabels").and_then(Value::as_map);
            let matches = |o: &&Arc<Object>| {
                let labels = meta::labels(o);
                o.key != *key && wanted.is_some_and(|w| w.iter().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v)))
            };
            for source in kit.all(Kind::CLUSTER_ROLE).filter(matches) {
                for rule in source.items(&["rules"]) {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
        }
        if role.items(&["rules"]) == rules {
            return Next::Done;
        }
        let mut next = (*role).clone();
        next.set(&["rules"], rules);
        Next::run([Op::new(Request::update(next), kit.ctx.cause)])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
