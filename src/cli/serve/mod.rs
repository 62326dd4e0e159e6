//! `kubedrill serve`: the simulated API server over HTTP, for a real kubectl on the same computer.
//! One thread owns the world; each connection has a thread that only reads and writes bytes.
#![allow(clippy::float_arithmetic, reason = "wall time is measured outside the simulation")]

mod discovery;
mod encode;
mod http;
mod remote;
mod route;
mod spdy;
mod stream;

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration as Wall, Instant};

use kubedrill::addons::lab;
use kubedrill::api::discovery::{Resource, declared as discovery_of};
use kubedrill::api::{Kind, Profile, Request, Response, Value, WatchEvent, custom};
use kubedrill::base::Duration;
use kubedrill::component_boilerplate;
use kubedrill::sim::{ActorId, Caller, Component, Config, Ctx, Endpoint, Msg, Reply, TraceId, World};
use lexopt::prelude::*;

use crate::args::{self, Failure, failed, usage};
use http::{Asked, Part};

const HELP: &str = "\
Usage: kubedrill serve [OPTIONS]

Serves the API of a simulated cluster over plain HTTP on 127.0.0.1 and writes a kubeconfig for it.
A real kubectl of about the profile's version works against it.

Options:
  --port N                TCP port (default 8001; 0: any free one)
  --profile book|modern   which cluster (default book)
  --seed N                decides everything that chance decides (default 1)
  --workers N             worker machines, 1 to 9 (default 3)
  --masters N             control planes: 1, 3 or 5 (default 1)
  --speed X               simulated seconds in one real second (default 1)
  --frozen                time passes only while a request is answered or a watch is open
  --kubeconfig FILE       where to write the kubeconfig (default kubedrill.kubeconfig)
";

/// Where the simulated API server is.
const SERVER: &str = "192.168.1.10";
/// No request is waited for longer than this simulated time.
const PATIENCE: Duration = Duration::mins(2);
const TICK: Wall = Wall::from_millis(20);

/// The world's end of all connections.
#[derive(Clone, Debug, Default)]
struct Client {
    replies: Vec<(u64, Reply)>,
    events: Vec<(u64, WatchEvent)>,
    closed: Vec<u64>,
    /// What commands in containers print, and how they end.
    remote: Vec<Value>,
}

impl Component for Client {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Response(token, reply) => self.replies.push((token, reply)),
            Msg::Watch(token, event) => self.events.push((token, event)),
            Msg::WatchClosed(token) => self.closed.push(token),
            Msg::Notify(topic, data) if topic == "remote" => self.remote.push(data),
            _ => {}
        }
    }
    component_boilerplate!();
}

/// A watch that a connection reads.
struct Stream {
    token: u64,
    to: Sender<Part>,
    how: encode::How,
    /// A table's columns were sent.
    begun: bool,
    until: kubedrill::base::Time,
}

/// What connections want of the world.
enum Ask {
    Answer(Asked, Sender<Part>),
    /// A command in a container: the connection's number, and all of its input where it is known.
    Exec(u64, Asked, Option<String>, Sender<Part>),
    /// A line typed to it, or the end of input.
    Typed(u64, Option<String>),
    Interrupt(u64),
    /// Its client went.
    Gone(u64),
    /// A request to a port of a pod.
    Forward(Asked, u16, Sender<Part>),
}

struct Server {
    world: World,
    client: ActorId,
    profile: Profile,
    tokens: u64,
    streams: Vec<Stream>,
    remotes: Vec<remote::Remote>,
    logs: Vec<remote::Follower>,
}

pub fn run(mut parser: lexopt::Parser) -> Result<(), Failure> {
    let mut config = Config::default();
    let (mut port, mut speed, mut frozen) = (8001_u16, 1_u64, false);
    let mut file = std::path::PathBuf::from("kubedrill.kubeconfig");
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return args::print(HELP),
            Long("port") => port = args::number(&mut parser, "--port")?,
            Long("profile") => config.profile = args::profile(&mut parser)?,
            Long("seed") => config.seed = args::number(&mut parser, "--seed")?,
            Long("workers") => config.workers = args::number(&mut parser, "--workers")?,
            Long("masters") => config.masters = args::number(&mut parser, "--masters")?,
            Long("speed") => speed = args::number(&mut parser, "--speed")?,
            Long("frozen") => frozen = true,
            Long("kubeconfig") => file = parser.value()?.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    if !matches!(config.masters, 1 | 3 | 5) {
        return Err(usage(format!("--masters: expected 1, 3 or 5, got {}", config.masters)));
    }
    if !(1..=9).contains(&config.workers) {
        return Err(usage(format!("--workers: expected 1 to 9, got {}", config.workers)));
    }
    if !(1..=1000).contains(&speed) {
        return Err(usage(format!("--speed: expected 1 to 1000, got {speed}")));
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|e| failed(format!("127.0.0.1:{port}: {e}")))?;
    let address = listener.local_addr().map_err(failed)?;
    std::fs::write(&file, kubeconfig(&address.to_string())).map_err(|e| failed(format!("{}: {e}", file.display())))?;
    let mut world = lab::ready(&config);
    let client = world.spawn(0, "client", Arc::new(Client::default()), TraceId::NONE);
    let (to_world, asked) = mpsc::channel();
    std::thread::spawn(move || accept(&listener, &to_world));
    args::print(&format!("listening on http://{address}\nKUBECONFIG={} kubectl get nodes\n", file.display()))?;
    let mut server = Server {
        world,
        client,
        profile: config.profile,
        tokens: 0,
        streams: Vec::new(),
        remotes: Vec::new(),
        logs: Vec::new(),
    };
    server.serve(&asked, speed, frozen);
    Ok(())
}

fn kubeconfig(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: kubedrill\n  cluster:\n    server: http://{address}\ncontexts:\n- name: kubedrill\n  context:\n    cluster: kubedrill\n    user: kubernetes-admin\ncurrent-context: kubedrill\nusers:\n- name: kubernetes-admin\n  user: {{}}\n"
    )
}

fn accept(listener: &TcpListener, to_world: &Sender<Ask>) {
    for stream in listener.incoming().flatten() {
        let to_world = to_world.clone();
        std::thread::spawn(move || {
            let _ = connection(stream, &to_world);
        });
    }
}

/// Reads requests and writes answers until either side is done.
fn connection(stream: TcpStream, to_world: &Sender<Ask>) -> std::io::Result<()> {
    let mut reader = std::io::BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(asked) = http::read(&mut reader)? {
        if stream::wanted(&asked) {
            return stream::serve(&asked, reader, writer, to_world);
        }
        let (to, parts) = mpsc::channel();
        let last = asked.close;
        if to_world.send(Ask::Answer(asked, to)).is_err() {
            break;
        }
        http::write(&mut writer, &parts)?;
        if last {
            break;
        }
    }
    Ok(())
}

impl Server {
    fn serve(&mut self, asked: &Receiver<Ask>, speed: u64, frozen: bool) {
        let mut before = Instant::now();
        loop {
            match asked.recv_timeout(TICK) {
                Ok(ask) => self.asked(ask),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let passed = before.elapsed();
            before = Instant::now();
            let waited_for = !self.streams.is_empty() || !self.remotes.is_empty() || !self.logs.is_empty();
            if !frozen || waited_for {
                let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX).saturating_mul(speed);
                self.world.run_until(self.world.now + Duration::micros(micros));
            }
            self.stream();
            self.follow();
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Answer(request, to) => self.answer(&request, to),
            Ask::Exec(id, asked, input, to) => self.exec(id, &asked, input, to),
            Ask::Typed(id, line) => self.tell(id, "remote-input", line.map_or(Value::Null, Value::from)),
            Ask::Interrupt(id) => self.tell(id, "remote-interrupt", Value::Null),
            Ask::Gone(id) => {
                self.tell(id, "remote-end", Value::Null);
                self.remotes.retain(|r| r.id != id);
            }
            Ask::Forward(asked, port, to) => {
                let _ = to.send(self.forward(&asked, port));
            }
        }
    }

    /// The custom resources that are served now.
    fn customs(&self) -> Vec<&'static Resource> {
        let data = self.world.machine(lab::MASTER).etcd_data.iter();
        let all = data.flat_map(|d| d.list(Kind::CUSTOM_RESOURCE_DEFINITION, "", None));
        all.filter(|d| custom::established(d)).map(|d| discovery_of(d)).collect()
    }

    fn send(&mut self, request: Request) -> u64 {
        self.tokens += 1;
        let token = self.tokens;
        let to = Endpoint { ip: SERVER.into(), port: kubedrill::apiserver::PORT };
        self.world.with_component(self.client, TraceId::NONE, |_, ctx| ctx.request(&to, token, request));
        token
    }

    fn mailbox(&mut self) -> Client {
        let taken = self.world.with_component(self.client, TraceId::NONE, |c, _| {
            c.as_any_mut().downcast_mut::<Client>().map(std::mem::take).unwrap_or_default()
        });
        taken.unwrap_or_default()
    }

    /// Lets the world go on until the answer is there.
    fn wait(&mut self, token: u64) -> Option<Reply> {
        let until = self.world.now + PATIENCE;
        let mut kept = Client::default();
        let mut found = None;
        while found.is_none() && self.world.next_event_at().is_some_and(|at| at <= until) {
            self.world.step();
            let mut mail = self.mailbox();
            if let Some(i) = mail.replies.iter().position(|(t, _)| *t == token) {
                found = Some(mail.replies.swap_remove(i).1);
            }
            kept.events.append(&mut mail.events);
            kept.closed.append(&mut mail.closed);
            kept.remote.append(&mut mail.remote);
        }
        self.deliver(kept);
        found
    }

    fn answer(&mut self, asked: &Asked, to: Sender<Part>) {
        let part = match route::route(asked, self.profile, &self.customs()) {
            route::Target::Plain(part) => part,
            route::Target::Request(request, _) if request.subresource == "log" => return self.log(asked, *request, to),
            route::Target::Request(request, how) => {
                let watching = request.verb == kubedrill::api::Verb::Watch;
                let seconds = asked.query("timeoutSeconds").and_then(|s| s.parse().ok()).unwrap_or(3600);
                let token = self.send(*request);
                match self.wait(token) {
                    Some(Ok(Response::Watching)) if watching => {
                        let until = self.world.now + Duration::secs(seconds);
                        if to.send(Part::Begin(discovery::JSON)).is_ok() {
                            self.streams.push(Stream { token, to, how, begun: false, until });
                        }
                        return;
                    }
                    Some(reply) => encode::reply(reply, &how, self.world.now),
                    None => encode::unreachable("the simulated API server does not answer"),
                }
            }
        };
        let _ = to.send(part);
    }

    fn stream(&mut self) {
        let mail = self.mailbox();
        self.deliver(mail);
        let now = self.world.now;
        let (over, open): (Vec<Stream>, Vec<Stream>) = self.streams.drain(..).partition(|s| s.until <= now);
        self.streams = open;
        over.into_iter().for_each(|s| self.cancel(&s));
    }

    fn deliver(&mut self, mail: Client) {
        let now = self.world.now;
        mail.remote.iter().for_each(|event| self.printed(event));
        let mut gone = Vec::new();
        for (token, event) in mail.events {
            let Some(stream) = self.streams.iter_mut().find(|s| s.token == token) else { continue };
            let text = encode::event(&event, &stream.how, now, stream.begun);
            stream.begun = true;
            if stream.to.send(Part::Chunk(text)).is_err() {
                gone.push(token);
            }
        }
        self.streams.retain(|s| !mail.closed.contains(&s.token));
        for token in gone {
            if let Some(i) = self.streams.iter().position(|s| s.token == token) {
                let stream = self.streams.remove(i);
                self.cancel(&stream);
            }
        }
    }

    /// Tells the API server that the watch's client went.
    fn cancel(&mut self, stream: &Stream) {
        let caller = Caller { actor: self.client, token: stream.token };
        if let Some(server) = self.world.actor_named(lab::MASTER, "kube-apiserver") {
            self.world.with_component(self.client, TraceId::NONE, |_, ctx| {
                ctx.send(server, Duration::ZERO, Msg::Cancel(caller));
            });
        }
    }
}
