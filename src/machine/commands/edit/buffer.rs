//! The text being edited, what a key is, and how both are drawn on a screen of 80 by 24.

use crate::base::Str;

pub const ROWS: usize = 24;
pub const COLUMNS: usize = 80;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    Char(char),
    Enter,
    Tab,
    Escape,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// A letter, in lower case.
    Control(char),
}

/// The keys behind what a terminal sends.
pub fn keys(sent: &str) -> Vec<Key> {
    const SEQUENCES: [(&str, Key); 10] = [
        ("\x1b[A", Key::Up),
        ("\x1b[B", Key::Down),
        ("\x1b[C", Key::Right),
        ("\x1b[D", Key::Left),
        ("\x1b[H", Key::Home),
        ("\x1b[F", Key::End),
        ("\x1b[3~", Key::Delete),
        ("\x1b[5~", Key::PageUp),
        ("\x1b[6~", Key::PageDown),
        ("\x1b", Key::Escape),
    ];
    let (mut out, mut rest) = (Vec::new(), sent);
    while let Some(c) = rest.chars().next() {
        if let Some((text, key)) = SEQUENCES.iter().find(|(text, _)| rest.starts_with(text)) {
            out.push(*key);
            rest = &rest[text.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        out.push(match c {
            '\r' | '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\x7f' | '\x08' => Key::Backspace,
            c if c < ' ' => Key::Control(char::from(b'a' + (c as u8).saturating_sub(1))),
            c => Key::Char(c),
        });
    }
    out
}

/// How many cells a character takes.
pub fn width(c: char) -> usize {
    let wide = matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff);
    1 + usize::from(wide)
}

/// Lines of text and a place among them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Buffer {
    /// Never empty.
    pub lines: Vec<Vec<char>>,
    pub row: usize,
    pub col: usize,
    /// The first line on the screen.
    pub top: usize,
}

impl Buffer {
    pub fn of(text: &str) -> Buffer {
        let text = text.strip_suffix('\n').unwrap_or(text);
        Buffer { lines: text.split('\n').map(|l| l.chars().collect()).collect(), ..Buffer::default() }
    }
    /// As it is written: every line with its end.
    pub fn text(&self) -> String {
        if self.lines.len() == 1 && self.lines[0].is_empty() {
            return String::new();
        }
        self.lines.iter().flat_map(|l| l.iter().copied().chain(['\n'])).collect()
    }
    pub fn line(&self) -> &Vec<char> {
        &self.lines[self.row]
    }
    pub fn line_mut(&mut self) -> &mut Vec<char> {
        &mut self.lines[self.row]
    }
    /// Brings the place back into the text; `past`: it may stand behind a line's last character.
    pub fn clamp(&mut self, past: bool) {
        self.row = self.row.min(self.lines.len() - 1);
        let length = self.line().len();
        self.col = self.col.min(if past { length } else { length.saturating_sub(1) });
    }

    pub fn insert(&mut self, c: char) {
        let col = self.col;
        self.line_mut().insert(col, c);
        self.col += 1;
    }
    pub fn split(&mut self) {
        let col = self.col;
        let rest = self.line_mut().split_off(col);
        self.lines.insert(self.row + 1, rest);
        (self.row, self.col) = (self.row + 1, 0);
    }
    /// Deletes before the place.
    pub fn backspace(&mut self) {
        if self.col > 0 {
            self.col -= 1;
            let col = self.col;
            self.line_mut().remove(col);
        } else if self.row > 0 {
            let line = self.lines.remove(self.row);
            self.row -= 1;
            self.col = self.line().len();
            self.line_mut().extend(line);
        }
    }
    /// Deletes at the place.
    pub fn delete(&mut self) {
        let col = self.col;
        if col < self.line().len() {
            self.line_mut().remove(col);
        } else if self.row + 1 < self.lines.len() {
            let line = self.lines.remove(self.row + 1);
            self.line_mut().extend(line);
        }
    }
    /// Takes whole lines out; one empty line stays.
    pub fn take_lines(&mut self, from: usize, count: usize) -> Vec<Vec<char>> {
        let end = (from + count).min(self.lines.len());
        let taken: Vec<_> = self.lines.drain(from..end).collect();
        if self.lines.is_empty() {
            self.lines.push(Vec::new());
        }
        self.row = from.min(self.lines.len() - 1);
        self.col = 0;
        taken
    }
    /// Arrows and their like. `past` as in [`Buffer::clamp`].
    pub fn step(&mut self, key: Key, past: bool, page: usize) -> bool {
        match key {
            Key::Up => self.row = self.row.saturating_sub(1),
            Key::Down => self.row += 1,
            Key::Left => self.col = self.col.saturating_sub(1),
            Key::Right => self.col += 1,
            Key::Home => self.col = 0,
            Key::End => self.col = usize::MAX,
            Key::PageUp => self.row = self.row.saturating_sub(page.saturating_sub(2)),
            Key::PageDown => self.row += page.saturating_sub(2),
            _ => return false,
        }
        self.clamp(past);
        true
    }
    /// The next place of `what` after the present one, around the end; `back`: before it.
    pub fn find(&self, what: &str, back: bool) -> Option<(usize, usize)> {
        let what: Vec<char> = what.chars().collect();
        if what.is_empty() {
            return None;
        }
        let hits = self.lines.iter().enumerate().flat_map(|(row, line)| {
            let at = line.windows(what.len()).enumerate().filter(|(_, w)| **w == what[..]);
            at.map(move |(col, _)| (row, col)).collect::<Vec<_>>()
        });
        let all: Vec<(usize, usize)> = hits.collect();
        let here = (self.row, self.col);
        if back {
            all.iter().rev().find(|p| **p < here).or(all.last()).copied()
        } else {
            all.iter().find(|p| **p > here).or(all.first()).copied()
        }
    }
}

/// A line's characters as they are drawn: tabs as blanks, control characters as `^X`; for each cell
/// text, which character it came from.
pub fn expand(line: &[char]) -> (Vec<char>, Vec<usize>) {
    let (mut out, mut from, mut cells) = (Vec::new(), Vec::new(), 0);
    for (i, c) in line.iter().enumerate() {
        let drawn = match *c {
            '\t' => vec![' '; 8 - cells % 8],
            c if c < ' ' => vec!['^', char::from(b'@' + c as u8)],
            c => vec![c],
        };
        cells += drawn.iter().map(|c| width(*c)).sum::<usize>();
        from.extend(std::iter::repeat_n(i, drawn.len()));
        out.extend(drawn);
    }
    (out, from)
}

/// Text of at most `cells` cells.
pub fn cut(text: &str, cells: usize) -> String {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += width(*c);
            used <= cells
        })
        .collect()
}

pub fn cells(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// A finished picture: rows, and the cursor's row and character in it.
pub struct Picture {
    pub rows: Vec<String>,
    pub row: usize,
    pub col: usize,
}

impl Picture {
    pub fn text(&self) -> Str {
        self.rows.join("\n").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_sends_is_keys() {
        assert_eq!(
            keys("i가\x1b[A\x1b:\r\x0f"),
            [Key::Char('i'), Key::Char('가'), Key::Up, Key::Escape, Key::Char(':'), Key::Enter, Key::Control('o')]
        );
    }

    #[test]
    fn wide_characters_take_two_cells() {
        assert_eq!((cells("a가b"), cut("a가b", 2).as_str(), cut("a가b", 3).as_str()), (4, "a", "a가"));
        assert_eq!(expand(&['a', '\t', 'b']).0.len(), 9);
    }

    #[test]
    fn text_is_kept() {
        let mut b = Buffer::of("one\ntwo\n");
        (b.row, b.col) = (0, 3);
        b.delete();
        assert_eq!(b.text(), "onetwo\n");
        b.split();
        b.insert('x');
        b.backspace();
        b.backspace();
        assert_eq!((b.text().as_str(), b.col), ("onetwo\n", 3));
        assert_eq!(b.find("wo", false), Some((0, 4)));
        b.take_lines(0, 5);
        assert_eq!(b.text(), "");
    }
}
