//! What the project needs beside Rust and Node: found on the machine, or installed.
//!
//! Each file knows one kind of tool and has one `ensure`: quick when the tool is there, saying
//! what it installs and where when it is not, and failing with one instruction when it cannot.

mod apt;
pub mod browser;
mod bundle;
mod cargo;
mod debian_wasm;
mod kubectl;
mod node;
mod rust;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cli::Group;
use crate::dirs;

/// Everything that was found, as settings for the programs that use it.
#[derive(Default)]
pub struct Toolbox {
    path: Vec<PathBuf>,
    vars: Vec<(&'static str, OsString)>,
    /// The toolchain that can build for wasm, where it is not the machine's usual one.
    wasm_toolchain: Option<PathBuf>,
}

impl Toolbox {
    pub fn with(groups: &[Group]) -> Result<Toolbox> {
        let mut tools = Toolbox::default();
        for group in groups {
            tools.ensure(*group)?;
        }
        Ok(tools)
    }

    pub fn ensure(&mut self, group: Group) -> Result<()> {
        let _lock = dirs::lock_cache()?;
        match group {
            Group::Page => {
                rust::ensure(self)?;
                cargo::ensure(self)?;
                node::ensure(self)
            }
            Group::Test => {
                node::ensure(self)?;
                browser::ensure(self)
            }
            Group::BundleTools => bundle::ensure(self),
        }
    }

    /// A program, with the tools on its PATH and its usual Rust.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dirs::root()).envs(self.settings(false));
        command
    }

    /// The same with the Rust that can build for wasm.
    pub fn wasm_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dirs::root()).envs(self.settings(true));
        command
    }

    /// The same settings as lines for a POSIX shell.
    pub fn shell_lines(&self) -> Vec<String> {
        let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
        self.settings(true).into_iter().map(|(name, value)| format!("export {name}={}", quoted(&value))).collect()
    }

    fn settings(&self, wasm: bool) -> Vec<(&'static str, OsString)> {
        let mut path = self.path.clone();
        let mut settings = self.vars.clone();
        if let Some(toolchain) = self.wasm_toolchain.as_ref().filter(|_| wasm) {
            path.insert(0, toolchain.join("bin"));
            // Both ways in: PATH for programs, the folder's name for rustup's stand-ins.
            settings.push(("RUSTUP_TOOLCHAIN", toolchain.into()));
            // Where clippy's driver, which is not behind our rustc script, finds the library.
            settings.push(("SYSROOT", toolchain.into()));
        }
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        if let Ok(joined) = env::join_paths(path) {
            settings.push(("PATH", joined));
        }
        settings
    }

    fn found(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.vars.retain(|(known, _)| *known != name);
        self.vars.push((name, value.into()));
    }

    fn on_path(&mut self, dir: PathBuf) {
        if !self.path.contains(&dir) {
            self.path.push(dir);
        }
    }
}
