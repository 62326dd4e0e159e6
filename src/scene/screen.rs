//! A terminal's screen as lines of spans.

use crate::base::persistent::Vector;
use crate::machine::terminal::{Chunk, Frame, Shown};

use super::ansi::{self, Names, Span};

/// A line of the screen. A line typed at a prompt holds both.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Line {
    pub spans: Vec<Span>,
    /// It was typed.
    pub typed: bool,
}

/// Lines kept on the page; older ones have scrolled away.
const LINES: usize = 600;

/// The screen after the first `cleared` pieces, as lines.
pub fn lines(screen: &Vector<Chunk>, cleared: usize, names: &Names) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    // A piece of the screen is at least a line, nearly always: more pieces than lines are not needed.
    let skip = cleared.max(screen.len().saturating_sub(4 * LINES)).min(screen.len());
    for chunk in screen.iter_from(skip) {
        let linked = matches!(chunk.stream, Shown::Out | Shown::Err);
        let none = Names::new();
        for span in ansi::spans(&chunk.text, if linked { names } else { &none }) {
            push(&mut lines, span, chunk.stream);
        }
    }
    if lines.last().is_some_and(|l| l.spans.is_empty()) {
        lines.pop();
    }
    let extra = lines.len().saturating_sub(LINES);
    lines.split_off(extra)
}

/// What a program that reads keys has drawn, its cursor marked.
pub fn frame(frame: &Frame) -> Vec<Line> {
    let span = |text: String, class: &str| Span { text: text.into(), class: class.into(), link: None };
    let line = |(row, text): (usize, &str)| {
        if row != frame.row as usize {
            return Line { spans: vec![span(text.to_owned(), "")], typed: false };
        }
        let mut chars = text.chars();
        let before: String = chars.by_ref().take(frame.col as usize).collect();
        let at = chars.next().map_or(" ".to_owned(), String::from);
        Line { spans: vec![span(before, ""), span(at, "cursor"), span(chars.collect(), "")], typed: false }
    };
    frame.text.split('\n').enumerate().map(line).collect()
}

fn push(lines: &mut Vec<Line>, span: Span, stream: Shown) {
    for (i, part) in span.text.split('\n').enumerate() {
        if i > 0 {
            lines.push(Line::default());
        }
        let Some(line) = lines.last_mut() else { return };
        if part.is_empty() {
            continue;
        }
        line.typed |= stream == Shown::Typed;
        let class = match stream {
            Shown::Prompt => "prompt".into(),
            Shown::Typed => "typed".into(),
            Shown::Err if span.class.is_empty() => "err".into(),
            _ => span.class.clone(),
        };
        line.spans.push(Span { text: part.into(), class, link: span.link.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;

    #[test]
    fn pieces_become_lines() {
        let piece = |stream, text: &str| Chunk { stream, text: text.into(), at: Time::ZERO };
        let screen: Vector<Chunk> = [
            piece(Shown::Prompt, "$ "),
            piece(Shown::Typed, "ls\n"),
            piece(Shown::Out, "a\nb"),
            piece(Shown::Out, "c\n"),
        ]
        .into_iter()
        .collect();
        let all = lines(&screen, 0, &Names::new());
        let text: Vec<String> = all.iter().map(|l| l.spans.iter().map(|s| s.text.as_str()).collect()).collect();
        assert_eq!(text, ["$ ls", "a", "bc"]);
        assert!(all[0].typed && !all[1].typed);
        assert_eq!(lines(&screen, 2, &Names::new()).len(), 2);
        assert_eq!(lines(&screen, 99, &Names::new()).len(), 0);
        let drawn = frame(&Frame { text: "ab\n가나".into(), row: 1, col: 1 });
        let spans: Vec<(&str, &str)> = drawn[1].spans.iter().map(|s| (s.text.as_str(), s.class.as_str())).collect();
        assert_eq!(spans, [("가", ""), ("나", "cursor"), ("", "")]);
    }
}
