//! Flags and arguments that do not go together, and what is said of them.
//! Models the `Validate` methods of kubectl/pkg/cmd, which do little else.

use super::context::Cx;
use super::error::{Run, fail};
use crate::sim::Profile::{self, Book, Modern};

/// `text` is said when every word of `when` holds.
struct Rule {
    only: Option<Profile>,
    /// Commands below `kubectl`, with `,` between them.
    verbs: &'static str,
    /// `flag`, `flag=value`, `args` (there are arguments); `!` in front: the opposite; `^`: was typed.
    when: &'static str,
    text: &'static str,
    /// 1.20 says where to find help.
    usage: bool,
}

const fn rule(verbs: &'static str, when: &'static str, text: &'static str) -> Rule {
    Rule { only: None, verbs, when, text, usage: false }
}
const fn usage(verbs: &'static str, when: &'static str, text: &'static str) -> Rule {
    Rule { only: None, verbs, when, text, usage: true }
}
impl Rule {
    const fn only(self, profile: Profile) -> Rule {
        Rule { only: Some(profile), ..self }
    }
}

const ALL_AND_SELECTOR: &str = "cannot set --all and --selector at the same time";
/// The resource builder's own words, with its space at the end.
const ALL_AND_SELECTED: &str = "setting 'all' parameter but found a non empty selector. ";
const LIST_AND_OUTPUT: &str = "--list and --output may not be specified together";
const RAW_AND_OUTPUT: &str = "--raw and --output are mutually exclusive";
const RAW_AND_RECURSIVE: &str = "--raw and --recursive are mutually exclusive";
const RAW_NOT_ALONE: &str =
    "--raw may not be specified with other flags that filter the server request or alter the output";
const CAN_I_LIST: &str = "list option can't be specified with neither quiet, all-namespaces nor subresource options";

static RULES: &[Rule] = &[
    rule("label,annotate,set env", "list ^output", LIST_AND_OUTPUT),
    rule("label,annotate,set env,set resources,set subject,apply,diff", "all selector", ALL_AND_SELECTOR),
    rule("label,annotate", "all field-selector", "cannot set --all and --field-selector at the same time"),
    rule(
        "label,annotate,patch,set env,set image,set resources,set selector,set serviceaccount,set subject",
        "local dry-run=server",
        "cannot specify --local and --dry-run=server - did you mean --dry-run=client?",
    ),
    rule("patch", "local args", "cannot specify --local and server resources"),
    rule(
        "apply",
        "server-side dry-run=client",
        "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
    ),
    rule("apply", "server-side force", "--force cannot be used with --server-side"),
    rule("apply", "force dry-run=server", "--dry-run=server cannot be used with --force"),
    rule("apply", "force prune", "--force cannot be used with --prune").only(Modern),
    rule(
        "apply",
        "prune !all !selector",
        "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector",
    ),
    rule("auth can-i", "no-headers !list", "--no-headers cannot be set without --list specified"),
    rule("auth can-i", "list quiet", CAN_I_LIST),
    rule("auth can-i", "list all-namespaces", CAN_I_LIST),
    rule("auth can-i", "list subresource", CAN_I_LIST),
    rule("auth can-i", "list args", "list option must be specified with no arguments"),
    rule("autoscale", "^cpu ^cpu-percent", "--cpu-percent and --cpu are mutually exclusive").only(Modern),
    rule("get", "raw args", "arguments may not be passed when --raw is specified"),
    usage("get", "raw ^output", RAW_AND_OUTPUT),
    usage("get", "raw watch", RAW_NOT_ALONE),
    usage("get", "raw watch-only", RAW_NOT_ALONE),
    usage("get", "raw selector", RAW_NOT_ALONE),
    usage("get", "raw field-selector", RAW_NOT_ALONE),
    usage("get", "raw show-labels", RAW_NOT_ALONE),
    rule("delete", "all selector", ALL_AND_SELECTED),
    rule("delete", "all field-selector", ALL_AND_SELECTED),
    rule("delete", "raw ^output", RAW_AND_OUTPUT),
    rule("delete", "raw recursive", RAW_AND_RECURSIVE),
    usage("create,replace", "raw ^output", RAW_AND_OUTPUT),
    usage("create,replace", "raw recursive", RAW_AND_RECURSIVE),
    usage("create", "raw edit", "--raw and --edit are mutually exclusive"),
    usage("create", "raw selector", "--raw and --selector (-l) are mutually exclusive"),
    rule("delete", "interactive raw", "--interactive can not be used with --raw").only(Modern),
    rule("logs", "since since-time", "at most one of `sinceTime` or `sinceSeconds` may be specified"),
    rule("replace", "force !dry-run=none", "--dry-run can not be used when --force is set").only(Modern),
    usage(
        "run",
        "attach !dry-run=none",
        "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
    ),
    usage(
        "run",
        "stdin !dry-run=none",
        "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
    ),
    rule("taint", "all selector", "setting 'all' parameter with a non empty selector is prohibited"),
    rule("top node", "selector args", "only one of NAME or --selector can be provided"),
    rule("top pod", "selector args", "only one of NAME or --selector can be provided").only(Book),
    rule("top pod", "selector args", "only one of NAME or selector can be provided").only(Modern),
    rule(
        "create token",
        "bound-object-name !bound-object-kind",
        "--bound-object-name can only be set if --bound-object-kind is provided",
    ),
    rule(
        "create token",
        "bound-object-uid !bound-object-kind",
        "--bound-object-uid can only be set if --bound-object-kind is provided",
    ),
    rule(
        "create token",
        "bound-object-kind !bound-object-name",
        "--bound-object-name is required if --bound-object-kind is provided",
    ),
    rule(
        "create configmap,create secret generic",
        "from-env-file from-file",
        "from-env-file cannot be combined with from-file or from-literal",
    ),
    rule(
        "create configmap,create secret generic",
        "from-env-file from-literal",
        "from-env-file cannot be combined with from-file or from-literal",
    ),
    rule(
        "create clusterrole",
        "aggregation-rule verb",
        "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
    ),
    rule(
        "create clusterrole",
        "!aggregation-rule verb !resource !non-resource-url",
        "one of resource or nonResourceURL must be specified",
    ),
];

pub fn check(cx: &Cx<'_, '_>) -> Run {
    let path = cx.path.strip_prefix("kubectl ").unwrap_or("");
    for r in RULES {
        if r.verbs.split(',').any(|v| v == path)
            && r.only.is_none_or(|p| p == cx.profile)
            && r.when.split(' ').all(|word| holds(cx, word))
        {
            return if r.usage && !cx.modern() { cx.usage(r.text) } else { fail(r.text) };
        }
    }
    Ok(())
}

fn holds(cx: &Cx<'_, '_>, word: &str) -> bool {
    if let Some(rest) = word.strip_prefix('!') {
        return !holds(cx, rest);
    }
    if let Some(name) = word.strip_prefix('^') {
        return cx.flags.changed(name);
    }
    if word == "args" {
        return !cx.args.is_empty();
    }
    match word.split_once('=') {
        Some((name, value)) => cx.flags.text(name) == value,
        // A list that was given, a text that is not empty, a switch that is on, a time that is not zero.
        None => !matches!(cx.flags.text(word), "" | "false" | "0s"),
    }
}
