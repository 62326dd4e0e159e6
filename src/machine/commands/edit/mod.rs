//! `vi`, `vim` and `nano`: small editors that do to a file what the same keys do in the real ones.
//!
//! A program of this kind reads keys, not lines: it draws with the call `screen`, and while it does
//! its terminal sends what is typed key by key. Its state between two keys is plain data.
//!
//! - [`buffer`]: the text, keys, widths; - [`vi`]; - [`nano`]

mod buffer;
mod nano;
#[cfg(test)]
mod tests;
mod vi;

use super::row;
use crate::api::Value;
use crate::base::Str;
use crate::machine::program::{Command, Flow, Io};
use buffer::{Buffer, Key, Picture};

pub static VI: Command = row("vi", ["edit a file", "파일을 편집합니다"], |io, args| run(io, args, &vi::VI));
pub static VIM: Command = row("vim", ["edit a file", "파일을 편집합니다"], |io, args| run(io, args, &vi::VI));
pub static NANO: Command =
    row("nano", ["edit a file", "파일을 편집합니다"], |io, args| run(io, args, &nano::NANO));

/// What sets one editor apart from another.
struct Kind {
    open: fn(&mut Editor, Option<&str>),
    key: fn(&mut Io<'_>, &mut Editor, Key) -> Flow<Option<i32>>,
    draw: fn(&mut Editor) -> Picture,
    /// What it says where its input is no terminal, and its exit code.
    blind: (&'static str, i32),
    /// Options that are taken and change nothing here.
    options: &'static [&'static str],
}

#[derive(Clone, Debug, Default)]
struct Editor {
    modern: bool,
    file: Str,
    /// The file is not there yet.
    fresh: bool,
    buffer: Buffer,
    changed: bool,
    /// What the last row says until the next key.
    message: String,
    /// `n` for vi's normal mode; others are each editor's own.
    mode: char,
    /// A command or answer that is not complete yet.
    typed: String,
    /// What was cut, and whether that is whole lines.
    cut: String,
    cut_lines: bool,
    /// Text and place before each change, oldest first.
    undo: Vec<(Str, usize, usize)>,
    /// What was looked for last.
    find: String,
    back: bool,
    /// Where a selection began.
    anchor: usize,
    number: bool,
    paste: bool,
    /// The last key cut a line: the next one adds to it.
    cutting: bool,
}

/// Changes that can be undone.
const UNDO: usize = 100;

impl Editor {
    fn keep_for_undo(&mut self) {
        let text = Str::from(self.buffer.text());
        if self.undo.last().is_none_or(|(last, ..)| *last != text) {
            self.undo.push((text, self.buffer.row, self.buffer.col));
        }
        if self.undo.len() > UNDO {
            self.undo.remove(0);
        }
        self.changed = true;
    }

    /// Writes the text; why not.
    fn write(&mut self, io: &mut Io<'_>, file: &str) -> Flow<Result<(usize, usize), Str>> {
        let text = self.buffer.text();
        let size = (if text.is_empty() { 0 } else { self.buffer.lines.len() }, text.len());
        Ok(io.write_file(file, text)?.map(|_| size))
    }

    fn to_value(&self) -> Value {
        let b = &self.buffer;
        let undo: Vec<Value> =
            self.undo.iter().map(|(t, r, c)| map! { "t" => t, "r" => *r as u64, "c" => *c as u64 }.into()).collect();
        map! {
            "modern" => self.modern, "file" => &self.file, "fresh" => self.fresh, "text" => b.text(),
            "row" => b.row as u64, "col" => b.col as u64, "top" => b.top as u64,
            "changed" => self.changed, "message" => self.message.as_str(), "mode" => self.mode.to_string(),
            "typed" => self.typed.as_str(), "cut" => self.cut.as_str(), "cutLines" => self.cut_lines, "undo" => undo,
            "find" => self.find.as_str(), "back" => self.back, "anchor" => self.anchor as u64,
            "number" => self.number, "paste" => self.paste, "cutting" => self.cutting,
        }
        .into()
    }

    fn of_value(v: &Value) -> Editor {
        let number = |v: &Value, key: &str| v.get(key).and_then(Value::as_int).unwrap_or(0).max(0) as usize;
        let flag = |key: &str| v.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut buffer = Buffer::of(v.str("text"));
        (buffer.row, buffer.col, buffer.top) = (number(v, "row"), number(v, "col"), number(v, "top"));
        let undo = v.get("undo").map(Value::items).unwrap_or_default();
        Editor {
            modern: flag("modern"),
            file: v.str("file").into(),
            fresh: flag("fresh"),
            buffer,
            changed: flag("changed"),
            message: v.str("message").into(),
            mode: v.str("mode").chars().next().unwrap_or('n'),
            typed: v.str("typed").into(),
            cut: v.str("cut").into(),
            cut_lines: flag("cutLines"),
            undo: undo.iter().map(|u| (u.str("t").into(), number(u, "r"), number(u, "c"))).collect(),
            find: v.str("find").into(),
            back: flag("back"),
            anchor: number(v, "anchor"),
            number: flag("number"),
            paste: flag("paste"),
            cutting: flag("cutting"),
        }
    }
}

fn run(io: &mut Io<'_>, args: &[Str], kind: &Kind) -> Flow<i32> {
    let state = io.state();
    let mut editor = Editor::of_value(&state);
    if state.is_null() {
        editor = match start(io, args, kind)? {
            Ok(editor) => editor,
            Err(code) => return Ok(code),
        };
        show(io, &mut editor, kind)?;
    }
    // A round begins here, whether it is run for the first time or again.
    loop {
        let Some(sent) = io.read_line()? else { return Ok(1) };
        for key in buffer::keys(&sent) {
            if let Some(code) = (kind.key)(io, &mut editor, key)? {
                return Ok(code);
            }
        }
        show(io, &mut editor, kind)?;
    }
}

fn show(io: &mut Io<'_>, editor: &mut Editor, kind: &Kind) -> Flow<()> {
    let picture = (kind.draw)(editor);
    let shown = map! { "text" => picture.text(), "row" => picture.row as u64, "col" => picture.col as u64 };
    io.call("screen", shown.into())?;
    io.checkpoint(editor.to_value());
    Ok(())
}

fn start(io: &mut Io<'_>, args: &[Str], kind: &Kind) -> Flow<Result<Editor, i32>> {
    let name = args[0].as_str();
    let (mut files, mut at) = (Vec::new(), None);
    for arg in &args[1..] {
        match arg.strip_prefix('+') {
            Some(line) => at = Some(line.parse::<usize>().unwrap_or(usize::MAX)),
            None if arg.starts_with('-') && arg.len() > 1 && !kind.options.contains(&arg.as_str()) => {
                io.errln(format!("{name}: unknown option: {arg}"));
                return Ok(Err(1));
            }
            None if arg.starts_with('-') && arg.len() > 1 => {}
            None => files.push(arg.clone()),
        }
    }
    if io.call("tty", 0.into())?.as_bool() != Some(true) {
        io.errln(kind.blind.0);
        return Ok(Err(kind.blind.1));
    }
    let file = files.first().cloned().unwrap_or_default();
    let mut editor = Editor {
        modern: io.call("profile", Value::Null)?.as_str() == "modern",
        file: file.clone(),
        mode: 'n',
        ..Editor::default()
    };
    if !file.is_empty() && io.call("stat", file.as_str().into())?.get("folder").and_then(Value::as_bool) == Some(true) {
        io.errln(format!("{name}: {file}: is a directory"));
        return Ok(Err(1));
    }
    let text = if file.is_empty() { None } else { io.read_file(&file)?.ok() };
    editor.fresh = text.is_none();
    editor.buffer = Buffer::of(text.as_deref().unwrap_or_default());
    editor.buffer.row = at.unwrap_or(1).saturating_sub(1);
    editor.buffer.clamp(false);
    (kind.open)(&mut editor, text.as_deref());
    Ok(Ok(editor))
}
