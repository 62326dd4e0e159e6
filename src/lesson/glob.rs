//! Patterns of expected output: `*` stands for any text, everything else for itself. So small that
//! the simulation and an exported shell script mean the same by it.

/// Whether all of `text` fits `pattern`.
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        // The leftmost place is always good enough: it leaves the most text for what follows.
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        let cases = [
            ("Running", "Running", true),
            ("Running", "Runnin", false),
            ("*", "", true),
            ("20*Z", "2026-01-05T09:00:00Z", true),
            ("20*Z", "2026-01-05T09:00:00", false),
            ("*nginx-pod*Terminating*", "nginx-pod   1/1   Terminating   0   3s", true),
            ("*a*a", "a", false),
            ("[x]*", "x1", false),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(fits(pattern, text), want, "{pattern} ~ {text}");
        }
    }
}
