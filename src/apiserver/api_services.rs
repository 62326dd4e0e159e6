//! One APIService for each group and version that the server itself serves.
//! Models cmd/kube-apiserver/app/aggregator.go and kube-aggregator's autoregister and available controllers.

use std::collections::BTreeMap;

use super::ApiServer;
use crate::api::{Kind, Object, ObjectKey, Request, Value, custom, meta};
use crate::base::{Duration, Str, Time};
use crate::etcd::EtcdData;
use crate::network::{self, Outcome};
use crate::sim::{Ctx, Profile, TraceId};

/// How often the server behind an API service is asked whether it is there.
const TRIED_EVERY: Duration = Duration::secs(30);
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

/// Name, priority and the versions that 1.20 served of each group.
const GROUPS: [(&str, i64, &str); 21] = [
    ("", 18_000, "v1"),
    ("apps", 17_800, "v1"),
    ("events.k8s.io", 17_750, "v1 v1beta1"),
    ("authentication.k8s.io", 17_700, "v1 v1beta1"),
    ("authorization.k8s.io", 17_600, "v1 v1beta1"),
    ("autoscaling", 17_500, "v1 v2beta1 v2beta2"),
    ("batch", 17_400, "v1 v1beta1"),
    ("certificates.k8s.io", 17_300, "v1 v1beta1"),
    ("networking.k8s.io", 17_200, "v1 v1beta1"),
    ("extensions", 17_150, "v1beta1"),
    ("policy", 17_100, "v1beta1"),
    ("rbac.authorization.k8s.io", 17_000, "v1 v1beta1"),
    ("storage.k8s.io", 16_800, "v1 v1beta1"),
    ("apiextensions.k8s.io", 16_700, "v1 v1beta1"),
    ("admissionregistration.k8s.io", 16_700, "v1 v1beta1"),
    ("scheduling.k8s.io", 16_600, "v1 v1beta1"),
    ("coordination.k8s.io", 16_500, "v1 v1beta1"),
    ("node.k8s.io", 16_300, "v1 v1beta1"),
    ("discovery.k8s.io", 16_200, "v1beta1"),
    ("flowcontrol.apiserver.k8s.io", 16_100, "v1beta1"),
    ("resource.k8s.io", 15_900, ""),
];

pub fn objects(profile: Profile, now: Time) -> Vec<Object> {
    let mut all = Vec::new();
    for (group, priority, versions) in GROUPS {
        let versions = match (profile, group) {
            (Profile::Book, _) => versions,
            (Profile::Modern, "autoscaling") => "v1 v2",
            (Profile::Modern, "extensions") => "",
            (Profile::Modern, _) => "v1",
        };
        for version in versions.split(' ').filter(|v| !v.is_empty()) {
            let rank = match version {
                "v1" if group.is_empty() => 1,
                "v1" => 15,
                "v2" => 30,
                "v2beta2" | "v1beta1" if group == "extensions" || version == "v2beta2" => 1,
                "v1beta1" if matches!(group, "discovery.k8s.io" | "flowcontrol.apiserver.k8s.io") => 12,
                "v1beta1" if group == "events.k8s.io" => 5,
                _ => 9,
            };
            let mut object = Object::new(Kind::API_SERVICE, "", &format!("{version}.{group}"));
            object.set(&["metadata", "labels"], map! { "kube-aggregator.kubernetes.io/automanaged" => "onstart" });
            let mut spec = map! { "groupPriorityMinimum" => priority, "version" => version, "versionPriority" => rank };
            if !group.is_empty() {
                spec.insert("group", group);
            }
            object.set(&["spec"], spec);
            let available = map! {
                "lastTransitionTime" => now.rfc3339(), "message" => "Local APIServices are always available",
                "reason" => "Local", "status" => "True", "type" => "Available",
            };
            object.set(&["status", "conditions"], list![available]);
            all.push(object);
        }
    }
    all
}

/// The condition `Available`.
fn available(status: &str, reason: &str, message: &str, now: Time) -> Value {
    let at = now.rfc3339();
    map! { "lastTransitionTime" => at, "message" => message, "reason" => reason, "status" => status, "type" => "Available" }
        .into()
}

/// Whether the server behind an API service answers: status, reason and message.
/// Models kube-aggregator/pkg/controllers/status/remote_available_controller.go.
fn tried(ctx: &mut Ctx<'_>, etcd: u32, service: &Object) -> (&'static str, &'static str, String) {
    let of = |key: &str| Str::from(service.str(&["spec", "service", key]));
    let (namespace, name) = (of("namespace"), of("name"));
    let port = service.int(&["spec", "service", "port"]).and_then(|p| u16::try_from(p).ok()).unwrap_or(443);
    let path = format!("/apis/{}/{}", service.str(&["spec", "group"]), service.str(&["spec", "version"]));
    let find = |ctx: &Ctx<'_>, kind| {
        let data: Option<&EtcdData> = ctx.world.machine(etcd).etcd_data.as_ref();
        data.and_then(|d| d.get(&ObjectKey::new(kind, namespace.clone(), name.clone()))).cloned()
    };
    let Some(target) = find(ctx, Kind::SERVICE) else {
        return ("False", "ServiceNotFound", format!("service/{name} in \"{namespace}\" is not present"));
    };
    let named =
        target.items(&["spec", "ports"]).iter().find(|p| p.get("port").and_then(Value::as_int) == Some(port.into()));
    let Some(named) = named else {
        return (
            "False",
            "ServicePortError",
            format!("service/{name} in \"{namespace}\" is not listening on port {port}"),
        );
    };
    let ready = find(ctx, Kind::ENDPOINTS).is_some_and(|e| {
        e.items(&["subsets"]).iter().any(|s| s.get("addresses").is_some_and(|a| !a.items().is_empty()))
    });
    if !ready {
        let port = named.str("name");
        let message =
            format!("endpoints for service/{name} in \"{namespace}\" have no addresses with port name \"{port}\"");
        return ("False", "MissingEndpoints", message);
    }
    let ip = Str::from(target.str(&["spec", "clusterIP"]));
    let machine = ctx.machine;
    let why = match network::connect(ctx.world, machine, None, &ip, port, TraceId::NONE).outcome {
        Outcome::Ok(peer) if peer.actor.is_some() => return ("True", "Passed", "all checks passed".to_owned()),
        Outcome::Ok(_) => "bad status from",
        Outcome::Refused => "connection refused",
        Outcome::NoRoute => "no route to host",
        Outcome::Timeout => "context deadline exceeded",
    };
    let url = format!("https://{ip}:{port}{path}");
    let message =
        format!("failing or missing response from {url}: Get \"{url}\": dial tcp {ip}:{port}: connect: {why}");
    ("False", "FailedDiscoveryCheck", message)
}

impl ApiServer {
    /// Tries the server behind an API service and writes down what came of it.
    pub(super) fn try_service(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        ctx.cause = TraceId::NONE;
        let key = ObjectKey::new(Kind::API_SERVICE, "", name);
        let Some(etcd) = Self::etcd_machine(ctx) else { return ctx.timer(TRIED_EVERY, super::TIMER_AVAILABLE, name) };
        let found = ctx.world.machine(etcd).etcd_data.as_ref().and_then(|d| d.get(&key)).cloned();
        let Some(service) = found.filter(|s| s.get(&["spec", "service"]).is_some()) else { return };
        let (status, reason, message) = tried(ctx, etcd, &service);
        let before = service.items(&["status", "conditions"]).iter().find(|c| c.str("type") == "Available");
        if before.is_none_or(|c| (c.str("status"), c.str("reason"), c.str("message")) != (status, reason, &message)) {
            let mut next = (*service).clone();
            let mut now = available(status, reason, &message, ctx.now());
            if let Some(old) = before.filter(|c| c.str("status") == status) {
                now.make_map().insert("lastTransitionTime", old.str("lastTransitionTime"));
            }
            next.set(&["status", "conditions"], list![now]);
            self.own_write(ctx, Request::update_status(next));
        }
        // What is missing is noticed when it comes; a round a second stands for the watches.
        let again = if status == "True" { TRIED_EVERY } else { Duration::secs(1) };
        ctx.timer(again, super::TIMER_AVAILABLE, name);
    }

    /// One API service for each group and version of custom resources.
    /// Models crdregistration_controller.go.
    pub(super) fn api_services(&mut self, ctx: &mut Ctx<'_>) {
        let data = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref());
        let Some(data) = data else { return };
        let mut wanted: BTreeMap<Str, Object> = BTreeMap::new();
        for crd in data.list(Kind::CUSTOM_RESOURCE_DEFINITION, "", None).filter(|c| custom::established(c)) {
            for version in custom::served(crd) {
                let group = crd.str(&["spec", "group"]);
                let name = ecow::eco_format!("{version}.{group}");
                let mut object = Object::new(Kind::API_SERVICE, "", &name);
                object.set(&["metadata", "labels"], map! { MANAGED => "true" });
                let spec = map! {
                    "group" => group, "groupPriorityMinimum" => 1_000, "version" => version, "versionPriority" => 100,
                };
                object.set(&["spec"], spec);
                let local = available("True", "Local", "Local APIServices are always available", ctx.now());
                object.set(&["status", "conditions"], list![local]);
                wanted.insert(name, object);
            }
        }
        let mut surplus = Vec::new();
        let ours = |o: &Object| meta::labels(o).is_some_and(|l| l.str(MANAGED) == "true");
        for o in data.list(Kind::API_SERVICE, "", None).filter(|o| ours(o)) {
            if wanted.remove(o.name()).is_none() {
                surplus.push(o.key.clone());
            }
        }
        for object in wanted.into_values() {
            self.own_write(ctx, Request::create(object));
        }
        for key in surplus {
            self.own_write(ctx, Request::delete(&key));
        }
    }
}
