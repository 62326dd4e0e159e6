//! `kubectl explain`: the fields of a kind, from the schema. The descriptions are our own.
//! Models kubectl/pkg/explain.

use super::builder;
use super::context::Cx;
use super::error::{Run, fail, fail_raw};
use crate::api::schema::{self, Ty, Type};

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let Some(word) = cx.args.first().cloned() else {
        return fail(
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.",
        );
    };
    if cx.args.len() > 1 {
        return fail("We accept only this format: explain RESOURCE");
    }
    let mut parts = word.split('.');
    let name = parts.next().unwrap_or("");
    let resource = match builder::one_type(cx, name) {
        Ok(resource) => resource,
        Err(super::error::Fail::Error(e @ super::error::Error::Text(_))) => return fail_raw(e.plain()),
        Err(e) => return Err(e),
    };
    let Some(kind) = resource.modelled else {
        return fail(format!("couldn't find resource for \"{}, Kind={}\"", resource.api_version, resource.kind));
    };
    let path: Vec<&str> = parts.collect();
    let (mut at, mut ty): (&'static Type, Option<&'static Ty>) = (schema::of(kind), None);
    let head = if cx.modern() {
        let group =
            if resource.group().is_empty() { String::new() } else { format!("GROUP:      {}\n", resource.group()) };
        format!("{group}KIND:       {}\nVERSION:    {}\n\n", resource.kind, resource.version())
    } else {
        format!("KIND:     {}\nVERSION:  {}\n\n", resource.kind, resource.api_version)
    };
    let modern = cx.modern();
    if modern {
        cx.io.out(&head);
    }
    for (i, field) in path.iter().enumerate() {
        let Some(found) = at.field(field, cx.profile) else {
            return fail(format!("field \"{field}\" does not exist"));
        };
        ty = Some(&found.ty);
        match found.ty.as_struct().or_else(|| found.ty.element().and_then(Ty::as_struct)) {
            Some(inner) => at = inner,
            None if i + 1 < path.len() => return fail(format!("field \"{}\" does not exist", path[i + 1])),
            None => {}
        }
    }
    if !modern {
        cx.io.out(&head);
    }
    let leaf = ty.is_some_and(|t| t.as_struct().or_else(|| t.element().and_then(Ty::as_struct)).is_none());
    if let Some(ty) = ty {
        let field = path.last().copied().unwrap_or("");
        let line = format!("FIELD: {field} <{}>\n", type_name(ty));
        cx.io.outln(line);
    }
    if leaf {
        return Ok(());
    }
    cx.io.outln("FIELDS:");
    let recursive = cx.flags.yes("recursive");
    let text = fields(at, cx.profile, 1, recursive);
    cx.io.out(text);
    Ok(())
}

fn fields(t: &'static Type, profile: crate::sim::Profile, depth: usize, recursive: bool) -> String {
    let mut out = String::new();
    for f in t.all(profile) {
        out += &format!("{}{}\t<{}>\n", "   ".repeat(depth), f.name, type_name(&f.ty));
        if recursive
            && depth < 12
            && let Some(inner) = f.ty.as_struct().or_else(|| f.ty.element().and_then(Ty::as_struct))
        {
            out += &fields(inner, profile, depth + 1, true);
        }
    }
    out
}

fn type_name(ty: &Ty) -> String {
    match ty.inner() {
        Ty::List(item) => format!("[]{}", type_name(item)),
        Ty::Map(_, value) => format!("map[string]{}", type_name(value)),
        Ty::Struct(_) => "Object".to_owned(),
        other => other.openapi().to_owned(),
    }
}
