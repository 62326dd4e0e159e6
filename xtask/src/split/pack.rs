//! Rearranges a program so that it compresses better: what is alike lies together. Opcodes in one
//! stream, each kind of operand in one of its own; addresses of constants and places in the table as
//! steps from the last one. `static/unpack.js` undoes it, and both know this:
//!
//! - Numbers first: the program's length, its functions, the function that calls ask for the second file,
//!   the exports that have names, where in the table its content begins, and how much that is; then the
//!   length of every stream; then the streams.
//! - An opcode of ours stands for several of wasm's: see [`ADDRESS`], [`LATE`], [`ODD`].
//! - The table holds stubs and other functions: of each the step from the last one of its sort.
//! - Functions of the first file that the second one calls are exported as `f` and their number; only the
//!   steps between the numbers are kept.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use wasmparser::BinaryReader;

use super::module::leb;
use super::write::shared_name;

/// Numbers of sections.
const EXPORTS: u8 = 7;
const ELEMENTS: u8 = 9;
const CODE: u8 = 10;

/// An `i32.const` of an address.
const ADDRESS: u8 = 0xe0;
/// A call of a function that may have moved: `i32.const`, `call`, `call_indirect`.
const LATE: u8 = 0xe1;
/// Before a load or store whose alignment is not the usual one.
const ODD: u8 = 0xe2;
/// Where constants lie: numbers in this range are mostly addresses.
const ADDRESSES: Range<i32> = 0x10_0000..0x40_0000;

/// The streams, in their order.
#[derive(Clone, Copy)]
enum Stream {
    /// The sections before the exports, the exports' entries, what is between them and the table's content,
    /// that, and what follows the code.
    Before,
    Exports,
    Shared,
    Between,
    Slots,
    After,
    Locals,
    Ops,
    Blocks,
    Branches,
    Calls,
    Types,
    Get,
    Set,
    Tee,
    Offsets,
    Aligns,
    Small,
    Addresses,
    Places,
    Others,
}
const STREAMS: usize = Stream::Others as usize + 1;

struct Packer {
    streams: [Vec<u8>; STREAMS],
    functions: u32,
    ask: u32,
    stub: u32,
    named: u32,
    /// Where in the table its content begins, and how much it is.
    table: (u32, u32),
    address: i32,
    place: i32,
    shared: u32,
}

/// `ask`: the function that late calls ask for the second file; `stub`: the first of the stubs.
pub fn pack(wasm: &[u8], ask: u32, stub: u32) -> Result<Vec<u8>> {
    let streams = std::array::from_fn(|_| Vec::new());
    let mut packer =
        Packer { streams, functions: 0, ask, stub, named: 0, table: (0, 0), address: 0, place: 0, shared: 0 };
    let mut reader = BinaryReader::new(wasm, 0);
    packer.put(Stream::Before, reader.read_bytes(8)?);
    let mut whole = Stream::Before;
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()? as usize;
        let mut content = BinaryReader::new(reader.read_bytes(length)?, 0);
        match id {
            EXPORTS => {
                for _ in 0..content.read_var_u32()? {
                    packer.export(&mut content)?;
                }
                whole = Stream::Between;
            }
            ELEMENTS => packer.elements(&mut content)?,
            CODE => {
                packer.functions = content.read_var_u32()?;
                for _ in 0..packer.functions {
                    let length = content.read_var_u32()? as usize;
                    packer.function(BinaryReader::new(content.read_bytes(length)?, 0))?;
                }
                whole = Stream::After;
            }
            _ => packer.put(whole, &wasm[start..reader.original_position()]),
        }
    }
    let mut packed = Vec::new();
    let (start, slots) = packer.table;
    for number in [wasm.len() as u32, packer.functions, packer.ask, packer.named, start, slots] {
        packed.extend(leb(number));
    }
    for stream in &packer.streams {
        packed.extend(leb(stream.len() as u32));
    }
    packed.extend(packer.streams.concat());
    Ok(packed)
}

impl Packer {
    fn put(&mut self, stream: Stream, bytes: &[u8]) {
        self.streams[stream as usize].extend(bytes);
    }

    fn number(&mut self, stream: Stream, number: u32) {
        self.put(stream, &leb(number));
    }

    /// A step to a number from another.
    fn step(&mut self, stream: Stream, from: i32, to: i32) {
        let step = to - from;
        self.number(stream, (step << 1 ^ step >> 31) as u32);
    }

    /// A number as it is written.
    fn copy(&mut self, stream: Stream, reader: &mut BinaryReader) -> Result<()> {
        loop {
            let byte = reader.read_u8()?;
            self.put(stream, &[byte]);
            if byte & 0x80 == 0 {
                return Ok(());
            }
        }
    }

    fn export(&mut self, reader: &mut BinaryReader) -> Result<()> {
        let name = reader.read_string()?;
        let kind = reader.read_u8()?;
        let index = reader.read_var_u32()?;
        if kind == 0 && name == shared_name('f', index) {
            let step = index.checked_sub(self.shared).context("shared functions are in order")?;
            self.number(Stream::Shared, step);
            self.shared = index;
        } else {
            self.named += 1;
            self.number(Stream::Exports, name.len() as u32);
            self.put(Stream::Exports, name.as_bytes());
            self.put(Stream::Exports, &[kind]);
            self.number(Stream::Exports, index);
        }
        Ok(())
    }

    fn elements(&mut self, reader: &mut BinaryReader) -> Result<()> {
        // One segment, of table 0, from a constant place on.
        if reader.read_var_u32()? != 1 || reader.read_var_u32()? != 0 || reader.read_u8()? != 0x41 {
            bail!("the table is not filled as it was");
        }
        let start = u32::try_from(reader.read_var_i32()?).context("where the table's content begins")?;
        reader.read_u8()?;
        self.table = (start, reader.read_var_u32()?);
        let mut last = [0; 2];
        for _ in 0..self.table.1 {
            let function = reader.read_var_u32()? as i32;
            let sort = usize::from(function as u32 >= self.stub);
            let step = function - last[sort] - 1;
            self.number(Stream::Slots, ((step << 1 ^ step >> 31) as u32) << 1 | sort as u32);
            last[sort] = function;
        }
        Ok(())
    }

    fn function(&mut self, mut reader: BinaryReader) -> Result<()> {
        let groups = reader.read_var_u32()?;
        self.number(Stream::Locals, groups);
        for _ in 0..groups {
            self.copy(Stream::Locals, &mut reader)?;
            self.put(Stream::Locals, &[reader.read_u8()?]);
        }
        while !reader.eof() {
            self.op(&mut reader)?;
        }
        Ok(())
    }

    fn op(&mut self, reader: &mut BinaryReader) -> Result<()> {
        let op = reader.read_u8()?;
        let ours = match op {
            0x41 => {
                let value = reader.clone().read_var_i32()?;
                if let Some((ty, after)) = self.late(reader.clone())? {
                    self.put(Stream::Ops, &[LATE]);
                    self.step(Stream::Places, self.place + 1, value);
                    self.place = value;
                    self.number(Stream::Types, ty);
                    *reader = after;
                    return Ok(());
                }
                if ADDRESSES.contains(&value) {
                    reader.read_var_i32()?;
                    self.put(Stream::Ops, &[ADDRESS]);
                    self.step(Stream::Addresses, self.address, value);
                    self.address = value;
                    return Ok(());
                }
                Stream::Small
            }
            0x28..=0x3e => {
                let align = reader.read_var_u32()?;
                if align != usual(op) {
                    self.put(Stream::Ops, &[ODD]);
                    self.number(Stream::Aligns, align);
                }
                Stream::Offsets
            }
            0x02..=0x04 => Stream::Blocks,
            0x0c | 0x0d => Stream::Branches,
            0x10 => Stream::Calls,
            0x20 => Stream::Get,
            0x21 => Stream::Set,
            0x22 => Stream::Tee,
            0x11 => Stream::Types,
            0x23..=0x26 | 0x3f | 0x40 | 0x42 | 0xd0 | 0xd2 => Stream::Others,
            _ => {
                self.put(Stream::Ops, &[op]);
                return self.rare(op, reader);
            }
        };
        self.put(Stream::Ops, &[op]);
        self.copy(ours, reader)?;
        if op == 0x11 && reader.read_var_u32()? != 0 {
            bail!("a call through another table");
        }
        Ok(())
    }

    fn rare(&mut self, op: u8, reader: &mut BinaryReader) -> Result<()> {
        match op {
            0x0e => {
                let ways = reader.read_var_u32()?;
                self.number(Stream::Branches, ways);
                for _ in 0..=ways {
                    self.copy(Stream::Branches, reader)?;
                }
            }
            0x43 => self.put(Stream::Others, reader.read_bytes(4)?),
            0x44 => self.put(Stream::Others, reader.read_bytes(8)?),
            0xfc => {
                let more = reader.read_u8()?;
                self.put(Stream::Ops, &[more]);
                let operands = match more {
                    0..=7 => 0,
                    8 | 10 | 12 | 14 => 2,
                    9 | 11 | 13 | 15..=17 => 1,
                    _ => bail!("an instruction that packing does not know: 0xfc {more}"),
                };
                for _ in 0..operands {
                    self.copy(Stream::Others, reader)?;
                }
            }
            0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 | 0xd1 => {}
            _ => bail!("an instruction that packing does not know: {op:#x}"),
        }
        Ok(())
    }

    /// Whether a late call begins with that number; its type, and what follows it.
    fn late<'a>(&self, mut reader: BinaryReader<'a>) -> Result<Option<(u32, BinaryReader<'a>)>> {
        reader.read_var_i32()?;
        for expected in [0x10, self.ask, 0x11] {
            if reader.eof() || reader.read_var_u32()? != expected {
                return Ok(None);
            }
        }
        let ty = reader.read_var_u32()?;
        Ok((reader.read_var_u32()? == 0).then_some((ty, reader)))
    }
}

/// The usual alignment of a load or store: that of what it moves.
fn usual(op: u8) -> u32 {
    USUAL[usize::from(op - 0x28)]
}
const USUAL: [u32; 23] = [2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2];
