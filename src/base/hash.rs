//! The two FNV-1a hashes: 64 bits for trace hashes and seeds, 32 bits where Kubernetes uses it
//! (`hash/fnv`).

use serde::{Deserialize, Serialize};

/// A running 64-bit FNV-1a hash over bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fnv(pub u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    pub fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    /// Mixes a whole integer in one round; used where speed counts more than the textbook value.
    pub fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    pub fn of(bytes: &[u8]) -> u64 {
        let mut h = Fnv::default();
        h.write(bytes);
        h.0
    }
}

/// 32-bit FNV-1a, as Go's `fnv.New32a`.
pub fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |h, &b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

/// FIPS 180-4. For short texts only: it is written to be small.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    // The first 32 bits of the fractional parts of roots of the first primes.
    let mut primes = (2u64..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    let mut k = [0u32; 64];
    let mut h = [0u32; 8];
    for (i, k) in k.iter_mut().enumerate() {
        let p = primes.next().unwrap_or(2);
        *k = fraction(p, 3);
        if let Some(h) = h.get_mut(i) {
            *h = fraction(p, 2);
        }
    }
    let mut message = data.to_vec();
    message.push(0x80);
    message.resize((message.len() + 8).next_multiple_of(64), 0);
    let end = message.len() - 8;
    message[end..].copy_from_slice(&(data.len() as u64 * 8).to_be_bytes());
    for block in message.chunks(64) {
        let mut w = [0u32; 64];
        for (w, bytes) in w.iter_mut().zip(block.chunks(4)) {
            *w = bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        }
        for i in 16..64 {
            let (a, b) = (w[i - 15], w[i - 2]);
            let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
            let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
            w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        }
        let mut v = h;
        for i in 0..64 {
            let [a, b, c, _, e, f, g, last] = v;
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let t1 = last.wrapping_add(s1).wrapping_add(e & f ^ !e & g).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(t2);
        }
        h.iter_mut().zip(v).for_each(|(h, v)| *h = h.wrapping_add(v));
    }
    let mut out = [0; 32];
    out.chunks_mut(4).zip(h).for_each(|(o, h)| o.copy_from_slice(&h.to_be_bytes()));
    out
}

/// 32 bits after the point of the `degree`th root of a prime below 2^9.
fn fraction(p: u64, degree: u32) -> u32 {
    // The greatest n with n^degree <= p * 2^(32 * degree).
    let wanted = u128::from(p) << (32 * degree);
    let (mut low, mut high) = (0u128, 1u128 << 37);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if middle.pow(degree) <= wanted { low = middle } else { high = middle }
    }
    low as u32
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_digests() {
        let hex = |text: &str| super::sha256(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
    }
}
