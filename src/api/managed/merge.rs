//! Server-side apply on values: merging what is applied into what lives, and removing what is
//! applied no longer.
//! Models structured-merge-diff/typed merge.go and merge/update.go prune.

use super::super::schema::Type;
use super::super::{List, Map, Profile, Value};
use super::compare::{Shape, key_of, same_item, shape_of};
use super::set::{Elem, Set};

/// `live` with everything that `config` names.
pub fn merge(t: &'static Type, live: &Map, config: &Map, profile: Profile) -> Map {
    let mut out = live.clone();
    for (key, value) in config.iter() {
        let shape = t.field(key, profile).map_or(Shape::Leaf, |f| shape_of(f, profile));
        let merged = merge_value(shape, live.get(key), value, profile);
        if live.get(key) != Some(&merged) {
            out.insert(key.clone(), merged);
        }
    }
    out
}

fn merge_value(shape: Shape, live: Option<&Value>, config: &Value, profile: Profile) -> Value {
    let Some(live) = live else { return config.clone() };
    match (shape, live, config) {
        (Shape::Struct(t), Value::Map(a), Value::Map(b)) => Value::Map(merge(t, a, b, profile)),
        (Shape::Map(ty), Value::Map(a), Value::Map(b)) => {
            let mut out = a.clone();
            for (k, v) in b.iter() {
                let of = ty.as_struct().map_or(Shape::Leaf, Shape::Struct);
                out.insert(k.clone(), merge_value(of, a.get(k), v, profile));
            }
            Value::Map(out)
        }
        (Shape::Free, Value::Map(a), Value::Map(b)) => {
            let mut out = a.clone();
            for (k, v) in b.iter() {
                out.insert(k.clone(), merge_value(Shape::Free, a.get(k), v, profile));
            }
            Value::Map(out)
        }
        (Shape::Keyed(keys, ty), Value::List(a), Value::List(b)) => {
            let of = ty.as_struct().map_or(Shape::Leaf, Shape::Struct);
            let mut out: Vec<Value> = a.as_slice().to_vec();
            for item in b {
                match out.iter_mut().find(|i| same_item(keys, i, item)) {
                    Some(place) => *place = merge_value(of, Some(place), item, profile),
                    None => out.push(item.clone()),
                }
            }
            Value::from(out)
        }
        (Shape::Scalars, Value::List(a), Value::List(b)) => {
            let fresh = b.iter().filter(|v| !a.as_slice().contains(v));
            Value::List(a.iter().chain(fresh).cloned().collect::<List>())
        }
        _ => config.clone(),
    }
}

/// Removes from `body` the paths of `gone`, and the containers on the way that this leaves empty and
/// that are not in `kept`.
pub fn prune(t: &'static Type, body: &Map, gone: &Set, kept: &Set, profile: Profile) -> Map {
    let mut out = body.clone();
    for (elem, below) in gone.kids() {
        let Some(name) = name_of(elem) else { continue };
        let Some(value) = body.get(name) else { continue };
        let kept = kept.get(elem).cloned().unwrap_or_default();
        let shape = t.field(name, profile).map_or(Shape::Leaf, |f| shape_of(f, profile));
        match prune_value(shape, value, below, &kept, profile) {
            Some(left) if left == *value => {}
            Some(left) => out.insert(elem_key(elem), left),
            None => {
                out.remove(name);
            }
        }
    }
    out
}

fn name_of(elem: &Elem) -> Option<&str> {
    match elem {
        Elem::Field(s) => Some(s),
        Elem::Name(s) => Some(s),
        _ => None,
    }
}
fn elem_key(elem: &Elem) -> crate::base::Str {
    name_of(elem).unwrap_or_default().into()
}

fn prune_value(shape: Shape, value: &Value, gone: &Set, kept: &Set, profile: Profile) -> Option<Value> {
    let left = match (shape, value) {
        _ if gone.kids().is_empty() => {
            // The path itself: it goes unless something below it is somebody's.
            return if gone.member && kept.is_empty() { None } else { Some(value.clone()) };
        }
        (Shape::Struct(t), Value::Map(m)) => Value::Map(prune(t, m, gone, kept, profile)),
        (Shape::Map(_) | Shape::Free, Value::Map(m)) => {
            let of = match shape {
                Shape::Map(ty) => ty.as_struct().map_or(Shape::Leaf, Shape::Struct),
                other => other,
            };
            let mut out = m.clone();
            for (elem, below) in gone.kids() {
                let Some((name, v)) = name_of(elem).and_then(|n| Some((n, m.get(n)?))) else { continue };
                let kept = kept.get(elem).cloned().unwrap_or_default();
                match prune_value(of, v, below, &kept, profile) {
                    Some(left) => out.insert(name, left),
                    None => {
                        out.remove(name);
                    }
                }
            }
            Value::Map(out)
        }
        (Shape::Keyed(keys, ty), Value::List(l)) => {
            let of = ty.as_struct().map_or(Shape::Leaf, Shape::Struct);
            let each = l.iter().filter_map(|item| {
                let elem = Elem::Key(key_of(keys, item));
                let kept = kept.get(&elem).cloned().unwrap_or_default();
                match gone.get(&elem) {
                    // An item that is gone takes all with it that nobody else owns.
                    Some(below) if below.member && kept.is_empty() => None,
                    Some(below) => prune_value(of, item, below, &kept, profile),
                    None => Some(item.clone()),
                }
            });
            Value::List(each.collect())
        }
        (Shape::Scalars, Value::List(l)) => {
            let stays = |v: &&Value| gone.get(&Elem::Item(v.to_json().into())).is_none();
            Value::List(l.iter().filter(stays).cloned().collect())
        }
        _ => value.clone(),
    };
    let hollow = match &left {
        Value::Map(m) => m.is_empty(),
        Value::List(l) => l.is_empty(),
        _ => false,
    };
    if hollow && kept.is_empty() { None } else { Some(left) }
}
