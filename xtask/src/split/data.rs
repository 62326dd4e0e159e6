//! Which constant data the second file can bring along.
//!
//! The linker is asked not to merge data (`--no-merge-data-segments`), so each constant is a
//! segment of its own. A segment moves if functions that moved name an address in it, and neither
//! a function that stayed nor data that stayed holds a number that could be such an address.

use wasmparser::Operator;

use super::Plan;
use super::module::{Module, Segment};

/// Per segment: it is laid down with the second file.
pub fn divide(module: &Module, plan: &Plan) -> Vec<bool> {
    let map = Map { segments: &module.data, order: order(&module.data) };
    let mut named = [vec![false; module.data.len()], vec![false; module.data.len()]];
    for function in module.imported..module.functions() {
        let side = usize::from(plan.moved[function as usize]);
        let ops = module.ops(function);
        for (at, op) in ops.iter().enumerate() {
            let loops = matches!(ops.get(at + 1), Some(Operator::I32Add | Operator::I32Sub));
            let half = matches!(op, Operator::I64Const { value } if *value as u64 >> 32 == 0);
            for number in numbers(op).into_iter().flatten() {
                map.holders(number, loops, |segment| {
                    // A wide number without an upper half is a number, or a pointer to a whole constant.
                    if !half || module.data[segment].at == number {
                        named[side][segment] = true;
                    }
                });
            }
        }
    }
    let [mut stays, mut moves] = named;
    map.spread(&mut stays);
    map.spread(&mut moves);
    stays.iter().zip(&moves).map(|(stays, moves)| *moves && !stays).collect()
}

/// The numbers in an instruction that may be addresses. A wide one may be a string's address and
/// length, loaded at one go.
fn numbers(op: &Operator) -> [Option<u32>; 2] {
    macro_rules! offsets {
        ($($op:ident)*) => {
            match op {
                Operator::I32Const { value } => [Some(*value as u32), None],
                Operator::I64Const { value } => [Some(*value as u32), Some((*value >> 32) as u32)],
                $(Operator::$op { memarg } => [Some(memarg.offset as u32), None],)*
                _ => [None, None],
            }
        };
    }
    offsets! {
        I32Load I64Load F32Load F64Load I32Load8S I32Load8U I32Load16S I32Load16U
        I64Load8S I64Load8U I64Load16S I64Load16U I64Load32S I64Load32U
        I32Store I64Store F32Store F64Store I32Store8 I32Store16 I64Store8 I64Store16 I64Store32
    }
}

fn order(segments: &[Segment]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..segments.len()).collect();
    order.sort_by_key(|index| segments[*index].at);
    order
}

struct Map<'a> {
    segments: &'a [Segment<'a>],
    /// The segments by address.
    order: Vec<usize>,
}

impl Map<'_> {
    /// The segments that an address may mean: the one it lies in, or else the one it is the end of.
    /// Where something is added to it, both: a loop may count up to zero from below an end. (Only
    /// there: an end that is compared with, or passed on, comes with a beginning.)
    fn holders(&self, address: u32, loops: bool, mut see: impl FnMut(usize)) {
        let after = self.order.partition_point(|index| self.segments[*index].at <= address);
        for index in self.order[..after].iter().rev().take(2) {
            if address <= self.segments[*index].end() {
                see(*index);
                if !loops {
                    return;
                }
            }
        }
    }

    /// Marks what the marked data itself names.
    fn spread(&self, marks: &mut [bool]) {
        let mut open: Vec<usize> = (0..marks.len()).filter(|index| marks[*index]).collect();
        while let Some(index) = open.pop() {
            let segment = &self.segments[index];
            let skip = (segment.at.next_multiple_of(4) - segment.at) as usize;
            for word in segment.bytes.get(skip..).unwrap_or_default().chunks_exact(4) {
                let address = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                self.holders(address, false, |found| {
                    if !marks[found] {
                        marks[found] = true;
                        open.push(found);
                    }
                });
            }
        }
    }
}
