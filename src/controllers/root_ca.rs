//! Root CA publisher: the cluster's certificate as ConfigMap `kube-root-ca.crt` in every namespace.
//! Models pkg/controller/certificates/rootcacertpublisher.

use super::{Controller, Kit, Next, Op, Step};
use crate::api::{Kind, Object, ObjectKey, Reason, Request};
use crate::base::Str;
use crate::sim::informer::Delta;

const NAME: &str = "kube-root-ca.crt";
const ABOUT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

#[derive(Clone, Debug, Default)]
pub struct RootCa;

/// The CA certificate of the machine the controller manager runs on.
pub fn certificate(kit: &Kit<'_, '_>) -> Str {
    const NONE: &str = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    kit.ctx.host().read("/etc/kubernetes/pki/ca.crt").cloned().unwrap_or_else(|| NONE.into())
}

impl Controller for RootCa {
    fn name(&self) -> &'static str {
        "root-ca-certificate-publisher-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NAMESPACE, Kind::CONFIG_MAP]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::NAMESPACE if delta.new.is_some() => kit.enqueue(delta.key.clone()),
            Kind::CONFIG_MAP if delta.key.name == NAME => {
                kit.enqueue(ObjectKey::new(Kind::NAMESPACE, "", delta.key.namespace.clone()));
            }
            _ => {}
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        if kit.get(key).is_none_or(|n| n.str(&["status", "phase"]) != "Active") {
            return Next::Done;
        }
        let mut map = Object::new(Kind::CONFIG_MAP, &key.name, NAME);
        map.set(&["data"], map! { "ca.crt" => certificate(kit) });
        if kit.modern() {
            map.set(&["metadata", "annotations", "kubernetes.io/description"], ABOUT);
        }
        let cause = kit.ctx.cause;
        match kit.named(Kind::CONFIG_MAP, &key.name, NAME) {
            Some(have) if have.get(&["data"]) == map.get(&["data"]) => Next::Done,
            Some(_) => Next::run([Op::new(Request::update(map), cause)]),
            None => Next::run([Op::new(Request::create(map), cause).tolerate(&[Reason::AlreadyExists])]),
        }
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
