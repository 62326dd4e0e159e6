//! Moves what a function that stays never does into functions of their own, which can go.
//!
//! A function that every visit runs has branches that a first visit does not take: errors, cases
//! of a `match`. The record of a visit says which; and a branch that must end in a call to a
//! function that is not run, or in a trap, is not taken. Such a region becomes a function: it is passed the locals that it reads, it gives
//! back the locals that it set and, if there are several, which way it left. Branches out of it
//! happen after the call. What a program does is the same, by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::Result;
use wasmparser::{
    BlockType, FrameKind, FuncValidator, Operator, Parser, ValType, ValidPayload, Validator, ValidatorResources,
    WasmFeatures,
};

use super::module::{Code, Module};
use super::visit::{self, Visit};

/// What a region must save for the trouble: bytes.
const GAIN: usize = 8;

/// Outlines in every function that stays; the new functions follow the others.
pub fn outline(wasm: &[u8], module: &mut Module, visit: &Visit, moved: &[bool]) -> Result<()> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut function = module.imported;
    for payload in Parser::new(0).parse_all(wasm) {
        let ValidPayload::Func(checked, body) = validator.payload(&payload?)? else { continue };
        if !moved[function as usize] {
            let mut checked = checked.into_validator(Default::default());
            checked.read_locals(&mut body.get_binary_reader())?;
            let mut places = Vec::new();
            let mut reader = body.get_operators_reader()?;
            while !reader.eof() {
                let (op, offset) = reader.read_with_offset()?;
                places.push(Place::of(&checked, offset));
                checked.op(offset, &op)?;
            }
            let ops = module.ops(function);
            let taken = visit.taken.get(&visit::shape(module.name(function), ops));
            let mut avoided = vec![false; ops.len()];
            for (head, taken) in visit::heads(ops).into_iter().zip(taken.into_iter().flatten()) {
                avoided[head] = !taken;
            }
            Outliner { module, function, places, moved, avoided }.run();
        }
        function += 1;
    }
    Ok(())
}

/// What is known before an instruction.
struct Place {
    offset: usize,
    /// Nothing of the enclosing block lies on the stack.
    level: bool,
    dead: bool,
    /// How a branch to each enclosing label is to be understood, inner ones first.
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    Plain,
    Values,
    Function,
}

impl Place {
    fn of(checked: &FuncValidator<ValidatorResources>, offset: usize) -> Self {
        let depth = checked.control_stack_height() as usize;
        let Some(frame) = checked.get_control_frame(0) else {
            return Self { offset, level: false, dead: true, labels: Vec::new() };
        };
        let label = |index: usize| {
            let frame = checked.get_control_frame(index).expect("it is open");
            let bare = matches!(frame.block_type, BlockType::Empty)
                || (frame.kind == FrameKind::Loop && matches!(frame.block_type, BlockType::Type(_)));
            match (index + 1 == depth, bare) {
                (true, _) => Label::Function,
                (_, true) => Label::Plain,
                _ => Label::Values,
            }
        };
        Self {
            offset,
            level: checked.operand_stack_height() as usize == frame.height,
            dead: frame.unreachable,
            labels: (0..depth).map(label).collect(),
        }
    }
}

/// How control leaves a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Exit {
    Falls,
    /// To that label, counted from the region's place.
    Branches(u32),
    Returns,
}

struct Outliner<'m, 'a> {
    module: &'m mut Module<'a>,
    function: u32,
    places: Vec<Place>,
    moved: &'m [bool],
    /// By instruction: the visit did not come here.
    avoided: Vec<bool>,
}

/// A region that can be moved, and what that takes.
struct Region {
    range: Range<usize>,
    exits: Vec<Exit>,
    passed: Vec<u32>,
    given_back: Vec<u32>,
    own: Vec<u32>,
    result: Option<ValType>,
}

impl<'a> Outliner<'_, 'a> {
    fn code(&self) -> &Code<'a> {
        &self.module.code[(self.function - self.module.imported) as usize]
    }

    fn run(mut self) {
        let ends = ends(&self.code().ops);
        let mut candidates = Vec::new();
        let all = 0..self.code().ops.len() - 1;
        self.scan(all.clone(), &ends, &mut candidates);
        // Outer ones first.
        candidates.sort_by_key(|range: &Range<usize>| (range.start, std::cmp::Reverse(range.end)));
        let mut chosen: Vec<Region> = Vec::new();
        for range in candidates {
            let inside = chosen.last().is_some_and(|region| range.start < region.range.end);
            if !inside && range != all {
                chosen.extend(self.region(range));
            }
        }
        if !chosen.is_empty() {
            self.replace(chosen);
        }
    }

    /// Looks through the direct content of a block; says whether whoever enters it meets something
    /// that is never done.
    fn scan(
        &self,
        range: Range<usize>,
        ends: &BTreeMap<usize, (Option<usize>, usize)>,
        found: &mut Vec<Range<usize>>,
    ) -> bool {
        let ops = &self.code().ops;
        let mut at = range.start;
        // From here on everything up to now is done without a way out.
        let mut from = at;
        let mut hit = false;
        while at < range.end {
            let (next, cold) = match ends.get(&at) {
                None => (at + 1, self.avoided[at] || self.never(&ops[at])),
                Some((middle, end)) => {
                    let cold = match (&ops[at], middle) {
                        (Operator::If { .. }, Some(middle)) => {
                            let then = self.scan(at + 1..*middle, ends, found);
                            self.scan(*middle + 1..*end, ends, found) && then
                        }
                        (Operator::If { .. }, None) => {
                            self.scan(at + 1..*end, ends, found);
                            false
                        }
                        _ => self.scan(at + 1..*end, ends, found),
                    };
                    (*end + 1, cold || self.avoided[at])
                }
            };
            hit |= cold;
            if !hit && leaves(&ops[at..next]) {
                from = next;
            }
            at = next;
        }
        if !hit {
            return false;
        }
        let whole = from == range.start;
        let mut start = from;
        let fits = |place: &Place| place.level && !place.dead;
        while start < range.end && !fits(&self.places[start]) {
            start = ends.get(&start).map_or(start + 1, |(_, end)| end + 1);
        }
        if start < range.end {
            found.push(start..range.end);
        }
        whole
    }

    fn never(&self, op: &Operator) -> bool {
        match op {
            Operator::Unreachable => true,
            Operator::Call { function_index } => self.moved[*function_index as usize],
            _ => false,
        }
    }

    /// What it takes to move a region, if it can be and pays.
    fn region(&self, range: Range<usize>) -> Option<Region> {
        let (_, results) = &self.module.signatures[self.module.type_of[self.function as usize] as usize];
        if results.len() > 1 {
            return None;
        }
        let ops = &self.code().ops[range.clone()];
        let labels = &self.places[range.start].labels;
        let mut exits = BTreeSet::new();
        let mut depth = 0_u32;
        for op in ops {
            match op {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                Operator::End => depth -= 1,
                Operator::Return => {
                    exits.insert(Exit::Returns);
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } if *relative_depth >= depth => {
                    let exit = exit(*relative_depth - depth, labels)?;
                    // The value to return would lie under the condition, out of a block's reach.
                    if exit == Exit::Returns && !results.is_empty() && matches!(op, Operator::BrIf { .. }) {
                        return None;
                    }
                    exits.insert(exit);
                }
                Operator::BrTable { targets } => {
                    for target in targets.targets().chain([Ok(targets.default())]) {
                        if target.ok()? >= depth {
                            return None;
                        }
                    }
                }
                Operator::Try { .. } | Operator::TryTable { .. } | Operator::ReturnCall { .. } => return None,
                _ => {}
            }
        }
        let end = &self.places[range.end];
        if !end.dead {
            if !end.level {
                return None;
            }
            exits.insert(Exit::Falls);
        }
        let result = results.first().copied().filter(|_| exits.contains(&Exit::Returns));
        let comes_back = exits.iter().any(|exit| *exit != Exit::Returns);
        let exits: Vec<Exit> = exits.into_iter().collect();
        let (passed, given_back, own) = self.locals(&range, comes_back);

        let cost = 9 + 2 * passed.len() + 2 * given_back.len() + if exits.len() > 1 { 5 * exits.len() } else { 3 } + 8;
        let size = self.places[range.end].offset - self.places[range.start].offset;
        (size >= cost + GAIN).then_some(Region { range, exits, passed, given_back, own, result })
    }

    /// The locals that a region is passed, those it gives back, and those of its own.
    fn locals(&self, range: &Range<usize>, comes_back: bool) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let ops = &self.code().ops;
        let mut set = BTreeSet::new();
        let mut used = BTreeSet::new();
        for op in &ops[range.clone()] {
            match op {
                Operator::LocalGet { local_index } => {
                    used.insert(*local_index);
                }
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                    used.insert(*local_index);
                    set.insert(*local_index);
                }
                _ => {}
            }
        }
        let mut read_outside = BTreeSet::new();
        for op in ops[..range.start].iter().chain(&ops[range.end..]) {
            if let Operator::LocalGet { local_index } = op {
                read_outside.insert(*local_index);
            }
        }
        let before = assigned(&ops[range.clone()]);
        let mut passed = before.read_early.clone();
        let mut given_back = BTreeSet::new();
        if comes_back {
            // What it read before setting it may be what it set when it last ran.
            given_back = set.iter().copied().filter(|l| read_outside.contains(l) || passed.contains(l)).collect();
            passed.extend(given_back.iter().filter(|local| !before.always.contains(*local)));
        }
        let own = used.into_iter().filter(|local| !passed.contains(local)).collect();
        (passed.into_iter().collect(), given_back.into_iter().collect(), own)
    }

    fn replace(&mut self, regions: Vec<Region>) {
        let place = (self.function - self.module.imported) as usize;
        let old = std::mem::take(&mut self.module.code[place].ops);
        let types = self.local_types(place);
        let mut extra: Vec<ValType> = Vec::new();
        let mut ops = Vec::with_capacity(old.len());
        let mut at = 0;
        for region in regions {
            ops.extend_from_slice(&old[at..region.range.start]);
            self.call(&region, &old, &types, &mut extra, &mut ops);
            at = region.range.end;
        }
        ops.extend_from_slice(&old[at..]);
        let code = &mut self.module.code[place];
        code.ops = ops;
        code.locals.extend(extra);
    }

    /// The types of a function's locals, its arguments first.
    fn local_types(&self, place: usize) -> Vec<ValType> {
        let ty = self.module.type_of[self.function as usize];
        let (params, _) = &self.module.signatures[ty as usize];
        params.iter().chain(&self.module.code[place].locals).copied().collect()
    }

    /// Makes a region a function, and writes what stands in its place.
    fn call(
        &mut self,
        region: &Region,
        old: &[Operator<'a>],
        types: &[ValType],
        extra: &mut Vec<ValType>,
        ops: &mut Vec<Operator<'a>>,
    ) {
        let several = region.exits.len() > 1;
        let type_of = |local: &u32| types[*local as usize];
        let mut results: Vec<ValType> = region.given_back.iter().map(type_of).collect();
        results.extend(several.then_some(ValType::I32));
        results.extend(region.result);
        let params: Vec<ValType> = region.passed.iter().map(type_of).collect();
        let ty = self.module.add_type(params, results);
        let new = self.module.functions();
        self.module.type_of.push(ty);
        let code = body(region, &old[region.range.clone()], types);
        self.module.code.push(code);

        ops.extend(region.passed.iter().map(|local| Operator::LocalGet { local_index: *local }));
        ops.push(Operator::Call { function_index: new });
        let mut temporary = |ty: ValType| {
            extra.push(ty);
            (types.len() + extra.len() - 1) as u32
        };
        // The only way out is a return: the value lies where it should.
        if let [Exit::Returns] = region.exits[..] {
            ops.push(Operator::Return);
            return;
        }
        let value = region.result.map(|ty| {
            let local_index = temporary(ty);
            ops.push(Operator::LocalSet { local_index });
            local_index
        });
        let way = several.then(|| {
            let local_index = temporary(ValType::I32);
            ops.push(Operator::LocalSet { local_index });
            local_index
        });
        ops.extend(region.given_back.iter().rev().map(|local| Operator::LocalSet { local_index: *local }));
        let leave = |exit: Exit, deeper: u32, ops: &mut Vec<Operator<'a>>| match exit {
            Exit::Falls => {}
            Exit::Branches(label) => ops.push(Operator::Br { relative_depth: label + deeper }),
            Exit::Returns => {
                ops.extend(value.map(|local_index| Operator::LocalGet { local_index }));
                ops.push(Operator::Return);
            }
        };
        match (way, &region.exits[..]) {
            (Some(way), exits) => {
                // The one that falls through is the first; without it the last needs no question.
                let asked = if exits[0] == Exit::Falls { exits.len() } else { exits.len() - 1 };
                for (number, exit) in exits[..asked].iter().enumerate() {
                    if *exit == Exit::Falls {
                        continue;
                    }
                    ops.push(Operator::LocalGet { local_index: way });
                    ops.push(Operator::I32Const { value: number as i32 });
                    ops.push(Operator::I32Eq);
                    if let Exit::Branches(label) = exit {
                        ops.push(Operator::BrIf { relative_depth: *label });
                    } else {
                        ops.push(Operator::If { blockty: BlockType::Empty });
                        leave(*exit, 1, ops);
                        ops.push(Operator::End);
                    }
                }
                if asked < exits.len() {
                    leave(exits[asked], 0, ops);
                }
            }
            (None, [exit]) => leave(*exit, 0, ops),
            (None, _) => ops.push(Operator::Unreachable),
        }
    }
}

/// The region's code as a function's.
fn body<'a>(region: &Region, ops: &[Operator<'a>], types: &[ValType]) -> Code<'a> {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for local in region.passed.iter().chain(&region.own) {
        numbers.insert(*local, numbers.len() as u32);
    }
    let mut locals: Vec<ValType> = region.own.iter().map(|local| types[*local as usize]).collect();
    locals.extend(region.result);
    let value = numbers.len() as u32;
    let leave = |exit: Exit, out: &mut Vec<Operator<'a>>| {
        if region.result.is_some() && exit == Exit::Returns {
            out.push(Operator::LocalSet { local_index: value });
        }
        out.extend(region.given_back.iter().map(|local| Operator::LocalGet { local_index: numbers[local] }));
        if region.exits.len() > 1 {
            let number = region.exits.iter().position(|known| *known == exit).expect("it was found before");
            out.push(Operator::I32Const { value: number as i32 });
        }
        if region.result.is_some() {
            out.push(Operator::LocalGet { local_index: value });
        }
        out.push(Operator::Return);
    };
    let out_of = |label: u32| {
        let known = |exit: &&Exit| **exit == Exit::Branches(label);
        region.exits.iter().find(known).copied().unwrap_or(Exit::Returns)
    };
    let mut out = Vec::with_capacity(ops.len() + 16);
    let mut depth = 0_u32;
    for op in ops {
        match op {
            Operator::LocalGet { local_index } => out.push(Operator::LocalGet { local_index: numbers[local_index] }),
            Operator::LocalSet { local_index } => out.push(Operator::LocalSet { local_index: numbers[local_index] }),
            Operator::LocalTee { local_index } => out.push(Operator::LocalTee { local_index: numbers[local_index] }),
            Operator::Return => leave(Exit::Returns, &mut out),
            Operator::Br { relative_depth } if *relative_depth >= depth => {
                leave(out_of(*relative_depth - depth), &mut out)
            }
            Operator::BrIf { relative_depth } if *relative_depth >= depth => {
                let exit = out_of(*relative_depth - depth);
                out.push(Operator::If { blockty: BlockType::Empty });
                leave(exit, &mut out);
                out.push(Operator::End);
            }
            other => {
                match other {
                    Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                    Operator::End => depth -= 1,
                    _ => {}
                }
                out.push(other.clone());
            }
        }
    }
    if region.exits.contains(&Exit::Falls) {
        leave(Exit::Falls, &mut out);
    } else {
        out.push(Operator::Unreachable);
    }
    out.push(Operator::End);
    Code { locals, ops: out }
}

fn exit(label: u32, labels: &[Label]) -> Option<Exit> {
    match labels.get(label as usize)? {
        Label::Plain => Some(Exit::Branches(label)),
        Label::Function => Some(Exit::Returns),
        Label::Values => None,
    }
}

/// For each instruction that opens a block: where its `else` and its `end` are.
fn ends(ops: &[Operator]) -> BTreeMap<usize, (Option<usize>, usize)> {
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

/// Whether control can leave these instructions otherwise than at their end.
fn leaves(ops: &[Operator]) -> bool {
    let mut depth = 0_u32;
    for op in ops {
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
            Operator::End => depth = depth.saturating_sub(1),
            Operator::Return => return true,
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } if *relative_depth >= depth => {
                return true;
            }
            Operator::BrTable { targets } => {
                let mut all = targets.targets().chain([Ok(targets.default())]);
                if all.any(|target| target.map_or(true, |target| target >= depth)) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

struct Assigned {
    /// Read where they need not have been set.
    read_early: BTreeSet<u32>,
    /// Set wherever control leaves.
    always: BTreeSet<u32>,
}

/// Which locals are certainly set where, as Java asks for its variables.
fn assigned(ops: &[Operator]) -> Assigned {
    /// `None`: control does not come here, so anything may be said.
    type Known = Option<BTreeSet<u32>>;
    fn meet(into: &mut Known, from: &Known) {
        match (into.as_mut(), from) {
            (_, None) => {}
            (None, Some(_)) => into.clone_from(from),
            (Some(into), Some(from)) => into.retain(|local| from.contains(local)),
        }
    }
    struct Open {
        /// What is known wherever control jumps to its end.
        end: Known,
        /// What was known at an `if`, for its `else`.
        start: Known,
        is_loop: bool,
        has_else: bool,
    }
    let mut now: Known = Some(BTreeSet::new());
    let mut out: Known = None;
    let mut read_early = BTreeSet::new();
    let mut open: Vec<Open> = Vec::new();
    fn jump(open: &mut [Open], out: &mut Known, now: &Known, label: u32) {
        let count = open.len();
        match count.checked_sub(label as usize + 1) {
            None => meet(out, now),
            Some(index) if open[index].is_loop => {}
            Some(index) => meet(&mut open[index].end, now),
        }
    }
    for op in ops {
        match op {
            Operator::LocalGet { local_index } if now.as_ref().is_some_and(|known| !known.contains(local_index)) => {
                read_early.insert(*local_index);
            }
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                if let Some(known) = &mut now {
                    known.insert(*local_index);
                }
            }
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => open.push(Open {
                end: None,
                start: now.clone(),
                is_loop: matches!(op, Operator::Loop { .. }),
                // Without an `else` an `if` may do nothing.
                has_else: !matches!(op, Operator::If { .. }),
            }),
            Operator::Else => {
                if let Some(top) = open.last_mut() {
                    meet(&mut top.end, &now);
                    now.clone_from(&top.start);
                    top.has_else = true;
                }
            }
            Operator::End => {
                if let Some(top) = open.pop() {
                    meet(&mut now, &top.end);
                    if !top.has_else {
                        meet(&mut now, &top.start);
                    }
                }
            }
            Operator::Br { relative_depth } => {
                jump(&mut open, &mut out, &now, *relative_depth);
                now = None;
            }
            Operator::BrIf { relative_depth } => jump(&mut open, &mut out, &now, *relative_depth),
            Operator::BrTable { targets } => {
                for target in targets.targets().chain([Ok(targets.default())]).flatten() {
                    jump(&mut open, &mut out, &now, target);
                }
                now = None;
            }
            Operator::Return | Operator::Unreachable => now = None,
            _ => {}
        }
    }
    meet(&mut out, &now);
    Assigned { read_early, always: out.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(local_index: u32) -> Operator<'static> {
        Operator::LocalGet { local_index }
    }

    fn set(local_index: u32) -> Operator<'static> {
        Operator::LocalSet { local_index }
    }

    #[test]
    fn a_local_set_in_one_branch_only_is_not_certain() {
        let either = Operator::If { blockty: BlockType::Empty };
        let ops = [get(9), either.clone(), set(1), set(2), Operator::Else, set(2), Operator::End, get(1), get(2)];
        let found = assigned(&ops);
        assert_eq!(found.read_early, BTreeSet::from([1, 9]));
        assert_eq!(found.always, BTreeSet::from([2]));
        let found = assigned(&[either, set(1), Operator::Unreachable, Operator::Else, set(2), Operator::End, get(2)]);
        assert_eq!((found.read_early, found.always), (BTreeSet::new(), BTreeSet::from([2])));
    }

    #[test]
    fn what_is_skipped_by_a_branch_is_not_certain() {
        let block = Operator::Block { blockty: BlockType::Empty };
        let ops = [block, set(1), Operator::BrIf { relative_depth: 0 }, set(2), Operator::End, get(1), get(2)];
        let found = assigned(&ops);
        assert_eq!(found.read_early, BTreeSet::from([2]));
        assert_eq!(found.always, BTreeSet::from([1]));
        assert!(!leaves(&ops[..5]));
        assert!(leaves(&ops[2..3]));
    }
}
