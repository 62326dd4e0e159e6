//! YAML as lines of coloured tokens, as `kubectl get -o yaml` would print an object.

use crate::api::Object;
use crate::base::Str;

/// A token and its class: `key`, `str`, `num`, `mark` or empty.
pub type Token = (Str, &'static str);

/// The object's manifest, line by line.
pub fn lines(object: &Object) -> Vec<Vec<Token>> {
    let text = serde_yaml::to_string(&object.to_value()).unwrap_or_default();
    text.lines().map(line).collect()
}

fn line(text: &str) -> Vec<Token> {
    let body = text.trim_start_matches([' ', '-']);
    let indent = &text[..text.len() - body.len()];
    let mut tokens: Vec<Token> = Vec::new();
    if !indent.is_empty() {
        tokens.push((indent.into(), "mark"));
    }
    match body.split_once(": ") {
        Some((key, value)) if !key.contains(['\'', '"']) || key.starts_with(['\'', '"']) => {
            tokens.push((key.into(), "key"));
            tokens.push((": ".into(), "mark"));
            tokens.push((value.into(), class(value)));
        }
        _ => match body.strip_suffix(':') {
            Some(key) => {
                tokens.push((key.into(), "key"));
                tokens.push((":".into(), "mark"));
            }
            None => tokens.push((body.into(), class(body))),
        },
    }
    tokens
}

fn class(value: &str) -> &'static str {
    let number = !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '-');
    if number || matches!(value, "true" | "false" | "null") { "num" } else { "str" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_by_line() {
        assert_eq!(
            line("  replicas: 3"),
            [("  ".into(), "mark"), ("replicas".into(), "key"), (": ".into(), "mark"), ("3".into(), "num")]
        );
        assert_eq!(line("- name: web")[1], ("name".into(), "key"));
        assert_eq!(line("spec:"), [("spec".into(), "key"), (":".into(), "mark")]);
    }
}
