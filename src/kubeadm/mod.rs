//! kubeadm: one file per verb. Builds, joins, upgrades and takes down clusters through files, systemd
//! and the API of the machine it runs on. Models cmd/kubeadm/app of 1.18 and of current releases.
//!
//! - [`config`], [`fields`]: flags and `--config` documents → what is to be built
//! - [`preflight`]: what it looks at before
//! - [`init`], [`join`], [`reset`], [`upgrade`], [`token`], [`certs`], [`images`]
//! - [`client`]: files, services and the API

mod certs;
mod client;
mod config;
mod fields;
mod images;
mod init;
mod join;
mod preflight;
mod reset;
mod token;
mod upgrade;

use crate::addons::cluster::minor;
use crate::api::Value;
use crate::base::{Str, Time};
use crate::kubectl::flags::{self, Flag, Flags};
use crate::machine::program::{Command, Flow, Io, Stop, Stream};
use crate::sim::Profile;

pub static COMMAND: Command = Command {
    name: "kubeadm",
    run: main,
    about: ["build a Kubernetes cluster", "쿠버네티스 클러스터를 구성합니다"],
    folder: "/usr/bin",
    startup_ms: 60,
};

/// Why a verb returns early.
pub enum Fail {
    Stop(Stop),
    /// Printed to standard error; the exit code is 1.
    Error(String),
}

impl From<Stop> for Fail {
    fn from(stop: Stop) -> Fail {
        Fail::Stop(stop)
    }
}

pub type Run<T = ()> = Result<T, Fail>;

fn fail<T>(message: impl Into<String>) -> Run<T> {
    Err(Fail::Error(message.into()))
}

/// What a verb runs with.
pub struct Cx<'a, 'i> {
    pub io: &'a mut Io<'i>,
    pub profile: Profile,
    /// Its own version: `v1.18.4`.
    pub version: Str,
    /// Name and address of the machine.
    pub node: Str,
    pub ip: Str,
    pub flags: Flags,
    pub args: Vec<Str>,
}

impl Cx<'_, '_> {
    pub fn minor(&self) -> u32 {
        minor(&self.version)
    }
    pub fn out(&mut self, line: impl AsRef<str>) {
        self.io.outln(line);
    }
    /// A line of klog's, on standard error.
    pub fn klog(&mut self, level: char, place: &str, text: &str) -> Run {
        let now = self.io.now()?;
        let (_, mo, d, h, mi, s) = now.civil();
        let pid = self.io.call("machine", Value::Null)?.get("pid").and_then(Value::as_int).unwrap_or(0);
        let micros = now.0 % 1_000_000;
        self.io.errln(format!("{level}{mo:02}{d:02} {h:02}:{mi:02}:{s:02}.{micros:06} {pid:>7} {place}] {text}"));
        Ok(())
    }
}

struct Verb {
    path: &'static str,
    flags: &'static [Flag],
    run: fn(&mut Cx<'_, '_>) -> Run,
    about: &'static str,
}

const IGNORE: Flag = flags::list("ignore-preflight-errors", "");
const CONFIG: Flag = flags::text("config", "", "");
const SOCKET: Flag = flags::text("cri-socket", "", "");
const KUBECONFIG: Flag = flags::text("kubeconfig", "", "/etc/kubernetes/admin.conf");

static VERBS: &[Verb] = &[
    Verb { path: "certs certificate-key", flags: &[], run: certs::certificate_key, about: "Generate certificate keys" },
    Verb {
        path: "certs check-expiration",
        flags: &[CONFIG, KUBECONFIG],
        run: certs::check,
        about: "Check certificates expiration for a Kubernetes cluster",
    },
    Verb {
        path: "certs renew",
        flags: &[CONFIG, KUBECONFIG],
        run: certs::renew,
        about: "Renew certificates for a Kubernetes cluster",
    },
    Verb {
        path: "config images list",
        flags: images::FLAGS,
        run: images::list,
        about: "Print a list of images kubeadm will use",
    },
    Verb { path: "config images pull", flags: images::FLAGS, run: images::pull, about: "Pull images used by kubeadm" },
    Verb {
        path: "config print init-defaults",
        flags: &[],
        run: config::print_init,
        about: "Print default init configuration",
    },
    Verb {
        path: "config print join-defaults",
        flags: &[],
        run: config::print_join,
        about: "Print default join configuration",
    },
    Verb {
        path: "init",
        flags: init::FLAGS,
        run: init::run,
        about: "Run this command in order to set up the Kubernetes control plane",
    },
    Verb {
        path: "join",
        flags: join::FLAGS,
        run: join::run,
        about: "Run this on any machine you wish to join an existing cluster",
    },
    Verb {
        path: "reset",
        flags: reset::FLAGS,
        run: reset::run,
        about: "Performs a best effort revert of changes made to this host by 'kubeadm init' or 'kubeadm join'",
    },
    Verb {
        path: "token create",
        flags: token::CREATE,
        run: token::create,
        about: "Create bootstrap tokens on the server",
    },
    Verb {
        path: "token delete",
        flags: &[KUBECONFIG],
        run: token::delete,
        about: "Delete bootstrap tokens on the server",
    },
    Verb {
        path: "token generate",
        flags: &[],
        run: token::generate,
        about: "Generate and print a bootstrap token, but do not create it on the server",
    },
    Verb { path: "token list", flags: &[KUBECONFIG], run: token::list, about: "List bootstrap tokens on the server" },
    Verb {
        path: "upgrade apply",
        flags: upgrade::FLAGS,
        run: upgrade::apply,
        about: "Upgrade your Kubernetes cluster to the specified version",
    },
    Verb {
        path: "upgrade node",
        flags: upgrade::FLAGS,
        run: upgrade::node,
        about: "Upgrade commands for a node in the cluster",
    },
    Verb {
        path: "upgrade plan",
        flags: upgrade::FLAGS,
        run: upgrade::plan,
        about: "Check which versions are available to upgrade to and validate whether your current cluster is upgradeable",
    },
    Verb {
        path: "version",
        flags: &[flags::text("output", "o", "")],
        run: version,
        about: "Print the version of kubeadm",
    },
];

fn main(io: &mut Io<'_>, words: &[Str]) -> Flow<i32> {
    let profile = if io.call("profile", Value::Null)?.as_str() == "modern" { Profile::Modern } else { Profile::Book };
    let machine = io.call("machine", Value::Null)?;
    let installed = io.call("package", "kubeadm".into())?;
    let version = match installed.as_str() {
        "" => crate::kubelet::version(profile).into(),
        text => ecow::eco_format!("v{}", text.split('-').next().unwrap_or(text)),
    };
    let (node, ip) = (machine.str("name").into(), machine.str("ip").into());
    let mut cx = Cx { io, profile, version, node, ip, flags: Flags::default(), args: Vec::new() };
    match dispatch(&mut cx, &words[1..]) {
        Ok(()) => Ok(0),
        Err(Fail::Stop(stop)) => Err(stop),
        Err(Fail::Error(text)) => {
            let text = if cx.minor() >= 33 { format!("error: {text}") } else { text };
            cx.io.errln(text);
            cx.io.errln("To see the stack trace of this error execute with --v=5 or higher");
            Err(Stop::Exit(1))
        }
    }
}

fn dispatch(cx: &mut Cx<'_, '_>, words: &[Str]) -> Run {
    // Up to 1.20 `certs` was `alpha certs`.
    let words = match words {
        [alpha, rest @ ..] if alpha == "alpha" && cx.minor() <= 20 => rest,
        [certs, ..] if certs == "certs" && cx.minor() < 20 => return fail("unknown command \"certs\" for \"kubeadm\""),
        words => words,
    };
    let named: Vec<&str> = words.iter().map(Str::as_str).take_while(|w| !w.starts_with('-')).collect();
    let matches =
        |v: &&Verb| v.path.split(' ').count() <= named.len() && v.path.split(' ').zip(&named).all(|(a, b)| a == *b);
    let Some(verb) = VERBS.iter().find(matches) else { return group(cx, &named, words) };
    let mut known = verb.flags.to_vec();
    known.push(flags::int("v", "v", "0"));
    let rest = &words[verb.path.split(' ').count()..];
    let parsed = match flags::parse(&known, rest, true) {
        Ok(parsed) => parsed,
        Err(why) => return fail(why),
    };
    if parsed.help {
        cx.out(format!("{}.\n\nUsage:\n  kubeadm {} [flags]\n\nFlags:", verb.about, verb.path));
        for flag in verb.flags {
            cx.out(format!("      --{}", flag.name));
        }
        return Ok(());
    }
    (cx.flags, cx.args) = (parsed.flags, parsed.args);
    (verb.run)(cx)
}

/// A word that only groups verbs, or none that is known.
fn group(cx: &mut Cx<'_, '_>, named: &[&str], words: &[Str]) -> Run {
    let prefix = named.join(" ");
    let below: Vec<&Verb> =
        VERBS.iter().filter(|v| prefix.is_empty() || v.path.starts_with(&format!("{prefix} "))).collect();
    if below.is_empty() {
        let last = named.first().copied().unwrap_or_default();
        return fail(format!("unknown command \"{last}\" for \"kubeadm\""));
    }
    let help = words.iter().any(|w| w == "--help" || w == "-h");
    if !prefix.is_empty() && !help {
        let last = named.last().copied().unwrap_or_default();
        return fail(format!("missing subcommand; {last:?} is not meant to be run on its own"));
    }
    if prefix.is_empty() {
        cx.out("\n\n    ┌──────────────────────────────────────────────────────────┐\n    │ KUBEADM                                                  │\n    │ Easily bootstrap a secure Kubernetes cluster             │\n    │                                                          │\n    │ Please give us feedback at:                              │\n    │ https://github.com/kubernetes/kubeadm/issues             │\n    └──────────────────────────────────────────────────────────┘\n");
    }
    cx.out("Usage:\n  kubeadm [command]\n\nAvailable Commands:");
    for verb in below {
        cx.out(format!("  {:<28} {}", verb.path, verb.about));
    }
    Ok(())
}

fn version(cx: &mut Cx<'_, '_>) -> Run {
    let version = cx.version.clone();
    let short = version.trim_start_matches('v');
    let mut parts = short.split('.');
    let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("0"));
    let (commit, date, go) = match short {
        "1.18.4" => ("c96aede7b5205121079932896c4ad89bb93260af", "2020-06-17T11:39:15Z", "go1.13.9"),
        "1.36.2" => ("98b35193b2ac7a23a673325f5e9b830ecd5ba406", "2026-07-01T00:00:00Z", "go1.26.3"),
        _ => ("0000000000000000000000000000000000000000", "1970-01-01T00:00:00Z", "go1.21.0"),
    };
    let output = cx.flags.text("output").to_owned();
    let fields = [
        ("major", major),
        ("minor", minor),
        ("gitVersion", &version),
        ("gitCommit", commit),
        ("gitTreeState", "clean"),
        ("buildDate", date),
        ("goVersion", go),
        ("compiler", "gc"),
        ("platform", "linux/amd64"),
    ];
    match output.as_str() {
        "short" => cx.out(version),
        "" => {
            let go: Vec<String> =
                fields.iter().map(|(k, v)| format!("{}{}:\"{v}\"", k[..1].to_ascii_uppercase(), &k[1..])).collect();
            cx.out(format!("kubeadm version: &version.Info{{{}}}", go.join(", ")));
        }
        "json" => {
            let lines: Vec<String> = fields.iter().map(|(k, v)| format!("    \"{k}\": \"{v}\"")).collect();
            cx.out(format!("{{\n  \"clientVersion\": {{\n{}\n  }}\n}}", lines.join(",\n")));
        }
        "yaml" => {
            cx.out("clientVersion:");
            for (key, value) in fields {
                let quoted = if matches!(key, "major" | "minor" | "buildDate") {
                    format!("\"{value}\"")
                } else {
                    value.to_owned()
                };
                cx.out(format!("  {key}: {quoted}"));
            }
        }
        other => return fail(format!("invalid output format: {other}")),
    }
    Ok(())
}

/// `1.5s`, `501.2ms`: a duration of micros as Go prints it.
pub fn go_time(micros: u64) -> String {
    let (unit, size) = if micros >= 1_000_000 { ("s", 1_000_000) } else { ("ms", 1_000) };
    let text = format!("{}.{:06}", micros / size, micros % size * (1_000_000 / size));
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// When a span given to a flag or in a document (`24h0m0s`, `0`) ends; `None`: never.
pub fn expiry(now: Time, ttl: &str) -> Run<Option<Time>> {
    match flags::parse_duration(ttl) {
        Ok(0) => Ok(None),
        Ok(micros) => Ok(Some(Time(now.0 + micros.max(0).unsigned_abs()))),
        Err(why) => fail(why),
    }
}

fn stderr(cx: &mut Cx<'_, '_>, text: &str) {
    cx.io.print(Stream::Err, text);
}
