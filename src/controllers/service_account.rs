//! Service accounts: one called `default` in every namespace, those of the controllers themselves,
//! and, in `book`, a token Secret for each.
//! Models pkg/controller/serviceaccount.

use std::sync::Arc;

use super::kit::{object, succeeded};
use super::{Controller, Kit, Next, Op, Step, root_ca};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, meta};
use crate::base::{Str, base64};
use crate::sim::Profile;
use crate::sim::informer::Delta;

const TOKEN_TYPE: &str = "kubernetes.io/service-account-token";
const OF: &str = "kubernetes.io/service-account.name";
const OF_UID: &str = "kubernetes.io/service-account.uid";

/// Controllers that work under their own account, in both profiles.
const CONTROLLERS: [&str; 29] = [
    "attachdetach-controller",
    "bootstrap-signer",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "service-account-controller",
    "statefulset-controller",
    "token-cleaner",
    "ttl-controller",
];
const MODERN_CONTROLLERS: [&str; 8] = [
    "device-taint-eviction-controller",
    "ephemeral-volume-controller",
    "legacy-service-account-token-cleaner",
    "resource-claim-controller",
    "service-cidrs-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

#[derive(Clone, Debug, Default)]
pub struct ServiceAccounts;

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "service-account-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NAMESPACE, Kind::SERVICE_ACCOUNT]
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        // The service controller's account is made before it finds that there is no cloud; newer ones look first.
        let extra: &[&str] = if kit.modern() { &MODERN_CONTROLLERS } else { &["service-controller"] };
        for name in CONTROLLERS.iter().chain(extra) {
            if kit.named(Kind::SERVICE_ACCOUNT, "kube-system", name).is_none() {
                kit.send(Request::create(Object::new(Kind::SERVICE_ACCOUNT, "kube-system", name)));
            }
        }
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::NAMESPACE => kit.enqueue(delta.key.clone()),
            _ if delta.new.is_none() => {
                kit.enqueue(ObjectKey::new(Kind::NAMESPACE, "", delta.key.namespace.clone()));
            }
            _ => {}
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let active = kit.get(key).is_some_and(|n| n.str(&["status", "phase"]) == "Active");
        if !active || kit.named(Kind::SERVICE_ACCOUNT, &key.name, "default").is_some() {
            return Next::Done;
        }
        let account = Object::new(Kind::SERVICE_ACCOUNT, &key.name, "default");
        Next::run([Op::new(Request::create(account), kit.ctx.cause).tolerate(&[Reason::AlreadyExists])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// The token Secrets of service accounts, as they were made until 1.24.
#[derive(Clone, Debug, Default)]
pub struct Tokens;

impl Controller for Tokens {
    fn name(&self) -> &'static str {
        "serviceaccount-token-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::SERVICE_ACCOUNT, Kind::SECRET]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if kit.profile == Profile::Modern {
            return;
        }
        match delta.key.kind {
            Kind::SERVICE_ACCOUNT => kit.enqueue(delta.key.clone()),
            _ => {
                let Some(s) = delta.new.as_ref().or(delta.old.as_ref()) else { return };
                if s.str(&["type"]) == TOKEN_TYPE {
                    let account = meta::annotation(s, OF).unwrap_or("");
                    kit.enqueue(ObjectKey::new(Kind::SERVICE_ACCOUNT, s.namespace().clone(), account));
                }
            }
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let tokens: Vec<Arc<Object>> = kit
            .in_namespace(Kind::SECRET, &key.namespace)
            .filter(|s| s.str(&["type"]) == TOKEN_TYPE && meta::annotation(s, OF) == Some(key.name.as_str()))
            .cloned()
            .collect();
        let Some(account) = kit.get(key).filter(|a| !meta::deleting(a)).cloned() else {
            let cause = kit.ctx.cause;
            let ops = tokens.iter().map(|s| Op::new(Request::delete(&s.key), cause).tolerate(&[Reason::NotFound]));
            return Next::run(ops);
        };
        if step.stage == "created" {
            return match step.replies.first() {
                Some(reply) if succeeded(reply) => {
                    let Some(secret) = object(reply) else { return Next::Retry };
                    let mut updated = (*account).clone();
                    updated.entry(&["secrets"]).make_list().push(map! { "name" => secret.name() });
                    Next::run([Op::new(Request::update(updated), kit.ctx.cause)])
                }
                _ => Next::Retry,
            };
        }
        let referenced = account.items(&["secrets"]).iter().any(|r| tokens.iter().any(|s| s.name() == r.str("name")));
        match tokens.first() {
            _ if referenced => Next::Done,
            Some(secret) => {
                let mut updated = (*account).clone();
                updated.set(&["secrets"], list![map! { "name" => secret.name() }]);
                Next::run([Op::new(Request::update(updated), kit.ctx.cause)])
            }
            None => {
                let secret = token_secret(kit, &account);
                Next::Ask(vec![Request::create(secret)], Step::at("created"))
            }
        }
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn token_secret(kit: &mut Kit<'_, '_>, account: &Object) -> Object {
    let suffix = kit.ctx.rng.name_suffix(5);
    let mut s = Object::new(Kind::SECRET, account.namespace(), &format!("{}-token-{suffix}", account.name()));
    s.set(&["type"], TOKEN_TYPE);
    s.set(&["metadata", "annotations"], map! { OF => account.name(), OF_UID => meta::uid(account) });
    let coded = |text: &str| Value::from(base64::encode(text.as_bytes()));
    let data = map! {
        "ca.crt" => coded(&root_ca::certificate(kit)),
        "namespace" => coded(account.namespace()),
        "token" => coded(&token(kit, account, s.name())),
    };
    s.set(&["data"], data);
    s
}

/// A JSON web token: real header and claims, a signature of random bytes (nobody here verifies it).
fn token(kit: &mut Kit<'_, '_>, account: &Object, secret: &str) -> Str {
    let claims = map! {
        "iss" => "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace" => account.namespace(),
        "kubernetes.io/serviceaccount/secret.name" => secret,
        "kubernetes.io/serviceaccount/service-account.name" => account.name(),
        "kubernetes.io/serviceaccount/service-account.uid" => meta::uid(account),
        "sub" => ecow::eco_format!("system:serviceaccount:{}:{}", account.namespace(), account.name()),
    };
    let url = |bytes: &[u8]| base64::encode(bytes).replace('+', "-").replace('/', "_").replace('=', "");
    let header = url(br#"{"alg":"RS256","kid":"kubedrill"}"#);
    let signature: Vec<u8> = (0..32).flat_map(|_| kit.ctx.rng.next_u64().to_be_bytes()).collect();
    ecow::eco_format!("{header}.{}.{}", url(Value::Map(claims).to_json().as_bytes()), url(&signature))
}
