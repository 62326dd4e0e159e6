//! Where things lie: the repository, and the cache folder that outlives clones.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository's root: this crate lies one folder below it.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask lies in the repository").to_owned()
}

/// `$KUBEDRILL_CACHE`, or `kubedrill/` in the user's cache folder.
pub fn cache() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("KUBEDRILL_CACHE").filter(|dir| !dir.is_empty()) {
        return std::path::absolute(dir).context("KUBEDRILL_CACHE");
    }
    let var = |name| env::var_os(name).map(PathBuf::from);
    let base = var("XDG_CACHE_HOME")
        .or_else(|| var("LOCALAPPDATA"))
        .or_else(|| var("HOME").map(|home| home.join(".cache")))
        .context("no home folder is set: set KUBEDRILL_CACHE to a folder for the tools")?;
    Ok(base.join("kubedrill"))
}

/// Held while installing, so that two calls do not install into one folder at once.
/// The lock goes with the file handle, also when the process is killed.
pub fn lock_cache() -> Result<File> {
    let dir = cache()?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let file = File::create(dir.join("lock"))?;
    if file.try_lock().is_err() {
        eprintln!("  another xtask is installing into {}: waiting", dir.display());
        file.lock()?;
    }
    Ok(file)
}

/// A folder is finished when its stamp holds the expected text: written last, read first.
pub fn stamped(dir: &Path, text: &str) -> bool {
    fs::read_to_string(dir.join(".stamp")).is_ok_and(|found| found == text)
}

pub fn stamp(dir: &Path, text: &str) -> Result<()> {
    fs::write(dir.join(".stamp"), text).with_context(|| format!("cannot stamp {}", dir.display()))
}

/// An empty folder at `dir`, whatever was there.
pub fn fresh(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}
