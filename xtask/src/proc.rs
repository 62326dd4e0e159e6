//! Starting other programs: passed through, captured, or logged with a sign of life.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::dirs;

/// How often a silent install says that it is still at it.
const HEARTBEAT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// The first file of that name on PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|dir| [dir.join(name), dir.join(format!("{name}.exe"))])
        .find(|file| file.is_file())
}

/// Runs with our own input and output; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    eprintln!("  $ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    succeeded(command, status)
}

/// What the program printed, if it could be started and succeeded.
pub fn capture(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then_some(text)
}

/// When to give up on a program that has gone quiet.
pub struct Patience<'a> {
    pub quiet: Duration,
    /// A folder that also shows life when what lies in it grows.
    pub growing: Option<&'a Path>,
}

impl Patience<'_> {
    /// For installs that may be silent for long but do end.
    pub const LONG: Patience<'static> = Patience { quiet: Duration::from_secs(1200), growing: None };
}

/// Runs with output going to a log file in the cache; says every now and then how far it is.
/// On failure the end of the log is printed.
pub fn logged(command: &mut Command, name: &str, patience: &Patience) -> Result<()> {
    let log = dirs::cache()?.join("logs").join(format!("{name}.log"));
    fs::create_dir_all(log.parent().expect("it lies in a folder"))?;
    eprintln!("  $ {}", shown(command));
    let file = File::create(&log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    let outcome = watch(&mut child, &log, patience).and_then(|status| succeeded(command, status));
    if outcome.is_err() {
        for line in tail(&log, 25) {
            eprintln!("    | {line}");
        }
    }
    outcome.with_context(|| format!("{name} (all of its output: {})", log.display()))
}

fn watch(child: &mut Child, log: &Path, patience: &Patience) -> Result<ExitStatus> {
    let started = Instant::now();
    let (mut beat, mut news, mut size) = (started, started, 0);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let now_size = bytes_under(log) + patience.growing.map_or(0, bytes_under);
        if now_size != size {
            (size, news) = (now_size, Instant::now());
        }
        if news.elapsed() > patience.quiet {
            child.kill()?;
            child.wait()?;
            bail!("no sign of life for {} s: stopped", patience.quiet.as_secs());
        }
        if beat.elapsed() > HEARTBEAT {
            beat = Instant::now();
            let line = tail(log, 1).pop().unwrap_or_default();
            eprintln!("    {} s … {}", started.elapsed().as_secs(), line.trim());
        }
        sleep(POLL);
    }
}

/// The size of a file, or of the files directly in a folder.
fn bytes_under(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return fs::metadata(path).map_or(0, |meta| meta.len());
    };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}

fn tail(log: &Path, lines: usize) -> Vec<String> {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<_> = text.lines().rev().take(lines).map(str::to_owned).collect();
    last.reverse();
    last
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("{} ended with {status}", shown(command))
}

/// The command as a person would type it, settings of the environment left out.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .map(|word| match word.contains([' ', '"', '*', '<']) {
            true => format!("'{word}'"),
            false => word.into_owned(),
        })
        .collect::<Vec<_>>()
        .join(" ")
}
