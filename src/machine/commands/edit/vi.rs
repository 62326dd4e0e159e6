//! vi as Vim is when it is called so. Modes: `n` normal, `i` insert, `:` `/` `?` the last line, `V` whole
//! lines are selected.

use super::buffer::{Buffer, COLUMNS, Key, Picture, ROWS, cut, expand, width};
use super::{Editor, Kind};
use crate::base::Str;
use crate::machine::commands::{regex::Regex, sed};
use crate::machine::program::{Flow, Io};

pub static VI: Kind = Kind {
    open,
    key,
    draw,
    blind: ("Vim: Warning: Input is not from a terminal\nVim: Error reading input, exiting...\nVim: Finished.", 1),
    options: &["-R", "-n", "-u", "-e", "-N"],
};

/// Rows of the text.
const PAGE: usize = ROWS - 1;

fn open(e: &mut Editor, text: Option<&str>) {
    e.message = match text {
        _ if e.file.is_empty() => String::new(),
        None => format!("\"{}\" {}", e.file, if e.modern { "[New]" } else { "[New File]" }),
        Some(text) => {
            let noeol = if text.is_empty() || text.ends_with('\n') { "" } else { "[noeol] " };
            format!("\"{}\" {noeol}{}", e.file, size(e, text.lines().count(), text.len()))
        }
    };
}

fn size(e: &Editor, lines: usize, bytes: usize) -> String {
    format!("{lines}L, {bytes}{}", if e.modern { 'B' } else { 'C' })
}

fn key(io: &mut Io<'_>, e: &mut Editor, key: Key) -> Flow<Option<i32>> {
    match e.mode {
        'i' => insert(e, key),
        ':' => return line_key(io, e, key),
        '/' | '?' => search_key(e, key),
        'V' => selected(e, key),
        _ => {
            e.message.clear();
            return normal(io, e, key);
        }
    }
    Ok(None)
}

fn insert(e: &mut Editor, key: Key) {
    let b = &mut e.buffer;
    match key {
        Key::Escape | Key::Control('c') => {
            b.col = b.col.saturating_sub(1);
            b.clamp(false);
            e.mode = 'n';
            e.message.clear();
        }
        key if b.step(key, true, PAGE) => {}
        Key::Char(c) => b.insert(c),
        Key::Tab => b.insert('\t'),
        Key::Enter | Key::Control('j' | 'm') => b.split(),
        Key::Backspace | Key::Control('h') => b.backspace(),
        Key::Delete => b.delete(),
        Key::Control('u') => {
            let col = std::mem::take(&mut b.col);
            b.line_mut().drain(..col);
        }
        Key::Control('w') => {
            let line = b.line().clone();
            let mut col = b.col;
            while col > 0 && line[col - 1] == ' ' {
                col -= 1;
            }
            while col > 0 && line[col - 1] != ' ' {
                col -= 1;
            }
            let end = std::mem::replace(&mut b.col, col);
            b.line_mut().drain(col..end);
        }
        _ => {}
    }
}

fn begin_insert(e: &mut Editor) {
    e.keep_for_undo();
    e.mode = 'i';
}

/// What stands before a command: its count, or 1.
fn counted(typed: &str) -> (Option<usize>, &str) {
    let digits = typed.len() - typed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match typed.starts_with('0') {
        true => (None, typed),
        false => (typed[..digits].parse().ok(), &typed[digits..]),
    }
}

fn normal(io: &mut Io<'_>, e: &mut Editor, key: Key) -> Flow<Option<i32>> {
    let c = match key {
        Key::Char(c) => c,
        Key::Escape => {
            e.typed.clear();
            return Ok(None);
        }
        Key::Control('c') => {
            e.typed.clear();
            e.message = if e.changed {
                "Type  :qa!  and press <Enter> to abandon all changes and exit Vim".into()
            } else {
                "Type  :qa  and press <Enter> to exit Vim".into()
            };
            return Ok(None);
        }
        Key::Enter => '+',
        Key::Backspace => 'h',
        Key::Control('f') => return Ok(step(e, Key::PageDown)),
        Key::Control('b') => return Ok(step(e, Key::PageUp)),
        Key::Control('d' | 'u') => {
            for _ in 0..PAGE / 2 {
                step(e, if key == Key::Control('d') { Key::Down } else { Key::Up });
            }
            return Ok(None);
        }
        Key::Up => 'k',
        Key::Down => 'j',
        Key::Left => 'h',
        Key::Right => 'l',
        Key::Home => '0',
        Key::End => '$',
        Key::Delete => 'x',
        key => return Ok(step(e, key)),
    };
    // A zero behind nothing or an operator moves; behind a digit it counts.
    e.typed.push(c);
    let typed = e.typed.clone();
    let (count, rest) = counted(&typed);
    if rest.is_empty() {
        return Ok(None);
    }
    let mut words = rest.chars();
    let op = words.next().unwrap_or(' ');
    let more: String = words.collect();
    match op {
        'd' | 'c' | 'y' | '>' | '<' => {
            let (again, motion) = counted(&more);
            if motion.is_empty() || motion == "g" {
                return Ok(None);
            }
            e.typed.clear();
            let times = count.unwrap_or(1) * again.unwrap_or(1);
            operate(e, op, motion, times, count.or(again));
            return Ok(None);
        }
        'g' | 'r' | 'Z' if more.is_empty() => return Ok(None),
        _ => e.typed.clear(),
    }
    let n = count.unwrap_or(1);
    match (op, more.as_str()) {
        ('Z', "Z") => return if e.changed { write_and_quit(io, e) } else { Ok(Some(0)) },
        ('Z', "Q") => return Ok(Some(0)),
        ('r', with) => replace(e, with, n),
        ('i', _) => begin_insert(e),
        ('I', _) => {
            e.buffer.col = indent(&e.buffer);
            begin_insert(e);
        }
        ('a', _) => {
            e.buffer.col += 1;
            e.buffer.clamp(true);
            begin_insert(e);
        }
        ('A', _) => {
            e.buffer.col = e.buffer.line().len();
            begin_insert(e);
        }
        ('o' | 'O', _) => {
            begin_insert(e);
            let row = e.buffer.row + usize::from(op == 'o');
            e.buffer.lines.insert(row, Vec::new());
            (e.buffer.row, e.buffer.col) = (row, 0);
        }
        ('x', _) => operate(e, 'd', "l", n, None),
        ('X', _) => operate(e, 'd', "h", n, None),
        ('s', _) => operate(e, 'c', "l", n, None),
        ('S', _) => operate(e, 'c', "c", n, None),
        ('D', _) => operate(e, 'd', "$", n, None),
        ('C', _) => operate(e, 'c', "$", n, None),
        ('Y', _) => operate(e, 'y', "y", n, None),
        ('p' | 'P', _) => put(e, op == 'p', n),
        ('u', _) => undo(e),
        ('J', _) => {
            e.keep_for_undo();
            for _ in 0..n.saturating_sub(1).max(1) {
                join(&mut e.buffer);
            }
        }
        ('~', _) => {
            e.keep_for_undo();
            let b = &mut e.buffer;
            if let Some(c) = b.lines[b.row].get_mut(b.col) {
                *c = if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            }
            b.col += 1;
            b.clamp(false);
        }
        ('V', _) => (e.mode, e.anchor) = ('V', e.buffer.row),
        (':' | '/' | '?', _) => {
            e.mode = op;
            e.typed.clear();
        }
        ('n' | 'N', _) => search(e, (op == 'N') != e.back),
        _ => {
            let motion = format!("{op}{more}");
            if let Some((row, col, _)) = target(&e.buffer, &motion, n, count) {
                (e.buffer.row, e.buffer.col) = (row, col);
                e.buffer.clamp(false);
            }
        }
    }
    Ok(None)
}

fn step(e: &mut Editor, key: Key) -> Option<i32> {
    e.typed.clear();
    e.buffer.step(key, false, PAGE);
    None
}

fn indent(b: &Buffer) -> usize {
    b.line().iter().position(|c| !matches!(c, ' ' | '\t')).unwrap_or(0)
}

/// How a motion ends: whole lines, with the last character, or before it.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    Lines,
    With,
    Before,
}

fn class(c: char) -> u8 {
    match c {
        ' ' | '\t' => 0,
        c if c.is_alphanumeric() || c == '_' => 1,
        _ => 2,
    }
}

/// Where a motion leads.
fn target(b: &Buffer, motion: &str, n: usize, count: Option<usize>) -> Option<(usize, usize, Reach)> {
    let (row, col, last) = (b.row, b.col, b.lines.len() - 1);
    let first = |row: usize| b.lines[row].iter().position(|c| !matches!(c, ' ' | '\t')).unwrap_or(0);
    Some(match motion {
        "h" => (row, col.saturating_sub(n), Reach::Before),
        "l" | " " => (row, (col + n).min(b.line().len()), Reach::Before),
        "j" => ((row + n).min(last), col, Reach::Lines),
        "k" => (row.saturating_sub(n), col, Reach::Lines),
        "+" => ((row + n).min(last), first((row + n).min(last)), Reach::Lines),
        "-" => (row.saturating_sub(n), first(row.saturating_sub(n)), Reach::Lines),
        "0" => (row, 0, Reach::Before),
        "^" => (row, first(row), Reach::Before),
        "$" => {
            let row = (row + n - 1).min(last);
            (row, b.lines[row].len().saturating_sub(1), Reach::With)
        }
        "G" => {
            let row = count.unwrap_or(last + 1).clamp(1, last + 1) - 1;
            (row, first(row), Reach::Lines)
        }
        "gg" => {
            let row = count.unwrap_or(1).clamp(1, last + 1) - 1;
            (row, first(row), Reach::Lines)
        }
        "w" | "b" | "e" => {
            let (mut row, mut col) = (row, col);
            for _ in 0..n {
                (row, col) = word(b, row, col, motion);
            }
            (row, col, if motion == "e" { Reach::With } else { Reach::Before })
        }
        _ => return None,
    })
}

/// One word on, back, or to its end.
fn word(b: &Buffer, row: usize, col: usize, motion: &str) -> (usize, usize) {
    let at = |row: usize, col: usize| b.lines[row].get(col).map_or(0, |c| class(*c));
    let (mut row, mut col) = (row, col);
    if motion == "b" {
        loop {
            if col == 0 {
                if row == 0 {
                    return (0, 0);
                }
                row -= 1;
                col = b.lines[row].len();
                if col == 0 {
                    return (row, 0);
                }
                continue;
            }
            col -= 1;
            if at(row, col) != 0 && (col == 0 || at(row, col - 1) != at(row, col)) {
                return (row, col);
            }
        }
    }
    if motion == "e" {
        loop {
            col += 1;
            if col >= b.lines[row].len() {
                if row + 1 == b.lines.len() {
                    return (row, b.lines[row].len().saturating_sub(1));
                }
                row += 1;
                col = 0;
                if b.lines[row].is_empty() {
                    continue;
                }
            }
            if at(row, col) != 0 && (col + 1 == b.lines[row].len() || at(row, col + 1) != at(row, col)) {
                return (row, col);
            }
        }
    }
    let from = at(row, col);
    while col < b.lines[row].len() && at(row, col) == from && from != 0 {
        col += 1;
    }
    loop {
        if col >= b.lines[row].len() {
            if row + 1 == b.lines.len() {
                return (row, b.lines[row].len());
            }
            (row, col) = (row + 1, 0);
            if b.lines[row].is_empty() || at(row, 0) != 0 {
                return (row, 0);
            }
        }
        if at(row, col) != 0 {
            return (row, col);
        }
        col += 1;
    }
}

fn operate(e: &mut Editor, op: char, motion: &str, n: usize, count: Option<usize>) {
    let whole = motion.chars().eq([op]);
    let (row, col) = (e.buffer.row, e.buffer.col);
    // `cw` leaves the blanks behind the word.
    let motion = if op == 'c' && motion == "w" && e.buffer.line().get(col).is_some_and(|c| class(*c) != 0) {
        "e"
    } else {
        motion
    };
    let reached = if whole {
        Some(((row + n - 1).min(e.buffer.lines.len() - 1), 0, Reach::Lines))
    } else {
        target(&e.buffer, motion, n, count)
    };
    let Some((to, end, reach)) = reached else { return };
    if matches!(op, '>' | '<') || reach == Reach::Lines {
        let (from, to) = (row.min(to), row.max(to));
        return on_lines(e, op, from, to - from + 1);
    }
    let (mut from, mut to) = ((row, col), (to, end + usize::from(reach == Reach::With)));
    if to < from {
        std::mem::swap(&mut from, &mut to);
    }
    // A word that is the last of its line ends there.
    if motion == "w" && to.0 > from.0 && to.1 <= e.buffer.lines[to.0].iter().take_while(|c| class(**c) == 0).count() {
        to = (to.0 - 1, e.buffer.lines[to.0 - 1].len());
    }
    let b = &mut e.buffer;
    let text: String = if from.0 == to.0 {
        b.lines[from.0][from.1.min(to.1)..to.1.min(b.lines[from.0].len())].iter().collect()
    } else {
        let middle = b.lines[from.0 + 1..to.0].iter().flat_map(|l| l.iter().copied().chain(['\n']));
        let first = b.lines[from.0][from.1..].iter().copied().chain(['\n']);
        first.chain(middle).chain(b.lines[to.0][..to.1.min(b.lines[to.0].len())].iter().copied()).collect()
    };
    if text.is_empty() && op != 'c' {
        return;
    }
    (e.cut, e.cut_lines) = (text, false);
    (e.buffer.row, e.buffer.col) = from;
    if op == 'y' {
        return;
    }
    e.keep_for_undo();
    let b = &mut e.buffer;
    let tail: Vec<char> = b.lines[to.0].iter().skip(to.1).copied().collect();
    b.lines[from.0].truncate(from.1);
    b.lines[from.0].extend(tail);
    b.lines.drain(from.0 + 1..=to.0.max(from.0));
    b.clamp(op == 'c');
    if op == 'c' {
        e.mode = 'i';
    }
}

/// Deletes, changes, copies or shifts whole lines.
fn on_lines(e: &mut Editor, op: char, from: usize, count: usize) {
    let count = count.min(e.buffer.lines.len() - from);
    let text = e.buffer.lines[from..from + count].iter().flat_map(|l| l.iter().copied().chain(['\n'])).collect();
    let all = e.buffer.lines.len();
    match op {
        'y' => {
            (e.cut, e.cut_lines, e.buffer.row) = (text, true, from);
            if count > 2 {
                e.message = format!("{count} lines yanked");
            }
            e.buffer.clamp(false);
        }
        'd' => {
            e.keep_for_undo();
            (e.cut, e.cut_lines) = (text, true);
            e.buffer.take_lines(from, count);
            e.buffer.col = indent(&e.buffer);
            if count == all {
                e.message = "--No lines in buffer--".into();
            } else if count > 2 {
                e.message = format!("{count} fewer lines");
            }
        }
        'c' => {
            e.keep_for_undo();
            (e.cut, e.cut_lines) = (text, true);
            e.buffer.lines.splice(from..from + count, [Vec::new()]);
            (e.buffer.row, e.buffer.col, e.mode) = (from, 0, 'i');
        }
        _ => {
            e.keep_for_undo();
            for line in &mut e.buffer.lines[from..from + count] {
                match op {
                    '>' if !line.is_empty() => line.insert(0, '\t'),
                    '<' if line.first() == Some(&'\t') => drop(line.remove(0)),
                    '<' => drop(line.drain(..line.iter().take_while(|c| **c == ' ').count().min(8))),
                    _ => {}
                }
            }
            e.buffer.row = from;
            e.buffer.col = indent(&e.buffer);
        }
    }
}

fn selected(e: &mut Editor, key: Key) {
    let (from, to) = (e.anchor.min(e.buffer.row), e.anchor.max(e.buffer.row));
    match key {
        Key::Escape | Key::Char('V') | Key::Control('c') => {
            e.mode = 'n';
            e.message.clear();
        }
        Key::Char(op @ ('d' | 'x' | 'y' | 'c' | '>' | '<')) => {
            e.mode = 'n';
            e.message.clear();
            on_lines(e, if op == 'x' { 'd' } else { op }, from, to - from + 1);
        }
        Key::Char('g') if e.typed != "g" => e.typed = "g".into(),
        Key::Char(c) => {
            let motion = format!("{}{c}", std::mem::take(&mut e.typed));
            if let Some((row, col, _)) = target(&e.buffer, &motion, 1, None) {
                (e.buffer.row, e.buffer.col) = (row, col);
                e.buffer.clamp(false);
            }
        }
        key => drop(e.buffer.step(key, false, PAGE)),
    }
}

fn replace(e: &mut Editor, with: &str, n: usize) {
    let Some(c) = with.chars().next() else { return };
    if e.buffer.col + n > e.buffer.line().len() {
        return;
    }
    e.keep_for_undo();
    let col = e.buffer.col;
    e.buffer.line_mut()[col..col + n].fill(c);
    e.buffer.col = col + n - 1;
}

fn put(e: &mut Editor, after: bool, n: usize) {
    if e.cut.is_empty() {
        return;
    }
    e.keep_for_undo();
    let text = e.cut.repeat(n);
    let b = &mut e.buffer;
    if e.cut_lines {
        let row = b.row + usize::from(after);
        let lines: Vec<Vec<char>> = text.lines().map(|l| l.chars().collect()).collect();
        let count = lines.len();
        b.lines.splice(row..row, lines);
        b.row = row;
        b.col = indent(b);
        if count > 2 {
            e.message = format!("{count} more lines");
        }
        return;
    }
    b.col += usize::from(after && !b.line().is_empty());
    b.clamp(true);
    for c in text.chars() {
        if c == '\n' { b.split() } else { b.insert(c) }
    }
    b.col = b.col.saturating_sub(1);
}

fn join(b: &mut Buffer) {
    if b.row + 1 >= b.lines.len() {
        return;
    }
    let next = b.lines.remove(b.row + 1);
    let next: Vec<char> = next.into_iter().skip_while(|c| matches!(c, ' ' | '\t')).collect();
    b.col = b.line().len();
    if !next.is_empty() && !b.line().is_empty() && b.line().last() != Some(&' ') {
        b.line_mut().push(' ');
    }
    b.line_mut().extend(next);
    b.clamp(false);
}

fn undo(e: &mut Editor) {
    match e.undo.pop() {
        None => e.message = "Already at oldest change".into(),
        Some((text, row, col)) => {
            let before = e.buffer.lines.len() as i64;
            let top = e.buffer.top;
            e.buffer = Buffer { row, col, top, ..Buffer::of(&text) };
            e.buffer.clamp(false);
            e.changed = !e.undo.is_empty();
            let change = e.buffer.lines.len() as i64 - before;
            e.message = match change {
                0 => "1 change; before #1".to_owned(),
                1 => "1 more line; before #1".to_owned(),
                -1 => "1 line less; before #1".to_owned(),
                n if n > 0 => format!("{n} more lines; before #1"),
                n => format!("{} fewer lines; before #1", -n),
            }
            .replace("#1", &format!("#{}", e.undo.len() + 1));
        }
    }
}

// --- the last line ---

fn search_key(e: &mut Editor, key: Key) {
    match key {
        Key::Char(c) => e.typed.push(c),
        Key::Backspace if !e.typed.is_empty() => drop(e.typed.pop()),
        Key::Enter => {
            e.back = e.mode == '?';
            e.mode = 'n';
            let typed = std::mem::take(&mut e.typed);
            if !typed.is_empty() {
                e.find = typed;
            }
            search(e, e.back);
        }
        Key::Escape | Key::Backspace | Key::Control('c') => {
            e.mode = 'n';
            e.typed.clear();
        }
        _ => {}
    }
}

fn search(e: &mut Editor, back: bool) {
    if e.find.is_empty() {
        e.message = "E35: No previous regular expression".into();
        return;
    }
    match e.buffer.find(&e.find, back) {
        None => e.message = format!("E486: Pattern not found: {}", e.find),
        Some(place) => {
            let here = (e.buffer.row, e.buffer.col);
            e.message = format!("{}{}", if back { '?' } else { '/' }, e.find);
            if !back && place <= here {
                e.message = "search hit BOTTOM, continuing at TOP".into();
            } else if back && place >= here {
                e.message = "search hit TOP, continuing at BOTTOM".into();
            }
            (e.buffer.row, e.buffer.col) = place;
        }
    }
}

fn line_key(io: &mut Io<'_>, e: &mut Editor, key: Key) -> Flow<Option<i32>> {
    match key {
        Key::Char(c) => e.typed.push(c),
        Key::Backspace if !e.typed.is_empty() => drop(e.typed.pop()),
        Key::Control('u') => e.typed.clear(),
        Key::Escape | Key::Backspace | Key::Control('c') => {
            e.mode = 'n';
            e.typed.clear();
        }
        Key::Enter => {
            e.mode = 'n';
            let line = std::mem::take(&mut e.typed);
            e.message = format!(":{line}");
            return command(io, e, line.trim());
        }
        _ => {}
    }
    Ok(None)
}

fn write_and_quit(io: &mut Io<'_>, e: &mut Editor) -> Flow<Option<i32>> {
    Ok(write(io, e, "")?.then_some(0))
}

/// `:w`; whether it was written.
fn write(io: &mut Io<'_>, e: &mut Editor, to: &str) -> Flow<bool> {
    let file = if to.is_empty() { e.file.clone() } else { Str::from(to) };
    if file.is_empty() {
        e.message = "E32: No file name".into();
        return Ok(false);
    }
    let there = !io.call("stat", file.as_str().into())?.is_null();
    match e.write(io, &file)? {
        Ok((lines, bytes)) => {
            let fresh = if there { "" } else { "[New] " };
            e.message = format!("\"{file}\" {fresh}{} written", size(e, lines, bytes));
            if to.is_empty() || e.file.is_empty() || to == e.file {
                (e.file, e.changed, e.fresh) = (file, false, false);
            }
            Ok(true)
        }
        Err(_) => {
            e.message = format!("\"{file}\" E212: Can't open file for writing");
            Ok(false)
        }
    }
}

fn command(io: &mut Io<'_>, e: &mut Editor, line: &str) -> Flow<Option<i32>> {
    let unknown = |e: &mut Editor| e.message = format!("E492: Not an editor command: {line}");
    let (range, rest) = range(e, line);
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, tail) = rest.split_at(end);
    let force = tail.starts_with('!');
    let argument = tail.trim_start_matches('!').trim();
    match word {
        "" if rest.is_empty() => {
            if let Some((_, row)) = range {
                e.buffer.row = row;
                e.buffer.clamp(false);
                e.buffer.col = indent(&e.buffer);
            }
            e.message.clear();
        }
        "w" | "write" => drop(write(io, e, argument)?),
        "q" | "qa" | "quit" | "qall" => {
            if e.changed && !force {
                e.message = "E37: No write since last change (add ! to override)".into();
                return Ok(None);
            }
            return Ok(Some(0));
        }
        "wq" | "wqa" | "xa" | "wqall" => return write_and_quit(io, e),
        "x" | "xit" | "exit" => return if e.changed { write_and_quit(io, e) } else { Ok(Some(0)) },
        "cq" => return Ok(Some(1)),
        "e" | "edit" if argument.is_empty() || argument == e.file => {
            if e.changed && !force {
                e.message = "E37: No write since last change (add ! to override)".into();
                return Ok(None);
            }
            let text = io.read_file(&e.file.clone())?.ok();
            e.buffer = Buffer::of(text.as_deref().unwrap_or_default());
            (e.changed, e.fresh) = (false, text.is_none());
            e.undo.clear();
            open(e, text.as_deref());
        }
        "set" | "se" => {
            for option in argument.split(' ').filter(|o| !o.is_empty()) {
                match option {
                    "nu" | "number" => e.number = true,
                    "nonu" | "nonumber" => e.number = false,
                    "nu!" | "number!" | "invnumber" => e.number = !e.number,
                    "paste" => e.paste = true,
                    "nopaste" => e.paste = false,
                    "ai" | "noai" | "et" | "expandtab" | "noet" | "ic" | "noic" | "hls" | "nohls" | "list"
                    | "nolist" | "cuc" | "nocuc" | "cul" | "nocul" | "hlsearch" | "nohlsearch" | "autoindent"
                    | "noautoindent" => {}
                    o if o.split_once('=').is_some_and(|(k, v)| {
                        ["ts", "sw", "sts", "tabstop", "shiftwidth", "softtabstop"].contains(&k)
                            && v.parse::<u8>().is_ok()
                    }) => {}
                    other => {
                        e.message = format!("E518: Unknown option: {other}");
                        return Ok(None);
                    }
                }
            }
        }
        "d" | "delete" => {
            let (from, to) = range.unwrap_or((e.buffer.row, e.buffer.row));
            on_lines(e, 'd', from, to - from + 1);
        }
        "y" | "yank" => {
            let (from, to) = range.unwrap_or((e.buffer.row, e.buffer.row));
            on_lines(e, 'y', from, to - from + 1);
        }
        "noh" | "nohlsearch" | "syntax" | "syn" => {}
        _ if word.starts_with('s') && (word == "s" || word == "substitute") => substitute(e, range, tail),
        _ => unknown(e),
    }
    Ok(None)
}

/// `3`, `$`, `.`, `%`, `1,5` before a command: first and last row.
fn range<'l>(e: &Editor, line: &'l str) -> (Option<(usize, usize)>, &'l str) {
    let last = e.buffer.lines.len() - 1;
    if let Some(rest) = line.strip_prefix('%') {
        return (Some((0, last)), rest);
    }
    let one = |text: &'l str| -> (Option<usize>, &'l str) {
        if let Some(rest) = text.strip_prefix('$') {
            return (Some(last), rest);
        }
        if let Some(rest) = text.strip_prefix('.') {
            return (Some(e.buffer.row), rest);
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        (text[..digits].parse::<usize>().ok().map(|n| n.clamp(1, last + 1) - 1), &text[digits..])
    };
    let (from, rest) = one(line);
    let Some(from) = from else { return (None, line) };
    match rest.strip_prefix(',').map(one) {
        Some((Some(to), rest)) => (Some((from.min(to), from.max(to))), rest),
        _ => (Some((from, from)), rest),
    }
}

/// `s/old/new/g`
fn substitute(e: &mut Editor, range: Option<(usize, usize)>, tail: &str) {
    let Some(sign) = tail.chars().next() else { return };
    // A sign behind a backslash is no end.
    let hidden = tail[sign.len_utf8()..].replace(&format!("\\{sign}"), "\u{1}");
    let parts: Vec<String> = hidden.split(sign).map(|p| p.replace('\u{1}', &sign.to_string())).collect();
    let part = |i: usize| parts.get(i).map_or("", String::as_str);
    let (old, new, flags) = (part(0), part(1), part(2));
    let Ok(pattern) = Regex::basic(old, flags.contains('i')) else {
        e.message = format!("E486: Pattern not found: {old}");
        return;
    };
    let (from, to) = range.unwrap_or((e.buffer.row, e.buffer.row));
    let (mut hits, mut rows, mut at) = (0, 0, None);
    let mut lines = e.buffer.lines.clone();
    for (row, line) in lines.iter_mut().enumerate().take(to + 1).skip(from) {
        let text: String = line.iter().collect();
        if let Some(after) = sed::replaced(&text, &pattern, new, flags.contains('g')) {
            let all = if flags.contains('g') { text.matches(old).count().max(1) } else { 1 };
            (hits, rows, at) = (hits + all, rows + 1, Some(row));
            *line = after.chars().collect();
        }
    }
    match at {
        None => e.message = format!("E486: Pattern not found: {old}"),
        Some(row) => {
            e.keep_for_undo();
            e.buffer.lines = lines;
            (e.buffer.row, e.buffer.col) = (row, 0);
            e.find = old.to_owned();
            e.message = match hits {
                0..=2 => String::new(),
                n => format!("{n} substitutions on {rows} line{}", if rows == 1 { "" } else { "s" }),
            };
        }
    }
}

// --- the screen ---

/// A line as the rows it takes, and the cursor's row and character among them.
fn wrapped(line: &[char], room: usize, col: Option<usize>) -> (Vec<String>, (usize, usize)) {
    let (text, from) = expand(line);
    let place = col.map(|col| from.iter().position(|i| *i >= col).unwrap_or(text.len()));
    let (mut rows, mut used, mut at) = (vec![String::new()], 0, (0, 0));
    for (i, c) in text.iter().enumerate() {
        if used + width(*c) > room {
            rows.push(String::new());
            used = 0;
        }
        let row = rows.len() - 1;
        if place == Some(i) {
            at = (row, rows[row].chars().count());
        }
        rows[row].push(*c);
        used += width(*c);
    }
    if place == Some(text.len()) {
        at = (rows.len() - 1, rows[rows.len() - 1].chars().count());
    }
    (rows, at)
}

fn draw(e: &mut Editor) -> Picture {
    let margin = if e.number { 4.max(e.buffer.lines.len().to_string().len() + 1) } else { 0 };
    let room = COLUMNS - margin;
    let b = &mut e.buffer;
    b.top = b.top.min(b.row);
    let height = |line: &Vec<char>| wrapped(line, room, None).0.len();
    while b.lines[b.top..=b.row].iter().map(height).sum::<usize>() > PAGE && b.top < b.row {
        b.top += 1;
    }
    let (mut rows, mut cursor) = (Vec::new(), (0, 0));
    let mut n = b.top;
    while rows.len() < PAGE && n < b.lines.len() {
        let here = n == b.row;
        let (parts, at) = wrapped(&b.lines[n], room, here.then_some(b.col));
        if here {
            cursor = (rows.len() + at.0, margin + at.1);
        }
        if rows.len() + parts.len() > PAGE && !here {
            break;
        }
        for (i, part) in parts.into_iter().enumerate() {
            let number = match (e.number, i) {
                (false, _) => String::new(),
                (true, 0) => format!("{:>1$} ", n + 1, margin - 1),
                _ => " ".repeat(margin),
            };
            rows.push(format!("{number}{part}"));
        }
        n += 1;
    }
    let rest = if n < b.lines.len() { "@" } else { "~" };
    rows.resize(PAGE, rest.to_owned());
    let ruler = if b.line().is_empty() { "0-1".to_owned() } else { (b.col + 1).to_string() };
    let place = format!("{},{ruler}", b.row + 1);
    let part = match (b.top == 0, n >= b.lines.len()) {
        (true, true) => "All".to_owned(),
        (true, false) => "Top".to_owned(),
        (false, true) => "Bot".to_owned(),
        _ => format!("{}%", b.top * 100 / (b.lines.len() - (n - b.top)).max(1)),
    };
    let left = match e.mode {
        'i' if e.paste => "-- INSERT (paste) --".to_owned(),
        'i' => "-- INSERT --".to_owned(),
        'V' => "-- VISUAL LINE --".to_owned(),
        m @ (':' | '/' | '?') => {
            cursor = (PAGE, 1 + e.typed.chars().count());
            format!("{m}{}", e.typed)
        }
        _ => e.message.clone(),
    };
    let left = cut(&left, 62);
    let gap = " ".repeat(62 - super::buffer::cells(&left));
    let last = if matches!(e.mode, ':' | '/' | '?') { left } else { format!("{left}{gap}{place:<14}{part}") };
    rows.push(last);
    Picture { rows, row: cursor.0, col: cursor.1 }
}
