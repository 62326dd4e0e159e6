//! `curl`: connects through the simulated network. HTTP/1.1 as far as its output shows it.

use super::options::Spec;
use super::row;
use crate::api::{Kind, Request, Response, Value, Verb};
use crate::base::{Duration, Str};
use crate::machine::program::{Command, Flow, Io};
use crate::sim::Endpoint;

pub static CURL: Command =
    Command { startup_ms: 9, ..row("curl", ["fetch a URL", "URL의 내용을 가져옵니다"], run) };

const SPEC: Spec = Spec::new(
    "sSvkLIo:w:m:X:H:d:fig4A:u:OqJT:x:Nb:c:",
    &[
        ("silent", 's'),
        ("show-error", 'S'),
        ("verbose", 'v'),
        ("insecure", 'k'),
        ("location", 'L'),
        ("head", 'I'),
        ("output", 'o'),
        ("write-out", 'w'),
        ("max-time", 'm'),
        ("connect-timeout", 'T'),
        ("request", 'X'),
        ("header", 'H'),
        ("data", 'd'),
        ("fail", 'f'),
        ("include", 'i'),
        ("user-agent", 'A'),
        ("user", 'u'),
        ("remote-name", 'O'),
        ("cacert", 'c'),
        ("cert", 'b'),
        ("key", 'b'),
        ("globoff", 'g'),
    ],
    2,
);

/// How long the kernel asks who has an address before it says that nobody has: three times.
const NO_NEIGHBOUR: Duration = Duration::millis(3_060);

/// How long a connection without answer is tried: three minutes of SYN retries, minus what the kernel
/// gives up before.
const PATIENCE: Duration = Duration::secs(127);

struct Url<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
    path: &'a str,
}

/// What a server answered.
struct Answer {
    code: u16,
    reason: &'static str,
    kind: &'static str,
    server: Str,
    body: Str,
}

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = match super::options::read(args, &SPEC) {
        Ok(o) => o,
        Err(why) => {
            let option = why.rsplit(['\'', ' ']).find(|w| !w.is_empty()).unwrap_or("").trim_matches('\'');
            let dashed = if option.starts_with('-') { option.to_owned() } else { format!("-{option}") };
            io.errln(format!("curl: option {dashed}: is unknown"));
            return io.fail(2, "curl: try 'curl --help' or 'curl --manual' for more information");
        }
    };
    if o.rest.is_empty() {
        return io.fail(2, "curl: try 'curl --help' or 'curl --manual' for more information");
    }
    let mut code = 0;
    for text in &o.rest {
        let started = io.now()?;
        match one(io, &o, text)? {
            Ok(answer) => {
                code = print(io, &o, text, &answer)?;
                write_out(io, &o, answer.code, &answer, started)?;
            }
            Err((number, message)) => {
                code = number;
                if !o.has('s') || o.has('S') {
                    io.errln(format!("curl: ({number}) {message}"));
                }
                let none = Answer { code: 0, reason: "", kind: "", server: Str::new(), body: Str::new() };
                write_out(io, &o, 0, &none, started)?;
            }
        }
    }
    Ok(code)
}

fn split(text: &str) -> Result<Url<'_>, (i32, String)> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    if !matches!(scheme, "http" | "https") {
        return Err((1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl")));
    }
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let usual = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => {
            let wrong = (3, "Port number ended with 'x'".to_owned());
            (host, if port.is_empty() { usual } else { port.parse().map_err(|_| wrong)? })
        }
        None => (authority, usual),
    };
    if host.is_empty() {
        return Err((3, "URL using bad/illegal format or missing URL".to_owned()));
    }
    Ok(Url { scheme, host, port, path: if path.is_empty() { "/" } else { path } })
}

type Failed = (i32, String);

fn one(io: &mut Io<'_>, o: &super::options::Options, text: &str) -> Flow<Result<Answer, Failed>> {
    let url = match split(text) {
        Ok(url) => url,
        Err(failed) => return Ok(Err(failed)),
    };
    let limit = |c| o.value(c).and_then(|v| super::run::span(v));
    let patience = limit('T').into_iter().chain(limit('m')).min();
    let modern = io.call("profile", Value::Null)?.as_str() == "modern";
    if let Value::Str(body) = io.call("web", text.into())? {
        io.sleep(Duration::millis(180))?;
        return Ok(Ok(Answer { code: 200, reason: "OK", kind: "text/plain", server: "".into(), body }));
    }
    let found =
        if url.host == "localhost" { Value::from(vec!["127.0.0.1"]) } else { io.call("resolve", url.host.into())? };
    let Some(ip) = found.items().first().map(|v| Str::from(v.as_str())) else {
        if found.as_str().contains("Timeout") {
            let wait = patience.unwrap_or(Duration::secs(20)).min(Duration::secs(20));
            io.sleep(wait)?;
        }
        return Ok(Err((
            6,
            format!("Could not resolve host: {}{}", url.host, if modern { "" } else { "; Unknown error" }),
        )));
    };
    let header = o.values('H').find_map(|h| {
        let (name, value) = h.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim().split(':').next().unwrap_or("").to_owned())
    });
    let host = header.unwrap_or_else(|| url.host.to_owned());
    let method = o.value('X').map_or(if o.has('I') { "HEAD" } else { "GET" }, Str::as_str);
    let agent = if modern { "curl/7.76.1" } else { "curl/7.29.0" };
    let ask = map! {
        "ip" => &ip, "port" => u32::from(url.port), "host" => host.as_str(), "path" => url.path, "method" => method,
        "agent" => agent, "tls" => url.scheme == "https",
    };
    let found = io.call("connect", ask.into())?;
    let took = Duration(u64::try_from(super::int(&found, "micros")).unwrap_or(0));
    match found.str("outcome") {
        "ok" => {}
        "refused" => {
            io.sleep(took)?;
            let why = match modern {
                true => format!("Failed to connect to {} port {}: Connection refused", url.host, url.port),
                false => format!("Failed connect to {}:{}; Connection refused", url.host, url.port),
            };
            return Ok(Err((7, why)));
        }
        "noRoute" if patience.is_none_or(|p| p > NO_NEIGHBOUR) => {
            io.sleep(NO_NEIGHBOUR)?;
            let why = match modern {
                true => format!("Failed to connect to {} port {}: No route to host", url.host, url.port),
                false => format!("Failed connect to {}:{}; No route to host", url.host, url.port),
            };
            return Ok(Err((7, why)));
        }
        _ => {
            io.sleep(patience.unwrap_or(PATIENCE))?;
            let why = match (patience, modern) {
                (Some(p), true) => (28, format!("Connection timed out after {} milliseconds", p.as_millis() + 1)),
                (Some(p), false) => (28, format!("Connection timed out after {} milliseconds", p.as_millis() + 1)),
                (None, true) => {
                    (28, format!("Failed to connect to {} port {}: Connection timed out", url.host, url.port))
                }
                (None, false) => (7, format!("Failed connect to {}:{}; Connection timed out", url.host, url.port)),
            };
            return Ok(Err(why));
        }
    }
    io.sleep(took)?;
    if o.has('v') {
        io.errln(format!("* About to connect() to {} port {} (#0)\n*   Trying {ip}...", url.host, url.port));
        io.errln(format!("* Connected to {} ({ip}) port {} (#0)", url.host, url.port));
        let port = if matches!(url.port, 80 | 443) { String::new() } else { format!(":{}", url.port) };
        io.errln(format!(
            "> {method} {} HTTP/1.1\n> User-Agent: {agent}\n> Host: {host}{port}\n> Accept: */*\n> ",
            url.path
        ));
    }
    if found.str("component") == "kube-apiserver" {
        return api_server(io, o, &url, &ip);
    }
    match found.get("body") {
        Some(Value::Str(body)) => {
            let secure = found.get("secure").and_then(Value::as_bool).unwrap_or(false);
            if url.scheme == "https" && secure && !o.has('k') {
                return Ok(Err((60, "SSL certificate problem: self signed certificate".to_owned())));
            }
            if url.scheme == "https" && !secure {
                return Ok(Err((35, "SSL received a record that exceeded the maximum permissible length.".to_owned())));
            }
            let code = u16::try_from(super::int(&found, "code")).unwrap_or(200);
            Ok(Ok(Answer {
                code,
                reason: crate::network::http::reason(code),
                kind: "text/html",
                server: found.str("server").into(),
                body: body.clone(),
            }))
        }
        _ => Ok(Err((52, "Empty reply from server".to_owned()))),
    }
}

/// The API server speaks TLS with its own CA, and knows nobody without a certificate or token.
fn api_server(io: &mut Io<'_>, o: &super::options::Options, url: &Url<'_>, ip: &str) -> Flow<Result<Answer, Failed>> {
    let text =
        |code, reason, body: &str| Answer { code, reason, kind: "text/plain", server: Str::new(), body: body.into() };
    if url.scheme == "http" {
        return Ok(Ok(text(400, "Bad Request", "Client sent an HTTP request to an HTTPS server.\n")));
    }
    if !o.has('k') && !o.has('c') {
        let why = "SSL certificate problem: unable to get local issuer certificate\nMore details here: http://curl.haxx.se/docs/sslcerts.html\n\ncurl performs SSL certificate verification by default, using a \"bundle\"\n of Certificate Authority (CA) public keys (CA certs). If the default\n bundle file isn't adequate, you can specify an alternate file\n using the --cacert option.\nIf you'd like to turn off curl's verification of the certificate, use\n the -k (or --insecure) option.";
        return Ok(Err((60, why.to_owned())));
    }
    let path = url.path.split('?').next().unwrap_or(url.path);
    // With a client certificate of kubeadm's, the administrator asks.
    let user = if o.values('b').any(|f| f.contains("admin") || f.contains("apiserver-kubelet-client")) {
        "kubernetes-admin"
    } else {
        ""
    };
    let server = Endpoint { ip: ip.into(), port: url.port };
    let mut request = resource(path).unwrap_or_else(|| Request::url(url.path));
    request.user = user.into();
    request.user_agent = "curl".into();
    request.timeout = Duration::secs(30);
    Ok(match io.request(&server, request)? {
        Ok(Response::Error(e)) => {
            let reason = if e.code() == 403 { "Forbidden" } else { "Not Found" };
            let json = status(e.code(), &format!("{:?}", e.reason), &e.message.replace("\"", "\\\""));
            Ok(Answer { code: e.code(), reason, kind: "application/json", server: Str::new(), body: json.into() })
        }
        Ok(Response::Text(body)) => {
            let kind = if body.starts_with('{') { "application/json" } else { "text/plain; charset=utf-8" };
            Ok(Answer { code: 200, reason: "OK", kind, server: Str::new(), body })
        }
        Ok(Response::Object(object)) => Ok(json(&object.to_wire())),
        Ok(Response::List { items, resource_version, .. }) => {
            let items: crate::api::List = items.iter().map(|o| o.to_wire()).collect();
            let meta = map! { "resourceVersion" => resource_version.to_string() };
            Ok(json(&map! { "kind" => "List", "apiVersion" => "v1", "metadata" => meta, "items" => items }.into()))
        }
        Ok(_) => Ok(json(&Value::Map(map! {}))),
        Err(error) => Err((56, format!("Recv failure: Connection reset by peer ({error:?})"))),
    })
}

fn json(value: &Value) -> Answer {
    let body = serde_json::to_string_pretty(value).unwrap_or_default();
    Answer { code: 200, reason: "OK", kind: "application/json", server: Str::new(), body: body.into() }
}

/// A Status as the API server prints it.
fn status(code: u16, reason: &str, message: &str) -> String {
    format!(
        "{{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n  \"metadata\": {{\n    \n  }},\n  \"status\": \"Failure\",\n  \"message\": \"{message}\",\n  \"reason\": \"{reason}\",\n  \"details\": {{\n    \n  }},\n  \"code\": {code}\n}}"
    )
}

/// `/api/v1/namespaces/default/pods/nginx` → the request; `None`: no resource path.
fn resource(path: &str) -> Option<Request> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let (group, version, rest) = match parts[..] {
        ["api", version, ref rest @ ..] => ("", version, rest),
        ["apis", group, version, ref rest @ ..] => (group, version, rest),
        _ => return None,
    };
    let (namespace, plural, name) = match *rest {
        ["namespaces", namespace, plural] => (namespace, plural, ""),
        ["namespaces", namespace, plural, name] => (namespace, plural, name),
        [plural] => ("", plural, ""),
        [plural, name] => ("", plural, name),
        _ => return None,
    };
    let kind = Kind::all().find(|k| k.plural() == plural && k.info().group == group && k.info().version == version)?;
    let verb = if name.is_empty() { Verb::List } else { Verb::Get };
    Some(Request::new(verb, kind, namespace, name))
}

fn headers(answer: &Answer) -> String {
    let length = answer.body.len();
    let server = if answer.server.is_empty() { String::new() } else { format!("Server: {}\n", answer.server) };
    format!(
        "HTTP/1.1 {} {}\n{server}Content-Type: {}\nContent-Length: {length}\nConnection: keep-alive\n\n",
        answer.code, answer.reason, answer.kind
    )
}

fn print(io: &mut Io<'_>, o: &super::options::Options, url: &str, answer: &Answer) -> Flow<i32> {
    if o.has('v') {
        headers(answer).lines().for_each(|l| io.errln(format!("< {l}")));
    }
    if o.has('f') && answer.code >= 400 {
        if !o.has('s') || o.has('S') {
            io.errln(format!("curl: (22) The requested URL returned error: {} {}", answer.code, answer.reason));
        }
        return Ok(22);
    }
    let mut text = String::new();
    if o.has('I') || o.has('i') {
        text += &headers(answer);
    }
    if !o.has('I') {
        text += &answer.body;
    }
    let name = url.rsplit('/').next().unwrap_or("").to_owned();
    let file = o.value('o').map(|f| f.to_string()).or_else(|| o.has('O').then_some(name));
    match file.as_deref() {
        Some("/dev/null") => {}
        Some("-") | None => io.out(text),
        Some("") => return io.fail(23, "curl: Remote file name has no length!"),
        Some(file) => {
            if let Err(why) = io.write_file(file, text)? {
                io.errln(format!("Warning: Failed to create the file {file}: {why}"));
                return io.fail(23, "curl: (23) Failed writing body");
            }
        }
    }
    Ok(0)
}

fn write_out(
    io: &mut Io<'_>,
    o: &super::options::Options,
    code: u16,
    answer: &Answer,
    started: crate::base::Time,
) -> Flow<()> {
    let Some(format) = o.value('w') else { return Ok(()) };
    let took = io.now()?.since(started);
    let time = format!("{}.{:03}", took.as_secs(), took.as_millis() % 1000);
    let text = format
        .replace("%{http_code}", &format!("{code:03}"))
        .replace("%{response_code}", &format!("{code:03}"))
        .replace("%{time_total}", &time)
        .replace("%{time_connect}", &time)
        .replace("%{size_download}", &answer.body.len().to_string())
        .replace("%{content_type}", answer.kind);
    io.out(super::echo::unescape(&text).0);
    Ok(())
}
