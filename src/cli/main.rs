//! The native program: the only part that touches files and the terminal. Everything it does is the
//! library's; this is arguments, reading, writing and exit codes.

mod args;
mod bench;
mod bundle;
mod lesson;
mod serve;
mod session;
mod storm;

use std::process::ExitCode;

use args::{Failure, usage};

const HELP: &str = "\
kubedrill - a simulated Kubernetes cluster on the command line

Usage: kubedrill COMMAND [ARGUMENTS]

Commands:
  session   run commands in a simulated cluster and print what they print
  bundle    write a drill and its lab for real virtual machines as a zip file
  lesson    list, show, play and test the drills
  storm     random faults on many seeds, invariants always on
  serve     answer a real kubectl over HTTP on this computer
  bench     measure the simulation

kubedrill COMMAND --help tells more. Exit code: 0 done, 1 failed, 2 wrong arguments.
";

fn main() -> ExitCode {
    let mut parser = lexopt::Parser::from_env();
    let result = match args::word(&mut parser) {
        Ok(Some(command)) => run(&command, parser),
        Ok(None) => Err(usage("a command is missing: session, bundle, lesson, storm, serve or bench")),
        Err(failure) => Err(failure),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Help) => finish(&args::print(HELP)),
        Err(Failure::Usage(message)) => {
            eprintln!("kubedrill: {message}\nTry kubedrill --help.");
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("kubedrill: {message}");
            ExitCode::FAILURE
        }
    }
}

fn finish(result: &Result<(), Failure>) -> ExitCode {
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(command: &str, parser: lexopt::Parser) -> Result<(), Failure> {
    match command {
        "session" => session::run(parser),
        "bundle" => bundle::run(parser),
        "bench" => bench::run(parser),
        "lesson" => lesson::run(parser),
        "storm" => storm::run(parser),
        "serve" => serve::run(parser),
        "help" => Err(Failure::Help),
        other => Err(usage(format!("unknown command `{other}`: one of session, bundle, lesson, storm, serve, bench"))),
    }
}
