//! API errors as the `Status` values Kubernetes returns.
//! Models apimachinery/pkg/api/errors.

use serde::{Deserialize, Serialize};

use super::ObjectKey;
use crate::base::Str;

/// The machine-readable part of a Status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Reason {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    AlreadyExists,
    Conflict,
    Gone,
    Expired,
    Invalid,
    UnsupportedMediaType,
    TooManyRequests,
    InternalError,
    /// What a server says that has no word for it: an error of etcd.
    Unknown,
    ServiceUnavailable,
    Timeout,
}

impl Reason {
    /// HTTP status code.
    pub fn code(self) -> u16 {
        match self {
            Reason::BadRequest => 400,
            Reason::Unauthorized => 401,
            Reason::Forbidden => 403,
            Reason::NotFound => 404,
            Reason::MethodNotAllowed => 405,
            Reason::AlreadyExists | Reason::Conflict => 409,
            Reason::Gone | Reason::Expired => 410,
            Reason::UnsupportedMediaType => 415,
            Reason::Invalid => 422,
            Reason::TooManyRequests => 429,
            Reason::InternalError | Reason::Unknown => 500,
            Reason::ServiceUnavailable => 503,
            Reason::Timeout => 504,
        }
    }
}

/// A failed API request. `message` is upstream's text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    pub reason: Reason,
    pub message: Str,
    /// Kind and name of what the request was about, as kubectl prints them for Invalid:
    /// `The Deployment "web" is invalid: …`. `(kind, name)`.
    pub details: Option<(Str, Str)>,
    /// `details.causes` as (reason, message, field).
    pub causes: Vec<(Str, Str, Str)>,
}

impl Status {
    pub fn new(reason: Reason, message: impl Into<Str>) -> Status {
        Status { reason, message: message.into(), details: None, causes: Vec::new() }
    }
    pub fn not_found(key: &ObjectKey) -> Status {
        Status::about(
            key,
            Reason::NotFound,
            ecow::eco_format!("{} \"{}\" not found", key.kind.group_resource(), key.name),
        )
    }
    pub fn already_exists(key: &ObjectKey) -> Status {
        let message = ecow::eco_format!("{} \"{}\" already exists", key.kind.group_resource(), key.name);
        Status::about(key, Reason::AlreadyExists, message)
    }
    /// The optimistic lock failed: the object has a newer resourceVersion.
    pub fn conflict(key: &ObjectKey) -> Status {
        let message = ecow::eco_format!(
            "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
            key.kind.group_resource(),
            key.name
        );
        Status::about(key, Reason::Conflict, message)
    }
    pub fn about(key: &ObjectKey, reason: Reason, message: impl Into<Str>) -> Status {
        Status { details: Some((key.kind.name().into(), key.name.clone())), ..Status::new(reason, message) }
    }
    pub fn code(&self) -> u16 {
        self.reason.code()
    }
}
