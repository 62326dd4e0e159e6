//! `cargo xtask test`: every check, each under its heading, all of them even if one fails.

use std::fs;

use anyhow::{Context, Result, bail};

use super::page;
use crate::cli::{Check, Group};
use crate::dirs;
use crate::proc::run as start;
use crate::report::Report;
use crate::tools::Toolbox;

const WASM: &str = "wasm32-unknown-unknown";

pub fn run(only: &[Check]) -> Result<()> {
    let checks = chosen(only);
    println!("tools go to {}", dirs::cache()?.display());
    let mut report = Report::default();
    let mut tools = Toolbox::default();
    for group in groups_for(&checks) {
        let ready = report.part(group.name(), || tools.ensure(group));
        if !ready && group != Group::BundleTools {
            return report.finish();
        }
    }
    let mut page_is_there = true;
    for check in checks {
        if matches!(check, Check::E2e | Check::Size) && !page_is_there {
            continue;
        }
        let fine = report.part(check.name(), || perform(check, &tools));
        page_is_there &= fine || check != Check::Page;
    }
    report.finish()
}

/// In their order and once each. The page is built for whoever needs it.
fn chosen(only: &[Check]) -> Vec<Check> {
    if only.is_empty() {
        // `unit` holds `bundle`.
        let all = Check::ALL.iter().map(|(_, check)| *check);
        return all.filter(|check| *check != Check::Bundle).collect();
    }
    let mut checks = only.to_vec();
    if checks.iter().any(|c| matches!(c, Check::E2e | Check::Size)) {
        checks.push(Check::Page);
    }
    checks.sort();
    checks.dedup();
    checks
}

fn groups_for(checks: &[Check]) -> Vec<Group> {
    let needed = |group, users: &[Check]| {
        let wanted = checks.iter().any(|check| users.contains(check));
        wanted.then_some(group)
    };
    [
        needed(Group::Page, &[Check::Lint, Check::Wasm, Check::Page, Check::E2e, Check::Size]),
        needed(Group::Test, &[Check::Wasm, Check::E2e]),
        needed(Group::BundleTools, &[Check::Unit, Check::Bundle]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn perform(check: Check, tools: &Toolbox) -> Result<()> {
    match check {
        Check::Lint => lint(tools),
        Check::Unit => cargo(tools, &["test", "--workspace", "--features", "cli,ssr"]),
        Check::Bundle => cargo(tools, &["test", "--features", "cli", "bundle"]),
        Check::Wasm => wasm(tools),
        Check::Page => page::build(tools, true),
        Check::E2e => e2e(tools),
        Check::Size => page::weigh(tools),
    }
}

fn cargo(tools: &Toolbox, args: &[&str]) -> Result<()> {
    // Tests that need an outside tool skip themselves under plain `cargo test`, not here.
    let mut command = tools.command("cargo");
    start(command.args(args).env("KUBEDRILL_TOOLS_REQUIRED", "1"))
}

fn lint(tools: &Toolbox) -> Result<()> {
    start(tools.command("cargo").args(["fmt", "--all", "--check"]))?;
    let strict = ["--", "-D", "warnings"];
    let native = ["clippy", "--workspace", "--all-targets", "--features", "cli,ssr"];
    start(tools.command("cargo").args(native).args(strict))?;
    // The program without the browser's crates must stand on its own.
    let headless = ["clippy", "--no-default-features", "--features", "cli"];
    start(tools.command("cargo").args(headless).args(strict))?;
    let page = ["clippy", "--target", WASM, "--lib", "--bin", "kubedrill-web"];
    start(tools.wasm_command("cargo").args(page).args(strict))
}

/// Tests that need a real browser: those of the app target, and `tests/web.rs`.
fn wasm(tools: &Toolbox) -> Result<()> {
    let mut command = tools.wasm_command("cargo");
    command
        .args(["test", "--target", WASM, "--test", "web"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    start(&mut command)
}

fn e2e(tools: &Toolbox) -> Result<()> {
    let folder = dirs::root().join("tests/e2e");
    let entries = fs::read_dir(&folder).context("tests/e2e")?.flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().ends_with(".test.mjs")).collect();
    files.sort();
    if files.is_empty() {
        bail!("no *.test.mjs in {}", folder.display());
    }
    let mut node = tools.command("node");
    // One file at a time: two browsers on two cores only make each other late.
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
    start(node.args(files))
}
