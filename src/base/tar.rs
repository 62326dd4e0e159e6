//! tar archives (ustar), as far as text files and folders go.

use super::Str;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    pub name: Str,
    pub content: Str,
    pub folder: bool,
    pub mode: u16,
}

const BLOCK: usize = 512;

/// An archive of these entries. Names beyond 100 bytes are cut off.
pub fn write(entries: &[Entry]) -> String {
    let mut out = String::new();
    for e in entries {
        let mut header = String::with_capacity(BLOCK);
        let mut name = e.name.trim_start_matches('/').to_owned();
        if e.folder {
            name.push('/');
        }
        while name.len() > 99 {
            name.pop();
        }
        field(&mut header, &name, 100);
        field(&mut header, &format!("{:07o}", e.mode), 8);
        field(&mut header, "0000000", 8);
        field(&mut header, "0000000", 8);
        field(&mut header, &format!("{:011o}", e.content.len()), 12);
        field(&mut header, "00000000000", 12);
        header.push_str("        ");
        header.push(if e.folder { '5' } else { '0' });
        field(&mut header, "", 100);
        header.push_str("ustar\u{0}00");
        field(&mut header, "root", 32);
        field(&mut header, "root", 32);
        let rest = BLOCK - header.len();
        field(&mut header, "", rest);
        let sum: u32 = header.bytes().map(u32::from).sum();
        header.replace_range(148..156, &format!("{sum:06o}\u{0} "));
        out += &header;
        out += &e.content;
        field(&mut out, "", (BLOCK - e.content.len() % BLOCK) % BLOCK);
    }
    field(&mut out, "", 2 * BLOCK);
    out
}

/// Appends a text, filled up with zero bytes.
fn field(out: &mut String, text: &str, width: usize) {
    out.push_str(text);
    out.extend(std::iter::repeat_n('\0', width.saturating_sub(text.len())));
}

/// The entries of an archive, up to what is none.
pub fn read(text: &str) -> Vec<Entry> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(header) = rest.get(..BLOCK).filter(|h| !h.starts_with('\0')) {
        let part = |from: usize, to: usize| header.get(from..to).unwrap_or("").trim_end_matches(['\0', ' ']);
        let octal = |text: &str| usize::from_str_radix(text, 8);
        let (Ok(size), Ok(mode)) = (octal(part(124, 136)), octal(part(100, 108))) else { break };
        let Some(content) = rest.get(BLOCK..BLOCK + size) else { break };
        let name = part(0, 100).trim_end_matches('/').into();
        out.push(Entry { name, content: content.into(), folder: part(156, 157) == "5", mode: mode as u16 });
        rest = rest.get(BLOCK + size.div_ceil(BLOCK) * BLOCK..).unwrap_or("");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Entry, read, write};

    #[test]
    fn what_is_written_is_read() {
        let entries = [
            Entry { name: "a".into(), content: "".into(), folder: true, mode: 0o755 },
            Entry { name: "a/\u{d55c}.txt".into(), content: "x".repeat(700).into(), folder: false, mode: 0o600 },
        ];
        let text = write(&entries);
        assert_eq!(text.len() % 512, 0);
        assert_eq!(read(&text), entries);
        assert!(read("no archive").is_empty());
    }
}
