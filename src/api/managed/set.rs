//! A set of field paths: a tree whose nodes say whether the path to them is in the set. Shared like
//! values are, so that the sets of a thousand replicas are one.
//! Models sigs.k8s.io/structured-merge-diff/fieldpath.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::{Map, Value};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// One step of a path.
#[derive(Clone, Debug)]
pub enum Elem {
    /// A field that the schema knows.
    Field(&'static str),
    /// A key of a map.
    Name(Str),
    /// An item of a list with keys: its keys as a JSON object.
    Key(Str),
    /// An item of a set: the value as JSON.
    Item(Str),
}

impl Elem {
    fn rank(&self) -> (u8, &str) {
        match self {
            Elem::Field(s) => (0, s),
            Elem::Name(s) => (0, s),
            Elem::Key(s) => (1, s),
            Elem::Item(s) => (2, s),
        }
    }
    /// As fieldsV1 spells it.
    fn encode(&self) -> Str {
        let (rank, text) = self.rank();
        ecow::eco_format!("{}:{text}", ["f", "k", "v"][rank as usize])
    }
    fn decode(text: &str) -> Option<Elem> {
        let (class, rest) = text.split_once(':')?;
        match class {
            "f" => Some(Elem::Name(rest.into())),
            "k" => Some(Elem::Key(rest.into())),
            "v" => Some(Elem::Item(rest.into())),
            _ => None,
        }
    }
    /// As a conflict's path spells it: `.name`, `[name="web"]`, `[="x"]`.
    pub(super) fn in_path(&self) -> String {
        match self {
            Elem::Field(s) => format!(".{s}"),
            Elem::Name(s) => format!(".{s}"),
            Elem::Key(s) => {
                let keys = Value::from_json(s).unwrap_or_default();
                let pairs: Vec<String> = keys
                    .as_map()
                    .into_iter()
                    .flat_map(Map::iter)
                    .map(|(k, v)| format!("{k}={}", v.to_json()))
                    .collect();
                format!("[{}]", pairs.join(","))
            }
            Elem::Item(s) => format!("[={s}]"),
        }
    }
}

impl PartialEq for Elem {
    fn eq(&self, other: &Elem) -> bool {
        self.rank() == other.rank()
    }
}
impl Eq for Elem {}
impl PartialOrd for Elem {
    fn partial_cmp(&self, other: &Elem) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Elem {
    fn cmp(&self, other: &Elem) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// A node and what is below it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Set {
    pub member: bool,
    kids: Option<Arc<Vec<(Elem, Set)>>>,
}

impl Set {
    pub fn leaf() -> Set {
        Set { member: true, kids: None }
    }
    /// The same with its own path in it.
    pub fn as_member(mut self) -> Set {
        self.member = true;
        self
    }
    pub fn is_empty(&self) -> bool {
        !self.member && self.kids.is_none()
    }
    pub fn kids(&self) -> &[(Elem, Set)] {
        self.kids.as_ref().map_or(&[], |k| k)
    }
    /// A node from children in any order; empty ones are left out.
    pub fn node(member: bool, mut kids: Vec<(Elem, Set)>) -> Set {
        kids.retain(|(_, s)| !s.is_empty());
        if !kids.is_sorted_by(|a, b| a.0 <= b.0) {
            kids.arrange_by(|a, b| a.0.cmp(&b.0));
        }
        Set { member, kids: (!kids.is_empty()).then(|| Arc::new(kids)) }
    }
    /// Whether both are one shared tree.
    pub(super) fn same(&self, other: &Set) -> bool {
        self.member == other.member
            && match (&self.kids, &other.kids) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }
    pub fn get(&self, elem: &Elem) -> Option<&Set> {
        let kids = self.kids();
        kids.binary_search_by(|(e, _)| e.cmp(elem)).ok().map(|i| &kids[i].1)
    }

    pub fn union(&self, other: &Set) -> Set {
        if self.same(other) || other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let (mut a, mut b) = (self.kids().iter().peekable(), other.kids().iter().peekable());
        let mut kids = Vec::with_capacity(self.kids().len().max(other.kids().len()));
        let mut grown = other.member && !self.member;
        loop {
            match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => match x.0.cmp(&y.0) {
                    Ordering::Less => kids.extend(a.next().cloned()),
                    Ordering::Greater => {
                        grown = true;
                        kids.extend(b.next().cloned());
                    }
                    Ordering::Equal => {
                        let both = x.1.union(&y.1);
                        grown |= !both.same(&x.1);
                        kids.push((x.0.clone(), both));
                        a.next();
                        b.next();
                    }
                },
                (Some(_), None) => kids.extend(a.next().cloned()),
                (None, Some(_)) => {
                    grown = true;
                    kids.extend(b.next().cloned());
                }
                (None, None) => break,
            }
        }
        // What is equal stays shared.
        if grown { Set::node(self.member || other.member, kids) } else { self.clone() }
    }

    /// The paths of this set that are not in `other`.
    pub fn minus(&self, other: &Set) -> Set {
        if other.is_empty() {
            return self.clone();
        }
        let mut changed = self.member && other.member;
        let kids: Vec<(Elem, Set)> = self
            .kids()
            .iter()
            .map(|(e, s)| {
                let left = other.get(e).map_or_else(|| s.clone(), |o| s.minus(o));
                changed |= !left.same(s);
                (e.clone(), left)
            })
            .collect();
        if changed { Set::node(self.member && !other.member, kids) } else { self.clone() }
    }

    pub fn intersection(&self, other: &Set) -> Set {
        if self.same(other) {
            return self.clone();
        }
        let kids = self.kids().iter().filter_map(|(e, s)| Some((e.clone(), s.intersection(other.get(e)?)))).collect();
        Set::node(self.member && other.member, kids)
    }

    /// Leaves that have something below them in `full` get it.
    pub fn granular(&self, full: &Set) -> Set {
        if self.kids.is_none() {
            return if self.member { full.clone().as_member() } else { self.clone() };
        }
        let of = |(e, s): &(Elem, Set)| (e.clone(), full.get(e).map_or_else(|| s.clone(), |f| s.granular(f)));
        Set::node(self.member, self.kids().iter().map(of).collect())
    }

    /// This set with the parts that `model` has too being `model`'s: equal sets of many objects are
    /// kept once.
    pub fn sharing(&self, model: &Set) -> Set {
        if self.same(model) || self == model {
            return model.clone();
        }
        let share = |(e, s): &(Elem, Set)| match model.get(e) {
            Some(m) => (e.clone(), s.sharing(m)),
            None => (e.clone(), s.clone()),
        };
        Set::node(self.member, self.kids().iter().map(share).collect())
    }

    /// Without the field `name` of the root and all below it.
    pub fn without(&self, name: &str) -> Set {
        if self.get(&Elem::Name(name.into())).is_none() {
            return self.clone();
        }
        Set::node(self.member, self.kids().iter().filter(|(e, _)| e.rank().1 != name).cloned().collect())
    }

    /// The paths, in order, as conflicts spell them.
    pub fn paths(&self) -> Vec<String> {
        fn walk(set: &Set, at: &str, out: &mut Vec<String>) {
            for (elem, below) in set.kids().iter().filter(|(_, s)| s.member) {
                let _ = below;
                out.push(format!("{at}{}", elem.in_path()));
            }
            for (elem, below) in set.kids() {
                walk(below, &format!("{at}{}", elem.in_path()), out);
            }
        }
        let mut out = Vec::new();
        walk(self, "", &mut out);
        out
    }

    /// fieldsV1.
    pub fn encode(&self) -> Value {
        let below = self.kids().iter().map(|(e, s)| (e.encode(), s.encode()));
        let mut map: Map = below.collect();
        if self.member && !map.is_empty() {
            map.insert(".", Map::new());
        }
        Value::Map(map)
    }
    pub fn decode(value: &Value) -> Set {
        let mut root = Set::decode_node(value);
        root.member = false;
        root
    }
    fn decode_node(value: &Value) -> Set {
        let Some(map) = value.as_map() else { return Set::default() };
        if map.is_empty() {
            return Set::leaf();
        }
        let kids = map.iter().filter_map(|(k, v)| Some((Elem::decode(k)?, Set::decode_node(v)))).collect();
        Set::node(map.has("."), kids)
    }
}
