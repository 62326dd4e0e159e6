//! `kubeadm certs check-expiration`: the ends of the certificates that lie on this machine.
//! Models cmd/kubeadm/app/cmd/certs.go.

use super::{Cx, Run};
use crate::addons::files;
use crate::addons::pki::Cert;
use crate::base::arrange::Arrange;
use crate::base::{Time, base64, time::MONTHS};

const KUBECONFIGS: [&str; 4] = ["admin.conf", "controller-manager.conf", "scheduler.conf", "super-admin.conf"];
const CERTS: [(&str, &str); 7] = [
    ("apiserver", "ca"),
    ("apiserver-etcd-client", "etcd-ca"),
    ("apiserver-kubelet-client", "ca"),
    ("etcd-healthcheck-client", "etcd-ca"),
    ("etcd-peer", "etcd-ca"),
    ("etcd-server", "etcd-ca"),
    ("front-proxy-client", "front-proxy-ca"),
];

pub fn check(cx: &mut Cx<'_, '_>) -> Run {
    let modern = cx.minor() >= 20;
    cx.out("[check-expiration] Reading configuration from the cluster...");
    cx.out(format!("[check-expiration] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config {}'\n", if modern { "-o yaml" } else { "-oyaml" }));
    let now = cx.io.now()?;
    let mut rows: Vec<(String, Option<Cert>, &str)> = Vec::new();
    for name in KUBECONFIGS {
        let text = cx.io.read_file(&format!("/etc/kubernetes/{name}"))?.unwrap_or_default();
        let data = files::line(&text, "client-certificate-data").and_then(base64::decode);
        let cert = data.and_then(|b| String::from_utf8(b).ok()).and_then(|pem| Cert::parse(&pem));
        if cert.is_some() || name != "super-admin.conf" {
            rows.push((name.into(), cert, if modern { "ca" } else { "" }));
        }
    }
    for (name, authority) in CERTS {
        rows.push((name.into(), read(cx, name)?, authority));
    }
    rows.arrange_by(|a, b| a.0.cmp(&b.0));
    let mut table = vec![
        ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED"].map(str::to_owned),
    ];
    for (name, cert, authority) in rows {
        table.push(match cert {
            Some(cert) => [name, stamp(cert.to), residual(cert.to, now), authority.into(), "no".into()],
            None => [format!("!MISSING! {name}"), String::new(), String::new(), String::new(), String::new()],
        });
    }
    print(cx, &table);
    cx.out("");
    let mut table =
        vec![["CERTIFICATE AUTHORITY", "EXPIRES", "RESIDUAL TIME", "EXTERNALLY MANAGED", ""].map(str::to_owned)];
    for name in ["ca", "etcd-ca", "front-proxy-ca"] {
        table.push(match read(cx, name)? {
            Some(cert) => [name.into(), stamp(cert.to), residual(cert.to, now), "no".into(), String::new()],
            None => [format!("!MISSING! {name}"), String::new(), String::new(), String::new(), String::new()],
        });
    }
    print(cx, &table);
    Ok(())
}

fn read(cx: &mut Cx<'_, '_>, name: &str) -> Run<Option<Cert>> {
    let file = match name.strip_prefix("etcd-") {
        Some(rest) => format!("etcd/{rest}"),
        None => name.to_owned(),
    };
    let text = cx.io.read_file(&format!("/etc/kubernetes/pki/{file}.crt"))?.unwrap_or_default();
    Ok(Cert::parse(&text))
}

fn print(cx: &mut Cx<'_, '_>, table: &[[String; 5]]) {
    let mut widths = [0; 5];
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len() + 3).max(10);
        }
    }
    for row in table {
        let line: String = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cx.out(line.trim_end().to_owned() + "   ");
    }
}

/// `Jan 05, 2027 09:00 UTC`
fn stamp(at: Time) -> String {
    let (y, mo, d, h, mi, _) = at.civil();
    format!("{} {d:02}, {y:04} {h:02}:{mi:02} UTC", MONTHS[mo as usize - 1])
}

fn residual(at: Time, now: Time) -> String {
    if at <= now {
        return "<invalid>".to_owned();
    }
    let days = at.since(now).as_secs() / 86_400;
    match days {
        0 => format!("{}h", at.since(now).as_secs() / 3_600),
        1..730 => format!("{days}d"),
        _ => format!("{}y", days / 365),
    }
}
