//! `kubectl describe` of config maps and secrets.

use super::super::context::Cx;
use super::super::create::base64_len;
use super::super::error::Run;
use super::{Page, events};
use crate::api::{Map, Object, Value};

pub fn config_map(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    p.put("\nData\n====\n");
    let modern = cx.modern();
    for (key, value) in o.get(&["data"]).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        p.put(format!("{key}:\n----\n{}\n", value.as_str()));
        if modern {
            p.put("\n");
        }
    }
    if modern || o.get(&["binaryData"]).is_some() {
        p.put("\nBinaryData\n====\n");
        for (key, value) in o.get(&["binaryData"]).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
            p.put(format!("{key}: {} bytes\n", base64_len(value.as_str())));
        }
        p.put("\n");
    }
    events::about(cx, o, p)
}

pub fn secret(o: &Object, p: &mut Page) {
    p.head(o);
    p.put(format!("\nType:\t{}\n\nData\n====\n", o.str(&["type"])));
    for (key, value) in o.get(&["data"]).and_then(Value::as_map).into_iter().flat_map(Map::iter) {
        // A service account's token is shown: it is what one looks for.
        if key == "token" && o.str(&["type"]) == "kubernetes.io/service-account-token" {
            p.field(0, key, super::super::create::base64_decode(value.as_str()));
        } else {
            p.field(0, key, format!("{} bytes", base64_len(value.as_str())));
        }
    }
}
