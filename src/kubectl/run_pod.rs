//! `kubectl run`.
//! Models kubectl/pkg/cmd/run run.go.

use super::context::{Cx, DryRun};
use super::create::{confirm, record};
use super::error::{Fail, Run, fail};
use super::{apply, get, print};
use crate::api::{Kind, List, Map, ObjectKey, Request, Value, patch, pod};
use crate::base::Str;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let Some(name) = cx.args.first().cloned().filter(|_| cx.dash != Some(0)) else {
        return cx.usage("NAME is required for run");
    };
    let image = cx.flags.text("image").to_owned();
    if image.is_empty() {
        return fail("--image is required");
    }
    if !valid_image(&image) {
        return fail(format!("Invalid image name \"{image}\": invalid reference format"));
    }
    let (tty, stdin) = (cx.flags.yes("tty"), cx.flags.yes("stdin"));
    let attach = if cx.flags.changed("attach") { cx.flags.yes("attach") } else { tty || stdin };
    if tty && !stdin {
        return cx.usage("-i/--stdin is required for containers with -t/--tty=true");
    }
    if cx.flags.yes("expose") && cx.flags.text("port").is_empty() {
        return cx.usage("--port must be set when exposing a service");
    }
    let restart = cx.flags.text("restart").to_owned();
    if !matches!(restart.as_str(), "Always" | "OnFailure" | "Never") {
        return cx.usage(format!("invalid restart policy: {restart}"));
    }
    if cx.flags.yes("rm") && !attach {
        return cx.usage("--rm should only be used for attached containers");
    }
    if !matches!(cx.flags.text("image-pull-policy"), "" | "Always" | "IfNotPresent" | "Never") {
        let text = format!("invalid image pull policy: {}", cx.flags.text("image-pull-policy"));
        return cx.usage(text);
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let mut value = template(cx, &name, &image, &restart)?;
    if cx.flags.yes("save-config") && cx.dry_run() != DryRun::Client {
        apply::annotate(cx, &mut value);
    }
    record(cx, &mut value);
    overrides(cx, &mut value)?;
    let namespace = cx.namespace()?;
    let rest = |cx: &mut Cx<'_, '_>| -> Run {
        if !cx.flags.yes("expose") {
            return Ok(());
        }
        expose(cx, &name, format.as_ref())?;
        // Upstream writes this line and its printer another.
        if matches!(format, Some(print::Format::Yaml)) {
            cx.io.out("---\n");
        }
        Ok(())
    };
    if cx.dry_run() == DryRun::Client {
        if cx.flags.changed("namespace") {
            value.entry(&["metadata"]).make_map().insert("namespace", &namespace);
        }
        rest(cx)?;
        return confirm(cx, format.as_ref(), &value, "created");
    }
    let mut request = Request::new(crate::api::Verb::Create, Kind::POD, namespace.clone(), "");
    request.body = Some(value);
    let request = cx.write(request, "kubectl-run");
    let made = cx.send_object(request)?;
    rest(cx)?;
    if attach {
        return attached(cx, &made.key);
    }
    let shown = get::value_of(cx, &made);
    confirm(cx, format.as_ref(), &shown, "created")
}

/// A reference as docker's distribution library reads it, as far as its characters go.
fn valid_image(image: &str) -> bool {
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    };
    let name = name.split('@').next().unwrap_or(name);
    let part_ok =
        |p: &str| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    let parts: Vec<&str> = name.split('/').collect();
    let lower = parts.iter().skip(usize::from(parts.len() > 1)).all(|p| !p.chars().any(|c| c.is_ascii_uppercase()));
    let tag_ok = tag
        .is_none_or(|t| !t.is_empty() && t.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    parts.iter().all(|p| part_ok(p)) && lower && tag_ok
}

fn template(cx: &Cx<'_, '_>, name: &str, image: &str, restart: &str) -> Run<Value> {
    let flags = &cx.flags;
    let mut c = map! { "image" => image, "name" => name, "resources" => resources(cx)? };
    let args: List = cx.args.iter().skip(1).map(Value::from).collect();
    if !args.is_empty() {
        c.insert(if flags.yes("command") { "command" } else { "args" }, args);
    }
    let mut env = List::new();
    for pair in flags.all("env").iter().filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some((k, v)) if !k.is_empty() => env.push(map! { "name" => k, "value" => v }),
            _ => return fail(format!("invalid env: {pair}")),
        }
    }
    if !env.is_empty() {
        c.insert("env", env);
    }
    if !flags.text("port").is_empty() {
        match flags.text("port").parse::<i64>() {
            Ok(port) => {
                let mut one = map! { "containerPort" => port };
                if flags.int("hostport") > 0 {
                    one.insert("hostPort", flags.int("hostport"));
                }
                c.insert("ports", list![one]);
            }
            Err(_) => {
                let text = super::flags::quote(flags.text("port"));
                return fail(format!("strconv.Atoi: parsing {text}: invalid syntax"));
            }
        }
    }
    if flags.text("port").is_empty() && flags.int("hostport") > 0 {
        return fail("--hostport requires --port to be specified");
    }
    if !flags.text("image-pull-policy").is_empty() {
        c.insert("imagePullPolicy", flags.text("image-pull-policy"));
    }
    if flags.yes("privileged") {
        c.insert("securityContext", map! { "privileged" => true });
    }
    if flags.yes("stdin") {
        c.insert("stdin", true);
        if !flags.yes("leave-stdin-open") {
            c.insert("stdinOnce", true);
        }
    }
    if flags.yes("tty") {
        c.insert("tty", true);
    }
    let mut labels = label_pairs(cx)?;
    if labels.is_empty() {
        labels.insert("run", name);
    }
    let mut meta = map! { "labels" => labels, "name" => name };
    let annotations: Map =
        flags.all("annotations").iter().filter_map(|a| a.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
    if !annotations.is_empty() {
        meta.insert("annotations", annotations);
    }
    if !cx.modern() {
        meta.insert("creationTimestamp", Value::Null);
    }
    let mut spec = map! { "containers" => list![c], "dnsPolicy" => "ClusterFirst", "restartPolicy" => restart };
    if !flags.text("serviceaccount").is_empty() {
        spec.insert("serviceAccountName", flags.text("serviceaccount"));
    }
    Ok(Value::Map(map! {
        "apiVersion" => "v1",
        "kind" => "Pod",
        "metadata" => meta,
        "spec" => spec,
        "status" => map! {},
    }))
}

/// `--requests` and `--limits` of 1.20.
fn resources(cx: &Cx<'_, '_>) -> Run<Map> {
    let mut out = Map::new();
    for field in ["limits", "requests"] {
        let all = super::create::quantities(cx.flags.text(field))?;
        if !all.is_empty() {
            out.insert(field, all);
        }
    }
    Ok(out)
}

fn label_pairs(cx: &Cx<'_, '_>) -> Run<Map> {
    let mut labels = Map::new();
    for pair in cx.flags.text("labels").split(',').filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some((k, v)) if !k.is_empty() => labels.insert(k, v),
            _ => return fail(format!("unexpected label spec: {pair}")),
        }
    }
    Ok(labels)
}

/// `--overrides`: JSON merged over what was generated.
fn overrides(cx: &Cx<'_, '_>, value: &mut Value) -> Run {
    let text = cx.flags.text("overrides");
    if text.is_empty() {
        return Ok(());
    }
    match Value::from_json(text) {
        Ok(over) => {
            let merged = patch::json_merge(value, &over);
            *value = crate::api::codec::normalize(Kind::POD, &merged, cx.profile);
            Ok(())
        }
        Err(_) => fail("Invalid JSON Patch"),
    }
}

fn expose(cx: &mut Cx<'_, '_>, name: &str, format: Option<&print::Format>) -> Run {
    let Ok(port) = cx.flags.text("port").parse::<i64>() else {
        return fail("--port must be set when exposing a service");
    };
    let mut meta = map! { "name" => name };
    if !cx.modern() {
        meta.insert("creationTimestamp", Value::Null);
    }
    let mut selector = label_pairs(cx)?;
    if selector.is_empty() {
        selector.insert("run", name);
    } else {
        meta.insert("labels", selector.clone());
    }
    let value = Value::Map(map! {
        "apiVersion" => "v1",
        "kind" => "Service",
        "metadata" => meta,
        "spec" => map! {
            "ports" => list![map! { "port" => port, "protocol" => "TCP", "targetPort" => port }],
            "selector" => selector,
        },
        "status" => map! { "loadBalancer" => map! {} },
    });
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, format, &value, "created");
    }
    let namespace = cx.namespace()?;
    let mut request = Request::new(crate::api::Verb::Create, Kind::SERVICE, namespace, "");
    request.body = Some(value);
    let request = cx.write(request, "kubectl-run");
    let made = cx.send_object(request)?;
    let shown = get::value_of(cx, &made);
    confirm(cx, format, &shown, "created")
}

/// `-i`, `-t`: waits until the pod runs, then attaches to it.
fn attached(cx: &mut Cx<'_, '_>, key: &ObjectKey) -> Run {
    let rm = cx.flags.yes("rm");
    let outcome = (|| {
        let object = wait_running(cx, key)?;
        let container: Str = pod::containers(&object).first().map_or("", |c| c.str("name")).into();
        super::exec::attach_to(cx, key, &container)?;
        if cx.flags.text("restart") == "Always" {
            return Ok(());
        }
        ended(cx, key)
    })();
    if let Err(Fail::Stop(stop)) = outcome {
        return Err(Fail::Stop(stop));
    }
    if rm {
        super::delete::delete(cx, key, None)?;
    }
    outcome
}

/// The pod's end is the command's: models run.go handleAttachPod.
fn ended(cx: &mut Cx<'_, '_>, key: &ObjectKey) -> Run {
    loop {
        let Some(object) = cx.find(key)? else { return Ok(()) };
        match pod::phase(&object) {
            "Succeeded" => return Ok(()),
            "Failed" => {
                let state =
                    pod::container_statuses(&object).first().and_then(|s| s.at(&["state", "terminated"])).cloned();
                let state = state.unwrap_or_default();
                let (reason, message) = (state.str("reason"), state.str("message"));
                let more = if message.is_empty() { String::new() } else { format!("\n{message}") };
                let line = format!("pod {}/{} terminated ({reason}){more}", key.namespace, key.name);
                cx.io.errln(line);
                let code = state.get("exitCode").and_then(crate::api::Value::as_int).unwrap_or(1);
                return super::exit(i32::try_from(code).unwrap_or(1));
            }
            _ => {}
        }
        super::delete::watch_until(cx, key, object.resource_version, None, |_, o| pod::terminal(o))?;
    }
}

/// The pod once it runs or has ended.
pub fn wait_running(cx: &mut Cx<'_, '_>, key: &ObjectKey) -> Run<std::sync::Arc<crate::api::Object>> {
    loop {
        let object = cx.get(key)?;
        if matches!(pod::phase(&object), "Running" | "Succeeded" | "Failed") {
            return Ok(object);
        }
        let deadline = cx.now()? + cx.flags.time("pod-running-timeout");
        super::delete::watch_until(cx, key, object.resource_version, Some(deadline), |_, o| {
            matches!(pod::phase(o), "Running" | "Succeeded" | "Failed")
        })?;
    }
}
