//! `kubectl exec`, `attach`, `cp`, `port-forward`: what goes through a kubelet to a container.
//! Models kubectl/pkg/cmd/{exec,attach,cp,portforward}.

use super::context::Cx;
use super::error::{Run, fail};
use super::{exit, logs};
use crate::api::{Object, ObjectKey, Value, meta, pod};
use crate::base::Str;

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
        return cx.usage("you must specify at least one command for the container");
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
    if cx.flags.yes("tty") && cx.io.call("tty", Value::Null)?.as_bool() == Some(false) {
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
            fail(format!("container {asked} is not valid for pod {}", p.name()))
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

/// Containers of the simulation run no commands of their own yet (docs/FIDELITY.md): say so instead
/// of seeming to have done it.
fn modelled(answer: &Value) -> Run {
    if answer.is_null() {
        return fail(
            "the simulation does not reach into containers yet: exec, attach, cp and port-forward are not modelled",
        );
    }
    Ok(())
}

/// Runs a command in a container: the machine layer plays API server, kubelet and runtime.
fn through_kubelet(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str, command: &[Str]) -> Run {
    let input = map! {
        "namespace" => &key.namespace,
        "pod" => &key.name,
        "container" => container,
        "command" => command.iter().map(Value::from).collect::<Vec<_>>(),
        "stdin" => cx.flags.yes("stdin"),
        "tty" => cx.flags.yes("tty"),
    };
    let answer = cx.io.call("pod-exec", Value::Map(input))?;
    modelled(&answer)?;
    if !answer.str("error").is_empty() {
        return fail(answer.str("error"));
    }
    cx.io.out(answer.str("stdout"));
    cx.io.print(crate::machine::program::Stream::Err, answer.str("stderr"));
    match answer.get("code").and_then(Value::as_int).unwrap_or(0) {
        0 => Ok(()),
        code => {
            let line = format!("command terminated with exit code {code}");
            cx.io.errln(line);
            exit(i32::try_from(code).unwrap_or(1))
        }
    }
}

pub fn attach(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.is_empty() {
        return cx.usage("at least 1 argument is required for attach");
    }
    let word = cx.args[0].clone();
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
    for ports in cx.args.clone().into_iter().skip(1) {
        let (local, remote) = ports.split_once(':').unwrap_or((&ports, &ports));
        if remote.parse::<u16>().is_err() || !local.is_empty() && local.parse::<u16>().is_err() {
            let bad = if remote.parse::<u16>().is_err() { remote } else { local };
            return fail(format!(
                "error parsing {} port '{bad}': strconv.ParseUint: parsing \"{bad}\": invalid syntax",
                if bad == remote { "remote" } else { "local" }
            ));
        }
        let input = map! { "namespace" => p.namespace(), "pod" => p.name(), "local" => local, "remote" => remote };
        let answer = cx.io.call("port-forward", Value::Map(input))?;
        modelled(&answer)?;
        if !answer.str("error").is_empty() {
            return fail(answer.str("error"));
        }
        let local = if local.is_empty() { remote } else { local };
        for address in ["127.0.0.1", "[::1]"] {
            let line = format!("Forwarding from {address}:{local} -> {remote}");
            cx.io.outln(line);
        }
    }
    // Until interrupted.
    loop {
        cx.io.sleep(crate::base::Duration::secs(3600))?;
    }
}

pub fn cp(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() != 2 {
        return cx.usage("source and destination are required");
    }
    let (from, to) = (cx.args[0].clone(), cx.args[1].clone());
    match (from.split_once(':'), to.split_once(':')) {
        (Some(_), Some(_)) => fail("src and dest are both remote file specifications: one of them must be local")
            .or_else(|_: super::error::Fail| fail(format!("{} doesn't exist in local filesystem", from))),
        (None, None) => fail("one of src or dest must be a remote file specification"),
        (Some((place, path)), None) => {
            let (key, container) = place_of(cx, place)?;
            let answer = copy(cx, &key, &container, path, None)?;
            match cx.io.write_file(&to, answer)? {
                Ok(_) => Ok(()),
                Err(why) => fail(format!("open {to}: {why}")),
            }
        }
        (None, Some((place, path))) => {
            let (key, container) = place_of(cx, place)?;
            match cx.io.read_file(&from)? {
                Ok(text) => copy(cx, &key, &container, path, Some(text)).map(drop),
                Err(_) => fail(format!("{from} doesn't exist in local filesystem")),
            }
        }
    }
}

/// `pod` or `namespace/pod`.
fn place_of(cx: &mut Cx<'_, '_>, place: &str) -> Run<(ObjectKey, Str)> {
    let (namespace, name) = match place.split_once('/') {
        Some((namespace, name)) => (namespace.into(), name),
        None => (cx.namespace()?, place),
    };
    let key = ObjectKey::new(crate::api::Kind::POD, namespace, name);
    let p = cx.get(&key)?;
    let container = container(cx, &p)?;
    Ok((key, container))
}

fn copy(cx: &mut Cx<'_, '_>, key: &ObjectKey, container: &str, path: &str, text: Option<Str>) -> Run<Str> {
    let mut input =
        map! { "namespace" => &key.namespace, "pod" => &key.name, "container" => container, "path" => path };
    if let Some(text) = text {
        input.insert("text", text);
    }
    let answer = cx.io.call("pod-copy", Value::Map(input))?;
    modelled(&answer)?;
    if !answer.str("error").is_empty() {
        return fail(answer.str("error"));
    }
    Ok(answer.str("text").into())
}
