//! What the main process of a container does: serve, wait, print and end, or be a component of the
//! cluster. A script of `sh -c` is reduced once, at start, to what it prints when and how it ends.

use crate::api::Value;
use crate::base::{Duration, Str};
use crate::machine::load;

/// What an HTTP server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Page {
    Nginx,
    ItWorks,
    /// The pod's host name.
    Hostname,
    /// The client's address.
    ClientIp,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Program {
    Http {
        port: u16,
        page: Page,
    },
    /// Listens on these ports and waits.
    Server(Vec<u16>),
    Component(Str),
    Script(Script),
    /// The executable does not exist in the image.
    NotFound(Str),
}

/// A script, run to its end in thought.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Script {
    /// Lines and when they are written, after the start.
    pub lines: Vec<(Duration, Str)>,
    /// When it ends and with which code; `None`: never.
    pub end: Option<(Duration, i32)>,
    /// From its last step on it repeats: period and lines.
    pub repeat: Option<(Duration, Vec<Str>)>,
    pub command: Str,
    /// See [`crate::machine::load::claims_mib`].
    pub claims_mib: u64,
    /// Files it makes (`true`) or removes, and when.
    pub files: Vec<(Duration, Str, bool)>,
}

impl Program {
    /// `sh -c text`.
    pub fn shell(text: &str) -> Program {
        Program::Script(Script::of(text))
    }
    pub fn print(text: &str) -> Program {
        let lines = text.lines().map(|l| (Duration::ZERO, l.into())).collect();
        Program::Script(Script { lines, end: Some((Duration::millis(50), 0)), ..Script::default() })
    }

    /// What a container runs: the image's own program unless `command` or `args` say otherwise.
    pub fn of(image: Program, command: &[Value], args: &[Value]) -> Program {
        let words: Vec<&str> = command.iter().chain(args).map(Value::as_str).collect();
        let Some(first) = words.first() else { return image };
        let name = first.rsplit('/').next().unwrap_or(first);
        if command.is_empty() && !matches!(image, Program::Script(_)) {
            // Arguments to the image's own entry point, unless they are a command of their own.
            let known = matches!(name, "sh" | "bash" | "sleep" | "echo" | "true" | "false" | "tail" | "cat");
            return if known { Program::of_words(&words) } else { image };
        }
        match &image {
            Program::Component(own) if name == own || image_helper(name) => image,
            Program::Http { .. } if matches!(name, "nginx" | "httpd" | "docker-entrypoint.sh") => image,
            Program::Server(_) if !is_tool(name) => image,
            // The init containers of Calico: their image's scripts.
            _ if image_helper(name) => Program::print(""),
            _ => Program::of_words(&words),
        }
    }

    fn of_words(words: &[&str]) -> Program {
        let name = words[0].rsplit('/').next().unwrap_or(words[0]);
        match name {
            "sh" | "bash" | "ash" => match words.iter().position(|w| w.starts_with('-') && w.ends_with('c')) {
                Some(i) => Program::shell(words.get(i + 1).copied().unwrap_or_default()),
                None => Program::shell(""),
            },
            _ if is_tool(name) => Program::shell(&quote(words)),
            _ => Program::NotFound(words[0].into()),
        }
    }

    /// Memory that it asks for, in MiB.
    pub fn claims_mib(&self) -> u64 {
        if let Program::Script(script) = self { script.claims_mib } else { 0 }
    }

    /// TCP ports that it listens on.
    pub fn ports(&self) -> &[u16] {
        match self {
            Program::Http { port, .. } => std::slice::from_ref(port),
            Program::Server(ports) => ports,
            // Components of the host's network register their ports with the machine themselves.
            Program::Component(name) if name == "coredns" => &[53, 8080, 8181, 9153],
            Program::Component(name) if name == "metrics-server" => &[4443, 10250],
            Program::Component(name) if name == "nginx-ingress-controller" => &[80, 443, 8181, 10254],
            _ => &[],
        }
    }

    /// How long it takes to end after SIGTERM (or the image's stop signal), and with which code;
    /// `None`: it does not react, as any process 1 without a handler.
    pub fn on_terminate(&self) -> Option<(Duration, i32)> {
        match self {
            Program::Http { .. } => Some((Duration::millis(120), 0)),
            Program::Server(ports) if ports.is_empty() => Some((Duration::millis(60), 0)),
            Program::Server(_) => Some((Duration::millis(300), 0)),
            Program::Component(_) => Some((Duration::millis(80), 0)),
            Program::Script(_) | Program::NotFound(_) => None,
        }
    }

    /// The answer of its HTTP server.
    pub fn page(&self, hostname: &str, client: &str) -> Option<Str> {
        let Program::Http { page, .. } = self else { return None };
        Some(match page {
            Page::Nginx => WELCOME.into(),
            Page::ItWorks => "<html><body><h1>It works!</h1></body></html>\n".into(),
            Page::Hostname => ecow::eco_format!("{hostname}\n"),
            Page::ClientIp => ecow::eco_format!("request_method : GET | ip_dest: {client}\n"),
        })
    }
}

/// Scripts that the CNI's images bring along.
fn image_helper(name: &str) -> bool {
    matches!(name, "install-cni.sh" | "install" | "calico-ipam" | "calico-node" | "flexvol.sh")
}

/// Tools of a shell image.
fn is_tool(name: &str) -> bool {
    const TOOLS: [&str; 23] = [
        "stress", "sleep", "echo", "true", "false", "cat", "tail", "date", "ls", "env", "printenv", "hostname", "wget",
        "curl", "nslookup", "ping", "touch", "mkdir", "rm", "yes", "perl", "python", "nc",
    ];
    TOOLS.contains(&name)
}

fn quote(words: &[&str]) -> String {
    let quoted = words.iter().map(|w| if w.contains([' ', ';', '&']) { format!("'{w}'") } else { (*w).to_owned() });
    quoted.collect::<Vec<_>>().join(" ")
}

/// The default page of nginx.
pub const WELCOME: &str = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome to nginx!</title>\n<style>\n    body {\n        width: 35em;\n        margin: 0 auto;\n        font-family: Tahoma, Verdana, Arial, sans-serif;\n    }\n</style>\n</head>\n<body>\n<h1>Welcome to nginx!</h1>\n<p>If you see this page, the nginx web server is successfully installed and\nworking. Further configuration is required.</p>\n\n<p>For online documentation and support please refer to\n<a href=\"http://nginx.org/\">nginx.org</a>.<br/>\nCommercial support is available at\n<a href=\"http://nginx.com/\">nginx.com</a>.</p>\n\n<p><em>Thank you for using nginx.</em></p>\n</body>\n</html>\n";

impl Script {
    /// Reads the common one-liners: `echo`, `sleep`, `exit`, `true`, `false`, `while true; do … done`,
    /// joined by `;`, `&&`, `||` or newlines. Other commands take no time and succeed.
    pub fn of(text: &str) -> Script {
        let mut script = Script { command: text.into(), claims_mib: load::claims_mib(text), ..Script::default() };
        let (mut at, mut code) = (Duration::ZERO, 0);
        let mut body: Option<(Duration, Vec<Str>)> = None;
        for (joint, statement) in statements(text) {
            if (joint == "&&" && code != 0) || (joint == "||" && code == 0) {
                continue;
            }
            let mut words = words(&statement);
            while matches!(words.first().map(String::as_str), Some("do" | "then" | "exec" | "(" | "{")) {
                words.remove(0);
            }
            let Some(first) = words.first().map(String::as_str) else { continue };
            let rest = words[1..].join(" ");
            match first.rsplit('/').next().unwrap_or(first) {
                "while" | "until" | "for" => body = Some((Duration::ZERO, Vec::new())),
                "done" => {
                    let (period, lines) = body.take().unwrap_or_default();
                    script.repeat = Some((if period == Duration::ZERO { Duration::secs(1) } else { period }, lines));
                    script.repeat_from(at);
                    return script;
                }
                "sleep" => {
                    let Some(time) = sleep_time(&rest) else {
                        return script; // `sleep infinity`
                    };
                    match &mut body {
                        Some((period, _)) => *period = *period + time,
                        None => at = at + time,
                    }
                    code = 0;
                }
                "echo" => {
                    let redirected = rest.contains('>');
                    match &mut body {
                        _ if redirected => {}
                        Some((_, lines)) => lines.push(rest.as_str().into()),
                        None => script.lines.push((at, rest.as_str().into())),
                    }
                    code = 0;
                }
                "touch" => script.files.push((at, rest.as_str().into(), true)),
                "rm" => {
                    let gone = words[1..].iter().filter(|w| !w.starts_with('-'));
                    script.files.extend(gone.map(|w| (at, w.as_str().into(), false)));
                }
                "tail" if rest.contains("-f") => return script,
                "yes" | "stress" => return script,
                "tail" if rest.contains("/dev/zero") => return script,
                "exit" if body.is_none() => {
                    script.end = Some((at, rest.parse().unwrap_or(code)));
                    return script.least();
                }
                "false" => code = 1,
                "true" => code = 0,
                "perl" => {
                    at = at + Duration::secs(4);
                    script.lines.push((at, PI.into()));
                }
                "ls" if rest.contains("/nonexist") => code = 1,
                name if is_tool(name) || BUILTINS.contains(&name) || name.contains('=') => code = 0,
                name => {
                    script.lines.push((at, ecow::eco_format!("sh: {name}: not found")));
                    code = 127;
                }
            }
        }
        script.end = Some((at, code));
        script.least()
    }

    /// A process takes a moment even if it does nothing.
    fn least(mut self) -> Script {
        if let Some((at, _)) = &mut self.end {
            *at = *at + Duration::millis(30);
        }
        self
    }

    /// Shifts the repetition to begin at `at`.
    fn repeat_from(&mut self, at: Duration) {
        if let Some((_, lines)) = &self.repeat {
            let first: Vec<(Duration, Str)> = lines.iter().map(|l| (at, l.clone())).collect();
            self.lines.extend(first);
        }
    }

    /// Whether a file that it makes is there `ran` after its start.
    pub fn has_file(&self, path: &str, ran: Duration) -> bool {
        let mut until_now = self.files.iter().filter(|(at, file, _)| *at <= ran && file == path);
        until_now.next_back().is_some_and(|(_, _, made)| *made)
    }

    /// Everything written within `ran` of its start, with the time after the start.
    pub fn written(&self, ran: Duration) -> Vec<(Duration, Str)> {
        const MOST: u64 = 1000;
        let mut out: Vec<(Duration, Str)> = self.lines.iter().filter(|(at, _)| *at <= ran).cloned().collect();
        if let Some((period, lines)) = &self.repeat {
            let begin = self.lines.last().map_or(Duration::ZERO, |(at, _)| *at);
            let rounds = ran.0.saturating_sub(begin.0) / period.0;
            for i in rounds.saturating_sub(MOST) + 1..=rounds {
                out.extend(lines.iter().map(|l| (Duration(begin.0 + i * period.0), l.clone())));
            }
        }
        out
    }
}

const BUILTINS: [&str; 12] = ["cd", "set", "export", "trap", "chmod", "chown", "cp", "mv", "ln", "printf", "test", "["];
const PI: &str =
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798";

/// `10`, `1m`, `infinity`.
fn sleep_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let millis = match number.split_once('.') {
        Some((whole, part)) => {
            whole.parse::<u64>().unwrap_or(0) * 1000 + format!("{part:0<3}")[..3].parse::<u64>().unwrap_or(0)
        }
        None if text.starts_with("inf") => return None,
        None => number.parse::<u64>().ok()? * 1000,
    };
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    Some(Duration::millis(millis * factor))
}

/// Splits at `;`, `&&`, `||` and newlines outside quotes; each with what stood before it.
fn statements(text: &str) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let (mut joint, mut current, mut quote) = (";", String::new(), None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let split = match (quote, c) {
            (Some(q), _) => {
                if c == q {
                    quote = None;
                }
                None
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                None
            }
            (None, ';' | '\n') => Some(";"),
            (None, '&') if chars.peek() == Some(&'&') => {
                chars.next();
                Some("&&")
            }
            (None, '|') if chars.peek() == Some(&'|') => {
                chars.next();
                Some("||")
            }
            _ => None,
        };
        match split {
            Some(next) => {
                out.push((joint, std::mem::take(&mut current)));
                joint = next;
            }
            None => current.push(c),
        }
    }
    out.push((joint, current));
    out.retain(|(_, s)| !s.trim().is_empty());
    out
}

/// Words of a statement, quotes removed.
fn words(statement: &str) -> Vec<String> {
    let (mut out, mut current, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for c in statement.chars() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => current.push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                begun = true;
            }
            (None, _) if c.is_whitespace() => {
                if begun || !current.is_empty() {
                    out.push(std::mem::take(&mut current));
                }
                begun = false;
            }
            (None, _) => current.push(c),
        }
    }
    if begun || !current.is_empty() {
        out.push(current);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> Option<(u64, i32)> {
        Script::of(text).end.map(|(at, code)| (at.as_secs(), code))
    }

    #[test]
    fn scripts_end_as_a_shell_would() {
        for (text, expected) in [
            ("", Some((0, 0))),
            ("exit 1", Some((0, 1))),
            ("echo hi; sleep 5; exit 3", Some((5, 3))),
            ("sleep 1m", Some((60, 0))),
            ("sleep infinity", None),
            ("while true; do date; sleep 1; done", None),
            ("false && echo no", Some((0, 1))),
            ("nosuch", Some((0, 127))),
            ("tail -f /dev/null", None),
        ] {
            assert_eq!(end(text), expected, "{text}");
        }
    }

    #[test]
    fn loops_write_each_round() {
        let script = Script::of("while true; do echo 'tick tock'; sleep 2; done");
        let lines = script.written(Duration::secs(5));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], (Duration::secs(4), "tick tock".into()));
    }

    #[test]
    fn commands_replace_the_image_program() {
        let image = Program::Http { port: 80, page: Page::Nginx };
        let list = |w: &[&str]| w.iter().map(|w| Value::from(*w)).collect::<Vec<_>>();
        assert_eq!(Program::of(image.clone(), &[], &[]), image);
        assert!(matches!(Program::of(image.clone(), &list(&["sleep", "30"]), &[]), Program::Script(_)));
        assert!(matches!(Program::of(image, &list(&["/bin/nope"]), &[]), Program::NotFound(_)));
    }
}
