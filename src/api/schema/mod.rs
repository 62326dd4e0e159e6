//! The types and fields of every kind a learner meets: one table of text (`types.txt`), parsed once.
//! Defaulting, validation, patches, field ownership and the template hash read it.
//!
//! Models k8s.io/api at 1.20.2 (`book`) and 1.36.2 (`modern`): fields are in the order of the Go
//! structs. Not a copy of OpenAPI: no descriptions, no formats.
//!
//! The table's notation, one type a line below its `@group/version`:
//! `name` is a string field; `:T` another type; `=Go` the Go name where capitalising does not give it;
//! `!` required; `?` optional but always printed; `+` only in modern, `-` only in book;
//! `&T` an embedded struct; `|key` merges lists by that key in strategic patches (`|` alone: a set),
//! `~` retainKeys; `#keys` the keys of server-side apply where they differ (`#` a set, `#!` atomic);
//! `^` owned as a whole in server-side apply.

mod parse;

use std::sync::OnceLock;

use super::{Kind, Profile};

/// Index of a type in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeId(u16);

/// The shape of a field, an item or an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ty {
    /// A string; the Go type's name (`string`, `RestartPolicy`).
    Str(&'static str),
    Int32,
    Int64,
    Bool,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// Base64 text.
    Bytes,
    /// Anything (`RawExtension`, `FieldsV1`).
    Any,
    Struct(TypeId),
    /// A named map or list type such as `ResourceList`: its Go name and what it is.
    Named(&'static str, Box<Ty>),
    List(Box<Ty>),
    /// Keys are strings; the key's Go type, and the value.
    Map(&'static str, Box<Ty>),
    Ptr(Box<Ty>),
}

impl Ty {
    /// Without pointers and names.
    pub fn inner(&self) -> &Ty {
        match self {
            Ty::Ptr(t) | Ty::Named(_, t) => t.inner(),
            other => other,
        }
    }
    /// The struct it is, possibly behind a pointer.
    pub fn as_struct(&self) -> Option<&'static Type> {
        if let Ty::Struct(id) = self.inner() { Some(get(*id)) } else { None }
    }
    /// What a list's items or a map's entries are.
    pub fn element(&self) -> Option<&Ty> {
        match self.inner() {
            Ty::List(t) | Ty::Map(_, t) => Some(t),
            _ => None,
        }
    }
    pub fn is_ptr(&self) -> bool {
        matches!(self, Ty::Ptr(_))
    }
    /// As OpenAPI names it: `string`, `integer`, `boolean`, `array`, `map`.
    pub fn openapi(&self) -> &'static str {
        match self.inner() {
            Ty::Int32 | Ty::Int64 => "integer",
            Ty::Bool => "boolean",
            Ty::List(_) => "array",
            Ty::Struct(_) | Ty::Map(..) | Ty::Any => "map",
            _ => "string",
        }
    }
}

/// How server-side apply treats a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListKind {
    Atomic,
    Set,
    /// Items are identified by these fields.
    Map(Vec<&'static str>),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    go: Option<&'static str>,
    pub ty: Ty,
    pub required: bool,
    /// Printed even when empty.
    pub always: bool,
    pub embedded: bool,
    /// Strategic merge of a list: the merge key, empty for sets. `None`: replaced as a whole.
    pub merge_key: Option<&'static str>,
    pub retain_keys: bool,
    pub list: ListKind,
    /// Owned as a whole in server-side apply.
    pub atomic: bool,
    only: Option<Profile>,
}

impl Field {
    pub fn exists_in(&self, profile: Profile) -> bool {
        self.only.is_none_or(|p| p == profile)
    }
    /// The Go struct field: `hostIPC` is `HostIPC`.
    pub fn go_name(&self) -> String {
        if let Some(go) = self.go {
            return go.to_owned();
        }
        let mut chars = self.name.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
    }
}

#[derive(Clone, Debug)]
pub struct Type {
    pub name: &'static str,
    /// `core/v1`, `apps/v1`, `meta/v1` …
    pub package: &'static str,
    /// In the order of the Go struct, embedded structs as they are.
    pub fields: Vec<Field>,
    /// Owned as a whole in server-side apply.
    pub atomic: bool,
    /// All fields by JSON name, embedded ones included.
    flat: Vec<Flat>,
}

#[derive(Clone, Debug)]
struct Flat {
    name: &'static str,
    id: TypeId,
    /// Index into that type's fields.
    index: u16,
    only: Option<Profile>,
}

impl Flat {
    fn field(&self) -> &'static Field {
        &get(self.id).fields[self.index as usize]
    }
    fn exists_in(&self, profile: Profile) -> bool {
        self.only.is_none_or(|p| p == profile)
    }
}

/// Any field of an object whose type is not ours to know.
fn any_field() -> &'static Field {
    static ANY: OnceLock<Field> = OnceLock::new();
    ANY.get_or_init(|| Field {
        name: "*",
        go: None,
        ty: Ty::Any,
        required: false,
        always: false,
        embedded: false,
        merge_key: None,
        retain_keys: false,
        list: ListKind::Atomic,
        atomic: false,
        only: None,
    })
}

impl Type {
    /// Whether its objects have other fields than those of the table: custom ones.
    pub fn open(&self) -> bool {
        self.name == "CustomObject"
    }
    pub fn field(&self, name: &str, profile: Profile) -> Option<&'static Field> {
        let first = self.flat.partition_point(|f| f.name < name);
        let same = self.flat[first..].iter().take_while(|f| f.name == name);
        same.filter(|f| f.exists_in(profile)).map(Flat::field).next().or_else(|| self.open().then(any_field))
    }
    /// All fields by JSON name, those of embedded structs included.
    pub fn all(&self, profile: Profile) -> impl Iterator<Item = &'static Field> {
        self.flat.iter().filter(move |f| f.exists_in(profile)).map(Flat::field)
    }
    /// `io.k8s.api.apps.v1.DeploymentSpec`, as OpenAPI names it.
    pub fn openapi_name(&self, profile: Profile) -> String {
        let (group, mut version) = self.package.split_once('/').unwrap_or((self.package, "v1"));
        let cron = self.name.starts_with("CronJob") || self.name == "JobTemplateSpec";
        if profile == Profile::Book && (matches!(group, "policy" | "discovery") || (group == "batch" && cron)) {
            version = "v1beta1";
        }
        if profile == Profile::Book && self.package == "autoscaling/v2" {
            version = "v2beta2";
        }
        match group {
            "meta" => format!("io.k8s.apimachinery.pkg.apis.meta.v1.{}", self.name),
            _ => format!("io.k8s.api.{group}.{version}.{}", self.name),
        }
    }
}

struct Table {
    types: Vec<Type>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table { types: parse::parse(include_str!("types.txt")) })
}

fn get(id: TypeId) -> &'static Type {
    &table().types[id.0 as usize]
}

/// The type `name` of `package` (`core/v1`), as that package sees it.
pub fn find(package: &str, name: &str) -> Option<&'static Type> {
    table().types.iter().find(|t| t.name == name && t.package == package)
}

/// The type of a kind's objects.
pub fn of(kind: Kind) -> &'static Type {
    static BY_KIND: OnceLock<Vec<u16>> = OnceLock::new();
    let by_kind = BY_KIND.get_or_init(|| Kind::all().map(|k| index_of(k).0).collect());
    match by_kind.get(kind.0 as usize) {
        Some(id) => get(TypeId(*id)),
        None => find("meta/v1", "CustomObject").expect("types.txt has CustomObject"),
    }
}

/// The type of a kind's manifests in `api_version`, where that is another than the stored one's.
pub fn of_version(kind: Kind, api_version: &str) -> &'static Type {
    let other = match api_version {
        "autoscaling/v1" => find(api_version, kind.name()),
        "networking.k8s.io/v1beta1" | "extensions/v1beta1" => find("networking/v1beta1", kind.name()),
        _ => None,
    };
    other.unwrap_or_else(|| of(kind))
}

fn index_of(kind: Kind) -> TypeId {
    let info = kind.info();
    let group = match info.group {
        "" => "core",
        "rbac.authorization.k8s.io" => "rbac",
        g => g.split('.').next().unwrap_or(g),
    };
    let package = format!("{group}/{}", info.version);
    let types = &table().types;
    let at = types.iter().position(|t| t.name == info.kind && t.package == package);
    TypeId(at.unwrap_or_else(|| panic!("{package} {} is in the kind table but not in types.txt", info.kind)) as u16)
}

/// The type of `io.k8s.api.core.v1.PodTemplateSpec`.
pub fn pod_template() -> &'static Type {
    find("core/v1", "PodTemplateSpec").expect("types.txt has PodTemplateSpec")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_type() {
        for kind in Kind::all() {
            assert_eq!(of(kind).name, kind.name());
        }
        let pod = of(Kind::POD).field("spec", Profile::Book).unwrap().ty.as_struct().unwrap();
        assert_eq!(pod.openapi_name(Profile::Book), "io.k8s.api.core.v1.PodSpec");
        let containers = pod.field("containers", Profile::Book).unwrap();
        assert!(containers.required && containers.merge_key == Some("name"));
        assert!(pod.field("os", Profile::Book).is_none() && pod.field("os", Profile::Modern).is_some());
        // Embedded: a probe's handler, a volume's source.
        let container = containers.ty.element().unwrap().as_struct().unwrap();
        let probe = container.field("livenessProbe", Profile::Book).unwrap().ty.as_struct().unwrap();
        for profile in [Profile::Book, Profile::Modern] {
            assert!(probe.field("httpGet", profile).unwrap().ty.as_struct().is_some());
        }
        let ports = container.field("ports", Profile::Book).unwrap();
        assert_eq!(ports.list, ListKind::Map(vec!["containerPort", "protocol"]));
        assert_eq!(pod.field("hostIPC", Profile::Book).unwrap().go_name(), "HostIPC");
    }
}
