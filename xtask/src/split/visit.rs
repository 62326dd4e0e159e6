//! The record of a first visit: which functions ran, and where in them control came by.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use wasmparser::Operator;

use super::module::Module;

/// What a visit did not do.
#[derive(Default)]
pub struct Visit {
    /// Functions that did not run, by hash of their names.
    pub cold: BTreeSet<u32>,
    /// For functions that ran, by [`shape`]: at which of the [`heads`] control came by.
    pub taken: BTreeMap<u32, Vec<bool>>,
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Visit {
    /// From the marks that a recording program left.
    pub fn of(wasm: &[u8], marked: &BTreeSet<usize>) -> Result<Self> {
        let module = Module::parse(wasm)?;
        let (mut ran, mut cold) = (BTreeSet::new(), BTreeSet::new());
        let mut taken: BTreeMap<u32, Vec<bool>> = BTreeMap::new();
        let mut mark = 0;
        for function in module.imported..module.functions() {
            let ops = module.ops(function);
            let count = heads(ops).len();
            let marks: Vec<bool> = (mark..mark + count).map(|mark| marked.contains(&mark)).collect();
            mark += count;
            let name = hash(module.name(function));
            if !marks[0] {
                cold.insert(name);
                continue;
            }
            ran.insert(name);
            // Two that cannot be told apart: what either did counts.
            let known = taken.entry(shape(module.name(function), ops)).or_insert_with(|| vec![false; count]);
            known.iter_mut().zip(&marks).for_each(|(known, mark)| *known |= mark);
        }
        let cold = cold.difference(&ran).copied().collect();
        taken.retain(|_, marks| !marks.iter().all(|mark| *mark));
        Ok(Self { cold, taken })
    }

    pub fn parse(text: &str) -> Result<Self> {
        let mut visit = Self::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            for word in line.split_whitespace() {
                visit.word(word).with_context(|| format!("line {}: {word:?}", number + 1))?;
            }
        }
        Ok(visit)
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let Some((key, bits)) = word.split_once(':') else {
            self.cold.insert(u32::from_str_radix(word, 16)?);
            return Ok(());
        };
        let mut taken = Vec::new();
        for digit in bits.bytes() {
            let six = DIGITS.iter().position(|known| *known == digit).context("not one of our digits")?;
            taken.extend((0..6).map(|bit| six >> bit & 1 == 1));
        }
        self.taken.insert(u32::from_str_radix(key, 16)?, taken);
        Ok(())
    }

    pub fn text(&self) -> String {
        let mut text = String::from(
            "# What a first visit does not run: see xtask/src/split. `cargo xtask record` writes this anew.\n\
             # Functions, by hash of their names:\n",
        );
        let mut lines = |words: Vec<String>| {
            let mut length = 0;
            for word in words {
                let end = if length + word.len() > 110 { '\n' } else { ' ' };
                length = if end == '\n' { 0 } else { length + word.len() + 1 };
                text.push_str(&word);
                text.push(end);
            }
        };
        lines(self.cold.iter().map(|hash| format!("{hash:08x}")).collect());
        text.push_str("\n# Of the functions that it runs, by hash of name and shape, the branches that it takes:\n");
        let bits = |marks: &Vec<bool>| -> String {
            let six = |bits: &[bool]| bits.iter().rev().fold(0, |six, bit| six << 1 | usize::from(*bit));
            marks.chunks(6).map(|bits| char::from(DIGITS[six(bits)])).collect()
        };
        let mut lines = |words: Vec<String>| {
            for line in words.chunks(6) {
                text.push_str(&line.join(" "));
                text.push('\n');
            }
        };
        lines(self.taken.iter().map(|(shape, marks)| format!("{shape:08x}:{}", bits(marks))).collect());
        text
    }
}

/// Where control comes in or comes together: the places before which a recording program leaves
/// a mark. The first is the beginning.
pub fn heads(ops: &[Operator]) -> Vec<usize> {
    let mut heads = vec![0];
    for (at, op) in ops[..ops.len() - 1].iter().enumerate() {
        if matches!(op, Operator::If { .. } | Operator::Else | Operator::End | Operator::BrIf { .. })
            && !matches!(ops[at + 1], Operator::End | Operator::Else)
        {
            heads.push(at + 1);
        }
    }
    heads
}

/// A hash of a function's name and of how control runs in it, whatever it computes.
pub fn shape(name: &str, ops: &[Operator]) -> u32 {
    let mut hash = hash(name);
    for op in ops {
        let (kind, more) = match op {
            Operator::Block { .. } => (1, 0),
            Operator::Loop { .. } => (2, 0),
            Operator::If { .. } => (3, 0),
            Operator::Else => (4, 0),
            Operator::End => (5, 0),
            Operator::Br { relative_depth } => (6, *relative_depth),
            Operator::BrIf { relative_depth } => (7, *relative_depth),
            Operator::BrTable { targets } => (8, targets.len()),
            Operator::Return => (9, 0),
            Operator::Unreachable => (10, 0),
            Operator::Call { .. } => (11, 0),
            Operator::CallIndirect { .. } => (12, 0),
            _ => continue,
        };
        for byte in [kind, more & 0xff, more >> 8] {
            hash = (hash ^ byte).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

/// FNV-1a.
pub fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let taken = BTreeMap::from([(7, vec![true, false, true, true, false, false]), (0xffff_ffff, vec![false; 12])]);
        let visit = Visit { cold: (0..100).map(|n| hash(&n.to_string())).collect(), taken };
        let read = Visit::parse(&visit.text()).unwrap();
        assert_eq!(read.cold, visit.cold);
        assert_eq!(read.taken, visit.taken);
        assert!(Visit::parse("12:!").is_err());
    }

    #[test]
    fn marks_stand_where_control_divides_or_meets() {
        let ops = [
            Operator::If { blockty: wasmparser::BlockType::Empty },
            Operator::Nop,
            Operator::Else,
            Operator::Nop,
            Operator::End,
            Operator::Nop,
            Operator::End,
        ];
        assert_eq!(heads(&ops), [0, 1, 3, 5]);
    }
}
