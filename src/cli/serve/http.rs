//! As much of HTTP/1.1 as kubectl speaks: requests with a length, answers with a length or in chunks.

use std::io::{BufRead, Read, Write};
use std::sync::mpsc::Receiver;

/// Longest body that is read; etcd's own limit is 1.5 MiB.
const LIMIT: u64 = 3 << 20;

#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    queries: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub close: bool,
}

impl Asked {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.queries.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn query_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.queries.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
    pub fn header_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// What goes back over a connection.
#[derive(Clone, Debug)]
pub enum Part {
    /// Code, content type, body.
    Whole(u16, &'static str, Vec<u8>),
    /// The head of an answer in chunks: its content type.
    Begin(&'static str),
    Chunk(String),
    /// The streams that were asked for may be opened.
    Upgraded,
    /// A command's output, `true` for what it says of errors, and how it ended.
    Printed(bool, String),
    Ended(i64),
}

/// `None`: the client closed the connection, or does not speak HTTP.
pub fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.by_ref().take(16_384).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|p| !p.is_empty());
    let queries = pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (decoded(k), decoded(v))).collect();
    let mut asked = Asked { method: method.to_owned(), path: decoded(path), queries, ..Asked::default() };
    loop {
        let mut line = String::new();
        if reader.by_ref().take(65_536).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    asked.close = asked.header("connection").eq_ignore_ascii_case("close");
    let length: u64 = asked.header("content-length").parse().unwrap_or(0);
    if length > LIMIT {
        return Ok(None);
    }
    reader.by_ref().take(length).read_to_end(&mut asked.body)?;
    Ok(Some(asked))
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| bytes.get(i + 1..i + 3)).flatten();
        let byte = hex.and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match byte {
            Some(b) => {
                out.push(b);
                i += 3;
            }
            None => {
                out.push(if bytes[i] == b'+' { b' ' } else { bytes[i] });
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes what comes until the answer is whole or nobody sends any more.
pub fn write(writer: &mut impl Write, parts: &Receiver<Part>) -> std::io::Result<()> {
    let mut chunked = false;
    while let Ok(part) = parts.recv() {
        match part {
            Part::Whole(code, kind, body) => {
                let head = format!(
                    "HTTP/1.1 {code} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                    reason(code),
                    body.len()
                );
                writer.write_all(head.as_bytes())?;
                writer.write_all(&body)?;
                return writer.flush();
            }
            Part::Begin(kind) => {
                chunked = true;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
                writer.write_all(head.as_bytes())?;
            }
            Part::Upgraded | Part::Printed(..) | Part::Ended(_) => {}
            Part::Chunk(text) => {
                writer.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())?;
            }
        }
        writer.flush()?;
    }
    if chunked {
        writer.write_all(b"0\r\n\r\n")?;
    }
    writer.flush()
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
