//! What lets nodes join: cluster-info is signed for every bootstrap token, tokens that ran out are
//! deleted, and kubelets' certificate requests are approved and signed.
//! Models pkg/controller/bootstrap and pkg/controller/certificates.

use super::{Controller, Kit, Next, Op, Step};
use crate::addons::pki::{Cert, CertRequest};
use crate::api::{Kind, Map, Object, ObjectKey, Reason, Request, Value, meta};
use crate::base::{Duration, Str, Time, base64};
use crate::runtime::images::digest;
use crate::sim::informer::Delta;

const PREFIX: &str = "bootstrap-token-";
const SIGNATURE: &str = "jws-kubeconfig-";

/// A field of a Secret, decoded; empty where there is none.
pub fn field(secret: &Object, name: &str) -> Str {
    let bytes = base64::decode(secret.str(&["data", name])).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default().into()
}

/// When a bootstrap token ends to be one.
pub fn expiry(secret: &Object) -> Option<Time> {
    Time::parse_rfc3339(&field(secret, "expiration"))
}

/// The detached signature that proves whoever signed `text` to know the token.
pub fn signature(text: &str, id: &str, secret: &str) -> Str {
    let header = base64::encode(format!("{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}").as_bytes());
    ecow::eco_format!("{}..{}", header.trim_end_matches('='), &digest(&format!("{text} {id} {secret}"))[..43])
}

fn is_token(key: &ObjectKey) -> bool {
    key.kind == Kind::SECRET && key.namespace == "kube-system" && key.name.starts_with(PREFIX)
}

#[derive(Clone, Debug, Default)]
pub struct BootstrapSigner;

impl Controller for BootstrapSigner {
    fn name(&self) -> &'static str {
        "bootstrap-signer-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::SECRET, Kind::CONFIG_MAP]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        let info = ObjectKey::new(Kind::CONFIG_MAP, "kube-public", "cluster-info");
        if is_token(&delta.key) || delta.key == info {
            kit.enqueue(info);
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(map) = kit.get(key).cloned() else { return Next::Done };
        let text = Str::from(map.str(&["data", "kubeconfig"]));
        let now = kit.now();
        let mut data: Map = map.get(&["data"]).and_then(Value::as_map).cloned().unwrap_or_default();
        let signed: Vec<Str> = data.keys().filter(|k| k.starts_with(SIGNATURE)).cloned().collect();
        for key in signed {
            data.remove(&key);
        }
        for secret in kit.in_namespace(Kind::SECRET, "kube-system").filter(|s| is_token(&s.key)) {
            let id = field(secret, "token-id");
            let valid = expiry(secret).is_none_or(|at| at > now) && field(secret, "usage-bootstrap-signing") == "true";
            if valid {
                let proof = signature(&text, &id, &field(secret, "token-secret"));
                data.insert(ecow::eco_format!("{SIGNATURE}{id}"), proof);
            }
        }
        if map.get(&["data"]).and_then(Value::as_map) == Some(&data) {
            return Next::Done;
        }
        let mut new = (*map).clone();
        new.set(&["data"], data);
        Next::run([Op::new(Request::update(new), kit.ctx.cause)])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[derive(Clone, Debug, Default)]
pub struct TokenCleaner;

impl Controller for TokenCleaner {
    fn name(&self) -> &'static str {
        "token-cleaner-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::SECRET]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if is_token(&delta.key) && delta.new.is_some() {
            kit.enqueue(delta.key.clone());
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(at) = kit.get(key).and_then(|s| expiry(s)) else { return Next::Done };
        let now = kit.now();
        if at > now {
            return Next::After(at.since(now));
        }
        Next::run([Op::new(Request::delete(key), kit.ctx.cause).tolerate(&[Reason::NotFound])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// csrapproving and csrsigning: for the client certificates of kubelets.
#[derive(Clone, Debug, Default)]
pub struct Certificates;

const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";

impl Controller for Certificates {
    fn name(&self) -> &'static str {
        "certificatesigningrequest-signing-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::CERTIFICATE_SIGNING_REQUEST]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.new.is_some() {
            kit.enqueue(delta.key.clone());
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(csr) = kit.get(key).cloned() else { return Next::Done };
        let now = kit.now();
        let user = csr.str(&["spec", "username"]);
        if meta::condition(&csr, "Denied").is_some() || !csr.str(&["status", "certificate"]).is_empty() {
            return Next::Done;
        }
        let mut new = (*csr).clone();
        if meta::condition(&csr, "Approved").is_none() {
            let own = user.starts_with("system:node:");
            if csr.str(&["spec", "signerName"]) != KUBELET_CLIENT || !(own || user.starts_with("system:bootstrap:")) {
                return Next::Done; // somebody has to look at it
            }
            let message = if own {
                "Auto approving self kubelet client certificate after SubjectAccessReview."
            } else {
                "Auto approving kubelet client certificate after SubjectAccessReview."
            };
            let condition = map! {
                "lastTransitionTime" => now.rfc3339(),
                "lastUpdateTime" => now.rfc3339(),
                "message" => message,
                "reason" => "AutoApproved",
                "status" => "True",
                "type" => "Approved",
            };
            new.entry(&["status", "conditions"]).make_list().push(Value::Map(condition));
            let request = Request { subresource: "approval".into(), ..Request::update(new) };
            return Next::run([Op::new(request, kit.ctx.cause)]);
        }
        let Some(ca) = kit.ctx.host().read("/etc/kubernetes/pki/ca.crt").and_then(|pem| Cert::parse(pem)) else {
            return Next::Retry;
        };
        let Some(subject) = base64::decode(csr.str(&["spec", "request"])).and_then(|b| String::from_utf8(b).ok())
        else {
            return Next::Done;
        };
        let Some(asked) = CertRequest::parse(&subject) else { return Next::Done };
        let seconds = csr.get(&["spec", "expirationSeconds"]).and_then(Value::as_int).unwrap_or(365 * 86_400);
        let cert = asked.sign(&ca, now, Duration::secs(seconds.max(600).unsigned_abs()));
        new.set(&["status", "certificate"], base64::encode(cert.pem().as_bytes()));
        Next::run([Op::new(Request::update_status(new), kit.ctx.cause)])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
