//! Writes the halves, and the program that keeps a record of itself.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemArg, Module as Out, RawSection,
    SectionId, StartSection, TableSection, ValType,
};

use wasmparser::{BinaryReader, ImportSectionReader, Operator, TypeRef};

use super::Plan;
use super::module::{Code, Module, append, leb};
use super::visit;

/// From where the second file imports everything, and what the boot script passes for it.
const FROM: &str = "first";
/// What the boot script passes to the first file: the function that fetches the second.
const FETCH: (&str, &str) = ("rest", "fetchNow");
/// From where the first file imports the browser's functions, in place of the glue's long name.
pub const OUTSIDE: &str = "js";
/// Says that the second file has been started.
const READY: GlobalType = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
/// Less than this between two pieces of data, and they are written as one.
const GAP: u32 = 12;

/// The functions' new numbers in a file that is being written.
#[derive(Default)]
struct Numbers {
    new: BTreeMap<u32, u32>,
    next: u32,
}

impl Numbers {
    fn add(&mut self, function: u32) {
        self.new.insert(function, self.next);
        self.next += 1;
    }

    fn skip(&mut self) {
        self.next += 1;
    }
}

impl Reencode for Numbers {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        Ok(*self.new.get(&function).expect("every function that is called has a number"))
    }
}

/// `a`, `b` … `z`, `ba` …
fn short_name(mut number: usize) -> String {
    let mut name = String::new();
    loop {
        name.insert(0, char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return name;
        }
    }
}

/// Names of exports that no one else uses.
pub fn shared_name(kind: char, index: impl std::fmt::Display) -> String {
    format!("{kind}{index}")
}

/// The first file, and what else must be known of it.
pub struct First {
    pub wasm: Vec<u8>,
    /// The number that each function has there which the second file calls.
    pub shared: BTreeMap<u32, u32>,
    /// The function that sees to it that the second file is there.
    pub look: u32,
    /// From that one on, functions are stubs.
    pub stub: u32,
    /// Short names for what is imported: module, name, and the new name (in [`OUTSIDE`]).
    pub names: Vec<(String, String, String)>,
    /// The name and the bytes of every function.
    pub sizes: Vec<(usize, String)>,
}

pub fn first(module: &Module, plan: &Plan, later: &[bool]) -> Result<First> {
    let mut sizes = Vec::new();
    let all = 0..module.functions();
    let mut numbers = Numbers::default();
    let stays = |f: &u32| !plan.moved[*f as usize];
    let (from_outside, ours): (Vec<u32>, Vec<u32>) = all.filter(stays).partition(|f| *f < module.imported);
    from_outside.iter().for_each(|f| numbers.add(*f));
    // One more import stands between the others and our own.
    let fetch = module.imported;
    numbers.skip();
    ours.iter().for_each(|f| numbers.add(*f));
    // In the order of the table: so their numbers, and their places, follow each other.
    let mut stubs: Vec<(u32, u32)> = plan.stubs.range(..plan.outlined).map(|(f, place)| (*place, *f)).collect();
    stubs.sort_unstable();
    let first_stub = numbers.next;
    stubs.iter().for_each(|(_, f)| numbers.add(*f));
    let ready = module.globals.len() as u32;
    let look = numbers.next;

    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for f in ours {
        functions.function(module.type_of[f as usize]);
        let mut body = function(module.code(f).expect("it is ours"), &mut numbers)?;
        for op in module.ops(f) {
            match op {
                Operator::Call { function_index: f } if *f >= plan.outlined => {
                    let type_index = module.type_of[*f as usize];
                    body.instruction(&Instruction::I32Const(plan.stubs[f] as i32));
                    body.instruction(&Instruction::Call(look));
                    body.instruction(&Instruction::CallIndirect { type_index, table_index: 0 });
                }
                op => {
                    body.instruction(&numbers.instruction(op.clone())?);
                }
            }
        }
        sizes.push((body.byte_len(), module.name(f).to_owned()));
        code.function(&body);
    }
    for (place, f) in &stubs {
        let ty = module.type_of[*f as usize];
        functions.function(ty);
        let mut stub = Function::new([]);
        for local in 0..module.signatures[ty as usize].0.len() {
            stub.instruction(&Instruction::LocalGet(local as u32));
        }
        stub.instruction(&Instruction::I32Const(*place as i32));
        stub.instruction(&Instruction::Call(look));
        stub.instruction(&Instruction::CallIndirect { type_index: ty, table_index: 0 });
        stub.instruction(&Instruction::End);
        sizes.push((stub.byte_len(), format!("stub of {}", module.name(*f))));
        code.function(&stub);
    }
    // Gives its argument back, and sees to it that the second file is there.
    let mut types = module.types.clone();
    let same = append(&mut types, &[0x60, 1, I32, 1, I32]);
    functions.function(same);
    let mut body = Function::new([]);
    body.instruction(&Instruction::GlobalGet(ready));
    body.instruction(&Instruction::I32Eqz);
    body.instruction(&Instruction::If(wasm_encoder::BlockType::Empty));
    body.instruction(&Instruction::Call(fetch));
    body.instruction(&Instruction::End);
    body.instruction(&Instruction::LocalGet(0));
    body.instruction(&Instruction::End);
    code.function(&body);

    let mut exports = exports(module, &mut numbers)?;
    let shared: BTreeMap<u32, u32> = plan.shared.iter().map(|f| (*f, numbers.new[f])).collect();
    for index in 0..=ready {
        exports.export(&shared_name('g', index), ExportKind::Global, index);
    }
    for index in 0..module.tables.len() as u32 {
        exports.export(&shared_name('t', index), ExportKind::Table, index);
    }
    exports.export("m", ExportKind::Memory, 0);
    for new in shared.values() {
        exports.export(&shared_name('f', new), ExportKind::Func, *new);
    }

    let mut globals = globals(module, &mut numbers)?;
    globals.global(READY, &ConstExpr::i32_const(0));
    let slots: Vec<_> = module.slots.iter().map(|(table, place, f)| (*table, *place, numbers.new[f])).collect();
    let mut out = Out::new();
    let mut imports = ImportSection::new();
    let mut names = Vec::new();
    let section = ImportSectionReader::new(BinaryReader::new(module.imports, 0))?;
    for import in section.into_imports() {
        let import = import?;
        let TypeRef::Func(ty) = import.ty else { bail!("an import that is no function") };
        let short = short_name(names.len());
        imports.import(OUTSIDE, &short, EntityType::Function(ty));
        names.push((import.module.to_owned(), import.name.to_owned(), short));
    }
    imports.import(FETCH.0, FETCH.1, EntityType::Function(append(&mut types, &[0x60, 0, 0])));
    out.section(&RawSection { id: SectionId::Type as u8, data: &types });
    out.section(&imports);
    out.section(&functions);
    out.section(&tables(module, plan.table, &mut numbers)?);
    out.section(&RawSection { id: SectionId::Memory as u8, data: module.memories });
    out.section(&globals);
    out.section(&exports);
    if let Some(start) = module.start {
        out.section(&StartSection { function_index: numbers.new[&start] });
    }
    out.section(&elements(&slots));
    out.section(&code);
    // Memory is zero until the second file comes: what lies between may be written over.
    out.section(&data(module, |segment| !later[segment], true));
    Ok(First { wasm: out.finish(), shared, look, stub: first_stub, names, sizes })
}

pub fn rest(module: &Module, plan: &Plan, later: &[bool], shared: &BTreeMap<u32, u32>) -> Result<Vec<u8>> {
    let mut numbers = Numbers::default();
    let mut imports = ImportSection::new();
    for (f, new) in shared {
        imports.import(FROM, &shared_name('f', new), EntityType::Function(module.type_of[*f as usize]));
        numbers.add(*f);
    }
    for (index, global) in module.globals.iter().enumerate() {
        let ty = numbers.global_type(global.ty)?;
        imports.import(FROM, &shared_name('g', index), EntityType::Global(ty));
    }
    let ready = module.globals.len() as u32;
    imports.import(FROM, &shared_name('g', ready), EntityType::Global(READY));
    for (index, table) in module.tables.iter().enumerate() {
        let mut ty = numbers.table_type(table.ty)?;
        if index == 0 {
            ty.minimum = u64::from(plan.table);
            ty.maximum = ty.maximum.map(|most| most.max(ty.minimum));
        }
        imports.import(FROM, &shared_name('t', index), EntityType::Table(ty));
    }
    let memory = wasmparser::MemorySectionReader::new(BinaryReader::new(module.memories, 0))?;
    for ty in memory {
        imports.import(FROM, "m", EntityType::Memory(numbers.memory_type(ty?)?));
    }

    let moved = (module.imported..module.functions()).filter(|f| plan.moved[*f as usize]);
    moved.clone().for_each(|f| numbers.add(f));
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for f in moved {
        functions.function(module.type_of[f as usize]);
        let mut body = function(module.code(f).expect("it is ours"), &mut numbers)?;
        for op in module.ops(f) {
            body.instruction(&numbers.instruction(op.clone())?);
        }
        code.function(&body);
    }
    let mut types = module.types.clone();
    functions.function(append(&mut types, &[0x60, 0, 0]));
    let mut body = Function::new([]);
    body.instruction(&Instruction::I32Const(1));
    body.instruction(&Instruction::GlobalSet(ready));
    body.instruction(&Instruction::End);
    code.function(&body);
    let start = numbers.next;

    let slots: Vec<_> = plan.stubs.iter().map(|(f, place)| (0, *place, numbers.new[f])).collect();
    let mut out = Out::new();
    out.section(&RawSection { id: SectionId::Type as u8, data: &types });
    out.section(&imports);
    out.section(&functions);
    out.section(&StartSection { function_index: start });
    out.section(&elements(&slots));
    out.section(&code);
    out.section(&data(module, |segment| later[segment], false));
    Ok(out.finish())
}

pub fn recording(module: &Module) -> Result<Vec<u8>> {
    let mut numbers = Numbers::default();
    (0..module.functions()).for_each(|f| numbers.add(f));
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let globals = globals(module, &mut numbers)?;
    let mut exports = exports(module, &mut numbers)?;
    let memory = MemArg { offset: 0, align: 0, memory_index: 1 };
    let mut mark = 0;
    for (index, body) in module.code.iter().enumerate() {
        functions.function(module.type_of[module.imported as usize + index]);
        let mut f = function(body, &mut numbers)?;
        let mut heads = visit::heads(&body.ops).into_iter().peekable();
        for (at, op) in body.ops.iter().enumerate() {
            if heads.next_if_eq(&at).is_some() {
                f.instruction(&Instruction::I32Const(mark));
                f.instruction(&Instruction::I32Const(1));
                f.instruction(&Instruction::I32Store8(memory));
                mark += 1;
            }
            f.instruction(&numbers.instruction(op.clone())?);
        }
        code.function(&f);
    }
    exports.export("marks", ExportKind::Memory, 1);
    let mut memories = module.memories.to_vec();
    let mut pages = vec![0];
    pages.extend(leb(mark as u32 / 0x1_0000 + 1));
    append(&mut memories, &pages);
    let mut out = Out::new();
    out.section(&RawSection { id: SectionId::Type as u8, data: &module.types });
    out.section(&RawSection { id: SectionId::Import as u8, data: module.imports });
    out.section(&functions);
    out.section(&tables(module, 0, &mut numbers)?);
    out.section(&RawSection { id: SectionId::Memory as u8, data: &memories });
    out.section(&globals);
    out.section(&exports);
    if let Some(start) = module.start {
        out.section(&StartSection { function_index: start });
    }
    out.section(&elements(&module.slots));
    out.section(&code);
    out.section(&data(module, |_| true, false));
    Ok(out.finish())
}

/// The type `i32`, in a section's bytes.
const I32: u8 = 0x7f;

/// A function with its locals and nothing in it yet; equal ones that follow each other count as one entry.
fn function(code: &Code, numbers: &mut Numbers) -> Result<Function> {
    let mut runs = Vec::new();
    for run in code.locals.chunk_by(|a, b| a == b) {
        runs.push((run.len() as u32, numbers.val_type(run[0])?));
    }
    Ok(Function::new(runs))
}

fn exports(module: &Module, numbers: &mut Numbers) -> Result<ExportSection> {
    let mut section = ExportSection::new();
    for export in &module.exports {
        numbers.parse_export(&mut section, *export)?;
    }
    Ok(section)
}

fn globals(module: &Module, numbers: &mut Numbers) -> Result<GlobalSection> {
    let mut section = GlobalSection::new();
    for global in &module.globals {
        numbers.parse_global(&mut section, global.clone())?;
    }
    Ok(section)
}

fn tables(module: &Module, least: u32, numbers: &mut Numbers) -> Result<TableSection> {
    let mut section = TableSection::new();
    for (index, table) in module.tables.iter().enumerate() {
        let mut ty = numbers.table_type(table.ty)?;
        if index == 0 {
            ty.minimum = ty.minimum.max(u64::from(least));
            ty.maximum = ty.maximum.map(|most| most.max(ty.minimum));
        }
        section.table(ty);
    }
    Ok(section)
}

/// One element segment for each run of places.
fn elements(slots: &[(u32, u32, u32)]) -> ElementSection {
    let mut slots = slots.to_vec();
    slots.sort_unstable();
    let mut section = ElementSection::new();
    for run in slots.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1) {
        let (table, at, _) = run[0];
        let functions: Vec<u32> = run.iter().map(|(_, _, f)| *f).collect();
        let table = (table != 0).then_some(table);
        section.active(table, &ConstExpr::i32_const(at as i32), Elements::Functions(functions.into()));
    }
    section
}

/// The chosen segments; those that lie close together as one.
fn data(module: &Module, chosen: impl Fn(usize) -> bool, over_others: bool) -> DataSection {
    let joins = |end: u32, at: u32, taken: u32| at - end < GAP && (over_others || taken == end);
    let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut order: Vec<usize> = (0..module.data.len()).collect();
    order.sort_by_key(|index| module.data[*index].at);
    // The end of the segment before: bytes up to it may be someone else's.
    let mut taken = 0;
    for index in order {
        let segment = &module.data[index];
        if chosen(index) {
            match pieces.last_mut() {
                Some((at, bytes)) if joins(*at + bytes.len() as u32, segment.at, taken) => {
                    bytes.resize((segment.at - *at) as usize, 0);
                    bytes.extend(segment.bytes);
                }
                _ => pieces.push((segment.at, segment.bytes.to_vec())),
            }
        }
        taken = segment.end();
    }
    let mut section = DataSection::new();
    for (at, bytes) in pieces {
        section.active(0, &ConstExpr::i32_const(at as i32), bytes);
    }
    section
}
