//! `kubectl describe` of jobs and cron jobs.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, selector_text, template, text_of, when};
use crate::api::{Object, Value, meta};
use crate::base::Time;

fn or_unset(value: Option<&Value>) -> String {
    let text = text_of(value);
    if text.is_empty() { "<unset>".to_owned() } else { text }
}

pub fn job(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    if o.get(&["spec", "selector"]).is_some() {
        p.field(0, "Selector", selector_text(o.get(&["spec", "selector"])));
    }
    p.marks(o);
    if let Some(owner) = meta::controller_of(o) {
        p.field(0, "Controlled By", format!("{}/{}", owner.str("kind"), owner.str("name")));
    }
    p.field(0, "Parallelism", or_unset(o.get(&["spec", "parallelism"])));
    p.field(0, "Completions", or_unset(o.get(&["spec", "completions"])));
    let modern = cx.modern();
    if modern {
        p.field(0, "Completion Mode", o.str(&["spec", "completionMode"]));
        p.field(0, "Suspend", o.get(&["spec", "suspend"]).and_then(Value::as_bool).unwrap_or(false));
        p.field(0, "Backoff Limit", or_unset(o.get(&["spec", "backoffLimit"])));
    }
    let (started, ended) = (o.str(&["status", "startTime"]), o.str(&["status", "completionTime"]));
    if !started.is_empty() {
        p.field(0, "Start Time", when(started));
    }
    if !ended.is_empty() {
        p.field(0, "Completed At", when(ended));
    }
    if let (Some(from), Some(to)) = (Time::parse_rfc3339(started), Time::parse_rfc3339(ended)) {
        p.field(0, "Duration", to.since(from).human());
    }
    if let Some(seconds) = o.int(&["spec", "activeDeadlineSeconds"]) {
        p.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    let n = |field: &str| o.int(&["status", field]).unwrap_or(0);
    let active = if modern {
        format!("{} Active ({} Ready)", n("active"), n("ready"))
    } else {
        format!("{} Running", n("active"))
    };
    p.field(0, "Pods Statuses", format!("{active} / {} Succeeded / {} Failed", n("succeeded"), n("failed")));
    template::pod_template(o.get(&["spec", "template"]), cx.profile, p);
    events::about(cx, o, p)
}

pub fn cron_job(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.field(0, "Schedule", o.str(&["spec", "schedule"]));
    p.field(0, "Concurrency Policy", o.str(&["spec", "concurrencyPolicy"]));
    p.field(0, "Suspend", super::capital(o.get(&["spec", "suspend"]).and_then(Value::as_bool).unwrap_or(false)));
    if cx.modern() {
        p.field(0, "Time Zone", or_unset(o.get(&["spec", "timeZone"])));
    }
    p.field(0, "Successful Job History Limit", or_unset(o.get(&["spec", "successfulJobsHistoryLimit"])));
    p.field(0, "Failed Job History Limit", or_unset(o.get(&["spec", "failedJobsHistoryLimit"])));
    let deadline = o.int(&["spec", "startingDeadlineSeconds"]).map_or("<unset>".to_owned(), |n| format!("{n}s"));
    p.field(0, "Starting Deadline Seconds", deadline);
    let spec = |field: &str| o.get(&["spec", "jobTemplate", "spec", field]);
    let selector = spec("selector");
    p.field(0, "Selector", if selector.is_some() { selector_text(selector) } else { "<unset>".to_owned() });
    p.field(0, "Parallelism", or_unset(spec("parallelism")));
    p.field(0, "Completions", or_unset(spec("completions")));
    if let Some(n) = spec("activeDeadlineSeconds").and_then(Value::as_int) {
        p.field(0, "Active Deadline Seconds", format!("{n}s"));
    }
    template::pod_template(spec("template"), cx.profile, p);
    p.field(0, "Last Schedule Time", when(o.str(&["status", "lastScheduleTime"])));
    let active: Vec<&str> = o.items(&["status", "active"]).iter().map(|j| j.str("name")).collect();
    p.field(0, "Active Jobs", super::or_none(&active.join(", ")));
    events::about(cx, o, p)
}
