//! `kubectl version`.
//! Models kubectl/pkg/cmd/version.

use super::context::Cx;
use super::error::{Run, fail};
use super::print::{json, yaml};
use crate::api::discovery::server_version;
use crate::api::{Map, Value};

/// What a binary says of itself, in the order Go's struct has it.
struct Build(&'static [(&'static str, &'static str)]);

const CLIENT_BOOK: Build = Build(&[
    ("major", "1"),
    ("minor", "20"),
    ("gitVersion", "v1.20.2"),
    ("gitCommit", "faecb196815e248d3ecfb03c680a4507229c2a56"),
    ("gitTreeState", "clean"),
    ("buildDate", "2021-01-13T13:20:00Z"),
    ("goVersion", "go1.19.8"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
]);
const CLIENT_MODERN: Build = Build(&[
    ("major", "1"),
    ("minor", "36"),
    ("gitVersion", "v1.36.4"),
    ("gitCommit", "bb826b1d48562f110659e64e8ec444327433db95"),
    ("gitTreeState", "clean"),
    ("buildDate", "2026-09-29T20:03:31Z"),
    ("goVersion", "go1.27.1"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
]);
const KUSTOMIZE: &str = "v5.8.1";

impl Build {
    fn version(&self) -> &'static str {
        self.0.iter().find(|(k, _)| *k == "gitVersion").map_or("", |(_, v)| v)
    }
    fn map(&self) -> Map {
        self.0.iter().map(|(k, v)| ((*k).into(), Value::from(*v))).collect()
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
    let client = if modern { CLIENT_MODERN } else { CLIENT_BOOK };
    let server = Build(server_version(cx.profile));
    let asked = !cx.flags.yes("client");
    // What the client knows of itself is printed whether or not the server answers.
    let answer = if asked { cx.url("/version?timeout=32s").map(drop) } else { Ok(()) };
    if let Err(super::error::Fail::Stop(stop)) = answer {
        return Err(super::error::Fail::Stop(stop));
    }
    let server = (asked && answer.is_ok()).then_some(server);
    match output.as_str() {
        "" if modern => {
            let text = format!("Client Version: {}\nKustomize Version: {KUSTOMIZE}\n", client.version());
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
                m.insert("kustomizeVersion", KUSTOMIZE);
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
                parts.push(format!("  \"kustomizeVersion\": \"{KUSTOMIZE}\""));
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
