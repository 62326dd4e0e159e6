//! Splits the page's program in two: what a first visit runs, and the rest, which the browser
//! fetches when the visitor has begun to work or a call needs it, whichever is sooner.
//!
//! `xtask/visit.txt` tells, by hashes of names, which functions a recorded first visit did not run.
//! They go to the second file, and with them whatever only they call and whatever constant data
//! only they name. A function that the record does not know stays, so an old record makes the
//! first file larger and breaks nothing.
//!
//! Where a function stays, the branches that the visit did not take move all the same: see `outline`.
//!
//! In the first file a function that moved leaves a stub: it sees to it that the second file is
//! there, then calls through the table. The second file, once started, fills those places of the
//! table, shares memory and globals, and calls back by exports.

mod data;
mod live;
mod module;
mod outline;
mod pack;
mod visit;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use wasmparser::{ExternalKind, Operator};

use module::Module;
pub use visit::Visit;
pub use write::OUTSIDE;

pub struct Halves {
    pub first: Vec<u8>,
    /// The first file, rearranged: see `pack`.
    pub packed: Vec<u8>,
    pub rest: Vec<u8>,
    pub moved: usize,
    pub kept: usize,
    /// What the first file imports: module, name, and its new name there, in [`OUTSIDE`].
    pub names: Vec<(String, String, String)>,
    /// The functions of the first file and their bytes.
    pub sizes: Vec<(usize, String)>,
}

pub fn split(wasm: &[u8], visit: &Visit) -> Result<Halves> {
    let mut module = Module::parse(wasm)?;
    let before = Plan::new(&module, &visit.cold, module.functions())?;
    let count = module.functions();
    outline::outline(wasm, &mut module, visit, &before.moved)?;
    let plan = Plan::new(&module, &visit.cold, count)?;
    let data = data::divide(&module, &plan);
    let first = write::first(&module, &plan, &data)?;
    let rest = write::rest(&module, &plan, &data, &first.shared)?;
    let moved = plan.moved.iter().filter(|moved| **moved).count();
    let packed = pack::pack(&first.wasm, first.look, first.stub)?;
    let (kept, names, sizes) = (module.code.len() - moved, first.names, first.sizes);
    Ok(Halves { first: first.wasm, packed, rest, moved, kept, names, sizes })
}

/// The same program, which marks in a memory of its own, exported as `marks`, where it has been.
pub fn recording(wasm: &[u8]) -> Result<Vec<u8>> {
    write::recording(&Module::parse(wasm)?)
}

/// Which function goes where.
struct Plan {
    /// By function: it is in the second file.
    moved: Vec<bool>,
    /// Moved functions that the first file can reach, and their place in the table.
    stubs: BTreeMap<u32, u32>,
    /// Functions of the first file that the second one calls.
    shared: BTreeSet<u32>,
    /// From this one on they are outlined: called from one place, where the stub is.
    outlined: u32,
    /// How many places the table has now.
    table: u32,
}

impl Plan {
    fn new(module: &Module, cold: &BTreeSet<u32>, outlined: u32) -> Result<Self> {
        let count = module.functions() as usize;
        let calls: Vec<BTreeSet<u32>> = (0..module.functions()).map(|f| calls(module, f)).collect();
        let exported = |export: &&wasmparser::Export| export.kind == ExternalKind::Func;
        let cold = |f: u32| f >= outlined || cold.contains(&visit::hash(module.name(f)));
        let in_table = module.slots.iter().map(|(_, _, f)| *f);
        let entries = module.exports.iter().filter(exported).map(|export| export.index);
        let roots: BTreeSet<u32> = in_table.chain(entries).chain(module.start).collect();

        let mut moved = vec![true; count];
        moved[..module.imported as usize].fill(false);
        let mut reached: Vec<u32> = roots.iter().copied().collect();
        while let Some(f) = reached.pop() {
            if moved[f as usize] && !cold(f) {
                moved[f as usize] = false;
                reached.extend(&calls[f as usize]);
            }
        }

        let of = |moving: bool| {
            let moved = &moved;
            (0..count).filter(move |f| moved[*f] == moving).flat_map(|f| &calls[f]).copied()
        };
        let shared = of(true).filter(|f| !moved[*f as usize]).collect();
        let known: BTreeMap<u32, u32> = module.slots.iter().map(|(_, place, f)| (*f, *place)).collect();
        let wanted: BTreeSet<u32> = of(false).chain(roots).filter(|f| moved[*f as usize]).collect();
        let mut table = module.tables.first().context("the program has no table")?.ty.initial as u32;
        let mut stubs = BTreeMap::new();
        for f in wanted {
            let place = known.get(&f).copied().unwrap_or_else(|| {
                table += 1;
                table - 1
            });
            stubs.insert(f, place);
        }
        Ok(Self { moved, stubs, shared, outlined, table })
    }
}

fn calls(module: &Module, function: u32) -> BTreeSet<u32> {
    let called = |op: &Operator| match op {
        Operator::Call { function_index } | Operator::RefFunc { function_index } => Some(*function_index),
        _ => None,
    };
    module.ops(function).iter().filter_map(called).collect()
}
