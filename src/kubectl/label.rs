//! `kubectl label` and `kubectl annotate`.
//! Models kubectl/pkg/cmd/label label.go, kubectl/pkg/cmd/annotate annotate.go.

use super::builder::{self, Info, Item, Options};
use super::context::{Cx, DryRun};
use super::create::{command_line, confirm};
use super::error::{self, Run, fail};
use super::{get, manifest, print};
use crate::api::request::PatchType;
use crate::api::selector::{LabelSelector, Op};
use crate::api::{Map, Request, Value, names};
use crate::base::Str;
use crate::sim::Profile;

/// Parses a selector as typed.
pub fn parse_selector(text: &str) -> Result<LabelSelector, String> {
    LabelSelector::parse(text, Profile::Modern).map_err(|e| e.0)
}

/// As a LabelSelector object.
pub fn selector_object(selector: &LabelSelector) -> Value {
    let (mut labels, mut expressions) = (Map::new(), Vec::new());
    for r in &selector.0 {
        let values: Vec<Value> = r.values.iter().map(Value::from).collect();
        let (operator, values) = match r.op {
            Op::Equals => {
                labels.insert(r.key.clone(), r.values.first().cloned().unwrap_or_default());
                continue;
            }
            Op::In => ("In", values),
            Op::NotIn | Op::NotEquals => ("NotIn", values),
            Op::Exists => ("Exists", Vec::new()),
            _ => ("DoesNotExist", Vec::new()),
        };
        let mut e = map! { "key" => &r.key, "operator" => operator };
        if !values.is_empty() {
            e.insert("values", values);
        }
        expressions.push(Value::Map(e));
    }
    let mut out = Map::new();
    if !labels.is_empty() {
        out.insert("matchLabels", labels);
    }
    if !expressions.is_empty() {
        out.insert("matchExpressions", expressions);
    }
    Value::Map(out)
}

/// Which of the two verbs runs.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Label,
    Annotation,
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    change(cx, What::Label)
}
pub fn annotate(cx: &mut Cx<'_, '_>) -> Run {
    change(cx, What::Annotation)
}

/// What is set, and what is removed.
struct Pairs {
    set: Vec<(Str, Str)>,
    unset: Vec<Str>,
}

fn change(cx: &mut Cx<'_, '_>, what: What) -> Run {
    let word = if what == What::Label { "label" } else { "annotation" };
    let (resources, pairs) = split(&cx.args, word)?;
    let pairs = read_pairs(cx, &pairs, what)?;
    let all = cx.flags.yes("all");
    if resources.is_empty() && !manifest::given(cx) {
        return fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    let list = cx.flags.yes("list");
    if pairs.set.is_empty() && pairs.unset.is_empty() && !list {
        return fail(format!("at least one {word} update is required"));
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let options = Options {
        all,
        selectable: true,
        all_namespaces: cx.flags.yes("all-namespaces"),
        lenient: true,
        ..Options::default()
    };
    let files = if what == What::Label { "pod.{yaml,json}" } else { "rsrc.{yaml,json}" };
    if cx.flags.yes("local") && !resources.is_empty() {
        let (a, b) = (files.replace("{yaml,json}", "yaml"), files.replace("{yaml,json}", "json"));
        return fail(format!("can only use local files by -f {a} or --filename={b} when --local=true is set"));
    }
    if cx.flags.yes("local") && !manifest::given(cx) {
        let (a, b) = (files.replace("{yaml,json}", "yaml"), files.replace("{yaml,json}", "json"));
        return fail(format!("one or more files must be specified as -f {a} or --filename={b}"));
    }
    let (items, mut errors) = builder::items(cx, &resources, options)?;
    let single = matches!(&items[..], [Item::One { .. } | Item::Doc(_)]);
    if !single && !cx.flags.text("resource-version").is_empty() {
        return fail("--resource-version may only be used with a single resource");
    }
    for info in builder::fetch(cx, items, &mut errors)? {
        if list && !single {
            let group = info.resource.group();
            let line = format!("Listing {word}s for {}.{group}/{}:", info.resource.kind, info.key.name);
            cx.io.outln(line);
        }
        let outcome = change_one(cx, &info, &pairs, what, single, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

/// Resources, then pairs.
pub fn split(args: &[Str], word: &str) -> Run<(Vec<Str>, Vec<Str>)> {
    let (mut resources, mut pairs) = (Vec::new(), Vec::new());
    for arg in args {
        let pair = arg.contains('=') && !arg.starts_with('=') || arg.ends_with('-') && arg != "-";
        if pair {
            pairs.push(arg.clone());
        } else if pairs.is_empty() {
            resources.push(arg.clone());
        } else {
            return fail(format!("all resources must be specified before {word} changes: {arg}"));
        }
    }
    Ok((resources, pairs))
}

fn read_pairs(cx: &Cx<'_, '_>, pairs: &[Str], what: What) -> Run<Pairs> {
    let mut out = Pairs { set: Vec::new(), unset: Vec::new() };
    for pair in pairs {
        match pair.split_once('=') {
            Some((key, value)) => {
                if what == What::Label {
                    if value.contains('=') {
                        return fail(format!("invalid label spec: {pair}"));
                    }
                    let wrong = names::label_value(value, cx.profile);
                    if !wrong.is_empty() {
                        return fail(format!(
                            "invalid label value: {}: {}",
                            super::flags::quote(pair),
                            wrong.join(";")
                        ));
                    }
                }
                out.set.push((key.into(), value.into()));
            }
            None => out.unset.push(pair[..pair.len() - 1].into()),
        }
    }
    let both: Vec<&str> =
        out.set.iter().map(|(k, _)| k.as_str()).filter(|k| out.unset.iter().any(|u| u == k)).collect();
    match (what, &both[..]) {
        (_, []) => {}
        (What::Label, _) => return fail("can not both modify and remove a label in the same command"),
        (What::Annotation, both) => {
            let keys = both.join(", ");
            return fail(format!(
                "can not both modify and remove the following annotation(s) in the same command: {keys}"
            ));
        }
    }
    Ok(out)
}

fn change_one(
    cx: &mut Cx<'_, '_>,
    info: &Info,
    pairs: &Pairs,
    what: What,
    single: bool,
    format: Option<&print::Format>,
) -> Run {
    let field = if what == What::Label { "labels" } else { "annotations" };
    let old = info.object.get(&["metadata", field]).and_then(Value::as_map).cloned().unwrap_or_default();
    if cx.flags.yes("list") {
        for (k, v) in old.iter() {
            let line = format!("{}{k}={}", if single { "" } else { " " }, v.as_str());
            cx.io.outln(line);
        }
        return Ok(());
    }
    check_overwrites(cx, &old, pairs, what)?;
    let (mut patch, mut after) = (Map::new(), old.clone());
    for (key, value) in &pairs.set {
        after.insert(key.clone(), value);
        patch.insert(key.clone(), value);
    }
    for key in &pairs.unset {
        let told = what == What::Label && cx.dry_run() != DryRun::Client && !cx.flags.yes("local");
        if after.remove(key).is_none() && told {
            let line = format!("label {} not found.", super::flags::quote(key));
            cx.io.outln(line);
        }
        if old.has(key) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    let changed = after != old;
    let removed = pairs.unset.iter().any(|k| old.has(k));
    if cx.flags.yes("record") {
        let line = command_line(cx);
        if what == What::Annotation {
            patch.insert("kubernetes.io/change-cause", line);
        }
    }
    let shown = if cx.dry_run() == DryRun::Client || cx.flags.yes("local") || !changed && cx.modern() {
        let mut value = get::value_of(cx, &info.object);
        value.entry(&["metadata"]).make_map().insert(field, after);
        value
    } else {
        let mut meta = Map::new();
        meta.insert(field, patch);
        let revision = cx.flags.text("resource-version");
        if !revision.is_empty() {
            meta.insert("resourceVersion", revision);
        }
        let body = Value::Map(map! { "metadata" => meta });
        let manager = if what == What::Label { "kubectl-label" } else { "kubectl-annotate" };
        let request = cx.write(Request::patch(&info.key, PatchType::Merge, body), manager);
        let object = cx.send_object(request)?;
        get::value_of(cx, &object)
    };
    let done = match what {
        What::Annotation => "annotated",
        // 1.20 compares JSON, into which it puts an empty map where there was none.
        What::Label if !changed && (cx.modern() || !old.is_empty()) => "not labeled",
        What::Label if !cx.modern() => "labeled",
        What::Label if removed && !pairs.set.is_empty() => "modified",
        What::Label if pairs.set.is_empty() => "unlabeled",
        What::Label => "labeled",
    };
    confirm(cx, format, &shown, done)
}

fn check_overwrites(cx: &Cx<'_, '_>, old: &Map, pairs: &Pairs, what: What) -> Run {
    if cx.flags.yes("overwrite") {
        return Ok(());
    }
    let mut taken = Vec::new();
    for (key, value) in &pairs.set {
        let Some(has) = old.get(key) else { continue };
        // 1.36 lets a key be set to what it is.
        if cx.modern() && has.as_str() == value {
            continue;
        }
        taken.push(format!("'{key}' already has a value ({})", has.as_str()));
    }
    match (what, &taken[..]) {
        (_, []) => Ok(()),
        (What::Label, taken) => {
            let each = taken.iter().map(|t| error::Error::Text(format!("{t}, and --overwrite is false"))).collect();
            error::all(each)
        }
        (What::Annotation, taken) => {
            fail(format!("--overwrite is false but found the following declared annotation(s): {}", taken.join("; ")))
        }
    }
}
