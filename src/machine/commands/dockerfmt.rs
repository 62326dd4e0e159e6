//! `--format` of docker: Go templates over rows, with or without a table's head.

use crate::api::{Map, Value};
use crate::base::{Str, Time};
use crate::kubectl::print::template;
use crate::machine::program::{Flow, Io};

/// Prints rows by a template; `table …` aligns columns below a head.
pub(super) fn print(io: &mut Io<'_>, format: &str, rows: &[Value], heads: &[(&str, &str)]) -> Flow<i32> {
    if format == "json" {
        rows.iter().for_each(|r| io.outln(r.to_json()));
        return Ok(0);
    }
    let text = format.replace("\\t", "\t").replace("\\n", "\n");
    let (body, table) = match text.strip_prefix("table") {
        Some(body) => (body.trim_start().to_owned(), true),
        None => (text, false),
    };
    let parsed = match template::parse(&body) {
        Ok(parsed) => parsed,
        Err(why) => return io.fail(64, format!("Template parsing error: template: :1: {why}")),
    };
    let mut lines: Vec<String> = Vec::new();
    if table {
        let head: Map = heads.iter().map(|(key, head)| (Str::from(*key), Value::from(*head))).collect();
        lines.push(parsed.run(&head.into()).unwrap_or_default());
    }
    for row in rows {
        match parsed.run(row) {
            Ok(line) => lines.push(line),
            Err(why) => return io.fail(1, format!("Template parsing error: template: :1: {why}")),
        }
    }
    if !table {
        lines.iter().for_each(|l| io.outln(l));
        return Ok(0);
    }
    let cells: Vec<Vec<&str>> = lines.iter().map(|l| l.split('\t').collect()).collect();
    let width =
        |i: usize| cells.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count() + 3).max().unwrap_or(0).max(20);
    for row in &cells {
        let last = row.len() - 1;
        let line: String = (row.iter().enumerate())
            .map(|(i, c)| if i == last { (*c).to_owned() } else { format!("{c:<w$}", w = width(i)) })
            .collect();
        io.outln(line);
    }
    Ok(0)
}

/// The heads of `docker ps` by field.
pub(super) const PS: [(&str, &str); 8] = [
    ("ID", "CONTAINER ID"),
    ("Image", "IMAGE"),
    ("Command", "COMMAND"),
    ("RunningFor", "CREATED"),
    ("Status", "STATUS"),
    ("Ports", "PORTS"),
    ("Names", "NAMES"),
    ("State", "STATE"),
];

fn stamp(c: &Value, key: &str) -> Str {
    match u64::try_from(super::int(c, key)).unwrap_or(0) {
        0 => "0001-01-01T00:00:00Z".into(),
        at => Time(at).rfc3339(),
    }
}

/// What `docker inspect` tells of a container, as far as templates ask for it.
pub(super) fn inspected(c: &Value) -> Value {
    let up = c.str("state") == "running";
    let state = map! {
        "Status" => c.str("state"), "Running" => up, "Paused" => false, "Restarting" => false,
        "Pid" => if up { super::int(c, "pid") } else { 0 }, "ExitCode" => super::int(c, "code"),
        "StartedAt" => stamp(c, "started"), "FinishedAt" => stamp(c, "finished"),
    };
    let labels = map! {
        "io.kubernetes.container.name" => c.str("name"), "io.kubernetes.pod.name" => c.str("pod"),
        "io.kubernetes.pod.namespace" => c.str("namespace"),
    };
    let config = map! { "Image" => c.str("image"), "Labels" => labels };
    map! {
        "Id" => c.str("id"), "Created" => stamp(c, "created"), "State" => state, "Image" => c.str("imageId"),
        "Name" => format!("/{}", c.str("dockerName")), "RestartCount" => 0, "Driver" => "overlay2", "Config" => config,
        "HostConfig" => map! { "NetworkMode" => format!("container:{}", c.str("sandbox")) },
        "NetworkSettings" => map! { "IPAddress" => "" },
    }
    .into()
}
