//! Log lines of `-v=6` and above.
//! Models klog and client-go/transport round_trippers.go. Header values that only a real connection
//! has (audit ids, lengths) are left out, and the body of a table is that of the objects in it.

use super::context::Cx;
use super::error::Run;
use super::kubeconfig::Target;
use crate::api::request::PatchType;
use crate::api::{Request, Response, Verb, codec, convert};
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
    let line = klog(cx, 'I', place, text)?;
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
    let url = format!("{}{}", target.server, url_path(cx, request));
    let method = request.verb.method();
    let took = cx.now()?.since(started).as_millis();
    let code = outcome(request, reply);
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
        info(cx, "round_trippers.go:451", "Response Headers:")?;
        for header in answer_headers(cx)? {
            info(cx, "round_trippers.go:454", &format!("    {header}"))?;
        }
        info(cx, "request.go:1107", &format!("Response Body: {}", cut(&got(cx, reply))))?;
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
    if level >= 8 {
        let body = sent(cx, request).unwrap_or_default();
        info(cx, "helper.go:105", &format!("\"Request Body\" body={}", super::flags::quote(&cut(&body))))?;
    }
    let list: String = headers(cx, request).iter().map(|h| format!("\t{h}\n")).collect();
    info(cx, "round_trippers.go:527", &format!("\"Request\" verb=\"{method}\" url=\"{url}\" headers=<\n{list} >"))?;
    if level < 8 {
        return info(cx, "round_trippers.go:632", &format!("\"Response\" status=\"{code}\" milliseconds={took}"));
    }
    let list: String = answer_headers(cx)?.iter().map(|h| format!("\t{h}\n")).collect();
    let text = format!("\"Response\" status=\"{code}\" headers=<\n{list} > milliseconds={took}");
    info(cx, "round_trippers.go:632", &text)?;
    let body = got(cx, reply);
    info(cx, "helper.go:105", &format!("\"Response Body\" body={}", super::flags::quote(&cut(&body))))
}

fn headers(cx: &Cx<'_, '_>, request: &Request) -> Vec<String> {
    let table = cx.path == "kubectl get" && matches!(cx.flags.text("output"), "" | "wide");
    let accept = match request.verb {
        Verb::Get | Verb::List | Verb::Watch if table => TABLE,
        Verb::Get | Verb::List | Verb::Watch | Verb::Delete => "application/json",
        _ => "application/json, */*",
    };
    let mut out = vec![format!("Accept: {accept}")];
    if request.verb.writes() {
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

fn answer_headers(cx: &mut Cx<'_, '_>) -> Run<Vec<String>> {
    let date = cx.now()?.rfc1123z().replace("+0000", "GMT");
    Ok(vec![
        "Cache-Control: no-cache, private".to_owned(),
        "Content-Type: application/json".to_owned(),
        format!("Date: {date}"),
    ])
}

/// Bodies are cut at this level.
fn cut(text: &str) -> String {
    let shown: String = text.chars().take(1024).collect();
    let left = text.chars().count().saturating_sub(1024);
    if left > 0 { format!("{shown} [truncated {left} chars]") } else { shown }
}

fn sent(cx: &Cx<'_, '_>, request: &Request) -> Option<String> {
    let body = request.body.as_ref()?;
    Some(match request.verb {
        Verb::Create | Verb::Update => codec::to_json(request.kind, body, cx.profile),
        _ => body.to_json(),
    })
}

fn got(cx: &Cx<'_, '_>, reply: &Reply) -> String {
    let one = |o: &crate::api::Object| codec::to_json(o.kind(), &convert::to_preferred(o, cx.profile), cx.profile);
    match reply {
        Ok(Response::Object(o)) => one(o),
        Ok(Response::List { items, resource_version, .. }) => {
            let rows: Vec<String> = items.iter().map(|o| one(o)).collect();
            format!(
                "{{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{{\"resourceVersion\":\"{resource_version}\"}},\"items\":[{}]}}",
                rows.join(",")
            )
        }
        Ok(Response::Error(s)) => format!(
            "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":{},\"reason\":\"{:?}\",\"code\":{}}}",
            super::print::json::string(&s.message),
            s.reason,
            s.code()
        ),
        Ok(Response::Text(text)) => text.to_string(),
        _ => "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Success\"}".to_owned(),
    }
}

fn url_path(cx: &Cx<'_, '_>, request: &Request) -> String {
    let mut query = Vec::new();
    if !request.continue_token.is_empty() {
        query.push(format!("continue={}", request.continue_token.replace("/", "%2F")));
    }
    if !request.fields.is_empty() {
        let terms: Vec<String> = request
            .fields
            .0
            .iter()
            .map(|(k, v, equal)| format!("{k}{}{v}", if *equal { "%3D" } else { "%21%3D" }))
            .collect();
        query.push(format!("fieldSelector={}", terms.join("%2C")));
    }
    if !request.labels.is_empty() {
        let text = request.labels.to_string().replace('=', "%3D").replace(',', "%2C").replace(' ', "+");
        query.push(format!("labelSelector={text}"));
    }
    if request.limit > 0 {
        query.push(format!("limit={}", request.limit));
    }
    if request.verb == Verb::Watch {
        query.push("watch=true".to_owned());
    }
    if request.verb.writes() && !request.field_manager.is_empty() {
        query.push(format!("fieldManager={}", request.field_manager));
        let strict = matches!(cx.path.as_str(), "kubectl apply" | "kubectl create" | "kubectl replace")
            || cx.path.starts_with("kubectl create ");
        if cx.modern() && strict {
            query.push("fieldValidation=Strict".to_owned());
        }
    }
    let path = request.path();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
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
