//! npm packages: wasm-opt (binaryen), the browser driver (playwright-core) and axe-core.
//!
//! They are pinned by `tests/e2e/package-lock.json` and installed into the cache. Scripts find
//! them through `KUBEDRILL_NODE_MODULES`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Toolbox;
use crate::dirs;
use crate::proc::{Patience, capture, logged};

const OLDEST_NODE: u32 = 20;
const NODE_NEEDED: &str = "Node.js 20 or newer with npm is needed: nodejs.org or your system's packages";

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    let source = dirs::root().join("tests/e2e");
    let lock = fs::read_to_string(source.join("package-lock.json"))?;
    let folder = dirs::cache()?.join(format!("npm-{:016x}", digest(&lock)));
    let modules = folder.join("node_modules");
    if !dirs::stamped(&folder, "npm ci") {
        check_node()?;
        eprintln!("  installing the npm packages of tests/e2e/package.json into {}", folder.display());
        dirs::fresh(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file))?;
        }
        let mut command = Command::new(npm());
        command.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        logged(&mut command, "npm-ci", &Patience::LONG)
            .context("by hand, for a look at the error: npm ci --ignore-scripts in tests/e2e")?;
        dirs::stamp(&folder, "npm ci")?;
    }
    tools.on_path(modules.join(".bin"));
    tools.found("KUBEDRILL_NODE_MODULES", modules);
    Ok(())
}

/// Names a folder in the cache; a different lock file only has to give another name.
fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn check_node() -> Result<()> {
    let version = capture(Command::new("node").arg("--version")).context(NODE_NEEDED)?;
    let major = version.trim_start_matches('v').split('.').next();
    let major: u32 = major.and_then(|text| text.parse().ok()).unwrap_or(0);
    if major < OLDEST_NODE {
        bail!("{NODE_NEEDED} (this is {})", version.trim());
    }
    Ok(())
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}
