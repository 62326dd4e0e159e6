//! `kubectl version`.
//! Models kubectl/pkg/cmd/version.

use super::context::Cx;
use super::error::{Run, fail};
use super::print::{json, yaml};
use crate::addons::cluster::minor;
use crate::api::discovery::version_of;
use crate::api::{Map, Value};
use crate::base::Str;

/// What a binary says of itself, in the order Go's struct has it.
struct Build(Vec<(Str, Str)>);

type Fields = &'static [(&'static str, &'static str)];

const CLIENT_BOOK: Fields = &[
    ("major", "1"),
    ("minor", "20"),
    ("gitVersion", "v1.20.2"),
    ("gitCommit", "faecb196815e248d3ecfb03c680a4507229c2a56"),
    ("gitTreeState", "clean"),
    ("buildDate", "2021-01-13T13:20:00Z"),
    ("goVersion", "go1.19.8"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
];
const CLIENT_MODERN: Fields = &[
    ("major", "1"),
    ("minor", "36"),
    ("gitVersion", "v1.36.4"),
    ("gitCommit", "bb826b1d48562f110659e64e8ec444327433db95"),
    ("gitTreeState", "clean"),
    ("buildDate", "2026-09-29T20:03:31Z"),
    ("goVersion", "go1.27.1"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
];

/// The kustomize that kubectl of a minor version has built in.
fn kustomize(minor: u32) -> &'static str {
    match minor {
        ..28 => "v5.0.1",
        28..31 => "v5.0.4-0.20230601165947-6ce0bf390ce3",
        31 => "v5.4.2",
        32 => "v5.5.0",
        33 => "v5.6.0",
        34 | 35 => "v5.7.1",
        _ => "v5.8.1",
    }
}

impl Build {
    /// Of the body at `/version`.
    fn of_text(text: &str) -> Build {
        let field = |line: &str| {
            let (key, value) = line.trim().trim_end_matches(',').split_once(": ")?;
            Some((key.trim_matches('"').into(), value.trim_matches('"').into()))
        };
        Build(text.lines().filter_map(field).collect())
    }
    fn version(&self) -> &str {
        self.0.iter().find(|(k, _)| k == "gitVersion").map_or("", |(_, v)| v)
    }
    fn map(&self) -> Map {
        self.0.iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect()
    }
    /// `version.Info{Major:"1", …}`
    fn go(&self) -> String {
        let fields: Vec<String> =
            self.0.iter().map(|(k, v)| format!("{}{}:\"{v}\"", k[..1].to_uppercase(), &k[1..])).collect();
        format!("version.Info{{{}}}", fields.join(", "))
    }
    fn json(&self) -> String {
        let fields: Vec<String> =
            self.0.iter().map(|(k, v)| format!("    {}: {}", json::string(k), json::string(v))).collect();
        format!("{{\n{}\n  }}", fields.join(",\n"))
    }
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() && cx.modern() {
        let words: Vec<&str> = cx.args.iter().map(|a| a.as_str()).collect();
        return fail(format!("extra arguments: [{}]", words.join(" ")));
    }
    let output = cx.flags.text("output").to_owned();
    if !matches!(output.as_str(), "" | "json" | "yaml") {
        return fail("--output must be 'yaml' or 'json'");
    }
    let modern = cx.modern();
    let client = client(cx)?;
    let kustomize = kustomize(minor(client.version()));
    let asked = !cx.flags.yes("client");
    // What the client knows of itself is printed whether or not the server answers.
    let answer = if asked { cx.url("/version?timeout=32s").map(Some) } else { Ok(None) };
    let (server, answer) = match answer {
        Err(super::error::Fail::Stop(stop)) => return Err(super::error::Fail::Stop(stop)),
        Ok(text) => (text.map(|t| Build::of_text(&t)), Ok(())),
        Err(why) => (None, Err(why)),
    };
    match output.as_str() {
        "" if modern => {
            let text = format!("Client Version: {}\nKustomize Version: {kustomize}\n", client.version());
            cx.io.out(text);
            if let Some(s) = &server {
                let line = format!("Server Version: {}", s.version());
                cx.io.outln(line);
            }
        }
        "" => {
            let short = cx.flags.yes("short");
            let text = |b: &Build| if short { b.version().to_owned() } else { b.go() };
            let line = format!("Client Version: {}", text(&client));
            cx.io.outln(line);
            if let Some(s) = &server {
                let line = format!("Server Version: {}", text(s));
                cx.io.outln(line);
            }
        }
        "yaml" => {
            let mut m = map! { "clientVersion" => client.map() };
            if modern {
                m.insert("kustomizeVersion", kustomize);
            }
            if let Some(s) = &server {
                m.insert("serverVersion", s.map());
            }
            let text = yaml::document(&Value::Map(m)) + "\n";
            cx.io.out(text);
        }
        _ => {
            let mut parts = vec![format!("  \"clientVersion\": {}", client.json())];
            if modern {
                parts.push(format!("  \"kustomizeVersion\": \"{kustomize}\""));
            }
            if let Some(s) = &server {
                parts.push(format!("  \"serverVersion\": {}", s.json()));
            }
            let text = format!("{{\n{}\n}}", parts.join(",\n"));
            cx.io.outln(text);
        }
    }

    answer
}

/// The client's own build. One whose package is of another minor version than the lab's says so.
fn client(cx: &mut Cx<'_, '_>) -> Run<Build> {
    if cx.modern() {
        let package = cx.io.call("package", "kubectl".into())?;
        let package = package.as_str().split('-').next().unwrap_or_default();
        if !package.is_empty() && minor(package) != minor(CLIENT_MODERN[2].1) {
            let told = version_of(cx.profile, &format!("v{package}")).into_iter();
            let own = told.filter(|(k, _)| !k.starts_with("emulation") && !k.starts_with("minCompat"));
            return Ok(Build(own.map(|(k, v)| (k.into(), v)).collect()));
        }
    }
    let own = if cx.modern() { CLIENT_MODERN } else { CLIENT_BOOK };
    Ok(Build(own.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()))
}
