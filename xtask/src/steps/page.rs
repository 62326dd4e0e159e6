//! The page: trunk builds it, and its size is weighed.

use anyhow::Result;

use crate::proc::run;
use crate::tools::Toolbox;

/// What the first visit may cost, brotli at its best, and what it should cost.
const BUDGET_KB: u32 = 1200;
const TARGET_KB: u32 = 300;

pub fn build(tools: &Toolbox, release: bool) -> Result<()> {
    let mut trunk = tools.wasm_command("trunk");
    trunk.arg("build").env("TRUNK_SKIP_VERSION_CHECK", "true");
    if release {
        trunk.arg("--release");
    }
    run(trunk.env_remove("NO_COLOR"))
}

pub fn weigh(tools: &Toolbox) -> Result<()> {
    let mut node = tools.command("node");
    node.arg("tests/e2e/size.mjs").arg(format!("--budget-kb={BUDGET_KB}")).arg(format!("--target-kb={TARGET_KB}"));
    run(&mut node)
}
