//! `kubedrill session`: a session file in, a transcript or JSON out.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use kubedrill::addons::lab;
use kubedrill::base::Time;
use kubedrill::lesson::play::{self, Entry, Player};
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Input, Session};
use lexopt::prelude::*;

use crate::args::{self, Failure, failed, usage};

const HELP: &str = "\
Usage: kubedrill session [OPTIONS] [FILE|-]

Reads commands, one a line, from FILE or standard input, and types them as root at m-k8s
of a simulated cluster. Prints a transcript.

Options:
  --profile book|modern   Kubernetes 1.18 on CentOS 7 with docker (default), or a current one
  --seed N                decides everything that chance decides (default 1)
  --workers N             worker machines, 1 to 9 (default 3)
  --masters N             control planes: 1, 3 or 5 (default 1)
  --dir DIR               DIR's files lie in the home folder at m-k8s
  --json                  print [{\"cmd\",\"machine\",\"rc\",\"stdout\",\"stderr\",\"t\",\"dur\"}, …] instead,
                          times in simulated seconds

Lines:
  COMMAND                 typed at m-k8s
  @w1-k8s COMMAND         typed at another machine
  @$(COMMAND) COMMAND     typed at the machine whose name the first command prints
  !wait 40s               lets time pass
  !until 60s COMMAND      waits until COMMAND exits with 0; giving up is an error
  !until 60s COMMAND => TEXT   waits until its output holds TEXT
  !quiet COMMAND          is not reported
  !type TEXT              typed at the keyboard, also to what runs there
  !interrupt              Ctrl-C to the command that still runs
  !fault TEXT             does what no command can do
  # TEXT                  is a comment

A command that does not end is interrupted by the !interrupt after it, or after 10 simulated
minutes; its exit code is 130. Exit code: 0 when the session ran, whatever its commands returned.
";

struct Options {
    config: Config,
    dir: Option<PathBuf>,
    json: bool,
    /// `None`: standard input.
    file: Option<PathBuf>,
}

pub fn run(parser: lexopt::Parser) -> Result<(), Failure> {
    let options = match parse(parser) {
        Err(Failure::Help) => return args::print(HELP),
        other => other?,
    };
    let (name, text) = read(options.file.as_deref())?;
    let place = |e: script::Error| failed(format!("{name}:{e}"));
    let lines = script::parse(&text).map_err(place)?;
    let mut session = Session::new(&options.config, lab::ready);
    if let Some(dir) = &options.dir {
        put_files(&mut session, dir)?;
    }
    let mut player = Player::default();
    let result = player.play(&mut session, &lines);
    let loud = || player.entries.iter().filter(|e| !e.quiet);
    let start = session.start();
    args::print(&if options.json { json(loud(), start) } else { play::transcript(loud()) })?;
    result.map_err(place)
}

fn parse(mut parser: lexopt::Parser) -> Result<Options, Failure> {
    let mut options = Options { config: Config::default(), dir: None, json: false, file: None };
    let mut named = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Err(Failure::Help),
            Long("profile") => options.config.profile = args::profile(&mut parser)?,
            Long("seed") => options.config.seed = args::number(&mut parser, "--seed")?,
            Long("workers") => options.config.workers = args::number(&mut parser, "--workers")?,
            Long("masters") => options.config.masters = args::number(&mut parser, "--masters")?,
            Long("dir") => options.dir = Some(parser.value()?.into()),
            Long("json") => options.json = true,
            Value(file) if !named => {
                named = true;
                options.file = Some(PathBuf::from(file)).filter(|f| f.as_os_str() != "-");
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if !matches!(options.config.masters, 1 | 3 | 5) {
        return Err(usage(format!("--masters: expected 1, 3 or 5, got {}", options.config.masters)));
    }
    if !(1..=9).contains(&options.config.workers) {
        return Err(usage(format!("--workers: expected 1 to 9, got {}", options.config.workers)));
    }
    Ok(options)
}

/// The session file's name for messages, and its text.
fn read(file: Option<&Path>) -> Result<(String, String), Failure> {
    let (name, bytes) = match file {
        Some(path) => (path.display().to_string(), fs::read(path)),
        None => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().read_to_end(&mut bytes);
            ("<stdin>".to_owned(), read.map(|_| bytes))
        }
    };
    let bytes = bytes.map_err(|e| failed(format!("{name}: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        failed(format!("{name}:{line}: not UTF-8"))
    })?;
    Ok((name, text))
}

/// Puts a folder's files, with its sub-folders, into the home folder at m-k8s.
fn put_files(session: &mut Session, dir: &Path) -> Result<(), Failure> {
    let mut files = Vec::new();
    walk(dir, &mut files)?;
    files.sort();
    for path in files {
        let name = path.strip_prefix(dir).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let bytes = fs::read(&path).map_err(|e| failed(format!("{}: {e}", path.display())))?;
        let content = String::from_utf8(bytes).map_err(|_| failed(format!("{}: not UTF-8", path.display())))?;
        let path = format!("/root/{name}").into();
        session.input(Input::File { machine: "m-k8s".into(), path, content: content.into() });
    }
    Ok(())
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let place = |e| failed(format!("{}: {e}", dir.display()));
    for entry in fs::read_dir(dir).map_err(place)? {
        let path = entry.map_err(place)?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn json<'a>(entries: impl Iterator<Item = &'a Entry>, start: Time) -> String {
    let text = |s: &str| serde_json::Value::from(s).to_string();
    let rows: Vec<String> = entries
        .map(|e| {
            format!(
                "{{\"cmd\": {}, \"machine\": {}, \"rc\": {}, \"stdout\": {}, \"stderr\": {}, \"t\": {}, \"dur\": {}}}",
                text(&e.command),
                text(&e.machine),
                e.code,
                text(&e.stdout),
                text(&e.stderr),
                seconds(e.started.since(start).0),
                seconds(e.ended.since(e.started).0),
            )
        })
        .collect();
    if rows.is_empty() { "[]\n".into() } else { format!("[\n {}\n]\n", rows.join(",\n ")) }
}

/// Microseconds as seconds with three digits behind the point.
fn seconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1_000 % 1_000)
}
