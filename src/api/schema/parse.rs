//! Reads `types.txt` into [`Type`]s. The table is ours, so a mistake in it panics at first use.

use super::{Field, Flat, ListKind, Profile, Ty, Type, TypeId};
use crate::base::arrange::Arrange;

/// A line of the table before its type names are resolved.
struct Line {
    package: &'static str,
    name: &'static str,
    rest: &'static str,
    /// `Name = Type`.
    alias: bool,
    atomic: bool,
}

pub(super) fn parse(text: &'static str) -> Vec<Type> {
    let lines = lines(text);
    let mut types: Vec<Type> = lines.iter().filter(|l| !l.alias).map(|l| parse_type(l, &lines)).collect();
    for i in 0..types.len() {
        let mut flat = Vec::new();
        flatten(&types, TypeId(i as u16), None, &mut flat);
        flat.arrange_by_key(|f| f.name);
        types[i].flat = flat;
    }
    types
}

fn lines(text: &'static str) -> Vec<Line> {
    let mut package = "";
    let mut all = Vec::new();
    for line in text.lines().filter(|l| !l.is_empty()) {
        if let Some(p) = line.strip_prefix('@') {
            package = p;
            continue;
        }
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (alias, rest) = rest.strip_prefix("= ").map_or((false, rest), |r| (true, r));
        // Whether a type exists in a profile follows from the fields that lead to it.
        let name = name.trim_start_matches(['+', '-']);
        let atomic = name.ends_with('^');
        all.push(Line { package, name: name.trim_end_matches('^'), rest, alias, atomic });
    }
    all
}

fn parse_type(line: &Line, lines: &[Line]) -> Type {
    let fields = line.rest.split(' ').filter(|f| !f.is_empty()).map(|f| parse_field(f, line.package, lines)).collect();
    Type { name: line.name, package: line.package, fields, atomic: line.atomic, flat: Vec::new() }
}

fn parse_field(text: &'static str, package: &'static str, lines: &[Line]) -> Field {
    let only = match text.as_bytes()[0] {
        b'+' => Some(Profile::Modern),
        b'-' => Some(Profile::Book),
        _ => None,
    };
    let text = if only.is_some() { &text[1..] } else { text };
    let (text, atomic) = text.strip_suffix('^').map_or((text, false), |t| (t, true));
    let (text, apply_keys) = text.split_once('#').map_or((text, None), |(t, k)| (t, Some(k)));
    let (text, merge) = text.split_once('|').map_or((text, None), |(t, m)| (t, Some(m)));
    let (head, ty) = text.split_once(':').unwrap_or((text, "string"));
    let embedded = head.starts_with('&');
    let ty = if embedded { resolve(&head[1..], package, lines) } else { resolve(ty, package, lines) };
    let (required, always) = (head.ends_with('!'), head.ends_with(['!', '?']));
    let head = head.trim_start_matches('&').trim_end_matches(['!', '?']);
    let (name, go) = head.split_once('=').map_or((head, None), |(n, g)| (n, Some(g)));
    let go = go.map(|g| g.trim_end_matches(['!', '?']));
    let retain_keys = merge.is_some_and(|m| m.ends_with('~'));
    let merge_key = merge.map(|m| m.trim_end_matches('~')).filter(|m| *m != "-");
    let list = match (apply_keys, merge_key) {
        (Some("!"), _) | (None, None) => ListKind::Atomic,
        (Some(""), _) | (None, Some("")) => ListKind::Set,
        (Some(keys), _) => ListKind::Map(keys.split(',').collect()),
        (None, Some(key)) => ListKind::Map(vec![key]),
    };
    Field { name, go, ty, required, always, embedded, merge_key, retain_keys, list, atomic, only }
}

fn resolve(name: &'static str, package: &'static str, lines: &[Line]) -> Ty {
    if let Some(rest) = name.strip_prefix('*') {
        return Ty::Ptr(Box::new(resolve(rest, package, lines)));
    }
    if name == "[]byte" {
        return Ty::Bytes;
    }
    if let Some(rest) = name.strip_prefix("[]") {
        return Ty::List(Box::new(resolve(rest, package, lines)));
    }
    if let Some((key, value)) = name.strip_prefix("map[").and_then(|m| m.split_once(']')) {
        return Ty::Map(key, Box::new(resolve(value, package, lines)));
    }
    match name {
        "int32" => Ty::Int32,
        "int64" => Ty::Int64,
        "bool" => Ty::Bool,
        "Quantity" => Ty::Quantity,
        "IntOrString" => Ty::IntOrString,
        "Time" => Ty::Time,
        "MicroTime" => Ty::MicroTime,
        "RawExtension" | "FieldsV1" => Ty::Any,
        _ => declared(name, package, lines),
    }
}

/// A type of the own package, else of those that others import; a name declared nowhere is a kind
/// of string (`RestartPolicy`).
fn declared(name: &'static str, package: &'static str, lines: &[Line]) -> Ty {
    for package in [package, "core/v1", "meta/v1", "batch/v1"] {
        if let Some(l) = lines.iter().find(|l| l.package == package && l.name == name) {
            if l.alias {
                return Ty::Named(l.name, Box::new(resolve(l.rest, package, lines)));
            }
            let before = lines.iter().take_while(|x| !std::ptr::eq(*x, l)).filter(|x| !x.alias).count();
            return Ty::Struct(TypeId(before as u16));
        }
    }
    Ty::Str(name)
}

fn flatten(types: &[Type], id: TypeId, only: Option<Profile>, out: &mut Vec<Flat>) {
    for (i, field) in types[id.0 as usize].fields.iter().enumerate() {
        let only = only.or(field.only);
        match (&field.ty, field.embedded) {
            (Ty::Struct(inner), true) => flatten(types, *inner, only, out),
            _ => out.push(Flat { name: field.name, id, index: i as u16, only }),
        }
    }
}
