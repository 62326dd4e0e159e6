//! `kubeadm token`: the Secrets with which nodes join.
//! Models cmd/kubeadm/app/cmd/token.go.

use super::client::{Client, pin};
use super::{CONFIG, Cx, KUBECONFIG, Run, expiry, fail};
use crate::addons::manifests;
use crate::api::request::Verb;
use crate::api::selector::FieldSelector;
use crate::api::{Kind, Object, ObjectKey, Request, Response};
use crate::base::Str;
use crate::controllers::bootstrap::{self, field};
use crate::kubectl::flags::{self, Flag};

pub const CREATE: &[Flag] = &[
    CONFIG,
    KUBECONFIG,
    flags::yes("print-join-command", ""),
    flags::text("ttl", "", "24h0m0s"),
    flags::text("description", "", ""),
    flags::list("usages", ""),
    flags::list("groups", ""),
    flags::text("certificate-key", "", ""),
];

const PATTERN: &str = "\\A([a-z0-9]{6})\\z";

fn plain(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// `abcdef.0123456789abcdef`
pub fn valid(token: &str) -> bool {
    token.split_once('.').is_some_and(|(id, secret)| plain(id, 6) && plain(secret, 16))
}

pub fn random(cx: &mut Cx<'_, '_>) -> Run<Str> {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let (mut out, mut n) = (String::new(), 0);
    for i in 0..22 {
        if i % 11 == 0 {
            n = cx.io.random()?;
        }
        if i == 6 {
            out.push('.');
        }
        out.push(char::from(LETTERS[(n % 36) as usize]));
        n /= 36;
    }
    Ok(out.into())
}

/// The line for a worker. `wrapped`: over two lines, as init prints it.
pub fn join_command(cx: &mut Cx<'_, '_>, server: &str, token: &str, wrapped: bool) -> Run<String> {
    let ca = cx.io.read_file("/etc/kubernetes/pki/ca.crt")?.unwrap_or_default();
    let pin = pin(&ca).unwrap_or_default();
    let between = match (wrapped, cx.minor()) {
        (false, _) => "",
        (true, 0..20) => "\\\n    ",
        (true, _) => "\\\n\t",
    };
    Ok(format!("kubeadm join {server} --token {token} {between}--discovery-token-ca-cert-hash {pin} "))
}

pub fn create(cx: &mut Cx<'_, '_>) -> Run {
    let token = match cx.args.first() {
        Some(token) => token.clone(),
        None => random(cx)?,
    };
    if !valid(&token) {
        return fail(format!(
            "the bootstrap token {:?} was not of the form \"\\\\A([a-z0-9]{{6}})\\\\.([a-z0-9]{{16}})\\\\z\"",
            token.as_str()
        ));
    }
    let (id, secret) = token.split_once('.').unwrap_or_default();
    let kubeconfig = cx.flags.text("kubeconfig").to_owned();
    let client = Client::of(cx, &kubeconfig)?;
    let now = cx.io.now()?;
    let expires = expiry(now, cx.flags.text("ttl"))?;
    let join = |name: &str| -> String {
        let all: Vec<&str> = cx.flags.all(name).iter().flat_map(|v| v.split(',')).collect();
        all.join(",")
    };
    let (usages, groups) = (join("usages"), join("groups"));
    let usages = if usages.is_empty() { "authentication,signing".to_owned() } else { usages };
    let groups = if groups.is_empty() { manifests::TOKEN_GROUP.to_owned() } else { groups };
    let about = cx.flags.text("description").to_owned();
    let usages: Vec<&str> = usages.split(',').collect();
    let object = manifests::token_secret(id, secret, expires, &usages, &groups, &about);
    let exists = client.get(cx, &object.key)?.is_ok();
    if exists {
        return fail(format!("a token with id {id:?} already exists"));
    }
    client.put(cx, object)?;
    if cx.flags.yes("print-join-command") {
        let server = format!("{}:{}", client.server.ip, client.server.port);
        let line = join_command(cx, &server, &token, false)?;
        cx.out(line);
    } else {
        cx.out(&token);
    }
    Ok(())
}

pub fn generate(cx: &mut Cx<'_, '_>) -> Run {
    let token = random(cx)?;
    cx.out(token);
    Ok(())
}

pub fn list(cx: &mut Cx<'_, '_>) -> Run {
    let kubeconfig = cx.flags.text("kubeconfig").to_owned();
    let client = Client::of(cx, &kubeconfig)?;
    let fields = FieldSelector::one("type", "bootstrap.kubernetes.io/token");
    let request = Request { fields, ..Request::new(Verb::List, Kind::SECRET, "kube-system", "") };
    let items = match client.send(cx, request)? {
        Ok(Response::List { items, .. }) => items,
        Ok(_) => Vec::new(),
        Err((_, why)) => return fail(format!("failed to list bootstrap tokens: {why}")),
    };
    let now = cx.io.now()?;
    let mut rows = vec![["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"].map(str::to_owned)];
    for secret in items.iter().filter(|s| s.str(&["type"]) == "bootstrap.kubernetes.io/token") {
        rows.push(row(secret, now));
    }
    if rows.len() == 1 && cx.minor() >= 22 {
        return Ok(());
    }
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count() + 3).max(10);
        }
    }
    for row in rows {
        let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cx.out(line.trim_end());
    }
    Ok(())
}

fn row(secret: &Object, now: crate::base::Time) -> [String; 6] {
    let or_none = |text: String| if text.is_empty() { "<none>".to_owned() } else { text };
    let (mut ttl, mut expires) = ("<forever>".to_owned(), "<never>".to_owned());
    if let Some(at) = bootstrap::expiry(secret) {
        (ttl, expires) = (short(at.since(now).as_secs()), at.rfc3339().to_string());
    }
    let usages: Vec<&str> = ["authentication", "signing"]
        .into_iter()
        .filter(|u| field(secret, &format!("usage-bootstrap-{u}")) == "true")
        .collect();
    [
        format!("{}.{}", field(secret, "token-id"), field(secret, "token-secret")),
        ttl,
        expires,
        or_none(usages.join(",")),
        or_none(field(secret, "description").to_string()),
        or_none(field(secret, "auth-extra-groups").to_string()),
    ]
}

/// Models duration.ShortHumanDuration.
fn short(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

pub fn delete(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.is_empty() {
        return fail(format!("missing argument; 'token delete' is missing token of form {PATTERN:?}"));
    }
    let kubeconfig = cx.flags.text("kubeconfig").to_owned();
    let client = Client::of(cx, &kubeconfig)?;
    for token in cx.args.clone() {
        let id = match token.split_once('.') {
            Some((id, _)) if valid(&token) => id,
            None if plain(&token, 6) => &token,
            _ => {
                return fail(format!(
                    "given token {:?} didn't match pattern {PATTERN:?} or {PATTERN:?}",
                    token.as_str()
                ));
            }
        };
        let key = ObjectKey::new(Kind::SECRET, "kube-system", ecow::eco_format!("bootstrap-token-{id}"));
        match client.send(cx, Request::delete(&key))? {
            Ok(_) => cx.out(format!("bootstrap token {id:?} deleted")),
            Err((_, why)) => return fail(format!("failed to delete bootstrap token {id:?}: {why}")),
        }
    }
    Ok(())
}
