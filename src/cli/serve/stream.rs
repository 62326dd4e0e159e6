//! `exec`, `attach`, `cp` and `port-forward` of a real kubectl: SPDY streams on one side, the
//! simulation's terminals on the other.
//! Models kubelet/pkg/cri/streaming (remotecommand v4, portforward) and apimachinery httpstream/spdy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};

use kubedrill::api::{Map, Value};
use kubedrill::{list, map};

use super::Ask;
use super::http::{Asked, Part};
use super::spdy::{Frame, Reader, Writer};

/// Whether a request wants streams.
pub fn wanted(asked: &Asked) -> bool {
    asked.header("upgrade").eq_ignore_ascii_case("SPDY/3.1")
}

type Shared = Arc<(Mutex<Open>, Condvar)>;

/// The streams of a command, as far as the client has opened them, and the way back.
struct Open {
    writer: Writer<TcpStream>,
    by_type: Vec<(String, u32)>,
    gone: bool,
}

impl Open {
    fn stream(&self, name: &str) -> Option<u32> {
        self.by_type.iter().find(|(n, _)| n == name).map(|(_, id)| *id)
    }
}

/// Serves one upgraded connection until either side is done.
pub fn serve(asked: &Asked, from: impl Read, mut to: TcpStream, world: &Sender<Ask>) -> std::io::Result<()> {
    let forwarding = asked.path.ends_with("/portforward");
    let flag = |name: &str| matches!(asked.query(name), Some("true" | "1"));
    let (stdin, tty) = (flag("stdin"), flag("tty"));
    // Without a terminal a command gets its whole input when it starts.
    let gathers = stdin && !tty;
    let (back, parts) = mpsc::channel();
    static IDS: AtomicU64 = AtomicU64::new(1);
    let id = IDS.fetch_add(1, Ordering::Relaxed);
    if !forwarding && !gathers {
        let _ = world.send(Ask::Exec(id, asked.clone(), None, back.clone()));
        match parts.recv() {
            Ok(Part::Upgraded) => {}
            Ok(part) => {
                let (whole, last) = mpsc::channel();
                let _ = whole.send(part);
                drop(whole);
                return super::http::write(&mut to, &last);
            }
            Err(_) => return Ok(()),
        }
    }
    let protocol = if forwarding { "portforward.k8s.io" } else { "v4.channel.k8s.io" };
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {protocol}\r\n\r\n"
    );
    to.write_all(head.as_bytes())?;
    let open = Open { writer: Writer::new(to), by_type: Vec::new(), gone: false };
    let shared: Shared = Arc::new((Mutex::new(open), Condvar::new()));
    if forwarding {
        return forward(asked, Reader::new(from), &shared, world);
    }
    let needed = 2 + usize::from(stdin) + usize::from(!tty);
    let printing = shared.clone();
    let printer = std::thread::spawn(move || print(&printing, &parts, needed, tty));
    let mut keys = Keyboard::default();
    let mut gathered = Vec::new();
    let mut reader = Reader::new(from);
    while let Some(frame) = reader.next() {
        match frame {
            Frame::Open(of, headers) => opened(&shared, of, &headers)?,
            Frame::Ping(n) => locked(&shared).writer.pong(n)?,
            Frame::Data(of, bytes, fin) if locked(&shared).stream("stdin") == Some(of) => {
                if gathers {
                    gathered.extend(bytes);
                    if fin {
                        let text = String::from_utf8_lossy(&gathered).into_owned();
                        let _ = world.send(Ask::Exec(id, asked.clone(), Some(text), back.clone()));
                    }
                } else {
                    keys.typed(&bytes, &shared, world, id);
                }
            }
            Frame::Away => break,
            _ => {}
        }
    }
    let _ = world.send(Ask::Gone(id));
    locked(&shared).gone = true;
    shared.1.notify_all();
    let _ = printer.join();
    Ok(())
}

fn locked(shared: &Shared) -> std::sync::MutexGuard<'_, Open> {
    shared.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn opened(shared: &Shared, id: u32, headers: &[(String, String)]) -> std::io::Result<()> {
    let name = headers.iter().find(|(n, _)| n == "streamtype").map_or("", |(_, v)| v);
    let mut open = locked(shared);
    open.writer.accept(id)?;
    open.by_type.push((name.to_owned(), id));
    shared.1.notify_all();
    Ok(())
}

/// Sends what the command prints, once the client has opened all streams, and its exit code.
fn print(shared: &Shared, parts: &Receiver<Part>, needed: usize, tty: bool) {
    let mut open = locked(shared);
    while open.by_type.iter().filter(|(n, _)| n != "resize").count() < needed && !open.gone {
        open = shared.1.wait(open).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    drop(open);
    while let Ok(part) = parts.recv() {
        let mut open = locked(shared);
        if open.gone {
            return;
        }
        let sent = match part {
            Part::Printed(err, text) => {
                let stream = if err && !tty { "stderr" } else { "stdout" };
                let text = if tty { text.replace('\n', "\r\n") } else { text };
                open.stream(stream).map(|id| open.writer.data(id, text.as_bytes(), false))
            }
            Part::Ended(code) => {
                let ends = ended(code);
                end(&mut open, &ends);
                return;
            }
            Part::Whole(_, _, body) => {
                end(&mut open, &body);
                return;
            }
            _ => None,
        };
        if sent.is_some_and(|r| r.is_err()) {
            return;
        }
    }
}

fn end(open: &mut Open, status: &[u8]) {
    for name in ["stdout", "stderr"] {
        if let Some(id) = open.stream(name) {
            let _ = open.writer.data(id, b"", true);
        }
    }
    if let Some(id) = open.stream("error") {
        let _ = open.writer.data(id, status, true);
    }
}

fn ended(code: i64) -> Vec<u8> {
    let status = if code == 0 {
        map! { "metadata" => Map::new(), "status" => "Success" }
    } else {
        let cause = map! { "reason" => "ExitCode", "message" => code.to_string() };
        map! {
            "metadata" => Map::new(),
            "status" => "Failure",
            "message" => format!("command terminated with non-zero exit code: exit status {code}"),
            "reason" => "NonZeroExitCode",
            "details" => map! { "causes" => list![cause] },
        }
    };
    Value::Map(status).to_json().into_bytes()
}

/// What a terminal's driver does: echoes, and hands over whole lines.
#[derive(Default)]
struct Keyboard {
    line: String,
}

impl Keyboard {
    fn typed(&mut self, bytes: &[u8], shared: &Shared, world: &Sender<Ask>, id: u64) {
        let mut echo = String::new();
        for c in String::from_utf8_lossy(bytes).chars() {
            match c {
                '\r' | '\n' => {
                    echo.push_str("\r\n");
                    let _ = world.send(Ask::Typed(id, Some(std::mem::take(&mut self.line))));
                }
                '\u{3}' => {
                    echo.push_str("^C\r\n");
                    self.line.clear();
                    let _ = world.send(Ask::Interrupt(id));
                }
                '\u{4}' if self.line.is_empty() => {
                    let _ = world.send(Ask::Typed(id, None));
                }
                '\u{7f}' | '\u{8}' => {
                    if self.line.pop().is_some() {
                        echo.push_str("\u{8} \u{8}");
                    }
                }
                c if c.is_control() => {}
                c => {
                    self.line.push(c);
                    echo.push(c);
                }
            }
        }
        let mut open = locked(shared);
        if let Some(stdout) = open.stream("stdout") {
            let _ = open.writer.data(stdout, echo.as_bytes(), false);
        }
    }
}

/// Pairs of streams, an error and a data one for each connection: a request goes to the pod's port and
/// what answers there comes back.
fn forward<R: Read>(asked: &Asked, mut reader: Reader<R>, shared: &Shared, world: &Sender<Ask>) -> std::io::Result<()> {
    struct Pair {
        request: String,
        port: u16,
        error: u32,
        data: u32,
    }
    let mut pairs: Vec<Pair> = Vec::new();
    while let Some(frame) = reader.next() {
        match frame {
            Frame::Open(id, headers) => {
                let header = |name: &str| headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
                let request = header("requestid").to_owned();
                let at = pairs.iter().position(|p| p.request == request).unwrap_or_else(|| {
                    let port = header("port").parse().unwrap_or(0);
                    pairs.push(Pair { request, port, error: 0, data: 0 });
                    pairs.len() - 1
                });
                if header("streamtype") == "error" {
                    pairs[at].error = id
                } else {
                    pairs[at].data = id
                }
                locked(shared).writer.accept(id)?;
            }
            Frame::Ping(n) => locked(shared).writer.pong(n)?,
            Frame::Data(id, bytes, fin) => {
                let Some(at) = pairs.iter().position(|p| p.data == id) else { continue };
                if !bytes.is_empty() {
                    let (back, answer) = mpsc::channel();
                    let _ = world.send(Ask::Forward(asked.clone(), pairs[at].port, back));
                    let mut open = locked(shared);
                    match answer.recv() {
                        Ok(Part::Whole(200, _, body)) => open.writer.data(id, &body, true)?,
                        Ok(Part::Whole(_, _, why)) => {
                            open.writer.data(pairs[at].error, &why, true)?;
                            open.writer.data(id, b"", true)?;
                            continue;
                        }
                        _ => return Ok(()),
                    }
                    open.writer.data(pairs[at].error, b"", true)?;
                } else if fin {
                    pairs.remove(at);
                }
            }
            Frame::Away => break,
            _ => {}
        }
    }
    Ok(())
}
