//! Namespaces: a deleted one is emptied, kind by kind, before it goes.
//! Models pkg/controller/namespace.

use std::sync::Arc;

use super::kit::succeeded;
use super::{Controller, Kit, Next, Op, Step};
use crate::api::request::Propagation;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Value, Verb, custom, meta};
use crate::base::{Duration, Str};
use crate::sim::Reply;
use crate::sim::informer::Delta;

/// After a change of the namespace, so that caches of admission everywhere have seen it.
const GRACE: Duration = Duration::secs(5);

#[derive(Clone, Debug, Default)]
pub struct Namespaces;

/// What a namespace may hold: kinds of the table, and those of the definitions.
fn kinds(definitions: &[Arc<Object>]) -> Vec<Kind> {
    let custom = definitions.iter().filter(|d| custom::established(d)).map(|d| custom::kind_of(d));
    Kind::all().chain(custom).filter(|k| k.namespaced()).collect()
}

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NAMESPACE]
    }
    fn workers(&self) -> u32 {
        10
    }
    fn rate(&self) -> u64 {
        20
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.new.as_ref().is_some_and(|n| meta::deleting(n)) {
            kit.enqueue_after(delta.key.clone(), GRACE);
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(ns) = kit.get(key).filter(|n| meta::deleting(n)).cloned() else { return Next::Done };
        match step.stage {
            "" => Next::Ask(vec![Request::discovery()], Step::at("discovered")),
            "discovered" => {
                let Some(Ok(Response::List { items, .. })) = step.replies.first() else { return Next::Retry };
                kit.decide(key, "EmptyNamespace", map! {});
                let delete = |kind| Request {
                    propagation: Some(Propagation::Background),
                    ..Request::new(Verb::DeleteCollection, kind, key.name.clone(), "")
                };
                let all = kinds(items).into_iter().map(delete).collect();
                Next::Ask(all, Step { objects: items.clone(), ..Step::at("deleted") })
            }
            "deleted" => {
                let list = |kind| Request::list(kind, key.name.clone());
                let all = kinds(&step.objects).into_iter().map(list).collect();
                Next::Ask(all, Step { objects: step.objects, ..Step::at("listed") })
            }
            _ => finish(kit, &ns, &kinds(&step.objects), &step.replies),
        }
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Finalizes the namespace if nothing is left in it; otherwise says what is, and comes back.
fn finish(kit: &mut Kit<'_, '_>, ns: &Object, kinds: &[Kind], replies: &[Reply]) -> Next {
    let mut left: Vec<(Kind, usize)> = Vec::new();
    let mut wait = 0;
    for (kind, reply) in kinds.iter().copied().zip(replies) {
        let Ok(Response::List { items, .. }) = reply else {
            if succeeded(reply) {
                continue;
            }
            return Next::Retry;
        };
        if !items.is_empty() {
            left.push((kind, items.len()));
        }
        let grace = |p: &Object| p.int(&["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
        wait = items.iter().map(|p| grace(p)).max().unwrap_or(0).max(wait);
    }
    if left.is_empty() {
        let request = Request { subresource: "finalize".into(), ..Request::update(ns.clone()) };
        return Next::run([Op::new(request, kit.ctx.cause).tolerate(&[Reason::NotFound])]);
    }
    // The condition's update is a change of the namespace, which brings it back after GRACE.
    let estimate = Duration::secs(wait.max(0) as u64 / 2 + 1);
    let mut updated = ns.clone();
    conditions(kit, &mut updated, &left);
    if updated.get(&["status"]) == ns.get(&["status"]) {
        return Next::After(estimate);
    }
    kit.enqueue_after(ns.key.clone(), estimate.max(GRACE));
    Next::run([Op::new(Request::update_status(updated), kit.ctx.cause).tolerate(&[Reason::NotFound, Reason::Conflict])])
}

fn conditions(kit: &Kit<'_, '_>, ns: &mut Object, left: &[(Kind, usize)]) {
    let resources: Vec<Str> =
        left.iter().map(|(k, n)| ecow::eco_format!("{} has {n} resource instances", resource(*k))).collect();
    let remaining = ecow::eco_format!("Some resources are remaining: {}", resources.join(", "));
    let rows: [(&str, &str, &str, Str); 5] = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered".into(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".into(),
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".into(),
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", remaining),
        (
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished".into(),
        ),
    ];
    let now = kit.now().rfc3339();
    let old: Vec<Value> = ns.items(&["status", "conditions"]).to_vec();
    let row = |(kind, status, reason, message): (&str, &str, &str, Str)| {
        let same = old.iter().find(|c| c.str("type") == kind && c.str("status") == status);
        let since: Str = same.map_or_else(|| now.clone(), |c| c.str("lastTransitionTime").into());
        Value::Map(map! {
            "lastTransitionTime" => since, "message" => message, "reason" => reason, "status" => status, "type" => kind,
        })
    };
    ns.set(&["status", "conditions"], rows.into_iter().map(row).collect::<Vec<_>>());
}

/// `pods.`, `deployments.apps`: as upstream prints a group resource here.
fn resource(kind: Kind) -> Str {
    ecow::eco_format!("{}.{}", kind.plural(), kind.info().group)
}
