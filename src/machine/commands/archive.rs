//! `tar`, `base64`.

use super::options::{Spec, parse};
use super::row;
use crate::base::{Str, base64, tar};
use crate::machine::program::{Command, Flow, Io};

pub static TAR: Command = row("tar", ["pack and unpack files", "파일을 묶고 풉니다"], run);
pub static BASE64: Command = row("base64", ["encode and decode base64", "base64로 바꾸거나 되돌립니다"], base64);

const SPEC: Spec = Spec::new(
    "cxtvzjmpf:C:",
    &[
        ("create", 'c'),
        ("extract", 'x'),
        ("list", 't'),
        ("file", 'f'),
        ("directory", 'C'),
        ("gzip", 'z'),
        ("verbose", 'v'),
    ],
    64,
);

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    // The first word may go without its dash.
    let mut words = args.to_vec();
    if let Some(first) = words.get_mut(1).filter(|w| !w.starts_with('-')) {
        *first = ecow::eco_format!("-{first}");
    }
    let o = parse(io, &words, &SPEC)?;
    let file = o.value('f').cloned().unwrap_or("-".into());
    let folder = o.value('C').map_or(String::new(), |d| format!("{}/", d.trim_end_matches('/')));
    if o.has('c') {
        if o.rest.is_empty() {
            io.errln("tar: Cowardly refusing to create an empty archive");
            return io.fail(2, "Try 'tar --help' or 'tar --usage' for more information.");
        }
        let (mut entries, mut code) = (Vec::new(), 0);
        for name in &o.rest {
            if name.starts_with('/') && file != "-" {
                io.errln("tar: Removing leading `/' from member names");
            }
            let path = if name.starts_with('/') { name.to_string() } else { format!("{folder}{name}") };
            code |= gather(io, &path, name.trim_start_matches('/'), &mut entries)?;
        }
        if o.has('v') {
            entries.iter().for_each(|e| io.errln(&e.name));
        }
        let text = tar::write(&entries);
        if file == "-" {
            io.out(text);
        } else if let Err(why) = io.write_file(&file, text)? {
            return io.fail(2, format!("tar: {file}: Cannot open: {why}\ntar: Error is not recoverable: exiting now"));
        }
        if code != 0 {
            io.errln("tar: Exiting with failure status due to previous errors");
        }
        return Ok(code);
    }
    if !o.has('x') && !o.has('t') {
        return io.fail(2, "tar: You must specify one of the '-Acdtrux', '--delete' or '--test-label' options\nTry 'tar --help' or 'tar --usage' for more information.");
    }
    let text = if file == "-" {
        io.read_all()?
    } else {
        match io.read_file(&file)? {
            Ok(text) => text,
            Err(why) => {
                return io
                    .fail(2, format!("tar: {file}: Cannot open: {why}\ntar: Error is not recoverable: exiting now"));
            }
        }
    };
    let entries = tar::read(&text);
    if entries.is_empty() {
        return io.fail(
            2,
            "tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors",
        );
    }
    for e in entries {
        let wanted = o.rest.is_empty() || o.rest.iter().any(|w| e.name.starts_with(w.trim_end_matches('/')));
        if !wanted {
            continue;
        }
        if o.has('t') || o.has('v') {
            io.outln(format!("{}{}", e.name, if e.folder { "/" } else { "" }));
        }
        if !o.has('x') {
            continue;
        }
        let path = format!("{folder}{}", e.name);
        let parents: Vec<usize> = path.match_indices('/').map(|(i, _)| i).filter(|i| *i > 0).collect();
        for i in parents {
            io.call("make-dir", path[..i].into())?;
        }
        if e.folder {
            io.call("make-dir", path.as_str().into())?;
        } else if let Err(why) = io.write_file(&path, e.content)? {
            return io.fail(2, format!("tar: {}: Cannot open: {why}", e.name));
        } else {
            io.call("chmod", map! { "path" => path, "mode" => u32::from(e.mode) }.into())?;
        }
    }
    Ok(0)
}

fn gather(io: &mut Io<'_>, path: &str, name: &str, entries: &mut Vec<tar::Entry>) -> Flow<i32> {
    let stat = io.call("stat", path.into())?;
    if stat.is_null() {
        io.errln(format!("tar: {path}: Cannot stat: No such file or directory"));
        return Ok(2);
    }
    let mode = super::int(&stat, "mode") as u16 & 0o7777;
    let names = io.call("list-dir", path.into())?;
    if names.is_null() {
        let content = io.read_file(path)?.unwrap_or_default();
        entries.push(tar::Entry { name: name.into(), content, folder: false, mode });
        return Ok(0);
    }
    entries.push(tar::Entry { name: name.into(), content: Str::new(), folder: true, mode });
    let mut code = 0;
    for child in names.items() {
        let child = child.as_str().trim_end_matches('/');
        code |= gather(
            io,
            &format!("{}/{child}", path.trim_end_matches('/')),
            &format!("{}/{child}", name.trim_end_matches('/')),
            entries,
        )?;
    }
    Ok(code)
}

fn base64(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    const SPEC: Spec = Spec::new("dDiw:", &[("decode", 'd'), ("wrap", 'w'), ("ignore-garbage", 'i')], 1);
    let o = parse(io, args, &SPEC)?;
    let mut code = 0;
    let Some((_, text)) = super::inputs(io, "base64", &o.rest, &mut code)?.into_iter().next() else { return Ok(code) };
    if o.has('d') || o.has('D') {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let Some(bytes) = base64::decode(&plain) else { return io.fail(1, "base64: invalid input") };
        io.out(String::from_utf8_lossy(&bytes));
        return Ok(0);
    }
    let width = o.value('w').and_then(|w| w.parse().ok()).unwrap_or(76);
    let encoded = base64::encode(text.as_bytes());
    if width == 0 {
        io.out(encoded);
        return Ok(0);
    }
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(width));
        io.outln(line);
        rest = after;
    }
    Ok(0)
}
