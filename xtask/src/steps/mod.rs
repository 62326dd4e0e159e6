//! What each command does, in terms of the tools.

mod check;
mod page;
mod serve;

use std::path::Path;

use anyhow::Result;

use crate::cli::{self, Group, Task};
use crate::dirs;
use crate::proc;
use crate::report::Report;
use crate::tools::Toolbox;

pub fn run(task: &Task) -> Result<()> {
    match task {
        Task::Help => {
            print!("{}", cli::HELP);
            Ok(())
        }
        Task::Serve { port, release, open } => serve::run(*port, *release, *open),
        Task::Test { only } => check::run(only),
        Task::Setup { groups } => setup(groups),
        Task::Build { release } => {
            let mut report = Report::default();
            let mut tools = Toolbox::default();
            let ready = report.part("setup", || tools.ensure(Group::Page));
            if ready {
                report.part("page", || page::build(&tools, *release));
            }
            report.finish()
        }
        Task::Record => record(),
        Task::Screenshots { out } => screenshots(out),
        Task::BenchPage { rows } => bench_page(rows),
        Task::Env => env(),
    }
}

fn setup(groups: &[Group]) -> Result<()> {
    let groups = if groups.is_empty() { &Group::ALL } else { groups };
    println!("tools go to {}", dirs::cache()?.display());
    let mut report = Report::default();
    for group in groups {
        report.part(group.name(), || Toolbox::default().ensure(*group));
    }
    report.finish()
}

fn screenshots(out: &Path) -> Result<()> {
    let mut report = Report::default();
    let mut tools = Toolbox::default();
    let ready = report.part("setup", || {
        tools.ensure(Group::Page)?;
        tools.ensure(Group::Test)
    });
    let built = ready && report.part("page", || page::build(&tools, true));
    if built {
        report.part("screenshots", || {
            let mut node = tools.command("node");
            node.arg("tests/e2e/screenshots.mjs").arg(out);
            proc::run(&mut node)
        });
    }
    report.finish()
}

fn bench_page(rows: &[String]) -> Result<()> {
    let mut report = Report::default();
    let mut tools = Toolbox::default();
    let ready = report.part("setup", || {
        tools.ensure(Group::Page)?;
        tools.ensure(Group::Test)
    });
    let built = ready && report.part("page", || page::build(&tools, true));
    if built {
        report.part("bench", || {
            let mut node = tools.command("node");
            node.arg("tests/e2e/bench.mjs").args(rows);
            proc::run(&mut node)
        });
    }
    report.finish()
}

fn record() -> Result<()> {
    let mut report = Report::default();
    let mut tools = Toolbox::default();
    let ready = report.part("setup", || {
        tools.ensure(Group::Page)?;
        tools.ensure(Group::Test)
    });
    if ready {
        report.part("record", || page::record(&tools));
    }
    report.finish()
}

/// Only the lines go to standard output: installing speaks on standard error.
fn env() -> Result<()> {
    let tools = Toolbox::with(&[Group::Page, Group::Test])?;
    for line in tools.shell_lines() {
        println!("{line}");
    }
    Ok(())
}
