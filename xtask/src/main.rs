//! `cargo xtask …`: from a fresh clone to a served or tested playground in one command.
//!
//! `tools/` finds or installs what a machine lacks and says where it went; `steps/` uses it.
//! Everything installed lands in one cache folder outside the repository (see `dirs`), in
//! folders named by version, so a second clone and a second run find it ready.
//!
//! It knows nothing of the simulation: it only starts cargo, trunk, node and a browser.

mod cli;
mod dirs;
mod proc;
mod report;
mod split;
mod steps;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)).and_then(|task| steps::run(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
