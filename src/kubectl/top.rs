//! `kubectl top`: needs the metrics API, which metrics-server provides.
//! Models kubectl/pkg/cmd/top.

use super::context::Cx;
use super::error::{Run, fail};
use crate::api::{Kind, ObjectKey};

pub fn nodes(cx: &mut Cx<'_, '_>) -> Run {
    metrics(cx)
}
pub fn pods(cx: &mut Cx<'_, '_>) -> Run {
    metrics(cx)
}

fn metrics(cx: &mut Cx<'_, '_>) -> Run {
    // The API is there once metrics-server answers for it.
    let key = ObjectKey::new(Kind::DEPLOYMENT, "kube-system", "metrics-server");
    if cx.find(&key)?.is_none() {
        return fail("Metrics API not available");
    }
    fail("metrics not available yet")
}
