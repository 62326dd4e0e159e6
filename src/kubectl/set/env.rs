//! `kubectl set env`.
//! Models kubectl/pkg/cmd/set set_env.go and its env helpers.

use super::{Words, containers, each, selected};
use crate::api::{Kind, List, Map, Object, ObjectKey, Value};
use crate::base::Str;
use crate::kubectl::builder::{self, Options};
use crate::kubectl::context::Cx;
use crate::kubectl::error::{self, Run, fail};
use crate::kubectl::{create, get, manifest};

pub fn env(cx: &mut Cx<'_, '_>) -> Run {
    let (resources, mut pairs) = split(cx)?;
    pairs.extend(cx.flags.all("env").iter().cloned());
    if resources.is_empty() && !manifest::given(cx) {
        return cx.usage("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    let from = cx.flags.text("from").to_owned();
    if !cx.flags.all("keys").is_empty() && from.is_empty() {
        return fail("when specifying --keys, a configmap or secret must be provided with --from");
    }
    if cx.flags.yes("list") {
        return list_env(cx, &resources);
    }
    let (put, drop) = read_pairs(cx, &pairs)?;
    let only = cx.flags.text("containers").to_owned();
    let sourced = if from.is_empty() { Vec::new() } else { env_from(cx, &from)? };
    let overwrite = cx.flags.yes("overwrite");
    let words = Words { done: "env updated", refused: "failed to patch env update to pod template:", always: false };
    each(cx, &resources, &words, &|cx, info, value, _| {
        let (mut found, mut taken) = (false, None);
        containers(info, value, &mut |c| {
            if !selected(&only, c.str("name")) {
                return;
            }
            found = true;
            let list = c.make_map().entry("env").make_list();
            let new = put.iter().map(|(k, v)| map! { "name" => k, "value" => v });
            let more = sourced.iter().map(|(name, source)| map! { "name" => name, "valueFrom" => source.clone() });
            for entry in new.chain(more) {
                match list.items_mut().iter_mut().find(|e| e.str("name") == entry.str("name")) {
                    Some(old) if !overwrite && old.str("value") != entry.get("value").map_or("", Value::as_str) => {
                        taken = Some(format!(
                            "'{}' already has a value ({}), and --overwrite is false",
                            old.str("name"),
                            old.str("value")
                        ));
                    }
                    Some(old) => *old = Value::Map(entry),
                    None => list.push(Value::Map(entry)),
                }
            }
            list.make_mut().retain(|e| !drop.iter().any(|d| d == e.str("name")));
            if list.is_empty() {
                c.make_map().remove("env");
            }
        })?;
        if let Some(why) = taken {
            return fail(why);
        }
        if !found {
            let (kind, name) = (info.resource.kind, &info.key.name);
            let line = format!(
                "{}: {kind}/{name} does not have any containers matching {}",
                cx.by("warning", "Warning"),
                crate::kubectl::flags::quote(&only)
            );
            cx.io.errln(line);
        }
        Ok(())
    })
}

/// Resources, then `KEY=VALUE` and `KEY-`.
fn split(cx: &Cx<'_, '_>) -> Run<(Vec<Str>, Vec<Str>)> {
    let (mut resources, mut pairs) = (Vec::new(), Vec::new());
    for word in &cx.args {
        if word.find('=').is_some_and(|i| i > 0) || word.ends_with('-') {
            pairs.push(word.clone());
        } else if pairs.is_empty() {
            resources.push(word.clone());
        } else {
            let all: Vec<&str> = cx.args.iter().map(Str::as_str).collect();
            return fail(format!("all resources must be specified before environment changes: {}", all.join(" ")));
        }
    }
    Ok((resources, pairs))
}

/// What is set and what is removed; `-` reads pairs from standard input.
fn read_pairs(cx: &mut Cx<'_, '_>, pairs: &[Str]) -> Run<(Vec<(Str, Str)>, Vec<Str>)> {
    let (mut put, mut drop) = (Vec::new(), Vec::new());
    for pair in pairs {
        if pair == "-" {
            for line in cx.io.read_all()?.lines() {
                let line = line.split('#').next().unwrap_or("");
                put.extend(line.split_once('=').map(|(k, v)| (Str::from(k), Str::from(v))));
            }
        } else if let Some((key, value)) = pair.split_once('=') {
            let starts = !key.starts_with(|c: char| c.is_ascii_digit());
            let valid = starts && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
            if !valid {
                return fail(format!(
                    "{} is not a valid key name: a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is '[-._a-zA-Z][-._a-zA-Z0-9]*')",
                    crate::kubectl::flags::quote(key)
                ));
            }
            put.push((key.into(), value.into()));
        } else if let Some(key) = pair.strip_suffix('-') {
            drop.push(key.into());
        } else {
            return fail(format!("unknown environment variable: {pair}"));
        }
    }
    if put.iter().any(|(k, _)| drop.contains(k)) {
        return fail("can not both modify and remove the same environment variable in the same command");
    }
    Ok((put, drop))
}

/// A key as the name of a variable.
fn variable(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The keys of a config map or secret as variables.
fn env_from(cx: &mut Cx<'_, '_>, from: &str) -> Run<Vec<(Str, Value)>> {
    let (word, name) = builder::tuple(from)?;
    let resource = builder::one_type(cx, word)?;
    let (kind, field) = match resource.modelled {
        Some(Kind::CONFIG_MAP) => (Kind::CONFIG_MAP, "configMapKeyRef"),
        Some(Kind::SECRET) => (Kind::SECRET, "secretKeyRef"),
        _ => return fail("unsupported resource specified in --from"),
    };
    let key = ObjectKey::new(kind, cx.namespace()?, name);
    let object = cx.get(&key)?;
    let (prefix, keys) = (cx.flags.text("prefix").to_owned(), cx.flags.all("keys").to_vec());
    let data = object.get(&["data"]).and_then(Value::as_map).cloned().unwrap_or_default();
    let wanted = |k: &Str| keys.is_empty() || keys.contains(k);
    let modern = cx.modern();
    for key in data.keys().filter(|k| modern && wanted(k)) {
        let upper = variable(key);
        if upper != key.as_str() {
            cx.io.errln(format!("Warning: key {key} transferred to {upper}"));
        }
    }
    Ok(data
        .keys()
        .filter(|k| wanted(k))
        .map(|k| {
            let variable = variable(k);
            let mut reference = Map::new();
            reference.insert(field, map! { "key" => k, "name" => name });
            (ecow::eco_format!("{prefix}{variable}"), Value::Map(reference))
        })
        .collect())
}

fn list_env(cx: &mut Cx<'_, '_>, resources: &[Str]) -> Run {
    let options = Options { all: cx.flags.yes("all"), lenient: true, selectable: true, ..Options::default() };
    let (items, mut errors) = builder::items(cx, resources, options)?;
    let only = cx.flags.text("containers").to_owned();
    for info in builder::fetch(cx, items, &mut errors)? {
        let mut value = get::value_of(cx, &info.object);
        let mut found: Vec<(Str, List)> = Vec::new();
        containers(&info, &mut value, &mut |c| {
            if selected(&only, c.str("name")) {
                let env = c.get("env").map_or(&[][..], Value::items);
                found.push((c.str("name").into(), env.iter().cloned().collect()));
            }
        })?;
        for (container, env) in found {
            let line = format!("# {} {}, container {container}", info.resource.kind, info.key.name);
            cx.io.outln(line);
            for e in env.as_slice() {
                let Some(from) = e.get("valueFrom") else {
                    let line = format!("{}={}", e.str("name"), e.str("value"));
                    cx.io.outln(line);
                    continue;
                };
                let value = if cx.flags.yes("resolve") { resolve(cx, &info.object, from)? } else { None };
                let line = match value {
                    Some(value) => format!("{}={value}", e.str("name")),
                    None => format!("# {} from {}", e.str("name"), reference(from)),
                };
                cx.io.outln(line);
            }
        }
    }
    error::all(errors)
}

/// Where a variable's value comes from, in words.
fn reference(from: &Value) -> String {
    let at = |field: &str, key: &str| from.at(&[field, key]).map_or("", Value::as_str).to_owned();
    if from.get("configMapKeyRef").is_some() {
        return format!("configmap {}, key {}", at("configMapKeyRef", "name"), at("configMapKeyRef", "key"));
    }
    if from.get("secretKeyRef").is_some() {
        return format!("secret {}, key {}", at("secretKeyRef", "name"), at("secretKeyRef", "key"));
    }
    if from.get("fieldRef").is_some() {
        return format!("field path {}", at("fieldRef", "fieldPath"));
    }
    if from.get("resourceFieldRef").is_some() {
        let container = at("resourceFieldRef", "containerName");
        let slash = if container.is_empty() { "" } else { "/" };
        return format!("resource field {container}{slash}{}", at("resourceFieldRef", "resource"));
    }
    "invalid valueFrom".to_owned()
}

fn resolve(cx: &mut Cx<'_, '_>, object: &Object, from: &Value) -> Run<Option<String>> {
    for (field, kind) in [("configMapKeyRef", Kind::CONFIG_MAP), ("secretKeyRef", Kind::SECRET)] {
        let Some(source) = from.get(field) else { continue };
        let key = ObjectKey::new(kind, cx.namespace()?, source.str("name"));
        let Some(found) = cx.find(&key)? else { return Ok(None) };
        let text = found.get(&["data", source.str("key")]).map(|v| v.as_str().to_owned());
        return Ok(text.map(|t| if kind == Kind::SECRET { create::base64_decode(&t) } else { t }));
    }
    let path: Vec<&str> = from.at(&["fieldRef", "fieldPath"]).map_or("", Value::as_str).split('.').collect();
    Ok(match &path[..] {
        ["metadata", "name" | "namespace" | "uid"] => Some(object.str(&path).to_owned()),
        _ => None,
    })
}
