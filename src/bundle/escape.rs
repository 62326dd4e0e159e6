//! A value enters each kind of file in that file's own notation. Values are validated before
//! (`knobs`); this keeps even a hostile one from meaning anything but itself.

/// A Ruby string literal without interpolation.
pub fn ruby(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// One word of a POSIX shell.
pub fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A pattern of bash in which only `*` is special, as in `lesson::glob`; still to be quoted as a word.
pub fn shell_pattern(pattern: &str) -> String {
    let special = |c: char| "?[]\\".contains(c);
    pattern.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A YAML scalar on one line: JSON's strings are YAML's.
pub fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text of an HTML page, also inside a quoted attribute.
pub fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// Text that Markdown shows as code, on one line.
pub fn markdown_code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A shell comment cannot hold a line break.
pub fn comment(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation() {
        let hostile = "a'b\\c\"$(x)`\n";
        assert_eq!(ruby(hostile), "'a\\'b\\\\c\"$(x)`\n'");
        assert_eq!(shell(hostile), "'a'\\''b\\c\"$(x)`\n'");
        assert_eq!(yaml(hostile), r#""a'b\\c\"$(x)`\n""#);
        assert_eq!(html("<a b='\"'>&"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(shell_pattern("20*Z"), "20*Z");
        assert_eq!(shell_pattern(r"*[x]?\*"), r"*\[x\]\?\\*");
        assert_eq!(markdown_code("a `b`"), "`` a `b` ``");
        assert_eq!(comment("a\nrm -rf /"), "a rm -rf /");
    }
}
