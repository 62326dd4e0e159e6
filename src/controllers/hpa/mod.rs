//! HorizontalPodAutoscalers: the size of a workload follows what its pods use.
//! Models pkg/controller/podautoscaler. Not modelled: metrics other than resources, `behavior`, the
//! readiness delays around a pod's start.

mod metrics;

use std::sync::Arc;

use self::metrics::Measured;
use super::kit::{error_text, object, succeeded};
use super::{Controller, Kit, Next, Note, Step};
use crate::api::{Kind, Map, Object, ObjectKey, Request, Response, Value, Verb, meta};
use crate::base::persistent::{OrdMap, Vector};
use crate::base::{Duration, Str, Time};
use crate::sim::informer::Delta;

const PERIOD: Duration = Duration::secs(15);
/// Scaling down follows the highest recommendation of this long.
const STABILIZATION: Duration = Duration::mins(5);

#[derive(Clone, Debug, Default)]
pub struct Autoscalers {
    recommendations: OrdMap<ObjectKey, Vector<(Time, i64)>>,
}

impl Controller for Autoscalers {
    fn name(&self) -> &'static str {
        "horizontal-pod-autoscaler"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::HORIZONTAL_POD_AUTOSCALER, Kind::POD]
    }
    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        if delta.key.kind != Kind::HORIZONTAL_POD_AUTOSCALER {
            return;
        }
        match delta.new {
            Some(_) => kit.enqueue_after(delta.key.clone(), PERIOD),
            None => {
                self.recommendations.remove(&delta.key);
            }
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        let Some(hpa) = kit.get(key).cloned() else { return Next::Done };
        match step.stage {
            "" => start(kit, &hpa),
            "scale" => self.scaled(kit, &hpa, step),
            "metrics" => self.measured(kit, &hpa, step),
            "rescaled" => rescaled(kit, &hpa, step),
            _ => Next::After(PERIOD),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn target(hpa: &Object) -> Option<ObjectKey> {
    let name = |field| hpa.str(&["spec", "scaleTargetRef", field]);
    let kind = [Kind::DEPLOYMENT, Kind::REPLICA_SET, Kind::STATEFUL_SET, Kind::REPLICATION_CONTROLLER];
    let kind = kind.into_iter().find(|k| k.name() == name("kind"))?;
    Some(ObjectKey::new(kind, hpa.namespace().clone(), name("name")))
}

fn scale_request(hpa: &Object) -> Option<Request> {
    Some(Request { subresource: "scale".into(), ..Request::get(&target(hpa)?) })
}

fn start(kit: &mut Kit<'_, '_>, hpa: &Arc<Object>) -> Next {
    let Some(request) = scale_request(hpa) else {
        let error: Str = "no matches for kind".into();
        return no_scale(kit, hpa, &error);
    };
    Next::Ask(vec![request], Step::at("scale"))
}

/// One condition, kept in the order in which upstream sets them.
fn condition(now: Time, next: &mut Object, kind: &str, status: &str, reason: &str, message: &str) {
    let all = next.entry(&["status", "conditions"]).make_list().make_mut();
    let had = all.iter().find(|c| c.str("type") == kind && c.str("status") == status);
    let since: Str = had.map_or_else(|| now.rfc3339(), |c| c.str("lastTransitionTime").into());
    let new = Value::Map(map! {
        "lastTransitionTime" => since, "message" => message, "reason" => reason, "status" => status, "type" => kind,
    });
    match all.make_mut().iter_mut().find(|c| c.str("type") == kind) {
        Some(c) => *c = new,
        None => all.push(new),
    }
}

fn event(kit: &mut Kit<'_, '_>, hpa: &Arc<Object>, kind: &'static str, reason: &'static str, message: impl Into<Str>) {
    kit.event(Note { about: hpa.clone(), kind, reason, message: message.into() });
}

fn no_scale(kit: &mut Kit<'_, '_>, hpa: &Arc<Object>, error: &str) -> Next {
    event(kit, hpa, "Warning", "FailedGetScale", error);
    let mut next = (**hpa).clone();
    let message = format!("the HPA controller was unable to get the target's current scale: {error}");
    condition(kit.now(), &mut next, "AbleToScale", "False", "FailedGetScale", &message);
    write(hpa, next)
}

fn write(hpa: &Object, mut next: Object) -> Next {
    let n = |o: &Object, field: &str| o.int(&["status", field]);
    if n(&next, "desiredReplicas").is_none() {
        next.set(&["status", "desiredReplicas"], 0);
    }
    if next.get(&["status"]) == hpa.get(&["status"]) {
        return Next::After(PERIOD);
    }
    Next::Ask(vec![Request::update_status(next)], Step::at("status"))
}

impl Autoscalers {
    fn scaled(&mut self, kit: &mut Kit<'_, '_>, hpa: &Arc<Object>, step: Step) -> Next {
        let Some(reply) = step.replies.first() else { return Next::After(PERIOD) };
        let Some(scale) = object(reply).cloned() else {
            let error = error_text(reply);
            return no_scale(kit, hpa, &error);
        };
        let mut next = (**hpa).clone();
        let message = "the HPA controller was able to get the target's current scale";
        condition(kit.now(), &mut next, "AbleToScale", "True", "SucceededGetScale", message);
        let current = scale.int(&["spec", "replicas"]).unwrap_or(0);
        next.set(&["status", "currentReplicas"], current);
        let min = hpa.int(&["spec", "minReplicas"]).unwrap_or(1);
        let max = hpa.int(&["spec", "maxReplicas"]).unwrap_or(1);
        if current == 0 && min != 0 {
            next.set(&["status", "desiredReplicas"], 0);
            let message = "scaling is disabled since the replica count of the target is zero";
            condition(kit.now(), &mut next, "ScalingActive", "False", "ScalingDisabled", message);
            return write(hpa, next);
        }
        let (desired, why) = match current {
            n if n > max => (max, "Current number of replicas above Spec.MaxReplicas"),
            n if n < min => (min, "Current number of replicas below Spec.MinReplicas"),
            _ => {
                let request = Request {
                    subresource: "metrics".into(),
                    ..Request::new(Verb::List, Kind::POD, hpa.namespace().clone(), "")
                };
                return Next::Ask(vec![request], Step { objects: vec![Arc::new(next), scale], ..Step::at("metrics") });
            }
        };
        rescale(kit, hpa, next, &scale, desired, why)
    }

    fn measured(&mut self, kit: &mut Kit<'_, '_>, hpa: &Arc<Object>, step: Step) -> Next {
        let [begun, scale] = &step.objects[..] else { return Next::After(PERIOD) };
        let mut next = (**begun).clone();
        let current = scale.int(&["spec", "replicas"]).unwrap_or(0);
        let usage = match step.replies.first() {
            Some(Ok(Response::List { items, .. })) => Ok(items.clone()),
            Some(reply) => Err(error_text(reply)),
            None => return Next::After(PERIOD),
        };
        let measured = metrics::propose(kit, hpa, scale, current, usage);
        let now = kit.now();
        let Measured { replicas, current: shown, name } = match measured {
            Ok(measured) => measured,
            Err((resource, error)) => {
                event(kit, hpa, "Warning", "FailedGetResourceMetric", error.clone());
                let what = format!("the HPA was unable to compute the replica count: {error}");
                condition(now, &mut next, "ScalingActive", "False", "FailedGetResourceMetric", &what);
                let total = format!(
                    "invalid metrics (1 invalid out of 1), first error is: failed to get {resource} resource metric value: {error}"
                );
                event(kit, hpa, "Warning", "FailedComputeMetricsReplicas", total);
                next.set(&["status", "desiredReplicas"], current);
                return write(hpa, next);
            }
        };
        next.set(&["status", "currentMetrics"], shown);
        let valid = format!("the HPA was able to successfully calculate a replica count from {name}");
        condition(now, &mut next, "ScalingActive", "True", "ValidMetricFound", &valid);
        let (desired, raised) = self.normalize(kit, hpa, &mut next, current, replicas);
        let why = match (desired > current, raised) {
            (true, _) => format!("{name} above target"),
            _ => "All metrics below target".to_owned(),
        };
        if desired != current {
            return rescale(kit, hpa, next, scale, desired, &why);
        }
        if !raised {
            let message = "recommended size matches current size";
            condition(now, &mut next, "AbleToScale", "True", "ReadyForNewScale", message);
        }
        next.set(&["status", "desiredReplicas"], desired);
        write(hpa, next)
    }

    /// Holds a recommendation within what is allowed; whether an earlier, higher one was taken.
    fn normalize(
        &mut self,
        kit: &Kit<'_, '_>,
        hpa: &Object,
        next: &mut Object,
        current: i64,
        wanted: i64,
    ) -> (i64, bool) {
        let now = kit.now();
        let all = self.recommendations.entry(hpa.key.clone()).or_default();
        all.push_back((now, wanted));
        while all.front().is_some_and(|(at, _)| *at + STABILIZATION < now) {
            all.pop_front();
        }
        let highest = all.iter().map(|(_, n)| *n).max().unwrap_or(wanted);
        // Only scaling down waits.
        let steady = if wanted < current { highest.min(current) } else { wanted };
        let raised = steady != wanted;
        if raised {
            let message =
                "recent recommendations were higher than current one, applying the highest recent recommendation";
            condition(now, next, "AbleToScale", "True", "ScaleDownStabilized", message);
        } else {
            let message = "recommended size matches current size";
            condition(now, next, "AbleToScale", "True", "ReadyForNewScale", message);
        }
        let min = hpa.int(&["spec", "minReplicas"]).unwrap_or(1);
        let max = hpa.int(&["spec", "maxReplicas"]).unwrap_or(1);
        let most = (2 * current).max(current + 4);
        let (desired, status, reason, message) = match steady {
            n if n > max.min(most) && max > most => (
                most,
                "True",
                "ScaleUpLimit",
                "the desired replica count is increasing faster than the maximum scale rate",
            ),
            n if n > max => {
                (max, "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
            }
            n if n < min => {
                (min, "True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
            }
            n => (n, "False", "DesiredWithinRange", "the desired count is within the acceptable range"),
        };
        condition(now, next, "ScalingLimited", status, reason, message);
        (desired, raised)
    }
}

fn rescale(
    kit: &mut Kit<'_, '_>,
    hpa: &Arc<Object>,
    mut next: Object,
    scale: &Object,
    desired: i64,
    why: &str,
) -> Next {
    kit.decide(&hpa.key, "Rescale", map! { "to" => desired, "why" => why });
    let mut wanted = scale.clone();
    wanted.set(&["spec", "replicas"], desired);
    next.set(&["status", "desiredReplicas"], desired);
    let request = Request { subresource: "scale".into(), ..Request::update(wanted) };
    Next::Ask(
        vec![request],
        Step { objects: vec![Arc::new(next)], number: desired, text: why.into(), ..Step::at("rescaled") },
    )
}

fn rescaled(kit: &mut Kit<'_, '_>, hpa: &Arc<Object>, step: Step) -> Next {
    let Some(reply) = step.replies.first() else { return Next::After(PERIOD) };
    let (desired, why, now) = (step.number, &step.text, kit.now());
    let mut next = (*step.objects[0]).clone();
    if !succeeded(reply) {
        let error = error_text(reply);
        event(kit, hpa, "Warning", "FailedRescale", format!("New size: {desired}; reason: {why}; error: {error}"));
        let message = format!("the HPA controller was unable to update the target scale: {error}");
        condition(now, &mut next, "AbleToScale", "False", "FailedUpdateScale", &message);
        return write(hpa, next);
    }
    event(kit, hpa, "Normal", "SuccessfulRescale", format!("New size: {desired}; reason: {why}"));
    let message = format!("the HPA controller was able to update the target scale to {desired}");
    condition(now, &mut next, "AbleToScale", "True", "SucceededRescale", &message);
    next.set(&["status", "lastScaleTime"], now.rfc3339());
    write(hpa, next)
}

/// The pods that the scale's selector takes.
fn pods_of(kit: &Kit<'_, '_>, hpa: &Object, scale: &Object) -> Vec<Arc<Object>> {
    let labels: Map = scale
        .str(&["status", "selector"])
        .split(',')
        .filter_map(|term| term.split_once('='))
        .map(|(k, v)| (Str::from(k), Value::from(v)))
        .collect();
    let selector = crate::api::selector::LabelSelector::of_map(&labels);
    let all = kit.in_namespace(Kind::POD, hpa.namespace());
    all.filter(|p| !labels.is_empty() && selector.matches(meta::labels(p))).cloned().collect()
}
