//! `kubectl replace`.
//! Models kubectl/pkg/cmd/replace replace.go.

use super::builder::{self, Item, Options};
use super::context::{Cx, DryRun};
use super::create::{at_source, confirm};
use super::error::{self, Run, fail};
use super::manifest::{self, Doc};
use super::{delete, get, print};
use crate::api::{Request, Verb};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !manifest::given(cx) {
        return fail("must specify one of -f and -k");
    }
    cx.check_dry_run()?;
    let force = cx.flags.yes("force");
    if !force && (cx.flags.int("grace-period") >= 0 || cx.flags.time("timeout").0 > 0) {
        let which = if cx.flags.int("grace-period") >= 0 { "--grace-period" } else { "--timeout" };
        return fail(format!("{which} must have --force specified"));
    }
    let format = print::format(cx, false)?;
    let args = cx.args.clone();
    let (items, mut errors) = builder::items(cx, &args, Options::default())?;
    if items.is_empty() && errors.is_empty() {
        return fail("no objects passed to replace");
    }
    let docs: Vec<Doc> = items.into_iter().filter_map(|i| if let Item::Doc(d) = i { Some(*d) } else { None }).collect();
    if force {
        remove(cx, &docs)?;
    }
    for doc in docs {
        let outcome = replace(cx, &doc, force, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

/// `--force`: deletes first, and waits.
fn remove(cx: &mut Cx<'_, '_>, docs: &[Doc]) -> Run {
    let mut gone = Vec::new();
    let grace = Some(cx.flags.int("grace-period")).filter(|g| *g >= 0);
    for doc in docs {
        if cx.find(&doc.key())?.is_none() {
            continue;
        }
        let uid = delete::delete_quietly(cx, &doc.key(), grace)?;
        gone.push((doc.key(), uid));
    }
    for (key, uid) in gone {
        delete::wait_gone(cx, &key, &uid, None)?;
    }
    Ok(())
}

fn replace(cx: &mut Cx<'_, '_>, doc: &Doc, force: bool, format: Option<&print::Format>) -> Run {
    let mut value = doc.value.clone();
    if cx.flags.yes("save-config") {
        super::apply::annotate(cx, &mut value);
    }
    if cx.dry_run() == DryRun::Client {
        return confirm(cx, format, &value, "replaced");
    }
    let after = if force {
        let mut request = super::create::post(cx, doc.kind, &doc.namespace, value);
        request.field_manager = "kubectl-replace".into();
        cx.send_object(request)?
    } else {
        let mut request = Request::new(Verb::Update, doc.kind, doc.namespace.clone(), doc.name());
        request.body = Some(value);
        let request = cx.write(request, "kubectl-replace");
        cx.send_object(request).map_err(|e| at_source(e, "replacing", &doc.source))?
    };
    let shown = get::value_of(cx, &after);
    confirm(cx, format, &shown, "replaced")
}
