//! A Rust that can build for wasm: the machine's own if its target is installed or rustup can
//! fetch it, or else one put together from Debian's packages (`debian_wasm`).

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Toolbox, debian_wasm};
use crate::proc::{Patience, capture, logged, which};

pub const TARGET: &str = "wasm32-unknown-unknown";

/// Where rustup's server cannot be reached rustup hangs instead of failing.
const RUSTUP_QUIET: Duration = Duration::from_secs(15);

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    if has_target(Path::new("rustc")) {
        return Ok(());
    }
    if let Some(toolchain) = debian_wasm::ready()? {
        tools.wasm_toolchain = Some(toolchain);
        return Ok(());
    }
    eprintln!("  Rust's {TARGET} target is missing");
    let by_rustup = add_by_rustup();
    if by_rustup.is_ok() {
        return Ok(());
    }
    eprintln!("  rustup cannot bring it; building it from Debian's Rust instead");
    let toolchain = debian_wasm::build().with_context(|| {
        format!("no Rust for the browser could be installed; with a network that reaches Rust's servers:\n    rustup target add {TARGET}")
    })?;
    tools.wasm_toolchain = Some(toolchain);
    Ok(())
}

/// Whether this compiler has a standard library for wasm.
fn has_target(rustc: &Path) -> bool {
    let args = ["--print", "target-libdir", "--target", TARGET];
    capture(Command::new(rustc).args(args)).is_some_and(|dir| holds_core(Path::new(dir.trim())))
}

pub fn holds_core(dir: &Path) -> bool {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.any(|name| name.starts_with("libcore-") && name.ends_with(".rlib"))
}

fn add_by_rustup() -> Result<()> {
    let rustup = which("rustup").context("there is no rustup")?;
    let downloads = rustup_home().map(|home| home.join("downloads"));
    let patience = Patience { quiet: RUSTUP_QUIET, growing: downloads.as_deref() };
    logged(Command::new(rustup).args(["target", "add", TARGET]), "rustup-target-add", &patience)
}

fn rustup_home() -> Option<PathBuf> {
    let set = env::var_os("RUSTUP_HOME").map(PathBuf::from);
    set.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")))
}
