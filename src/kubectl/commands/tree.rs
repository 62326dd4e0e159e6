//! The rows of the tree, in upstream's order, which suggestions follow.

use super::super::flags::{int, list, on, text, time, yes};
use super::super::*;
use super::flags::*;
use super::{Verb, sub};
use crate::sim::Profile::{Book, Modern};

pub static ROOT: Verb = Verb::group("kubectl", &[
        sub("create", CREATE, create::run, "-f FILENAME", "Create a resource from a file or from stdin.").below(create::SUB),
        sub("expose", &[EXPOSE, FILE, PRINT, DRY, RECORD, SAVE], expose::run, "(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]", "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes Service"),
        sub("run", &[RUN, PRINT, DRY, RECORD, SAVE, FILE], run_pod::run, "NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]", "Run a particular image on the cluster").required(&["image"]),
        Verb::group("set", SET, "SUBCOMMAND", "Set specific features on objects"),
        sub("explain", &[&[
                yes("recursive", ""),
                text("api-version", "", ""),
                text("output", "", "plaintext").only(Modern),
            ]], explain::run, "RESOURCE", "Get documentation for a resource"),
        sub("get", &[GET, PRINT, SELECT, FILE, ALL_NS], get::run, "[(-o|--output=)json|yaml|name|wide|custom-columns=...|jsonpath=...] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags]", "Display one or many resources"),
        sub("edit", &[
                FILE,
                PRINT,
                RECORD,
                SAVE,
                VALIDATE,
                &[yes("output-patch", ""), yes("windows-line-endings", ""), text("field-manager", "", "")],
            ], edit::run, "(RESOURCE/NAME | -f FILENAME)", "Edit a resource on the server"),
        sub("delete", &[DELETE, FILE, SELECT, ALL_NS], delete::run, "([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])", "Delete resources by filenames, stdin, resources and names, or by resources and label selector"),
        Verb::group("rollout", ROLLOUT, "SUBCOMMAND", "Manage the rollout of a resource"),
        sub("scale", &[SCALE, FILE, PRINT, RECORD, SELECT], scale::run, "[--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)", "Set a new size for a deployment, replica set, or replication controller").required(&["replicas"]),
        sub("autoscale", &[AUTOSCALE, FILE, PRINT, DRY, RECORD, SAVE], autoscale::run, "(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU]", "Auto-scale a deployment, replica set, stateful set, or replication controller").required(&["max"]),
        Verb::group("certificate", misc::CERTIFICATE, "SUBCOMMAND", "Modify certificate resources."),
        sub("cluster-info", &[], misc::cluster_info, "", "Display cluster information").below(misc::CLUSTER_INFO),
        Verb::group("top", TOPS, "", "Display resource (CPU/memory) usage"),
        sub("cordon", &[CORDON, SELECT], drain::cordon, "NODE", "Mark node as unschedulable"),
        sub("uncordon", &[CORDON, SELECT], drain::uncordon, "NODE", "Mark node as schedulable"),
        sub("drain", &[DRAIN, SELECT], drain::run, "NODE", "Drain node in preparation for maintenance"),
        sub("taint", &[OVERWRITE, PRINT, DRY, SELECT, VALIDATE], taint::run, "NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N", "Update the taints on one or more nodes"),
        sub("describe", &[DESCRIBE, FILE, SELECT, ALL_NS], describe::run, "(-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)", "Show details of a specific resource or group of resources"),
        sub("logs", &[LOGS, SELECT], logs::run, "[-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]", "Print the logs for a container in a pod"),
        sub("attach", &[EXEC], exec::attach, "(POD | TYPE/NAME) -c CONTAINER", "Attach to a running container"),
        sub("exec", &[EXEC], exec::run, "(POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]", "Execute a command in a container"),
        sub("port-forward", &[&[list("address", ""), time("pod-running-timeout", "1m0s")]], exec::port_forward, "TYPE/NAME [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]", "Forward one or more local ports to a pod"),
        sub("proxy", &[&[int("port", "p", "8001"), text("address", "", "127.0.0.1")]], misc::proxy, "", "Run a proxy to the Kubernetes API server"),
        sub("cp", &[&[text("container", "c", ""), yes("no-preserve", ""), int("retries", "", "0").only(Modern)]], exec::cp, "<file-spec-src> <file-spec-dest>", "Copy files and directories to and from containers"),
        Verb::group("auth", auth::SUB, "", "Inspect authorization"),
        sub("debug", &[DEBUG], debug::run, "(POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]", "Create debugging sessions for troubleshooting workloads and nodes"),
        sub("events", &[
                &[
                    yes("watch", "w"),
                    yes("no-headers", ""),
                    list("types", ""),
                    text("for", "", ""),
                    int("chunk-size", "", "500"),
                ],
                PRINT,
                ALL_NS,
            ], events::run, "[(-o|--output=)json|yaml] [--for TYPE/NAME] [--watch] [--types=Normal,Warning]", "List events").only(Modern),
        sub("diff", &[
                FILE,
                SELECT,
                &[
                    yes("server-side", ""),
                    yes("force-conflicts", ""),
                    text("field-manager", "", "kubectl-client-side-apply"),
                ],
            ], diff::run, "-f FILENAME", "Diff the live version against a would-be applied version"),
        sub("apply", &[APPLY, FILE, PRINT, DRY, RECORD, SELECT, VALIDATE], apply::run, "(-f FILENAME | -k DIRECTORY)", "Apply a configuration to a resource by file name or stdin").below(apply::SUB),
        sub("patch", &[PATCH, FILE, PRINT, DRY, RECORD, LOCAL], patch::run, "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]", "Update fields of a resource"),
        sub("replace", &[REPLACE, FILE, PRINT, DRY, SAVE, VALIDATE], replace::run, "-f FILENAME", "Replace a resource by file name or stdin"),
        sub("wait", &[WAIT, FILE, PRINT, SELECT, ALL_NS, LOCAL], wait::run, "([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=delete|--for condition=available]", "Experimental: Wait for a specific condition on one or many resources"),
        sub("kustomize", &[], misc::kustomize, "DIR", "Build a kustomization target from a directory or URL"),
        sub("label", LABEL_FLAGS, label::run, "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]", "Update the labels on a resource"),
        sub("annotate", LABEL_FLAGS, label::annotate, "[--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]", "Update the annotations on a resource"),
        sub("completion", &[], misc::completion, "SHELL", "Output shell completion code for the specified shell"),
        sub("api-resources", &[&[
                text("api-group", "", ""),
                on("namespaced", ""),
                list("verbs", ""),
                text("output", "o", ""),
                text("sort-by", "", ""),
                yes("no-headers", ""),
                yes("cached", ""),
                list("categories", "").only(Modern),
            ]], discovery::api_resources, "", "Print the supported API resources on the server"),
        sub("api-versions", &[], discovery::api_versions, "", "Print the supported API versions on the server, in the form of \"group/version\""),
        Verb::group("config", config::SUB, "SUBCOMMAND", "Modify kubeconfig files"),
        Verb::group("plugin", misc::PLUGIN, "", "Provides utilities for interacting with plugins"),
        sub("version", &[&[yes("client", ""), yes("short", "").only(Book), text("output", "o", "")]], version::run, "", "Print the client and server version information"),
        sub("alpha", &[], help::alpha, "", "Commands for features in alpha").hidden(),
        sub("options", &[], help::options, "", "Print the list of flags inherited by all commands"),
        sub("help", &[], help::run, "", "Help about any command"),
], "", "");

static SET: &[Verb] = &[
    sub(
        "env",
        SET_ENV,
        set::env,
        "RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
        "Update environment variables on a pod template",
    ),
    sub(
        "image",
        SETTER,
        set::image,
        "(-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
        "Update the image of a pod template",
    ),
    sub(
        "resources",
        SET_RESOURCES,
        set::resources,
        "(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]",
        "Update resource requests/limits on objects with pod templates",
    ),
    sub("selector", SETTER, set::selector, "(-f FILENAME | TYPE NAME) EXPRESSIONS", "Set the selector on a resource"),
    sub(
        "serviceaccount",
        SETTER,
        set::service_account,
        "(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT",
        "Update the service account of a resource",
    )
    .aliases(&["sa"]),
    sub(
        "subject",
        SET_SUBJECT,
        set::subject,
        "(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]",
        "Update the user, group, or service account in a role binding or cluster role binding",
    ),
];

static ROLLOUT: &[Verb] = &[
    sub(
        "history",
        &[REVISION, FILE, PRINT, SELECT],
        rollout::history,
        "(TYPE NAME | TYPE/NAME) [flags]",
        "View rollout history",
    ),
    sub("pause", ROLLOUT_CHANGE, rollout::pause, "RESOURCE", "Mark the provided resource as paused"),
    sub("resume", ROLLOUT_CHANGE, rollout::resume, "RESOURCE", "Resume a paused resource"),
    sub(
        "undo",
        &[UNDO, FILE, PRINT, SELECT],
        rollout::undo,
        "(TYPE NAME | TYPE/NAME) [flags]",
        "Undo a previous rollout",
    ),
    sub(
        "status",
        &[ROLLOUT_STATUS, FILE, SELECT],
        rollout::status,
        "(TYPE NAME | TYPE/NAME) [flags]",
        "Show the status of the rollout",
    ),
    sub("restart", ROLLOUT_CHANGE, rollout::restart, "RESOURCE", "Restart a resource"),
];

static TOPS: &[Verb] = &[
    sub("node", &[TOP, SELECT], top::nodes, "[NAME | -l label]", "Display resource (CPU/memory) usage of nodes")
        .aliases(&["nodes", "no"]),
    sub("pod", &[TOP, SELECT, ALL_NS], top::pods, "[NAME | -l label]", "Display resource (CPU/memory) usage of pods")
        .aliases(&["pods", "po"]),
];
