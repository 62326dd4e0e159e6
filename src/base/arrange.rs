//! Sorting, compiled once: the order is found on places, whatever the elements are. (The standard
//! library's sort is compiled anew for every type and comparison, three kilobytes each.)

use std::cmp::Ordering;

/// Stable sorting, for slices.
pub trait Arrange<T> {
    fn arrange_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);

    fn arrange(&mut self)
    where
        T: Ord,
    {
        self.arrange_by(T::cmp);
    }
    fn arrange_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.arrange_by(|a, b| key(a).cmp(&key(b)));
    }
}

impl<T> Arrange<T> for [T] {
    fn arrange_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        for (a, b) in swaps(self.len(), &mut |a, b| compare(&self[a], &self[b])) {
            self.swap(a as usize, b as usize);
        }
    }
}

/// The exchanges that put so many elements into their order, to be done one after the other.
fn swaps(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<(u32, u32)> {
    let sorted = (1..count).all(|at| compare(at - 1, at) != Ordering::Greater);
    if sorted {
        return Vec::new();
    }
    // What belongs at each place, then where each element goes.
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by(|a, b| compare(*a as usize, *b as usize));
    let mut goal = vec![0; count];
    order.iter().enumerate().for_each(|(place, element)| goal[*element as usize] = place as u32);
    let mut swaps = Vec::new();
    for at in 0..count {
        while goal[at] as usize != at {
            let to = goal[at];
            swaps.push((at as u32, to));
            goal.swap(at, to as usize);
        }
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    #[test]
    fn it_sorts_as_the_standard_library_does() {
        let mut rng = Rng::labelled(1, "sorts");
        for length in 0..60 {
            let ours: Vec<(u64, usize)> = (0..length).map(|place| (rng.below(20), place)).collect();
            let (mut ours, mut theirs) = (ours.clone(), ours);
            ours.arrange_by_key(|(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            assert_eq!(ours, theirs);
            ours.arrange_by(|a, b| b.cmp(a));
            theirs.sort_by(|a, b| b.cmp(a));
            assert_eq!(ours, theirs);
            ours.arrange();
            theirs.sort();
            assert_eq!(ours, theirs);
        }
    }
}
