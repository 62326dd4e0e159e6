//! `kubedrill lesson`: what drills there are, what they say, and whether they are sound.

use std::fmt::Write;
use std::fs;

use kubedrill::addons::lab;
use kubedrill::bundle::profile_name;
use kubedrill::lesson::format::Topic;
use kubedrill::lesson::prove::prove;
use kubedrill::lesson::{self, Lesson, Text, play};
use kubedrill::sim::{Config, Profile, Session};
use lexopt::prelude::*;

use crate::args::{self, Failure, failed, usage};

const HELP: &str = "\
Usage: kubedrill lesson list [--profile book|modern] [--lang en|ko] [--json]
       kubedrill lesson show LESSON [--lang en|ko]
       kubedrill lesson play LESSON [--profile book|modern] [--seed N]
       kubedrill lesson test [LESSON...] [--profile book|modern] [--seeds N]

list   prints name, profiles and title of each drill, under its topic
show   prints a drill to read: its steps, commands and checks
play   plays a drill by its own steps and prints the terminal
test   plays drills (all of them, unless some are named) with seeds 1 to N (default 3): each must be
       unsolved at the start and solved by its own steps

LESSON is a name that `list` prints, or a path to a drill of your own (ending in .yaml).
";

#[derive(Default)]
struct Options {
    lessons: Vec<String>,
    profile: Option<Profile>,
    seed: Option<u64>,
    seeds: Option<u64>,
    korean: bool,
    json: bool,
}

pub fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let verb = match args::word(&mut parser) {
        Err(Failure::Help) => return args::print(HELP),
        other => other?.ok_or_else(|| usage("lesson: one of list, show, play, test"))?,
    };
    let options = match parse(parser) {
        Err(Failure::Help) => return args::print(HELP),
        other => other?,
    };
    match verb.as_str() {
        "list" if !options.lessons.is_empty() => Err(usage("lesson list takes no LESSON")),
        "list" => list(&options),
        "show" => args::print(&show(&one(&options)?, options.korean)),
        "play" => play(&options),
        "test" => test(&options),
        _ => Err(usage(format!("unknown command `lesson {verb}`: one of list, show, play, test"))),
    }
}

fn parse(mut parser: lexopt::Parser) -> Result<Options, Failure> {
    let mut options = Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Err(Failure::Help),
            Long("profile") => options.profile = Some(args::profile(&mut parser)?),
            Long("seed") => options.seed = Some(args::number(&mut parser, "--seed")?),
            Long("seeds") => options.seeds = Some(args::number(&mut parser, "--seeds")?),
            Long("lang") => match parser.value()?.string()?.as_str() {
                "ko" => options.korean = true,
                "en" => options.korean = false,
                other => return Err(usage(format!("--lang: expected en or ko, got `{other}`"))),
            },
            Long("json") => options.json = true,
            Value(name) => options.lessons.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

/// A shipped drill by name, or a file.
pub fn find(name: &str) -> Result<Lesson, Failure> {
    if name.ends_with(".yaml") {
        let text = fs::read_to_string(name).map_err(|e| failed(format!("{name}: {e}")))?;
        return Lesson::parse(&text).map_err(|e| failed(format!("{name}:{e}")));
    }
    let all: Vec<&str> = lesson::names().collect();
    lesson::shipped(name).ok_or_else(|| failed(format!("no drill is called `{name}`; there are {}", all.join(", "))))
}

fn one(options: &Options) -> Result<Lesson, Failure> {
    match &options.lessons[..] {
        [name] => find(name),
        [] => Err(usage("which LESSON? kubedrill lesson list prints them")),
        _ => Err(usage("one LESSON at a time")),
    }
}

fn pick(text: &Text, korean: bool) -> &str {
    if korean { &text.ko } else { &text.en }
}

fn profiles(lesson: &Lesson) -> String {
    lesson.profiles.iter().map(|p| profile_name(*p)).collect::<Vec<_>>().join(",")
}

fn list(options: &Options) -> Result<(), Failure> {
    let fits = |l: &Lesson| options.profile.is_none_or(|p| l.profiles.contains(&p));
    let lessons: Vec<Lesson> = lesson::names().filter_map(lesson::shipped).filter(fits).collect();
    if options.json {
        let row = |l: &Lesson| {
            let profiles: Vec<&str> = l.profiles.iter().map(|p| profile_name(*p)).collect();
            let title = serde_json::json!({"ko": l.title.ko, "en": l.title.en});
            serde_json::json!({"name": l.name, "profiles": profiles, "title": title, "steps": l.steps.len()})
        };
        let rows: Vec<_> = lessons.iter().map(row).collect();
        return args::print(&format!("{}\n", serde_json::Value::from(rows)));
    }
    let mut out = String::new();
    for topic in Topic::ALL {
        let (ko, en) = topic.title();
        let mut of_topic = lessons.iter().filter(|l| l.topic == topic).peekable();
        if of_topic.peek().is_some() {
            let _ = writeln!(out, "{}{}", if out.is_empty() { "" } else { "\n" }, if options.korean { ko } else { en });
        }
        for l in of_topic {
            let _ = writeln!(out, "  {:<26} {:<12} {}", l.name, profiles(l), pick(&l.title, options.korean));
        }
    }
    args::print(&out)
}

fn show(lesson: &Lesson, korean: bool) -> String {
    let mut out = format!("{}\n\n{}\n", pick(&lesson.title, korean), pick(&lesson.summary, korean));
    for (i, step) in lesson.steps.iter().enumerate() {
        let _ = write!(out, "\n{}. {}\n   {}\n", i + 1, pick(&step.title, korean), pick(&step.text, korean));
        for command in &step.commands {
            let _ = writeln!(out, "   [root@{}]# {}", command.machine, command.command);
        }
        for check in &step.checks {
            let _ = writeln!(out, "   [ ] {}", pick(&check.title, korean));
        }
    }
    out
}

fn session(profile: Profile, seed: u64) -> Session {
    Session::new(&Config { profile, seed, ..Config::default() }, lab::ready)
}

fn play(options: &Options) -> Result<(), Failure> {
    let lesson = one(options)?;
    let profile = options.profile.or(lesson.profiles.first().copied()).unwrap_or_default();
    let played = prove(&lesson, &mut session(profile, options.seed.unwrap_or(1))).map_err(failed)?;
    let mut out = String::new();
    for (step, entries) in lesson.steps.iter().zip(&played) {
        let _ = write!(out, "== {}\n{}", step.id, play::transcript(entries.iter()));
    }
    args::print(&out)
}

fn test(options: &Options) -> Result<(), Failure> {
    let shipped = || lesson::names().map(str::to_owned).collect();
    let names: Vec<String> = if options.lessons.is_empty() { shipped() } else { options.lessons.clone() };
    let seeds = options.seeds.unwrap_or(3);
    let mut wrong = 0;
    for name in names {
        let lesson = find(&name)?;
        for profile in lesson.profiles.iter().filter(|p| options.profile.is_none_or(|q| q == **p)) {
            let bad =
                (1..=seeds).find_map(|seed| prove(&lesson, &mut session(*profile, seed)).err().map(|e| (seed, e)));
            let place = format!("{:<26} {:<7}", lesson.name, profile_name(*profile));
            match bad {
                None => args::print(&format!("ok    {place} {seeds} seeds\n"))?,
                Some((seed, why)) => {
                    wrong += 1;
                    args::print(&format!("WRONG {place} seed {seed}: {why}\n"))?;
                }
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(failed(format!("drills that are not sound: {wrong}"))) }
}
