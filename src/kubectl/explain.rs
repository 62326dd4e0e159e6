//! `kubectl explain`: the fields of a kind, from the schema. Descriptions are left out.
//! Models kubectl/pkg/explain (1.20) and its v2 plaintext template (1.36).

use super::builder;
use super::context::Cx;
use super::discovery::Resource;
use super::error::{Error, Fail, Run, fail, fail_raw};
use crate::api::Value;
use crate::api::schema::{self, Ty, Type};
use crate::sim::Profile;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let Some(word) = cx.args.first().cloned() else {
        return fail(
            "You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.",
        );
    };
    if cx.args.len() > 1 {
        return fail("We accept only this format: explain RESOURCE");
    }
    let output = cx.flags.text("output").to_owned();
    if cx.modern() && !matches!(output.as_str(), "" | "plaintext" | "plaintext-openapiv2") {
        return fail(format!("unrecognized format: {output}"));
    }
    let mut parts = word.split('.');
    let name = parts.next().unwrap_or("");
    let resource = match builder::one_type(cx, name) {
        Ok(resource) => resource,
        Err(Fail::Error(e @ Error::Text(_))) => return fail_raw(e.plain()),
        Err(e) => return Err(e),
    };
    let asked = cx.flags.text("api-version").to_owned();
    let api_version = if asked.is_empty() { resource.api_version } else { asked.as_str() };
    let served = resource
        .modelled
        .filter(|k| api_version == resource.api_version || k.served(cx.profile).contains(&api_version));
    let Some(kind) = served else {
        let slash = if api_version.contains('/') { "" } else { "/" };
        let what = if cx.modern() { format!("Resource={}", resource.name) } else { format!("Kind={}", resource.kind) };
        return fail(format!("couldn't find resource for \"{slash}{api_version}, {what}\""));
    };
    let path: Vec<&str> = parts.collect();
    if let Some(declared) = resource.custom {
        return custom(cx, resource, &declared.schema, &path);
    }
    let modern = cx.modern();
    let (group, version) = api_version.split_once('/').map_or(("", api_version), |(g, v)| (g, v));
    let head = if modern {
        let group = if group.is_empty() { String::new() } else { format!("GROUP:      {group}\n") };
        format!("{group}KIND:       {}\nVERSION:    {version}\n\n", resource.kind)
    } else {
        format!("KIND:     {}\nVERSION:  {api_version}\n\n", resource.kind)
    };
    // 1.36 has printed this before it looks for the field.
    if modern {
        cx.io.out(&head);
    }
    let (mut at, mut ty): (&'static Type, Option<&'static Ty>) = (schema::of_version(kind, api_version), None);
    let mut rest = &path[..];
    // These two are in every object, and not in the table.
    let own = matches!(rest, ["apiVersion" | "kind"]);
    while let (Some((field, after)), false) = (rest.split_first(), own) {
        let Some(found) = at.field(field, cx.profile) else {
            return fail(format!("field \"{field}\" does not exist"));
        };
        ty = Some(&found.ty);
        match inner(&found.ty) {
            Some(next) => at = next,
            None if !after.is_empty() => return fail(format!("field \"{}\" does not exist", after[0])),
            None => {}
        }
        rest = after;
    }
    if !modern {
        cx.io.out(&head);
    }
    if let Some(field) = path.last() {
        let name = ty.map_or_else(|| "string".to_owned(), |t| type_name(t, cx.profile));
        let title = match (modern, ty.is_some_and(|t| inner(t).is_some())) {
            (true, _) => "FIELD: ",
            (false, true) => "RESOURCE: ",
            (false, false) => "FIELD:    ",
        };
        cx.io.outln(format!("{title}{field} <{name}>\n"));
    }
    if own || ty.is_some_and(|t| inner(t).is_none()) {
        return Ok(());
    }
    cx.io.outln("FIELDS:");
    let list = Fields { profile: cx.profile, recursive: cx.flags.yes("recursive") };
    let mut text = String::new();
    list.print(at, path.is_empty(), 1, &mut Vec::new(), &mut text);
    if modern {
        text.push('\n');
    }
    cx.io.out(text);
    Ok(())
}

/// The fields of a custom resource, from its definition's schema.
fn custom(cx: &mut Cx<'_, '_>, resource: &Resource, schema: &Value, path: &[&str]) -> Run {
    let modern = cx.modern();
    let (group, version) = (resource.group(), resource.version());
    let mut out = if modern {
        format!("GROUP:      {group}\nKIND:       {}\nVERSION:    {version}\n\n", resource.kind)
    } else {
        format!("KIND:     {}\nVERSION:  {}\n\n", resource.kind, resource.api_version)
    };
    let mut at = schema;
    for field in path {
        let holder = at.get("items").unwrap_or(at);
        let Some(next) = holder.at(&["properties", field]) else {
            if modern {
                cx.io.out(out);
            }
            return fail(format!("field \"{field}\" does not exist"));
        };
        at = next;
    }
    if let Some(field) = path.last() {
        let title = match (modern, at.get("properties").is_some()) {
            (true, _) => "FIELD: ",
            (false, true) => "RESOURCE: ",
            (false, false) => "FIELD:    ",
        };
        out += &format!("{title}{field} <{}>\n\n", custom_type(at, modern));
    }
    let about = at.str("description");
    if !about.is_empty() {
        let (indent, end) = if modern { ("    ", "\n\n") } else { ("     ", "\n\n") };
        out += &format!("DESCRIPTION:\n{indent}{about}{end}");
    }
    let holder = at.get("items").unwrap_or(at);
    let fields = holder.get("properties").and_then(Value::as_map);
    if fields.is_some() || path.is_empty() {
        out += "FIELDS:\n";
        let mut all: Vec<(String, String, bool)> = Vec::new();
        let required =
            |name: &str| holder.get("required").is_some_and(|r| r.items().iter().any(|i| i.as_str() == name));
        if path.is_empty() {
            let meta = if modern { "ObjectMeta" } else { "Object" };
            let own = [("apiVersion", "string"), ("kind", "string"), ("metadata", meta)];
            all.extend(own.map(|(n, t)| (n.to_owned(), t.to_owned(), false)));
        }
        for (name, v) in fields.into_iter().flat_map(|m| m.iter()) {
            if !all.iter().any(|(n, ..)| n == name.as_str()) {
                all.push((name.to_string(), custom_type(v, modern), required(name)));
            }
        }
        all.sort();
        let indent = if modern { "  " } else { "   " };
        for (name, ty, required) in all {
            let mark = if required { " -required-" } else { "" };
            out += &format!("{indent}{name}\t<{ty}>{mark}\n");
        }
        if modern {
            out.push('\n');
        }
    }
    cx.io.out(out);
    Ok(())
}

fn custom_type(schema: &Value, modern: bool) -> String {
    match schema.str("type") {
        "object" if !modern => "Object".to_owned(),
        "object" => match schema.get("additionalProperties") {
            Some(of) => format!("map[string]{}", custom_type(of, modern)),
            None => "Object".to_owned(),
        },
        "array" => format!("[]{}", schema.get("items").map_or_else(|| "Object".to_owned(), |i| custom_type(i, modern))),
        "" => if modern { "Object" } else { "" }.to_owned(),
        other => other.to_owned(),
    }
}

/// The struct a field holds: itself, or what its items or entries are.
fn inner(ty: &'static Ty) -> Option<&'static Type> {
    ty.as_struct().or_else(|| ty.element().and_then(inner))
}

struct Fields {
    profile: Profile,
    recursive: bool,
}

impl Fields {
    fn print(&self, t: &'static Type, whole: bool, depth: usize, above: &mut Vec<&'static str>, out: &mut String) {
        let modern = self.profile == Profile::Modern;
        let indent = if modern { "  " } else { "   " }.repeat(depth);
        if whole {
            *out += &format!("{indent}apiVersion\t<string>\n{indent}kind\t<string>\n");
        }
        above.push(t.name);
        for f in t.all(self.profile) {
            // 1.20 leaves this word out of the recursive form.
            let required = if f.required && (modern || !self.recursive) { " -required-" } else { "" };
            *out += &format!("{indent}{}\t<{}>{required}\n", f.name, type_name(&f.ty, self.profile));
            // A type inside itself (a JSON schema) ends there.
            if let Some(next) = inner(&f.ty).filter(|n| self.recursive && !above.contains(&n.name)) {
                self.print(next, false, depth + 1, above, out);
            }
        }
        above.pop();
    }
}

/// 1.20 calls every struct an Object, 1.36 by its name.
fn type_name(ty: &Ty, profile: Profile) -> String {
    match ty {
        Ty::Ptr(t) | Ty::Named(_, t) => type_name(t, profile),
        Ty::List(item) => format!("[]{}", type_name(item, profile)),
        Ty::Map(_, value) => format!("map[string]{}", type_name(value, profile)),
        _ if profile == Profile::Book => {
            if matches!(ty, Ty::Struct(_) | Ty::Any) {
                "Object".to_owned()
            } else {
                ty.openapi().to_owned()
            }
        }
        Ty::Struct(_) => ty.as_struct().map_or("Object", |t| t.name).to_owned(),
        Ty::Quantity => "Quantity".to_owned(),
        Ty::IntOrString => "IntOrString".to_owned(),
        Ty::Any => "Object".to_owned(),
        other => other.openapi().to_owned(),
    }
}
