//! LimitRanger and ResourceQuota: what a namespace lets its objects ask for.
//! Models plugin/pkg/admission/limitranger and apiserver/pkg/admission/plugin/resourcequota.

use std::sync::Arc;

use super::Call;
use crate::api::quantity::Quantity;
use crate::api::quota;
use crate::api::{Kind, Map, Object, Profile, Reason, Status, Value, pod};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// Fills in a container's defaults. Models limitranger defaultContainerResourceRequirements.
pub fn defaults(call: &Call<'_, '_>, object: &mut Object) {
    if object.kind() != Kind::POD {
        return;
    }
    let ranges: Vec<Arc<Object>> = call.data().list(Kind::LIMIT_RANGE, &object.key.namespace, None).cloned().collect();
    for range in &ranges {
        let mut set: Vec<String> = Vec::new();
        for limit in range.items(&["spec", "limits"]).iter().filter(|l| l.str("type") == "Container") {
            for list in ["containers", "initContainers"] {
                if object.items(&["spec", list]).is_empty() {
                    continue;
                }
                let what = if list == "containers" { "container" } else { "init container" };
                for container in object.entry(&["spec", list]).make_list().items_mut() {
                    let mut added = Vec::new();
                    for (from, to, word) in [("defaultRequest", "requests", "request"), ("default", "limits", "limit")]
                    {
                        let Some(amounts) = limit.get(from).and_then(Value::as_map) else { continue };
                        let mut names = Vec::new();
                        for (name, amount) in amounts.iter() {
                            let have = container.at(&["resources", to]).and_then(|r| r.get(name)).is_some();
                            if !have {
                                container.entry(&["resources", to]).make_map().insert(name.clone(), amount.clone());
                                names.push(name.as_str());
                            }
                        }
                        if !names.is_empty() {
                            added.push((names.join(", "), word));
                        }
                    }
                    let name = container.str("name").to_owned();
                    set.extend(added.into_iter().map(|(names, word)| format!("{names} {word} for {what} {name}")));
                }
            }
        }
        if !set.is_empty() {
            let text = format!("LimitRanger plugin set: {}", set.join("; "));
            object.set(&["metadata", "annotations", "kubernetes.io/limit-ranger"], text);
            let qos = pod::qos_class(object);
            object.set(&["status", "qosClass"], qos);
        }
    }
}

/// Whether the object is within the ranges of its namespace. Models limitranger PodValidateLimitFunc.
pub fn check(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    let mut errors: Vec<String> = Vec::new();
    for range in call.data().list(Kind::LIMIT_RANGE, &object.key.namespace, None) {
        for limit in range.items(&["spec", "limits"]) {
            match (limit.str("type"), object.kind()) {
                ("Container", Kind::POD) => {
                    for c in pod::containers(object).iter().chain(pod::init_containers(object)) {
                        let none = Value::Null;
                        let resources = c.get("resources").unwrap_or(&none);
                        within(limit, "Container", resources, &mut errors);
                    }
                }
                ("Pod", Kind::POD) => within(limit, "Pod", &total(object), &mut errors),
                ("PersistentVolumeClaim", Kind::PERSISTENT_VOLUME_CLAIM) => {
                    let none = Value::Null;
                    let resources = object.get(&["spec", "resources"]).unwrap_or(&none);
                    within(limit, "PersistentVolumeClaim", resources, &mut errors);
                }
                _ => {}
            }
        }
    }
    match errors.len() {
        0 => Ok(()),
        1 => Err(forbidden(object, &errors[0])),
        _ => Err(forbidden(object, &format!("[{}]", errors.join(", ")))),
    }
}

fn within(limit: &Value, what: &str, resources: &Value, errors: &mut Vec<String>) {
    let amount = |list: &str, name: &str| resources.at(&[list, name]).and_then(Quantity::of);
    let each = |key: &str| limit.get(key).and_then(Value::as_map).cloned().unwrap_or_default();
    let claim = what == "PersistentVolumeClaim";
    for (name, v) in each("min").iter() {
        let Some(min) = Quantity::of(v) else { continue };
        let (request, most) = (amount("requests", name), amount("limits", name));
        match request {
            None => errors.push(format!("minimum {name} usage per {what} is {min}.  No request is specified")),
            Some(r) if r < min => errors.push(format!("minimum {name} usage per {what} is {min}, but request is {r}")),
            Some(_) if most.is_some_and(|l| l < min) => {
                let l = most.unwrap_or_default();
                errors.push(format!("minimum {name} usage per {what} is {min}, but limit is {l}"));
            }
            Some(_) => {}
        }
    }
    for (name, v) in each("max").iter() {
        let Some(max) = Quantity::of(v) else { continue };
        let (request, most) = (amount("requests", name), amount("limits", name));
        match most {
            _ if claim => {
                if let Some(r) = request.filter(|r| *r > max) {
                    errors.push(format!("maximum {name} usage per {what} is {max}, but request is {r}"));
                }
            }
            None => errors.push(format!("maximum {name} usage per {what} is {max}.  No limit is specified")),
            Some(l) if l > max => errors.push(format!("maximum {name} usage per {what} is {max}, but limit is {l}")),
            Some(_) => {
                if let Some(r) = request.filter(|r| *r > max) {
                    errors.push(format!("maximum {name} usage per {what} is {max}, but request is {r}"));
                }
            }
        }
    }
    for (name, v) in each("maxLimitRequestRatio").iter() {
        let (Some(most), Some(request), Some(ratio)) =
            (amount("limits", name), amount("requests", name), Quantity::of(v))
        else {
            errors.push(format!(
                "{name} max limit to request ratio per {what} is {}, but no request is specified or request is 0",
                v.as_str()
            ));
            continue;
        };
        // Compared without dividing: limit > ratio × request.
        if i128::from(most.millis()) * 1000 > i128::from(ratio.millis()) * i128::from(request.millis()) {
            let times = most.millis().saturating_mul(1_000_000) / request.millis().max(1);
            errors.push(format!(
                "{name} max limit to request ratio per {what} is {ratio}, but provided ratio is {}.{:06}",
                times / 1_000_000,
                times % 1_000_000
            ));
        }
    }
}

/// The sums of a pod's requests and limits.
fn total(p: &Object) -> Value {
    let usage = quota::usage(p);
    let part = |prefix: &str| -> Map {
        let of = usage.iter().filter_map(|(name, q)| Some((Str::from(name.strip_prefix(prefix)?), Value::from(*q))));
        of.collect()
    };
    Value::Map(map! { "limits" => part("limits."), "requests" => part("requests.") })
}

fn forbidden(object: &Object, why: &str) -> Status {
    let text = format!("{} \"{}\" is forbidden: {why}", object.kind().group_resource(), object.key.name);
    Status::about(&object.key, Reason::Forbidden, text)
}

/// Charges the object (an update: the difference from `old`) to the quotas of its namespace.
/// Models resourcequota/controller.go CheckRequest.
pub fn charge(call: &mut Call<'_, '_>, old: Option<&Object>, object: &Object) -> Result<(), Status> {
    let quotas: Vec<Arc<Object>> = match object.kind() {
        Kind::RESOURCE_QUOTA if old.is_some() => return Ok(()),
        kind if !kind.namespaced() => return Ok(()),
        _ => call.data().list(Kind::RESOURCE_QUOTA, &object.key.namespace, None).cloned().collect(),
    };
    if quotas.is_empty() {
        return Ok(());
    }
    let mut delta = quota::usage(object);
    for (name, n) in old.map(quota::usage).unwrap_or_default() {
        let now = delta.get(&name).copied().unwrap_or_default();
        delta.insert(name, now - n);
    }
    let mut charged: Vec<Object> = Vec::new();
    for q in quotas.iter().filter(|q| quota::covers(q, object)) {
        let hard = q.get(&["status", "hard"]).and_then(Value::as_map).cloned().unwrap_or_default();
        if old.is_none() {
            must_say(call.profile, q, object)?;
        }
        let amount = |v: Option<&Value>| v.and_then(Quantity::of).unwrap_or_default();
        let relevant: Vec<(&Str, Quantity)> =
            delta.iter().filter(|(n, d)| hard.has(n) && !d.is_zero()).map(|(n, d)| (n, *d)).collect();
        if relevant.is_empty() {
            continue;
        }
        let used_of = |n: &Str| amount(q.get(&["status", "used", n]));
        let over: Vec<&Str> = relevant
            .iter()
            .filter(|(n, d)| !d.is_negative() && used_of(n) + *d > amount(hard.get(n)))
            .map(|(n, _)| *n)
            .collect();
        if !over.is_empty() {
            let list = |of: &dyn Fn(&Str) -> Quantity| -> String {
                let each: Vec<String> = over.iter().map(|n| format!("{n}={}", of(n))).collect();
                each.join(",")
            };
            let asked = |n: &Str| delta.get(n).copied().unwrap_or_default();
            let text = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                q.name(),
                list(&asked),
                list(&used_of),
                list(&|n| amount(hard.get(n)))
            );
            return Err(forbidden(object, &text));
        }
        let mut next = (**q).clone();
        for (n, d) in &relevant {
            let sum = used_of(n) + *d;
            next.set(&["status", "used", n], Value::from(sum));
        }
        charged.push(next);
    }
    for next in charged {
        call.put(next);
    }
    Ok(())
}

/// A quota on compute resources wants every container to say what it takes.
/// Models podEvaluator.Constraints.
fn must_say(profile: Profile, q: &Object, object: &Object) -> Result<(), Status> {
    if object.kind() != Kind::POD {
        return Ok(());
    }
    const COMPUTE: &[&str] = &[
        "cpu",
        "ephemeral-storage",
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "memory",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
    ];
    let hard = q.get(&["spec", "hard"]).and_then(Value::as_map).cloned().unwrap_or_default();
    let wanted: Vec<&str> = COMPUTE.iter().copied().filter(|n| hard.has(n)).collect();
    let mut missing: Vec<(&str, Vec<&str>)> = Vec::new();
    for c in pod::containers(object).iter().chain(pod::init_containers(object)) {
        for name in &wanted {
            let (list, resource) = match name.split_once('.') {
                Some(("limits", r)) => ("limits", r),
                Some((_, r)) => ("requests", r),
                None => ("requests", *name),
            };
            if c.at(&["resources", list]).and_then(|r| r.get(resource)).is_none() {
                match missing.iter_mut().find(|(n, _)| n == name) {
                    Some((_, names)) => names.push(c.str("name")),
                    None => missing.push((name, vec![c.str("name")])),
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    missing.arrange();
    let names = |(name, of): &(&str, Vec<&str>)| match profile {
        Profile::Book => (*name).to_owned(),
        Profile::Modern => format!("{name} for: {}", of.join(",")),
    };
    let each: Vec<String> = missing.iter().map(names).collect();
    let all = each.join(if profile == Profile::Book { "," } else { "; " });
    Err(forbidden(object, &format!("failed quota: {}: must specify {all}", q.name())))
}
