//! A wasm module taken apart as far as splitting needs it.

use anyhow::{Context, Result, bail};
use wasmparser::{
    CompositeInnerType, DataKind, ElementItems, ElementKind, Export, Global, Name, NameSectionReader, Operator, Parser,
    Payload, Table, TypeRef, ValType,
};

/// Rust's own functions and the imported ones share one numbering: the imported ones come first.
pub struct Module<'a> {
    /// Sections that either half takes over as they are, but for additions.
    pub types: Vec<u8>,
    pub imports: &'a [u8],
    pub memories: &'a [u8],
    /// What a function of each type takes and gives.
    pub signatures: Vec<(Vec<ValType>, Vec<ValType>)>,
    pub imported: u32,
    /// The type of every function.
    pub type_of: Vec<u32>,
    pub names: Vec<String>,
    pub code: Vec<Code<'a>>,
    pub tables: Vec<Table<'a>>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export<'a>>,
    pub start: Option<u32>,
    /// Which function lies at which place of a table: (table, place, function).
    pub slots: Vec<(u32, u32, u32)>,
    pub data: Vec<Segment<'a>>,
}

#[derive(Default)]
pub struct Code<'a> {
    /// The types of the locals that are no arguments.
    pub locals: Vec<ValType>,
    pub ops: Vec<Operator<'a>>,
}

/// Bytes that memory holds from the start.
pub struct Segment<'a> {
    pub at: u32,
    pub bytes: &'a [u8],
}

impl Segment<'_> {
    pub fn end(&self) -> u32 {
        self.at + self.bytes.len() as u32
    }
}

impl<'a> Module<'a> {
    pub fn parse(wasm: &'a [u8]) -> Result<Self> {
        let mut module = Self {
            types: Vec::new(),
            imports: &[],
            memories: &[],
            signatures: Vec::new(),
            imported: 0,
            type_of: Vec::new(),
            names: Vec::new(),
            code: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            exports: Vec::new(),
            start: None,
            slots: Vec::new(),
            data: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(wasm) {
            module.take(wasm, payload?)?;
        }
        Ok(module)
    }

    fn take(&mut self, wasm: &'a [u8], payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                self.types = wasm[section.range()].to_vec();
                for group in section {
                    for (_, ty) in group?.into_types_and_offsets() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            bail!("a type that is not a function's");
                        };
                        self.signatures.push((ty.params().to_vec(), ty.results().to_vec()));
                    }
                }
            }
            Payload::ImportSection(section) => {
                self.imports = &wasm[section.range()];
                for import in section.into_imports() {
                    match import?.ty {
                        TypeRef::Func(ty) => self.type_of.push(ty),
                        other => bail!("an import that is no function: {other:?}"),
                    }
                }
                self.imported = self.type_of.len() as u32;
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.type_of.push(ty?);
                }
            }
            Payload::TableSection(section) => self.tables = section.into_iter().collect::<Result<_, _>>()?,
            Payload::MemorySection(section) => self.memories = &wasm[section.range()],
            Payload::GlobalSection(section) => self.globals = section.into_iter().collect::<Result<_, _>>()?,
            Payload::ExportSection(section) => self.exports = section.into_iter().collect::<Result<_, _>>()?,
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.element(element?)?;
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut code = Code::default();
                for locals in body.get_locals_reader()? {
                    let (count, ty) = locals?;
                    code.locals.extend(std::iter::repeat_n(ty, count as usize));
                }
                code.ops = body.get_operators_reader()?.into_iter().collect::<Result<_, _>>()?;
                self.code.push(code);
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let DataKind::Active { memory_index: 0, offset_expr } = data.kind else {
                        bail!("data that is not laid down at the start");
                    };
                    self.data.push(Segment { at: constant(&offset_expr)?, bytes: data.data });
                }
            }
            Payload::CustomSection(section) if section.name() == "name" => {
                let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
                for part in NameSectionReader::new(reader) {
                    let Name::Function(names) = part? else { continue };
                    for name in names {
                        let name = name?;
                        let place = name.index as usize;
                        if self.names.len() <= place {
                            self.names.resize(place + 1, String::new());
                        }
                        self.names[place] = plain(name.name);
                    }
                }
            }
            Payload::Version { .. }
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            other => bail!("a section that splitting does not know: {other:?}"),
        }
        Ok(())
    }

    fn element(&mut self, element: wasmparser::Element<'a>) -> Result<()> {
        let ElementItems::Functions(items) = element.items else { bail!("a table of something else than functions") };
        let (table, at) = match element.kind {
            ElementKind::Active { table_index, offset_expr } => (table_index.unwrap_or(0), constant(&offset_expr)?),
            // It only says that the functions' addresses are taken.
            ElementKind::Declared => return Ok(()),
            ElementKind::Passive => bail!("a table that is filled later"),
        };
        for (place, function) in items.into_iter().enumerate() {
            self.slots.push((table, at + place as u32, function?));
        }
        Ok(())
    }

    pub fn functions(&self) -> u32 {
        self.type_of.len() as u32
    }

    pub fn name(&self, function: u32) -> &str {
        self.names.get(function as usize).map_or("", |name| name)
    }

    pub fn code(&self, function: u32) -> Option<&Code<'a>> {
        self.code.get(function.checked_sub(self.imported)? as usize)
    }

    pub fn ops(&self, function: u32) -> &[Operator<'a>] {
        self.code(function).map_or(&[], |code| &code.ops)
    }

    /// The number of a function type, which is added if it is new.
    pub fn add_type(&mut self, params: Vec<ValType>, results: Vec<ValType>) -> u32 {
        let ty = (params, results);
        if let Some(known) = self.signatures.iter().position(|known| *known == ty) {
            return known as u32;
        }
        let mut item = vec![0x60];
        for values in [&ty.0, &ty.1] {
            item.extend(leb(values.len() as u32));
            for value in values {
                item.push(match value {
                    ValType::I32 => 0x7f,
                    ValType::I64 => 0x7e,
                    ValType::F32 => 0x7d,
                    ValType::F64 => 0x7c,
                    ValType::V128 => 0x7b,
                    ValType::Ref(ty) if ty.is_extern_ref() => 0x6f,
                    ValType::Ref(_) => 0x70,
                });
            }
        }
        self.signatures.push(ty);
        append(&mut self.types, &item)
    }
}

/// Adds an item to the bytes of a section, which begins with how many it holds; gives its number.
pub fn append(section: &mut Vec<u8>, item: &[u8]) -> u32 {
    let end = section.iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    let count = section[..end].iter().rev().fold(0, |count, byte| count << 7 | u32::from(byte & 0x7f));
    let mut bytes = leb(count + 1);
    bytes.extend(&section[end..]);
    bytes.extend(item);
    *section = bytes;
    count
}

pub fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn constant(expr: &wasmparser::ConstExpr) -> Result<u32> {
    match expr.get_operators_reader().read().context("an offset")? {
        Operator::I32Const { value } => Ok(value as u32),
        other => bail!("an offset that is not a number: {other:?}"),
    }
}

/// A function's name without what differs from one compiler to the next: `core[c5930c85]::fmt`,
/// `kubedrill::main::h5756b0f130919f6d`.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        let (inside, behind) = after.split_once(']').unwrap_or((after, ""));
        plain += before;
        let hash = inside.len() > 8 && inside.bytes().all(|b| b.is_ascii_hexdigit());
        if !hash {
            plain += &format!("[{inside}]");
        }
        rest = behind;
    }
    plain += rest;
    match plain.rfind("::h") {
        Some(end) if plain.len() == end + 19 => plain[..end].to_owned(),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_compilers_add() {
        assert_eq!(plain("core[c5930c85a12de822]::fmt::write"), "core::fmt::write");
        assert_eq!(plain("<[u8]>::join::<&str>"), "<[u8]>::join::<&str>");
        assert_eq!(plain("kubedrill::main::h5756b0f130919f6d"), "kubedrill::main");
    }

    #[test]
    fn a_section_grows_by_an_item() {
        let mut section = vec![0xff, 0x00, 9, 9];
        assert_eq!(append(&mut section, &[5]), 127);
        assert_eq!(section, [0x80, 0x01, 9, 9, 5]);
    }
}
