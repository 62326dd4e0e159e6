//! Which names, label keys and values are valid, and what upstream says of those that are not.
//! Each function returns the complaints; none means valid.
//! Models apimachinery/pkg/util/validation.

use super::Profile;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const QUALIFIED_WORDS: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn max_len(n: usize) -> String {
    format!("must be no more than {n} characters")
}

/// `message (e.g. 'a',  or 'b', regex used for validation is '…')`
fn regex_error(message: &str, format: &str, examples: &[&str]) -> String {
    let examples = examples.iter().map(|e| format!("'{e}', ")).collect::<Vec<_>>().join(" or ");
    let lead = if examples.is_empty() { String::new() } else { format!("e.g. {examples}") };
    format!("{message} ({lead}regex used for validation is '{format}')")
}

fn lower_or_digit(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn label_shape(s: &str) -> bool {
    let b = s.as_bytes();
    let ends = [b.first(), b.last()].iter().all(|e| e.is_some_and(|e| lower_or_digit(*e)));
    ends && b.iter().all(|c| lower_or_digit(*c) || *c == b'-')
}

fn qualified_shape(s: &str) -> bool {
    let b = s.as_bytes();
    let ends = [b.first(), b.last()].iter().all(|e| e.is_some_and(u8::is_ascii_alphanumeric));
    ends && b.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.'))
}

/// A quick yes for what nearly every label key and value looks like.
pub fn is_plain(s: &str) -> bool {
    s.len() <= 63 && label_shape(s)
}

pub fn dns1123_label(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        errors.push(max_len(63));
    }
    if !label_shape(s) {
        let words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
        errors.push(regex_error(words, LABEL, &["my-name", "123-abc"]));
    }
    errors
}

/// The same in the words of `profile`.
pub fn label(s: &str, profile: Profile) -> Vec<String> {
    let dotted = profile == Profile::Modern && s.len() <= 63 && s.contains('.') && dns1123_subdomain(s).is_empty();
    if dotted { vec!["must not contain dots".to_owned()] } else { dns1123_label(s) }
}

/// A subdomain whose labels may have underscores too.
pub fn relaxed_subdomain(s: &str) -> Vec<String> {
    let part = |p: &str| {
        let p = p.strip_prefix('_').unwrap_or(p).as_bytes();
        let ends = [p.first(), p.last()].iter().all(|c| c.is_some_and(|c| lower_or_digit(*c)));
        ends && p.iter().all(|c| lower_or_digit(*c) || matches!(c, b'-' | b'_'))
    };
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(max_len(253));
    }
    if !s.split('.').all(part) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
        let shape = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
        errors.push(regex_error(words, &format!("{shape}(\\.{shape})*"), &["example.com"]));
    }
    errors
}

pub fn dns1123_subdomain(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(max_len(253));
    }
    if !s.split('.').all(label_shape) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
        errors.push(regex_error(words, &format!("{LABEL}(\\.{LABEL})*"), &["example.com"]));
    }
    errors
}

pub fn dns1035_label(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        errors.push(max_len(63));
    }
    if !label_shape(s) || !s.as_bytes()[0].is_ascii_lowercase() {
        let words = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        errors.push(regex_error(words, LABEL_1035, &["my-name", "abc-123"]));
    }
    errors
}

/// A label or annotation key: `[subdomain/]name`.
pub fn qualified_name(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let examples = ["MyName", "my.name", "123-abc"];
    let parts: Vec<&str> = s.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                errors.extend(dns1123_subdomain(prefix).into_iter().map(|e| format!("prefix part {e}")));
            }
            name
        }
        _ => {
            let mut words = format!("a qualified name {}", regex_error(QUALIFIED_WORDS, QUALIFIED, &examples));
            words += " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![words];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", max_len(63)));
    }
    if !qualified_shape(name) {
        errors.push(format!("name part {}", regex_error(QUALIFIED_WORDS, QUALIFIED, &examples)));
    }
    errors
}

/// The same in the words of `profile`.
pub fn label_key(s: &str, profile: Profile) -> Vec<String> {
    let mut errors = qualified_name(s);
    if profile == Profile::Modern {
        for e in &mut errors {
            *e = e.replace("a qualified name must", "a valid label key must").replace("63 characters", "63 bytes");
        }
    }
    errors
}

pub fn label_value(s: &str, profile: Profile) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 63 {
        let unit = if profile == Profile::Modern { "bytes" } else { "characters" };
        errors.push(format!("must be no more than 63 {unit}"));
    }
    if !s.is_empty() && !qualified_shape(s) {
        let words = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        errors.push(regex_error(words, &format!("({QUALIFIED})?"), &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// A key of a ConfigMap or Secret.
pub fn config_map_key(s: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(max_len(253));
    }
    let shape = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    if s.is_empty() || !s.bytes().all(shape) {
        let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        errors.push(regex_error(words, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match s {
        "." => errors.push("must not be '.'".to_owned()),
        ".." => errors.push("must not be '..'".to_owned()),
        _ if s.starts_with("..") => errors.push("must not start with '..'".to_owned()),
        _ => {}
    }
    errors
}

pub fn env_var_name(s: &str, profile: Profile) -> Vec<String> {
    if profile == Profile::Modern {
        let fine = !s.is_empty() && s.bytes().all(|c| (b' '..=b'~').contains(&c) && c != b'=');
        let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        return if fine { Vec::new() } else { vec![words.to_owned()] };
    }
    let shape = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let mut errors = Vec::new();
    if s.is_empty() || !s.bytes().all(shape) || s.as_bytes()[0].is_ascii_digit() {
        let words = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
        let examples = ["my.env-name", "MY_ENV.NAME", "MyEnvName1"];
        errors.push(regex_error(words, "[-._a-zA-Z][-._a-zA-Z0-9]*", &examples));
    }
    match s {
        "." => errors.push("must not be '.'".to_owned()),
        ".." => errors.push("must not be '..'".to_owned()),
        _ if s.starts_with("..") => errors.push("must not start with '..'".to_owned()),
        _ => {}
    }
    errors
}

/// The name of a container's port.
pub fn port_name(s: &str, profile: Profile) -> Vec<String> {
    let mut errors = Vec::new();
    if s.len() > 15 {
        errors.push(max_len(15));
    }
    if !s.bytes().all(|c| lower_or_digit(c) || c == b'-') {
        errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !s.bytes().any(|c| c.is_ascii_lowercase()) {
        let what = if profile == Profile::Modern { "letter (a-z)" } else { "letter or number (a-z, 0-9)" };
        errors.push(format!("must contain at least one {what}"));
    }
    if s.contains("--") {
        errors.push("must not contain consecutive hyphens".to_owned());
    }
    if s.starts_with('-') || s.ends_with('-') {
        errors.push("must not begin or end with a hyphen".to_owned());
    }
    errors
}

/// The name of an HTTP header.
pub fn http_header(s: &str) -> Vec<String> {
    if !s.is_empty() && s.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
        return Vec::new();
    }
    let words = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![regex_error(words, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// An IPv4 or IPv6 address.
pub fn ip(s: &str) -> Vec<String> {
    let fine = s.parse::<core::net::IpAddr>().is_ok();
    let words = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    if fine { Vec::new() } else { vec![words.to_owned()] }
}

/// A host name whose first label may be `*`.
pub fn wildcard_subdomain(s: &str) -> Vec<String> {
    let shape = format!("\\*\\.{LABEL}(\\.{LABEL})*");
    let mut errors = Vec::new();
    if s.len() > 253 {
        errors.push(max_len(253));
    }
    if !s.strip_prefix("*.").is_some_and(|rest| rest.split('.').all(label_shape)) {
        let words = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        errors.push(regex_error(words, &shape, &["*.example.com"]));
    }
    errors
}

/// A port number.
pub fn port_number(n: i64) -> Option<String> {
    (!(1..=65_535).contains(&n)).then(|| "must be between 1 and 65535, inclusive".to_owned())
}

/// A name that is one segment of a URL path (RBAC and such kinds).
pub fn path_segment(s: &str) -> Vec<String> {
    if s == "." || s == ".." {
        return vec![format!("may not be '{s}'")];
    }
    ["/", "%"].iter().filter(|c| s.contains(**c)).map(|c| format!("may not contain '{c}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_in_upstreams_words() {
        let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        assert_eq!(dns1123_subdomain("Echo_Hname"), [subdomain]);
        let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        assert_eq!(dns1123_label("Bad_NS"), [label]);
        let key = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        assert_eq!(qualified_name("bad key"), [key]);
        assert!(qualified_name("app.kubernetes.io/name").is_empty() && label_value("", Profile::Book).is_empty());
    }
}
