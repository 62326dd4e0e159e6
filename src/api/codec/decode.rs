//! Finds what does not fit upstream's structs: wrong types, with the decoder's message of each age,
//! and unknown fields.

use super::super::quantity::Quantity;
use super::super::schema::{Ty, Type};
use super::super::{Map, Profile, Value, gofmt};
use crate::base::Time;

/// The first decoding error, and every unknown field as `unknown field "spec.replicaz"`.
#[derive(Default)]
pub(super) struct Found {
    pub error: Option<String>,
    pub unknown: Vec<String>,
}

/// `old` is what `value` is a change of: parts that both share are fine already.
pub(super) fn check(t: &'static Type, value: &Value, old: Option<&Value>, profile: Profile) -> Found {
    let mut walk = Walk {
        profile,
        found: Found::default(),
        names: Vec::new(),
        indexed: String::new(),
        go: Vec::new(),
        root: value,
    };
    match value {
        Value::Map(m) => walk.object(t, m, old),
        other => walk.mismatch(other, &format!("v1.{}", t.name), ""),
    }
    walk.found
}

struct Walk<'v> {
    profile: Profile,
    found: Found,
    /// Field names from the root, without indexes.
    names: Vec<&'v str>,
    /// The same with indexes: `spec.containers[0].image`.
    indexed: String,
    /// Go structs and fields from the root: `v1.Deployment.Spec`.
    go: Vec<String>,
    root: &'v Value,
}

impl<'v> Walk<'v> {
    fn object(&mut self, t: &'static Type, map: &'v Map, old: Option<&Value>) {
        if old.and_then(Value::as_map).is_some_and(|o| o.same(map)) {
            return;
        }
        let root = self.names.is_empty();
        for (key, value) in map.iter() {
            if root && matches!(key.as_str(), "apiVersion" | "kind") {
                continue;
            }
            let at = self.indexed.len();
            if at > 0 {
                self.indexed.push('.');
            }
            self.indexed.push_str(key);
            match t.field(key, self.profile) {
                None => self.found.unknown.push(format!("unknown field {}", gofmt::quote(&self.indexed))),
                Some(field) => {
                    self.names.push(key);
                    self.go.push(format!("v1.{}.{}", t.name, field.go_name()));
                    self.value(&field.ty, value, old.and_then(|o| o.get(key)), t.name);
                    self.go.pop();
                    self.names.pop();
                }
            }
            self.indexed.truncate(at);
        }
    }

    fn value(&mut self, ty: &'static Ty, value: &'v Value, old: Option<&Value>, owner: &str) {
        if value.is_null() || self.found.error.is_some() {
            return;
        }
        match (ty.inner(), value) {
            (Ty::Struct(_), Value::Map(m)) => {
                if let Some(t) = ty.as_struct() {
                    self.object(t, m, old);
                }
            }
            (Ty::List(item), Value::List(list)) => {
                let before = old.map_or(&[][..], Value::items);
                for (i, v) in list.iter().enumerate() {
                    let at = self.indexed.len();
                    self.indexed.push_str(&format!("[{i}]"));
                    self.value(item, v, before.get(i), owner);
                    self.indexed.truncate(at);
                }
            }
            (Ty::Map(_, entry), Value::Map(m)) => {
                for (key, v) in m.iter() {
                    self.names.push(key);
                    self.value(entry, v, None, owner);
                    self.names.pop();
                }
            }
            (Ty::Str(_), Value::Str(_)) | (Ty::Bool, Value::Bool(_)) | (Ty::Any, _) => {}
            (Ty::Int64, Value::Int(_)) => {}
            (Ty::Int32, Value::Int(n)) if i32::try_from(*n).is_ok() => {}
            (Ty::IntOrString, Value::Int(_) | Value::Str(_)) => {}
            (Ty::Quantity, v) => self.quantity(v),
            (Ty::Time | Ty::MicroTime, Value::Str(text)) => {
                if Time::parse_rfc3339(text).is_none() {
                    let (text, layout) = (gofmt::quote(text), "2006-01-02T15:04:05Z07:00");
                    let error = format!("parsing time {text} as \"{layout}\": cannot parse {text} as \"2006\"");
                    self.fail(error);
                }
            }
            (Ty::Bytes, Value::Str(text)) => self.base64(text),
            (_, other) => {
                let go = go_name(ty);
                self.mismatch(other, &go, owner);
            }
        }
    }

    fn quantity(&mut self, value: &Value) {
        let error = match value {
            Value::Int(_) | Value::Num(_) => return,
            Value::Str(text) => match Quantity::parse(text) {
                Ok(_) => return,
                Err(error) => error.to_owned(),
            },
            _ => super::super::quantity::SYNTAX.to_owned(),
        };
        match self.profile {
            Profile::Modern => self.fail(error),
            Profile::Book => {
                let text = format!("{}: unmarshalerDecoder: {error}", self.go.join(": "));
                self.fail_in_text(text, value);
            }
        }
    }

    fn base64(&mut self, text: &str) {
        let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
        let clean: Vec<u8> = text.bytes().filter(|c| !matches!(c, b'\n' | b'\r')).collect();
        let data = clean.iter().position(|c| !fine(*c)).unwrap_or(clean.len());
        let padding = clean.len() - data;
        let padded = clean[data..].iter().all(|c| *c == b'=') && padding <= 2 && clean.len().is_multiple_of(4);
        if padded {
            return;
        }
        let at = if clean[data..].iter().all(|c| *c == b'=') { clean.len() / 4 * 4 } else { data };
        let error = format!("illegal base64 data at input byte {at}");
        match self.profile {
            Profile::Modern => self.fail(error),
            Profile::Book => {
                let text = format!("{}: base64Codec: {error}", self.go.join(": "));
                self.fail_in_text(text, &Value::from(text_of(&clean)));
            }
        }
    }

    fn fail(&mut self, error: String) {
        self.found.error.get_or_insert(error);
    }

    /// A value of the wrong JSON type for the Go type `go`, in the struct `owner`.
    fn mismatch(&mut self, value: &Value, go: &str, owner: &str) {
        match self.profile {
            Profile::Modern => {
                let kind = match value {
                    Value::Int(n) if go.starts_with("int") => format!("number {n}"),
                    Value::Num(n) if go.starts_with("int") => format!("number {n}"),
                    Value::Int(_) | Value::Num(_) => "number".to_owned(),
                    Value::Bool(_) => "bool".to_owned(),
                    Value::Map(_) => "object".to_owned(),
                    other => other.type_name().to_owned(),
                };
                let path = self.names.join(".");
                let place = if owner.is_empty() { "value".to_owned() } else { format!("struct field {owner}.{path}") };
                self.fail(format!("json: cannot unmarshal {kind} into Go {place} of type {go}"));
            }
            Profile::Book => {
                let text = format!("{}: {}", self.go.join(": "), old_complaint(value, go));
                self.fail_in_text(text, value);
            }
        }
    }

    /// The old decoder (json-iterator) shows the text around the place where it gave up.
    fn fail_in_text(&mut self, error: String, value: &Value) {
        let text = self.root.to_json();
        let key = self.names.last().copied().unwrap_or_default();
        let needle = format!("{}:{}", gofmt::quote(key), value.to_json());
        let at = text.find(&needle).map_or(0, |i| i + key.len() + 4).min(text.len());
        let slice = |before: usize, after: usize| {
            let from = (at.saturating_sub(before)..=at).find(|i| text.is_char_boundary(*i)).unwrap_or(at);
            let to = (at..=(at + after).min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(at);
            &text[from..to]
        };
        let place = at.min(10);
        let (near, wide) = (slice(10, 10), slice(50, 50));
        self.fail(format!("{error}, error found in #{place} byte of ...|{near}|..., bigger context ...|{wide}|..."));
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What json-iterator says when the first character is not what the type begins with.
fn old_complaint(value: &Value, go: &str) -> String {
    let first = value.to_json().chars().next().unwrap_or(' ');
    match go {
        "int32" if matches!(value, Value::Num(_)) => "readUint32: can not decode float as int".to_owned(),
        "int64" if matches!(value, Value::Num(_)) => "readUint64: can not decode float as int".to_owned(),
        "int32" => "readUint32: unexpected character: \u{fffd}".to_owned(),
        "int64" => "readUint64: unexpected character: \u{fffd}".to_owned(),
        "bool" => format!("ReadBool: expect t or f, but found {first}"),
        _ if go.starts_with("[]") => format!("decode slice: expect [ or n, but found {first}"),
        _ if go.starts_with("map[") => format!("ReadMapCB: expect {{ or n, but found {first}"),
        "string" => format!("ReadString: expects \" or n, but found {first}"),
        _ => format!("readObjectStart: expect {{ or n, but found {first}"),
    }
}

/// `int32`, `v1.DeploymentSpec`, `[]v1.Container`, `map[string]string`.
fn go_name(ty: &Ty) -> String {
    match ty {
        Ty::Ptr(t) => go_name(t),
        Ty::Named(name, _) => format!("v1.{name}"),
        Ty::Str("string") => "string".to_owned(),
        Ty::Str(name) => format!("v1.{name}"),
        Ty::Int32 => "int32".to_owned(),
        Ty::Int64 => "int64".to_owned(),
        Ty::Bool => "bool".to_owned(),
        Ty::Bytes => "[]uint8".to_owned(),
        Ty::IntOrString => "intstr.IntOrString".to_owned(),
        Ty::Time => "v1.Time".to_owned(),
        Ty::MicroTime => "v1.MicroTime".to_owned(),
        Ty::Quantity => "resource.Quantity".to_owned(),
        Ty::Any => "interface {}".to_owned(),
        Ty::Struct(_) => ty.as_struct().map_or(String::new(), |t| format!("v1.{}", t.name)),
        Ty::List(t) => format!("[]{}", go_name(t)),
        Ty::Map(key, t) => format!("map[{key}]{}", go_name(t)),
    }
}
