//! `kubectl get componentstatuses`.
//! The API server would ask each component's health port; here a component is healthy while it renews
//! its lease, and etcd while the API server answers.

use super::context::Cx;
use super::error::Run;
use super::print::tabwriter::columns;
use crate::api::{Kind, ObjectKey};
use crate::base::{Duration, Time};

/// After this long without renewal a component's lease has run out.
const LEASE: Duration = Duration::secs(15);

pub fn get(cx: &mut Cx<'_, '_>) -> Run {
    let mut rows = vec![vec!["NAME".into(), "STATUS".into(), "MESSAGE".into(), "ERROR".into()]];
    let names: [&str; 3] = if cx.modern() {
        ["etcd-0", "scheduler", "controller-manager"]
    } else {
        ["controller-manager", "scheduler", "etcd-0"]
    };
    for name in names {
        let (status, message) = if name == "etcd-0" {
            ("Healthy", cx.by("{\"health\":\"true\"}", "ok").to_owned())
        } else if alive(cx, name)? {
            ("Healthy", "ok".to_owned())
        } else {
            ("Unhealthy", refused(cx, name))
        };
        rows.push(vec![name.to_owned(), status.to_owned(), message, String::new()]);
    }
    cx.io.out(columns(&rows));
    cx.io.errln("Warning: v1 ComponentStatus is deprecated in v1.19+");
    Ok(())
}

fn alive(cx: &mut Cx<'_, '_>, name: &str) -> Run<bool> {
    let key = ObjectKey::new(Kind::LEASE, "kube-system", format!("kube-{name}"));
    let Some(lease) = cx.find(&key)? else { return Ok(false) };
    let renewed = Time::parse_rfc3339(lease.str(&["spec", "renewTime"])).unwrap_or_default();
    Ok(cx.now()?.since(renewed) <= LEASE)
}

fn refused(cx: &Cx<'_, '_>, name: &str) -> String {
    let (scheme, port) = match (cx.modern(), name) {
        (false, "scheduler") => ("http", 10251),
        (false, _) => ("http", 10252),
        (true, "scheduler") => ("https", 10259),
        (true, _) => ("https", 10257),
    };
    format!("Get \"{scheme}://127.0.0.1:{port}/healthz\": dial tcp 127.0.0.1:{port}: connect: connection refused")
}
