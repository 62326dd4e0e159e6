//! `kubectl create namespace|quota|configmap|secret|serviceaccount|poddisruptionbudget|priorityclass`.

use super::super::context::Cx;
use super::super::error::{Error, Fail, Run, fail};
use super::super::label;
use super::{finish, object, one_name};
use crate::api::{Kind, Map, Request, Response, Value, Verb};

pub fn namespace(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let mut value = object(cx, Kind::NAMESPACE, &name);
    value.make_map().insert("spec", map! {});
    value.make_map().insert("status", map! {});
    finish(cx, Kind::NAMESPACE, value, "")
}

pub fn service_account(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let value = object(cx, Kind::SERVICE_ACCOUNT, &name);
    let failed = cx.by("", "serviceaccount").to_owned();
    finish(cx, Kind::SERVICE_ACCOUNT, value, &failed)
}

/// Asks the server for a token of a service account.
pub fn token(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let micros = cx.flags.micros("duration");
    if micros < 0 {
        return fail("--duration must be greater than or equal to 0");
    }
    if micros % 1_000_000 != 0 {
        return fail("--duration cannot be expressed in units less than seconds");
    }
    if cx.flags.all("audience").iter().any(|a| a.is_empty()) {
        return fail("--audience must not be an empty string");
    }
    let bound = cx.flags.text("bound-object-kind").to_owned();
    if !matches!(bound.as_str(), "" | "Pod" | "Secret" | "Node") {
        return fail("supported --bound-object-kind values are Node, Pod, Secret");
    }
    let mut spec = Map::new();
    let audiences: Vec<Value> = cx.flags.all("audience").iter().map(Value::from).collect();
    spec.insert("audiences", if audiences.is_empty() { Value::Null } else { Value::from(audiences) });
    if micros > 0 {
        spec.insert("expirationSeconds", micros / 1_000_000);
    }
    if !bound.is_empty() {
        let mut to = map! { "apiVersion" => "v1", "kind" => bound, "name" => cx.flags.text("bound-object-name") };
        if !cx.flags.text("bound-object-uid").is_empty() {
            to.insert("uid", cx.flags.text("bound-object-uid"));
        }
        spec.insert("boundObjectRef", to);
    }
    let body = map! { "apiVersion" => "authentication.k8s.io/v1", "kind" => "TokenRequest", "spec" => spec };
    let namespace = cx.namespace()?;
    let mut request = Request::new(Verb::Create, Kind::SERVICE_ACCOUNT, namespace, name);
    request.subresource = "token".into();
    request.body = Some(Value::Map(body));
    let answer = cx.send(request).map_err(|e| match e {
        Fail::Error(e @ Error::Status(_)) => Fail::Error(Error::Text(format!("failed to create token: {}", e.plain()))),
        other => other,
    })?;
    let token = match answer {
        Response::Object(o) => o.str(&["status", "token"]).to_owned(),
        Response::Text(text) => text.to_string(),
        _ => String::new(),
    };
    if token.is_empty() {
        return fail("failed to create token: no token in server response");
    }
    cx.io.outln(token);
    Ok(())
}

pub fn quota(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let mut value = object(cx, Kind::RESOURCE_QUOTA, &name);
    let mut spec = Map::new();
    let hard = quantities(cx.flags.text("hard"))?;
    if !hard.is_empty() {
        spec.insert("hard", hard);
    }
    if cx.flags.text("scopes").split(',').any(str::is_empty) && !cx.flags.text("scopes").is_empty() {
        return fail("invalid resource quota scope \"\"");
    }
    let scopes: Vec<Value> = cx.flags.text("scopes").split(',').filter(|s| !s.is_empty()).map(Value::from).collect();
    if !scopes.is_empty() {
        spec.insert("scopes", scopes);
    }
    value.make_map().insert("spec", spec);
    value.make_map().insert("status", map! {});
    finish(cx, Kind::RESOURCE_QUOTA, value, "quota")
}

/// `a=1,b=2` as quantities.
pub fn quantities(text: &str) -> Run<Map> {
    let mut out = Map::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        match part.split_once('=') {
            Some((_, v)) if crate::api::quantity::Quantity::parse(v).is_err() => {
                return fail(super::super::set::QUANTITY);
            }
            Some((k, v)) => out.insert(k, v),
            None => return fail(format!("Invalid argument syntax {part}, expected <resource>=<value>")),
        }
    }
    Ok(out)
}

pub fn config_map(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let mut value = object(cx, Kind::CONFIG_MAP, &name);
    let data = data(cx)?;
    if !data.is_empty() {
        value.make_map().insert("data", data);
    }
    append_hash(cx, &mut value);
    let failed = cx.by("", "configmap").to_owned();
    finish(cx, Kind::CONFIG_MAP, value, &failed)
}

pub fn secret(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let kind = cx.flags.text("type").to_owned();
    let data = data(cx)?;
    make_secret(cx, &name, &kind, data)
}

fn make_secret(cx: &mut Cx<'_, '_>, name: &str, kind: &str, data: Map) -> Run {
    let mut value = object(cx, Kind::SECRET, name);
    if !data.is_empty() {
        let encoded: Map =
            data.iter().map(|(k, v)| (k.clone(), Value::from(base64_encode(v.as_str().as_bytes())))).collect();
        value.make_map().insert("data", encoded);
    }
    if !kind.is_empty() {
        value.make_map().insert("type", kind);
    }
    append_hash(cx, &mut value);
    let failed = cx.by("", "secret").to_owned();
    finish(cx, Kind::SECRET, value, &failed)
}

/// `--append-hash`: of what is in it.
/// Models kubectl/pkg/util/hash.
fn append_hash(cx: &Cx<'_, '_>, value: &mut Value) {
    if !cx.flags.yes("append-hash") {
        return;
    }
    let name = value.at(&["metadata", "name"]).map_or("", Value::as_str).to_owned();
    let kind = value.str("kind").to_owned();
    let mut hashed = map! { "data" => value.get("data").cloned().unwrap_or_default(), "kind" => kind.as_str(), "name" => name.as_str() };
    if kind == "Secret" {
        hashed.insert("type", value.str("type"));
    }
    let text = super::super::print::json::compact(&Value::Map(hashed));
    let hex: String = crate::base::hash::sha256(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    // Without letters that make words.
    let safe = |c: char| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    let hash: String = hex.chars().take(10).map(safe).collect();
    value.entry(&["metadata"]).make_map().insert("name", format!("{name}-{hash}"));
}

pub fn tls_secret(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    for flag in ["cert", "key"] {
        required(cx, flag)?;
    }
    if cx.flags.text("cert").is_empty() || cx.flags.text("key").is_empty() {
        return fail("key and cert must be specified");
    }
    let mut data = Map::new();
    for (flag, key) in [("cert", "tls.crt"), ("key", "tls.key")] {
        let path = cx.flags.text(flag).to_owned();
        match cx.io.read_file(&path)? {
            Ok(text) => data.insert(key, text),
            Err(_) => {
                return fail(format!("Cannot read file {path}, open {path}: no such file or directory"));
            }
        }
    }
    let prefix = cx.by("failed to load key pair ", "").to_owned();
    for (key, what) in [("tls.crt", "certificate"), ("tls.key", "key")] {
        if !data.str(key).contains("-----BEGIN ") {
            return fail(format!("{prefix}tls: failed to find any PEM data in {what} input"));
        }
    }
    make_secret(cx, &name, "kubernetes.io/tls", data)
}

/// 1.20 asks for a flag of its generators in these words.
fn required(cx: &Cx<'_, '_>, flag: &str) -> Run {
    if cx.modern() || !cx.flags.text(flag).is_empty() {
        return Ok(());
    }
    cx.usage(format!("flag {flag} is required"))
}

pub fn docker_secret(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    if cx.flags.all("from-file").is_empty() {
        for flag in ["docker-username", "docker-password", "docker-server"] {
            required(cx, flag)?;
        }
    }
    let get = |flag: &str| cx.flags.text(flag).to_owned();
    let (user, password, email, server) =
        (get("docker-username"), get("docker-password"), get("docker-email"), get("docker-server"));
    let missing = user.is_empty() || password.is_empty() || server.is_empty();
    if missing && cx.flags.all("from-file").is_empty() {
        return fail(
            "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        );
    }
    let quote = |text: &str| Value::from(text).to_json();
    let mut fields = vec![("username", user.clone()), ("password", password.clone())];
    if !email.is_empty() {
        fields.push(("email", email));
    }
    fields.push(("auth", base64_encode(format!("{user}:{password}").as_bytes())));
    // In the order of the Go struct, which is not the alphabet's.
    let fields: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{}", quote(v))).collect();
    let json = format!("{{\"auths\":{{{}:{{{}}}}}}}", quote(&server), fields.join(","));
    let data = map! { ".dockerconfigjson" => json };
    make_secret(cx, &name, "kubernetes.io/dockerconfigjson", data)
}

/// `--from-literal`, `--from-file`, `--from-env-file`.
fn data(cx: &mut Cx<'_, '_>) -> Run<Map> {
    let mut out = Map::new();
    for literal in cx.flags.all("from-literal").to_vec() {
        let Some((key, value)) = literal.split_once('=').filter(|(k, _)| !k.is_empty()) else {
            return fail(format!("invalid literal source {literal}, expected key=value"));
        };
        put(cx, &mut out, key, unquote(value))?;
    }
    for source in cx.flags.all("from-file").to_vec() {
        let (key, path) = match source.split_once('=') {
            Some((_, path)) if path.contains('=') => return fail("key names or file paths cannot contain '='"),
            Some(("", path)) => return fail(format!("key name for file path {path} missing")),
            Some((key, "")) => return fail(format!("file path for key name {key} missing")),
            Some((key, path)) => (key.to_owned(), path),
            None => (source.rsplit('/').next().unwrap_or("").to_owned(), source.as_str()),
        };
        match cx.io.read_file(path)? {
            Ok(text) => put(cx, &mut out, &key, &text)?,
            Err(why) if why.contains("Is a directory") => {
                let names = cx.io.call("list-dir", Value::from(path))?;
                for name in names.items().iter().map(Value::as_str).filter(|n| !n.ends_with('/')) {
                    let file = format!("{}/{name}", path.trim_end_matches('/'));
                    if let Ok(text) = cx.io.read_file(&file)? {
                        put(cx, &mut out, name, &text)?;
                    }
                }
            }
            Err(_) => return fail(format!("error reading {path}: no such file or directory")),
        }
    }
    for path in cx.flags.all("from-env-file").to_vec() {
        let Ok(text) = cx.io.read_file(&path)? else {
            return fail(format!("error reading {path}: no such file or directory"));
        };
        for line in text.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            put(cx, &mut out, key, value)?;
        }
    }
    Ok(out)
}

fn put(cx: &Cx<'_, '_>, data: &mut Map, key: &str, value: &str) -> Run {
    let valid = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !valid {
        return fail(format!(
            "{} {}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
            super::super::flags::quote(key),
            match (cx.path.contains("secret"), cx.modern()) {
                (false, _) => "is not a valid key name for a ConfigMap",
                (true, false) => "is not a valid key name for a Secret",
                (true, true) => "is not valid key name for a Secret",
            }
        ));
    }
    if data.has(key) {
        let place = match (cx.path.contains("secret"), cx.args.first()) {
            (false, Some(name)) => format!(" in Data for ConfigMap \"{name}\""),
            _ => String::new(),
        };
        return fail(format!("cannot add key \"{key}\", another key by that name already exists{place}"));
    }
    data.insert(key, value);
    Ok(())
}

fn unquote(value: &str) -> &str {
    let quoted = |q: char| value.len() >= 2 && value.starts_with(q) && value.ends_with(q);
    if quoted('"') || quoted('\'') { &value[1..value.len() - 1] } else { value }
}

pub fn disruption_budget(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let selector = cx.flags.text("selector").to_owned();
    if selector.is_empty() {
        return fail("a selector must be specified");
    }
    let (min, max) = (cx.flags.text("min-available").to_owned(), cx.flags.text("max-unavailable").to_owned());
    if min.is_empty() == max.is_empty() {
        return fail(if min.is_empty() {
            "one of min-available or max-unavailable must be specified"
        } else {
            "min-available and max-unavailable cannot be both specified"
        });
    }
    for (flag, text) in [("min-available", &min), ("max-unavailable", &max)] {
        let digits = text.strip_suffix('%').unwrap_or(text);
        let valid = text.is_empty() || !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if cx.modern() && !valid {
            return fail(format!("invalid format specified for {flag}"));
        }
    }
    let parsed = label::parse_selector(&selector).or_else(fail)?;
    let mut spec = map! { "selector" => label::selector_object(&parsed) };
    if !min.is_empty() {
        spec.insert("minAvailable", int_or_string(&min));
    }
    if !max.is_empty() {
        spec.insert("maxUnavailable", int_or_string(&max));
    }
    let mut value = object(cx, Kind::POD_DISRUPTION_BUDGET, &name);
    value.make_map().insert("spec", spec);
    let zero = map! { "currentHealthy" => 0, "desiredHealthy" => 0, "disruptionsAllowed" => 0, "expectedPods" => 0 };
    value.make_map().insert("status", zero);
    let failed = cx.by("", "poddisruptionbudgets").to_owned();
    finish(cx, Kind::POD_DISRUPTION_BUDGET, value, &failed)
}

/// A number where the text is one.
pub fn int_or_string(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::Int)
}

pub fn priority_class(cx: &mut Cx<'_, '_>) -> Run {
    let name = one_name(cx)?;
    let mut value = object(cx, Kind::PRIORITY_CLASS, &name);
    let root = value.make_map();
    root.insert("value", cx.flags.int("value"));
    if cx.flags.yes("global-default") {
        root.insert("globalDefault", true);
    }
    let description = cx.flags.text("description");
    if !description.is_empty() {
        root.insert("description", description);
    }
    root.insert("preemptionPolicy", cx.flags.text("preemption-policy"));
    // 1.20 names the wrong kind.
    let failed = cx.by("clusterrolebinding", "priorityclass").to_owned();
    finish(cx, Kind::PRIORITY_CLASS, value, &failed)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (n >> (18 - 6 * i) & 63) as usize;
            out.push(if i <= chunk.len() { ALPHABET[sextet] as char } else { '=' });
        }
    }
    out
}

/// The text of a base64 string; empty if it is none.
pub fn base64_decode(text: &str) -> String {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'=') {
        let Some(value) = ALPHABET.iter().position(|a| *a == c) else { return String::new() };
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Number of bytes a base64 string stands for.
pub fn base64_len(text: &str) -> usize {
    text.bytes().filter(|c| *c != b'=').count() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64() {
        for (plain, coded) in
            [("", ""), ("x", "eA=="), ("ab", "YWI="), ("abc", "YWJj"), ("hello world", "aGVsbG8gd29ybGQ=")]
        {
            assert_eq!(base64_encode(plain.as_bytes()), coded);
            assert_eq!(base64_decode(coded), plain);
            assert_eq!(base64_len(coded), plain.len());
        }
    }
}
