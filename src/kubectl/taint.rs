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

struct Taint {
    key: Str,
    value: Str,
    /// Empty in a removal: whatever the effect.
    effect: Str,
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let (mut resources, specs) = split(&cx.args);
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
            Ok((taint, false)) => add.push(taint),
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
fn split(args: &[Str]) -> (Vec<Str>, Vec<Str>) {
    let looks = |s: &&Str| s.contains('=') || s.contains(':') || s.ends_with('-');
    let at = args.iter().position(|s| looks(&s)).unwrap_or(args.len());
    let (mut resources, taints) = (args[..at].to_vec(), args[at..].to_vec());
    // `taint node w1 bad`: a third word that is no taint stands where one should.
    if taints.is_empty() && resources.len() > 2 {
        resources.truncate(2);
    }
    (resources, taints)
}

fn parse(spec: &str) -> Result<(Taint, bool), String> {
    let (body, removal) = spec.strip_suffix('-').map_or((spec, false), |b| (b, true));
    let (pair, effect) = body.split_once(':').map_or((body, ""), |(p, e)| (p, e));
    let (key, value) = pair.split_once('=').map_or((pair, ""), |(k, v)| (k, v));
    if !effect.is_empty() && !matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute") {
        return Err(format!("invalid taint effect: {effect}, unsupported taint effect"));
    }
    if effect.is_empty() && !removal {
        return Err(format!("invalid taint spec: {spec}"));
    }
    let wrong = names::qualified_name(key);
    if !wrong.is_empty() {
        return Err(format!("invalid taint spec: {spec}, {}", wrong.join("; ")));
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
    let replaced = !taken.is_empty();
    let mut errors = Vec::new();
    for x in remove {
        let before = taints.len();
        taints.retain(|t| !(t.str("key") == x.key && (x.effect.is_empty() || t.str("effect") == x.effect)));
        if taints.len() == before {
            let what = if x.effect.is_empty() { x.key.to_string() } else { format!("{}:{}", x.key, x.effect) };
            errors.push(error::Error::Text(format!("taint \"{what}\" not found")));
        }
    }
    error::all(errors)?;
    for x in add {
        taints.retain(|t| !same(t, x));
        let mut t = map! { "effect" => &x.effect, "key" => &x.key };
        if !x.value.is_empty() {
            t.insert("value", &x.value);
        }
        taints.push(Value::Map(t));
    }
    let done = match (add.is_empty(), remove.is_empty(), replaced) {
        (true, _, _) => "untainted",
        (false, true, false) => "tainted",
        _ => "modified",
    };
    let list = if taints.is_empty() { Value::Null } else { Value::from(taints) };
    let shown = if cx.dry_run() == DryRun::Client {
        get::value_of(cx, &info.object)
    } else {
        let body = map! { "spec" => map! { "taints" => list } };
        let request = Request::patch(&info.key, PatchType::Merge, Value::Map(body));
        let request = cx.write(request, "kubectl-taint");
        let after = cx.send_object(request)?;
        get::value_of(cx, &after)
    };
    confirm(cx, format, &shown, done)
}
