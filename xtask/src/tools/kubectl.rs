//! A real kubectl, Debian's 1.20: the same commands are put to it and to ours. Unpacked into the
//! cache, so nothing is installed and no root is needed.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Toolbox;
use crate::dirs;
use crate::proc::{Patience, capture, logged, which};

const PACKAGE: &str = "kubernetes-client";
const SETTING: &str = "KUBEDRILL_KUBECTL";

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    tools.found(SETTING, find()?);
    Ok(())
}

fn find() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(SETTING).filter(|p| !p.is_empty()) {
        return Ok(given.into());
    }
    let folder = dirs::cache()?.join("kubectl-1.20");
    let program = folder.join("usr/bin/kubectl");
    let works = |p: &PathBuf| {
        capture(Command::new(p).args(["version", "--client", "--short"])).is_some_and(|v| v.contains("v1.20."))
    };
    if works(&program) {
        return Ok(program);
    }
    let by_hand = format!("a kubectl 1.20 is needed (Debian 11 or 12: {PACKAGE}); name one in {SETTING}");
    if which("apt-get").is_none() {
        bail!("{by_hand}");
    }
    eprintln!("  unpacking Debian's {PACKAGE} into {}", folder.display());
    dirs::fresh(&folder)?;
    let mut download = Command::new("apt-get");
    download.args(["-q", "download", PACKAGE]).current_dir(&folder);
    logged(&mut download, "kubectl-download", &Patience::LONG).context(by_hand.clone())?;
    let package =
        std::fs::read_dir(&folder)?.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "deb"));
    let mut unpack = Command::new("dpkg");
    unpack.arg("-x").arg(package.with_context(|| by_hand.clone())?).arg(&folder);
    logged(&mut unpack, "kubectl-unpack", &Patience::LONG).context(by_hand.clone())?;
    if works(&program) { Ok(program) } else { bail!("{by_hand}") }
}
