//! `kubectl describe`: one file per group of kinds.
//! Models kubectl/pkg/cmd/describe and kubectl/pkg/describe.

mod cluster;
mod config;
mod events;
mod generic;
mod job;
mod network;
mod node;
mod pod;
mod storage;
pub mod template;
mod workload;
pub use events::age as event_age;
pub use workload::replica_sets;

use super::builder::{self, Info, Item, Options};
use super::context::Cx;
use super::error::{self, Error, Fail, Run, fail};
use super::print::tabwriter;
use crate::api::{Kind, Map, Object, Value};
use crate::base::Time;
use std::fmt::Display;

/// Text with tabs between columns, indented by levels.
#[derive(Default)]
pub struct Page {
    pub text: String,
    /// As 1.20 lays it out, where a describer does not ask itself.
    pub book: bool,
}

impl Page {
    /// `text` as it is.
    pub fn put(&mut self, text: impl AsRef<str>) {
        self.text += text.as_ref();
    }
    /// A line at `level`.
    pub fn line(&mut self, level: usize, text: impl AsRef<str>) {
        self.text += &"  ".repeat(level);
        self.text += text.as_ref();
        self.text.push('\n');
    }
    /// `name:` and its value in the next column.
    pub fn field(&mut self, level: usize, name: &str, value: impl Display) {
        self.line(level, format!("{name}:\t{value}"));
    }
    /// A map under a title, one entry a line.
    pub fn labels(&mut self, title: &str, labels: Option<&Map>) {
        let all: Vec<String> =
            labels.into_iter().flat_map(|m| m.iter()).map(|(k, v)| format!("{k}={}", v.as_str())).collect();
        self.several(title, &all);
    }
    /// Values below each other in the second column.
    pub fn several(&mut self, title: &str, values: &[String]) {
        if values.is_empty() {
            self.field(0, title, "<none>");
        }
        for (i, value) in values.iter().enumerate() {
            if i == 0 { self.field(0, title, value) } else { self.line(0, format!("\t{value}")) }
        }
    }
    pub fn annotations(&mut self, title: &str, annotations: Option<&Map>) {
        const MAX: usize = 140;
        let mut lines = Vec::new();
        for (key, value) in annotations.into_iter().flat_map(|m| m.iter()) {
            if key == super::apply::LAST_APPLIED {
                continue;
            }
            let value = value.as_str().trim_end_matches('\n');
            if value.len() + key.len() + 2 > MAX || value.contains('\n') {
                lines.push(format!("{key}:"));
                for part in value.split('\n') {
                    let short: String = part.chars().take(MAX - 2).collect();
                    let dots = if short.len() < part.len() { "..." } else { "" };
                    lines.push(format!("  {short}{dots}"));
                }
            } else {
                lines.push(format!("{key}: {value}"));
            }
        }
        self.several(title, &lines);
    }
    /// Name, namespace, labels, annotations as most kinds begin.
    pub fn head(&mut self, o: &Object) {
        self.field(0, "Name", o.name());
        self.field(0, "Namespace", o.namespace());
        self.marks(o);
    }
    pub fn marks(&mut self, o: &Object) {
        self.labels("Labels", crate::api::meta::labels(o));
        self.annotations("Annotations", o.get(&["metadata", "annotations"]).and_then(Value::as_map));
    }
}

/// A time as describe prints it.
pub fn when(text: &str) -> String {
    Time::parse_rfc3339(text).map_or_else(|| "<unset>".to_owned(), Time::rfc1123z)
}

/// The text, or `<none>`.
pub fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// A bool as Go's describers capitalise it.
pub fn capital(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// `a=b,c in (d)` of a LabelSelector object.
pub fn selector_text(selector: Option<&Value>) -> String {
    match selector {
        Some(s) => {
            let text = crate::api::selector::LabelSelector::of_value(s).to_string();
            or_none(&text).to_owned()
        }
        None => "<none>".to_owned(),
    }
}

/// The text of a number or string.
pub fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Str(s)) => s.to_string(),
        Some(other) => other.to_json(),
    }
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.is_empty() && !super::manifest::given(cx) {
        return fail(
            "You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.",
        );
    }
    let args = cx.args.clone();
    let all_namespaces = cx.flags.yes("all-namespaces");
    let options = Options { types_alone: true, selectable: true, all_namespaces, lenient: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, &args, options)?;
    let everything = items.iter().all(|i| matches!(i, Item::Kind { .. }));
    if args.len() == 2 && args[0].contains(['/', ',']) {
        return two_words(cx, items, &args[0]);
    }
    let mut infos = Vec::new();
    for item in items {
        infos.extend(named_or_prefixed(cx, item, &mut errors)?);
    }
    let count = infos.len();
    // 1.36 leaves events out unless there is exactly one object, found by its whole name.
    if count > 1 || !errors.is_empty() {
        leave_events_out(cx);
    }
    let mut first = true;
    for info in infos {
        let text = match describe(cx, &info) {
            Ok(text) => text,
            Err(Fail::Error(e)) => {
                errors.push(e);
                continue;
            }
            Err(stop) => return Err(stop),
        };
        // Between objects stand two empty lines, after a prefix search only one.
        if first {
            first = false
        } else {
            cx.io.out("\n\n")
        }
        cx.io.out(text);
    }
    if count == 0 && errors.is_empty() && everything {
        if all_namespaces {
            cx.io.errln("No resources found");
        } else {
            let text = format!("No resources found in {} namespace.", cx.namespace()?);
            cx.io.errln(text);
        }
    }
    error::all(errors)
}

/// `describe pod/a deploy/b`, `describe svc,cm a`: with two words one that is not there ends it all, for
/// kubectl then looks for names that begin with the second among those of the first.
fn two_words(cx: &mut Cx<'_, '_>, items: Vec<Item>, first: &str) -> Run {
    let mut errors = Vec::new();
    let infos = builder::fetch(cx, items, &mut errors)?;
    if errors.iter().any(Error::not_found) && first.contains(',') {
        return fail("you may only specify a single resource type");
    }
    error::all(errors)?;
    if infos.len() > 1 {
        leave_events_out(cx);
    }
    for (i, info) in infos.iter().enumerate() {
        let text = describe(cx, info)?;
        cx.io.out(if i == 0 { text } else { format!("\n\n{text}") });
    }
    Ok(())
}

fn leave_events_out(cx: &mut Cx<'_, '_>) {
    if cx.modern() && !cx.flags.changed("show-events") {
        cx.flags.set("show-events", "false");
    }
}

/// A name that is not there may be the beginning of others.
fn named_or_prefixed(cx: &mut Cx<'_, '_>, item: Item, errors: &mut Vec<Error>) -> Run<Vec<Info>> {
    let before = errors.len();
    let found = builder::fetch(cx, vec![item.clone()], errors)?;
    let Item::One { resource, namespace, name } = item else { return Ok(found) };
    let missing = errors.len() > before && errors[before..].iter().all(Error::not_found);
    let (true, Some(kind)) = (missing, resource.modelled) else { return Ok(found) };
    let listed = cx.list_all(kind, &namespace)?;
    let matching: Vec<_> = listed.into_iter().filter(|o| o.name().starts_with(name.as_str())).collect();
    if matching.is_empty() {
        return Ok(found);
    }
    errors.truncate(before);
    leave_events_out(cx);
    let mut out = String::new();
    for object in &matching {
        let info = Info { resource, kind, key: object.key.clone(), object: object.clone(), doc: None };
        out += &describe(cx, &info)?;
        out.push('\n');
    }
    cx.io.out(out);
    Ok(Vec::new())
}

fn describe(cx: &mut Cx<'_, '_>, info: &Info) -> Run<String> {
    // The describer fetches for itself what the builder has found.
    let (o, mut page) = (cx.get(&info.key)?, Page { book: !cx.modern(), ..Page::default() });
    let p = &mut page;
    match info.kind {
        Kind::POD => pod::describe(cx, &o, p)?,
        Kind::NODE => node::describe(cx, &o, p)?,
        Kind::NAMESPACE => cluster::namespace(cx, &o, p)?,
        Kind::RESOURCE_QUOTA => cluster::quota(&o, p),
        Kind::LIMIT_RANGE => cluster::limits(&o, p),
        Kind::PRIORITY_CLASS => cluster::priority_class(cx, &o, p)?,
        Kind::ROLE | Kind::CLUSTER_ROLE => cluster::role(cx, &o, p),
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => cluster::role_binding(&o, p),
        Kind::SERVICE_ACCOUNT => cluster::service_account(cx, &o, p)?,
        Kind::DEPLOYMENT => workload::deployment(cx, &o, p)?,
        Kind::REPLICA_SET | Kind::REPLICATION_CONTROLLER => workload::replica_set(cx, &o, p)?,
        Kind::DAEMON_SET => workload::daemon_set(cx, &o, p)?,
        Kind::STATEFUL_SET => workload::stateful_set(cx, &o, p)?,
        Kind::HORIZONTAL_POD_AUTOSCALER => workload::autoscaler(cx, &o, p)?,
        Kind::POD_DISRUPTION_BUDGET => workload::disruption_budget(cx, &o, p)?,
        Kind::JOB => job::job(cx, &o, p)?,
        Kind::CRON_JOB => job::cron_job(cx, &o, p)?,
        Kind::SERVICE => network::service(cx, &o, p)?,
        Kind::ENDPOINTS => network::endpoints(cx, &o, p)?,
        Kind::ENDPOINT_SLICE => network::endpoint_slice(cx, &o, p)?,
        Kind::INGRESS => network::ingress(cx, &o, p)?,
        Kind::NETWORK_POLICY => network::policy(&o, p),
        Kind::CONFIG_MAP => config::config_map(cx, &o, p)?,
        Kind::SECRET => config::secret(&o, p),
        Kind::PERSISTENT_VOLUME => storage::volume(cx, &o, p)?,
        Kind::PERSISTENT_VOLUME_CLAIM => storage::claim(cx, &o, p)?,
        Kind::STORAGE_CLASS => storage::class(cx, &o, p)?,
        _ => generic::describe(cx, &o, p)?,
    }
    Ok(tabwriter::describe(&page.text))
}
