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

use super::live::{Ends, Live, ends};
use super::module::{Code, Module};
use super::visit::{self, Visit};

/// What a region must save for the trouble: bytes.
const GAIN: usize = 2;

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
    /// How many values of the enclosing block lie on the stack, and what the last one is.
    above: usize,
    top: Option<ValType>,
    dead: bool,
    /// How a branch to each enclosing label is to be understood, inner ones first.
    labels: Vec<Label>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label {
    Plain,
    /// The branch brings a value.
    Value(ValType),
    Values,
    Function,
}

impl Place {
    fn of(checked: &FuncValidator<ValidatorResources>, offset: usize) -> Self {
        let depth = checked.control_stack_height() as usize;
        let Some(frame) = checked.get_control_frame(0) else {
            return Self { offset, above: 0, top: None, dead: true, labels: Vec::new() };
        };
        let label = |index: usize| {
            let frame = checked.get_control_frame(index).expect("it is open");
            let bare = matches!(frame.block_type, BlockType::Empty)
                || (frame.kind == FrameKind::Loop && matches!(frame.block_type, BlockType::Type(_)));
            match (index + 1 == depth, frame.block_type) {
                (true, _) => Label::Function,
                _ if bare => Label::Plain,
                (_, BlockType::Type(ty)) => Label::Value(ty),
                _ => Label::Values,
            }
        };
        Self {
            offset,
            above: (checked.operand_stack_height() as usize).saturating_sub(frame.height),
            top: checked.get_operand_type(0).flatten(),
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
    /// What those exits that bring a value bring.
    value: Option<ValType>,
    bringing: BTreeSet<Exit>,
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
        if candidates.is_empty() {
            return;
        }
        let types = self.local_types();
        let live = Live::of(&self.code().ops, types.len(), &ends);
        // Outer ones first.
        candidates.sort_by_key(|range: &Range<usize>| (range.start, std::cmp::Reverse(range.end)));
        let mut chosen: Vec<Region> = Vec::new();
        for range in candidates {
            let inside = chosen.last().is_some_and(|region| range.start < region.range.end);
            if !inside && range != all {
                chosen.extend(self.region(range, &ends, &live, &types));
            }
        }
        if !chosen.is_empty() {
            self.replace(chosen, &types);
        }
    }

    /// Looks through the direct content of a block; says whether whoever enters it meets something
    /// that is never done.
    fn scan(&self, range: Range<usize>, ends: &Ends, found: &mut Vec<Range<usize>>) -> bool {
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
        let fits = |place: &Place| place.above == 0 && !place.dead;
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
    fn region(&self, range: Range<usize>, ends: &Ends, live: &Live, types: &[ValType]) -> Option<Region> {
        let (_, results) = &self.module.signatures[self.module.type_of[self.function as usize] as usize];
        if results.len() > 1 {
            return None;
        }
        let ops = &self.code().ops[range.clone()];
        let labels = &self.places[range.start].labels;
        // How control leaves, and the value that it brings.
        let mut exits: BTreeMap<Exit, Option<ValType>> = BTreeMap::new();
        let mut depth = 0_u32;
        for op in ops {
            match op {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
                Operator::End => depth -= 1,
                Operator::Return => {
                    exits.insert(Exit::Returns, results.first().copied());
                }
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } if *relative_depth >= depth => {
                    let label = relative_depth - depth;
                    let (exit, value) = match labels.get(label as usize)? {
                        Label::Plain => (Exit::Branches(label), None),
                        Label::Value(ty) => (Exit::Branches(label), Some(*ty)),
                        Label::Function => (Exit::Returns, results.first().copied()),
                        Label::Values => return None,
                    };
                    exits.insert(exit, value);
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
            let value = match end.above {
                0 => None,
                1 => Some(end.top?),
                _ => return None,
            };
            exits.insert(Exit::Falls, value);
        }
        let mut values: Vec<ValType> = exits.values().flatten().copied().collect();
        values.dedup();
        if values.len() > 1 {
            return None;
        }
        let bringing = exits.iter().filter(|(_, value)| value.is_some()).map(|(exit, _)| *exit).collect();
        let exits: Vec<Exit> = exits.into_keys().collect();
        let (passed, given_back, own) = self.locals(&range, &exits, ends, live, types);

        let ways = if exits.len() > 1 { 2 + 5 * exits.len() } else { 0 };
        let cost = 3 + passed.len() + 2 * given_back.len() + ways;
        let size = self.places[range.end].offset - self.places[range.start].offset;
        let value = values.first().copied();
        (size >= cost + GAIN).then_some(Region { range, exits, passed, given_back, own, value, bringing })
    }

    /// The locals that a region is passed, those it gives back, and those of its own.
    fn locals(
        &self,
        range: &Range<usize>,
        exits: &[Exit],
        ends: &Ends,
        live: &Live,
        types: &[ValType],
    ) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let ops = &self.code().ops;
        let (mut read, mut set) = (BTreeSet::new(), BTreeSet::new());
        for op in &ops[range.clone()] {
            match op {
                Operator::LocalGet { local_index } => read.insert(*local_index),
                Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => set.insert(*local_index),
                _ => false,
            };
        }
        // The blocks that the region lies in, inner ones first.
        let around: Vec<(usize, usize)> = ends
            .range(..range.start)
            .rev()
            .filter(|(_, (_, end))| *end >= range.end)
            .map(|(start, (_, end))| (*start, *end))
            .collect();
        let goes_on = |exit: &Exit| match exit {
            Exit::Returns => None,
            Exit::Falls => Some(range.end),
            Exit::Branches(label) => around
                .get(*label as usize)
                .map(|(start, end)| if matches!(ops[*start], Operator::Loop { .. }) { *start } else { *end }),
        };
        let places: Vec<usize> = exits.iter().filter_map(goes_on).collect();
        // By type, so that few types of functions come about.
        let in_order = |mut locals: Vec<u32>| {
            locals.sort_by_key(|local| (format!("{:?}", types[*local as usize]), *local));
            locals
        };
        let needed = |local: &u32| places.iter().any(|place| live.at(*place)(*local));
        let given_back = in_order(set.iter().copied().filter(needed).collect());
        read.extend(&given_back);
        let passed = in_order(read.iter().copied().filter(|local| live.at(range.start)(*local)).collect());
        let own = read.union(&set).copied().filter(|local| !passed.contains(local)).collect();
        (passed, given_back, own)
    }

    fn replace(&mut self, regions: Vec<Region>, types: &[ValType]) {
        let place = (self.function - self.module.imported) as usize;
        let old = std::mem::take(&mut self.module.code[place].ops);
        let mut extra: Vec<ValType> = Vec::new();
        let mut ops = Vec::with_capacity(old.len());
        let mut at = 0;
        for region in regions {
            ops.extend_from_slice(&old[at..region.range.start]);
            self.call(&region, &old, types, &mut extra, &mut ops);
            at = region.range.end;
        }
        ops.extend_from_slice(&old[at..]);
        let code = &mut self.module.code[place];
        code.ops = ops;
        code.locals.extend(extra);
    }

    /// The types of a function's locals, its arguments first.
    fn local_types(&self) -> Vec<ValType> {
        let ty = self.module.type_of[self.function as usize];
        let (params, _) = &self.module.signatures[ty as usize];
        params.iter().chain(&self.code().locals).copied().collect()
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
        results.extend(region.value);
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
        // With nothing else to take off the stack, the value lies where it should.
        if let ([exit], []) = (&region.exits[..], &region.given_back[..]) {
            match exit {
                Exit::Falls => {}
                Exit::Branches(label) => ops.push(Operator::Br { relative_depth: *label }),
                Exit::Returns => ops.push(Operator::Return),
            }
            return;
        }
        let value = region.value.map(|ty| {
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
        let leave = |exit: Exit, deeper: u32, ops: &mut Vec<Operator<'a>>| {
            let brings = value.filter(|_| region.bringing.contains(&exit));
            ops.extend(brings.map(|local_index| Operator::LocalGet { local_index }));
            match exit {
                Exit::Falls => {}
                Exit::Branches(label) => ops.push(Operator::Br { relative_depth: label + deeper }),
                Exit::Returns => ops.push(Operator::Return),
            }
        };
        match (way, &region.exits[..]) {
            (Some(way), exits) => {
                // The one that falls through is the first, and needs no question; else the last.
                let (asked, unasked) = match exits[0] {
                    Exit::Falls => (&exits[1..], exits[0]),
                    _ => (&exits[..exits.len() - 1], exits[exits.len() - 1]),
                };
                for exit in asked {
                    ops.push(Operator::LocalGet { local_index: way });
                    let number = region.number(*exit);
                    if number != 1 || region.exits.len() > 2 {
                        ops.push(Operator::I32Const { value: number });
                        ops.push(Operator::I32Eq);
                    }
                    match exit {
                        Exit::Branches(label) if !region.bringing.contains(exit) => {
                            ops.push(Operator::BrIf { relative_depth: *label });
                        }
                        _ => {
                            ops.push(Operator::If { blockty: BlockType::Empty });
                            leave(*exit, 1, ops);
                            ops.push(Operator::End);
                        }
                    }
                }
                leave(unasked, 0, ops);
            }
            (None, [exit]) => leave(*exit, 0, ops),
            (None, _) => ops.push(Operator::Unreachable),
        }
    }
}

impl Region {
    /// The number that says which exit was taken: 0 is the one that needs no question.
    fn number(&self, exit: Exit) -> i32 {
        let place = self.exits.iter().position(|known| *known == exit).expect("it was found before");
        if self.exits[0] == Exit::Falls { place as i32 } else { ((place + 1) % self.exits.len()) as i32 }
    }
}

/// The region's code as a function's.
fn body<'a>(region: &Region, ops: &[Operator<'a>], types: &[ValType]) -> Code<'a> {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for local in region.passed.iter().chain(&region.own) {
        numbers.insert(*local, numbers.len() as u32);
    }
    let mut locals: Vec<ValType> = region.own.iter().map(|local| types[*local as usize]).collect();
    let value = (numbers.len()) as u32;
    locals.extend(region.value);
    let condition = value + u32::from(region.value.is_some());
    locals.push(ValType::I32);
    // The value that an exit brings lies on the stack, or in its local already.
    let leave = |exit: Exit, kept: bool, out: &mut Vec<Operator<'a>>| {
        if !kept && region.bringing.contains(&exit) {
            out.push(Operator::LocalSet { local_index: value });
        }
        out.extend(region.given_back.iter().map(|local| Operator::LocalGet { local_index: numbers[local] }));
        if region.exits.len() > 1 {
            out.push(Operator::I32Const { value: region.number(exit) });
        }
        if region.value.is_some() {
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
            Operator::Return => leave(Exit::Returns, false, &mut out),
            Operator::Br { relative_depth } if *relative_depth >= depth => {
                leave(out_of(*relative_depth - depth), false, &mut out)
            }
            Operator::BrIf { relative_depth } if *relative_depth >= depth => {
                let exit = out_of(*relative_depth - depth);
                let brings = region.bringing.contains(&exit);
                if brings {
                    // It lies under the condition, and stays where it is if the branch is not taken.
                    out.push(Operator::LocalSet { local_index: condition });
                    out.push(Operator::LocalSet { local_index: value });
                    out.push(Operator::LocalGet { local_index: condition });
                }
                out.push(Operator::If { blockty: BlockType::Empty });
                leave(exit, true, &mut out);
                out.push(Operator::End);
                if brings {
                    out.push(Operator::LocalGet { local_index: value });
                }
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
        leave(Exit::Falls, false, &mut out);
    } else {
        out.push(Operator::Unreachable);
    }
    out.push(Operator::End);
    Code { locals, ops: out }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_within_does_not_leave() {
        let block = Operator::Block { blockty: BlockType::Empty };
        let ops = [block, Operator::BrIf { relative_depth: 0 }, Operator::Nop, Operator::End];
        assert!(!leaves(&ops));
        assert!(leaves(&ops[1..3]));
    }
}
