//! Controllers' kinds. Models pkg/apis/{apps,batch,autoscaling,policy}/validation.

use super::super::selector::LabelSelector;
use super::super::{Object, Value, names};
use super::error::{Errors, Path};
use super::{cron, pod};

fn replicas(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    e.non_negative(spec, "replicas", path);
    e.non_negative(spec, "minReadySeconds", path);
}

/// A `LabelSelector`.
pub(super) fn label_selector(e: &mut Errors, selector: &Value, path: &Path<'_>) {
    e.labels(selector.get("matchLabels").and_then(Value::as_map), &path.child("matchLabels"));
    for (i, r) in selector.get("matchExpressions").map_or(&[][..], Value::items).iter().enumerate() {
        let path = path.child("matchExpressions");
        let path = path.index(i);
        let values = r.get("values").map_or(&[][..], Value::items);
        match r.str("operator") {
            "In" | "NotIn" if values.is_empty() => {
                e.required(&path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                e.forbidden(&path.child("values"), detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => e.invalid(&path.child("operator"), other, "not a valid selector operator"),
        }
        e.complaints(&path.child("key"), r.str("key"), names::label_key(r.str("key"), e.profile));
    }
}

/// Whether the old object has the very same template and selector tree.
fn same_template(spec: &Value, old: Option<&Object>) -> bool {
    let same = |key: &str| match (spec.get(key), old.and_then(|o| o.get(&["spec", key]))) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    };
    same("template") && same("selector")
}

/// What kinds of apps/v1 say of their selector and template in words of their own.
struct Words {
    /// Whether a missing selector is said to be missing.
    needs_selector: bool,
    /// Of an empty selector.
    empty: &'static str,
    /// Of one that cannot be read.
    unreadable: Option<&'static str>,
    /// Where a deadline is not supported.
    deadline: &'static str,
    /// Whether old versions look into the template's spec.
    old_spec: bool,
}

const DEPLOYMENT: Words = Words {
    needs_selector: true,
    empty: "deployment",
    unreadable: Some("invalid label selector"),
    deadline: "ReplicaSet",
    old_spec: true,
};
const DAEMON_SET: Words =
    Words { needs_selector: false, empty: "daemonset", unreadable: None, deadline: "DaemonSet", old_spec: true };
const STATEFUL_SET: Words = Words {
    needs_selector: true,
    empty: "statefulset",
    unreadable: Some(""),
    deadline: "StatefulSet",
    old_spec: false,
};

/// Selector and template as all kinds of apps/v1 require them.
fn selected_template(e: &mut Errors, spec: &Value, path: &Path<'_>, words: &Words, old: Option<&Object>) {
    if same_template(spec, old) {
        return;
    }
    let selector_path = path.child("selector");
    let selector = spec.get("selector").filter(|s| !s.is_null());
    let before = e.len();
    if let Some(s) = selector {
        label_selector(e, s, &selector_path);
    } else if words.needs_selector {
        e.required(&selector_path, "");
    }
    let readable = selector.is_none() || e.len() == before;
    let empty_selector = |e: &mut Errors| {
        if let Some(s) = selector.filter(|s| LabelSelector::of_value(s).is_empty() && readable) {
            let detail = format!("empty selector is invalid for {}", words.empty);
            e.invalid_go(&selector_path, s.clone(), "v1.LabelSelector", &detail);
        }
    };
    let late = words.empty == "daemonset";
    if !late {
        empty_selector(e);
    }
    if !readable && let (Some(s), Some(detail)) = (selector, words.unreadable) {
        e.invalid_go(&selector_path, s.clone(), "v1.LabelSelector", detail);
    }
    if !readable && words.deadline == "ReplicaSet" {
        return;
    }
    let path = path.child("template");
    let empty = Value::Null;
    let template = spec.get("template").unwrap_or(&empty);
    let labels = template.at(&["metadata", "labels"]);
    let matches = |s: &Value| LabelSelector::of_value(s).matches(labels.and_then(Value::as_map));
    // A missing selector selects nothing, so it does not match either.
    if readable && !selector.is_some_and(matches) {
        let metadata = path.child("metadata");
        let labels = labels.cloned().unwrap_or_default();
        let detail = "`selector` does not match template `labels`";
        e.invalid_go(&metadata.child("labels"), labels, "map[string]string", detail);
    }
    if late {
        empty_selector(e);
    }
    if readable || words.deadline == "DaemonSet" {
        if e.modern() || words.old_spec {
            pod::template(e, template, &path);
        } else {
            pod::old_template(e, template, &path);
        }
    }
    let policy = template.at(&["spec", "restartPolicy"]).map_or("", Value::as_str);
    let spec_path = path.child("spec");
    if !matches!(policy, "Always" | "") {
        e.not_supported(&spec_path.child("restartPolicy"), policy, &["Always"]);
    }
    if template.at(&["spec", "activeDeadlineSeconds"]).is_some_and(|v| !v.is_null()) {
        let detail = format!("activeDeadlineSeconds in {} is not Supported", words.deadline);
        e.forbidden(&spec_path.child("activeDeadlineSeconds"), detail);
    }
}

pub(super) fn replication_controller(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    replicas(e, spec, path);
    let selector = spec.get("selector").and_then(Value::as_map);
    if selector.is_none_or(super::super::Map::is_empty) {
        e.required(&path.child("selector"), "");
    }
    let path = path.child("template");
    let Some(template) = spec.get("template").filter(|t| !t.is_null()) else {
        e.required(&path, "");
        return;
    };
    let labels = template.at(&["metadata", "labels"]);
    if selector.is_some_and(|s| !LabelSelector::of_map(s).matches(labels.and_then(Value::as_map))) {
        let metadata = path.child("metadata");
        let detail = "`selector` does not match template `labels`";
        e.invalid_go(&metadata.child("labels"), labels.cloned().unwrap_or_default(), "map[string]string", detail);
    }
    pod::template(e, template, &path);
    let policy = template.at(&["spec", "restartPolicy"]).map_or("", Value::as_str);
    if !matches!(policy, "Always" | "") {
        let path = path.child("spec");
        e.not_supported(&path.child("restartPolicy"), policy, &["Always"]);
    }
}

pub(super) fn deployment(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    e.non_negative(spec, "replicas", path);
    selected_template(e, spec, path, &DEPLOYMENT, old);
    if let Some(strategy) = spec.get("strategy") {
        rolling(e, strategy, &path.child("strategy"));
    }
    for key in ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        e.non_negative(spec, key, path);
    }
    let n = |key: &str| spec.get(key).and_then(Value::as_int);
    if let Some(deadline) = n("progressDeadlineSeconds")
        && deadline <= n("minReadySeconds").unwrap_or(0)
    {
        e.invalid(&path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds");
    }
}

fn rolling(e: &mut Errors, strategy: &Value, path: &Path<'_>) {
    let rolling = strategy.get("rollingUpdate").filter(|r| !r.is_null());
    match strategy.str("type") {
        "Recreate" if rolling.is_some() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            e.forbidden(&path.child("rollingUpdate"), detail);
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let path = path.child("rollingUpdate");
            let Some(rolling) = rolling else {
                e.required(&path, "this should be defaulted and never be nil");
                return;
            };
            for key in ["maxUnavailable", "maxSurge"] {
                int_or_percent(e, rolling.get(key), &path.child(key));
            }
            let zero = |key: &str| matches!(rolling.get(key), None | Some(Value::Int(0))) || rolling.str(key) == "0%";
            if zero("maxUnavailable") && zero("maxSurge") {
                let value = rolling.get("maxUnavailable").cloned().unwrap_or(Value::Int(0));
                let detail = "may not be 0 when `maxSurge` is 0";
                e.invalid_int_or_string(&path.child("maxUnavailable"), &value, detail);
            }
            at_most_100_percent(e, rolling.get("maxUnavailable"), &path.child("maxUnavailable"));
        }
        other => {
            let known = ["Recreate", "RollingUpdate"];
            unknown_strategy(e, path, other, "apps.DeploymentStrategy", "apps.RollingUpdateDeployment", &known);
        }
    }
}

/// The whole strategy is what is not supported.
fn unknown_strategy(e: &mut Errors, path: &Path<'_>, kind: &str, go: &str, rolling: &str, known: &[&str]) {
    let kind = super::super::gofmt::quote(kind);
    let text = match e.modern() {
        true => format!("{{\"Type\":{kind},\"RollingUpdate\":null}}"),
        false => format!("{go}{{Type:{kind}, RollingUpdate:(*{rolling})(nil)}}"),
    };
    e.not_supported_go(path, Value::Num(text.into()), "", known);
}

fn int_or_percent(e: &mut Errors, v: Option<&Value>, path: &Path<'_>) {
    match v {
        Some(Value::Int(n)) if *n < 0 => e.invalid(path, *n, "must be greater than or equal to 0"),
        Some(Value::Str(s)) => {
            let digits = s.strip_suffix('%').unwrap_or("");
            if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                e.invalid_int_or_string(path, &Value::from(s.clone()), detail);
            }
        }
        _ => {}
    }
}

fn at_most_100_percent(e: &mut Errors, v: Option<&Value>, path: &Path<'_>) {
    let Some(text) = v.map(Value::as_str) else { return };
    if text.strip_suffix('%').and_then(|p| p.parse::<i64>().ok()).is_some_and(|p| p > 100) {
        e.invalid_int_or_string(path, &Value::from(text), "must not be greater than 100%");
    }
}

/// The number before a percent sign, or the number.
fn amount(v: Option<&Value>) -> i64 {
    let Some(v) = v else { return 0 };
    v.as_int().unwrap_or_else(|| v.as_str().strip_suffix('%').and_then(|p| p.parse().ok()).unwrap_or(0))
}

pub(super) fn replica_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    replicas(e, spec, path);
    selected_template(e, spec, path, &DEPLOYMENT, old);
}

pub(super) fn daemon_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    selected_template(e, spec, path, &DAEMON_SET, old);
    e.non_negative(spec, "minReadySeconds", path);
    if let Some(strategy) = spec.get("updateStrategy") {
        let path = path.child("updateStrategy");
        match strategy.str("type") {
            "OnDelete" => {}
            "RollingUpdate" => {
                let path = path.child("rollingUpdate");
                let value = |key: &str| strategy.at(&["rollingUpdate", key]);
                let at = path.child("maxUnavailable");
                let keys: &[&'static str] =
                    if e.modern() { &["maxUnavailable", "maxSurge"] } else { &["maxUnavailable"] };
                for &key in keys {
                    int_or_percent(e, value(key), &path.child(key));
                    if e.modern() {
                        at_most_100_percent(e, value(key), &path.child(key));
                    }
                }
                let (none, surge) = (amount(value("maxUnavailable")) == 0, amount(value("maxSurge")));
                if e.modern() && none && surge == 0 {
                    e.required(&at, "cannot be 0 when maxSurge is 0");
                } else if e.modern() && !none && surge != 0 {
                    let given = value("maxSurge").cloned().unwrap_or_default();
                    e.invalid(&path.child("maxSurge"), given, "may not be set when maxUnavailable is non-zero");
                } else if !e.modern() {
                    if none {
                        let given = value("maxUnavailable").cloned().unwrap_or(Value::Int(0));
                        e.invalid_int_or_string(&at, &given, "cannot be 0");
                    }
                    at_most_100_percent(e, value("maxUnavailable"), &at);
                }
            }
            other => {
                let known = ["RollingUpdate", "OnDelete"];
                unknown_strategy(
                    e,
                    &path,
                    other,
                    "apps.DaemonSetUpdateStrategy",
                    "apps.RollingUpdateDaemonSet",
                    &known,
                );
            }
        }
    }
    e.non_negative(spec, "revisionHistoryLimit", path);
}

pub(super) fn stateful_set(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    let policy = spec.str("podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        e.invalid(&path.child("podManagementPolicy"), policy, detail);
    }
    let empty = Value::Null;
    update_strategy(e, spec.get("updateStrategy").unwrap_or(&empty), &path.child("updateStrategy"));
    if e.modern() {
        if let Some(policy) = spec.get("persistentVolumeClaimRetentionPolicy") {
            let path = path.child("persistentVolumeClaimRetentionPolicy");
            e.one_of(policy, "whenDeleted", &path, &["Retain", "Delete"]);
            e.one_of(policy, "whenScaled", &path, &["Retain", "Delete"]);
        }
        e.non_negative(spec, "replicas", path);
        e.non_negative(spec, "minReadySeconds", path);
        if let Some(ordinals) = spec.get("ordinals") {
            e.non_negative(ordinals, "start", &path.child("ordinals"));
        }
        if !spec.str("serviceName").is_empty() {
            e.dns_label(&path.child("serviceName"), spec.str("serviceName"));
        }
        if old.is_none() {
            claim_templates(e, spec, &path.child("volumeClaimTemplates"));
        }
    } else {
        e.non_negative(spec, "replicas", path);
    }
    selected_template(e, spec, path, &STATEFUL_SET, old);
}

fn claim_templates(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    for (i, claim) in spec.get("volumeClaimTemplates").map_or(&[][..], Value::items).iter().enumerate() {
        let path = path.index(i);
        let empty = Value::Null;
        super::storage::claim(e, claim.get("spec").unwrap_or(&empty), &path.child("spec"));
    }
}

fn update_strategy(e: &mut Errors, strategy: &Value, path: &Path<'_>) {
    let rolling = strategy.get("rollingUpdate").filter(|r| !r.is_null());
    match (strategy.str("type"), rolling) {
        ("OnDelete", Some(r)) => {
            let n = r.get("partition").and_then(Value::as_int).unwrap_or(0);
            let text = match e.modern() {
                true => format!("{{\"Partition\":{n},\"MaxUnavailable\":null}}"),
                false => format!("apps.RollingUpdateStatefulSetStrategy{{Partition:{n}}}"),
            };
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            e.invalid(&path.child("rollingUpdate"), Value::Num(text.into()), detail);
        }
        ("RollingUpdate", Some(r)) => {
            let path = path.child("rollingUpdate");
            e.non_negative(r, "partition", &path);
        }
        ("RollingUpdate" | "OnDelete", None) => {}
        (other, _) => {
            let kind = super::super::gofmt::quote(other);
            let text = match e.modern() {
                true => format!("{{\"Type\":{kind},\"RollingUpdate\":null}}"),
                false => format!(
                    "apps.StatefulSetUpdateStrategy{{Type:{kind}, RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}}"
                ),
            };
            e.invalid(path, Value::Num(text.into()), "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

pub(super) fn job(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    for key in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit"] {
        e.non_negative(spec, key, path);
    }
    if e.modern() {
        e.non_negative(spec, "ttlSecondsAfterFinished", path);
        completion(e, spec, path);
    }
    let same = match (spec.get("template"), old.and_then(|o| o.get(&["spec", "template"]))) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => a.same(b),
        _ => false,
    };
    if !same {
        job_template(e, spec, path);
    }
}

/// A job itself: its selector is made by the server, or by hand and then matches its pods.
pub(super) fn whole_job(e: &mut Errors, spec: &Value, path: &Path<'_>, old: Option<&Object>) {
    let given = spec.get("selector").filter(|s| !s.is_null());
    job(e, spec, path, old);
    let selector_path = path.child("selector");
    let before = e.len();
    match given {
        None => e.required(&selector_path, ""),
        Some(s) => label_selector(e, s, &selector_path),
    }
    let labels = spec.at(&["template", "metadata", "labels"]);
    let matches = |s: &Value| LabelSelector::of_value(s).matches(labels.and_then(Value::as_map));
    if (given.is_none() || e.len() == before) && !given.is_some_and(matches) {
        let path = path.child("template");
        let path = path.child("metadata");
        let detail = "`selector` does not match template `labels`";
        e.invalid_go(&path.child("labels"), labels.cloned().unwrap_or_default(), "map[string]string", detail);
    }
}

/// How a job counts what is done [modern].
fn completion(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    e.non_negative(spec, "backoffLimitPerIndex", path);
    e.non_negative(spec, "maxFailedIndexes", path);
    let n = |key: &str| spec.get(key).and_then(Value::as_int);
    if n("maxFailedIndexes").is_some() && n("backoffLimitPerIndex").is_none() {
        e.required(&path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    let manager = spec.str("managedBy");
    if !manager.is_empty() && !manager.contains('/') {
        let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
        e.invalid(&path.child("managedBy"), manager, detail);
    }
    e.one_of(spec, "completionMode", path, &["NonIndexed", "Indexed"]);
    let indexed = spec.str("completionMode") == "Indexed";
    if indexed {
        if n("completions").is_none() {
            e.required(&path.child("completions"), "when completion mode is Indexed");
        }
        if let Some(many) = n("parallelism").filter(|p| *p > 100_000) {
            let detail = "must be less than or equal to 100000 when completion mode is Indexed";
            e.invalid(&path.child("parallelism"), many, detail);
        }
    } else {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(given) = n(key) {
                e.invalid(&path.child(key), given, "requires indexed completion mode");
            }
        }
    }
    e.one_of(spec, "podReplacementPolicy", path, &["Failed", "TerminatingOrFailed"]);
}

fn job_template(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let path = path.child("template");
    let empty = Value::Null;
    let template = spec.get("template").unwrap_or(&empty);
    pod::template(e, template, &path);
    let policy = template.at(&["spec", "restartPolicy"]).map_or("", Value::as_str);
    let spec_path = path.child("spec");
    match policy {
        "OnFailure" | "Never" => {}
        "Always" => {
            e.required(&spec_path.child("restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
        }
        other => e.not_supported(&spec_path.child("restartPolicy"), other, &["OnFailure", "Never"]),
    }
}

pub(super) fn cron_job(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let schedule = spec.str("schedule");
    if schedule.is_empty() {
        e.required(&path.child("schedule"), "");
    } else if let Some(detail) = cron::error(schedule, e.profile) {
        e.invalid(&path.child("schedule"), schedule, detail);
    }
    e.non_negative(spec, "startingDeadlineSeconds", path);
    e.one_of(spec, "concurrencyPolicy", path, &["Allow", "Forbid", "Replace"]);
    if let Some(detail) = spec.get("timeZone").filter(|z| !z.is_null()).and_then(|z| cron::zone_error(z.as_str()))
        && e.modern()
    {
        e.invalid(&path.child("timeZone"), spec.str("timeZone"), detail);
    }
    let empty = Value::Null;
    let job_spec = spec.at(&["jobTemplate", "spec"]).unwrap_or(&empty);
    {
        let path = path.child("jobTemplate");
        let path = path.child("spec");
        job(e, job_spec, &path, None);
        if job_spec.get("manualSelector").and_then(Value::as_bool) == Some(true) {
            e.not_supported_go(&path.child("manualSelector"), true.into(), "", &["nil", "false"]);
        }
        if let Some(s) = job_spec.get("selector").filter(|s| !s.is_null()) {
            e.invalid_go(&path.child("selector"), s.clone(), "v1.LabelSelector", "`selector` will be auto-generated");
        }
    }
    for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        e.non_negative(spec, key, path);
    }
}

pub(super) fn pod_disruption_budget(e: &mut Errors, spec: &Value, path: &Path<'_>) {
    let has = |key: &str| spec.get(key).is_some_and(|v| !v.is_null());
    if has("minAvailable") && has("maxUnavailable") {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        let json = |key: &str| spec.get(key).map_or("null".to_owned(), Value::to_json);
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            json("minAvailable"),
            json("selector"),
            json("maxUnavailable"),
            json("unhealthyPodEvictionPolicy")
        );
        let value = if e.modern() { Value::Num(shown.into()) } else { spec.clone() };
        e.invalid_go(path, value, "policy.PodDisruptionBudgetSpec", detail);
    }
    for key in ["minAvailable", "maxUnavailable"] {
        int_or_percent(e, spec.get(key), &path.child(key));
        at_most_100_percent(e, spec.get(key), &path.child(key));
    }
    if e.modern() {
        e.one_of(spec, "unhealthyPodEvictionPolicy", path, &["AlwaysAllow", "IfHealthyBudget"]);
    }
    if let Some(s) = spec.get("selector") {
        label_selector(e, s, &path.child("selector"));
    }
}
