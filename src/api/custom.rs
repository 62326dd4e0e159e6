//! Custom objects: what a CustomResourceDefinition says of them, and their structural schemas.
//! Pure: the definitions are the API server's to keep.
//! Models apiextensions-apiserver/pkg/apiserver/schema (pruning, defaulting) and validation.

use super::validation::{ErrorKind, FieldError};
use super::{Kind, Map, Object, Profile, Value};
use crate::base::Str;

/// The kind of a definition's objects.
pub fn kind_of(crd: &Object) -> Kind {
    let names = |key: &str| crd.str(&["spec", "names", key]);
    let version = stored(crd).map_or("", |v| v.str("name"));
    Kind::custom(crd.str(&["spec", "group"]), version, names("kind"), names("plural"), namespaced(crd))
}

pub fn namespaced(crd: &Object) -> bool {
    crd.str(&["spec", "scope"]) != "Cluster"
}

/// The version that objects are stored in.
pub fn stored(crd: &Object) -> Option<&Value> {
    crd.items(&["spec", "versions"]).iter().find(|v| v.get("storage").and_then(Value::as_bool) == Some(true))
}

/// Names of the versions that are served.
pub fn served(crd: &Object) -> impl Iterator<Item = &str> {
    let all = crd.items(&["spec", "versions"]).iter();
    all.filter(|v| v.get("served").and_then(Value::as_bool) == Some(true)).map(|v| v.str("name"))
}

/// The name of the definition of a kind's objects.
pub fn definition_of(kind: Kind) -> Str {
    let i = kind.info();
    ecow::eco_format!("{}.{}", i.plural, i.group)
}

/// Whether its objects may be asked for.
pub fn established(crd: &Object) -> bool {
    let on = |c: &&Value| c.str("type") == "Established" && c.str("status") == "True";
    crd.items(&["status", "conditions"]).iter().any(|c| on(&c))
}

/// Whether the stored version has a subresource: `status`, `scale`.
pub fn has(crd: &Object, subresource: &str) -> bool {
    stored(crd).is_some_and(|v| v.at(&["subresources", subresource]).is_some())
}

/// The schema of the stored version, unless it keeps whatever comes.
pub fn schema(crd: &Object) -> Option<&Value> {
    stored(crd)?.at(&["schema", "openAPIV3Schema"])
}

/// Whether fields that no schema names are kept.
pub fn keeps_unknown(crd: &Object) -> bool {
    crd.get(&["spec", "preserveUnknownFields"]).and_then(Value::as_bool) == Some(true)
}

fn flag(schema: &Value, key: &str) -> bool {
    schema.get(key).and_then(Value::as_bool) == Some(true)
}

/// What stands for the fields that have no schema of their own.
fn additional(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|a| a.as_map().is_some())
}

/// Takes away what the schema does not name; the names of what went, for strict clients.
pub fn prune(schema: &Value, value: &mut Value, path: &str, gone: &mut Vec<Str>) {
    prune_at(schema, value, path, gone, true);
}

fn prune_at(schema: &Value, value: &mut Value, path: &str, gone: &mut Vec<Str>, root: bool) {
    let under = |key: &str| if path.is_empty() { Str::from(key) } else { ecow::eco_format!("{path}.{key}") };
    match value {
        Value::Map(map) => {
            let kept = flag(schema, "x-kubernetes-preserve-unknown-fields")
                || schema.get("additionalProperties").and_then(Value::as_bool) == Some(true);
            let own = |key: &str| {
                let embedded = root || flag(schema, "x-kubernetes-embedded-resource");
                embedded && matches!(key, "apiVersion" | "kind" | "metadata")
            };
            let keys: Vec<Str> = map.keys().cloned().collect();
            for key in keys.iter().filter(|k| !own(k)) {
                match schema.at(&["properties", key]).or(additional(schema)) {
                    Some(inner) => prune_at(inner, map.entry(key), &under(key), gone, false),
                    None if kept => {}
                    None => {
                        map.remove(key);
                        gone.push(under(key));
                    }
                }
            }
        }
        Value::List(_) => {
            let Some(items) = schema.get("items") else { return };
            for (i, item) in value.make_list().items_mut().iter_mut().enumerate() {
                prune_at(items, item, &format!("{path}[{i}]"), gone, false);
            }
        }
        _ => {}
    }
}

/// Fills in defaults, also within those.
pub fn default(schema: &Value, value: &mut Value) {
    match value {
        Value::Map(map) => {
            for (key, inner) in schema.get("properties").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
                let nullable = flag(inner, "nullable");
                if map.get(key).is_none_or(|v| v.is_null() && !nullable)
                    && let Some(default) = inner.get("default")
                {
                    map.insert(key.clone(), default.clone());
                }
                if map.has(key) {
                    self::default(inner, map.entry(key));
                }
            }
            if let Some(inner) = additional(schema) {
                let named = |k: &str| schema.at(&["properties", k]).is_some();
                let others: Vec<Str> = map.keys().filter(|k| !named(k)).cloned().collect();
                others.iter().for_each(|k| self::default(inner, map.entry(k)));
            }
        }
        Value::List(_) => {
            let Some(items) = schema.get("items") else { return };
            value.make_list().items_mut().iter_mut().for_each(|item| self::default(items, item));
        }
        _ => {}
    }
}

/// Judges patterns: (pattern, text) → whether it matches anywhere.
pub type Matches<'m> = &'m dyn Fn(&str, &str) -> bool;

/// What is wrong with a value.
pub fn validate(schema: &Value, value: &Value, profile: Profile, matches: Matches<'_>) -> Vec<FieldError> {
    let mut check = Check { profile, matches, errors: Vec::new() };
    check.value(schema, value, "", true);
    check.errors
}

struct Check<'m> {
    profile: Profile,
    matches: Matches<'m>,
    errors: Vec<FieldError>,
}

impl Check<'_> {
    fn push(&mut self, kind: ErrorKind, path: &str, value: Value, detail: String) {
        let field = if path.is_empty() { "<nil>" } else { path };
        let error = FieldError { kind, field: field.into(), value, go_type: "", detail: detail.into() };
        self.errors.push(error);
    }

    fn invalid(&mut self, path: &str, value: &Value, what: &str) {
        self.push(ErrorKind::Invalid, path, value.clone(), format!("{path} in body {what}"));
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str, root: bool) {
        if value.is_null() && flag(schema, "nullable") {
            return;
        }
        let either = flag(schema, "x-kubernetes-int-or-string");
        let wanted = schema.str("type");
        let is = type_of(value);
        let fits = match wanted {
            "" => true,
            "number" => is == "integer" || is == "number",
            other => other == is,
        };
        let fits = fits || either && matches!(is, "integer" | "string");
        if !fits {
            let shown = Value::from(is);
            let detail = format!("{path} in body must be of type {wanted}: {}", shown.to_json());
            return self.push(ErrorKind::Invalid, path, shown, detail);
        }
        self.choices(schema, value, path);
        match value {
            Value::Map(map) => self.object(schema, map, path, root),
            Value::List(items) => {
                self.size(schema, items.len(), path, value, ["minItems", "maxItems"], "items");
                if flag(schema, "uniqueItems")
                    && (1..items.len()).any(|i| items.as_slice()[..i].contains(&items.as_slice()[i]))
                {
                    self.invalid(path, value, "shouldn't contain duplicates");
                }
                if let Some(of) = schema.get("items") {
                    for (i, item) in items.iter().enumerate() {
                        self.value(of, item, &format!("{path}[{i}]"), false);
                    }
                }
            }
            Value::Str(text) => self.text(schema, text, path, value),
            Value::Int(n) => self.number(schema, *n, path, value),
            _ => {}
        }
        for (word, all) in [("allOf", true), ("anyOf", false)] {
            let parts = schema.get(word).map_or(&[][..], Value::items);
            let bad: Vec<Vec<FieldError>> = parts
                .iter()
                .map(|s| {
                    let mut inner = Check { profile: self.profile, matches: self.matches, errors: Vec::new() };
                    inner.value(s, value, path, false);
                    inner.errors
                })
                .collect();
            if all {
                self.errors.extend(bad.into_iter().flatten());
            } else if !bad.is_empty() && bad.iter().all(|e| !e.is_empty()) {
                self.invalid(path, value, "must validate at least one schema (anyOf)");
            }
        }
    }

    fn choices(&mut self, schema: &Value, value: &Value, path: &str) {
        let choices = schema.get("enum").map_or(&[][..], Value::items);
        if !choices.is_empty() && !choices.contains(value) {
            let all: Vec<String> = choices.iter().map(|c| format!("{:?}", plain(c))).collect();
            self.push(ErrorKind::NotSupported, path, value.clone(), format!("supported values: {}", all.join(", ")));
        }
    }

    fn object(&mut self, schema: &Value, map: &Map, path: &str, root: bool) {
        let under = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        for key in schema.get("required").map_or(&[][..], Value::items) {
            if !map.has(key.as_str()) {
                self.push(ErrorKind::Required, &under(key.as_str()), Value::Null, String::new());
            }
        }
        self.size(schema, map.len(), path, &Value::Null, ["minProperties", "maxProperties"], "properties");
        for (key, v) in map.iter().filter(|(k, _)| !root || !matches!(k.as_str(), "apiVersion" | "kind" | "metadata")) {
            if let Some(inner) = schema.at(&["properties", key]).or(additional(schema)) {
                self.value(inner, v, &under(key), false);
            }
        }
    }

    fn size(&mut self, schema: &Value, is: usize, path: &str, value: &Value, limits: [&str; 2], unit: &str) {
        let is = i64::try_from(is).unwrap_or(i64::MAX);
        let limit = |key: &str| schema.get(key).and_then(Value::as_int);
        if let Some(least) = limit(limits[0]).filter(|n| is < *n) {
            self.invalid(path, value, &format!("should have at least {least} {unit}"));
        }
        if let Some(most) = limit(limits[1]).filter(|n| is > *n) {
            self.invalid(path, value, &format!("should have at most {most} {unit}"));
        }
    }

    fn text(&mut self, schema: &Value, text: &str, path: &str, value: &Value) {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let limit = |key: &str| schema.get(key).and_then(Value::as_int);
        if let Some(least) = limit("minLength").filter(|n| length < *n) {
            self.invalid(path, value, &format!("should be at least {least} chars long"));
        }
        if let Some(most) = limit("maxLength").filter(|n| length > *n) {
            if self.profile == Profile::Modern {
                let detail = format!("may not be more than {most} bytes");
                self.push(ErrorKind::TooLong, path, Value::Null, detail);
            } else {
                self.invalid(path, value, &format!("should be at most {most} chars long"));
            }
        }
        let pattern = schema.str("pattern");
        if !pattern.is_empty() && !(self.matches)(pattern, text) {
            self.invalid(path, value, &format!("should match '{pattern}'"));
        }
    }

    fn number(&mut self, schema: &Value, n: i64, path: &str, value: &Value) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_int);
        let (low, high) = (flag(schema, "exclusiveMinimum"), flag(schema, "exclusiveMaximum"));
        if let Some(least) = limit("minimum").filter(|m| n < *m || low && n == *m) {
            let or_equal = if low { "" } else { " or equal to" };
            self.invalid(path, value, &format!("should be greater than{or_equal} {least}"));
        }
        if let Some(most) = limit("maximum").filter(|m| n > *m || high && n == *m) {
            let or_equal = if high { "" } else { " or equal to" };
            self.invalid(path, value, &format!("should be less than{or_equal} {most}"));
        }
        if let Some(of) = limit("multipleOf").filter(|m| *m != 0 && n % m != 0) {
            self.invalid(path, value, &format!("should be a multiple of {of}"));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Num(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Str(s) => s.to_string(),
        other => other.to_json(),
    }
}

/// A column that a definition adds to tables.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    pub name: Str,
    pub wide: bool,
    /// `date` columns show ages.
    pub date: bool,
    pub path: Str,
}

/// The columns after the name: the definition's own, or the age alone.
pub fn columns(crd: &Object) -> Vec<Column> {
    let own = stored(crd).and_then(|v| v.get("additionalPrinterColumns")).map_or(&[][..], Value::items);
    let column = |c: &Value| Column {
        name: c.str("name").into(),
        wide: c.get("priority").and_then(Value::as_int).unwrap_or(0) > 0,
        date: c.str("type") == "date",
        path: c.str("jsonPath").into(),
    };
    if own.is_empty() {
        let path = ".metadata.creationTimestamp".into();
        return vec![Column { name: "Age".into(), wide: false, date: true, path }];
    }
    own.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "
type: object
properties:
  spec:
    type: object
    required: [size]
    properties:
      size: {type: integer, minimum: 1, maximum: 5}
      color: {type: string, enum: [red, green], default: red}
      name: {type: string, pattern: '^a', maxLength: 3}
      free: {type: object, x-kubernetes-preserve-unknown-fields: true}
      list: {type: array, items: {type: object, properties: {a: {type: string, default: b}}}}
";

    fn check(text: &str, want: &[&str]) -> Value {
        let schema: Value = serde_yaml::from_str(SCHEMA).unwrap();
        let mut value: Value = serde_yaml::from_str(text).unwrap();
        let mut gone = Vec::new();
        prune(&schema, &mut value, "", &mut gone);
        default(&schema, &mut value);
        let starts = |pattern: &str, text: &str| text.starts_with(&pattern[1..]);
        let mut found: Vec<String> = gone.iter().map(|g| format!("-{g}")).collect();
        let errors = validate(&schema, &value, Profile::Book, &starts);
        found.extend(errors.iter().map(|e| format!("{}: {}", e.field, e.body(Profile::Book))));
        assert_eq!(found, want, "{text}");
        value
    }

    #[test]
    fn schemas_prune_default_and_judge() {
        let fine = check(
            "{metadata: {name: x}, spec: {size: 2, free: {any: 1}, list: [{}], odd: 1}, more: 2}",
            &["-more", "-spec.odd"],
        );
        let want = "{metadata: {name: x}, spec: {size: 2, free: {any: 1}, list: [{a: b}], color: red}}";
        assert_eq!(fine, serde_yaml::from_str::<Value>(want).unwrap());
        check("{spec: {}}", &["spec.size: Required value"]);
        check(
            "{spec: {size: two}}",
            &["spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\""],
        );
        check(
            "{spec: {size: 9}}",
            &["spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5"],
        );
        check(
            "{spec: {size: 1, color: blue}}",
            &["spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\""],
        );
        check(
            "{spec: {size: 1, name: bbbb}}",
            &[
                "spec.name: Invalid value: \"bbbb\": spec.name in body should be at most 3 chars long",
                "spec.name: Invalid value: \"bbbb\": spec.name in body should match '^a'",
            ],
        );
    }
}
