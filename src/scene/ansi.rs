//! Terminal output: ANSI colours to spans, and names in it to links.

use std::collections::BTreeMap;

use crate::base::Str;

use super::place::Target;

/// A run of text in one style.
#[derive(Clone, PartialEq, Debug)]
pub struct Span {
    pub text: Str,
    /// CSS classes, e.g. `fg-red bold`; empty for plain text.
    pub class: Str,
    pub link: Option<Target>,
}

/// Names that may be links in output.
pub type Names = BTreeMap<Str, Target>;

#[derive(Default)]
struct Style {
    color: Option<u8>,
    bold: bool,
    dim: bool,
    underline: bool,
}

const COLORS: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

impl Style {
    fn class(&self) -> Str {
        let mut classes = Vec::new();
        if let Some(c) = self.color {
            classes.push(format!("fg-{}", COLORS[c as usize % 8]));
        }
        for (on, name) in [(self.bold, "bold"), (self.dim, "dim"), (self.underline, "under")] {
            if on {
                classes.push(name.to_owned());
            }
        }
        classes.join(" ").into()
    }
    fn apply(&mut self, code: u32) {
        match code {
            0 => *self = Style::default(),
            1 => self.bold = true,
            2 => self.dim = true,
            4 => self.underline = true,
            22 => (self.bold, self.dim) = (false, false),
            24 => self.underline = false,
            30..=37 => self.color = Some((code - 30) as u8),
            39 => self.color = None,
            90..=97 => self.color = Some((code - 90) as u8),
            _ => {}
        }
    }
}

/// Splits text at escape sequences; unknown sequences vanish, as in a terminal that ignores them.
fn styled(text: &str) -> Vec<(String, Str)> {
    let (mut out, mut style, mut run) = (Vec::new(), Style::default(), String::new());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            if c != '\r' {
                run.push(c);
            }
            continue;
        }
        if chars.next_if_eq(&'[').is_none() {
            continue;
        }
        let mut body = String::new();
        let mut end = ' ';
        for c in chars.by_ref() {
            if c.is_ascii_alphabetic() {
                end = c;
                break;
            }
            body.push(c);
        }
        if end == 'm' {
            if !run.is_empty() {
                out.push((std::mem::take(&mut run), style.class()));
            }
            for code in body.split(';') {
                style.apply(code.parse().unwrap_or(0));
            }
        }
    }
    if !run.is_empty() {
        out.push((run, style.class()));
    }
    out
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.'
}

/// Output as spans, with every known name a link.
pub fn spans(text: &str, names: &Names) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::new();
    for (run, class) in styled(text) {
        let mut plain = String::new();
        let mut rest = run.as_str();
        while !rest.is_empty() {
            let word_len = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(word_len);
            if let Some(link) = names.get(word.trim_end_matches('.')).filter(|_| !word.is_empty()) {
                if !plain.is_empty() {
                    out.push(Span { text: std::mem::take(&mut plain).into(), class: class.clone(), link: None });
                }
                out.push(Span { text: word.into(), class: class.clone(), link: Some(link.clone()) });
            } else {
                plain.push_str(word);
            }
            let gap = after.find(in_name).unwrap_or(after.len());
            plain.push_str(&after[..gap]);
            rest = &after[gap..];
        }
        if !plain.is_empty() {
            out.push(Span { text: plain.into(), class, link: None });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str, bool)]) {
        let names = Names::from([("w1-k8s".into(), Target::Machine(2))]);
        let got = spans(text, &names);
        let got: Vec<_> = got.iter().map(|s| (s.text.as_str(), s.class.as_str(), s.link.is_some())).collect();
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn colours_and_links() {
        check("plain\n", &[("plain\n", "", false)]);
        check("a \x1b[1;31mred\x1b[0m b", &[("a ", "", false), ("red", "fg-red bold", false), (" b", "", false)]);
        check("on w1-k8s, xw1-k8s", &[("on ", "", false), ("w1-k8s", "", true), (", xw1-k8s", "", false)]);
        check("한글 w1-k8s\n", &[("한글 ", "", false), ("w1-k8s", "", true), ("\n", "", false)]);
        check("\x1b[2J\x1b[Hx", &[("x", "", false)]);
    }
}
