//! `-f`: files, folders, standard input; their documents, checked and matched with resources.
//! Models cli-runtime/pkg/resource visitor.go.

use super::context::Cx;
use super::discovery::{self, Resource};
use super::error::{Error, Fail, Run, fail};
use super::{json_error, validation, yaml_error};
use crate::api::{Kind, ObjectKey, Value};
use crate::base::Str;

/// One document of a manifest.
#[derive(Clone, Debug)]
pub struct Doc {
    /// What it was read from, as errors name it.
    pub source: String,
    pub value: Value,
    pub resource: &'static Resource,
    pub kind: Kind,
    pub namespace: Str,
}

impl Doc {
    pub fn name(&self) -> &str {
        self.value.at(&["metadata", "name"]).map_or("", Value::as_str)
    }
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.kind, self.namespace.clone(), self.name())
    }
}

/// Whether `-f` or `-k` was given.
pub fn given(cx: &Cx<'_, '_>) -> bool {
    !cx.flags.all("filename").is_empty() || !cx.flags.text("kustomize").is_empty()
}

/// Documents that could be read and what was wrong with the others, in order.
pub fn read(cx: &mut Cx<'_, '_>, validate: bool) -> Run<(Vec<Doc>, Vec<Error>)> {
    let (mut docs, mut errors) = (Vec::new(), Vec::new());
    if !cx.flags.text("kustomize").is_empty() {
        if !cx.flags.all("filename").is_empty() {
            return fail("only one of -f or -k can be specified");
        }
        return fail(super::misc::no_kustomization(cx.flags.text("kustomize")));
    }
    let mut sources = Vec::new();
    for path in cx.flags.all("filename").to_vec() {
        sources.extend(expand(cx, &path)?);
    }
    for (source, text) in sources {
        match documents(cx, &source, &text, validate) {
            Ok(found) => {
                for one in found {
                    match one {
                        Ok(doc) => docs.push(doc),
                        Err(error) => errors.push(error),
                    }
                }
            }
            Err(Fail::Error(error)) => errors.push(error),
            Err(stop) => return Err(stop),
        }
    }
    let selector = cx.flags.text("selector").to_owned();
    if !selector.is_empty() && cx.path != "kubectl expose" {
        let wanted = super::builder::parse_labels(&selector, cx).or_else(fail)?;
        docs.retain(|d| wanted.matches(d.value.at(&["metadata", "labels"]).and_then(Value::as_map)));
    }
    Ok((docs, errors))
}

/// A path as (name, text) pairs: a folder gives its `.json`, `.yaml` and `.yml` files.
fn expand(cx: &mut Cx<'_, '_>, path: &str) -> Run<Vec<(String, String)>> {
    if path == "-" {
        return Ok(vec![("STDIN".to_owned(), cx.io.read_all()?.to_string())]);
    }
    if path.starts_with("http://") || path.starts_with("https://") {
        return url(cx, path);
    }
    match cx.io.read_file(path)? {
        Ok(text) => Ok(vec![(path.to_owned(), text.to_string())]),
        Err(why) if why.contains("Is a directory") => folder(cx, path),
        Err(why) if why.contains("Permission") => fail(format!("open {path}: permission denied")),
        Err(_) => fail(format!("the path \"{path}\" does not exist")),
    }
}

fn folder(cx: &mut Cx<'_, '_>, path: &str) -> Run<Vec<(String, String)>> {
    let names = cx.io.call("list-dir", Value::from(path))?;
    let mut out = Vec::new();
    let base = path.trim_end_matches('/');
    for name in names.items() {
        let name = name.as_str();
        // As filepath.Join cleans it.
        let file = format!("{base}/{name}").trim_start_matches("./").to_owned();
        if let Some(sub) = name.strip_suffix('/') {
            if cx.flags.yes("recursive") {
                out.extend(folder(cx, &format!("{base}/{sub}"))?);
            }
            continue;
        }
        if [".json", ".yaml", ".yml"].iter().any(|end| name.ends_with(end))
            && let Ok(text) = cx.io.read_file(&file)?
        {
            out.push((file, text.to_string()));
        }
    }
    if out.is_empty() {
        return fail(format!("error reading [{path}]: recognized file extensions are [.json .yaml .yml]"));
    }
    Ok(out)
}

fn url(cx: &mut Cx<'_, '_>, url: &str) -> Run<Vec<(String, String)>> {
    let answer = cx.io.call("http", Value::from(url))?;
    match answer.get("body") {
        Some(body) if answer.get("status").and_then(Value::as_int).unwrap_or(200) == 200 => {
            Ok(vec![(url.to_owned(), body.as_str().to_owned())])
        }
        Some(_) => {
            let status = answer.get("status").and_then(Value::as_int).unwrap_or(404);
            fail(format!("unable to read URL \"{url}\", server reported {status} Not Found, status code={status}"))
        }
        None => {
            let host = url.split('/').nth(2).unwrap_or(url);
            super::error::fail_raw(format!("Unable to connect to the server: dial tcp: lookup {host}: no such host"))
        }
    }
}

/// YAML documents of one text; an error ends the text.
fn documents(cx: &mut Cx<'_, '_>, source: &str, text: &str, validate: bool) -> Run<Vec<Result<Doc, Error>>> {
    let mut out = Vec::new();
    for part in split(text) {
        let value: Value = match serde_yaml::from_str(&truths(&part)) {
            Ok(value) => value,
            Err(_)
                if part.trim_start().starts_with('{') && json_error::of(&part).as_deref() == Some(json_error::END) =>
            {
                out.push(Err(Error::Text(format!("error parsing {source}: unexpected EOF"))));
                return Ok(out);
            }
            Err(error) => {
                let why = yaml_error::words(&error.to_string());
                out.push(Err(Error::Text(format!("error parsing {source}: error converting YAML to JSON: {why}"))));
                return Ok(out);
            }
        };
        if value.is_null() {
            continue;
        }
        if validate && let Err(why) = validation::check(cx, &value)? {
            let text = format!(
                "error validating \"{source}\": error validating data: {why}; if you choose to ignore these errors, turn validation off with --validate=false"
            );
            out.push(Err(Error::Text(text)));
            return Ok(out);
        }
        for item in flatten(value) {
            out.push(recognize(cx, source, item)?);
        }
    }
    Ok(out)
}

/// Documents between lines that begin with `---`.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for (i, line) in text.split_inclusive('\n').enumerate() {
        if i > 0 && line.starts_with("---") {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            *last += line;
        }
    }
    parts
}

/// `yes`, `on`, `y` and their like as kubectl's YAML 1.1 reads them: as booleans. Ours knows only
/// `true` and `false`. Plain words after `key:` or `-` count, not those of block texts.
fn truths(text: &str) -> std::borrow::Cow<'_, str> {
    const YES: [&str; 8] = ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"];
    const NO: [&str; 8] = ["n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    let word = |w: &str| {
        let w = w.trim();
        if YES.contains(&w) { Some("true") } else { NO.contains(&w).then_some("false") }
    };
    let ends = |line: &str| [": ", "- ", "[", "{", ","].iter().any(|s| line.contains(s));
    if !text.lines().any(|l| ends(l) && l.split([' ', ',', '[', ']', '{', '}']).any(|w| word(w).is_some())) {
        return text.into();
    }
    let (mut out, mut block) = (String::new(), None);
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |b| (b, "\n"));
        let depth = body.len() - body.trim_start_matches(' ').len();
        if block.is_some_and(|d| depth > d || body.trim().is_empty()) {
            out += line;
            continue;
        }
        let last = body.rsplit(' ').next().unwrap_or("");
        block = (last.starts_with(['|', '>']) && last.len() <= 3).then_some(depth);
        let plain = body.split(" #").next().unwrap_or(body);
        let at = [plain.rfind(": "), plain.rfind("- ")].into_iter().flatten().max();
        match at.and_then(|at| Some((at, word(&plain[at + 2..])?))) {
            Some((at, truth)) if !plain.contains(['"', '\'']) => {
                out += &format!("{}{truth}{}{end}", &body[..at + 2], &body[plain.len()..]);
            }
            _ if body.contains(['[', '{']) && !body.contains(['"', '\'']) => out += &(flow(body, &word) + end),
            _ => out += line,
        }
    }
    out.into()
}

/// The same between the brackets of one line.
fn flow(line: &str, word: &dyn Fn(&str) -> Option<&'static str>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(i) = rest.find([',', '[', ']', '{', '}', ':']) {
        let (part, sign) = (&rest[..i], &rest[i..=i]);
        let plain = out.ends_with(['[', ',']) || out.ends_with(':') && part.starts_with(' ');
        match word(part).filter(|_| plain && sign != ":") {
            Some(truth) => out += &part.replace(part.trim(), truth),
            None => out += part,
        }
        out += sign;
        rest = &rest[i + 1..];
    }
    out + rest
}

/// The items of a `List`, or the object alone.
fn flatten(value: Value) -> Vec<Value> {
    match value.get("items") {
        Some(items) if value.str("kind") == "List" => items.items().to_vec(),
        _ => vec![value],
    }
}

fn recognize(cx: &mut Cx<'_, '_>, source: &str, mut value: Value) -> Run<Result<Doc, Error>> {
    let (api_version, kind) = (value.str("apiVersion").to_owned(), value.str("kind").to_owned());
    if kind.is_empty() {
        let text = format!("unable to decode \"{source}\": Object 'Kind' is missing in '{}'", value.to_json());
        return Ok(Err(Error::Text(text)));
    }
    let name = value.at(&["metadata", "name"]).map_or("", Value::as_str).to_owned();
    let own = value.at(&["metadata", "namespace"]).map_or("", Value::as_str).to_owned();
    let mut known = discovery::of_manifest(cx.profile, &api_version, &kind);
    if known.is_none() {
        let own = discovery::customs_if_any(cx)?;
        known = own.into_iter().find(|r| r.kind == kind && r.api_version == api_version);
    }
    let Some((resource, modelled)) = known.and_then(|r| Some((r, r.modelled?))) else {
        let missing = format!("no matches for kind \"{kind}\" in version \"{api_version}\"");
        let text = if cx.modern() {
            format!(
                "resource mapping not found for name: \"{name}\" namespace: \"{own}\" from \"{source}\": {missing}\nensure CRDs are installed first"
            )
        } else {
            format!("unable to recognize \"{source}\": {missing}")
        };
        return Ok(Err(Error::Text(text)));
    };
    let mut namespace = Str::new();
    if resource.namespaced {
        let wanted = cx.namespace()?;
        if own.is_empty() && cx.flags.yes("local") {
            namespace = wanted;
        } else if own.is_empty() {
            namespace = wanted.clone();
            value.entry(&["metadata"]).make_map().insert("namespace", &wanted);
        } else if cx.flags.changed("namespace") && own != wanted {
            let text = format!(
                "the namespace from the provided object \"{own}\" does not match the namespace \"{wanted}\". You must pass '--namespace={own}' to perform this operation."
            );
            return Ok(Err(Error::Text(text)));
        } else {
            namespace = own.into();
        }
    }
    Ok(Ok(Doc { source: source.to_owned(), value, resource, kind: modelled, namespace }))
}
