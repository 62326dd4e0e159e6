//! What the server says of itself: the resources it serves, its versions, its health.
//! Models client-go/discovery's documents and apiserver/pkg/server/{routes,healthz}. The resources lie
//! beside this file, one line each: name, short names, apiVersion, scope, kind, verbs.

mod documents;

pub use documents::{document, server_version, version_document, version_of};

use super::{Kind, Object, Profile, Value, custom};
use crate::base::Str;
use std::collections::BTreeMap;
use std::sync::{OnceLock, RwLock};

#[derive(Clone, Copy, Debug)]
pub struct Resource {
    pub name: &'static str,
    pub short: &'static str,
    pub api_version: &'static str,
    pub namespaced: bool,
    pub kind: &'static str,
    verbs: &'static str,
    /// The row of the kind table; `None` for what the simulation does not keep.
    pub modelled: Option<Kind>,
    /// What a definition says of a custom resource.
    pub custom: Option<&'static Declared>,
}

/// A custom resource's names, columns and schema.
#[derive(Clone, PartialEq, Debug)]
pub struct Declared {
    pub singular: Str,
    pub categories: Vec<Str>,
    pub columns: Vec<custom::Column>,
    pub schema: Value,
    subresources: [bool; 2],
}

impl Declared {
    /// Whether it has `status` or `scale` apart.
    pub fn has(&self, subresource: &str) -> bool {
        match subresource {
            "status" => self.subresources[0],
            "scale" => self.subresources[1],
            _ => false,
        }
    }
}

impl Resource {
    pub fn group(&self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
    pub fn version(&self) -> &'static str {
        self.api_version.split_once('/').map_or(self.api_version, |(_, version)| version)
    }
    /// The verbs the server lists for it, apart by spaces.
    pub fn verbs(&self) -> &'static str {
        match self.verbs {
            "all" => "create delete deletecollection get list patch update watch",
            "nocoll" => "create delete get list patch update watch",
            "read" => "get list",
            other => other,
        }
    }
    /// `deployments.apps`
    pub fn full_name(&self) -> String {
        if self.group().is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group()) }
    }
}

/// Everything the server of this profile serves.
pub fn resources(profile: Profile) -> &'static [Resource] {
    static BOOK: OnceLock<Vec<Resource>> = OnceLock::new();
    static MODERN: OnceLock<Vec<Resource>> = OnceLock::new();
    match profile {
        Profile::Book => BOOK.get_or_init(|| read(include_str!("book.txt"))),
        Profile::Modern => MODERN.get_or_init(|| read(include_str!("modern.txt"))),
    }
}

fn read(text: &'static str) -> Vec<Resource> {
    text.lines().filter_map(row).collect()
}

fn row(line: &'static str) -> Option<Resource> {
    let mut f = line.splitn(6, ' ');
    let (name, short, api_version, scope, kind, verbs) =
        (f.next()?, f.next()?, f.next()?, f.next()?, f.next()?, f.next()?);
    let short = if short == "-" { "" } else { short };
    let group = api_version.split_once('/').map_or("", |(g, _)| g);
    let modelled = Kind::all().find(|k| {
        let i = k.info();
        // What 1.20 serves in an older group or version is one and the same object.
        i.kind == kind && (i.group == group || kind == "Ingress")
    });
    Some(Resource { name, short, api_version, namespaced: scope == "ns", kind, verbs, modelled, custom: None })
}

/// The resource of a definition's objects. Kept for good: one for each wording of a definition.
pub fn declared(crd: &Object) -> &'static Resource {
    type Kept = RwLock<BTreeMap<String, &'static Resource>>;
    static KEPT: Kept = RwLock::new(BTreeMap::new());
    let text = crd.get(&["spec"]).map(Value::to_json).unwrap_or_default();
    let mut kept = KEPT.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    kept.entry(text).or_insert_with(|| {
        let kind = custom::kind_of(crd);
        let texts = |key: &str| -> Vec<Str> {
            crd.items(&["spec", "names", key]).iter().map(|v| Str::from(v.as_str())).collect()
        };
        let declared = Declared {
            singular: crd.str(&["spec", "names", "singular"]).into(),
            categories: texts("categories"),
            columns: custom::columns(crd),
            schema: custom::schema(crd).cloned().unwrap_or_default(),
            subresources: ["status", "scale"].map(|s| custom::has(crd, s)),
        };
        Box::leak(Box::new(Resource {
            name: kind.plural(),
            short: Box::leak(texts("shortNames").join(",").into()),
            api_version: Box::leak(kind.api_version().into()),
            namespaced: kind.namespaced(),
            kind: kind.name(),
            verbs: "delete deletecollection get list patch create update watch",
            modelled: Some(kind),
            custom: Some(Box::leak(Box::new(declared))),
        }))
    })
}

/// The resource of a kind of the table, as the server prefers it.
pub fn of_kind(profile: Profile, kind: Kind) -> Option<&'static Resource> {
    resources(profile).iter().rev().find(|r| r.modelled == Some(kind))
}

/// Group and version pairs, as `kubectl api-versions` prints them.
pub fn versions(profile: Profile) -> &'static [&'static str] {
    static BOOK: &str = include_str!("book_versions.txt");
    static MODERN: &str = include_str!("modern_versions.txt");
    static BOTH: OnceLock<[Vec<&'static str>; 2]> = OnceLock::new();
    let both = BOTH.get_or_init(|| [BOOK.lines().collect(), MODERN.lines().collect()]);
    &both[usize::from(profile == Profile::Modern)]
}
