//! `kubectl taint`.
//! Models kubectl/pkg/cmd/taint.

use super::builder::{self, Info, Options};
use super::context::{Cx, DryRun};
use super::create::confirm;
use super::error::{self, Run, fail};
use super::{get, print};
use crate::api::request::PatchType;
use crate::api::{Kind, Request, Value, names, node};
use crate::base::Str;
use crate::sim::Profile;

struct Taint {
    key: Str,
    value: Str,
    /// Empty in a removal: whatever the effect.
    effect: Str,
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let (mut resources, specs) = split(&cx.args)?;
    if resources.is_empty() {
        return fail("one or more resources must be specified as <resource> <name>");
    }
    if specs.is_empty() && !cx.flags.yes("list") {
        return fail("at least one taint update is required");
    }
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for spec in &specs {
        match parse(spec) {
            Ok((taint, true)) => remove.push(taint),
            Ok((taint, false)) => {
                if add.iter().any(|t: &Taint| t.key == taint.key && t.effect == taint.effect) {
                    let (Taint { key, value, effect }, at) = (taint, "<nil>");
                    return cx.usage(format!(
                        "duplicated taints with the same key and effect: {{{key} {value} {effect} {at}}}"
                    ));
                }
                add.push(taint);
            }
            Err(why) => return cx.usage(why),
        }
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let first = resources[0].clone();
    let word = first.split('/').next().unwrap_or("").to_owned();
    if builder::one_type(cx, &word)?.modelled != Some(Kind::NODE) {
        return fail(format!("invalid resource type {word}, only node types are supported"));
    }
    let all = cx.flags.yes("all");
    let clash: Vec<String> = add
        .iter()
        .flat_map(|a: &Taint| {
            remove.iter().filter(move |r: &&Taint| r.key == a.key && (r.effect.is_empty() || r.effect == a.effect))
        })
        .map(|r| format!("{}={}", r.key, r.effect))
        .collect();
    if !clash.is_empty() {
        let clash = clash.join(", ");
        return fail(format!("can not both modify and remove the following taint(s) in the same command: {clash}"));
    }
    if !all && cx.flags.text("selector").is_empty() && resources.len() < 2 && !first.contains('/') {
        return fail("at least one resource name must be specified since 'all' parameter is not set");
    }
    let options = Options { all, selectable: true, lenient: true, ..Options::default() };
    resources.dedup();
    let (items, mut errors) = builder::items(cx, &resources, options)?;
    for info in builder::fetch(cx, items, &mut errors)? {
        let outcome = taint(cx, &info, &add, &remove, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

/// Resources, then taints: the first word that looks like one begins them.
fn split(args: &[Str]) -> Run<(Vec<Str>, Vec<Str>)> {
    let (mut resources, mut taints) = (Vec::new(), Vec::new());
    for word in args {
        if word.contains(['=', ':']) || word.ends_with('-') {
            taints.push(word.clone());
        } else if taints.is_empty() {
            resources.push(word.clone());
        } else {
            return fail(format!("all resources must be specified before taint changes: {word}"));
        }
    }
    Ok((resources, taints))
}

fn parse(spec: &str) -> Result<(Taint, bool), String> {
    let (body, removal) = spec.strip_suffix('-').map_or((spec, false), |b| (b, true));
    let bad = || format!("invalid taint spec: {body}");
    let with = |wrong: Vec<String>| format!("{}, {}", bad(), wrong.join("; "));
    let (mut key, mut value, mut effect) = (body, "", "");
    // Only with an effect is the rest taken for a key and its value.
    match &body.split(':').collect::<Vec<_>>()[..] {
        [_] => {}
        [pair, given] => {
            if !matches!(*given, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
                return Err(format!("invalid taint effect: {given}, unsupported taint effect"));
            }
            effect = given;
            match &pair.split('=').collect::<Vec<_>>()[..] {
                [k] => key = k,
                [k, v] => (key, value) = (k, v),
                _ => return Err(bad()),
            }
            let wrong = names::label_value(value, Profile::Book);
            if !wrong.is_empty() {
                return Err(with(wrong));
            }
        }
        _ => return Err(bad()),
    }
    let wrong = names::qualified_name(key);
    if !wrong.is_empty() {
        return Err(with(wrong));
    }
    if effect.is_empty() && !removal {
        return Err(bad());
    }
    Ok((Taint { key: key.into(), value: value.into(), effect: effect.into() }, removal))
}

fn taint(cx: &mut Cx<'_, '_>, info: &Info, add: &[Taint], remove: &[Taint], format: Option<&print::Format>) -> Run {
    let mut taints: Vec<Value> = node::taints(&info.object).to_vec();
    let overwrite = cx.flags.yes("overwrite");
    let same = |t: &Value, x: &Taint| t.str("key") == x.key && t.str("effect") == x.effect;
    let taken: Vec<&str> = add.iter().filter(|x| taints.iter().any(|t| same(t, x))).map(|x| x.key.as_str()).collect();
    if !overwrite && !taken.is_empty() {
        return fail(format!(
            "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
            info.key.name,
            taken.join(",")
        ));
    }
    let mut errors = Vec::new();
    // New ones first, then those that were there.
    let before = taints.len();
    taints.retain(|t| !add.iter().any(|x| same(t, x)));
    let mut all: Vec<Value> = Vec::new();
    for x in add {
        let mut t = map! { "effect" => &x.effect, "key" => &x.key };
        if !x.value.is_empty() {
            t.insert("value", &x.value);
        }
        all.push(Value::Map(t));
    }
    all.append(&mut taints);
    let (mut taints, mut deleted) = (all, false);
    let added = taints.len() != before;
    for x in remove {
        let before = taints.len();
        taints.retain(|t| !(t.str("key") == x.key && (x.effect.is_empty() || t.str("effect") == x.effect)));
        deleted |= taints.len() != before;
        if taints.len() == before {
            let what = if x.effect.is_empty() { x.key.to_string() } else { format!("{}:{}", x.key, x.effect) };
            errors.push(error::Error::Text(format!("taint \"{what}\" not found")));
        }
    }
    error::all(errors)?;
    let done = match (added, deleted) {
        _ if overwrite => "modified",
        (true, true) => "modified",
        (true, false) => "tainted",
        _ => "untainted",
    };
    let list = if taints.is_empty() { Value::Null } else { Value::from(taints) };
    let shown = if cx.dry_run() == DryRun::Client {
        let mut object = (*info.object).clone();
        object.set(&["spec", "taints"], list);
        get::value_of(cx, &object)
    } else {
        let body = map! { "spec" => map! { "taints" => list } };
        let request = Request::patch(&info.key, PatchType::Merge, Value::Map(body));
        let request = cx.write(request, "kubectl-taint");
        let after = cx.send_object(request)?;
        get::value_of(cx, &after)
    };
    confirm(cx, format, &shown, done)
}
