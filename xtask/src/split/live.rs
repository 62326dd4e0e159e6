//! Which locals are still needed where.

use std::collections::BTreeMap;

use wasmparser::Operator;

/// Where the `else` and the `end` of each block are, by the place where it is opened.
pub type Ends = BTreeMap<usize, (Option<usize>, usize)>;

pub fn ends(ops: &[Operator]) -> Ends {
    let mut open: Vec<(usize, Option<usize>)> = Vec::new();
    let mut ends = BTreeMap::new();
    for (at, op) in ops.iter().enumerate() {
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => open.push((at, None)),
            Operator::Else => {
                if let Some((_, middle)) = open.last_mut() {
                    *middle = Some(at);
                }
            }
            Operator::End => {
                if let Some((start, middle)) = open.pop() {
                    ends.insert(start, (middle, at));
                }
            }
            _ => {}
        }
    }
    ends
}

/// For each instruction the locals that may be read, before they are set, from there on.
pub struct Live {
    words: usize,
    bits: Vec<u64>,
}

impl Live {
    pub fn of(ops: &[Operator], locals: usize, ends: &Ends) -> Live {
        let words = locals.div_ceil(64);
        let mut live = Live { words, bits: vec![0; words * (ops.len() + 1)] };
        let starts: BTreeMap<usize, usize> = ends.iter().map(|(start, (_, end))| (*end, *start)).collect();
        // What a loop needs at its beginning is known once its end is: again, until nothing is new.
        while live.pass(ops, ends, &starts) {}
        live
    }

    pub fn at(&self, place: usize) -> impl Fn(u32) -> bool + '_ {
        move |local| self.bits[place * self.words + local as usize / 64] >> (local % 64) & 1 == 1
    }

    fn row(&self, place: usize) -> Vec<u64> {
        self.bits[place * self.words..][..self.words].to_vec()
    }

    /// From the last instruction to the first; whether a loop turned out to need more.
    fn pass(&mut self, ops: &[Operator], ends: &Ends, starts: &BTreeMap<usize, usize>) -> bool {
        let mut changed = false;
        // Where a branch to each enclosing block leads, inner ones last.
        let mut targets: Vec<usize> = Vec::new();
        for (at, op) in ops.iter().enumerate().rev() {
            let mut now = self.row(at + 1);
            let add = |now: &mut Vec<u64>, more: Vec<u64>| now.iter_mut().zip(more).for_each(|(a, b)| *a |= b);
            let label = |depth: u32| {
                let target = targets.len().checked_sub(depth as usize + 1).map(|index| targets[index]);
                target.map_or_else(|| vec![0; self.words], |target| self.row(target))
            };
            match op {
                Operator::End => {
                    if let Some(start) = starts.get(&at) {
                        targets.push(if matches!(ops[*start], Operator::Loop { .. }) { *start } else { at });
                    }
                }
                // What precedes it goes on behind the end.
                Operator::Else => {
                    if let Some(end) = targets.last() {
                        now = self.row(*end);
                    }
                }
                Operator::Block { .. } => {
                    targets.pop();
                }
                Operator::Loop { .. } => {
                    targets.pop();
                    changed |= now != self.row(at);
                }
                Operator::If { .. } => {
                    targets.pop();
                    if let Some((middle, end)) = ends.get(&at) {
                        add(&mut now, self.row(middle.map_or(*end, |middle| middle + 1)));
                    }
                }
                Operator::Br { relative_depth } => now = label(*relative_depth),
                Operator::BrIf { relative_depth } => add(&mut now, label(*relative_depth)),
                Operator::BrTable { targets } => {
                    now = label(targets.default());
                    targets.targets().flatten().for_each(|target| add(&mut now, label(target)));
                }
                Operator::Return | Operator::Unreachable => now.fill(0),
                Operator::LocalGet { local_index } => now[*local_index as usize / 64] |= 1 << (local_index % 64),
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    now[*local_index as usize / 64] &= !(1 << (local_index % 64));
                }
                _ => {}
            }
            self.bits[at * self.words..][..self.words].copy_from_slice(&now);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use wasmparser::BlockType;

    use super::*;

    fn get(local_index: u32) -> Operator<'static> {
        Operator::LocalGet { local_index }
    }

    fn set(local_index: u32) -> Operator<'static> {
        Operator::LocalSet { local_index }
    }

    fn live(ops: &[Operator], place: usize) -> Vec<u32> {
        let live = Live::of(ops, 70, &ends(ops));
        (0..70).filter(|local| live.at(place)(*local)).collect()
    }

    #[test]
    fn a_local_set_in_one_branch_only_is_needed_before() {
        let either = Operator::If { blockty: BlockType::Empty };
        let ops =
            [get(9), either, set(1), set(2), Operator::Else, set(2), Operator::End, get(1), get(2), Operator::End];
        assert_eq!(live(&ops, 0), [1, 9]);
        assert_eq!(live(&ops, 2), []);
        assert_eq!(live(&ops, 5), [1]);
    }

    #[test]
    fn what_a_branch_skips_is_not_set() {
        let block = Operator::Block { blockty: BlockType::Empty };
        let ops = [
            block,
            set(1),
            Operator::BrIf { relative_depth: 0 },
            set(2),
            Operator::End,
            get(1),
            get(2),
            get(69),
            Operator::End,
        ];
        assert_eq!(live(&ops, 0), [2, 69]);
        assert_eq!(live(&ops, 3), [1, 69]);
    }

    #[test]
    fn a_loop_needs_what_its_next_round_reads() {
        let ops = [
            Operator::Loop { blockty: BlockType::Empty },
            get(3),
            set(4),
            set(3),
            Operator::BrIf { relative_depth: 0 },
            Operator::Unreachable,
            Operator::End,
            Operator::End,
        ];
        assert_eq!(live(&ops, 0), [3]);
        assert_eq!(live(&ops, 4), [3]);
        assert_eq!(live(&ops, 5), []);
    }
}
