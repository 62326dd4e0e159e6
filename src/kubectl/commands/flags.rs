//! The flags of the commands, in groups that several of them take.

use super::super::flags::{Flag, array, int, list, on, text, time, yes};
use crate::sim::Profile::{Book, Modern};

/// Flags that every command takes.
pub static GLOBAL: &[Flag] = &[
    text("namespace", "n", ""),
    text("kubeconfig", "", ""),
    text("context", "", ""),
    text("cluster", "", ""),
    text("user", "", ""),
    text("server", "s", ""),
    text("as", "", ""),
    array("as-group", ""),
    text("as-uid", "", "").only(Modern),
    text("token", "", ""),
    text("request-timeout", "", "0"),
    text("cache-dir", "", ""),
    text("certificate-authority", "", ""),
    text("client-certificate", "", ""),
    text("client-key", "", ""),
    text("tls-server-name", "", ""),
    yes("insecure-skip-tls-verify", ""),
    yes("match-server-version", ""),
    yes("warnings-as-errors", ""),
    yes("disable-compression", "").only(Modern),
    text("username", "", ""),
    text("password", "", ""),
    text("profile", "", "none"),
    text("profile-output", "", "profile.pprof"),
    text("kuberc", "", "").only(Modern),
    int("v", "v", "0"),
    text("vmodule", "", ""),
    yes("logtostderr", "").only(Book),
    yes("alsologtostderr", "").only(Book),
    text("log-dir", "", "").only(Book),
    text("log-file", "", "").only(Book),
    text("log-flush-frequency", "", "5s"),
    text("stderrthreshold", "", "2").only(Book),
];

pub const PRINT: &[Flag] = &[
    text("output", "o", ""),
    text("template", "", ""),
    on("allow-missing-template-keys", ""),
    yes("show-managed-fields", "").only(Modern),
];
pub const FILE: &[Flag] = &[list("filename", "f"), text("kustomize", "k", ""), yes("recursive", "R")];
pub const DRY: &[Flag] = &[text("dry-run", "", "none").bare("unchanged"), text("field-manager", "", "")];
pub const RECORD: &[Flag] = &[
    yes("record", "").only(Book),
    yes("record", "").only(Modern).deprecated("--record will be removed in the future"),
];
pub const SELECT: &[Flag] = &[text("selector", "l", "")];
pub const VALIDATE: &[Flag] =
    &[on("validate", "").only(Book), text("validate", "", "strict").bare("strict").only(Modern)];
pub const SAVE: &[Flag] = &[yes("save-config", "")];
pub const ALL_NS: &[Flag] = &[yes("all-namespaces", "A")];

pub const CREATE: &[&[Flag]] =
    &[FILE, PRINT, DRY, SAVE, VALIDATE, RECORD, SELECT, &[yes("edit", ""), text("raw", "", "")]];
pub const GET: &[Flag] = &[
    yes("watch", "w"),
    yes("watch-only", ""),
    yes("output-watch-events", ""),
    yes("no-headers", ""),
    yes("show-labels", ""),
    yes("show-kind", ""),
    list("label-columns", "L"),
    text("sort-by", "", ""),
    text("field-selector", "", ""),
    text("raw", "", ""),
    text("subresource", "", "").only(Modern),
    int("chunk-size", "", "500"),
    yes("ignore-not-found", ""),
    on("server-print", ""),
];
pub const DELETE: &[Flag] = &[
    yes("all", ""),
    yes("force", ""),
    int("grace-period", "", "-1"),
    yes("now", ""),
    on("wait", ""),
    time("timeout", "0s"),
    text("cascade", "", "background").bare("background"),
    yes("ignore-not-found", ""),
    text("field-selector", "", ""),
    text("output", "o", ""),
    text("raw", "", ""),
    yes("interactive", "i").only(Modern),
    text("dry-run", "", "none").bare("unchanged"),
];
pub const APPLY: &[Flag] = &[
    yes("server-side", ""),
    yes("force-conflicts", ""),
    yes("prune", ""),
    array("prune-whitelist", "").only(Book),
    array("prune-allowlist", "").only(Modern),
    yes("all", ""),
    on("overwrite", ""),
    on("openapi-patch", ""),
    yes("force", ""),
    int("grace-period", "", "-1"),
    yes("wait", ""),
    time("timeout", "0s"),
    text("cascade", "", "background").bare("background"),
];
pub const RUN: &[Flag] = &[
    text("image", "", ""),
    text("port", "", ""),
    text("labels", "l", ""),
    array("env", ""),
    text("restart", "", "Always"),
    yes("stdin", "i"),
    yes("tty", "t"),
    yes("rm", ""),
    yes("attach", ""),
    yes("command", ""),
    yes("quiet", "q"),
    yes("privileged", ""),
    yes("expose", ""),
    text("image-pull-policy", "", ""),
    text("overrides", "", ""),
    text("override-type", "", "merge").only(Modern),
    array("annotations", ""),
    yes("leave-stdin-open", ""),
    time("pod-running-timeout", "1m0s"),
    yes("force", ""),
    int("grace-period", "", "-1"),
    time("timeout", "0s"),
    yes("wait", ""),
    text("cascade", "", "background").bare("background"),
    text("requests", "", "").only(Book),
    text("limits", "", "").only(Book),
    text("serviceaccount", "", "").only(Book),
    int("hostport", "", "-1").only(Book),
    int("replicas", "r", "1").only(Book).deprecated("has no effect and will be removed in the future."),
    text("generator", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("schedule", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
];
pub const SCALE: &[Flag] = &[
    int("replicas", "", "0"),
    int("current-replicas", "", "-1"),
    text("resource-version", "", ""),
    time("timeout", "0s"),
    yes("all", ""),
    text("dry-run", "", "none").bare("unchanged"),
];
pub const ALL: &[Flag] = &[yes("all", "")];
pub const LOCAL: &[Flag] = &[yes("local", "")];
pub const DRAIN: &[Flag] = &[
    yes("ignore-daemonsets", ""),
    yes("force", ""),
    yes("delete-local-data", "")
        .only(Book)
        .deprecated("This option is deprecated and will be deleted. Use --delete-emptydir-data."),
    yes("delete-emptydir-data", ""),
    int("grace-period", "", "-1"),
    time("timeout", "0s"),
    text("pod-selector", "", ""),
    yes("disable-eviction", ""),
    int("skip-wait-for-delete-timeout", "", "0"),
    int("chunk-size", "", "500"),
    text("dry-run", "", "none").bare("unchanged"),
];
pub const CORDON: &[Flag] = &[text("dry-run", "", "none").bare("unchanged")];
pub const LOGS: &[Flag] = &[
    yes("follow", "f"),
    yes("previous", "p"),
    yes("all-containers", ""),
    yes("all-pods", "").only(Modern),
    yes("timestamps", ""),
    yes("prefix", ""),
    yes("ignore-errors", ""),
    yes("insecure-skip-tls-verify-backend", ""),
    text("container", "c", ""),
    int("tail", "", "-1"),
    int("limit-bytes", "", "0"),
    time("since", "0s"),
    text("since-time", "", ""),
    int("max-log-requests", "", "5"),
    time("pod-running-timeout", "20s"),
];
pub const EXEC: &[Flag] = &[
    yes("stdin", "i"),
    yes("tty", "t"),
    yes("quiet", "q"),
    text("container", "c", ""),
    list("filename", "f"),
    time("pod-running-timeout", "1m0s"),
];
pub const EXPOSE: &[Flag] = &[
    text("port", "", ""),
    text("target-port", "", ""),
    text("type", "", ""),
    text("name", "", ""),
    text("protocol", "", ""),
    text("selector", "", ""),
    text("labels", "l", ""),
    text("cluster-ip", "", ""),
    text("external-ip", "", ""),
    text("load-balancer-ip", "", ""),
    text("session-affinity", "", ""),
    text("overrides", "", ""),
    text("override-type", "", "merge").only(Modern),
    text("generator", "", "service/v2").only(Book),
    text("container-port", "", "").only(Book),
];
pub const ROLLOUT_STATUS: &[Flag] = &[on("watch", "w"), time("timeout", "0s"), int("revision", "", "0")];
pub const REVISION: &[Flag] = &[int("revision", "", "0")];
pub const UNDO: &[Flag] = &[int("to-revision", "", "0"), text("dry-run", "", "none").bare("unchanged")];
pub const PATCH: &[Flag] = &[
    text("patch", "p", ""),
    text("patch-file", "", "").only(Modern),
    text("type", "", "strategic"),
    text("subresource", "", "").only(Modern),
];
pub const WAIT: &[Flag] = &[
    text("for", "", "").only(Book),
    array("for", "").only(Modern),
    time("timeout", "30s"),
    yes("all", ""),
    text("field-selector", "", ""),
];
pub const REPLACE: &[Flag] = &[
    yes("force", ""),
    int("grace-period", "", "-1"),
    yes("wait", ""),
    time("timeout", "0s"),
    text("cascade", "", "background").bare("background"),
    text("raw", "", ""),
    text("subresource", "", "").only(Modern),
];
pub const AUTOSCALE: &[Flag] = &[
    int("min", "", "-1"),
    int("max", "", "-1"),
    int("cpu-percent", "", "-1").only(Book),
    int("cpu-percent", "", "-1").only(Modern).deprecated(
        "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
    ),
    text("cpu", "", "").only(Modern),
    text("memory", "", "").only(Modern),
    text("name", "", ""),
];
pub const OVERWRITE: &[Flag] = &[
    yes("overwrite", ""),
    yes("list", ""),
    text("resource-version", "", ""),
    yes("all", ""),
    text("field-selector", "", ""),
    yes("local", ""),
];
pub const TOP: &[Flag] = &[
    text("sort-by", "", ""),
    yes("no-headers", ""),
    yes("containers", ""),
    yes("use-protocol-buffers", ""),
    yes("sum", "").only(Modern),
    yes("show-capacity", "").only(Modern),
    text("field-selector", "", "").only(Modern),
];
pub const DESCRIBE: &[Flag] = &[on("show-events", ""), int("chunk-size", "", "500").only(Modern)];

/// What every `set` command has.
pub const SETTER: &[&[Flag]] = &[FILE, PRINT, DRY, SELECT, ALL, LOCAL, RECORD];
pub const SET_ENV: &[&[Flag]] = &[
    FILE,
    PRINT,
    DRY,
    SELECT,
    ALL,
    LOCAL,
    RECORD,
    &[
        array("env", "e"),
        text("from", "", ""),
        text("prefix", "", ""),
        list("keys", ""),
        yes("list", ""),
        yes("resolve", ""),
        on("overwrite", ""),
        text("containers", "c", "*"),
    ],
];
pub const SET_RESOURCES: &[&[Flag]] = &[
    FILE,
    PRINT,
    DRY,
    SELECT,
    ALL,
    LOCAL,
    RECORD,
    &[text("limits", "", ""), text("requests", "", ""), text("containers", "c", "*")],
];
pub const SET_SUBJECT: &[&[Flag]] =
    &[FILE, PRINT, DRY, SELECT, ALL, LOCAL, &[array("user", ""), array("group", ""), array("serviceaccount", "")]];
pub const LABEL_FLAGS: &[&[Flag]] = &[OVERWRITE, FILE, PRINT, DRY, RECORD, SELECT, ALL_NS];
pub const ROLLOUT_CHANGE: &[&[Flag]] = &[FILE, PRINT, SELECT, &[text("field-manager", "", "")]];
pub const DEBUG: &[Flag] = &[
    text("image", "", ""),
    text("target", "", ""),
    text("container", "c", ""),
    text("copy-to", "", ""),
    yes("replace", ""),
    yes("same-node", ""),
    yes("share-processes", ""),
    yes("arguments-only", ""),
    yes("attach", ""),
    yes("stdin", "i"),
    yes("tty", "t"),
    yes("quiet", "q"),
    array("env", ""),
    text("image-pull-policy", "", ""),
    list("set-image", ""),
    text("profile", "", "general").only(Modern),
    text("custom", "", "").only(Modern),
    yes("keep-labels", "").only(Modern),
    yes("keep-annotations", "").only(Modern),
    yes("keep-liveness", "").only(Modern),
    yes("keep-readiness", "").only(Modern),
    yes("keep-startup", "").only(Modern),
    on("keep-init-containers", "").only(Modern),
];
