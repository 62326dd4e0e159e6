//! `kubeadm certs`: when the certificates on this machine end, and new ones in their place.
//! Models cmd/kubeadm/app/cmd/certs.go and phases/certs/renewal.

use super::client::{self, Client, config_map};
use super::{Cx, Fail, Run};
use crate::addons::cluster::Cluster;
use crate::addons::files::{self, Made};
use crate::addons::pki::{self, Cert};
use crate::base::{Str, Time, base64, time::MONTHS};

/// What can be renewed: name, file below /etc/kubernetes, authority, and what it is for.
type Handler = (&'static str, &'static str, &'static str, &'static str);
pub const HANDLERS: [Handler; 11] = [
    (
        "admin.conf",
        "admin.conf",
        "ca",
        "certificate embedded in the kubeconfig file for the admin to use and for kubeadm itself",
    ),
    ("apiserver", "pki/apiserver", "ca", "certificate for serving the Kubernetes API"),
    ("apiserver-etcd-client", "pki/apiserver-etcd-client", "etcd-ca", "certificate the apiserver uses to access etcd"),
    (
        "apiserver-kubelet-client",
        "pki/apiserver-kubelet-client",
        "ca",
        "certificate for the API server to connect to kubelet",
    ),
    (
        "controller-manager.conf",
        "controller-manager.conf",
        "ca",
        "certificate embedded in the kubeconfig file for the controller manager to use",
    ),
    (
        "etcd-healthcheck-client",
        "pki/etcd/healthcheck-client",
        "etcd-ca",
        "certificate for liveness probes to healthcheck etcd",
    ),
    ("etcd-peer", "pki/etcd/peer", "etcd-ca", "certificate for etcd nodes to communicate with each other"),
    ("etcd-server", "pki/etcd/server", "etcd-ca", "certificate for serving etcd"),
    ("front-proxy-client", "pki/front-proxy-client", "front-proxy-ca", "certificate for the front proxy client"),
    (
        "scheduler.conf",
        "scheduler.conf",
        "ca",
        "certificate embedded in the kubeconfig file for the scheduler manager to use",
    ),
    ("super-admin.conf", "super-admin.conf", "ca", "certificate embedded in the kubeconfig file for the super-admin"),
];
const AUTHORITIES: [&str; 3] = ["ca", "etcd-ca", "front-proxy-ca"];

/// Those that this kubeadm knows.
fn handlers(cx: &Cx<'_, '_>) -> impl Iterator<Item = &'static Handler> + use<> {
    let all = cx.minor() >= 29;
    HANDLERS.iter().filter(move |h| all || h.0 != "super-admin.conf")
}

/// The cluster's configuration is read, or done without.
fn preamble(cx: &mut Cx<'_, '_>, what: &str) -> Run {
    if !cx.flags.text("config").is_empty() {
        return Ok(());
    }
    if cx.minor() >= 32 {
        cx.out(format!(
            "[{what}] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"..."
        ));
        cx.out(format!(
            "[{what}] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it."
        ));
    } else {
        let flag = if cx.minor() >= 20 { "-o yaml" } else { "-oyaml" };
        cx.out(format!("[{what}] Reading configuration from the cluster..."));
        cx.out(format!(
            "[{what}] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config {flag}'"
        ));
    }
    let path = cx.flags.text("kubeconfig").to_owned();
    let read = Client::of(cx, &path).and_then(|c| config_map(cx, &c, "kube-system", "kubeadm-config"));
    match read {
        Err(Fail::Stop(stop)) => return Err(Fail::Stop(stop)),
        Err(Fail::Error(_)) => {
            cx.out(format!(
                "[{what}] Error reading configuration from the Cluster. Falling back to default configuration\n"
            ));
        }
        Ok(_) => cx.out(""),
    }
    Ok(())
}

pub fn check(cx: &mut Cx<'_, '_>) -> Run {
    preamble(cx, "check-expiration")?;
    let now = cx.io.now()?;
    // Kubeconfigs are shown with their authority since 1.22.
    let all = cx.minor() >= 22;
    let head = ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for (name, file, authority, _) in handlers(cx) {
        let external = if key_of(cx, authority)? { "no      " } else { "yes     " };
        let authority = if all || !name.ends_with(".conf") { *authority } else { "" };
        table.push(match read(cx, file)? {
            Some(cert) => {
                vec![(*name).into(), stamp(cert.to), residual(cert.to, now), authority.into(), external.into()]
            }
            None => vec![format!("!MISSING! {name}"), String::new(), String::new(), String::new(), String::new()],
        });
    }
    print(cx, &table);
    cx.out("");
    let head = ["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for name in AUTHORITIES {
        let external = if key_of(cx, name)? { "no      " } else { "yes     " };
        table.push(match read(cx, &authority_file(name))? {
            Some(cert) => vec![name.into(), stamp(cert.to), residual(cert.to, now), external.into()],
            None => vec![format!("!MISSING! {name}"), String::new(), String::new(), String::new()],
        });
    }
    print(cx, &table);
    Ok(())
}

/// `renew NAME` and `renew all`.
pub fn renew(cx: &mut Cx<'_, '_>) -> Run {
    let name = cx.args.first().cloned().unwrap_or_default();
    if name != "all" && !handlers(cx).any(|h| h.0 == name) {
        return super::fail(match name.as_str() {
            "" => "missing subcommand; \"renew\" is not meant to be run on its own".to_owned(),
            other => format!("invalid subcommand: {other:?}"),
        });
    }
    preamble(cx, "renew")?;
    for (one, _, authority, about) in handlers(cx).filter(|h| name == "all" || h.0 == name) {
        let text = match renew_one(cx, one)? {
            Renewed::Yes => format!("{about} renewed"),
            Renewed::Missing => format!("MISSING! {about}"),
            Renewed::External => format!("Detected external {authority}, {about} can't be renewed"),
        };
        cx.out(text);
    }
    if name == "all" && cx.minor() >= 20 {
        cx.out("\nDone renewing certificates. You must restart the kube-apiserver, kube-controller-manager, kube-scheduler and etcd, so that they can use the new certificates.");
    }
    Ok(())
}

pub enum Renewed {
    Yes,
    Missing,
    External,
}

/// Signs a certificate anew, for the same subject.
pub fn renew_one(cx: &mut Cx<'_, '_>, name: &str) -> Run<Renewed> {
    let Some((_, file, authority, _)) = HANDLERS.iter().find(|h| h.0 == name) else { return Ok(Renewed::Missing) };
    let Some(old) = read(cx, file)? else { return Ok(Renewed::Missing) };
    let Some(ca) = read(cx, &authority_file(authority))? else { return Ok(Renewed::Missing) };
    if !key_of(cx, authority)? {
        return Ok(Renewed::External);
    }
    let now = cx.io.now()?;
    let cert = pki::sign(&ca, &old.name, &old.organization, now);
    let path = format!("/etc/kubernetes/{file}");
    if file.ends_with(".conf") {
        let text = cx.io.read_file(&path)?.unwrap_or_default();
        let put = |line: &str| {
            let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
            let data = |pem: &str| base64::encode(pem.as_bytes());
            match rest.split_once(": ") {
                Some((key @ "client-certificate-data", _)) => format!("{indent}{key}: {}\n", data(&cert.pem())),
                Some((key @ "client-key-data", _)) => format!("{indent}{key}: {}\n", data(&pki::key(&cert.serial))),
                _ => format!("{line}\n"),
            }
        };
        let text: String = text.lines().map(put).collect();
        client::put(cx, Made { path, text, mode: 0o600 })?;
    } else {
        client::put(cx, Made { path: format!("{path}.crt"), text: cert.pem(), mode: 0o644 })?;
        client::put(cx, Made { path: format!("{path}.key"), text: pki::key(&cert.serial), mode: 0o600 })?;
    }
    Ok(Renewed::Yes)
}

/// A kubeconfig for a user of the cluster whose authority lies here; `None` without the authority.
pub fn kubeconfig(cx: &mut Cx<'_, '_>, cluster: &Cluster, user: &str, group: &str) -> Run<Option<String>> {
    let Some(ca) = read(cx, &authority_file("ca"))? else { return Ok(None) };
    let cert = pki::sign(&ca, user, group, cx.io.now()?);
    let data = |pem: &str| base64::encode(pem.as_bytes());
    let credentials = format!(
        "client-certificate-data: {}\n    client-key-data: {}",
        data(&cert.pem()),
        data(&pki::key(&cert.serial))
    );
    Ok(Some(files::kubeconfig(&ca.pem(), &cluster.endpoint(), "kubernetes", user, &credentials)))
}

pub fn certificate_key(cx: &mut Cx<'_, '_>) -> Run {
    let key = random_key(cx)?;
    cx.out(key);
    Ok(())
}

/// 32 bytes in hexadecimal.
pub fn random_key(cx: &mut Cx<'_, '_>) -> Run<Str> {
    let mut key = String::new();
    for _ in 0..4 {
        key += &format!("{:016x}", cx.io.random()?);
    }
    Ok(key.into())
}

fn authority_file(name: &str) -> String {
    match name.strip_prefix("etcd-") {
        Some(rest) => format!("pki/etcd/{rest}"),
        None => format!("pki/{name}"),
    }
}

/// Whether the authority can sign here.
fn key_of(cx: &mut Cx<'_, '_>, authority: &str) -> Run<bool> {
    client::exists(cx, &format!("/etc/kubernetes/{}.key", authority_file(authority)))
}

/// The certificate of a file below /etc/kubernetes, or in a kubeconfig there.
pub fn read(cx: &mut Cx<'_, '_>, file: &str) -> Run<Option<Cert>> {
    if !file.ends_with(".conf") {
        let text = cx.io.read_file(&format!("/etc/kubernetes/{file}.crt"))?.unwrap_or_default();
        return Ok(Cert::parse(&text));
    }
    let text = cx.io.read_file(&format!("/etc/kubernetes/{file}"))?.unwrap_or_default();
    let data = files::line(&text, "client-certificate-data").and_then(base64::decode);
    Ok(data.and_then(|b| String::from_utf8(b).ok()).and_then(|pem| Cert::parse(&pem)))
}

/// As Go's tabwriter: every cell but the last one of a line is padded.
fn print(cx: &mut Cx<'_, '_>, table: &[Vec<String>]) {
    let mut widths = [0; 5];
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len() + 3).max(10);
        }
    }
    for row in table {
        let last = row.len() - 1;
        let pad = |(i, cell): (usize, &String)| if i == last { cell.clone() } else { format!("{cell:<0$}", widths[i]) };
        let line: String = row.iter().enumerate().map(pad).collect();
        cx.out(line);
    }
}

/// `Jan 05, 2027 09:00 UTC`
fn stamp(at: Time) -> String {
    let (y, mo, d, h, mi, _) = at.civil();
    format!("{} {d:02}, {y:04} {h:02}:{mi:02} UTC", MONTHS[mo as usize - 1])
}

/// Models apimachinery's `duration.ShortHumanDuration`.
fn residual(at: Time, now: Time) -> String {
    if at < now {
        return "<invalid>".to_owned();
    }
    match at.since(now).as_secs() {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3_600 => format!("{}m", s / 60),
        s @ 3_600..86_400 => format!("{}h", s / 3_600),
        s @ 86_400..31_536_000 => format!("{}d", s / 86_400),
        s => format!("{}y", s / 31_536_000),
    }
}
