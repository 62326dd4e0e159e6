//! A map ordered by its keys.

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Bound, Index, IndexMut, RangeBounds};
use std::slice;
use std::sync::Arc;

use super::CHUNK;

/// Entries beside each other. `first` is not above any of them, and above all before: a search looks at it
/// and follows no pointer to the entries. (That of the map's first chunk says nothing.)
#[derive(Clone)]
struct Chunk<K, V> {
    first: K,
    entries: Arc<Vec<(K, V)>>,
}

/// Sorted entries in chunks, none of which is empty.
pub struct OrdMap<K, V> {
    chunks: Option<Arc<Vec<Chunk<K, V>>>>,
    len: usize,
}

/// Where a key is, or would be: chunk and place in it.
#[derive(Clone, Copy)]
struct At {
    chunk: usize,
    place: usize,
}

impl<K, V> OrdMap<K, V> {
    pub const fn new() -> OrdMap<K, V> {
        OrdMap { chunks: None, len: 0 }
    }
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    pub fn clear(&mut self) {
        *self = OrdMap::new();
    }

    fn chunks(&self) -> &[Chunk<K, V>] {
        self.chunks.as_ref().map_or(&[], |chunks| chunks)
    }

    /// Entries by key.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter { front: [].iter(), chunks: self.chunks().iter(), back: [].iter() }
    }
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.iter().map(|(key, _)| key)
    }
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.iter().map(|(_, value)| value)
    }
    /// The entry with the least key.
    pub fn get_min(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }
    /// The entry with the greatest key.
    pub fn get_max(&self) -> Option<(&K, &V)> {
        self.iter().next_back()
    }
}

impl<K: Ord, V> OrdMap<K, V> {
    /// `Ok` where the key is, `Err` where it belongs.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<At, At>
    where
        K: Borrow<Q>,
    {
        let chunks = self.chunks();
        let [_, rest @ ..] = chunks else { return Err(At { chunk: 0, place: 0 }) };
        let chunk = rest.partition_point(|chunk| chunk.first.borrow() <= key);
        match chunks[chunk].entries.binary_search_by(|(known, _)| known.borrow().cmp(key)) {
            Ok(place) => Ok(At { chunk, place }),
            Err(place) => Err(At { chunk, place }),
        }
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        let (key, value) = &self.chunks()[at.chunk].entries[at.place];
        Some((key, value))
    }
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// The entries whose keys lie in `range`.
    pub fn range<Q: Ord + ?Sized, R: RangeBounds<Q>>(&self, range: R) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let place = |bound: Bound<&Q>, over: bool| match bound {
            Bound::Unbounded => None,
            Bound::Included(key) | Bound::Excluded(key) => Some(match self.find(key) {
                Ok(at) => At { place: at.place + usize::from(over != matches!(bound, Bound::Included(_))), ..at },
                Err(at) => at,
            }),
        };
        // A start that is excluded, or an end that is included, lies after its key.
        let start = place(range.start_bound(), true);
        let end = place(range.end_bound(), false);
        self.between(start, end)
    }

    fn between(&self, start: Option<At>, end: Option<At>) -> Iter<'_, K, V> {
        let chunks = self.chunks();
        let start = start.unwrap_or(At { chunk: 0, place: 0 });
        let end = end.unwrap_or(At { chunk: chunks.len(), place: 0 });
        let none = Iter { front: [].iter(), chunks: [].iter(), back: [].iter() };
        let Some(first) = chunks.get(start.chunk).filter(|_| start.chunk <= end.chunk) else { return none };
        if start.chunk == end.chunk {
            let front = first.entries.get(start.place..end.place).unwrap_or_default().iter();
            return Iter { front, ..none };
        }
        let back = chunks.get(end.chunk).map_or(&[][..], |last| &last.entries[..end.place]);
        Iter {
            front: first.entries[start.place..].iter(),
            chunks: chunks[start.chunk + 1..end.chunk].iter(),
            back: back.iter(),
        }
    }
}

impl<K: Ord + Clone, V: Clone> OrdMap<K, V> {
    fn entries(&mut self, chunk: usize) -> &mut Vec<(K, V)> {
        Arc::make_mut(&mut Arc::make_mut(self.chunks.get_or_insert_default())[chunk].entries)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&mut self.entries(at.chunk)[at.place].1)
    }

    /// The value that was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.entries(at.chunk)[at.place].1, value)),
            Err(at) => {
                self.put(at, key, value);
                None
            }
        }
    }

    /// Puts an entry where it belongs, and says where that is now.
    fn put(&mut self, at: At, key: K, value: V) -> At {
        let At { chunk, place } = at;
        self.len += 1;
        let chunks = Arc::make_mut(self.chunks.get_or_insert_default());
        if chunks.is_empty() {
            chunks.push(Chunk { first: key.clone(), entries: Arc::default() });
        }
        let last = chunk + 1 == chunks.len();
        let entries = Arc::make_mut(&mut chunks[chunk].entries);
        if entries.len() < CHUNK {
            entries.insert(place, (key, value));
            return at;
        }
        // Growing at the end leaves full chunks behind.
        let middle = if last && place == CHUNK { CHUNK } else { CHUNK / 2 };
        let mut rest = entries.split_off(middle);
        let at = if place < middle { at } else { At { chunk: chunk + 1, place: place - middle } };
        let half = if place < middle { entries } else { &mut rest };
        half.insert(at.place, (key, value));
        chunks.insert(chunk + 1, Chunk { first: rest[0].0.clone(), entries: Arc::new(rest) });
        at
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.take(at).1)
    }

    fn take(&mut self, at: At) -> (K, V) {
        self.len -= 1;
        let entries = self.entries(at.chunk);
        let entry = entries.remove(at.place);
        if entries.is_empty()
            && let Some(chunks) = &mut self.chunks
        {
            Arc::make_mut(chunks).remove(at.chunk);
        }
        entry
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        let gone: Vec<K> = self.iter().filter(|(key, value)| !keep(key, value)).map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remove(key);
        }
    }

    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { map: self, key }
    }
}

/// A place in a map, to be filled if it is empty.
pub struct Entry<'a, K, V> {
    map: &'a mut OrdMap<K, V>,
    key: K,
}

impl<'a, K: Ord + Clone, V: Clone> Entry<'a, K, V> {
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        let at = match self.map.find(&self.key) {
            Ok(at) => at,
            Err(at) => self.map.put(at, self.key, make()),
        };
        &mut self.map.entries(at.chunk)[at.place].1
    }
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

/// The entries of a map, or of a part of it.
pub struct Iter<'a, K, V> {
    front: slice::Iter<'a, (K, V)>,
    chunks: slice::Iter<'a, Chunk<K, V>>,
    back: slice::Iter<'a, (K, V)>,
}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Iter { front: self.front.clone(), chunks: self.chunks.clone(), back: self.back.clone() }
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.front.next() {
                return Some((key, value));
            }
            match self.chunks.next() {
                Some(chunk) => self.front = chunk.entries.iter(),
                None => return self.back.next().map(|(key, value)| (key, value)),
            }
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.front.len() + self.chunks.len() + self.back.len(), None)
    }
}

impl<K, V> DoubleEndedIterator for Iter<'_, K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.back.next_back() {
                return Some((key, value));
            }
            match self.chunks.next_back() {
                Some(chunk) => self.back = chunk.entries.iter(),
                None => return self.front.next_back().map(|(key, value)| (key, value)),
            }
        }
    }
}

impl<K, V> Clone for OrdMap<K, V> {
    fn clone(&self) -> Self {
        OrdMap { chunks: self.chunks.clone(), len: self.len }
    }
}
impl<K, V> Default for OrdMap<K, V> {
    fn default() -> Self {
        OrdMap::new()
    }
}
impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for OrdMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
impl<K: PartialEq, V: PartialEq> PartialEq for OrdMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}
impl<K: Eq, V: Eq> Eq for OrdMap<K, V> {}

impl<K: Ord + Borrow<Q>, Q: Ord + ?Sized, V> Index<&Q> for OrdMap<K, V> {
    type Output = V;
    fn index(&self, key: &Q) -> &V {
        self.get(key).expect("the key is in the map")
    }
}
impl<K: Ord + Clone + Borrow<Q>, Q: Ord + ?Sized, V: Clone> IndexMut<&Q> for OrdMap<K, V> {
    fn index_mut(&mut self, key: &Q) -> &mut V {
        self.get_mut(key).expect("the key is in the map")
    }
}
impl<K: Ord + Clone, V: Clone> Extend<(K, V)> for OrdMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| {
            self.insert(key, value);
        });
    }
}
impl<K: Ord + Clone, V: Clone> FromIterator<(K, V)> for OrdMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = OrdMap::new();
        map.extend(entries);
        map
    }
}
impl<'a, K, V> IntoIterator for &'a OrdMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;
    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}
impl<K: Clone, V: Clone> IntoIterator for OrdMap<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;
    fn into_iter(self) -> Self::IntoIter {
        let entries: Vec<(K, V)> = self.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Rng;

    /// Whatever is done to it, it holds what a `BTreeMap` holds; and its clones keep what they held.
    #[test]
    fn it_does_what_a_b_tree_map_does() {
        let mut rng = Rng::labelled(1, "maps");
        let (mut ours, mut theirs) = (OrdMap::new(), BTreeMap::new());
        let mut kept = Vec::new();
        for round in 0..6000u64 {
            // First it grows, in the end it shrinks.
            let key = rng.below(1500);
            if rng.below(6000) > round {
                assert_eq!(ours.insert(key, round), theirs.insert(key, round));
            } else {
                assert_eq!(ours.remove(&key), theirs.remove(&key));
            }
            if let (Some(a), Some(b)) = (ours.get_mut(&(key / 2)), theirs.get_mut(&(key / 2))) {
                (*a, *b) = (*a + 1, *b + 1);
            }
            *ours.entry(key / 3).or_default() += 1;
            *theirs.entry(key / 3).or_default() += 1;
            assert_eq!(ours.len(), theirs.len());
            if round % 500 == 0 {
                kept.push((ours.clone(), theirs.clone()));
            }
            if round % 100 == 0 {
                let (from, to) = (key.min(700), key.max(700));
                assert!(ours.range(from..to).eq(theirs.range(from..to)));
                assert!(ours.range(from..=to).rev().eq(theirs.range(from..=to).rev()));
                assert!(ours.range(..to).eq(theirs.range(..to)));
                let after = (Bound::Excluded(from), Bound::Unbounded);
                assert!(ours.range::<u64, _>(after).eq(theirs.range::<u64, _>(after)));
            }
        }
        ours.retain(|key, _| key % 3 == 0);
        theirs.retain(|key, _| key % 3 == 0);
        kept.push((ours, theirs));
        for (ours, theirs) in kept {
            assert!(ours.iter().eq(&theirs));
            assert!(ours.iter().rev().eq(theirs.iter().rev()));
            assert_eq!(ours.get_min(), theirs.first_key_value());
            assert_eq!(ours.get_max(), theirs.last_key_value());
            assert_eq!(ours, theirs.into_iter().collect());
        }
    }

    #[test]
    fn what_grows_at_the_end_fills_its_chunks() {
        let map: OrdMap<u32, ()> = (0..CHUNK as u32 * 4).map(|n| (n, ())).collect();
        assert_eq!(map.chunks().len(), 4);
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = 9..3;
        assert!(map.range(backwards).next().is_none());
    }
}
