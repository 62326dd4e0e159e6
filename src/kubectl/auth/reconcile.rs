//! `kubectl auth reconcile`: makes roles and bindings at least what a manifest says.
//! Models kubectl/pkg/cmd/auth reconcile.go and component-helpers/auth/rbac/reconciliation.

use crate::api::{Kind, List, Object, Request, Value, Verb};
use crate::kubectl::context::{Cx, DryRun};
use crate::kubectl::create::{confirm, post};
use crate::kubectl::error::{self, Run, fail};
use crate::kubectl::manifest::{self, Doc};
use crate::kubectl::{get, print};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        return fail("no arguments are allowed");
    }
    if !manifest::given(cx) {
        return fail("must specify one of -f and -k");
    }
    cx.check_dry_run()?;
    let format = print::format(cx, false)?;
    let (docs, mut errors) = manifest::read(cx, false)?;
    for doc in docs {
        let outcome = one(cx, &doc, format.as_ref());
        error::note(outcome, &mut errors)?;
    }
    error::all(errors)
}

fn one(cx: &mut Cx<'_, '_>, doc: &Doc, format: Option<&print::Format>) -> Run {
    let field = match doc.kind {
        Kind::ROLE | Kind::CLUSTER_ROLE => "rules",
        Kind::ROLE_BINDING | Kind::CLUSTER_ROLE_BINDING => "subjects",
        _ => return Ok(()),
    };
    let Some(old) = cx.find(&doc.key())? else {
        return send(cx, doc, None, doc.value.clone(), format);
    };
    let wanted = doc.value.get(field).map_or(&[][..], Value::items);
    let mut have: List = old.items(&[field]).iter().cloned().collect();
    let remove = cx.flags.yes(if field == "rules" { "remove-extra-permissions" } else { "remove-extra-subjects" });
    if remove {
        have.make_mut().retain(|r| wanted.contains(r));
    }
    for one in wanted {
        let covered =
            if field == "rules" { have.iter().any(|r| covers(r, one)) } else { have.as_slice().contains(one) };
        if !covered {
            have.push(one.clone());
        }
    }
    let mut value = get::value_of(cx, &old);
    value.make_map().insert(field, have);
    send(cx, doc, Some(&old), value, format)
}

/// Whether a rule already allows all that another asks for.
fn covers(rule: &Value, asked: &Value) -> bool {
    ["verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"].iter().all(|field| {
        let (has, wants) =
            (rule.get(field).map_or(&[][..], Value::items), asked.get(field).map_or(&[][..], Value::items));
        if *field == "resourceNames" && has.is_empty() {
            return true;
        }
        wants.iter().all(|w| has.contains(w) || has.iter().any(|h| h.as_str() == "*"))
            && (*field != "resourceNames" || !wants.is_empty() || has.is_empty())
    })
}

fn send(cx: &mut Cx<'_, '_>, doc: &Doc, old: Option<&Object>, value: Value, format: Option<&print::Format>) -> Run {
    let shown = match old {
        _ if cx.dry_run() == DryRun::Client => value,
        Some(old) if old.to_value() == value => value,
        Some(_) => {
            let mut request = Request::new(Verb::Update, doc.kind, doc.namespace.clone(), doc.name());
            request.body = Some(value);
            let after = cx.send_object(request)?;
            get::value_of(cx, &after)
        }
        None => {
            let request = post(cx, doc.kind, &doc.namespace, value);
            let made = cx.send_object(request)?;
            get::value_of(cx, &made)
        }
    };
    confirm(cx, format, &shown, "reconciled")
}
