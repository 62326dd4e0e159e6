//! What a kubelet refuses to run: pods that do not fit the node they were bound to.
//! Models pkg/scheduler's general predicates as the kubelet's admission handler applies them.

use super::Kubelet;
use super::worker::Worker;
use crate::api::quantity::Quantity;
use crate::api::{Object, Value, pod};
use crate::base::Str;
use crate::sim::{Ctx, Profile};

/// CPU in thousandths and memory in bytes that a pod asks for.
fn requests(object: &Object) -> [i64; 2] {
    let of = |c: &Value, what: &str| {
        let list = |name: &str| c.at(&["resources", name, what]);
        list("requests").or(list("limits")).and_then(Quantity::of).unwrap_or(Quantity::ZERO)
    };
    let number = |c: &Value| [of(c, "cpu").millis(), of(c, "memory").value()];
    let mut total = [0, 0];
    for c in pod::containers(object) {
        let n = number(c);
        total = [total[0] + n[0], total[1] + n[1]];
    }
    for c in pod::init_containers(object) {
        let n = number(c);
        total = [total[0].max(n[0]), total[1].max(n[1])];
    }
    total
}

impl Kubelet {
    /// Refuses `w` if it does not fit beside the pods that are here; it then stays Failed.
    pub(super) fn admit(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker) {
        if let Some(text) = self.pressed(&w.pod) {
            return self.reject(ctx, w, "Evicted", text);
        }
        let wanted = requests(&w.pod);
        if wanted == [0, 0] && self.workers.len() < 110 {
            return;
        }
        let mut used = [0, 0];
        let mut count = 0;
        for other in self.workers.values().filter(|o| o.uid != w.uid && !o.ended && o.rejected.is_none()) {
            let n = requests(&other.pod);
            used = [used[0] + n[0], used[1] + n[1]];
            count += 1;
        }
        let host = ctx.host();
        let capacity = [i64::from(host.cpus) * 1000, i64::from(host.memory_mib.saturating_sub(100)) << 20];
        let short = (0..2).find(|i| wanted[*i] > 0 && used[*i] + wanted[*i] > capacity[*i]);
        let (what, wanted, used, capacity) = match short {
            Some(i) => (["cpu", "memory"][i], wanted[i], used[i], capacity[i]),
            None if count >= 110 => ("pods", 1, count, 110),
            None => return,
        };
        let reason = ecow::eco_format!("OutOf{what}");
        let text = ecow::eco_format!(
            "Node didn't have enough resource: {what}, requested: {wanted}, used: {used}, capacity: {capacity}"
        );
        self.reject(ctx, w, &reason, text);
    }

    fn reject(&mut self, ctx: &mut Ctx<'_>, w: &mut Worker, reason: &str, text: Str) {
        self.event(ctx, w, None, "Warning", reason, text.clone());
        let message = match self.profile {
            Profile::Book => ecow::eco_format!("Pod {text}"),
            Profile::Modern => ecow::eco_format!("Pod was rejected: {text}"),
        };
        w.rejected = Some((reason.into(), message));
        w.report = true;
    }
}
