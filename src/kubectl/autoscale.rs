//! `kubectl autoscale`.
//! Models kubectl/pkg/cmd/autoscale autoscale.go.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::{confirm, record};
use super::error::{self, Run, fail};
use super::{discovery, get, print};
use crate::api::{Kind, List, Request, Value};
use crate::base::Str;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let (min, max) = (cx.flags.int("min"), cx.flags.int("max"));
    if max < 1 {
        return fail(format!("--max=MAXPODS is required and must be at least 1, max: {max}"));
    }
    if max < min {
        return fail(format!("--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}"));
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let args = cx.args.clone();
    let (items, mut errors) = builder::items(cx, &args, Options { lenient: true, ..Options::default() })?;
    for info in builder::fetch(cx, items, &mut errors)? {
        let outcome = autoscale(cx, &info, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn autoscale(cx: &mut Cx<'_, '_>, info: &Info, format: Option<&print::Format>) -> Run {
    let scalable = [Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::REPLICATION_CONTROLLER, Kind::STATEFUL_SET];
    if !scalable.contains(&info.kind) {
        let r = info.resource;
        return fail(format!(
            "cannot autoscale a {}: could not find scale subresource for {}, Resource={} in discovery information",
            r.kind,
            if r.group().is_empty() { "/v1" } else { r.api_version },
            r.name
        ));
    }
    let name: Str = match cx.flags.text("name") {
        "" => info.key.name.clone(),
        given => given.into(),
    };
    let mut spec = map! {
        "maxReplicas" => cx.flags.int("max"),
        "scaleTargetRef" => map! {
            "apiVersion" => info.resource.api_version,
            "kind" => info.resource.kind,
            "name" => &info.key.name,
        },
    };
    if cx.flags.int("min") > 0 {
        spec.insert("minReplicas", cx.flags.int("min"));
    }
    let metrics = metrics(cx);
    if metrics.is_empty() && cx.modern() {
        // 1.36 looks for an autoscaler of the old version that it could stand for, and finds none.
        return fail(
            "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input",
        );
    }
    if !metrics.is_empty() {
        spec.insert("metrics", metrics);
    }
    let mut meta = map! { "name" => &name };
    if !cx.modern() {
        meta.insert("creationTimestamp", Value::Null);
    }
    let mut value = Value::Map(map! {
        "apiVersion" => Kind::HORIZONTAL_POD_AUTOSCALER.api_version(),
        "kind" => "HorizontalPodAutoscaler",
        "metadata" => meta,
        "spec" => spec,
    });
    if cx.flags.yes("save-config") {
        super::apply::annotate(cx, &mut value);
    }
    record(cx, &mut value);
    if cx.dry_run() == DryRun::Client {
        let api_version = discovery::of_kind(cx.profile, Kind::HORIZONTAL_POD_AUTOSCALER).map_or("", |r| r.api_version);
        value.make_map().insert("apiVersion", api_version);
        value.make_map().insert("status", map! { "currentReplicas" => 0, "desiredReplicas" => 0 });
        return confirm(cx, format, &value, "autoscaled");
    }
    let namespace = info.key.namespace.clone();
    let mut request = Request::new(crate::api::Verb::Create, Kind::HORIZONTAL_POD_AUTOSCALER, namespace, "");
    request.body = Some(value);
    let request = cx.write(request, "kubectl-autoscale");
    let made = cx.send_object(request)?;
    let shown = get::value_of(cx, &made);
    confirm(cx, format, &shown, "autoscaled")
}

fn metrics(cx: &Cx<'_, '_>) -> List {
    let mut out = List::new();
    let percent = cx.flags.int("cpu-percent");
    let mut add = |resource: &str, target: crate::api::Map| {
        out.push(map! { "resource" => map! { "name" => resource, "target" => target }, "type" => "Resource" });
    };
    let utilization = |n: i64| map! { "averageUtilization" => n, "type" => "Utilization" };
    if percent >= 0 {
        add("cpu", utilization(percent));
    }
    for resource in ["cpu", "memory"] {
        let text = cx.flags.text(resource);
        match text.strip_suffix('%').and_then(|n| n.parse().ok()) {
            Some(n) => add(resource, utilization(n)),
            None if !text.is_empty() => add(resource, map! { "averageValue" => text, "type" => "AverageValue" }),
            None => {}
        }
    }
    out
}
