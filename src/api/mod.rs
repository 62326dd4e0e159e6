//! Kubernetes objects: values, kinds, selectors, Status errors.
//! Pure data and functions on it; knows nothing of time passing, components or the network.
//!
//! An object is a tree of [`Value`]s that share structure ([`Object`]): whatever a manifest says is
//! kept and given back. What components read of it has one accessor each, in the module of its kind
//! ([`pod`], [`node`], [`meta`] …), so that a field's path is spelled once.

#[macro_use]
pub mod value;
pub mod budget;
pub mod codec;
pub mod convert;
pub mod custom;
pub mod defaults;
pub mod discovery;
pub mod gofmt;
pub mod hash;
pub mod kind;
pub mod managed;
pub mod meta;
pub mod names;
pub mod node;
pub mod object;
pub mod patch;
pub mod placement;
pub mod pod;
pub mod profile;
pub mod quantity;
pub mod quota;
pub mod request;
pub mod schema;
pub mod selector;
pub mod status;
pub mod storage;
pub mod table;
pub mod validate_client;
pub mod validation;
pub mod yaml;

pub use kind::Kind;
pub use object::{Object, ObjectKey};
pub use profile::Profile;
pub use request::{Request, Response, Verb, WatchEvent, WatchType};
pub use status::{Reason, Status};
pub use value::{IntoKey, List, Map, Value};
