//! Chromium or Chrome, its driver, and a font with Korean in it.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Toolbox, apt};
use crate::proc::{capture, which};

const BROWSERS: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const USUAL_PLACES: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const USUAL_DRIVERS: [&str; 2] = ["/usr/lib/chromium/chromedriver", "/usr/lib/chromium-browser/chromedriver"];

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    install_missing()?;
    let browser = browser().context("no Chromium found: set KUBEDRILL_CHROMIUM")?;
    let driver = driver().context("no chromedriver found: set CHROMEDRIVER")?;
    tools.found("KUBEDRILL_CHROMIUM", &browser);
    tools.found("CHROME", &browser);
    tools.found("CHROMEDRIVER", &driver);
    Ok(())
}

fn install_missing() -> Result<()> {
    let missing: Vec<&str> = [("chromium", browser().is_none()), ("chromium-driver", driver().is_none())]
        .into_iter()
        .filter_map(|(package, missing)| missing.then_some(package))
        .collect();
    let fonts = if lacks_korean() { &["fonts-noto-cjk"][..] } else { &[] };
    if missing.is_empty() && fonts.is_empty() {
        return Ok(());
    }
    let why = "testing the page in a browser";
    let installed = apt::install(&[&missing, fonts].concat(), why);
    if missing.is_empty() && installed.is_err() {
        // Korean is shown as boxes in screenshots; every test still runs.
        eprintln!("  no font with Korean and none could be installed: screenshots will lack it");
        return Ok(());
    }
    installed
}

/// The user's choice first, then PATH, then where installers put it.
pub fn browser() -> Option<PathBuf> {
    from_env(&["KUBEDRILL_CHROMIUM", "CHROME"])
        .or_else(|| BROWSERS.iter().find_map(|name| which(name)))
        .or_else(|| existing(&USUAL_PLACES))
}

fn driver() -> Option<PathBuf> {
    from_env(&["CHROMEDRIVER"]).or_else(|| which("chromedriver")).or_else(|| existing(&USUAL_DRIVERS))
}

fn from_env(names: &[&str]) -> Option<PathBuf> {
    let set = names.iter().filter_map(env::var_os).map(PathBuf::from);
    set.into_iter().find(|path| path.is_file())
}

fn existing(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Only where fontconfig says so; without it nothing is known and nothing is done.
fn lacks_korean() -> bool {
    capture(Command::new("fc-list").arg(":lang=ko")).is_some_and(|list| list.trim().is_empty())
}
