//! The page: trunk builds it, its program is split in two, and its size is weighed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::dirs;
use crate::proc::run;
use crate::split;
use crate::tools::Toolbox;

/// What the first visit may cost, brotli at its best, and what it should cost.
const BUDGET_KB: u32 = 475;
const TARGET_KB: u32 = 300;
/// The record of a first visit (see `split`).
const VISIT: &str = "xtask/visit.txt";

pub fn build(tools: &Toolbox, release: bool) -> Result<()> {
    trunk(tools, release)?;
    if release { halve() } else { Ok(()) }
}

fn trunk(tools: &Toolbox, release: bool) -> Result<()> {
    let mut trunk = tools.wasm_command("trunk");
    trunk.arg("build").env("TRUNK_SKIP_VERSION_CHECK", "true");
    if release {
        trunk.arg("--release");
    }
    run(trunk.env_remove("NO_COLOR"))
}

/// Splits the built program and names both files in the page.
fn halve() -> Result<()> {
    let page = Page::open()?;
    let visit = fs::read_to_string(dirs::root().join(VISIT)).context(VISIT)?;
    let visit = split::Visit::parse(&visit).context(VISIT)?;
    let halves = split::split(&fs::read(&page.wasm)?, &visit)?;
    eprintln!("  the program: {} functions at once, {} later", halves.kept, halves.moved);
    list(halves.sizes)?;
    page.replace(&halves.first, Some(&halves.rest))
}

/// What makes the first file large, largest first: `target/first-load.txt`.
fn list(mut sizes: Vec<(usize, String)>) -> Result<()> {
    sizes.sort_by_key(|(size, _)| Reverse(*size));
    let lines: String = sizes.iter().map(|(size, name)| format!("{size:>8} {name}\n")).collect();
    Ok(fs::write(dirs::root().join("target/first-load.txt"), lines)?)
}

/// Writes down which functions a first visit runs: in a real browser, with a program that notes it.
pub fn record(tools: &Toolbox) -> Result<()> {
    trunk(tools, true)?;
    let page = Page::open()?;
    let wasm = fs::read(&page.wasm)?;
    page.replace(&split::recording(&wasm)?, None)?;
    let log = dirs::root().join("target/first-visit.txt");
    let mut node = tools.command("node");
    run(node.arg("tests/e2e/first-visit.mjs").arg(&log))?;
    let ran = fs::read_to_string(&log).with_context(|| log.display().to_string())?;
    let marks: BTreeSet<usize> = ran.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let visit = split::Visit::of(&wasm, &marks)?;
    eprintln!("  {} functions did not run; {} ran in part", visit.cold.len(), visit.taken.len());
    Ok(fs::write(dirs::root().join(VISIT), visit.text())?)
}

/// The built page and the name of the program in it.
struct Page {
    html: String,
    name: String,
    wasm: PathBuf,
}

impl Page {
    fn dist() -> PathBuf {
        dirs::root().join("dist")
    }

    fn open() -> Result<Self> {
        let html = fs::read_to_string(Self::dist().join("index.html")).context("dist/index.html")?;
        let tag = html.split_once("data-wasm=").context("dist/index.html names no program")?.1;
        let end = tag.find(".wasm").context("dist/index.html names no program")? + ".wasm".len();
        let name = tag[..end].trim_start_matches(['"', '\'']).trim_start_matches("./").to_owned();
        Ok(Self { wasm: Self::dist().join(&name), html, name })
    }

    /// Puts other files in the program's place, named by what they hold.
    fn replace(&self, first: &[u8], rest: Option<&[u8]>) -> Result<()> {
        let first = write(&Self::dist(), "kubedrill", first)?;
        let mut html = self.html.replace(&self.name, &first);
        if let Some(rest) = rest {
            let rest = write(&Self::dist(), "kubedrill-rest", rest)?;
            html = html.replace("data-wasm=", &format!("data-rest=\"./{rest}\" data-wasm="));
        }
        fs::remove_file(&self.wasm)?;
        Ok(fs::write(Self::dist().join("index.html"), html)?)
    }
}

fn write(dir: &Path, stem: &str, bytes: &[u8]) -> Result<String> {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    let name = format!("{stem}-{hash:016x}.wasm");
    fs::write(dir.join(&name), bytes)?;
    Ok(name)
}

pub fn weigh(tools: &Toolbox) -> Result<()> {
    let mut node = tools.command("node");
    node.arg("tests/e2e/size.mjs").arg(format!("--budget-kb={BUDGET_KB}")).arg(format!("--target-kb={TARGET_KB}"));
    run(&mut node)
}
