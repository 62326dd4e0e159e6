//! Commands in containers, their logs and ports, on the side of the world.

use std::sync::mpsc::Sender;

use kubedrill::api::{Kind, ObjectKey, Request, Response, Value, Verb, pod};
use kubedrill::base::{Duration, Str, Time};
use kubedrill::machine::Forward;
use kubedrill::map;
use kubedrill::network::{self, Outcome};
use kubedrill::sim::{ActorId, Msg, TraceId};

use super::http::{Asked, Part};
use super::{Server, encode, route};

/// A command that somebody's connection shows.
pub struct Remote {
    pub id: u64,
    token: u64,
    /// The terminal it runs at.
    peer: ActorId,
    to: Sender<Part>,
}

/// A log that is read as it grows.
pub struct Follower {
    request: Request,
    times: bool,
    seen: usize,
    next: Time,
    to: Sender<Part>,
}

const TEXT: &str = "text/plain";

impl Server {
    /// Sends a request to a pod's `exec`, `attach` or `portforward`.
    fn open(&mut self, asked: &Asked, body: kubedrill::api::Map) -> Result<Str, Part> {
        let mut request = match route::route(asked, self.profile, &self.customs()) {
            route::Target::Request(request, _) => *request,
            route::Target::Plain(part) => return Err(part),
        };
        request.verb = Verb::Create;
        request.body = Some(Value::Map(body));
        let token = self.send(request);
        match self.wait(token) {
            Some(Ok(Response::Text(text))) => Ok(text),
            Some(Ok(Response::Error(error))) => Err(encode::refusal(&error)),
            _ => Err(encode::unreachable("the simulated API server does not answer")),
        }
    }

    pub fn exec(&mut self, id: u64, asked: &Asked, input: Option<String>, to: Sender<Part>) {
        let flag = |name: &str| matches!(asked.query(name), Some("true" | "1"));
        let token = self.tokens + 1;
        let mut body = map! {
            "container" => asked.query("container").unwrap_or(""),
            "args" => asked.query_all("command").map(Value::from).collect::<Vec<_>>(),
            "stdin" => flag("stdin"),
            "tty" => flag("tty"),
            "terminal" => i64::from(self.client.0),
            "token" => i64::try_from(token).unwrap_or(0),
        };
        if let Some(text) = input {
            body.insert("input", text);
        }
        // What the command prints may come with the answer.
        self.remotes.push(Remote { id, token, peer: ActorId::default(), to: to.clone() });
        let part = match self.open(asked, body) {
            Ok(peer) => {
                if let Some(r) = self.remotes.iter_mut().find(|r| r.id == id) {
                    r.peer = ActorId(peer.parse().unwrap_or(0));
                }
                Part::Upgraded
            }
            Err(part) => {
                self.remotes.retain(|r| r.id != id);
                part
            }
        };
        let _ = to.send(part);
    }

    /// Sends something about a command to the terminal that runs it.
    pub fn tell(&mut self, id: u64, topic: &str, text: Value) {
        let Some(r) = self.remotes.iter().find(|r| r.id == id) else { return };
        let data = map! {
            "terminal" => i64::from(self.client.0), "token" => i64::try_from(r.token).unwrap_or(0), "text" => text,
        };
        let (peer, msg) = (r.peer, Msg::Notify(topic.into(), data.into()));
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.send(peer, Duration::millis(1), msg));
    }

    /// Output, prompt or exit code of a command.
    pub fn printed(&mut self, event: &Value) {
        let token = event.get("token").and_then(Value::as_int).and_then(|n| u64::try_from(n).ok());
        let Some(at) = self.remotes.iter().position(|r| Some(r.token) == token) else { return };
        let code = event.get("code").and_then(Value::as_int).or_else(|| event.get("lost").map(|_| 137));
        let part = match (code, event.get("prompt")) {
            (Some(code), _) => Part::Ended(code),
            (None, Some(prompt)) => Part::Printed(false, prompt.as_str().to_owned()),
            (None, None) => Part::Printed(event.str("stream") == "err", event.str("text").to_owned()),
        };
        let _ = self.remotes[at].to.send(part);
        if code.is_some() {
            self.remotes.remove(at);
        }
    }

    /// What listens at a port of a pod, in HTTP; or why nothing does.
    pub fn forward(&mut self, asked: &Asked, port: u16) -> Part {
        let refused = |why: &str| {
            let pod = asked.path.split('/').rev().nth(1).unwrap_or_default();
            let text = format!("error forwarding port {port} to pod {pod}, uid : {why}");
            Part::Whole(500, TEXT, text.into_bytes())
        };
        let place = match self.open(asked, map! { "port" => port.to_string() }) {
            Ok(place) => place,
            Err(Part::Whole(_, _, body)) => return refused(&String::from_utf8_lossy(&body)),
            Err(_) => return refused("no answer"),
        };
        let (machine, sandbox) = place.split_once(' ').unwrap_or_default();
        // The host holds a port for as long as the connection lasts.
        const HELD: u16 = 1;
        let machine = machine.parse().unwrap_or(0);
        let held = Forward { terminal: self.client, task: 0, machine, sandbox: sandbox.into(), port };
        self.world.machine_mut(0).forwards.insert(HELD, held);
        let found = network::connect(&mut self.world, 0, None, "127.0.0.1", HELD, TraceId::NONE);
        self.world.machine_mut(0).forwards.remove(&HELD);
        match found.outcome {
            Outcome::Ok(peer) => {
                let ask = network::http::Ask::default();
                let answer = network::http::get(&mut self.world, &peer, &ask, TraceId::NONE);
                let body = answer.map(|a| a.body).unwrap_or_default();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
                let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
                Part::Whole(200, TEXT, whole.into_bytes())
            }
            _ => refused(&format!("exit status 1: socat E connect(5, AF=2 127.0.0.1:{port}, 16): Connection refused")),
        }
    }

    /// The log of a container; with `follow` until the pod is over.
    pub fn log(&mut self, asked: &Asked, request: Request, to: Sender<Part>) {
        let number = |name: &str| asked.query(name).and_then(|n| n.parse::<usize>().ok());
        let flag = |name: &str| matches!(asked.query(name), Some("true" | "1"));
        let token = self.send(request.clone());
        let text = match self.wait(token) {
            Some(Ok(Response::Text(text))) => text,
            Some(Ok(Response::Error(error))) => {
                let _ = to.send(encode::refusal(&error));
                return;
            }
            _ => {
                let _ = to.send(encode::unreachable("the simulated API server does not answer"));
                return;
            }
        };
        let all: Vec<&str> = text.lines().collect();
        let times = flag("timestamps");
        let since = number("sinceSeconds").map(|s| self.world.now - Duration::secs(s as u64));
        let since = since.or_else(|| asked.query("sinceTime").and_then(Time::parse_rfc3339));
        let fresh = |l: &&&str| since.is_none_or(|from| stamp(l).0.is_none_or(|at| at >= from));
        let mut shown: Vec<&str> = all.iter().filter(fresh).copied().collect();
        if let Some(n) = number("tailLines") {
            shown.drain(..shown.len().saturating_sub(n));
        }
        let mut out: String = shown.iter().map(|l| line(l, times)).collect();
        if let Some(n) = number("limitBytes") {
            out.truncate((0..=n.min(out.len())).rev().find(|i| out.is_char_boundary(*i)).unwrap_or(0));
        }
        if !flag("follow") {
            let _ = to.send(Part::Whole(200, TEXT, out.into_bytes()));
            return;
        }
        let _ = to.send(Part::Begin(TEXT));
        if !out.is_empty() {
            let _ = to.send(Part::Chunk(out));
        }
        let next = self.world.now + Duration::secs(1);
        self.logs.push(Follower { request, times, seen: all.len(), next, to });
    }

    /// Hands on what logs have got since, once a second.
    pub fn follow(&mut self) {
        let now = self.world.now;
        let (due, later): (Vec<Follower>, Vec<Follower>) = self.logs.drain(..).partition(|f| f.next <= now);
        self.logs = later;
        for mut f in due {
            let token = self.send(f.request.clone());
            let Some(Ok(Response::Text(text))) = self.wait(token) else { continue };
            let all: Vec<&str> = text.lines().collect();
            let out: String = all.iter().skip(f.seen).map(|l| line(l, f.times)).collect();
            // An empty chunk would end the answer.
            if !out.is_empty() && f.to.send(Part::Chunk(out)).is_err() {
                continue;
            }
            let key = ObjectKey::new(Kind::POD, f.request.namespace.clone(), f.request.name.clone());
            let token = self.send(Request { user: f.request.user.clone(), ..Request::get(&key) });
            match self.wait(token) {
                Some(Ok(Response::Object(p))) if !pod::terminal(&p) => {
                    (f.seen, f.next) = (all.len(), self.world.now + Duration::secs(1));
                    self.logs.push(f);
                }
                _ => {}
            }
        }
    }
}

fn stamp(line: &str) -> (Option<Time>, &str) {
    match line.split_once(' ') {
        Some((at, rest)) => Time::parse_rfc3339(at).map_or((None, line), |t| (Some(t), rest)),
        None => (None, line),
    }
}

fn line(line: &str, times: bool) -> String {
    format!("{}\n", if times { line } else { stamp(line).1 })
}
