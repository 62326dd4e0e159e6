//! Persistent volumes and claims: finding each other, letting go of each other.
//! Models pkg/controller/volume/persistentvolume. Not modelled: provisioning by the controller itself
//! (no in-tree provisioner is left), recycling by a pod.

use std::sync::Arc;

use super::kit::{object, refusal};
use super::{Controller, Kit, Next, Note, Op, Step};
use crate::api::storage::{best_match, class_of, kept_for};
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Value, meta};
use crate::base::{Duration, Str};
use crate::sim::informer::Delta;

/// Claims without a volume are looked at again this often.
const RESYNC: Duration = Duration::secs(15);
const BOUND_BY_US: &str = "pv.kubernetes.io/bound-by-controller";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The scheduler's choice for a claim that waits for its first consumer.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

#[derive(Clone, Debug, Default)]
pub struct VolumeBinder;

impl Controller for VolumeBinder {
    fn name(&self) -> &'static str {
        "persistentvolume-controller"
    }
    fn watches(&self) -> &'static [Kind] {
        &[Kind::PERSISTENT_VOLUME, Kind::PERSISTENT_VOLUME_CLAIM, Kind::STORAGE_CLASS, Kind::POD]
    }
    fn workers(&self) -> u32 {
        1
    }
    fn started(&mut self, kit: &mut Kit<'_, '_>) {
        kit.wake(RESYNC, "");
    }
    fn woken(&mut self, kit: &mut Kit<'_, '_>, _arg: &str) {
        kit.wake(RESYNC, "");
        let waiting = |o: &&Arc<Object>| o.str(&["status", "phase"]) != "Bound";
        let mut keys: Vec<ObjectKey> =
            kit.all(Kind::PERSISTENT_VOLUME_CLAIM).filter(waiting).map(|o| o.key.clone()).collect();
        keys.extend(kit.all(Kind::PERSISTENT_VOLUME).filter(waiting).map(|o| o.key.clone()));
        keys.into_iter().for_each(|key| kit.enqueue(key));
    }

    fn changed(&mut self, kit: &mut Kit<'_, '_>, delta: &Delta) {
        match delta.key.kind {
            Kind::PERSISTENT_VOLUME_CLAIM => {
                kit.enqueue(delta.key.clone());
                let volumes =
                    [&delta.old, &delta.new].map(|o| o.as_ref().map(|c| Str::from(c.str(&["spec", "volumeName"]))));
                for name in volumes.into_iter().flatten().filter(|n| !n.is_empty()) {
                    kit.enqueue(ObjectKey::new(Kind::PERSISTENT_VOLUME, "", name));
                }
            }
            Kind::PERSISTENT_VOLUME => {
                kit.enqueue(delta.key.clone());
                // A volume that goes concerns its claim; one that comes is found by the next round.
                if let (Some(old), None) = (&delta.old, &delta.new)
                    && let Some(r) = old.get(&["spec", "claimRef"]).filter(|r| !r.is_null())
                {
                    let claim = ObjectKey::new(Kind::PERSISTENT_VOLUME_CLAIM, r.str("namespace"), r.str("name"));
                    kit.enqueue(claim);
                }
            }
            _ => {}
        }
    }

    fn sync(&mut self, kit: &mut Kit<'_, '_>, key: &ObjectKey, step: Step) -> Next {
        match step.stage {
            "" => {}
            stage => return bind_on(kit, stage, step),
        }
        let Some(o) = kit.get(key).cloned() else { return Next::Done };
        match key.kind {
            Kind::PERSISTENT_VOLUME_CLAIM => sync_claim(kit, &o),
            _ => sync_volume(kit, &o),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn sync_claim(kit: &mut Kit<'_, '_>, claim: &Arc<Object>) -> Next {
    let named = Str::from(claim.str(&["spec", "volumeName"]));
    if meta::annotation(claim, BIND_COMPLETED).is_some() {
        let lost = match kit.named(Kind::PERSISTENT_VOLUME, "", &named).cloned() {
            None => Some(("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")),
            Some(v) if kept_for(&v, claim) => return bind(kit, &v, claim),
            Some(_) => {
                Some(("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"))
            }
        };
        return match lost {
            Some((reason, message)) => lose(kit, claim, reason, message),
            None => Next::Done,
        };
    }
    if !named.is_empty() {
        let Some(v) = kit.named(Kind::PERSISTENT_VOLUME, "", &named).cloned() else {
            // The claim stays Pending until its volume comes.
            return Next::Done;
        };
        let free = v.get(&["spec", "claimRef"]).is_none_or(Value::is_null);
        if free || kept_for(&v, claim) {
            return bind(kit, &v, claim);
        }
        let message = ecow::eco_format!("volume \"{named}\" already bound to a different claim.");
        return warn(kit, claim, "Warning", "FailedBinding", message);
    }
    let class = Str::from(class_of(claim));
    let class_object = kit.named(Kind::STORAGE_CLASS, "", &class).cloned();
    let waits = class_object.as_ref().is_some_and(|c| c.str(&["volumeBindingMode"]) == "WaitForFirstConsumer");
    let decided = meta::annotation(claim, SELECTED_NODE).is_some();
    let found = match waits && !decided {
        // Only one that is kept for it.
        true => kit.all(Kind::PERSISTENT_VOLUME).find(|v| kept_for(v, claim)).cloned(),
        false => best_match(kit.all(Kind::PERSISTENT_VOLUME), claim),
    };
    if let Some(v) = found {
        return bind(kit, &v, claim);
    }
    if waits && !decided {
        let uses = |p: &&Arc<Object>| super::protection::uses(p, claim.name());
        let consumer = kit.in_namespace(Kind::POD, claim.namespace()).find(uses).map(|p| p.name().clone());
        let (reason, message) = match consumer {
            Some(p) => ("WaitForPodScheduled", ecow::eco_format!("waiting for pod {p} to be scheduled")),
            None => ("WaitForFirstConsumer", "waiting for first consumer to be created before binding".into()),
        };
        return warn(kit, claim, "Normal", reason, message);
    }
    if class.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        return warn(kit, claim, "Normal", "FailedBinding", message);
    }
    let Some(class_object) = class_object else {
        let message = ecow::eco_format!("storageclass.storage.k8s.io \"{class}\" not found");
        return warn(kit, claim, "Warning", "ProvisioningFailed", message);
    };
    let provisioner = class_object.str(&["provisioner"]);
    if provisioner.starts_with("kubernetes.io/") {
        return warn(
            kit,
            claim,
            "Warning",
            "ProvisioningFailed",
            "no volume plugin matched name: ".to_owned() + provisioner,
        );
    }
    let message = match kit.modern() {
        true => format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        ),
        false => format!(
            "waiting for a volume to be created, either by external provisioner \"{provisioner}\" or manually created by system administrator"
        ),
    };
    warn(kit, claim, "Normal", "ExternalProvisioning", message)
}

fn warn(
    kit: &mut Kit<'_, '_>,
    about: &Arc<Object>,
    kind: &'static str,
    reason: &'static str,
    message: impl Into<Str>,
) -> Next {
    kit.event(Note { about: about.clone(), kind, reason, message: message.into() });
    Next::Done
}

fn lose(kit: &mut Kit<'_, '_>, claim: &Arc<Object>, reason: &'static str, message: &str) -> Next {
    if claim.str(&["status", "phase"]) == "Lost" {
        return Next::Done;
    }
    let mut next = (**claim).clone();
    next.set(&["status", "phase"], "Lost");
    for field in ["accessModes", "capacity"] {
        next.unset(&["status", field]);
    }
    let note = Note { about: claim.clone(), kind: "Warning", reason, message: message.into() };
    Next::run([Op::new(Request::update_status(next), kit.ctx.cause).note(note)])
}

/// Binds the two, one write at a time: the volume, its phase, the claim, its phase. What is done
/// already is left out.
fn bind(kit: &mut Kit<'_, '_>, volume: &Arc<Object>, claim: &Arc<Object>) -> Next {
    let next = bind_next(volume, claim);
    if matches!(&next, Next::Ask(..)) {
        kit.decide(&claim.key, "BindClaim", volume.name());
    }
    next
}

fn bind_next(volume: &Arc<Object>, claim: &Arc<Object>) -> Next {
    let go = |request: Request, stage: &'static str| {
        Next::Ask(vec![request], Step { objects: vec![volume.clone(), claim.clone()], ..Step::at(stage) })
    };
    if volume.str(&["spec", "claimRef", "uid"]) != meta::uid(claim) {
        let mut v = (**volume).clone();
        if v.get(&["spec", "claimRef"]).is_none_or(Value::is_null) {
            v.set(&["metadata", "annotations", BOUND_BY_US], "yes");
        }
        v.set(&["spec", "claimRef"], meta::object_reference(claim));
        return go(Request::update(v), "volume");
    }
    if volume.str(&["status", "phase"]) != "Bound" {
        let mut v = (**volume).clone();
        v.set(&["status", "phase"], "Bound");
        return go(Request::update_status(v), "volume");
    }
    if claim.str(&["spec", "volumeName"]) != volume.name() || meta::annotation(claim, BIND_COMPLETED).is_none() {
        let mut c = (**claim).clone();
        if c.str(&["spec", "volumeName"]).is_empty() {
            c.set(&["metadata", "annotations", BOUND_BY_US], "yes");
        }
        c.set(&["spec", "volumeName"], volume.name());
        c.set(&["metadata", "annotations", BIND_COMPLETED], "yes");
        return go(Request::update(c), "claim");
    }
    let mut c = (**claim).clone();
    c.set(&["status", "phase"], "Bound");
    c.set(&["status", "accessModes"], volume.items(&["spec", "accessModes"]).to_vec());
    c.set(&["status", "capacity"], volume.get(&["spec", "capacity"]).cloned().unwrap_or_default());
    if c.get(&["status"]) == claim.get(&["status"]) {
        return Next::Done;
    }
    go(Request::update_status(c), "claim")
}

/// A write was answered: the next one, with what the server gave back.
fn bind_on(_kit: &mut Kit<'_, '_>, stage: &str, step: Step) -> Next {
    let Some(reply) = step.replies.first() else { return Next::Done };
    if refusal(reply).is_some_and(|s| s.reason == Reason::NotFound) {
        return Next::Done;
    }
    let Some(new) = object(reply).cloned() else { return Next::Retry };
    match (&step.objects[..], stage) {
        ([_, claim], "volume") => bind_next(&new, claim),
        ([volume, _], "claim") => bind_next(volume, &new),
        _ => Next::Done,
    }
}

fn sync_volume(kit: &mut Kit<'_, '_>, volume: &Arc<Object>) -> Next {
    let Some(r) = volume.get(&["spec", "claimRef"]).filter(|r| !r.is_null()).cloned() else {
        return phase(kit, volume, "Available", None);
    };
    if r.str("uid").is_empty() {
        // Kept for a claim that is not there yet.
        return phase(kit, volume, "Available", None);
    }
    let claim = kit.named(Kind::PERSISTENT_VOLUME_CLAIM, r.str("namespace"), r.str("name")).cloned();
    if let Some(claim) = claim.filter(|c| meta::uid(c) == r.str("uid")) {
        let named = claim.str(&["spec", "volumeName"]);
        if named.is_empty() {
            kit.enqueue(claim.key.clone());
            return Next::Done;
        }
        if named == volume.name() {
            return phase(kit, volume, "Bound", None);
        }
    }
    let freed = phase(kit, volume, "Released", None);
    if matches!(freed, Next::Ask(..) | Next::Run(_))
        && !matches!(volume.str(&["status", "phase"]), "Released" | "Failed")
    {
        return freed;
    }
    match volume.str(&["spec", "persistentVolumeReclaimPolicy"]) {
        "Delete" if volume.str(&["status", "phase"]) != "Failed" => {
            let message = ecow::eco_format!(
                "error getting deleter volume plugin for volume \"{}\": no deletable volume plugin matched",
                volume.name()
            );
            // A CSI driver deletes what it made itself.
            let foreign = meta::annotation(volume, "pv.kubernetes.io/provisioned-by").is_some();
            if foreign { Next::Done } else { phase(kit, volume, "Failed", Some(("VolumeFailedDelete", message))) }
        }
        "Recycle" => {
            let mut v = (**volume).clone();
            v.unset(&["spec", "claimRef"]);
            v.unset(&["metadata", "annotations", BOUND_BY_US]);
            let note = Note {
                about: volume.clone(),
                kind: "Normal",
                reason: "VolumeRecycled",
                message: "Volume recycled".into(),
            };
            Next::run([Op::new(Request::update(v), kit.ctx.cause).note(note)])
        }
        _ => Next::Done,
    }
}

fn phase(kit: &mut Kit<'_, '_>, volume: &Arc<Object>, phase: &str, why: Option<(&'static str, Str)>) -> Next {
    if volume.str(&["status", "phase"]) == phase || volume.str(&["status", "phase"]) == "Failed" && phase == "Released"
    {
        return Next::Done;
    }
    let mut next = (**volume).clone();
    next.set(&["status", "phase"], phase);
    if kit.modern() {
        next.set(&["status", "lastPhaseTransitionTime"], kit.now().rfc3339());
    }
    let mut op = Op::new(Request::update_status(next.clone()), kit.ctx.cause);
    if let Some((reason, message)) = why {
        next.set(&["status", "message"], &message);
        op.request = Request::update_status(next);
        op = op.note(Note { about: volume.clone(), kind: "Warning", reason, message });
    }
    Next::run([op.tolerate(&[Reason::NotFound])])
}
