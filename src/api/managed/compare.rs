//! Which paths two states of an object differ in, by its schema.
//! Models structured-merge-diff/typed compare.go and tofieldset.go, on objects as upstream's
//! structs would print them: a struct that is no pointer is there even when nothing is in it.

use std::borrow::Cow;

use super::super::schema::{Field, ListKind, Ty, Type};
use super::super::{Map, Profile, Value};
use super::set::{Elem, Set};
use crate::base::Str;

/// How server-side apply sees a value.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Owned as a whole.
    Leaf,
    Struct(&'static Type),
    /// A map of this.
    Map(&'static Ty),
    /// Items with keys; what the items are.
    Keyed(&'static [&'static str], &'static Ty),
    /// A set of scalars.
    Scalars,
    /// Maps to their leaves: custom objects.
    Free,
}

pub(super) fn shape_of(field: &'static Field, profile: Profile) -> Shape {
    if field.atomic && profile == Profile::Modern {
        return Shape::Leaf;
    }
    match (field.ty.inner(), &field.list) {
        _ if field.name == "*" => Shape::Free,
        (Ty::List(item), ListKind::Map(keys)) => Shape::Keyed(keys, item),
        (Ty::List(_), ListKind::Set) => Shape::Scalars,
        (Ty::List(_), ListKind::Atomic) => Shape::Leaf,
        _ => shape(&field.ty, profile),
    }
}

fn shape(ty: &'static Ty, profile: Profile) -> Shape {
    match ty.inner() {
        // In 1.20 selectors of labels were atomic already, references and the like not yet.
        Ty::Struct(_) => match ty.as_struct() {
            Some(t) if !t.atomic || t.name != "LabelSelector" && profile == Profile::Book => Shape::Struct(t),
            _ => Shape::Leaf,
        },
        Ty::Map(_, value) => Shape::Map(value),
        _ => Shape::Leaf,
    }
}

/// Fields of `metadata` that nobody owns.
const OWNERLESS: &[&str] = &[
    "clusterName",
    "creationTimestamp",
    "generation",
    "managedFields",
    "name",
    "namespace",
    "resourceVersion",
    "selfLink",
    "uid",
];

pub(super) fn owned(t: &Type, name: &str) -> bool {
    t.name != "ObjectMeta" || !OWNERLESS.contains(&name)
}

/// What was changed or added, and what was removed.
#[derive(Default)]
pub struct Difference {
    pub changed: Set,
    pub removed: Set,
}

struct Walk {
    profile: Profile,
}

/// The difference between two bodies of the same kind. An object that does not exist yet is the
/// empty one.
pub fn compare(t: &'static Type, old: &Map, new: &Map, profile: Profile) -> Difference {
    let w = Walk { profile };
    let mut found = w.fields(t, Some(old), Some(new));
    // Names of metadata's own fields are the root's only exception; nested templates are plain.
    for set in [&mut found.changed, &mut found.removed] {
        set.member = false;
    }
    found
}

impl Walk {
    fn leaf(old: Option<&Value>, new: Option<&Value>) -> Difference {
        match (old, new) {
            (None, Some(_)) => Difference { changed: Set::leaf(), ..Difference::default() },
            (Some(_), None) => Difference { removed: Set::leaf(), ..Difference::default() },
            (Some(a), Some(b)) if a != b => Difference { changed: Set::leaf(), ..Difference::default() },
            _ => Difference::default(),
        }
    }

    fn value(&self, of: Shape, old: Option<&Value>, new: Option<&Value>) -> Difference {
        // An empty map or list on both sides is a leaf: empty and absent differ.
        let hollow = |v: Option<&Value>| match v {
            None | Some(Value::Null) => true,
            Some(Value::Map(m)) => m.is_empty(),
            Some(Value::List(l)) => l.is_empty(),
            Some(_) => false,
        };
        match of {
            Shape::Leaf => return Walk::leaf(old, new),
            Shape::Free if ![old, new].iter().flatten().all(|v| v.as_map().is_some()) => return Walk::leaf(old, new),
            _ if hollow(old) && hollow(new) => return Walk::leaf(old, new),
            _ => {}
        }
        let (om, nm) = (old.and_then(Value::as_map), new.and_then(Value::as_map));
        let mut found = match of {
            Shape::Leaf => Difference::default(),
            Shape::Struct(t) => self.fields(t, om, nm),
            Shape::Map(ty) => self.entries(shape(ty, self.profile), om, nm),
            Shape::Free => self.entries(Shape::Free, om, nm),
            Shape::Keyed(keys, ty) => self.items(keys, ty, old, new),
            Shape::Scalars => scalars(old, new),
        };
        found.changed.member = old.is_none();
        found.removed.member = new.is_none();
        found
    }

    fn fields(&self, t: &'static Type, old: Option<&Map>, new: Option<&Map>) -> Difference {
        if let (Some(a), Some(b)) = (old, new)
            && a.same(b)
        {
            return Difference::default();
        }
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for field in t.all(self.profile) {
            let before = old.and_then(|m| present(field, m, self.profile));
            let after = new.and_then(|m| present(field, m, self.profile));
            if before.is_none() && after.is_none() || !owned(t, field.name) {
                continue;
            }
            let found = self.value(shape_of(field, self.profile), before.as_deref(), after.as_deref());
            changed.push((Elem::Field(field.name), found.changed));
            removed.push((Elem::Field(field.name), found.removed));
        }
        if t.open() {
            let others = |m: Option<&Map>| -> Map {
                let own = m.into_iter().flat_map(Map::iter).filter(|(k, _)| *k != "metadata");
                own.map(|(k, v)| (k.clone(), v.clone())).collect()
            };
            let found = self.entries(Shape::Free, old.map(|_| others(old)).as_ref(), Some(&others(new)));
            changed.extend(found.changed.kids().iter().cloned());
            removed.extend(found.removed.kids().iter().cloned());
        }
        Difference { changed: Set::node(false, changed), removed: Set::node(false, removed) }
    }

    fn entries(&self, of: Shape, old: Option<&Map>, new: Option<&Map>) -> Difference {
        if let (Some(a), Some(b)) = (old, new)
            && a.same(b)
        {
            return Difference::default();
        }
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        for (key, after) in new.into_iter().flat_map(Map::iter) {
            let found = self.value(of, old.and_then(|m| m.get(key)), Some(after));
            changed.push((Elem::Name(key.clone()), found.changed));
            removed.push((Elem::Name(key.clone()), found.removed));
        }
        for (key, before) in old.into_iter().flat_map(Map::iter).filter(|(k, _)| !new.is_some_and(|m| m.has(k))) {
            removed.push((Elem::Name(key.clone()), self.value(of, Some(before), None).removed));
        }
        Difference { changed: Set::node(false, changed), removed: Set::node(false, removed) }
    }

    fn items(&self, keys: &[&str], ty: &'static Ty, old: Option<&Value>, new: Option<&Value>) -> Difference {
        let (a, b) = (old.map_or(&[][..], Value::items), new.map_or(&[][..], Value::items));
        let (mut changed, mut removed) = (Vec::new(), Vec::new());
        let of = shape(ty, self.profile);
        for item in b {
            let before = a.iter().find(|i| same_item(keys, i, item));
            if before == Some(item) {
                continue;
            }
            let found = self.value(of, before, Some(item));
            let key = key_of(keys, item);
            changed.push((Elem::Key(key.clone()), found.changed));
            removed.push((Elem::Key(key), found.removed));
        }
        for item in a.iter().filter(|i| !b.iter().any(|j| same_item(keys, i, j))) {
            removed.push((Elem::Key(key_of(keys, item)), self.value(of, Some(item), None).removed));
        }
        Difference { changed: Set::node(false, changed), removed: Set::node(false, removed) }
    }
}

fn scalars(old: Option<&Value>, new: Option<&Value>) -> Difference {
    let (a, b) = (old.map_or(&[][..], Value::items), new.map_or(&[][..], Value::items));
    let only = |list: &[Value], other: &[Value]| {
        let fresh = list.iter().filter(|v| !other.contains(v));
        Set::node(false, fresh.map(|v| (Elem::Item(v.to_json().into()), Set::leaf())).collect())
    };
    Difference { changed: only(b, a), removed: only(a, b) }
}

pub(super) fn same_item(keys: &[&str], a: &Value, b: &Value) -> bool {
    keys.iter().all(|k| a.get(k) == b.get(k))
}

/// The keys of an item as JSON.
pub(super) fn key_of(keys: &[&str], item: &Value) -> Str {
    let found = keys.iter().filter_map(|k| Some((Str::from(*k), item.get(k)?.clone())));
    Value::Map(found.collect()).to_json().into()
}

/// The field as upstream's encoder prints it: structs and what has no omitempty are always there.
fn present<'m>(field: &'static Field, map: &'m Map, profile: Profile) -> Option<Cow<'m, Value>> {
    if let Some(value) = map.get(field.name) {
        return Some(Cow::Borrowed(value));
    }
    match &field.ty {
        Ty::Struct(_) => Some(Cow::Owned(Value::Map(Map::new()))),
        Ty::Time if profile == Profile::Book => Some(Cow::Owned(Value::Null)),
        Ty::Str(_) if field.always => Some(Cow::Owned("".into())),
        Ty::Int32 | Ty::Int64 if field.always => Some(Cow::Owned(Value::Int(0))),
        Ty::Bool if field.always => Some(Cow::Owned(Value::Bool(false))),
        _ if field.always => Some(Cow::Owned(Value::Null)),
        _ => None,
    }
}

/// What an applied configuration names. Models tofieldset.go.
pub fn named(t: &'static Type, config: &Map, profile: Profile) -> Set {
    let kids = config.iter().filter_map(|(key, v)| {
        let field = t.field(key, profile).filter(|f| owned(t, f.name))?;
        let mut below = named_value(shape_of(field, profile), v, profile);
        below.member |= v.is_null();
        Some((Elem::Field(field.name), below))
    });
    Set::node(false, kids.collect())
}

fn named_value(shape: Shape, value: &Value, profile: Profile) -> Set {
    match (shape, value) {
        (Shape::Struct(t), Value::Map(m)) if !m.is_empty() => named(t, m, profile),
        (Shape::Map(ty), Value::Map(m)) if !m.is_empty() => {
            let of = self::shape(ty, profile);
            let each = m.iter().map(|(k, v)| (Elem::Name(k.clone()), named_value(of, v, profile).as_member()));
            Set::node(false, each.collect())
        }
        (Shape::Keyed(keys, ty), Value::List(l)) if !l.is_empty() => {
            let of = self::shape(ty, profile);
            let each = l.iter().map(|i| (Elem::Key(key_of(keys, i)), named_value(of, i, profile).as_member()));
            Set::node(false, each.collect())
        }
        (Shape::Scalars, Value::List(l)) if !l.is_empty() => {
            Set::node(false, l.iter().map(|v| (Elem::Item(v.to_json().into()), Set::leaf())).collect())
        }
        _ => Set::leaf(),
    }
}

/// The paths of `config` that the schema does not have.
pub fn undeclared(t: &'static Type, config: &Map, profile: Profile) -> Vec<String> {
    let mut out = Vec::new();
    undeclared_in(t, config, profile, "", &mut out);
    out
}

fn undeclared_in(t: &'static Type, config: &Map, profile: Profile, at: &str, out: &mut Vec<String>) {
    for (key, value) in config.iter() {
        let Some(field) = t.field(key, profile) else {
            out.push(format!("{at}.{key}"));
            continue;
        };
        let at = format!("{at}.{key}");
        match (field.ty.as_struct(), value, field.ty.element().and_then(Ty::as_struct)) {
            (Some(inner), Value::Map(m), _) => undeclared_in(inner, m, profile, &at, out),
            (_, Value::List(l), Some(inner)) => {
                let keys = if let ListKind::Map(keys) = &field.list { keys.as_slice() } else { &[] };
                for (i, item) in l.iter().enumerate() {
                    let elem = match keys {
                        [] => format!("[{i}]"),
                        keys => Elem::Key(key_of(keys, item)).in_path(),
                    };
                    if let Value::Map(m) = item {
                        undeclared_in(inner, m, profile, &format!("{at}{elem}"), out);
                    }
                }
            }
            _ => {}
        }
    }
}
