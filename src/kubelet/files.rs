//! Static pods: manifests in /etc/kubernetes/manifests, and their mirrors in the API.
//! Models pkg/kubelet/config/file.go, common.go and pod/mirror_client.go.

use std::sync::Arc;

use super::worker::Worker;
use super::{Kubelet, Pending, TIMER_MIRRORS};
use crate::api::{Kind, Object, ObjectKey, Request, Response, Value, meta};
use crate::base::{Duration, Str, Time};
use crate::runtime::images;
use crate::sim::{Ctx, Reply};

/// How often the folder is read; changes are noticed at once besides (inotify).
pub const SCAN: Duration = Duration::secs(20);
pub const FOLDER: &str = "/etc/kubernetes/manifests";

const HASH: &str = "kubernetes.io/config.hash";
const MIRROR: &str = "kubernetes.io/config.mirror";

impl Kubelet {
    pub(super) fn scan_manifests(&mut self, ctx: &mut Ctx<'_>) {
        let found: Vec<(Str, Str)> = {
            let host = ctx.host();
            let paths = host.below(FOLDER).filter(|p| {
                let name = p.rsplit('/').next().unwrap_or_default();
                !name.is_empty() && !name.starts_with('.')
            });
            paths.filter_map(|p| Some((p.clone(), host.read(p)?.clone()))).collect()
        };
        let gone: Vec<Str> = self
            .manifests
            .iter()
            .filter(|(path, (text, _))| !found.iter().any(|(p, t)| p == *path && t == text))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            if let Some((_, uid)) = self.manifests.remove(&path) {
                self.drop_static(ctx, &uid);
            }
        }
        for (path, text) in found {
            if !self.manifests.contains_key(&path) {
                let uid = self.add_static(ctx, &path, &text).unwrap_or_default();
                self.manifests.insert(path, (text, uid));
            }
        }
    }

    /// Takes up the pod of a manifest and returns its uid; `None`: the file means no pod.
    fn add_static(&mut self, ctx: &mut Ctx<'_>, path: &Str, text: &str) -> Option<Str> {
        let object = static_pod(text, path, &self.node_name, ctx.now())?;
        let uid = Str::from(meta::uid(&object));
        let key = object.key.clone();
        let worker = Worker::new(Arc::new(object), true, self.recovered.remove(&uid), ctx);
        self.workers.insert(uid.clone(), Arc::new(worker));
        self.statics.insert(key.clone(), uid.clone());
        if let Some(mirror) = self.pods.get(&key).cloned() {
            self.mirror_changed(ctx, mirror);
        } else {
            self.make_mirror(ctx, &uid);
        }
        self.sync(ctx, &uid, true);
        Some(uid)
    }

    /// A manifest went or changed: its pod ends, and its mirror with it.
    fn drop_static(&mut self, ctx: &mut Ctx<'_>, uid: &Str) {
        let Some(arc) = self.workers.get_mut(uid) else { return };
        let w = Arc::make_mut(arc);
        (w.gone, w.is_static, w.cause) = (true, false, ctx.cause);
        let (key, mirror) = (w.pod.key.clone(), w.mirror.take());
        self.statics.remove(&key);
        if let Some(mirror) = mirror {
            self.delete_mirror(ctx, &mirror);
        }
        self.sync(ctx, uid, false);
    }

    pub(super) fn make_mirrors(&mut self, ctx: &mut Ctx<'_>) {
        let all: Vec<Str> = self.statics.values().cloned().collect();
        for uid in all {
            self.make_mirror(ctx, &uid);
        }
    }

    /// Shows a static pod in the API, once the node is there to own it.
    fn make_mirror(&mut self, ctx: &mut Ctx<'_>, uid: &Str) {
        let Some(w) = self.workers.get(uid).filter(|w| w.mirror.is_none() && w.is_static) else { return };
        if !self.pods.synced() || !self.registered() {
            return;
        }
        let mut object = (*w.pod).clone();
        let hash = Str::from(meta::annotation(&object, HASH).unwrap_or_default());
        object.entry(&["metadata", "annotations"]).make_map().insert(MIRROR, hash);
        object.unset(&["metadata", "uid"]);
        object.unset(&["status"]);
        if let Some(mut owner) = self.node_owner() {
            owner.insert("controller", true);
            object.set(&["metadata", "ownerReferences"], list![owner]);
        }
        self.ask(ctx, Pending::Mirror(uid.clone()), Request::create(object));
    }

    pub(super) fn mirror_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, reply: Reply) {
        match reply {
            Ok(Response::Object(object)) => {
                let Some(arc) = self.workers.get_mut(uid) else { return };
                let w = Arc::make_mut(arc);
                if w.mirror.is_none() {
                    w.mirror = Some(object);
                    self.sync(ctx, uid, true);
                }
            }
            _ => ctx.timer(Duration::secs(5), TIMER_MIRRORS, ""),
        }
    }

    pub(super) fn mirror_changed(&mut self, ctx: &mut Ctx<'_>, object: Arc<Object>) {
        let Some(uid) = self.statics.get(&object.key).cloned() else {
            if self.manifests_known() {
                self.delete_mirror(ctx, &object);
            }
            return;
        };
        let Some(mut arc) = self.workers.remove(&uid) else { return };
        let w = Arc::make_mut(&mut arc);
        let stale = meta::annotation(&object, MIRROR) != meta::annotation(&w.pod, HASH);
        let first = w.mirror.is_none();
        let newer = w.mirror.as_ref().is_none_or(|m| object.resource_version > m.resource_version);
        if meta::deleting(&object) || stale {
            // Somebody deleted the mirror: it goes at once and a new one takes its place. The pod
            // itself knows nothing of it.
            w.mirror = None;
            self.workers.insert(uid, arc);
            return self.delete_mirror(ctx, &object);
        }
        if newer {
            w.mirror = Some(object);
        }
        let disputed = w.ready_disputed();
        self.workers.insert(uid.clone(), arc);
        if first || disputed {
            self.sync(ctx, &uid, true);
        }
    }

    fn manifests_known(&self) -> bool {
        self.pods.synced()
    }

    fn delete_mirror(&mut self, ctx: &mut Ctx<'_>, mirror: &Object) {
        let request =
            Request { grace_period_s: Some(0), uid: meta::uid(mirror).into(), ..Request::delete(&mirror.key) };
        self.ask(ctx, Pending::Nothing, request);
    }

    pub(super) fn mirror_removed(&mut self, ctx: &mut Ctx<'_>, object: &Object) {
        let Some(uid) = self.statics.get(&object.key).cloned() else { return };
        if let Some(arc) = self.workers.get_mut(&uid) {
            Arc::make_mut(arc).mirror = None;
            self.make_mirror(ctx, &uid);
        }
    }
}

/// The pod that a manifest file means on this node; `None` if it is no pod.
fn static_pod(text: &str, path: &Str, node: &Str, now: Time) -> Option<Object> {
    let value: Value = crate::api::yaml::read(text).ok()?;
    if value.str("kind") != "Pod" {
        return None;
    }
    let mut object = Object::from_value(Kind::POD, &value);
    let namespace = if object.key.namespace.is_empty() { "default".into() } else { object.key.namespace.clone() };
    let name = ecow::eco_format!("{}-{node}", object.key.name);
    object.key = ObjectKey::new(Kind::POD, namespace.clone(), name.clone());
    object.set(&["metadata", "name"], name);
    object.set(&["metadata", "namespace"], namespace);
    let hash = Str::from(&images::digest(&format!("{node}{path}{text}"))[..32]);
    object.set(&["metadata", "uid"], hash.clone());
    let annotations = object.entry(&["metadata", "annotations"]).make_map();
    annotations.insert(HASH, hash);
    annotations.insert("kubernetes.io/config.source", "file");
    annotations.insert("kubernetes.io/config.seen", ecow::eco_format!("{}", seen(now)));
    object.set(&["spec", "nodeName"], node);
    // The kubelet defaults what the API server would.
    let defaults: [(&str, Value); 6] = [
        ("restartPolicy", "Always".into()),
        ("dnsPolicy", "ClusterFirst".into()),
        ("enableServiceLinks", true.into()),
        ("schedulerName", "default-scheduler".into()),
        ("securityContext", crate::api::Map::new().into()),
        ("terminationGracePeriodSeconds", 30.into()),
    ];
    for (field, default) in defaults {
        if object.get(&["spec", field]).is_none() {
            object.set(&["spec", field], default);
        }
    }
    let tolerations = object.entry(&["spec", "tolerations"]).make_list();
    tolerations.push(map! { "effect" => "NoExecute", "operator" => "Exists" });
    Some(object)
}

/// Nanoseconds in the style of Go's time format.
fn seen(now: Time) -> String {
    format!("{}000Z", now.rfc3339_micro().trim_end_matches('Z'))
}
