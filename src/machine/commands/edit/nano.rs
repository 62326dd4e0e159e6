//! nano 2.3 [book] and 5.6 [modern]. Modes: `n` the text, `o` a file name, `w` what to look for, `s`
//! whether to save.

use super::buffer::{COLUMNS, Key, Picture, ROWS, cells, cut, expand, width};
use super::{Editor, Kind};
use crate::machine::program::{Flow, Io};

pub static NANO: Kind = Kind {
    open,
    key,
    draw,
    blind: ("Too many errors from stdin", 1),
    options: &["-w", "-l", "-B", "-i", "-E", "-T4", "-T2", "-c", "-m"],
};

fn open(e: &mut Editor, text: Option<&str>) {
    // Below the last line there is always an empty one, which is not written.
    if text.is_some_and(|t| !t.is_empty()) {
        e.buffer.lines.push(Vec::new());
    }
    e.message = match text {
        None if e.file.is_empty() => String::new(),
        None => "New File".into(),
        Some(text) => lines(text.lines().count(), "Read"),
    };
}

fn lines(n: usize, what: &str) -> String {
    format!("{what} {n} line{}", if n == 1 { "" } else { "s" })
}

/// Rows of the text.
fn page(e: &Editor) -> usize {
    ROWS - if e.modern { 4 } else { 5 }
}

fn key(io: &mut Io<'_>, e: &mut Editor, key: Key) -> Flow<Option<i32>> {
    e.message.clear();
    match e.mode {
        'n' => return Ok(text_key(e, key)),
        's' => match key {
            Key::Char('y' | 'Y') => {
                e.typed = e.file.to_string();
                (e.mode, e.anchor) = ('o', 1);
            }
            Key::Char('n' | 'N') => return Ok(Some(0)),
            Key::Control('c') => {
                e.mode = 'n';
                e.message = "Cancelled".into();
            }
            _ => {}
        },
        _ => match key {
            Key::Char(c) => e.typed.push(c),
            Key::Backspace => drop(e.typed.pop()),
            Key::Control('c') => {
                e.mode = 'n';
                e.message = "Cancelled".into();
            }
            Key::Enter if e.mode == 'w' => search(e),
            Key::Enter => return save(io, e),
            _ => {}
        },
    }
    Ok(None)
}

fn search(e: &mut Editor) {
    e.mode = 'n';
    if !e.typed.is_empty() {
        e.find = std::mem::take(&mut e.typed);
    }
    match e.buffer.find(&e.find, false) {
        Some(place) => {
            if place <= (e.buffer.row, e.buffer.col) {
                e.message = "Search Wrapped".into();
            }
            (e.buffer.row, e.buffer.col) = place;
        }
        None => e.message = format!("\"{}\" not found", e.find),
    }
}

fn save(io: &mut Io<'_>, e: &mut Editor) -> Flow<Option<i32>> {
    let file = std::mem::take(&mut e.typed);
    e.mode = 'n';
    if file.is_empty() {
        e.message = "Cancelled".into();
        return Ok(None);
    }
    let last = e.buffer.lines.len() > 1 && e.buffer.lines.last().is_some_and(Vec::is_empty);
    if last {
        e.buffer.lines.pop();
    }
    let written = e.write(io, &file)?;
    if last {
        e.buffer.lines.push(Vec::new());
    }
    match written {
        Ok((count, _)) => {
            (e.file, e.changed, e.fresh) = (file.into(), false, false);
            e.message = lines(count, "Wrote");
            Ok((e.anchor == 1).then_some(0))
        }
        Err(why) => {
            e.message = format!("Error writing {file}: {why}");
            Ok(None)
        }
    }
}

fn text_key(e: &mut Editor, key: Key) -> Option<i32> {
    let (page, cutting) = (page(e), std::mem::take(&mut e.cutting));
    let key = match key {
        Key::Control('a') => Key::Home,
        Key::Control('e') => Key::End,
        Key::Control('p') => Key::Up,
        Key::Control('n') => Key::Down,
        Key::Control('b') => Key::Left,
        Key::Control('f') => Key::Right,
        Key::Control('y') => Key::PageUp,
        Key::Control('v') => Key::PageDown,
        Key::Control('d') => Key::Delete,
        Key::Control('h') => Key::Backspace,
        key => key,
    };
    let ends = (e.buffer.col == 0, e.buffer.col == e.buffer.line().len());
    match key {
        // Arrows go on in the next line.
        Key::Left if ends.0 && e.buffer.row > 0 => {
            e.buffer.row -= 1;
            e.buffer.col = usize::MAX;
            e.buffer.clamp(true);
        }
        Key::Right if ends.1 && e.buffer.row + 1 < e.buffer.lines.len() => {
            (e.buffer.row, e.buffer.col) = (e.buffer.row + 1, 0);
        }
        key if e.buffer.step(key, true, page) => {}
        Key::Char(c) => change(e, |e| e.buffer.insert(c)),
        Key::Tab => change(e, |e| e.buffer.insert('\t')),
        Key::Enter | Key::Control('m' | 'j') => change(e, |e| e.buffer.split()),
        Key::Backspace => change(e, |e| e.buffer.backspace()),
        Key::Delete => change(e, |e| e.buffer.delete()),
        Key::Control('k') => {
            let row = e.buffer.row;
            if row + 1 == e.buffer.lines.len() && e.buffer.line().is_empty() {
                return None;
            }
            if !cutting {
                e.cut.clear();
            }
            change(e, |e| {
                let taken = e.buffer.take_lines(row, 1);
                for line in taken {
                    e.cut.extend(line);
                    e.cut.push('\n');
                }
                if row >= e.buffer.lines.len() {
                    e.buffer.lines.push(Vec::new());
                    (e.buffer.row, e.buffer.col) = (row, 0);
                }
            });
            e.cutting = true;
        }
        Key::Control('u') => {
            let text = e.cut.clone();
            change(e, |e| {
                for c in text.chars() {
                    if c == '\n' { e.buffer.split() } else { e.buffer.insert(c) }
                }
            });
        }
        Key::Control('w') => {
            e.typed.clear();
            e.mode = 'w';
        }
        Key::Control('o') => {
            e.typed = e.file.to_string();
            (e.mode, e.anchor) = ('o', 0);
        }
        Key::Control('x') if e.changed => e.mode = 's',
        Key::Control('x') => return Some(0),
        Key::Control('c') => {
            let (row, all) = (e.buffer.row + 1, e.buffer.lines.len());
            let (col, width) = (e.buffer.col + 1, e.buffer.line().len() + 1);
            let share = |a: usize, b: usize| a * 100 / b.max(1);
            let text = e.buffer.text();
            let at: usize = e.buffer.lines[..row - 1].iter().map(|l| l.len() + 1).sum::<usize>() + e.buffer.col;
            let size = text.chars().count();
            e.message = format!(
                "line {row}/{all} ({}%), col {col}/{width} ({}%), char {at}/{size} ({}%)",
                share(row, all),
                share(col, width),
                share(at, size)
            );
        }
        Key::Control('g') => e.message = "^X ^O ^W ^K ^U".into(),
        _ => {}
    }
    None
}

fn change(e: &mut Editor, change: impl FnOnce(&mut Editor)) {
    change(e);
    e.changed = true;
}

const HELP: [[&str; 2]; 2] = [
    [
        "^G Get Help   ^O WriteOut   ^R Read File  ^Y Prev Page  ^K Cut Text   ^C Cur Pos",
        "^X Exit       ^J Justify    ^W Where Is   ^V Next Page  ^U UnCut Text ^T To Spell",
    ],
    [
        "^G Help      ^O Write Out ^W Where Is  ^K Cut       ^T Execute   ^C Location",
        "^X Exit      ^R Read File ^\\ Replace   ^U Paste     ^J Justify   ^_ Go To Line",
    ],
];

fn draw(e: &mut Editor) -> Picture {
    let page = page(e);
    let b = &mut e.buffer;
    if b.row < b.top || b.row >= b.top + page {
        b.top = b.row.saturating_sub(page / 2);
    }
    let name = if e.file.is_empty() { "New Buffer".to_owned() } else { e.file.to_string() };
    let name = if e.modern { name } else { format!("File: {name}") };
    let (left, right) =
        (if e.modern { "  GNU nano 5.6.1" } else { "  GNU nano 2.3.1" }, if e.changed { "Modified  " } else { "" });
    let before = (COLUMNS / 2).saturating_sub(cells(&name) / 2).saturating_sub(left.len());
    let title = format!("{left}{}{name}", " ".repeat(before));
    let after = COLUMNS.saturating_sub(cells(&title) + right.len());
    let mut rows = vec![format!("{title}{}{right}", " ".repeat(after)).trim_end().to_owned()];
    if !e.modern {
        rows.push(String::new());
    }
    let head = rows.len();
    let (mut col, more) = (0, if e.modern { '>' } else { '$' });
    for n in b.top..b.top + page {
        let Some(line) = b.lines.get(n) else {
            rows.push(String::new());
            continue;
        };
        let (text, from) = expand(line);
        // A long line is shown from where its cursor is.
        let place = from.iter().position(|i| *i >= b.col).unwrap_or(text.len());
        let mut first = 0;
        if n == b.row {
            let mut used: usize = text[..place].iter().map(|c| width(*c)).sum();
            while used >= COLUMNS - 1 {
                let end = text[first..].len().min(COLUMNS - 8);
                used -= text[first..first + end].iter().map(|c| width(*c)).sum::<usize>().min(used);
                first += end;
            }
            col = place - first;
        }
        let shown: String = text[first..].iter().collect();
        let whole = cells(&shown) <= COLUMNS - usize::from(first > 0);
        let mut shown = cut(&shown, if whole { COLUMNS } else { COLUMNS - 1 });
        if !whole {
            shown.push(more);
        }
        if first > 0 {
            shown = std::iter::once(if e.modern { '<' } else { '$' }).chain(shown.chars().skip(1)).collect();
        }
        rows.push(shown);
    }
    let mut cursor = (head + b.row - b.top, col);
    let [one, two] = HELP[usize::from(e.modern)];
    let prompt = match e.mode {
        'o' => Some("File Name to Write: ".to_owned()),
        'w' if e.find.is_empty() => Some("Search: ".to_owned()),
        'w' => Some(format!("Search [{}]: ", e.find)),
        's' if e.modern => Some("Save modified buffer? ".to_owned()),
        's' => Some("Save modified buffer (ANSWERING \"No\" WILL DESTROY CHANGES) ? ".to_owned()),
        _ => None,
    };
    match prompt {
        Some(prompt) => {
            let line = if e.mode == 's' { prompt } else { format!("{prompt}{}", e.typed) };
            cursor = (rows.len(), line.chars().count());
            rows.push(line);
            if e.mode == 's' {
                rows.extend([" Y Yes".to_owned(), " N No           ^C Cancel".to_owned()]);
            } else {
                rows.extend(["^G Get Help".to_owned(), "^C Cancel".to_owned()]);
            }
        }
        None => {
            let message = if e.message.is_empty() { String::new() } else { format!("[ {} ]", e.message) };
            let left = (COLUMNS.saturating_sub(cells(&message))) / 2;
            rows.push(if message.is_empty() { message } else { format!("{}{message}", " ".repeat(left)) });
            rows.extend([one.to_owned(), two.to_owned()]);
        }
    }
    Picture { rows, row: cursor.0, col: cursor.1 }
}
