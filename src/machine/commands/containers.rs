//! `docker`, `crictl`, `ctr`: the machine's runtime seen from below Kubernetes.
//! What is shown is what the runtime keeps; what is stopped here the kubelet starts again.

use super::options::{Spec, parse};
use super::row;
use crate::api::{List, Value};
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io, Stream};

pub static DOCKER: Command = Command {
    startup_ms: 25,
    ..row("docker", ["look at docker's containers", "도커 컨테이너를 다룹니다"], docker)
};
pub static CRICTL: Command = Command {
    startup_ms: 25,
    ..row("crictl", ["look at containers through the CRI", "CRI로 컨테이너를 다룹니다"], crictl)
};
pub static CTR: Command = Command {
    startup_ms: 25,
    ..row("ctr", ["containerd's own client", "containerd의 클라이언트입니다"], ctr)
};

const SPEC: Spec = Spec {
    in_order: true,
    ..Spec::new(
        "aqlf:n:itdo:s:",
        &[
            ("all", 'a'),
            ("quiet", 'q'),
            ("no-trunc", 'N'),
            ("filter", 'f'),
            ("follow", 'F'),
            ("tail", 'n'),
            ("interactive", 'i'),
            ("tty", 't'),
            ("output", 'o'),
            ("name", 'M'),
            ("pod", 'P'),
            ("timeout", 's'),
            ("runtime-endpoint", 'r'),
            ("namespace", 'n'),
            ("format", 'o'),
            ("latest", 'l'),
            ("force", 'W'),
        ],
        1,
    )
};

fn ago(now: u64, at: i64) -> String {
    let s = now.saturating_sub(at.unsigned_abs()) / 1_000_000;
    let unit = |n: u64, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match s {
        0..=59 => unit(s, "second"),
        60..=3599 => unit(s / 60, "minute"),
        3600..=86_399 => unit(s / 3600, "hour"),
        _ => unit(s / 86_400, "day"),
    }
}

fn short(id: &str, n: usize) -> &str {
    id.get(..n).unwrap_or(id)
}

fn mb(bytes: i64) -> String {
    format!("{}MB", bytes / 1_000_000)
}

fn running(c: &Value) -> bool {
    c.str("state") == "running"
}

/// The container that an id's beginning or a name means.
fn find<'v>(all: &'v Value, word: &str) -> Option<&'v Value> {
    let mut items = all
        .items()
        .iter()
        .filter(|c| !word.is_empty() && (c.str("id").starts_with(word) || c.str("dockerName") == word));
    items.next()
}

fn docker(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let Some(verb) = args.get(1).cloned() else {
        io.outln("\nUsage:\tdocker [OPTIONS] COMMAND\n\nA self-sufficient runtime for containers");
        return Ok(0);
    };
    let (verb, rest) = match (verb.as_str(), args.get(2).map(Str::as_str)) {
        ("container" | "image", Some(sub)) => {
            (Str::from(if verb == "image" && sub == "ls" { "images" } else { sub }), 2)
        }
        _ => (verb, 1),
    };
    if matches!(verb.as_str(), "--version" | "-v") {
        io.outln("Docker version 18.06.0-ce, build 0ffa825");
        return Ok(0);
    }
    // One letter means another thing for each verb.
    let meant = |w: &Str| match (verb.as_str(), w.as_str()) {
        ("logs", "-f") => "--follow".into(),
        ("rm" | "rmi", "-f") => "--force".into(),
        _ => w.clone(),
    };
    let words: Vec<Str> = args[rest..].iter().map(meant).collect();
    let o = parse(io, &words, &SPEC)?;
    let data = io.call("runtime", Value::Null)?;
    if data.as_str() == "denied" {
        return io.fail(1, "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get http://%2Fvar%2Frun%2Fdocker.sock/v1.38/containers/json: dial unix /var/run/docker.sock: connect: permission denied");
    }
    if data.is_null() {
        return io.fail(
            1,
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
        );
    }
    let all = data.get("containers").cloned().unwrap_or_default();
    let now = io.now()?.0;
    let missing = |word: &str| format!("Error: No such container: {word}");
    match verb.as_str() {
        "ps" | "ls" => {
            let wide = o.has('N');
            let shown: Vec<&Value> = {
                let all = all.items().iter().rev();
                let any = o.has('a') || o.has('l') || o.values('f').any(|f| f.starts_with("status="));
                let count = if o.has('l') { 1 } else { usize::MAX };
                all.filter(|c| any || running(c)).take(count).collect()
            };
            let wanted: Vec<&Str> = o.values('f').collect();
            let shown = shown.into_iter().filter(|c| {
                wanted.iter().all(|w| match w.split_once('=') {
                    Some(("name", n)) => c.str("dockerName").contains(n),
                    Some(("status", s)) => c.str("state") == s,
                    Some(("id", id)) => c.str("id").starts_with(id),
                    Some(("ancestor", i)) => c.str("shortImage").starts_with(i) || c.str("image") == i,
                    _ => true,
                })
            });
            if let Some(format) = o.value('o') {
                let row = |c: &Value| -> Value {
                    let id = if wide { c.str("id") } else { short(c.str("id"), 12) };
                    let status = match running(c) {
                        true => format!("Up {}", ago(now, super::int(c, "started"))),
                        false => {
                            format!("Exited ({}) {} ago", super::int(c, "code"), ago(now, super::int(c, "finished")))
                        }
                    };
                    map! {
                        "ID" => id, "Image" => c.str("shortImage"), "Command" => format!("\"{}\"", c.str("command")),
                        "RunningFor" => format!("{} ago", ago(now, super::int(c, "created"))), "Status" => status,
                        "Ports" => "", "Names" => c.str("dockerName"), "State" => c.str("state"),
                    }
                    .into()
                };
                let rows: Vec<Value> = shown.map(row).collect();
                return super::dockerfmt::print(io, format, &rows, &super::dockerfmt::PS);
            }
            if !o.has('q') {
                io.outln(format!(
                    "{:<20}{:<20}{:<25}{:<20}{:<26}{:<20}NAMES",
                    "CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS"
                ));
            }
            for c in shown {
                let id = if wide { c.str("id") } else { short(c.str("id"), 12) };
                if o.has('q') {
                    io.outln(id);
                    continue;
                }
                let status = match running(c) {
                    true => format!("Up {}", ago(now, super::int(c, "started"))),
                    false => format!("Exited ({}) {} ago", super::int(c, "code"), ago(now, super::int(c, "finished"))),
                };
                let command = format!("\"{}\"", c.str("command"));
                let command: String = if command.chars().count() > 22 && !wide {
                    command.chars().take(20).collect::<String>() + "…\""
                } else {
                    command
                };
                let image: String = c.str("shortImage").chars().take(18).collect();
                let created = format!("{} ago", ago(now, super::int(c, "created")));
                io.outln(format!(
                    "{id:<20}{image:<20}{command:<25}{created:<20}{status:<26}{:<20}{}",
                    "",
                    c.str("dockerName")
                ));
            }
            Ok(0)
        }
        "images" => {
            io.outln(format!("{:<40}{:<22}{:<20}{:<20}SIZE", "REPOSITORY", "TAG", "IMAGE ID", "CREATED"));
            for i in data.get("images").map_or(&[][..], Value::items) {
                let name = i.str("name").trim_start_matches("docker.io/").trim_start_matches("library/");
                let (name, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
                io.outln(format!(
                    "{name:<40}{tag:<22}{:<20}{:<20}{}",
                    short(i.str("digest"), 12),
                    "5 weeks ago",
                    mb(super::int(i, "size") * 2)
                ));
            }
            Ok(0)
        }
        "pull" => pull(io, o.rest.first(), false),
        "logs" => match o.rest.first().and_then(|w| find(&all, w)) {
            Some(c) => logs(io, c, &o),
            None => io.fail(1, missing(o.rest.first().map_or("", Str::as_str))),
        },
        "exec" => match o.rest.first().and_then(|w| find(&all, w)) {
            Some(c) => exec(io, c.str("id"), &o.rest[1..], o.has('i'), o.has('t')),
            None => io.fail(1, missing(o.rest.first().map_or("", Str::as_str))),
        },
        "stop" | "kill" | "restart" | "rm" => each(io, &o.rest, &all, (verb.as_str(), o.has('W')), true),
        "inspect" => match o.rest.first().and_then(|w| find(&all, w)) {
            Some(c) if o.has('f') || o.has('o') => {
                let format = o.value('f').or(o.value('o')).map_or("", Str::as_str);
                super::dockerfmt::print(io, format, &[super::dockerfmt::inspected(c)], &[])
            }
            Some(c) => {
                io.outln(format!("[\n    {{\n        \"Id\": \"{}\",\n        \"State\": {{\n            \"Status\": \"{}\",\n            \"Pid\": {},\n            \"ExitCode\": {}\n        }},\n        \"Image\": \"{}\",\n        \"Name\": \"/{}\"\n    }}\n]", c.str("id"), c.str("state"), super::int(c, "pid"), super::int(c, "code"), c.str("image"), c.str("dockerName")));
                Ok(0)
            }
            None => io.fail(1, format!("[]\nError: No such object: {}", o.rest.first().map_or("", Str::as_str))),
        },
        "info" => {
            let up = all.items().iter().filter(|c| running(c)).count();
            let count = all.items().len();
            io.outln(format!("Containers: {count}\n Running: {up}\n Paused: 0\n Stopped: {}\nImages: {}\nServer Version: 18.06.0-ce\nStorage Driver: overlay2\nCgroup Driver: cgroupfs", count - up, data.get("images").map_or(0, |i| i.items().len())));
            Ok(0)
        }
        "version" => {
            io.outln("Client:\n Version:           18.06.0-ce\n API version:       1.38\n\nServer:\n Engine:\n  Version:          18.06.0-ce\n  API version:      1.38 (minimum version 1.12)");
            Ok(0)
        }
        "run" | "create" | "build" | "push" | "login" | "network" | "volume" | "compose" | "start" | "commit"
        | "tag" | "save" | "load" => {
            io.fail(1, format!("docker {verb}: this lab's docker only serves the kubelet (docs/FIDELITY.md)"))
        }
        other => io.fail(1, format!("docker: '{other}' is not a docker command.\nSee 'docker --help'")),
    }
}

fn crictl(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // `-r ENDPOINT`, `--runtime-endpoint=…` before the verb.
    let mut at = 1;
    while let Some(w) = args.get(at).filter(|w| w.starts_with('-')) {
        if w == "--version" || w == "-v" {
            io.outln("crictl version v1.26.0");
            return Ok(0);
        }
        at += if w.contains('=') { 1 } else { 2 };
    }
    let Some(verb) = args.get(at).cloned() else {
        io.outln("NAME:\n   crictl - client for CRI\n\nUSAGE:\n   crictl [global options] command [command options] [arguments...]");
        return Ok(0);
    };
    let words: Vec<Str> = args[at..].to_vec();
    let o = parse(io, &words, &SPEC)?;
    let data = io.call("runtime", Value::Null)?;
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    if data.as_str() == "denied" {
        let socket = if modern { "/run/containerd/containerd.sock" } else { "/var/run/dockershim.sock" };
        return io.fail(1, format!("FATA[0000] connect: connect endpoint 'unix://{socket}', make sure you are running as root and the endpoint has been started: dial unix {socket}: connect: permission denied"));
    }
    if data.is_null() {
        let why = if modern {
            "validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\""
        } else {
            "unable to determine runtime API version: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial unix /var/run/dockershim.sock: connect: no such file or directory\""
        };
        return io.fail(1, format!("FATA[0000] {why}"));
    }
    let all = data.get("containers").cloned().unwrap_or_default();
    let now = io.now()?.0;
    let lost = |word: &str| {
        format!(
            "FATA[0000] rpc error: code = NotFound desc = could not find container \"{word}\": container with ID starting with {word} not found: ID does not exist"
        )
    };
    match verb.as_str() {
        "ps" => {
            if !o.has('q') {
                io.outln(format!(
                    "{:<20}{:<20}{:<20}{:<20}{:<26}{:<20}{:<20}POD",
                    "CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID"
                ));
            }
            for c in all.items().iter().rev().filter(|c| c.str("name") != "POD" && (o.has('a') || running(c))) {
                if o.value('M').is_some_and(|n| n != c.str("name")) {
                    continue;
                }
                if o.has('q') {
                    io.outln(c.str("id"));
                    continue;
                }
                let state = if running(c) { "Running" } else { "Exited" };
                let created = format!("{} ago", ago(now, super::int(c, "created")));
                io.outln(format!(
                    "{:<20}{:<20}{created:<20}{state:<20}{:<26}{:<20}{:<20}{}",
                    short(c.str("id"), 13),
                    short(c.str("imageId"), 13),
                    c.str("name"),
                    super::int(c, "attempt"),
                    short(c.str("sandbox"), 13),
                    c.str("pod")
                ));
            }
            Ok(0)
        }
        "pods" => {
            io.outln(format!(
                "{:<20}{:<20}{:<12}{:<36}{:<20}ATTEMPT",
                "POD ID", "CREATED", "STATE", "NAME", "NAMESPACE"
            ));
            for s in data.get("sandboxes").map_or(&[][..], Value::items).iter().rev() {
                let created = format!("{} ago", ago(now, super::int(s, "created")));
                io.outln(format!(
                    "{:<20}{created:<20}{:<12}{:<36}{:<20}{}",
                    short(s.str("id"), 13),
                    if s.get("ready").and_then(Value::as_bool) == Some(true) { "Ready" } else { "NotReady" },
                    s.str("pod"),
                    s.str("namespace"),
                    super::int(s, "attempt")
                ));
            }
            Ok(0)
        }
        "images" | "image" => {
            io.outln(format!("{:<52}{:<24}{:<20}SIZE", "IMAGE", "TAG", "IMAGE ID"));
            for i in data.get("images").map_or(&[][..], Value::items) {
                let (name, tag) = i.str("name").rsplit_once(':').unwrap_or((i.str("name"), "latest"));
                io.outln(format!("{name:<52}{tag:<24}{:<20}{}", short(i.str("digest"), 13), mb(super::int(i, "size"))));
            }
            Ok(0)
        }
        "pull" => pull(io, o.rest.first(), true),
        "logs" => match o.rest.first().and_then(|w| find(&all, w)) {
            Some(c) => logs(io, c, &o),
            None => io.fail(1, lost(o.rest.first().map_or("", Str::as_str))),
        },
        "exec" => match o.rest.first().and_then(|w| find(&all, w)) {
            Some(c) => exec(io, c.str("id"), &o.rest[1..], o.has('i'), o.has('t')),
            None => io.fail(1, lost(o.rest.first().map_or("", Str::as_str))),
        },
        "stop" | "rm" => each(io, &o.rest, &all, (verb.as_str(), o.has('W')), false),
        "info" => {
            io.outln("{\n  \"status\": {\n    \"conditions\": [\n      {\n        \"type\": \"RuntimeReady\",\n        \"status\": true\n      },\n      {\n        \"type\": \"NetworkReady\",\n        \"status\": true\n      }\n    ]\n  }\n}");
            Ok(0)
        }
        "version" => {
            io.outln(if modern {
                "Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  1.7.28\nRuntimeApiVersion:  v1"
            } else {
                "Version:  0.1.0\nRuntimeName:  docker\nRuntimeVersion:  18.06.0-ce\nRuntimeApiVersion:  1.38.0"
            });
            Ok(0)
        }
        other => io.fail(1, format!("No help topic for '{other}'")),
    }
}

fn ctr(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let mut words: Vec<&str> = args[1..].iter().map(Str::as_str).collect();
    let mut namespace = "default";
    if let Some(i) = words.iter().position(|w| matches!(*w, "-n" | "--namespace")) {
        namespace = args.get(i + 2).map_or("default", Str::as_str);
        words.drain(i..(i + 2).min(words.len()));
    }
    let data = io.call("runtime", Value::Null)?;
    if data.is_null() {
        return io.fail(1, "ctr: failed to dial \"/run/containerd/containerd.sock\": connection error: desc = \"transport: error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused\"");
    }
    // Kubernetes' containers live in a namespace of their own.
    let ours = matches!(namespace, "k8s.io" | "moby");
    let all = data.get("containers").cloned().unwrap_or_default();
    match words[..] {
        ["ns" | "namespaces" | "namespace", "ls" | "list"] => io.outln("NAME   LABELS \nk8s.io        "),
        ["c" | "containers" | "container", "ls" | "list"] => {
            io.outln(format!("{:<68}{:<50}RUNTIME", "CONTAINER", "IMAGE"));
            for c in all.items().iter().filter(|_| ours) {
                io.outln(format!("{:<68}{:<50}io.containerd.runc.v2", c.str("id"), c.str("image")));
            }
        }
        ["t" | "tasks" | "task", "ls" | "list"] => {
            io.outln(format!("{:<68}{:<8}STATUS", "TASK", "PID"));
            for c in all.items().iter().filter(|c| ours && running(c)) {
                io.outln(format!("{:<68}{:<8}RUNNING", c.str("id"), super::int(c, "pid")));
            }
        }
        ["t" | "tasks" | "task", "kill", .., id] => {
            let Some(c) = find(&all, id).filter(|_| ours) else {
                return io.fail(1, format!("ctr: no running task found: task {id} not found: not found"));
            };
            io.call("kill", map! { "pid" => super::int(c, "pid"), "signal" => 9 }.into())?;
        }
        ["i" | "images" | "image", "ls" | "list", ..] => {
            io.outln(format!("{:<60}{:<20}SIZE", "REF", "DIGEST"));
            for i in data.get("images").map_or(&[][..], Value::items).iter().filter(|_| ours) {
                io.outln(format!(
                    "{:<60}sha256:{:<13}{}",
                    i.str("name"),
                    short(i.str("digest"), 12),
                    mb(super::int(i, "size"))
                ));
            }
        }
        ["version"] => io.outln("Client:\n  Version:  1.7.28\n\nServer:\n  Version:  1.7.28"),
        _ => {
            return io.fail(
                1,
                "NAME:\n   ctr - \n\nUSAGE:\n   ctr [global options] command [command options] [arguments...]",
            );
        }
    }
    Ok(0)
}

fn pull(io: &mut Io<'_>, image: Option<&Str>, cri: bool) -> Flow<i32> {
    let Some(image) = image else {
        return io.fail(1, "\"docker pull\" requires exactly 1 argument.\nSee 'docker pull --help'.");
    };
    let answer = io.call("runtime-pull", image.into())?;
    io.sleep(Duration(answer.get("micros").and_then(Value::as_int).unwrap_or(0).unsigned_abs()))?;
    let error = answer.str("error");
    if !error.is_empty() {
        return io.fail(
            1,
            if cri {
                format!("FATA[0001] pulling image: {error}")
            } else {
                error.trim_start_matches("rpc error: code = Unknown desc = ").to_owned()
            },
        );
    }
    io.call("runtime-keep", image.into())?;
    let full = answer.str("full");
    if cri {
        io.outln(format!("Image is up to date for sha256:{}", answer.str("digest")));
        return Ok(0);
    }
    let (name, tag) = full.trim_start_matches("docker.io/").rsplit_once(':').unwrap_or((full, "latest"));
    if !image.contains(':') {
        io.outln("Using default tag: latest");
    }
    io.outln(format!(
        "{tag}: Pulling from {name}\nDigest: sha256:{}\nStatus: Downloaded newer image for {}:{tag}",
        answer.str("digest"),
        name.trim_start_matches("library/")
    ));
    Ok(0)
}

fn logs(io: &mut Io<'_>, c: &Value, o: &super::options::Options) -> Flow<i32> {
    let lines = c.get("log").map_or(&[][..], Value::items);
    let tail = o.value('n').and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    for line in &lines[lines.len().saturating_sub(tail)..] {
        io.outln(line.as_str());
    }
    Ok(0)
}

/// A process in a container, through the machine's own shell.
fn exec(io: &mut Io<'_>, id: &str, command: &[Str], stdin: bool, tty: bool) -> Flow<i32> {
    if command.is_empty() {
        return io.fail(1, "\"docker exec\" requires at least 2 arguments.\nSee 'docker exec --help'.");
    }
    let keyboard = io.call("tty", 0.into())?.as_bool().unwrap_or(false);
    let args: List = command.iter().map(Value::from).collect();
    let mut input = map! { "container" => id, "args" => args, "stdin" => stdin, "tty" => tty };
    if stdin && !keyboard {
        input.insert("input", io.read_all()?);
    }
    io.call("runtime-exec", input.into())?;
    loop {
        let event = io.call("remote-next", Value::Null)?;
        if event.is_null() {
            return Ok(1);
        }
        if let Some(code) = event.get("code").and_then(Value::as_int) {
            return Ok(code as i32);
        }
        let stream = if event.str("stream") == "err" { Stream::Err } else { Stream::Out };
        io.print(stream, event.str("text"));
    }
}

fn each(io: &mut Io<'_>, words: &[Str], all: &Value, (verb, force): (&str, bool), docker: bool) -> Flow<i32> {
    if words.is_empty() {
        return io.fail(1, format!("\"docker {verb}\" requires at least 1 argument.\nSee 'docker {verb} --help'."));
    }
    let mut code = 0;
    for word in words {
        let Some(c) = find(all, word) else {
            io.errln(if docker {
                format!("Error: No such container: {word}")
            } else {
                format!("E0000 could not find container \"{word}\"")
            });
            code = 1;
            continue;
        };
        if verb == "rm" && running(c) && !force {
            io.errln(format!("Error response from daemon: You cannot remove a running container {}. Stop the container before attempting removal or force remove", c.str("id")));
            code = 1;
            continue;
        }
        let signal = if verb == "kill" || force { 9 } else { 15 };
        io.call("runtime-stop", map! { "id" => c.str("id"), "signal" => signal, "remove" => verb == "rm" }.into())?;
        io.sleep(Duration::millis(300))?;
        io.outln(word);
    }
    Ok(code)
}
