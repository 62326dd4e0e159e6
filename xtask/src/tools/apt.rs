//! Debian's packages, where the machine has apt and we may use it.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

use crate::proc::{Patience, capture, logged, which};

/// The package lists are refreshed once a run.
static UPDATED: AtomicBool = AtomicBool::new(false);

/// Installs packages, or says what to type. `why` completes "needed for …".
pub fn install(packages: &[&str], why: &str) -> Result<()> {
    let wanted = packages.join(" ");
    let by_hand = format!(
        "needed for {why}: install it, on Debian or Ubuntu with\n    \
         sudo apt-get install --no-install-recommends {wanted}"
    );
    if which("apt-get").is_none() {
        bail!("{by_hand}");
    }
    let Some(root) = as_root() else {
        bail!("{by_hand}\n  (xtask could not: it is neither root nor allowed to sudo)");
    };
    eprintln!("  installing Debian packages for {why}: {wanted}");
    if !UPDATED.swap(true, Ordering::Relaxed) {
        logged(apt(root).arg("update"), "apt-get-update", &Patience::LONG).context(by_hand.clone())?;
    }
    let mut command = apt(root);
    // --no-remove: a package that conflicts with what the user has is the user's to decide.
    command.args(["install", "-y", "--no-remove", "--no-install-recommends"]);
    command.args(packages);
    let log = format!("apt-get-install-{}", packages[0]);
    logged(&mut command, &log, &Patience::LONG).context(by_hand)
}

/// What to put before a command to run it as root, if anything would do.
fn as_root() -> Option<&'static [&'static str]> {
    if capture(Command::new("id").arg("-u"))?.trim() == "0" {
        return Some(&[]);
    }
    capture(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"][..])
}

fn apt(root: &[&str]) -> Command {
    let words =
        [root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}
