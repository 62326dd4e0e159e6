//! Addresses of pods: Calico's IPAM. A machine claims /26 blocks of the pool; addresses leave a block
//! in order and return to its end. Models projectcalico/libcalico-go/lib/ipam.
//!
//! Calico draws a block from Go's random generator seeded with the host's name and keeps claims in
//! the API. Here the lab's machines have the blocks that real labs show, and any other machine a
//! block from a one-to-one map of its number, which needs no claims.

use crate::base::Str;
use crate::base::persistent::Vector;

/// Addresses per block.
pub const BLOCK_SIZE: u32 = 64;

/// A pool: base address and number of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pool {
    pub base: u32,
    pub blocks: u32,
}

impl Pool {
    /// `172.16.0.0/16`; `None`: no range, or none that holds a block.
    pub fn parse(cidr: &str) -> Option<Pool> {
        let (base, bits) = cidr.split_once('/')?;
        let bits: u32 = bits.trim().parse().ok().filter(|b| (8..=26).contains(b))?;
        Some(Pool { base: parse(base.trim())?, blocks: 1 << (26 - bits) })
    }
}

impl Default for Pool {
    fn default() -> Pool {
        LAB_POOL
    }
}

/// 172.16.0.0/16, the pool of the lab.
pub const LAB_POOL: Pool = Pool { base: 0xac10_0000, blocks: 1024 };
/// 10.128.0.0/10, for benchmarks with more machines than the lab's pool has blocks.
pub const BIG_POOL: Pool = Pool { base: 0x0a80_0000, blocks: 65_536 };

/// First blocks of the lab's machines, by their number (1 = m-k8s).
const LAB_BLOCKS: [u32; 10] = [685, 886, 414, 528, 739, 63, 964, 347, 250, 801];

/// One claimed block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    pub base: u32,
    pub size: u32,
    /// Offsets that are free, next first.
    pub free: Vector<u8>,
}

impl Block {
    pub fn new(base: u32) -> Block {
        Block { base, size: BLOCK_SIZE, free: (0..BLOCK_SIZE as u8).collect() }
    }
    /// A node's own /24: its first two addresses are the tunnel's and the bridge's.
    pub fn of_node(base: u32) -> Block {
        Block { base, size: 256, free: (2..=254).collect() }
    }
    pub fn holds(&self, ip: u32) -> bool {
        (self.base..self.base + self.size).contains(&ip)
    }
}

/// The pool of a cluster with so many machines.
pub fn pool(machines: u32) -> Pool {
    if machines <= 400 { LAB_POOL } else { BIG_POOL }
}

/// The `nth` block that machine `index` of `machines` would claim.
pub fn block_of(pool: Pool, index: u32, machines: u32, nth: u32) -> Block {
    if pool.blocks == LAB_POOL.blocks && machines <= 11 && nth == 0 && (1..=10).contains(&index) {
        return Block::new(pool.base + LAB_BLOCKS[index as usize - 1] * BLOCK_SIZE);
    }
    // An odd factor modulo a power of two is one-to-one.
    let slot = index.wrapping_add(nth * (pool.blocks / 2));
    let number = slot.wrapping_mul(421).wrapping_add(77) % pool.blocks;
    Block::new(pool.base + number * BLOCK_SIZE)
}

/// Takes the next free address, claiming a block if need be. `None`: the pool has no more for it.
pub fn allocate(blocks: &mut Vector<Block>, pool: Pool, index: u32, machines: u32) -> Option<u32> {
    for block in blocks.iter_mut() {
        if let Some(offset) = block.free.pop_front() {
            return Some(block.base + u32::from(offset));
        }
    }
    // A node's own range is all that it has.
    if blocks.len() >= 2 || blocks.iter().any(|b| b.size != BLOCK_SIZE) {
        return None;
    }
    let mut block = block_of(pool, index, machines, blocks.len() as u32);
    let offset = block.free.pop_front()?;
    let ip = block.base + u32::from(offset);
    blocks.push_back(block);
    Some(ip)
}

/// Gives an address back; unknown ones are ignored.
pub fn release(blocks: &mut Vector<Block>, ip: u32) {
    if let Some(block) = blocks.iter_mut().find(|b| b.holds(ip)) {
        let offset = (ip - block.base) as u8;
        if !block.free.contains(&offset) {
            block.free.push_back(offset);
        }
    }
}

pub fn print(ip: u32) -> Str {
    let [a, b, c, d] = ip.to_be_bytes();
    ecow::eco_format!("{a}.{b}.{c}.{d}")
}

pub fn parse(ip: &str) -> Option<u32> {
    let mut out: u32 = 0;
    let mut parts = 0;
    for part in ip.split('.') {
        out = out << 8 | u32::from(part.parse::<u8>().ok()?);
        parts += 1;
    }
    (parts == 4).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_apart() {
        for machines in [4, 11, 31, 400, 5001] {
            let all: std::collections::BTreeSet<u32> =
                (0..machines).flat_map(|i| [0, 1].map(|nth| block_of(pool(machines), i, machines, nth).base)).collect();
            assert_eq!(all.len() as u32, machines * 2, "{machines} machines");
        }
    }

    #[test]
    fn addresses_come_in_order_and_return_to_the_end() {
        let mut blocks = Vector::new();
        let first: Vec<Str> = (0..3).filter_map(|_| allocate(&mut blocks, LAB_POOL, 2, 5)).map(print).collect();
        assert_eq!(first, ["172.16.221.128", "172.16.221.129", "172.16.221.130"]);
        release(&mut blocks, parse("172.16.221.129").unwrap());
        assert_eq!(allocate(&mut blocks, LAB_POOL, 2, 5).map(print).as_deref(), Some("172.16.221.131"));
        assert_eq!((0..200).filter_map(|_| allocate(&mut blocks, LAB_POOL, 2, 5)).count(), 128 - 3);
    }
}
