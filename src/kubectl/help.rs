//! Help texts. The words are ours, except where they are part of an error.

use super::commands::{ROOT, Verb};
use super::context::Cx;
use super::error::{Run, fail};
use super::exit;
use crate::base::arrange::Arrange;
use crate::machine::program::Stream;

const MORE: &str = "Use \"kubectl options\" for a list of global command-line options (applies to all commands).\n";

/// `kubectl VERB --help`.
pub fn command(cx: &mut Cx<'_, '_>, verb: &Verb) -> Run {
    let text = if verb.sub.is_empty() || verb.run.is_some() && verb.name != "kubectl" {
        let mut text = format!("{}\n", verb.about);
        let options = options_text(verb, cx);
        if !options.is_empty() {
            text += &format!("\nOptions:\n{options}");
        }
        text += &format!("\nUsage:\n  {} {} [options]\n\n{MORE}", cx.path, verb.usage);
        text
    } else {
        group_text(cx, verb)
    };
    cx.io.out(text);
    Ok(())
}

fn options_text(verb: &Verb, cx: &Cx<'_, '_>) -> String {
    let own = verb.flags.iter().flat_map(|f| f.iter()).filter(|f| f.only.is_none_or(|p| p == cx.profile));
    own.map(|f| {
        let short = if f.short.is_empty() { "    ".to_owned() } else { format!("-{}, ", f.short) };
        format!("  {short}--{}={}\n", f.name, if f.default.is_empty() { "''" } else { f.default })
    })
    .collect()
}

/// What a level without arguments prints, to standard error with exit code 1 as upstream does for
/// most of them.
pub fn group(cx: &mut Cx<'_, '_>, verb: &Verb) -> Run {
    let text = group_text(cx, verb);
    let to = if matches!(verb.name, "kubectl" | "rollout" | "certificate") { Stream::Out } else { Stream::Err };
    cx.io.print(to, &text);
    if matches!(verb.name, "kubectl" | "certificate") { Ok(()) } else { exit(1) }
}

/// The help of `kubectl create` and the like, to standard error.
pub fn group_by_path(cx: &mut Cx<'_, '_>, name: &str) -> Run {
    if let Some(verb) = ROOT.child(name, cx.profile) {
        let text = group_text(cx, verb);
        cx.io.print(Stream::Err, &text);
    }
    exit(1)
}

/// The help of the command that runs, with exit code 1: its arguments were not right.
pub fn this(cx: &mut Cx<'_, '_>) -> Run {
    let words: Vec<crate::base::Str> = cx.path.split(' ').skip(1).map(Into::into).collect();
    let (verb, _, _) = super::find(cx.profile, &words);
    let text = format!("{}\n\nUsage:\n  {} {} [options]\n\n{MORE}", verb.about, cx.path, verb.usage);
    cx.io.out(text);
    fail(format!("Unexpected args: [{}]\n", cx.args.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" ")))
}

/// The commands of the first level, by what they are for.
static GROUPS: &[(&str, &str)] = &[
    ("Basic Commands (Beginner):", "create expose run set"),
    ("Basic Commands (Intermediate):", "explain get edit delete"),
    ("Deploy Commands:", "rollout scale autoscale"),
    ("Cluster Management Commands:", "certificate cluster-info top cordon uncordon drain taint"),
    ("Troubleshooting and Debugging Commands:", "describe logs attach exec port-forward proxy cp auth debug events"),
    ("Advanced Commands:", "diff apply patch replace wait kustomize"),
    ("Settings Commands:", "label annotate completion"),
    ("Other Commands:", "api-resources api-versions config plugin version"),
];

fn root_text(cx: &Cx<'_, '_>) -> String {
    let mut out = String::new();
    for (title, names) in GROUPS {
        out += title;
        out.push('\n');
        let width = names.split(' ').map(str::len).max().unwrap_or(0) + usize::from(cx.modern()) * 2;
        for verb in names.split(' ').filter_map(|n| ROOT.child(n, cx.profile)) {
            out += &format!("  {:<width$} {}\n", verb.name, verb.about);
        }
        out.push('\n');
    }
    out
}

pub fn alpha(cx: &mut Cx<'_, '_>) -> Run {
    if cx.modern() {
        cx.io.outln("No alpha commands are available in this version of kubectl");
        return Ok(());
    }
    cx.io.outln("These commands correspond to alpha features that are not enabled in Kubernetes clusters by default.");
    Ok(())
}

fn group_text(cx: &Cx<'_, '_>, verb: &Verb) -> String {
    let children: Vec<&Verb> = verb.children(cx.profile).collect();
    let mut sorted: Vec<(&str, &str)> = children.iter().map(|v| (v.name, v.about)).collect();
    sorted.arrange();
    let width = sorted.iter().map(|(n, _)| n.len()).max().unwrap_or(0) + usize::from(cx.modern()) * 2;
    let list: String =
        sorted.iter().map(|(name, about)| format!("  {name:<width$} {}\n", words(cx, name, about))).collect();
    if verb.name == "kubectl" {
        let list = root_text(cx);
        return format!(
            "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: {}\n\n{list}Usage:\n  kubectl [flags] [options]\n\nUse \"kubectl <command> --help\" for more information about a given command.\n{MORE}",
            cx.by(
                "https://kubernetes.io/docs/reference/kubectl/overview/",
                "https://kubernetes.io/docs/reference/kubectl/"
            )
        );
    }
    let about = match (verb.name, cx.modern()) {
        ("secret", false) => "Create a secret using specified subcommand.".to_owned(),
        ("secret", true) => "Create a secret with specified type.\n\n A docker-registry type secret is for accessing a container registry.\n\n A generic type secret indicate an Opaque secret type.\n\n A tls type secret holds TLS certificate and its associated key.".to_owned(),
        _ => format!("{}.", verb.about.trim_end_matches('.')),
    };
    let usage = match (verb.name, cx.modern()) {
        ("secret", true) => "(docker-registry | generic | tls)",
        (_, true) if verb.usage.is_empty() => "SUBCOMMAND",
        (_, true) => verb.usage,
        _ if verb.usage == "-f FILENAME" => "-f FILENAME",
        _ => "[flags]",
    };
    let more = cx.by("kubectl", &cx.path);
    format!(
        "{about}\n\nAvailable Commands:\n{list}\nUsage:\n  {} {usage} [options]\n\nUse \"{more} <command> --help\" for more information about a given command.\n{MORE}",
        cx.path
    )
}

/// 1.36 words one of the secrets differently.
fn words(cx: &Cx<'_, '_>, name: &str, about: &str) -> String {
    if name == "generic" && cx.modern() { about.replace("directory or", "directory, or") } else { about.to_owned() }
}

/// `kubectl help [VERB …]`.
pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let words = cx.args.clone();
    let (verb, path, rest) = super::find(cx.profile, &words);
    if !rest.is_empty() {
        let text =
            format!("Unknown help topic [{}]", rest.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" "));
        cx.io.errln(text);
        return Ok(());
    }
    cx.path = path;
    command(cx, verb)
}

pub fn options(cx: &mut Cx<'_, '_>) -> Run {
    let mut text = String::from("The following options can be passed to any command:\n\n");
    for f in super::commands::GLOBAL.iter().filter(|f| f.only.is_none_or(|p| p == cx.profile)) {
        let short = if f.short.is_empty() { "    ".to_owned() } else { format!("-{}, ", f.short) };
        text += &format!("  {short}--{}={}\n", f.name, if f.default.is_empty() { "''" } else { f.default });
    }
    cx.io.out(text);
    Ok(())
}
