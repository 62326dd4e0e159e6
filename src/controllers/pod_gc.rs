//! Pod garbage collector: pods of nodes that are gone, and deleted pods that were never scheduled.
//! Models pkg/controller/podgc. The threshold for finished pods is not reached in a lab.

use std::sync::Arc;

use super::{Controller, Kit, Next, Op, Step};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, meta, pod};
use crate::base::persistent::OrdMap;
use crate::base::{Duration, Str, Time};
use crate::sim::informer::Delta;

const PERIOD: Duration = Duration::secs(20);
/// A missing node is believed to be gone after this.
const QUARANTINE: Duration = Duration::secs(40);

#[derive(Clone, Debug, Default)]
pub struct PodGc {
    /// Nodes that pods name but nobody has seen, and since when.
    missing: OrdMap<Str, Time>,
}

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::POD, Kind::NODE]
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        kit.wake(PERIOD, "");
    }
    fn changed(&mut self, _kit: &mut Kit<'_, '_>, _delta: &Delta) {}
    fn woken(&mut self, kit: &mut Kit<'_, '_>, _arg: &str) {
        kit.wake(PERIOD, "");
        let now = kit.now();
        let missing: OrdMap<Str, Time> = kit
            .cache
            .pods_on
            .keys()
            .filter(|n| kit.named(Kind::NODE, "", n).is_none())
            .map(|n| (n.clone(), self.missing.get(n).copied().unwrap_or(now)))
            .collect();
        self.missing = missing;
        let mut doomed: Vec<ObjectKey> = Vec::new();
        for (node, since) in &self.missing {
            if *since + QUARANTINE <= now {
                doomed.extend(kit.pods_on(node).map(|p| p.key.clone()));
            }
        }
        let never_placed = |p: &&Arc<Object>| meta::deleting(p) && pod::node_name(p).is_empty();
        doomed.extend(kit.all(Kind::POD).filter(never_placed).map(|p| p.key.clone()));
        doomed.into_iter().for_each(|key| kit.enqueue(key));
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(p) = kit.get(key).cloned() else { return Next::Done };
        let cause = kit.decide(key, "CollectPod", map! { "node" => pod::node_name(&p) });
        let request = Request { grace_period_s: Some(0), uid: meta::uid(&p).into(), ..Request::delete(key) };
        Next::run([Op::new(request, cause).tolerate(&[Reason::NotFound, Reason::Conflict])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
