//! The command line: what can be asked for, and the help text.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

pub const HELP: &str = "\
cargo xtask COMMAND

  serve        install what is missing, build the playground, serve it on 127.0.0.1
                 --port N (8080)   --release   --open
  test         install what is missing, run every check
                 --only LIST       of: lint,unit,bundle,wasm,page,e2e,size
  setup        only install   [page] [test] [bundle-tools]   (none named: all)
  build        build the page into dist/   --release
  record       write down anew what a first visit runs (xtask/visit.txt): what else there is
                 the page loads later
  screenshots  pictures of the built page  --out DIR (target/screenshots)
  bench-page   what the page costs in a browser: first visit, commands, a day, frames   [ROW …]
  env          print the settings for calling trunk or wasm tests by hand:
                 eval \"$(cargo xtask env)\"

Installed tools go to $KUBEDRILL_CACHE, or else to kubedrill/ in the user's cache folder.
A browser of your own: KUBEDRILL_CHROMIUM=/path/to/chrome, CHROMEDRIVER=/path/to/chromedriver.
";

/// One call of xtask, understood.
#[derive(Debug, PartialEq)]
pub enum Task {
    Help,
    Serve { port: u16, release: bool, open: bool },
    Test { only: Vec<Check> },
    Setup { groups: Vec<Group> },
    Build { release: bool },
    Record,
    Screenshots { out: PathBuf },
    BenchPage { rows: Vec<String> },
    Env,
}

/// A part of `cargo xtask test`, in the order in which they run: cheap and telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    Lint,
    Unit,
    Bundle,
    Wasm,
    Page,
    E2e,
    Size,
}

impl Check {
    pub const ALL: [(&'static str, Check); 7] = [
        ("lint", Check::Lint),
        ("unit", Check::Unit),
        ("bundle", Check::Bundle),
        ("wasm", Check::Wasm),
        ("page", Check::Page),
        ("e2e", Check::E2e),
        ("size", Check::Size),
    ];

    pub fn name(self) -> &'static str {
        let (name, _) = Check::ALL[self as usize];
        name
    }
}

/// What `cargo xtask setup` can be asked to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What building the page takes.
    Page,
    /// What testing the page takes on top.
    Test,
    /// What checks an exported lab bundle.
    BundleTools,
}

impl Group {
    pub const ALL: [Group; 3] = [Group::Page, Group::Test, Group::BundleTools];

    pub fn name(self) -> &'static str {
        match self {
            Group::Page => "page tools",
            Group::Test => "browser",
            Group::BundleTools => "bundle-tools",
        }
    }
}

pub fn parse(args: impl Iterator<Item = OsString>) -> Result<Task> {
    let mut parser = lexopt::Parser::from_args(args);
    let command = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Task::Help),
        Some(Value(command)) => command.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let mut flags = Flags::default();
    while let Some(arg) = parser.next()? {
        match (command.as_str(), arg) {
            (_, Short('h') | Long("help")) => return Ok(Task::Help),
            ("serve", Long("port")) => flags.port = Some(parser.value()?.parse()?),
            ("serve", Long("open")) => flags.open = true,
            ("serve" | "build", Long("release")) => flags.release = true,
            ("test", Long("only")) => flags.only.extend(checks(&parser.value()?.string()?)?),
            ("screenshots", Long("out")) => flags.out = Some(parser.value()?.into()),
            ("bench-page", Value(row)) => flags.rows.push(row.string()?),
            ("setup", Value(name)) => flags.groups.push(group(&name.string()?)?),
            (_, other) => return Err(other.unexpected()).context(HELP),
        }
    }
    flags.into_task(&command)
}

#[derive(Default)]
struct Flags {
    port: Option<u16>,
    release: bool,
    open: bool,
    only: Vec<Check>,
    groups: Vec<Group>,
    out: Option<PathBuf>,
    rows: Vec<String>,
}

impl Flags {
    fn into_task(self, command: &str) -> Result<Task> {
        Ok(match command {
            "help" => Task::Help,
            "serve" => Task::Serve { port: self.port.unwrap_or(8080), release: self.release, open: self.open },
            "test" => Task::Test { only: self.only },
            "setup" => Task::Setup { groups: self.groups },
            "build" => Task::Build { release: self.release },
            "screenshots" => Task::Screenshots { out: self.out.unwrap_or_else(|| "target/screenshots".into()) },
            "bench-page" => Task::BenchPage { rows: self.rows },
            "record" => Task::Record,
            "env" => Task::Env,
            other => bail!("unknown command {other:?}\n\n{HELP}"),
        })
    }
}

fn checks(list: &str) -> Result<Vec<Check>> {
    list.split(',')
        .map(|name| {
            let found = Check::ALL.iter().find(|(known, _)| *known == name.trim());
            found.map(|(_, check)| *check).with_context(|| {
                let known: Vec<_> = Check::ALL.iter().map(|(known, _)| *known).collect();
                format!("--only: unknown check {name:?}; there are {}", known.join(", "))
            })
        })
        .collect()
}

fn group(name: &str) -> Result<Group> {
    match name {
        "page" => Ok(Group::Page),
        "test" => Ok(Group::Test),
        "bundle-tools" => Ok(Group::BundleTools),
        _ => bail!("setup: unknown group {name:?}; there are page, test, bundle-tools"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<Task, &str>) {
        let got = parse(line.split_whitespace().map(OsString::from));
        match (got, expected) {
            (Ok(task), Ok(expected)) => assert_eq!(task, expected, "{line}"),
            (Err(error), Err(part)) => {
                let text = format!("{error:#}");
                assert!(text.contains(part), "{line}: {text}");
            }
            (got, expected) => panic!("{line}: {got:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn command_lines() {
        check("", Ok(Task::Help));
        check("test", Ok(Task::Test { only: vec![] }));
        check("test --only size,unit", Ok(Task::Test { only: vec![Check::Size, Check::Unit] }));
        check("serve --port=9 --open", Ok(Task::Serve { port: 9, release: false, open: true }));
        check("test --only unti", Err("there are lint, unit"));
        check("serve --port 99999", Err("99999"));
        check("bench-page kubectl", Ok(Task::BenchPage { rows: vec!["kubectl".into()] }));
        check("build --open", Err("--open"));
        check("bulid", Err("unknown command"));
    }
}
