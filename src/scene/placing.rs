//! How the scheduler placed a pod, or why it could not: each node's score by plugin, and what kept the
//! others out. Read from the trace record of its decision.

use crate::api::{Map, ObjectKey, Value};
use crate::base::Str;
use crate::sim::World;
use crate::sim::trace::{Record, What};

/// A node that the pod fits on.
#[derive(Clone, PartialEq, Debug)]
pub struct Scored {
    pub node: Str,
    pub total: i64,
    /// In the order of [`Placing::plugins`].
    pub scores: Vec<i64>,
}

/// A node that a filter kept out.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    pub node: Str,
    pub plugin: Str,
    pub reasons: Str,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Placing {
    /// Empty: it fits nowhere.
    pub chosen: Str,
    /// Plugins that told the nodes apart come first.
    pub plugins: Vec<Str>,
    /// The best first. Empty where only one node was left: then nothing is scored.
    pub scored: Vec<Scored>,
    pub kept: Vec<Kept>,
}

fn entries(detail: &Value, field: &str) -> Map {
    detail.get(field).and_then(Value::as_map).cloned().unwrap_or_default()
}

/// What a record of the scheduler decided.
pub fn placing(record: &Record) -> Option<Placing> {
    let What::Decide { verdict: "Bind" | "Unschedulable", detail, .. } = &record.what else { return None };
    let mut out = Placing { chosen: detail.str("node").into(), ..Placing::default() };
    let scores = entries(detail, "scores");
    for (node, score) in scores.iter() {
        let plugins = entries(score, "plugins");
        if out.plugins.is_empty() {
            out.plugins = plugins.iter().map(|(name, _)| name.clone()).collect();
        }
        let scores = out.plugins.iter().map(|p| plugins.get(p).and_then(Value::as_int).unwrap_or(0)).collect();
        let total = score.get("total").and_then(Value::as_int).unwrap_or(0);
        out.scored.push(Scored { node: node.clone(), total, scores });
    }
    out.scored.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.node.cmp(&b.node)));
    out.tell_apart();
    for (node, misfit) in entries(detail, "filtered").iter() {
        let reasons: Vec<&str> =
            misfit.get("reasons").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
        out.kept.push(Kept {
            node: node.clone(),
            plugin: misfit.str("plugin").into(),
            reasons: reasons.join(", ").into(),
        });
    }
    Some(out)
}

impl Placing {
    /// Plugins on which the nodes differ first: those decided.
    fn tell_apart(&mut self) {
        let same = |i: &usize| self.scored.windows(2).all(|w| w[0].scores[*i] == w[1].scores[*i]);
        let mut order: Vec<usize> = (0..self.plugins.len()).collect();
        order.sort_by_key(same);
        self.plugins = order.iter().map(|i| self.plugins[*i].clone()).collect();
        for s in &mut self.scored {
            s.scores = order.iter().map(|i| s.scores[*i]).collect();
        }
    }
    /// What a node's box says of it: its total, or why it was kept out; whether it was chosen.
    pub fn badge(&self, node: &str) -> Option<(Str, bool)> {
        if let Some(s) = self.scored.iter().find(|s| s.node == node) {
            return Some((ecow::eco_format!("{}", s.total), s.node == self.chosen));
        }
        match self.kept.iter().find(|k| k.node == node) {
            Some(k) => Some((ecow::eco_format!("✕ {}", k.plugin), false)),
            None => (self.chosen == node).then(|| ("✓".into(), true)),
        }
    }
}

/// How a pod was placed last.
pub fn of_pod(world: &World, key: &ObjectKey) -> Option<Placing> {
    let about = |r: &&Record| matches!(&r.what, What::Decide { key: k, .. } if k == key);
    world.trace.iter().rev().filter(about).find_map(placing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addons::lab;
    use crate::api::Kind;
    use crate::base::Duration;
    use crate::sim::{Config, Input, Session};

    #[test]
    fn scores_and_misfits_are_told() {
        let mut s = Session::new(&Config::default(), lab::ready);
        for text in ["kubectl taint node w3-k8s a=b:NoSchedule", "kubectl run web --image=nginx"] {
            s.input(Input::Line { machine: "m-k8s".into(), text: text.into() });
            s.advance(s.now() + Duration::secs(5), u64::MAX);
        }
        let p = of_pod(&s.world, &ObjectKey::new(Kind::POD, "default", "web")).unwrap();
        assert_eq!(p.scored.len(), 2);
        assert_eq!(p.kept.len(), 2, "{p:?}");
        for scored in &p.scored {
            assert_eq!(scored.total, scored.scores.iter().sum::<i64>());
        }
        assert!(p.badge(&p.chosen).unwrap().1);
        assert_eq!(p.badge("w3-k8s").unwrap().0, "✕ TaintToleration");
    }
}
