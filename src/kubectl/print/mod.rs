//! Output formats: `-o` and what stands behind each of its words.
//! Models cli-runtime/pkg/genericclioptions print flags.

pub mod custom_columns;
pub mod json;
pub mod jsonpath;
pub mod name;
pub mod sort;
pub mod table;
pub mod tabwriter;
pub mod template;
pub mod yaml;

use super::context::Cx;
use super::error::{Run, fail};
use crate::api::{Map, Value};

/// A format that prints whole objects (everything but tables).
#[derive(Clone, Debug)]
pub enum Format {
    Json,
    Yaml,
    Kyaml,
    Name,
    Jsonpath(jsonpath::Path),
    /// Results as a JSON array.
    JsonpathAsJson(jsonpath::Path),
    CustomColumns(custom_columns::Columns),
    Template(template::Template),
}

/// What `-o` asks for. `Ok(None)`: the human-readable form (with `wide` or without).
pub fn format(cx: &mut Cx<'_, '_>, wide_allowed: bool) -> Run<Option<Format>> {
    let mut output = cx.flags.text("output").to_owned();
    if output.is_empty() && !cx.flags.text("template").is_empty() {
        output = "go-template".to_owned();
    }
    let output = output.as_str();
    let (word, inline) = output.split_once('=').unwrap_or((output, ""));
    let template = cx.flags.text("template");
    if !template.is_empty() && !inline.is_empty() {
        // Two templates: no printer knows what to do.
        let allowed = allowed(cx, wide_allowed);
        return fail(format!(
            "unable to match a printer suitable for the output format \"{output}\", allowed formats are: {allowed}"
        ));
    }
    let argument = if inline.is_empty() { cx.flags.text("template").to_owned() } else { inline.to_owned() };
    let lower = word.to_lowercase();
    let word = if matches!(lower.as_str(), "json" | "yaml" | "kyaml" | "name") { lower.as_str() } else { word };
    Ok(Some(match word {
        "" => return Ok(None),
        "wide" if wide_allowed => return Ok(None),
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        "kyaml" if cx.modern() => Format::Kyaml,
        "name" => Format::Name,
        "jsonpath" | "jsonpath-as-json" | "jsonpath-file" => {
            let text = argument_text(cx, word, &argument)?;
            let path = match jsonpath::parse(&text) {
                Ok(path) => path,
                Err(why) => return fail(format!("error parsing jsonpath {text}, {why}")),
            };
            if word == "jsonpath-as-json" { Format::JsonpathAsJson(path) } else { Format::Jsonpath(path) }
        }
        "custom-columns" | "custom-columns-file" => {
            let text = if word.ends_with("-file") { argument_text(cx, word, &argument)? } else { argument };
            if text.is_empty() {
                return fail("custom-columns format specified but no custom columns given");
            }
            match custom_columns::parse(&text, word.ends_with("-file")) {
                Ok(columns) => Format::CustomColumns(columns),
                Err(why) => return fail(why),
            }
        }
        "go-template" | "go-template-file" | "template" | "templatefile" => {
            let text = argument_text(cx, word, &argument)?;
            match template::parse(&text) {
                Ok(template) => Format::Template(template),
                Err(why) => return fail(format!("error parsing template {text}, template: output:1: {why}")),
            }
        }
        _ => {
            let allowed = allowed(cx, wide_allowed);
            return fail(format!(
                "unable to match a printer suitable for the output format \"{output}\", allowed formats are: {allowed}"
            ));
        }
    }))
}

fn allowed(cx: &Cx<'_, '_>, wide: bool) -> String {
    let modern = cx.modern();
    let mut all = Vec::new();
    if wide {
        all.extend(["custom-columns", "custom-columns-file"]);
    }
    all.extend(["go-template", "go-template-file", "json", "jsonpath", "jsonpath-as-json", "jsonpath-file"]);
    if modern {
        all.push("kyaml");
    }
    all.extend(["name", "template", "templatefile"]);
    if wide {
        all.push("wide");
    }
    all.push("yaml");
    all.join(",")
}

fn argument_text(cx: &mut Cx<'_, '_>, word: &str, argument: &str) -> Run<String> {
    if argument.is_empty() {
        return fail("template format specified but no template given");
    }
    if !word.ends_with("file") {
        return Ok(argument.to_owned());
    }
    match cx.io.read_file(argument)? {
        Ok(text) => Ok(text.to_string()),
        Err(_) if word.starts_with("custom") => {
            fail(format!("error reading template {argument}, open {argument}: no such file or directory\n"))
        }
        Err(_) => fail(format!("error reading --template {argument}, open {argument}: no such file or directory\n")),
    }
}

/// Prints one whole object, or a list of them as one.
pub fn object(cx: &mut Cx<'_, '_>, format: &Format, value: &Value) -> Run {
    // Only these printers leave managedFields out.
    let hidden = matches!(format, Format::Json | Format::Yaml | Format::Kyaml);
    let value = &if hidden { shown(cx, value) } else { value.clone() };
    match format {
        Format::Json => {
            let text = typed(cx, value).map_or_else(|| json::pretty(value), |t| json::indent(&t));
            cx.io.out(text);
        }
        Format::Yaml => cx.io.out(yaml::document(value)),
        Format::Kyaml => cx.io.out(yaml::kyaml(value)),
        Format::Name => {
            for item in items(value) {
                let line = name::of(cx.profile, item);
                cx.io.outln(line);
            }
        }
        Format::Jsonpath(path) => match path.print(value) {
            Ok(text) => cx.io.out(text),
            Err(why) => return fail(jsonpath_error(path, value, &why)),
        },
        Format::JsonpathAsJson(path) => match path.values(value) {
            Ok(found) => {
                let list: Vec<Value> = found;
                cx.io.out(json::pretty(&Value::from(list)));
            }
            Err(why) => return fail(jsonpath_error(path, value, &why)),
        },
        Format::CustomColumns(columns) => {
            let text =
                columns.print(&items(value).into_iter().cloned().collect::<Vec<_>>(), cx.flags.yes("no-headers"));
            cx.io.out(text);
        }
        Format::Template(template) => match template.run(value) {
            Ok(text) => cx.io.out(text),
            Err(why) => {
                return fail(format!("error executing template \"{}\": template: output:{why}", template.text));
            }
        },
    }
    Ok(())
}

/// JSON in the order of the Go struct, where the command holds one rather than a map.
pub fn typed(cx: &Cx<'_, '_>, value: &Value) -> Option<String> {
    let verb = cx.path.strip_prefix("kubectl ")?;
    let own =
        ["create ", "run", "expose", "autoscale", "set ", "rollout ", "taint"].iter().any(|v| verb.starts_with(v));
    let kind = super::discovery::of_manifest(cx.profile, value.str("apiVersion"), value.str("kind"))?.modelled?;
    if !own {
        return None;
    }
    let text = crate::api::codec::to_json(kind, value, cx.profile);
    Some(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

fn jsonpath_error(path: &jsonpath::Path, value: &Value, why: &str) -> String {
    format!(
        "error executing jsonpath {}: Error executing template: {why}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t{}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
        super::flags::quote(&path.text),
        path.text,
        go_map(value)
    )
}

/// Go's `%#v` of unstructured content, shortened: only the reader's eye needs it.
fn go_map(value: &Value) -> String {
    match value {
        Value::Map(m) => {
            let each: Vec<String> =
                m.iter().map(|(k, v)| format!("{}:{}", super::flags::quote(k), go_map(v))).collect();
            format!("map[string]interface {{}}{{{}}}", each.join(", "))
        }
        Value::List(l) => {
            let each: Vec<String> = l.iter().map(go_map).collect();
            format!("[]interface {{}}{{{}}}", each.join(", "))
        }
        Value::Str(s) => super::flags::quote(s),
        Value::Null => "interface {}(nil)".to_owned(),
        other => other.to_json(),
    }
}

/// The items of a list, or the object alone.
pub fn items(value: &Value) -> Vec<&Value> {
    match value.get("items") {
        Some(items) if value.str("kind").ends_with("List") => items.items().iter().collect(),
        _ => vec![value],
    }
}

/// Without managedFields where they are hidden.
fn shown(cx: &Cx<'_, '_>, value: &Value) -> Value {
    if !cx.modern() || cx.flags.yes("show-managed-fields") {
        return value.clone();
    }
    let strip = |v: &Value| {
        let mut v = v.clone();
        if v.at(&["metadata", "managedFields"]).is_some() {
            v.entry(&["metadata"]).make_map().remove("managedFields");
        }
        v
    };
    if value.str("kind") != "List" {
        return strip(value);
    }
    let mut list = value.clone();
    let items: Vec<Value> = value.get("items").map_or(&[][..], Value::items).iter().map(strip).collect();
    list.make_map().insert("items", items);
    list
}

/// Several objects as kubectl wraps them.
pub fn list(modern: bool, items: Vec<Value>) -> Value {
    let metadata: Map = if modern {
        map! { "resourceVersion" => "" }
    } else {
        map! { "resourceVersion" => "", "selfLink" => "" }
    };
    Value::Map(map! { "apiVersion" => "v1", "items" => items, "kind" => "List", "metadata" => metadata })
}
