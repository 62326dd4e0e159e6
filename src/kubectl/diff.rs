//! `kubectl diff`: what `apply` would change, as a unified diff.
//! Models kubectl/pkg/cmd/diff.

use super::apply;
use super::context::Cx;
use super::error::{Error, Fail, Run, fail};
use super::manifest::{self, Doc};
use super::print::yaml;
use super::{exit, get};
use crate::api::request::PatchType;
use crate::api::{Request, Value};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !manifest::given(cx) {
        return fail("must specify one of -f and -k");
    }
    let (docs, errors) = manifest::read(cx, false)?;
    super::error::all(errors)?;
    let mut differs = false;
    for doc in docs {
        differs |= diff(cx, &doc)?;
    }
    if differs { exit(1) } else { Ok(()) }
}

fn diff(cx: &mut Cx<'_, '_>, doc: &Doc) -> Run<bool> {
    let live = cx.find(&doc.key())?;
    let merged = match &live {
        Some(current) => {
            let mut modified = doc.value.clone();
            apply::annotate(cx, &mut modified);
            let patch = apply::three_way(cx, current, &modified)?;
            let mut request = Request::patch(&doc.key(), PatchType::StrategicMerge, Value::Map(patch));
            request.dry_run = true;
            request.field_manager = "kubectl-client-side-apply".into();
            cx.send_object(request)
        }
        None => {
            let mut request = super::create::post(cx, doc.kind, &doc.namespace, doc.value.clone());
            request.dry_run = true;
            cx.send_object(request)
        }
    };
    let merged = match merged {
        Ok(merged) => merged,
        Err(Fail::Error(error @ Error::Status(_))) => return Err(Fail::Error(error)),
        Err(e) => return Err(e),
    };
    let shown = |value: Option<Value>| -> String {
        let Some(mut value) = value else { return String::new() };
        // What diff does not look at.
        let meta = value.entry(&["metadata"]).make_map();
        if cx.modern() {
            meta.remove("managedFields");
        }
        if let Some(annotations) = meta.get("annotations").and_then(Value::as_map) {
            let mut annotations = annotations.clone();
            if let Some(old) = live.as_ref().and_then(|l| crate::api::meta::annotation(l, apply::LAST_APPLIED)) {
                annotations.insert(apply::LAST_APPLIED, old);
            }
            meta.insert("annotations", annotations);
        }
        yaml::document(&value)
    };
    let before = shown(live.as_ref().map(|o| get::value_of(cx, o)));
    let after = shown(Some(get::value_of(cx, &merged)));
    if before == after {
        return Ok(false);
    }
    let (group, version) = (doc.resource.group(), doc.resource.version());
    let dot = if group.is_empty() { "" } else { "." };
    let file = format!("{group}{dot}{version}.{}.{}.{}", doc.resource.kind, doc.namespace, doc.name());
    let (a, b) = (cx.io.random()? % 10_000_000_000, cx.io.random()? % 10_000_000_000);
    let now = cx.now()?.rfc3339_micro().replace("T", " ").replace("Z", "000 +0000");
    let (old, new) = (format!("/tmp/LIVE-{a}/{file}"), format!("/tmp/MERGED-{b}/{file}"));
    let mut text = format!("diff -u -N {old} {new}\n--- {old}\t{now}\n+++ {new}\t{now}\n");
    text += &unified(&before, &after);
    cx.io.out(text);
    Ok(true)
}

/// Hunks with three lines of context.
pub fn unified(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let edits = edits(&a, &b);
    let mut out = String::new();
    let mut i = 0;
    while i < edits.len() {
        if edits[i].0 == ' ' {
            i += 1;
            continue;
        }
        let start = i.saturating_sub(3);
        let mut end = i;
        // A hunk goes on while changes are at most six lines apart.
        while let Some(next) = edits[end..].iter().position(|e| e.0 != ' ') {
            if next > 6 {
                break;
            }
            end += next + 1;
        }
        let stop = (end + 3).min(edits.len());
        let count = |skip: char| edits[start..stop].iter().filter(|e| e.0 != skip).count();
        let before = |skip: char| edits[..start].iter().filter(|e| e.0 != skip).count();
        let range = |from: usize, n: usize| {
            if n == 1 { format!("{}", from + 1) } else { format!("{},{n}", if n == 0 { from } else { from + 1 }) }
        };
        out += &format!("@@ -{} +{} @@\n", range(before('+'), count('+')), range(before('-'), count('-')));
        for (mark, line) in &edits[start..stop] {
            out += &format!("{mark}{line}\n");
        }
        i = stop;
    }
    out
}

/// Lines with ' ', '-' or '+', from the longest common subsequence.
fn edits<'t>(a: &[&'t str], b: &[&'t str]) -> Vec<(char, &'t str)> {
    let mut length = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            length[i][j] = if a[i] == b[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            out.push((' ', a[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < a.len() && (j == b.len() || length[i + 1][j] >= length[i][j + 1]) {
            out.push(('-', a[i]));
            i += 1;
        } else {
            out.push(('+', b[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn hunks() {
        let got = super::unified("a\nb\nc\nd\ne\n", "a\nb\nX\nd\ne\n");
        assert_eq!(got, "@@ -1,5 +1,5 @@\n a\n b\n-c\n+X\n d\n e\n");
        assert_eq!(super::unified("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
    }
}
