//! Applying a strategic merge patch.

use super::super::{Map, Profile, Value};
use super::{DELETE_PRIMITIVES, DIRECTIVE, ELEMENT_ORDER, Meta, RETAIN_KEYS, Schema, meta};
use crate::base::arrange::Arrange;

/// How patches merge: into a live object, or one patch into another.
#[derive(Clone, Copy)]
pub(super) struct Options {
    /// `$deleteFromPrimitiveList`, `$setElementOrder` and `$retainKeys` are carried out; otherwise kept.
    pub directives: bool,
    /// A null deletes and leaves nothing behind; otherwise it is kept as an explicit deletion.
    pub drop_nulls: bool,
    pub profile: Profile,
}

/// `original` with `patch` merged in.
pub fn merge(schema: Schema, original: &Map, patch: &Map, profile: Profile) -> Result<Map, String> {
    merge_maps(schema, original, patch, Options { directives: true, drop_nulls: true, profile })
}

pub(super) fn merge_maps(schema: Schema, original: &Map, patch: &Map, o: Options) -> Result<Map, String> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return replace_or_delete(directive, patch);
    }
    let (mut out, mut patch) = (original.clone(), patch.clone());
    retain_keys(&mut out, &mut patch, o)?;
    element_orders(schema, &mut out, &mut patch, o)?;
    for (key, value) in patch.iter() {
        let delete_from = key.strip_prefix(DELETE_PRIMITIVES);
        if delete_from.is_some() && !o.directives {
            if out.get(key).is_some_and(|old| old != value) {
                return Err("invalid patch format of primitive list".to_owned());
            }
            out.insert(key.clone(), value.clone());
            continue;
        }
        let name = delete_from.unwrap_or(key);
        if value.is_null() {
            out.remove(name);
            if o.drop_nulls {
                continue;
            }
        }
        let merged = match (out.get(name), value) {
            (_, _) if delete_from.is_some() => match out.get(name) {
                Some(Value::List(old)) => {
                    Value::List(old.iter().filter(|v| !value.items().contains(v)).cloned().collect())
                }
                _ => continue,
            },
            (Some(Value::Map(old)), Value::Map(new)) => {
                Value::Map(merge_maps(meta(schema, name, o.profile).inner, old, new, o)?)
            }
            (Some(Value::List(old)), Value::List(new)) => {
                let m = meta(schema, name, o.profile);
                match m.merge_key {
                    Some(key) => Value::from(merge_lists(m, key, old.as_slice(), new.as_slice(), o)?),
                    None => value.clone(),
                }
            }
            _ => match without_directives(value, o.drop_nulls) {
                Some(v) => v,
                None => {
                    out.remove(name);
                    continue;
                }
            },
        };
        if out.get(name) != Some(&merged) {
            out.insert(name, merged);
        }
    }
    Ok(out)
}

/// `$patch: replace` keeps only the patch, `$patch: delete` nothing.
fn replace_or_delete(directive: &Value, patch: &Map) -> Result<Map, String> {
    match directive.as_str() {
        "replace" => {
            let mut rest = patch.clone();
            rest.remove(DIRECTIVE);
            Ok(rest)
        }
        "delete" => Ok(Map::new()),
        other => Err(format!("unknown patch type: {other} in map: {}", Value::from(patch.clone()).to_json())),
    }
}

fn retain_keys(out: &mut Map, patch: &mut Map, o: Options) -> Result<(), String> {
    let Some(keep) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if !o.directives {
        out.insert(RETAIN_KEYS, keep);
        return Ok(());
    }
    let bad = || "invalid patch format of retainKeys".to_owned();
    let keep = keep.as_list().ok_or_else(bad)?;
    let kept = |key: &str| keep.iter().any(|k| k.as_str() == key);
    if patch.iter().any(|(k, v)| !v.is_null() && !k.starts_with('$') && !kept(k)) {
        return Err(bad());
    }
    let gone: Vec<_> = out.keys().filter(|k| !kept(k)).cloned().collect();
    gone.iter().for_each(|k| {
        out.remove(k);
    });
    Ok(())
}

/// Carries out `$setElementOrder/…` together with the list it orders.
fn element_orders(schema: Schema, out: &mut Map, patch: &mut Map, o: Options) -> Result<(), String> {
    let orders: Vec<_> = patch.keys().filter(|k| k.starts_with(ELEMENT_ORDER)).cloned().collect();
    for key in orders {
        let order = patch.remove(&key).unwrap_or_default();
        let bad = || "invalid patch format of setElementOrder list".to_owned();
        if !o.directives {
            if out.get(&key).is_some_and(|old| *old != order) {
                return Err(bad());
            }
            out.insert(key.clone(), order.clone());
        }
        let name = key.trim_start_matches(ELEMENT_ORDER);
        let m = meta(schema, name, o.profile);
        let merge_key = m.merge_key.unwrap_or_default();
        let new = patch.remove(name);
        let new_items = new.as_ref().map(Value::items);
        let live = out.get(name).map_or(&[][..], Value::items).to_vec();
        let merged = match new_items {
            Some(items) if out.get(name).is_some_and(|v| !v.is_null()) => merge_lists(m, merge_key, &live, items, o)?,
            Some(items) => items.iter().filter_map(|v| without_directives(v, o.drop_nulls)).collect(),
            None if out.has(name) => live.clone(),
            None => continue,
        };
        let order: Vec<&Value> = order.as_list().ok_or_else(bad)?.iter().collect();
        let sorted = sort_by_order(merged, &order, &live, merge_key);
        out.insert(name, sorted);
    }
    Ok(())
}

/// What identifies an item: its merge key, or itself.
fn identity<'a>(item: &'a Value, merge_key: &str) -> Option<&'a Value> {
    if merge_key.is_empty() { Some(item) } else { item.get(merge_key) }
}

fn position(list: &[&Value], item: &Value, merge_key: &str) -> Option<usize> {
    let id = identity(item, merge_key)?;
    list.iter().position(|x| identity(x, merge_key) == Some(id))
}

/// Items named by the patch in its order, the server's own among them where they stood.
fn sort_by_order(merged: Vec<Value>, order: &[&Value], live: &[Value], merge_key: &str) -> Vec<Value> {
    let live: Vec<&Value> = live.iter().collect();
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|v| position(order, v, merge_key).is_some());
    named.arrange_by_key(|v| position(order, v, merge_key));
    others.arrange_by_key(|v| position(&live, v, merge_key).unwrap_or(usize::MAX));
    let mut out = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        match (others.peek(), named.peek()) {
            (None, None) => return out,
            (Some(own), Some(theirs)) => {
                let at = (position(&live, own, merge_key), position(&live, theirs, merge_key));
                let first = matches!(at, (Some(a), Some(b)) if a < b);
                out.extend(if first { others.next() } else { named.next() });
            }
            (Some(_), None) => out.extend(others.next()),
            (None, Some(_)) => out.extend(named.next()),
        }
    }
}

fn merge_lists(m: Meta, merge_key: &str, old: &[Value], new: &[Value], o: Options) -> Result<Vec<Value>, String> {
    let maps = old.iter().chain(new).any(|v| matches!(v, Value::Map(_)));
    if !maps || merge_key.is_empty() {
        let mut merged: Vec<Value> = Vec::new();
        for v in old.iter().chain(new) {
            if !merged.contains(v) {
                merged.push(v.clone());
            }
        }
        let order: Vec<&Value> = new.iter().collect();
        return Ok(sort_by_order(merged, &order, old, ""));
    }
    let mut merged = old.to_vec();
    let mut plain = Vec::new();
    let mut replace = false;
    for item in new {
        match item.get(DIRECTIVE).map(Value::as_str) {
            None => plain.push(item),
            Some("replace") => replace = true,
            Some("delete") => {
                let id = item.get(merge_key).ok_or_else(|| no_merge_key(item, merge_key))?;
                merged.retain(|v| v.get(merge_key) != Some(id));
                if !o.directives {
                    merged.push(item.clone());
                }
            }
            Some("merge") => return Err("merging lists cannot yet be specified in the patch".to_owned()),
            Some(other) => return Err(format!("unknown patch type: {other} in map: {}", item.to_json())),
        }
    }
    if replace {
        return Ok(plain.into_iter().cloned().collect());
    }
    for item in &plain {
        let id = item.get(merge_key).ok_or_else(|| no_merge_key(item, merge_key))?;
        let known = merged.iter_mut().find(|v| v.get(merge_key) == Some(id));
        match (known, item) {
            (Some(place @ Value::Map(_)), Value::Map(new)) => {
                let old = place.as_map().cloned().unwrap_or_default();
                *place = Value::Map(merge_maps(m.inner, &old, new, o)?);
            }
            _ => merged.extend(without_directives(item, o.drop_nulls)),
        }
    }
    Ok(sort_by_order(merged, &plain, old, merge_key))
}

fn no_merge_key(item: &Value, key: &str) -> String {
    format!("map: {} does not contain declared merge key: {key}", super::super::gofmt::any(item))
}

/// A new value as it is stored: no directives in it, nor nulls that delete what was never there.
fn without_directives(value: &Value, drop_nulls: bool) -> Option<Value> {
    match value {
        Value::Map(m) => {
            if m.get(DIRECTIVE).is_some_and(|d| d.as_str() == "delete") {
                return None;
            }
            let fine = |(k, v): (&crate::base::Str, &Value)| {
                if k.starts_with('$') || (drop_nulls && v.is_null()) {
                    return None;
                }
                Some((k.clone(), without_directives(v, drop_nulls)?))
            };
            Some(Value::Map(m.iter().filter_map(fine).collect()))
        }
        Value::List(l) => Some(Value::List(l.iter().filter_map(|v| without_directives(v, drop_nulls)).collect())),
        other => Some(other.clone()),
    }
}
