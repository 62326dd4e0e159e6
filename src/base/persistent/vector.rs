//! A list that grows at its end and is taken from at either.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::slice;
use std::sync::Arc;

use super::CHUNK;

/// Elements in chunks, none of which is empty: all but the first and the last are full.
pub struct Vector<T> {
    chunks: Option<Arc<Vec<Arc<Vec<T>>>>>,
    len: usize,
}

impl<T> Vector<T> {
    pub const fn new() -> Vector<T> {
        Vector { chunks: None, len: 0 }
    }
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    pub fn clear(&mut self) {
        *self = Vector::new();
    }
    fn chunks(&self) -> &[Arc<Vec<T>>] {
        self.chunks.as_ref().map_or(&[], |chunks| chunks)
    }
    /// The chunk of the element at `index` and its place there.
    fn place(&self, index: usize) -> (usize, usize) {
        let first = self.chunks().first().map_or(0, |chunk| chunk.len());
        match index.checked_sub(first) {
            None => (0, index),
            Some(after) => (1 + after / CHUNK, after % CHUNK),
        }
    }
    pub fn get(&self, index: usize) -> Option<&T> {
        let (chunk, place) = self.place(index);
        self.chunks().get(chunk)?.get(place)
    }
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }
    pub fn back(&self) -> Option<&T> {
        self.last()
    }
    pub fn last(&self) -> Option<&T> {
        self.chunks().last()?.last()
    }
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { front: [].iter(), chunks: self.chunks().iter(), back: [].iter(), left: self.len }
    }
    /// The elements from `start` on.
    pub fn iter_from(&self, start: usize) -> Iter<'_, T> {
        let (chunk, place) = self.place(start);
        let chunks = self.chunks().get(chunk..).unwrap_or_default();
        let Some((first, rest)) = chunks.split_first() else { return Vector::<T>::nothing() };
        let front = first.get(place..).unwrap_or_default().iter();
        Iter { front, chunks: rest.iter(), back: [].iter(), left: self.len.saturating_sub(start) }
    }
    fn nothing<'a>() -> Iter<'a, T> {
        Iter { front: [].iter(), chunks: [].iter(), back: [].iter(), left: 0 }
    }
}

impl<T: PartialEq> Vector<T> {
    pub fn contains(&self, element: &T) -> bool {
        self.iter().any(|known| known == element)
    }
}

impl<T: Clone> Vector<T> {
    fn own(&mut self) -> &mut Vec<Arc<Vec<T>>> {
        Arc::make_mut(self.chunks.get_or_insert_default())
    }
    pub fn push_back(&mut self, element: T) {
        self.len += 1;
        let chunks = self.own();
        match chunks.last_mut() {
            Some(last) if last.len() < CHUNK => Arc::make_mut(last).push(element),
            _ => {
                // A long list fills its chunks; a short one stays small.
                let mut chunk = Vec::with_capacity(if chunks.is_empty() { 4 } else { CHUNK });
                chunk.push(element);
                chunks.push(Arc::new(chunk));
            }
        }
    }
    pub fn pop_front(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        let chunks = self.own();
        let first = Arc::make_mut(&mut chunks[0]);
        let element = first.remove(0);
        if first.is_empty() {
            chunks.remove(0);
        }
        Some(element)
    }
    pub fn pop_back(&mut self) -> Option<T> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        let chunks = self.own();
        let last = Arc::make_mut(chunks.last_mut()?);
        let element = last.pop();
        if last.is_empty() {
            chunks.pop();
        }
        element
    }
    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len.checked_sub(1)?)
    }
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let (chunk, place) = self.place(index);
        Arc::make_mut(self.own().get_mut(chunk)?).get_mut(place)
    }
    /// The elements, to be changed: all of them become our own.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.own().iter_mut().flat_map(|chunk| Arc::make_mut(chunk).iter_mut())
    }
    /// Forgets what is beyond the first `len`.
    pub fn truncate(&mut self, len: usize) {
        while self.len > len {
            self.pop_back();
        }
    }
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        *self = self.iter().filter(|element| keep(element)).cloned().collect();
    }
}

pub struct Iter<'a, T> {
    front: slice::Iter<'a, T>,
    chunks: slice::Iter<'a, Arc<Vec<T>>>,
    back: slice::Iter<'a, T>,
    left: usize,
}

impl<T> Clone for Iter<'_, T> {
    fn clone(&self) -> Self {
        Iter { front: self.front.clone(), chunks: self.chunks.clone(), back: self.back.clone(), left: self.left }
    }
}
impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;
    fn next(&mut self) -> Option<&'a T> {
        self.left = self.left.saturating_sub(1);
        loop {
            let next = self.front.next();
            if next.is_some() {
                return next;
            }
            match self.chunks.next() {
                Some(chunk) => self.front = chunk.iter(),
                None => return self.back.next(),
            }
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
impl<T> DoubleEndedIterator for Iter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.saturating_sub(1);
        loop {
            let next = self.back.next_back();
            if next.is_some() {
                return next;
            }
            match self.chunks.next_back() {
                Some(chunk) => self.back = chunk.iter(),
                None => return self.front.next_back(),
            }
        }
    }
}
impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T> Clone for Vector<T> {
    fn clone(&self) -> Self {
        Vector { chunks: self.chunks.clone(), len: self.len }
    }
}
impl<T> Default for Vector<T> {
    fn default() -> Self {
        Vector::new()
    }
}
impl<T: fmt::Debug> fmt::Debug for Vector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
impl<T: PartialEq> PartialEq for Vector<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}
impl<T: Eq> Eq for Vector<T> {}
impl<T> Index<usize> for Vector<T> {
    type Output = T;
    fn index(&self, index: usize) -> &T {
        self.get(index).expect("the index is within the list")
    }
}
impl<T: Clone> IndexMut<usize> for Vector<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        self.get_mut(index).expect("the index is within the list")
    }
}
impl<T: Clone> Extend<T> for Vector<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, elements: I) {
        elements.into_iter().for_each(|element| self.push_back(element));
    }
}
impl<T: Clone> FromIterator<T> for Vector<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut list = Vector::new();
        list.extend(elements);
        list
    }
}
impl<T: Clone> From<Vec<T>> for Vector<T> {
    fn from(elements: Vec<T>) -> Self {
        elements.into_iter().collect()
    }
}
impl<'a, T> IntoIterator for &'a Vector<T> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
impl<T: Clone> IntoIterator for Vector<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter().cloned().collect::<Vec<T>>().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::base::Rng;

    /// Whatever is done to it, it holds what a `VecDeque` holds; and its clones keep what they held.
    #[test]
    fn it_does_what_a_deque_does() {
        let mut rng = Rng::labelled(1, "lists");
        let (mut ours, mut theirs) = (Vector::new(), VecDeque::new());
        let mut kept = Vec::new();
        for round in 0..4000u64 {
            match rng.below(if round < 2000 { 6 } else { 3 }) {
                0 => assert_eq!(ours.pop_front(), theirs.pop_front()),
                1 if round % 2 == 0 => assert_eq!(ours.pop_back(), theirs.pop_back()),
                2 if !theirs.is_empty() => {
                    let index = rng.below(theirs.len() as u64) as usize;
                    (ours[index], theirs[index]) = (round * 2, round * 2);
                }
                _ => {
                    ours.push_back(round);
                    theirs.push_back(round);
                }
            }
            assert_eq!((ours.len(), ours.front(), ours.last()), (theirs.len(), theirs.front(), theirs.back()));
            if round % 50 == 0 {
                let from = rng.below(theirs.len() as u64 + 3) as usize;
                assert!(ours.iter_from(from).eq(theirs.iter().skip(from)));
                assert_eq!(ours.get(from), theirs.get(from));
                kept.push((ours.clone(), theirs.clone()));
            }
        }
        for (ours, theirs) in kept {
            assert!(ours.iter().eq(&theirs));
            assert!(ours.iter().rev().eq(theirs.iter().rev()));
            assert_eq!(ours.iter().len(), theirs.len());
            assert_eq!(ours, theirs.into_iter().collect());
        }
    }
}
