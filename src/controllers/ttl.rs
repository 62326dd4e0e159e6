//! TTL: tells kubelets how long they may cache Secrets and ConfigMaps; zero in a small cluster.
//! Models pkg/controller/ttl.

use super::{Controller, Kit, Next, Op, Step};
use crate::api::request::PatchType;
use crate::api::{Kind, ObjectKey, Reason, Request, Value, meta};
use crate::sim::informer::Delta;

const TTL: &str = "node.alpha.kubernetes.io/ttl";

#[derive(Clone, Debug, Default)]
pub struct Ttl;

impl Controller for Ttl {
    fn name(&self) -> &'static str {
        "ttl-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NODE]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.new.as_ref().is_some_and(|n| meta::annotation(n, TTL).is_none()) {
            kit.enqueue(delta.key.clone());
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let nodes = kit.all(Kind::NODE).count();
        let Some(n) = kit.get(key) else { return Next::Done };
        let seconds = match nodes {
            0..100 => "0",
            100..500 => "15",
            500..1000 => "30",
            1000..2000 => "60",
            _ => "300",
        };
        if meta::annotation(n, TTL) == Some(seconds) {
            return Next::Done;
        }
        let patch = map! { "metadata" => map! { "annotations" => map! { TTL => seconds } } };
        let request = Request::patch(key, PatchType::Merge, Value::Map(patch));
        Next::run([Op::new(request, kit.ctx.cause).tolerate(&[Reason::NotFound])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
