//! JSON patch (RFC 6902) and JSON merge patch (RFC 7386).

use super::super::{Map, Reason, Status, Value};

/// `target` with the merge patch applied.
pub fn json_merge(target: &Value, patch: &Value) -> Value {
    let Value::Map(patch) = patch else { return patch.clone() };
    let mut map = target.as_map().cloned().unwrap_or_default();
    for (key, value) in patch.iter() {
        if value.is_null() {
            map.remove(key);
        } else {
            let old = map.get(key).cloned().unwrap_or_default();
            let new = json_merge(&old, value);
            if new != old || !map.has(key) {
                map.insert(key.clone(), new);
            }
        }
    }
    Value::Map(map)
}

/// The merge patch that turns `from` into `to`.
pub fn merge_diff(from: &Map, to: &Map) -> Map {
    let mut patch = Map::new();
    for key in from.keys().filter(|k| !to.has(k)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to.iter() {
        match (from.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Map(old)), Value::Map(new)) => {
                patch.insert(key.clone(), merge_diff(old, new));
            }
            _ => patch.insert(key.clone(), value.clone()),
        }
    }
    patch
}

/// `target` with the list of operations applied.
pub fn json_patch(target: &Value, operations: &Value) -> Result<Value, Status> {
    let Value::List(operations) = operations else {
        let got = operations.type_name().replace("map", "object");
        let message = format!("json: cannot unmarshal {got} into Go value of type jsonpatch.Patch");
        return Err(Status::new(Reason::BadRequest, message));
    };
    let mut document = target.clone();
    for operation in operations {
        apply_one(&mut document, operation).map_err(|Failed| {
            // The API server answers 422 and drops the reason.
            let words = "the server rejected our request due to an error in our request";
            Status::new(Reason::Invalid, words)
        })?;
    }
    Ok(document)
}

/// An operation could not be carried out.
struct Failed;

fn apply_one(document: &mut Value, operation: &Value) -> Result<(), Failed> {
    let path = pointer(operation.get("path").ok_or(Failed)?.as_str())?;
    let value = || operation.get("value").cloned().ok_or(Failed);
    match operation.str("op") {
        "add" => add(document, &path, value()?),
        "remove" => remove(document, &path).map(|_| ()),
        "replace" => {
            let place = find(document, &path).ok_or(Failed)?;
            *place = value()?;
            Ok(())
        }
        "move" => {
            let moved = remove(document, &pointer(operation.str("from"))?)?;
            add(document, &path, moved)
        }
        "copy" => {
            let copied = find(document, &pointer(operation.str("from"))?).ok_or(Failed)?.clone();
            add(document, &path, copied)
        }
        "test" => {
            let found = find(document, &path).cloned().unwrap_or_default();
            if found == operation.get("value").cloned().unwrap_or_default() { Ok(()) } else { Err(Failed) }
        }
        _ => Err(Failed),
    }
}

/// `/a/b~1c` as its keys.
fn pointer(text: &str) -> Result<Vec<String>, Failed> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text.strip_prefix('/').ok_or(Failed)?;
    Ok(rest.split('/').map(|k| k.replace("~1", "/").replace("~0", "~")).collect())
}

fn find<'a>(document: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(document, |v, key| match v {
        Value::Map(m) if m.has(key) => Some(m.entry(key)),
        Value::List(l) => {
            let i: usize = key.parse().ok()?;
            l.items_mut().get_mut(i)
        }
        _ => None,
    })
}

fn add(document: &mut Value, path: &[String], value: Value) -> Result<(), Failed> {
    let Some((last, parents)) = path.split_last() else {
        *document = value;
        return Ok(());
    };
    match find(document, parents).ok_or(Failed)? {
        Value::Map(m) => m.insert(last.as_str(), value),
        Value::List(l) if last == "-" => l.push(value),
        Value::List(l) => {
            let i: usize = last.parse().map_err(|_| Failed)?;
            if i > l.len() {
                return Err(Failed);
            }
            l.make_mut().insert(i, value);
        }
        _ => return Err(Failed),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &[String]) -> Result<Value, Failed> {
    let (last, parents) = path.split_last().ok_or(Failed)?;
    match find(document, parents).ok_or(Failed)? {
        Value::Map(m) => m.remove(last).ok_or(Failed),
        Value::List(l) => {
            let i: usize = last.parse().map_err(|_| Failed)?;
            if i < l.len() { Ok(l.make_mut().remove(i)) } else { Err(Failed) }
        }
        _ => Err(Failed),
    }
}
