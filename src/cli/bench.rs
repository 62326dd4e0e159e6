//! `kubedrill bench`: what the simulation costs. Long rows are processor time of this thread, short ones the
//! best wall time of many. Ratios within one run say more than times on one computer, so rows that have one
//! carry it.
#![allow(clippy::float_arithmetic, reason = "time is measured outside the simulation")]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use kubedrill::addons::lab;
use kubedrill::api::{Kind, Object, Request, pod};
use kubedrill::apiserver;
use kubedrill::base::Duration;
use kubedrill::bundle::{self, Knobs};
use kubedrill::component_boilerplate;
use kubedrill::lesson::play::Player;
use kubedrill::lesson::{self, script};
use kubedrill::sim::{Component, Config, Ctx, Endpoint, Msg, Profile, Session, TraceId, World};
use lexopt::prelude::*;

use crate::args::{self, Failure, failed};

const HELP: &str = "\
Usage: kubedrill bench [--json] [--only TEXT] [--quick] [--large]

Measures the simulation on one thread and prints a table, or with --json
[{\"name\",\"value\",\"unit\",\"ratio_to\",\"ratio\"}, …]. --only measures the rows whose name contains TEXT, --quick
leaves out the larger clusters, --large adds 150,000 pods on 5,000 nodes.
";

struct Row {
    name: &'static str,
    value: f64,
    unit: &'static str,
    /// What it is compared with, and the quotient.
    ratio: Option<(&'static str, f64)>,
}

/// Every row's name, and whether its measure is among the quick (0), the usual (1) or the large (2).
const ROWS: [(&str, u8, fn(&mut Run) -> Result<(), Failure>); 10] = [
    ("default cluster ready; state cloned; machine's memory", 0, small),
    ("kubectl get pods -A -o wide; kubectl create deployment", 0, commands),
    ("24 h idle, 4 machines", 0, day),
    ("seek in a one-hour session", 0, seek),
    ("seek in a one-hour session, 1,000 pods", 1, seek_large),
    ("vagrant up", 0, vagrant),
    ("bundle made", 0, bundle),
    ("1,000 pods on 30 nodes, all Running", 1, thousand),
    ("10,000 pods on 100 nodes, all Running", 1, ten_thousand),
    ("150,000 pods on 5,000 nodes, all Running", 2, limit),
];

#[derive(Default)]
struct Run {
    rows: Vec<Row>,
    /// Seconds for a thousand pods on 30 nodes, once they are known.
    thousand: Option<f64>,
    notes: Vec<String>,
}

impl Run {
    fn row(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.rows.push(Row { name, value, unit, ratio: None });
    }
    /// Said below the table.
    fn note(&mut self, text: String) {
        self.notes.push(text);
    }
    fn compared(&mut self, name: &'static str, value: f64, unit: &'static str, to: &'static str, ratio: f64) {
        self.rows.push(Row { name, value, unit, ratio: Some((to, ratio)) });
    }
}

pub fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let (mut as_json, mut size, mut only) = (false, 1, String::new());
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return args::print(HELP),
            Long("json") => as_json = true,
            Long("quick") => size = 0,
            Long("large") => size = 2,
            Long("only") => only = parser.value()?.string()?,
            other => return Err(other.unexpected().into()),
        }
    }
    let mut run = Run::default();
    for (names, level, measure) in ROWS {
        if if only.is_empty() { level <= size } else { names.contains(&*only) } {
            measure(&mut run)?;
        }
    }
    args::print(&if as_json { json(&run.rows) } else { table(&run.rows) + &run.notes.join("\n") + "\n" })
}

/// Seconds of processor time that this thread has had; wall time where the system does not tell.
fn spent() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|t| t.split(' ').next()?.parse::<f64>().ok());
    nanos.map_or_else(|| START.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// Processor time that one call takes, in seconds.
fn cost<T>(f: impl FnOnce() -> T) -> (f64, T) {
    let start = spent();
    let out = black_box(f());
    (spent() - start, out)
}

/// Seconds of wall time that one call takes: the best of `n`, since noise only ever adds.
fn best<T>(n: u32, mut f: impl FnMut() -> T) -> f64 {
    let once = |f: &mut dyn FnMut() -> T| {
        let start = Instant::now();
        black_box(f());
        start.elapsed().as_secs_f64()
    };
    (0..n).map(|_| once(&mut f)).fold(f64::MAX, f64::min)
}

/// A line of /proc/self/status in bytes; 0 where there is none.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

fn small(run: &mut Run) -> Result<(), Failure> {
    let config = Config::default();
    run.row("default cluster ready", best(5, || lab::ready(&config)) * 1e3, "ms");
    let world = lab::ready(&config);
    run.row("state cloned", best(50, || world.clone()) * 1e6, "µs");
    // What a machine of the lab and its share of the control plane take.
    let many = |workers| lab::ready(&Config { workers, ..Config::default() });
    let few = many(4);
    let before = memory("VmRSS");
    let worlds: Vec<World> = (0..4).map(|_| many(9)).collect();
    let each = (memory("VmRSS") - before) / worlds.iter().map(|w| w.machines().len() as f64).sum::<f64>();
    drop(few);
    run.row("a machine's memory, all that is about it", each / 1e3, "KB");
    Ok(())
}

fn commands(run: &mut Run) -> Result<(), Failure> {
    let session = Session::new(&Config::default(), lab::ready);
    for (name, line) in [
        ("kubectl get pods -A -o wide", "kubectl get pods -A -o wide"),
        ("kubectl create deployment", "kubectl create deployment web --image=nginx --replicas=3"),
    ] {
        let lines = script::parse(line).map_err(failed)?;
        let command = best(20, || {
            let mut session = session.clone();
            let _ = Player::default().play(&mut session, &lines);
        });
        run.row(name, command * 1e3, "ms");
    }
    Ok(())
}

fn day(run: &mut Run) -> Result<(), Failure> {
    let mut world = lab::ready(&Config::default());
    let hours = 24;
    let until = world.now + Duration::secs(hours * 3600);
    let (value, ()) = cost(|| world.run_until(until));
    run.compared("24 h idle, 4 machines", value, "s", "real time", (hours * 3600) as f64 / value);
    Ok(())
}

/// Seeks to places all over an hour in which something happened every minute.
fn seek(run: &mut Run) -> Result<(), Failure> {
    let mut session = Session::new(&Config::default(), lab::ready);
    let mut text = "kubectl create deployment web --image=nginx\n".to_owned();
    for minute in 0..60 {
        let _ = writeln!(text, "kubectl scale deployment web --replicas={}\n!wait 1m", minute % 7);
    }
    let _ = Player::default().play(&mut session, &script::parse(&text).unwrap_or_default());
    run.row("seek in a one-hour session, worst of 40", worst_seek(session) * 1e3, "ms");
    Ok(())
}

fn seek_large(run: &mut Run) -> Result<(), Failure> {
    let mut session = Session::new(&Config { workers: 30, ..Config::default() }, lab::ready);
    let text = "kubectl create deployment web --image=nginx --replicas=1000\n!wait 59m\n";
    let _ = Player::default().play(&mut session, &script::parse(text).unwrap_or_default());
    run.row("seek in a one-hour session, 1,000 pods", worst_seek(session) * 1e3, "ms");
    Ok(())
}

/// Each place is sought twice and counted at its better time: the computer does other things, too.
fn worst_seek(mut session: Session) -> f64 {
    let (start, span) = (session.start(), session.end().since(session.start()).0);
    let worst = (0..40).map(|i| {
        let at = start + Duration::micros(span / 40 * (i * 17 % 40));
        best(2, || session.clone().seek(at)).min(best(1, || session.seek(at)))
    });
    worst.fold(0.0, f64::max)
}

fn vagrant(run: &mut Run) -> Result<(), Failure> {
    let mut session = Session::new(&Config::default(), lab::empty);
    let lines = script::parse("@host cd lab && vagrant up").map_err(failed)?;
    let (value, _) = cost(|| Player::default().play(&mut session, &lines));
    run.row("vagrant up, 1+3 machines", value, "s");
    Ok(())
}

fn thousand(run: &mut Run) -> Result<(), Failure> {
    let (thousand, _) = deploy(run, lab::ready, 30, 1_000)?;
    run.thousand = Some(thousand);
    run.row("1,000 pods on 30 nodes, all Running", thousand, "s");
    Ok(())
}

fn ten_thousand(run: &mut Run) -> Result<(), Failure> {
    let before = memory("VmRSS");
    let (ten, world) = deploy(run, lab::ready, 100, 10_000)?;
    let name = "10,000 pods on 100 nodes, all Running";
    match run.thousand {
        Some(thousand) => run.compared(name, ten, "s", "cost per pod of 1,000", ten / thousand / 10.0),
        None => run.row(name, ten, "s"),
    }
    run.row("memory per pod of 10,000", (memory("VmHWM") - before) / 1e4 / 1e3, "KB");
    run.row("state cloned, 10,000 pods", best(10, || world.clone()) * 1e3, "ms");
    Ok(())
}

/// Kubernetes' own limit, against as many pods a node of a small cluster.
fn limit(run: &mut Run) -> Result<(), Failure> {
    let bare = |config: &Config| lab::bench(config.profile, config.workers, config.seed);
    let (few, _) = deploy(run, bare, 50, 1_500)?;
    run.row("1,500 pods on 50 bare nodes, all Running", few, "s");
    let before = memory("VmRSS");
    let (many, _) = deploy(run, bare, 5_000, 150_000)?;
    let name = "150,000 pods on 5,000 bare nodes, all Running";
    run.compared(name, many, "s", "cost per pod of 1,500", many / few / 100.0);
    run.row("memory per pod of 150,000", (memory("VmHWM") - before) / 1.5e5 / 1e3, "KB");
    run.row("peak memory", memory("VmHWM") / 1e6, "MB");
    Ok(())
}

/// Processor time from the Deployment's creation until all its pods are ready.
fn deploy(run: &mut Run, build: fn(&Config) -> World, workers: u32, pods: u32) -> Result<(f64, World), Failure> {
    let mut world = build(&Config { workers, ..Config::default() });
    let from = (world.now, world.steps);
    let mut value = 0.0;
    let client = world.spawn(lab::MASTER, "client", Arc::new(Client), TraceId::NONE);
    let to = Endpoint { ip: world.machine(lab::MASTER).ip.clone(), port: apiserver::PORT };
    let request = Request { user: "kubernetes-admin".into(), ..Request::create(deployment(pods)?) };
    world.with_component(client, TraceId::NONE, |_, ctx| ctx.request(&to, 1, request));
    for _ in 0..2_000 {
        // Events are stepped one by one, without a session's checkpoints: the cluster's own cost.
        let until = world.now + Duration::secs(5);
        value += cost(|| world.run_until(until)).0;
        if ready(&world) == pods {
            let steps = world.steps - from.1;
            run.note(format!(
                "{pods} pods: {steps} events in {} s of the cluster's time",
                world.now.since(from.0).as_secs()
            ));
            return Ok((value, world));
        }
    }
    Err(failed(format!("bench: {pods} pods on {workers} nodes were not ready after 10,000 simulated seconds")))
}

/// As `kubectl create deployment web --image=nginx` makes it.
fn deployment(replicas: u32) -> Result<Object, Failure> {
    let text = format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, namespace: default, labels: {{app: web}}}}, \
         spec: {{replicas: {replicas}, selector: {{matchLabels: {{app: web}}}}, template: {{metadata: {{labels: \
         {{app: web}}}}, spec: {{containers: [{{name: nginx, image: nginx}}]}}}}}}}}"
    );
    let value = serde_yaml::from_str(&text).map_err(failed)?;
    Ok(Object::from_value(Kind::DEPLOYMENT, &value))
}

/// Sends the one request and hears its answer.
#[derive(Clone, Debug)]
struct Client;

impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _msg: Msg) {}
    component_boilerplate!();
}

/// Pods of the default namespace that are ready.
fn ready(world: &World) -> u32 {
    let data = world.machine(lab::MASTER).etcd_data.as_ref();
    data.map_or(0, |d| d.list(Kind::POD, "default", None).filter(|p| pod::ready(p)).count() as u32)
}

fn bundle(run: &mut Run) -> Result<(), Failure> {
    let Some(drill) = lesson::names().next().and_then(lesson::shipped) else { return Ok(()) };
    let knobs = Knobs::of(Profile::Book);
    run.row("bundle made", best(20, || bundle::build(&drill, &knobs)) * 1e3, "ms");
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    for r in rows {
        let _ = write!(out, "{:<46} {:>10.3} {:<3}", r.name, r.value, r.unit);
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
