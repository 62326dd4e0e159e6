//! Seeded random streams. In-tree and integer-only, so that a seed means the same sequence on every
//! target and in every later version: xoshiro256++ seeded through splitmix64 (Blackman, Vigna).

use serde::{Deserialize, Serialize};

use super::hash::Fnv;
use super::{Duration, Str, concat};

/// One stream of random integers. Each component owns one, labelled, so that one component's draws
/// never shift another's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rng {
    s: [u64; 4],
}

impl Rng {
    /// The stream named `label` of `seed`.
    pub fn labelled(seed: u64, label: &str) -> Rng {
        let mut x = seed ^ Fnv::of(label.as_bytes());
        let mut next = || {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = x;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Rng { s: [next(), next(), next(), next()] }
    }

    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.s;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// Uniform in `0..n`; 0 when `n` is 0. The bias of the multiply method is below 2^-32 for our sizes.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        Duration(low.0 + self.below(high.0.saturating_sub(low.0) + 1))
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// `base` lengthened by up to `percent` per cent.
    /// Models apimachinery/pkg/util/wait Jitter.
    pub fn jitter(&mut self, base: Duration, percent: u64) -> Duration {
        Duration(base.0 + self.below(base.0 * percent / 100 + 1))
    }

    /// `n` characters of the alphabet that generated names use.
    /// Models apimachinery/pkg/util/rand String.
    pub fn name_suffix(&mut self, n: usize) -> String {
        const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..n).map(|_| ALPHABET[self.below(ALPHABET.len() as u64) as usize] as char).collect()
    }

    /// `n` lower-case hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from_digit(self.below(16) as u32, 16).unwrap_or('0')).collect()
    }

    /// A version-4 UUID.
    pub fn uuid(&mut self) -> Str {
        let (a, b) = (self.next_u64(), self.next_u64());
        let digits = [a >> 16 << 16 | 0x4000 | a & 0xfff, 1 << 63 | b & ((1 << 62) - 1)].map(hex);
        let [first, last] = digits.each_ref().map(|d| std::str::from_utf8(d).unwrap_or_default());
        concat(&[&first[..8], "-", &first[8..12], "-", &first[12..], "-", &last[..4], "-", &last[4..]])
    }
}

/// Sixteen hexadecimal digits.
pub fn hex(n: u64) -> [u8; 16] {
    std::array::from_fn(|i| b"0123456789abcdef"[(n >> (60 - 4 * i) & 15) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_stable_and_apart() {
        let draw = |seed, label| Rng::labelled(seed, label).next_u64();
        assert_eq!(draw(1, "scheduler"), draw(1, "scheduler"));
        assert_ne!(draw(1, "scheduler"), draw(1, "kubelet"));
        assert_ne!(draw(1, "scheduler"), draw(2, "scheduler"));
        let mut r = Rng::labelled(7, "x");
        assert!((0..1000).all(|_| r.below(10) < 10));
        assert_eq!(r.uuid().len(), 36);
    }

    #[test]
    fn uuids_are_of_version_4() {
        let mut rng = Rng::labelled(7, "uuids");
        for _ in 0..50 {
            let uuid = rng.uuid();
            let parts: Vec<&str> = uuid.split('-').collect();
            assert_eq!(parts.iter().map(|p| p.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
            assert!(uuid.chars().all(|c| c == '-' || matches!(c, '0'..='9' | 'a'..='f')), "{uuid}");
        }
    }
}
