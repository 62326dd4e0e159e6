//! The tree of kubectl's commands: names, flags, what runs them.
//! Adding a verb is adding a row; order within a level is upstream's, which suggestions follow.

use super::context::Cx;
use super::error::Run;
use super::flags::{Flag, array, int, list, on, text, time, yes};
use super::*;
use crate::sim::Profile::{Book, Modern};

pub struct Verb {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub flags: &'static [&'static [Flag]],
    pub required: &'static [&'static str],
    pub run: Option<fn(&mut Cx<'_, '_>) -> Run>,
    pub sub: &'static [Verb],
    pub only: Option<crate::sim::Profile>,
    /// The usage line after the command's path.
    pub usage: &'static str,
    pub about: &'static str,
}

const NONE: Verb =
    Verb { name: "", aliases: &[], flags: &[], required: &[], run: None, sub: &[], only: None, usage: "", about: "" };

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

const PRINT: &[Flag] = &[
    text("output", "o", ""),
    text("template", "", ""),
    on("allow-missing-template-keys", ""),
    yes("show-managed-fields", "").only(Modern),
];
const FILE: &[Flag] = &[array("filename", "f"), text("kustomize", "k", ""), yes("recursive", "R")];
const DRY: &[Flag] = &[text("dry-run", "", "none").bare("unchanged"), text("field-manager", "", "")];
const RECORD: &[Flag] = &[
    yes("record", "").only(Book),
    yes("record", "").only(Modern).deprecated("--record will be removed in the future"),
];
const SELECT: &[Flag] = &[text("selector", "l", "")];
const VALIDATE: &[Flag] = &[on("validate", "").only(Book), text("validate", "", "strict").bare("strict").only(Modern)];
const SAVE: &[Flag] = &[yes("save-config", "")];
const ALL_NS: &[Flag] = &[yes("all-namespaces", "A")];

const GENERATE: &[&[Flag]] = &[PRINT, DRY, SAVE, VALIDATE];

const GET: &[Flag] = &[
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
const DELETE: &[Flag] = &[
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
const APPLY: &[Flag] = &[
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
const RUN: &[Flag] = &[
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
    text("requests", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("limits", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("serviceaccount", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("hostport", "", "-1").only(Book).deprecated("has no effect and will be removed in the future."),
    int("replicas", "r", "1").only(Book).deprecated("has no effect and will be removed in the future."),
    text("generator", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("schedule", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
];
const SCALE: &[Flag] = &[
    int("replicas", "", "0"),
    int("current-replicas", "", "-1"),
    text("resource-version", "", ""),
    time("timeout", "0s"),
    yes("all", ""),
    text("dry-run", "", "none").bare("unchanged"),
];
const ALL: &[Flag] = &[yes("all", "")];
const LOCAL: &[Flag] = &[yes("local", "")];
const DRAIN: &[Flag] = &[
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
const CORDON: &[Flag] = &[text("dry-run", "", "none").bare("unchanged")];
const LOGS: &[Flag] = &[
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
const EXEC: &[Flag] = &[
    yes("stdin", "i"),
    yes("tty", "t"),
    yes("quiet", "q"),
    text("container", "c", ""),
    array("filename", "f"),
    time("pod-running-timeout", "1m0s"),
];
const EXPOSE: &[Flag] = &[
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
    text("generator", "", "").only(Book).deprecated("has no effect and will be removed in the future."),
    text("container-port", "", "").only(Book),
];
const ROLLOUT_STATUS: &[Flag] = &[on("watch", "w"), time("timeout", "0s"), int("revision", "", "0")];
const REVISION: &[Flag] = &[int("revision", "", "0")];
const UNDO: &[Flag] = &[int("to-revision", "", "0"), text("dry-run", "", "none").bare("unchanged")];
const PATCH: &[Flag] = &[
    text("patch", "p", ""),
    text("patch-file", "", "").only(Modern),
    text("type", "", "strategic"),
    text("subresource", "", "").only(Modern),
];
const WAIT: &[Flag] = &[
    text("for", "", "").only(Book),
    array("for", "").only(Modern),
    time("timeout", "30s"),
    yes("all", ""),
    text("field-selector", "", ""),
];
const REPLACE: &[Flag] = &[
    yes("force", ""),
    int("grace-period", "", "-1"),
    yes("wait", ""),
    time("timeout", "0s"),
    text("cascade", "", "background").bare("background"),
    text("raw", "", ""),
    text("subresource", "", "").only(Modern),
];
const AUTOSCALE: &[Flag] = &[
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
const OVERWRITE: &[Flag] = &[
    yes("overwrite", ""),
    yes("list", ""),
    text("resource-version", "", ""),
    yes("all", ""),
    text("field-selector", "", ""),
    yes("local", ""),
];
const TOP: &[Flag] = &[
    text("sort-by", "", ""),
    yes("no-headers", ""),
    yes("containers", ""),
    yes("use-protocol-buffers", ""),
    yes("sum", "").only(Modern),
    yes("show-capacity", "").only(Modern),
    text("field-selector", "", "").only(Modern),
];
const DESCRIBE: &[Flag] = &[on("show-events", ""), int("chunk-size", "", "500").only(Modern)];

pub static ROOT: Verb = Verb {
    name: "kubectl",
    sub: &[
        Verb {
            name: "create",
            flags: &[
                FILE,
                GENERATE[0],
                GENERATE[1],
                GENERATE[2],
                GENERATE[3],
                RECORD,
                SELECT,
                &[yes("edit", ""), text("raw", "", "")],
            ],
            run: Some(create::run),
            sub: create::SUB,
            usage: "-f FILENAME",
            about: "Create a resource from a file or from stdin.",
            ..NONE
        },
        Verb {
            name: "expose",
            flags: &[EXPOSE, FILE, PRINT, DRY, RECORD, SAVE],
            run: Some(expose::run),
            usage: "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
            about: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes Service",
            ..NONE
        },
        Verb {
            name: "run",
            flags: &[RUN, PRINT, DRY, RECORD, SAVE, FILE],
            required: &["image"],
            run: Some(run_pod::run),
            usage: "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]",
            about: "Run a particular image on the cluster",
            ..NONE
        },
        Verb { name: "set", sub: SET, usage: "SUBCOMMAND", about: "Set specific features on objects", ..NONE },
        Verb {
            name: "explain",
            flags: &[&[
                yes("recursive", ""),
                text("api-version", "", ""),
                text("output", "", "plaintext").only(Modern),
            ]],
            run: Some(explain::run),
            usage: "RESOURCE",
            about: "Get documentation for a resource",
            ..NONE
        },
        Verb {
            name: "get",
            flags: &[GET, PRINT, SELECT, FILE, ALL_NS],
            run: Some(get::run),
            usage: "[(-o|--output=)json|yaml|name|wide|custom-columns=...|jsonpath=...] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]",
            about: "Display one or many resources",
            ..NONE
        },
        Verb {
            name: "edit",
            flags: &[
                FILE,
                PRINT,
                RECORD,
                SAVE,
                VALIDATE,
                &[yes("output-patch", ""), yes("windows-line-endings", ""), text("field-manager", "", "")],
            ],
            run: Some(edit::run),
            usage: "(RESOURCE/NAME | -f FILENAME)",
            about: "Edit a resource on the server",
            ..NONE
        },
        Verb {
            name: "delete",
            flags: &[DELETE, FILE, SELECT, ALL_NS],
            run: Some(delete::run),
            usage: "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
            about: "Delete resources by filenames, stdin, resources and names, or by resources and label selector",
            ..NONE
        },
        Verb { name: "rollout", sub: ROLLOUT, usage: "SUBCOMMAND", about: "Manage the rollout of a resource", ..NONE },
        Verb {
            name: "scale",
            flags: &[SCALE, FILE, PRINT, RECORD, SELECT],
            required: &["replicas"],
            run: Some(scale::run),
            usage: "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
            about: "Set a new size for a deployment, replica set, or replication controller",
            ..NONE
        },
        Verb {
            name: "autoscale",
            flags: &[AUTOSCALE, FILE, PRINT, DRY, RECORD, SAVE],
            required: &["max"],
            run: Some(autoscale::run),
            usage: "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU]",
            about: "Auto-scale a deployment, replica set, stateful set, or replication controller",
            ..NONE
        },
        Verb {
            name: "certificate",
            sub: misc::CERTIFICATE,
            usage: "SUBCOMMAND",
            about: "Modify certificate resources.",
            ..NONE
        },
        Verb {
            name: "cluster-info",
            sub: misc::CLUSTER_INFO,
            run: Some(misc::cluster_info),
            about: "Display cluster information",
            ..NONE
        },
        Verb { name: "top", sub: TOPS, about: "Display resource (CPU/memory) usage", ..NONE },
        Verb {
            name: "cordon",
            flags: &[CORDON, SELECT],
            run: Some(drain::cordon),
            usage: "NODE",
            about: "Mark node as unschedulable",
            ..NONE
        },
        Verb {
            name: "uncordon",
            flags: &[CORDON, SELECT],
            run: Some(drain::uncordon),
            usage: "NODE",
            about: "Mark node as schedulable",
            ..NONE
        },
        Verb {
            name: "drain",
            flags: &[DRAIN, SELECT],
            run: Some(drain::run),
            usage: "NODE",
            about: "Drain node in preparation for maintenance",
            ..NONE
        },
        Verb {
            name: "taint",
            flags: &[OVERWRITE, PRINT, DRY, SELECT, VALIDATE],
            run: Some(taint::run),
            usage: "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N",
            about: "Update the taints on one or more nodes",
            ..NONE
        },
        Verb {
            name: "describe",
            flags: &[DESCRIBE, FILE, SELECT, ALL_NS],
            run: Some(describe::run),
            usage: "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
            about: "Show details of a specific resource or group of resources",
            ..NONE
        },
        Verb {
            name: "logs",
            flags: &[LOGS, SELECT],
            run: Some(logs::run),
            usage: "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
            about: "Print the logs for a container in a pod",
            ..NONE
        },
        Verb {
            name: "attach",
            flags: &[EXEC],
            run: Some(exec::attach),
            usage: "(POD | TYPE/NAME) -c CONTAINER",
            about: "Attach to a running container",
            ..NONE
        },
        Verb {
            name: "exec",
            flags: &[EXEC],
            run: Some(exec::run),
            usage: "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]",
            about: "Execute a command in a container",
            ..NONE
        },
        Verb {
            name: "port-forward",
            flags: &[&[list("address", ""), time("pod-running-timeout", "1m0s")]],
            run: Some(exec::port_forward),
            usage: "TYPE/NAME [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
            about: "Forward one or more local ports to a pod",
            ..NONE
        },
        Verb {
            name: "proxy",
            flags: &[&[int("port", "p", "8001"), text("address", "", "127.0.0.1")]],
            run: Some(misc::proxy),
            about: "Run a proxy to the Kubernetes API server",
            ..NONE
        },
        Verb {
            name: "cp",
            flags: &[&[text("container", "c", ""), yes("no-preserve", ""), int("retries", "", "0").only(Modern)]],
            run: Some(exec::cp),
            usage: "<file-spec-src> <file-spec-dest>",
            about: "Copy files and directories to and from containers",
            ..NONE
        },
        Verb { name: "auth", sub: auth::SUB, about: "Inspect authorization", ..NONE },
        Verb {
            name: "debug",
            flags: &[EXEC, PRINT],
            run: Some(misc::debug),
            about: "Create debugging sessions for troubleshooting workloads and nodes",
            ..NONE
        },
        Verb {
            name: "events",
            flags: &[
                &[
                    yes("watch", "w"),
                    yes("no-headers", ""),
                    list("types", ""),
                    text("for", "", ""),
                    int("chunk-size", "", "500"),
                ],
                PRINT,
                ALL_NS,
            ],
            run: Some(events::run),
            only: Some(Modern),
            usage: "[(-o|--output=)json|yaml] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]",
            about: "List events",
            ..NONE
        },
        Verb {
            name: "diff",
            flags: &[
                FILE,
                SELECT,
                &[
                    yes("server-side", ""),
                    yes("force-conflicts", ""),
                    text("field-manager", "", "kubectl-client-side-apply"),
                ],
            ],
            run: Some(diff::run),
            usage: "-f FILENAME",
            about: "Diff the live version against a would-be applied version",
            ..NONE
        },
        Verb {
            name: "apply",
            flags: &[APPLY, FILE, PRINT, DRY, RECORD, SELECT, VALIDATE],
            run: Some(apply::run),
            sub: apply::SUB,
            usage: "(-f FILENAME | -k DIRECTORY)",
            about: "Apply a configuration to a resource by file name or stdin",
            ..NONE
        },
        Verb {
            name: "patch",
            flags: &[PATCH, FILE, PRINT, DRY, RECORD, LOCAL],
            run: Some(patch::run),
            usage: "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
            about: "Update fields of a resource",
            ..NONE
        },
        Verb {
            name: "replace",
            flags: &[REPLACE, FILE, PRINT, DRY, SAVE, VALIDATE],
            run: Some(replace::run),
            usage: "-f FILENAME",
            about: "Replace a resource by file name or stdin",
            ..NONE
        },
        Verb {
            name: "wait",
            flags: &[WAIT, FILE, PRINT, SELECT, ALL_NS, LOCAL],
            run: Some(wait::run),
            usage: "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=delete|--for condition=available]",
            about: "Experimental: Wait for a specific condition on one or many resources",
            ..NONE
        },
        Verb {
            name: "kustomize",
            run: Some(misc::kustomize),
            usage: "DIR",
            about: "Build a kustomization target from a directory or URL",
            ..NONE
        },
        Verb {
            name: "label",
            flags: &[OVERWRITE, FILE, PRINT, DRY, RECORD, SELECT, ALL_NS],
            run: Some(label::run),
            usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
            about: "Update the labels on a resource",
            ..NONE
        },
        Verb {
            name: "annotate",
            flags: &[OVERWRITE, FILE, PRINT, DRY, RECORD, SELECT, ALL_NS],
            run: Some(label::annotate),
            usage: "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]",
            about: "Update the annotations on a resource",
            ..NONE
        },
        Verb {
            name: "completion",
            run: Some(misc::completion),
            usage: "SHELL",
            about: "Output shell completion code for the specified shell",
            ..NONE
        },
        Verb {
            name: "api-resources",
            flags: &[&[
                text("api-group", "", ""),
                on("namespaced", ""),
                list("verbs", ""),
                text("output", "o", ""),
                text("sort-by", "", ""),
                yes("no-headers", ""),
                yes("cached", ""),
                list("categories", "").only(Modern),
            ]],
            run: Some(discovery::api_resources),
            about: "Print the supported API resources on the server",
            ..NONE
        },
        Verb {
            name: "api-versions",
            run: Some(discovery::api_versions),
            about: "Print the supported API versions on the server, in the form of \"group/version\"",
            ..NONE
        },
        Verb { name: "config", sub: config::SUB, usage: "SUBCOMMAND", about: "Modify kubeconfig files", ..NONE },
        Verb { name: "plugin", sub: misc::PLUGIN, about: "Provides utilities for interacting with plugins", ..NONE },
        Verb {
            name: "version",
            flags: &[&[yes("client", ""), yes("short", "").only(Book), text("output", "o", "")]],
            run: Some(version::run),
            about: "Print the client and server version information",
            ..NONE
        },
        Verb {
            name: "options",
            run: Some(help::options),
            about: "Print the list of flags inherited by all commands",
            ..NONE
        },
        Verb { name: "help", run: Some(help::run), about: "Help about any command", ..NONE },
    ],
    ..NONE
};

static SET: &[Verb] = &[
    Verb {
        name: "env",
        flags: &[
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
                yes("list", ""),
                yes("resolve", ""),
                on("overwrite", ""),
                text("containers", "c", "*"),
            ],
        ],
        run: Some(set::env),
        usage: "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
        about: "Update environment variables on a pod template",
        ..NONE
    },
    Verb {
        name: "image",
        flags: &[FILE, PRINT, DRY, SELECT, ALL, LOCAL, RECORD],
        run: Some(set::image),
        usage: "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
        about: "Update the image of a pod template",
        ..NONE
    },
    Verb {
        name: "resources",
        flags: &[
            FILE,
            PRINT,
            DRY,
            SELECT,
            ALL,
            LOCAL,
            RECORD,
            &[text("limits", "", ""), text("requests", "", ""), text("containers", "c", "*")],
        ],
        run: Some(set::resources),
        usage: "(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
        about: "Update resource requests/limits on objects with pod templates",
        ..NONE
    },
    Verb {
        name: "selector",
        flags: &[FILE, PRINT, DRY, ALL, LOCAL, RECORD],
        run: Some(set::selector),
        usage: "(-f FILENAME | TYPE NAME) EXPRESSIONS",
        about: "Set the selector on a resource",
        ..NONE
    },
    Verb {
        name: "serviceaccount",
        aliases: &["sa"],
        flags: &[FILE, PRINT, DRY, ALL, LOCAL, RECORD],
        run: Some(set::service_account),
        usage: "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
        about: "Update the service account of a resource",
        ..NONE
    },
];

static ROLLOUT: &[Verb] = &[
    Verb {
        name: "history",
        flags: &[REVISION, FILE, PRINT, SELECT],
        run: Some(rollout::history),
        usage: "(TYPE NAME | TYPE/NAME) [flags]",
        about: "View rollout history",
        ..NONE
    },
    Verb {
        name: "pause",
        flags: &[FILE, PRINT, SELECT, &[text("field-manager", "", "")]],
        run: Some(rollout::pause),
        usage: "RESOURCE",
        about: "Mark the provided resource as paused",
        ..NONE
    },
    Verb {
        name: "resume",
        flags: &[FILE, PRINT, SELECT, &[text("field-manager", "", "")]],
        run: Some(rollout::resume),
        usage: "RESOURCE",
        about: "Resume a paused resource",
        ..NONE
    },
    Verb {
        name: "undo",
        flags: &[UNDO, FILE, PRINT, SELECT],
        run: Some(rollout::undo),
        usage: "(TYPE NAME | TYPE/NAME) [flags]",
        about: "Undo a previous rollout",
        ..NONE
    },
    Verb {
        name: "status",
        flags: &[ROLLOUT_STATUS, FILE, SELECT],
        run: Some(rollout::status),
        usage: "(TYPE NAME | TYPE/NAME) [flags]",
        about: "Show the status of the rollout",
        ..NONE
    },
    Verb {
        name: "restart",
        flags: &[FILE, PRINT, SELECT, &[text("field-manager", "", "")]],
        run: Some(rollout::restart),
        usage: "RESOURCE",
        about: "Restart a resource",
        ..NONE
    },
];

static TOPS: &[Verb] = &[
    Verb {
        name: "node",
        aliases: &["nodes", "no"],
        flags: &[TOP, SELECT],
        run: Some(top::nodes),
        usage: "[NAME | -l label]",
        about: "Display resource (CPU/memory) usage of nodes",
        ..NONE
    },
    Verb {
        name: "pod",
        aliases: &["pods", "po"],
        flags: &[TOP, SELECT, ALL_NS],
        run: Some(top::pods),
        usage: "[NAME | -l label]",
        about: "Display resource (CPU/memory) usage of pods",
        ..NONE
    },
];

/// A row of a level that lives in a verb's own file.
pub const fn sub(
    name: &'static str,
    flags: &'static [&'static [Flag]],
    run: fn(&mut Cx<'_, '_>) -> Run,
    usage: &'static str,
    about: &'static str,
) -> Verb {
    Verb { name, flags, run: Some(run), usage, about, ..NONE }
}
impl Verb {
    pub const fn sub(self, sub: &'static [Verb]) -> Verb {
        Verb { sub, ..self }
    }
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Verb {
        Verb { aliases, ..self }
    }
    pub const fn required(self, required: &'static [&'static str]) -> Verb {
        Verb { required, ..self }
    }
    /// A level without behaviour of its own.
    pub const fn group(name: &'static str, sub: &'static [Verb], usage: &'static str, about: &'static str) -> Verb {
        Verb { name, sub, usage, about, ..NONE }
    }

    pub fn child(&self, word: &str, profile: crate::sim::Profile) -> Option<&'static Verb> {
        self.children(profile).find(|v| v.name == word || v.aliases.contains(&word))
    }
    pub fn children(&self, profile: crate::sim::Profile) -> impl Iterator<Item = &'static Verb> + use<> {
        self.sub.iter().filter(move |v| v.only.is_none_or(|p| p == profile))
    }
    /// Every flag it takes, its own first.
    pub fn known(&self, profile: crate::sim::Profile) -> Vec<Flag> {
        let own = self.flags.iter().flat_map(|f| f.iter());
        own.chain(GLOBAL).filter(|f| f.only.is_none_or(|p| p == profile)).copied().collect()
    }
}

/// Flag sets that rows in other files share.
pub mod sets {
    use super::Flag;
    pub const PRINT: &[Flag] = super::PRINT;
    pub const FILE: &[Flag] = super::FILE;
    pub const DRY: &[Flag] = super::DRY;
    pub const SAVE: &[Flag] = super::SAVE;
    pub const VALIDATE: &[Flag] = super::VALIDATE;
    pub const SELECT: &[Flag] = super::SELECT;
}
