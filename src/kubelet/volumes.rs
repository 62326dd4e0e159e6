//! Volumes: what a pod's volumes hold is laid below `/var/lib/kubelet/pods` before its sandbox is
//! made, and containers get it mounted. ConfigMaps, Secrets and claims are asked of the API, also those
//! that only environment variables name.
//! Models pkg/kubelet/volumemanager and pkg/volume/{configmap,secret,emptydir,hostpath,projected}.

use std::sync::Arc;

use super::worker::Worker;
use super::{Kubelet, Pending, environment};
use crate::api::selector::FieldSelector;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Value, Verb};
use crate::base::{Duration, Str, base64};
use crate::machine::{Machine, files};
use crate::sim::{Ctx, Reply};

/// An object that a pod names, as far as the kubelet has it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Source {
    pub object: Option<Arc<Object>>,
    /// The server said that there is none.
    pub missing: bool,
    tries: u32,
}

/// What one volume needs from the API.
struct Need {
    kind: Kind,
    name: Str,
    optional: bool,
}

fn need(kind: Kind, name: &str, of: &Value) -> Need {
    Need { kind, name: name.into(), optional: of.get("optional").and_then(Value::as_bool) == Some(true) }
}

/// A service account's token: laid when somebody looks, not asked for.
fn is_token(volume: &Value) -> bool {
    let secret = volume.at(&["secret", "secretName"]).map_or("", Value::as_str);
    secret.contains("-token-") || volume.str("name").starts_with("kube-api-access-")
}

fn needs_of(volume: &Value) -> Vec<Need> {
    if is_token(volume) {
        return Vec::new();
    }
    let mut out = Vec::new();
    if let Some(v) = volume.get("configMap") {
        out.push(need(Kind::CONFIG_MAP, v.str("name"), v));
    }
    if let Some(v) = volume.get("secret") {
        out.push(need(Kind::SECRET, v.str("secretName"), v));
    }
    if let Some(v) = volume.get("persistentVolumeClaim") {
        out.push(need(Kind::PERSISTENT_VOLUME_CLAIM, v.str("claimName"), v));
    }
    for source in volume.at(&["projected", "sources"]).map_or(&[][..], Value::items) {
        if let Some(v) = source.get("configMap") {
            out.push(need(Kind::CONFIG_MAP, v.str("name"), v));
        }
        if let Some(v) = source.get("secret") {
            out.push(need(Kind::SECRET, v.str("name"), v));
        }
    }
    out
}

/// `configmap "name" not found`
pub fn not_found(kind: Kind, name: &str) -> Str {
    ecow::eco_format!("{} \"{name}\" not found", kind.name().to_ascii_lowercase())
}

fn folder(uid: &str, plugin: &str, name: &str) -> Str {
    ecow::eco_format!("/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~{plugin}/{name}")
}

impl Kubelet {
    /// The object, or `None` while it is being asked for (`busy`) or is not there (`missing`).
    pub(super) fn source(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, kind: Kind, name: &str) -> Option<Source> {
        let key = (kind, Str::from(name));
        if let Some(known) = w.sources.get(&key) {
            return Some(known.clone());
        }
        let namespace = if kind.namespaced() { w.pod.key.namespace.clone() } else { Str::new() };
        let request = Request::get(&ObjectKey::new(kind, namespace, name));
        w.busy = true;
        self.ask(ctx, Pending::Source(w.uid.clone(), kind, name.into()), request);
        None
    }

    pub(super) fn source_answered(&mut self, ctx: &mut Ctx<'_>, uid: &Str, kind: Kind, name: &Str, reply: Reply) {
        let Some(arc) = self.workers.get_mut(uid) else { return };
        let w = Arc::make_mut(arc);
        w.busy = false;
        let found = match reply {
            Ok(Response::Object(object)) => Source { object: Some(object), ..Source::default() },
            Ok(Response::Error(s)) if s.reason == Reason::NotFound => Source { missing: true, ..Source::default() },
            _ => {
                let again = Arc::make_mut(arc);
                let mut worker = again.clone();
                self.retry_after(ctx, &mut worker, Duration::secs(2));
                self.workers.insert(uid.clone(), Arc::new(worker));
                return;
            }
        };
        w.sources.insert((kind, name.clone()), found);
        self.sync(ctx, uid, false);
    }

    /// Whether all volumes of the pod lie on the machine; otherwise the next step to it is under way.
    pub(super) fn volumes_ready(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) -> bool {
        if w.mounted {
            return true;
        }
        let volumes: Vec<Value> = w.pod.items(&["spec", "volumes"]).to_vec();
        for volume in &volumes {
            for need in needs_of(volume) {
                let Some(source) = self.source(ctx, w, need.kind, &need.name) else { return false };
                if source.missing && !need.optional {
                    self.mount_failed(ctx, w, volume.str("name"), &need);
                    return false;
                }
                let claimed = source.object.as_ref().map(|o| Str::from(o.str(&["spec", "volumeName"])));
                if let (Kind::PERSISTENT_VOLUME_CLAIM, Some(pv)) = (need.kind, claimed) {
                    let Some(_) = self.source(ctx, w, Kind::PERSISTENT_VOLUME, &pv) else { return false };
                }
            }
        }
        for volume in &volumes {
            lay(ctx, w, volume);
        }
        let watched: Vec<(Kind, Str)> = volumes.iter().flat_map(needs_of).map(|n| (n.kind, n.name)).collect();
        for (kind, name) in watched.into_iter().filter(|(k, _)| matches!(*k, Kind::CONFIG_MAP | Kind::SECRET)) {
            let known = w.sources.get(&(kind, name.clone())).and_then(|s| s.object.as_ref());
            if let Some(from) = known.map(|o| o.resource_version) {
                self.watch_source(ctx, w.uid.clone(), &w.pod.key.namespace, kind, name, from);
            }
        }
        w.mounted = true;
        true
    }

    // --- ConfigMaps and Secrets that change while they are mounted ---

    fn watch_source(&mut self, ctx: &mut Ctx<'_>, uid: Str, namespace: &str, kind: Kind, name: Str, from: u64) {
        let fields = FieldSelector::one("metadata.name", &name);
        let request = Request::new(Verb::Watch, kind, namespace, "");
        let request = Request { fields, resource_version: from, ..request };
        self.ask(ctx, Pending::Watch(uid, kind, name), request);
    }

    pub(super) fn watch_answered(
        &mut self,
        ctx: &mut Ctx<'_>,
        token: u64,
        uid: Str,
        kind: Kind,
        name: Str,
        reply: Reply,
    ) {
        if !self.workers.contains_key(&uid) {
            return;
        }
        match reply {
            Ok(Response::Watching) => {}
            // Read anew, with what changed meanwhile, when the pod is looked at next.
            _ => stale(ctx, &uid),
        }
        self.pending.insert(token, Pending::Watch(uid, kind, name));
    }

    pub(super) fn source_changed(&mut self, ctx: &mut Ctx<'_>, token: u64, object: Arc<Object>) {
        let Some(Pending::Watch(uid, kind, name)) = self.pending.get(&token).cloned() else { return };
        let Some(arc) = self.workers.get_mut(&uid) else {
            self.pending.remove(&token);
            return;
        };
        let source = Source { object: Some(object), ..Source::default() };
        Arc::make_mut(arc).mounted_now.insert((kind, name), source);
        stale(ctx, &uid);
    }

    pub(super) fn watch_closed(&mut self, ctx: &mut Ctx<'_>, token: u64) {
        let Some(Pending::Watch(uid, kind, name)) = self.pending.remove(&token) else { return };
        let Some(w) = self.workers.get(&uid) else { return };
        let known = w.mounted_now.get(&(kind, name.clone())).or(w.sources.get(&(kind, name.clone())));
        let from = known.and_then(|s| s.object.as_ref()).map_or(0, |o| o.resource_version);
        let namespace = w.pod.key.namespace.clone();
        self.watch_source(ctx, uid, &namespace, kind, name, from);
    }

    /// Writes a pod's mounted files anew: what its regular sync does.
    pub(super) fn refresh(&mut self, ctx: &mut Ctx<'_>, uid: &Str) {
        let Some(mut arc) = self.workers.remove(uid) else { return };
        let w = Arc::make_mut(&mut arc);
        if w.mounted && !w.ended && w.killing.is_none() {
            for volume in w.pod.items(&["spec", "volumes"]).to_vec() {
                lay(ctx, w, &volume);
            }
        }
        self.workers.insert(uid.clone(), arc);
    }

    fn mount_failed(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, volume: &str, need: &Need) {
        let text = ecow::eco_format!(
            "MountVolume.SetUp failed for volume \"{volume}\" : {}",
            not_found(need.kind, &need.name)
        );
        self.event(ctx, w, None, "Warning", "FailedMount", text);
        self.forget_missing(ctx, w);
    }

    /// Asks again later for what was not there: after half a second, then twice as long each time.
    pub(super) fn forget_missing(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        w.sources = w.sources.iter().filter(|(_, s)| !s.missing).map(|(k, s)| (k.clone(), s.clone())).collect();
        let wait = Duration::millis(500 << w.mount_tries.min(8)).min(Duration::secs(122));
        w.mount_tries += 1;
        self.retry_after(ctx, w, wait);
    }
}

/// A pod's regular sync comes once in 60 to 90 s; its files follow a change only then.
pub fn stale(ctx: &mut Ctx<'_>, uid: &Str) {
    let wait = ctx.rng.between(Duration::secs(5), Duration::secs(80));
    ctx.timer(wait, super::TIMER_REFRESH, uid.clone());
}

/// Writes a volume's files.
fn lay(ctx: &mut Ctx<'_>, w: &Worker, volume: &Value) {
    let now = ctx.now();
    let (name, uid) = (volume.str("name"), &w.uid);
    let get = |kind: Kind, name: &str| {
        let key = (kind, Str::from(name));
        w.mounted_now.get(&key).or(w.sources.get(&key)).and_then(|s| s.object.clone())
    };
    let mut sources: Vec<(Str, Option<Arc<Object>>, Value)> = Vec::new();
    if let Some(v) = volume.get("configMap") {
        sources.push((folder(uid, "configmap", name), get(Kind::CONFIG_MAP, v.str("name")), v.clone()));
    }
    if let Some(v) = volume.get("secret").filter(|_| !is_token(volume)) {
        sources.push((folder(uid, "secret", name), get(Kind::SECRET, v.str("secretName")), v.clone()));
    }
    for source in volume.at(&["projected", "sources"]).filter(|_| !is_token(volume)).map_or(&[][..], Value::items) {
        for (field, kind) in [("configMap", Kind::CONFIG_MAP), ("secret", Kind::SECRET)] {
            if let Some(v) = source.get(field) {
                sources.push((folder(uid, "projected", name), get(kind, v.str("name")), v.clone()));
            }
        }
    }
    let downward = |of: &Value| -> Vec<(Str, Str)> {
        let items = of.get("items").map_or(&[][..], Value::items).iter();
        items.map(|i| (i.str("path").into(), environment::downward(w, i, ctx.host()))).collect()
    };
    let mut plain: Vec<(Str, Vec<(Str, Str)>)> = Vec::new();
    if let Some(of) = volume.get("downwardAPI") {
        plain.push((folder(uid, "downward-api", name), downward(of)));
    }
    for source in volume.at(&["projected", "sources"]).filter(|_| !is_token(volume)).map_or(&[][..], Value::items) {
        if let Some(of) = source.get("downwardAPI") {
            plain.push((folder(uid, "projected", name), downward(of)));
        }
    }
    let host = ctx.host_mut();
    for (folder, texts) in plain {
        files::make_folder(host, &folder, now);
        for (path, text) in texts {
            put(host, &format!("{folder}/{path}"), text, now);
        }
    }
    for (folder, object, of) in sources {
        files::make_folder(host, &folder, now);
        for (key, text) in object.map(|o| data(&o)).unwrap_or_default() {
            let items = of.get("items").map_or(&[][..], Value::items);
            let path = match items.iter().find(|i| i.str("key") == key.as_str()) {
                Some(item) => Str::from(item.str("path")),
                None if items.is_empty() => key,
                None => continue,
            };
            put(host, &format!("{folder}/{path}"), text, now);
        }
    }
    if volume.get("emptyDir").is_some() {
        files::make_folder(host, &folder(uid, "empty-dir", name), now);
    }
    if let Some(path) = volume.get("hostPath")
        && matches!(path.str("type"), "" | "DirectoryOrCreate")
        && files::stat(host, path.str("path")).is_none()
    {
        files::make_folder(host, path.str("path").trim_end_matches('/'), now);
    }
}

/// Files that did not change stay as they are.
fn put(host: &mut Machine, path: &str, text: Str, now: crate::base::Time) {
    if host.read(path) != Some(&text) {
        host.write(path, text, now);
    }
}

/// Keys and texts of a ConfigMap or Secret.
pub fn data(object: &Object) -> Vec<(Str, Str)> {
    let secret = object.kind() == Kind::SECRET;
    let read = |text: &str| match secret {
        true => base64::decode(text).map(|b| Str::from(String::from_utf8_lossy(&b).as_ref())).unwrap_or_default(),
        false => text.into(),
    };
    let all = object.get(&["data"]).and_then(Value::as_map).cloned().unwrap_or_default();
    all.iter().map(|(k, v)| (k.clone(), read(v.as_str()))).collect()
}

/// Where in the container, and where on the machine, each volume of its container `i` lies. A `subPath` of
/// files that the kubelet writes is a copy: what is written later does not reach it.
pub fn mounts(ctx: &mut Ctx<'_>, w: &Worker, i: usize, spec: &Value) -> Vec<(Str, Str)> {
    let volumes = w.pod.items(&["spec", "volumes"]);
    let mut out = Vec::new();
    for (n, mount) in spec.get("volumeMounts").map_or(&[][..], Value::items).iter().enumerate() {
        let Some(volume) = volumes.iter().find(|v| v.str("name") == mount.str("name")) else { continue };
        let mut source = location(w, volume);
        if !mount.str("subPath").is_empty() {
            source = ecow::eco_format!("{source}/{}", mount.str("subPath"));
            let written = WRITTEN.iter().any(|(field, _)| volume.get(field).is_some());
            if let Some(text) = ctx.host().read(&source).cloned().filter(|_| written) {
                let (uid, name) = (&w.uid, &w.containers[i].name);
                source =
                    ecow::eco_format!("/var/lib/kubelet/pods/{uid}/volume-subpaths/{}/{name}/{n}", volume.str("name"));
                let now = ctx.now();
                ctx.host_mut().write(&source, text, now);
            }
        }
        out.push((mount.str("mountPath").trim_end_matches('/').into(), source));
    }
    out
}

/// Volumes whose files the kubelet writes: field, and folder of the plugin.
const WRITTEN: [(&str, &str); 4] =
    [("configMap", "configmap"), ("secret", "secret"), ("projected", "projected"), ("downwardAPI", "downward-api")];

fn location(w: &Worker, volume: &Value) -> Str {
    let name = volume.str("name");
    if let Some(path) = volume.get("hostPath") {
        return path.str("path").trim_end_matches('/').into();
    }
    if let Some(claim) = volume.get("persistentVolumeClaim") {
        let get = |kind: Kind, name: &str| w.sources.get(&(kind, name.into())).and_then(|s| s.object.clone());
        let claim = get(Kind::PERSISTENT_VOLUME_CLAIM, claim.str("claimName"));
        let pv = claim.and_then(|c| get(Kind::PERSISTENT_VOLUME, c.str(&["spec", "volumeName"])));
        let path = pv.as_ref().map(|pv| {
            let of = |kind: &str| Str::from(pv.str(&["spec", kind, "path"]));
            [of("hostPath"), of("local")].into_iter().find(|p| !p.is_empty()).unwrap_or_default()
        });
        return match path {
            Some(path) if !path.is_empty() => path.trim_end_matches('/').into(),
            _ => folder(&w.uid, "nfs", name),
        };
    }
    let plugin =
        WRITTEN.iter().find(|(field, _)| volume.get(field).is_some()).map_or("empty-dir", |(_, plugin)| plugin);
    folder(&w.uid, plugin, name)
}

/// Takes away what lay on the machine for a pod.
pub fn clean_up(machine: &mut Machine, uid: &str, now: crate::base::Time) {
    let folder = format!("/var/lib/kubelet/pods/{uid}");
    if machine.below(&folder).next().is_some() {
        files::remove(machine, &folder, now);
    }
}
