//! `kubedrill storm`: random faults on many seeds, and a session to replay for each that broke.

use std::fmt::Write;

use kubedrill::storm;
use lexopt::prelude::*;

use crate::args::{self, Failure, failed};

const HELP: &str = "\
Usage: kubedrill storm [--seeds N] [--from N] [--verbose] [--print SEED]

Plays random work and random faults (processes killed, machines rebooted, powered off or cut off,
daemons stopped, bad images) on N seeds (default 20), checks invariants all the while, heals
everything and waits until the cluster meets its specs. A seed that breaks an invariant prints a
session file that replays it.

  --from N       the first seed (default 1)
  --verbose      a line for every seed
  --print SEED   prints the session file of a seed and plays nothing
";

pub fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let (mut seeds, mut from, mut verbose) = (20_u64, 1_u64, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return args::print(HELP),
            Long("seeds") => seeds = args::number(&mut parser, "--seeds")?,
            Long("from") => from = args::number(&mut parser, "--from")?,
            Long("verbose") => verbose = true,
            Long("print") => {
                let seed = args::number(&mut parser, "--print")?;
                return args::print(&storm::plan(seed).session());
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let (mut broken, mut events, mut slowest) = (0, 0, 0);
    for seed in from..from.saturating_add(seeds) {
        let plan = storm::plan(seed);
        match storm::run(&plan) {
            Ok(report) => {
                events += report.events;
                slowest = slowest.max(report.converged.as_secs());
                if verbose {
                    let (lasted, converged) = (report.lasted.as_secs(), report.converged.as_secs());
                    args::print(&format!(
                        "seed {seed}: {lasted} s, {} writes, {} events, converged in {converged} s\n",
                        report.writes, report.events
                    ))?;
                }
            }
            Err(b) => {
                broken += 1;
                let mut text = format!("seed {seed}: after {} s: {}\n", b.after.as_secs(), b.what);
                let _ = write!(text, "--- to replay:\n{}---\n", plan.session());
                args::print(&text)?;
            }
        }
    }
    args::print(&format!("{seeds} storms, {broken} broken; {events} events; slowest convergence {slowest} s\n"))?;
    if broken == 0 { Ok(()) } else { Err(failed(format!("{broken} of {seeds} seeds broke an invariant"))) }
}
