//! YAML errors in go-yaml's words. Both parsers are libyaml: messages agree, places are told apart.
//! Models gopkg.in/yaml.v2 `parser.fail`.

use crate::api::Value;

/// `yaml: line 9: did not find expected key`; `None` if the text is good YAML.
pub fn go_words(text: &str) -> Option<String> {
    let error = serde_yaml::from_str::<Value>(text).err()?;
    Some(words(&error.to_string()))
}

/// From `PROBLEM at line L column C, CONTEXT at line L column C`.
pub fn words(message: &str) -> String {
    let (problem, context) = match message.split_once(", ") {
        Some((problem, context)) => (problem, context),
        None => (message, ""),
    };
    let (what, problem_line) = place(problem);
    let (_, context_line) = place(context);
    let scanner = context.starts_with("while scanning") || what.starts_with("found character that cannot start");
    // Lines are counted from zero inside go-yaml, and the first line is not told.
    let mark = |line: Option<u32>| line.map(|l| l - 1).filter(|l| *l != 0);
    let line = mark(problem_line).or_else(|| mark(context_line)).map(|l| if scanner { l + 1 } else { l });
    match line {
        Some(line) => format!("yaml: line {line}: {what}"),
        None => format!("yaml: {what}"),
    }
}

fn place(text: &str) -> (&str, Option<u32>) {
    let Some(at) = text.rfind(" at line ") else { return (text, None) };
    let line = text[at + 9..].split(' ').next().and_then(|n| n.parse().ok());
    (&text[..at], line)
}
