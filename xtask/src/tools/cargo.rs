//! Tools that are Rust programs: wasm-bindgen and trunk.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use super::Toolbox;
use crate::dirs;
use crate::proc::{Patience, capture, logged};

/// A program that cargo can install.
struct Tool {
    package: &'static str,
    program: &'static str,
    version: &'static str,
    /// Cheap to build rather than fast to run: it is built once and waits for rustc anyway.
    opt_level: &'static str,
}

const TOOLS: [Tool; 2] = [
    Tool {
        package: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        // Exactly the wasm-bindgen of Cargo.toml: the two speak a private format.
        version: "0.2.126",
        opt_level: "1",
    },
    Tool { package: "trunk", program: "trunk", version: "0.21.14", opt_level: "0" },
];

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    for tool in &TOOLS {
        if version_of(tool.program).as_deref() == Some(tool.version) {
            continue;
        }
        let folder = dirs::cache()?.join("tools").join(format!("{}-{}", tool.package, tool.version));
        let program = folder.join("bin").join(tool.program);
        if version_of(&program).as_deref() != Some(tool.version) {
            install(tool, &folder)?;
        }
        tools.on_path(folder.join("bin"));
    }
    Ok(())
}

/// `0.2.126` of `wasm-bindgen 0.2.126`.
fn version_of(program: impl AsRef<std::ffi::OsStr>) -> Option<String> {
    let text = capture(Command::new(program).arg("--version"))?;
    text.split_whitespace().nth(1).map(str::to_owned)
}

fn install(tool: &Tool, folder: &std::path::Path) -> Result<()> {
    let Tool { package, version, .. } = tool;
    eprintln!("  installing {package} {version} into {} (two to four minutes)", folder.display());
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(env::temp_dir())
        .args(["install", "--locked", "--force", package])
        .args(["--version", version, "--root"])
        .arg(folder)
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", tool.opt_level)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    logged(&mut command, &format!("cargo-install-{package}"), &Patience::LONG)
        .with_context(|| format!("by hand: cargo install --locked {package} --version {version}"))
}
