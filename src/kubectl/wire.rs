//! Bodies as the API server sends them: fields in the order of the Go structs.

use std::sync::Arc;

use super::print::json::string;
use crate::api::{Kind, Object, ObjectKey, Profile, Reason, Status, WatchType, codec, convert, meta, table};
use crate::base::Str;

pub fn object(profile: Profile, o: &Object) -> String {
    codec::to_json(o.kind(), &convert::to_preferred(o, profile), profile)
}

/// `metadata` of a list.
pub fn list_meta(revision: u64, continue_token: &str, remaining: usize) -> String {
    let mut text = format!("{{\"resourceVersion\":\"{revision}\"");
    if !continue_token.is_empty() {
        text += &format!(",\"continue\":\"{continue_token}\"");
    }
    if remaining > 0 {
        text += &format!(",\"remainingItemCount\":{remaining}");
    }
    text + "}"
}

pub fn list(profile: Profile, kind: Kind, objects: &[Arc<Object>], meta: &str) -> String {
    let one = |o: &Arc<Object>| {
        let mut value = convert::to_preferred(o, profile);
        value.make_map().remove("apiVersion");
        value.make_map().remove("kind");
        codec::to_json(kind, &value, profile)
    };
    let items: Vec<String> = objects.iter().map(one).collect();
    format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{meta},\"items\":[{}]}}",
        kind.name(),
        kind.api_version_in(profile),
        items.join(",")
    )
}

/// Rows as `get` asks for them. Descriptions of columns are left out but for the name's and the age's.
/// Models apiserver/pkg/endpoints/handlers/response.go asTable.
pub fn table(profile: Profile, kind: Kind, objects: &[Arc<Object>], meta: &str) -> String {
    let modern = profile == Profile::Modern;
    let link = match modern {
        true => "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
        false => "http://kubernetes.io/docs/user-guide/identifiers#names",
    };
    let definition = |c: &table::Column| {
        let about = match c.name {
            "Name" => format!(
                "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: {link}"
            ),
            "Ready" if kind == Kind::POD => "The aggregate readiness state of this pod for accepting traffic.".to_owned(),
            "Status" if kind == Kind::POD => "The aggregate status of the containers in this pod.".to_owned(),
            "Restarts" if modern => "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.".to_owned(),
            "Restarts" => "The number of times the containers in this pod have been restarted.".to_owned(),
            _ => String::new(),
        };
        let format = if c.name == "Name" { "name" } else { "" };
        let sort = if c.name == "Restarts" && !modern { "integer" } else { "string" };
        format!(
            "{{\"name\":\"{}\",\"type\":\"{sort}\",\"format\":\"{format}\",\"description\":{},\"priority\":{}}}",
            c.name,
            string(&about),
            i64::from(c.wide)
        )
    };
    let columns: Vec<String> = table::columns(kind, profile).iter().map(definition).collect();
    let rows: Vec<String> = objects.iter().map(|o| {
        let cells: Vec<String> = table::row(o, crate::base::Time::ZERO, profile, true).iter().map(|c| string(c)).collect();
        format!("{{\"cells\":[{}],\"object\":{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{{\"name\":\"{}\"}}}}}}", cells.join(","), o.name())
    }).collect();
    format!(
        "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{meta},\"columnDefinitions\":[{}],\"rows\":[{}]}}",
        columns.join(","),
        rows.join(",")
    )
}

pub fn scale(o: &Object) -> String {
    let n = |path: &[&str]| o.int(path).unwrap_or(0);
    let spec = match n(&["spec", "replicas"]) {
        0 => String::new(),
        n => format!("\"replicas\":{n}"),
    };
    let selector = match o.str(&["status", "selector"]) {
        "" => String::new(),
        text => format!(",\"selector\":{}", string(text)),
    };
    format!(
        "{{\"kind\":\"Scale\",\"apiVersion\":\"autoscaling/v1\",\"metadata\":{{\"name\":\"{}\",\"namespace\":\"{}\",\"uid\":\"{}\",\"resourceVersion\":\"{}\",\"creationTimestamp\":\"{}\"}},\"spec\":{{{spec}}},\"status\":{{\"replicas\":{}{selector}}}}}",
        o.name(),
        o.namespace(),
        meta::uid(o),
        o.resource_version,
        o.str(&["metadata", "creationTimestamp"]),
        n(&["status", "replicas"]),
    )
}

pub fn event_type(kind: WatchType) -> &'static str {
    match kind {
        WatchType::Added => "ADDED",
        WatchType::Modified => "MODIFIED",
        WatchType::Deleted => "DELETED",
        WatchType::Bookmark => "BOOKMARK",
    }
}

pub fn event(kind: &str, object: &str) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

/// What a DELETE answers that removed the object at once.
/// Models apiserver/pkg/registry/generic/registry Store.finalizeDelete.
pub fn gone(profile: Profile, o: &Object) -> String {
    const RETURNED: [Kind; 5] = [
        Kind::POD,
        Kind::PERSISTENT_VOLUME,
        Kind::PERSISTENT_VOLUME_CLAIM,
        Kind::RESOURCE_QUOTA,
        Kind::SERVICE_ACCOUNT,
    ];
    if RETURNED.contains(&o.kind()) || meta::deleting(o) {
        return object(profile, o);
    }
    format!(
        "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Success\",\"details\":{{{},\"uid\":\"{}\"}}}}",
        names(&o.key),
        meta::uid(o)
    )
}

fn names(key: &ObjectKey) -> String {
    let group = match key.kind.info().group {
        "" => String::new(),
        group => format!("\"group\":\"{group}\","),
    };
    format!("\"name\":\"{}\",{group}\"kind\":\"{}\"", key.name, key.kind.plural())
}

/// A refusal. `about`: what was asked for.
pub fn status(s: &Status, about: &ObjectKey) -> String {
    let reason = match s.reason {
        Reason::Gone => "Expired".to_owned(),
        other => format!("{other:?}"),
    };
    let mut details = match (&s.details, s.reason) {
        // Invalid objects are named by their kind, all else by the resource.
        (Some((kind, name)), Reason::Invalid) => {
            let group = about.kind.info().group;
            let group = if group.is_empty() { String::new() } else { format!("\"group\":\"{group}\",") };
            format!("\"name\":\"{name}\",{group}\"kind\":\"{kind}\"")
        }
        (Some((_, name)), _) => names(&ObjectKey { name: name.clone(), ..about.clone() }),
        (None, _) => String::new(),
    };
    if !s.causes.is_empty() {
        let cause = |(reason, message, field): &(Str, Str, Str)| {
            format!("{{\"reason\":{},\"message\":{},\"field\":{}}}", string(reason), string(message), string(field))
        };
        let all: Vec<String> = s.causes.iter().map(cause).collect();
        let comma = if details.is_empty() { "" } else { "," };
        details += &format!("{comma}\"causes\":[{}]", all.join(","));
    }
    let details = if details.is_empty() { String::new() } else { format!("\"details\":{{{details}}},") };
    format!(
        "{{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{{}},\"status\":\"Failure\",\"message\":{},\"reason\":\"{reason}\",{details}\"code\":{}}}",
        string(&s.message),
        s.code()
    )
}
