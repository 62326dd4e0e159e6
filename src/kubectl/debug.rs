//! `kubectl debug`: a pod on a node, a copy of a pod, or one more container in it.
//! Models kubectl/pkg/cmd/debug with its general profile.

use super::builder;
use super::context::Cx;
use super::error::{Error, Fail, Run, fail};
use crate::api::request::PatchType;
use crate::api::{Kind, List, Map, Object, ObjectKey, Request, Value, Verb, meta, pod};
use crate::base::{Duration, Str};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    validate(cx)?;
    let at = cx.dash.unwrap_or(cx.args.len());
    let (targets, command) = (cx.args[..at].to_vec(), cx.args[at..].to_vec());
    for target in targets {
        let (kind, name) = match target.split_once('/') {
            None => (Kind::POD, target.clone()),
            Some((word, name)) => match builder::one_type(cx, word)?.modelled {
                Some(kind @ (Kind::POD | Kind::NODE)) => (kind, name.into()),
                _ => return fail(format!("\"{word}\" not supported by debug")),
            },
        };
        let namespace = cx.namespace_of(kind)?;
        let object = cx.get(&ObjectKey::new(kind, namespace, name))?;
        let (key, container) = match kind {
            Kind::NODE => on_node(cx, &object, &command)?,
            _ if !cx.flags.text("copy-to").is_empty() => copy(cx, &object, &command)?,
            _ => inside(cx, &object, &command)?,
        };
        let attach = if cx.flags.changed("attach") { cx.flags.yes("attach") } else { cx.flags.yes("stdin") };
        if attach && !container.is_empty() {
            super::run_pod::wait_running(cx, &key)?;
            if kind == Kind::POD && cx.flags.text("copy-to").is_empty() {
                wait_container(cx, &key, &container)?;
            }
            super::exec::attach_to(cx, &key, &container)?;
        }
    }
    Ok(())
}

fn validate(cx: &mut Cx<'_, '_>) -> Run {
    let f = &cx.flags;
    let (image, copy) = (f.text("image"), !f.text("copy-to").is_empty());
    let args = cx.dash.map_or(0, |d| cx.args.len() - d);
    if copy && image.is_empty() && f.all("set-image").is_empty() && args == 0 {
        return fail("you must specify --image, --set-image or command arguments.");
    }
    for (flag, given) in [("replace", f.yes("replace")), ("same-node", f.yes("same-node"))] {
        if given && !copy {
            return fail(format!("--{flag} may only be used with --copy-to."));
        }
    }
    if !copy && !f.all("set-image").is_empty() {
        return fail("--set-image may only be used with --copy-to.");
    }
    if !copy && image.is_empty() {
        return fail("you must specify --image when not using --copy-to.");
    }
    if cx.dash.unwrap_or(cx.args.len()) == 0 {
        return fail(cx.by("NAME is required for debug", "NAME or filename is required for debug"));
    }
    if !matches!(f.text("image-pull-policy"), "" | "Always" | "IfNotPresent" | "Never") {
        return fail(format!("invalid image pull policy: {}", f.text("image-pull-policy")));
    }
    let target = f.text("target").to_owned();
    if !target.is_empty() {
        if copy {
            return fail("--target is incompatible with --copy-to. Use --share-processes instead.");
        }
        if !f.yes("quiet") {
            let line = format!(
                "Targeting container \"{target}\". If you don't see processes from this container it may be because the container runtime doesn't support this feature."
            );
            cx.io.outln(line);
        }
    }
    if cx.flags.yes("tty") && !cx.flags.yes("stdin") {
        return fail("-i/--stdin is required for containers with -t/--tty=true");
    }
    Ok(())
}

fn suffix(cx: &mut Cx<'_, '_>) -> Run<String> {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut n = cx.io.random()?;
    Ok((0..5)
        .map(|_| {
            let c = SAFE[(n % SAFE.len() as u64) as usize];
            n /= SAFE.len() as u64;
            char::from(c)
        })
        .collect())
}

/// The container that is added, as the flags describe it.
fn container(cx: &Cx<'_, '_>, name: &str, command: &[Str]) -> Map {
    let f = &cx.flags;
    let mut c = map! {
        "image" => f.text("image"),
        "name" => name,
        "resources" => map! {},
        "terminationMessagePolicy" => "File",
    };
    if !command.is_empty() {
        let words: List = command.iter().map(Value::from).collect();
        c.insert(if f.yes("arguments-only") { "args" } else { "command" }, words);
    }
    let env: List = f
        .all("env")
        .iter()
        .filter_map(|e| e.split_once('='))
        .map(|(k, v)| Value::Map(map! { "name" => k, "value" => v }))
        .collect();
    if !env.is_empty() {
        c.insert("env", env);
    }
    for (flag, field) in [("stdin", "stdin"), ("tty", "tty")] {
        if f.yes(flag) {
            c.insert(field, true);
        }
    }
    if !f.text("image-pull-policy").is_empty() {
        c.insert("imagePullPolicy", f.text("image-pull-policy"));
    }
    c
}

fn on_node(cx: &mut Cx<'_, '_>, node: &Object, command: &[Str]) -> Run<(ObjectKey, Str)> {
    let name: Str = match cx.flags.text("container") {
        "" => "debugger".into(),
        given => given.into(),
    };
    let id = suffix(cx)?;
    let pod = format!("node-debugger-{}-{id}", node.name());
    if !cx.flags.yes("quiet") {
        let line = format!("Creating debugging pod {pod} with container {name} on node {}.", node.name());
        cx.io.outln(line);
    }
    let mut c = container(cx, &name, command);
    c.insert("volumeMounts", list![map! { "mountPath" => "/host", "name" => "host-root" }]);
    let mut metadata = map! { "name" => pod.as_str() };
    if cx.modern() {
        metadata.insert("labels", map! { "app.kubernetes.io/managed-by" => "kubectl-debug" });
    }
    let body = map! {
        "apiVersion" => "v1",
        "kind" => "Pod",
        "metadata" => metadata,
        "spec" => map! {
            "containers" => list![c],
            "hostIPC" => true,
            "hostNetwork" => true,
            "hostPID" => true,
            "nodeName" => node.name(),
            "restartPolicy" => "Never",
            "tolerations" => list![map! { "operator" => "Exists" }],
            "volumes" => list![map! { "hostPath" => map! { "path" => "/" }, "name" => "host-root" }],
        },
    };
    let key = create(cx, Value::Map(body))?;
    Ok((key, name))
}

fn create(cx: &mut Cx<'_, '_>, body: Value) -> Run<ObjectKey> {
    let namespace = cx.namespace()?;
    let mut request = Request::new(Verb::Create, Kind::POD, namespace, "");
    request.body = Some(body);
    let request = cx.write(request, "kubectl-debug");
    Ok(cx.send_object(request)?.key.clone())
}

fn default_name(cx: &mut Cx<'_, '_>) -> Run<Str> {
    if !cx.flags.text("container").is_empty() {
        return Ok(cx.flags.text("container").into());
    }
    let name = format!("debugger-{}", suffix(cx)?);
    if !cx.flags.yes("quiet") {
        let line = format!("Defaulting debug container name to {name}.");
        cx.io.outln(line);
    }
    Ok(name.into())
}

/// `--copy-to`: the pod again under another name, without what ties it to its owner and node.
fn copy(cx: &mut Cx<'_, '_>, old: &Object, command: &[Str]) -> Run<(ObjectKey, Str)> {
    let mut value = old.to_value();
    let root = value.make_map();
    root.remove("status");
    let mut metadata = map! { "name" => cx.flags.text("copy-to") };
    if let Some(annotations) = old.get(&["metadata", "annotations"]).filter(|_| cx.flags.yes("keep-annotations")) {
        metadata.insert("annotations", annotations.clone());
    }
    if let Some(labels) = meta::labels(old).filter(|_| cx.flags.yes("keep-labels")) {
        metadata.insert("labels", labels.clone());
    }
    root.insert("metadata", metadata);
    let same_node = cx.flags.yes("same-node");
    let spec = value.entry(&["spec"]).make_map();
    if !same_node {
        spec.remove("nodeName");
    }
    spec.remove("ephemeralContainers");
    if cx.flags.yes("share-processes") {
        spec.insert("shareProcessNamespace", true);
    }
    let images = cx.flags.all("set-image").to_vec();
    let existing = cx.flags.text("container").to_owned();
    let known = pod::containers(old).iter().any(|c| c.str("name") == existing);
    let added = if cx.flags.text("image").is_empty() || known { None } else { Some(default_name(cx)?) };
    let new = added.as_ref().map(|name| container(cx, name, command));
    let image = cx.flags.text("image").to_owned();
    let containers = value.entry(&["spec", "containers"]).make_list();
    for c in containers.items_mut() {
        for (name, image) in images.iter().filter_map(|p| p.split_once('=')) {
            if name == "*" || name == c.str("name") {
                c.make_map().insert("image", image);
            }
        }
        if known && c.str("name") == existing {
            if !image.is_empty() {
                c.make_map().insert("image", image.as_str());
            }
            if !command.is_empty() {
                let words: List = command.iter().map(Value::from).collect();
                c.make_map().insert("command", words);
            }
        }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            c.make_map().remove(probe);
        }
    }
    if let Some(c) = new {
        containers.push(c);
    }
    let key = create(cx, value)?;
    if cx.flags.yes("replace") {
        cx.send(Request::delete(&old.key))?;
    }
    Ok((key, added.unwrap_or_else(|| existing.as_str().into())))
}

/// Waits until an added container has started.
fn wait_container(cx: &mut Cx<'_, '_>, key: &ObjectKey, name: &str) -> Run {
    const TRIES: u32 = 600;
    for _ in 0..TRIES {
        let pod = cx.get(key)?;
        let statuses = pod.items(&["status", "ephemeralContainerStatuses"]);
        let state = statuses.iter().find(|s| s.str("name") == name).and_then(|s| s.get("state"));
        if state.is_some_and(|s| s.get("running").is_some() || s.get("terminated").is_some()) {
            break;
        }
        cx.io.sleep(Duration::millis(500))?;
    }
    Ok(())
}

/// One more container in the running pod.
fn inside(cx: &mut Cx<'_, '_>, old: &Object, command: &[Str]) -> Run<(ObjectKey, Str)> {
    let name = default_name(cx)?;
    let mut c = container(cx, &name, command);
    if !cx.flags.text("target").is_empty() {
        c.insert("targetContainerName", cx.flags.text("target"));
    }
    let body = map! { "spec" => map! { "ephemeralContainers" => list![c] } };
    let mut request = Request::patch(&old.key, PatchType::StrategicMerge, Value::Map(body));
    request.subresource = "ephemeralcontainers".into();
    match cx.send_object(request) {
        Ok(after) => Ok((after.key.clone(), name)),
        Err(Fail::Error(Error::Status(s))) if s.message == "the server could not find the requested resource" => {
            let why = super::flags::quote(&s.message);
            let dot = cx.by(".", "");
            fail(format!("ephemeral containers are disabled for this cluster (error from server: {why}){dot}"))
        }
        Err(e) => Err(e),
    }
}
