//! A set ordered by its elements.

use std::borrow::Borrow;
use std::fmt;
use std::ops::RangeBounds;

use super::map::{Iter as Entries, OrdMap};

#[derive(Clone, PartialEq, Eq)]
pub struct OrdSet<K>(OrdMap<K, ()>);

impl<K> OrdSet<K> {
    pub const fn new() -> OrdSet<K> {
        OrdSet(OrdMap::new())
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn clear(&mut self) {
        self.0.clear();
    }
    pub fn iter(&self) -> Iter<'_, K> {
        Iter(self.0.iter())
    }
    /// The least element.
    pub fn get_min(&self) -> Option<&K> {
        self.iter().next()
    }
}

impl<K: Ord> OrdSet<K> {
    pub fn contains<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }
    /// The elements in `range`.
    pub fn range<Q: Ord + ?Sized, R: RangeBounds<Q>>(&self, range: R) -> Iter<'_, K>
    where
        K: Borrow<Q>,
    {
        Iter(self.0.range(range))
    }
}

impl<K: Ord + Clone> OrdSet<K> {
    /// The equal element that was there before.
    pub fn insert(&mut self, key: K) -> Option<()> {
        self.0.insert(key, ())
    }
    /// Whether it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<()>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }
    pub fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.0.retain(|key, _| keep(key));
    }
}

pub struct Iter<'a, K>(Entries<'a, K, ()>);

impl<K> Clone for Iter<'_, K> {
    fn clone(&self) -> Self {
        Iter(self.0.clone())
    }
}
impl<'a, K> Iterator for Iter<'a, K> {
    type Item = &'a K;
    fn next(&mut self) -> Option<&'a K> {
        self.0.next().map(|(key, _)| key)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}
impl<K> DoubleEndedIterator for Iter<'_, K> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, _)| key)
    }
}

impl<K> Default for OrdSet<K> {
    fn default() -> Self {
        OrdSet::new()
    }
}
impl<K: fmt::Debug> fmt::Debug for OrdSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
impl<K: Ord + Clone> Extend<K> for OrdSet<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        self.0.extend(keys.into_iter().map(|key| (key, ())));
    }
}
impl<K: Ord + Clone> FromIterator<K> for OrdSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut set = OrdSet::new();
        set.extend(keys);
        set
    }
}
impl<'a, K> IntoIterator for &'a OrdSet<K> {
    type Item = &'a K;
    type IntoIter = Iter<'a, K>;
    fn into_iter(self) -> Iter<'a, K> {
        self.iter()
    }
}
impl<K: Clone> IntoIterator for OrdSet<K> {
    type Item = K;
    type IntoIter = std::vec::IntoIter<K>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter().cloned().collect::<Vec<K>>().into_iter()
    }
}
