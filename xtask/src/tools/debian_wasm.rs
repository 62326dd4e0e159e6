//! A wasm toolchain from Debian's packages, for machines where rustup reaches nothing.
//!
//! Debian ships a current Rust with the source of its standard library. Building that source
//! for wasm gives a toolchain folder of our own in the cache, beside whatever Rust the user
//! has; nothing is written to /usr. Compiler, library and source are of one version because
//! all of them come from `/usr/bin/rustc`'s package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::apt;
use super::rust::{TARGET, holds_core};
use crate::dirs;
use crate::proc::{Patience, capture, logged, which};

const NAME: &str = "kd-wasm";
const RUSTC: &str = "/usr/bin/rustc";
/// The linker for wasm: a link whose target Debian only recommends, so it may dangle.
const LINKER: &str = "/usr/bin/rust-lld";
/// Compiler, cargo, the library's source, the linker's name, and clippy for the page's code.
const PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "rust-web-clippy"];

/// The toolchain, if an earlier run built it from the compiler that is installed now.
pub fn ready() -> Result<Option<PathBuf>> {
    let folder = dirs::cache()?.join(NAME);
    let whole =
        compiler_version().is_some_and(|version| dirs::stamped(&folder, &version)) && Path::new(LINKER).exists();
    Ok(whole.then_some(folder))
}

pub fn build() -> Result<PathBuf> {
    if which("apt-get").is_none() {
        bail!("this is no Debian or Ubuntu");
    }
    install_packages()?;
    let version = compiler_version().with_context(|| format!("{RUSTC} does not run"))?;
    let folder = dirs::cache()?.join(NAME);
    eprintln!("  building Rust's standard library for wasm into {} (about a minute)", folder.display());
    dirs::fresh(&folder)?;
    let library = build_library(&folder.join("build"))?;
    lay_out(&folder, &library)?;
    fs::remove_dir_all(folder.join("build"))?;
    dirs::stamp(&folder, &version)?;
    link_in_rustup(&folder);
    Ok(folder)
}

fn compiler_version() -> Option<String> {
    capture(Command::new(RUSTC).arg("-vV"))
}

fn install_packages() -> Result<()> {
    let why = "building for the browser (Rust with wasm)";
    if !packages_are_there() {
        apt::install(&PACKAGES, why)?;
    }
    if !Path::new(LINKER).exists() {
        let target = fs::read_link(LINKER).with_context(|| format!("{LINKER} is missing"))?;
        let package = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        apt::install(&[&package], why)?;
    }
    Ok(())
}

fn packages_are_there() -> bool {
    PACKAGES.iter().all(|package| {
        let query = ["-W", "-f=${Status}", package];
        capture(Command::new("dpkg-query").args(query)).is_some_and(|status| status.starts_with("install ok"))
    })
}

/// Builds std beside an empty crate; gives the folder of the finished libraries.
fn build_library(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir.join("src"))?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n";
    fs::write(dir.join("Cargo.toml"), format!("{manifest}[workspace]\n"))?;
    fs::write(dir.join("src/lib.rs"), "#![no_std]\n")?;
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(dir)
        .args(["build", "--release", "--target", TARGET])
        .args(["-Z", "build-std=std,panic_abort,proc_macro,test"])
        .env("RUSTC", RUSTC)
        // What build-std asks for; the library is built by the very compiler it belongs to.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode a later link-time optimisation finds nothing to work on.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_PROFILE_RELEASE_LTO", "thin")
        .env("CARGO_TARGET_DIR", dir.join("target"))
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    logged(&mut command, "wasm-std", &Patience::LONG)?;
    Ok(dir.join("target").join(TARGET).join("release/deps"))
}

/// A folder that cargo, trunk and rustup take for a toolchain.
fn lay_out(folder: &Path, library: &Path) -> Result<()> {
    let bin = folder.join("bin");
    let rustlib = folder.join("lib/rustlib");
    let wasm = rustlib.join(TARGET).join("lib");
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&wasm)?;
    for entry in library.read_dir()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(entry.path(), wasm.join(name))?;
        }
    }
    if !holds_core(&wasm) {
        bail!("the built library is not in {}", library.display());
    }
    let host = host()?;
    link(&Path::new("/usr/lib/rustlib").join(&host), &rustlib.join(&host))?;
    for name in ["cargo", "rustdoc", "cargo-clippy"] {
        link(&Path::new("/usr/bin").join(name), &bin.join(name))?;
    }
    let rustc = bin.join("rustc");
    fs::write(&rustc, format!("#!/bin/sh\nexec {RUSTC} --sysroot '{}' \"$@\"\n", folder.display()))?;
    make_executable(&rustc)?;
    Ok(())
}

/// `x86_64-unknown-linux-gnu` and the like, as the compiler names it.
fn host() -> Result<String> {
    let version = compiler_version().unwrap_or_default();
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc does not say its host")?.to_owned())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(unix)]
fn link(to: &Path, from: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(to, from)?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    bail!("only Debian has these packages")
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> Result<()> {
    bail!("only Debian has these packages")
}

/// So that `RUSTUP_TOOLCHAIN=kd-wasm` works by hand. A convenience: xtask does without.
fn link_in_rustup(folder: &Path) {
    if let Some(rustup) = which("rustup") {
        let done = capture(Command::new(rustup).args(["toolchain", "link", NAME]).arg(folder));
        if done.is_some() {
            eprintln!("  rustup knows it as the toolchain {NAME}");
        }
    }
}
