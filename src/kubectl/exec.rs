//! `kubectl exec`, `attach`, `cp`, `port-forward`: what goes through a kubelet to a container.
//! Models kubectl/pkg/cmd/{exec,attach,cp,portforward}.

use super::context::Cx;
use super::error::{Error, Fail, Run, fail};
use super::{builder, exit, logs};
use crate::api::{Kind, Map, Object, ObjectKey, Request, Response, Status, Value, Verb, meta, pod};
use crate::base::{Str, tar};
use crate::machine::program::Stream::Err;
use std::sync::Arc;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let command: Vec<Str> = match cx.dash {
        Some(at) => cx.args[at..].to_vec(),
        None => cx.args.get(1..).unwrap_or_default().to_vec(),
    };
    let targets = cx.dash.unwrap_or(cx.args.len());
    if cx.args.is_empty() || targets == 0 {
        return fail("pod, type/name or --filename must be specified");
    }
    if cx.dash.is_none() {
        let modern = "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead";
        if cx.modern() && !command.is_empty() {
            return fail(format!("{modern}\nSee 'kubectl exec -h' for help and examples"));
        }
        if !command.is_empty() {
            cx.io.errln("kubectl exec [POD] [COMMAND] is DEPRECATED and will be removed in a future version. Use kubectl exec [POD] -- [COMMAND] instead.");
        }
    }
    if command.is_empty() {
        return fail("you must specify at least one command for the container");
    }
    let word = cx.args[0].clone();
    let p = logs::one_pod(cx, &word, false)?;
    if pod::terminal(&p) {
        return fail(format!("cannot exec into a container in a completed pod; current phase is {}", pod::phase(&p)));
    }
    let container = container(cx, &p)?;
    terminal_check(cx)?;
    through_kubelet(cx, &p.key, &container, &command)
}

fn terminal_check(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.yes("tty") && cx.io.call("tty", 0.into())?.as_bool() == Some(false) {
        cx.io.errln("Unable to use a TTY - input is not a terminal or the right kind of file");
    }
    Ok(())
}

fn container(cx: &mut Cx<'_, '_>, p: &Object) -> Run<Str> {
    let asked: Str = cx.flags.text("container").into();
    let names: Vec<Str> = pod::containers(p).iter().map(|c| c.str("name").into()).collect();
    if !asked.is_empty() {
        return if names.contains(&asked) || pod::init_containers(p).iter().any(|c| c.str("name") == asked) {
            Ok(asked)
        } else {
            let why = format!("container {asked} is not valid for pod {}", p.name());
            let inits = pod::init_containers(p).iter().map(|c| format!("{} (init)", c.str("name")));
            let all: Vec<String> = names.iter().map(Str::to_string).chain(inits).collect();
            match (cx.modern(), cx.path.as_str()) {
                (false, "kubectl attach") => {
                    fail(format!("cannot attach to the container: container not found ({asked})"))
                }
                (true, "kubectl attach") => {
                    fail(format!("cannot attach to the container: {why} out of: {}", all.join(", ")))
                }
                // 1.20 leaves it to the server.
                (false, _) => Result::Err(Status::new(crate::api::Reason::BadRequest, why).into()),
                (true, _) => fail(format!("{why} out of: {}", all.join(", "))),
            }
        };
    }
    if let Some(default) = meta::annotation(p, "kubectl.kubernetes.io/default-container") {
        return Ok(default.into());
    }
    let first = names.first().cloned().unwrap_or_default();
    if names.len() > 1 {
        let all: Vec<&str> = names.iter().map(Str::as_str).collect();
        let book = format!(
            "Defaulting container name to {first}.\nUse 'kubectl describe pod/{} -n {}' to see all of the containers in this pod.",
            p.name(),
            p.namespace()
        );
        let line =
            if cx.modern() { format!("Defaulted container \"{first}\" out of: {}", all.join(", ")) } else { book };
        cx.io.errln(line);
    }
    Ok(first)
}

/// A stream into a container.
struct Stream<'s> {
    subresource: &'s str,
    command: &'s [Str],
    stdin: bool,
    tty: bool,
    /// All of standard input, where it is no terminal.
    input: Option<Str>,
    /// Keep the output instead of printing it.
    keep: bool,
}

/// What came of it: exit code, and the output kept.
struct Ended {
    code: i32,
    out: String,
}

/// Runs a command in a container: the API server passes it to the pod's kubelet.
fn through_kubelet(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str, command: &[Str]) -> Run {
    let (stdin, tty) = (cx.flags.yes("stdin"), cx.flags.yes("tty"));
    let terminal = cx.io.call("tty", 0.into())?.as_bool().unwrap_or(false);
    let input = if stdin && !terminal { Some(cx.io.read_all()?) } else { None };
    let tty = tty && terminal;
    let subresource = if command.is_empty() { "attach" } else { "exec" };
    let stream = Stream { subresource, command, stdin, tty, input, keep: false };
    let ended = open(cx, key, container, &stream)?;
    if subresource == "attach" { Ok(()) } else { finish(cx, &ended) }
}

fn finish(cx: &mut Cx<'_, '_>, ended: &Ended) -> Run {
    match ended.code {
        0 => Ok(()),
        code => {
            let line = format!("command terminated with exit code {code}");
            cx.io.errln(line);
            exit(code)
        }
    }
}

fn ask(cx: &mut Cx<'_, '_>, key: &ObjectKey, subresource: &str, body: Map) -> Run<Str> {
    let mut request = Request::new(Verb::Create, Kind::POD, key.namespace.clone(), key.name.clone());
    request.subresource = subresource.into();
    request.body = Some(Value::Map(body));
    match cx.send(request) {
        Ok(Response::Text(text)) => Ok(text),
        Ok(_) => Ok(Str::new()),
        Result::Err(Fail::Error(Error::Status(status))) if status.message.contains("unable to upgrade connection") => {
            fail(status.message.to_string())
        }
        Result::Err(other) => Result::Err(other),
    }
}

fn open(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str, stream: &Stream<'_>) -> Run<Ended> {
    let me = cx.io.call("me", Value::Null)?;
    let number = |name: &str| me.get(name).and_then(Value::as_int).unwrap_or(0);
    let mut body = map! {
        "container" => container,
        "args" => stream.command.iter().map(Value::from).collect::<Vec<_>>(),
        "stdin" => stream.stdin,
        "tty" => stream.tty,
        "terminal" => number("terminal"),
        "token" => number("token"),
    };
    if let Some(text) = &stream.input {
        body.insert("input", text);
    }
    let peer = ask(cx, key, stream.subresource, body)?;
    let session = stream.stdin && stream.input.is_none();
    let adopted = map! { "peer" => peer.parse::<i64>().unwrap_or(0), "session" => session };
    cx.io.call("remote-adopt", adopted.into())?;
    relay(cx, stream.keep)
}

/// Prints what comes until the command has ended.
fn relay(cx: &mut Cx<'_, '_>, keep: bool) -> Run<Ended> {
    let mut out = String::new();
    loop {
        let event = cx.io.call("remote-next", Value::Null)?;
        if event.is_null() {
            return fail("unexpected EOF");
        }
        if let Some(code) = event.get("code").and_then(Value::as_int) {
            // containerd's refusal comes as an error, docker's as output of the command.
            let refusal = out.trim_end();
            if cx.modern() && code == 126 && refusal.starts_with("Internal error occurred") {
                return fail(refusal);
            }
            return Ok(Ended { code: i32::try_from(code).unwrap_or(1), out });
        }
        let (err, text) = (event.str("stream") == "err", event.str("text"));
        if err {
            cx.io.print(Err, text);
        } else if keep || cx.modern() && text.starts_with("Internal error occurred: ") {
            out += text;
        } else {
            cx.io.out(text);
        }
    }
}

pub fn attach(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.is_empty() {
        return fail("at least 1 argument is required for attach");
    }
    if cx.args.len() > 2 {
        let all: Vec<&str> = cx.args.iter().map(Str::as_str).collect();
        let (n, all) = (all.len(), all.join(" "));
        return fail(format!("expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {n}: [{all}]"));
    }
    let word = cx.args.join("/");
    let p = logs::one_pod(cx, &word, false)?;
    if pod::terminal(&p) {
        return fail(format!("cannot attach a container in a completed pod; current phase is {}", pod::phase(&p)));
    }
    let container = container(cx, &p)?;
    attach_to(cx, &p.key, &container)
}

/// Attaches to a container's first process: a shell answers to what is typed.
pub fn attach_to(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str) -> Run {
    terminal_check(cx)?;
    cx.io.errln("If you don't see a command prompt, try pressing enter.");
    through_kubelet(cx, key, container, &[])
}

pub fn port_forward(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() < 2 {
        return cx.usage("TYPE/NAME and list of ports are required for port-forward");
    }
    let word = cx.args[0].clone();
    let p = logs::one_pod(cx, &word, false)?;
    if pod::phase(&p) != "Running" {
        return fail(format!("unable to forward port because pod is not running. Current status={}", pod::phase(&p)));
    }
    let service = service_of(cx, &word)?;
    let mut pairs = Vec::new();
    for ports in cx.args.iter().skip(1) {
        pairs.push(pair_of(ports, service.as_deref(), &p)?);
    }
    for (local, remote) in &pairs {
        check_port("local", local)?;
        check_port("remote", remote)?;
    }
    for (local, remote) in &pairs {
        let (local, remote) = (local.as_str(), remote.as_str());
        let place = ask(cx, &p.key, "portforward", map! { "port" => remote })?;
        let local = if local.is_empty() { remote } else { local };
        let input = map! { "place" => &place, "local" => local, "remote" => remote };
        let why = cx.io.call("port-forward", Value::Map(input))?;
        if !why.as_str().is_empty() {
            let line = format!(
                "Unable to listen on port {local}: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:{local}: bind: address already in use]"
            );
            cx.io.errln(line);
            return fail(format!("unable to listen on any of the requested ports: [{{{local} {remote}}}]"));
        }
        for address in ["127.0.0.1", "[::1]"] {
            let line = format!("Forwarding from {address}:{local} -> {remote}");
            cx.io.outln(line);
        }
    }
    // Until interrupted.
    loop {
        let event = cx.io.call("remote-next", Value::Null)?;
        let line = format!("Handling connection for {}", event.get("port").and_then(Value::as_int).unwrap_or(0));
        cx.io.outln(line);
    }
}

/// The service that `svc/NAME` means.
fn service_of(cx: &mut Cx<'_, '_>, word: &str) -> Run<Option<Arc<Object>>> {
    let Some((kind, name)) = word.split_once('/') else { return Ok(None) };
    if builder::one_type(cx, kind)?.modelled != Some(Kind::SERVICE) {
        return Ok(None);
    }
    let key = ObjectKey::new(Kind::SERVICE, cx.namespace()?, name);
    cx.get(&key).map(Some)
}

/// `LOCAL:REMOTE` with names looked up, and a service's port as the container's behind it.
/// Models translateServicePortToTargetPort and convertPodNamedPortToNumber.
fn pair_of(ports: &str, service: Option<&Object>, p: &Object) -> Run<(String, String)> {
    let (local, remote) = ports.split_once(':').unwrap_or((ports, ports));
    let same = local == remote;
    let of_pod = |name: &str| -> Run<i64> {
        let all = pod::containers(p).iter().flat_map(|c| c.get("ports").map_or(&[][..], Value::items));
        let found = all.filter(|q| q.str("name") == name).find_map(|q| q.get("containerPort").and_then(Value::as_int));
        found.map_or_else(|| fail(format!("Pod '{}' does not have a named port '{name}'", p.name())), Ok)
    };
    let number: Option<i64> = remote.parse().ok();
    let Some(service) = service else {
        let remote = match number {
            Some(_) => remote.to_owned(),
            None => of_pod(remote)?.to_string(),
        };
        return Ok((if same { remote.clone() } else { local.to_owned() }, remote));
    };
    let ports = service.items(&["spec", "ports"]);
    let port_of = |q: &Value| q.get("port").and_then(Value::as_int);
    let number = match number {
        Some(n) => n,
        None => match ports.iter().find(|q| q.str("name") == remote).and_then(port_of) {
            Some(n) => n,
            None => return fail(format!("Service '{}' does not have a named port '{remote}'", service.name())),
        },
    };
    let local = if same { number.to_string() } else { local.to_owned() };
    let Some(found) = ports.iter().find(|q| port_of(q) == Some(number)) else {
        return fail(format!("Service {} does not have a service port {number}", service.name()));
    };
    let target = match found.get("targetPort") {
        _ if service.str(&["spec", "clusterIP"]) == "None" => number,
        Some(Value::Str(name)) => of_pod(name)?,
        Some(Value::Int(n)) if *n != 0 => *n,
        _ => number,
    };
    Ok((local, target.to_string()))
}

fn check_port(what: &str, text: &str) -> Run {
    if text.is_empty() && what == "local" || text.parse::<u16>().is_ok() {
        return Ok(());
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let why = if digits { "value out of range" } else { "invalid syntax" };
    fail(format!("error parsing {what} port '{text}': strconv.ParseUint: parsing \"{text}\": {why}"))
}

/// Models kubectl/pkg/cmd/cp: tar on one side, tar in the container on the other.
pub fn cp(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() != 2 {
        return fail("source and destination are required");
    }
    let (from, to) = (cx.args[0].clone(), cx.args[1].clone());
    let deep = |s: &Str| remote(s).is_some_and(|(place, _)| place.matches('/').count() > 1);
    if deep(&from) || deep(&to) {
        return fail("filespec must match the canonical format: [[namespace/]pod:]file/path");
    }
    match (remote(&from), remote(&to)) {
        (Some(_), Some(_)) => fail("one of src or dest must be a local file specification"),
        (None, None) => fail("one of src or dest must be a remote file specification"),
        (Some((place, path)), None) => copy_from(cx, place, path, &to),
        (None, Some((place, path))) => copy_to(cx, &from, place, path),
    }
}

/// `[namespace/]pod:path`
fn remote(spec: &str) -> Option<(&str, &str)> {
    spec.split_once(':').filter(|(place, _)| !place.is_empty() && !place.starts_with(['/', '.']))
}

/// `pod` or `namespace/pod`.
fn place_of(cx: &mut Cx<'_, '_>, place: &str) -> Run<(ObjectKey, Str)> {
    let (namespace, name) = match place.split_once('/') {
        Some((namespace, name)) => (namespace.into(), name),
        None => (cx.namespace()?, place),
    };
    let key = ObjectKey::new(Kind::POD, namespace, name);
    let p = cx.get(&key)?;
    let container = container(cx, &p)?;
    Ok((key, container))
}

fn in_container(cx: &mut Cx<'_, '_>, at: &(ObjectKey, Str), words: &[&str], input: Option<Str>) -> Run<Ended> {
    let command: Vec<Str> = words.iter().map(|w| Str::from(*w)).collect();
    let stdin = input.is_some();
    let stream = Stream { subresource: "exec", command: &command, stdin, tty: false, input, keep: true };
    open(cx, &at.0, &at.1, &stream)
}

fn copy_to(cx: &mut Cx<'_, '_>, from: &str, place: &str, path: &str) -> Run {
    let stat = cx.io.call("stat", from.into())?;
    if stat.is_null() {
        return fail(format!("{from} doesn't exist in local filesystem"));
    }
    let at = place_of(cx, place)?;
    // An existing folder takes the copy in; any other name is what it will be called.
    let into = path.ends_with('/') || in_container(cx, &at, &["test", "-d", path], None)?.code == 0;
    let base = from.trim_end_matches('/').rsplit('/').next().unwrap_or(from);
    let whole = if into { format!("{}/{base}", path.trim_end_matches('/')) } else { path.to_owned() };
    let (folder, name) = whole.rsplit_once('/').unwrap_or((".", &whole));
    let mut entries = Vec::new();
    gather(cx, from, name, &mut entries)?;
    let folder = if folder.is_empty() { "/" } else { folder };
    let ended = in_container(cx, &at, &["tar", "-xmf", "-", "-C", folder], Some(tar::write(&entries).into()))?;
    finish(cx, &ended)
}

/// A file, or a folder with all below it, under the name it gets.
fn gather(cx: &mut Cx<'_, '_>, path: &str, name: &str, entries: &mut Vec<tar::Entry>) -> Run {
    let names = cx.io.call("list-dir", path.into())?;
    if names.is_null() {
        return match cx.io.read_file(path)? {
            Ok(text) => {
                entries.push(tar::Entry { name: name.into(), content: text, folder: false, mode: 0o644 });
                Ok(())
            }
            Result::Err(why) => fail(format!("open {path}: {}", why.to_lowercase())),
        };
    }
    entries.push(tar::Entry { name: name.into(), content: Str::new(), folder: true, mode: 0o755 });
    for child in names.items() {
        let child = child.as_str().trim_end_matches('/');
        gather(cx, &format!("{path}/{child}"), &format!("{name}/{child}"), entries)?;
    }
    Ok(())
}

fn copy_from(cx: &mut Cx<'_, '_>, place: &str, path: &str, to: &str) -> Run {
    let at = place_of(cx, place)?;
    let ended = in_container(cx, &at, &["tar", "cf", "-", path], None)?;
    if path.starts_with('/') {
        cx.io.outln("tar: Removing leading `/' from member names");
    }
    if ended.code != 0 {
        return finish(cx, &ended);
    }
    let prefix = path.trim_matches('/');
    let into = cx.io.call("stat", to.into())?.get("folder").and_then(Value::as_bool) == Some(true);
    let base = prefix.rsplit('/').next().unwrap_or(prefix);
    let target = if into { format!("{}/{base}", to.trim_end_matches('/')) } else { to.to_owned() };
    for entry in tar::read(&ended.out) {
        let rest = entry.name.trim_end_matches('/').strip_prefix(prefix).unwrap_or(&entry.name);
        let path = format!("{target}{rest}");
        if entry.folder {
            cx.io.call("make-dir", path.into())?;
        } else if let Result::Err(why) = cx.io.write_file(&path, entry.content)? {
            return fail(format!("open {path}: {}", why.to_lowercase()));
        }
    }
    Ok(())
}
