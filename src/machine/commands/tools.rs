//! Small tools that look at files and text: `tree`, `file`, `md5sum`, `sha256sum`, `od`, `xxd`, `column`,
//! `paste`, `comm`.

use super::options::{Spec, parse};
use super::{inputs, row};
use crate::api::Value;
use crate::base::{Str, hash};
use crate::machine::program::{Command, Flow, Io};

pub static TREE: Command = row("tree", ["show folders as a tree", "폴더를 나무 모양으로 보여 줍니다"], tree);
pub static FILE: Command = row("file", ["tell what a file holds", "파일의 종류를 알려 줍니다"], file);
pub static MD5SUM: Command = row("md5sum", ["MD5 of files", "파일의 MD5를 계산합니다"], sum);
pub static SHA256SUM: Command = row("sha256sum", ["SHA-256 of files", "파일의 SHA-256을 계산합니다"], sum);
pub static OD: Command = row("od", ["dump bytes", "바이트를 출력합니다"], od);
pub static XXD: Command = row("xxd", ["dump bytes in hexadecimal", "바이트를 16진수로 출력합니다"], xxd);
pub static COLUMN: Command = row("column", ["align columns", "열을 맞춥니다"], column);
pub static PASTE: Command = row("paste", ["join lines side by side", "줄을 나란히 붙입니다"], paste);
pub static COMM: Command = row("comm", ["compare sorted files", "정렬된 파일을 비교합니다"], comm);

const TREE_SPEC: Spec = Spec::new("adfL:ipugshDCnF", &[], 1);

fn tree(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &TREE_SPEC)?;
    let depth = o.value('L').and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let roots = if o.rest.is_empty() { vec![Str::from(".")] } else { o.rest.clone() };
    let (mut folders, mut files) = (0_u32, 0_u32);
    for root in roots {
        if io.call("list-dir", (&root).into())?.is_null() {
            io.outln(format!("{root} [error opening dir]"));
            continue;
        }
        io.outln(&root);
        // Paths still to show, the next last: with what stands before them.
        let mut queue = below(io, &root, "", o.has('a'), o.has('d'))?;
        while let Some((path, before, last)) = queue.pop() {
            let own = io.call("lstat", path.as_str().into())?;
            let link = own.get("link").map(|l| format!(" -> {}", l.as_str())).unwrap_or_default();
            let folder = own.get("folder").and_then(Value::as_bool).unwrap_or(false);
            if folder {
                folders += 1
            } else {
                files += 1
            }
            let name = if o.has('f') { path.as_str() } else { path.rsplit('/').next().unwrap_or(&path) };
            io.outln(format!("{before}{}{name}{link}", if last { "└── " } else { "├── " }));
            let level = before.chars().count() / 4 + 2;
            if folder && level <= depth {
                let next = format!("{before}{}", if last { "    " } else { "│   " });
                let more = below(io, &path, &next, o.has('a'), o.has('d'))?;
                queue.extend(more);
            }
        }
    }
    let word = |n: u32, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let files = if o.has('d') { String::new() } else { format!(", {}", word(files, "file", "files")) };
    io.outln(format!("\n{}{files}", word(folders, "directory", "directories")));
    Ok(0)
}

type Branch = (String, String, bool);

/// What lies in a folder, the last name first.
fn below(io: &mut Io<'_>, folder: &str, before: &str, all: bool, folders: bool) -> Flow<Vec<Branch>> {
    let names = io.call("list-dir", folder.into())?;
    let kept = |n: &&Value| {
        let name = n.as_str();
        (all || !name.starts_with('.')) && (!folders || name.ends_with('/'))
    };
    let mut out: Vec<Branch> = names
        .items()
        .iter()
        .filter(kept)
        .map(|n| {
            (format!("{}/{}", folder.trim_end_matches('/'), n.as_str().trim_end_matches('/')), before.to_owned(), false)
        })
        .collect();
    if let Some(last) = out.last_mut() {
        last.2 = true;
    }
    out.reverse();
    Ok(out)
}

fn file(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("biLsz", &[("brief", 'b'), ("mime", 'i')], 1))?;
    if o.rest.is_empty() {
        return io.fail(1, "Usage: file [-bchikLlNnprsvz0] [--apple] [--mime-encoding] [--mime-type] file ...");
    }
    let width = o.rest.iter().map(|f| f.len() + 1).max().unwrap_or(0);
    for name in &o.rest {
        let own = io.call("lstat", name.into())?;
        let what = if own.is_null() {
            "cannot open (No such file or directory)".to_owned()
        } else if let Some(link) = own.get("link") {
            format!("symbolic link to `{}'", link.as_str())
        } else if own.get("folder").and_then(Value::as_bool) == Some(true) {
            "directory".to_owned()
        } else {
            match io.read_file(name)? {
                Ok(text) => kind(&text).to_owned(),
                Err(why) => format!("regular file, no read permission ({why})"),
            }
        };
        let label = if o.has('b') { String::new() } else { format!("{:width$} ", format!("{name}:")) };
        io.outln(format!("{label}{what}"));
    }
    Ok(0)
}

fn kind(text: &str) -> &'static str {
    match text.lines().next().unwrap_or("") {
        "" if text.is_empty() => "empty",
        first if first.starts_with("#!") && first.contains("bash") => {
            "Bourne-Again shell script, ASCII text executable"
        }
        first if first.starts_with("#!") => "POSIX shell script, ASCII text executable",
        "-----BEGIN CERTIFICATE-----" => "PEM certificate",
        "-----BEGIN RSA PRIVATE KEY-----" => "PEM RSA private key",
        _ if text.get(257..262) == Some("ustar") => "POSIX tar archive",
        _ if text.is_ascii() => "ASCII text",
        _ => "UTF-8 Unicode text",
    }
}

fn sum(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let name = args[0].as_str();
    let o = parse(io, args, &Spec::new("btcw", &[("check", 'c'), ("binary", 'b'), ("text", 't'), ("quiet", 'q')], 1))?;
    let digest = |text: &str| -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
        if name == "md5sum" { hex(&md5(text.as_bytes())) } else { hex(&hash::sha256(text.as_bytes())) }
    };
    let mut code = 0;
    for (file, text) in inputs(io, name, &o.rest, &mut code)? {
        if !o.has('c') {
            io.outln(format!("{}  {file}", digest(&text)));
            continue;
        }
        let mut failed = 0;
        for line in text.lines() {
            let Some((wanted, path)) = line.split_once("  ") else { continue };
            let fits = io.read_file(path)?.is_ok_and(|t| digest(&t) == wanted);
            io.outln(format!("{path}: {}", if fits { "OK" } else { "FAILED" }));
            failed += u32::from(!fits);
        }
        if failed > 0 {
            io.errln(format!("{name}: WARNING: {failed} computed checksum did NOT match"));
            code = 1;
        }
    }
    Ok(code)
}

/// RFC 1321.
fn md5(data: &[u8]) -> [u8; 16] {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let mut text = data.to_vec();
    text.push(0x80);
    while text.len() % 64 != 56 {
        text.push(0);
    }
    text.extend((data.len() as u64 * 8).to_le_bytes());
    let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in text.chunks(64) {
        let word = |i: usize| u32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]]);
        let [mut a, mut b, mut c, mut d] = state;
        for i in 0..64 {
            let (f, g) = match i / 16 {
                0 => ((b & c) | (!b & d), i),
                1 => ((d & b) | (!d & c), (5 * i + 1) % 16),
                2 => (b ^ c ^ d, (3 * i + 5) % 16),
                _ => (c ^ (b | !d), (7 * i) % 16),
            };
            let f = f.wrapping_add(a).wrapping_add(SINES[i]).wrapping_add(word(g));
            (a, d, c) = (d, c, b);
            b = b.wrapping_add(f.rotate_left(SHIFTS[i / 16][i % 4]));
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d]) {
            *kept = kept.wrapping_add(new);
        }
    }
    let mut out = [0; 16];
    for (i, part) in state.iter().enumerate() {
        out[4 * i..4 * i + 4].copy_from_slice(&part.to_le_bytes());
    }
    out
}

/// 2^32 times the sine of 1 to 64.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// `od` and `od -c`; `-A x`, `-t x1` as people type them.
fn od(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("cxbA:t:N:v", &[], 1))?;
    let mut code = 0;
    let text: String = inputs(io, "od", &o.rest, &mut code)?.into_iter().map(|(_, t)| t.to_string()).collect();
    let limit = o.value('N').and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let bytes = &text.as_bytes()[..text.len().min(limit)];
    let hex = o.value('A').is_some_and(|a| a == "x");
    let bare = o.value('A').is_some_and(|a| a == "n");
    let place = |at: usize| match (bare, hex) {
        (true, _) => String::new(),
        (_, true) => format!("{at:06x}"),
        _ => format!("{at:07o}"),
    };
    for (i, chunk) in bytes.chunks(16).enumerate() {
        let mut line = place(i * 16);
        if o.has('c') {
            for b in chunk {
                line += &match b {
                    b'\n' => "  \\n".to_owned(),
                    b'\t' => "  \\t".to_owned(),
                    b'\r' => "  \\r".to_owned(),
                    0 => "  \\0".to_owned(),
                    32..=126 => format!("   {}", char::from(*b)),
                    b => format!(" {b:03o}"),
                };
            }
        } else if o.value('t').is_some_and(|t| t == "x1") {
            line += &chunk.iter().map(|b| format!(" {b:02x}")).collect::<String>();
        } else {
            for pair in chunk.chunks(2) {
                let word = u32::from(pair[0]) | u32::from(pair.get(1).copied().unwrap_or(0)) << 8;
                line += &if o.has('x') { format!(" {word:04x}") } else { format!(" {word:06o}") };
            }
        }
        io.outln(line);
    }
    if !bare {
        io.outln(place(bytes.len()));
    }
    Ok(code)
}

fn xxd(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("pl:c:ru", &[], 1))?;
    let mut code = 0;
    let text: String = inputs(io, "xxd", &o.rest, &mut code)?.into_iter().map(|(_, t)| t.to_string()).collect();
    let limit = o.value('l').and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let bytes = &text.as_bytes()[..text.len().min(limit)];
    if o.has('r') {
        return io.fail(1, "xxd: -r is not modelled in this lab");
    }
    if o.has('p') {
        for chunk in bytes.chunks(30) {
            io.outln(chunk.iter().map(|b| format!("{b:02x}")).collect::<String>());
        }
        return Ok(code);
    }
    for (i, chunk) in bytes.chunks(16).enumerate() {
        let pairs: Vec<String> =
            chunk.chunks(2).map(|p| p.iter().map(|b| format!("{b:02x}")).collect::<String>()).collect();
        let shown: String = chunk.iter().map(|b| if (32..127).contains(b) { char::from(*b) } else { '.' }).collect();
        io.outln(format!("{:08x}: {:<39}  {shown}", i * 16, pairs.join(" ")));
    }
    Ok(code)
}

/// `-t`; without it lines stay as they are.
fn column(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("ts:o:c:x", &[("table", 't'), ("separator", 's')], 1))?;
    let mut code = 0;
    let text: String = inputs(io, "column", &o.rest, &mut code)?.into_iter().map(|(_, t)| t.to_string()).collect();
    if !o.has('t') {
        io.out(text);
        return Ok(code);
    }
    let rows: Vec<Vec<&str>> = (text.lines().filter(|l| !l.trim().is_empty()))
        .map(|l| match o.value('s') {
            Some(set) => l.split(|c: char| set.contains(c)).collect(),
            None => l.split_whitespace().collect(),
        })
        .collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    for r in &rows {
        let cells: Vec<String> = (r.iter().enumerate())
            .map(|(i, c)| if i + 1 == r.len() { (*c).to_owned() } else { format!("{c:<w$}", w = widths[i]) })
            .collect();
        io.outln(cells.join(o.value('o').map_or("  ", Str::as_str)));
    }
    Ok(code)
}

fn paste(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("d:s", &[("delimiters", 'd'), ("serial", 's')], 1))?;
    let between = o.value('d').map_or("\t".to_owned(), |d| super::echo::unescape(d).0);
    let mut code = 0;
    let texts = inputs(io, "paste", &o.rest, &mut code)?;
    if o.has('s') {
        for (_, text) in &texts {
            io.outln(text.lines().collect::<Vec<_>>().join(&between));
        }
        return Ok(code);
    }
    let columns: Vec<Vec<&str>> = texts.iter().map(|(_, t)| t.lines().collect()).collect();
    for i in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        let cells: Vec<&str> = columns.iter().map(|c| c.get(i).copied().unwrap_or("")).collect();
        io.outln(cells.join(&between));
    }
    Ok(code)
}

fn comm(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let o = parse(io, args, &Spec::new("123", &[], 1))?;
    let [a, b] = &o.rest[..] else {
        return io.fail(1, "comm: missing operand\nTry 'comm --help' for more information.");
    };
    let mut code = 0;
    let texts = inputs(io, "comm", &[a.clone(), b.clone()], &mut code)?;
    let [(_, left), (_, right)] = &texts[..] else { return Ok(1) };
    let (mut left, mut right) = (left.lines().peekable(), right.lines().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(code),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(l), Some(r)) => l.cmp(r),
        };
        let (column, line) = match order {
            std::cmp::Ordering::Less => ('1', left.next()),
            std::cmp::Ordering::Greater => ('2', right.next()),
            std::cmp::Ordering::Equal => {
                left.next();
                ('3', right.next())
            }
        };
        if o.has(column) {
            continue;
        }
        let before = ['1', '2'].iter().filter(|c| **c < column && !o.has(**c)).count();
        io.outln(format!("{}{}", "\t".repeat(before), line.unwrap_or("")));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn md5_of_rfc_1321() {
        let hex = |text: &str| super::md5(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    }
}
