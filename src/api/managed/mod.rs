//! Who owns which fields: `metadata.managedFields`. Kept beside an object's body, as sets of paths;
//! clients get them as the list that upstream stores.
//! Models apimachinery/pkg/util/managedfields and structured-merge-diff/merge.

mod compare;
mod merge;
mod set;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::schema::{self, Type};
use super::{Kind, Map, Profile, Value};
use crate::base::{Str, Time};
pub use compare::{compare, named, undeclared};
pub use set::Set;

/// Before this many managers of updates old ones stay apart; then the oldest are folded into one.
const MAX_UPDATE_MANAGERS: usize = 10;

/// One manager and what it owns.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    pub manager: Str,
    /// Applies, and does not just update.
    pub applies: bool,
    pub subresource: Str,
    pub api_version: Str,
    pub time: Option<Time>,
    pub set: Set,
}

/// The managers of one object; shared and copied on write.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Managed(Option<Arc<Vec<Entry>>>);

/// The latest set of each manager of each kind, and what it created last.
#[derive(Clone, Debug, Default)]
pub struct Models {
    sets: crate::base::persistent::OrdMap<(Kind, Str, Str), Set>,
    created: crate::base::persistent::OrdMap<(Kind, Str), (Map, Managed)>,
    /// What was stored last of each kind; of events, by each client.
    stored: crate::base::persistent::OrdMap<(Kind, Str), Map>,
}

impl Models {
    /// The owners of a new object, if its manager's last one had the same fields: replicas and events are
    /// alike, and then nothing has to be compared. Those of one second share theirs.
    pub fn of_created(&mut self, kind: Kind, manager: &Str, body: &Map, now: Time) -> Option<Managed> {
        let (model, managed) = self.created.get_mut(&(kind, manager.clone()))?;
        if !alike(model, body) {
            return None;
        }
        let second = |t: Option<Time>| t.map(|t| t.0 / 1_000_000);
        if managed.entries().iter().any(|e| second(e.time) != second(Some(now))) {
            let at = |e: &Entry| Entry { time: Some(now), ..e.clone() };
            *managed = Managed::of(managed.entries().iter().map(at).collect());
        }
        Some(managed.clone())
    }
    /// The body of a new object, as much as possible of it one with the last of its kind. One client's
    /// events often follow each other about the same object.
    pub fn shared(&mut self, kind: Kind, client: &Str, body: &Map) -> Map {
        let key = (kind, if kind == Kind::EVENT { client.clone() } else { Str::new() });
        let body = self.stored.get(&key).map_or_else(|| body.clone(), |model| body.shared(model));
        self.stored.insert(key, body.clone());
        body
    }
    pub fn remember(&mut self, kind: Kind, manager: Str, body: &Map, managed: &Managed) {
        self.created.insert((kind, manager), (body.clone(), managed.clone()));
    }
}

/// Whether two new bodies have the same fields: their scalars may differ.
fn alike(a: &Map, b: &Map) -> bool {
    let same = |((k, x), (l, y)): ((&Str, &Value), (&Str, &Value))| {
        k == l
            && match (x, y) {
                (Value::Map(x), Value::Map(y)) => alike(x, y),
                (Value::List(x), Value::List(y)) => x == y,
                (x, y) => std::mem::discriminant(x) == std::mem::discriminant(y),
            }
    };
    a.same(b) || a.len() == b.len() && a.iter().zip(b.iter()).all(same)
}

/// Who writes, how and when.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    pub manager: &'a Str,
    /// As it is recorded.
    pub subresource: &'a Str,
    /// Whether it writes the status alone.
    pub status: bool,
    pub now: Time,
    pub profile: Profile,
}

/// A field that is somebody else's: manager, its subresource, apiVersion, whether it applies, path.
pub struct Conflict {
    pub manager: String,
    pub path: String,
}

impl Managed {
    pub fn entries(&self) -> &[Entry] {
        self.0.as_ref().map_or(&[], |e| e)
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
    fn of(mut entries: Vec<Entry>) -> Managed {
        entries.retain(|e| !e.set.is_empty());
        entries.sort_by(|a, b| {
            let key = |e: &Entry| (!e.applies, e.time.map(|t| t.0 / 1_000_000));
            key(a)
                .cmp(&key(b))
                .then_with(|| a.manager.cmp(&b.manager))
                .then_with(|| a.api_version.cmp(&b.api_version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        Managed((!entries.is_empty()).then(|| Arc::new(entries)))
    }

    /// Whether the same managers own the same fields, whenever they took them.
    pub fn same_owners(&self, other: &Managed) -> bool {
        let same = |(a, b): (&Entry, &Entry)| {
            a.set == b.set && a.manager == b.manager && a.applies == b.applies && a.subresource == b.subresource
        };
        self.entries().len() == other.entries().len() && self.entries().iter().zip(other.entries()).all(same)
    }

    /// After an update from `old` (the empty body: a create) to `new`.
    pub fn update(&self, kind: Kind, old: &Map, new: &Map, by: Writer<'_>) -> Managed {
        let mut found = compare(schema::of(kind), old, new, by.profile);
        for reset in reset_fields(kind, by) {
            found.changed = found.changed.without(reset);
            found.removed = found.removed.without(reset);
        }
        if found.changed.is_empty() && found.removed.is_empty() {
            return self.clone();
        }
        let mut entries = self.entries().to_vec();
        let mine = |e: &Entry| !e.applies && e.manager == *by.manager && e.subresource == *by.subresource;
        for entry in &mut entries {
            if !mine(entry) {
                entry.set = entry.set.minus(&found.changed);
            }
            entry.set = entry.set.minus(&found.removed);
        }
        if !found.changed.is_empty() {
            match entries.iter_mut().find(|e| mine(e)) {
                Some(entry) => {
                    entry.set = entry.set.union(&found.changed);
                    entry.time = Some(by.now);
                }
                None => entries.push(Entry {
                    manager: by.manager.clone(),
                    applies: false,
                    subresource: by.subresource.clone(),
                    api_version: kind.api_version_in(by.profile).into(),
                    time: Some(by.now),
                    set: found.changed,
                }),
            }
        }
        Managed::of(capped(entries))
    }

    /// Owners of empty structs that were filled since own what is in them.
    /// Models structured-merge-diff/typed ReconcileFieldSetWithSchema.
    pub fn reconciled(&self, kind: Kind, live: &Map, profile: Profile) -> Managed {
        let full = named(schema::of(kind), live, profile);
        let each = |e: &Entry| Entry { set: e.set.granular(&full), ..e.clone() };
        Managed((!self.is_empty()).then(|| Arc::new(self.entries().iter().map(each).collect())))
    }

    /// Applies `config` to `live`: the new body and owners, or the fields that others own.
    pub fn apply(
        &self,
        kind: Kind,
        live: &Map,
        config: &Map,
        by: Writer<'_>,
        force: bool,
    ) -> Result<(Map, Managed), Vec<Conflict>> {
        let t = schema::of(kind);
        let mine = |e: &Entry| e.applies && e.manager == *by.manager && e.subresource == *by.subresource;
        let mut set = named(t, config, by.profile);
        for reset in reset_fields(kind, by) {
            set = set.without(reset);
        }
        let last = self.entries().iter().find(|e| mine(e)).map(|e| e.set.clone()).unwrap_or_default();
        let mut merged = merge::merge(t, live, config, by.profile);
        let others = self.entries().iter().filter(|e| !mine(e)).fold(Set::default(), |all, e| all.union(&e.set));
        let kept = others.union(&set);
        let gone = last.minus(&kept);
        if !gone.is_empty() {
            merged = merge::prune(t, &merged, &gone, &kept, by.profile);
        }
        let found = compare(t, live, &merged, by.profile);
        let mut conflicts = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for entry in self.entries().iter().filter(|e| !mine(e)) {
            let lost = entry.set.intersection(&found.changed);
            conflicts.extend(lost.paths().into_iter().map(|path| Conflict { manager: described(entry), path }));
            entries.push(Entry { set: entry.set.minus(&lost).minus(&found.removed), ..entry.clone() });
        }
        if !conflicts.is_empty() && !force {
            return Err(conflicts);
        }
        let changed = !found.changed.is_empty() || !found.removed.is_empty();
        let before = self.entries().iter().find(|e| mine(e)).and_then(|e| e.time);
        entries.push(Entry {
            manager: by.manager.clone(),
            applies: true,
            subresource: by.subresource.clone(),
            api_version: kind.api_version_in(by.profile).into(),
            // An apply that changes nothing keeps the time.
            time: if changed { Some(by.now) } else { before },
            set,
        });
        Ok((merged, Managed::of(entries)))
    }

    /// Lets equal sets of different objects be one; `models` has the last one of each manager.
    pub fn share(&mut self, kind: Kind, models: &mut Models) {
        let Some(entries) = &mut self.0 else { return };
        for i in 0..entries.len() {
            let entry = &entries[i];
            let key = (kind, entry.manager.clone(), entry.subresource.clone());
            let Some((known, model)) = models.sets.get_key_value(&key) else {
                models.sets.insert(key, entry.set.clone());
                continue;
            };
            if entry.set.same(model) {
                continue;
            }
            let (manager, set) = (known.1.clone(), entry.set.sharing(model));
            if !set.same(model) {
                models.sets.insert(key, set.clone());
            }
            let entry = &mut Arc::make_mut(entries)[i];
            (entry.manager, entry.set) = (manager, set);
        }
    }

    /// What updates by the owners of `annotation` own becomes `applier`'s by applying. `None`: nobody's
    /// updates own it. Models client-go/util/csaupgrade.
    pub fn upgraded(&self, annotation: &str, applier: &str) -> Option<Managed> {
        let owns = |e: &Entry| e.set.paths().iter().any(|p| p.ends_with(annotation));
        let by_update = |e: &Entry| !e.applies && e.subresource.is_empty();
        let old: Vec<&Str> = self.entries().iter().filter(|e| by_update(e) && owns(e)).map(|e| &e.manager).collect();
        let former = |e: &Entry| by_update(e) && old.contains(&&e.manager);
        let own = |e: &Entry| e.applies && e.subresource.is_empty() && e.manager == applier;
        let base = self.entries().iter().find(|e| own(e)).or_else(|| self.entries().iter().find(|e| former(e)))?;
        if old.is_empty() {
            return None;
        }
        let same = |e: &&Entry| former(e) && e.api_version == base.api_version;
        let set = self.entries().iter().filter(same).fold(base.set.clone(), |all, e| all.union(&e.set));
        let mut entries: Vec<Entry> = self.entries().iter().filter(|e| !former(e) && !own(e)).cloned().collect();
        entries.push(Entry { manager: applier.into(), applies: true, set, ..base.clone() });
        Some(Managed::of(entries))
    }
    /// Whether somebody's apply owns the annotation.
    pub fn applied_annotation(&self, annotation: &str) -> bool {
        self.entries().iter().any(|e| e.applies && e.set.paths().iter().any(|p| p.ends_with(annotation)))
    }

    /// As clients get it: `metadata.managedFields`.
    pub fn encode(&self) -> Value {
        let one = |e: &Entry| {
            let mut entry = map! {
                "apiVersion" => &e.api_version,
                "fieldsType" => "FieldsV1",
                "fieldsV1" => e.set.encode(),
                "manager" => &e.manager,
                "operation" => if e.applies { "Apply" } else { "Update" },
            };
            if let Some(time) = e.time {
                entry.insert("time", time.rfc3339());
            }
            if !e.subresource.is_empty() {
                entry.insert("subresource", &e.subresource);
            }
            Value::Map(entry)
        };
        Value::List(self.entries().iter().map(one).collect())
    }

    /// What a client sends back; empty entries reset the list.
    pub fn decode(value: &Value) -> Managed {
        let one = |v: &Value| Entry {
            manager: v.str("manager").into(),
            applies: v.str("operation") == "Apply",
            subresource: v.str("subresource").into(),
            api_version: v.str("apiVersion").into(),
            time: Time::parse_rfc3339(v.str("time")),
            set: v.get("fieldsV1").map(Set::decode).unwrap_or_default(),
        };
        Managed::of(value.items().iter().map(one).collect())
    }
}

/// What the config of an apply would own: the type's own name for tests and for kubectl's migration.
pub fn fields_of(t: &'static Type, config: &Map, profile: Profile) -> Set {
    named(t, config, profile)
}

/// The top-level fields that a request may not change, so nobody comes to own them by it.
/// Models the strategies' GetResetFields; 1.20 had none, but drops what it does not store.
fn reset_fields(kind: Kind, by: Writer<'_>) -> &'static [&'static str] {
    if by.status {
        return &["spec"];
    }
    match kind {
        // The phase that defaulting fills in was their creator's.
        Kind::NODE | Kind::NAMESPACE | Kind::PERSISTENT_VOLUME | Kind::PERSISTENT_VOLUME_CLAIM
            if by.profile == Profile::Book =>
        {
            &[]
        }
        _ if kind.info().subresources.contains(&"status") => &["status"],
        _ => &[],
    }
}

/// `"kubectl" using apps/v1`
fn described(e: &Entry) -> String {
    let mut text = format!("{:?}", e.manager.as_str());
    if !e.subresource.is_empty() {
        text += &format!(" with subresource {:?}", e.subresource.as_str());
    }
    if !e.applies {
        text += &format!(" using {}", e.api_version);
    }
    text
}

/// Too many managers of updates: the oldest become one. Models capmanagers.go.
fn capped(mut entries: Vec<Entry>) -> Vec<Entry> {
    let updates = entries.iter().filter(|e| !e.applies).count();
    if updates <= MAX_UPDATE_MANAGERS {
        return entries;
    }
    entries.sort_by_key(|e| (e.applies, e.time.map(|t| t.0)));
    let mut old: Vec<Entry> = entries.drain(..updates - MAX_UPDATE_MANAGERS + 1).collect();
    let mut all = old.remove(0);
    for entry in old {
        all.set = all.set.union(&entry.set);
        all.time = entry.time;
    }
    all.manager = "ancient-changes".into();
    all.subresource = Str::new();
    entries.push(all);
    entries
}

/// The message of a refused apply. Models managedfields/internal conflict.go.
pub fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", one.manager, one.path);
    }
    let mut managers: Vec<&str> = conflicts.iter().map(|c| c.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let mut lines = Vec::new();
    for manager in managers {
        lines.push(format!("conflicts with {manager}:"));
        lines.extend(conflicts.iter().filter(|c| c.manager == manager).map(|c| format!("- {}", c.path)));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
