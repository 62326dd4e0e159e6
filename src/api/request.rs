//! What clients say to the API server and what it answers: REST, as plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::selector::{FieldSelector, LabelSelector};
use super::{Kind, Object, ObjectKey, Status, Value};
use crate::base::{Duration, Str};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    /// The HTTP method that carries it.
    pub fn method(self) -> &'static str {
        match self {
            Verb::Get | Verb::List | Verb::Watch => "GET",
            Verb::Create => "POST",
            Verb::Update => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete | Verb::DeleteCollection => "DELETE",
        }
    }
    pub fn writes(self) -> bool {
        !matches!(self, Verb::Get | Verb::List | Verb::Watch)
    }
}

/// How a PATCH body is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum PatchType {
    Json,
    Merge,
    #[default]
    StrategicMerge,
    /// Server-side apply.
    Apply,
}

/// `propagationPolicy` of a DELETE.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// One request. Build with [`Request::get`] and the like, then set what differs.
#[derive(Clone, PartialEq, Debug)]
pub struct Request {
    pub verb: Verb,
    pub kind: Kind,
    /// Empty: cluster-scoped, or all namespaces for List and Watch.
    pub namespace: Str,
    /// Empty for List, Watch, Create and DeleteCollection.
    pub name: Str,
    /// `status`, `scale`, `binding`, `eviction`, or empty; `metrics`: the same name in the API group
    /// metrics.k8s.io, which metrics-server serves; `discovery`: see [`Request::discovery`].
    pub subresource: Str,
    /// A path, and possibly a query, that is no object's: `/version`; empty for all others.
    pub url: Str,
    /// The object (Create, Update, binding, scale) or the patch.
    pub body: Option<Value>,
    /// Create and Update by components hand over the object itself, which shares its tree.
    pub object: Option<Arc<Object>>,
    pub patch: PatchType,
    pub labels: LabelSelector,
    pub fields: FieldSelector,
    /// Watch: start after this revision. List: at least this fresh. Delete: precondition when > 0.
    pub resource_version: u64,
    pub limit: u32,
    pub continue_token: Str,
    pub dry_run: bool,
    /// `--validate`-style strictness for unknown fields, server side.
    pub field_validation: FieldValidation,
    pub field_manager: Str,
    pub force: bool,
    pub grace_period_s: Option<i64>,
    pub propagation: Option<Propagation>,
    /// Delete only if the UID is this one; empty: no precondition.
    pub uid: Str,
    /// Who asks: `kubernetes-admin`, `system:node:w1-k8s`, `system:kube-scheduler` …; empty: anonymous.
    pub user: Str,
    /// Who asks to act as `user`; empty: nobody.
    pub impersonator: Str,
    /// The groups of `user` where they are given (impersonation); else those it is known in.
    pub groups: Vec<Str>,
    /// `kubectl`, `kubelet`, `kube-controller-manager`, `kube-scheduler`.
    pub user_agent: Str,
    /// The client gives up after this long; zero: never.
    pub timeout: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum FieldValidation {
    #[default]
    Ignore,
    Warn,
    Strict,
}

impl Request {
    pub fn new(verb: Verb, kind: Kind, namespace: impl Into<Str>, name: impl Into<Str>) -> Request {
        Request {
            verb,
            kind,
            namespace: namespace.into(),
            name: name.into(),
            subresource: Str::new(),
            url: Str::new(),
            body: None,
            object: None,
            patch: PatchType::default(),
            labels: LabelSelector::default(),
            fields: FieldSelector::default(),
            resource_version: 0,
            limit: 0,
            continue_token: Str::new(),
            dry_run: false,
            field_validation: FieldValidation::Ignore,
            field_manager: Str::new(),
            force: false,
            grace_period_s: None,
            propagation: None,
            uid: Str::new(),
            user: Str::new(),
            impersonator: Str::new(),
            groups: Vec::new(),
            user_agent: Str::new(),
            timeout: Duration::ZERO,
        }
    }
    pub fn get(key: &ObjectKey) -> Request {
        Request::new(Verb::Get, key.kind, key.namespace.clone(), key.name.clone())
    }
    /// Asks for what the server says of itself at a path (`/version`, `/apis/apps/v1`, `/readyz?verbose`).
    pub fn url(url: impl Into<Str>) -> Request {
        Request { url: url.into(), ..Request::new(Verb::Get, Kind::NAMESPACE, "", "") }
    }
    pub fn list(kind: Kind, namespace: impl Into<Str>) -> Request {
        Request::new(Verb::List, kind, namespace, "")
    }
    pub fn create(object: Object) -> Request {
        let ns = object.key.namespace.clone();
        Request { object: Some(Arc::new(object)), ..Request::new(Verb::Create, Kind::POD, ns, "") }.fix_kind()
    }
    /// PUT of the whole object; its `resource_version` is the optimistic lock (0: none).
    pub fn update(object: Object) -> Request {
        let (ns, name) = (object.key.namespace.clone(), object.key.name.clone());
        Request { object: Some(Arc::new(object)), ..Request::new(Verb::Update, Kind::POD, ns, name) }.fix_kind()
    }
    pub fn update_status(object: Object) -> Request {
        Request { subresource: "status".into(), ..Request::update(object) }
    }
    pub fn patch(key: &ObjectKey, patch: PatchType, body: Value) -> Request {
        let r = Request::new(Verb::Patch, key.kind, key.namespace.clone(), key.name.clone());
        Request { patch, body: Some(body), ..r }
    }
    pub fn delete(key: &ObjectKey) -> Request {
        Request::new(Verb::Delete, key.kind, key.namespace.clone(), key.name.clone())
    }
    /// Asks what the asker itself may do: `selfsubjectaccessreviews`, `selfsubjectrulesreviews`,
    /// `selfsubjectreviews`. Reviews are no objects: nothing is stored.
    pub fn review(resource: &'static str, spec: super::Map) -> Request {
        let body = Some(Value::Map(map! { "spec" => spec }));
        Request { subresource: resource.into(), body, ..Request::new(Verb::Create, Kind::CLUSTER_ROLE, "", "") }
    }
    /// Whether it is one of [`Request::review`].
    pub fn is_review(&self) -> bool {
        self.subresource.starts_with("selfsubject")
    }
    fn fix_kind(mut self) -> Request {
        if let Some(o) = &self.object {
            self.kind = o.key.kind;
        }
        self
    }
    /// What the server serves beside the kinds of the table: the definitions of custom ones.
    pub fn discovery() -> Request {
        Request { subresource: "discovery".into(), ..Request::list(Kind::CUSTOM_RESOURCE_DEFINITION, "") }
    }
    /// The request's path and query as a client would log it, e.g.
    /// `/apis/apps/v1/namespaces/default/deployments?limit=500`.
    pub fn path(&self) -> String {
        if !self.url.is_empty() {
            return self.url.to_string();
        }
        let i = self.kind.info();
        if self.is_review() {
            let group = if self.subresource == "selfsubjectreviews" { "authentication" } else { "authorization" };
            return format!("/apis/{group}.k8s.io/v1/{}", self.subresource);
        }
        if self.subresource == "discovery" {
            return "/apis".to_owned();
        }
        let metrics = self.subresource == "metrics";
        let mut p = if metrics {
            "/apis/metrics.k8s.io/v1beta1".to_owned()
        } else if i.group.is_empty() {
            format!("/api/{}", i.version)
        } else {
            format!("/apis/{}/{}", i.group, i.version)
        };
        if !self.namespace.is_empty() && i.namespaced {
            p += &format!("/namespaces/{}", self.namespace);
        }
        p += &format!("/{}", i.plural);
        for part in [&self.name, &self.subresource] {
            if !part.is_empty() && part != "metrics" {
                p += &format!("/{part}");
            }
        }
        p
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    Object(Arc<Object>),
    List {
        items: Vec<Arc<Object>>,
        resource_version: u64,
        /// Where to go on when `limit` cut the list; empty at its end.
        continue_token: Str,
        /// Items after the cut; 0 where nothing was cut, or something selects.
        remaining: usize,
    },
    /// Success without an object (a DELETE that removed it at once carries the last object instead).
    Done,
    /// The watch is open; events follow as `Msg::Watch`.
    Watching,
    /// An answer that is no object: logs, version.
    Text(Str),
    Error(Box<Status>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WatchType {
    Added,
    Modified,
    Deleted,
    Bookmark,
}

/// One delivery of a watch. For Deleted the object is its last state with the deletion's revision.
#[derive(Clone, PartialEq, Debug)]
pub struct WatchEvent {
    pub kind: WatchType,
    pub object: Arc<Object>,
}
