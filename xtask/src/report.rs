//! Headings while it runs, and the table at the end: what ran, how it went, how long it took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    took: Duration,
    failure: Option<String>,
}

impl Report {
    /// Runs one part under a heading. A failure is kept for the table, so that one run shows
    /// everything that is wrong.
    pub fn part(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let started = Instant::now();
        let failure = work().err().map(|error| format!("{error:#}"));
        let took = started.elapsed();
        match &failure {
            None => println!("== {name}: ok, {:.1} s", took.as_secs_f64()),
            Some(text) => println!("== {name}: FAILED, {:.1} s\n   {text}", took.as_secs_f64()),
        }
        let went_well = failure.is_none();
        self.rows.push(Row { name, took, failure });
        went_well
    }

    /// Prints the table; an error if any part failed.
    pub fn finish(self) -> Result<()> {
        println!("\n== summary");
        for row in &self.rows {
            let outcome = if row.failure.is_some() { "FAILED" } else { "ok" };
            println!("   {:<12} {:>7.1} s  {outcome}", row.name, row.took.as_secs_f64());
        }
        let failed: Vec<_> = self.rows.iter().filter(|row| row.failure.is_some()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> =
            failed.iter().map(|row| format!("  {}: {}", row.name, row.failure.as_deref().unwrap_or(""))).collect();
        bail!("{} failed\n{}", failed.len(), lines.join("\n"))
    }
}
