//! `cargo xtask serve`: trunk builds, serves and builds again when a file changes.

use std::net::TcpListener;

use anyhow::{Context, Result};

use crate::cli::Group;
use crate::proc;
use crate::report::Report;
use crate::tools::Toolbox;

pub fn run(port: u16, release: bool, open: bool) -> Result<()> {
    // Found out now rather than after the build.
    drop(
        TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("port {port} on 127.0.0.1 is taken: choose another with --port"))?,
    );
    let mut report = Report::default();
    let mut tools = Toolbox::default();
    if !report.part("setup", || tools.ensure(Group::Page)) {
        return report.finish();
    }
    println!("\n== building, then serving on http://127.0.0.1:{port}/ (Ctrl-C ends it)");
    let mut trunk = tools.wasm_command("trunk");
    trunk
        .args(["serve", "--address", "127.0.0.1", "--port"])
        .arg(port.to_string())
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        .env_remove("NO_COLOR");
    if release {
        trunk.arg("--release");
    }
    if open {
        trunk.arg("--open");
    }
    proc::run(&mut trunk)
}
