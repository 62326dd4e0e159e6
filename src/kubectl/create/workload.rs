//! `kubectl create deployment|job|cronjob`.

use super::super::context::Cx;
use super::super::error::{Run, fail};
use super::super::{builder, discovery};
use super::{finish, object, one_name};
use crate::api::{Kind, List, ObjectKey, Value};
use crate::base::Str;

pub fn deployment(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let images = cx.flags.all("image").to_vec();
    let command = command(cx);
    if images.len() > 1 && !command.is_empty() {
        return fail("cannot specify multiple --image options and command");
    }
    let port = cx.flags.int("port");
    let containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut c = map! { "image" => image, "name" => container_name(image), "resources" => map! {} };
            if !command.is_empty() {
                c.insert("command", command.clone());
            }
            if port >= 0 && cx.flags.changed("port") {
                c.insert("ports", list![map! { "containerPort" => port }]);
            }
            Value::Map(c)
        })
        .collect();
    let labels = map! { "app" => &name };
    let mut meta = super::metadata(cx, "");
    meta.make_map().remove("name");
    meta.make_map().insert("labels", labels.clone());
    let mut value = object(cx, Kind::DEPLOYMENT, &name);
    value.entry(&["metadata"]).make_map().insert("labels", labels.clone());
    value.make_map().insert(
        "spec",
        map! {
            "replicas" => cx.flags.int("replicas"),
            "selector" => map! { "matchLabels" => labels },
            "strategy" => map! {},
            "template" => map! { "metadata" => meta, "spec" => map! { "containers" => containers } },
        },
    );
    value.make_map().insert("status", map! {});
    finish(cx, Kind::DEPLOYMENT, value, "deployment")
}

/// What stands after `--`, or after the name.
fn command(cx: &Cx<'_, '_>) -> List {
    cx.args.get(1..).unwrap_or_default().iter().map(Value::from).collect()
}

/// The last part of an image's name.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split([':', '@']).next().unwrap_or(last);
    name.replace(['_', '.'], "-")
}

/// A pod template as `create job` makes it.
fn template(cx: &Cx<'_, '_>, container: &str, image: &str, command: List, restart: &str) -> Value {
    let mut c = map! { "image" => image, "name" => container, "resources" => map! {} };
    if !command.is_empty() {
        c.insert("command", command);
    }
    let mut meta = super::metadata(cx, "");
    meta.make_map().remove("name");
    Value::Map(map! {
        "metadata" => meta,
        "spec" => map! { "containers" => list![c], "restartPolicy" => restart },
    })
}

pub fn job(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let (image, from) = (cx.flags.text("image").to_owned(), cx.flags.text("from").to_owned());
    if image.is_empty() == from.is_empty() {
        return fail("either --image or --from must be specified");
    }
    let command = command(cx);
    let mut value = object(cx, Kind::JOB, &name);
    if from.is_empty() {
        let template = template(cx, &name, &image, command, "Never");
        value.make_map().insert("spec", map! { "template" => template });
        value.make_map().insert("status", map! {});
        return finish(cx, Kind::JOB, value, "job");
    }
    if !command.is_empty() {
        return fail("cannot specify --from and command");
    }
    let (word, source) = builder::tuple(&from)?;
    let resource = builder::one_type(cx, word)?;
    let Some(kind) = resource.modelled else { return Err(builder::unmodelled(resource, source).into()) };
    let namespace = if kind.namespaced() { cx.namespace()? } else { Str::new() };
    let cron = cx.get(&ObjectKey::new(kind, namespace, source))?;
    if kind != Kind::CRON_JOB {
        let modern = format!("unknown object type *{}.{}", resource.version(), resource.kind);
        return fail(cx.by("from must be an existing cronjob", &modern));
    }
    let template = cron.get(&["spec", "jobTemplate"]).cloned().unwrap_or_default();
    let mut annotations =
        template.at(&["metadata", "annotations"]).and_then(Value::as_map).cloned().unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate", "manual");
    let meta = value.entry(&["metadata"]).make_map();
    meta.insert("annotations", annotations);
    if let Some(labels) = template.at(&["metadata", "labels"]) {
        meta.insert("labels", labels.clone());
    }
    let mut owner = crate::api::meta::controller_ref(&cron);
    if let Some(r) = discovery::of_kind(cx.profile, Kind::CRON_JOB) {
        owner.make_map().insert("apiVersion", r.api_version);
    }
    owner.make_map().remove("blockOwnerDeletion");
    if !cx.modern() {
        owner.make_map().remove("controller");
    }
    meta.insert("ownerReferences", list![owner]);
    value.make_map().insert("spec", template.get("spec").cloned().unwrap_or_default());
    value.make_map().insert("status", map! {});
    finish(cx, Kind::JOB, value, "job")
}

pub fn cron_job(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let restart = match cx.flags.text("restart") {
        "" => Str::from("OnFailure"),
        given => given.into(),
    };
    let image = cx.flags.text("image").to_owned();
    let template = template(cx, &name, &image, command(cx), &restart);
    let mut meta = super::metadata(cx, &name);
    meta.make_map().insert("name", &name);
    let mut value = object(cx, Kind::CRON_JOB, &name);
    value.make_map().insert(
        "spec",
        map! {
            "jobTemplate" => map! { "metadata" => meta, "spec" => map! { "template" => template } },
            "schedule" => cx.flags.text("schedule"),
        },
    );
    value.make_map().insert("status", map! {});
    finish(cx, Kind::CRON_JOB, value, "cronjob")
}
