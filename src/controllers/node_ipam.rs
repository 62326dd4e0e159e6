//! Node IPAM: cuts a range of pod addresses for every node out of the cluster's, as
//! `--allocate-node-cidrs` asks. Calico hands out blocks of its own and only shows these.
//! Models pkg/controller/nodeipam/ipam/range_allocator.go.

use super::kit::Note;
use super::{Controller, Kit, Next, Op, Step};
use crate::api::request::PatchType;
use crate::api::{Kind, ObjectKey, Reason, Request, Value};
use crate::base::Str;
use crate::sim::informer::Delta;

#[derive(Clone, Debug, Default)]
pub struct NodeIpam {
    /// The node that has the range of this number; empty: nobody.
    ranges: Vec<Str>,
}

/// `--cluster-cidr` of the running process: first address, how many ranges fit, how large one is.
struct Ranges {
    first: u32,
    count: usize,
    bits: u32,
}

impl Ranges {
    fn of(kit: &Kit<'_, '_>) -> Option<Ranges> {
        let me = kit.ctx.me;
        let process = kit.ctx.host().processes.values().find(|p| p.actor == Some(me))?;
        let flag = |name: &str| process.command.split(' ').find_map(|w| w.strip_prefix(name)?.strip_prefix('='));
        if flag("--allocate-node-cidrs") != Some("true") {
            return None;
        }
        let (address, bits) = flag("--cluster-cidr")?.split_once('/')?;
        let (bits, node) =
            (bits.parse().ok()?, flag("--node-cidr-mask-size").and_then(|n| n.parse().ok()).unwrap_or(24));
        let room: u32 = Some(node).filter(|n: &u32| *n <= 32)?.checked_sub(bits)?;
        Some(Ranges { first: number_of(address)?, count: 1 << room.min(16), bits: node })
    }
    fn text(&self, number: usize) -> Str {
        let size = 32 - self.bits;
        let [a, b, c, d] = (self.first + ((number as u32) << size)).to_be_bytes();
        ecow::eco_format!("{a}.{b}.{c}.{d}/{}", self.bits)
    }
}

/// An IPv4 address as a number.
fn number_of(address: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    let mut parts = address.split('.');
    for byte in &mut bytes {
        *byte = parts.next()?.parse().ok()?;
    }
    Some(u32::from_be_bytes(bytes)).filter(|_| parts.next().is_none())
}

impl Controller for NodeIpam {
    fn name(&self) -> &'static str {
        "cidrAllocator"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::NODE]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match &delta.new {
            None => self.ranges.iter_mut().filter(|n| **n == delta.key.name).for_each(|n| *n = Str::new()),
            Some(node) if node.str(&["spec", "podCIDR"]).is_empty() => kit.enqueue(delta.key.clone()),
            // What an earlier run of this controller gave away.
            Some(node) if !self.ranges.contains(&delta.key.name) => {
                let Some(ranges) = Ranges::of(kit) else { return };
                let cidr = node.str(&["spec", "podCIDR"]);
                if let Some(number) = (0..ranges.count).find(|n| ranges.text(*n) == cidr) {
                    self.take(number, &delta.key.name);
                }
            }
            Some(_) => {}
        }
    }
    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, _step: Step) -> Next {
        let Some(node) = kit.get(key).cloned() else { return Next::Done };
        let Some(ranges) = Ranges::of(kit).filter(|_| node.str(&["spec", "podCIDR"]).is_empty()) else {
            return Next::Done;
        };
        let mine = self.ranges.iter().position(|n| *n == key.name);
        let free = || self.ranges.iter().position(|n| n.is_empty()).unwrap_or(self.ranges.len());
        let number = mine.unwrap_or_else(free);
        if number >= ranges.count {
            let message = ecow::eco_format!("Node {} status is now: CIDRNotAvailable", key.name);
            kit.event(Note { about: node, kind: "Normal", reason: "CIDRNotAvailable", message });
            return Next::Done;
        }
        self.take(number, &key.name);
        let cidr = ranges.text(number);
        let patch = map! { "spec" => map! { "podCIDR" => &cidr, "podCIDRs" => list![&cidr] } };
        let request = Request::patch(key, PatchType::Merge, Value::Map(patch));
        Next::run([Op::new(request, kit.ctx.cause).tolerate(&[Reason::NotFound])])
    }
    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl NodeIpam {
    fn take(&mut self, number: usize, name: &Str) {
        if self.ranges.len() <= number {
            self.ranges.resize(number + 1, Str::new());
        }
        self.ranges[number] = name.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other() {
        let ranges = Ranges { first: number_of("172.16.0.0").expect("an address"), count: 256, bits: 24 };
        assert_eq!((ranges.text(0), ranges.text(255)), ("172.16.0.0/24".into(), "172.16.255.0/24".into()));
        assert_eq!((number_of("172.16.0"), number_of("1.2.3.4.5"), number_of("1.2.3.400")), (None, None, None));
    }
}
