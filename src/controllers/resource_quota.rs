//! ResourceQuotas: `status.used` counted anew when objects go, and every five minutes. The API server
//! counts what is created.
//! Models pkg/controller/resourcequota.

use std::sync::Arc;

use super::kit::succeeded;
use super::{Controller, Kit, Next, Step};
use crate::api::{Kind, Map, Object, ObjectKey, Request, Value, pod, quota};
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

const RESYNC: Duration = Duration::mins(5);

/// Kinds that quotas count.
const KINDS: &[Kind] = &[
    Kind::RESOURCE_QUOTA,
    Kind::POD,
    Kind::SERVICE,
    Kind::PERSISTENT_VOLUME_CLAIM,
    Kind::CONFIG_MAP,
    Kind::SECRET,
    Kind::REPLICATION_CONTROLLER,
    Kind::DEPLOYMENT,
    Kind::REPLICA_SET,
    Kind::STATEFUL_SET,
    Kind::DAEMON_SET,
    Kind::JOB,
    Kind::CRON_JOB,
    Kind::INGRESS,
];

#[derive(Clone, Debug, Default)]
pub struct ResourceQuotas;

impl Controller for ResourceQuotas {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        KINDS
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        kit.wake(RESYNC, "");
    }
    fn woken(&mut self, kit: &mut Kit<'_, '_>, _arg: &str) {
        kit.wake(RESYNC, "");
        let all: Vec<ObjectKey> = kit.all(Kind::RESOURCE_QUOTA).map(|q| q.key.clone()).collect();
        all.into_iter().for_each(|key| kit.enqueue(key));
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind == Kind::RESOURCE_QUOTA {
            let hard = |o: &Option<Arc<Object>>| o.as_ref().and_then(|q| q.get(&["spec"]).cloned());
            if delta.new.is_some() && hard(&delta.old) != hard(&delta.new) {
                kit.enqueue(delta.key.clone());
            }
            return;
        }
        // What comes was counted when it was let in; what goes, or ends, frees its share.
        let frees = match (&delta.old, &delta.new) {
            (Some(_), None) => true,
            (Some(old), Some(new)) => delta.key.kind == Kind::POD && pod::terminal(new) && !pod::terminal(old),
            _ => false,
        };
        if frees {
            let all = kit.in_namespace(Kind::RESOURCE_QUOTA, &delta.key.namespace);
            let keys: Vec<ObjectKey> = all.map(|q| q.key.clone()).collect();
            keys.into_iter().for_each(|key| kit.enqueue(key));
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        if step.stage == "status" {
            return if step.replies.iter().all(succeeded) { Next::Done } else { Next::Retry };
        }
        let Some(q) = kit.get(key).cloned() else { return Next::Done };
        let objects = KINDS.iter().flat_map(|kind| kit.in_namespace(*kind, q.namespace()));
        let used = quota::used(&q, objects.map(|o| &**o));
        let used: Map = used.into_iter().map(|(name, n)| (name, Value::Str(Str::from(n.to_string())))).collect();
        let mut next = (*q).clone();
        next.set(&["status", "used"], used);
        next.set(&["status", "hard"], q.get(&["spec", "hard"]).cloned().unwrap_or_default());
        if next.get(&["status"]) == q.get(&["status"]) {
            return Next::Done;
        }
        Next::Ask(vec![Request::update_status(next)], Step::at("status"))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
