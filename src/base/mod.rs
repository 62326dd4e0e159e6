//! What everything stands on: time, seeded random streams, strings, hashes.
//! Knows nothing of Kubernetes objects or of the simulation.

pub mod arrange;
pub mod base64;
pub mod hash;
pub mod persistent;
pub mod rng;
pub mod tar;
pub mod time;

pub use rng::Rng;
pub use time::{Duration, Time};

/// The string of the whole library: 16 bytes, up to 15 bytes in place, otherwise shared.
pub type Str = ecow::EcoString;

/// The texts one after the other, in exactly as much memory as they need.
pub fn concat(parts: &[&str]) -> Str {
    let mut out = Str::with_capacity(parts.iter().map(|p| p.len()).sum());
    parts.iter().for_each(|p| out.push_str(p));
    out
}
