//! Persistent containers: a clone shares everything, a change copies only what it touches.
//!
//! Both are a list of short chunks behind shared pointers. What is compiled for each type of
//! element is a few hundred bytes, which a B-tree's nodes or an RRB tree are not; with the
//! thousands of elements that a cluster has the list of chunks is short enough to be copied.

mod map;
mod set;
mod vector;

pub use map::OrdMap;
pub use set::OrdSet;
pub use vector::Vector;

/// Elements of a chunk, at most.
const CHUNK: usize = 32;
