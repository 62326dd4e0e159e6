//! Shell patterns: `*`, `?`, `[…]`, backslash. A pattern is text in which quoted characters are
//! escaped by a backslash.

use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::Machine;
use crate::machine::files::{self, Node};

/// Whether a pattern matches the whole text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    match_from(&p, &t)
}

/// Iterative matching with one place to come back to: the last `*`.
fn match_from(p: &[char], t: &[char]) -> bool {
    let (mut i, mut j) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if p.get(i) == Some(&'*') {
            back = Some((i, j));
            i += 1;
            continue;
        }
        let step = match (p.get(i), t.get(j)) {
            (None, None) => return true,
            (Some(_), Some(&c)) => one(&p[i..], c),
            _ => None,
        };
        match (step, back) {
            (Some(used), _) => {
                i += used;
                j += 1;
            }
            (None, Some((star, from))) if from < t.len() => {
                back = Some((star, from + 1));
                (i, j) = (star + 1, from + 1);
            }
            _ => return false,
        }
    }
}

/// How much of the pattern's start matches the character, if it does.
fn one(p: &[char], c: char) -> Option<usize> {
    match p[0] {
        '?' => Some(1),
        '[' => match bracket(p, c) {
            Some((used, true)) => Some(used),
            Some((_, false)) => None,
            None => (c == '[').then_some(1),
        },
        '\\' if p.len() > 1 => (p[1] == c).then_some(2),
        plain => (plain == c).then_some(1),
    }
}

/// A bracket expression at the start of `p`: its length and whether it matches; `None`: it is none.
pub fn bracket(p: &[char], c: char) -> Option<(usize, bool)> {
    let mut i = 1;
    let negate = matches!(p.get(i), Some('!' | '^'));
    i += usize::from(negate);
    let (start, mut found) = (i, false);
    loop {
        let first = *p.get(i)?;
        if first == ']' && i > start {
            return Some((i + 1, found != negate));
        }
        if first == '[' && p.get(i + 1) == Some(&':') {
            let end = (i + 2..p.len().saturating_sub(1)).find(|&e| p[e] == ':' && p[e + 1] == ']')?;
            let name: String = p[i + 2..end].iter().collect();
            found |= in_class(&name, c);
            i = end + 2;
            continue;
        }
        let low = if first == '\\' && i + 1 < p.len() {
            i += 1;
            p[i]
        } else {
            first
        };
        if p.get(i + 1) == Some(&'-') && p.get(i + 2).is_some_and(|&h| h != ']') {
            found |= (low..=p[i + 2]).contains(&c);
            i += 3;
        } else {
            found |= low == c;
            i += 1;
        }
    }
}

pub fn in_class(name: &str, c: char) -> bool {
    match name {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "xdigit" => c.is_ascii_hexdigit(),
        "print" => !c.is_control(),
        "graph" => !c.is_control() && c != ' ',
        "cntrl" => c.is_control(),
        _ => false,
    }
}

/// The text with every pattern character escaped.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "*?[]\\!^-".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn unescape(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

fn is_magic(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// Paths that match, sorted; empty where none does.
pub fn glob(place: (&Machine, &str), cwd: &str, pattern: &str) -> Vec<Str> {
    let (mut found, rest) = match pattern.strip_prefix('/') {
        Some(rest) => (vec![String::from("/")], rest),
        None => (vec![String::new()], pattern),
    };
    let parts: Vec<&str> = rest.split('/').filter(|p| !p.is_empty()).collect();
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len() && !pattern.ends_with('/');
        found = found.iter().flat_map(|base| step(place, cwd, base, part, last)).collect();
    }
    if pattern.ends_with('/') {
        found.iter_mut().for_each(|f| f.push('/'));
    }
    found.arrange();
    found.into_iter().map(Str::from).collect()
}

fn step((machine, container): (&Machine, &str), cwd: &str, base: &str, part: &str, last: bool) -> Vec<String> {
    let join = |name: &str| match base {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{base}/{name}"),
    };
    if !is_magic(part) {
        let path = join(&unescape(part));
        let there = files::stat(machine, &machine.real_path(container, &files::absolute(cwd, &path))).is_some();
        return if there { vec![path] } else { Vec::new() };
    }
    files::list(machine, &machine.real_path(container, &files::absolute(cwd, base)))
        .into_iter()
        .filter(|(name, node)| {
            (last || *node == Node::Folder) && name.starts_with('.') == part.starts_with('.') && matches(part, name)
        })
        .map(|(name, _)| join(&name))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns() {
        for (pattern, text, yes) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "abc", true),
            ("[a-c]*[!x]", "bz", true),
            ("[a-c]*[!x]", "bx", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*a*b*", "xxaxxbxx", true),
            ("[[:digit:]]*", "1x", true),
            ("[", "[", true),
            ("나*", "나라", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(super::matches(pattern, text), yes, "{pattern} {text}");
        }
    }
}
