//! IPv4 ranges, for telling which of a lab's networks would clash.

use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cidr {
    address: u32,
    /// Bits that all its addresses share.
    pub length: u32,
}

/// RFC 1918.
pub const PRIVATE: [Cidr; 3] =
    [Cidr::new([10, 0, 0, 0], 8), Cidr::new([172, 16, 0, 0], 12), Cidr::new([192, 168, 0, 0], 16)];

impl Cidr {
    pub const fn new(address: [u8; 4], length: u32) -> Cidr {
        Cidr { address: u32::from_be_bytes(address), length }
    }

    /// `172.16.0.0/16`, and no other spelling.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, length) = text.split_once('/')?;
        let [length] = numbers(length)?;
        let bytes = numbers(address)?;
        (length <= 32).then_some(Cidr { address: join(bytes)?, length })
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.length).unwrap_or(0)
    }
    /// The same range, written by its first address.
    pub fn first(self) -> Cidr {
        Cidr { address: self.address & self.mask(), ..self }
    }
    pub fn holds(self, other: Cidr) -> bool {
        self.length <= other.length && (self.address ^ other.address) & self.mask() == 0
    }
    pub fn overlaps(self, other: Cidr) -> bool {
        self.holds(other) || other.holds(self)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.address.to_be_bytes();
        write!(f, "{a}.{b}.{c}.{d}/{}", self.length)
    }
}

/// The /24 that begins with three numbers: `192.168.1`.
pub fn prefix(text: &str) -> Option<Cidr> {
    let [a, b, c] = numbers(text)?;
    Some(Cidr { address: join([a, b, c, 0])?, length: 24 })
}

fn join(parts: [u32; 4]) -> Option<u32> {
    parts.iter().try_fold(0u32, |all, part| (*part <= 255).then_some(all << 8 | part))
}

/// Exactly `N` decimal numbers with dots between, without signs, spaces or leading zeros.
pub fn numbers<const N: usize>(text: &str) -> Option<[u32; N]> {
    let mut out = [0; N];
    let mut parts = text.split('.');
    for slot in &mut out {
        let part = parts.next()?;
        let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        *slot = part.parse().ok().filter(|_| plain)?;
    }
    parts.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_overlap_where_one_holds_the_other() {
        let cidr = |text| Cidr::parse(text).expect(text);
        for (a, b, want) in [
            ("10.96.0.0/12", "10.100.0.0/24", true),
            ("10.96.0.0/12", "10.112.0.0/24", false),
            ("0.0.0.0/0", "1.2.3.4/32", true),
            ("172.16.0.0/16", "172.17.0.0/16", false),
        ] {
            assert_eq!((cidr(a).overlaps(cidr(b)), cidr(b).overlaps(cidr(a))), (want, want), "{a} {b}");
        }
        assert_eq!(cidr("172.16.9.1/16").first().to_string(), "172.16.0.0/16");
        for bad in ["", "/", "1.2.3/8", "1.2.3.4", "1.2.3.4/33", "1.2.3.256/8", " 1.2.3.4/8", "1.2.3.4/+8"] {
            assert_eq!(Cidr::parse(bad), None, "{bad}");
        }
        assert_eq!(prefix("192.168.1").map(|c| c.to_string()).as_deref(), Some("192.168.1.0/24"));
    }
}
