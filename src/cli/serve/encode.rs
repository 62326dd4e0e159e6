//! From answers of the simulation to bytes: objects, lists, tables, watch events, Status.

use std::sync::Arc;

use kubedrill::api::discovery::Declared;
use kubedrill::api::{
    Kind, Map, Object, Profile, Reason, Response, Status, Value, WatchEvent, WatchType, codec, convert, table,
};
use kubedrill::base::Time;
use kubedrill::kubectl::print::table::custom_cell;
use kubedrill::map;
use kubedrill::sim::Reply;

use super::discovery::JSON;
use super::http::{Asked, Part};

/// How the asker wants it.
pub struct How {
    kind: Kind,
    api_version: String,
    subresource: String,
    table: bool,
    /// Rows carry the whole object.
    whole: bool,
    created: bool,
    profile: Profile,
    custom: Option<&'static Declared>,
}

impl How {
    pub fn of(asked: &Asked, kind: Kind, api_version: String, subresource: &str, profile: Profile) -> How {
        How {
            kind,
            api_version,
            subresource: subresource.to_owned(),
            table: asked.header("accept").contains("as=Table"),
            whole: asked.query("includeObject") == Some("Object"),
            created: asked.method == "POST",
            profile,
            custom: None,
        }
    }
    pub fn with(self, custom: Option<&'static Declared>) -> How {
        How { custom, ..self }
    }
    pub fn review(api_version: String, plural: &str, profile: Profile) -> How {
        How {
            kind: Kind::CLUSTER_ROLE,
            api_version,
            subresource: plural.to_owned(),
            table: false,
            whole: false,
            created: true,
            profile,
            custom: None,
        }
    }
    fn object(&self, o: &Object) -> String {
        match self.subresource.as_str() {
            "scale" => {
                let mut root = o.to_value();
                let map = root.make_map();
                map.insert("kind", "Scale");
                map.insert("apiVersion", "autoscaling/v1");
                root.to_json()
            }
            review if review.starts_with("selfsubject") => {
                let mut root = o.to_value();
                let kind = match review {
                    "selfsubjectaccessreviews" => "SelfSubjectAccessReview",
                    "selfsubjectrulesreviews" => "SelfSubjectRulesReview",
                    _ => "SelfSubjectReview",
                };
                let map = root.make_map();
                map.insert("kind", kind);
                map.insert("apiVersion", self.api_version.as_str());
                map.insert("metadata", map! { "creationTimestamp" => Value::Null });
                root.to_json()
            }
            _ => codec::to_json(self.kind, &convert::to_version(o, &self.api_version), self.profile),
        }
    }
}

pub fn reply(reply: Reply, how: &How, now: Time) -> Part {
    let code = if how.created { 201 } else { 200 };
    let ok = |text: String| Part::Whole(code, JSON, text.into_bytes());
    match reply {
        Ok(Response::Object(o)) if how.table && how.subresource.is_empty() => {
            ok(table_of(std::slice::from_ref(&o), o.resource_version, "", how, now, true))
        }
        Ok(Response::Object(o)) => ok(how.object(&o)),
        Ok(Response::List { items, resource_version, continue_token, .. }) => ok(if how.table {
            table_of(&items, resource_version, &continue_token, how, now, true)
        } else {
            list_of(&items, resource_version, &continue_token, how)
        }),
        Ok(Response::Text(text)) => Part::Whole(200, "text/plain", text.as_bytes().to_vec()),
        Ok(Response::Error(error)) => refusal(&error),
        Ok(_) => ok(r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}"#.to_owned()),
        Err(error) => unreachable(&format!("the simulated API server cannot be reached: {error:?}")),
    }
}

fn metadata(resource_version: u64, continue_token: &str) -> String {
    let mut meta = map! { "resourceVersion" => resource_version.to_string() };
    if !continue_token.is_empty() {
        meta.insert("continue", continue_token);
    }
    Value::Map(meta).to_json()
}

fn list_of(items: &[Arc<Object>], resource_version: u64, continue_token: &str, how: &How) -> String {
    let one = |o: &Arc<Object>| {
        let mut value = convert::to_version(o, &how.api_version);
        value.make_map().remove("apiVersion");
        value.make_map().remove("kind");
        codec::to_json(how.kind, &value, how.profile)
    };
    let all: Vec<String> = items.iter().map(one).collect();
    format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[{}]}}",
        how.kind.name(),
        how.api_version,
        metadata(resource_version, continue_token),
        all.join(",")
    )
}

/// Models apiserver/pkg/endpoints/handlers/response.go asTable.
fn table_of(
    items: &[Arc<Object>],
    resource_version: u64,
    continue_token: &str,
    how: &How,
    now: Time,
    columns: bool,
) -> String {
    let definition = |(name, wide): (&str, bool)| {
        map! {
            "description" => "",
            "format" => if name == "Name" { "name" } else { "" },
            "name" => name,
            "priority" => i64::from(wide),
            "type" => "string",
        }
    };
    let definitions: Vec<Map> = match how.custom {
        _ if !columns => Vec::new(),
        Some(d) => {
            let own = d.columns.iter().map(|c| (c.name.as_str(), c.wide));
            std::iter::once(("Name", false)).chain(own).map(definition).collect()
        }
        None => table::columns(how.kind, how.profile).iter().map(|c| definition((c.name, c.wide))).collect(),
    };
    let row = |o: &Arc<Object>| {
        let cells: Vec<Value> = match how.custom {
            Some(d) => {
                let own = d.columns.iter().map(|c| Value::from(custom_cell(c, o, now)));
                std::iter::once(Value::from(o.name().as_str())).chain(own).collect()
            }
            None => table::row(o, now, how.profile, true).iter().map(Value::from).collect(),
        };
        let cells = Value::from(cells).to_json();
        let object = if how.whole {
            how.object(o)
        } else {
            let meta = convert::to_version(o, &how.api_version).get("metadata").cloned().unwrap_or_default();
            let partial = map! {
                "apiVersion" => "meta.k8s.io/v1", "kind" => "PartialObjectMetadata", "metadata" => meta,
            };
            Value::Map(partial).to_json()
        };
        format!("{{\"cells\":{cells},\"object\":{object}}}")
    };
    let rows: Vec<String> = items.iter().map(row).collect();
    format!(
        "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{},\"columnDefinitions\":{},\"rows\":[{}]}}",
        metadata(resource_version, continue_token),
        Value::from(definitions).to_json(),
        rows.join(",")
    )
}

pub fn event(event: &WatchEvent, how: &How, now: Time, begun: bool) -> String {
    let kind = match event.kind {
        WatchType::Added => "ADDED",
        WatchType::Modified => "MODIFIED",
        WatchType::Deleted => "DELETED",
        WatchType::Bookmark => "BOOKMARK",
    };
    let object = if how.table {
        table_of(std::slice::from_ref(&event.object), event.object.resource_version, "", how, now, !begun)
    } else {
        how.object(&event.object)
    };
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

pub fn refusal(error: &Status) -> Part {
    let mut details = Map::new();
    if let Some((kind, name)) = &error.details {
        details.insert("kind", kind);
        details.insert("name", name);
    }
    if !error.causes.is_empty() {
        let cause = |(reason, message, field): &(_, _, _)| -> Value {
            let (reason, message, field): (&kubedrill::base::Str, &kubedrill::base::Str, &kubedrill::base::Str) =
                (reason, message, field);
            Value::Map(map! { "field" => field, "message" => message, "reason" => reason })
        };
        let causes: Vec<Value> = error.causes.iter().map(cause).collect();
        details.insert("causes", causes);
    }
    let reason = match error.reason {
        Reason::Gone => "Expired".to_owned(),
        other => format!("{other:?}"),
    };
    whole(error.code(), &reason, &error.message, details)
}

pub fn status(code: u16, reason: &str, message: &str) -> Part {
    whole(code, reason, message, Map::new())
}

pub fn unreachable(message: &str) -> Part {
    status(503, "ServiceUnavailable", message)
}

fn whole(code: u16, reason: &str, message: &str, details: Map) -> Part {
    let body = map! {
        "apiVersion" => "v1",
        "code" => i64::from(code),
        "details" => details,
        "kind" => "Status",
        "message" => message,
        "metadata" => Map::new(),
        "reason" => reason,
        "status" => "Failure",
    };
    Part::Whole(code, JSON, Value::Map(body).to_json().into_bytes())
}
