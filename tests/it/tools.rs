//! Outside programs that tests use. `cargo xtask test` installs them, names them in `KUBEDRILL_…`
//! settings and insists on them; plain `cargo test` skips what needs one, and says so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The program that a setting names; `None` (and a line of output) where the test must be skipped.
pub fn tool(setting: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(setting).filter(|p| !p.is_empty()) {
        return Some(path.into());
    }
    assert!(env::var_os("KUBEDRILL_TOOLS_REQUIRED").is_none(), "{setting} is not set, but tools are required");
    // Straight to the terminal: the test harness would swallow it.
    let note = format!("SKIPPED: {setting} is not set; `cargo xtask test` runs this check\n");
    fs::write("/dev/tty", &note).unwrap_or_else(|_| eprint!("{note}"));
    None
}

/// Runs a program; its output is the panic message if it fails.
pub fn must(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// A folder of this test run, empty at first, deleted when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder in target/");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
