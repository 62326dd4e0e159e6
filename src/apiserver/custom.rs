//! CustomResourceDefinitions, and what they make of requests for custom objects.
//! Models apiextensions-apiserver: customresource_handler.go, the naming, establishing and finalizing
//! controllers, registry/customresource.

use std::sync::Arc;

use super::{ApiServer, Call};
use crate::api::request::{FieldValidation, Propagation};
use crate::api::validation;
use crate::api::{Kind, Map, Object, ObjectKey, Profile, Reason, Request, Status, Value, custom, meta};
use crate::base::{Duration, Str};
use crate::etcd::Change;
use crate::machine::commands::regex::Regex;
use crate::sim::Ctx;
use crate::sim::trace::WriteOp;

/// Keeps a definition until its objects are gone.
const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
/// A round of the controllers that look after definitions.
const ROUND: Duration = Duration::millis(40);

pub fn no_such() -> Status {
    Status::new(Reason::NotFound, "the server could not find the requested resource")
}

/// The definition behind a request for custom objects; an error while it serves none.
pub fn definition(call: &Call<'_, '_>, kind: Kind) -> Result<Arc<Object>, Status> {
    let key = ObjectKey::new(Kind::CUSTOM_RESOURCE_DEFINITION, "", custom::definition_of(kind));
    let found = call.data().get(&key).filter(|d| custom::established(d) && custom::kind_of(d) == kind);
    found.cloned().ok_or_else(no_such)
}

/// Refuses requests for custom objects, or parts of them, that are not served.
pub fn gate(call: &Call<'_, '_>) -> Result<(), Status> {
    let request = call.request;
    if !request.kind.is_custom() || request.is_review() {
        return Ok(());
    }
    let crd = definition(call, request.kind)?;
    let sub = request.subresource.as_str();
    if sub.is_empty() || custom::has(&crd, sub) { Ok(()) } else { Err(no_such()) }
}

/// Prunes and fills in what a client sent.
pub fn arrange(call: &Call<'_, '_>, object: &mut Object) -> Result<(), Status> {
    if !object.kind().is_custom() {
        return Ok(());
    }
    let crd = definition(call, object.kind())?;
    let Some(schema) = custom::schema(&crd) else { return Ok(()) };
    let mut value = Value::Map(object.body.clone());
    let mut gone = Vec::new();
    if !custom::keeps_unknown(&crd) {
        custom::prune(schema, &mut value, "", &mut gone);
    }
    custom::default(schema, &mut value);
    if let Value::Map(body) = value {
        object.body = body;
    }
    let strict = call.request.field_validation == FieldValidation::Strict && call.profile == Profile::Modern;
    if strict && !gone.is_empty() {
        let all: Vec<String> = gone.iter().map(|g| format!("unknown field \"{g}\"")).collect();
        let (name, version) = (object.kind().name(), object.kind().info().version);
        let text = format!(
            "{name} in version \"{version}\" cannot be handled as a {name}: strict decoding error: {}",
            all.join(", ")
        );
        return Err(Status::new(Reason::BadRequest, text));
    }
    Ok(())
}

/// What the schema has against an object.
pub fn judge(call: &Call<'_, '_>, object: &Object) -> Result<(), Status> {
    if object.kind() == Kind::CUSTOM_RESOURCE_DEFINITION {
        return judge_definition(object, call.profile);
    }
    if !object.kind().is_custom() {
        return Ok(());
    }
    let crd = definition(call, object.kind())?;
    let Some(schema) = custom::schema(&crd) else { return Ok(()) };
    let matches = |pattern: &str, text: &str| {
        let plain = pattern
            .replace("\\d", "[0-9]")
            .replace("\\w", "[A-Za-z0-9_]")
            .replace("\\s", "[[:space:]]")
            .replace("(?:", "(");
        Regex::extended(&plain, false).is_ok_and(|r| r.is_match(text))
    };
    let errors = custom::validate(schema, &Value::Map(object.body.clone()), call.profile, &matches);
    if errors.is_empty() { Ok(()) } else { Err(validation::to_status(&object.key, &errors, call.profile)) }
}

/// Models apiextensions/validation ValidateCustomResourceDefinition, as far as people meet it.
fn judge_definition(crd: &Object, profile: Profile) -> Result<(), Status> {
    let mut errors = Vec::new();
    let mut say = |kind, field: &str, value: &str, detail: String| {
        let error = validation::FieldError {
            kind,
            field: field.into(),
            value: value.into(),
            go_type: "",
            detail: detail.into(),
        };
        errors.push(error);
    };
    use validation::ErrorKind::{Invalid, Required};
    let (group, plural) = (crd.str(&["spec", "group"]), crd.str(&["spec", "names", "plural"]));
    let wanted = format!("{plural}.{group}");
    if *crd.name() != wanted {
        say(Invalid, "metadata.name", crd.name(), "must be spec.names.plural+\".\"+spec.group".to_owned());
    }
    if !group.is_empty() && !group.contains('.') {
        say(Invalid, "spec.group", group, "should be a domain with at least one dot".to_owned());
    }
    let storing = |v: &&Value| v.get("storage").and_then(Value::as_bool) == Some(true);
    if crd.items(&["spec", "versions"]).iter().filter(storing).count() != 1 {
        let detail = "must have exactly one version marked as storage version".to_owned();
        say(Invalid, "spec.versions", "", detail);
    }
    let old = custom::keeps_unknown(crd);
    for (i, version) in crd.items(&["spec", "versions"]).iter().enumerate() {
        let schema = version.at(&["schema", "openAPIV3Schema"]);
        if schema.is_none() && !old {
            say(Required, &format!("spec.versions[{i}].schema.openAPIV3Schema"), "", "schemas are required".to_owned());
        } else if schema.is_some_and(|s| s.str("type") != "object") && !old {
            let field = format!("spec.versions[{i}].schema.openAPIV3Schema.type");
            say(Required, &field, "", "must be object at the root".to_owned());
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(validation::to_status(&crd.key, &errors, profile)) }
}

/// Names that a definition leaves to be filled in.
pub fn default_names(crd: &mut Object) {
    let kind = Str::from(crd.str(&["spec", "names", "kind"]));
    if kind.is_empty() {
        return;
    }
    if crd.str(&["spec", "names", "singular"]).is_empty() {
        crd.set(&["spec", "names", "singular"], kind.to_lowercase());
    }
    if crd.str(&["spec", "names", "listKind"]).is_empty() {
        crd.set(&["spec", "names", "listKind"], ecow::eco_format!("{kind}List"));
    }
    if crd.get(&["spec", "conversion"]).is_none() {
        crd.set(&["spec", "conversion"], map! { "strategy" => "None" });
    }
}

/// The parts of an object that requests of its kind may not touch.
pub fn keep_apart(call: &Call<'_, '_>, old: Option<&Object>, object: &mut Object) {
    let Ok(crd) = definition(call, object.kind()) else { return };
    let apart = custom::has(&crd, "status");
    if apart {
        match old.and_then(|o| o.get(&["status"])) {
            Some(status) => object.set(&["status"], status.clone()),
            None => object.unset(&["status"]),
        }
    }
    let content = |o: &Object| -> Map {
        let other = |k: &str| k != "metadata" && !(apart && k == "status");
        o.body.iter().filter(|(k, _)| other(k)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let generation = match old {
        None => 1,
        Some(old) => meta::generation(old) + i64::from(content(old) != content(object)),
    };
    object.set(&["metadata", "generation"], generation);
}

/// Where a definition keeps the numbers of `scale`: of the specification, of the status, and the selector.
pub fn scale_paths(call: &Call<'_, '_>, kind: Kind) -> Option<[Vec<Str>; 3]> {
    let crd = definition(call, kind).ok()?;
    let scale = custom::stored(&crd)?.at(&["subresources", "scale"])?;
    let path = |key: &str| scale.str(key).split('.').filter(|p| !p.is_empty()).map(Str::from).collect();
    Some([path("specReplicasPath"), path("statusReplicasPath"), path("labelSelectorPath")])
}

/// Asks for a look at every definition that was changed.
pub fn notice(ctx: &mut Ctx<'_>, changes: &[Change]) {
    for change in changes {
        match change.new.kind() {
            Kind::CUSTOM_RESOURCE_DEFINITION => ctx.timer(ROUND, super::TIMER_DEFINITION, change.new.name().clone()),
            Kind::API_SERVICE if change.op == WriteOp::Create && change.new.get(&["spec", "service"]).is_some() => {
                ctx.timer(ROUND, super::TIMER_AVAILABLE, change.new.name().clone());
            }
            _ => {}
        }
    }
}

fn condition(kind: &str, status: &str, reason: &str, message: &str, now: Str) -> Map {
    map! { "lastTransitionTime" => now, "message" => message, "reason" => reason, "status" => status, "type" => kind }
}

impl ApiServer {
    /// One round of the controllers that look after a definition.
    pub(super) fn look_after(&mut self, ctx: &mut Ctx<'_>, name: &str) {
        let key = ObjectKey::new(Kind::CUSTOM_RESOURCE_DEFINITION, "", name);
        let data = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref());
        let Some(crd) = data.and_then(|d| d.get(&key)).cloned() else { return self.api_services(ctx) };
        let now = ctx.now().rfc3339();
        if meta::deleting(&crd) {
            return self.clean_up(ctx, &crd, now);
        }
        if !meta::finalizers(&crd).iter().any(|f| f.as_str() == FINALIZER) {
            let mut next = (*crd).clone();
            next.entry(&["metadata", "finalizers"]).make_list().push(FINALIZER);
            self.own_write(ctx, Request::update(next));
            return; // the write is noticed
        }
        if custom::established(&crd) {
            return self.api_services(ctx);
        }
        let taken = self.conflict(ctx, &crd);
        let mut next = (*crd).clone();
        let conditions = match &taken {
            None => list![
                condition("NamesAccepted", "True", "NoConflicts", "no conflicts found", now.clone()),
                condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now),
            ],
            Some((reason, message)) => list![
                condition("NamesAccepted", "False", reason, message, now.clone()),
                condition("Established", "False", "NotAccepted", "not all names are accepted", now),
            ],
        };
        let names = crd.get(&["spec", "names"]).cloned().unwrap_or_default();
        let stored = custom::stored(&crd).map_or("", |v| v.str("name"));
        let accepted = if taken.is_none() { names } else { map! { "kind" => "", "plural" => "" }.into() };
        next.set(
            &["status"],
            map! { "acceptedNames" => accepted, "conditions" => conditions, "storedVersions" => list![stored] },
        );
        if crd.get(&["status"]) != next.get(&["status"]) {
            self.own_write(ctx, Request::update_status(next));
        }
    }

    /// A name that another definition of the group has already.
    fn conflict(&self, ctx: &Ctx<'_>, crd: &Object) -> Option<(&'static str, String)> {
        let data = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref())?;
        let of = |o: &Object, key: &str| Str::from(o.str(&["spec", "names", key]));
        let same =
            |o: &&Arc<Object>| o.name() != crd.name() && o.str(&["spec", "group"]) == crd.str(&["spec", "group"]);
        for other in
            data.list(Kind::CUSTOM_RESOURCE_DEFINITION, "", None).filter(same).filter(|o| custom::established(o))
        {
            if of(other, "kind") == of(crd, "kind") {
                return Some(("KindConflict", format!("\"{}\" is already in use", of(crd, "kind"))));
            }
        }
        None
    }

    /// Deletes the objects of a definition that goes, then lets it go.
    fn clean_up(&mut self, ctx: &mut Ctx<'_>, crd: &Object, now: Str) {
        let kind = custom::kind_of(crd);
        let data = Self::etcd_machine(ctx).and_then(|m| ctx.world.machine(m).etcd_data.as_ref());
        let left: Vec<ObjectKey> =
            data.into_iter().flat_map(|d| d.list(kind, "", None)).map(|o| o.key.clone()).collect();
        if left.is_empty() {
            let mut next = crd.clone();
            let others: Vec<Value> =
                meta::finalizers(crd).iter().filter(|f| f.as_str() != FINALIZER).cloned().collect();
            if others.len() < meta::finalizers(crd).len() {
                next.set(&["metadata", "finalizers"], others);
                self.own_write(ctx, Request::update(next));
            }
            return;
        }
        let terminating = |c: &Value| c.str("type") == "Terminating";
        if !crd.items(&["status", "conditions"]).iter().any(terminating) {
            let mut next = crd.clone();
            let message = "CustomResource deletion is in progress";
            next.entry(&["status", "conditions"]).make_list().push(condition(
                "Terminating",
                "True",
                "InstanceDeletionInProgress",
                message,
                now,
            ));
            self.own_write(ctx, Request::update_status(next));
        }
        for key in left {
            self.own_write(ctx, Request { propagation: Some(Propagation::Background), ..Request::delete(&key) });
        }
        ctx.timer(Duration::secs(1), super::TIMER_DEFINITION, crd.name().clone());
    }
}
