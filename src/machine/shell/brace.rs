//! Brace expansion: `a{b,c}d`, `{1..3}`, `{a..e}`. Purely textual, so done when parsing.

use super::ast::{Part, Word};
use crate::base::Str;

/// A word's unquoted characters one by one, everything else whole.
#[derive(Clone)]
enum Piece {
    Char(char),
    Whole(Part),
}

/// More words than this from one are not made; the word stays as written.
const LIMIT: usize = 10_000;

pub fn expand(word: Word) -> Vec<Word> {
    let has_brace = word.0.iter().any(|p| matches!(p, Part::Lit(t) if t.contains('{') && t.len() > 1));
    let spread = word.0.len() > 1 && word.0.iter().any(|p| matches!(p, Part::Lit(t) if t.contains('{')));
    if !has_brace && !spread {
        return vec![word];
    }
    let mut pieces = Vec::new();
    for part in &word.0 {
        match part {
            Part::Lit(text) => pieces.extend(text.chars().map(Piece::Char)),
            part => pieces.push(Piece::Whole(part.clone())),
        }
    }
    let all = alternatives(&pieces);
    if all.len() > LIMIT { vec![word] } else { all.iter().map(|p| join(p)).collect() }
}

fn alternatives(pieces: &[Piece]) -> Vec<Vec<Piece>> {
    for (open, piece) in pieces.iter().enumerate() {
        if !matches!(piece, Piece::Char('{')) {
            continue;
        }
        let Some((close, commas)) = matching(&pieces[open..]) else { continue };
        let inside = &pieces[open + 1..open + close];
        let choices: Vec<Vec<Piece>> = if commas.is_empty() {
            match range(inside) {
                Some(words) => words.into_iter().map(|w| w.chars().map(Piece::Char).collect()).collect(),
                None => continue,
            }
        } else {
            let mut from = open + 1;
            let ends = commas.iter().map(|c| open + c).chain([open + close]);
            ends.flat_map(|end| {
                let part = alternatives(&pieces[from..end]);
                from = end + 1;
                part
            })
            .collect()
        };
        let tails = alternatives(&pieces[open + close + 1..]);
        let mut out = Vec::new();
        for choice in &choices {
            for tail in &tails {
                if out.len() <= LIMIT {
                    out.push([&pieces[..open], choice, tail].concat());
                }
            }
        }
        return out;
    }
    vec![pieces.to_vec()]
}

/// Where the brace at 0 closes, and its commas of the first level.
fn matching(pieces: &[Piece]) -> Option<(usize, Vec<usize>)> {
    let (mut depth, mut commas) = (0, Vec::new());
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Char('{') => depth += 1,
            Piece::Char('}') if depth == 1 => return Some((i, commas)),
            Piece::Char('}') => depth -= 1,
            Piece::Char(',') if depth == 1 => commas.push(i),
            _ => {}
        }
    }
    None
}

/// `1..9`, `1..9..2`, `a..e`
fn range(inside: &[Piece]) -> Option<Vec<String>> {
    let text: String =
        inside.iter().map(|p| if let Piece::Char(c) = p { Some(*c) } else { None }).collect::<Option<_>>()?;
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts[..] {
        [from, to] => (from, to, 1),
        [from, to, step] => (from, to, step.parse::<i64>().ok()?.abs().max(1)),
        _ => return None,
    };
    let walk = |from: i64, to: i64| -> Option<Vec<i64>> {
        let count = (from.abs_diff(to) / step.unsigned_abs()) as usize + 1;
        let sign = if from <= to { step } else { -step };
        (count <= LIMIT).then(|| (0..count as i64).map(|i| from + i * sign).collect())
    };
    if let (Ok(a), Ok(b)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let padded = from.trim_start_matches('-').starts_with('0') && from.len() > 1;
        let width = if padded { from.len().max(to.len()) } else { 0 };
        return Some(walk(a, b)?.into_iter().map(|n| format!("{n:0width$}")).collect());
    }
    let one = |t: &str| {
        let mut chars = t.chars();
        chars.next().filter(|c| c.is_ascii_alphabetic() && chars.next().is_none())
    };
    let (a, b) = (one(from)?, one(to)?);
    let letters = walk(i64::from(u32::from(a)), i64::from(u32::from(b)))?;
    letters.into_iter().map(|n| char::from_u32(u32::try_from(n).ok()?).map(String::from)).collect()
}

fn join(pieces: &[Piece]) -> Word {
    let mut parts: Vec<Part> = Vec::new();
    for piece in pieces {
        match (parts.last_mut(), piece) {
            (Some(Part::Lit(text)), Piece::Char(c)) => text.push(*c),
            (_, Piece::Char(c)) => parts.push(Part::Lit(Str::from(c.to_string()))),
            (_, Piece::Whole(part)) => parts.push(part.clone()),
        }
    }
    if parts.is_empty() {
        parts.push(Part::Lit(Str::new()));
    }
    Word(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces() {
        for (text, words) in [
            ("a{b,c}d", "abd acd"),
            ("{1..3}", "1 2 3"),
            ("{01..3}", "01 02 03"),
            ("{5..1..2}", "5 3 1"),
            ("{a..c}{x,y}", "ax ay bx by cx cy"),
            ("a{b,{c,d}}", "ab ac ad"),
            ("{}", "{}"),
            ("{a}", "{a}"),
            ("{.items[*].x}", "{.items[*].x}"),
            ("w{1..3}-k8s", "w1-k8s w2-k8s w3-k8s"),
        ] {
            let out = expand(Word(vec![Part::Lit(text.into())]));
            let out: Vec<&str> = out.iter().filter_map(|w| w.literal()).collect();
            assert_eq!(out.join(" "), words, "{text}");
        }
    }
}
