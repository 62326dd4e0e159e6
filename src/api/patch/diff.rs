//! Computing strategic merge patches: between two objects (`kubectl edit`), and between what was
//! applied last, what is applied now, and what lives (`kubectl apply`).

use super::super::{Map, Profile, Value};
use super::strategic::{Options as MergeOptions, merge_maps};
use super::{DELETE_PRIMITIVES, DIRECTIVE, ELEMENT_ORDER, Meta, RETAIN_KEYS, Schema, meta};
use crate::base::Str;
use crate::base::arrange::Arrange;

#[derive(Clone, Copy)]
struct Options {
    ignore_deletions: bool,
    ignore_changes: bool,
    order: bool,
    retain_keys: bool,
    profile: Profile,
}

/// The patch that turns `original` into `modified`.
pub fn two_way(schema: Schema, original: &Map, modified: &Map, profile: Profile) -> Result<Map, String> {
    let o = Options { ignore_deletions: false, ignore_changes: false, order: true, retain_keys: false, profile };
    diff_maps(schema, original, modified, o)
}

/// The patch that brings `current` to `modified`, deleting only what `original` had and `modified` has not.
pub fn three_way(
    schema: Schema,
    original: &Map,
    modified: &Map,
    current: &Map,
    profile: Profile,
) -> Result<Map, String> {
    let base = Options { ignore_deletions: true, ignore_changes: false, order: true, retain_keys: false, profile };
    let delta = diff_maps(schema, current, modified, base)?;
    let only_deletions = Options { ignore_deletions: false, ignore_changes: true, ..base };
    let deletions = diff_maps(schema, original, modified, only_deletions)?;
    merge_maps(schema, &deletions, &delta, MergeOptions { directives: false, drop_nulls: false, profile })
}

fn diff_maps(schema: Schema, original: &Map, modified: &Map, o: Options) -> Result<Map, String> {
    let mut patch = Map::new();
    for (key, new) in modified.iter() {
        let Some(old) = original.get(key) else {
            if !o.ignore_changes {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        let m = meta(schema, key, o.profile);
        match (old, new) {
            (Value::Map(old), Value::Map(new)) => {
                let inner = diff_maps(m.inner, old, new, Options { retain_keys: m.retain_keys, ..o })?;
                if !inner.is_empty() {
                    patch.insert(key.clone(), inner);
                }
            }
            (Value::List(old), Value::List(new)) if m.merge_key.is_some() => {
                let o = Options { retain_keys: m.retain_keys, ..o };
                diff_lists(m, key, old.as_slice(), new.as_slice(), &mut patch, o)?;
            }
            _ if old != new && !o.ignore_changes => patch.insert(key.clone(), new.clone()),
            _ => {}
        }
    }
    let mut additional = false;
    for key in original.keys().filter(|k| !modified.has(k)) {
        additional = true;
        if !o.ignore_deletions {
            patch.insert(key.clone(), Value::Null);
        }
    }
    if o.retain_keys && (!patch.is_empty() || additional) {
        let keep: Vec<Str> = modified.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.clone()).collect();
        if !keep.is_empty() {
            patch.insert(RETAIN_KEYS, keep);
        }
    }
    Ok(patch)
}

fn diff_lists(m: Meta, key: &str, old: &[Value], new: &[Value], patch: &mut Map, o: Options) -> Result<(), String> {
    if old.is_empty() {
        if !new.is_empty() && !o.ignore_changes {
            patch.insert(key, new.to_vec());
        }
        return Ok(());
    }
    let merge_key = m.merge_key.unwrap_or_default();
    if merge_key.is_empty() {
        diff_scalars(key, old, new, patch, o);
        return Ok(());
    }
    let mut changes = Vec::new();
    for item in new {
        let id = item.get(merge_key).ok_or_else(|| no_key(item, merge_key))?;
        match old.iter().find(|v| v.get(merge_key) == Some(id)) {
            Some(before) => {
                let empty = Map::new();
                let (before, after) = (before.as_map().unwrap_or(&empty), item.as_map().unwrap_or(&empty));
                let mut inner = diff_maps(m.inner, before, after, o)?;
                if !inner.is_empty() {
                    inner.insert(merge_key, id.clone());
                    changes.push(Value::Map(inner));
                }
            }
            None if !o.ignore_changes => changes.push(item.clone()),
            None => {}
        }
    }
    let order_of = |list: &[Value]| -> Vec<Value> { list.iter().filter_map(|v| v.get(merge_key)).cloned().collect() };
    let mut gone: Vec<Value> = order_of(old);
    gone.retain(|id| !new.iter().any(|v| v.get(merge_key) == Some(id)));
    gone.arrange_by_key(Value::to_json);
    if !o.ignore_deletions {
        changes.extend(gone.into_iter().map(|id| Value::Map(map! { DIRECTIVE => "delete", merge_key => id })));
    }
    let order_same = order_of(old) == order_of(new);
    let ordered =
        (!o.ignore_changes && (!changes.is_empty() || !order_same)) || (!o.ignore_deletions && !changes.is_empty());
    if o.order && ordered {
        let order: Vec<Map> = order_of(new).into_iter().map(|id| map! { merge_key => id }).collect();
        patch.insert(ecow::eco_format!("{ELEMENT_ORDER}{key}"), order);
    }
    if !changes.is_empty() {
        patch.insert(key, changes);
    }
    Ok(())
}

fn diff_scalars(key: &str, old: &[Value], new: &[Value], patch: &mut Map, o: Options) {
    let added: Vec<Value> = new.iter().filter(|v| !old.contains(v)).cloned().collect();
    let gone: Vec<Value> = old.iter().filter(|v| !new.contains(v)).cloned().collect();
    let ordered = (!o.ignore_deletions && !gone.is_empty()) || (!o.ignore_changes && old != new);
    if !added.is_empty() && !o.ignore_changes {
        patch.insert(key, added);
    }
    if !gone.is_empty() && !o.ignore_deletions {
        patch.insert(ecow::eco_format!("{DELETE_PRIMITIVES}{key}"), gone);
    }
    if o.order && ordered {
        patch.insert(ecow::eco_format!("{ELEMENT_ORDER}{key}"), new.to_vec());
    }
}

fn no_key(item: &Value, key: &str) -> String {
    format!("map: {} does not contain declared merge key: {key}", super::super::gofmt::any(item))
}
