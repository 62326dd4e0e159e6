//! What web servers answer: a page of theirs, an error page, or what stands behind an ingress controller.

use super::ingress::{IngressNginx, Route};
use super::path::{self, Outcome, Peer, Sender};
use crate::base::{Duration, Str};
use crate::runtime::program::{Page, Program};
use crate::runtime::{Container, ContainerState, rootfs, usage};
use crate::sim::{TraceId, World};

/// A request as far as servers tell requests apart.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    pub method: &'a str,
    /// The `Host` header, without port.
    pub host: &'a str,
    pub path: &'a str,
    pub tls: bool,
    pub agent: &'a str,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Ask { method: "GET", host: "", path: "/", tls: false, agent: "curl/7.29.0" }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Answer {
    pub code: u16,
    pub server: Str,
    pub kind: &'static str,
    pub body: Str,
    /// Where a redirect leads; empty: none.
    pub location: Str,
    /// It came over TLS.
    pub secure: bool,
    /// How long the server took beyond the connection.
    pub took: Duration,
}

impl Answer {
    /// An error page of nginx's.
    pub fn page(code: u16, server: &str) -> Answer {
        let name = server.split('/').next().unwrap_or(server);
        let (title, name) = (ecow::eco_format!("{code} {}", reason(code)), if name == "nginx" { server } else { name });
        let body = ecow::eco_format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n<hr><center>{name}</center>\r\n</body>\r\n</html>\r\n"
        );
        Answer { code, server: server.into(), kind: "text/html", body, ..Answer::default() }
    }
}

pub fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "",
    }
}

/// What the server behind a connection answers; `None`: it speaks no HTTP.
pub fn get(world: &mut World, peer: &Peer, ask: &Ask<'_>, cause: TraceId) -> Option<Answer> {
    let controller = peer.actor.and_then(|id| world.component::<IngressNginx>(id));
    if let Some(controller) = controller.filter(|_| matches!(peer.port, 80 | 443)) {
        let (route, banner) = (controller.route(ask), controller.banner());
        return Some(passed_on(world, peer, ask, route, banner, cause));
    }
    let id = peer.container.clone()?;
    let container = world.machine(peer.machine).runtime.containers.get(&id)?.clone();
    let answer = match &container.program {
        Program::Http { page, .. } => served(world, peer, &container, *page, ask),
        _ => return None,
    };
    let line = log_line(world, peer, &answer, ask);
    note(world, peer, line);
    Some(answer)
}

/// The server writes down what it did, and has worked.
fn note(world: &mut World, peer: &Peer, line: Str) {
    let now = world.now;
    let Some(id) = &peer.container else { return };
    let Some(c) = world.machine_mut(peer.machine).runtime.containers.get_mut(id) else { return };
    if c.state == ContainerState::Running {
        usage::serve(c, now);
    }
    if c.log.len() >= 1_000 {
        c.log.pop_front();
    }
    c.log.push_back((now, line));
}

/// nginx's `proxy_connect_timeout` of ingress-nginx, and how many endpoints it tries.
const CONNECT: Duration = Duration::secs(5);
const TRIES: u32 = 3;

/// What an ingress controller makes of a request.
fn passed_on(world: &mut World, peer: &Peer, ask: &Ask<'_>, route: Route, banner: &str, cause: TraceId) -> Answer {
    let mut upstream = Str::from("upstream-default-backend");
    let mut answer = match route {
        Route::Default => Answer::page(404, banner),
        Route::Redirect => {
            let location = ecow::eco_format!("https://{}{}", ask.host, ask.path);
            Answer { location, ..Answer::page(308, banner) }
        }
        Route::To { upstream: name, endpoints, path } => {
            upstream = name;
            // Round robin; the turn depends on all that happened so far.
            let turn = world.trace.last_id().0 as usize;
            let to = endpoints.get(turn.checked_rem(endpoints.len()).unwrap_or(0)).cloned();
            to.map_or_else(|| Answer::page(503, banner), |to| behind(world, peer, ask, &to, &path, banner, cause))
        }
    };
    if !answer.secure {
        answer.secure = peer.port == 443;
    }
    answer.server = banner.into();
    let line = ecow::eco_format!("{} [{upstream}] []", log_line(world, peer, &answer, ask));
    note(world, peer, line);
    answer
}

fn behind(
    world: &mut World,
    peer: &Peer,
    ask: &Ask<'_>,
    to: &(Str, u16),
    path: &str,
    banner: &str,
    cause: TraceId,
) -> Answer {
    let sender = Sender { machine: peer.machine, pod: peer.pod.as_ref(), udp: false, cause: Some(cause) };
    let found = path::connect_as(world, &sender, &to.0, to.1);
    match found.outcome {
        Outcome::Ok(next) => {
            let ask = Ask { path, tls: false, ..ask.clone() };
            let answer = get(world, &next, &ask, cause).unwrap_or_else(|| Answer::page(502, banner));
            Answer { took: answer.took + found.delay, ..answer }
        }
        Outcome::Timeout => Answer { took: Duration(CONNECT.0 * u64::from(TRIES)), ..Answer::page(504, banner) },
        Outcome::Refused | Outcome::NoRoute => Answer { took: found.delay, ..Answer::page(502, banner) },
    }
}

/// A page of the container's own files, or what its program makes.
fn served(world: &World, peer: &Peer, container: &Container, page: Page, ask: &Ask<'_>) -> Answer {
    let machine = world.machine(peer.machine);
    let server = server_of(container);
    let path = ask.path.split(['?', '#']).next().unwrap_or("/");
    let html = |body: Str| Answer { code: 200, server: server.clone(), kind: "text/html", body, ..Answer::default() };
    if matches!(page, Page::Nginx | Page::ItWorks) && !matches!(path, "/" | "/index.html") {
        return match rootfs::document(machine, container, path) {
            Some(text) => html(text),
            None => Answer::page(404, &server),
        };
    }
    match rootfs::page(machine, container) {
        Some(Ok(text)) => html(text),
        Some(Err(())) => Answer::page(403, &server),
        None => {
            let name = peer.pod.as_ref().map_or(machine.name.as_str(), |p| p.name.as_str());
            html(container.program.page(name, &peer.source).unwrap_or_default())
        }
    }
}

/// What a web server calls itself: its image's name and version.
fn server_of(container: &Container) -> Str {
    let image = container.image.rsplit('/').next().unwrap_or("");
    let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
    let version = tag.split('-').next().unwrap_or("");
    match name {
        "httpd" => "Apache/2.4.46 (Unix)".into(),
        "nginx" if version.matches('.').count() == 2 => ecow::eco_format!("nginx/{version}"),
        "nginx" if version.matches('.').count() == 1 => ecow::eco_format!("nginx/{version}.0"),
        _ => "nginx/1.25.3".into(),
    }
}

/// Web servers write down who asked.
fn log_line(world: &World, peer: &Peer, answer: &Answer, ask: &Ask<'_>) -> Str {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (y, mo, d, h, mi, s) = world.now.civil();
    let month = MONTHS.get((mo as usize).wrapping_sub(1)).unwrap_or(&"");
    let Ask { method, path, agent, .. } = ask;
    ecow::eco_format!(
        "{} - - [{d:02}/{month}/{y:04}:{h:02}:{mi:02}:{s:02} +0000] \"{method} {path} HTTP/1.1\" {} {} \"-\" \"{agent}\" \"-\"",
        peer.source,
        answer.code,
        answer.body.len()
    )
}
