//! Field errors, the paths they name, and the list they gather in.
//! Models apimachinery/pkg/util/validation/field.

use super::super::{Map, Profile, Value, gofmt, names};
use crate::base::Str;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
}

impl ErrorKind {
    /// As `details.causes[].reason` names it.
    pub fn cause(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "FieldValueNotFound",
            ErrorKind::Required => "FieldValueRequired",
            ErrorKind::Duplicate => "FieldValueDuplicate",
            ErrorKind::Invalid => "FieldValueInvalid",
            ErrorKind::NotSupported => "FieldValueNotSupported",
            ErrorKind::Forbidden => "FieldValueForbidden",
            ErrorKind::TooLong => "FieldValueTooLong",
        }
    }
    fn words(self) -> &'static str {
        match self {
            ErrorKind::NotFound => "Not found",
            ErrorKind::Required => "Required value",
            ErrorKind::Duplicate => "Duplicate value",
            ErrorKind::Invalid => "Invalid value",
            ErrorKind::NotSupported => "Unsupported value",
            ErrorKind::Forbidden => "Forbidden",
            ErrorKind::TooLong => "Too long",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct FieldError {
    pub kind: ErrorKind,
    /// `spec.containers[0].image`
    pub field: Str,
    pub value: Value,
    /// The Go type of `value`, which old versions print.
    pub go_type: &'static str,
    pub detail: Str,
}

impl FieldError {
    /// The text after the field: `Invalid value: -1: must be greater than or equal to 0`.
    pub fn body(&self, profile: Profile) -> String {
        let mut text = self.kind.words().to_owned();
        if !matches!(self.kind, ErrorKind::Required | ErrorKind::Forbidden | ErrorKind::TooLong) {
            text += ": ";
            text += &self.value_text(profile);
        }
        if !self.detail.is_empty() {
            text += ": ";
            text += &self.detail;
        }
        text
    }

    fn value_text(&self, profile: Profile) -> String {
        match (&self.value, profile) {
            (Value::Str(s), _) => gofmt::quote(s),
            (Value::Int(n), _) => n.to_string(),
            (Value::Bool(b), _) => b.to_string(),
            (Value::Null, Profile::Book) if !self.go_type.starts_with(['m', '[']) => "\"null\"".to_owned(),
            (Value::Num(text), _) => text.to_string(),
            (value, Profile::Modern) => value.to_json(),
            (value, Profile::Book) => gofmt::go_syntax(value, self.go_type),
        }
    }
}

/// Where in an object something is. Costs nothing until it is printed.
pub(super) enum Path<'a> {
    Field(&'static str),
    Child(&'a Path<'a>, &'static str),
    Index(&'a Path<'a>, usize),
    Key(&'a Path<'a>, &'a str),
    /// Written out already.
    Raw(String),
}

impl<'a> Path<'a> {
    pub fn child(&'a self, name: &'static str) -> Path<'a> {
        Path::Child(self, name)
    }
    pub fn index(&'a self, i: usize) -> Path<'a> {
        Path::Index(self, i)
    }
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }
    pub fn text(&self) -> String {
        match self {
            Path::Field(name) => (*name).to_owned(),
            Path::Raw(text) => text.clone(),
            Path::Child(parent, name) => format!("{}.{name}", parent.text()),
            Path::Index(parent, i) => format!("{}[{i}]", parent.text()),
            Path::Key(parent, key) => format!("{}[{key}]", parent.text()),
        }
    }
}

/// Errors as they are found.
pub(super) struct Errors {
    pub profile: Profile,
    list: Vec<FieldError>,
}

impl Errors {
    pub fn new(profile: Profile) -> Errors {
        Errors { profile, list: Vec::new() }
    }
    pub fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
    pub fn done(self) -> Vec<FieldError> {
        self.list
    }
    fn push(&mut self, kind: ErrorKind, path: &Path<'_>, value: Value, detail: impl Into<Str>) {
        let go_type = "";
        self.list.push(FieldError { kind, field: path.text().into(), value, go_type, detail: detail.into() });
    }
    pub fn invalid(&mut self, path: &Path<'_>, value: impl Into<Value>, detail: impl Into<Str>) {
        self.push(ErrorKind::Invalid, path, value.into(), detail);
    }
    /// Like [`Errors::invalid`] for a value that old versions print as a Go `go_type`.
    pub fn invalid_go(&mut self, path: &Path<'_>, value: Value, go_type: &'static str, detail: &str) {
        self.push(ErrorKind::Invalid, path, value, detail);
        if let Some(last) = self.list.last_mut() {
            last.go_type = go_type;
        }
    }
    /// An int or a percentage, which old versions print as a struct.
    pub fn invalid_int_or_string(&mut self, path: &Path<'_>, value: &Value, detail: impl Into<Str>) {
        let shown = if self.modern() { value.clone() } else { Value::Num(gofmt::int_or_string(value).into()) };
        self.push(ErrorKind::Invalid, path, shown, detail);
    }
    /// A detail for the last error.
    pub fn add_detail(&mut self, detail: &str) {
        if let Some(last) = self.list.last_mut() {
            last.detail = detail.into();
        }
    }
    pub fn len(&self) -> usize {
        self.list.len()
    }
    /// How many errors there are at the very end that name `path`.
    pub fn count_at(&self, path: &Path<'_>) -> usize {
        let text = path.text();
        self.list.iter().rev().take_while(|e| e.field == text).count()
    }
    pub fn required(&mut self, path: &Path<'_>, detail: &str) {
        self.push(ErrorKind::Required, path, Value::Null, detail);
    }
    pub fn forbidden(&mut self, path: &Path<'_>, detail: impl Into<Str>) {
        self.push(ErrorKind::Forbidden, path, Value::Null, detail);
    }
    pub fn duplicate(&mut self, path: &Path<'_>, value: impl Into<Value>) {
        self.push(ErrorKind::Duplicate, path, value.into(), "");
    }
    pub fn not_found(&mut self, path: &Path<'_>, value: impl Into<Value>) {
        self.push(ErrorKind::NotFound, path, value.into(), "");
    }
    pub fn too_long(&mut self, path: &Path<'_>, limit: usize) {
        let unit = if self.modern() { "may not be more than" } else { "must have at most" };
        self.push(ErrorKind::TooLong, path, Value::Null, format!("{unit} {limit} bytes"));
    }
    pub fn not_supported(&mut self, path: &Path<'_>, value: &str, supported: &[&str]) {
        let quoted: Vec<String> = supported.iter().map(|s| gofmt::quote(s)).collect();
        self.push(ErrorKind::NotSupported, path, value.into(), format!("supported values: {}", quoted.join(", ")));
    }
    /// The same of a struct, which old versions print as a Go `go_type`.
    pub fn not_supported_go(&mut self, path: &Path<'_>, value: Value, go_type: &'static str, supported: &[&str]) {
        self.not_supported(path, "", supported);
        if let Some(last) = self.list.last_mut() {
            (last.value, last.go_type) = (value, go_type);
        }
    }

    /// One invalid-value error for each complaint.
    pub fn complaints(&mut self, path: &Path<'_>, value: &str, complaints: Vec<String>) {
        for detail in complaints {
            self.invalid(path, value, detail);
        }
    }
    /// The value of `key` must be one of `supported`; absent is fine.
    pub fn one_of(&mut self, v: &Value, key: &'static str, path: &Path<'_>, supported: &[&str]) {
        let text = v.str(key);
        if !text.is_empty() && !supported.contains(&text) {
            self.not_supported(&path.child(key), text, supported);
        }
    }
    pub fn non_negative(&mut self, v: &Value, key: &'static str, path: &Path<'_>) {
        if let Some(n) = v.get(key).and_then(Value::as_int).filter(|n| *n < 0) {
            self.invalid(&path.child(key), n, "must be greater than or equal to 0");
        }
    }
    pub fn dns_label(&mut self, path: &Path<'_>, text: &str) {
        self.complaints(path, text, names::label(text, self.profile));
    }
    pub fn ip(&mut self, path: &Path<'_>, text: &str) {
        let complaints = names::ip(text);
        if self.modern() || complaints.is_empty() {
            self.complaints(path, text, complaints);
        } else {
            self.invalid(path, text, "must be valid IP address");
        }
    }
    /// Labels: keys and values. Every error is at `path` itself.
    pub fn labels(&mut self, labels: Option<&Map>, path: &Path<'_>) {
        for (key, value) in labels.iter().flat_map(|l| l.iter()) {
            if !names::is_plain(key) {
                self.complaints(path, key, names::label_key(key, self.profile));
            }
            if !names::is_plain(value.as_str()) {
                self.complaints(path, value.as_str(), names::label_value(value.as_str(), self.profile));
            }
        }
    }
}
