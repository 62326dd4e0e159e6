//! `kubedrill bench`: what the simulation costs, in wall time of one thread. Ratios within one run
//! say more than times on one computer, so rows that have one carry it.
#![allow(clippy::float_arithmetic, reason = "wall time is measured outside the simulation")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use kubedrill::addons::lab;
use kubedrill::base::Duration;
use kubedrill::bundle::{self, Knobs};
use kubedrill::lesson::play::Player;
use kubedrill::lesson::{self, probe, script};
use kubedrill::sim::{Config, Profile, Session, World};
use lexopt::prelude::*;

use crate::args::{self, Failure, failed};

const HELP: &str = "\
Usage: kubedrill bench [--json] [--quick]

Measures the simulation on one thread and prints a table, or with --json
[{\"name\",\"value\",\"unit\",\"ratio_to\",\"ratio\"}, …]. --quick leaves out the large clusters.
";

struct Row {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What it is compared with, and the quotient.
    ratio: Option<(&'static str, f64)>,
}

pub fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let (mut as_json, mut quick) = (false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return args::print(HELP),
            Long("json") => as_json = true,
            Long("quick") => quick = true,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut rows = Vec::new();
    small(&mut rows);
    day(&mut rows);
    seek(&mut rows);
    if !quick {
        many_pods(&mut rows)?;
    }
    bundle(&mut rows);
    args::print(&if as_json { json(&rows) } else { table(&rows) })
}

/// Seconds that one call takes: the best of `n`, since noise only ever adds.
fn best<T>(n: u32, mut f: impl FnMut() -> T) -> f64 {
    let once = |f: &mut dyn FnMut() -> T| {
        let start = Instant::now();
        black_box(f());
        start.elapsed().as_secs_f64()
    };
    (0..n).map(|_| once(&mut f)).fold(f64::MAX, f64::min)
}

fn row(name: &'static str, value: f64, unit: &'static str) -> Row {
    Row { name, value, unit, ratio: None }
}

fn small(rows: &mut Vec<Row>) {
    let config = Config::default();
    rows.push(row("default cluster ready", best(5, || lab::ready(&config)) * 1e3, "ms"));
    let world = lab::ready(&config);
    rows.push(row("state cloned", best(50, || world.clone()) * 1e6, "µs"));
    let session = Session::of_world(world);
    let lines = script::parse("kubectl get pods -A -o wide").unwrap_or_default();
    let command = best(20, || {
        let mut session = session.clone();
        let _ = Player::default().play(&mut session, &lines);
    });
    rows.push(row("kubectl get pods -A -o wide", command * 1e3, "ms"));
}

fn day(rows: &mut Vec<Row>) {
    let mut world = lab::ready(&Config::default());
    let start = Instant::now();
    let hours = 24;
    let until = world.now + Duration::secs(hours * 3600);
    world.run_until(until);
    let value = start.elapsed().as_secs_f64();
    let ratio = Some(("real time", (hours * 3600) as f64 / value));
    rows.push(Row { name: "24 h idle, 4 machines", value, unit: "s", ratio });
}

/// Seeks to places all over an hour in which something happened every minute.
fn seek(rows: &mut Vec<Row>) {
    let mut session = Session::new(&Config::default(), lab::ready);
    let mut text = "kubectl create deployment web --image=nginx\n".to_owned();
    for minute in 0..60 {
        let _ = writeln!(text, "kubectl scale deployment web --replicas={}\n!wait 1m", minute % 7);
    }
    let _ = Player::default().play(&mut session, &script::parse(&text).unwrap_or_default());
    let (start, span) = (session.start(), session.end().since(session.start()).0);
    let worst = (0..40).map(|i| {
        let at = start + Duration::micros(span / 40 * (i * 17 % 40));
        best(1, || session.seek(at))
    });
    rows.push(row("seek in a one-hour session, worst of 40", worst.fold(0.0, f64::max) * 1e3, "ms"));
}

fn many_pods(rows: &mut Vec<Row>) -> Result<(), Failure> {
    let (thousand, _) = deploy(30, 1_000)?;
    rows.push(row("1,000 pods on 30 nodes, all Running", thousand, "s"));
    let (ten, world) = deploy(100, 10_000)?;
    let ratio = Some(("cost per pod of 1,000", ten / thousand / 10.0));
    rows.push(Row { name: "10,000 pods on 100 nodes, all Running", value: ten, unit: "s", ratio });
    rows.push(row("state cloned, 10,000 pods", best(10, || world.clone()) * 1e3, "ms"));
    Ok(())
}

/// Wall time from `kubectl create deployment` until all its pods are ready.
fn deploy(workers: u32, pods: u32) -> Result<(f64, World), Failure> {
    let mut session = Session::new(&Config { workers, ..Config::default() }, lab::ready);
    let line = format!("kubectl create deployment web --image=nginx --replicas={pods}");
    let lines = script::parse(&line).map_err(failed)?;
    let mut spent = 0.0;
    spent += best(1, || Player::default().play(&mut session, &lines));
    for _ in 0..2_000 {
        // Events are stepped one by one, without the session's checkpoints: the cluster's own cost.
        let until = session.world.now + Duration::secs(5);
        spent += best(1, || session.world.run_until(until));
        let ready = "kubectl get deployment web -o jsonpath={.status.readyReplicas}";
        if probe::run(&session.world, "m-k8s", ready).is_some_and(|r| r.stdout == pods.to_string().as_str()) {
            return Ok((spent, session.world));
        }
    }
    Err(failed(format!("bench: {pods} pods on {workers} nodes were not ready after 10,000 simulated seconds")))
}

fn bundle(rows: &mut Vec<Row>) {
    let Some(drill) = lesson::names().next().and_then(lesson::shipped) else { return };
    let knobs = Knobs::of(Profile::Book);
    rows.push(row("bundle made", best(20, || bundle::build(&drill, &knobs)) * 1e3, "ms"));
}

fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    for r in rows {
        let _ = write!(out, "{:<44} {:>10.3} {:<3}", r.name, r.value, r.unit);
        if let Some((to, ratio)) = r.ratio {
            let _ = write!(out, "  {ratio:.2} × {to}");
        }
        out.push('\n');
    }
    out
}

fn json(rows: &[Row]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|r| {
            let (to, ratio) = r.ratio.map_or((None, None), |(to, n)| (Some(to), Some(n)));
            serde_json::json!({ "name": r.name, "value": r.value, "unit": r.unit, "ratio_to": to, "ratio": ratio })
                .to_string()
        })
        .collect();
    format!("[\n {}\n]\n", rows.join(",\n "))
}
