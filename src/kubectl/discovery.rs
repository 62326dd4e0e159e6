//! Which resources the server has, and which of them a word on the command line means.
//! Models client-go/restmapper and kubectl's short-cut expander.

use super::context::Cx;
use super::error::{Run, fail};
use super::print::tabwriter::columns;
use crate::api::{Kind, Response, Verb, custom};
use crate::base::arrange::Arrange;
use crate::sim::Profile;

pub use crate::api::discovery::{Declared, Resource, declared, of_kind, resources, versions};

/// The custom resources that the server serves now.
pub fn customs(cx: &mut Cx<'_, '_>) -> Run<Vec<&'static Resource>> {
    let Response::List { items, .. } = cx.send(crate::api::Request::discovery())? else { return Ok(Vec::new()) };
    let mut all: Vec<_> = items.iter().filter(|d| custom::established(d)).map(|d| declared(d)).collect();
    all.sort_by_key(|r| (r.api_version, r.name));
    Ok(all)
}

/// The same, none where the server cannot be asked.
pub fn customs_if_any(cx: &mut Cx<'_, '_>) -> Run<Vec<&'static Resource>> {
    match customs(cx) {
        Err(super::error::Fail::Error(_)) => Ok(Vec::new()),
        other => other,
    }
}

/// Those that a word means: one by its names, or several by their category.
pub fn customs_named(cx: &mut Cx<'_, '_>, word: &str) -> Run<Vec<&'static Resource>> {
    let word = word.to_lowercase();
    let (name, rest) = word.split_once('.').map_or((word.as_str(), ""), |(n, r)| (n, r));
    let all = customs(cx)?;
    let named = |r: &&&Resource| {
        let Some(d) = r.custom else { return false };
        let short = r.short.split(',').any(|s| !s.is_empty() && s == name);
        let here = rest.is_empty() || r.group().starts_with(rest) || rest == format!("{}.{}", r.version(), r.group());
        here && (r.name == name || d.singular == name || short || r.kind.to_lowercase() == name)
    };
    if let Some(one) = all.iter().find(named) {
        return Ok(vec![*one]);
    }
    let member = |r: &&Resource| r.custom.is_some_and(|d| d.categories.iter().any(|c| *c == word));
    Ok(all.into_iter().filter(|r| member(r)).collect())
}

/// The resource that `deploy`, `deployments.apps`, `Deployment`, `pods.v1.` … means.
pub fn resolve(profile: Profile, word: &str) -> Option<&'static Resource> {
    let word = word.to_lowercase();
    let (name, rest) = word.split_once('.').map_or((word.as_str(), None), |(n, r)| (n, Some(r)));
    let by_name = |r: &&Resource| {
        r.name == name
            || singular(r) == name
            || r.short.split(',').any(|s| !s.is_empty() && s == name)
            || plural_guess(r.kind) == name
    };
    let all = || resources(profile).iter().filter(by_name);
    let Some(rest) = rest else { return preferred(all()) };
    if let Some((version, group)) = rest.split_once('.') {
        let exact = all().find(|r| r.group() == group && serves(profile, r, version));
        if exact.is_some() {
            return exact;
        }
        if version.starts_with('v')
            && version[1..].starts_with(|c: char| c.is_ascii_digit())
            && group_exists(profile, group)
        {
            return None;
        }
    }
    all().find(|r| r.group() == rest).or_else(|| all().find(|r| !rest.is_empty() && r.group().starts_with(rest)))
}

/// Other resources that have the same short name.
pub fn shadowed(
    profile: Profile,
    word: &str,
    chosen: &'static Resource,
) -> impl Iterator<Item = &'static Resource> + use<> {
    let word = word.to_lowercase();
    let has = move |r: &&Resource| r.short.split(',').any(|s| s == word) && !word.is_empty();
    let applies = has(&chosen);
    resources(profile).iter().filter(move |r| applies && !std::ptr::eq(*r, chosen) && has(r))
}

/// Of several groups the core one, then the order of the document.
fn preferred<'r>(mut all: impl Iterator<Item = &'r Resource>) -> Option<&'r Resource> {
    all.next()
}

fn group_exists(profile: Profile, group: &str) -> bool {
    resources(profile).iter().any(|r| r.group() == group)
}

/// Whether the server has the resource in that version too.
fn serves(profile: Profile, r: &Resource, version: &str) -> bool {
    r.version() == version
        || versions(profile).contains(&format!("{}/{version}", r.group()).as_str()) && also(r, version)
}

/// Versions beside the preferred one in which a resource is served.
fn also(r: &Resource, version: &str) -> bool {
    match (r.kind, version) {
        ("HorizontalPodAutoscaler", _) => true,
        ("Ingress" | "IngressClass", "v1beta1") => true,
        (_, "v1beta1") => !matches!(
            r.group(),
            "apps" | "batch" | "policy" | "autoscaling" | "discovery.k8s.io" | "" | "flowcontrol.apiserver.k8s.io"
        ),
        _ => false,
    }
}

pub fn singular(r: &Resource) -> String {
    r.kind.to_lowercase()
}

fn plural_guess(kind: &str) -> String {
    let lower = kind.to_lowercase();
    if lower.ends_with('s') { format!("{lower}es") } else { format!("{lower}s") }
}

/// What `all` and other categories stand for, in the order the server lists them.
pub fn category(profile: Profile, word: &str) -> Option<Vec<&'static Resource>> {
    let mut members: Vec<&Resource> = resources(profile)
        .iter()
        .filter(|r| r.modelled.is_some_and(|k| k.info().categories.contains(&word) && k.info().plural == r.name))
        .collect();
    // By group, and within a group by version.
    let place = |r: &&Resource| resources(profile).iter().position(|o| o.group() == r.group());
    members.sort_by_key(|r| (place(r), r.version()));
    if members.is_empty() { None } else { Some(members) }
}

/// Whether the server is asked for `kind` as `api_version` in this profile.
pub fn of_manifest(profile: Profile, api_version: &str, kind: &str) -> Option<&'static Resource> {
    if let Some(modelled) = Kind::of_manifest_in(api_version, kind, profile) {
        return of_kind(profile, modelled);
    }
    resources(profile).iter().find(|r| r.kind == kind && r.api_version == api_version)
}

/// What the server warns of when it answers.
pub fn deprecation(profile: Profile, kind: Kind, verb: Verb) -> Option<&'static str> {
    let _ = verb;
    match (profile, kind) {
        (Profile::Modern, Kind::ENDPOINTS) => {
            Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
        }
        _ => None,
    }
}

/// Asks the server whether it is there: discovery needs it.
pub fn probe(cx: &mut Cx<'_, '_>) -> Run {
    cx.url("/api?timeout=32s")?;
    cx.url("/apis?timeout=32s").map(drop)
}

pub fn api_versions(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        let text = format!("unexpected arguments: [{}]", words(cx));
        return cx.usage(text);
    }
    probe(cx)?;
    let mut all: Vec<&str> = versions(cx.profile).to_vec();
    for r in customs(cx)? {
        if !all.contains(&r.api_version) {
            let at = all.iter().position(|v| *v > r.api_version).unwrap_or(all.len());
            all.insert(at, r.api_version);
        }
    }
    for version in all {
        cx.io.outln(version);
    }
    Ok(())
}

fn words(cx: &Cx<'_, '_>) -> String {
    cx.args.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" ")
}

pub fn api_resources(cx: &mut Cx<'_, '_>) -> Run {
    if !cx.args.is_empty() {
        let text = format!("unexpected arguments: [{}]", words(cx));
        return cx.usage(text);
    }
    let output = cx.flags.text("output").to_owned();
    let known =
        matches!(output.as_str(), "" | "wide" | "name") || cx.modern() && matches!(output.as_str(), "json" | "yaml");
    if !known {
        return fail(format!("--output {output} is not available"));
    }
    let sort_by = cx.flags.text("sort-by").to_owned();
    if !matches!(sort_by.as_str(), "" | "name" | "kind") {
        return fail("--sort-by accepts only name or kind");
    }
    probe(cx)?;
    let own = customs(cx)?;
    let mut rows: Vec<&Resource> = resources(cx.profile).iter().filter(|r| wanted(cx, r)).collect();
    for r in own.into_iter().filter(|r| wanted(cx, r)) {
        // By group, the core one first.
        let at = rows.iter().position(|o| o.group() > r.group()).unwrap_or(rows.len());
        rows.insert(at, r);
    }
    match sort_by.as_str() {
        "name" => rows.arrange_by_key(|r| r.name),
        "kind" => rows.arrange_by_key(|r| r.kind),
        _ => {}
    }
    let mut table: Vec<Vec<String>> = Vec::new();
    if output != "name" && !cx.flags.yes("no-headers") {
        let mut head = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
        if output == "wide" {
            head.push("VERBS");
            if cx.modern() {
                head.push("CATEGORIES");
            }
        }
        table.push(head.into_iter().map(String::from).collect());
    }
    for r in rows {
        if output == "name" {
            cx.io.outln(r.full_name());
            continue;
        }
        let mut row: Vec<String> =
            [r.name, r.short, r.api_version, if r.namespaced { "true" } else { "false" }, r.kind]
                .map(String::from)
                .into();
        if output == "wide" {
            let joined = r.verbs().replace(' ', ",");
            row.push(if cx.modern() { joined } else { format!("[{}]", r.verbs()) });
            if cx.modern() {
                let own = r.custom.map(|d| d.categories.join(","));
                let table = || r.modelled.map_or("", |k| k.info().categories.first().copied().unwrap_or("")).to_owned();
                row.push(own.unwrap_or_else(table));
            }
        }
        table.push(row);
    }
    cx.io.out(columns(&table));
    Ok(())
}

fn wanted(cx: &Cx<'_, '_>, r: &Resource) -> bool {
    let flags = &cx.flags;
    (!flags.changed("api-group") || r.group() == flags.text("api-group"))
        && (!flags.changed("namespaced") || r.namespaced == flags.yes("namespaced"))
        && flags.all("verbs").iter().all(|v| r.verbs().split(' ').any(|x| x == v))
        && flags.all("categories").iter().all(|c| r.modelled.is_some_and(|k| k.info().categories.contains(&c.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, want: &str) {
        let got = resolve(Profile::Book, word).map_or("-".to_owned(), Resource::full_name);
        assert_eq!(got, want, "{word}");
    }

    #[test]
    fn words_that_name_resources() {
        for (word, want) in [
            ("po", "pods"),
            ("Pods", "pods"),
            ("POD", "pods"),
            ("deploy", "deployments.apps"),
            ("deployment.apps", "deployments.apps"),
            ("deployments.v1.apps", "deployments.apps"),
            ("deployments.v9.apps", "-"),
            ("deployment.app", "deployments.apps"),
            ("events", "events"),
            ("ev", "events"),
            ("networkpolicies", "networkpolicies.networking.k8s.io"),
            ("ep", "endpoints"),
            ("endpoint", "-"),
            ("nosuch", "-"),
            ("", "-"),
        ] {
            check(word, want);
        }
    }

    #[test]
    fn every_kind_of_the_table_can_be_found() {
        for profile in [Profile::Book, Profile::Modern] {
            for kind in Kind::all() {
                assert_eq!(of_kind(profile, kind).map(|r| r.kind), Some(kind.name()), "{profile:?}");
            }
        }
    }
}
