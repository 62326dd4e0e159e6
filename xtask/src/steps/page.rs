//! The page: trunk builds it, its program is split in two, and its size is weighed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::dirs;
use crate::proc::run;
use crate::split;
use crate::tools::Toolbox;

/// What the first visit may cost, brotli at its best, and what it should cost.
const BUDGET_KB: u32 = 430;
const TARGET_KB: u32 = 300;
/// The first file before it was packed, for a test.
const FIRST: &str = "target/first-load.wasm";
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
    fs::write(dirs::root().join(FIRST), &halves.first)?;
    page.replace(&halves.packed, Some(&halves.rest))?;
    page.scripts(&halves.names)
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

impl Page {
    /// The scripts without their comments and indentation; the program's imports under their new names.
    fn scripts(&self, names: &[(String, String, String)]) -> Result<()> {
        for entry in fs::read_dir(Self::dist())? {
            let path = entry?.path();
            if path.extension().is_none_or(|ending| ending != "js") {
                continue;
            }
            let mut script = squeezed(&fs::read_to_string(&path)?);
            if self.html.contains(&format!("data-program=./{}", path.file_name().unwrap_or_default().display())) {
                rename(&mut script, names)?;
            }
            fs::write(&path, script)?;
        }
        Ok(())
    }
}

fn rename(script: &mut String, names: &[(String, String, String)]) -> Result<()> {
    let mut replace = |old: String, new: String| match script.matches(&old).count() {
        1 => {
            *script = script.replace(&old, &new);
            Ok(())
        }
        count => bail!("{old:?} stands {count} times in the program's script"),
    };
    for (_, name, short) in names {
        replace(format!("\n{name}: "), format!("\n{short}: "))?;
    }
    let module = names.first().map(|(module, ..)| module.as_str()).unwrap_or_default();
    replace(format!("{module:?}: "), format!("{:?}: ", split::OUTSIDE))
}

/// Without comments that have a line of their own, empty lines and indentation: none of our scripts has a
/// string of several lines.
fn squeezed(script: &str) -> String {
    let mut comment = false;
    let mut lines = Vec::new();
    for line in script.lines().map(str::trim) {
        comment |= line.starts_with("/*") && line.find("*/").is_none_or(|end| end + 2 == line.len());
        if !comment && !line.is_empty() && !line.starts_with("//") {
            lines.push(line);
        }
        comment &= !line.ends_with("*/");
    }
    lines.join("\n") + "\n"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_lose_comments_and_indentation_only() {
        let script = "// a\n/** b */\nlet url = \"https://x\";\n/*\n * c\n */\nif (url) {\n\n  /* d */ go(); // e\n}\n";
        assert_eq!(squeezed(script), "let url = \"https://x\";\nif (url) {\n/* d */ go(); // e\n}\n");
    }

    #[test]
    fn an_import_has_one_place_in_the_script() {
        let names = [("./bg.js".to_owned(), "__wbg_a".to_owned(), "a".to_owned())];
        let mut script = String::from("return {\n__wbg_a: f,\n\"./bg.js\": i,\n};\n");
        rename(&mut script, &names).unwrap();
        assert_eq!(script, "return {\na: f,\n\"js\": i,\n};\n");
        assert!(rename(&mut script, &names).is_err());
    }
}
