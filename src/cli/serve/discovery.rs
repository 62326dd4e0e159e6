//! The documents of discovery, from the client's own tables of what a server has.

use kubedrill::api::Profile;
use kubedrill::api::discovery::{self, Resource};

use super::http::{Asked, Part};

pub const JSON: &str = "application/json";
/// The real server leaves it to be sniffed: its own name for the type is none that Go can read.
const OPENAPI: &str = "application/octet-stream";

/// The answer to what is no resource; `None`: it is one, or nothing.
pub fn document(asked: &Asked, profile: Profile, customs: &[&'static Resource]) -> Option<Part> {
    if asked.path == "/openapi/v2" {
        return Some(Part::Whole(200, OPENAPI, openapi()));
    }
    let text = discovery::document(&asked.path, profile, true, asked.header("host"), customs).ok()?;
    let kind = if text.starts_with('{') { JSON } else { "text/plain" };
    Some(Part::Whole(200, kind, text.into_bytes()))
}

/// An OpenAPI document without definitions: a client then leaves validation to the server.
/// Fields 1 `swagger`, 2 `info` (1 `title`, 2 `version`), 8 `paths`.
fn openapi() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| -> Vec<u8> {
        let mut out = vec![number << 3 | 2, bytes.len() as u8];
        out.extend_from_slice(bytes);
        out
    };
    let info = [field(1, b"Kubernetes"), field(2, b"unversioned")].concat();
    [field(1, b"2.0"), field(2, &info), field(8, b"")].concat()
}
