//! The documents of discovery, from the client's own tables of what a server has.

use kubedrill::api::{Map, Profile, Value};
use kubedrill::kubectl::{discovery, version};
use kubedrill::{list, map};

use super::http::{Asked, Part};

pub const JSON: &str = "application/json";
/// The real server leaves it to be sniffed: its own name for the type is none that Go can read.
const OPENAPI: &str = "application/octet-stream";

fn json(value: impl Into<Value>) -> Part {
    Part::Whole(200, JSON, value.into().to_json().into_bytes())
}

/// The answer to what is no resource; `None`: it is one, or nothing.
pub fn document(asked: &Asked, profile: Profile) -> Option<Part> {
    let parts: Vec<&str> = asked.path.split('/').filter(|p| !p.is_empty()).collect();
    let part = match parts[..] {
        ["version"] => json(version::server(profile)),
        ["healthz" | "livez" | "readyz", ..] => Part::Whole(200, "text/plain", b"ok".to_vec()),
        ["api"] => json(map! { "kind" => "APIVersions", "versions" => list!["v1"] }),
        ["apis"] => json(groups(profile)),
        ["api", version] => json(resources(version, profile)?),
        ["apis", group, version] => json(resources(&format!("{group}/{version}"), profile)?),
        ["openapi", "v2"] => Part::Whole(200, OPENAPI, openapi()),
        ["openapi", ..] => return None,
        _ => return None,
    };
    Some(part)
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

fn groups(profile: Profile) -> Map {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for gv in discovery::versions(profile) {
        let Some((group, version)) = gv.split_once('/') else { continue };
        match groups.iter_mut().find(|(g, _)| *g == group) {
            Some((_, versions)) => versions.push(version),
            None => groups.push((group, vec![version])),
        }
    }
    let one = |(group, versions): &(&str, Vec<&str>)| {
        let named = |v: &str| map! { "groupVersion" => format!("{group}/{v}"), "version" => v };
        let all: Vec<Map> = versions.iter().map(|v| named(v)).collect();
        // The version that most of its resources are listed in.
        let listed = discovery::resources(profile).iter().find(|r| r.group() == *group).map(|r| r.version());
        let preferred = listed.or(versions.first().copied()).unwrap_or_default();
        map! { "name" => *group, "preferredVersion" => named(preferred), "versions" => all }
    };
    let all: Vec<Map> = groups.iter().map(one).collect();
    map! { "apiVersion" => "v1", "groups" => all, "kind" => "APIGroupList" }
}

fn resources(group_version: &str, profile: Profile) -> Option<Map> {
    let mut found: Vec<Map> = Vec::new();
    for r in discovery::resources(profile) {
        let versions = r.modelled.map_or(&[][..], |k| k.served(profile));
        if r.api_version != group_version && !versions.contains(&group_version) {
            continue;
        }
        let verbs: Vec<&str> = r.verbs().split(' ').collect();
        let mut row = map! {
            "kind" => r.kind,
            "name" => r.name,
            "namespaced" => r.namespaced,
            "singularName" => "",
            "verbs" => verbs,
        };
        let short: Vec<&str> = r.short.split(',').filter(|s| !s.is_empty()).collect();
        if !short.is_empty() {
            row.insert("shortNames", short);
        }
        if let Some(kind) = r.modelled {
            let categories = kind.info().categories;
            if !categories.is_empty() {
                row.insert("categories", categories.to_vec());
            }
            found.push(row);
            for sub in kind.info().subresources {
                let scale = *sub == "scale";
                let mut row = map! {
                    "kind" => if scale { "Scale" } else { r.kind },
                    "name" => format!("{}/{sub}", r.name),
                    "namespaced" => r.namespaced,
                    "singularName" => "",
                    "verbs" => list!["get", "patch", "update"],
                };
                if scale {
                    row.insert("group", "autoscaling");
                    row.insert("version", "v1");
                }
                if *sub == "eviction" {
                    row.insert("group", "policy");
                    row.insert("version", if profile == Profile::Book { "v1beta1" } else { "v1" });
                    row.insert("kind", "Eviction");
                    row.insert("verbs", list!["create"]);
                }
                found.push(row);
            }
        } else {
            found.push(row);
        }
    }
    if found.is_empty() && !discovery::versions(profile).contains(&group_version) {
        return None;
    }
    let mut out = map! { "groupVersion" => group_version, "kind" => "APIResourceList", "resources" => found };
    if group_version.contains('/') {
        out.insert("apiVersion", "v1");
    }
    Some(out)
}
