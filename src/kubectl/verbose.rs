//! Log lines of `-v=6` and above.
//! Models klog and client-go/transport round_trippers.go.

use super::context::Cx;
use super::error::Run;
use super::kubeconfig::Target;
use super::wire;
use crate::api::request::PatchType;
use crate::api::{ObjectKey, Request, Response, Status, Verb, codec};
use crate::base::Time;
use crate::sim::Reply;

const TABLE: &str =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

/// `I0105 09:00:01.234567    1234 place] text`
pub fn klog(cx: &mut Cx<'_, '_>, level: char, place: &str, text: &str) -> Run<String> {
    let now = cx.now()?;
    let (_, month, day, h, m, s) = now.civil();
    let micros = now.0 % 1_000_000;
    // The process number only has to look like one.
    let pid = 1000 + now.0 / 1_000_000 % 30_000;
    Ok(format!("{level}{month:02}{day:02} {h:02}:{m:02}:{s:02}.{micros:06}  {pid:6} {place}] {text}"))
}

fn info(cx: &mut Cx<'_, '_>, place: &str, text: &str) -> Run {
    // A line that ends already is not ended again.
    let line = klog(cx, 'I', place, text.strip_suffix('\n').unwrap_or(text))?;
    cx.io.errln(line);
    Ok(())
}

/// What is logged once the kubeconfig is read.
pub fn config_loaded(cx: &mut Cx<'_, '_>, path: &str) -> Run {
    if cx.flags.int("v") < 6 {
        return Ok(());
    }
    let place = cx.by("loader.go:379", "loader.go:407").to_owned();
    info(cx, &place, &format!("Config loaded from file:  {path}"))?;
    if !cx.modern() {
        return Ok(());
    }
    // Upstream walks a map here: its order is by chance.
    for (gate, on) in [
        ("AtomicFIFO", true),
        ("ClientsAllowCARotation", true),
        ("ClientsAllowCBOR", false),
        ("ClientsAllowTLSCacheGC", true),
        ("ClientsPreferCBOR", false),
        ("InformerResourceVersion", true),
        ("InOrderInformers", true),
        ("InOrderInformersBatchProcess", true),
        ("UnlockWhileProcessingFIFO", true),
        ("WatchListClient", true),
    ] {
        info(cx, "envvar.go:195", &format!("\"Feature gate default state\" feature=\"{gate}\" enabled={on}"))?;
    }
    Ok(())
}

/// The log of one request and its answer.
pub fn exchange(cx: &mut Cx<'_, '_>, target: &Target, request: &Request, started: Time, reply: &Reply) -> Run {
    let level = cx.flags.int("v");
    let reflects = reflects(cx, request);
    let url = format!("{}{}", target.server, url_path(cx, request)?);
    let method = request.verb.method();
    let took = cx.now()?.since(started).as_millis();
    let code = outcome(request, reply);
    if reflects && cx.modern() {
        for line in [
            "Starting reflector\" type=\"*unstructured.Unstructured\" resyncPeriod=\"0s\"",
            "Listing and watching\" type=\"*unstructured.Unstructured\"",
        ] {
            info(cx, "reflector.go:480", &format!("\"{line} reflector=\"{WATCHER_MODERN}\""))?;
        }
    }
    if cx.modern() {
        return exchange_modern(cx, request, &url, took, &code, reply);
    }
    if level >= 8
        && let Some(body) = sent(cx, request)
    {
        info(cx, "request.go:1107", &format!("Request Body: {}", cut(&body)))?;
    }
    if level < 7 {
        return info(cx, "round_trippers.go:445", &format!("{method} {url} {code} in {took} milliseconds"));
    }
    info(cx, "round_trippers.go:422", &format!("{method} {url}"))?;
    info(cx, "round_trippers.go:429", "Request Headers:")?;
    for header in headers(cx, request) {
        info(cx, "round_trippers.go:433", &format!("    {header}"))?;
    }
    info(cx, "round_trippers.go:448", &format!("Response Status: {code} in {took} milliseconds"))?;
    if level >= 8 {
        let body = got(cx, request, reply);
        info(cx, "round_trippers.go:451", "Response Headers:")?;
        for header in answer_headers(cx, &body)? {
            info(cx, "round_trippers.go:454", &format!("    {header}"))?;
        }
        if request.verb != Verb::Watch {
            info(cx, "request.go:1107", &format!("Response Body: {}", cut(&body)))?;
        }
    }
    Ok(())
}

fn exchange_modern(cx: &mut Cx<'_, '_>, request: &Request, url: &str, took: u64, code: &str, reply: &Reply) -> Run {
    let level = cx.flags.int("v");
    let method = request.verb.method();
    if level < 7 {
        let text = format!("\"Response\" verb=\"{method}\" url=\"{url}\" status=\"{code}\" milliseconds={took}");
        return info(cx, "round_trippers.go:632", &text);
    }
    let place = client(cx, request);
    if level >= 8 {
        let body = sent(cx, request).unwrap_or_default();
        info(cx, place, &format!("\"Request Body\" body={}", value(&cut(&body))))?;
    }
    let list: String = headers(cx, request).iter().map(|h| format!("\t{h}\n")).collect();
    info(cx, "round_trippers.go:527", &format!("\"Request\" verb=\"{method}\" url=\"{url}\" headers=<\n{list} >"))?;
    if level < 8 {
        return info(cx, "round_trippers.go:632", &format!("\"Response\" status=\"{code}\" milliseconds={took}"));
    }
    let body = got(cx, request, reply);
    let list: String = answer_headers(cx, &body)?.iter().map(|h| format!("\t{h}\n")).collect();
    let text = format!("\"Response\" status=\"{code}\" headers=<\n{list} > milliseconds={took}");
    info(cx, "round_trippers.go:632", &text)?;
    if request.verb == Verb::Watch {
        return Ok(());
    }
    info(cx, place, &format!("\"Response Body\" body={}", value(&cut(&body))))
}

/// The place in client-go that logs bodies: which of its clients asks.
fn client(cx: &Cx<'_, '_>, request: &Request) -> &'static str {
    let path = cx.path.as_str();
    if !request.url.is_empty() {
        return "client.go:43";
    }
    match (path, request.verb) {
        ("kubectl scale", Verb::Patch | Verb::Update) => "client.go:208",
        ("kubectl cordon" | "kubectl uncordon" | "kubectl drain", Verb::Patch | Verb::Create) => "type.go:218",
        ("kubectl delete", Verb::Get | Verb::List) => "simple.go:324",
        (_, Verb::Create) if path.starts_with("kubectl create ") => "type.go:218",
        _ => "helper.go:105",
    }
}

/// A string of a structured log line: in lines of its own where it has several.
/// Models klog/internal/serialize writeStringValue.
fn value(text: &str) -> String {
    if !text.contains('\n') {
        return super::flags::quote(text);
    }
    let lines: String = text.trim_end_matches('\n').split('\n').map(|l| format!("\t{l}\n")).collect();
    format!("<\n{lines} >")
}

/// Whether the request is a reflector's: it keeps a copy of what it watches.
fn reflects(cx: &Cx<'_, '_>, request: &Request) -> bool {
    request.verb == Verb::Watch
        && match cx.path.as_str() {
            "kubectl rollout status" => true,
            "kubectl delete" | "kubectl wait" => cx.modern(),
            _ => false,
        }
}

const WATCHER_BOOK: &str = "k8s.io/client-go/tools/watch/informerwatcher.go:146";
const WATCHER_MODERN: &str = "k8s.io/client-go/tools/watch/informerwatcher.go:162";

/// What a reflector of 1.20 says before it asks.
pub fn reflector_begins(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.int("v") < 6 || cx.modern() {
        return Ok(());
    }
    let kind = "*unstructured.Unstructured";
    info(
        cx,
        "reflector.go:178",
        &format!("Reflector from {WATCHER_BOOK} configured with expectedType of {kind} with empty GroupVersionKind."),
    )?;
    info(cx, "reflector.go:219", &format!("Starting reflector {kind} (0s) from {WATCHER_BOOK}"))?;
    info(cx, "reflector.go:255", &format!("Listing and watching {kind} from {WATCHER_BOOK}"))
}

/// What a reflector of 1.36 says once it has what was there.
pub fn reflector_synced(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.int("v") < 6 || !cx.modern() {
        return Ok(());
    }
    let took = 2_000_000 + cx.io.random()? % 4_000_000;
    let text = format!(
        "\"Exiting watch because received the bookmark that marks the end of initial events stream\" reflector=\"{WATCHER_MODERN}\" totalItems=2 duration=\"{}.{:06}ms\"",
        took / 1_000_000,
        took % 1_000_000
    );
    info(cx, "reflector.go:914", &text)?;
    let text = format!("\"Caches populated\" type=\"*unstructured.Unstructured\" reflector=\"{WATCHER_MODERN}\"");
    info(cx, "reflector.go:446", &text)
}

pub fn reflector_ends(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.int("v") < 6 {
        return Ok(());
    }
    let text = match cx.modern() {
        true => format!(
            "\"Stopping reflector\" type=\"*unstructured.Unstructured\" resyncPeriod=\"0s\" reflector=\"{WATCHER_MODERN}\""
        ),
        false => format!("Stopping reflector *unstructured.Unstructured (0s) from {WATCHER_BOOK}"),
    };
    info(cx, "reflector.go:225", &text)
}

/// Said when a word names no resource that is known: discovery is asked anew.
pub fn invalidated(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.int("v") < 5 {
        return Ok(());
    }
    cx.target()?;
    info(cx, "discovery.go:214", "Invalidating discovery information")
}

/// A line of client-side apply at level 6.
pub fn applied(cx: &mut Cx<'_, '_>) -> Run {
    if cx.flags.int("v") < 4 {
        return Ok(());
    }
    info(cx, "apply.go:397", "Running apply post-processor function")
}

/// What is said of a refusal from level 4 on.
pub fn refused(cx: &mut Cx<'_, '_>, status: &Status, about: &ObjectKey) -> Run {
    if cx.flags.int("v") < 4 {
        return Ok(());
    }
    let body = super::print::json::indent(&wire::status(status, about));
    let two: String = body
        .lines()
        .map(|l| {
            let depth = (l.len() - l.trim_start().len()) / 4;
            format!("{}{}\n", "  ".repeat(depth), l.trim_start())
        })
        .collect();
    let mark = cx.by("", "%s");
    info(cx, "helpers.go:246", &format!("server response object: {mark}[{}]", two.trim_end()))
}

fn headers(cx: &Cx<'_, '_>, request: &Request) -> Vec<String> {
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf,application/json";
    let table = cx.path == "kubectl get" && matches!(cx.flags.text("output"), "" | "wide");
    let path = cx.path.as_str();
    let nodes = matches!(path, "kubectl cordon" | "kubectl uncordon" | "kubectl drain");
    let accept = match request.verb {
        _ if request.url == "/openapi/v2?timeout=32s" => "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
        _ if !request.url.is_empty() => "application/json, */*",
        Verb::Get | Verb::List | Verb::Watch if table => TABLE,
        Verb::Get | Verb::List | Verb::Watch if nodes => "application/json, */*",
        Verb::Get | Verb::List | Verb::Watch | Verb::Delete => "application/json",
        Verb::Patch if matches!(path, "kubectl label" | "kubectl annotate" | "kubectl apply") => "application/json",
        Verb::Patch | Verb::Create if nodes && cx.modern() => PROTOBUF,
        _ => "application/json, */*",
    };
    let mut out = vec![format!("Accept: {accept}")];
    let body = request.verb.writes() && (request.body.is_some() || request.object.is_some());
    if body || request.verb == Verb::Delete {
        let kind = match (request.verb, request.patch) {
            (Verb::Patch, PatchType::Json) => "application/json-patch+json",
            (Verb::Patch, PatchType::Merge) => "application/merge-patch+json",
            (Verb::Patch, PatchType::StrategicMerge) => "application/strategic-merge-patch+json",
            (Verb::Patch, PatchType::Apply) => "application/apply-patch+yaml",
            _ => "application/json",
        };
        out.push(format!("Content-Type: {kind}"));
    }
    // The 1.20 recorded was built without its version.
    let agent =
        cx.by("kubectl/v0.0.0 (linux/amd64) kubernetes/faecb19", "kubectl/v1.36.4 (linux/amd64) kubernetes/bb826b1");
    out.push(format!("User-Agent: {agent}"));
    out
}

fn answer_headers(cx: &mut Cx<'_, '_>, body: &str) -> Run<Vec<String>> {
    /// Go's server tells the length of what fits into its first frame.
    const FRAME: usize = 4096;
    let date = cx.now()?.rfc1123z().replace("+0000", "GMT");
    let mut out = Vec::new();
    if cx.modern() {
        let audit = uuid(cx.io.random()?, cx.io.random()?);
        out.push(format!("Audit-Id: {audit}"));
    }
    out.push("Cache-Control: no-cache, private".to_owned());
    if body.len() <= FRAME {
        out.push(format!("Content-Length: {}", body.len()));
    }
    out.push("Content-Type: application/json".to_owned());
    out.push(format!("Date: {date}"));
    // Requests of administrators are exempt: always the same two objects.
    for (name, about) in [("Flowschema", 0xf10u64), ("Prioritylevel", 0x9210)] {
        let mixed = crate::base::hash::sha256(&[target_seed(cx)?.to_be_bytes(), about.to_be_bytes()].concat());
        let half = |i: usize| mixed[i..i + 8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        out.push(format!("X-Kubernetes-Pf-{name}-Uid: {}", uuid(half(0), half(8))));
    }
    Ok(out)
}

/// A number that is one cluster's.
fn target_seed(cx: &mut Cx<'_, '_>) -> Run<u64> {
    Ok(crate::base::hash::Fnv::of(cx.target()?.server.as_bytes()))
}

fn uuid(a: u64, b: u64) -> String {
    let variant = 0x8000 | (b >> 48 & 0x3fff);
    format!("{:08x}-{:04x}-4{:03x}-{variant:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff, b & 0xffff_ffff_ffff)
}

/// Bodies are cut at this level.
fn cut(text: &str) -> String {
    let shown: String = text.chars().take(1024).collect();
    let left = text.chars().count().saturating_sub(1024);
    if left > 0 { format!("{shown} [truncated {left} chars]") } else { shown }
}

fn sent(cx: &Cx<'_, '_>, request: &Request) -> Option<String> {
    if request.verb == Verb::Delete {
        let mut parts = Vec::new();
        if let Some(n) = request.grace_period_s {
            parts.push(format!("\"gracePeriodSeconds\":{n}"));
        }
        if let Some(p) = request.propagation {
            parts.push(format!("\"propagationPolicy\":\"{p:?}\""));
        }
        if request.dry_run {
            parts.push("\"dryRun\":[\"All\"]".to_owned());
        }
        return Some(format!("{{{}}}\n", parts.join(",")));
    }
    let mut body = request.body.clone()?;
    Some(match request.verb {
        Verb::Create | Verb::Update => {
            // The namespace is in the URL; typed generators do not repeat it.
            if cx.path.starts_with("kubectl create ") && !cx.flags.changed("namespace") {
                body.entry(&["metadata"]).make_map().remove("namespace");
            }
            codec::to_json(request.kind, &body, cx.profile) + "\n"
        }
        _ => body.to_json(),
    })
}

fn got(cx: &Cx<'_, '_>, request: &Request, reply: &Reply) -> String {
    let key = ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone());
    let table = cx.path == "kubectl get" && matches!(cx.flags.text("output"), "" | "wide");
    let text = match reply {
        Ok(Response::Object(o)) if request.subresource == "scale" => wire::scale(o),
        Ok(Response::Object(o)) if request.verb == Verb::Delete => wire::gone(cx.profile, o),
        Ok(Response::Object(o)) if table => {
            wire::table(cx.profile, request.kind, std::slice::from_ref(o), &wire::list_meta(o.resource_version, "", 0))
        }
        Ok(Response::Object(o)) => wire::object(cx.profile, o),
        Ok(Response::List { items, resource_version, continue_token, remaining }) => {
            let meta = wire::list_meta(*resource_version, continue_token, *remaining);
            match table {
                true => wire::table(cx.profile, request.kind, items, &meta),
                false => wire::list(cx.profile, request.kind, items, &meta),
            }
        }
        Ok(Response::Error(s)) => wire::status(s, &key),
        Ok(Response::Text(text)) => return text.to_string(),
        _ => "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\"}".to_owned(),
    };
    text + "\n"
}

/// The path and query: parameters in the order of their names, as Go encodes them.
fn url_path(cx: &mut Cx<'_, '_>, request: &Request) -> Run<String> {
    if !request.url.is_empty() {
        return Ok(request.url.to_string());
    }
    let mut query: Vec<(&str, String)> = Vec::new();
    let watch = request.verb == Verb::Watch;
    let reflects = reflects(cx, request);
    if !request.continue_token.is_empty() {
        query.push(("continue", request.continue_token.to_string()));
    }
    if !request.fields.is_empty() {
        let terms: Vec<String> = (request.fields.0.iter())
            .map(|(k, v, equal)| format!("{k}{}{v}", if *equal { "%3D" } else { "%21%3D" }))
            .collect();
        query.push(("fieldSelector", terms.join("%2C")));
    }
    if !request.labels.is_empty() {
        let text = request.labels.to_string().replace('=', "%3D").replace(',', "%2C").replace(' ', "+");
        query.push(("labelSelector", text));
    }
    if request.limit > 0 {
        query.push(("limit", request.limit.to_string()));
    }
    if reflects {
        query.push(("allowWatchBookmarks", "true".to_owned()));
        query.push(("timeoutSeconds", (300 + cx.io.random()? % 300).to_string()));
    }
    if reflects && cx.modern() {
        query.push(("resourceVersionMatch", "NotOlderThan".to_owned()));
        query.push(("sendInitialEvents", "true".to_owned()));
    } else if watch && request.resource_version > 0 {
        query.push(("resourceVersion", request.resource_version.to_string()));
    } else if cx.path == "kubectl rollout status" && request.verb == Verb::List {
        query.push(("resourceVersion", "0".to_owned()));
    }
    if watch {
        query.push(("watch", "true".to_owned()));
    }
    if request.verb.writes() && !request.field_manager.is_empty() {
        query.push(("fieldManager", request.field_manager.to_string()));
        let strict = matches!(cx.path.as_str(), "kubectl apply" | "kubectl create" | "kubectl replace")
            || cx.path.starts_with("kubectl create ");
        if cx.modern() && strict {
            query.push(("fieldValidation", "Strict".to_owned()));
        }
        if request.dry_run {
            query.push(("dryRun", "All".to_owned()));
        }
        if request.patch == PatchType::Apply && request.verb == Verb::Patch {
            query.push(("force", request.force.to_string()));
        }
    }
    query.sort();
    // The group and version that the server of this profile prefers.
    let (own, preferred) = (request.kind.api_version(), request.kind.api_version_in(cx.profile));
    let prefix = |v: &str| if v.contains('/') { format!("/apis/{v}/") } else { format!("/api/{v}/") };
    let path = match request.is_review() || request.subresource == "metrics" {
        true => request.path(),
        false => request.path().replacen(&prefix(&own), &prefix(preferred), 1),
    };
    let pairs: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
    Ok(if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) })
}

fn outcome(request: &Request, reply: &Reply) -> String {
    match reply {
        Ok(Response::Error(status)) => format!("{} {}", status.code(), reason_phrase(status.code())),
        Ok(_) if request.verb == Verb::Create => "201 Created".to_owned(),
        Ok(_) => "200 OK".to_owned(),
        Err(_) => String::new(),
    }
}

fn reason_phrase(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}
