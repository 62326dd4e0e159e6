//! Values as Go's fmt prints them, for error messages.

use super::schema::{self, Ty, Type};
use super::{Profile, Value};

/// `%v` of decoded JSON: `map[a:1 b:[x y]]`.
pub fn any(v: &Value) -> String {
    match v {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Num(n) | Value::Str(n) => n.to_string(),
        Value::List(l) => format!("[{}]", l.iter().map(any).collect::<Vec<_>>().join(" ")),
        Value::Map(m) => {
            let entries: Vec<String> = m.iter().map(|(k, v)| format!("{k}:{}", any(v))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// `%q`: a Go string literal.
pub fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `%#v` of `value` as the Go type `go_type` (`v1.LabelSelector`, `map[string]string`, `[]string`).
/// Pointers to anything but structs would print an address in Go; here they print what they point to.
pub fn go_syntax(value: &Value, go_type: &str) -> String {
    let (package, name) = go_type.rsplit_once('.').unwrap_or(("", go_type));
    let found = ["meta/v1", "core/v1", "apps/v1", "rbac/v1"].iter().find_map(|p| schema::find(p, name));
    match found {
        Some(t) => go_struct(value, t, package),
        None if go_type.starts_with("map[string]string") && value.is_null() => "map[string]string(nil)".to_owned(),
        None if go_type.starts_with("map[string]string") => string_map(value),
        None if go_type.starts_with("[]") && value.is_null() => format!("{go_type}(nil)"),
        None if go_type.starts_with("[]") => {
            let items: Vec<String> = value.items().iter().map(|v| quote(v.as_str())).collect();
            format!("{go_type}{{{}}}", items.join(", "))
        }
        None => any(value),
    }
}

/// `%#v` of an `IntOrString`.
pub fn int_or_string(v: &Value) -> String {
    let (kind, n) = v.as_int().map_or((1, 0), |n| (0, n));
    format!("intstr.IntOrString{{Type:{kind}, IntVal:{n}, StrVal:{}}}", quote(v.as_str()))
}

/// `%#v` of a plain quantity as a server holds it.
pub fn quantity(q: super::quantity::Quantity) -> String {
    let millis = q.millis();
    let (value, scale) = if millis % 1000 == 0 { (millis / 1000, "0") } else { (millis, "-3") };
    format!(
        "resource.Quantity{{i:resource.int64Amount{{value:{value}, scale:{scale}}}, d:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:\"{q}\", Format:\"DecimalSI\"}}"
    )
}

fn go_struct(value: &Value, t: &Type, package: &str) -> String {
    let fields = t.fields.iter().filter(|f| f.exists_in(Profile::Book));
    let texts: Vec<String> =
        fields.map(|f| format!("{}:{}", f.go_name(), go_value(value.get(f.name), &f.ty, package))).collect();
    format!("{package}.{}{{{}}}", t.name, texts.join(", "))
}

fn go_value(value: Option<&Value>, ty: &Ty, package: &str) -> String {
    match (ty, value) {
        (Ty::Str(_), v) => quote(v.map_or("", Value::as_str)),
        (Ty::Int32 | Ty::Int64, v) => v.and_then(Value::as_int).unwrap_or(0).to_string(),
        (Ty::Bool, v) => v.and_then(Value::as_bool).unwrap_or(false).to_string(),
        (Ty::List(t), None) => format!("[]{}(nil)", go_type_name(t, package)),
        (Ty::List(t), Some(v)) => {
            let items: Vec<String> = v.items().iter().map(|i| go_value(Some(i), t, package)).collect();
            format!("[]{}{{{}}}", go_type_name(t, package), items.join(", "))
        }
        (Ty::Map(..), None) => "map[string]string(nil)".to_owned(),
        (Ty::Map(..), Some(v)) => string_map(v),
        (Ty::Ptr(t), None) => format!("(*{})(nil)", go_type_name(t, package)),
        (Ty::Struct(_), v) => match ty.as_struct() {
            Some(t) => go_struct(v.unwrap_or(&Value::Null), t, package),
            None => String::new(),
        },
        (Ty::Ptr(t) | Ty::Named(_, t), v) => go_value(v, t, package),
        (_, v) => v.map_or_else(|| "nil".to_owned(), any),
    }
}

fn go_type_name(ty: &Ty, package: &str) -> String {
    match ty {
        Ty::Str("string") => "string".to_owned(),
        Ty::Str(name) | Ty::Named(name, _) => format!("{package}.{name}"),
        Ty::Int32 => "int32".to_owned(),
        Ty::Int64 => "int64".to_owned(),
        Ty::Bool => "bool".to_owned(),
        Ty::Struct(_) => ty.as_struct().map_or(String::new(), |t| format!("{package}.{}", t.name)),
        _ => "interface {}".to_owned(),
    }
}

/// `%#v` of a `map[string]string`.
fn string_map(v: &Value) -> String {
    let entries = v.as_map().map(|m| m.iter().map(|(k, v)| format!("{}:{}", quote(k), quote(v.as_str()))));
    format!("map[string]string{{{}}}", entries.into_iter().flatten().collect::<Vec<_>>().join(", "))
}
