//! The answers at paths that are no objects.

use super::{Profile, Resource, resources, versions};
use crate::api::{Kind, Reason, Status, Value, gofmt};
use crate::base::{Str, base64, hash::sha256};

const SERVER_BOOK: &[(&str, &str)] = &[
    ("major", "1"),
    ("minor", "18"),
    ("gitVersion", "v1.18.4"),
    ("gitCommit", "c96aede7b5205121079932896c4ad89bb93260af"),
    ("gitTreeState", "clean"),
    ("buildDate", "2020-06-17T11:33:59Z"),
    ("goVersion", "go1.13.9"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
];
const SERVER_MODERN: &[(&str, &str)] = &[
    ("major", "1"),
    ("minor", "36"),
    ("emulationMajor", "1"),
    ("emulationMinor", "36"),
    ("minCompatibilityMajor", "1"),
    ("minCompatibilityMinor", "35"),
    ("gitVersion", "v1.36.2"),
    ("gitCommit", "98b35193b2ac7a23a673325f5e9b830ecd5ba406"),
    ("gitTreeState", "clean"),
    ("buildDate", "2026-07-01T00:00:00Z"),
    ("goVersion", "go1.26.3"),
    ("compiler", "gc"),
    ("platform", "linux/amd64"),
];

/// Health checks in the order in which `?verbose` lists them; `+` is `poststarthook/`.
const CHECKS_BOOK: &str = "\
    ping log etcd informer-sync +start-kube-apiserver-admission-initializer \
    +generic-apiserver-start-informers +priority-and-fairness-config-consumer +priority-and-fairness-filter \
    +start-apiextensions-informers +start-apiextensions-controllers +crd-informer-synced \
    +bootstrap-controller +rbac/bootstrap-roles +scheduling/bootstrap-system-priority-classes \
    +priority-and-fairness-config-producer +start-cluster-authentication-info-controller \
    +aggregator-reload-proxy-client-cert +start-kube-aggregator-informers +apiservice-registration-controller \
    +apiservice-status-available-controller +kube-apiserver-autoregistration autoregister-completion \
    +apiservice-openapi-controller shutdown";
const CHECKS_MODERN: &str = "\
    ping log informer-sync +start-apiserver-admission-initializer +generic-apiserver-start-informers \
    +priority-and-fairness-config-consumer +priority-and-fairness-filter +storage-object-count-tracker-hook \
    +start-apiextensions-informers +start-apiextensions-controllers +crd-informer-synced \
    +start-system-namespaces-controller +peer-endpoint-reconciler-controller \
    +start-cluster-authentication-info-controller +start-kube-apiserver-identity-lease-controller \
    +start-kube-apiserver-identity-lease-garbage-collector +storage-readiness \
    +start-legacy-token-tracking-controller +start-service-ip-repair-controllers +rbac/bootstrap-roles \
    +scheduling/bootstrap-system-priority-classes +priority-and-fairness-config-producer \
    +bootstrap-controller +start-kubernetes-service-cidr-controller +aggregator-reload-proxy-client-cert \
    +start-kube-aggregator-informers +apiservice-status-local-available-controller \
    +apiservice-status-remote-available-controller +apiservice-registration-controller \
    +apiservice-wait-for-first-sync +apiservice-discovery-controller +kube-apiserver-autoregistration \
    autoregister-completion +apiservice-openapi-controller +apiservice-openapiv3-controller shutdown";

/// Groups in the order of `/apis`. Models kube-apiserver/app/aggregator.go apiVersionPriorities.
const GROUPS: &[&str] = &[
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "extensions",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

/// Subresources beside `status` and `scale`: of which resource, name, kind, its version, verbs.
const SUBRESOURCES: &[(&str, &str, &str, &str, &str)] = &[
    ("certificatesigningrequests", "approval", "CertificateSigningRequest", "", "get patch update"),
    ("namespaces", "finalize", "Namespace", "", "update"),
    ("nodes", "proxy", "NodeProxyOptions", "", "create delete get patch update"),
    ("pods", "attach", "PodAttachOptions", "", "create get"),
    ("pods", "binding", "Binding", "", "create"),
    ("pods", "ephemeralcontainers", "Pod", "", "get patch update"),
    ("pods", "eviction", "Eviction", "policy", "create"),
    ("pods", "exec", "PodExecOptions", "", "create get"),
    ("pods", "log", "Pod", "", "get"),
    ("pods", "portforward", "PodPortForwardOptions", "", "create get"),
    ("pods", "proxy", "PodProxyOptions", "", "create delete get patch update"),
    ("pods", "resize", "Pod", "", "get patch update"),
    ("serviceaccounts", "token", "TokenRequest", "authentication.k8s.io/v1", "create"),
    ("services", "proxy", "ServiceProxyOptions", "", "create delete get patch update"),
];

/// Kinds that the simulation does not keep and that have a status.
const WITH_STATUS: &[&str] = &[
    "APIService",
    "CustomResourceDefinition",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ResourceClaim",
    "ServiceCIDR",
    "ValidatingAdmissionPolicy",
    "VolumeAttachment",
];

/// What the server answers at `/version`, in the order of the Go struct.
pub fn server_version(profile: Profile) -> &'static [(&'static str, &'static str)] {
    match profile {
        Profile::Book => SERVER_BOOK,
        Profile::Modern => SERVER_MODERN,
    }
}

/// The same of another release: `v1.28.15`. What of its build is not known is of the right shape.
pub fn version_of(profile: Profile, release: &str) -> Vec<(&'static str, Str)> {
    let own = server_version(profile);
    let known = own.iter().any(|(k, v)| *k == "gitVersion" && *v == release) || release.is_empty();
    let minor: u32 = release.split('.').nth(1).and_then(|m| m.parse().ok()).unwrap_or(0);
    let number = |key: &str| -> Option<Str> {
        Some(match key {
            "minor" | "emulationMinor" => ecow::eco_format!("{minor}"),
            "minCompatibilityMinor" => ecow::eco_format!("{}", minor.saturating_sub(1)),
            "gitVersion" => release.into(),
            "gitCommit" => {
                sha256(release.as_bytes()).iter().take(20).map(|b| format!("{b:02x}")).collect::<String>().into()
            }
            _ => return None,
        })
    };
    // Emulated and compatible versions are told since 1.34.
    let told = |key: &str| known || minor >= 34 || !(key.starts_with("emulation") || key.starts_with("minCompat"));
    let one = |(k, v): &(&'static str, &'static str)| {
        (*k, if known { None } else { number(k) }.unwrap_or_else(|| (*v).into()))
    };
    own.iter().filter(|(k, _)| told(k)).map(one).collect()
}

/// The body at `/version`.
pub fn version_document(profile: Profile, release: &str) -> String {
    let lines: Vec<String> =
        version_of(profile, release).iter().map(|(k, v)| format!("  {k:?}: {:?}", v.as_str())).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// The body at `url` (a path, and possibly a query). `etcd`: whether the store answers; `host`: where
/// the server listens; `customs`: the custom resources. Not modelled: metrics, OpenAPI.
pub fn document(
    url: &str,
    profile: Profile,
    etcd: bool,
    host: &str,
    customs: &[&'static Resource],
) -> Result<String, Status> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let found = match parts[..] {
        [] => Some(paths(profile)),
        ["version"] => Some(version_document(profile, "")),
        [kind @ ("healthz" | "livez" | "readyz"), ref check @ ..] => {
            return health(kind, &check.join("/"), query, profile, etcd);
        }
        ["api"] => Some(format!(
            "{{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[{{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"{host}\"}}]}}\n"
        )),
        ["apis"] => {
            let known: Vec<String> = GROUPS.iter().filter_map(|g| group(g, profile)).collect();
            let mut own: Vec<&str> = customs.iter().map(|r| r.group()).collect();
            own.sort_unstable();
            own.dedup();
            let known: Vec<String> =
                known.into_iter().chain(own.iter().filter_map(|g| custom_group(g, customs))).collect();
            Some(format!("{{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[{}]}}\n", known.join(",")))
        }
        ["apis", name] => group(name, profile)
            .or_else(|| custom_group(name, customs))
            .map(|g| format!("{{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",{}\n", &g[1..])),
        // No definitions: a client then leaves validation to the server.
        ["openapi", "v2"] => Some(format!(
            "{{\"swagger\":\"2.0\",\"info\":{{\"title\":\"Kubernetes\",\"version\":\"{}\"}},\"paths\":{{}}}}",
            server_version(profile).iter().find(|(k, _)| *k == "gitVersion").map_or("", |(_, v)| v)
        )),
        ["openapi", "v3", ..] if profile == Profile::Modern => Some("{\"paths\":{}}".to_owned()),
        ["api", version] => list(version, profile, customs),
        ["apis", name, version] => list(&format!("{name}/{version}"), profile, customs),
        _ => None,
    };
    found.ok_or_else(|| Status::new(Reason::NotFound, "the server could not find the requested resource"))
}

fn checks(kind: &str, profile: Profile) -> Vec<String> {
    let all = if profile == Profile::Modern { CHECKS_MODERN } else { CHECKS_BOOK };
    let ready = kind == "readyz";
    let mut list: Vec<String> = (all.split(' '))
        .filter(|c| ready || !matches!(*c, "informer-sync" | "shutdown"))
        .map(|c| c.replace('+', "poststarthook/"))
        .collect();
    if profile == Profile::Modern && !ready {
        list.splice(2..2, ["etcd".to_owned(), "loopback-serving-certificate".to_owned()]);
    }
    list
}

/// Models apiserver/pkg/server/healthz.
fn health(kind: &str, one: &str, query: &str, profile: Profile, etcd: bool) -> Result<String, Status> {
    let mut list = checks(kind, profile);
    if !one.is_empty() {
        list.retain(|c| c == one);
        if list.is_empty() {
            return Err(Status::new(Reason::NotFound, "the server could not find the requested resource"));
        }
    }
    let asked = |name: &str| query.split('&').any(|q| q.split('=').next() == Some(name));
    let excluded: Vec<&str> = query.split('&').filter_map(|q| q.strip_prefix("exclude=")).collect();
    let mut text = String::new();
    let mut failed = false;
    for check in &list {
        if excluded.contains(&check.as_str()) {
            text += &format!("[+]{check} excluded: ok\n");
        } else if check == "etcd" && !etcd {
            text += "[-]etcd failed: reason withheld\n";
            failed = true;
        } else {
            text += &format!("[+]{check} ok\n");
        }
    }
    if failed {
        // A client quotes what the server says of an error.
        let shown = gofmt::quote(&format!("{text}{kind} check failed"));
        let message = format!("an error on the server ({shown}) has prevented the request from succeeding");
        return Err(Status::new(Reason::InternalError, message));
    }
    Ok(if asked("verbose") && one.is_empty() { format!("{text}{kind} check passed\n") } else { "ok".to_owned() })
}

fn paths(profile: Profile) -> String {
    let mut all: Vec<String> =
        [".well-known/openid-configuration", "api", "api/v1", "apis", "apis/", "healthz", "livez", "metrics"]
            .into_iter()
            .chain(["openapi/v2", "openid/v1/jwks", "readyz", "version"])
            .chain(
                match profile {
                    Profile::Book => &["logs"][..],
                    Profile::Modern => &["flagz", "metrics/slis", "openapi/v3", "openapi/v3/", "statusz"],
                }
                .iter()
                .copied(),
            )
            .map(|p| format!("/{p}"))
            .collect();
    for version in versions(profile) {
        let Some((group, _)) = version.split_once('/') else { continue };
        all.push(format!("/apis/{group}"));
        all.push(format!("/apis/{version}"));
    }
    for kind in ["healthz", "livez", "readyz"] {
        all.extend(checks(kind, profile).iter().map(|c| format!("/{kind}/{c}")));
    }
    all.sort();
    all.dedup();
    let lines: Vec<String> = all.iter().map(|p| format!("    \"{p}\"")).collect();
    format!("{{\n  \"paths\": [\n{}\n  ]\n}}", lines.join(",\n"))
}

/// `{"name":"apps","versions":[…],"preferredVersion":…}`
fn group(name: &str, profile: Profile) -> Option<String> {
    let one = |v: &str| format!("{{\"groupVersion\":\"{name}/{v}\",\"version\":\"{v}\"}}");
    let mut all: Vec<&str> = versions(profile)
        .iter()
        .filter_map(|gv| gv.split_once('/'))
        .filter(|(g, _)| *g == name)
        .map(|(_, v)| v)
        .collect();
    // The version that its resources are listed in comes first.
    let listed = resources(profile).iter().find(|r| r.group() == name && (r.kind != "CronJob")).map(|r| r.version());
    all.sort_by_key(|v| (Some(*v) != listed, *v));
    let first = one(all.first()?);
    let texts: Vec<String> = all.iter().map(|v| one(v)).collect();
    Some(format!("{{\"name\":\"{name}\",\"versions\":[{}],\"preferredVersion\":{first}}}", texts.join(",")))
}

/// The same of a group of custom resources.
fn custom_group(name: &str, customs: &[&Resource]) -> Option<String> {
    let mut all: Vec<&str> = customs.iter().filter(|r| r.group() == name).map(|r| r.version()).collect();
    all.sort_unstable();
    all.dedup();
    let one = |v: &&str| format!("{{\"groupVersion\":\"{name}/{v}\",\"version\":\"{v}\"}}");
    let texts: Vec<String> = all.iter().map(one).collect();
    let first = texts.first()?;
    Some(format!("{{\"name\":\"{name}\",\"versions\":[{}],\"preferredVersion\":{first}}}", texts.join(",")))
}

fn list(group_version: &str, profile: Profile, customs: &[&'static Resource]) -> Option<String> {
    let mut found: Vec<(String, String)> = Vec::new();
    for r in resources(profile).iter().chain(customs.iter().copied()) {
        let served = r.modelled.map_or(&[][..], |k| k.served(profile));
        let other = r.api_version != group_version;
        if other && (!served.contains(&group_version) || r.modelled.is_some_and(|k| k.info().group != r.group())) {
            continue;
        }
        let lower = r.kind.to_ascii_lowercase();
        let usual = if profile == Profile::Modern { lower.as_str() } else { "" };
        let singular = r.custom.map_or(usual, |d| &d.singular);
        let text = |words: &str| -> Vec<Value> {
            words.split([' ', ',']).filter(|w| !w.is_empty()).map(Value::from).collect()
        };
        let entry = |name: &str, singular: &str, kind: &str, of: &str, verbs: &str, extra: &str| {
            let (group, version) = of.split_once('/').unwrap_or(("", of));
            let of = match (group, version) {
                (_, "") => String::new(),
                ("", v) => format!("\"version\":\"{v}\","),
                (g, v) => format!("\"group\":\"{g}\",\"version\":\"{v}\","),
            };
            let verbs = Value::from(text(verbs)).to_json();
            format!(
                "{{\"name\":\"{name}\",\"singularName\":\"{singular}\",\"namespaced\":{},{of}\"kind\":\"{kind}\",\"verbs\":{verbs}{extra}}}",
                r.namespaced
            )
        };
        let mut extra = String::new();
        if !r.short.is_empty() {
            extra += &format!(",\"shortNames\":{}", Value::from(text(r.short)).to_json());
        }
        let categories: Vec<&str> = match r.custom {
            Some(d) => d.categories.iter().map(|c| c.as_str()).collect(),
            None => r.modelled.map_or(&[][..], |k| k.info().categories).to_vec(),
        };
        if !categories.is_empty() {
            extra += &format!(",\"categories\":{}", Value::from(categories).to_json());
        }
        if r.verbs().contains("watch") {
            extra += &format!(",\"storageVersionHash\":\"{}\"", storage_hash(r.group(), r.version(), r.kind));
        }
        found.push((r.name.to_owned(), entry(r.name, singular, r.kind, "", r.verbs(), &extra)));
        let has = |sub| match r.custom {
            Some(d) => d.has(sub),
            None => r.modelled.is_some_and(|k: Kind| k.info().subresources.contains(&sub)),
        };
        let mut sub = |name: &str, kind: &str, of: &str, verbs: &str| {
            let name = format!("{}/{name}", r.name);
            let text = entry(&name, "", kind, of, verbs, "");
            found.push((name, text));
        };
        if has("status") || WITH_STATUS.contains(&r.kind) {
            sub("status", r.kind, "", "get patch update");
        }
        if has("scale") {
            sub("scale", "Scale", "autoscaling/v1", "get patch update");
        }
        for (_, name, kind, of, verbs) in SUBRESOURCES.iter().filter(|s| s.0 == r.name) {
            let modern = profile == Profile::Modern;
            if !modern && matches!(*name, "ephemeralcontainers" | "resize") {
                continue;
            }
            let policy = if modern { "policy/v1" } else { "policy/v1beta1" };
            sub(name, kind, if *of == "policy" { policy } else { of }, verbs);
        }
    }
    if found.is_empty() && !versions(profile).contains(&group_version) {
        return None;
    }
    found.sort();
    let texts: Vec<String> = found.into_iter().map(|(_, t)| t).collect();
    // The core group's list is older than the field.
    let own = if group_version.contains('/') { "\"apiVersion\":\"v1\"," } else { "" };
    Some(format!(
        "{{\"kind\":\"APIResourceList\",{own}\"groupVersion\":\"{group_version}\",\"resources\":[{}]}}\n",
        texts.join(",")
    ))
}

/// Models apiserver/pkg/endpoints/discovery StorageVersionHash.
fn storage_hash(group: &str, version: &str, kind: &str) -> String {
    // Events are kept as core objects whatever group they are asked in.
    let text = if kind == "Event" { "/v1/Event".to_owned() } else { format!("{group}/{version}/{kind}") };
    base64::encode(&sha256(text.as_bytes())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str, profile: Profile) -> String {
        document(url, profile, true, "192.168.1.10:6443", &[]).unwrap_or_else(|e| e.message.to_string())
    }

    #[test]
    fn documents_as_recorded() {
        let core = at("/api/v1", Profile::Book);
        assert!(core.starts_with(r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"bindings","singularName":"","namespaced":true,"kind":"Binding","verbs":["create"]},"#));
        assert!(core.contains(r#""shortNames":["cm"],"storageVersionHash":"qFsyl6wFWjQ="}"#));
        assert!(core.contains(r#"{"name":"pods/eviction","singularName":"","namespaced":true,"group":"policy","version":"v1beta1","kind":"Eviction","verbs":["create"]}"#));
        let apps = at("/apis/apps/v1?timeout=32s", Profile::Modern);
        assert!(apps.contains(r#""singularName":"deployment","namespaced":true,"kind":"Deployment""#));
        assert!(
            at("/apis", Profile::Book)
                .contains(r#""preferredVersion":{"groupVersion":"autoscaling/v1","version":"v1"}"#)
        );
        assert_eq!(at("/readyz", Profile::Book), "ok");
        assert!(at("/readyz?verbose", Profile::Book).ends_with("[+]shutdown ok\nreadyz check passed\n"));
        assert!(!at("/livez?verbose", Profile::Modern).contains("shutdown"));
        assert!(document("/healthz", Profile::Book, false, "", &[]).is_err());
        assert_eq!(at("/nosuch", Profile::Book), "the server could not find the requested resource");
    }
}
